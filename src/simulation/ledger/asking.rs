//! What people ask about rooms: what is open of it, and whether what the registry does was asked for.
//!
//! Invariant: what was asked is open until it is answered, or nobody hears of the answer any more.

use super::Ledger;
use crate::client::interface::{NotDone, RoomCommand, RoomEvent};
use crate::clock::Instant;
use crate::id::Name;
use crate::simulation::network::LATE;

/// What somebody has asked.
#[derive(Clone, Debug)]
struct Question {
    command: RoomCommand,
    at: Instant,
    /// Since when nobody waits for the answer: the program has ended, or has given up. What is under way may still be done.
    over: Option<Instant>,
    /// Whether it may be answered: that he is in a room is told unasked, too.
    may_be_answered: bool,
}

impl Question {
    const fn new(at: Instant, command: RoomCommand) -> Self {
        Self {
            command,
            at,
            over: None,
            may_be_answered: false,
        }
    }
}

/// What one person has asked, and has no answer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions(Vec<Question>);

impl Questions {
    /// Nobody waits for answers any more.
    pub(super) fn end(&mut self, at: Instant) {
        self.0
            .iter_mut()
            .for_each(|question| question.over = question.over.or(Some(at)));
        self.0
            .retain(|question| question.over.is_none_or(|over| at.since(over) <= LATE * 2));
    }

    fn open(&self) -> impl Iterator<Item = &Question> {
        self.0.iter().filter(|question| question.over.is_none())
    }

    /// Where the first of these stands; rather one that was not answered than one that may have been.
    fn place(&self, is_it: impl Fn(&RoomCommand) -> bool) -> Option<usize> {
        let open = |question: &&Question| question.over.is_none() && is_it(&question.command);
        let numbered = (0..).zip(&self.0).filter(|(_, question)| open(question));
        let (place, _) = numbered.min_by_key(|(_, question)| question.may_be_answered)?;
        Some(place)
    }

    /// The first of these is answered: when it was asked.
    fn take(&mut self, is_it: impl Fn(&RoomCommand) -> bool) -> Option<Instant> {
        let place = self.place(is_it)?;
        Some(self.0.remove(place).at)
    }

    /// The first of these may be answered: when it was asked.
    fn look(&mut self, is_it: impl Fn(&RoomCommand) -> bool) -> Option<Instant> {
        let place = self.place(is_it)?;
        let question = self.0.get_mut(place)?;
        question.may_be_answered = true;
        Some(question.at)
    }
}

fn enters(command: &RoomCommand, name: &Name) -> bool {
    matches!(command, RoomCommand::Create(room) | RoomCommand::Join(room) if room.matches(name))
}

impl Ledger {
    /// Somebody asks something of rooms.
    pub(in crate::simulation) fn asks_of_rooms(&mut self, at: Instant, person: usize, command: RoomCommand) {
        if let Some(questions) = self.questions.get_mut(person) {
            questions.0.push(Question::new(at, command));
        }
    }

    /// Whether somebody has asked for this, and it may still be done.
    pub(super) fn is_asked(&self, at: Instant, person: usize, is_it: impl Fn(&RoomCommand) -> bool) -> bool {
        let questions = self.questions.get(person).into_iter();
        questions.flat_map(|questions| &questions.0).any(|question| {
            let may_be_done = question.over.is_none_or(|over| at.since(over) <= LATE * 2);
            may_be_done && is_it(&question.command)
        })
    }

    /// Somebody's program asks to enter a room by itself, unless it is asking already.
    pub(super) fn enters_by_itself(&mut self, at: Instant, person: usize, room: Name) {
        let is_entering = self.is_entering(person, &room);
        if let Some(questions) = self.questions.get_mut(person)
            && is_entering != Some(true)
        {
            questions.0.push(Question {
                may_be_answered: is_entering.is_some(),
                ..Question::new(at, RoomCommand::Join(room))
            });
        }
    }

    /// Whether somebody's program is asking to get into a room; `Some(false)`: it may be.
    pub(super) fn is_entering(&self, person: usize, name: &Name) -> Option<bool> {
        let open = self.questions.get(person).into_iter().flat_map(Questions::open);
        let asking = open.filter(|question| enters(&question.command, name));
        asking.map(|question| !question.may_be_answered).max()
    }

    /// Something is told of rooms. If it answers a question: when that was asked.
    pub(super) fn answers_question(
        &mut self,
        at: Instant,
        person: usize,
        event: &RoomEvent,
    ) -> Option<Instant> {
        let questions = self.questions.get_mut(person)?;
        match event {
            // What is given up may have been done, or be about to be.
            RoomEvent::NotDone {
                command,
                why: NotDone::NoServer,
            } => {
                let place = questions.place(|asked| asked == command)?;
                let question = questions.0.get_mut(place)?;
                question.over = Some(at);
                Some(question.at)
            }
            RoomEvent::NotDone { command, .. } => questions.take(|asked| asked == command),
            RoomEvent::Entered { room, already: false } => {
                questions.take(|asked| enters(asked, &room.hall.name))
            }
            RoomEvent::Entered { room, .. } => questions.look(|asked| enters(asked, &room.hall.name)),
            RoomEvent::Left { room } => {
                questions.take(|asked| matches!(asked, RoomCommand::Leave(left) if left.matches(room)))
            }
            RoomEvent::Kicked { room, name, .. } => questions.take(
                |asked| matches!(asked, RoomCommand::Kick { room: of, name: who } if of.matches(room) && who == name),
            ),
            RoomEvent::Rooms(_) => questions.take(|asked| *asked == RoomCommand::List),
            RoomEvent::Members { room, .. } => {
                questions.take(|asked| matches!(asked, RoomCommand::Members(of) if of.matches(room)))
            }
            _ => None,
        }
    }

    /// How many of somebody's are open.
    pub(super) fn open_questions(&self, person: usize) -> usize {
        let questions = self.questions.get(person);
        questions.map_or(0, |questions| questions.open().count())
    }

    /// Questions that were not answered: none, after a healing.
    pub(super) fn unanswered_questions(&self) -> impl Iterator<Item = String> {
        let numbered = (0..).zip(&self.questions);
        numbered.flat_map(|(person, questions): (usize, _)| {
            let open = questions.open().filter(|question| !question.may_be_answered);
            open.map(move |question| format!("{person} has no answer to {:?}", question.command))
        })
    }
}
