//! The session with the registry: found, registered, kept alive, lost, found again.
//!
//! An attempt is half a second without authenticated progress; after five the registry is silent. Where it has never
//! registered us, nor put us off for long, that ends the program; otherwise it is told once and tried again in the
//! background, 5 to 20 s apart.
//! Invariants: a registration's number is committed before it is used; the registry's key is pinned at first
//! sight, committed before we register; who was superseded never takes the name back by himself.

use std::time::Duration;

use super::committed::After;
use super::declined::DepositPause;
use super::link::{Phase, Replay};
use super::{Client, Timer};
use crate::client::interface::{Ending, Event};
use crate::client::storage::Request;
use crate::clock::Now;
use crate::engine::{Action, Context, SocketReply, SocketRequest};
use crate::id::IdentityId;
use crate::identity::Card;
use crate::limits::{ATTEMPT, ATTEMPTS, ATTEMPTS_TOTAL, KEEP_ALIVE, REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::transport::{CloseCause, Connect, SessionId};
use crate::wire::codec::Bounded;
use crate::wire::frame::CloseCode;
use crate::wire::message::{BusyReason, Register, Registered, RegistrationRefusal, ToRegistry};
use crate::wire::packet::Service;

/// A session that lasts shorter than this is not opened again at once: something is wrong over there.
const SHORT_SESSION: Duration = REQUEST_RETRY;

impl Client {
    /// The first thing that the engine wants.
    pub(super) fn start(&mut self) {
        self.link.phase = Phase::Opening;
        self.out.push(Action::Socket(SocketRequest::Open));
    }

    /// All is about this registry from now on.
    pub(super) fn use_registry(&mut self, now: Now, identity: IdentityId) {
        self.link.identity = Some(identity);
        self.out.store_surely(
            Request::UseRegistry {
                address: self.config.registry,
                identity,
            },
            After::UseRegistry,
        );
        let found = self
            .shelved
            .iter()
            .position(|registry| registry.identity == identity);
        if let Some(image) = found.map(|index| self.shelved.swap_remove(index)) {
            // The number may have been used although its commit's answer never came.
            self.link.counter = image.counter;
            self.link.store_id = image.store_id;
            self.load(now, image);
        }
        for (to, text) in std::mem::take(&mut self.early) {
            self.accept(now, to, text);
        }
        self.ask_early();
    }

    pub(super) fn socket(&mut self, cx: &Context<'_>, reply: SocketReply) {
        if self.link.phase != Phase::Opening {
            return;
        }
        match reply {
            SocketReply::Opened { local } => {
                self.link.local = local;
                match self.config.registry {
                    Some(_) => self.connect(cx),
                    None => self.alone(cx),
                }
            }
            SocketReply::Failed(sentence) => {
                self.link.phase = Phase::Offline;
                self.out.event(Event::Trouble(sentence));
                if self.link.starting {
                    self.end_unserved(cx, Ending::Port);
                } else {
                    self.link.asked = false;
                    self.despair(cx);
                }
            }
        }
    }

    /// Begins a round of attempts.
    pub(super) fn connect(&mut self, cx: &Context<'_>) {
        let Some(registry) = self.config.registry else {
            return;
        };
        let attempt = self.next_attempt();
        self.link.phase = Phase::Connecting { attempt };
        self.link.round_since.get_or_insert(cx.now.at);
        self.link.owed_since = None;
        self.link.put_off = false;
        let interval = self.link.begin_try(cx.now.at);
        self.timers.clear(&Timer::Reconnect);
        // The endpoint says what becomes of the try: it has its time there, whenever we come to hear of it.
        self.timers.clear(&Timer::Attempt);
        self.out.push(Action::Connect(Connect {
            attempt,
            address: registry,
            service: Service::Registry,
            expect: self.link.identity,
            interval,
            initials: ATTEMPTS,
        }));
        if self.link.identity.is_some() {
            self.count();
        }
    }

    /// Commits the number of the next registration.
    fn count(&mut self) {
        self.link.counter = self.link.counter.saturating_add(1);
        self.link.counted = false;
        let counter = self.link.counter;
        self.out
            .forget_failed(|request| matches!(request, Request::Counter(_)));
        self.out
            .store_surely(Request::Counter(counter), After::Counter(counter));
    }

    pub(super) fn counted(&mut self, cx: &Context<'_>, counter: u64) {
        if counter == self.link.counter {
            self.link.counted = true;
            self.link.put_off = false;
            if self.timers.at(&Timer::Register).is_none() {
                self.register(cx);
            }
        }
    }

    pub(super) fn registry_pinned(&mut self, cx: &Context<'_>) {
        self.link.pinned = true;
        self.register(cx);
    }

    /// The session with the registry is up.
    pub(super) fn registry_opened(&mut self, cx: &Context<'_>, session: SessionId, card: Card) {
        self.link.phase = Phase::Registering { session };
        self.link.opened_at = cx.now.at;
        self.link.replay = Replay::default();
        self.rooms_begin();
        self.link.behind = false;
        self.link.met = true;
        let answered_at = self.link.try_answered(cx.now.at);
        self.link.our_turn(answered_at);
        if self.link.identity.is_none() {
            self.use_registry(cx.now, card.id);
            self.count();
        }
        if self.link.put_off {
            self.registration_waits(cx);
        }
        self.register(cx);
    }

    /// Registers, once all that has to be committed first is.
    pub(super) fn register(&mut self, cx: &Context<'_>) {
        let Phase::Registering { session } = self.link.phase else {
            return;
        };
        if !self.link.may_register() || self.deregistering() {
            return;
        }
        self.link.their_turn(cx.now.at);
        let private = self.link.local.filter(|local| !local.ip().is_unspecified());
        let register = ToRegistry::Register(Register {
            name: self.config.name.clone(),
            counter: self.link.counter,
            private: Bounded::truncated(private.into_iter().collect()),
            directory: self.directory.version(),
        });
        if !self.ask_registry(cx, session, &register) {
            // The buffer is full of what was asked before: it empties, or the session ends.
            self.timers.set(Timer::Register, cx.now.at + ATTEMPT);
        }
    }

    /// Sends the registry something that it has to answer. False if there is no room now.
    pub(super) fn ask_registry(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        request: &ToRegistry,
    ) -> bool {
        if !self.tell_registry(cx, session, request) {
            return false;
        }
        if self.link.owed_since.is_none() {
            self.link.owed_since = Some(cx.now.at);
            self.watch(cx, session);
        }
        true
    }

    /// Sends the registry something that needs no answer. False if there is no room now.
    pub(super) fn tell_registry(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        message: &ToRegistry,
    ) -> bool {
        let sent = self.out.send(cx, session, message);
        if sent {
            self.link.last_sent = cx.now.at;
        }
        sent
    }

    /// The registry session is gone.
    pub(super) fn registry_closed(&mut self, cx: &Context<'_>, cause: CloseCause) {
        let registering = matches!(self.link.phase, Phase::Registering { .. });
        self.link.phase = Phase::Away;
        self.link.their_turn(cx.now.at);
        tracing::debug!(?cause, "session with the registry gone");
        match cause {
            CloseCause::Remote(CloseCode::Superseded) => {
                self.out.event(Event::Superseded);
                self.kept_is_doubtful();
                self.refused(cx);
            }
            CloseCause::Remote(CloseCode::NotAdmitted) => {
                self.out.event(Event::RegistrationRefused {
                    name: self.config.name.clone(),
                    reason: RegistrationRefusal::NotAdmitted,
                });
                self.refused(cx);
            }
            _ if registering && self.link.starting => {
                // Once more, within the time that the first attempts have.
                let since = self.link.round_since.unwrap_or(cx.now.at);
                if cx.now.at.since(since) < ATTEMPTS_TOTAL {
                    self.timers.clear(&Timer::Attempt);
                    self.timers.set(Timer::Reconnect, cx.now.at + ATTEMPT);
                    self.leave_on(cx);
                } else {
                    self.registry_silent(cx);
                }
            }
            _ if registering || cx.now.at.since(self.link.opened_at) < SHORT_SESSION => self.away(cx),
            _ => {
                self.connect(cx);
                self.registry_lost(cx);
                self.pump_all(cx);
                self.leave_on(cx);
            }
        }
    }

    /// The registry will not have us: the end at the start, offline later.
    pub(super) fn refused(&mut self, cx: &Context<'_>) {
        self.link.refused = true;
        if self.link.starting {
            self.end_unserved(cx, Ending::Refused);
        } else if self.is_leaving() {
            self.close_all(cx);
        } else {
            self.go_offline(cx);
        }
    }

    pub(super) fn registration_refused(&mut self, cx: &Context<'_>, reason: RegistrationRefusal) {
        let Phase::Registering { session } = self.link.phase else {
            return;
        };
        if self.deregistering() {
            // Leaving has overtaken it.
            return;
        }
        if let RegistrationRefusal::CounterBehind { seen } = reason
            && seen < u64::MAX
        {
            // An older copy of the database, or not the only one: the key proves that it is us all the same.
            // Committed before the number, or a crash between would leave what was stored so for ever.
            self.kept_is_doubtful();
            self.link.counter = self.link.counter.max(seen);
            if std::mem::replace(&mut self.link.behind, true) {
                // It was to know better by now: it is not asked as fast as it answers.
                self.register_in(cx, REQUEST_RETRY);
            }
            self.link.our_turn(cx.now.at);
            self.count();
            return;
        }
        self.out.event(Event::RegistrationRefused {
            name: self.config.name.clone(),
            reason,
        });
        self.out.push(Action::Close {
            session,
            code: CloseCode::Done,
        });
        self.refused(cx);
    }

    /// The registry cannot register us now. Whoever waits for it is told if that may last; what waits for it, waits. Where
    /// we were only too quick it has us in a moment, and nothing is said.
    pub(super) fn registration_put_off(
        &mut self,
        cx: &Context<'_>,
        reason: BusyReason,
        retry_after: Duration,
    ) {
        if matches!(self.link.phase, Phase::Registering { .. }) && !self.deregistering() {
            if reason == BusyReason::Storage
                && (self.link.asked || self.link.silent)
                && !std::mem::replace(&mut self.link.told_busy, true)
            {
                let sentence = "the server cannot write to its disk; you will be registered when it can";
                self.out.event(Event::Trouble(sentence.to_owned()));
            }
            let pause = retry_after.clamp(ATTEMPT, REQUEST_RETRY_MAX);
            self.register_in(cx, pause);
            let since = *self.link.round_since.get_or_insert(cx.now.at);
            if reason == BusyReason::Storage || cx.now.at + pause >= since + ATTEMPTS_TOTAL {
                // It is there, and may be so for long: from now on it is waited for.
                self.link.starting = false;
                self.registration_waits(cx);
            }
        }
    }

    /// The registry is there, and will not have us soon, or our own disk stands in the way: what waits for it, waits.
    pub(super) fn registration_waits(&mut self, cx: &Context<'_>) {
        self.link.put_off = true;
        if matches!(self.link.phase, Phase::Registering { .. }) {
            self.registry_away(cx);
            self.despair(cx);
        }
    }

    /// Registers after a pause, in which nothing is owed.
    fn register_in(&mut self, cx: &Context<'_>, pause: Duration) {
        self.link.owed_since = None;
        self.timers.clear(&Timer::Attempt);
        self.timers.set(Timer::Register, cx.now.at + pause);
    }

    /// The registry has us.
    pub(super) fn registered_as(&mut self, cx: &Context<'_>, registered: &Registered) {
        let Phase::Registering { session } = self.link.phase else {
            return;
        };
        if registered.counter != self.link.counter || self.deregistering() {
            return;
        }
        self.link.phase = Phase::Registered { session };
        self.link.round_since = None;
        self.link.begin_anew();
        self.link.starting = false;
        let welcome = !std::mem::replace(&mut self.link.welcome, true);
        if std::mem::take(&mut self.link.asked) || welcome {
            self.out.event(Event::Registered {
                returning: registered.returning,
            });
            self.enter_chosen_room();
            if registered.lobby {
                self.offer_lobby();
            }
        } else if self.link.silent {
            self.out.event(Event::ServerBack);
        }
        self.link.silent = false;
        self.link.told_busy = false;
        self.link.put_off = false;
        self.timers.set(Timer::KeepAlive, cx.now.at + KEEP_ALIVE);
        if self.link.store_id.replace(registered.store_id) != Some(registered.store_id) {
            self.store_changed(registered.store_id);
        }
        self.answered(cx, session);
        self.posts_go_on(cx);
        self.ask_about_rooms(cx);
        self.deposit_pause = DepositPause::default();
        self.ask_lookups(cx);
        self.ask_withdrawals(cx);
        self.inquire_soon(cx);
        self.deposit_late(cx);
        self.pump_all(cx);
        self.leave_on(cx);
    }

    /// The registry does not know us, although we are in session: the lease ended, or it restarted.
    pub(super) fn not_registered(&mut self, cx: &Context<'_>) {
        if self.deregistering() {
            self.close_all(cx);
        } else if let Phase::Registered { session } = self.link.phase {
            self.link.phase = Phase::Registering { session };
            self.rooms_begin();
            self.registry_lost(cx);
            self.count();
            self.leave_on(cx);
        }
    }

    pub(super) fn keep_alive(&mut self, cx: &Context<'_>) {
        let due = self.link.last_sent + KEEP_ALIVE;
        if due > cx.now.at {
            self.timers.set(Timer::KeepAlive, due);
        } else {
            self.say_alive(cx);
        }
    }

    pub(super) fn say_alive(&mut self, cx: &Context<'_>) {
        if let Some(session) = self.link.registered() {
            self.link.keep_alive_owed = true;
            let counter = self.link.counter;
            self.ask_registry(cx, session, &ToRegistry::KeepAlive { counter });
            self.acknowledge_directory(cx);
            self.timers.set(Timer::KeepAlive, cx.now.at + KEEP_ALIVE);
        }
    }

    pub(super) fn alive(&mut self, counter: u64) {
        if counter == self.link.counter {
            self.link.keep_alive_owed = false;
        }
    }

    /// The user wants to be registered.
    pub(super) fn reregister(&mut self, cx: &Context<'_>) {
        use crate::client::interface::NotAccepted;
        if self.leaving.is_some() {
            if !self.return_after() {
                self.out.event(Event::NotAccepted(NotAccepted::Leaving));
            }
            return;
        }
        match self.link.phase {
            Phase::Offline => {
                self.link.asked = true;
                self.link.silent = false;
                self.link.begin_anew();
                self.start();
            }
            Phase::Away => {
                self.link.asked = true;
                self.connect(cx);
            }
            Phase::Registered { .. } | Phase::Alone => {
                self.out.event(Event::NotAccepted(NotAccepted::NoChange));
            }
            Phase::Opening | Phase::Connecting { .. } | Phase::Registering { .. } => {
                self.link.asked = true;
                self.hurry(cx);
            }
        }
    }

    /// Closes everything; the program lives on.
    pub(super) fn go_offline(&mut self, cx: &Context<'_>) {
        match self.link.phase {
            Phase::Connecting { attempt } => self.out.push(Action::Abandon(attempt)),
            Phase::Registering { session } | Phase::Registered { session } => {
                self.out.push(Action::Close {
                    session,
                    code: CloseCode::Done,
                });
            }
            Phase::Offline | Phase::Opening | Phase::Alone | Phase::Away => {}
        }
        self.link.phase = Phase::Offline;
        self.link.asked = false;
        for timer in [
            Timer::Attempt,
            Timer::Reconnect,
            Timer::KeepAlive,
            Timer::Register,
        ] {
            self.timers.clear(&timer);
        }
        self.registry_lost(cx);
        self.close_peers(cx);
        self.out.push(Action::Socket(SocketRequest::Close));
        self.despair(cx);
    }
}
