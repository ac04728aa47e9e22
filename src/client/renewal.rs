//! New numbers for messages: after a conflict, and when the user trusts another identity.
//!
//! A conflict says that the recipient (or the registry) has another message under the number: our database is an
//! older copy. What conflicted, and what comes after it and was never sent under its number, goes out under a new
//! epoch. What may have arrived under its number keeps it, or it might be shown twice.
//! Invariants: nothing is sent to a name while numbers of its messages change; new ones are asked for once at a time,
//! or a message would go out under two; order is kept among what is renumbered.

use std::collections::BTreeMap;

use super::committed::After;
use super::outbox::{Outgoing, Stage};
use super::{Client, Timer};
use crate::client::interface::{ContactEvent, Event, NotAccepted, What};
use crate::client::storage::{Key, Renumber, Request};
use crate::client::to::To;
use crate::engine::Context;
use crate::id::Slot;
use crate::identity::Card;
use crate::limits::DIRECT_BUDGET;
use crate::wire::room::Hall;

/// Names whose messages get new numbers: at most one for each conversation, and each of the user's words.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    /// By folded name.
    under_way: BTreeMap<String, Renewal>,
}

/// Conflicts are gathered, or the store is asked.
#[derive(Debug, Default)]
struct Renewal {
    /// The store is asked, and again after a failure.
    asked: bool,
    /// Whom the user has trusted meanwhile: that is asked next.
    trusts: Option<(To, Card)>,
}

impl Renewals {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether numbers of messages to this name change.
    pub(super) fn has(&self, to: &str) -> bool {
        self.under_way.contains_key(to)
    }

    fn asked(&self, to: &str) -> bool {
        self.under_way.get(to).is_some_and(|renewal| renewal.asked)
    }

    fn begin(&mut self, to: &str) -> &mut Renewal {
        self.under_way.entry(to.to_owned()).or_default()
    }
}

impl Client {
    /// Somebody has another message under this one's number.
    pub(super) fn conflict(&mut self, cx: &Context<'_>, key: Key) {
        let Some(message) = self.outbox.get(key) else {
            return;
        };
        if matches!(message.stage, Stage::Conflicted | Stage::Ending) {
            return;
        }
        let to = message.to.key();
        tracing::debug!(slot = ?message.slot, "number taken by another message");
        self.timers.clear(&Timer::Message(key));
        self.outbox.set_stage(key, Stage::Conflicted, cx.now.at);
        self.renewals.begin(&to);
        // What is under way will most likely conflict too: it is gathered, so that the order stays.
        self.timers
            .set_by(Timer::Renewal(to.clone()), cx.now.at + DIRECT_BUDGET);
        self.gathered(cx, &to);
    }

    /// Renews at once when nothing of the conversation is under way any more.
    pub(super) fn gathered(&mut self, cx: &Context<'_>, to: &str) {
        if !self.renewals.has(to) {
            return;
        }
        let waiting = self.timers.at(&Timer::Renewal(to.to_owned())).is_some();
        let quiet = self.outbox.conversation(to).is_none_or(|conversation| {
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

    /// Asks the store for new numbers; if it is being asked, once it has answered.
    pub(super) fn renew(&mut self, cx: &Context<'_>, to: &str) {
        self.timers.clear(&Timer::Renewal(to.to_owned()));
        if self.renewals.asked(to) {
            return;
        }
        let Some((name, keys)) = self.conflicted(to) else {
            // It was delivered after all.
            self.renewals.under_way.remove(to);
            self.pump(cx, to);
            return;
        };
        let request = Renumber {
            to: name,
            keys,
            fresh: self.fresh_epoch(),
            trust: None,
        };
        self.renewals.begin(to).asked = true;
        self.out.store_surely(
            Request::Renumber(request),
            After::Renumbered { to: to.to_owned() },
        );
    }

    /// What of a conversation gets new numbers after a conflict; `None` if there is none.
    fn conflicted(&self, to: &str) -> Option<(To, Vec<Key>)> {
        let conversation = self.outbox.conversation(to)?;
        let conflicted = |message: &Outgoing| message.stage == Stage::Conflicted;
        let first = conversation
            .open
            .iter()
            .find(|key| self.outbox.get(**key).is_some_and(conflicted))?;
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
        Some((conversation.to.clone(), keys))
    }

    /// The new numbers are committed. What came up meanwhile has its turn, then all is sent.
    pub(super) fn renumbered(&mut self, cx: &Context<'_>, to: &str, slots: &[(Key, Slot)]) {
        self.take_numbers(cx, slots);
        let renewal = self.renewals.begin(to);
        renewal.asked = false;
        if let Some((to, card)) = renewal.trusts.take() {
            self.ask_trust(to, card);
        }
        if self.timers.at(&Timer::Renewal(to.to_owned())).is_some() {
            self.gathered(cx, to);
        } else {
            self.renew(cx, to);
        }
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
                let (to, was) = (message.to.clone(), message.slot);
                self.acknowledge(cx, told);
                self.tell_renumbered(to, was, slot);
                self.outbox.renumber(key, slot);
                self.journal.note(key, cx.now, What::Renumbered);
                self.outbox.set_stage(key, Stage::Queued, cx.now.at);
            }
        }
        self.plan_sweep(cx.now.at);
    }

    /// The user takes this identity for a name, or an address.
    pub(super) fn ask_trust(&mut self, to: To, card: Card) {
        let key = to.key();
        if self.renewals.asked(&key) {
            self.renewals.begin(&key).trusts = Some((to, card));
            return;
        }
        if self.directory.is_settled(&key, card.id) {
            self.out.event(Event::NotAccepted(NotAccepted::NoChange));
            return;
        }
        let request = Renumber {
            to: to.clone(),
            keys: self.readdressed(&key),
            fresh: self.fresh_epoch(),
            trust: Some(card),
        };
        self.renewals.begin(&key).asked = true;
        self.out
            .store_surely(Request::Renumber(request), After::Trusted { to, card });
    }

    /// What is addressed anew when a name changes hands: all that the registry cannot have.
    fn readdressed(&self, to: &str) -> Vec<Key> {
        let open = self
            .outbox
            .conversation(to)
            .map(|conversation| &conversation.open);
        open.into_iter()
            .flatten()
            .filter(|key| {
                self.outbox.get(**key).is_some_and(|message| {
                    !message.deposited && !matches!(message.stage, Stage::Marking | Stage::Ending)
                })
            })
            .copied()
            .collect()
    }

    pub(super) fn trusted(&mut self, cx: &Context<'_>, to: &To, card: Card, slots: &[(Key, Slot)]) {
        self.acquaintances.forget(&to.key());
        match to {
            To::Peer(name) | To::Room(Hall { name, .. }) => {
                self.directory.trust(name, card);
                self.out.event(Event::Trusted { name: name.clone() });
            }
            To::At(address) => {
                self.contacts.trust(*address, card);
                let who = self.contacts.contact(*address);
                self.out.event(Event::Contact(ContactEvent::Trusted { who }));
            }
        }
        self.tell_names();
        self.renumbered(cx, &to.key(), slots);
        self.judge_strangers(cx, &to.key());
    }
}
