//! Handshakes that others have begun and not yet finished: answered Initials (PROTOCOL §7.1).
//!
//! A repeated Initial finds its Response here. Who is let in at all is `door.rs`' business.
//! Invariant: never more than [`HANDSHAKES_BOUND`] in all nor [`NETWORK_HANDSHAKES_MAX`] from one network; the
//! oldest gives way, and none outlives [`LIFETIME`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::cookie::Claim;
use super::noise::Responder;
use super::seal::Keys;
use crate::clock::Instant;
use crate::limits::{HANDSHAKES_BOUND, NETWORK_HANDSHAKES_MAX};
use crate::subnet::Subnet;
use crate::wire::handshake::Hello;

/// How long a Finish may take: a few of its repetitions on the slowest path.
pub(super) const LIFETIME: Duration = Duration::from_secs(15);

/// An answered Initial.
pub(super) struct Handshake {
    /// What was answered; a Finish has to come from the same address.
    pub(super) claim: Claim,
    /// When the answer was made.
    pub(super) began: Instant,
    /// The Response, for repetition.
    pub(super) response: Vec<u8>,
    /// How often it was sent: only a single one can be measured.
    pub(super) responses: u32,
    /// What is to come, or has come.
    pub(super) stage: Stage,
}

pub(super) enum Stage {
    /// The Finish is to come.
    Answered(Box<Responder>),
    /// It has come and verified, but its session has to give way for now.
    Finished(Box<Finished>),
}

/// A Finish that has verified.
pub(super) struct Finished {
    pub(super) hello: Hello,
    pub(super) keys: Keys,
    pub(super) frames: Vec<u8>,
    /// How the Finish ends, to know it again.
    pub(super) tail: [u8; 16],
    /// When it verified.
    pub(super) verified: Instant,
}

#[derive(Default)]
pub(super) struct Waiting {
    /// By our own index. Only looked up, as are the claims.
    by_index: HashMap<u64, (u64, Box<Handshake>)>,
    by_claim: HashMap<Claim, u64>,
    /// By age: a serial number to our own index.
    by_age: BTreeMap<u64, u64>,
    by_network: BTreeSet<(Subnet, u64)>,
    serial: u64,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.by_index.len()
    }

    pub(super) fn contains(&self, index: u64) -> bool {
        self.by_index.contains_key(&index)
    }

    /// By our own index.
    pub(super) fn find(&mut self, index: u64) -> Option<&mut Handshake> {
        self.by_index
            .get_mut(&index)
            .map(|(_, handshake)| &mut **handshake)
    }

    /// The handshake that this Initial has begun. One with another message is another handshake: a changed copy
    /// must not keep the true one out.
    pub(super) fn find_claim(&mut self, claim: &Claim) -> Option<&mut Handshake> {
        let index = *self.by_claim.get(claim)?;
        self.find(index)
    }

    /// Adds one; the oldest of its network, or of all, gives way. Returns how many did.
    pub(super) fn insert(&mut self, index: u64, handshake: Handshake) -> u64 {
        let network = Subnet::of(handshake.claim.from.ip());
        let mut evicted = 0;
        let of_network = self.by_network.range((network, 0)..=(network, u64::MAX));
        if of_network.clone().count() >= NETWORK_HANDSHAKES_MAX
            && let Some(&(_, oldest)) = of_network.clone().next()
        {
            evicted += u64::from(self.evict(oldest));
        }
        if self.len() >= HANDSHAKES_BOUND
            && let Some((&oldest, _)) = self.by_age.first_key_value()
        {
            evicted += u64::from(self.evict(oldest));
        }
        self.serial += 1;
        self.by_age.insert(self.serial, index);
        self.by_network.insert((network, self.serial));
        self.by_claim.insert(handshake.claim, index);
        self.by_index.insert(index, (self.serial, Box::new(handshake)));
        evicted
    }

    fn evict(&mut self, serial: u64) -> bool {
        self.by_age
            .get(&serial)
            .copied()
            .is_some_and(|index| self.remove(index).is_some())
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, index: u64) -> Option<Handshake> {
        let (serial, handshake) = self.by_index.remove(&index)?;
        self.by_age.remove(&serial);
        self.by_network
            .remove(&(Subnet::of(handshake.claim.from.ip()), serial));
        self.by_claim.remove(&handshake.claim);
        Some(*handshake)
    }

    /// When the oldest ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let (_, index) = self.by_age.first_key_value()?;
        let (_, oldest) = self.by_index.get(index)?;
        Some(oldest.began + LIFETIME)
    }

    /// Drops those whose time has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        while self.deadline().is_some_and(|at| at <= now) {
            let Some((&oldest, _)) = self.by_age.first_key_value() else {
                return;
            };
            self.evict(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Role};
    use crate::transport::endpoint::noise::Initiator;
    use crate::wire::packet::Service;

    fn claim(from: &str, index: u64) -> Claim {
        Claim {
            from: from.parse().unwrap(),
            index,
            noise: [9; 32],
        }
    }

    fn handshake(from: &str, source: u64, began: Instant) -> Handshake {
        let identity = Identity::from_seed(&[1; 32], Role::Client);
        let (_, first) = Initiator::new(&identity, Service::Peer, [2; 32]);
        let (responder, response) = Responder::new(&identity, Service::Peer, [3; 32], first, b"").unwrap();
        Handshake {
            claim: claim(from, source),
            began,
            response,
            responses: 1,
            stage: Stage::Answered(Box::new(responder)),
        }
    }

    #[test]
    fn one_network_cannot_crowd_out_another() {
        let mut waiting = Waiting::default();
        waiting.insert(1, handshake("198.51.100.1:5", 1, Instant::ZERO));
        let network_max = u64::try_from(NETWORK_HANDSHAKES_MAX).unwrap();
        for n in 0..network_max + 50 {
            let from = format!("192.0.2.{}:7", n % 256);
            waiting.insert(100 + n, handshake(&from, n, Instant::ZERO));
        }
        assert_eq!(waiting.len(), NETWORK_HANDSHAKES_MAX + 1);
        assert!(waiting.contains(1) && !waiting.contains(100) && waiting.contains(100 + network_max));
    }

    #[test]
    fn a_handshake_ends_with_its_time() {
        let mut waiting = Waiting::default();
        let later = Instant::ZERO + Duration::from_secs(1);
        waiting.insert(1, handshake("192.0.2.1:5", 11, Instant::ZERO));
        waiting.insert(2, handshake("192.0.2.1:5", 12, later));
        waiting.expire(Instant::ZERO + LIFETIME);
        assert!(!waiting.contains(1) && waiting.contains(2));
        assert!(waiting.find_claim(&claim("192.0.2.1:5", 12)).is_some());
        assert_eq!(waiting.deadline(), Some(later + LIFETIME));
        waiting.remove(2);
        assert_eq!(
            (
                waiting.by_claim.len(),
                waiting.by_network.len(),
                waiting.by_age.len()
            ),
            (0, 0, 0)
        );
    }
}
