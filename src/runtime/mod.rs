//! The only place with sockets, threads, clocks, signals and other programs.
//!
//! Invariant: nothing in here decides anything about messages; it carries inputs to an engine and outputs away.

pub mod alarm;
pub mod child;
pub mod client;
pub mod clock;
pub mod driver;
pub mod log;
pub mod outlet;
pub mod program;
pub mod registry;
pub mod seeds;
pub mod signal;
pub mod socket;
pub mod start;
pub mod wake;
