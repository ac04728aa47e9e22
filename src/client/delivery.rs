//! Messages on their roads: given to their recipients or to the registry.
//!
//! Which road that is, `road` says; what is not answered there is for `retrying`.
//! Invariants: nothing is sent before it is committed; a conversation's messages start in order; a deposit is
//! committed as "the registry may have it" before it is sent.

use std::time::Duration;

use super::committed::After;
use super::directory::Knowledge;
use super::outbox::{Outgoing, Stage};
use super::road::{Road, Why};
use super::stalling::Lack;
use super::storage::Key;
use super::{Client, Timer};
use crate::client::interface::{Event, What};
use crate::client::storage::Request;
use crate::client::to::To;
use crate::engine::{Action, Context};
use crate::id::{EnvelopeHash, IdentityId, Sequence, Slot};
use crate::identity::Card;
use crate::limits::{ATTEMPTS_TOTAL, DIRECT_BUDGET, DIRECT_HANDSHAKE_BUDGET, REQUEST_RETRY};
use crate::transport::{Connect, SessionId};
use crate::wire::envelope::{Body, Envelope, Party, Recipient};
use crate::wire::message::{Deposit, Forward, ToPeer, ToRegistry};
use crate::wire::packet::Service;

/// Sessions that may break under a message before it goes to the registry.
pub(super) const DIRECT_TRIES_MAX: u8 = 3;
/// Initials to a peer's address, one a second each, or on a slow line more seldom.
const PEER_INITIALS: u32 = 3;
/// Addresses of a peer tried at once: two of his own network's, and the observed one.
const PEER_ADDRESSES_MAX: usize = 3;
/// Messages of which it is being committed at once that the registry may have them: a batch for the disk, and no more
/// to ask again while it is full.
const MARKING_MAX: usize = 256;
/// How soon a full send buffer is looked at again.
pub(super) const ROOM_INTERVAL: Duration = Duration::from_millis(20);

impl Client {
    pub(super) fn pump_all(&mut self, cx: &Context<'_>) {
        for to in self.outbox.names() {
            self.pump(cx, &to);
        }
    }

    /// Sends what can be sent to everybody who has this identity.
    pub(super) fn pump_peer(&mut self, cx: &Context<'_>, id: IdentityId) {
        let mut all = self.directory.names_of(id);
        all.extend(self.contacts.keys_of(id));
        for to in all {
            self.pump(cx, &to);
        }
    }

    /// Sends of one conversation what can be sent now, in order.
    pub(super) fn pump(&mut self, cx: &Context<'_>, to: &str) {
        loop {
            let Some(conversation) = self.outbox.conversation(to) else {
                return;
            };
            let Some(&key) = conversation.queue.first().filter(|_| !self.is_held_up(to)) else {
                return;
            };
            let Some(message) = self.outbox.get(key) else {
                return;
            };
            if self.out.is_clogged() {
                self.stalled.wait(to, Lack::Disk);
                return;
            }
            let road = self.road(cx, to, key, message);
            let waits = message.waits;
            if road.is_open() {
                self.outbox.goes(key, cx.now.at);
            }
            let done = match road {
                Road::Direct(session, card) => self.deliver(cx, to, key, session, &card),
                Road::Deposit(card, why) => self.deposit(cx, to, key, Some(&card), why),
                Road::Post => self.deposit(cx, to, key, None, Why::Room),
                Road::Connect(card) => {
                    self.connect_peer(cx, to, key, &card);
                    true
                }
                Road::Call(address) => {
                    self.call(cx, key, address);
                    true
                }
                Road::Pin(card) => {
                    self.pin_conversation(to, card);
                    false
                }
                Road::LookUp => {
                    self.look_up_recipient(cx, key);
                    false
                }
                Road::LookUpUntil(at) => {
                    self.look_up_recipient(cx, key);
                    self.timers.set(Timer::Conversation(to.to_owned()), at);
                    false
                }
                Road::Until(at) => {
                    self.timers.set(Timer::Conversation(to.to_owned()), at);
                    false
                }
                Road::PutOff(at) => {
                    self.timers.set(Timer::Conversation(to.to_owned()), at);
                    // For long, or perhaps so, and that was said: it waits, and so does what follows it.
                    if waits || at.since(cx.now.at) >= ATTEMPTS_TOTAL {
                        self.tell_waiting(cx, to);
                    }
                    false
                }
                Road::Later => false,
                Road::Nowhere => {
                    self.tell_contested(to);
                    self.tell_waiting(cx, to);
                    false
                }
            };
            if !done {
                return;
            }
        }
    }

    fn look_up_recipient(&mut self, cx: &Context<'_>, key: Key) {
        if let Some(name) = self.outbox.get(key).and_then(|message| message.to.name()) {
            self.look_up(cx, &name.clone());
        }
    }

    fn pin_conversation(&mut self, to: &str, card: Card) {
        let Some(conversation) = self.outbox.conversation_mut(to) else {
            return;
        };
        if let Some(name) = conversation.to.name().cloned() {
            conversation.pinning = true;
            self.pin(name, card);
        }
    }

    /// Calls somebody, for a message.
    fn connect_peer(&mut self, cx: &Context<'_>, to: &str, key: Key, card: &Card) {
        self.journal.note(key, cx.now, What::Called);
        let addresses = self.directory.addresses(to);
        // An Initial is the longest of packets, and goes over his line, too.
        let registry = self.link.session();
        let first = registry.map_or(Duration::ZERO, |registry| self.first_round_trip(cx, registry));
        let interval = DIRECT_HANDSHAKE_BUDGET.max(first * 2);
        let mut attempts = std::collections::BTreeSet::new();
        for address in addresses.iter().take(PEER_ADDRESSES_MAX) {
            let attempt = self.next_attempt();
            attempts.insert(attempt);
            self.out.push(Action::Connect(Connect {
                attempt,
                address: *address,
                service: Service::Peer,
                expect: Some(card.id),
                interval,
                initials: PEER_INITIALS,
            }));
        }
        self.peers.connecting(card.id, addresses, attempts, cx.now.at);
    }

    /// How long a direct receipt may take.
    pub(super) fn budget(cx: &Context<'_>, session: SessionId) -> Duration {
        cx.sessions
            .path(session)
            .map_or(DIRECT_BUDGET, |path| DIRECT_BUDGET.max(path.probe_timeout * 3))
    }

    /// The envelope's bytes: the same however often it is sealed.
    pub(super) fn seal(&mut self, key: Key, card: Option<&Card>) -> Option<Vec<u8>> {
        let pair = match card {
            Some(card) => Some(self.pair_key(&card.key)?),
            None => None,
        };
        let message = self.outbox.get(key)?;
        let recipient = match (&message.to, card) {
            (To::Peer(name), Some(card)) => Recipient::Peer(Party {
                name: name.clone(),
                id: card.id,
            }),
            (To::Room(hall), None) => Recipient::Room(hall.clone()),
            (To::At(address), Some(card)) => Recipient::Peer(Party {
                name: self.contacts.met(*address)?.0.clone(),
                id: card.id,
            }),
            (To::Peer(_) | To::At(_), None) | (To::Room(_), Some(_)) => return None,
        };
        let envelope = Envelope {
            sender: Party {
                name: self.config.name.clone(),
                id: self.me.id(),
            },
            recipient,
            slot: message.slot,
            sent_at: message.sent_at,
            body: Body::Plain(message.text.clone()),
        };
        let bytes = match &pair {
            Some(pair) => envelope.seal(pair),
            None => envelope.sign(&self.me),
        };
        if let Some(message) = self.outbox.get_mut(key) {
            message.hash = Some(EnvelopeHash::of(&bytes));
            message.recipient = card.copied();
        }
        Some(bytes)
    }

    fn forward(&mut self, key: Key, card: Option<&Card>) -> Option<Forward> {
        // Once the registry may have it, it stays sealed for whom it was.
        let fixed = self.outbox.get(key)?;
        let card = fixed.sealed_for().or(card.copied());
        let slot = fixed.slot;
        let envelope = self.seal(key, card.as_ref())?;
        Some(Forward {
            floor: self.floor(slot),
            envelope,
        })
    }

    /// Below it nothing of this conversation is sent any more, by the next run neither: what is delivered counts once that is
    /// committed.
    fn floor(&self, slot: Slot) -> Sequence {
        let first = Slot {
            sequence: Sequence(0),
            ..slot
        };
        let open = self.outbox.floor(slot.epoch, slot.sequence);
        let delivering = self.delivering.range(first..slot).next();
        delivering.map_or(open, |delivering| delivering.sequence.min(open))
    }

    /// Sends a message to its recipient. False if it has to wait for room.
    fn deliver(&mut self, cx: &Context<'_>, to: &str, key: Key, session: SessionId, card: &Card) -> bool {
        let limits = &self.config.limits;
        let (Some(conversation), Some(message)) = (self.outbox.conversation(to), self.outbox.get(key)) else {
            return false;
        };
        let (weight, bytes) = (message.weight(), conversation.direct_bytes);
        if conversation.direct >= limits.direct_messages
            || (conversation.direct > 0 && bytes + weight > limits.direct_bytes)
        {
            // Whatever becomes of one of those goes on with the next.
            return false;
        }
        if !self.hand_over(cx, key, session, card) {
            self.wait_for_room(cx, to, Lack::Peer);
            return false;
        }
        let stage = Stage::Direct { session, again: None };
        self.outbox.set_stage(key, stage, cx.now.at);
        self.timers
            .set(Timer::Message(key), cx.now.at + Self::budget(cx, session));
        true
    }

    /// Gives a message to a peer's session, if there is room.
    pub(super) fn hand_over(&mut self, cx: &Context<'_>, key: Key, session: SessionId, card: &Card) -> bool {
        let room = self.outbox.get(key).map_or(0, Outgoing::weight);
        if self.out.room(cx, session) < room {
            return false;
        }
        let Some(forward) = self.forward(key, Some(card)) else {
            return false;
        };
        let sent = self.out.send(cx, session, &ToPeer::Deliver(forward));
        if sent && let Some(message) = self.outbox.get_mut(key) {
            message.transmitted = true;
            self.note_sent(cx, key, session);
        }
        sent
    }

    /// Gives a message to the registry: for its recipient, or for a room. False if it has to wait for room.
    fn deposit(&mut self, cx: &Context<'_>, to: &str, key: Key, card: Option<&Card>, why: Why) -> bool {
        if let Some(until) = self.deposit_pause.until(cx.now.at) {
            self.stalled.wait(to, Lack::Registry);
            self.timers.set_by(Timer::Room, until);
            self.tell_waiting(cx, to);
            return false;
        }
        let (Some(session), Some(message)) = (self.link.registered(), self.outbox.get_mut(key)) else {
            return false;
        };
        let is_new = !std::mem::replace(&mut message.to_registry, true);
        let (weight, deposited, slot) = (message.weight(), message.deposited, message.slot);
        if !message.told_road && !message.told_waiting {
            message.told_road = true;
            if let To::Peer(to) = message.to.clone() {
                match why {
                    Why::NoAnswer => self.tell_of(slot, Event::NoAnswer { to }),
                    Why::Offline => self.tell_of(slot, Event::Offline { to }),
                    Why::Room => {}
                }
            }
        }
        if is_new {
            self.note_other_road(cx, to, key, card, why);
        }
        if !deposited {
            if self.outbox.marking >= MARKING_MAX {
                self.stalled.wait(to, Lack::Marks);
                return false;
            }
            self.outbox.set_stage(key, Stage::Marking, cx.now.at);
            let request = Request::Deposit {
                key,
                slot,
                recipient: card.copied(),
            };
            let card = card.copied();
            self.out.store_surely(request, After::Marked { key, slot, card });
            return true;
        }
        let limits = &self.config.limits;
        let (messages, bytes) = (self.outbox.depositing, self.outbox.depositing_bytes);
        if messages >= self.deposit_window() || (messages > 0 && bytes + weight > limits.deposit_bytes) {
            self.stalled.wait(to, Lack::Registry);
            return false;
        }
        if self.out.room(cx, session) < weight {
            self.wait_for_room(cx, to, Lack::Registry);
            return false;
        }
        let again = Stage::Depositing { again: REQUEST_RETRY };
        self.outbox.set_stage(key, again, cx.now.at);
        if self.ask_deposit(cx, session, key, card) {
            self.timers.set(Timer::Message(key), cx.now.at + REQUEST_RETRY);
            true
        } else {
            self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            self.wait_for_room(cx, to, Lack::Registry);
            false
        }
    }

    pub(super) fn ask_deposit(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        key: Key,
        card: Option<&Card>,
    ) -> bool {
        let Some(deposit) = self.sealed_deposit(cx, key, card) else {
            return false;
        };
        let sent = self.ask_registry(cx, session, &ToRegistry::Deposit(deposit));
        if sent && let Some(message) = self.outbox.get_mut(key) {
            message.transmitted = true;
            self.note_deposited(cx, key, session);
        }
        sent
    }

    /// Notes why a message goes to the registry that was not tried directly.
    fn note_other_road(&mut self, cx: &Context<'_>, to: &str, key: Key, card: Option<&Card>, why: Why) {
        let conversation = self.outbox.conversation(to);
        let is_behind = conversation.is_some_and(|conversation| conversation.is_behind(key));
        // For a former owner of the name, whom the registry alone may know, no session is tried.
        let is_his = match self.directory.knows(to) {
            Knowledge::Pinned(now) | Knowledge::Listed(now) => card.is_some_and(|card| card.id == now.id),
            Knowledge::Contested { .. } | Knowledge::Unknown => false,
        };
        let has_session = card.and_then(|card| self.peers.get(card.id)?.session).is_some();
        let what = match why {
            Why::Offline => What::Away,
            Why::NoAnswer if is_behind => What::Follows,
            Why::NoAnswer if is_his && !has_session => What::Unreached,
            Why::NoAnswer | Why::Room => return,
        };
        self.journal.note(key, cx.now, what);
    }

    pub(super) fn sealed_deposit(
        &mut self,
        cx: &Context<'_>,
        key: Key,
        card: Option<&Card>,
    ) -> Option<Deposit> {
        let age = self.life.age(cx.now.at);
        let left = self.outbox.get(key).map(|message| age.until(message.expires))?;
        let forward = self.forward(key, card)?;
        // What has no time left is for the registry to end: it may have the message from before.
        let ttl_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        Some(Deposit { forward, ttl_ms })
    }

    /// It is committed that the registry may have it, unless it has another number by now.
    pub(super) fn marked(&mut self, cx: &Context<'_>, key: Key, slot: Slot, card: Option<Card>) {
        if let Some(message) = self.outbox.get_mut(key)
            && message.slot == slot
        {
            message.recipient = card;
            let (to, stage) = (message.to.key(), message.stage);
            self.outbox.mark_deposited(key);
            self.plan_sweep(cx.now.at);
            if stage == Stage::Marking {
                self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            }
            self.pump(cx, &to);
        }
        self.serve(cx, Lack::Marks);
    }
}
