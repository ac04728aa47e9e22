//! Ends without delivery, and a registry that has lost what it kept.
//!
//! An end is told only when it is committed, because until then a crash would undo it. Who says it is `answers`'
//! and `acceptance`'s business.
//! Invariants: an end is committed once; what had been sealed is remembered, for a receipt may come all the same.

use super::committed::After;
use super::outbox::{Outgoing, Stage};
use super::storage::{Ended, Finish, Key, Reach, Request, State};
use super::{Client, Timer};
use crate::client::interface::{Event, Refusal, What};
use crate::engine::Context;
use crate::id::Slot;

impl Client {
    /// Its lifetime has passed.
    pub(super) fn expired(&mut self, cx: &Context<'_>, key: Key, acknowledge: Option<Slot>) {
        if let Some(message) = self.outbox.get(key) {
            let to = message.to.key();
            let event = self.end_event(message.to.clone(), message.sent_at, Finish::Expired);
            self.begin_end(cx, key, Finish::Expired, event, acknowledge);
            self.follow_on(cx, &to);
        }
    }

    /// Nobody in the room waits for it any more: so many have it.
    pub(super) fn reached(&mut self, cx: &Context<'_>, key: Key, reach: Reach, acknowledge: Slot) {
        if let Some(message) = self.outbox.get(key) {
            let to = message.to.key();
            let end = if reach.received == reach.of {
                Finish::Delivered
            } else {
                Finish::Reached(reach)
            };
            let event = self.end_event(message.to.clone(), message.sent_at, end);
            self.begin_end(cx, key, end, event, Some(acknowledge));
            self.follow_on(cx, &to);
        }
    }

    /// Somebody has said no for good.
    pub(super) fn refuse(&mut self, cx: &Context<'_>, key: Key, reason: Refusal, acknowledge: Option<Slot>) {
        if let Some(to) = self.outbox.get(key).map(|message| message.to.key()) {
            self.begin_refusal(cx, key, reason, acknowledge);
            self.follow_on(cx, &to);
        }
    }

    /// Refuses all that waits for a name.
    pub(super) fn refuse_all(&mut self, cx: &Context<'_>, to: &str, reason: Refusal) {
        let open: Vec<Key> = self
            .outbox
            .conversation(to)
            .map(|conversation| conversation.queue.iter().copied().collect())
            .unwrap_or_default();
        for key in open {
            self.begin_refusal(cx, key, reason, None);
        }
        self.follow_on(cx, to);
    }

    fn begin_refusal(&mut self, cx: &Context<'_>, key: Key, reason: Refusal, acknowledge: Option<Slot>) {
        if let Some(message) = self.outbox.get(key) {
            let event = self.end_event(message.to.clone(), message.sent_at, Finish::Refused(reason));
            self.begin_end(cx, key, Finish::Refused(reason), event, acknowledge);
        }
    }

    /// What waited for those that end now goes on.
    fn follow_on(&mut self, cx: &Context<'_>, to: &str) {
        self.gathered(cx, to);
        self.pump(cx, to);
    }

    /// Commits an end; it is told once that is done.
    fn begin_end(
        &mut self,
        cx: &Context<'_>,
        key: Key,
        end: Finish,
        event: Event,
        acknowledge: Option<Slot>,
    ) {
        let Some(message) = self.outbox.get(key) else {
            return;
        };
        if message.stage == Stage::Ending {
            return;
        }
        let sealed = if message.transmitted {
            self.sealed(key)
        } else {
            None
        };
        self.timers.clear(&Timer::Message(key));
        self.outbox.set_stage(key, Stage::Ending, cx.now.at);
        self.finish(
            cx,
            key,
            end,
            sealed,
            After::Ended {
                key,
                end,
                event,
                acknowledge,
            },
        );
    }

    /// The end is committed.
    pub(super) fn ended(&mut self, cx: &Context<'_>, key: Key, end: Finish, event: Event) {
        let Some(message) = self.outbox.remove(key) else {
            // It was delivered meanwhile.
            return;
        };
        self.journal.note(key, cx.now, What::Ended(end));
        self.journal.end(key);
        self.inquiries.answered(key);
        self.plan_sweep(cx.now.at);
        if let (Some(hash), Some(recipient)) = (message.hash, message.recipient) {
            self.outbox.remember_ended(Ended {
                key,
                to: message.to.clone(),
                slot: message.slot,
                sent_at: message.sent_at,
                hash,
                recipient,
            });
        }
        self.tell_state(event, (key, message.slot), State::Ended(end));
        self.pump(cx, &message.to.key());
    }

    /// The program ends, and the disk has not taken these ends: until it does so in a later run, they wait.
    pub(super) fn tell_unended(&mut self, cx: &Context<'_>) {
        let unended = |(key, message): (Key, &Outgoing)| (message.stage == Stage::Ending).then_some(key);
        let unended: Vec<Key> = self.outbox.iter().filter_map(unended).collect();
        for key in unended {
            self.tell_one_waiting(cx, key);
        }
    }

    /// The registry's database is another one, or there is another copy of our own: what was kept waits again, once that
    /// is committed.
    pub(super) fn store_changed(&mut self, store_id: [u8; 16]) {
        let kept = |(key, message): (Key, &Outgoing)| (message.stage == Stage::Stored).then_some(key);
        let kept = self.outbox.iter().filter_map(kept).collect();
        self.posts.know_nothing();
        self.out
            .store_surely(Request::StoreId(store_id), After::StoreChanged { kept });
    }

    /// There is another copy of this identity: what was kept may have ended, and that been told to the other.
    pub(super) fn kept_is_doubtful(&mut self) {
        if let Some(store_id) = self.link.store_id {
            self.store_changed(store_id);
        }
    }

    /// What was kept, and may not be any more, waits again.
    pub(super) fn stranded(&mut self, cx: &Context<'_>, kept: &[Key]) {
        // That it was kept may have been asked for before, and have failed.
        self.out
            .forget_failed(|request| matches!(request, Request::Stored { .. }));
        let mut stranded = Vec::new();
        for &key in kept {
            if let Some(message) = self.outbox.get_mut(key)
                && message.stage == Stage::Stored
            {
                message.stored = false;
                message.to_registry = true;
                stranded.push((key, message.slot));
                self.outbox.set_stage(key, Stage::Queued, cx.now.at);
                self.journal.note(key, cx.now, What::Stranded);
            }
        }
        self.tell_stranded(&stranded);
        self.pump_all(cx);
    }
}
