//! What a person types and reads: arguments, commands, prompt, rendering.
//!
//! | file | turns |
//! |---|---|
//! | [`args`] | the command line into an [`args::Invocation`] |
//! | [`commands`] | a typed line into a command, or into what is wrong with it |
//! | [`render`], [`table`] | events into lines |
//! | [`sanitise`] | anybody's text into one that a terminal shows and never obeys |
//!
//! Those are pure. Invariant: no byte from another person reaches the terminal but through [`sanitise`].

pub mod args;
pub mod commands;
mod manual;
pub mod render;
pub mod sanitise;
pub mod table;
