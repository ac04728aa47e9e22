//! What a client has received: the SQL of its inbox and of the marks that tell new messages from known ones.
//!
//! Whether a message is new is decided here, because only the committed state can tell; what follows from it is
//! the engine's business. A message that its sender has numbered anew is known by who wrote what when (PROTOCOL §9.3).
//! Invariants: an inbox row is never replaced; a mark never goes back; a message is one row, whatever its numbers.

use rusqlite::{OptionalExtension, Result, params};

use super::client::Tables;
use super::client_removal::digest;
use crate::client::storage::{Outcome, Receive, Received, Reply};
use crate::clock::WallTime;
use crate::id::{EnvelopeHash, Epoch, MessageId, Sequence};
use crate::store::database::Bits;

/// Messages of one sender and one millisecond among which one that comes under another number is looked for: more than are
/// written in that time, and few enough to be read for each that a hostile one sends.
const SAME_MOMENT_MAX: i64 = 64;

impl Tables<'_> {
    /// Its line is written.
    pub(super) fn shown(&self, id: MessageId) -> Result<()> {
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
        Ok(())
    }

    pub(super) fn receive(&self, receive: &Receive) -> Result<Reply> {
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
        let (outcome, at, shown_before) = match self.row(sequence)? {
            Some((hash, at, shown)) if hash == receive.hash => (Outcome::Duplicate, at, shown),
            Some((_, at, shown)) => (Outcome::Conflict, at, shown),
            None => self.unnumbered(receive, before)?,
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
            shown_before,
        })
    }

    /// What it is if nothing has its number: there under another one, or skipped, or new.
    fn unnumbered(&self, receive: &Receive, mark: Sequence) -> Result<(Outcome, WallTime, bool)> {
        let sequence = receive.id.slot.sequence;
        if let Some((arrival, at, shown)) = self.elsewhere(receive)? {
            self.tables.execute(
                "INSERT INTO inbox_again (sender, epoch, sequence, hash, arrival) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    self.sender,
                    Bits(self.epoch.0),
                    Bits(sequence.0),
                    receive.hash.0,
                    arrival
                ],
            )?;
            return Ok((Outcome::Duplicate, at, shown));
        }
        if sequence < mark {
            return Ok((Outcome::Skipped, receive.at, false));
        }
        self.insert(receive)?;
        Ok((Outcome::Fresh, receive.at, false))
    }

    /// Whether it is in the inbox under a number of another epoch, and under none of this one. Few senders have more than
    /// one epoch.
    fn elsewhere(&self, receive: &Receive) -> Result<Option<(i64, WallTime, bool)>> {
        self.tables
            .connection
            .prepare_cached(
                "SELECT arrival, received_ms, shown FROM inbox
                 WHERE EXISTS (SELECT 1 FROM stream WHERE sender = ?1 AND epoch <> ?2)
                 AND arrival IN (SELECT arrival FROM inbox WHERE sender = ?1 AND sent_ms = ?3 ORDER BY arrival LIMIT ?5)
                 AND epoch <> ?2 AND room IS ?6
                 AND CASE WHEN digest IS NULL THEN octet_length(text) = octet_length(?4) AND text = ?4 ELSE digest = ?7 END
                 AND NOT EXISTS (SELECT 1 FROM inbox_again AS again WHERE again.arrival = inbox.arrival AND again.epoch = ?2)
                 ORDER BY arrival LIMIT 1",
            )?
            .query_row(
                params![
                    self.sender,
                    Bits(self.epoch.0),
                    receive.sent_at.unix_ms(),
                    receive.text,
                    SAME_MOMENT_MAX,
                    receive.room.as_ref().map(|hall| hall.id.0),
                    digest(&receive.text)
                ],
                |row| Ok((row.get(0)?, WallTime::from_unix_ms(row.get(1)?), row.get(2)?)),
            )
            .optional()
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

    fn row(&self, sequence: Sequence) -> Result<Option<(EnvelopeHash, WallTime, bool)>> {
        self.tables
            .connection
            .prepare_cached(
                "SELECT hash, received_ms, shown FROM inbox WHERE sender = ?1 AND epoch = ?2 AND sequence = ?3
                 UNION ALL SELECT again.hash, received_ms, shown FROM inbox_again AS again JOIN inbox USING (arrival)
                 WHERE again.sender = ?1 AND again.epoch = ?2 AND again.sequence = ?3 ORDER BY received_ms",
            )?
            .query_row(
                params![self.sender, Bits(self.epoch.0), Bits(sequence.0)],
                |row| {
                    Ok((
                        EnvelopeHash(row.get(0)?),
                        WallTime::from_unix_ms(row.get(1)?),
                        row.get(2)?,
                    ))
                },
            )
            .optional()
    }

    fn insert(&self, receive: &Receive) -> Result<()> {
        self.tables.execute(
            "INSERT INTO inbox (sender, epoch, sequence, hash, name, text, sent_ms, received_ms, stored, shown, room, hall,
             registry, folded) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13)",
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
                receive.room.as_ref().map(|hall| hall.id.0),
                receive.room.as_ref().map(|hall| hall.name.as_str()),
                self.tables.registry,
                receive.conversation(),
            ],
        )?;
        Ok(())
    }
}
