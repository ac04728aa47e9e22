//! What a client's requests do to its tables (`migrations/client/`).
//!
//! Hands each request to the file that has its tables: `client_names`, `client_outbox`, `client_inbox`, and `client_history` and
//! `client_removal` for both boxes together; what is of the database and of the registry as a whole is here. Reading everything
//! at the start is in `client_image`, and reading beside a client in `archive`.
//! Invariant: all statements of a request succeed or none.

use std::net::SocketAddr;
use std::path::Path;

use include_dir::{Dir, include_dir};
use rusqlite::{Connection, Result, params};

use crate::client::storage::{Image, Reply, Request, Told};
use crate::clock::WallTime;
use crate::engine::{Store, StoreFault, Ticket};
use crate::store::client_image;
use crate::store::database::{self, Bits, OpenError, Schema};

static MIGRATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations/client");

/// The schema of a client's database.
pub const SCHEMA: Schema = Schema {
    application: i32::from_be_bytes(*b"udcC"),
    migrations: &MIGRATIONS,
    read_beside: true,
    // The index of words takes most of that time.
    check_bytes_max: 6 * 1024 * 1024,
};

/// A client's database.
#[derive(Debug)]
pub struct ClientStore {
    connection: Connection,
    /// What `UseRegistry` has said.
    registry: Option<i64>,
}

impl ClientStore {
    /// Opens the database in a file, made if absent, and reads what an engine starts from.
    pub fn open(path: &Path) -> Result<(Self, Image), OpenError> {
        Self::start(database::open(path, &SCHEMA)?, path)
    }

    /// The same in memory, for clients that keep nothing.
    pub fn open_in_memory() -> Result<(Self, Image), OpenError> {
        Self::start(
            database::open_in_memory(&SCHEMA)?,
            Path::new("the database in memory"),
        )
    }

    fn start(connection: Connection, path: &Path) -> Result<(Self, Image), OpenError> {
        let explain = |error| OpenError::explain(path, &error);
        // What is forgotten is overwritten.
        connection
            .pragma_update(None, "secure_delete", true)
            .map_err(explain)?;
        let image = client_image::load(&connection).map_err(explain)?;
        let store = Self {
            connection,
            registry: None,
        };
        Ok((store, image))
    }

    /// What an engine would start from now.
    pub fn image(&self) -> Result<Image> {
        client_image::load(&self.connection)
    }

    /// As for a program that has died and is started again: gives what it starts from.
    pub fn restart(&mut self) -> Result<Image> {
        self.registry = None;
        self.image()
    }

    /// The database, to look at.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Store for ClientStore {
    type Request = Request;
    type Reply = Reply;

    fn commit(&mut self, requests: Vec<(Ticket, Request)>) -> Vec<(Ticket, Result<Reply, StoreFault>)> {
        let before = self.registry;
        let registry = &mut self.registry;
        let replies = database::commit_batch(&mut self.connection, &requests, |connection, request| {
            apply(connection, registry, request)
        });
        if replies.iter().all(|(_, reply)| reply.is_err()) {
            // The row that it named may have been rolled back; the engine asks again.
            self.registry = before;
        }
        replies
    }

    fn weight(request: &Request) -> usize {
        request.weight()
    }

    fn tidy(&mut self) {
        if let Err(error) = database::checkpoint(&self.connection) {
            tracing::debug!(%error, "no checkpoint");
        }
    }
}

fn apply(connection: &Connection, registry: &mut Option<i64>, request: &Request) -> Result<Reply> {
    if let Request::UseRegistry { address, identity } = request {
        *registry = Some(use_registry(connection, *address, &identity.0)?);
        return Ok(Reply::Done);
    }
    let tables = Tables {
        connection,
        registry: registry.unwrap_or(0),
    };
    match request {
        Request::UseRegistry { .. } => Ok(Reply::Done),
        Request::Counter(counter) => tables.counter(*counter),
        Request::StoreId(store_id) => tables.store_id(*store_id),
        Request::Directory(update) => tables.directory(update),
        Request::Pin { name, card } => tables.pin(name, card).map(|()| Reply::Done),
        Request::Meet(met) => tables.meet(met),
        Request::Verify { of, card } => tables.verify(of, card),
        Request::Block(blocked) => tables.block(blocked),
        Request::Unblock(id) => tables.unblock(*id),
        Request::Accept(accept) => tables.accept(accept),
        Request::Deposit { key, slot, recipient } => tables.deposit(*key, *slot, recipient.as_ref()),
        Request::Stored {
            key,
            slot,
            store_id,
            at,
        } => tables.stored(*key, *slot, *store_id, *at),
        Request::Finish { key, end, sealed, at } => tables.finish(*key, *end, *sealed, *at),
        Request::Renumber(renumber) => tables.renumber(renumber),
        Request::Receive(receive) => tables.receive(receive),
        Request::Rooms { inside, outside } => tables.rooms(inside, outside),
        Request::Told(lines) => tables.told_lines(lines),
        Request::Life { age, wall } => tables.life(age.as_ms(), *wall),
        Request::Recall {
            scope,
            most,
            before,
            own,
        } => tables.recall(scope, *most, *before, *own).map(Reply::Recalled),
        Request::Remove(removal) => tables.remove(removal).map(Reply::Removed),
    }
}

fn use_registry(connection: &Connection, address: Option<SocketAddr>, identity: &[u8; 32]) -> Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO registry (identity, counter) VALUES (?1, 0) ON CONFLICT (identity) DO NOTHING",
        )?
        .execute(params![identity])?;
    let registry = connection
        .prepare_cached("SELECT registry FROM registry WHERE identity = ?1 ORDER BY registry")?
        .query_row(params![identity], |row| row.get(0))?;
    if let Some(address) = address {
        connection
            .prepare_cached(
                "INSERT INTO registry_address (address, registry) VALUES (?1, ?2)
                 ON CONFLICT (address) DO UPDATE SET registry = excluded.registry",
            )?
            .execute(params![address.to_string(), registry])?;
    }
    Ok(registry)
}

/// The tables, as one registry's client sees them.
pub(super) struct Tables<'a> {
    pub(super) connection: &'a Connection,
    pub(super) registry: i64,
}

impl Tables<'_> {
    pub(super) fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(values)
    }

    /// Changes the registry's row; fails as long as it is not committed which registry that is.
    pub(super) fn update_registry(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        match self.execute(sql, values)? {
            0 => Err(rusqlite::Error::QueryReturnedNoRows),
            _ => Ok(()),
        }
    }

    fn counter(&self, counter: u64) -> Result<Reply> {
        self.update_registry(
            "UPDATE registry SET counter = max(counter, ?2) WHERE registry = ?1",
            params![self.registry, Bits(counter)],
        )?;
        Ok(Reply::Done)
    }

    fn store_id(&self, store_id: [u8; 16]) -> Result<Reply> {
        self.update_registry(
            "UPDATE registry SET store_id = ?2 WHERE registry = ?1",
            params![self.registry, store_id],
        )?;
        self.strand()?;
        Ok(Reply::Done)
    }

    fn told_lines(&self, lines: &[Told]) -> Result<Reply> {
        for line in lines {
            match *line {
                Told::Incoming(id) => self.shown(id)?,
                Told::Outgoing(key, state) => self.told(key, state)?,
            }
        }
        Ok(Reply::Done)
    }

    fn life(&self, age_ms: u64, wall: WallTime) -> Result<Reply> {
        self.execute(
            "INSERT INTO life (one, age_ms, wall_ms) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET age_ms = excluded.age_ms, wall_ms = excluded.wall_ms",
            params![Bits(age_ms), wall.unix_ms()],
        )?;
        Ok(Reply::Done)
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
