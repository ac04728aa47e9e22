//! What a client's requests do to its tables (`migrations/client/`).
//!
//! Decides only what needs the committed state: a message's number, and whether one that came is new. Reading
//! everything at the start is in `client_image`.
//! Invariants: a conversation's sequences have no gaps; a delivered message stays delivered; an inbox row is
//! never replaced; all statements of a request succeed or none.

use std::path::Path;

use include_dir::{Dir, include_dir};
use rusqlite::{Connection, OptionalExtension, Result, named_params, params};

use crate::client::storage::{
    Accept, DirectoryUpdate, Finish, Image, Key, Listed, Outcome, Receive, Received, Renumber, Reply, Request,
};
use crate::clock::WallTime;
use crate::engine::{Store, StoreFault, Ticket};
use crate::id::{EnvelopeHash, Epoch, MessageId, Name, Sequence, Slot};
use crate::identity::Card;
use crate::store::client_image;
use crate::store::database::{self, Bits, OpenError, Schema};

static MIGRATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations/client");

/// The schema of a client's database.
pub const SCHEMA: Schema = Schema {
    application: i32::from_be_bytes(*b"udcC"),
    migrations: &MIGRATIONS,
};

/// The state of an outbox row.
pub(super) const WAITING: i64 = 0;
/// See [`WAITING`].
pub(super) const STORED: i64 = 1;
const DELIVERED: i64 = 2;
const REFUSED: i64 = 3;
const EXPIRED: i64 = 4;

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
        let image = client_image::load(&connection).map_err(|error| OpenError::Failed {
            path: path.to_path_buf(),
            detail: error.to_string(),
        })?;
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
        let replies = database::commit_batch(&mut self.connection, requests, |connection, request| {
            apply(connection, registry, request)
        });
        if replies.iter().all(|(_, reply)| reply.is_err()) {
            // The row that it named may have been rolled back; the engine asks again.
            self.registry = before;
        }
        replies
    }

    fn tidy(&mut self) {
        if let Err(error) = database::checkpoint(&self.connection) {
            tracing::debug!(%error, "no checkpoint");
        }
    }
}

fn apply(connection: &Connection, registry: &mut Option<i64>, request: Request) -> Result<Reply> {
    if let Request::UseRegistry { address, identity } = request {
        *registry = Some(use_registry(connection, &address.to_string(), &identity.0)?);
        return Ok(Reply::Done);
    }
    let tables = Tables {
        connection,
        registry: registry.unwrap_or(0),
    };
    match request {
        Request::UseRegistry { .. } => Ok(Reply::Done),
        Request::Counter(counter) => tables.counter(counter),
        Request::StoreId(store_id) => tables.store_id(store_id),
        Request::Directory(update) => tables.directory(&update),
        Request::Pin { name, card } => tables.pin(&name, &card).map(|()| Reply::Done),
        Request::Accept(accept) => tables.accept(&accept),
        Request::Deposit { key, recipient } => tables.deposit(key, &recipient),
        Request::Stored(key) => tables.stored(key),
        Request::Finish { key, end, sealed } => tables.finish(key, end, sealed),
        Request::Renumber(renumber) => tables.renumber(&renumber),
        Request::Receive(receive) => tables.receive(&receive),
        Request::Shown(id) => tables.shown(id),
        Request::Life { age, wall } => tables.life(age.as_ms(), wall),
    }
}

fn use_registry(connection: &Connection, address: &str, identity: &[u8; 32]) -> Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO registry (identity, counter) VALUES (?1, 0) ON CONFLICT (identity) DO NOTHING",
        )?
        .execute(params![identity])?;
    let registry = connection
        .prepare_cached("SELECT registry FROM registry WHERE identity = ?1 ORDER BY registry")?
        .query_row(params![identity], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO registry_address (address, registry) VALUES (?1, ?2)
             ON CONFLICT (address) DO UPDATE SET registry = excluded.registry",
        )?
        .execute(params![address, registry])?;
    Ok(registry)
}

/// The tables, as one registry's client sees them.
struct Tables<'a> {
    connection: &'a Connection,
    registry: i64,
}

impl Tables<'_> {
    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(values)
    }

    /// Changes the registry's row; fails as long as it is not committed which registry that is.
    fn update_registry(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
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
        let stranded = self
            .connection
            .prepare_cached("SELECT message FROM outbox WHERE registry = ?1 AND state = ?2 ORDER BY message")?
            .query_map(params![self.registry, STORED], |row| {
                Ok(Key(row.get::<_, Bits>(0)?.0))
            })?
            .collect::<Result<Vec<_>>>()?;
        self.execute(
            "UPDATE outbox SET state = ?3 WHERE registry = ?1 AND state = ?2",
            params![self.registry, STORED, WAITING],
        )?;
        Ok(Reply::Stranded(stranded))
    }

    fn directory(&self, update: &DirectoryUpdate) -> Result<Reply> {
        if update.replace {
            self.execute(
                "DELETE FROM directory WHERE registry = ?1",
                params![self.registry],
            )?;
        }
        for name in &update.removed {
            self.execute(
                "DELETE FROM directory WHERE registry = ?1 AND folded = ?2",
                params![self.registry, name.folded()],
            )?;
        }
        for listed in &update.records {
            self.list(listed)?;
        }
        self.update_registry(
            "UPDATE registry SET run = ?2, version = ?3 WHERE registry = ?1",
            params![
                self.registry,
                update.version.map(|version| Bits(version.run)),
                update.version.map(|version| Bits(version.counter)),
            ],
        )?;
        Ok(Reply::Done)
    }

    fn list(&self, listed: &Listed) -> Result<()> {
        let record = &listed.record;
        let online = record.presence.online.as_ref();
        let private: Vec<String> = online
            .map(|at| at.private.as_slice().iter().map(ToString::to_string).collect())
            .unwrap_or_default();
        self.execute(
            "INSERT INTO directory (registry, folded, name, identity, key, signature, observed, private, since_ms, last_seen)
             VALUES (:registry, :folded, :name, :identity, :key, :signature, :observed, :private, :since, :last)
             ON CONFLICT (registry, folded) DO UPDATE SET name = excluded.name, identity = excluded.identity,
             key = excluded.key, signature = excluded.signature, observed = excluded.observed,
             private = excluded.private, since_ms = excluded.since_ms, last_seen = excluded.last_seen",
            named_params! {
                ":registry": self.registry,
                ":folded": record.name.folded(),
                ":name": record.name.as_str(),
                ":identity": record.card.id.0,
                ":key": record.card.key,
                ":signature": record.card.signature,
                ":observed": online.map(|at| at.observed.to_string()),
                ":private": private.join(" "),
                ":since": record.presence.since.unix_ms(),
                ":last": listed.last_seen.map(|address| address.to_string()),
            },
        )?;
        Ok(())
    }

    /// First sight: what is pinned already stays.
    fn pin(&self, name: &Name, card: &Card) -> Result<()> {
        self.execute(
            "INSERT INTO pin (registry, folded, name, identity, key, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (registry, folded) DO NOTHING",
            params![self.registry, name.folded(), name.as_str(), card.id.0, card.key, card.signature],
        )?;
        Ok(())
    }

    /// The user's word: it replaces what was pinned.
    fn trust(&self, name: &Name, card: &Card) -> Result<()> {
        self.execute(
            "DELETE FROM pin WHERE registry = ?1 AND folded = ?2",
            params![self.registry, name.folded()],
        )?;
        self.pin(name, card)
    }

    fn accept(&self, accept: &Accept) -> Result<Reply> {
        if let Some(card) = &accept.pin {
            self.pin(&accept.to, card)?;
        }
        self.execute(
            "INSERT INTO conversation (registry, folded, epoch, next) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (registry, folded) DO NOTHING",
            params![self.registry, accept.to.folded(), Bits(accept.fresh.0)],
        )?;
        let slot = self.next_slot(&accept.to)?;
        let card = accept.deposit.as_ref();
        self.execute(
            "INSERT INTO outbox (registry, folded, name, epoch, sequence, text, sent_ms, expires_ms, state, deposited,
             identity, key, signature)
             VALUES (:registry, :folded, :name, :epoch, :sequence, :text, :sent, :expires, :state, :deposited,
             :identity, :key, :signature)",
            named_params! {
                ":registry": self.registry,
                ":folded": accept.to.folded(),
                ":name": accept.to.as_str(),
                ":epoch": Bits(slot.epoch.0),
                ":sequence": Bits(slot.sequence.0),
                ":text": accept.text,
                ":sent": accept.sent_at.unix_ms(),
                ":expires": Bits(accept.expires.as_ms()),
                ":state": WAITING,
                ":deposited": card.is_some(),
                ":identity": card.map(|card| card.id.0),
                ":key": card.map(|card| card.key),
                ":signature": card.map(|card| card.signature),
            },
        )?;
        let key = Key(self.connection.last_insert_rowid().cast_unsigned());
        Ok(Reply::Accepted { key, slot })
    }

    /// Takes the conversation's next number.
    fn next_slot(&self, to: &Name) -> Result<Slot> {
        self.connection
            .prepare_cached(
                "UPDATE conversation SET next = next + 1 WHERE registry = ?1 AND folded = ?2 RETURNING epoch, next - 1",
            )?
            .query_row(params![self.registry, to.folded()], |row| {
                Ok(Slot {
                    epoch: Epoch(row.get::<_, Bits>(0)?.0),
                    sequence: Sequence(row.get::<_, Bits>(1)?.0),
                })
            })
    }

    fn deposit(&self, key: Key, card: &Card) -> Result<Reply> {
        self.execute(
            "UPDATE outbox SET deposited = 1, identity = ?2, key = ?3, signature = ?4 WHERE message = ?1",
            params![Bits(key.0), card.id.0, card.key, card.signature],
        )?;
        Ok(Reply::Done)
    }

    fn stored(&self, key: Key) -> Result<Reply> {
        self.execute(
            "UPDATE outbox SET state = ?2 WHERE message = ?1 AND state = ?3",
            params![Bits(key.0), STORED, WAITING],
        )?;
        Ok(Reply::Done)
    }

    fn finish(&self, key: Key, end: Finish, sealed: Option<(EnvelopeHash, Card)>) -> Result<Reply> {
        let state = match end {
            Finish::Delivered => DELIVERED,
            Finish::Refused => REFUSED,
            Finish::Expired => EXPIRED,
        };
        let (hash, card) = sealed.unzip();
        self.execute(
            "UPDATE outbox SET state = ?2, hash = coalesce(?4, hash), identity = coalesce(?5, identity),
             key = coalesce(?6, key), signature = coalesce(?7, signature) WHERE message = ?1 AND state <> ?3",
            params![
                Bits(key.0),
                state,
                DELIVERED,
                hash.map(|hash| hash.0),
                card.map(|card| card.id.0),
                card.map(|card| card.key),
                card.map(|card| card.signature),
            ],
        )?;
        Ok(Reply::Done)
    }

    fn renumber(&self, renumber: &Renumber) -> Result<Reply> {
        if let Some(card) = &renumber.trust {
            self.trust(&renumber.to, card)?;
        }
        let present: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT epoch FROM conversation WHERE registry = ?1 AND folded = ?2 ORDER BY epoch",
            )?
            .query_row(params![self.registry, renumber.to.folded()], |row| row.get(0))
            .optional()?;
        let mut epoch_of = self
            .connection
            .prepare_cached("SELECT epoch FROM outbox WHERE message = ?1 AND state < 2 ORDER BY message")?;
        let mut begins = renumber.trust.is_some();
        let mut unfinished = Vec::with_capacity(renumber.keys.len());
        for &key in &renumber.keys {
            if let Some(epoch) = epoch_of
                .query_row(params![Bits(key.0)], |row| row.get(0))
                .optional()?
            {
                begins |= present == Some(epoch);
                unfinished.push(key);
            }
        }
        if begins {
            self.execute(
                "UPDATE conversation SET epoch = ?3, next = 0 WHERE registry = ?1 AND folded = ?2",
                params![self.registry, renumber.to.folded(), Bits(renumber.fresh.0)],
            )?;
        }
        let mut slots = Vec::with_capacity(unfinished.len());
        for key in unfinished {
            let slot = self.next_slot(&renumber.to)?;
            self.execute(
                "UPDATE outbox SET epoch = ?2, sequence = ?3, state = ?4, deposited = 0, identity = NULL, key = NULL,
                 signature = NULL, hash = NULL WHERE message = ?1",
                params![Bits(key.0), Bits(slot.epoch.0), Bits(slot.sequence.0), WAITING],
            )?;
            slots.push((key, slot));
        }
        Ok(Reply::Renumbered(slots))
    }

    fn shown(&self, id: MessageId) -> Result<Reply> {
        let values = params![id.sender.0, Bits(id.slot.epoch.0), Bits(id.slot.sequence.0)];
        self.execute(
            "UPDATE inbox SET shown = 1 WHERE sender = (SELECT sender FROM sender WHERE identity = ?1)
             AND epoch = ?2 AND sequence = ?3",
            values,
        )?;
        self.execute(
            "UPDATE stream SET shown = max(coalesce(shown, 0), ?3)
             WHERE sender = (SELECT sender FROM sender WHERE identity = ?1) AND epoch = ?2",
            values,
        )?;
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

    fn receive(&self, receive: &Receive) -> Result<Reply> {
        if let Some(card) = &receive.pin {
            self.pin(&receive.from, card)?;
        }
        let stream = Stream {
            tables: self,
            sender: self.sender(&receive.id.sender.0)?,
            epoch: receive.id.slot.epoch,
        };
        stream.receive(receive).map(Reply::Received)
    }

    fn sender(&self, identity: &[u8; 32]) -> Result<i64> {
        let known = self
            .connection
            .prepare_cached("SELECT sender FROM sender WHERE identity = ?1 ORDER BY sender")?
            .query_row(params![identity], |row| row.get(0))
            .optional()?;
        if let Some(sender) = known {
            return Ok(sender);
        }
        self.execute("INSERT INTO sender (identity) VALUES (?1)", params![identity])?;
        Ok(self.connection.last_insert_rowid())
    }
}

/// One sender's messages of one epoch, as they are received.
struct Stream<'a> {
    tables: &'a Tables<'a>,
    sender: i64,
    epoch: Epoch,
}

impl Stream<'_> {
    fn receive(&self, receive: &Receive) -> Result<Received> {
        let sequence = receive.id.slot.sequence;
        let (before, shown) = self.mark()?;
        let there = self.row(sequence)?;
        let (outcome, at) = match there {
            Some((hash, at)) if hash == receive.hash => (Outcome::Duplicate, at),
            Some((_, at)) => (Outcome::Conflict, at),
            None if sequence < before => (Outcome::Skipped, receive.at),
            None => {
                self.insert(receive)?;
                (Outcome::Fresh, receive.at)
            }
        };
        let mut next = before;
        if outcome != Outcome::Conflict {
            // A floor above the message itself means nothing: the message is not final for its sender.
            next = next.max(receive.floor.min(sequence));
            // The number comes from the sender: after the highest there is no next one to look for.
            while next.next() > next && self.row(next)?.is_some() {
                next = next.next();
            }
        }
        if next != before {
            self.set_mark(next)?;
        }
        Ok(Received {
            outcome,
            at,
            next,
            shown,
        })
    }

    fn mark(&self) -> Result<(Sequence, Option<Sequence>)> {
        let mark = self
            .tables
            .connection
            .prepare_cached(
                "SELECT next, shown FROM stream WHERE sender = ?1 AND epoch = ?2 ORDER BY sender",
            )?
            .query_row(params![self.sender, Bits(self.epoch.0)], |row| {
                Ok((
                    Sequence(row.get::<_, Bits>(0)?.0),
                    row.get::<_, Option<Bits>>(1)?.map(|shown| Sequence(shown.0)),
                ))
            })
            .optional()?;
        if mark.is_none() {
            self.set_mark(Sequence(0))?;
        }
        Ok(mark.unwrap_or_default())
    }

    fn set_mark(&self, next: Sequence) -> Result<()> {
        self.tables.execute(
            "INSERT INTO stream (sender, epoch, next) VALUES (?1, ?2, ?3)
             ON CONFLICT (sender, epoch) DO UPDATE SET next = excluded.next",
            params![self.sender, Bits(self.epoch.0), Bits(next.0)],
        )?;
        Ok(())
    }

    fn row(&self, sequence: Sequence) -> Result<Option<(EnvelopeHash, WallTime)>> {
        self.tables
            .connection
            .prepare_cached(
                "SELECT hash, received_ms FROM inbox WHERE sender = ?1 AND epoch = ?2 AND sequence = ?3 ORDER BY arrival",
            )?
            .query_row(params![self.sender, Bits(self.epoch.0), Bits(sequence.0)], |row| {
                Ok((EnvelopeHash(row.get(0)?), WallTime::from_unix_ms(row.get(1)?)))
            })
            .optional()
    }

    fn insert(&self, receive: &Receive) -> Result<()> {
        self.tables.execute(
            "INSERT INTO inbox (sender, epoch, sequence, hash, name, text, sent_ms, received_ms, stored, shown)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
            params![
                self.sender,
                Bits(self.epoch.0),
                Bits(receive.id.slot.sequence.0),
                receive.hash.0,
                receive.from.as_str(),
                receive.text,
                receive.sent_at.unix_ms(),
                receive.at.unix_ms(),
                receive.stored,
            ],
        )?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
