//! A network that hates us: what becomes of each datagram, on virtual time.
//!
//! Loses (alone and in bursts), delays, overtakes, duplicates up to minutes late, spoils and cuts short, queues
//! on slow lines, and is cut, one way or both. Knows datagrams, not what is in them.
//! Invariant: what happens to a datagram depends on the seed and on those before it, and on nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::bursts::{Bursts, Spell};
use super::dice::{Chance, Dice};
use crate::clock::Instant;

/// What a network does to datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Never arrives.
    pub loss: Chance,
    /// And in bursts.
    pub bursts: Option<Bursts>,
    /// One way, at least.
    pub delay: Duration,
    /// Up to so much longer.
    pub jitter: Duration,
    /// Overtaken: takes up to ten times as long.
    pub reorder: Chance,
    /// Arrives twice; one in ten copies up to [`LATE`] later.
    pub duplicate: Chance,
    /// Arrives with a bit changed, or cut short.
    pub corrupt: Chance,
    /// Bits a second of each client's line, each way.
    pub rate: Option<u64>,
}

/// How late a copy may be.
pub const LATE: Duration = Duration::from_secs(180);

/// What waits before a slow line at most: half a second of it, but no less than some datagrams.
const QUEUE: Duration = Duration::from_millis(500);
const QUEUE_BYTES_MIN: u64 = 16 * 1024;

impl Weather {
    /// A quiet network.
    pub const CLEAR: Self = Self {
        loss: Chance::NEVER,
        bursts: None,
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(1),
        reorder: Chance::NEVER,
        duplicate: Chance::NEVER,
        corrupt: Chance::NEVER,
        rate: None,
    };

    /// Whether nothing happens to a datagram on a short and fast line.
    pub(super) const fn is_clear(&self) -> bool {
        self.loss.is_never()
            && self.bursts.is_none()
            && self.reorder.is_never()
            && self.duplicate.is_never()
            && self.corrupt.is_never()
            && self.rate.is_none()
            && self.delay.as_millis() + self.jitter.as_millis() <= 100
    }

    /// The same lines, as far and as slow as they are, without any trouble.
    pub(super) const fn in_peace(self) -> Self {
        Self {
            rate: self.rate,
            delay: self.delay,
            ..Self::CLEAR
        }
    }
}

/// What was carried, and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams sent.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lost on the way, or cut off.
    pub lost: u64,
    /// Dropped before a slow line.
    pub queue_full: u64,
}

impl Traffic {
    /// Adds another run's.
    pub(super) const fn add(&mut self, other: &Self) {
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.queue_full += other.queue_full;
    }
}

/// A datagram that arrives, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) bytes: Vec<u8>,
    /// Whether it is what was sent.
    pub(super) whole: bool,
}

/// Which way a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Up,
    Down,
}

/// The network.
pub(super) struct Network {
    dice: Dice,
    /// What it does now.
    pub(super) weather: Weather,
    /// The address whose line is as fast as one likes.
    hub: SocketAddr,
    /// From, to: nothing passes, and for how many reasons.
    cuts: BTreeMap<(SocketAddr, SocketAddr), u32>,
    /// Whether they are good or bad now, as far as anybody has sent something.
    spells: BTreeMap<(SocketAddr, SocketAddr), Spell>,
    /// When each slow line is free.
    lines: BTreeMap<(SocketAddr, Way), Instant>,
    pub(super) traffic: Traffic,
}

impl Network {
    pub(super) fn new(dice: Dice, weather: Weather, hub: SocketAddr) -> Self {
        Self {
            dice,
            weather,
            hub,
            cuts: BTreeMap::new(),
            spells: BTreeMap::new(),
            lines: BTreeMap::new(),
            traffic: Traffic::default(),
        }
    }

    /// Nothing gets from the one to the other any more; the way back is as it was.
    pub(super) fn cut_one_way(&mut self, from: SocketAddr, to: SocketAddr) {
        *self.cuts.entry((from, to)).or_default() += 1;
    }

    /// One such cut is over; others of the same way may not be. Spells and queues are as they were.
    pub(super) fn mend_one_way(&mut self, from: SocketAddr, to: SocketAddr) {
        if let Some(cuts) = self.cuts.get_mut(&(from, to)) {
            *cuts -= 1;
        }
        self.cuts.retain(|_, cuts| *cuts > 0);
    }

    /// All paths are open and good, and nothing waits before a line.
    pub(super) fn heal(&mut self) {
        self.cuts.clear();
        self.spells.clear();
        self.lines.clear();
    }

    /// What arrives of a datagram, and when.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    ) -> Vec<Arrival> {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.traffic.datagrams += 1;
        self.traffic.bytes += len;
        if self.is_lost(now, from, to) {
            self.traffic.lost += 1;
            return Vec::new();
        }
        let Some(left) = self.queue(now, from, to, len) else {
            self.traffic.queue_full += 1;
            return Vec::new();
        };
        let mut arrivals = Vec::with_capacity(2);
        if self.dice.chance(self.weather.duplicate) {
            let late = self.dice.chance(Chance::percent(10));
            let later = if late {
                self.dice.span(LATE)
            } else {
                Duration::ZERO
            };
            let at = left + self.delay() + later;
            arrivals.push(self.arrival(at, bytes.clone()));
        }
        let at = left + self.delay();
        arrivals.push(self.arrival(at, bytes));
        arrivals
    }

    fn is_lost(&mut self, now: Instant, from: SocketAddr, to: SocketAddr) -> bool {
        if self.cuts.contains_key(&(from, to)) || self.dice.chance(self.weather.loss) {
            return true;
        }
        let Some(bursts) = self.weather.bursts else {
            return false;
        };
        let dice = &mut self.dice;
        let spell = self
            .spells
            .entry((from, to))
            .or_insert_with(|| bursts.begin(now, dice));
        bursts.take(spell, now, dice)
    }

    /// When a datagram has passed the slow lines at both ends; `None` if there is no room before one of them.
    fn queue(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, len: u64) -> Option<Instant> {
        let Some(rate) = self.weather.rate else {
            return Some(now);
        };
        let takes = |bytes: u64| Duration::from_micros((bytes * 8).saturating_mul(1_000_000) / rate.max(1));
        let longest = QUEUE.max(takes(QUEUE_BYTES_MIN));
        let mut at = now;
        for line in [(from, Way::Up), (to, Way::Down)] {
            if line.0 == self.hub {
                continue;
            }
            let free = self.lines.get(&line).copied().unwrap_or(at).max(at);
            if free.since(at) > longest {
                return None;
            }
            at = free + takes(len);
            self.lines.insert(line, at);
        }
        Some(at)
    }

    fn delay(&mut self) -> Duration {
        let factor = if self.dice.chance(self.weather.reorder) {
            1 + u32::try_from(self.dice.below(10)).unwrap_or(0)
        } else {
            1
        };
        self.weather.delay * factor + self.dice.span(self.weather.jitter)
    }

    fn arrival(&mut self, at: Instant, mut bytes: Vec<u8>) -> Arrival {
        let whole = !self.dice.chance(self.weather.corrupt) || bytes.is_empty();
        if !whole {
            let place = self.dice.index(bytes.len());
            if self.dice.chance(Chance::percent(50)) {
                let bit = self.dice.below(8);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << bit;
                }
            } else {
                bytes.truncate(place);
            }
        }
        Arrival { at, bytes, whole }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn address(last: u8) -> SocketAddr {
        ([10, 0, 0, last], 1).into()
    }

    fn network(weather: Weather) -> Network {
        Network::new(Dice::new(1, 1), weather, address(1))
    }

    fn carry(network: &mut Network, count: usize, bytes: usize) -> Vec<Arrival> {
        (0..count)
            .flat_map(|_| network.carry(Instant::ZERO, address(2), address(1), vec![7; bytes]))
            .collect()
    }

    #[test]
    fn a_clear_sky_delivers_everything_once_unspoilt_in_time() {
        let arrivals = carry(&mut network(Weather::CLEAR), 100, 10);
        assert_eq!(arrivals.len(), 100);
        for arrival in arrivals {
            let taken = arrival.at.since(Instant::ZERO);
            assert!(taken >= Weather::CLEAR.delay && taken <= Weather::CLEAR.delay + Weather::CLEAR.jitter);
            assert_eq!(arrival.bytes, [7; 10]);
        }
    }

    #[test]
    fn bursts_are_of_one_way_of_a_path() {
        let bursts = Bursts {
            good: Duration::from_secs(1),
            bad: Duration::from_secs(1),
            loss: Chance::percent(100),
        };
        let mut network = network(Weather {
            bursts: Some(bursts),
            ..Weather::CLEAR
        });
        let mut met = BTreeSet::new();
        for second in 0..100 {
            let now = Instant::ZERO + Duration::from_secs(second);
            let mut lost = |from, to| network.carry(now, address(from), address(to), vec![7]).is_empty();
            met.insert((lost(1, 2), lost(2, 1)));
        }
        assert_eq!(met.len(), 4, "each is good or bad whatever the other is");
    }

    #[test]
    fn a_slow_line_takes_its_time_and_drops_what_finds_no_room() {
        let mut network = network(Weather {
            rate: Some(80_000),
            jitter: Duration::ZERO,
            ..Weather::CLEAR
        });
        // 10,000 bytes a second: 16 KiB of queue are 1.6 s.
        let arrivals = carry(&mut network, 100, 1_000);
        assert_eq!(arrivals[0].at.since(Instant::ZERO), Duration::from_millis(105));
        assert_eq!(arrivals[1].at.since(Instant::ZERO), Duration::from_millis(205));
        assert_eq!(arrivals.len(), 17);
        assert_eq!(network.traffic.queue_full, 83);
    }

    #[test]
    fn a_cut_path_carries_nothing_one_way() {
        let mut network = network(Weather::CLEAR);
        network.cut_one_way(address(2), address(1));
        assert!(carry(&mut network, 10, 1).is_empty());
        assert_eq!(
            network
                .carry(Instant::ZERO, address(1), address(2), vec![1])
                .len(),
            1
        );
        network.heal();
        assert_eq!(carry(&mut network, 10, 1).len(), 10);
    }

    #[test]
    fn the_end_of_a_cut_ends_no_other() {
        let mut network = network(Weather::CLEAR);
        for from in [2, 2, 3] {
            network.cut_one_way(address(from), address(1));
        }
        network.mend_one_way(address(3), address(1));
        assert!(carry(&mut network, 1, 1).is_empty());
        network.mend_one_way(address(2), address(1));
        assert!(carry(&mut network, 1, 1).is_empty());
        network.mend_one_way(address(2), address(1));
        assert_eq!(carry(&mut network, 1, 1).len(), 1);
        network.mend_one_way(address(2), address(1));
        assert_eq!(carry(&mut network, 1, 1).len(), 1);
    }

    #[test]
    fn copies_and_damage_are_as_often_as_asked() {
        let mut network = network(Weather {
            duplicate: Chance::percent(20),
            corrupt: Chance::percent(10),
            ..Weather::CLEAR
        });
        let arrivals = carry(&mut network, 10_000, 100);
        assert!((11_800..12_200).contains(&arrivals.len()), "{}", arrivals.len());
        let spoilt = arrivals
            .iter()
            .filter(|arrival| arrival.bytes != [7; 100])
            .count();
        assert!((1_050..1_350).contains(&spoilt), "{spoilt}");
        assert!(
            arrivals
                .iter()
                .any(|arrival| arrival.at.since(Instant::ZERO) > LATE / 2)
        );
    }
}
