//! Puts messages together again, and hands each up once (PROTOCOL §7).
//!
//! Knows nothing of packets, windows or pools: whoever calls says how many more bytes may be held. Order is not
//! its business: a message is ready when it is whole.
//! Invariant: every number below `lowest` is whole; no message is handed up twice; nothing is held for a number
//! `SESSION_MESSAGES_MAX` or more above `lowest`.

use std::collections::{BTreeMap, VecDeque};

use crate::clock::Instant;
use crate::limits::{MESSAGE_BYTES_MAX, SESSION_MESSAGES_MAX};
use crate::transport::bits::Bits;
use crate::transport::spans::Spans;

/// One bit for each message that may be under way.
const WORDS: usize = 64;
const _: () = assert!(WORDS as u64 * 64 == SESSION_MESSAGES_MAX);
/// What a message costs in memory beside its bytes, roughly: a flood of empty ones is not free.
pub(super) const MESSAGE_OVERHEAD: usize = 128;
/// And one that is not whole yet, with its place in a map and its spans.
pub(super) const PARTIAL_OVERHEAD: usize = 1_024;
/// Separate pieces of one message that are kept: an honest sender's parts have a thousand bytes and more, but for
/// the last, and every second may be missing. More would let tiny parts cost more than they weigh.
const SPANS_MAX: usize = 64;
const _: () = assert!(MESSAGE_BYTES_MAX / 1_000 / 2 < SPANS_MAX);

/// A piece of a message, as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// When it came.
    pub(super) at: Instant,
    /// Which message.
    pub(super) message: u64,
    /// Where it begins.
    pub(super) offset: u32,
    /// Whether it ends the message.
    pub(super) last: bool,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is held, now or before; so many more bytes are in use.
    Held(usize),
    /// There is no room for it now.
    NoRoom,
}

/// A piece that no honest sender makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contradiction;

/// Messages that are not whole, and those that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    lowest: u64,
    /// Whole messages above `lowest`. Not there while everything comes in order.
    whole: Option<Box<Bits<WORDS>>>,
    whole_count: u64,
    partial: BTreeMap<u64, Partial>,
    ready: VecDeque<Vec<u8>>,
    held: usize,
}

#[derive(Debug, Default)]
struct Partial {
    /// When its first piece came.
    began: Instant,
    /// Up to the highest byte that came; what is missing is zero.
    bytes: Vec<u8>,
    have: Spans,
    total: Option<u32>,
}

impl Incoming {
    /// The lowest message that is not whole.
    pub(super) const fn lowest(&self) -> u64 {
        self.lowest
    }

    /// Bytes of messages that are held.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Memory in use.
    pub(super) fn cost(&self) -> usize {
        self.held + self.ready.len() * MESSAGE_OVERHEAD + self.partial.len() * PARTIAL_OVERHEAD
    }

    fn is_full(&self) -> bool {
        let messages = u64::try_from(self.ready.len() + self.partial.len()).unwrap_or(u64::MAX);
        messages >= SESSION_MESSAGES_MAX
    }

    /// Whether this message goes before all others where room is short: it is the lowest that is not whole, and
    /// nothing whole waits, so that this session makes no room before it is.
    pub(super) fn is_owed_room(&self, message: u64) -> bool {
        message == self.lowest && self.ready.is_empty()
    }

    /// Since when a message has been waiting for the rest of it.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.partial.values().map(|partial| partial.began).min()
    }

    /// Takes a piece, if at most `room` more bytes are used by it.
    pub(super) fn insert(&mut self, piece: Piece<'_>, room: usize) -> Result<Taken, Contradiction> {
        let len = u32::try_from(piece.bytes.len()).map_err(|_| Contradiction)?;
        let end = piece.offset.checked_add(len).ok_or(Contradiction)?;
        if usize::try_from(end).map_err(|_| Contradiction)? > MESSAGE_BYTES_MAX || (len == 0 && !piece.last) {
            return Err(Contradiction);
        }
        if self.is_whole(piece.message) {
            return Ok(Taken::Held(0));
        }
        if piece.message - self.lowest >= SESSION_MESSAGES_MAX {
            return Ok(Taken::NoRoom);
        }
        if !self.partial.contains_key(&piece.message) {
            if self.is_full() && !self.is_owed_room(piece.message) {
                return Ok(Taken::NoRoom);
            }
            if piece.offset == 0 && piece.last {
                return Ok(self.insert_whole(piece, room));
            }
        }
        self.insert_part(piece, end, room)
    }

    /// The most common case: a message in one piece needs no reassembly.
    fn insert_whole(&mut self, piece: Piece<'_>, room: usize) -> Taken {
        let len = piece.bytes.len();
        // An empty one is held as well.
        if len.max(1) > room {
            return Taken::NoRoom;
        }
        self.held += len;
        self.finish(piece.message, piece.bytes.to_vec());
        Taken::Held(len)
    }

    fn insert_part(&mut self, piece: Piece<'_>, end: u32, room: usize) -> Result<Taken, Contradiction> {
        let known = self.partial.get(&piece.message);
        let there = known.map_or(0, |partial| partial.bytes.len());
        let growth = usize::try_from(end).unwrap_or(usize::MAX).saturating_sub(there);
        if growth > room || known.is_some_and(|partial| partial.have.len() >= SPANS_MAX) {
            // A full list of spans still takes what closes one of its gaps: see `Partial::insert`.
            let joins = known.is_some_and(|partial| growth <= room && partial.touches(piece.offset, end));
            if !joins {
                return Ok(Taken::NoRoom);
            }
        }
        let partial = self.partial.entry(piece.message).or_insert_with(|| Partial {
            began: piece.at,
            ..Partial::default()
        });
        partial.insert(piece, end)?;
        self.held += growth;
        if partial.is_whole()
            && let Some(partial) = self.partial.remove(&piece.message)
        {
            self.finish(piece.message, partial.bytes);
        }
        Ok(Taken::Held(growth))
    }

    fn is_whole(&self, message: u64) -> bool {
        message < self.lowest
            || (message - self.lowest < SESSION_MESSAGES_MAX
                && self.whole.as_ref().is_some_and(|whole| whole.contains(message)))
    }

    fn finish(&mut self, message: u64, bytes: Vec<u8>) {
        self.ready.push_back(bytes);
        if message != self.lowest {
            self.whole
                .get_or_insert_with(|| Box::new(Bits::new()))
                .insert(message);
            self.whole_count += 1;
            return;
        }
        self.lowest += 1;
        while self.whole_count > 0
            && let Some(whole) = self.whole.as_mut()
            && whole.contains(self.lowest)
        {
            whole.remove(self.lowest);
            self.whole_count -= 1;
            self.lowest += 1;
        }
    }

    /// The next whole message.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let bytes = self.ready.pop_front()?;
        self.held -= bytes.len();
        Some(bytes)
    }

    /// Bytes on the heap, at least.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        let whole = self.whole.as_ref().map_or(0, |_| size_of::<Bits<WORDS>>());
        whole + self.ready.capacity() * size_of::<Vec<u8>>() + self.partial.len() * size_of::<Partial>()
    }

    /// Gives memory back that is not in use.
    pub(super) fn rest(&mut self) {
        self.ready.shrink_to_fit();
        // An emptied map keeps a leaf.
        if self.partial.is_empty() {
            self.partial = BTreeMap::new();
        }
        if self.whole_count == 0 {
            self.whole = None;
        }
    }
}

impl Partial {
    fn insert(&mut self, piece: Piece<'_>, end: u32) -> Result<(), Contradiction> {
        let high = u32::try_from(self.bytes.len()).map_err(|_| Contradiction)?;
        let total = if piece.last { Some(end) } else { self.total };
        if total.is_some_and(|total| total < end.max(high)) || (self.total.is_some() && total != self.total) {
            return Err(Contradiction);
        }
        let place = |at: u32| usize::try_from(at).map_err(|_| Contradiction);
        // Bytes that came before stay as they were: a second version of them is a lie.
        for (start, stop) in self.have.overlaps(piece.offset, end) {
            let new = place(start - piece.offset)?..place(stop - piece.offset)?;
            if self.bytes.get(place(start)?..place(stop)?) != piece.bytes.get(new) {
                return Err(Contradiction);
            }
        }
        if end > high {
            self.bytes.resize(place(end)?, 0);
        }
        self.bytes
            .get_mut(place(piece.offset)?..place(end)?)
            .ok_or(Contradiction)?
            .copy_from_slice(piece.bytes);
        self.have.insert(piece.offset, end);
        self.total = total;
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.total.is_some_and(|total| self.have.covers(0, total))
    }

    /// Whether a piece would join a span that is there, so that it makes no new one.
    fn touches(&self, start: u32, end: u32) -> bool {
        self.have
            .overlaps(start.saturating_sub(1), end.saturating_add(1))
            .next()
            .is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOM: usize = 1 << 20;

    fn piece(message: u64, offset: u32, last: bool, bytes: &[u8]) -> Piece<'_> {
        Piece {
            at: Instant::ZERO,
            message,
            offset,
            last,
            bytes,
        }
    }

    #[test]
    fn parts_in_any_order_make_the_message_once() {
        let mut incoming = Incoming::default();
        assert_eq!(
            incoming.insert(piece(0, 4, true, b"ef"), ROOM),
            Ok(Taken::Held(6))
        );
        assert_eq!(
            incoming.insert(piece(0, 0, false, b"ab"), ROOM),
            Ok(Taken::Held(0))
        );
        assert_eq!(incoming.pop(), None);
        assert_eq!(
            incoming.insert(piece(0, 1, false, b"bcd"), ROOM),
            Ok(Taken::Held(0))
        );
        assert_eq!(incoming.pop().unwrap(), b"abcdef");
        assert_eq!(
            incoming.insert(piece(0, 0, false, b"ab"), ROOM),
            Ok(Taken::Held(0))
        );
        assert_eq!((incoming.pop(), incoming.held()), (None, 0));
    }

    #[test]
    fn a_message_over_the_limit_is_a_contradiction_before_anything_is_held() {
        let mut incoming = Incoming::default();
        let high = u32::try_from(MESSAGE_BYTES_MAX).unwrap();
        assert_eq!(
            incoming.insert(piece(0, high, false, b"x"), ROOM),
            Err(Contradiction)
        );
        assert_eq!(
            incoming.insert(piece(0, u32::MAX, true, b"xy"), ROOM),
            Err(Contradiction)
        );
        assert_eq!(incoming.held(), 0);
        assert!(incoming.partial.is_empty());
    }

    #[test]
    fn without_room_an_empty_message_waits_too() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.insert(piece(0, 0, true, b""), 0), Ok(Taken::NoRoom));
        assert_eq!(incoming.insert(piece(0, 0, true, b""), 1), Ok(Taken::Held(0)));
        assert_eq!(incoming.pop().unwrap(), b"");
    }

    #[test]
    fn two_versions_of_a_message_are_a_contradiction() {
        let mut incoming = Incoming::default();
        incoming.insert(piece(0, 0, false, b"abcd"), ROOM).unwrap();
        assert_eq!(
            incoming.insert(piece(0, 2, false, b"cX"), ROOM),
            Err(Contradiction)
        );
        assert_eq!(
            incoming.insert(piece(0, 2, true, b"c"), ROOM),
            Err(Contradiction),
            "an end inside"
        );
        incoming.insert(piece(0, 6, true, b"gh"), ROOM).unwrap();
        assert_eq!(
            incoming.insert(piece(0, 8, true, b"i"), ROOM),
            Err(Contradiction),
            "a second end"
        );
        assert_eq!(
            incoming.insert(piece(0, 8, false, b"i"), ROOM),
            Err(Contradiction),
            "beyond the end"
        );
        incoming.insert(piece(0, 4, false, b"ef"), ROOM).unwrap();
        assert_eq!(incoming.pop().unwrap(), b"abcdefgh");
    }

    #[test]
    fn a_message_too_far_above_the_lowest_is_not_held() {
        let mut incoming = Incoming::default();
        assert_eq!(
            incoming.insert(piece(SESSION_MESSAGES_MAX, 0, true, b"x"), ROOM),
            Ok(Taken::NoRoom)
        );
        assert_eq!(
            incoming.insert(piece(SESSION_MESSAGES_MAX - 1, 0, true, b"x"), ROOM),
            Ok(Taken::Held(1))
        );
        assert_eq!(
            incoming.insert(piece(u64::MAX, 0, true, b"x"), ROOM),
            Ok(Taken::NoRoom)
        );
    }

    #[test]
    fn without_room_only_the_lowest_is_owed_some_and_only_until_it_is_whole() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.insert(piece(1, 0, true, b"x"), 0), Ok(Taken::NoRoom));
        assert!(incoming.is_owed_room(0) && !incoming.is_owed_room(1));
        incoming.insert(piece(0, 0, true, b"x"), ROOM).unwrap();
        assert!(!incoming.is_owed_room(1), "take what is there first");
        incoming.pop();
        assert!(incoming.is_owed_room(1));
    }

    #[test]
    fn only_so_many_messages_wait_however_small_they_are() {
        let mut incoming = Incoming::default();
        let most = SESSION_MESSAGES_MAX;
        for message in 0..most {
            assert_eq!(
                incoming.insert(piece(message, 0, true, b""), ROOM),
                Ok(Taken::Held(0))
            );
        }
        assert_eq!(
            incoming.insert(piece(most, 0, true, b""), ROOM),
            Ok(Taken::NoRoom)
        );
        assert_eq!(incoming.cost(), incoming.ready.len() * MESSAGE_OVERHEAD);
        incoming.pop();
        assert_eq!(
            incoming.insert(piece(most, 0, true, b""), ROOM),
            Ok(Taken::Held(0))
        );
    }

    #[test]
    fn tiny_parts_with_gaps_are_held_only_so_many_and_the_message_still_ends() {
        let mut incoming = Incoming::default();
        let refused = (0..200u32)
            .filter(|at| incoming.insert(piece(0, at * 2, false, b"x"), ROOM) == Ok(Taken::NoRoom))
            .count();
        assert_eq!(refused, 200 - SPANS_MAX);
        incoming.insert(piece(0, 0, false, &[b'x'; 300]), ROOM).unwrap();
        incoming.insert(piece(0, 300, true, &[b'x'; 99]), ROOM).unwrap();
        assert_eq!(incoming.pop().unwrap().len(), 399);
    }

    #[test]
    fn what_is_done_with_holds_no_memory() {
        let mut incoming = Incoming::default();
        for message in (0..100).rev() {
            incoming.insert(piece(message, 0, true, b"x"), ROOM).unwrap();
        }
        while incoming.pop().is_some() {}
        incoming.rest();
        assert!(incoming.whole.is_none() && incoming.ready.capacity() == 0 && incoming.partial.is_empty());
        assert_eq!(incoming.lowest, 100);
    }

    proptest! {
        #[test]
        fn every_message_comes_once_and_unchanged(
            lens in prop::collection::vec(0u32..50, 1..12),
            cuts in prop::collection::vec((0usize..12, 0u32..50, 0u32..50), 0..200),
        ) {
            let byte = |message: usize, at: u32| u8::try_from((message * 31 + at as usize) % 251).unwrap();
            let whole = |message: usize| (0..lens[message]).map(|at| byte(message, at)).collect::<Vec<_>>();
            let mut incoming = Incoming::default();
            let mut out = Vec::new();
            let pieces = cuts.into_iter().chain((0..lens.len()).map(|message| (message, 0, 50)));
            for (message, from, to) in pieces {
                let message = message % lens.len();
                let (from, to) = (from.min(lens[message]), to.min(lens[message]));
                if from > to || (from == to && to != lens[message]) {
                    continue;
                }
                let all = whole(message);
                let bytes = &all[from as usize..to as usize];
                let last = to == lens[message];
                let taken = incoming.insert(piece(message as u64, from, last, bytes), ROOM);
                prop_assert!(matches!(taken, Ok(Taken::Held(_))));
                out.extend(std::iter::from_fn(|| incoming.pop()));
            }
            let mut expected = (0..lens.len()).map(whole).collect::<Vec<_>>();
            expected.sort();
            out.sort();
            prop_assert_eq!(out, expected);
            prop_assert_eq!(incoming.held(), 0);
        }
    }
}
