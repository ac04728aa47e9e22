//! Whom the user does not want to hear: nothing of what they write is shown (PROTOCOL §9.3).
//!
//! A message from one of them is neither committed nor receipted: he himself hears nothing, and the registry that it is to come
//! again. So it waits, with him or with the registry, until its time is over or the user wants to hear him, and its state is
//! true. What he posts to a room is committed, for what follows in the log comes after it, and not shown.
//! Invariants: who is blocked is an identity, whatever it is called; nothing of his is told, and he is not told that.

use std::collections::BTreeMap;

use super::Client;
use super::committed::After;
use super::incoming::Source;
use crate::client::interface::{Blocked, Event, NotAccepted, Partner, PeopleCommand, PeopleEvent, Whose};
use crate::client::storage::Request;
use crate::clock::WallTime;
use crate::engine::Context;
use crate::id::{IdentityId, MessageId, Name};
use crate::limits::BLOCKED_MAX;
use crate::wire::message::BusyReason;

/// "Later": as late as the registry lets a message be.
const RETRY_BLOCKED_MS: u32 = 300_000;

/// Those who are blocked.
#[derive(Debug, Default)]
pub(super) struct BlockList {
    people: BTreeMap<IdentityId, Blocked>,
}

impl BlockList {
    pub(super) fn load(blocked: Vec<Blocked>) -> Self {
        Self {
            people: blocked.into_iter().map(|blocked| (blocked.id, blocked)).collect(),
        }
    }

    /// In the order in which they were.
    fn all(&self) -> Vec<Blocked> {
        let mut all: Vec<Blocked> = self.people.values().cloned().collect();
        all.sort_by_key(|blocked| blocked.at.unix_ms());
        all
    }
}

impl Client {
    /// Whether what this identity writes is not to be shown.
    pub(super) fn blocks(&self, id: IdentityId) -> bool {
        self.block_list.people.contains_key(&id)
    }

    /// A message from somebody who is blocked stays where it is.
    pub(super) fn leave_waiting(&mut self, cx: &Context<'_>, source: Source, id: MessageId) {
        if source.is_registry() {
            let reason = BusyReason::UnknownSender;
            self.put_off_sender(cx, source, id, reason, RETRY_BLOCKED_MS);
        }
    }

    pub(super) fn people_command(&mut self, cx: &Context<'_>, command: PeopleCommand) {
        match command {
            PeopleCommand::Verify { who, fingerprint } => self.verify(&who, fingerprint),
            PeopleCommand::Block(partner) => self.block(cx.now.wall, &partner),
            PeopleCommand::Unblock(partner) => self.unblock(&partner),
            PeopleCommand::Blocked => {
                let all = self.block_list.all();
                self.out.event(Event::People(PeopleEvent::All(all)));
            }
        }
    }

    fn block(&mut self, at: WallTime, partner: &Partner) {
        let Some((id, name)) = self.unwanted(partner) else {
            self.tell_unknown(partner);
            return;
        };
        if self.blocks(id) {
            self.out.event(Event::NotAccepted(NotAccepted::NoChange));
        } else if self.block_list.people.len() >= BLOCKED_MAX {
            self.out.event(Event::NotAccepted(NotAccepted::BlockedFull));
        } else {
            let blocked = Blocked { id, name, at };
            self.out
                .store_surely(Request::Block(blocked.clone()), After::Blocked(blocked));
        }
    }

    /// Who is not to be heard: whoever is known by that name, or has posted under it.
    fn unwanted(&self, partner: &Partner) -> Option<(IdentityId, Name)> {
        match (self.meant(partner), partner) {
            (Some(meant), _) => {
                let name = match meant.whose {
                    Whose::Person(name) | Whose::Listed(name) => name,
                    Whose::Contact(contact) => contact.name?,
                    Whose::Own => return None,
                };
                Some((meant.card.id, name))
            }
            (None, Partner::Person(name)) => Some((self.posts.author(name)?, name.clone())),
            (None, Partner::At(_) | Partner::Room(_)) => None,
        }
    }

    /// It is committed.
    pub(super) fn blocked(&mut self, blocked: Blocked) {
        let name = blocked.name.clone();
        self.block_list.people.insert(blocked.id, blocked);
        self.out.event(Event::People(PeopleEvent::Blocked { name }));
    }

    /// By the name that he has, or had when he was blocked: several may have had it, one after the other.
    fn unblock(&mut self, partner: &Partner) {
        let meant = self.meant(partner).map(|meant| meant.card.id);
        let is_meant = |blocked: &&Blocked| {
            let was = matches!(partner, Partner::Person(name) if name.matches(&blocked.name));
            was || Some(blocked.id) == meant
        };
        let theirs: Vec<Blocked> = self
            .block_list
            .people
            .values()
            .filter(is_meant)
            .cloned()
            .collect();
        if theirs.is_empty() {
            self.out.event(Event::NotAccepted(NotAccepted::NoChange));
        }
        for Blocked { id, name, .. } in theirs {
            self.out
                .store_surely(Request::Unblock(id), After::Unblocked { id, name });
        }
    }

    /// It is committed.
    pub(super) fn unblocked(&mut self, id: IdentityId, name: Name) {
        self.block_list.people.remove(&id);
        self.out.event(Event::People(PeopleEvent::Unblocked { name }));
    }
}
