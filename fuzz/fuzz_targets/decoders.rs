//! See `tests/fuzz/entries/decoders.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| udpchat_fuzz::run("decoders", bytes));
