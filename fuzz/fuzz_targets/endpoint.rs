//! See `tests/fuzz/entries/endpoint.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| udpchat_fuzz::run("endpoint", bytes));
