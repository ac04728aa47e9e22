//! One program in the world: an engine, its store and its port.
//!
//! Drives the engine as the runtime would, but hands datagrams to the network and lets commits take time.
//! A crash drops everything that was not committed: the engine, and the requests that wait. A bad disk takes seconds,
//! or takes nothing and says so.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::clock::{Instant, Now};
use udpchat::engine::{Output, Role, SocketReply, SocketRequest, Store, StoreFault, Ticket};
use udpchat::node::Node;
use udpchat::transport::Transmit;

/// How long a commit takes.
const COMMIT: Duration = Duration::from_millis(2);

/// What a disk does to commits, in parts of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disk {
    /// Takes nothing: it is full.
    pub(crate) full_permille: u32,
    /// Takes up to three seconds.
    pub(crate) slow_permille: u32,
}

/// A running program.
pub(crate) struct Actor<R: Role, S> {
    node: Node<R>,
    store: S,
    address: SocketAddr,
    open: bool,
    queued: Vec<(Ticket, R::Request)>,
    commit_at: Option<Instant>,
    disk: Disk,
    rng: ChaCha12Rng,
    /// What it told its user, and when.
    pub(crate) events: Vec<(Instant, R::Event)>,
}

impl<R, S> Actor<R, S>
where
    R: Role,
    S: Store<Request = R::Request, Reply = R::Reply>,
{
    /// A program whose port is open.
    pub(crate) fn new(node: Node<R>, store: S, address: SocketAddr, seed: u64) -> Self {
        Self {
            node,
            store,
            address,
            open: true,
            queued: Vec::new(),
            commit_at: None,
            disk: Disk::default(),
            rng: ChaCha12Rng::seed_from_u64(seed),
            events: Vec::new(),
        }
    }

    /// From now on its disk is like this.
    pub(crate) const fn set_disk(&mut self, disk: Disk) {
        self.disk = disk;
    }

    /// It is seen at another address from now on.
    pub(crate) const fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// It is killed between a commit and its answer: what was asked is on disk, and nobody has heard of it.
    pub(crate) fn commit_unheard(&mut self) {
        self.store.commit(std::mem::take(&mut self.queued));
    }

    fn chance(&mut self, permille: u32) -> bool {
        permille > 0 && self.rng.next_u32() % 1_000 < permille
    }

    fn commit_time(&mut self) -> Duration {
        if self.chance(self.disk.slow_permille) {
            Duration::from_millis(u64::from(self.rng.next_u32() % 3_000))
        } else {
            COMMIT
        }
    }

    fn commit(&mut self) -> Vec<(Ticket, Result<R::Reply, StoreFault>)> {
        let queued = std::mem::take(&mut self.queued);
        if self.chance(self.disk.full_permille) {
            let tickets = queued.into_iter().map(|(ticket, _)| ticket);
            return tickets.map(|ticket| (ticket, Err(StoreFault::Full))).collect();
        }
        self.store.commit(queued)
    }

    /// It runs: the first turn of its loop.
    pub(crate) fn begin(&mut self, now: Now) -> Vec<Transmit> {
        self.node.handle_timeout(now);
        self.drain(now)
    }

    /// Its engine.
    pub(crate) fn node(&self) -> &Node<R> {
        &self.node
    }

    /// A datagram for it; dropped while its port is closed.
    pub(crate) fn datagram(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) -> Vec<Transmit> {
        if !self.open {
            return Vec::new();
        }
        self.node.handle_datagram(now, from, bytes);
        self.drain(now)
    }

    /// Its user asks for something.
    pub(crate) fn command(&mut self, now: Now, command: R::Command) -> Vec<Transmit> {
        self.node.handle_command(now, command);
        self.drain(now)
    }

    /// When it wants to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        [self.node.poll_timeout(), self.commit_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// When its endpoint, its role and its disk are due.
    pub(crate) fn deadlines(&self) -> [Option<Instant>; 3] {
        [
            self.node.endpoint().poll_timeout(),
            self.node.role().poll_timeout(),
            self.commit_at,
        ]
    }

    /// That time has come.
    pub(crate) fn turn(&mut self, now: Now) -> Vec<Transmit> {
        let mut sent = Vec::new();
        if self.commit_at.is_some_and(|at| at <= now.at) {
            self.commit_at = None;
            for (ticket, reply) in self.commit() {
                self.node.handle_store_reply(now, ticket, reply);
                sent.extend(self.drain(now));
            }
        }
        if self.node.poll_timeout().is_some_and(|at| at <= now.at) {
            self.node.handle_timeout(now);
            sent.extend(self.drain(now));
        }
        sent
    }

    /// Drains what the engine wants; at once, as the contract says.
    fn drain(&mut self, now: Now) -> Vec<Transmit> {
        let mut sent = Vec::new();
        while let Some(output) = self.node.poll_output(now) {
            match output {
                Output::Transmit(transmit) if self.open => sent.push(transmit),
                Output::Transmit(_) => {}
                Output::Store { ticket, request } => {
                    self.queued.push((ticket, request));
                    if self.commit_at.is_none() {
                        self.commit_at = Some(now.at + self.commit_time());
                    }
                }
                Output::Event(event) => self.events.push((now.at, event)),
                Output::Socket(SocketRequest::Open) => {
                    self.open = true;
                    self.node.handle_socket(
                        now,
                        SocketReply::Opened {
                            local: Some(self.address),
                        },
                    );
                }
                Output::Socket(SocketRequest::Close) => self.open = false,
            }
        }
        sent
    }
}
