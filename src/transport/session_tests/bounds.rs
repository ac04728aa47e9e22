//! What a session acknowledges, what it refuses, and what it costs at most.
//!
//! Whole sessions in the lab; the parts have their own tests.
//! Invariant: a test says what a user of the session, or one who attacks it, would notice.

use std::time::Duration;

use super::lab::*;
use crate::limits::{SEND_BYTES_MAX, SESSION_MESSAGES_MAX, WINDOW_BYTES_MAX};
use crate::transport::SEND_OVERHEAD;
use crate::transport::SendFault;
use crate::transport::session::{Pool, Received, Session, Violation};
use crate::wire::codec::Bounded;
use crate::wire::frame::{Ack, Frame, encode_into};

#[test]
fn the_second_packet_is_acknowledged_at_once_and_the_first_within_25_ms() {
    let mut lab = Lab::new(1, quiet(50));
    lab.inject(0, &[Frame::Ping]).unwrap();
    assert_eq!(lab.acked_by(1), None);
    let due = lab.now + Duration::from_millis(25);
    assert_eq!(lab.ends[1].session.poll_timeout(), Some(due));
    lab.inject(1, &[Frame::Ping]).unwrap();
    assert_eq!(lab.acked_by(1), Some(vec![0, 1]));
}

#[test]
fn an_acknowledgement_travels_with_whatever_leaves() {
    let mut lab = Lab::new(1, quiet(50));
    lab.inject(0, &[Frame::Ping]).unwrap();
    lab.send(1, message(0, 10)).unwrap();
    assert_eq!(lab.acked_by(1), Some(vec![0]));
    assert_eq!(lab.frames_of(1), Vec::<String>::new());
}

#[test]
fn acknowledgements_alone_are_never_acknowledged() {
    let mut lab = Lab::new(1, quiet(5));
    lab.send(0, message(0, 100)).unwrap();
    lab.run(Duration::from_secs(100));
    assert_eq!(lab.sent, 2);
}

#[test]
fn a_packet_with_a_part_that_is_not_held_is_not_acknowledged_and_cannot_come_again() {
    let mut lab = Lab::new(1, quiet(50));
    let far = SESSION_MESSAGES_MAX + 5;
    lab.inject(0, &[part(0, 0, true, b"a"), part(far, 0, true, b"b")])
        .unwrap();
    assert!(
        !lab.ends[1].session.is_fresh(0),
        "whoever recorded it has nothing of it"
    );
    assert_eq!(lab.acked_by(1), None, "not all of it was held");
    lab.inject(1, &[Frame::Ping]).unwrap();
    lab.inject(2, &[Frame::Ping]).unwrap();
    assert_eq!(lab.acked_by(1), Some(vec![1, 2]));
    let heard = lab.ends[1].session.heard_at();
    lab.now = lab.now + Duration::from_secs(20);
    lab.inject(0, &[Frame::Ping]).unwrap();
    assert_eq!((lab.acked_by(1), lab.ends[1].session.heard_at()), (None, heard));
}

#[test]
fn one_who_sends_what_has_no_room_is_told_of_it_once_until_he_acknowledges_that() {
    let mut lab = Lab::new(1, quiet(20));
    let windows = (0..1_000).filter(|&number| {
        lab.inject(number, &[part(SESSION_MESSAGES_MAX, 0, true, b"x")])
            .unwrap();
        lab.frames_of(1).iter().any(|frame| frame.starts_with("Window"))
    });
    assert_eq!(windows.count(), 1);
}

#[test]
fn an_application_that_takes_nothing_is_sent_one_window_and_no_more() {
    let mut lab = Lab::new(1, quiet(20));
    lab.ends[1].takes = false;
    for number in 0..1_000 {
        lab.send(0, message(number, 100)).unwrap();
    }
    lab.run(Duration::from_secs(20));
    assert!(lab.sent < 30, "{} packets for a window of 16 KiB", lab.sent);
    lab.ends[1].takes = true;
    lab.run_until_got(1, 1_000, Duration::from_secs(2));
}

#[test]
fn a_lost_window_is_told_again() {
    let mut lab = Lab::new(1, quiet(20));
    lab.ends[1].takes = false;
    for number in 0..300 {
        lab.send(0, message(number, 100)).unwrap();
    }
    lab.run(Duration::from_secs(2));
    lab.cut[1] = true;
    lab.ends[1].takes = true;
    lab.run(Duration::from_secs(3));
    assert_eq!(lab.ends[1].got.len(), 163);
    lab.cut[1] = false;
    lab.run_until_got(1, 300, Duration::from_secs(4));
}

#[test]
fn the_send_buffer_has_a_bound_and_room_tells_it() {
    let mut lab = Lab::new(1, quiet(20));
    let mut bytes = 0;
    while lab.ends[0].session.room(&lab.ends[0].pool) >= 60_000 {
        lab.send(0, message(0, 60_000)).unwrap();
        bytes += 60_000;
    }
    assert!(bytes <= SEND_BYTES_MAX && bytes > SEND_BYTES_MAX - 130_000);
    assert_eq!(lab.send(0, message(0, 60_000)), Err(SendFault::Full));
    let mut lab = Lab::new(1, quiet(20));
    for _ in 0..SESSION_MESSAGES_MAX {
        lab.send(0, Vec::new()).unwrap();
    }
    assert_eq!(lab.ends[0].session.room(&lab.ends[0].pool), 0);
    assert_eq!(lab.send(0, Vec::new()), Err(SendFault::Full));
    lab.run_until_got(1, 4_096, Duration::from_secs(5));
    lab.run(Duration::from_secs(1));
    let all_smallest = 4_096 * SEND_OVERHEAD - SEND_OVERHEAD;
    assert_eq!(lab.ends[0].session.room(&lab.ends[0].pool), all_smallest);
}

#[test]
fn whoever_counts_bytes_in_a_turn_is_never_refused() {
    for size in [1, 100, 5_000] {
        let mut lab = Lab::new(1, quiet(20));
        for _ in 0..3 {
            let mut room = lab.ends[0].session.room(&lab.ends[0].pool);
            while room >= size {
                lab.send(0, vec![0; size]).unwrap();
                room = match room.checked_sub(size + SEND_OVERHEAD) {
                    Some(rest) => rest,
                    None => break,
                };
            }
        }
    }
}

#[test]
fn one_session_cannot_silence_the_others_by_holding_the_pool() {
    let mut lab = Lab::new(1, quiet(20));
    lab.ends[0].pool = Pool::new(0, 0);
    lab.send(0, message(0, 1_000)).unwrap();
    assert_eq!(lab.send(0, message(0, 1)), Err(SendFault::Full));
    lab.run_until_got(1, 1, Duration::from_secs(1));
    lab.run(Duration::from_secs(1));
    lab.send(0, message(0, 1)).unwrap();
}

#[test]
fn the_window_grows_to_its_bound_while_messages_are_taken() {
    let mut lab = Lab::new(1, quiet(20));
    for _ in 0..2_000 {
        while lab.send(0, message(0, 10_000)).is_ok() {}
        lab.run(Duration::from_millis(1));
    }
    let stats = lab.ends[0].session.stats();
    let rate = stats.counts.bytes_sent / 2;
    assert!(rate > WINDOW_BYTES_MAX * 10, "{rate} bytes a second at 40 ms");
    assert_eq!(stats.counts.packets_lost, 0);
}

#[test]
fn one_who_sends_and_never_acknowledges_is_kept_in_bounds_and_given_up() {
    let mut lab = Lab::new(1, quiet(20));
    let bytes = [0; 1_000];
    for number in 0..200_000 {
        lab.inject(number, &[part(number, 0, true, &bytes)]).unwrap();
        let end = &mut lab.ends[1];
        while end.session.pop_message(lab.now, &mut end.pool).is_some() {}
        lab.frames_of(1);
        if number % 10 == 0 {
            lab.now = lab.now + Duration::from_millis(500);
            lab.ends[1].session.handle_timeout(lab.now);
        }
        if lab.ends[1].session.is_silent(lab.now) {
            return;
        }
        assert!(lab.ends[1].session.heap_bytes() < 4 << 20);
    }
    panic!("never given up");
}

#[test]
fn acknowledging_what_was_never_sent_is_a_violation() {
    let mut lab = Lab::new(1, quiet(20));
    let ack = |largest| {
        Frame::Ack(Ack {
            largest,
            delay_us: 0,
            first_run: 0,
            gaps: Bounded::truncated(Vec::new()),
        })
    };
    assert_eq!(lab.inject(0, &[ack(0)]), Err(Violation::AckOfUnsent));
    lab.send(1, message(0, 1)).unwrap();
    lab.frames_of(1);
    assert_eq!(lab.inject(1, &[ack(0)]), Ok(()));
    assert_eq!(lab.inject(2, &[ack(1)]), Err(Violation::AckOfUnsent));
}

#[test]
fn of_a_packet_that_ends_in_no_frame_nothing_counts() {
    let mut lab = Lab::new(1, quiet(20));
    lab.send(1, message(0, 1)).unwrap();
    lab.frames_of(1);
    let before = lab.ends[1].session.backlog();
    let mut plain = Vec::new();
    let ack = Ack::from_ranges([0..=0], 0).unwrap();
    for frame in [Frame::Ack(ack), part(0, 0, true, b"whole")] {
        encode_into(&frame, &mut plain);
    }
    plain.push(200);
    let end = &mut lab.ends[1];
    let done = end.session.handle_packet(lab.now, 0, &plain, &mut end.pool);
    assert_eq!(done, Err(Violation::Malformed));
    assert_eq!(end.session.backlog(), before, "nothing was acknowledged");
    assert_eq!(end.session.pop_message(lab.now, &mut end.pool), None);
}

#[test]
fn frames_that_cannot_be_read_and_parts_that_lie_are_violations() {
    let mut lab = Lab::new(1, quiet(20));
    let end = &mut lab.ends[1];
    let done = end.session.handle_packet(lab.now, 0, &[200, 1], &mut end.pool);
    assert_eq!(done, Err(Violation::Malformed));
    lab.inject(1, &[part(0, 0, false, b"ab")]).unwrap();
    assert_eq!(
        lab.inject(2, &[part(0, 1, false, b"X")]),
        Err(Violation::Contradiction)
    );
}

#[test]
fn a_replayed_packet_changes_nothing() {
    let mut lab = Lab::new(1, quiet(20));
    lab.inject(0, &[part(0, 0, true, b"a"), Frame::PathChallenge { nonce: 1 }])
        .unwrap();
    let mut plain = Vec::new();
    encode_into(&Frame::PathChallenge { nonce: 1 }, &mut plain);
    let end = &mut lab.ends[1];
    let again = end
        .session
        .handle_packet(lab.now, 0, &plain, &mut end.pool)
        .unwrap();
    assert_eq!(again, Received::default());
}

#[test]
fn an_idle_session_holds_no_buffers() {
    let mut lab = Lab::new(
        5,
        Faults {
            loss_percent: 10,
            ..quiet(10)
        },
    );
    for number in 0..2_000 {
        lab.send(0, message(number, 100)).unwrap();
        lab.send(1, message(number, 100)).unwrap();
    }
    lab.run_until_got(1, 2_000, Duration::from_secs(100));
    lab.run(Duration::from_secs(20));
    for end in &lab.ends {
        let heap = end.session.heap_bytes();
        assert!(heap <= 64 * 16, "{heap} bytes on the heap");
    }
    assert!(size_of::<Session>() < 1_500, "{} bytes", size_of::<Session>());
}
