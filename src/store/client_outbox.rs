//! What a client sends: the SQL of its conversations and its outbox.
//!
//! A message's number and state are given here, in the commit; when it is sent, and where, is the engine's business.
//! Invariants: a conversation's sequences have no gaps; a delivered message stays delivered.

use rusqlite::{OptionalExtension, Result, named_params, params};

use super::client::{DELIVERED, EXPIRED, REFUSED, STORED, Tables, WAITING};
use crate::client::storage::{Accept, Finish, Key, Renumber, Reply};
use crate::id::{EnvelopeHash, Epoch, Name, Sequence, Slot};
use crate::identity::Card;
use crate::store::database::Bits;

impl Tables<'_> {
    pub(super) fn accept(&self, accept: &Accept) -> Result<Reply> {
        if let Some(card) = &accept.pin {
            self.pin(&accept.to, card)?;
        }
        self.execute(
            "INSERT INTO conversation (registry, folded, epoch, next) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (registry, folded) DO NOTHING",
            params![self.registry, accept.to.folded(), Bits(accept.fresh.0)],
        )?;
        let slot = self.next_slot(&accept.to)?;
        let card = accept.deposit.as_ref();
        self.execute(
            "INSERT INTO outbox (registry, folded, name, epoch, sequence, text, sent_ms, expires_ms, state, deposited,
             identity, key, signature)
             VALUES (:registry, :folded, :name, :epoch, :sequence, :text, :sent, :expires, :state, :deposited,
             :identity, :key, :signature)",
            named_params! {
                ":registry": self.registry,
                ":folded": accept.to.folded(),
                ":name": accept.to.as_str(),
                ":epoch": Bits(slot.epoch.0),
                ":sequence": Bits(slot.sequence.0),
                ":text": accept.text,
                ":sent": accept.sent_at.unix_ms(),
                ":expires": Bits(accept.expires.as_ms()),
                ":state": WAITING,
                ":deposited": card.is_some(),
                ":identity": card.map(|card| card.id.0),
                ":key": card.map(|card| card.key),
                ":signature": card.map(|card| card.signature),
            },
        )?;
        let key = Key(self.connection.last_insert_rowid().cast_unsigned());
        Ok(Reply::Accepted { key, slot })
    }

    /// Takes the conversation's next number.
    fn next_slot(&self, to: &Name) -> Result<Slot> {
        self.connection
            .prepare_cached(
                "UPDATE conversation SET next = next + 1 WHERE registry = ?1 AND folded = ?2 RETURNING epoch, next - 1",
            )?
            .query_row(params![self.registry, to.folded()], |row| {
                Ok(Slot {
                    epoch: Epoch(row.get::<_, Bits>(0)?.0),
                    sequence: Sequence(row.get::<_, Bits>(1)?.0),
                })
            })
    }

    pub(super) fn deposit(&self, key: Key, card: &Card) -> Result<Reply> {
        self.execute(
            "UPDATE outbox SET deposited = 1, identity = ?2, key = ?3, signature = ?4 WHERE message = ?1",
            params![Bits(key.0), card.id.0, card.key, card.signature],
        )?;
        Ok(Reply::Done)
    }

    pub(super) fn stored(&self, key: Key) -> Result<Reply> {
        self.execute(
            "UPDATE outbox SET state = ?2 WHERE message = ?1 AND state = ?3",
            params![Bits(key.0), STORED, WAITING],
        )?;
        Ok(Reply::Done)
    }

    /// What the registry kept waits again.
    pub(super) fn strand(&self) -> Result<Vec<Key>> {
        let stranded = self
            .connection
            .prepare_cached("SELECT message FROM outbox WHERE registry = ?1 AND state = ?2 ORDER BY message")?
            .query_map(params![self.registry, STORED], |row| {
                Ok(Key(row.get::<_, Bits>(0)?.0))
            })?
            .collect::<Result<Vec<_>>>()?;
        self.execute(
            "UPDATE outbox SET state = ?3 WHERE registry = ?1 AND state = ?2",
            params![self.registry, STORED, WAITING],
        )?;
        Ok(stranded)
    }

    pub(super) fn finish(
        &self,
        key: Key,
        end: Finish,
        sealed: Option<(EnvelopeHash, Card)>,
    ) -> Result<Reply> {
        let state = match end {
            Finish::Delivered => DELIVERED,
            Finish::Refused => REFUSED,
            Finish::Expired => EXPIRED,
        };
        let (hash, card) = sealed.unzip();
        self.execute(
            "UPDATE outbox SET state = ?2, hash = coalesce(?4, hash), identity = coalesce(?5, identity),
             key = coalesce(?6, key), signature = coalesce(?7, signature) WHERE message = ?1 AND state <> ?3",
            params![
                Bits(key.0),
                state,
                DELIVERED,
                hash.map(|hash| hash.0),
                card.map(|card| card.id.0),
                card.map(|card| card.key),
                card.map(|card| card.signature),
            ],
        )?;
        Ok(Reply::Done)
    }

    pub(super) fn renumber(&self, renumber: &Renumber) -> Result<Reply> {
        if let Some(card) = &renumber.trust {
            self.trust(&renumber.to, card)?;
        }
        let present: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT epoch FROM conversation WHERE registry = ?1 AND folded = ?2 ORDER BY epoch",
            )?
            .query_row(params![self.registry, renumber.to.folded()], |row| row.get(0))
            .optional()?;
        let mut epoch_of = self
            .connection
            .prepare_cached("SELECT epoch FROM outbox WHERE message = ?1 AND state < 2 ORDER BY message")?;
        let mut begins = renumber.trust.is_some();
        let mut unfinished = Vec::with_capacity(renumber.keys.len());
        for &key in &renumber.keys {
            if let Some(epoch) = epoch_of
                .query_row(params![Bits(key.0)], |row| row.get(0))
                .optional()?
            {
                begins |= present == Some(epoch);
                unfinished.push(key);
            }
        }
        if begins {
            self.execute(
                "UPDATE conversation SET epoch = ?3, next = 0 WHERE registry = ?1 AND folded = ?2",
                params![self.registry, renumber.to.folded(), Bits(renumber.fresh.0)],
            )?;
        }
        let mut slots = Vec::with_capacity(unfinished.len());
        for key in unfinished {
            let slot = self.next_slot(&renumber.to)?;
            self.execute(
                "UPDATE outbox SET epoch = ?2, sequence = ?3, state = ?4, deposited = 0, identity = NULL, key = NULL,
                 signature = NULL, hash = NULL WHERE message = ?1",
                params![Bits(key.0), Bits(slot.epoch.0), Bits(slot.sequence.0), WAITING],
            )?;
            slots.push((key, slot));
        }
        Ok(Reply::Renumbered(slots))
    }
}
