//! What the registry asks of its database, what it answers, and what it remembers at the start.
//!
//! The engine decides who may do what and how much; the store decides what is new: it alone knows what was
//! committed. Any engine that fits these two enums can stand behind them.
//! Invariant: every request may be repeated, and a repetition is answered from what the first one left.

use crate::clock::{Age, WallTime};
use crate::id::{EnvelopeHash, Name, Slot};
use crate::identity::Card;
use crate::registry::rooms::storage::{PostEnd, RoomReply, RoomRequest, RoomsImage};
use crate::wire::message::{End, Forward};

/// A registered name and its owner, as the database numbers them. Given by the engine, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

/// A row of mail. Given by the engine, rising: its order is the order of deposits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub u64);

/// What is known of a member for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Its number.
    pub id: MemberId,
    /// The name as its owner first wrote it.
    pub name: Name,
    /// Whose it is.
    pub card: Card,
    /// The highest registration counter seen.
    pub counter: u64,
}

/// Messages and their envelope bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many.
    pub messages: u64,
    /// Envelope bytes.
    pub bytes: u64,
}

impl Usage {
    /// One message of so many bytes.
    pub(crate) const fn one(bytes: u64) -> Self {
        Self { messages: 1, bytes }
    }

    /// Both together.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// What is left without the other.
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Whether it is more than these bounds, in messages or in bytes.
    pub(crate) fn exceeds(self, bounds: Self) -> bool {
        self.messages > bounds.messages || self.bytes > bounds.bytes
    }
}

/// What waits in one mailbox from one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairUsage {
    /// Whose mailbox.
    pub recipient: MemberId,
    /// From whom.
    pub sender: MemberId,
    /// How much.
    pub usage: Usage,
}

/// What a registry starts with.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Random, drawn when the database was made or restored.
    pub store_id: [u8; 16],
    /// All members, by number.
    pub members: Vec<MemberRow>,
    /// Whom members have written to: (writer, to whom), sorted.
    pub contacts: Vec<(MemberId, MemberId)>,
    /// What waits, by recipient and sender.
    pub usage: Vec<PairUsage>,
    /// How many outcomes each sender has not acknowledged, by sender.
    pub outcomes: Vec<(MemberId, u64)>,
    /// Rooms, who is in them, and what was posted there.
    pub rooms: RoomsImage,
    /// The highest row of mail.
    pub last_row: Row,
    /// The earliest end of a row's lifetime.
    pub next_expiry: Option<Age>,
    /// The database's age when it was last recorded …
    pub age: Age,
    /// … and the wall clock then.
    pub saved_at: WallTime,
}

/// What the registry asks.
#[derive(Clone, Debug)]
pub enum Request {
    /// Keep this member, new or not. → `Done`
    Register(MemberRow),
    /// Keep this message. → `Deposit`
    Deposit(Box<NewMail>),
    /// Is this message known? → `Deposit`, never `Fresh`
    Known {
        /// Whose.
        sender: MemberId,
        /// Which.
        slot: Slot,
        /// With which content.
        hash: EnvelopeHash,
    },
    /// What waits for `recipient` after `after`, in order. → `Mail`
    ReadMail {
        /// Whose mailbox.
        recipient: MemberId,
        /// The last row known.
        after: Row,
    },
    /// The outcomes for `sender` after `after`, in order. → `Notices`
    ReadNotices {
        /// Whose.
        sender: MemberId,
        /// The last row known.
        after: Row,
    },
    /// The recipient has answered: the row becomes the outcome for its sender. → `Ended`
    Answer(Box<Answer>),
    /// The sender has committed the outcome: forget it. → `Forgotten`
    Forget {
        /// Whose.
        sender: MemberId,
        /// Which.
        slot: Slot,
    },
    /// The sender takes the message back. → `Withdrawn`
    Withdraw {
        /// Whose.
        sender: MemberId,
        /// Which.
        slot: Slot,
    },
    /// End what has outlived its time. → `Expired`
    Expire {
        /// The age now.
        now: Age,
        /// For the outcome.
        at: WallTime,
        /// Until when the new outcomes are kept.
        keep_until: Age,
    },
    /// Something about rooms. → `Room`
    Room(RoomRequest),
    /// Record the age. → `Done`
    SaveAge {
        /// The age now.
        age: Age,
        /// The wall clock now.
        at: WallTime,
    },
}

/// `Request::Deposit`.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// The row it gets.
    pub row: Row,
    /// For whom.
    pub recipient: MemberId,
    /// From whom.
    pub sender: MemberId,
    /// Which of the sender's.
    pub slot: Slot,
    /// Of the envelope.
    pub hash: EnvelopeHash,
    /// When its lifetime ends.
    pub expires: Age,
    /// Whether it is to be remembered that the sender has written to the recipient.
    pub new_contact: bool,
    /// The message; handed back in the reply.
    pub forward: Forward,
}

/// `Request::Answer`.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The row it had; it gets it again if it is gone.
    pub row: Row,
    /// Whose answer.
    pub recipient: MemberId,
    /// To whom.
    pub sender: MemberId,
    /// To which of his messages.
    pub slot: Slot,
    /// To which content; another one is not answered by this.
    pub hash: EnvelopeHash,
    /// The answer.
    pub end: End,
    /// Until when the outcome is kept.
    pub keep_until: Age,
}

/// What the database answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is so.
    Done,
    /// What became of a deposit.
    Deposit(Kept),
    /// A page of a mailbox.
    Mail {
        /// In order.
        rows: Vec<Mail>,
        /// Whether there may be more after them.
        more: bool,
    },
    /// A page of outcomes.
    Notices {
        /// In order.
        rows: Vec<Notice>,
        /// Whether there may be more after them.
        more: bool,
    },
    /// A row has become an outcome, or was one.
    Ended(Ending),
    /// Whether there was such an outcome.
    Forgotten(bool),
    /// A message is gone, or its outcome.
    Withdrawn(Withdrawn),
    /// About rooms.
    Room(RoomReply),
    /// What has expired.
    Expired {
        /// The new outcomes.
        rows: Vec<Expired>,
        /// Posts that have, too.
        posts: Vec<PostEnd>,
        /// Whose outcomes were dropped, one for each.
        dropped: Vec<MemberId>,
        /// The earliest lifetime that is left.
        next: Option<Age>,
    },
}

/// What an answer has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A message that waited is an outcome now; its envelope bytes no longer wait.
    Freed(u64),
    /// What was gone is an outcome again.
    Revived,
    /// The outcome has become another one.
    Replaced,
    /// Nothing: it was answered before, or is about something else.
    Nothing,
}

/// What a withdrawal has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// A message that waited.
    Message {
        /// In whose mailbox.
        recipient: MemberId,
        /// Its envelope bytes.
        bytes: u64,
    },
    /// An outcome.
    Outcome,
    /// Nothing.
    Nothing,
}

/// What the store knows of a deposit.
#[derive(Clone, Debug)]
pub enum Kept {
    /// It was new and is committed now.
    Fresh(Forward),
    /// It waits already.
    Waiting,
    /// It has ended; this is its outcome.
    Ended {
        /// Its row.
        row: Row,
        /// How.
        end: End,
    },
    /// Another message has its slot.
    Conflict,
    /// It is not known.
    Unknown,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its row.
    pub row: Row,
    /// From whom.
    pub sender: MemberId,
    /// Which of the sender's.
    pub slot: Slot,
    /// The message.
    pub forward: Forward,
}

/// An outcome that its sender does not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its row.
    pub row: Row,
    /// Which of the sender's.
    pub slot: Slot,
    /// Of what was kept.
    pub hash: EnvelopeHash,
    /// How it ended.
    pub end: End,
}

/// A message that has just expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Whose mailbox it was in.
    pub recipient: MemberId,
    /// Whose it was.
    pub sender: MemberId,
    /// Its envelope bytes.
    pub bytes: u64,
    /// What the sender is to learn.
    pub notice: Notice,
}

/// Rows that one `Expire` ends at most: a commit must not take long.
pub const EXPIRE_ROWS_MAX: usize = 256;

impl Request {
    /// The bytes of messages that it carries.
    pub fn weight(&self) -> usize {
        match self {
            Self::Deposit(new) => new.forward.envelope.len(),
            Self::Room(RoomRequest::Post(new)) => new.forward.envelope.len(),
            _ => 0,
        }
    }
}
