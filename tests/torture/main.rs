//! The built program, real sockets, real files: `kill -9` of registry and clients at random, networks that lose, delay,
//! repeat and part, addresses that change, a registry whose disk is full; until all is healed and what was accepted
//! is compared with what was shown.
//!
//! `TORTURE_MESSAGES` and `TORTURE_KILLS` say how much, `TORTURE_SEED` which actions; `scripts/torture` runs more of
//! it. A seed repeats what is done, not what the machine makes of it: that is what simulations are for.
//! Invariant: every message counts that is in a sender's database, however its program ended.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this is test: what fails here fails loudly"
)]

#[path = "../common/mod.rs"]
mod common;
mod fate;
mod judge;
mod ordeal;
mod player;
mod router;
mod screen;

use common::disk::{Apart, Disk};
use ordeal::Ordeal;
use player::now;

/// Bytes of the registry's disk: what SQLite writes before it has to tidy up (16 MiB), and some hundred messages.
const DISK_BYTES: u32 = 24 << 20;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value:?}"))
    })
}

#[test]
fn what_was_accepted_was_shown_whatever_happens() {
    Disk::with(
        "what_was_accepted_was_shown_whatever_happens",
        DISK_BYTES,
        Apart::MountsAndNetworks,
        |disk| {
            let seed = setting("TORTURE_SEED", now().1);
            let messages = u32::try_from(setting("TORTURE_MESSAGES", 200)).unwrap();
            let kills = u32::try_from(setting("TORTURE_KILLS", 15)).unwrap();
            eprintln!("seed {seed}");
            let (began, _) = now();
            let mut ordeal = Ordeal::new(seed, disk);
            ordeal.begin();
            ordeal.rage(messages, kills);
            let healed = ordeal.heal();
            let verdict = ordeal.judge();
            let (healed, all) = (healed.as_secs_f64(), (now().0 - began).as_secs_f64());
            eprintln!(
                "{}\nhealed in {healed:.1} s, {all:.1} s in all",
                ordeal.summary(&verdict)
            );
            let faults = verdict.faults.join("\n");
            assert!(faults.is_empty(), "seed {seed}:\n{faults}");
            assert!(verdict.delivered > 0 || messages == 0, "nothing was delivered");
        },
    );
}
