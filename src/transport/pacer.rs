//! Spreads packets over the round trip (RFC 9002 §7.7).
//!
//! A bucket that the controller's rate fills. Decides only when, never how much; acknowledgements, probes, copies and
//! control frames do not wait for it.
//! Invariants: after a pause no more than one burst and the packet that tips it leave at once; nothing waits for longer than a
//! whole datagram takes at the rate of the moment.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::DATAGRAM_BYTES_MAX;

/// A packet may leave when there is so much in the bucket: it may be as long as that.
const DATAGRAM: u64 = DATAGRAM_BYTES_MAX as u64;
/// Bytes that may leave at once: the initial window, as RFC 9002 §7.7 allows.
const BURST_BYTES: u64 = 10 * DATAGRAM;
/// Or what the rate allows in so many milliseconds: what a timer cannot resolve is sent together.
const BURST_MS: u64 = 2;
/// The bucket counts in millionths of a byte, so that it loses nothing to rounding.
const MILLIONTHS: u64 = 1_000_000;

/// The pacer of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    /// What is in the bucket at that time, in millionths of bytes.
    filled: u64,
    at: Instant,
}

impl Pacer {
    pub(super) const fn new() -> Self {
        Self {
            filled: u64::MAX,
            at: Instant::ZERO,
        }
    }

    /// When the next packet may leave, if the controller allows `rate` bytes a second; not after `now` if it may at once.
    pub(super) fn release_at(&self, rate: u64) -> Instant {
        let missing = (DATAGRAM * MILLIONTHS).saturating_sub(self.filled);
        self.at + Duration::from_micros(missing.div_ceil(rate.max(1)))
    }

    /// A packet of `bytes` left, at a time when the controller allows `rate` bytes a second. What does not wait for its turn
    /// counts as well, but leaves no debt: a probe must not silence the path that it has found to be there.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: u64, rate: u64) {
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let burst = BURST_BYTES.max(rate / 1_000 * BURST_MS);
        self.filled = self
            .filled
            .saturating_add(rate.saturating_mul(passed))
            .min((burst + DATAGRAM).saturating_mul(MILLIONTHS))
            .saturating_sub(bytes.saturating_mul(MILLIONTHS));
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: u64 = 120_000;

    #[test]
    fn a_burst_leaves_at_once_and_the_rest_at_the_rate() {
        let mut pacer = Pacer::new();
        let start = Instant::from_micros(5_000_000);
        let mut now = start;
        let mut at = Vec::new();
        for _ in 0..30 {
            now = now.max(pacer.release_at(RATE));
            pacer.on_sent(now, 1_200, RATE);
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
            pacer.on_sent(now, 1_200, RATE);
        }
        assert!(pacer.release_at(RATE) > now);
    }

    #[test]
    fn whoever_may_send_faster_does_so_at_once() {
        let mut pacer = Pacer::new();
        let now = Instant::from_micros(1_000_000);
        (0..11).for_each(|_| pacer.on_sent(now, 1_200, 400));
        assert_eq!(pacer.release_at(400), now + Duration::from_secs(3));
        assert_eq!(pacer.release_at(120_000), now + Duration::from_millis(10));
    }

    proptest! {
        #[test]
        fn nothing_waits_for_longer_than_a_datagram_takes(
            sent in prop::collection::vec((0u64..2_000_000, 0u64..1_201, 400u64..100_000_000), 1..200),
        ) {
            let (mut pacer, mut now) = (Pacer::new(), Instant::from_micros(1_000_000));
            for (pause, bytes, rate) in sent {
                now = now + Duration::from_micros(pause);
                pacer.on_sent(now, bytes, rate);
                for rate in [rate, 400] {
                    let takes = Duration::from_micros((DATAGRAM * MILLIONTHS).div_ceil(rate));
                    prop_assert!(pacer.release_at(rate).since(now) <= takes);
                }
            }
        }
    }
}
