//! Commands about what was said before, as they are typed.
//!
//! A room is named with a `#` here, for a person and a room may have the same name; a person may be with an `@`, for a name may be
//! all digits, and look like a number. An address stands for whoever is there.
//! Without a registry the same words are typed with a `:` before them (`talk`). Reads only. Invariant: as `commands`'.

use std::net::SocketAddr;
use std::str::FromStr;

use super::args_values::parse_peer;
use super::commands::{Parsed, Typist, usage, usage_since};
use super::focus::Focus;
use super::grammar::ALL;
use crate::client::interface::{Command, Partner, Subject};
use crate::id::Name;
use crate::limits::{HISTORY_MESSAGES_MAX, SEARCH_BYTES_MAX};

/// Messages if nobody says how many: they fit a screen.
pub(super) const MESSAGES: usize = 20;

/// A number alone is how many.
pub(super) fn read_history(rest: &str, typist: Typist<'_>) -> Parsed {
    let words: Vec<&str> = rest.split_whitespace().take(3).collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let (name, count) = match words.as_slice() {
        [] => (None, None),
        [count] if is_number(count) => (None, Some(*count)),
        [name] => (Some(*name), None),
        [name, count] if is_number(count) => (Some(*name), Some(*count)),
        _ => return usage("history"),
    };
    let subject = match name {
        None => Ok(typist
            .focus
            .map_or(Subject::All, |focus| Subject::With(of_focus(focus)))),
        Some(ALL) => Ok(Subject::All),
        Some(name) => partner(name).map(Subject::With),
    };
    let most = count.map_or(Some(MESSAGES), |count| count.parse().ok());
    let most = most.filter(|most| (1..=HISTORY_MESSAGES_MAX).contains(most));
    match (subject, most) {
        (Ok(subject), Some(most)) => Parsed::Command(Command::History {
            subject,
            most,
            before: None,
        }),
        (Ok(_), None) => {
            let bounds = format!("the number is 1 to {HISTORY_MESSAGES_MAX}. All of it: udpchat --export");
            usage_since("history", &bounds)
        }
        (Err(error), _) => usage_since("history", &error),
    }
}

pub(super) fn read_search(rest: &str, _typist: Typist<'_>) -> Parsed {
    match rest.trim() {
        "" => usage("search"),
        words if words.len() > SEARCH_BYTES_MAX => {
            usage_since("search", &format!("they have at most {SEARCH_BYTES_MAX} bytes"))
        }
        words => Parsed::Command(Command::History {
            subject: Subject::Words(words.to_owned()),
            most: MESSAGES,
            before: None,
        }),
    }
}

pub(super) fn read_forget(rest: &str, _typist: Typist<'_>) -> Parsed {
    let words: Vec<&str> = rest.split_whitespace().take(2).collect();
    let [name] = words.as_slice() else {
        return usage("forget");
    };
    match partner(name) {
        Ok(partner) => Parsed::Command(Command::Forget(partner)),
        Err(error) => usage_since("forget", &error),
    }
}

fn of_focus(focus: &Focus) -> Partner {
    match focus {
        Focus::Person(name) => Partner::Person(name.clone()),
        Focus::Room(room) => Partner::Room(room.clone()),
    }
}

/// Whom a word means.
pub(super) fn partner(word: &str) -> Result<Partner, String> {
    if word.parse::<SocketAddr>().is_ok() {
        return parse_peer(word).map(Partner::At);
    }
    let name = |text| Name::from_str(text).map_err(|error| error.to_string());
    match word.strip_prefix('#') {
        Some(room) => name(room).map(Partner::Room),
        None => name(word.strip_prefix('@').unwrap_or(word)).map(Partner::Person),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::parse;

    fn typed(line: &str, focus: Option<&Focus>) -> Parsed {
        let own = name("alice");
        parse(line, Typist { own: &own, focus })
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn history(subject: Subject, most: usize) -> Parsed {
        Parsed::Command(Command::History {
            subject,
            most,
            before: None,
        })
    }

    #[test]
    fn a_history_is_of_somebody_or_of_all() {
        let with = |partner| Subject::With(partner);
        let bob = || with(Partner::Person(name("bob")));
        let address = "192.0.2.7:4000".parse().unwrap();
        for (line, subject, most) in [
            ("history", Subject::All, MESSAGES),
            ("history 7", Subject::All, 7),
            ("history all 1000", Subject::All, 1_000),
            ("history bob", bob(), MESSAGES),
            (" $history bob  3 ", bob(), 3),
            ("history @42", with(Partner::Person(name("42"))), MESSAGES),
            ("history 42 3", with(Partner::Person(name("42"))), 3),
            ("history #den", with(Partner::Room(name("den"))), MESSAGES),
            ("history 192.0.2.7:4000", with(Partner::At(address)), MESSAGES),
        ] {
            assert_eq!(typed(line, None), history(subject, most), "{line}");
        }
        let den = Focus::Room(name("den"));
        assert_eq!(
            typed("history 5", Some(&den)),
            history(with(Partner::Room(name("den"))), 5)
        );
        assert_eq!(typed("history all", Some(&den)), history(Subject::All, MESSAGES));
        for wrong in [
            "history bob five",
            "history bob 5 6",
            "history 0",
            "history bob 1001",
            "history #",
            "history b/b",
            "history 192.0.2.7:0",
        ] {
            assert!(matches!(typed(wrong, None), Parsed::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn words_are_searched_for_and_somebody_is_forgotten() {
        let words = Subject::Words("two  words*".to_owned());
        assert_eq!(typed("search  two  words* ", None), history(words, MESSAGES));
        assert_eq!(
            typed("forget #den", None),
            Parsed::Command(Command::Forget(Partner::Room(name("den"))))
        );
        for wrong in ["search", "search  ", "forget", "forget bob eve", "forget b/b"] {
            assert!(matches!(typed(wrong, None), Parsed::Wrong(_)), "{wrong}");
        }
    }
}
