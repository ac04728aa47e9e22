//! A new address of the other side, before it is used (PROTOCOL §7.8; as RFC 9000 §8.2 and §9).
//!
//! Traffic stays on the old path until the challenge is answered from the new one. A packet that only an
//! attacker has sent on from elsewhere does not move a session: the next packet from the old address, being
//! newer, ends the candidate. One that was asked in vain is asked again when something newer comes from it, by the same
//! number: on a line that is full the answers to all questions may be late.
//! Invariant: a candidate is never sent more than three times what came from it.

use std::time::Duration;

use crate::clock::Instant;
use crate::transport::Route;

/// One move in this time at most, so that two paths cannot play tennis with a session.
pub(super) const MOVE_INTERVAL: Duration = Duration::from_secs(1);
/// How often one candidate is asked, until something newer comes from it.
const CHALLENGES_MAX: u32 = 3;
/// Bytes that may go to an unproven address for each that came from it (RFC 9000 §8).
const AMPLIFICATION_MAX: u64 = 3;

pub(super) struct Candidate {
    /// How it was heard.
    pub(super) route: Route,
    pub(super) nonce: u64,
    received: u64,
    sent: u64,
    /// Challenges since it was heard of, or asked anew.
    challenges: u32,
    /// Whether it was asked in vain, and nothing newer has come from it since …
    in_vain: bool,
    /// … or had been, and is asked anew.
    anew: bool,
    asked_at: Instant,
    next_at: Instant,
}

impl Candidate {
    pub(super) const fn new(now: Instant, route: Route, nonce: u64) -> Self {
        Self {
            route,
            nonce,
            received: 0,
            sent: 0,
            challenges: 0,
            in_vain: false,
            anew: false,
            asked_at: now,
            next_at: now,
        }
    }

    /// So many authenticated bytes came from it.
    pub(super) const fn hear(&mut self, bytes: u64) {
        self.received = self.received.saturating_add(bytes);
    }

    /// And they are newer than all else, and came by this route: if it was asked in vain it is asked anew.
    pub(super) const fn hear_newest(&mut self, now: Instant, route: Route) {
        self.route = route;
        if self.in_vain {
            self.in_vain = false;
            self.anew = true;
            self.challenges = 0;
            self.next_at = now;
        }
    }

    /// Whether so many may be sent to it now.
    pub(super) fn may_send(&self, now: Instant, bytes: u64) -> bool {
        now >= self.next_at
            && self.challenges < CHALLENGES_MAX
            && self.sent.saturating_add(bytes) <= self.received.saturating_mul(AMPLIFICATION_MAX)
    }

    /// So many bytes were sent to it.
    pub(super) const fn charge(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
    }

    /// A challenge of so many bytes was sent; the next waits this long.
    pub(super) fn challenged(&mut self, now: Instant, bytes: u64, wait: Duration) {
        self.charge(bytes);
        self.challenges += 1;
        self.asked_at = now;
        self.next_at = now + wait;
    }

    /// The round trip that the answer ends, if it is clear which challenge was answered, and it was read in time.
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.challenges == 1 && !self.anew && now <= self.next_at).then(|| now.since(self.asked_at))
    }

    /// Its time has come: it was asked as often as it may be and has not answered, or may be sent nothing before more comes from
    /// it. That counts as a try, or it would be due without end.
    pub(super) fn look(&mut self, now: Instant, bytes: u64, wait: Duration) {
        if self.in_vain || now < self.next_at || self.may_send(now, bytes) {
            return;
        }
        if self.challenges >= CHALLENGES_MAX {
            self.in_vain = true;
        } else {
            self.challenged(now, 0, wait);
        }
    }

    /// When it is to be looked at; `None`: it was asked in vain.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.in_vain).then_some(self.next_at)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_candidate_is_never_sent_more_than_thrice_what_it_sent() {
        let at = |s: u64| Instant::from_micros(s * 1_000_000);
        let there: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let mut candidate = Candidate::new(at(0), there.into(), 1);
        assert!(!candidate.may_send(at(0), 1));
        candidate.hear(33);
        assert!(candidate.may_send(at(0), 50));
        candidate.challenged(at(0), 50, Duration::from_secs(1));
        assert!(!candidate.may_send(at(0), 49), "not before its time");
        assert!(candidate.may_send(at(1), 49) && !candidate.may_send(at(1), 50));
    }
}
