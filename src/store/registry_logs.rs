//! What stands in the logs of rooms, and what gives way in one to a post that is kept: that is decided in its commit, because only
//! there it is known.
//!
//! How much a log may hold is the engine's to say; how a post ends is in `registry_rooms`.
//! Invariants: what is counted is what stands there; nothing ends while the log, and its author's part of it, are within their
//! bounds.

use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow, params};

use super::database::Bits;
use super::registry_rooms::end_post;
use crate::registry::rooms::storage::{LogBounds, NewPost, POSTS_ENDED_MAX, PostEnd, RoomKey};
use crate::registry::storage::{MemberId, Row, Usage};
use crate::wire::room::PostNumber;

/// A post of so many bytes stands in a log, as its last one.
pub(super) fn enters(
    db: &Connection,
    room: RoomKey,
    number: PostNumber,
    author: MemberId,
    bytes: u64,
) -> Result<()> {
    db.prepare_cached("UPDATE room SET head = ?2, posts = posts + 1, bytes = bytes + ?3 WHERE id = ?1")?
        .execute(params![room.0, Bits(number.0), Bits(bytes)])?;
    db.prepare_cached(
        "INSERT INTO authored (room, author, posts, bytes) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (room, author) DO UPDATE SET posts = posts + 1, bytes = bytes + excluded.bytes",
    )?
    .execute(params![room.0, author.0, Bits(bytes)])
    .map(|_| ())
}

/// A post has ended. The room may have, too.
pub(super) fn leaves(db: &Connection, room: RoomKey, author: MemberId, bytes: u64) -> Result<()> {
    db.prepare_cached("UPDATE room SET posts = posts - 1, bytes = bytes - ?2 WHERE id = ?1")?
        .execute(params![room.0, Bits(bytes)])?;
    db.prepare_cached(
        "UPDATE authored SET posts = posts - 1, bytes = bytes - ?3 WHERE room = ?1 AND author = ?2",
    )?
    .execute(params![room.0, author.0, Bits(bytes)])?;
    db.prepare_cached("DELETE FROM authored WHERE room = ?1 AND author = ?2 AND posts = 0")?
        .execute(params![room.0, author.0])
        .map(|_| ())
}

/// Ends the oldest posts before this one, until the log is within its bounds. Where its author's part is not he pays for all of it,
/// as far as he has something there; what is still too much for the room then is taken from whoever was first.
pub(super) fn give_way(
    db: &Connection,
    new: &NewPost,
    number: PostNumber,
    bounds: LogBounds,
) -> Result<Vec<PostEnd>> {
    let (mut all, mut his) = open(db, new.room, new.author)?;
    let mut payer = Some(new.author).filter(|_| his.exceeds(bounds.author));
    let mut ended = Vec::new();
    let mut behind = PostNumber(0);
    while ended.len() < POSTS_ENDED_MAX {
        let is_his_part_full = payer.is_some() && his.exceeds(bounds.author);
        if !is_his_part_full && !all.exceeds(bounds.room) {
            break;
        }
        match oldest(db, new.room, behind..number, payer)? {
            Some((row, place)) => {
                let post = end_post(db, row, new.keep_until)?;
                let gone = Usage::one(post.bytes);
                all = all.minus(gone);
                if post.author == new.author {
                    his = his.minus(gone);
                }
                behind = place;
                ended.push(post);
            }
            None if payer.is_some() => (payer, behind) = (None, PostNumber(0)),
            None => break,
        }
    }
    Ok(ended)
}

/// What stands in a room's log, and of it what is this author's.
fn open(db: &Connection, room: RoomKey, author: MemberId) -> Result<(Usage, Usage)> {
    let usage = |row: &SqlRow<'_>| {
        Ok(Usage {
            messages: row.get::<_, Bits>(0)?.0,
            bytes: row.get::<_, Bits>(1)?.0,
        })
    };
    let all = db
        .prepare_cached("SELECT posts, bytes FROM room WHERE id = ?1 ORDER BY id")?
        .query_row([room.0], usage)?;
    let his = db
        .prepare_cached("SELECT posts, bytes FROM authored WHERE room = ?1 AND author = ?2 ORDER BY author")?
        .query_row(params![room.0, author.0], usage)
        .optional()?;
    Ok((all, his.unwrap_or_default()))
}

const OLDEST: &str = "SELECT id, number FROM mail
    WHERE room = ?1 AND number > ?2 AND number < ?3 AND outcome IS NULL ORDER BY number LIMIT 1";
const OLDEST_OF_AUTHOR: &str = "SELECT id, number FROM mail
    WHERE room = ?1 AND number > ?2 AND number < ?3 AND sender = ?4 AND outcome IS NULL ORDER BY number LIMIT 1";

/// The oldest open post behind a number and before another; of this author, if there is one.
fn oldest(
    db: &Connection,
    room: RoomKey,
    between: std::ops::Range<PostNumber>,
    author: Option<MemberId>,
) -> Result<Option<(Row, PostNumber)>> {
    let found = |row: &SqlRow<'_>| {
        Ok((
            Row(row.get::<_, Bits>(0)?.0),
            PostNumber(row.get::<_, Bits>(1)?.0),
        ))
    };
    let (first, last) = (Bits(between.start.0), Bits(between.end.0));
    match author {
        Some(author) => db
            .prepare_cached(OLDEST_OF_AUTHOR)?
            .query_row(params![room.0, first, last, author.0], found),
        None => db
            .prepare_cached(OLDEST)?
            .query_row(params![room.0, first, last], found),
    }
    .optional()
}

#[cfg(test)]
#[path = "registry_logs_tests.rs"]
mod tests;
