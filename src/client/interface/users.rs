//! Who there is, as a person is told.
//!
//! Invariant: what is not known is not there.

use std::net::SocketAddr;

use super::Trust;
use crate::clock::WallTime;
use crate::id::Name;

/// Who there is, by name; oneself too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    /// They.
    pub users: Vec<User>,
    /// The registry tells us of all that there are. With many clients it tells only of those that we ask for.
    pub all: bool,
    /// The registry has us now. Otherwise this is what it told last.
    pub current: bool,
}

/// The names that a person may mean. There are as many people as the directory copy has, and those who were written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Everybody but oneself, there or not, in the order of their folded names; and how well their keys are known.
    pub people: Vec<(Name, Trust)>,
    /// The rooms that we are in, likewise.
    pub rooms: Vec<Name>,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub name: Name,
    /// How well his key is known.
    pub trust: Trust,
    /// Whether he is there.
    pub online: bool,
    /// The registry's wall clock when that began.
    pub since: Option<WallTime>,
    /// Where the registry sees him.
    pub address: Option<SocketAddr>,
}
