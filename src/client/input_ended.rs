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
    /// Messages for us that were shown until then, while more of them is due.
    shown: Option<u64>,
}

impl Client {
    /// Nothing more will be typed.
    pub(super) fn input_ended(&mut self, cx: &Context<'_>) {
        self.awaited = Some(self.still_awaited());
        self.timers.set(Timer::Settled, cx.now.at + ATTEMPTS_TOTAL);
    }

    fn still_awaited(&self) -> Awaited {
        let draining = self.registered() && !self.link.replayed;
        let due = draining || self.shelf.holds() || self.inbound.has_strangers();
        Awaited {
            messages: self.outbox.unsettled() + self.accepting.0 + self.early.len(),
            shown: due.then(|| self.out.incoming()),
        }
    }

    /// Something has happened: leaves if that was the last that was waited for.
    pub(super) fn leave_if_settled(&mut self, cx: &Context<'_>) {
        let Some(before) = self.awaited else {
            return;
        };
        let now = self.still_awaited();
        let coming = self.link.trying() || self.returning();
        if now.messages == 0 && now.shown.is_none() && !coming {
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
