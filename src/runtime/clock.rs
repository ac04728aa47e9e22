//! The only place that asks what time it is.
//!
//! `CLOCK_BOOTTIME` orders events: it goes on while the machine sleeps, so that a lease ends during a sleep as it
//! does for the other side (clock_gettime(2)). The wall clock stamps messages for people.
//! Invariant: `at` never runs backwards, whatever anybody does to the wall clock.

use rustix::time::{ClockId, Timespec};

use crate::clock::{Instant, Now, WallTime};

/// What time it is.
pub fn now() -> Now {
    let (boot, wall) = (read(ClockId::Boottime), read(ClockId::Realtime));
    Now {
        at: Instant::from_micros(u64::try_from(scaled(boot, 1_000_000)).unwrap_or(0)),
        wall: WallTime::from_unix_ms(scaled(wall, 1_000)),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reader of clocks")]
fn read(clock: ClockId) -> Timespec {
    rustix::time::clock_gettime(clock)
}

/// In units of which `per_second` make a second; saturates.
fn scaled(time: Timespec, per_second: i64) -> i64 {
    let part = time.tv_nsec / (1_000_000_000 / per_second);
    time.tv_sec.saturating_mul(per_second).saturating_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_nanoseconds_make_one_number() {
        let time = Timespec {
            tv_sec: 3,
            tv_nsec: 1_002_003,
        };
        assert_eq!(scaled(time, 1_000_000), 3_001_002);
        assert_eq!(scaled(time, 1_000), 3_001);
    }

    #[test]
    fn time_goes_on() {
        let earlier = now();
        while now().at == earlier.at {}
        assert!(now().at > earlier.at);
        assert!(
            now().wall.unix_ms() > 1_700_000_000_000,
            "the wall clock is of this century"
        );
    }
}
