//! What may be under way since losses said that it was too much: lowered and raised as CUBIC's window (RFC 9438).
//!
//! So that whoever shares a full queue with a TCP flow has about as much of it, however deep it is. Whether there was
//! too much, the controller decides. Bytes, not segments; the time and not the number of round trips makes it grow.
//! Invariant: it is lowered once for what was under way at one time, and never falls below the least window.

use std::time::Duration;

use super::{DATAGRAM, MAXIMUM_WINDOW, MINIMUM_WINDOW, percent};
use crate::clock::Instant;

/// Percent that is left of what was under way (`beta_cubic`, section 4.6).
const BETA: u64 = 70;
/// C, in datagrams a cubed second: four tenths (section 5.1).
const C_TENTHS: i64 = 4;
/// Percent of a datagram that a round trip adds at least, so as not to get less than Reno would: 3 (1 - beta) /
/// (1 + beta) (section 4.3).
const ALPHA: u64 = 53;
/// Percent of itself that it rises to in a round trip at most (section 4.2).
const RISE_MAX: u64 = 150;
/// Further from the inflection than this the function is above every window.
const REACH_MS: i64 = 60_000;
const _: () = assert!(cubic(REACH_MS) > MAXIMUM_WINDOW.cast_signed());

/// The ceiling of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ceiling {
    bytes: u64,
    /// What it was lowered from the last time, `W_max`, and when; zero if it never was.
    from: u64,
    lowered_at: Instant,
    /// Round trips since then.
    rounds: u32,
}

impl Ceiling {
    /// There is none until something says so.
    pub(super) const NONE: Self = Self {
        bytes: u64::MAX,
        from: 0,
        lowered_at: Instant::ZERO,
        rounds: 0,
    };

    /// Bytes that may be under way.
    pub(super) const fn get(&self) -> u64 {
        self.bytes
    }

    /// Whether the fate of a packet that left then says something that it was not lowered for already (RFC 9002
    /// §7.3.2).
    pub(super) fn is_news(&self, sent_at: Instant) -> bool {
        self.from == 0 || sent_at > self.lowered_at
    }

    /// Too much was under way in a round trip, at most `peak`.
    pub(super) fn lower(&mut self, now: Instant, peak: u64) {
        let from = peak.min(self.bytes);
        *self = Self {
            bytes: percent(from, BETA).max(MINIMUM_WINDOW),
            from,
            lowered_at: now,
            rounds: 0,
        };
    }

    /// A round trip has passed in which no more than `peak` was under way, and nothing spoke against it.
    pub(super) fn raise(&mut self, now: Instant, peak: u64) {
        self.rounds = self.rounds.saturating_add(1);
        if peak + DATAGRAM < self.bytes {
            return;
        }
        let target = self.cubic(now).max(self.reno());
        self.bytes = target.clamp(self.bytes, percent(self.bytes, RISE_MAX));
    }

    /// `W_cubic(t)` (section 4.2): flat about what it was lowered from, steeper before and after.
    fn cubic(&self, now: Instant) -> u64 {
        let since = now.since(self.lowered_at).as_millis();
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        let inflection = i64::try_from(inflection(self.from).as_millis()).unwrap_or(REACH_MS);
        let gain = cubic((since - inflection).clamp(-REACH_MS, REACH_MS));
        self.from.saturating_add_signed(gain)
    }

    /// `W_est` (section 4.3), with the acknowledgements of a whole window counted as one round trip.
    fn reno(&self) -> u64 {
        percent(self.from, BETA) + percent(DATAGRAM, ALPHA) * u64::from(self.rounds)
    }
}

/// Bytes to add so many milliseconds after the inflection; fewer than none before it.
const fn cubic(ms: i64) -> i64 {
    ms * ms * ms / 1_000_000 * C_TENTHS * DATAGRAM.cast_signed() / 10_000
}

/// K: how long it takes to grow back to `from` (section 4.2): the cubic root of (1 - beta) · from / C.
fn inflection(from: u64) -> Duration {
    let datagrams = from.min(MAXIMUM_WINDOW).div_ceil(DATAGRAM);
    // (1 - beta) / C seconds cubed for each, in milliseconds cubed.
    let cube = datagrams * 750_000_000;
    let (mut low, mut high) = (0, REACH_MS.unsigned_abs());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle.pow(3) <= cube {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Duration::from_millis(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    /// One that was lowered from a hundred datagrams: K is the cubic root of 75 seconds.
    fn lowered() -> Ceiling {
        let mut ceiling = Ceiling::NONE;
        ceiling.lower(at(0), 100 * DATAGRAM);
        ceiling
    }

    #[test]
    fn it_grows_back_with_the_cube_of_time_and_then_beyond() {
        assert_eq!(inflection(100 * DATAGRAM), Duration::from_millis(4_217));
        let mut ceiling = lowered();
        assert_eq!(ceiling.get(), 70 * DATAGRAM);
        let mut datagrams = Vec::new();
        for ms in (200..=8_400).step_by(200) {
            ceiling.raise(at(ms), ceiling.get());
            if ms % 1_400 == 0 {
                datagrams.push(ceiling.get() / DATAGRAM);
            }
        }
        // 100 + 0.4 (t - 4.217)³ at 1.4 s, 2.8 s, …
        assert_eq!(datagrams, [91, 98, 100, 101, 108, 129]);
    }

    #[test]
    fn on_a_short_path_it_grows_as_renos_would() {
        let mut ceiling = Ceiling::NONE;
        ceiling.lower(at(0), 10 * DATAGRAM);
        for ms in (1..=10).map(|round| round * 5) {
            ceiling.raise(at(ms), ceiling.get());
        }
        assert_eq!(ceiling.get(), 7 * DATAGRAM + 10 * (DATAGRAM * ALPHA / 100));
    }

    #[test]
    fn it_does_not_grow_while_it_is_not_reached_nor_by_more_than_half_in_a_round_trip() {
        let mut ceiling = lowered();
        ceiling.raise(at(60_000), 60 * DATAGRAM);
        assert_eq!(ceiling.get(), 70 * DATAGRAM);
        ceiling.raise(at(60_100), 70 * DATAGRAM);
        assert_eq!(ceiling.get(), 105 * DATAGRAM);
    }

    #[test]
    fn what_left_before_it_was_lowered_is_no_news() {
        let ceiling = lowered();
        assert!(!ceiling.is_news(at(0)) && ceiling.is_news(at(1)));
        assert!(Ceiling::NONE.is_news(at(0)));
    }

    #[test]
    fn it_rises_however_long_ago_it_was_lowered_and_falls_no_further_than_the_least() {
        let mut ceiling = Ceiling::NONE;
        for ms in 0..100 {
            ceiling.lower(at(ms), MAXIMUM_WINDOW);
        }
        assert_eq!(ceiling.get(), MINIMUM_WINDOW);
        for round in 0..60 {
            ceiling.raise(at(1 << 50) + Duration::from_millis(round), ceiling.get());
        }
        assert!(ceiling.get() > MAXIMUM_WINDOW);
    }
}
