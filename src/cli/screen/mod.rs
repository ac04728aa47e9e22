//! The full screen: conversations on the left, the open one beside them, and a line to type.
//!
//! | file | does |
//! |---|---|
//! | [`conversation`], [`model`], [`scrolling`] | what is shown: conversations, their lines, where one stands in them |
//! | [`telling`], [`pages`], [`keys`] | what changes it: what the client tells, what it has kept, what is typed |
//! | [`asked`] | what the client was asked and has not answered |
//! | [`input`] | the line that is typed |
//! | [`rows`], [`view`] | how it looks: lines as rows, the screen |
//! | [`stage`] | the terminal: who reads and draws, and who puts it back |
//!
//! All but [`stage`] are pure. Invariant: as `cli`'s: no byte from another person reaches the terminal but through `sanitise`.

mod asked;
mod conversation;
mod input;
mod keys;
mod model;
mod pages;
mod rows;
mod scrolling;
mod stage;
mod telling;
#[cfg(test)]
mod trial;
mod view;

pub(super) use stage::{Curtain, Keys, Teller, open};
