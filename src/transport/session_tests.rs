//! Two sessions back to back over a seeded network, on virtual time.
//!
//! Tests of what only the whole session can show: delivery under every fault, acknowledgement only of what is held,
//! windows, deadlines, silence, and what an idle session costs.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::clock::Instant;
use crate::limits::{
    MESSAGE_BYTES_MAX, SEND_BYTES_MAX, SESSION_IDLE, SESSION_MESSAGES_MAX, SESSION_SILENCE, WINDOW_BYTES_MAX,
};
use crate::transport::SendFault;
use crate::transport::session::{Control, Pool, Session, Violation};
use crate::wire::codec::Bounded;
use crate::wire::frame::{Ack, CloseCode, Frame, encode_into, frames};

const SPACE: usize = 1_160;

#[derive(Clone, Copy)]
struct Faults {
    delay: Duration,
    jitter: Duration,
    loss_percent: u64,
    duplicate_percent: u64,
}

const fn quiet(delay_ms: u64) -> Faults {
    Faults {
        delay: Duration::from_millis(delay_ms),
        jitter: Duration::ZERO,
        loss_percent: 0,
        duplicate_percent: 0,
    }
}

struct End {
    session: Session,
    pool: Pool,
    got: Vec<Vec<u8>>,
    takes: bool,
    violation: Option<Violation>,
    events: Vec<super::session::Received>,
}

struct Lab {
    now: Instant,
    ends: [End; 2],
    faults: Faults,
    cut: [bool; 2],
    rng: ChaCha8Rng,
    flying: BTreeMap<(Instant, u64), (usize, u64, Vec<u8>)>,
    sent: u64,
}

impl Lab {
    fn new(seed: u64, faults: Faults) -> Self {
        let now = Instant::from_micros(1_000_000);
        let end = || End {
            session: Session::new(now, Some((faults.delay * 2).max(Duration::from_micros(100)))),
            pool: Pool::default(),
            got: Vec::new(),
            takes: true,
            violation: None,
            events: Vec::new(),
        };
        Self {
            now,
            ends: [end(), end()],
            faults,
            cut: [false; 2],
            rng: ChaCha8Rng::seed_from_u64(seed),
            flying: BTreeMap::new(),
            sent: 0,
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.rng.next_u64() % 100 < percent
    }

    fn send(&mut self, from: usize, bytes: Vec<u8>) -> Result<(), SendFault> {
        let end = &mut self.ends[from];
        end.session.send(bytes, &mut end.pool)
    }

    fn fly(&mut self, to: usize, number: u64, plain: &[u8]) {
        let jitter = u64::try_from(self.faults.jitter.as_micros()).unwrap();
        let late = Duration::from_micros(if jitter == 0 {
            0
        } else {
            self.rng.next_u64() % jitter
        });
        self.flying.insert(
            (self.now + self.faults.delay + late, self.sent),
            (to, number, plain.to_vec()),
        );
        self.sent += 1;
    }

    fn drain(&mut self) {
        for from in 0..2 {
            let mut plain = Vec::new();
            let mut packets = 0;
            while let Some(number) = self.ends[from].session.poll_packet(self.now, SPACE, &mut plain) {
                assert!(plain.len() <= SPACE, "{} bytes", plain.len());
                packets += 1;
                assert!(packets < 10_000, "packets without end");
                if !self.cut[from] && !self.chance(self.faults.loss_percent) {
                    self.fly(1 - from, number, &plain);
                    if self.chance(self.faults.duplicate_percent) {
                        self.fly(1 - from, number, &plain);
                    }
                }
                plain.clear();
            }
            let end = &mut self.ends[from];
            while end.takes
                && let Some(message) = end.session.pop_message(self.now, &mut end.pool)
            {
                end.got.push(message);
            }
        }
        for from in 0..2 {
            // Credit given by taking may have to leave.
            let mut plain = Vec::new();
            while let Some(number) = self.ends[from].session.poll_packet(self.now, SPACE, &mut plain) {
                if !self.cut[from] && !self.chance(self.faults.loss_percent) {
                    self.fly(1 - from, number, &plain);
                }
                plain.clear();
            }
        }
    }

    /// Goes on to the next thing that happens, but not past `until`.
    fn step(&mut self, until: Instant) -> bool {
        self.drain();
        let arrival = self.flying.first_key_value().map(|(&(at, _), _)| at);
        let timers = self.ends.iter().map(|end| end.session.poll_timeout());
        let next = timers.chain([arrival]).flatten().min();
        let Some(next) = next.filter(|&next| next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next)
            && let Some((_, (to, number, plain))) = self.flying.pop_first()
        {
            let end = &mut self.ends[to];
            match end.session.handle_packet(self.now, number, &plain, &mut end.pool) {
                Ok(received) => end.events.push(received),
                Err(violation) => end.violation = Some(violation),
            }
        } else {
            for end in &mut self.ends {
                end.session.handle_timeout(self.now);
                let deadline = end.session.poll_timeout();
                assert!(
                    deadline.is_none_or(|at| at > self.now),
                    "a deadline does not move on"
                );
            }
        }
        self.drain();
        true
    }

    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// Runs until `to` has so many messages; returns how long it took.
    fn run_until_got(&mut self, to: usize, count: usize, span: Duration) -> Duration {
        let (begin, until) = (self.now, self.now + span);
        while self.ends[to].got.len() < count && self.step(until) {}
        assert_eq!(self.ends[to].got.len(), count, "not delivered within {span:?}");
        self.now.since(begin)
    }

    /// Hands plain frames to end 1 as if end 0 had sent them.
    fn inject(&mut self, number: u64, list: &[Frame<'_>]) -> Result<(), Violation> {
        let mut plain = Vec::new();
        list.iter().for_each(|frame| encode_into(frame, &mut plain));
        let end = &mut self.ends[1];
        let done = end.session.handle_packet(self.now, number, &plain, &mut end.pool);
        done.map(|_| ())
    }

    /// What end 1 sends now.
    fn frames_of(&mut self, from: usize) -> Vec<String> {
        let mut plain = Vec::new();
        let end = &mut self.ends[from];
        while end.session.poll_packet(self.now, SPACE, &mut plain).is_some() {}
        frames(&plain)
            .map(|frame| format!("{:?}", frame.unwrap()))
            .collect()
    }

    fn acked_by(&mut self, from: usize) -> Option<Vec<u64>> {
        let mut plain = Vec::new();
        let end = &mut self.ends[from];
        while end.session.poll_packet(self.now, SPACE, &mut plain).is_some() {}
        let acks = frames(&plain).filter_map(|frame| match frame.unwrap() {
            Frame::Ack(ack) => Some(ack.ranges().flatten().collect()),
            _ => None,
        });
        acks.last()
    }
}

fn message(number: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| u8::try_from((number * 131 + at * 7) % 256).unwrap())
        .collect()
}

fn part(message: u64, offset: u32, last: bool, bytes: &[u8]) -> Frame<'_> {
    Frame::Part {
        message,
        offset,
        last,
        bytes,
    }
}

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
    assert_eq!(lab.ends[0].session.stats().probes, 0);
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
fn a_packet_with_a_part_that_is_not_held_stays_fresh_and_unacknowledged() {
    let mut lab = Lab::new(1, quiet(50));
    let far = SESSION_MESSAGES_MAX + 5;
    lab.inject(0, &[part(0, 0, true, b"a"), part(far, 0, true, b"b")])
        .unwrap();
    assert!(lab.ends[1].session.is_fresh(0));
    assert_eq!(lab.acked_by(1), None, "nothing was held yet");
    lab.inject(1, &[Frame::Ping]).unwrap();
    lab.inject(2, &[Frame::Ping]).unwrap();
    assert_eq!(lab.acked_by(1), Some(vec![1, 2]));
    lab.inject(0, &[part(0, 0, true, b"a")]).unwrap();
    assert_eq!(lab.acked_by(1), Some(vec![0, 1, 2]));
}

#[test]
fn with_the_pool_exhausted_the_lowest_message_still_arrives_and_others_wait() {
    let mut lab = Lab::new(1, quiet(50));
    lab.ends[1].pool = Pool::new(0, 0);
    lab.inject(0, &[part(1, 0, false, &[1; 1_000])]).unwrap();
    for number in 1..60u32 {
        lab.inject(
            u64::from(number),
            &[part(0, (number - 1) * 1_000, number == 59, &[2; 1_000])],
        )
        .unwrap();
    }
    lab.inject(60, &[part(2, 0, false, &[3; 1_000])]).unwrap();
    assert!(!lab.ends[1].session.is_fresh(59) && lab.ends[1].session.is_fresh(60));
    let end = &mut lab.ends[1];
    let got = end.session.pop_message(lab.now, &mut end.pool).unwrap();
    assert_eq!(got, vec![2; 59_000]);
    lab.frames_of(1);
    lab.inject(60, &[part(2, 0, false, &[3; 1_000])]).unwrap();
    assert!(!lab.ends[1].session.is_fresh(60), "taken: room again");
}

#[test]
fn an_application_that_takes_nothing_is_sent_one_window_and_no_more() {
    let mut lab = Lab::new(1, quiet(20));
    lab.ends[1].takes = false;
    for number in 0..1_000 {
        lab.send(0, message(number, 100)).unwrap();
    }
    lab.run(Duration::from_secs(20));
    assert!(lab.sent < 20, "{} packets for a window of 4 KiB", lab.sent);
    lab.ends[1].takes = true;
    lab.run_until_got(1, 1_000, Duration::from_secs(2));
}

#[test]
fn a_lost_window_is_told_again() {
    let mut lab = Lab::new(1, quiet(20));
    lab.ends[1].takes = false;
    for number in 0..100 {
        lab.send(0, message(number, 100)).unwrap();
    }
    lab.run(Duration::from_secs(2));
    lab.cut[1] = true;
    lab.ends[1].takes = true;
    lab.run(Duration::from_secs(3));
    assert_eq!(lab.ends[1].got.len(), 40);
    lab.cut[1] = false;
    lab.run_until_got(1, 100, Duration::from_secs(4));
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
    assert_eq!(lab.ends[0].session.room(&lab.ends[0].pool), SEND_BYTES_MAX - 64);
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
fn the_pools_get_everything_back() {
    let whole = Pool::default();
    let mut lab = Lab::new(
        7,
        Faults {
            loss_percent: 20,
            ..quiet(30)
        },
    );
    for number in 0..200 {
        lab.send(0, message(number, number * 37)).unwrap();
    }
    lab.run_until_got(1, 200, Duration::from_secs(300));
    lab.run(Duration::from_secs(20));
    for end in &lab.ends {
        assert_eq!(end.pool.sending.left(), whole.sending.left());
        assert_eq!(end.pool.reassembly.left(), whole.reassembly.left());
    }
    lab.send(0, message(0, 60_000)).unwrap();
    lab.run(Duration::from_millis(70));
    for end in &mut lab.ends {
        end.session.release(&mut end.pool);
        assert_eq!(end.pool.sending.left(), whole.sending.left());
        assert_eq!(end.pool.reassembly.left(), whole.reassembly.left());
    }
}

#[test]
fn the_window_grows_to_its_bound_while_messages_are_taken() {
    let mut lab = Lab::new(1, quiet(20));
    for _ in 0..2_000 {
        while lab.send(0, message(0, 10_000)).is_ok() {}
        lab.run(Duration::from_millis(1));
    }
    let stats = lab.ends[0].session.stats();
    let rate = stats.bytes_sent / 2;
    assert!(rate > WINDOW_BYTES_MAX * 10, "{rate} bytes a second at 40 ms");
    assert_eq!(stats.packets_lost, 0);
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
    assert_eq!(again, super::session::Received::default());
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
    assert!(lab.ends[0].session.stats().packets_sent < 30, "backed off");
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

#[test]
fn a_new_path_forgets_the_old_ones_round_trip() {
    let mut lab = Lab::new(1, quiet(400));
    lab.send(0, message(0, 100)).unwrap();
    lab.run(Duration::from_secs(3));
    lab.ends[0].session.on_path_change(lab.now);
    assert!(lab.ends[0].session.probe_timeout() >= Duration::from_millis(999));
    lab.faults.delay = Duration::from_millis(5);
    for number in 1..20 {
        lab.send(0, message(number, 100)).unwrap();
        lab.run(Duration::from_millis(100));
    }
    assert!(lab.ends[0].session.probe_timeout() < Duration::from_millis(100));
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
