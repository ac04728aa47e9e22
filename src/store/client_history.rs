//! Both boxes as one history: the SQL that finds the last messages.
//!
//! In the order in which messages came to be here, by our wall clock. What takes texts away is `client_removal`.
//! Invariant: a page is bounded in messages and in bytes.

use std::cmp::Reverse;

use rusqlite::{Result, Row, ToSql, params};

use super::client::Tables;
use super::client_image::{parsed, slot, state, to};
use super::database::Bits;
use crate::client::interface::{One, Place, Recorded, Trust, Way};
use crate::client::storage::{Page, Scope};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name, RoomId};
use crate::limits::HISTORY_BYTES_MAX;
use crate::wire::room::Hall;

/// Where a row stands in its box: by our wall clock when it came to be here, and by its number.
pub(super) type Stand = (i64, i64);

/// What [`came`] reads.
pub(super) const CAME: &str = "inbox.arrival, inbox.received_ms, inbox.sent_ms, inbox.text, inbox.epoch, inbox.sequence,
    (SELECT identity FROM sender WHERE sender.sender = inbox.sender), inbox.name, inbox.folded, inbox.room, inbox.hall,
    inbox.stored";
/// What [`went`] reads.
pub(super) const WENT: &str =
    "outbox.message, outbox.sent_ms, outbox.text, outbox.epoch, outbox.sequence, outbox.name, outbox.room,
    outbox.state, outbox.reason, outbox.stored_ms, outbox.ended_ms, outbox.identity";

/// A row of the inbox.
pub(super) fn came(row: &Row<'_>) -> Result<(Stand, Recorded)> {
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
    let row_number: i64 = row.get(0)?;
    let recorded = Recorded {
        number: number(row_number),
        id: MessageId {
            sender: IdentityId(row.get(6)?),
            slot: slot(row, 4)?,
        },
        with,
        trust: Trust::default(),
        sent_at: WallTime::from_unix_ms(row.get(2)?),
        text: row.get(3)?,
        way: Way::In {
            from,
            received_at: WallTime::from_unix_ms(at_ms),
            stored: row.get(11)?,
        },
    };
    Ok(((at_ms, row_number), recorded))
}

/// A row of the outbox; `own`: who we are.
pub(super) fn went(row: &Row<'_>, own: IdentityId) -> Result<(Stand, Recorded)> {
    let wall =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(WallTime::from_unix_ms));
    let at_ms = row.get(1)?;
    let row_number: i64 = row.get(0)?;
    let recorded = Recorded {
        number: number(row_number),
        id: MessageId {
            sender: own,
            slot: slot(row, 3)?,
        },
        with: to(row, 5, 6)?,
        trust: Trust::default(),
        sent_at: WallTime::from_unix_ms(at_ms),
        text: row.get(2)?,
        way: Way::Out {
            state: state(row, 7, Some(8))?,
            stored_at: wall(9)?,
            ended_at: wall(10)?,
            sealed_for: row.get::<_, Option<[u8; 32]>>(11)?.map(IdentityId),
        },
    };
    Ok(((at_ms, row_number), recorded))
}

/// Rows are numbered from 1.
fn number(row: i64) -> u64 {
    u64::try_from(row).unwrap_or(0)
}

/// The last messages of several lists, before a place.
struct Newest {
    most: usize,
    before: Place,
    own: IdentityId,
    /// Of each box, the last first.
    came: Vec<(Stand, Recorded)>,
    went: Vec<(Stand, Recorded)>,
    /// Some list was not read to its end.
    cut: bool,
}

impl Newest {
    /// Reads the lists of both boxes.
    fn read(&mut self, tables: &Tables<'_>, [inbox, outbox]: &[String; 2], key: Option<&str>) -> Result<()> {
        let list = self.read_before(tables, inbox, self.before.inbox, key, came)?;
        self.came.extend(list);
        self.read_outbox(tables, outbox, key)
    }

    fn read_outbox(&mut self, tables: &Tables<'_>, sql: &str, key: Option<&str>) -> Result<()> {
        let own = self.own;
        let list = self.read_before(tables, sql, self.before.outbox, key, |row| went(row, own))?;
        self.went.extend(list);
        Ok(())
    }

    /// Reads those that have words.
    fn read_words(&mut self, tables: &Tables<'_>, pattern: &str) -> Result<()> {
        let (registry, own) = (tables.registry, self.own);
        let [inbox, outbox] = of_words();
        let ((_, came_end), (_, went_end)) = (self.before.inbox, self.before.outbox);
        let values = params![registry, came_end, pattern];
        self.came = self.read_list(tables, &inbox, values, came)?;
        let values = params![registry, went_end, pattern];
        self.went = self.read_list(tables, &outbox, values, |row| went(row, own))?;
        Ok(())
    }

    /// Reads a list that ends before a time and a row; `key`: what else its query is asked with.
    fn read_before(
        &mut self,
        tables: &Tables<'_>,
        sql: &str,
        (at_ms, row): Stand,
        key: Option<&str>,
        read: impl Fn(&Row<'_>) -> Result<(Stand, Recorded)>,
    ) -> Result<Vec<(Stand, Recorded)>> {
        let registry = tables.registry;
        match key {
            Some(key) => self.read_list(tables, sql, params![registry, at_ms, row, key], read),
            None => self.read_list(tables, sql, params![registry, at_ms, row], read),
        }
    }

    /// Reads that one, if it is there.
    fn read_one(&mut self, tables: &Tables<'_>, one: One) -> Result<()> {
        let (registry, own) = (tables.registry, self.own);
        let row = |number| i64::try_from(number).unwrap_or(0);
        let written = |row: &Row<'_>| went(row, own);
        match one {
            One::Received(number) => {
                self.came = self.read_list(tables, &of_row()[0], params![registry, row(number)], came)?;
            }
            One::Written(number) => {
                self.went = self.read_list(tables, &of_row()[1], params![registry, row(number)], written)?;
            }
            One::Called(MessageId { sender, slot }) => {
                let (epoch, sequence) = (Bits(slot.epoch.0), Bits(slot.sequence.0));
                if sender == own {
                    let values = params![registry, epoch, sequence];
                    self.went = self.read_list(tables, &of_id()[1], values, written)?;
                } else {
                    let values = params![registry, epoch, sequence, sender.0];
                    self.came = self.read_list(tables, &of_id()[0], values, came)?;
                }
            }
        }
        Ok(())
    }

    /// Reads a list, the last first: as much as a page can take, and of one more that it is there.
    fn read_list(
        &mut self,
        tables: &Tables<'_>,
        sql: &str,
        values: &[&dyn ToSql],
        read: impl Fn(&Row<'_>) -> Result<(Stand, Recorded)>,
    ) -> Result<Vec<(Stand, Recorded)>> {
        let mut statement = tables.connection.prepare_cached(sql)?;
        let mut list = statement.query(values)?;
        let mut found = Vec::new();
        let mut bytes = 0;
        while let Some(row) = list.next()? {
            if found.len() == self.most || bytes >= HISTORY_BYTES_MAX {
                self.cut = true;
                break;
            }
            let (stand, recorded) = read(row)?;
            bytes += recorded.text.len();
            found.push((stand, recorded));
        }
        Ok(found)
    }

    /// Has the lists of each box as one: by time, which is the order of each of them.
    fn by_time(mut self) -> Self {
        for list in [&mut self.came, &mut self.went] {
            list.sort_unstable_by_key(|(stand, _)| Reverse(*stand));
        }
        self
    }

    /// The last of them all. Of each box they are taken in the order of its list, so that the page before this one has what is left,
    /// whatever the clock did.
    fn page(self) -> Page {
        let mut place = self.before;
        let mut came = self.came.into_iter().peekable();
        let mut went = self.went.into_iter().peekable();
        let mut messages = Vec::new();
        let mut bytes = 0;
        let is_more = loop {
            // In one moment the inbox is the first.
            let is_ours = match (came.peek(), went.peek()) {
                (None, None) => break self.cut,
                (Some(((came, _), _)), Some(((went, _), _))) => went >= came,
                (came, _) => came.is_none(),
            };
            if messages.len() == self.most || bytes >= HISTORY_BYTES_MAX {
                break true;
            }
            let (list, end) = match is_ours {
                true => (&mut went, &mut place.outbox),
                false => (&mut came, &mut place.inbox),
            };
            if let Some((stand, recorded)) = list.next() {
                *end = stand;
                bytes += recorded.text.len();
                messages.push(recorded);
            }
        };
        messages.reverse();
        Page {
            messages,
            earlier: is_more.then_some(place),
        }
    }
}

/// Who wrote it is somebody whom the user wants to hear.
const HEARD: &str = "inbox.sender NOT IN (SELECT sender.sender FROM sender JOIN blocked USING (identity))";

/// All messages of a registry in each box, the last first. An index has them so.
fn of_all() -> [String; 2] {
    [
        format!(
            "SELECT {CAME} FROM inbox WHERE registry = ?1 AND digest IS NULL AND {HEARD}
             AND (received_ms, arrival) < (?2, ?3)
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
            "SELECT {CAME} FROM inbox WHERE registry = ?1 AND folded = ?4 AND digest IS NULL AND {HEARD}
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
             WHERE inbox_words MATCH ?3 AND inbox.registry = ?1 AND {HEARD} AND inbox_words.rowid < ?2
             ORDER BY inbox_words.rowid DESC"
        ),
        format!(
            "SELECT {WENT} FROM outbox_words CROSS JOIN outbox ON outbox.message = outbox_words.rowid
             WHERE outbox_words MATCH ?3 AND outbox.registry = ?1 AND outbox_words.rowid < ?2
             ORDER BY outbox_words.rowid DESC"
        ),
    ]
}

/// A message by its row, in each box.
fn of_row() -> [String; 2] {
    [
        format!(
            "SELECT {CAME} FROM inbox WHERE registry = ?1 AND arrival = ?2 AND digest IS NULL AND {HEARD} ORDER BY arrival"
        ),
        format!(
            "SELECT {WENT} FROM outbox WHERE registry = ?1 AND message = ?2 AND removed = 0 ORDER BY message"
        ),
    ]
}

/// A message by what its author calls it; the outbox has but our own.
fn of_id() -> [String; 2] {
    [
        format!(
            "SELECT {CAME} FROM inbox WHERE registry = ?1 AND epoch = ?2 AND sequence = ?3 AND digest IS NULL
             AND sender = (SELECT sender FROM sender WHERE identity = ?4) AND {HEARD} ORDER BY arrival"
        ),
        format!(
            "SELECT {WENT} FROM outbox WHERE registry = ?1 AND epoch = ?2 AND sequence = ?3 AND removed = 0
             ORDER BY message"
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
            before: before.unwrap_or(Place::END),
            own,
            came: Vec::new(),
            went: Vec::new(),
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
                    newest.read_words(self, &pattern)?;
                }
                return Ok(newest.page());
            }
            Scope::Written(None) => newest.read_outbox(self, &of_all()[1], None)?,
            Scope::Written(Some(keys)) => {
                for key in keys {
                    newest.read_outbox(self, &of_conversation()[1], Some(key))?;
                }
            }
            Scope::One(one) => newest.read_one(self, *one)?,
        }
        Ok(newest.by_time().page())
    }
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
