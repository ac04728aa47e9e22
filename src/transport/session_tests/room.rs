//! Who may hold how much of what has come: what is charged, what is kept back, and who can finish.
//!
//! Sessions in the lab, or several that share a pool.
//! Invariant: what the pool has given is what the sessions owe it, after each packet.

use std::time::Duration;

use proptest::prelude::*;

use super::lab::*;
use crate::clock::Instant;
use crate::limits::REASSEMBLY_FREE_BYTES;
use crate::transport::session::{Pool, Session};
use crate::wire::frame::{Frame, encode_into};

const POOL_BYTES: usize = 400_000;
const QUARTER: usize = POOL_BYTES / 4;

/// Sessions that share a pool.
struct Shared {
    sessions: Vec<Session>,
    pool: Pool,
    packets: u64,
}

impl Shared {
    fn new(sessions: usize) -> Self {
        Self {
            sessions: (0..sessions).map(|_| Session::new(Instant::ZERO, None)).collect(),
            pool: Pool::new(POOL_BYTES, 0),
            packets: 0,
        }
    }

    /// One of them gets a packet with one frame.
    fn give(&mut self, to: usize, frame: &Frame<'_>) {
        let mut plain = Vec::new();
        encode_into(frame, &mut plain);
        let (number, session) = (self.packets, &mut self.sessions[to]);
        self.packets += 1;
        session
            .handle_packet(Instant::ZERO, number, &plain, &mut self.pool)
            .unwrap();
    }

    fn take(&mut self, from: usize) -> Option<Vec<u8>> {
        self.sessions[from].pop_message(Instant::ZERO, &mut self.pool)
    }

    /// Uses the pool up to that many bytes.
    fn leave(&mut self, bytes: usize) {
        let surplus = self.pool.reassembly.left() - bytes;
        assert_eq!(self.pool.reassembly.take(surplus), surplus);
    }
}

#[test]
fn with_the_pool_nearly_used_up_the_lowest_message_still_arrives_and_others_wait() {
    let mut lab = Lab::new(1, quiet(50));
    lab.ends[1].pool = Pool::new(280_000, 0);
    lab.ends[1].pool.reassembly.take(210_000);
    lab.inject(0, &[part(1, 0, false, &[1; 1_000])]).unwrap();
    for number in 1..60u32 {
        lab.inject(
            u64::from(number),
            &[part(0, (number - 1) * 1_000, number == 59, &[2; 1_000])],
        )
        .unwrap();
    }
    lab.inject(60, &[part(2, 0, false, &[3; 1_000])]).unwrap();
    assert_eq!(lab.acked_by(1), Some((0..60).collect()));
    let end = &mut lab.ends[1];
    let got = end.session.pop_message(lab.now, &mut end.pool).unwrap();
    assert_eq!(got, vec![2; 59_000]);
    lab.frames_of(1);
    lab.inject(61, &[part(2, 0, false, &[3; 1_000])]).unwrap();
    lab.inject(62, &[Frame::Ping]).unwrap();
    let acked = lab.acked_by(1).unwrap();
    assert!(acked.contains(&61) && !acked.contains(&60), "taken: room again");
}

#[test]
fn more_messages_than_the_pool_holds_all_arrive_in_turn() {
    let now = Instant::from_micros(1_000_000);
    let mut pool = Pool::new(400_000, 0);
    let mut senders: Vec<_> = (0..20).map(|_| (Session::new(now, None), 0u32)).collect();
    let (mut arrived, mut rounds) = (0, 0);
    while arrived < senders.len() {
        for (session, next) in senders.iter_mut().filter(|(_, next)| *next < 60) {
            let before = session.incoming.held();
            let mut plain = Vec::new();
            encode_into(&part(0, *next * 1_000, *next == 59, &[1; 1_000]), &mut plain);
            session.handle_packet(now, rounds, &plain, &mut pool).unwrap();
            let is_whole = session.pop_message(now, &mut pool).is_some();
            arrived += usize::from(is_whole);
            *next += u32::from(is_whole || session.incoming.held() > before);
        }
        rounds += 1;
        assert!(rounds < 2_000, "nobody can finish");
    }
    assert_eq!(pool.reassembly.left(), 400_000);
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
fn what_a_message_costs_beside_its_bytes_is_asked_for_too() {
    for (last, spare) in [(false, 1_500), (true, 1_100)] {
        let mut shared = Shared::new(1);
        // Two that are not the lowest use up the free share.
        for message in [8, 9] {
            shared.give(0, &part(message, 0, false, &[0; 1_160]));
        }
        assert!(shared.sessions[0].reserved_incoming > 0);
        shared.leave(QUARTER + spare);
        shared.give(0, &part(7, 0, last, &[0; 1_000]));
        assert_eq!(
            shared.pool.reassembly.left(),
            QUARTER + spare,
            "no room for all of it"
        );
        shared.give(0, &part(7, 0, last, &[0; 450]));
        assert!(shared.pool.reassembly.left() >= QUARTER);
    }
}

#[test]
fn of_the_last_quarter_the_lowest_message_takes_at_once_what_it_may_need() {
    let mut shared = Shared::new(1);
    shared.leave(QUARTER + 1_000);
    for at in 0..4 {
        shared.give(0, &part(0, at * 1_100, false, &[0; 1_100]));
    }
    let session = &shared.sessions[0];
    assert_eq!(session.incoming.held(), 4_400);
    assert_eq!(session.turn, Some(0), "{} left", shared.pool.reassembly.left());
}

#[test]
fn many_small_pieces_are_no_reason_to_take_a_turn() {
    let mut shared = Shared::new(1);
    for at in 0..200 {
        shared.give(0, &part(0, at * 2, false, b"x"));
    }
    assert_eq!(shared.sessions[0].turn, None);
    assert_eq!(shared.pool.reassembly.left(), POOL_BYTES);
}

proptest! {
    #[test]
    fn what_is_held_is_charged_and_the_last_quarter_is_for_those_who_can_finish(
        left in QUARTER..QUARTER + 40_000,
        pieces in prop::collection::vec((0usize..3, 0u64..6, 0u32..60, 1u32..4, any::<bool>()), 1..300),
    ) {
        let mut shared = Shared::new(3);
        shared.leave(left);
        for (to, message, at, blocks, takes) in pieces {
            // The lower its number, the longer is a message: up to 60 blocks.
            let end = 60 / (1 + u32::try_from(message).unwrap());
            let at = at % end;
            let blocks = blocks.min(end - at);
            let bytes = vec![7; blocks as usize * 380];
            let (before, lowest) = (shared.pool.reassembly.left(), shared.sessions[to].incoming.lowest());
            shared.give(to, &part(message, at * 380, at + blocks == end, &bytes));
            let (after, session) = (shared.pool.reassembly.left(), &shared.sessions[to]);
            prop_assert!(session.incoming.cost() <= REASSEMBLY_FREE_BYTES + session.reserved_incoming);
            if after < before && after < QUARTER {
                prop_assert!(session.turn.is_some() || session.incoming.lowest() > lowest);
            }
            let charged: usize = shared.sessions.iter().map(|session| session.reserved_incoming).sum();
            prop_assert_eq!(after + charged, left);
            while takes && shared.take(to).is_some() {}
        }
        for session in &mut shared.sessions {
            session.release(&mut shared.pool);
        }
        prop_assert_eq!(shared.pool.reassembly.left(), left);
    }
}
