//! Those whom the user has named by address: who was met there, and the tries to reach them.
//!
//! Bookkeeping; `meeting` decides. Two addresses may lead to one peer: each has its own conversation with him.
//! Invariants: who was met at an address is believed to be the one there until the user says otherwise; one try for each
//! address is under way; between two there is a pause.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::client::interface::Contact;
use crate::client::storage::Met;
use crate::client::to::To;
use crate::clock::Instant;
use crate::id::{IdentityId, Name};
use crate::identity::Card;
use crate::limits::{DIRECT_HANDSHAKE_BUDGET, LISTED_MAX, RECONNECT_MAX, RECONNECT_TYPED};
use crate::transport::{Attempt, SessionId};

/// The first pause between tries; it doubles up to [`RECONNECT_MAX`].
const PAUSE_MIN: Duration = RECONNECT_TYPED;

/// What can be done to reach an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// He is known: in a session with him, if there is one.
    Met(Card),
    /// Something is under way that will tell.
    Soon,
    /// Neither he nor a reason not to call.
    Call,
    /// Not now.
    Away,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody who was met.
    Known,
    /// The first to come from a listed address.
    First(SocketAddr),
    /// Somebody else than was met there.
    Other { address: SocketAddr, known: IdentityId },
    /// Nobody whom we know of.
    Stranger,
}

/// What is known of an address.
#[derive(Debug)]
struct Entry {
    /// We talk to whoever is there.
    listed: bool,
    met: Option<(Name, Card)>,
    /// Commits of that under way.
    committing: usize,
    attempt: Option<Attempt>,
    /// No tries before this …
    not_before: Instant,
    /// … and this much longer after the next failure.
    pause: Duration,
    failed_at: Instant,
    /// A session is up, and what he is called is waited for.
    greeting_until: Option<Instant>,
    /// Somebody else who was seen there last.
    shown: Option<Card>,
    /// What he wants to be called and cannot, as the user was told last.
    name_taken: Option<Name>,
    /// The user was told that he does not list us.
    told_unlisted: bool,
    /// The user was told that our own packets come back.
    told_echo: bool,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            listed: false,
            met: None,
            committing: 0,
            attempt: None,
            not_before: Instant::ZERO,
            pause: PAUSE_MIN,
            failed_at: Instant::ZERO,
            greeting_until: None,
            shown: None,
            name_taken: None,
            told_unlisted: false,
            told_echo: false,
        }
    }
}

impl Entry {
    /// Whether somebody is to be called there.
    fn calls(&self, now: Instant) -> Reach {
        match self.attempt {
            Some(_) => Reach::Soon,
            None if self.not_before <= now => Reach::Call,
            None => Reach::Away,
        }
    }

    fn is(&self, id: IdentityId) -> bool {
        self.met.as_ref().is_some_and(|(_, card)| card.id == id)
    }

    fn fail(&mut self, now: Instant) {
        self.greeting_until = None;
        self.failed_at = now;
        self.not_before = now + self.pause;
        self.pause = (self.pause * 2).min(RECONNECT_MAX);
    }
}

/// A session with one of them.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    card: Card,
    /// Which addresses led to it where nobody had been met before.
    addresses: BTreeSet<SocketAddr>,
    pub(super) since: Instant,
    /// What he has said that he is called.
    pub(super) called: Option<Name>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    entries: BTreeMap<SocketAddr, Entry>,
    attempts: BTreeMap<Attempt, SocketAddr>,
    visits: BTreeMap<SessionId, Visit>,
}

impl Contacts {
    /// Those with whom the user talks in this run.
    pub(super) fn new(listed: &[SocketAddr]) -> Self {
        let mut contacts = Self::default();
        for address in listed {
            contacts.list(*address);
        }
        contacts
    }

    /// The user talks to whoever is there from now on. False if he talks to too many.
    pub(super) fn list(&mut self, address: SocketAddr) -> bool {
        let room = self.lists(address) || self.listed().count() < LISTED_MAX;
        if room {
            self.entry(address).listed = true;
        }
        room
    }

    /// Whom earlier runs have met.
    pub(super) fn load(&mut self, met: Vec<Met>) {
        for Met { address, name, card } in met {
            self.entry(address).met = Some((name, card));
        }
    }

    fn entry(&mut self, address: SocketAddr) -> &mut Entry {
        self.entries.entry(address).or_default()
    }

    fn listed(&self) -> impl Iterator<Item = (&SocketAddr, &Entry)> {
        self.entries.iter().filter(|(_, entry)| entry.listed)
    }

    /// The addresses of all that are listed.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listed().map(|(address, _)| *address)
    }

    /// Whether we talk to whoever is there.
    pub(super) fn lists(&self, address: SocketAddr) -> bool {
        self.entries.get(&address).is_some_and(|entry| entry.listed)
    }

    /// As a person reads of him.
    pub(super) fn contact(&self, address: SocketAddr) -> Contact {
        Contact {
            address,
            name: self.met(address).map(|(name, _)| name.clone()),
        }
    }

    /// Who was met there.
    pub(super) fn met(&self, address: SocketAddr) -> Option<&(Name, Card)> {
        self.entries.get(&address)?.met.as_ref()
    }

    /// Where those were met who are called so.
    pub(super) fn met_as(&self, name: &Name) -> Vec<SocketAddr> {
        self.met_where(|(called, _)| called.matches(name))
    }

    /// What those are called who were met.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        let met = self.entries.values().filter_map(|entry| entry.met.as_ref());
        met.map(|(name, _)| name)
    }

    /// Where the one was met who was met there; that address, if nobody was.
    pub(super) fn same_as(&self, address: SocketAddr) -> Vec<SocketAddr> {
        match self.met(address) {
            Some((_, card)) => self.where_met(card.id),
            None => vec![address],
        }
    }

    /// Where this identity was met.
    pub(super) fn where_met(&self, id: IdentityId) -> Vec<SocketAddr> {
        self.met_where(|(_, card)| card.id == id)
    }

    fn met_where(&self, is_meant: impl Fn(&(Name, Card)) -> bool) -> Vec<SocketAddr> {
        let entries = self.entries.iter();
        let meant = entries.filter(|(_, entry)| entry.met.as_ref().is_some_and(&is_meant));
        meant.map(|(address, _)| *address).collect()
    }

    /// The conversations with this peer.
    pub(super) fn keys_of(&self, id: IdentityId) -> impl Iterator<Item = String> {
        let theirs = self.listed().filter(move |(_, entry)| entry.is(id));
        theirs.map(|(address, _)| To::At(*address).key())
    }

    pub(super) fn reach(&self, address: SocketAddr, now: Instant) -> Reach {
        let Some(entry) = self.entries.get(&address).filter(|entry| entry.listed) else {
            return Reach::Away;
        };
        match &entry.met {
            _ if entry.committing > 0 => Reach::Soon,
            Some((_, card)) => Reach::Met(*card),
            None if entry.greeting_until.is_some_and(|until| now < until) => Reach::Soon,
            None => entry.calls(now),
        }
    }

    /// As [`Self::reach`], where there is no session with whom was met.
    pub(super) fn reach_anew(&self, address: SocketAddr, now: Instant) -> Reach {
        self.entries
            .get(&address)
            .map_or(Reach::Away, |entry| entry.calls(now))
    }

    /// A try begins. Whom it is to lead to, if he was met.
    pub(super) fn call(&mut self, address: SocketAddr, attempt: Attempt) -> Option<IdentityId> {
        self.attempts.insert(attempt, address);
        let entry = self.entry(address);
        entry.attempt = Some(attempt);
        entry.met.as_ref().map(|(_, card)| card.id)
    }

    /// How far apart the Initials of a try are: once one was in vain, or led to little, twice as far, so that whoever is seconds
    /// away on a slow line, on which he may be calling us, too, can answer in its time.
    pub(super) fn interval(&self, address: SocketAddr) -> Duration {
        let failed = |entry: &Entry| entry.pause > PAUSE_MIN;
        match self.entries.get(&address).is_some_and(failed) {
            true => DIRECT_HANDSHAKE_BUDGET * 2,
            false => DIRECT_HANDSHAKE_BUDGET,
        }
    }

    /// Somebody waits: the next try need not wait for long.
    pub(super) fn hurry(&mut self, address: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&address) {
            entry.not_before = entry.not_before.min(entry.failed_at + PAUSE_MIN);
        }
    }

    /// When it is to be looked at again: his time to say what he is called is over, or the next try may begin.
    pub(super) fn due(&self, address: SocketAddr) -> Option<Instant> {
        let entry = self.entries.get(&address)?;
        Some(entry.greeting_until.unwrap_or(entry.not_before))
    }

    /// A try has ended. Where it went.
    pub(super) fn ends(&mut self, attempt: Attempt) -> Option<SocketAddr> {
        let address = self.attempts.remove(&attempt)?;
        let entry = self.entry(address);
        entry.attempt = entry.attempt.filter(|other| *other != attempt);
        Some(address)
    }

    /// It was in vain.
    pub(super) fn failed(&mut self, address: SocketAddr, now: Instant) {
        self.entry(address).fail(now);
    }

    /// Somebody begins a session from there.
    pub(super) fn caller(&self, from: SocketAddr, id: IdentityId) -> Caller {
        if self.listed().any(|(_, entry)| entry.is(id)) {
            return Caller::Known;
        }
        match self.entries.get(&from).filter(|entry| entry.listed) {
            Some(entry) => match &entry.met {
                None => Caller::First(from),
                Some((_, known)) => Caller::Other {
                    address: from,
                    known: known.id,
                },
            },
            None => Caller::Stranger,
        }
    }

    /// A session is up. Whether it was not known yet.
    pub(super) fn visit(&mut self, session: SessionId, card: Card, since: Instant) -> bool {
        let news = !self.visits.contains_key(&session);
        self.visits.entry(session).or_insert(Visit {
            card,
            addresses: BTreeSet::new(),
            since,
            called: None,
        });
        news
    }

    /// An address where nobody had been met has led to it: until then what he is called is waited for.
    pub(super) fn greet(&mut self, session: SessionId, address: SocketAddr, until: Instant) {
        if let Some(visit) = self.visits.get_mut(&session) {
            visit.addresses.insert(address);
            self.entry(address).greeting_until = Some(until);
        }
    }

    /// Whether that time is over.
    pub(super) fn is_mute(&self, address: SocketAddr, now: Instant) -> bool {
        let until = self.entries.get(&address).and_then(|entry| entry.greeting_until);
        until.is_some_and(|until| until <= now)
    }

    /// Whether it is a session with one of them.
    pub(super) fn is_visit(&self, session: SessionId) -> bool {
        self.visits.contains_key(&session)
    }

    /// The session is over.
    pub(super) fn leaves(&mut self, session: SessionId) -> Option<Visit> {
        self.visits.remove(&session)
    }

    /// The listed addresses that it leads to: where he was met, or may be now. Of several who come from one the first to say
    /// what he is called is met there.
    pub(super) fn places(&self, visit: &Visit) -> Vec<SocketAddr> {
        let here = |(address, entry): &(&SocketAddr, &Entry)| match entry.met {
            Some(_) => entry.is(visit.card.id),
            None => visit.addresses.contains(*address),
        };
        self.listed().filter(here).map(|(address, _)| *address).collect()
    }

    /// As [`Self::places`], of a session that is up.
    pub(super) fn places_of(&self, session: SessionId) -> Vec<SocketAddr> {
        let visit = self.visits.get(&session);
        visit.map_or_else(Vec::new, |visit| self.places(visit))
    }

    /// What one who was met is called.
    pub(super) fn name_of(&self, id: IdentityId) -> Option<&Name> {
        let theirs = self.listed().find(|(_, entry)| entry.is(id));
        theirs
            .and_then(|(_, entry)| entry.met.as_ref())
            .map(|(name, _)| name)
    }

    /// Whether somebody else among them is called so.
    pub(super) fn is_anothers(&self, name: &Name, id: IdentityId) -> bool {
        let mut met = self.listed().filter_map(|(_, entry)| entry.met.as_ref());
        met.any(|(other, card)| card.id != id && other.matches(name))
    }

    /// Who among them is called so, and where.
    pub(super) fn called(&self, name: &Name) -> Option<(SocketAddr, IdentityId)> {
        self.listed().find_map(|(address, entry)| {
            let (his, card) = entry.met.as_ref()?;
            his.matches(name).then_some((*address, card.id))
        })
    }

    /// Whether he has said in this session that he is called otherwise.
    pub(super) fn goes_by_another(&self, session: SessionId, name: &Name) -> bool {
        let called = self.visits.get(&session).and_then(|visit| visit.called.as_ref());
        called.is_some_and(|called| called != name)
    }

    /// He has said what he is called. Whether that was for the first time.
    pub(super) fn introduced(&mut self, session: SessionId, name: &Name) -> bool {
        let visit = self.visits.get_mut(&session);
        visit.is_some_and(|visit| visit.called.replace(name.clone()).is_none())
    }

    /// He is there, and called so. Whether that is news, to be committed.
    pub(super) fn meet(&mut self, address: SocketAddr, name: &Name, card: Card) -> bool {
        let entry = self.entry(address);
        entry.greeting_until = None;
        entry.name_taken = None;
        let news = entry.met.as_ref().is_none_or(|(known, _)| known != name);
        if news {
            entry.met = Some((name.clone(), card));
            entry.committing += 1;
        }
        news
    }

    /// It is committed.
    pub(super) fn committed(&mut self, address: SocketAddr) {
        let entry = self.entry(address);
        entry.committing = entry.committing.saturating_sub(1);
    }

    /// A session has lasted: pauses begin anew.
    pub(super) fn rest(&mut self, address: SocketAddr) {
        let entry = self.entry(address);
        entry.pause = PAUSE_MIN;
        entry.not_before = Instant::ZERO;
    }

    /// He has taken a message of ours.
    pub(super) fn lets_us_in(&mut self, address: SocketAddr) {
        self.entry(address).told_unlisted = false;
    }

    /// Somebody else was seen there. Whether that is news.
    pub(super) fn show(&mut self, address: SocketAddr, card: Card) -> bool {
        self.entry(address).shown.replace(card).map(|card| card.id) != Some(card.id)
    }

    /// Who that was.
    pub(super) fn shown(&self, address: SocketAddr) -> Option<Card> {
        self.entries.get(&address)?.shown
    }

    /// The user takes him for the one who is there.
    pub(super) fn trust(&mut self, address: SocketAddr, card: Card) {
        let entry = self.entry(address);
        entry.shown = None;
        entry.not_before = Instant::ZERO;
        entry.pause = PAUSE_MIN;
        if let Some((_, known)) = &mut entry.met {
            *known = card;
        }
    }

    /// Whether it is news that he does not list us.
    pub(super) fn is_unlisted(&mut self, address: SocketAddr) -> bool {
        !std::mem::replace(&mut self.entry(address).told_unlisted, true)
    }

    /// Whether it is news that he wants to be called so.
    pub(super) fn wants_name(&mut self, address: SocketAddr, name: &Name) -> bool {
        self.entry(address).name_taken.replace(name.clone()).as_ref() != Some(name)
    }

    /// Our own packets come back from there. Whether that is news.
    pub(super) fn echoes(&mut self, address: SocketAddr) -> bool {
        !std::mem::replace(&mut self.entry(address).told_echo, true)
    }

    /// All sessions are closed. Takes the tries, to be abandoned.
    pub(super) fn clear(&mut self) -> Vec<Attempt> {
        self.visits.clear();
        for entry in self.entries.values_mut() {
            entry.attempt = None;
            entry.greeting_until = None;
        }
        std::mem::take(&mut self.attempts).into_keys().collect()
    }
}
