//! Messages for us: checked, committed, receipted, in this order.
//!
//! A message is taken only if it is for our identity, its sender is whom the name belongs to, and the tag of the
//! two holds, and from a peer only so fast. Whether it is new is the store's to say; showing it is `showing`'s.
//! Invariants: a receipt leaves only after the commit that it tells of, and where messages are handled after that of their
//! being so; a message from a name that cannot be checked leaves no trace.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::committed::After;
use super::directory::Knowledge;
use super::{Client, Timer};
use crate::client::interface::{Via, What};
use crate::client::storage::{Outcome, Receive, Received, Request};
use crate::clock::{Instant, Now};
use crate::engine::Context;
use crate::id::{EnvelopeHash, IdentityId, MessageId, Name};
use crate::identity::Card;
use crate::limits::{INBOUND_PEERS_MAX, INBOUND_UNIT_BYTES};
use crate::rate::{Bucket, Rate};
use crate::transport::SessionId;
use crate::wire::envelope::{Body, Envelope, Receipt, Recipient, Verdict};
use crate::wire::message::{Busy, BusyReason, Forward, ToPeer, ToRegistry};

/// Messages kept while their senders' names are looked up: one round trip's worth of first messages.
const STRANGERS_MAX: usize = 256;
/// Their bytes.
const STRANGERS_BYTES_MAX: usize = 1024 * 1024;
/// Names that the registry is asked for because peers claim them, all peers together: it follows only so many for us, and
/// they are there for those whom we write to. Who is put off comes with his mail, by way of the registry.
const CLAIMS: Rate = Rate::new(1, Duration::from_secs(10), 16);
/// Receipts that wait for room: more than a window of messages. What exceeds it is asked for again.
pub(super) const RECEIPTS_MAX: usize = 4_096;

/// "Later": the registry is away and will be asked.
const RETRY_UNKNOWN_MS: u32 = 5_000;
/// "Later": the user has to decide whom to trust.
const RETRY_CONTESTED_MS: u32 = 60_000;
/// "Later": the disk, or our leaving.
const RETRY_SOON_MS: u32 = 1_000;
/// "Later": too much at once. Long enough that a window of messages has room again.
const RETRY_PACE_MS: u32 = 250;

/// Where a message came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The sender himself, proven.
    Peer(SessionId, Card),
    Registry(SessionId),
}

impl Source {
    /// Whether it came out of the mailbox.
    pub(super) const fn is_registry(self) -> bool {
        matches!(self, Self::Registry(_))
    }

    const fn via(self) -> Via {
        match self {
            Self::Peer(..) => Via::Peer,
            Self::Registry(_) => Via::Registry,
        }
    }
}

/// A message being committed.
#[derive(Debug)]
pub(super) struct Inbound {
    source: Source,
    /// When it came.
    came: Now,
    /// The sender's card, for the receipt's tag.
    card: Card,
    pinned: bool,
    pub(super) id: MessageId,
    hash: EnvelopeHash,
    pub(super) from: Name,
    pub(super) sent_at: crate::clock::WallTime,
    pub(super) text: String,
    pub(super) stored: bool,
    pub(super) at: Option<SocketAddr>,
}

/// A message whose sender's name is being looked up.
#[derive(Debug)]
struct Stranger {
    folded: String,
    source: Source,
    forward: Forward,
}

/// An answer that waits for room.
#[derive(Debug)]
pub(super) enum Answer {
    Receipt(Source, Receipt),
    Busy(Source, Busy<MessageId>),
}

/// What is held between a message and its receipt.
#[derive(Debug, Default)]
pub(super) struct Reception {
    strangers: VecDeque<Stranger>,
    strangers_bytes: usize,
    answers: VecDeque<Answer>,
    /// Receipts for what is not handled yet: for each message to its sender, and (`true`) to the registry.
    pub(super) owed: BTreeMap<(MessageId, bool), (Source, Receipt)>,
    /// How much each peer has sent of late.
    paces: BTreeMap<IdentityId, Bucket>,
    /// How many names were asked for of late because peers claim them.
    claims: Bucket,
}

impl Reception {
    /// Whether messages wait for their sender to be known.
    pub(super) fn has_strangers(&self) -> bool {
        !self.strangers.is_empty()
    }

    /// How many those are.
    pub(super) fn strangers(&self) -> usize {
        self.strangers.len()
    }

    /// How many receipts wait for room, or for their messages to be handled.
    pub(super) fn receipts(&self) -> usize {
        self.answers.len() + self.owed.len()
    }

    pub(super) fn receipts_sent(&self) -> bool {
        self.answers.is_empty()
    }

    /// All sessions are closed: nobody waits for what is held.
    pub(super) fn forget_sessions(&mut self) {
        let paces = std::mem::take(&mut self.paces);
        *self = Self {
            paces,
            claims: self.claims,
            ..Self::default()
        };
    }
}

impl Client {
    /// A peer has sent a message.
    pub(super) fn delivered_here(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        card: Card,
        forward: Forward,
    ) {
        self.take_in(cx, Source::Peer(session, card), forward);
    }

    /// The registry has forwarded a message, in this place among all.
    pub(super) fn forwarded(&mut self, cx: &Context<'_>, session: SessionId, place: u64, forward: Forward) {
        self.take_in(cx, Source::Registry(session), forward);
        let was_over = self.link.replay.is_over();
        let is_last = self.link.replay.came(place);
        if !was_over {
            self.link.furthest = self.link.furthest.max(self.link.replay.places());
        }
        if is_last {
            self.replayed(cx);
        }
    }

    fn take_in(&mut self, cx: &Context<'_>, source: Source, forward: Forward) {
        let Ok(envelope) = Envelope::parse(&forward.envelope) else {
            tracing::debug!("envelope not understood");
            return;
        };
        let Recipient::Peer(recipient) = &envelope.recipient else {
            tracing::debug!(id = ?envelope.id(), "what is for a room comes out of its log");
            return;
        };
        let theirs = match source {
            Source::Peer(_, card) => card.id == envelope.sender.id,
            Source::Registry(_) => true,
        };
        if recipient.id != self.me.id() || !theirs || envelope.sender.id == self.me.id() {
            tracing::debug!(id = ?envelope.id(), "envelope is not for us, or not his");
            return;
        }
        if self.blocks(envelope.sender.id) {
            self.leave_waiting(cx, source, envelope.id());
            return;
        }
        if self.is_leaving() {
            self.put_off_sender(cx, source, envelope.id(), BusyReason::Overload, RETRY_SOON_MS);
            return;
        }
        if let Source::Peer(_, card) = source
            && !self.keeps_pace(cx.now.at, card.id, forward.envelope.len())
        {
            self.put_off_sender(cx, source, envelope.id(), BusyReason::Rate, RETRY_PACE_MS);
            return;
        }
        if let Source::Peer(session, card) = source
            && self.contacts.is_visit(session)
        {
            if self.takes_name(cx, session, card, &envelope.sender.name) {
                self.commit_inbound(cx, source, card, false, &forward, envelope);
            }
            return;
        }
        let folded = envelope.sender.name.folded();
        let sender = envelope.sender.id;
        match self.directory.knows(&folded) {
            Knowledge::Pinned(card) | Knowledge::Contested { pinned: card, .. } if card.id == sender => {
                self.commit_inbound(cx, source, card, false, &forward, envelope);
            }
            Knowledge::Listed(card) if card.id == sender => {
                self.commit_inbound(cx, source, card, true, &forward, envelope);
            }
            Knowledge::Pinned(_) | Knowledge::Contested { .. } => {
                // Anybody can say so: the user hears of it only if the registry says the same. Is our copy old?
                if self.is_to_be_asked(&folded) && self.asks_because_of(cx.now.at, source, &folded) {
                    self.look_up(cx, &envelope.sender.name);
                }
                let reason = BusyReason::UnknownSender;
                self.put_off_sender(cx, source, envelope.id(), reason, RETRY_CONTESTED_MS);
            }
            Knowledge::Listed(_) | Knowledge::Unknown => {
                self.ask_for_stranger(cx, source, forward, &envelope)
            }
        }
    }

    /// Whether a peer may send so much now: nobody is to fill our disk as fast as his line is.
    fn keeps_pace(&mut self, now: Instant, peer: IdentityId, bytes: usize) -> bool {
        let paces = &mut self.inbound.paces;
        if paces.len() >= INBOUND_PEERS_MAX && !paces.contains_key(&peer) {
            paces.retain(|_, pace| !pace.is_full(now));
            if paces.len() >= INBOUND_PEERS_MAX {
                return false;
            }
        }
        let units = u32::try_from(bytes / INBOUND_UNIT_BYTES)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let pace = paces.entry(peer).or_default();
        pace.take_many(now, &self.config.limits.inbound, units).is_ok()
    }

    /// Whether the registry is asked for a name because of this message. A peer can claim any name that there is.
    fn asks_because_of(&mut self, now: Instant, source: Source, folded: &str) -> bool {
        match source {
            Source::Registry(_) => true,
            Source::Peer(..) => {
                self.lookups.is_asked(folded) || self.inbound.claims.take(now, &CLAIMS).is_ok()
            }
        }
    }

    /// Keeps a message until its sender's name is looked up, or says "later".
    fn ask_for_stranger(&mut self, cx: &Context<'_>, source: Source, forward: Forward, envelope: &Envelope) {
        let bytes = forward.envelope.len();
        let full = self.inbound.strangers.len() >= STRANGERS_MAX
            || self.inbound.strangers_bytes + bytes > STRANGERS_BYTES_MAX;
        let folded = envelope.sender.name.folded();
        // What has overtaken the answer to our registration waits for that, too.
        let may_ask = self.link.registered().is_some() || matches!(source, Source::Registry(_));
        if !may_ask || full || !self.asks_because_of(cx.now.at, source, &folded) {
            let reason = BusyReason::UnknownSender;
            self.put_off_sender(cx, source, envelope.id(), reason, RETRY_UNKNOWN_MS);
            return;
        }
        self.inbound.strangers_bytes += bytes;
        self.inbound.strangers.push_back(Stranger {
            folded,
            source,
            forward,
        });
        self.look_up(cx, &envelope.sender.name);
    }

    /// Takes those who wait for this name out of the waiting.
    fn take_strangers(&mut self, folded: &str) -> Vec<Stranger> {
        let (theirs, others): (Vec<Stranger>, Vec<Stranger>) = std::mem::take(&mut self.inbound.strangers)
            .into_iter()
            .partition(|stranger| stranger.folded == folded);
        self.inbound.strangers = others.into();
        let bytes: usize = theirs
            .iter()
            .map(|stranger| stranger.forward.envelope.len())
            .sum();
        self.inbound.strangers_bytes -= bytes;
        theirs
    }

    /// Something is known of a name now.
    pub(super) fn judge_strangers(&mut self, cx: &Context<'_>, folded: &str) {
        let listed = self.directory.listed(folded);
        for stranger in self.take_strangers(folded) {
            let theirs = Envelope::parse(&stranger.forward.envelope)
                .is_ok_and(|envelope| listed.is_some_and(|card| card.id == envelope.sender.id));
            if theirs {
                self.take_in(cx, stranger.source, stranger.forward);
            } else {
                tracing::debug!(name = folded, "sender has another's name, or nobody's");
                self.put_off_stranger(cx, &stranger, RETRY_CONTESTED_MS);
            }
        }
    }

    /// The registry is away: nobody can be looked up.
    pub(super) fn put_off_strangers(&mut self, cx: &Context<'_>) {
        self.inbound.strangers_bytes = 0;
        for stranger in std::mem::take(&mut self.inbound.strangers) {
            self.put_off_stranger(cx, &stranger, RETRY_UNKNOWN_MS);
        }
    }

    fn put_off_stranger(&mut self, cx: &Context<'_>, stranger: &Stranger, retry_after_ms: u32) {
        if let Ok(envelope) = Envelope::parse(&stranger.forward.envelope) {
            let reason = BusyReason::UnknownSender;
            self.put_off_sender(cx, stranger.source, envelope.id(), reason, retry_after_ms);
        }
    }

    fn commit_inbound(
        &mut self,
        cx: &Context<'_>,
        source: Source,
        card: Card,
        pins: bool,
        forward: &Forward,
        envelope: Envelope,
    ) {
        // One identity has one key; a peer's was proven by the handshake.
        let card = match source {
            Source::Peer(_, proven) => proven,
            Source::Registry(_) => card,
        };
        let pair = self.pair_key(&card.key);
        if !pair.is_some_and(|pair| Envelope::verify(&forward.envelope, &pair)) {
            tracing::debug!(id = ?envelope.id(), "envelope's tag does not hold");
            // The registry cannot see that; it is not to hold up what others sent.
            if let Source::Registry(_) = source {
                let reason = BusyReason::UnknownSender;
                self.put_off_sender(cx, source, envelope.id(), reason, RETRY_CONTESTED_MS);
            }
            return;
        }
        let id = envelope.id();
        let Body::Plain(text) = envelope.body;
        let places = match source {
            Source::Peer(session, _) => self.contacts.places_of(session),
            Source::Registry(_) => Vec::new(),
        };
        let inbound = Inbound {
            source,
            came: cx.now,
            card,
            pinned: pins,
            id,
            hash: EnvelopeHash::of(&forward.envelope),
            from: envelope.sender.name,
            sent_at: envelope.sent_at,
            text,
            stored: source.is_registry(),
            at: places.first().copied(),
        };
        let request = Request::Receive(Receive {
            id,
            hash: inbound.hash,
            floor: forward.floor,
            from: inbound.from.clone(),
            pin: pins.then_some(card),
            sent_at: inbound.sent_at,
            text: inbound.text.clone(),
            stored: inbound.stored,
            room: None,
            address: inbound.at,
            at: cx.now.wall,
        });
        self.out.store(request, After::Received(Box::new(inbound)));
    }

    /// The message is committed, or was before.
    pub(super) fn received(&mut self, cx: &Context<'_>, inbound: Inbound, received: Received) {
        if inbound.pinned {
            self.directory.pin(&inbound.from, inbound.card);
        }
        let verdict = match received.outcome {
            Outcome::Fresh | Outcome::Duplicate => Verdict::Received,
            Outcome::Skipped => Verdict::Skipped,
            Outcome::Conflict => Verdict::Conflict,
        };
        match received.outcome {
            Outcome::Fresh => self.note_inbound(cx, &inbound, What::Committed),
            Outcome::Duplicate => self.note_inbound(cx, &inbound, What::Known),
            // That is another message's number.
            Outcome::Skipped | Outcome::Conflict => {}
        }
        if let Some(pair) = self.pair_key(&inbound.card.key) {
            let about = (inbound.id, inbound.hash);
            let receipt = Receipt::seal(about, verdict, received.at, self.me.id(), &pair);
            if self.is_unhandled(&received) {
                self.owe(cx, inbound.source, receipt);
            } else {
                self.answer(cx, Answer::Receipt(inbound.source, receipt));
            }
        }
        self.shelve(cx, inbound, received);
    }

    /// Notes that a message came, and what has become of it.
    fn note_inbound(&mut self, cx: &Context<'_>, inbound: &Inbound, what: What) {
        let via = inbound.source.via();
        self.journal
            .note_received(inbound.id, inbound.came, What::Came { via });
        self.journal.note_received(inbound.id, cx.now, what);
    }

    /// The disk did not take it.
    pub(super) fn not_received(&mut self, cx: &Context<'_>, inbound: &Inbound) {
        self.note_inbound(cx, inbound, What::NotCommitted);
        self.put_off_sender(cx, inbound.source, inbound.id, BusyReason::Storage, RETRY_SOON_MS);
    }

    pub(super) fn put_off_sender(
        &mut self,
        cx: &Context<'_>,
        source: Source,
        id: MessageId,
        reason: BusyReason,
        retry_after_ms: u32,
    ) {
        let busy = Busy {
            of: id,
            reason,
            retry_after_ms,
        };
        self.answer(cx, Answer::Busy(source, busy));
    }

    pub(super) fn answer(&mut self, cx: &Context<'_>, answer: Answer) {
        if self.inbound.answers.len() >= RECEIPTS_MAX {
            tracing::debug!("too many receipts wait for room");
            return;
        }
        self.inbound.answers.push_back(answer);
        self.send_receipts(cx);
    }

    /// Sends what answers there is room for; one full session does not hold up the others.
    pub(super) fn send_receipts(&mut self, cx: &Context<'_>) {
        for answer in std::mem::take(&mut self.inbound.answers) {
            if !self.send_answer(cx, &answer) {
                self.inbound.answers.push_back(answer);
            }
        }
        if !self.inbound.answers.is_empty() {
            self.timers
                .set_by(Timer::Room, cx.now.at + super::delivery::ROOM_INTERVAL);
        }
    }

    /// Whether the answer is sent, or nobody is there to take it.
    fn send_answer(&mut self, cx: &Context<'_>, answer: &Answer) -> bool {
        let (Answer::Receipt(source, _) | Answer::Busy(source, _)) = answer;
        let session = match *source {
            Source::Registry(session) if self.link.session() == Some(session) => session,
            Source::Registry(_) => return true,
            // He may have come back in a new session meanwhile.
            Source::Peer(session, _) if self.peers.card(session).is_some() => session,
            Source::Peer(_, card) => match self.peers.get(card.id).and_then(|peer| peer.session) {
                Some(session) => session,
                None => return true,
            },
        };
        let sent = match (answer, source) {
            (Answer::Receipt(_, receipt), Source::Peer(..)) => {
                self.out.send(cx, session, &ToPeer::Receipt(*receipt))
            }
            (Answer::Busy(_, busy), Source::Peer(..)) => self.out.send(cx, session, &ToPeer::Busy(*busy)),
            (Answer::Receipt(_, receipt), Source::Registry(_)) => {
                self.tell_registry(cx, session, &ToRegistry::Receipt(*receipt))
            }
            (Answer::Busy(_, busy), Source::Registry(_)) => {
                self.tell_registry(cx, session, &ToRegistry::Busy(*busy))
            }
        };
        if let Answer::Receipt(_, receipt) = answer
            && sent
            && receipt.verdict == Verdict::Received
        {
            let via = source.via();
            self.journal
                .note_received(receipt.id, cx.now, What::Receipted { via });
        }
        sent
    }
}
