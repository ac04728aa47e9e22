//! Who gets how much of a link of 10 Mbit/s with 40 ms of round trip, over a minute.
//!
//! Beside a TCP CUBIC flow (`cubic.rs`), whoever was there first by some ten seconds, and beside another flow of ours.
//! Queues are as deep as the row says. Figures are Mbit/s of what was delivered, without headers; beside CUBIC in the
//! first minute and in the second, over several starts: two who push each other aside do it a little differently each
//! time.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cubic::Cubic;
use crate::flow::{Flow, Habit};
use crate::road::{Road, Weather};

const SPAN: Duration = Duration::from_secs(60);
const LEAD: Duration = Duration::from_secs(10);
const LEADS_MS: [u64; 3] = [8_000, 10_000, 12_900];
const SEGMENT_BYTES: usize = 1_448;

fn link(queue_ms: u64) -> Road {
    let weather = Weather {
        bits_per_second: Some(10_000_000),
        queue: Duration::from_millis(queue_ms),
        ..Weather::round_trip(40_000, 0)
    };
    Road::new(1, weather)
}

fn join(road: &mut Road, seed: u8) {
    let flow = Flow::new(road.now, seed, Habit::Greedy(1_000));
    road.ours.push(flow);
}

fn mbit_per_second(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap()) * 8.0 / SPAN.as_secs_f64() / 1e6
}

/// Ours and CUBIC's, in the first minute and in the second.
fn minutes_beside_cubic(queue_ms: u64, we_first: bool, lead: Duration) -> [(f64, f64); 2] {
    let mut road = link(queue_ms);
    if we_first {
        join(&mut road, 1);
        road.run(lead);
        road.cubic.push(Cubic::new());
    } else {
        road.cubic.push(Cubic::new());
        road.run(lead);
        join(&mut road, 1);
    }
    let came = |road: &Road| {
        let theirs = usize::try_from(road.cubic[0].delivered).unwrap();
        (road.ours[0].got_bytes, theirs * SEGMENT_BYTES)
    };
    [(); 2].map(|()| {
        let before = came(&road);
        road.run(SPAN);
        let after = came(&road);
        (
            mbit_per_second(after.0 - before.0),
            mbit_per_second(after.1 - before.1),
        )
    })
}

/// The same on average.
fn beside_cubic(queue_ms: u64, we_first: bool) -> [(f64, f64); 2] {
    let mut mean = [(0.0, 0.0); 2];
    for lead in LEADS_MS {
        let minutes = minutes_beside_cubic(queue_ms, we_first, Duration::from_millis(lead));
        for (mean, (ours, theirs)) in mean.iter_mut().zip(minutes) {
            mean.0 += ours / LEADS_MS.len() as f64;
            mean.1 += theirs / LEADS_MS.len() as f64;
        }
    }
    mean
}

/// The first of two of ours, and the second.
fn beside_ours(queue_ms: u64) -> (f64, f64) {
    let mut road = link(queue_ms);
    join(&mut road, 1);
    road.run(LEAD);
    join(&mut road, 2);
    let before = road.ours[0].got_bytes;
    road.run(SPAN);
    (
        mbit_per_second(road.ours[0].got_bytes - before),
        mbit_per_second(road.ours[1].got_bytes),
    )
}

/// The first one's part of all that went through.
fn share((ours, theirs): (f64, f64)) -> f64 {
    ours / (ours + theirs)
}

#[test]
fn a_full_link_is_shared() {
    let mut table = String::from(
        " queue | we first, CUBIC |  second minute  | we, CUBIC first |  second minute  | ours first, ours\n",
    );
    let fair = 1.0 / 3.0..2.0 / 3.0;
    for queue_ms in [20, 50, 100, 200] {
        let ([first, first_later], [second, second_later], two) = (
            beside_cubic(queue_ms, true),
            beside_cubic(queue_ms, false),
            beside_ours(queue_ms),
        );
        write!(table, "{queue_ms:>3} ms |").unwrap();
        for (ours, theirs) in [first, first_later, second, second_later, two] {
            write!(table, "     {ours:.2}  {theirs:.2}  |").unwrap();
        }
        table.push('\n');
        for shares in [first_later, second, second_later] {
            assert!(fair.contains(&share(shares)), "{table}");
        }
        // A queue of five times what the path holds is CUBIC's at first, if it finds us with little under way.
        assert!(queue_ms > 100 || fair.contains(&share(first)), "{table}");
        assert!((0.4..0.6).contains(&share(two)), "{table}");
    }
    println!("{table}");
    insta::assert_snapshot!(table);
}
