//! That messages arrive, once, on every network; and that silence and idleness are noticed.
//!
//! Whole sessions in the lab; the parts have their own tests.
//! Invariant: a test says what a user of the session would notice.

use std::time::Duration;

use proptest::prelude::*;

use super::lab::*;
use crate::limits::{MESSAGE_BYTES_MAX, SESSION_IDLE, SESSION_SILENCE};
use crate::transport::SendFault;
use crate::transport::session::Control;
use crate::wire::frame::{CloseCode, Frame, PART_OVERHEAD_MAX, frames};

#[test]
fn a_lone_message_takes_half_a_round_trip_and_one_packet_each_way() {
    let mut lab = Lab::new(1, quiet(50));
    lab.send(0, message(0, 100)).unwrap();
    assert_eq!(
        lab.run_until_got(1, 1, Duration::from_secs(1)),
        Duration::from_millis(50)
    );
    lab.run(Duration::from_secs(5));
    assert_eq!(lab.sent, 2, "the message and its acknowledgement");
    assert_eq!(lab.ends[1].got, [message(0, 100)]);
    assert_eq!(lab.ends[0].session.stats().counts.probes, 0);
}

#[test]
fn small_messages_share_a_packet() {
    let mut lab = Lab::new(1, quiet(50));
    for number in 0..10 {
        lab.send(0, message(number, 100)).unwrap();
    }
    lab.drain();
    assert_eq!(lab.sent, 1);
}

#[test]
fn a_message_of_the_largest_size_arrives_and_a_larger_one_is_refused() {
    let mut lab = Lab::new(1, quiet(50));
    lab.send(0, message(3, MESSAGE_BYTES_MAX)).unwrap();
    assert_eq!(
        lab.send(0, message(3, MESSAGE_BYTES_MAX + 1)),
        Err(SendFault::TooLarge)
    );
    lab.run_until_got(1, 1, Duration::from_secs(2));
    assert_eq!(lab.ends[1].got, [message(3, MESSAGE_BYTES_MAX)]);
}

#[test]
fn control_frames_reach_the_endpoint() {
    let mut lab = Lab::new(1, quiet(20));
    for control in [
        Control::Ping,
        Control::PathChallenge(7),
        Control::PathResponse(8),
        Control::Close(CloseCode::Done),
    ] {
        lab.ends[0].session.queue_control(control);
    }
    lab.run(Duration::from_millis(30));
    let got = lab.ends[1].events[0];
    assert_eq!(
        (
            got.path_challenge,
            got.path_response,
            got.close,
            got.ack_eliciting
        ),
        (Some(7), Some(8), Some(CloseCode::Done), true)
    );
}

#[test]
fn a_control_packet_holds_nothing_else() {
    let mut lab = Lab::new(1, quiet(20));
    lab.send(0, message(0, 100)).unwrap();
    let mut plain = Vec::new();
    let session = &mut lab.ends[0].session;
    assert_eq!(
        session.control_packet(lab.now, Control::PathChallenge(9), &mut plain),
        0
    );
    let list: Vec<_> = frames(&plain).map(Result::unwrap).collect();
    assert_eq!(list, [Frame::PathChallenge { nonce: 9 }]);
}

#[test]
fn the_first_flight_is_packet_zero_and_its_loss_is_mended() {
    let mut lab = Lab::new(1, quiet(20));
    lab.send(0, message(0, 100)).unwrap();
    let mut plain = Vec::new();
    let number = lab.ends[0].session.first_flight(lab.now, SPACE, &mut plain);
    assert_eq!(number, 0);
    lab.run_until_got(1, 1, Duration::from_secs(1));
    let again = lab.ends[1]
        .session
        .handle_packet(lab.now, 0, &plain, &mut lab.ends[1].pool);
    assert!(again.is_ok());
    lab.run(Duration::from_secs(2));
    assert_eq!(lab.ends[1].got.len(), 1, "once, although both came");
}

#[test]
fn what_is_asked_and_never_answered_makes_a_session_silent() {
    let mut lab = Lab::new(1, quiet(20));
    lab.run(SESSION_SILENCE * 2);
    assert!(!lab.ends[0].session.is_silent(lab.now), "nothing was asked");
    lab.cut = [true; 2];
    lab.send(0, message(0, 100)).unwrap();
    lab.run(SESSION_SILENCE - Duration::from_millis(1));
    assert!(!lab.ends[0].session.is_silent(lab.now));
    lab.run(Duration::from_millis(1));
    assert!(lab.ends[0].session.is_silent(lab.now));
    assert!(lab.ends[0].session.stats().counts.packets_sent < 80, "backed off");
    lab.cut = [false; 2];
    lab.run(Duration::from_secs(4));
    assert!(!lab.ends[0].session.is_silent(lab.now) && lab.ends[1].got.len() == 1);
}

#[test]
fn an_idle_session_is_noticed_once_and_costs_no_timers_afterwards() {
    let mut lab = Lab::new(1, quiet(20));
    lab.send(0, message(0, 100)).unwrap();
    lab.run(SESSION_IDLE);
    assert!(!lab.ends[0].session.is_idle(lab.now));
    lab.run(Duration::from_secs(1));
    for end in &lab.ends {
        assert!(end.session.is_idle(lab.now));
        assert_eq!(end.session.poll_timeout(), None);
    }
}

#[test]
fn a_new_path_forgets_the_old_ones_round_trip() {
    let mut lab = Lab::new(1, quiet(400));
    lab.send(0, message(0, 100)).unwrap();
    lab.run(Duration::from_secs(3));
    lab.ends[0].session.on_path_change(lab.now, None);
    assert!(lab.ends[0].session.probe_timeout() >= Duration::from_millis(999));
    lab.faults.delay = Duration::from_millis(5);
    for number in 1..20 {
        lab.send(0, message(number, 100)).unwrap();
        lab.run(Duration::from_millis(100));
    }
    assert!(lab.ends[0].session.probe_timeout() < Duration::from_millis(100));
}

#[test]
fn a_jittery_network_that_loses_nothing_is_not_taken_for_a_congested_one() {
    let faults = Faults {
        jitter: Duration::from_millis(20),
        ..quiet(20)
    };
    let mut lab = Lab::new(1, faults);
    for number in 0..2_000 {
        lab.send(0, message(number, 300)).unwrap();
    }
    lab.run_until_got(1, 2_000, Duration::from_millis(1_500));
    let stats = lab.ends[0].session.stats();
    assert!(stats.counts.spurious_losses < 50, "{stats:?}");
}

#[test]
fn a_long_gap_in_the_network_is_survived() {
    let mut lab = Lab::new(3, quiet(20));
    for number in 0..500 {
        lab.send(0, message(number, 1_000)).unwrap();
    }
    lab.run(Duration::from_millis(100));
    lab.cut = [true; 2];
    lab.run(Duration::from_secs(20));
    lab.cut = [false; 2];
    lab.run_until_got(1, 500, Duration::from_secs(10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_message_arrives_once_and_unchanged(
        seed in 0u64..1_000_000,
        loss_percent in 0u64..50,
        duplicate_percent in 0u64..30,
        delay_ms in 0u64..200,
        jitter_ms in 0u64..200,
        lens in prop::collection::vec(prop_oneof![0usize..300, 0usize..20_000], 1..60),
    ) {
        let mut lab = Lab::new(seed, Faults {
            delay: Duration::from_millis(delay_ms),
            jitter: Duration::from_millis(jitter_ms),
            loss_percent,
            duplicate_percent,
        });
        for (number, &len) in lens.iter().enumerate() {
            lab.send(0, message(number, len)).unwrap();
            if number % 3 == 0 {
                lab.send(1, message(number, len / 2)).unwrap();
            }
            lab.run(Duration::from_millis(seed % 7));
        }
        lab.run_until_got(1, lens.len(), Duration::from_secs(600));
        lab.run(Duration::from_secs(40));
        let mut expected: Vec<_> = lens.iter().enumerate().map(|(number, &len)| message(number, len)).collect();
        expected.sort();
        lab.ends[1].got.sort();
        prop_assert_eq!(&lab.ends[1].got, &expected);
        prop_assert_eq!(lab.ends[0].got.len(), lens.len().div_ceil(3));
        prop_assert!(lab.ends.iter().all(|end| end.violation.is_none()));
    }
}

#[test]
fn what_is_sent_again_is_counted_apart_from_copies() {
    let mut lab = Lab::new(1, quiet(20));
    lab.cut = [true; 2];
    lab.send(0, message(0, 100)).unwrap();
    lab.run(Duration::from_millis(1));
    lab.cut = [false; 2];
    lab.run(Duration::from_secs(5));
    let [ours, theirs] = lab.ends.each_ref().map(|end| end.session.stats());
    assert_eq!(
        (ours.counts.probes, ours.counts.retransmitted),
        (1, 2),
        "{ours:?}"
    );
    assert_eq!(
        (
            ours.counts.copies,
            ours.counts.packets_lost,
            ours.counts.spurious_losses
        ),
        (0, 1, 0),
        "{ours:?}"
    );
    assert_eq!(ours.counts.packets_sent, theirs.counts.packets_received + 1);
    assert_eq!(theirs.counts.bytes_sent, ours.counts.bytes_received);
    assert_eq!(theirs.counts.retransmitted, 0);
}

#[test]
fn copies_are_made_only_where_the_path_loses() {
    let lone = |loss_percent| {
        let faults = Faults {
            loss_percent,
            ..quiet(20)
        };
        let mut lab = Lab::new(1, faults);
        for number in 0..200 {
            lab.send(0, message(number, 100)).unwrap();
            lab.run(Duration::from_secs(2));
        }
        lab.ends[0].session.stats()
    };
    let calm = lone(0);
    assert_eq!(
        (calm.counts.copies, calm.counts.retransmitted),
        (0, 0),
        "{calm:?}"
    );
    assert_eq!((calm.path_loss, calm.rtt), (0, Duration::from_millis(40)));
    let rough = lone(20);
    assert!(rough.counts.copies > 100, "{rough:?}");
    assert!((100..300).contains(&rough.path_loss), "{rough:?}");
}

/// Packets with a message of this length that leave on a path that is thought to lose 40 %, and loses nothing of it; the
/// other side has something to be acknowledged as well.
fn packets_for(len: usize) -> u64 {
    let mut lab = once_lossy();
    lab.send(1, message(0, 100)).unwrap();
    lab.run(Duration::from_secs(2));
    let before = lab.ends[0].session.stats().counts;
    lab.send(0, message(100, len)).unwrap();
    lab.run(Duration::from_secs(2));
    let after = lab.ends[0].session.stats().counts;
    assert_eq!(
        after.retransmitted, before.retransmitted,
        "nothing of {len} bytes was lost"
    );
    after.packets_sent - before.packets_sent
}

#[test]
fn a_lone_message_of_any_length_leaves_at_most_four_times() {
    for len in [100, 800, 1_000]
        .into_iter()
        .chain(1_100..SPACE - PART_OVERHEAD_MAX)
    {
        assert_eq!(packets_for(len), 4, "{len} bytes");
    }
}
