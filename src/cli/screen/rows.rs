//! Lines as rows of so many columns: a day, a message with its mark, its head and its note, or what the program says.
//!
//! What others have written is escaped here, newlines apart: each part of a text stands under its head, so that no text can pass for
//! another message. Pure. Invariant: no row is wider than it may be, and none holds a control character.

use std::time::Duration;

use anstyle::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::conversation::{Line, Mark, Message, Saying};
use super::keys::HELP;
use crate::cli::paint;
use crate::cli::render::{OffsetAt, day, time_of_day, timestamp};
use crate::cli::sanitise::escape;
use crate::clock::WallTime;

/// A row: texts, each with how it looks.
pub(super) type Row = Vec<(String, Style)>;

/// Columns of the time of day and the mark: `14:03 ✓ `.
const MARGIN: usize = 8;

/// A text has so many columns beside its head, or begins below it.
const TEXT_MIN: usize = 12;

/// Two clocks may differ so much, or a message take so long, without its being worth a word.
const NOTICEABLE: Duration = Duration::from_secs(60);

/// How lines are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) columns: usize,
    pub(super) offset_at: OffsetAt,
}

impl Layout {
    /// Columns that a text has beside the margin.
    pub(super) fn text_columns(self) -> usize {
        self.columns.saturating_sub(MARGIN).max(1)
    }

    /// The rows of a line that comes after this one: with a day before it, if it begins one.
    pub(super) fn rows(self, line: &Line, before: Option<&Line>) -> Vec<Row> {
        let today = day(line.at, self.offset_at);
        let mut rows = Vec::new();
        if before.is_none_or(|before| day(before.at, self.offset_at) != today) {
            let rule = format!("── {today} {}", "─".repeat(self.columns));
            rows.push(vec![(cut(&rule, self.columns), paint::QUIET)]);
        }
        match &line.saying {
            Saying::Message(message) => self.message(message, line.at, &mut rows),
            Saying::Notice(lines, style) => self.notice(lines, *style, line.at, &mut rows),
            Saying::Help => return help(self.columns),
        }
        rows
    }

    fn notice(self, lines: &[String], style: Style, at: WallTime, rows: &mut Vec<Row>) {
        let columns = self.text_columns();
        let mut margin = format!("{:<MARGIN$}", self.minute(at));
        for line in lines {
            let hanging = hang(line, columns);
            let indents = std::iter::once(0).chain(std::iter::repeat(hanging));
            for (text, indent) in wrap(line, columns, columns - hanging).into_iter().zip(indents) {
                let text = " ".repeat(indent) + &text;
                rows.push(vec![(cut(&margin, self.columns), paint::QUIET), (text, style)]);
                margin = " ".repeat(MARGIN);
            }
        }
    }

    fn message(self, message: &Message, at: WallTime, rows: &mut Vec<Row>) {
        let columns = self.text_columns();
        let head = cut(&format!("{}: ", message.head), columns);
        let times = self.times(message, at);
        let mut row: Row = vec![
            (
                cut(&self.minute(self.moment(message, at)), self.columns),
                paint::QUIET,
            ),
            message.mark.map_or((" ".repeat(3), Style::new()), sign),
        ];
        row.push((head.clone(), paint::of(&message.author)));
        let room = columns.saturating_sub(width(&head));
        let mut texts = Vec::new();
        for part in message.text.split('\n') {
            let first = if texts.is_empty() && room >= TEXT_MIN {
                room
            } else {
                columns
            };
            texts.extend(wrap(&escape(part.trim_end_matches('\r')), first, columns));
        }
        let margin = || (cut(&" ".repeat(MARGIN), self.columns), Style::new());
        let mut texts = texts.into_iter();
        if room >= TEXT_MIN {
            row.extend(texts.next().map(|text| (text, Style::new())));
        }
        rows.push(row);
        rows.extend(texts.map(|text| vec![margin(), (text, Style::new())]));
        let told = times.into_iter().map(|text| (text, paint::QUIET));
        let noted = message
            .note
            .iter()
            .map(|note| (note.clone(), note_style(message.mark)));
        for (text, style) in told.chain(noted) {
            rows.extend(
                wrap(&text, columns, columns)
                    .into_iter()
                    .map(|text| vec![margin(), (text, style)]),
            );
        }
    }

    /// The time that stands beside a message: when it was written, if that was on the day under which it stands.
    fn moment(self, message: &Message, at: WallTime) -> WallTime {
        if day(message.sent_at, self.offset_at) == day(at, self.offset_at) {
            message.sent_at
        } else {
            at
        }
    }

    /// When it was written and when it arrived, where these differ.
    fn times(self, message: &Message, at: WallTime) -> Option<String> {
        let differs = at.since(message.sent_at).max(message.sent_at.since(at)) > NOTICEABLE;
        if message.mark.is_some() || !differs {
            return None;
        }
        let sent = message.sent_at;
        let sent = if self.moment(message, at) == sent {
            time_of_day(sent, self.offset_at)
        } else {
            timestamp(sent, self.offset_at)
        };
        Some(format!(
            "sent {sent}, arrived {}",
            time_of_day(at, self.offset_at)
        ))
    }

    /// `HH:MM`; of a time that no calendar has, as much as there is room for.
    fn minute(self, at: WallTime) -> String {
        cut(&time_of_day(at, self.offset_at), 5)
    }
}

/// The mark of a message of one's own, and how it looks; always as wide.
pub(super) const fn sign_of(mark: Mark) -> (&'static str, Style) {
    match mark {
        Mark::Writing => ("·", paint::QUIET),
        Mark::Waiting => ("…", paint::WAITING),
        Mark::Stored => ("↑", paint::STORED),
        Mark::Delivered => ("✓", paint::RECEIVED),
        Mark::Refused => ("✗", paint::WRONG),
        Mark::Expired => ("†", paint::WRONG),
    }
}

fn sign(mark: Mark) -> (String, Style) {
    let (sign, style) = sign_of(mark);
    (format!(" {sign} "), style)
}

const fn note_style(mark: Option<Mark>) -> Style {
    match mark {
        Some(Mark::Refused | Mark::Expired) => paint::WRONG,
        _ => paint::QUIET,
    }
}

/// What the keys do: beside them, or below where there is no room.
fn help(columns: usize) -> Vec<Row> {
    let is_narrow = columns < 60;
    let side = if is_narrow { 2 } else { KEYS_COLUMNS };
    let beside = columns.saturating_sub(side).max(1);
    let mut rows: Vec<Row> = Vec::new();
    for (keys, what) in HELP {
        let mut margin = format!("{keys:<side$}");
        if is_narrow {
            rows.push(vec![(cut(keys, columns), paint::PROMPT)]);
            margin = " ".repeat(side);
        }
        for text in wrap(what, beside, beside) {
            rows.push(vec![(margin, paint::PROMPT), (text, Style::new())]);
            margin = " ".repeat(side);
        }
    }
    let marks = wrap(MARKS, columns, columns).into_iter();
    rows.extend(marks.map(|text| vec![(text, paint::QUIET)]));
    rows
}

/// Columns for the keys in the help: as many as the longest of them has, and two more.
const KEYS_COLUMNS: usize = 24;

/// What the marks say: those of [`sign_of`], and those of the list.
const MARKS: &str = "Marks: · being written down, … waiting, ↑ stored at the server, ✓ delivered, ✗ refused, † expired; \
                     ● online, ○ offline, ? not known.";

/// Where the second column of a line begins, if it has two of which the second has the more room: there its other rows begin.
fn hang(line: &str, columns: usize) -> usize {
    let indent = line.len() - line.trim_start().len();
    let gap = line.trim_start().find("  ");
    let column = gap.and_then(|gap| {
        let (before, after) = line.split_at_checked(indent + gap)?;
        Some(width(before) + after.len() - after.trim_start().len())
    });
    column.unwrap_or(indent).min(columns / 2)
}

/// The columns that a text takes, as it is drawn: character by character.
pub(super) fn width(text: &str) -> usize {
    let characters = text.graphemes(true);
    characters.map(UnicodeWidthStr::width).sum()
}

/// A text in rows: the first of so many columns, the others of so many. Broken at spaces where there are some.
pub(super) fn wrap(text: &str, first: usize, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = String::new();
    let (mut used, mut room) = (0, first);
    for word in text.split_inclusive(' ') {
        if used > 0 && used + width(word.trim_end_matches(' ')) > room {
            rows.push(std::mem::take(&mut row));
            (used, room) = (0, columns);
        }
        for character in word.graphemes(true) {
            let columns_more = width(character);
            if used + columns_more > room {
                // A space at the end of a row is not missed.
                if character == " " {
                    continue;
                }
                rows.push(std::mem::take(&mut row));
                (used, room) = (0, columns);
            }
            row.push_str(character);
            used += columns_more;
        }
    }
    rows.push(row);
    rows
}

/// As much of a text as so many columns take.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |character: &&str| {
        used += width(character);
        used <= columns
    };
    text.graphemes(true).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui_core::buffer::Buffer;
    use ratatui_core::layout::Rect;
    use ratatui_core::style::Style as Ink;

    #[test]
    fn texts_are_broken_at_spaces_or_where_they_have_to_be() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("one  two", 3, 9), ["one", "two"]);
        assert_eq!(wrap("abcdef gh", 4, 5), ["abcd", "ef gh"]);
        assert_eq!(wrap("你好世界", 5, 5), ["你好", "世界"]);
        assert_eq!(wrap("", 5, 5), [""]);
        assert_eq!(cut("a你好", 4), "a你");
        assert_eq!(hang("send <name>  send a text", 40), 13);
        assert_eq!(hang("  known: it", 40), 2);
        assert_eq!(hang("one two", 40), 0);
    }

    #[test]
    fn a_text_is_as_wide_as_it_is_drawn() {
        assert_eq!(width("ｶﾞｷﾞﾊﾟ"), 6, "the marks are characters of their own");
        for text in ["abc", "你好", "e\u{301}", "👩‍👩‍👧", ""] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
            let (end, _) = buffer.set_stringn(0, 0, text, 20, Ink::new());
            assert_eq!(width(text), usize::from(end), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_row_is_too_wide_and_no_letter_is_lost(text in "[a-c你 é\u{ff76}\u{ff9e}\u{ff9f}]{0,60}", first in 2_usize..9, columns in 2_usize..9) {
            let rows = wrap(&text, first, columns);
            for (number, row) in rows.iter().enumerate() {
                let most = if number == 0 { first } else { columns };
                let is_one = row.graphemes(true).count() == 1;
                prop_assert!(width(row.trim_end()) <= most || is_one);
            }
            let dense = |text: &str| text.replace(' ', "");
            prop_assert_eq!(dense(&rows.concat()), dense(&text));
        }
    }
}
