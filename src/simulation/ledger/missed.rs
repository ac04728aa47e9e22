//! What members are told that they missed: all that the registry has let go of before they came for it, and nothing else.
//!
//! It is told how much that was, and not what. So it is judged twice: when it is told, there must be as much of it in one piece
//! that he has not; and when the registry hears that he has everything up to a place, all of it must have been told that lies
//! before that and is not in his inbox. What he wrote himself may count among it, and what an earlier run of his program has had: if
//! it is gone before the registry has heard of that, nobody knows. So may what he has from another place of the log.
//! Invariant: what was told and is not used up is not more than there is behind what the registry takes him to have.

use super::halls::{Entry, Hall, Visit};
use super::{Ledger, Verdict};
use crate::id::{Name, RoomId};
use crate::simulation::invariant::Invariant;
use crate::wire::room::PostNumber;

/// What somebody has of an entry of a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is in his inbox, or still to come there.
    Here,
    /// It has ended, and he wrote it, or an earlier run of his program has had it, or he has it from another place: this one need
    /// not know.
    Unknown,
    /// It has ended, and he has it not.
    Gone,
}

impl Ledger {
    fn fate(&self, entry: &Entry, person: usize) -> Fate {
        let Some(post) = self.posts.posts.get(entry.post).filter(|_| !entry.is_open) else {
            return Fate::Here;
        };
        let is_his = post.author == person || post.had_before.contains(&person);
        match post.inboxes.contains(&person) {
            _ if is_his => Fate::Unknown,
            true if entry.is_again => Fate::Unknown,
            true => Fate::Here,
            false => Fate::Gone,
        }
    }

    /// Entries behind a place of which somebody may be told that he missed them.
    fn lost_behind(&self, hall: &Hall, person: usize, had: PostNumber) -> u64 {
        let behind = hall.log.range(had.next()..);
        let lost = behind.filter(|(_, entry)| self.fate(entry, person) != Fate::Here);
        u64::try_from(lost.count()).unwrap_or(u64::MAX)
    }

    /// Somebody is told that he missed so much.
    pub(super) fn has_missed(&mut self, person: usize, room: &Name, messages: u64) -> Verdict {
        let Some(id) = self.halls.last_of(person, room) else {
            return self.not_so(format!("{person} is told that he missed something in {room}"));
        };
        let longest = self.longest_gap(id, person);
        let Some(hall) = self.halls.halls.get(&id) else {
            return Ok(());
        };
        let had = hall.last_visit(person).map_or(hall.head, |visit| visit.had);
        let lost = self.lost_behind(hall, person, had);
        let hall = self.halls.halls.get_mut(&id);
        if let Some(visit) = hall.and_then(|hall| hall.last_visit_mut(person)) {
            visit.missed = visit.missed.saturating_add(messages).min(lost);
        }
        if messages > 0 && messages <= longest {
            return Ok(());
        }
        self.posts.unless_lax(|| {
            (
                Invariant::ShownOrMissed,
                format!("{person} is told that he missed {messages} posts in {room}, and it is {longest}"),
            )
        })
    }

    /// How many he may have missed in one piece, at most, in this run of his program: it may hear late that he was put out, and has
    /// come back.
    fn longest_gap(&self, room: RoomId, person: usize) -> u64 {
        let since = *self.halls.stands(self.begun_at(person)).start();
        let of_this_run =
            |visit: &&Visit| visit.person == person && visit.until.is_none_or(|until| until > since);
        let hall = self.halls.halls.get(&room);
        let had = hall.and_then(|hall| {
            hall.visits
                .iter()
                .filter(of_this_run)
                .map(|visit| visit.had)
                .min()
        });
        let Some((hall, had)) = hall.zip(had) else {
            return 0;
        };
        let behind = hall.log.range(had.next()..).map(|(_, entry)| entry);
        let (_, longest) = behind.fold((0, 0), |(length, longest), entry| {
            let length = match self.fate(entry, person) {
                Fate::Here => 0,
                Fate::Unknown | Fate::Gone => length + 1,
            };
            (length, longest.max(length))
        });
        longest
    }

    /// The registry takes a member to have everything that stood behind `before` up to where he is now: what is not in his inbox
    /// he was told that he missed.
    pub(super) fn is_told_of_all(&mut self, room: RoomId, person: usize, before: PostNumber) -> Verdict {
        let Some(hall) = self.halls.halls.get(&room) else {
            return Ok(());
        };
        let Some(visit) = hall.visit(person).copied() else {
            return Ok(());
        };
        let passed = hall.log.range(before.next()..=visit.had.max(before.next()));
        let passed = passed.filter(|(number, _)| **number <= visit.had);
        let gone = passed.filter(|(_, entry)| self.fate(entry, person) == Fate::Gone);
        let gone = u64::try_from(gone.count()).unwrap_or(u64::MAX);
        let (name, lost) = (hall.name.clone(), self.lost_behind(hall, person, visit.had));
        if let Some(visit) = self
            .halls
            .halls
            .get_mut(&room)
            .and_then(|hall| hall.visit_mut(person))
        {
            visit.missed = visit.missed.saturating_sub(gone).min(lost);
        }
        if gone <= visit.missed {
            return Ok(());
        }
        self.posts.unless_lax(|| {
            (
                Invariant::ShownOrMissed,
                format!(
                    "{gone} posts in {name} are gone that {person} has not, and he was told of {}",
                    visit.missed
                ),
            )
        })
    }
}
