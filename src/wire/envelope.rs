//! Envelopes and receipts: what the two ends of a conversation say to each other, on whatever road
//! (PROTOCOL §6).
//!
//! The registry carries both as they are. Between two, each ends in a tag under the key that only sender and recipient
//! share, over every field and role; what is posted to a room ends in its author's signature, for it has many readers.
//! So nobody on the road can write or change one.
//! Invariant: an envelope's bytes depend on its fields and its sender's keys alone: sealing it again, after a
//! restart or for the other road, gives the same bytes and the same hash.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::clock::WallTime;
use crate::id::{EnvelopeHash, IdentityId, MessageId, Name, Slot};
use crate::identity::{Identity, PairKey, SIGNATURE_BYTES, has_signed};
use crate::limits::{BODY_BYTES_MAX, ENVELOPE_BYTES_MAX};
use crate::wire::codec::{self, DecodeError};
use crate::wire::room::Hall;

const TAG_BYTES: usize = 16;
const ENVELOPE_CONTEXT: &[u8] = b"udpchat 1 envelope";
const POST_CONTEXT: &[u8] = b"udpchat 1 post";
const RECEIPT_CONTEXT: &[u8] = b"udpchat 1 receipt";

/// A name and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The name as the sender knows it.
    pub name: Name,
    /// Who is meant, whatever becomes of the name.
    pub id: IdentityId,
}

/// Whom a message is for. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    /// One person.
    Peer(Party),
    /// All who are in a room.
    Room(Hall),
}

impl Recipient {
    /// How many bytes an envelope ends in that prove who wrote it.
    const fn proof_bytes(&self) -> usize {
        match self {
            Self::Peer(_) => TAG_BYTES,
            Self::Room(_) => SIGNATURE_BYTES,
        }
    }
}

/// What a message says. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Text, at most `BODY_BYTES_MAX` bytes.
    Plain(#[serde(deserialize_with = "codec::text")] String),
}

/// A message, without the tag or signature that its bytes end in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Who wrote it.
    pub sender: Party,
    /// For whom.
    pub recipient: Recipient,
    /// Its number among the sender's.
    pub slot: Slot,
    /// The sender's wall clock when it was accepted. For display.
    pub sent_at: WallTime,
    /// What it says.
    pub body: Body,
}

impl Envelope {
    /// What it is called.
    pub const fn id(&self) -> MessageId {
        MessageId {
            sender: self.sender.id,
            slot: self.slot,
        }
    }

    /// Its bytes, tagged for the two who share `key`. For a room see `sign`.
    pub fn seal(&self, key: &PairKey) -> Vec<u8> {
        let mut bytes = codec::encode(self);
        let tag = key.tag(&[ENVELOPE_CONTEXT, &bytes]);
        bytes.extend(tag);
        bytes
    }

    /// Its bytes, signed by its author for all who are in a room.
    pub fn sign(&self, author: &Identity) -> Vec<u8> {
        let mut bytes = codec::encode(self);
        let signature = author.sign(POST_CONTEXT, &bytes);
        bytes.extend(signature);
        bytes
    }

    /// Reads an envelope. Neither tag nor signature is checked: whoever only carries it cannot, or need not.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(DecodeError::Invalid);
        }
        let (envelope, proof) = codec::decode_prefix::<Self>(bytes)?;
        let Body::Plain(text) = &envelope.body;
        match proof.len().cmp(&envelope.recipient.proof_bytes()) {
            Ordering::Less => Err(DecodeError::Truncated),
            Ordering::Greater => Err(DecodeError::Trailing),
            Ordering::Equal if text.len() > BODY_BYTES_MAX => Err(DecodeError::Invalid),
            Ordering::Equal => Ok(envelope),
        }
    }

    /// Whether these bytes were sealed by one of the two who share `key`.
    pub fn verify(bytes: &[u8], key: &PairKey) -> bool {
        bytes
            .split_last_chunk::<TAG_BYTES>()
            .is_some_and(|(fields, tag)| key.tag(&[ENVELOPE_CONTEXT, fields]).ct_eq(tag).into())
    }

    /// Whether these bytes, which were read as this envelope, were signed by whom it names as its sender.
    pub fn is_signed(&self, bytes: &[u8]) -> bool {
        bytes
            .split_last_chunk::<SIGNATURE_BYTES>()
            .is_some_and(|(fields, signature)| has_signed(self.sender.id, POST_CONTEXT, fields, signature))
    }
}

/// What a recipient says of a message. Append-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is committed in the inbox.
    Received,
    /// Its number was skipped as final for the sender before it came; it will not be shown.
    Skipped,
    /// Another message with the same id is in the inbox.
    Conflict,
}

/// A recipient's answer to a message. Sent only when what it says is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which message.
    pub id: MessageId,
    /// The envelope that was answered.
    pub hash: EnvelopeHash,
    /// What became of it.
    pub verdict: Verdict,
    /// The recipient's wall clock when it was committed. For display.
    pub at: WallTime,
    /// Under the pair's key, over all of the above.
    pub tag: [u8; TAG_BYTES],
}

impl Receipt {
    /// A receipt tagged for the two who share `key`, by the recipient `from`.
    pub fn seal(
        (id, hash): (MessageId, EnvelopeHash),
        verdict: Verdict,
        at: WallTime,
        from: IdentityId,
        key: &PairKey,
    ) -> Self {
        let mut receipt = Self {
            id,
            hash,
            verdict,
            at,
            tag: [0; TAG_BYTES],
        };
        receipt.tag = receipt.expected_tag(from, key);
        receipt
    }

    /// Whether the recipient `from` has said this.
    pub fn verify(&self, from: IdentityId, key: &PairKey) -> bool {
        self.expected_tag(from, key).ct_eq(&self.tag).into()
    }

    /// The recipient's identity is under the tag too: both ends have the key, and neither may answer himself.
    fn expected_tag(&self, from: IdentityId, key: &PairKey) -> [u8; TAG_BYTES] {
        let fields = codec::encode(&(self.id, self.hash, self.verdict, self.at));
        key.tag(&[RECEIPT_CONTEXT, &from.0, &fields])
    }
}
