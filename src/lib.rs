//! A messenger that needs nothing but UDP.
//!
//! The map, from the bottom up; a module uses those above it in this list, never one below:
//!
//! | module | holds |
//! |---|---|
//! | [`limits`], [`clock`], [`rate`], [`id`], [`identity`], [`reserved`], [`subnet`] | words that every layer shares |
//! | [`wire`] | bytes to types and back, nothing else |
//! | [`transport`] | reliable, encrypted sessions over datagrams |
//! | [`engine`], [`node`] | the run-loop contract, and a role joined to its endpoint |
//! | [`registry`], [`client`] | the two roles: what is decided |
//! | [`store`] | their databases |
//! | [`simulation`] | a world in which all of the above is tried |
//! | [`runtime`] | sockets, threads, clocks, signals |
//! | [`cli`] | what a person types and reads |
//! | [`chat`] | a client for other programs: beside [`cli`], not above it |
//!
//! Whoever wants to write a program that sends and answers messages needs [`Chat`] alone.
//!
//! Everything above [`store`] in the list is free of I/O: see [`engine`] for the contract.

pub mod chat;
pub mod cli;
pub mod client;
pub mod clock;
pub mod engine;
pub mod id;
pub mod identity;
pub mod limits;
pub mod node;
pub mod rate;
pub mod registry;
pub mod reserved;
pub mod runtime;
pub mod simulation;
pub mod store;
pub mod subnet;
pub mod transport;
pub mod wire;

pub use crate::chat::Chat;
