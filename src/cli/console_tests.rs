//! Tests of plain input: what is handed over, what is answered, and how it ends.

use super::*;
use crate::cli::commands;
use crate::cli::grammar::WITH_REGISTRY;
use crate::client::interface::{Ending, Event, RoomCommand};

/// Runs lines through, with a client that is registered. The commands, and what
/// was answered.
fn run(input: &[u8]) -> (Vec<Command>, String) {
    run_in(Format::Lines, input)
}

fn run_in(format: Format, input: &[u8]) -> (Vec<Command>, String) {
    let heard = Arc::new(Heard::default());
    heard.printed(&Event::Registered { returning: false });
    let (mut seen, mut answers) = (Vec::new(), String::new());
    let mut hands = Hands {
        own: "alice".parse().unwrap(),
        grammar: &WITH_REGISTRY,
        format,
        heard,
        paint: Paint::default(),
        submit: |input: Input| {
            seen.push(command(input));
            Flow::Continue
        },
        answer: |text: &str| {
            answers.push_str(text);
            Ok(())
        },
    };
    hands.run_plain(&mut io::BufReader::new(input));
    (seen, answers)
}

/// A pipe has no Ctrl+C.
fn command(input: Input) -> Command {
    let Input::Command(command) = input else {
        panic!("{input:?}")
    };
    command
}

fn send(text: &str) -> Command {
    Command::Send {
        to: "bob".parse().unwrap(),
        text: text.into(),
    }
}

#[test]
fn each_line_is_a_command_or_answered_and_the_end_leaves() {
    let (commands, answers) = run(b"send bob hi\n\nnonsense\ndereg\ndereg bob\nreg\nsend bob last");
    assert_eq!(
        commands,
        [
            send("hi"),
            Command::Deregister,
            Command::Register,
            send("last"),
            Command::LeaveSettled
        ]
    );
    assert_eq!(
        answers,
        "[Wrong input]\nThere is no such command; help lists them.\n\
         [You can only deregister yourself.]\n"
    );
}

#[test]
fn lines_go_where_the_last_poke_or_roomjoin_has_sent_them() {
    let post = |room: &str, text: &str| Command::Post {
        room: room.parse().unwrap(),
        text: text.into(),
    };
    let join = |room: &str| Command::Room(RoomCommand::Join(room.parse().unwrap()));
    let (commands, answers) = run(
        b"lost\npoke bob\n hi \nroomjoin den\nhi all\njoin_group attic\nup here\n\
        roomleave den\nstill here\nroomleave\nlost\nsubscribe\nhello\npoke\nlost\n",
    );
    let leave = |room: &str| Command::Room(RoomCommand::Leave(room.parse().unwrap()));
    assert_eq!(
        commands,
        [
            send(" hi "),
            join("den"),
            post("den", "hi all"),
            join("attic"),
            post("attic", "up here"),
            leave("den"),
            post("attic", "still here"),
            leave("attic"),
            join("lobby"),
            post("lobby", "hello"),
            Command::LeaveSettled
        ]
    );
    assert_eq!(answers.matches("[Wrong input]").count(), 3);
}

#[test]
fn nothing_is_read_after_quit() {
    assert_eq!(run(b"quit\nsend bob never\n").0, [Command::Leave]);
}

#[test]
fn a_line_too_long_and_one_that_is_no_text_leave_the_others_alone() {
    let long = format!("send bob {}\n", "x".repeat(1 << 20));
    let input = [long.as_bytes(), b"send bob \xff\n", b"send bob ok\n"].concat();
    let (commands, answers) = run(&input);
    assert_eq!(commands, [send("ok"), Command::LeaveSettled]);
    assert_eq!(
        answers,
        "[Message not sent: it has 1048576 bytes, and at most 65536 are allowed.]\n\
         [Wrong input]\nThe line is not valid UTF-8.\n"
    );
}

#[test]
fn without_a_reader_of_the_answers_it_leaves() {
    let heard = Arc::new(Heard::default());
    heard.printed(&Event::Registered { returning: false });
    let mut seen = Vec::new();
    let mut hands = Hands {
        own: "alice".parse().unwrap(),
        grammar: &WITH_REGISTRY,
        format: Format::Lines,
        heard,
        paint: Paint::default(),
        submit: |input: Input| {
            seen.push(command(input));
            Flow::Continue
        },
        answer: |_: &str| Err(io::ErrorKind::BrokenPipe.into()),
    };
    hands.run_plain(&mut io::BufReader::new(&b"nonsense\nsend bob never\n"[..]));
    assert_eq!(seen, [Command::Leave]);
}

#[test]
fn how_much_too_long_a_line_is_is_said_to_the_byte() {
    let own = "alice".parse().unwrap();
    let typist = Typist {
        own: &own,
        focus: None,
    };
    let parse = |line: &str| commands::parse(line, typist);
    let text = "x".repeat(plain::LINE_BYTES_MAX - "send bob ".len());
    assert_eq!(
        read(
            Line::TooLong(format!("send bob {text}"), 1_000_000),
            Format::Lines,
            parse
        ),
        Parsed::TooLarge(text.len() + 1_000_000)
    );
    assert!(matches!(
        read(Line::TooLong(" ".repeat(70_000), 1), Format::Lines, parse),
        Parsed::Wrong(_)
    ));
}

#[test]
fn a_program_that_ended_before_reads_nothing() {
    let heard = Arc::new(Heard::default());
    heard.printed(&Event::Ended(Ending::ServerSilent));
    let mut hands = Hands {
        own: "alice".parse().unwrap(),
        grammar: &WITH_REGISTRY,
        format: Format::Lines,
        heard,
        paint: Paint::default(),
        submit: |input: Input| panic!("{input:?}"),
        answer: |text: &str| panic!("{text}"),
    };
    hands.run_plain(&mut io::BufReader::new(&b"send bob hi\n"[..]));
}

#[test]
fn a_program_may_give_objects_and_lines_and_is_answered_with_objects() {
    let input = b"{\"message\":\"hi\",\"to\":\"bob\"}\nsend bob last\n{\"massage\":\"hi\"}\nnonsense\n\n";
    let (commands, answers) = run_in(Format::Json, input);
    assert_eq!(commands, [send("hi"), send("last"), Command::LeaveSettled]);
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), 2, "{answers:?}");
    for answer in answers {
        assert!(
            answer.starts_with(r#"{"event":"error","reason":"wrong-input","text":""#),
            "{answer}"
        );
    }
    let (_, answers) = run(b"{\"message\":\"hi\",\"to\":\"bob\"}\n");
    assert!(answers.starts_with("[Wrong input]"), "{answers}");
}

#[test]
fn an_object_may_be_as_long_as_its_escapes_make_it() {
    let text = "\u{7}".repeat(limits::BODY_BYTES_MAX);
    let object = format!(r#"{{"message":"{}","to":"bob"}}"#, r"\u0007".repeat(text.len()));
    let (commands, answers) = run_in(Format::Json, format!("{object}\n").as_bytes());
    assert_eq!(answers, "");
    assert_eq!(commands, [send(&text), Command::LeaveSettled]);
}
