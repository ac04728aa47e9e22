//! See `tests/fuzz/entries/registry.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| udpchat_fuzz::run("registry", bytes));
