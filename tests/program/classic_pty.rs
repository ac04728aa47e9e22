//! The classic sessions and the prompt on a real terminal: what is on the screen, to the character.
//!
//! Lines about the client table may come at any moment and are left out, except where they are the point.

use crate::common::pipes::{Program, TABLE_UPDATED};
use crate::common::pty::{CTRL_C, CTRL_D, ENTER, Terminal};
use crate::common::{World, timeless};
use rustix::process::Signal;

const SAVED: &str = "[Messages received by the server and saved]";
const OFFLINE: &str = "[You are Offline. Bye.]";
const WELCOME: &str = "[Welcome, You are registered.]";

fn client(world: &World, name: &str) -> Terminal {
    let mut terminal = Terminal::start(world, &world.chat(name));
    terminal.wait_line(WELCOME);
    terminal.wait_last(">>>");
    terminal
}

/// The screen without the table's lines and without times.
fn golden(lines: Vec<String>) -> Vec<String> {
    timeless(lines.into_iter().filter(|line| line != TABLE_UPDATED).collect())
}

#[test]
fn a_session_on_two_terminals() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = client(&world, "y");
    x.wait_line(TABLE_UPDATED);

    x.press(&format!("send y hello{ENTER}"));
    y.wait_line("x: hello");
    x.wait_line("[Message received by y.]");
    y.press(&format!("dereg{ENTER}"));
    y.wait_line(OFFLINE);
    x.press(&format!("send y are you there?{ENTER}"));
    x.wait_line(SAVED);
    y.press(&format!("reg{ENTER}"));
    y.wait("the stored message", |lines| {
        lines.iter().any(|line| line.ends_with("are you there?"))
    });
    x.wait("the later notice", |lines| {
        lines.iter().any(|line| line.starts_with("[Message of "))
    });
    x.press(CTRL_C);
    y.press(CTRL_D);

    let (code, screen) = y.end();
    assert_eq!(code, 0);
    assert_eq!(
        golden(screen),
        [
            WELCOME,
            "x: hello",
            ">>> dereg",
            OFFLINE,
            ">>> reg",
            "[Welcome back, You are registered.]",
            "[You have messages]",
            "x: <time> are you there?",
            ">>>",
            OFFLINE,
        ]
    );
    let (code, screen) = x.end();
    assert_eq!(code, 0);
    let screen = golden(screen);
    assert_eq!(
        screen[..4],
        [
            WELCOME,
            ">>> send y hello",
            "[Message received by y.]",
            ">>> send y are you there?"
        ]
    );
    assert_eq!(
        screen[5..],
        [SAVED, "[Message of <time> received by y.]", ">>>", OFFLINE]
    );
}

#[test]
fn what_is_typed_survives_an_arriving_message() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = Program::client(&world, "y");
    y.quiet();
    // Wider than the screen, with wide characters, and the cursor inside.
    let typed = format!("send y {} 你好 end", "long ".repeat(16));
    x.press(&typed);
    x.wait_typed(&format!(">>> {typed}"));
    x.press("\u{1b}[D\u{1b}[D");
    for number in 0..5 {
        y.type_line(&format!("send x number {number}"));
        y.expect("[Message received by x.]");
    }
    x.wait_line("y: number 4");
    x.wait_typed(&format!(">>> {typed}"));
    x.press("X");
    let edited = typed.replace(" end", " eXnd");
    x.wait_typed(&format!(">>> {edited}"));
    x.press(ENTER);
    let text = edited.strip_prefix("send y ").unwrap();
    y.expect(&format!("x: {text}"));
}

#[test]
fn a_paste_of_several_lines_is_one_message() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.press("send y \u{1b}[200~one\rtwo\r\rthree\u{1b}[201~");
    x.wait_last("three");
    x.press(ENTER);
    y.expect(r"x: one\ntwo\n\nthree");
}

#[test]
fn several_commands_pasted_without_brackets_are_all_taken() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.press(&format!("send y one{ENTER}send y two{ENTER}send y three{ENTER}"));
    for text in ["one", "two", "three"] {
        y.expect(&format!("x: {text}"));
    }
}

#[test]
fn ctrl_d_ends_only_on_an_empty_line() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    x.press(&format!("help quit{CTRL_D}{ENTER}"));
    x.wait("help", |lines| {
        lines.iter().any(|line| line.starts_with("quit  "))
    });
    // Between two prompts the terminal itself takes Ctrl+D for an end of the input, and the editor for nothing.
    x.wait_last(">>>");
    x.press(CTRL_D);
    assert_eq!(x.end().0, 0);
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = client(&world, "x");
    // Nobody answers the deregistration: the first Ctrl+C alone would go through all its attempts.
    registry.kill();
    x.press(CTRL_C);
    x.wait_no_prompt();
    let (code, screen) = x.end_pressing(CTRL_C);
    assert_eq!(code, 130);
    assert!(
        !screen.iter().any(|line| line == "[Server not responding]"),
        "{screen:#?}"
    );
}

#[test]
fn the_terminal_is_restored_when_the_end_comes_from_elsewhere() {
    let world = World::new();
    let mut x = Terminal::start(&world, &world.chat("x"));
    x.wait_line("[Exiting]");
    let (code, screen) = x.end();
    assert_eq!(code, 1);
    assert_eq!(screen, ["[Server not responding]", "[Exiting]"]);
}

#[test]
fn a_second_signal_ends_it_at_once_and_leaves_a_terminal_that_can_be_used() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = client(&world, "x");
    assert!(!x.is_restored(), "the editor has it");
    // Nobody answers that x leaves.
    registry.kill();
    assert_eq!(x.end_signalling(rustix::process::Signal::TERM), 130);
    assert!(x.is_restored());
}

#[test]
fn a_signal_ends_it_also_while_a_search_keeps_a_message_from_the_screen() {
    const CTRL_R: &str = "\u{12}";
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.press(&format!("send y hi{ENTER}"));
    x.wait_line("[Message received by y.]");
    x.wait_last(">>>");
    x.press(CTRL_R);
    x.wait("a search", |lines| {
        lines.last().is_some_and(|line| line.contains("search"))
    });
    y.type_line("send x are you there?");
    y.expect("[Message received by x.]");
    x.signal(Signal::TERM);
    let (code, screen) = x.end();
    assert_eq!(code, 0);
    assert!(
        screen.iter().any(|line| line == "y: are you there?"),
        "{screen:?}"
    );
    assert_eq!(screen.last().map(String::as_str), Some(OFFLINE));
}

#[test]
fn what_came_while_the_program_was_stopped_is_shown_when_it_goes_on() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = Program::client(&world, "y");
    y.quiet();
    x.press("send y half");
    x.wait_last(">>> send y half");
    x.signal(Signal::STOP);
    y.type_line("send x hello");
    y.expect("[No ACK from x, message sent to server.]");
    y.expect(SAVED);
    x.signal(Signal::CONT);
    x.wait("the message", |lines| {
        lines
            .iter()
            .any(|line| line.starts_with("y: ") && line.ends_with("hello"))
    });
    x.press(&format!(" a line{ENTER}"));
    y.expect("x: half a line");
}

#[test]
fn the_typed_line_survives_a_change_of_the_terminals_size() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, "x");
    let mut y = Program::client(&world, "y");
    y.quiet();
    let text = "0123456789 ".repeat(6);
    x.press(&format!("send y {text}"));
    x.wait_typed(&text);
    x.resize(24, 30);
    y.type_line("send x hello");
    y.expect("[Message received by x.]");
    x.wait_line("y: hello");
    x.wait_typed(&text);
    x.press(&format!("end{ENTER}"));
    y.expect(&format!("x: {text}end"));
}
