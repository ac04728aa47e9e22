//! Deadlines by name: each at most once, the earliest first.
//!
//! Knows nothing of what they are for. Equal deadlines come in the order of their names, so that one history is
//! one history.
//! Invariant: both maps hold the same deadlines.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Instant;

/// Deadlines.
#[derive(Debug)]
pub(super) struct Timers<K> {
    by_name: BTreeMap<K, Instant>,
    by_time: BTreeSet<(Instant, K)>,
}

impl<K: Ord + Clone> Timers<K> {
    pub(super) const fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_time: BTreeSet::new(),
        }
    }

    /// Sets a deadline, in place of the one before.
    pub(super) fn set(&mut self, name: K, at: Instant) {
        self.clear(&name);
        self.by_time.insert((at, name.clone()));
        self.by_name.insert(name, at);
    }

    /// Sets a deadline unless there is an earlier one.
    pub(super) fn set_by(&mut self, name: K, at: Instant) {
        if self.at(&name).is_none_or(|set| set > at) {
            self.set(name, at);
        }
    }

    pub(super) fn clear(&mut self, name: &K) {
        if let Some(at) = self.by_name.remove(name) {
            self.by_time.remove(&(at, name.clone()));
        }
    }

    pub(super) fn at(&self, name: &K) -> Option<Instant> {
        self.by_name.get(name).copied()
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the earliest deadline that has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, name) = self.by_time.pop_first()?;
        self.by_name.remove(&name);
        Some(name)
    }

    /// The names of all deadlines.
    pub(super) fn names(&self) -> impl Iterator<Item = &K> {
        self.by_name.keys()
    }
}
