//! Those whom the user has named by address: called, let in, introduced, and told from others.
//!
//! The user's own list says whom to believe (PROTOCOL §9.9): the first to answer at an address, or to come from it, is the
//! one who is there; afterwards it has to be him. He says himself what he is called, in the session that proves who he is.
//! Invariants: nobody is called before there is something to say to him; without a registry nobody who is not listed is let
//! in, nor anything of him kept; no two are called alike; nothing is sealed for somebody before it is committed who he is.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::committed::After;
use super::contacts::{Caller, Reach};
use super::directory::Knowledge;
use super::link::Phase;
use super::outbox::Outgoing;
use super::road::Road;
use super::{Client, Timer};
use crate::client::interface::{ContactEvent, Event, NotAccepted, Refusal, Text, What};
use crate::client::storage::{Key, Met, Request};
use crate::client::to::To;
use crate::clock::Instant;
use crate::engine::{Action, Context};
use crate::id::{IdentityId, Name};
use crate::identity::Card;
use crate::limits::{DIRECT_HANDSHAKE_BUDGET, REQUEST_RETRY};
use crate::reserved::is_reserved;
use crate::transport::{Attempt, CloseCause, Connect, ConnectFault, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::ToPeer;
use crate::wire::packet::Service;

/// Initials of a call.
const CALL_INITIALS: u32 = 3;
/// A session that ends sooner is followed by a pause: something is wrong over there.
const SHORT_VISIT: Duration = REQUEST_RETRY;

impl Client {
    /// The port is open, and there is no registry: all that waits is tried.
    pub(super) fn alone(&mut self, cx: &Context<'_>) {
        self.link.phase = Phase::Alone;
        let contacts = self.audience();
        self.out.event(Event::Contact(ContactEvent::Listening {
            port: self.link.local.map_or(0, |local| local.port()),
            contacts: contacts
                .iter()
                .map(|address| self.contacts.contact(*address))
                .collect(),
        }));
        // What an earlier run held back is held no longer than if it had come now: no mailbox is gone through first.
        self.registry_away(cx);
        self.pump_all(cx);
    }

    /// The user has written something for all who are listed.
    pub(super) fn say(&mut self, cx: &Context<'_>, text: &Text) {
        let audience = self.audience();
        if audience.is_empty() {
            self.not_accepted(text.tag, NotAccepted::ToSelf);
        } else if let Some(refusal) = self.why_not(&text.body, audience.len()) {
            self.not_accepted(text.tag, refusal);
        } else {
            for address in audience {
                self.accept(cx.now, To::At(address), text.clone());
            }
        }
    }

    /// The user has written something for whoever is at an address: from now on he talks to him.
    pub(super) fn send_at(&mut self, cx: &Context<'_>, address: SocketAddr, text: Text) {
        if self.is_own(address) {
            self.not_accepted(text.tag, NotAccepted::ToSelf);
        } else if self.contacts.list(address) {
            self.write(cx, To::At(address), text);
        } else {
            self.not_accepted(text.tag, NotAccepted::TooManyAddresses);
        }
    }

    /// The addresses to which is said what is said to all.
    fn audience(&self) -> Vec<SocketAddr> {
        let listed = self.contacts.addresses();
        listed.filter(|address| !self.is_own(*address)).collect()
    }

    /// Whether that is where we are, as far as we know without asking anybody.
    fn is_own(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let is_here = |local: IpAddr| match local.is_unspecified() {
            true => ip.is_loopback(),
            false => ip == local.to_canonical(),
        };
        self.link
            .local
            .is_some_and(|local| local.port() == address.port() && is_here(local.ip()))
    }

    /// The road to whoever is at an address; there is but one.
    pub(super) fn road_to_address(
        &self,
        now: Instant,
        address: SocketAddr,
        put_off: Option<Instant>,
    ) -> Road {
        if let Some(until) = put_off {
            return Road::PutOff(until);
        }
        let reach = match self.contacts.reach(address, now) {
            Reach::Met(card) => match self.peers.get(card.id).and_then(|peer| peer.session) {
                Some(session) => return Road::Direct(session, card),
                None => self.contacts.reach_anew(address, now),
            },
            reach => reach,
        };
        match reach {
            Reach::Call => Road::Call(address),
            Reach::Soon => Road::Later,
            Reach::Met(_) | Reach::Away => Road::Nowhere,
        }
    }

    /// Tries to open a session with whoever is at an address, for a message.
    pub(super) fn call(&mut self, cx: &Context<'_>, key: Key, address: SocketAddr) {
        self.journal.note(key, cx.now, What::Called);
        let attempt = self.next_attempt();
        let expect = self.contacts.call(address, attempt);
        self.out.push(Action::Connect(Connect {
            attempt,
            address,
            service: Service::Peer,
            expect,
            interval: self.contacts.interval(address),
            initials: CALL_INITIALS,
        }));
    }

    /// Something is to be said to him: if he was called in vain, the next call comes soon.
    pub(super) fn hurry_call(&mut self, cx: &Context<'_>, address: SocketAddr) {
        self.contacts.hurry(address);
        self.look_later(cx, address);
    }

    fn look_later(&mut self, cx: &Context<'_>, address: SocketAddr) {
        if let Some(at) = self.contacts.due(address) {
            self.timers.set(Timer::Contact(address), at.max(cx.now.at));
        }
    }

    /// He may be called again, or has had his time to say what he is called.
    pub(super) fn contact_due(&mut self, cx: &Context<'_>, address: SocketAddr) {
        if self.contacts.is_mute(address, cx.now.at) {
            self.unreached(cx, address);
        } else {
            self.pump(cx, &To::At(address).key());
        }
    }

    fn unreached(&mut self, cx: &Context<'_>, address: SocketAddr) {
        self.contacts.failed(address, cx.now.at);
        self.look_later(cx, address);
        self.pump(cx, &To::At(address).key());
    }

    /// A call was not answered by whom it was for. False if the try was no call.
    pub(super) fn call_failed(&mut self, cx: &Context<'_>, attempt: Attempt, fault: ConnectFault) -> bool {
        let Some(address) = self.contacts.ends(attempt) else {
            return false;
        };
        if let ConnectFault::OtherIdentity(card) = fault {
            match self.contacts.met(address).map(|(_, known)| known.id) {
                None if card.id == self.me.id() => self.found_ourselves(cx, address),
                // Our own packets, sent back to us, say nothing of where he is.
                Some(known) if ![self.me.id(), known].contains(&card.id) => {
                    self.found_another(address, card, known);
                }
                // Or the user has taken his word since he was called.
                Some(_) | None => {}
            }
        }
        self.unreached(cx, address);
        true
    }

    /// Our own packets have come back from there. It may be our own address as others see it; but anybody on the way can send
    /// them back, so nothing ends for that.
    fn found_ourselves(&mut self, cx: &Context<'_>, address: SocketAddr) {
        if self.is_own(address) {
            self.refuse_all(cx, &To::At(address).key(), Refusal::Oneself);
        } else if self.contacts.echoes(address) {
            self.out.event(Event::Trouble(format!(
                "what is sent to {address} comes back: it is your own address, or somebody returns it; what is for there waits"
            )));
        }
    }

    /// Says once of each who it is that is there now.
    fn found_another(&mut self, address: SocketAddr, card: Card, known: IdentityId) {
        if self.contacts.show(address, card) {
            self.out.event(Event::Contact(ContactEvent::Changed {
                who: self.contacts.contact(address),
                known,
                found: card.id,
            }));
        }
    }

    /// A call was answered.
    pub(super) fn call_answered(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        address: SocketAddr,
        card: Card,
    ) {
        let known = self.contacts.met(address).map(|(_, known)| known.id);
        if let Some(known) = known.filter(|known| *known != card.id) {
            // The user's word has come since he was called.
            self.turn_away(session);
            self.found_another(address, card, known);
            self.unreached(cx, address);
        } else {
            self.welcome(cx, session, known.is_none().then_some(address), card);
        }
    }

    /// Somebody begins a session. False if he is to be known by a registry.
    pub(super) fn called(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        from: SocketAddr,
        card: Card,
    ) -> bool {
        match self.contacts.caller(from, card.id) {
            Caller::Known => self.welcome(cx, session, None, card),
            Caller::First(address) => self.welcome(cx, session, Some(address), card),
            Caller::Other { .. } | Caller::Stranger if self.config.registry.is_some() => return false,
            Caller::Other { address, known } => {
                self.turn_away(session);
                self.found_another(address, card, known);
            }
            Caller::Stranger => {
                tracing::debug!(%from, peer = ?card.id, "not listed");
                self.turn_away(session);
            }
        }
        true
    }

    fn turn_away(&mut self, session: SessionId) {
        self.out.push(Action::Close {
            session,
            code: CloseCode::NotAdmitted,
        });
    }

    /// A session with somebody who is listed is up; `address`: where, if he is met only now.
    fn welcome(&mut self, cx: &Context<'_>, session: SessionId, address: Option<SocketAddr>, card: Card) {
        if self.contacts.visit(session, card, cx.now.at) {
            self.peers.opened(session, card, None);
            self.introduce(cx, session);
        }
        match (address, self.contacts.name_of(card.id).cloned()) {
            // He was met elsewhere.
            (Some(address), Some(name)) => self.meet(address, &name, card),
            (Some(address), None) => {
                let until = cx.now.at + DIRECT_HANDSHAKE_BUDGET;
                self.contacts.greet(session, address, until);
                self.look_later(cx, address);
            }
            (None, _) => {}
        }
        self.pump_peer(cx, card.id);
    }

    /// He is there, and called so: that is committed if it is news.
    fn meet(&mut self, address: SocketAddr, name: &Name, card: Card) {
        let was = self.contacts.met(address).map(|(name, _)| name.clone());
        if self.contacts.meet(address, name, card) {
            let met = Met {
                address,
                name: name.clone(),
                card,
            };
            self.out
                .store_surely(Request::Meet(met), After::Met { address, was });
        }
    }

    /// Says what we are called.
    fn introduce(&mut self, cx: &Context<'_>, session: SessionId) {
        let name = self.config.name.clone();
        if !self.out.send(cx, session, &ToPeer::Introduce { name }) {
            tracing::debug!("no room to say what we are called");
        }
    }

    /// Somebody says what he is called.
    pub(super) fn introduced(&mut self, cx: &Context<'_>, session: SessionId, card: Card, name: &Name) {
        if !self.contacts.is_visit(session) {
            // He has called us by our address, and wants to know.
            self.introduce(cx, session);
        } else if self.takes_name(cx, session, card, name) {
            self.pump_peer(cx, card.id);
        }
    }

    /// Whether one whom we have let in may be called so; then it is committed who he is. The session is over if not.
    pub(super) fn takes_name(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        card: Card,
        name: &Name,
    ) -> bool {
        let places = self.contacts.places_of(session);
        // Since he was let in another may have been met there, or the user have decided for another. One run has one name.
        let was_his = self.contacts.name_of(card.id) == Some(name);
        let is_free = (was_his || !is_reserved(name)) && !self.is_anothers(name, card);
        if places.is_empty() || !is_free || self.contacts.goes_by_another(session, name) {
            self.turn_away(session);
            self.visit_over(cx, session);
            for address in places {
                if !is_free && self.contacts.wants_name(address, name) {
                    let name = name.clone();
                    self.out
                        .event(Event::Contact(ContactEvent::NameTaken { address, name }));
                }
                self.unreached(cx, address);
            }
            return false;
        }
        if self.contacts.introduced(session, name) || self.contacts.name_of(card.id) != Some(name) {
            for address in places {
                self.meet(address, name, card);
            }
        }
        true
    }

    /// Whether a name is ours, or that of another whom we know by whatever way.
    fn is_anothers(&self, name: &Name, card: Card) -> bool {
        let by_registry = match self.directory.knows(&name.folded()) {
            Knowledge::Pinned(known) | Knowledge::Contested { pinned: known, .. } => known.id != card.id,
            // Who has met him goes by that.
            Knowledge::Listed(known) => known.id != card.id && self.contacts.name_of(card.id) != Some(name),
            Knowledge::Unknown => false,
        };
        by_registry || name.matches(&self.config.name) || self.contacts.is_anothers(name, card.id)
    }

    /// It is committed who is there.
    pub(super) fn met(&mut self, cx: &Context<'_>, address: SocketAddr, was: Option<Name>) {
        self.contacts.committed(address);
        self.tell_names();
        if let Some((name, card)) = self.contacts.met(address) {
            let (id, who) = (card.id, self.contacts.contact(address));
            match was {
                None => self.out.event(Event::Contact(ContactEvent::Met { who, id })),
                Some(was) if was != *name => {
                    self.out.event(Event::Contact(ContactEvent::Renamed { who, was }));
                }
                Some(_) => {}
            }
        }
        self.pump(cx, &To::At(address).key());
    }

    /// We have ended a session with somebody who was let in.
    fn visit_over(&mut self, cx: &Context<'_>, session: SessionId) {
        self.contacts.leaves(session);
        self.peers.closed(session);
        self.take_back(cx, session);
    }

    /// A session is gone: if it was one of theirs, and short, they are not called again at once.
    /// Where he was let in is looked at anew once the session is given back.
    pub(super) fn visit_ended(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        cause: CloseCause,
    ) -> Vec<SocketAddr> {
        let Some(visit) = self.contacts.leaves(session) else {
            return Vec::new();
        };
        if matches!(
            cause,
            CloseCause::Replaced(_) | CloseCause::Remote(CloseCode::Crossed)
        ) {
            return Vec::new();
        }
        let lasted = visit.called.is_some() && cx.now.at.since(visit.since) >= SHORT_VISIT;
        let places = self.contacts.places(&visit);
        for &address in &places {
            if cause == CloseCause::Remote(CloseCode::NotAdmitted) {
                self.not_let_in(address);
            }
            if lasted {
                self.contacts.rest(address);
            } else {
                self.contacts.failed(address, cx.now.at);
                self.look_later(cx, address);
            }
        }
        places
    }

    /// Whoever is at an address does not want to hear us: that is told once, until he takes something.
    pub(super) fn not_let_in(&mut self, address: SocketAddr) {
        if self.contacts.is_unlisted(address) {
            let by = self.contacts.contact(address);
            self.out.event(Event::Contact(ContactEvent::NotListed { by }));
        }
    }

    /// The user takes whoever was seen at an address for the one who is there.
    pub(super) fn trust_at(&mut self, address: SocketAddr, fingerprint: &str) {
        let shown = self.contacts.shown(address);
        let card = shown.filter(|card| super::names::is_fingerprint_of(card.id, fingerprint));
        match card {
            Some(card) => self.ask_trust(To::At(address), card),
            None => self.out.event(Event::NotAccepted(NotAccepted::NothingToTrust)),
        }
    }

    /// Whom a message is sealed for unless that is fixed already: who is pinned to its name, or was met at its address.
    pub(super) fn pinned_card(&self, message: &Outgoing) -> Option<Card> {
        match &message.to {
            To::At(address) => self.contacts.met(*address).map(|(_, card)| *card),
            To::Peer(_) | To::Room(_) => match self.directory.knows(&message.to.key()) {
                Knowledge::Pinned(card) => Some(card),
                _ => None,
            },
        }
    }
}
