//! Who takes part in the registry's tests: somebody with a key, what he writes and what he answers.
//!
//! Invariant: one name and one seed give one person, at one address.

use std::net::SocketAddr;

use crate::clock::WallTime;
use crate::id::{EnvelopeHash, Epoch, MessageId, Name, Sequence, Slot};
use crate::identity::{Identity, Role};
use crate::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};

/// Somebody with a key.
pub(super) struct Person {
    pub(super) name: Name,
    pub(super) identity: Identity,
    pub(super) address: SocketAddr,
}

impl Person {
    pub(super) fn new(name: &str, seed: u8) -> Self {
        Self {
            name: name.parse().unwrap(),
            identity: Identity::from_seed(&[seed; 32], Role::Client),
            address: SocketAddr::from(([192, 0, 2, seed], 4000)),
        }
    }

    pub(super) fn party(&self) -> Party {
        Party {
            name: self.name.clone(),
            id: self.identity.id(),
        }
    }

    pub(super) fn id(&self, sequence: u64) -> MessageId {
        MessageId {
            sender: self.identity.id(),
            slot: slot(sequence),
        }
    }

    /// A message's bytes.
    pub(super) fn envelope(&self, to: &Self, sequence: u64, text: &str) -> Vec<u8> {
        let envelope = Envelope {
            sender: self.party(),
            recipient: Recipient::Peer(to.party()),
            slot: slot(sequence),
            sent_at: WallTime::from_unix_ms(5),
            body: Body::Plain(text.to_owned()),
        };
        let key = self.identity.pair_key(&to.identity.card().key).unwrap();
        envelope.seal(&key)
    }

    /// The answer to one.
    pub(super) fn receipt(&self, from: &Self, sequence: u64, envelope: &[u8], verdict: Verdict) -> Receipt {
        let key = self.identity.pair_key(&from.identity.card().key).unwrap();
        Receipt::seal(
            (from.id(sequence), EnvelopeHash::of(envelope)),
            verdict,
            WallTime::from_unix_ms(9),
            self.identity.id(),
            &key,
        )
    }
}

pub(super) const fn slot(sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(u64::MAX - 1), // Above what a signed number holds.
        sequence: Sequence(sequence),
    }
}
