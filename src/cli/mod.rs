//! What a person types and reads: arguments, commands, prompt, rendering.
//!
//! | file | does |
//! |---|---|
//! | [`args`], `args_values`, [`usage`], `manual` | the command line into an [`args::Invocation`], or into what is wrong with it; the texts of `--help` |
//! | [`commands`], `commands_people`, `commands_rooms`, `talk` | a typed line into a command, or into what is wrong with it; `talk` where there is no registry |
//! | [`spellings`] | how else commands are typed |
//! | [`focus`] | to whom lines go that are no command |
//! | [`render`], `render_contacts`, `render_rooms`, `render_users`, [`table`] | events into lines |
//! | [`sanitise`] | anybody's text into one that a terminal shows and never obeys |
//! | [`console`], [`printer`] | the two ends of a terminal or pipe: lines in, lines out |
//! | `prompt`, `plain` | the two ways to read lines: with an editor, and without |
//! | [`simulate`], `figures` | `udpchat simulate`: what to simulate, and what came of it |
//! | `gate`, `begun`, `terminal` | who may write; when a pipe's lines are read; the settings put back |
//!
//! The rows down to [`sanitise`] are pure, but for the focus, which both ends share. Invariant: no byte from another person
//! reaches the terminal but through [`sanitise`].

pub mod args;
mod args_values;
mod begun;
pub mod commands;
mod commands_people;
mod commands_rooms;
pub mod console;
mod figures;
pub mod focus;
mod gate;
mod manual;
mod plain;
pub mod printer;
mod prompt;
pub mod render;
mod render_contacts;
mod render_rooms;
mod render_users;
pub mod sanitise;
pub mod simulate;
pub mod spellings;
pub mod start;
mod streams;
pub mod table;
mod talk;
mod terminal;
pub mod usage;
