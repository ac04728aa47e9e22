//! Rooms: who is in which, and how much stands in their logs (PROTOCOL §8.5).
//!
//! This is the book that the others decide by: `asking` (questions and answers), `deeds` (make, join, leave, kick, lists),
//! `lobby` (the registry's own), `posting` (what is posted, and how it ends), `feeding` (what each member who is online is
//! sent, by the `feed` of each room). Cursors are the store's.
//! Invariants: the three ways lead to the same room; what is counted of memberships and of posts is what the database has and
//! what is about to be committed.

mod asking;
mod deeds;
mod feed;
mod feeding;
mod lobby;
mod posting;
pub mod storage;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::asking::Asker;
pub(super) use self::feed::Feed;
pub(super) use self::feeding::FeedOf;
pub(super) use self::posting::PostUnderWay;
use self::storage::{RoomKey, RoomRow, RoomsImage, Who};
use crate::id::{Name, RoomId};
use crate::registry::storage::{MemberId, Usage};
use crate::wire::room::PostNumber;

/// A room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: Name,
    /// Whose; `None`: the registry's own.
    pub(super) owner: Option<MemberId>,
    /// Whether it is in the database. Until then nobody is told of it.
    pub(super) committed: bool,
    pub(super) members: BTreeSet<MemberId>,
    /// Whose entry is being committed.
    entering: BTreeSet<MemberId>,
    /// How many of them are online and are sent what is posted.
    pub(super) online: u32,
    /// The last post.
    pub(super) head: PostNumber,
    /// What stands in its log, or is about to.
    usage: Usage,
    /// Of it, by author.
    authors: BTreeMap<MemberId, Usage>,
}

impl Room {
    fn new(row: RoomRow, committed: bool) -> Self {
        Self {
            id: row.id,
            name: row.name,
            owner: row.owner,
            committed,
            members: BTreeSet::new(),
            entering: BTreeSet::new(),
            online: 0,
            head: row.head,
            usage: Usage::default(),
            authors: BTreeMap::new(),
        }
    }

    /// How many are in it, or are about to be.
    fn places(&self) -> usize {
        self.members.len() + self.entering.len()
    }

    /// Which of its members those are.
    fn those(&self, who: Who) -> Vec<MemberId> {
        match who {
            Who::One(one) => self.members.get(&one).copied().into_iter().collect(),
            Who::AllBut(one) => self
                .members
                .iter()
                .copied()
                .filter(|member| *member != one)
                .collect(),
        }
    }

    /// How many members it has, as it is told.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomKey, Room>,
    by_id: BTreeMap<RoomId, RoomKey>,
    by_name: BTreeMap<String, RoomKey>,
    /// In which rooms each member is, or is about to be; and how many that is in all.
    of_member: BTreeMap<MemberId, BTreeSet<RoomKey>>,
    memberships: usize,
    /// What is open of each author's posts, in all rooms.
    of_author: BTreeMap<MemberId, Usage>,
    /// How many rooms are whose.
    of_owner: BTreeMap<MemberId, usize>,
    last: RoomKey,
}

impl Rooms {
    /// As the database has them.
    pub(super) fn new(image: RoomsImage) -> Self {
        let mut rooms = Self {
            last: image.last_room,
            ..Self::default()
        };
        for row in image.rooms {
            rooms.insert(row, true);
        }
        for (key, member) in image.memberships {
            rooms.enters(key, member);
            rooms.entered(key, member);
        }
        for posts in image.posts {
            rooms.add_posts(posts.room, posts.author, posts.usage);
        }
        rooms
    }

    /// The number for a new room.
    pub(super) fn next_key(&mut self) -> Option<RoomKey> {
        self.last = RoomKey(self.last.0.checked_add(1)?);
        Some(self.last)
    }

    /// Takes in a room, from the database or one whose commit begins.
    pub(super) fn insert(&mut self, row: RoomRow, committed: bool) {
        let key = row.key;
        self.by_id.insert(row.id, key);
        self.by_name.insert(row.name.folded(), key);
        if let Some(owner) = row.owner {
            *self.of_owner.entry(owner).or_default() += 1;
        }
        self.rooms.insert(key, Room::new(row, committed));
    }

    /// A room is no more, or never was; returns what it was.
    pub(super) fn remove(&mut self, key: RoomKey) -> Option<Room> {
        let room = self.rooms.remove(&key)?;
        self.by_id.remove(&room.id);
        self.by_name.remove(&room.name.folded());
        if let Some(owner) = room.owner {
            take_one(&mut self.of_owner, owner);
        }
        for member in room.members.iter().chain(&room.entering) {
            leave(&mut self.of_member, *member, key);
            self.memberships -= 1;
        }
        Some(room)
    }

    /// A room, also one that is being made.
    pub(super) fn get(&self, key: RoomKey) -> Option<&Room> {
        self.rooms.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: RoomKey) -> Option<&mut Room> {
        self.rooms.get_mut(&key)
    }

    pub(super) fn by_id(&self, id: RoomId) -> Option<(RoomKey, &Room)> {
        let key = *self.by_id.get(&id)?;
        Some((key, self.rooms.get(&key)?))
    }

    pub(super) fn by_name(&self, name: &Name) -> Option<(RoomKey, &Room)> {
        let key = *self.by_name.get(&name.folded())?;
        Some((key, self.rooms.get(&key)?))
    }

    /// The rooms behind a name, in their names' order.
    pub(super) fn after(&self, name: Option<&Name>) -> impl Iterator<Item = (RoomKey, &Room)> {
        let from = name.map_or(std::ops::Bound::Unbounded, |name| {
            std::ops::Bound::Excluded(name.folded())
        });
        self.by_name
            .range((from, std::ops::Bound::Unbounded))
            .filter_map(|(_, key)| Some((*key, self.rooms.get(key)?)))
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) const fn memberships(&self) -> usize {
        self.memberships
    }

    /// In how many rooms somebody is, or is about to be.
    pub(super) fn rooms_of(&self, member: MemberId) -> usize {
        self.of_member.get(&member).map_or(0, BTreeSet::len)
    }

    /// Those that he is in.
    pub(super) fn of(&self, member: MemberId) -> Vec<RoomKey> {
        let inside = |key: &&RoomKey| self.get(**key).is_some_and(|room| room.members.contains(&member));
        let rooms = self.of_member.get(&member).into_iter().flatten();
        rooms.filter(inside).copied().collect()
    }

    pub(super) fn owned_by(&self, member: MemberId) -> usize {
        self.of_owner.get(&member).copied().unwrap_or(0)
    }

    /// Somebody's entry is being committed: a place is kept for him.
    pub(super) fn enters(&mut self, key: RoomKey, member: MemberId) {
        if let Some(room) = self.rooms.get_mut(&key)
            && !room.members.contains(&member)
            && room.entering.insert(member)
        {
            self.of_member.entry(member).or_default().insert(key);
            self.memberships += 1;
        }
    }

    /// It is committed.
    pub(super) fn entered(&mut self, key: RoomKey, member: MemberId) {
        if let Some(room) = self.rooms.get_mut(&key)
            && room.entering.remove(&member)
        {
            room.members.insert(member);
        }
    }

    /// It is not; or he has left.
    pub(super) fn leaves(&mut self, key: RoomKey, member: MemberId) {
        if let Some(room) = self.rooms.get_mut(&key)
            && (room.entering.remove(&member) | room.members.remove(&member))
        {
            leave(&mut self.of_member, member, key);
            self.memberships -= 1;
        }
    }

    /// What is open of somebody's posts, in all rooms, also in those that have ended.
    pub(super) fn open_of(&self, author: MemberId) -> Usage {
        self.of_author.get(&author).copied().unwrap_or_default()
    }

    /// What stands in a room's log, or is about to, and of it what is this author's.
    pub(super) fn usage(&self, key: RoomKey, author: MemberId) -> (Usage, Usage) {
        let of = |authors: &BTreeMap<MemberId, Usage>| authors.get(&author).copied().unwrap_or_default();
        self.rooms
            .get(&key)
            .map_or_else(Default::default, |room| (room.usage, of(&room.authors)))
    }

    /// Room is made for posts.
    pub(super) fn add_posts(&mut self, key: RoomKey, author: MemberId, posts: Usage) {
        let open = self.of_author.entry(author).or_default();
        *open = open.plus(posts);
        if let Some(room) = self.rooms.get_mut(&key) {
            room.usage = room.usage.plus(posts);
            let his = room.authors.entry(author).or_default();
            *his = his.plus(posts);
        }
    }

    /// Posts have ended, or were not kept.
    pub(super) fn drop_posts(&mut self, key: RoomKey, author: MemberId, posts: Usage) {
        if let Some(open) = self.of_author.get_mut(&author) {
            *open = open.minus(posts);
            if open.messages == 0 {
                self.of_author.remove(&author);
            }
        }
        if let Some(room) = self.rooms.get_mut(&key) {
            room.usage = room.usage.minus(posts);
            if let Some(his) = room.authors.get_mut(&author) {
                *his = his.minus(posts);
                if his.messages == 0 {
                    room.authors.remove(&author);
                }
            }
        }
    }
}

fn leave(rooms: &mut BTreeMap<MemberId, BTreeSet<RoomKey>>, member: MemberId, key: RoomKey) {
    if let Some(his) = rooms.get_mut(&member) {
        his.remove(&key);
        if his.is_empty() {
            rooms.remove(&member);
        }
    }
}

fn take_one(counts: &mut BTreeMap<MemberId, usize>, member: MemberId) {
    if let Some(count) = counts.get_mut(&member) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&member);
        }
    }
}
