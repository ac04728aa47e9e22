//! Sealing and opening Data packets in place: ChaCha20-Poly1305 (RFC 8439), nonces as Noise builds them
//! (Noise rev. 34 §12.3: four zero bytes, then the packet number in little-endian order).
//!
//! The header is authenticated as associated data. Knows nothing of windows: whether a number was used
//! before is the session's business.
//! Invariant: keys leave this file only into the cipher, and are wiped when dropped.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::wire::packet::{DATA_HEADER_BYTES, SEAL_BYTES, data_header};

/// A session's two keys. Expanding one for ring is a copy of 32 bytes, so only these are kept.
pub(super) struct Keys {
    seal: Zeroizing<[u8; 32]>,
    open: Zeroizing<[u8; 32]>,
}

impl Keys {
    pub(super) fn new(seal: [u8; 32], open: [u8; 32]) -> Self {
        Self {
            seal: Zeroizing::new(seal),
            open: Zeroizing::new(open),
        }
    }

    /// Makes a Data packet of `datagram`, whose first [`DATA_HEADER_BYTES`] are room for the header and whose
    /// rest are frames. `false` only if it is shorter than that.
    pub(super) fn seal(&self, receiver: u64, number: u64, datagram: &mut Vec<u8>) -> bool {
        let header = data_header(receiver, number);
        let Some((room, plain)) = datagram.split_first_chunk_mut::<DATA_HEADER_BYTES>() else {
            return false;
        };
        *room = header;
        let Some(tag) = seal_in_place(&self.seal, number, &header, plain) else {
            return false;
        };
        datagram.extend(tag);
        true
    }

    /// Opens what follows the header of a Data packet; the plain frames are the front of `sealed`.
    pub(super) fn open<'a>(&self, receiver: u64, number: u64, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        open_in_place(&self.open, number, &data_header(receiver, number), sealed)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    let (_, tail) = bytes.split_at_mut(4);
    tail.copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn key(bytes: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, bytes)
        .ok()
        .map(LessSafeKey::new)
}

/// Encrypts `plain` where it lies; returns the tag. `None` does not happen for lengths of a datagram.
pub(super) fn seal_in_place(
    secret: &[u8; 32],
    number: u64,
    header: &[u8],
    plain: &mut [u8],
) -> Option<[u8; SEAL_BYTES]> {
    key(secret)?
        .seal_in_place_separate_tag(nonce(number), Aad::from(header), plain)
        .ok()?
        .as_ref()
        .try_into()
        .ok()
}

/// Decrypts where it lies; `None` if the bytes, the number or the header are not what was sealed.
pub(super) fn open_in_place<'a>(
    secret: &[u8; 32],
    number: u64,
    header: &[u8],
    sealed: &'a mut [u8],
) -> Option<&'a [u8]> {
    key(secret)?
        .open_in_place(nonce(number), Aad::from(header), sealed)
        .ok()
        .map(|plain| &*plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (Keys, Vec<u8>) {
        let [ours, theirs] = [[1; 32], [2; 32]];
        let mut datagram = vec![0; DATA_HEADER_BYTES];
        datagram.extend(b"frames");
        assert!(Keys::new(ours, theirs).seal(7, 3, &mut datagram));
        (Keys::new(theirs, ours), datagram)
    }

    #[test]
    fn what_was_sealed_opens_under_its_number_and_index_only() {
        let (keys, datagram) = sealed();
        let body = &datagram[DATA_HEADER_BYTES..];
        assert_eq!(keys.open(7, 3, &mut body.to_vec()), Some(&b"frames"[..]));
        assert_eq!(keys.open(7, 4, &mut body.to_vec()), None);
        assert_eq!(keys.open(8, 3, &mut body.to_vec()), None);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let (keys, datagram) = sealed();
        for bit in 0..(datagram.len() - DATA_HEADER_BYTES) * 8 {
            let mut body = datagram[DATA_HEADER_BYTES..].to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.open(7, 3, &mut body), None, "bit {bit}");
        }
    }
}
