//! Whom a message is for, as its sender has it: a person by his name, or all who are in a room.
//!
//! Invariant: the key of a room is nobody's name, for no name has a `#`.

use crate::id::{Name, RoomId};
use crate::wire::room::Hall;

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Somebody; whose the name is, is known when it is sent.
    Peer(Name),
    /// All who are in a room.
    Room(Hall),
}

impl To {
    /// What the conversation is kept under.
    pub fn key(&self) -> String {
        match self {
            Self::Peer(name) => name.folded(),
            Self::Room(hall) => format!("#{}", hall.name.folded()),
        }
    }

    /// The name, of a person or of a room.
    pub const fn name(&self) -> &Name {
        match self {
            Self::Peer(name) => name,
            Self::Room(hall) => &hall.name,
        }
    }

    /// Which room, if it is one.
    pub const fn room(&self) -> Option<RoomId> {
        match self {
            Self::Peer(_) => None,
            Self::Room(hall) => Some(hall.id),
        }
    }
}

impl From<Name> for To {
    fn from(name: Name) -> Self {
        Self::Peer(name)
    }
}
