//! The shortest round trip seen lately: what the path takes when no queue stands on it.
//!
//! Kept for a span and the one before, so that a path that became longer is believed after a while. Says when the
//! shortest was not seen again, and leaves it to the controller to make room for it.
//! Invariant: what is not seen again counts for two spans more at most in which round trips are seen.

use std::time::Duration;

use crate::clock::Instant;

/// How long the shortest round trip is believed, if it is not seen again (ProbeRTTInterval).
const SPAN: Duration = Duration::from_secs(5);
/// A round trip is short up to an eighth more than the shortest, or so much: timers and threads take that.
const SLACK_MIN: Duration = Duration::from_millis(2);

/// The estimate for one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortest {
    /// Of this span, and of the one before.
    spans: [Option<Duration>; 2],
    began_at: Instant,
}

impl Shortest {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            spans: [None; 2],
            began_at: now,
        }
    }

    /// The shortest; zero if none is known.
    pub(super) fn get(&self) -> Duration {
        self.spans.into_iter().flatten().min().unwrap_or_default()
    }

    /// Whether a round trip is about as short as it can be.
    pub(super) fn is_short(&self, rtt: Duration) -> bool {
        let shortest = self.get();
        rtt <= shortest + (shortest / 8).max(SLACK_MIN)
    }

    /// A round trip was seen. Whether a span ended in which none was short.
    pub(super) fn see(&mut self, now: Instant, rtt: Duration) -> bool {
        let is_over = now.since(self.began_at) > SPAN;
        let mut missed = false;
        if is_over {
            missed = self.spans[0].is_some_and(|rtt| !self.is_short(rtt));
            self.spans = [None, Some(self.spans[0].unwrap_or(rtt))];
            self.began_at = now;
        }
        self.spans[0] = Some(self.spans[0].map_or(rtt, |known| known.min(rtt)));
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_path_that_became_longer_is_believed_after_two_spans() {
        let mut shortest = Shortest::new(at(0));
        assert_eq!(shortest.get(), Duration::ZERO);
        assert!(!shortest.see(at(100), ms(40)));
        let mut missed_at = Vec::new();
        for now in (200..20_000).step_by(100) {
            if shortest.see(at(now), ms(60)) {
                missed_at.push(now);
            }
            let expected = if now <= 10_100 { 40 } else { 60 };
            assert_eq!(shortest.get(), ms(expected), "{now}");
        }
        assert_eq!(
            missed_at,
            [10_200],
            "the first span had 40 ms, the second had not"
        );
        assert!(!shortest.see(at(20_000), ms(30)));
        assert_eq!(shortest.get(), ms(30), "a shorter one at once");
    }

    #[test]
    fn one_that_is_seen_again_is_not_missed() {
        let mut shortest = Shortest::new(at(0));
        assert!((0..600).all(|n| !shortest.see(at(n * 100), ms(if n % 40 == 0 { 44 } else { 80 }))));
        assert_eq!(shortest.get(), ms(44));
    }

    #[test]
    fn short_is_an_eighth_more_or_two_milliseconds() {
        let mut shortest = Shortest::new(at(0));
        shortest.see(at(0), ms(40));
        assert!(shortest.is_short(ms(45)) && !shortest.is_short(ms(46)));
        shortest.see(at(1), ms(1));
        assert!(shortest.is_short(ms(3)) && !shortest.is_short(ms(4)));
    }

    #[test]
    fn a_round_trip_that_slept_is_not_believed_before_another_span() {
        let mut shortest = Shortest::new(at(0));
        shortest.see(at(0), ms(40));
        shortest.see(at(3_600_000), ms(3_600_000));
        assert_eq!(shortest.get(), ms(40), "the one that slept is not the shortest");
        shortest.see(at(3_610_000), ms(50));
        assert_eq!(shortest.get(), ms(50));
    }
}
