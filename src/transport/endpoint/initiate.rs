//! This side begins: tries, their Initials, and what a Response leads to (PROTOCOL §7.1, §7.3).
//!
//! Invariant: before the Response has proven to come from whom is wanted, nothing of ours is revealed but a
//! fresh key; afterwards the try ends in exactly one `Opened` or `Failed`.

use std::net::SocketAddr;

use super::link::{Link, Origin};
use super::noise::Initiator;
use super::tries::Try;
use super::{DropCause, Endpoint};
use crate::clock::Instant;
use crate::id::IdentityId;
use crate::identity::Role;
use crate::limits::{SESSIONS_MAX, TRIES_MAX};
use crate::transport::session::Session;
use crate::transport::{Attempt, Connect, ConnectFault, SessionEvent, Transmit};
use crate::wire::codec;
use crate::wire::handshake::Hello;
use crate::wire::packet::{COOKIE_BYTES, Service};

impl Endpoint {
    pub(super) fn begin_try(&mut self, now: Instant, connect: Connect) {
        self.abandon(connect.attempt);
        if self.tries.len() >= TRIES_MAX || self.links.len() >= SESSIONS_MAX {
            self.fail(connect.attempt, ConnectFault::Full);
            return;
        }
        let index = self.fresh_index();
        let seed = self.fresh_seed();
        let begun = Initiator::new(&self.identity, connect.service, seed);
        let attempt = Try::new(now, connect, begun);
        self.schedule.set(index, Some(attempt.deadline()));
        self.schedule.line_up(index);
        self.tries.insert(index, attempt);
    }

    fn fail(&mut self, attempt: Attempt, fault: ConnectFault) {
        self.push_event(SessionEvent::Failed { attempt, fault });
    }

    pub(super) fn remove_try(&mut self, index: u64) -> Option<Try> {
        self.schedule.remove(index);
        self.tries.remove(index)
    }

    pub(super) fn poll_try(&mut self, index: u64) -> Option<Transmit> {
        let attempt = self.tries.find(index)?;
        let to = attempt.connect.address;
        let bytes = attempt.poll_datagram(index)?;
        let from = None;
        Some(Transmit { to, from, bytes })
    }

    pub(super) fn try_timeout(&mut self, now: Instant, index: u64) {
        let Some(attempt) = self.tries.find(index) else {
            return;
        };
        if attempt.handle_timeout(now) {
            let deadline = attempt.deadline();
            self.schedule.set(index, Some(deadline));
            self.schedule.line_up(index);
            return;
        }
        let (connect, began) = (attempt.connect, attempt.began);
        let fault = attempt
            .stranger
            .map_or(ConnectFault::Silent, ConnectFault::OtherIdentity);
        self.remove_try(index);
        let peer = connect.expect;
        match peer.and_then(|peer| self.opened_since(peer, began, |_| true)) {
            Some(existing) => self.push_opened(existing, Some(connect.attempt)),
            None => self.fail(connect.attempt, fault),
        }
    }

    pub(super) fn handle_retry(
        &mut self,
        from: SocketAddr,
        receiver: u64,
        cookie: [u8; COOKIE_BYTES],
    ) -> Result<(), DropCause> {
        let attempt = self.tries.find(receiver).ok_or(DropCause::Unasked)?;
        if attempt.connect.address != from {
            return Err(DropCause::OtherAddress);
        }
        if attempt.take_cookie(cookie) {
            self.schedule.line_up(receiver);
        }
        Ok(())
    }

    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        from: SocketAddr,
        receiver: u64,
        source: u64,
        noise: &[u8],
    ) -> Result<(), DropCause> {
        if self.links.contains_key(&receiver) {
            return Err(DropCause::Duplicate);
        }
        let attempt = self.tries.find(receiver).ok_or(DropCause::Unasked)?;
        if attempt.connect.address != from {
            return Err(DropCause::OtherAddress);
        }
        if !self.door.may_work(now) {
            return Err(DropCause::Overload);
        }
        let introduced = attempt.initiator.read_response(noise).ok_or(DropCause::Forged)?;
        let role = match attempt.connect.service {
            Service::Registry => Role::Registry,
            Service::Peer => Role::Client,
        };
        let hello = codec::decode::<Hello>(&introduced.payload)
            .ok()
            .filter(|hello| hello.index == source)
            .filter(|hello| hello.card.key == introduced.key && hello.card.verify(role));
        let Some(hello) = hello else {
            attempt.initiator.start_over(&self.identity);
            return Err(DropCause::Forged);
        };
        let (ours, theirs) = (self.identity.id(), hello.card.id);
        let wanted = attempt.connect.expect.is_none_or(|expected| expected == theirs);
        if theirs == ours || !wanted {
            // Who sees the Initial can answer in another's name, and sooner: the right answer may still come.
            attempt.stranger = Some(hello.card);
            attempt.initiator.start_over(&self.identity);
            return Err(DropCause::OtherIdentity);
        }
        self.answered(now, receiver, &hello);
        Ok(())
    }

    /// The try has its answer, from whom it was meant for.
    fn answered(&mut self, now: Instant, index: u64, hello: &Hello) {
        let Some(attempt) = self.remove_try(index) else {
            return;
        };
        let Connect {
            attempt: name,
            service,
            address,
            ..
        } = attempt.connect;
        let (ours, theirs) = (self.identity.id(), hello.card.id);
        // Begun at the same time from both sides, or twice from this one: one session is enough.
        let stays = |link: &Link| link.origin.ours || theirs < ours;
        if let Some(existing) = self.opened_since(theirs, attempt.began, stays) {
            self.push_opened(existing, Some(name));
            return;
        }
        if self.links.len() >= SESSIONS_MAX {
            self.fail(name, ConnectFault::Full);
            return;
        }
        let origin = Origin {
            remote: hello.index,
            card: hello.card,
            reset_token: hello.reset_token,
            service,
            ours: true,
            opened: now,
        };
        let session = Session::new(now, attempt.round_trip(now));
        self.insert_link(index, Link::answered(origin, address, session, attempt.initiator));
        self.push_opened(index, Some(name));
    }

    /// A session with `peer` that came up after `began` and for which `stays` holds.
    fn opened_since(&self, peer: IdentityId, began: Instant, stays: impl Fn(&Link) -> bool) -> Option<u64> {
        self.indexes_of(peer).find(|index| {
            self.links
                .get(index)
                .is_some_and(|link| link.closing.is_none() && link.origin.opened >= began && stays(link))
        })
    }
}
