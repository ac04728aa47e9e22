//! Reliable, encrypted, message-oriented sessions over datagrams (PROTOCOL §3, §4, §7).
//!
//! An [`Endpoint`] owns all sessions of one socket: it tells datagrams apart, shakes hands, asks for cookies,
//! answers for what it no longer knows. Messages arrive whole, once per session, in any order: order, and
//! what survives a session, is the conversation's business. Owns no socket and reads no clock.
//! Invariant: a message is handed up only from an authenticated peer, and nothing that anybody sends makes
//! the endpoint hold more than its bounds.

mod absorb;
mod assemble;
mod bits;
mod congestion;
mod counts;
mod endpoint;
mod flow;
mod incoming;
mod outgoing;
mod pacer;
mod received;
mod recovery;
mod rtt;
mod session;
#[cfg(test)]
mod session_tests;
mod spans;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use counts::{Counts, SessionStats};
pub use endpoint::{DropCause, Endpoint, Holding, Stats};

use crate::clock::Instant;
use crate::id::IdentityId;
use crate::identity::Card;
use crate::wire::frame::CloseCode;
use crate::wire::packet::Service;

/// A session, as this endpoint calls it: its own index on the wire, random and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// A try to open a session, as whoever wanted it calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u64);

/// What is wanted of a new session.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// The caller's name for it.
    pub attempt: Attempt,
    /// Where.
    pub address: SocketAddr,
    /// What.
    pub service: Service,
    /// Who it has to be; `None` accepts anybody (first sight).
    pub expect: Option<IdentityId>,
    /// How long until an unanswered Initial is sent again.
    pub interval: Duration,
    /// How many Initials are sent at most. The try fails one interval after the last.
    pub initials: u32,
}

/// What the endpoint tells of its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A session is up, both ways authenticated. Told again, for the other try, when two tries have led to one.
    Opened {
        /// Which.
        session: SessionId,
        /// The try it came of; `None` if the other side began it.
        attempt: Option<Attempt>,
        /// What it is for.
        service: Service,
        /// Who is there.
        peer: Card,
        /// Where.
        address: SocketAddr,
    },
    /// A try has ended without a session.
    Failed {
        /// Which.
        attempt: Attempt,
        /// Why.
        fault: ConnectFault,
    },
    /// A whole message.
    Message {
        /// Through which session.
        session: SessionId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The other side has answered from another address.
    Moved {
        /// Which.
        session: SessionId,
        /// Where it is now.
        address: SocketAddr,
    },
    /// A session is gone; what was sent through it and not answered may or may not have arrived.
    Closed {
        /// Which.
        session: SessionId,
        /// Why.
        cause: CloseCause,
    },
}

/// Why a session could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// No answer, or none in time.
    Silent,
    /// In that time only somebody else answered, and proved to be this.
    OtherIdentity(Card),
    /// There are too many sessions or tries already.
    Full,
}

/// Why a session is gone. One that this side closed itself is not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// The other side said so.
    Remote(CloseCode),
    /// The other side no longer knows it.
    Reset,
    /// Nothing authenticated came for too long although something was asked.
    Silent,
    /// Nothing happened for so long that it was given up.
    Idle,
    /// It kept a message unfinished for long while there was no room for others.
    InTheWay,
    /// The other side broke the protocol, and was told so.
    Violation,
    /// A new session with the same identity took its place.
    Replaced(SessionId),
}

impl CloseCause {
    /// Whether it was not this side's doing, nor that both sides had begun a session at once.
    pub(crate) const fn is_elsewhere(self) -> bool {
        match self {
            Self::Remote(code) => !matches!(code, CloseCode::Crossed),
            Self::Reset | Self::Silent => true,
            Self::Idle | Self::InTheWay | Self::Violation | Self::Replaced(_) => false,
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// There is no such session, or no longer.
    #[error("no such session")]
    Gone,
    /// Its send buffer, or the endpoint's, is full: try again when answers have come.
    #[error("send buffer full")]
    Full,
    /// More than `MESSAGE_BYTES_MAX`.
    #[error("message too large")]
    TooLarge,
}

/// What a message takes of a session's room beside its bytes.
pub const SEND_OVERHEAD: usize = 64;

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub to: SocketAddr,
    /// From which address of this machine, if it has that still; `None`: the system decides.
    pub from: Option<IpAddr>,
    /// Its payload.
    pub bytes: Vec<u8>,
}

/// The way that a datagram came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// From there. IPv4 comes as IPv4, not mapped into IPv6.
    pub from: SocketAddr,
    /// To this address of this machine, if that is known: who was asked there expects the answer from there.
    pub local: Option<IpAddr>,
}

impl From<SocketAddr> for Route {
    fn from(from: SocketAddr) -> Self {
        Self { from, local: None }
    }
}

/// What is known of a session's path.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// Where the other side is, proven.
    pub address: SocketAddr,
    /// When something authenticated last came from there.
    pub heard_at: Instant,
    /// Whether messages that have come wait to be taken.
    pub unheard: bool,
    /// How long until silence after a packet is taken for loss (RFC 9002 §6.2.1), without backoff.
    pub probe_timeout: Duration,
}

/// How far what was sent through a session has come: a message has arrived when all of it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// When the oldest message that has not arrived was taken; `None` if all have.
    pub oldest: Option<Instant>,
    /// When one last arrived; `Instant::ZERO` if none has.
    pub moved_at: Instant,
}

impl Backlog {
    /// Whether what was sent at `at` may still wait in the send buffer, or be on its way.
    pub fn holds(&self, at: Instant) -> bool {
        self.oldest.is_some_and(|oldest| oldest <= at)
    }
}

/// What an engine may ask of the endpoint while it decides.
pub trait Sessions {
    /// The path of a session; `None` if it is gone.
    fn path(&self, session: SessionId) -> Option<Path>;
    /// How many bytes `send` will still take for it; 0 if it is gone. Each message takes its own and
    /// [`SEND_OVERHEAD`]. Not told of what this turn has sent already: whoever sends more than one counts.
    fn room(&self, session: SessionId) -> usize;
    /// What of that has not arrived; nothing if it is gone.
    fn backlog(&self, session: SessionId) -> Backlog;
    /// What it is like now, in figures; `None` if it is gone.
    fn session_stats(&self, session: SessionId) -> Option<SessionStats>;
}
