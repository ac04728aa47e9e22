//! A client whose registry is silent when it starts: what was typed is told to wait, and goes out once.
//!
//! With the built program, pipes and real sockets. Invariant held here: a program does not end with a message of which
//! it has said nothing.

use crate::common::World;
use crate::common::classic::{OFFLINE, SAVED, SILENT, WAITS, WELCOME_BACK};
use crate::common::pipes::Program;

const EXITING: &str = "[Exiting]";

/// A client's run with these lines through a pipe: its exit code, and what it says.
fn run(world: &World, name: &str, lines: &str) -> (i32, Vec<String>) {
    let mut client = Program::start(world, &world.chat(name));
    client.feed(lines.as_bytes());
    client.end_input();
    client.end()
}

/// A world whose registry has known these people, and is gone.
fn without_registry(names: &[&str]) -> World {
    let world = World::new();
    let registry = Program::registry(&world);
    for name in names {
        let client = Program::client(&world, name);
        client.interrupt();
        assert_eq!(client.end().0, 0);
    }
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    world
}

#[test]
fn a_pipe_to_a_registry_that_is_away_is_told_what_waits_and_it_goes_once() {
    let world = without_registry(&["x", "y"]);
    let (code, said) = run(&world, "x", "send y one\nsend y two\n");
    let told = [SILENT, WAITS, WAITS, OFFLINE, EXITING].map(str::to_owned);
    assert_eq!((code, said), (1, told.to_vec()));

    let registry = Program::registry(&world);
    let mut x = Program::returning_client(&world, "x");
    x.expect(SAVED);
    x.expect(SAVED);
    let mut y = Program::returning_client(&world, "y");
    assert!(y.expect_start("x: ").ends_with(" one"));
    assert!(y.expect_start("x: ").ends_with(" two"));
    for client in [x, y] {
        client.interrupt();
        assert_eq!(client.end().0, 0);
    }
    drop(registry);
}

#[test]
fn who_starts_while_the_registry_is_away_is_registered_when_it_is_back() {
    let world = without_registry(&["x", "y"]);
    let mut x = Program::start(&world, &world.chat("x"));
    x.expect(SILENT);
    x.type_line("send y hi");
    x.expect(WAITS);
    let registry = Program::registry(&world);
    x.expect(WELCOME_BACK);
    x.expect(SAVED);
    drop(registry);
}

#[test]
fn a_registry_that_was_never_reached_ends_the_program_and_nothing_is_kept() {
    let world = World::new();
    let (code, said) = run(&world, "x", "send y hi\n");
    assert_eq!(code, 1);
    assert_eq!(said.first().map(String::as_str), Some(SILENT));
    assert_eq!(said.last().map(String::as_str), Some(EXITING));
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    x.quiet();
    assert_eq!(x.talk().len(), 1, "nobody is written to");
    drop(registry);
}
