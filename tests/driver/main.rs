//! The loop of a process over real sockets, threads and time.
//!
//! What it owes a role is in `keeper`, what it makes of sessions in `sessions`. Invariant: no loop outlives its test.

mod keeper;
mod sessions;
