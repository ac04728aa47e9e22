//! Fingerprints, for people who compare them by another way: one's own, and those of others as they are known here.
//!
//! Whom to believe is decided elsewhere (`names`, `meeting`). Invariant: of somebody who was met the identity is told that his
//! messages are sealed for; another that the registry shows for his name is told as that.

use super::Client;
use super::directory::Knowledge;
use crate::client::interface::{Event, Trust, Whose};
use crate::id::Name;

impl Client {
    /// Says somebody's fingerprint; without a name our own, and those of all whom we have met by address.
    pub(super) fn tell_fingerprint(&mut self, of: Option<Name>) {
        match of {
            Some(name) if !name.matches(&self.config.name) => self.tell_fingerprint_of(name),
            _ => {
                self.out.event(Event::Fingerprint {
                    whose: Whose::Own,
                    id: Some(self.me.id()),
                    trust: Trust::Known,
                });
                for address in self.contacts.addresses() {
                    let id = self.contacts.met(address).map(|(_, card)| card.id);
                    let whose = Whose::Contact(self.contacts.contact(address));
                    let trust = self.trust_of_those_at(&self.contacts.same_as(address));
                    self.out.event(Event::Fingerprint { whose, id, trust });
                }
            }
        }
    }

    /// Of a name that has two, both.
    fn tell_fingerprint_of(&mut self, name: Name) {
        let trust = self.trust_of(&name);
        let person = |id| (Whose::Person(name.clone()), id);
        let (known, found) = match self.directory.knows(&name.folded()) {
            Knowledge::Pinned(card) => (person(Some(card.id)), None),
            Knowledge::Contested { pinned, found } => (person(Some(pinned.id)), Some(found)),
            Knowledge::Listed(card) => ((Whose::Listed(name.clone()), Some(card.id)), None),
            Knowledge::Unknown => (person(None), None),
        };
        let found = found.map(|id| (Whose::Listed(name), Some(id)));
        for (whose, id) in [Some(known), found].into_iter().flatten() {
            self.out.event(Event::Fingerprint { whose, id, trust });
        }
    }
}
