//! What can be typed where there is no registry: texts for all who are listed, and a few words; and what is typed for an
//! address elsewhere.
//!
//! Invariant: whatever is not exactly one of the words is a text, and goes out as typed.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::cli::args_values::parse_peer;
use crate::cli::arguments::{ADDRESS, Argument, FINGERPRINT, shown};
use crate::cli::commands::{self, Parsed, Typist};
use crate::cli::commands_people::read_fingerprint;
use crate::cli::format::Format;
use crate::cli::grammar::Begun;
use crate::cli::json_input;
use crate::client::interface::Command;
use crate::limits::BODY_BYTES_MAX;

/// The words that end the program.
const QUIT: [&str; 4] = [":q", "q", "quit", "exit"];
/// Says what is unfinished.
const STATUS: &str = ":status";
/// Says one's own fingerprint, and those of all who are listed.
const FINGERPRINT_WORD: &str = ":fingerprint";
/// Before an address and a fingerprint.
const TRUST: &str = ":trust";

/// What follows it.
const TRUST_TAKES: &[Argument] = &[ADDRESS, FINGERPRINT];

/// The words that begin so. Of those that could begin a text as well, none.
pub(super) fn words(beginning: &str) -> Vec<String> {
    let words = [":q", STATUS, FINGERPRINT_WORD, TRUST].into_iter();
    let fits = |word: &&str| beginning.starts_with(':') && word.starts_with(beginning);
    words.filter(fits).map(str::to_owned).collect()
}

/// What follows the word that a line begins with, if it is one of those that something follows.
pub(super) fn begins(line: &str) -> Option<Begun<'_>> {
    let after = line.trim_start().strip_prefix(TRUST)?;
    let rest = after.strip_prefix(char::is_whitespace);
    (rest.is_some() || after.is_empty()).then_some(Begun {
        arguments: TRUST_TAKES,
        rest,
    })
}

/// Reads a line. A line from a paste may hold newlines.
pub(super) fn parse(line: &str, _typist: Typist<'_>) -> Parsed {
    let word = line.trim();
    match word {
        "" => Parsed::Nothing,
        "help" => Parsed::Answer(help()),
        STATUS => Parsed::Command(Command::Status),
        FINGERPRINT_WORD => Parsed::Command(Command::Fingerprint { of: None }),
        _ if QUIT.contains(&word) => Parsed::Command(Command::Leave),
        _ => match commands::split_word(word) {
            (TRUST, rest) => read_trust(rest),
            _ if line.len() > BODY_BYTES_MAX => Parsed::TooLarge(line.len()),
            _ => Parsed::Command(Command::Say { text: line.into() }),
        },
    }
}

/// As [`parse`]; a program may also send an object: `{"message":"hi"}`, for one of them with his `address`, or an operation.
pub(super) fn read(format: Format, line: &str, typist: Typist<'_>) -> Parsed {
    if format == Format::Lines || !json_input::is_object(line) {
        return parse(line, typist);
    }
    match serde_json::from_str::<Asked>(line) {
        Ok(asked) => asked.read(typist),
        Err(error) => Parsed::Wrong(format!("The object cannot be read: {error}.")),
    }
}

/// An object, as it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    message: Option<String>,
    operation: Option<String>,
    address: Option<String>,
    fingerprint: Option<String>,
    tag: Option<u64>,
}

impl Asked {
    fn read(self, typist: Typist<'_>) -> Parsed {
        match self {
            Self {
                message: Some(text),
                operation: None,
                address,
                fingerprint: None,
                tag,
            } => match address {
                Some(address) => json_input::written_at(&address, text, tag),
                None => json_input::written(text, tag, |text| Command::Say { text }),
            },
            Self {
                message: None,
                operation: Some(word),
                address,
                fingerprint,
                tag: None,
            } => match (word.as_str(), address, fingerprint) {
                ("trust", Some(address), Some(fingerprint)) => {
                    parse(&format!("{TRUST} {address} {fingerprint}"), typist)
                }
                ("status" | "fingerprint", None, None) => parse(&format!(":{word}"), typist),
                ("help" | "quit", None, None) => parse(&word, typist),
                _ => Parsed::Wrong(FORM.to_owned()),
            },
            _ => Parsed::Wrong(FORM.to_owned()),
        }
    }
}

/// What there can be in an object.
const FORM: &str = "An object has a message, perhaps with an address and a tag; or an operation: status, fingerprint, help, quit, \
                    or trust with an address and a fingerprint.";

/// What can be typed, a line each.
pub(super) fn help() -> Vec<String> {
    let line = |(usage, summary): (&str, &str)| format!("{usage:<32}{summary}");
    let trust = trust_usage();
    [
        ("<text>", "send a text to everybody who is listed"),
        (":q, q, quit, exit", "end; so do Ctrl+C and Ctrl+D"),
        (":status", "list the messages that are unfinished"),
        (":fingerprint", "say your fingerprint and theirs, to compare"),
        (&trust, "accept a new identity there"),
        ("help", "say what can be typed here"),
    ]
    .map(line)
    .to_vec()
}

fn trust_usage() -> String {
    format!("{TRUST} {}", shown(TRUST_TAKES))
}

fn read_trust(rest: &str) -> Parsed {
    let (word, fingerprint) = commands::split_word(rest);
    let usage = || Parsed::Wrong(format!("Usage: {}", trust_usage()));
    trust_at(word, fingerprint).unwrap_or_else(usage)
}

/// The fingerprint of whoever is at an address; `None` if the word is none.
pub(super) fn trust_at(word: &str, fingerprint: &str) -> Option<Parsed> {
    let address = word.parse::<SocketAddr>().ok()?;
    Some(match read_fingerprint(fingerprint) {
        Ok(fingerprint) => Parsed::Command(Command::TrustAt { address, fingerprint }),
        Err(wrong) => wrong,
    })
}

/// A text for whoever is at an address; `None` if the word is none.
pub(super) fn send_at(word: &str, text: &str) -> Option<Parsed> {
    word.parse::<SocketAddr>().ok()?;
    Some(match parse_peer(word) {
        Err(sentence) => Parsed::Wrong(format!("Usage: send <ip:port> <text>; {sentence}.")),
        Ok(_) if text.len() > BODY_BYTES_MAX => Parsed::TooLarge(text.len()),
        Ok(address) => Parsed::Command(Command::SendAt {
            address,
            text: text.into(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Name;

    fn by_alice(line: &str, parse: fn(&str, Typist<'_>) -> Parsed) -> Parsed {
        let own: Name = "alice".parse().unwrap();
        parse(
            line,
            Typist {
                own: &own,
                focus: None,
            },
        )
    }

    fn read(line: &str) -> Parsed {
        by_alice(line, parse)
    }

    fn say(text: &str) -> Parsed {
        Parsed::Command(Command::Say { text: text.into() })
    }

    #[test]
    fn a_word_alone_is_a_command_and_anything_else_a_text() {
        for word in [":q", "q", "quit", "exit", " quit "] {
            assert_eq!(read(word), Parsed::Command(Command::Leave), "{word}");
        }
        for text in [
            "quit now",
            "q?",
            "Quit",
            "send bob hi",
            ":quit",
            "helpless",
            "a\nquit",
            " hi ",
        ] {
            assert_eq!(read(text), say(text));
        }
        assert_eq!(read("help"), Parsed::Answer(help()));
        assert_eq!(read("  \n"), Parsed::Nothing);
    }

    #[test]
    fn programs_say_objects() {
        let own: Name = "alice".parse().unwrap();
        let typed = |line: &str| {
            let typist = Typist {
                own: &own,
                focus: None,
            };
            super::read(Format::Json, line, typist)
        };
        assert_eq!(typed(r#"{"message":"two\nlines"}"#), say("two\nlines"));
        let to_one = typed(r#"{"message":"hi","address":"192.0.2.7:4000"}"#);
        let address = "192.0.2.7:4000".parse().unwrap();
        let text = "hi".into();
        assert_eq!(to_one, Parsed::Command(Command::SendAt { address, text }));
        assert_eq!(typed("plain"), say("plain"));
        assert_eq!(typed("quit"), Parsed::Command(Command::Leave));
        for (operation, line) in [
            (r#""status""#, ":status"),
            (r#""fingerprint""#, ":fingerprint"),
            (r#""quit""#, "quit"),
            (r#""help""#, "help"),
        ] {
            assert_eq!(typed(&format!(r#"{{"operation":{operation}}}"#)), typed(line));
        }
        let digits = "0123456789abcdef".repeat(4);
        let trust = format!(r#"{{"operation":"trust","address":"192.0.2.7:4000","fingerprint":"{digits}"}}"#);
        assert_eq!(typed(&trust), typed(&format!(":trust 192.0.2.7:4000 {digits}")));
        assert!(matches!(typed(&trust), Parsed::Command(Command::TrustAt { .. })));
        for wrong in [
            r#"{"message":" "}"#,
            r#"{"message":"hi","to":"bob"}"#,
            r#"{"message":"hi","operation":"status"}"#,
            r#"{"operation":"status","tag":1}"#,
            r#"{"operation":"roomjoin"}"#,
            r#"{"operation":"trust","address":"192.0.2.7:4000"}"#,
            "{",
            "{}",
        ] {
            assert!(matches!(typed(wrong), Parsed::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn a_text_has_its_bound() {
        let text = "x".repeat(BODY_BYTES_MAX);
        assert_eq!(read(&text), say(&text));
        assert_eq!(read(&format!("{text}x")), Parsed::TooLarge(BODY_BYTES_MAX + 1));
    }

    #[test]
    fn a_client_of_a_registry_can_write_to_an_address() {
        let typed = |line: &str| by_alice(line, commands::parse);
        assert_eq!(
            typed("send [2001:db8::7]:4000  hi bob"),
            Parsed::Command(Command::SendAt {
                address: "[2001:db8::7]:4000".parse().unwrap(),
                text: " hi bob".into(),
            })
        );
        assert!(matches!(typed("send 224.0.0.1:4000 hi"), Parsed::Wrong(_)));
        assert!(matches!(typed("send 192.0.2.7:0 hi"), Parsed::Wrong(_)));
        let digits = "0123456789abcdef".repeat(4);
        for word in ["trust", ":trust"] {
            let parsed = typed(&format!("{word} 192.0.2.7:4000 {digits}"));
            assert!(
                matches!(parsed, Parsed::Command(Command::TrustAt { .. })),
                "{parsed:?}"
            );
        }
    }

    #[test]
    fn trust_takes_an_address_and_a_whole_fingerprint() {
        let digits = "0123456789abcdef".repeat(4);
        let Parsed::Command(Command::TrustAt { address, fingerprint }) =
            read(&format!(":trust [::1]:4000 {}", digits.to_uppercase()))
        else {
            panic!("no command");
        };
        assert_eq!(address, "[::1]:4000".parse().unwrap());
        assert_eq!(fingerprint.replace(' ', ""), digits);
        for wrong in [
            ":trust",
            ":trust bob 12",
            ":trust 10.0.0.1:4000 12",
            ":trust 10.0.0.1 12",
        ] {
            assert!(matches!(read(wrong), Parsed::Wrong(_)), "{wrong}");
        }
    }
}
