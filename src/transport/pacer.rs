//! Spreads packets over the round trip (RFC 9002 §7.7).
//!
//! A bucket that leaks at the controller's rate, kept as one instant: when it would be empty. Decides only when,
//! never how much; acknowledgements, probes and control frames do not wait for it.
//! Invariant: after a pause no more than one burst leaves at once.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::DATAGRAM_BYTES_MAX;

/// Bytes that may leave at once: the initial window, as RFC 9002 §7.7 allows.
const BURST_BYTES: u64 = 10 * DATAGRAM_BYTES_MAX as u64;
/// The burst lasts at least this long at the current rate: what a timer cannot resolve is sent together.
const BURST_TIME_MIN: Duration = Duration::from_millis(2);

/// The pacer of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    empty_at: Instant,
}

impl Pacer {
    pub(super) const fn new() -> Self {
        Self {
            empty_at: Instant::ZERO,
        }
    }

    /// When the next packet may leave; not after `now` if it may at once.
    pub(super) const fn release_at(&self) -> Instant {
        self.empty_at
    }

    /// A packet of `bytes` left, at a time when the controller allows `rate` bytes a second.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: u64, rate: u64) {
        let rate = rate.max(1);
        let burst = span(BURST_BYTES, rate).max(BURST_TIME_MIN);
        self.empty_at = self.empty_at.max(now - burst) + span(bytes, rate);
    }
}

/// How long `bytes` take at `rate` bytes a second.
const fn span(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_leaves_at_once_and_the_rest_at_the_rate() {
        let (rate, mut pacer) = (120_000, Pacer::new());
        let start = Instant::from_micros(5_000_000);
        let mut now = start;
        let mut at = Vec::new();
        for _ in 0..30 {
            now = now.max(pacer.release_at());
            pacer.on_sent(now, 1_200, rate);
            at.push(now.since(start).as_millis());
        }
        assert_eq!(at[10], 0, "the initial window and the packet that tips it");
        assert_eq!(at[11], 10, "1200 bytes at 120 kB/s");
        assert_eq!(at[29], 190);
    }

    #[test]
    fn a_pause_earns_one_burst_and_no_more() {
        let mut pacer = Pacer::new();
        let now = Instant::from_micros(1_000_000_000);
        for _ in 0..11 {
            pacer.on_sent(now, 1_200, 120_000);
        }
        assert!(pacer.release_at() > now);
    }
}
