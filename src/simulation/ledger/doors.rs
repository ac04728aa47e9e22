//! What the registry commits of rooms: whoever comes to be in one, or not to be in it any more, was asked for so.
//!
//! What it commits of posts is handed on to `logs`; what people ask and are told is in `asking` and `inside`. Where the registry's
//! database or somebody's folder may be lost, rooms are what is left of them, and nothing of this is judged.
//! Invariant: a change is noted whether it may be or not.

use std::collections::BTreeSet;

use super::halls::{Begun, Out};
use super::{Ledger, Verdict};
use crate::client::interface::RoomCommand;
use crate::clock::Instant;
use crate::id::{Name, RoomId};
use crate::registry::rooms::storage::{RoomKey, RoomReply, RoomRequest, RoomRow, RoomsImage, Who};
use crate::registry::storage::{self as registry, Kept, MemberId};
use crate::reserved::LOBBY;
use crate::simulation::invariant::Invariant;
use crate::simulation::quarters::Quarters;

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
        if let Some(begun) = begun {
            self.halls.begin(at, begun);
        }
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
