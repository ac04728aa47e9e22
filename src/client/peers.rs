//! Sessions with other clients, and the tries to open them.
//!
//! Bookkeeping; the endpoint does the work. A peer is his identity: names and addresses lead to it elsewhere.
//! Invariants: a session here is open; at most one round of tries per peer is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Instant;
use crate::id::IdentityId;
use crate::identity::Card;
use crate::limits::{REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::transport::{Attempt, SessionId};

/// A round of tries: one for each address.
#[derive(Debug)]
pub(super) struct Connecting {
    pub(super) since: Instant,
    pub(super) attempts: BTreeSet<Attempt>,
}

/// What is known of a peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) session: Option<SessionId>,
    pub(super) connecting: Option<Connecting>,
    /// No tries before this …
    pub(super) not_before: Instant,
    /// … and this much longer after the next failure.
    backoff: Duration,
    /// Where the last round went: another address may be tried at once.
    addresses: Vec<SocketAddr>,
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            session: None,
            connecting: None,
            not_before: Instant::ZERO,
            backoff: REQUEST_RETRY,
            addresses: Vec::new(),
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: BTreeMap<IdentityId, Peer>,
    sessions: BTreeMap<SessionId, Card>,
    attempts: BTreeMap<Attempt, IdentityId>,
}

impl Peers {
    pub(super) fn get(&self, id: IdentityId) -> Option<&Peer> {
        self.peers.get(&id)
    }

    /// Who is at the other end.
    pub(super) fn card(&self, session: SessionId) -> Option<&Card> {
        self.sessions.get(&session)
    }

    /// All sessions, and who is at the other end.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, IdentityId)> {
        self.sessions.iter().map(|(session, card)| (*session, card.id))
    }

    /// Whose try it is.
    pub(super) fn of_attempt(&self, attempt: Attempt) -> Option<IdentityId> {
        self.attempts.get(&attempt).copied()
    }

    /// Whether these addresses may be tried now.
    pub(super) fn may_connect(&self, id: IdentityId, addresses: &[SocketAddr], now: Instant) -> bool {
        !addresses.is_empty()
            && self
                .peers
                .get(&id)
                .is_none_or(|peer| peer.not_before <= now || peer.addresses != addresses)
    }

    pub(super) fn connecting(
        &mut self,
        id: IdentityId,
        addresses: Vec<SocketAddr>,
        attempts: BTreeSet<Attempt>,
        now: Instant,
    ) {
        for attempt in &attempts {
            self.attempts.insert(*attempt, id);
        }
        let peer = self.peers.entry(id).or_default();
        if peer.addresses != addresses {
            peer.backoff = REQUEST_RETRY;
        }
        peer.addresses = addresses;
        peer.connecting = Some(Connecting { since: now, attempts });
    }

    /// A session is up. Returns the tries that are no longer needed.
    pub(super) fn opened(
        &mut self,
        session: SessionId,
        card: Card,
        attempt: Option<Attempt>,
    ) -> Vec<Attempt> {
        self.sessions.insert(session, card);
        let peer = self.peers.entry(card.id).or_default();
        peer.session = Some(session);
        peer.not_before = Instant::ZERO;
        peer.backoff = REQUEST_RETRY;
        // Of two sessions that cross the endpoints keep one: a try of ours goes on unless it was this one.
        let Some(attempt) = attempt else {
            return Vec::new();
        };
        self.attempts.remove(&attempt);
        let others = peer
            .connecting
            .take()
            .map(|round| round.attempts)
            .unwrap_or_default();
        for other in &others {
            self.attempts.remove(other);
        }
        others.into_iter().filter(|other| *other != attempt).collect()
    }

    /// A try has ended. Returns when the next may follow if it was the last of its round.
    pub(super) fn failed(&mut self, attempt: Attempt, now: Instant) -> Option<(IdentityId, Instant)> {
        let id = self.attempts.remove(&attempt)?;
        let peer = self.peers.get_mut(&id)?;
        let round = peer.connecting.as_mut()?;
        round.attempts.remove(&attempt);
        if !round.attempts.is_empty() {
            return None;
        }
        peer.connecting = None;
        peer.not_before = now + peer.backoff;
        peer.backoff = (peer.backoff * 2).min(REQUEST_RETRY_MAX);
        Some((id, peer.not_before))
    }

    /// A session is gone.
    pub(super) fn closed(&mut self, session: SessionId) -> Option<IdentityId> {
        let card = self.sessions.remove(&session)?;
        // An older session that was replaced and still drains will do, if there is one.
        let other = self
            .sessions
            .iter()
            .rev()
            .find(|(_, other)| other.id == card.id)
            .map(|(session, _)| *session);
        let peer = self.peers.get_mut(&card.id)?;
        if peer.session == Some(session) {
            peer.session = other;
        }
        if peer.session.is_none() && peer.connecting.is_none() && peer.not_before == Instant::ZERO {
            self.peers.remove(&card.id);
        }
        Some(card.id)
    }

    /// Takes all sessions and tries, to be closed and abandoned.
    pub(super) fn clear(&mut self) -> (Vec<SessionId>, Vec<Attempt>) {
        self.peers.clear();
        let sessions = std::mem::take(&mut self.sessions).into_keys().collect();
        let attempts = std::mem::take(&mut self.attempts).into_keys().collect();
        (sessions, attempts)
    }
}
