//! The messages that are deposited: made before anything is measured.
//!
//! Invariant: each is a real envelope, sealed for the two who exchange it, of a text of 100 bytes.

use udpchat::clock::WallTime;
use udpchat::id::{EnvelopeHash, Epoch, MessageId, Sequence, Slot};
use udpchat::identity::Identity;
use udpchat::limits::TIME_TO_LIVE;
use udpchat::wire::codec;
use udpchat::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use udpchat::wire::message::{Deposit, Forward, ToRegistry};

use crate::load::{identity_of, name_of};

/// The text's bytes.
pub(crate) const TEXT_BYTES: usize = 100;

/// A message in all the forms that the parts need.
pub(crate) struct Mail {
    /// `ToRegistry::Deposit`, encoded.
    pub(crate) deposit: Vec<u8>,
    /// `ToRegistry::Receipt` to it, encoded.
    pub(crate) receipt: Vec<u8>,
    /// Which.
    pub(crate) slot: Slot,
    /// What a database keeps of it.
    pub(crate) envelope: Vec<u8>,
    /// Of the envelope.
    pub(crate) hash: EnvelopeHash,
}

/// `count` messages of a new conversation from one client to another.
pub(crate) fn write(from: u32, to: u32, epoch: u64, count: usize) -> Vec<Mail> {
    let (sender, recipient) = (identity_of(from), identity_of(to));
    let key = sender.pair_key(&recipient.card().key).expect("good keys");
    let party = |number, identity: &Identity| Party {
        name: name_of(number),
        id: identity.id(),
    };
    let ttl_ms = u64::try_from(TIME_TO_LIVE.as_millis()).expect("days");
    (0..count as u64)
        .map(|number| {
            let slot = Slot {
                epoch: Epoch(epoch),
                sequence: Sequence(number),
            };
            let at = WallTime::from_unix_ms(1_700_000_000_000);
            let envelope = Envelope {
                sender: party(from, &sender),
                recipient: Recipient::Peer(party(to, &recipient)),
                slot,
                sent_at: at,
                body: Body::Plain("x".repeat(TEXT_BYTES)),
            }
            .seal(&key);
            let hash = EnvelopeHash::of(&envelope);
            let id = MessageId {
                sender: sender.id(),
                slot,
            };
            let receipt = Receipt::seal((id, hash), Verdict::Received, at, recipient.id(), &key);
            let deposit = ToRegistry::Deposit(Deposit {
                forward: Forward {
                    floor: Sequence(0),
                    envelope: envelope.clone(),
                },
                ttl_ms,
            });
            Mail {
                deposit: codec::encode(&deposit),
                receipt: codec::encode(&ToRegistry::Receipt(receipt)),
                slot,
                envelope,
                hash,
            }
        })
        .collect()
}
