//! The proof of the wire (PROTOCOL §2 to §6): golden bytes, properties, allocation and size bounds.
//!
//! Uses the crate as another program would. What the engines make of the messages is proven elsewhere.
//! Invariant: every variant of every enum on the wire has a golden entry; a new one without fails here.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test: what fails here fails loudly"
)]

mod allocation;
mod golden;
mod properties;
mod rooms;
mod samples;
mod sizes;
mod strategies;
