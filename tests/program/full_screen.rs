//! The full screen on a real terminal: what is on it, how one leaves it, and that it comes back to all that was said.

use crate::common::World;
use crate::common::pipes::Program;
use crate::common::pty::{CTRL_C, CTRL_D, ENTER, Terminal};
use rustix::process::Signal;

const PAGE_UP: &str = "\u{1b}[5~";
const ESC: &str = "\u{1b}";
const TAB: &str = "\t";
const UP: &str = "\u{1b}[A";
const CTRL_L: &str = "\u{c}";

/// x on a full screen of this size, registered.
fn screen_of(size: (u16, u16), world: &World) -> Terminal {
    let arguments = [world.chat("x"), vec!["--tui".to_owned()]].concat();
    let mut terminal = Terminal::open(size, &[], world, &arguments);
    wait_for(&mut terminal, " registered");
    terminal
}

/// Waits until some row has this.
fn wait_for(terminal: &mut Terminal, text: &str) {
    terminal.wait(text, |rows| rows.iter().any(|row| row.contains(text)));
}

fn wait_gone(terminal: &mut Terminal, text: &str) {
    terminal.wait(&format!("screen without {text}"), |rows| {
        !rows.iter().any(|row| row.contains(text))
    });
}

#[test]
fn marks_change_in_their_place_and_what_is_unread_is_counted() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut z = Program::client(&world, "z");
    let mut x = screen_of((24, 80), &world);
    x.press(&format!("/poke y{ENTER}hello{ENTER}"));
    y.expect("x: hello");
    wait_for(&mut x, "✓ x: hello");
    y.type_line("dereg");
    y.expect("[You are Offline. Bye.]");
    x.press(&format!("for later{ENTER}"));
    wait_for(&mut x, "↑ x: for later");
    y.type_line("reg");
    wait_for(&mut x, "✓ x: for later");
    wait_gone(&mut x, "↑");
    z.type_line("send x are you there?");
    z.expect("[Message received by x.]");
    wait_for(&mut x, "1 unread");
    x.press(TAB);
    wait_for(&mut x, "z: are you there?");
    wait_gone(&mut x, "unread");
    x.press(&format!("/send nobody hi{ENTER}"));
    wait_for(&mut x, "✗ x: hi");
    wait_for(&mut x, "[No such user: nobody]");
    x.resize(10, 40);
    x.press(&format!("/poke z{ENTER}"));
    wait_for(&mut x, "z: are you there?");
    x.press(CTRL_D);
    let (code, rows) = x.end();
    assert_eq!(
        (code, rows.last().map(String::as_str)),
        (0, Some("[You are Offline. Bye.]"))
    );
}

#[test]
fn the_prompt_gives_way_to_the_screen_which_leaves_it_as_it_was() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Terminal::open((24, 80), &[], &world, &world.chat("x"));
    x.wait_line("[Welcome, You are registered.]");
    x.press(&format!("poke y{ENTER}hello{ENTER}"));
    x.wait_line("[Message received by y.]");
    x.press(&format!("/tui{ENTER}"));
    // The focus goes along.
    wait_for(&mut x, "✓ x: hello");
    wait_for(&mut x, "● y (new)  online");
    y.type_line("send x here?");
    wait_for(&mut x, "y: here?");
    x.press(&format!("yes{ENTER}"));
    y.expect("x: yes");
    wait_for(&mut x, "✓ x: yes");
    x.press(CTRL_D);
    let (code, rows) = x.end();
    assert_eq!(code, 0);
    assert!(
        rows.iter().any(|row| row == "[Message received by y.]"),
        "{rows:?}"
    );
    assert_eq!(rows.last().map(String::as_str), Some("[You are Offline. Bye.]"));
    y.type_line("tui");
    y.expect(
        "[There is no screen to fill: that needs a terminal at both ends, and one that can be drawn on.]",
    );
}

#[test]
fn a_paste_of_several_lines_is_one_message() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = screen_of((24, 80), &world);
    x.press(&format!("/poke y{ENTER}\u{1b}[200~one\rtwo\r\u{1b}[201~"));
    wait_for(&mut x, "Enter sends 2 lines as one");
    x.press(ENTER);
    y.expect(r"x: one\ntwo");
    wait_for(&mut x, "✓ x: one");
    y.type_line("send x \u{1b}[2Jnothing is obeyed");
    wait_for(&mut x, r"y: \u{1b}[2Jnothing is obeyed");
    y.type_line("send x ｶﾞｷﾞ 你好");
    wait_for(&mut x, "y: ｶﾞｷﾞ 你好");
    x.press(CTRL_D);
    assert_eq!(x.end().0, 0);
}

#[test]
fn all_that_was_said_in_other_runs_can_be_scrolled_back_through_and_searched() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Program::client(&world, "x");
    for number in 0..250 {
        y.type_line(&format!("send x number {number} of many"));
    }
    x.expect("y: number 249 of many");
    x.end_input();
    assert_eq!(x.end().0, 0);

    let mut x = screen_of((24, 80), &world);
    // In the list.
    wait_for(&mut x, "number 249");
    x.press(&format!("/poke y{ENTER}"));
    wait_for(&mut x, "y: number 249 of many");
    for number in [220, 190, 160, 130, 100, 70, 40, 0] {
        let text = format!("number {number} of");
        // Each time it has read a page of the history, it has to be asked for the rows of that.
        for _ in 0..5 {
            if !x.lines().iter().any(|row| row.contains(&text)) {
                x.press(PAGE_UP);
                x.rest();
            }
        }
        wait_for(&mut x, &text);
    }
    wait_for(&mut x, "Esc: latest");
    x.press(ESC);
    // Before anything else is pressed: an escape and a letter are one key.
    wait_gone(&mut x, "Esc: latest");
    x.press(&format!("/search 17 many{ENTER}"));
    wait_for(&mut x, "search: 17 many");
    wait_for(&mut x, "y: number 17 of many");
    x.press(CTRL_D);
    assert_eq!(x.end().0, 0);
}

#[test]
fn the_terminal_is_put_back_however_it_ends() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = screen_of((24, 80), &world);
    assert!(!x.is_restored());
    assert_eq!(x.end_signalling(Signal::TERM), 0);
    x.rest();
    assert!(x.is_restored());
    assert_eq!(x.lines(), ["[You are Offline. Bye.]"]);

    let mut x = screen_of((24, 80), &world);
    assert_eq!(x.end_pressing(CTRL_C).0, 0);
    assert!(x.is_restored());

    // Where the server is silent it takes its time, and a second Ctrl+C does not wait.
    let mut x = screen_of((24, 80), &world);
    registry.kill();
    x.press(CTRL_C);
    assert_eq!(x.end_pressing(CTRL_C).0, 130);
    assert!(x.is_restored());
}

#[test]
fn it_is_drawn_anew_on_a_terminal_that_answers_nothing() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = screen_of((24, 80), &world);
    x.press(&format!("/poke y{ENTER}hello{ENTER}"));
    wait_for(&mut x, "✓ x: hello");
    y.expect("x: hello");
    x.rest();
    let drawn = x.lines();
    x.press(CTRL_L);
    x.rest();
    assert_eq!(x.lines(), drawn);
    wait_for(&mut x, "✓ x: hello");
    y.type_line("send x still there?");
    wait_for(&mut x, "y: still there?");
    x.press(CTRL_D);
    assert_eq!(x.end().0, 0);
}

#[test]
fn what_was_typed_at_the_prompt_goes_where_it_went_there() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut z = Program::client(&world, "z");
    let arguments = [world.chat("x"), vec!["--no-line-history".to_owned()]].concat();
    let mut x = Terminal::open((24, 80), &[], &world, &arguments);
    x.wait_line("[Welcome, You are registered.]");
    x.press(&format!("send y for you alone{ENTER}"));
    x.wait_line("[Message received by y.]");
    x.press(&format!("poke z{ENTER}/tui{ENTER}"));
    wait_for(&mut x, "z (new)  online");
    x.press(&UP.repeat(3));
    wait_for(&mut x, "> /send y for you alone");
    x.press(ENTER);
    wait_for(&mut x, "✓ x: for you alone");
    y.expect("x: for you alone");
    y.expect("x: for you alone");
    x.press(&format!("/send z that was all{ENTER}"));
    z.expect("x: that was all");
    x.press(CTRL_D);
    assert_eq!(x.end().0, 0);
}

#[test]
fn why_it_could_not_stay_is_read_after_it_has_gone() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let arguments = [
        world.chat("x"),
        vec!["--tui".to_owned(), "--ephemeral".to_owned()],
    ]
    .concat();
    let mut first = Terminal::start(&world, &arguments);
    wait_for(&mut first, " registered");
    let (code, rows) = Terminal::start(&world, &arguments).end();
    assert_eq!(
        (code, rows.as_slice()),
        (3, &["[The nickname x is taken.]".to_owned()][..])
    );
    first.press(CTRL_D);
    assert_eq!(first.end().0, 0);
}

#[test]
fn where_there_is_no_screen_to_fill_it_is_as_without() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let arguments = [world.chat("x"), vec!["--tui".to_owned()]].concat();
    let mut pipe = Program::start(&world, &arguments);
    pipe.expect("[Welcome, You are registered.]");
    pipe.end_input();
    assert_eq!(pipe.end().0, 0);
    let mut dumb = Terminal::open((24, 80), &[("TERM", "dumb")], &world, &arguments);
    dumb.wait_line("[Welcome back, You are registered.]");
    dumb.press(CTRL_D);
    assert_eq!(dumb.end().0, 0);
}
