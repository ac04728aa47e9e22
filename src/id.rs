//! The names of things: people, identities, conversations, messages.
//!
//! A value of these types is valid by construction, whether it was typed, decoded or read from disk.
//! Invariant: two `Name`s that differ only in case are the same name (`Name::folded`).

use std::fmt;
use std::str::FromStr;

use blake2::digest::consts::U16;
use blake2::{Blake2s, Digest};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::NAME_BYTES_MAX;

/// A user's name: 1 to 32 ASCII letters, digits, `_`, `-`, `.`, the first a letter or digit.
///
/// Whether a name is reserved is the registry's and the command table's business, not the type's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that decides whether two names are the same: lower case.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether both are the same name.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name cannot be empty")]
    Empty,
    /// More than 32 bytes.
    #[error("a name has at most {NAME_BYTES_MAX} characters")]
    TooLong,
    /// It begins with punctuation.
    #[error("a name begins with a letter or a digit")]
    First,
    /// It has a character outside the set.
    #[error("a name has only letters, digits, '_', '-' and '.'")]
    Character,
}

/// The rules, on text that is not yet ours: nothing is copied before it is known to be a name.
fn check(text: &str) -> Result<(), NameError> {
    let first = text.bytes().next().ok_or(NameError::Empty)?;
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    {
        return Err(NameError::Character);
    }
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::First);
    }
    Ok(())
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text).map(|()| Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        check(&text).map(|()| Self(text))
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Name, E> {
        text.parse().map_err(E::custom)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who somebody is: an Ed25519 public key (RFC 8032).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentityId(pub [u8; 32]);

impl IdentityId {
    /// Hexadecimal digits in groups of four, for people to compare: `1f2e 3d4c …` (16 groups).
    pub fn fingerprint(&self) -> String {
        let mut text = String::with_capacity(79);
        for (index, pair) in self.0.chunks(2).enumerate() {
            if index > 0 {
                text.push(' ');
            }
            for byte in pair {
                text.push_str(&format!("{byte:02x}"));
            }
        }
        text
    }
}

impl fmt::Debug for IdentityId {
    /// The first four bytes: enough to tell identities apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}…")
    }
}

/// Which room: 16 random bytes, drawn by the registry when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomId(pub [u8; 16]);

/// 64 random bits that begin a conversation's numbering. Drawn in the commit that creates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// A message's number in its conversation and epoch, from 0 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The one after it; saturates.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A message's place among its sender's own messages. With the sender's identity it is a [`MessageId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The conversation's numbering.
    pub epoch: Epoch,
    /// The number in it.
    pub sequence: Sequence,
}

/// What a message is called everywhere, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// Who wrote it.
    pub sender: IdentityId,
    /// Which of his it is.
    pub slot: Slot,
}

impl fmt::Display for MessageId {
    /// A word that names the message for ever, as programs are given it: identity, epoch and number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.sender.0 {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "-{:016x}-{}", self.slot.epoch.0, self.slot.sequence.0)
    }
}

/// Why a text names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no id of a message")]
pub struct IdError;

impl FromStr for MessageId {
    type Err = IdError;

    /// The word that [`fmt::Display`] makes, and no other for the same.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().ok_or(IdError);
        let (digits, epoch, sequence) = (part()?, part()?, part()?);
        let mut sender = [0; 32];
        for (index, byte) in sender.iter_mut().enumerate() {
            let pair = digits.get(2 * index..2 * index + 2).ok_or(IdError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| IdError)?;
        }
        let id = Self {
            sender: IdentityId(sender),
            slot: Slot {
                epoch: Epoch(u64::from_str_radix(epoch, 16).map_err(|_| IdError)?),
                sequence: Sequence(sequence.parse().map_err(|_| IdError)?),
            },
        };
        (id.to_string() == text).then_some(id).ok_or(IdError)
    }
}

/// BLAKE2s-128 of a message's envelope bytes: the same id with another hash is another message (a conflict).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnvelopeHash(pub [u8; 16]);

impl EnvelopeHash {
    /// The hash of an envelope's bytes as they travel.
    pub fn of(envelope: &[u8]) -> Self {
        Self(Blake2s::<U16>::digest(envelope).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_on_every_road_in() {
        assert_eq!("".parse::<Name>(), Err(NameError::Empty));
        assert_eq!("a".repeat(33).parse::<Name>(), Err(NameError::TooLong));
        assert_eq!("-a".parse::<Name>(), Err(NameError::First));
        assert_eq!("jürgen".parse::<Name>(), Err(NameError::Character));
        assert!("a".repeat(32).parse::<Name>().is_ok());
        let (upper, lower) = ("Bob".parse::<Name>().unwrap(), "bOB".parse::<Name>().unwrap());
        assert!(upper.matches(&lower) && upper != lower);
    }

    #[test]
    fn a_message_has_one_word_for_it() {
        let id = MessageId {
            sender: IdentityId([0xab; 32]),
            slot: Slot {
                epoch: Epoch(0x12),
                sequence: Sequence(3),
            },
        };
        let word = id.to_string();
        assert_eq!(word.parse(), Ok(id));
        for other in [
            word.to_uppercase(),
            format!("{word}0-"),
            word.replace("-3", "-03"),
            word.replace("-3", "-+3"),
            word.replace("ab-", "é-"),
            word.replace("ab-", "-"),
            word.replace("-0000000000000012", "-12"),
            "bob".to_owned(),
            String::new(),
        ] {
            assert_eq!(other.parse::<MessageId>(), Err(IdError), "{other}");
        }
    }
}
