//! The prompt as somebody meets it who types: completion, hints, colours, the bell, what was typed in other runs; and a line that
//! stays what it is while messages arrive.

use std::os::unix::fs::PermissionsExt;

use vt100::Color;

use crate::common::World;
use crate::common::pipes::{Program, TABLE_UPDATED};
use crate::common::pty::{CTRL_D, ENTER, Terminal};

const TAB: &str = "\t";
const CTRL_A: &str = "\u{1}";
const CTRL_G: &str = "\u{7}";
const CTRL_R: &str = "\u{12}";
const CTRL_U: &str = "\u{15}";
const UP: &str = "\u{1b}[A";
const LEFT: &str = "\u{1b}[D";

const RECEIVED: &str = "[Message received by y.]";

/// A client on a terminal of this size, registered.
fn client_on(size: (u16, u16), variables: &[(&str, &str)], world: &World, options: &[&str]) -> Terminal {
    let options: Vec<String> = options.iter().copied().map(str::to_owned).collect();
    let mut terminal = Terminal::open(size, variables, world, &[world.chat("x"), options].concat());
    terminal.wait("a prompt", |lines| {
        let welcome = |line: &String| line.starts_with("[Welcome");
        lines.iter().any(welcome) && lines.last().is_some_and(|line| line == ">>>")
    });
    terminal
}

fn client(world: &World, options: &[&str]) -> Terminal {
    client_on((24, 80), &[], world, options)
}

/// Ends it in good order.
fn leave(mut terminal: Terminal) {
    terminal.press(&format!("{CTRL_A}{CTRL_U}\u{b}"));
    terminal.wait("an empty line", |lines| {
        lines.last().is_some_and(|line| line.ends_with(">>>"))
    });
    terminal.press(CTRL_D);
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn tab_completes_commands_rooms_and_names_that_were_never_heard_of() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let _carol = Program::client(&world, "Carol");
    let mut y = Program::client(&world, "y");
    let mut x = client(&world, &[]);
    // With the table come the names; that they are wanted was said before this is asked.
    x.wait_line(TABLE_UPDATED);
    x.press(&format!("status{ENTER}"));
    x.wait_line("[No message is unfinished.]");
    x.press(&format!("sen{TAB}"));
    x.wait_last(">>> send <name> <text>");
    x.press(&format!("ca{TAB}"));
    x.wait_last(">>> send Carol <text>");
    x.press(&format!("{CTRL_U}roomc{TAB}den{ENTER}"));
    x.wait_line("[You have joined den of x. Member count=1]");
    x.wait_last("#den>>>");
    x.press(&format!("post {TAB}"));
    x.wait_last("#den>>> post den <text>");
    // Several are listed, and a message goes between them and the line.
    x.press(&format!("{CTRL_U}room{TAB}"));
    x.wait_line("roomlist    roomcreate  roomjoin    roomleave");
    x.wait_last("#den>>> room");
    y.type_line("send x over here");
    y.expect("[Message received by x.]");
    x.wait_line("y: over here");
    x.press(&format!("li{TAB}"));
    x.wait_last("#den>>> roomlist");
    assert_eq!(x.rings(), 0);
    leave(x);
}

#[test]
fn a_hint_is_dim_and_only_where_it_can_be() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = client(&world, &[]);
    for (keys, line, hint) in [
        ("send", ">>> send <name> <text>", "<name><text>"),
        (" y", ">>> send y <text>", "<text>"),
        (" hi", ">>> send y hi", ""),
    ] {
        x.press(keys);
        x.wait_last(line);
        assert_eq!(x.dim_after_cursor().replace(' ', ""), hint);
    }
    // It is no part of what is typed.
    x.press(&format!("{CTRL_U}roomjoin{ENTER}"));
    x.wait_line("Usage: roomjoin <room>");
    x.wait_line(">>> roomjoin");
    leave(x);
    for (variables, options) in [
        (&[("NO_COLOR", "1")][..], &[][..]),
        (&[], &["--color", "never"][..]),
    ] {
        let mut x = client_on((24, 80), variables, &world, options);
        x.press("send ");
        x.wait_last(">>> send");
        x.press("y");
        x.wait_last(">>> send y");
        assert_eq!(x.color_of("[Welcome"), (Color::Default, false));
        leave(x);
    }
}

#[test]
fn states_and_names_have_colours() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = client(&world, &[]);
    x.press(&format!("send y hi{ENTER}nonsense{ENTER}"));
    x.wait_line(RECEIVED);
    x.wait_line("[Wrong input]");
    y.type_line("send x [hi]");
    x.wait_line("y: [hi]");
    y.type_line("dereg");
    y.expect("[You are Offline. Bye.]");
    x.press(&format!("send y later{ENTER}"));
    x.wait_line("[Messages received by the server and saved]");
    assert_eq!(x.color_of(RECEIVED), (Color::Idx(2), false));
    assert_eq!(x.color_of("[Wrong input]"), (Color::Idx(1), false));
    assert_eq!(x.color_of("[Messages received by"), (Color::Idx(6), false));
    assert_eq!(x.color_of("[Welcome"), (Color::Default, true));
    leave(x);
}

#[test]
fn a_pipe_has_colours_only_where_they_are_asked_for() {
    let world = World::new();
    let _registry = Program::registry(&world);
    for (options, welcome) in [
        (&[][..], "[Welcome, You are registered.]"),
        (
            &["--color", "always"][..],
            "\u{1b}[2m[Welcome back, You are registered.]\u{1b}[0m",
        ),
    ] {
        let options = options.iter().copied().map(str::to_owned).collect();
        let mut x = Program::start(&world, &[world.chat("x"), options].concat());
        x.expect(welcome);
        x.end_input();
        assert_eq!(x.end().0, 0);
    }
}

#[test]
fn the_bell_rings_for_what_was_chosen() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    y.type_line("roomcreate den");
    y.expect_start("[You have joined den of y.");
    let mut x = client(&world, &["--bell", "mention"]);
    x.press(&format!("roomjoin den{ENTER}"));
    x.wait_last("#den>>>");
    for (line, shown, rings) in [
        ("post den hello, all", "den: y: hello, all", 0),
        ("post den and X: you too", "den: y: and X: you too", 1),
        ("send x between us", "y: between us", 2),
    ] {
        y.type_line(line);
        x.wait_line(shown);
        assert_eq!(x.rings(), rings, "{line}");
    }
    leave(x);
}

#[test]
fn what_was_typed_is_there_in_the_next_run_unless_it_is_not_to_be() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = client(&world, &[]);
    x.press(&format!(
        "send y \u{1b}[200~one\rtwo\u{1b}[201~{ENTER} send y unsaid{ENTER}"
    ));
    y.expect(r"x: one\ntwo");
    y.expect("x: unsaid");
    leave(x);
    let file = world.client_folder("x").join("lines");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "send y one\\ntwo\n");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let mut x = client(&world, &[]);
    x.press(UP);
    x.wait_last("two");
    x.press(&format!("{CTRL_U}{CTRL_R}one"));
    x.wait("what is found", |lines| {
        lines
            .iter()
            .any(|line| line.starts_with("(reverse-i-search)`one': send y one"))
    });
    x.press(ENTER);
    y.expect(r"x: one\ntwo");
    x.wait_line(RECEIVED);
    leave(x);

    std::fs::remove_file(&file).unwrap();
    let mut x = client(&world, &["--no-line-history"]);
    x.press(&format!("send y three{ENTER}"));
    y.expect("x: three");
    x.wait_line(RECEIVED);
    x.wait_last(">>>");
    x.press(UP);
    x.wait_last(">>> send y three");
    leave(x);
    assert!(!file.exists());
}

#[test]
fn a_search_that_is_given_up_leaves_the_line_and_loses_no_message() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = client(&world, &[]);
    x.press(&format!("send y hi{ENTER}"));
    y.expect("x: hi");
    x.wait_line(RECEIVED);
    x.press(&format!("poke y{CTRL_R}hi"));
    x.wait("what is found", |lines| {
        lines.last().is_some_and(|line| line.contains("`hi': send y hi"))
    });
    for number in 0..20 {
        y.type_line(&format!("send x number {number}"));
        y.expect("[Message received by x.]");
    }
    x.press(CTRL_G);
    for number in 10..20 {
        x.wait_line(&format!("y: number {number}"));
    }
    x.wait_last(">>> poke y");
    leave(x);
}

#[test]
fn the_cursor_stays_in_its_place_on_narrow_terminals_that_change() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = client_on((10, 40), &[], &world, &[]);
    let text = "你好 wide 世界 and 🙂 more than a line, to the end";
    x.press(&format!("send y {text}"));
    x.wait_typed(text);
    // Before "end".
    x.press(&LEFT.repeat(3));
    let message = "你好 from y, in a line that is wider than that terminal is";
    y.type_line(&format!("send x {message}"));
    x.wait_line(&format!("y: {message}"));
    x.wait_typed(text);
    // ">>> send y " and the text have 11 and 50 columns, the last of which is behind "end".
    let column = |width: u16| (11 + 50 - 3) % width;
    x.wait_column(column(40));
    x.rest();
    x.resize(10, 25);
    x.wait_column(column(25));
    y.type_line("send x narrow");
    x.wait_line("y: narrow");
    x.wait_typed(text);
    x.rest();
    x.resize(24, 80);
    x.wait_column(column(80));
    y.type_line("send x wide");
    x.wait_line("y: wide");
    x.wait_typed(text);
    x.wait_column(column(80));
    x.press(&format!("very {ENTER}"));
    y.expect(&format!("x: {}", text.replace("end", "very end")));
    leave(x);
}

#[test]
fn a_hint_takes_no_row_of_its_own() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = client_on((10, 26), &[], &world, &[]);
    x.press("trust y");
    x.wait_last(">>> trust y <fingerprint>");
    x.resize(10, 25);
    x.wait_last(">>> trust y");
    y.type_line("send x hello");
    x.wait_line("y: hello");
    x.press(" ");
    x.resize(10, 60);
    x.press("1");
    x.wait_last(">>> trust y 1");
    leave(x);
}
