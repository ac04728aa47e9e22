//! Conversations that wait for room: in a window, in a buffer, on the disk.
//!
//! They go on in the order in which they came to wait, and only as many as there is room for: of thousands each would be
//! looked at for each answer otherwise, and little else be done.
//! Invariants: a conversation waits for one thing at a time; whoever waits is looked at again once there is room for the
//! first of those who wait for the same.

use std::collections::BTreeMap;
use std::ops::Range;

use super::delivery::ROOM_INTERVAL;
use super::{Client, Timer};
use crate::engine::Context;

/// What a conversation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    /// The disk takes something again.
    Disk,
    /// Fewer messages are being marked as deposited.
    Marks,
    /// The registry has answered deposits, or its session's buffer has room.
    Registry,
    /// His session's buffer has room.
    Peer,
}

/// Where in the queue.
type Place = u64;

/// Who waits. At most one place for each conversation.
#[derive(Debug, Default)]
pub(super) struct Stalled {
    /// By folded name.
    waiting: BTreeMap<String, (Lack, Place)>,
    queues: BTreeMap<(Lack, Place), String>,
    /// The next place.
    next: Place,
}

impl Stalled {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Waits at the end of the queue, or where it waits for this already.
    pub(super) fn wait(&mut self, to: &str, lack: Lack) {
        if self.waits_for(to) != Some(lack) {
            self.take(to, lack, self.next);
            self.next += 1;
        }
    }

    /// Who waits for this, in turn.
    fn all(&self, lack: Lack) -> Vec<String> {
        let queue = self.queues.range((lack, Place::MIN)..=(lack, Place::MAX));
        queue.map(|(_, to)| to.clone()).collect()
    }

    fn waits_for(&self, to: &str) -> Option<Lack> {
        self.waiting.get(to).map(|(lack, _)| *lack)
    }

    /// Has this place, and no other.
    fn take(&mut self, to: &str, lack: Lack, place: Place) {
        if let Some(left) = self.waiting.insert(to.to_owned(), (lack, place)) {
            self.queues.remove(&left);
        }
        self.queues.insert((lack, place), to.to_owned());
    }

    /// The first of those at these places leaves the queue.
    fn pop(&mut self, lack: Lack, places: Range<Place>) -> Option<(Place, String)> {
        let queue = (lack, places.start)..(lack, places.end);
        let (&(_, place), _) = self.queues.range(queue).next()?;
        let to = self.queues.remove(&(lack, place))?;
        self.waiting.remove(&to);
        Some((place, to))
    }
}

impl Client {
    /// Those who wait for this go on, in turn, while there is room.
    pub(super) fn serve(&mut self, cx: &Context<'_>, lack: Lack) {
        // Each is looked at once: who still waits has his place again, or a new one.
        let (mut begin, end) = (0, self.stalled.next);
        while let Some((place, to)) = self.stalled.pop(lack, begin..end) {
            begin = place + 1;
            let first = self.first_queued(&to);
            self.pump(cx, &to);
            if self.stalled.waits_for(&to) != Some(lack) {
                continue;
            }
            if self.first_queued(&to) == first {
                self.stalled.take(&to, lack, place);
            }
            // Each peer has room of his own; of all else there is no more.
            if lack != Lack::Peer {
                break;
            }
        }
    }

    /// What they wait for will not come soon: each is looked at once, for another road.
    pub(super) fn look_at_all(&mut self, cx: &Context<'_>, lack: Lack) {
        for to in self.stalled.all(lack) {
            self.pump(cx, &to);
        }
    }

    /// A conversation goes on, in its turn if it waits for that.
    pub(super) fn go_on(&mut self, cx: &Context<'_>, to: &str) {
        if self.stalled.waits_for(to).is_none() {
            self.pump(cx, to);
        }
    }

    fn first_queued(&self, to: &str) -> Option<super::storage::Key> {
        self.outbox.conversation(to)?.queue.first().copied()
    }

    pub(super) fn wait_for_room(&mut self, cx: &Context<'_>, to: &str, lack: Lack) {
        self.stalled.wait(to, lack);
        self.timers.set_by(Timer::Room, cx.now.at + ROOM_INTERVAL);
    }

    /// Buffers may have room again.
    pub(super) fn make_room(&mut self, cx: &Context<'_>) {
        self.send_receipts(cx);
        self.serve(cx, Lack::Registry);
        self.serve(cx, Lack::Peer);
        if self.inbound.receipts_sent() {
            self.leave_on(cx);
        } else {
            self.timers.set_by(Timer::Room, cx.now.at + ROOM_INTERVAL);
        }
    }
}
