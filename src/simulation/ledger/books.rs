//! What the registry's database has, as far as the contract goes: who is known there, and what stands in its mailboxes.
//!
//! Filled by `mailboxes` from what is committed there; judges nothing. A copy of it is what a copy of that database has.
//! Invariant: it says what the registry's database says.

use std::collections::{BTreeMap, BTreeSet};

use super::Number;
use crate::clock::Instant;
use crate::id::{EnvelopeHash, Slot};
use crate::registry::storage::{MemberId, Request};
use crate::wire::envelope::Verdict as Answered;

/// How a message ended there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Expired,
    Answered(Answered),
}

/// What stands under a number: a message, or its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: Number,
    /// When it came to stand there.
    pub(super) since: Instant,
    pub(super) recipient: MemberId,
    pub(super) hash: EnvelopeHash,
    /// Of the envelope.
    pub(super) bytes: u64,
    /// `None`: it waits for its recipient.
    pub(super) outcome: Option<Outcome>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(in crate::simulation) struct Books {
    /// Which database it is.
    pub(super) store_id: [u8; 16],
    /// Since when it has stood in another one's place; `None` if it is the first.
    pub(super) since: Option<Instant>,
    /// Whose the names are, by what the database calls them.
    pub(super) members: BTreeMap<MemberId, usize>,
    /// When each person's name was registered.
    pub(super) joined: BTreeMap<usize, Instant>,
    /// Who has written to whom: (writer, to whom).
    pub(super) contacts: BTreeSet<(MemberId, MemberId)>,
    pub(super) rows: BTreeMap<(MemberId, Slot), Row>,
}

impl Books {
    /// Of a database in which nothing stands.
    pub(in crate::simulation) fn new(store_id: [u8; 16]) -> Self {
        Self {
            store_id,
            ..Self::default()
        }
    }

    /// What somebody is called there.
    pub(super) fn member(&self, person: usize) -> Option<MemberId> {
        let mut members = self.members.iter();
        members.find(|(_, who)| **who == person).map(|(id, _)| *id)
    }

    /// What stands there of somebody's number.
    pub(super) fn row(&self, person: usize, slot: Slot) -> Option<&Row> {
        self.rows.get(&(self.member(person)?, slot))
    }

    /// What its database should say of what it has.
    pub(super) fn questions(&self) -> Vec<KeptRow> {
        self.rows
            .iter()
            .map(|(key, row)| KeptRow::of(*key, row))
            .collect()
    }
}

/// A question to the registry's database, and the answer that is due.
pub(in crate::simulation) struct KeptRow {
    pub(in crate::simulation) number: Number,
    pub(in crate::simulation) question: Request,
    /// Whether it waits there, or has ended.
    pub(in crate::simulation) waits: bool,
}

impl KeptRow {
    pub(super) const fn of((sender, slot): (MemberId, Slot), row: &Row) -> Self {
        let hash = row.hash;
        Self {
            number: row.number,
            question: Request::Known { sender, slot, hash },
            waits: row.outcome.is_none(),
        }
    }
}
