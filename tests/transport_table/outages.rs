//! What comes after a silence of the whole path: how soon the sender goes on.
//!
//! The link has the row's rate, with 100 ms there and back. The sender learns it from 100 messages of 1,000 bytes, given at
//! once, and from a minute of lone ones. Then nothing goes through for 25 s, less than ends a session, and a message of 20,000
//! bytes waits. Columns: how long the sender is still at most when the path is back, and when the message has arrived.

use std::fmt::Write as _;
use std::time::Duration;

use crate::flow::Habit;
use crate::road::{Road, Weather};

const OUTAGE: Duration = Duration::from_secs(25);
const BULK: usize = 100;
/// Nothing is that slow.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(10);
/// The slowest pace there is, a datagram in three seconds (PROTOCOL §7.6).
const STILL_MAX: Duration = Duration::from_secs(3);

/// How long the sender is still at most after the outage, and when the message has arrived.
fn after_outage(bits_per_second: u64) -> (Duration, Duration) {
    let weather = Weather {
        bits_per_second: Some(bits_per_second),
        queue: Duration::from_secs(2),
        ..Weather::round_trip(100_000, 0)
    };
    let mut road = Road::with_session(1, weather, Habit::None);
    let now = road.now;
    (0..BULK).for_each(|_| road.ours[0].send(now, 1_000));
    road.wait_for(1, BULK);
    for _ in 0..30 {
        let now = road.now;
        road.ours[0].send(now, 100);
        road.run(Duration::from_secs(2));
    }
    road.weather.loss_percent = 100;
    let now = road.now;
    road.ours[0].send(now, 20_000);
    road.run(OUTAGE);
    road.weather.loss_percent = 0;
    let (back, wanted) = (road.now, road.ours[0].got[1] + 1);
    let (mut sent, mut spoke_at, mut still) = (road.ours[0].sent_by[0], back, Duration::ZERO);
    while road.ours[0].got[1] < wanted {
        road.run(LOOK);
        assert!(road.now.since(back) < PATIENCE, "never");
        still = still.max(road.now.since(spoke_at));
        let before = std::mem::replace(&mut sent, road.ours[0].sent_by[0]);
        if before < sent {
            spoke_at = road.now;
        }
    }
    (still, road.now.since(back))
}

#[test]
fn a_sender_goes_on_soon_when_the_path_is_back() {
    let mut table = String::from("       link | still for | arrived after\n");
    for bits_per_second in [10_000, 100_000, 1_000_000] {
        let (still, arrived) = after_outage(bits_per_second);
        writeln!(
            table,
            "{:>4} kbit/s | {:>7.2} s | {:>11.2} s",
            bits_per_second / 1_000,
            still.as_secs_f64(),
            arrived.as_secs_f64()
        )
        .unwrap();
        assert!(still <= STILL_MAX, "{table}");
    }
    println!("{table}");
    insta::assert_snapshot!(table);
}
