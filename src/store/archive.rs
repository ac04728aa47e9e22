//! The whole history of a client, read beside it.
//!
//! Read in pages, each in a moment of its own, so that a reader who takes his time keeps the client from nothing. Messages
//! that come meanwhile may be in it.
//! Invariants: nothing is written; oldest first; a page of each list is held, and no more.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Result, params};

use super::client::SCHEMA;
use super::client_history::{CAME, Stand, WENT, came, went};
use super::client_image::rows;
use super::database::{self, OpenError};
use crate::client::interface::Recorded;
use crate::id::IdentityId;

/// Messages of a list that are held: a few MiB at most, and few enough reads.
const PAGE: i64 = 64;

/// A history, message by message.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    connection: Connection,
    own: IdentityId,
    lists: Vec<List>,
}

/// What one box has of one registry.
#[derive(Debug)]
struct List {
    registry: i64,
    outbox: bool,
    /// What was read last, and was not handed over yet.
    held: VecDeque<(Stand, Recorded)>,
    /// The time and the row of the last that was read.
    last: (i64, i64),
    ended: bool,
}

impl Archive {
    /// Opens the database of the client that is `own`.
    pub fn open(path: &Path, own: IdentityId) -> Result<Self, OpenError> {
        let connection = database::open_to_read(path, &SCHEMA)?;
        let registries: Vec<i64> = rows(
            &connection,
            "SELECT registry FROM registry ORDER BY registry",
            [],
            |row| row.get(0),
        )
        .map_err(|error| OpenError::explain(path, &error))?;
        let list = |registry, outbox| List {
            registry,
            outbox,
            held: VecDeque::new(),
            last: (i64::MIN, 0),
            ended: false,
        };
        let lists = registries
            .into_iter()
            .flat_map(|registry| [list(registry, false), list(registry, true)]);
        Ok(Self {
            path: path.to_owned(),
            connection,
            own,
            lists: lists.collect(),
        })
    }

    /// The next message; `None` after the last.
    fn read(&mut self) -> Result<Option<Recorded>> {
        for list in &mut self.lists {
            list.fill(&self.connection, self.own)?;
        }
        let first = |list: &&mut List| {
            let front = list.held.front();
            // In one moment the inbox is the first.
            front.map(|((at_ms, row), _)| (*at_ms, list.outbox, *row))
        };
        let lists = self.lists.iter_mut().filter(|list| !list.held.is_empty());
        let next = lists.min_by_key(first).and_then(|list| list.held.pop_front());
        Ok(next.map(|(_, recorded)| recorded))
    }
}

impl Iterator for Archive {
    type Item = Result<Recorded, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read()
            .map_err(|error| OpenError::explain(&self.path, &error))
            .transpose()
    }
}

impl List {
    /// Reads the next page, if there is nothing held.
    fn fill(&mut self, connection: &Connection, own: IdentityId) -> Result<()> {
        if !self.held.is_empty() || self.ended {
            return Ok(());
        }
        let (at_ms, row) = self.last;
        let values = params![self.registry, at_ms, row, PAGE];
        let page = if self.outbox {
            let sql = format!(
                "SELECT {WENT} FROM outbox WHERE registry = ?1 AND removed = 0 AND (sent_ms, message) > (?2, ?3)
                 ORDER BY sent_ms, message LIMIT ?4"
            );
            rows(connection, &sql, values, |row| went(row, own))?
        } else {
            let sql = format!(
                "SELECT {CAME} FROM inbox WHERE registry = ?1 AND digest IS NULL AND (received_ms, arrival) > (?2, ?3)
                 ORDER BY received_ms, arrival LIMIT ?4"
            );
            rows(connection, &sql, values, came)?
        };
        match page.last() {
            Some((stand, _)) => self.last = *stand,
            None => self.ended = true,
        }
        self.held.extend(page);
        Ok(())
    }
}
