//! How much may be under way and how fast it leaves: congestion control behind a trait (PROTOCOL §7.6).
//!
//! A controller is told what was sent, acknowledged and lost, and answers with a window and a rate. It holds no
//! packets and reads no clock. [`Pilot`] is the one there is: it goes by the rate at which data arrives and by delay,
//! because on the links this is for a lost packet says little of congestion. What is sent more than once for that
//! reason is [`Copies`]' business.
//! Invariant: the window never falls below four datagrams, so that a path that comes back is noticed.

mod ceiling;
mod copies;
mod delivery;
mod heaps;
mod path_loss;
mod pilot;
mod shortest;

use std::time::Duration;

pub(super) use copies::{Copies, FEW};
pub(super) use delivery::Stamp;
pub(super) use pilot::Pilot;

use crate::clock::Instant;
use crate::limits::DATAGRAM_BYTES_MAX;

const DATAGRAM: u64 = DATAGRAM_BYTES_MAX as u64;
/// RFC 9002 §7.2: min(10 datagrams, max(14720, 2 datagrams)).
const INITIAL_WINDOW: u64 = 10 * DATAGRAM;
/// BBRMinPipeCwnd (draft-ietf-ccwg-bbr, section 2.7): enough to keep acknowledgements coming.
const MINIMUM_WINDOW: u64 = 4 * DATAGRAM;
/// What a sender bounded by `SEND_BYTES_MAX` can use, with all that may be lost on the way.
const MAXIMUM_WINDOW: u64 = 16 * 1024 * 1024;

const _: () = assert!(INITIAL_WINDOW <= 14_720);

/// A packet whose fate is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    /// Its bytes on the wire.
    pub(super) bytes: u64,
    /// What the controller gave it when it left.
    pub(super) stamp: Stamp,
}

/// What one Ack, or one deadline, has come to, after the fates of single packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary {
    /// How long the highest packet's round trip was, if that is newly acknowledged (RFC 9002 §5.1).
    pub(super) rtt: Option<Duration>,
    /// Bytes under way now.
    pub(super) flight: u64,
    /// Whether everything sent for longer than the persistent congestion duration was lost (RFC 9002 §7.6).
    pub(super) persistent: bool,
}

/// Decides how much may be under way, and how fast it leaves.
pub(super) trait Controller {
    /// A packet that counts leaves; `flight` is what was under way before it. The stamp comes back with its fate.
    fn on_sent(&mut self, now: Instant, bytes: u64, flight: u64) -> Stamp;
    /// Nothing is left to send, with `flight` under way.
    fn on_limited(&mut self, flight: u64);
    /// A packet has been acknowledged.
    fn on_acked(&mut self, now: Instant, packet: Fate);
    /// A packet has been found lost. The stamp that is to come back if it arrives after all.
    fn on_lost(&mut self, packet: Fate) -> Stamp;
    /// A packet that had been found lost has arrived after all.
    fn on_spurious(&mut self, packet: Fate);
    /// That was all for now.
    fn on_summary(&mut self, now: Instant, summary: Summary);
    /// The path is another: what was learnt says nothing of it (RFC 9000 §9.4). Nothing is under way; of what went the old
    /// way nothing is told any more.
    fn on_path_change(&mut self, now: Instant);
    /// Bytes that may be under way.
    fn window(&self) -> u64;
    /// Bytes a second, for a path with this round trip.
    fn pacing_rate(&self, smoothed_rtt: Duration) -> u64;
    /// What the path loses by itself, in thousandths of the packets.
    fn path_loss(&self) -> u64;
}

/// `rate` bytes a second for a time, in bytes.
fn bytes_in(rate: u64, span: Duration) -> u64 {
    rate.saturating_mul(micros(span)) / 1_000_000
}

/// Bytes a second, if so many take that time.
fn rate_of(bytes: u64, span: Duration) -> u64 {
    bytes.saturating_mul(1_000_000) / micros(span).max(1)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

const fn percent(amount: u64, percent: u64) -> u64 {
    amount.saturating_mul(percent) / 100
}
