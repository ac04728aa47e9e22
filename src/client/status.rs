//! What is unfinished, and what each message waits for: the answer to `status`.
//!
//! Reads what the others keep; of posts that the registry has, it is asked who has them, and what it says is told when it
//! comes (`questions`). Invariant: changes nothing of any message.

use super::Client;
use super::declined::Want;
use super::directory::Knowledge;
use super::outbox::{Conversation, Outgoing, Stage};
use super::storage::Key;
use crate::client::interface::{Event, MessageStatus, Standing, Status};
use crate::client::to::To;
use crate::clock::{Instant, WallTime};
use crate::engine::Context;
use crate::id::{Name, Slot};

/// Messages that are told of: more than a person reads, and an event stays small.
const MESSAGES_MAX: usize = 128;
/// Posts of which the registry is asked who has them: one answer after the other, and it answers so many at once.
const POSTS_MAX: usize = 16;

impl Client {
    /// Says what is unfinished.
    pub(super) fn tell_status(&mut self, cx: &Context<'_>) {
        let earlier = self.outbox.len().saturating_sub(MESSAGES_MAX);
        let shown = self.outbox.iter().skip(earlier);
        let messages = shown.map(|(key, message)| MessageStatus {
            number: key.0,
            id: self.named(message.slot),
            to: message.to.clone(),
            sent_at: message.sent_at,
            standing: self.standing(cx.now.at, key, message),
        });
        let messages = messages.collect();
        let early = self.early.len() + self.rooms.early().count() + self.accepting.0;
        self.out.event(Event::Status(Status {
            messages,
            earlier,
            early,
        }));
        // What is being asked is told in a moment.
        if !self.rooms.questions.asks_readers() {
            for (room, slot, sent_at) in self.last_posts() {
                self.ask_readers(cx, room, slot, sent_at);
            }
        }
    }

    /// The last posts that the registry has.
    fn last_posts(&self) -> Vec<(Name, Slot, WallTime)> {
        let posts = self.outbox.iter().filter_map(|(_, message)| match &message.to {
            To::Room(hall) if message.stage == Stage::Stored => {
                Some((hall.name.clone(), message.slot, message.sent_at))
            }
            _ => None,
        });
        let posts: Vec<_> = posts.collect();
        let last = posts.len().saturating_sub(POSTS_MAX);
        posts.into_iter().skip(last).collect()
    }

    /// Where a message is.
    pub(super) fn standing(&self, now: Instant, key: Key, message: &Outgoing) -> Standing {
        match message.stage {
            Stage::Direct { .. } => Standing::Sent,
            Stage::Stored => Standing::Stored,
            Stage::Depositing { .. } if self.deposit_pause.until(now).is_some() => Standing::RegistryDisk,
            Stage::Marking | Stage::Depositing { .. } => Standing::Depositing,
            Stage::Conflicted => Standing::Due,
            Stage::Ending => Standing::Ended,
            Stage::Queued => self.waits_for(now, key, message),
        }
    }

    /// Whether one that was accepted before it is with its recipient, who has not answered.
    fn is_sent_before(&self, there: &Conversation, key: Key) -> bool {
        let is_sent = |earlier: &Key| {
            let message = self.outbox.get(*earlier);
            message.is_some_and(|message| matches!(message.stage, Stage::Direct { .. }))
        };
        there.open.range(..key).any(is_sent)
    }

    /// What a queued message waits for: what lasts longest first.
    fn waits_for(&self, now: Instant, key: Key, message: &Outgoing) -> Standing {
        let to = message.to.key();
        if self.link.offline() || self.is_leaving() {
            return Standing::Offline;
        }
        let is_contested = match message.to.address() {
            Some(address) => self.contacts.shown(address).is_some(),
            None => {
                let knows = self.directory.knows(&to);
                matches!(knows, Knowledge::Contested { .. }) && message.sealed_for().is_none()
            }
        };
        if is_contested {
            return Standing::Untrusted;
        }
        if let Some(declined) = message.declined(now) {
            return match declined.want {
                Want::Name => Standing::NoSuchName,
                Want::Room => Standing::NoRoom,
                Want::Pace => Standing::Slowed,
            };
        }
        let there = self.outbox.conversation(&to);
        let first = there.and_then(|there| there.queue.first());
        let is_for_address = message.to.address().is_some();
        // What was said to wait has a road again with the registry, or once one before it is answered, though it may not be its
        // turn yet.
        if message.waits && there.is_some_and(|there| self.is_sent_before(there, key)) {
            Standing::Behind
        } else if message.waits && (is_for_address || self.link.registered().is_none()) {
            Standing::Unreachable
        } else if message.waits && self.keeper(now).is_none() {
            Standing::RegistryDisk
        } else if now < message.not_before {
            Standing::Slowed
        } else if first.is_some_and(|first| *first < key) {
            Standing::Behind
        } else {
            Standing::Due
        }
    }
}
