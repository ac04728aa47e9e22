//! What the two ends of a console share: what the typing end learns from what is printed at the other, and what is typed about
//! how that is done.
//!
//! Invariant: it is told of every event, in their order.

use crate::cli::begun::Begun;
use crate::cli::focus::{Attention, Focus};
use crate::cli::known::Known;
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

    /// It was printed.
    pub(super) fn printed(&self, event: &Event) {
        self.begun.note(event);
    }
}
