//! The Noise handshake: `Noise_XX_25519_ChaChaPoly_BLAKE2s` (Noise rev. 34) by the snow library.
//!
//! What it calculates with is in `primitives.rs`. What the payloads mean is not known here.
//! Invariant: a message that does not verify keeps the true one from nothing. snow alone does not promise that (it keeps
//! the key it has just mixed), so a responder is made anew from its seed: once, for the true third message.

use std::sync::{Arc, OnceLock};

use snow::{Builder, HandshakeState};
use zeroize::Zeroizing;

use super::primitives::{Primitives, Unopened};
use super::seal::Keys;
use crate::identity::Identity;
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::wire::packet::{NOISE_FIRST_BYTES, SEAL_BYTES, Service};

const PATTERN: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2s";

/// The sealed static key that the third Noise message begins with.
const SEALED_KEY_BYTES: usize = 32 + SEAL_BYTES;
/// What that message adds to its payload.
pub(super) const FINISH_OVERHEAD_BYTES: usize = SEALED_KEY_BYTES + SEAL_BYTES;

/// A payload and the static key that its sender has proven to hold.
pub(super) struct Introduced {
    pub(super) payload: Vec<u8>,
    pub(super) key: [u8; 32],
}

/// The side that begins.
pub(super) struct Initiator {
    state: HandshakeState,
    seed: Zeroizing<[u8; 32]>,
    service: Service,
}

impl Initiator {
    /// A new handshake and its first message, both from `seed` alone.
    pub(super) fn new(
        identity: &Identity,
        service: Service,
        seed: [u8; 32],
    ) -> (Self, [u8; NOISE_FIRST_BYTES]) {
        let mut state = build(identity, service, Primitives::new(&seed, Arc::default()), true);
        let mut first = [0; DATAGRAM_BYTES_MAX];
        #[expect(clippy::expect_used, reason = "the buffer is larger than the first message")]
        state
            .write_message(&[], &mut first)
            .expect("a first message fits");
        let mut message = [0; NOISE_FIRST_BYTES];
        message.iter_mut().zip(first).for_each(|(to, from)| *to = from);
        let seed = Zeroizing::new(seed);
        (Self { state, seed, service }, message)
    }

    /// Reads the second message. `None`: it is not an answer to the first.
    pub(super) fn read_response(&mut self, noise: &[u8]) -> Option<Introduced> {
        read(&mut self.state, noise)
    }

    /// Forgets the second message again, after its payload was found wanting: another one may come.
    pub(super) fn start_over(&mut self, identity: &Identity) {
        (*self, _) = Self::new(identity, self.service, *self.seed);
    }

    /// The third message, and the keys it leads to. `None` before a second was read.
    pub(super) fn finish(mut self, payload: &[u8]) -> Option<(Vec<u8>, Keys)> {
        let noise = write(&mut self.state, payload)?;
        let (ours, theirs) = self.state.dangerously_get_raw_split();
        Some((noise, Keys::new(ours, theirs)))
    }
}

/// The side that answers.
pub(super) struct Responder {
    state: HandshakeState,
    /// A sealed key that has opened, when the payload after it did not: the state is spoiled. Only the initiator can have
    /// sealed it, and one who is honest does so once: no message with another one is his.
    settled: Option<[u8; SEALED_KEY_BYTES]>,
    /// What that payload would have opened with.
    unopened: Arc<OnceLock<Unopened>>,
    seed: Zeroizing<[u8; 32]>,
    service: Service,
    first: [u8; NOISE_FIRST_BYTES],
}

impl Responder {
    /// Reads a first message and answers it with `payload`. `None` if its key is degenerate.
    pub(super) fn new(
        identity: &Identity,
        service: Service,
        seed: [u8; 32],
        first: [u8; NOISE_FIRST_BYTES],
        payload: &[u8],
    ) -> Option<(Self, Vec<u8>)> {
        let unopened = Arc::default();
        let mut state = build(
            identity,
            service,
            Primitives::new(&seed, Arc::clone(&unopened)),
            false,
        );
        state.read_message(&first, &mut []).ok()?;
        let noise = write(&mut state, payload)?;
        let seed = Zeroizing::new(seed);
        Some((
            Self {
                state,
                settled: None,
                unopened,
                seed,
                service,
                first,
            },
            noise,
        ))
    }

    /// Whether the next message that verifies costs a key agreement of its own.
    pub(super) const fn is_spoiled(&self) -> bool {
        self.settled.is_some()
    }

    /// Reads the third message. `None`: it is not the one, and the true one may still come; `payload` must be
    /// what the second message carried.
    pub(super) fn read_finish(
        &mut self,
        identity: &Identity,
        payload: &[u8],
        noise: &[u8],
    ) -> Option<(Introduced, Keys)> {
        let (sealed_key, rest) = noise.split_first_chunk::<SEALED_KEY_BYTES>()?;
        if rest.len() < SEAL_BYTES {
            return None;
        }
        if let Some(settled) = &self.settled {
            let unopened = self.unopened.get()?;
            if sealed_key != settled || !unopened.opens(rest) {
                return None;
            }
            (*self, _) = Self::new(identity, self.service, *self.seed, self.first, payload)?;
        }
        if let Some(introduced) = read(&mut self.state, noise) {
            let (theirs, ours) = self.state.dangerously_get_raw_split();
            return Some((introduced, Keys::new(ours, theirs)));
        }
        // Where not even the key has opened, snow has mixed nothing.
        if self.state.get_remote_static().is_some() {
            self.settled = Some(*sealed_key);
        }
        None
    }
}

fn build(identity: &Identity, service: Service, primitives: Primitives, initiator: bool) -> HandshakeState {
    let state = PATTERN.parse().and_then(|params| {
        let builder = Builder::with_resolver(params, Box::new(primitives))
            .local_private_key(identity.static_secret())?
            .prologue(service.prologue())?;
        if initiator {
            builder.build_initiator()
        } else {
            builder.build_responder()
        }
    });
    #[expect(
        clippy::expect_used,
        reason = "constant parameters, a key of 32 bytes, and a resolver that has what they name"
    )]
    state.expect("the handshake is complete in itself")
}

fn write(state: &mut HandshakeState, payload: &[u8]) -> Option<Vec<u8>> {
    let mut noise = vec![0; DATAGRAM_BYTES_MAX];
    let len = state.write_message(payload, &mut noise).ok()?;
    noise.truncate(len);
    Some(noise)
}

fn read(state: &mut HandshakeState, noise: &[u8]) -> Option<Introduced> {
    let mut payload = vec![0; noise.len()];
    let len = state.read_message(noise, &mut payload).ok()?;
    payload.truncate(len);
    let key = state.get_remote_static()?.try_into().ok()?;
    Some(Introduced { payload, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    fn identities() -> (Identity, Identity) {
        (
            Identity::from_seed(&[1; 32], Role::Client),
            Identity::from_seed(&[2; 32], Role::Registry),
        )
    }

    #[test]
    fn both_sides_end_with_each_others_keys_and_payloads() {
        let (a, b) = identities();
        let (mut initiator, first) = Initiator::new(&a, Service::Registry, [3; 32]);
        let (mut responder, second) =
            Responder::new(&b, Service::Registry, [4; 32], first, b"hello a").unwrap();
        let met = initiator.read_response(&second).unwrap();
        assert_eq!((met.payload.as_slice(), met.key), (&b"hello a"[..], b.card().key));
        let (third, ours) = initiator.finish(b"hello b").unwrap();
        let (met, theirs) = responder.read_finish(&b, b"hello a", &third).unwrap();
        assert_eq!((met.payload.as_slice(), met.key), (&b"hello b"[..], a.card().key));
        let mut datagram = vec![0; 17];
        datagram.extend(b"data");
        assert!(ours.seal(5, 1, &mut datagram));
        assert_eq!(theirs.open(5, 1, &mut datagram[17..]), Some(&b"data"[..]));
    }

    #[test]
    fn a_damaged_message_leaves_room_for_the_true_one() {
        let (a, b) = identities();
        let (mut initiator, first) = Initiator::new(&a, Service::Registry, [3; 32]);
        let (mut responder, second) =
            Responder::new(&b, Service::Registry, [4; 32], first, b"hello a").unwrap();
        for byte in 0..second.len() {
            let mut damaged = second.clone();
            damaged[byte] ^= 1;
            assert!(initiator.read_response(&damaged).is_none(), "byte {byte}");
        }
        assert!(initiator.read_response(&second).is_some());
        let (third, _) = initiator.finish(b"hello b").unwrap();
        for byte in 0..third.len() {
            let mut damaged = third.clone();
            damaged[byte] ^= 1;
            assert!(
                responder.read_finish(&b, b"hello a", &damaged).is_none(),
                "byte {byte}"
            );
        }
        assert!(responder.read_finish(&b, b"hello a", &third).is_some());
    }

    #[test]
    fn a_message_of_any_length_leaves_room_for_the_true_one() {
        let (a, b) = identities();
        let (mut initiator, first) = Initiator::new(&a, Service::Registry, [3; 32]);
        let (mut responder, second) =
            Responder::new(&b, Service::Registry, [4; 32], first, b"hello a").unwrap();
        initiator.read_response(&second).unwrap();
        let (third, _) = initiator.finish(b"hello b").unwrap();
        for len in 0..third.len() {
            let cut = responder.read_finish(&b, b"hello a", &third[..len]);
            assert!(cut.is_none(), "{len} bytes");
            let other = responder.read_finish(&b, b"hello a", &vec![9; len]);
            assert!(other.is_none(), "{len} other bytes");
            assert_eq!(
                responder.is_spoiled(),
                len >= FINISH_OVERHEAD_BYTES,
                "{len} bytes"
            );
        }
        assert!(responder.read_finish(&b, b"hello a", &third).is_some());
    }

    #[test]
    fn an_initiator_who_spoils_the_state_has_settled_who_he_is() {
        let (a, b) = identities();
        let c = Identity::from_seed(&[5; 32], Role::Client);
        // Two faces of one machine: the same first message, with two static keys to follow it.
        let (mut as_a, first) = Initiator::new(&a, Service::Registry, [3; 32]);
        let (mut as_c, _) = Initiator::new(&c, Service::Registry, [3; 32]);
        let (mut responder, second) = Responder::new(&b, Service::Registry, [4; 32], first, b"").unwrap();
        as_a.read_response(&second).unwrap();
        as_c.read_response(&second).unwrap();
        let (third_of_a, _) = as_a.finish(b"").unwrap();
        let (third_of_c, _) = as_c.finish(b"").unwrap();
        let mut damaged = third_of_c.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(responder.read_finish(&b, b"", &damaged).is_none());
        assert!(responder.read_finish(&b, b"", &third_of_a).is_none());
        let (met, _) = responder.read_finish(&b, b"", &third_of_c).unwrap();
        assert_eq!(met.key, c.card().key);
    }

    #[test]
    fn other_prologues_do_not_meet() {
        let (a, b) = identities();
        let (mut initiator, first) = Initiator::new(&a, Service::Peer, [3; 32]);
        let (_, second) = Responder::new(&b, Service::Registry, [4; 32], first, b"").unwrap();
        assert!(initiator.read_response(&second).is_none());
    }

    #[test]
    fn a_degenerate_key_is_refused() {
        let (_, b) = identities();
        assert!(Responder::new(&b, Service::Peer, [4; 32], [0; 32], b"").is_none());
    }

    #[test]
    fn starting_over_answers_to_the_same_first_message() {
        let (a, b) = identities();
        let (mut initiator, first) = Initiator::new(&a, Service::Peer, [3; 32]);
        let answer = |seed| Responder::new(&b, Service::Peer, seed, first, b"hello").unwrap();
        assert!(initiator.read_response(&answer([4; 32]).1).is_some());
        initiator.start_over(&a);
        let (mut responder, second) = answer([5; 32]);
        assert!(initiator.read_response(&second).is_some());
        let (third, _) = initiator.finish(b"").unwrap();
        assert!(responder.read_finish(&b, b"hello", &third).is_some());
    }
}
