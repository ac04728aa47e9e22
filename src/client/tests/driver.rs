//! A client with a store, a clock and sessions on paper: what goes into it, and its disk.
//!
//! What the others say is in `others`, what came out is read in `transcript`.
//! Invariant: after every input the client's actions are taken, and committed unless the disk waits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::people::{address, name, person};
use crate::client::interface::{Command, Event, Notice};
use crate::client::storage::Request;
use crate::client::{Client, Config};
use crate::clock::{Instant, Now, WallTime};
use crate::engine::{Action, Context, Role, SocketReply, SocketRequest, Store, StoreFault, Ticket};
use crate::identity::Card;
use crate::store::client::ClientStore;
use crate::transport::{
    Attempt, Backlog, CloseCause, Connect, ConnectFault, Path, SessionEvent, SessionId, SessionStats,
    Sessions,
};
use crate::wire::frame::CloseCode;
use crate::wire::message::Record;
use crate::wire::packet::Service;

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sessions as the client sees them.
#[derive(Default)]
pub(super) struct Paper {
    pub(super) paths: BTreeMap<SessionId, Path>,
    pub(super) room: Option<usize>,
    pub(super) stats: BTreeMap<SessionId, SessionStats>,
}

impl Sessions for Paper {
    fn path(&self, session: SessionId) -> Option<Path> {
        self.paths.get(&session).copied()
    }

    fn room(&self, session: SessionId) -> usize {
        if self.paths.contains_key(&session) {
            self.room.unwrap_or(1 << 20)
        } else {
            0
        }
    }

    fn backlog(&self, _session: SessionId) -> Backlog {
        Backlog::default()
    }

    fn session_stats(&self, session: SessionId) -> Option<SessionStats> {
        self.stats.get(&session).copied()
    }
}

/// What the disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    Commits,
    /// Requests pile up until it commits again.
    Waits,
    Fails,
}

pub(super) struct Driver {
    /// What it is started with, and started again.
    pub(super) config: Config,
    pub(super) client: Client,
    pub(super) store: ClientStore,
    pub(super) paper: Paper,
    pub(super) now: Now,
    pub(super) disk: Disk,
    pub(super) piled: Vec<(Ticket, Request)>,
    pub(super) asked: Vec<Request>,
    pub(super) events: Vec<Event>,
    /// The same with what they are about, and what is for programs only.
    pub(super) notices: Vec<Notice>,
    pub(super) sent: Vec<(SessionId, Vec<u8>)>,
    pub(super) connects: Vec<Connect>,
    /// How many messages the registry has forwarded.
    pub(super) forwards: u64,
    pub(super) closes: Vec<(SessionId, CloseCode)>,
    pub(super) abandoned: Vec<Attempt>,
    pub(super) sockets: Vec<SocketRequest>,
    /// How many events this run has told.
    pub(super) told: u64,
    pub(super) sessions: u64,
}

fn client(config: Config, store: &ClientStore, now: Now) -> Client {
    let me = Arc::new(person("alice"));
    let seed = [u8::try_from(now.at.as_micros() % 251).unwrap(); 32];
    Client::new(config, me, store.image().unwrap(), now, seed)
}

impl Driver {
    pub(super) fn config() -> Config {
        Config::new(name("alice"), address(1))
    }

    /// A client at its start, on an empty database.
    pub(super) fn start() -> Self {
        Self::start_with(Self::config())
    }

    pub(super) fn start_with(config: Config) -> Self {
        let now = Now {
            at: Instant::from_micros(1_000_000_000),
            wall: WallTime::from_unix_ms(1_000_000),
        };
        let (store, _) = ClientStore::open_in_memory().unwrap();
        let mut driver = Self {
            client: client(config.clone(), &store, now),
            config,
            store,
            paper: Paper::default(),
            now,
            disk: Disk::Commits,
            piled: Vec::new(),
            asked: Vec::new(),
            events: Vec::new(),
            notices: Vec::new(),
            sent: Vec::new(),
            connects: Vec::new(),
            forwards: 0,
            closes: Vec::new(),
            abandoned: Vec::new(),
            sockets: Vec::new(),
            told: 0,
            sessions: 100,
        };
        driver.settle();
        driver
    }

    /// A registered client whose mailbox is drained and who has seen the directory with these people in it.
    pub(super) fn registered(people: &[Record]) -> Self {
        Self::registered_with(Self::config(), people)
    }

    pub(super) fn registered_with(config: Config, people: &[Record]) -> Self {
        let mut driver = Self::start_with(config);
        driver.come_up();
        driver.directory(people);
        driver.drained();
        driver.clear();
        driver
    }

    fn step(&mut self, input: impl FnOnce(&mut Client, &Context<'_>)) {
        let context = Context {
            now: self.now,
            sessions: &self.paper,
        };
        input(&mut self.client, &context);
        self.settle();
    }

    pub(super) fn command(&mut self, command: Command) {
        self.step(|client, cx| client.handle_command(cx, command));
    }

    pub(super) fn send(&mut self, to: &str, text: &str) {
        self.command(Command::Send {
            to: name(to),
            text: text.into(),
        });
    }

    pub(super) fn socket(&mut self, reply: SocketReply) {
        self.step(|client, cx| client.handle_socket(cx, reply));
    }

    pub(super) fn session(&mut self, event: SessionEvent) {
        self.step(|client, cx| client.handle_session(cx, event));
    }

    pub(super) fn open(
        &mut self,
        session: SessionId,
        attempt: Option<Attempt>,
        service: Service,
        peer: Card,
        address: SocketAddr,
    ) {
        let path = Path {
            address,
            heard_at: self.now.at,
            unheard: false,
            probe_timeout: ms(50),
        };
        self.paper.paths.insert(session, path);
        self.session(SessionEvent::Opened {
            session,
            attempt,
            service,
            peer,
            address,
        });
    }

    pub(super) fn fail(&mut self, attempt: Attempt, fault: ConnectFault) {
        self.session(SessionEvent::Failed { attempt, fault });
    }

    pub(super) fn close(&mut self, session: SessionId, cause: CloseCause) {
        self.paper.paths.remove(&session);
        self.session(SessionEvent::Closed { session, cause });
    }

    /// Something authenticated, but no message, comes.
    pub(super) fn sign_of_life(&mut self, session: SessionId) {
        self.paper.paths.get_mut(&session).unwrap().heard_at = self.now.at;
    }

    pub(super) fn message(&mut self, session: SessionId, bytes: Vec<u8>) {
        if let Some(path) = self.paper.paths.get_mut(&session) {
            path.heard_at = self.now.at;
        }
        self.session(SessionEvent::Message { session, bytes });
    }

    /// Time passes; every deadline on the way is kept.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now.at + span;
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            self.set_time(due.max(self.now.at));
            self.step(|client, cx| client.handle_timeout(cx));
        }
        self.set_time(end);
    }

    fn set_time(&mut self, at: Instant) {
        let passed = at.since(self.now.at);
        self.now = Now {
            at,
            wall: WallTime::from_unix_ms(
                self.now.wall.unix_ms() + i64::try_from(passed.as_millis()).unwrap(),
            ),
        };
    }

    /// Somebody sets the clock on the wall, so many hours ahead.
    pub(super) const fn set_wall(&mut self, hours: i64) {
        self.now.wall = WallTime::from_unix_ms(self.now.wall.unix_ms() + hours * 3_600_000);
    }

    /// The machine sleeps: time passes and nothing is called.
    pub(super) fn sleep(&mut self, span: Duration) {
        self.set_time(self.now.at + span);
        self.step(|client, cx| client.handle_timeout(cx));
    }

    /// Takes all actions, and commits what is asked for.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(action) = self.client.poll_action() {
                self.take(action);
            }
            if self.disk == Disk::Waits || self.piled.is_empty() {
                return;
            }
            let piled = std::mem::take(&mut self.piled);
            let replies = if self.disk == Disk::Commits {
                self.store.commit(piled)
            } else {
                piled
                    .into_iter()
                    .map(|(ticket, _)| (ticket, Err(StoreFault::Full)))
                    .collect()
            };
            for (ticket, reply) in replies {
                let context = Context {
                    now: self.now,
                    sessions: &self.paper,
                };
                self.client.handle_store_reply(&context, ticket, reply);
                while let Some(action) = self.client.poll_action() {
                    self.take(action);
                }
            }
        }
    }

    fn take(&mut self, action: Action<Request, Notice>) {
        match action {
            Action::Connect(connect) => self.connects.push(connect),
            Action::Abandon(attempt) => self.abandoned.push(attempt),
            Action::Send { session, bytes } => {
                assert!(
                    self.paper.paths.contains_key(&session),
                    "sent into a dead session"
                );
                self.sent.push((session, bytes));
            }
            Action::Close { session, code } => {
                self.paper.paths.remove(&session);
                self.closes.push((session, code));
            }
            Action::Store { ticket, request } => {
                self.asked.push(request.clone());
                self.piled.push((ticket, request));
            }
            Action::Event(notice) => {
                self.told += 1;
                // What is for programs only would stand between the lines of every story.
                if !matches!(notice.event, Event::Accepted { .. } | Event::Renumbered { .. }) {
                    self.events.push(notice.event.clone());
                }
                self.notices.push(notice);
            }
            Action::Socket(request) => self.sockets.push(request),
        }
    }

    /// The disk works again.
    pub(super) fn commit(&mut self) {
        self.disk = Disk::Commits;
        self.settle();
    }

    /// What was asked is committed, and nobody hears of it.
    pub(super) fn commit_unheard(&mut self) {
        let piled = std::mem::take(&mut self.piled);
        let replies = self.store.commit(piled);
        assert!(replies.iter().all(|(_, reply)| reply.is_ok()), "a good disk");
    }

    /// Killed and started again: only what was committed is left.
    pub(super) fn restart(&mut self) {
        self.restart_with(self.config.clone());
    }

    pub(super) fn restart_with(&mut self, config: Config) {
        self.paper.paths.clear();
        self.piled.clear();
        self.disk = Disk::Commits;
        self.clear();
        self.told = 0;
        self.set_time(self.now.at + ms(7));
        self.client = client(config, &self.store, self.now);
        self.settle();
        self.pass(ms(0));
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.notices.clear();
        self.sent.clear();
        self.connects.clear();
        self.closes.clear();
        self.abandoned.clear();
        self.sockets.clear();
        self.asked.clear();
    }
}
