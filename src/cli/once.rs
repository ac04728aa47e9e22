//! What `--send` and `--recv` have in common: what is told besides what was asked for, and output that fails.
//!
//! Standard output has what was asked for: messages, or with `--json` an object for every event; what a person who watches should
//! know besides goes to standard error. Invariant: no message is told here; whoever hands one over says that it was.

use std::io;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::cli::format::Format;
use crate::cli::render;
use crate::cli::streams::{write_err, write_out};
use crate::client::interface::{Command, Event, Notice, RoomEvent};

/// What is told and was not asked for: with `--json` an object on standard output like everything, otherwise a line on standard
/// error if it says that something is wrong, or what has become of an earlier message.
pub(super) fn tell_aside(format: Format, notice: &Notice) -> io::Result<()> {
    let is_wanted = match format {
        // Whoever sends hands nothing over: a message is told by the run that does.
        Format::Json => !matches!(notice.event, Event::Incoming(_)),
        Format::Lines => is_news(&notice.event),
    };
    if !is_wanted {
        return Ok(());
    }
    let lines = format.notice(notice, render::local_offset);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match format {
        Format::Json => write_out(&text),
        Format::Lines => {
            write_err(&text);
            Ok(())
        }
    }
}

/// Whether somebody who watches a script should hear of it.
const fn is_news(event: &Event) -> bool {
    match event {
        Event::Registered { .. }
        | Event::Deregistered
        | Event::TableUpdated
        | Event::Names(_)
        | Event::HaveMessages
        | Event::Incoming(_)
        | Event::Ended(_) => false,
        Event::Room(event) => !matches!(
            event,
            RoomEvent::Entered { .. } | RoomEvent::News { .. } | RoomEvent::Offered { .. }
        ),
        _ => true,
    }
}

/// Why standard output could not be written: the first time.
#[derive(Clone)]
pub(super) struct Failure {
    put: Sender<io::Error>,
    kept: Receiver<io::Error>,
}

impl Default for Failure {
    fn default() -> Self {
        let (put, kept) = bounded(1);
        Self { put, kept }
    }
}

impl Failure {
    pub(super) fn put(&self, error: io::Error) {
        if let Err(later) = self.put.try_send(error) {
            tracing::debug!(error = %later.into_inner(), "standard output fails again");
        }
    }

    pub(super) fn take(&self) -> io::Result<()> {
        self.kept.try_recv().map_or(Ok(()), Err)
    }

    /// Says events with `show`; why it has failed is kept here.
    pub(super) fn keep(
        &self,
        mut show: impl FnMut(&[Notice]) -> io::Result<Vec<Command>> + Send + 'static,
    ) -> impl FnMut(&[Notice]) -> io::Result<Vec<Command>> + Send + 'static {
        let failure = self.clone();
        move |notices| {
            show(notices).map_err(|error| {
                let told = io::Error::from(error.kind());
                failure.put(error);
                told
            })
        }
    }
}
