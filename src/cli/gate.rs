//! Who may write to the terminal now: while a line is edited only the editor, otherwise anybody.
//!
//! The editor redraws the typed line around what it prints; a stray write would be drawn over or would break
//! the line. So the prompt's thread says here what it is doing, and the printer asks before it writes.
//! Invariant: a direct write happens only under the lock, with no line on the screen.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the prompt's thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Something else than reading a line.
    Between,
    /// About to show the prompt: soon `Editing`.
    Starting,
    /// A line is being edited. The number is that of the line.
    Editing(u64),
    /// It will not read any more.
    Closed,
}

/// The shared state.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    lines: u64,
}

/// Leave to write directly, as long as it is held.
pub(super) struct Leave<'a>(#[expect(dead_code, reason = "held, not read")] MutexGuard<'a, State>);

impl Gate {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Between,
                lines: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// The prompt's thread begins another thing.
    pub(super) fn enter(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = phase;
        drop(state);
        self.changed.notify_all();
    }

    /// The prompt is on the screen. Said at every key; it counts once a line.
    pub(super) fn editing(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Starting {
            state.lines += 1;
            state.phase = Phase::Editing(state.lines);
            drop(state);
            self.changed.notify_all();
        }
    }

    /// What is done now.
    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Leave to write directly; `None` while a line is edited, which the editor must write around.
    pub(super) fn leave(&self) -> Option<Leave<'_>> {
        // From `Starting` to `Editing` is a matter of microseconds; the bound is for an editor that fails there.
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), START_MAX, |state| state.phase == Phase::Starting)
            .unwrap_or_else(PoisonError::into_inner);
        (!matches!(state.phase, Phase::Editing(_))).then_some(Leave(state))
    }

    /// Waits, not for long, until a line is edited; its number. `None` if none will be, or not soon.
    pub(super) fn edited_line(&self) -> Option<u64> {
        let pending = |state: &mut State| matches!(state.phase, Phase::Between | Phase::Starting);
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), BETWEEN_MAX, pending)
            .unwrap_or_else(PoisonError::into_inner);
        match state.phase {
            Phase::Editing(line) => Some(line),
            Phase::Between | Phase::Starting | Phase::Closed => None,
        }
    }

    /// A panic elsewhere leaves a phase that is still true.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const START_MAX: Duration = Duration::from_secs(1);

/// A command is handed over in less, unless the client is busy; then printing must not wait for it, because the
/// client may be waiting for the printer.
const BETWEEN_MAX: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_the_editor_writes_while_a_line_is_edited() {
        let gate = Gate::new();
        assert!(gate.leave().is_some());
        gate.editing();
        assert!(
            gate.leave().is_some(),
            "a late word of the last line opens no new one"
        );
        gate.enter(Phase::Starting);
        gate.editing();
        gate.editing();
        assert_eq!(gate.phase(), Phase::Editing(1));
        assert!(gate.leave().is_none());
        gate.enter(Phase::Closed);
        assert!(gate.leave().is_some());
        assert_eq!(gate.edited_line(), None);
    }

    #[test]
    fn a_write_waits_for_the_prompt_that_is_about_to_come() {
        let gate = Gate::new();
        gate.enter(Phase::Starting);
        std::thread::scope(|scope| {
            let direct = scope.spawn(|| gate.leave().is_some());
            let line = scope.spawn(|| gate.edited_line());
            gate.editing();
            assert!(!direct.join().unwrap());
            assert_eq!(line.join().unwrap(), Some(1));
        });
    }
}
