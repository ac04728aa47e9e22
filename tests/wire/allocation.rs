//! Hostile lengths allocate nothing (PROTOCOL §2.3).
//!
//! Counts what the allocator hands out while a message is decoded whose length field promises what does not
//! follow. Error texts of the codec are allowed their few bytes.
//! Invariant: memory follows what was really received, within a constant factor.

use allocation_counter::measure;
use udpchat::id::Name;
use udpchat::limits::{ENVELOPE_BYTES_MAX, MESSAGE_BYTES_MAX};
use udpchat::wire::codec;
use udpchat::wire::envelope::{Body, Envelope};
use udpchat::wire::frame::{self, Frame};
use udpchat::wire::message::*;

use crate::samples;

/// What an error's own text may take.
const ERROR_BYTES: u64 = 256;

/// Lengths as varints: just over a datagram, just under the limit, just over it, and absurd.
fn lying_lengths() -> Vec<Vec<u8>> {
    [
        1_201,
        MESSAGE_BYTES_MAX - 100,
        MESSAGE_BYTES_MAX + 1,
        usize::MAX / 4,
        usize::MAX,
    ]
    .map(|len| codec::encode(&(len as u64)))
    .to_vec()
}

fn peak_of_refusal<T>(bytes: &[u8]) -> u64
where
    T: serde::de::DeserializeOwned,
{
    measure(|| assert!(codec::decode::<T>(bytes).is_err())).bytes_max
}

#[test]
fn a_lying_length_allocates_nothing() {
    for length in lying_lengths() {
        let lie = |prefix: &[u8]| [prefix, &length, b"few"].concat();
        let peaks = [
            ("name", peak_of_refusal::<Name>(&lie(&[]))),
            ("body", peak_of_refusal::<Body>(&lie(&[0]))),
            (
                "envelope of a deposit",
                peak_of_refusal::<ToRegistry>(&lie(&[5, 0])),
            ),
            (
                "envelope of a forward",
                peak_of_refusal::<FromRegistry>(&lie(&[14, 0])),
            ),
            ("name of a lookup", peak_of_refusal::<ToRegistry>(&lie(&[3]))),
            (
                "private addresses",
                peak_of_refusal::<ToRegistry>(&lie(&[0, 1, b'a', 1])),
            ),
            (
                "changes of a page",
                peak_of_refusal::<FromRegistry>(&lie(&[7, 0, 1, 1, 0, 1])),
            ),
            (
                "signature of a card",
                peak_of_refusal::<udpchat::identity::Card>(&{ [&[7; 64][..], &length, &[1, 2, 3]].concat() }),
            ),
        ];
        for (what, peak) in peaks {
            assert!(
                peak <= ERROR_BYTES,
                "{what} with length {length:02x?}: {peak} bytes"
            );
        }
    }
}

#[test]
fn a_frame_that_lies_allocates_nothing() {
    for length in lying_lengths() {
        for prefix in [&[2, 0, 0, 1][..], &[1, 9, 0, 0]] {
            let bytes = [prefix, &length, b"few"].concat();
            let peak = measure(|| assert!(frame::frames(&bytes).any(|frame| frame.is_err()))).bytes_max;
            assert!(peak <= ERROR_BYTES, "{bytes:02x?}: {peak} bytes");
        }
    }
}

#[test]
fn a_part_is_borrowed() {
    let mut plain = Vec::new();
    let part = Frame::Part {
        message: 1,
        offset: 0,
        last: false,
        bytes: &[7; 1_000],
    };
    frame::encode_into(&part, &mut plain);
    let info = measure(|| assert_eq!(frame::frames(&plain).count(), 1));
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_whole_message_takes_little_more_than_its_bytes() {
    let forward = FromRegistry::Forward {
        place: 0,
        forward: Forward {
            floor: udpchat::id::Sequence(0),
            envelope: vec![1; ENVELOPE_BYTES_MAX],
        },
    };
    let bytes = codec::encode(&forward);
    let peak = measure(|| drop(codec::decode::<FromRegistry>(&bytes).unwrap())).bytes_max;
    assert!(peak <= ENVELOPE_BYTES_MAX as u64 + ERROR_BYTES, "{peak} bytes");

    let sealed = samples::envelope().seal(&samples::key());
    let peak = measure(|| drop(Envelope::parse(&sealed).unwrap())).bytes_max;
    assert!(peak <= sealed.len() as u64, "{peak} bytes");
}

#[test]
fn the_most_that_a_page_can_take_is_bounded() {
    // The smallest change is a removed name of one letter: three bytes for a whole `Change` in memory.
    let page = FromRegistry::Directory(Page {
        from: None,
        to: Version { run: 0, counter: 0 },
        index: 0,
        last: true,
        changes: codec::Bounded::truncated(vec![
            Change::Removed {
                name: samples::name("a")
            };
            PAGE_ITEMS_MAX
        ]),
    });
    let bytes = codec::encode(&page);
    let peak = measure(|| drop(codec::decode::<FromRegistry>(&bytes).unwrap())).bytes_max;
    assert!(peak <= MESSAGE_BYTES_MAX as u64 * 2, "{peak} bytes");
}
