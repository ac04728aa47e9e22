//! How much may be under way: congestion control (RFC 9002 §7), behind a trait.
//!
//! A controller is told what was sent, acknowledged and lost, and answers with a window and a rate. It holds no
//! packets and reads no clock. NewReno is the one there is.
//! Invariant: the window never falls below two datagrams (RFC 9002 §7.2), so that a path that comes back is noticed.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::DATAGRAM_BYTES_MAX;

const DATAGRAM: u64 = DATAGRAM_BYTES_MAX as u64;
/// §7.2: min(10 datagrams, max(14720, 2 datagrams)).
const INITIAL_WINDOW: u64 = 10 * DATAGRAM;
/// §7.2: kMinimumWindow.
const MINIMUM_WINDOW: u64 = 2 * DATAGRAM;
/// What a sender bounded by `SEND_BYTES_MAX` can use; more would only make the next burst larger.
const MAXIMUM_WINDOW: u64 = 16 * 1024 * 1024;

const _: () = assert!(INITIAL_WINDOW <= 14_720);

/// A packet that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acked {
    /// Its bytes on the wire.
    pub(super) bytes: u64,
    /// When it was sent.
    pub(super) sent_at: Instant,
    /// Whether less was sent than the window allowed (§7.8).
    pub(super) app_limited: bool,
}

/// Packets that were found lost together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    /// How many.
    pub(super) count: u64,
    /// When the latest of them was sent.
    pub(super) latest_sent_at: Instant,
    /// Whether everything sent for longer than the persistent congestion duration was lost (§7.6).
    pub(super) persistent: bool,
}

/// Decides how much may be under way, and how fast it leaves.
pub(super) trait Controller {
    /// A packet that counts has left.
    fn on_sent(&mut self, now: Instant, bytes: u64);
    /// A packet has been acknowledged.
    fn on_acked(&mut self, now: Instant, acked: Acked);
    /// Packets have been found lost.
    fn on_lost(&mut self, now: Instant, lost: Lost);
    /// So many packets that had been found lost have arrived after all.
    fn on_spurious(&mut self, count: u64);
    /// The path is another: what was learnt, and what is under way, says nothing of it (RFC 9000 §9.4).
    fn on_path_change(&mut self, now: Instant);
    /// Bytes that may be under way.
    fn window(&self) -> u64;
    /// Bytes a second, for a path with this round trip.
    fn pacing_rate(&self, smoothed_rtt: Duration) -> u64;
}

/// NewReno as RFC 9002 §7 describes it.
#[derive(Clone, Debug)]
pub(super) struct NewReno {
    window: u64,
    slow_start_threshold: u64,
    /// Packets sent before this do not count: their loss was answered already, or they went another way.
    recovery_began: Option<Instant>,
    /// What was lost in this recovery and did not arrive after all.
    missing: u64,
    /// Window and threshold before it.
    before: (u64, u64),
    /// Bytes acknowledged in congestion avoidance that have not moved the window yet.
    acked: u64,
}

impl NewReno {
    pub(super) const fn new() -> Self {
        Self {
            window: INITIAL_WINDOW,
            slow_start_threshold: u64::MAX,
            recovery_began: None,
            missing: 0,
            before: (INITIAL_WINDOW, u64::MAX),
            acked: 0,
        }
    }

    fn is_before_recovery(&self, sent_at: Instant) -> bool {
        self.recovery_began.is_some_and(|began| sent_at <= began)
    }
}

impl Controller for NewReno {
    fn on_sent(&mut self, _now: Instant, _bytes: u64) {}

    fn on_acked(&mut self, _now: Instant, acked: Acked) {
        if acked.app_limited || self.is_before_recovery(acked.sent_at) {
            return;
        }
        if self.window < self.slow_start_threshold {
            // §7.3.1: by what was acknowledged.
            self.window += acked.bytes;
        } else {
            // §7.3.3: by one datagram for each window acknowledged.
            self.acked += acked.bytes;
            if self.acked >= self.window {
                self.acked -= self.window;
                self.window += DATAGRAM;
            }
        }
        self.window = self.window.min(MAXIMUM_WINDOW);
    }

    fn on_lost(&mut self, now: Instant, lost: Lost) {
        if !self.is_before_recovery(lost.latest_sent_at) {
            // §7.3.2: once a round trip, by kLossReductionFactor = 1/2.
            self.recovery_began = Some(now);
            self.before = (self.window, self.slow_start_threshold);
            self.missing = 0;
            self.window = (self.window / 2).max(MINIMUM_WINDOW);
            self.slow_start_threshold = self.window;
            self.acked = 0;
        }
        self.missing += lost.count;
        if lost.persistent {
            // §7.6.2: back to the minimum, and slow start from there.
            self.window = MINIMUM_WINDOW;
            self.recovery_began = None;
        }
    }

    /// RFC 4015: if nothing was lost at all in this recovery, there was no congestion, and its answer is undone.
    fn on_spurious(&mut self, count: u64) {
        if self.missing == 0 {
            return;
        }
        self.missing = self.missing.saturating_sub(count);
        if self.missing == 0 {
            let (window, threshold) = self.before;
            self.window = self.window.max(window);
            self.slow_start_threshold = threshold;
        }
    }

    fn on_path_change(&mut self, now: Instant) {
        *self = Self {
            recovery_began: Some(now),
            ..Self::new()
        };
    }

    fn window(&self) -> u64 {
        self.window
    }

    /// §7.7: rate = N · congestion_window / smoothed_rtt; N is 2 in slow start, which doubles in a round trip,
    /// and 1.25 after it.
    fn pacing_rate(&self, smoothed_rtt: Duration) -> u64 {
        let micros = u64::try_from(smoothed_rtt.as_micros()).unwrap_or(u64::MAX).max(1);
        let quarters = if self.window < self.slow_start_threshold {
            8
        } else {
            5
        };
        self.window.saturating_mul(quarters * 250_000) / micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    fn ack(reno: &mut NewReno, sent_ms: u64, bytes: u64) {
        reno.on_acked(
            at(sent_ms + 40),
            Acked {
                bytes,
                sent_at: at(sent_ms),
                app_limited: false,
            },
        );
    }

    const fn lost(sent_ms: u64, persistent: bool) -> Lost {
        Lost {
            count: 1,
            latest_sent_at: at(sent_ms),
            persistent,
        }
    }

    #[test]
    fn slow_start_doubles_and_avoidance_adds_a_datagram_a_window() {
        let mut reno = NewReno::new();
        ack(&mut reno, 1, 12_000);
        assert_eq!(reno.window(), 24_000);
        reno.on_lost(at(100), lost(50, false));
        assert_eq!(reno.window(), 12_000);
        ack(&mut reno, 101, 6_000);
        assert_eq!(reno.window(), 12_000);
        ack(&mut reno, 101, 6_000);
        assert_eq!(reno.window(), 13_200);
    }

    #[test]
    fn losses_of_one_round_trip_count_once() {
        let mut reno = NewReno::new();
        reno.on_lost(at(100), lost(50, false));
        reno.on_lost(at(110), lost(99, false));
        ack(&mut reno, 99, 6_000);
        assert_eq!(reno.window(), 6_000);
        reno.on_lost(at(200), lost(101, false));
        assert_eq!(reno.window(), 3_000);
        reno.on_lost(at(300), lost(201, false));
        assert_eq!(reno.window(), MINIMUM_WINDOW);
    }

    #[test]
    fn persistent_congestion_starts_over_from_the_minimum() {
        let mut reno = NewReno::new();
        reno.on_lost(at(1_000), lost(900, true));
        assert_eq!(reno.window(), MINIMUM_WINDOW);
        ack(&mut reno, 950, 1_200);
        assert_eq!(reno.window(), MINIMUM_WINDOW + 1_200, "slow start, at once");
    }

    #[test]
    fn a_recovery_in_which_nothing_was_lost_is_undone() {
        let mut reno = NewReno::new();
        ack(&mut reno, 1, 12_000);
        reno.on_lost(at(100), lost(50, false));
        reno.on_lost(at(100), lost(60, false));
        reno.on_spurious(1);
        assert_eq!(reno.window(), 12_000, "one is still missing");
        reno.on_spurious(1);
        assert_eq!(reno.window(), 24_000);
        ack(&mut reno, 150, 1_200);
        assert_eq!(reno.window(), 25_200, "slow start goes on");
        reno.on_spurious(1);
        assert_eq!(reno.window(), 25_200, "nothing is undone twice");
    }

    #[test]
    fn a_sender_with_little_to_say_earns_no_window() {
        let mut reno = NewReno::new();
        reno.on_acked(
            at(50),
            Acked {
                bytes: 1_200,
                sent_at: at(1),
                app_limited: true,
            },
        );
        assert_eq!(reno.window(), INITIAL_WINDOW);
    }

    #[test]
    fn a_new_path_begins_anew_and_old_losses_do_not_touch_it() {
        let mut reno = NewReno::new();
        reno.on_lost(at(100), lost(50, false));
        reno.on_path_change(at(200));
        reno.on_lost(at(210), lost(199, false));
        assert_eq!(reno.window(), INITIAL_WINDOW);
        assert_eq!(reno.pacing_rate(Duration::from_millis(100)), 240_000);
    }
}
