//! The unfinished messages in memory: what each is doing, and what its conversation has under way.
//!
//! Bookkeeping only; which road a message takes is `road`'s to decide.
//! Invariants: every message is in its conversation's `open`; in `queue` exactly while `Queued`, in `parked` exactly while
//! the registry is concerned with it (`marking` and `depositing` are parts of that), in `direct` exactly while a session
//! is; counts agree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::declined::Declined;
use crate::client::storage::{ENDED_MAX, Ended, Key};
use crate::client::to::To;
use crate::clock::{Age, Instant, WallTime};
use crate::id::{EnvelopeHash, Epoch, Sequence, Slot};
use crate::identity::Card;
use crate::transport::SessionId;

/// What a message is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waiting for its turn on a road.
    Queued,
    /// Sent to the recipient.
    Direct {
        session: SessionId,
        /// Its budget is over; it is repeated after this long.
        again: Option<Duration>,
    },
    /// Being committed as "the registry may have it".
    Marking,
    /// Sent to the registry; asked again after this long.
    Depositing { again: Duration },
    /// In the mailbox.
    Stored,
    /// Another message has its number: it gets a new one.
    Conflicted,
    /// Refused or expired; being committed.
    Ending,
}

/// An unfinished message.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) to: To,
    pub(super) slot: Slot,
    pub(super) text: String,
    pub(super) sent_at: WallTime,
    pub(super) expires: Age,
    pub(super) stored: bool,
    pub(super) deposited: bool,
    /// For whom it is sealed, once that is fixed.
    pub(super) recipient: Option<Card>,
    pub(super) hash: Option<EnvelopeHash>,
    pub(super) stage: Stage,
    pub(super) queued_at: Instant,
    /// On no road: its recipient is too busy, or his sessions break.
    pub(super) not_before: Instant,
    /// The registry has put it off: not deposited before.
    pub(super) declined: Option<Declined>,
    /// The direct road was tried in vain.
    pub(super) to_registry: bool,
    pub(super) direct_tries: u8,
    /// Since when its recipient says that we are too fast.
    pub(super) slowed_since: Option<Instant>,
    /// Since when its recipient has said only that he does not know who we are.
    pub(super) unknown_since: Option<Instant>,
    /// Somebody may have it under its present number.
    pub(super) transmitted: bool,
    /// The user has heard that it does not go directly.
    pub(super) told_road: bool,
    pub(super) told_waiting: bool,
    /// Nobody can take it now, as far as is known: not on a road, nor about to be.
    pub(super) waits: bool,
}

impl Outgoing {
    /// What it weighs in windows: its text, and what an envelope adds.
    pub(super) const fn weight(&self) -> usize {
        self.text.len() + 300
    }

    /// Whether the registry was asked to keep it, and has not answered.
    pub(super) const fn is_depositing(&self) -> bool {
        matches!(self.stage, Stage::Depositing { .. })
    }

    /// For whom it stays sealed because the registry may have it.
    pub(super) fn sealed_for(&self) -> Option<Card> {
        self.recipient.filter(|_| self.deposited)
    }

    /// Whether something will become of it by itself, and soon.
    fn moving(&self) -> bool {
        !self.waits && self.stage != Stage::Stored
    }

    /// Whether the registry is concerned with it.
    const fn parked(&self) -> bool {
        matches!(
            self.stage,
            Stage::Marking | Stage::Depositing { .. } | Stage::Stored
        )
    }
}

/// What one recipient is sent.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) to: To,
    pub(super) open: BTreeSet<Key>,
    pub(super) queue: BTreeSet<Key>,
    pub(super) parked: BTreeSet<Key>,
    /// Of those: what is being marked, and what the registry has not answered yet.
    marking: BTreeSet<Key>,
    depositing: BTreeSet<Key>,
    /// What is queued and not known to wait.
    going: BTreeSet<Key>,
    /// Since when `parked` is not empty.
    pub(super) parked_since: Instant,
    pub(super) direct: usize,
    pub(super) direct_bytes: usize,
    /// The pin is being committed.
    pub(super) pinning: bool,
    /// Something may be put off because nobody has the name.
    pub(super) nameless: bool,
}

impl Conversation {
    /// Whether the registry is concerned with an earlier one than this.
    pub(super) fn is_behind(&self, key: Key) -> bool {
        is_before(&self.parked, key)
    }

    /// Whether of an earlier one than this it is not committed yet that the registry may have it.
    pub(super) fn is_behind_mark(&self, key: Key) -> bool {
        is_before(&self.marking, key)
    }

    /// Whether the registry has not answered yet whether it keeps an earlier one than this.
    pub(super) fn is_behind_deposit(&self, key: Key) -> bool {
        is_before(&self.depositing, key)
    }
}

fn is_before(keys: &BTreeSet<Key>, key: Key) -> bool {
    keys.first().is_some_and(|first| *first < key)
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    messages: BTreeMap<Key, Outgoing>,
    conversations: BTreeMap<String, Conversation>,
    slots: BTreeMap<Slot, Key>,
    direct: BTreeMap<SessionId, BTreeSet<Key>>,
    /// Delivered, and still open on disk: their text bytes.
    delivered: BTreeMap<Key, usize>,
    /// Lifetimes that end here, not at the registry.
    lifetimes: BTreeSet<(Age, Key)>,
    ended: BTreeMap<Slot, Ended>,
    ended_order: VecDeque<Slot>,
    pub(super) bytes: usize,
    /// Messages that will be somewhere else soon, and their text bytes.
    moving: (usize, usize),
    pub(super) marking: usize,
    pub(super) depositing: usize,
    pub(super) depositing_bytes: usize,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Messages of which something will become soon: of each conversation that has a road, the next at least.
    pub(super) const fn moving(&self) -> usize {
        self.moving.0
    }

    pub(super) const fn moving_bytes(&self) -> usize {
        self.moving.1
    }

    /// How many places are taken in the outbox on disk, and text bytes.
    pub(super) fn places(&self) -> (usize, usize) {
        let bytes: usize = self.delivered.values().sum();
        (self.messages.len() + self.delivered.len(), self.bytes + bytes)
    }

    /// It is delivered, and gone from here; on disk it is open until that is committed.
    pub(super) fn keep_place(&mut self, key: Key, bytes: usize) {
        self.delivered.insert(key, bytes);
    }

    /// It is committed there that it is delivered.
    pub(super) fn free_place(&mut self, key: Key) {
        self.delivered.remove(&key);
    }

    pub(super) fn get(&self, key: Key) -> Option<&Outgoing> {
        self.messages.get(&key)
    }

    /// To change what no index depends on: not stage, slot, lifetime or recipient's name.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Outgoing> {
        self.messages.get_mut(&key)
    }

    pub(super) fn conversation(&self, to: &str) -> Option<&Conversation> {
        self.conversations.get(to)
    }

    pub(super) fn conversation_mut(&mut self, to: &str) -> Option<&mut Conversation> {
        self.conversations.get_mut(to)
    }

    /// All conversations' folded names.
    pub(super) fn names(&self) -> Vec<String> {
        self.conversations.keys().cloned().collect()
    }

    pub(super) fn key_of(&self, slot: Slot) -> Option<Key> {
        self.slots.get(&slot).copied()
    }

    /// The lowest sequence of an epoch that is not final; `or` if there is none.
    pub(super) fn floor(&self, epoch: Epoch, or: Sequence) -> Sequence {
        let lowest = Slot {
            epoch,
            sequence: Sequence(0),
        };
        match self.slots.range(lowest..).next() {
            Some((slot, _)) if slot.epoch == epoch => slot.sequence,
            _ => or,
        }
    }

    pub(super) fn insert(&mut self, key: Key, message: Outgoing) {
        let to = message.to.key();
        let conversation = self.conversations.entry(to).or_insert_with(|| Conversation {
            to: message.to.clone(),
            open: BTreeSet::new(),
            queue: BTreeSet::new(),
            parked: BTreeSet::new(),
            marking: BTreeSet::new(),
            depositing: BTreeSet::new(),
            going: BTreeSet::new(),
            parked_since: Instant::ZERO,
            direct: 0,
            direct_bytes: 0,
            pinning: false,
            nameless: false,
        });
        conversation.open.insert(key);
        self.slots.insert(message.slot, key);
        self.bytes += message.text.len();
        if !message.deposited {
            self.lifetimes.insert((message.expires, key));
        }
        let since = message.queued_at;
        self.messages.insert(key, message);
        self.index(key, since);
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Outgoing> {
        self.unindex(key);
        let message = self.messages.remove(&key)?;
        self.slots.remove(&message.slot);
        self.bytes -= message.text.len();
        self.lifetimes.remove(&(message.expires, key));
        let to = message.to.key();
        if let Some(conversation) = self.conversations.get_mut(&to) {
            conversation.open.remove(&key);
            if conversation.open.is_empty() {
                self.conversations.remove(&to);
            }
        }
        Some(message)
    }

    /// Moves a message to another stage.
    pub(super) fn set_stage(&mut self, key: Key, stage: Stage, now: Instant) {
        self.unindex(key);
        if let Some(message) = self.messages.get_mut(&key) {
            if stage == Stage::Queued && message.stage != Stage::Queued {
                message.queued_at = now;
            }
            message.stage = stage;
            message.waits = false;
        }
        self.index(key, now);
    }

    /// It has a road again.
    pub(super) fn goes(&mut self, key: Key, now: Instant) {
        self.set_waits(key, false, now);
    }

    fn set_waits(&mut self, key: Key, waits: bool, now: Instant) {
        if self.get(key).is_some_and(|message| message.waits != waits) {
            self.unindex(key);
            if let Some(message) = self.messages.get_mut(&key) {
                message.waits = waits;
            }
            self.index(key, now);
        }
    }

    /// Somebody has the name: what was put off because nobody had it need not wait.
    pub(super) fn name_is_there(&mut self, to: &str) {
        let Some(conversation) = self.conversations.get_mut(to) else {
            return;
        };
        if std::mem::take(&mut conversation.nameless) {
            for key in &conversation.open {
                if let Some(message) = self.messages.get_mut(key) {
                    message.name_is_there();
                }
            }
        }
    }

    /// Whatever was put off, that is over.
    pub(super) fn forget_declined(&mut self) {
        for message in self.messages.values_mut() {
            message.declined = None;
        }
    }

    /// Gives a message a new number; what was said of the old one no longer holds.
    pub(super) fn renumber(&mut self, key: Key, slot: Slot) {
        let Some(message) = self.messages.get_mut(&key) else {
            return;
        };
        self.slots.remove(&message.slot);
        self.slots.insert(slot, key);
        self.lifetimes.insert((message.expires, key));
        message.slot = slot;
        message.hash = None;
        message.recipient = None;
        message.stored = false;
        message.deposited = false;
        message.transmitted = false;
        message.direct_tries = 0;
        message.to_registry = false;
        message.declined = None;
    }

    /// From now on the registry judges its lifetime.
    pub(super) fn mark_deposited(&mut self, key: Key) {
        if let Some(message) = self.messages.get_mut(&key) {
            message.deposited = true;
            self.lifetimes.remove(&(message.expires, key));
        }
    }

    /// When the first lifetime that is judged here ends, and whose it is.
    pub(super) fn first_lifetime(&self) -> Option<(Age, Key)> {
        self.lifetimes.first().copied()
    }

    /// It is judged: no longer looked at.
    pub(super) fn forget_lifetime(&mut self, expires: Age, key: Key) {
        self.lifetimes.remove(&(expires, key));
    }

    /// Messages that a session was given and that are not answered.
    pub(super) fn direct_on(&self, session: SessionId) -> Vec<Key> {
        self.direct
            .get(&session)
            .map(|keys| keys.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Whose messages those are, by folded name.
    pub(super) fn given_to(&self, session: SessionId) -> BTreeSet<String> {
        let keys = self.direct.get(&session).into_iter().flatten();
        keys.filter_map(|key| Some(self.get(*key)?.to.key())).collect()
    }

    /// Queued messages of a conversation that are not known to wait.
    pub(super) fn going(&self, to: &str) -> Vec<Key> {
        let going = self.conversations.get(to).map(|conversation| &conversation.going);
        going.into_iter().flatten().copied().collect()
    }

    /// Notes that it waits, and that this is told now; says which message it is and for whom, unless it was told before.
    pub(super) fn tell_waiting(&mut self, key: Key, now: Instant) -> Option<(Slot, To)> {
        self.set_waits(key, true, now);
        let message = self.messages.get_mut(&key)?;
        let told = std::mem::replace(&mut message.told_waiting, true);
        (!told).then(|| (message.slot, message.to.clone()))
    }

    /// All messages, in the order accepted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Outgoing)> {
        self.messages.iter().map(|(key, message)| (*key, message))
    }

    /// Keeps what a late receipt needs; the oldest goes first.
    pub(super) fn remember_ended(&mut self, ended: Ended) {
        self.ended_order.push_back(ended.slot);
        self.ended.insert(ended.slot, ended);
        if self.ended_order.len() > ENDED_MAX
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
    }

    pub(super) fn ended(&self, slot: Slot) -> Option<&Ended> {
        self.ended.get(&slot)
    }

    pub(super) fn forget_ended(&mut self, slot: Slot) {
        if self.ended.remove(&slot).is_some() {
            self.ended_order.retain(|other| *other != slot);
        }
    }

    fn index(&mut self, key: Key, now: Instant) {
        let Some(message) = self.messages.get(&key) else {
            return;
        };
        let Some(conversation) = self.conversations.get_mut(&message.to.key()) else {
            return;
        };
        if message.moving() {
            self.moving.0 += 1;
            self.moving.1 += message.text.len();
        }
        if message.parked() {
            if conversation.parked.is_empty() {
                conversation.parked_since = now;
            }
            conversation.parked.insert(key);
        }
        match message.stage {
            Stage::Queued => {
                conversation.queue.insert(key);
                if !message.waits {
                    conversation.going.insert(key);
                }
            }
            Stage::Direct { session, .. } => {
                conversation.direct += 1;
                conversation.direct_bytes += message.weight();
                self.direct.entry(session).or_default().insert(key);
            }
            Stage::Depositing { .. } => {
                conversation.depositing.insert(key);
                self.depositing += 1;
                self.depositing_bytes += message.weight();
            }
            Stage::Marking => {
                conversation.marking.insert(key);
                self.marking += 1;
            }
            Stage::Stored | Stage::Conflicted | Stage::Ending => {}
        }
    }

    fn unindex(&mut self, key: Key) {
        let Some(message) = self.messages.get(&key) else {
            return;
        };
        if message.moving() {
            self.moving.0 -= 1;
            self.moving.1 -= message.text.len();
        }
        if let Some(conversation) = self.conversations.get_mut(&message.to.key()) {
            conversation.queue.remove(&key);
            conversation.going.remove(&key);
            conversation.parked.remove(&key);
            conversation.marking.remove(&key);
            conversation.depositing.remove(&key);
            if matches!(message.stage, Stage::Direct { .. }) {
                conversation.direct -= 1;
                conversation.direct_bytes -= message.weight();
            }
        }
        match message.stage {
            Stage::Direct { session, .. } => {
                if let Some(keys) = self.direct.get_mut(&session) {
                    keys.remove(&key);
                    if keys.is_empty() {
                        self.direct.remove(&session);
                    }
                }
            }
            Stage::Depositing { .. } => {
                self.depositing -= 1;
                self.depositing_bytes -= message.weight();
            }
            Stage::Marking => self.marking -= 1,
            Stage::Queued | Stage::Stored | Stage::Conflicted | Stage::Ending => {}
        }
    }
}
