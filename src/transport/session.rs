//! What happens between two ends once keys are agreed (PROTOCOL §7): frames in, frames out.
//!
//! Joins the parts beside it, which do not know each other: packet numbers, round trip, recovery, congestion,
//! pacing, messages and windows. Leaves sealing, addresses and sockets to the endpoint.
//! Invariants: no packet number is used twice; a packet is acknowledged only if every part in it is held; every
//! handled deadline moves on or goes away.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Instant;
use crate::limits::{MESSAGE_BYTES_MAX, SEND_BYTES_MAX, SESSION_IDLE, SESSION_SILENCE, WINDOW_BYTES_MIN};
use crate::transport::congestion::{Controller, Copies, Fate, Pilot, Stamp, Summary};
use crate::transport::counts::{Counts, SessionStats};
pub(super) use crate::transport::flow::Pool;
use crate::transport::flow::ReceiveWindow;
use crate::transport::incoming::{Contradiction, Incoming};
use crate::transport::outgoing::{Outgoing, Part};
use crate::transport::pacer::Pacer;
use crate::transport::received::ReceivedPackets;
use crate::transport::recovery::{Due, Recovery};
use crate::transport::rtt::Rtt;
use crate::transport::{Backlog, SEND_OVERHEAD, SendFault};
use crate::wire::frame::{CloseCode, PART_OVERHEAD_MAX};
use crate::wire::packet::{DATA_HEADER_BYTES, SEAL_BYTES};

/// What a packet weighs beside its frames.
const PACKET_OVERHEAD: usize = DATA_HEADER_BYTES + SEAL_BYTES;
/// Control frames that wait at most: a challenge, its answer, a ping and a close, and as many again.
const CONTROLS_MAX: usize = 8;
/// No session comes near it: a million packets a second for thirty thousand years.
pub(super) const PACKETS_MAX: u64 = 1 << 60;
/// Packets that the probe timeout sends (RFC 9002 §6.2.4 allows two): where one was lost, so may the next be.
pub(super) const PROBES: usize = 2;
/// After so long without a packet, or three probe timeouts, memory is given back.
const REST_AFTER: Duration = Duration::from_secs(1);
/// How often a session that takes of the pool for long is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Packets that wait for an acknowledgement at most: the send buffer in small messages, and again as many. One
/// who sends on and acknowledges nothing is answered nothing that asks, and in the end given up.
pub(super) const UNDER_WAY_MAX: usize = 8_192;
/// A frame that is not the session's own business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Asks for an acknowledgement.
    Ping,
    /// Asks whether the other side is at an address.
    PathChallenge(u64),
    /// Answers that.
    PathResponse(u64),
    /// Ends the session.
    Close(CloseCode),
}

/// What a packet held for the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// A challenge to answer.
    pub(super) path_challenge: Option<u64>,
    /// The answer to a challenge.
    pub(super) path_response: Option<u64>,
    /// The other side is done.
    pub(super) close: Option<CloseCode>,
    /// Whether it asks for an acknowledgement.
    pub(super) ack_eliciting: bool,
    /// Whether it acknowledges a packet of ours.
    pub(super) acknowledges: bool,
}

/// What no honest end does. The session is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    /// Frames that cannot be read.
    #[error("malformed frames")]
    Malformed,
    /// An acknowledgement of a packet that was never sent.
    #[error("acknowledges what was not sent")]
    AckOfUnsent,
    /// Parts that contradict each other, or a message over its limit.
    #[error("parts that contradict each other")]
    Contradiction,
}

impl From<Contradiction> for Violation {
    fn from(_: Contradiction) -> Self {
        Self::Contradiction
    }
}

/// What a packet that asks for an acknowledgement carried.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) parts: Vec<Part>,
    /// The highest packet that its Ack told of.
    pub(super) acked_up_to: Option<u64>,
    pub(super) window: bool,
    /// Whether any of the parts had been sent before.
    pub(super) again: bool,
    pub(super) stamp: Stamp,
}

impl Content {
    /// Whether something of it has not arrived.
    fn is_missing(&self, outgoing: &Outgoing) -> bool {
        self.window || self.parts.iter().any(|&part| !outgoing.has_arrived(part))
    }

    /// Queues again what of it is not acknowledged.
    fn repeat(&self, outgoing: &mut Outgoing, window: &mut ReceiveWindow) {
        for &part in &self.parts {
            outgoing.on_lost(part);
        }
        if self.window {
            window.repeat();
        }
    }
}

/// One end of a session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) next_number: u64,
    pub(super) received: ReceivedPackets,
    pub(super) rtt: Rtt,
    pub(super) recovery: Recovery<Content>,
    pub(super) congestion: Pilot,
    pub(super) pacer: Pacer,
    /// Set while the pacer alone holds a packet back.
    pub(super) paced_until: Option<Instant>,
    /// Probes to send whatever the window says.
    pub(super) probes_owed: usize,
    pub(super) copies: Copies,
    pub(super) controls: VecDeque<Control>,
    pub(super) outgoing: Outgoing,
    /// What the other side takes in all.
    pub(super) send_window: u64,
    pub(super) incoming: Incoming,
    pub(super) window: ReceiveWindow,
    /// The last packet with a Window; one that is never sent, if there was none.
    pub(super) window_told_in: u64,
    /// What is taken from the pools.
    pub(super) reserved_incoming: usize,
    pub(super) reserved_outgoing: usize,
    pub(super) queued: usize,
    /// When a message was last acknowledged as a whole.
    pub(super) arrived_at: Instant,
    /// The message for which room was taken before it came.
    pub(super) turn: Option<u64>,
    /// When to look whether messages wait for their rest, while anything is taken from the pool.
    pub(super) look_at: Option<Instant>,
    pub(super) heard_at: Instant,
    pub(super) active_at: Instant,
    /// When the first packet left that asked and was followed by nothing from the other side.
    pub(super) asked_at: Option<Instant>,
    /// When to look whether that makes it silent.
    pub(super) silence_at: Option<Instant>,
    pub(super) rest_at: Option<Instant>,
    pub(super) idle_at: Option<Instant>,
    pub(super) counts: Counts,
}

impl Session {
    /// A session that begins now. `handshake_rtt`: how long an unrepeated handshake packet took to be answered.
    pub(super) fn new(now: Instant, handshake_rtt: Option<Duration>) -> Self {
        Self {
            next_number: 0,
            received: ReceivedPackets::new(),
            rtt: Rtt::new(handshake_rtt),
            recovery: Recovery::new(),
            congestion: Pilot::new(now),
            pacer: Pacer::new(),
            paced_until: None,
            probes_owed: 0,
            copies: Copies::default(),
            controls: VecDeque::new(),
            outgoing: Outgoing::default(),
            send_window: WINDOW_BYTES_MIN,
            incoming: Incoming::default(),
            window: ReceiveWindow::new(),
            window_told_in: PACKETS_MAX,
            reserved_incoming: 0,
            reserved_outgoing: 0,
            queued: 0,
            arrived_at: Instant::ZERO,
            turn: None,
            look_at: None,
            heard_at: now,
            active_at: now,
            asked_at: None,
            silence_at: None,
            rest_at: None,
            idle_at: Some(now + SESSION_IDLE),
            counts: Counts::default(),
        }
    }

    /// Whether a packet number is worth unsealing: not seen, and inside the replay window.
    pub(super) fn is_fresh(&self, number: u64) -> bool {
        self.received.is_fresh(number)
    }

    /// How long until silence after a packet is taken for loss, without backoff (RFC 9002 §6.2.1).
    pub(super) fn probe_timeout(&self) -> Duration {
        self.rtt.probe_timeout()
    }

    /// When something authenticated last came.
    pub(super) const fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Whether something was asked and nothing came for `SESSION_SILENCE`, or what came answers nothing.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.next_number >= PACKETS_MAX
            || self.recovery.len() >= 2 * UNDER_WAY_MAX
            || self
                .asked_at
                .is_some_and(|asked| now.since(asked) >= SESSION_SILENCE)
    }

    /// Whether nothing went either way for `SESSION_IDLE`.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        now.since(self.active_at) >= SESSION_IDLE
    }

    /// How many bytes `send` will still take. An empty session takes one message whatever the pool says: a few
    /// stuck sessions must not silence the others. Never more than the smallest messages could use, so that
    /// whoever gives many in one turn and counts their bytes never meets the bound on their number.
    pub(super) fn room(&self, pool: &Pool) -> usize {
        let smallest = self.outgoing.messages_left() * SEND_OVERHEAD;
        self.spare(pool)
            .map_or(0, |spare| spare.min(smallest).saturating_sub(SEND_OVERHEAD))
    }

    /// What has not arrived of what was sent.
    pub(super) fn backlog(&self) -> Backlog {
        Backlog {
            oldest: self.outgoing.oldest(),
            moved_at: self.arrived_at,
        }
    }

    /// What one more message may cost, if there may be one more.
    fn spare(&self, pool: &Pool) -> Option<usize> {
        let spare = SEND_BYTES_MAX
            .saturating_sub(self.queued)
            .min(pool.sending.left());
        if self.outgoing.is_empty() {
            return Some(spare.max(MESSAGE_BYTES_MAX + SEND_OVERHEAD));
        }
        (self.outgoing.messages_left() > 0).then_some(spare)
    }

    /// What it has done so far. When it came up is the endpoint's to say.
    pub(super) fn stats(&self) -> SessionStats {
        SessionStats {
            counts: self.counts,
            opened_at: Instant::ZERO,
            heard_at: self.heard_at,
            rtt: self.rtt.smoothed(),
            rtt_min: self.rtt.min(),
            rtt_latest: self.rtt.latest(),
            path_loss: self.congestion.path_loss(),
            congestion_window: self.congestion.window(),
        }
    }

    /// Takes a message for sending.
    pub(super) fn send(&mut self, now: Instant, bytes: Vec<u8>, pool: &mut Pool) -> Result<(), SendFault> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(SendFault::TooLarge);
        }
        let cost = bytes.len() + SEND_OVERHEAD;
        if self.spare(pool).is_none_or(|spare| cost > spare) {
            return Err(SendFault::Full);
        }
        self.queued += cost;
        self.reserved_outgoing += pool.sending.take(cost);
        self.outgoing.push(now, bytes);
        Ok(())
    }

    /// Queues a frame of the endpoint's. It is sent once.
    pub(super) fn queue_control(&mut self, control: Control) {
        if self.controls.len() >= CONTROLS_MAX {
            tracing::debug!(?control, "too many control frames wait; the oldest is dropped");
            self.controls.pop_front();
        }
        self.controls.push_back(control);
    }

    /// Looks for losses, after an Ack (with the round trip that it told) or when it is time.
    pub(super) fn detect_losses(&mut self, now: Instant, sample: Option<Duration>) {
        let Self {
            recovery,
            congestion,
            outgoing,
            window,
            rtt,
            ..
        } = self;
        let losses = recovery.detect_losses(now, rtt, |packet| {
            packet.content.repeat(outgoing, window);
            packet.content.stamp = congestion.on_lost(Fate {
                bytes: u64::from(packet.size),
                stamp: packet.content.stamp,
            });
        });
        self.counts.packets_lost += losses.map_or(0, |losses| losses.count);
        let summary = Summary {
            rtt: sample,
            flight: self.recovery.in_flight(),
            persistent: losses.is_some_and(|losses| losses.persistent),
        };
        self.congestion.on_summary(now, summary);
    }

    /// Does what is due. Early calls do nothing.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.received.handle_timeout(now);
        match self.recovery.handle_timeout(now, &self.rtt) {
            Some(Due::Loss) => self.detect_losses(now, None),
            Some(Due::Probe) => {
                self.counts.probes += 1;
                self.probes_owed = PROBES;
            }
            None => {}
        }
        self.copies.handle_timeout(now);
        if self.paced_until.is_some_and(|at| at <= now) {
            self.paced_until = None;
        }
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = (self.reserved_incoming > 0).then_some(now + LOOK_INTERVAL);
        }
        if self.rest_at.is_some_and(|at| at <= now) {
            let rest_at = self.active_at + REST_AFTER.max(self.rtt.probe_timeout() * 3);
            self.rest_at = (rest_at > now).then_some(rest_at);
            if self.rest_at.is_none() {
                self.rest();
            }
        }
        self.silence_at = self.silence_at.filter(|&at| at > now);
        if self.idle_at.is_some_and(|at| at <= now) {
            let idle_at = self.active_at + SESSION_IDLE;
            self.idle_at = (idle_at > now).then_some(idle_at);
        }
    }

    /// Queues again what the `index`-th oldest packet carries of which something is missing (RFC 9002 §6.2.4).
    pub(super) fn repeat_oldest(&mut self, index: usize) {
        let Self {
            recovery,
            outgoing,
            window,
            ..
        } = self;
        let mut missing = recovery.needed().filter(|content| content.is_missing(outgoing));
        if let Some(content) = missing.nth(index).cloned() {
            content.repeat(outgoing, window);
        }
    }

    /// Queues again what was not acknowledged, oldest first, as much as a packet of `space` bytes holds. Whether there is
    /// any.
    pub(super) fn repeat_unacked(&mut self, space: usize) -> bool {
        let Self {
            recovery, outgoing, ..
        } = self;
        let mut left = space;
        for part in recovery.needed().flat_map(|content| &content.parts) {
            let len = usize::try_from(part.len).unwrap_or(usize::MAX);
            let Some(rest) = left.checked_sub(len.saturating_add(PART_OVERHEAD_MAX)) else {
                break;
            };
            if outgoing.on_lost(*part) {
                left = rest;
            }
        }
        left < space
    }

    /// Asks no more about what is under way, if all of it has arrived.
    pub(super) fn settle(&mut self) {
        if self.outgoing.is_empty() && !self.is_telling_window() {
            self.recovery.let_go();
            self.probes_owed = 0;
            self.copies.cancel();
        }
    }

    /// Whether the latest Window is under way.
    pub(super) fn is_telling_window(&self) -> bool {
        self.recovery.is_needed(self.window_told_in)
    }

    fn rest(&mut self) {
        self.window.rest();
        self.received.rest();
        self.outgoing.rest();
        self.incoming.rest();
        self.recovery.rest();
        self.controls.shrink_to_fit();
    }

    /// When `handle_timeout` has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [
            self.received.deadline(),
            self.recovery.deadline(),
            self.copies.deadline(),
            self.paced_until,
            self.look_at,
            self.silence_at,
            self.rest_at,
            self.idle_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn touch(&mut self, now: Instant) {
        self.active_at = now;
        self.rest_at = self.rest_at.or(Some(now + REST_AFTER));
        self.idle_at = self.idle_at.or(Some(now + SESSION_IDLE));
    }

    /// The other side is reached another way, with that round trip if it is known: round trip and congestion begin anew
    /// (RFC 9000 §9.4). What is under way went to where the other side is no more, and is queued again.
    pub(super) fn on_path_change(&mut self, now: Instant, round_trip: Option<Duration>) {
        self.rtt = Rtt::new(round_trip);
        self.congestion.on_path_change(now);
        self.copies.cancel();
        self.pacer = Pacer::new();
        self.paced_until = None;
        self.probes_owed = 0;
        let Self {
            recovery,
            outgoing,
            window,
            ..
        } = self;
        recovery.on_path_change(now, |content| content.repeat(outgoing, window));
    }

    /// The session is dropped: the pools get back what it holds.
    pub(super) fn release(&mut self, pool: &mut Pool) {
        pool.sending
            .give_back(std::mem::take(&mut self.reserved_outgoing));
        pool.reassembly
            .give_back(std::mem::take(&mut self.reserved_incoming));
        self.incoming = Incoming::default();
        self.outgoing = Outgoing::default();
        self.queued = 0;
        self.turn = None;
    }

    /// Bytes on the heap, at least.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.received.heap_bytes()
            + self.recovery.heap_bytes()
            + self.outgoing.heap_bytes()
            + self.incoming.heap_bytes()
            + self.controls.capacity() * size_of::<Control>()
    }
}

/// What frames of so many bytes weigh on the wire.
pub(super) fn wire_bytes(plain: usize) -> u64 {
    u64::try_from(plain + PACKET_OVERHEAD).unwrap_or(u64::MAX)
}
