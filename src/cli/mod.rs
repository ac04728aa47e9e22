//! What a person types and reads: arguments, commands, prompt, rendering.
//!
//! | file | does |
//! |---|---|
//! | [`args`], `args_once`, `args_words`, `args_values`, [`usage`], `manual` | the command line into an [`args::Invocation`], or into what is wrong with it; the texts of `--help` |
//! | `settings`, `keys`, `config_file`, `said`, [`surroundings`] | what is not typed: the environment, the configuration file, who says what |
//! | `generated` | completions and manual pages, of the definitions of the arguments |
//! | [`commands`], `commands_people`, `commands_rooms`, `talk` | a typed line into a command, or into what is wrong with it; `talk` where there is no registry |
//! | [`spellings`] | how else commands are typed |
//! | [`focus`] | to whom lines go that are no command |
//! | [`render`], `render_contacts`, `render_rooms`, `render_status`, `render_users`, [`table`] | events into lines |
//! | [`mod@format`], `json`, `json_objects`, `json_parts`, `json_words`, `json_input` | the same as objects for programs, and what they ask with objects |
//! | [`sanitise`] | anybody's text into one that a terminal shows and never obeys |
//! | [`console`], [`printer`] | the two ends of a terminal or pipe: lines in, lines out |
//! | `prompt`, `plain` | the two ways to read lines: with an editor, and without |
//! | `once`, `sending`, `letter`, `receiving`, `lanes` | `--send` and `--recv`: a message and what becomes of it; messages for a program |
//! | [`simulate`], `figures` | `udpchat simulate`: what to simulate, and what came of it |
//! | `gate`, `begun`, `terminal` | who may write; when a pipe's lines are read; the settings put back |
//!
//! The rows down to [`sanitise`] are pure, but for the focus, which both ends share, and [`surroundings::Here`], which reads
//! files. Invariant: no byte from another person
//! reaches the terminal but through [`sanitise`].

pub mod args;
mod args_once;
mod args_values;
mod args_words;
mod begun;
pub mod commands;
mod commands_people;
mod commands_rooms;
mod config_file;
pub mod console;
mod figures;
pub mod focus;
pub mod format;
mod gate;
mod generated;
mod json;
mod json_input;
mod json_objects;
mod json_parts;
mod json_words;
mod keys;
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
mod render_rooms;
mod render_status;
mod render_users;
mod said;
pub mod sanitise;
mod sending;
mod settings;
pub mod simulate;
pub mod spellings;
pub mod start;
mod streams;
pub mod surroundings;
pub mod table;
mod talk;
mod terminal;
pub mod usage;
