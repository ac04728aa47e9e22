//! Who may hold how much: the window of one session, and the pools of an endpoint (RFC 9000 §4 in spirit).
//!
//! A window promises room to the other side; the pools are what there really is. More may be promised than
//! there is: what finds no room is not acknowledged, and comes again. Knows nothing of messages.
//! Invariant: credit once given is never taken back.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::{
    ACK_DELAY_MAX, REASSEMBLY_BYTES_MAX, SEND_BYTES_TOTAL_MAX, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN,
};

/// What all sessions of an endpoint share.
#[derive(Debug)]
pub(super) struct Pool {
    /// For messages that come.
    pub(super) reassembly: Budget,
    /// For messages that go.
    pub(super) sending: Budget,
}

impl Pool {
    /// Pools of so many bytes.
    pub(super) const fn new(reassembly: usize, sending: usize) -> Self {
        Self {
            reassembly: Budget::new(reassembly),
            sending: Budget::new(sending),
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(REASSEMBLY_BYTES_MAX, SEND_BYTES_TOTAL_MAX)
    }
}

/// Bytes that may still be held.
#[derive(Debug)]
pub(super) struct Budget {
    size: usize,
    left: usize,
}

impl Budget {
    const fn new(size: usize) -> Self {
        Self { size, left: size }
    }

    /// What there is in all.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// What is left.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// What is held.
    pub(super) const fn taken(&self) -> usize {
        self.size - self.left
    }

    /// Whether no more than the last quarter is left: it is for those who can finish with it.
    pub(super) const fn is_short(&self) -> bool {
        self.left <= self.reserve()
    }

    /// The last quarter.
    pub(super) const fn reserve(&self) -> usize {
        self.size / 4
    }

    /// Takes `bytes`, or what is left if that is less. Returns what was taken.
    pub(super) fn take(&mut self, bytes: usize) -> usize {
        let taken = bytes.min(self.left);
        self.left -= taken;
        taken
    }

    /// Gives back what was taken.
    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes);
    }
}

/// What one session has promised to receive.
#[derive(Debug)]
pub(super) struct ReceiveWindow {
    size: u64,
    /// Bytes promised since the session began.
    granted: u64,
    /// Bytes of messages that the application has taken.
    taken: u64,
    /// Those of the current round, and when it began.
    round_taken: u64,
    round_began: Instant,
    due: bool,
}

impl ReceiveWindow {
    pub(super) const fn new() -> Self {
        Self {
            size: WINDOW_BYTES_MIN,
            granted: WINDOW_BYTES_MIN,
            taken: 0,
            round_taken: 0,
            round_began: Instant::ZERO,
            due: false,
        }
    }

    /// Bytes that may be held, of what is promised and not taken.
    pub(super) const fn open(&self) -> u64 {
        self.granted.saturating_sub(self.taken)
    }

    /// The application has taken a message. The window grows with what it takes in a round trip, if `may_grow`:
    /// fourfold, because the sender's slow start doubles and should not wait for it.
    pub(super) fn on_taken(&mut self, now: Instant, bytes: u64, round_trip: Duration, may_grow: bool) {
        self.taken += bytes;
        if now.since(self.round_began) > (round_trip * 2).max(ACK_DELAY_MAX) {
            self.round_began = now;
            self.round_taken = 0;
        }
        self.round_taken += bytes;
        if may_grow && self.round_taken >= self.size / 2 && self.size < WINDOW_BYTES_MAX {
            self.size = (self.size * 4).min(WINDOW_BYTES_MAX);
            self.round_began = now;
            self.round_taken = 0;
        }
        // Half a window is worth a frame; less is told with the next half.
        if self.limit() >= self.granted + self.size / 2 {
            self.due = true;
        }
    }

    const fn limit(&self) -> u64 {
        self.taken + self.size
    }

    /// Whether the other side has to be told.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// What to tell: bytes since the session began.
    pub(super) fn announce(&mut self) -> u64 {
        self.due = false;
        self.granted = self.granted.max(self.limit());
        self.granted
    }

    /// What was told may be lost.
    pub(super) const fn repeat(&mut self) {
        self.due = true;
    }

    /// Nothing comes: the window goes back to its smallest. What was promised stays promised.
    pub(super) const fn rest(&mut self) {
        self.size = WINDOW_BYTES_MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    #[test]
    fn a_window_grows_with_what_is_taken_and_only_so_far() {
        let mut window = ReceiveWindow::new();
        assert_eq!(window.open(), WINDOW_BYTES_MIN);
        window.on_taken(at(1_000), 8_192, RTT, true);
        assert!(window.is_due());
        assert_eq!(window.announce(), 8_192 + 4 * WINDOW_BYTES_MIN);
        for ms in 0..50 {
            window.on_taken(at(1_010 + ms), 600_000, RTT, true);
        }
        let granted = window.announce();
        assert_eq!(granted, 8_192 + 50 * 600_000 + WINDOW_BYTES_MAX);
    }

    #[test]
    fn a_slow_reader_keeps_a_small_window_and_small_messages_cost_no_frames() {
        let mut window = ReceiveWindow::new();
        for second in 1..=20 {
            window.on_taken(at(second * 1_000), 400, RTT, true);
            assert!(!window.is_due());
        }
        window.on_taken(at(30_000), 400, RTT, true);
        assert!(window.is_due());
        assert_eq!(window.announce(), 8_400 + WINDOW_BYTES_MIN);
    }

    #[test]
    fn a_full_pool_stops_growth_and_rest_undoes_it_without_breaking_a_promise() {
        let mut window = ReceiveWindow::new();
        window.on_taken(at(1_000), 16_384, RTT, false);
        assert_eq!(window.announce(), 16_384 + WINDOW_BYTES_MIN);
        window.on_taken(at(1_001), 16_384, RTT, true);
        let granted = window.announce();
        window.rest();
        assert_eq!(window.announce(), granted);
        assert_eq!(window.open(), 4 * WINDOW_BYTES_MIN);
    }

    #[test]
    fn a_pool_gives_no_more_than_it_has() {
        let mut pool = Pool::new(10, 0);
        assert_eq!(pool.reassembly.take(7), 7);
        assert_eq!(pool.reassembly.take(7), 3);
        pool.reassembly.give_back(4);
        assert_eq!(pool.reassembly.left(), 4);
    }
}
