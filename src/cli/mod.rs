//! What a person types and reads: arguments, commands, prompt, rendering.
//!
//! | file | does |
//! |---|---|
//! | [`args`], `args_once`, `args_values`, [`usage`], `manual` | the command line into an [`args::Invocation`], or into what is wrong with it; the texts of `--help` |
//! | [`commands`], `commands_history`, `commands_people`, `commands_rooms`, `talk` | a typed line into a command, or into what is wrong with it; `talk` where there is no registry |
//! | [`spellings`] | how else commands are typed |
//! | [`focus`] | to whom lines go that are no command |
//! | [`render`], `render_contacts`, `render_history`, `render_rooms`, `render_status`, `render_users`, [`table`] | events into lines |
//! | [`mod@format`], `json`, `json_history`, `json_objects`, `json_parts`, `json_words`, `json_input` | the same as objects for programs, and what they ask with objects |
//! | [`sanitise`] | anybody's text into one that a terminal shows and never obeys |
//! | [`console`], [`printer`] | the two ends of a terminal or pipe: lines in, lines out |
//! | `prompt`, `plain` | the two ways to read lines: with an editor, and without |
//! | `once`, `sending`, `letter`, `receiving`, `lanes` | `--send` and `--recv`: a message and what becomes of it; messages for a program |
//! | `exporting` | `--export`: the whole history, read beside the client |
//! | [`simulate`], `figures` | `udpchat simulate`: what to simulate, and what came of it |
//! | `gate`, `begun`, `terminal` | who may write; when a pipe's lines are read; the settings put back |
//!
//! The rows down to [`sanitise`] are pure, but for the focus, which both ends share. Invariant: no byte from another person
//! reaches the terminal but through [`sanitise`].

pub mod args;
mod args_once;
mod args_values;
mod begun;
pub mod commands;
mod commands_history;
mod commands_people;
mod commands_rooms;
pub mod console;
mod exporting;
mod figures;
pub mod focus;
pub mod format;
mod gate;
mod json;
mod json_history;
mod json_input;
mod json_objects;
mod json_parts;
mod json_words;
mod lanes;
mod letter;
mod manual;
mod once;
mod plain;
pub mod printer;
mod prompt;
mod receiving;
pub mod render;
mod render_contacts;
mod render_history;
mod render_rooms;
mod render_status;
mod render_users;
pub mod sanitise;
mod sending;
pub mod simulate;
pub mod spellings;
pub mod start;
mod streams;
pub mod table;
mod talk;
mod terminal;
pub mod usage;
