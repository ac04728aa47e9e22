//! What the registry's operator can ask, and what it tells him. Layout is `cli/`'s business.
//!
//! Nothing of anybody's mail is told here.
//! Invariant: a table longer than `TABLE_ROWS_MAX` is not handed out.

use std::net::SocketAddr;

use crate::clock::WallTime;
use crate::id::Name;

/// What the operator asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Close all sessions, finish commits, end.
    Stop,
    /// The last table was shown: there may be another.
    Shown,
}

/// What the operator is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The directory changed (at most once a second, and not before the last one was shown); the table, by name, while
    /// it is small enough to print.
    Table(Vec<Row>),
    /// The program is to end.
    Ended,
}

/// Tables longer than this are not printed.
pub const TABLE_ROWS_MAX: usize = 50;

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who.
    pub name: Name,
    /// Where; `None` while offline.
    pub address: Option<SocketAddr>,
    /// Since when.
    pub since: WallTime,
}
