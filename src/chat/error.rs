//! What does not work, and what that means for the message or the room that it was about.
//!
//! Invariant: whoever reads an error knows whether his text was accepted.

use std::net::SocketAddr;
use std::time::Duration;

use crate::id::NameError;
use crate::limits;

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This is no name, of a person or of a room. Nothing has happened.
    #[error("'{}' is no name: {reason}; nothing was done", name.escape_debug())]
    Name {
        /// What was given.
        name: String,
        /// Why it is none.
        reason: NameError,
    },
    /// This is not where a registry may be. Nothing was started.
    #[error("a registry is given as host:port, like 127.0.0.1:12345, not as '{}'", .0.escape_debug())]
    Registry(String),
    /// No message may live for so short or long a time. Nothing was started.
    #[error("a message may live for {least} s to {most} days, not for {0:?}",
        least = limits::TIME_TO_LIVE_MIN.as_secs(), most = limits::TIME_TO_LIVE.as_secs() / 86_400)]
    TimeToLive(Duration),
    /// The registry has not answered. What was accepted in this run or an earlier one, and has not arrived, waits in the
    /// data folder for the next run that reaches it.
    #[error("the registry does not answer; what was accepted waits for the next start that reaches it")]
    NoRegistry,
    /// The registry does not take us, or is not the one that we know: a sentence for a person. What was accepted waits.
    #[error("{0}")]
    Refused(String),
    /// The client could not start or go on: a sentence for a person. What was accepted is on the disk; a text that was just
    /// being sent may be, too, and if so the next run tells what becomes of it.
    #[error("{0}")]
    Failed(String),
    /// The text was not accepted: it is kept nowhere, and was sent to nobody.
    #[error("not sent: {0}")]
    NotSent(#[from] NotSent),
    /// The room is as it was before.
    #[error("{room}: nothing has changed: {reason}")]
    Room {
        /// Which.
        room: String,
        /// Why.
        reason: NotDone,
    },
    /// Nothing was asked of the client, because nobody takes its events (see [`super::Chat::events`]): more cannot be kept for
    /// the program. Take some, and try again. Whoever takes them himself is told this at once, others after some seconds.
    #[error("nothing was done: the events that wait are as many as can be kept; take some and try again")]
    Unread,
    /// It was asked of the client, which has ended before it has answered, as it was asked to; or it cannot answer, because nobody
    /// takes its events: take them before anything else is asked. It may be done. What becomes of a text, events will tell, of
    /// the next run if this one has ended.
    #[error(
        "it is not known whether that was done: there is no answer, because the client ends or nobody takes its events"
    )]
    Unanswered,
    /// The client had ended, as it was asked to. Nothing was done.
    #[error("nothing was done: the client has ended")]
    Ended,
}

/// Why a text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// It has so many bytes.
    #[error("it has {0} bytes, and at most {most} are allowed", most = limits::BODY_BYTES_MAX)]
    TooLarge(usize),
    /// It is to ourselves.
    #[error("it is to ourselves")]
    ToSelf,
    /// Somebody who calls himself so was written to by this address, with the same folder, and at the registry that may be another.
    #[error("at {0} is another who calls himself so")]
    Ambiguous(SocketAddr),
    /// It is for a room that we are not in.
    #[error("we are not in the room; join it first")]
    NotInside,
    /// Too many messages wait already, or too much of them.
    #[error("too much waits already; try again when some of it has arrived")]
    OutboxFull,
    /// It could not be written to the disk, or there is nowhere to keep it yet: a sentence.
    #[error("{0}")]
    Storage(String),
}

/// Why a room is not made, entered or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDone {
    /// There is a room of that name.
    #[error("there is a room of that name")]
    NameTaken,
    /// No room may be called so.
    #[error("no room may be called so")]
    NameReserved,
    /// There is no such room.
    #[error("there is no such room")]
    NoSuchRoom,
    /// We are not in it.
    #[error("we are not in it")]
    NotInside,
    /// It is full.
    #[error("it is full")]
    RoomFull,
    /// We have, or the registry has, as many as may be.
    #[error("there are as many rooms as there may be")]
    TooManyRooms,
    /// We are not registered.
    #[error("the registry does not have us now")]
    Offline,
    /// The registry does not answer: it may be done, or not. Ask again when it does.
    #[error("the registry does not answer; it may have done it, ask again")]
    NoRegistry,
    /// The registry cannot do it now.
    #[error("the registry cannot do it now; try again later")]
    Busy,
}
