//! Rooms, as the registry's database has them: who is in which, and who was, after each change.
//!
//! Judges nothing: whether a change may be is `doors`' business, what stands in logs is in `logs`.
//! Invariant: says what the registry's database says, and has said.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::Instant;
use crate::id::{Name, RoomId};
use crate::registry::rooms::storage::{RoomKey, RoomRow};
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
    /// Whether it had ended at another place before.
    pub(super) is_again: bool,
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
pub(super) enum Begun {
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

    /// How many may have been about to enter a room.
    pub(super) fn entering(&self, since: Instant, room: RoomId) -> usize {
        self.under_way(since, |begun| matches!(begun, Begun::Enter(id) if *id == room))
    }

    /// How many rooms may have been about to be made.
    pub(super) fn being_made(&self, since: Instant) -> usize {
        self.under_way(since, |begun| matches!(begun, Begun::Make(..)))
    }

    fn under_way(&self, since: Instant, is_it: impl Fn(&Begun) -> bool) -> usize {
        let recent = self.begun.iter().filter(|(at, _)| *at + UNDER_WAY >= since);
        recent.filter(|(_, begun)| is_it(begun)).count()
    }

    /// Whether somebody else may have been about to make a room of that name.
    pub(super) fn is_being_made(&self, since: Instant, name: &Name, by: usize) -> bool {
        self.begun.iter().any(|(at, begun)| {
            let makes = matches!(begun, Begun::Make(room, owner) if room.matches(name) && *owner != by);
            makes && *at + UNDER_WAY >= since
        })
    }

    /// The registry begins to commit something.
    pub(super) fn begin(&mut self, at: Instant, begun: Begun) {
        self.begun.push((at, begun));
    }

    fn change(&mut self, at: Instant, room: RoomId, what: What) -> Stand {
        let told = BTreeSet::new();
        self.changes.push(Change { at, room, what, told });
        self.now()
    }

    pub(super) fn make(&mut self, at: Instant, row: &RoomRow, owner: Option<usize>) {
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

    pub(super) fn enter(&mut self, at: Instant, room: RoomId, person: usize) {
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

    /// They leave, or all do because it ends; who that is, and how far each was.
    pub(super) fn leave(&mut self, at: Instant, room: RoomId, out: Option<Out>) -> Vec<(usize, PostNumber)> {
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
