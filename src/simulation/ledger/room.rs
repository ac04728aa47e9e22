//! Whom the registry may turn away for want of room, and whom it must.
//!
//! A mailbox holds what waits in it and what is being committed to it. The registry says that it has no room by asking
//! its database whether it knows the message all the same.
//! Invariant: counts what the registry's database has; changes in the ledger only why a letter found no room.

use super::{Ledger, Verdict};
use crate::clock::Instant;
use crate::limits::{MAILBOX_BYTES_MAX, MAILBOX_SENDER_BYTES_MAX};
use crate::registry::storage::{MemberId, NewMail, Request, Usage};
use crate::simulation::invariant::Invariant;
use crate::wire::message::DepositRefusal;

/// What an envelope has beside its text, at most: names, keys and numbers.
const ENVELOPE_MORE: u64 = 512;

/// How many changes of what mailboxes hold are committed, and the registry may not have heard of.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::simulation) struct Unheard(pub(super) u64);

impl Unheard {
    /// Of what was just done.
    pub(in crate::simulation) fn of<'a>(done: impl Iterator<Item = &'a Request>) -> Self {
        // It may free room in a mailbox, or make somebody no stranger there.
        let is_of_mail = |request: &&Request| {
            matches!(
                request,
                Request::Deposit(_) | Request::Answer(_) | Request::Withdraw { .. } | Request::Expire { .. }
            )
        };
        Self(done.filter(is_of_mail).count() as u64)
    }
}

/// What is in a mailbox.
#[derive(Clone, Copy, Debug, Default)]
struct Fill {
    /// From one sender.
    one: Usage,
    /// From all to whom its owner has not written.
    strangers: Usage,
    all: Usage,
    /// Whether the one sender is one of those.
    stranger: bool,
}

const fn add(usage: &mut Usage, bytes: u64) {
    usage.messages += 1;
    usage.bytes += bytes;
}

impl Ledger {
    /// The registry asks its database for something, while it has asked for `earlier`, and has not heard of all that was done
    /// and may change what room there is: what that has freed it may still count.
    pub(in crate::simulation) fn registry_asks<'a>(
        &mut self,
        at: Instant,
        request: &Request,
        earlier: impl Iterator<Item = &'a Request>,
        unheard: Unheard,
    ) {
        let verdict = match request {
            Request::Room(request) => {
                self.room_begins(at, request);
                Ok(())
            }
            Request::Deposit(mail) => self.has_room(mail, earlier),
            Request::Known { sender, slot, .. } => {
                let number = self.number_of_member(*sender, *slot);
                let letter = number.and_then(|number| self.letters.get(number));
                // Of a name that was registered at this moment it may not have heard: then it is that which it lacks.
                let known = |letter: &&super::Letter| self.books.joined.get(&letter.to) != Some(&at);
                let asked = letter.filter(known).and_then(|letter| {
                    let len = u64::try_from(letter.text.len()).unwrap_or(u64::MAX);
                    Some((self.books.member(letter.to)?, len + ENVELOPE_MORE))
                });
                match asked {
                    Some((recipient, bytes)) => {
                        let fill = self.fill(recipient, *sender, earlier);
                        let causes = self.causes(fill, bytes, unheard.0);
                        self.has_no_room(*sender, *slot, causes)
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        };
        self.judge(at, verdict);
    }

    fn has_room<'a>(&self, mail: &NewMail, earlier: impl Iterator<Item = &'a Request>) -> Verdict {
        let fill = self.fill(mail.recipient, mail.sender, earlier);
        let len = u64::try_from(mail.forward.envelope.len()).unwrap_or(u64::MAX);
        if self.causes(fill, len, 0).is_empty() {
            return Ok(());
        }
        Err((
            Invariant::Bounded,
            format!(
                "{:?} is taken in for {:?}, whose mailbox holds {fill:?}",
                mail.slot, mail.recipient
            ),
        ))
    }

    fn has_no_room(
        &mut self,
        sender: MemberId,
        slot: crate::id::Slot,
        causes: Vec<DepositRefusal>,
    ) -> Verdict {
        let number = self.number_of_member(sender, slot);
        let Some(letter) = number.and_then(|number| self.letters.get_mut(number)) else {
            return Ok(());
        };
        if causes.is_empty() {
            return Err((
                Invariant::HonestEnd,
                format!(
                    "the registry says that it has no room for {:.7}, and it has",
                    letter.text
                ),
            ));
        }
        letter.no_room.extend(causes);
        Ok(())
    }

    /// For which reasons a mailbox that is so full cannot take so many bytes more. Of what was done and is not heard of
    /// the registry may count what is gone, and take for a stranger who is none any more.
    fn causes(&self, fill: Fill, bytes: u64, unheard: u64) -> Vec<DepositRefusal> {
        let full = |there: Usage, messages: u64, bytes_max: u64| {
            there.messages + unheard >= messages || there.bytes + bytes > bytes_max
        };
        let mut causes = Vec::new();
        if full(fill.one, self.room.one, MAILBOX_SENDER_BYTES_MAX) {
            causes.push(DepositRefusal::SenderFull);
        }
        let may_be_stranger = fill.stranger || unheard > 0;
        let half_full = full(fill.strangers, self.room.all / 2, MAILBOX_BYTES_MAX / 2);
        if full(fill.all, self.room.all, MAILBOX_BYTES_MAX) || (may_be_stranger && half_full) {
            causes.push(DepositRefusal::MailboxFull);
        }
        causes
    }

    fn fill<'a>(
        &self,
        recipient: MemberId,
        sender: MemberId,
        earlier: impl Iterator<Item = &'a Request>,
    ) -> Fill {
        let mut fill = Fill {
            stranger: !self.books.contacts.contains(&(recipient, sender)),
            ..Fill::default()
        };
        let mut count = |from: MemberId, bytes: u64| {
            add(&mut fill.all, bytes);
            if from == sender {
                add(&mut fill.one, bytes);
            }
            if !self.books.contacts.contains(&(recipient, from)) {
                add(&mut fill.strangers, bytes);
            }
        };
        for ((from, _), row) in &self.books.rows {
            if row.recipient == recipient && row.outcome.is_none() {
                count(*from, row.bytes);
            }
        }
        for request in earlier {
            if let Request::Deposit(mail) = request
                && mail.recipient == recipient
            {
                let len = u64::try_from(mail.forward.envelope.len()).unwrap_or(u64::MAX);
                count(mail.sender, len);
            }
        }
        fill
    }
}
