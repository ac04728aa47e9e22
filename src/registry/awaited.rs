//! When something that was sent and is not answered is sent again (PROTOCOL §8.4).
//!
//! A session brings what it has taken, sooner or later, as long as it lives: a copy of what still waits in its send
//! buffer would only make a slow path slower. So the wait for an answer begins when all has arrived.
//! Invariant: nothing is due before it has arrived, and what has arrived is due within two waits, however much the
//! session carries besides.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::{REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::transport::Backlog;

/// Something that was sent, and its answer is waited for.
#[derive(Debug)]
pub(super) struct Awaited {
    sent_at: Instant,
    /// How long an answer may take before it is sent again.
    wait: Duration,
    /// The part of that after which to look first.
    first: Duration,
    /// How long it was last put off; zero if it never was.
    put_off_for: Duration,
    /// Whether it is known to have arrived.
    arrived: bool,
    /// When to look again.
    due: Instant,
}

impl Awaited {
    /// It is sent for the first time.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            sent_at: now,
            wait: REQUEST_RETRY,
            first: REQUEST_RETRY,
            put_off_for: Duration::ZERO,
            arrived: false,
            due: now + REQUEST_RETRY,
        }
    }

    /// It is sent again.
    pub(super) fn repeat(&mut self, now: Instant) {
        let wait = (self.wait * 2).min(REQUEST_RETRY_MAX);
        *self = Self {
            sent_at: now,
            wait,
            first: wait,
            put_off_for: self.put_off_for,
            arrived: false,
            due: now + wait,
        };
    }

    /// Its last part is sent, only now.
    pub(super) fn last_part(&mut self, now: Instant) {
        self.sent_at = now;
        self.due = now + self.first;
    }

    /// It is to be looked at as soon as the first time.
    pub(super) fn look_early(&mut self) {
        self.first = REQUEST_RETRY;
        self.due = self.sent_at + self.first;
    }

    /// It was looked at early: the rest of the wait follows.
    pub(super) fn linger(&mut self) {
        self.due = self.due + self.wait.saturating_sub(self.first);
        self.first = self.wait;
    }

    /// When to look whether it is to be sent again.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// The other side has it, and wants it again after `wait`: each time after twice as long as before at least, up to
    /// `most`.
    pub(super) fn put_off(&mut self, now: Instant, wait: Duration, most: Duration) {
        self.put_off_for = wait.max(self.put_off_for * 2).min(most);
        self.arrived = true;
        self.due = now + self.put_off_for;
    }

    /// The other side has answered it.
    pub(super) const fn has_arrived(&mut self) {
        self.arrived = true;
    }

    /// Whether it is to be looked at now, which is to say sent again. If not, `due` says when to look again.
    pub(super) fn is_over(&mut self, now: Instant, backlog: Backlog) -> bool {
        if self.due > now {
            return false;
        }
        if self.arrived {
            return true;
        }
        if backlog.holds(self.sent_at) {
            self.due = now + REQUEST_RETRY;
            return false;
        }
        // It arrived at some time until the last thing did.
        self.arrived = true;
        self.due = backlog.moved_at.max(self.sent_at) + self.first;
        self.due <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    const fn backlog(oldest: Option<Instant>, moved_at: Instant) -> Backlog {
        Backlog { oldest, moved_at }
    }

    #[test]
    fn what_has_arrived_is_due_a_wait_later() {
        let mut awaited = Awaited::new(at(1_000));
        let arrived = backlog(None, at(1_200));
        assert_eq!(awaited.due(), at(6_000));
        assert!(!awaited.is_over(at(6_000), arrived));
        assert_eq!(awaited.due(), at(6_200), "an answer has 5 s from then");
        assert!(awaited.is_over(at(6_200), arrived));
        awaited.repeat(at(6_300));
        assert_eq!(awaited.due(), at(16_300));
        assert!(awaited.is_over(at(16_300), backlog(None, at(6_300))));
    }

    #[test]
    fn what_has_not_arrived_is_not_due_however_long_that_takes() {
        let mut awaited = Awaited::new(at(1_000));
        for s in [6, 11, 16, 21] {
            let others_move = backlog(Some(at(900)), at(s * 1_000));
            assert!(!awaited.is_over(at(s * 1_000), others_move));
            assert_eq!(awaited.due(), at((s + 5) * 1_000));
        }
        let taken_together = backlog(Some(at(1_000)), at(26_000));
        assert!(!awaited.is_over(at(26_000), taken_together));
    }

    #[test]
    fn what_has_arrived_is_due_also_in_a_session_that_is_never_empty() {
        let mut awaited = Awaited::new(at(1_000));
        let later = |now| backlog(Some(at(2_000)), now);
        assert!(!awaited.is_over(at(6_000), later(at(5_900))));
        assert_eq!(awaited.due(), at(10_900));
        assert!(awaited.is_over(at(10_900), later(at(10_800))));
    }

    #[test]
    fn an_early_look_changes_nothing_of_when_it_is_sent_again() {
        let mut awaited = Awaited::new(at(0));
        awaited.repeat(at(5_000));
        awaited.look_early();
        assert!(!awaited.is_over(at(10_000), backlog(None, at(5_200))));
        assert!(awaited.is_over(at(10_200), backlog(None, at(5_200))));
        awaited.linger();
        assert!(!awaited.is_over(at(15_199), backlog(None, at(5_200))));
        assert!(awaited.is_over(at(15_200), backlog(None, at(5_200))));
    }

    #[test]
    fn what_was_put_off_has_arrived() {
        let mut awaited = Awaited::new(at(1_000));
        let ms = Duration::from_millis;
        awaited.put_off(at(1_500), ms(300), ms(500));
        assert!(!awaited.is_over(at(1_799), backlog(None, at(0))));
        assert!(awaited.is_over(at(1_800), backlog(Some(at(100)), at(0))));
        awaited.repeat(at(1_800));
        awaited.put_off(at(1_900), ms(300), ms(500));
        assert_eq!(awaited.due(), at(2_400), "longer, but no longer than the most");
    }
}
