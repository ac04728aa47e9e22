//! A disk that outlives its program: the real store, with commits that take time, fail, or are cut off.
//!
//! What a program has asked for and what is not committed yet dies with it; what is committed stays. SQLite runs in
//! memory: what a crash does to its files is SQLite's own business, and tested there.
//! Invariant: requests are committed in the order asked, in batches, as the store's worker does it.

use std::time::Duration;

use super::dice::{Chance, Dice};
use crate::clock::Instant;
use crate::engine::{Store, StoreFault, Ticket};

/// What a disk does to commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mood {
    /// Takes nothing: it is full.
    pub full: Chance,
    /// Takes up to three seconds.
    pub slow: Chance,
}

/// How long a commit takes that nothing holds up.
const COMMIT: Duration = Duration::from_millis(2);
/// And one that something does, at most.
const SLOW: Duration = Duration::from_secs(3);

/// A store that can be taken up again by the next run of its program.
pub(super) trait Durable: Store {
    /// What a program starts from.
    type Image;

    /// What is committed, as the next run finds it.
    fn restart(&mut self) -> rusqlite::Result<Self::Image>;
}

/// One request and what came of it.
pub(super) struct Done<S: Store> {
    pub(super) ticket: Ticket,
    pub(super) request: S::Request,
    pub(super) reply: Result<S::Reply, StoreFault>,
}

/// A store and what is asked of it.
pub(super) struct Disk<S: Store> {
    store: S,
    queued: Vec<(Ticket, S::Request)>,
    batch: Vec<(Ticket, S::Request)>,
    due: Option<Instant>,
    /// What was committed, in order, if a copy may have to be made of it.
    log: Option<Vec<S::Request>>,
    dice: Dice,
    /// What it is like now.
    pub(super) mood: Mood,
}

impl<S> Disk<S>
where
    S: Durable,
    S::Request: Clone,
{
    pub(super) const fn new(store: S, dice: Dice) -> Self {
        Self {
            store,
            queued: Vec::new(),
            batch: Vec::new(),
            due: None,
            log: None,
            dice,
            mood: Mood {
                full: Chance::NEVER,
                slow: Chance::NEVER,
            },
        }
    }

    /// The program is gone, and with it what was not committed. Gives what the next one starts from.
    pub(super) fn restart(&mut self) -> rusqlite::Result<S::Image> {
        self.queued.clear();
        self.batch.clear();
        self.due = None;
        self.store.restart()
    }

    /// From now on it is remembered what is committed: the store is empty yet.
    pub(super) fn keep_log(&mut self) {
        self.log.get_or_insert_default();
    }

    /// How much was committed: so much of it is what a copy has that is made now.
    pub(super) fn commits(&self) -> usize {
        self.log.as_ref().map_or(0, Vec::len)
    }

    /// The store is lost, and an empty one takes its place, in which so much of what was committed is done again.
    pub(super) fn replace(&mut self, empty: S, commits: usize) -> Result<(), StoreFault> {
        self.store = empty;
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.truncate(commits);
        let again = log.iter().map(|request| (Ticket(0), request.clone()));
        let replies = self.store.commit(again.collect());
        replies.into_iter().try_for_each(|(_, reply)| reply.map(|_| ()))
    }

    /// Requests that are not committed yet.
    pub(super) fn pending(&self) -> usize {
        self.queued.len() + self.batch.len()
    }

    /// What was asked and is not committed yet, in order.
    pub(super) fn asked(&self) -> impl Iterator<Item = &(Ticket, S::Request)> {
        self.batch.iter().chain(&self.queued)
    }

    /// What the store says to a question that changes nothing.
    pub(super) fn look(&mut self, question: S::Request) -> Option<S::Reply> {
        let (_, reply) = self.store.commit(vec![(Ticket(u64::MAX), question)]).pop()?;
        reply.ok()
    }

    pub(super) fn ask(&mut self, now: Instant, ticket: Ticket, request: S::Request) {
        self.queued.push((ticket, request));
        self.begin(now);
    }

    /// When the commit under way is done.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The commit under way is done, and the next begins.
    pub(super) fn commit(&mut self, now: Instant) -> Vec<Done<S>> {
        self.due = None;
        let batch = std::mem::take(&mut self.batch);
        let replies = if self.dice.chance(self.mood.full) {
            batch
                .iter()
                .map(|(ticket, _)| (*ticket, Err(StoreFault::Full)))
                .collect()
        } else {
            self.store.commit(batch.clone())
        };
        if let Some(log) = &mut self.log {
            let pairs = batch.iter().zip(&replies);
            let done = pairs.filter(|(_, (_, reply))| reply.is_ok());
            log.extend(done.map(|((_, request), _)| request.clone()));
        }
        self.begin(now);
        let pairs = batch.into_iter().zip(replies);
        pairs
            .map(|((ticket, request), (_, reply))| Done {
                ticket,
                request,
                reply,
            })
            .collect()
    }

    fn begin(&mut self, now: Instant) {
        if self.due.is_some() || self.queued.is_empty() {
            return;
        }
        self.batch = std::mem::take(&mut self.queued);
        let takes = if self.dice.chance(self.mood.slow) {
            self.dice.span(SLOW)
        } else {
            COMMIT
        };
        self.due = Some(now + takes);
    }
}
