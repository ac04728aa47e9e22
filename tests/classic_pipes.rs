//! The two classic sessions, word for word, with the built program, real sockets and pipes.
//!
//! Session 1: everybody is there, then one is away and comes back. Session 2: the server is away and comes
//! back. The lines are the program's face: what is asserted here is what users and their scripts rely on.

mod common;

use common::classic::{OFFLINE, SAVED, SILENT, WAITS, WELCOME_BACK, everybody_was_there};
use common::pipes::{Program, TABLE_UPDATED};
use common::{World, timeless, without_time};

/// Sends a text and waits until it has arrived and that is known.
fn direct(from: &mut Program, to: &mut Program, (sender, recipient): (&str, &str)) {
    let text = format!("{sender} to {recipient}");
    from.type_line(&format!("send {recipient} {text}"));
    to.expect(&format!("{sender}: {text}"));
    from.expect(&format!("[Message received by {recipient}.]"));
}

#[test]
fn everybody_is_there_then_one_is_away_and_comes_back() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.expect(TABLE_UPDATED);
    let mut z = Program::client(&world, "z");
    for client in [&mut x, &mut y, &mut z] {
        client.quiet();
    }

    direct(&mut x, &mut y, ("x", "y"));
    direct(&mut x, &mut z, ("x", "z"));
    direct(&mut y, &mut x, ("y", "x"));
    direct(&mut y, &mut z, ("y", "z"));
    direct(&mut z, &mut x, ("z", "x"));
    direct(&mut z, &mut y, ("z", "y"));

    x.type_line("dereg x");
    x.expect(OFFLINE);
    y.expect(TABLE_UPDATED);
    z.expect(TABLE_UPDATED);
    y.type_line("send x while you were away");
    y.expect(SAVED);
    z.type_line("send x me too");
    z.expect(SAVED);

    x.type_line("reg x");
    x.expect_start("z: 20");
    y.expect_start("[Message of 20");
    z.expect_start("[Message of 20");

    for client in [&x, &y, &z] {
        client.interrupt();
    }
    let talks = [x, y, z].map(|client| {
        let (code, lines) = client.end();
        assert_eq!(code, 0);
        timeless(lines)
    });
    assert_eq!(talks, everybody_was_there());
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
}

#[test]
fn the_server_is_away_and_comes_back() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    let mut z = Program::client(&world, "z");
    for client in [&mut x, &mut y, &mut z] {
        client.quiet();
    }
    direct(&mut x, &mut z, ("x", "z"));
    y.type_line("dereg");
    y.expect(OFFLINE);
    x.expect(TABLE_UPDATED);
    registry.interrupt();
    assert_eq!(registry.end().0, 0);

    x.type_line("send y are you there?");
    x.expect(SILENT);
    x.expect(WAITS);
    direct(&mut x, &mut z, ("x", "z"));

    let registry = Program::registry(&world);
    x.expect(SAVED);
    y.type_line("reg");
    y.expect(WELCOME_BACK);
    y.expect("[You have messages]");
    let line = y.expect_start("x: 20");
    assert_eq!(without_time(&line, "x: "), "x: <time> are you there?");
    x.expect_start("[Message of 20");

    for client in [x, y, z] {
        client.interrupt();
        assert_eq!(client.end().0, 0);
    }
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
}
