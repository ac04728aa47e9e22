//! The registry's database: members, mail, and its own age.
//!
//! Applies [`Request`]s; decides nothing but what is new (see [`crate::registry::storage`]). The statements on mail
//! are in `registry_mail.rs`, the tables in `migrations/registry/`.
//! Invariant: a request that fails leaves nothing behind, and one that is repeated changes nothing more.

use std::path::Path;

use include_dir::{Dir, include_dir};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use crate::clock::{Age, WallTime};
use crate::engine::{Store, StoreFault, Ticket};
use crate::id::{IdentityId, Name};
use crate::identity::Card;
use crate::limits::{MEMBER_NUMBER_MAX, OUTCOME_LIFETIME};
use crate::registry::storage::{Image, MemberId, MemberRow, PairUsage, Reply, Request, Row, Usage};
use crate::reserved::RELEASED;
use crate::store::database::{self, Bits, OpenError, Schema};
use crate::store::{registry_mail as mail, registry_rooms as rooms};

static MIGRATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations/registry");

/// The registry's tables.
pub const SCHEMA: Schema = Schema {
    application: i32::from_be_bytes(*b"udcR"),
    migrations: &MIGRATIONS,
    read_beside: false,
    check_bytes_max: 64 * 1024 * 1024,
};

/// A registry's database, open.
pub struct RegistryStore {
    connection: Connection,
}

impl RegistryStore {
    /// Opens the database in a file, made if absent; `fresh_id` is its store id then, and must be random.
    pub fn open(path: &Path, fresh_id: [u8; 16]) -> Result<(Self, Image), OpenError> {
        Self::begin(database::open(path, &SCHEMA)?, fresh_id)
            .map_err(|error| OpenError::explain(path, &error))
    }

    /// Opens a database that is gone when dropped.
    pub fn open_in_memory(fresh_id: [u8; 16]) -> Result<(Self, Image), OpenError> {
        Self::begin(database::open_in_memory(&SCHEMA)?, fresh_id)
            .map_err(|error| OpenError::explain(Path::new("the database in memory"), &error))
    }

    /// Declares that this database was restored from a copy: what was stored or ended since the copy was made is
    /// unknown, so clients have to deposit again what is not final. Returns what to start with.
    pub fn renew(&mut self, fresh_id: [u8; 16]) -> rusqlite::Result<Image> {
        self.connection
            .execute("UPDATE registry SET store_id = ?1", [fresh_id])?;
        image(&self.connection)
    }

    /// Takes a name from its owner, for whoever registers it next: for an owner whose key is lost, or who must go. What
    /// waits for him is refused, and its senders are told. He keeps his row, under a name that nobody asks for, so
    /// that what he has sent still arrives. Returns how many messages were refused; `None` if nobody has the name.
    pub fn release(&mut self, name: &Name) -> rusqlite::Result<Option<u64>> {
        let age = self.image()?.age;
        let transaction = self.connection.transaction()?;
        let owner = transaction
            .query_row(
                "SELECT id, identity FROM member WHERE folded = ?1 ORDER BY id",
                [name.folded()],
                |row| Ok((MemberId(row.get(0)?), IdentityId(row.get(1)?))),
            )
            .optional()?;
        let Some((id, identity)) = owner else {
            return Ok(None);
        };
        let instead = released_name(identity);
        transaction.execute(
            "UPDATE member SET name = ?2, folded = ?2 WHERE id = ?1",
            params![id.0, instead],
        )?;
        let keep_until = age.after(OUTCOME_LIFETIME);
        let refused = mail::refuse_all(&transaction, id, keep_until)?;
        rooms::release(&transaction, id, keep_until)?;
        transaction.commit()?;
        Ok(Some(refused))
    }

    /// What a registry would start with now.
    pub fn image(&self) -> rusqlite::Result<Image> {
        image(&self.connection)
    }

    fn begin(connection: Connection, fresh_id: [u8; 16]) -> rusqlite::Result<(Self, Image)> {
        connection.execute(
            "INSERT INTO registry (only, store_id, age_ms, saved_at) VALUES (0, ?1, 0, 0)
             ON CONFLICT (only) DO NOTHING",
            [fresh_id],
        )?;
        let image = image(&connection)?;
        Ok((Self { connection }, image))
    }
}

/// The name of one whose name was released: a valid one, and his alone.
fn released_name(identity: IdentityId) -> String {
    let digits: String = identity.fingerprint().split(' ').take(4).collect();
    format!("{RELEASED}{digits}")
}

impl Store for RegistryStore {
    type Request = Request;
    type Reply = Reply;

    fn commit(&mut self, requests: Vec<(Ticket, Request)>) -> Vec<(Ticket, Result<Reply, StoreFault>)> {
        database::commit_batch(&mut self.connection, &requests, apply)
    }

    fn weight(request: &Request) -> usize {
        request.weight()
    }

    fn tidy(&mut self) {
        if let Err(error) = database::checkpoint(&self.connection) {
            tracing::debug!(%error, "checkpoint put off");
        }
    }
}

fn apply(db: &Connection, request: &Request) -> rusqlite::Result<Reply> {
    match request {
        Request::Register(member) => register(db, member),
        Request::Deposit(new) => mail::deposit(db, new).map(Reply::Deposit),
        Request::Known { sender, slot, hash } => mail::known(db, *sender, *slot, *hash).map(Reply::Deposit),
        Request::ReadMail { recipient, after } => mail::read(db, *recipient, *after),
        Request::ReadNotices { sender, after } => mail::read_notices(db, *sender, *after),
        Request::Answer(answer) => mail::answer(db, answer),
        Request::Forget { sender, slot } => mail::forget(db, *sender, *slot),
        Request::Withdraw { sender, slot } => mail::withdraw(db, *sender, *slot),
        Request::Expire { now, at, keep_until } => mail::expire(db, *now, *at, *keep_until),
        Request::Room(request) => rooms::apply(db, request).map(Reply::Room),
        Request::SaveAge { age, at } => db
            .prepare_cached("UPDATE registry SET age_ms = ?1, saved_at = ?2")?
            .execute(params![Bits(age.as_ms()), at.unix_ms()])
            .map(|_| Reply::Done),
    }
}

fn register(db: &Connection, member: &MemberRow) -> rusqlite::Result<Reply> {
    db.prepare_cached(
        "INSERT INTO member (id, name, folded, identity, key, signature, counter)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET key = ?5, signature = ?6, counter = ?7",
    )?
    .execute(params![
        member.id.0,
        member.name.as_str(),
        member.name.folded(),
        member.card.id.0,
        member.card.key,
        member.card.signature,
        Bits(member.counter),
    ])?;
    Ok(Reply::Done)
}

/// Everything that the engine keeps in memory.
fn image(db: &Connection) -> rusqlite::Result<Image> {
    let (store_id, age, saved_at) = db.query_row(
        "SELECT store_id, age_ms, saved_at FROM registry ORDER BY only",
        [],
        |row| Ok((row.get(0)?, row.get::<_, Bits>(1)?, row.get(2)?)),
    )?;
    let members = db
        .prepare("SELECT id, name, identity, key, signature, counter FROM member ORDER BY id")?
        .query_map([], member_row)?
        .collect::<rusqlite::Result<_>>()?;
    let contacts = db
        .prepare("SELECT writer, reader FROM contact ORDER BY writer, reader")?
        .query_map([], |row| Ok((member_id(row, 0)?, member_id(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let usage = db
        .prepare(
            "SELECT recipient, sender, count(*), sum(size) FROM mail WHERE outcome IS NULL AND room IS NULL
             GROUP BY recipient, sender ORDER BY recipient, sender",
        )?
        .query_map([], |row| {
            Ok(PairUsage {
                recipient: member_id(row, 0)?,
                sender: member_id(row, 1)?,
                usage: Usage {
                    messages: count(row, 2)?,
                    bytes: count(row, 3)?,
                },
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let outcomes = db
        .prepare(
            "SELECT sender, count(*) FROM mail WHERE outcome IS NOT NULL GROUP BY sender ORDER BY sender",
        )?
        .query_map([], |row| Ok((member_id(row, 0)?, count(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let last_row = db.query_row("SELECT max(id) FROM mail ORDER BY 1", [], last_row)?;
    let rooms = rooms::image(db)?;
    Ok(Image {
        rooms,
        store_id,
        members,
        contacts,
        usage,
        outcomes,
        last_row,
        next_expiry: mail::next_expiry(db)?,
        age: Age::from_ms(age.0),
        saved_at: WallTime::from_unix_ms(saved_at),
    })
}

/// A member's number. The engine has a table of that size: another was not written by this program.
pub(super) fn member_id(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<MemberId> {
    let id = row.get(column)?;
    if (1..=MEMBER_NUMBER_MAX).contains(&id) {
        Ok(MemberId(id))
    } else {
        Err(rusqlite::Error::IntegralValueOutOfRange(column, id.into()))
    }
}

pub(super) fn count(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, count))
}

/// The highest row of mail. They are counted from 1: nobody gets half way to the last number.
fn last_row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let last = row.get::<_, Option<i64>>(0)?.unwrap_or(0);
    match u64::try_from(last) {
        Ok(last_row) if last <= i64::MAX / 2 => Ok(Row(last_row)),
        _ => Err(rusqlite::Error::IntegralValueOutOfRange(0, last)),
    }
}

fn member_row(row: &SqlRow<'_>) -> rusqlite::Result<MemberRow> {
    let name: String = row.get(1)?;
    Ok(MemberRow {
        id: member_id(row, 0)?,
        name: Name::try_from(name).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
        })?,
        card: Card {
            id: IdentityId(row.get(2)?),
            key: row.get(3)?,
            signature: row.get(4)?,
        },
        counter: row.get::<_, Bits>(5)?.0,
    })
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
