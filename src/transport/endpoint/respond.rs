//! The other side begins: Initials, Finishes, and which of two sessions with one identity stays
//! (PROTOCOL §7.1 to §7.3).
//!
//! Invariant: nothing displaces a session until a Finish of the same identity has verified; of two that
//! crossed on the way, both sides keep the one that the lower identity began.

use std::net::SocketAddr;
use std::time::Duration;

use super::cookie::Claim;
use super::door::Knock;
use super::link::{Link, Origin};
use super::noise::Responder;
use super::waiting::{Finished, Handshake, Stage};
use super::{DropCause, Endpoint, hello};
use crate::clock::Instant;
use crate::id::IdentityId;
use crate::identity::Role;
use crate::limits::{SESSIONS_MAX, TRIES_MAX};
use crate::transport::session::Session;
use crate::transport::{CloseCause, Route, SessionId, Transmit};
use crate::wire::codec;
use crate::wire::frame::CloseCode;
use crate::wire::handshake::Hello;
use crate::wire::packet::{COOKIE_BYTES, NOISE_FIRST_BYTES, Packet};

/// Sessions beyond which others may begin no more: what is left is for those that this side begins. Whoever fills a
/// client with sessions must not keep it from its registry.
pub(super) const ACCEPTED_MAX: usize = SESSIONS_MAX - TRIES_MAX;
/// A Finish that comes later than this was rather lost and repeated than slow (RFC 6298 §2: what is assumed of a path of
/// which nothing is known). Which, nobody can tell from it.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(1);

impl Endpoint {
    pub(super) fn handle_initial(
        &mut self,
        now: Instant,
        from: SocketAddr,
        source: u64,
        cookie: Option<[u8; COOKIE_BYTES]>,
        noise: [u8; NOISE_FIRST_BYTES],
    ) -> Result<(), DropCause> {
        let claim = Claim {
            from,
            index: source,
            noise,
        };
        if let Some(handshake) = self.waiting.find_claim(&claim) {
            handshake.responses = handshake.responses.saturating_add(1);
            let response = handshake.response.clone();
            self.reply(from, response);
            return Err(DropCause::Duplicate);
        }
        let waiting = self.waiting.len();
        match self
            .door
            .knock(now, &mut self.rng, waiting, (claim, self.here), cookie.as_ref())
        {
            Knock::Queued => Ok(()),
            Knock::Full => Err(DropCause::Overload),
            Knock::Cookie(cookie) => {
                let retry = Packet::Retry {
                    receiver: source,
                    cookie,
                };
                self.reply(from, retry.encode());
                Err(DropCause::CookieAsked)
            }
        }
    }

    /// Does the work that the next waiting Initial asks for.
    pub(super) fn answer_initial(&mut self, now: Instant) -> Option<Transmit> {
        loop {
            let (claim, local) = self.door.next(now)?;
            // The same Initial may have waited twice.
            if self.waiting.find_claim(&claim).is_some() {
                self.stats.drop(DropCause::Duplicate);
                continue;
            }
            if let Some(bytes) = self.begin_handshake(now, &claim) {
                let (to, from) = (claim.from, local);
                return Some(Transmit { to, from, bytes });
            }
            self.stats.drop(DropCause::Forged);
        }
    }

    /// Returns the Response.
    fn begin_handshake(&mut self, now: Instant, claim: &Claim) -> Option<Vec<u8>> {
        let index = self.fresh_index();
        let seed = self.fresh_seed();
        let payload = hello(&self.identity, index);
        let (responder, noise) = Responder::new(&self.identity, self.serves, seed, claim.noise, &payload)?;
        let response = Packet::Response {
            receiver: claim.index,
            source: index,
            noise: &noise,
        }
        .encode();
        self.stats.handshakes_answered = self.stats.handshakes_answered.wrapping_add(1);
        let handshake = Handshake {
            claim: *claim,
            began: now,
            response: response.clone(),
            responses: 1,
            stage: Stage::Answered(Box::new(responder)),
        };
        let evicted = self.waiting.insert(index, handshake);
        self.stats.handshakes_evicted = self.stats.handshakes_evicted.wrapping_add(evicted);
        Some(response)
    }

    pub(super) fn handle_finish(
        &mut self,
        now: Instant,
        from: SocketAddr,
        receiver: u64,
        noise: &[u8],
        bytes: usize,
    ) -> Result<(), DropCause> {
        if let Some(link) = self.links.get_mut(&receiver) {
            let expected = link.finish_tail.ok_or(DropCause::Unasked)?;
            // Our first answer was lost, or is late.
            if expected == tail(noise)? {
                link.nudge(now);
                self.schedule.line_up(receiver);
                return Err(DropCause::Duplicate);
            }
            return Err(DropCause::Forged);
        }
        let Some(handshake) = self.waiting.find(receiver) else {
            return self.handle_unknown(now, from, receiver, bytes);
        };
        if handshake.claim.from != from {
            return Err(DropCause::OtherAddress);
        }
        if matches!(handshake.stage, Stage::Answered(_)) {
            self.read_finish(now, receiver, noise)?;
        }
        self.admit(now, receiver, noise)
    }

    /// Brings a handshake from `Answered` to `Finished`.
    fn read_finish(&mut self, now: Instant, index: u64, noise: &[u8]) -> Result<(), DropCause> {
        let tail = tail(noise)?;
        let ours = self.identity.id();
        let handshake = self.waiting.find(index).ok_or(DropCause::UnknownSession)?;
        let Stage::Answered(responder) = &mut handshake.stage else {
            return Ok(());
        };
        let payload = hello(&self.identity, index);
        let spoiled = responder.is_spoiled();
        let (introduced, keys) = responder
            .read_finish(&self.identity, &payload, noise)
            .ok_or(DropCause::Forged)?;
        self.stats.handshakes_rebuilt = self.stats.handshakes_rebuilt.wrapping_add(spoiled.into());
        let verified = codec::decode_prefix::<Hello>(&introduced.payload)
            .ok()
            .filter(|(hello, _)| hello.index == handshake.claim.index && hello.card.id != ours)
            .filter(|(hello, _)| hello.card.key == introduced.key && hello.card.verify(Role::Client));
        let Some((hello, frames)) = verified else {
            self.waiting.remove(index);
            return Err(DropCause::Forged);
        };
        handshake.stage = Stage::Finished(Box::new(Finished {
            hello,
            keys,
            frames: frames.to_vec(),
            tail,
            verified: now,
        }));
        Ok(())
    }

    /// Makes a session of a handshake whose Finish has verified, unless it has to give way.
    fn admit(&mut self, now: Instant, index: u64, noise: &[u8]) -> Result<(), DropCause> {
        let handshake = self.waiting.find(index).ok_or(DropCause::UnknownSession)?;
        let Stage::Finished(finished) = &handshake.stage else {
            return Err(DropCause::Forged);
        };
        if finished.tail != tail(noise)? {
            return Err(DropCause::Forged);
        }
        let (peer, began) = (finished.hello.card.id, handshake.began);
        let replaces = self.indexes_of(peer).next().is_some();
        if (self.links.len() >= ACCEPTED_MAX && !replaces) || self.events_are_full() {
            return Err(DropCause::Full);
        }
        if let Some(stays) = self.crossed_by(peer, began) {
            if let Some(link) = self.links.get_mut(&stays) {
                link.nudge(now);
                self.schedule.line_up(stays);
            }
            return Err(DropCause::Crossed);
        }
        let handshake = self.waiting.remove(index).ok_or(DropCause::UnknownSession)?;
        if self.is_overtaken(peer, began) {
            return Err(DropCause::Unasked);
        }
        if let Stage::Finished(finished) = handshake.stage {
            let is_clear = handshake.responses == 1 && finished.verified == now;
            let round_trip = is_clear.then(|| now.since(handshake.began));
            let round_trip = round_trip.filter(|&it| it <= ROUND_TRIP_MAX);
            let from = handshake.claim.from;
            self.open_finished(now, index, (from, began), round_trip, *finished);
        }
        Ok(())
    }

    /// A session of ours that the one begun by `peer` at `began` has crossed on the way, and that stays.
    fn crossed_by(&self, peer: IdentityId, began: Instant) -> Option<u64> {
        if peer < self.identity.id() {
            return None;
        }
        self.indexes_of(peer).find(|index| {
            self.links.get(index).is_some_and(|link| {
                link.origin.ours
                    && link.closing.is_none()
                    && link.confirmed.is_none_or(|confirmed| began < confirmed)
            })
        })
    }

    /// Whether `peer` has begun another one since `began` that has come up: he has given this one up, and its Finish comes
    /// late, or somebody else has kept it.
    fn is_overtaken(&self, peer: IdentityId, began: Instant) -> bool {
        self.indexes_of(peer).any(|index| {
            let link = self.links.get(&index);
            link.is_some_and(|link| !link.origin.ours && link.confirmed > Some(began))
        })
    }

    fn open_finished(
        &mut self,
        now: Instant,
        index: u64,
        (address, began): (SocketAddr, Instant),
        round_trip: Option<Duration>,
        finished: Finished,
    ) {
        let Finished {
            hello,
            keys,
            frames,
            tail,
            verified: _,
        } = finished;
        let mut session = Session::new(now, round_trip);
        let Ok(received) = session.handle_packet(now, 0, &frames, &mut self.pool) else {
            session.release(&mut self.pool);
            self.stats.violations = self.stats.violations.wrapping_add(1);
            return;
        };
        let origin = Origin {
            remote: hello.index,
            card: hello.card,
            reset_token: hello.reset_token,
            service: self.serves,
            ours: false,
            opened: now,
        };
        let route = Route {
            from: address,
            local: self.here,
        };
        let link = Link::finished(origin, route, began, session, (keys, tail));
        self.insert_finished(now, index, link);
        self.after_packet(now, index, address, &received);
    }

    fn insert_finished(&mut self, now: Instant, index: u64, mut link: Link) {
        let (peer, service) = (link.origin.card.id, link.origin.service);
        link.nudge(now);
        self.insert_link(index, link);
        // Tries to reach him that would give way anyway have found him.
        let lower = peer < self.identity.id();
        let resolved = self
            .tries
            .indexes(|connect| lower && connect.expect == Some(peer) && connect.service == service);
        let mut attempts: Vec<_> = resolved
            .into_iter()
            .filter_map(|index| self.remove_try(index))
            .map(|attempt| Some(attempt.connect.attempt))
            .collect();
        if attempts.is_empty() {
            attempts.push(None);
        }
        for attempt in attempts {
            self.push_opened(index, attempt);
        }
        let others: Vec<u64> = self.indexes_of(peer).filter(|&other| other != index).collect();
        for other in others {
            self.displace(now, other, index);
        }
    }

    /// `new` takes the place of `old`; whoever still holds the other end of `old` is told.
    fn displace(&mut self, now: Instant, old: u64, new: u64) {
        let told = self
            .links
            .get_mut(&old)
            .filter(|link| link.confirmed.is_some())
            .and_then(|link| {
                let crossed = link.origin.ours;
                let code = if crossed {
                    CloseCode::Crossed
                } else {
                    CloseCode::Superseded
                };
                link.seal_close(now, code)
            });
        if let Some(told) = told.clone() {
            self.answer(told);
        }
        self.end_link(now, old, CloseCause::Replaced(SessionId(new)), told);
    }
}

/// The last 16 bytes of a Noise message: its seal.
fn tail(noise: &[u8]) -> Result<[u8; 16], DropCause> {
    noise.last_chunk().copied().ok_or(DropCause::Malformed)
}
