//! How much more is acknowledged at once than the rate of the path explains (draft-ietf-ccwg-bbr, section 5.5.9).
//!
//! Radios, and threads that wait for a processor, gather acknowledgements and let them go in heaps. Between two heaps
//! as much has to be under way besides what the path holds, or the sender stands still and takes that for the path's
//! rate. Knows neither windows nor packets.
//! Invariant: never more than the window allowed when the heap came.

use super::bytes_in;
use crate::clock::Instant;

/// The heaps of one path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heaps {
    /// Since when acknowledgements come faster than the rate, and how many bytes.
    since: Instant,
    acked: u64,
    /// The largest of this cycle of probes, and of the one before.
    largest: [u64; 2],
}

impl Heaps {
    /// So many bytes are acknowledged, of at most `window` under way, on a path that is thought to deliver `rate` bytes a
    /// second.
    pub(super) fn on_acked(&mut self, now: Instant, bytes: u64, rate: u64, window: u64) {
        let mut expected = bytes_in(rate, now.since(self.since));
        if self.acked <= expected {
            (self.since, self.acked, expected) = (now, 0, 0);
        }
        self.acked += bytes;
        self.largest[0] = self.largest[0].max((self.acked - expected).min(window));
    }

    /// Another cycle begins.
    pub(super) const fn begin_cycle(&mut self) {
        self.largest = [0, self.largest[0]];
    }

    /// The largest heap lately, in bytes.
    pub(super) fn largest(&self) -> u64 {
        self.largest[0].max(self.largest[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes a second: 1,000 a millisecond.
    const RATE: u64 = 1_000_000;

    fn largest(every_ms: u64, bytes: u64) -> u64 {
        let mut heaps = Heaps::default();
        for n in 1..100 {
            heaps.on_acked(Instant::from_micros(n * every_ms * 1_000), bytes, RATE, 50_000);
        }
        heaps.largest()
    }

    #[test]
    fn a_heap_is_what_comes_beyond_the_rate() {
        assert_eq!(largest(1, 1_000), 1_000, "one packet at a time");
        assert_eq!(largest(10, 10_000), 10_000);
        assert_eq!(largest(10, 4_000), 4_000);
        assert_eq!(largest(100, 100_000), 50_000, "no more than the window");
        assert_eq!(
            largest(1, 1_100),
            1_100 + 98 * 100,
            "faster than the rate for long"
        );
    }

    #[test]
    fn heaps_are_forgotten_after_two_cycles() {
        let mut heaps = Heaps::default();
        heaps.on_acked(Instant::from_micros(1_000_000), 9_000, RATE, 50_000);
        heaps.begin_cycle();
        assert_eq!(heaps.largest(), 9_000);
        heaps.begin_cycle();
        assert_eq!(heaps.largest(), 0);
    }
}
