//! What was said before, as far as it is kept: told when it is asked for, removed when that is wanted, or when it is old.
//!
//! The store finds it and judges what may be removed; here it is known whose conversations somebody's are. Texts are removed
//! in small pieces, so that no message waits long behind them.
//! Invariants: so many questions are open at once, and none is asked before it is known which registry's messages it is about;
//! for an age that is judged by the wall clock nothing is removed before clocks have had their time to be put right.

use std::time::Duration;

use super::committed::After;
use super::{Client, SWEEP_AFTER, Timer};
use crate::client::interface::{Event, Forgotten, History, Partner, Place, Question, Subject};
use crate::client::storage::{Page, Removal, Removed, Request, Scope};
use crate::client::to::To;
use crate::clock::{Instant, WallTime};
use crate::engine::{Context, StoreFault};
use crate::limits::{HISTORY_MESSAGES_MAX, HISTORY_QUESTIONS_MAX};

/// How often it is looked for what is too old.
const LOOK_INTERVAL: Duration = Duration::from_secs(3_600);
/// Between two pieces of that, and until it may be quiet.
const PIECE_INTERVAL: Duration = Duration::from_secs(1);

/// What is asked about what is kept, and what is to be forgotten.
#[derive(Default)]
pub(super) struct Questions {
    /// How many of them are not answered.
    open: usize,
    /// Answers so far, and pieces of what was to be forgotten.
    moved: u64,
    /// Those that cannot be asked before it is known which registry's messages are meant.
    early: Vec<(Request, After)>,
}

impl Questions {
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// Whether as many answers are waited for as may be.
    pub(super) const fn enough(&self) -> bool {
        self.open >= HISTORY_QUESTIONS_MAX
    }

    /// Answers so far, and pieces of what was to be forgotten.
    pub(super) const fn moved(&self) -> u64 {
        self.moved
    }

    /// One has its answer, or failed.
    pub(super) const fn answered(&mut self) {
        self.open -= 1;
        self.moved += 1;
    }
}

impl Client {
    /// The user asks for the last messages of a subject, or for the last before one of them.
    pub(super) fn recall(&mut self, subject: Subject, most: usize, before: Option<Place>) {
        let scope = match &subject {
            Subject::All => Scope::All,
            Subject::With(partner) => Scope::Conversations(self.conversations_with(partner)),
            Subject::Words(words) => Scope::Words(words.clone()),
        };
        self.ask_history(scope, most, before, After::Recalled { subject, before });
    }

    /// Asks the store for what is kept.
    pub(super) fn ask_history(&mut self, scope: Scope, most: usize, before: Option<Place>, after: After) {
        let request = Request::Recall {
            scope,
            most: most.clamp(1, HISTORY_MESSAGES_MAX),
            before,
            own: self.me.id(),
        };
        self.ask_store(request, after);
    }

    /// Asks it, as soon as it is known which registry's messages are meant.
    fn ask_store(&mut self, request: Request, after: After) {
        self.questions.open += 1;
        if self.link.known() {
            self.out.store(request, after);
            return;
        }
        self.questions.early.push((request, after));
        if !self.link.trying() && !self.returning() {
            self.refuse_early();
        }
    }

    /// The registry is known.
    pub(super) fn ask_early(&mut self) {
        for (request, after) in std::mem::take(&mut self.questions.early) {
            self.out.store(request, after);
        }
    }

    /// It will not be known soon.
    pub(super) fn refuse_early_questions(&mut self) {
        for (_, after) in std::mem::take(&mut self.questions.early) {
            let why =
                "no server was reached yet, so it is not known which of the messages that are kept are meant";
            self.not_answered(after, why.to_owned());
        }
    }

    /// Says that there is no answer. `after`: what was to be done with it.
    pub(super) fn not_answered(&mut self, after: After, why: String) {
        let question = match after {
            After::Recalled { subject, before } => Question::History(subject, before),
            After::Traced(_) => Question::Trace,
            After::Forgotten { with, .. } => Question::Forget(with),
            // None of these is a question.
            _ => return,
        };
        self.questions.answered();
        self.out.event(Event::Unanswered { question, why });
    }

    pub(super) fn recalled(&mut self, subject: Subject, before: Option<Place>, mut page: Page) {
        self.questions.answered();
        page.messages.iter_mut().for_each(|message| self.judge(message));
        self.out.event(Event::History(History {
            subject,
            before,
            own: self.config.name.clone(),
            messages: page.messages,
            earlier: page.earlier,
        }));
    }

    /// The user wants what was said with somebody to be removed.
    pub(super) fn forget(&mut self, with: Partner) {
        // What he has seen counts as seen.
        self.write_marks();
        self.ask_store(self.removal(&with), After::Forgotten { with, removed: 0 });
    }

    fn removal(&self, with: &Partner) -> Request {
        Request::Remove(Removal::Conversations(self.conversations_with(with)))
    }

    /// Some of it is removed.
    pub(super) fn forgotten(&mut self, with: Partner, before: u64, removed: Removed) {
        let messages = before + removed.messages;
        if removed.more {
            let removed = messages;
            self.questions.moved += 1;
            self.out
                .store(self.removal(&with), After::Forgotten { with, removed });
        } else {
            self.questions.answered();
            self.out.event(Event::Forgotten(Forgotten {
                with,
                removed: messages,
                kept: removed.left,
            }));
        }
    }

    /// What the conversations with somebody are kept under. By address he may have several, and is one person.
    pub(super) fn conversations_with(&self, partner: &Partner) -> Vec<String> {
        let addresses = match partner {
            // Which room of that name does not matter.
            Partner::Room(name) => return vec![To::key_of_room(name)],
            Partner::Person(name) if self.config.registry.is_some() => return vec![name.folded()],
            Partner::Person(name) => self.contacts.met_as(name),
            Partner::At(address) => self.contacts.same_as(*address),
        };
        let keys = addresses.into_iter().map(|address| To::At(address).key());
        keys.collect()
    }

    /// Begins to look for what is too old, if that is not to be kept.
    pub(super) fn plan_history(&mut self, now: Instant) {
        if self.config.keep_history.is_some() {
            self.timers.set(Timer::History, now + SWEEP_AFTER);
        }
    }

    /// Removes a piece of what is too old, when it is quiet.
    pub(super) fn thin_history(&mut self, cx: &Context<'_>) {
        let Some(kept) = self.config.keep_history else {
            return;
        };
        if self.out.requests() > 0 {
            self.timers.set(Timer::History, cx.now.at + PIECE_INTERVAL);
            return;
        }
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        // A clock that was set ahead meanwhile makes nothing older.
        let ran = ms(cx.now.at.since(self.started.at));
        let now = self
            .started
            .wall
            .unix_ms()
            .saturating_add(ran)
            .min(cx.now.wall.unix_ms());
        let before = WallTime::from_unix_ms(now.saturating_sub(ms(kept)));
        self.out
            .store(Request::Remove(Removal::Before(before)), After::Thinned);
        self.timers.set(Timer::History, cx.now.at + LOOK_INTERVAL);
    }

    /// The disk did not take it: that is for later.
    pub(super) fn not_thinned(&mut self, cx: &Context<'_>, fault: &StoreFault) {
        tracing::debug!(%fault, "what is old is not removed yet");
        self.timers.set(Timer::History, cx.now.at + SWEEP_AFTER);
    }

    pub(super) fn thinned(&mut self, cx: &Context<'_>, removed: Removed) {
        if removed.more {
            self.timers.set(Timer::History, cx.now.at + PIECE_INTERVAL);
        }
    }
}
