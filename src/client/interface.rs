//! What a person asks of his client, and what it tells him. Wording and layout are `cli/`'s business.
//!
//! Events are counted from 1 in each run: what is said of messages is said again in the next run unless the user is
//! known to have seen it (`Command::Seen`).
//! Invariant: every accepted message is followed by events until it is final; each says what is true then.

use serde::{Deserialize, Serialize};

use crate::client::storage::Reach;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name};
use crate::wire::message::{DepositRefusal, RegistrationRefusal};
use crate::wire::room::{MemberListed, Membership, News, RoomListed, RoomRefusal};

/// What a person asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a text to somebody.
    Send {
        /// To whom.
        to: Name,
        /// What; at most `BODY_BYTES_MAX` bytes (checked again here).
        text: String,
    },
    /// Post a text to a room that we are in.
    Post {
        /// To which.
        room: Name,
        /// What; at most `BODY_BYTES_MAX` bytes (checked again here).
        text: String,
    },
    /// Something about rooms.
    Room(RoomCommand),
    /// Leave the registry; the program lives on.
    Deregister,
    /// Come back.
    Register,
    /// Deregister and end.
    Leave,
    /// Nothing more comes: leave when every message has a state and what was kept for us is here, or nothing moves.
    LeaveSettled,
    /// Take the identity with this fingerprint for `name` from now on.
    Trust {
        /// Whose.
        name: Name,
        /// As it was shown.
        fingerprint: String,
    },
    /// The first so many events of this run are on the screen: what they say need not be said again.
    Seen {
        /// How many.
        events: u64,
    },
}

/// What a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The registry has us.
    Registered {
        /// Whether it knew the name as ours before.
        returning: bool,
    },
    /// The name cannot be had.
    RegistrationRefused {
        /// Which.
        name: Name,
        /// Why.
        reason: RegistrationRefusal,
    },
    /// We have left.
    Deregistered,
    /// All attempts at the registry were in vain. Said once until it is heard of again.
    ServerSilent,
    /// It is heard of again, after `ServerSilent`.
    ServerBack,
    /// The same identity has registered from elsewhere; we are offline and stay so.
    Superseded,
    /// The registry proved another identity than the one known.
    RegistryChanged {
        /// The one known.
        known: IdentityId,
        /// The one found.
        found: IdentityId,
    },
    /// The directory changed (at most once a second).
    TableUpdated,
    /// Stored mail follows.
    HaveMessages,
    /// A message for us, committed.
    Incoming(Incoming),
    /// Somebody has our message directly, within the budget.
    Received {
        /// Who.
        to: Name,
    },
    /// No receipt in time; it goes to the registry.
    NoAnswer {
        /// From whom.
        to: Name,
    },
    /// The table says offline; it goes to the registry.
    Offline {
        /// Who.
        to: Name,
    },
    /// The registry keeps it.
    Stored {
        /// For whom.
        to: Name,
    },
    /// A message that was stored, waiting, expired or refused has arrived after all.
    ReceivedLater {
        /// Who has it.
        to: Name,
        /// When it was sent.
        sent_at: WallTime,
    },
    /// Neither he nor the registry can be reached now.
    Waiting {
        /// For whom.
        to: Name,
    },
    /// The registry's database, or our own, was lost or restored: stored messages wait and are deposited again.
    StoredAgain {
        /// How many.
        messages: u64,
    },
    /// A message was refused for good.
    Refused {
        /// For whom.
        to: Name,
        /// When it was sent.
        sent_at: WallTime,
        /// Why.
        reason: Refusal,
    },
    /// A message's lifetime has passed.
    Expired {
        /// For whom.
        to: Name,
        /// When it was sent.
        sent_at: WallTime,
    },
    /// A command was not accepted; nothing has happened.
    NotAccepted(NotAccepted),
    /// Somebody's identity is not the one known; nothing is sent to him.
    IdentityChanged {
        /// Whose.
        name: Name,
        /// The one known.
        known: IdentityId,
        /// The one found.
        found: IdentityId,
    },
    /// About rooms.
    Room(RoomEvent),
    /// `Trust` is done.
    Trusted {
        /// Whom.
        name: Name,
    },
    /// The database or the port failed: a sentence. The program lives on.
    Trouble(String),
    /// The program is to end.
    Ended(Ending),
}

impl Event {
    /// Whether it says where one of our messages is, or what has become of it.
    pub(crate) const fn is_state(&self) -> bool {
        matches!(
            self,
            Self::Received { .. }
                | Self::NoAnswer { .. }
                | Self::Offline { .. }
                | Self::Stored { .. }
                | Self::ReceivedLater { .. }
                | Self::Waiting { .. }
                | Self::Refused { .. }
                | Self::Expired { .. }
                | Self::NotAccepted(_)
                | Self::Room(
                    RoomEvent::Posted { .. }
                        | RoomEvent::Waiting { .. }
                        | RoomEvent::Reached { .. }
                        | RoomEvent::Refused { .. }
                        | RoomEvent::Expired { .. }
                )
        )
    }
}

/// A message for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What it is called.
    pub id: MessageId,
    /// Who wrote it.
    pub from: Name,
    /// When.
    pub sent_at: WallTime,
    /// What; any text, control characters included.
    pub text: String,
    /// How it is to be shown.
    pub road: Road,
}

/// How a message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Road {
    /// From the sender, in its turn.
    Direct,
    /// Out of the mailbox.
    Stored,
    /// After a later one was shown already.
    Late,
    /// Posted to a room, in its turn.
    Room {
        /// Which.
        name: Name,
        /// Whether that was before we were there.
        before: bool,
    },
}

/// Why a message is refused. Kept in the database by the number of the variant: it only grows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Nobody has the name.
    NoSuchName,
    /// The registry will not keep it.
    Registry(DepositRefusal),
    /// The recipient has skipped it: he was told that it would not come.
    Skipped,
    /// The registry has told an answer of the recipient that does not verify: he may have it or not.
    Unproven,
}

/// Why a command is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// The text has so many bytes, too many.
    TooLarge(usize),
    /// To oneself.
    ToSelf,
    /// To a room that we are not in.
    NotInside(Name),
    /// Too many unfinished messages, or bytes of them.
    OutboxFull,
    /// The database did not take it: a sentence.
    Storage(String),
    /// Deregistered already, registered already, or trusted already.
    NoChange,
    /// No identity with this fingerprint was seen under the name.
    NothingToTrust,
    /// Leaving is under way.
    Leaving,
}

/// What a person wants of rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomCommand {
    /// Make one of this name.
    Create(Name),
    /// Enter it.
    Join(Name),
    /// Leave it; one's own ends.
    Leave(Name),
    /// Out with somebody, or with everybody else, of one's own.
    Kick {
        /// Out of which.
        room: Name,
        /// Whom; `None`: everybody else.
        name: Option<Name>,
    },
    /// Say which there are.
    List,
    /// Say who is in it.
    Members(Name),
}

/// Why something about rooms is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// We are not in it.
    NotInside,
    /// We are offline.
    Offline,
    /// The registry does not answer.
    NoServer,
    /// Too many questions are open.
    TooMany,
    /// The registry says no.
    Refused(RoomRefusal),
}

/// What a person is told about rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// Our post is saved.
    Posted {
        /// Where.
        room: Name,
    },
    /// Our post waits: the registry cannot be reached now.
    Waiting {
        /// For which room.
        room: Name,
    },
    /// Nobody waits for our post any more.
    Reached {
        /// Where.
        room: Name,
        /// When it was written.
        sent_at: WallTime,
        /// How far it has come; `None`: to everybody.
        reach: Option<Reach>,
    },
    /// Our post was refused for good.
    Refused {
        /// Where.
        room: Name,
        /// When it was written.
        sent_at: WallTime,
        /// Why.
        reason: Refusal,
    },
    /// Our post's lifetime has passed before it came to the registry.
    Expired {
        /// Where.
        room: Name,
        /// When it was written.
        sent_at: WallTime,
    },
    /// We are in a room.
    Entered {
        /// Which.
        room: Membership,
        /// Whether we were before.
        already: bool,
    },
    /// We have left a room.
    Left {
        /// Which.
        room: Name,
    },
    /// Somebody is out of our room.
    Kicked {
        /// Which.
        room: Name,
        /// Who; `None`: everybody else.
        name: Option<Name>,
        /// How many that were.
        members: u32,
    },
    /// All rooms that there are.
    Rooms(Vec<RoomListed>),
    /// All who are in a room.
    Members {
        /// Which.
        room: Name,
        /// Who.
        members: Vec<MemberListed>,
    },
    /// Something is not done.
    NotDone {
        /// What.
        command: RoomCommand,
        /// Why.
        why: NotDone,
    },
    /// Something has happened in a room that we are in, or were until then.
    News {
        /// Which.
        room: Name,
        /// The registry's wall clock then.
        at: WallTime,
        /// How many members there are now.
        members: u32,
        /// What.
        news: News,
    },
    /// We are in a room no more; that happened while we were away.
    Outside {
        /// Which.
        room: Name,
    },
    /// What was posted there is gone before we came for it.
    Missed {
        /// Where.
        room: Name,
        /// How much.
        messages: u64,
    },
    /// Somebody has posted under a name that is another's, as far as we know. It is not shown.
    Impostor {
        /// Where.
        room: Name,
        /// Under which.
        name: Name,
    },
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As asked.
    Done,
    /// The registry did not answer at the start, and has never registered us.
    ServerSilent,
    /// As asked; but the registry has not answered in the whole run.
    Unreached,
    /// Refused: name, admission or key.
    Refused,
    /// The port could not be opened.
    Port,
    /// The database failed at the start.
    Storage,
}
