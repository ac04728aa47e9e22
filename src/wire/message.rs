//! Messages: what the ends of a session say to each other (PROTOCOL §5).
//!
//! Three enums, one for each direction, so that a side cannot even decode what only the other may say.
//! All are append-only. A request has exactly one kind of answer, named in its line; it may be issued again
//! at any time and is answered alike.
//! Invariant: every message encodes to at most `MESSAGE_BYTES_MAX`.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::id::{EnvelopeHash, MessageId, Name, Sequence, Slot};
use crate::identity::Card;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::codec::{self, Bounded};
use crate::wire::envelope::Receipt;
use crate::wire::room::{Memberships, Post, PostHad, RoomAnswer, RoomNews, RoomRequest};

/// Private addresses that one client may announce: a few interfaces.
pub const PRIVATE_ADDRESSES_MAX: usize = 4;
/// A change in a page, at most: names, keys, signature and addresses at their longest.
pub const RECORD_BYTES_MAX: usize = 274;
/// Changes in one page: some 35 KB of them at most.
pub const PAGE_ITEMS_MAX: usize = 128;

const _: () = assert!(PAGE_ITEMS_MAX * RECORD_BYTES_MAX + 64 <= MESSAGE_BYTES_MAX);

/// What a client says to the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToRegistry {
    /// "I am here under this name." → `Registered`, `RegistrationRefused` or `Busy`
    Register(Register),
    /// "I leave." → `Deregistered`
    Deregister {
        /// The registration that ends.
        counter: u64,
    },
    /// "I am still here." → `Alive`, or `NotRegistered`
    KeepAlive {
        /// The registration meant.
        counter: u64,
    },
    /// "Who is this?" and "tell me when it changes". → `Found` or `NotFound`
    Lookup {
        /// The name.
        name: Name,
    },
    /// "I have the directory up to here." No answer; said again with the next one.
    DirectoryAck {
        /// Where.
        version: Version,
    },
    /// "Keep this for its recipient." → `Deposited`, `DepositRefused`, `Conflict`, `Outcome` or `Busy`
    Deposit(Deposit),
    /// "He has it directly, drop your copy." → `Withdrawn`
    Withdraw {
        /// Which message of mine.
        slot: Slot,
    },
    /// "I have committed this outcome." No answer; an outcome is told until this comes.
    OutcomeAck {
        /// Which message of mine.
        slot: Slot,
    },
    /// The answer to a `Forward`.
    Receipt(Receipt),
    /// The answer to a `Forward` that cannot be committed now: tell me again later.
    Busy(Busy<MessageId>),
    /// A question about rooms, or a deed there. → `RoomAnswer`
    Room(RoomRequest),
    /// "I have committed what was posted up to here." No answer; said again with the next post.
    PostHad(PostHad),
}

/// What the registry says to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromRegistry {
    /// The answer to `Register`.
    Registered(Registered),
    /// The answer to `Register`: not under this name.
    RegistrationRefused {
        /// Why, for good.
        reason: RegistrationRefusal,
    },
    /// The answer to `Deregister`.
    Deregistered {
        /// The registration that ended.
        counter: u64,
    },
    /// The answer to `KeepAlive`.
    Alive {
        /// The registration meant.
        counter: u64,
    },
    /// The answer to anything that needs a registration: there is none. Register, then ask again.
    NotRegistered,
    /// The answer to `Lookup`. Above the push limit, changes follow in `Directory`.
    Found {
        /// The record.
        record: Record,
    },
    /// The answer to `Lookup`: nobody has this name.
    NotFound {
        /// The name.
        name: Name,
    },
    /// Pages of the whole directory, or what changed.
    Directory(Page),
    /// The answer to `Deposit`: committed.
    Deposited {
        /// Which.
        slot: Slot,
        /// What is kept.
        hash: EnvelopeHash,
    },
    /// The answer to `Deposit`: no, for good.
    DepositRefused {
        /// Which.
        slot: Slot,
        /// Why.
        reason: DepositRefusal,
    },
    /// The answer to `Deposit`: another message with this slot was deposited before.
    Conflict {
        /// Which.
        slot: Slot,
    },
    /// The answer to `Deposit` and to `Register`: not now.
    Busy(Busy<Option<Slot>>),
    /// The answer to `Withdraw`; also when there was nothing to withdraw.
    Withdrawn {
        /// Which.
        slot: Slot,
    },
    /// How a deposited message ended. Told until `OutcomeAck` comes.
    Outcome(Outcome),
    /// A message out of your mailbox. → `Receipt` or `Busy`
    Forward {
        /// How many were forwarded before it since you registered, repetitions included.
        place: u64,
        /// The message.
        forward: Forward,
    },
    /// Your mailbox holds nothing that was not forwarded since you are registered.
    Replayed {
        /// So many `Forward`s that was, repetitions included, those in the places below this: some may still be on their way.
        forwards: u64,
    },
    /// The answer to `Room`.
    RoomAnswer(RoomAnswer),
    /// The rooms that you are a member of. Follows `Registered`.
    Memberships(Memberships),
    /// What stands in a room. → `PostHad`
    Post(Post),
    /// What happens in a room. Said once.
    RoomNews(RoomNews),
}

/// What a client says to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToPeer {
    /// A message. → `Receipt` or `Busy`
    Deliver(Forward),
    /// The answer to `Deliver`.
    Receipt(Receipt),
    /// The answer to `Deliver`: not now.
    Busy(Busy<MessageId>),
    /// "I am called this." Said once in a session between two that need no registry to know each other.
    Introduce {
        /// What.
        name: Name,
    },
}

/// `ToRegistry::Register`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The name wanted.
    pub name: Name,
    /// Counts this identity's registrations; a lower one than the registry has seen is ignored.
    pub counter: u64,
    /// Addresses on the client's own network, for those who share its public address.
    pub private: Bounded<SocketAddr, PRIVATE_ADDRESSES_MAX>,
    /// The directory that the client holds from before.
    pub directory: Option<Version>,
}

/// `FromRegistry::Registered`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The registration; equals the request's.
    pub counter: u64,
    /// Whether the name was this identity's before.
    pub returning: bool,
    /// Random, drawn when the registry's database was made or restored.
    pub store_id: [u8; 16],
    /// Where the registry sees the client.
    pub observed: SocketAddr,
    /// How long the registration lasts after the client's last packet.
    pub lease_ms: u32,
    /// Whether there is a room for everybody, `lobby`.
    pub lobby: bool,
}

/// Why a name cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistrationRefusal {
    /// Somebody else has it.
    NameTaken,
    /// A command word, or one that only the system uses.
    NameReserved,
    /// The counter is behind: a copy of this identity has registered since.
    CounterBehind {
        /// What the registry has seen; the next must be above it.
        seen: u64,
    },
    /// This identity already has another name.
    OtherName {
        /// That name.
        name: Name,
    },
    /// No more names, in all or from this network for now.
    Full,
    /// Not admitted here.
    NotAdmitted,
}

/// `ToRegistry::Deposit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// The message as it travels and what the sender knows of its conversation.
    pub forward: Forward,
    /// Its lifetime from now. A span, not a date: clocks differ.
    pub ttl_ms: u64,
}

/// Why a deposit is refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DepositRefusal {
    /// Nobody has the name.
    NoSuchName,
    /// The name belongs to another identity than the envelope says.
    IdentityChanged,
    /// The recipient's mailbox is full.
    MailboxFull,
    /// The recipient's mailbox has no more room for this sender.
    SenderFull,
    /// The registry's cap for all mailboxes is reached.
    RegistryFull,
    /// Not from this sender: the envelope names another.
    NotYours,
    /// The envelope cannot be read.
    Malformed,
    /// An administrator has released the name and ended its mail.
    Released,
    /// There is no such room, or not any more.
    NoSuchRoom,
    /// Not from this sender: he is no member of the room.
    NotMember,
}

/// A message on its way, on any road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The lowest sequence of this epoch that is not final for the sender: what is missing below it will not come.
    pub floor: Sequence,
    /// The sealed envelope.
    #[serde(serialize_with = "serde_bytes::serialize", deserialize_with = "codec::blob")]
    pub envelope: Vec<u8>,
}

/// "Not now": changes no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy<Of> {
    /// What is put off.
    pub of: Of,
    /// Why.
    pub reason: BusyReason,
    /// Not before this.
    pub retry_after_ms: u32,
}

/// Why something is put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BusyReason {
    /// Too many in a short time.
    Rate,
    /// The disk did not take it.
    Storage,
    /// Too much at once, from everybody.
    Overload,
    /// The name cannot be checked while the registry is away.
    UnknownSender,
    /// It is kept, and not handled yet: that may take long.
    Unhandled,
}

/// How a deposited message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which of the depositor's messages.
    pub slot: Slot,
    /// What was kept.
    pub hash: EnvelopeHash,
    /// How.
    pub end: End,
}

/// An outcome's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The recipient has answered; his own words, to be verified.
    Answered(Receipt),
    /// The lifetime passed first.
    Expired {
        /// The registry's wall clock then. For display.
        at: WallTime,
    },
    /// The recipient's name was released.
    Refused {
        /// Why.
        reason: DepositRefusal,
    },
    /// It was posted to a room, and waits for nobody there any more.
    Posted {
        /// How many have it …
        received: u32,
        /// … of those who were members when it was posted, without its sender.
        of: u32,
    },
}

/// A moment in the directory's history. Another `run` shares no history with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Random, drawn when the registry starts.
    pub run: u64,
    /// Counts changes.
    pub counter: u64,
}

impl Version {
    /// Whether this moment was before `other`; moments of different runs cannot be compared.
    pub fn is_before(self, other: Self) -> bool {
        self.run == other.run && self.counter < other.counter
    }
}

/// A piece of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What these changes apply to; `None`: to nothing, all that is known is to be dropped.
    pub from: Option<Version>,
    /// What holds once the last page of this update is applied.
    pub to: Version,
    /// This page's place in the update, from 0.
    pub index: u32,
    /// Whether it is the last.
    pub last: bool,
    /// What changed; at most one change for a name.
    pub changes: Bounded<Change, PAGE_ITEMS_MAX>,
}

/// One change of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// All of it.
    Record(Record),
    /// Only where he is.
    Presence {
        /// Whose.
        name: Name,
        /// Now.
        presence: Presence,
    },
    /// The name was released.
    Removed {
        /// Which.
        name: Name,
    },
}

/// What the directory says of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name, as its owner writes it.
    pub name: Name,
    /// Whose it is, and the key for envelope tags; signed by the identity itself.
    pub card: Card,
    /// Where he is.
    pub presence: Presence,
}

/// Whether somebody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Where to reach him; `None` while offline.
    pub online: Option<Addresses>,
    /// The registry's wall clock when that began. For display.
    pub since: WallTime,
}

/// Where somebody can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Where the registry sees him; he has answered from there.
    pub observed: SocketAddr,
    /// His own network's, only told to those whom the registry sees at the same address.
    pub private: Bounded<SocketAddr, PRIVATE_ADDRESSES_MAX>,
}
