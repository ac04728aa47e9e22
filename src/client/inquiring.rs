//! What the registry has kept for so long that it may have forgotten how it ended (PROTOCOL §8.4).
//!
//! Whoever stays away longer than ends are remembered is not told of them. So what is that old is deposited once more:
//! a registry that has it, or its end, says so; one that has neither keeps it anew, and the recipient says what he knows.
//! Invariants: a question changes nothing, only its answer does; questions are paced; once a message's is answered it is
//! not asked for again for a day, however often we register.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rand_core::Rng;

use super::outbox::{Outgoing, Stage};
use super::storage::Key;
use super::{Client, Timer};
use crate::client::interface::{Refusal, What};
use crate::clock::Instant;
use crate::engine::Context;
use crate::limits::{DEPOSITS_PER_SECOND, OUTCOME_LIFETIME, REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::wire::message::{DepositRefusal, ToRegistry};

/// Questions a second: a fifth of what the registry takes from a client for long.
const INQUIRIES_PER_SECOND: u32 = DEPOSITS_PER_SECOND / 5;
/// How often what is kept all the same is asked for.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Rounds are this far apart at least: what was asked for one by one is lined up together a day later.
const GATHER: Duration = REQUEST_RETRY_MAX;

/// What is asked for: at most one entry for each message.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    /// To be asked for in this session, in turn.
    due: VecDeque<Key>,
    /// Asked for in this session, and not answered.
    open: BTreeSet<Key>,
    /// When each was asked for last.
    asked: BTreeMap<Key, Instant>,
}

impl Inquiries {
    /// How many messages are asked for, or about to be.
    pub(super) fn len(&self) -> usize {
        self.due.len() + self.open.len()
    }

    /// The registry has said something of this message, or it has ended otherwise. Whether it was asked.
    pub(super) fn answered(&mut self, key: Key) -> bool {
        self.open.remove(&key)
    }

    /// When the next round begins: a day after the first of those that were asked for since.
    fn next_round(&self, now: Instant) -> Instant {
        let first = self.asked.values().min().copied().unwrap_or(now);
        (first + AGAIN).max(now + GATHER)
    }
}

impl Client {
    /// The registry has us: it is asked in a while, for most ends it tells unasked.
    pub(super) fn inquire_soon(&mut self, cx: &Context<'_>) {
        self.timers.set(Timer::Inquiry, cx.now.at + REQUEST_RETRY);
    }

    /// Asks for the next message, or begins another round. Not while the registry's disk takes nothing.
    pub(super) fn inquire(&mut self, cx: &Context<'_>) {
        if let Some(until) = self.deposit_pause.until(cx.now.at) {
            self.timers.set(Timer::Inquiry, until);
            return;
        }
        if self.inquiries.due.is_empty() {
            self.begin_round(cx);
        }
        if let Some(key) = self.inquiries.due.pop_front()
            && !self.inquire_for(cx, key)
        {
            self.inquiries.due.push_front(key);
        }
        let next = match self.inquiries.due.is_empty() {
            true => self.inquiries.next_round(cx.now.at),
            false => cx.now.at + Duration::from_secs(1) / INQUIRIES_PER_SECOND,
        };
        self.timers.set(Timer::Inquiry, next);
    }

    /// Lines up all that is doubtful and was not asked for of late, beginning anywhere: a run may end before the round
    /// does, each time.
    fn begin_round(&mut self, cx: &Context<'_>) {
        let (now, outbox) = (cx.now.at, &self.outbox);
        self.inquiries
            .asked
            .retain(|key, at| now.since(*at) < AGAIN && outbox.get(*key).is_some());
        self.inquiries.open.retain(|key| outbox.get(*key).is_some());
        let mut due = self.doubtful(cx);
        due.retain(|key| !self.inquiries.asked.contains_key(key));
        if due.len() > 1 {
            let anywhere = self.rng.next_u64() % due.len() as u64;
            due.rotate_left(usize::try_from(anywhere).unwrap_or(0));
        }
        self.inquiries.due = due;
    }

    /// What the registry has kept for too long. The clock on the wall may be wrong: then it is asked in vain.
    fn doubtful(&self, cx: &Context<'_>) -> VecDeque<Key> {
        let age = self.life.age(cx.now.at);
        let is_old = |message: &Outgoing| {
            message.expires <= age || cx.now.wall.since(message.sent_at) >= OUTCOME_LIFETIME
        };
        let doubtful = |(key, message): (Key, &Outgoing)| {
            (message.stage == Stage::Stored && is_old(message)).then_some(key)
        };
        self.outbox.iter().filter_map(doubtful).collect()
    }

    /// False if there is no room now.
    fn inquire_for(&mut self, cx: &Context<'_>, key: Key) -> bool {
        let stored = self
            .outbox
            .get(key)
            .filter(|message| message.stage == Stage::Stored);
        let (Some(session), Some(message)) = (self.link.registered(), stored) else {
            return true;
        };
        let recipient = message.recipient;
        let Some(mut deposit) = self.sealed_deposit(cx, key, recipient.as_ref()) else {
            return true;
        };
        // No time at all would say that it was never kept, and end it where there is no room.
        deposit.ttl_ms = deposit.ttl_ms.max(1);
        let deposit = ToRegistry::Deposit(deposit);
        let sent = self.ask_loosely(cx, session, &deposit);
        if sent {
            self.journal.note(key, cx.now, What::Inquired);
            self.inquiries.open.insert(key);
            self.inquiries.asked.insert(key, cx.now.at);
        }
        sent
    }

    /// The registry has forgotten it, and does not keep it anew. Want of room ends nothing, for the recipient may have it;
    /// nor does a name that may come back, before its time.
    pub(super) fn inquiry_refused(&mut self, cx: &Context<'_>, key: Key, reason: DepositRefusal) {
        if !self.inquiries.answered(key) {
            // The answer to a deposit that was repeated, and has been kept since.
            return;
        }
        let age = self.life.age(cx.now.at);
        let lives = self.outbox.get(key).is_some_and(|message| message.expires > age);
        match reason {
            DepositRefusal::MailboxFull | DepositRefusal::SenderFull | DepositRefusal::RegistryFull => {}
            DepositRefusal::NoSuchName if lives => {}
            DepositRefusal::NoSuchName => self.expired(cx, key, None),
            DepositRefusal::IdentityChanged
            | DepositRefusal::NotYours
            | DepositRefusal::Malformed
            | DepositRefusal::NoSuchRoom
            | DepositRefusal::NotMember
            | DepositRefusal::Released => self.refuse(cx, key, Refusal::Registry(reason), None),
        }
    }

    /// The registry cannot look now: it is asked again, after the others, and not at once.
    pub(super) fn inquiry_put_off(&mut self, cx: &Context<'_>, key: Key, pause: Duration) {
        if self.inquiries.answered(key) {
            self.inquiries.asked.remove(&key);
            self.inquiries.due.push_back(key);
            let again = cx.now.at + pause.max(REQUEST_RETRY);
            self.timers.set(Timer::Inquiry, again);
        }
    }

    /// The registry is away: nothing is asked, and what it has not answered was asked in vain.
    pub(super) fn inquiries_over(&mut self) {
        self.inquiries.due.clear();
        for key in std::mem::take(&mut self.inquiries.open) {
            self.inquiries.asked.remove(&key);
        }
        self.timers.clear(&Timer::Inquiry);
    }
}
