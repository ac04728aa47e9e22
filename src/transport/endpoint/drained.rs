//! Sessions that were closed a moment ago: what is still on its way to them is expected, and not answered
//! with a Reset (RFC 9000 §10.2, closing and draining).
//!
//! Keeps the Close datagram and no keys. The Close is repeated only if the other side still sends.
//! Invariant: at most [`DRAINED_MAX`] are remembered, each for [`LIFETIME`], and each repeats at most
//! [`REPEATS_MAX`] times.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::clock::Instant;
use crate::transport::Transmit;

/// Three probe timeouts of a slow path.
pub(super) const LIFETIME: Duration = Duration::from_secs(5);
/// 4,096 of about 150 bytes; beyond it the oldest is answered with a Reset instead.
const DRAINED_MAX: usize = 4_096;
const REPEATS_MAX: u32 = 4;
/// The first repetition waits so long; each further one twice as long.
const REPEAT_AFTER: Duration = Duration::from_millis(100);

struct Ended {
    close: Option<Transmit>,
    repeats: u32,
    next_at: Instant,
}

#[derive(Default)]
pub(super) struct Drained {
    /// Only looked up.
    by_index: HashMap<u64, Ended>,
    /// All live equally long, so the order of coming is the order of going.
    ends: VecDeque<(Instant, u64)>,
}

impl Drained {
    /// Remembers a closed session, and its Close if this side has sent one.
    pub(super) fn insert(&mut self, now: Instant, index: u64, close: Option<Transmit>) {
        if self.ends.len() >= DRAINED_MAX
            && let Some((_, oldest)) = self.ends.pop_front()
        {
            self.by_index.remove(&oldest);
        }
        self.ends.push_back((now + LIFETIME, index));
        let next_at = now + REPEAT_AFTER;
        self.by_index.insert(
            index,
            Ended {
                close,
                repeats: 0,
                next_at,
            },
        );
    }

    pub(super) fn contains(&self, index: u64) -> bool {
        self.by_index.contains_key(&index)
    }

    /// The other side still sends: the Close again, if it is time.
    pub(super) fn answer(&mut self, now: Instant, index: u64) -> Option<Transmit> {
        let ended = self.by_index.get_mut(&index)?;
        if now < ended.next_at || ended.repeats >= REPEATS_MAX {
            return None;
        }
        ended.repeats += 1;
        ended.next_at = now + REPEAT_AFTER * 2u32.pow(ended.repeats);
        ended.close.clone()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ends.front().map(|&(at, _)| at)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while self.deadline().is_some_and(|at| at <= now) {
            if let Some((_, index)) = self.ends.pop_front() {
                self.by_index.remove(&index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_repeated_a_few_times_ever_more_slowly() {
        let mut drained = Drained::default();
        let close = Transmit {
            to: "192.0.2.1:1".parse().unwrap(),
            from: None,
            bytes: vec![1],
        };
        drained.insert(Instant::ZERO, 1, Some(close));
        let at = |ms: u64| Instant::from_micros(ms * 1_000);
        let answered: Vec<u64> = (0..5_000)
            .filter(|&ms| drained.answer(at(ms), 1).is_some())
            .collect();
        assert_eq!(answered, [100, 300, 700, 1_500]);
        drained.expire(at(4_999));
        assert!(drained.contains(1));
        drained.expire(at(5_000));
        assert!(!drained.contains(1) && drained.deadline().is_none());
    }
}
