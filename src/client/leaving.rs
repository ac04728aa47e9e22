//! `dereg`, Ctrl+C, and the end of the program.
//!
//! Leaving goes in three steps: nothing new is let in while commits and receipts under way are finished, at most
//! half a second; the registry is told, with the usual attempts; sessions and port are closed. What is unsent
//! stays in the outbox.
//! Invariant: every way out ends in `Deregistered` or `Ended`, whether the registry answers or not.

use super::link::Phase;
use super::{Client, Timer};
use crate::client::interface::{Ending, Event, NotAccepted};
use crate::clock::Instant;
use crate::engine::{Action, Context};
use crate::limits::{ATTEMPTS_TOTAL, LEAVE_BUDGET};
use crate::transport::SessionId;
use crate::wire::message::ToRegistry;

/// Leaving under way.
#[derive(Debug)]
pub(super) struct Leaving {
    /// How the program ends afterwards; `None` if it does not.
    ends: Option<Ending>,
    /// Whether the user wants to be registered again afterwards.
    again: bool,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Commits and receipts are finished, until then.
    Finishing { until: Instant },
    /// The registry is told, until then at the most, whatever else it says meanwhile.
    Telling { until: Instant },
    /// All is closed; the last commits are waited for, until then.
    Closed { until: Instant },
}

impl Client {
    pub(super) fn deregister(&mut self, cx: &Context<'_>) {
        if self.leaving.is_some() {
            self.out.event(Event::NotAccepted(NotAccepted::Leaving));
        } else if self.link.offline() {
            self.out.event(Event::NotAccepted(NotAccepted::NoChange));
        } else {
            self.begin_leaving(cx, None);
        }
    }

    pub(super) fn leave(&mut self, cx: &Context<'_>) {
        if let Some(leaving) = &mut self.leaving {
            leaving.ends.get_or_insert(Ending::Done);
        } else if self.link.offline() {
            self.write_life(cx.now);
            self.end_settled(cx, Ending::Done);
        } else {
            self.begin_leaving(cx, Some(Ending::Done));
        }
    }

    /// Registers again once we have left. False if we are not leaving, or for good.
    pub(super) fn return_after(&mut self) -> bool {
        let returning = self.leaving.as_mut().filter(|leaving| leaving.ends.is_none());
        returning.map(|leaving| leaving.again = true).is_some()
    }

    /// Whether we register again once we have left.
    pub(super) fn returning(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| leaving.again)
    }

    /// Whether the registry is being told that we leave.
    pub(super) fn deregistering(&self) -> bool {
        self.leaving
            .as_ref()
            .is_some_and(|leaving| matches!(leaving.step, Step::Telling { .. }))
    }

    fn begin_leaving(&mut self, cx: &Context<'_>, ends: Option<Ending>) {
        let until = cx.now.at + LEAVE_BUDGET;
        self.leaving = Some(Leaving {
            ends,
            again: false,
            step: Step::Finishing { until },
        });
        self.write_life(cx.now);
        self.timers.set(Timer::Leave, until);
        self.leave_on(cx);
    }

    /// Goes on leaving, as far as it can now.
    pub(super) fn leave_on(&mut self, cx: &Context<'_>) {
        let Some(&Leaving { ends, step, .. }) = self.leaving.as_ref() else {
            return;
        };
        match step {
            Step::Finishing { until } => {
                if cx.now.at >= until || (self.out.settled() && self.inbound.receipts_sent()) {
                    self.tell_registry_bye(cx);
                } else {
                    self.timers.set(Timer::Leave, until);
                }
            }
            Step::Telling { until } => match self.link.session() {
                // Lost while we waited for its answer: the lease will end by itself.
                None => self.close_all(cx),
                // Nobody reads what we say, so that we do not listen: the answer may be there.
                Some(session) if cx.now.at >= until && self.is_unheard(cx, session) => self.close_all(cx),
                Some(session) if cx.now.at >= until => self.give_up(cx, session),
                Some(_) => {}
            },
            Step::Closed { until } => {
                if cx.now.at >= until || self.out.settled() {
                    self.end(cx, ends.unwrap_or(Ending::Done));
                } else {
                    self.timers.set(Timer::Leave, until);
                }
            }
        }
    }

    fn tell_registry_bye(&mut self, cx: &Context<'_>) {
        // Registered or not yet: an earlier run's stay may last.
        let Some(session) = self.link.session() else {
            self.close_all(cx);
            return;
        };
        let until = cx.now.at + ATTEMPTS_TOTAL;
        if let Some(leaving) = &mut self.leaving {
            leaving.step = Step::Telling { until };
        }
        self.timers.set(Timer::Leave, until);
        let counter = self.link.counter();
        self.link.restart_attempts(cx.now.at);
        if !self.ask_registry(cx, session, &ToRegistry::Deregister { counter }) {
            // No room even for this: the registry has not acknowledged anything for long.
            self.close_all(cx);
        }
    }

    /// The machine slept: the registry has its time to answer from now.
    pub(super) fn leave_after_sleep(&mut self, now: Instant) {
        if let Some(Leaving {
            step: Step::Telling { until },
            ..
        }) = &mut self.leaving
        {
            *until = now + ATTEMPTS_TOTAL;
            self.timers.set(Timer::Leave, *until);
        }
    }

    /// The registry has let us go.
    pub(super) fn deregistered(&mut self, cx: &Context<'_>, counter: u64) {
        if self.deregistering() && counter == self.link.counter() {
            self.close_all(cx);
        }
    }

    /// Ends what leaving there is to do, with the registry or without it.
    pub(super) fn close_all(&mut self, cx: &Context<'_>) {
        self.timers.clear(&Timer::Leave);
        let leaving = self.leaving.take();
        self.go_offline(cx);
        self.out.event(Event::Deregistered);
        match leaving {
            Some(Leaving {
                ends: Some(ending), ..
            }) => self.end_settled(cx, ending),
            Some(Leaving { again: true, .. }) => {
                self.link.starting = false;
                self.reregister(cx);
            }
            _ => self.link.starting = false,
        }
    }

    /// The program cannot go on: what was accepted is said to wait first.
    pub(super) fn end_unserved(&mut self, cx: &Context<'_>, ending: Ending) {
        self.link.phase = Phase::Offline;
        self.go_offline(cx);
        self.end_settled(cx, ending);
    }

    /// The program ends once what is being committed is committed, and told.
    fn end_settled(&mut self, cx: &Context<'_>, ending: Ending) {
        self.leaving = Some(Leaving {
            ends: Some(ending),
            again: false,
            step: Step::Closed {
                until: cx.now.at + LEAVE_BUDGET,
            },
        });
        self.leave_on(cx);
    }

    /// The program is to end.
    fn end(&mut self, cx: &Context<'_>, ending: Ending) {
        let ending = match ending {
            Ending::Done if self.config.registry.is_some() && !self.link.starting && !self.link.met => {
                Ending::Unreached
            }
            Ending::Done if self.link.refused && !self.link.welcome => Ending::Refused,
            _ => ending,
        };
        self.give_up_questions();
        self.refuse_early();
        self.tell_unended(cx);
        self.leaving = None;
        self.awaited = None;
        self.timers.clear(&Timer::Leave);
        self.timers.clear(&Timer::Settled);
        self.over = true;
        self.write_marks();
        self.out.event(Event::Ended(ending));
    }

    pub(super) fn close_peers(&mut self, cx: &Context<'_>) {
        let (sessions, attempts) = self.peers.clear();
        for attempt in attempts.into_iter().chain(self.contacts.clear()) {
            self.out.push(Action::Abandon(attempt));
        }
        for session in sessions {
            self.close_peer(cx, session);
        }
        self.inbound.forget_sessions();
    }

    pub(super) fn close_peer(&mut self, cx: &Context<'_>, session: SessionId) {
        self.out.push(Action::Close {
            session,
            code: crate::wire::frame::CloseCode::Done,
        });
        self.take_back(cx, session);
    }
}
