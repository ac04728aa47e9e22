//! Whether the client has begun: what is read from a pipe before would only be said to wait.
//!
//! Knows nothing of messages; when the program may end is the client's to say.
//! Invariant: waiting ends: with the first registration, with its failure, with the program, or after a while.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::interface::{ContactEvent, Event};

/// Where the client stands.
#[derive(Debug, Default)]
pub(super) struct Begun {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first registration has been answered, or given up; or there is no registry, and the port is open.
    begun: bool,
    ended: bool,
}

impl Begun {
    /// An event was printed.
    pub(super) fn note(&self, event: &Event) {
        let mut state = self.lock();
        match event {
            Event::Registered { .. }
            | Event::RegistrationRefused { .. }
            | Event::ServerSilent
            | Event::Contact(ContactEvent::Listening { .. }) => {
                state.begun = true;
            }
            Event::Ended(_) => state.ended = true,
            _ => return,
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the client is registered for the first time, but not for longer than `patience`: a registry may put
    /// it off for as long as its disk is full. False if the program ends instead.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |state| !state.begun && !state.ended)
            .unwrap_or_else(PoisonError::into_inner);
        !state.ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::interface::Ending;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn input_begins_with_the_registration() {
        let begun = Begun::default();
        begun.note(&Event::TableUpdated);
        begun.note(&Event::Registered { returning: false });
        assert!(begun.wait(LONG));
    }

    #[test]
    fn input_begins_in_any_case() {
        assert!(Begun::default().wait(Duration::from_millis(1)));
    }

    #[test]
    fn input_does_not_begin_where_the_program_has_ended() {
        let begun = Begun::default();
        begun.note(&Event::Ended(Ending::Done));
        assert!(!begun.wait(LONG));
    }
}
