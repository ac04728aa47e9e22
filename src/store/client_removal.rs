//! What takes from final messages what they say: because it is to be forgotten, or because it is old.
//!
//! The row stays, with a digest where its text is compared with others' (`client_inbox`).
//! Invariants: only what is final, and was seen, loses its text, and it loses no more; what one commit takes is bounded in
//! messages and in bytes.

use blake2::digest::consts::U16;
use blake2::{Blake2s, Digest as _};
use rusqlite::{Params, Result, params};

use super::client::Tables;
use super::client_image::rows;
use crate::client::storage::{Removal, Removed};
use crate::clock::WallTime;
use crate::limits::{HISTORY_BYTES_MAX, HISTORY_REMOVED_AT_ONCE};

/// What one commit has removed. The last text may be as long as texts can be.
#[derive(Default)]
struct Piece {
    messages: usize,
    bytes: usize,
}

impl Piece {
    const fn is_full(&self) -> bool {
        self.messages >= HISTORY_REMOVED_AT_ONCE || self.bytes >= HISTORY_BYTES_MAX
    }
}

impl Tables<'_> {
    /// Removes the texts of some of these, the oldest first.
    pub(super) fn remove(&self, removal: &Removal) -> Result<Removed> {
        let mut piece = Piece::default();
        let mut left = 0;
        match removal {
            Removal::Conversations(keys) => {
                for key in keys {
                    self.remove_conversation(key, &mut piece)?;
                }
                if !piece.is_full() {
                    for key in keys {
                        left += self.count(key)?;
                    }
                }
            }
            Removal::Before(at) => {
                let registries = "SELECT registry FROM registry ORDER BY registry";
                for registry in rows(self.connection, registries, [], |row| row.get(0))? {
                    self.remove_before(registry, *at, &mut piece)?;
                }
            }
        }
        Ok(Removed {
            messages: u64::try_from(piece.messages).unwrap_or(u64::MAX),
            more: piece.is_full(),
            left,
        })
    }

    fn remove_conversation(&self, key: &str, piece: &mut Piece) -> Result<()> {
        self.blank_inbox(
            "SELECT arrival, text FROM inbox WHERE registry = ?1 AND folded = ?2 AND digest IS NULL AND shown = 1
             ORDER BY received_ms, arrival",
            params![self.registry, key],
            piece,
        )?;
        self.blank_outbox(
            "SELECT message, text FROM outbox WHERE registry = ?1 AND folded = ?2 AND removed = 0 AND state > 1
             ORDER BY sent_ms, message",
            params![self.registry, key],
            piece,
        )
    }

    fn remove_before(&self, registry: i64, at: WallTime, piece: &mut Piece) -> Result<()> {
        self.blank_inbox(
            "SELECT arrival, text FROM inbox WHERE registry = ?1 AND received_ms < ?2 AND digest IS NULL AND shown = 1
             ORDER BY received_ms, arrival",
            params![registry, at.unix_ms()],
            piece,
        )?;
        self.blank_outbox(
            "SELECT message, text FROM outbox WHERE registry = ?1 AND sent_ms < ?2 AND removed = 0 AND state > 1
             ORDER BY sent_ms, message",
            params![registry, at.unix_ms()],
            piece,
        )
    }

    /// Puts digests in the place of texts in the inbox.
    fn blank_inbox(&self, sql: &str, values: impl Params, piece: &mut Piece) -> Result<()> {
        for (arrival, text) in self.fitting(sql, values, piece)? {
            self.execute(
                "UPDATE inbox SET text = '', digest = ?2 WHERE arrival = ?1",
                params![arrival, digest(&text)],
            )?;
        }
        Ok(())
    }

    fn blank_outbox(&self, sql: &str, values: impl Params, piece: &mut Piece) -> Result<()> {
        for (message, _) in self.fitting(sql, values, piece)? {
            self.execute(
                "UPDATE outbox SET text = '', removed = 1 WHERE message = ?1",
                params![message],
            )?;
        }
        Ok(())
    }

    /// The first of these rows, as far as the piece has room for them.
    fn fitting(&self, sql: &str, values: impl Params, piece: &mut Piece) -> Result<Vec<(i64, String)>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut list = statement.query(values)?;
        let mut found = Vec::new();
        while !piece.is_full()
            && let Some(row) = list.next()?
        {
            let text: String = row.get(1)?;
            piece.messages += 1;
            piece.bytes += text.len();
            found.push((row.get(0)?, text));
        }
        Ok(found)
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

/// What stands for a text that was removed. Whoever has the database can check a guess at it, as with the envelope's hash.
pub(super) fn digest(text: &str) -> [u8; 16] {
    Blake2s::<U16>::digest(text).into()
}
