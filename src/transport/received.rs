//! Which packets have come: the replay window, and what is owed as acknowledgement (RFC 9000 §13.2).
//!
//! Remembers one bit for each of the latest packet numbers and the latest ranges for the Ack frame. Knows nothing
//! of what is in a packet but whether it asks for an acknowledgement.
//! Invariant: a number that was inserted is never fresh again; one below the window counts as seen.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::ACK_DELAY_MAX;
use crate::transport::bits::Bits;
use crate::wire::frame::{ACK_GAPS_MAX, Ack};

/// 64 times as many packets may overtake a packet before it counts as a replay.
const WORDS: usize = 32;
/// One Ack frame tells of so many ranges.
const RANGES_MAX: usize = ACK_GAPS_MAX + 1;
/// Kind, largest, delay, run and count of an Ack at their longest, and two numbers below 2^32 for each gap.
const ACK_BYTES_MIN: usize = 1 + 9 + 5 + 9 + 1;
const GAP_BYTES_MAX: usize = 2 * 5;
/// The second packet that asks is answered at once (RFC 9000 §13.2.2).
const ASKING_MAX: u8 = 2;

/// The receiving side's record of packet numbers.
#[derive(Debug)]
pub(super) struct ReceivedPackets {
    seen: Bits<WORDS>,
    /// One above the highest that came.
    next: u64,
    /// When the highest came that is told: one that was refused is not.
    highest_at: Instant,
    /// Highest first, disjoint, not touching.
    ranges: Vec<(u64, u64)>,
    asking: u8,
    due: bool,
    due_at: Option<Instant>,
}

impl ReceivedPackets {
    pub(super) const fn new() -> Self {
        Self {
            seen: Bits::new(),
            next: 0,
            highest_at: Instant::ZERO,
            ranges: Vec::new(),
            asking: 0,
            due: false,
            due_at: None,
        }
    }

    /// Whether this number was not seen, and is not so old that nobody can tell.
    pub(super) fn is_fresh(&self, number: u64) -> bool {
        number >= self.next || (self.next - number <= Bits::<WORDS>::SIZE && !self.seen.contains(number))
    }

    /// Records a fresh packet. `asks`: whether it wants to be acknowledged.
    pub(super) fn insert(&mut self, now: Instant, number: u64, asks: bool) {
        let in_order = number == self.next;
        if number >= self.next {
            self.advance(number);
        }
        if self.ranges.first().is_none_or(|&(_, highest)| number > highest) {
            self.highest_at = now;
        }
        self.seen.insert(number);
        self.insert_range(number);
        if !asks {
            return;
        }
        self.asking = self.asking.saturating_add(1);
        // RFC 9000 §13.2.1: out of order is told at once, so that the sender sees the loss.
        if !in_order || self.asking >= ASKING_MAX {
            self.due = true;
        } else if self.due_at.is_none() {
            self.due_at = Some(now + ACK_DELAY_MAX);
        }
    }

    /// Records a fresh packet of which not everything was held: it is not acknowledged, and cannot come again. Whoever
    /// sent it hears at once that somebody is here.
    pub(super) fn refuse(&mut self, number: u64) {
        if number >= self.next {
            self.advance(number);
        }
        self.seen.insert(number);
        self.due = true;
    }

    /// Moves the window up to `number`, and clears the places that it enters.
    fn advance(&mut self, number: u64) {
        if number - self.next >= Bits::<WORDS>::SIZE {
            self.seen.clear();
        } else {
            (self.next..number).for_each(|skipped| self.seen.remove(skipped));
        }
        self.next = number.saturating_add(1);
    }

    fn insert_range(&mut self, number: u64) {
        let at = self.ranges.partition_point(|&(start, _)| start > number);
        let above = at.checked_sub(1).and_then(|above| self.ranges.get(above));
        let joins_above = above.is_some_and(|&(start, _)| start == number + 1);
        let joins_below = self.ranges.get(at).is_some_and(|&(_, end)| end + 1 == number);
        match (joins_above, joins_below) {
            (true, true) => {
                let (start, _) = self.ranges.remove(at);
                if let Some(above) = self.ranges.get_mut(at - 1) {
                    above.0 = start;
                }
            }
            (true, false) => {
                if let Some(above) = self.ranges.get_mut(at - 1) {
                    above.0 = number;
                }
            }
            (false, true) => {
                if let Some(below) = self.ranges.get_mut(at) {
                    below.1 = number;
                }
            }
            (false, false) => {
                if at < RANGES_MAX {
                    self.ranges.truncate(RANGES_MAX - 1);
                    self.ranges.insert(at, (number, number));
                }
            }
        }
    }

    /// Whether an Ack has to leave now.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// Whether an Ack would tell something that was asked for and not told.
    pub(super) const fn has_news(&self) -> bool {
        self.due || self.asking > 0
    }

    /// When an Ack has to leave.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        if self.due { None } else { self.due_at }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.due_at.is_some_and(|at| at <= now) {
            self.due = true;
        }
    }

    /// What `ack` takes at most, as a frame.
    pub(super) fn ack_bytes_max(&self) -> usize {
        ACK_BYTES_MIN + self.ranges.len().saturating_sub(1) * GAP_BYTES_MAX
    }

    /// The Ack to send; nothing is owed afterwards.
    pub(super) fn ack(&mut self, now: Instant) -> Option<Ack> {
        self.due = false;
        self.due_at = None;
        self.asking = 0;
        let delay = now.since(self.highest_at).min(Duration::from_secs(60));
        let ranges = self.ranges.iter().map(|&(start, end)| start..=end);
        Ack::from_ranges(ranges, u32::try_from(delay.as_micros()).unwrap_or(u32::MAX))
    }

    /// The other side knows of everything up to `number`: later Acks need not tell it (RFC 9000 §13.2.4).
    pub(super) fn forget_up_to(&mut self, number: u64) {
        let keep = self.ranges.partition_point(|&(_, end)| end > number).max(1);
        self.ranges.truncate(keep);
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<(u64, u64)>()
    }

    /// Gives memory back.
    pub(super) fn rest(&mut self) {
        self.ranges.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    #[test]
    fn one_packet_is_acknowledged_within_25_ms_and_the_second_at_once() {
        let mut received = ReceivedPackets::new();
        received.insert(at(0), 0, true);
        assert!(!received.is_due() && received.has_news());
        assert_eq!(received.deadline(), Some(at(25)));
        received.insert(at(5), 1, true);
        assert!(received.is_due());
        let ack = received.ack(at(6)).unwrap();
        assert_eq!((ack.largest, ack.first_run, ack.delay_us), (1, 1, 1_000));
        assert!(!received.has_news() && received.deadline().is_none());
        received.insert(at(10), 2, true);
        received.handle_timeout(at(34));
        assert!(!received.is_due());
        received.handle_timeout(at(35));
        assert!(received.is_due());
    }

    #[test]
    fn a_gap_and_what_fills_it_are_told_at_once() {
        let mut received = ReceivedPackets::new();
        received.insert(at(0), 0, true);
        received.ack(at(0)).unwrap();
        received.insert(at(1), 2, true);
        assert!(received.is_due());
        received.ack(at(1)).unwrap();
        received.insert(at(2), 1, true);
        assert!(received.is_due());
    }

    #[test]
    fn the_delay_that_is_told_is_that_of_the_packet_that_is_told() {
        let mut received = ReceivedPackets::new();
        received.insert(at(0), 0, true);
        received.refuse(2);
        received.insert(at(20), 1, true);
        let ack = received.ack(at(21)).unwrap();
        assert_eq!((ack.largest, ack.delay_us), (1, 1_000));
        received.insert(at(30), 4, true);
        received.insert(at(40), 3, true);
        let ack = received.ack(at(42)).unwrap();
        assert_eq!(
            (ack.largest, ack.delay_us),
            (4, 12_000),
            "one that came late is not told of"
        );
    }

    #[test]
    fn what_asks_for_nothing_is_owed_nothing() {
        let mut received = ReceivedPackets::new();
        received.insert(at(0), 7, false);
        assert!(!received.has_news() && received.deadline().is_none());
    }

    #[test]
    fn a_number_below_the_window_counts_as_seen() {
        let mut received = ReceivedPackets::new();
        received.insert(at(0), 3_000, true);
        assert!(received.is_fresh(3_001 - 2_048) && !received.is_fresh(3_000 - 2_048));
        received.insert(at(0), u64::MAX - 1, true);
        assert!(!received.is_fresh(3_000) && !received.is_fresh(u64::MAX - 1));
    }

    #[test]
    fn what_the_other_side_knows_is_not_told_again() {
        let mut received = ReceivedPackets::new();
        for number in [0, 2, 4, 5, 9] {
            received.insert(at(0), number, true);
        }
        received.forget_up_to(5);
        let ack = received.ack(at(0)).unwrap();
        assert_eq!(ack.ranges().collect::<Vec<_>>(), [9..=9]);
        received.forget_up_to(9);
        assert!(received.ack(at(0)).is_some(), "the highest is always told");
    }

    proptest! {
        #[test]
        fn freshness_and_ranges_agree_with_a_set(
            numbers in prop::collection::vec(prop_oneof![0u64..80, 0u64..6_000], 1..300),
        ) {
            let (mut received, mut naive) = (ReceivedPackets::new(), BTreeSet::new());
            for number in numbers {
                let highest = naive.last().copied().unwrap_or(0);
                let fresh = !naive.contains(&number) && number + 2_048 > highest;
                prop_assert_eq!(received.is_fresh(number), fresh, "{}", number);
                if !fresh {
                    continue;
                }
                received.insert(at(0), number, true);
                naive.insert(number);
                let ack = received.ack(at(0)).unwrap();
                prop_assert!(ack.ranges().count() <= RANGES_MAX);
                let told = ack.ranges().flatten().collect::<BTreeSet<_>>();
                prop_assert!(told.is_subset(&naive) && told.last() == naive.last());
                prop_assert!(naive.len() > RANGES_MAX || told == naive, "all, while they fit");
            }
        }
    }
}
