//! A disk that outlives its program: the real store, with commits that take time, fail, or are cut off.
//!
//! What a program has asked for and what is not committed yet dies with it; what is committed stays. SQLite runs in
//! memory: what a crash does to its files is SQLite's own business, and tested there.
//! Invariant: requests are committed in the order asked, in batches, as the store's worker does it.

use std::time::Duration;

use super::dice::{Chance, Dice};
use crate::client;
use crate::clock::Instant;
use crate::engine::{Store, StoreFault, Ticket};
use crate::registry;
use crate::store::client::ClientStore;
use crate::store::registry::RegistryStore;

/// What a disk does to commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mood {
    /// Takes nothing: it is full.
    pub full: Chance,
    /// Takes up to three seconds.
    pub slow: Chance,
    /// Takes nothing at all for one second to two minutes; so long apart, on average.
    pub stuck: Option<Duration>,
}

impl Mood {
    /// Whether it takes all that it is asked for, were it late.
    pub(super) const fn takes_all(&self) -> bool {
        self.full.is_never() && self.stuck.is_none()
    }
}

/// How long a commit takes that nothing holds up.
const COMMIT: Duration = Duration::from_millis(2);
/// And one that something does, at most.
const SLOW: Duration = Duration::from_secs(3);
/// How long it is stuck, at least and at most.
const STUCK_MIN: Duration = Duration::from_secs(1);
const STUCK_MAX: Duration = Duration::from_secs(120);

/// What it says to everything for a while, unless it takes it, and until when.
#[derive(Clone, Debug)]
struct Spell {
    until: Instant,
    fault: Option<StoreFault>,
}

impl Spell {
    /// What follows this one: it is stuck and not stuck by turns.
    fn next(&self, apart: Duration, dice: &mut Dice) -> Self {
        if self.fault.is_some() {
            // A microsecond at least, so that this ends whatever the plan says.
            let wait = dice.wait(apart) + Duration::from_micros(1);
            return Self {
                until: self.until + wait,
                fault: None,
            };
        }
        let fault = match dice.below(3) {
            0 => StoreFault::Full,
            1 => StoreFault::Unwritten,
            _ => StoreFault::Failed("disk I/O error".to_owned()),
        };
        Self {
            until: self.until + STUCK_MIN + dice.span(STUCK_MAX - STUCK_MIN),
            fault: Some(fault),
        }
    }
}

/// A store that can be taken up again by the next run of its program.
pub(super) trait Durable: Store {
    /// What a program starts from.
    type Image;

    /// What is committed, as the next run finds it.
    fn restart(&mut self) -> rusqlite::Result<Self::Image>;
}

impl Durable for ClientStore {
    type Image = client::storage::Image;

    fn restart(&mut self) -> rusqlite::Result<Self::Image> {
        Self::restart(self)
    }
}

impl Durable for RegistryStore {
    type Image = registry::storage::Image;

    fn restart(&mut self) -> rusqlite::Result<Self::Image> {
        self.image()
    }
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
    spell: Spell,
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
            // As if it had been stuck until now.
            spell: Spell {
                until: Instant::ZERO,
                fault: Some(StoreFault::Full),
            },
            mood: Mood {
                full: Chance::NEVER,
                slow: Chance::NEVER,
                stuck: None,
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
        let replies = match self.fault(now) {
            Some(fault) => batch
                .iter()
                .map(|(ticket, _)| (*ticket, Err(fault.clone())))
                .collect(),
            None => self.store.commit(batch.clone()),
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

    /// Why nothing can be committed now; `None` if it can.
    fn fault(&mut self, now: Instant) -> Option<StoreFault> {
        if let Some(apart) = self.mood.stuck {
            while self.spell.until <= now {
                self.spell = self.spell.next(apart, &mut self.dice);
            }
            if self.spell.fault.is_some() {
                return self.spell.fault.clone();
            }
        }
        self.dice.chance(self.mood.full).then_some(StoreFault::Full)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything.
    struct Taking;

    impl Store for Taking {
        type Request = ();
        type Reply = ();

        fn commit(&mut self, requests: Vec<(Ticket, ())>) -> Vec<(Ticket, Result<(), StoreFault>)> {
            requests
                .into_iter()
                .map(|(ticket, ())| (ticket, Ok(())))
                .collect()
        }
    }

    impl Durable for Taking {
        type Image = ();

        fn restart(&mut self) -> rusqlite::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_is_stuck_takes_nothing_until_it_takes_again() {
        let mut disk = Disk::new(Taking, Dice::new(1, 1));
        let apart = Duration::from_secs(180);
        disk.mood.stuck = Some(apart);
        let seconds: u32 = 1_000_000;
        let faults: Vec<Option<StoreFault>> = (0..seconds)
            .map(|second| {
                let now = Instant::ZERO + Duration::from_secs(second.into());
                disk.ask(now, Ticket(0), ());
                disk.commit(now).remove(0).reply.err()
            })
            .collect();
        // A minute and half a second of four minutes, on average.
        let stuck = faults.iter().flatten().count();
        assert!((230_000..270_000).contains(&stuck), "{stuck}");
        let mut kinds: Vec<_> = faults
            .into_iter()
            .flatten()
            .map(|fault| fault.to_string())
            .collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), 3, "{kinds:?}");
    }

    #[test]
    fn it_is_stuck_for_a_second_at_least_and_two_minutes_at_most() {
        let mut dice = Dice::new(1, 1);
        let mut spell = Spell {
            until: Instant::ZERO,
            fault: None,
        };
        for _ in 0..1_000 {
            let next = spell.next(Duration::from_secs(1), &mut dice);
            let lasts = next.until.since(spell.until);
            assert!(
                next.fault.is_none() || (STUCK_MIN..=STUCK_MAX).contains(&lasts),
                "{lasts:?}"
            );
            spell = next;
        }
    }

    #[test]
    fn a_disk_is_well_again_once_all_is() {
        let mut disk = Disk::new(Taking, Dice::new(1, 1));
        for second in 0..10_000 {
            let now = Instant::ZERO + Duration::from_secs(second);
            disk.ask(now, Ticket(0), ());
            assert_eq!(disk.commit(now)[0].reply, Ok(()));
        }
    }
}
