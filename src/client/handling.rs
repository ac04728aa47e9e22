//! Messages that are handed to a program: who wrote one hears that we have it once it was handled, and not before.
//!
//! Where receipts are for what was handled (`config`), a message that is committed is told and no more; whoever handles it says
//! when that is done (`Command::Handled`). That is committed, and then what is owed for it goes out: receipts, or in a room
//! where we are in its log (`posts`). What a run has not handled the next one tells again.
//! Invariant: a message is said to be had only after the commit that it was handled.

use super::Client;
use super::incoming::{Answer, Source};
use crate::client::config::Receipts;
use crate::client::interface::{Event, Incoming, What};
use crate::client::storage::{Outcome, Received, Told};
use crate::engine::Context;
use crate::id::MessageId;
use crate::wire::envelope::Receipt;
use crate::wire::message::BusyReason;

/// Receipts that are owed at once: as many as may wait for room. What is above it comes again.
const OWED_MAX: usize = super::incoming::RECEIPTS_MAX;

/// "Later": it is being handled. A program may take long; the registry asks less and less often, and forwards others' mail
/// meanwhile.
const RETRY_UNHANDLED_MS: u32 = 5_000;

impl Client {
    /// Tells a message, and how well its writer is known. That it was seen is marked once it was, or once it was handled; what
    /// is not to be shown needs neither.
    pub(super) fn tell_incoming(&mut self, cx: &Context<'_>, mut message: Incoming) {
        if self.blocks(message.id.sender) {
            self.handled(cx, message.id);
            return;
        }
        message.trust = self.trust_of_writer(&message.from, message.id.sender);
        let seen = (self.config.receipts == Receipts::Committed).then_some(Told::Incoming(message.id));
        if seen.is_some() {
            self.journal.note_received(message.id, cx.now, What::Shown);
        }
        self.out.tell(Event::Incoming(message), seen);
    }

    /// A program has handled a message.
    pub(super) fn was_handled(&mut self, cx: &Context<'_>, id: MessageId) {
        self.journal.note_received(id, cx.now, What::Shown);
        self.handled(cx, id);
    }

    /// Whether a message that is committed is still to be handled, and nothing said of it before.
    pub(super) fn is_unhandled(&self, received: &Received) -> bool {
        let is_ours = matches!(received.outcome, Outcome::Fresh | Outcome::Duplicate);
        self.config.receipts == Receipts::Handled && is_ours && !received.shown_before
    }

    /// A receipt that is owed until its message was handled. Whoever sends it again hears that it takes a while.
    pub(super) fn owe(&mut self, cx: &Context<'_>, source: Source, receipt: Receipt) {
        let id = receipt.id;
        let owed = &mut self.inbound.owed;
        let place = (id, source.is_registry());
        let again = owed.contains_key(&place);
        if again || owed.len() < OWED_MAX {
            owed.insert(place, (source, receipt));
        }
        if again {
            self.put_off_sender(cx, source, id, BusyReason::Unhandled, RETRY_UNHANDLED_MS);
        }
    }

    /// That is committed: whoever waits for it hears of it.
    pub(super) fn handling_committed(&mut self, cx: &Context<'_>, id: MessageId) {
        for is_registry in [false, true] {
            if let Some((source, receipt)) = self.inbound.owed.remove(&(id, is_registry)) {
                self.answer(cx, Answer::Receipt(source, receipt));
            }
        }
        self.post_handled(cx, id);
    }
}
