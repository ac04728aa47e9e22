//! What holds for every value and for all bytes (PROTOCOL §2).
//!
//! Round trip; every prefix is an error; whatever trails is an error; flipped bits never panic, and under a
//! seal never pass; random bytes never panic. Each property speaks through the public interface.
//! Invariant: what decodes, encodes to something that decodes to the same value.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use udpchat::id::IdentityId;
use udpchat::limits::{DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX};
use udpchat::wire::codec::{self, DecodeError};
use udpchat::wire::envelope::{Envelope, Receipt};
use udpchat::wire::frame::{self, Ack, Frame};
use udpchat::wire::message::{FromRegistry, ToPeer, ToRegistry};
use udpchat::wire::packet::Packet;

use crate::{samples, strategies};

/// Everything that one message's bytes promise.
fn holds<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let bytes = codec::encode(value);
    prop_assert!(bytes.len() <= MESSAGE_BYTES_MAX);
    let back = codec::decode::<T>(&bytes);
    prop_assert_eq!(back.as_ref(), Ok(value));
    for len in 0..bytes.len() {
        prop_assert_eq!(
            codec::decode::<T>(&bytes[..len]),
            Err(DecodeError::Truncated),
            "{} bytes",
            len
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    prop_assert_eq!(codec::decode::<T>(&longer), Err(DecodeError::Trailing));
    survives_flips::<T>(&bytes)
}

fn survives_flips<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    bytes: &[u8],
) -> Result<(), TestCaseError> {
    for flipped in flips(bytes) {
        stable::<T>(&flipped)?;
    }
    Ok(())
}

/// All single-bit changes.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

/// What decodes is a value like any other.
fn stable<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = codec::decode::<T>(bytes) {
        let again = codec::encode(&value);
        prop_assert!(again.len() <= bytes.len(), "the encoder writes the shortest form");
        prop_assert_eq!(codec::decode::<T>(&again), Ok(value));
    }
    Ok(())
}

fn frames_of(plain: &[u8]) -> Vec<Result<Frame<'_>, DecodeError>> {
    frame::frames(plain).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_to_the_registry_hold(message in strategies::to_registry()) {
        holds(&message)?;
    }

    #[test]
    fn messages_from_the_registry_hold(message in strategies::from_registry()) {
        holds(&message)?;
    }

    #[test]
    fn messages_between_peers_hold(message in strategies::to_peer()) {
        holds(&message)?;
    }

    #[test]
    fn random_bytes_are_refused_or_stable(bytes in vec(any::<u8>(), 0..600), first in 0..20u8) {
        let mut bytes = bytes;
        if let Some(kind) = bytes.first_mut() {
            *kind = first;
        }
        stable::<ToRegistry>(&bytes)?;
        stable::<FromRegistry>(&bytes)?;
        stable::<ToPeer>(&bytes)?;
        stable::<Envelope>(&bytes)?;
        drop(Envelope::parse(&bytes));
        if let Ok(packet) = Packet::parse(&bytes) {
            prop_assert_eq!(packet.encode(), &bytes[..], "what is accepted is given back");
        }
        prop_assert!(frames_of(&bytes).len() <= bytes.len());
    }

    #[test]
    fn an_ack_survives_and_yields_ordered_disjoint_ranges(ack in strategies::ack()) {
        let mut plain = Vec::new();
        frame::encode_into(&Frame::Ack(ack.clone()), &mut plain);
        prop_assert_eq!(frames_of(&plain), [Ok(Frame::Ack(ack.clone()))]);
        let ranges: Vec<_> = ack.ranges().collect();
        prop_assert!(ranges.iter().all(|range| range.start() <= range.end()));
        prop_assert!(ranges.windows(2).all(|pair| pair[1].end() + 1 < *pair[0].start()));
        let rebuilt = Ack::from_ranges(ranges.clone(), ack.delay_us);
        prop_assert_eq!(rebuilt.map(|ack| ack.ranges().collect::<Vec<_>>()).unwrap_or_default(), ranges);
    }

    #[test]
    fn frames_follow_each_other(
        parts in vec((strategies::number(), any::<u32>(), any::<bool>(), vec(any::<u8>(), 0..300)), 0..4),
        window in strategies::number(),
        code in strategies::close(),
    ) {
        let mut all: Vec<Frame<'_>> = parts
            .iter()
            .map(|(message, offset, last, bytes)| Frame::Part {
                message: *message,
                offset: *offset,
                last: *last,
                bytes,
            })
            .collect();
        all.push(Frame::Window { bytes: window });
        all.push(Frame::PathChallenge { nonce: window });
        all.push(Frame::Close { code });
        let mut plain = Vec::new();
        let mut ends = vec![0];
        for frame in &all {
            frame::encode_into(frame, &mut plain);
            ends.push(plain.len());
        }
        let whole: Vec<_> = all.iter().cloned().map(Ok).collect();
        prop_assert_eq!(frames_of(&plain), whole);
        for len in 0..plain.len() {
            let cut_inside = !ends.contains(&len);
            let read = frames_of(&plain[..len]);
            prop_assert_eq!(read.last().is_some_and(Result::is_err), cut_inside, "at {}", len);
            prop_assert!(read.iter().rev().skip(1).all(Result::is_ok), "nothing follows an error");
        }
        for flipped in flips(&plain) {
            prop_assert!(frames_of(&flipped).len() <= flipped.len());
        }
    }

    #[test]
    fn a_sealed_envelope_holds(envelope in strategies::envelope()) {
        let key = samples::key();
        let sealed = envelope.seal(&key);
        let parsed = Envelope::parse(&sealed);
        prop_assert_eq!(parsed.as_ref(), Ok(&envelope));
        prop_assert!(Envelope::verify(&sealed, &key));
        prop_assert_eq!(&Envelope::parse(&sealed).unwrap().seal(&key), &sealed, "the same bytes again");
        for len in 0..sealed.len() {
            prop_assert!(Envelope::parse(&sealed[..len]).is_err());
            prop_assert!(!Envelope::verify(&sealed[..len], &key));
        }
        prop_assert!(!Envelope::verify(&[&sealed[..], &[0]].concat(), &key));
        for flipped in flips(&sealed) {
            prop_assert!(!Envelope::verify(&flipped, &key));
            if let Ok(other) = Envelope::parse(&flipped) {
                prop_assert!(other != envelope || flipped[..sealed.len() - 16] == sealed[..sealed.len() - 16]);
            }
        }
    }

    #[test]
    fn a_receipt_is_its_recipients_alone(receipt in strategies::receipt(), from in any::<[u8; 32]>()) {
        let (key, from) = (samples::key(), IdentityId(from));
        let sealed = Receipt::seal((receipt.id, receipt.hash), receipt.verdict, receipt.at, from, &key);
        prop_assert!(sealed.verify(from, &key));
        prop_assert!(!sealed.verify(receipt.id.sender, &key) || receipt.id.sender == from);
        let bytes = codec::encode(&sealed);
        for len in 0..bytes.len() {
            prop_assert!(codec::decode::<Receipt>(&bytes[..len]).is_err());
        }
        for flipped in flips(&bytes) {
            if let Ok(forged) = codec::decode::<Receipt>(&flipped) {
                prop_assert!(!forged.verify(from, &key));
            }
        }
    }

    #[test]
    fn packets_hold(
        (receiver, source) in any::<(u64, u64)>(),
        cookie in proptest::option::of(any::<[u8; 20]>()),
        noise in any::<[u8; 32]>(),
        body in vec(any::<u8>(), 16..DATAGRAM_BYTES_MAX - 17),
    ) {
        for packet in [
            Packet::Initial { source, cookie, noise },
            Packet::Retry { receiver, cookie: cookie.unwrap_or([1; 20]) },
            Packet::Response { receiver, source, noise: &body },
            Packet::Finish { receiver, noise: &body },
            Packet::Data { receiver, number: source, sealed: &body },
            Packet::Reset { source, token: [7; 16] },
        ] {
            let bytes = packet.encode();
            prop_assert!(bytes.len() <= DATAGRAM_BYTES_MAX);
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
            let fixed = matches!(packet, Packet::Initial { .. } | Packet::Retry { .. } | Packet::Reset { .. });
            for len in 0..bytes.len() {
                if let Ok(shorter) = Packet::parse(&bytes[..len]) {
                    prop_assert!(!fixed, "a prefix of {:?} passes", shorter);
                    prop_assert_eq!(shorter.encode(), &bytes[..len]);
                }
            }
            if fixed {
                prop_assert!(Packet::parse(&[&bytes[..], &[0]].concat()).is_err());
            }
            for bit in 0..bytes.len().min(80) * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                if let Ok(other) = Packet::parse(&flipped) {
                    prop_assert_eq!(other.encode(), flipped, "what is accepted is given back");
                }
            }
        }
    }

    #[test]
    fn names_hold(name in strategies::name(), text in "\\PC{0,40}") {
        let bytes = codec::encode(&name);
        prop_assert_eq!(codec::decode::<udpchat::id::Name>(&bytes), Ok(name));
        let decoded = codec::decode::<udpchat::id::Name>(&codec::encode(&text));
        prop_assert_eq!(decoded.ok(), text.parse().ok());
    }
}

#[test]
fn unknown_variants_are_refused() {
    let zeros = [0; 64];
    let beyond = |number: u8| [&[number], &zeros[..]].concat();
    assert_eq!(
        codec::decode::<ToRegistry>(&beyond(10)),
        Err(DecodeError::Invalid)
    );
    assert_eq!(
        codec::decode::<FromRegistry>(&beyond(16)),
        Err(DecodeError::Invalid)
    );
    assert_eq!(codec::decode::<ToPeer>(&beyond(3)), Err(DecodeError::Invalid));
    assert_eq!(frames_of(&beyond(7)), [Err(DecodeError::Invalid)]);
    assert_eq!(Packet::parse(&beyond(0)), Err(DecodeError::UnknownKind(0)));
    assert_eq!(Packet::parse(&beyond(7)), Err(DecodeError::UnknownKind(7)));
}

#[test]
fn another_version_is_named() {
    let mut initial = Packet::Initial {
        source: 1,
        cookie: None,
        noise: [2; 32],
    }
    .encode();
    initial[1] = 2;
    assert_eq!(Packet::parse(&initial), Err(DecodeError::UnknownVersion(2)));
}

#[test]
fn an_initial_is_a_whole_datagram_of_zeros_behind_its_fields() {
    let initial = Packet::Initial {
        source: 1,
        cookie: None,
        noise: [2; 32],
    }
    .encode();
    assert_eq!(initial.len(), DATAGRAM_BYTES_MAX);
    let mut hiding = initial.clone();
    hiding[DATAGRAM_BYTES_MAX - 1] = 1;
    assert_eq!(Packet::parse(&hiding), Err(DecodeError::Invalid));
    assert!(Packet::parse(&[&initial[..], &[0]].concat()).is_err());
}

#[test]
fn a_message_for_the_other_direction_is_not_even_decoded() {
    // `Replayed` has a number that no client may say; `Withdraw` reads as something else or not at all.
    let replayed = codec::encode(&FromRegistry::Replayed { forwards: 0 });
    assert_eq!(codec::decode::<ToRegistry>(&replayed), Err(DecodeError::Invalid));
    assert_eq!(codec::decode::<ToPeer>(&replayed), Err(DecodeError::Invalid));
}
