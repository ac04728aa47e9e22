//! What the database has kept, taken into what the screen shows: pages of a conversation, what was found, whom one talks to.
//!
//! When a page is asked for is `scrolling`'s to say. Pure. Invariant: a page is taken in where it was asked for, or nowhere.

use super::asked::Goal;
use super::conversation::{self, Conversation, Earlier, Line, Over, Saying, partner};
use super::model::{Model, last_of};
use crate::cli::sanitise::escape;
use crate::cli::{paint, render, render_history};
use crate::client::interface::{Event, Forgotten, History, Question, Recorded, Subject, Trust, Way};
use crate::client::storage::{Finish, State};
use crate::client::to::To;
use crate::clock::WallTime;

impl Model {
    /// An answer of the history: a page that was asked for, or what somebody wants to read.
    pub(super) fn history(&mut self, history: &History, now: WallTime) {
        match (self.asked.answered(history), &history.subject) {
            (Some(Goal::Seeds), _) => self.seed(history),
            (Some(Goal::Page), subject) => self.page(subject, history),
            (Some(Goal::Nothing), _) => {}
            (Some(Goal::Typist) | None, Subject::Words(words)) => self.found(words, history),
            (Some(Goal::Typist) | None, _) => {
                let lines = render_history::list(history, self.settings.offset_at);
                self.answer(lines, paint::QUIET, now);
            }
        }
        // When it was opened there may have been too many questions.
        self.look();
    }

    /// A question could not be answered. A page is asked for again by whoever wants to see it.
    pub(super) fn unanswered(&mut self, question: &Question) {
        self.lacks_seeds |= self.asked.failed(question) == Some(Goal::Seeds);
    }

    /// With whom there are conversations, and what was said there last.
    fn seed(&mut self, history: &History) {
        for recorded in history.messages.iter().rev() {
            let with = partner(&recorded.with);
            let line = self.line(recorded, true);
            let last = last_of(&line, &with, &self.settings.own);
            let conversation = self.with(&with);
            if conversation.last.is_none() {
                conversation.last = last;
            }
        }
    }

    fn found(&mut self, words: &str, history: &History) {
        let mut found = Conversation::new(None, format!("search: {}", escape(words)));
        let lines = history
            .messages
            .iter()
            .map(|recorded| self.line(recorded, false))
            .collect();
        found.renew(lines, history.earlier);
        self.over = Some(Over {
            words: Some(words.to_owned()),
            found,
        });
    }

    /// A page of what is shown; of what is not any more, nothing is taken in.
    fn page(&mut self, subject: &Subject, history: &History) {
        let is_known = matches!(subject, Subject::With(_));
        let lines: Vec<Line> = history
            .messages
            .iter()
            .map(|recorded| self.line(recorded, is_known))
            .collect();
        let shown = match (subject, &mut self.over) {
            (Subject::Words(words), Some(over)) if over.words.as_ref() == Some(words) => &mut over.found,
            (Subject::With(partner), _) if self.open.is_with(partner) => &mut self.open,
            _ => return,
        };
        match history.before {
            None => shown.renew(lines, history.earlier),
            // Otherwise what is held begins elsewhere by now.
            Some(place) if shown.earlier == Earlier::Before(place) => shown.merge(lines, history.earlier),
            Some(_) => {}
        }
    }

    /// `is_known`: with whom it was exchanged is said elsewhere.
    fn line(&mut self, recorded: &Recorded, is_known: bool) -> Line {
        let own = self.settings.own.clone();
        // As at a message that comes: how well a key is known stands over the conversation.
        let trust = match (&recorded.with, recorded.trust) {
            (_, Trust::New) => Trust::Known,
            (To::Peer(_) | To::At(_), Trust::Verified) if is_known => Trust::Known,
            (_, trust) => trust,
        };
        let head = render_history::who(recorded, trust, &own, is_known);
        let note = match &recorded.way {
            Way::Out {
                state: State::Ended(Finish::Refused(why)),
                ..
            } => Some(format!("refused: {}", render::refusal(why, &recorded.with))),
            Way::Out {
                state: State::Ended(Finish::Expired),
                ..
            } => Some("expired: it could not be delivered in time.".to_owned()),
            Way::Out {
                state: State::Ended(Finish::Reached(reach)),
                ..
            } if reach.received < reach.of => Some(format!("received by {} of {}", reach.received, reach.of)),
            _ => None,
        };
        let (at, message) = conversation::recorded(recorded, &own, head, note);
        Line {
            number: self.number(),
            at,
            turn: 0,
            saying: Saying::Message(message),
        }
    }

    /// What was said with somebody is gone from the disk, and from the screen.
    pub(super) fn forgotten(&mut self, forgotten: &Forgotten, event: &Event, now: WallTime) {
        if let Some(conversation) = self.known(&forgotten.with) {
            let (with, title) = (conversation.with.clone(), conversation.title.clone());
            let online = conversation.online;
            *conversation = Conversation::new(with, title);
            conversation.online = online;
        }
        self.asked.forgotten(&forgotten.with);
        self.answered(event, now);
    }
}
