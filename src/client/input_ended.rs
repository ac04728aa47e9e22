//! The end of the input: the program leaves once there is nothing more to wait for.
//!
//! `echo 'send bob hi' | udpchat …` is to end when bob or the server has the message, or when it is clear that it waits;
//! not before, because then nobody would send it. What an earlier run has left is waited for as well, or each run would
//! only send what the one before has accepted; and so is the mail that was kept for us.
//! Invariant: waiting ends: with the last state, or when nothing has moved for as long as the registry may take.

use super::{Client, Timer};
use crate::engine::Context;
use crate::limits::ATTEMPTS_TOTAL;

/// What was waited for when something moved last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Awaited {
    /// Messages without a state.
    messages: usize,
    /// What was told until then, while the mailbox is not drained.
    told: Option<u64>,
}

impl Client {
    /// Nothing more will be typed.
    pub(super) fn input_ended(&mut self, cx: &Context<'_>) {
        self.awaited = Some(self.still_awaited());
        self.timers.set(Timer::Settled, cx.now.at + ATTEMPTS_TOTAL);
    }

    fn still_awaited(&self) -> Awaited {
        let draining = self.registered() && !self.link.replayed;
        Awaited {
            messages: self.outbox.moving() + self.accepting.0 + self.early.len(),
            told: draining.then(|| self.out.told()),
        }
    }

    /// Something has happened: leaves if that was the last that was waited for.
    pub(super) fn leave_if_settled(&mut self, cx: &Context<'_>) {
        let Some(before) = self.awaited else {
            return;
        };
        let now = self.still_awaited();
        let coming = self.link.trying() || self.returning();
        if now.messages == 0 && now.told.is_none() && !coming {
            self.leave_unsettled(cx);
        } else if now != before {
            self.input_ended(cx);
        }
    }

    /// Nothing has moved for long, or nothing is left to wait for.
    pub(super) fn leave_unsettled(&mut self, cx: &Context<'_>) {
        self.awaited = None;
        self.timers.clear(&Timer::Settled);
        self.leave(cx);
    }
}
