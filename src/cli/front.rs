//! What the client tells, to whoever shows it: the printer beside the prompt, or the full screen, which may take its place; and
//! the program that is run for messages, to which it is the same.
//!
//! One thread owns it. Invariants: every event is shown by one of the two, the screen's from the moment on at which it takes the
//! terminal, until it gives it back where it fails; the terminal is put back when this is dropped, the screen's part first.

use std::io;
use std::sync::Arc;

use crate::cli::console::Closing;
use crate::cli::format::Format;
use crate::cli::heard::Heard;
use crate::cli::hook::Hook;
use crate::cli::printer::Printer;
use crate::cli::screen::{Curtain, Teller};
use crate::client::interface::{Command, Event, Notice};

/// Shows what is told.
pub(super) struct Front {
    pub(super) screen: Option<(Teller, Curtain)>,
    pub(super) printer: Printer,
    pub(super) hook: Option<Hook>,
    pub(super) format: Format,
    pub(super) heard: Arc<Heard>,
    /// Held as long as anything is shown.
    pub(super) closing: Closing,
}

impl Front {
    /// Shows what was told; it is on the screen when this returns. The result is what the full screen wants of the client.
    ///
    /// # Errors
    /// Nobody reads standard output any more, or it cannot be written to; then nothing of it counts as seen.
    pub(super) fn show(&mut self, notices: &[Notice]) -> io::Result<Vec<Command>> {
        let asides = self.run_programs(notices);
        match &mut self.screen {
            Some((teller, _)) => teller.show(notices, &asides, &mut self.printer),
            None => self.printer.show(notices, &asides).map(|()| Vec::new()),
        }
    }

    /// Hands messages to the program that is run for them. What there is to say of it to a person.
    fn run_programs(&mut self, notices: &[Notice]) -> Vec<String> {
        let Some(hook) = self.hook.as_mut().filter(|_| !self.heard.quiet.is_on()) else {
            return Vec::new();
        };
        let messages = notices.iter().filter_map(|notice| match &notice.event {
            Event::Incoming(message) => Some(message),
            _ => None,
        });
        let said: Vec<String> = messages.flat_map(|message| hook.hear(message)).collect();
        // Nothing that a program expects.
        if self.format == Format::Json {
            Vec::new()
        } else {
            said
        }
    }
}
