//! Frames: what a sealed packet holds, one after the other (PROTOCOL §4).
//!
//! The enum is append-only: a variant's number is its place. Frames borrow from the opened packet.
//! Invariant: `Ack` ranges are ordered, disjoint and never below zero, or `Ack::ranges` yields nothing more.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::wire::codec::{self, Bounded, DecodeError};

/// Gaps that one Ack may tell of. Older ones were told before.
pub const ACK_GAPS_MAX: usize = 32;

/// What a frame's own fields cost at most beside the bytes of a `Part`: kind, message, offset, last, length.
pub const PART_OVERHEAD_MAX: usize = 1 + 9 + 5 + 1 + 3;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame<'a> {
    /// Asks for an acknowledgement.
    Ping,
    /// Which packets arrived.
    Ack(Ack),
    /// A piece of a message.
    Part {
        /// Counts the messages of one direction of a session, from 0.
        message: u64,
        /// Where `bytes` begin in it.
        offset: u32,
        /// Whether they end it.
        last: bool,
        /// The piece.
        #[serde(borrow, with = "serde_bytes")]
        bytes: &'a [u8],
    },
    /// How many message bytes the other side may have sent in all, each counted once.
    Window {
        /// Bytes since the session began.
        bytes: u64,
    },
    /// "Are you at this address?"
    PathChallenge {
        /// To be sent back.
        nonce: u64,
    },
    /// "I am."
    PathResponse {
        /// The challenge's.
        nonce: u64,
    },
    /// The session is over.
    Close {
        /// Why.
        code: CloseCode,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseCode {
    /// Done: the other side leaves, or the session was idle or in the way of others.
    Done,
    /// The same identity has registered from elsewhere.
    Superseded,
    /// The other side broke the protocol.
    Violation,
    /// Another session between the same two stays.
    Crossed,
    /// Not willing to talk to this identity.
    NotAdmitted,
}

/// Which packets arrived: the highest, how many directly below it, then gaps and runs (as RFC 9000 §19.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The highest packet number that arrived.
    pub largest: u64,
    /// Microseconds from its arrival to the sending of this.
    pub delay_us: u32,
    /// Packets directly below `largest` that arrived too.
    pub first_run: u64,
    /// Downwards: so many missing, less one; then so many arrived, less one.
    pub gaps: Bounded<(u64, u64), ACK_GAPS_MAX>,
}

impl Ack {
    /// From ranges of arrived packets, highest first. `None` if there is none.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u64>>, delay_us: u32) -> Option<Self> {
        let mut ranges = ranges.into_iter();
        let first = ranges.next()?;
        let mut smallest = *first.start();
        let mut gaps = Vec::new();
        for range in ranges.take(ACK_GAPS_MAX) {
            gaps.push((smallest - range.end() - 2, range.end() - range.start()));
            smallest = *range.start();
        }
        Some(Self {
            largest: *first.end(),
            delay_us,
            first_run: first.end() - first.start(),
            gaps: Bounded::truncated(gaps),
        })
    }

    /// The ranges, highest first; ends early where the numbers would run below zero.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        let first = self
            .largest
            .checked_sub(self.first_run)
            .map(|start| start..=self.largest);
        let mut smallest = first.as_ref().map(|range| *range.start());
        let rest = self.gaps.as_slice().iter().map_while(move |&(gap, run)| {
            let end = smallest?.checked_sub(gap.checked_add(2)?)?;
            let start = end.checked_sub(run)?;
            smallest = Some(start);
            Some(start..=end)
        });
        first.into_iter().chain(rest)
    }
}

/// Appends a frame to a packet's plain bytes.
pub fn encode_into(frame: &Frame<'_>, plain: &mut Vec<u8>) {
    codec::encode_into(frame, plain);
}

/// Reads the frames of an opened packet; stops at the first error.
pub fn frames(plain: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, DecodeError>> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        Some(match codec::decode_prefix(rest) {
            Ok((frame, tail)) => {
                rest = tail;
                Ok(frame)
            }
            Err(error) => {
                rest = &[];
                Err(error)
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_survive_the_ack() {
        let ranges = [90..=100, 50..=87, 3..=3, 0..=1];
        let ack = Ack::from_ranges(ranges.clone(), 7).unwrap();
        assert_eq!(ack.ranges().collect::<Vec<_>>(), ranges);
        assert_eq!(Ack::from_ranges([], 0), None);
    }

    #[test]
    fn an_ack_below_zero_ends() {
        let ack = Ack {
            largest: 5,
            delay_us: 0,
            first_run: 1,
            gaps: Bounded::truncated(vec![(0, 0), (9, 0), (0, 0)]),
        };
        assert_eq!(ack.ranges().collect::<Vec<_>>(), [4..=5, 2..=2]);
        let ack = Ack {
            largest: 5,
            delay_us: 0,
            first_run: 6,
            gaps: Bounded::truncated(vec![(u64::MAX, 0)]),
        };
        assert_eq!(ack.ranges().count(), 0);
    }
}
