//! `kill -9` of each of the three processes: nothing accepted is lost, nothing is shown twice.

mod common;

use common::World;
use common::pipes::Program;

const SAVED: &str = "[Messages received by the server and saved]";

#[test]
fn a_killed_recipient_is_back_at_once_and_gets_each_message_once() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.type_line("send y before");
    y.expect("x: before");
    x.expect("[Message received by y.]");
    // A crash may repeat a line whose being shown is not on the disk yet.
    y.quiet();
    y.kill();

    x.type_line("send y while dead");
    x.expect("[No ACK from y, message sent to server.]");
    x.expect(SAVED);

    let mut y = Program::returning_client(&world, "y");
    y.expect("[You have messages]");
    assert!(y.expect_start("x: 20").ends_with(" while dead"));
    x.expect_start("[Message of 20");
    x.quiet();
    // Directly, or through the server where the sender has not yet noticed that y is another process.
    x.type_line("send y after");
    assert!(y.expect_start("x: ").ends_with(" after"));
    y.type_line("quit");
    let (code, lines) = y.end();
    assert_eq!(code, 0);
    let from_x = lines.iter().filter(|line| line.starts_with("x: "));
    assert_eq!(from_x.count(), 2, "each once, and none of before: {lines:#?}");
}

#[test]
fn what_a_killed_sender_had_accepted_goes_out_when_it_runs_again() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.quiet();
    y.type_line("dereg");
    y.expect("[You are Offline. Bye.]");
    registry.kill();
    x.type_line("send y one");
    x.expect("[Message to y is waiting; it will be sent when y or the server can be reached.]");
    x.kill();

    let _registry = Program::registry(&world);
    let mut x = Program::returning_client(&world, "x");
    x.expect(SAVED);
    y.type_line("reg");
    assert!(y.expect_start("x: 20").ends_with(" one"));
    x.expect_start("[Message of 20");
    y.type_line("quit");
    let (_, lines) = y.end();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("x: ")).count(),
        1,
        "{lines:#?}"
    );
}

#[test]
fn a_killed_registry_has_kept_what_it_said_was_saved() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.quiet();
    y.type_line("dereg");
    y.expect("[You are Offline. Bye.]");
    for number in 0..10 {
        x.type_line(&format!("send y number {number}"));
    }
    for _ in 0..10 {
        x.expect(SAVED);
    }
    registry.kill();

    let _registry = Program::registry(&world);
    y.type_line("reg");
    for number in 0..10 {
        assert!(y.expect_start("x: 20").ends_with(&format!(" number {number}")));
    }
    for _ in 0..10 {
        x.expect_start("[Message of 20");
    }
    y.type_line("quit");
    let (_, lines) = y.end();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("x: ")).count(),
        10,
        "{lines:#?}"
    );
}

#[test]
fn clients_go_on_without_a_killed_registry() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.type_line("send y hello");
    y.expect("x: hello");
    registry.kill();
    x.type_line("send y without a server");
    y.expect("x: without a server");
    x.expect("[Message received by y.]");
    y.type_line("send x and back");
    x.expect("y: and back");
}
