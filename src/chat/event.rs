//! What a program is told: a message, what became of one of its own, and how things stand.
//!
//! Kept small, and apart from what the engine says, which changes with the engine. Invariant: every message of one's own
//! that was accepted is told of until its state is a final one.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::clock::WallTime;
use crate::id;

/// What has happened, in the order in which it has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The registry has us: at the start, or after it could not be reached then.
    Registered {
        /// Whether it knew the name as ours before.
        returning: bool,
    },
    /// The registry does not answer. Texts go on being accepted: they go directly to whom that reaches, and wait otherwise.
    /// The registry is tried again and again, and nothing has to be done.
    Offline,
    /// The registry answers again, after [`Event::Offline`].
    Online,
    /// Somebody has written to us, or to a room that we are in. It is on our disk.
    Message(Message),
    /// Where a message of ours is now.
    Sent(Sent),
    /// We are in a room, without having asked for it in this run.
    Inside {
        /// Which.
        room: String,
    },
    /// We are in a room no more: it has ended, or its owner has shown us the door.
    Outside {
        /// Which.
        room: String,
    },
    /// Somebody has come into a room that we are in.
    Joined {
        /// Which.
        room: String,
        /// Who.
        name: String,
        /// How many members it has now.
        members: u32,
    },
    /// Somebody has left a room that we are in, or was put out.
    Left {
        /// Which.
        room: String,
        /// Who.
        name: String,
        /// How many members it has now.
        members: u32,
    },
    /// What was posted to a room is gone before we came for it.
    Missed {
        /// Which.
        room: String,
        /// How many messages.
        messages: u64,
    },
    /// Something is wrong, and the client lives on: a sentence for a person, who may have to do something about it.
    Trouble(String),
}

/// A message from somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// What it is called. If a crash has it handed out twice, it is called the same.
    pub id: MessageId,
    /// Who has written it. Names that differ only in upper and lower case are the same.
    pub from: String,
    /// What; any text, control characters included.
    pub text: String,
    /// When, by the sender's clock.
    pub sent_at: SystemTime,
    /// The room that it was posted to; `None`: it is for us alone.
    pub room: Option<String>,
}

/// Where a message of ours is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// What [`Chat::send`](super::Chat::send) or [`Chat::post`](super::Chat::post) has called it, in this run or an earlier
    /// one.
    pub id: MessageId,
    /// The name or the room that it is for. `None`: it was stored, and waits again as one of many (see [`State::Waiting`]).
    pub to: Option<To>,
    /// Where it is.
    pub state: State,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum To {
    /// Somebody of this name.
    Peer(String),
    /// All who are in this room.
    Room(String),
    /// Whoever is at this address, to whom another program has written with the same folder.
    Address(SocketAddr),
}

/// What is true of a message. The last three are final.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is on our disk and nobody else is known to have it: it goes when somebody can be reached. After
    /// [`State::Stored`] only if the registry's database, or our own, was lost or restored.
    Waiting,
    /// It is on the registry's disk.
    Stored,
    /// It is on the recipient's disk; of a room, on that of everybody who was in it.
    Delivered,
    /// So many members of the room have it, and nobody else will: they have left, or it was gone before they came.
    DeliveredTo {
        /// How many have it …
        received: u32,
        /// … of so many.
        of: u32,
    },
    /// It was refused for good.
    Refused(Refusal),
    /// Its time was over before it could be delivered.
    Expired,
}

impl State {
    /// Whether nothing more will be told of the message; but for one that has expired or was refused, and has arrived all
    /// the same: then [`State::Delivered`] follows.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Stored)
    }
}

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody has the name, or not any more.
    #[error("nobody has that name")]
    NoSuchName,
    /// The name is another identity's than the one that it was written to.
    #[error("the name belongs to another identity than the one it was written to")]
    IdentityChanged,
    /// Too much waits there already.
    #[error("too much waits there already; send it again when the recipient has been online")]
    NoRoom,
    /// There is no such room any more.
    #[error("there is no such room any more")]
    NoSuchRoom,
    /// We are not in the room.
    #[error("we are not in the room; join it first")]
    NotInside,
    /// The recipient was told that it would not come.
    #[error("the recipient was told that it would not come; send it again")]
    Skipped,
    /// It was for an address that is our own.
    #[error("it is for our own address")]
    Oneself,
    /// The registry's answer proves nothing: the recipient may have it or not.
    #[error("the answer proves nothing; ask the recipient whether it came")]
    Unproven,
}

/// What a message is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub(super) id::MessageId);

impl fmt::Display for MessageId {
    /// One word, of which no two messages have the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A wall time as the standard library has it.
pub(super) fn system_time(at: WallTime) -> SystemTime {
    let span = Duration::from_millis(at.unix_ms().unsigned_abs());
    let time = if at.unix_ms() < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    };
    // Somebody else's clock may say what this machine cannot.
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_clock_of_others_is_a_time() {
        let after = |ms| system_time(WallTime::from_unix_ms(ms)).duration_since(SystemTime::UNIX_EPOCH);
        assert_eq!(after(1_500).unwrap(), Duration::from_millis(1_500));
        assert_eq!(after(-1).unwrap_err().duration(), Duration::from_millis(1));
        for extreme in [i64::MIN, i64::MAX] {
            let _time = system_time(WallTime::from_unix_ms(extreme));
        }
    }
}
