//! Whom to believe, and whom not to hear, as a person says it and is told.
//!
//! Invariant: nobody is called verified whose key the user has not said to have compared.

use super::{Contact, Partner};
use crate::clock::WallTime;
use crate::id::{IdentityId, Name};

/// How well the key behind a name is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// It is the one that an earlier run has met, or our own.
    #[default]
    Known,
    /// It was first met in this run, or not yet: whoever has the name is believed.
    New,
    /// There is another one than the one that was met, and the user has not decided.
    Changed,
    /// The user has compared it.
    Verified,
}

/// Whose a fingerprint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Our own.
    Own,
    /// Of the one whom we know by this name, and whom messages to it are sealed for, whatever the registry has said since.
    Person(Name),
    /// Of the one who has this name, as the registry says: nothing was written to him yet, or he is not the one whom we know.
    Listed(Name),
    /// Of whoever is at an address.
    Contact(Contact),
}

/// Why a key is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// This fingerprint was given, and it is another's.
    Differs(String),
    /// There is this one, too, and the user has not decided.
    Changed(IdentityId),
    /// It is what the registry says now, and may be another than the one that was compared: which one has to be said.
    Listed,
}

/// What a person wants of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleCommand {
    /// His key was compared, or is to be, with what was read out.
    Verify {
        /// Whose.
        who: Partner,
        /// As it was read out; `None`: he has compared it himself.
        fingerprint: Option<String>,
    },
    /// Show nothing of what he writes.
    Block(Partner),
    /// Show it again.
    Unblock(Partner),
    /// Say who is blocked.
    Blocked,
}

/// Somebody whose messages are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub id: IdentityId,
    /// What he was called when he was blocked.
    pub name: Name,
    /// When that was.
    pub at: WallTime,
}

/// What a person is told of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleEvent {
    /// A key is verified from now on.
    Verified {
        /// Whose.
        whose: Whose,
        /// Which.
        id: IdentityId,
    },
    /// A key is not.
    NotVerified {
        /// Whose.
        whose: Whose,
        /// The one that is known.
        id: IdentityId,
        /// How well it is, as before.
        trust: Trust,
        /// Why.
        why: NotVerified,
    },
    /// Nothing of what he writes is shown from now on.
    Blocked {
        /// Who, as he is called now.
        name: Name,
    },
    /// It is shown again.
    Unblocked {
        /// Who, as he was called.
        name: Name,
    },
    /// Who is blocked, in the order in which they were.
    All(Vec<Blocked>),
}
