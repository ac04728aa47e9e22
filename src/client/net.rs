//! The sessions that are up and how their paths are: the answer to `net`.
//!
//! Reads what the others and the endpoint keep. Invariant: changes nothing.

use std::cmp::Reverse;

use super::Client;
use super::link::Phase;
use super::trails::SESSIONS_MAX;
use crate::client::interface::{Event, Net, Other, RegistryLink, SessionReport};
use crate::engine::Context;
use crate::id::{IdentityId, Name};
use crate::transport::SessionId;

impl Client {
    /// Says which sessions are up, and how they go.
    pub(super) fn tell_net(&mut self, cx: &Context<'_>) {
        let registry = self.link.session().map(|session| (session, Other::Registry));
        let peers = self
            .peers
            .sessions()
            .map(|(session, id)| (session, self.called_in(session, id)));
        let mut sessions: Vec<_> = registry
            .into_iter()
            .chain(peers)
            .filter_map(|(session, with)| self.report(cx, session, with))
            .collect();
        sessions.sort_by_key(|report| (Reverse(report.with == Other::Registry), report.heard));
        let others = sessions.len().saturating_sub(SESSIONS_MAX);
        sessions.truncate(SESSIONS_MAX);
        let registry = self.registry_link();
        self.out.event(Event::Net(Net {
            registry,
            sessions,
            others,
        }));
    }

    fn registry_link(&self) -> Option<RegistryLink> {
        match self.link.phase {
            Phase::Alone => None,
            _ if self.config.registry.is_none() => None,
            Phase::Registered { .. } => Some(RegistryLink::Registered),
            Phase::Opening | Phase::Connecting { .. } | Phase::Registering { .. } => {
                Some(RegistryLink::Connecting)
            }
            Phase::Away => Some(RegistryLink::Silent),
            Phase::Offline => Some(RegistryLink::Offline),
        }
    }

    /// Who is at the other end of a session, as a person calls him.
    fn called_in(&self, session: SessionId, id: IdentityId) -> Other {
        if let Some(&address) = self.contacts.places_of(session).first() {
            return Other::Contact(self.contacts.contact(address));
        }
        let name = self.directory.names_of(id).into_iter().next();
        match name.and_then(|folded| folded.parse::<Name>().ok()) {
            Some(name) => Other::Person(self.directory.spelling(&name)),
            None => Other::Unknown(id),
        }
    }

    /// A session as a person reads of it; `None` if it is gone.
    fn report(&self, cx: &Context<'_>, session: SessionId, with: Other) -> Option<SessionReport> {
        let stats = cx.sessions.session_stats(session)?;
        Some(SessionReport {
            with,
            address: cx.sessions.path(session)?.address,
            age: cx.now.at.since(stats.opened_at),
            heard: cx.now.at.since(stats.heard_at),
            stats,
            rtt_recent: self.trails.of(session),
        })
    }
}
