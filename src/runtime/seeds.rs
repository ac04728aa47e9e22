//! Many simulated lives at once, one thread a core.
//!
//! Says nothing of what a life is like: plans come in, reports are added up.
//! Invariant: what is found, and where nothing is the sum, does not depend on how many threads there are or which was
//! faster.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::simulation::{Plan, Report, Trace, WorldFault, run};

/// What many seeds were like.
#[derive(Debug, Default)]
pub struct Harvest {
    /// All runs; if one found something, it and those that had come to their end by then. Its violations are those of the
    /// lowest seed that found something.
    pub report: Report,
    /// The lowest seed that found something.
    pub found: Option<u64>,
}

/// Lives the plans of these seeds. What follows the lowest seed that finds something is not waited for.
///
/// # Errors
/// A world that could not be made.
pub fn harvest(seeds: Range<u64>, plan: impl Fn(u64) -> Plan + Sync) -> Result<Harvest, WorldFault> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicU64::new(seeds.end));
    let work = || -> Result<Harvest, WorldFault> {
        let mut harvest = Harvest::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= stop.load(Ordering::Relaxed) {
                return Ok(harvest);
            }
            let report = run(plan(seed), Trace::OFF)?;
            let found = (!report.violations.is_empty()).then_some(seed);
            if found.is_some() {
                stop.fetch_min(seed + 1, Ordering::Relaxed);
            }
            harvest.add(Harvest { report, found });
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut sum = Harvest::default();
        for worker in workers {
            let part = worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            sum.add(part);
        }
        Ok(sum)
    })
}

impl Harvest {
    fn add(&mut self, mut other: Self) {
        match (self.found, other.found) {
            (Some(ours), Some(theirs)) if ours < theirs => other.report.violations.clear(),
            (Some(_), Some(_)) => self.report.violations.clear(),
            _ => {}
        }
        self.report.merge(&other.report);
        self.found = [self.found, other.found].into_iter().flatten().min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::simulation::{Invariant, Profile, Violation};

    #[test]
    fn violations_are_those_of_the_lowest_seed() {
        let found = |seed: u64| {
            let mut report = Report::default();
            report.violations.push(Violation {
                invariant: Invariant::InOrder,
                at: Instant::ZERO,
                what: seed.to_string(),
            });
            Harvest {
                report,
                found: Some(seed),
            }
        };
        for order in [[7, 3, 5], [3, 5, 7], [5, 7, 3]] {
            let mut sum = Harvest::default();
            sum.add(Harvest::default());
            order.into_iter().for_each(|seed| sum.add(found(seed)));
            sum.add(Harvest::default());
            assert_eq!(sum.found, Some(3));
            assert_eq!(sum.report.violations, found(3).report.violations);
        }
    }

    #[test]
    fn many_seeds_are_the_sum_of_their_runs() {
        let plan = |seed| Plan {
            minutes: 1,
            ..Profile::Wifi.plan(seed)
        };
        let harvest = harvest(5..9, plan).unwrap();
        let mut sum = Report::default();
        for seed in 5..9 {
            sum.merge(&run(plan(seed), Trace::OFF).unwrap());
        }
        assert_eq!(harvest.report, sum);
        assert_eq!(harvest.found, None);
        assert!(sum.accepted > 0);
    }
}
