//! Who takes part, and what they write: values only.
//!
//! Invariant: whoever has written a text is named in it, so that one can see who it is shown as.

use std::sync::LazyLock;

use udpchat::clock::WallTime;
use udpchat::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use udpchat::identity::{Card, Identity, PairKey, Role};
use udpchat::wire::codec::Bounded;
use udpchat::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use udpchat::wire::message::{Addresses, Presence, Record};

/// Three with names of their own, and one who uses the second one's.
const NAMES: [&str; PEOPLE] = ["alice", "bob", "carol", "Bob"];
pub(crate) const PEOPLE: usize = 4;

struct Cast {
    identities: Vec<Identity>,
    registry: Identity,
    /// Making one takes longer than all else.
    keys: Vec<Vec<PairKey>>,
}

static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let identities: Vec<Identity> = (1..=4)
        .map(|seed| Identity::from_seed(&[seed; 32], Role::Client))
        .collect();
    let with = |one: &Identity| {
        identities
            .iter()
            .map(|other| one.pair_key(&other.card().key).unwrap())
            .collect()
    };
    let keys = identities.iter().map(with).collect();
    Cast {
        keys,
        identities,
        registry: Identity::from_seed(&[77; 32], Role::Registry),
    }
});

pub(crate) fn name(person: usize) -> Name {
    NAMES[person].parse().unwrap()
}

pub(crate) fn card(person: usize) -> Card {
    *CAST.identities[person].card()
}

/// The first one's identity, with its secrets.
pub(crate) fn alice() -> Identity {
    Identity::from_seed(&[1; 32], Role::Client)
}

pub(crate) fn registry() -> Card {
    *CAST.registry.card()
}

pub(crate) fn key(one: usize, other: usize) -> &'static PairKey {
    &CAST.keys[one][other]
}

/// Who has this identity.
pub(crate) fn person(id: IdentityId) -> Option<usize> {
    CAST.identities.iter().position(|identity| identity.id() == id)
}

pub(crate) const fn slot(epoch: u8, sequence: u8) -> Slot {
    Slot {
        // Above what a signed number holds.
        epoch: Epoch(u64::MAX - epoch as u64),
        sequence: Sequence(sequence as u64),
    }
}

/// What somebody has written: `variant` makes another text of it.
pub(crate) fn envelope(from: usize, to: usize, slot: Slot, variant: u8) -> Vec<u8> {
    let party = |person| Party {
        name: name(person),
        id: card(person).id,
    };
    let envelope = Envelope {
        sender: party(from),
        recipient: Recipient::Peer(party(to)),
        slot,
        sent_at: WallTime::from_unix_ms(777),
        body: Body::Plain(format!("{from} wrote {variant}")),
    };
    envelope.seal(key(from, to))
}

/// What `from` says of a message that `to` has written.
pub(crate) fn receipt(
    from: usize,
    to: usize,
    (id, hash): (MessageId, EnvelopeHash),
    verdict: Verdict,
) -> Receipt {
    let at = WallTime::from_unix_ms(888);
    Receipt::seal((id, hash), verdict, at, card(from).id, key(from, to))
}

/// What the directory says of somebody.
pub(crate) fn record(person: usize, online: bool) -> Record {
    let online = online.then(|| Addresses {
        observed: ([10, 0, 0, 2], 60 + u16::try_from(person).unwrap()).into(),
        private: Bounded::truncated(Vec::new()),
    });
    Record {
        name: name(person),
        card: card(person),
        presence: Presence {
            online,
            since: WallTime::from_unix_ms(1),
        },
    }
}
