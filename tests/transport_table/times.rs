//! The table of times and datagrams over round trips and losses.
//!
//! Each datagram is lost with the row's chance, each way. The sessions are opened without loss. Columns:
//! - lone: 200 messages of 100 bytes, each sent when all is quiet; the median and the 99th percentile of the time
//!   to the other side's application, and datagrams both ways for each message;
//! - thousand: 1,000 such messages given at once; the median of some seeds to the last one's arrival;
//! - 64 KiB: one message of that size, likewise.

use std::fmt::Write as _;
use std::time::Duration;

use crate::flow::Habit;
use crate::road::{Road, Weather};
use crate::{at_percent, per};

const LOSSES_PERCENT: [u64; 6] = [0, 1, 5, 10, 30, 50];
const ROUND_TRIPS_MS: [u64; 4] = [1, 50, 300, 800];
const LONE_MESSAGES: usize = 200;
const SEEDS: u64 = 5;

fn lone(round_trip_ms: u64, loss_percent: u64) -> (f64, f64, f64) {
    let weather = Weather::round_trip(round_trip_ms * 1_000, loss_percent);
    let mut road = Road::with_session(1, weather, Habit::None);
    let mut times: Vec<_> = (0..LONE_MESSAGES)
        .map(|sent| {
            let now = road.now;
            road.ours[0].send(now, 100);
            let time = road.wait_for(1, sent + 1);
            road.run(Duration::from_secs(10));
            time
        })
        .collect();
    (
        at_percent(&mut times, 50),
        at_percent(&mut times, 99),
        per(road.ours[0].sent(), LONE_MESSAGES),
    )
}

fn many(round_trip_ms: u64, loss_percent: u64, count: usize, len: usize) -> (f64, f64) {
    let mut datagrams = 0;
    let mut times: Vec<_> = (0..SEEDS)
        .map(|seed| {
            let weather = Weather::round_trip(round_trip_ms * 1_000, loss_percent);
            let mut road = Road::with_session(seed, weather, Habit::None);
            let now = road.now;
            (0..count).for_each(|_| road.ours[0].send(now, len));
            let time = road.wait_for(1, count);
            road.settle();
            datagrams += road.ours[0].sent();
            time
        })
        .collect();
    let runs = usize::try_from(SEEDS).unwrap();
    (at_percent(&mut times, 50), per(datagrams, count * runs))
}

#[test]
fn the_table_of_times_and_datagrams_is_as_reviewed() {
    let mut table = String::from(
        "round trip  loss |    lone p50        p99  datagrams |    thousand  datagrams |      64 KiB  datagrams\n",
    );
    for round_trip_ms in ROUND_TRIPS_MS {
        for loss_percent in LOSSES_PERCENT {
            let (p50, p99, lone_datagrams) = lone(round_trip_ms, loss_percent);
            let (thousand, thousand_datagrams) = many(round_trip_ms, loss_percent, 1_000, 100);
            let (large, large_datagrams) = many(round_trip_ms, loss_percent, 1, 64 * 1024);
            writeln!(
                table,
                "{round_trip_ms:>7} ms {loss_percent:>3} % | {p50:>8.1} ms {p99:>7.1} ms {lone_datagrams:>10.2} | \
                 {thousand:>8.0} ms {thousand_datagrams:>10.3} | {large:>8.0} ms {large_datagrams:>10.1}"
            )
            .unwrap();
        }
    }
    println!("{table}");
    insta::assert_snapshot!(table);
}
