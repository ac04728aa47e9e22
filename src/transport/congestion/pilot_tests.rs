//! The controller on a path that carries so much and no more, without packets or sessions.
//!
//! Whole sessions are in `tests/transport_table/`.

use std::collections::VecDeque;

use super::*;

const RTT: Duration = Duration::from_millis(40);
const TICK: Duration = Duration::from_micros(100);
const MEGABYTE: u64 = 1_000_000;

/// A sender who always has something to send, and the path.
struct Path {
    pilot: Pilot,
    now: Instant,
    /// Bytes a second, how long a packet may wait for its turn, and which is lost by the path itself.
    rate: u64,
    queue: Duration,
    lost_every: u64,
    /// How long there and back, and how often acknowledgements are let through, in microseconds.
    round_trip: Duration,
    heaps: u64,
    free_at: Instant,
    /// When each packet's fate is known, what it is, and when it left.
    under_way: VecDeque<(Instant, bool, Fate)>,
    sent: u64,
    arrived: u64,
    credit: u64,
}

impl Path {
    fn new(rate: u64, lost_every: u64) -> Self {
        let now = Instant::from_micros(1_000_000);
        Self {
            pilot: Pilot::new(now),
            now,
            rate,
            queue: Duration::from_millis(40),
            lost_every,
            round_trip: RTT,
            heaps: 1,
            free_at: now,
            under_way: VecDeque::new(),
            sent: 0,
            arrived: 0,
            credit: 0,
        }
    }

    fn flight(&self) -> u64 {
        u64::try_from(self.under_way.len()).unwrap() * DATAGRAM
    }

    fn send(&mut self) {
        let stamp = self.pilot.on_sent(self.now, DATAGRAM, self.flight());
        self.sent += 1;
        let begins = self.free_at.max(self.now);
        let is_dropped = begins.since(self.now) > self.queue;
        if !is_dropped {
            self.free_at = begins + Duration::from_micros(DATAGRAM * 1_000_000 / self.rate);
        }
        let is_lost = is_dropped || self.sent.is_multiple_of(self.lost_every);
        let bytes = DATAGRAM;
        let back = (self.free_at + self.round_trip).as_micros();
        let told = Instant::from_micros(back.next_multiple_of(self.heaps));
        self.under_way.push_back((told, is_lost, Fate { bytes, stamp }));
    }

    fn run(&mut self, span: Duration) -> u64 {
        let (end, arrived) = (self.now + span, self.arrived);
        while self.now < end {
            while self.under_way.front().is_some_and(|packet| packet.0 <= self.now)
                && let Some((_, is_lost, packet)) = self.under_way.pop_front()
            {
                if is_lost {
                    self.pilot.on_lost(packet);
                } else {
                    self.pilot.on_acked(self.now, packet);
                    self.arrived += DATAGRAM;
                }
                let rtt = (!is_lost).then(|| self.now.since(packet.stamp.sent_at));
                let summary = Summary {
                    rtt,
                    flight: self.flight(),
                    persistent: false,
                };
                self.pilot.on_summary(self.now, summary);
            }
            self.credit =
                (self.credit + bytes_in(self.pilot.pacing_rate(self.round_trip), TICK)).min(10 * DATAGRAM);
            while self.credit >= DATAGRAM && self.flight() + DATAGRAM <= self.pilot.window() {
                self.credit -= DATAGRAM;
                self.send();
            }
            self.now = self.now + TICK;
        }
        rate_of(self.arrived - arrived, span)
    }
}

#[test]
fn the_rate_of_the_path_is_found_soon_and_used() {
    let mut path = Path::new(MEGABYTE, u64::MAX);
    path.run(Duration::from_millis(500));
    assert_ne!(path.pilot.phase, Phase::Startup);
    let rate = path.run(Duration::from_secs(5));
    assert!(rate > percent(MEGABYTE, 95), "{rate}");
    let held = bytes_in(MEGABYTE, RTT);
    assert!(path.pilot.window() <= percent(held, WINDOW_GAIN + 10) + QUANTUM);
    path.rate = 3 * MEGABYTE;
    path.run(Duration::from_secs(3));
    let rate = path.run(Duration::from_secs(2));
    assert!(rate > percent(3 * MEGABYTE, 90), "{rate}: it looks for more");
}

#[test]
fn what_the_path_loses_by_itself_is_learnt_and_made_up_for() {
    let mut path = Path::new(MEGABYTE, 5);
    path.run(Duration::from_secs(3));
    assert!(
        (150..=230).contains(&path.pilot.path_loss()),
        "{}",
        path.pilot.path_loss()
    );
    let rate = path.run(Duration::from_secs(5));
    assert!(rate > percent(MEGABYTE, 70), "{rate} of 800,000 that can arrive");
}

#[test]
fn loss_with_a_queue_lowers_the_ceiling_and_it_rises_again() {
    let mut path = Path::new(4 * MEGABYTE, u64::MAX);
    path.run(Duration::from_secs(2));
    path.rate = MEGABYTE;
    path.run(Duration::from_secs(1));
    assert!(
        path.pilot.ceiling.get() < bytes_in(4 * MEGABYTE, RTT),
        "{}",
        path.pilot.ceiling.get()
    );
    assert!(
        path.pilot.path_loss() < LOW_LOSS_THOUSANDTHS,
        "{}",
        path.pilot.path_loss()
    );
    path.rate = 4 * MEGABYTE;
    path.run(Duration::from_secs(10));
    let rate = path.run(Duration::from_secs(2));
    assert!(rate > percent(4 * MEGABYTE, 90), "{rate}");
}

#[test]
fn persistent_congestion_starts_over_from_the_least() {
    let mut path = Path::new(MEGABYTE, u64::MAX);
    path.run(Duration::from_secs(1));
    let summary = Summary {
        rtt: None,
        flight: 0,
        persistent: true,
    };
    path.pilot.on_summary(path.now, summary);
    assert_eq!(
        (path.pilot.phase, path.pilot.window()),
        (Phase::Startup, MINIMUM_WINDOW)
    );
    path.run(Duration::from_secs(1));
    assert!(path.run(Duration::from_secs(1)) > percent(MEGABYTE, 90));
}

#[test]
fn a_loss_that_was_not_counted_is_not_taken_back() {
    let mut pilot = Pilot::new(Instant::ZERO);
    pilot.loss.learn(80, 20);
    pilot.phase = Phase::Down;
    let known = pilot.path_loss();
    for after_queue in [true, false] {
        pilot.round.after_queue = after_queue;
        let stamp = pilot.on_sent(Instant::ZERO, DATAGRAM, 20 * DATAGRAM);
        let stamp = pilot.on_lost(Fate {
            bytes: DATAGRAM,
            stamp,
        });
        assert_eq!(pilot.path_loss() > known, !after_queue);
        // By then the queue may be gone, or stand.
        pilot.round.after_queue = !after_queue;
        pilot.on_spurious(Fate { bytes: 0, stamp });
        assert!(pilot.path_loss() <= known && pilot.path_loss() + 10 > known);
        pilot.loss = PathLoss::default();
        pilot.loss.learn(80, 20);
    }
}

#[test]
fn a_path_that_delivered_next_to_nothing_is_still_tried() {
    let mut pilot = Pilot::new(Instant::ZERO);
    pilot.bandwidth = [1, 0];
    for phase in [Phase::Drain, Phase::Up, Phase::Down, Phase::Cruise, Phase::Rest] {
        pilot.phase = phase;
        assert_eq!(pilot.pacing_rate(RTT), DATAGRAM / 3, "{phase:?}");
    }
}

#[test]
fn acknowledgements_that_come_in_heaps_do_not_slow_it_down() {
    for (round_trip_us, heaps) in [(100, 1_000), (1_000, 10_000), (40_000, 10_000)] {
        let mut path = Path::new(10 * MEGABYTE, u64::MAX);
        path.round_trip = Duration::from_micros(round_trip_us);
        path.heaps = heaps;
        path.run(Duration::from_secs(3));
        let rate = path.run(Duration::from_secs(3));
        assert!(
            rate > percent(10 * MEGABYTE, 80),
            "{rate} with {round_trip_us} and {heaps} µs"
        );
    }
}
