//! Whose key it is: fingerprints to compare, in digits and as a picture; what was compared, and what has changed, beside every name.

use vt100::Color;

use crate::common::World;
use crate::common::pipes::Program;
use crate::common::pty::{CTRL_D, ENTER, Terminal};

/// A client on a terminal of this size, registered.
fn client_on(size: (u16, u16), variables: &[(&str, &str)], world: &World, name: &str) -> Terminal {
    let mut terminal = Terminal::open(size, variables, world, &world.chat(name));
    terminal.wait("a prompt", |lines| {
        let welcome = |line: &String| line.starts_with("[Welcome");
        lines.iter().any(welcome) && lines.last().is_some_and(|line| line == ">>>")
    });
    terminal
}

fn leave(mut terminal: Terminal) {
    terminal.press(CTRL_D);
    assert_eq!(terminal.end().0, 0);
}

fn quit(mut client: Program) {
    client.type_line("quit");
    assert_eq!(client.end().0, 0);
}

/// The fingerprint that a client says of itself.
fn whoami(client: &mut Program) -> String {
    client.type_line("whoami");
    let line = client.expect_start("[Fingerprint of yourself: ");
    line.split_once(": ")
        .map(|(_, digits)| digits.trim_end_matches(']').to_owned())
        .unwrap_or_default()
}

/// The row of y in the list of x.
fn row_of_y(x: &mut Program) -> String {
    x.type_line("userlist");
    x.expect_start("[Clients: ");
    x.expect_start("y")
}

#[test]
fn a_name_is_marked_as_new_then_not_and_as_verified_once_it_was_compared() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let digits = whoami(&mut y);
    let mut x = Program::client(&world, "x");
    assert!(row_of_y(&mut x).starts_with("y (new)  online"));
    x.type_line("send y hi");
    y.expect("x: hi");
    x.expect("[Message received by y.]");
    quit(x);

    let mut x = Program::returning_client(&world, "x");
    assert!(
        row_of_y(&mut x).starts_with("y     online"),
        "an earlier run has met it"
    );
    x.type_line("fingerprint y");
    x.expect(&format!("[Fingerprint of y: {digits}]"));
    x.expect("  not compared yet. When you have, by another way: verify y");
    let wrong = whoami(&mut x);
    x.type_line(&format!("verify y {wrong}"));
    x.expect("[That is not the fingerprint of y: nothing is verified.]");
    x.expect(&format!("  known: {digits}"));
    x.expect(&format!("  given: {wrong}"));
    x.type_line("verify y 1234");
    x.expect("[Wrong input]");
    // As a reader of the picture has it.
    x.type_line(&format!("verify y {}", digits.to_uppercase()));
    x.expect("[The key of y is verified.]");
    y.type_line("send x hello");
    // Directly, or by way of the server, which was here first.
    assert!(x.expect_start("y (verified): ").ends_with("hello"));
    x.type_line("roomcreate den");
    x.expect_start("[You have joined den");
    y.type_line("roomjoin den");
    y.expect_start("[You have joined den");
    y.type_line("post den hello, all");
    x.expect("den: y (verified): hello, all");
    x.type_line("members den");
    x.expect("[Members of den: 2]");
    assert!(x.expect_start("y (verified) ").ends_with("  online"));
    quit(x);

    let mut x = Program::returning_client(&world, "x");
    assert!(row_of_y(&mut x).starts_with("y (verified)  online"), "it is kept");
    x.type_line("history y");
    x.expect("[Messages with y: 2]");
    x.expect_start("--- ");
    x.expect_start("");
    assert!(x.expect_start("").ends_with(" y (verified): hello"));
    x.type_line("fingerprint y");
    x.expect("  verified: you have compared it");
    quit(x);
}

#[test]
fn a_changed_key_is_explained_marked_and_not_verified_by_trust() {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Program::client(&world, "x");
    let old = whoami(&mut y);
    x.type_line("verify y");
    x.expect_start("[y is not verified: you have written nothing to y yet");
    x.type_line(&format!("verify y {old}"));
    x.expect("[The key of y is verified.]");
    quit(y);
    quit(x);
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    let (code, _, errors) = Program::run(&world, &["-s", &world.port.to_string(), "--release", "y"]);
    assert_eq!(code, 0, "{errors:?}");
    // He has lost his folder, and comes back with another key.
    std::fs::rename(world.client_folder("y"), world.folder().join("lost")).expect("his folder");
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let new = whoami(&mut y);
    let mut x = Program::returning_client(&world, "x");
    x.expect("[The identity of y is not the one you know; nothing is sent to y.]");
    x.expect(&format!("  known: {old}"));
    x.expect(&format!("  found: {new}"));
    x.expect_start("  What may have happened: y has begun anew");
    x.expect_start("  What you have written to y waits on your disk");
    let trust = x.expect_start("  If y confirms the one found by another way: ");
    let row = row_of_y(&mut x);
    assert!(
        row.starts_with("y (changed) ") && row.contains(" online "),
        "{row}"
    );
    x.type_line("fingerprint y");
    x.expect(&format!("[Fingerprint of y: {old}]"));
    x.expect(&format!("[Fingerprint of y, as the server says: {new}]"));
    x.type_line("verify y");
    x.expect("[y is not verified: another key has turned up, and you have not decided which to believe.]");
    x.type_line(trust.rsplit(": ").next().unwrap_or_default());
    x.expect("[The new identity of y is trusted; what waits for y is sent.]");
    assert!(row_of_y(&mut x).starts_with("y (new) "), "not compared");
    quit(x);
}

#[test]
fn a_fingerprint_is_a_picture_where_there_is_room_for_it() {
    let world = World::new();
    let _registry = Program::registry(&world);
    for (size, variables, drawn) in [
        ((24, 80), &[][..], true),
        ((24, 80), &[("NO_COLOR", "1")][..], true),
        ((10, 40), &[][..], false),
        ((40, 30), &[][..], false),
    ] {
        let mut x = client_on(size, variables, &world, "x");
        x.press(&format!("whoami{ENTER}"));
        x.wait("the answer", |lines| {
            let last = lines.last().is_some_and(|line| line == ">>>");
            last && lines
                .iter()
                .any(|line| line.starts_with("[Fingerprint of yourself"))
        });
        let border = "█".repeat(37);
        let is_border = |line: &String| *line == border;
        assert_eq!(x.lines().iter().any(is_border), drawn, "{:#?}", x.lines());
        if drawn {
            let marks = x
                .lines()
                .iter()
                .filter(|line| line.starts_with("██ ▄▄▄▄▄ "))
                .count();
            assert_eq!(marks, 2, "a code has three corners, two of them on the left");
            let bright = if variables.is_empty() {
                Color::Idx(231)
            } else {
                Color::Default
            };
            assert_eq!(x.color_of(&border).0, bright);
            assert!(x.lines().len() <= 24, "all of it is on the screen");
        }
        leave(x);
    }
    let mut pipe = Program::returning_client(&world, "x");
    whoami(&mut pipe);
    pipe.quiet();
    assert!(
        !pipe.talk().iter().any(|line| line.contains('█')),
        "not through a pipe"
    );
    quit(pipe);
}

#[test]
fn at_the_prompt_whoever_is_new_is_introduced_and_marks_have_colours() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    // In a first run everybody is new.
    leave(client_on((24, 80), &[], &world, "x"));
    let mut x = client_on((24, 80), &[], &world, "x");
    y.type_line("send x one");
    x.wait("the message", |lines| {
        lines.iter().any(|line| line.ends_with("one"))
    });
    let introduction = "[First met: y. To compare keys by another way: fingerprint y]";
    y.type_line("send x two");
    x.wait("the message", |lines| {
        lines.iter().any(|line| line.ends_with("two"))
    });
    let told = x.lines().iter().filter(|line| *line == introduction).count();
    assert_eq!(told, 1, "once");
    x.press(&format!("poke y{ENTER}"));
    x.wait_last("y (new)>>>");
    assert_eq!(x.color_in("y (new)>>>", 2).0, Color::Idx(3));
    x.press(&format!("verify y{ENTER}"));
    x.wait("the answer", |lines| {
        lines.iter().any(|line| line == "[The key of y is verified.]")
    });
    x.press(ENTER);
    x.wait_last("y (verified)>>>");
    y.type_line("send x three");
    x.wait_line("y (verified): three");
    assert_eq!(x.color_in("y (verified): three", 2).0, Color::Idx(2));
    leave(x);
    let mut x = client_on((24, 80), &[("NO_COLOR", "1")], &world, "x");
    y.type_line("send x four");
    x.wait("the message", |lines| {
        let is_it = |line: &String| line.starts_with("y (verified): ") && line.ends_with("four");
        lines.iter().any(is_it)
    });
    leave(x);
}

#[test]
fn programs_read_marks_in_a_field() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Program::start(&world, &[world.chat("x"), vec!["--json".to_owned()]].concat());
    x.expect_start(r#"{"event":"registered""#);
    y.type_line("send x one");
    let line = x.expect_start(r#"{"event":"message""#);
    assert!(line.contains(r#""key":"new""#), "{line}");
    x.type_line(r#"{"operation":"verify","user":"y"}"#);
    let line = x.expect_start(r#"{"event":"verified""#);
    assert!(line.contains(r#""user":"y","fingerprint":""#), "{line}");
    y.type_line("send x two");
    let line = x.expect_start(r#"{"event":"message""#);
    assert!(line.contains(r#""key":"verified""#), "{line}");
    x.type_line(r#"{"operation":"whoami"}"#);
    let line = x.expect_start(r#"{"event":"fingerprint""#);
    assert!(!line.contains('█'), "{line}");
}
