//! The server engine: directory and leases, mailboxes, admission, limits.

pub mod interface;
