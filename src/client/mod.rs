//! The client engine: registration, delivery by both roads, outbox, inbox, directory copy.

pub mod interface;
