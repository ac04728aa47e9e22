//! Fingerprints, for people who compare them by another way: one's own, and those of others as they are known here.
//!
//! Whom to believe is decided elsewhere (`names`, `meeting`). Invariant: of somebody who was met the identity is told that his
//! messages are sealed for, and no other.

use super::Client;
use super::directory::Knowledge;
use crate::client::interface::{Event, Whose};
use crate::id::{IdentityId, Name};

impl Client {
    /// Says somebody's fingerprint; without a name our own, and those of all whom we have met by address.
    pub(super) fn tell_fingerprint(&mut self, of: Option<Name>) {
        match of {
            Some(name) if !name.matches(&self.config.name) => {
                let (whose, id) = self.identity_of(name);
                self.out.event(Event::Fingerprint { whose, id });
            }
            _ => {
                let (whose, id) = (Whose::Own, Some(self.me.id()));
                self.out.event(Event::Fingerprint { whose, id });
                for address in self.contacts.addresses() {
                    let id = self.contacts.met(address).map(|(_, card)| card.id);
                    let whose = Whose::Contact(self.contacts.contact(address));
                    self.out.event(Event::Fingerprint { whose, id });
                }
            }
        }
    }

    fn identity_of(&self, name: Name) -> (Whose, Option<IdentityId>) {
        match self.directory.knows(&name.folded()) {
            Knowledge::Pinned(card) | Knowledge::Contested { pinned: card, .. } => {
                (Whose::Person(name), Some(card.id))
            }
            Knowledge::Listed(card) => (Whose::Listed(name), Some(card.id)),
            Knowledge::Unknown => (Whose::Person(name), None),
        }
    }
}
