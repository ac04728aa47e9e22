//! How long a round trip takes (RFC 9002 §5).
//!
//! Knows nothing of packets: it is handed samples. Loss and probe deadlines are derived here, because they
//! are functions of the estimate alone.
//! Invariant: `min ≤` every sample since the path began; the deadlines are never shorter than the granularity.

use std::time::Duration;

use crate::limits::ACK_DELAY_MAX;

/// Timers are no finer than this (RFC 9002 §6.1.2, kGranularity).
pub(super) const GRANULARITY: Duration = Duration::from_millis(1);
/// What is assumed before the first sample (RFC 9002 §6.2.2, kInitialRtt).
const INITIAL: Duration = Duration::from_millis(333);
/// After so many acknowledgements in a row that came too late to be believed, the next is.
const DOUBTED_MAX: u8 = 3;

/// The estimate for one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rtt {
    latest: Duration,
    smoothed: Duration,
    variation: Duration,
    min: Duration,
    sampled: bool,
    /// Acknowledgements in a row that were not believed.
    doubted: u8,
}

impl Rtt {
    /// A new path. `first` is what the handshake took, if that is known.
    pub(super) fn new(first: Option<Duration>) -> Self {
        let rtt = first.unwrap_or(INITIAL);
        Self {
            latest: rtt,
            smoothed: rtt,
            variation: rtt / 2,
            min: rtt,
            sampled: first.is_some(),
            doubted: 0,
        }
    }

    /// Whether an acknowledgement that was held back for so long says something of the round trip. One that is told again
    /// because the first was lost does not: so much longer than `ACK_DELAY_MAX` it would not have been held back;
    /// unless the other side is slow, which shows when it happens again and again.
    pub(super) fn believes(&mut self, ack_delay: Duration) -> bool {
        let doubtful = self.sampled && ack_delay > ACK_DELAY_MAX * 2;
        self.doubted = if doubtful && self.doubted < DOUBTED_MAX {
            self.doubted + 1
        } else {
            0
        };
        self.doubted == 0
    }

    /// A packet was acknowledged `latest` after it was sent, of which the other side says it held the
    /// acknowledgement back for `ack_delay`.
    pub(super) fn on_sample(&mut self, latest: Duration, ack_delay: Duration) {
        self.latest = latest;
        if !self.sampled {
            *self = Self::new(Some(latest));
            return;
        }
        // §5.2: the minimum ignores the delay, which the other side could lie about.
        self.min = self.min.min(latest);
        // §5.3: adjusted_rtt = latest_rtt − ack_delay, unless that is below min_rtt.
        let ack_delay = ack_delay.min(ACK_DELAY_MAX);
        let adjusted = if latest >= self.min + ack_delay {
            latest - ack_delay
        } else {
            latest
        };
        // §5.3: rttvar = 3/4 · rttvar + 1/4 · |smoothed_rtt − adjusted_rtt|
        self.variation = (self.variation * 3 + self.smoothed.abs_diff(adjusted)) / 4;
        // §5.3: smoothed_rtt = 7/8 · smoothed_rtt + 1/8 · adjusted_rtt
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
    }

    /// The smoothed round trip.
    pub(super) const fn smoothed(&self) -> Duration {
        self.smoothed
    }

    /// The last sample.
    pub(super) const fn latest(&self) -> Duration {
        self.latest
    }

    /// The shortest seen on this path.
    pub(super) const fn min(&self) -> Duration {
        self.min
    }

    /// Whether there was a sample at all.
    pub(super) const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// §6.1.2: a packet is lost if a later one was acknowledged and it is older than
    /// max(9/8 · max(smoothed_rtt, latest_rtt), kGranularity).
    pub(super) fn loss_delay(&self) -> Duration {
        (self.smoothed.max(self.latest) * 9 / 8).max(GRANULARITY)
    }

    /// §6.2.1: PTO = smoothed_rtt + max(4 · rttvar, kGranularity) + max_ack_delay.
    pub(super) fn probe_timeout(&self) -> Duration {
        self.smoothed + (self.variation * 4).max(GRANULARITY) + ACK_DELAY_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_sample_sets_everything() {
        let mut rtt = Rtt::new(None);
        assert_eq!(
            rtt.probe_timeout(),
            ms(333) + Duration::from_micros(666_000) + ms(25)
        );
        rtt.on_sample(ms(100), ms(10));
        assert_eq!(
            (rtt.smoothed(), rtt.variation, rtt.min()),
            (ms(100), ms(50), ms(100))
        );
        assert_eq!(rtt.probe_timeout(), ms(100 + 200 + 25));
        assert_eq!(rtt.loss_delay(), Duration::from_micros(112_500));
    }

    #[test]
    fn later_samples_follow_the_formulas_of_rfc_9002_section_5_3() {
        let mut rtt = Rtt::new(Some(ms(100)));
        rtt.on_sample(ms(140), ms(20));
        assert_eq!(
            rtt.smoothed(),
            Duration::from_micros(102_500),
            "7/8 · 100 + 1/8 · 120"
        );
        assert_eq!(
            rtt.variation,
            Duration::from_micros(42_500),
            "3/4 · 50 + 1/4 · 20"
        );
    }

    #[test]
    fn an_acknowledgement_told_again_later_is_no_round_trip() {
        let mut rtt = Rtt::new(Some(ms(100)));
        assert!(rtt.believes(ms(0)) && rtt.believes(ms(50)) && !rtt.believes(ms(51)));
        assert!(Rtt::new(None).believes(ms(500)), "better than nothing");
    }

    #[test]
    fn one_who_always_answers_late_is_believed_in_the_end() {
        let mut rtt = Rtt::new(Some(ms(40)));
        for _ in 0..100 {
            if rtt.believes(ms(200)) {
                rtt.on_sample(ms(240), ms(200));
            }
        }
        assert!(
            rtt.probe_timeout() > ms(240),
            "he is not probed before he answers"
        );
    }

    #[test]
    fn a_claimed_ack_delay_is_bounded_and_never_beats_the_minimum() {
        let mut rtt = Rtt::new(Some(ms(100)));
        rtt.on_sample(ms(200), ms(90));
        assert_eq!(
            rtt.smoothed(),
            (ms(100) * 7 + ms(175)) / 8,
            "at most 25 ms are believed"
        );
        let mut rtt = Rtt::new(Some(ms(100)));
        rtt.on_sample(ms(110), ms(20));
        assert_eq!(rtt.smoothed(), (ms(100) * 7 + ms(110)) / 8);
    }
}
