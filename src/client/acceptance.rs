//! Messages into the outbox, and out of it when their time is over.
//!
//! What the outbox cannot take is refused before it is accepted, with the reason. Where a message goes from there
//! is `delivery`'s to decide.
//! Invariants: a message is accepted by its commit; a lifetime is ended here only while the registry cannot have
//! the message, and not within ten minutes of the start.

use std::net::SocketAddr;
use std::time::Duration;

use super::committed::After;
use super::directory::Knowledge;
use super::outbox::{Outgoing, Stage};
use super::storage::{Accept, Key, Unfinished};
use super::{Client, SWEEP_AFTER, Timer};
use crate::client::interface::{Event, NotAccepted, Notice, Text, What};
use crate::client::storage::Request;
use crate::client::to::To;
use crate::clock::{Age, Instant, Now, WallTime};
use crate::engine::Context;
use crate::id::{Name, Slot};
use crate::identity::Card;
use crate::limits::BODY_BYTES_MAX;

/// A message on its way into the outbox.
#[derive(Debug)]
pub(super) struct Accepting {
    to: To,
    text: String,
    pub(super) tag: Option<u64>,
    sent_at: WallTime,
    expires: Age,
    pin: Option<Card>,
    deposit: Option<Card>,
}

impl Client {
    /// The user has written something.
    pub(super) fn send(&mut self, cx: &Context<'_>, to: Name, text: Text) {
        if to.matches(&self.config.name) && text.body.len() <= BODY_BYTES_MAX {
            self.not_accepted(text.tag, NotAccepted::ToSelf);
        } else {
            match self.other_called(&to) {
                Some(address) => {
                    self.not_accepted(text.tag, NotAccepted::Ambiguous { name: to, address });
                }
                None => self.write(cx, To::Peer(to), text),
            }
        }
    }

    /// Where somebody calls himself so whom the user has written to by address, unless he is the one whom we know by that name.
    fn other_called(&self, name: &Name) -> Option<SocketAddr> {
        let (address, id) = self.contacts.called(name)?;
        let is_he = match self.directory.knows(&name.folded()) {
            Knowledge::Pinned(card) | Knowledge::Listed(card) | Knowledge::Contested { pinned: card, .. } => {
                card.id == id
            }
            Knowledge::Unknown => false,
        };
        (!is_he).then_some(address)
    }

    /// The user has written something for all who are in a room.
    pub(super) fn post(&mut self, cx: &Context<'_>, room: &Name, text: Text) {
        match self.rooms.named(room) {
            Some(room) => self.write(cx, To::Room(room.hall.clone()), text),
            None if self.rooms.is_entering(room) => match self.why_not(&text.body, 1) {
                Some(refusal) => self.not_accepted(text.tag, refusal),
                None => {
                    self.rooms.keep_early(room.clone(), text);
                    self.hurry(cx);
                }
            },
            None => self.not_accepted(text.tag, NotAccepted::NotInside(room.clone())),
        }
    }

    pub(super) fn write(&mut self, cx: &Context<'_>, to: To, text: Text) {
        if let Some(refusal) = self.why_not(&text.body, 1) {
            self.not_accepted(text.tag, refusal);
        } else if self.link.known() {
            self.accept(cx.now, to, text);
        } else {
            self.early.push_back((to, text));
            if !self.link.trying() && !self.returning() {
                self.refuse_early();
            }
        }
    }

    /// Why a text cannot be taken for so many recipients, if so.
    pub(super) fn why_not(&self, text: &str, recipients: usize) -> Option<NotAccepted> {
        let limits = &self.config.limits;
        let early = self
            .early
            .iter()
            .map(|(_, text)| text.body.len())
            .chain(self.rooms.early());
        // On disk, too: what is accepted now stands there beside what was delivered and is not committed as that.
        let (messages, bytes) = self.outbox.places();
        let messages = messages + self.accepting.0 + early.clone().count();
        let bytes = bytes + self.accepting.1 + early.sum::<usize>();
        if text.len() > BODY_BYTES_MAX {
            Some(NotAccepted::TooLarge(text.len()))
        } else if messages + recipients > limits.outbox_messages
            || bytes + recipients * text.len() > limits.outbox_bytes
        {
            Some(NotAccepted::OutboxFull)
        } else {
            None
        }
    }

    /// No registry is known, nor will one be soon: says of what was written that it is kept nowhere.
    pub(super) fn refuse_early(&mut self) {
        for (_, text) in std::mem::take(&mut self.early) {
            let reason = "no server was reached yet, so there is nowhere to keep it".to_owned();
            self.not_accepted(text.tag, NotAccepted::Storage(reason));
        }
        self.refuse_early_questions();
    }

    /// Says of a text that it is kept nowhere.
    pub(super) fn not_accepted(&mut self, tag: Option<u64>, reason: NotAccepted) {
        self.out.event(Notice {
            about: Vec::new(),
            tag,
            event: Event::NotAccepted(reason),
        });
    }

    /// Asks the store to accept a message.
    pub(super) fn accept(&mut self, now: Now, to: To, text: Text) {
        let to = match to {
            To::Peer(name) => To::Peer(self.directory.spelling(&name)),
            other @ (To::Room(_) | To::At(_)) => other,
        };
        let key = to.key();
        let (card, pin) = match self.directory.knows(&key) {
            Knowledge::Pinned(card) => (Some(card), None),
            Knowledge::Listed(card) => (Some(card), Some(card)),
            Knowledge::Contested { .. } | Knowledge::Unknown => (None, None),
        };
        // If it will be deposited anyhow, that is committed with it.
        let deposit = card.filter(|card| {
            self.keeper(now.at).is_some()
                && !self.is_leaving()
                && self.directory.offline(&key)
                && self.peers.get(card.id).is_none_or(|peer| peer.session.is_none())
                && !self.renewals.has(&key)
        });
        let accepting = Accepting {
            expires: self.life.age(now.at).after(self.config.time_to_live),
            sent_at: now.wall,
            to,
            text: text.body,
            tag: text.tag,
            pin,
            deposit,
        };
        self.accepting.0 += 1;
        self.accepting.1 += accepting.text.len();
        let request = Request::Accept(Accept {
            to: accepting.to.clone(),
            text: accepting.text.clone(),
            sent_at: accepting.sent_at,
            expires: accepting.expires,
            pin,
            deposit,
            fresh: self.fresh_epoch(),
        });
        self.out.store(request, After::Accepted(Box::new(accepting)));
    }

    pub(super) fn accepting_over(&mut self, accepting: &Accepting) {
        self.accepting.0 -= 1;
        self.accepting.1 -= accepting.text.len();
    }

    /// The message is in the outbox.
    pub(super) fn accepted(&mut self, cx: &Context<'_>, accepting: Accepting, key: Key, slot: Slot) {
        self.accepting_over(&accepting);
        if let (Some(card), Some(name)) = (accepting.pin, accepting.to.name()) {
            self.directory.pin(name, card);
        }
        self.journal.begin(key, cx.now, What::Accepted);
        let (to, address) = (accepting.to.key(), accepting.to.address());
        let event = Event::Accepted {
            to: accepting.to.clone(),
        };
        self.out.event(Notice {
            about: vec![self.named(slot)],
            tag: accepting.tag,
            event,
        });
        self.outbox.insert(
            key,
            Outgoing {
                to: accepting.to,
                slot,
                text: accepting.text,
                sent_at: accepting.sent_at,
                expires: accepting.expires,
                stored: false,
                deposited: accepting.deposit.is_some(),
                recipient: accepting.deposit,
                hash: None,
                stage: Stage::Queued,
                queued_at: cx.now.at,
                not_before: Instant::ZERO,
                declined: None,
                to_registry: false,
                direct_tries: 0,
                slowed_since: None,
                unknown_since: None,
                transmitted: false,
                told_road: false,
                told_waiting: false,
                waits: false,
            },
        );
        self.plan_sweep(cx.now.at);
        self.pump(cx, &to);
        if self
            .outbox
            .get(key)
            .is_some_and(|message| message.stage == Stage::Queued)
        {
            match address {
                Some(address) => self.hurry_call(cx, address),
                None => self.hurry(cx),
            }
        }
    }

    /// An unfinished message of an earlier run.
    pub(super) fn resume(&mut self, now: Now, message: Unfinished) {
        let stage = if message.stored {
            Stage::Stored
        } else {
            Stage::Queued
        };
        self.journal.begin(message.key, now, What::Resumed);
        self.outbox.insert(
            message.key,
            Outgoing {
                to: message.to,
                slot: message.slot,
                text: message.text,
                sent_at: message.sent_at,
                expires: message.expires,
                stored: message.stored,
                deposited: message.deposited,
                recipient: message.recipient,
                hash: None,
                stage,
                queued_at: now.at,
                not_before: Instant::ZERO,
                declined: None,
                to_registry: false,
                direct_tries: 0,
                slowed_since: None,
                unknown_since: None,
                transmitted: true,
                told_road: true,
                told_waiting: false,
                waits: false,
            },
        );
    }

    /// Sets the deadline at which the first lifetime ends here.
    pub(super) fn plan_sweep(&mut self, now: Instant) {
        match self.outbox.first_lifetime() {
            Some((expires, _)) => {
                let at = self.life.instant_of(expires).max(self.started.at + SWEEP_AFTER);
                self.timers
                    .set(Timer::Sweep, at.max(now + Duration::from_millis(1)));
            }
            None => self.timers.clear(&Timer::Sweep),
        }
    }

    /// Ends what has lived its time and was never given to the registry.
    pub(super) fn sweep(&mut self, cx: &Context<'_>) {
        let age = self.life.age(cx.now.at);
        while let Some((expires, key)) = self.outbox.first_lifetime() {
            if expires > age {
                break;
            }
            self.outbox.forget_lifetime(expires, key);
            self.expired(cx, key, None);
        }
        self.plan_sweep(cx.now.at);
    }
}
