//! What the registry's requests do to the `mail` table.
//!
//! A row is a message until its outcome is known, then that outcome until the sender has committed it. Whether a
//! deposit is new is decided here, by the unique key (sender, epoch, sequence).
//! Invariant: an outcome is only ever replaced by a recipient's answer, and that by nothing.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Rows, params};

use crate::clock::{Age, WallTime};
use crate::id::{EnvelopeHash, Epoch, Sequence, Slot};
use crate::limits::{FORWARD_PAGE_BYTES, FORWARD_PAGE_MESSAGES};
use crate::registry::rooms::storage::POSTS_ENDED_MAX;
use crate::registry::storage::{
    Answer, EXPIRE_ROWS_MAX, Ending, Expired, Kept, Mail, MemberId, NewMail, Notice, Reply, Row, Withdrawn,
};
use crate::store::database::Bits;
use crate::store::registry_rooms as rooms;
use crate::wire::codec;
use crate::wire::message::{DepositRefusal, End, Forward};

/// Stores a message, or says what is known of its slot.
pub(super) fn deposit(db: &Connection, new: &NewMail) -> rusqlite::Result<Kept> {
    let stored = db
        .prepare_cached(
            "INSERT INTO mail (id, recipient, sender, epoch, sequence, hash, floor, envelope, size, expires_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (sender, epoch, sequence) DO NOTHING",
        )?
        .execute(params![
            Bits(new.row.0),
            new.recipient.0,
            new.sender.0,
            Bits(new.slot.epoch.0),
            Bits(new.slot.sequence.0),
            new.hash.0,
            Bits(new.forward.floor.0),
            new.forward.envelope,
            Bits(new.forward.envelope.len() as u64),
            Bits(new.expires.as_ms()),
        ])?;
    if stored == 0 {
        return known(db, new.sender, new.slot, new.hash);
    }
    if new.new_contact {
        db.prepare_cached("INSERT INTO contact (writer, reader) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute([new.sender.0, new.recipient.0])?;
    }
    Ok(Kept::Fresh(new.forward.clone()))
}

/// What is known of a slot.
pub(super) fn known(
    db: &Connection,
    sender: MemberId,
    slot: Slot,
    hash: EnvelopeHash,
) -> rusqlite::Result<Kept> {
    Ok(match find(db, sender, slot)? {
        None => Kept::Unknown,
        Some(found) if found.hash != hash => Kept::Conflict,
        Some(Found { end: None, .. }) => Kept::Waiting,
        Some(Found {
            row, end: Some(end), ..
        }) => Kept::Ended { row, end },
    })
}

/// What stands in a slot.
struct Found {
    row: Row,
    /// `None`: it was posted to a room.
    recipient: Option<MemberId>,
    hash: EnvelopeHash,
    size: u64,
    end: Option<End>,
}

fn find(db: &Connection, sender: MemberId, slot: Slot) -> rusqlite::Result<Option<Found>> {
    db.prepare_cached(
        "SELECT id, recipient, hash, size, outcome FROM mail
         WHERE sender = ?1 AND epoch = ?2 AND sequence = ?3 ORDER BY id",
    )?
    .query_row(
        params![sender.0, Bits(slot.epoch.0), Bits(slot.sequence.0)],
        |row| {
            Ok(Found {
                row: Row(row.get::<_, Bits>(0)?.0),
                recipient: row.get::<_, Option<u32>>(1)?.map(MemberId),
                hash: EnvelopeHash(row.get(2)?),
                size: row.get::<_, Bits>(3)?.0,
                end: outcome(row, 4)?,
            })
        },
    )
    .optional()
}

/// A page of a mailbox: at least one message if there is one, else bounded in number and bytes.
pub(super) fn read(db: &Connection, recipient: MemberId, after: Row) -> rusqlite::Result<Reply> {
    let mut statement = db.prepare_cached(
        "SELECT id, sender, epoch, sequence, floor, envelope FROM mail
         WHERE recipient = ?1 AND id > ?2 AND outcome IS NULL ORDER BY id LIMIT ?3",
    )?;
    let found = statement.query(params![
        recipient.0,
        Bits(after.0),
        Bits(FORWARD_PAGE_MESSAGES as u64)
    ])?;
    let (rows, more) = page(found, |number, sender, slot, forward| Mail {
        row: Row(number),
        sender,
        slot,
        forward,
    })?;
    Ok(Reply::Mail { rows, more })
}

/// A page of messages, and whether there may be more: at least one if there is one, else bounded in number (by the query) and
/// bytes. The columns are a number, sender, epoch, sequence, floor, envelope.
pub(super) fn page<T>(
    mut found: Rows<'_>,
    made: impl Fn(u64, MemberId, Slot, Forward) -> T,
) -> rusqlite::Result<(Vec<T>, bool)> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let forward = Forward {
            floor: Sequence(row.get::<_, Bits>(4)?.0),
            envelope: row.get(5)?,
        };
        bytes += forward.envelope.len() as u64;
        let number = row.get::<_, Bits>(0)?.0;
        rows.push(made(number, MemberId(row.get(1)?), slot(row, 2)?, forward));
        if bytes >= FORWARD_PAGE_BYTES {
            return Ok((rows, true));
        }
    }
    let more = rows.len() == FORWARD_PAGE_MESSAGES;
    Ok((rows, more))
}

/// A page of outcomes.
pub(super) fn read_notices(db: &Connection, sender: MemberId, after: Row) -> rusqlite::Result<Reply> {
    let rows: Vec<Notice> = db
        .prepare_cached(
            "SELECT id, epoch, sequence, hash, outcome FROM mail
             WHERE sender = ?1 AND id > ?2 AND outcome IS NOT NULL ORDER BY id LIMIT ?3",
        )?
        .query_map(
            params![sender.0, Bits(after.0), Bits(FORWARD_PAGE_MESSAGES as u64)],
            |row| {
                Ok(Notice {
                    row: Row(row.get::<_, Bits>(0)?.0),
                    slot: slot(row, 1)?,
                    hash: EnvelopeHash(row.get(3)?),
                    end: outcome(row, 4)?.ok_or_else(|| broken(4, "no outcome"))?,
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    let more = rows.len() == FORWARD_PAGE_MESSAGES;
    Ok(Reply::Notices { rows, more })
}

/// Turns a message into its recipient's answer. What has expired meanwhile is answered after all; what is gone
/// comes back as an outcome, so that its sender learns of it.
pub(super) fn answer(db: &Connection, answer: &Answer) -> rusqlite::Result<Reply> {
    let end = codec::encode(&answer.end);
    let ending = match find(db, answer.sender, answer.slot)? {
        None => revive(db, answer, &end)?,
        Some(found) if found.hash != answer.hash || found.recipient != Some(answer.recipient) => {
            Ending::Nothing
        }
        Some(found) => match found.end {
            None => {
                end_row(db, found.row, &end, answer.keep_until)?;
                Ending::Freed(found.size)
            }
            Some(End::Expired { .. } | End::Refused { .. }) => {
                end_row(db, found.row, &end, answer.keep_until)?;
                Ending::Replaced
            }
            Some(End::Answered(_) | End::Posted { .. }) => Ending::Nothing,
        },
    };
    Ok(Reply::Ended(ending))
}

/// Turns a row into an outcome. By its number, and without RETURNING, for which SQLite would keep a copy of each page
/// that changes: twice the work.
pub(super) fn end_row(db: &Connection, row: Row, end: &[u8], keep_until: Age) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE mail SET envelope = NULL, outcome = ?2, expires_ms = ?3 WHERE id = ?1")?
        .execute(params![Bits(row.0), end, Bits(keep_until.as_ms())])?;
    Ok(())
}

/// Stores the outcome of a message that is gone.
fn revive(db: &Connection, answer: &Answer, end: &[u8]) -> rusqlite::Result<Ending> {
    db.prepare_cached(
        "INSERT INTO mail (id, recipient, sender, epoch, sequence, hash, floor, size, expires_ms, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7, ?8)",
    )?
    .execute(params![
        Bits(answer.row.0),
        answer.recipient.0,
        answer.sender.0,
        Bits(answer.slot.epoch.0),
        Bits(answer.slot.sequence.0),
        answer.hash.0,
        Bits(answer.keep_until.as_ms()),
        end,
    ])
    .map(|_| Ending::Revived)
}

/// Forgets an outcome; a message that waits stays.
pub(super) fn forget(db: &Connection, sender: MemberId, slot: Slot) -> rusqlite::Result<Reply> {
    db.prepare_cached(
        "DELETE FROM mail WHERE sender = ?1 AND epoch = ?2 AND sequence = ?3 AND outcome IS NOT NULL",
    )?
    .execute(params![sender.0, Bits(slot.epoch.0), Bits(slot.sequence.0)])
    .map(|rows| Reply::Forgotten(rows > 0))
}

/// Removes a message, or its outcome. What was posted to a room stays: others may have it.
pub(super) fn withdraw(db: &Connection, sender: MemberId, slot: Slot) -> rusqlite::Result<Reply> {
    let gone = db
        .prepare_cached(
            "DELETE FROM mail WHERE sender = ?1 AND epoch = ?2 AND sequence = ?3 AND room IS NULL
             RETURNING recipient, size, outcome IS NULL",
        )?
        .query_row(
            params![sender.0, Bits(slot.epoch.0), Bits(slot.sequence.0)],
            |row| {
                if row.get(2)? {
                    let (recipient, bytes) = (MemberId(row.get(0)?), row.get::<_, Bits>(1)?.0);
                    Ok(Withdrawn::Message { recipient, bytes })
                } else {
                    Ok(Withdrawn::Outcome)
                }
            },
        )
        .optional()?;
    Ok(Reply::Withdrawn(gone.unwrap_or(Withdrawn::Nothing)))
}

/// What has outlived its time.
enum Due {
    Mail(Expired),
    Post(Row),
    Outcome(Row, MemberId),
}

/// Turns what has outlived its time into outcomes, and drops outcomes that have.
pub(super) fn expire(db: &Connection, now: Age, at: WallTime, keep_until: Age) -> rusqlite::Result<Reply> {
    let (mut rows, mut posts, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
    for due in due(db, now, at)? {
        match due {
            Due::Mail(expired) => {
                let end = codec::encode(&expired.notice.end);
                end_row(db, expired.notice.row, &end, keep_until)?;
                rows.push(expired);
            }
            Due::Post(_) if posts.len() >= POSTS_ENDED_MAX => {}
            Due::Post(row) => posts.push(rooms::end_post(db, row, keep_until)?),
            Due::Outcome(row, sender) => {
                db.prepare_cached("DELETE FROM mail WHERE id = ?1")?
                    .execute([Bits(row.0)])?;
                dropped.push(sender);
            }
        }
    }
    Ok(Reply::Expired {
        rows,
        posts,
        dropped,
        next: next_expiry(db)?,
    })
}

fn due(db: &Connection, now: Age, at: WallTime) -> rusqlite::Result<Vec<Due>> {
    db.prepare_cached(
        "SELECT id, epoch, sequence, hash, recipient, sender, size, outcome IS NULL FROM mail
         WHERE expires_ms <= ?1 ORDER BY expires_ms, id LIMIT ?2",
    )?
    .query_map(
        params![Bits(now.as_ms()), Bits(EXPIRE_ROWS_MAX as u64)],
        |found| {
            let (row, sender) = (Row(found.get::<_, Bits>(0)?.0), MemberId(found.get(5)?));
            let recipient: Option<u32> = found.get(4)?;
            Ok(match (found.get(7)?, recipient) {
                (false, _) => Due::Outcome(row, sender),
                (true, None) => Due::Post(row),
                (true, Some(recipient)) => Due::Mail(Expired {
                    recipient: MemberId(recipient),
                    sender,
                    bytes: found.get::<_, Bits>(6)?.0,
                    notice: Notice {
                        row,
                        slot: slot(found, 1)?,
                        hash: EnvelopeHash(found.get(3)?),
                        end: End::Expired { at },
                    },
                }),
            })
        },
    )?
    .collect()
}

/// Ends all that waits for somebody as refused; his senders are told. Returns how many messages that were.
pub(super) fn refuse_all(db: &Connection, recipient: MemberId, keep_until: Age) -> rusqlite::Result<u64> {
    let end = End::Refused {
        reason: DepositRefusal::Released,
    };
    db.prepare_cached(
        "UPDATE mail SET envelope = NULL, outcome = ?2, expires_ms = ?3 WHERE recipient = ?1 AND outcome IS NULL",
    )?
    .execute(params![recipient.0, codec::encode(&end), Bits(keep_until.as_ms())])
    .map(|rows| rows as u64)
}

/// The earliest end of a lifetime.
pub(super) fn next_expiry(db: &Connection) -> rusqlite::Result<Option<Age>> {
    db.prepare_cached("SELECT expires_ms FROM mail ORDER BY expires_ms LIMIT 1")?
        .query_row([], |row| row.get::<_, Bits>(0))
        .optional()
        .map(|age| age.map(|age| Age::from_ms(age.0)))
}

pub(super) fn slot(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Slot> {
    Ok(Slot {
        epoch: Epoch(row.get::<_, Bits>(column)?.0),
        sequence: Sequence(row.get::<_, Bits>(column + 1)?.0),
    })
}

fn outcome(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<End>> {
    row.get_ref(column)?
        .as_blob_or_null()?
        .map(|bytes| codec::decode(bytes).map_err(|error| broken(column, error)))
        .transpose()
}

/// A value that this program did not write.
fn broken(column: usize, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, why.into())
}
