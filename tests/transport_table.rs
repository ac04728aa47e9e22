//! What a session is worth on a bad path: a table of times and datagrams, kept as a reviewed snapshot.
//!
//! Two endpoints on virtual time; each datagram is lost with the row's chance, each way, and takes half its round
//! trip. The sessions are opened without loss: this is about what they carry. Columns:
//! - lone: 200 messages of 100 bytes, each sent when all is quiet; the median and the 99th percentile of the time
//!   to the other side's application, and datagrams both ways for each message;
//! - thousand: 1,000 such messages given at once; the median of some seeds to the last one's arrival;
//! - 64 KiB: one message of that size, likewise.
//!
//! Invariant: the same table from the same code, to the digit. A change of quality shows as a difference here: look at it, and accept it (`INSTA_UPDATE=always`) or mend it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test: what fails here fails loudly"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::clock::Instant;
use udpchat::identity::{Identity, Role};
use udpchat::transport::{Attempt, Connect, Endpoint, SessionEvent, SessionId};
use udpchat::wire::packet::Service;

const LOSSES_PERCENT: [u64; 6] = [0, 1, 5, 10, 30, 50];
const ROUND_TRIPS_MS: [u64; 4] = [1, 50, 300, 800];
const LONE_MESSAGES: usize = 200;
const SEEDS: u64 = 5;
/// Nothing is that slow; a session that is given up shows as a failure, not as a number.
const PATIENCE: Duration = Duration::from_secs(3_600);

struct Path {
    delay: Duration,
    loss_percent: u64,
}

/// A sender (0) and a receiver (1).
struct Pair {
    now: Instant,
    ends: [Endpoint; 2],
    session: Option<SessionId>,
    got: usize,
    path: Path,
    rng: ChaCha8Rng,
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
}

fn address(end: usize) -> SocketAddr {
    ["192.0.2.1:1", "192.0.2.2:2"][end].parse().unwrap()
}

impl Pair {
    /// Two endpoints with a session between them, and nothing under way.
    fn open(seed: u64, round_trip_ms: u64, loss_percent: u64) -> Self {
        let identity = |seed| Arc::new(Identity::from_seed(&[seed; 32], Role::Client));
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut key = || {
            let mut key = [0; 32];
            random.fill_bytes(&mut key);
            key
        };
        let mut pair = Self {
            now: Instant::from_micros(1_000_000),
            ends: [
                Endpoint::new(identity(1), Service::Peer, key()),
                Endpoint::new(identity(2), Service::Peer, key()),
            ],
            session: None,
            got: 0,
            path: Path {
                delay: Duration::from_micros(round_trip_ms * 500),
                loss_percent: 0,
            },
            rng: ChaCha8Rng::seed_from_u64(seed),
            flying: BTreeMap::new(),
            sent: 0,
        };
        let connect = Connect {
            attempt: Attempt(0),
            address: address(1),
            service: Service::Peer,
            expect: None,
            interval: Duration::from_secs(2),
            initials: 1,
        };
        pair.ends[0].connect(pair.now, connect);
        pair.settle();
        pair.path.loss_percent = loss_percent;
        pair.sent = 0;
        pair
    }

    fn send(&mut self, len: usize) {
        let bytes = (0..len).map(|at| at.to_le_bytes()[0]).collect();
        self.ends[0].send(self.now, self.session.unwrap(), bytes).unwrap();
    }

    /// Takes what both ends have to say.
    fn drain(&mut self) {
        for from in 0..2 {
            loop {
                while let Some(event) = self.ends[from].poll_event(self.now) {
                    match event {
                        SessionEvent::Opened { session, .. } if from == 0 => self.session = Some(session),
                        SessionEvent::Message { .. } => self.got += 1,
                        SessionEvent::Opened { .. } => {}
                        other => panic!("{other:?}"),
                    }
                }
                let Some(transmit) = self.ends[from].poll_transmit(self.now) else {
                    break;
                };
                self.sent += 1;
                if self.rng.next_u64() % 100 >= self.path.loss_percent {
                    let at = (self.now + self.path.delay, self.sent);
                    self.flying.insert(at, (1 - from, transmit.bytes));
                }
            }
        }
    }

    /// Goes on to the next thing that happens until `done`, but not past `end`.
    fn run_while(&mut self, end: Instant, go_on: impl Fn(&Self) -> bool) {
        self.drain();
        while go_on(self) {
            let timers = self.ends.iter().filter_map(Endpoint::poll_timeout);
            let arrival = self.flying.keys().next().map(|key| key.0);
            let Some(next) = timers.chain(arrival).min().filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some(entry) = self
                .flying
                .first_entry()
                .filter(|entry| entry.key().0 <= self.now)
            {
                let (to, bytes) = entry.remove();
                self.ends[to].handle_datagram(self.now, address(1 - to), &bytes);
                self.drain();
            }
            self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
            self.drain();
        }
    }

    /// Waits for `count` messages in all; returns how long it took.
    fn wait_for(&mut self, count: usize) -> Duration {
        let begin = self.now;
        self.run_while(self.now + PATIENCE, |pair| pair.got < count);
        assert_eq!(self.got, count, "not delivered");
        self.now.since(begin)
    }

    /// Waits until everything is acknowledged and at rest.
    fn settle(&mut self) {
        let loss_percent = std::mem::take(&mut self.path.loss_percent);
        self.run_while(self.now + Duration::from_secs(10), |_| true);
        self.path.loss_percent = loss_percent;
    }
}

/// Milliseconds at a fraction of the sorted times.
fn at_percent(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    let index = (times.len() * percent / 100).min(times.len() - 1);
    times[index].as_secs_f64() * 1_000.0
}

fn lone(round_trip_ms: u64, loss_percent: u64) -> (f64, f64, f64) {
    let mut pair = Pair::open(1, round_trip_ms, loss_percent);
    let mut times: Vec<_> = (0..LONE_MESSAGES)
        .map(|sent| {
            pair.send(100);
            let time = pair.wait_for(sent + 1);
            pair.run_while(pair.now + Duration::from_secs(10), |_| true);
            time
        })
        .collect();
    let datagrams = pair.sent;
    (
        at_percent(&mut times, 50),
        at_percent(&mut times, 99),
        per(datagrams, LONE_MESSAGES),
    )
}

fn many(round_trip_ms: u64, loss_percent: u64, count: usize, len: usize) -> (f64, f64) {
    let mut datagrams = 0;
    let mut times: Vec<_> = (0..SEEDS)
        .map(|seed| {
            let mut pair = Pair::open(seed, round_trip_ms, loss_percent);
            (0..count).for_each(|_| pair.send(len));
            let time = pair.wait_for(count);
            pair.settle();
            datagrams += pair.sent;
            time
        })
        .collect();
    let runs = usize::try_from(SEEDS).unwrap();
    (at_percent(&mut times, 50), per(datagrams, count * runs))
}

fn per(datagrams: u64, messages: usize) -> f64 {
    f64::from(u32::try_from(datagrams).unwrap()) / f64::from(u32::try_from(messages).unwrap())
}

#[test]
fn the_table_of_times_and_datagrams_is_as_reviewed() {
    let mut table = String::from(
        "round trip  loss |    lone p50        p99  datagrams |    thousand  datagrams |      64 KiB  datagrams\n",
    );
    for round_trip_ms in ROUND_TRIPS_MS {
        for loss_percent in LOSSES_PERCENT {
            let (p50, p99, lone_datagrams) = lone(round_trip_ms, loss_percent);
            let (thousand, thousand_datagrams) = many(round_trip_ms, loss_percent, 1_000, 100);
            let (large, large_datagrams) = many(round_trip_ms, loss_percent, 1, 64 * 1024);
            writeln!(
                table,
                "{round_trip_ms:>7} ms {loss_percent:>3} % | {p50:>8.1} ms {p99:>7.1} ms {lone_datagrams:>10.2} | \
                 {thousand:>8.0} ms {thousand_datagrams:>10.3} | {large:>8.0} ms {large_datagrams:>10.1}"
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!(table);
}
