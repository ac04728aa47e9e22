//! What was sent and not answered: repeated, taken another way, or said to wait.
//!
//! Every question to the registry or a peer is asked again until it is answered, and handed on when the session
//! that carried it is gone. What the registry has put off (`declined`) may go directly meanwhile, and is repeated as if
//! there were no registry.
//! Invariant: a message that nobody can take now is told of as waiting, once, and goes by itself later.

use std::time::Duration;

use super::declined::pause;
use super::delivery::DIRECT_TRIES_MAX;
use super::outbox::Stage;
use super::storage::Key;
use super::{Client, Timer};
use crate::client::interface::{Event, RoomEvent, Via, What};
use crate::client::to::To;
use crate::engine::Context;
use crate::id::MessageId;
use crate::identity::Card;
use crate::limits::{ATTEMPT, ATTEMPTS_TOTAL, DIRECT_BUDGET, REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::transport::SessionId;
use crate::wire::message::{Busy, BusyReason};
use crate::wire::room::Hall;

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
        let (stage, to) = (message.stage, message.to.key());
        match stage {
            Stage::Direct { session, .. } if self.is_unheard(cx, session) => {
                // His answer may be there: nobody reads what we say, so we do not listen.
                self.timers.set(Timer::Message(key), cx.now.at + ATTEMPT);
            }
            Stage::Direct { session, .. } if self.keeper_of(cx.now.at, key).is_some() => {
                self.note_unanswered(cx, key, session);
                self.take_to_registry(cx, key);
                self.pump(cx, &to);
            }
            Stage::Direct { session, again } => self.repeat_directly(cx, key, session, again),
            Stage::Depositing { again } if let Some(until) = self.deposit_pause.until(cx.now.at) => {
                // Looked at now and then all the same: the pause may be over sooner.
                self.timers.set(Timer::Message(key), until.min(cx.now.at + again));
            }
            Stage::Depositing { again } => {
                let recipient = message.recipient;
                if let Some(session) = self.link.registered() {
                    self.ask_deposit(cx, session, key, recipient.as_ref());
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
    fn repeat_directly(&mut self, cx: &Context<'_>, key: Key, session: SessionId, again: Option<Duration>) {
        let card = self.outbox.get(key).and_then(|message| self.pinned_card(message));
        match (again, card) {
            (Some(_), Some(card)) => {
                self.hand_over(cx, key, session, &card);
            }
            _ => self.note_unanswered(cx, key, session),
        }
        let pause = again.map_or(REQUEST_RETRY, |again| (again * 2).min(REQUEST_RETRY_MAX));
        let stage = Stage::Direct {
            session,
            again: Some(pause),
        };
        self.outbox.set_stage(key, stage, cx.now.at);
        self.timers.set(Timer::Message(key), cx.now.at + pause);
        if !self.link.trying() {
            self.tell_one_waiting(cx, key);
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
            .filter(|(_, message)| message.to.address().is_none())
            .map(|(key, _)| key)
            .collect();
        for key in late {
            self.take_to_registry(cx, key);
        }
    }

    /// A peer cannot take it now. If that was too fast, he is sent it again in a while; otherwise the budget decides
    /// with a registry, and without one he is asked again when he says.
    pub(super) fn peer_busy(&mut self, cx: &Context<'_>, peer: &Card, busy: &Busy<MessageId>) {
        let Some(key) = self.outbox.key_of(busy.of.slot) else {
            return;
        };
        let keeper = self.keeper_of(cx.now.at, key);
        let Some(message) = self.outbox.get_mut(key) else {
            return;
        };
        let Stage::Direct { session, again } = message.stage else {
            return;
        };
        let theirs = self.peers.card(session).is_some_and(|card| card.id == peer.id);
        if busy.of.sender != self.me.id() || !theirs {
            return;
        }
        let pause = pause(busy.retry_after_ms);
        let (by, reason) = (Via::Peer, busy.reason);
        self.journal.note(key, cx.now, What::PutOff { by, reason, pause });
        let address = message.to.address();
        let unknown_since = match busy.reason {
            BusyReason::UnknownSender => Some(*message.unknown_since.get_or_insert(cx.now.at)),
            _ => message.unknown_since.take().and(None),
        };
        let slowed_since = *message.slowed_since.get_or_insert(cx.now.at);
        if busy.reason == BusyReason::Rate && cx.now.at.since(slowed_since) < ATTEMPTS_TOTAL {
            let to = message.to.key();
            message.not_before = cx.now.at + pause;
            self.timers.clear(&Timer::Message(key));
            self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            self.pump(cx, &to);
        } else if keeper.is_none() {
            // Each repetition has doubled it.
            let pause = again.map_or(pause, |again| again.max(pause));
            let again = Some(pause);
            self.outbox
                .set_stage(key, Stage::Direct { session, again }, cx.now.at);
            self.timers.set(Timer::Message(key), cx.now.at + pause);
            if !self.link.trying() {
                self.tell_one_waiting(cx, key);
            }
            // Whose registry is another will not find out who we are; he would let us in if he listed us.
            let for_long = unknown_since.is_some_and(|since| cx.now.at.since(since) >= ATTEMPTS_TOTAL);
            if let Some(address) = address.filter(|_| for_long) {
                self.not_let_in(address);
            }
        }
    }

    /// A peer's session is gone: what it was given may or may not have arrived.
    pub(super) fn take_back(&mut self, cx: &Context<'_>, session: SessionId) {
        for key in self.outbox.direct_on(session) {
            let keeps = self.keeper_of(cx.now.at, key).is_some();
            self.timers.clear(&Timer::Message(key));
            self.journal.note(key, cx.now, What::SessionLost);
            self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            if let Some(message) = self.outbox.get_mut(key) {
                message.unknown_since = None;
                message.direct_tries = message.direct_tries.saturating_add(1);
                if message.direct_tries >= DIRECT_TRIES_MAX && !keeps {
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
                    Stage::Direct { again: Some(_), .. }
                        | Stage::Depositing { .. }
                        | Stage::Marking
                        | Stage::Conflicted
                )
            })
            .map(|(key, _)| key)
            .collect();
        for key in late {
            self.tell_one_waiting(cx, key);
        }
        // Also of what was about to go, and could not for want of a commit.
        let all = self.link.offline() || self.out.is_clogged();
        for to in self.outbox.names() {
            if all || self.is_held_up(&to) {
                self.tell_waiting(cx, &to);
            }
        }
        self.refuse_early();
        self.give_up_questions();
    }

    /// Says of a conversation's queued messages that they wait, once each.
    pub(super) fn tell_waiting(&mut self, cx: &Context<'_>, to: &str) {
        for key in self.outbox.going(to) {
            self.tell_one_waiting(cx, key);
        }
    }

    /// Says of a message that it waits, unless that was told before.
    pub(super) fn tell_one_waiting(&mut self, cx: &Context<'_>, key: Key) {
        let message = self.outbox.get(key);
        let begins = message.is_some_and(|message| !message.waits && message.stage == Stage::Queued);
        let told = self.outbox.tell_waiting(key, cx.now.at);
        if begins || told.is_some() {
            self.journal.note(key, cx.now, What::Waits);
        }
        if let Some((slot, to)) = told {
            let event = match to {
                To::Peer(to) => Event::Waiting { to },
                To::Room(Hall { name: room, .. }) => Event::Room(RoomEvent::Waiting { room }),
                To::At(address) => self.waiting_at(address),
            };
            self.tell_of(slot, event);
        }
    }
}
