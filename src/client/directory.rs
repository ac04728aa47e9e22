//! Who is behind a name: the copy of the registry's directory, and the pins, which win over it.
//!
//! Knows no sessions and no messages; what has to be stored or told is handed back.
//! Invariants: a record is kept only if its identity has signed its key; a record that contradicts a pin is kept
//! aside and never used; an update is applied whole or not at all.

mod listing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use super::calling::{is_somebodys, places};
use crate::client::storage::{DirectoryUpdate, Listed};
use crate::clock::Instant;
use crate::id::{IdentityId, Name};
use crate::identity::{Card, Role};
use crate::limits::{DIRECTORY_PUSH_MAX, SUBSCRIPTIONS_MAX};
use crate::wire::message::{Change, Page, Presence, Record, Version};

/// Names kept: those that are pushed, and as many again looked up. What is pinned needs no record.
const NAMES_KEPT_MAX: usize = 2 * DIRECTORY_PUSH_MAX;
/// Names looked up that the registry is counted on to tell of. It follows more; but answers come in any order, so which
/// ones are its last is not known to the last one.
const COUNTED_ON_MAX: usize = SUBSCRIPTIONS_MAX * 3 / 4;
/// Pages of one update: all names that are pushed, and room for a registry that pages them smaller.
const PAGES_MAX: u32 = 64;

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// It was used before, and is this identity's.
    Pinned(Card),
    /// The registry says so.
    Listed(Card),
    /// The registry says something else than the pin.
    Contested {
        pinned: Card,
        found: IdentityId,
    },
    Unknown,
}

/// A record, and what this client has seen of it.
#[derive(Clone, Debug)]
struct Entry {
    listed: Listed,
    /// When we learned that he is offline. A session heard later proves otherwise.
    offline_since: Option<Instant>,
    /// When we learned that he is at another address than before. A session heard later has moved with him.
    moved_at: Option<Instant>,
}

/// Pages of an update until all are there.
#[derive(Debug)]
struct Staging {
    from: Option<Version>,
    to: Version,
    pages: BTreeMap<u32, Vec<Change>>,
    last: Option<u32>,
}

/// What an input did.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// Names whose records changed, folded.
    pub(super) changed: BTreeSet<String>,
    /// The directory is now here; to be acknowledged.
    pub(super) version: Option<Version>,
    /// The update does not fit what we have.
    pub(super) mismatch: bool,
}

/// Records and pins of one registry.
#[derive(Debug, Default)]
pub(super) struct Directory {
    entries: BTreeMap<String, Entry>,
    pins: BTreeMap<String, (Name, Card)>,
    version: Option<Version>,
    staging: Option<Staging>,
    /// Names that were looked up, oldest first: of so many the registry tells what changes, if it does not push.
    followed: VecDeque<String>,
    /// What was told of contested names.
    told: BTreeMap<String, IdentityId>,
    /// What is not on disk yet.
    dirty: BTreeSet<String>,
    replaced: bool,
}

impl Directory {
    /// How many pages there are of an update that is not whole.
    pub(super) fn pages(&self) -> usize {
        self.staging.as_ref().map_or(0, |staging| staging.pages.len())
    }

    pub(super) fn load(listed: Vec<Listed>, pins: Vec<(Name, Card)>, version: Option<Version>) -> Self {
        let entry = |listed: Listed| {
            (
                listed.record.name.folded(),
                Entry {
                    offline_since: None,
                    moved_at: None,
                    listed,
                },
            )
        };
        Self {
            entries: listed.into_iter().map(entry).collect(),
            pins: pins
                .into_iter()
                .map(|(name, card)| (name.folded(), (name, card)))
                .collect(),
            version,
            ..Self::default()
        }
    }

    pub(super) const fn version(&self) -> Option<Version> {
        self.version
    }

    pub(super) fn knows(&self, folded: &str) -> Knowledge {
        let listed = self.entries.get(folded).map(|entry| entry.listed.record.card);
        match (self.pins.get(folded).map(|(_, card)| *card), listed) {
            (Some(pinned), Some(listed)) if pinned.id != listed.id => Knowledge::Contested {
                pinned,
                found: listed.id,
            },
            (Some(pinned), _) => Knowledge::Pinned(pinned),
            (None, Some(listed)) => Knowledge::Listed(listed),
            (None, None) => Knowledge::Unknown,
        }
    }

    /// The name as its owner writes it, as far as we know.
    pub(super) fn spelling(&self, name: &Name) -> Name {
        let folded = name.folded();
        match (self.entries.get(&folded), self.pins.get(&folded)) {
            (Some(entry), _) => entry.listed.record.name.clone(),
            (None, Some((pinned, _))) => pinned.clone(),
            (None, None) => name.clone(),
        }
    }

    /// Whether the registry says that he is offline.
    pub(super) fn offline(&self, folded: &str) -> bool {
        self.entries
            .get(folded)
            .is_some_and(|entry| !entry.listed.stale && entry.listed.record.presence.online.is_none())
    }

    /// Whether the registry tells of the name: who he is, where, and what changes.
    pub(super) fn told_of(&self, folded: &str) -> bool {
        self.entries.get(folded).is_some_and(|entry| !entry.listed.stale)
    }

    /// When we learned that.
    pub(super) fn offline_since(&self, folded: &str) -> Option<Instant> {
        self.entries.get(folded).and_then(|entry| entry.offline_since)
    }

    /// When we learned that he is at another address than before.
    pub(super) fn moved_at(&self, folded: &str) -> Option<Instant> {
        self.entries.get(folded).and_then(|entry| entry.moved_at)
    }

    /// Where to try him, best first: his own network's addresses are told only to those who share it.
    pub(super) fn addresses(&self, folded: &str) -> Vec<SocketAddr> {
        let Some(entry) = self.entries.get(folded) else {
            return Vec::new();
        };
        let mut addresses = match &entry.listed.record.presence.online {
            Some(online) if !entry.listed.stale => places(online),
            _ => entry.listed.last_seen.into_iter().collect(),
        };
        let mut seen = BTreeSet::new();
        addresses.retain(|address| is_somebodys(*address) && seen.insert(*address));
        addresses
    }

    /// Names that are this identity's, folded.
    pub(super) fn names_of(&self, identity: IdentityId) -> Vec<String> {
        let pinned = self.pins.iter().filter(|(_, (_, card))| card.id == identity);
        let listed = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.listed.record.card.id == identity);
        let names: BTreeSet<&String> = pinned
            .map(|(folded, _)| folded)
            .chain(listed.map(|(folded, _)| folded))
            .collect();
        names.into_iter().cloned().collect()
    }

    pub(super) fn pin(&mut self, name: &Name, card: Card) {
        self.pins.entry(name.folded()).or_insert((name.clone(), card));
    }

    pub(super) fn trust(&mut self, name: &Name, card: Card) {
        self.pins.insert(name.folded(), (name.clone(), card));
        self.told.remove(&name.folded());
    }

    /// Whether the name is pinned to this identity, and the registry does not say otherwise.
    pub(super) fn is_settled(&self, folded: &str, id: IdentityId) -> bool {
        matches!(self.knows(folded), Knowledge::Pinned(card) if card.id == id)
    }

    /// The card that the registry has for the name.
    pub(super) fn listed(&self, folded: &str) -> Option<Card> {
        let told = self.entries.get(folded).filter(|entry| !entry.listed.stale);
        told.map(|entry| entry.listed.record.card)
    }

    /// The card that the registry has shown for the name, if nothing was heard of it since.
    pub(super) fn shown(&self, folded: &str) -> Option<Card> {
        self.entries.get(folded).map(|entry| entry.listed.record.card)
    }

    /// Whether this contradiction is new to the user.
    pub(super) fn contest(&mut self, folded: &str, found: IdentityId) -> bool {
        self.told.insert(folded.to_owned(), found) != Some(found)
    }

    /// A page of an update.
    pub(super) fn page(&mut self, page: Page, now: Instant) -> Applied {
        let mut applied = Applied::default();
        if page.index >= PAGES_MAX {
            return applied;
        }
        let staged = self.staging.as_ref().map(|staging| staging.to);
        if [self.version, staged]
            .into_iter()
            .flatten()
            .any(|known| page.to.is_before(known))
        {
            // A newer update has overtaken it: messages of a session come in any order.
            applied.mismatch = true;
            return applied;
        }
        if page.from.is_some() && page.from != self.version {
            // What was applied already needs only to be acknowledged.
            applied.mismatch = self.version != Some(page.to);
            applied.version = self.version.filter(|version| *version == page.to);
            return applied;
        }
        if self
            .staging
            .as_ref()
            .is_none_or(|staging| staging.to != page.to || staging.from != page.from)
        {
            self.staging = Some(Staging {
                from: page.from,
                to: page.to,
                pages: BTreeMap::new(),
                last: None,
            });
        }
        let Some(staging) = &mut self.staging else {
            return applied;
        };
        if page.last {
            staging.last = Some(page.index);
        }
        staging.pages.insert(page.index, page.changes.into_vec());
        let whole = staging.last.is_some_and(|last| {
            let none_beyond = staging
                .pages
                .last_key_value()
                .is_some_and(|(&highest, _)| highest == last);
            none_beyond && u32::try_from(staging.pages.len()).is_ok_and(|pages| pages == last + 1)
        });
        if whole && let Some(staging) = self.staging.take() {
            self.apply(staging, now, &mut applied);
        }
        applied
    }

    fn apply(&mut self, staging: Staging, now: Instant, applied: &mut Applied) {
        if staging.from.is_none() {
            self.replaced = true;
            self.drop_unnamed(&staging, &mut applied.changed);
        }
        for change in staging.pages.into_values().flatten() {
            match change {
                Change::Record(record) => self.put(record, now, &mut applied.changed),
                Change::Presence { name, presence } => {
                    self.presence(&name.folded(), presence, now, &mut applied.changed);
                }
                Change::Removed { name } => self.drop_name(&name.folded(), &mut applied.changed),
            }
        }
        self.version = Some(staging.to);
        applied.version = self.version;
    }

    /// All that is told of unasked is told: names that it lacks go, and make room for those that are new.
    fn drop_unnamed(&mut self, staging: &Staging, changed: &mut BTreeSet<String>) {
        let named: BTreeSet<String> = staging
            .pages
            .values()
            .flatten()
            .filter_map(|change| match change {
                Change::Record(record) => Some(record.name.folded()),
                _ => None,
            })
            .collect();
        let gone: Vec<String> = self
            .entries
            .keys()
            .filter(|folded| !named.contains(*folded))
            .cloned()
            .collect();
        for folded in gone {
            self.untold(&folded, changed);
        }
        self.followed.retain(|folded| named.contains(folded));
    }

    /// The registry does not tell of a name any more. Of a name that is pinned it is kept where its owner was last,
    /// and that it is contested.
    fn untold(&mut self, folded: &str, changed: &mut BTreeSet<String>) {
        let pinned = self.pins.get(folded).map(|(_, card)| card.id);
        match self.entries.get_mut(folded) {
            Some(entry)
                if pinned.is_some_and(|id| {
                    id != entry.listed.record.card.id || entry.listed.last_seen.is_some()
                }) =>
            {
                entry.offline_since = None;
                if !std::mem::replace(&mut entry.listed.stale, true) {
                    self.dirty.insert(folded.to_owned());
                    changed.insert(folded.to_owned());
                }
            }
            _ => self.drop_name(folded, changed),
        }
    }

    /// A single record, looked up.
    pub(super) fn found(&mut self, record: Record, now: Instant) -> Applied {
        let mut applied = self.follow(record.name.folded());
        self.put(record, now, &mut applied.changed);
        applied
    }

    /// The registry is asked for a name, or answers: it tells of it from now on, and perhaps no more of the one that was
    /// looked up too long ago. Of names that it tells of unasked that is not to be feared: whoever claims them makes us
    /// forget nobody.
    pub(super) fn follow(&mut self, folded: String) -> Applied {
        let mut applied = Applied::default();
        if !self.unfollow(&folded) && self.told_of(&folded) {
            return applied;
        }
        self.followed.push_back(folded);
        if self.followed.len() > COUNTED_ON_MAX
            && let Some(oldest) = self.followed.pop_front()
        {
            self.untold(&oldest, &mut applied.changed);
        }
        applied
    }

    /// The registry has nothing to tell of a name. Whether it was counted on for that.
    pub(super) fn unfollow(&mut self, folded: &str) -> bool {
        let before = self.followed.len();
        self.followed.retain(|other| other != folded);
        self.followed.len() < before
    }

    /// Nobody has the name.
    pub(super) fn not_found(&mut self, folded: &str) -> Applied {
        let mut applied = Applied::default();
        self.drop_name(folded, &mut applied.changed);
        applied
    }

    fn put(&mut self, record: Record, now: Instant, changed: &mut BTreeSet<String>) {
        let folded = record.name.folded();
        let before = self.entries.get(&folded);
        if before.is_some_and(|entry| entry.listed.record == record && !entry.listed.stale) {
            return;
        }
        let known = before.is_some_and(|entry| entry.listed.record.card == record.card);
        if !known && !record.card.verify(Role::Client) {
            tracing::debug!(name = %record.name, "record not signed by its identity");
            return;
        }
        if before.is_none() && self.entries.len() >= NAMES_KEPT_MAX && !self.make_room(changed) {
            tracing::debug!(name = %record.name, "directory copy full");
            return;
        }
        let before = self.entries.get(&folded);
        let offline = record.presence.online.is_none();
        let same_owner = before.filter(|entry| entry.listed.record.card.id == record.card.id);
        let seen_before = same_owner.and_then(|entry| entry.listed.last_seen);
        let last_seen = match &record.presence.online {
            Some(online) => Some(online.observed),
            None => seen_before,
        };
        let moved_before = same_owner.and_then(|entry| entry.moved_at);
        let entry = Entry {
            moved_at: if last_seen == seen_before {
                moved_before
            } else {
                Some(now)
            },
            listed: Listed {
                record,
                last_seen,
                stale: false,
            },
            offline_since: offline.then_some(now),
        };
        self.entries.insert(folded.clone(), entry);
        self.dirty.insert(folded.clone());
        changed.insert(folded);
    }

    fn presence(&mut self, folded: &str, presence: Presence, now: Instant, changed: &mut BTreeSet<String>) {
        let Some(entry) = self.entries.get_mut(folded) else {
            return;
        };
        if entry.listed.record.presence == presence && !entry.listed.stale {
            return;
        }
        entry.listed.stale = false;
        entry.offline_since = presence.online.is_none().then_some(now);
        if let Some(online) = &presence.online
            && entry.listed.last_seen.replace(online.observed) != Some(online.observed)
        {
            entry.moved_at = Some(now);
        }
        entry.listed.record.presence = presence;
        self.dirty.insert(folded.to_owned());
        changed.insert(folded.to_owned());
    }

    /// Drops one of those that are not told of, a contested one last; false if there is none.
    fn make_room(&mut self, changed: &mut BTreeSet<String>) -> bool {
        let contested = |folded: &str| matches!(self.knows(folded), Knowledge::Contested { .. });
        let stale = self.entries.iter().filter(|(_, entry)| entry.listed.stale);
        let Some((folded, _)) = stale.min_by_key(|(folded, _)| contested(folded)) else {
            return false;
        };
        let folded = folded.clone();
        self.drop_name(&folded, changed);
        true
    }

    fn drop_name(&mut self, folded: &str, changed: &mut BTreeSet<String>) {
        if let Some(entry) = self.entries.remove(folded) {
            tracing::debug!(name = %entry.listed.record.name, "name gone from the directory");
            self.dirty.insert(folded.to_owned());
            changed.insert(folded.to_owned());
        }
    }

    /// What is to be stored; nothing if nothing changed.
    pub(super) fn take_update(&mut self) -> Option<DirectoryUpdate> {
        if self.dirty.is_empty() && !self.replaced {
            return None;
        }
        let replace = std::mem::take(&mut self.replaced);
        let dirty = std::mem::take(&mut self.dirty);
        let chosen: Vec<String> = if replace {
            self.entries.keys().cloned().collect()
        } else {
            dirty.iter().cloned().collect()
        };
        let records = chosen
            .iter()
            .filter_map(|folded| self.entries.get(folded))
            .map(|entry| entry.listed.clone())
            .collect();
        let removed = dirty
            .iter()
            .filter(|folded| !replace && !self.entries.contains_key(*folded))
            .filter_map(|folded| folded.parse().ok())
            .collect();
        Some(DirectoryUpdate {
            replace,
            version: self.version,
            records,
            removed,
        })
    }

    /// The last update was not stored: all of it is due again.
    pub(super) const fn not_stored(&mut self) {
        self.replaced = true;
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
