//! Back and forth in what is shown: which rows are in sight, and when more of the history is read.
//!
//! Goes by rows, as they are on a screen of this width. Pure. Invariants: whoever is scrolled back sees the same rows whatever comes
//! after them or is read before them; a page is read once at a time; nothing that is kept is passed over without a word.

use std::cmp::Reverse;

use super::asked::Goal;
use super::conversation::{Anchor, Earlier, PAGE};
use super::model::Model;
use super::rows::Row;
use crate::client::interface::{Place, Subject};

impl Model {
    /// Reads a page of what is shown.
    pub(super) fn read(&mut self, before: Option<Place>) {
        let subject = match (&self.over, &self.open.with) {
            (Some(over), _) => over.words.clone().map(Subject::Words),
            (None, with) => with.clone().map(Subject::With),
        };
        if let Some(subject) = subject
            && self.asked.takes(&subject, before)
        {
            self.ask(Goal::Page, subject, PAGE, before);
        }
    }

    /// The rows that are in sight, the last of them last.
    pub(super) fn sight(&self) -> Vec<Row> {
        let shown = self.shown();
        let Some(place) = shown.anchor.and_then(|anchor| self.place_of(anchor)) else {
            return self.rows_to((shown.lines.len().saturating_sub(1), 0));
        };
        let rows = self.rows_to(place);
        // On a screen that has become larger there may be less before that place than it has room for.
        if rows.len() < self.pane.1 {
            self.rows_to(self.top())
        } else {
            rows
        }
    }

    /// As many rows as there is room for, up to a place.
    fn rows_to(&self, (mut at, mut below): (usize, usize)) -> Vec<Row> {
        let (_, height) = self.pane;
        let mut rows: Vec<Row> = Vec::new();
        while let (Some(line_rows), true) = (self.rows_at(at), rows.len() < height) {
            let seen = line_rows.len().saturating_sub(below);
            rows.extend(line_rows.into_iter().take(seen).rev());
            below = 0;
            let Some(before) = at.checked_sub(1) else { break };
            at = before;
        }
        rows.truncate(height);
        rows.reverse();
        rows
    }

    fn place_of(&self, anchor: Anchor) -> Option<(usize, usize)> {
        let mut lines = self.shown().lines.iter();
        let at = lines.position(|line| line.number == anchor.line)?;
        Some((at, anchor.below))
    }

    fn rows_at(&self, at: usize) -> Option<Vec<Row>> {
        let lines = &self.shown().lines;
        let before = at.checked_sub(1).and_then(|before| lines.get(before));
        lines.get(at).map(|line| self.layout().rows(line, before))
    }

    fn height_at(&self, at: usize) -> usize {
        self.rows_at(at).map_or(0, |rows| rows.len())
    }

    /// Goes so many rows back. At the first row that is held, more is read.
    pub(super) fn back(&mut self, rows: usize) {
        let shown = self.shown();
        let place = shown.anchor.and_then(|anchor| self.place_of(anchor));
        let (mut at, mut below) = place.unwrap_or((shown.lines.len().saturating_sub(1), 0));
        below += rows;
        while below >= self.height_at(at) && at > 0 {
            below -= self.height_at(at);
            at -= 1;
        }
        let (top, least) = self.top();
        let is_top = (at, Reverse(below)) <= (top, Reverse(least));
        if is_top {
            (at, below) = (top, least);
        }
        self.stand_at(at, below);
        if is_top {
            match self.shown().earlier {
                Earlier::Before(place) => self.read(Some(place)),
                Earlier::Unknown => self.read(None),
                Earlier::Nothing => {}
            }
        }
    }

    /// The line, and the rows below it, with which the first row is on top.
    fn top(&self) -> (usize, usize) {
        let (_, height) = self.pane;
        let mut seen = 0;
        for at in 0..self.shown().lines.len() {
            let rows = self.height_at(at);
            if seen + rows >= height {
                return (at, seen + rows - height);
            }
            seen += rows;
        }
        (self.shown().lines.len().saturating_sub(1), 0)
    }

    /// Goes so many rows on; from the last row on, what comes is in sight again. Where the latest are not held it ends.
    pub(super) fn on(&mut self, rows: usize) {
        let Some((mut at, mut below)) = self.shown().anchor.and_then(|anchor| self.place_of(anchor)) else {
            return;
        };
        let mut left = rows;
        while left > below {
            left -= below + 1;
            at += 1;
            below = self.height_at(at).saturating_sub(1);
        }
        let count = self.shown().lines.len();
        if at + 1 < count || (at + 1 == count && below > left) {
            self.stand_at(at, below - left);
        } else if self.shown().cut {
            self.stand_at(count.saturating_sub(1), 0);
        } else {
            self.latest();
        }
    }

    /// To the end.
    pub(super) fn latest(&mut self) {
        let shown = self.shown_mut();
        shown.anchor = None;
        shown.uncut();
        self.look();
    }

    /// Whether one stands at the last line that is held, and there are later ones.
    pub(super) fn is_at_gap(&self) -> bool {
        let shown = self.shown();
        let last = shown.lines.last().map(|line| line.number);
        let stands = shown.anchor.map(|anchor| (Some(anchor.line), anchor.below));
        shown.cut && stands == Some((last, 0))
    }

    fn stand_at(&mut self, at: usize, below: usize) {
        let last = self.shown().lines.len().saturating_sub(1);
        let shown = self.shown_mut();
        let line = shown.lines.get(at).map(|line| line.number);
        shown.anchor = line
            .map(|line| Anchor { line, below })
            .filter(|_| shown.cut || (at, below) != (last, 0));
    }
}
