//! What can be typed at the prompt: the table of commands, and a line of text read by it.
//!
//! The table is the only list of commands: help and hints are made from it; how else they are spelled is in `spellings`.
//! Reading a line is pure; whether a command can be done now is the engine's business.
//! Invariant: every word of the table is a reserved name (`crate::reserved`), so that nobody can be called so.

use std::fmt::Display;
use std::str::FromStr;

use crate::cli::arguments::{
    ANY_COMMAND, ANY_CONVERSATION, ANY_FINGERPRINT, ANY_MEMBER, ANY_MESSAGE, ANY_PERSON, ANY_ROOM, Argument,
    CONVERSATION, COUNT, FINGERPRINT, NEW_ROOM, OWN_NAME, PERSON, ROOM, SWITCH, TEXT, WORDS, shown,
};
use crate::cli::commands_history as history;
use crate::cli::commands_people as people;
use crate::cli::commands_rooms as rooms;
use crate::cli::commands_trace as trace;
use crate::cli::focus::Focus;
use crate::cli::spellings;
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
    /// What follows the word.
    pub arguments: &'static [Argument],
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know; may be empty.
    pub details: &'static str,
    read: fn(&str, Typist<'_>) -> Parsed,
}

impl Entry {
    /// How it is typed, with what follows.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, shown(self.arguments))
            .trim_end()
            .to_owned()
    }
}

/// Who types.
#[derive(Clone, Copy, Debug)]
pub struct Typist<'a> {
    /// His own name.
    pub own: &'a Name,
    /// To whom his lines go that are no command.
    pub focus: Option<&'a Focus>,
}

impl<'a> Typist<'a> {
    /// The room to which they go.
    pub(super) fn room(self) -> Option<&'a Name> {
        self.focus.and_then(Focus::room)
    }
}

/// All commands, in the order in which help tells of them.
pub static TABLE: &[Entry] = &[
    Entry {
        name: "send",
        aliases: &[],
        arguments: &[PERSON, TEXT],
        summary: "send a text to somebody",
        details: "The text is everything after the name, as typed; at most 65536 bytes. A paste of several \
                  lines is one message. It goes directly if that works, otherwise by way of the server; what \
                  becomes of it is always said. An address like 192.0.2.7:4000 may stand for the name: then it goes \
                  to whoever is there, and never by way of the server.",
        read: people::read_send,
    },
    Entry {
        name: "poke",
        aliases: &["chat"],
        arguments: &[ANY_PERSON],
        summary: "talk to somebody: lines go there from now on",
        details: "All lines that do not begin with the word of a command, whole and as typed. To say one that does: \
                  send <name> <text>, or post <room> <text>. The prompt shows to whom lines go, a room as #room. poke \
                  without a name ends it; so does another poke or roomjoin.",
        read: people::read_poke,
    },
    Entry {
        name: "post",
        aliases: &["send_group"],
        arguments: &[ROOM, TEXT],
        summary: "send a text to all who are in a room",
        details: "The server keeps it for those who are away. When everybody has it, that is said; and how many \
                  have it, if it ends before.",
        read: rooms::read_post,
    },
    Entry {
        name: "userlist",
        aliases: &["ls"],
        arguments: &[],
        summary: "list who there is: status, since when, address",
        details: "A server with more than 1000 clients tells only of those that you have written to.",
        read: people::read_users,
    },
    Entry {
        name: "presence",
        aliases: &[],
        arguments: &[SWITCH],
        summary: "say who comes and goes, or no longer",
        details: "It is off at the start. Who ends without a word is missed after a minute.",
        read: people::read_presence,
    },
    Entry {
        name: "status",
        aliases: &[],
        arguments: &[],
        summary: "list the messages that are unfinished, and why",
        details: "Of the last that you have posted, and that not everybody has, the server then says who has them.",
        read: people::read_status,
    },
    Entry {
        name: "trace",
        aliases: &[],
        arguments: &[ANY_MESSAGE],
        summary: "say where a message is, and how it came there",
        details: "By its number in status or history: trace 12, or trace >12, is one that you wrote, trace <7 one that came. Otherwise \
                  the last that you wrote, or the last to somebody: trace bob, trace #den. Each attempt, timeout, receipt and answer \
                  of the server that this run has seen; of earlier runs the states. Datagrams that are sent again are not told of \
                  each message: net counts them.",
        read: trace::read_trace,
    },
    Entry {
        name: "net",
        aliases: &[],
        arguments: &[],
        summary: "say how the paths to the server and to others are",
        details: "Of each session: where it leads, how long a round trip takes, smoothed, at least and in the last seconds, what \
                  the path loses, how many bytes may be under way, and what was sent, sent again and received.",
        read: people::read_net,
    },
    Entry {
        name: "history",
        aliases: &[],
        arguments: &[ANY_CONVERSATION, COUNT],
        summary: "show the last messages, of all or with somebody",
        details: "A room is named with a # before it: history #den. Without a name it is about whom lines go to (see poke), \
                  otherwise, or as history all, about all. Without a number, 20 messages; at most 1000. All that is kept: \
                  udpchat --export.",
        read: history::read_history,
    },
    Entry {
        name: "search",
        aliases: &[],
        arguments: &[WORDS],
        summary: "show the last messages that have these words",
        details: "All of them, each as a whole word, in upper or lower case, with accents or without; word* stands for all words \
                  that begin so.",
        read: history::read_search,
    },
    Entry {
        name: "forget",
        aliases: &[],
        arguments: &[CONVERSATION],
        summary: "remove what was said with somebody from your disk",
        details: "Or in a room: forget #den. What is under way stays, and so do the lines that you have typed, which the arrow keys \
                  bring back. It is removed here, and nowhere else. Where lines go to somebody, type $forget.",
        read: history::read_forget,
    },
    Entry {
        name: "roomlist",
        aliases: &["list_groups"],
        arguments: &[],
        summary: "list the rooms, their owners and members",
        details: "",
        read: rooms::read_list,
    },
    Entry {
        name: "roomcreate",
        aliases: &["create_group"],
        arguments: &[NEW_ROOM],
        summary: "make a room of your own, and enter it",
        details: "It lasts until you leave it. Lines go there from now on, as with roomjoin.",
        read: rooms::read_create,
    },
    Entry {
        name: "roomjoin",
        aliases: &["join_group"],
        arguments: &[ROOM],
        summary: "enter a room, and talk there",
        details: "From then on you get what is posted there, also what was while you were away. Lines that are no \
                  command go there (see poke) until you leave it, or turn to somebody else.",
        read: rooms::read_join,
    },
    Entry {
        name: "roomleave",
        aliases: &["leave_group"],
        arguments: &[ANY_ROOM],
        summary: "leave a room; your own ends",
        details: "Without a name, the one that lines go to.",
        read: rooms::read_leave,
    },
    Entry {
        name: "members",
        aliases: &["list_members"],
        arguments: &[ANY_ROOM],
        summary: "say who is in a room",
        details: "Without a name, in the one that lines go to.",
        read: rooms::read_members,
    },
    Entry {
        name: "kick",
        aliases: &[],
        arguments: &[ANY_ROOM, ANY_MEMBER],
        summary: "put somebody out of your room, or everybody",
        details: "In the room that lines go to, kick puts out all others, and kick <name> one. Elsewhere it is \
                  kick <room> <name>, or kick <room> all.",
        read: rooms::read_kick,
    },
    Entry {
        name: "dereg",
        aliases: &[],
        arguments: &[OWN_NAME],
        summary: "go offline; the program lives on",
        details: "What is sent to you meanwhile is kept by the server. What you send meanwhile waits.",
        read: read_dereg,
    },
    Entry {
        name: "reg",
        aliases: &[],
        arguments: &[OWN_NAME],
        summary: "come back after dereg, and get what was kept",
        details: "",
        read: read_reg,
    },
    Entry {
        name: "fingerprint",
        aliases: &["whoami"],
        arguments: &[ANY_PERSON],
        summary: "say your fingerprint, or somebody's, to compare",
        details: "Read it out to each other by another way: if both see the same, nobody stands between you; then verify \
                  <name>. On a terminal with room for it the digits are also a QR code. Without a name also those of all whom \
                  you write to by address.",
        read: people::read_fingerprint_of,
    },
    Entry {
        name: "verify",
        aliases: &[],
        arguments: &[PERSON, ANY_FINGERPRINT],
        summary: "mark somebody's key as compared",
        details: "After you have compared the fingerprints by another way; or with what was read out, and it is compared for \
                  you. Names are marked: (new): the key was first met in this run, or not yet. (changed): another key has \
                  turned up, and you have not decided. (verified): you have compared it. No mark: an earlier run has met it.",
        read: people::read_verify,
    },
    Entry {
        name: "trust",
        aliases: &[],
        arguments: &[PERSON, FINGERPRINT],
        summary: "accept somebody's new identity",
        details: "Only after having asked that person, by another way, whether the fingerprint is right.",
        read: people::read_trust,
    },
    Entry {
        name: "block",
        aliases: &[],
        arguments: &[PERSON],
        summary: "show nothing more of what somebody writes",
        details: "Whatever the name becomes: it is the key that is blocked. Nobody is told. What is sent to you waits until its \
                  time is over, or you unblock; what was posted to rooms is then in the history.",
        read: people::read_block,
    },
    Entry {
        name: "unblock",
        aliases: &[],
        arguments: &[PERSON],
        summary: "show it again",
        details: "",
        read: people::read_unblock,
    },
    Entry {
        name: "blocked",
        aliases: &[],
        arguments: &[],
        summary: "list who is blocked",
        details: "",
        read: people::read_blocked,
    },
    Entry {
        name: "dnd",
        aliases: &[],
        arguments: &[SWITCH],
        summary: "do not disturb: no bell, no --on-message program",
        details: "Messages are shown all the same; the prompt shows that it is on. It is off at the start.",
        read: people::read_dnd,
    },
    Entry {
        name: "tui",
        aliases: &[],
        arguments: &[],
        summary: "fill the screen, as with the option --tui",
        details: "For the rest of this run; F1 says there what the keys do.",
        read: read_tui,
    },
    Entry {
        name: "help",
        aliases: &[],
        arguments: &[ANY_COMMAND],
        summary: "say what can be typed; help aliases: how else",
        details: "",
        read: read_help,
    },
    Entry {
        name: "quit",
        aliases: &["exit", "q"],
        arguments: &[],
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
    /// To whom lines go from now on that are no command; `None`: to nobody.
    Focus(Option<Focus>),
    /// Nothing is to disturb from now on, or may again.
    Quiet(bool),
    /// The prompt is to give way to the full screen.
    FullScreen,
    /// A question about commands: all of them, one, or how else they are spelled ([`spellings::TOPIC`]).
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

/// Where lines go to somebody, only with a mark before it: a text may begin so, and what it does cannot be undone.
const ONLY_MARKED: &str = "forget";

/// Reads a line. One from a paste may hold newlines.
pub fn parse(line: &str, typist: Typist<'_>) -> Parsed {
    if line.trim().is_empty() {
        return Parsed::Nothing;
    }
    match (spellings::read(line), typist.focus) {
        (Some((entry, _)), Some(_)) if entry.name == ONLY_MARKED && !spellings::is_marked(line) => {
            Parsed::Wrong(format!(
                "That may be a text for them. ${ONLY_MARKED} removes from your disk; send and post say it."
            ))
        }
        (Some((entry, rest)), _) => (entry.read)(&rest, typist),
        (None, Some(_)) if line.len() > BODY_BYTES_MAX => Parsed::TooLarge(line.len()),
        (None, Some(focus)) => Parsed::Command(focus.say(line.to_owned())),
        (None, None) => Parsed::Wrong("There is no such command; help lists them.".to_owned()),
    }
}

/// The answer to [`Parsed::Help`].
pub fn help(topic: Option<&str>) -> Vec<String> {
    match topic.and_then(find) {
        Some(entry) => {
            let mut lines = vec![format!("{}   {}", entry.usage(), entry.summary)];
            if !entry.details.is_empty() {
                lines.push(format!("  {}", entry.details));
            }
            if !entry.aliases.is_empty() {
                lines.push(format!("  Also: {}", entry.aliases.join(", ")));
            }
            lines
        }
        None if topic == Some(spellings::TOPIC) => spellings::overview(),
        None => overview(),
    }
}

/// A line for each command: usage and summary.
pub fn overview() -> Vec<String> {
    let line = |entry: &Entry| format!("{:<28}{}", entry.usage(), entry.summary);
    TABLE.iter().map(line).collect()
}

pub(super) fn find(word: &str) -> Option<&'static Entry> {
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

/// A line that is not typed as this command is.
pub(super) fn usage(name: &str) -> Parsed {
    Parsed::Wrong(format!("Usage: {}", usage_of(name)))
}

/// As [`usage`], and why.
pub(super) fn usage_since(name: &str, why: &impl Display) -> Parsed {
    Parsed::Wrong(format!("Usage: {}; {why}.", usage_of(name)))
}

pub(super) fn usage_of(name: &str) -> String {
    find(name).map_or_else(|| name.to_owned(), Entry::usage)
}

/// A command with nothing after it.
pub(super) fn alone(name: &str, rest: &str, command: Command) -> Parsed {
    if rest.trim().is_empty() {
        Parsed::Command(command)
    } else {
        usage(name)
    }
}

/// The command of this name, with a name and a text, the rest of the line.
pub(super) fn with_text(
    name: &str,
    word: &str,
    text: &str,
    command: impl FnOnce(Name, String) -> Command,
) -> Parsed {
    match Name::from_str(word) {
        Err(error) => usage_since(name, &error),
        Ok(_) if text.len() > BODY_BYTES_MAX => Parsed::TooLarge(text.len()),
        Ok(name) => Parsed::Command(command(name, text.to_owned())),
    }
}

fn read_dereg(rest: &str, typist: Typist<'_>) -> Parsed {
    read_self("dereg", "deregister", rest, typist.own, Command::Deregister)
}

fn read_reg(rest: &str, typist: Typist<'_>) -> Parsed {
    read_self("reg", "register", rest, typist.own, Command::Register)
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

fn read_tui(rest: &str, _typist: Typist<'_>) -> Parsed {
    if rest.trim().is_empty() {
        Parsed::FullScreen
    } else {
        usage("tui")
    }
}

fn read_help(rest: &str, _typist: Typist<'_>) -> Parsed {
    let (word, more) = split_word(rest);
    let topic = match find(word) {
        Some(entry) => Some(entry.name),
        None => (word == spellings::TOPIC).then_some(spellings::TOPIC),
    };
    match topic {
        _ if word.is_empty() => Parsed::Help(None),
        Some(topic) if more.trim().is_empty() => Parsed::Help(Some(topic)),
        _ => Parsed::Wrong(format!("There is help on {}.", words().join(", "))),
    }
}

fn read_quit(rest: &str, _typist: Typist<'_>) -> Parsed {
    alone("quit", rest, Command::Leave)
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
