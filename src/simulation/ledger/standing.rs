//! What `status` says, held against what is so: which messages are unfinished, where each is, and who has a post.
//!
//! A program says what is unfinished in the turn in which it is asked. Nothing is committed in that, so that what it says is
//! judged exactly, but for what it has just told to be received. Who has a post the registry has said before: whoever had it
//! then has it still, and whoever had left without it then has left.
//! Invariant: judges what is told, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::ends::HEARSAY;
use super::{Ledger, Verdict};
use crate::client::interface::{MessageStatus, RoomEvent, Standing, Status};
use crate::client::storage::{Key, Reach, State as PostState};
use crate::client::to::To;
use crate::clock::{Instant, WallTime};
use crate::id::{Name, Slot};
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, State};
use crate::simulation::post::Post;
use crate::wire::envelope::Verdict as Answered;

/// What somebody's folder has, and has not ended there.
#[derive(Clone, Copy)]
enum Open<'a> {
    Letter(&'a Letter),
    Post(&'a Post),
}

impl Open<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Letter(letter) => &letter.text,
            Self::Post(post) => &post.text,
        }
    }

    const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Letter(letter) => letter.slot,
            Self::Post(post) => post.slot,
        }
    }

    const fn sent_at(&self) -> Option<WallTime> {
        match self {
            Self::Letter(letter) => letter.sent_at,
            Self::Post(post) => post.sent_at,
        }
    }

    /// Whether both are for the same person, or room.
    fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Letter(one), Self::Letter(other)) => one.to == other.to,
            (Self::Post(one), Self::Post(other)) => one.room.matches(&other.room),
            _ => false,
        }
    }

    /// Whether its recipient has another one under its number, so that it gets a new one.
    fn gets_another_number(&self) -> bool {
        matches!(self, Self::Letter(letter) if letter.declined.contains(&Answered::Conflict))
    }

    /// Whether its writer has recorded that the registry keeps it.
    fn is_recorded(&self) -> bool {
        match self {
            Self::Letter(letter) => letter.state == State::Stored,
            Self::Post(post) => post.stored,
        }
    }
}

/// By the order in which they were accepted.
type All<'a> = BTreeMap<Key, Open<'a>>;

impl Ledger {
    /// Somebody is told what of his is unfinished: that, and nothing else.
    pub(super) fn status_told(&self, at: Instant, person: usize, status: &Status) -> Verdict {
        let all = self.all_open(person);
        let mut listed = BTreeSet::new();
        for message in &status.messages {
            let found = all.iter().find(|(_, open)| open.slot() == Some(message.id.slot));
            let Some((key, open)) = found.filter(|_| self.people.get(&message.id.sender) == Some(&person))
            else {
                let what = format!("{person} is told of {message:?}, and nothing of that is open");
                return Err((Invariant::OneState, what));
            };
            if listed.last() >= Some(key) {
                let what = format!(
                    "{person} is told of {:.8} after what was accepted later",
                    open.text()
                );
                return Err((Invariant::InOrder, what));
            }
            listed.insert(*key);
            let why_not = self.why_it_is_another(open, message);
            let why_not = why_not.or_else(|| self.why_it_stands_elsewhere(at, person, (*key, &all), message));
            if let Some((invariant, why_not)) = why_not {
                let standing = message.standing;
                let what = format!("{:.8} is said to be {standing:?}, but {why_not}", open.text());
                return Err((invariant, what));
            }
        }
        self.is_all_told(person, status, &all, &listed)
    }

    fn all_open(&self, person: usize) -> All<'_> {
        let letters = self.letters.iter().filter_map(|letter| {
            let (_, key) = letter.accepted?;
            let is_his = letter.from == person && letter.is_accepted();
            (is_his && !letter.state.is_final()).then_some((key, Open::Letter(letter)))
        });
        let posts = self.posts.of_author(person).filter(|post| post.end.is_none());
        let posts = posts.filter_map(|post| Some((post.accepted?, Open::Post(post))));
        letters.chain(posts).collect()
    }

    fn why_it_is_another(&self, open: &Open<'_>, message: &MessageStatus) -> Option<(Invariant, String)> {
        let same = match (open, &message.to) {
            (Open::Letter(letter), To::Peer(_) | To::At(_)) => self.recipient(&message.to) == Some(letter.to),
            (Open::Post(post), To::Room(hall)) => post.hall == Some(hall.id) && post.room.matches(&hall.name),
            _ => false,
        };
        if same && open.sent_at() == Some(message.sent_at) {
            return None;
        }
        let what = format!("it is of {:?}, and not for {:?}", open.sent_at(), message.to);
        Some((Invariant::Authentic, what))
    }

    /// Why it cannot be where it is said to be, or cannot wait for what it is said to wait for.
    fn why_it_stands_elsewhere(
        &self,
        at: Instant,
        person: usize,
        (key, all): (Key, &All<'_>),
        message: &MessageStatus,
    ) -> Option<(Invariant, String)> {
        let open = all.get(&key)?;
        let standing = message.standing;
        if standing == Standing::Stored {
            let is_so = match open {
                Open::Letter(letter) => letter.may_be_said(State::Stored, at),
                Open::Post(post) => self.posts.is_lax || post.may_be_said(PostState::Stored, at),
            };
            let why_not = || (Invariant::CommittedFirst, "the registry has not kept it".into());
            return (!is_so).then(why_not);
        }
        let why_not = match standing {
            Standing::RegistryDisk | Standing::NoSuchName | Standing::NoRoom | Standing::Depositing
                if self.circle.is_some() =>
            {
                Some("there is no registry")
            }
            _ if open.is_recorded() && standing != Standing::Ended && !open.gets_another_number() => {
                Some("it is recorded that the registry keeps it")
            }
            Standing::Offline | Standing::Unreachable | Standing::RegistryDisk => {
                self.why_not_for_the_registry(person, standing)
            }
            Standing::Behind => {
                let mut before = all.range(..key);
                let is_first = !before.any(|(_, other)| open.goes_with(other));
                is_first.then_some("nothing for the same was written before it")
            }
            Standing::NoSuchName | Standing::NoRoom | Standing::Untrusted | Standing::Sent => match open {
                Open::Letter(letter) => self.why_not_for_its_recipient(at, letter, standing),
                Open::Post(_) if standing == Standing::NoRoom => None,
                Open::Post(_) => Some("posts are for rooms alone"),
            },
            Standing::Due | Standing::Depositing | Standing::Stored | Standing::Ended | Standing::Slowed => {
                None
            }
        };
        why_not.map(|why_not| (Invariant::OneState, why_not.into()))
    }

    fn why_not_for_the_registry(&self, person: usize, standing: Standing) -> Option<&'static str> {
        match standing {
            Standing::RegistryDisk => self.disks_take_all.then_some("no disk fails"),
            // What is for an address is not for the registry.
            _ => (self.circle.is_none() && self.is_with_registry(person)).then_some("the registry has him"),
        }
    }

    fn why_not_for_its_recipient(
        &self,
        at: Instant,
        letter: &Letter,
        standing: Standing,
    ) -> Option<&'static str> {
        match standing {
            Standing::NoSuchName => {
                // What was said last of him holds for as long as it may have been under way.
                let is_old = |since: Instant| at >= since + HEARSAY * 2;
                let joined = self.books.joined.get(&letter.to).copied().is_some_and(is_old);
                let known = joined && self.books.since.is_none_or(is_old);
                known.then_some("somebody has had the name for long")
            }
            Standing::NoRoom => {
                // Those behind one for which there was no room are put off with it.
                let with_it = |other: &&Letter| (other.from, other.to) == (letter.from, letter.to);
                let mut there = self.letters.iter().filter(with_it);
                let is_full = there.any(|other| !other.no_room.is_empty());
                (!is_full).then_some("there was room for all")
            }
            Standing::Untrusted => {
                let guests = self
                    .circle
                    .as_ref()
                    .is_some_and(|circle| circle.had_guests(letter.to));
                (!guests).then_some("nobody was taken for another")
            }
            _ => None,
        }
    }

    /// What is open is listed, or counted: before the first that is listed, or as not accepted yet.
    fn is_all_told(&self, person: usize, status: &Status, all: &All<'_>, listed: &BTreeSet<Key>) -> Verdict {
        let unlisted = all.iter().filter(|(key, _)| !listed.contains(*key));
        let (before, after): (Vec<_>, Vec<_>) =
            unlisted.partition(|(key, _)| listed.first().is_some_and(|first| *key < first));
        let is_open = |(_, open): &&(&Key, &Open<'_>)| !self.is_told_received(person, open);
        if let Some((_, open)) = after.iter().find(is_open) {
            let what = format!("{:.8} is open, and not among what is unfinished", open.text());
            return Err((Invariant::OneState, what));
        }
        let least = before.iter().filter(is_open).count();
        if !(least..=before.len()).contains(&status.earlier) {
            let what = format!(
                "{person} is told of {} before those, and there are {least}",
                status.earlier
            );
            return Err((Invariant::OneState, what));
        }
        let early = self.unanswered.get(person).map_or(0, Vec::len);
        if status.early == early {
            return Ok(());
        }
        let what = format!(
            "{person} is told of {} texts that are not accepted yet, and there are {early}",
            status.early
        );
        Err((Invariant::OneState, what))
    }

    /// Whether he was told in this run that it was received, which may not be recorded yet, and it is so.
    fn is_told_received(&self, person: usize, open: &Open<'_>) -> bool {
        let (Open::Letter(letter), Some(unseen)) = (open, self.unseen.get(person)) else {
            return false;
        };
        letter.may_be_had(self.receipts) && unseen.said().any(|said| said.is_receipt_of(letter))
    }

    /// Somebody is told who has a post of his: there is one of which that is so.
    pub(super) fn readers_told(&self, person: usize, event: &RoomEvent) -> Verdict {
        let RoomEvent::Readers {
            room,
            sent_at,
            reach,
            missing,
        } = event
        else {
            return Ok(());
        };
        let meant = self
            .posts
            .of_author(person)
            .filter(|post| post.room.matches(room) && post.sent_at == Some(*sent_at) && post.end.is_none());
        let mut so = meant.map(|post| self.why_not_had(post, *reach, missing));
        let first = so.next();
        if matches!(first, Some(None)) || so.any(|why_not| why_not.is_none()) {
            return Ok(());
        }
        self.posts.unless_lax(|| {
            let why_not = first.flatten().unwrap_or("there is no such post");
            let what = format!("{person} is told {event:?}, but {why_not}");
            (Invariant::CommittedFirst, what)
        })
    }

    /// Everybody for whom it is has it, has not, or has left without it.
    fn why_not_had(&self, post: &Post, said: Reach, missing: &[Name]) -> Option<&'static str> {
        let Some(standing) = &post.standing else {
            return Some("the registry has not kept it");
        };
        let missing: Option<BTreeSet<usize>> = missing.iter().map(|name| self.who(name)).collect();
        let Some(missing) = missing.filter(|missing| missing.is_subset(&standing.due)) else {
            return Some("it is not for all those");
        };
        let had = standing.due.iter().filter(|member| {
            let is_missing = missing.contains(*member);
            !is_missing && post.had.contains(*member)
        });
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let (received, of) = (count(said.received), count(said.of));
        if of != standing.due.len() {
            Some("it is for others, or more")
        } else if received > had.count() {
            Some("not so many have it")
        } else if received + missing.len() > of {
            Some("some of those have it")
        } else if of - received - missing.len() > standing.lost.len() {
            Some("not so many have left without it")
        } else {
            None
        }
    }
}
