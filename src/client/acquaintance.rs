//! How well the keys behind names are known: met in this run, changed, or compared by the user.
//!
//! Whom to believe is decided elsewhere (`names`, `meeting`); here it is said how sure that is, and what the user has compared
//! is kept, beside the pin. Invariants: what is verified is a key under a name, and another key there is not; what is told of a
//! message is so of the key that has written it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::Client;
use super::committed::After;
use super::directory::Knowledge;
use super::names::is_fingerprint_of;
use crate::client::interface::{
    Event, NotAccepted, NotVerified, Partner, PeopleEvent, Recorded, Trust, Way, Whose,
};
use crate::client::storage::{RegistryImage, Request};
use crate::client::to::To;
use crate::id::{IdentityId, Name};
use crate::identity::Card;

/// What there is to know of pinned keys, by what they are pinned under ([`To::key`]).
#[derive(Debug, Default)]
pub(super) struct Acquaintances {
    /// Earlier runs have met them.
    met_before: BTreeSet<String>,
    /// The user has compared them.
    verified: BTreeSet<String>,
}

impl Acquaintances {
    /// What the database holds of a registry.
    pub(super) fn load(image: &RegistryImage) -> Self {
        let names = image.pins.iter().map(|(name, _)| name.folded());
        let addresses = image.met.iter().map(|met| To::At(met.address).key());
        Self {
            met_before: names.chain(addresses).collect(),
            verified: image.verified.iter().cloned().collect(),
        }
    }

    fn of(&self, key: &str) -> Trust {
        if self.verified.contains(key) {
            Trust::Verified
        } else if self.met_before.contains(key) {
            Trust::Known
        } else {
            Trust::New
        }
    }

    /// Another key is pinned there.
    pub(super) fn forget(&mut self, key: &str) {
        self.met_before.remove(key);
        self.verified.remove(key);
    }
}

/// Somebody whom the user means.
#[derive(Debug)]
pub(super) struct Meant {
    /// As he is told of.
    pub(super) whose: Whose,
    /// What his key is pinned under, or will be.
    of: Vec<To>,
    /// The key.
    pub(super) card: Card,
    /// How well it is known.
    trust: Trust,
    /// Another one that was seen there.
    found: Option<IdentityId>,
    /// It is what the registry says now, and may say otherwise in a moment.
    is_listed: bool,
}

impl Client {
    /// How well the key is known that is believed to be this name's.
    pub(super) fn trust_of(&self, name: &Name) -> Trust {
        let folded = name.folded();
        match self.directory.knows(&folded) {
            _ if name.matches(&self.config.name) => Trust::Known,
            Knowledge::Pinned(_) => self.acquaintances.of(&folded),
            Knowledge::Contested { .. } => Trust::Changed,
            Knowledge::Listed(_) | Knowledge::Unknown => Trust::New,
        }
    }

    /// How well this key is known, whose owner has written under this name.
    pub(super) fn trust_of_writer(&self, name: &Name, id: IdentityId) -> Trust {
        let folded = name.folded();
        match self.directory.knows(&folded) {
            Knowledge::Pinned(card) | Knowledge::Contested { pinned: card, .. } if card.id == id => {
                self.acquaintances.of(&folded)
            }
            Knowledge::Pinned(_) | Knowledge::Contested { .. } => Trust::Changed,
            Knowledge::Listed(_) | Knowledge::Unknown => self.trust_of_those_at(&self.contacts.where_met(id)),
        }
    }

    /// The same of whoever was met at these addresses, which are one person's.
    pub(super) fn trust_of_those_at(&self, places: &[SocketAddr]) -> Trust {
        if places.iter().any(|place| self.contacts.shown(*place).is_some()) {
            return Trust::Changed;
        }
        let known = places
            .iter()
            .map(|place| self.acquaintances.of(&To::At(*place).key()));
        let known: Vec<Trust> = known.collect();
        let best = [Trust::Verified, Trust::Known]
            .into_iter()
            .find(|trust| known.contains(trust));
        best.unwrap_or(Trust::New)
    }

    /// Says of a message that is kept how well the other's key is known: the one that it was written with, or sealed for.
    pub(super) fn judge(&self, message: &mut Recorded) {
        message.trust = match (&message.with, &message.way) {
            (_, Way::In { from, .. }) => self.trust_of_writer(from, message.id.sender),
            (To::Room(_), Way::Out { .. }) => Trust::Known,
            (To::Peer(name), Way::Out { sealed_for, .. }) => match sealed_for {
                Some(id) => self.trust_of_writer(name, *id),
                None => self.trust_of(name),
            },
            (to @ To::At(address), Way::Out { sealed_for, .. }) => match sealed_for {
                Some(id) if !self.is_key_of(to, *id) => Trust::Changed,
                _ => self.trust_of_those_at(&self.contacts.same_as(*address)),
            },
        };
    }

    /// Who is meant; `None` if none of his keys is known.
    pub(super) fn meant(&self, partner: &Partner) -> Option<Meant> {
        match partner {
            Partner::Person(name) if self.config.registry.is_some() => {
                let name = self.directory.spelling(name);
                let (card, found, is_listed) = match self.directory.knows(&name.folded()) {
                    Knowledge::Pinned(card) => (card, None, false),
                    Knowledge::Listed(card) => (card, None, true),
                    Knowledge::Contested { pinned, found } => (pinned, Some(found), false),
                    Knowledge::Unknown => return None,
                };
                Some(Meant {
                    whose: Whose::Person(name.clone()),
                    card,
                    trust: self.trust_of(&name),
                    of: vec![To::Peer(name)],
                    found,
                    is_listed,
                })
            }
            Partner::Person(name) => self.meant_at(&self.contacts.met_as(name)),
            Partner::At(address) => self.meant_at(&self.contacts.same_as(*address)),
            Partner::Room(_) => None,
        }
    }

    fn meant_at(&self, places: &[SocketAddr]) -> Option<Meant> {
        let first = *places.first()?;
        let (_, card) = self.contacts.met(first)?;
        let mut shown = places.iter().filter_map(|place| self.contacts.shown(*place));
        Some(Meant {
            whose: Whose::Contact(self.contacts.contact(first)),
            of: places.iter().copied().map(To::At).collect(),
            card: *card,
            trust: self.trust_of_those_at(places),
            found: shown.next().map(|card| card.id),
            is_listed: false,
        })
    }

    /// Says that nobody's key is known there.
    pub(super) fn tell_unknown(&mut self, partner: &Partner) {
        let whose = match partner {
            Partner::Person(name) | Partner::Room(name) => Whose::Person(name.clone()),
            Partner::At(address) => Whose::Contact(self.contacts.contact(*address)),
        };
        let (id, trust) = (None, Trust::New);
        self.out.event(Event::Fingerprint { whose, id, trust });
    }

    /// The user has compared somebody's key; or it is to be compared with this fingerprint.
    pub(super) fn verify(&mut self, partner: &Partner, fingerprint: Option<String>) {
        let Some(meant) = self.meant(partner) else {
            self.tell_unknown(partner);
            return;
        };
        let Meant {
            whose,
            of,
            card,
            trust,
            found,
            is_listed,
        } = meant;
        let id = card.id;
        let why = match (found, fingerprint) {
            (Some(found), _) => Some(NotVerified::Changed(found)),
            (None, Some(given)) if !is_fingerprint_of(id, &given) => Some(NotVerified::Differs(given)),
            (None, None) if is_listed => Some(NotVerified::Listed),
            (None, _) => None,
        };
        if let Some(why) = why {
            self.out.event(Event::People(PeopleEvent::NotVerified {
                whose,
                id,
                trust,
                why,
            }));
        } else if of
            .iter()
            .all(|to| self.acquaintances.verified.contains(&to.key()))
        {
            self.out.event(Event::NotAccepted(NotAccepted::NoChange));
        } else {
            let request = Request::Verify { of: of.clone(), card };
            self.out
                .store_surely(request, After::Verified { whose, of, card });
        }
    }

    /// It is committed, unless the name has another key by now; and the user may have trusted another meanwhile.
    pub(super) fn verified(&mut self, whose: Whose, of: &[To], card: Card, is_kept: bool) {
        if !is_kept {
            self.out.event(Event::NotAccepted(NotAccepted::NothingToTrust));
            return;
        }
        for to in of {
            if let To::Peer(name) = to {
                self.directory.pin(name, card);
            }
            if self.is_key_of(to, card.id) {
                self.acquaintances.verified.insert(to.key());
            }
        }
        let id = card.id;
        self.out.event(Event::People(PeopleEvent::Verified { whose, id }));
        self.tell_names();
    }

    fn is_key_of(&self, to: &To, id: IdentityId) -> bool {
        match to {
            To::At(address) => self.contacts.met(*address).is_some_and(|(_, card)| card.id == id),
            To::Peer(_) | To::Room(_) => match self.directory.knows(&to.key()) {
                Knowledge::Pinned(card) | Knowledge::Contested { pinned: card, .. } => card.id == id,
                Knowledge::Listed(_) | Knowledge::Unknown => false,
            },
        }
    }
}
