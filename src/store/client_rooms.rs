//! Which rooms a client is in: the SQL of what it remembers of that.
//!
//! Invariant: a room's name stands there once, whatever its case.

use rusqlite::{Result, params};

use super::client::Tables;
use crate::client::storage::{KnownRoom, Reply};
use crate::id::Name;

impl Tables<'_> {
    pub(super) fn rooms(&self, inside: &[KnownRoom], outside: &[Name]) -> Result<Reply> {
        for name in outside {
            self.execute(
                "DELETE FROM room WHERE registry = ?1 AND folded = ?2",
                params![self.registry, name.folded()],
            )?;
        }
        for room in inside {
            self.execute(
                "INSERT INTO room (registry, folded, name, id, owner) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (registry, folded) DO UPDATE SET name = ?3, id = ?4, owner = ?5",
                params![
                    self.registry,
                    room.hall.name.folded(),
                    room.hall.name.as_str(),
                    room.hall.id.0,
                    room.owner.as_ref().map(Name::as_str),
                ],
            )?;
        }
        Ok(Reply::Done)
    }
}
