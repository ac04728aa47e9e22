//! The sessions of one socket: tells datagrams apart, keeps the table of sessions and their deadlines, hands
//! out events and datagrams (PROTOCOL §3, §7).
//!
//! The work lies beside it: `initiate.rs` begins handshakes, `respond.rs` answers them, `established.rs` has
//! what follows, `link.rs` one session's keys and path. What is in a session is `transport/session.rs`.
//! Invariants: sessions are found by index, never by address; a datagram that is dropped changes a counter and
//! nothing else; no call looks at all sessions.

mod cookie;
mod door;
mod drained;
mod established;
#[cfg(test)]
mod full_tests;
mod holding;
mod index;
mod initiate;
mod link;
mod noise;
mod path;
mod primitives;
mod reset;
mod respond;
mod schedule;
mod seal;
mod stats;
mod tries;
mod waiting;

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use self::door::Door;
use self::drained::Drained;
pub use self::holding::Holding;
use self::index::IndexMap;
use self::link::Link;
use self::reset::Resets;
use self::schedule::Schedule;
pub use self::stats::{DropCause, Stats};
use self::tries::Tries;
use self::waiting::Waiting;
use crate::clock::Instant;
use crate::id::IdentityId;
use crate::identity::Identity;
use crate::transport::flow::Pool;
use crate::transport::{
    Attempt, Backlog, Connect, Path, Route, SendFault, SessionEvent, SessionId, SessionStats, Sessions,
    Transmit,
};
use crate::wire::codec;
use crate::wire::frame::CloseCode;
use crate::wire::handshake::Hello;
use crate::wire::packet::{Packet, Service};

/// Answers without a session that wait to be sent. They are taken after every input, so this is never reached
/// by a driver that keeps the contract.
const ANSWERS_MAX: usize = 1_024;

/// All sessions of one socket.
pub struct Endpoint {
    identity: Arc<Identity>,
    serves: Service,
    rng: ChaCha20Rng,
    /// By our own index. Only looked up.
    links: IndexMap<Box<Link>>,
    /// The sessions of each identity.
    peers: BTreeSet<(IdentityId, u64)>,
    tries: Tries,
    door: Door,
    waiting: Waiting,
    drained: Drained,
    resets: Resets,
    schedule: Schedule,
    events: VecDeque<Queued>,
    /// Bytes in `events`.
    events_bytes: usize,
    answers: VecDeque<Transmit>,
    /// The address of this machine to which the datagram in hand came.
    here: Option<IpAddr>,
    pool: Pool,
    /// Where packets are opened.
    scratch: Vec<u8>,
    stats: Stats,
}

/// What `poll_event` goes through in order.
enum Queued {
    Event(SessionEvent),
    /// The messages of a session wait in it, so that its window bounds them.
    Messages(u64),
}

impl Endpoint {
    /// An endpoint that answers to `serves`, with `seed` for all its random choices.
    ///
    /// The seed has to be secret and new for each run: keys, cookies and session indexes come of it.
    pub fn new(identity: Arc<Identity>, serves: Service, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        Self {
            identity,
            serves,
            links: IndexMap::default(),
            peers: BTreeSet::new(),
            tries: Tries::default(),
            door: Door::new(&mut rng),
            waiting: Waiting::default(),
            drained: Drained::default(),
            resets: Resets::new(),
            schedule: Schedule::default(),
            events: VecDeque::new(),
            events_bytes: 0,
            answers: VecDeque::new(),
            here: None,
            pool: Pool::default(),
            scratch: Vec::new(),
            stats: Stats::default(),
            rng,
        }
    }

    /// What was counted so far.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.links.len()
    }

    /// How many handshakes that others have begun are under way.
    pub fn handshakes(&self) -> usize {
        self.waiting.len()
    }

    /// Begins to open a session. Ends in `Opened` or `Failed`. A try of the same name is given up before.
    pub fn connect(&mut self, now: Instant, connect: Connect) {
        self.begin_try(now, connect);
    }

    /// Gives a try up, silently.
    pub fn abandon(&mut self, attempt: Attempt) {
        if let Some(index) = self.tries.index_of(attempt) {
            self.remove_try(index);
        }
    }

    /// Takes a message for sending.
    ///
    /// # Errors
    /// [`SendFault`] says why it was not taken.
    pub fn send(&mut self, now: Instant, session: SessionId, bytes: Vec<u8>) -> Result<(), SendFault> {
        let link = self
            .links
            .get_mut(&session.0)
            .filter(|link| link.closing.is_none())
            .ok_or(SendFault::Gone)?;
        link.session.send(now, bytes, &mut self.pool)?;
        link.used = true;
        self.schedule.line_up(session.0);
        Ok(())
    }

    /// Ends a session: what waits leaves as far as it may at that moment, then a Close; the rest is dropped. Nothing more
    /// comes from it; of one that has ended already, what is not polled yet still does.
    pub fn close(&mut self, _now: Instant, session: SessionId, code: CloseCode) {
        let Some(link) = self.links.get_mut(&session.0) else {
            return;
        };
        link.closing = Some(code);
        if link.is_secret() && !link.used {
            self.remove_link(session.0);
        } else {
            self.schedule.line_up(session.0);
        }
    }

    /// A datagram came. Addresses are compared as they are.
    pub fn handle_datagram(&mut self, now: Instant, route: impl Into<Route>, bytes: &[u8]) {
        let Route { from, local } = route.into();
        self.here = local;
        self.door.begin_turn();
        self.stats.received = self.stats.received.wrapping_add(1);
        let len = u64::try_from(bytes.len()).unwrap_or(0);
        self.stats.received_bytes = self.stats.received_bytes.wrapping_add(len);
        if let Err(cause) = self.dispatch(now, from, bytes) {
            tracing::debug!(%from, len, ?cause, "datagram dropped");
            self.stats.drop(cause);
        }
    }

    fn dispatch(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Result<(), DropCause> {
        match Packet::parse(bytes)? {
            Packet::Initial {
                source,
                cookie,
                noise,
            } => self.handle_initial(now, from, source, cookie, noise),
            Packet::Retry { receiver, cookie } => self.handle_retry(from, receiver, cookie),
            Packet::Response {
                receiver,
                source,
                noise,
            } => self.handle_response(now, from, receiver, source, noise),
            Packet::Finish { receiver, noise } => self.handle_finish(now, from, receiver, noise, bytes.len()),
            Packet::Data {
                receiver,
                number,
                sealed,
            } => self.handle_data(now, from, receiver, number, sealed, bytes.len()),
            Packet::Reset { source, token } => self.handle_reset(now, source, &token),
        }
    }

    /// All due timers, oldest first.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.door.begin_turn();
        self.waiting.expire(now);
        self.drained.expire(now);
        while let Some(index) = self.schedule.pop_due(now) {
            if self.links.contains_key(&index) {
                self.link_timeout(now, index);
            } else {
                self.try_timeout(now, index);
            }
        }
    }

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            self.schedule.first(),
            self.door.deadline(),
            self.waiting.deadline(),
            self.drained.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next thing that happened. A message taken here makes room for the next.
    pub fn poll_event(&mut self, now: Instant) -> Option<SessionEvent> {
        loop {
            match self.events.pop_front()? {
                Queued::Event(event) => {
                    if let SessionEvent::Message { bytes, .. } = &event {
                        self.events_bytes = self.events_bytes.saturating_sub(established::left_cost(bytes));
                    }
                    return Some(event);
                }
                Queued::Messages(index) => {
                    if let Some(bytes) = self.pop_message(now, index) {
                        self.events.push_front(Queued::Messages(index));
                        let session = SessionId(index);
                        return Some(SessionEvent::Message { session, bytes });
                    }
                }
            }
        }
    }

    /// The next datagram: those of sessions first, strangers last.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let transmit = self
            .poll_sessions(now)
            .or_else(|| self.answers.pop_front())
            .or_else(|| self.answer_initial(now))?;
        self.stats.sent = self.stats.sent.wrapping_add(1);
        let len = u64::try_from(transmit.bytes.len()).unwrap_or(0);
        self.stats.sent_bytes = self.stats.sent_bytes.wrapping_add(len);
        Some(transmit)
    }

    /// Serves those in line in turn.
    fn poll_sessions(&mut self, now: Instant) -> Option<Transmit> {
        while let Some(index) = self.schedule.next_in_line() {
            let transmit = if self.links.contains_key(&index) {
                self.poll_link(now, index)
            } else {
                self.poll_try(index)
            };
            if transmit.is_some() {
                return transmit;
            }
        }
        None
    }

    /// Answers the datagram in hand, from where it came to.
    fn reply(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        let from = self.here;
        self.answer(Transmit { to, from, bytes });
    }

    /// Keeps an answer that belongs to no session in line.
    fn answer(&mut self, transmit: Transmit) {
        if self.answers.len() < ANSWERS_MAX {
            self.answers.push_back(transmit);
        } else {
            self.stats.answers_dropped = self.stats.answers_dropped.wrapping_add(1);
        }
    }

    /// A session index that nothing here uses. Random, so that none ever comes again.
    fn fresh_index(&mut self) -> u64 {
        loop {
            let index = self.rng.next_u64();
            if !self.links.contains_key(&index)
                && !self.tries.contains(index)
                && !self.waiting.contains(index)
                && !self.drained.contains(index)
            {
                return index;
            }
        }
    }

    fn fresh_seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        seed
    }
}

/// How `identity` introduces itself for the session `index`.
fn hello(identity: &Identity, index: u64) -> Vec<u8> {
    codec::encode(&Hello {
        index,
        card: *identity.card(),
        reset_token: identity.reset_token(index),
    })
}

impl Sessions for Endpoint {
    fn path(&self, session: SessionId) -> Option<Path> {
        self.links.get(&session.0).map(|link| link.path())
    }

    fn room(&self, session: SessionId) -> usize {
        self.links
            .get(&session.0)
            .filter(|link| link.closing.is_none())
            .map_or(0, |link| link.session.room(&self.pool))
    }

    fn backlog(&self, session: SessionId) -> Backlog {
        let link = self.links.get(&session.0);
        link.map_or_else(Backlog::default, |link| link.session.backlog())
    }

    fn session_stats(&self, session: SessionId) -> Option<SessionStats> {
        let link = self.links.get(&session.0);
        link.map(|link| SessionStats {
            opened_at: link.origin.opened,
            ..link.session.stats()
        })
    }
}
