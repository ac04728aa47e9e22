//! Writes lines for a person, whether a line is being typed at the moment or not.
//!
//! One thread owns the printer. Where there is a prompt, lines go through the editor, which redraws the typed
//! line below them; `show` comes back when they are on the screen, not when they are queued, because then the
//! engine is told that a message was shown.
//! Invariant: lines appear in the order in which they were given, each whole.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use rustyline::ExternalPrinter;

use crate::cli::gate::{Gate, Phase};
use crate::cli::render::{self, OffsetAt};
use crate::cli::settling::Settling;
use crate::client::interface::Event;
use crate::id::MessageId;

/// The messages whose lines are on the screen: for each of them the engine is owed a `Command::Shown`.
pub type Shown = Vec<MessageId>;

/// Writes to standard output, around the prompt if there is one.
pub struct Printer {
    screen: Option<Screen>,
    offset_at: OffsetAt,
    settling: Arc<Settling>,
}

impl Printer {
    /// A printer with no prompt beside it: a registry's, for example.
    pub fn plain() -> Self {
        Self::new(None, Arc::default())
    }

    pub(super) fn new(screen: Option<Screen>, settling: Arc<Settling>) -> Self {
        Self {
            screen,
            offset_at: render::local_offset,
            settling,
        }
    }

    /// Writes lines that hold no control characters. They are on the screen when this returns.
    ///
    /// # Errors
    /// Nobody reads standard output any more, or it cannot be written to.
    pub fn print(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut text = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        match &mut self.screen {
            Some(screen) => screen.print(&text),
            None => write_out(&text),
        }
    }

    /// Writes what events say, in their order. Many at once cost one redraw of the typed line.
    ///
    /// # Errors
    /// As [`Self::print`]; then nothing of it counts as shown.
    pub fn show(&mut self, events: &[Event]) -> io::Result<Shown> {
        let lines: Vec<String> = events
            .iter()
            .flat_map(|event| render::event(event, self.offset_at))
            .collect();
        let printed = self.print(&lines);
        for event in events {
            self.settling.note(event);
        }
        printed.map(|()| {
            let ids = events.iter().filter_map(|event| match event {
                Event::Incoming(message) => Some(message.id),
                _ => None,
            });
            ids.collect()
        })
    }
}

/// Writes whole lines to standard output.
pub(super) fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes whole lines past the editor.
type Direct = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// A terminal with a prompt.
pub(super) struct Screen {
    gate: Arc<Gate>,
    direct: Direct,
    texts: Sender<String>,
    written: Receiver<bool>,
    hurry: Receiver<Infallible>,
    /// The editor has not answered in time: it is not asked again.
    deaf: bool,
}

/// At the end of the program the editor is not waited for any longer than this: a search in the history, for
/// example, keeps it from printing.
const HURRY: Duration = Duration::from_millis(200);

impl Screen {
    /// Starts the thread that hands texts to the editor. `hurry` closes when the program is about to end.
    pub(super) fn start(
        gate: Arc<Gate>,
        editor: impl ExternalPrinter + Send + 'static,
        direct: Direct,
        hurry: Receiver<Infallible>,
    ) -> io::Result<Self> {
        // One text at a time: the printer waits for each.
        let (texts, to_write) = bounded(1);
        let (done, written) = bounded(1);
        let feed = Feed {
            gate: Arc::clone(&gate),
            editor,
        };
        std::thread::Builder::new()
            .name("editor-feed".to_owned())
            .spawn(move || feed.run(&to_write, &done))?;
        Ok(Self {
            gate,
            direct,
            texts,
            written,
            hurry,
            deaf: false,
        })
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        if !self.deaf {
            if let Some(_leave) = self.gate.leave() {
                return (self.direct)(text);
            }
            if self.through_editor(text.to_owned()) {
                return Ok(());
            }
            self.deaf = true;
        }
        match self.gate.leave() {
            Some(_leave) => (self.direct)(text),
            // The prompt's line goes; the program is ending.
            None => (self.direct)(&format!("\r\x1b[J{text}")),
        }
    }

    /// Whether the editor has written it.
    fn through_editor(&self, text: String) -> bool {
        if self.texts.send(text).is_err() {
            return false;
        }
        select! {
            recv(self.written) -> written => written.unwrap_or(false),
            recv(self.hurry) -> _ => self.written.recv_timeout(HURRY).unwrap_or(false),
        }
    }
}

/// The thread that may block in the editor's queue.
struct Feed<E> {
    gate: Arc<Gate>,
    editor: E,
}

/// Up, and down again by its newline: printed after a line, it changes nothing.
const NOTHING: &str = "\x1b[A\n";

impl<E: ExternalPrinter> Feed<E> {
    fn run(mut self, texts: &Receiver<String>, done: &Sender<bool>) {
        for text in texts {
            let written = self.write(text);
            if done.send(written).is_err() {
                return;
            }
        }
    }

    /// The editor's queue holds one text. So when it has taken two more, the first is on the screen; and when it
    /// has taken one more and then closed, too.
    fn write(&mut self, text: String) -> bool {
        if self.editor.print(text).is_err() {
            return false;
        }
        let mut taken = false;
        loop {
            let Some(line) = self.gate.edited_line() else {
                // The line has just been finished: the editor still has the text, and prints it with the next
                // prompt, unless there is none.
                return taken || self.gate.phase() != Phase::Closed;
            };
            for _ in 0..2 {
                if self.editor.print(NOTHING.to_owned()).is_err() {
                    return taken;
                }
                taken = true;
            }
            if self.gate.phase() == Phase::Editing(line) {
                return true;
            }
        }
    }
}

#[cfg(test)]
#[path = "printer_tests.rs"]
mod tests;
