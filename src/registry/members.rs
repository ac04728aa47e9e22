//! The names: who owns each, and where he is.
//!
//! Found by number, by name (whatever its case) and by identity. Decides nothing.
//! Invariants: the three ways lead to the same member; an identity has at most one name; no number is above
//! `MEMBER_NUMBER_MAX`, for the store lets none in.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use crate::clock::WallTime;
use crate::id::{IdentityId, Name};
use crate::identity::Card;
use crate::limits::MEMBER_NUMBER_MAX;
use crate::rate::Bucket;
use crate::registry::lane::{Lane, LaneKind, LaneOf};
use crate::registry::rooms::Feed;
use crate::registry::rooms::storage::RoomKey;
use crate::registry::storage::{MemberId, MemberRow};
use crate::registry::telling::Told;
use crate::reserved::is_released;
use crate::transport::SessionId;

/// A name and its owner.
#[derive(Debug)]
pub(super) struct Member {
    /// As its owner first wrote it.
    pub(super) name: Name,
    /// Whose it is.
    pub(super) card: Card,
    /// The highest registration that is committed.
    pub(super) counter: u64,
    /// The highest that was asked for; above `counter` while its commit is under way.
    pub(super) asked: u64,
    /// In which session `counter` was registered in this run.
    pub(super) counted_in: Option<SessionId>,
    /// Whether the name is in the database. Until then it is nobody's and nobody is told of it.
    pub(super) committed: bool,
    /// Since when he is there, or not there.
    pub(super) since: WallTime,
    /// The directory's version when anything of this last changed …
    pub(super) changed: u64,
    /// … and when more than presence did.
    pub(super) recorded: u64,
    /// His deposits.
    pub(super) deposits: Bucket,
    /// His registrations.
    pub(super) registrations: Bucket,
    /// His look-ups and withdrawals.
    pub(super) requests: Bucket,
    /// What he does to rooms.
    pub(super) deeds: Bucket,
    /// Whether a question of his about rooms is open.
    pub(super) asks: bool,
    /// Where he is, if he is there.
    pub(super) seat: Option<Box<Seat>>,
}

/// A member who is online.
#[derive(Debug)]
pub(super) struct Seat {
    /// Tells one stay from the next, whatever session they are in.
    pub(super) stay: u64,
    /// His session; `None` once another of his has taken its place and not registered yet.
    pub(super) session: Option<SessionId>,
    /// The registration that this is.
    pub(super) counter: u64,
    /// Whether the name was his before it.
    pub(super) returning: bool,
    /// Where he is seen.
    pub(super) observed: SocketAddr,
    /// His own network's addresses.
    pub(super) private: Box<[SocketAddr]>,
    /// What he knows of the directory.
    pub(super) told: Told,
    /// Messages for him.
    pub(super) mail: Lane,
    /// Outcomes for him.
    pub(super) notices: Lane,
    /// Whether he knows that his mailbox was gone through.
    pub(super) replayed: bool,
    /// The last question about rooms that was taken in this stay.
    pub(super) question: u64,
    /// What he is sent of the rooms that he is in, once it is known which.
    pub(super) feeds: BTreeMap<RoomKey, Feed>,
}

impl Seat {
    /// One of the two lanes.
    pub(super) const fn lane(&mut self, kind: LaneKind) -> &mut Lane {
        match kind {
            LaneKind::Mail => &mut self.mail,
            LaneKind::Notices => &mut self.notices,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// By number, less one.
    slots: Vec<Option<Box<Member>>>,
    by_name: HashMap<String, MemberId>,
    by_identity: HashMap<IdentityId, MemberId>,
    /// Numbers that failed commits have left.
    free: Vec<MemberId>,
    committed: usize,
    /// Rows whose names were released.
    released: usize,
}

impl Members {
    /// Takes a member from the database, or a new one whose commit begins.
    pub(super) fn insert(&mut self, row: MemberRow, since: WallTime, committed: bool) {
        let MemberRow {
            id,
            name,
            card,
            counter,
        } = row;
        let index = position(id);
        while self.slots.len() < index {
            // A registration that failed while a later one did not: its number is free.
            self.slots.push(None);
            self.free.extend(number(self.slots.len()));
        }
        if self.slots.len() == index {
            self.slots.push(None);
        }
        self.by_name.insert(name.folded(), id);
        self.by_identity.insert(card.id, id);
        self.committed += usize::from(committed);
        self.released += usize::from(is_released(&name));
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Some(Box::new(Member {
                name,
                card,
                counter: if committed { counter } else { 0 },
                asked: counter,
                counted_in: None,
                committed,
                since,
                changed: 0,
                recorded: 0,
                deposits: Bucket::default(),
                registrations: Bucket::default(),
                requests: Bucket::default(),
                deeds: Bucket::default(),
                asks: false,
                seat: None,
            }));
        }
    }

    /// The number for a new member.
    pub(super) fn next_id(&mut self) -> Option<MemberId> {
        match self.free.pop() {
            Some(id) => Some(id),
            None => number(self.slots.len() + 1),
        }
    }

    /// Keeps a new member for good.
    pub(super) fn commit(&mut self, id: MemberId) {
        if let Some(member) = self.find_mut(id)
            && !member.committed
        {
            member.committed = true;
            self.committed += 1;
        }
    }

    /// Drops a new member whose commit has failed.
    pub(super) fn discard(&mut self, id: MemberId) {
        let slot = self.slots.get_mut(position(id)).and_then(Option::take);
        if let Some(member) = slot {
            self.by_name.remove(&member.name.folded());
            self.by_identity.remove(&member.card.id);
            self.free.push(id);
        }
    }

    /// A member.
    pub(super) fn find(&self, id: MemberId) -> Option<&Member> {
        self.slots.get(position(id))?.as_deref()
    }

    /// A member, to change.
    pub(super) fn find_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.slots.get_mut(position(id))?.as_deref_mut()
    }

    /// A member's seat, if he is online.
    pub(super) fn seat(&self, id: MemberId) -> Option<&Seat> {
        self.find(id)?.seat.as_deref()
    }

    /// A member's seat, to change.
    pub(super) fn seat_mut(&mut self, id: MemberId) -> Option<&mut Seat> {
        self.find_mut(id)?.seat.as_deref_mut()
    }

    /// A lane, if the stay lasts.
    pub(super) fn lane_mut(&mut self, of: LaneOf) -> Option<&mut Lane> {
        let seat = self.seat_mut(of.member).filter(|seat| seat.stay == of.stay)?;
        Some(seat.lane(of.kind))
    }

    /// Who has a name, or is about to.
    pub(super) fn by_name(&self, name: &Name) -> Option<MemberId> {
        self.by_name.get(&name.folded()).copied()
    }

    /// Which name an identity has, or is about to.
    pub(super) fn by_identity(&self, identity: &IdentityId) -> Option<MemberId> {
        self.by_identity.get(identity).copied()
    }

    /// The committed members from a number on, in order.
    pub(super) fn from(&self, first: MemberId) -> impl Iterator<Item = (MemberId, &Member)> {
        (first.0.max(1)..)
            .map(MemberId)
            .zip(self.slots.get(position(first)..).unwrap_or_default())
            .filter_map(|(id, slot)| Some((id, slot.as_deref()?)))
            .filter(|(_, member)| member.committed)
    }

    /// Names that are kept.
    pub(super) const fn committed(&self) -> usize {
        self.committed
    }

    /// Names that somebody has or is about to have. A row whose name was released has none: another may have that. Those
    /// rows are an operator's making, one at a time, and their numbers have a bound.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len() - self.released
    }
}

/// A number that may be given.
fn number(at: usize) -> Option<MemberId> {
    let id = u32::try_from(at).ok().filter(|id| *id <= MEMBER_NUMBER_MAX)?;
    Some(MemberId(id))
}

fn position(id: MemberId) -> usize {
    usize::try_from(id.0.saturating_sub(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Role};

    #[test]
    fn numbers_that_failed_registrations_left_are_given_again() {
        let mut members = Members::default();
        for (id, name) in [(2, "ann"), (4, "bea")] {
            let seed = [u8::try_from(id).unwrap(); 32];
            let row = MemberRow {
                id: MemberId(id),
                name: name.parse().unwrap(),
                card: *Identity::from_seed(&seed, Role::Client).card(),
                counter: 1,
            };
            members.insert(row, WallTime::default(), true);
        }
        assert_eq!(members.len(), 2);
        let mut given: Vec<_> = (0..2).filter_map(|_| members.next_id()).collect();
        given.sort();
        assert_eq!(given, [MemberId(1), MemberId(3)]);
        assert_eq!(members.next_id(), Some(MemberId(5)));
    }
}
