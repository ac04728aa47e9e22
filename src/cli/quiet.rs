//! Whether somebody wants not to be disturbed: what he types sets it, and what would disturb him asks.
//!
//! Messages are shown all the same. Invariant: it is off at the start of each run.

use std::sync::atomic::{AtomicBool, Ordering};

/// The wish.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    on: AtomicBool,
}

impl Quiet {
    pub(super) fn set(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }
}

/// The answer to the wish.
pub(super) fn answer(on: bool) -> String {
    if on {
        "[Do not disturb: no bell and no --on-message program, until: dnd off]".to_owned()
    } else {
        "[The bell and the --on-message program are on again, where they are wanted.]".to_owned()
    }
}
