//! What snow is given to calculate with: X25519 (RFC 7748), BLAKE2s (RFC 7693) and ChaCha20-Poly1305 (RFC 8439).
//!
//! So its randomness comes from the endpoint's generator, and no second copy of each primitive is linked. What a
//! handshake is lies in `noise.rs`, how packets are sealed in `seal.rs`.
//! Invariant: a secret is wiped when it is dropped.

use std::sync::{Arc, OnceLock};

use blake2::digest::FixedOutputReset;
use blake2::{Blake2s256, Digest};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use super::seal::{open_in_place, seal_in_place};
use crate::wire::packet::SEAL_BYTES;

/// All of them.
pub(super) struct Primitives {
    /// What all randomness comes of.
    seed: Zeroizing<[u8; 32]>,
    unopened: Arc<OnceLock<Unopened>>,
}

impl Primitives {
    /// `unopened` is told of the first payload that does not open.
    pub(super) fn new(seed: &[u8; 32], unopened: Arc<OnceLock<Unopened>>) -> Self {
        let seed = Zeroizing::new(*seed);
        Self { seed, unopened }
    }
}

/// Where a payload did not open: what another one in its place would be opened with.
pub(super) struct Unopened {
    key: Zeroizing<[u8; 32]>,
    header: Vec<u8>,
}

impl Unopened {
    pub(super) fn opens(&self, sealed: &[u8]) -> bool {
        open_in_place(&self.key, 0, &self.header, &mut sealed.to_vec()).is_some()
    }
}

impl CryptoResolver for Primitives {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Seeded(ChaCha20Rng::from_seed(*self.seed))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::<X25519>::default() as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::Blake2s).then(|| Box::<Blake2s>::default() as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        let cipher = || ChaChaPoly {
            key: Zeroizing::default(),
            unopened: self.unopened.clone(),
        };
        matches!(choice, CipherChoice::ChaChaPoly).then(|| Box::new(cipher()) as Box<dyn Cipher>)
    }
}

struct Seeded(ChaCha20Rng);

impl Random for Seeded {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.0.fill_bytes(dest);
        Ok(())
    }
}

#[derive(Default)]
struct X25519 {
    secret: Zeroizing<[u8; 32]>,
    public: [u8; 32],
}

impl X25519 {
    fn derive(&mut self) {
        let secret = x25519_dalek::StaticSecret::from(*self.secret);
        self.public = x25519_dalek::PublicKey::from(&secret).to_bytes();
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, privkey: &[u8]) {
        if let Some(bytes) = privkey.first_chunk() {
            *self.secret = *bytes;
            self.derive();
        }
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        rng.try_fill_bytes(self.secret.as_mut_slice())?;
        self.derive();
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.secret.as_slice()
    }

    /// Refuses points that would make the result public (RFC 7748 §6.1).
    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let theirs = *pubkey.first_chunk::<32>().ok_or(Error::Dh)?;
        let shared = x25519_dalek::StaticSecret::from(*self.secret)
            .diffie_hellman(&x25519_dalek::PublicKey::from(theirs));
        if !shared.was_contributory() {
            return Err(Error::Dh);
        }
        *out.first_chunk_mut().ok_or(Error::Dh)? = *shared.as_bytes();
        Ok(())
    }
}

#[derive(Default)]
struct Blake2s(Blake2s256);

impl Hash for Blake2s {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0 = Blake2s256::default();
    }

    fn input(&mut self, data: &[u8]) {
        Digest::update(&mut self.0, data);
    }

    fn result(&mut self, out: &mut [u8]) {
        if let Some(out) = out.first_chunk_mut::<32>() {
            *out = self.0.finalize_fixed_reset().into();
        }
    }
}

struct ChaChaPoly {
    key: Zeroizing<[u8; 32]>,
    unopened: Arc<OnceLock<Unopened>>,
}

impl Cipher for ChaChaPoly {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; 32]) {
        *self.key = *key;
    }

    /// snow checks beforehand that `out` has room, and has no way to be told of a failure.
    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let Some((body, rest)) = out.split_at_mut_checked(plaintext.len()) else {
            return 0;
        };
        body.copy_from_slice(plaintext);
        let (Some(tag), Some(room)) = (
            seal_in_place(&self.key, nonce, authtext, body),
            rest.first_chunk_mut(),
        ) else {
            return 0;
        };
        *room = tag;
        plaintext.len() + SEAL_BYTES
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let mut bytes = ciphertext.to_vec();
        let Some(plain) = open_in_place(&self.key, nonce, authtext, &mut bytes) else {
            // The sealed key of a Finish is the second thing under its key, and no payload.
            if nonce == 0 {
                self.unopened.get_or_init(|| Unopened {
                    key: self.key.clone(),
                    header: authtext.to_vec(),
                });
            }
            return Err(Error::Decrypt);
        };
        out.get_mut(..plain.len())
            .ok_or(Error::Decrypt)?
            .copy_from_slice(plain);
        Ok(plain.len())
    }
}
