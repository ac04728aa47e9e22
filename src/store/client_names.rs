//! Whom a client knows: the SQL of its directory copy, its pins, whom it has met where, and whom its user does not want to hear.
//!
//! What the registry says and what the user has seen are kept apart; which of them wins is the engine's to decide.
//! Invariant: a pin is replaced by the user's word alone, and a key is compared by his word about that key.

use rusqlite::{Result, named_params, params};

use super::client::Tables;
use crate::client::interface::Blocked;
use crate::client::storage::{DirectoryUpdate, Listed, Met, Reply};
use crate::client::to::To;
use crate::id::{IdentityId, Name};
use crate::identity::Card;
use crate::store::database::Bits;

impl Tables<'_> {
    pub(super) fn directory(&self, update: &DirectoryUpdate) -> Result<Reply> {
        if update.replace {
            self.execute(
                "DELETE FROM directory WHERE registry = ?1",
                params![self.registry],
            )?;
        }
        for name in &update.removed {
            self.execute(
                "DELETE FROM directory WHERE registry = ?1 AND folded = ?2",
                params![self.registry, name.folded()],
            )?;
        }
        for listed in &update.records {
            self.list(listed)?;
        }
        self.update_registry(
            "UPDATE registry SET run = ?2, version = ?3 WHERE registry = ?1",
            params![
                self.registry,
                update.version.map(|version| Bits(version.run)),
                update.version.map(|version| Bits(version.counter)),
            ],
        )?;
        Ok(Reply::Done)
    }

    fn list(&self, listed: &Listed) -> Result<()> {
        let record = &listed.record;
        let online = record.presence.online.as_ref();
        let private: Vec<String> = online
            .map(|at| at.private.as_slice().iter().map(ToString::to_string).collect())
            .unwrap_or_default();
        self.execute(
            "INSERT INTO directory (registry, folded, name, identity, key, signature, observed, private, since_ms, last_seen,
             stale) VALUES (:registry, :folded, :name, :identity, :key, :signature, :observed, :private, :since, :last, :stale)
             ON CONFLICT (registry, folded) DO UPDATE SET name = excluded.name, identity = excluded.identity,
             key = excluded.key, signature = excluded.signature, observed = excluded.observed,
             private = excluded.private, since_ms = excluded.since_ms, last_seen = excluded.last_seen,
             stale = excluded.stale",
            named_params! {
                ":registry": self.registry,
                ":folded": record.name.folded(),
                ":name": record.name.as_str(),
                ":identity": record.card.id.0,
                ":key": record.card.key,
                ":signature": record.card.signature,
                ":observed": online.map(|at| at.observed.to_string()),
                ":private": private.join(" "),
                ":since": record.presence.since.unix_ms(),
                ":last": listed.last_seen.map(|address| address.to_string()),
                ":stale": listed.stale,
            },
        )?;
        Ok(())
    }

    /// First sight: what is pinned already stays.
    pub(super) fn pin(&self, name: &Name, card: &Card) -> Result<()> {
        self.execute(
            "INSERT INTO pin (registry, folded, name, identity, key, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (registry, folded) DO NOTHING",
            params![self.registry, name.folded(), name.as_str(), card.id.0, card.key, card.signature],
        )?;
        Ok(())
    }

    /// As [`Self::pin`], for whoever is at an address; but what he calls himself is his to change.
    pub(super) fn meet(&self, met: &Met) -> Result<Reply> {
        let (key, card) = (To::At(met.address).key(), &met.card);
        self.execute(
            "INSERT INTO pin (registry, folded, name, identity, key, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (registry, folded) DO UPDATE SET name = excluded.name WHERE identity = excluded.identity",
            params![self.registry, key, met.name.as_str(), card.id.0, card.key, card.signature],
        )?;
        Ok(Reply::Done)
    }

    /// The user's word: it replaces what was pinned. Whoever is at an address is called as before, until he says otherwise.
    pub(super) fn trust(&self, to: &To, card: &Card) -> Result<()> {
        let Some(name) = to.name() else {
            self.execute(
                "UPDATE pin SET identity = ?3, key = ?4, signature = ?5, verified = 0 WHERE registry = ?1 AND folded = ?2",
                params![self.registry, to.key(), card.id.0, card.key, card.signature],
            )?;
            return Ok(());
        };
        self.execute(
            "DELETE FROM pin WHERE registry = ?1 AND folded = ?2",
            params![self.registry, to.key()],
        )?;
        self.pin(name, card)
    }

    /// The user has compared the key: a name that was not used yet is pinned with it. One that is another's by now, or is not
    /// written down yet, is not.
    pub(super) fn verify(&self, of: &[To], card: &Card) -> Result<Reply> {
        let mut verified = 0;
        for to in of {
            if let To::Peer(name) = to {
                self.pin(name, card)?;
            }
            verified += self.execute(
                "UPDATE pin SET verified = 1 WHERE registry = ?1 AND folded = ?2 AND identity = ?3",
                params![self.registry, to.key(), card.id.0],
            )?;
        }
        Ok(Reply::Verified(verified > 0))
    }

    pub(super) fn block(&self, blocked: &Blocked) -> Result<Reply> {
        self.execute(
            "INSERT INTO blocked (identity, name, blocked_ms) VALUES (?1, ?2, ?3) ON CONFLICT (identity) DO NOTHING",
            params![blocked.id.0, blocked.name.as_str(), blocked.at.unix_ms()],
        )?;
        Ok(Reply::Done)
    }

    pub(super) fn unblock(&self, id: IdentityId) -> Result<Reply> {
        self.execute("DELETE FROM blocked WHERE identity = ?1", params![id.0])?;
        Ok(Reply::Done)
    }
}
