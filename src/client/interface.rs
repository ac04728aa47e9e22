//! What a person asks of his client, and what it tells him. Wording and layout are `cli/`'s business.
//!
//! Events are counted from 1 in each run: what is said of messages is said again in the next run unless the user is
//! known to have seen it (`Command::Seen`).
//! Invariant: every accepted message is followed by events until it is final; each says what is true then.

mod contacts;
mod history;
mod net;
mod people;
mod rooms;
mod status;
mod trace;
mod users;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use crate::client::interface::contacts::{Contact, ContactEvent};
pub use crate::client::interface::history::{
    Forgotten, History, Partner, Place, Question, Recorded, Subject, Way,
};
pub use crate::client::interface::net::{Net, Other, RegistryLink, SessionReport};
pub use crate::client::interface::people::{Blocked, NotVerified, PeopleCommand, PeopleEvent, Trust, Whose};
pub use crate::client::interface::rooms::{Member, NotDone, RoomCommand, RoomEvent};
pub use crate::client::interface::status::{MessageStatus, Standing, Status};
pub use crate::client::interface::trace::{One, Record, Step, Trace, Via, What, Which};
pub use crate::client::interface::users::{Names, User, Users};

use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name};
use crate::wire::message::{DepositRefusal, RegistrationRefusal};

/// What somebody has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As it was written; at most `BODY_BYTES_MAX` bytes (checked again here).
    pub body: String,
    /// What a program calls it, to know which text was accepted, or not ([`Notice::tag`]): several may be under way.
    pub tag: Option<u64>,
}

impl From<String> for Text {
    /// One that is called nothing.
    fn from(body: String) -> Self {
        Self { body, tag: None }
    }
}

impl From<&str> for Text {
    fn from(body: &str) -> Self {
        body.to_owned().into()
    }
}

/// What a person asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a text to somebody.
    Send {
        /// To whom.
        to: Name,
        /// What.
        text: Text,
    },
    /// Send a text to whoever is at an address.
    SendAt {
        /// Where.
        address: SocketAddr,
        /// What.
        text: Text,
    },
    /// Send a text to each of those who are listed by address.
    Say {
        /// What.
        text: Text,
    },
    /// Post a text to a room that we are in.
    Post {
        /// To which.
        room: Name,
        /// What.
        text: Text,
    },
    /// Something about rooms.
    Room(RoomCommand),
    /// Something about whom to believe, or to hear.
    People(PeopleCommand),
    /// Say who there is.
    Users,
    /// Say which messages are unfinished, and why.
    Status,
    /// Say what has happened to a message.
    Trace(Which),
    /// Say which sessions are up, and how their paths are.
    Net,
    /// Say a fingerprint.
    Fingerprint {
        /// Whose; `None`: our own, and those of all who were met by address.
        of: Option<Name>,
    },
    /// Tell who comes and goes from now on, or no longer.
    Presence {
        /// Which of the two.
        on: bool,
    },
    /// Say the last messages that are kept.
    History {
        /// Of which.
        subject: Subject,
        /// How many; at most `HISTORY_MESSAGES_MAX`.
        most: usize,
        /// Of those before this one, to go on from an answer (`History::earlier`); `None`: the last of all.
        before: Option<Place>,
    },
    /// Remove what was said with a partner, as far as it has ended.
    Forget(Partner),
    /// Leave the registry; the program lives on.
    Deregister,
    /// Come back.
    Register,
    /// Say which names are known, now and whenever they change.
    Names,
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
    /// Take the identity with this fingerprint for whoever is at this address from now on.
    TrustAt {
        /// Where.
        address: SocketAddr,
        /// As it was shown.
        fingerprint: String,
    },
    /// This message was handled: it need not be told again, and its sender may hear of it.
    Handled {
        /// Which.
        id: MessageId,
    },
    /// The first so many events of this run are on the screen: what they say need not be said again.
    Seen {
        /// How many.
        events: u64,
    },
}

/// What a person is told, and of which of his messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The messages of his own that it is about, as they are called now: none, one, or all that wait again.
    pub about: Vec<MessageId>,
    /// Where a text was accepted, or not: what its writer called it.
    pub tag: Option<u64>,
    /// What he is told.
    pub event: Event,
}

impl From<Event> for Notice {
    /// One that is about none of his messages.
    fn from(event: Event) -> Self {
        Self {
            about: Vec::new(),
            tag: None,
            event,
        }
    }
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
    /// Who there is.
    Users(Users),
    /// Which messages are unfinished. Who has one that was posted is told after it ([`RoomEvent::Readers`]).
    Status(Status),
    /// What has happened to a message.
    Trace(Box<Trace>),
    /// Which sessions are up.
    Net(Net),
    /// Somebody's fingerprint.
    Fingerprint {
        /// Whose.
        whose: Whose,
        /// The identity; `None`: none of his is known.
        id: Option<IdentityId>,
        /// How well it is known.
        trust: Trust,
    },
    /// Somebody has come, or gone; where that is wanted. At most one a second of each name: the last.
    Presence {
        /// Who.
        name: Name,
        /// Which of the two.
        online: bool,
    },
    /// Who comes and goes is told from now on, or no longer.
    PresenceTold {
        /// Which of the two.
        on: bool,
    },
    /// Which names are known; where that is wanted. For whoever helps a person to type them: it says nothing that has happened.
    Names(Names),
    /// The last messages that are kept.
    History(History),
    /// What was said with a partner is removed.
    Forgotten(Forgotten),
    /// Stored mail follows.
    HaveMessages,
    /// A message for us, committed.
    Incoming(Incoming),
    /// A message of ours is in the outbox. For programs: a person is told what becomes of it.
    Accepted {
        /// For whom.
        to: To,
    },
    /// A message of ours has another number: it is called otherwise from now on. For programs, too.
    Renumbered {
        /// For whom.
        to: To,
        /// What it was called.
        was: MessageId,
    },
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
    /// About whom to believe, and to hear.
    People(PeopleEvent),
    /// About those who are named by address.
    Contact(ContactEvent),
    /// `Trust` is done.
    Trusted {
        /// Whom.
        name: Name,
    },
    /// The database or the port failed: a sentence. The program lives on.
    Trouble(String),
    /// A question about what is kept is not answered, or what was to be forgotten is not.
    Unanswered {
        /// Which.
        question: Question,
        /// Why: a sentence.
        why: String,
    },
    /// The program is to end.
    Ended(Ending),
}

impl Event {
    /// Whether it says where one of our messages is, or what has become of it.
    pub(crate) const fn is_state(&self) -> bool {
        if let Self::Contact(event) = self {
            return event.is_state();
        }
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
    /// At which address he is talked with, if it is not by his name.
    pub at: Option<SocketAddr>,
    /// How well his key is known.
    pub trust: Trust,
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
    /// It is for an address that is our own.
    Oneself,
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
    /// To one more address than there may be in a run.
    TooManyAddresses,
    /// To a name that two may be meant by: whoever has it at the registry, and another who calls himself so at an address.
    Ambiguous {
        /// Which.
        name: Name,
        /// Where the other is.
        address: SocketAddr,
    },
    /// Too many unfinished messages, or bytes of them.
    OutboxFull,
    /// The database did not take it: a sentence.
    Storage(String),
    /// Deregistered already, registered already, trusted already, or told already.
    NoChange,
    /// No identity with this fingerprint was seen under the name.
    NothingToTrust,
    /// As many are blocked as can be.
    BlockedFull,
    /// Leaving is under way.
    Leaving,
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
