//! Many messages at once between clients that cannot reach each other: all go through the registry.
//!
//! More than a mailbox takes from one sender, and faster than deposits are taken. Nobody is away, so nothing may be
//! refused: the sender is asked to come again, and all arrives, in order.

use std::time::Duration;

use crate::world::World;
use crate::world::network::Faults;
use udpchat::client::interface::{Event, Road};

const MESSAGES: usize = 400;

fn texts() -> Vec<String> {
    (0..MESSAGES).map(|n| format!("{n:03}")).collect()
}

/// The two, registered, with no path between them.
fn apart(seed: u64, faults: Faults) -> World {
    let mut world = World::new(seed, Faults::NONE);
    world.start_registry();
    for name in ["x", "y"] {
        world.start(name);
        world.until("joined", Duration::from_secs(10), |world| {
            let joined = |event: &Event| matches!(event, Event::Registered { .. });
            world.events(name).iter().any(joined)
        });
    }
    let (x, y) = (world.address("x"), world.address("y"));
    world.network.cut_one_way(x, y);
    world.network.cut_one_way(y, x);
    world.network.faults = faults;
    world.pass(Duration::from_secs(3));
    world
}

fn burst(seed: u64, faults: Faults) {
    let mut world = apart(seed, faults);
    for text in texts() {
        world.send("x", "y", &text);
    }
    let limit = Duration::from_secs(120);
    world.until("all that was sent at once is delivered", limit, |world| {
        world.unfinished("x") == 0
    });
    let refused = |event: &Event| matches!(event, Event::Refused { .. } | Event::Expired { .. });
    assert!(
        !world.events("x").iter().any(refused),
        "seed {seed}: nobody was away"
    );
    let shown: Vec<String> = world
        .events("y")
        .into_iter()
        .filter_map(|event| match event {
            Event::Incoming(message) if message.road != Road::Late => Some(message.text),
            _ => None,
        })
        .collect();
    assert_eq!(shown, texts(), "seed {seed}: all in order, none late");
}

#[test]
fn a_burst_through_the_registry_is_not_refused_to_somebody_who_is_there() {
    burst(1, Faults::NONE);
}

#[test]
fn nor_on_a_bad_network() {
    for seed in [2, 3] {
        burst(seed, Faults::A_THIRD);
    }
}
