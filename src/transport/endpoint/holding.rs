//! What an endpoint holds for what is under way, in figures: for whoever watches that it gives back what it took.
//!
//! Counts, and changes nothing.
//! Invariant: an endpoint through which nothing goes holds nothing but its sessions.

use super::Endpoint;

/// So much is held for what is under way, besides sessions and what is remembered of closed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Sessions that we try to open.
    pub tries: usize,
    /// Handshakes that others have begun.
    pub handshakes: usize,
    /// Bytes of messages that are not whole, or not taken.
    pub incoming_bytes: usize,
    /// Bytes of messages that are not acknowledged.
    pub outgoing_bytes: usize,
}

impl Endpoint {
    /// What is held now.
    pub fn holding(&self) -> Holding {
        Holding {
            tries: self.tries.len(),
            handshakes: self.handshakes(),
            incoming_bytes: self.pool.reassembly.taken(),
            outgoing_bytes: self.pool.sending.taken(),
        }
    }
}
