//! Copies that the registry need not keep, because the message was delivered directly.
//!
//! Only cleans up: a copy that is never withdrawn is forwarded, found to be a duplicate, and gone.
//! Invariant: nothing is withdrawn before the delivery is committed here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::outbox::{Outgoing, Stage};
use super::{Client, Timer};
use crate::engine::Context;
use crate::id::Slot;
use crate::limits::{REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::wire::message::ToRegistry;

/// Copies to be withdrawn that are remembered. A forgotten one is forwarded, found to be a duplicate, and gone.
const WITHDRAWALS_MAX: usize = 1_024;

/// Stored copies of messages that were delivered directly.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    /// When it is asked again; `None` until the deposit is answered.
    pub(super) copies: BTreeMap<Slot, Option<Duration>>,
}

impl Client {
    /// The registry need not keep what was delivered directly.
    pub(super) fn withdraw_copy(&mut self, message: &Outgoing) {
        let answered = match message.stage {
            Stage::Depositing { .. } => false,
            Stage::Stored => true,
            _ if message.stored => true,
            _ => return,
        };
        if self.withdrawals.copies.len() >= WITHDRAWALS_MAX {
            return;
        }
        self.withdrawals
            .copies
            .insert(message.slot, answered.then_some(REQUEST_RETRY));
    }

    /// The answer to the deposit is that the registry does not keep it: nothing is to be withdrawn.
    pub(super) fn nothing_to_withdraw(&mut self, slot: Slot) {
        if self.withdrawals.copies.get(&slot) == Some(&None) {
            self.withdrawals.copies.remove(&slot);
        }
    }

    /// Asks for a copy to be withdrawn, now or when the registry is back; not before the delivery is committed.
    pub(super) fn withdraw(&mut self, cx: &Context<'_>, slot: Slot) {
        if self.delivering.contains(&slot) {
            return;
        }
        let Some(again) = self.withdrawals.copies.get_mut(&slot) else {
            return;
        };
        let pause = again.unwrap_or(REQUEST_RETRY);
        *again = Some((pause * 2).min(REQUEST_RETRY_MAX));
        if let Some(session) = self.link.registered() {
            self.ask_loosely(cx, session, &ToRegistry::Withdraw { slot });
            self.timers.set(Timer::Withdraw(slot), cx.now.at + pause);
        }
    }

    pub(super) fn ask_withdrawals(&mut self, cx: &Context<'_>) {
        let slots: Vec<Slot> = self.withdrawals.copies.keys().copied().collect();
        for slot in slots {
            self.withdraw(cx, slot);
        }
    }

    /// The registry is away. A deposit that was not answered may never be: its copy, if any, ends by itself.
    pub(super) fn withdrawals_lost(&mut self) {
        self.withdrawals.copies.retain(|_, again| again.is_some());
        let slots: Vec<Slot> = self.withdrawals.copies.keys().copied().collect();
        for slot in slots {
            self.timers.clear(&Timer::Withdraw(slot));
        }
    }
}
