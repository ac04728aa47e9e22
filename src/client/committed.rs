//! What is done once the store has answered.
//!
//! Each part of the client asks the store itself, and says with it how to go on; here it is called.
//! Invariant: nothing is gone on with before it is committed, and what failed is told once.

use std::net::SocketAddr;

use super::acceptance::Accepting;
use super::incoming::Inbound;
use super::posts::Posted;
use super::stalling::Lack;
use super::storage::{Finish, Key, Reply, Told};
use super::{Client, Timer};
use crate::client::interface::{Blocked, Event, NotAccepted, Partner, Place, Subject, Which, Whose};
use crate::client::to::To;
use crate::engine::{Context, StoreFault};
use crate::id::{IdentityId, Name, Slot};
use crate::identity::Card;
use crate::limits::REQUEST_RETRY;

/// What is done once the store has answered.
#[derive(Debug)]
pub(super) enum After {
    Nothing,
    UseRegistry,
    Counter(u64),
    StoreChanged {
        /// What the old one kept.
        kept: Vec<Key>,
    },
    Directory,
    Pinned {
        name: Name,
        card: Card,
    },
    Met {
        address: SocketAddr,
        /// What he was called, if he was known before.
        was: Option<Name>,
    },
    Accepted(Box<Accepting>),
    Marked {
        key: Key,
        slot: Slot,
        card: Option<Card>,
    },
    Delivered {
        key: Key,
        slot: Slot,
        acknowledge: Option<Slot>,
    },
    Ended {
        key: Key,
        end: Finish,
        event: Event,
        acknowledge: Option<Slot>,
    },
    Renumbered {
        to: String,
    },
    Trusted {
        to: To,
        card: Card,
    },
    Verified {
        whose: Whose,
        of: Vec<To>,
        card: Card,
    },
    Blocked(Blocked),
    Unblocked {
        id: IdentityId,
        name: Name,
    },
    Received(Box<Inbound>),
    Posted(Box<Posted>),
    Told(Vec<Told>),
    Recalled {
        subject: Subject,
        before: Option<Place>,
    },
    Traced(Which),
    Forgotten {
        with: Partner,
        /// How many texts so far.
        removed: u64,
    },
    Thinned,
}

impl Client {
    pub(super) fn store_failed(&mut self, cx: &Context<'_>, after: Option<After>, fault: &StoreFault) {
        match after {
            Some(After::Accepted(accepting)) => {
                self.accepting_over(&accepting);
                self.not_accepted(accepting.tag, NotAccepted::Storage(fault.to_string()));
                return;
            }
            Some(After::Received(inbound)) => self.not_received(cx, &inbound),
            Some(After::Posted(posted)) => self.post_not_received(cx, &posted),
            Some(After::Told(lines)) => self.marks_not_written(cx, lines),
            // Whoever has asked is told so, each time.
            Some(after @ (After::Recalled { .. } | After::Traced(_) | After::Forgotten { .. })) => {
                self.not_answered(after, format!("what is kept could not be reached: {fault}"));
                return;
            }
            Some(After::Thinned) => {
                self.not_thinned(cx, fault);
                return;
            }
            Some(After::Directory) => {
                self.directory.not_stored();
                self.timers.set_by(Timer::Table, cx.now.at + REQUEST_RETRY);
            }
            Some(_) | None => {
                self.timers.set_by(Timer::Store, cx.now.at + REQUEST_RETRY);
                if !self.link.may_register() && !self.link.put_off {
                    self.registration_waits(cx);
                }
            }
        }
        if !self.in_trouble {
            self.in_trouble = true;
            self.out.event(Event::Trouble(fault.to_string()));
        }
    }

    pub(super) fn stored(&mut self, cx: &Context<'_>, after: After, reply: Reply) {
        self.in_trouble = false;
        match (after, reply) {
            (After::UseRegistry, _) => self.registry_pinned(cx),
            (After::Counter(counter), _) => self.counted(cx, counter),
            (After::StoreChanged { kept }, _) => self.stranded(cx, &kept),
            (After::Pinned { name, card }, _) => self.pinned(cx, &name, card),
            (After::Met { address, was }, _) => self.met(cx, address, was),
            (After::Accepted(accepting), Reply::Accepted { key, slot }) => {
                self.accepted(cx, *accepting, key, slot);
            }
            (After::Marked { key, slot, card }, _) => self.marked(cx, key, slot, card),
            (
                After::Delivered {
                    key,
                    slot,
                    acknowledge,
                },
                _,
            ) => self.delivery_committed(cx, key, (slot, acknowledge)),
            (
                After::Ended {
                    key,
                    end,
                    event,
                    acknowledge,
                },
                _,
            ) => {
                self.ended(cx, key, end, event);
                self.acknowledge(cx, acknowledge);
            }
            (After::Renumbered { to }, Reply::Renumbered(slots)) => self.renumbered(cx, &to, &slots),
            (After::Trusted { to, card }, Reply::Renumbered(slots)) => {
                self.trusted(cx, &to, card, &slots);
            }
            (After::Verified { whose, of, card }, Reply::Verified(is_kept)) => {
                self.verified(whose, &of, card, is_kept);
            }
            (After::Blocked(blocked), _) => self.blocked(blocked),
            (After::Unblocked { id, name }, _) => self.unblocked(id, name),
            (After::Received(inbound), Reply::Received(received)) => self.received(cx, *inbound, received),
            (After::Posted(posted), Reply::Received(received)) => self.post_received(cx, *posted, received),
            (After::Told(lines), _) => self.marks_written(cx, &lines),
            (After::Recalled { subject, before }, Reply::Recalled(page)) => {
                self.recalled(subject, before, page)
            }
            (After::Traced(which), Reply::Recalled(page)) => self.traced(cx, which, page),
            (After::Forgotten { with, removed }, Reply::Removed(more)) => self.forgotten(with, removed, more),
            (After::Thinned, Reply::Removed(removed)) => self.thinned(cx, removed),
            (After::Nothing | After::Directory, _) => {}
            (after, reply) => tracing::error!(?after, ?reply, "the store answered something else"),
        }
        if self.out.takes_again() {
            self.serve(cx, Lack::Disk);
        }
    }
}
