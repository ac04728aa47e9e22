//! A model of a TCP sender with CUBIC (RFC 9438), to share a road with.
//!
//! Bulk data in segments of 1,448 bytes; every segment is acknowledged by itself, as with SACK. Slow start, cubic and
//! Reno-friendly growth, fast convergence, a decrease by 0.7 once for each flight that lost something, retransmission
//! when three later segments were acknowledged, and the timeout of RFC 6298.
//! Invariant: no more segments are under way than the window allows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use udpchat::clock::Instant;

use crate::road::{Parcel, Traveller};

/// RFC 9438 §4.6, §5.
const BETA: f64 = 0.7;
const C: f64 = 0.4;
const SEGMENT_WIRE: usize = 1_500;
const ACK_WIRE: usize = 52;
/// What most systems use; RFC 6298 §2.4 would be slower.
const TIMEOUT_MIN: Duration = Duration::from_millis(200);

pub(crate) struct Cubic {
    window: f64,
    threshold: f64,
    window_max: f64,
    /// When this growth began, K of RFC 9438 §4.2, and the Reno-friendly window.
    epoch: Option<(Instant, f64, f64)>,
    /// By order of sending: the segment, and when.
    flight: BTreeMap<u64, (u64, Instant)>,
    order: u64,
    /// What was sent before this belongs to a loss that was answered.
    recovery: u64,
    lost: BTreeSet<u64>,
    next: u64,
    srtt: Option<(f64, f64)>,
    timeout_at: Option<Instant>,
    backoff: u32,
    /// End 1: acknowledgements to send, and what has come.
    acks: Vec<u64>,
    come: BTreeSet<u64>,
    come_below: u64,
    pub(crate) delivered: u64,
}

impl Cubic {
    pub(crate) fn new() -> Self {
        Self {
            window: 10.0,
            threshold: f64::INFINITY,
            window_max: 0.0,
            epoch: None,
            flight: BTreeMap::new(),
            order: 0,
            recovery: 0,
            lost: BTreeSet::new(),
            next: 0,
            srtt: None,
            timeout_at: None,
            backoff: 0,
            acks: Vec::new(),
            come: BTreeSet::new(),
            come_below: 0,
            delivered: 0,
        }
    }

    fn timeout(&self) -> Duration {
        let base = self.srtt.map_or(1.0, |(srtt, var)| srtt + 4.0 * var);
        Duration::from_secs_f64(base).max(TIMEOUT_MIN) * (1 << self.backoff.min(6))
    }

    fn on_ack(&mut self, now: Instant, order: u64) {
        let Some((_, sent_at)) = self.flight.remove(&order) else {
            return;
        };
        let rtt = now.since(sent_at).as_secs_f64();
        self.srtt = Some(match self.srtt {
            None => (rtt, rtt / 2.0),
            Some((srtt, var)) => (srtt * 0.875 + rtt * 0.125, var * 0.75 + (srtt - rtt).abs() * 0.25),
        });
        self.backoff = 0;
        while let Some(entry) = self.flight.first_entry().filter(|entry| entry.key() + 3 <= order) {
            let (sent, (segment, _)) = entry.remove_entry();
            self.lost.insert(segment);
            if sent >= self.recovery {
                self.decrease();
            }
        }
        if order >= self.recovery {
            self.grow(now, rtt);
        }
        self.timeout_at = (!self.flight.is_empty()).then(|| now + self.timeout());
    }

    /// RFC 9438 §4.6 and §4.7.
    fn decrease(&mut self) {
        self.window_max = if self.window < self.window_max {
            self.window * (1.0 + BETA) / 2.0
        } else {
            self.window
        };
        self.window = (self.window * BETA).max(2.0);
        self.threshold = self.window;
        self.epoch = None;
        self.recovery = self.order;
    }

    fn grow(&mut self, now: Instant, rtt: f64) {
        if self.window < self.threshold {
            self.window += 1.0;
            return;
        }
        let window = self.window;
        let window_max = self.window_max.max(window);
        let begin = || (now, ((window_max - window) / C).cbrt(), window);
        let (began, k, reno) = *self.epoch.get_or_insert_with(begin);
        let t = now.since(began).as_secs_f64();
        // §4.2, one round trip ahead; §4.3: the Reno-friendly window, by 3 (1 − β) / (1 + β) a round trip.
        let target = (C * (t + rtt - k).powi(3) + window_max).clamp(window, 1.5 * window);
        let friendly = if reno < window_max {
            3.0 * (1.0 - BETA) / (1.0 + BETA)
        } else {
            1.0
        };
        let reno = reno + friendly / window;
        self.epoch = Some((began, k, reno));
        self.window = (window + (target - window) / window).max(reno);
    }
}

impl Traveller for Cubic {
    fn deadline(&self) -> Option<Instant> {
        self.timeout_at
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.timeout_at.is_none_or(|at| at > now) {
            return;
        }
        self.backoff += 1;
        self.lost
            .extend(std::mem::take(&mut self.flight).into_values().map(|sent| sent.0));
        self.decrease();
        self.window = 1.0;
        self.timeout_at = Some(now + self.timeout());
    }

    fn handle(&mut self, now: Instant, end: usize, bytes: &[u8]) {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        if end == 0 {
            self.on_ack(now, number(0));
            return;
        }
        let segment = number(8);
        if segment >= self.come_below && self.come.insert(segment) {
            self.delivered += 1;
        }
        while self.come.remove(&self.come_below) {
            self.come_below += 1;
        }
        self.acks.push(number(0));
    }

    fn poll(&mut self, now: Instant) -> Option<(usize, Parcel)> {
        if let Some(order) = self.acks.pop() {
            let bytes = order.to_le_bytes().to_vec();
            return Some((
                1,
                Parcel {
                    bytes,
                    wire: ACK_WIRE,
                },
            ));
        }
        let flight = u32::try_from(self.flight.len()).unwrap();
        if f64::from(flight) >= self.window.floor() {
            return None;
        }
        let segment = self.lost.pop_first().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        self.flight.insert(self.order, (segment, now));
        self.timeout_at = self.timeout_at.or(Some(now + self.timeout()));
        let bytes = [self.order.to_le_bytes(), segment.to_le_bytes()].concat();
        self.order += 1;
        let wire = SEGMENT_WIRE;
        Some((0, Parcel { bytes, wire }))
    }
}
