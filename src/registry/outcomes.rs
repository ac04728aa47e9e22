//! How messages end: receipts, acknowledgements, expiry (PROTOCOL §8.4).
//!
//! A recipient's answer, or the end of a lifetime, turns a message into its outcome, in place; the outcome is told to
//! its sender until he has committed it. Only answers to what was forwarded in this stay are heard, and only once
//! each: everything else was answered before, or is nobody's.
//! Invariant: an outcome is told only after it is committed.

use std::time::Duration;

use crate::clock::{Age, Instant};
use crate::engine::{Context, StoreFault};
use crate::id::{MessageId, Slot};
use crate::limits::{OUTCOME_LIFETIME, REQUEST_RETRY, REQUEST_RETRY_MAX, SWEEP_DELAY};
use crate::registry::Registry;
use crate::registry::lane::{Key, LaneKind, LaneOf};
use crate::registry::out::Pending;
use crate::registry::storage::{Answer, Ending, MemberId, Notice, Reply, Request, Row};
use crate::registry::timers::Timer;
use crate::wire::envelope::Receipt;
use crate::wire::message::{Busy, BusyReason, End, Outcome};

/// The least that a client's "later" is taken for: he cannot make us read his mail all the time.
const PUT_OFF_MIN: Duration = Duration::from_millis(100);

impl Registry {
    /// The recipient's answer to a message that was forwarded to him.
    pub(super) fn receipt(&mut self, cx: &Context<'_>, member: MemberId, receipt: Receipt) {
        let Some(sender) = self.members.by_identity(&receipt.id.sender) else {
            return;
        };
        let key = (sender, receipt.id.slot);
        let keep_until = self.keep_until(cx.now.at);
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let lane = LaneOf {
            member,
            stay: seat.stay,
            kind: LaneKind::Mail,
        };
        let Some(row) = seat.mail.answer(&key).map(|flight| flight.row) else {
            return;
        };
        self.ending.insert(key);
        let end = End::Answered(receipt);
        let answer = Answer {
            row,
            recipient: member,
            sender,
            slot: receipt.id.slot,
            hash: receipt.hash,
            end,
            keep_until,
        };
        self.expect_expiry(cx.now.at, keep_until);
        let outcome = Outcome {
            slot: receipt.id.slot,
            hash: receipt.hash,
            end,
        };
        self.out.store(
            Request::Answer(Box::new(answer)),
            Pending::Answer {
                lane,
                key,
                row,
                outcome,
            },
        );
    }

    /// An answer is committed, or not.
    pub(super) fn answer_done(
        &mut self,
        cx: &Context<'_>,
        (lane, key): (LaneOf, Key),
        (row, outcome): (Row, Outcome),
        reply: Result<Reply, StoreFault>,
    ) {
        self.ending.remove(&key);
        match reply {
            Ok(Reply::Ended(ending)) => {
                if let Ending::Freed(bytes) = ending {
                    self.quotas.release(lane.member, key.0, bytes);
                }
                if matches!(ending, Ending::Freed(_) | Ending::Revived) {
                    self.quotas.add_outcome(key.0);
                }
                self.flight_over(cx, lane, &key);
                if ending != Ending::Nothing {
                    let notice = Notice {
                        row,
                        slot: outcome.slot,
                        hash: outcome.hash,
                        end: outcome.end,
                    };
                    self.notify(cx, key.0, notice);
                }
            }
            Ok(_) => tracing::error!("the store answered an answer with something else"),
            Err(fault) => {
                tracing::debug!(%fault, "answer not committed");
                self.flight_goes_on(cx, lane, &key);
            }
        }
    }

    /// The recipient cannot take a message now.
    pub(super) fn put_off(&mut self, cx: &Context<'_>, member: MemberId, busy: Busy<MessageId>) {
        let Some(sender) = self.members.by_identity(&busy.of.sender) else {
            return;
        };
        let wait = Duration::from_millis(busy.retry_after_ms.into()).clamp(PUT_OFF_MIN, REQUEST_RETRY_MAX);
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let (lane, key) = (&mut seat.mail, (sender, busy.of.slot));
        let due = match busy.reason {
            BusyReason::UnknownSender | BusyReason::Unhandled => lane.set_aside(cx.now.at, &key, wait),
            _ => lane.put_off(cx.now.at, &key, wait),
        };
        if let Some(due) = due {
            self.timers.set_earliest(Timer::Lane(member, LaneKind::Mail), due);
            self.pump(cx, member, LaneKind::Mail);
        }
    }

    /// A sender has committed an outcome.
    pub(super) fn outcome_ack(&mut self, member: MemberId, slot: Slot) {
        let key = (member, slot);
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let lane = LaneOf {
            member,
            stay: seat.stay,
            kind: LaneKind::Notices,
        };
        if self.ending.contains(&key) {
            // He was told that it expired; what is being committed is something else.
            seat.notices.outdate(&key);
        }
        if seat.notices.answer(&key).is_none() {
            return;
        }
        self.out.store(
            Request::Forget { sender: member, slot },
            Pending::Forget { lane, key },
        );
    }

    /// An outcome is forgotten, or not.
    pub(super) fn forget_done(
        &mut self,
        cx: &Context<'_>,
        lane: LaneOf,
        key: &Key,
        reply: Result<Reply, StoreFault>,
    ) {
        match reply {
            Ok(Reply::Forgotten(was_there)) => {
                if was_there {
                    self.quotas.drop_outcome(lane.member);
                }
                self.flight_over(cx, lane, key);
            }
            Ok(_) => tracing::error!("the store answered an acknowledgement with something else"),
            Err(fault) => {
                tracing::debug!(%fault, "outcome not forgotten");
                self.flight_goes_on(cx, lane, key);
            }
        }
    }

    /// Something ends at `age`: a sweep is due then, though not too soon after the start.
    pub(super) fn expect_expiry(&mut self, now: Instant, age: Age) {
        let at = self.age.instant_of(age).max(self.started + SWEEP_DELAY).max(now);
        self.timers.set_earliest(Timer::Expiry, at);
    }

    /// Whether anything may expire yet (PROTOCOL §8.4).
    pub(super) fn may_expire(&self, now: Instant) -> bool {
        now >= self.started + SWEEP_DELAY
    }

    /// Lifetimes may have ended.
    pub(super) fn sweep(&mut self, cx: &Context<'_>) {
        // The reply of a sweep under way names the next, but not what is deposited meanwhile.
        if self.sweeping || !self.out.has_store_room() {
            self.timers.set(Timer::Expiry, cx.now.at + REQUEST_RETRY);
            return;
        }
        self.sweeping = true;
        let request = Request::Expire {
            now: self.age.age(cx.now.at),
            at: cx.now.wall,
            keep_until: self.keep_until(cx.now.at),
        };
        self.out.store(request, Pending::Expire);
    }

    /// Lifetimes have ended.
    pub(super) fn sweep_done(&mut self, cx: &Context<'_>, reply: Result<Reply, StoreFault>) {
        self.sweeping = false;
        match reply {
            Ok(Reply::Expired {
                rows,
                posts,
                dropped,
                next,
            }) => {
                self.end_posts(cx, posts);
                for sender in dropped {
                    self.quotas.drop_outcome(sender);
                }
                if let Some(next) = next {
                    self.expect_expiry(cx.now.at, next);
                }
                for expired in rows {
                    self.quotas
                        .release(expired.recipient, expired.sender, expired.bytes);
                    self.quotas.add_outcome(expired.sender);
                    self.notify(cx, expired.sender, expired.notice);
                }
            }
            Ok(_) => tracing::error!("the store answered a sweep with something else"),
            Err(fault) => {
                tracing::debug!(%fault, "sweep not committed");
                self.timers.set(Timer::Expiry, cx.now.at + REQUEST_RETRY_MAX);
            }
        }
    }

    /// Until when an outcome of now is kept.
    pub(super) fn keep_until(&self, now: Instant) -> Age {
        self.age.age(now).after(OUTCOME_LIFETIME)
    }
}
