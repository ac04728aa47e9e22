//! Everything that is decoded from the network: the first byte says as what, the others are it (PROTOCOL §2 to §7).
//!
//! Invariants: what is accepted is encoded again in no more bytes, and decodes to the same; a packet gives back its
//! very bytes; a canonical encoding has no valid prefix and nothing may trail; what is allocated follows what was
//! really received.

use std::fmt::Debug;

use allocation_counter::measure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use udpchat::id::{IdentityId, Name};
use udpchat::identity::{Card, Identity, PairKey, Role};
use udpchat::limits::{BODY_BYTES_MAX, DATAGRAM_BYTES_MAX, ENVELOPE_BYTES_MAX, MESSAGE_BYTES_MAX};
use udpchat::wire::codec::{self, DecodeError};
use udpchat::wire::envelope::{Body, Envelope, Receipt, Recipient};
use udpchat::wire::frame::{self, ACK_GAPS_MAX, Ack, Frame};
use udpchat::wire::handshake::Hello;
use udpchat::wire::message::{Change, FromRegistry, Page, Record, ToPeer, ToRegistry};
use udpchat::wire::packet::Packet;

/// The names that the first byte chooses from, in this order.
pub(crate) const KINDS: [&str; 12] = [
    "packet",
    "frames",
    "to_registry",
    "from_registry",
    "to_peer",
    "envelope",
    "receipt",
    "hello",
    "page",
    "record",
    "card",
    "name",
];

/// What an error's text, and the first allocation of a list, may take.
const ALLOCATED_MIN: u64 = 2_048;

pub(crate) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else {
        return;
    };
    match KINDS[usize::from(*kind) % KINDS.len()] {
        "packet" => packet(bytes),
        "frames" => frames(bytes),
        "to_registry" => value::<ToRegistry>(bytes),
        "from_registry" => value::<FromRegistry>(bytes),
        "to_peer" => value::<ToPeer>(bytes),
        "envelope" => envelope(bytes),
        "receipt" => receipt(bytes),
        "hello" => value::<Hello>(bytes),
        "page" => value::<Page>(bytes),
        "record" => value::<Record>(bytes),
        "card" => card(bytes),
        _ => name(bytes),
    }
}

fn packet(bytes: &[u8]) {
    match Packet::parse(bytes) {
        Ok(packet) => {
            assert!(bytes.len() <= DATAGRAM_BYTES_MAX);
            assert_eq!(packet.encode(), bytes, "what is accepted is given back");
        }
        Err(DecodeError::UnknownKind(kind)) => assert_eq!(Some(&kind), bytes.first()),
        Err(_) => {}
    }
}

fn frames(plain: &[u8]) {
    let read: Vec<_> = frame::frames(plain).collect();
    assert!(read.len() <= plain.len(), "each frame takes a byte");
    let whole = read.iter().filter(|frame| frame.is_ok()).count();
    assert!(whole + 1 >= read.len(), "nothing follows an error");
    let mut again = Vec::new();
    for frame in read.iter().flatten() {
        if let Frame::Ack(ack) = frame {
            ranges(ack);
        }
        frame::encode_into(frame, &mut again);
    }
    assert!(again.len() <= plain.len(), "the encoder writes the shortest form");
    let second: Vec<_> = frame::frames(&again).collect();
    assert_eq!(second.len(), whole);
    assert!(second.iter().eq(read.iter().filter(|frame| frame.is_ok())));
}

/// Ordered, disjoint, bounded; and an Ack of them tells the same.
fn ranges(ack: &Ack) {
    let ranges: Vec<_> = ack.ranges().collect();
    assert!(ranges.len() <= ACK_GAPS_MAX + 1);
    assert!(ranges.iter().all(|range| range.start() <= range.end()));
    assert!(ranges.windows(2).all(|pair| pair[1].end() + 1 < *pair[0].start()));
    if let Some(again) = Ack::from_ranges(ranges.iter().cloned(), ack.delay_us) {
        assert!(again.ranges().eq(ranges));
    }
}

/// What holds for every type that the codec decodes.
fn value<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let mut decoded = Err(DecodeError::Invalid);
    let allocated = measure(|| decoded = codec::decode::<T>(bytes)).bytes_max;
    // The smallest change of a page has three bytes, and a list that grows is there three times at most.
    let bound = ALLOCATED_MIN + (bytes.len() * size_of::<Change>()) as u64;
    assert!(allocated <= bound, "{allocated} bytes for {}", bytes.len());
    let Ok(value) = decoded else { return };
    let canonical = codec::encode(&value);
    assert!(
        canonical.len() <= bytes.len(),
        "the encoder writes the shortest form"
    );
    assert!(canonical.len() <= MESSAGE_BYTES_MAX);
    assert_eq!(codec::decode::<T>(&canonical).as_ref(), Ok(&value));
    // All prefixes of a long one would take too long; it is cut at places all over it.
    for len in (0..canonical.len()).step_by(canonical.len() / 64 + 1) {
        assert_eq!(
            codec::decode::<T>(&canonical[..len]).err(),
            Some(DecodeError::Truncated),
            "{len} bytes"
        );
    }
    let longer = [&canonical[..], &[0]].concat();
    assert_eq!(codec::decode::<T>(&longer).err(), Some(DecodeError::Trailing));
}

fn key() -> PairKey {
    let [alice, bob] = [1, 2].map(|seed| Identity::from_seed(&[seed; 32], Role::Client));
    alice.pair_key(&bob.card().key).unwrap()
}

fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return;
    };
    assert!(bytes.len() <= ENVELOPE_BYTES_MAX);
    let Body::Plain(text) = &envelope.body;
    assert!(text.len() <= BODY_BYTES_MAX);
    let (sealed, holds) = match envelope.recipient {
        Recipient::Peer(_) => {
            let (key, sealed) = (key(), envelope.seal(&key()));
            assert!(Envelope::verify(&sealed, &key));
            (sealed, Envelope::verify(bytes, &key))
        }
        Recipient::Room(_) => {
            let author = Identity::from_seed(&[1; 32], Role::Client);
            let holds = envelope.is_signed(bytes) && envelope.sender.id == author.id();
            (envelope.sign(&author), holds)
        }
    };
    assert!(sealed.len() <= bytes.len());
    assert_eq!(Envelope::parse(&sealed).as_ref(), Ok(&envelope));
    if holds {
        assert_eq!(sealed, bytes, "sealing again gives the same bytes");
    }
}

fn receipt(bytes: &[u8]) {
    value::<Receipt>(bytes);
    let Ok(receipt) = codec::decode::<Receipt>(bytes) else {
        return;
    };
    let (key, from) = (key(), IdentityId([2; 32]));
    let sealed = Receipt::seal(
        (receipt.id, receipt.hash),
        receipt.verdict,
        receipt.at,
        from,
        &key,
    );
    assert!(sealed.verify(from, &key));
    assert!(!receipt.verify(from, &key) || receipt == sealed);
    assert!(!sealed.verify(IdentityId([1; 32]), &key), "his alone");
}

fn card(bytes: &[u8]) {
    value::<Card>(bytes);
    if let Ok(card) = codec::decode::<Card>(bytes) {
        // Any bytes may stand for points of the curve; one signature never holds for two roles.
        assert!(!(card.verify(Role::Client) && card.verify(Role::Registry)));
    }
}

fn name(bytes: &[u8]) {
    value::<Name>(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let decoded = codec::decode::<Name>(&codec::encode(&text)).ok();
    assert_eq!(decoded, text.parse().ok(), "typed or decoded, a name is a name");
    if let Some(name) = decoded {
        assert!(
            name.folded()
                .parse::<Name>()
                .is_ok_and(|folded| folded.matches(&name))
        );
    }
}
