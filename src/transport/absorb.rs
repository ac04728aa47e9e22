//! Takes a session's packets apart: what each frame does, and what is held of it (PROTOCOL §7).
//!
//! The counterpart of `assemble`. Leaves losses and deadlines to the session.
//! Invariants: a packet is acknowledged only if every part in it is held; what is held, and what it costs beside its
//! bytes, is charged to the pool beyond a session's free share, and never more than the pool has. The pool's last
//! quarter is for the lowest message of a session, which takes at once as much as it may come to need, or nothing: so
//! whoever has some of it can finish, and gives it back.

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::{REASSEMBLY_FREE_BYTES, REASSEMBLY_PATIENCE};
use crate::transport::SEND_OVERHEAD;
use crate::transport::congestion::{Controller, Fate};
use crate::transport::flow::Pool;
use crate::transport::incoming::{Piece, Room, Taken};
use crate::transport::recovery::Acked;
use crate::transport::session::{Received, Session, Violation, wire_bytes};
use crate::wire::frame::{Ack, Frame, frames};

impl Session {
    /// Takes a whole message, which gives the other side credit for more.
    pub(in crate::transport) fn pop_message(&mut self, now: Instant, pool: &mut Pool) -> Option<Vec<u8>> {
        let bytes = self.incoming.pop()?;
        // Half of what the pool has is for windows that grow; the rest for those that have.
        let may_grow = pool.reassembly.left() > pool.reassembly.size() / 2;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.window.on_taken(now, len, self.rtt.smoothed(), may_grow);
        self.settle_incoming(now, pool);
        Some(bytes)
    }

    /// Takes the frames of an authenticated packet. One that was seen before changes nothing, nor does one that holds
    /// anything else than frames.
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
        // All of them first: of a packet that cannot be read to its end nothing counts.
        if frames(plain).any(|frame| frame.is_err()) {
            return Err(Violation::Malformed);
        }
        self.heard_at = now;
        self.asked_at = None;
        self.silence_at = None;
        self.touch(now);
        self.counts.packets_received += 1;
        self.counts.bytes_received += wire_bytes(plain.len());
        let mut held = true;
        for frame in frames(plain).flatten() {
            received.ack_eliciting |= !matches!(frame, Frame::Ack(_) | Frame::Close { .. });
            match frame {
                Frame::Ping => {}
                Frame::Ack(ack) => {
                    self.handle_ack(now, &ack, pool)?;
                    received.acknowledges = true;
                }
                Frame::Part {
                    message,
                    offset,
                    last,
                    bytes,
                } => {
                    let piece = Piece {
                        at: now,
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
            // What it carried has to come again; how much is wanted is told once until that is known to have arrived.
            self.received.refuse(number);
            if !self.is_telling_window() {
                self.window.repeat();
            }
        }
        Ok(received)
    }

    fn handle_part(&mut self, piece: Piece<'_>, pool: &mut Pool) -> Result<bool, Violation> {
        let owed = self.incoming.is_owed_room(piece.message);
        let mut taken = self.incoming.insert(piece, self.room_for(owed, pool))?;
        if taken == Taken::NoRoom && owed && self.take_turn(pool) {
            taken = self.incoming.insert(piece, self.room_for(owed, pool))?;
        }
        self.settle_incoming(piece.at, pool);
        Ok(taken == Taken::Held)
    }

    /// How much more a piece may use; `owed`: of the message that goes before all others.
    fn room_for(&self, owed: bool, pool: &Pool) -> Room {
        let own = (REASSEMBLY_FREE_BYTES + self.reserved_incoming).saturating_sub(self.incoming.cost());
        let common = pool.reassembly.left().saturating_sub(pool.reassembly.reserve());
        let promised = usize::try_from(self.window.open()).unwrap_or(usize::MAX);
        match self.turn {
            _ if owed => Room {
                credit: usize::MAX,
                memory: own + common,
            },
            // What was taken for the lowest message is for nothing else.
            Some(_) => Room { credit: 0, memory: 0 },
            None => Room {
                credit: promised.saturating_sub(self.incoming.held()),
                memory: own + common,
            },
        }
    }

    /// Takes of the pool what the lowest message may need at most. Whether there was so much.
    fn take_turn(&mut self, pool: &mut Pool) -> bool {
        let most = self.incoming.cost() + self.incoming.lowest_may_cost();
        let wanted = most.saturating_sub(REASSEMBLY_FREE_BYTES + self.reserved_incoming);
        if self.turn.is_some() || pool.reassembly.left() < wanted {
            return false;
        }
        self.reserved_incoming += pool.reassembly.take(wanted);
        self.turn = Some(self.incoming.lowest());
        true
    }

    /// Makes the pool agree with what is held.
    fn settle_incoming(&mut self, now: Instant, pool: &mut Pool) {
        let wanted = self.incoming.cost().saturating_sub(REASSEMBLY_FREE_BYTES);
        if self.turn.is_some_and(|turn| turn < self.incoming.lowest()) {
            self.turn = None;
        }
        if wanted > self.reserved_incoming {
            self.reserved_incoming += pool.reassembly.take(wanted - self.reserved_incoming);
        } else if self.turn.is_none() {
            pool.reassembly.give_back(self.reserved_incoming - wanted);
            self.reserved_incoming = wanted;
        }
        if self.reserved_incoming > 0 {
            self.look_at = self.look_at.or(Some(now + REASSEMBLY_PATIENCE));
        }
    }

    /// Whether a message has been waiting for its rest for long, while others have no room.
    pub(in crate::transport) fn is_in_the_way(&self, now: Instant, pool: &Pool) -> bool {
        self.reserved_incoming > 0
            && pool.reassembly.is_short()
            && self
                .incoming
                .waiting_since()
                .is_some_and(|since| now.since(since) >= REASSEMBLY_PATIENCE)
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
        let (mut freed, mut known) = (0, None);
        let news = recovery.on_ack(now, ack.ranges(), rtt, |content, how| {
            known = known.max(content.acked_up_to);
            for &part in &content.parts {
                freed += outgoing.on_acked(part).map_or(0, |len| len + SEND_OVERHEAD);
            }
            let fate = |bytes| Fate {
                bytes,
                stamp: content.stamp,
            };
            match how {
                Acked::UnderWay(size) => congestion.on_acked(now, fate(u64::from(size))),
                Acked::Late => congestion.on_spurious(fate(0)),
                Acked::OldPath => {}
            }
        });
        if let Some(known) = known {
            received.forget_up_to(known);
        }
        self.counts.spurious_losses += news.spurious;
        if freed > 0 {
            self.arrived_at = now;
        }
        self.free_outgoing(freed, pool);
        let delay = Duration::from_micros(u64::from(ack.delay_us));
        let sample = news.sample.filter(|_| self.rtt.believes(delay));
        if let Some(sample) = sample {
            self.rtt.on_sample(sample, delay);
        }
        if news.any {
            self.probes_owed = 0;
            self.detect_losses(now, sample);
        }
        self.settle();
        Ok(())
    }

    fn free_outgoing(&mut self, cost: usize, pool: &mut Pool) {
        self.queued -= cost.min(self.queued);
        let surplus = self.reserved_outgoing.saturating_sub(self.queued);
        pool.sending.give_back(surplus);
        self.reserved_outgoing -= surplus;
    }
}
