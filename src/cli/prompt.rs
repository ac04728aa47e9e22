//! The prompt: one line, edited, while others are printed above it.
//!
//! The line editor is a library; this file says how it is set up and what its answers mean. A paste of several
//! lines is one line with newlines in it.
//! Invariant: the gate is told of every change between editing and not editing.

use std::io;
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, ExternalPrinter, Helper};

use crate::cli::gate::{Gate, Phase};
use crate::cli::plain::Line;

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
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history)?;
        editor.set_helper(Some(Watcher(Arc::clone(&gate))));
        let printer = editor.create_external_printer()?;
        Ok((Self { editor, gate }, printer))
    }

    /// Reads a line. Ctrl+C, and Ctrl+D on an empty line, are its end.
    pub(super) fn read_line(&mut self) -> io::Result<Line> {
        self.gate.enter(Phase::Starting);
        let result = self.editor.readline(PROMPT);
        self.gate.enter(Phase::Between);
        match result {
            Ok(text) => Ok(Line::Text(text)),
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => Ok(Line::End),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => Ok(Line::NotText),
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        self.gate.enter(Phase::Closed);
    }
}

/// Hears from the editor that it has drawn the prompt. It completes and hints nothing.
struct Watcher(Arc<Gate>);

impl Hinter for Watcher {
    type Hint = String;

    fn hint(&self, _line: &str, _pos: usize, _context: &Context<'_>) -> Option<String> {
        self.0.editing();
        None
    }
}

impl Completer for Watcher {
    type Candidate = String;
}

impl Highlighter for Watcher {}
impl Validator for Watcher {}
impl Helper for Watcher {}
