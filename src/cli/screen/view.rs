//! The screen, drawn: conversations on the left where there is room for them, the open one beside them, below it how the
//! connection is and what is being typed.
//!
//! Decides nothing: the same model on a screen of the same size is the same picture. Invariants: it can be drawn at every size; only
//! what `rows` and `sanitise` have let through is on it.

use std::fmt::Write;
use std::num::NonZeroU16;

use anstyle::Style;
use ratatui_core::buffer::{Buffer, CellDiffOption};
use ratatui_core::layout::{Position, Rect};
use ratatui_core::style::Style as Ink;

use super::conversation::{Conversation, Earlier};
use super::model::{Link, Model};
use super::rows::{Row, cut, width};
use crate::cli::paint;
use crate::cli::render_net::span;
use crate::cli::sanitise::escape;
use crate::client::interface::{Other, Partner, SessionReport};

/// Narrower screens show one conversation and no list.
const COLUMNS_WITH_LIST: u16 = 60;

/// The marks of halfwidth katakana: on a terminal they take a cell of their own, and elsewhere they are part of the letter.
const SOUND_MARKS: [char; 2] = ['\u{ff9e}', '\u{ff9f}'];

/// What precedes the line that is typed, and as much on its other rows.
const PROMPT: &str = "> ";

/// The parts of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    list: Option<Rect>,
    title: Rect,
    pane: Rect,
    status: Rect,
    input: Rect,
}

impl Parts {
    /// Of a screen of this size, where so much is being typed.
    pub(super) fn of(model: &Model, area: Rect) -> Self {
        let columns = usize::from(area.width).saturating_sub(PROMPT.len()).max(1);
        let typed = u16::try_from(model.input.rows(columns).rows.len()).unwrap_or(u16::MAX);
        let below = typed.min((area.height / 3).max(1)).min(area.height);
        let status = u16::from(area.height > below);
        let above = area.height - below - status;
        let list = (area.width >= COLUMNS_WITH_LIST).then(|| Rect {
            width: (area.width / 4).clamp(20, 30),
            height: above,
            ..area
        });
        // A cell beside the edge of the list stays free.
        let left = list.map_or(0, |list| list.width + 1);
        let title = u16::from(above > 2);
        let beside = Rect {
            x: area.x + left,
            width: area.width - left,
            ..area
        };
        Self {
            list,
            title: Rect {
                height: title,
                ..beside
            },
            pane: Rect {
                y: area.y + title,
                height: above - title,
                ..beside
            },
            status: Rect {
                y: area.y + above,
                height: status,
                ..area
            },
            input: Rect {
                y: area.y + above + status,
                height: below,
                ..area
            },
        }
    }

    /// Columns and rows of what is said.
    pub(super) fn pane(&self) -> (usize, usize) {
        (self.pane.width.into(), self.pane.height.into())
    }
}

/// Draws all of it; where the cursor is.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) -> Position {
    let parts = Parts::of(model, area);
    let mut canvas = Canvas {
        buffer,
        colors: model.settings.paint.is_on(),
    };
    if let Some(list) = parts.list {
        canvas.list(model, list);
    }
    canvas.title(model, parts.title, parts.list.is_some());
    canvas.pane(model, parts.pane);
    canvas.status(model, parts.status);
    canvas.input(model, parts.input)
}

struct Canvas<'a> {
    buffer: &'a mut Buffer,
    colors: bool,
}

impl Canvas<'_> {
    fn ink(&self, style: Style) -> Ink {
        if self.colors { style.into() } else { Ink::new() }
    }

    /// Writes a row, as far as it fits.
    fn row(&mut self, area: Rect, below: usize, row: &[(String, Style)]) {
        let Some(y) = u16::try_from(below).ok().filter(|below| *below < area.height) else {
            return;
        };
        let mut x = area.x;
        for (text, style) in row {
            let ink = self.ink(*style);
            for part in text.split_inclusive(SOUND_MARKS) {
                let before = part.trim_end_matches(SOUND_MARKS);
                let left = usize::from(area.right().saturating_sub(x));
                (x, _) = self.buffer.set_stringn(x, area.y + y, before, left, ink);
                let mark = part.get(before.len()..).filter(|mark| !mark.is_empty());
                if let (Some(mark), true) = (mark, x < area.right())
                    && let Some(cell) = self.buffer.cell_mut((x, area.y + y))
                {
                    cell.set_symbol(mark).set_style(ink);
                    cell.set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
                    x += 1;
                }
            }
        }
    }

    fn rows(&mut self, area: Rect, rows: &[Row]) {
        for (below, row) in rows.iter().enumerate() {
            self.row(area, below, row);
        }
    }

    /// A bar: one that is told from the rest without colours, too.
    fn bar(&mut self, area: Rect) {
        self.buffer.set_style(area, Ink::new().reversed());
    }

    fn list(&mut self, model: &Model, area: Rect) {
        let inner = Rect {
            width: area.width.saturating_sub(1),
            ..area
        };
        for below in 0..usize::from(area.height) {
            let edge = Rect {
                x: inner.right(),
                width: 1,
                ..area
            };
            self.row(edge, below, &[("│".to_owned(), paint::QUIET)]);
        }
        let list = model.list();
        let at = list.iter().position(|one| is_open(model, one)).unwrap_or(0);
        let places = usize::from(area.height) / ENTRY_ROWS;
        // The open one is in sight, the others as far as they can be.
        let first = (at + 1).saturating_sub(places);
        for (place, one) in list.iter().skip(first).take(places).enumerate() {
            let top = place * ENTRY_ROWS;
            let columns = usize::from(inner.width);
            let [head, last] = entry(model, one, columns);
            self.row(inner, top, &head);
            self.row(inner, top + 1, &last);
            if is_open(model, one)
                && let Ok(top) = u16::try_from(top)
            {
                self.bar(Rect {
                    y: inner.y + top,
                    height: 1,
                    ..inner
                });
            }
        }
        let in_sight: usize = list.iter().skip(first).take(places).map(|one| one.unread).sum();
        let hidden = model.unread().saturating_sub(in_sight);
        if hidden > 0 {
            let text = format!(" {hidden} more unread: Tab ");
            let columns = usize::from(inner.width);
            self.row(
                inner,
                usize::from(area.height).saturating_sub(1),
                &[(cut(&text, columns), paint::PROMPT)],
            );
        }
    }

    fn title(&mut self, model: &Model, area: Rect, is_listed: bool) {
        let shown = model.shown();
        let mut row = vec![(format!("{}{}", mark(shown), model.title(shown)), paint::PROMPT)];
        let about = match (&shown.with, shown.online) {
            _ if model.over.is_some() => "  Esc: back".to_owned(),
            (Some(Partner::Person(_)), Some(true)) => "  online".to_owned(),
            (Some(Partner::Person(_)), Some(false)) => "  offline".to_owned(),
            _ => String::new(),
        };
        row.push((about, paint::QUIET));
        self.row(area, 0, &row);
        let unread = model.unread();
        if unread > 0 && !is_listed {
            self.right(area, &format!(" {unread} unread: Tab "), paint::PROMPT);
        }
    }

    fn right(&mut self, area: Rect, text: &str, style: Style) {
        let columns = u16::try_from(width(text)).unwrap_or(u16::MAX).min(area.width);
        let place = Rect {
            x: area.right() - columns,
            width: columns,
            ..area
        };
        self.row(place, 0, &[(text.to_owned(), style)]);
    }

    fn pane(&mut self, model: &Model, area: Rect) {
        let rows = model.sight();
        let height = usize::from(area.height);
        if rows.is_empty() {
            let text = match (&model.over, &model.open.with, model.open.earlier) {
                (Some(_), ..) => "Nothing that is kept has these words.",
                (None, None, _) => "",
                (None, Some(_), Earlier::Unknown) => "…",
                (None, Some(_), _) => "Nothing was said yet.",
            };
            self.row(area, height.saturating_sub(1), &[(text.to_owned(), paint::QUIET)]);
        }
        // What is said last stands beside what is typed.
        let above = u16::try_from(height.saturating_sub(rows.len())).unwrap_or(0);
        let lowest = Rect {
            y: area.y + above,
            height: area.height.saturating_sub(above),
            ..area
        };
        self.rows(lowest, &rows);
    }

    fn status(&mut self, model: &Model, area: Rect) {
        let columns = usize::from(area.width);
        let mut text = format!(" {}", link(model.link));
        let scrolled = match (model.shown().anchor, model.open.unread) {
            (None, _) => String::new(),
            (Some(_), _) if model.over.is_some() => "↓ more".to_owned(),
            (Some(_), _) if model.is_at_gap() => "↓ then a gap, Esc: latest".to_owned(),
            (Some(_), 0) => "↓ more, Esc: latest".to_owned(),
            (Some(_), new) => format!("↓ {new} new, Esc: latest"),
        };
        let pasted = match model.input.text().lines().count() {
            _ if model.hides_recipient() => format!("Enter: back to {}", model.open.title),
            0 | 1 => String::new(),
            lines => format!("Enter sends {lines} lines as one"),
        };
        let quiet = if model.settings.heard.quiet.is_on() {
            "dnd".to_owned()
        } else {
            String::new()
        };
        let unread = match model.unread() {
            0 => String::new(),
            unread => format!("{unread} unread"),
        };
        // What there is no room for is left out.
        for part in [
            quiet,
            pasted,
            scrolled,
            path(model),
            unread,
            "F1: keys".to_owned(),
        ] {
            if !part.is_empty() && width(&text) + width(&part) + 3 <= columns {
                // Writing to a string cannot fail.
                if write!(text, " · {part}").is_err() {
                    break;
                }
            }
        }
        self.row(area, 0, &[(text, Style::new())]);
        self.bar(area);
    }

    fn input(&mut self, model: &Model, area: Rect) -> Position {
        let columns = usize::from(area.width).saturating_sub(PROMPT.len()).max(1);
        let typed = model.input.rows(columns);
        let height = usize::from(area.height);
        let (row, column) = typed.cursor;
        // The row of the cursor is in sight.
        let first = (row + 1).saturating_sub(height);
        for (below, text) in typed.rows.iter().skip(first).take(height).enumerate() {
            let margin = if first + below == 0 { PROMPT } else { "  " };
            let mut row = vec![(margin.to_owned(), paint::PROMPT), (text.clone(), Style::new())];
            if typed.rows.len() == 1 && self.colors {
                row.extend(hint(model, columns.saturating_sub(width(text))));
            }
            self.row(area, below, &row);
        }
        let within = |offset: usize, least: u16, end: u16| {
            let at = u16::try_from(offset).unwrap_or(u16::MAX);
            least.saturating_add(at).min(end.saturating_sub(1)).max(least)
        };
        Position {
            x: within(PROMPT.len() + column, area.x, area.right()),
            y: within(row - first, area.y, area.bottom()),
        }
    }
}

/// Rows of a conversation in the list.
const ENTRY_ROWS: usize = 2;

fn is_open(model: &Model, one: &Conversation) -> bool {
    one.with == model.open.with
}

/// Whether somebody is there, or that it is a room, before the name.
fn mark(one: &Conversation) -> &'static str {
    match (&one.with, one.online) {
        (Some(Partner::Person(_)), Some(true)) => "● ",
        (Some(Partner::Person(_)), Some(false)) => "○ ",
        (Some(Partner::Person(_)), None) => "? ",
        _ => "  ",
    }
}

/// A conversation in the list: its name and what is unread, and below it what was said last.
fn entry(model: &Model, one: &Conversation, columns: usize) -> [Row; 2] {
    let unread = match one.unread {
        0 => String::new(),
        unread => format!(" {} ", unread.min(UNREAD_SHOWN_MAX)),
    };
    let style = if one.unread > 0 {
        paint::PROMPT
    } else {
        Style::new()
    };
    let mark = mark(one);
    let name = cut(
        &model.title(one),
        columns.saturating_sub(unread.len() + width(mark)),
    );
    let gap = columns.saturating_sub(width(&name) + unread.len() + width(mark));
    let presence = if one.online == Some(true) {
        paint::RECEIVED
    } else {
        paint::QUIET
    };
    let head = vec![
        (mark.to_owned(), presence),
        (name, style),
        (" ".repeat(gap), Style::new()),
        (unread, paint::PROMPT),
    ];
    let last = one.last.as_ref().map_or("", |last| last.text.as_str());
    let last = cut(last, columns.saturating_sub(width(mark)));
    [head, vec![("  ".to_owned(), Style::new()), (last, paint::QUIET)]]
}

/// What is unread beyond this is as good as so many.
const UNREAD_SHOWN_MAX: usize = 9_999;

const fn link(link: Link) -> &'static str {
    match link {
        Link::Connecting => "connecting",
        Link::Registered => "registered",
        Link::Silent => "server silent",
        Link::Offline => "offline",
    }
}

/// How the path is to whoever the open conversation is with; without a session, to the server.
fn path(model: &Model) -> String {
    let Some(net) = &model.net else {
        return String::new();
    };
    let with_partner = |report: &&SessionReport| match (&report.with, &model.open.with) {
        (Other::Person(name), Some(Partner::Person(with))) => name.matches(with),
        (Other::Contact(contact), Some(Partner::At(address))) => contact.address == *address,
        _ => false,
    };
    let with_server = |report: &&SessionReport| report.with == Other::Registry;
    let direct = net.sessions.iter().find(with_partner);
    let (whom, report) = match (direct, net.sessions.iter().find(with_server)) {
        (Some(report), _) => (model.open.title.as_str(), report),
        (None, Some(report)) => ("server", report),
        (None, None) => return String::new(),
    };
    let stats = &report.stats;
    format!(
        "{whom} {}, loss {}.{} %",
        span(stats.rtt),
        stats.path_loss / 10,
        stats.path_loss % 10
    )
}

/// What is still to be typed of a command, as far as there is room.
fn hint(model: &Model, columns: usize) -> Option<(String, Style)> {
    let line = model.input.text().strip_prefix('/')?;
    let hint = model.settings.grammar.hint(line)?;
    let hint = escape(&hint).into_owned();
    (model.input.is_at_end() && width(&hint) < columns).then_some((hint, paint::QUIET))
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "view_people_tests.rs"]
mod people_tests;

#[cfg(test)]
#[path = "view_typing_tests.rs"]
mod typing_tests;
