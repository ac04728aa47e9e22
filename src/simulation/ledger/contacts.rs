//! Those who write to each other by address, where there is no registry: whom each has met, and what is told of them.
//!
//! Who lists whom is the circle's to say; states of messages are judged as those of others.
//! Invariant: what is committed of somebody, and told of him, is held against who is at home at that address.

use std::net::SocketAddr;
use std::time::Duration;

use super::telling::Said;
use super::{Ledger, Verdict};
use crate::client::interface::{Contact, ContactEvent};
use crate::client::storage::Met;
use crate::client::to::To;
use crate::clock::Instant;
use crate::id::Name;
use crate::simulation::circle::Circle;
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::State;
use crate::simulation::network::LATE;

/// So long after somebody was met he may still hear that he was turned away before: a copy of that may come late.
const HEARSAY: Duration = Duration::from_secs(LATE.as_secs() + 20);

impl Ledger {
    /// Who is at home there.
    fn at_home(&self, address: SocketAddr) -> Option<usize> {
        self.circle.as_ref()?.who(address)
    }

    /// Who is meant, if he is called so.
    pub(super) fn contact(&self, contact: &Contact) -> Option<usize> {
        let person = self.at_home(contact.address)?;
        let called = |name: &Name| self.names.get(person) == Some(name);
        contact.name.as_ref().is_none_or(called).then_some(person)
    }

    /// To whom a message is.
    pub(super) fn recipient(&self, to: &To) -> Option<usize> {
        match to {
            To::Peer(name) => self.who(name),
            To::At(address) => self.at_home(*address),
            To::Room(_) => None,
        }
    }

    /// Whether all who list somebody have met him.
    pub(in crate::simulation) fn is_known(&self, person: usize) -> bool {
        let circle = self.circle.as_ref();
        circle.is_some_and(|circle| {
            let mut others = (0..self.names.len()).filter(|other| circle.lists(*other, person));
            others.all(|other| self.met.contains_key(&(other, person)))
        })
    }

    /// Nothing of somebody gets in who is not listed.
    pub(super) fn is_let_in(&self, person: usize, from: usize) -> Verdict {
        match &self.circle {
            Some(circle) if !circle.lists(person, from) => Err((
                Invariant::Authentic,
                format!("{person} has taken a message of {from}, whom he does not list"),
            )),
            _ => Ok(()),
        }
    }

    /// Somebody has committed who is at an address.
    pub(super) fn meets(&mut self, at: Instant, person: usize, met: &Met) -> Verdict {
        let Met { address, name, card } = met;
        let there = self.at_home(*address).filter(|there| {
            // Whoever is not listed is not told who is there.
            let lists = |circle: &Circle| circle.lists(person, *there) && circle.lists(*there, person);
            self.circle.as_ref().is_some_and(lists)
                && self.people.get(&card.id) == Some(there)
                && self.names.get(*there) == Some(name)
        });
        match there {
            Some(there) => {
                self.met.entry((person, there)).or_insert(at);
                Ok(())
            }
            None => Err((
                Invariant::Authentic,
                format!("{person} takes {name} for the one at {address}"),
            )),
        }
    }

    /// Somebody is told something about those whom he lists.
    pub(super) fn told_of_contact(&mut self, at: Instant, person: usize, event: &ContactEvent) -> Verdict {
        let end = |state, sent_at| Said {
            sent_at: Some(sent_at),
            ..Said::new(at, state)
        };
        let (to, said) = match event {
            ContactEvent::Received { to } => (to, Said::new(at, State::Delivered)),
            ContactEvent::ReceivedLater { to, sent_at } => (to, end(State::Delivered, *sent_at)),
            ContactEvent::Expired { to, sent_at } => (to, end(State::Expired, *sent_at)),
            ContactEvent::Refused { to, sent_at, reason } => {
                let reason = Some(*reason);
                let refused = end(State::Refused, *sent_at);
                (to, Said { reason, ..refused })
            }
            ContactEvent::Waiting { to, .. } => return self.is_open(person, self.contact(to)),
            other => return self.told_of_people(at, person, other),
        };
        self.says_of(person, said, self.contact(to))
    }

    /// The same where it is about no message.
    fn told_of_people(&self, at: Instant, person: usize, event: &ContactEvent) -> Verdict {
        let Some(circle) = &self.circle else {
            return self.as_told(person, event, false);
        };
        let so = match event {
            ContactEvent::Listening { contacts, .. } => contacts.iter().all(|contact| {
                let there = self.contact(contact);
                there.is_some_and(|there| circle.lists(person, there))
            }),
            ContactEvent::Met { who, id } => {
                let there = self.contact(who).filter(|_| who.name.is_some());
                let known = there.filter(|there| self.people.get(id) == Some(there));
                let Some(known) = known.filter(|there| !self.met.contains_key(&(person, *there))) else {
                    return self.as_told(person, event, known.is_some());
                };
                return Err((
                    Invariant::CommittedFirst,
                    format!("{person} is told that he has met {known}, and that is not committed"),
                ));
            }
            ContactEvent::NotListed { by } => {
                let known = |by: usize| {
                    let since = self.met.get(&(by, person)).copied();
                    since.is_some_and(|since| at.since(since) > HEARSAY)
                };
                let by = self.contact(by);
                by.is_some_and(|by| circle.may_turn_away(by, person) && !known(by))
            }
            ContactEvent::Changed { who, known, found } => {
                let (owner, guest) = (self.contact(who), self.people.get(found));
                let was_there = |(owner, guest): (usize, &usize)| circle.was_at_home_of(owner, *guest);
                owner == self.people.get(known).copied() && owner.zip(guest).is_some_and(was_there)
            }
            // Nobody changes his name, or has anything to decide.
            _ => false,
        };
        self.as_told(person, event, so)
    }

    fn as_told(&self, person: usize, event: &ContactEvent, so: bool) -> Verdict {
        if so {
            return Ok(());
        }
        let name = self.names.get(person);
        Err((
            Invariant::Authentic,
            format!("{name:?} is told {event:?}, and it is not so"),
        ))
    }
}
