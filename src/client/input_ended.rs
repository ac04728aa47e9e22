//! The end of the input: the program leaves once there is nothing more to wait for.
//!
//! `echo 'send bob hi' | udpchat …` is to end when bob or the server has the message, or when it is clear that it waits;
//! not before, because then nobody would send it. What an earlier run has left is waited for as well, or each run would
//! only send what the one before has accepted; and so is the mail that was kept for us.
//! Invariant: waiting ends: with the last state, or when nothing has moved for as long as the registry may take, and somebody
//! reads what we say, or has read of it since.

use super::{Client, Timer};
use crate::engine::Context;
use crate::limits::ATTEMPTS_TOTAL;

/// How far all had come when something moved last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    progress: Progress,
    /// Reading was resumed since, and waited for.
    resumed: bool,
}

/// It only grows, and with what is ours: whoever talks to us without end does not keep us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    /// States of our messages that were told.
    states: u64,
    /// Messages that came out of the mailbox while it was gone through; and how far it was at most, with what is left there.
    mail: u64,
    /// Questions about rooms, and about what is kept, that were answered; and pieces of what was to be forgotten.
    answers: u64,
}

impl Client {
    /// Nothing more will be typed.
    pub(super) fn input_ended(&mut self, cx: &Context<'_>) {
        self.awaited = Some(Awaited {
            progress: self.progress(),
            resumed: false,
        });
        self.wait_on(cx);
    }

    fn wait_on(&mut self, cx: &Context<'_>) {
        self.timers.set(Timer::Settled, cx.now.at + ATTEMPTS_TOTAL);
    }

    /// Whether nobody has read what there is to read for as long as the registry may take.
    fn is_unread(&self, cx: &Context<'_>) -> bool {
        let (_, unseen) = self.out.events_seen();
        unseen && cx.now.at.since(self.read_at) >= ATTEMPTS_TOTAL
    }

    /// Something of what we have said was read. Whoever begins to again is waited for as long as if something had moved:
    /// the answers to ours stand behind others. Once, for one line now and then is no end.
    pub(super) fn has_read(&mut self, cx: &Context<'_>) {
        let resumes = cx.now.at.since(self.read_at) >= ATTEMPTS_TOTAL;
        self.read_at = cx.now.at;
        if let Some(awaited) = &mut self.awaited
            && resumes
            && !std::mem::replace(&mut awaited.resumed, true)
        {
            self.wait_on(cx);
        }
    }

    const fn progress(&self) -> Progress {
        Progress {
            states: self.out.states(),
            mail: self.drained + self.link.furthest,
            answers: self.rooms.questions.number() + self.questions.moved(),
        }
    }

    /// Whether there is something to wait for.
    fn awaits(&self) -> bool {
        let draining = self.registered() && !self.link.replay.is_over();
        let mail = draining || self.shelf.holds() || self.inbound.has_strangers();
        let coming = self.link.trying() || self.starts_again() || self.returning();
        mail || coming
            || self.outbox.moving() > 0
            || !self.early.is_empty()
            || self.rooms.questions.len() > 0
            || self.questions.open() > 0
            || !self.out.settled()
    }

    /// Whether the first registration is about to be tried once more.
    fn starts_again(&self) -> bool {
        self.link.starting && self.timers.at(&Timer::Reconnect).is_some()
    }

    /// Something has happened: leaves if that was the last that was waited for.
    pub(super) fn leave_if_settled(&mut self, cx: &Context<'_>) {
        let Some(before) = self.awaited else {
            return;
        };
        if !self.awaits() {
            self.leave_unsettled(cx);
        } else if self.progress() != before.progress {
            self.input_ended(cx);
        }
    }

    /// Nothing has moved for long. Where nobody reads what we say we do not listen: that is no reason to leave.
    pub(super) fn settled_due(&mut self, cx: &Context<'_>) {
        match self.awaited {
            Some(awaited) if self.is_unread(cx) && !awaited.resumed => self.wait_on(cx),
            _ => self.leave_unsettled(cx),
        }
    }

    fn leave_unsettled(&mut self, cx: &Context<'_>) {
        self.awaited = None;
        self.timers.clear(&Timer::Settled);
        self.leave(cx);
    }
}
