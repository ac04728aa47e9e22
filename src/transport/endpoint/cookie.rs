//! Cookies: proof, without any state here, that somebody receives at the address he sends from
//! (PROTOCOL §7.2; the idea is that of RFC 9000 §8.1.2).
//!
//! A cookie is the second it was made in and a keyed hash over that, address, port, session index and first
//! Noise message. When to ask for one is decided elsewhere.
//! Invariant: a cookie is good for its own Initial only, and for [`LIFETIME`] at most.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use subtle::ConstantTimeEq;

use crate::clock::Instant;
use crate::identity::keyed_tag;
use crate::wire::packet::{COOKIE_BYTES, NOISE_FIRST_BYTES};

/// How long a cookie is good: a few round trips of the slowest path.
pub(super) const LIFETIME: Duration = Duration::from_secs(20);
/// How long a key makes cookies; it is kept once more as long to check them.
const KEY_LIFETIME: Duration = Duration::from_secs(60);
const CONTEXT: &[u8] = b"udpchat 1 cookie";

pub(super) struct Cookies {
    current: [u8; 32],
    previous: [u8; 32],
    since: Instant,
}

/// A stranger's Initial, and what its cookie is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) from: SocketAddr,
    pub(super) index: u64,
    pub(super) noise: [u8; NOISE_FIRST_BYTES],
}

impl Cookies {
    pub(super) fn new(rng: &mut ChaCha20Rng) -> Self {
        let mut cookies = Self {
            current: [0; 32],
            previous: [0; 32],
            since: Instant::ZERO,
        };
        rng.fill_bytes(&mut cookies.current);
        rng.fill_bytes(&mut cookies.previous);
        cookies
    }

    /// A cookie for this Initial.
    pub(super) fn mint(&mut self, now: Instant, rng: &mut ChaCha20Rng, claim: &Claim) -> [u8; COOKIE_BYTES] {
        if now.since(self.since) >= KEY_LIFETIME {
            self.previous = self.current;
            rng.fill_bytes(&mut self.current);
            self.since = now;
        }
        let made = second(now).to_be_bytes();
        let tag = tag(&self.current, made, claim);
        let mut cookie = [0; COOKIE_BYTES];
        let (head, tail) = cookie.split_at_mut(made.len());
        head.copy_from_slice(&made);
        tail.copy_from_slice(&tag);
        cookie
    }

    /// Whether this Initial came with a cookie made for it here, not long ago.
    pub(super) fn check(&self, now: Instant, claim: &Claim, cookie: &[u8; COOKIE_BYTES]) -> bool {
        let Some((made, theirs)) = cookie.split_first_chunk::<4>() else {
            return false;
        };
        let age = u64::from(second(now).wrapping_sub(u32::from_be_bytes(*made)));
        age < LIFETIME.as_secs()
            && [&self.current, &self.previous]
                .into_iter()
                .any(|key| tag(key, *made, claim).as_slice().ct_eq(theirs).into())
    }
}

/// Seconds, modulo 2^32: only differences count.
fn second(now: Instant) -> u32 {
    u32::try_from((now.as_micros() / 1_000_000) & u64::from(u32::MAX)).unwrap_or(0)
}

fn tag(key: &[u8; 32], made: [u8; 4], claim: &Claim) -> [u8; 16] {
    let ip = match claim.from.ip().to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    keyed_tag(
        key,
        &[
            CONTEXT,
            &made,
            &ip.octets(),
            &claim.from.port().to_be_bytes(),
            &claim.index.to_be_bytes(),
            &claim.noise,
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn claim() -> Claim {
        Claim {
            from: "192.0.2.1:4000".parse().unwrap(),
            index: 7,
            noise: [9; 32],
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_own_initial_only() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut cookies = Cookies::new(&mut rng);
        let cookie = cookies.mint(at(100), &mut rng, &claim());
        assert!(cookies.check(at(100), &claim(), &cookie));
        let from = |text: &str| Claim {
            from: text.parse().unwrap(),
            ..claim()
        };
        let others = [
            from("192.0.2.2:4000"),
            from("192.0.2.1:4001"),
            Claim { index: 8, ..claim() },
            Claim {
                noise: [8; 32],
                ..claim()
            },
        ];
        for other in others {
            assert!(!cookies.check(at(100), &other, &cookie));
        }
        for byte in 0..COOKIE_BYTES {
            let mut forged = cookie;
            forged[byte] ^= 1;
            assert!(!cookies.check(at(100), &claim(), &forged), "byte {byte}");
        }
    }

    #[test]
    fn a_cookie_lives_twenty_seconds_across_a_change_of_keys() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut cookies = Cookies::new(&mut rng);
        let cookie = cookies.mint(at(59), &mut rng, &claim());
        cookies.mint(at(70), &mut rng, &claim());
        assert!(cookies.check(at(78), &claim(), &cookie));
        assert!(!cookies.check(at(79), &claim(), &cookie));
        assert!(
            !cookies.check(at(58), &claim(), &cookie),
            "nor before it was made"
        );
    }
}
