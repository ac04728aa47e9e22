//! What was sent and not answered: repeated, taken another way, or said to wait.
//!
//! Every question to the registry or a peer is asked again until it is answered, and handed on when the session
//! that carried it is gone.
//! Invariant: a message that nobody can take now is told of as waiting, once, and goes by itself later.

use std::time::Duration;

use super::delivery::DIRECT_TRIES_MAX;
use super::directory::Knowledge;
use super::outbox::Stage;
use super::storage::Key;
use super::{Client, Timer};
use crate::client::interface::Event;
use crate::engine::Context;
use crate::id::Name;
use crate::limits::{DIRECT_BUDGET, REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::transport::SessionId;

impl Client {
    pub(super) fn budget_of(&self, cx: &Context<'_>, key: Key) -> Duration {
        match self.outbox.get(key).map(|message| message.stage) {
            Some(Stage::Direct { session, .. }) => Self::budget(cx, session),
            _ => DIRECT_BUDGET,
        }
    }

    /// A message's deadline has come.
    pub(super) fn message_due(&mut self, cx: &Context<'_>, key: Key) {
        let Some(message) = self.outbox.get(key) else {
            return;
        };
        let (stage, to, name) = (message.stage, message.name.folded(), message.name.clone());
        match stage {
            Stage::Direct { .. } if self.link.registered().is_some() => {
                self.take_to_registry(cx, key);
                self.pump(cx, &to);
            }
            Stage::Direct { session, again } => self.repeat_directly(cx, key, session, again, &name),
            Stage::Depositing { again } => {
                if let (Some(session), Some(card)) = (self.link.registered(), message.recipient) {
                    self.ask_deposit(cx, session, key, &card);
                    let longer = (again * 2).min(REQUEST_RETRY_MAX);
                    let stage = Stage::Depositing { again: longer };
                    self.outbox.set_stage(key, stage, cx.now.at);
                    self.timers.set(Timer::Message(key), cx.now.at + longer);
                }
            }
            Stage::Queued | Stage::Marking | Stage::Stored | Stage::Conflicted | Stage::Ending => {}
        }
    }

    /// No receipt in time, and no registry to go to: he may still answer.
    fn repeat_directly(
        &mut self,
        cx: &Context<'_>,
        key: Key,
        session: SessionId,
        again: Option<Duration>,
        name: &Name,
    ) {
        if let (Some(_), Knowledge::Pinned(card)) = (again, self.directory.knows(&name.folded())) {
            self.hand_over(cx, key, session, &card);
        }
        let pause = again.map_or(REQUEST_RETRY, |again| (again * 2).min(REQUEST_RETRY_MAX));
        let stage = Stage::Direct {
            session,
            again: Some(pause),
        };
        self.outbox.set_stage(key, stage, cx.now.at);
        self.timers.set(Timer::Message(key), cx.now.at + pause);
        if !self.link.trying() {
            self.tell_one_waiting(key);
        }
    }

    fn take_to_registry(&mut self, cx: &Context<'_>, key: Key) {
        if let Some(message) = self.outbox.get_mut(key) {
            message.to_registry = true;
        }
        self.timers.clear(&Timer::Message(key));
        self.outbox.set_stage(key, Stage::Queued, cx.now.at);
    }

    /// The registry is back: what was not answered directly in time goes there.
    pub(super) fn deposit_late(&mut self, cx: &Context<'_>) {
        let late: Vec<Key> = self
            .outbox
            .iter()
            .filter(|(_, message)| matches!(message.stage, Stage::Direct { again: Some(_), .. }))
            .map(|(key, _)| key)
            .collect();
        for key in late {
            self.take_to_registry(cx, key);
        }
    }

    /// The registry is gone: unanswered deposits may go another way.
    pub(super) fn requeue_deposits(&mut self, cx: &Context<'_>) {
        let asked: Vec<Key> = self
            .outbox
            .iter()
            .filter(|(_, message)| {
                matches!(message.stage, Stage::Depositing { .. })
                    || (message.stage == Stage::Queued && message.to_registry)
            })
            .map(|(key, _)| key)
            .collect();
        for key in asked {
            self.timers.clear(&Timer::Message(key));
            self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            if let Some(message) = self.outbox.get_mut(key) {
                message.to_registry = false;
                message.direct_tries = 0;
            }
        }
    }

    /// A peer's session is gone: what it was given may or may not have arrived.
    pub(super) fn take_back(&mut self, cx: &Context<'_>, session: SessionId) {
        for key in self.outbox.direct_on(session) {
            self.timers.clear(&Timer::Message(key));
            self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            if let Some(message) = self.outbox.get_mut(key) {
                message.direct_tries = message.direct_tries.saturating_add(1);
                if message.direct_tries >= DIRECT_TRIES_MAX && self.link.registered().is_none() {
                    message.direct_tries = 0;
                    message.not_before = cx.now.at + REQUEST_RETRY;
                }
            }
        }
    }

    /// There is no registry and will not be soon: says of everything that waits that it does.
    pub(super) fn despair(&mut self, cx: &Context<'_>) {
        self.pump_all(cx);
        let late: Vec<Key> = self
            .outbox
            .iter()
            .filter(|(_, message)| {
                matches!(
                    message.stage,
                    Stage::Direct { again: Some(_), .. } | Stage::Depositing { .. }
                )
            })
            .map(|(key, _)| key)
            .collect();
        for key in late {
            self.tell_one_waiting(key);
        }
    }

    /// Says of a conversation's queued messages that they wait, once each.
    pub(super) fn tell_waiting(&mut self, to: &str) {
        for key in self.outbox.untold(to) {
            self.tell_one_waiting(key);
        }
    }

    fn tell_one_waiting(&mut self, key: Key) {
        if let Some(to) = self.outbox.tell_waiting(key) {
            self.out.event(Event::Waiting { to });
        }
    }
}
