//! A world in a test: both engines, the transport and real SQLite on virtual time and a bad network.
//!
//! Nothing here sleeps or opens a socket. Time jumps to the next thing that is due: a datagram, a commit, a
//! deadline. Who starts, is killed or sleeps is in `programs`, what can be seen in `witness`, what was promised in
//! `contract`. Invariant: one seed gives one history.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a world that cannot be built fails the test"
)]

pub(crate) mod actor;
pub(crate) mod contract;
pub(crate) mod network;
mod programs;
pub(crate) mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actor::{Actor, Disk};
use network::{Faults, Network};
use udpchat::client::Client;
use udpchat::client::interface::Command;
use udpchat::clock::{Instant, Now, WallTime};
use udpchat::registry::{Config as RegistryConfig, Registry};
use udpchat::store::client::ClientStore;
use udpchat::store::registry::RegistryStore;
use udpchat::transport::Transmit;
use witness::{Run, Sent};

/// A datagram on its way.
struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// A person: his folder outlives his program.
struct Person {
    /// Which identity he has.
    number: u16,
    /// The name that he registers.
    called: &'static str,
    address: SocketAddr,
    program: Option<Actor<Client, ClientStore>>,
    /// What earlier runs of his program told him.
    past: Vec<Run>,
    /// What was marked as shown when this run began: who wrote it, and the text.
    marked: BTreeSet<(String, String)>,
    /// How many events of this run are on the screen.
    seen: usize,
    machine: Machine,
}

impl Person {
    /// When the next line is on the screen.
    fn line_due(&self, line_time: Duration) -> Option<Instant> {
        let (said, _) = self.program.as_ref()?.events.get(self.seen)?;
        Some(*said + line_time)
    }

    /// When something is due with him.
    fn due(&self, line_time: Duration) -> Option<Instant> {
        let program = self.program.as_ref()?.due();
        program.into_iter().chain(self.line_due(line_time)).min()
    }
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, Default)]
struct Machine {
    /// Suspended: it has no turns, and its network is down.
    asleep: bool,
    /// How far its wall clock is off, in milliseconds.
    wall_off_ms: i64,
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
    /// All that was sent, if it is to be kept.
    sent: Option<Vec<Sent>>,
    /// How much has happened at this moment.
    steps: u32,
    registry: Option<Actor<Registry, RegistryStore>>,
    registry_machine: Machine,
    /// The limits of the registry when it starts.
    pub(crate) registry_config: RegistryConfig,
    /// How long messages of clients that start may take.
    pub(crate) time_to_live: Duration,
    /// The disks of programs that start.
    pub(crate) disk: Disk,
    /// How long a line takes to the screen. Lines that are not there yet are lost with their program.
    pub(crate) line_time: Duration,
    people: BTreeMap<&'static str, Person>,
}

/// More cannot happen at one moment, unless something turns for nothing.
const STEPS_MAX: u32 = 20_000;

const START: Now = Now {
    at: Instant::from_micros(1_000_000),
    wall: WallTime::from_unix_ms(1_800_000_000_000),
};

/// What is next.
enum Turn {
    Flight,
    Registry,
    Person(&'static str),
}

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
            sent: None,
            steps: 0,
            registry: None,
            registry_machine: Machine::default(),
            registry_config: RegistryConfig::default(),
            time_to_live: udpchat::limits::TIME_TO_LIVE,
            disk: Disk::default(),
            line_time: Duration::ZERO,
            people: BTreeMap::new(),
        }
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

    /// Lets things happen until `done`, or fails after `limit` of virtual time.
    pub(crate) fn until(&mut self, what: &str, limit: Duration, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now.at + limit;
        while !done(self) {
            if !self.step(end) {
                let told = self.last_words();
                panic!("not in {limit:?}: {what}\n{told}");
            }
        }
    }

    /// Lets so much time pass.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now.at + span;
        while self.step(end) {}
        self.set_time(end);
    }

    /// What is due next, and when. Whoever sleeps is not.
    fn next(&self) -> Option<(Instant, Turn)> {
        let flight = self
            .flights
            .first_key_value()
            .map(|((at, _), _)| (*at, Turn::Flight));
        let registry = self
            .registry
            .as_ref()
            .filter(|_| !self.registry_machine.asleep)
            .and_then(|program| Some((program.due()?, Turn::Registry)));
        let people = self
            .people
            .iter()
            .filter(|(_, person)| !person.machine.asleep)
            .filter_map(|(name, person)| Some((person.due(self.line_time)?, *name)));
        let person = people.min().map(|(at, name)| (at, Turn::Person(name)));
        // At the same moment in this order.
        [flight, registry, person]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// The next thing that is due before `end`; false if there is none.
    fn step(&mut self, end: Instant) -> bool {
        let Some((at, turn)) = self.next().filter(|(at, _)| *at <= end) else {
            return false;
        };
        self.steps = if at > self.now.at { 0 } else { self.steps + 1 };
        if self.steps >= STEPS_MAX {
            let deadlines = self.deadlines();
            panic!("something turns at {at:?} without time passing: {deadlines}");
        }
        self.set_time(at.max(self.now.at));
        match turn {
            Turn::Flight => self.land(),
            Turn::Registry => {
                let now = self.time_on(self.registry_machine);
                let sent = self.registry.as_mut().map(|program| program.turn(now));
                self.fly(Self::registry_address(), sent.unwrap_or_default());
            }
            Turn::Person(name) => {
                let (now, person) = self.person(name);
                let address = person.address;
                let sent = person.program.as_mut().map(|program| program.turn(now));
                self.fly(address, sent.unwrap_or_default());
                self.look(name);
            }
        }
        true
    }

    fn set_time(&mut self, at: Instant) {
        self.now = Now {
            at,
            wall: Self::wall_at(at),
        };
    }

    /// What a right clock on the wall shows then.
    fn wall_at(at: Instant) -> WallTime {
        let passed = i64::try_from(at.since(START.at).as_millis()).expect("a short test");
        WallTime::from_unix_ms(START.wall.unix_ms() + passed)
    }

    /// What time a machine thinks it is.
    fn time_on(&self, machine: Machine) -> Now {
        Now {
            at: self.now.at,
            wall: WallTime::from_unix_ms(self.now.wall.unix_ms() + machine.wall_off_ms),
        }
    }

    /// Somebody, and what time it is where he is.
    fn person(&mut self, name: &str) -> (Now, &mut Person) {
        let machine = self.people[name].machine;
        let now = self.time_on(machine);
        (now, self.people.get_mut(name).expect("a known person"))
    }

    fn fly(&mut self, from: SocketAddr, sent: Vec<Transmit>) {
        for Transmit { to, bytes, .. } in sent {
            assert!(
                bytes.len() <= udpchat::limits::DATAGRAM_BYTES_MAX,
                "an oversized datagram"
            );
            if let Some(kept) = &mut self.sent {
                kept.push(Sent::new(from, to, &bytes));
            }
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
        if to == Self::registry_address() {
            let now = self.time_on(self.registry_machine);
            if !self.registry_machine.asleep {
                let program = self.registry.as_mut();
                let sent = program.map(|program| program.datagram(now, from, &bytes));
                self.fly(to, sent.unwrap_or_default());
            }
            return;
        }
        let owner = self.people.iter().find(|(_, person)| person.address == to);
        let Some((&name, person)) = owner else { return };
        if person.machine.asleep {
            return;
        }
        let (now, person) = self.person(name);
        let program = person.program.as_mut();
        let sent = program.map(|program| program.datagram(now, from, &bytes));
        self.fly(to, sent.unwrap_or_default());
        self.look(name);
    }

    /// Lines come to the screen, and the program hears of it.
    fn look(&mut self, name: &str) {
        loop {
            let line_time = self.line_time;
            let (now, person) = self.person(name);
            if person.line_due(line_time).is_none_or(|at| at > now.at) {
                return;
            }
            person.seen += 1;
            let events = u64::try_from(person.seen).expect("few events");
            let address = person.address;
            let program = person.program.as_mut().expect("it has said something");
            let sent = program.command(now, Command::Seen { events });
            self.fly(address, sent);
        }
    }
}
