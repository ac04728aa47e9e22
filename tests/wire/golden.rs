//! Golden bytes: what every packet, frame, message, envelope and receipt looks like (PROTOCOL §3 to §6).
//!
//! The files under `tests/golden/` are written by `UPDATE_GOLDEN=1 cargo test --test wire` and reviewed; a
//! difference is a change of the protocol. Each entry is compared, and decoded again to the value it came of.
//! Invariant: every variant that the decoder knows, found by asking it, has an entry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use udpchat::wire::codec::{self, DecodeError};
use udpchat::wire::envelope::{Body, Envelope, Recipient, Verdict};
use udpchat::wire::frame::{self, CloseCode, Frame};
use udpchat::wire::message::*;
use udpchat::wire::packet::Packet;
use udpchat::wire::room::{News, PostItem, RoomDeed, RoomDone, RoomRefusal};

use crate::rooms;
use crate::samples::{self, Named};

type Entries = Vec<(String, Vec<u8>)>;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{file}.hex"))
}

fn render(title: &str, entries: &Entries) -> String {
    let mut text = format!("# {title}\n# One entry each; 32 bytes a line.\n");
    for (name, bytes) in entries {
        write!(text, "\n[{name}] {} bytes\n", bytes.len()).unwrap();
        for line in bytes.chunks(32) {
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "{}", hex.join(" ")).unwrap();
        }
    }
    text
}

fn parse(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut entries = BTreeMap::<String, Vec<u8>>::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            name.clone_into(&mut current);
            assert!(
                entries.insert(current.clone(), Vec::new()).is_none(),
                "{name} twice"
            );
        } else {
            let bytes = line
                .split_whitespace()
                .map(|hex| u8::from_str_radix(hex, 16).unwrap());
            if let Some(entry) = entries.get_mut(&current) {
                entry.extend(bytes);
            }
        }
    }
    entries
}

fn compare(file: &str, title: &str, entries: &Entries) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(file), render(title, entries)).unwrap();
    }
    let golden = parse(&std::fs::read_to_string(path(file)).unwrap_or_default());
    for (name, bytes) in entries {
        match golden.get(name) {
            None => panic!("tests/golden/{file}.hex has no entry [{name}]"),
            Some(expected) => assert_eq!(bytes, expected, "{file}.hex [{name}]: the wire has changed"),
        }
    }
    assert_eq!(
        golden.len(),
        entries.len(),
        "{file}.hex has entries that nothing makes"
    );
}

fn encoded<T: Serialize>(values: &Named<T>) -> Entries {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), codec::encode(value)))
        .collect()
}

/// How many variants the decoder knows: a number alone is truncated or whole if it is one, invalid if not.
fn variants<T: DeserializeOwned>() -> usize {
    (0..=250u8)
        .take_while(|&number| !matches!(codec::decode::<T>(&[number]), Err(DecodeError::Invalid)))
        .count()
}

/// Every variant is among the samples, by the number that their bytes begin with.
fn all_covered<T: DeserializeOwned>(entries: &Entries) {
    for number in 0..variants::<T>() {
        assert!(
            entries.iter().any(|(_, bytes)| usize::from(bytes[0]) == number),
            "{} number {number} has no golden entry",
            std::any::type_name::<T>()
        );
    }
}

fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    file: &str,
    title: &str,
    values: &Named<T>,
) {
    let entries = encoded(values);
    for ((name, bytes), (_, value)) in entries.iter().zip(values) {
        assert_eq!(codec::decode::<T>(bytes).as_ref(), Ok(value), "{name}");
    }
    compare(file, title, &entries);
}

#[test]
fn packets_look_as_ever() {
    let entries: Entries = samples::packets()
        .iter()
        .map(|(name, packet)| ((*name).to_owned(), packet.encode()))
        .collect();
    for ((_, bytes), (name, packet)) in entries.iter().zip(samples::packets()) {
        assert_eq!(Packet::parse(bytes), Ok(packet), "{name}");
    }
    // A kind is unknown or not; whatever else is wrong with one byte alone.
    for kind in 0..=u8::MAX {
        let known = !matches!(Packet::parse(&[kind]), Err(DecodeError::UnknownKind(_)));
        let sampled = entries.iter().any(|(_, bytes)| bytes[0] == kind);
        assert_eq!(known, sampled, "packet kind {kind}");
    }
    compare("packets", "Packets (PROTOCOL §3)", &entries);
}

#[test]
fn frames_look_as_ever() {
    let entries: Entries = samples::frames()
        .iter()
        .map(|(name, frame)| {
            let mut bytes = Vec::new();
            frame::encode_into(frame, &mut bytes);
            ((*name).to_owned(), bytes)
        })
        .collect();
    for ((_, bytes), (name, frame)) in entries.iter().zip(samples::frames()) {
        assert_eq!(frame::frames(bytes).collect::<Vec<_>>(), [Ok(frame)], "{name}");
    }
    let known = (0..=250u8)
        .take_while(|&number| codec::decode::<Frame<'_>>(&[number]) != Err(DecodeError::Invalid))
        .count();
    for number in 0..known {
        assert!(
            entries.iter().any(|(_, bytes)| usize::from(bytes[0]) == number),
            "frame number {number} has no golden entry"
        );
    }
    let closes: Entries = entries
        .iter()
        .filter(|(name, _)| name.starts_with("close"))
        .map(|(name, bytes)| (name.clone(), bytes[1..].to_vec()))
        .collect();
    all_covered::<CloseCode>(&closes);
    compare("frames", "Frames (PROTOCOL §4)", &entries);
}

#[test]
fn hellos_look_as_ever() {
    check(
        "handshake",
        "Inside the handshake (PROTOCOL §7.1)",
        &samples::hellos(),
    );
}

#[test]
fn messages_look_as_ever() {
    check(
        "to_registry",
        "Client to registry (PROTOCOL §5.1)",
        &samples::to_registry(),
    );
    check(
        "from_registry",
        "Registry to client (PROTOCOL §5.2)",
        &samples::from_registry(),
    );
    check("to_peer", "Client to client (PROTOCOL §5.3)", &samples::to_peer());
}

#[test]
fn every_message_variant_has_a_golden_entry() {
    all_covered::<ToRegistry>(&encoded(&samples::to_registry()));
    all_covered::<FromRegistry>(&encoded(&samples::from_registry()));
    all_covered::<ToPeer>(&encoded(&samples::to_peer()));
    assert_eq!(
        [
            variants::<ToRegistry>(),
            variants::<FromRegistry>(),
            variants::<ToPeer>()
        ],
        [12, 20, 4],
        "the decoder was asked rightly; raise these with a new variant"
    );
}

#[test]
fn every_inner_variant_has_a_golden_entry() {
    let (from, to, peer) = (
        samples::from_registry(),
        samples::to_registry(),
        samples::to_peer(),
    );
    fn inner<T: Serialize>(name: &str, value: &T) -> (String, Vec<u8>) {
        (name.to_owned(), codec::encode(value))
    }
    let mut registrations = Entries::new();
    let mut deposits = Entries::new();
    let mut ends = Entries::new();
    let mut busy = Entries::new();
    let mut changes = Entries::new();
    for (name, message) in &from {
        match message {
            FromRegistry::RegistrationRefused { reason } => registrations.push(inner(name, reason)),
            FromRegistry::DepositRefused { reason, .. } => deposits.push(inner(name, reason)),
            FromRegistry::Outcome(outcome) => ends.push(inner(name, &outcome.end)),
            FromRegistry::Busy(why) => busy.push(inner(name, &why.reason)),
            FromRegistry::Directory(page) => {
                changes.extend(page.changes.as_slice().iter().map(|change| inner(name, change)));
            }
            _ => {}
        }
    }
    for (name, message) in &to {
        if let ToRegistry::Busy(why) = message {
            busy.push(inner(name, &why.reason));
        }
    }
    for (name, message) in &peer {
        if let ToPeer::Busy(why) = message {
            busy.push(inner(name, &why.reason));
        }
    }
    let verdicts = samples::receipts()
        .iter()
        .map(|(name, receipt)| inner(name, &receipt.verdict))
        .collect();
    all_covered::<RegistrationRefusal>(&registrations);
    all_covered::<DepositRefusal>(&deposits);
    all_covered::<End>(&ends);
    all_covered::<BusyReason>(&busy);
    all_covered::<Change>(&changes);
    all_covered::<Verdict>(&verdicts);
    let envelope = samples::envelope();
    let to_room = rooms::envelope();
    all_covered::<Recipient>(&vec![
        inner("recipient", &envelope.recipient),
        inner("room", &to_room.recipient),
    ]);
    fn of<T: Serialize>(values: &[(&str, T)]) -> Entries {
        values.iter().map(|(name, value)| inner(name, value)).collect()
    }
    all_covered::<RoomDeed>(&of(&rooms::deeds()));
    all_covered::<RoomDone>(&of(&rooms::done()));
    all_covered::<RoomRefusal>(&of(&rooms::refusals()));
    all_covered::<PostItem>(&of(&rooms::items()));
    all_covered::<News>(&of(&rooms::all_news()));
    all_covered::<Body>(&vec![inner("body", &envelope.body)]);
}

#[test]
fn envelopes_and_receipts_look_as_ever() {
    let (envelope, key) = (samples::envelope(), samples::key());
    let sealed = envelope.seal(&key);
    assert_eq!(Envelope::parse(&sealed).as_ref(), Ok(&envelope));
    assert!(Envelope::verify(&sealed, &key));
    compare(
        "envelopes",
        "Envelopes, from alice to bob (PROTOCOL §6.1), and the hash of one",
        &vec![
            ("plain".to_owned(), sealed),
            ("plain_hash".to_owned(), samples::hash().0.to_vec()),
            ("posted".to_owned(), rooms::envelope().sign(&samples::alice())),
        ],
    );
    check(
        "receipts",
        "Receipts, from bob to alice (PROTOCOL §6.2)",
        &samples::receipts(),
    );
}

#[test]
fn keys_are_derived_as_ever() {
    let entries: Entries = samples::identities()
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect();
    compare("keys", "Keys and tags from fixed seeds (PROTOCOL §1.3)", &entries);
}

/// A block that begins with "hex file/entry" is an entry, with remarks after two spaces.
#[test]
fn examples_in_the_protocol_are_golden() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let protocol = std::fs::read_to_string(root.join("docs/PROTOCOL.md")).unwrap();
    let blocks: Vec<&str> = protocol.split("```hex ").skip(1).collect();
    assert!(blocks.len() >= 5, "the examples were found");
    for block in blocks {
        let (place, rest) = block.split_once('\n').unwrap();
        let (file, entry) = place.split_once('/').unwrap();
        let shown: String = rest
            .lines()
            .take_while(|line| !line.starts_with("```"))
            .map(|line| line.split("  ").next().unwrap())
            .flat_map(|hex| [hex, " "])
            .collect();
        let shown = parse(&format!("[{entry}]\n{shown}"));
        let golden = parse(&std::fs::read_to_string(path(file)).unwrap());
        assert_eq!(
            shown.get(entry),
            golden.get(entry),
            "the example {place} in docs/PROTOCOL.md"
        );
    }
}
