//! What the second and the third Noise message carry under their seal (PROTOCOL §7.1).
//!
//! A [`Hello`] says who speaks; in a Finish frames follow it. Whether its card is to be believed is the
//! transport's business.
//! Invariant: a hello's encoding never exceeds [`HELLO_BYTES_MAX`].

use serde::{Deserialize, Serialize};

use crate::identity::Card;
use crate::wire::packet::RESET_TOKEN_BYTES;

/// An index of up to 9 bytes, a card (two keys, and a signature behind its length), a reset token.
pub const HELLO_BYTES_MAX: usize = 9 + (32 + 32 + 1 + 64) + RESET_TOKEN_BYTES;

/// How both sides introduce themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The sender's session index, as the packet's header names it: here nobody on the road can change it.
    pub index: u64,
    /// The sender's identity; its X25519 key is the sender's Noise static key.
    pub card: Card,
    /// What a Reset for `index` will prove itself with.
    pub reset_token: [u8; RESET_TOKEN_BYTES],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Role};
    use crate::wire::codec;

    #[test]
    fn the_largest_hello_keeps_its_bound() {
        let hello = Hello {
            index: u64::MAX,
            card: *Identity::from_seed(&[1; 32], Role::Client).card(),
            reset_token: [255; RESET_TOKEN_BYTES],
        };
        let bytes = codec::encode(&hello);
        assert_eq!(bytes.len(), HELLO_BYTES_MAX);
        assert_eq!(codec::decode(&bytes), Ok(hello));
    }
}
