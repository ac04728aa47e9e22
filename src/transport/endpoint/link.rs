//! One session as the endpoint holds it: its keys, both indexes, the path, and the handshake's last message
//! until it is known to have arrived (PROTOCOL §7.1, §7.8).
//!
//! What is in the packets is the session's business; which datagram goes where and when is decided here.
//! Invariant: nothing is sent but to the proven address, challenges and answers to challenges apart; every
//! packet number is sealed once.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::noise::{FINISH_OVERHEAD_BYTES, Initiator};
use super::path::{Candidate, MOVE_INTERVAL};
use super::seal::Keys;
use super::waiting;
use crate::clock::Instant;
use crate::identity::Card;
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::transport::session::{Control, Session};
use crate::transport::{Path, Route, Transmit};
use crate::wire::frame::CloseCode;
use crate::wire::handshake::HELLO_BYTES_MAX;
use crate::wire::packet::{
    DATA_HEADER_BYTES, FINISH_HEADER_BYTES, Packet, RESET_TOKEN_BYTES, SEAL_BYTES, Service,
};

/// Frames in a Data packet.
const DATA_SPACE: usize = DATAGRAM_BYTES_MAX - DATA_HEADER_BYTES - SEAL_BYTES;
/// Frames in a Finish.
const FINISH_SPACE: usize =
    DATAGRAM_BYTES_MAX - FINISH_HEADER_BYTES - FINISH_OVERHEAD_BYTES - HELLO_BYTES_MAX;
/// A packet with one frame of a kind and a nonce.
const PROBE_BYTES: u64 = (DATA_HEADER_BYTES + 1 + 9 + SEAL_BYTES) as u64;
/// A Finish is not repeated more slowly than this: the other side remembers its handshake for some seconds only.
const FINISH_WAIT_MAX: Duration = Duration::from_secs(4);
/// Between two answers to repeated Finishes, at most: whoever repeats his gives up in the end.
const NUDGE_PAUSE_MAX: Duration = Duration::from_millis(500);

/// Who is at the other end, and how this session came to be.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) remote: u64,
    pub(super) card: Card,
    pub(super) reset_token: [u8; RESET_TOKEN_BYTES],
    pub(super) service: Service,
    /// Whether this side began it.
    pub(super) ours: bool,
    /// When it came up on this side.
    pub(super) opened: Instant,
}

/// How far the handshake is known to have come.
enum Stage {
    /// The Finish is to be sent, as soon as there may be something to put into it.
    Answered(Box<Initiator>),
    /// The Finish is repeated until something comes back.
    Finishing(Box<Finishing>),
    /// Both sides have the keys.
    Up(Keys),
    /// Only while one stage becomes the next. Nothing can be sealed or opened.
    Changing,
}

struct Finishing {
    keys: Keys,
    finish: Vec<u8>,
    wait: Duration,
    next_at: Instant,
}

pub(super) struct Link {
    pub(super) origin: Origin,
    pub(super) session: Session,
    stage: Stage,
    /// Where it is, proven.
    pub(super) address: SocketAddr,
    /// From which address of this machine it is reached: where it was last heard. A side that began a session lets the
    /// system decide, which knows first when the machine has moved.
    local: Option<IpAddr>,
    /// When the other side's first packet confirmed the Finish; for a session that the other side began, when
    /// it did: its Initial came.
    pub(super) confirmed: Option<Instant>,
    /// How the other side's Finish ended, to know its repetitions: until it has acknowledged something, for then it
    /// repeats the Finish no more, and only somebody else does.
    pub(super) finish_tail: Option<[u8; 16]>,
    /// The other side's highest packet number.
    highest: Option<u64>,
    candidate: Option<Box<Candidate>>,
    moved_at: Option<Instant>,
    nudged_at: Instant,
    /// Closed on this side: what may leave at this moment does, then a Close.
    pub(super) closing: Option<CloseCode>,
    /// Whether a place in the queue of events is kept for its messages.
    pub(super) listed: bool,
    /// Whether anything was taken for sending.
    pub(super) used: bool,
}

impl Link {
    /// A session whose Response has come.
    pub(super) fn answered(
        origin: Origin,
        address: SocketAddr,
        session: Session,
        initiator: Box<Initiator>,
    ) -> Self {
        Self::new(origin, address.into(), session, Stage::Answered(initiator))
    }

    /// A session whose Finish has come; the other side began it then.
    pub(super) fn finished(
        origin: Origin,
        route: Route,
        began: Instant,
        session: Session,
        (keys, finish_tail): (Keys, [u8; 16]),
    ) -> Self {
        Self {
            confirmed: Some(began),
            finish_tail: Some(finish_tail),
            ..Self::new(origin, route, session, Stage::Up(keys))
        }
    }

    fn new(origin: Origin, route: Route, session: Session, stage: Stage) -> Self {
        Self {
            address: route.from,
            local: route.local,
            nudged_at: origin.opened,
            origin,
            session,
            stage,
            confirmed: None,
            finish_tail: None,
            highest: None,
            candidate: None,
            moved_at: None,
            closing: None,
            listed: false,
            used: false,
        }
    }

    pub(super) fn path(&self) -> Path {
        Path {
            address: self.address,
            heard_at: self.session.heard_at(),
            unheard: self.listed,
            probe_timeout: self.session.probe_timeout(),
        }
    }

    /// Opens a Data packet addressed to `index`, in place.
    pub(super) fn open<'a>(&self, index: u64, number: u64, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        match &self.stage {
            Stage::Finishing(finishing) => finishing.keys.open(index, number, sealed),
            Stage::Up(keys) => keys.open(index, number, sealed),
            Stage::Answered(_) | Stage::Changing => None,
        }
    }

    /// An authenticated Data packet came: the Finish has arrived. Whether that is news.
    pub(super) fn confirm(&mut self, now: Instant) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Changing) {
            Stage::Finishing(finishing) => {
                self.stage = Stage::Up(finishing.keys);
                self.confirmed = Some(now);
                true
            }
            other => {
                self.stage = other;
                false
            }
        }
    }

    /// An authenticated packet came this way: perhaps the other side has moved.
    pub(super) fn heard_from(&mut self, now: Instant, route: Route, number: u64, bytes: u64, nonce: u64) {
        let from = route.from;
        let newest = self.highest.is_none_or(|highest| number > highest);
        if newest {
            self.highest = Some(number);
        }
        if from == self.address {
            if newest {
                self.candidate = None;
                self.local = route.local.filter(|_| !self.origin.ours);
            }
            return;
        }
        if let Some(candidate) = self.candidate.as_mut().filter(|c| c.route.from == from) {
            candidate.hear(bytes);
            if newest {
                candidate.hear_newest(now, route);
            }
            return;
        }
        let too_soon = self
            .moved_at
            .is_some_and(|moved_at| now.since(moved_at) < MOVE_INTERVAL);
        if !newest || too_soon || self.closing.is_some() {
            return;
        }
        let mut candidate = Candidate::new(now, route, nonce);
        candidate.hear(bytes);
        self.candidate = Some(Box::new(candidate));
    }

    /// The other side has answered a challenge. Whether it has moved by that.
    pub(super) fn path_answered(&mut self, now: Instant, from: SocketAddr, nonce: u64) -> bool {
        let right = |c: &mut Box<Candidate>| c.route.from == from && c.nonce == nonce;
        let Some(candidate) = self.candidate.take_if(right) else {
            return false;
        };
        self.address = from;
        self.local = candidate.route.local.filter(|_| !self.origin.ours);
        self.moved_at = Some(now);
        self.session.on_path_change(now, candidate.round_trip(now));
        true
    }

    /// Says something at once, so that the other side stops repeating its Finish, or shows whether it lives.
    pub(super) fn nudge(&mut self, now: Instant) {
        let pause = (self.session.probe_timeout() / 2).min(NUDGE_PAUSE_MAX);
        if now > self.nudged_at && now.since(self.nudged_at) < pause {
            return;
        }
        self.nudged_at = now;
        self.session.queue_control(Control::Ping);
    }

    /// Whether the Finish was repeated in vain for as long as the other side can remember its handshake.
    pub(super) fn is_unanswered(&self, now: Instant) -> bool {
        matches!(self.stage, Stage::Finishing(_)) && now.since(self.origin.opened) >= waiting::LIFETIME
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let finish = match &self.stage {
            Stage::Finishing(finishing) => Some(finishing.next_at),
            Stage::Answered(_) | Stage::Up(_) | Stage::Changing => None,
        };
        let candidate = self.candidate.as_deref().and_then(Candidate::deadline);
        [self.session.poll_timeout(), finish, candidate]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        let wait = self.session.probe_timeout();
        if let Some(candidate) = &mut self.candidate {
            candidate.look(now, PROBE_BYTES, wait);
        }
    }

    /// The next datagram: the Finish if it is due, a challenge, or what the session has.
    pub(super) fn poll_datagram(
        &mut self,
        now: Instant,
        hello: impl FnOnce() -> Vec<u8>,
    ) -> Option<Transmit> {
        if let Some(bytes) = self.poll_finish(now, hello) {
            return Some(self.to_address(bytes));
        }
        if let Some(challenge) = self.poll_challenge(now) {
            return Some(challenge);
        }
        let bytes = self.seal_next(now)?;
        Some(self.to_address(bytes))
    }

    const fn to_address(&self, bytes: Vec<u8>) -> Transmit {
        Transmit {
            to: self.address,
            from: self.local,
            bytes,
        }
    }

    fn poll_finish(&mut self, now: Instant, hello: impl FnOnce() -> Vec<u8>) -> Option<Vec<u8>> {
        if let Stage::Finishing(finishing) = &mut self.stage {
            if now < finishing.next_at {
                return None;
            }
            finishing.wait = (finishing.wait * 2).min(FINISH_WAIT_MAX);
            finishing.next_at = now + finishing.wait;
            return Some(finishing.finish.clone());
        }
        if !matches!(self.stage, Stage::Answered(_)) {
            return None;
        }
        let Stage::Answered(initiator) = std::mem::replace(&mut self.stage, Stage::Changing) else {
            return None;
        };
        let mut payload = hello();
        self.session.first_flight(now, FINISH_SPACE, &mut payload);
        let (noise, keys) = initiator.finish(&payload)?;
        let finish = Packet::Finish {
            receiver: self.origin.remote,
            noise: &noise,
        }
        .encode();
        let wait = self.session.probe_timeout().min(FINISH_WAIT_MAX);
        self.stage = Stage::Finishing(Box::new(Finishing {
            keys,
            finish: finish.clone(),
            wait,
            next_at: now + wait,
        }));
        Some(finish)
    }

    fn poll_challenge(&mut self, now: Instant) -> Option<Transmit> {
        let candidate = self.candidate.as_deref()?;
        if !candidate.may_send(now, PROBE_BYTES) {
            return None;
        }
        let (route, nonce) = (candidate.route, candidate.nonce);
        let challenge = self.probe(now, Control::PathChallenge(nonce), route)?;
        let wait = self.session.probe_timeout();
        if let Some(candidate) = &mut self.candidate {
            candidate.challenged(now, u64::try_from(challenge.bytes.len()).unwrap_or(0), wait);
        }
        Some(challenge)
    }

    /// The answer to a challenge, back the way that it came.
    pub(super) fn answer_challenge(&mut self, now: Instant, nonce: u64, back: Route) -> Option<Transmit> {
        let answer = self.probe(now, Control::PathResponse(nonce), back)?;
        if let Some(candidate) = self.candidate.as_mut().filter(|c| c.route.from == back.from) {
            candidate.charge(u64::try_from(answer.bytes.len()).unwrap_or(0));
        }
        Some(answer)
    }

    /// A packet that holds nothing but `control`, back the way that a packet came; that may not be proven.
    fn probe(&mut self, now: Instant, control: Control, back: Route) -> Option<Transmit> {
        let bytes =
            self.seal_with(|session, datagram| Some(session.control_packet(now, control, datagram)))?;
        let (to, from) = (back.from, back.local);
        Some(Transmit { to, from, bytes })
    }

    /// Whether the other side has heard nothing of this session yet.
    pub(super) const fn is_secret(&self) -> bool {
        matches!(self.stage, Stage::Answered(_))
    }

    /// The Close datagram, after which the session is no more. `None` if the other side never heard of it.
    pub(super) fn seal_close(&mut self, now: Instant, code: CloseCode) -> Option<Transmit> {
        self.session.queue_control(Control::Close(code));
        // A copy that is due would come before it, and may leave no room.
        self.session.copies.cancel();
        let bytes = self.seal_next(now)?;
        Some(self.to_address(bytes))
    }

    fn seal_next(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.seal_with(|session, datagram| session.poll_packet(now, DATA_SPACE, datagram))
    }

    /// Seals a packet where the session has written it; `write` returns its number.
    fn seal_with(
        &mut self,
        write: impl FnOnce(&mut Session, &mut Vec<u8>) -> Option<u64>,
    ) -> Option<Vec<u8>> {
        let keys = match &self.stage {
            Stage::Finishing(finishing) => &finishing.keys,
            Stage::Up(keys) => keys,
            Stage::Answered(_) | Stage::Changing => return None,
        };
        let mut datagram = Vec::with_capacity(DATAGRAM_BYTES_MAX);
        datagram.resize(DATA_HEADER_BYTES, 0);
        let number = write(&mut self.session, &mut datagram)?;
        keys.seal(self.origin.remote, number, &mut datagram)
            .then_some(datagram)
    }
}
