//! Folders of clients that are older copies of themselves: what was known when they were made is known again, and no more.
//!
//! Says what a folder has; what may still be expected of messages that it has half forgotten is judged where it shows.
//! Invariant: what somebody has written since his folder was restored is held to all that is promised.

use std::collections::BTreeMap;

use super::{Ledger, number_of};
use crate::clock::Instant;
use crate::simulation::letter::{Letter, Memory, State, Stay};
use crate::simulation::post::Post;

/// What a copy of somebody's folder has.
#[derive(Clone, Default)]
pub(in crate::simulation) struct Folder {
    letters: Vec<Letter>,
    posts: Vec<Post>,
    store_id: Option<[u8; 16]>,
    /// Whom he has met by address.
    met: BTreeMap<usize, Instant>,
}

impl Ledger {
    /// Somebody's folder as it is now, to be put back later.
    pub(in crate::simulation) fn copy_of_folder(&self, person: usize) -> Folder {
        Folder {
            letters: self.letters.clone(),
            posts: self.posts.posts.clone(),
            met: self.met_by(person).collect(),
            store_id: self.store_ids.get(person).copied().flatten(),
        }
    }

    /// Somebody's folder is what the copy has.
    pub(in crate::simulation) fn other_folder(&mut self, at: Instant, person: usize, folder: &Folder) {
        self.restored.insert(person);
        self.met.retain(|(who, _), _| *who != person);
        self.met
            .extend(folder.met.iter().map(|(there, since)| ((person, *there), *since)));
        self.posts.forget(person, &folder.posts);
        self.by_key.retain(|(owner, _), _| *owner != person);
        self.by_slot.retain(|(owner, _), _| *owner != person);
        for (number, letter) in self.letters.iter_mut().enumerate() {
            let copy = folder.letters.get(number);
            if letter.to == person {
                letter.falls_out(copy);
            }
            if letter.from != person {
                continue;
            }
            letter.forgets(copy);
            if let (true, Some((_, key)), Some(slot)) = (letter.is_accepted(), letter.accepted, letter.slot) {
                self.by_key.insert((person, key), number);
                self.by_slot.insert((person, slot), number);
                // What has had another number since has this one again, and the registry may have it so.
                if self
                    .books
                    .row(person, slot)
                    .is_some_and(|row| row.number == number)
                {
                    letter.kept.push(Stay::new(at, self.books.store_id));
                }
            }
        }
        if let Some(known) = self.store_ids.get_mut(person) {
            *known = folder.store_id;
        }
    }

    /// Whom somebody has met by address.
    fn met_by(&self, person: usize) -> impl Iterator<Item = (usize, Instant)> {
        let met = self.met.iter().filter(move |((who, _), _)| *who == person);
        met.map(|((_, there), since)| (*there, *since))
    }

    /// Whether somebody's folder was ever an older copy.
    pub(in crate::simulation) fn was_restored(&self, person: usize) -> bool {
        self.restored.contains(&person)
    }

    /// Messages that a restored folder takes for kept by the registry, which has let go of them: their ends were told, and
    /// are forgotten. They are asked for when their lifetimes are over (PROTOCOL §9.2).
    pub(in crate::simulation) fn is_beyond_asking(&self, letter: &Letter) -> bool {
        letter.memory == Memory::Older && letter.state == State::Stored && !self.is_there(letter)
    }

    /// How many of them somebody has.
    pub(in crate::simulation) fn beyond_asking(&self, person: usize) -> usize {
        let his = self.letters.iter().filter(|letter| letter.from == person);
        let letters = his.filter(|letter| self.is_beyond_asking(letter)).count();
        let posts = self.posts_beyond_asking(person).count();
        letters + posts
    }

    /// The same of posts.
    fn posts_beyond_asking(&self, person: usize) -> impl Iterator<Item = &Post> {
        let his = self.posts.of_author(person);
        his.filter(move |post| self.was_restored(person) && post.is_beyond_asking())
    }

    /// Whether this text of his is one of those.
    pub(in crate::simulation) fn is_text_beyond_asking(&self, person: usize, text: &str) -> bool {
        let letter = number_of(text).and_then(|number| self.letters.get(number));
        letter.is_some_and(|letter| self.is_beyond_asking(letter))
            || self.posts_beyond_asking(person).any(|post| post.text == text)
    }

    /// Whether it has waited for its recipient in the registry's database since before that moment.
    pub(super) fn waits_there_since(&self, letter: &Letter, at: Instant) -> bool {
        let row = letter.slot.and_then(|slot| self.books.row(letter.from, slot));
        let row = row.filter(|row| number_of(&letter.text) == Some(row.number));
        row.is_some_and(|row| row.since < at && row.outcome.is_none())
    }

    /// Whether it stands in the registry's database under its present number.
    pub(super) fn is_there(&self, letter: &Letter) -> bool {
        let row = letter.slot.and_then(|slot| self.books.row(letter.from, slot));
        row.is_some_and(|row| number_of(&letter.text) == Some(row.number))
    }
}
