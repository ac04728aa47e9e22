//! The sessions of the tests' world: what each still takes, what it holds, and what of that has arrived.
//!
//! As an endpoint does it: what a turn sends takes room, and keeps it until it arrives.

use std::collections::{BTreeMap, VecDeque};

use super::World;
use crate::clock::Instant;
use crate::transport::{Backlog, Path, SessionId, SessionStats, Sessions};

/// Sessions as a table.
#[derive(Default)]
pub(super) struct Table(pub(super) BTreeMap<SessionId, Link>);

/// One session, and what lies in its send buffer: all of it arrives when time passes, or when its client says
/// something, unless the path is slow.
pub(super) struct Link {
    pub(super) path: Path,
    /// What the buffer holds when it is empty.
    pub(super) size: usize,
    /// When each message that has not arrived was taken, and what it takes.
    pub(super) held: VecDeque<(Instant, usize)>,
    moved_at: Instant,
    pub(super) slow: bool,
}

impl Link {
    pub(super) const fn new(path: Path) -> Self {
        Self {
            path,
            size: 1 << 20,
            held: VecDeque::new(),
            moved_at: Instant::ZERO,
            slow: false,
        }
    }

    pub(super) fn room(&self) -> usize {
        let held: usize = self.held.iter().map(|(_, bytes)| bytes).sum();
        self.size.saturating_sub(held)
    }

    /// So many messages arrive.
    pub(super) fn arrive(&mut self, now: Instant, messages: usize) {
        let messages = messages.min(self.held.len());
        if self.held.drain(..messages).next().is_some() {
            self.moved_at = now;
        }
    }
}

impl Sessions for Table {
    fn path(&self, session: SessionId) -> Option<Path> {
        self.0.get(&session).map(|link| link.path)
    }

    fn room(&self, session: SessionId) -> usize {
        self.0.get(&session).map_or(0, Link::room)
    }

    fn backlog(&self, session: SessionId) -> Backlog {
        let link = self.0.get(&session);
        link.map_or_else(Backlog::default, |link| Backlog {
            oldest: link.held.front().map(|(taken_at, _)| *taken_at),
            moved_at: link.moved_at,
        })
    }

    fn session_stats(&self, _session: SessionId) -> Option<SessionStats> {
        None
    }
}

impl World {
    /// From now on nothing arrives but what `arrive` says.
    pub(super) fn slow_down(&mut self, session: SessionId) {
        self.sessions.0.get_mut(&session).unwrap().slow = true;
    }

    /// So many of the oldest messages of a slow session arrive.
    pub(super) fn arrive(&mut self, session: SessionId, messages: usize) {
        let now = self.now.at;
        self.sessions.0.get_mut(&session).unwrap().arrive(now, messages);
    }

    /// What was sent until now has arrived, where the path is not slow.
    pub(super) fn all_arrive(&mut self) {
        let now = self.now.at;
        for link in self.sessions.0.values_mut().filter(|link| !link.slow) {
            link.arrive(now, usize::MAX);
        }
    }
}
