//! Both engines, the transport and real SQLite in a world of our own making: virtual time, a bad network, and
//! programs that are killed.
//!
//! One file for each kind of story; what they live in is `world`. Invariant: one seed gives one history.

mod bursts;
mod classic;
mod coming_back;
mod datagrams;
mod kills;
mod many_names;
mod odd;
mod serverless;
mod world;
