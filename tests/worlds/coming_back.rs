//! Who was away is found again soon: a registry that is back, a peer that is somewhere else now. Who is dead is missed.
//!
//! Both engines with real SQLite in a world of our own making. What is asserted is what people wait for.

use std::time::Duration;

use crate::world::World;
use crate::world::network::Faults;
use udpchat::client::interface::{Command, Event, Road};
use udpchat::limits::LEASE;

const MINUTE: Duration = Duration::from_secs(60);

fn joined(names: &[&'static str]) -> World {
    let mut world = World::new(1, Faults::NONE);
    world.start_registry();
    names.iter().for_each(|name| world.join(name));
    world.pass(Duration::from_secs(3));
    world
}

/// What somebody is told from now on, but for what is for programs.
fn told_after(world: &World, name: &str, before: usize) -> Vec<Event> {
    let mut told = world.events(name).split_off(before);
    told.retain(|event| !matches!(event, Event::Accepted { .. }));
    told
}

#[test]
fn a_registry_that_was_away_for_long_is_found_within_a_keep_alive_and_a_round_of_attempts() {
    let mut world = joined(&["x", "y", "z"]);
    world.kill_registry();
    world.pass(10 * MINUTE + Duration::from_secs(15));
    assert!(!world.is_registered("x"));
    world.start_registry();
    for name in ["x", "y", "z"] {
        world.until("found again", Duration::from_secs(20), |world| {
            world.is_registered(name)
        });
    }
}

#[test]
fn clients_do_not_come_back_to_a_registry_all_at_once() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut world = joined(&names);
    world.kill_registry();
    world.pass(5 * MINUTE);
    world.keep_sent();
    world.pass(MINUTE);
    let tries = world.keep_sent();
    let initials = tries.iter().filter(|sent| sent.kind == "Initial").count();
    // Five in a round; a round and the pause after it take 17.5 s at least.
    assert!(
        (8 * 5 * 2..=8 * 5 * 4).contains(&initials),
        "{initials} in a minute"
    );
    world.start_registry();
    let mut registered = Vec::new();
    for _ in 0..200 {
        world.pass(Duration::from_millis(100));
        registered.push(names.iter().filter(|name| world.is_registered(name)).count());
    }
    assert_eq!(registered.last(), Some(&names.len()));
    let steps = registered.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(steps >= 4, "{registered:?}");
}

#[test]
fn whoever_types_has_the_registry_tried_at_once() {
    let mut world = joined(&["x", "y"]);
    world.kill("y");
    world.pass(2 * MINUTE);
    world.kill_registry();
    world.pass(10 * MINUTE);
    // Until a round of attempts has just ended.
    let before = world.flown();
    world.until("a try", MINUTE, |world| world.flown() > before);
    world.pass(Duration::from_secs(4));
    world.start_registry();
    let before = world.events("x").len();
    world.send("x", "y", "hi");
    world.until("saved", Duration::from_secs(2), |world| {
        told_after(world, "x", before).contains(&Event::Stored {
            to: "y".parse().unwrap(),
        })
    });
}

#[test]
fn a_recipient_who_is_back_at_another_port_gets_the_next_message_directly() {
    let mut world = joined(&["x", "y"]);
    world.send("x", "y", "before");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.shown("y")["x"], ["before"]);
    world.kill("y");
    let mut address = world.address("y");
    address.set_port(address.port() + 1);
    world.move_to("y", address);
    world.start("y");
    world.pass(Duration::from_secs(3));
    let before = world.events("x").len();
    world.send("x", "y", "after");
    world.pass(Duration::from_secs(3));
    assert_eq!(
        told_after(&world, "x", before),
        [Event::Received {
            to: "y".parse().unwrap()
        }]
    );
    let line = world.lines("y").pop().unwrap();
    assert_eq!((line.text.as_str(), line.road), ("after", Road::Direct));
}

#[test]
fn a_sender_who_comes_back_after_months_hears_how_his_message_ended() {
    let day = 24 * 60 * MINUTE;
    let mut world = joined(&["x", "y"]);
    world.kill("y");
    world.pass(2 * MINUTE);
    world.send("x", "y", "hi");
    world.pass(Duration::from_secs(3));
    world.kill("x");
    world.join("y");
    world.pass(Duration::from_secs(3));
    assert_eq!(world.shown("y")["x"], ["hi"]);
    world.kill("y");
    // Nobody needs the registry for so long that it forgets the outcome.
    world.set_registry_asleep(true);
    world.pass(61 * day);
    world.set_registry_asleep(false);
    world.pass(MINUTE);
    world.join("x");
    world.pass(MINUTE);
    assert_eq!(world.unfinished("x"), 1, "who has it is away");
    world.join("y");
    world.until("told", MINUTE, |world| {
        world.told("x", |event| matches!(event, Event::ReceivedLater { .. }))
    });
    assert_eq!(world.unfinished("x"), 0);
    assert_eq!(world.shown("y")["x"], ["hi"], "once");
}

#[test]
fn who_dies_without_a_word_is_told_to_be_offline_within_the_lease() {
    let mut world = joined(&["x", "y"]);
    world.command("x", Command::Presence { on: true });
    world.pass(Duration::from_secs(7));
    let is_gone = |world: &World| {
        world.told(
            "x",
            |event| matches!(event, Event::Presence { name, online: false } if name.as_str() == "y"),
        )
    };
    world.kill("y");
    // The registry may have heard of it up to a keep-alive before.
    world.pass(LEASE / 2);
    assert!(!is_gone(&world), "it may be back");
    // A change of the directory takes a second to be told, where another was told just before, and one to be shown.
    world.until("missed", LEASE / 2 + Duration::from_secs(2), is_gone);
    world.start("y");
    world.until("back", Duration::from_secs(3), |world| {
        world.told("x", |event| matches!(event, Event::Presence { online: true, .. }))
    });
}
