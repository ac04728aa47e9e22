//! What the two ends of a console share: what the typing end learns from what is printed at the other, and what is typed about
//! how that is done.
//!
//! Invariant: it is told of every event, in their order.

use std::sync::{Mutex, PoisonError};

use crate::cli::begun::Begun;
use crate::cli::focus::{Attention, Focus};
use crate::cli::known::Known;
use crate::cli::marks::Introductions;
use crate::cli::quiet::Quiet;
use crate::client::interface::Event;

/// What was heard, each thing by itself.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Whether the client has begun.
    pub(super) begun: Begun,
    /// To whom lines go.
    pub(super) attention: Attention,
    /// Which names there are.
    pub(super) known: Known,
    /// Whether anything may disturb.
    pub(super) quiet: Quiet,
    /// Who was introduced.
    introductions: Mutex<Introductions>,
}

impl Heard {
    /// At the start, with lines that go there.
    pub(super) fn with_focus(focus: Option<Focus>) -> Self {
        Self {
            attention: Attention::on(focus),
            ..Self::default()
        }
    }

    /// An event is about to be printed.
    pub(super) fn told(&self, event: &Event) {
        self.attention.told(event);
        self.known.told(event);
    }

    /// What is to be said before it of whoever has written it, if he was not introduced.
    pub(super) fn introduction(&self, event: &Event) -> Option<String> {
        let introductions = self.introductions.lock();
        introductions
            .unwrap_or_else(PoisonError::into_inner)
            .before(event)
    }

    /// It was printed.
    pub(super) fn printed(&self, event: &Event) {
        self.begun.note(event);
    }
}
