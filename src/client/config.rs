//! What a client is started with: who it is, where its registry is, and how much it may have under way.
//!
//! Invariant: the engine reads these values and never the constants behind them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::id::Name;
use crate::limits::{
    DEPOSITS_PER_SECOND, HOLD_BACK, INBOUND_UNITS_BURST, INBOUND_UNITS_PER_SECOND, OUTBOX_BYTES_MAX,
    OUTBOX_MESSAGES_MAX, TIME_TO_LIVE,
};
use crate::rate::Rate;

/// Taken one by one, they are through in half the time that the last of them is held back for the first.
const DEPOSITS_AT_ONCE: usize = 16;
const _: () = assert!(DEPOSITS_AT_ONCE as u64 * 2 <= HOLD_BACK.as_secs() * DEPOSITS_PER_SECOND as u64);

/// When a sender hears that we have his message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Receipts {
    /// When it is committed: it is kept here until the user has seen it.
    #[default]
    Committed,
    /// When it was handled, and that is committed: what a program does with messages is what they are for.
    Handled,
}

/// What a client is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name.
    pub name: Name,
    /// Where its registry is; `None`: there is none, and it talks to `contacts` alone.
    pub registry: Option<SocketAddr>,
    /// Those to whom it talks by address.
    pub contacts: Vec<SocketAddr>,
    /// How long a message may take before it expires.
    pub time_to_live: Duration,
    /// A room to enter at the start, and whenever its user registers.
    pub join: Option<Name>,
    /// When senders hear that it has their messages.
    pub receipts: Receipts,
    /// How long what was said is kept; `None`: for ever.
    pub keep_history: Option<Duration>,
    /// What it may have under way.
    pub limits: Limits,
}

impl Config {
    /// A client with the usual limits.
    pub fn new(name: Name, registry: SocketAddr) -> Self {
        Self {
            registry: Some(registry),
            ..Self::without_registry(name, Vec::new())
        }
    }

    /// A client that talks to those who are at these addresses, and to nobody else.
    pub fn without_registry(name: Name, contacts: Vec<SocketAddr>) -> Self {
        Self {
            name,
            registry: None,
            contacts,
            time_to_live: TIME_TO_LIVE,
            join: None,
            receipts: Receipts::default(),
            keep_history: None,
            limits: Limits::default(),
        }
    }
}

/// What a client may have under way. Benchmarks lift them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Unfinished messages.
    pub outbox_messages: usize,
    /// Their text bytes.
    pub outbox_bytes: usize,
    /// Unanswered messages with one peer: a round trip's worth on any path, and no more to repeat elsewhere.
    pub direct_messages: usize,
    /// Their bytes.
    pub direct_bytes: usize,
    /// Unanswered deposits at the registry. When one of them is put off, those behind it may be taken first; as many
    /// as this may then have to wait for it, and the recipient holds them back for [`HOLD_BACK`] only.
    pub deposits: usize,
    /// Their bytes.
    pub deposit_bytes: usize,
    /// What one peer may send us directly: units of one message and of `INBOUND_UNIT_BYTES`.
    pub inbound: Rate,
}

impl Limits {
    /// The usual ones.
    pub const USUAL: Self = Self {
        outbox_messages: OUTBOX_MESSAGES_MAX,
        outbox_bytes: OUTBOX_BYTES_MAX,
        direct_messages: 256,
        direct_bytes: 256 * 1024,
        deposits: DEPOSITS_AT_ONCE,
        deposit_bytes: 1024 * 1024,
        inbound: Rate::new(
            INBOUND_UNITS_PER_SECOND,
            Duration::from_secs(1),
            INBOUND_UNITS_BURST,
        ),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}
