//! What is fuzzed, each with what must hold for every input.
//!
//! The fuzzer calls these (`fuzz/fuzz_targets/`), and so does the smoke test beside them, on every toolchain. All go
//! through the library's public interface; a property that does not hold is a panic.
//! Invariant: an entry's verdict depends on its bytes alone.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test: what fails here fails loudly"
)]

mod bench;
mod client;
mod client_books;
pub(crate) mod decoders;
mod endpoint;
mod input;
mod link;
mod people;
mod prompt;
mod registry;
pub(crate) mod seeds;

/// One input; panics if a property does not hold.
pub(crate) type Entry = fn(&[u8]);

/// All entries, by the names of their targets.
pub(crate) const ALL: &[(&str, Entry)] = &[
    ("client", client::run),
    ("decoders", decoders::run),
    ("endpoint", endpoint::run),
    ("prompt", prompt::run),
    ("registry", registry::run),
];
