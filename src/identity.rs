//! Long-term identities: who somebody is, what he signs, and what two of them share.
//!
//! A 32-byte seed yields an Ed25519 signing key (RFC 8032), the X25519 key of the Noise handshake
//! (RFC 7748) and the key of the reset tokens. The signature on the X25519 key names its role, so that a
//! registry's key cannot pass for a client's. Keeping the seed on disk is the store's business.
//! Invariant: a secret never leaves this file but as the bytes that Noise needs.

use std::fmt;

use blake2::digest::consts::U16;
use blake2::digest::{KeyInit, Mac};
use blake2::{Blake2s256, Blake2sMac, Digest};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::id::IdentityId;

/// In which capacity a key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A person's client.
    Client,
    /// The registry.
    Registry,
}

impl Role {
    /// What the signature covers before the key: a text that no other protocol signs.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Client => b"udpchat 1 client static key",
            Self::Registry => b"udpchat 1 registry static key",
        }
    }
}

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Whether the identity has signed this, strictly.
pub fn has_signed(id: IdentityId, context: &[u8], said: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
    VerifyingKey::from_bytes(&id.0).is_ok_and(|id| {
        let signature = Signature::from_bytes(signature);
        id.verify_strict(&[context, said].concat(), &signature).is_ok()
    })
}

/// The public half: an identity and its signed X25519 key, as handshakes and directory records carry it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The Ed25519 public key.
    pub id: IdentityId,
    /// The X25519 public key.
    pub key: [u8; 32],
    /// Ed25519 over the role's context and the X25519 key.
    #[serde(with = "serde_bytes")]
    pub signature: [u8; SIGNATURE_BYTES],
}

impl Card {
    /// Whether the identity has signed this key for this role (strictly: no small-order keys of either kind, for what
    /// they share with anybody is public).
    pub fn verify(&self, role: Role) -> bool {
        !is_degenerate(self.key) && has_signed(self.id, role.context(), &self.key, &self.signature)
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Card").field(&self.id).finish()
    }
}

/// Whether what anybody shares with the owner of this X25519 key is public: a point of small order (RFC 7748 §6.1), which
/// every secret takes to zero.
fn is_degenerate(key: [u8; 32]) -> bool {
    x25519_dalek::x25519([1; 32], key) == [0; 32]
}

/// An identity with its secrets.
pub struct Identity {
    card: Card,
    signing_seed: Zeroizing<[u8; 32]>,
    static_secret: Zeroizing<[u8; 32]>,
    reset_secret: Zeroizing<[u8; 32]>,
}

impl Identity {
    /// Derives all keys from the seed.
    pub fn from_seed(seed: &[u8; 32], role: Role) -> Self {
        let signing_seed = Zeroizing::new(derive(seed, b"signing"));
        let signing = SigningKey::from_bytes(&signing_seed);
        let static_secret = Zeroizing::new(derive(seed, b"static"));
        let key =
            *x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*static_secret)).as_bytes();
        let card = Card {
            id: IdentityId(signing.verifying_key().to_bytes()),
            key,
            signature: signing.sign(&[role.context(), &key[..]].concat()).to_bytes(),
        };
        Self {
            card,
            signing_seed,
            static_secret,
            reset_secret: Zeroizing::new(derive(seed, b"reset")),
        }
    }

    /// The public half.
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// Who this is.
    pub const fn id(&self) -> IdentityId {
        self.card.id
    }

    /// Ed25519 over a context and what follows it: whoever knows the identity can check who said this. The context is one
    /// that nothing else is signed with.
    pub fn sign(&self, context: &[u8], said: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let signing = SigningKey::from_bytes(&self.signing_seed);
        signing.sign(&[context, said].concat()).to_bytes()
    }

    /// The X25519 secret, for the Noise handshake.
    pub fn static_secret(&self) -> &[u8; 32] {
        &self.static_secret
    }

    /// The token that proves "I no longer know this session" for one of our session indexes (PROTOCOL §3.6).
    pub fn reset_token(&self, index: u64) -> [u8; 16] {
        keyed_tag(
            &self.reset_secret,
            &[b"udpchat 1 reset token", &index.to_be_bytes()],
        )
    }

    /// The key that this identity and the owner of `key` share, for the tags of their envelopes and receipts.
    /// `None` if `key` is one of the degenerate points that would make the result public (RFC 7748 §6.1).
    pub fn pair_key(&self, key: &[u8; 32]) -> Option<PairKey> {
        let shared = x25519_dalek::StaticSecret::from(*self.static_secret)
            .diffie_hellman(&x25519_dalek::PublicKey::from(*key));
        shared
            .was_contributory()
            .then(|| PairKey(Zeroizing::new(derive(shared.as_bytes(), b"pair"))))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.card.id).finish()
    }
}

/// What two identities share and nobody between them knows.
#[derive(Clone)]
pub struct PairKey(Zeroizing<[u8; 32]>);

impl PairKey {
    /// Keyed BLAKE2s-128 (RFC 7693) over the parts, in order. Each part is fenced by its length.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        keyed_tag(&self.0, parts)
    }
}

/// Keyed BLAKE2s-128 over length-prefixed parts.
pub fn keyed_tag(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Blake2sMac::<U16>::new(key.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn derive(secret: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut hash = Blake2s256::new();
    Digest::update(&mut hash, b"udpchat 1 derive ");
    Digest::update(&mut hash, purpose);
    Digest::update(&mut hash, secret);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_holds_for_its_role_and_its_bytes_only() {
        let card = *Identity::from_seed(&[7; 32], Role::Client).card();
        assert!(card.verify(Role::Client));
        assert!(!card.verify(Role::Registry), "a client cannot pose as a registry");
        let mut other = card;
        other.key[0] ^= 1;
        assert!(!other.verify(Role::Client));
    }

    #[test]
    fn a_card_with_a_key_that_shares_nothing_secret_does_not_hold() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let mut low = [[0; 32], [0; 32], [0xff; 32]];
        low[1][0] = 1;
        (low[2][0], low[2][31]) = (0xec, 0x7f); // p - 1
        for key in low {
            let card = Card {
                id: IdentityId(signing.verifying_key().to_bytes()),
                key,
                signature: signing
                    .sign(&[Role::Client.context(), &key[..]].concat())
                    .to_bytes(),
            };
            assert!(!card.verify(Role::Client), "{key:?}");
        }
    }

    #[test]
    fn both_ends_share_a_key_that_a_third_does_not() {
        let [a, b, c] = [1, 2, 3].map(|n| Identity::from_seed(&[n; 32], Role::Client));
        let tag = |x: &Identity, y: &Identity| x.pair_key(&y.card().key).unwrap().tag(&[b"text"]);
        assert_eq!(tag(&a, &b), tag(&b, &a));
        assert_ne!(tag(&a, &b), tag(&a, &c));
        assert!(a.pair_key(&[0; 32]).is_none(), "a degenerate key is refused");
    }

    #[test]
    fn what_is_signed_is_said_by_one_in_one_context() {
        let identity = Identity::from_seed(&[7; 32], Role::Client);
        let signature = identity.sign(b"context ", b"text");
        assert!(has_signed(identity.id(), b"context ", b"text", &signature));
        assert!(!has_signed(identity.id(), b"another ", b"text", &signature));
        assert!(!has_signed(identity.id(), b"context ", b"texT", &signature));
        let other = Identity::from_seed(&[8; 32], Role::Client);
        assert!(!has_signed(other.id(), b"context ", b"text", &signature));
    }

    #[test]
    fn parts_of_a_tag_are_fenced() {
        let key = Identity::from_seed(&[1; 32], Role::Client)
            .pair_key(&Identity::from_seed(&[2; 32], Role::Client).card().key);
        let key = key.unwrap();
        assert_ne!(key.tag(&[b"ab", b"c"]), key.tag(&[b"a", b"bc"]));
    }
}
