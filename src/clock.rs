//! Time as a value: the engines are told what time it is and never ask.
//!
//! Three kinds that cannot be mixed up. `Instant` orders events and sets deadlines; it counts while the
//! machine sleeps. `WallTime` is for people's eyes and never orders anything. `Age` is the life of one
//! database: it goes on across restarts, and lifetimes of messages end on it.
//! Invariant: none of them ever runs backwards inside one process.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since an arbitrary start, counted while asleep as well (`CLOCK_BOOTTIME`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The arbitrary start.
    pub const ZERO: Self = Self(0);

    /// An instant so many microseconds after the start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time, some 584,000 years after the start.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// Saturates at the start.
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970-01-01 UTC by the machine's wall clock. For display only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WallTime(i64);

impl WallTime {
    /// A wall time from Unix milliseconds.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Unix milliseconds.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// How far `self` is after `earlier`; zero if it is before. Wall clocks jump: clamp what you do with it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// What time it is, in both senses. Handed to an engine with every input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Orders events and deadlines.
    pub at: Instant,
    /// Stamps messages for people.
    pub wall: WallTime,
}

/// Milliseconds that a database has lived: elapsed time while its process ran, and between runs the
/// difference of the wall clock, taken as at least nothing and at most a day (`AgeClock::resume`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Age(u64);

impl Age {
    /// An age from milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The age `span` later; saturates.
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    /// Time from `self` until `deadline`; zero when it has passed.
    pub const fn until(self, deadline: Self) -> Duration {
        Duration::from_millis(deadline.0.saturating_sub(self.0))
    }
}

/// Reads a database's age off the process clock.
#[derive(Clone, Copy, Debug)]
pub struct AgeClock {
    base: Age,
    started: Instant,
}

impl AgeClock {
    /// The most that one pause between two runs may add: a wall clock that was wrong and then put right
    /// must not expire a month of mail.
    pub const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// Goes on from what the database last recorded: its age, and the wall clock at that moment.
    pub fn resume(now: Now, saved: Age, saved_wall: WallTime) -> Self {
        let pause = now.wall.since(saved_wall).min(Self::PAUSE_MAX);
        Self {
            base: saved.after(pause),
            started: now.at,
        }
    }

    /// The age at `at`.
    pub fn age(&self, at: Instant) -> Age {
        self.base.after(at.since(self.started))
    }

    /// When the database will be `age` old; `started` if it was before.
    pub fn instant_of(&self, age: Age) -> Instant {
        self.started + self.base.until(age)
    }
}

impl fmt::Display for Instant {
    /// Seconds with microseconds, as logs show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn now(at_s: u64, wall_s: i64) -> Now {
        Now {
            at: Instant::from_micros(at_s * 1_000_000),
            wall: WallTime::from_unix_ms(wall_s * 1000),
        }
    }

    #[test]
    fn a_pause_counts_between_nothing_and_a_day() {
        let saved = Age::from_ms(5_000);
        let saved_wall = WallTime::from_unix_ms(1_000_000);
        let age = |wall_s| {
            AgeClock::resume(now(7, wall_s), saved, saved_wall)
                .age(now(8, 0).at)
                .as_ms()
        };
        assert_eq!(age(1_060), 5_000 + 60_000 + 1_000, "a minute's pause");
        assert_eq!(age(10), 5_000 + 1_000, "a wall clock set back adds nothing");
        assert_eq!(
            age(900_000_000),
            5_000 + 86_400_000 + 1_000,
            "one set forward adds a day at most"
        );
    }

    #[test]
    fn a_deadline_maps_to_the_process_clock_and_back() {
        let clock = AgeClock::resume(now(100, 0), Age::from_ms(1_000), WallTime::from_unix_ms(0));
        let at = clock.instant_of(Age::from_ms(3_500));
        assert_eq!(at, Instant::from_micros(102_500_000));
        assert_eq!(clock.age(at), Age::from_ms(3_500));
        assert_eq!(
            clock.instant_of(Age::from_ms(10)),
            now(100, 0).at,
            "what has passed is due at once"
        );
    }
}
