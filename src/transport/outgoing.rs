//! Messages on their way out: cut into parts, kept until every byte is acknowledged (PROTOCOL §7).
//!
//! Oldest message first, lost parts before new ones. Knows nothing of packets, windows or pools: whoever calls
//! says how much fits and how far the window is open.
//! Invariant: a byte that was not acknowledged is either not sent yet, under way, or in `lost`.

use std::collections::{BTreeMap, VecDeque};

use crate::clock::Instant;
use crate::limits::{SESSION_MESSAGES_MAX, WINDOW_BYTES_MIN};
use crate::transport::spans::Spans;
use crate::wire::frame::PART_OVERHEAD_MAX;

/// A message is not cut for less than this: many small parts cost more than one packet more.
pub(super) const CUT_BYTES_MIN: usize = 128;

/// A piece of a message, as a packet carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Which message.
    pub(super) message: u64,
    /// Where it begins.
    pub(super) offset: u32,
    /// How long it is.
    pub(super) len: u32,
}

/// A piece to be sent.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) part: Part,
    /// Whether it ends its message.
    pub(super) last: bool,
    /// Whether it was sent before.
    pub(super) again: bool,
    pub(super) bytes: &'a [u8],
}

/// Messages not acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// `messages[0]` has number `lowest`; those done stay until all below are.
    messages: VecDeque<Message>,
    lowest: u64,
    /// The first message of which something was never sent.
    next: u64,
    /// Parts to send again: where they begin, and where they end.
    lost: BTreeMap<(u64, u32), u32>,
    /// Bytes of all messages so far: where the next begins in the other side's window.
    pushed: u64,
    /// Bytes to send, once or again.
    waiting: u64,
}

#[derive(Debug)]
struct Message {
    bytes: Vec<u8>,
    taken_at: Instant,
    /// Bytes of the messages before it.
    start: u64,
    /// How much of it was sent once.
    sent: u32,
    len: u32,
    acked: Spans,
    done: bool,
}

impl Outgoing {
    /// How many more messages it takes.
    pub(super) fn messages_left(&self) -> usize {
        usize::try_from(SESSION_MESSAGES_MAX)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.messages.len())
    }

    /// Whether every message was acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// When the first was taken that is not acknowledged.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.messages.front().map(|message| message.taken_at)
    }

    /// Bytes to send, once or again.
    pub(super) const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Takes a message. Whoever calls has looked at its size and at `messages_left`.
    pub(super) fn push(&mut self, now: Instant, bytes: Vec<u8>) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.messages.push_back(Message {
            start: self.pushed,
            sent: 0,
            len,
            acked: Spans::default(),
            done: false,
            taken_at: now,
            bytes,
        });
        self.pushed += u64::from(len);
        self.waiting += weight(len);
    }

    /// The next part that fits into `space` bytes with its frame; `window` is how many bytes the other side takes in
    /// all. It counts as under way.
    pub(super) fn next_part(&mut self, space: usize, window: u64) -> Option<Given<'_>> {
        let (part, again) = match self.next_lost(space) {
            Some(part) => (part, true),
            None => (self.next_new(space, window)?, false),
        };
        let index = usize::try_from(part.message - self.lowest).ok()?;
        let message = self.messages.get(index)?;
        let end = part.offset + part.len;
        let bytes = message
            .bytes
            .get(usize::try_from(part.offset).ok()?..usize::try_from(end).ok()?)?;
        Some(Given {
            part,
            last: end == message.len,
            again,
            bytes,
        })
    }

    /// Whether `next_part` has anything to give, space permitting.
    pub(super) fn has_part(&mut self, window: u64) -> bool {
        self.drop_arrived();
        !self.lost.is_empty() || self.allowance(window).is_some()
    }

    /// Drops from the front of `lost` what has arrived after all.
    fn drop_arrived(&mut self) {
        while let Some((&(message, offset), &end)) = self.lost.first_key_value()
            && self.is_acked(message, offset, end)
        {
            self.lost.pop_first();
            self.waiting -= weight(end - offset);
        }
    }

    fn next_lost(&mut self, space: usize) -> Option<Part> {
        self.drop_arrived();
        let (&(message, offset), &end) = self.lost.first_key_value()?;
        let len = cut(end - offset, space)?;
        self.lost.pop_first();
        self.waiting -= weight(end - offset);
        if offset + len < end {
            self.add_lost(message, offset + len, end);
        }
        Some(Part { message, offset, len })
    }

    /// How many bytes of the first message that was not wholly sent may go now.
    fn allowance(&self, window: u64) -> Option<u32> {
        let index = usize::try_from(self.next - self.lowest).ok()?;
        let message = self.messages.get(index)?;
        let left = message.len - message.sent;
        let open = window.saturating_sub(message.start);
        // The other side always has room for its lowest incomplete message. That all before this one are
        // acknowledged says that they arrived; that half its smallest window is open says that they were taken:
        // less than half a window is what it may keep to itself.
        let allowed = if index == 0 && open >= (WINDOW_BYTES_MIN / 2).min(u64::from(message.len)) {
            left
        } else {
            let open = u32::try_from(open).unwrap_or(u32::MAX);
            left.min(open.saturating_sub(message.sent))
        };
        (allowed > 0 || message.len == 0).then_some(allowed)
    }

    fn next_new(&mut self, space: usize, window: u64) -> Option<Part> {
        let len = cut(self.allowance(window)?, space)?;
        let index = usize::try_from(self.next - self.lowest).ok()?;
        let message = self.messages.get_mut(index)?;
        let part = Part {
            message: self.next,
            offset: message.sent,
            len,
        };
        message.sent += len;
        self.waiting -= u64::from(len);
        if message.sent == message.len {
            self.waiting -= weight(0);
            self.next += 1;
        }
        Some(part)
    }

    /// Whether all of a part was acknowledged.
    pub(super) fn has_arrived(&self, part: Part) -> bool {
        self.is_acked(part.message, part.offset, part.offset + part.len)
    }

    fn is_acked(&self, message: u64, offset: u32, end: u32) -> bool {
        let Some(index) = message.checked_sub(self.lowest) else {
            return true;
        };
        let message = usize::try_from(index)
            .ok()
            .and_then(|index| self.messages.get(index));
        message.is_none_or(|message| message.done || (end > offset && message.acked.covers(offset, end)))
    }

    /// A part has arrived. Returns the length of the message that this completes.
    pub(super) fn on_acked(&mut self, part: Part) -> Option<usize> {
        let index = usize::try_from(part.message.checked_sub(self.lowest)?).ok()?;
        let message = self.messages.get_mut(index)?;
        if message.done {
            return None;
        }
        if part.len < message.len {
            message.acked.insert(part.offset, part.offset + part.len);
            if !message.acked.covers(0, message.len) {
                return None;
            }
        }
        message.done = true;
        message.acked = Spans::default();
        let len = std::mem::take(&mut message.bytes).len();
        while self.messages.front().is_some_and(|message| message.done) {
            self.messages.pop_front();
            self.lowest += 1;
        }
        Some(len)
    }

    /// A part is lost, or doubtful: it is sent again unless it arrives after all. Whether it is missing.
    pub(super) fn on_lost(&mut self, part: Part) -> bool {
        let end = part.offset + part.len;
        let missing = !self.is_acked(part.message, part.offset, end);
        if missing {
            self.add_lost(part.message, part.offset, end);
        }
        missing
    }

    fn add_lost(&mut self, message: u64, offset: u32, end: u32) {
        let known = self.lost.get(&(message, offset)).copied();
        if let Some(known) = known {
            if known >= end {
                return;
            }
            self.waiting -= weight(known - offset);
        }
        self.waiting += weight(end - offset);
        self.lost.insert((message, offset), end);
    }

    /// Bytes on the heap, at least.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.messages.capacity() * size_of::<Message>() + self.lost.len() * 32
    }

    /// Gives memory back that is not in use.
    pub(super) fn rest(&mut self) {
        self.messages.shrink_to_fit();
        // An emptied map keeps a leaf.
        if self.lost.is_empty() {
            self.lost = BTreeMap::new();
        }
    }
}

/// What a part adds to the bytes that wait: its own, and a little, so that an empty message waits too.
fn weight(len: u32) -> u64 {
    u64::from(len) + 8
}

/// How much of `left` bytes goes into `space`; `None` if it is not worth it.
fn cut(left: u32, space: usize) -> Option<u32> {
    let fits = space.checked_sub(PART_OVERHEAD_MAX)?;
    let len = usize::try_from(left).unwrap_or(usize::MAX);
    if len <= fits {
        return Some(left);
    }
    if fits < CUT_BYTES_MIN {
        return None;
    }
    u32::try_from(fits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: u64 = u64::MAX;

    fn part(message: u64, offset: u32, len: u32) -> Part {
        Part { message, offset, len }
    }

    fn next(outgoing: &mut Outgoing, space: usize, window: u64) -> Option<(Part, bool)> {
        outgoing
            .next_part(space, window)
            .map(|given| (given.part, given.last))
    }

    #[test]
    fn the_oldest_message_goes_first_and_lost_parts_before_new_ones() {
        let mut outgoing = Outgoing::default();
        outgoing.push(Instant::ZERO, vec![0; 1_500]);
        outgoing.push(Instant::ZERO, vec![1; 10]);
        let (first, last) = next(&mut outgoing, 1_000, OPEN).unwrap();
        assert_eq!((first, last), (part(0, 0, 981), false));
        assert_eq!(next(&mut outgoing, 1_000, OPEN), Some((part(0, 981, 519), true)));
        outgoing.on_lost(first);
        assert_eq!(
            next(&mut outgoing, 500, OPEN),
            Some((part(0, 0, 481), false)),
            "cut anew"
        );
        assert_eq!(next(&mut outgoing, 1_000, OPEN), Some((part(0, 481, 500), false)));
        assert_eq!(next(&mut outgoing, 1_000, OPEN), Some((part(1, 0, 10), true)));
        assert_eq!(next(&mut outgoing, 1_000, OPEN), None);
        assert_eq!(outgoing.waiting(), 0);
    }

    #[test]
    fn what_arrived_after_all_is_not_sent_again() {
        let mut outgoing = Outgoing::default();
        outgoing.push(Instant::ZERO, vec![0; 10]);
        let (sent, _) = next(&mut outgoing, 1_000, OPEN).unwrap();
        outgoing.on_lost(sent);
        assert_eq!(outgoing.on_acked(sent), Some(10));
        assert_eq!(next(&mut outgoing, 1_000, OPEN), None);
        assert!(outgoing.is_empty());
        assert_eq!(outgoing.on_acked(sent), None);
        outgoing.on_lost(sent);
        assert_eq!((next(&mut outgoing, 1_000, OPEN), outgoing.waiting()), (None, 0));
    }

    #[test]
    fn the_window_stops_all_but_the_lowest_message() {
        let mut outgoing = Outgoing::default();
        outgoing.push(Instant::ZERO, vec![0; 10_000]);
        outgoing.push(Instant::ZERO, vec![1; 60_000]);
        let mut sent = Vec::new();
        while let Some((part, _)) = next(&mut outgoing, 1_200, WINDOW_BYTES_MIN) {
            sent.push(part);
        }
        assert_eq!(
            sent.iter().map(|part| u64::from(part.len)).sum::<u64>(),
            WINDOW_BYTES_MIN
        );
        for &part in sent.iter().filter(|part| part.message == 0) {
            outgoing.on_acked(part);
        }
        assert_eq!(
            next(&mut outgoing, 1_200, WINDOW_BYTES_MIN),
            None,
            "arrived, but not taken"
        );
        while next(&mut outgoing, 1_200, 10_000 + WINDOW_BYTES_MIN).is_some() {}
        assert_eq!(outgoing.waiting(), 0, "taken: the lowest goes whole");
    }

    #[test]
    fn an_empty_message_is_sent_too() {
        let mut outgoing = Outgoing::default();
        outgoing.push(Instant::ZERO, Vec::new());
        assert_eq!(next(&mut outgoing, 1_000, 0), Some((part(0, 0, 0), true)));
        outgoing.on_lost(part(0, 0, 0));
        assert_eq!(next(&mut outgoing, 1_000, 0), Some((part(0, 0, 0), true)));
        assert_eq!(outgoing.on_acked(part(0, 0, 0)), Some(0));
        assert_eq!(outgoing.waiting(), 0);
    }

    proptest! {
        #[test]
        fn every_byte_is_acknowledged_in_the_end(
            lens in prop::collection::vec(0usize..3_000, 1..20),
            fates in prop::collection::vec((0u8..3, 20usize..1_200), 1..400),
        ) {
            let mut outgoing = Outgoing::default();
            lens.iter().for_each(|&len| outgoing.push(Instant::ZERO, vec![7; len]));
            let (mut done, mut under_way) = (0, VecDeque::new());
            let steady = std::iter::repeat_n((0, 1_200), 500);
            for (fate, space) in fates.into_iter().chain(steady) {
                if let Some(Given { part, bytes, .. }) = outgoing.next_part(space, OPEN) {
                    prop_assert!(bytes.len() + PART_OVERHEAD_MAX <= space && bytes.len() == part.len as usize);
                    under_way.push_back(part);
                }
                match (fate, under_way.pop_front()) {
                    (0, Some(part)) => done += usize::from(outgoing.on_acked(part).is_some()),
                    (1, Some(part)) => {
                        outgoing.on_lost(part);
                    }
                    (_, Some(part)) => {
                        outgoing.on_lost(part);
                        under_way.push_back(part);
                    }
                    (_, None) => {}
                }
            }
            prop_assert_eq!(done, lens.len());
            prop_assert!(outgoing.is_empty());
            prop_assert_eq!(next(&mut outgoing, 1_200, OPEN), None);
            prop_assert_eq!(outgoing.waiting(), 0);
        }
    }
}
