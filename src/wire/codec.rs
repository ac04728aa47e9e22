//! The one place that names the codec library (PROTOCOL §2): bincode 2, standard configuration.
//!
//! Knows no message. Every decode has a byte limit, and what it does not consume is an error, or is
//! handed back where several values follow each other. Types that come through here do not recurse and hold
//! no zero-sized elements; sequences are [`Bounded`], strings and byte strings are borrowed from the input
//! before they are owned ([`text`], [`blob`]).
//! Invariant: what is allocated is bounded by what was really read, never by what a length claims.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Error as _, SeqAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};

use crate::limits::MESSAGE_BYTES_MAX;

/// Why bytes were not understood. Counted and logged, never fatal: anyone can send us bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("truncated")]
    Truncated,
    /// A value or a length outside its bounds.
    #[error("invalid value")]
    Invalid,
    /// Bytes follow where none may.
    #[error("trailing bytes")]
    Trailing,
    /// A packet kind that this version does not know.
    #[error("unknown packet kind {0}")]
    UnknownKind(u8),
    /// Another protocol version.
    #[error("unknown version {0}")]
    UnknownVersion(u8),
}

fn config() -> bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MESSAGE_BYTES_MAX>,
> {
    bincode::config::standard().with_limit::<MESSAGE_BYTES_MAX>()
}

/// The bytes of a value.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the bytes of a value.
pub fn encode_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    #[expect(
        clippy::expect_used,
        reason = "writing to memory; no wire type has a fallible Serialize"
    )]
    bincode::serde::encode_into_std_write(value, bytes, bincode::config::standard())
        .expect("a wire type encodes");
}

/// Decodes one value that fills `bytes`.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = decode_prefix(bytes)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::Trailing)
    }
}

/// Decodes the first of several values, which may borrow from `bytes`; returns the rest with it.
pub fn decode_prefix<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), DecodeError> {
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    let (value, consumed) =
        bincode::serde::borrow_decode_from_slice(bytes, config()).map_err(|e| kind(&e))?;
    Ok((value, bytes.get(consumed..).ok_or(DecodeError::Truncated)?))
}

fn kind(error: &bincode::error::DecodeError) -> DecodeError {
    match error {
        bincode::error::DecodeError::UnexpectedEnd { .. } => DecodeError::Truncated,
        _ => DecodeError::Invalid,
    }
}

/// For `deserialize_with` on owned text: checks that the bytes are there before it takes room for them.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    <&'de str>::deserialize(deserializer).map(str::to_owned)
}

/// For `deserialize_with` on owned bytes: checks that they are there before it takes room for them.
pub fn blob<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    <&'de [u8]>::deserialize(deserializer).map(<[u8]>::to_vec)
}

/// A list of at most `MAX` values: longer ones cannot be built and are not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Bounded<T, MAX> {
    /// The list with what exceeds `MAX` cut off.
    pub fn truncated(mut items: Vec<T>) -> Self {
        items.truncate(MAX);
        Self(items)
    }

    /// The values.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The values, owned.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T: Serialize, const MAX: usize> Serialize for Bounded<T, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor::<T, MAX>(PhantomData))
    }
}

struct BoundedVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for BoundedVisitor<T, MAX> {
    type Value = Bounded<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX} values")
    }

    /// Grows with what is really there: a length that lies allocates nothing.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        if seq.size_hint().is_some_and(|len| len > MAX) {
            return Err(A::Error::custom("too many values"));
        }
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Bounded(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_bytes_are_refused() {
        assert_eq!(decode::<u8>(&[1, 2]), Err(DecodeError::Trailing));
        assert_eq!(decode::<u32>(&[251]), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_list_over_its_bound_is_refused_before_it_is_read() {
        let three = encode(&vec![1u8, 2, 3]);
        assert_eq!(decode::<Bounded<u8, 3>>(&three).unwrap().into_vec(), [1, 2, 3]);
        assert_eq!(decode::<Bounded<u8, 2>>(&three), Err(DecodeError::Invalid));
        let lying = [253, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(decode::<Bounded<u64, 1000>>(&lying), Err(DecodeError::Invalid));
    }
}
