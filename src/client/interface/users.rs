//! Who there is, as a person is told.
//!
//! Invariant: what is not known is not there.

use std::net::SocketAddr;

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

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub name: Name,
    /// Whether he is there.
    pub online: bool,
    /// The registry's wall clock when that began.
    pub since: Option<WallTime>,
    /// Where the registry sees him.
    pub address: Option<SocketAddr>,
}
