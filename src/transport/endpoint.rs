//! The sessions of one socket. (Interface; the work is in the files beside it.)

use std::net::SocketAddr;
use std::sync::Arc;

use crate::clock::Instant;
use crate::identity::Identity;
use crate::transport::{Attempt, Connect, Path, SendFault, SessionEvent, SessionId, Sessions, Transmit};
use crate::wire::frame::CloseCode;
use crate::wire::packet::Service;

/// All sessions of one socket.
pub struct Endpoint {}

impl Endpoint {
    /// An endpoint that answers to `serves`, with `seed` for all its random choices.
    pub fn new(_identity: Arc<Identity>, _serves: Service, _seed: [u8; 32]) -> Self {
        Self {}
    }

    /// Begins to open a session. Ends in `Opened` or `Failed`.
    pub fn connect(&mut self, _now: Instant, _connect: Connect) {}

    /// Gives a try up, silently.
    pub fn abandon(&mut self, _attempt: Attempt) {}

    /// Takes a message for sending.
    pub fn send(&mut self, _now: Instant, _session: SessionId, _bytes: Vec<u8>) -> Result<(), SendFault> {
        Err(SendFault::Gone)
    }

    /// Ends a session: what was taken is sent once more, then a Close.
    pub fn close(&mut self, _now: Instant, _session: SessionId, _code: CloseCode) {}

    /// A datagram came.
    pub fn handle_datagram(&mut self, _now: Instant, _from: SocketAddr, _bytes: &[u8]) {}

    /// All due timers, oldest first.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next thing that happened. A message taken here makes room for the next.
    pub fn poll_event(&mut self, _now: Instant) -> Option<SessionEvent> {
        None
    }

    /// The next datagram.
    pub fn poll_transmit(&mut self, _now: Instant) -> Option<Transmit> {
        None
    }
}

impl Sessions for Endpoint {
    fn path(&self, _session: SessionId) -> Option<Path> {
        None
    }

    fn room(&self, _session: SessionId) -> usize {
        0
    }
}
