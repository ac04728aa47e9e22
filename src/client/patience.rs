//! How long the registry may be silent, and what happens then.
//!
//! An attempt is half a second without authenticated progress; after five the registry counts as silent, where a round trip
//! takes seconds after some more (`link`). Progress starts the count again, up to a bound. What it owes us then waits, or
//! goes another way. Look-ups and withdrawals it may leave unanswered (PROTOCOL §8.6): those are asked again in their own
//! time, and nobody is silent for them.
//! Invariants: while an answer is owed there is a deadline for it; what we take ourselves, to commit or to listen, is no
//! silence of the registry's.

use std::time::Duration;

use rand_core::Rng;

use super::link::{Phase, Replay, SILENCE};
use super::{Client, Timer};
use crate::client::interface::{Ending, Event};
use crate::clock::Instant;
use crate::engine::{Action, Context};
use crate::limits::{ATTEMPT, ATTEMPTS_TOTAL, RECONNECT_MAX, RECONNECT_TYPED};
use crate::transport::{ConnectFault, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::ToRegistry;

impl Client {
    /// So long without an answer in sight, and the registry is silent: five attempts, or three times the first round trip, if
    /// that is longer: on a slow line the answer may stand behind our own repetitions.
    fn silence(&self, cx: &Context<'_>, session: SessionId) -> Duration {
        SILENCE.max(self.first_round_trip(cx, session) * 3)
    }

    /// How long the first round trip to the registry took; nothing if the session is gone.
    pub(super) fn first_round_trip(&self, cx: &Context<'_>, session: SessionId) -> Duration {
        let path = cx.sessions.path(session);
        path.map_or(Duration::ZERO, |path| {
            self.link.first_round_trip(path.probe_timeout)
        })
    }

    /// Sets the deadline at which the registry counts as silent: so long after the last sign of life, and not later than its
    /// patience lasts.
    pub(super) fn watch(&mut self, cx: &Context<'_>, session: SessionId) {
        let Some(owed) = self.link.owed_since else {
            return;
        };
        let silent_at = heard_since(cx, session, owed) + self.silence(cx, session);
        self.timers
            .set(Timer::Attempt, silent_at.min(owed + ATTEMPTS_TOTAL));
    }

    /// Something came from the registry: whatever else is owed has its time from now. A registration only has the time
    /// that it had: all else that can be said before it is no answer to it.
    pub(super) fn answered(&mut self, cx: &Context<'_>, session: SessionId) {
        let since = match self.link.phase {
            Phase::Registering { .. } => self.link.owed_since.unwrap_or(cx.now.at),
            _ => cx.now.at,
        };
        self.link.owed_since = self.owed().then_some(since);
        if self.link.owed_since.is_some() {
            self.watch(cx, session);
        } else if !self.link.asked_loosely {
            self.timers.clear(&Timer::Attempt);
        }
    }

    pub(super) fn owed(&self) -> bool {
        self.link.keep_alive_owed
            || self.outbox.depositing > 0
            || self.deregistering()
            || (matches!(self.link.phase, Phase::Registering { .. })
                && self.link.may_register()
                && self.timers.at(&Timer::Register).is_none())
    }

    /// Asks the registry what it may leave unanswered; but that it is there it has to show. False if there is no room now.
    pub(super) fn ask_loosely(&mut self, cx: &Context<'_>, session: SessionId, request: &ToRegistry) -> bool {
        let sent = self.tell_registry(cx, session, request);
        self.link.asked_loosely |= sent;
        if sent && self.link.owed_since.is_none() {
            self.timers.set_by(Timer::Attempt, cx.now.at + ATTEMPT);
        }
        sent
    }

    /// It was asked so, an attempt ago: unless it was heard since, it is asked what it has to answer.
    fn wonder(&mut self, cx: &Context<'_>, session: SessionId) {
        let heard = cx.sessions.path(session).map(|path| path.heard_at);
        if heard <= Some(self.link.last_sent) {
            self.say_alive(cx);
        }
    }

    /// The attempts' deadline has come.
    pub(super) fn attempt_over(&mut self, cx: &Context<'_>) {
        let now = cx.now.at;
        match self.link.phase {
            Phase::Registering { session } | Phase::Registered { session } => {
                let Some(owed) = self.link.owed_since else {
                    self.wonder(cx, session);
                    return;
                };
                if self.is_unheard(cx, session) || cx.sessions.path(session).is_none() {
                    // It has spoken, or ended the session; it is we who do not listen, because nobody reads what we say.
                    self.timers.set(Timer::Attempt, now + ATTEMPT);
                    return;
                }
                let silent_at = heard_since(cx, session, owed) + self.silence(cx, session);
                let patience = owed + ATTEMPTS_TOTAL;
                if silent_at <= now || (patience <= now && self.must_answer()) {
                    self.give_up(cx, session);
                    return;
                }
                if patience <= now {
                    // It is there, but does not get round to us: what waits is told, and asked again in time.
                    self.link.owed_since = Some(now);
                    self.despair(cx);
                }
                self.watch(cx, session);
            }
            Phase::Offline | Phase::Opening | Phase::Alone | Phase::Away | Phase::Connecting { .. } => {}
        }
    }

    /// Whether messages of a session wait to be taken.
    pub(super) fn is_unheard(&self, cx: &Context<'_>, session: SessionId) -> bool {
        cx.sessions.path(session).is_some_and(|path| path.unheard)
    }

    /// The registry does not answer in this session any more.
    pub(super) fn give_up(&mut self, cx: &Context<'_>, session: SessionId) {
        self.out.push(Action::Close {
            session,
            code: CloseCode::Done,
        });
        self.registry_silent(cx);
    }

    /// Whether what is owed cannot wait: a registration or its end.
    pub(super) fn must_answer(&self) -> bool {
        self.deregistering() || matches!(self.link.phase, Phase::Registering { .. })
    }

    /// All attempts were in vain.
    pub(super) fn registry_silent(&mut self, cx: &Context<'_>) {
        if !self.link.silent || self.link.asked || self.deregistering() {
            self.out.event(Event::ServerSilent);
        }
        self.do_without(cx, Ending::ServerSilent);
    }

    /// The registry is not to be had: the end where it never was, another try later where we know whom to write to.
    fn do_without(&mut self, cx: &Context<'_>, ending: Ending) {
        self.link.silent = true;
        self.link.asked = false;
        self.link.round_since = None;
        let is_known = self.link.store_id.is_some();
        if !self.link.starting || self.is_leaving() || (is_known && ending == Ending::ServerSilent) {
            self.link.starting = false;
            self.away(cx);
        } else {
            self.end_unserved(cx, ending);
        }
    }

    /// The registry is not to be had now.
    pub(super) fn away(&mut self, cx: &Context<'_>) {
        self.link.phase = Phase::Away;
        self.timers.clear(&Timer::Attempt);
        self.timers.clear(&Timer::KeepAlive);
        self.link.away_since = cx.now.at;
        let pause = self.sooner(self.link.backoff);
        self.timers.set(Timer::Reconnect, cx.now.at + pause);
        self.link.backoff = (self.link.backoff * 2).min(RECONNECT_MAX);
        self.registry_lost(cx);
        self.despair(cx);
        self.leave_on(cx);
    }

    /// A pause, up to a quarter shorter: a registry that is back is not to be found by all at the same moment.
    fn sooner(&mut self, pause: Duration) -> Duration {
        pause - pause / 4 * (self.rng.next_u32() % 1_024) / 1_024
    }

    /// Somebody waits for the registry: it is tried now, unless it just was.
    pub(super) fn hurry(&mut self, cx: &Context<'_>) {
        match self.link.phase {
            Phase::Away => {
                self.link.hurried = true;
                let soonest = self.link.away_since + RECONNECT_TYPED;
                self.timers.set_by(Timer::Reconnect, soonest.max(cx.now.at));
            }
            Phase::Connecting { attempt } if self.link.is_slow_try() => {
                self.link.hurried = true;
                self.out.push(Action::Abandon(attempt));
                self.connect(cx);
            }
            _ => {}
        }
    }

    /// What was owed by the registry is no longer.
    pub(super) fn registry_lost(&mut self, cx: &Context<'_>) {
        self.link.owed_since = None;
        self.link.keep_alive_owed = false;
        self.link.replay = Replay::default();
        self.shelf.batch_over();
        self.timers.clear(&Timer::Register);
        self.timers.clear(&Timer::KeepAlive);
        self.requeue_deposits(cx);
        self.withdrawals_lost();
        self.inquiries_over();
        self.lookups_lost();
        self.registry_away(cx);
    }

    /// A try to reach the registry has failed.
    pub(super) fn registry_failed(&mut self, cx: &Context<'_>, fault: ConnectFault) {
        match (fault, self.link.identity) {
            (ConnectFault::OtherIdentity(found), Some(known)) => {
                let found = found.id;
                // Anybody on the way can answer in its place: that must not keep us from it when it is back.
                let news = self.link.stranger.replace(found) != Some(found);
                if news || self.link.asked {
                    self.out.event(Event::RegistryChanged { known, found });
                }
                self.do_without(cx, Ending::Refused);
            }
            (ConnectFault::OtherIdentity(_) | ConnectFault::Silent | ConnectFault::Full, _) => {
                self.registry_silent(cx);
            }
        }
    }
}

/// When the last sign of life came, but not before `owed`.
fn heard_since(cx: &Context<'_>, session: SessionId, owed: Instant) -> Instant {
    cx.sessions
        .path(session)
        .map_or(owed, |path| path.heard_at.max(owed))
}
