//! What is being typed: a text with a cursor, and what was typed before.
//!
//! Knows nothing of commands. Invariants: the cursor stands between two characters as a reader sees them; no more is held than a
//! line may have.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::rows::width;
use crate::cli::line_history::{LINES_MAX, LineHistory};
use crate::cli::plain::LINE_BYTES_MAX;
use crate::cli::sanitise::escape;

/// A line as it is typed.
#[derive(Debug, Default)]
pub(super) struct Input {
    text: String,
    cursor: usize,
    /// What was typed before, oldest first.
    past: Vec<String>,
    /// Which of those is shown, and what was being typed before it was.
    recalled: Option<(usize, String)>,
    /// What was being typed when something else had to be typed first, the last of it last.
    aside: Vec<String>,
}

/// So many lines wait to be taken up again.
const ASIDE_MAX: usize = 8;

/// The text as rows of cells, and where the cursor is: its row and column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) rows: Vec<String>,
    pub(super) cursor: (usize, usize),
}

impl Input {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is before the cursor.
    pub(super) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.cursor == self.text.len()
    }

    /// Takes up what was typed in other runs.
    pub(super) fn remember(&mut self, lines: Vec<String>) {
        self.past = lines;
    }

    /// Puts a text where the cursor is; false if there is no room for all of it, and then nothing of it.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() <= LINE_BYTES_MAX;
        if fits {
            self.text.insert_str(self.cursor, text);
            self.cursor += text.len();
        }
        fits
    }

    /// Another text, with the cursor at its end.
    pub(super) fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    /// Puts what is being typed aside, until another line that begins so was typed.
    pub(super) fn begin(&mut self, line: &str) {
        let typed = std::mem::take(&mut self.text);
        let is_new = !typed.starts_with(line) && (!typed.is_empty() || self.aside.is_empty());
        if is_new {
            // The oldest is let go: nobody comes back to it.
            let many = (self.aside.len() + 1).saturating_sub(ASIDE_MAX);
            self.aside.drain(..many);
            self.aside.push(typed);
        }
        self.set(line.to_owned());
    }

    /// Takes up again what was put aside, if something was.
    pub(super) fn resume(&mut self) -> bool {
        let typed = self.aside.pop();
        let was_aside = typed.is_some();
        if let Some(typed) = typed {
            self.set(typed);
        }
        was_aside
    }

    /// Takes the text away, to be remembered.
    pub(super) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        self.resume();
        if !text.trim().is_empty() && LineHistory::takes(&text) && self.past.last() != Some(&text) {
            if self.past.len() >= LINES_MAX {
                self.past.remove(0);
            }
            self.past.push(text.clone());
        }
        text
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.boundary(false);
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.boundary(true);
    }

    /// The next boundary of a character after the cursor, or the one before it.
    fn boundary(&self, forward: bool) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        let found = if forward {
            cursor.next_boundary(&self.text, 0)
        } else {
            cursor.prev_boundary(&self.text, 0)
        };
        // The text is whole, so nothing is missing to find it.
        found.ok().flatten().unwrap_or(self.cursor)
    }

    pub(super) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(super) fn end(&mut self) {
        self.cursor = self.text.len();
    }

    pub(super) fn word_left(&mut self) {
        let mut words = self.before().unicode_word_indices();
        self.cursor = words.next_back().map_or(0, |(at, _)| at);
    }

    pub(super) fn word_right(&mut self) {
        let next = self.after().unicode_word_indices().next();
        let ahead = next.map_or(self.after().len(), |(at, word)| at + word.len());
        self.cursor += ahead;
    }

    pub(super) fn backspace(&mut self) {
        let end = self.cursor;
        self.left();
        self.text.drain(self.cursor..end);
    }

    pub(super) fn delete(&mut self) {
        let end = self.boundary(true);
        self.text.drain(self.cursor..end);
    }

    pub(super) fn delete_word(&mut self) {
        let end = self.cursor;
        self.word_left();
        self.text.drain(self.cursor..end);
    }

    pub(super) fn delete_before(&mut self) {
        self.text.drain(..self.cursor);
        self.cursor = 0;
    }

    pub(super) fn delete_after(&mut self) {
        self.text.truncate(self.cursor);
    }

    /// What was typed before what is shown.
    pub(super) fn earlier(&mut self) {
        let at = self.recalled.as_ref().map_or(self.past.len(), |(at, _)| *at);
        let Some((at, line)) = at
            .checked_sub(1)
            .and_then(|at| Some((at, self.past.get(at)?.clone())))
        else {
            return;
        };
        let typed = match self.recalled.take() {
            Some((_, typed)) => typed,
            None => std::mem::take(&mut self.text),
        };
        self.recalled = Some((at, typed));
        self.set(line);
    }

    /// What was typed after it; after the last, what was being typed.
    pub(super) fn later(&mut self) {
        let Some((at, typed)) = self.recalled.take() else {
            return;
        };
        match self.past.get(at + 1).cloned() {
            Some(line) => {
                self.recalled = Some((at + 1, typed));
                self.set(line);
            }
            None => self.set(typed),
        }
    }

    /// The text in rows of so many columns. A newline ends a row; what else a terminal would obey is shown as it is spelled.
    pub(super) fn rows(&self, columns: usize) -> Rows {
        let mut rows = vec![String::new()];
        let mut used = 0;
        let mut cursor = (0, 0);
        for (at, character) in self.text.grapheme_indices(true) {
            let is_newline = matches!(character, "\n" | "\r\n");
            let shown = escape(character);
            let cells = if is_newline { 0 } else { width(&shown) };
            if used + cells > columns {
                rows.push(String::new());
                used = 0;
            }
            if at == self.cursor {
                cursor = (rows.len() - 1, used);
            }
            if is_newline {
                rows.push(String::new());
                used = 0;
            } else if let Some(row) = rows.last_mut() {
                row.push_str(&shown);
                used += cells;
            }
        }
        if self.is_at_end() {
            // The cursor itself takes a cell.
            if used >= columns {
                rows.push(String::new());
                used = 0;
            }
            cursor = (rows.len() - 1, used);
        }
        Rows { rows, cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Input {
        let mut input = Input::default();
        assert!(input.insert(text));
        input
    }

    #[test]
    fn the_cursor_goes_by_what_a_reader_takes_for_a_character() {
        let mut input = typed("ae\u{301}👩‍👩‍👧");
        input.left();
        assert_eq!(input.before(), "ae\u{301}");
        input.backspace();
        assert_eq!(input.text(), "a👩‍👩‍👧");
        input.delete();
        assert_eq!((input.text(), input.is_at_end()), ("a", true));
        input.right();
        input.left();
        input.left();
        assert_eq!(input.before(), "");
    }

    #[test]
    fn words_are_gone_over_and_deleted() {
        let mut input = typed("one two, drei");
        input.word_left();
        assert_eq!(input.before(), "one two, ");
        input.delete_word();
        assert_eq!(input.text(), "one drei");
        input.word_right();
        assert!(input.is_at_end());
        input.word_left();
        input.delete_after();
        assert_eq!(input.text(), "one ");
        input.delete_before();
        assert_eq!(input.text(), "");
    }

    #[test]
    fn what_was_typed_comes_back_and_what_is_being_typed_is_not_lost() {
        let mut input = Input::default();
        input.remember(vec!["one".to_owned()]);
        input.set("two".to_owned());
        assert_eq!(input.take(), "two");
        input.set("half".to_owned());
        for text in ["two", "one", "one"] {
            input.earlier();
            assert_eq!(input.text(), text);
        }
        for text in ["two", "half", "half"] {
            input.later();
            assert_eq!(input.text(), text);
        }
    }

    #[test]
    fn what_was_being_typed_is_taken_up_again_after_something_else() {
        let mut input = typed("half");
        input.begin("/search ");
        assert_eq!(input.text(), "/search ");
        assert!(input.insert("words"));
        assert_eq!((input.take().as_str(), input.text()), ("/search words", "half"));
        assert!(!input.resume());
        input.begin("/search ");
        assert!(input.resume());
        assert_eq!(input.text(), "half");
    }

    #[test]
    fn what_is_put_aside_is_not_lost_to_what_is_put_aside_next() {
        let mut input = typed("half");
        input.begin("/search ");
        input.delete_before();
        assert!(input.insert("another"));
        input.begin("/search ");
        input.begin("/search ");
        for text in ["another", "half"] {
            assert!(input.resume());
            assert_eq!(input.text(), text);
        }
        assert!(!input.resume());
    }

    #[test]
    fn what_is_very_long_is_not_remembered() {
        let mut input = typed(&"x".repeat(5_000));
        input.take();
        input.earlier();
        assert_eq!(input.text(), "");
    }

    #[test]
    fn rows_break_at_newlines_and_before_what_does_not_fit() {
        let mut input = typed("abcd你好\nc\u{1b}");
        let rows = input.rows(7);
        assert_eq!(rows.rows, ["abcd你", "好", "c\\u{1b}", ""]);
        assert_eq!(rows.cursor, (3, 0));
        input.home();
        assert_eq!(input.rows(7).cursor, (0, 0));
        assert_eq!(typed("abcde").rows(5).rows, ["abcde", ""]);
        let katakana = typed("ｶﾞｷﾞﾊﾟ").rows(7).rows;
        assert!(katakana.iter().all(|row| width(row) <= 7), "{katakana:?}");
    }

    #[test]
    fn a_line_has_its_bound() {
        let mut input = typed(&"x".repeat(LINE_BYTES_MAX));
        assert!(!input.insert("y"));
        assert_eq!(input.text().len(), LINE_BYTES_MAX);
    }
}
