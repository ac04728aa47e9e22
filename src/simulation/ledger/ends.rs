//! Whether a message may end as its sender has it: before its time, by whom, and for which cause.
//!
//! In these worlds names are not released and registries do not lie, so that few causes are left. What has led to an
//! end is known here before it, but not at once: the registry may have changed its mind while its word was under way.
//! Invariant: judges what is committed, and changes nothing.

use std::time::Duration;

use super::{LIFETIME_SLACK, Ledger, Verdict};
use crate::client::interface::Refusal;
use crate::client::storage::{Finish, Key};
use crate::clock::{AgeClock, Instant};
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, State};
use crate::wire::envelope::Verdict as Answered;

/// So long after a name was registered somebody may have heard last that nobody has it, and so long after a registry's
/// database was lost what it had said.
pub(super) const HEARSAY: Duration = Duration::from_secs(60);

impl Ledger {
    /// A sender has recorded an end.
    pub(super) fn finished(&mut self, at: Instant, person: usize, key: Key, end: Finish) -> Verdict {
        let joined = |to: usize| self.books.joined.get(&to).copied();
        let number = self.by_key.get(&(person, key)).copied();
        if let Some(letter) = number.and_then(|number| self.letters.get(number))
            && !letter.state.is_final()
            && letter.is_remembered()
        {
            let why_not = match end {
                // People write to each other there, and in no rooms.
                Finish::Delivered | Finish::Reached(_) => None,
                Finish::Expired => self.why_not_expired(at, letter),
                Finish::Refused(reason) => letter.why_not_refused(reason, joined(letter.to)),
            };
            if let Some(why_not) = why_not {
                return Err((
                    Invariant::HonestEnd,
                    format!("{:.7} has ended as {end:?}, but {why_not}", letter.text),
                ));
            }
        }
        self.now_is(at, person, key, State::from(end))?;
        if let (Finish::Refused(reason), Some((_, letter))) = (end, self.by_key_mut(person, key)) {
            letter.refusals.push(reason);
        }
        Ok(())
    }

    /// A lifetime has one judge: its sender, as long as the registry cannot have it, and then the registry. What one that has
    /// lost its database has said is under way for a while.
    fn why_not_expired(&self, at: Instant, letter: &Letter) -> Option<&'static str> {
        let there = self.is_there(letter);
        let lately = self.books.since.is_some_and(|since| at.since(since) < HEARSAY);
        if self.lives(at, letter) {
            Some("its time is not over")
        } else if there && !lately && !letter.was_ended_there() {
            Some("that is the registry's to say")
        } else {
            None
        }
    }
}

impl Ledger {
    /// Whether a message's lifetime is not over. Between two runs a wall clock that is wrong may add what it can.
    pub(super) fn lives(&self, at: Instant, letter: &Letter) -> bool {
        let pauses = self.run_of(letter.from) + self.registry_runs;
        let error = if self.clocks_true {
            Duration::ZERO
        } else {
            AgeClock::PAUSE_MAX * pauses
        };
        at.since(letter.written) + LIFETIME_SLACK + error < letter.lives
    }
}

impl Letter {
    /// Whether the registry may have said when it ended that nobody had the name, which somebody has since `joined`.
    pub(super) fn may_have_had_nobody(&self, joined: Option<Instant>) -> bool {
        let mut ends = self.ends.iter();
        joined.is_none_or(|joined| ends.any(|(_, ended, _)| *ended < joined + HEARSAY))
    }

    fn why_not_refused(&self, reason: Refusal, joined: Option<Instant>) -> Option<&'static str> {
        let accepted = self.accepted.map(|(at, _)| at);
        match reason {
            Refusal::NoSuchName => {
                let known = joined.is_some_and(|joined| accepted > Some(joined + HEARSAY));
                known.then_some("somebody has the name")
            }
            Refusal::Registry(reason) => {
                (!self.no_room.contains(&reason)).then_some("the registry had no such cause")
            }
            Refusal::Skipped => {
                let skipped = self.declined.contains(&Answered::Skipped);
                (!skipped).then_some("its recipient has not skipped it")
            }
            Refusal::Unproven => Some("nobody has told anything untrue"),
            Refusal::Oneself => Some("nothing was for its sender's own address"),
        }
    }
}
