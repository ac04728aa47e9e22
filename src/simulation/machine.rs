//! One machine of the world: a program, its disk, its port and its wall clock.
//!
//! Drives the engine exactly as the runtime does. A program can die between any two of its outputs, before a commit,
//! or after it and before its answer; a machine can sleep, and its wall clock can be wrong.
//! Invariant: what leaves a program left before it died.

use std::net::SocketAddr;

use super::disk::{Disk, Done, Durable, Mood};
use crate::clock::{Instant, Now, WallTime};
use crate::engine::{Output, Role, SocketReply, SocketRequest, Store};
use crate::node::Node;
use crate::transport::{Counts, Endpoint, Transmit};

/// How a program that is to die dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fuse {
    /// After so many outputs more.
    Outputs(u32),
    /// At its next commit: that is done, so many answers are heard, and what they led to is lost.
    Answers(u32),
}

/// What came out of a turn.
pub(super) struct Came<R: Role, S: Store> {
    /// To be carried.
    pub(super) sent: Vec<Transmit>,
    /// To be read.
    pub(super) told: Vec<R::Event>,
    /// What was committed, before anything that is in `sent` and `told` because of it.
    pub(super) done: Vec<Done<S>>,
}

impl<R: Role, S: Store> Came<R, S> {
    const fn nothing() -> Self {
        Self {
            sent: Vec::new(),
            told: Vec::new(),
            done: Vec::new(),
        }
    }
}

/// A machine.
pub(super) struct Machine<R: Role, S: Store> {
    node: Option<Node<R>>,
    pub(super) disk: Disk<S>,
    pub(super) address: SocketAddr,
    port_open: bool,
    /// Where that is, as its program was told last.
    pub(super) local: Option<SocketAddr>,
    fuse: Option<Fuse>,
    asleep_until: Option<Instant>,
    /// How far its wall clock is from the true one, in milliseconds.
    skew_ms: i64,
    /// What the sessions of programs have done that run no more.
    spent: Counts,
}

/// What a world does to a machine, whoever's program runs on it.
pub(super) trait Computer {
    /// Where it is seen.
    fn address(&self) -> SocketAddr;
    /// Whether its program runs.
    fn runs(&self) -> bool;
    /// The program dies at once.
    fn kill(&mut self);
    /// The program is to die soon.
    fn light(&mut self, fuse: Fuse);
    /// The machine sleeps: it hears and does nothing, and its clocks go on.
    fn sleep(&mut self, until: Instant);
    /// Its wall clock is so far from the true one.
    fn set_clock(&mut self, skew_ms: i64);
    /// Its disk is like this from now on.
    fn set_disk(&mut self, mood: Mood);
    /// Whether a datagram that comes now is taken.
    fn hears(&self, now: Instant) -> bool;
    /// When it has something to do.
    fn due(&self) -> Option<Instant>;
    /// What it holds now.
    fn load(&self) -> Load;
    /// What the sessions of all programs did that have run here.
    fn counts(&self) -> Counts;
}

/// What a machine holds, within bounds, and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) requests: usize,
    pub(super) sessions: usize,
    pub(super) handshakes: usize,
    /// Sessions that came up in this run.
    pub(super) opened: u64,
    /// And those that ended in it, not by their time, nor for others of the same two.
    pub(super) broken: u64,
}

impl<R, S> Computer for Machine<R, S>
where
    R: Role<Request = S::Request, Reply = S::Reply>,
    S: Durable,
    S::Request: Clone,
    S::Reply: Clone,
{
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn runs(&self) -> bool {
        self.node.is_some()
    }

    fn kill(&mut self) {
        self.die();
    }

    fn light(&mut self, fuse: Fuse) {
        if self.node.is_some() {
            self.fuse = Some(fuse);
        }
    }

    fn sleep(&mut self, until: Instant) {
        self.asleep_until = Some(until);
    }

    fn set_clock(&mut self, skew_ms: i64) {
        self.skew_ms = skew_ms;
    }

    fn set_disk(&mut self, mood: Mood) {
        self.disk.mood = mood;
    }

    fn hears(&self, now: Instant) -> bool {
        self.node.is_some() && self.port_open && self.awake(now)
    }

    fn due(&self) -> Option<Instant> {
        let node = self.node.as_ref()?;
        let due = [node.poll_timeout(), self.disk.due()]
            .into_iter()
            .flatten()
            .min()?;
        Some(self.asleep_until.map_or(due, |until| due.max(until)))
    }

    fn load(&self) -> Load {
        let endpoint = self.node.as_ref().map(Node::endpoint);
        let stats = endpoint.map(Endpoint::stats).copied().unwrap_or_default();
        Load {
            requests: self.disk.pending(),
            sessions: endpoint.map_or(0, Endpoint::sessions),
            handshakes: endpoint.map_or(0, Endpoint::handshakes),
            opened: stats.opened,
            broken: stats.cut_off + stats.violations,
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = self.spent;
        if let Some(node) = &self.node {
            counts.add(&node.endpoint().counts());
        }
        counts
    }
}

impl<R, S> Machine<R, S>
where
    R: Role<Request = S::Request, Reply = S::Reply>,
    S: Durable,
    S::Request: Clone,
    S::Reply: Clone,
{
    pub(super) fn new(disk: Disk<S>, address: SocketAddr) -> Self {
        Self {
            node: None,
            disk,
            address,
            port_open: false,
            local: None,
            fuse: None,
            asleep_until: None,
            skew_ms: 0,
            spent: Counts::default(),
        }
    }

    /// What time it is here.
    pub(super) const fn clock(&self, now: Now) -> Now {
        Now {
            at: now.at,
            wall: WallTime::from_unix_ms(now.wall.unix_ms().saturating_add(self.skew_ms)),
        }
    }

    /// The program that runs, if one does.
    pub(super) const fn node(&self) -> Option<&Node<R>> {
        self.node.as_ref()
    }

    /// Starts a program; its first turn.
    pub(super) fn start(&mut self, now: Now, node: Node<R>, port_open: bool) -> Came<R, S> {
        self.die();
        self.node = Some(node);
        self.port_open = port_open;
        self.local = None;
        self.asleep_until = None;
        self.turn(now, |node, now| node.handle_timeout(now))
    }

    fn die(&mut self) {
        if let Some(node) = self.node.take() {
            self.spent.add(&node.endpoint().counts());
        }
        self.fuse = None;
    }

    fn awake(&self, now: Instant) -> bool {
        self.asleep_until.is_none_or(|until| until <= now)
    }

    /// A datagram for it; lost if nobody listens.
    pub(super) fn datagram(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) -> Came<R, S> {
        if !self.port_open || !self.awake(now.at) {
            return Came::nothing();
        }
        self.turn(now, |node, now| node.handle_datagram(now, from, bytes))
    }

    /// Whether its user can ask for something now.
    pub(super) fn takes_commands(&self, now: Instant) -> bool {
        self.awake(now) && self.node.as_ref().is_some_and(Node::takes_commands)
    }

    /// Whether it can be told what was seen of its events.
    pub(super) fn takes_answers(&self, now: Instant) -> bool {
        self.awake(now) && self.node.as_ref().is_some_and(Node::ready)
    }

    /// Whether it can be told to end.
    pub(super) fn listens(&self, now: Instant) -> bool {
        self.awake(now) && self.node.is_some()
    }

    /// Its user asks for something; only where that may come now.
    pub(super) fn command(&mut self, now: Now, command: R::Command) -> Came<R, S> {
        self.turn(now, |node, now| node.handle_command(now, command))
    }

    /// Its time has come.
    pub(super) fn wake(&mut self, now: Now) -> Came<R, S> {
        let mut came = Came::nothing();
        if self.node.is_some() && self.disk.due().is_some_and(|at| at <= now.at) {
            self.answer(now, &mut came);
        }
        if self
            .node
            .as_ref()
            .and_then(Node::poll_timeout)
            .is_some_and(|at| at <= now.at)
        {
            self.run(now, &mut came, |node, now| node.handle_timeout(now));
        }
        came
    }

    /// A commit is done, and the program hears of it.
    fn answer(&mut self, now: Now, came: &mut Came<R, S>) {
        for (heard, done) in (0_u32..).zip(self.disk.commit(now.at)) {
            let reply = done.reply.clone();
            let ticket = done.ticket;
            came.done.push(done);
            if matches!(self.fuse, Some(Fuse::Answers(limit)) if heard >= limit) {
                self.die();
            }
            self.run(now, came, |node, now| node.handle_store_reply(now, ticket, reply));
        }
        if matches!(self.fuse, Some(Fuse::Answers(_))) {
            self.die();
        }
    }

    fn turn(&mut self, now: Now, input: impl FnOnce(&mut Node<R>, Now)) -> Came<R, S> {
        let mut came = Came::nothing();
        self.run(now, &mut came, input);
        came
    }

    /// One input, and all outputs that it leads to, unless the program dies between them.
    fn run(&mut self, now: Now, came: &mut Came<R, S>, input: impl FnOnce(&mut Node<R>, Now)) {
        let now = self.clock(now);
        let Some(node) = &mut self.node else { return };
        input(node, now);
        while let Some(node) = &mut self.node
            && let Some(output) = node.poll_output(now)
        {
            if let Some(Fuse::Outputs(left)) = &mut self.fuse {
                let Some(fewer) = left.checked_sub(1) else {
                    self.die();
                    return;
                };
                *left = fewer;
            }
            match output {
                Output::Transmit(transmit) => {
                    if self.port_open {
                        came.sent.push(transmit);
                    }
                }
                Output::Store { ticket, request } => self.disk.ask(now.at, ticket, request),
                Output::Event(event) => came.told.push(event),
                Output::Socket(SocketRequest::Close) => self.port_open = false,
                Output::Socket(SocketRequest::Open) => {
                    self.port_open = true;
                    self.local = Some(self.address);
                    let local = self.local;
                    node.handle_socket(now, SocketReply::Opened { local });
                }
            }
        }
    }
}
