//! Peers without a registry on a bad network, killed and started again at any time: what was accepted arrives, once and in
//! order, and is told.

#![expect(clippy::indexing_slicing, reason = "the tables are in this file")]

use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::client::interface::Command;

use crate::world::World;
use crate::world::actor::Disk;
use crate::world::network::Faults;

const NAMES: [&str; 3] = ["x", "y", "z"];
const ACTIONS: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(600);

fn start(world: &mut World, name: &'static str) {
    let others: Vec<&str> = NAMES.into_iter().filter(|other| *other != name).collect();
    world.start_peer(name, &others);
}

fn say(world: &mut World, name: &str, text: String) {
    world.command(name, Command::Say { text: text.into() });
}

/// Everybody is there and all is well: all that was accepted has to arrive.
fn settle(world: &mut World, seed: u64) {
    world.network.faults = Faults::NONE;
    world.set_disks(Disk::default());
    for name in NAMES {
        if !world.runs(name) {
            start(world, name);
        }
    }
    world.until(&format!("all arrives (seed {seed})"), PATIENCE, |world| {
        NAMES.iter().all(|name| world.unfinished(name) == 0)
    });
    // What is held back, and marks.
    world.pass(Duration::from_secs(5));
    world.kill_all();
}

/// Everything has arrived; how much.
fn arrived(world: &World) -> usize {
    let mut all = 0;
    for from in NAMES {
        for to in NAMES.into_iter().filter(|to| *to != from) {
            let ends = world.kept_its_promises(from, to);
            assert!(ends.all_delivered(), "{from} to {to}: {ends:?}");
            all += ends.delivered.len();
        }
    }
    all
}

fn live(seed: u64, disk: Disk) {
    let mut world = World::new(seed, Faults::A_THIRD);
    world.disk = disk;
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    NAMES.into_iter().for_each(|name| start(&mut world, name));
    for number in 0..ACTIONS {
        let name = NAMES[(rng.next_u32() % 3) as usize];
        match (world.runs(name), rng.next_u32() % 8) {
            (false, _) => start(&mut world, name),
            (true, 0) => world.kill(name),
            (true, 1) => world.kill_unheard(name),
            (true, _) => say(&mut world, name, format!("{number:03}")),
        }
        world.pass(Duration::from_millis(u64::from(rng.next_u32() % 3_000)));
    }
    settle(&mut world, seed);
    assert!(arrived(&world) > 0, "seed {seed}");
}

#[test]
fn kills_lose_nothing_and_repeat_nothing() {
    for seed in 0..4 {
        live(seed, Disk::default());
    }
}

#[test]
fn nor_do_bad_disks() {
    for seed in 10..12 {
        let disk = Disk {
            full_permille: 100,
            slow_permille: 100,
        };
        live(seed, disk);
    }
}

#[test]
fn those_who_call_each_other_at_once_meet() {
    for seed in 20..40 {
        let mut world = World::new(seed, Faults::A_THIRD);
        NAMES.into_iter().for_each(|name| start(&mut world, name));
        for name in NAMES {
            say(&mut world, name, "000".to_owned());
        }
        world.until(
            &format!("all have all (seed {seed})"),
            Duration::from_secs(60),
            |world| NAMES.iter().all(|name| world.unfinished(name) == 0),
        );
        settle(&mut world, seed);
        assert_eq!(arrived(&world), 6, "seed {seed}");
    }
}
