//! Where we stand with the registry, as data (see `registration.rs` and `patience.rs` for what moves it).
//!
//! Invariant: there is a session in `Registering` and `Registered`, and in no other phase.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Instant;
use crate::id::IdentityId;
use crate::limits::{ATTEMPT, ATTEMPTS, REQUEST_RETRY, SESSION_MESSAGES_MAX};
use crate::transport::{Attempt, SessionId};

/// So long without an answer in sight, and the registry is silent, where the path is not slower.
pub(super) const SILENCE: Duration = ATTEMPT.saturating_mul(ATTEMPTS);
/// A first round trip of so many probe timeouts is believed: an Initial is thirty times as long as what those are learned from.
const BELIEVED: u32 = 8;
/// The interval between the Initials of a try doubles so often: five take 10 s then.
const INTERVAL_DOUBLINGS: u32 = 2;

/// Where we stand with the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not wanted.
    #[default]
    Offline,
    /// The port is being opened.
    Opening,
    /// There is none: we talk to those who are listed.
    Alone,
    /// Silent, or refusing sessions; tried again later.
    Away,
    Connecting {
        attempt: Attempt,
    },
    /// In session, not registered yet.
    Registering {
        session: SessionId,
    },
    Registered {
        session: SessionId,
    },
}

/// The session with the registry.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    /// Whom we expect there.
    pub(super) identity: Option<IdentityId>,
    pub(super) pinned: bool,
    pub(super) counter: u64,
    pub(super) counted: bool,
    /// The registry has said in this session that the number is too low.
    pub(super) behind: bool,
    pub(super) store_id: Option<[u8; 16]>,
    pub(super) local: Option<SocketAddr>,
    /// The program has just begun: where it is not wanted, or nobody is there, it ends.
    pub(super) starting: bool,
    /// The registry has opened a session in this run.
    pub(super) met: bool,
    /// It has registered us in this run.
    pub(super) welcome: bool,
    /// It has refused us in this run.
    pub(super) refused: bool,
    /// The user waits for the outcome.
    pub(super) asked: bool,
    /// He was told that the registry is silent.
    pub(super) silent: bool,
    /// Who has answered in its place, as he was told last.
    pub(super) stranger: Option<IdentityId>,
    /// The registry is there, but has put our registration off.
    pub(super) put_off: bool,
    /// He was told that the registry cannot register us now.
    pub(super) told_busy: bool,
    pub(super) backoff: Duration,
    /// When the last try to open a session began.
    pub(super) tried_at: Instant,
    /// How many there were since we were registered.
    tries: u32,
    /// Somebody waits for the next.
    pub(super) hurried: bool,
    /// How often the last has repeated its Initial.
    interval: Duration,
    /// How long it took to be answered.
    answered_in: Duration,
    /// Since when the registration waits for us: for our disk, or because nobody listened to what had come.
    ours_since: Option<Instant>,
    /// When the last round of attempts was given up.
    pub(super) away_since: Instant,
    /// Since when this round of attempts goes on, over several sessions perhaps.
    pub(super) round_since: Option<Instant>,
    /// Since when an answer is owed.
    pub(super) owed_since: Option<Instant>,
    pub(super) opened_at: Instant,
    pub(super) last_sent: Instant,
    /// Whether it was asked something that it may leave unanswered since its last message came: of that the message tells
    /// nothing.
    pub(super) asked_loosely: bool,
    pub(super) keep_alive_owed: bool,
    /// How far the mailbox was gone through.
    pub(super) replay: Replay,
    /// And how far at most in any registration, whatever became of what came.
    pub(super) furthest: u64,
}

/// How much of the mailbox has come since we are registered. What is forwarded later may come before what was forwarded then: so it
/// counts which have come, not how many.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// All in the places below have come.
    next: u64,
    /// So have these. As far ahead as messages of a session are at most.
    ahead: BTreeSet<u64>,
    /// How many there were when the registry had forwarded all.
    all: Option<u64>,
}

impl Replay {
    /// The one in this place has come. True if that was the last.
    pub(super) fn came(&mut self, place: u64) -> bool {
        let before = self.is_over();
        if (self.next..self.next.saturating_add(SESSION_MESSAGES_MAX)).contains(&place) {
            self.ahead.insert(place);
        }
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
        self.is_over() && !before
    }

    /// How many have come.
    pub(super) fn places(&self) -> u64 {
        self.next + u64::try_from(self.ahead.len()).unwrap_or(u64::MAX)
    }

    /// The registry has forwarded all that it had: so many. True if all of them are here.
    pub(super) const fn announced(&mut self, forwards: u64) -> bool {
        self.all = Some(forwards);
        self.is_over()
    }

    /// Whether nothing of it is under way.
    pub(super) const fn is_over(&self) -> bool {
        match self.all {
            Some(all) => all <= self.next,
            None => false,
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self {
            phase: Phase::Offline,
            identity: None,
            pinned: false,
            counter: 0,
            counted: false,
            behind: false,
            store_id: None,
            local: None,
            starting: true,
            met: false,
            welcome: false,
            refused: false,
            asked: true,
            silent: false,
            stranger: None,
            put_off: false,
            told_busy: false,
            backoff: REQUEST_RETRY,
            tried_at: Instant::ZERO,
            tries: 0,
            hurried: false,
            interval: ATTEMPT,
            answered_in: Duration::ZERO,
            ours_since: None,
            away_since: Instant::ZERO,
            round_since: None,
            owed_since: None,
            opened_at: Instant::ZERO,
            last_sent: Instant::ZERO,
            asked_loosely: false,
            keep_alive_owed: false,
            replay: Replay::default(),
            furthest: 0,
        }
    }
}

impl Link {
    /// A try to open a session begins. How often its Initial is repeated: the more tries were in vain the more seldom, unless
    /// somebody waits for this one. A round trip of seconds is found so in the end, and a slow line is not filled.
    pub(super) fn begin_try(&mut self, now: Instant) -> Duration {
        // Taken whatever else holds: it is of this try alone.
        let is_awaited = std::mem::take(&mut self.hurried) || self.starting || self.asked;
        self.interval = if is_awaited {
            ATTEMPT
        } else {
            ATTEMPT * (1 << self.tries.min(INTERVAL_DOUBLINGS))
        };
        self.tries = self.tries.saturating_add(1);
        self.tried_at = now;
        self.interval
    }

    /// It has us, or should have: pauses and intervals begin anew.
    pub(super) const fn begin_anew(&mut self) {
        self.backoff = REQUEST_RETRY;
        self.tries = 0;
    }

    /// Whether the try under way repeats its Initials more seldom than one for which somebody waits.
    pub(super) fn is_slow_try(&self) -> bool {
        self.interval > ATTEMPT
    }

    /// The try was answered. When, whenever we come to hear of it. Of a long try nobody knows which Initial it was.
    pub(super) fn try_answered(&mut self, now: Instant) -> Instant {
        let answered_at = now.min(self.tried_at + self.interval * ATTEMPTS);
        self.answered_in = answered_at.since(self.tried_at).min(SILENCE);
        answered_at
    }

    /// How long the first round trip took, as far as the path's probe timeout bears it out: an Initial may have been lost, or
    /// sent before the registry was there.
    pub(super) fn first_round_trip(&self, probe_timeout: Duration) -> Duration {
        self.answered_in.min(probe_timeout * BELIEVED)
    }

    /// The session, registered or about to be.
    pub(super) const fn session(&self) -> Option<SessionId> {
        match self.phase {
            Phase::Registering { session } | Phase::Registered { session } => Some(session),
            _ => None,
        }
    }

    /// The session, once the registry has us.
    pub(super) const fn registered(&self) -> Option<SessionId> {
        match self.phase {
            Phase::Registered { session } => Some(session),
            _ => None,
        }
    }

    /// Whether it will soon be known if the registry can be used.
    pub(super) const fn trying(&self) -> bool {
        match self.phase {
            Phase::Opening | Phase::Connecting { .. } => true,
            Phase::Registering { .. } => !self.put_off,
            Phase::Offline | Phase::Alone | Phase::Away | Phase::Registered { .. } => false,
        }
    }

    pub(super) const fn offline(&self) -> bool {
        matches!(self.phase, Phase::Offline)
    }

    pub(super) const fn counter(&self) -> u64 {
        self.counter
    }

    /// Whether the registry is known, so that the outbox can be used.
    pub(super) const fn known(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether all is committed that has to be before we register.
    pub(super) const fn may_register(&self) -> bool {
        self.counted && self.pinned
    }

    /// From then on it is we who keep the registration waiting.
    pub(super) const fn our_turn(&mut self, since: Instant) {
        self.ours_since = Some(since);
    }

    /// No longer: what we took is not the registry's time.
    pub(super) fn their_turn(&mut self, now: Instant) {
        if let (Some(ours), Some(round)) = (self.ours_since.take(), self.round_since.as_mut()) {
            *round = *round + now.since(ours);
        }
    }

    /// All has its time from now.
    pub(super) const fn restart_attempts(&mut self, now: Instant) {
        self.tried_at = now;
        if self.ours_since.is_some() {
            self.ours_since = Some(now);
        }
        if self.round_since.is_some() {
            self.round_since = Some(now);
        }
        if self.owed_since.is_some() {
            self.owed_since = Some(now);
        }
    }
}
