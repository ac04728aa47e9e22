//! Pieces in any order, too many of them, too large, or in conflict; and a real sender's, cut anew where they were lost.
//!
//! Whole sessions are in `session_tests/`.

use proptest::prelude::*;

use super::*;
use crate::transport::outgoing::{CUT_BYTES_MIN, Outgoing};
use crate::wire::frame::PART_OVERHEAD_MAX;

const ROOM: Room = Room {
    credit: 1 << 20,
    memory: 1 << 20,
};
const NONE: Room = Room { credit: 0, memory: 0 };

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
    assert_eq!(incoming.insert(piece(0, 4, true, b"ef"), ROOM), Ok(Taken::Held));
    assert_eq!(incoming.held(), 6, "what is missing takes room");
    assert_eq!(incoming.insert(piece(0, 0, false, b"ab"), ROOM), Ok(Taken::Held));
    assert_eq!(incoming.pop(), None);
    assert_eq!(incoming.insert(piece(0, 1, false, b"bcd"), ROOM), Ok(Taken::Held));
    assert_eq!(incoming.pop().unwrap(), b"abcdef");
    assert_eq!(incoming.insert(piece(0, 0, false, b"ab"), ROOM), Ok(Taken::Held));
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
fn a_piece_asks_for_what_its_message_costs_beside_its_bytes() {
    let room = |memory| Room { credit: 100, memory };
    let mut incoming = Incoming::default();
    for (message, last, overhead) in [(0, true, MESSAGE_OVERHEAD), (1, false, PARTIAL_OVERHEAD)] {
        let (piece, cost) = (piece(message, 0, last, &[0; 100]), 100 + overhead);
        assert_eq!(incoming.insert(piece, room(cost - 1)), Ok(Taken::NoRoom));
        assert_eq!(incoming.insert(piece, room(cost)), Ok(Taken::Held));
        assert_eq!(incoming.cost(), cost, "no more than that");
        incoming.pop();
    }
    let rest = |last| piece(1, 100, last, &[0; 50]);
    assert_eq!(incoming.insert(rest(false), room(49)), Ok(Taken::NoRoom));
    assert_eq!(
        incoming.insert(rest(true), room(50)),
        Ok(Taken::Held),
        "there is its place"
    );
}

#[test]
fn an_empty_message_needs_memory_and_no_credit() {
    let room = |memory| Room { credit: 0, memory };
    let mut incoming = Incoming::default();
    let empty = piece(0, 0, true, b"");
    assert_eq!(
        incoming.insert(empty, room(MESSAGE_OVERHEAD - 1)),
        Ok(Taken::NoRoom)
    );
    assert_eq!(incoming.insert(empty, room(MESSAGE_OVERHEAD)), Ok(Taken::Held));
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
        Ok(Taken::TooMany)
    );
    assert_eq!(
        incoming.insert(piece(SESSION_MESSAGES_MAX - 1, 0, true, b"x"), ROOM),
        Ok(Taken::Held)
    );
    assert_eq!(
        incoming.insert(piece(u64::MAX, 0, true, b"x"), ROOM),
        Ok(Taken::TooMany)
    );
}

#[test]
fn without_room_only_the_lowest_is_owed_some_and_only_until_it_is_whole() {
    let mut incoming = Incoming::default();
    assert_eq!(incoming.insert(piece(1, 0, true, b"x"), NONE), Ok(Taken::NoRoom));
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
            Ok(Taken::Held)
        );
    }
    assert_eq!(
        incoming.insert(piece(most, 0, true, b""), ROOM),
        Ok(Taken::TooMany)
    );
    assert_eq!(incoming.cost(), incoming.ready.len() * MESSAGE_OVERHEAD);
    incoming.pop();
    assert_eq!(incoming.insert(piece(most, 0, true, b""), ROOM), Ok(Taken::Held));
}

#[test]
fn tiny_parts_with_gaps_are_held_only_so_many_and_the_message_still_ends() {
    let mut incoming = Incoming::default();
    let refused = (0..200u32)
        .filter(|at| incoming.insert(piece(0, at * 2, false, b"x"), ROOM) == Ok(Taken::TooMany))
        .count();
    assert_eq!(refused, 200 - SPANS_MAX);
    incoming.insert(piece(0, 0, false, &[b'x'; 300]), ROOM).unwrap();
    incoming.insert(piece(0, 300, true, &[b'x'; 99]), ROOM).unwrap();
    assert_eq!(incoming.pop().unwrap().len(), 399);
}

/// Sends a message of the largest size in packets with so much `space` each, over and over. What becomes of a piece, its
/// fate says: 0, it is lost, and found to be when nothing else is left to send; 1, the next comes before it; 2, it comes; 3,
/// it comes, and what was lost is found to be. Afterwards all come, and the message has to end. How many were refused.
fn refused_of_the_longest(spaces: &[usize], fates: impl Iterator<Item = u8>) -> usize {
    let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
    let bytes: Vec<_> = (0..MESSAGE_BYTES_MAX)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect();
    outgoing.push(Instant::ZERO, bytes.clone());
    let (mut refused, mut missing, mut late) = (0, Vec::new(), None);
    // What may still be missing, in the smallest pieces, twice: some are refused the first time.
    let steady = std::iter::repeat_n(2, 2 * 2 * MESSAGE_BYTES_MAX / CUT_BYTES_MIN);
    for (fate, &space) in fates.chain(steady).zip(spaces.iter().cycle()) {
        let sent = outgoing
            .next_part(space, u64::MAX)
            .map(|given| (given.part, given.last));
        if sent.is_none() || fate == 3 {
            missing.drain(..).for_each(|part| {
                outgoing.on_lost(part);
            });
        }
        let arrives = match (fate, sent) {
            (0, Some((part, _))) => {
                missing.push(part);
                None
            }
            (1, Some(_)) => std::mem::replace(&mut late, sent),
            (_, Some(_)) => sent,
            (_, None) => late.take(),
        };
        let Some((part, last)) = arrives else { continue };
        let range = part.offset as usize..(part.offset + part.len) as usize;
        let taken = incoming.insert(piece(0, part.offset, last, &bytes[range]), ROOM);
        if taken == Ok(Taken::Held) {
            outgoing.on_acked(part);
        } else {
            assert_eq!(taken, Ok(Taken::TooMany));
            missing.push(part);
            refused += 1;
        }
    }
    assert!(outgoing.is_empty(), "stuck, with {refused} refused");
    assert!(incoming.pop() == Some(bytes));
    refused
}

#[test]
fn a_sender_whose_parts_fill_half_a_datagram_is_refused_none_and_one_of_smaller_ones_is_not_stuck() {
    let every_second = |parts: usize| (0..parts).map(|at| if at % 2 == 0 { 2 } else { 0 });
    assert_eq!(
        refused_of_the_longest(&[DATAGRAM_BYTES_MAX / 2 + PART_OVERHEAD_MAX], every_second(111)),
        0
    );
    let small = CUT_BYTES_MIN + PART_OVERHEAD_MAX;
    assert!(refused_of_the_longest(&[small], every_second(520)) > 100);
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
    fn whatever_is_lost_and_however_it_is_cut_the_longest_message_ends(
        spaces in prop::collection::vec(CUT_BYTES_MIN + PART_OVERHEAD_MAX..300, 1..50),
        fates in prop::collection::vec(prop_oneof![40 => Just(0u8), 10 => Just(1), 49 => Just(2), 1 => Just(3)], 0..2_000),
    ) {
        refused_of_the_longest(&spaces, fates.into_iter());
    }

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
            prop_assert!(matches!(taken, Ok(Taken::Held)));
            out.extend(std::iter::from_fn(|| incoming.pop()));
        }
        let mut expected = (0..lens.len()).map(whole).collect::<Vec<_>>();
        expected.sort();
        out.sort();
        prop_assert_eq!(out, expected);
        prop_assert_eq!(incoming.held(), 0);
    }
}
