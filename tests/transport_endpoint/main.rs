//! The endpoint from outside: handshakes, forgeries, floods, moves and ends, on a virtual network and clock.
//!
//! Each file asks one question; `net.rs` is the world in which they are asked. What happens inside a session is
//! tested beside `src/transport/session.rs`.
//! Invariant: a test names what a user of the endpoint would notice.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test: what fails here fails loudly"
)]

mod chaos;
mod crossing;
mod ends;
mod figures;
mod finishes;
mod flood;
mod forgery;
mod handshake;
mod moves;
mod net;
mod scale;
