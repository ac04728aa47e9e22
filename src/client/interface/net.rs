//! What a person is told of the network when he asks: the sessions, and how their paths are.
//!
//! Invariant: says what is so at that moment; figures are of sessions that are up, and of nothing before them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::interface::Contact;
use crate::id::{IdentityId, Name};
use crate::transport::SessionStats;

/// The sessions of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    /// Where we stand with the registry; `None`: there is none.
    pub registry: Option<RegistryLink>,
    /// The session with the registry, then those that were heard last; of very many, not all.
    pub sessions: Vec<SessionReport>,
    /// How many there are besides.
    pub others: usize,
}

/// Where we stand with the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryLink {
    /// It has us.
    Registered,
    /// It is being asked.
    Connecting,
    /// It does not answer; it is tried again.
    Silent,
    /// We have left it.
    Offline,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// With whom.
    pub with: Other,
    /// Where that is.
    pub address: SocketAddr,
    /// How long it has been up.
    pub age: Duration,
    /// How long ago something authenticated last came.
    pub heard: Duration,
    /// How it goes.
    pub stats: SessionStats,
    /// How long round trips took lately, oldest first: of each of the last seconds in which something came, the longest.
    pub rtt_recent: Vec<Duration>,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Other {
    /// The registry.
    Registry,
    /// Somebody who has this name at the registry.
    Person(Name),
    /// Somebody who is named by his address.
    Contact(Contact),
    /// Somebody whom we know no name of.
    Unknown(IdentityId),
}
