//! A world in a test: both engines, the transport and real SQLite on virtual time and a bad network.
//!
//! Nothing here sleeps or opens a socket. Time jumps to the next thing that is due: a datagram, a commit, a
//! deadline. Invariant: one seed gives one history.

#![allow(dead_code, reason = "each test file uses its part of the world")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a world that cannot be built fails the test"
)]

pub(crate) mod actor;
pub(crate) mod network;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actor::{Actor, Disk};
use network::{Faults, Network};
use udpchat::client::interface::{Command, Event};
use udpchat::client::{Client, Config as ClientConfig};
use udpchat::clock::{Instant, Now, WallTime};
use udpchat::identity::{Identity, Role};
use udpchat::node::Node;
use udpchat::registry::{Config as RegistryConfig, Registry};
use udpchat::store::client::ClientStore;
use udpchat::store::registry::RegistryStore;
use udpchat::transport::{Endpoint, Transmit};
use udpchat::wire::packet::Service;

/// A datagram on its way.
struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// A person: his folder outlives his program.
struct Person {
    number: u8,
    address: SocketAddr,
    program: Option<Actor<Client, ClientStore>>,
    /// What earlier runs of his program told him.
    past: Vec<(Instant, Event)>,
    /// How many events of this run have been looked at.
    seen: usize,
}

/// The world.
pub(crate) struct World {
    now: Now,
    seeds: u64,
    folder: tempfile::TempDir,
    /// What carries the datagrams.
    pub(crate) network: Network,
    flights: BTreeMap<(Instant, u64), Flight>,
    flown: u64,
    /// How much has happened at this moment.
    steps: u32,
    registry: Option<Actor<Registry, RegistryStore>>,
    /// The limits of the registry when it starts.
    pub(crate) registry_config: RegistryConfig,
    /// How long messages of clients that start may take.
    pub(crate) time_to_live: Duration,
    /// The disks of programs that start.
    pub(crate) disk: Disk,
    people: BTreeMap<&'static str, Person>,
}

/// More cannot happen at one moment, unless something turns for nothing.
const STEPS_MAX: u32 = 20_000;

const START: Now = Now {
    at: Instant::from_micros(1_000_000),
    wall: WallTime::from_unix_ms(1_800_000_000_000),
};

impl World {
    /// An empty world.
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            now: START,
            seeds: seed,
            folder: tempfile::tempdir().expect("a temporary folder"),
            network: Network::new(seed, faults),
            flights: BTreeMap::new(),
            flown: 0,
            steps: 0,
            registry: None,
            registry_config: RegistryConfig::default(),
            time_to_live: udpchat::limits::TIME_TO_LIVE,
            disk: Disk::default(),
            people: BTreeMap::new(),
        }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Now {
        self.now
    }

    /// Where the registry is.
    pub(crate) fn registry_address() -> SocketAddr {
        ([10, 0, 0, 1], 12345).into()
    }

    fn database(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.db"))
    }

    fn seed(&mut self) -> [u8; 32] {
        self.seeds = self.seeds.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seeds.to_le_bytes());
        seed
    }

    /// The registry starts, on the database that it had.
    pub(crate) fn start_registry(&mut self) {
        let identity = Arc::new(Identity::from_seed(&[200; 32], Role::Registry));
        let (store, image) =
            RegistryStore::open(&self.database("registry"), [7; 16]).expect("the registry's database");
        let seed = self.seed();
        let role = Registry::new(self.registry_config.clone(), image, self.now, seed);
        let node = Node::new(Endpoint::new(identity, Service::Registry, self.seed()), role);
        let mut program = Actor::new(node, store, Self::registry_address(), self.seeds);
        program.set_disk(self.disk);
        let sent = program.begin(self.now);
        self.registry = Some(program);
        self.fly(Self::registry_address(), sent);
    }

    /// The registry is killed.
    pub(crate) fn kill_registry(&mut self) {
        self.registry = None;
    }

    /// The registry is killed between a commit and its answer.
    pub(crate) fn kill_registry_unheard(&mut self) {
        if let Some(mut program) = self.registry.take() {
            program.commit_unheard();
        }
    }

    /// All disks are like this from now on.
    pub(crate) fn set_disks(&mut self, disk: Disk) {
        self.disk = disk;
        for program in self
            .people
            .values_mut()
            .filter_map(|person| person.program.as_mut())
        {
            program.set_disk(disk);
        }
        if let Some(program) = &mut self.registry {
            program.set_disk(disk);
        }
    }

    /// Where somebody is now.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.people[name].address
    }

    /// Somebody's router gives him another address; what is under way to the old one is lost.
    pub(crate) fn move_to(&mut self, name: &str, address: SocketAddr) {
        let person = self.people.get_mut(name).expect("a known person");
        person.address = address;
        if let Some(program) = &mut person.program {
            program.move_to(address);
        }
    }

    /// How many datagrams there have been: what must not grow for nothing.
    pub(crate) fn flown(&self) -> u64 {
        self.flown
    }

    /// A client starts, on the database that it had.
    pub(crate) fn start(&mut self, name: &'static str) {
        let number = u8::try_from(self.people.len() + 1).expect("few people");
        let person = self.people.entry(name).or_insert_with(|| Person {
            number,
            address: ([10, 0, 1, number], 1232).into(),
            program: None,
            past: Vec::new(),
            seen: 0,
        });
        let (number, address) = (person.number, person.address);
        let identity = Arc::new(Identity::from_seed(&[number; 32], Role::Client));
        let (store, image) = ClientStore::open(&self.database(name)).expect("the client's database");
        let mut config = ClientConfig::new(name.parse().expect("a name"), Self::registry_address());
        config.time_to_live = self.time_to_live;
        let seed = self.seed();
        let role = Client::new(config, Arc::clone(&identity), image, self.now, seed);
        let endpoint = Endpoint::new(identity, Service::Peer, self.seed());
        let mut program = Actor::new(Node::new(endpoint, role), store, address, self.seeds);
        program.set_disk(self.disk);
        let sent = program.begin(self.now);
        let person = self.people.get_mut(name).expect("just put there");
        person.program = Some(program);
        person.seen = 0;
        self.fly(address, sent);
    }

    /// A client is killed.
    pub(crate) fn kill(&mut self, name: &str) {
        let person = self.people.get_mut(name).expect("a known person");
        if let Some(program) = person.program.take() {
            person.past.extend(program.events);
        }
    }

    /// A client is killed between a commit and its answer.
    pub(crate) fn kill_unheard(&mut self, name: &str) {
        let person = self.people.get_mut(name).expect("a known person");
        if let Some(program) = &mut person.program {
            program.commit_unheard();
        }
        self.kill(name);
    }

    /// A person types.
    pub(crate) fn command(&mut self, name: &str, command: Command) {
        let now = self.now;
        let person = self.people.get_mut(name).expect("a known person");
        let address = person.address;
        let sent = person
            .program
            .as_mut()
            .expect("a running client")
            .command(now, command);
        self.fly(address, sent);
        self.look(name);
    }

    /// A person sends.
    pub(crate) fn send(&mut self, from: &str, to: &str, text: &str) {
        self.command(
            from,
            Command::Send {
                to: to.parse().expect("a name"),
                text: text.to_owned(),
            },
        );
    }

    /// All that a person was told, over all runs.
    pub(crate) fn events(&self, name: &str) -> Vec<Event> {
        let person = &self.people[name];
        let present = person.program.iter().flat_map(|program| &program.events);
        person
            .past
            .iter()
            .chain(present)
            .map(|(_, event)| event.clone())
            .collect()
    }

    /// Whether his program runs: it was started, not killed, and has not ended.
    pub(crate) fn runs(&self, name: &str) -> bool {
        let program = self.people.get(name).and_then(|person| person.program.as_ref());
        program.is_some_and(|program| {
            !program
                .events
                .iter()
                .any(|(_, event)| matches!(event, Event::Ended(_)))
        })
    }

    /// Messages that his program has not brought to an end.
    pub(crate) fn unfinished(&self, name: &str) -> usize {
        self.people[name]
            .program
            .as_ref()
            .map_or(0, |program| program.node().role().unfinished())
    }

    /// What stands in a database: a text each row.
    pub(crate) fn read(&self, name: &str, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.database(name)).expect("a database");
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    }

    /// The texts that were shown to a person, by sender, in order.
    pub(crate) fn shown(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let mut shown = BTreeMap::<String, Vec<String>>::new();
        for event in self.events(name) {
            if let Event::Incoming(message) = event {
                shown
                    .entry(message.from.to_string())
                    .or_default()
                    .push(message.text);
            }
        }
        shown
    }

    /// Lets things happen until `done`, or fails after `limit` of virtual time.
    pub(crate) fn until(&mut self, what: &str, limit: Duration, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now.at + limit;
        while !done(self) {
            if !self.step(end) {
                let names: Vec<&'static str> = self.people.keys().copied().collect();
                names.iter().for_each(|name| self.kill(name));
                self.kill_registry();
                let mail = "SELECT id || ' from ' || sender || ' to ' || recipient || ' ' || epoch || ' ' || sequence
                            || ' ended ' || (outcome IS NOT NULL) FROM mail ORDER BY id";
                let mail = self.read("registry", mail);
                let told = names.iter().map(|name| {
                    let sql = "SELECT name || ' ' || substr(text, 1, 8) || ' state ' || state || ' deposited ' || deposited
                               || ' ' || epoch || ' ' || sequence FROM outbox WHERE state < 2 ORDER BY message";
                    format!("{name}: left {:?}\n{:?}", self.read(name, sql), self.events(name))
                });
                let told: Vec<String> = told.collect();
                panic!("not in {limit:?}: {what}\nmail: {mail:?}\n{}", told.join("\n"));
            }
        }
    }

    /// Lets so much time pass.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now.at + span;
        while self.step(end) {}
        self.set_time(end);
    }

    /// The next thing that is due before `end`; false if there is none.
    fn step(&mut self, end: Instant) -> bool {
        let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
        let registry = self.registry.as_ref().and_then(Actor::due);
        let people = self
            .people
            .iter()
            .filter_map(|(name, person)| Some((person.program.as_ref()?.due()?, *name)));
        let person = people.min();
        let next = [flight, registry, person.map(|(at, _)| at)]
            .into_iter()
            .flatten()
            .min();
        let Some(at) = next.filter(|at| *at <= end) else {
            return false;
        };
        self.steps = if at > self.now.at { 0 } else { self.steps + 1 };
        if self.steps >= STEPS_MAX {
            let due: Vec<_> = self
                .people
                .iter()
                .map(|(name, person)| (name, person.program.as_ref().map(Actor::deadlines)))
                .collect();
            let registry = self.registry.as_ref().map(Actor::deadlines);
            panic!(
                "something turns at {at:?} without time passing: {due:?}, registry {registry:?}, a datagram {flight:?}"
            );
        }
        self.set_time(at.max(self.now.at));
        if flight == Some(at) {
            self.land();
        } else if registry == Some(at) {
            let now = self.now;
            let sent = self
                .registry
                .as_mut()
                .map(|program| program.turn(now))
                .unwrap_or_default();
            self.fly(Self::registry_address(), sent);
        } else if let Some((_, name)) = person {
            let now = self.now;
            let person = self.people.get_mut(name).expect("a known person");
            let address = person.address;
            let sent = person
                .program
                .as_mut()
                .map(|program| program.turn(now))
                .unwrap_or_default();
            self.fly(address, sent);
            self.look(name);
        }
        true
    }

    fn set_time(&mut self, at: Instant) {
        let passed = i64::try_from(at.since(START.at).as_millis()).expect("a short test");
        self.now = Now {
            at,
            wall: WallTime::from_unix_ms(START.wall.unix_ms() + passed),
        };
    }

    fn fly(&mut self, from: SocketAddr, sent: Vec<Transmit>) {
        for Transmit { to, bytes } in sent {
            assert!(
                bytes.len() <= udpchat::limits::DATAGRAM_BYTES_MAX,
                "an oversized datagram"
            );
            for delay in self.network.carry(from, to) {
                self.flown += 1;
                let mut bytes = bytes.clone();
                self.network.spoil(&mut bytes);
                self.flights
                    .insert((self.now.at + delay, self.flown), Flight { from, to, bytes });
            }
        }
    }

    fn land(&mut self) {
        let Some((_, Flight { from, to, bytes })) = self.flights.pop_first() else {
            return;
        };
        let now = self.now;
        if to == Self::registry_address() {
            let sent = self
                .registry
                .as_mut()
                .map(|program| program.datagram(now, from, &bytes));
            self.fly(to, sent.unwrap_or_default());
            return;
        }
        let owner = self.people.iter_mut().find(|(_, person)| person.address == to);
        let Some((&name, person)) = owner else { return };
        let sent = person
            .program
            .as_mut()
            .map(|program| program.datagram(now, from, &bytes));
        self.fly(to, sent.unwrap_or_default());
        self.look(name);
    }

    /// What a person does about what he was told: a shown message is shown.
    fn look(&mut self, name: &str) {
        loop {
            let person = self.people.get_mut(name).expect("a known person");
            let Some(program) = person.program.as_mut() else {
                return;
            };
            let Some((_, event)) = program.events.get(person.seen) else {
                return;
            };
            person.seen += 1;
            let Event::Incoming(message) = event else { continue };
            let command = Command::Shown { id: message.id };
            let (now, address) = (self.now, person.address);
            let sent = program.command(now, command);
            self.fly(address, sent);
        }
    }
}
