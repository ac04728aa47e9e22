//! Reading all that a client's engine starts from, once, when its database is opened.
//!
//! Unfinished messages and unwritten lines are loaded; finished ones stay on disk. A row that cannot be
//! understood (a name or address that no version wrote) fails the start rather than being lost in silence.
//! Invariant: two loads of the same database are equal; every list has a defined order.

use std::net::SocketAddr;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};

use crate::client::interface::Blocked;
use crate::client::storage::{
    ENDED_MAX, Ended, Image, Key, KnownRoom, Listed, Met, RegistryImage, State, Unfinished, Unshown, Untold,
};
use crate::client::to::To;
use crate::clock::{Age, WallTime};
use crate::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, RoomId, Sequence, Slot};
use crate::identity::Card;
use crate::store::client_outbox;
use crate::store::database::Bits;
use crate::wire::codec::Bounded;
use crate::wire::message::{Addresses, Presence, Record, Version};
use crate::wire::room::Hall;

/// Reads everything.
pub(super) fn load(connection: &Connection) -> Result<Image> {
    let life = connection
        .query_row("SELECT age_ms, wall_ms FROM life ORDER BY one", [], |row| {
            Ok((
                Age::from_ms(row.get::<_, Bits>(0)?.0),
                WallTime::from_unix_ms(row.get(1)?),
            ))
        })
        .optional()?;
    let addresses = rows(
        connection,
        "SELECT address, identity FROM registry_address JOIN registry USING (registry) ORDER BY address",
        [],
        |row| Ok((parsed(row, 0)?, IdentityId(row.get(1)?))),
    )?;
    let known = rows(
        connection,
        "SELECT registry, identity, counter, store_id, run, version FROM registry ORDER BY registry",
        [],
        |row| Ok((row.get::<_, i64>(0)?, registry(row)?)),
    )?;
    let mut registries = Vec::with_capacity(known.len());
    for (number, registry) in known {
        registries.push(RegistryImage {
            directory: directory(connection, number)?,
            pins: pins(connection, number)?,
            met: met(connection, number)?,
            verified: verified(connection, number)?,
            rooms: rooms(connection, number)?,
            outbox: outbox(connection, number)?,
            ended: ended(connection, number)?,
            untold: untold(connection, number)?,
            ..registry
        });
    }
    Ok(Image {
        life,
        addresses,
        registries,
        unshown: unshown(connection)?,
        blocked: blocked(connection)?,
    })
}

pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare(sql)?.query_map(values, read)?.collect()
}

/// A column that holds the text of something.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn optional<T: FromStr>(row: &Row<'_>, column: usize) -> Result<Option<T>>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match row.get_ref(column)?.data_type() {
        Type::Null => Ok(None),
        _ => parsed(row, column).map(Some),
    }
}

/// Three columns: identity, key, signature.
fn card(row: &Row<'_>, first: usize) -> Result<Card> {
    Ok(Card {
        id: IdentityId(row.get(first)?),
        key: row.get(first + 1)?,
        signature: row.get(first + 2)?,
    })
}

/// Two columns: epoch, sequence.
pub(super) fn slot(row: &Row<'_>, first: usize) -> Result<Slot> {
    Ok(Slot {
        epoch: Epoch(row.get::<_, Bits>(first)?.0),
        sequence: Sequence(row.get::<_, Bits>(first + 1)?.0),
    })
}

/// A state, and where there is one the reason for it.
pub(super) fn state(row: &Row<'_>, column: usize, reason: Option<usize>) -> Result<State> {
    let number = row.get(column)?;
    let reason: Option<Vec<u8>> = reason.map_or(Ok(None), |column| row.get(column))?;
    client_outbox::state(number, reason.as_deref()).ok_or(Error::IntegralValueOutOfRange(column, number))
}

fn registry(row: &Row<'_>) -> Result<RegistryImage> {
    let run: Option<Bits> = row.get(4)?;
    let version: Option<Bits> = row.get(5)?;
    Ok(RegistryImage {
        identity: IdentityId(row.get(1)?),
        counter: row.get::<_, Bits>(2)?.0,
        store_id: row.get(3)?,
        version: run.zip(version).map(|(run, counter)| Version {
            run: run.0,
            counter: counter.0,
        }),
        directory: Vec::new(),
        pins: Vec::new(),
        met: Vec::new(),
        verified: Vec::new(),
        rooms: Vec::new(),
        outbox: Vec::new(),
        untold: Vec::new(),
        ended: Vec::new(),
    })
}

fn directory(connection: &Connection, registry: i64) -> Result<Vec<Listed>> {
    rows(
        connection,
        "SELECT name, identity, key, signature, observed, private, since_ms, last_seen, stale FROM directory
         WHERE registry = ?1 ORDER BY folded",
        params![registry],
        listed,
    )
}

fn listed(row: &Row<'_>) -> Result<Listed> {
    let online = optional::<SocketAddr>(row, 4)?
        .map(|observed| -> Result<Addresses> {
            let private: String = row.get(5)?;
            let private = private
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<Vec<SocketAddr>, _>>()
                .map_err(|error| Error::FromSqlConversionFailure(5, Type::Text, Box::new(error)))?;
            Ok(Addresses {
                observed,
                private: Bounded::truncated(private),
            })
        })
        .transpose()?;
    Ok(Listed {
        record: Record {
            name: parsed(row, 0)?,
            card: card(row, 1)?,
            presence: Presence {
                online,
                since: WallTime::from_unix_ms(row.get(6)?),
            },
        },
        last_seen: optional(row, 7)?,
        stale: row.get(8)?,
    })
}

fn pins(connection: &Connection, registry: i64) -> Result<Vec<(Name, Card)>> {
    rows(
        connection,
        "SELECT name, identity, key, signature FROM pin WHERE registry = ?1 AND folded NOT LIKE '@%' ORDER BY folded",
        params![registry],
        |row| Ok((parsed(row, 0)?, card(row, 1)?)),
    )
}

fn met(connection: &Connection, registry: i64) -> Result<Vec<Met>> {
    rows(
        connection,
        "SELECT substr(folded, 2), name, identity, key, signature FROM pin WHERE registry = ?1 AND folded LIKE '@%'
         ORDER BY folded",
        params![registry],
        |row| {
            Ok(Met {
                address: parsed(row, 0)?,
                name: parsed(row, 1)?,
                card: card(row, 2)?,
            })
        },
    )
}

fn verified(connection: &Connection, registry: i64) -> Result<Vec<String>> {
    rows(
        connection,
        "SELECT folded FROM pin WHERE registry = ?1 AND verified = 1 ORDER BY folded",
        params![registry],
        |row| row.get(0),
    )
}

fn blocked(connection: &Connection) -> Result<Vec<Blocked>> {
    rows(
        connection,
        "SELECT identity, name, blocked_ms FROM blocked ORDER BY blocked_ms, identity",
        [],
        |row| {
            Ok(Blocked {
                id: IdentityId(row.get(0)?),
                name: parsed(row, 1)?,
                at: WallTime::from_unix_ms(row.get(2)?),
            })
        },
    )
}

fn rooms(connection: &Connection, registry: i64) -> Result<Vec<KnownRoom>> {
    rows(
        connection,
        "SELECT name, id, owner FROM room WHERE registry = ?1 ORDER BY folded",
        params![registry],
        |row| {
            Ok(KnownRoom {
                hall: Hall {
                    name: parsed(row, 0)?,
                    id: RoomId(row.get(1)?),
                },
                owner: optional(row, 2)?,
            })
        },
    )
}

/// Whom a message is for: two columns, the name or address, and which room if it is one.
pub(super) fn to(row: &Row<'_>, name: usize, room: usize) -> Result<To> {
    let text: String = row.get(name)?;
    if let Ok(address) = text.parse() {
        return Ok(To::At(address));
    }
    let name = parsed(row, name)?;
    let room: Option<[u8; 16]> = row.get(room)?;
    Ok(match room {
        None => To::Peer(name),
        Some(id) => To::Room(Hall { name, id: RoomId(id) }),
    })
}

fn outbox(connection: &Connection, registry: i64) -> Result<Vec<Unfinished>> {
    rows(
        connection,
        "SELECT message, name, epoch, sequence, text, sent_ms, expires_ms, state, deposited, identity, key, signature, room
         FROM outbox WHERE registry = ?1 AND state < 2 ORDER BY message",
        params![registry],
        |row| {
            let sealed: Option<[u8; 32]> = row.get(9)?;
            Ok(Unfinished {
                key: Key(row.get::<_, Bits>(0)?.0),
                to: to(row, 1, 12)?,
                slot: slot(row, 2)?,
                text: row.get(4)?,
                sent_at: WallTime::from_unix_ms(row.get(5)?),
                expires: Age::from_ms(row.get::<_, Bits>(6)?.0),
                stored: state(row, 7, None)? == State::Stored,
                deposited: row.get(8)?,
                recipient: sealed.map(|_| card(row, 9)).transpose()?,
            })
        },
    )
}

fn ended(connection: &Connection, registry: i64) -> Result<Vec<Ended>> {
    let mut ended: Vec<Ended> = rows(
        connection,
        "SELECT message, name, epoch, sequence, sent_ms, hash, identity, key, signature, room FROM outbox
         WHERE registry = ?1 AND state > 2 AND hash IS NOT NULL AND identity IS NOT NULL
         ORDER BY message DESC LIMIT ?2",
        params![registry, i64::try_from(ENDED_MAX).unwrap_or(i64::MAX)],
        |row| {
            Ok(Ended {
                key: Key(row.get::<_, Bits>(0)?.0),
                to: to(row, 1, 9)?,
                slot: slot(row, 2)?,
                sent_at: WallTime::from_unix_ms(row.get(4)?),
                hash: EnvelopeHash(row.get(5)?),
                recipient: card(row, 6)?,
            })
        },
    )?;
    ended.reverse();
    Ok(ended)
}

fn untold(connection: &Connection, registry: i64) -> Result<Vec<Untold>> {
    rows(
        connection,
        "SELECT message, name, sent_ms, state, reason, room, epoch, sequence FROM outbox
         WHERE registry = ?1 AND told <> state ORDER BY message",
        params![registry],
        |row| {
            Ok(Untold {
                key: Key(row.get::<_, Bits>(0)?.0),
                slot: slot(row, 6)?,
                to: to(row, 1, 5)?,
                sent_at: WallTime::from_unix_ms(row.get(2)?),
                state: state(row, 3, Some(4))?,
            })
        },
    )
}

fn unshown(connection: &Connection) -> Result<Vec<Unshown>> {
    rows(
        connection,
        "SELECT identity, inbox.epoch, sequence, name, sent_ms, text, stored, next, stream.shown, hall, folded
         FROM inbox JOIN sender USING (sender) JOIN stream USING (sender, epoch)
         WHERE inbox.shown = 0 ORDER BY arrival",
        [],
        |row| {
            let conversation: String = row.get(10)?;
            Ok(Unshown {
                id: MessageId {
                    sender: IdentityId(row.get(0)?),
                    slot: slot(row, 1)?,
                },
                from: parsed(row, 3)?,
                sent_at: WallTime::from_unix_ms(row.get(4)?),
                text: row.get(5)?,
                stored: row.get(6)?,
                room: optional(row, 9)?,
                at: conversation.strip_prefix('@').and_then(|at| at.parse().ok()),
                next: Sequence(row.get::<_, Bits>(7)?.0),
                shown: row.get::<_, Option<Bits>>(8)?.map(|shown| Sequence(shown.0)),
            })
        },
    )
}
