//! Who writes a text to the terminal: the prompt's thread while a line is edited, otherwise the printer itself.
//!
//! The editor redraws the typed line around what is printed; a stray write would be drawn over or would break
//! the line. So a text lies here until exactly one of the two takes it: the prompt's thread when it next draws
//! the prompt, or the printer when the line has ended. It does not matter when or how a line ends.
//! Invariant: a text is taken once; the printer writes only under the lock.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// At the end of the program the editor is not waited for any longer than this: a search in the history, for
/// example, keeps it from printing.
const HURRY: Duration = Duration::from_millis(200);

/// The shared state.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    line: Line,
    text: Text,
    /// The editor is to be asked to draw the prompt.
    ask: bool,
    hurried: bool,
    /// The editor has not answered in time: it is not asked again.
    deaf: bool,
    /// Nothing is to be drawn any more …
    ending: bool,
    /// … and nothing will be: the prompt's thread stands still.
    still: bool,
}

/// What the prompt's thread is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Something else than reading a line.
    #[default]
    None,
    /// A line is being edited, or is about to be.
    Edited,
    /// It will not read any more.
    Closed,
}

/// What is to be printed; one at a time.
#[derive(Debug, Default)]
enum Text {
    #[default]
    None,
    Waiting(String),
    /// Taken for a drawing, which may not be finished.
    Drawn(String),
}

/// What became of a text that was offered.
pub(super) enum Answer<'a> {
    /// It is on the screen.
    Written,
    /// It is to be written now, as long as this is held.
    Yours(Leave<'a>),
    /// As `Yours`, over the prompt's line: the program is ending.
    OverPrompt(Leave<'a>),
}

/// Leave to write directly, as long as it is held.
pub(super) struct Leave<'a>(#[expect(dead_code, reason = "held, not read")] MutexGuard<'a, State>);

/// The prompt's thread.
impl Gate {
    /// The prompt is about to be shown.
    pub(super) fn begin_line(&self) {
        self.lock().line = Line::Edited;
        self.changed.notify_all();
    }

    /// The prompt is being drawn, and everything drawn before is on the screen. What belongs above it.
    pub(super) fn draw(&self) -> String {
        let mut state = self.lock();
        while state.ending {
            state.still = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let Text::Waiting(text) = mem::take(&mut state.text) else {
            drop(state);
            self.changed.notify_all();
            return String::new();
        };
        // The next drawing says that this one is finished.
        state.text = Text::Drawn(text.clone());
        state.ask = true;
        drop(state);
        self.changed.notify_all();
        text
    }

    /// The line has ended. What was drawn is on the screen if the terminal is `sound`.
    pub(super) fn end_line(&self, sound: bool) {
        let mut state = self.lock();
        state.line = Line::None;
        state.text = match mem::take(&mut state.text) {
            Text::Drawn(text) if !sound => Text::Waiting(text),
            Text::Drawn(_) | Text::None => Text::None,
            Text::Waiting(text) => Text::Waiting(text),
        };
        drop(state);
        self.changed.notify_all();
    }

    /// No more lines will be read.
    pub(super) fn close(&self) {
        self.lock().line = Line::Closed;
        self.changed.notify_all();
    }
}

/// The printer.
impl Gate {
    /// Has a text written: by the prompt's thread while a line is edited, else by the caller.
    pub(super) fn offer(&self, text: &str) -> Answer<'_> {
        let mut state = self.lock();
        if state.line != Line::Edited {
            return Answer::Yours(Leave(state));
        }
        if state.deaf {
            return Answer::OverPrompt(Leave(state));
        }
        state.text = Text::Waiting(text.to_owned());
        state.ask = true;
        self.changed.notify_all();
        let mut state = self.wait(state);
        match mem::take(&mut state.text) {
            Text::None | Text::Drawn(_) => Answer::Written,
            Text::Waiting(_) if state.line == Line::Edited => Answer::OverPrompt(Leave(state)),
            Text::Waiting(_) => Answer::Yours(Leave(state)),
        }
    }

    /// Waits until the text is written, or the line has ended; at the end of the program not for long.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let pending = |state: &State| !matches!(state.text, Text::None) && state.line == Line::Edited;
        let state = self
            .changed
            .wait_while(state, |state| pending(state) && !state.hurried)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, HURRY, |state| pending(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.deaf |= pending(&state);
        state
    }

    /// The program is about to end: the editor is not waited for much longer.
    pub(super) fn hurry(&self) {
        self.lock().hurried = true;
        self.changed.notify_all();
    }

    /// Ends all drawing; says whether the prompt's line is on the screen, or about to be. The prompt's thread stops
    /// where it would draw next, so that what it drew before is there already. It is not waited for long.
    pub(super) fn end_drawing(&self) -> bool {
        let mut state = self.lock();
        if state.line != Line::Edited {
            return false;
        }
        state.ending = true;
        state.ask = true;
        self.changed.notify_all();
        let drawing = |state: &mut State| state.line == Line::Edited && !state.still;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, HURRY, drawing)
            .unwrap_or_else(PoisonError::into_inner);
        state.line == Line::Edited
    }
}

/// The thread that asks the editor.
impl Gate {
    /// Waits until the editor is to be asked to draw the prompt; false if there will be none any more.
    ///
    /// If the line ends before the editor hears of it, nothing is lost: either the printer takes the text, or the
    /// first drawing of the next line does.
    pub(super) fn wait_asked(&self) -> bool {
        let idle = |state: &mut State| match state.line {
            Line::None => true,
            Line::Edited => !state.ask || (matches!(state.text, Text::None) && !state.ending),
            Line::Closed => false,
        };
        let mut state = self
            .changed
            .wait_while(self.lock(), idle)
            .unwrap_or_else(PoisonError::into_inner);
        state.ask = false;
        state.line == Line::Edited
    }
}

impl Gate {
    /// A panic elsewhere leaves a state that is still true.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_waits_for_a_line_that_has_begun_and_is_drawn_with_its_prompt() {
        let gate = Gate::default();
        gate.begin_line();
        std::thread::scope(|scope| {
            let offer = scope.spawn(|| matches!(gate.offer("one\n"), Answer::Written));
            assert!(gate.wait_asked());
            assert_eq!(gate.draw(), "one\n");
            assert!(gate.wait_asked(), "to learn that it is on the screen");
            assert_eq!(gate.draw(), "");
            assert!(offer.join().unwrap());
        });
    }

    #[test]
    fn what_was_drawn_on_a_terminal_that_is_gone_is_not_taken_for_written() {
        let gate = Gate::default();
        gate.begin_line();
        std::thread::scope(|scope| {
            let offer = scope.spawn(|| matches!(gate.offer("one\n"), Answer::Yours(_)));
            assert!(gate.wait_asked());
            assert_eq!(gate.draw(), "one\n");
            gate.end_line(false);
            gate.close();
            assert!(offer.join().unwrap());
        });
        assert!(!gate.wait_asked());
    }
}
