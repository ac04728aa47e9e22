//! How the round trips of sessions have gone lately: one sample a second, for people who look at a path.
//!
//! Decides nothing. Invariant: of a session at most [`SAMPLES`], oldest first; of [`SESSIONS_MAX`] sessions at most.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::clock::Instant;
use crate::transport::{SessionId, SessionStats};

/// As many as a person takes in at a glance.
const SAMPLES: usize = 12;
/// Sessions of which they are kept, of those that were heard last: as many as are told of.
pub(super) const SESSIONS_MAX: usize = 64;
/// Of the samples of so long the worst is kept: that is what whoever looks asks about.
const STEP: Duration = Duration::from_secs(1);

/// The last samples of a session, and when the latest began.
#[derive(Clone, Debug, Default)]
struct Trail {
    samples: VecDeque<Duration>,
    since: Instant,
}

impl Trail {
    fn note(&mut self, now: Instant, sample: Duration) {
        if let Some(latest) = self.samples.back_mut()
            && now.since(self.since) < STEP
        {
            *latest = sample.max(*latest);
            return;
        }
        self.since = now;
        self.samples.push_back(sample);
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }
}

/// Those of all sessions.
#[derive(Debug, Default)]
pub(super) struct Trails(BTreeMap<SessionId, Trail>);

impl Trails {
    /// Something came through a session, which is like this now.
    pub(super) fn note(&mut self, now: Instant, session: SessionId, stats: &SessionStats) {
        if self.0.len() >= SESSIONS_MAX && !self.0.contains_key(&session) {
            let quietest = self.0.iter().min_by_key(|(_, trail)| trail.since);
            if let Some(quietest) = quietest.map(|(session, _)| *session) {
                self.0.remove(&quietest);
            }
        }
        self.0.entry(session).or_default().note(now, stats.rtt_latest);
    }

    /// It is over.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.0.remove(&session);
    }

    /// Its samples, oldest first: each the longest round trip of a second in which something came.
    pub(super) fn of(&self, session: SessionId) -> Vec<Duration> {
        let trail = self.0.get(&session);
        trail.map_or_else(Vec::new, |trail| trail.samples.iter().copied().collect())
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
            .samples
            .iter()
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
