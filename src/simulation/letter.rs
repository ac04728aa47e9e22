//! One message of a simulated world, as all four databases together have it.
//!
//! Decides nothing.
//! Invariant: filled from what was committed, never from what was told.

use std::time::Duration;

use crate::client::storage::Key;
use crate::clock::Instant;
use crate::id::Slot;

/// The state in its sender's outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Waiting,
    Stored,
    Delivered,
    Refused,
    Expired,
}

impl State {
    pub(super) const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Refused | Self::Expired)
    }

    /// Whether a message may go from here to `next`; a late receipt beats every other end.
    pub(super) const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting => true,
            Self::Stored => !matches!(next, Self::Waiting),
            Self::Delivered => matches!(next, Self::Delivered),
            Self::Refused => matches!(next, Self::Refused | Self::Delivered),
            Self::Expired => matches!(next, Self::Expired | Self::Delivered),
        }
    }
}

/// Where it is at the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mail {
    /// Nothing is known of it there.
    Never,
    /// It waits for its recipient.
    Waiting,
    /// It has become the notice of its end.
    Ended,
    /// The notice was forgotten, or the message withdrawn.
    Gone,
}

/// In its recipient's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) at: Instant,
    /// Whether it came out of the mailbox.
    pub(super) stored: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: String,
    /// When it was accepted, under which key; `None`: it was not.
    pub(super) accepted: Option<(Instant, Key)>,
    pub(super) slot: Option<Slot>,
    pub(super) lives: Duration,
    pub(super) state: State,
    pub(super) mail: Mail,
    pub(super) inbox: Option<Arrived>,
    /// In which run of the recipient's program its line was last written.
    pub(super) shown_in: Option<u32>,
    /// Whether that is on his disk.
    pub(super) marked: bool,
    /// Whether its sender has seen that it has ended.
    pub(super) told_end: bool,
}

impl Letter {
    /// How long it took to reach the inbox.
    pub(super) fn took(&self) -> Option<Duration> {
        let (accepted, _) = self.accepted?;
        Some(self.inbox?.at.since(accepted))
    }
}
