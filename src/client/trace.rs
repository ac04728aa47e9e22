//! What has happened to a message: the answer to `trace`.
//!
//! The store finds the message and knows its states, of whatever run; what this run has noted of its way is the `journal`'s.
//! Invariant: changes nothing of any message.

use super::Client;
use super::committed::After;
use crate::client::interface::{Event, Recorded, Standing, Trace, Way, Which};
use crate::client::storage::{Key, Page, Scope, State};
use crate::engine::Context;

impl Client {
    /// The user asks what has happened to a message.
    pub(super) fn trace(&mut self, which: Which) {
        let scope = match &which {
            Which::Last(partner) => {
                let partner = partner.as_ref();
                Scope::Written(partner.map(|partner| self.conversations_with(partner)))
            }
            Which::One(one) => Scope::One(*one),
        };
        self.ask_history(scope, 1, None, After::Traced(which));
    }

    /// The store has found it, or not.
    pub(super) fn traced(&mut self, cx: &Context<'_>, which: Which, page: Page) {
        self.questions.answered();
        let message = page.messages.into_iter().next();
        let key = |message: &Recorded| Key(message.number);
        let record = message.as_ref().and_then(|message| match message.way {
            Way::In { .. } => self.journal.of_received(message.id),
            Way::Out { .. } => self.journal.of(key(message)),
        });
        let standing = message.as_ref().and_then(|message| match message.way {
            Way::Out { state, .. } => self.standing_of(cx, key(message), state),
            Way::In { .. } => None,
        });
        let trace = Trace {
            which,
            record: record.cloned(),
            message,
            own: self.config.name.clone(),
            standing,
        };
        self.out.event(Event::Trace(Box::new(trace)));
    }

    /// Where a message of ours is, if it has not ended; `state`: what the store had committed when it was asked.
    fn standing_of(&self, cx: &Context<'_>, key: Key, state: State) -> Option<Standing> {
        match (self.outbox.get(key), state) {
            (Some(message), _) => Some(self.standing(cx.now.at, key, message)),
            (None, State::Ended(_)) => None,
            (None, State::Waiting | State::Stored) => Some(Standing::Ended),
        }
    }
}
