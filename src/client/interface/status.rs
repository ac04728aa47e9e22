//! What a person is told of all his unfinished messages when he asks.
//!
//! Invariant: says what is so at that moment, of each message one thing.

use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::MessageId;

/// What is unfinished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The messages, in the order in which they were accepted; of very many, the last.
    pub messages: Vec<MessageStatus>,
    /// How many there are before those.
    pub earlier: usize,
    /// Texts that are not accepted yet: until they are on the disk, the registry is known, or a room is entered.
    pub early: usize,
}

/// An unfinished message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageStatus {
    /// Its number in this database, among what we wrote.
    pub number: u64,
    /// As it is called now.
    pub id: MessageId,
    /// For whom.
    pub to: To,
    /// When it was written.
    pub sent_at: WallTime,
    /// Where it is.
    pub standing: Standing,
}

/// Where an unfinished message is, and what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is about to go, or waits for something that is under way.
    Due,
    /// For those before it to the same recipient.
    Behind,
    /// Sent to its recipient, who has not said that he has it.
    Sent,
    /// On its way to the registry.
    Depositing,
    /// The registry keeps it until its recipient comes; or, if it was posted, until all members have it.
    Stored,
    /// It has ended, which is being written down.
    Ended,
    /// For us: we have left the registry, or are about to.
    Offline,
    /// For somebody to be reached: its recipient, or the registry.
    Unreachable,
    /// For somebody who has the name.
    NoSuchName,
    /// For room in its recipient's mailbox, or in the registry's.
    NoRoom,
    /// For a moment in which we may send more.
    Slowed,
    /// For the registry's disk to take something again.
    RegistryDisk,
    /// For us to say whether we trust the other identity that has the name now.
    Untrusted,
}
