//! What can be typed where there is no registry: texts for all who are listed, and a few words; and what is typed for an
//! address elsewhere.
//!
//! Invariant: whatever is not exactly one of the words is a text, and goes out as typed.

use std::net::SocketAddr;

use crate::cli::args_values::parse_peer;
use crate::cli::arguments::{
    ADDRESS, ANY_CONVERSATION, ANY_FINGERPRINT, ANY_MESSAGE, Argument, CONVERSATION, COUNT, FINGERPRINT,
    PERSON, SWITCH, WORDS as WORDS_SOUGHT, shown,
};
use crate::cli::commands::{self, Parsed, Typist};
use crate::cli::commands_history::{read_forget, read_history, read_search};
use crate::cli::commands_people::{read_block, read_dnd, read_fingerprint, read_unblock, read_verify};
use crate::cli::commands_trace::read_trace;
use crate::cli::format::Format;
use crate::cli::grammar::Begun;
use crate::cli::{json_input, talk_objects};
use crate::client::interface::{Command, PeopleCommand};
use crate::limits::BODY_BYTES_MAX;

/// A word with a colon before it.
pub(super) struct Word {
    name: &'static str,
    arguments: &'static [Argument],
    summary: &'static str,
    read: fn(&str, Typist<'_>) -> Parsed,
}

impl Word {
    /// A usage names the word as it is typed here: without its colon it would be a text for everybody.
    fn spelled(&self, parsed: Parsed) -> Parsed {
        let bare = format!("Usage: {}", self.name.trim_start_matches(':'));
        match parsed {
            Parsed::Wrong(hint) => Parsed::Wrong(match hint.strip_prefix(&bare) {
                Some(rest) => format!("Usage: {}{rest}", self.name),
                None => hint,
            }),
            parsed => parsed,
        }
    }
}

/// All of them, in the order in which help tells of them.
static WORDS: &[Word] = &[
    Word {
        name: ":status",
        arguments: &[],
        summary: "list the messages that are unfinished",
        read: |_, _| Parsed::Command(Command::Status),
    },
    Word {
        name: ":trace",
        arguments: &[ANY_MESSAGE],
        summary: "say where a message is, and how it came there",
        read: read_trace,
    },
    Word {
        name: ":net",
        arguments: &[],
        summary: "say how the paths to them are",
        read: |_, _| Parsed::Command(Command::Net),
    },
    Word {
        name: ":history",
        arguments: &[ANY_CONVERSATION, COUNT],
        summary: "show the last messages, of all or with somebody",
        read: read_history,
    },
    Word {
        name: ":search",
        arguments: &[WORDS_SOUGHT],
        summary: "show the last messages that have these words",
        read: read_search,
    },
    Word {
        name: ":forget",
        arguments: &[CONVERSATION],
        summary: "remove what was said with somebody from your disk",
        read: read_forget,
    },
    Word {
        name: ":fingerprint",
        arguments: &[],
        summary: "say your fingerprint and theirs, to compare",
        read: |_, _| Parsed::Command(Command::Fingerprint { of: None }),
    },
    Word {
        name: ":trust",
        arguments: &[ADDRESS, FINGERPRINT],
        summary: "accept a new identity there",
        read: |rest, _| read_trust(rest),
    },
    Word {
        name: ":verify",
        arguments: &[PERSON, ANY_FINGERPRINT],
        summary: "mark somebody's key as compared",
        read: read_verify,
    },
    Word {
        name: ":block",
        arguments: &[PERSON],
        summary: "show nothing of what somebody writes",
        read: read_block,
    },
    Word {
        name: ":unblock",
        arguments: &[PERSON],
        summary: "show it again",
        read: read_unblock,
    },
    Word {
        name: ":blocked",
        arguments: &[],
        summary: "list who is blocked",
        read: |_, _| Parsed::Command(Command::People(PeopleCommand::Blocked)),
    },
    Word {
        name: ":dnd",
        arguments: &[SWITCH],
        summary: "do not disturb: no bell, no program",
        read: read_dnd,
    },
];

/// The words that end the program, alone on a line.
const QUIT: [&str; 4] = [":q", "q", "quit", "exit"];

/// The words that begin so. Of those that could begin a text as well, none.
pub(super) fn words(beginning: &str) -> Vec<String> {
    let words = [":q"].into_iter().chain(WORDS.iter().map(|word| word.name));
    let fits = |word: &&str| beginning.starts_with(':') && word.starts_with(beginning);
    words.filter(fits).map(str::to_owned).collect()
}

/// What follows the word that a line begins with, if it is one of those that something follows.
pub(super) fn begins(line: &str) -> Option<Begun<'_>> {
    let line = line.trim_start();
    let takes = WORDS.iter().filter(|word| !word.arguments.is_empty());
    takes
        .filter_map(|word| {
            let after = line.strip_prefix(word.name)?;
            let rest = after.strip_prefix(char::is_whitespace);
            (rest.is_some() || after.is_empty()).then_some(Begun {
                arguments: word.arguments,
                rest,
            })
        })
        .next()
}

/// Reads a line. A line from a paste may hold newlines.
pub(super) fn parse(line: &str, typist: Typist<'_>) -> Parsed {
    let (first, rest) = commands::split_word(line.trim());
    let is_it = |word: &&Word| word.name == first && (rest.is_empty() || !word.arguments.is_empty());
    match first {
        "" => Parsed::Nothing,
        "help" if rest.is_empty() => Parsed::Answer(help()),
        _ if rest.is_empty() && QUIT.contains(&first) => Parsed::Command(Command::Leave),
        _ => match WORDS.iter().find(is_it) {
            Some(word) => word.spelled((word.read)(rest, typist)),
            None if line.len() > BODY_BYTES_MAX => Parsed::TooLarge(line.len()),
            None => Parsed::Command(Command::Say { text: line.into() }),
        },
    }
}

/// As [`parse`]; a program may also send an object.
pub(super) fn read(format: Format, line: &str, typist: Typist<'_>) -> Parsed {
    match format {
        Format::Json if json_input::is_object(line) => talk_objects::read(line, typist),
        Format::Json | Format::Lines => parse(line, typist),
    }
}

/// What can be typed, a line each.
pub(super) fn help() -> Vec<String> {
    let line = |usage: &str, summary: &str| format!("{usage:<32}{summary}");
    let words = WORDS.iter().map(|word| {
        let usage = format!("{} {}", word.name, shown(word.arguments));
        line(usage.trim_end(), word.summary)
    });
    [line("<text>", "send a text to everybody who is listed")]
        .into_iter()
        .chain(words)
        .chain([
            line(":q, q, quit, exit", "end; so do Ctrl+C and Ctrl+D"),
            line("help", "say what can be typed here"),
        ])
        .collect()
}

fn read_trust(rest: &str) -> Parsed {
    let (word, fingerprint) = commands::split_word(rest);
    let usage = || Parsed::Wrong("Usage: :trust <ip:port> <fingerprint>".to_owned());
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
        for wrong in [
            ":history bob five",
            ":search ",
            ":forget",
            ":forget b/b",
            ":trust bob x",
        ] {
            let Parsed::Wrong(hint) = read(wrong) else {
                panic!("{wrong}");
            };
            let (word, _) = commands::split_word(wrong);
            assert!(hint.starts_with(&format!("Usage: {word} ")), "{hint}");
        }
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
            (r#""blocked""#, ":blocked"),
            (r#""dnd","on":true"#, ":dnd on"),
            (r#""block","user":"bob""#, ":block bob"),
            (
                r#""unblock","address":"192.0.2.7:4000""#,
                ":unblock 192.0.2.7:4000",
            ),
            (r#""verify","user":"bob""#, ":verify bob"),
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
            r#"{"operation":"block"}"#,
            r#"{"operation":"dnd"}"#,
            r#"{"operation":"block","user":"bob","fingerprint":"x"}"#,
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
