//! What the client's deadlines are for.
//!
//! When each is set and what is done then is said where it is used. Invariant: one deadline for each purpose (`timers`).

use std::net::SocketAddr;

use super::storage::Key;
use crate::id::{IdentityId, Slot};

/// A deadline's purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// First thing after the start.
    Wake,
    /// The registry owes an answer.
    Attempt,
    /// The registry is tried again.
    Reconnect,
    /// The registry was busy when we wanted to register.
    Register,
    KeepAlive,
    /// What leaving waits for.
    Leave,
    /// Nothing has moved for long since the input ended.
    Settled,
    /// A message's budget, or its repetition.
    Message(Key),
    /// A conversation waits for something.
    Conversation(String),
    /// Conflicts are gathered.
    Renewal(String),
    /// A peer may be tried again.
    Peer(IdentityId),
    /// Whoever is at an address may be called again.
    Contact(SocketAddr),
    /// A look-up is asked again.
    Lookup(String),
    /// A withdrawal is asked again.
    Withdraw(Slot),
    /// What was kept long ago is asked for.
    Inquiry,
    /// Questions about rooms are asked again.
    Rooms,
    /// Held messages are shown.
    Hold,
    /// Directory changes are told and stored.
    Table,
    /// Send buffers may have room again.
    Room,
    /// Failed store requests are asked again.
    Store,
    /// What the user has seen is marked.
    Marks,
    /// The first lifetime ends.
    Sweep,
    Life,
    /// It is looked for what is kept for too long.
    History,
}
