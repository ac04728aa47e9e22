//! The two classic sessions, word for word, with the built program, real sockets and pipes.
//!
//! Session 1: everybody is there, then one is away and comes back. Session 2: the server is away and comes
//! back. The lines are the program's face: what is asserted here is what users and their scripts rely on.

use crate::common::classic::{
    BACK, OFFLINE, SAVED, SILENT, WAITS, WELCOME_BACK, everybody_was_there, the_server_was_away,
};
use crate::common::pipes::{Program, TABLE_UPDATED};
use crate::common::{World, timeless};

/// x, y and z, each of whom those before have seen coming.
fn join_all(world: &World) -> [Program; 3] {
    let mut x = Program::client(world, "x");
    x.quiet();
    let mut y = Program::client(world, "y");
    x.expect(TABLE_UPDATED);
    for client in [&mut x, &mut y] {
        client.quiet();
    }
    let mut z = Program::client(world, "z");
    x.expect(TABLE_UPDATED);
    y.expect(TABLE_UPDATED);
    for client in [&mut x, &mut y, &mut z] {
        client.quiet();
    }
    [x, y, z]
}

/// Ctrl+C; what the program has said, without the table's lines and times.
fn leave(client: Program) -> Vec<String> {
    client.interrupt();
    let (code, lines) = client.end();
    assert_eq!(code, 0);
    timeless(lines)
}

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
    let [mut x, mut y, mut z] = join_all(&world);

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

    assert_eq!([x, y, z].map(leave), everybody_was_there());
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
}

#[test]
fn the_server_is_away_and_comes_back() {
    let world = World::new();
    let registry = Program::registry(&world);
    let [mut x, mut y, mut z] = join_all(&world);
    direct(&mut x, &mut z, ("x", "z"));
    y.type_line("dereg");
    y.expect(OFFLINE);
    x.expect(TABLE_UPDATED);
    registry.interrupt();
    assert_eq!(registry.end().0, 0);

    x.type_line("send y are you there?");
    x.expect(SILENT);
    x.expect(WAITS);
    z.expect(SILENT);
    direct(&mut x, &mut z, ("x", "z"));

    let registry = Program::registry(&world);
    x.expect(SAVED);
    z.expect(BACK);
    y.type_line("reg");
    y.expect(WELCOME_BACK);
    y.expect("[You have messages]");
    y.expect_start("x: 20");
    x.expect_start("[Message of 20");

    assert_eq!([x, y, z].map(leave), the_server_was_away());
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
}

#[test]
fn times_are_those_of_the_place_where_they_are_read() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    x.quiet();
    let y = Program::client(&world, "y");
    x.expect(TABLE_UPDATED);
    leave(y);
    x.expect(TABLE_UPDATED);
    x.type_line("send y across the sea");
    x.expect(SAVED);

    // Five hours east of Greenwich, in the notation of POSIX.
    let mut y = Program::start_with(&world, &world.chat("y"), &[("TZ", "XYZ-5")]);
    let there = y.expect_start("x: 20");
    let here = x.expect_start("[Message of 20");
    let clock = |line: &str, prefix: &str| {
        let time: String = line
            .chars()
            .skip(prefix.len() + "2026-01-01 ".len())
            .take(8)
            .collect();
        let (hour, rest) = time.split_once(':').unwrap();
        (hour.parse::<u32>().unwrap(), rest.to_owned())
    };
    let (there, here) = (clock(&there, "x: "), clock(&here, "[Message of "));
    assert_eq!((there.0 + 24 - here.0) % 24, 5, "{there:?}, {here:?}");
    assert_eq!(there.1, here.1);
    for client in [x, y] {
        leave(client);
    }
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
}
