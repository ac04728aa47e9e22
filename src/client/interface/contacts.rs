//! What a person is told of those whom he has named by address.
//!
//! Their messages are messages like others: [`super::Incoming`]. Invariant: as [`super`]'s.

use std::fmt;
use std::net::SocketAddr;

use super::Refusal;
use crate::clock::WallTime;
use crate::id::{IdentityId, Name};

/// Whoever is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Which.
    pub address: SocketAddr,
    /// What he calls himself, once he was met.
    pub name: Option<Name>,
}

/// His name, or the address as long as there is none.
impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => name.fmt(f),
            None => self.address.fmt(f),
        }
    }
}

/// What a person is told about contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactEvent {
    /// There is no registry: we can be reached now, and write to these.
    Listening {
        /// At which port.
        port: u16,
        /// To whom.
        contacts: Vec<Contact>,
    },
    /// Somebody was met for the first time: from now on it has to be him.
    Met {
        /// Who.
        who: Contact,
        /// His identity.
        id: IdentityId,
    },
    /// He has our message, within the budget.
    Received {
        /// Who.
        to: Contact,
    },
    /// He has a message of ours that was waiting, expired or refused.
    ReceivedLater {
        /// Who.
        to: Contact,
        /// When it was sent.
        sent_at: WallTime,
    },
    /// He cannot be reached now.
    Waiting {
        /// For whom.
        to: Contact,
        /// Whether he is tried again in this run.
        listed: bool,
    },
    /// A message was refused for good.
    Refused {
        /// For whom.
        to: Contact,
        /// When it was sent.
        sent_at: WallTime,
        /// Why.
        reason: Refusal,
    },
    /// A message's lifetime has passed.
    Expired {
        /// For whom.
        to: Contact,
        /// When it was sent.
        sent_at: WallTime,
    },
    /// Somebody else is there than the one known; nothing is sent to him, and nothing taken from him.
    Changed {
        /// Where.
        who: Contact,
        /// The one known.
        known: IdentityId,
        /// The one found.
        found: IdentityId,
    },
    /// He goes by a name that is another's, our own, or reserved; nothing is sent to him, and nothing taken from him.
    NameTaken {
        /// Where.
        address: SocketAddr,
        /// What he calls himself.
        name: Name,
    },
    /// He calls himself otherwise than before; he is the same.
    Renamed {
        /// Who, as he is called now.
        who: Contact,
        /// What he was called.
        was: Name,
    },
    /// He does not take what we send: he does not list our address, or does not find out who we are.
    NotListed {
        /// By whom.
        by: Contact,
    },
    /// `TrustAt` is done.
    Trusted {
        /// Whom.
        who: Contact,
    },
}

impl ContactEvent {
    /// As [`super::Event::is_state`].
    pub(super) const fn is_state(&self) -> bool {
        matches!(
            self,
            Self::Received { .. }
                | Self::ReceivedLater { .. }
                | Self::Waiting { .. }
                | Self::Refused { .. }
                | Self::Expired { .. }
        )
    }
}
