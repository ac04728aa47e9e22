//! Programs whose input has ended: how long they stay, what they have said by then, and how they end.
//!
//! A program says itself when it begins to leave; whether it might is judged by what was committed and what was told.
//! Invariant: nothing is judged of a program whose user still types.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Ledger, Verdict};
use crate::client::interface::{ContactEvent, Ending, Event};
use crate::clock::Instant;
use crate::limits::ATTEMPTS_TOTAL;
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, State, Told};
use crate::wire::envelope::Verdict as Answered;

/// A program has ended so long after it has told a state or taken mail last, if its machine does not sleep: it waits for as
/// long as the registry may take, as long again for each time that its reader is just then a line behind, and as long for
/// the registry to let it go. Twice what that comes to with a reader who is behind once.
pub(in crate::simulation) const ENDS_WITHIN: Duration = Duration::from_secs(6 * ATTEMPTS_TOTAL.as_secs());

/// A program that has begun to leave.
#[derive(Clone, Copy, Debug)]
struct Left {
    at: Instant,
    /// Before the time was over in which something may move: nothing was on its way. Whom the registry has never had it
    /// turns away, or leaves alone, whatever is on its way.
    settled: bool,
    /// While the registry had it, which has run since before it began: a session does not end then but in silence.
    registered: bool,
}

/// How a program comes to leave.
#[derive(Clone, Debug, Default)]
pub(super) struct Going {
    /// When the input ended.
    input: Option<Instant>,
    /// When it, or a state that was told since, was last, but for what is told in this turn.
    moved: Instant,
    tells: bool,
    /// The same with all that may have kept it.
    stirred: Instant,
    left: Option<Left>,
    /// How often it was told in this run that a message waits, by to whom.
    waits: BTreeMap<usize, usize>,
    /// Whether the registry has it, and ever had in this run.
    registered: bool,
    was_registered: bool,
}

impl Ledger {
    /// Nothing more is typed. It may be leaving already.
    pub(in crate::simulation) fn input_ends(&mut self, at: Instant, person: usize, leaving: bool) {
        if let Some(going) = self.going.get_mut(person) {
            going.input = Some(at);
            going.moved = at;
            going.stirred = at;
            going.left = leaving.then_some(Left {
                at,
                settled: false,
                registered: false,
            });
        }
    }

    /// Something has kept somebody's program until then.
    pub(in crate::simulation) fn stirs(&mut self, person: usize, until: Instant) {
        if let Some(going) = self.going.get_mut(person) {
            going.stirred = going.stirred.max(until);
        }
    }

    /// By when somebody's program has ended, unless something moves; `None` where the input goes on.
    pub(in crate::simulation) fn is_gone_by(&self, person: usize) -> Option<Instant> {
        let going = self.going.get(person).filter(|going| going.input.is_some())?;
        Some(going.stirred + ENDS_WITHIN)
    }

    /// A turn of somebody's program is over, and all is told that it has told.
    pub(in crate::simulation) fn turned(
        &mut self,
        at: Instant,
        person: usize,
        (leaving, registered): (bool, bool),
    ) {
        let verdict = self.has_read(person);
        self.judge(at, verdict);
        let begun = self.begun.get(person).copied();
        let Some(going) = self.going.get_mut(person) else {
            return;
        };
        if leaving && going.input.is_some() && going.left.is_none() {
            going.left = Some(Left {
                at,
                settled: at < going.moved + ATTEMPTS_TOTAL && going.was_registered,
                registered: going.registered && begun > Some(self.registry_begun),
            });
        }
        if std::mem::take(&mut going.tells) {
            going.moved = at;
        }
        going.registered = registered;
        going.was_registered |= registered;
    }

    /// Whether the registry had somebody when the last turn of his program was over.
    pub(super) fn is_with_registry(&self, person: usize) -> bool {
        self.going.get(person).is_some_and(|going| going.registered)
    }

    /// What is told of the way there.
    pub(super) fn follow(&mut self, at: Instant, person: usize, event: &Event) {
        let to = match event {
            Event::Waiting { to } => self.who(to),
            Event::Contact(ContactEvent::Waiting { to, .. }) => self.contact(to),
            _ => None,
        };
        let Some(going) = self.going.get_mut(person) else {
            return;
        };
        if event.is_state() {
            going.tells = true;
            going.stirred = at;
        }
        if matches!(event, Event::ServerSilent | Event::Superseded) {
            going.registered = false;
        }
        let Some(to) = to else { return };
        *going.waits.entry(to).or_default() += 1;
        // What was stored may wait again: for the registry has lost it, or its recipient has another one under its number.
        if let Some(left) = going.left.filter(|left| left.settled)
            && !self.letters.iter().any(|letter| {
                letter.from == person
                    && (letter.was_stranded(left.at, at)
                        || letter.to == to && letter.declined.contains(&Answered::Conflict))
            })
        {
            let what = format!(
                "{person} has left for all was settled, and is told then of a message to {to} that waits"
            );
            self.violated(at, Invariant::LeavesSettled, what);
        }
    }

    /// Somebody's program has said that it ends.
    pub(super) fn ended(&self, person: usize, ending: Ending) -> Verdict {
        let Some(going) = self.going.get(person).filter(|going| going.input.is_some()) else {
            return Ok(());
        };
        let why_not = match ending {
            Ending::Done => None,
            Ending::Unreached | Ending::ServerSilent if !going.was_registered => None,
            _ => Some(format!("ends as {ending:?}, though it was registered")),
        };
        let why_not = why_not.or_else(|| self.what_is_unsaid(person, going));
        let left = going.left.filter(|left| left.settled);
        let why_not = why_not.or_else(|| self.what_is_unread(person, left?));
        let why_not = why_not.or_else(|| self.what_is_undone(person));
        why_not.map_or(Ok(()), |why_not| {
            Err((
                Invariant::LeavesSettled,
                format!("the program of {person} {why_not}"),
            ))
        })
    }

    /// A message whose state was not told, and that was not said to wait.
    fn what_is_unsaid(&self, person: usize, going: &Going) -> Option<String> {
        let (unseen, run) = (self.unseen.get(person)?, self.run_of(person));
        (0..self.names.len()).find_map(|to| {
            let unknown = |letter: &&Letter| {
                letter.from == person
                    && letter.to == to
                    && letter.is_accepted()
                    && letter.is_remembered()
                    && !letter.told.is_some_and(|told| letter.is_told_by(told, run))
            };
            let unknown: Vec<&Letter> = self.letters.iter().filter(unknown).collect();
            let lines = unseen.said().filter(|said| said.may_be_to(to)).count()
                + going.waits.get(&to).copied().unwrap_or(0);
            let first = unknown.first().filter(|_| unknown.len() > lines)?;
            Some(format!(
                "has told {lines} states of {} messages to {to}, the first of them {:.7}, {:?}",
                unknown.len(),
                first.text,
                first.state
            ))
        })
    }

    /// Mail that was there, or was kept for him before his program began, and that he has not seen; but for what his program
    /// has answered otherwise: it has another one under that number, or was told that it would not come.
    fn what_is_unread(&self, person: usize, left: Left) -> Option<String> {
        let run = self.run_of(person);
        let begun = self.begun.get(person).copied()?;
        let here = |letter: &Letter| {
            let stands = letter.stands.is_some_and(|arrived| arrived.at < left.at);
            stands && !letter.was_shown(run)
        };
        let there = |letter: &Letter| {
            left.registered
                && self.disks_take_all
                && letter.stands.is_none()
                && letter.declined.is_empty()
                && self.waits_there_since(letter, begun)
        };
        let mut letters = self.letters.iter().filter(|letter| letter.to == person);
        let unread = letters.find(|letter| here(letter) || there(letter))?;
        Some(format!(
            "has ended for all was settled, and has not shown {:.7}",
            unread.text
        ))
    }

    /// Where all is well: a message that has not come to its end, nor to the registry.
    fn what_is_undone(&self, person: usize) -> Option<String> {
        let undone = |letter: &&Letter| {
            letter.from == person && letter.is_accepted() && letter.state == State::Waiting && self.is_well
        };
        let undone = self.letters.iter().find(undone)?;
        Some(format!(
            "has ended while all is well, and {:.7} waits",
            undone.text
        ))
    }
}

impl Letter {
    /// Whether its sender knows how it stands, who has seen this. That it is stored is told before he has recorded it.
    fn is_told_by(&self, told: Told, run: u32) -> bool {
        told.state == self.state || (told.run == run && !self.state.is_final())
    }
}
