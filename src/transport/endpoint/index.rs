//! Tables by our own session indexes.
//!
//! Those are random numbers that this side has drawn, so they are their own hashes: nobody else can choose the
//! keys of such a table, only what is looked up in it. Not for anything that a stranger may choose.
//! Invariant: such a table is only looked up, never iterated.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub(super) type IndexMap<T> = HashMap<u64, T, BuildHasherDefault<Itself>>;

/// The hash of a random number is the number itself.
#[derive(Default)]
pub(super) struct Itself(u64);

impl Hasher for Itself {
    fn write_u64(&mut self, index: u64) {
        self.0 = index;
    }

    /// For keys other than `u64`, of which there are none: correct, and slow.
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
