//! What a client asks of its store, and what the store answers.
//!
//! The engine decides what is wanted; the store decides what only the committed state can: a message's number,
//! and whether an incoming one is new. Says nothing of SQL.
//! Invariant: every request is one change or one question, whole or not at all, and asking it twice does no harm.

mod image;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use crate::client::storage::image::{
    ENDED_MAX, Ended, Image, RegistryImage, Unfinished, Unshown, Untold,
};

use crate::client::interface::{Blocked, One, Place, Recorded, Refusal};
use crate::client::to::To;
use crate::clock::{Age, WallTime};
use crate::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use crate::identity::Card;
use crate::wire::message::{Record, Version};
use crate::wire::room::Hall;

/// A room that we are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRoom {
    /// Which.
    pub hall: Hall,
    /// Whose; `None`: the registry's own.
    pub owner: Option<Name>,
}

/// A message in the outbox, for ever; in the order of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

/// A change, or a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// From now on all is about this registry; it is pinned to the address it answered at. → `Done`
    UseRegistry {
        /// Where; `None`: there is no registry, and it is our own identity that all belongs to.
        address: Option<SocketAddr>,
        /// Who.
        identity: IdentityId,
    },
    /// The number of our next registration. → `Done`
    Counter(u64),
    /// The registry's database is this one now; what another one kept waits again. → `Done`
    StoreId([u8; 16]),
    /// The directory changed. → `Done`
    Directory(DirectoryUpdate),
    /// The name was used: it is this identity's. → `Done`
    Pin {
        /// Which.
        name: Name,
        /// Whose.
        card: Card,
    },
    /// Somebody was met at an address: it is he who is there; what he calls himself may change. → `Done`
    Meet(Met),
    /// The user has compared this key, which is that of these; without effect where another one is pinned. → `Verified`
    Verify {
        /// Whose it is: persons, or whoever is at addresses.
        of: Vec<To>,
        /// The key.
        card: Card,
    },
    /// Messages of this identity are not to be shown. → `Done`
    Block(Blocked),
    /// They are to be shown again. → `Done`
    Unblock(IdentityId),
    /// A message was written. → `Accepted`
    Accept(Accept),
    /// The registry may have this message from now on, sealed for `recipient` if it is not for a room; without effect if it has
    /// another number by now. → `Done`
    Deposit {
        /// Which.
        key: Key,
        /// Under which number.
        slot: Slot,
        /// For whom.
        recipient: Option<Card>,
    },
    /// The registry keeps it, under this number, in this database; without effect if it has another number by now, or
    /// another database has taken that one's place. → `Done`
    Stored {
        /// Which.
        key: Key,
        /// Under which number.
        slot: Slot,
        /// In which.
        store_id: [u8; 16],
        /// The wall clock now.
        at: WallTime,
    },
    /// It is final. Delivered stays delivered. → `Done`
    Finish {
        /// Which.
        key: Key,
        /// How.
        end: Finish,
        /// What was sealed, if it was; so that a late receipt can still be checked.
        sealed: Option<(EnvelopeHash, Card)>,
        /// The wall clock now.
        at: WallTime,
    },
    /// These messages are numbered anew, in this order. → `Renumbered`
    Renumber(Renumber),
    /// A message came. → `Received`
    Receive(Receive),
    /// We are in these rooms now, and in those no more. → `Done`
    Rooms {
        /// Entered, or known better.
        inside: Vec<KnownRoom>,
        /// Left, or ended.
        outside: Vec<Name>,
    },
    /// The user has seen these lines. → `Done`
    Told(Vec<Told>),
    /// How old the database is. → `Done`
    Life {
        /// Its age.
        age: Age,
        /// The wall clock now.
        wall: WallTime,
    },
    /// Which are the last messages? → `Recalled`
    Recall {
        /// Of which.
        scope: Scope,
        /// So many at most.
        most: usize,
        /// Of those before this one; `None`: of all.
        before: Option<Place>,
        /// Who we are.
        own: IdentityId,
    },
    /// Some of these messages have nothing to say any more, the oldest first: those that are final, and that the user has seen.
    /// → `Removed`
    Remove(Removal),
}

/// Of which messages the last are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of all.
    All,
    /// Of these conversations ([`To::key`]).
    Conversations(Vec<String>),
    /// Of those that have these words.
    Words(String),
    /// Of those that we wrote, in these conversations or at all.
    Written(Option<Vec<String>>),
    /// This one.
    One(One),
}

/// `Request::Remove`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Those of these conversations.
    Conversations(Vec<String>),
    /// Those that came to be here before this, with whichever registry.
    Before(WallTime),
}

impl Request {
    /// The bytes of messages that it carries.
    pub const fn weight(&self) -> usize {
        match self {
            Self::Accept(accept) => accept.text.len(),
            Self::Receive(receive) => receive.text.len(),
            _ => 0,
        }
    }
}

/// Who is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Where.
    pub address: SocketAddr,
    /// What he calls himself.
    pub name: Name,
    /// Who he is.
    pub card: Card,
}

/// `Request::Directory`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUpdate {
    /// Whether all that was known is dropped first.
    pub replace: bool,
    /// What the copy is now; `None` if it is not whole.
    pub version: Option<Version>,
    /// Records that are new or changed.
    pub records: Vec<Listed>,
    /// Names that are gone.
    pub removed: Vec<Name>,
}

/// A record of the directory, and where its owner was last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As the registry told it.
    pub record: Record,
    /// The last address known, online or not.
    pub last_seen: Option<SocketAddr>,
    /// The registry does not tell of him any more: only where he was last is believed, and that the name is contested.
    pub stale: bool,
}

/// `Request::Accept`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// For whom.
    pub to: To,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub sent_at: WallTime,
    /// When its lifetime ends.
    pub expires: Age,
    /// The name is first used now, and this identity's.
    pub pin: Option<Card>,
    /// It goes to the registry at once, sealed for this identity.
    pub deposit: Option<Card>,
    /// The conversation's epoch, if this message begins it.
    pub fresh: Epoch,
}

/// `Request::Renumber`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumber {
    /// The conversation.
    pub to: To,
    /// Its messages, in the order in which they are to be read.
    pub keys: Vec<Key>,
    /// The new epoch; used if one of `keys` has the conversation's present one, or `trust` is given.
    pub fresh: Epoch,
    /// The name, or the address, is this identity's from now on.
    pub trust: Option<Card>,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is in the recipient's inbox.
    Delivered,
    /// Refused for good.
    Refused(Refusal),
    /// Its lifetime has passed.
    Expired,
    /// Posted to a room, and nobody there waits for it any more: so many have it.
    Reached(Reach),
}

/// How far a post has come at its end. Kept in the database: it only grows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How many have it …
    pub received: u32,
    /// … of so many who were there.
    pub of: u32,
}

/// Where a message of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In our outbox.
    Waiting,
    /// In the recipient's mailbox.
    Stored,
    /// At its end.
    Ended(Finish),
}

/// A line that the user has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A message for us.
    Incoming(MessageId),
    /// That a message of ours is in this state; without effect if it is in another one by now.
    Outgoing(Key, State),
}

/// `Request::Receive`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receive {
    /// What it is called.
    pub id: MessageId,
    /// Its envelope's hash.
    pub hash: EnvelopeHash,
    /// What is missing below this will not come.
    pub floor: Sequence,
    /// Who wrote it.
    pub from: Name,
    /// The name is first used now, and this identity's.
    pub pin: Option<Card>,
    /// When it was written.
    pub sent_at: WallTime,
    /// What it says.
    pub text: String,
    /// Whether it came out of the mailbox.
    pub stored: bool,
    /// In which room it was posted, if it was.
    pub room: Option<Hall>,
    /// At which address he was met, if he is not known by his name.
    pub address: Option<SocketAddr>,
    /// The wall clock now.
    pub at: WallTime,
}

impl Receive {
    /// Which conversation it belongs to ([`To::key`]).
    pub fn conversation(&self) -> String {
        let to = match (&self.room, self.address) {
            (Some(hall), _) => To::Room(hall.clone()),
            (None, Some(address)) => To::At(address),
            (None, None) => To::Peer(self.from.clone()),
        };
        to.key()
    }
}

/// An answer. Given only after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Committed.
    Done,
    /// Whether a key stands there as verified now.
    Verified(bool),
    /// Committed, under this number.
    Accepted {
        /// The message.
        key: Key,
        /// Its number.
        slot: Slot,
    },
    /// The messages and their new numbers.
    Renumbered(Vec<(Key, Slot)>),
    /// What became of an incoming message.
    Received(Received),
    /// The last messages.
    Recalled(Page),
    /// What was removed.
    Removed(Removed),
}

/// `Reply::Recalled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// They, oldest first.
    pub messages: Vec<Recorded>,
    /// How far back that is, if there are earlier ones.
    pub earlier: Option<Place>,
}

/// `Reply::Removed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Of how many messages the text was.
    pub messages: u64,
    /// Whether there may be more that can be.
    pub more: bool,
    /// How many are left in those conversations.
    pub left: u64,
}

/// `Reply::Received`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Whether it was new.
    pub outcome: Outcome,
    /// When the message with this id was committed.
    pub at: WallTime,
    /// Everything below is in the inbox or skipped for good.
    pub next: Sequence,
    /// The highest sequence of its epoch that was shown.
    pub shown: Option<Sequence>,
    /// Whether the message itself was shown, or handled, before.
    pub shown_before: bool,
}

/// Whether an incoming message was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the inbox now.
    Fresh,
    /// It was there before.
    Duplicate,
    /// Another one with its id was there before.
    Conflict,
    /// Its number was skipped for good before.
    Skipped,
}
