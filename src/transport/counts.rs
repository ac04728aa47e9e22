//! What sessions have done, in figures: for operators, and for those who measure the transport.
//!
//! Only adds up. Bytes are those of whole datagrams, without IP and UDP headers.
//! Invariant: every packet that left is in `packets_sent` once, and in at most one of `retransmitted` and `copies`.

use std::time::Duration;

use crate::clock::Instant;

/// What sessions have sent, received and lost so far: one of them, or all that an endpoint had. Counters wrap after 2^64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that left; a datagram each.
    pub packets_sent: u64,
    /// Fresh packets that came.
    pub packets_received: u64,
    /// Bytes that left.
    pub bytes_sent: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// Packets that carried again what had been sent: it was taken for lost, or the probe timeout passed.
    pub retransmitted: u64,
    /// Packets that carried it again before anything said so, because the path is known to lose.
    pub copies: u64,
    /// Packets taken for lost.
    pub packets_lost: u64,
    /// Those of them that were acknowledged after all.
    pub spurious_losses: u64,
    /// Times that the probe timeout passed.
    pub probes: u64,
}

impl Counts {
    /// Adds another session's.
    pub const fn add(&mut self, other: &Self) {
        let Self {
            packets_sent,
            packets_received,
            bytes_sent,
            bytes_received,
            retransmitted,
            copies,
            packets_lost,
            spurious_losses,
            probes,
        } = *other;
        self.packets_sent = self.packets_sent.wrapping_add(packets_sent);
        self.packets_received = self.packets_received.wrapping_add(packets_received);
        self.bytes_sent = self.bytes_sent.wrapping_add(bytes_sent);
        self.bytes_received = self.bytes_received.wrapping_add(bytes_received);
        self.retransmitted = self.retransmitted.wrapping_add(retransmitted);
        self.copies = self.copies.wrapping_add(copies);
        self.packets_lost = self.packets_lost.wrapping_add(packets_lost);
        self.spurious_losses = self.spurious_losses.wrapping_add(spurious_losses);
        self.probes = self.probes.wrapping_add(probes);
    }
}

/// A snapshot of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// What it has done since it began.
    pub counts: Counts,
    /// When it came up on this side.
    pub opened_at: Instant,
    /// When something authenticated last came.
    pub heard_at: Instant,
    /// Smoothed round trip.
    pub rtt: Duration,
    /// Shortest round trip on this path.
    pub rtt_min: Duration,
    /// The last one that was measured.
    pub rtt_latest: Duration,
    /// What the path loses by itself, in thousandths of the packets, as far as is known.
    pub path_loss: u64,
    /// Bytes that may be under way.
    pub congestion_window: u64,
}
