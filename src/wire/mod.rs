//! Bytes to types and back, and nothing else (PROTOCOL §2 to §6).
//!
//! Datagram ⊃ [`packet`] ⊃ [`frame`]s ⊃ messages ([`message`], [`room`]) ⊃ [`envelope`]. Packet headers have fixed
//! fields; everything inside the seal goes through [`codec`].
//! Invariant: decoding is total. It never panics, never allocates before a bound is checked, and never
//! accepts bytes that trail.

pub mod codec;
pub mod envelope;
pub mod frame;
pub mod handshake;
pub mod message;
pub mod packet;
pub mod room;
