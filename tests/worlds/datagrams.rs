//! What a message costs on the wire: every datagram counted, with its kind and size, on a network that loses nothing.
//!
//! Both engines and the transport on virtual time; what is counted is what was sent. Keep-alives and the directory's
//! news are out of the way: nobody joins or leaves meanwhile. Invariant: a figure that changes here is a change of what
//! users pay for, and is looked at as one.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;
use std::time::Duration;

use crate::world::World;
use crate::world::network::Faults;
use udpchat::client::interface::Event;

/// Five letters.
const TEXT: &str = "hello";

/// Two clients who have heard of each other, and are done with it.
fn two() -> World {
    let mut world = World::new(1, Faults::NONE);
    world.start_registry();
    world.join("alice");
    world.join("bob");
    world.pass(Duration::from_secs(5));
    world
}

/// What it takes until alice knows that bob has her message, and all is quiet again.
fn cost(world: &mut World) -> String {
    world.keep_sent();
    let known = delivered(world);
    world.send("alice", "bob", TEXT);
    world.until("delivered", Duration::from_secs(5), |world| {
        delivered(world) > known
    });
    // Shorter than until the next keep-alive.
    world.pass(Duration::from_secs(3));
    let mut table = String::new();
    let mut total = (0, 0);
    for sent in world.keep_sent() {
        total = (total.0 + 1, total.1 + sent.bytes);
        let name = |address| match address {
            _ if address == world.address("alice") => "alice",
            _ if address == world.address("bob") => "bob",
            _ => "registry",
        };
        let (from, to) = (name(sent.from), name(sent.to));
        let row = writeln!(table, "{from:>5} → {to:<5}  {:<8} {:>5}", sent.kind, sent.bytes);
        row.unwrap();
    }
    writeln!(table, "{} datagrams, {} bytes", total.0, total.1).unwrap();
    table
}

fn delivered(world: &World) -> usize {
    let events = world.events("alice");
    events
        .iter()
        .filter(|event| matches!(event, Event::Received { .. }))
        .count()
}

#[test]
fn a_first_and_a_later_message() {
    let mut world = two();
    let first = cost(&mut world);
    let later = cost(&mut world);
    world.pass(Duration::from_secs(300));
    let after_idle = cost(&mut world);
    let table =
        format!("first\n{first}\nlater\n{later}\nafter the session was closed for want of use\n{after_idle}");
    println!("{table}");
    insta::assert_snapshot!(table, @r"
    first
    alice → bob    Initial   1200
      bob → alice  Response   267
    alice → bob    Finish     352
      bob → alice  Data        39
      bob → alice  Data       123
    alice → bob    Data        38
    6 datagrams, 2019 bytes

    later
    alice → bob    Data       158
      bob → alice  Data       130
    alice → bob    Data        40
    3 datagrams, 328 bytes

    after the session was closed for want of use
    alice → bob    Initial   1200
      bob → alice  Response   267
    alice → bob    Finish     352
      bob → alice  Data        39
      bob → alice  Data       123
    alice → bob    Data        38
    6 datagrams, 2019 bytes
    ");
}
