//! Why something about rooms is not done: the reason that is told was so, at a moment since it was asked.
//!
//! Invariant: judges reasons only; what is done beyond bounds is found where it is committed (`doors`).

use super::halls::{Hall, Stand};
use super::{Ledger, Verdict};
use crate::client::interface::{NotDone, RoomCommand};
use crate::clock::Instant;
use crate::id::Name;
use crate::reserved::is_reserved;
use crate::simulation::invariant::Invariant;
use crate::wire::room::RoomRefusal;

/// Questions that a client has open at most.
const QUESTIONS_MAX: usize = 64;

impl Ledger {
    /// Somebody is told that something is not done.
    pub(super) fn is_not_done(
        &self,
        since: Instant,
        person: usize,
        command: &RoomCommand,
        why: &NotDone,
    ) -> Verdict {
        let is_so = match why {
            NotDone::NotInside => room_of(command).is_some_and(|name| !self.is_told_inside(person, name)),
            NotDone::Refused(refusal) => self.is_refused(since, person, command, *refusal),
            NotDone::TooMany => self.open_questions(person) >= QUESTIONS_MAX,
            // He has left, or is about to, or gives the registry up in this turn: of that nothing is committed.
            NotDone::Offline | NotDone::NoServer => true,
        };
        if is_so {
            return Ok(());
        }
        self.posts.unless_lax(|| {
            (
                Invariant::HonestEnd,
                format!(
                    "{person} is told that {command:?} is not done, for {why:?}, and there is no such cause"
                ),
            )
        })
    }

    fn is_refused(&self, since: Instant, person: usize, command: &RoomCommand, why: RoomRefusal) -> bool {
        let Some(name) = room_of(command) else {
            return false;
        };
        let creates = matches!(command, RoomCommand::Create(_));
        let joins = matches!(command, RoomCommand::Join(_));
        let kicks = matches!(command, RoomCommand::Kick { .. });
        let ever = |so: &dyn Fn(Stand) -> bool| self.halls.stands(since).any(so);
        let there = |so: &dyn Fn(&Hall, Stand) -> bool| {
            ever(&|stand| self.halls.named(name, stand).is_some_and(|hall| so(hall, stand)))
        };
        match why {
            RoomRefusal::NameReserved => creates && is_reserved(name),
            RoomRefusal::NameTaken => {
                let is_anothers = there(&|hall, _| hall.owner != Some(person));
                creates && (is_anothers || self.halls.is_being_made(since, name, person))
            }
            // To put others out is asked of the room that one knows, which may have ended, and another has its name.
            RoomRefusal::NoSuchRoom if kicks => {
                let known = self.halls.last_of(person, name);
                let known = known.and_then(|id| self.halls.halls.get(&id));
                known.is_some_and(|hall| ever(&|stand| !hall.is_there(stand)))
            }
            RoomRefusal::NoSuchRoom => !creates && ever(&|stand| self.halls.named(name, stand).is_none()),
            RoomRefusal::NotOwner => kicks && there(&|hall, _| hall.owner != Some(person)),
            RoomRefusal::NoSuchMember => match command {
                RoomCommand::Kick { name: Some(who), .. } => {
                    let who = self.who(who);
                    who == Some(person) || there(&|hall, stand| who.is_none_or(|who| !hall.has(who, stand)))
                }
                _ => false,
            },
            RoomRefusal::RoomFull => {
                let is_full = there(&|hall, stand| {
                    let entering = self.halls.entering(since, hall.id);
                    hall.members(stand).count() + entering >= self.halls.quarters.members
                });
                joins && is_full
            }
            RoomRefusal::TooManyRooms => {
                let too_many = ever(&|stand| self.has_enough_rooms(since, person, (stand, creates)));
                (creates || joins) && too_many
            }
            RoomRefusal::Storage => !self.disks_take_all,
            RoomRefusal::NotMember | RoomRefusal::NoSuchPost => false,
        }
    }

    /// Whether somebody could not make another room then, or enter one. Of his own nothing else was under way: one question of a
    /// member is taken up at a time.
    fn has_enough_rooms(&self, since: Instant, person: usize, (stand, creates): (Stand, bool)) -> bool {
        let quarters = self.halls.quarters;
        let rooms = self.halls.there(stand).count() + self.halls.being_made(since);
        let his = |hall: &&Hall| hall.owner == Some(person);
        let owned = self.halls.there(stand).filter(his).count();
        let inside = self
            .halls
            .there(stand)
            .filter(|hall| hall.has(person, stand))
            .count();
        inside >= quarters.entered || (creates && (rooms >= quarters.rooms || owned >= quarters.owned))
    }
}

fn room_of(command: &RoomCommand) -> Option<&Name> {
    match command {
        RoomCommand::Create(room)
        | RoomCommand::Join(room)
        | RoomCommand::Leave(room)
        | RoomCommand::Members(room)
        | RoomCommand::Kick { room, .. } => Some(room),
        RoomCommand::List => None,
    }
}
