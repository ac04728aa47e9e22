//! Sessions in which nobody is online: how many there may be, and which gives way.
//!
//! Anybody can open a session, and an honest client is a visitor for as long as a commit takes. Whoever stays one
//! holds a place that others need. How long one may stay is the registry's timers' business.
//! Invariant: no more than [`VISITORS_MAX`] in all nor [`NETWORK_VISITORS_MAX`] from one network; the oldest gives way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::limits::{NETWORK_VISITORS_MAX, VISITORS_MAX};
use crate::subnet::Subnet;
use crate::transport::SessionId;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    by_session: BTreeMap<SessionId, (Subnet, u64)>,
    by_age: BTreeMap<u64, SessionId>,
    by_network: BTreeSet<(Subnet, u64)>,
    /// Counts visits.
    serial: u64,
}

impl Visitors {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_session.len()
    }

    /// Nobody is online in this session from now on. Returns the one that has to give way for it.
    pub(super) fn come(&mut self, session: SessionId, from: IpAddr) -> Option<SessionId> {
        self.go(session);
        let network = Subnet::of(from);
        let of_network = self.by_network.range((network, 0)..=(network, u64::MAX));
        let oldest = if of_network.clone().count() >= NETWORK_VISITORS_MAX {
            of_network.clone().next().map(|&(_, serial)| serial)
        } else if self.by_age.len() >= VISITORS_MAX {
            self.by_age.first_key_value().map(|(&serial, _)| serial)
        } else {
            None
        };
        let gives_way = oldest.and_then(|serial| self.by_age.get(&serial).copied());
        if let Some(session) = gives_way {
            self.go(session);
        }
        self.serial = self.serial.saturating_add(1);
        self.by_session.insert(session, (network, self.serial));
        self.by_age.insert(self.serial, session);
        self.by_network.insert((network, self.serial));
        gives_way
    }

    /// Somebody is online in this session, or it is gone.
    pub(super) fn go(&mut self, session: SessionId) {
        if let Some((network, serial)) = self.by_session.remove(&session) {
            self.by_age.remove(&serial);
            self.by_network.remove(&(network, serial));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(network: u8) -> IpAddr {
        IpAddr::from([10, 0, network, 1])
    }

    #[test]
    fn the_oldest_of_a_crowded_network_gives_way() {
        let mut visitors = Visitors::default();
        let crowd = NETWORK_VISITORS_MAX as u64;
        assert_eq!(visitors.come(SessionId(crowd), from(2)), None);
        for session in 0..crowd {
            assert_eq!(visitors.come(SessionId(session), from(1)), None);
        }
        visitors.go(SessionId(0));
        assert_eq!(visitors.come(SessionId(crowd + 1), from(1)), None);
        assert_eq!(visitors.come(SessionId(crowd + 2), from(1)), Some(SessionId(1)));
        assert_eq!(visitors.by_session.len(), NETWORK_VISITORS_MAX + 1);
    }

    #[test]
    fn the_oldest_of_all_gives_way_when_there_are_too_many() {
        let mut visitors = Visitors::default();
        for session in 0..VISITORS_MAX as u64 {
            let network = u8::try_from(session % 200).unwrap();
            assert_eq!(visitors.come(SessionId(session), from(network)), None);
        }
        let one_more = SessionId(VISITORS_MAX as u64);
        assert_eq!(visitors.come(one_more, from(201)), Some(SessionId(0)));
        assert_eq!(visitors.by_age.len(), VISITORS_MAX);
        assert_eq!(visitors.by_network.len(), VISITORS_MAX);
    }
}
