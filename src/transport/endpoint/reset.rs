//! "I no longer know this session": when a Reset is sent, and which session one means (PROTOCOL §7.9; the
//! idea is that of RFC 9000 §10.3).
//!
//! What becomes of a session that was reset is the endpoint's business.
//! Invariant: a Reset is smaller than what caused it, there are at most so many a second, and none is ever
//! caused by a Reset.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Instant;
use crate::identity::Identity;
use crate::limits::RESETS_PER_SECOND_MAX;
use crate::rate::{Bucket, Rate};
use crate::wire::packet::{DATA_HEADER_BYTES, Packet, RESET_BYTES, SEAL_BYTES};

/// The smallest packet that can be meant for a session.
const CAUSE_BYTES_MIN: usize = DATA_HEADER_BYTES + SEAL_BYTES;
const _: () = assert!(RESET_BYTES < CAUSE_BYTES_MIN);

/// How often a session is disowned.
const RATE: Rate = Rate::new(
    RESETS_PER_SECOND_MAX,
    Duration::from_secs(1),
    RESETS_PER_SECOND_MAX,
);

/// Sessions that may claim one remote index. Honest indexes are random and differ.
const NAMESAKES_MAX: usize = 64;

pub(super) struct Resets {
    bucket: Bucket,
    /// The other sides' indexes, each with our own.
    remotes: BTreeSet<(u64, u64)>,
}

impl Resets {
    pub(super) fn new() -> Self {
        Self {
            bucket: Bucket::default(),
            remotes: BTreeSet::new(),
        }
    }

    /// The answer to a datagram of so many bytes for a session that nobody here knows.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        identity: &Identity,
        index: u64,
        bytes: usize,
    ) -> Option<Vec<u8>> {
        (bytes >= CAUSE_BYTES_MIN && self.bucket.take(now, &RATE).is_ok()).then(|| {
            Packet::Reset {
                source: index,
                token: identity.reset_token(index),
            }
            .encode()
        })
    }

    /// From now on a Reset of `remote` may mean `index`.
    pub(super) fn expect(&mut self, remote: u64, index: u64) {
        self.remotes.insert((remote, index));
    }

    pub(super) fn forget(&mut self, remote: u64, index: u64) {
        self.remotes.remove(&(remote, index));
    }

    /// The sessions that a Reset may mean; its token decides.
    pub(super) fn candidates(&self, remote: u64) -> impl Iterator<Item = u64> + '_ {
        self.remotes
            .range((remote, 0)..=(remote, u64::MAX))
            .take(NAMESAKES_MAX)
            .map(|&(_, index)| index)
    }
}
