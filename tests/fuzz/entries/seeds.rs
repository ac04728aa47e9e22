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
        "client" => client(),
        "decoders" => decoders(),
        "endpoint" => endpoint(),
        "prompt" => TYPED.map(|line| line.as_bytes().to_vec()).to_vec(),
        "registry" => registry(),
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

/// A byte chooses a deed.
fn client() -> Vec<Vec<u8>> {
    let register: &[u8] = &[17, 2];
    let slowly: &[u8] = &[0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 7, 0, 0, 1, 0, 1, 0, 0];
    let direct: &[u8] = &[
        2, 1, 8, 1, 0, 0, 1, 10, 0, 0, 0, 0, 0, 2, 1, 9, 2, 10, 0, 0, 0, 0, 0,
    ];
    let stored: &[u8] = &[2, 2, 8, 1, 13, 4, 0, 4, 0, 0, 6, 4, 0, 0, 11, 2, 0, 0];
    let incoming: &[u8] = &[
        8, 0, 0, 0, 0, 0, 0, 8, 1, 0, 1, 0, 0, 0, 0, 9, 0, 8, 0, 0, 1, 0, 0, 1,
    ];
    let late: &[u8] = &[8, 0, 0, 2, 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 13, 9, 0];
    let away: &[u8] = &[2, 0, 0, 2, 1, 8, 5, 13, 4, 0, 2, 0, 1, 0, 0, 0];
    let lost: &[u8] = &[12, 0, 0, 13, 8, 0, 17, 2];
    let seen: &[u8] = &[2, 0, 4, 0, 13, 1, 0, 17, 0, 0];
    let trust: &[u8] = &[7, 7, 7, 5, 0, 2, 0, 0, 2, 1, 8, 3, 2, 1, 3, 3];
    let disk: &[u8] = &[15, 2, 2, 1, 8, 7, 15, 0, 13, 30, 0, 15, 1, 2, 1, 8, 8, 17, 0, 1];
    let raw: &[u8] = &[11, 4, 0, 3, 1, 98, 0, 16, 1, 0, 14, 200, 4, 0, 0, 9, 0, 1];
    let scenes = [direct, stored, incoming, late, away, lost, seen, trust, disk, raw];
    let mut seeds: Vec<_> = scenes
        .map(|scene| [register, scene, direct, stored].concat())
        .to_vec();
    seeds.push([slowly, direct].concat());
    seeds.push([register, &scenes.concat()].concat());
    seeds
}

/// Two bytes choose a person and a deed.
fn registry() -> Vec<Vec<u8>> {
    let join: &[u8] = &[0, 1, 1, 2, 3, 1, 1, 1, 1, 2, 2, 3, 1, 2];
    let deposit: &[u8] = &[0, 3, 1, 0, 3, 0, 3, 1, 1, 3, 1, 4, 0, 0, 3];
    let answer: &[u8] = &[0, 6, 0, 0, 1, 1, 0, 6, 1, 1, 1, 1, 0, 6, 0, 2, 1, 1];
    let acknowledge: &[u8] = &[0, 8, 0, 1, 0, 8, 1, 1, 0, 8, 2, 0];
    let talk: &[u8] = &[0, 9, 0, 3, 1, 9, 2, 0, 2, 9, 3, 0, 0, 9, 1, 3];
    let third: &[u8] = &[
        2, 1, 3, 2, 3, 1, 1, 3, 1, 5, 2, 1, 7, 1, 3, 3, 2, 3, 1, 0, 12, 1, 0,
    ];
    let away: &[u8] = &[1, 11, 0, 0, 3, 1, 2, 3, 0, 12, 90, 0, 1, 1, 4, 2, 4, 1, 1];
    let expiry: &[u8] = &[0, 3, 1, 5, 1, 0, 13, 0, 30, 0, 12, 255, 255, 0, 1, 5, 2, 9, 1, 1];
    let disk: &[u8] = &[0, 14, 1, 0, 3, 1, 6, 3, 0, 14, 2, 0, 14, 0, 0, 16, 0, 0];
    let full: &[u8] = &[
        0, 3, 1, 0, 3, 0, 3, 1, 1, 3, 0, 3, 1, 2, 3, 0, 3, 1, 3, 3, 0, 3, 1, 4, 3,
    ];
    let raw: &[u8] = &[0, 10, 4, 3, 1, b'b', 0, 0, 15, 1, 0, 17, 9, 0, 16, 2];
    let scenes = [
        deposit,
        answer,
        acknowledge,
        talk,
        third,
        away,
        expiry,
        disk,
        full,
        raw,
    ];
    let mut seeds: Vec<_> = scenes
        .map(|scene| [join, scene, deposit, answer].concat())
        .to_vec();
    seeds.push([join, &scenes.concat()].concat());
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
