//! The directory as it is told: versions, and pages of what changed since one (PROTOCOL §8.3).
//!
//! Each member carries the version of his last change, so what changed since any version of this run is found
//! without a history, and a client can never be too far behind. A page is made from what is true when it is made;
//! what changes while a client goes through its pages is told again with the next update.
//! Invariant: whoever applied the pages up to a version knows every member at least as he was then.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::limits::DIRECTORY_CACHE_MAX;
use crate::registry::members::{Member, Members};
use crate::registry::storage::MemberId;
use crate::wire::codec::{self, Bounded};
use crate::wire::message::{
    Addresses, Change, FromRegistry, PAGE_ITEMS_MAX, Page, Presence, Record, Version,
};

/// A page's place: what it builds on, and the first member in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The version that the update begins with; `None`: nothing.
    pub(super) from: Option<u64>,
    /// The version that holds after it.
    pub(super) to: u64,
    /// Members before this one were told.
    pub(super) next: MemberId,
    /// Counts the update's pages.
    pub(super) index: u32,
}

/// A page, encoded.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    /// The message.
    pub(super) bytes: Vec<u8>,
    /// Where the next page begins; `None` if this is the last.
    pub(super) next: Option<MemberId>,
    /// Whether it says anything.
    pub(super) is_empty: bool,
}

/// The directory's history and what of it is encoded.
#[derive(Debug)]
pub(super) struct Directory {
    run: u64,
    counter: u64,
    /// Whether everybody is told of everybody.
    pub(super) pushing: bool,
    /// Pages for those who are told of everybody, of the current version; those who may see private addresses get
    /// their own.
    cache: BTreeMap<(Place, Option<IpAddr>), Encoded>,
    /// From where members are seen who announce private addresses, and how many there are.
    private: BTreeMap<IpAddr, usize>,
    /// Who follows whom, while not everybody is told of everybody.
    followers: BTreeSet<(MemberId, MemberId)>,
}

impl Directory {
    /// A history that begins now.
    pub(super) const fn new(run: u64, pushing: bool) -> Self {
        Self {
            run,
            counter: 0,
            pushing,
            cache: BTreeMap::new(),
            private: BTreeMap::new(),
            followers: BTreeSet::new(),
        }
    }

    /// The latest version.
    pub(super) const fn counter(&self) -> u64 {
        self.counter
    }

    /// A version as clients know it.
    pub(super) const fn version(&self, counter: u64) -> Version {
        Version {
            run: self.run,
            counter,
        }
    }

    /// A client's version, if it is one of this run.
    pub(super) fn known(&self, version: Version) -> Option<u64> {
        (version.run == self.run && version.counter <= self.counter).then_some(version.counter)
    }

    /// Something of a member changes; `record`: more than presence.
    pub(super) fn stamp(&mut self, member: &mut Member, record: bool) {
        self.counter += 1;
        self.cache.clear();
        member.changed = self.counter;
        if record {
            member.recorded = self.counter;
        }
    }

    /// A member with private addresses comes.
    pub(super) fn announce(&mut self, observed: SocketAddr, private: &[SocketAddr]) {
        if !private.is_empty() {
            *self.private.entry(observed.ip()).or_default() += 1;
        }
    }

    /// A member with private addresses goes.
    pub(super) fn retract(&mut self, observed: SocketAddr, private: &[SocketAddr]) {
        if !private.is_empty()
            && let Some(count) = self.private.get_mut(&observed.ip())
        {
            *count -= 1;
            if *count == 0 {
                self.private.remove(&observed.ip());
            }
        }
    }

    /// Whether anybody announces private addresses to those at `address`.
    pub(super) fn has_private(&self, address: IpAddr) -> bool {
        self.private.contains_key(&address)
    }

    /// `follower` wants to hear of `member`.
    pub(super) fn follow(&mut self, member: MemberId, follower: MemberId) {
        self.followers.insert((member, follower));
    }

    /// `follower` no longer wants to.
    pub(super) fn unfollow(&mut self, member: MemberId, follower: MemberId) {
        self.followers.remove(&(member, follower));
    }

    /// Who wants to hear of `member`.
    pub(super) fn followers(&self, member: MemberId) -> Vec<MemberId> {
        self.followers
            .range((member, MemberId(0))..=(member, MemberId(u32::MAX)))
            .map(|(_, follower)| *follower)
            .collect()
    }

    /// A page for somebody at `reader` who is told of everybody.
    pub(super) fn page(&mut self, members: &Members, place: Place, reader: IpAddr) -> Encoded {
        let key = (place, self.has_private(reader).then_some(reader));
        if let Some(page) = self.cache.get(&key) {
            return page.clone();
        }
        let page = self.encode(place, reader, members.from(place.next));
        if self.cache.len() >= DIRECTORY_CACHE_MAX {
            self.cache.clear();
        }
        self.cache.insert(key, page.clone());
        page
    }

    /// A page for somebody at `reader` who follows these.
    pub(super) fn page_of(
        &self,
        members: &Members,
        place: Place,
        reader: IpAddr,
        followed: &BTreeSet<MemberId>,
    ) -> Encoded {
        let members = followed
            .range(place.next..)
            .filter_map(|id| Some((*id, members.find(*id)?)));
        self.encode(place, reader, members)
    }

    fn encode<'a>(
        &self,
        place: Place,
        reader: IpAddr,
        members: impl Iterator<Item = (MemberId, &'a Member)>,
    ) -> Encoded {
        let mut changed = members.filter(|(_, member)| place.from.is_none_or(|from| member.changed > from));
        let changes: Vec<Change> = changed
            .by_ref()
            .take(PAGE_ITEMS_MAX)
            .map(|(_, member)| change(member, place.from, reader))
            .collect();
        let next = changed.next().map(|(id, _)| id);
        let is_empty = changes.is_empty();
        let page = FromRegistry::Directory(Page {
            from: place.from.map(|counter| self.version(counter)),
            to: self.version(place.to),
            index: place.index,
            last: next.is_none(),
            changes: Bounded::truncated(changes),
        });
        let mut bytes = codec::encode(&page);
        // Many lie in send buffers: what was reserved in vain would be half as much again.
        bytes.shrink_to_fit();
        Encoded {
            bytes,
            next,
            is_empty,
        }
    }
}

fn change(member: &Member, from: Option<u64>, reader: IpAddr) -> Change {
    if from.is_some_and(|from| member.recorded <= from) {
        Change::Presence {
            name: member.name.clone(),
            presence: presence(member, reader),
        }
    } else {
        Change::Record(record(member, reader))
    }
}

/// All that somebody at `reader` may know of a member.
pub(super) fn record(member: &Member, reader: IpAddr) -> Record {
    Record {
        name: member.name.clone(),
        card: member.card,
        presence: presence(member, reader),
    }
}

fn presence(member: &Member, reader: IpAddr) -> Presence {
    let online = member.seat.as_deref().map(|seat| Addresses {
        observed: seat.observed,
        private: Bounded::truncated(if seat.observed.ip() == reader {
            seat.private.to_vec()
        } else {
            Vec::new()
        }),
    });
    Presence {
        online,
        since: member.since,
    }
}
