//! A network that hates us: seeded loss, duplication and delay between addresses, on virtual time.
//!
//! Knows datagrams, not what is in them. Paths can be cut and healed.
//! Invariant: one seed gives one history.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// What the network does to a datagram, in parts of a thousand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// Never arrives.
    pub(crate) loss_permille: u32,
    /// Arrives twice.
    pub(crate) duplicate_permille: u32,
    /// Arrives with a bit changed, or cut short.
    pub(crate) corrupt_permille: u32,
    /// Is overtaken: delayed by up to ten times as long.
    pub(crate) reorder_permille: u32,
    /// One way, at least.
    pub(crate) delay: Duration,
}

impl Faults {
    /// A good network.
    pub(crate) const NONE: Self = Self {
        loss_permille: 0,
        duplicate_permille: 0,
        reorder_permille: 0,
        corrupt_permille: 0,
        delay: Duration::from_millis(5),
    };
    /// A third of all datagrams is lost, duplicated or reordered.
    pub(crate) const A_THIRD: Self = Self {
        loss_permille: 112,
        duplicate_permille: 111,
        reorder_permille: 111,
        corrupt_permille: 0,
        delay: Duration::from_millis(20),
    };
}

/// The network.
pub(crate) struct Network {
    rng: ChaCha12Rng,
    /// What it does now.
    pub(crate) faults: Faults,
    /// From and to: cut in this direction only.
    deaf: BTreeSet<(SocketAddr, SocketAddr)>,
}

impl Network {
    /// A network with this seed.
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            rng: ChaCha12Rng::seed_from_u64(seed),
            faults,
            deaf: BTreeSet::new(),
        }
    }

    /// Nothing gets from one address to the other any more; the way back is open.
    pub(crate) fn cut_one_way(&mut self, from: SocketAddr, to: SocketAddr) {
        self.deaf.insert((from, to));
    }

    /// All paths are open again.
    pub(crate) fn heal_all(&mut self) {
        self.deaf.clear();
    }

    /// Spoils a datagram, perhaps.
    pub(crate) fn spoil(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() || !self.chance(self.faults.corrupt_permille) {
            return;
        }
        let at = self.rng.next_u32() as usize % bytes.len();
        if self.chance(500) {
            bytes[at] ^= 1 << (self.rng.next_u32() % 8);
        } else {
            bytes.truncate(at);
        }
    }

    /// After how long the copies of a datagram arrive.
    pub(crate) fn carry(&mut self, from: SocketAddr, to: SocketAddr) -> Vec<Duration> {
        if self.deaf.contains(&(from, to)) || self.chance(self.faults.loss_permille) {
            return Vec::new();
        }
        let copies = 1 + usize::from(self.chance(self.faults.duplicate_permille));
        (0..copies).map(|_| self.delay()).collect()
    }

    fn delay(&mut self) -> Duration {
        let factor = if self.chance(self.faults.reorder_permille) {
            1 + self.rng.next_u32() % 10
        } else {
            1
        };
        self.faults.delay * factor + Duration::from_micros(u64::from(self.rng.next_u32() % 1_000))
    }

    fn chance(&mut self, permille: u32) -> bool {
        permille > 0 && self.rng.next_u32() % 1_000 < permille
    }
}
