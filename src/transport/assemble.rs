//! Builds a session's packets: which frames travel together, and whether any may leave now (PROTOCOL §7).
//!
//! Acknowledgements, control frames and probes leave whenever they are due; parts only while congestion window and
//! pacer allow.
//! Invariant: a packet that asks for an acknowledgement is in the recovery's books before it leaves.

use crate::clock::Instant;
use crate::limits::SESSION_SILENCE;
use crate::transport::congestion::{Controller, FEW};
use crate::transport::session::{Content, Control, PACKETS_MAX, PROBES, Session, UNDER_WAY_MAX, wire_bytes};
use crate::wire::frame::{Frame, PART_OVERHEAD_MAX, encode_into};

/// A packet is not begun with parts for less than this.
const SPACE_MIN: usize = PART_OVERHEAD_MAX + 1;
/// A frame with one number.
const CONTROL_BYTES_MAX: usize = 1 + 9;

impl Session {
    /// Appends the frames of the next packet to `plain`, at most `space` bytes (some 1,160), and returns its number.
    /// `None`: nothing is to be sent now. To be called again until `None`.
    pub(in crate::transport) fn poll_packet(
        &mut self,
        now: Instant,
        space: usize,
        plain: &mut Vec<u8>,
    ) -> Option<u64> {
        if self.next_number >= PACKETS_MAX {
            return None;
        }
        let may_ask = self.recovery.len() < UNDER_WAY_MAX;
        let may_send_parts = may_ask && self.may_send_parts(now, space);
        let is_probe = self.probes_owed > 0;
        if is_probe {
            // The oldest packet again, then the next; where there is no next, the copy just made.
            self.repeat_oldest(PROBES - self.probes_owed);
        }
        let is_copy = !is_probe && may_ask && self.may_copy(space);
        let is_needed = self.received.is_due()
            || (may_ask && self.window.is_due())
            || !self.controls.is_empty()
            || is_probe
            || is_copy
            || may_send_parts;
        if !is_needed {
            return None;
        }
        let begin = plain.len();
        let mut content = Content::default();
        // A copy is whole before anything else finds room: a rest of it would be a packet more, with copies of its own.
        let mut asks = is_copy && self.write_parts(begin, space, plain, &mut content);
        let left = space - (plain.len() - begin);
        self.write_ack(now, left, is_probe || is_copy, plain, &mut content);
        asks |= self.write_controls(begin, space, plain);
        asks |= may_ask && self.write_window(begin, space, plain, &mut content);
        if may_send_parts || is_probe {
            asks |= self.write_parts(begin, space, plain, &mut content);
        }
        if is_probe {
            self.probes_owed -= 1;
            if !asks {
                encode_into(&Frame::Ping, plain);
                asks = true;
            }
        }
        if plain.len() == begin {
            return None;
        }
        let has_parts = !content.parts.is_empty();
        self.counts.copies += u64::from(is_copy && has_parts);
        self.counts.retransmitted += u64::from(content.again && !is_copy);
        let number = self.register(now, plain.len() - begin, true, asks.then_some(content));
        if has_parts && !is_probe {
            self.plan_copies(now, is_copy);
        }
        Some(number)
    }

    /// Appends the frames that travel inside the handshake's last packet, and returns the number that they count
    /// as. That packet is repeated as it is until the other side is heard, so it says nothing of the round trip.
    pub(in crate::transport) fn first_flight(
        &mut self,
        now: Instant,
        space: usize,
        plain: &mut Vec<u8>,
    ) -> u64 {
        let begin = plain.len();
        let mut content = Content::default();
        let asks = self.write_parts(begin, space, plain, &mut content);
        self.register(now, plain.len() - begin, false, asks.then_some(content))
    }

    /// Appends one control frame as a packet of its own, for a path that nothing else may take yet; returns its
    /// number.
    pub(in crate::transport) fn control_packet(
        &mut self,
        now: Instant,
        control: Control,
        plain: &mut Vec<u8>,
    ) -> u64 {
        let begin = plain.len();
        encode_into(&control.frame(), plain);
        // Not kept as under way: what is lost on a path that is only tried says nothing of the one in use.
        self.register(now, plain.len() - begin, false, None)
    }

    /// Whether a copy of what is not acknowledged is due, and there is any; it is queued then.
    fn may_copy(&mut self, space: usize) -> bool {
        if !self.copies.is_due() {
            return false;
        }
        let open = self.congestion.window().saturating_sub(self.recovery.in_flight());
        let may = open >= wire_bytes(space) && self.repeat_unacked(space);
        if !may {
            self.copies.cancel();
        }
        may
    }

    /// After a packet with parts: whether and when it is sent again.
    fn plan_copies(&mut self, now: Instant, is_copy: bool) {
        let round_trip = self.rtt.smoothed();
        if is_copy {
            self.copies.on_copy(now, round_trip);
        } else if self.recovery.needed().nth(FEW).is_none() && self.outgoing.waiting() == 0 {
            self.copies.arm(now, self.congestion.path_loss(), round_trip);
        } else {
            self.copies.cancel();
        }
    }

    fn may_send_parts(&mut self, now: Instant, space: usize) -> bool {
        self.paced_until = None;
        let waiting = usize::try_from(self.outgoing.waiting()).unwrap_or(usize::MAX);
        if !self.outgoing.has_part(self.send_window) {
            self.congestion.on_limited(self.recovery.in_flight());
            return false;
        }
        let open = self.congestion.window().saturating_sub(self.recovery.in_flight());
        // `waiting` counts each part's frame as it mostly is; one alone may cost the most.
        let wanted = wire_bytes(space.min(waiting.saturating_add(PART_OVERHEAD_MAX)));
        if open < wanted {
            return false;
        }
        let rate = self.congestion.pacing_rate(self.rtt.smoothed());
        let release_at = self.pacer.release_at(rate);
        if release_at > now {
            self.paced_until = Some(release_at);
            return false;
        }
        true
    }

    /// An Ack, if it has something to tell, or is to be told again, and `space` bytes are enough.
    fn write_ack(
        &mut self,
        now: Instant,
        space: usize,
        again: bool,
        plain: &mut Vec<u8>,
        content: &mut Content,
    ) {
        if (again || self.received.has_news())
            && space >= self.received.ack_bytes_max()
            && let Some(ack) = self.received.ack(now)
        {
            content.acked_up_to = Some(ack.largest);
            encode_into(&Frame::Ack(ack), plain);
        }
    }

    fn write_controls(&mut self, begin: usize, space: usize, plain: &mut Vec<u8>) -> bool {
        let mut asks = false;
        while plain.len() - begin + CONTROL_BYTES_MAX <= space
            && let Some(control) = self.controls.pop_front()
        {
            asks |= !matches!(control, Control::Close(_));
            encode_into(&control.frame(), plain);
        }
        asks
    }

    fn write_window(
        &mut self,
        begin: usize,
        space: usize,
        plain: &mut Vec<u8>,
        content: &mut Content,
    ) -> bool {
        if self.window.is_due() && plain.len() - begin + CONTROL_BYTES_MAX <= space {
            let bytes = self.window.announce();
            encode_into(&Frame::Window { bytes }, plain);
            content.window = true;
        }
        content.window
    }

    fn write_parts(
        &mut self,
        begin: usize,
        space: usize,
        plain: &mut Vec<u8>,
        content: &mut Content,
    ) -> bool {
        let end = begin + space;
        while end.saturating_sub(plain.len()) >= SPACE_MIN
            && let Some(given) = self.outgoing.next_part(end - plain.len(), self.send_window)
        {
            let frame = Frame::Part {
                message: given.part.message,
                offset: given.part.offset,
                last: given.last,
                bytes: given.bytes,
            };
            encode_into(&frame, plain);
            content.parts.push(given.part);
            content.again |= given.again;
        }
        !content.parts.is_empty()
    }

    /// Gives the packet its number and enters it in the books. `content` if it asks for an acknowledgement.
    fn register(&mut self, now: Instant, plain: usize, timed: bool, content: Option<Content>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let bytes = wire_bytes(plain);
        self.counts.packets_sent += 1;
        self.counts.bytes_sent += bytes;
        self.touch(now);
        if let Some(mut content) = content {
            if content.window {
                self.window_told_in = number;
            }
            let size = u32::try_from(bytes).unwrap_or(u32::MAX);
            if self.asked_at.is_none() {
                self.asked_at = Some(now);
                self.silence_at = Some(now + SESSION_SILENCE);
            }
            content.stamp = self.congestion.on_sent(now, bytes, self.recovery.in_flight());
            self.recovery
                .on_sent(now, number, size, timed, content, &self.rtt);
            let rate = self.congestion.pacing_rate(self.rtt.smoothed());
            self.pacer.on_sent(now, bytes, rate);
        }
        number
    }
}

impl Control {
    const fn frame(self) -> Frame<'static> {
        match self {
            Self::Ping => Frame::Ping,
            Self::PathChallenge(nonce) => Frame::PathChallenge { nonce },
            Self::PathResponse(nonce) => Frame::PathResponse { nonce },
            Self::Close(code) => Frame::Close { code },
        }
    }
}
