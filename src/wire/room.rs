//! Rooms on the wire: what a client asks about them, and what members are sent (PROTOCOL §5.5).
//!
//! A room is a log: its posts have numbers, dense and from 1, and each member is sent all after the one that he has said
//! he has. What a post says is in its envelope, which the registry cannot change. Invariant: every message here may be
//! said again at any time, and says the same then.

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::id::{Name, RoomId, Slot};
use crate::limits::{MEMBER_ROOMS_MAX, MESSAGE_BYTES_MAX};
use crate::wire::codec::Bounded;
use crate::wire::message::Forward;

/// Names or rooms in one page.
pub const ROOM_PAGE_ITEMS_MAX: usize = 128;
/// An entry of a page at its longest: two names with their lengths, a number and counts.
const ENTRY_BYTES_MAX: usize = 128;
/// `RoomNews` at their longest: with a name.
pub const NEWS_BYTES_MAX: usize = 66;

const _: () = assert!(ROOM_PAGE_ITEMS_MAX * ENTRY_BYTES_MAX + 64 <= MESSAGE_BYTES_MAX);
const _: () = assert!(MEMBER_ROOMS_MAX * ENTRY_BYTES_MAX + 64 <= MESSAGE_BYTES_MAX);

/// Where a post stands in its room: from 1, without gaps. 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PostNumber(pub u64);

impl PostNumber {
    /// The one after it; saturates.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A room, to those who write to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hall {
    /// Its name, as its owner wrote it.
    pub name: Name,
    /// Which room of that name: another one may have it after this one has ended.
    pub id: RoomId,
}

/// `ToRegistry::Room`: a question or a deed; without effect if it is so already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRequest {
    /// Counts this client's questions in a session: the answer has the same.
    pub number: u64,
    /// What is asked.
    pub deed: RoomDeed,
}

/// What a client asks about rooms. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomDeed {
    /// Make a room of mine, and let me in. → `Entered`
    Create {
        /// How it is called.
        name: Name,
    },
    /// Let me in. → `Entered`
    Join {
        /// Where.
        name: Name,
    },
    /// I leave; a room ends with its owner. → `Gone`
    Leave {
        /// Which.
        room: RoomId,
    },
    /// Out with somebody, or with everybody but me. Only its owner may. → `Gone`
    Kick {
        /// Out of which.
        room: RoomId,
        /// Whom; `None`: all.
        name: Option<Name>,
    },
    /// Which rooms there are, by folded name. → `Rooms`
    List {
        /// The last one known.
        after: Option<Name>,
    },
    /// Who is in a room, by folded name. → `Members`
    Members {
        /// Which.
        name: Name,
        /// The last one known.
        after: Option<Name>,
    },
    /// Which rooms I am in. → `Memberships`
    Mine,
    /// Who has this post of mine. → `Readers`
    Readers {
        /// Which.
        slot: Slot,
    },
}

impl RoomDeed {
    /// Whether it is more than a question.
    pub const fn changes(&self) -> bool {
        matches!(
            self,
            Self::Create { .. } | Self::Join { .. } | Self::Leave { .. } | Self::Kick { .. }
        )
    }
}

/// `FromRegistry::RoomAnswer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAnswer {
    /// Of the question.
    pub number: u64,
    /// What is so now, or why not.
    pub result: Result<RoomDone, RoomRefusal>,
}

/// What a deed has come to. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomDone {
    /// I am a member.
    Entered {
        /// Of this room.
        room: Membership,
        /// Whether I was before.
        already: bool,
    },
    /// I am no member any more; or so many others are not.
    Gone {
        /// How many have gone with this.
        members: u32,
    },
    /// A page of rooms.
    Rooms {
        /// In order.
        rooms: Bounded<RoomListed, ROOM_PAGE_ITEMS_MAX>,
        /// Whether there are more after them.
        more: bool,
    },
    /// A page of members.
    Members {
        /// In order.
        members: Bounded<MemberListed, ROOM_PAGE_ITEMS_MAX>,
        /// Whether there are more after them.
        more: bool,
    },
    /// Who has a post.
    Readers {
        /// How many of those it is for.
        received: u32,
        /// How many those are.
        of: u32,
        /// Some of those who have it not, by folded name.
        missing: Bounded<Name, ROOM_PAGE_ITEMS_MAX>,
    },
}

/// Why a deed is not done. Append-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomRefusal {
    /// There is a room of that name, and it is another's.
    NameTaken,
    /// A word that no room may be called.
    NameReserved,
    /// There is no such room.
    NoSuchRoom,
    /// One is no member of it oneself.
    NotMember,
    /// It is another's room.
    NotOwner,
    /// Nobody of that name is in it.
    NoSuchMember,
    /// It has as many members as it may have.
    RoomFull,
    /// One has, or is in, as many rooms as one may; or there are as many in all.
    TooManyRooms,
    /// No post of that number waits for anybody.
    NoSuchPost,
    /// The disk did not take it: nothing has changed.
    Storage,
}

/// A room that one is a member of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Which.
    pub hall: Hall,
    /// Whose; `None`: the registry's.
    pub owner: Option<Name>,
    /// How many members it has.
    pub members: u32,
    /// Its last post: what comes up to this one was posted before.
    pub head: PostNumber,
}

/// A room in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomListed {
    /// Its name.
    pub name: Name,
    /// Whose; `None`: the registry's.
    pub owner: Option<Name>,
    /// How many members it has.
    pub members: u32,
    /// How many of them are online.
    pub online: u32,
}

/// A member in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberListed {
    /// Who.
    pub name: Name,
    /// Whether he is online.
    pub online: bool,
}

/// `FromRegistry::Memberships`: all rooms of a member, after each registration of one who is in any, and when he
/// asks. What he knows beside them he has left, or it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memberships {
    /// The number of the question that this answers; 0: it was told unasked.
    pub number: u64,
    /// All of them.
    pub rooms: Bounded<Membership, MEMBER_ROOMS_MAX>,
}

/// `FromRegistry::Post`. → `ToRegistry::PostHad`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// In which room.
    pub room: RoomId,
    /// Its place there.
    pub number: PostNumber,
    /// Up to where this member has had everything, or was sent it, or was told that it is gone. What lies between is gone.
    pub previous: PostNumber,
    /// Whether it is the first that he is sent of this room since he is registered.
    pub first: bool,
    /// What stands at this place.
    pub item: PostItem,
}

/// What stands in a room's log. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostItem {
    /// Another's post.
    Message(Forward),
    /// One of this member's own.
    Own {
        /// Which.
        slot: Slot,
    },
    /// What stood here is gone.
    Gone,
}

/// `ToRegistry::PostHad`: "I have committed everything up to here." No answer; said again with the next post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostHad {
    /// In which room.
    pub room: RoomId,
    /// Up to where.
    pub number: PostNumber,
}

/// `FromRegistry::RoomNews`: said once, to the members who are online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomNews {
    /// In which room.
    pub room: RoomId,
    /// The registry's wall clock then. For display.
    pub at: WallTime,
    /// How many members there are now.
    pub members: u32,
    /// What has happened.
    pub news: News,
}

/// What happens in rooms. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// Somebody is a member now.
    Joined {
        /// Who.
        name: Name,
    },
    /// Somebody is no member any more.
    Left {
        /// Who.
        name: Name,
    },
    /// The owner has shown somebody the door.
    Kicked {
        /// Whom; `None`: everybody but himself.
        name: Option<Name>,
    },
    /// The room is no more.
    Ended,
}
