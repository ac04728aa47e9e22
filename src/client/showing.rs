//! In what order messages are shown, and what is held back for it.
//!
//! Per sender and epoch in the order written. A message whose predecessor is missing is held back for two seconds;
//! the hold begins only when no mail can be under way that would fill the gap: the mailbox is drained, or the
//! registry away. What comes later than its successor is shown as late.
//! Invariant: a message that is committed is shown, unless its sender is blocked; only its order can suffer.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::incoming::Inbound;
use super::{Client, Timer};
use crate::client::interface::{Event, Incoming, Road, Trust};
use crate::client::storage::{Outcome, Received, Unshown};
use crate::clock::{Instant, WallTime};
use crate::engine::Context;
use crate::id::{Epoch, IdentityId, MessageId, Name, Sequence};
use crate::limits::HOLD_BACK;

/// Streams remembered. A forgotten one is read from the store again with its next message.
const STREAMS_MAX: usize = 4_096;
/// Messages held back in all: beyond it order yields to memory.
const HELD_MAX: usize = 4_096;
/// Their text bytes.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A message that is not shown yet.
#[derive(Debug)]
struct Held {
    from: Name,
    sent_at: WallTime,
    text: String,
    stored: bool,
    at: Option<SocketAddr>,
    /// When it is shown at the latest; `None` while its predecessor may be in the mailbox.
    until: Option<Instant>,
}

/// One sender's epoch.
#[derive(Debug, Default)]
struct Stream {
    held: BTreeMap<Sequence, Held>,
    /// Everything below is shown, skipped or given up.
    next: Sequence,
    /// The highest that was shown.
    shown: Option<Sequence>,
}

/// What is to be shown.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Posts that an earlier run did not show: they have their order, and wait for nothing.
    posts: Vec<Incoming>,
    streams: BTreeMap<(IdentityId, Epoch), Stream>,
    held: usize,
    held_bytes: usize,
    /// Until when stored messages belong to the batch that was announced.
    batch_until: Option<Instant>,
}

impl Shelf {
    /// Whether something is held back.
    pub(super) const fn holds(&self) -> bool {
        self.held > 0
    }

    /// How many messages there are.
    pub(super) const fn len(&self) -> usize {
        self.held
    }

    /// What an earlier run did not show.
    pub(super) fn load(unshown: Vec<Unshown>) -> Self {
        let mut shelf = Self::default();
        for message in unshown {
            if let Some(room) = message.room {
                shelf.posts.push(Incoming {
                    id: message.id,
                    from: message.from,
                    at: None,
                    trust: Trust::default(),
                    sent_at: message.sent_at,
                    text: message.text,
                    road: Road::Room {
                        name: room,
                        before: true,
                    },
                });
                continue;
            }
            let held = Held {
                from: message.from,
                sent_at: message.sent_at,
                text: message.text,
                stored: message.stored,
                at: message.at,
                until: None,
            };
            shelf.put(message.id, held, message.next, message.shown);
        }
        shelf
    }

    /// The next stored message begins a new batch.
    pub(super) const fn batch_over(&mut self) {
        self.batch_until = None;
    }

    fn put(&mut self, id: MessageId, held: Held, next: Sequence, shown: Option<Sequence>) {
        self.held += 1;
        self.held_bytes += held.text.len();
        let stream = self.stream(id, next, shown);
        stream.held.insert(id.slot.sequence, held);
    }

    fn stream(&mut self, id: MessageId, next: Sequence, shown: Option<Sequence>) -> &mut Stream {
        let stream = self.streams.entry((id.sender, id.slot.epoch)).or_default();
        stream.next = stream.next.max(next);
        stream.shown = stream.shown.max(shown);
        stream
    }

    /// Takes what may be shown at `now`, in order.
    fn take_due(&mut self, now: Instant) -> Vec<(MessageId, Held, bool)> {
        let crowded = self.held > HELD_MAX || self.held_bytes > HELD_BYTES_MAX;
        let mut due = Vec::new();
        for ((sender, epoch), stream) in &mut self.streams {
            stream.take_due(now, crowded, |sequence, held, late| {
                let slot = crate::id::Slot {
                    epoch: *epoch,
                    sequence,
                };
                due.push((
                    MessageId {
                        sender: *sender,
                        slot,
                    },
                    held,
                    late,
                ));
            });
        }
        self.held -= due.len();
        self.held_bytes -= due.iter().map(|(_, held, _)| held.text.len()).sum::<usize>();
        if self.streams.len() > STREAMS_MAX {
            self.streams.retain(|_, stream| !stream.held.is_empty());
        }
        due
    }

    /// When the first hold ends.
    fn next_due(&self) -> Option<Instant> {
        self.streams
            .values()
            .flat_map(|stream| stream.held.values())
            .filter_map(|held| held.until)
            .min()
    }

    /// No mail is under way: the holds begin.
    fn begin_holds(&mut self, until: Instant) {
        for held in self
            .streams
            .values_mut()
            .flat_map(|stream| stream.held.values_mut())
        {
            held.until.get_or_insert(until);
        }
    }
}

impl Stream {
    fn take_due(&mut self, now: Instant, crowded: bool, mut show: impl FnMut(Sequence, Held, bool)) {
        // Everything up to the last whose hold is over goes, and then what follows without a gap.
        let over = |held: &Held| crowded || held.until.is_some_and(|until| until <= now);
        if let Some((last, _)) = self.held.iter().rev().find(|(_, held)| over(held)) {
            self.next = self.next.max(last.next());
        }
        while let Some(entry) = self.held.first_entry() {
            let sequence = *entry.key();
            if sequence > self.next {
                break;
            }
            self.next = self.next.max(sequence.next());
            let late = self.shown.is_some_and(|shown| shown > sequence);
            self.shown = self.shown.max(Some(sequence));
            show(sequence, entry.remove(), late);
        }
    }
}

impl Client {
    /// A message is committed: shows it in its turn.
    pub(super) fn shelve(&mut self, cx: &Context<'_>, inbound: Inbound, received: Received) {
        if received.outcome == Outcome::Fresh {
            let held = Held {
                from: inbound.from,
                sent_at: inbound.sent_at,
                text: inbound.text,
                stored: inbound.stored,
                at: inbound.at,
                until: self.mailbox_drained().then_some(cx.now.at + HOLD_BACK),
            };
            self.shelf.put(inbound.id, held, received.next, received.shown);
            self.drained += u64::from(inbound.stored && !self.link.replay.is_over());
        } else if received.outcome != Outcome::Conflict {
            self.shelf.stream(inbound.id, received.next, received.shown);
        }
        self.release(cx);
    }

    /// Whether no stored mail can be under way to us.
    const fn mailbox_drained(&self) -> bool {
        self.link.replay.is_over() || (self.link.registered().is_none() && !self.link.trying())
    }

    /// All that the registry had is here.
    pub(super) fn replayed(&mut self, cx: &Context<'_>) {
        self.shelf.begin_holds(cx.now.at + HOLD_BACK);
        self.release(cx);
    }

    /// The registry is away, or puts us off: what is missing may not come for long.
    pub(super) fn registry_away(&mut self, cx: &Context<'_>) {
        self.put_off_strangers(cx);
        if self.mailbox_drained() {
            self.shelf.begin_holds(cx.now.at + HOLD_BACK);
            self.release(cx);
        }
    }

    /// Shows what may be shown now.
    pub(super) fn release(&mut self, cx: &Context<'_>) {
        for post in std::mem::take(&mut self.shelf.posts) {
            self.tell_incoming(cx, post);
        }
        for (id, held, late) in self.shelf.take_due(cx.now.at) {
            let road = match (late, held.stored) {
                (true, _) => Road::Late,
                (false, true) => Road::Stored,
                (false, false) => Road::Direct,
            };
            if held.stored && !self.blocks(id.sender) {
                self.announce(cx.now.at);
            }
            let incoming = Incoming {
                id,
                from: held.from,
                at: held.at,
                trust: Trust::default(),
                sent_at: held.sent_at,
                text: held.text,
                road,
            };
            self.tell_incoming(cx, incoming);
        }
        match self.shelf.next_due() {
            Some(at) => self.timers.set(Timer::Hold, at),
            None => self.timers.clear(&Timer::Hold),
        }
    }

    /// Says that stored mail follows, once for a batch: a whole replay, later what comes close together.
    fn announce(&mut self, now: Instant) {
        if self.shelf.batch_until.is_none_or(|until| until < now) {
            self.out.event(Event::HaveMessages);
        }
        let until = if self.link.replay.is_over() {
            now + HOLD_BACK
        } else {
            now + HOLD_BACK * 5
        };
        self.shelf.batch_until = Some(until);
    }
}
