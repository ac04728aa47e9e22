//! One text that was posted to a room, as all databases together have it, and when each of them came to have it so.
//!
//! Decides nothing. Invariant: filled from what was committed; what was told stands apart, to be held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::client::storage::{Finish, Key, Reach, State};
use crate::clock::{Instant, WallTime};
use crate::id::{Name, RoomId, Slot};
use crate::wire::room::PostNumber;

/// Its place in a room's log.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) room: RoomId,
    pub(super) number: PostNumber,
    /// When it came to stand in a log, the first time.
    pub(super) since: Instant,
    /// Whether it is a late copy of what had ended there: whoever has that does not show it.
    pub(super) is_again: bool,
    /// Whom it is for: who was there then, but for its author.
    pub(super) due: BTreeSet<usize>,
    /// Who of them has left without it.
    pub(super) lost: BTreeSet<usize>,
    /// How far it has come, once nobody waits for it any more.
    pub(super) ended: Option<Reach>,
}

/// A line on a member's screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// In which run of his program.
    run: u32,
    /// Whether that is on his disk.
    pub(super) marked: bool,
}

/// A post.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) author: usize,
    /// Where it was written to.
    pub(super) room: Name,
    pub(super) text: String,
    /// When it was typed: its lifetime begins.
    pub(super) written: Instant,
    pub(super) lives: Duration,
    /// Under which key it was accepted; `None`: it was not.
    pub(super) accepted: Option<Key>,
    /// Which room of that name that was then.
    pub(super) hall: Option<RoomId>,
    /// The time that its author's clock gave it.
    pub(super) sent_at: Option<WallTime>,
    pub(super) slot: Option<Slot>,
    /// Whether its author has recorded that the registry may have it.
    pub(super) given: bool,
    pub(super) standing: Option<Standing>,
    /// Whether its author has recorded that the registry keeps it.
    pub(super) stored: bool,
    /// How it has ended, as its author has recorded it first.
    pub(super) end: Option<(Finish, Instant)>,
    /// What its author was told last, and has seen.
    pub(super) told: Option<State>,
    /// In whose inbox it is.
    pub(super) inboxes: BTreeSet<usize>,
    /// Who may say that he has it: it is in his inbox, and where messages are handled it was.
    pub(super) had: BTreeSet<usize>,
    /// And who had it before his program began.
    pub(super) had_before: BTreeSet<usize>,
    pub(super) lines: BTreeMap<usize, Line>,
}

impl Post {
    /// What somebody has typed.
    pub(super) const fn new(
        author: usize,
        room: Name,
        text: String,
        written: Instant,
        lives: Duration,
    ) -> Self {
        Self {
            author,
            room,
            text,
            written,
            lives,
            accepted: None,
            hall: None,
            sent_at: None,
            slot: None,
            given: false,
            standing: None,
            stored: false,
            end: None,
            told: None,
            inboxes: BTreeSet::new(),
            had: BTreeSet::new(),
            had_before: BTreeSet::new(),
            lines: BTreeMap::new(),
        }
    }

    /// Its author's folder is again what a copy has, in which it was so, if it was there at all.
    pub(super) fn forgets(&mut self, copy: Option<&Self>) {
        self.accepted = copy.and_then(|copy| copy.accepted);
        self.slot = copy.and_then(|copy| copy.slot);
        self.given = copy.is_some_and(|copy| copy.given);
        self.stored = copy.is_some_and(|copy| copy.stored);
        self.end = copy.and_then(|copy| copy.end);
        self.told = copy.and_then(|copy| copy.told);
    }

    /// Where it stands, or stood, in this room.
    pub(super) fn stands_in(&self, room: RoomId) -> Option<&Standing> {
        self.standing.as_ref().filter(|standing| standing.room == room)
    }

    /// Whether it is somebody's turn to have it: it was for him, he has not left since, and it has not ended.
    pub(super) fn awaits(&self, person: usize) -> bool {
        self.is_for(person) && !self.had.contains(&person)
    }

    /// Whether it has still to come into somebody's inbox.
    pub(super) fn is_to_come(&self, person: usize) -> bool {
        self.is_for(person) && !self.inboxes.contains(&person)
    }

    fn is_for(&self, person: usize) -> bool {
        self.standing.as_ref().is_some_and(|standing| {
            standing.ended.is_none() && standing.due.contains(&person) && !standing.lost.contains(&person)
        })
    }

    /// Whether the registry has let go of it and its author does not know: his folder is an older copy.
    pub(super) fn is_beyond_asking(&self) -> bool {
        let is_there = self
            .standing
            .as_ref()
            .is_some_and(|standing| standing.ended.is_none());
        self.stored && self.end.is_none() && !is_there
    }

    /// Whether its line stands before what this run of a member's program shows next.
    pub(super) fn was_shown(&self, person: usize, run: u32) -> bool {
        let line = self.lines.get(&person);
        line.is_some_and(|line| line.marked || line.run == run)
    }

    /// Its line is written; whether it was before.
    pub(super) fn show(&mut self, person: usize, run: u32) -> bool {
        let line = Line { run, marked: false };
        self.lines.insert(person, line).is_some()
    }

    /// Whether its author may be told at this moment that it is so.
    pub(super) fn may_be_said(&self, state: State, at: Instant) -> bool {
        match state {
            State::Waiting => false,
            State::Stored => self
                .standing
                .as_ref()
                .is_some_and(|standing| standing.since <= at),
            State::Ended(end) => self.end.is_some_and(|(is, since)| is == end && since <= at),
        }
    }

    /// How it has ended at the registry, in its author's words.
    pub(super) fn reached(&self) -> Option<Finish> {
        let reach = self.standing.as_ref()?.ended?;
        Some(if reach.received == reach.of {
            Finish::Delivered
        } else {
            Finish::Reached(reach)
        })
    }
}
