//! Hands a target's bytes to its entry. The entries live with the tests, which run them on every toolchain.

#[path = "../../tests/fuzz/entries/mod.rs"]
#[expect(dead_code, reason = "seeds are the tests' business")]
mod entries;

/// One input of a target; panics if a property does not hold.
pub fn run(target: &str, input: &[u8]) {
    let entry = entries::ALL.iter().find(|(name, _)| *name == target);
    entry.expect("every target has an entry").1(input);
}
