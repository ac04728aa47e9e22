//! What an endpoint has counted since it began: every datagram in and out, and why one was dropped.
//!
//! Counting is all that a dropped datagram does; each is also logged at debug. Counters wrap after 2^64.
//! Invariant: a datagram that was dropped is counted in exactly one [`DropCause`].

use super::Endpoint;
use crate::transport::Counts;
use crate::wire::codec::DecodeError;

/// Why a datagram had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropCause {
    /// Not a packet of this protocol, or longer than any.
    Malformed,
    /// An Initial of another protocol version.
    OtherVersion,
    /// For a session that is not known here (it may have been answered with a Reset).
    UnknownSession,
    /// For a session whose handshake is not finished yet.
    Early,
    /// For a session that has been closed not long ago.
    Closed,
    /// A packet number that was seen before or is too old to tell.
    Replayed,
    /// Did not open under the session's key, or a handshake message that does not verify.
    Forged,
    /// A handshake message from another address than the handshake's.
    OtherAddress,
    /// A Response of somebody else than whom the try is meant for.
    OtherIdentity,
    /// A Response, Retry, Finish or Reset that nothing here waits for.
    Unasked,
    /// A handshake message that was answered before; it was answered alike again, at most.
    Duplicate,
    /// An Initial that was answered with a cookie, because there are many.
    CookieAsked,
    /// A handshake that has to give way: too many are under way, in all or from its network.
    Overload,
    /// A Finish for which there is no room: too many sessions.
    Full,
    /// A Finish whose session gives way to one that was begun by the other side of the two.
    Crossed,
}

impl DropCause {
    /// How many there are.
    const COUNT: usize = 15;

    /// All, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Malformed,
        Self::OtherVersion,
        Self::UnknownSession,
        Self::Early,
        Self::Closed,
        Self::Replayed,
        Self::Forged,
        Self::OtherAddress,
        Self::OtherIdentity,
        Self::Unasked,
        Self::Duplicate,
        Self::CookieAsked,
        Self::Overload,
        Self::Full,
        Self::Crossed,
    ];
}

impl From<DecodeError> for DropCause {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::UnknownVersion(_) => Self::OtherVersion,
            _ => Self::Malformed,
        }
    }
}

/// A snapshot of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams handed in.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Datagrams handed out.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Sessions that came up.
    pub opened: u64,
    /// Sessions that have gone silent, or that the other side has closed or no longer known; but for those that gave way to
    /// one that was begun at the same time.
    pub cut_off: u64,
    /// Sessions whose other side broke the protocol.
    pub violations: u64,
    /// Handshakes answered: each cost a key agreement.
    pub handshakes_answered: u64,
    /// Handshakes calculated a second time for the true Finish, because somebody has sent a copy of it with another end:
    /// each cost a key agreement.
    pub handshakes_rebuilt: u64,
    /// Handshakes that gave way to newer ones before they were finished.
    pub handshakes_evicted: u64,
    /// Resets sent.
    pub resets_sent: u64,
    /// Answers that were not sent because too many waited for the socket.
    pub answers_dropped: u64,
    /// What the sessions have done that are no more.
    pub(super) ended: Counts,
    dropped: [u64; DropCause::COUNT],
}

impl Stats {
    /// How many datagrams were dropped for this cause.
    pub fn dropped(&self, cause: DropCause) -> u64 {
        self.dropped.get(cause as usize).copied().unwrap_or(0)
    }

    /// How many were dropped at all.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub(super) fn drop(&mut self, cause: DropCause) {
        if let Some(counter) = self.dropped.get_mut(cause as usize) {
            *counter = counter.wrapping_add(1);
        }
    }
}

impl Endpoint {
    /// What all sessions have done, those included that are no more. Looks at each: for reports, not for every turn.
    pub fn counts(&self) -> Counts {
        let mut counts = self.stats.ended;
        for link in self.peers.iter().filter_map(|(_, index)| self.links.get(index)) {
            counts.add(&link.session.stats().counts);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_counter() {
        let mut stats = Stats::default();
        for (index, cause) in DropCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
            stats.drop(cause);
            assert_eq!(stats.dropped(cause), 1);
        }
        assert_eq!(stats.dropped_total(), DropCause::ALL.len() as u64);
    }
}
