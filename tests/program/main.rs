//! The built program, as whoever starts it meets it: through pipes and terminals, with its arguments, its folders, its
//! signals, its full disk; and as other programs do, which use the library.
//!
//! One file for each kind of story; what they start and read it with is `common`. Invariant: no process outlives its
//! test.

mod alone;
mod arguments;
mod at_the_prompt;
mod classic_pipes;
mod classic_pty;
mod classic_terminals;
#[path = "../common/mod.rs"]
mod common;
mod crashes;
mod environment;
mod focus;
mod full_disk;
mod full_screen;
mod generated;
mod history;
mod identity;
mod json;
mod library;
mod line_mode;
mod machine;
mod once;
mod operators;
mod people;
mod rooms;
mod serverless;
mod services;
mod settings;
mod streams;
mod trace;
mod unheard;
