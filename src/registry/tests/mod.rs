//! Tests of the registry: exact actions and exact deadlines, on the real database, in memory.
//!
//! [`World`] drives a registry as a node does, with sessions that are only entries in a table. Store requests are
//! committed at once, or when a test says so, or fail.

mod addresses;
mod chaos;
mod directory;
mod expiry;
mod house;
mod lanes;
mod logs;
mod mail;
mod people;
mod presence;
mod quota;
mod registration;
mod rooms;
mod speed;
mod store_load;
mod table;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use people::{Person, slot};
use table::{Link, Table};

use super::*;
use crate::clock::WallTime;
use crate::engine::Store;
use crate::id::{EnvelopeHash, Name, Sequence};
use crate::identity::{Identity, Role as KeyRole};
use crate::store::registry::RegistryStore;
use crate::transport::{CloseCause, Path, SEND_OVERHEAD};
use crate::wire::codec::Bounded;
use crate::wire::envelope::{Envelope, Receipt, Recipient, Verdict};
use crate::wire::message::{Change, Deposit, Forward, Page, Register, Registered, Version};

/// What the registry did.
#[derive(Clone, Debug, PartialEq)]
enum Did {
    Say(SessionId, FromRegistry),
    Close(SessionId, CloseCode),
    Event(Event),
}

const STORE_ID: [u8; 16] = [9; 16];

/// A registry and what is around it.
struct World {
    registry: Registry,
    store: RegistryStore,
    sessions: Table,
    now: Now,
    did: Vec<Did>,
    /// The places of what was forwarded; in what it did they are 0.
    places: Vec<u64>,
    /// Requests that wait for `World::commit` while `held`.
    asked: Vec<(Ticket, Request)>,
    held: bool,
    failing: bool,
    /// Nobody sees the tables.
    operator_away: bool,
    config: Config,
}

impl World {
    fn new(config: Config) -> Self {
        let (store, image) = RegistryStore::open_in_memory(STORE_ID).unwrap();
        let now = Now {
            at: Instant::from_micros(1_000_000_000),
            wall: WallTime::from_unix_ms(1_700_000_000_000),
        };
        Self {
            registry: Registry::new(config.clone(), image, now, [3; 32]),
            store,
            sessions: Table::default(),
            now,
            did: Vec::new(),
            places: Vec::new(),
            asked: Vec::new(),
            held: false,
            failing: false,
            operator_away: false,
            config,
        }
    }

    /// The process ends without a word and is started again on the same database.
    fn restart(&mut self) {
        let image = self.store.image().unwrap();
        self.registry = Registry::new(self.config.clone(), image, self.now, [4; 32]);
        self.sessions = Table::default();
        self.asked.clear();
        self.did.clear();
    }

    fn drive(&mut self, input: impl FnOnce(&mut Registry, &Context<'_>)) {
        let cx = Context {
            now: self.now,
            sessions: &self.sessions,
        };
        input(&mut self.registry, &cx);
        self.drain();
        if !self.held {
            self.commit();
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.registry.poll_action() {
            match action {
                Action::Send { session, bytes } => self.send(session, &bytes),
                Action::Close { session, code } => {
                    self.sessions.0.remove(&session);
                    self.did.push(Did::Close(session, code));
                }
                Action::Event(event) => {
                    let is_table = matches!(event, Event::Table(_));
                    self.did.push(Did::Event(event));
                    if is_table && !self.operator_away {
                        let cx = Context {
                            now: self.now,
                            sessions: &self.sessions,
                        };
                        self.registry.handle_command(&cx, Command::Shown);
                    }
                }
                Action::Store { ticket, request } => self.asked.push((ticket, request)),
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// What the endpoint does with a message: it takes what there is room for.
    fn send(&mut self, session: SessionId, bytes: &[u8]) {
        let mut message = codec::decode(bytes).unwrap();
        if let FromRegistry::Forward { place, .. } = &mut message {
            self.places.push(std::mem::take(place));
        }
        let Some(link) = self.sessions.0.get_mut(&session) else {
            return;
        };
        if bytes.len() <= link.room() {
            link.held.push_back((self.now.at, bytes.len() + SEND_OVERHEAD));
            self.did.push(Did::Say(session, message));
            return;
        }
        // Who asks will ask again; what nobody asks for has to look first.
        let unasked = matches!(
            message,
            FromRegistry::Forward { .. }
                | FromRegistry::Outcome(_)
                | FromRegistry::Directory(_)
                | FromRegistry::Replayed { .. }
                | FromRegistry::Post(_)
        );
        assert!(!unasked, "sent without room: {message:?}");
    }

    /// Answers the store requests, and those that come of the answers.
    fn commit(&mut self) {
        while !self.asked.is_empty() {
            self.commit_asked();
        }
    }

    /// Answers the store requests that were asked until now, in one commit.
    fn commit_asked(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        let replies = if self.failing {
            asked
                .into_iter()
                .map(|(ticket, _)| (ticket, Err(StoreFault::Full)))
                .collect()
        } else {
            self.store.commit(asked)
        };
        for (ticket, reply) in replies {
            let cx = Context {
                now: self.now,
                sessions: &self.sessions,
            };
            self.registry.handle_store_reply(&cx, ticket, reply);
            self.drain();
        }
    }

    /// What happened since the last call.
    fn take(&mut self) -> Vec<Did> {
        std::mem::take(&mut self.did)
    }

    /// What was said to one session since the last `take`; everything else is dropped with it.
    fn heard(&mut self, session: SessionId) -> Vec<FromRegistry> {
        self.take()
            .into_iter()
            .filter_map(|did| match did {
                Did::Say(to, message) if to == session => Some(message),
                _ => None,
            })
            .collect()
    }

    /// As `heard`, without the directory.
    fn heard_mail(&mut self, session: SessionId) -> Vec<FromRegistry> {
        let mut heard = self.heard(session);
        heard.retain(|message| !matches!(message, FromRegistry::Directory(_)));
        heard
    }

    fn open(&mut self, session: u64, person: &Person) -> SessionId {
        let session = SessionId(session);
        let path = Path {
            address: person.address,
            heard_at: self.now.at,
            unheard: false,
            probe_timeout: Duration::from_millis(100),
        };
        self.sessions.0.insert(session, Link::new(path));
        self.drive(|registry, cx| {
            registry.handle_session(
                cx,
                SessionEvent::Opened {
                    session,
                    attempt: None,
                    service: Service::Registry,
                    peer: *person.identity.card(),
                    address: person.address,
                },
            );
        });
        session
    }

    /// Opens a session and registers in it.
    fn join(&mut self, session: u64, person: &Person, counter: u64) -> SessionId {
        let session = self.open(session, person);
        self.say(session, &register(person, counter));
        session
    }

    fn say(&mut self, session: SessionId, message: &ToRegistry) {
        self.hear(session);
        self.say_bytes(session, codec::encode(message));
    }

    fn say_bytes(&mut self, session: SessionId, bytes: Vec<u8>) {
        self.drive(|registry, cx| {
            registry.handle_session(cx, SessionEvent::Message { session, bytes });
        });
    }

    /// Something authenticated comes from a session now.
    fn hear(&mut self, session: SessionId) {
        let now = self.now.at;
        if let Some(link) = self.sessions.0.get_mut(&session) {
            link.path.heard_at = now;
            if !link.slow {
                link.arrive(now, usize::MAX);
            }
        }
    }

    fn close(&mut self, session: SessionId, cause: CloseCause) {
        self.sessions.0.remove(&session);
        self.drive(|registry, cx| {
            registry.handle_session(cx, SessionEvent::Closed { session, cause });
        });
    }

    fn set_room(&mut self, session: SessionId, room: usize) {
        self.sessions.0.get_mut(&session).unwrap().size = room;
    }

    /// Time passes; no deadline is seen to.
    fn pass(&mut self, span: Duration) {
        if span > Duration::ZERO {
            self.all_arrive();
        }
        self.now.at = self.now.at + span;
        let ms = i64::try_from(span.as_millis()).unwrap();
        self.now.wall = WallTime::from_unix_ms(self.now.wall.unix_ms() + ms);
    }

    fn timeout(&mut self) {
        self.drive(|registry, cx| registry.handle_timeout(cx));
    }

    /// Goes on to the next deadline and sees to it; how far that was.
    fn next(&mut self) -> Duration {
        let at = self.registry.poll_timeout().unwrap();
        let span = at.since(self.now.at);
        self.pass(span);
        self.timeout();
        span
    }

    /// Goes on for a span, deadline by deadline, while these sessions are heard of.
    fn run(&mut self, span: Duration, alive: &[SessionId]) {
        let end = self.now.at + span;
        while let Some(at) = self.registry.poll_timeout().filter(|at| *at <= end) {
            let step = at.since(self.now.at);
            self.pass(step);
            for session in alive {
                self.hear(*session);
            }
            self.timeout();
        }
        let rest = end.since(self.now.at);
        self.pass(rest);
        for session in alive {
            self.hear(*session);
        }
    }

    /// Everybody acknowledges the directory until nobody is told more; what happened is forgotten.
    fn settle(&mut self) {
        self.settle_in(Duration::from_secs(1));
    }

    /// The same, where an acknowledgement takes so long.
    fn settle_in(&mut self, round_trip: Duration) {
        loop {
            let acks: Vec<(SessionId, Version)> = self
                .take()
                .into_iter()
                .filter_map(|did| match did {
                    Did::Say(session, FromRegistry::Directory(page)) if page.last => Some((session, page.to)),
                    _ => None,
                })
                .collect();
            if acks.is_empty() {
                return;
            }
            let mut alive = Vec::new();
            for (session, version) in acks {
                self.say(session, &ToRegistry::DirectoryAck { version });
                alive.push(session);
            }
            self.run(round_trip, &alive);
        }
    }

    fn in_(&self, ms: u64) -> Instant {
        self.now.at + Duration::from_millis(ms)
    }
}

fn register(person: &Person, counter: u64) -> ToRegistry {
    register_with(person, counter, Vec::new(), None)
}

fn register_with(
    person: &Person,
    counter: u64,
    private: Vec<SocketAddr>,
    directory: Option<Version>,
) -> ToRegistry {
    ToRegistry::Register(Register {
        name: person.name.clone(),
        counter,
        private: Bounded::truncated(private),
        directory,
    })
}

/// All was forwarded, in so many messages.
const fn replayed(forwards: u64) -> FromRegistry {
    FromRegistry::Replayed { forwards }
}

fn registered(person: &Person, counter: u64, returning: bool) -> FromRegistry {
    FromRegistry::Registered(Registered {
        counter,
        returning,
        store_id: STORE_ID,
        observed: person.address,
        lease_ms: 60_000,
        lobby: false,
    })
}

fn deposit(envelope: &[u8]) -> ToRegistry {
    deposit_for(envelope, 3_600_000)
}

fn deposit_for(envelope: &[u8], ttl_ms: u64) -> ToRegistry {
    ToRegistry::Deposit(Deposit {
        forward: forward(envelope),
        ttl_ms,
    })
}

fn forward(envelope: &[u8]) -> Forward {
    Forward {
        floor: Sequence(0),
        envelope: envelope.to_vec(),
    }
}

fn deposited(sequence: u64, envelope: &[u8]) -> FromRegistry {
    FromRegistry::Deposited {
        slot: slot(sequence),
        hash: EnvelopeHash::of(envelope),
    }
}

/// The names in a whole directory, in its order, and who is online.
fn table(heard: &[FromRegistry]) -> Vec<(String, bool)> {
    pages(heard)
        .into_iter()
        .flat_map(|page| page.changes.as_slice())
        .map(|change| match change {
            Change::Record(record) => (record.name.to_string(), record.presence.online.is_some()),
            other => panic!("not whole: {other:?}"),
        })
        .collect()
}

/// The pages among messages.
fn pages(heard: &[FromRegistry]) -> Vec<&Page> {
    heard
        .iter()
        .filter_map(|message| match message {
            FromRegistry::Directory(page) => Some(page),
            _ => None,
        })
        .collect()
}

impl Registry {
    /// Envelope bytes that are counted.
    fn quotas_total(&self) -> u64 {
        self.quotas.total.bytes
    }
}

impl timers::Timers {
    fn is_set(&self, timer: Timer) -> bool {
        self.deadlines.contains_key(&timer)
    }
}

impl Quotas {
    /// As the database would have it.
    fn usage(&self) -> Vec<storage::PairUsage> {
        self.pairs
            .iter()
            .map(|((recipient, sender), usage)| storage::PairUsage {
                recipient: *recipient,
                sender: *sender,
                usage: *usage,
            })
            .collect()
    }
}

impl Out {
    /// Requests of this run.
    const fn asked_in_all(&self) -> u64 {
        self.next
    }
}
