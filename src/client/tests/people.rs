//! Who takes part, by name: identities, addresses, records, and what they write and receipt.
//!
//! Values only; saying them to the client is `others`' part.

use std::net::SocketAddr;

use crate::clock::WallTime;
use crate::id::{EnvelopeHash, Epoch, MessageId, Name, Sequence, Slot};
use crate::identity::{Identity, Role};
use crate::wire::codec::Bounded;
use crate::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use crate::wire::message::{Addresses, Forward, Presence, Record};

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The identity of a person: his name decides.
pub(super) fn person(text: &str) -> Identity {
    let mut seed = [0; 32];
    seed[..text.len()].copy_from_slice(text.as_bytes());
    Identity::from_seed(&seed, Role::Client)
}

pub(super) fn registry() -> Identity {
    Identity::from_seed(&[77; 32], Role::Registry)
}

pub(super) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

/// What a recipient says of a message to him.
pub(super) fn receipt(who: &str, forward: &Forward, verdict: Verdict) -> Receipt {
    let envelope = Envelope::parse(&forward.envelope).unwrap();
    let me = person(who);
    let key = me.pair_key(&person("alice").card().key).unwrap();
    assert!(Envelope::verify(&forward.envelope, &key), "not sealed for {who}");
    let about = (envelope.id(), EnvelopeHash::of(&forward.envelope));
    Receipt::seal(about, verdict, WallTime::from_unix_ms(5), me.id(), &key)
}

/// A message to alice.
pub(super) fn message_from(who: &str, epoch: u64, sequence: u64, floor: u64, text: &str) -> Forward {
    message_as(who, who, slot(epoch, sequence), floor, text)
}

/// A message to alice from somebody who says that he has this name.
pub(super) fn claim(who: &str, of: &str) -> Forward {
    message_as(who, of, slot(1, 0), 0, "hi")
}

fn message_as(who: &str, of: &str, slot: Slot, floor: u64, text: &str) -> Forward {
    let sender = person(who);
    let envelope = Envelope {
        sender: Party {
            name: name(of),
            id: sender.id(),
        },
        recipient: Recipient::Peer(Party {
            name: name("alice"),
            id: person("alice").id(),
        }),
        slot,
        sent_at: WallTime::from_unix_ms(777),
        body: Body::Plain(text.to_owned()),
    };
    let key = sender.pair_key(&person("alice").card().key).unwrap();
    Forward {
        floor: Sequence(floor),
        envelope: envelope.seal(&key),
    }
}

pub(super) const fn slot(epoch: u64, sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(epoch),
        sequence: Sequence(sequence),
    }
}

pub(super) fn id_of(forward: &Forward) -> MessageId {
    Envelope::parse(&forward.envelope).unwrap().id()
}

pub(super) fn text_of(forward: &Forward) -> String {
    let Body::Plain(text) = Envelope::parse(&forward.envelope).unwrap().body;
    text
}

/// Whom a message is for.
pub(super) fn recipient_of(forward: &Forward) -> Name {
    match Envelope::parse(&forward.envelope).unwrap().recipient {
        Recipient::Peer(party) => party.name,
        Recipient::Room(hall) => hall.name,
    }
}

pub(super) fn online(who: &str) -> Record {
    Record {
        name: name(who),
        card: *person(who).card(),
        presence: here(),
    }
}

/// Eve has bob's name now.
pub(super) fn usurped() -> Record {
    Record {
        card: *person("eve").card(),
        ..online("bob")
    }
}

pub(super) fn here() -> Presence {
    Presence {
        online: Some(Addresses {
            observed: address(60),
            private: Bounded::truncated(Vec::new()),
        }),
        since: WallTime::from_unix_ms(1),
    }
}

pub(super) fn gone() -> Presence {
    Presence {
        online: None,
        since: WallTime::from_unix_ms(2),
    }
}

pub(super) fn offline(who: &str) -> Record {
    Record {
        presence: gone(),
        ..online(who)
    }
}
