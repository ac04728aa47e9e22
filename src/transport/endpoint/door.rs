//! Who is let in: Initials wait here for the work that answering costs (PROTOCOL §7.2).
//!
//! Asks for cookies when there are many, and keeps the key agreements of strangers below a share of one core,
//! so that established sessions come first. The handshakes themselves are kept in `waiting.rs`.
//! When too many wait, those of the network with most of them give way, so that one machine keeps nobody else out.
//! Invariant: at most [`QUEUE_MAX`] Initials wait, and at most [`TURN_MAX`] are answered between two inputs.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;

use super::cookie::{Claim, Cookies};
use crate::clock::Instant;
use crate::limits::{HANDSHAKES_MAX, HANDSHAKES_PER_SECOND_MAX, INITIALS_PER_SECOND_MAX};
use crate::rate::{Bucket, Rate};
use crate::subnet::Subnet;
use crate::wire::packet::COOKIE_BYTES;

/// Initials that wait: an eighth of a second of work. Who finds it full sends his again.
const QUEUE_MAX: usize = 256;
/// Answers between two inputs: about a millisecond.
const TURN_MAX: u32 = 4;

/// Initials that pass without a cookie.
const FREE: Rate = Rate::new(
    INITIALS_PER_SECOND_MAX,
    Duration::from_secs(1),
    INITIALS_PER_SECOND_MAX,
);
/// Key agreements.
const WORK: Rate = Rate::new(
    HANDSHAKES_PER_SECOND_MAX,
    Duration::from_secs(1),
    HANDSHAKES_PER_SECOND_MAX / 8,
);

/// An Initial, and the address of this machine that it came to.
type Visitor = (Claim, Option<IpAddr>);

pub(super) struct Door {
    cookies: Cookies,
    /// Initials that pass without a cookie.
    free: Bucket,
    /// Key agreements for strangers.
    work: Bucket,
    /// Those for answers to our own tries: strangers must not use them up.
    own_work: Bucket,
    queue: VecDeque<Visitor>,
    /// How many of them come from each network.
    by_network: BTreeMap<Subnet, usize>,
    turn_left: u32,
}

/// What becomes of an Initial.
pub(super) enum Knock {
    /// It waits for its answer.
    Queued,
    /// It has to come again with this.
    Cookie([u8; COOKIE_BYTES]),
    /// There is no room.
    Full,
}

impl Door {
    pub(super) fn new(rng: &mut ChaCha20Rng) -> Self {
        Self {
            cookies: Cookies::new(rng),
            free: Bucket::default(),
            work: Bucket::default(),
            own_work: Bucket::default(),
            queue: VecDeque::new(),
            by_network: BTreeMap::new(),
            turn_left: TURN_MAX,
        }
    }

    /// A new Initial; `waiting` handshakes are under way.
    pub(super) fn knock(
        &mut self,
        now: Instant,
        rng: &mut ChaCha20Rng,
        waiting: usize,
        visitor: Visitor,
        cookie: Option<&[u8; COOKIE_BYTES]>,
    ) -> Knock {
        let (claim, _) = &visitor;
        let proven = cookie.is_some_and(|cookie| self.cookies.check(now, claim, cookie));
        if !proven && (waiting >= HANDSHAKES_MAX || self.free.take(now, &FREE).is_err()) {
            return Knock::Cookie(self.cookies.mint(now, rng, claim));
        }
        let theirs = Subnet::of(claim.from.ip());
        if self.queue.len() >= QUEUE_MAX && !self.make_room(theirs) {
            return Knock::Full;
        }
        self.queue.push_back(visitor);
        *self.by_network.entry(theirs).or_default() += 1;
        Knock::Queued
    }

    /// Lets the last of the network with most of them go, unless the newcomer's own would then have as many as that.
    fn make_room(&mut self, newcomer: Subnet) -> bool {
        let own = self.by_network.get(&newcomer).copied().unwrap_or(0);
        let greediest = self.by_network.iter().max_by_key(|(_, count)| **count);
        let Some((&greediest, _)) = greediest.filter(|(_, count)| **count > own + 1) else {
            return false;
        };
        let last = self
            .queue
            .iter()
            .rposition(|(claim, _)| Subnet::of(claim.from.ip()) == greediest);
        let gone = last.and_then(|last| self.queue.remove(last));
        if let Some((claim, _)) = &gone {
            self.forget(claim);
        }
        gone.is_some()
    }

    /// An Initial does not wait any more.
    fn forget(&mut self, claim: &Claim) {
        let theirs = Subnet::of(claim.from.ip());
        let left = self.by_network.get(&theirs).map_or(0, |count| count - 1);
        if left == 0 {
            self.by_network.remove(&theirs);
        } else {
            self.by_network.insert(theirs, left);
        }
    }

    /// A new input has come: some work may be done again.
    pub(super) const fn begin_turn(&mut self) {
        self.turn_left = TURN_MAX;
    }

    /// The next Initial to be answered now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Visitor> {
        if self.queue.is_empty() || self.turn_left == 0 || self.work.take(now, &WORK).is_err() {
            return None;
        }
        self.turn_left -= 1;
        let visitor = self.queue.pop_front()?;
        self.forget(&visitor.0);
        Some(visitor)
    }

    /// Whether a key agreement for somebody whom we have asked ourselves may be made now.
    pub(super) fn may_work(&mut self, now: Instant) -> bool {
        self.own_work.take(now, &WORK).is_ok()
    }

    /// When there is work to go on with.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.queue.is_empty()).then(|| self.work.ready_at(&WORK))
    }
}
