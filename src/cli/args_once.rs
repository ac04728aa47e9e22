//! Options of a client that does one thing and ends: `--send`, `--recv` and `--export`, with what belongs to them.
//!
//! Invariant: as `args`': a [`Task`] needs no further check of its form.

use std::time::Duration;

use clap::Args;

use crate::cli::args_values::{parse_count, parse_other, parse_timeout, shown};
use crate::cli::said::{OneOf, Said};
use crate::id::Name;
use crate::limits::BODY_BYTES_MAX;

/// What a client is started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// To talk with its user, until he leaves.
    Talk,
    /// To send one message.
    Send(SendOptions),
    /// To hand over what comes.
    Receive(ReceiveOptions),
}

/// How a history is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// An object a line, for programs.
    JsonLines,
    /// Markdown, for people.
    Markdown,
}

/// `--send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// For whom.
    pub to: Addressee,
    /// What; `None`: what standard input has.
    pub text: Option<String>,
    /// How far it has to come.
    pub wait: Wait,
    /// How long that may take.
    pub timeout: Duration,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// Somebody.
    Person(Name),
    /// All who are in a room.
    Room(Name),
}

/// How far a message has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// To the server's disk at least.
    Stored,
    /// To its recipient, or to everybody in the room.
    Delivered,
}

/// `--recv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiveOptions {
    /// How many messages; `None`: until it is ended.
    pub count: Option<u64>,
    /// What is run for each; `None`: they are printed.
    pub exec: Option<String>,
    /// How long they may take; `None`: for ever.
    pub timeout: Option<Duration>,
}

/// How long `--send` waits if nobody says otherwise: as long as a pipe's end does for what does not move.
pub(super) const SEND_TIMEOUT: Duration = crate::limits::ATTEMPTS_TOTAL;

/// The grammar.
#[derive(Debug, Args)]
#[command(next_help_heading = "Client, one thing only")]
pub(super) struct OnceFlags {
    /// Send one message, and end: TO is a name, or '#' and a room
    ///
    /// Without TEXT it is what standard input has, but for a newline at its end. The exit code says what has become of it.
    /// What is not finished stays in the outbox, and goes out with the next run. Messages that come meanwhile wait for one
    /// that shows them.
    #[arg(long, num_args = 1..=2, value_names = ["TO", "TEXT"], conflicts_with_all = ["serve", "peers", "recv"])]
    send: Option<Vec<String>>,

    /// How far it has to come: 'stored' on the server (or further; the default), or 'delivered'
    #[arg(long, value_name = "STATE", value_parser = OneOf(&["stored", "delivered"]), hide_possible_values = true,
        conflicts_with_all = ["serve", "peers"])]
    wait: Option<Said>,

    /// How long that may take, like 500ms, 10s or 5m: 15s; with --recv for ever
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["serve", "peers"])]
    timeout: Option<Said>,

    /// Print the messages that come, until Ctrl+C
    ///
    /// Their senders hear that they were received when they were printed.
    #[arg(long, conflicts_with_all = ["serve", "peers"])]
    recv: bool,

    /// End after so many messages
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["serve", "peers"])]
    count: Option<Said>,

    /// Run a program for each instead of printing it, with the text on its standard input
    ///
    /// COMMAND is for sh. UDPCHAT_FROM, UDPCHAT_ID, UDPCHAT_SENT_AT, UDPCHAT_SEQ and UDPCHAT_ROOM are in its environment.
    /// A message is handled when it ends with 0, and its sender hears of it then; otherwise, and after a crash, it is run
    /// again: at least once for each.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["serve", "peers"])]
    exec: Option<Said>,

    /// Write all messages that are kept to standard output, the oldest first: 'jsonl' or 'markdown'
    ///
    /// It is read beside a client that runs, or without one; nothing is started and nothing sent.
    #[arg(long, value_name = "FORMAT", value_parser = OneOf(&["jsonl", "markdown"]), hide_possible_values = true, conflicts_with_all = [
        "serve", "send", "recv", "wait", "timeout", "count", "exec", "ephemeral", "json", "join", "ttl", "keep_history", "bind",
    ])]
    export: Option<Said>,
}

impl OnceFlags {
    /// How the history is to be written out, if that is all that is wanted.
    pub(super) fn export(&self) -> Result<Option<Paper>, String> {
        self.export.as_ref().map(|said| said.read(paper)).transpose()
    }

    /// What is to be done.
    pub(super) fn check(self) -> Result<Task, String> {
        let beside = |said: &Option<Said>, option: &str, with: &str| match said {
            Some(said) if said.is_typed() => Err(format!("{option} goes with {with}; try 'udpchat --help'")),
            _ => Ok(()),
        };
        if self.send.is_none() {
            beside(&self.wait, "--wait", "--send")?;
        }
        if !self.recv {
            beside(&self.count, "--count", "--recv")?;
            beside(&self.exec, "--exec", "--recv")?;
        }
        if self.send.is_none() && !self.recv {
            beside(&self.timeout, "--timeout", "--send or --recv")?;
            return Ok(Task::Talk);
        }
        let timeout = self.timeout.map(|said| said.read(parse_timeout)).transpose()?;
        match self.send {
            Some(values) => {
                let mut values = values.into_iter();
                Ok(Task::Send(SendOptions {
                    to: addressee(&values.next().unwrap_or_default())?,
                    text: values.next().map(text).transpose()?,
                    wait: self.wait.map_or(Ok(Wait::Stored), |said| said.read(wait))?,
                    timeout: timeout.unwrap_or(SEND_TIMEOUT),
                }))
            }
            None => Ok(Task::Receive(ReceiveOptions {
                count: self.count.map(|said| said.read(parse_count)).transpose()?,
                exec: self.exec.map(|said| said.read(command)).transpose()?,
                timeout,
            })),
        }
    }
}

fn addressee(text: &str) -> Result<Addressee, String> {
    match text.strip_prefix('#') {
        Some(room) => parse_other(room).map(Addressee::Room),
        None => parse_other(text).map(Addressee::Person),
    }
}

fn text(text: String) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("there is nothing to send: the text is blank".to_owned())
    } else if text.len() > BODY_BYTES_MAX {
        Err(format!(
            "the text has {} bytes, and at most {BODY_BYTES_MAX} are allowed",
            text.len()
        ))
    } else {
        Ok(text)
    }
}

fn paper(text: &str) -> Result<Paper, String> {
    match text {
        "jsonl" => Ok(Paper::JsonLines),
        "markdown" => Ok(Paper::Markdown),
        _ => Err(format!("--export is jsonl or markdown, not '{}'", shown(text))),
    }
}

fn wait(text: &str) -> Result<Wait, String> {
    match text {
        "stored" => Ok(Wait::Stored),
        "delivered" => Ok(Wait::Delivered),
        _ => Err(format!("--wait is stored or delivered, not '{}'", shown(text))),
    }
}

fn command(command: &str) -> Result<String, String> {
    if command.trim().is_empty() {
        Err("--exec needs a command".to_owned())
    } else {
        Ok(command.to_owned())
    }
}
