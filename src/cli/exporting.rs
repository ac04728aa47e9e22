//! `--export`: the whole history of a client on standard output, the oldest message first.
//!
//! For programs an object a line, as in the answers to `history`; for people Markdown, with a heading for each day. The
//! database is read beside a client that may be running.
//! Invariants: what is held does not grow with the history; in Markdown a text is its characters and no markup, and commands
//! no terminal.

use std::path::Path;

use super::args::Paper;
use super::json_history::Kept;
use super::render::{OffsetAt, day, local_offset};
use super::render_history::head;
use super::sanitise::escape;
use super::streams::{judge, write_out};
use crate::client::interface::Recorded;
use crate::id::Name;
use crate::identity::{Identity, Role};
use crate::runtime::start::{Exit, Fault};
use crate::store::archive::Archive;
use crate::store::folder::Glance;

/// What is written at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes out what is in this folder, which is that of the client of this name.
///
/// # Errors
/// It cannot be read, or standard output not be written.
pub(super) fn export(folder: &Path, name: &Name, paper: Paper) -> Result<Exit, Fault> {
    let Some(found) = Glance::at(folder, name)? else {
        return Err(Fault {
            exit: Exit::Storage,
            sentence: format!(
                "there is no history: no client called {name} has kept anything in {}. Is the name right, or the folder (--data-dir)?",
                folder.display()
            ),
        });
    };
    let own = Identity::from_seed(&found.seed, Role::Client).id();
    let mut writer = Writer::new(found.name, paper, local_offset);
    for message in Archive::open(&found.database, own)? {
        writer.add(&message?);
        if writer.text.len() >= CHUNK_BYTES
            && let Err(error) = write_out(&std::mem::take(&mut writer.text))
        {
            return judge(Err(error)).map(|()| Exit::Done);
        }
    }
    judge(write_out(&writer.text)).map(|()| Exit::Done)
}

/// Makes text of messages.
struct Writer {
    own: Name,
    paper: Paper,
    offset_at: OffsetAt,
    /// The day that has its heading.
    today: Option<String>,
    /// Not written yet.
    text: String,
}

impl Writer {
    fn new(own: Name, paper: Paper, offset_at: OffsetAt) -> Self {
        let text = match paper {
            Paper::JsonLines => String::new(),
            Paper::Markdown => format!("# Messages of {}\n", literal(own.as_str())),
        };
        Self {
            own,
            paper,
            offset_at,
            today: None,
            text,
        }
    }

    fn add(&mut self, message: &Recorded) {
        match self.paper {
            Paper::JsonLines => self.text.push_str(&Kept::of(message, &self.own).line()),
            Paper::Markdown => self.add_item(message),
        }
    }

    fn add_item(&mut self, message: &Recorded) {
        let date = day(message.at(), self.offset_at);
        if self.today.as_ref() != Some(&date) {
            self.text.push_str(&format!("\n## {date}\n\n"));
            self.today = Some(date);
        }
        let head = head(message, &self.own, false, self.offset_at);
        let lines: Vec<String> = message.text.lines().map(literal).collect();
        // A backslash at its end breaks a line; the indent keeps the next one in the item.
        let text = lines.join("\\\n  ");
        self.text.push_str(&format!("- {}: {text}\n", literal(&head)));
    }
}

/// A line that Markdown shows as it is: every sign of ASCII may have a backslash before it
/// (spec.commonmark.org/0.31.2/#backslash-escapes). Of those that read better without, two are markup after the number of a list.
fn literal(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for character in escape(line).chars() {
        let is_plain = match character {
            '.' | ')' => shown.is_empty() || !shown.trim_start().bytes().all(|byte| byte.is_ascii_digit()),
            _ => ",:;(/'\"?".contains(character),
        };
        if character.is_ascii_punctuation() && !is_plain {
            shown.push('\\');
        }
        shown.push(character);
    }
    shown
}

#[cfg(test)]
#[path = "exporting_tests.rs"]
mod tests;
