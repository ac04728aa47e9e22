//! What stands on people's screens, and whether it may.
//!
//! A line repeats only where a crash has cut off its mark, and comes after all that was written before it, unless it
//! says that it is late.
//! Invariant: reads the ledger; changes in it only what was shown.

use super::invariant::Invariant;
use super::ledger::{Ledger, Verdict, number_of};
use crate::client::interface::{Incoming, Road};

impl Ledger {
    /// A message's line is written.
    pub(super) fn shown(&mut self, person: usize, message: &Incoming) -> Verdict {
        let run = self.run_of(person);
        let Some(letter) = self.find_mut(message.id, &message.text) else {
            return Err((
                Invariant::Authentic,
                format!("{:?} was shown and never written", message.text),
            ));
        };
        let (number, from) = (number_of(&letter.text).unwrap_or(0), letter.from);
        if letter.to != person || letter.text != message.text {
            return Err((
                Invariant::Authentic,
                format!("#{number} was shown as {:?} to {person}", message.text),
            ));
        }
        if letter.inbox.is_none() || letter.fell_out {
            return Err((
                Invariant::CommittedFirst,
                format!("#{number} was shown and is not in the inbox"),
            ));
        }
        if letter.marked || letter.shown_in == Some(run) {
            return Err((Invariant::OnceOnScreen, format!("#{number} was shown again")));
        }
        let again = letter.shown_in.replace(run).is_some();
        self.counts.repeated += u64::from(again);
        // A restored folder begins its numbers anew: there is no order between what it forgot and what it writes.
        if message.road == Road::Late || self.was_restored(from) {
            return Ok(());
        }
        let later = self.letters.iter().skip(number + 1).find(|later| {
            later.from == from && later.to == person && (later.marked || later.shown_in == Some(run))
        });
        match later {
            Some(later) => Err((
                Invariant::InOrder,
                format!("#{number} was shown after {:.8}", later.text),
            )),
            None => Ok(()),
        }
    }
}
