//! What the registry commits: what its mailboxes hold, and whether they let go of it too early.
//!
//! What clients commit, and users are told, is the other half of the ledger. A registry's database may be lost, or an older
//! copy of it take its place: what it has then is judged, not what it had.
//! Invariant: the books say what the registry's database says.

use super::books::{Books, KeptRow, Outcome, Row};
use super::{Ledger, Number, Verdict, number_of};
use crate::client::storage::Key;
use crate::clock::Instant;
use crate::id::Slot;
use crate::registry::storage::{self as registry, Ending, Kept, MemberId};
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, State, Stay};
use crate::wire::envelope::{Body, Envelope, Verdict as Answered};
use crate::wire::message::End;

impl Ledger {
    /// The registry has committed something.
    pub(in crate::simulation) fn registry_committed(
        &mut self,
        at: Instant,
        request: &registry::Request,
        reply: &registry::Reply,
    ) {
        let verdict = match (request, reply) {
            (registry::Request::Register(member), _) => {
                self.joined(at, member);
                Ok(())
            }
            (registry::Request::Deposit(mail), registry::Reply::Deposit(Kept::Fresh(_))) => {
                self.deposited(at, mail)
            }
            (registry::Request::Answer(answer), registry::Reply::Ended(ending)) => {
                self.answered(at, answer, *ending)
            }
            (registry::Request::Forget { sender, slot }, registry::Reply::Forgotten(true)) => {
                self.forgotten(*sender, *slot)
            }
            (
                registry::Request::Withdraw { sender, slot },
                registry::Reply::Withdrawn(
                    registry::Withdrawn::Message { .. } | registry::Withdrawn::Outcome,
                ),
            ) => self.withdrawn(*sender, *slot),
            (registry::Request::Expire { .. }, registry::Reply::Expired { rows, .. }) => rows
                .iter()
                .try_for_each(|row| self.expired_there(at, row.sender, row.notice.slot)),
            _ => Ok(()),
        };
        let verdict = verdict.and_then(|()| self.room_committed(at, request, reply));
        self.judge(at, verdict);
    }

    /// The registry's database as it is now, to be put back later.
    pub(in crate::simulation) fn copy_of_books(&self) -> Books {
        self.books.clone()
    }

    /// Another database has taken the place of the registry's: an older copy, or one in which nothing stands.
    pub(in crate::simulation) fn other_books(&mut self, at: Instant, books: Books, store_id: [u8; 16]) {
        self.databases.insert(store_id);
        self.books = Books {
            store_id,
            since: Some(at),
            ..books
        };
        for ((_, slot), row) in &self.books.rows {
            if let Some(letter) = self.letters.get_mut(row.number)
                && letter.slot == Some(*slot)
            {
                letter.kept.push(Stay::new(at, store_id));
            }
        }
    }

    fn joined(&mut self, at: Instant, member: &registry::MemberRow) {
        if let Some(&person) = self.people.get(&member.card.id) {
            let registered = self.registered.entry(person).or_default();
            *registered = member.counter.max(*registered);
            self.books.members.insert(member.id, person);
            self.books.joined.entry(person).or_insert(at);
        }
    }

    fn deposited(&mut self, at: Instant, mail: &registry::NewMail) -> Verdict {
        let registry::NewMail {
            sender,
            slot,
            hash,
            recipient,
            ..
        } = *mail;
        if mail.new_contact {
            self.books.contacts.insert((sender, recipient));
        }
        let Some(number) = self.number_deposited(mail) else {
            return Err((
                Invariant::Authentic,
                format!("{sender:?} deposited {slot:?}, which was never written"),
            ));
        };
        let row = Row {
            number,
            since: at,
            recipient,
            hash,
            bytes: u64::try_from(mail.forward.envelope.len()).unwrap_or(u64::MAX),
            outcome: None,
        };
        self.books.rows.insert((sender, slot), row);
        let store_id = self.books.store_id;
        let Some(letter) = self
            .letters
            .get_mut(number)
            .filter(|letter| letter.slot == Some(slot))
        else {
            return Ok(());
        };
        letter.kept.push(Stay::new(at, store_id));
        let joined = self.books.joined.get(&letter.to).copied();
        let was_ended_there = letter.was_ended_there() || letter.may_have_had_nobody(joined);
        if letter.state == State::Expired && !was_ended_there && letter.is_remembered() {
            return Err((
                Invariant::HonestEnd,
                format!(
                    "{:.7} comes to the registry after its sender has let it expire",
                    letter.text
                ),
            ));
        }
        if letter.given || !letter.is_remembered() {
            return Ok(());
        }
        Err((
            Invariant::CommittedFirst,
            format!(
                "the registry has {:.7}, and its sender has not recorded that it may",
                letter.text
            ),
        ))
    }

    /// A recipient has answered: as his database did. It may change nothing only if he has answered before.
    fn answered(&mut self, at: Instant, answer: &registry::Answer, ending: Ending) -> Verdict {
        let End::Answered(receipt) = &answer.end else {
            return Ok(());
        };
        let key = (answer.sender, answer.slot);
        let there = self.books.rows.get(&key).copied();
        let Some(number) = there
            .map(|row| row.number)
            .or_else(|| self.number_of_member(answer.sender, answer.slot))
        else {
            return Ok(());
        };
        if ending == Ending::Nothing {
            return self.ignored(answer, there);
        }
        let row = Row {
            number,
            since: there.map_or(at, |row| row.since),
            recipient: answer.recipient,
            hash: answer.hash,
            bytes: there.map_or(0, |row| row.bytes),
            outcome: Some(Outcome::Answered(receipt.verdict)),
        };
        self.books.rows.insert(key, row);
        let Some(letter) = self.letters.get(number) else {
            return Ok(());
        };
        let true_there = match receipt.verdict {
            Answered::Received => letter.may_be_had(self.receipts),
            verdict => letter.declined.contains(&verdict) || letter.slot != Some(answer.slot),
        };
        if true_there || !letter.is_remembered() {
            return Ok(());
        }
        Err((
            Invariant::CommittedFirst,
            format!(
                "{:.7} left the mailbox as {:?}, which its recipient's database has not said",
                letter.text, receipt.verdict
            ),
        ))
    }

    fn ignored(&self, answer: &registry::Answer, there: Option<Row>) -> Verdict {
        match there {
            Some(row) if row.hash == answer.hash && !matches!(row.outcome, Some(Outcome::Answered(_))) => {
                Err((
                    Invariant::KeptUntilKnown,
                    format!(
                        "#{} has the outcome {:?} at the registry, which drops {:?}",
                        row.number, row.outcome, answer.end
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// The registry drops the notice of an end.
    fn forgotten(&mut self, sender: MemberId, slot: Slot) -> Verdict {
        let Some((row, letter)) = self.taken(sender, slot) else {
            return Ok(());
        };
        let known = match row.outcome {
            Some(Outcome::Answered(Answered::Received)) => letter.state == State::Delivered,
            _ => letter.state.is_final(),
        };
        if known {
            return Ok(());
        }
        Err((
            Invariant::KeptUntilKnown,
            format!(
                "the end of {:.7} is forgotten, and its sender does not know it",
                letter.text
            ),
        ))
    }

    /// A mailbox has given a message up for its sender.
    fn withdrawn(&mut self, sender: MemberId, slot: Slot) -> Verdict {
        match self.taken(sender, slot) {
            Some((_, letter)) if letter.inbox.is_none() || letter.state != State::Delivered => Err((
                Invariant::KeptUntilKnown,
                format!(
                    "{:.7} was withdrawn, in the inbox {:?}, for its sender {:?}",
                    letter.text, letter.inbox, letter.state
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Takes a row out; gives it with the message, if that has the number still and its sender may know what became of it.
    fn taken(&mut self, sender: MemberId, slot: Slot) -> Option<(Row, &Letter)> {
        let row = self.books.rows.remove(&(sender, slot))?;
        let letter = self.letters.get(row.number)?;
        (letter.slot == Some(slot) && letter.is_remembered()).then_some((row, letter))
    }

    fn expired_there(&mut self, at: Instant, sender: MemberId, slot: Slot) -> Verdict {
        let Some(row) = self.books.rows.get_mut(&(sender, slot)) else {
            return Ok(());
        };
        row.outcome = Some(Outcome::Expired);
        let number = row.number;
        let Some(letter) = self.letters.get_mut(number) else {
            return Ok(());
        };
        letter.expired_there |= letter.slot == Some(slot);
        match self.letters.get(number) {
            Some(letter) if self.lives(at, letter) => Err((
                Invariant::HonestEnd,
                format!("{:.7} expired before its time", letter.text),
            )),
            _ => Ok(()),
        }
    }

    /// What the registry's database should say of what it has.
    pub(in crate::simulation) fn rows(&self) -> Vec<KeptRow> {
        self.books.questions()
    }

    /// The same of one message.
    pub(in crate::simulation) fn row_of(&self, person: usize, key: Key) -> Option<KeptRow> {
        let number = *self.by_key.get(&(person, key))?;
        let slot = self.letters.get(number)?.slot?;
        let row = self.books.row(person, slot)?;
        Some(KeptRow::of((self.books.member(person)?, slot), row))
    }

    /// Which message is deposited. A restored folder may not know its number any more.
    fn number_deposited(&self, mail: &registry::NewMail) -> Option<Number> {
        let person = *self.books.members.get(&mail.sender)?;
        if !self.was_restored(person) {
            return self.number_of_member(mail.sender, mail.slot);
        }
        let Body::Plain(text) = Envelope::parse(&mail.forward.envelope).ok()?.body;
        let number = number_of(&text)?;
        let letter = self.letters.get(number)?;
        (letter.from == person && letter.text == text).then_some(number)
    }

    /// What a member has written under this number last.
    pub(super) fn number_of_member(&self, member: MemberId, slot: Slot) -> Option<Number> {
        let person = *self.books.members.get(&member)?;
        self.by_slot.get(&(person, slot)).copied()
    }
}
