//! What stands on people's screens, and whether it may.
//!
//! A line repeats only where a crash has cut off its mark, and comes after all that was written before it, unless it
//! says that it is late: then what overtook it had been held back for it.
//! Invariant: reads the ledger; changes in it only what was shown.

use std::time::Duration;

use super::invariant::Invariant;
use super::ledger::{Ledger, Number, Verdict};
use super::letter::{Arrived, Letter, Shown};
use crate::client::interface::{Incoming, Road};
use crate::clock::{Instant, WallTime};
use crate::id::{MessageId, Name};

/// So long is held back what has come before its predecessor, at least: as the contract says it, whatever the program does.
const HELD: Duration = Duration::from_secs(2);

impl Ledger {
    /// A message's line is written.
    pub(super) fn shown(&mut self, at: Instant, person: usize, message: &Incoming) -> Verdict {
        let run = self.run_of(person);
        let (from, sent_at) = (&message.from, message.sent_at);
        let number = self.number_to(person, &message.text).unwrap_or(0);
        let letter = self.written(person, message.id, from, sent_at, &message.text)?;
        let Some(stands) = letter.stands else {
            return Err((
                Invariant::CommittedFirst,
                format!("#{number} was shown and is not in the inbox"),
            ));
        };
        if letter.was_shown(run) {
            return Err((Invariant::OnceOnScreen, format!("#{number} was shown again")));
        }
        if message.road != Road::Late
            && stands.stored != matches!(message.road, Road::Stored | Road::Room { .. })
        {
            return Err((
                Invariant::Authentic,
                format!(
                    "#{number} was shown as {:?} and has come {stands:?}",
                    message.road
                ),
            ));
        }
        let slot = message.id.slot;
        let again = letter.shown.replace(Shown { at, run, slot }).is_some();
        self.counts.repeated += u64::from(again);
        self.in_its_turn(number, message.road == Road::Late)
    }

    /// The message that `person` has, or is shown, in these words: its sender has written it to him, so, and then.
    pub(super) fn written(
        &mut self,
        person: usize,
        id: MessageId,
        from: &Name,
        sent_at: WallTime,
        text: &str,
    ) -> Result<&mut Letter, (Invariant, String)> {
        let names = self.names.clone();
        let Some(letter) = self.find_mut(person, id, text) else {
            let what = format!("{text:?} came from {from} and was never written");
            return Err((Invariant::Authentic, what));
        };
        let what = if letter.to != person || letter.text != text {
            format!("{:.7} came as {text:?} to {person}", letter.text)
        } else if names.get(letter.from) != Some(from) {
            format!("{:.7} came as a message of {from}", letter.text)
        } else if letter.sent_at != Some(sent_at) {
            format!(
                "{:.7} came as of {sent_at:?}, and is of {:?}",
                letter.text, letter.sent_at
            )
        } else {
            return Ok(letter);
        };
        Err((Invariant::Authentic, what))
    }

    /// A line has been written: before its successors, or as late and after successors that were held back.
    fn in_its_turn(&self, number: Number, is_late: bool) -> Verdict {
        let Some((letter, shown)) = self
            .letters
            .get(number)
            .and_then(|letter| Some((letter, letter.shown?)))
        else {
            return Ok(());
        };
        let successors = || {
            self.successors(number, shown)
                .filter_map(|later| Some((later, later.shown?, later.stands?)))
        };
        let stand = successors().filter(|(later, _, _)| later.was_shown(shown.run));
        let Some((first, overtaken, _)) = stand.min_by_key(|(_, shown, _)| shown.at) else {
            return match is_late {
                false => Ok(()),
                true => Err((
                    Invariant::InOrder,
                    format!("#{number} is shown as late, and nothing before it that was written later"),
                )),
            };
        };
        if !is_late {
            return Err((
                Invariant::InOrder,
                format!("#{number} was shown after {:.8}", first.text),
            ));
        }
        // Those that went together: the longest held took the others with it. A crash may have cut off its mark, so that it was
        // shown again since.
        let together =
            successors().filter(|(_, shown, _)| shown.at == overtaken.at || shown.run > overtaken.run);
        let since = together.map(|(_, _, Arrived { at, .. })| at).min();
        let held = since.map_or(Duration::ZERO, |since| overtaken.at.since(since));
        if held < HELD {
            return Err((
                Invariant::InOrder,
                format!(
                    "{:.7} was overtaken at {} by {:.8}, which was held back for {held:?}",
                    letter.text, overtaken.at, first.text
                ),
            ));
        }
        Ok(())
    }

    /// What was ever shown and was written after this by the same person. One whose folder was restored begins his numbers
    /// anew: there is no order between what it forgot and what it writes.
    fn successors(&self, number: Number, shown: Shown) -> impl Iterator<Item = &Letter> {
        let ends = self.letters.get(number).map(|letter| (letter.from, letter.to));
        let restored = ends.is_some_and(|(from, _)| self.was_restored(from));
        let slot = shown.slot;
        let is_after = move |place: Number, later: &Letter| match restored {
            false => place > number,
            true => later
                .shown
                .is_some_and(|shown| shown.slot.epoch == slot.epoch && shown.slot > slot),
        };
        let letters = self.letters.iter().enumerate();
        letters
            .filter(move |(place, later)| Some((later.from, later.to)) == ends && is_after(*place, later))
            .map(|(_, later)| later)
    }
}
