//! What the client was asked of what it keeps, and has not answered: each question with what is to become of the answer.
//!
//! Answers say what they answer. That a question is not answered does not say which: but it comes in its turn. Pure. Invariants: an answer goes where it was asked for, or nowhere; so many pages are asked for at once.

use std::collections::VecDeque;

use super::conversation::same;
use crate::client::interface::{Command, History, Partner, Place, Subject};
use crate::limits::HISTORY_QUESTIONS_MAX;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// It says with whom there are conversations.
    Seeds,
    /// It is a page of what was shown when it was asked for.
    Page,
    /// Somebody has typed the question, and reads the answer.
    Typist,
    /// Nothing: it is of what was removed since.
    Nothing,
}

#[derive(Debug)]
enum What {
    History(Subject, Option<Place>),
    Trace,
    Forget,
}

#[derive(Debug)]
struct Question {
    what: What,
    goal: Goal,
}

/// Questions, the one that was asked first before the others.
#[derive(Debug, Default)]
pub(super) struct Asked {
    open: VecDeque<Question>,
}

/// Nobody types as many before the first is answered. Of more the first has got lost.
const OPEN_MAX: usize = 64;

impl Asked {
    /// A command is handed over; if it is a question, its answer is for this.
    pub(super) fn note(&mut self, command: &Command, goal: Goal) {
        let what = match command {
            Command::History { subject, before, .. } => What::History(subject.clone(), *before),
            Command::Trace(_) => What::Trace,
            Command::Forget(_) => What::Forget,
            _ => return,
        };
        if self.open.len() >= OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back(Question { what, goal });
    }

    /// Whether this page may be asked for: it is not yet, and not too many are.
    pub(super) fn takes(&self, subject: &Subject, before: Option<Place>) -> bool {
        let pages = || self.open.iter().filter(|question| question.goal == Goal::Page);
        pages().count() < HISTORY_QUESTIONS_MAX && !pages().any(|page| page.what.is(subject, before))
    }

    /// What this answer is for; `None`: it was not asked for here.
    pub(super) fn answered(&mut self, history: &History) -> Option<Goal> {
        self.done(|what| what.is(&history.subject, history.before))
    }

    /// A message was traced.
    pub(super) fn traced(&mut self) {
        self.done(|what| matches!(what, What::Trace));
    }

    /// What was said with somebody is removed. Pages of it that are still to come were read before that.
    pub(super) fn forgotten(&mut self, with: &Partner) {
        self.done(|what| matches!(what, What::Forget));
        for question in &mut self.open {
            if question.goal == Goal::Page && question.what.is_with(with) {
                question.goal = Goal::Nothing;
            }
        }
    }

    /// The first question could not be answered: what its answer would have been for.
    pub(super) fn failed(&mut self) -> Option<Goal> {
        self.open.pop_front().map(|question| question.goal)
    }

    fn done(&mut self, is_it: impl Fn(&What) -> bool) -> Option<Goal> {
        let at = self.open.iter().position(|question| is_it(&question.what))?;
        self.open.remove(at).map(|question| question.goal)
    }
}

impl What {
    fn is(&self, subject: &Subject, before: Option<Place>) -> bool {
        matches!(self, Self::History(asked, place) if asked == subject && *place == before)
    }

    fn is_with(&self, partner: &Partner) -> bool {
        matches!(self, Self::History(Subject::With(with), _) if same(with, partner))
    }
}
