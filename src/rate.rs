//! Token buckets, eight bytes each: how often somebody may do something (GCRA, ITU-T I.371 annex A).
//!
//! A bucket remembers only when it will be full again; the rate is its owner's. Reads no clock.
//! Invariant: in any span `t` a bucket lets through at most `burst + t * rate` events, what the last one counts for,
//! and those given back.

use std::time::Duration;

use crate::clock::Instant;

/// How often, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Between two events, for long. Zero: no limit.
    interval: Duration,
    /// How far ahead of that pace a burst may run.
    ahead: Duration,
}

impl Rate {
    /// No limit.
    pub const UNLIMITED: Self = Self {
        interval: Duration::ZERO,
        ahead: Duration::ZERO,
    };

    /// `events` in each `span` for long, `burst` at once. A zero of either is taken for one.
    pub const fn new(events: u32, span: Duration, burst: u32) -> Self {
        let events = if events == 0 { 1 } else { events };
        let Some(interval) = span.checked_div(events) else {
            return Self::UNLIMITED;
        };
        Self {
            interval,
            ahead: interval.saturating_mul(burst.saturating_sub(1)),
        }
    }
}

/// One bucket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// Takes one event, or says how long until there is one.
    pub fn take(&mut self, now: Instant, rate: &Rate) -> Result<(), Duration> {
        self.take_many(now, rate, 1)
    }

    /// Takes an event that counts as so many, once one is there: the others are owed.
    pub fn take_many(&mut self, now: Instant, rate: &Rate, events: u32) -> Result<(), Duration> {
        let ready_at = self.ready_at(rate);
        if ready_at > now {
            return Err(ready_at.since(now));
        }
        self.full_at = self.full_at.max(now) + rate.interval * events;
        Ok(())
    }

    /// When there will be an event to take.
    pub fn ready_at(&self, rate: &Rate) -> Instant {
        self.full_at - rate.ahead
    }

    /// Gives one event back that was taken and did not happen.
    pub fn give_back(&mut self, rate: &Rate) {
        self.full_at = self.full_at - rate.interval;
    }

    /// Whether nothing is missing: such a bucket need not be kept.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    #[test]
    fn a_burst_then_the_pace_on_both_sides_of_the_deadline() {
        let rate = Rate::new(20, Duration::from_secs(1), 3);
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(at(1_000), &rate), Ok(()));
        }
        assert_eq!(bucket.take(at(1_000), &rate), Err(Duration::from_millis(50)));
        assert_eq!(bucket.take(at(1_049), &rate), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(at(1_050), &rate), Ok(()));
        assert!(!bucket.is_full(at(1_199)) && bucket.is_full(at(1_200)));
    }

    #[test]
    fn what_counts_for_more_is_owed() {
        let rate = Rate::new(10, Duration::from_secs(1), 2);
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take_many(at(1_000), &rate, 5), Ok(()));
        assert_eq!(bucket.take(at(1_399), &rate), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(at(1_400), &rate), Ok(()));
    }

    #[test]
    fn no_limit_never_refuses() {
        let mut bucket = Bucket::default();
        assert!((0..10_000).all(|_| bucket.take(at(0), &Rate::UNLIMITED).is_ok()));
    }
}
