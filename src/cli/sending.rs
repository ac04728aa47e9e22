//! `--send`: one message, and an exit code that says what has become of it.
//!
//! Reads no commands. Messages that come meanwhile are left to a run that shows them: nothing is said of them to anybody.
//! Invariant: the exit code is of the state that was told last.

use std::io;
use std::sync::Arc;

use crate::cli::args::{Addressee, SendOptions, Wait};
use crate::cli::begun::Begun;
use crate::cli::format::Format;
use crate::cli::letter::{Fate, Letter};
use crate::cli::once::{Failure, tell_aside};
use crate::cli::render;
use crate::cli::streams::{self, write_err};
use crate::client::interface::{Command, Event, Notice, RoomEvent, Text};
use crate::limits::ATTEMPTS_TOTAL;
use crate::runtime::client::{self, Setup};
use crate::runtime::clock;
use crate::runtime::outlet::Knell;
use crate::runtime::program::Hatch;
use crate::runtime::start::{Exit, Fault};

/// Sends one message.
///
/// # Errors
/// As [`client::run`]'s; or standard input has no text, or standard output cannot be written.
pub(super) fn send(setup: Setup, options: SendOptions, format: Format) -> Result<Exit, Fault> {
    let text: Text = options.text.map_or_else(streams::read_text, Ok)?.into();
    let (letter, begun) = (Arc::new(Letter::default()), Arc::new(Begun::default()));
    let until = clock::now().at + options.timeout;
    let wait = options.wait;
    let show = {
        let (letter, begun) = (Arc::clone(&letter), Arc::clone(&begun));
        let mut seen = 0;
        move |notices: &[Notice]| {
            for notice in notices {
                begun.note(&notice.event);
                tell(format, notice, letter.note(notice))?;
            }
            seen += u64::try_from(notices.len()).unwrap_or(u64::MAX);
            Ok(vec![Command::Seen { events: seen }])
        }
    };
    let (command, waiting) = match options.to {
        Addressee::Person(to) => (Command::Send { to: to.clone(), text }, Event::Waiting { to }),
        Addressee::Room(room) => {
            let post = Command::Post {
                room: room.clone(),
                text,
            };
            (post, Event::Room(RoomEvent::Waiting { room }))
        }
    };
    let typist = {
        let letter = Arc::clone(&letter);
        move |mut hatch: Hatch<Command>| {
            let left = || until.since(clock::now().at);
            // As from a pipe: what is sent before the registration would be said to wait.
            if !begun.wait(left().min(ATTEMPTS_TOTAL)) {
                return;
            }
            letter.leaves();
            if hatch.submit(command) {
                letter.wait(wait, left());
                // Also where no command is taken, because much is under way.
                hatch.stop();
            } else {
                letter.returns();
            }
        }
    };
    let failure = Failure::default();
    let show = failure.keep(show);
    let ended = client::run(setup, Box::new(typist), Box::new(show), Knell::new(|| ()))?;
    streams::judge(failure.take())?;
    let fate = letter.fate();
    match fate {
        Fate::Unknown if ended != Exit::Refused => write_err(UNKNOWN),
        Fate::Waiting => write_err(&lines(&waiting)),
        _ => {}
    }
    Ok(exit(fate, wait, ended))
}

/// The end came before the disk had answered.
const UNKNOWN: &str = "udpchat: whether the message was accepted is not known: it may be in the outbox, and goes out with the next run then. \
                       Sent again, it may arrive twice.\n";

/// Tells what there is to tell. Of the message itself a person is told where it is, not how it gets there.
fn tell(format: Format, notice: &Notice, fate: Option<Fate>) -> io::Result<()> {
    if format == Format::Json || fate.is_none() {
        tell_aside(format, notice)?;
    }
    match fate {
        None | Some(Fate::Unsent | Fate::Unknown | Fate::Waiting) => {}
        Some(_) => write_err(&lines(&notice.event)),
    }
    Ok(())
}

/// What an event says to people.
fn lines(event: &Event) -> String {
    let lines = render::event(event, render::local_offset);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The exit code: as was wanted, or where the message is.
fn exit(fate: Fate, wait: Wait, ended: Exit) -> Exit {
    match fate {
        Fate::Unsent | Fate::NotAccepted if ended != Exit::Done => ended,
        Fate::Unsent | Fate::NotAccepted => Exit::NotAccepted,
        // Never registered: mostly the run has ended before it took commands.
        Fate::Unknown if matches!(ended, Exit::Refused | Exit::ServerSilent) => ended,
        // Who takes it for lost sends it twice.
        Fate::Unknown | Fate::Waiting => Exit::Waiting,
        Fate::Stored | Fate::Partly if wait == Wait::Delivered => Exit::Stored,
        Fate::Stored | Fate::Partly => Exit::Done,
        Fate::Delivered => Exit::Done,
        Fate::Refused => Exit::MessageRefused,
        Fate::Expired => Exit::Expired,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_where_the_message_is() {
        let code = |fate: Fate, wait, ended| exit(fate, wait, ended) as u8;
        for (fate, stored, delivered) in [
            (Fate::Unsent, 10, 10),
            (Fate::Unknown, 7, 7),
            (Fate::NotAccepted, 10, 10),
            (Fate::Waiting, 7, 7),
            (Fate::Stored, 0, 6),
            (Fate::Partly, 0, 6),
            (Fate::Delivered, 0, 0),
            (Fate::Refused, 8, 8),
            (Fate::Expired, 9, 9),
        ] {
            assert_eq!(code(fate, Wait::Stored, Exit::Done), stored, "{fate:?}");
            assert_eq!(code(fate, Wait::Delivered, Exit::Done), delivered, "{fate:?}");
        }
        assert_eq!(code(Fate::Unsent, Wait::Stored, Exit::Refused), 3);
        assert_eq!(code(Fate::Unknown, Wait::Stored, Exit::ServerSilent), 1);
        assert_eq!(code(Fate::NotAccepted, Wait::Stored, Exit::ServerSilent), 1);
        assert_eq!(code(Fate::Waiting, Wait::Stored, Exit::ServerSilent), 7);
    }
}
