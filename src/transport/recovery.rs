//! What is under way, what is lost, and when to ask (RFC 9002 §6).
//!
//! Keeps every packet that asks for an acknowledgement, with what it carried; what that is, is the caller's. Lost
//! ones are remembered a while, so that a late acknowledgement still counts.
//! Invariants: `in_flight` is the sum of the sizes kept; a deadline is in the future once it was handled.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::Instant;
use crate::transport::rtt::Rtt;

/// §6.1.1, kPacketThreshold: overtaken by so many, a packet is lost …
const PACKET_THRESHOLD: u32 = 3;
/// … unless the path has shown to reorder more than that. This is the most it is believed: as many as a receive window
/// of 1 MiB has under way. From there on the time threshold is enough.
const PACKET_THRESHOLD_MAX: u32 = 1_024;
/// §7.6.1, kPersistentCongestionThreshold.
const PERSISTENT_THRESHOLD: u32 = 3;
/// The most between two probes of a silent path, where its round trip is not longer still: RFC 8085 §3.1.2 lets
/// those who send little send one datagram a round trip. With 3 s, half the datagrams lost each way would end
/// one session in a few hundred for silence.
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(1);
/// A deadline that is met so much too late shows that this side stood still, and acknowledgements lay unread: no round
/// trip is told by what left before. Threads on a busy machine wait for less.
const STILL: Duration = Duration::from_millis(100);
/// Lost packets that are remembered.
const REMEMBERED_MAX: usize = 512;

/// A packet that asks for an acknowledgement.
#[derive(Debug)]
pub(super) struct Sent<T> {
    /// When it left.
    pub(super) at: Instant,
    /// Its bytes on the wire.
    pub(super) size: u32,
    /// Whether its acknowledgement says something of the round trip: not if it was repeated as it was, or this side stood
    /// still.
    pub(super) timed: bool,
    /// What it carried.
    pub(super) content: T,
    /// Counts packets that ask, without the gaps that others leave in the numbers.
    order: u64,
}

/// What an Ack told that was not known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AckNews {
    /// Whether anything new was acknowledged.
    pub(super) any: bool,
    /// A round trip, if the highest packet is newly acknowledged (§5.1).
    pub(super) sample: Option<Duration>,
    /// Packets taken for lost that were not.
    pub(super) spurious: u64,
}

/// Packets found lost together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    /// How many.
    pub(super) count: u64,
    /// §7.6.
    pub(super) persistent: bool,
}

/// What a deadline brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Look for losses.
    Loss,
    /// Ask.
    Probe,
}

/// How a packet came to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// It was under way, with so many bytes on the wire.
    UnderWay(u32),
    /// It had been taken for lost.
    Late,
    /// It had been given up because the path is another.
    OldPath,
}

/// A packet that is not waited for any more.
#[derive(Debug)]
struct Forgone<T> {
    sent_at: Instant,
    lost_at: Instant,
    /// Whether it was taken for lost, not left behind on another path.
    lost: bool,
    content: T,
}

/// Packets under way.
#[derive(Debug)]
pub(super) struct Recovery<T> {
    sent: BTreeMap<u64, Sent<T>>,
    lost: BTreeMap<u64, Forgone<T>>,
    in_flight: u64,
    largest_acked: Option<u64>,
    threshold: u32,
    /// What the time threshold is lengthened by, since packets came late by that much; a round trip at most, as
    /// RFC 8985 §6.2 lets its reordering window grow.
    patience: Duration,
    loss_at: Option<Instant>,
    probe_at: Option<Instant>,
    probes: u32,
    order: u64,
    /// Packets below this are not waited for.
    needed_from: u64,
}

impl<T> Recovery<T> {
    pub(super) const fn new() -> Self {
        Self {
            sent: BTreeMap::new(),
            lost: BTreeMap::new(),
            in_flight: 0,
            largest_acked: None,
            threshold: PACKET_THRESHOLD,
            patience: Duration::ZERO,
            loss_at: None,
            probe_at: None,
            probes: 0,
            order: 0,
            needed_from: 0,
        }
    }

    /// Bytes under way.
    pub(super) const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// How many packets are under way.
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// What the packets carry that are waited for, oldest first.
    pub(super) fn needed(&self) -> impl Iterator<Item = &T> {
        self.sent
            .range(self.needed_from..)
            .map(|(_, packet)| &packet.content)
    }

    /// Whether a packet is under way, and waited for.
    pub(super) fn is_needed(&self, number: u64) -> bool {
        number >= self.needed_from && self.sent.contains_key(&number)
    }

    /// All that the packets under way carry has arrived in others. They are asked about no more, and count for nothing; what
    /// became of them shows with the next Ack.
    pub(super) fn let_go(&mut self) {
        let Some((&last, _)) = self.sent.last_key_value() else {
            return;
        };
        for (_, packet) in self.sent.range_mut(self.needed_from..) {
            packet.size = 0;
        }
        self.in_flight = 0;
        self.needed_from = last + 1;
        // A time in which nothing was asked joins no losses (§7.6.2).
        self.order += 1;
        self.probe_at = None;
    }

    /// A packet has left.
    pub(super) fn on_sent(
        &mut self,
        now: Instant,
        number: u64,
        size: u32,
        timed: bool,
        content: T,
        rtt: &Rtt,
    ) {
        self.notice_standstill(now);
        let order = self.order;
        self.order += 1;
        self.in_flight += u64::from(size);
        self.sent.insert(
            number,
            Sent {
                at: now,
                size,
                timed,
                content,
                order,
            },
        );
        self.arm(now, rtt);
    }

    /// An Ack has come. What newly acknowledged packets carried goes to `each`.
    pub(super) fn on_ack(
        &mut self,
        now: Instant,
        ranges: impl Iterator<Item = RangeInclusive<u64>>,
        rtt: &Rtt,
        mut each: impl FnMut(&T, Acked),
    ) -> AckNews {
        self.notice_standstill(now);
        let mut news = AckNews::default();
        let mut first = true;
        for range in ranges {
            let largest = *range.end();
            if first {
                self.largest_acked = self.largest_acked.max(Some(largest));
                news.sample = self
                    .sent
                    .get(&largest)
                    .filter(|packet| packet.timed)
                    .map(|packet| now.since(packet.at));
                first = false;
            }
            while let Some((&number, _)) = self.sent.range(range.clone()).next() {
                if let Some(packet) = self.sent.remove(&number) {
                    self.in_flight -= u64::from(packet.size);
                    news.any = true;
                    each(&packet.content, Acked::UnderWay(packet.size));
                }
            }
            while !self.lost.is_empty()
                && let Some((&number, _)) = self.lost.range(range.clone()).next()
                && let Some(packet) = self.lost.remove(&number)
            {
                if packet.lost {
                    self.learn(now, number, packet.sent_at, rtt);
                    news.spurious += 1;
                    each(&packet.content, Acked::Late);
                } else {
                    each(&packet.content, Acked::OldPath);
                }
            }
        }
        if news.any {
            self.probes = 0;
        }
        news
    }

    /// §6.1.1 and §6.1.2 let a sender learn from reordering that it has taken for loss.
    fn learn(&mut self, now: Instant, number: u64, sent_at: Instant, rtt: &Rtt) {
        let overtaken = self.largest_acked.unwrap_or(number).saturating_sub(number);
        let overtaken = u32::try_from(overtaken).unwrap_or(u32::MAX);
        self.threshold = self
            .threshold
            .max(overtaken.saturating_add(1))
            .min(PACKET_THRESHOLD_MAX);
        let late = now.since(sent_at + rtt.loss_delay());
        self.patience = self.patience.max(late).min(rtt.smoothed());
    }

    /// Moves the packets that count as lost (§6.1) to `each`; then sets the deadlines anew.
    pub(super) fn detect_losses(
        &mut self,
        now: Instant,
        rtt: &Rtt,
        mut each: impl FnMut(&mut Sent<T>),
    ) -> Option<Losses> {
        self.loss_at = None;
        self.forget(now, rtt);
        let mut losses: Option<Losses> = None;
        let mut run: Option<(u64, Instant)> = None;
        while let Some(largest) = self.largest_acked
            && let Some((&number, packet)) = self.sent.first_key_value()
            && number < largest
        {
            let overdue_at = packet.at + rtt.loss_delay() + self.patience;
            if number + u64::from(self.threshold) > largest && overdue_at > now {
                self.loss_at = Some(overdue_at);
                break;
            }
            let Some((number, mut packet)) = self.sent.pop_first() else {
                break;
            };
            self.in_flight -= u64::from(packet.size);
            // §7.6.2: all packets between the first and the last were lost, and they are far enough apart.
            let began = match run {
                Some((order, began)) if order + 1 == packet.order => began,
                _ => packet.at,
            };
            run = Some((packet.order, began));
            let persistent =
                rtt.is_sampled() && packet.at.since(began) > rtt.probe_timeout() * PERSISTENT_THRESHOLD;
            losses = Some(Losses {
                count: losses.map_or(0, |losses| losses.count) + 1,
                persistent: persistent || losses.is_some_and(|losses| losses.persistent),
            });
            each(&mut packet);
            let forgone = Forgone {
                sent_at: packet.at,
                lost_at: now,
                lost: true,
                content: packet.content,
            };
            remember(&mut self.lost, number, forgone);
        }
        self.arm(now, rtt);
        losses
    }

    /// Lost packets are remembered for as long as a straggler may reasonably take.
    fn forget(&mut self, now: Instant, rtt: &Rtt) {
        let span = rtt.probe_timeout() * PERSISTENT_THRESHOLD;
        while let Some(first) = self.lost.first_entry()
            && first.get().lost_at + span < now
        {
            first.remove();
        }
    }

    /// §6.2.1: the probe deadline runs from the latest packet or answer, doubled for each probe in a row.
    fn arm(&mut self, now: Instant, rtt: &Rtt) {
        let interval = rtt.probe_timeout();
        let backed_off = interval
            .saturating_mul(1 << self.probes.min(16))
            .min(PROBE_INTERVAL_MAX.max(interval));
        let asks = self.needed().next().is_some();
        self.probe_at = asks.then(|| now + backed_off);
    }

    /// When `handle_timeout` has something to do. The loss deadline goes before the probe (§6.2.1).
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.loss_at.or(self.probe_at)
    }

    /// What is due. For `Loss`, `detect_losses` is to be called.
    pub(super) fn handle_timeout(&mut self, now: Instant, rtt: &Rtt) -> Option<Due> {
        if self.deadline()? > now {
            return None;
        }
        self.notice_standstill(now);
        if self.loss_at.is_some() {
            return Some(Due::Loss);
        }
        self.probes += 1;
        self.arm(now, rtt);
        Some(Due::Probe)
    }

    /// The path is another, of which nothing is known. What went the old way is under way no more, and goes to `each`; if it
    /// is acknowledged after all, that says nothing of the new one.
    pub(super) fn on_path_change(&mut self, now: Instant, mut each: impl FnMut(&T)) {
        let mut forgone = std::mem::take(&mut self.lost);
        forgone.values_mut().for_each(|packet| packet.lost = false);
        for (number, packet) in std::mem::take(&mut self.sent) {
            each(&packet.content);
            let left_behind = Forgone {
                sent_at: packet.at,
                lost_at: now,
                lost: false,
                content: packet.content,
            };
            remember(&mut forgone, number, left_behind);
        }
        *self = Self {
            lost: forgone,
            largest_acked: self.largest_acked,
            order: self.order,
            needed_from: self.needed_from,
            ..Self::new()
        };
    }

    /// After a standstill, what is under way tells no round trip any more.
    fn notice_standstill(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| now.since(at) > STILL) {
            self.sent.values_mut().for_each(|packet| packet.timed = false);
        }
    }

    /// Bytes on the heap, at least.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.sent.len() * size_of::<Sent<T>>() + self.lost.len() * size_of::<Forgone<T>>()
    }

    /// Drops what is remembered of lost packets, and what an emptied map keeps: one leaf.
    pub(super) fn rest(&mut self) {
        self.lost = BTreeMap::new();
        if self.sent.is_empty() {
            self.sent = BTreeMap::new();
        }
    }
}

/// Keeps what is not waited for any more, the latest of it.
fn remember<T>(forgone: &mut BTreeMap<u64, Forgone<T>>, number: u64, packet: Forgone<T>) {
    forgone.insert(number, packet);
    if forgone.len() > REMEMBERED_MAX {
        forgone.pop_first();
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
