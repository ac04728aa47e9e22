//! What this process has used: processor time by thread, and memory, as Linux tells it (proc(5)).
//!
//! Invariant: nothing here costs enough to be seen in what is measured.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Processor time, and time spent ready but waiting for a processor, by the thread's name.
#[derive(Clone, Default)]
pub(crate) struct Processor(BTreeMap<String, (Duration, Duration)>);

impl Processor {
    /// As it is now. Threads that have ended are not in it.
    pub(crate) fn now() -> Self {
        let mut threads = BTreeMap::new();
        for task in std::fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let mut spent = read("schedstat")
                .split_whitespace()
                .map(|number| Duration::from_nanos(number.parse().unwrap_or(0)))
                .collect::<Vec<_>>()
                .into_iter();
            let entry: &mut (Duration, Duration) =
                threads.entry(read("comm").trim().to_string()).or_default();
            entry.0 += spent.next().unwrap_or_default();
            entry.1 += spent.next().unwrap_or_default();
        }
        Self(threads)
    }

    /// What was used since `before`, by the thing that was done `count` times.
    pub(crate) fn since(&self, before: &Self, count: usize) -> String {
        let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        let parts: Vec<String> = self
            .0
            .iter()
            .filter_map(|(name, (ran, waited))| {
                let (ran_before, waited_before) = before.0.get(name).copied().unwrap_or_default();
                let each =
                    |now: Duration, then| now.saturating_sub(then).as_secs_f64() * 1e6 / f64::from(count);
                let (ran, waited) = (each(*ran, ran_before), each(*waited, waited_before));
                (ran >= 0.05).then(|| format!("{name} {ran:.1} µs (+{waited:.1} µs in line for a processor)"))
            })
            .collect();
        parts.join(", ")
    }
}

/// Bytes of memory that a process has in use (`VmRSS`).
pub(crate) fn resident_bytes(process: u32) -> u64 {
    let path = format!("/proc/{process}/status");
    std::fs::read_to_string(Path::new(&path))
        .expect("the process runs")
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .split_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
        })
        .expect("Linux tells the memory in use")
        * 1024
}
