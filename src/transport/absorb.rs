//! Takes a session's packets apart: what each frame does, and what is held of it (PROTOCOL §7).
//!
//! The counterpart of `assemble`. Leaves losses and deadlines to the session.
//! Invariants: a packet is acknowledged only if every part in it is held; what is held beyond a session's free
//! share is charged to the pool, but for the lowest message, which always has room.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::transport::SEND_OVERHEAD;
use crate::transport::congestion::{Acked, Controller};
use crate::transport::flow::Pool;
use crate::transport::incoming::{Piece, Taken};
use crate::transport::session::{Received, Session, Violation, wire_bytes};
use crate::wire::frame::{Ack, Frame, frames};

/// Bytes that a session may hold for reassembly without asking the pool: with ten thousand sessions, 40 MiB.
const HELD_FREE: usize = 4 * 1024;

impl Session {
    /// Takes a whole message, which gives the other side credit for more.
    pub(in crate::transport) fn pop_message(&mut self, now: Instant, pool: &mut Pool) -> Option<Vec<u8>> {
        let bytes = self.incoming.pop()?;
        // Half of what the pool has is for windows that grow; the rest for those that have.
        let may_grow = pool.reassembly.left() > pool.reassembly.size() / 2;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.window.on_taken(now, len, self.rtt.smoothed(), may_grow);
        self.settle_incoming(pool);
        Some(bytes)
    }

    /// Takes the frames of an authenticated packet. One that was seen before changes nothing.
    pub(in crate::transport) fn handle_packet(
        &mut self,
        now: Instant,
        number: u64,
        plain: &[u8],
        pool: &mut Pool,
    ) -> Result<Received, Violation> {
        let mut received = Received::default();
        if !self.is_fresh(number) {
            return Ok(received);
        }
        self.heard_at = now;
        self.asked_at = None;
        self.touch(now);
        self.counts.packets_received += 1;
        self.counts.bytes_received += wire_bytes(plain.len());
        let mut held = true;
        for frame in frames(plain) {
            let frame = frame.map_err(|_| Violation::Malformed)?;
            received.ack_eliciting |= !matches!(frame, Frame::Ack(_) | Frame::Close { .. });
            match frame {
                Frame::Ping => {}
                Frame::Ack(ack) => self.handle_ack(now, &ack, pool)?,
                Frame::Part {
                    message,
                    offset,
                    last,
                    bytes,
                } => {
                    let piece = Piece {
                        message,
                        offset,
                        last,
                        bytes,
                    };
                    held &= self.handle_part(piece, pool)?;
                }
                Frame::Window { bytes } => self.send_window = self.send_window.max(bytes),
                Frame::PathChallenge { nonce } => received.path_challenge = Some(nonce),
                Frame::PathResponse { nonce } => received.path_response = Some(nonce),
                Frame::Close { code } => received.close = Some(code),
            }
        }
        if held {
            self.received.insert(now, number, received.ack_eliciting);
        } else {
            // As if it had not come; but the sender hears that somebody is here, and how much is wanted.
            self.received.answer_now();
            self.window.repeat();
        }
        Ok(received)
    }

    fn handle_part(&mut self, piece: Piece<'_>, pool: &mut Pool) -> Result<bool, Violation> {
        let room = if self.incoming.is_owed_room(piece.message) {
            MESSAGE_BYTES_MAX
        } else {
            let promised = usize::try_from(self.window.open()).unwrap_or(usize::MAX);
            let there = HELD_FREE + self.reserved_incoming + pool.reassembly.left();
            promised
                .saturating_sub(self.incoming.held())
                .min(there.saturating_sub(self.incoming.cost()))
        };
        let taken = self.incoming.insert(piece, room)?;
        self.settle_incoming(pool);
        Ok(taken != Taken::NoRoom)
    }

    /// Makes the pool agree with what is held.
    fn settle_incoming(&mut self, pool: &mut Pool) {
        let wanted = self.incoming.cost().saturating_sub(HELD_FREE);
        if wanted > self.reserved_incoming {
            self.reserved_incoming += pool.reassembly.take(wanted - self.reserved_incoming);
        } else {
            pool.reassembly.give_back(self.reserved_incoming - wanted);
            self.reserved_incoming = wanted;
        }
    }

    fn handle_ack(&mut self, now: Instant, ack: &Ack, pool: &mut Pool) -> Result<(), Violation> {
        if ack.largest >= self.next_number {
            return Err(Violation::AckOfUnsent);
        }
        let Self {
            recovery,
            congestion,
            outgoing,
            received,
            rtt,
            ..
        } = self;
        let app_limited = self.app_limited;
        let (mut freed, mut known) = (0, None);
        let told = recovery.on_ack(now, ack.ranges(), rtt, |content, flight| {
            known = known.max(content.acked_up_to);
            for &part in &content.parts {
                freed += outgoing.on_acked(part).map_or(0, |len| len + SEND_OVERHEAD);
            }
            if let Some((sent_at, size)) = flight {
                let bytes = u64::from(size);
                congestion.on_acked(
                    now,
                    Acked {
                        bytes,
                        sent_at,
                        app_limited,
                    },
                );
            }
        });
        if let Some(known) = known {
            received.forget_up_to(known);
        }
        if told.spurious > 0 {
            self.counts.spurious_losses += told.spurious;
            self.congestion.on_spurious(told.spurious);
        }
        self.free_outgoing(freed, pool);
        if let Some(sample) = told.sample {
            self.rtt
                .on_sample(sample, Duration::from_micros(u64::from(ack.delay_us)));
        }
        if told.any {
            self.probes_owed = 0;
            self.detect_losses(now);
        }
        Ok(())
    }

    fn free_outgoing(&mut self, cost: usize, pool: &mut Pool) {
        self.queued -= cost.min(self.queued);
        let surplus = self.reserved_outgoing.saturating_sub(self.queued);
        pool.sending.give_back(surplus);
        self.reserved_outgoing -= surplus;
    }
}
