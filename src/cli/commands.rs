//! What can be typed at the prompt: the table of commands, and a line of text read by it.
//!
//! The table is the only list: help and hints are made from it. Reading a line is pure; whether a
//! command can be done now is the engine's business.
//! Invariant: every word of the table is a reserved name (`crate::reserved`), so that nobody can be called so.

use std::str::FromStr;

use crate::cli::commands_rooms as rooms;
use crate::cli::talk;
use crate::client::interface::Command;
use crate::id::Name;
use crate::limits::BODY_BYTES_MAX;

/// One command.
#[derive(Debug)]
pub struct Entry {
    /// The word that is typed.
    pub name: &'static str,
    /// Other words for the same.
    pub aliases: &'static [&'static str],
    /// How it is typed, with what follows.
    pub usage: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know; may be empty.
    pub details: &'static str,
    read: fn(&str, &Name) -> Parsed,
}

/// All commands, in the order in which help tells of them.
pub static TABLE: &[Entry] = &[
    Entry {
        name: "send",
        aliases: &[],
        usage: "send <name> <text>",
        summary: "send a text to somebody",
        details: "The text is everything after the name, as typed; at most 65536 bytes. A paste of several \
                  lines is one message. It goes directly if that works, otherwise by way of the server; what \
                  becomes of it is always said. An address like 192.0.2.7:4000 may stand for the name: then it goes \
                  to whoever is there, and never by way of the server.",
        read: read_send,
    },
    Entry {
        name: "post",
        aliases: &["send_group"],
        usage: "post <room> <text>",
        summary: "send a text to all who are in a room",
        details: "The server keeps it for those who are away. When everybody has it, that is said; and how many \
                  have it, if it ends before.",
        read: rooms::read_post,
    },
    Entry {
        name: "roomlist",
        aliases: &["list_groups"],
        usage: "roomlist",
        summary: "list the rooms, their owners and members",
        details: "",
        read: rooms::read_list,
    },
    Entry {
        name: "roomcreate",
        aliases: &["create_group"],
        usage: "roomcreate <room>",
        summary: "make a room of your own, and enter it",
        details: "It lasts until you leave it.",
        read: rooms::read_create,
    },
    Entry {
        name: "roomjoin",
        aliases: &["join_group"],
        usage: "roomjoin <room>",
        summary: "enter a room",
        details: "From then on you get what is posted there, also what was while you were away.",
        read: rooms::read_join,
    },
    Entry {
        name: "roomleave",
        aliases: &["leave_group"],
        usage: "roomleave <room>",
        summary: "leave a room; your own ends",
        details: "",
        read: rooms::read_leave,
    },
    Entry {
        name: "members",
        aliases: &["list_members"],
        usage: "members <room>",
        summary: "say who is in a room",
        details: "",
        read: rooms::read_members,
    },
    Entry {
        name: "kick",
        aliases: &[],
        usage: "kick <room> [name]",
        summary: "put somebody out of your room, or everybody",
        details: "",
        read: rooms::read_kick,
    },
    Entry {
        name: "dereg",
        aliases: &[],
        usage: "dereg [own name]",
        summary: "go offline; the program lives on",
        details: "What is sent to you meanwhile is kept by the server. What you send meanwhile waits.",
        read: read_dereg,
    },
    Entry {
        name: "reg",
        aliases: &[],
        usage: "reg [own name]",
        summary: "come back after dereg, and get what was kept",
        details: "",
        read: read_reg,
    },
    Entry {
        name: "trust",
        aliases: &[],
        usage: "trust <name> <fingerprint>",
        summary: "accept somebody's new identity",
        details: "Only after having asked that person, by another way, whether the fingerprint is right.",
        read: read_trust,
    },
    Entry {
        name: "help",
        aliases: &[],
        usage: "help [command]",
        summary: "say what can be typed here",
        details: "",
        read: read_help,
    },
    Entry {
        name: "quit",
        aliases: &["exit"],
        usage: "quit",
        summary: "deregister and end; so do Ctrl+C and Ctrl+D",
        details: "A second Ctrl+C ends at once. What waits is kept, and sent when the client runs again.",
        read: read_quit,
    },
];

/// What a line turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Blank.
    Nothing,
    /// Something for the client.
    Command(Command),
    /// A question about commands; all of them, or one.
    Help(Option<&'static str>),
    /// `dereg` or `reg` with somebody else's name.
    NotSelf(&'static str),
    /// Answered here, with these lines.
    Answer(Vec<String>),
    /// A text with so many bytes, too many.
    TooLarge(usize),
    /// None of these; the hint says what would be right.
    Wrong(String),
}

/// Reads a line that `own` has typed. A line from a paste may hold newlines.
pub fn parse(line: &str, own: &Name) -> Parsed {
    let (word, rest) = split_word(line);
    if word.is_empty() {
        return Parsed::Nothing;
    }
    // Typed so where there is no registry.
    let word = if word == talk::TRUST { "trust" } else { word };
    match find(word) {
        Some(entry) => (entry.read)(rest, own),
        None => Parsed::Wrong(format!(
            "There is no such command; there are {}.",
            words().join(", ")
        )),
    }
}

/// The answer to [`Parsed::Help`].
pub fn help(topic: Option<&str>) -> Vec<String> {
    match topic.and_then(find) {
        Some(entry) => {
            let mut lines = vec![format!("{}   {}", entry.usage, entry.summary)];
            if !entry.details.is_empty() {
                lines.push(format!("  {}", entry.details));
            }
            if !entry.aliases.is_empty() {
                lines.push(format!("  Also: {}", entry.aliases.join(", ")));
            }
            lines
        }
        None => overview(),
    }
}

/// A line for each command: usage and summary.
pub fn overview() -> Vec<String> {
    let line = |entry: &Entry| format!("{:<28}{}", entry.usage, entry.summary);
    TABLE.iter().map(line).collect()
}

fn find(word: &str) -> Option<&'static Entry> {
    TABLE
        .iter()
        .find(|entry| entry.name == word || entry.aliases.contains(&word))
}

fn words() -> Vec<&'static str> {
    TABLE.iter().map(|entry| entry.name).collect()
}

/// The first word, and what follows after the one space (or newline) that ends it.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some(pair) => pair,
        None => (text, ""),
    }
}

pub(super) fn usage(name: &str) -> Parsed {
    let usage = find(name).map_or(name, |entry| entry.usage);
    Parsed::Wrong(format!("Usage: {usage}"))
}

fn read_send(rest: &str, _own: &Name) -> Parsed {
    let (word, text) = split_word(rest);
    if word.is_empty() || text.trim().is_empty() {
        return usage("send");
    }
    talk::send_at(word, text).unwrap_or_else(|| {
        with_text(word, text, "send <name> <text>", |to, text| Command::Send {
            to,
            text,
        })
    })
}

/// A command with a name and a text, the rest of the line.
pub(super) fn with_text(
    word: &str,
    text: &str,
    usage: &str,
    command: impl FnOnce(Name, String) -> Command,
) -> Parsed {
    match Name::from_str(word) {
        Err(error) => Parsed::Wrong(format!("Usage: {usage}; {error}.")),
        Ok(_) if text.len() > BODY_BYTES_MAX => Parsed::TooLarge(text.len()),
        Ok(name) => Parsed::Command(command(name, text.to_owned())),
    }
}

fn read_dereg(rest: &str, own: &Name) -> Parsed {
    read_self("dereg", "deregister", rest, own, Command::Deregister)
}

fn read_reg(rest: &str, own: &Name) -> Parsed {
    read_self("reg", "register", rest, own, Command::Register)
}

/// A command about oneself; the own name may follow, and nothing else.
fn read_self(command: &str, verb: &'static str, rest: &str, own: &Name, done: Command) -> Parsed {
    let (word, more) = split_word(rest);
    if !more.trim().is_empty() {
        return usage(command);
    }
    match Name::from_str(word) {
        _ if word.is_empty() => Parsed::Command(done),
        Ok(name) if name.matches(own) => Parsed::Command(done),
        _ => Parsed::NotSelf(verb),
    }
}

fn read_trust(rest: &str, _own: &Name) -> Parsed {
    let (word, fingerprint) = split_word(rest);
    if word.is_empty() || fingerprint.trim().is_empty() {
        return usage("trust");
    }
    if let Some(parsed) = talk::trust_at(word, fingerprint) {
        return parsed;
    }
    let fingerprint = match read_fingerprint(fingerprint) {
        Ok(fingerprint) => fingerprint,
        Err(wrong) => return wrong,
    };
    match Name::from_str(word) {
        Err(error) => Parsed::Wrong(format!("Usage: trust <name> <fingerprint>; {error}.")),
        Ok(name) => Parsed::Command(Command::Trust { name, fingerprint }),
    }
}

/// A fingerprint however it was typed, or what is wrong with it.
pub(super) fn read_fingerprint(text: &str) -> Result<String, Parsed> {
    let digits: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    if digits.len() == FINGERPRINT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(grouped(&digits.to_ascii_lowercase()))
    } else {
        Err(Parsed::Wrong(format!(
            "A fingerprint has {FINGERPRINT_DIGITS} hexadecimal digits; give it whole, as it was shown."
        )))
    }
}

/// Digits of `IdentityId::fingerprint`, without the spaces.
const FINGERPRINT_DIGITS: usize = 64;

/// As `IdentityId::fingerprint` writes it, however it was typed.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 5 / 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn read_help(rest: &str, _own: &Name) -> Parsed {
    let (word, more) = split_word(rest);
    match find(word) {
        _ if word.is_empty() => Parsed::Help(None),
        Some(entry) if more.trim().is_empty() => Parsed::Help(Some(entry.name)),
        _ => Parsed::Wrong(format!("There is help on {}.", words().join(", "))),
    }
}

fn read_quit(rest: &str, _own: &Name) -> Parsed {
    if rest.trim().is_empty() {
        Parsed::Command(Command::Leave)
    } else {
        usage("quit")
    }
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
