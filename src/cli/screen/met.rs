//! Whose messages are from an address, where one writes to him by that: their conversation is the address's.
//!
//! A message does not say how it came. Who wrote it does: his key was met there, or answers from there; or he is told of by the name
//! that he has there, which is nobody else's at the same time. Pure. Invariant: what is kept is bounded.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::client::interface::{Contact, ContactEvent, Incoming, Recorded, Way};
use crate::client::to::To;
use crate::id::IdentityId;
use crate::limits::LISTED_MAX;

/// Those who were met by address.
#[derive(Debug, Default)]
pub(super) struct Met {
    keys: BTreeMap<IdentityId, SocketAddr>,
    names: BTreeMap<String, SocketAddr>,
}

impl Met {
    /// Where one writes to who has written this.
    pub(super) fn address_of(&self, message: &Incoming) -> Option<SocketAddr> {
        let by_key = self.keys.get(&message.id.sender);
        by_key.or_else(|| self.names.get(&message.from.folded())).copied()
    }

    /// Something was told of somebody.
    pub(super) fn told(&mut self, event: &ContactEvent) {
        match event {
            ContactEvent::Met { who, id } | ContactEvent::Changed { who, found: id, .. } => {
                self.has_key(*id, who.address);
                self.has_name(who);
            }
            ContactEvent::Renamed { who, was } => {
                self.names.remove(&was.folded());
                self.has_name(who);
            }
            ContactEvent::Received { to: who }
            | ContactEvent::ReceivedLater { to: who, .. }
            | ContactEvent::Waiting { to: who, .. }
            | ContactEvent::Refused { to: who, .. }
            | ContactEvent::Expired { to: who, .. }
            | ContactEvent::NotListed { by: who }
            | ContactEvent::Trusted { who } => self.has_name(who),
            ContactEvent::Listening { contacts, .. } => contacts.iter().for_each(|who| self.has_name(who)),
            ContactEvent::NameTaken { .. } => {}
        }
    }

    /// A message that is kept: it says by itself how it came.
    pub(super) fn kept(&mut self, recorded: &Recorded) {
        if let (To::At(address), Way::In { .. }) = (&recorded.with, &recorded.way)
            && !self.keys.contains_key(&recorded.id.sender)
        {
            self.has_key(recorded.id.sender, *address);
        }
    }

    fn has_key(&mut self, key: IdentityId, address: SocketAddr) {
        if self.keys.len() < LISTED_MAX {
            self.keys.insert(key, address);
        }
    }

    fn has_name(&mut self, who: &Contact) {
        if let Some(name) = &who.name
            && self.names.len() < LISTED_MAX
        {
            self.names.insert(name.folded(), who.address);
        }
    }
}
