//! Two endpoints with a session between them: end 0 sends, end 1 takes and may answer.
//!
//! Invariant: a session that ends fails the run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::identity::{Identity, Role};
use udpchat::transport::{Attempt, Connect, Endpoint, SessionEvent, SessionId, Sessions};
use udpchat::wire::packet::Service;

use crate::road::{Parcel, Road, Traveller};

/// IPv4 and UDP.
const HEADERS: usize = 28;

/// What is done beside what the test says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Nothing.
    None,
    /// End 1 answers each message at once with one of this length.
    Answers(usize),
    /// End 0 gives messages of this length as long as there is room.
    Greedy(usize),
}

pub(crate) struct Flow {
    pub(crate) ends: [Endpoint; 2],
    pub(crate) session: Option<SessionId>,
    pub(crate) habit: Habit,
    /// Messages that have arrived at each end.
    pub(crate) got: [usize; 2],
    /// Their bytes.
    pub(crate) got_bytes: usize,
    /// Datagrams that left each end.
    pub(crate) sent_by: [u64; 2],
}

fn address(end: usize) -> SocketAddr {
    ["192.0.2.1:1", "192.0.2.2:2"][end].parse().unwrap()
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|at| at.to_le_bytes()[0]).collect()
}

impl Flow {
    /// Endpoints that have begun a handshake.
    pub(crate) fn new(now: Instant, seed: u8, habit: Habit) -> Self {
        let identity = |seed| Arc::new(Identity::from_seed(&[seed; 32], Role::Client));
        let end = |n| Endpoint::new(identity(n), Service::Peer, [seed ^ n; 32]);
        let mut flow = Self {
            ends: [end(1), end(2)],
            session: None,
            habit,
            got: [0; 2],
            got_bytes: 0,
            sent_by: [0; 2],
        };
        let connect = Connect {
            attempt: Attempt(0),
            address: address(1),
            service: Service::Peer,
            expect: None,
            interval: Duration::from_secs(2),
            initials: 3,
        };
        flow.ends[0].connect(now, connect);
        flow
    }

    pub(crate) fn send(&mut self, now: Instant, len: usize) {
        self.ends[0]
            .send(now, self.session.unwrap(), message(len))
            .unwrap();
    }

    /// Datagrams that left both ends.
    pub(crate) fn sent(&self) -> u64 {
        self.sent_by.iter().sum()
    }

    fn take_events(&mut self, now: Instant) {
        for end in 0..2 {
            while let Some(event) = self.ends[end].poll_event(now) {
                match event {
                    SessionEvent::Opened { session, .. } if end == 0 => self.session = Some(session),
                    SessionEvent::Message { session, bytes } => {
                        self.got[end] += 1;
                        self.got_bytes += bytes.len();
                        if let (1, Habit::Answers(len)) = (end, self.habit) {
                            self.ends[1].send(now, session, message(len)).unwrap();
                        }
                    }
                    SessionEvent::Opened { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        if let (Habit::Greedy(len), Some(session)) = (self.habit, self.session) {
            while self.ends[0].room(session) >= len {
                self.ends[0].send(now, session, message(len)).unwrap();
            }
        }
    }
}

impl Traveller for Flow {
    fn deadline(&self) -> Option<Instant> {
        self.ends.iter().filter_map(Endpoint::poll_timeout).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.ends.iter_mut().for_each(|end| end.handle_timeout(now));
    }

    fn handle(&mut self, now: Instant, end: usize, bytes: &[u8]) {
        self.ends[end].handle_datagram(now, address(1 - end), bytes);
    }

    fn poll(&mut self, now: Instant) -> Option<(usize, Parcel)> {
        self.take_events(now);
        let (end, transmit) =
            (0..2).find_map(|end| self.ends[end].poll_transmit(now).map(|transmit| (end, transmit)))?;
        self.sent_by[end] += 1;
        let wire = transmit.bytes.len() + HEADERS;
        let bytes = transmit.bytes;
        Some((end, Parcel { bytes, wire }))
    }
}

impl Road {
    /// A road with one flow, whose session is up, with nothing under way. It was opened without loss.
    pub(crate) fn with_session(seed: u64, weather: crate::road::Weather, habit: Habit) -> Self {
        let calm = crate::road::Weather {
            loss_percent: 0,
            ..weather
        };
        let mut road = Self::new(seed, calm);
        road.ours
            .push(Flow::new(road.now, seed.to_le_bytes()[0], Habit::None));
        road.run(Duration::from_secs(10));
        road.weather = weather;
        road.ours[0].habit = habit;
        road.ours[0].sent_by = [0; 2];
        road
    }

    /// Waits until end `end` of the only flow has so many messages; returns how long it took.
    pub(crate) fn wait_for(&mut self, end: usize, count: usize) -> Duration {
        // Nothing is that slow; a session that is given up fails the run.
        let (begin, patience) = (self.now, Duration::from_secs(3_600));
        self.run_while(begin + patience, |road| road.ours[0].got[end] < count);
        assert_eq!(self.ours[0].got[end], count, "not delivered");
        self.now.since(begin)
    }

    /// Waits without loss until everything is acknowledged and at rest.
    pub(crate) fn settle(&mut self) {
        let loss_percent = std::mem::take(&mut self.weather.loss_percent);
        self.run(Duration::from_secs(10));
        self.weather.loss_percent = loss_percent;
    }
}
