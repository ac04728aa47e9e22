//! How fast data arrives at the other side (draft-cheng-iccrg-delivery-rate-estimation-02).
//!
//! Each packet takes along how much had been delivered when it left; when it is acknowledged, the difference over the
//! time between is a sample. Knows nothing of windows.
//! Invariant: a sample is never faster than the packets left, nor faster than they were acknowledged.

use std::time::Duration;

use super::rate_of;
use crate::clock::Instant;

/// What a packet takes along (section 3.1.2, the per-packet state `P`).
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::transport) struct Stamp {
    pub(super) sent_at: Instant,
    /// When the first packet of its flight left.
    first_sent_at: Instant,
    delivered: u64,
    delivered_at: Instant,
    /// Whether the application had little to say then.
    pub(super) limited: bool,
    /// Whether it left while the controller sent less than had arrived before.
    pub(super) calm: bool,
    /// Whether it left when there was little to say, and at most half of what the path holds was under way.
    pub(super) alone: bool,
    /// Whether its loss was put down to the path.
    pub(super) counted: bool,
}

/// A rate at which data arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Bytes a second.
    pub(super) rate: u64,
    /// Whether it may be low because there was little to send.
    pub(super) limited: bool,
}

/// The connection's state `C` of the draft.
#[derive(Clone, Debug, Default)]
pub(super) struct Delivery {
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    /// Until so much is delivered, samples are limited.
    limited_until: u64,
    /// The latest sent of the packets acknowledged since the last sample.
    newest: Option<Stamp>,
}

impl Delivery {
    /// Bytes delivered so far.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// SendPacket().
    pub(super) fn on_sent(&mut self, now: Instant, flight: u64) -> Stamp {
        if flight == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        Stamp {
            sent_at: now,
            first_sent_at: self.first_sent_at,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            limited: self.limited_until > self.delivered,
            calm: false,
            alone: false,
            counted: false,
        }
    }

    /// CheckIfApplicationLimited(): what is sent until all that is under way has arrived says too little.
    pub(super) fn on_limited(&mut self, flight: u64) {
        self.limited_until = self.delivered + flight.max(1);
    }

    /// UpdateRateSample() for one packet.
    pub(super) fn on_acked(&mut self, now: Instant, bytes: u64, stamp: Stamp) {
        self.delivered += bytes;
        self.delivered_at = now;
        if self.newest.is_none_or(|newest| stamp.sent_at >= newest.sent_at) {
            self.newest = Some(stamp);
            self.first_sent_at = stamp.sent_at;
        }
    }

    /// Whether the latest packets acknowledged left after so much was delivered.
    pub(super) fn has_passed(&self, delivered: u64) -> bool {
        self.newest.is_some_and(|newest| newest.delivered >= delivered)
    }

    /// GenerateRateSample(): the sample of what was acknowledged since the last. One from less than the shortest round
    /// trip is none: acknowledgements came in a heap.
    pub(super) fn take_sample(&mut self, rtt_min: Duration) -> Option<Sample> {
        let newest = self.newest.take()?;
        let send_elapsed = newest.sent_at.since(newest.first_sent_at);
        let ack_elapsed = self.delivered_at.since(newest.delivered_at);
        let interval = send_elapsed.max(ack_elapsed);
        if interval < rtt_min || interval.is_zero() {
            return None;
        }
        Some(Sample {
            rate: rate_of(self.delivered.saturating_sub(newest.delivered), interval),
            limited: newest.limited,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    const RTT: Duration = Duration::from_millis(40);

    #[test]
    fn packets_that_leave_and_arrive_evenly_give_their_rate() {
        let mut delivery = Delivery::default();
        let mut stamps = Vec::new();
        let mut rates = Vec::new();
        for ms in 0..200 {
            if ms >= 40 {
                delivery.on_acked(at(ms), 1_000, stamps[usize::try_from(ms - 40).unwrap()]);
                rates.extend(delivery.take_sample(RTT));
            }
            stamps.push(delivery.on_sent(at(ms), ms * 1_000));
        }
        let last = rates.last().unwrap();
        assert_eq!((last.rate, last.limited), (1_000_000, false));
        assert!(rates.iter().all(|sample| sample.rate <= 1_025_000), "{rates:?}");
    }

    #[test]
    fn a_heap_of_acknowledgements_is_no_faster_than_what_was_sent() {
        let mut delivery = Delivery::default();
        let stamps: Vec<Stamp> = (0..100).map(|ms| delivery.on_sent(at(ms), ms)).collect();
        for stamp in stamps {
            delivery.on_acked(at(140), 1_000, stamp);
        }
        assert!(delivery.take_sample(RTT).unwrap().rate <= 1_000_000);
    }

    #[test]
    fn what_follows_a_pause_for_want_of_data_is_marked() {
        let mut delivery = Delivery::default();
        delivery.on_limited(0);
        let stamp = delivery.on_sent(at(0), 0);
        delivery.on_acked(at(40), 100, stamp);
        assert_eq!(
            delivery.take_sample(RTT),
            Some(Sample {
                rate: 2_500,
                limited: true
            })
        );
        let stamp = delivery.on_sent(at(50), 0);
        delivery.on_acked(at(90), 100, stamp);
        assert!(!delivery.take_sample(RTT).unwrap().limited);
        assert_eq!(delivery.take_sample(RTT), None, "nothing new");
    }
}
