//! How the round trip has gone lately: one sample a second, for people who look at a path.
//!
//! Decides nothing: what is derived from round trips is `rtt`'s. Invariant: at most [`SAMPLES`], oldest first.

use std::time::Duration;

use crate::clock::Instant;

/// As many as a person takes in at a glance, and 48 bytes of each session.
const SAMPLES: usize = 12;
/// Of the samples of so long the worst is kept: that is what whoever looks asks about.
const STEP: Duration = Duration::from_secs(1);

/// The last samples of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// In microseconds, the latest last; zero where there was none yet.
    samples: [u32; SAMPLES],
    /// When the latest began; the start of time if there is none.
    since: Instant,
}

impl Trail {
    /// A packet was acknowledged so long after it was sent.
    pub(super) fn note(&mut self, now: Instant, sample: Duration) {
        let sample = u32::try_from(sample.as_micros()).unwrap_or(u32::MAX).max(1);
        let [.., latest] = &mut self.samples;
        if *latest > 0 && now.since(self.since) < STEP {
            *latest = sample.max(*latest);
            return;
        }
        self.since = now;
        self.samples.rotate_left(1);
        let [.., latest] = &mut self.samples;
        *latest = sample;
    }

    /// The samples, oldest first: each the longest round trip of a second in which there was one.
    pub fn samples(&self) -> impl Iterator<Item = Duration> + '_ {
        let told = self.samples.iter().filter(|sample| **sample > 0);
        told.map(|sample| Duration::from_micros(u64::from(*sample)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn told(trail: &Trail) -> Vec<u64> {
        trail
            .samples()
            .map(|sample| u64::try_from(sample.as_millis()).unwrap())
            .collect()
    }

    #[test]
    fn the_worst_of_each_second_is_kept_and_the_oldest_goes() {
        let mut trail = Trail::default();
        assert_eq!(told(&trail), [0; 0]);
        let mut now = Instant::ZERO;
        for sample in [10, 30, 20] {
            trail.note(now, ms(sample));
            now = now + ms(300);
        }
        assert_eq!(told(&trail), [30]);
        for second in 1..=SAMPLES as u64 {
            trail.note(Instant::ZERO + ms(1_000 * second), ms(100 + second));
        }
        let last: Vec<u64> = (101..=100 + SAMPLES as u64).collect();
        assert_eq!(told(&trail), last);
    }
}
