//! What the registry's requests do to rooms, to who is in them, and to what was posted there.
//!
//! A post is a row of `mail` with a room and a number instead of a recipient. It ends when everybody who is in the room
//! has it, or when it gives way: to its lifetime, to newer posts, to the room's own end. How many have it is counted then.
//! Invariants: numbers in a room have no gaps; a cursor never goes back, nor beyond the last post; what is behind every
//! cursor has ended, or is named as still to be ended.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row as SqlRow, params};

use super::registry::{count, member_id};
use super::registry_logs::{enters, give_way, leaves};
use super::registry_mail::{end_row, known, page, slot};
use crate::clock::Age;
use crate::id::{EnvelopeHash, Name, RoomId, Slot};
use crate::limits::FORWARD_PAGE_MESSAGES;
use crate::registry::rooms::storage::{
    NewPost, POSTS_ENDED_MAX, PostEnd, PostRow, PostUsage, Readers, RoomKey, RoomReply, RoomRequest, RoomRow,
    RoomsImage, Who,
};
use crate::registry::storage::{Kept, MemberId, Notice, Row, Usage};
use crate::store::database::Bits;
use crate::wire::codec;
use crate::wire::message::End;
use crate::wire::room::{PostNumber, ROOM_PAGE_ITEMS_MAX};

pub(super) fn apply(db: &Connection, request: &RoomRequest) -> Result<RoomReply> {
    match request {
        RoomRequest::MakeRoom(room) => make(db, room),
        RoomRequest::Enter { room, member } => enter(db, *room, *member),
        RoomRequest::Depart {
            room,
            who,
            keep_until,
        } => depart(db, *room, *who, *keep_until),
        RoomRequest::EndRoom { room, keep_until } => end(db, *room, *keep_until),
        RoomRequest::Post(new) => post(db, new),
        RoomRequest::Cursors { member } => cursors(db, *member),
        RoomRequest::ReadPosts { room, after } => read(db, *room, *after),
        RoomRequest::Advance {
            room,
            member,
            number,
            keep_until,
        } => advance(db, *room, *member, *number, *keep_until),
        RoomRequest::Settle { room, keep_until } => settle(db, *room, *keep_until),
        RoomRequest::Readers { author, slot } => readers(db, *author, *slot),
    }
}

/// What the engine keeps of it in memory.
pub(super) fn image(db: &Connection) -> Result<RoomsImage> {
    let rooms = db
        .prepare("SELECT id, public, name, owner, head FROM room ORDER BY id")?
        .query_map([], |row| {
            let name = Name::try_from(row.get::<_, String>(2)?);
            Ok(RoomRow {
                key: RoomKey(row.get(0)?),
                id: RoomId(row.get(1)?),
                name: name
                    .map_err(|error| Error::FromSqlConversionFailure(2, Type::Text, Box::new(error)))?,
                owner: row.get::<_, Option<u32>>(3)?.map(MemberId),
                head: PostNumber(row.get::<_, Bits>(4)?.0),
            })
        })?
        .collect::<Result<_>>()?;
    let memberships = db
        .prepare("SELECT room, member FROM membership ORDER BY room, member")?
        .query_map([], |row| Ok((RoomKey(row.get(0)?), member_id(row, 1)?)))?
        .collect::<Result<_>>()?;
    let posts = db
        .prepare(
            "SELECT room, sender, count(*), sum(size) FROM mail WHERE outcome IS NULL AND room IS NOT NULL
             GROUP BY room, sender ORDER BY room, sender",
        )?
        .query_map([], |row| {
            Ok(PostUsage {
                room: RoomKey(row.get(0)?),
                author: member_id(row, 1)?,
                usage: Usage {
                    messages: count(row, 2)?,
                    bytes: count(row, 3)?,
                },
            })
        })?
        .collect::<Result<_>>()?;
    let unsettled = db
        .prepare(
            "SELECT id FROM room WHERE EXISTS (
                 SELECT 1 FROM mail WHERE mail.room = room.id AND outcome IS NULL AND number <=
                 coalesce((SELECT min(cursor) FROM membership WHERE membership.room = room.id), room.head))
             UNION SELECT room FROM mail
             WHERE outcome IS NULL AND room IS NOT NULL AND room NOT IN (SELECT id FROM room) ORDER BY 1",
        )?
        .query_map([], |row| row.get(0).map(RoomKey))?
        .collect::<Result<_>>()?;
    let last = "SELECT max((SELECT coalesce(max(id), 0) FROM room ORDER BY 1),
                           (SELECT coalesce(max(room), 0) FROM mail ORDER BY 1)) ORDER BY 1";
    Ok(RoomsImage {
        rooms,
        memberships,
        posts,
        last_room: RoomKey(db.query_row(last, [], |row| row.get(0))?),
        unsettled,
    })
}

/// A name is taken from its owner: his rooms end, and he leaves all others.
pub(super) fn release(db: &Connection, member: MemberId, keep_until: Age) -> Result<()> {
    let numbers = |sql: &str| -> Result<Vec<u32>> {
        db.prepare(sql)?
            .query_map([member.0], |row| row.get(0))?
            .collect()
    };
    for room in numbers("SELECT id FROM room WHERE owner = ?1 ORDER BY id")? {
        end(db, RoomKey(room), keep_until)?;
    }
    for room in numbers("SELECT room FROM membership WHERE member = ?1 ORDER BY room")? {
        depart(db, RoomKey(room), Who::One(member), keep_until)?;
    }
    Ok(())
}

fn make(db: &Connection, room: &RoomRow) -> Result<RoomReply> {
    db.prepare_cached(
        "INSERT INTO room (id, public, name, folded, owner, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        room.key.0,
        room.id.0,
        room.name.as_str(),
        room.name.folded(),
        room.owner.map(|owner| owner.0),
        Bits(room.head.0),
    ])?;
    if let Some(owner) = room.owner {
        enter(db, room.key, owner)?;
    }
    Ok(RoomReply::Made)
}

/// Lets somebody in, unless he is: he has everything that is there already. Says how far he is, and the room.
fn enter(db: &Connection, room: RoomKey, member: MemberId) -> Result<RoomReply> {
    db.prepare_cached(
        "INSERT INTO membership (room, member, cursor) SELECT id, ?2, head FROM room WHERE id = ?1
         ON CONFLICT DO NOTHING",
    )?
    .execute([room.0, member.0])?;
    let cursor: Option<Bits> = db
        .prepare_cached("SELECT cursor FROM membership WHERE room = ?1 AND member = ?2 ORDER BY room")?
        .query_row([room.0, member.0], |row| row.get(0))
        .optional()?;
    let head = head(db, room)?;
    Ok(RoomReply::Entered {
        cursor: cursor.map_or(head, |cursor| PostNumber(cursor.0)),
        head,
    })
}

/// They leave. Of what they have not, nobody waits for them any more.
fn depart(db: &Connection, room: RoomKey, who: Who, keep_until: Age) -> Result<RoomReply> {
    let (is, member) = match who {
        Who::One(member) => ("=", member),
        Who::AllBut(member) => ("<>", member),
    };
    let next = head(db, room)?.next();
    db.prepare_cached(&lose(is))?
        .execute(params![room.0, member.0, Bits(next.0)])?;
    db.prepare_cached(&format!(
        "DELETE FROM membership WHERE room = ?1 AND member {is} ?2"
    ))?
    .execute([room.0, member.0])?;
    settle(db, room, keep_until)
}

/// The statement that counts in `lost` what they leave without: all from behind their cursors up to the next post (`?3`), but not
/// what they wrote themselves. It goes once through those members and once through the posts.
fn lose(is: &str) -> String {
    format!(
        "WITH gone AS NOT MATERIALIZED (
             SELECT member, cursor FROM membership WHERE room = ?1 AND member {is} ?2),
         own AS (
             SELECT number FROM mail CROSS JOIN gone ON gone.member = mail.sender AND gone.cursor < mail.number
             WHERE room = ?1 AND outcome IS NULL AND number > (SELECT min(cursor) FROM gone)),
         change (begins, members) AS (
             SELECT cursor + 1, count(*) FROM gone GROUP BY cursor
             UNION ALL SELECT ?3, -count(*) FROM gone
             UNION ALL SELECT number, -1 FROM own
             UNION ALL SELECT number + 1, 1 FROM own),
         placed (number, members) AS MATERIALIZED (
             SELECT coalesce((
                 SELECT min(number) FROM mail WHERE room = ?1 AND outcome IS NULL AND number >= begins), ?3), members
             FROM change)
         INSERT INTO lost (room, number, members)
         SELECT ?1, number, sum(members) FROM placed GROUP BY number HAVING sum(members) <> 0
         ON CONFLICT (room, number) DO UPDATE SET members = members + excluded.members"
    )
}

/// The room ends: all leave it, and there is no next post.
fn end(db: &Connection, room: RoomKey, keep_until: Age) -> Result<RoomReply> {
    let ended = depart(db, room, Who::AllBut(MemberId(0)), keep_until)?;
    db.prepare_cached("DELETE FROM lost WHERE room = ?1 AND number > (SELECT head FROM room WHERE id = ?1)")?
        .execute([room.0])?;
    db.prepare_cached("DELETE FROM room WHERE id = ?1")?
        .execute([room.0])?;
    Ok(ended)
}

/// Keeps a post, or says what is known of its slot; where its author is in the room no more, that may be nothing.
fn post(db: &Connection, new: &NewPost) -> Result<RoomReply> {
    let number = head(db, new.room)?.next();
    let bytes = new.forward.envelope.len() as u64;
    let kept = db
        .prepare_cached(
            "INSERT INTO mail (id, room, number, due, sender, epoch, sequence, hash, floor, envelope, size, expires_ms)
             SELECT ?1, ?2, ?3, (SELECT count(*) FROM membership WHERE room = ?2 AND member <> ?4),
             ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM membership WHERE room = ?2 AND member = ?4
             ON CONFLICT (sender, epoch, sequence) DO NOTHING",
        )?
        .execute(params![
            Bits(new.row.0),
            new.room.0,
            Bits(number.0),
            new.author.0,
            Bits(new.slot.epoch.0),
            Bits(new.slot.sequence.0),
            new.hash.0,
            Bits(new.forward.floor.0),
            new.forward.envelope,
            Bits(bytes),
            Bits(new.expires.as_ms()),
        ])?;
    if kept == 0 {
        let kept = known(db, new.author, new.slot, new.hash)?;
        return Ok(RoomReply::Posted {
            kept,
            number: PostNumber::default(),
            gave_way: Vec::new(),
        });
    }
    enters(db, new.room, number, new.author, bytes)?;
    let gave_way = match new.bounds {
        Some(bounds) => give_way(db, new, number, bounds)?,
        None => Vec::new(),
    };
    Ok(RoomReply::Posted {
        kept: Kept::Fresh(new.forward.clone()),
        number,
        gave_way,
    })
}

/// Turns a post into its outcome: how many have it of those it was for.
pub(super) fn end_post(db: &Connection, row: Row, keep_until: Age) -> Result<PostEnd> {
    let (place, slot, hash, bytes) = db
        .prepare_cached(
            "SELECT room, number, sender, due, epoch, sequence, hash, size FROM mail WHERE id = ?1 ORDER BY id",
        )?
        .query_row([Bits(row.0)], |found| {
            let bytes = found.get::<_, Bits>(7)?.0;
            Ok((place(found)?, slot(found, 4)?, EnvelopeHash(found.get(6)?), bytes))
        })?;
    let end = End::Posted {
        received: received(db, &place)?,
        of: place.of,
    };
    end_row(db, row, &codec::encode(&end), keep_until)?;
    leaves(db, place.room, place.author, bytes)?;
    pass_on(db, &place)?;
    Ok(PostEnd {
        room: place.room,
        author: place.author,
        bytes,
        notice: Notice { row, slot, hash, end },
    })
}

/// Where a post stands that has not ended, and whom it is for.
struct Place {
    room: RoomKey,
    number: PostNumber,
    author: MemberId,
    /// How many those are, without its author.
    of: u32,
}

/// From the first columns of a row: room, number, sender, due.
fn place(row: &SqlRow<'_>) -> Result<Place> {
    Ok(Place {
        room: RoomKey(row.get(0)?),
        number: PostNumber(row.get::<_, Bits>(1)?.0),
        author: MemberId(row.get(2)?),
        of: row.get(3)?,
    })
}

/// How many have a post: all whom it is for but those who are behind it, and those who left without it.
fn received(db: &Connection, place: &Place) -> Result<u32> {
    let without: u32 = db
        .prepare_cached(
            "SELECT (SELECT count(*) FROM membership WHERE room = ?1 AND cursor < ?2 AND member <> ?3)
             + (SELECT coalesce(sum(members), 0) FROM lost WHERE room = ?1 AND number <= ?2) ORDER BY 1",
        )?
        .query_row(
            params![place.room.0, Bits(place.number.0), place.author.0],
            |row| row.get(0),
        )?;
    Ok(place.of.saturating_sub(without))
}

/// A post has ended: what `lost` has of it begins with the one behind it, where that is or is to come.
fn pass_on(db: &Connection, place: &Place) -> Result<()> {
    let ended = params![place.room.0, Bits(place.number.0)];
    db.prepare_cached(
        "INSERT INTO lost (room, number, members)
         SELECT room, coalesce(
             (SELECT min(number) FROM mail WHERE room = ?1 AND outcome IS NULL AND number > ?2),
             (SELECT head + 1 FROM room WHERE id = ?1)) AS next, members
         FROM lost WHERE room = ?1 AND number = ?2 AND next IS NOT NULL
         ON CONFLICT (room, number) DO UPDATE SET members = members + excluded.members",
    )?
    .execute(ended)?;
    db.prepare_cached("DELETE FROM lost WHERE room = ?1 AND number = ?2")?
        .execute(ended)?;
    Ok(())
}

/// Up to where a member has everything, in each of his rooms.
fn cursors(db: &Connection, member: MemberId) -> Result<RoomReply> {
    db.prepare_cached(
        "SELECT room.id, cursor, head FROM membership JOIN room ON room.id = membership.room
         WHERE member = ?1 ORDER BY room.id",
    )?
    .query_map([member.0], |row| {
        Ok((
            RoomKey(row.get(0)?),
            PostNumber(row.get::<_, Bits>(1)?.0),
            PostNumber(row.get::<_, Bits>(2)?.0),
        ))
    })?
    .collect::<Result<_>>()
    .map(RoomReply::Cursors)
}

/// A page of a room.
fn read(db: &Connection, room: RoomKey, after: PostNumber) -> Result<RoomReply> {
    let head = head(db, room)?;
    let mut statement = db.prepare_cached(
        "SELECT number, sender, epoch, sequence, floor, envelope FROM mail
         WHERE room = ?1 AND number > ?2 AND outcome IS NULL ORDER BY number LIMIT ?3",
    )?;
    let found = statement.query(params![room.0, Bits(after.0), Bits(FORWARD_PAGE_MESSAGES as u64)])?;
    let (rows, more) = page(found, |number, author, slot, forward| PostRow {
        number: PostNumber(number),
        author,
        slot,
        forward,
    })?;
    Ok(RoomReply::Posts { rows, more, head })
}

/// A member has everything up to there.
fn advance(
    db: &Connection,
    room: RoomKey,
    member: MemberId,
    number: PostNumber,
    keep_until: Age,
) -> Result<RoomReply> {
    let number = number.min(head(db, room)?);
    db.prepare_cached("UPDATE membership SET cursor = max(cursor, ?3) WHERE room = ?1 AND member = ?2")?
        .execute(params![room.0, member.0, Bits(number.0)])?;
    settle(db, room, keep_until)
}

/// Ends what everybody who is there has.
fn settle(db: &Connection, room: RoomKey, keep_until: Age) -> Result<RoomReply> {
    let due: Vec<Row> = db
        .prepare_cached(
            "SELECT id FROM mail WHERE room = ?1 AND outcome IS NULL
             AND number <= coalesce((SELECT min(cursor) FROM membership WHERE room = ?1), ?2)
             ORDER BY number LIMIT ?3",
        )?
        .query_map(params![room.0, i64::MAX, Bits(POSTS_ENDED_MAX as u64)], |row| {
            Ok(Row(row.get::<_, Bits>(0)?.0))
        })?
        .collect::<Result<_>>()?;
    let more = due.len() == POSTS_ENDED_MAX;
    let posts = due
        .into_iter()
        .map(|row| end_post(db, row, keep_until))
        .collect::<Result<_>>()?;
    Ok(RoomReply::PostsEnded { posts, more })
}

/// Who has a post that has not ended.
fn readers(db: &Connection, author: MemberId, slot: Slot) -> Result<RoomReply> {
    let found = db
        .prepare_cached(
            "SELECT room, number, sender, due FROM mail
             WHERE sender = ?1 AND epoch = ?2 AND sequence = ?3 AND outcome IS NULL AND room IS NOT NULL ORDER BY id",
        )?
        .query_row(
            params![author.0, Bits(slot.epoch.0), Bits(slot.sequence.0)],
            place,
        )
        .optional()?;
    let Some(place) = found else {
        return Ok(RoomReply::Readers(None));
    };
    let missing = db
        .prepare_cached(
            "SELECT member FROM membership WHERE room = ?1 AND cursor < ?2 AND member <> ?3 ORDER BY member LIMIT ?4",
        )?
        .query_map(
            params![
                place.room.0,
                Bits(place.number.0),
                author.0,
                Bits(ROOM_PAGE_ITEMS_MAX as u64)
            ],
            |row| row.get(0).map(MemberId),
        )?
        .collect::<Result<_>>()?;
    Ok(RoomReply::Readers(Some(Readers {
        received: received(db, &place)?,
        of: place.of,
        missing,
    })))
}

/// The last post of a room; of one that has ended, none.
fn head(db: &Connection, room: RoomKey) -> Result<PostNumber> {
    let head: Option<Bits> = db
        .prepare_cached("SELECT head FROM room WHERE id = ?1 ORDER BY id")?
        .query_row([room.0], |row| row.get(0))
        .optional()?;
    Ok(PostNumber(head.map_or(0, |head| head.0)))
}

#[cfg(test)]
#[path = "registry_rooms_tests.rs"]
pub(super) mod tests;
