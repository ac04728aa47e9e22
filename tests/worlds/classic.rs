//! The two classic sessions with a third of all datagrams lost, duplicated or reordered, on virtual time.
//!
//! Both engines, the transport and real SQLite. Which road a message takes is chance; what is asserted is how it
//! ends: with everybody who was written to, once, in order, and known to its sender.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is missing fails the test"
)]

use std::time::Duration;

use crate::world::World;
use crate::world::network::Faults;
use udpchat::client::interface::{Command, Event};

const MINUTE: Duration = Duration::from_secs(60);
const SEEDS: u64 = 12;

fn joined(name: &'static str) -> impl Fn(&World) -> bool {
    move |world| {
        world
            .events(name)
            .iter()
            .any(|event| matches!(event, Event::Registered { .. }))
    }
}

/// Starts a client, and again if the network did not let it join: that is what a person would do.
fn join(world: &mut World, name: &'static str) {
    for _ in 0..10 {
        world.start(name);
        let ended = |world: &World| {
            world
                .events(name)
                .iter()
                .rev()
                .any(|event| matches!(event, Event::Ended(_)))
        };
        let before = world.events(name).len();
        world.until("joined or gave up", MINUTE, |world| {
            let news = &world.events(name)[before..];
            news.iter()
                .any(|event| matches!(event, Event::Registered { .. } | Event::Ended(_)))
        });
        if joined(name)(world) {
            return;
        }
        assert!(ended(world));
        world.kill(name);
    }
    panic!("{name} could not join in ten tries");
}

/// How many of his messages a sender knows to have arrived.
fn delivered(world: &World, name: &str) -> usize {
    let arrived = |event: &&Event| matches!(event, Event::Received { .. } | Event::ReceivedLater { .. });
    world.events(name).iter().filter(arrived).count()
}

fn deregistered(world: &World, name: &str) -> usize {
    world
        .events(name)
        .iter()
        .filter(|event| matches!(event, Event::Deregistered))
        .count()
}

fn registered(world: &World, name: &str) -> usize {
    world
        .events(name)
        .iter()
        .filter(|event| matches!(event, Event::Registered { .. }))
        .count()
}

fn come_back(world: &mut World, name: &'static str) {
    let before = registered(world, name);
    for _ in 0..10 {
        world.command(name, Command::Register);
        let told = world.events(name).len();
        world.until("back, or the server silent", MINUTE, |world| {
            let silent = world.events(name)[told..]
                .iter()
                .any(|event| matches!(event, Event::ServerSilent));
            registered(world, name) > before || silent
        });
        if registered(world, name) > before {
            return;
        }
    }
    panic!("{name} could not come back in ten tries");
}

fn leave_all(world: &mut World, names: &[&'static str]) {
    for name in names {
        world.command(name, Command::Leave);
        world.until("ended", MINUTE, |world| {
            world.events(name).iter().any(|e| matches!(e, Event::Ended(_)))
        });
        world.kill(name);
    }
}

fn first_session(seed: u64) {
    let mut world = World::new(seed, Faults::A_THIRD);
    world.start_registry();
    for name in ["x", "y", "z"] {
        join(&mut world, name);
    }
    for (from, to) in [
        ("x", "y"),
        ("x", "z"),
        ("y", "x"),
        ("y", "z"),
        ("z", "x"),
        ("z", "y"),
    ] {
        world.send(from, to, &format!("1 from {from} to {to}"));
    }
    world.until("all six arrive and are known to", 5 * MINUTE, |world| {
        ["x", "y", "z"].iter().all(|name| delivered(world, name) == 2)
    });
    world.command("x", Command::Deregister);
    world.until("x left", MINUTE, |world| deregistered(world, "x") == 1);
    for turn in 2..5 {
        world.send("y", "x", &format!("{turn} from y to x"));
        world.send("z", "x", &format!("{turn} from z to x"));
    }
    world.pass(MINUTE);
    assert_eq!(delivered(&world, "y"), 2, "x is away");
    come_back(&mut world, "x");
    world.until("the mail arrives and is known to", 5 * MINUTE, |world| {
        delivered(world, "y") == 5 && delivered(world, "z") == 5
    });
    let shown = world.shown("x");
    for from in ["y", "z"] {
        let expected: Vec<_> = (1..5).map(|turn| format!("{turn} from {from} to x")).collect();
        assert_eq!(shown[from], expected, "once and in order");
    }
    leave_all(&mut world, &["x", "y", "z"]);
}

fn second_session(seed: u64) {
    let mut world = World::new(seed, Faults::A_THIRD);
    world.start_registry();
    for name in ["x", "y", "z"] {
        join(&mut world, name);
    }
    world.send("x", "z", "before");
    world.until("x and z know each other", 5 * MINUTE, |world| {
        delivered(world, "x") == 1
    });
    world.command("y", Command::Deregister);
    world.until("y left", MINUTE, |world| deregistered(world, "y") == 1);
    world.pass(Duration::from_secs(5));
    world.kill_registry();
    world.send("x", "y", "while the server is down");
    world.until("x is told that it waits", MINUTE, |world| {
        let told = world.events("x");
        told.iter().any(|e| matches!(e, Event::ServerSilent))
            && told.iter().any(|e| matches!(e, Event::Waiting { .. }))
    });
    world.send("x", "z", "without a server");
    world.until("x and z go on", 5 * MINUTE, |world| delivered(world, "x") == 2);
    world.start_registry();
    world.until("x's message is deposited by itself", 5 * MINUTE, |world| {
        world
            .events("x")
            .iter()
            .any(|event| matches!(event, Event::Stored { .. }))
    });
    come_back(&mut world, "y");
    world.until("y has it and x knows", 5 * MINUTE, |world| {
        delivered(world, "x") == 3
    });
    assert_eq!(world.shown("y")["x"], ["while the server is down"]);
    assert_eq!(world.shown("z")["x"], ["before", "without a server"]);
    leave_all(&mut world, &["x", "y", "z"]);
}

#[test]
fn the_first_classic_session_ends_well_on_a_bad_network() {
    for seed in 0..SEEDS {
        first_session(seed);
    }
}

#[test]
fn the_second_classic_session_ends_well_on_a_bad_network() {
    for seed in 0..SEEDS {
        second_session(seed);
    }
}
