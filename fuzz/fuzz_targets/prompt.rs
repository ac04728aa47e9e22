//! See `tests/fuzz/entries/prompt.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| udpchat_fuzz::run("prompt", bytes));
