//! How else commands are typed: as other chat systems have them.
//!
//! The other words for a command stand in its entry in `commands::TABLE`; here are those that say more than one word of
//! it, the marks before a word, and `@name`.
//! Invariant: as `commands`': every word is a reserved name.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::cli::commands::{Entry, TABLE, find, split_word, usage_of};
use crate::cli::grammar::Begun;
use crate::id::Name;
use crate::reserved::{LOBBY, is_reserved};

/// What `help` is asked for to list them.
pub const TOPIC: &str = "aliases";

/// One of these may stand before the word of a command: `$userlist`, `#ls`, `:q`, `/tui`.
const MARKS: [char; 4] = ['$', '#', ':', '/'];

/// Words for a command there.
const IN_LOBBY: &[(&str, &str)] = &[
    ("send_all", "post"),
    ("subscribe", "roomjoin"),
    ("unsubscribe", "roomleave"),
];

/// The command that a line begins with, however it is spelled, and what follows.
pub(super) fn read(line: &str) -> Option<(&'static Entry, Cow<'_, str>)> {
    let line = line.trim_start();
    if let Some(addressed) = addressed(line) {
        return Some((find("send")?, Cow::Owned(addressed)));
    }
    let marked = line.strip_prefix(MARKS);
    let bare = marked.filter(|word| !word.starts_with(char::is_whitespace));
    let (word, rest) = split_word(bare.unwrap_or(line));
    match IN_LOBBY.iter().find(|(alias, _)| *alias == word) {
        Some((_, command)) => Some((find(command)?, Cow::Owned(format!("{LOBBY} {rest}")))),
        None => Some((find(word)?, Cow::Borrowed(rest))),
    }
}

/// Whether a mark stands before the first word.
pub(super) fn is_marked(line: &str) -> bool {
    line.trim_start().starts_with(MARKS)
}

/// The same command with a mark before it: for whoever has another way to tell it from a text.
pub(super) fn marked(line: &str) -> Cow<'_, str> {
    if is_marked(line) || line.trim_start().starts_with('@') {
        Cow::Borrowed(line)
    } else {
        Cow::Owned(format!("${}", line.trim_start()))
    }
}

/// What follows the word that a line begins with, if that is for a command; the name after an `@` is one with it.
pub(super) fn begins(line: &str) -> Option<Begun<'_>> {
    let line = line.trim_start();
    let (word, rest) = match line.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, Some(rest)),
        None => (line, None),
    };
    let (entry, taken) = if let Some(name) = word.strip_prefix('@') {
        // An address, or a text that begins at once, needs no help.
        let name = Name::from_str(name.trim_end_matches(':')).ok();
        name.filter(|name| !is_reserved(name))?;
        (find("send")?, 1)
    } else {
        let bare = word.strip_prefix(MARKS).unwrap_or(word);
        match IN_LOBBY.iter().find(|(alias, _)| *alias == bare) {
            Some((_, command)) => (find(command)?, 1),
            None => (find(bare)?, 0),
        }
    };
    let arguments = entry.arguments.get(taken..).unwrap_or_default();
    Some(Begun { arguments, rest })
}

/// The words for commands that begin so; other words for them only where none of their own does.
pub(super) fn words(beginning: &str) -> Vec<String> {
    let bare = beginning.strip_prefix(MARKS).unwrap_or(beginning);
    let mark = beginning.strip_suffix(bare).unwrap_or_default();
    let marked = |words: &mut dyn Iterator<Item = &'static str>| -> Vec<String> {
        let words = words.filter(|word| word.starts_with(bare));
        words.map(|word| format!("{mark}{word}")).collect()
    };
    let own = marked(&mut TABLE.iter().map(|entry| entry.name));
    if own.is_empty() {
        marked(&mut aliases().into_iter().map(|(alias, _)| alias))
    } else {
        own
    }
}

/// What `send` takes, of `@name text`, `@name: text` or `@name:text`; an address, which has a colon of its own, may stand for the
/// name.
fn addressed(line: &str) -> Option<String> {
    let line = line.strip_prefix('@')?;
    let (word, rest) = split_word(line);
    let address = word.trim_end_matches(':');
    if address.parse::<SocketAddr>().is_ok() {
        return Some(format!("{address} {rest}"));
    }
    let ends = |character: char| character == ':' || character.is_whitespace();
    let (name, rest) = line.split_at(line.find(ends).unwrap_or(line.len()));
    // What reads as an address is no name.
    let name = Name::from_str(name).ok().filter(|name| !is_reserved(name))?;
    let text = rest.strip_prefix(':').unwrap_or(rest);
    let text = text.strip_prefix(char::is_whitespace).unwrap_or(text);
    Some(format!("{name} {text}"))
}

/// Every other word for a command, and what it stands for.
pub fn aliases() -> Vec<(&'static str, String)> {
    let words = TABLE.iter().flat_map(|entry| {
        let stands_for = |alias: &&'static str| (*alias, entry.name.to_owned());
        entry.aliases.iter().map(stands_for)
    });
    let in_lobby = IN_LOBBY
        .iter()
        .map(|(alias, command)| (*alias, format!("{command} {LOBBY}")));
    words.chain(in_lobby).collect()
}

/// The answer to `help aliases`.
pub(super) fn overview() -> Vec<String> {
    let line = |alias: &str, means: &str| format!("{alias:<28}{means}");
    let send = usage_of("send");
    let mut lines: Vec<String> = aliases()
        .iter()
        .map(|(alias, means)| line(alias, means))
        .collect();
    lines.push(line("@<name>: <text>", &send));
    lines.push(line("@<name> <text>", &send));
    lines.push(line("@<ip:port>: <text>", &send));
    let marks = MARKS.map(String::from).join(" or ");
    lines.push(format!(
        "Before the word of any command may stand {marks}, as in $userlist, #ls, :q, /tui."
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::{self, Parsed, Typist, parse};
    use crate::client::interface::{Command, RoomCommand};

    fn read(line: &str) -> Parsed {
        let own: Name = "alice".parse().unwrap();
        let focus = None;
        parse(line, Typist { own: &own, focus })
    }

    fn command(line: &str) -> Command {
        match read(line) {
            Parsed::Command(command) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_mark_may_stand_before_any_word() {
        for entry in TABLE {
            for word in entry.aliases.iter().chain([&entry.name]) {
                let plain = read(&format!("{word} den hi"));
                for mark in MARKS {
                    assert_eq!(read(&format!(" {mark}{word} den hi")), plain, "{mark}{word}");
                }
            }
        }
        for line in ["$$userlist", "$ userlist", "#", "$", ":", "!userlist"] {
            assert!(matches!(read(line), Parsed::Wrong(_)), "{line}");
        }
    }

    #[test]
    fn every_alias_does_what_it_stands_for() {
        for (alias, means) in aliases() {
            for rest in ["", " den", " den hi", " on"] {
                assert_eq!(
                    read(&format!("{alias}{rest}")),
                    read(&format!("{means}{rest}")),
                    "{alias}{rest}"
                );
            }
        }
        assert_eq!(command("#ls"), Command::Users);
        assert_eq!(
            command("$subscribe"),
            Command::Room(RoomCommand::Join("lobby".parse().unwrap()))
        );
    }

    #[test]
    fn a_name_may_be_addressed() {
        let sent = |text: &str| Command::Send {
            to: "bob".parse().unwrap(),
            text: text.into(),
        };
        for (line, text) in [
            ("@bob: hi all", "hi all"),
            (" @bob hi all", "hi all"),
            ("@bob:hi", "hi"),
            ("@bob:  two", " two"),
            ("@bob one\ntwo: three", "one\ntwo: three"),
        ] {
            assert_eq!(command(line), sent(text), "{line}");
        }
        for line in ["@bob", "@bob:", "@bob:  "] {
            assert_eq!(read(line), Parsed::Wrong("Usage: send <name> <text>".to_owned()));
        }
        for line in ["@", "@ bob hi", "@b/b hi", "$@bob hi"] {
            assert!(matches!(read(line), Parsed::Wrong(_)), "{line}");
        }
    }

    #[test]
    fn help_lists_them_all() {
        assert_eq!(read("help aliases"), Parsed::Help(Some(TOPIC)));
        let listed = commands::help(Some(TOPIC));
        for (alias, means) in aliases() {
            let line = listed.iter().find(|line| line.split(' ').next() == Some(alias));
            assert!(line.unwrap().ends_with(&means), "{alias}");
        }
        for mark in MARKS {
            assert!(listed.last().unwrap().contains(mark));
        }
        assert!(listed.iter().any(|line| line.starts_with("@<name>: <text>")));
    }
}
