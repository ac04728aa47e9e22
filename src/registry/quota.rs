//! How full the mailboxes are, and whom they are kept for.
//!
//! Counts what waits, and what is about to be committed. Half of each mailbox is kept for those to whom its owner
//! has written through the registry (what goes directly is not seen here), so that strangers cannot close it to them.
//! His receipts make nobody a correspondent: his client gives them by itself, to strangers too. What has ended takes
//! no room in a mailbox, but its sender may not let it pile up.
//! Invariant: the counts are the sums over their pairs; a pair without messages is not kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::{CONTACTS_MAX, CONTACTS_TOTAL_MAX};
use crate::registry::config::Config;
use crate::registry::storage::{Image, MemberId, Usage};
use crate::wire::message::DepositRefusal;

/// One mailbox.
#[derive(Clone, Copy, Debug, Default)]
struct Mailbox {
    all: Usage,
    /// Of it, from those to whom the owner has not written.
    strangers: Usage,
}

/// Why there is no room for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// Whatever becomes of the recipient's mail.
    Ever(DepositRefusal),
    /// Until some of what waits for the recipient is answered.
    Yet(DepositRefusal),
    /// Until its sender has acknowledged how others of his have ended.
    Outcomes,
}

/// What may wait somewhere.
#[derive(Clone, Copy, Debug)]
struct Limit {
    messages: u64,
    bytes: u64,
}

impl Limit {
    const fn of(messages: u64, bytes: u64) -> Self {
        Self { messages, bytes }
    }

    /// Whether a message of so many bytes may be added to what is there.
    const fn admits(self, there: Usage, bytes: u64) -> bool {
        there.messages < self.messages && there.bytes.saturating_add(bytes) <= self.bytes
    }

    /// Whether it may be added, or ever will be once others are gone.
    fn judge(self, there: Usage, bytes: u64, reason: DepositRefusal) -> Result<(), NoRoom> {
        if self.admits(there, bytes) {
            Ok(())
        } else if self.admits(Usage::default(), bytes) {
            Err(NoRoom::Yet(reason))
        } else {
            Err(NoRoom::Ever(reason))
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    /// What waits in all mailboxes and rooms.
    pub(super) total: Usage,
    mailboxes: BTreeMap<MemberId, Mailbox>,
    /// By recipient and sender.
    pub(super) pairs: BTreeMap<(MemberId, MemberId), Usage>,
    /// Outcomes that are not acknowledged, by the sender who is told of them, and in all.
    pub(super) outcomes: BTreeMap<MemberId, u64>,
    outcomes_total: u64,
    /// By writer and reader.
    contacts: BTreeSet<(MemberId, MemberId)>,
}

impl Quotas {
    /// As the database has it.
    pub(super) fn new(image: &Image) -> Self {
        let mut quotas = Self {
            contacts: image.contacts.iter().copied().collect(),
            ..Self::default()
        };
        for pair in &image.usage {
            quotas.add(pair.recipient, pair.sender, pair.usage);
        }
        for posts in &image.rooms.posts {
            quotas.total = quotas.total.plus(posts.usage);
        }
        for (sender, outcomes) in &image.outcomes {
            quotas.outcomes.insert(*sender, *outcomes);
            quotas.outcomes_total = quotas.outcomes_total.saturating_add(*outcomes);
        }
        quotas
    }

    /// Makes room for a message, or says which limit forbids it.
    pub(super) fn reserve(
        &mut self,
        config: &Config,
        recipient: MemberId,
        sender: MemberId,
        bytes: u64,
    ) -> Result<(), NoRoom> {
        let mailbox = self.mailboxes.get(&recipient).copied().unwrap_or_default();
        let pair = self.pairs.get(&(recipient, sender)).copied().unwrap_or_default();
        let one = Limit::of(config.sender_messages_max, config.sender_bytes_max);
        let (messages, bytes_max) = (config.mailbox_messages_max, config.mailbox_bytes_max);
        if self.outcomes_of(sender) >= config.outcomes_max {
            return Err(NoRoom::Outcomes);
        }
        if !self.admits_row(config, bytes) {
            // Most of it is others' mail: nobody can say when that goes.
            return Err(NoRoom::Ever(DepositRefusal::RegistryFull));
        }
        one.judge(pair, bytes, DepositRefusal::SenderFull)?;
        Limit::of(messages, bytes_max).judge(mailbox.all, bytes, DepositRefusal::MailboxFull)?;
        if !self.is_contact(recipient, sender) {
            let half = Limit::of(messages / 2, bytes_max / 2);
            half.judge(mailbox.strangers, bytes, DepositRefusal::MailboxFull)?;
        }
        self.add(recipient, sender, Usage::one(bytes));
        Ok(())
    }

    /// Whether the database has room for one message more, whomever it is for.
    pub(super) fn admits_row(&self, config: &Config, bytes: u64) -> bool {
        let rows = Usage {
            messages: self.total.messages.saturating_add(self.outcomes_total),
            ..self.total
        };
        Limit::of(config.mail_messages_max, config.mail_bytes_max).admits(rows, bytes)
    }

    /// There is one message more that is in no mailbox.
    pub(super) const fn add_row(&mut self, bytes: u64) {
        self.total = self.total.plus(Usage::one(bytes));
    }

    /// There is one message less that is in no mailbox.
    pub(super) const fn drop_row(&mut self, bytes: u64) {
        self.total = self.total.minus(Usage::one(bytes));
    }

    /// Gives back what a message took.
    pub(super) fn release(&mut self, recipient: MemberId, sender: MemberId, bytes: u64) {
        let stranger = !self.is_contact(recipient, sender);
        let Some(pair) = self.pairs.get_mut(&(recipient, sender)) else {
            tracing::error!(?recipient, ?sender, "a message was counted twice as gone");
            return;
        };
        take(pair, bytes);
        if pair.messages == 0 {
            self.pairs.remove(&(recipient, sender));
        }
        take(&mut self.total, bytes);
        if let Some(mailbox) = self.mailboxes.get_mut(&recipient) {
            take(&mut mailbox.all, bytes);
            if stranger {
                take(&mut mailbox.strangers, bytes);
            }
            if mailbox.all.messages == 0 {
                self.mailboxes.remove(&recipient);
            }
        }
    }

    /// Envelope bytes that wait for `recipient`, or are being committed.
    pub(super) fn waiting(&self, recipient: MemberId) -> u64 {
        let mailbox = self.mailboxes.get(&recipient);
        mailbox.map_or(0, |mailbox| mailbox.all.bytes)
    }

    /// Outcomes that `sender` has not acknowledged.
    pub(super) fn outcomes_of(&self, sender: MemberId) -> u64 {
        self.outcomes.get(&sender).copied().unwrap_or(0)
    }

    /// There is one outcome more for `sender`.
    pub(super) fn add_outcome(&mut self, sender: MemberId) {
        *self.outcomes.entry(sender).or_default() += 1;
        self.outcomes_total += 1;
    }

    /// There is one outcome less for `sender`.
    pub(super) fn drop_outcome(&mut self, sender: MemberId) {
        let Some(outcomes) = self.outcomes.get_mut(&sender) else {
            tracing::error!(?sender, "an outcome was counted twice as gone");
            return;
        };
        *outcomes -= 1;
        if *outcomes == 0 {
            self.outcomes.remove(&sender);
        }
        self.outcomes_total -= 1;
    }

    /// Whether it is to be remembered that `writer` has written to `reader`.
    pub(super) fn is_new_contact(&self, writer: MemberId, reader: MemberId) -> bool {
        !self.is_contact(writer, reader)
            && self.contacts.len() < CONTACTS_TOTAL_MAX
            && self
                .contacts
                .range((writer, MemberId(0))..=(writer, MemberId(u32::MAX)))
                .take(CONTACTS_MAX)
                .count()
                < CONTACTS_MAX
    }

    /// `writer` has written to `reader`, whose mail to him is a stranger's no longer.
    pub(super) fn add_contact(&mut self, writer: MemberId, reader: MemberId) {
        if !self.contacts.insert((writer, reader)) {
            return;
        }
        if let Some(pair) = self.pairs.get(&(writer, reader))
            && let Some(mailbox) = self.mailboxes.get_mut(&writer)
        {
            mailbox.strangers.messages = mailbox.strangers.messages.saturating_sub(pair.messages);
            mailbox.strangers.bytes = mailbox.strangers.bytes.saturating_sub(pair.bytes);
        }
    }

    fn is_contact(&self, writer: MemberId, reader: MemberId) -> bool {
        self.contacts.contains(&(writer, reader))
    }

    fn add(&mut self, recipient: MemberId, sender: MemberId, usage: Usage) {
        let stranger = !self.is_contact(recipient, sender);
        let mailbox = self.mailboxes.entry(recipient).or_default();
        let pair = self.pairs.entry((recipient, sender)).or_default();
        for count in [&mut self.total, &mut mailbox.all, pair] {
            give(count, usage);
        }
        if stranger {
            give(&mut mailbox.strangers, usage);
        }
    }
}

const fn give(count: &mut Usage, usage: Usage) {
    count.messages = count.messages.saturating_add(usage.messages);
    count.bytes = count.bytes.saturating_add(usage.bytes);
}

fn take(count: &mut Usage, bytes: u64) {
    count.messages = count.messages.saturating_sub(1);
    count.bytes = count.bytes.saturating_sub(bytes);
}
