//! What the client was asked of what it keeps, and has not answered: each question with what is to become of the answer.
//!
//! Answers say what they answer, and so does that there is none. Pure. Invariants: an answer goes where it was asked for, or nowhere;
//! so many pages are asked for at once.

use std::collections::VecDeque;

use super::conversation::same;
use crate::client::interface::{Command, History, Partner, Place, Question, Subject};
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
struct Open {
    what: Question,
    goal: Goal,
}

/// Questions, the one that was asked first before the others.
#[derive(Debug, Default)]
pub(super) struct Asked {
    open: VecDeque<Open>,
}

/// Nobody types as many before the first is answered. Of more the first has got lost.
const OPEN_MAX: usize = 64;

impl Asked {
    /// A command is handed over; if it is a question, its answer is for this.
    pub(super) fn note(&mut self, command: &Command, goal: Goal) {
        let what = match command {
            Command::History { subject, before, .. } => Question::History(subject.clone(), *before),
            Command::Trace(_) => Question::Trace,
            Command::Forget(with) => Question::Forget(with.clone()),
            _ => return,
        };
        if self.open.len() >= OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back(Open { what, goal });
    }

    /// Whether this page may be asked for: it is not yet, and not too many are.
    pub(super) fn takes(&self, subject: &Subject, before: Option<Place>) -> bool {
        let pages = || self.open.iter().filter(|question| question.goal == Goal::Page);
        pages().count() < HISTORY_QUESTIONS_MAX && !pages().any(|page| is(&page.what, subject, before))
    }

    /// What this answer is for; `None`: it was not asked for here.
    pub(super) fn answered(&mut self, history: &History) -> Option<Goal> {
        self.done(|what| is(what, &history.subject, history.before))
    }

    /// A message was traced.
    pub(super) fn traced(&mut self) {
        self.done(|what| *what == Question::Trace);
    }

    /// What was said with somebody is removed. Pages of it that are still to come were read before that.
    pub(super) fn forgotten(&mut self, partner: &Partner) {
        self.done(|what| matches!(what, Question::Forget(with) if same(with, partner)));
        for question in &mut self.open {
            if question.goal == Goal::Page && is_with(&question.what, partner) {
                question.goal = Goal::Nothing;
            }
        }
    }

    /// A question is not answered: what its answer would have been for.
    pub(super) fn failed(&mut self, question: &Question) -> Option<Goal> {
        self.done(|what| what == question)
    }

    fn done(&mut self, is_it: impl Fn(&Question) -> bool) -> Option<Goal> {
        let at = self.open.iter().position(|question| is_it(&question.what))?;
        self.open.remove(at).map(|question| question.goal)
    }
}

fn is(question: &Question, subject: &Subject, before: Option<Place>) -> bool {
    matches!(question, Question::History(asked, place) if asked == subject && *place == before)
}

fn is_with(question: &Question, partner: &Partner) -> bool {
    matches!(question, Question::History(Subject::With(with), _) if same(with, partner))
}
