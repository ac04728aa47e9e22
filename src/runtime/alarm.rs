//! Rings when a deadline has come, also one that came while the machine slept (timerfd_create(2)).
//!
//! poll(2) counts its own timeout on a clock that stands still during a sleep; deadlines are on one that goes on.
//! Invariant: it rings from the deadline on that was set last, until another is set, and not before.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::clock::Instant;

const NEVER: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The loop's alarm.
#[derive(Debug)]
pub struct Alarm {
    descriptor: OwnedFd,
    at: Option<Instant>,
}

impl Alarm {
    /// One that never rings.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self {
            descriptor: timerfd_create(TimerfdClockId::Boottime, flags)?,
            at: None,
        })
    }

    /// Has it ring at this moment of `clock::now`, at once if that is past; `None`: never. Silences it until then.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if self.at == at {
            return Ok(());
        }
        let alarm = Itimerspec {
            it_interval: NEVER,
            it_value: at.map_or(NEVER, moment),
        };
        timerfd_settime(&self.descriptor, TimerfdTimerFlags::ABSTIME, &alarm)?;
        self.at = at;
        Ok(())
    }
}

impl AsFd for Alarm {
    /// Readable while it rings.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Never the zero that means never.
fn moment(at: Instant) -> Timespec {
    let micros = at.as_micros().max(1);
    Timespec {
        tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
        // Below a thousand million.
        tv_nsec: i64::try_from(micros % 1_000_000 * 1_000).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;
    use crate::runtime::clock;

    /// Whether it rings within this time.
    fn rings(alarm: &Alarm, within: Duration) -> bool {
        let mut descriptors = [PollFd::new(alarm, PollFlags::IN)];
        let within = Timespec::try_from(within).unwrap();
        poll(&mut descriptors, Some(&within)).unwrap() > 0
    }

    #[test]
    fn it_rings_at_its_time_and_until_another_is_set() {
        const LONG: Duration = Duration::from_secs(60);
        let mut alarm = Alarm::new().unwrap();
        assert!(!rings(&alarm, Duration::ZERO));
        let at = clock::now().at + Duration::from_millis(30);
        alarm.set(Some(at)).unwrap();
        assert!(rings(&alarm, LONG));
        assert!(clock::now().at >= at, "not before");
        alarm.set(Some(at)).unwrap();
        assert!(rings(&alarm, Duration::ZERO), "nothing has changed");
        alarm.set(Some(clock::now().at + LONG)).unwrap();
        assert!(!rings(&alarm, Duration::ZERO));
        alarm.set(Some(Instant::ZERO)).unwrap();
        assert!(rings(&alarm, LONG), "the past is now");
        alarm.set(None).unwrap();
        assert!(!rings(&alarm, Duration::ZERO));
    }
}
