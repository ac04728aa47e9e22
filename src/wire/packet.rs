//! Packets: the outermost layer of a datagram, fixed fields in network byte order (PROTOCOL §3).
//!
//! Knows where the sealed bytes begin, not what is in them. A packet fills its datagram.
//! Invariant: `parse` reads only what it has checked to be there, and what it accepts `encode` gives back.

use crate::limits::DATAGRAM_BYTES_MAX;
use crate::wire::codec::DecodeError;

/// The protocol version in every Initial.
pub const VERSION: u8 = 1;
/// The length of the first Noise message: an ephemeral X25519 key.
pub const NOISE_FIRST_BYTES: usize = 32;
/// A cookie: when it was made and a keyed hash (PROTOCOL §7.2).
pub const COOKIE_BYTES: usize = 20;
/// A reset token.
pub const RESET_TOKEN_BYTES: usize = 16;
/// What stands before the sealed bytes of a Data packet: kind, receiver's index, packet number.
pub const DATA_HEADER_BYTES: usize = 1 + 8 + 8;
/// What stands before the Noise message of a Finish.
pub const FINISH_HEADER_BYTES: usize = 1 + 8;
/// A Reset is smaller than the smallest packet that can cause one, so that two confused ends cannot go on for ever.
pub const RESET_BYTES: usize = 1 + 8 + RESET_TOKEN_BYTES;
/// What AEAD adds.
pub const SEAL_BYTES: usize = 16;

const _: () = assert!(RESET_BYTES < DATA_HEADER_BYTES + SEAL_BYTES);

/// Which service of the receiver the initiator wants; part of the Noise prologue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// A registry: answers clients.
    Registry,
    /// A client: answers its peers.
    Peer,
}

impl Service {
    /// The Noise prologue: both ends must mean the same version and the same roles.
    pub const fn prologue(self) -> &'static [u8] {
        match self {
            Self::Registry => b"udpchat 1 client to registry",
            Self::Peer => b"udpchat 1 client to client",
        }
    }
}

/// A packet, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Begins a handshake. Padded to a whole datagram.
    Initial {
        /// The sender's session index.
        source: u64,
        /// What a Retry has asked for.
        cookie: Option<[u8; COOKIE_BYTES]>,
        /// The first Noise message.
        noise: [u8; NOISE_FIRST_BYTES],
    },
    /// Asks for the Initial again, with this cookie.
    Retry {
        /// The Initial's source index.
        receiver: u64,
        /// What to send back.
        cookie: [u8; COOKIE_BYTES],
    },
    /// Answers an Initial.
    Response {
        /// The Initial's source index.
        receiver: u64,
        /// The sender's own index.
        source: u64,
        /// The second Noise message.
        noise: &'a [u8],
    },
    /// Ends the handshake and carries the first frames.
    Finish {
        /// The Response's source index.
        receiver: u64,
        /// The third Noise message.
        noise: &'a [u8],
    },
    /// Sealed frames.
    Data {
        /// The receiver's index.
        receiver: u64,
        /// Never reused in a session; the AEAD nonce.
        number: u64,
        /// Ciphertext and its seal.
        sealed: &'a [u8],
    },
    /// "I no longer know this session."
    Reset {
        /// The sender's own index, as the packet that caused this named it.
        source: u64,
        /// Keyed hash of `source`; the other side was told it inside the session.
        token: [u8; RESET_TOKEN_BYTES],
    },
}

const INITIAL: u8 = 1;
const RETRY: u8 = 2;
const RESPONSE: u8 = 3;
const FINISH: u8 = 4;
const DATA: u8 = 5;
const RESET: u8 = 6;

impl<'a> Packet<'a> {
    /// Reads the packet that fills `datagram`.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        if datagram.len() > DATAGRAM_BYTES_MAX {
            return Err(DecodeError::Invalid);
        }
        let mut reader = Reader(datagram);
        let packet = match reader.byte()? {
            INITIAL => return Self::parse_initial(reader, datagram.len()),
            RETRY => Self::Retry {
                receiver: reader.u64()?,
                cookie: reader.array()?,
            },
            RESPONSE => Self::Response {
                receiver: reader.u64()?,
                source: reader.u64()?,
                noise: reader.rest(),
            },
            FINISH => Self::Finish {
                receiver: reader.u64()?,
                noise: reader.rest(),
            },
            DATA => Self::Data {
                receiver: reader.u64()?,
                number: reader.u64()?,
                sealed: reader.sealed()?,
            },
            RESET => Self::Reset {
                source: reader.u64()?,
                token: reader.array()?,
            },
            kind => return Err(DecodeError::UnknownKind(kind)),
        };
        reader.end()?;
        Ok(packet)
    }

    fn parse_initial(mut reader: Reader<'a>, len: usize) -> Result<Self, DecodeError> {
        let version = reader.byte()?;
        if version != VERSION {
            return Err(DecodeError::UnknownVersion(version));
        }
        let source = reader.u64()?;
        let cookie = match reader.byte()? {
            0 => None,
            1 => Some(reader.array()?),
            _ => return Err(DecodeError::Invalid),
        };
        let noise = reader.array()?;
        // A short Initial could make the answer an amplification; unequal padding could hide bytes.
        if len != DATAGRAM_BYTES_MAX || reader.rest().iter().any(|&byte| byte != 0) {
            return Err(DecodeError::Invalid);
        }
        Ok(Self::Initial {
            source,
            cookie,
            noise,
        })
    }

    /// The datagram.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(DATAGRAM_BYTES_MAX);
        match *self {
            Self::Initial {
                source,
                cookie,
                noise,
            } => {
                out.extend([INITIAL, VERSION]);
                out.extend(source.to_be_bytes());
                out.push(u8::from(cookie.is_some()));
                out.extend(cookie.iter().flatten());
                out.extend(noise);
                out.resize(DATAGRAM_BYTES_MAX, 0);
            }
            Self::Retry { receiver, cookie } => {
                header(&mut out, RETRY, receiver);
                out.extend(cookie);
            }
            Self::Response {
                receiver,
                source,
                noise,
            } => {
                header(&mut out, RESPONSE, receiver);
                out.extend(source.to_be_bytes());
                out.extend(noise);
            }
            Self::Finish { receiver, noise } => {
                header(&mut out, FINISH, receiver);
                out.extend(noise);
            }
            Self::Data {
                receiver,
                number,
                sealed,
            } => {
                out.extend(data_header(receiver, number));
                out.extend(sealed);
            }
            Self::Reset { source, token } => {
                header(&mut out, RESET, source);
                out.extend(token);
            }
        }
        out
    }
}

/// What stands before the sealed bytes of a Data packet, for sealing in place.
pub fn data_header(receiver: u64, number: u64) -> [u8; DATA_HEADER_BYTES] {
    let mut header = [0; DATA_HEADER_BYTES];
    let (kind, rest) = header.split_at_mut(1);
    let (index, tail) = rest.split_at_mut(8);
    kind.fill(DATA);
    index.copy_from_slice(&receiver.to_be_bytes());
    tail.copy_from_slice(&number.to_be_bytes());
    header
}

fn header(out: &mut Vec<u8>, kind: u8, index: u64) {
    out.push(kind);
    out.extend(index.to_be_bytes());
}

/// A cursor over a datagram; every read is checked.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// What cannot hold a seal is no ciphertext: so every Data is longer than the Reset it may cause.
    fn sealed(&mut self) -> Result<&'a [u8], DecodeError> {
        if self.0.len() < SEAL_BYTES {
            return Err(DecodeError::Truncated);
        }
        Ok(self.rest())
    }

    const fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }
}
