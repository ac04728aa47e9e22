//! What a person types and reads: arguments, commands, prompt, rendering.
//!
//! | file | does |
//! |---|---|
//! | [`args`], `args_once`, `args_screen`, `args_words`, `args_values`, [`usage`], `manual` | the command line into an [`args::Invocation`], or into what is wrong with it; the texts of `--help` |
//! | `settings`, `keys`, `config_file`, `said`, [`surroundings`] | what is not typed: the environment, the configuration file, who says what |
//! | `generated` | completions and manual pages, of the definitions of the arguments |
//! | [`commands`], `commands_history`, `commands_people`, `commands_rooms`, `commands_trace`, `talk` | a typed line into a command, or into what is wrong with it; `talk` where there is no registry |
//! | [`spellings`] | how else commands are typed |
//! | `arguments`, `grammar` | what follows the word of a command; what helps to type it: completion, hints |
//! | [`render`], `render_contacts`, `render_history`, `render_net`, `render_people`, `render_rooms`, `render_status`, `render_trace`, `render_users`, [`table`] | events into lines |
//! | [`mod@format`], `json`, `json_history`, `json_objects`, `json_parts`, `json_net`, `json_trace`, `json_words`, `json_input`, `talk_objects` | the same as objects for programs, and what they ask with objects |
//! | [`sanitise`] | anybody's text into one that a terminal shows and never obeys |
//! | `marks`, `qr` | how well the keys behind names are known; a fingerprint as a picture |
//! | `paint`, `bell` | the colours of lines; what rings |
//! | [`console`], [`printer`] | the two ends of a terminal or pipe: lines in, lines out |
//! | `prompt`, `plain` | the two ways to read lines: with an editor, and without |
//! | `screen`, `front` | the full screen, in the place of both ends; which of the two shows what is told |
//! | `once`, `sending`, `letter`, `receiving`, `lanes` | `--send` and `--recv`: a message and what becomes of it; messages for a program |
//! | `exporting` | `--export`: the whole history, read beside the client |
//! | [`simulate`], `figures` | `udpchat simulate`: what to simulate, and what came of it |
//! | `gate`, `terminal` | who may write; the settings put back |
//! | `heard`: `begun`, [`focus`], `known`, `quiet` | what both ends share: when a pipe's lines are read; to whom lines go; which names there are; whether anything may disturb |
//! | `hook`, `handing` | `--on-message`: a program for each message that is shown; what one is given |
//! | `line_history` | what was typed, from run to run |
//!
//! The rows down to `paint` are pure, but for [`surroundings::Here`], which reads files. Invariant: no byte from another person
//! reaches the terminal but through [`sanitise`].

pub mod args;
mod args_once;
mod args_screen;
mod args_values;
mod args_words;
mod arguments;
mod begun;
mod bell;
pub mod commands;
mod commands_history;
mod commands_people;
mod commands_rooms;
mod commands_trace;
mod config_file;
pub mod console;
mod exporting;
mod figures;
pub mod focus;
pub mod format;
mod front;
mod gate;
mod generated;
mod grammar;
mod handing;
mod heard;
mod hook;
mod json;
mod json_history;
mod json_input;
mod json_net;
mod json_objects;
mod json_parts;
mod json_trace;
mod json_words;
mod keys;
mod known;
mod lanes;
mod letter;
mod line_history;
mod manual;
mod marks;
mod once;
mod paint;
mod plain;
pub mod printer;
mod prompt;
mod qr;
mod quiet;
mod receiving;
pub mod render;
mod render_contacts;
mod render_history;
mod render_net;
mod render_people;
mod render_rooms;
mod render_status;
mod render_trace;
mod render_users;
mod said;
pub mod sanitise;
mod screen;
mod sending;
mod settings;
pub mod simulate;
pub mod spellings;
pub mod start;
mod streams;
pub mod surroundings;
pub mod table;
mod talk;
mod talk_objects;
mod terminal;
pub mod usage;
