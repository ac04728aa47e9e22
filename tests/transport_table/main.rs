//! What a session is worth on a bad path: tables of times, rates and datagrams, kept as reviewed snapshots.
//!
//! Two endpoints on virtual time. A change of quality shows as a difference here: look at it, and accept it
//! (`INSTA_UPDATE=always`) or mend it. The marks that the transport has set itself are asserted besides.
//! Invariant: the same tables from the same code, to the digit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test: what fails here fails loudly"
)]

mod cubic;
mod flow;
mod marks;
mod outages;
mod road;
mod shares;
mod times;

use std::time::Duration;

/// Milliseconds at a fraction of the sorted times.
fn at_percent(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    let index = (times.len() * percent / 100).min(times.len() - 1);
    times[index].as_secs_f64() * 1_000.0
}

fn per(amount: u64, of: usize) -> f64 {
    f64::from(u32::try_from(amount).unwrap()) / f64::from(u32::try_from(of).unwrap())
}
