//! What gives way in a room's log to a post that is kept: decided in its commit, because only there it is known what stands in the
//! log.
//!
//! How much a log may hold is the engine's to say; how a post ends is in `registry_rooms`.
//! Invariant: nothing ends while the log, and its author's part of it, are within their bounds.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::database::Bits;
use super::registry_rooms::end_post;
use crate::registry::rooms::storage::{LogBounds, NewPost, POSTS_ENDED_MAX, PostEnd, RoomKey};
use crate::registry::storage::{MemberId, Row, Usage};
use crate::wire::room::PostNumber;

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
    while ended.len() < POSTS_ENDED_MAX {
        let is_his_part_full = payer.is_some() && his.exceeds(bounds.author);
        if !is_his_part_full && !all.exceeds(bounds.room) {
            break;
        }
        match oldest(db, new.room, number, payer)? {
            Some(row) => {
                let post = end_post(db, row, new.keep_until)?;
                let gone = Usage {
                    messages: 1,
                    bytes: post.bytes,
                };
                all = all.minus(gone);
                if post.author == new.author {
                    his = his.minus(gone);
                }
                ended.push(post);
            }
            None if payer.is_some() => payer = None,
            None => break,
        }
    }
    Ok(ended)
}

/// What stands in a room's log, and of it what is this author's.
fn open(db: &Connection, room: RoomKey, author: MemberId) -> Result<(Usage, Usage)> {
    db.prepare_cached(
        "SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (WHERE sender = ?2),
         coalesce(sum(size) FILTER (WHERE sender = ?2), 0) FROM mail WHERE room = ?1 AND outcome IS NULL ORDER BY 1",
    )?
    .query_row(params![room.0, author.0], |row| {
        let usage = |at| {
            Ok::<_, rusqlite::Error>(Usage {
                messages: row.get::<_, Bits>(at)?.0,
                bytes: row.get::<_, Bits>(at + 1)?.0,
            })
        };
        Ok((usage(0)?, usage(2)?))
    })
}

/// The oldest open post before that number; of this author, if there is one.
fn oldest(
    db: &Connection,
    room: RoomKey,
    before: PostNumber,
    author: Option<MemberId>,
) -> Result<Option<Row>> {
    db.prepare_cached(
        "SELECT id FROM mail WHERE room = ?1 AND number < ?2 AND outcome IS NULL AND (?3 IS NULL OR sender = ?3)
         ORDER BY number LIMIT 1",
    )?
    .query_row(
        params![room.0, Bits(before.0), author.map(|author| author.0)],
        |row| Ok(Row(row.get::<_, Bits>(0)?.0)),
    )
    .optional()
}
