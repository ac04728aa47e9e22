//! What programs ask with objects on standard input, as the commands that people type.
//!
//! `{"message":"hi","to":"bob"}` sends a text, with a `tag` if its answer is to have it; for `to` there may be a `room`, or an
//! `address`. `{"operation":…}` is a command of the table, with what belongs to it:
//! `{"operation":"kick","room":"den","user":"bob"}`. `subscribe` and `unsubscribe` enter and leave the room that every client is
//! offered, or `room`.
//! Invariant: an object has a meaning, and each of its fields a part in it, or it is said what is wrong with it.

use serde::Deserialize;

use crate::cli::args_values::parse_peer;
use crate::cli::commands::{self, Parsed, Typist};
use crate::client::interface::{Command, Text};
use crate::id::Name;
use crate::reserved::LOBBY;

/// An object, as it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    operation: Option<String>,
    message: Option<String>,
    to: Option<Name>,
    room: Option<Name>,
    user: Option<Name>,
    address: Option<String>,
    fingerprint: Option<String>,
    id: Option<String>,
    on: Option<bool>,
    count: Option<u32>,
    words: Option<String>,
    tag: Option<u64>,
}

/// What an object can be.
const FORM: &str =
    "An object has an operation and what belongs to it, or a message and one of to, room and address.";

/// What belongs to a command of the table, by its word: what it needs, and what it may have. `at`: whether an address is named.
fn fields(word: &str, at: bool) -> (&'static [&'static str], &'static [&'static str]) {
    match word {
        "trust" if at => (&["address", "fingerprint"], &[]),
        "verify" if at => (&["address"], &["fingerprint"]),
        "block" | "unblock" if at => (&["address"], &[]),
        "roomcreate" | "roomjoin" => (&["room"], &[]),
        "roomleave" | "members" => (&[], &["room"]),
        "kick" => (&[], &["room", "user"]),
        "poke" | "dereg" | "reg" => (&[], &["user"]),
        "presence" | "dnd" => (&["on"], &[]),
        "verify" => (&["user"], &["fingerprint"]),
        "block" | "unblock" => (&["user"], &[]),
        "history" => (&[], &["room", "user", "address", "count"]),
        "trace" => (&[], &["room", "user", "address", "id"]),
        "forget" => (&[], &["room", "user", "address"]),
        "search" => (&["words"], &[]),
        "trust" => (&["user", "fingerprint"], &[]),
        "fingerprint" => (&[], &["user"]),
        _ => (&[], &[]),
    }
}

/// Whether a line is to be read as an object.
pub(super) fn is_object(line: &str) -> bool {
    line.trim_start().starts_with('{')
}

/// Reads an object.
pub(super) fn parse(line: &str, typist: Typist<'_>) -> Parsed {
    match serde_json::from_str::<Wish>(line) {
        Ok(wish) => wish.read(typist),
        Err(error) => Parsed::Wrong(format!("The object cannot be read: {error}.")),
    }
}

impl Wish {
    fn read(self, typist: Typist<'_>) -> Parsed {
        let asks = self.count.is_some() || self.words.is_some() || self.id.is_some();
        let named = asks || self.user.is_some() || self.fingerprint.is_some() || self.on.is_some();
        match self {
            Self {
                operation: Some(_),
                message: None,
                to: None,
                tag: None,
                ..
            } => self.command(typist),
            Self {
                operation: None,
                message: Some(text),
                to,
                room,
                address,
                tag,
                ..
            } if !named => match (to, room, address) {
                (Some(to), None, None) => written(text, tag, |text| Command::Send { to, text }),
                (None, Some(room), None) => written(text, tag, |text| Command::Post { room, text }),
                (None, None, Some(address)) => written_at(&address, text, tag),
                _ => Parsed::Wrong(FORM.to_owned()),
            },
            _ => Parsed::Wrong(FORM.to_owned()),
        }
    }

    /// As a command of the table, with the rest of it in the order in which it is typed.
    fn command(self, typist: Typist<'_>) -> Parsed {
        let operation = self.operation.unwrap_or_default();
        let (word, default) = match operation.as_str() {
            "subscribe" => ("roomjoin", Some(LOBBY)),
            "unsubscribe" => ("roomleave", Some(LOBBY)),
            typed => match commands::find(typed).map(|entry| entry.name) {
                // Texts are objects of their own.
                Some("send" | "post") => return Parsed::Wrong(FORM.to_owned()),
                Some(word) => (word, None),
                None => {
                    return Parsed::Wrong(format!(
                        "There is no operation '{operation}'; there are subscribe, unsubscribe and the commands."
                    ));
                }
            },
        };
        let room = self.room.as_ref().map(Name::as_str).or(default);
        // Where persons and rooms can be meant, it is marked which.
        let (room_mark, user_mark) = match word {
            "history" | "forget" | "trace" => ("#", "@"),
            _ => ("", ""),
        };
        let room = room.map(|room| format!("{room_mark}{room}"));
        let address = match self.address.as_deref().map(parse_peer).transpose() {
            Ok(address) => address.map(|address| address.to_string()),
            Err(sentence) => return no_address(&sentence),
        };
        // Whom nobody names: all.
        let all = (word == "kick").then_some("all");
        let user = self.user.as_ref().map(Name::as_str).or(all);
        let user = user.map(|user| format!("{user_mark}{user}"));
        let on = self.on.map(|on| if on { "on" } else { "off" });
        let count = self.count.map(|count| count.to_string());
        let given = [
            ("room", room.as_deref()),
            ("user", user.as_deref()),
            ("address", address.as_deref()),
            ("fingerprint", self.fingerprint.as_deref()),
            ("id", self.id.as_deref()),
            ("on", on),
            ("count", count.as_deref()),
            ("words", self.words.as_deref()),
        ];
        let (needed, allowed) = fields(word, address.is_some());
        // With a mark: that it is no text is certain.
        let mut line = format!("${word}");
        for (field, value) in given {
            let is_needed = needed.contains(&field);
            match value {
                Some(value) if is_needed || allowed.contains(&field) => {
                    line.push(' ');
                    line.push_str(value);
                }
                Some(_) => {
                    return Parsed::Wrong(format!("The operation '{operation}' has no '{field}'."));
                }
                None if is_needed => {
                    return Parsed::Wrong(format!("The operation '{operation}' needs '{field}'."));
                }
                None => {}
            }
        }
        commands::parse(&line, typist)
    }
}

/// A text, if it is one. One that is too long is refused under its tag.
pub(super) fn written(body: String, tag: Option<u64>, command: impl FnOnce(Text) -> Command) -> Parsed {
    if body.trim().is_empty() {
        Parsed::Wrong("The message is blank.".to_owned())
    } else {
        Parsed::Command(command(Text { body, tag }))
    }
}

/// A text for whoever is at an address.
pub(super) fn written_at(address: &str, text: String, tag: Option<u64>) -> Parsed {
    match parse_peer(address) {
        Err(sentence) => no_address(&sentence),
        Ok(address) => written(text, tag, |text| Command::SendAt { address, text }),
    }
}

fn no_address(sentence: &str) -> Parsed {
    Parsed::Wrong(format!("The address cannot be read: {sentence}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::interface::{Partner, PeopleCommand, RoomCommand};

    fn read(line: &str) -> Parsed {
        let own = name("alice");
        let typist = Typist {
            own: &own,
            focus: None,
        };
        parse(line, typist)
    }

    fn name(name: &str) -> Name {
        name.parse().unwrap()
    }

    fn hint(line: &str) -> String {
        match read(line) {
            Parsed::Wrong(hint) => hint,
            parsed => panic!("{line} is {parsed:?}"),
        }
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let sent = Command::Send {
            to: name("bob"),
            text: " a\n\"b\"\u{7} ".into(),
        };
        assert_eq!(
            read(r#"{"message":" a\n\"b\"\u0007 ","to":"bob"}"#),
            Parsed::Command(sent)
        );
        let posted = Command::Post {
            room: name("den"),
            text: Text {
                body: "send bob hi".to_owned(),
                tag: Some(7),
            },
        };
        assert_eq!(
            read(r#" {"room":"den", "message":"send bob hi", "tag":7} "#),
            Parsed::Command(posted)
        );
    }

    #[test]
    fn addresses_stand_for_names() {
        let address = "192.0.2.7:4000".parse().unwrap();
        let text = Text {
            body: "hi".to_owned(),
            tag: Some(3),
        };
        assert_eq!(
            read(r#"{"message":"hi","address":"192.0.2.7:4000","tag":3}"#),
            Parsed::Command(Command::SendAt { address, text })
        );
        let fingerprint = ["abab"; 16].join(" ");
        assert_eq!(
            read(&format!(
                r#"{{"operation":"trust","address":"192.0.2.7:4000","fingerprint":"{fingerprint}"}}"#
            )),
            Parsed::Command(Command::TrustAt { address, fingerprint })
        );
    }

    #[test]
    fn operations_are_the_commands_of_the_table() {
        let room = |command| Parsed::Command(Command::Room(command));
        let lobby = name("lobby");
        assert_eq!(
            read(r#"{"operation":"subscribe"}"#),
            room(RoomCommand::Join(lobby.clone()))
        );
        assert_eq!(
            read(r#"{"operation":"unsubscribe"}"#),
            room(RoomCommand::Leave(lobby))
        );
        assert_eq!(
            read(r#"{"operation":"subscribe","room":"den"}"#),
            room(RoomCommand::Join(name("den")))
        );
        let kick = RoomCommand::Kick {
            room: name("den"),
            name: Some(name("bob")),
        };
        assert_eq!(
            read(r#"{"operation":"kick","user":"bob","room":"den"}"#),
            room(kick)
        );
        let all = RoomCommand::Kick {
            room: name("den"),
            name: None,
        };
        assert_eq!(read(r#"{"operation":"kick","room":"den"}"#), room(all));
        assert_eq!(
            read(r#"{"operation":"presence","on":true}"#),
            Parsed::Command(Command::Presence { on: true })
        );
        assert_eq!(
            read(r#"{"operation":"dereg"}"#),
            Parsed::Command(Command::Deregister)
        );
        assert_eq!(
            read(r#"{"operation":"dereg","user":"bob"}"#),
            Parsed::NotSelf("deregister")
        );
        let digits = "ab".repeat(32);
        let trust = read(&format!(
            r#"{{"operation":"trust","user":"bob","fingerprint":"{digits}"}}"#
        ));
        assert!(
            matches!(trust, Parsed::Command(Command::Trust { .. })),
            "{trust:?}"
        );
    }

    #[test]
    fn whom_to_believe_and_whom_to_hear_is_asked_likewise() {
        let who = Partner::Person(name("bob"));
        let verify = PeopleCommand::Verify {
            who: who.clone(),
            fingerprint: Some(["abab"; 16].join(" ")),
        };
        for (line, command) in [
            (
                format!(
                    r#"{{"operation":"verify","user":"bob","fingerprint":"{}"}}"#,
                    "ab".repeat(32)
                ),
                verify,
            ),
            (
                r#"{"operation":"block","user":"bob"}"#.to_owned(),
                PeopleCommand::Block(who),
            ),
            (r#"{"operation":"blocked"}"#.to_owned(), PeopleCommand::Blocked),
        ] {
            assert_eq!(read(&line), Parsed::Command(Command::People(command)));
        }
        assert_eq!(read(r#"{"operation":"dnd","on":true}"#), Parsed::Quiet(true));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(hint(r#"{"message":"hi","for":"bob"}"#).contains("unknown field `for`"));
        assert!(hint(r#"{"message":7,"to":"bob"}"#).contains("invalid type: integer"));
        assert!(hint(r#"{"message":"hi","to":"b b"}"#).contains("a name has only"));
        assert!(hint(r#"{"message":"hi""#).contains("cannot be read"));
        assert!(hint(r#"{"message":"hi","to":"bob","to":"eve"}"#).contains("duplicate field"));
        assert!(hint(r#"{"message":" ","to":"bob"}"#).contains("blank"));
        assert!(hint(r#"{"message":"hi","address":"bob"}"#).contains("'bob'"));
        assert!(hint(r#"{"operation":"trust","address":"bob","fingerprint":"x"}"#).contains("'bob'"));
        assert!(hint(r#"{"operation":"send bob hi"}"#).contains("no operation"));
        for odd in [
            "{}",
            r#"{"message":"hi"}"#,
            r#"{"message":"hi","to":"bob","room":"den"}"#,
            r#"{"message":"hi","to":"bob","user":"eve"}"#,
            r#"{"message":"hi","to":"bob","address":"192.0.2.7:4000"}"#,
            r#"{"operation":"dereg","message":"hi"}"#,
            r#"{"operation":"dereg","tag":1}"#,
        ] {
            assert!(hint(odd).contains("one of to, room and address"), "{odd}");
        }
    }

    #[test]
    fn what_does_not_belong_to_an_operation_is_wrong_and_so_is_what_is_missing() {
        let digits = "ab".repeat(32);
        for (rest, wrong) in [
            (r#"members","on":true"#, "has no 'on'"),
            (r#"list_members","user":"bob""#, "has no 'user'"),
            (r#"presence","room":"on""#, "has no 'room'"),
            (r#"presence""#, "needs 'on'"),
            (r#"subscribe","user":"bob""#, "has no 'user'"),
            (r#"roomjoin","user":"den""#, "needs 'room'"),
            (r#"kick","room":"den","fingerprint":"x""#, "has no 'fingerprint'"),
            (r#"help","user":"kick""#, "has no 'user'"),
            (r#"poke","address":"192.0.2.7:4000""#, "has no 'address'"),
            (&format!(r#"trust","fingerprint":"bob {digits}""#), "needs 'user'"),
            (
                r#"send","user":"bob","fingerprint":"x""#,
                "one of to, room and address",
            ),
            (
                r#"post","room":"den","user":"bob""#,
                "one of to, room and address",
            ),
        ] {
            let line = format!(r#"{{"operation":"{rest}}}"#);
            assert!(hint(&line).contains(wrong), "{line}: {}", hint(&line));
        }
    }
}
