//! The registry's deadlines, each by what it is for.
//!
//! Knows nothing of what happens then. Invariant: a timer has at most one deadline, and `next` is the earliest.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Instant;
use crate::registry::lane::LaneKind;
use crate::registry::rooms::storage::RoomKey;
use crate::registry::storage::MemberId;
use crate::transport::SessionId;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A member's lease may have ended.
    Lease(MemberId),
    /// Nobody has been online in a session for long.
    Visit(SessionId),
    /// Something of a lane is to be sent again, or there may be room again.
    Lane(MemberId, LaneKind),
    /// The rooms that a member is in are to be read again.
    Cursors(MemberId),
    /// The same of what a member is sent of a room.
    Feed(MemberId, RoomKey),
    /// Posts that nobody waits for are to end.
    Settle(RoomKey),
    /// The lobby is to be made.
    Lobby,
    /// A member may hear of the directory again.
    Tell(MemberId),
    /// The next burst of directory messages.
    Pace,
    /// Mail may have expired.
    Expiry,
    /// The database's age is to be recorded.
    SaveAge,
    /// The operator may see the table again.
    Table,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Timers {
    pub(super) deadlines: BTreeMap<Timer, Instant>,
    order: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Sets a timer, wherever it was.
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(old) = self.deadlines.insert(timer, at) {
            self.order.remove(&(old, timer));
        }
        self.order.insert((at, timer));
    }

    /// Sets a timer unless it is due earlier.
    pub(super) fn set_earliest(&mut self, timer: Timer, at: Instant) {
        if self.deadlines.get(&timer).is_none_or(|old| at < *old) {
            self.set(timer, at);
        }
    }

    /// Stops a timer.
    pub(super) fn clear(&mut self, timer: Timer) {
        if let Some(old) = self.deadlines.remove(&timer) {
            self.order.remove(&(old, timer));
        }
    }

    /// Takes out the earliest timer that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(timer);
        Some(timer)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }
}
