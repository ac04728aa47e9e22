//! Copies of what is small and alone, on paths that lose (PROTOCOL §7.6).
//!
//! A message that fills no packet has nothing behind it that would show its loss: it would wait for the probe timeout.
//! Where the path is known to lose, it is sent more than once within a round trip, with pauses, for losses come in
//! bursts. Knows nothing of packets: says how often and when.
//! Invariant: at most three copies after each packet that brings something new, and none on a path that loses next to
//! nothing.

use std::time::Duration;

use crate::clock::Instant;

/// Packets under way for which copies are made at most: more is a flow, and shows its own losses.
pub(in crate::transport) const FEW: usize = 8;
/// The pause before a copy is a quarter of a round trip, within these bounds: longer than most bursts of loss, and
/// shorter than the probe timeout.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(25);

/// The copies that are still to be made.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::transport) struct Copies {
    left: u8,
    at: Option<Instant>,
    due: bool,
}

impl Copies {
    /// Something new has left on a path that loses so many thousandths.
    pub(in crate::transport) fn arm(&mut self, now: Instant, path_loss: u64, round_trip: Duration) {
        self.left = wanted(path_loss);
        self.wait(now, round_trip);
    }

    /// A copy has left.
    pub(in crate::transport) fn on_copy(&mut self, now: Instant, round_trip: Duration) {
        self.left = self.left.saturating_sub(1);
        self.wait(now, round_trip);
    }

    fn wait(&mut self, now: Instant, round_trip: Duration) {
        self.due = false;
        self.at = (self.left > 0).then(|| now + (round_trip / 4).clamp(PAUSE_MIN, PAUSE_MAX));
    }

    /// There is nothing to copy any more, or too much.
    pub(in crate::transport) const fn cancel(&mut self) {
        self.left = 0;
        self.at = None;
        self.due = false;
    }

    /// When `handle_timeout` has something to do.
    pub(in crate::transport) const fn deadline(&self) -> Option<Instant> {
        self.at
    }

    pub(in crate::transport) fn handle_timeout(&mut self, now: Instant) {
        if self.at.is_some_and(|at| at <= now) {
            self.at = None;
            self.due = true;
        }
    }

    /// Whether a copy is to leave now.
    pub(in crate::transport) const fn is_due(&self) -> bool {
        self.due
    }
}

/// So many that all are lost once in a hundred times, or nearly.
const fn wanted(path_loss: u64) -> u8 {
    match path_loss {
        0..20 => 0,
        20..100 => 1,
        100..220 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    /// When copies of what left at the start leave.
    fn pauses(path_loss: u64, round_trip_ms: u64) -> Vec<u64> {
        let round_trip = Duration::from_millis(round_trip_ms);
        let mut copies = Copies::default();
        copies.arm(at(0), path_loss, round_trip);
        let mut left = Vec::new();
        while let Some(deadline) = copies.deadline() {
            copies.handle_timeout(deadline - Duration::from_micros(1));
            assert!(!copies.is_due());
            copies.handle_timeout(deadline);
            assert!(copies.is_due() && copies.deadline().is_none());
            copies.on_copy(deadline, round_trip);
            left.push(deadline.as_micros() / 1_000);
        }
        left
    }

    #[test]
    fn copies_grow_with_what_the_path_loses_and_are_at_most_three() {
        assert_eq!(pauses(19, 40), [0; 0]);
        assert_eq!(pauses(50, 40), [10]);
        assert_eq!(pauses(200, 40), [10, 20]);
        assert_eq!(pauses(1_000, 40), [10, 20, 30]);
        assert_eq!(pauses(50, 1), [5]);
        assert_eq!(pauses(50, 800), [25]);
    }

    #[test]
    fn what_was_acknowledged_is_not_copied() {
        let mut copies = Copies::default();
        copies.arm(at(0), 300, Duration::from_millis(40));
        copies.cancel();
        copies.handle_timeout(at(100));
        assert!(!copies.is_due() && copies.deadline().is_none());
    }
}
