//! What the registry does not take for now: a name that nobody has, a mailbox without room, a disk that is full.
//!
//! What of it has another road meanwhile, `road` says; what is not answered at all is `retrying`'s business.
//! Invariant: what is put off has a time at which it goes again, and goes sooner when what it lacked is said to be there.

use std::time::Duration;

use super::outbox::{Outgoing, Stage};
use super::stalling::Lack;
use super::storage::Key;
use super::{Client, Timer};
use crate::client::interface::{Via, What};
use crate::clock::Instant;
use crate::engine::Context;
use crate::id::Slot;
use crate::limits::REQUEST_RETRY_MAX;
use crate::transport::SessionId;
use crate::wire::message::BusyReason;

/// Deposits at once, at least, however busy the registry is.
const DEPOSIT_WINDOW_MIN: usize = 4;
/// How long a busy answer may put us off.
const PAUSE_MAX: Duration = REQUEST_RETRY_MAX;
/// … and at least: whoever says "at once" is asked again a moment later all the same.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// How long a busy answer puts us off.
pub(super) fn pause(retry_after_ms: u32) -> Duration {
    Duration::from_millis(retry_after_ms.into()).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// Why the registry does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nobody has the name.
    Name,
    /// The mailbox is full.
    Room,
    /// We are too quick.
    Pace,
}

/// The registry does not take a message for now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declined {
    pub(super) want: Want,
    pub(super) at: Instant,
    pub(super) until: Instant,
}

impl Outgoing {
    /// What the registry has said of it, while that holds.
    pub(super) fn declined(&self, now: Instant) -> Option<Declined> {
        self.declined.filter(|declined| now < declined.until)
    }

    /// Somebody has the name: that nobody had it is no reason to wait any more.
    pub(super) fn name_is_there(&mut self) {
        self.declined = self.declined.filter(|declined| declined.want != Want::Name);
    }
}

/// How long nothing is deposited because the registry's disk takes nothing: each time twice as long, until it has taken
/// something. A whole message goes up with each try.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DepositPause {
    last: Duration,
    until: Instant,
}

impl DepositPause {
    /// Until when, if not for now.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        (now < self.until).then_some(self.until)
    }

    /// The registry's disk has failed, and it says when to come again. Those that fail together count once: whether this
    /// is the first.
    fn fail(&mut self, now: Instant, asked: Duration) -> bool {
        let first = self.until(now).is_none();
        if first {
            self.last = (self.last * 2).max(asked).min(REQUEST_RETRY_MAX);
            self.until = now + self.last;
        }
        first
    }
}

impl Client {
    /// The registry, unless its disk takes nothing.
    pub(super) fn keeper(&self, now: Instant) -> Option<SessionId> {
        let registry = self.link.registered()?;
        self.deposit_pause.until(now).is_none().then_some(registry)
    }

    /// The registry, unless it takes nothing, or not this message.
    pub(super) fn keeper_of(&self, now: Instant, key: Key) -> Option<SessionId> {
        let message = self.outbox.get(key)?;
        // It has no name for what is for an address.
        let takes = message.declined(now).is_none() && message.to.address().is_none();
        self.keeper(now).filter(|_| takes)
    }

    /// The registry is busy: this one and what follows it in its conversation wait. A full disk may last: what has no other
    /// road is told of as waiting; of a pace that was too quick a person need not know.
    pub(super) fn deposit_put_off(
        &mut self,
        cx: &Context<'_>,
        slot: Slot,
        reason: BusyReason,
        pause: Duration,
    ) {
        self.deposit_window = (self.deposit_window() / 2).max(DEPOSIT_WINDOW_MIN);
        let full = reason == BusyReason::Storage && self.deposit_pause.fail(cx.now.at, pause);
        self.put_off_from(cx, slot, reason, pause);
        if full {
            // Whoever waits for his turn to deposit goes another way, or is told.
            self.look_at_all(cx, Lack::Registry);
        }
    }

    /// Puts off a deposit, and what follows it in its conversation.
    fn put_off_from(&mut self, cx: &Context<'_>, slot: Slot, reason: BusyReason, pause: Duration) {
        let Some(key) = self.outbox.key_of(slot) else {
            self.nothing_to_withdraw(slot);
            return;
        };
        let Some((to, stage)) = self
            .outbox
            .get(key)
            .map(|message| (message.to.key(), message.stage))
        else {
            return;
        };
        if stage == Stage::Stored {
            self.inquiry_put_off(cx, key, pause);
        }
        let want = match reason {
            BusyReason::Storage => None,
            BusyReason::Overload => Some(Want::Room),
            BusyReason::Rate | BusyReason::UnknownSender | BusyReason::Unhandled => Some(Want::Pace),
        };
        let later: Vec<Key> = self
            .outbox
            .conversation(&to)
            .map(|conversation| conversation.parked.range(key..).copied().collect())
            .unwrap_or_default();
        for key in later {
            if self.outbox.get(key).is_some_and(Outgoing::is_depositing) {
                let by = Via::Registry;
                self.journal.note(key, cx.now, What::PutOff { by, reason, pause });
            }
            match want {
                Some(want) => {
                    self.put_off(cx, key, want, pause);
                }
                None => self.hand_back(cx, key),
            }
        }
        self.pump(cx, &to);
    }

    /// The registry did not keep it: all roads are open to it again.
    fn hand_back(&mut self, cx: &Context<'_>, key: Key) {
        if let Some(message) = self.outbox.get_mut(key)
            && matches!(message.stage, Stage::Depositing { .. } | Stage::Queued)
        {
            message.to_registry = false;
            message.direct_tries = 0;
            message.declined = None;
            self.timers.clear(&Timer::Message(key));
            self.outbox.set_stage(key, Stage::Queued, cx.now.at);
        }
    }

    /// Takes an asked deposit back into the queue for a while. Whether it was one.
    pub(super) fn put_off(&mut self, cx: &Context<'_>, key: Key, want: Want, pause: Duration) -> bool {
        let asked = self.outbox.get_mut(key).filter(|message| message.is_depositing());
        let Some(message) = asked else {
            return false;
        };
        message.declined = Some(Declined {
            want,
            at: cx.now.at,
            until: cx.now.at + pause,
        });
        let to = message.to.key();
        self.timers.clear(&Timer::Message(key));
        self.outbox.set_stage(key, Stage::Queued, cx.now.at);
        if want == Want::Name
            && let Some(conversation) = self.outbox.conversation_mut(&to)
        {
            conversation.nameless = true;
        }
        true
    }

    /// The registry is gone: unanswered deposits may go another way, and what it has said of others counts no more.
    pub(super) fn requeue_deposits(&mut self, cx: &Context<'_>) {
        self.outbox.forget_declined();
        let asked: Vec<Key> = self
            .outbox
            .iter()
            .filter(|(_, message)| {
                message.is_depositing() || (message.stage == Stage::Queued && message.to_registry)
            })
            .map(|(key, _)| key)
            .collect();
        for key in asked {
            if self.outbox.get(key).is_some_and(Outgoing::is_depositing) {
                self.journal.note(key, cx.now, What::RegistryGone);
            }
            self.hand_back(cx, key);
        }
    }
}
