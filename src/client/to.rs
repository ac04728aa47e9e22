//! Whom a message is for, as its sender has it: a person by his name, all who are in a room, or whoever is at an address.
//!
//! Invariant: the key of a room, and that of an address, is nobody's name, for no name has a `#`, an `@` or a `:`.

use std::fmt;
use std::net::SocketAddr;

use crate::id::{Name, RoomId};
use crate::wire::room::Hall;

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Somebody; whose the name is, is known when it is sent.
    Peer(Name),
    /// All who are in a room.
    Room(Hall),
    /// Whoever is at an address; who that is, and what he is called, is known when he is met.
    At(SocketAddr),
}

impl To {
    /// What the conversation is kept under.
    pub fn key(&self) -> String {
        match self {
            Self::Peer(name) => name.folded(),
            Self::Room(hall) => Self::key_of_room(&hall.name),
            Self::At(address) => format!("@{address}"),
        }
    }

    /// As [`Self::key`], of a room whose name alone is known.
    pub fn key_of_room(name: &Name) -> String {
        format!("#{}", name.folded())
    }

    /// The name, of a person or of a room.
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Peer(name) => Some(name),
            Self::Room(hall) => Some(&hall.name),
            Self::At(_) => None,
        }
    }

    /// Which room, if it is one.
    pub const fn room(&self) -> Option<RoomId> {
        match self {
            Self::Room(hall) => Some(hall.id),
            Self::Peer(_) | Self::At(_) => None,
        }
    }

    /// Which address, if it is one.
    pub const fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(*address),
            Self::Peer(_) | Self::Room(_) => None,
        }
    }
}

/// As it is written in the database.
impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(name) => name.fmt(f),
            Self::Room(hall) => hall.name.fmt(f),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl From<Name> for To {
    fn from(name: Name) -> Self {
        Self::Peer(name)
    }
}
