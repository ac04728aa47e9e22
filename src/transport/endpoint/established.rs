//! Sessions that are up: their packets, their timers, and how they end (PROTOCOL §7.3, §7.8, §7.9).
//!
//! Invariant: a session that was opened ends in one `Closed`, unless this side closed it; nothing of it is
//! told afterwards.

use std::net::SocketAddr;

use rand_core::Rng;
use subtle::ConstantTimeEq;

use super::link::Link;
use super::{DropCause, Endpoint, Queued, hello};
use crate::clock::Instant;
use crate::id::IdentityId;
use crate::limits::SESSIONS_MAX;
use crate::transport::session::Received;
use crate::transport::{Attempt, CloseCause, Route, SessionEvent, SessionId, Transmit};
use crate::wire::frame::CloseCode;
use crate::wire::packet::{RESET_TOKEN_BYTES, Service};

/// Bytes of messages that outlive their sessions, until they are taken. What is beyond it is not handed up;
/// its sender has no answer and sends it again.
pub(super) const LEFT_BYTES_MAX: usize = 1024 * 1024;
/// Events that wait; beyond it no new sessions are let in. An open session causes few.
const EVENTS_MAX: usize = 4 * SESSIONS_MAX;
/// Packet numbers above this would overflow varints and windows; nobody gets there.
const NUMBER_MAX: u64 = 1 << 62;

/// What a message costs in the queue of events: an empty one is not free.
pub(super) const fn left_cost(bytes: &[u8]) -> usize {
    bytes.len() + size_of::<Queued>()
}

impl Endpoint {
    pub(super) fn handle_data(
        &mut self,
        now: Instant,
        from: SocketAddr,
        index: u64,
        number: u64,
        sealed: &[u8],
        bytes: usize,
    ) -> Result<(), DropCause> {
        let Some(link) = self.links.get_mut(&index) else {
            return self.handle_unknown(now, from, index, bytes);
        };
        if number > NUMBER_MAX {
            return Err(DropCause::Malformed);
        }
        if !link.session.is_fresh(number) {
            return Err(DropCause::Replayed);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(sealed);
        let plain = link
            .open(index, number, &mut self.scratch)
            .ok_or(DropCause::Forged)?;
        let received = link.session.handle_packet(now, number, plain, &mut self.pool);
        let confirmed = link.confirm(now);
        let nonce = if from == link.address {
            0
        } else {
            self.rng.next_u64()
        };
        let bytes = u64::try_from(bytes).unwrap_or(0);
        let route = Route {
            from,
            local: self.here,
        };
        link.heard_from(now, route, number, bytes, nonce);
        if confirmed {
            self.replace_older(now, index);
        }
        match received {
            Ok(received) => self.after_packet(now, index, from, &received),
            Err(violation) => {
                tracing::debug!(%from, ?violation, "session broken");
                self.stats.violations = self.stats.violations.wrapping_add(1);
                self.end_with_close(now, index, CloseCode::Violation, CloseCause::Violation);
            }
        }
        Ok(())
    }

    /// A packet for no session of ours: one that has just ended, one to come, or one long forgotten.
    pub(super) fn handle_unknown(
        &mut self,
        now: Instant,
        from: SocketAddr,
        index: u64,
        bytes: usize,
    ) -> Result<(), DropCause> {
        if self.waiting.contains(index) || self.tries.contains(index) {
            return Err(DropCause::Early);
        }
        if self.drained.contains(index) {
            if let Some(close) = self.drained.answer(now, index) {
                self.answer(close);
            }
            return Err(DropCause::Closed);
        }
        if let Some(reset) = self.resets.answer(now, &self.identity, index, bytes) {
            self.stats.resets_sent = self.stats.resets_sent.wrapping_add(1);
            self.reply(from, reset);
        }
        Err(DropCause::UnknownSession)
    }

    pub(super) fn handle_reset(
        &mut self,
        now: Instant,
        remote: u64,
        token: &[u8; RESET_TOKEN_BYTES],
    ) -> Result<(), DropCause> {
        let meant = self.resets.candidates(remote).find(|index| {
            self.links
                .get(index)
                .is_some_and(|link| link.origin.reset_token.ct_eq(token).into())
        });
        let index = meant.ok_or(DropCause::Unasked)?;
        self.end_link(now, index, CloseCause::Reset, None);
        Ok(())
    }

    /// What a packet's frames ask of the endpoint.
    pub(super) fn after_packet(&mut self, now: Instant, index: u64, from: SocketAddr, received: &Received) {
        let Some(link) = self.links.get_mut(&index) else {
            return;
        };
        if let Some(code) = received.close {
            let cause = self.cause_of(index, code);
            self.end_link(now, index, cause, None);
            return;
        }
        if received.acknowledges {
            link.finish_tail = None;
        }
        let open = link.closing.is_none();
        let back = Route {
            from,
            local: self.here,
        };
        let answer = received
            .path_challenge
            .and_then(|nonce| link.answer_challenge(now, nonce, back));
        let moved = received
            .path_response
            .is_some_and(|nonce| link.path_answered(now, from, nonce));
        let list = open && !std::mem::replace(&mut link.listed, true);
        self.schedule.line_up(index);
        if let Some(answer) = answer {
            self.answer(answer);
        }
        // Who looks at the path sees it anyway: with too many events waiting, this one is spared.
        if moved && open && !self.events_are_full() {
            let session = SessionId(index);
            self.push_event(SessionEvent::Moved {
                session,
                address: from,
            });
        }
        if list {
            self.events.push_back(Queued::Messages(index));
        }
    }

    /// The other side gives way to a newer session that this side has begun, or means it.
    fn cause_of(&self, index: u64, code: CloseCode) -> CloseCause {
        let newer = self
            .links
            .get(&index)
            .filter(|_| matches!(code, CloseCode::Superseded | CloseCode::Crossed))
            .and_then(|link| {
                self.indexes_of(link.origin.card.id).find(|other| {
                    self.links
                        .get(other)
                        .is_some_and(|other| other.origin.ours && other.origin.opened > link.origin.opened)
                })
            });
        newer.map_or(CloseCause::Remote(code), |newer| {
            CloseCause::Replaced(SessionId(newer))
        })
    }

    /// Our Finish has arrived: other sessions with the same identity end, but for newer ones of ours.
    fn replace_older(&mut self, now: Instant, index: u64) {
        let Some(origin) = self.links.get(&index).map(|link| link.origin) else {
            return;
        };
        let older: Vec<u64> = self
            .indexes_of(origin.card.id)
            .filter(|other| *other != index)
            .filter(|other| {
                self.links
                    .get(other)
                    .is_some_and(|other| !other.origin.ours || other.origin.opened <= origin.opened)
            })
            .collect();
        for other in older {
            self.end_link(now, other, CloseCause::Replaced(SessionId(index)), None);
        }
    }

    pub(super) fn link_timeout(&mut self, now: Instant, index: u64) {
        let Some(link) = self.links.get_mut(&index) else {
            return;
        };
        link.handle_timeout(now);
        if link.session.is_silent(now) || link.is_unanswered(now) {
            self.end_link(now, index, CloseCause::Silent, None);
        } else if link.session.is_in_the_way(now, &self.pool) {
            self.end_with_close(now, index, CloseCode::Done, CloseCause::InTheWay);
        } else if link.origin.service == Service::Peer && link.session.is_idle(now) {
            self.end_with_close(now, index, CloseCode::Done, CloseCause::Idle);
        } else {
            self.schedule.line_up(index);
        }
    }

    pub(super) fn poll_link(&mut self, now: Instant, index: u64) -> Option<Transmit> {
        let link = self.links.get_mut(&index)?;
        let identity = &self.identity;
        if let Some(transmit) = link.poll_datagram(now, || hello(identity, index)) {
            self.schedule.line_up(index);
            return Some(transmit);
        }
        if let Some(code) = link.closing {
            let close = link.seal_close(now, code);
            self.end_link(now, index, CloseCause::Idle, close.clone());
            return close;
        }
        self.schedule.set(index, link.deadline());
        None
    }

    pub(super) fn pop_message(&mut self, now: Instant, index: u64) -> Option<Vec<u8>> {
        let link = self.links.get_mut(&index)?;
        let message = if link.closing.is_none() {
            link.session.pop_message(now, &mut self.pool)
        } else {
            None
        };
        match message {
            // Credit for the other side may have become due.
            Some(_) => self.schedule.line_up(index),
            None => link.listed = false,
        }
        message
    }

    /// The sessions of an identity.
    pub(super) fn indexes_of(&self, peer: IdentityId) -> impl Iterator<Item = u64> + '_ {
        self.peers
            .range((peer, 0)..=(peer, u64::MAX))
            .map(|&(_, index)| index)
    }

    pub(super) fn insert_link(&mut self, index: u64, link: Link) {
        self.stats.opened = self.stats.opened.wrapping_add(1);
        self.peers.insert((link.origin.card.id, index));
        self.resets.expect(link.origin.remote, index);
        self.links.insert(index, Box::new(link));
        self.schedule.line_up(index);
    }

    /// Takes a session out of every table, without a word.
    pub(super) fn remove_link(&mut self, index: u64) -> Option<Box<Link>> {
        let mut link = self.links.remove(&index)?;
        self.schedule.remove(index);
        self.peers.remove(&(link.origin.card.id, index));
        self.resets.forget(link.origin.remote, index);
        self.stats.ended.add(&link.session.stats().counts);
        link.session.release(&mut self.pool);
        Some(link)
    }

    /// Ends a session with a Close to the other side.
    fn end_with_close(&mut self, now: Instant, index: u64, code: CloseCode, cause: CloseCause) {
        let close = self
            .links
            .get_mut(&index)
            .and_then(|link| link.seal_close(now, code));
        if let Some(close) = close.clone() {
            self.answer(close);
        }
        self.end_link(now, index, cause, close);
    }

    /// Ends a session; `close` is repeated if the other side goes on. Reported unless this side closed it.
    pub(super) fn end_link(&mut self, now: Instant, index: u64, cause: CloseCause, close: Option<Transmit>) {
        let Some(link) = self.links.get_mut(&index) else {
            return;
        };
        let session = SessionId(index);
        let figures = link.session.stats();
        tracing::debug!(
            address = %link.address,
            ?cause,
            figures.counts.packets_sent,
            figures.counts.packets_received,
            figures.counts.packets_lost,
            figures.counts.retransmitted,
            figures.counts.copies,
            figures.counts.spurious_losses,
            figures.counts.probes,
            figures.counts.bytes_sent,
            figures.counts.bytes_received,
            figures.congestion_window,
            rtt = ?figures.rtt,
            rtt_min = ?figures.rtt_min,
            "session ended"
        );
        self.stats.cut_off = self.stats.cut_off.wrapping_add(u64::from(cause.is_elsewhere()));
        if link.closing.is_none() {
            while let Some(bytes) = link.session.pop_message(now, &mut self.pool) {
                let cost = left_cost(&bytes);
                if self.events_bytes + cost > LEFT_BYTES_MAX {
                    break;
                }
                self.events_bytes += cost;
                self.events
                    .push_back(Queued::Event(SessionEvent::Message { session, bytes }));
            }
            self.push_event(SessionEvent::Closed { session, cause });
        }
        self.remove_link(index);
        self.drained.insert(now, index, close);
    }

    pub(super) fn events_are_full(&self) -> bool {
        self.events.len() >= EVENTS_MAX
    }

    pub(super) fn push_event(&mut self, event: SessionEvent) {
        self.events.push_back(Queued::Event(event));
    }

    pub(super) fn push_opened(&mut self, index: u64, attempt: Option<Attempt>) {
        if let Some(link) = self.links.get(&index) {
            let opened = SessionEvent::Opened {
                session: SessionId(index),
                attempt,
                service: link.origin.service,
                peer: link.origin.card,
                address: link.address,
            };
            self.push_event(opened);
        }
    }
}
