//! Which message is meant, as it is typed: by a number, by whom it is for, or by what programs call it.
//!
//! What we wrote and what came is numbered each for itself: `>12` went, `<7` came, and a number alone is one that went. Without a
//! registry the same words are typed with a `:` before them (`talk`). Reads only. Invariant: as `commands`'.

use super::commands::{Parsed, Typist, usage, usage_since};
use super::commands_history::partner;
use crate::client::interface::{Command, One, Which};
use crate::id::MessageId;

pub(super) fn read_trace(rest: &str, _typist: Typist<'_>) -> Parsed {
    let mut words = rest.split_whitespace();
    let (word, more) = (words.next(), words.next());
    let which = match word {
        _ if more.is_some() => return usage("trace"),
        None => Ok(Which::Last(None)),
        Some(word) => match one(word) {
            Some(one) => Ok(Which::One(one)),
            None => partner(word).map(|partner| Which::Last(Some(partner))),
        },
    };
    match which {
        Ok(which) => Parsed::Command(Command::Trace(which)),
        Err(error) => usage_since("trace", &error),
    }
}

/// The message that a word names, if it does so. Whoever is called like a number has an `@` before it.
fn one(word: &str) -> Option<One> {
    if let Some(digits) = word.strip_prefix('<') {
        return number(digits).map(One::Received);
    }
    let written = number(word.strip_prefix('>').unwrap_or(word)).map(One::Written);
    written.or_else(|| word.parse::<MessageId>().ok().map(One::Called))
}

/// Digits and no sign.
fn number(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::parse;
    use crate::client::interface::Partner;
    use crate::id::Name;

    fn typed(line: &str) -> Parsed {
        let own: Name = "alice".parse().unwrap();
        let focus = None;
        parse(line, Typist { own: &own, focus })
    }

    #[test]
    fn a_message_is_named_by_its_number_by_its_id_or_by_whom_it_is_for() {
        let id = format!("{}-00000000000000ff-7", "ab".repeat(32));
        let called = || One::Called(id.parse().unwrap());
        let last = |partner| Which::Last(Some(partner));
        for (line, which) in [
            ("trace".to_owned(), Which::Last(None)),
            (" $trace  12 ".to_owned(), Which::One(One::Written(12))),
            ("trace >12".to_owned(), Which::One(One::Written(12))),
            ("trace <7".to_owned(), Which::One(One::Received(7))),
            (format!("trace {id}"), Which::One(called())),
            (
                "trace bob".to_owned(),
                last(Partner::Person("bob".parse().unwrap())),
            ),
            (
                "trace #den".to_owned(),
                last(Partner::Room("den".parse().unwrap())),
            ),
            (
                "trace 192.0.2.7:4000".to_owned(),
                last(Partner::At("192.0.2.7:4000".parse().unwrap())),
            ),
        ] {
            assert_eq!(typed(&line), Parsed::Command(Command::Trace(which)), "{line}");
        }
    }

    #[test]
    fn what_names_no_message_is_wrong() {
        for wrong in [
            "trace bob 3",
            "trace <",
            "trace >",
            "trace <-7",
            "trace >+7",
            "trace #",
            "trace b/b",
            "trace 192.0.2.7:0",
            "trace 123456789012345678901234567890123",
        ] {
            let Parsed::Wrong(hint) = typed(wrong) else {
                panic!("{wrong}");
            };
            assert!(hint.starts_with("Usage: trace [number/name]"), "{hint}");
        }
    }
}
