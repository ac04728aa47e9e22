//! The terminal's settings, put back when the program ends while a line is being edited; and its size.
//!
//! The editor restores them itself when its line is finished; this is for an end that comes from elsewhere: a
//! signal, a server that does not answer, a refused name.
//! Invariant: after `restore` the terminal is as it was found, however often it was called.

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::cli::streams::{self, write_out};
use crate::runtime::signal;

/// How many columns standard output has; where that is not known, as many as terminals had.
pub(super) fn columns() -> usize {
    size().0
}

/// How many columns and lines it has.
pub(super) fn size() -> (usize, usize) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}

/// Settings as they were found, and what takes from the screen what the program has put there.
#[derive(Clone)]
pub(super) struct Saved {
    found: Termios,
    clear: &'static str,
}

impl Saved {
    /// Those of standard input; `None` if it is no terminal. `clear` is [`PLAIN_AGAIN`], or what undoes more than that.
    pub(super) fn take(clear: &'static str) -> Option<Self> {
        let found = tcgetattr(io::stdin()).ok()?;
        Some(Self { found, clear })
    }

    /// The settings themselves.
    pub(super) const fn found(&self) -> &Termios {
        &self.found
    }

    /// Has them put back if a second signal ends the process at once.
    pub(super) fn keep_for_the_end(&self) {
        FOUND.get_or_init(|| {
            signal::before_the_end(restore_now);
            self.found.clone()
        });
        *clear() = self.clear;
    }

    /// Puts them back, and takes the prompt off the screen. A terminal that is gone needs neither.
    pub(super) fn restore(&self) {
        if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Drain, &self.found) {
            tracing::debug!(%error, "terminal not restored");
        }
        if let Err(error) = write_out(self.clear) {
            tracing::debug!(%error, "terminal not cleared");
        }
    }
}

/// The settings for an end at once.
static FOUND: OnceLock<Termios> = OnceLock::new();
/// And what takes from the screen what is there then.
static CLEAR: Mutex<&'static str> = Mutex::new(PLAIN_AGAIN);

fn clear() -> MutexGuard<'static, &'static str> {
    CLEAR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the settings back and waits for nothing: not for what is still to be written, nor for whoever writes.
pub(super) fn restore_now() {
    let Some(found) = FOUND.get() else { return };
    if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, found) {
        tracing::debug!(%error, "terminal not restored");
    }
    if streams::takes_output()
        && let Err(error) = streams::write_at_once(*clear())
    {
        tracing::debug!(%error, "terminal not cleared");
    }
}

/// Nothing is coloured, pastes are no longer bracketed, the cursor is visible, the prompt's line is empty.
pub(super) const PLAIN_AGAIN: &str = "\x1b[0m\x1b[?2004l\x1b[?25h\r\x1b[J";
