//! What counts as lost and when it is asked, one Ack at a time.
//!
//! Whole sessions are in `session_tests/`. The round trip is 100 ms throughout.

use super::*;

const fn at(ms: u64) -> Instant {
    Instant::from_micros(ms * 1_000)
}

fn rtt(ms: u64) -> Rtt {
    Rtt::new(Some(Duration::from_millis(ms)))
}

fn sent(times: &[u64]) -> Recovery<u64> {
    let mut recovery = Recovery::new();
    for (number, &ms) in (0..).zip(times) {
        recovery.on_sent(at(ms), number, 1_000, true, number, &rtt(100));
    }
    recovery
}

fn ack(recovery: &mut Recovery<u64>, ms: u64, range: RangeInclusive<u64>) -> (Vec<u64>, AckNews, Vec<u64>) {
    let (mut acked, mut late) = (Vec::new(), Vec::new());
    let told = recovery.on_ack(
        at(ms),
        std::iter::once(range),
        &rtt(100),
        |&content, how| match how {
            Acked::UnderWay(_) => acked.push(content),
            Acked::Late | Acked::OldPath => late.push(content),
        },
    );
    (acked, told, late)
}

fn lost(recovery: &mut Recovery<u64>, ms: u64) -> (Vec<u64>, Option<Losses>) {
    let mut lost = Vec::new();
    let losses = recovery.detect_losses(at(ms), &rtt(100), |packet| lost.push(packet.content));
    (lost, losses)
}

#[test]
fn a_packet_overtaken_by_three_is_lost() {
    let mut recovery = sent(&[0, 0, 0, 0, 0]);
    let (acked, told, _) = ack(&mut recovery, 50, 3..=3);
    assert_eq!((acked, told.sample), (vec![3], Some(Duration::from_millis(50))));
    assert_eq!(lost(&mut recovery, 50).0, [0]);
    assert_eq!(recovery.in_flight(), 3_000);
}

#[test]
fn a_packet_overtaken_by_one_is_lost_after_nine_eighths_of_a_round_trip() {
    let mut recovery = sent(&[0, 10]);
    ack(&mut recovery, 60, 1..=1);
    assert!(lost(&mut recovery, 60).0.is_empty());
    assert_eq!(recovery.deadline(), Some(Instant::from_micros(112_500)));
    assert_eq!(recovery.handle_timeout(at(112), &rtt(100)), None);
    assert_eq!(recovery.handle_timeout(at(113), &rtt(100)), Some(Due::Loss));
    assert_eq!(lost(&mut recovery, 113).0, [0]);
    assert_eq!(recovery.deadline(), None);
}

#[test]
fn probes_back_off_by_two_up_to_a_second_and_start_over_with_an_answer() {
    let mut recovery = sent(&[0]);
    // 100 + 4 · 50 + 25
    let mut expected = Duration::from_millis(325);
    let mut now = at(0);
    for _ in 1..12 {
        assert_eq!(recovery.deadline(), Some(now + expected));
        now = now + expected;
        assert_eq!(recovery.handle_timeout(now, &rtt(100)), Some(Due::Probe));
        expected = (expected * 2).min(Duration::from_secs(1));
    }
    recovery.on_sent(now, 1, 1_000, true, 1, &rtt(100));
    ack(&mut recovery, 20_000, 0..=0);
    lost(&mut recovery, 20_000);
    assert_eq!(recovery.deadline(), Some(at(20_325)));
}

#[test]
fn everything_lost_for_three_probe_timeouts_is_persistent_congestion() {
    let mut recovery = sent(&[0, 400, 976, 1_000, 1_010, 1_020]);
    ack(&mut recovery, 1_100, 5..=5);
    let (numbers, losses) = lost(&mut recovery, 1_100);
    assert_eq!(numbers, [0, 1, 2], "3 · 325 ms < 976 ms");
    assert!(losses.unwrap().persistent);
    let mut recovery = sent(&[0, 400, 976, 1_000, 1_010, 1_020]);
    ack(&mut recovery, 500, 1..=1);
    ack(&mut recovery, 1_100, 5..=5);
    assert!(
        !lost(&mut recovery, 1_100).1.unwrap().persistent,
        "one of them arrived"
    );
}

#[test]
fn a_late_acknowledgement_counts_and_teaches_patience() {
    let mut recovery = sent(&[0; 20]);
    ack(&mut recovery, 50, 5..=5);
    assert_eq!(lost(&mut recovery, 50).0, [0, 1, 2]);
    let (acked, told, late) = ack(&mut recovery, 55, 0..=5);
    assert_eq!((acked, late, told.spurious), (vec![3, 4], vec![0, 1, 2], 3));
    ack(&mut recovery, 60, 11..=11);
    assert_eq!(
        lost(&mut recovery, 60).0,
        Vec::<u64>::new(),
        "6 was overtaken by five only"
    );
    ack(&mut recovery, 61, 12..=12);
    assert_eq!(lost(&mut recovery, 61).0, [6]);
}

#[test]
fn a_packet_that_came_late_makes_the_time_threshold_patient() {
    let mut recovery = sent(&[0, 10]);
    ack(&mut recovery, 110, 1..=1);
    assert_eq!(lost(&mut recovery, 113).0, [0]);
    ack(&mut recovery, 133, 0..=0);
    for number in 2..4 {
        recovery.on_sent(at(200), number, 1_000, true, number, &rtt(100));
    }
    ack(&mut recovery, 300, 3..=3);
    assert_eq!(
        lost(&mut recovery, 332).0,
        Vec::<u64>::new(),
        "20.5 ms later than 112.5 ms"
    );
    assert_eq!(lost(&mut recovery, 333).0, [2]);
}

#[test]
fn what_went_the_old_way_is_under_way_no_more_and_teaches_nothing() {
    let mut recovery = sent(&[0; 20]);
    let mut left_behind = Vec::new();
    recovery.on_path_change(at(50), |&content| left_behind.push(content));
    assert_eq!(left_behind, (0..20).collect::<Vec<_>>());
    assert_eq!((recovery.in_flight(), recovery.deadline()), (0, None));
    for number in 20..30 {
        recovery.on_sent(at(50), number, 1_000, true, number, &rtt(100));
    }
    let told = recovery.on_ack(
        at(90),
        [22..=22, 0..=9].into_iter(),
        &rtt(100),
        |&content, how| {
            let expected = if content < 20 {
                Acked::OldPath
            } else {
                Acked::UnderWay(1_000)
            };
            assert_eq!(how, expected, "{content}");
        },
    );
    assert_eq!(told.spurious, 0);
    assert!(lost(&mut recovery, 90).0.is_empty());
    ack(&mut recovery, 91, 23..=23);
    assert_eq!(lost(&mut recovery, 91).0, [20], "overtaken by three, as ever");
}

#[test]
fn a_packet_repeated_as_it_was_tells_no_round_trip() {
    let mut recovery = Recovery::new();
    recovery.on_sent(at(0), 0, 100, false, 0, &rtt(100));
    let (acked, told, _) = ack(&mut recovery, 900, 0..=0);
    assert_eq!((acked, told.sample), (vec![0], None));
}

#[test]
fn paths_that_change_without_end_leave_little_behind() {
    let mut recovery = Recovery::new();
    for number in 0..10_000 {
        recovery.on_sent(at(number), number, 1_000, true, number, &rtt(100));
        if number % 10 == 9 {
            recovery.on_path_change(at(number), |_| ());
        }
    }
    assert_eq!(recovery.heap_bytes(), REMEMBERED_MAX * size_of::<Forgone<u64>>());
    assert_eq!((recovery.in_flight(), recovery.len()), (0, 0));
}
