//! What rooms are like in a world: how much they hold, whether there is one for everybody, and how often people ask about them.
//!
//! Invariant: whoever draws none of it has rooms as registries grant them.

use super::dice::{Chance, Dice};
use crate::id::Name;
use crate::limits;
use crate::registry::Config;
use crate::reserved::LOBBY;

/// What rooms hold, and who has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarters {
    /// Somebody asks which rooms there are, or who is in one, so often a minute.
    pub asks: u32,
    /// Whether the registry has a room for everybody; every other one enters it whenever he registers.
    pub lobby: bool,
    /// Rooms in all …
    pub rooms: usize,
    /// … and of one owner …
    pub owned: usize,
    /// … and of one member.
    pub entered: usize,
    /// Members of a room.
    pub members: usize,
    /// Posts that stand in a room's log …
    pub posts: u64,
    /// … and their envelope bytes.
    pub bytes: u64,
    /// Of them, of one author …
    pub author_posts: u64,
    /// … and their envelope bytes.
    pub author_bytes: u64,
}

impl Quarters {
    /// What registries grant.
    pub const USUAL: Self = Self {
        asks: 0,
        lobby: false,
        rooms: limits::ROOMS_MAX,
        owned: limits::OWNER_ROOMS_MAX,
        entered: limits::MEMBER_ROOMS_MAX,
        members: limits::ROOM_MEMBERS_MAX,
        posts: limits::ROOM_POSTS_MAX,
        bytes: limits::ROOM_BYTES_MAX,
        author_posts: limits::AUTHOR_POSTS_MAX,
        author_bytes: limits::AUTHOR_BYTES_MAX,
    };

    /// Rooms that hold little, for people who ask about them; half of the time with one for everybody.
    pub fn small(dice: &mut Dice) -> Self {
        const BYTES_MIN: u64 = 2 * limits::MESSAGE_BYTES_MAX as u64;
        let posts = 2 + dice.below(12);
        let bytes = BYTES_MIN + dice.below(BYTES_MIN);
        Self {
            asks: u32::try_from(1 + dice.below(4)).unwrap_or(1),
            lobby: dice.chance(Chance::percent(50)),
            rooms: 1 + dice.index(4),
            owned: 1 + dice.index(2),
            entered: 1 + dice.index(4),
            members: 1 + dice.index(4),
            posts,
            bytes,
            author_posts: 1 + dice.below(posts),
            author_bytes: BYTES_MIN / 2 + dice.below(bytes / 2),
        }
    }

    /// A registry with such rooms.
    pub(super) fn config(&self) -> Config {
        Config {
            lobby: self.lobby,
            rooms_max: self.rooms,
            owner_rooms_max: self.owned,
            member_rooms_max: self.entered,
            room_members_max: self.members,
            room_posts_max: self.posts,
            room_bytes_max: self.bytes,
            author_posts_max: self.author_posts,
            author_bytes_max: self.author_bytes,
            ..Config::default()
        }
    }

    /// Which room somebody enters whenever he registers.
    pub(super) fn joined_by(&self, person: usize) -> Option<Name> {
        let joins = self.lobby && person.is_multiple_of(2);
        LOBBY.parse().ok().filter(|_| joins)
    }
}
