//! Puts messages together again, and hands each up once (PROTOCOL §7).
//!
//! Knows nothing of packets, windows or pools: whoever calls says how much more may be held. Order is not its
//! business: a message is ready when it is whole.
//! Invariant: every number below `lowest` is whole; no message is handed up twice; nothing is held for a number
//! `SESSION_MESSAGES_MAX` or more above `lowest`; a piece adds no more to `cost` than the room it was given.

use std::collections::{BTreeMap, VecDeque};

use crate::clock::Instant;
use crate::limits::{DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX, SESSION_MESSAGES_MAX};
use crate::transport::bits::Bits;
use crate::transport::spans::{Span, Spans};

/// One bit for each message that may be under way.
const WORDS: usize = 64;
const _: () = assert!(WORDS as u64 * 64 == SESSION_MESSAGES_MAX);
/// What a message costs in memory beside its bytes, roughly: a flood of empty ones is not free.
const MESSAGE_OVERHEAD: usize = 128;
/// And one that is not whole yet, with its place in a map that may be half empty, and its spans.
const PARTIAL_OVERHEAD: usize = 1_024;
const _: () = assert!(2 * size_of::<(u64, Partial)>() + SPANS_MAX * size_of::<Span>() <= PARTIAL_OVERHEAD);
/// What the longest message costs until it is whole, and at least what it costs then.
pub(super) const LONGEST_COST: usize = MESSAGE_BYTES_MAX + PARTIAL_OVERHEAD;
const _: () = assert!(MESSAGE_OVERHEAD <= PARTIAL_OVERHEAD);
/// Separate pieces of one message that are kept: enough where every second is missing of parts that fill half a
/// datagram, as those do that share their packets with nothing but Acks. More would let tiny parts cost more than they
/// weigh. A sender that fills packets up with what was lost cuts smaller ones (`CUT_BYTES_MIN`), and may be refused
/// some; it is not stuck, because what lies at either end of a gap joins what is there.
const SPANS_MAX: usize = 64;
const _: () = assert!(MESSAGE_BYTES_MAX.div_ceil(DATAGRAM_BYTES_MAX / 2).div_ceil(2) <= SPANS_MAX);

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

/// How much more a piece may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes of messages.
    pub(super) credit: usize,
    /// Memory: those, and what a message costs beside them.
    pub(super) memory: usize,
}

impl Room {
    const fn holds(self, bytes: usize, overhead: usize) -> bool {
        bytes <= self.credit && bytes + overhead <= self.memory
    }
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is held, now or before.
    Held,
    /// It needs more room than there is.
    NoRoom,
    /// However much room there is, too many messages or pieces are held before this one.
    TooMany,
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

    /// What the lowest message may still come to cost until it is whole.
    pub(super) fn lowest_may_cost(&self) -> usize {
        let there = self.partial.get(&self.lowest);
        there.map_or(LONGEST_COST, |partial| MESSAGE_BYTES_MAX - partial.bytes.len())
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

    /// Takes a piece, if it needs no more than `room`.
    pub(super) fn insert(&mut self, piece: Piece<'_>, room: Room) -> Result<Taken, Contradiction> {
        let len = u32::try_from(piece.bytes.len()).map_err(|_| Contradiction)?;
        let end = piece.offset.checked_add(len).ok_or(Contradiction)?;
        if usize::try_from(end).map_err(|_| Contradiction)? > MESSAGE_BYTES_MAX || (len == 0 && !piece.last) {
            return Err(Contradiction);
        }
        if self.is_whole(piece.message) {
            return Ok(Taken::Held);
        }
        if piece.message - self.lowest >= SESSION_MESSAGES_MAX {
            return Ok(Taken::TooMany);
        }
        if !self.partial.contains_key(&piece.message) {
            if self.is_full() && !self.is_owed_room(piece.message) {
                return Ok(Taken::TooMany);
            }
            if piece.offset == 0 && piece.last {
                return Ok(self.insert_whole(piece, room));
            }
        }
        self.insert_part(piece, end, room)
    }

    /// The most common case: a message in one piece needs no reassembly.
    fn insert_whole(&mut self, piece: Piece<'_>, room: Room) -> Taken {
        let len = piece.bytes.len();
        if !room.holds(len, MESSAGE_OVERHEAD) {
            return Taken::NoRoom;
        }
        self.held += len;
        self.finish(piece.message, piece.bytes.to_vec());
        Taken::Held
    }

    fn insert_part(&mut self, piece: Piece<'_>, end: u32, room: Room) -> Result<Taken, Contradiction> {
        let known = self.partial.get(&piece.message);
        let (there, overhead) = known.map_or((0, PARTIAL_OVERHEAD), |partial| (partial.bytes.len(), 0));
        let growth = usize::try_from(end).unwrap_or(usize::MAX).saturating_sub(there);
        if !room.holds(growth, overhead) {
            return Ok(Taken::NoRoom);
        }
        // A full list of spans still takes what joins one of them.
        if known.is_some_and(|partial| partial.have.len() >= SPANS_MAX && !partial.touches(piece.offset, end))
        {
            return Ok(Taken::TooMany);
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
        Ok(Taken::Held)
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
#[path = "incoming_tests.rs"]
mod tests;
