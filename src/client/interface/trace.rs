//! What a person asks of one message, and what he is told of its way.
//!
//! Invariant: each step was noted here when it happened; what others did is told as far as they have said it, and no further.

use std::time::Duration;

use crate::client::interface::{Partner, Recorded, Standing};
use crate::client::storage::Finish;
use crate::clock::{Instant, WallTime};
use crate::id::{MessageId, Name};
use crate::wire::message::{BusyReason, DepositRefusal};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum One {
    /// The one that we wrote under this number ([`Recorded::number`]).
    Written(u64),
    /// The one that came under this number.
    Received(u64),
    /// The one that is called so.
    Called(MessageId),
}

/// Which message is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last that we wrote, to one partner or to anybody.
    Last(Option<Partner>),
    /// This one.
    One(One),
}

/// What is known of a message's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Which one was asked for.
    pub which: Which,
    /// The message, as it is kept; `None`: none that is meant is.
    pub message: Option<Recorded>,
    /// Our own name.
    pub own: Name,
    /// Where it is, if it is ours and has not ended.
    pub standing: Option<Standing>,
    /// What was noted of it in this run; `None`: nothing, or it has given way to what was noted of later ones.
    pub record: Option<Record>,
}

/// What was noted of a message in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The first steps and the last, in the order in which they happened.
    pub steps: Vec<Step>,
    /// How many there were between the first [`Record::FIRST`] and the others.
    pub omitted: u64,
    /// How often it was given to a session with its recipient; what is omitted is counted, too.
    pub sent: u32,
    /// How often it was given to the registry, to be kept; likewise.
    pub deposited: u32,
}

impl Record {
    /// Steps that are kept of the beginning: a message that goes the longest way has no more until it ends.
    pub const FIRST: usize = 8;
    /// Steps that are kept of what happened last: a dozen of tries, which all fit on a screen with the first.
    pub const LAST: usize = 12;

    /// Whether it begins where the message's way through this program began, and not in the midst of it.
    pub fn is_whole(&self) -> bool {
        let begins = |step: &Step| matches!(step.what, What::Accepted | What::Committed);
        self.steps.iter().take(Self::FIRST).any(begins)
    }
}

/// Something that has happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, for what lies between two of them.
    pub at: Instant,
    /// The same for people.
    pub wall: WallTime,
    /// What.
    pub what: What,
}

/// On which road something went or came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// In a session with the other.
    Peer,
    /// By way of the registry.
    Registry,
}

/// What has happened to a message: of ours to the first that came, of others' after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is committed: it will go.
    Accepted,
    /// A run before this one has accepted it.
    Resumed,
    /// A session with its recipient is asked for.
    Called,
    /// There is none to be had, or not in time: it takes the other road.
    Unreached,
    /// The registry says that he is offline: the same.
    Away,
    /// An earlier one is at the registry: the same, so that it is not overtaken.
    Follows,
    /// It was given to a session with its recipient.
    Sent {
        /// The how manieth time that was in this run.
        attempt: u32,
        /// How long a round trip took there, smoothed.
        rtt: Option<Duration>,
    },
    /// He has said nothing of it in time.
    Unanswered {
        /// How long ago anything had come from there.
        silent: Option<Duration>,
    },
    /// The session is gone: it has arrived, or not.
    SessionLost,
    /// It was given to the registry, to be kept for him.
    Deposited {
        /// The how manieth time that was in this run.
        attempt: u32,
        /// How long a round trip took there, smoothed.
        rtt: Option<Duration>,
    },
    /// The registry keeps it.
    Kept {
        /// How long after it was given to it, if that was once.
        within: Option<Duration>,
    },
    /// It has kept it for so long that it is asked whether it still does.
    Inquired,
    /// The registry does not take it for now.
    Declined(DepositRefusal),
    /// Whoever was given it asks to come again.
    PutOff {
        /// Who.
        by: Via,
        /// Why.
        reason: BusyReason,
        /// After so long.
        pause: Duration,
    },
    /// The registry was gone before it had answered.
    RegistryGone,
    /// Nobody can take it: it waits.
    Waits,
    /// The registry may have lost it, and is given it again.
    Stranded,
    /// Another message has its number: it has a new one.
    Renumbered,
    /// Its recipient has said that he has it.
    Answered {
        /// On which road.
        via: Via,
        /// When it was committed there, by his clock.
        at: WallTime,
        /// How long after it was given to a session with him, if it was once, and he has answered there.
        within: Option<Duration>,
    },
    /// It has ended otherwise, and that is committed.
    Ended(Finish),
    /// A copy has come.
    Came {
        /// On which road.
        via: Via,
    },
    /// The disk did not take it: it comes again.
    NotCommitted,
    /// It is committed here.
    Committed,
    /// It was here before: it is answered again, and not shown.
    Known,
    /// Its sender, or the registry, is told that we have it.
    Receipted {
        /// On which road.
        via: Via,
    },
    /// It was told to the user.
    Shown,
}
