//! Lanes and feeds that wait until a page may be read for them (PROTOCOL §8.4).
//!
//! A crowd that comes back all at once wants more pages than memory has room for. Each stands in line once, and does
//! nothing meanwhile; whoever has room for a page serves the line.
//! Invariant: while one waits, the store has something to answer, for what has no room is under way there.

use std::collections::{BTreeSet, VecDeque};

use crate::registry::lane::LaneKind;
use crate::registry::rooms::storage::RoomKey;
use crate::registry::storage::MemberId;

/// Who stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// One of a member's lanes.
    Lane(MemberId, LaneKind),
    /// What he is sent of a room.
    Feed(MemberId, RoomKey),
}

/// The line: at most two places for each member, and one for each room that he is in.
#[derive(Debug, Default)]
pub(super) struct PageLine {
    order: VecDeque<Place>,
    there: BTreeSet<Place>,
}

impl PageLine {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// One more waits, unless it does already.
    pub(super) fn join(&mut self, place: Place) {
        if self.there.insert(place) {
            self.order.push_back(place);
        }
    }

    /// Whoever has waited for longest.
    pub(super) fn next(&mut self) -> Option<Place> {
        let first = self.order.pop_front()?;
        self.there.remove(&first);
        Some(first)
    }
}
