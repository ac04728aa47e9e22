//! Sessions that this side has begun and that were not answered yet (PROTOCOL §7.1).
//!
//! Repeats Initials, the same bytes each time but for the cookie that a Retry asks for. What an answer leads
//! to is decided in `initiate.rs`.
//! Invariant: a try sends at most as many Initials as was asked for, and [`COOKIES_MAX`] for cookies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::noise::Initiator;
use crate::clock::Instant;
use crate::identity::Card;
use crate::transport::{Attempt, Connect};
use crate::wire::packet::{COOKIE_BYTES, NOISE_FIRST_BYTES, Packet};

/// Cookies that are answered at once. A cookie comes from somebody who has received the Initial.
const COOKIES_MAX: u32 = 3;

/// A tick below this would be a busy loop.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

pub(super) struct Try {
    pub(super) connect: Connect,
    pub(super) began: Instant,
    pub(super) initiator: Box<Initiator>,
    /// Somebody else who has answered.
    pub(super) stranger: Option<Card>,
    noise: [u8; NOISE_FIRST_BYTES],
    cookie: Option<[u8; COOKIE_BYTES]>,
    cookies: u32,
    sent: u32,
    /// Initials in all, those for cookies too.
    sent_at_all: u32,
    next_at: Instant,
    send_now: bool,
}

impl Try {
    pub(super) fn new(
        now: Instant,
        connect: Connect,
        (initiator, noise): (Initiator, [u8; NOISE_FIRST_BYTES]),
    ) -> Self {
        Self {
            connect,
            began: now,
            initiator: Box::new(initiator),
            stranger: None,
            noise,
            cookie: None,
            cookies: 0,
            sent: 1,
            sent_at_all: 0,
            next_at: now + connect.interval.max(INTERVAL_MIN),
            send_now: true,
        }
    }

    /// A Retry came. Whether an Initial with its cookie goes out at once.
    pub(super) fn take_cookie(&mut self, cookie: [u8; COOKIE_BYTES]) -> bool {
        if self.cookie == Some(cookie) {
            return false;
        }
        self.cookie = Some(cookie);
        self.cookies += 1;
        self.send_now |= self.cookies <= COOKIES_MAX;
        self.send_now
    }

    /// The interval has passed. `false`: that was the last.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if now < self.next_at {
            return true;
        }
        if self.sent >= self.connect.initials {
            return false;
        }
        self.sent += 1;
        self.next_at = now + self.connect.interval.max(INTERVAL_MIN);
        self.send_now = true;
        true
    }

    pub(super) const fn deadline(&self) -> Instant {
        self.next_at
    }

    /// The Initial, if one is to be sent.
    pub(super) fn poll_datagram(&mut self, index: u64) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.send_now) {
            return None;
        }
        self.sent_at_all += 1;
        let initial = Packet::Initial {
            source: index,
            cookie: self.cookie,
            noise: self.noise,
        };
        Some(initial.encode())
    }

    /// The round trip that ends now, if it is clear which Initial was answered, and this side did not stand still.
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.sent_at_all == 1 && now <= self.next_at).then(|| now.since(self.began))
    }
}

/// All tries.
#[derive(Default)]
pub(super) struct Tries {
    by_index: BTreeMap<u64, Try>,
    by_attempt: BTreeMap<Attempt, u64>,
}

impl Tries {
    pub(super) fn len(&self) -> usize {
        self.by_index.len()
    }

    pub(super) fn contains(&self, index: u64) -> bool {
        self.by_index.contains_key(&index)
    }

    pub(super) fn find(&mut self, index: u64) -> Option<&mut Try> {
        self.by_index.get_mut(&index)
    }

    pub(super) fn insert(&mut self, index: u64, attempt: Try) {
        self.by_attempt.insert(attempt.connect.attempt, index);
        self.by_index.insert(index, attempt);
    }

    pub(super) fn remove(&mut self, index: u64) -> Option<Try> {
        let attempt = self.by_index.remove(&index)?;
        self.by_attempt.remove(&attempt.connect.attempt);
        Some(attempt)
    }

    /// The index of a try, by the name its caller gave it.
    pub(super) fn index_of(&self, attempt: Attempt) -> Option<u64> {
        self.by_attempt.get(&attempt).copied()
    }

    /// The tries for which `wanted` holds, in a defined order.
    pub(super) fn indexes(&self, wanted: impl Fn(&Connect) -> bool) -> Vec<u64> {
        self.by_index
            .iter()
            .filter(|(_, attempt)| wanted(&attempt.connect))
            .map(|(&index, _)| index)
            .collect()
    }
}
