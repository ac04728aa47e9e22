//! The largest of each kind fits its bound, and decodes (PROTOCOL §10).
//!
//! Values are built at the extremes of every field; what is larger cannot be built or is refused.
//! Invariant: a bound in `limits` that no longer holds fails here and not on somebody's machine.

use std::net::SocketAddr;

use udpchat::clock::WallTime;
use udpchat::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, RoomId, Sequence, Slot};
use udpchat::identity::Card;
use udpchat::limits::{BODY_BYTES_MAX, DATAGRAM_BYTES_MAX, ENVELOPE_BYTES_MAX, MESSAGE_BYTES_MAX};
use udpchat::wire::codec::{self, Bounded, DecodeError};
use udpchat::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use udpchat::wire::frame::{self, ACK_GAPS_MAX, Ack, Frame, PART_OVERHEAD_MAX};
use udpchat::wire::message::*;
use udpchat::wire::packet::{DATA_HEADER_BYTES, Packet, RESET_BYTES, SEAL_BYTES};
use udpchat::wire::room::{NEWS_BYTES_MAX, News, RoomNews};

use crate::samples;

const SLOT: Slot = Slot {
    epoch: Epoch(u64::MAX),
    sequence: Sequence(u64::MAX),
};
const HASH: EnvelopeHash = EnvelopeHash([0xff; 16]);
const AT: WallTime = WallTime::from_unix_ms(i64::MIN);
const VERSION: Version = Version {
    run: u64::MAX,
    counter: u64::MAX,
};

fn longest_name() -> Name {
    "z".repeat(32).parse().unwrap()
}

fn farthest() -> SocketAddr {
    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535".parse().unwrap()
}

fn addresses() -> Bounded<SocketAddr, PRIVATE_ADDRESSES_MAX> {
    Bounded::truncated(vec![farthest(); PRIVATE_ADDRESSES_MAX + 1])
}

fn largest_envelope() -> Vec<u8> {
    let party = Party {
        name: longest_name(),
        id: IdentityId([0xff; 32]),
    };
    Envelope {
        sender: party.clone(),
        recipient: Recipient::Peer(party),
        slot: SLOT,
        sent_at: AT,
        body: Body::Plain("x".repeat(BODY_BYTES_MAX)),
    }
    .seal(&samples::key())
}

fn largest_forward() -> Forward {
    Forward {
        floor: Sequence(u64::MAX),
        envelope: largest_envelope(),
    }
}

fn largest_receipt() -> Receipt {
    Receipt {
        id: MessageId {
            sender: IdentityId([0xff; 32]),
            slot: SLOT,
        },
        hash: HASH,
        verdict: Verdict::Conflict,
        at: AT,
        tag: [0xff; 16],
    }
}

fn largest_record() -> Record {
    Record {
        name: longest_name(),
        card: Card {
            id: IdentityId([0xff; 32]),
            key: [0xff; 32],
            signature: [0xff; 64],
        },
        presence: Presence {
            online: Some(Addresses {
                observed: farthest(),
                private: addresses(),
            }),
            since: AT,
        },
    }
}

fn largest_page() -> FromRegistry {
    FromRegistry::Directory(Page {
        from: Some(VERSION),
        to: VERSION,
        index: u32::MAX,
        last: true,
        changes: Bounded::truncated(vec![Change::Record(largest_record()); PAGE_ITEMS_MAX + 1]),
    })
}

const fn busy<Of>(of: Of) -> Busy<Of> {
    Busy {
        of,
        reason: BusyReason::UnknownSender,
        retry_after_ms: u32::MAX,
    }
}

fn fits<T>(value: &T) -> usize
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let bytes = codec::encode(value);
    assert!(bytes.len() <= MESSAGE_BYTES_MAX, "{} bytes", bytes.len());
    assert!(
        codec::decode::<T>(&bytes).as_ref() == Ok(value),
        "the largest does not decode"
    );
    bytes.len()
}

#[test]
fn the_largest_envelope_fits() {
    let bytes = largest_envelope();
    assert_eq!(
        bytes.len() - BODY_BYTES_MAX,
        180,
        "what names, keys and numbers cost"
    );
    assert!(bytes.len() <= ENVELOPE_BYTES_MAX);
    assert!(Envelope::parse(&bytes).is_ok() && Envelope::verify(&bytes, &samples::key()));
}

#[test]
fn an_envelope_with_one_byte_too_many_of_text_is_refused() {
    let mut envelope = samples::envelope();
    envelope.body = Body::Plain("x".repeat(BODY_BYTES_MAX + 1));
    let sealed = envelope.seal(&samples::key());
    assert_eq!(Envelope::parse(&sealed), Err(DecodeError::Invalid));
    let far_too_large = vec![0; ENVELOPE_BYTES_MAX + 1];
    assert_eq!(Envelope::parse(&far_too_large), Err(DecodeError::Invalid));
}

#[test]
fn the_largest_message_of_each_kind_fits() {
    let deposit = fits(&ToRegistry::Deposit(Deposit {
        forward: largest_forward(),
        ttl_ms: u64::MAX,
    }));
    assert_eq!(
        deposit - largest_envelope().len(),
        24,
        "what travels beside the envelope"
    );
    fits(&ToRegistry::Register(Register {
        name: longest_name(),
        counter: u64::MAX,
        private: addresses(),
        directory: Some(VERSION),
    }));
    fits(&ToRegistry::Busy(busy(largest_receipt().id)));
    fits(&ToRegistry::Receipt(largest_receipt()));
    fits(&FromRegistry::Forward {
        place: u64::MAX,
        forward: largest_forward(),
    });
    fits(&FromRegistry::Busy(busy(Some(SLOT))));
    fits(&FromRegistry::Found {
        record: largest_record(),
    });
    fits(&FromRegistry::Outcome(Outcome {
        slot: SLOT,
        hash: HASH,
        end: End::Answered(largest_receipt()),
    }));
    fits(&FromRegistry::Registered(Registered {
        counter: u64::MAX,
        returning: true,
        store_id: [0xff; 16],
        observed: farthest(),
        lease_ms: u32::MAX,
        lobby: true,
    }));
    fits(&ToPeer::Deliver(largest_forward()));
    fits(&ToPeer::Busy(busy(largest_receipt().id)));
}

#[test]
fn a_full_page_of_the_largest_records_fits() {
    assert_eq!(
        codec::encode(&Change::Record(largest_record())).len(),
        RECORD_BYTES_MAX
    );
    let page = fits(&largest_page());
    assert!(page <= PAGE_ITEMS_MAX * RECORD_BYTES_MAX + 64, "{page} bytes");
}

#[test]
fn news_of_a_room_are_short() {
    let news = |news| {
        let news = RoomNews {
            room: RoomId([0xff; 16]),
            at: AT,
            members: u32::MAX,
            news,
        };
        codec::encode(&FromRegistry::RoomNews(news)).len()
    };
    let name = longest_name();
    assert_eq!(
        news(News::Kicked {
            name: Some(name.clone())
        }),
        NEWS_BYTES_MAX
    );
    assert!(news(News::Joined { name: name.clone() }) <= NEWS_BYTES_MAX);
    assert!(news(News::Left { name }) <= NEWS_BYTES_MAX);
    assert!(news(News::Ended) <= NEWS_BYTES_MAX);
}

#[test]
fn what_is_small_fits_one_datagram() {
    let room = DATAGRAM_BYTES_MAX - DATA_HEADER_BYTES - SEAL_BYTES - PART_OVERHEAD_MAX;
    assert!(
        codec::encode(&FromRegistry::Found {
            record: largest_record()
        })
        .len()
            <= room
    );
    assert!(codec::encode(&ToPeer::Receipt(largest_receipt())).len() <= room);
}

#[test]
fn a_part_costs_at_most_its_overhead() {
    for len in [0, 250, 251, DATAGRAM_BYTES_MAX] {
        let bytes = vec![0xff; len];
        let mut plain = Vec::new();
        let part = Frame::Part {
            message: u64::MAX,
            offset: u32::MAX,
            last: true,
            bytes: &bytes,
        };
        frame::encode_into(&part, &mut plain);
        assert!(plain.len() <= PART_OVERHEAD_MAX + len);
    }
}

#[test]
fn the_largest_ack_fits_one_packet() {
    let ack = Frame::Ack(Ack {
        largest: u64::MAX,
        delay_us: u32::MAX,
        first_run: u64::MAX,
        gaps: Bounded::truncated(vec![(u64::MAX, u64::MAX); ACK_GAPS_MAX + 1]),
    });
    let mut plain = Vec::new();
    frame::encode_into(&ack, &mut plain);
    assert_eq!(plain.len(), 601);
    assert_eq!(frame::frames(&plain).collect::<Vec<_>>(), [Ok(ack)]);
    assert!(plain.len() <= DATAGRAM_BYTES_MAX - DATA_HEADER_BYTES - SEAL_BYTES);
}

#[test]
fn a_reset_is_smaller_than_every_packet_that_can_cause_it() {
    let data = |len| Packet::Data {
        receiver: 1,
        number: 2,
        sealed: &[0; 32][..len],
    };
    let least = (0..=32)
        .map(|len| data(len).encode())
        .find(|bytes| Packet::parse(bytes).is_ok())
        .unwrap();
    let reset = Packet::Reset {
        source: 1,
        token: [0; 16],
    };
    assert_eq!(reset.encode().len(), RESET_BYTES);
    assert!(RESET_BYTES < least.len());
}

#[test]
fn the_protocol_names_these_bounds() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let protocol = std::fs::read_to_string(root.join("docs/PROTOCOL.md")).unwrap();
    let with_comma = |bytes: usize| format!("{},{:03}", bytes / 1_000, bytes % 1_000);
    for line in [
        format!("| datagram ● | {} bytes", with_comma(DATAGRAM_BYTES_MAX)),
        format!("| text of a message ● | {} bytes", with_comma(BODY_BYTES_MAX)),
        format!(
            "| envelope ● | {} bytes (the largest possible has {})",
            with_comma(ENVELOPE_BYTES_MAX),
            with_comma(largest_envelope().len())
        ),
        format!("| message ● | {} bytes", with_comma(MESSAGE_BYTES_MAX)),
        format!("| changes in a directory page ● | {PAGE_ITEMS_MAX} (at most {RECORD_BYTES_MAX} bytes each)"),
        format!("| private addresses ● | {PRIVATE_ADDRESSES_MAX} |"),
        format!("| gaps in an Ack ● | {ACK_GAPS_MAX} |"),
    ] {
        assert!(protocol.contains(&line), "docs/PROTOCOL.md §10.2 lacks: {line}");
    }
}

#[test]
fn one_more_than_a_bound_is_refused() {
    let address = codec::encode(&farthest());
    let registered = |count: u8| {
        let private = address.repeat(usize::from(count));
        codec::decode::<ToRegistry>(&[&[0, 1, b'a', 1, count], &private[..], &[0]].concat())
    };
    assert!(registered(4).is_ok());
    assert_eq!(registered(5), Err(DecodeError::Invalid));

    let page = |count: u8| {
        let changes = [2, 1, b'a'].repeat(usize::from(count));
        codec::decode::<FromRegistry>(&[&[7, 0, 0, 0, 0, 1, count], &changes[..]].concat())
    };
    assert!(page(128).is_ok());
    assert_eq!(page(129), Err(DecodeError::Invalid));

    let ack = |count: u8| {
        let gaps = [0, 0].repeat(usize::from(count));
        codec::decode::<Frame<'_>>(&[&[1, 9, 0, 0, count], &gaps[..]].concat()).map(|_| ())
    };
    assert_eq!(ack(32), Ok(()));
    assert_eq!(ack(33), Err(DecodeError::Invalid));

    let name = |len: u8| codec::decode::<Name>(&[&[len], &b"a".repeat(usize::from(len))[..]].concat());
    assert!(name(32).is_ok());
    assert_eq!(name(33), Err(DecodeError::Invalid));
}

#[test]
fn a_datagram_with_one_byte_too_many_is_refused() {
    let data = |sealed: usize| {
        let bytes = Packet::Data {
            receiver: 1,
            number: 2,
            sealed: &vec![0; sealed],
        }
        .encode();
        Packet::parse(&bytes).map(|_| bytes.len())
    };
    assert_eq!(
        data(DATAGRAM_BYTES_MAX - DATA_HEADER_BYTES),
        Ok(DATAGRAM_BYTES_MAX)
    );
    assert_eq!(
        data(DATAGRAM_BYTES_MAX - DATA_HEADER_BYTES + 1),
        Err(DecodeError::Invalid)
    );
}
