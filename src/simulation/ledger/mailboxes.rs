//! What the registry commits: what its mailboxes hold, and whether they let go of it too early.
//!
//! What clients commit, and users are told, is the other half of the ledger.
//! Invariant: a letter's `mail` says what the registry's database says of the number that it was deposited under.

use super::{LIFETIME_SLACK, Ledger, Verdict};
use crate::clock::Instant;
use crate::id::Slot;
use crate::registry::storage::{self as registry, Kept, MemberId};
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, Mail};
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
                if let Some(&person) = self.people.get(&member.card.id) {
                    self.members.insert(member.id, person);
                }
                Ok(())
            }
            (registry::Request::Deposit(mail), registry::Reply::Deposit(Kept::Fresh(_))) => {
                self.deposited(mail.sender, mail.slot)
            }
            (registry::Request::Answer(answer), registry::Reply::Ended(ending))
                if *ending != registry::Ending::Nothing =>
            {
                self.answered(answer)
            }
            (registry::Request::Forget { sender, slot }, _) => self.forgotten(*sender, *slot),
            (
                registry::Request::Withdraw { sender, slot },
                registry::Reply::Withdrawn(registry::Withdrawn::Message { .. }),
            ) => self.gone(*sender, *slot, Mail::Gone),
            (registry::Request::Expire { .. }, registry::Reply::Expired { rows, .. }) => rows
                .iter()
                .try_for_each(|row| self.expired_there(at, row.sender, row.notice.slot)),
            _ => Ok(()),
        };
        self.judge(at, verdict);
    }

    fn deposited(&mut self, sender: MemberId, slot: Slot) -> Verdict {
        let Some(letter) = self.of_member(sender, slot) else {
            return Err((
                Invariant::Authentic,
                format!("{sender:?} deposited {slot:?}, which was never written"),
            ));
        };
        letter.mail = Mail::Waiting;
        Ok(())
    }

    fn answered(&mut self, answer: &registry::Answer) -> Verdict {
        let Some(letter) = self.of_member(answer.sender, answer.slot) else {
            return Ok(());
        };
        letter.mail = Mail::Ended;
        if let End::Answered(receipt) = &answer.end
            && receipt.verdict == Answered::Received
            && letter.inbox.is_none()
        {
            return Err((
                Invariant::CommittedFirst,
                format!("{:?} left the mailbox and is not in the inbox", letter.text),
            ));
        }
        Ok(())
    }

    /// The registry drops the notice of an end.
    fn forgotten(&mut self, sender: MemberId, slot: Slot) -> Verdict {
        let Some(letter) = self.of_member(sender, slot) else {
            return Ok(());
        };
        if letter.slot == Some(slot) && !letter.state.is_final() {
            return Err((
                Invariant::KeptUntilKnown,
                format!(
                    "the end of {:?} is forgotten, and its sender does not know it",
                    letter.text
                ),
            ));
        }
        letter.mail = Mail::Gone;
        Ok(())
    }

    /// A mailbox has given a message up for its sender.
    fn gone(&mut self, sender: MemberId, slot: Slot, now: Mail) -> Verdict {
        let Some(letter) = self.of_member(sender, slot) else {
            return Ok(());
        };
        letter.mail = now;
        if letter.slot == Some(slot) && letter.inbox.is_none() {
            return Err((
                Invariant::KeptUntilKnown,
                format!("{:?} was withdrawn and is not in the inbox", letter.text),
            ));
        }
        Ok(())
    }

    fn expired_there(&mut self, at: Instant, sender: MemberId, slot: Slot) -> Verdict {
        let clocks_true = self.clocks_true;
        let Some(letter) = self.of_member(sender, slot) else {
            return Ok(());
        };
        letter.mail = Mail::Ended;
        if clocks_true
            && let Some((since, _)) = letter.accepted
            && at.since(since) + LIFETIME_SLACK < letter.lives
        {
            return Err((
                Invariant::HonestEnd,
                format!("{:?} expired before its time", letter.text),
            ));
        }
        Ok(())
    }

    fn of_member(&mut self, member: MemberId, slot: Slot) -> Option<&mut Letter> {
        let person = *self.members.get(&member)?;
        self.letters.get_mut(*self.by_slot.get(&(person, slot))?)
    }
}
