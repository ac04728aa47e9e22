//! A road with two ways, on virtual time, and the flows that share it.
//!
//! Each way has a rate with a queue before it that drops what would wait too long, then a delay, then a chance of loss.
//! Everything follows from the seed. Invariant: what arrives does so in the order in which it left.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::clock::Instant;

use crate::cubic::Cubic;
use crate::flow::Flow;

/// What both ways are like.
#[derive(Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) delay: Duration,
    pub(crate) loss_percent: u64,
    /// Bits a second; `None` for no bound.
    pub(crate) bits_per_second: Option<u64>,
    /// How long a datagram may wait for its turn.
    pub(crate) queue: Duration,
}

impl Weather {
    /// So long there and back, without a bound on the rate.
    pub(crate) fn round_trip(micros: u64, loss_percent: u64) -> Self {
        Self {
            delay: Duration::from_micros(micros / 2),
            loss_percent,
            bits_per_second: None,
            queue: Duration::ZERO,
        }
    }
}

/// A datagram, or what stands for one: its bytes, and how long it is on the wire with all its headers.
pub(crate) struct Parcel {
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire: usize,
}

/// One who uses the road: end 0 and end 1.
pub(crate) trait Traveller {
    fn deadline(&self) -> Option<Instant>;
    fn handle_timeout(&mut self, now: Instant);
    fn handle(&mut self, now: Instant, end: usize, bytes: &[u8]);
    /// The next to leave, and from which end.
    fn poll(&mut self, now: Instant) -> Option<(usize, Parcel)>;
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Ours(usize),
    Cubic(usize),
}

pub(crate) struct Road {
    pub(crate) now: Instant,
    pub(crate) weather: Weather,
    pub(crate) ours: Vec<Flow>,
    pub(crate) cubic: Vec<Cubic>,
    /// When each way is free again.
    free_at: [Instant; 2],
    flying: BTreeMap<(Instant, u64), (Who, usize, Vec<u8>)>,
    serial: u64,
    dice: ChaCha8Rng,
}

impl Road {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            now: Instant::from_micros(1_000_000),
            weather,
            ours: Vec::new(),
            cubic: Vec::new(),
            free_at: [Instant::ZERO; 2],
            flying: BTreeMap::new(),
            serial: 0,
            dice: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    fn traveller(&mut self, who: Who) -> &mut dyn Traveller {
        match who {
            Who::Ours(index) => &mut self.ours[index],
            Who::Cubic(index) => &mut self.cubic[index],
        }
    }

    fn all(&self) -> impl Iterator<Item = Who> + use<> {
        let ours = (0..self.ours.len()).map(Who::Ours);
        ours.chain((0..self.cubic.len()).map(Who::Cubic))
    }

    /// When a parcel that leaves now arrives at the other end, if it does.
    fn carry(&mut self, from: usize, wire: usize) -> Option<Instant> {
        let mut leaves = self.now;
        if let Some(rate) = self.weather.bits_per_second {
            let begins = self.free_at[from].max(self.now);
            let takes = Duration::from_nanos(u64::try_from(wire).unwrap() * 8_000_000_000 / rate);
            if begins.since(self.now) + takes > self.weather.queue.max(takes) {
                return None;
            }
            leaves = begins + takes;
            self.free_at[from] = leaves;
        }
        let lost = self.dice.next_u64() % 100 < self.weather.loss_percent;
        (!lost).then(|| leaves + self.weather.delay)
    }

    fn drain(&mut self, who: Who) {
        let now = self.now;
        while let Some((from, parcel)) = self.traveller(who).poll(now) {
            self.serial += 1;
            if let Some(at) = self.carry(from, parcel.wire) {
                self.flying
                    .insert((at, self.serial), (who, 1 - from, parcel.bytes));
            }
        }
    }

    /// Goes on to the next thing that happens while `go_on`, but not past `end`.
    pub(crate) fn run_while(&mut self, end: Instant, go_on: impl Fn(&Self) -> bool) {
        self.all().for_each(|who| self.drain(who));
        while go_on(self) {
            let arrival = self.flying.keys().next().map(|key| key.0);
            let timers = self.ours.iter().filter_map(Traveller::deadline);
            let timers = timers.chain(self.cubic.iter().filter_map(Traveller::deadline));
            let Some(next) = timers.chain(arrival).min().filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn step(&mut self) {
        let now = self.now;
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= now) {
            let (who, end, bytes) = entry.remove();
            self.traveller(who).handle(now, end, &bytes);
            self.drain(who);
        }
        for who in self.all() {
            let traveller = self.traveller(who);
            if traveller.deadline().is_some_and(|at| at <= now) {
                traveller.handle_timeout(now);
                self.drain(who);
            }
        }
    }

    pub(crate) fn run(&mut self, span: Duration) {
        self.run_while(self.now + span, |_| true);
    }
}
