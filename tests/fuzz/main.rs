//! The fuzz targets' entries without a fuzzer: their seeds, every prefix of these, changes of them from a seeded
//! generator, and every input that has ever found a fault (`tests/fuzz/found/`).
//!
//! `FUZZ_ITERATIONS` says how many changed inputs each entry gets, `FUZZ_SEED` which. `FUZZ_SEEDS=<folder>` writes the
//! seeds there, for a fuzzer to begin with (`scripts/fuzz` does).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this is test: what fails here fails loudly"
)]

mod entries;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use entries::Entry;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// Prefixes of one seed of bytes that are decoded: its beginning matters most. Of deeds every prefix is as good as another.
const PREFIXES: usize = 256;
/// The longest input that changes make.
const BYTES_MAX: usize = 4_096;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value:?}"))
    })
}

/// Says which input it was, so that it can be kept.
fn try_input(target: &str, entry: Entry, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| entry(input))) {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{target}, found by: {hex}");
        std::panic::resume_unwind(panic);
    }
}

/// As fuzzers do it: bits, bytes, pieces of others, cuts and repetitions, several at once.
fn change(rng: &mut ChaCha12Rng, input: &mut Vec<u8>, other: &[u8]) {
    let mut below = |bound: usize| usize::try_from(rng.next_u64() % bound.max(1) as u64).unwrap();
    for _ in 0..=below(6) {
        let at = below(input.len() + 1);
        let byte = u8::try_from(below(256)).unwrap();
        match below(7) {
            0 if at < input.len() => input[at] ^= 1 << below(8),
            1 if at < input.len() => input[at] = byte,
            2 if at < input.len() => input[at] = [0, 1, 127, 128, 250, 251, 252, 253, 255][below(9)],
            3 => input.insert(at, byte),
            4 => input.truncate(at),
            5 if !other.is_empty() => {
                let from = below(other.len());
                let len = below(other.len() - from) + 1;
                input.splice(at..at, other[from..from + len].iter().copied());
            }
            6 if at < input.len() => {
                let piece = input[at..(at + below(64)).min(input.len())].to_vec();
                input.splice(at..at, piece);
            }
            _ => {}
        }
        input.truncate(BYTES_MAX);
    }
}

/// Seeds, prefixes, and so many changed inputs.
fn smoke(target: &str, prefixes: usize, iterations: u64) {
    let (_, entry) = entries::ALL.iter().find(|(name, _)| *name == target).unwrap();
    let seeds = entries::seeds::of(target);
    for seed in &seeds {
        try_input(target, *entry, seed);
        for len in 0..seed.len().min(prefixes) {
            try_input(target, *entry, &seed[..len]);
        }
    }
    let mut rng = ChaCha12Rng::seed_from_u64(setting("FUZZ_SEED", 1));
    let mut pool = seeds;
    for _ in 0..setting("FUZZ_ITERATIONS", iterations) {
        let pick = |rng: &mut ChaCha12Rng| usize::try_from(rng.next_u64() % pool.len() as u64).unwrap();
        let (at, other) = (pick(&mut rng), pick(&mut rng));
        let mut input = pool[at].clone();
        change(&mut rng, &mut input, &pool[other]);
        try_input(target, *entry, &input);
        // What was changed is changed again: some go far from where they began.
        if rng.next_u32().is_multiple_of(4) {
            pool[at] = input;
        }
    }
}

#[test]
fn whatever_is_decoded_holds() {
    smoke("decoders", PREFIXES, 400_000);
}

#[test]
fn whatever_happens_to_endpoints_holds() {
    smoke("endpoint", 0, 250);
}

#[test]
fn whatever_is_said_to_a_registry_holds() {
    smoke("registry", 0, 2_500);
}

#[test]
fn whatever_is_said_to_a_client_holds() {
    smoke("client", 0, 2_500);
}

#[test]
fn whatever_is_typed_holds() {
    smoke("prompt", PREFIXES, 20_000);
}

#[test]
fn what_was_found_once_stays_mended() {
    for (target, entry) in entries::ALL {
        for (path, input) in files(&Path::new("tests/fuzz/found").join(target)) {
            eprintln!("{path:?}");
            try_input(target, *entry, &input);
        }
    }
}

/// The files of a folder of this crate; none if there is no such folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = paths.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

#[test]
fn every_entry_is_a_target_and_has_seeds() {
    let targets: Vec<String> = files(Path::new("fuzz/fuzz_targets"))
        .iter()
        .map(|(path, _)| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut names: Vec<&str> = entries::ALL.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(targets, names, "fuzz/fuzz_targets and the entries");
    let out = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from);
    for target in names {
        let seeds = entries::seeds::of(target);
        assert!(seeds.len() > 5, "{target}");
        if let Some(out) = &out {
            fs::create_dir_all(out.join(target)).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                fs::write(out.join(target).join(format!("seed-{number:03}")), seed).unwrap();
            }
        }
    }
}
