//! A token bucket on the engine's clock: so many a second for long, so many at once.
//!
//! Invariant: never more than `burst + rate * time` tokens are given out.

use std::time::Duration;

use crate::clock::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Time that one token takes to grow.
    step: Duration,
    /// Tokens at once.
    burst: u32,
    /// The bucket would be full at this time.
    full_at: Instant,
}

impl Bucket {
    /// Full at first. `per_second` is at least 1.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            step: Duration::from_secs(1) / per_second.max(1),
            burst,
            full_at: Instant::ZERO,
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.ready_at() > now {
            return false;
        }
        self.full_at = self.full_at.max(now) + self.step;
        true
    }

    /// When there will be a token.
    pub(super) fn ready_at(&self) -> Instant {
        self.full_at - self.step * self.burst.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut bucket = Bucket::new(10, 3);
        let at = |ms: u64| Instant::from_micros(60_000_000 + ms * 1_000);
        let taken = (0..5).filter(|_| bucket.take(at(0))).count();
        assert_eq!(taken, 3);
        assert_eq!(bucket.ready_at(), at(100));
        assert!(!bucket.take(at(99)) && bucket.take(at(100)) && !bucket.take(at(100)));
        let taken = (0..5).filter(|_| bucket.take(at(10_000))).count();
        assert_eq!(taken, 3, "time does not pile up beyond the burst");
    }
}
