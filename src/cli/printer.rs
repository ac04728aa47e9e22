//! Writes lines for a person, whether a line is being typed at the moment or not.
//!
//! One thread owns the printer. Where there is a prompt, lines are drawn above it, with the typed line below
//! them; `show` comes back when they are on the screen, not when they are queued, because then the engine is
//! told that a message was shown.
//! Invariant: lines appear in the order in which they were given, each whole and once.

use std::io;
use std::sync::Arc;

use rustyline::ExternalPrinter;

use crate::cli::bell::{RING, Ringer};
use crate::cli::format::Format;
use crate::cli::gate::{Answer, Gate};
use crate::cli::heard::Heard;
use crate::cli::paint::Paint;
use crate::cli::render::{self, OffsetAt};
use crate::cli::streams::write_out;
use crate::cli::{qr, terminal};
use crate::client::interface::Notice;

/// Writes to standard output, around the prompt if there is one.
pub struct Printer {
    screen: Option<Screen>,
    format: Format,
    look: Look,
    offset_at: OffsetAt,
    heard: Arc<Heard>,
}

/// How it looks and sounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// Its colours.
    pub(super) paint: Paint,
    /// Its bell, if there is one.
    pub(super) ringer: Option<Ringer>,
}

impl Printer {
    /// A printer with no prompt beside it: a registry's, for example.
    pub fn plain() -> Self {
        Self::new(None, Format::Lines, Look::default(), Arc::default())
    }

    pub(super) fn new(screen: Option<Screen>, format: Format, look: Look, heard: Arc<Heard>) -> Self {
        Self {
            screen,
            format,
            look,
            offset_at: render::local_offset,
            heard,
        }
    }

    /// Writes lines that hold no control characters. They are on the screen when this returns.
    ///
    /// # Errors
    /// Nobody reads standard output any more, or it cannot be written to.
    pub fn print(&mut self, lines: &[String]) -> io::Result<()> {
        self.write(String::new(), lines)
    }

    /// Writes lines after what takes no room on the screen.
    fn write(&mut self, mut text: String, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        text.reserve(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        match &mut self.screen {
            Some(screen) => screen.print(&text),
            None => write_out(&text),
        }
    }

    /// Writes what events say, in their order, and what there is to say beside. Many at once cost one redraw of the typed line.
    ///
    /// # Errors
    /// As [`Self::print`]; then nothing of it counts as seen.
    pub fn show(&mut self, notices: &[Notice], asides: &[String]) -> io::Result<()> {
        // First: what is printed draws the prompt anew.
        for notice in notices {
            self.heard.told(&notice.event);
        }
        let mut lines: Vec<String> = notices.iter().flat_map(|notice| self.lines(notice)).collect();
        let paint = self.look.paint;
        lines.extend(asides.iter().map(|line| paint.aside(line.clone())));
        let disturbs = |ringer: &Ringer| notices.iter().any(|notice| ringer.rings(&notice.event));
        let may_ring = !self.heard.quiet.is_on();
        let ring = if may_ring && self.look.ringer.as_ref().is_some_and(disturbs) {
            RING
        } else {
            ""
        };
        let printed = self.write(ring.to_owned(), &lines);
        for notice in notices {
            self.heard.printed(&notice.event);
        }
        printed
    }
}

impl Printer {
    /// What is said of an event; to a person at a prompt with more of what helps him to know whose key it is.
    fn lines(&mut self, notice: &Notice) -> Vec<String> {
        let paint = self.look.paint;
        let plain = self.format.notice(notice, self.offset_at);
        let mut lines = paint.event(&notice.event, plain);
        if self.screen.is_some() {
            if let Some(line) = self.heard.introduction(&notice.event) {
                lines.insert(0, paint.aside(line));
            }
            let (columns, rows) = terminal::size();
            // One is for the line that is typed.
            let picture = qr::told(&notice.event, (columns, rows.saturating_sub(1)));
            lines.extend(picture.iter().map(|line| paint.picture(line).into_owned()));
        }
        lines
    }
}

/// Writes whole lines past the editor.
type Direct = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// A terminal with a prompt.
pub(super) struct Screen {
    gate: Arc<Gate>,
    direct: Direct,
}

impl Screen {
    /// Starts the thread that asks the editor to draw the prompt, with what is to be above it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the editor lets whoever gives it a line wait"
    )]
    pub(super) fn start(
        gate: Arc<Gate>,
        mut editor: impl ExternalPrinter + Send + 'static,
        direct: Direct,
    ) -> io::Result<Self> {
        let asked = Arc::clone(&gate);
        // A thread of its own, because the editor's queue holds one thing and is emptied only by a reading prompt.
        std::thread::Builder::new()
            .name("editor-feed".to_owned())
            .spawn(move || while asked.wait_asked() && editor.print(NOTHING.to_owned()).is_ok() {})?;
        Ok(Self { gate, direct })
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        match self.gate.offer(text) {
            Answer::Written => Ok(()),
            Answer::Yours(_leave) => (self.direct)(text),
            Answer::OverPrompt(_leave) => (self.direct)(&format!("\r\x1b[J{text}")),
        }
    }
}

/// What the editor prints when it is asked to draw the prompt: up, and down again by the newline that it insists
/// on. On the first row there is no up; so the place is kept, and `BACK` returns to it.
const NOTHING: &str = "\x1b7\x1b[A\n";

/// To where `NOTHING` was printed.
pub(super) const BACK: &str = "\x1b8";

#[cfg(test)]
#[path = "printer_tests.rs"]
mod tests;
