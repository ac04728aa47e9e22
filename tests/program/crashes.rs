//! `kill -9` of each of the three processes: nothing accepted is lost, nothing is shown twice.

use crate::common::World;
use crate::common::pipes::Program;
use crate::common::pty::Terminal;

const SAVED: &str = "[Messages received by the server and saved]";

/// Leaves; how many messages from x it was shown.
fn messages_from_x(mut client: Program) -> usize {
    client.type_line("quit");
    let (_, lines) = client.end();
    lines.iter().filter(|line| line.starts_with("x: ")).count()
}

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
    assert_eq!(messages_from_x(y), 1);
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
    assert_eq!(messages_from_x(y), 10);
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

/// The mark that the line of each message's state was seen is taken back: as when a crash came before the line.
fn unmark(world: &World, name: &str) {
    let database = world.client_folder(name).join("database.sqlite");
    let marks = rusqlite::Connection::open(database)
        .and_then(|connection| connection.execute("UPDATE outbox SET told = 0", []));
    assert_eq!(marks, Ok(1), "messages in the outbox");
}

#[test]
fn what_a_crash_kept_from_the_screen_is_said_by_the_next_run_and_only_that() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let y = Program::client(&world, "y");
    y.interrupt();
    assert_eq!(y.end().0, 0);
    x.type_line("send y hi");
    x.expect(SAVED);
    // The line is marked a moment after it is written.
    x.quiet();
    x.kill();

    let mut x = Program::start(&world, &world.chat("x"));
    let before = x.expect("[Welcome back, You are registered.]");
    assert_eq!(before, [""; 0], "the line was marked");
    x.kill();

    unmark(&world, "x");
    let mut x = Program::start(&world, &world.chat("x"));
    let before = x.expect("[Welcome back, You are registered.]");
    assert_eq!(before, [SAVED]);
    x.quiet();
    x.kill();

    unmark(&world, "x");
    let mut x = Terminal::start(&world, &world.chat("x"));
    x.wait("both lines", |lines| {
        let line = |text: &str| lines.iter().position(|line| line == text);
        let (saved, welcome) = (line(SAVED), line("[Welcome back, You are registered.]"));
        saved.is_some() && welcome.is_some() && saved < welcome
    });
}
