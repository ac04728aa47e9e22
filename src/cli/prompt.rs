//! The prompt: one line, edited, while others are printed above it.
//!
//! The line editor is a library; this file says how it is set up and what its answers mean. A paste of several
//! lines is one line with newlines in it.
//!
//! What is printed meanwhile is handed to the editor as the first part of the prompt, above the line, whenever
//! it draws the prompt; its own queue for prints only makes it draw, because one cannot learn from it whether a
//! text was printed or has been left in it when the line ended.
//! Invariants: the gate is told of every line's beginning and end, and of every drawing; what is drawn shows the focus as it
//! is then.

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

use crate::cli::focus::{Attention, Focus};
use crate::cli::gate::Gate;
use crate::cli::plain::Line;
use crate::cli::printer::BACK;

const PROMPT: &str = ">>> ";

/// Lines kept for the arrow keys.
const HISTORY_LINES_MAX: usize = 500;

/// The prompt of a line that goes there, unless it is a command.
fn prompt_for(focus: Option<&Focus>) -> String {
    focus.map_or_else(|| PROMPT.to_owned(), |focus| format!("{focus}{PROMPT}"))
}

/// The editor and its gate.
pub(super) struct Prompt {
    editor: Editor<Watcher, MemHistory>,
    gate: Arc<Gate>,
    attention: Arc<Attention>,
}

impl Prompt {
    /// The prompt, and what prints above it.
    pub(super) fn open(
        gate: Arc<Gate>,
        attention: Arc<Attention>,
    ) -> rustyline::Result<(Self, impl ExternalPrinter + Send + 'static)> {
        let config = Config::builder()
            .auto_add_history(true)
            .history_ignore_space(true)
            .max_history_size(HISTORY_LINES_MAX)?
            // No colours come of it; but the watcher is asked for the prompt at every drawing.
            .color_mode(ColorMode::Forced)
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history)?;
        editor.set_helper(Some(Watcher::new(Arc::clone(&gate), Arc::clone(&attention))));
        let printer = editor.create_external_printer()?;
        let prompt = Self {
            editor,
            gate,
            attention,
        };
        Ok((prompt, printer))
    }

    /// Reads a line. Ctrl+D on an empty line is the end.
    pub(super) fn read_line(&mut self) -> io::Result<Line> {
        let prompt = prompt_for(self.attention.current().as_ref());
        self.gate.begin_line();
        let result = match self.editor.readline(prompt.as_str()) {
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
    attention: Arc<Attention>,
    /// Since the last drawing a key has done something. Every drawing because of a key sets it first; a drawing
    /// because of something printed does not.
    key: Cell<bool>,
}

impl Watcher {
    const fn new(gate: Arc<Gate>, attention: Arc<Attention>) -> Self {
        Self {
            gate,
            attention,
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
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        // After a key there is either nothing to go back from, or a letter was typed before the print: then a row
        // stays empty if the prompt was on the first one.
        let back = if self.key.replace(false) { "" } else { BACK };
        let above = self.gate.draw();
        // The focus may have ended since the line began. The editor goes by the width that the prompt had then.
        let prompt = if default {
            let now = prompt_for(self.attention.current().as_ref());
            Cow::Owned(format!("{now:>width$}", width = prompt.len()))
        } else {
            Cow::Borrowed(prompt)
        };
        if above.is_empty() && back.is_empty() {
            prompt
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
        let watcher = Watcher::new(Arc::default(), Arc::default());
        assert!(!watcher.highlight_char("", 0, CmdKind::Other));
        assert_eq!(watcher.highlight_prompt(PROMPT, true), PROMPT);
        assert_eq!(watcher.highlight_prompt(PROMPT, true), format!("{BACK}{PROMPT}"));
    }

    #[test]
    fn a_room_is_not_taken_for_somebody_of_its_name() {
        let bob = || "bob".parse().unwrap();
        assert_eq!(prompt_for(Some(&Focus::Person(bob()))), "bob>>> ");
        assert_eq!(prompt_for(Some(&Focus::Room(bob()))), "#bob>>> ");
    }

    #[test]
    fn a_focus_that_ends_while_a_line_is_typed_goes_from_its_prompt() {
        let attention = Arc::new(Attention::on(Some(Focus::Room("den".parse().unwrap()))));
        let watcher = Watcher::new(Arc::default(), Arc::clone(&attention));
        let drawn = |prompt, default| {
            watcher.key.set(true);
            watcher.highlight_prompt(prompt, default).into_owned()
        };
        let prompt = prompt_for(attention.current().as_ref());
        assert_eq!(prompt, "#den>>> ");
        assert_eq!(drawn(&prompt, true), "#den>>> ");
        attention.turn(None);
        assert_eq!(drawn(&prompt, true), "    >>> ");
        assert_eq!(drawn("(search)", false), "(search)");
    }
}
