//! Both boxes as one history: the SQL that finds the last messages, and that takes from final ones what they say.
//!
//! In the order in which messages came to be here, by our wall clock. What a message says is removed and its row stays, with
//! a digest where its text is compared with others' (`client_inbox`).
//! Invariants: a page is bounded in messages and in bytes; only what is final, and was seen, loses its text, and it loses no
//! more.

use blake2::digest::consts::U16;
use blake2::{Blake2s, Digest as _};
use rusqlite::{Params, Result, Row, ToSql, params};

use super::client::Tables;
use super::client_image::{parsed, rows, slot, state, to};
use crate::client::interface::{Place, Recorded, Way};
use crate::client::storage::{Page, Removal, Removed, Scope};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name, RoomId};
use crate::limits::{HISTORY_BYTES_MAX, HISTORY_REMOVED_AT_ONCE};
use crate::wire::room::Hall;

/// What [`came`] reads.
pub(super) const CAME: &str = "inbox.arrival, inbox.received_ms, inbox.sent_ms, inbox.text, inbox.epoch, inbox.sequence,
    (SELECT identity FROM sender WHERE sender.sender = inbox.sender), inbox.name, inbox.folded, inbox.room, inbox.hall";
/// What [`went`] reads.
pub(super) const WENT: &str =
    "outbox.message, outbox.sent_ms, outbox.text, outbox.epoch, outbox.sequence, outbox.name, outbox.room,
    outbox.state, outbox.reason, outbox.stored_ms, outbox.ended_ms";

/// A row of the inbox.
pub(super) fn came(row: &Row<'_>) -> Result<(Place, Recorded)> {
    let at_ms = row.get(1)?;
    let room: Option<[u8; 16]> = row.get(9)?;
    let from: Name = parsed(row, 7)?;
    let conversation: String = row.get(8)?;
    let with = match (room, conversation.strip_prefix('@').map(str::parse)) {
        (Some(id), _) => To::Room(Hall {
            name: parsed(row, 10)?,
            id: RoomId(id),
        }),
        (None, Some(Ok(address))) => To::At(address),
        (None, _) => To::Peer(from.clone()),
    };
    let recorded = Recorded {
        id: MessageId {
            sender: IdentityId(row.get(6)?),
            slot: slot(row, 4)?,
        },
        with,
        sent_at: WallTime::from_unix_ms(row.get(2)?),
        text: row.get(3)?,
        way: Way::In {
            from,
            received_at: WallTime::from_unix_ms(at_ms),
        },
    };
    let place = Place {
        at_ms,
        outbox: false,
        row: row.get(0)?,
    };
    Ok((place, recorded))
}

/// A row of the outbox; `own`: who we are.
pub(super) fn went(row: &Row<'_>, own: IdentityId) -> Result<(Place, Recorded)> {
    let wall =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(WallTime::from_unix_ms));
    let at_ms = row.get(1)?;
    let recorded = Recorded {
        id: MessageId {
            sender: own,
            slot: slot(row, 3)?,
        },
        with: to(row, 5, 6)?,
        sent_at: WallTime::from_unix_ms(at_ms),
        text: row.get(2)?,
        way: Way::Out {
            state: state(row, 7, Some(8))?,
            stored_at: wall(9)?,
            ended_at: wall(10)?,
        },
    };
    let place = Place {
        at_ms,
        outbox: true,
        row: row.get(0)?,
    };
    Ok((place, recorded))
}

/// The last messages of several lists, before a place.
struct Newest {
    most: usize,
    before: Option<Place>,
    own: IdentityId,
    found: Vec<(Place, Recorded)>,
    /// Some list was not read to its end.
    cut: bool,
}

impl Newest {
    /// Reads the lists of both boxes.
    fn read(&mut self, tables: &Tables<'_>, [inbox, outbox]: &[String; 2], key: Option<&str>) -> Result<()> {
        let own = self.own;
        let ends = [false, true].map(|outbox| end(self.before, outbox));
        let [inbox_end, outbox_end] = ends;
        self.read_list(tables, (inbox, inbox_end), key, came)?;
        self.read_list(tables, (outbox, outbox_end), key, |row| went(row, own))
    }

    /// Reads a list, the last first: as much as a page can take, and of one more that it is there.
    fn read_list(
        &mut self,
        tables: &Tables<'_>,
        (sql, (at_ms, row)): (&str, (i64, i64)),
        key: Option<&str>,
        read: impl Fn(&Row<'_>) -> Result<(Place, Recorded)>,
    ) -> Result<()> {
        let mut values: Vec<&dyn ToSql> = vec![&tables.registry, &at_ms, &row];
        values.extend(key.as_ref().map(|key| key as &dyn ToSql));
        let mut statement = tables.connection.prepare_cached(sql)?;
        let mut list = statement.query(values.as_slice())?;
        let (mut messages, mut bytes) = (0, 0);
        while let Some(row) = list.next()? {
            if messages == self.most || bytes >= HISTORY_BYTES_MAX {
                self.cut = true;
                break;
            }
            let (place, recorded) = read(row)?;
            messages += 1;
            bytes += recorded.text.len();
            self.found.push((place, recorded));
        }
        Ok(())
    }

    /// The last of them all.
    fn page(mut self) -> Page {
        self.found.sort_unstable_by_key(|(place, _)| *place);
        let mut bytes = 0;
        let fits = |(_, recorded): &&(Place, Recorded)| {
            let fits = bytes < HISTORY_BYTES_MAX;
            bytes += recorded.text.len();
            fits
        };
        let fitting = self.found.iter().rev().take(self.most).take_while(fits).count();
        let earlier = self.found.len() - fitting;
        let is_more = self.cut || earlier > 0;
        let page = self.found.split_off(earlier);
        Page {
            earlier: page.first().filter(|_| is_more).map(|(place, _)| *place),
            messages: page.into_iter().map(|(_, recorded)| recorded).collect(),
        }
    }
}

/// The time and the row of a box before which its messages stand before a place. In one moment the inbox is the first.
fn end(place: Option<Place>, outbox: bool) -> (i64, i64) {
    place.map_or((i64::MAX, i64::MAX), |place| {
        let row = match (outbox, place.outbox) {
            (false, true) => i64::MAX,
            (true, false) => i64::MIN,
            _ => place.row,
        };
        (place.at_ms, row)
    })
}

/// All messages of a registry in each box, the last first. An index has them so.
fn of_all() -> [String; 2] {
    [
        format!(
            "SELECT {CAME} FROM inbox WHERE registry = ?1 AND digest IS NULL AND (received_ms, arrival) < (?2, ?3)
             ORDER BY received_ms DESC, arrival DESC"
        ),
        format!(
            "SELECT {WENT} FROM outbox WHERE registry = ?1 AND removed = 0 AND (sent_ms, message) < (?2, ?3)
             ORDER BY sent_ms DESC, message DESC"
        ),
    ]
}

/// The same of a conversation.
fn of_conversation() -> [String; 2] {
    [
        format!(
            "SELECT {CAME} FROM inbox WHERE registry = ?1 AND folded = ?4 AND digest IS NULL
             AND (received_ms, arrival) < (?2, ?3) ORDER BY received_ms DESC, arrival DESC"
        ),
        format!(
            "SELECT {WENT} FROM outbox WHERE registry = ?1 AND folded = ?4 AND removed = 0
             AND (sent_ms, message) < (?2, ?3) ORDER BY sent_ms DESC, message DESC"
        ),
    ]
}

/// Those that have words, by the rows in which they stand, the last first: so the index of words has them. A join the other
/// way round would read all messages.
fn of_words() -> [String; 2] {
    [
        format!(
            "SELECT {CAME} FROM inbox_words CROSS JOIN inbox ON inbox.arrival = inbox_words.rowid
             WHERE inbox_words MATCH ?4 AND inbox.registry = ?1 AND (received_ms, arrival) < (?2, ?3)
             ORDER BY inbox_words.rowid DESC"
        ),
        format!(
            "SELECT {WENT} FROM outbox_words CROSS JOIN outbox ON outbox.message = outbox_words.rowid
             WHERE outbox_words MATCH ?4 AND outbox.registry = ?1 AND (sent_ms, message) < (?2, ?3)
             ORDER BY outbox_words.rowid DESC"
        ),
    ]
}

impl Tables<'_> {
    /// The last messages of these, or the last before a place; `own`: who we are.
    pub(super) fn recall(
        &self,
        scope: &Scope,
        most: usize,
        before: Option<Place>,
        own: IdentityId,
    ) -> Result<Page> {
        let mut newest = Newest {
            most,
            before,
            own,
            found: Vec::new(),
            cut: false,
        };
        match scope {
            Scope::All => newest.read(self, &of_all(), None)?,
            Scope::Conversations(keys) => {
                for key in keys {
                    newest.read(self, &of_conversation(), Some(key))?;
                }
            }
            Scope::Words(words) => {
                if let Some(pattern) = pattern(words) {
                    newest.read(self, &of_words(), Some(&pattern))?;
                }
            }
        }
        Ok(newest.page())
    }

    /// Removes the texts of some of these, the oldest first.
    pub(super) fn remove(&self, removal: &Removal) -> Result<Removed> {
        let mut room = HISTORY_REMOVED_AT_ONCE;
        let mut left = 0;
        match removal {
            Removal::Conversations(keys) => {
                for key in keys {
                    room -= self.remove_conversation(key, room)?;
                }
                if room > 0 {
                    for key in keys {
                        left += self.count(key)?;
                    }
                }
            }
            Removal::Before(at) => {
                let registries = "SELECT registry FROM registry ORDER BY registry";
                for registry in rows(self.connection, registries, [], |row| row.get(0))? {
                    room -= self.remove_before(registry, *at, room)?;
                }
            }
        }
        Ok(Removed {
            messages: u64::try_from(HISTORY_REMOVED_AT_ONCE - room).unwrap_or(u64::MAX),
            more: room == 0,
            left,
        })
    }

    fn remove_conversation(&self, key: &str, room: usize) -> Result<usize> {
        let taken = self.blank(
            "SELECT arrival, text FROM inbox WHERE registry = ?1 AND folded = ?2 AND digest IS NULL AND shown = 1
             ORDER BY received_ms, arrival LIMIT ?3",
            params![self.registry, key, limit(room)],
        )?;
        let given = self.execute(
            "UPDATE outbox SET text = '', removed = 1 WHERE message IN (SELECT message FROM outbox
             WHERE registry = ?1 AND folded = ?2 AND removed = 0 AND state > 1 ORDER BY sent_ms, message LIMIT ?3)",
            params![self.registry, key, limit(room - taken)],
        )?;
        Ok(taken + given)
    }

    fn remove_before(&self, registry: i64, at: WallTime, room: usize) -> Result<usize> {
        let taken = self.blank(
            "SELECT arrival, text FROM inbox WHERE registry = ?1 AND received_ms < ?2 AND digest IS NULL AND shown = 1
             ORDER BY received_ms, arrival LIMIT ?3",
            params![registry, at.unix_ms(), limit(room)],
        )?;
        let given = self.execute(
            "UPDATE outbox SET text = '', removed = 1 WHERE message IN (SELECT message FROM outbox
             WHERE registry = ?1 AND sent_ms < ?2 AND removed = 0 AND state > 1 ORDER BY sent_ms, message LIMIT ?3)",
            params![registry, at.unix_ms(), limit(room - taken)],
        )?;
        Ok(taken + given)
    }

    /// Puts digests in the place of texts in the inbox; how many.
    fn blank(&self, sql: &str, values: impl Params) -> Result<usize> {
        let texts = rows(self.connection, sql, values, |row| {
            let text: String = row.get(1)?;
            Ok((row.get::<_, i64>(0)?, digest(&text)))
        })?;
        for (arrival, digest) in &texts {
            self.execute(
                "UPDATE inbox SET text = '', digest = ?2 WHERE arrival = ?1",
                params![arrival, digest],
            )?;
        }
        Ok(texts.len())
    }

    /// How many messages of a conversation have their text.
    fn count(&self, key: &str) -> Result<u64> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT (SELECT count(*) FROM inbox WHERE registry = ?1 AND folded = ?2 AND digest IS NULL)
                 + (SELECT count(*) FROM outbox WHERE registry = ?1 AND folded = ?2 AND removed = 0) AS messages
                 ORDER BY messages",
            )?
            .query_row(params![self.registry, key], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

fn limit(room: usize) -> i64 {
    i64::try_from(room).unwrap_or(i64::MAX)
}

/// What stands for a text that was removed. Whoever has the database can check a guess at it, as with the envelope's hash.
pub(super) fn digest(text: &str) -> [u8; 16] {
    Blake2s::<U16>::digest(text).into()
}

/// Words as the index takes them: all of them, each as it is, or its beginning. `None` if there is nothing to look for.
fn pattern(words: &str) -> Option<String> {
    let quoted = words.split_whitespace().filter_map(|word| {
        let (bare, star) = match word.strip_suffix('*') {
            Some(bare) => (bare, " *"),
            None => (word, ""),
        };
        let has_letters = bare.chars().any(char::is_alphanumeric);
        has_letters.then(|| format!("\"{}\"{star}", bare.replace(['"', '\0'], " ")))
    });
    let quoted: Vec<String> = quoted.collect();
    (!quoted.is_empty()).then(|| quoted.join(" "))
}

#[cfg(test)]
#[path = "client_history_tests.rs"]
mod tests;
