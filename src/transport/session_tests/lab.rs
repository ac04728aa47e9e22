//! Two sessions back to back over a seeded network, on virtual time.
//!
//! Only for the tests of the session beside it; endpoints, keys and addresses are tested in `tests/`.
//! Invariant: a deadline that was handled lies in the future, or the run fails.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::clock::Instant;
use crate::transport::SendFault;
use crate::transport::session::{Pool, Received, Session, Violation};
use crate::wire::frame::{Frame, encode_into, frames};

pub(super) const SPACE: usize = 1_160;

#[derive(Clone, Copy)]
pub(super) struct Faults {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) loss_percent: u64,
    pub(super) duplicate_percent: u64,
}

pub(super) const fn quiet(delay_ms: u64) -> Faults {
    Faults {
        delay: Duration::from_millis(delay_ms),
        jitter: Duration::ZERO,
        loss_percent: 0,
        duplicate_percent: 0,
    }
}

pub(super) struct End {
    pub(super) session: Session,
    pub(super) pool: Pool,
    pub(super) got: Vec<Vec<u8>>,
    pub(super) takes: bool,
    pub(super) violation: Option<Violation>,
    pub(super) events: Vec<Received>,
}

pub(super) struct Lab {
    pub(super) now: Instant,
    pub(super) ends: [End; 2],
    pub(super) faults: Faults,
    pub(super) cut: [bool; 2],
    pub(super) rng: ChaCha8Rng,
    pub(super) flying: BTreeMap<(Instant, u64), (usize, u64, Vec<u8>)>,
    pub(super) sent: u64,
}

impl Lab {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let now = Instant::from_micros(1_000_000);
        let end = || End {
            session: Session::new(now, Some((faults.delay * 2).max(Duration::from_micros(100)))),
            pool: Pool::default(),
            got: Vec::new(),
            takes: true,
            violation: None,
            events: Vec::new(),
        };
        Self {
            now,
            ends: [end(), end()],
            faults,
            cut: [false; 2],
            rng: ChaCha8Rng::seed_from_u64(seed),
            flying: BTreeMap::new(),
            sent: 0,
        }
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.rng.next_u64() % 100 < percent
    }

    pub(super) fn send(&mut self, from: usize, bytes: Vec<u8>) -> Result<(), SendFault> {
        let end = &mut self.ends[from];
        end.session.send(self.now, bytes, &mut end.pool)
    }

    pub(super) fn fly(&mut self, to: usize, number: u64, plain: &[u8]) {
        let jitter = u64::try_from(self.faults.jitter.as_micros()).unwrap();
        let late = Duration::from_micros(if jitter == 0 {
            0
        } else {
            self.rng.next_u64() % jitter
        });
        self.flying.insert(
            (self.now + self.faults.delay + late, self.sent),
            (to, number, plain.to_vec()),
        );
        self.sent += 1;
    }

    pub(super) fn drain(&mut self) {
        for from in 0..2 {
            let mut plain = Vec::new();
            let mut packets = 0;
            while let Some(number) = self.ends[from].session.poll_packet(self.now, SPACE, &mut plain) {
                assert!(plain.len() <= SPACE, "{} bytes", plain.len());
                packets += 1;
                assert!(packets < 10_000, "packets without end");
                if !self.cut[from] && !self.chance(self.faults.loss_percent) {
                    self.fly(1 - from, number, &plain);
                    if self.chance(self.faults.duplicate_percent) {
                        self.fly(1 - from, number, &plain);
                    }
                }
                plain.clear();
            }
            let end = &mut self.ends[from];
            while end.takes
                && let Some(message) = end.session.pop_message(self.now, &mut end.pool)
            {
                end.got.push(message);
            }
        }
        for from in 0..2 {
            // Credit given by taking may have to leave.
            let mut plain = Vec::new();
            while let Some(number) = self.ends[from].session.poll_packet(self.now, SPACE, &mut plain) {
                if !self.cut[from] && !self.chance(self.faults.loss_percent) {
                    self.fly(1 - from, number, &plain);
                }
                plain.clear();
            }
        }
    }

    /// Goes on to the next thing that happens, but not past `until`.
    pub(super) fn step(&mut self, until: Instant) -> bool {
        self.drain();
        let arrival = self.flying.first_key_value().map(|(&(at, _), _)| at);
        let timers = self.ends.iter().map(|end| end.session.poll_timeout());
        let next = timers.chain([arrival]).flatten().min();
        let Some(next) = next.filter(|&next| next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next)
            && let Some((_, (to, number, plain))) = self.flying.pop_first()
        {
            let end = &mut self.ends[to];
            match end.session.handle_packet(self.now, number, &plain, &mut end.pool) {
                Ok(received) => end.events.push(received),
                Err(violation) => end.violation = Some(violation),
            }
        } else {
            for end in &mut self.ends {
                end.session.handle_timeout(self.now);
                let deadline = end.session.poll_timeout();
                assert!(
                    deadline.is_none_or(|at| at > self.now),
                    "a deadline does not move on"
                );
            }
        }
        self.drain();
        true
    }

    pub(super) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// Runs until `to` has so many messages; returns how long it took.
    pub(super) fn run_until_got(&mut self, to: usize, count: usize, span: Duration) -> Duration {
        let (begin, until) = (self.now, self.now + span);
        while self.ends[to].got.len() < count && self.step(until) {}
        assert_eq!(self.ends[to].got.len(), count, "not delivered within {span:?}");
        self.now.since(begin)
    }

    /// Hands plain frames to end 1 as if end 0 had sent them.
    pub(super) fn inject(&mut self, number: u64, list: &[Frame<'_>]) -> Result<(), Violation> {
        let mut plain = Vec::new();
        list.iter().for_each(|frame| encode_into(frame, &mut plain));
        let end = &mut self.ends[1];
        let done = end.session.handle_packet(self.now, number, &plain, &mut end.pool);
        done.map(|_| ())
    }

    /// What end 1 sends now.
    pub(super) fn frames_of(&mut self, from: usize) -> Vec<String> {
        let mut plain = Vec::new();
        let end = &mut self.ends[from];
        while end.session.poll_packet(self.now, SPACE, &mut plain).is_some() {}
        frames(&plain)
            .map(|frame| format!("{:?}", frame.unwrap()))
            .collect()
    }

    pub(super) fn acked_by(&mut self, from: usize) -> Option<Vec<u64>> {
        let mut plain = Vec::new();
        let end = &mut self.ends[from];
        while end.session.poll_packet(self.now, SPACE, &mut plain).is_some() {}
        let acks = frames(&plain).filter_map(|frame| match frame.unwrap() {
            Frame::Ack(ack) => Some(ack.ranges().flatten().collect()),
            _ => None,
        });
        acks.last()
    }
}

pub(super) fn message(number: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| u8::try_from((number * 131 + at * 7) % 256).unwrap())
        .collect()
}

pub(super) fn part(message: u64, offset: u32, last: bool, bytes: &[u8]) -> Frame<'_> {
    Frame::Part {
        message,
        offset,
        last,
        bytes,
    }
}

/// A path that is thought to lose 40 %, and loses nothing any more. A hundred messages went over it.
pub(super) fn once_lossy() -> Lab {
    let rough = Faults {
        loss_percent: 40,
        ..quiet(100)
    };
    let mut lab = Lab::new(5, rough);
    for number in 0..100 {
        lab.send(0, message(number, 100)).unwrap();
        lab.run(Duration::from_secs(2));
    }
    lab.faults.loss_percent = 0;
    lab.run(Duration::from_secs(5));
    lab
}
