//! One message of a simulated world, as all four databases together have it, and when each of them came to have it so.
//!
//! Decides nothing.
//! Invariant: filled from what was committed; what was told stands apart, to be held against it.

use std::time::Duration;

use crate::client::Receipts;
use crate::client::interface::Refusal;
use crate::client::storage::{self as client, Finish, Key};
use crate::clock::{Instant, WallTime};
use crate::id::Slot;
use crate::wire::envelope::Verdict as Answered;
use crate::wire::message::DepositRefusal;

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

impl From<Finish> for State {
    fn from(end: Finish) -> Self {
        match end {
            Finish::Delivered => Self::Delivered,
            Finish::Refused(_) => Self::Refused,
            Finish::Expired | Finish::Reached(_) => Self::Expired,
        }
    }
}

impl From<client::State> for State {
    fn from(state: client::State) -> Self {
        match state {
            client::State::Waiting => Self::Waiting,
            client::State::Stored => Self::Stored,
            client::State::Ended(end) => end.into(),
        }
    }
}

/// In its recipient's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) at: Instant,
    /// Whether it came out of the mailbox.
    pub(super) stored: bool,
}

/// A line on its recipient's screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) at: Instant,
    /// In which run of his program.
    pub(super) run: u32,
    /// Under which number.
    pub(super) slot: Slot,
}

/// A time in which a registry's database had it under its number, as far as its sender could know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) since: Instant,
    /// `None`: he has not heard otherwise.
    pub(super) until: Option<Instant>,
    /// Which database.
    pub(super) store_id: [u8; 16],
}

impl Stay {
    /// From now on.
    pub(super) const fn new(since: Instant, store_id: [u8; 16]) -> Self {
        Self {
            since,
            until: None,
            store_id,
        }
    }

    fn covers(&self, at: Instant) -> bool {
        self.since <= at && self.until.is_none_or(|until| at <= until)
    }

    /// It is over, if it is not already.
    pub(super) fn end(&mut self, at: Instant) {
        self.until.get_or_insert(at);
    }
}

/// What its sender was told last, and has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) state: State,
    /// When it was told, not when it was marked.
    pub(super) at: Instant,
    pub(super) run: u32,
}

/// What a sender's folder knows of a message that he wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// All that it ever knew.
    Whole,
    /// What it knew when a copy was made: what came after that it has forgotten.
    Older,
    /// Nothing: the copy is older than the message.
    None,
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: String,
    /// When it was typed: its lifetime begins.
    pub(super) written: Instant,
    /// When it was accepted, under which key; `None`: it was not.
    pub(super) accepted: Option<(Instant, Key)>,
    /// The time that its sender's clock gave it.
    pub(super) sent_at: Option<WallTime>,
    pub(super) slot: Option<Slot>,
    pub(super) lives: Duration,
    pub(super) state: State,
    /// The ends that its sender has recorded, when, and in which run of his program.
    pub(super) ends: Vec<(State, Instant, u32)>,
    /// Why it was refused, as its sender has recorded it.
    pub(super) refusals: Vec<Refusal>,
    /// When it had been stored and waited again.
    pub(super) stranded: Vec<Instant>,
    /// Whether its sender has recorded that the registry may have it.
    pub(super) given: bool,
    /// When the registry had it.
    pub(super) kept: Vec<Stay>,
    /// Whether a registry's database has recorded that it expired under its number.
    pub(super) expired_there: bool,
    /// For want of what the registry had no room for it.
    pub(super) no_room: Vec<DepositRefusal>,
    /// What its recipient's database has said of it, but for that it was received.
    pub(super) declined: Vec<Answered>,
    /// When it first came into its recipient's inbox.
    pub(super) inbox: Option<Arrived>,
    /// How it stands there now: not at all if his folder is an older copy, and later if it came again.
    pub(super) stands: Option<Arrived>,
    /// What became of what its sender knows of it, if his folder is an older copy.
    pub(super) memory: Memory,
    /// When its line was last written.
    pub(super) shown: Option<Shown>,
    /// Whether that is on his disk.
    pub(super) marked: bool,
    pub(super) told: Option<Told>,
}

impl Letter {
    /// What somebody has typed.
    pub(super) const fn new(
        (from, to): (usize, usize),
        text: String,
        written: Instant,
        lives: Duration,
    ) -> Self {
        Self {
            from,
            to,
            text,
            written,
            accepted: None,
            sent_at: None,
            slot: None,
            lives,
            state: State::Waiting,
            ends: Vec::new(),
            refusals: Vec::new(),
            stranded: Vec::new(),
            given: false,
            kept: Vec::new(),
            expired_there: false,
            no_room: Vec::new(),
            declined: Vec::new(),
            inbox: None,
            stands: None,
            memory: Memory::Whole,
            shown: None,
            marked: false,
            told: None,
        }
    }

    /// Whether its sender's folder has it.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.is_some() && self.memory != Memory::None
    }

    /// Whether its sender's folder has never been another one.
    pub(super) fn is_remembered(&self) -> bool {
        self.memory == Memory::Whole
    }

    /// Its sender's folder is again what a copy has, in which the message was so, if it was there at all.
    pub(super) fn forgets(&mut self, copy: Option<&Self>) {
        match copy.filter(|copy| copy.is_accepted()) {
            None if self.accepted.is_some() => self.memory = Memory::None,
            None => {}
            Some(copy) => {
                self.memory = Memory::Older;
                self.slot = copy.slot;
                self.state = copy.state;
                self.ends.clone_from(&copy.ends);
                self.given = copy.given;
                // It has not heard of what was kept since, nor of what was lost.
                self.kept.clone_from(&copy.kept);
                self.told = copy.told;
            }
        }
    }

    /// The same of its recipient's.
    pub(super) fn falls_out(&mut self, copy: Option<&Self>) {
        self.stands = copy.and_then(|copy| copy.stands);
        self.marked = copy.is_some_and(|copy| copy.marked);
        self.shown = copy.and_then(|copy| copy.shown);
    }

    /// Whether its line stands before what this run of its recipient's program shows next.
    pub(super) fn was_shown(&self, run: u32) -> bool {
        self.marked || self.shown.is_some_and(|shown| shown.run == run)
    }

    /// Whether its recipient may say that he has it: it is in his inbox, and where messages are handled it was. Whether it was
    /// in a folder that is lost is not known: there it may have been.
    pub(super) fn may_be_had(&self, receipts: Receipts) -> bool {
        let handled = self.marked || self.stands.is_none();
        self.inbox.is_some() && (receipts == Receipts::Committed || handled)
    }

    /// How long it took to reach the inbox.
    pub(super) fn took(&self) -> Option<Duration> {
        let (accepted, _) = self.accepted?;
        Some(self.inbox?.at.since(accepted))
    }

    /// Whether a program may say at this moment that it is so. What is known elsewhere may not be known to it yet: it
    /// may say that something is stored that has been delivered since, but not what it has recorded to be over.
    pub(super) fn may_be_said(&self, state: State, at: Instant) -> bool {
        let mut recorded = self.ends.iter().filter(|(_, since, _)| *since <= at);
        match state {
            State::Waiting => self.stranded.iter().any(|since| *since <= at),
            State::Stored => self.kept.iter().any(|stay| stay.covers(at)) && recorded.next().is_none(),
            State::Delivered => self.inbox.is_some_and(|arrived| arrived.at <= at),
            State::Refused | State::Expired => {
                let mut found = false;
                recorded.all(|(end, _, _)| {
                    found |= *end == state;
                    *end != State::Delivered
                }) && found
            }
        }
    }

    /// Whether a registry has ever said that its time is over, or that there is no room for it.
    pub(super) const fn was_ended_there(&self) -> bool {
        self.expired_there || !self.no_room.is_empty()
    }

    /// Whether it had been recorded at that moment that it has ended so.
    pub(super) fn had_ended(&self, state: State, at: Instant) -> bool {
        self.ends
            .iter()
            .any(|(end, since, _)| *end == state && *since <= at)
    }

    /// How often it has waited again since.
    pub(super) fn times_stranded_after(&self, at: Instant) -> usize {
        self.stranded.iter().filter(|stranded| **stranded > at).count()
    }

    /// Whether it waited again between these moments after it had been stored.
    pub(super) fn was_stranded(&self, from: Instant, to: Instant) -> bool {
        self.stranded.iter().any(|at| (from..=to).contains(at))
    }
}
