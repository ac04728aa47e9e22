//! `--send` and `--recv`, as scripts use them: what they print, how they end, and who hears of it.

use serde_json::Value;

use crate::common::World;
use crate::common::classic::SAVED;
use crate::common::pipes::Program;

const WAITS: &str = "[Message to y is waiting; it will be sent when y or the server can be reached.]";

/// A run to its end: its exit code, what it printed, and what it said on standard error.
struct Run {
    code: i32,
    lines: Vec<String>,
    errors: Vec<String>,
}

fn started(world: &World, name: &str, options: &[&str]) -> Program {
    let options = options.iter().map(|option| (*option).to_owned());
    let arguments: Vec<String> = world.chat(name).into_iter().chain(options).collect();
    Program::start(world, &arguments)
}

fn ended(program: Program) -> Run {
    // The log is for whoever runs it.
    let errors = program
        .errors()
        .into_iter()
        .filter(|line| !line.contains(" WARN "));
    let errors = errors.collect();
    let (code, lines) = program.end();
    Run { code, lines, errors }
}

fn run(world: &World, name: &str, options: &[&str]) -> Run {
    run_with(world, name, options, "")
}

fn run_with(world: &World, name: &str, options: &[&str], input: &str) -> Run {
    let mut program = started(world, name, options);
    program.feed(input.as_bytes());
    program.end_input();
    ended(program)
}

/// Sends from x to y: the exit code, and what a person is told.
fn send(world: &World, options: &[&str]) -> (i32, Vec<String>) {
    let run = run(world, "x", &[&["--send", "y", "hi"], options].concat());
    assert_eq!(run.lines, [""; 0], "standard output is for what was asked for");
    (run.code, run.errors)
}

/// A world with a registry and y, who is registered and away.
fn with_y_away() -> (World, Program) {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    y.type_line("quit");
    assert_eq!(y.end().0, 0);
    (world, registry)
}

fn said(line: &str) -> Vec<String> {
    vec![line.to_owned()]
}

#[test]
fn what_arrives_is_0() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    // On a slow machine it may go by way of the server.
    let arrived = |(code, errors): (i32, Vec<String>)| {
        assert_eq!(code, 0, "{errors:?}");
        let last = errors.last().unwrap();
        assert!(last.ends_with("received by y.]"), "{errors:?}");
    };
    arrived(send(&world, &["--wait", "delivered"]));
    let options = ["--send", "y", "--wait", "delivered"];
    let two = run_with(&world, "x", &options, "one\n two\n");
    arrived((two.code, two.errors));
    for text in ["hi", "one\\n two"] {
        let line = y.expect_start("x: ");
        assert!(line.ends_with(text), "{line}");
    }
    let (code, errors) = send(&world, &[]);
    assert_eq!(code, 0, "{errors:?}");
}

#[test]
fn what_the_server_keeps_is_0_or_6_as_was_wanted() {
    let (world, _registry) = with_y_away();
    assert_eq!(send(&world, &[]), (0, said(SAVED)));
    let (code, errors) = send(&world, &["--wait", "delivered", "--timeout", "1s"]);
    assert_eq!((code, errors), (6, said(SAVED)));
    let waits = started(
        &world,
        "x",
        &["--send", "y", "last", "--wait", "delivered", "--timeout", "60s"],
    );
    let mut y = Program::returning_client(&world, "y");
    for text in ["hi", "hi", "last"] {
        let line = y.expect_start("x: ");
        assert!(line.ends_with(text), "{line}");
    }
    let run = ended(waits);
    assert_eq!(run.code, 0, "{:?}", run.errors);
    // Directly, if y was back before it was sent.
    let last = run.errors.last().unwrap();
    assert!(last.ends_with("received by y.]"), "{:?}", run.errors);
}

#[test]
fn what_waits_is_7_and_goes_out_with_the_next_run() {
    let (world, registry) = with_y_away();
    assert_eq!(send(&world, &[]).0, 0);
    registry.kill();
    let (code, errors) = send(&world, &["--timeout", "3s"]);
    assert_eq!(code, 7);
    assert_eq!(errors.last().unwrap(), WAITS, "{errors:?}");
    let _registry = Program::registry(&world);
    let (code, errors) = send(&world, &[]);
    assert_eq!(code, 0);
    assert_eq!(
        errors.iter().filter(|line| *line == SAVED).count(),
        2,
        "{errors:?}"
    );
    let mut y = Program::returning_client(&world, "y");
    for _ in 0..3 {
        y.expect_start("x: ");
    }
}

#[test]
fn what_is_refused_is_8() {
    let (world, _registry) = with_y_away();
    let nobody = run(&world, "x", &["--send", "nobody", "hi"]);
    assert_eq!((nobody.code, nobody.errors), (8, said("[No such user: nobody]")));
}

#[test]
fn what_is_not_accepted_is_10() {
    let (world, _registry) = with_y_away();
    for (options, input, why) in [
        (
            &["--send", "x", "hi"][..],
            "",
            "[Message not sent: it is to yourself.]",
        ),
        (
            &["--send", "#den", "hi"],
            "",
            "[Message not sent: you are not in den.",
        ),
        (
            &["--send", "y"],
            " \n",
            "udpchat: nothing was sent: standard input is blank",
        ),
        (
            &["--send", "y"],
            &"x".repeat(65_537),
            "udpchat: nothing was sent: standard input has more than 65536 bytes",
        ),
    ] {
        let run = run_with(&world, "x", options, input);
        assert_eq!(run.code, 10, "{options:?}: {:?}", run.errors);
        assert!(run.errors.last().unwrap().starts_with(why), "{:?}", run.errors);
    }
}

#[test]
fn other_ends_keep_their_codes() {
    let world = World::new();
    assert_eq!(send(&world, &["--timeout", "3s"]).0, 1, "no server");
    let _registry = Program::registry(&world);
    let _y = Program::client(&world, "y");
    let other = World::within(&std::env::temp_dir(), world.port);
    let run = run(&other, "y", &["--send", "x", "hi"]);
    assert_eq!((run.code, run.errors), (3, said("[The nickname y is taken.]")));
}

#[test]
fn objects_tell_the_message_from_others() {
    let (world, _registry) = with_y_away();
    let run = run(&world, "x", &["--send", "y", "hi", "--json"]);
    assert_eq!((run.code, run.errors), (0, said(SAVED)));
    let objects: Vec<Value> = run
        .lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let states: Vec<&Value> = objects
        .iter()
        .filter(|object| object["event"] == "state")
        .collect();
    let told: Vec<&str> = states
        .iter()
        .map(|state| state["state"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["accepted", "offline", "stored"]);
    assert!(states.iter().all(|state| state["id"] == states[0]["id"]));
}

#[test]
fn what_comes_while_one_sends_is_left_to_a_run_that_shows_it() {
    let (world, _registry) = with_y_away();
    let mut x = Program::client(&world, "x");
    x.type_line("send y for later");
    x.expect(SAVED);
    let sent = run(&world, "y", &["--send", "x", "hi"]);
    assert_eq!((sent.code, sent.lines), (0, Vec::new()));
    x.expect("y: hi");
    let received = run(&world, "y", &["--recv", "--count", "1"]);
    assert_eq!(received.code, 0);
    assert!(received.lines[0].ends_with(" for later"), "{:?}", received.lines);
    x.expect_start("[Message of ");
}

#[test]
fn as_many_as_wanted_are_printed_and_the_others_wait() {
    let (world, _registry) = with_y_away();
    let mut x = Program::client(&world, "x");
    for text in ["one", "two", "three"] {
        x.type_line(&format!("send y {text}"));
        x.expect(SAVED);
    }
    let two = run(&world, "y", &["--recv", "--count", "2", "--json"]);
    assert_eq!(two.code, 0, "{:?}", two.errors);
    let objects = two
        .lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let texts: Vec<Value> = objects
        .filter(|object| object["event"] == "message")
        .map(|object| object["message"].clone())
        .collect();
    assert_eq!(texts, ["one", "two"]);
    for _ in 0..2 {
        x.expect_start("[Message of ");
    }
    let rest = run(&world, "y", &["--recv", "--count", "2", "--timeout", "3s"]);
    assert_eq!(rest.code, 11, "{:?}", rest.errors);
    assert_eq!(rest.lines.len(), 1);
    assert!(rest.lines[0].ends_with(" three"), "{:?}", rest.lines);
}

/// Somebody hears that y has his message: at once, or later where his table still had y away.
fn received(who: &mut Program) {
    let line = who.expect_start("[Message ");
    assert!(line.ends_with("received by y.]"), "{line}");
}

/// A file in the world's folder.
fn file(world: &World, name: &str) -> String {
    world.folder().join(name).display().to_string()
}

#[test]
fn a_program_handles_messages_and_their_senders_hear_of_it_then() {
    let (world, _registry) = with_y_away();
    let (log, flag) = (file(&world, "log"), file(&world, "flag"));
    let mut x = Program::client(&world, "x");
    let mut z = Program::client(&world, "z");
    // What z sends fails until there is a flag.
    let command = format!(
        r#"test "$UDPCHAT_FROM" = x -o -e {flag} || exit 7; echo "$UDPCHAT_FROM $UDPCHAT_SEQ $UDPCHAT_ROOM $(cat)" >>{log}; echo handled"#
    );
    let mut y = started(&world, "y", &["--recv", "--exec", &command]);
    z.expect("[Client table updated.]");
    x.type_line("send y hello");
    y.expect("handled");
    received(&mut x);
    z.type_line("send y early");
    let said = y.expect_error("ended with exit code 7");
    assert!(said.contains("from z is given to it again in 1 s"), "{said}");
    z.expect(SAVED);
    x.type_line("send y two");
    y.expect("handled");
    received(&mut x);
    std::fs::write(&flag, "").unwrap();
    y.expect("handled");
    received(&mut z);
    y.interrupt();
    let run = ended(y);
    assert_eq!(run.code, 0, "{:?}", run.errors);
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(lines, "x 0  hello\nx 1  two\nz 0  early\n");
}

#[test]
fn what_was_not_handled_is_handled_after_a_crash() {
    let (world, _registry) = with_y_away();
    let (log, flag) = (file(&world, "log"), file(&world, "flag"));
    let mut x = Program::client(&world, "x");
    x.type_line("send y work");
    x.expect(SAVED);
    let command = format!(r#"echo "$UDPCHAT_ID" >>{log}; test -e {flag}"#);
    let y = started(&world, "y", &["--recv", "--exec", &command]);
    y.expect_error("ended with exit code 1");
    y.kill();
    std::fs::write(&flag, "").unwrap();
    let done = run(&world, "y", &["--recv", "--count", "1", "--exec", &command]);
    assert_eq!(done.code, 0, "{:?}", done.errors);
    x.expect_start("[Message of ");
    let ids = std::fs::read_to_string(&log).unwrap();
    let ids: Vec<&str> = ids.lines().collect();
    assert!(ids.len() >= 2 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let none = run(&world, "y", &["--recv", "--count", "1", "--timeout", "3s"]);
    assert_eq!(none.code, 11, "handled once and for all: {:?}", none.lines);
}

#[test]
fn posts_are_handled_too_and_their_author_hears_of_it_then() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    x.type_line("roomcreate den");
    x.expect("[You have joined den of x. Member count=1]");
    let mut y = Program::client(&world, "y");
    y.type_line("roomjoin den");
    y.expect("[You have joined den of x. Member count=2]");
    y.type_line("quit");
    assert_eq!(y.end().0, 0);
    let posted = run(&world, "y", &["--send", "#den", "by a script"]);
    assert_eq!((posted.code, posted.errors[0].as_str()), (0, SAVED));
    x.expect("den: y: by a script");
    let (flag, command) = (
        file(&world, "flag"),
        r#"test -e "$FLAG" && echo "$UDPCHAT_ROOM: $(cat)""#,
    );
    let arguments = [
        world.chat("y"),
        ["--recv", "--count", "1", "--exec", command]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut y = Program::start_with(&world, &arguments.concat(), &[("FLAG", &flag)]);
    x.type_line("post den work");
    x.expect(SAVED);
    y.expect_error("ended with exit code 1");
    x.quiet();
    assert!(
        !x.talk()
            .iter()
            .any(|line| line.ends_with("by everybody in den.]")),
        "{:?}",
        x.talk()
    );
    std::fs::write(&flag, "").unwrap();
    y.expect("den: work");
    x.expect_start("[Message of ");
    assert_eq!(ended(y).code, 0);
}

#[test]
fn who_is_ended_ends_his_program() {
    let (world, _registry) = with_y_away();
    let mut x = Program::client(&world, "x");
    x.type_line("send y work");
    x.expect(SAVED);
    let mut y = started(&world, "y", &["--recv", "--exec", "echo $$; exec sleep 1000"]);
    let pid = y.expect_start("");
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    y.interrupt();
    let run = ended(y);
    assert_eq!(run.code, 0, "{:?}", run.errors);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    let rest = self::run(&world, "y", &["--recv", "--count", "1"]);
    assert!(rest.lines[0].ends_with(" work"), "{:?}", rest.lines);
}
