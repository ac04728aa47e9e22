//! See `tests/fuzz/entries/client.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| udpchat_fuzz::run("client", bytes));
