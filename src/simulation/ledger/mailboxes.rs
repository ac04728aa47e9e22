//! What the registry commits: what its mailboxes hold, and whether they let go of it too early.
//!
//! What clients commit, and users are told, is the other half of the ledger.
//! Invariant: a letter's `mail` says what the registry's database says of the number that it was deposited under.

use super::{Ledger, Number, Verdict};
use crate::client::storage::Key;
use crate::clock::Instant;
use crate::id::Slot;
use crate::registry::storage::{self as registry, Kept, MemberId};
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, Mail, Row, State};
use crate::wire::envelope::Verdict as Answered;
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
            (registry::Request::Answer(answer), registry::Reply::Ended(registry::Ending::Nothing)) => {
                self.ignored(answer)
            }
            (registry::Request::Answer(answer), registry::Reply::Ended(_)) => self.answered(answer),
            (registry::Request::Forget { sender, slot }, _) => self.forgotten(*sender, *slot),
            (
                registry::Request::Withdraw { sender, slot },
                registry::Reply::Withdrawn(
                    registry::Withdrawn::Message { .. } | registry::Withdrawn::Outcome,
                ),
            ) => self.gone(*sender, *slot, Mail::Gone),
            (registry::Request::Expire { .. }, registry::Reply::Expired { rows, .. }) => rows
                .iter()
                .try_for_each(|row| self.expired_there(at, row.sender, row.notice.slot)),
            _ => Ok(()),
        };
        self.judge(at, verdict);
    }

    fn joined(&mut self, at: Instant, member: &registry::MemberRow) {
        let Some(&person) = self.people.get(&member.card.id) else {
            return;
        };
        self.members.insert(member.id, person);
        if let Some(joined) = self.joined.get_mut(person) {
            joined.get_or_insert(at);
        }
    }

    fn deposited(&mut self, at: Instant, mail: &registry::NewMail) -> Verdict {
        let registry::NewMail {
            sender, slot, hash, ..
        } = *mail;
        if mail.new_contact {
            self.contacts.insert((sender, mail.recipient));
        }
        let Some(letter) = self.of_member(sender, slot) else {
            return Err((
                Invariant::Authentic,
                format!("{sender:?} deposited {slot:?}, which was never written"),
            ));
        };
        if letter.slot != Some(slot) {
            return Ok(());
        }
        letter.mail = Mail::Waiting;
        letter.kept.push((at, None));
        let bytes = u64::try_from(mail.forward.envelope.len()).unwrap_or(u64::MAX);
        letter.row = Some(Row {
            sender,
            slot,
            hash,
            bytes,
        });
        if letter.state == State::Expired && letter.ends_elsewhere() {
            return Err((
                Invariant::HonestEnd,
                format!(
                    "{:.7} comes to the registry after its sender has let it expire",
                    letter.text
                ),
            ));
        }
        if letter.given {
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

    /// A recipient has answered: as his database did.
    fn answered(&mut self, answer: &registry::Answer) -> Verdict {
        let Some(letter) = self.of_member(answer.sender, answer.slot) else {
            return Ok(());
        };
        if letter.slot == Some(answer.slot) {
            letter.mail = Mail::Ended;
        }
        let End::Answered(receipt) = &answer.end else {
            return Ok(());
        };
        letter.answer_there = Some(receipt.verdict);
        let true_there = match receipt.verdict {
            Answered::Received => letter.inbox.is_some(),
            verdict => letter.declined.contains(&verdict) || letter.slot != Some(answer.slot),
        };
        if true_there {
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

    /// An answer has changed nothing: only one that is known already may be lost on a message that is kept, or has expired.
    fn ignored(&mut self, answer: &registry::Answer) -> Verdict {
        let Some(letter) = self.of_member(answer.sender, answer.slot) else {
            return Ok(());
        };
        let meant = letter.slot == Some(answer.slot)
            && letter.row.is_some_and(|row| row.hash == answer.hash)
            && matches!(letter.mail, Mail::Waiting | Mail::Ended);
        match answer.end {
            End::Answered(receipt) if meant && letter.answer_there.is_none() => Err((
                Invariant::KeptUntilKnown,
                format!(
                    "{:.7} is {:?} at the registry, which drops that its recipient has answered {:?}",
                    letter.text, letter.mail, receipt.verdict
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The registry drops the notice of an end.
    fn forgotten(&mut self, sender: MemberId, slot: Slot) -> Verdict {
        let Some(letter) = self.of_member(sender, slot) else {
            return Ok(());
        };
        let known = match letter.answer_there.take() {
            Some(Answered::Received) => letter.state == State::Delivered,
            _ => letter.state.is_final(),
        };
        if letter.slot != Some(slot) {
            return Ok(());
        }
        letter.mail = Mail::Gone;
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
    fn gone(&mut self, sender: MemberId, slot: Slot, now: Mail) -> Verdict {
        let Some(letter) = self.of_member(sender, slot) else {
            return Ok(());
        };
        if letter.slot != Some(slot) {
            return Ok(());
        }
        letter.mail = now;
        if letter.inbox.is_none() || letter.state != State::Delivered {
            return Err((
                Invariant::KeptUntilKnown,
                format!(
                    "{:.7} was withdrawn, in the inbox {:?}, for its sender {:?}",
                    letter.text, letter.inbox, letter.state
                ),
            ));
        }
        Ok(())
    }

    fn expired_there(&mut self, at: Instant, sender: MemberId, slot: Slot) -> Verdict {
        let clocks_true = self.clocks_true;
        let Some(letter) = self.of_member(sender, slot) else {
            return Ok(());
        };
        if letter.slot == Some(slot) {
            letter.mail = Mail::Ended;
            letter.expired_there = true;
        }
        if clocks_true && letter.lives(at) {
            return Err((
                Invariant::HonestEnd,
                format!("{:.7} expired before its time", letter.text),
            ));
        }
        Ok(())
    }

    /// What the registry's database should say of what it has.
    pub(in crate::simulation) fn rows(&self) -> Vec<KeptRow> {
        let rows = self.letters.iter().enumerate();
        rows.filter_map(|(number, letter)| KeptRow::of(number, letter))
            .collect()
    }

    /// The same of one message.
    pub(in crate::simulation) fn row_of(&self, person: usize, key: Key) -> Option<KeptRow> {
        let number = *self.by_key.get(&(person, key))?;
        KeptRow::of(number, self.letters.get(number)?)
    }

    pub(super) fn of_member(&mut self, member: MemberId, slot: Slot) -> Option<&mut Letter> {
        let person = *self.members.get(&member)?;
        self.letters.get_mut(*self.by_slot.get(&(person, slot))?)
    }
}

/// A question to the registry's database, and the answer that is due.
pub(in crate::simulation) struct KeptRow {
    pub(in crate::simulation) number: Number,
    pub(in crate::simulation) question: registry::Request,
    pub(in crate::simulation) mail: Mail,
}

impl KeptRow {
    /// `None` if the registry has nothing of it.
    fn of(number: Number, letter: &Letter) -> Option<Self> {
        let Row {
            sender, slot, hash, ..
        } = letter.row?;
        let question = registry::Request::Known { sender, slot, hash };
        matches!(letter.mail, Mail::Waiting | Mail::Ended).then_some(Self {
            number,
            question,
            mail: letter.mail,
        })
    }
}
