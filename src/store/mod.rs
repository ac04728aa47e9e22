//! SQLite behind the roles: one database each, one worker, group commit.
//!
//! [`database`] opens, upgrades and commits; a role's own files beside it say what its requests do to
//! its tables. The schemas are SQL under `migrations/<role>/`, append-only.
//! Invariant: a reply says committed only after `COMMIT` has returned, and `COMMIT` has synced the disk.

pub mod archive;
mod bits;
pub mod client;
mod client_history;
mod client_image;
mod client_inbox;
mod client_names;
mod client_outbox;
mod client_removal;
mod client_rooms;
pub mod database;
pub mod folder;
mod header;
pub mod identity_file;
pub mod profile;
pub mod registry;
mod registry_logs;
mod registry_mail;
mod registry_rooms;
pub mod worker;
