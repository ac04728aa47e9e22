//! What the registry tells of names, one after the other; and which names are known at all.
//!
//! What is only remembered of a name is not told of. Changes nothing. Invariant: names come in the order of their folded form.

use std::collections::BTreeMap;

use super::Directory;
use crate::id::Name;
use crate::wire::message::Record;

impl Directory {
    /// Those whom the registry tells of.
    pub(in crate::client) fn told(&self) -> impl Iterator<Item = &Record> {
        let told = self.entries.values().filter(|entry| !entry.listed.stale);
        told.map(|entry| &entry.listed.record)
    }

    /// All that are known: told of, remembered, or pinned; as their owners write them.
    pub(in crate::client) fn names(&self) -> Vec<Name> {
        let pinned = self.pins.iter().map(|(folded, (name, _))| (folded, name));
        let listed = self
            .entries
            .iter()
            .map(|(folded, entry)| (folded, &entry.listed.record.name));
        let spelled: BTreeMap<&String, &Name> = pinned.chain(listed).collect();
        spelled.into_values().cloned().collect()
    }

    /// Whether these are all that there are: it tells of us then, and we have not asked (PROTOCOL §8.3).
    pub(in crate::client) fn tells_of_all(&self, own: &Name) -> bool {
        let own = own.folded();
        self.told_of(&own) && !self.followed.contains(&own)
    }
}
