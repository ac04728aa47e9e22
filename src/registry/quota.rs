//! How full the mailboxes are, and whom they are kept for.
//!
//! Counts what waits, and what is about to be committed. Half of each mailbox is kept for those to whom its owner
//! has written, so that strangers cannot close it to them.
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

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    total: Usage,
    mailboxes: BTreeMap<MemberId, Mailbox>,
    /// By recipient and sender.
    pub(super) pairs: BTreeMap<(MemberId, MemberId), Usage>,
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
        quotas
    }

    /// What waits in all mailboxes.
    pub(super) const fn total(&self) -> Usage {
        self.total
    }

    /// Makes room for a message, or says which limit forbids it.
    pub(super) fn reserve(
        &mut self,
        config: &Config,
        recipient: MemberId,
        sender: MemberId,
        bytes: u64,
    ) -> Result<(), DepositRefusal> {
        let fits = |usage: Usage, messages_max: u64, bytes_max: u64| {
            usage.messages < messages_max && usage.bytes.saturating_add(bytes) <= bytes_max
        };
        let mailbox = self.mailboxes.get(&recipient).copied().unwrap_or_default();
        let pair = self.pairs.get(&(recipient, sender)).copied().unwrap_or_default();
        let (messages_max, bytes_max) = (config.mailbox_messages_max, config.mailbox_bytes_max);
        if !fits(self.total(), config.mail_messages_max, config.mail_bytes_max) {
            return Err(DepositRefusal::RegistryFull);
        }
        if !fits(pair, config.sender_messages_max, config.sender_bytes_max) {
            return Err(DepositRefusal::SenderFull);
        }
        let known = self.is_contact(recipient, sender);
        if !fits(mailbox.all, messages_max, bytes_max)
            || (!known && !fits(mailbox.strangers, messages_max / 2, bytes_max / 2))
        {
            return Err(DepositRefusal::MailboxFull);
        }
        self.add(recipient, sender, Usage { messages: 1, bytes });
        Ok(())
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
            count.messages += usage.messages;
            count.bytes += usage.bytes;
        }
        if stranger {
            mailbox.strangers.messages += usage.messages;
            mailbox.strangers.bytes += usage.bytes;
        }
    }
}

fn take(count: &mut Usage, bytes: u64) {
    count.messages = count.messages.saturating_sub(1);
    count.bytes = count.bytes.saturating_sub(bytes);
}
