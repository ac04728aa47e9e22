//! What a run, or many, was like: figures, and what was not as it must be.
//!
//! How it is printed is `cli/`'s business.
//! Invariant: the sum of reports does not depend on their order, but for the list of violations.

use std::collections::BTreeMap;
use std::time::Duration;

use super::invariant::Violation;
use super::letter::State;
use super::network::Traffic;
use super::world::World;
use crate::transport::Counts;

/// Spans of time, counted to three digits: the quantiles of a million take the memory of a few hundred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    counted: BTreeMap<u64, u64>,
    count: u64,
    longest: Duration,
}

impl Spans {
    fn add(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        *self.counted.entry(rounded(micros)).or_default() += 1;
        self.count += 1;
        self.longest = self.longest.max(span);
    }

    fn merge(&mut self, other: &Self) {
        for (&micros, &count) in &other.counted {
            *self.counted.entry(micros).or_default() += count;
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    /// The span that `percent` of all are not longer than; `None` if there are none.
    pub fn quantile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (&micros, &count) in &self.counted {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_micros(micros));
            }
        }
        None
    }

    /// The longest of all.
    pub fn longest(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.longest)
    }
}

/// To three significant digits.
fn rounded(micros: u64) -> u64 {
    let mut unit = 1;
    while micros / unit >= 1_000 {
        unit *= 10;
    }
    micros / unit * unit
}

/// What a run, or many, was like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs.
    pub runs: u64,
    /// Messages that clients have accepted.
    pub accepted: u64,
    /// Delivered from client to client.
    pub direct: u64,
    /// Delivered out of the mailbox.
    pub through_registry: u64,
    /// Ended by their lifetime.
    pub expired: u64,
    /// Refused.
    pub refused: u64,
    /// Texts that were posted to rooms.
    pub posted: u64,
    /// How often one of them has come to a member.
    pub posts_received: u64,
    /// Came again, and were not shown again.
    pub duplicates: u64,
    /// Lines written again because a crash had cut off their mark.
    pub repeated: u64,
    /// What was sent, with handshakes, signs of life, the directory and what attackers have added.
    pub traffic: Traffic,
    /// What the sessions of all programs have done.
    pub sessions: Counts,
    /// From acceptance to the recipient's inbox.
    pub delivery: Spans,
    /// From the end of the trouble until everything had come to its end, in whole seconds: the longest of all runs. `None` if
    /// it never did.
    pub healed: Option<Duration>,
    /// What was not as it must be.
    pub violations: Vec<Violation>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            runs: 1,
            ..Self::default()
        }
    }

    /// Reads what a world has come to.
    pub(super) fn read(&mut self, world: &World) {
        for letter in world.ledger.letters() {
            if letter.accepted.is_none() {
                continue;
            }
            self.accepted += 1;
            match (letter.inbox, letter.state) {
                (Some(arrived), _) if arrived.stored => self.through_registry += 1,
                (Some(_), _) => self.direct += 1,
                (None, State::Expired) => self.expired += 1,
                (None, State::Refused) => self.refused += 1,
                (None, _) => {}
            }
            if let Some(span) = letter.took() {
                self.delivery.add(span);
            }
        }
        (self.posted, self.posts_received) = world.ledger.posts_and_copies();
        self.duplicates = world.ledger.counts.duplicates;
        self.repeated = world.ledger.counts.repeated;
        self.traffic = world.traffic();
        self.sessions = world.counts();
        self.violations = world.ledger.violations().to_vec();
    }

    /// Adds another run.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.accepted += other.accepted;
        self.direct += other.direct;
        self.through_registry += other.through_registry;
        self.expired += other.expired;
        self.refused += other.refused;
        self.posted += other.posted;
        self.posts_received += other.posts_received;
        self.duplicates += other.duplicates;
        self.repeated += other.repeated;
        self.traffic.add(&other.traffic);
        self.sessions.add(&other.sessions);
        self.delivery.merge(&other.delivery);
        self.healed = self.healed.max(other.healed);
        self.violations.extend(other.violations.iter().cloned());
    }

    /// Messages in their recipients' inboxes.
    pub const fn delivered(&self) -> u64 {
        self.direct + self.through_registry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_digits() {
        let mut spans = Spans::default();
        assert_eq!((spans.quantile(50), spans.longest()), (None, None));
        for ms in 1..=1_000 {
            spans.add(Duration::from_millis(ms));
        }
        let near = |percent, ms: u64| {
            let found = spans.quantile(percent).unwrap();
            found <= Duration::from_millis(ms) && found * 100 >= Duration::from_millis(ms) * 99
        };
        assert!(near(50, 500) && near(99, 990) && near(100, 1_000));
        assert_eq!(spans.longest(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn two_reports_add_up() {
        let mut one = Report {
            accepted: 3,
            direct: 2,
            ..Report::new()
        };
        one.sessions.retransmitted = 7;
        one.delivery.add(Duration::from_millis(5));
        one.healed = Some(Duration::from_secs(3));
        let mut both = Report::default();
        both.merge(&one);
        one.healed = Some(Duration::from_secs(2));
        both.merge(&one);
        assert_eq!(both.healed, Some(Duration::from_secs(3)));
        assert_eq!((both.runs, both.accepted, both.delivered()), (2, 6, 4));
        assert_eq!((both.delivery.count, both.sessions.retransmitted), (2, 14));
    }
}
