//! What becomes of a message: receipts, the registry's answers, outcomes, and what is told of them.
//!
//! A receipt counts on whatever road and however late, if the recipient's tag holds. The user hears of a delivery
//! at once, because it is true already; of other ends see `ends`.
//! Invariants: delivered is final and beats all; an outcome is acknowledged, and a copy withdrawn, only after the
//! commit of what it says.

use super::committed::After;
use super::declined::{DepositPause, Want, pause};
use super::outbox::Stage;
use super::stalling::Lack;
use super::storage::{Finish, Key, Reach, State};
use super::{Client, Timer};
use crate::client::interface::{Refusal, Via, What};
use crate::client::storage::Request;
use crate::engine::Context;
use crate::id::{EnvelopeHash, Slot};
use crate::identity::Card;
use crate::limits::{REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::transport::SessionId;
use crate::wire::envelope::{Receipt, Verdict};
use crate::wire::message::{DepositRefusal, End, FromRegistry, Outcome, ToPeer, ToRegistry};

impl Client {
    pub(super) fn hear_registry(&mut self, cx: &Context<'_>, session: SessionId, message: FromRegistry) {
        self.link.asked_loosely = false;
        match message {
            FromRegistry::Registered(registered) => self.registered_as(cx, &registered),
            FromRegistry::RegistrationRefused { reason } => self.registration_refused(cx, reason),
            FromRegistry::Deregistered { counter } => self.deregistered(cx, counter),
            FromRegistry::Alive { counter } => self.alive(counter),
            FromRegistry::NotRegistered => self.not_registered(cx),
            FromRegistry::Found { record } => self.name_found(cx, record),
            FromRegistry::NotFound { name } => self.name_not_found(cx, &name),
            FromRegistry::Directory(page) => self.directory_page(cx, page),
            FromRegistry::Deposited { slot, hash } => self.deposited(cx, slot, hash),
            FromRegistry::DepositRefused { slot, reason } => self.deposit_refused(cx, slot, reason),
            FromRegistry::Conflict { slot } => self.deposit_conflict(cx, slot),
            FromRegistry::Busy(busy) => match busy.of {
                Some(slot) => self.deposit_put_off(cx, slot, busy.reason, pause(busy.retry_after_ms)),
                None => self.registration_put_off(cx, busy.reason, pause(busy.retry_after_ms)),
            },
            FromRegistry::Withdrawn { slot } => {
                self.withdrawals.copies.remove(&slot);
                self.timers.clear(&Timer::Withdraw(slot));
            }
            FromRegistry::Outcome(outcome) => self.outcome(cx, outcome),
            FromRegistry::Forward { place, forward } => self.forwarded(cx, session, place, forward),
            FromRegistry::Replayed { forwards } => {
                if self.link.replay.announced(forwards) {
                    self.replayed(cx);
                }
            }
            FromRegistry::RoomAnswer(answer) => self.room_answer(cx, answer),
            FromRegistry::Memberships(page) => self.memberships(cx, page),
            FromRegistry::Post(post) => self.post_came(cx, post),
            FromRegistry::RoomNews(news) => self.room_news(news),
        }
        if self.link.session() == Some(session) {
            self.answered(cx, session);
        }
        self.serve(cx, Lack::Registry);
    }

    pub(super) fn hear_peer(&mut self, cx: &Context<'_>, session: SessionId, card: Card, message: ToPeer) {
        match message {
            ToPeer::Deliver(forward) => self.delivered_here(cx, session, card, forward),
            ToPeer::Receipt(receipt) => {
                self.receipt(cx, &receipt, Via::Peer, Some(card));
                self.serve(cx, Lack::Registry);
            }
            ToPeer::Busy(busy) => self.peer_busy(cx, &card, &busy),
            ToPeer::Introduce { name } => self.introduced(cx, session, card, &name),
        }
    }

    /// Whether the recipient has said this of what we sealed for him.
    fn holds(&mut self, receipt: &Receipt, recipient: &Card, hash: EnvelopeHash) -> bool {
        let pair = self.pair_key(&recipient.key);
        let holds = receipt.hash == hash && pair.is_some_and(|pair| receipt.verify(recipient.id, &pair));
        if !holds {
            tracing::debug!(id = ?receipt.id, "receipt does not hold");
        }
        holds
    }

    /// What was sealed for a message: the hash, and for whom. Sealed again if this run has not done so.
    pub(super) fn sealed(&mut self, key: Key) -> Option<(EnvelopeHash, Card)> {
        let message = self.outbox.get(key)?;
        let card = match message.recipient {
            Some(card) => card,
            None => self.pinned_card(message)?,
        };
        if message.hash.is_none() && message.transmitted {
            self.seal(key, Some(&card))?;
        }
        self.outbox.get(key)?.hash.map(|hash| (hash, card))
    }

    /// The hash of what was sealed for a message, for whomever that is.
    fn sealed_hash(&mut self, key: Key) -> Option<EnvelopeHash> {
        let message = self.outbox.get(key)?;
        if message.to.room().is_none() {
            return self.sealed(key).map(|(hash, _)| hash);
        }
        if message.hash.is_none() {
            self.seal(key, None)?;
        }
        self.outbox.get(key)?.hash
    }

    /// A receipt: it counts if it holds.
    fn receipt(&mut self, cx: &Context<'_>, receipt: &Receipt, via: Via, peer: Option<Card>) {
        if receipt.id.sender != self.me.id() {
            return;
        }
        let slot = receipt.id.slot;
        let Some(key) = self.outbox.key_of(slot) else {
            self.late_receipt(cx, receipt, via);
            return;
        };
        let Some((hash, card)) = self.sealed(key) else {
            return;
        };
        if peer.is_some_and(|peer| peer.id != card.id) {
            return;
        }
        let acknowledge = (via == Via::Registry).then_some(slot);
        if !self.holds(receipt, &card, hash) {
            if via == Via::Registry && receipt.hash == hash {
                // The registry has let go of it, and will tell nothing else.
                self.refuse(cx, key, Refusal::Unproven, acknowledge);
            }
            return;
        }
        match receipt.verdict {
            Verdict::Received => {
                if let Some(address) = self.outbox.get(key).and_then(|message| message.to.address()) {
                    self.contacts.lets_us_in(address);
                }
                self.journal.answered(key, cx.now, via, receipt.at);
                self.delivered(cx, key, via);
            }
            Verdict::Skipped => self.refuse(cx, key, Refusal::Skipped, acknowledge),
            // Acknowledged once the new number is committed.
            Verdict::Conflict => self.conflict(cx, key),
        }
    }

    /// A receipt for a message that had ended already: delivered beats all.
    fn late_receipt(&mut self, cx: &Context<'_>, receipt: &Receipt, via: Via) {
        let slot = receipt.id.slot;
        let acknowledge = (via == Via::Registry).then_some(slot);
        let ended = self.outbox.ended(slot).cloned();
        let Some(ended) = ended.filter(|_| receipt.verdict == Verdict::Received) else {
            self.acknowledge_unknown(cx, slot, acknowledge);
            return;
        };
        if !self.holds(receipt, &ended.recipient, ended.hash) {
            self.acknowledge(cx, acknowledge);
            return;
        }
        self.outbox.forget_ended(slot);
        self.journal.answered(ended.key, cx.now, via, receipt.at);
        let event = self.end_event(ended.to, ended.sent_at, Finish::Delivered);
        self.tell_state(event, (ended.key, slot), State::Ended(Finish::Delivered));
        self.finish_delivered(cx, ended.key, (slot, acknowledge), None);
    }

    /// Acknowledges what is told of a message that is not open here, unless its delivery is not committed yet: then
    /// a crash would leave nobody who knows of it. It will be told again.
    fn acknowledge_unknown(&mut self, cx: &Context<'_>, slot: Slot, acknowledge: Option<Slot>) {
        if !self.delivering.contains(&slot) {
            self.acknowledge(cx, acknowledge);
        }
    }

    fn finish_delivered(
        &mut self,
        cx: &Context<'_>,
        key: Key,
        (slot, acknowledge): (Slot, Option<Slot>),
        sealed: Option<(EnvelopeHash, Card)>,
    ) {
        self.delivering.insert(slot);
        self.finish(
            cx,
            key,
            Finish::Delivered,
            sealed,
            After::Delivered {
                key,
                slot,
                acknowledge,
            },
        );
    }

    /// A delivery is committed: the registry may forget the message.
    pub(super) fn delivery_committed(
        &mut self,
        cx: &Context<'_>,
        key: Key,
        (slot, acknowledge): (Slot, Option<Slot>),
    ) {
        self.outbox.free_place(key);
        self.delivering.remove(&slot);
        self.acknowledge(cx, acknowledge);
        if let Some(Some(_)) = self.withdrawals.copies.get(&slot) {
            self.withdraw(cx, slot);
        }
    }

    pub(super) fn finish(
        &mut self,
        cx: &Context<'_>,
        key: Key,
        end: Finish,
        sealed: Option<(EnvelopeHash, Card)>,
        after: After,
    ) {
        let request = Request::Finish {
            key,
            end,
            sealed,
            at: cx.now.wall,
        };
        self.out.store_surely(request, after);
    }

    /// The recipient has it.
    fn delivered(&mut self, cx: &Context<'_>, key: Key, via: Via) {
        self.timers.clear(&Timer::Message(key));
        let Some(message) = self.outbox.remove(key) else {
            return;
        };
        self.outbox.keep_place(key, message.text.len());
        self.journal.end(key);
        self.inquiries.answered(key);
        self.plan_sweep(cx.now.at);
        let in_time = via == Via::Peer
            && !message.told_road
            && !message.told_waiting
            && matches!(message.stage, Stage::Direct { again: None, .. });
        let event = if in_time {
            self.received_event(message.to.clone())
        } else {
            self.end_event(message.to.clone(), message.sent_at, Finish::Delivered)
        };
        self.tell_state(event, (key, message.slot), State::Ended(Finish::Delivered));
        let sealed = message.hash.zip(message.recipient);
        let acknowledge = (via == Via::Registry).then_some(message.slot);
        self.finish_delivered(cx, key, (message.slot, acknowledge), sealed);
        if via == Via::Peer {
            self.withdraw_copy(&message);
        }
        let folded = message.to.key();
        self.gathered(cx, &folded);
        self.pump(cx, &folded);
    }

    /// Tells the registry that an outcome is committed.
    pub(super) fn acknowledge(&mut self, cx: &Context<'_>, slot: Option<Slot>) {
        if let (Some(slot), Some(session)) = (slot, self.link.registered()) {
            self.tell_registry(cx, session, &ToRegistry::OutcomeAck { slot });
        }
    }

    /// The registry keeps it.
    fn deposited(&mut self, cx: &Context<'_>, slot: Slot, hash: EnvelopeHash) {
        self.deposit_window = self.deposit_window.saturating_add(1);
        let Some(key) = self.outbox.key_of(slot) else {
            if let Some(again @ None) = self.withdrawals.copies.get_mut(&slot) {
                *again = Some(REQUEST_RETRY);
                self.withdraw(cx, slot);
            }
            return;
        };
        let Some(message) = self.outbox.get_mut(key) else {
            return;
        };
        if message.hash != Some(hash)
            || !message.deposited
            || matches!(
                message.stage,
                Stage::Stored | Stage::Conflicted | Stage::Ending | Stage::Marking
            )
        {
            // What it has had for long does not say that its disk takes more.
            if self.inquiries.answered(key) {
                self.journal.note(key, cx.now, What::Kept { within: None });
            }
            return;
        }
        message.stored = true;
        let (to, folded) = (message.to.clone(), message.to.key());
        // It was under way, even if it was taken back meanwhile. All that was put off goes on once this message is dealt
        // with.
        self.deposit_pause = DepositPause::default();
        self.name_listed(&folded);
        self.timers.clear(&Timer::Message(key));
        self.outbox.set_stage(key, Stage::Stored, cx.now.at);
        self.journal.kept(key, cx.now);
        self.tell_state(self.stored_event(to), (key, slot), State::Stored);
        if let Some(store_id) = self.link.store_id {
            let stored = Request::Stored {
                key,
                slot,
                store_id,
                at: cx.now.wall,
            };
            self.out.store_surely(stored, After::Nothing);
        }
        self.gathered(cx, &folded);
        self.go_on(cx, &folded);
    }

    pub(super) fn deposit_window(&self) -> usize {
        self.deposit_window.min(self.config.limits.deposits)
    }

    fn deposit_refused(&mut self, cx: &Context<'_>, slot: Slot, reason: DepositRefusal) {
        let Some(key) = self.outbox.key_of(slot) else {
            self.nothing_to_withdraw(slot);
            return;
        };
        let Some(message) = self.outbox.get(key) else {
            return;
        };
        match message.stage {
            Stage::Stored => {
                self.inquiry_refused(cx, key, reason);
                return;
            }
            // It was handed back, and he may have it by now; if he does not answer, the registry is asked anew.
            Stage::Direct { .. } => return,
            _ => {}
        }
        let (to, lives) = (message.to.key(), message.expires > self.life.age(cx.now.at));
        match reason {
            // The name was ours to believe when it was sealed: it may come back.
            DepositRefusal::NoSuchName if lives => {
                self.lookups.unlist(to.clone());
                if self.put_off(cx, key, Want::Name, REQUEST_RETRY_MAX) {
                    self.journal.note(key, cx.now, What::Declined(reason));
                    self.tell_one_waiting(cx, key);
                }
                self.pump(cx, &to);
            }
            DepositRefusal::NoSuchName => self.expired(cx, key, None),
            DepositRefusal::NotMember | DepositRefusal::NoSuchRoom => {
                self.refuse(cx, key, Refusal::Registry(reason), None);
                self.doubt_rooms(cx);
            }
            _ => self.refuse(cx, key, Refusal::Registry(reason), None),
        }
    }

    fn deposit_conflict(&mut self, cx: &Context<'_>, slot: Slot) {
        self.nothing_to_withdraw(slot);
        if let Some(key) = self.outbox.key_of(slot)
            && self
                .outbox
                .get(key)
                .is_some_and(|message| matches!(message.stage, Stage::Depositing { .. } | Stage::Queued))
        {
            self.conflict(cx, key);
        }
    }

    /// How a deposited message ended.
    fn outcome(&mut self, cx: &Context<'_>, outcome: Outcome) {
        let slot = outcome.slot;
        let key = self.outbox.key_of(slot);
        self.nothing_to_withdraw(slot);
        match outcome.end {
            End::Answered(receipt) if receipt.id.slot == slot => {
                self.receipt(cx, &receipt, Via::Registry, None);
            }
            End::Answered(_) => tracing::debug!(?slot, "outcome of something else"),
            End::Expired { .. } | End::Refused { .. } | End::Posted { .. } => match key {
                Some(key) if self.sealed_hash(key) == Some(outcome.hash) => match outcome.end {
                    End::Posted { received, of } => {
                        self.reached(cx, key, Reach { received, of }, slot);
                    }
                    End::Refused { reason } => {
                        self.refuse(cx, key, Refusal::Registry(reason), Some(slot));
                    }
                    _ => self.expired(cx, key, Some(slot)),
                },
                _ => self.acknowledge_unknown(cx, slot, Some(slot)),
            },
        }
    }
}
