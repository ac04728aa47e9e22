//! To whom lines go that are no command: through pipes, and as the prompt shows it.

use crate::common::World;
use crate::common::classic::SAVED;
use crate::common::pipes::Program;
use crate::common::pty::{CTRL_C, ENTER, Terminal};

/// The arguments of a client that is to enter a room.
fn joining(world: &World, name: &str, room: &str) -> Vec<String> {
    [world.chat(name), vec!["--join".to_owned(), room.to_owned()]].concat()
}

#[test]
fn lines_go_to_somebody_or_to_a_room_until_that_ends() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.type_line("hello?");
    x.expect("[Wrong input]");
    x.type_line("poke y");
    x.type_line("  hello, $y: how  is it? ");
    y.expect("x:   hello, $y: how  is it? ");
    x.type_line("roomcreate den");
    x.expect_start("[You have joined den of x.");
    y.type_line("chat x");
    y.type_line("a word in private");
    x.expect("y: a word in private");
    y.type_line("roomjoin den");
    y.type_line("and one to all");
    x.expect("den: y: and one to all");
    y.expect(SAVED);
    x.type_line("members");
    x.expect("[Members of den: 2]");
    y.type_line("post den by its name");
    x.expect("den: y: by its name");
    x.type_line("kick y");
    x.expect("[y is out of den.]");
    y.expect_start("den: Server: time=");
    y.type_line("is anybody there?");
    y.expect("[Wrong input]");
    x.type_line("talking to myself");
    x.expect(SAVED);
    x.type_line("roomleave");
    x.expect("[You have left den.]");
    x.type_line("nobody hears this");
    x.expect("[Wrong input]");
    y.type_line("roomjoin den");
    y.expect_start("[den: nothing has changed, there is no such room.");
    y.type_line("still nobody");
    y.expect("[Wrong input]");
}

#[test]
fn the_prompt_shows_to_whom_a_line_goes() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    y.type_line("roomcreate den");
    y.expect_start("[You have joined den of y.");
    let mut x = Terminal::start(&world, &world.chat("x"));
    x.wait_line("[Welcome, You are registered.]");
    x.wait_last(">>>");
    x.press(&format!("poke y{ENTER}"));
    x.wait_last("y (new)>>>");
    x.press(&format!("hello{ENTER}"));
    y.expect("x: hello");
    x.wait_line("y (new)>>> hello");
    x.press(&format!("poke{ENTER}"));
    x.wait_last(">>>");
    x.press(&format!("roomjoin den{ENTER}"));
    x.wait_last("#den>>>");
    x.press(&format!("hello, all{ENTER}"));
    y.expect("den: x: hello, all");
    x.wait_line("#den>>> hello, all");
    // What is typed stays where it is, and the prompt says that it goes nowhere now.
    x.press("half a li");
    x.wait_last("#den>>> half a li");
    y.type_line("kick x");
    x.wait_last("    >>> half a li");
    x.press(&format!("ne{ENTER}"));
    x.wait_line("[Wrong input]");
    x.wait_last(">>>");
    x.press(CTRL_C);
    assert_eq!(x.end().0, 0);
}

#[test]
fn a_room_may_be_entered_from_the_start() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    y.type_line("create_group den");
    y.expect_start("[You have joined den of y.");
    let mut x = Program::start(&world, &joining(&world, "x", "DEN"));
    x.feed(b"first\nsecond\n");
    x.end_input();
    for text in ["first", "second"] {
        y.expect(&format!("den: x: {text}"));
    }
    let (code, lines) = x.end();
    assert_eq!(code, 0, "{lines:?}");
    assert!(lines.contains(&SAVED.to_owned()), "{lines:?}");

    let mut x = Terminal::start(&world, &joining(&world, "x", "den"));
    x.wait_line("[You are in den of y. Member count=2]");
    x.wait_last("#den>>>");
    x.press(CTRL_C);
    assert_eq!(x.end().0, 0);
}

#[test]
fn a_room_that_is_not_there_cannot_be_entered_from_the_start() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::start(&world, &joining(&world, "x", "nowhere"));
    x.expect("[nowhere: nothing has changed, there is no such room. To see which there are: roomlist.]");
    x.type_line("hello?");
    x.expect("[Wrong input]");
    x.type_line("quit");
    assert_eq!(x.end().0, 0);
    let arguments = ["-c", "x", "::1", "1", "0", "--join", "no/where"];
    let (code, _, errors) = Program::run(&world, &arguments);
    assert_eq!(code, 2);
    assert!(
        errors[0].contains("'no/where' is no name of a room"),
        "{errors:?}"
    );
}
