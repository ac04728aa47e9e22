//! Where a fuzzer begins: the golden bytes, and what uses of each command look like.
//!
//! Invariant: the same seeds in every run.

use super::decoders;

/// Golden files, and as what their entries are decoded.
const GOLDEN: [(&str, &str); 8] = [
    (include_str!("../../golden/packets.hex"), "packet"),
    (include_str!("../../golden/frames.hex"), "frames"),
    (include_str!("../../golden/to_registry.hex"), "to_registry"),
    (include_str!("../../golden/from_registry.hex"), "from_registry"),
    (include_str!("../../golden/to_peer.hex"), "to_peer"),
    (include_str!("../../golden/envelopes.hex"), "envelope"),
    (include_str!("../../golden/receipts.hex"), "receipt"),
    (include_str!("../../golden/handshake.hex"), "hello"),
];

/// Lines as people type them.
const TYPED: [&str; 12] = [
    "send bob hi",
    "send bob  two spaces, grüße, 你好\nand another line",
    "  dereg",
    "dereg alice",
    "dereg bob",
    "reg ALICE",
    "trust bob 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF",
    "trust bob 0123 4567",
    "help send",
    "help\nquit\nexit",
    "send -bob \u{202e}evil\u{1b}[2J",
    "what is this?",
];

/// The seeds of a target.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "decoders" => decoders(),
        "endpoint" => endpoint(),
        "prompt" => TYPED.map(|line| line.as_bytes().to_vec()).to_vec(),
        other => panic!("no seeds for {other}"),
    }
}

fn decoders() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (text, kind) in GOLDEN {
        for entry in entries(text) {
            seeds.push([vec![number(kind)], entry].concat());
        }
    }
    // A page and a record are in messages, behind the number of the message; a card and a name in a record.
    for entry in entries(GOLDEN[3].0) {
        for kind in ["page", "record", "card", "name"] {
            seeds.push([&[number(kind)], &entry[1.min(entry.len())..]].concat());
        }
    }
    seeds
}

/// Two bytes choose a deed of a host; see there what follows.
fn endpoint() -> Vec<Vec<u8>> {
    let connect: &[u8] = &[0, 0, 2, 0, 4, 50];
    let talk: &[u8] = &[0, 1, 0, 1, 0, 1, 1, 0, 9, 9, 0, 4, 50];
    let crossing: &[u8] = &[0, 0, 2, 1, 0, 2, 0, 4, 90];
    let large: &[u8] = &[0, 1, 0, 255, 255, 0, 7, 3, 0, 11, 1, 0, 20, 1, 5, 0, 6, 200];
    let replay: &[u8] = &[0, 9, 0, 0, 9, 1, 0, 10, 0, 0, 10, 1];
    let forged: &[u8] = &[
        0, 12, 0, 9, 0, 13, 0, 20, 1, 7, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 8, 0,
    ];
    let silent: &[u8] = &[1, 15, 0, 1, 0, 4, 4, 0, 14, 250, 1, 15, 0, 4, 90];
    let again: &[u8] = &[1, 16, 0, 0, 0, 2, 0, 4, 200];
    let moved: &[u8] = &[0, 17, 1, 0, 9, 0, 1, 0, 1, 0, 0, 4, 255];
    let flood: &[u8] = &[0, 17, 0, 5, 0, 0, 2, 0, 4, 255];
    let close: &[u8] = &[0, 3, 0, 0, 1, 3, 0, 1, 0, 4, 9];
    let scenes = [talk, crossing, large, replay, forged, silent, again, moved, close];
    let mut seeds = vec![[&[0], connect, flood, talk].concat()];
    for service in [0_u8, 1] {
        seeds.extend(scenes.map(|scene| [&[service], connect, scene, talk].concat()));
        seeds.push([&[service], connect, &scenes.concat()].concat());
    }
    seeds
}

fn number(kind: &str) -> u8 {
    let place = decoders::KINDS.iter().position(|other| *other == kind);
    u8::try_from(place.unwrap()).unwrap()
}

/// The entries of a golden file.
fn entries(text: &str) -> Vec<Vec<u8>> {
    let mut entries = Vec::<Vec<u8>>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            entries.push(Vec::new());
        } else if let Some(entry) = entries.last_mut() {
            let bytes = line.split_whitespace();
            entry.extend(bytes.map(|hex| u8::from_str_radix(hex, 16).unwrap()));
        }
    }
    entries
}
