//! What people are told of rooms: that they are in one, or are not any more; who else is, and who comes and goes.
//!
//! What is told was so at the registry, at a moment since it was asked, or since the program began; and only of what has happened
//! it is told, once. Why something is not done is in `turned_away`; what is offered in `lobby`.
//! Invariant: what somebody was told last of being inside is what his program takes for so.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::halls::{Out, Stand, What};
use super::{Ledger, Verdict};
use crate::client::interface::{Member, RoomEvent};
use crate::client::storage::KnownRoom;
use crate::clock::Instant;
use crate::id::Name;
use crate::wire::room::{Membership, News, RoomListed};

/// Where somebody takes himself to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    /// As he was told, by folded name.
    pub(super) told: BTreeSet<String>,
    /// When it first stood so as he was told last of each name: what he is told next has to have been so then, or later.
    stood: BTreeMap<String, Stand>,
    /// As his database has it.
    committed: BTreeMap<String, KnownRoom>,
}

impl Inside {
    /// Another program of his knows what is committed.
    pub(super) fn begin(&mut self) {
        self.told = self.committed.keys().cloned().collect();
        self.stood.clear();
    }
}

impl Ledger {
    /// Somebody's database has him in these rooms, and not in those any more.
    pub(super) fn takes_himself_in(&mut self, person: usize, inside: &[KnownRoom], outside: &[Name]) {
        if let Some(his) = self.inside.get_mut(person) {
            for name in outside {
                his.committed.remove(&name.folded());
            }
            let rooms = inside.iter().map(|room| (room.hall.name.folded(), room.clone()));
            his.committed.extend(rooms);
        }
    }

    /// Whether somebody was told that he is in a room of that name.
    pub(super) fn is_told_inside(&self, person: usize, name: &Name) -> bool {
        let his = self.inside.get(person);
        his.is_some_and(|his| his.told.contains(&name.folded()))
    }

    /// Somebody is told something of rooms that is not of a post of his own.
    pub(super) fn told_of_rooms(&mut self, at: Instant, person: usize, event: &RoomEvent) -> Verdict {
        let asked = self.answers_question(at, person, event);
        let begun = self.begun_at(person);
        let since = asked.unwrap_or(begun);
        let stood = match event {
            RoomEvent::Entered { room, already } => {
                let stands = self.since_told(since, person, &room.hall.name);
                self.stands_inside(stands, since, person, (room, *already))
            }
            RoomEvent::Left { room } if asked.is_none() => None,
            RoomEvent::Outside { room } if !self.is_told_inside(person, room) => None,
            RoomEvent::Left { room } | RoomEvent::Outside { room } => {
                let stands = self.since_told(since, person, room);
                self.stands_outside(stands, person, room)
            }
            _ => None,
        };
        let is_so = match event {
            RoomEvent::Entered { .. } | RoomEvent::Left { .. } | RoomEvent::Outside { .. } => stood.is_some(),
            RoomEvent::Kicked { room, name, members } => {
                asked.is_some_and(|since| self.has_put_out(since, person, room, (name.as_ref(), *members)))
            }
            RoomEvent::Rooms(rooms) => asked.is_some_and(|since| self.are_all(since, rooms)),
            RoomEvent::Members { room, members } => {
                asked.is_some_and(|since| self.are_members(since, room, members))
            }
            RoomEvent::News {
                room,
                members,
                news,
                out,
                ..
            } => self.has_happened(begun, person, room, (news, *members, *out)),
            RoomEvent::NotDone { command, why } => {
                return match asked {
                    Some(since) => self.is_not_done(since, person, command, why),
                    None => self.not_so(format!("{person} is answered {event:?}, and did not ask")),
                };
            }
            RoomEvent::Missed { room, messages } => return self.has_missed(person, room, *messages),
            RoomEvent::Offered { .. } => return self.is_offered(person),
            // Nobody takes the name of another here.
            RoomEvent::Impostor { .. } => false,
            RoomEvent::Posted { .. }
            | RoomEvent::Waiting { .. }
            | RoomEvent::Reached { .. }
            | RoomEvent::Refused { .. }
            | RoomEvent::Expired { .. }
            | RoomEvent::Readers { .. } => return Ok(()),
        };
        self.takes_to_be(person, event, stood);
        if is_so {
            return Ok(());
        }
        self.not_so(format!("{person} is told {event:?}, and it was not so"))
    }

    fn takes_to_be(&mut self, person: usize, event: &RoomEvent, stood: Option<Stand>) {
        let Some(his) = self.inside.get_mut(person) else {
            return;
        };
        let name = match event {
            RoomEvent::Entered { room, .. } => {
                his.told.insert(room.hall.name.folded());
                &room.hall.name
            }
            RoomEvent::Left { room }
            | RoomEvent::Outside { room }
            | RoomEvent::News { room, out: true, .. } => {
                his.told.remove(&room.folded());
                room
            }
            _ => return,
        };
        if let Some(stood) = stood {
            his.stood.insert(name.folded(), stood);
        }
    }

    /// Since a moment, and not before what he was told last of a room of that name.
    fn since_told(&self, since: Instant, person: usize, name: &Name) -> RangeInclusive<Stand> {
        let stood = self
            .inside
            .get(person)
            .and_then(|his| his.stood.get(&name.folded()));
        let stands = self.halls.stands(since);
        stood.map_or(*stands.start(), |stood| *stood.max(stands.start()))..=*stands.end()
    }

    /// When he was first there as he is told.
    fn stands_inside(
        &self,
        mut stands: RangeInclusive<Stand>,
        since: Instant,
        person: usize,
        (room, already): (&Membership, bool),
    ) -> Option<Stand> {
        let hall = self.halls.halls.get(&room.hall.id)?;
        let entered = |(_, change): (Stand, &super::halls::Change)| {
            change.room == hall.id
                && (change.what == What::Joined(person)
                    || (change.what == What::Made && hall.owner == Some(person)))
        };
        let named = |owner: usize| self.names.get(owner).cloned();
        let is_that = hall.name == room.hall.name
            && hall.owner.and_then(named) == room.owner
            && room.head <= hall.head
            && (already || self.halls.changes(since).any(entered));
        stands.find(|stand| {
            is_that && hall.is_there(*stand) && hall.has(person, *stand) && hall.count(*stand) == room.members
        })
    }

    /// When he was first in no room of that name.
    fn stands_outside(&self, mut stands: RangeInclusive<Stand>, person: usize, name: &Name) -> Option<Stand> {
        stands.find(|stand| {
            let hall = self.halls.named(name, *stand);
            hall.is_none_or(|hall| !hall.has(person, *stand))
        })
    }

    /// Whether so many are out of a room because somebody wanted it, whose room it is.
    fn has_put_out(
        &self,
        since: Instant,
        person: usize,
        name: &Name,
        (who, members): (Option<&Name>, u32),
    ) -> bool {
        let out = match who {
            Some(who) => self.who(who).map(Out::One),
            None => Some(Out::AllBut(person)),
        };
        let is_it = |change: &super::halls::Change| match &change.what {
            What::Departed(whom, gone) => Some(*whom) == out && u32::try_from(gone.len()) == Ok(members),
            What::Made | What::Joined(_) | What::Ended => false,
        };
        let mut changes = self.halls.changes(since);
        let done = changes.any(|(_, change)| {
            let hall = self.halls.halls.get(&change.room);
            let his = hall.is_some_and(|hall| hall.name.matches(name) && hall.owner == Some(person));
            his && is_it(change)
        });
        let mut stands = self.halls.stands(since);
        done || (members == 0 && stands.any(|stand| self.halls.named(name, stand).is_none()))
    }

    /// Whether these were all rooms at one moment.
    fn are_all(&self, since: Instant, rooms: &[RoomListed]) -> bool {
        let is_so = |stand: Stand, listed: &RoomListed| {
            let hall = self.halls.named(&listed.name, stand);
            hall.is_some_and(|hall| {
                let owner = hall.owner.and_then(|owner| self.names.get(owner));
                let people = hall.count(stand);
                owner == listed.owner.as_ref() && people == listed.members && listed.online <= people
            })
        };
        let names: BTreeSet<String> = rooms.iter().map(|room| room.name.folded()).collect();
        let mut stands = self.halls.stands(since);
        names.len() == rooms.len()
            && stands.any(|stand| {
                self.halls.there(stand).count() == rooms.len()
                    && rooms.iter().all(|listed| is_so(stand, listed))
            })
    }

    /// Whether these were all members at one moment.
    fn are_members(&self, since: Instant, name: &Name, members: &[Member]) -> bool {
        let told: BTreeSet<Option<usize>> = members.iter().map(|member| self.who(&member.name)).collect();
        let mut stands = self.halls.stands(since);
        told.len() == members.len()
            && stands.any(|stand| {
                let hall = self.halls.named(name, stand);
                hall.is_some_and(|hall| hall.members(stand).map(Some).collect::<BTreeSet<_>>() == told)
            })
    }

    /// Whether that has happened, before the eyes of him who is told, and he was not told before; with so many members left, and him
    /// among them or not.
    fn has_happened(
        &mut self,
        begun: Instant,
        person: usize,
        name: &Name,
        (news, members, out): (&News, u32, bool),
    ) -> bool {
        let so: Vec<Stand> = self
            .halls
            .changes(begun)
            .filter(|(_, change)| !change.told.contains(&person))
            .filter(|(stand, change)| {
                let hall = self.halls.halls.get(&change.room);
                let hall = hall.filter(|hall| hall.name.matches(name));
                hall.is_some_and(|hall| {
                    // Of a room that ends it is told who was in it.
                    let left = match change.what {
                        What::Ended => hall.count(stand.saturating_sub(1)),
                        _ => hall.count(*stand),
                    };
                    let (was, is) = (
                        hall.has(person, stand.saturating_sub(1)),
                        hall.has(person, *stand),
                    );
                    (was || is)
                        && out != is
                        && left == members
                        && self.is_that(hall.owner, &change.what, news)
                })
            })
            .map(|(stand, _)| stand)
            .collect();
        let first = so.first().copied();
        let mut changes = self.halls.changes_mut(begun);
        let told = changes.find(|(stand, _)| Some(*stand) == first);
        told.is_some_and(|(_, change)| change.told.insert(person))
    }

    /// Whether the news are of that.
    fn is_that(&self, owner: Option<usize>, what: &What, news: &News) -> bool {
        let is = |name: &Name, person: usize| self.who(name) == Some(person);
        match (what, news) {
            (What::Joined(who), News::Joined { name }) => is(name, *who),
            (
                What::Departed(Out::One(who), gone),
                News::Left { name } | News::Kicked { name: Some(name) },
            ) => is(name, *who) && gone == &[*who],
            (What::Departed(Out::AllBut(one), _), News::Kicked { name: None }) => owner == Some(*one),
            (What::Ended, News::Ended) => true,
            _ => false,
        }
    }

    /// What people take for so of their rooms, and is not: nothing, after a healing.
    pub(in crate::simulation) fn wrong_about_rooms(&self) -> Vec<String> {
        if self.posts.is_lax {
            return Vec::new();
        }
        let now = self.halls.now();
        let mut wrong: Vec<String> = self.unanswered_questions().collect();
        for (person, his) in self.inside.iter().enumerate() {
            let there = self.halls.there(now).filter(|hall| hall.has(person, now));
            let there: BTreeSet<String> = there.map(|hall| hall.name.folded()).collect();
            if there != his.told {
                wrong.push(format!(
                    "{person} was told that he is in {:?}, and is in {there:?}",
                    his.told
                ));
            }
        }
        for hall in self.halls.there(now) {
            let behind = hall.present().filter(|visit| visit.had != hall.head);
            wrong.extend(behind.map(|visit| {
                format!(
                    "{} is at {:?} of {:?} in {}",
                    visit.person, visit.had, hall.head, hall.name
                )
            }));
        }
        wrong
    }
}
