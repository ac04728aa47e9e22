//! New numbers for messages: after a conflict, and when the user trusts another identity.
//!
//! A conflict says that the recipient (or the registry) has another message under the number: our database is an
//! older copy. What conflicted, and what comes after it and was never sent under its number, goes out under a new
//! epoch. What may have arrived under its number keeps it, or it might be shown twice.
//! Invariants: nothing of a conversation is sent while its numbers change; order is kept among what is renumbered.

use super::outbox::{Outgoing, Stage};
use super::{After, Client, Timer};
use crate::client::interface::Event;
use crate::client::storage::{Key, Renumber, Request};
use crate::engine::Context;
use crate::id::{Name, Slot};
use crate::identity::Card;
use crate::limits::DIRECT_BUDGET;

impl Client {
    /// Somebody has another message under this one's number.
    pub(super) fn conflict(&mut self, cx: &Context<'_>, key: Key) {
        let Some(message) = self.outbox.get(key) else {
            return;
        };
        if matches!(message.stage, Stage::Conflicted | Stage::Ending) {
            return;
        }
        let to = message.name.folded();
        tracing::debug!(slot = ?message.slot, "number taken by another message");
        self.timers.clear(&Timer::Message(key));
        self.outbox.set_stage(key, Stage::Conflicted, cx.now.at);
        if let Some(conversation) = self.outbox.conversation_mut(&to) {
            conversation.renewing = true;
        }
        // What is under way will most likely conflict too: it is gathered, so that the order stays.
        self.timers
            .set_by(Timer::Renewal(to.clone()), cx.now.at + DIRECT_BUDGET);
        self.gathered(cx, &to);
    }

    /// Renews at once when nothing of the conversation is under way any more.
    pub(super) fn gathered(&mut self, cx: &Context<'_>, to: &str) {
        let waiting = self.timers.at(&Timer::Renewal(to.to_owned())).is_some();
        let quiet = self.outbox.conversation(to).is_some_and(|conversation| {
            conversation.direct == 0
                && !conversation.parked.iter().any(|key| {
                    self.outbox
                        .get(*key)
                        .is_some_and(|message| message.stage != Stage::Stored)
                })
        });
        if waiting && quiet {
            self.renew(cx, to);
        }
    }

    /// Asks the store for new numbers.
    pub(super) fn renew(&mut self, cx: &Context<'_>, to: &str) {
        self.timers.clear(&Timer::Renewal(to.to_owned()));
        let Some(conversation) = self.outbox.conversation_mut(to) else {
            return;
        };
        conversation.renewing = false;
        let Some(conversation) = self.outbox.conversation(to) else {
            return;
        };
        let conflicted = |message: &Outgoing| message.stage == Stage::Conflicted;
        let first = conversation
            .open
            .iter()
            .find(|key| self.outbox.get(**key).is_some_and(conflicted));
        let Some(&first) = first else {
            // It was delivered after all.
            self.pump(cx, to);
            return;
        };
        let keys = conversation
            .open
            .range(first..)
            .filter(|key| {
                self.outbox.get(**key).is_some_and(|message| {
                    conflicted(message) || (message.stage == Stage::Queued && !message.transmitted)
                })
            })
            .copied()
            .collect();
        let name = conversation.name.clone();
        let request = Renumber {
            to: name,
            keys,
            fresh: self.fresh_epoch(),
            trust: None,
        };
        if let Some(conversation) = self.outbox.conversation_mut(to) {
            conversation.renewing = true;
        }
        self.out.store_surely(
            Request::Renumber(request),
            After::Renumbered { to: to.to_owned() },
        );
    }

    pub(super) fn renumbered(&mut self, cx: &Context<'_>, to: &str, slots: &[(Key, Slot)]) {
        self.take_numbers(cx, slots);
        if let Some(conversation) = self.outbox.conversation_mut(to) {
            conversation.renewing = self.timers.at(&Timer::Renewal(to.to_owned())).is_some();
        }
        self.pump(cx, to);
    }

    fn take_numbers(&mut self, cx: &Context<'_>, slots: &[(Key, Slot)]) {
        // All old numbers go before the first new one comes.
        for &(key, slot) in slots {
            self.timers.clear(&Timer::Message(key));
            // What has ended since it was asked for needs no number any more.
            if let Some(message) = self.outbox.get(key)
                && message.stage != Stage::Ending
            {
                // A stored one conflicted by an outcome, which need not be told any more.
                let told = message.stored.then_some(message.slot);
                self.acknowledge(cx, told);
                self.outbox.renumber(key, slot);
                self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            }
        }
        self.plan_sweep(cx.now.at);
    }

    /// What is addressed anew when a name changes hands: all that the registry cannot have.
    pub(super) fn readdressed(&mut self, to: &str) -> Vec<Key> {
        let Some(conversation) = self.outbox.conversation_mut(to) else {
            return Vec::new();
        };
        conversation.renewing = true;
        let open: Vec<Key> = conversation.open.iter().copied().collect();
        open.into_iter()
            .filter(|key| {
                self.outbox.get(*key).is_some_and(|message| {
                    !message.deposited && !matches!(message.stage, Stage::Marking | Stage::Ending)
                })
            })
            .collect()
    }

    pub(super) fn trusted(&mut self, cx: &Context<'_>, name: &Name, card: Card, slots: &[(Key, Slot)]) {
        self.directory.trust(name, card);
        self.out.event(Event::Trusted { name: name.clone() });
        self.renumbered(cx, &name.folded(), slots);
        self.judge_strangers(cx, &name.folded());
    }
}
