//! The prompt: one line, edited, while others are printed above it.
//!
//! The line editor is a library; this file says how it is set up and what its answers mean. What helps to type (completion,
//! hints) is `grammar`'s to know. A paste of several
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
use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{History, MemHistory};
use rustyline::validate::Validator;
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, ExternalPrinter, Helper};

use crate::cli::focus::Focus;
use crate::cli::gate::Gate;
use crate::cli::grammar::Grammar;
use crate::cli::heard::Heard;
use crate::cli::line_history::{LINES_MAX, LineHistory};
use crate::cli::marks::marked;
use crate::cli::paint::Paint;
use crate::cli::plain::Line;
use crate::cli::printer::BACK;
use crate::cli::table::in_columns;
use crate::cli::terminal;
use crate::id::Name;

const PROMPT: &str = ">>> ";

/// Candidates that are listed: half a screen of them.
const LISTED_MAX: usize = 60;

/// The prompt of a line that goes there, unless it is a command; with what is known of whom it goes to, and whether nothing is to
/// disturb.
fn prompt_for(heard: &Heard) -> String {
    let quiet = if heard.quiet.is_on() { "(dnd) " } else { "" };
    let focus = match heard.attention.current() {
        None => String::new(),
        Some(Focus::Person(name)) => marked(&name, heard.known.trust_of(&name).unwrap_or_default()),
        Some(room) => room.to_string(),
    };
    format!("{quiet}{focus}{PROMPT}")
}

/// The editor and its gate.
pub(super) struct Prompt {
    editor: Editor<Watcher, MemHistory>,
    gate: Arc<Gate>,
    heard: Arc<Heard>,
    history: LineHistory,
}

/// Who types, and what helps him.
pub(super) struct Aids {
    /// His name.
    pub(super) own: Name,
    /// How his lines are read.
    pub(super) grammar: &'static Grammar,
    /// The colours.
    pub(super) paint: Paint,
    /// What he has typed in other runs.
    pub(super) history: LineHistory,
}

impl Prompt {
    /// The prompt, and what prints above it.
    pub(super) fn open(
        gate: Arc<Gate>,
        heard: Arc<Heard>,
        aids: Aids,
    ) -> rustyline::Result<(Self, impl ExternalPrinter + Send + 'static)> {
        let config = Config::builder()
            .history_ignore_space(true)
            .max_history_size(LINES_MAX)?
            .completion_type(CompletionType::List)
            // The bell is for messages.
            .bell_style(BellStyle::None)
            // Whether or not there are colours: the watcher is asked for the prompt at every drawing.
            .color_mode(ColorMode::Forced)
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history)?;
        let watcher = Watcher {
            gate: Arc::clone(&gate),
            heard: Arc::clone(&heard),
            own: aids.own,
            grammar: aids.grammar,
            paint: aids.paint,
            key: Cell::new(false),
            listed: Cell::default(),
        };
        editor.set_helper(Some(watcher));
        let printer = editor.create_external_printer()?;
        let prompt = Self {
            editor,
            gate,
            heard,
            history: aids.history,
        };
        Ok((prompt, printer))
    }

    /// Takes up what was typed in other runs; to be called when the client's folder is this program's.
    pub(super) fn recall(&mut self) {
        for line in self.history.load() {
            self.add(&line);
        }
    }

    /// Adds a line for the arrow keys; false if it is not to be remembered.
    fn add(&mut self, line: &str) -> bool {
        let added = LineHistory::takes(line).then(|| self.editor.history_mut().add(line));
        // In memory nothing fails.
        matches!(added, Some(Ok(true)))
    }

    /// What was typed, oldest first, as far as it is remembered.
    pub(super) fn typed(&mut self) -> Vec<String> {
        self.editor.history_mut().into_iter().cloned().collect()
    }

    /// Reads a line. Ctrl+D on an empty line is the end.
    pub(super) fn read_line(&mut self) -> io::Result<Line> {
        let prompt = prompt_for(&self.heard);
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
        if let Ok(Line::Text(line)) = &result
            && self.add(line)
        {
            self.history.append(line);
        }
        result
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        self.gate.close();
    }
}

/// Helps to type; and hears from the editor that it draws the prompt.
struct Watcher {
    gate: Arc<Gate>,
    heard: Arc<Heard>,
    own: Name,
    grammar: &'static Grammar,
    paint: Paint,
    /// Since the last drawing a key has done something. Every drawing because of a key sets it first; a drawing
    /// because of something printed does not.
    key: Cell<bool>,
    /// What the word before the cursor may become, to be drawn above the line.
    listed: Cell<String>,
}

/// What is shown after the line and is not part of it: no key puts it there.
struct Usage(String);

impl Hint for Usage {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Watcher {
    /// Whether a hint has room in the line's row. One more row would come and go with the keys, and the editor's list of
    /// candidates would be written over it.
    fn fits(&self, line: &str, hint: &str) -> bool {
        let prompt = prompt_for(&self.heard);
        let width = |text: &str| -> usize {
            // No character is wider than two columns.
            text.chars()
                .map(|character| if character.is_ascii() { 1 } else { 2 })
                .sum()
        };
        width(&prompt) + width(line) + width(hint) < terminal::columns()
    }
}

impl Hinter for Watcher {
    type Hint = Usage;

    fn hint(&self, line: &str, pos: usize, _context: &Context<'_>) -> Option<Usage> {
        self.key.set(true);
        // What is not dim would pass for typed.
        if !self.paint.is_on() || pos < line.len() {
            return None;
        }
        self.grammar
            .hint(line)
            .filter(|hint| self.fits(line, hint))
            .map(Usage)
    }
}

/// The editor's own list of candidates would stop all printing, and be broken where the line wraps: it is given what is certain,
/// and the list is drawn as what is printed is.
impl Completer for Watcher {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let (before, after) = line.split_at_checked(pos).unwrap_or((line, ""));
        let (start, candidates) = self
            .grammar
            .complete(before, self.own.as_str(), &self.heard.known);
        if candidates.len() > 1 {
            self.listed.set(listed(&candidates, terminal::columns()));
        }
        let word = before.get(start..).unwrap_or_default();
        let certain = certain(&candidates, word).map(|certain| match after.starts_with(' ') {
            true => certain.trim_end().to_owned(),
            false => certain.to_owned(),
        });
        Ok((start, certain.into_iter().collect()))
    }
}

/// How much of a word is certain, if it is one of these: never less than was typed.
pub(super) fn certain<'a>(candidates: &'a [String], typed: &'a str) -> Option<&'a str> {
    let (first, others) = candidates.split_first()?;
    let common = others.iter().fold(first.as_str(), |common, other| {
        let same = common.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
        common.get(..same.count()).unwrap_or_default()
    });
    Some(if common.len() < typed.len() { typed } else { common })
}

/// Candidates as lines; of very many, the first.
fn listed(candidates: &[String], width: usize) -> String {
    let words: Vec<&str> = candidates.iter().map(|word| word.trim_end()).collect();
    let shown = words.get(..LISTED_MAX).unwrap_or(&words);
    let mut lines = in_columns(shown, width);
    if shown.len() < words.len() {
        lines.push(format!("… and {} more", words.len() - shown.len()));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

impl Highlighter for Watcher {
    /// Asked for at every drawing, where the row of the prompt is already empty.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        // After a key there is either nothing to go back from, or a letter was typed before the print: then a row
        // stays empty if the prompt was on the first one.
        let back = if self.key.replace(false) { "" } else { BACK };
        let above = self.gate.draw() + &self.listed.take();
        // The focus may have ended since the line began, or a mark have changed. The editor goes by the width that the prompt had
        // then: what is longer is for the next line.
        let prompt = if default {
            let now = prompt_for(&self.heard);
            let now = match now.len() > prompt.len() {
                true => prompt.to_owned(),
                false => format!("{now:>width$}", width = prompt.len()),
            };
            Cow::Owned(self.paint.prompt(&now).into_owned())
        } else {
            Cow::Borrowed(prompt)
        };
        if above.is_empty() && back.is_empty() {
            prompt
        } else {
            Cow::Owned(format!("{back}{above}{prompt}"))
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.paint.hint(hint)
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
    use crate::cli::grammar;
    use crate::client::interface::{Event, Names, Trust};

    fn watcher(heard: &Arc<Heard>) -> Watcher {
        Watcher {
            gate: Arc::default(),
            heard: Arc::clone(heard),
            own: "alice".parse().unwrap(),
            grammar: &grammar::WITH_REGISTRY,
            paint: Paint::default(),
            key: Cell::new(false),
            listed: Cell::default(),
        }
    }

    #[test]
    fn only_a_drawing_because_of_a_print_goes_back_to_where_that_was() {
        let watcher = watcher(&Arc::default());
        assert!(!watcher.highlight_char("", 0, CmdKind::Other));
        assert_eq!(watcher.highlight_prompt(PROMPT, true), PROMPT);
        assert_eq!(watcher.highlight_prompt(PROMPT, true), format!("{BACK}{PROMPT}"));
    }

    #[test]
    fn what_is_certain_is_typed_and_what_may_be_meant_is_listed_above() {
        let watcher = watcher(&Arc::default());
        let history = MemHistory::new();
        let complete = |line: &str, pos: usize| watcher.complete(line, pos, &Context::new(&history)).unwrap();
        let drawn = || {
            watcher.key.set(true);
            watcher.highlight_prompt(PROMPT, true).into_owned()
        };
        assert_eq!(complete("sen", 3), (0, vec!["send ".to_owned()]));
        assert_eq!(complete("sen bob", 3), (0, vec!["send".to_owned()]));
        assert_eq!(drawn(), PROMPT);
        assert_eq!(complete("$r", 2), (0, vec!["$r".to_owned()]));
        assert_eq!(
            drawn(),
            format!("$roomlist    $roomcreate  $roomjoin    $roomleave   $reg\n{PROMPT}")
        );
        assert_eq!(drawn(), PROMPT, "once");
        assert_eq!(complete("x", 1), (0, Vec::new()));
    }

    #[test]
    fn of_several_the_common_beginning_is_certain_and_nothing_typed_is_lost() {
        let of = |words: &[&str], typed| {
            let words: Vec<String> = words.iter().copied().map(str::to_owned).collect();
            certain(&words, typed).map(str::to_owned)
        };
        assert_eq!(of(&["roomlist", "roomjoin "], "r").as_deref(), Some("room"));
        assert_eq!(of(&["Bob ", "bobby "], "bo").as_deref(), Some("bo"));
        assert_eq!(of(&["Bob "], "bo").as_deref(), Some("Bob "));
        assert_eq!(of(&[], "bo"), None);
    }

    #[test]
    fn a_list_has_its_bound() {
        let names: Vec<String> = (0..LISTED_MAX + 5).map(|n| format!("name{n} ")).collect();
        let text = listed(&names, 40);
        assert!(text.ends_with("\n… and 5 more\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 40));
    }

    #[test]
    fn a_room_is_not_taken_for_somebody_of_its_name() {
        let bob = || "bob".parse().unwrap();
        let on = |focus| prompt_for(&Heard::with_focus(Some(focus)));
        assert_eq!(on(Focus::Person(bob())), "bob>>> ");
        assert_eq!(on(Focus::Room(bob())), "#bob>>> ");
    }

    #[test]
    fn a_mark_that_changes_while_a_line_is_typed_is_shown_where_it_has_room() {
        let bob: Name = "bob".parse().unwrap();
        let heard = Arc::new(Heard::with_focus(Some(Focus::Person(bob.clone()))));
        let watcher = watcher(&heard);
        let knows = |trust| {
            let people = vec![(bob.clone(), trust)];
            heard.told(&Event::Names(Names {
                people,
                rooms: Vec::new(),
            }));
        };
        let drawn = |prompt| {
            watcher.key.set(true);
            watcher.highlight_prompt(prompt, true).into_owned()
        };
        knows(Trust::Verified);
        let prompt = prompt_for(&heard);
        assert_eq!(prompt, "bob (verified)>>> ");
        knows(Trust::Changed);
        assert_eq!(drawn(&prompt), " bob (changed)>>> ");
        heard.quiet.set(true);
        assert_eq!(drawn(&prompt), prompt, "no room before the next line");
        assert_eq!(prompt_for(&heard), "(dnd) bob (changed)>>> ");
    }

    #[test]
    fn a_focus_that_ends_while_a_line_is_typed_goes_from_its_prompt() {
        let den = Focus::Room("den".parse().unwrap());
        let heard = Arc::new(Heard::with_focus(Some(den)));
        let (watcher, attention) = (watcher(&heard), &heard.attention);
        let drawn = |prompt, default| {
            watcher.key.set(true);
            watcher.highlight_prompt(prompt, default).into_owned()
        };
        let prompt = prompt_for(&heard);
        assert_eq!(prompt, "#den>>> ");
        assert_eq!(drawn(&prompt, true), "#den>>> ");
        attention.turn(None);
        assert_eq!(drawn(&prompt, true), "    >>> ");
        assert_eq!(drawn("(search)", false), "(search)");
    }
}
