//! How many bytes of the directory are on their way: sent, and not acknowledged.
//!
//! What lies in send buffers is memory, and a crowd of newcomers would each have the whole directory there. Knows no
//! clients: an update carries its own [`Load`].
//! Invariant: nobody who does not acknowledge holds the others up for long: what was sent in an earlier second than the
//! last counts no more.

use crate::clock::Instant;

/// What of one update is counted, and in which second.
#[derive(Debug, Default)]
pub(super) struct Load {
    second: u64,
    bytes: usize,
}

/// What is counted of all.
#[derive(Debug, Default)]
pub(super) struct Airborne {
    second: u64,
    /// Sent in this second.
    present: usize,
    /// Sent in the one before.
    last: usize,
}

impl Airborne {
    /// How many bytes are on their way.
    pub(super) const fn bytes(&mut self, now: Instant) -> usize {
        self.turn(now);
        self.present + self.last
    }

    /// So many more are sent of an update; with that all of it counts as new.
    pub(super) const fn add(&mut self, now: Instant, load: &mut Load, bytes: usize) {
        self.turn(now);
        self.remove(load);
        load.second = self.second;
        load.bytes += bytes;
        self.present += load.bytes;
    }

    /// An update has arrived, or is given up.
    pub(super) const fn remove(&mut self, load: &Load) {
        match self.second - load.second {
            0 => self.present -= load.bytes,
            1 => self.last -= load.bytes,
            _ => {}
        }
    }

    const fn turn(&mut self, now: Instant) {
        let second = now.as_micros() / 1_000_000;
        if second > self.second {
            self.last = if second == self.second + 1 {
                self.present
            } else {
                0
            };
            self.present = 0;
            self.second = second;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    #[test]
    fn what_is_acknowledged_or_two_seconds_old_counts_no_more() {
        let mut airborne = Airborne::default();
        let (mut one, mut other) = (Load::default(), Load::default());
        airborne.add(at(5_000), &mut one, 10);
        airborne.add(at(5_900), &mut other, 20);
        assert_eq!(airborne.bytes(at(6_000)), 30);
        airborne.add(at(6_500), &mut other, 5);
        assert_eq!(
            airborne.bytes(at(6_999)),
            35,
            "all of an update counts from its last page"
        );
        assert_eq!(airborne.bytes(at(7_000)), 25);
        airborne.remove(&one);
        assert_eq!(airborne.bytes(at(7_000)), 25, "it did not count any more");
        airborne.remove(&other);
        assert_eq!(airborne.bytes(at(7_000)), 0);
        let mut third = Load::default();
        airborne.add(at(20_000), &mut third, 7);
        assert_eq!(airborne.bytes(at(22_000)), 0);
    }
}
