//! The two classic sessions, word for word, with the built program on three terminals.
//!
//! The same lines as through pipes: the prompt adds what is typed, and nothing else. Lines about the client table may
//! come at any moment; they are waited for where the next step needs them, and left out of the comparison.

use crate::common::classic::{
    BACK, OFFLINE, SAVED, SILENT, WAITS, WELCOME, WELCOME_BACK, everybody_was_there, the_server_was_away,
};
use crate::common::pipes::{Program, TABLE_UPDATED};
use crate::common::pty::{CTRL_C, ENTER, Terminal};
use crate::common::{World, timeless};

/// Tall enough for a whole session: nothing scrolls away.
const LINES: u16 = 70;

/// A client that has joined, with those who were there before told of it.
fn join(world: &World, name: &str, others: &mut [&mut Terminal]) -> Terminal {
    let told: Vec<usize> = others.iter().map(|other| updates(other)).collect();
    let mut terminal = Terminal::with_lines(LINES, world, &world.chat(name));
    terminal.wait_line(WELCOME);
    for (other, before) in others.iter_mut().zip(told) {
        wait_update(other, before);
    }
    terminal
}

/// How often a client was told that the table has changed.
fn updates(terminal: &Terminal) -> usize {
    terminal
        .lines()
        .iter()
        .filter(|line| *line == TABLE_UPDATED)
        .count()
}

fn wait_update(terminal: &mut Terminal, before: usize) {
    terminal.wait("another update of the table", |lines| {
        lines.iter().filter(|line| *line == TABLE_UPDATED).count() > before
    });
}

fn type_line(terminal: &mut Terminal, line: &str) {
    terminal.wait_last(">>>");
    terminal.press(&format!("{line}{ENTER}"));
}

/// Sends a text and waits until it has arrived and that is known.
fn direct(from: &mut Terminal, to: &mut Terminal, (sender, recipient): (&str, &str), again: usize) {
    let text = format!("{sender} to {recipient}");
    type_line(from, &format!("send {recipient} {text}"));
    wait_times(to, &format!("{sender}: {text}"), again);
    wait_times(from, &format!("[Message received by {recipient}.]"), again);
}

fn wait_times(terminal: &mut Terminal, line: &str, times: usize) {
    terminal.wait(line, |lines| {
        lines.iter().filter(|seen| *seen == line).count() >= times
    });
}

fn wait_start(terminal: &mut Terminal, start: &str) {
    terminal.wait(start, |lines| lines.iter().any(|line| line.starts_with(start)));
}

/// Ctrl+C; what the program has said, without the table's lines, the prompt and times.
fn leave(mut terminal: Terminal) -> Vec<String> {
    terminal.wait_last(">>>");
    terminal.press(CTRL_C);
    let (code, lines) = terminal.end();
    assert_eq!(code, 0);
    let said = |line: &String| line != TABLE_UPDATED && !line.starts_with(">>>");
    timeless(lines.into_iter().filter(said).collect())
}

#[test]
fn everybody_is_there_then_one_is_away_and_comes_back() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = join(&world, "x", &mut []);
    let mut y = join(&world, "y", &mut [&mut x]);
    let mut z = join(&world, "z", &mut [&mut x, &mut y]);

    direct(&mut x, &mut y, ("x", "y"), 1);
    direct(&mut x, &mut z, ("x", "z"), 1);
    direct(&mut y, &mut x, ("y", "x"), 1);
    direct(&mut y, &mut z, ("y", "z"), 1);
    direct(&mut z, &mut x, ("z", "x"), 1);
    direct(&mut z, &mut y, ("z", "y"), 1);

    let told = (updates(&y), updates(&z));
    type_line(&mut x, "dereg x");
    x.wait_line(OFFLINE);
    wait_update(&mut y, told.0);
    wait_update(&mut z, told.1);
    type_line(&mut y, "send x while you were away");
    y.wait_line(SAVED);
    type_line(&mut z, "send x me too");
    z.wait_line(SAVED);

    type_line(&mut x, "reg x");
    wait_start(&mut x, "z: 20");
    wait_start(&mut y, "[Message of 20");
    wait_start(&mut z, "[Message of 20");
    assert_eq!([x, y, z].map(leave), everybody_was_there());
}

#[test]
fn the_server_is_away_and_comes_back() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = join(&world, "x", &mut []);
    let mut y = join(&world, "y", &mut [&mut x]);
    let mut z = join(&world, "z", &mut [&mut x, &mut y]);
    direct(&mut x, &mut z, ("x", "z"), 1);
    let told = updates(&x);
    type_line(&mut y, "dereg");
    y.wait_line(OFFLINE);
    wait_update(&mut x, told);
    registry.interrupt();
    assert_eq!(registry.end().0, 0);

    type_line(&mut x, "send y are you there?");
    x.wait_line(SILENT);
    x.wait_line(WAITS);
    z.wait_line(SILENT);
    direct(&mut x, &mut z, ("x", "z"), 2);

    let _registry = Program::registry(&world);
    x.wait_line(SAVED);
    z.wait_line(BACK);
    type_line(&mut y, "reg");
    y.wait_line(WELCOME_BACK);
    wait_start(&mut y, "x: 20");
    wait_start(&mut x, "[Message of 20");
    assert_eq!([x, y, z].map(leave), the_server_was_away());
}
