//! What a person asks of the messages that are kept, and what he is told of them.
//!
//! Invariant: what is told is so in the database, in one moment; a message that is there is told of whole.

use std::fmt;
use std::net::SocketAddr;

use super::Trust;
use crate::client::storage::State;
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name};

/// With whom one talks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partner {
    /// Somebody.
    Person(Name),
    /// All who are in a room.
    Room(Name),
    /// Whoever is at an address.
    At(SocketAddr),
}

/// As it is typed: a person and a room may have the same name.
impl fmt::Display for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => name.fmt(f),
            Self::Room(name) => write!(f, "#{name}"),
            Self::At(address) => address.fmt(f),
        }
    }
}

/// Of which messages the last are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Of all.
    All,
    /// Of those with one partner.
    With(Partner),
    /// Of those that have all these words; of a word that ends with `*`, its beginning.
    Words(String),
}

/// How far back a history was told: in each box to the message of this time, by our wall clock then, and of this row. Told by the
/// store, and handed back to it as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of what came.
    pub inbox: (i64, i64),
    /// Of ours.
    pub outbox: (i64, i64),
}

impl Place {
    /// After all that is kept.
    pub const END: Self = Self {
        inbox: (i64::MAX, i64::MAX),
        outbox: (i64::MAX, i64::MAX),
    };
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number in this database, among what we wrote, or among what came.
    pub number: u64,
    /// What it is called.
    pub id: MessageId,
    /// Its conversation.
    pub with: To,
    /// How well the key is known of whoever wrote it, or of whom it is for; for the engine to say, which knows it.
    pub trust: Trust,
    /// When it was written.
    pub sent_at: WallTime,
    /// What it says.
    pub text: String,
    /// How it went.
    pub way: Way,
}

/// How a message went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To us.
    In {
        /// Who wrote it.
        from: Name,
        /// When it was committed here.
        received_at: WallTime,
        /// Whether it came out of the mailbox.
        stored: bool,
    },
    /// From us.
    Out {
        /// Where it is.
        state: State,
        /// When it was known that the registry keeps it.
        stored_at: Option<WallTime>,
        /// When its end was known.
        ended_at: Option<WallTime>,
        /// Whom it was sealed for, if it was.
        sealed_for: Option<IdentityId>,
    },
}

impl Recorded {
    /// When it came to be here: by this the history is in order.
    pub const fn at(&self) -> WallTime {
        match self.way {
            Way::In { received_at, .. } => received_at,
            Way::Out { .. } => self.sent_at,
        }
    }
}

/// The last messages of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Of which.
    pub subject: Subject,
    /// Those before this one; `None`: of all.
    pub before: Option<Place>,
    /// Our own name.
    pub own: Name,
    /// They, oldest first.
    pub messages: Vec<Recorded>,
    /// How far back that is, if there are earlier ones.
    pub earlier: Option<Place>,
}

/// What the store was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// For messages of this subject, before this place.
    History(Subject, Option<Place>),
    /// What has happened to a message.
    Trace,
    /// To forget what was said with somebody.
    Forget(Partner),
}

/// What was removed of the messages with a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// With whom.
    pub with: Partner,
    /// Of how many the text was.
    pub removed: u64,
    /// How many stay, because they are under way, or not shown yet.
    pub kept: u64,
}
