//! Rooms, as the registry's database has them: who is in which, and who was, after each change.
//!
//! Judges whether whoever comes to be in a room, or not to be in it, was asked for so; what stands in logs is in `logs`, what
//! people ask and are told in `asking` and `inside`. Where the registry's database or somebody's folder may be lost, rooms are
//! what is left of them, and nothing of this is judged.
//! Invariant: says what the registry's database says, and has said.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Ledger, Verdict};
use crate::client::interface::RoomCommand;
use crate::clock::Instant;
use crate::id::{Name, RoomId};
use crate::registry::rooms::storage::{RoomKey, RoomReply, RoomRequest, RoomRow, RoomsImage, Who};
use crate::registry::storage::{self as registry, Kept, MemberId};
use crate::reserved::LOBBY;
use crate::simulation::invariant::Invariant;
use crate::simulation::quarters::Quarters;
use crate::wire::room::PostNumber;

/// How many changes there have been: what was so after the last of them.
pub(super) type Stand = usize;

/// What the registry is about to commit it counts already: a disk that is slow takes so long at most.
const UNDER_WAY: Duration = Duration::from_secs(5);

/// What has happened to who is in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Made,
    Joined(usize),
    /// One, or all but one, is to be out of it; those who were in it.
    Departed(Out, Vec<usize>),
    Ended,
}

/// Who is to be out of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Out {
    One(usize),
    AllBut(usize),
}

/// When, and where.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) at: Instant,
    pub(super) room: RoomId,
    pub(super) what: What,
    /// Who has been told of it.
    pub(super) told: BTreeSet<usize>,
}

/// When somebody was in a room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) person: usize,
    pub(super) from: Stand,
    /// `None`: he is still.
    pub(super) until: Option<Stand>,
    /// Up to where he has everything, as the registry knows, or knew when he left.
    pub(super) had: PostNumber,
    /// How much he was told that he missed behind that.
    pub(super) missed: u64,
}

/// What stands, or stood, at a place of a room's log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Which post.
    pub(super) post: usize,
    /// Of the envelope.
    pub(super) bytes: u64,
    pub(super) is_open: bool,
}

/// A room.
#[derive(Clone, Debug)]
pub(super) struct Hall {
    pub(super) id: RoomId,
    pub(super) name: Name,
    /// `None`: it is the registry's own.
    pub(super) owner: Option<usize>,
    made: Stand,
    ended: Option<Stand>,
    pub(super) head: PostNumber,
    pub(super) visits: Vec<Visit>,
    pub(super) log: BTreeMap<PostNumber, Entry>,
}

impl Hall {
    pub(super) fn is_there(&self, stand: Stand) -> bool {
        self.made <= stand && self.ended.is_none_or(|ended| stand < ended)
    }

    /// Who is in it then.
    pub(super) fn members(&self, stand: Stand) -> impl Iterator<Item = usize> {
        let then = move |visit: &&Visit| visit.from <= stand && visit.until.is_none_or(|until| stand < until);
        self.visits.iter().filter(then).map(|visit| visit.person)
    }

    pub(super) fn has(&self, person: usize, stand: Stand) -> bool {
        self.members(stand).any(|member| member == person)
    }

    /// How many that are, as it is told.
    pub(super) fn count(&self, stand: Stand) -> u32 {
        u32::try_from(self.members(stand).count()).unwrap_or(u32::MAX)
    }

    /// Those who are in it now.
    pub(super) fn present(&self) -> impl Iterator<Item = &Visit> {
        self.visits.iter().filter(|visit| visit.until.is_none())
    }

    /// Somebody's stay in it, if he is there now.
    pub(super) fn visit(&self, person: usize) -> Option<&Visit> {
        self.present().find(|visit| visit.person == person)
    }

    pub(super) fn visit_mut(&mut self, person: usize) -> Option<&mut Visit> {
        let mut visits = self.visits.iter_mut();
        visits.find(|visit| visit.person == person && visit.until.is_none())
    }

    /// Somebody's last stay in it.
    pub(super) fn last_visit(&self, person: usize) -> Option<&Visit> {
        self.visits.iter().rev().find(|visit| visit.person == person)
    }

    pub(super) fn last_visit_mut(&mut self, person: usize) -> Option<&mut Visit> {
        self.visits.iter_mut().rev().find(|visit| visit.person == person)
    }
}

/// Whose deed the registry has begun to commit.
#[derive(Clone, Debug)]
enum Begun {
    Make(Name, usize),
    Enter(RoomId),
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Halls {
    pub(super) halls: BTreeMap<RoomId, Hall>,
    /// Which room had a number last: the number of one of which nothing is left is given again.
    pub(super) numbered: BTreeMap<RoomKey, RoomId>,
    changes: Vec<Change>,
    begun: Vec<(Instant, Begun)>,
    /// How much they hold.
    pub(super) quarters: Quarters,
}

impl Halls {
    pub(super) const fn new(quarters: Quarters) -> Self {
        Self {
            halls: BTreeMap::new(),
            numbered: BTreeMap::new(),
            changes: Vec::new(),
            begun: Vec::new(),
            quarters,
        }
    }

    /// How it stands now.
    pub(super) const fn now(&self) -> Stand {
        self.changes.len()
    }

    /// How it has stood since a moment, also in the midst of one.
    pub(super) fn stands(&self, since: Instant) -> RangeInclusive<Stand> {
        self.changes.partition_point(|change| change.at < since)..=self.now()
    }

    /// What has changed since a moment, and how it stood then.
    pub(super) fn changes_mut(&mut self, since: Instant) -> impl Iterator<Item = (Stand, &mut Change)> {
        let numbered = (1..).zip(&mut self.changes);
        numbered.filter(move |(_, change)| change.at >= since)
    }

    pub(super) fn changes(&self, since: Instant) -> impl Iterator<Item = (Stand, &Change)> {
        let numbered = (1..).zip(&self.changes);
        numbered.filter(move |(_, change)| change.at >= since)
    }

    /// The rooms that there are then.
    pub(super) fn there(&self, stand: Stand) -> impl Iterator<Item = &Hall> {
        self.halls.values().filter(move |hall| hall.is_there(stand))
    }

    /// The one of that name.
    pub(super) fn named(&self, name: &Name, stand: Stand) -> Option<&Hall> {
        self.there(stand).find(|hall| hall.name.matches(name))
    }

    /// The one that has this number now.
    pub(super) fn of_key(&self, key: RoomKey) -> Option<&Hall> {
        let hall = self.halls.get(self.numbered.get(&key)?)?;
        hall.is_there(self.now()).then_some(hall)
    }

    pub(super) fn of_key_mut(&mut self, key: RoomKey) -> Option<&mut Hall> {
        let now = self.now();
        let hall = self.halls.get_mut(self.numbered.get(&key)?)?;
        hall.is_there(now).then_some(hall)
    }

    /// The room of that name in which somebody was last.
    pub(super) fn last_of(&self, person: usize, name: &Name) -> Option<RoomId> {
        let his = self.halls.values().filter(|hall| hall.name.matches(name));
        let visited = his.filter_map(|hall| Some((hall.last_visit(person)?.from, hall.id)));
        visited.max_by_key(|(from, _)| *from).map(|(_, id)| id)
    }

    /// How many rooms of that name somebody else is about to make, and how many entries to it are under way.
    pub(super) fn under_way(&self, since: Instant, room: Option<RoomId>) -> usize {
        let of = |begun: &Begun| match begun {
            Begun::Make(..) => room.is_none(),
            Begun::Enter(id) => room.is_none_or(|room| room == *id),
        };
        let recent = self.begun.iter().filter(|(at, _)| *at + UNDER_WAY >= since);
        recent.filter(|(_, begun)| of(begun)).count()
    }

    /// Whether somebody else may have been about to make a room of that name.
    pub(super) fn is_being_made(&self, since: Instant, name: &Name, by: usize) -> bool {
        self.begun.iter().any(|(at, begun)| {
            let makes = matches!(begun, Begun::Make(room, owner) if room.matches(name) && *owner != by);
            makes && *at + UNDER_WAY >= since
        })
    }

    fn change(&mut self, at: Instant, room: RoomId, what: What) -> Stand {
        let told = BTreeSet::new();
        self.changes.push(Change { at, room, what, told });
        self.now()
    }

    fn make(&mut self, at: Instant, row: &RoomRow, owner: Option<usize>) {
        let made = self.change(at, row.id, What::Made);
        let mut hall = Hall {
            id: row.id,
            name: row.name.clone(),
            owner,
            made,
            ended: None,
            head: row.head,
            visits: Vec::new(),
            log: BTreeMap::new(),
        };
        hall.visits.extend(owner.map(|person| Visit {
            person,
            from: made,
            until: None,
            had: row.head,
            missed: 0,
        }));
        self.halls.insert(row.id, hall);
        self.numbered.insert(row.key, row.id);
    }

    fn enter(&mut self, at: Instant, room: RoomId, person: usize) {
        let from = self.change(at, room, What::Joined(person));
        if let Some(hall) = self.halls.get_mut(&room) {
            hall.visits.push(Visit {
                person,
                from,
                until: None,
                had: hall.head,
                missed: 0,
            });
        }
    }

    /// They leave; who that is, and how far each was.
    fn leave(&mut self, at: Instant, room: RoomId, out: Option<Out>) -> Vec<(usize, PostNumber)> {
        let stays = |person: usize| match out {
            Some(Out::One(one)) => person != one,
            Some(Out::AllBut(one)) => person == one,
            None => false,
        };
        let present = self.halls.get(&room).into_iter().flat_map(Hall::present);
        let gone: Vec<(usize, PostNumber)> = present
            .filter(|visit| !stays(visit.person))
            .map(|visit| (visit.person, visit.had))
            .collect();
        let persons = gone.iter().map(|(person, _)| *person).collect();
        let what = out.map_or(What::Ended, |out| What::Departed(out, persons));
        let until = self.change(at, room, what);
        if let Some(hall) = self.halls.get_mut(&room) {
            hall.ended = out.is_none().then_some(until);
            let leaving = hall.visits.iter_mut().filter(|visit| !stays(visit.person));
            leaving.for_each(|visit| visit.until = visit.until.or(Some(until)));
        }
        gone
    }

    /// Whether somebody was in a room all the time from then on.
    pub(super) fn was_inside(&self, room: RoomId, person: usize, from: Instant) -> bool {
        let visit = self.halls.get(&room).and_then(|hall| hall.visit(person));
        let since = visit.and_then(|visit| self.changes.get(visit.from.checked_sub(1)?));
        since.is_some_and(|change| change.at <= from)
    }
}

impl Ledger {
    /// The registry has committed something.
    pub(super) fn room_committed(
        &mut self,
        at: Instant,
        request: &registry::Request,
        reply: &registry::Reply,
    ) -> Verdict {
        match (request, reply) {
            (registry::Request::Room(request), registry::Reply::Room(reply)) => {
                self.deed_committed(at, request, reply)
            }
            (registry::Request::Expire { .. }, registry::Reply::Expired { posts, .. }) => {
                self.posts_outlived(at, posts)
            }
            (registry::Request::Forget { sender, slot }, registry::Reply::Forgotten(true)) => {
                self.post_forgotten(*sender, *slot)
            }
            _ => Ok(()),
        }
    }

    fn deed_committed(&mut self, at: Instant, request: &RoomRequest, reply: &RoomReply) -> Verdict {
        match (request, reply) {
            (RoomRequest::MakeRoom(row), _) => self.made(at, row),
            (RoomRequest::Enter { room, member }, _) => self.enters(at, *room, *member),
            (RoomRequest::Depart { room, who, .. }, RoomReply::PostsEnded { posts, .. }) => {
                let departed = self.departs(at, *room, *who);
                departed.and(self.posts_had(at, posts))
            }
            (RoomRequest::EndRoom { room, .. }, RoomReply::PostsEnded { posts, .. }) => {
                let ended = self.ends(at, *room);
                ended.and(self.posts_had(at, posts))
            }
            (
                RoomRequest::Post(new),
                RoomReply::Posted {
                    kept: Kept::Fresh(_),
                    number,
                    gave_way,
                },
            ) => self.post_kept(at, new, *number, gave_way),
            (
                RoomRequest::Advance {
                    room, member, number, ..
                },
                RoomReply::PostsEnded { posts, .. },
            ) => {
                let advanced = self.advances(*room, *member, *number);
                advanced.and(self.posts_had(at, posts))
            }
            (RoomRequest::Settle { .. }, RoomReply::PostsEnded { posts, .. }) => self.posts_had(at, posts),
            _ => Ok(()),
        }
    }

    /// The registry asks its database for something about rooms.
    pub(super) fn room_begins(&mut self, at: Instant, request: &RoomRequest) {
        let person = |member: &MemberId| self.books.members.get(member).copied();
        let begun = match request {
            RoomRequest::MakeRoom(row) => {
                let owner = row.owner.as_ref().and_then(person);
                owner.map(|owner| Begun::Make(row.name.clone(), owner))
            }
            RoomRequest::Enter { room, .. } => self.halls.numbered.get(room).copied().map(Begun::Enter),
            _ => None,
        };
        self.halls.begun.extend(begun.map(|begun| (at, begun)));
    }

    /// Not unless somebody wants it so; nor is there more than there may be.
    fn made(&mut self, at: Instant, row: &RoomRow) -> Verdict {
        let owner = row
            .owner
            .and_then(|owner| self.books.members.get(&owner).copied());
        self.halls.make(at, row, owner);
        let is_lobby = LOBBY.parse::<Name>().is_ok_and(|name| name.matches(&row.name));
        let wanted = match owner {
            Some(owner) => self.is_asked(
                at,
                owner,
                |command| matches!(command, RoomCommand::Create(room) if room.matches(&row.name)),
            ),
            None => is_lobby && self.halls.quarters.lobby,
        };
        let now = self.halls.now();
        let namesakes = self.halls.there(now).filter(|hall| hall.name.matches(&row.name));
        if !wanted || owner.is_some() == is_lobby || namesakes.count() > 1 {
            return self.not_so(format!(
                "{} is made for {owner:?}, who did not ask for it",
                row.name
            ));
        }
        let owned = self.halls.there(now).filter(|hall| hall.owner == owner).count();
        let Quarters {
            rooms, owned: most, ..
        } = self.halls.quarters;
        if owner.is_some() && (self.halls.there(now).count() > rooms || owned > most) {
            let what = format!("{} is made for {owner:?}, who has {owned} rooms", row.name);
            return self.posts.unless_lax(|| (Invariant::Bounded, what));
        }
        owner.map_or(Ok(()), |owner| self.is_in_no_more_than_he_may(owner))
    }

    fn enters(&mut self, at: Instant, room: RoomKey, member: MemberId) -> Verdict {
        let person = self.books.members.get(&member).copied();
        let Some((person, hall)) = person.zip(self.halls.of_key(room)) else {
            return Ok(());
        };
        if hall.visit(person).is_some() {
            return Ok(());
        }
        let (id, name) = (hall.id, hall.name.clone());
        self.halls.enter(at, id, person);
        let wanted = self.is_asked(at, person, |command| match command {
            RoomCommand::Create(room) | RoomCommand::Join(room) => room.matches(&name),
            _ => false,
        });
        if !wanted {
            return self.not_so(format!("{person} is let into {name}, and did not ask for it"));
        }
        let members = self.halls.halls.get(&id).map_or(0, |hall| hall.present().count());
        if members > self.halls.quarters.members {
            let what = format!("{name} has {members} members");
            return self.posts.unless_lax(|| (Invariant::Bounded, what));
        }
        self.is_in_no_more_than_he_may(person)
    }

    fn is_in_no_more_than_he_may(&self, person: usize) -> Verdict {
        let now = self.halls.now();
        let inside = self.halls.there(now).filter(|hall| hall.has(person, now)).count();
        if inside <= self.halls.quarters.entered {
            return Ok(());
        }
        let what = format!("{person} is in {inside} rooms");
        self.posts.unless_lax(|| (Invariant::Bounded, what))
    }

    /// Some leave, by themselves or because the owner has said so: what they have not they never will.
    fn departs(&mut self, at: Instant, room: RoomKey, who: Who) -> Verdict {
        let named = |member: MemberId| self.books.members.get(&member).copied();
        let out = match who {
            Who::One(member) => named(member).map(Out::One),
            Who::AllBut(member) => named(member).map(Out::AllBut),
        };
        let Some((out, hall)) = out.zip(self.halls.of_key(room)) else {
            return Ok(());
        };
        let (id, name, owner) = (hall.id, hall.name.clone(), hall.owner);
        let is_put_out = owner.is_some_and(|owner| self.is_asked_out(at, owner, &name, out));
        let leaves = |one: usize| {
            self.is_asked(
                at,
                one,
                |command| matches!(command, RoomCommand::Leave(room) if room.matches(&name)),
            )
        };
        let is_wanted = match out {
            Out::One(one) => is_put_out || (owner != Some(one) && leaves(one)),
            Out::AllBut(one) => owner == Some(one) && is_put_out,
        };
        self.leave_without(at, id, Some(out));
        if is_wanted {
            return Ok(());
        }
        self.not_so(format!(
            "{out:?} is out of {name}, and neither did he leave nor its owner want that"
        ))
    }

    /// Whether the owner of a room has asked for that.
    pub(super) fn is_asked_out(&self, at: Instant, owner: usize, room: &Name, out: Out) -> bool {
        let whom = match out {
            Out::One(one) => self.names.get(one),
            Out::AllBut(_) => None,
        };
        self.is_asked(at, owner, |command| match command {
            RoomCommand::Kick { room: kicked, name } => {
                let same = match (name, whom) {
                    (Some(name), Some(whom)) => name.matches(whom),
                    (None, None) => true,
                    _ => false,
                };
                kicked.matches(room) && same
            }
            _ => false,
        })
    }

    fn ends(&mut self, at: Instant, room: RoomKey) -> Verdict {
        let Some(hall) = self.halls.of_key(room) else {
            return Ok(());
        };
        let (id, name, owner) = (hall.id, hall.name.clone(), hall.owner);
        let leaves = owner.is_some_and(|owner| {
            self.is_asked(
                at,
                owner,
                |command| matches!(command, RoomCommand::Leave(room) if room.matches(&name)),
            )
        });
        self.leave_without(at, id, None);
        if leaves {
            return Ok(());
        }
        self.not_so(format!("{name} has ended, and its owner did not leave it"))
    }

    fn leave_without(&mut self, at: Instant, room: RoomId, out: Option<Out>) {
        for (person, had) in self.halls.leave(at, room, out) {
            self.loses(room, person, had);
        }
    }

    /// What is wrong about who is in which room.
    pub(super) fn not_so(&self, what: String) -> Verdict {
        self.posts.unless_lax(|| (Invariant::InOrOut, what))
    }

    /// What the registry's database has of rooms that is not so, or has not ended.
    pub(in crate::simulation) fn rooms_that_differ(&self, image: &RoomsImage) -> Vec<String> {
        let mut differ: Vec<String> = image
            .posts
            .iter()
            .map(|posts| format!("the registry keeps {} posts", posts.usage.messages))
            .collect();
        let person = |member: &MemberId| self.books.members.get(member).copied();
        let found: BTreeSet<(RoomKey, Option<usize>)> = image
            .memberships
            .iter()
            .map(|(room, member)| (*room, person(member)))
            .collect();
        let known: BTreeSet<(RoomKey, Option<usize>)> = self
            .halls
            .numbered
            .keys()
            .filter_map(|room| Some((*room, self.halls.of_key(*room)?)))
            .flat_map(|(room, hall)| hall.present().map(move |visit| (room, Some(visit.person))))
            .collect();
        if !self.posts.is_lax && found != known {
            differ.push(format!(
                "the registry has {found:?} in rooms, and it is {known:?}"
            ));
        }
        differ
    }
}
