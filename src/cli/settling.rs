//! Which messages typed through a pipe still have no state, so that the end of the input loses none.
//!
//! `echo 'send bob hi' | udpchat …` is to end when bob or the server has the message, or when it is clear that
//! it waits; not before, because then nobody would send it, and not never. Counts, and knows no message by
//! its id: a state of an older message may be taken for a newer one's, which ends the wait early and loses
//! nothing, since every accepted message is in the outbox.
//! Invariant: waiting ends: with the last state, with the program, or after a while.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::interface::{Event, NotAccepted};

/// Counts messages without a state.
#[derive(Debug, Default)]
pub(super) struct Settling {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first registration has been answered, or given up.
    begun: bool,
    ended: bool,
    unsettled: u64,
    /// Counts events that settle, to tell silence from slow progress.
    settled: u64,
}

impl Settling {
    /// A message was handed to the client.
    pub(super) fn sent(&self) {
        self.lock().unsettled += 1;
    }

    /// An event was printed.
    pub(super) fn note(&self, event: &Event) {
        let mut state = self.lock();
        match event {
            Event::Registered { .. } | Event::ServerSilent => state.begun = true,
            Event::Ended(_) => state.ended = true,
            Event::Received { .. }
            | Event::Stored { .. }
            | Event::Waiting { .. }
            | Event::Refused { .. }
            | Event::Expired { .. }
            | Event::NotAccepted(
                NotAccepted::TooLarge(_)
                | NotAccepted::ToSelf
                | NotAccepted::OutboxFull
                | NotAccepted::Storage(_)
                | NotAccepted::Leaving,
            ) => {
                state.unsettled = state.unsettled.saturating_sub(1);
                state.settled += 1;
            }
            _ => return,
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the client is registered for the first time, but not for longer than `patience`: a registry may put
    /// it off for as long as its disk is full. False if the program ends instead.
    pub(super) fn wait_begun(&self, patience: Duration) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |state| !state.begun && !state.ended)
            .unwrap_or_else(PoisonError::into_inner);
        !state.ended
    }

    /// Waits until at most so many messages have no state, or nothing has got one for `silence`.
    pub(super) fn wait_unsettled(&self, most: u64, silence: Duration) {
        let mut state = self.lock();
        while state.unsettled > most && !state.ended {
            let before = state.settled;
            let (next, timeout) = self
                .changed
                .wait_timeout_while(state, silence, |state| state.settled == before && !state.ended)
                .unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return;
            }
            state = next;
        }
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
    fn the_end_waits_for_the_last_state() {
        let settling = Settling::default();
        let to = "bob".parse::<crate::id::Name>().unwrap();
        settling.sent();
        settling.sent();
        std::thread::scope(|scope| {
            let wait = scope.spawn(|| settling.wait_unsettled(0, LONG));
            settling.note(&Event::NoAnswer { to: to.clone() });
            settling.note(&Event::Stored { to: to.clone() });
            settling.note(&Event::TableUpdated);
            assert!(!wait.is_finished());
            settling.note(&Event::Received { to: to.clone() });
            wait.join().unwrap();
        });
    }

    #[test]
    fn silence_and_the_end_of_the_program_end_the_wait() {
        let settling = Settling::default();
        settling.sent();
        settling.wait_unsettled(0, Duration::from_millis(1));
        settling.note(&Event::Ended(Ending::Done));
        settling.wait_unsettled(0, LONG);
        assert!(!settling.wait_begun(LONG));
    }

    #[test]
    fn input_begins_with_the_registration() {
        let settling = Settling::default();
        settling.note(&Event::TableUpdated);
        settling.note(&Event::Registered { returning: false });
        assert!(settling.wait_begun(LONG));
    }

    #[test]
    fn input_begins_in_any_case() {
        assert!(Settling::default().wait_begun(Duration::from_millis(1)));
    }
}
