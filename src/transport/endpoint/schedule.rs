//! When each session is due, and which have something to send: both without a look at every session.
//!
//! Deadlines are an ordered set, so that the next is its first. Sessions that may have something to send stand
//! in line and are served in turn.
//! Invariant: a session stands in line at most once, and has at most one deadline.

use std::collections::{BTreeSet, VecDeque};

use super::index::IndexMap;
use crate::clock::Instant;

#[derive(Default)]
pub(super) struct Schedule {
    deadlines: BTreeSet<(Instant, u64)>,
    /// In line; indexes that are no longer known are passed over.
    line: VecDeque<u64>,
    /// Only looked up, never iterated.
    known: IndexMap<Known>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    deadline: Option<Instant>,
    in_line: bool,
}

impl Schedule {
    /// Sets the deadline of `index`.
    pub(super) fn set(&mut self, index: u64, deadline: Option<Instant>) {
        let known = self.known.entry(index).or_default();
        if known.deadline == deadline {
            return;
        }
        if let Some(old) = known.deadline {
            self.deadlines.remove(&(old, index));
        }
        if let Some(new) = deadline {
            self.deadlines.insert((new, index));
        }
        known.deadline = deadline;
    }

    /// Puts `index` at the end of the line, unless it stands there.
    pub(super) fn line_up(&mut self, index: u64) {
        let known = self.known.entry(index).or_default();
        if !known.in_line {
            known.in_line = true;
            self.line.push_back(index);
        }
    }

    /// Takes the first in line.
    pub(super) fn next_in_line(&mut self) -> Option<u64> {
        while let Some(index) = self.line.pop_front() {
            if let Some(known) = self.known.get_mut(&index) {
                known.in_line = false;
                return Some(index);
            }
        }
        None
    }

    /// Forgets `index`. Indexes are never used again, so what is left of it in the line harms nobody.
    pub(super) fn remove(&mut self, index: u64) {
        if let Some(deadline) = self.known.remove(&index).and_then(|known| known.deadline) {
            self.deadlines.remove(&(deadline, index));
        }
    }

    /// Takes the first deadline that has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<u64> {
        let &(at, index) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        self.set(index, None);
        Some(index)
    }

    /// The first deadline.
    pub(super) fn first(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn deadlines_come_in_order_and_can_be_moved() {
        let mut schedule = Schedule::default();
        schedule.set(1, Some(at(30)));
        schedule.set(2, Some(at(20)));
        schedule.set(3, Some(at(10)));
        schedule.set(1, Some(at(5)));
        schedule.set(2, None);
        assert_eq!(schedule.first(), Some(at(5)));
        assert_eq!(schedule.pop_due(at(9)), Some(1));
        assert_eq!(schedule.pop_due(at(9)), None);
        schedule.remove(3);
        assert_eq!(schedule.first(), None);
    }

    #[test]
    fn the_line_serves_each_in_turn_once() {
        let mut schedule = Schedule::default();
        for index in [1, 2, 1, 3] {
            schedule.line_up(index);
        }
        schedule.remove(2);
        assert_eq!(schedule.next_in_line(), Some(1));
        schedule.line_up(1);
        assert_eq!(schedule.next_in_line(), Some(3));
        assert_eq!(schedule.next_in_line(), Some(1));
        assert_eq!(schedule.next_in_line(), None);
    }
}
