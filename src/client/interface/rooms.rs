//! What a person asks of rooms, and what he is told of them.
//!
//! The texts that are posted are messages like others: [`super::Incoming`]. Invariant: as [`super`]'s.

use super::{Refusal, Trust};
use crate::client::storage::Reach;
use crate::clock::WallTime;
use crate::id::Name;
use crate::wire::room::{Membership, News, RoomListed, RoomRefusal};

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

/// Somebody who is in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub name: Name,
    /// How well his key is known.
    pub trust: Trust,
    /// Whether he is there.
    pub online: bool,
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
        members: Vec<Member>,
    },
    /// Who has a post of ours that not everybody has.
    Readers {
        /// Where.
        room: Name,
        /// When it was written.
        sent_at: WallTime,
        /// How far it has come.
        reach: Reach,
        /// Those who have it not; of many, some.
        missing: Vec<Name>,
    },
    /// There is a room for everybody, and we are not in it.
    Offered {
        /// Which.
        room: Name,
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
        /// Whether we are in it no more.
        out: bool,
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
