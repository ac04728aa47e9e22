//! What a client's engine starts from, as its database has it.
//!
//! Says nothing of what is done with it. Invariant: a list has its order, so that two loads of one database are equal.

use std::net::SocketAddr;

use super::{Key, KnownRoom, Listed, Met, State};
use crate::client::interface::Blocked;
use crate::client::to::To;
use crate::clock::{Age, WallTime};
use crate::id::{EnvelopeHash, IdentityId, MessageId, Name, Sequence, Slot};
use crate::identity::Card;
use crate::wire::message::Version;

/// All that an engine starts from.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// The database's age, and the wall clock when that was written.
    pub life: Option<(Age, WallTime)>,
    /// Which registry answers where.
    pub addresses: Vec<(SocketAddr, IdentityId)>,
    /// The registries met.
    pub registries: Vec<RegistryImage>,
    /// Messages whose lines were not written, in the order committed.
    pub unshown: Vec<Unshown>,
    /// Whose messages are not to be shown, in the order in which that was said.
    pub blocked: Vec<Blocked>,
}

/// What belongs to one registry.
#[derive(Clone, Debug)]
pub struct RegistryImage {
    /// Who it is.
    pub identity: IdentityId,
    /// The number of our last registration.
    pub counter: u64,
    /// Its database, as last told.
    pub store_id: Option<[u8; 16]>,
    /// What the directory copy is, if it is whole.
    pub version: Option<Version>,
    /// The directory copy, by folded name.
    pub directory: Vec<Listed>,
    /// Names used and whose they are, by folded name.
    pub pins: Vec<(Name, Card)>,
    /// Who was met at addresses, in the order of those as text.
    pub met: Vec<Met>,
    /// What those are kept under whose keys the user has compared ([`To::key`]), in its order.
    pub verified: Vec<String>,
    /// Rooms that we are in, by folded name.
    pub rooms: Vec<KnownRoom>,
    /// Unfinished messages, in the order accepted.
    pub outbox: Vec<Unfinished>,
    /// Messages whose state the user has not seen, in the order accepted.
    pub untold: Vec<Untold>,
    /// The latest messages that ended without delivery, oldest first: a late receipt may still come.
    pub ended: Vec<Ended>,
}

/// Messages in `RegistryImage::ended`.
pub const ENDED_MAX: usize = 1_024;

/// An unfinished message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Which.
    pub key: Key,
    /// For whom.
    pub to: To,
    /// Its number.
    pub slot: Slot,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub sent_at: WallTime,
    /// When its lifetime ends.
    pub expires: Age,
    /// Whether the registry keeps it.
    pub stored: bool,
    /// Whether the registry may have it.
    pub deposited: bool,
    /// For whom it was sealed, if that is fixed.
    pub recipient: Option<Card>,
}

/// A message whose state the user has not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// Which.
    pub key: Key,
    /// Its number.
    pub slot: Slot,
    /// For whom.
    pub to: To,
    /// When it was written.
    pub sent_at: WallTime,
    /// Its state.
    pub state: State,
}

/// A message that ended without delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub key: Key,
    /// For whom.
    pub to: To,
    /// Its number.
    pub slot: Slot,
    /// When it was written.
    pub sent_at: WallTime,
    /// What was sealed.
    pub hash: EnvelopeHash,
    /// For whom it was sealed.
    pub recipient: Card,
}

/// A message received whose line was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unshown {
    /// What it is called.
    pub id: MessageId,
    /// Who wrote it.
    pub from: Name,
    /// When.
    pub sent_at: WallTime,
    /// What it says.
    pub text: String,
    /// Whether it came out of the mailbox.
    pub stored: bool,
    /// In which room it was posted, if it was.
    pub room: Option<Name>,
    /// At which address he is talked with, if it is not by his name.
    pub at: Option<SocketAddr>,
    /// Everything below is in the inbox or skipped for good.
    pub next: Sequence,
    /// The highest sequence of its epoch that was shown.
    pub shown: Option<Sequence>,
}
