//! What is typed and what arrives, through pipes: bad input, any text, large texts, the end of the input.

use crate::common::World;
use crate::common::pipes::Program;

#[test]
fn bad_input_is_answered_and_changes_nothing() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    for (line, answer) in [
        ("hello", "[Wrong input]"),
        ("SEND y hi", "[Wrong input]"),
        ("send", "[Wrong input]"),
        ("send y", "[Wrong input]"),
        ("dereg y", "[You can only deregister yourself.]"),
        ("send nobody hi", "[No such user: nobody]"),
        ("send x hi", "[Message not sent: it is to yourself.]"),
    ] {
        x.type_line(line);
        x.expect(answer);
    }
    x.feed(b"send y \xff\xfe\n\n   \n");
    x.expect("[Wrong input]");
    x.type_line("help");
    x.expect_start("send <name> <text>");
    x.type_line("quit");
    assert_eq!(x.end().0, 0);
}

#[test]
fn any_text_arrives_and_none_commands_the_terminal() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    for (text, shown) in [
        ("Grüße, 你好, שלום, مرحبا 👩‍👩‍👧", "Grüße, 你好, שלום, مرحبا 👩‍👩‍👧"),
        ("  spaces  kept  ", "  spaces  kept  "),
        ("\u{1b}[2J\u{1b}]0;title\u{7}", r"\u{1b}[2J\u{1b}]0;title\u{7}"),
        ("tab\there\u{202e}live", r"tab\there\u{202e}live"),
    ] {
        x.type_line(&format!("send y {text}"));
        y.expect(&format!("x: {shown}"));
        x.expect("[Message received by y.]");
    }
}

#[test]
fn the_largest_text_arrives_and_one_byte_more_is_refused() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    let most: String = ('a'..='z').cycle().take(64 * 1024).collect();
    x.type_line(&format!("send y {most}"));
    y.expect(&format!("x: {most}"));
    x.expect("[Message received by y.]");
    x.type_line(&format!("send y {most}!"));
    x.expect("[Message not sent: it has 65537 bytes, and at most 65536 are allowed.]");
    x.type_line(&format!("send y {}", "x".repeat(5_000_000)));
    x.expect("[Message not sent: it has 5000000 bytes, and at most 65536 are allowed.]");
    x.type_line("send y still here");
    y.expect("x: still here");
}

#[test]
fn a_message_through_a_pipe_is_delivered_before_the_program_ends() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Program::start(&world, &world.chat("x"));
    x.feed(b"send y one\nsend y two\nsend y three");
    x.end_input();
    for text in ["one", "two", "three"] {
        y.expect(&format!("x: {text}"));
    }
    let (code, lines) = x.end();
    assert_eq!(code, 0);
    assert_eq!(
        lines,
        [
            "[Welcome, You are registered.]",
            "[Message received by y.]",
            "[Message received by y.]",
            "[Message received by y.]",
            "[You are Offline. Bye.]",
        ]
    );
}

#[test]
fn a_message_through_a_pipe_to_somebody_away_is_stored_before_the_program_ends() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let y = Program::client(&world, "y");
    y.interrupt();
    assert_eq!(y.end().0, 0);
    let mut x = Program::start(&world, &world.chat("x"));
    x.feed(b"send y for later\n");
    x.end_input();
    assert_eq!(x.end().0, 0);
    let mut y = Program::returning_client(&world, "y");
    y.expect("[You have messages]");
    assert!(y.expect_start("x: 20").ends_with(" for later"));
}

#[test]
fn a_name_belongs_to_the_identity_that_registered_it() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let x = Program::client(&world, "x");
    let mut other = World::new();
    other.port = world.port;
    let (code, lines) = Program::start(&other, &other.chat("X")).end();
    assert_eq!((code, lines), (3, vec!["[The nickname X is taken.]".to_owned()]));
    x.interrupt();
    assert_eq!(x.end().0, 0);
    let (code, lines) = Program::start(&other, &other.chat("x")).end();
    assert_eq!(
        (code, lines),
        (3, vec!["[The nickname X is taken.]".to_owned()]),
        "offline or not, and as the name was spelled first here"
    );
    let _back = Program::returning_client(&world, "x");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = Program::client(&world, "x");
    y.quiet();
    x.close_output();
    // The first line is still read; one that comes after its reader has gone finds nobody.
    y.type_line("send x hello");
    y.expect("[Message received by x.]");
    for _ in 0..10 {
        y.type_line("send x hello?");
        y.quiet();
        if x.has_ended() {
            break;
        }
    }
    let errors = x.errors();
    assert!(
        !errors.iter().any(|line| line.contains("panicked")),
        "{errors:#?}"
    );
    x.end();
}

#[test]
fn a_changed_server_key_is_refused_with_what_to_do_about_it() {
    let world = World::new();
    let registry = Program::registry(&world);
    let x = Program::client(&world, "x");
    x.interrupt();
    assert_eq!(x.end().0, 0);
    registry.kill();
    std::fs::remove_dir_all(world.registry_folder()).unwrap();
    let _other = Program::registry(&world);

    let (code, lines) = Program::start(&world, &world.chat("x")).end();
    assert_eq!(code, 3, "{lines:#?}");
    assert!(
        lines[0].starts_with("[The server is not the one you know"),
        "{lines:#?}"
    );
    assert!(
        lines.iter().any(|line| line.contains("database.sqlite")),
        "{lines:#?}"
    );

    for suffix in ["", "-wal", "-shm"] {
        let file = world.client_folder("x").join(format!("database.sqlite{suffix}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    let _x = Program::client(&world, "x");
}
