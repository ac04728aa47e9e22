//! Sessions that open, fail and end: whose they were, and what follows.
//!
//! The registry's is `registration`'s business once it is told apart here, and that of somebody who is named by address
//! `meeting`'s; a peer's carries messages both ways.
//! Invariant: a session that nobody wants any more is closed, not forgotten.

use std::net::SocketAddr;

use super::{Client, Timer};
use crate::client::to::To;
use crate::engine::{Action, Context};
use crate::identity::Card;
use crate::transport::{Attempt, CloseCause, ConnectFault, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::packet::Service;

use super::link::Phase;

impl Client {
    pub(super) fn opened(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        attempt: Option<Attempt>,
        (service, address): (Service, SocketAddr),
        card: Card,
    ) {
        if let Phase::Connecting { attempt: ours } = self.link.phase
            && attempt == Some(ours)
        {
            self.registry_opened(cx, session, card);
            return;
        }
        let called = attempt.and_then(|attempt| self.contacts.ends(attempt));
        let wanted = service == Service::Peer
            && !self.link.offline()
            && !self.is_leaving()
            && card.id != self.me.id()
            && attempt
                .is_none_or(|attempt| called.is_some() || self.peers.of_attempt(attempt) == Some(card.id));
        if !wanted {
            self.out.push(Action::Close {
                session,
                code: CloseCode::Done,
            });
            return;
        }
        if let Some(called) = called {
            self.call_answered(cx, session, called, card);
            return;
        }
        if attempt.is_none() && self.called(cx, session, address, card) {
            return;
        }
        for other in self.peers.opened(session, card, attempt) {
            self.out.push(Action::Abandon(other));
        }
        self.timers.clear(&Timer::Peer(card.id));
        self.pump_peer(cx, card.id);
    }

    pub(super) fn connect_failed(&mut self, cx: &Context<'_>, attempt: Attempt, fault: ConnectFault) {
        if let Phase::Connecting { attempt: ours } = self.link.phase
            && attempt == ours
        {
            self.registry_failed(cx, fault);
            return;
        }
        tracing::debug!(?attempt, ?fault, "peer not reached");
        if self.call_failed(cx, attempt, fault) {
            return;
        }
        if let Some((id, again_at)) = self.peers.failed(attempt, cx.now.at) {
            self.timers.set(Timer::Peer(id), again_at);
            self.pump_peer(cx, id);
        }
    }

    pub(super) fn closed(&mut self, cx: &Context<'_>, session: SessionId, cause: CloseCause) {
        if self.link.session() == Some(session) {
            self.registry_closed(cx, cause);
            return;
        }
        let places = self.visit_ended(cx, session, cause);
        if let Some(id) = self.peers.closed(session) {
            tracing::debug!(?cause, peer = ?id, "session with a peer gone");
            // A name may have passed to another since: those that he was written to under are not only his names now.
            let given = self.outbox.given_to(session);
            self.take_back(cx, session);
            self.pump_peer(cx, id);
            for to in given {
                self.pump(cx, &to);
            }
        }
        for address in places {
            self.pump(cx, &To::At(address).key());
        }
    }
}
