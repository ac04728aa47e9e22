//! What a client sends: the SQL of its conversations and its outbox.
//!
//! A message's number and state are given here, in the commit; when it is sent, and where, is the engine's business.
//! Invariants: a conversation's sequences have no gaps; a delivered message stays delivered.

use rusqlite::{OptionalExtension, Result, named_params, params};

use super::client::Tables;
use crate::client::storage::{Accept, Finish, Key, Renumber, Reply, State};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{EnvelopeHash, Epoch, Sequence, Slot};
use crate::identity::Card;
use crate::store::database::Bits;
use crate::wire::codec;

/// The state of an outbox row.
const WAITING: i64 = 0;
/// See [`WAITING`].
const STORED: i64 = 1;
/// See [`WAITING`].
const DELIVERED: i64 = 2;
/// See [`WAITING`].
const REFUSED: i64 = 3;
/// See [`WAITING`].
const EXPIRED: i64 = 4;
/// See [`WAITING`].
const REACHED: i64 = 5;

/// How a state stands in its column.
const fn number(state: State) -> i64 {
    match state {
        State::Waiting => WAITING,
        State::Stored => STORED,
        State::Ended(Finish::Delivered) => DELIVERED,
        State::Ended(Finish::Refused(_)) => REFUSED,
        State::Ended(Finish::Expired) => EXPIRED,
        State::Ended(Finish::Reached(_)) => REACHED,
    }
}

/// The state that stands there; the reason stands beside it. `None` if no version wrote that.
pub(super) fn state(number: i64, reason: Option<&[u8]>) -> Option<State> {
    match number {
        WAITING => Some(State::Waiting),
        STORED => Some(State::Stored),
        DELIVERED => Some(State::Ended(Finish::Delivered)),
        REFUSED => {
            let reason = codec::decode(reason?).ok()?;
            Some(State::Ended(Finish::Refused(reason)))
        }
        EXPIRED => Some(State::Ended(Finish::Expired)),
        REACHED => {
            let reach = codec::decode(reason?).ok()?;
            Some(State::Ended(Finish::Reached(reach)))
        }
        _ => None,
    }
}

impl Tables<'_> {
    pub(super) fn accept(&self, accept: &Accept) -> Result<Reply> {
        if let (Some(card), Some(name)) = (&accept.pin, accept.to.name()) {
            self.pin(name, card)?;
        }
        self.execute(
            "INSERT INTO conversation (registry, folded, epoch, next) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (registry, folded) DO NOTHING",
            params![self.registry, accept.to.key(), Bits(accept.fresh.0)],
        )?;
        let slot = self.next_slot(&accept.to)?;
        let card = accept.deposit.as_ref();
        self.execute(
            "INSERT INTO outbox (registry, folded, name, room, epoch, sequence, text, sent_ms, expires_ms, state, told, deposited,
             identity, key, signature)
             VALUES (:registry, :folded, :name, :room, :epoch, :sequence, :text, :sent, :expires, :state, :state, :deposited,
             :identity, :key, :signature)",
            named_params! {
                ":registry": self.registry,
                ":folded": accept.to.key(),
                ":name": accept.to.to_string(),
                ":room": accept.to.room().map(|room| room.0),
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
    fn next_slot(&self, to: &To) -> Result<Slot> {
        self.connection
            .prepare_cached(
                "UPDATE conversation SET next = next + 1 WHERE registry = ?1 AND folded = ?2 RETURNING epoch, next - 1",
            )?
            .query_row(params![self.registry, to.key()], |row| {
                Ok(Slot {
                    epoch: Epoch(row.get::<_, Bits>(0)?.0),
                    sequence: Sequence(row.get::<_, Bits>(1)?.0),
                })
            })
    }

    pub(super) fn deposit(&self, key: Key, slot: Slot, card: Option<&Card>) -> Result<Reply> {
        self.execute(
            "UPDATE outbox SET deposited = 1, identity = ?2, key = ?3, signature = ?4
             WHERE message = ?1 AND epoch = ?5 AND sequence = ?6",
            params![
                Bits(key.0),
                card.map(|card| card.id.0),
                card.map(|card| card.key),
                card.map(|card| card.signature),
                Bits(slot.epoch.0),
                Bits(slot.sequence.0)
            ],
        )?;
        Ok(Reply::Done)
    }

    pub(super) fn stored(&self, key: Key, slot: Slot, store_id: [u8; 16], at: WallTime) -> Result<Reply> {
        self.execute(
            "UPDATE outbox SET state = ?2, stored_ms = ?7 WHERE message = ?1 AND state = ?3 AND epoch = ?4 AND sequence = ?5
             AND (SELECT store_id FROM registry WHERE registry = outbox.registry) = ?6",
            params![
                Bits(key.0),
                STORED,
                WAITING,
                Bits(slot.epoch.0),
                Bits(slot.sequence.0),
                store_id,
                at.unix_ms()
            ],
        )?;
        Ok(Reply::Done)
    }

    /// What the registry kept waits again.
    pub(super) fn strand(&self) -> Result<()> {
        self.execute(
            "UPDATE outbox SET state = ?3, stored_ms = NULL WHERE registry = ?1 AND state = ?2",
            params![self.registry, STORED, WAITING],
        )?;
        Ok(())
    }

    pub(super) fn finish(
        &self,
        key: Key,
        end: Finish,
        sealed: Option<(EnvelopeHash, Card)>,
        at: WallTime,
    ) -> Result<Reply> {
        let reason = match end {
            Finish::Refused(reason) => Some(codec::encode(&reason)),
            Finish::Reached(reach) => Some(codec::encode(&reach)),
            Finish::Delivered | Finish::Expired => None,
        };
        let (hash, card) = sealed.unzip();
        self.execute(
            "UPDATE outbox SET state = ?2, reason = ?3, hash = coalesce(?5, hash), identity = coalesce(?6, identity),
             key = coalesce(?7, key), signature = coalesce(?8, signature), ended_ms = ?9
             WHERE message = ?1 AND (state <> ?4 OR (?2 = ?4 AND ended_ms IS NULL))",
            params![
                Bits(key.0),
                number(State::Ended(end)),
                reason,
                DELIVERED,
                hash.map(|hash| hash.0),
                card.map(|card| card.id.0),
                card.map(|card| card.key),
                card.map(|card| card.signature),
                at.unix_ms(),
            ],
        )?;
        Ok(Reply::Done)
    }

    /// The user has seen that it is in this state. What he has seen to be delivered is: he is told as soon as it is so, and
    /// that may be marked while the commit of the end itself has failed.
    pub(super) fn told(&self, key: Key, state: State) -> Result<()> {
        let sql = match state {
            State::Ended(Finish::Delivered) => {
                "UPDATE outbox SET told = ?2, state = ?2, reason = NULL WHERE message = ?1"
            }
            _ => "UPDATE outbox SET told = ?2 WHERE message = ?1 AND state = ?2",
        };
        self.execute(sql, params![Bits(key.0), number(state)])?;
        Ok(())
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
            .query_row(params![self.registry, renumber.to.key()], |row| row.get(0))
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
                params![self.registry, renumber.to.key(), Bits(renumber.fresh.0)],
            )?;
        }
        let mut slots = Vec::with_capacity(unfinished.len());
        for key in unfinished {
            let slot = self.next_slot(&renumber.to)?;
            self.execute(
                "UPDATE outbox SET epoch = ?2, sequence = ?3, state = ?4, deposited = 0, identity = NULL, key = NULL,
                 signature = NULL, hash = NULL, stored_ms = NULL, told = ?4 WHERE message = ?1",
                params![Bits(key.0), Bits(slot.epoch.0), Bits(slot.sequence.0), WAITING],
            )?;
            slots.push((key, slot));
        }
        Ok(Reply::Renumbered(slots))
    }
}
