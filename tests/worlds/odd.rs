//! Worlds in which something unlikely has happened: a registry's database is lost, an identity runs twice, a folder
//! comes from a backup, a name changes hands, a machine sleeps, a path works one way only.
//!
//! Both engines with real SQLite on virtual time. In each, all is well in the end: what was accepted has ended, once
//! and truly, within a bound, and then the system is quiet. Invariant: one seed gives one history.

#![expect(clippy::print_stderr, reason = "a failure has to name its seed")]

use std::time::Duration;

use crate::world::World;
use crate::world::network::Faults;
use udpchat::client::interface::{Command, Event};

const SEEDS: u64 = 3;
const MINUTE: Duration = Duration::from_secs(60);
/// So long after all is well everything has ended: a request that has backed off comes again within a minute, and
/// may be answered by another that does.
const BOUND: Duration = Duration::from_secs(5 * 60);

fn for_seeds(faults: Faults, play: impl Fn(&mut World)) {
    for seed in 0..SEEDS {
        eprintln!("seed {seed}");
        let mut world = World::new(seed, Faults::NONE);
        world.start_registry();
        for name in ["x", "y", "z"] {
            world.join(name);
        }
        world.network.faults = faults;
        play(&mut world);
    }
}

/// All is well: everything ends within the bound, and then nothing is said but that everybody is there.
fn settle(world: &mut World, names: &[&str]) {
    world.network.faults = Faults::NONE;
    world.network.heal_all();
    world.until("everything is at its end", BOUND, |world| {
        names.iter().all(|name| world.unfinished(name) == 0)
    });
    world.pass(4 * MINUTE);
    let before = world.flown();
    world.pass(MINUTE);
    // A keep-alive, its answer and two acknowledgements, three times.
    let most = 3 * 4 * names.len() as u64 + 12;
    let flown = world.flown() - before;
    assert!(flown <= most, "{flown} datagrams in a minute of rest");
    world.kill_all();
}

fn send_some(world: &mut World, from: &str, to: &str, what: &str, count: u32) {
    for number in 0..count {
        world.send(from, to, &format!("{what}{number:02}"));
        world.pass(Duration::from_millis(20));
    }
}

fn told(world: &World, name: &str, is_it: impl Fn(&Event) -> bool) -> usize {
    world.events(name).iter().filter(|event| is_it(event)).count()
}

fn stored(world: &World, name: &str) -> usize {
    told(world, name, |event| matches!(event, Event::Stored { .. }))
}

#[test]
fn what_a_lost_or_restored_registry_kept_is_deposited_again() {
    for restored in [false, true] {
        for_seeds(Faults::A_THIRD, |world| {
            world.kill_registry();
            world.copy_database("registry", "backup");
            world.start_registry();
            world.pass(MINUTE);
            world.command("y", Command::Deregister);
            world.pass(Duration::from_secs(10));
            send_some(world, "x", "y", "a", 5);
            send_some(world, "z", "y", "a", 5);
            world.until("stored", 2 * MINUTE, |world| {
                stored(world, "x") == 5 && stored(world, "z") == 5
            });
            world.kill_registry();
            if restored {
                world.copy_database("backup", "registry");
            } else {
                world.lose_database("registry");
            }
            world.start_registry_restored(9);
            world.pass(MINUTE);
            send_some(world, "x", "y", "b", 3);
            world.pass(MINUTE);
            for name in ["x", "z"] {
                let again = told(world, name, |event| {
                    matches!(event, Event::StoredAgain { messages: 5 })
                });
                assert_eq!(again, 1, "{name} is told");
            }
            world.network.faults = Faults::NONE;
            world.command("y", Command::Register);
            settle(world, &["x", "y", "z"]);
            assert_eq!(world.told_each_end("x", "y").delivered.len(), 8);
            assert_eq!(world.told_each_end("z", "y").delivered.len(), 5);
        });
    }
}

#[test]
fn a_copy_of_an_identity_takes_its_place_and_the_other_says_why_and_stays_away() {
    for_seeds(Faults::A_THIRD, |world| {
        send_some(world, "x", "z", "a", 3);
        world.until("known", MINUTE, |world| world.unfinished("x") == 0);
        world.kill("x");
        world.introduce_copy("x2", "x");
        world.copy_database("x", "x2");
        world.join("x");
        send_some(world, "x", "z", "b", 3);
        send_some(world, "z", "x", "a", 3);
        world.network.faults = Faults::NONE;
        world.join("x2");
        world.until("told", MINUTE, |world| {
            world.told("x", |event| *event == Event::Superseded)
        });
        let registered = |event: &Event| matches!(event, Event::Registered { .. });
        let before = told(world, "x", registered);
        send_some(world, "x", "z", "c", 2);
        send_some(world, "x2", "z", "d", 3);
        send_some(world, "z", "x", "b", 3);
        world.pass(10 * MINUTE);
        assert!(world.is_registered("x2") && !world.is_registered("x"));
        assert_eq!(told(world, "x", registered), before, "never by itself");
        assert_eq!(world.unfinished("x2") + world.unfinished("z"), 0);
        // Only when its user says so.
        world.command("x", Command::Register);
        world.until("the other is told", MINUTE, |world| {
            world.told("x2", |event| *event == Event::Superseded)
        });
        settle(world, &["x", "z"]);
        let inbox = world.inbox("z", "x");
        assert_eq!(
            inbox.len(),
            3 + 3 + 2 + 3,
            "each once, whichever copy wrote it: {inbox:?}"
        );
        let (first, second) = (world.inbox("x", "z"), world.inbox("x2", "z"));
        for text in world.ends("z", "x").delivered {
            assert!(
                first.contains(&text) || second.contains(&text),
                "{text} is in one of them"
            );
        }
        world.shown_as_promised("z", "x2");
    });
}

#[test]
fn who_comes_back_with_an_older_copy_of_his_folder_is_registered_and_writes_on() {
    for away in [false, true] {
        for_seeds(Faults::A_THIRD, |world| {
            send_some(world, "x", "y", "a", 3);
            world.until("known", MINUTE, |world| world.unfinished("x") == 0);
            world.kill("x");
            world.copy_database("x", "backup");
            world.join("x");
            if away {
                world.command("y", Command::Deregister);
                world.pass(Duration::from_secs(10));
            }
            send_some(world, "x", "y", "b", 3);
            world.pass(MINUTE);
            world.kill("x");
            world.copy_database("backup", "x");
            world.network.faults = Faults::NONE;
            world.join("x");
            world.network.faults = Faults::A_THIRD;
            send_some(world, "x", "y", "c", 5);
            world.pass(MINUTE);
            if away {
                world.network.faults = Faults::NONE;
                world.command("y", Command::Register);
            }
            settle(world, &["x", "y"]);
            assert_eq!(
                world.ends("x", "y").delivered.len(),
                3 + 5,
                "what this folder knows of"
            );
            let inbox = world.inbox("y", "x");
            assert_eq!(
                inbox.len(),
                3 + 3 + 5,
                "also what it no longer knows of: {inbox:?}"
            );
            // What did not conflict keeps its number, and may be shown before what had to get a new one.
            let mut shown = world.shown("y").remove("x").unwrap_or_default();
            shown.sort();
            assert_eq!(shown, inbox, "each once");
        });
    }
}

#[test]
fn when_a_name_changes_hands_nothing_is_sent_until_the_new_identity_is_trusted() {
    for_seeds(Faults::A_THIRD, |world| {
        send_some(world, "x", "y", "a", 2);
        world.until("known", MINUTE, |world| world.unfinished("x") == 0);
        world.command("y", Command::Deregister);
        world.pass(Duration::from_secs(20));
        let before = stored(world, "x");
        send_some(world, "x", "y", "b", 3);
        world.until("stored", MINUTE, |world| stored(world, "x") == before + 3);
        world.kill("y");
        world.kill_registry();
        // Under way when it happens: accepted, and not at the registry.
        send_some(world, "x", "y", "c", 2);
        assert_eq!(world.release("y"), Some(3));
        world.start_registry();
        world.introduce_namesake("y2", "y");
        world.network.faults = Faults::NONE;
        world.pass(MINUTE);
        world.join("y2");
        world.network.faults = Faults::A_THIRD;
        let changed = |event: &Event| match event {
            Event::IdentityChanged { found, .. } => Some(found.fingerprint()),
            _ => None,
        };
        world.until("x is told", 2 * MINUTE, |world| {
            world.told("x", |event| changed(event).is_some())
        });
        send_some(world, "x", "y", "d", 2);
        world.pass(2 * MINUTE);
        assert!(
            !world.told("y2", |event| matches!(event, Event::Incoming(_))),
            "nothing is sent"
        );
        let fingerprint = world.events("x").iter().find_map(changed).unwrap_or_default();
        let name = "y".parse().unwrap_or_else(|_| unreachable!("a name"));
        world.command("x", Command::Trust { name, fingerprint });
        settle(world, &["x", "y2", "z"]);
        let ends = world.ends("x", "y2");
        // Of the two that were under way the registry may have had a copy, sealed for him who had the name.
        assert_eq!(ends.refused[..3], ["b00", "b01", "b02"]);
        assert!(
            ends.refused[3..].iter().all(|text| text.starts_with('c')),
            "{ends:?}"
        );
        assert_eq!(ends.refused.len() + ends.delivered.len(), 2 + 3 + 2 + 2);
        let arrived = [world.inbox("y", "x"), world.inbox("y2", "x")].concat();
        assert_eq!(arrived, ends.delivered);
        assert!(
            world
                .inbox("y2", "x")
                .ends_with(&["d00".to_owned(), "d01".to_owned()])
        );
        world.shown_as_promised("x", "y2");
    });
}

#[test]
fn a_machine_that_slept_goes_on_where_it_was() {
    for (span, wall_off_ms) in [
        (Duration::from_secs(90), 0),
        (10 * MINUTE, 7_200_000),
        (60 * MINUTE, -172_800_000),
    ] {
        for_seeds(Faults::A_THIRD, |world| {
            send_some(world, "x", "y", "a", 3);
            send_some(world, "y", "x", "a", 3);
            world.send("x", "z", "a99");
            // In the middle of all that.
            world.set_asleep("x", true);
            send_some(world, "y", "x", "b", 3);
            world.pass(span);
            world.set_wall_off("x", wall_off_ms);
            world.set_asleep("x", false);
            send_some(world, "x", "y", "b", 3);
            send_some(world, "z", "x", "b", 3);
            world.pass(Duration::from_secs(30));
            // And the registry's own machine.
            world.set_registry_asleep(true);
            send_some(world, "x", "y", "c", 2);
            world.pass(span);
            world.set_registry_wall_off(-wall_off_ms);
            world.set_registry_asleep(false);
            world.set_wall_off("x", 0);
            settle(world, &["x", "y", "z"]);
            for (from, to, count) in [("x", "y", 8), ("y", "x", 6), ("x", "z", 1), ("z", "x", 3)] {
                assert_eq!(world.told_each_end(from, to).delivered.len(), count);
            }
        });
    }
}

#[test]
fn paths_that_work_one_way_only_keep_nothing_from_its_end() {
    let registry = World::registry_address();
    for_seeds(Faults::A_THIRD, |world| {
        let (x, y) = (world.address("x"), world.address("y"));
        for (index, (from, to)) in [(x, registry), (registry, x), (x, y), (y, x)]
            .into_iter()
            .enumerate()
        {
            world.network.cut_one_way(from, to);
            send_some(world, "x", "y", &format!("{index}"), 3);
            send_some(world, "y", "x", &format!("{index}"), 3);
            world.pass(2 * MINUTE);
            world.network.heal_all();
            world.pass(Duration::from_secs(5));
        }
        settle(world, &["x", "y", "z"]);
        for (from, to) in [("x", "y"), ("y", "x")] {
            assert_eq!(world.told_each_end(from, to).delivered.len(), 12);
        }
    });
}

#[test]
fn a_registry_that_was_restarted_is_noticed_at_the_next_keep_alive() {
    for_seeds(Faults::NONE, |world| {
        world.pass(MINUTE);
        world.kill_registry();
        world.start_registry();
        let before = world.flown();
        world.until("noticed", udpchat::limits::KEEP_ALIVE, |world| {
            world.flown() > before + 3
        });
        world.pass(udpchat::limits::KEEP_ALIVE);
        assert!(["x", "y", "z"].iter().all(|name| world.is_registered(name)));
        assert_eq!(told(world, "x", |event| *event == Event::ServerSilent), 0);
    });
}
