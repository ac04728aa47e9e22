//! What a person types, or pastes, or pipes in: any text, line by line.
//!
//! Invariants: a command that is understood, written out again, is understood alike; a text goes on as it was typed;
//! whatever is answered is within bounds and nothing that a terminal would obey.

use udpchat::cli::commands::{self, Parsed, Typist};
use udpchat::cli::focus::Focus;
use udpchat::cli::render;
use udpchat::cli::sanitise::escape;
use udpchat::client::interface::{Command, One, PeopleCommand, RoomCommand, Subject, Which};
use udpchat::id::Name;
use udpchat::limits::BODY_BYTES_MAX;

pub(crate) fn run(input: &[u8]) {
    let own: Name = "alice".parse().unwrap();
    let [bob, den] = ["bob", "den"].map(|name| name.parse::<Name>().unwrap());
    let text = String::from_utf8_lossy(input);
    for focus in [None, Some(Focus::Person(bob)), Some(Focus::Room(den))] {
        let typist = Typist {
            own: &own,
            focus: focus.as_ref(),
        };
        // A paste is one line with newlines in it; a pipe has one for each.
        line(&text, typist);
        for piece in text.lines() {
            line(piece, typist);
        }
    }
}

fn line(line: &str, typist: Typist<'_>) {
    let parsed = commands::parse(line, typist);
    let answer = render::answer(&parsed);
    assert!(answer.iter().all(|line| !line.chars().any(char::is_control)));
    assert!(answer.iter().map(String::len).sum::<usize>() < 4_096);
    match &parsed {
        Parsed::Nothing => assert!(line.trim().is_empty() && answer.is_empty()),
        Parsed::Command(command) => {
            assert!(answer.is_empty(), "whoever is obeyed is not answered here");
            understood(line, command, typist);
        }
        Parsed::Focus(_) => assert!(answer.is_empty()),
        Parsed::TooLarge(bytes) => assert!(*bytes > BODY_BYTES_MAX && *bytes <= line.len()),
        Parsed::Help(_)
        | Parsed::Answer(_)
        | Parsed::NotSelf(_)
        | Parsed::Quiet(_)
        | Parsed::FullScreen
        | Parsed::Wrong(_) => assert!(!answer.is_empty()),
    }
    let shown = escape(line);
    assert!(!shown.chars().any(char::is_control));
    assert_eq!(escape(&shown), shown, "what is safe is left alone");
}

fn understood(line: &str, command: &Command, typist: Typist<'_>) {
    let again = match command {
        Command::Send { to, text } => {
            let text = &text.body;
            assert!(text.len() <= BODY_BYTES_MAX && !text.trim().is_empty());
            assert!(line.ends_with(text.as_str()), "as typed");
            format!("send {to} {text}")
        }
        Command::Post { room, text } => {
            let text = &text.body;
            assert!(text.len() <= BODY_BYTES_MAX && !text.trim().is_empty());
            assert!(line.ends_with(text.as_str()), "as typed");
            format!("post {room} {text}")
        }
        Command::Room(command) => about_rooms(command),
        Command::People(command) => about_people(command),
        Command::Users => "userlist".to_owned(),
        Command::Status => "status".to_owned(),
        Command::Trace(which) => match which {
            Which::Last(None) => "trace".to_owned(),
            Which::Last(Some(partner)) => format!("trace {partner}"),
            Which::One(One::Written(number)) => format!("trace {number}"),
            Which::One(One::Received(number)) => format!("trace <{number}"),
            Which::One(One::Called(id)) => format!("trace {id}"),
        },
        Command::Net => "net".to_owned(),
        Command::Fingerprint { of: None } => "fingerprint".to_owned(),
        Command::Fingerprint { of: Some(name) } => format!("fingerprint {name}"),
        Command::Presence { on } => format!("presence {}", if *on { "on" } else { "off" }),
        Command::History {
            subject,
            most,
            before,
        } => {
            assert_eq!(*before, None, "nobody types a place");
            match subject {
                Subject::All => format!("history all {most}"),
                Subject::With(partner) => format!("history {partner} {most}"),
                Subject::Words(words) => format!("search {words}"),
            }
        }
        Command::Forget(partner) => format!("forget {partner}"),
        Command::Deregister => format!("dereg {}", typist.own),
        Command::Register => "reg".to_owned(),
        Command::Leave => "quit".to_owned(),
        Command::Trust { name, fingerprint } => {
            assert_eq!(fingerprint.len(), 79);
            format!("trust {name} {fingerprint}")
        }
        Command::SendAt { address, text } => {
            let text = &text.body;
            assert!(text.len() <= BODY_BYTES_MAX && !text.trim().is_empty());
            format!("send {address} {text}")
        }
        Command::TrustAt { address, fingerprint } => {
            assert_eq!(fingerprint.len(), 79);
            format!("trust {address} {fingerprint}")
        }
        Command::LeaveSettled
        | Command::Names
        | Command::Seen { .. }
        | Command::Handled { .. }
        | Command::Say { .. } => {
            panic!("nobody types that")
        }
    };
    assert_eq!(commands::parse(&again, typist), Parsed::Command(command.clone()));
}

fn about_people(command: &PeopleCommand) -> String {
    match command {
        PeopleCommand::Verify {
            who,
            fingerprint: None,
        } => format!("verify {who}"),
        PeopleCommand::Verify {
            who,
            fingerprint: Some(fingerprint),
        } => {
            assert_eq!(fingerprint.len(), 79);
            format!("verify {who} {fingerprint}")
        }
        PeopleCommand::Block(who) => format!("block {who}"),
        PeopleCommand::Unblock(who) => format!("unblock {who}"),
        PeopleCommand::Blocked => "blocked".to_owned(),
    }
}

fn about_rooms(command: &RoomCommand) -> String {
    match command {
        RoomCommand::Create(room) => format!("roomcreate {room}"),
        RoomCommand::Join(room) => format!("roomjoin {room}"),
        RoomCommand::Leave(room) => format!("roomleave {room}"),
        RoomCommand::Members(room) => format!("members {room}"),
        RoomCommand::List => "roomlist".to_owned(),
        RoomCommand::Kick { room, name: None } => format!("kick {room} all"),
        RoomCommand::Kick {
            room,
            name: Some(name),
        } => format!("kick {room} {name}"),
    }
}
