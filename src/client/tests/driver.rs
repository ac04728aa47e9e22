//! A client with a store, a clock and paper sessions; and the other side's words.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::client::interface::{Command, Event, Incoming, Road};
use crate::client::storage::Request;
use crate::client::{Client, Config};
use crate::clock::{Instant, Now, WallTime};
use crate::engine::{Action, Context, Role, SocketReply, SocketRequest, Store, StoreFault, Ticket};
use crate::id::{EnvelopeHash, Epoch, MessageId, Name, Sequence, Slot};
use crate::identity::{Card, Identity, Role as KeyRole};
use crate::store::client::ClientStore;
use crate::transport::{Attempt, CloseCause, Connect, ConnectFault, Path, SessionEvent, SessionId, Sessions};
use crate::wire::codec::{self, Bounded};
use crate::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use crate::wire::frame::CloseCode;
use crate::wire::message::{
    Addresses, Change, Deposit, End, Forward, FromRegistry, Outcome, Page, Presence, Record, Register,
    Registered, ToPeer, ToRegistry, Version,
};
use crate::wire::packet::Service;

pub(super) const REGISTRY: SessionId = SessionId(1);
pub(super) const STORE_ID: [u8; 16] = [9; 16];

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The identity of a person: his name decides.
pub(super) fn person(text: &str) -> Identity {
    let mut seed = [0; 32];
    seed[..text.len()].copy_from_slice(text.as_bytes());
    Identity::from_seed(&seed, KeyRole::Client)
}

pub(super) fn registry() -> Identity {
    Identity::from_seed(&[77; 32], KeyRole::Registry)
}

pub(super) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sessions as the client sees them.
#[derive(Default)]
pub(super) struct Paper {
    pub(super) paths: BTreeMap<SessionId, Path>,
    pub(super) room: Option<usize>,
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
    pub(super) client: Client,
    pub(super) store: ClientStore,
    pub(super) paper: Paper,
    pub(super) now: Now,
    pub(super) disk: Disk,
    pub(super) piled: Vec<(Ticket, Request)>,
    pub(super) asked: Vec<Request>,
    pub(super) events: Vec<Event>,
    pub(super) sent: Vec<(SessionId, Vec<u8>)>,
    pub(super) connects: Vec<Connect>,
    pub(super) closes: Vec<(SessionId, CloseCode)>,
    pub(super) abandoned: Vec<Attempt>,
    pub(super) sockets: Vec<SocketRequest>,
    sessions: u64,
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
            client: client(config, &store, now),
            store,
            paper: Paper::default(),
            now,
            disk: Disk::Commits,
            piled: Vec::new(),
            asked: Vec::new(),
            events: Vec::new(),
            sent: Vec::new(),
            connects: Vec::new(),
            closes: Vec::new(),
            abandoned: Vec::new(),
            sockets: Vec::new(),
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
        driver.hear(FromRegistry::Replayed);
        driver.clear();
        driver
    }

    /// Port, session, registration.
    pub(super) fn come_up(&mut self) {
        self.open_port();
        self.registry_opens();
        self.registry_registers();
    }

    pub(super) fn open_port(&mut self) {
        self.socket(SocketReply::Opened {
            local: Some(address(40)),
        });
    }

    /// The registry's session comes up for the client's latest try.
    pub(super) fn registry_opens(&mut self) {
        let attempt = self.registry_connect().attempt;
        self.open(
            REGISTRY,
            Some(attempt),
            Service::Registry,
            *registry().card(),
            address(1),
        );
    }

    pub(super) fn registry_connect(&self) -> Connect {
        *self
            .connects
            .iter()
            .rev()
            .find(|connect| connect.service == Service::Registry)
            .expect("a try to reach the registry")
    }

    pub(super) fn registry_registers(&mut self) {
        let register = self.last_register();
        self.hear(FromRegistry::Registered(Registered {
            counter: register.counter,
            returning: register.counter > 1,
            store_id: STORE_ID,
            observed: address(40),
            lease_ms: 60_000,
            pushed: true,
        }));
    }

    pub(super) fn last_register(&self) -> Register {
        self.to_registry()
            .into_iter()
            .rev()
            .find_map(|message| match message {
                ToRegistry::Register(register) => Some(register),
                _ => None,
            })
            .expect("a Register")
    }

    /// The whole directory.
    pub(super) fn directory(&mut self, people: &[Record]) {
        let changes = people.iter().cloned().map(Change::Record).collect();
        self.hear(FromRegistry::Directory(Page {
            from: None,
            to: Version { run: 5, counter: 1 },
            index: 0,
            last: true,
            changes: Bounded::truncated(changes),
        }));
    }

    /// One change of it.
    pub(super) fn delta(&mut self, counter: u64, change: Change) {
        self.hear(FromRegistry::Directory(Page {
            from: Some(Version {
                run: 5,
                counter: counter - 1,
            }),
            to: Version { run: 5, counter },
            index: 0,
            last: true,
            changes: Bounded::truncated(vec![change]),
        }));
    }

    // What goes in.

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
            text: text.to_owned(),
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

    /// A person opens a session with the client.
    pub(super) fn peer_opens(&mut self, who: &str) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.open(session, None, Service::Peer, *person(who).card(), address(50));
        session
    }

    /// The client's latest try to reach a peer succeeds.
    pub(super) fn peer_answers(&mut self, who: &str) -> SessionId {
        let connect = *self
            .connects
            .iter()
            .rev()
            .find(|connect| connect.expect == Some(person(who).id()))
            .expect("a try to reach him");
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let card = *person(who).card();
        self.open(
            session,
            Some(connect.attempt),
            Service::Peer,
            card,
            connect.address,
        );
        session
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

    /// The registry's session breaks and its next attempts are in vain.
    pub(super) fn lose_registry(&mut self) {
        self.pass(ms(6_000));
        self.close(REGISTRY, CloseCause::Silent);
        let attempt = self.registry_connect().attempt;
        self.fail(attempt, ConnectFault::Silent);
    }

    fn message(&mut self, session: SessionId, bytes: Vec<u8>) {
        if let Some(path) = self.paper.paths.get_mut(&session) {
            path.heard_at = self.now.at;
        }
        self.session(SessionEvent::Message { session, bytes });
    }

    #[expect(clippy::needless_pass_by_value, reason = "made where it is said")]
    pub(super) fn hear(&mut self, message: FromRegistry) {
        self.message(REGISTRY, codec::encode(&message));
    }

    pub(super) fn hear_from(&mut self, session: SessionId, message: &ToPeer) {
        self.message(session, codec::encode(message));
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

    fn take(&mut self, action: Action<Request, Event>) {
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
            Action::Event(event) => self.events.push(event),
            Action::Socket(request) => self.sockets.push(request),
        }
    }

    /// The disk works again.
    pub(super) fn commit(&mut self) {
        self.disk = Disk::Commits;
        self.settle();
    }

    /// Killed and started again: only what was committed is left.
    pub(super) fn restart(&mut self) {
        self.paper.paths.clear();
        self.piled.clear();
        self.disk = Disk::Commits;
        self.clear();
        self.set_time(self.now.at + ms(7));
        self.client = client(Self::config(), &self.store, self.now);
        self.settle();
        self.pass(ms(0));
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.sent.clear();
        self.connects.clear();
        self.closes.clear();
        self.abandoned.clear();
        self.sockets.clear();
        self.asked.clear();
    }

    // What came out.

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The texts shown, in order, and marks them as shown.
    pub(super) fn read(&mut self) -> Vec<(Road, String)> {
        let shown: Vec<Incoming> = self
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Incoming(incoming) => Some(incoming),
                _ => None,
            })
            .collect();
        for incoming in &shown {
            self.command(Command::Shown { id: incoming.id });
        }
        shown
            .into_iter()
            .map(|incoming| (incoming.road, incoming.text))
            .collect()
    }

    pub(super) fn to_registry(&self) -> Vec<ToRegistry> {
        self.sent
            .iter()
            .filter(|(session, _)| *session == REGISTRY)
            .map(|(_, bytes)| codec::decode(bytes).unwrap())
            .collect()
    }

    pub(super) fn to_peer(&self, session: SessionId) -> Vec<ToPeer> {
        self.sent
            .iter()
            .filter(|(to, _)| *to == session)
            .map(|(_, bytes)| codec::decode(bytes).unwrap())
            .collect()
    }

    pub(super) fn deposits(&self) -> Vec<Deposit> {
        self.to_registry()
            .into_iter()
            .filter_map(|message| match message {
                ToRegistry::Deposit(deposit) => Some(deposit),
                _ => None,
            })
            .collect()
    }

    pub(super) fn deliveries(&self, session: SessionId) -> Vec<Forward> {
        self.to_peer(session)
            .into_iter()
            .filter_map(|message| match message {
                ToPeer::Deliver(forward) => Some(forward),
                _ => None,
            })
            .collect()
    }

    /// The states in the outbox, in the order accepted (0 waiting … 4 expired).
    pub(super) fn states(&self) -> Vec<i64> {
        let mut statement = self
            .store
            .connection()
            .prepare("SELECT state FROM outbox ORDER BY message")
            .unwrap();
        let states = statement.query_map([], |row| row.get(0)).unwrap();
        states.map(Result::unwrap).collect()
    }

    /// The texts in the inbox, in the order committed.
    pub(super) fn inbox(&self) -> Vec<String> {
        let mut statement = self
            .store
            .connection()
            .prepare("SELECT text FROM inbox ORDER BY arrival")
            .unwrap();
        let texts = statement.query_map([], |row| row.get(0)).unwrap();
        texts.map(Result::unwrap).collect()
    }

    // The other side's words.

    pub(super) fn answer_deposit(&mut self, deposit: &Deposit) {
        let envelope = &deposit.forward.envelope;
        let slot = Envelope::parse(envelope).unwrap().slot;
        let hash = EnvelopeHash::of(envelope);
        self.hear(FromRegistry::Deposited { slot, hash });
    }

    /// The registry tells that the recipient has answered.
    pub(super) fn outcome(&mut self, who: &str, deposit: &Deposit, verdict: Verdict) {
        let receipt = receipt(who, &deposit.forward, verdict);
        self.hear(FromRegistry::Outcome(Outcome {
            slot: receipt.id.slot,
            hash: receipt.hash,
            end: End::Answered(receipt),
        }));
    }

    pub(super) fn answer_delivery(&mut self, who: &str, session: SessionId, forward: &Forward) {
        let receipt = receipt(who, forward, Verdict::Received);
        self.hear_from(session, &ToPeer::Receipt(receipt));
    }
}

/// What a recipient says of a message to him.
pub(super) fn receipt(who: &str, forward: &Forward, verdict: Verdict) -> Receipt {
    let envelope = Envelope::parse(&forward.envelope).unwrap();
    let me = person(who);
    let key = me.pair_key(&person("alice").card().key).unwrap();
    assert!(Envelope::verify(&forward.envelope, &key), "not sealed for {who}");
    let about = (envelope.id(), EnvelopeHash::of(&forward.envelope));
    Receipt::seal(about, verdict, WallTime::from_unix_ms(5), me.id(), &key)
}

/// A message to alice.
pub(super) fn message_from(who: &str, epoch: u64, sequence: u64, floor: u64, text: &str) -> Forward {
    let sender = person(who);
    let envelope = Envelope {
        sender: Party {
            name: name(who),
            id: sender.id(),
        },
        recipient: Recipient::Peer(Party {
            name: name("alice"),
            id: person("alice").id(),
        }),
        slot: slot(epoch, sequence),
        sent_at: WallTime::from_unix_ms(777),
        body: Body::Plain(text.to_owned()),
    };
    let key = sender.pair_key(&person("alice").card().key).unwrap();
    Forward {
        floor: Sequence(floor),
        envelope: envelope.seal(&key),
    }
}

pub(super) const fn slot(epoch: u64, sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(epoch),
        sequence: Sequence(sequence),
    }
}

pub(super) fn id_of(forward: &Forward) -> MessageId {
    Envelope::parse(&forward.envelope).unwrap().id()
}

pub(super) fn text_of(forward: &Forward) -> String {
    let Body::Plain(text) = Envelope::parse(&forward.envelope).unwrap().body;
    text
}

pub(super) fn online(who: &str) -> Record {
    Record {
        name: name(who),
        card: *person(who).card(),
        presence: here(),
    }
}

pub(super) fn here() -> Presence {
    Presence {
        online: Some(Addresses {
            observed: address(60),
            private: Bounded::truncated(Vec::new()),
        }),
        since: WallTime::from_unix_ms(1),
    }
}

pub(super) fn gone() -> Presence {
    Presence {
        online: None,
        since: WallTime::from_unix_ms(2),
    }
}

pub(super) fn offline(who: &str) -> Record {
    Record {
        presence: gone(),
        ..online(who)
    }
}
