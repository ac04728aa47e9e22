//! What the registry asks of its database about rooms, and what it answers.
//!
//! As in [`crate::registry::storage`]: the engine decides who may do what, the store what is new, in which order posts stand, and
//! when nobody waits for one any more.
//! Invariant: every request may be repeated, and a repetition changes nothing more.

use crate::clock::Age;
use crate::id::{EnvelopeHash, Name, RoomId, Slot};
use crate::registry::storage::{Kept, MemberId, Notice, Row, Usage};
use crate::wire::message::Forward;
use crate::wire::room::PostNumber;

/// Posts that one request ends at most: a commit must not take long, and of each it is counted who has it not.
pub const POSTS_ENDED_MAX: usize = 64;

/// A room, as the database numbers it. Given by the engine, from 1; by a later run again, if nothing is left of the room
/// that had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(pub u32);

/// What is known of a room for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Its number.
    pub key: RoomKey,
    /// What clients call it.
    pub id: RoomId,
    /// Its name, as its owner wrote it.
    pub name: Name,
    /// Whose it is; `None`: the registry's own.
    pub owner: Option<MemberId>,
    /// The last post.
    pub head: PostNumber,
}

/// What one author's open posts in one room come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostUsage {
    /// Where.
    pub room: RoomKey,
    /// Whose.
    pub author: MemberId,
    /// How much.
    pub usage: Usage,
}

/// What a registry starts with.
#[derive(Clone, Debug, Default)]
pub struct RoomsImage {
    /// All rooms, by number.
    pub rooms: Vec<RoomRow>,
    /// Who is in them, by room and member.
    pub memberships: Vec<(RoomKey, MemberId)>,
    /// What was posted and has not ended, by room and author.
    pub posts: Vec<PostUsage>,
    /// The highest number of a room, also of one that has ended and of which something is left.
    pub last_room: RoomKey,
    /// Rooms in which something stands that nobody waits for, also such as have ended: it is to end, too.
    pub unsettled: Vec<RoomKey>,
}

/// What the registry asks.
#[derive(Clone, Debug)]
pub enum RoomRequest {
    /// Keep this room, with its owner in it. → `Made`
    MakeRoom(RoomRow),
    /// He is a member from now on: of what is posted then. → `Entered`
    Enter {
        /// Where.
        room: RoomKey,
        /// Who.
        member: MemberId,
    },
    /// They are members no more. → `PostsEnded`
    Depart {
        /// Where.
        room: RoomKey,
        /// Who.
        who: Who,
        /// Until when outcomes are kept.
        keep_until: Age,
    },
    /// The room is no more. → `PostsEnded`
    EndRoom {
        /// Which.
        room: RoomKey,
        /// Until when outcomes are kept.
        keep_until: Age,
    },
    /// Keep this post. → `Posted`
    Post(Box<NewPost>),
    /// Up to where he has everything, in each room that he is in. → `Cursors`
    Cursors {
        /// Who.
        member: MemberId,
    },
    /// What was posted after `after`, in order. → `Posts`
    ReadPosts {
        /// Where.
        room: RoomKey,
        /// The last one known.
        after: PostNumber,
    },
    /// He has everything up to there; what everybody has ends. → `PostsEnded`
    Advance {
        /// Where.
        room: RoomKey,
        /// Who.
        member: MemberId,
        /// Up to where.
        number: PostNumber,
        /// Until when outcomes are kept.
        keep_until: Age,
    },
    /// End what everybody who is there has, as far as that was not done. → `PostsEnded`
    Settle {
        /// Where.
        room: RoomKey,
        /// Until when outcomes are kept.
        keep_until: Age,
    },
    /// Who has a post that has not ended. → `Readers`
    Readers {
        /// Whose.
        author: MemberId,
        /// Which.
        slot: Slot,
    },
}

/// Who leaves a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// He.
    One(MemberId),
    /// All but him.
    AllBut(MemberId),
}

/// `Request::Post`.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// The row it gets.
    pub row: Row,
    /// Where.
    pub room: RoomKey,
    /// From whom.
    pub author: MemberId,
    /// Which of the author's.
    pub slot: Slot,
    /// Of the envelope.
    pub hash: EnvelopeHash,
    /// When its lifetime ends.
    pub expires: Age,
    /// What the log may hold, if that may be too little with this one: then the oldest give way to it, if it is kept.
    pub bounds: Option<LogBounds>,
    /// Until when outcomes are kept.
    pub keep_until: Age,
    /// The message; handed back in the reply.
    pub forward: Forward,
}

/// What may stand in a room's log at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogBounds {
    /// In all.
    pub room: Usage,
    /// Of one author.
    pub author: Usage,
}

/// A post that has ended: everybody who was to have it has it, or never will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostEnd {
    /// In which room.
    pub room: RoomKey,
    /// Whose it was.
    pub author: MemberId,
    /// Its envelope bytes.
    pub bytes: u64,
    /// What its author is to learn.
    pub notice: Notice,
}

/// A post that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostRow {
    /// Its place in the room.
    pub number: PostNumber,
    /// From whom.
    pub author: MemberId,
    /// Which of the author's.
    pub slot: Slot,
    /// The message.
    pub forward: Forward,
}

/// What the database answers.
#[derive(Clone, Debug)]
pub enum RoomReply {
    /// It is there.
    Made,
    /// He is in the room.
    Entered {
        /// Up to where he has everything.
        cursor: PostNumber,
        /// The room's last post.
        head: PostNumber,
    },
    /// Posts that have ended.
    PostsEnded {
        /// In order.
        posts: Vec<PostEnd>,
        /// Whether there may be more that are to end.
        more: bool,
    },
    /// What became of a post.
    Posted {
        /// Whether it is new, as of a deposit.
        kept: Kept,
        /// If so, where it stands.
        number: PostNumber,
        /// What has ended for it.
        gave_way: Vec<PostEnd>,
    },
    /// Up to where a member has everything: room, cursor, the room's last post.
    Cursors(Vec<(RoomKey, PostNumber, PostNumber)>),
    /// A page of a room.
    Posts {
        /// In order.
        rows: Vec<PostRow>,
        /// Whether there may be more after them.
        more: bool,
        /// The room's last post.
        head: PostNumber,
    },
    /// Who has a post; `None`: nobody waits for it.
    Readers(Option<Readers>),
}

/// `Reply::Readers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readers {
    /// How many of those it was for have it.
    pub received: u32,
    /// How many those are.
    pub of: u32,
    /// Some of those who have it not, by number.
    pub missing: Vec<MemberId>,
}
