//! The prompt: one line, edited, while others are printed above it.
//!
//! The line editor is a library; this file says how it is set up and what its answers mean. A paste of several
//! lines is one line with newlines in it.
//!
//! What is printed meanwhile is handed to the editor as the first part of the prompt, above the line, whenever
//! it draws the prompt; its own queue for prints only makes it draw, because one cannot learn from it whether a
//! text was printed or has been left in it when the line ended.
//! Invariant: the gate is told of every line's beginning and end, and of every drawing.

use std::borrow::Cow;
use std::cell::Cell;
use std::io;
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, Config, Context, Editor, ExternalPrinter, Helper};

use crate::cli::gate::Gate;
use crate::cli::plain::Line;
use crate::cli::printer::BACK;

const PROMPT: &str = ">>> ";

/// Lines kept for the arrow keys.
const HISTORY_LINES_MAX: usize = 500;

/// The editor and its gate.
pub(super) struct Prompt {
    editor: Editor<Watcher, MemHistory>,
    gate: Arc<Gate>,
}

impl Prompt {
    /// The prompt, and what prints above it.
    pub(super) fn open(gate: Arc<Gate>) -> rustyline::Result<(Self, impl ExternalPrinter + Send + 'static)> {
        let config = Config::builder()
            .auto_add_history(true)
            .history_ignore_space(true)
            .max_history_size(HISTORY_LINES_MAX)?
            // No colours come of it; but the watcher is asked for the prompt at every drawing.
            .color_mode(ColorMode::Forced)
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history)?;
        editor.set_helper(Some(Watcher::new(Arc::clone(&gate))));
        let printer = editor.create_external_printer()?;
        Ok((Self { editor, gate }, printer))
    }

    /// Reads a line. Ctrl+D on an empty line is the end.
    pub(super) fn read_line(&mut self) -> io::Result<Line> {
        self.gate.begin_line();
        let result = match self.editor.readline(PROMPT) {
            Ok(text) => Ok(Line::Text(text)),
            Err(ReadlineError::Interrupted) => Ok(Line::Interrupt),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => Ok(Line::NotText),
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        };
        self.gate.end_line(result.is_ok());
        result
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        self.gate.close();
    }
}

/// Hears from the editor that it draws the prompt. It completes, hints and colours nothing.
struct Watcher {
    gate: Arc<Gate>,
    /// Since the last drawing a key has done something. Every drawing because of a key sets it first; a drawing
    /// because of something printed does not.
    key: Cell<bool>,
}

impl Watcher {
    const fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            key: Cell::new(false),
        }
    }
}

impl Hinter for Watcher {
    type Hint = String;

    fn hint(&self, _line: &str, _pos: usize, _context: &Context<'_>) -> Option<String> {
        self.key.set(true);
        None
    }
}

impl Completer for Watcher {
    type Candidate = String;
}

impl Highlighter for Watcher {
    /// Asked for at every drawing, where the row of the prompt is already empty.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        // After a key there is either nothing to go back from, or a letter was typed before the print: then a row
        // stays empty if the prompt was on the first one.
        let back = if self.key.replace(false) { "" } else { BACK };
        let above = self.gate.draw();
        if above.is_empty() && back.is_empty() {
            Cow::Borrowed(prompt)
        } else {
            Cow::Owned(format!("{back}{above}{prompt}"))
        }
    }

    fn highlight_char(&self, _line: &str, _pos: usize, _kind: CmdKind) -> bool {
        self.key.set(true);
        false
    }
}

impl Validator for Watcher {}
impl Helper for Watcher {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_drawing_because_of_a_print_goes_back_to_where_that_was() {
        let watcher = Watcher::new(Arc::default());
        assert!(!watcher.highlight_char("", 0, CmdKind::Other));
        assert_eq!(watcher.highlight_prompt(PROMPT, true), PROMPT);
        assert_eq!(watcher.highlight_prompt(PROMPT, true), format!("{BACK}{PROMPT}"));
    }
}
