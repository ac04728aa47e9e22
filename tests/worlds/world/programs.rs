//! Programs in the world: started on the databases that they had, or on copies; killed, suspended, moved.
//!
//! What they say to each other is `mod.rs`'s business. A killed program's database is closed as the system would.
//! Invariant: a program that starts knows nothing but its database and its identity.

use std::sync::Arc;
use std::time::Duration;

use udpchat::client::interface::Command;
use udpchat::client::{Client, Config};
use udpchat::identity::{Identity, Role};
use udpchat::node::Node;
use udpchat::registry::Registry;
use udpchat::store::client::ClientStore;
use udpchat::store::registry::RegistryStore;
use udpchat::transport::Endpoint;
use udpchat::wire::packet::Service;

use super::actor::{Actor, Disk};
use super::witness::Run;
use super::{Machine, Person, World};

/// The store id that a registry's database has from its beginning.
const FIRST_STORE: [u8; 16] = [7; 16];

impl World {
    /// The registry starts, on the database that it had.
    pub(crate) fn start_registry(&mut self) {
        self.start_registry_on(FIRST_STORE, false);
    }

    /// The registry starts on an empty database, or on one that was brought back from a copy: its operator says so.
    pub(crate) fn start_registry_restored(&mut self, store_id: u8) {
        self.start_registry_on([store_id; 16], true);
    }

    fn start_registry_on(&mut self, store_id: [u8; 16], restored: bool) {
        let identity = Arc::new(Identity::from_seed(&[200; 32], Role::Registry));
        let path = self.database("registry");
        let (mut store, mut image) = RegistryStore::open(&path, store_id).expect("the registry's database");
        if restored {
            image = store.renew(store_id).expect("the registry's database");
        }
        let seed = self.seed();
        let now = self.time_on(self.registry_machine);
        let role = Registry::new(self.registry_config.clone(), image, now, seed);
        let node = Node::new(Endpoint::new(identity, Service::Registry, self.seed()), role);
        let mut program = Actor::new(node, store, Self::registry_address(), self.seeds);
        program.set_disk(self.disk);
        let sent = program.begin(now);
        self.registry = Some(program);
        self.fly(Self::registry_address(), sent);
    }

    /// The operator of a registry that does not run frees a name. Says how many messages are refused by that.
    pub(crate) fn release(&mut self, name: &str) -> Option<u64> {
        assert!(self.registry.is_none(), "not while the registry runs");
        let (mut store, _) =
            RegistryStore::open(&self.database("registry"), FIRST_STORE).expect("the registry's database");
        store.release(&name.parse().expect("a name")).expect("a commit")
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

    /// Keeps a copy of the database of somebody who does not run.
    pub(crate) fn copy_database(&self, from: &str, to: &str) {
        let beside = |name: &str, suffix: &str| {
            let mut path = self.database(name).into_os_string();
            path.push(suffix);
            std::path::PathBuf::from(path)
        };
        for suffix in ["-wal", "-shm"] {
            assert!(
                !beside(from, suffix).exists(),
                "{from} still runs, or was not closed"
            );
            assert!(!beside(to, suffix).exists(), "{to} still runs, or was not closed");
        }
        std::fs::copy(self.database(from), self.database(to)).expect("a copy");
    }

    /// The disk of somebody who does not run is lost.
    pub(crate) fn lose_database(&self, name: &str) {
        std::fs::remove_file(self.database(name)).expect("a database");
    }

    /// All disks are like this from now on.
    pub(crate) fn set_disks(&mut self, disk: Disk) {
        self.disk = disk;
        for person in self.people.values_mut() {
            if let Some(program) = &mut person.program {
                program.set_disk(disk);
            }
        }
        if let Some(program) = &mut self.registry {
            program.set_disk(disk);
        }
    }

    /// Where somebody is now.
    pub(crate) fn address(&self, name: &str) -> std::net::SocketAddr {
        self.people[name].address
    }

    /// Somebody's router gives him another address; what is under way to the old one is lost.
    pub(crate) fn move_to(&mut self, name: &str, address: std::net::SocketAddr) {
        let (_, person) = self.person(name);
        person.address = address;
        if let Some(program) = &mut person.program {
            program.move_to(address);
        }
    }

    /// Somebody's machine is suspended, or wakes up. Time goes on meanwhile, also on its own clocks.
    pub(crate) fn set_asleep(&mut self, name: &str, asleep: bool) {
        self.person(name).1.machine.asleep = asleep;
    }

    /// The registry's machine is suspended, or wakes up.
    pub(crate) fn set_registry_asleep(&mut self, asleep: bool) {
        self.registry_machine.asleep = asleep;
    }

    /// Somebody's clock on the wall is so far off from now on.
    pub(crate) fn set_wall_off(&mut self, name: &str, off_ms: i64) {
        self.person(name).1.machine.wall_off_ms = off_ms;
    }

    /// The registry's clock on the wall is so far off from now on.
    pub(crate) fn set_registry_wall_off(&mut self, off_ms: i64) {
        self.registry_machine.wall_off_ms = off_ms;
    }

    /// Somebody who has another's identity and name: a copy of him on another machine.
    pub(crate) fn introduce_copy(&mut self, name: &'static str, of: &str) {
        let (number, called) = (self.people[of].number, self.people[of].called);
        self.introduce(name, number, called);
    }

    /// Somebody who wants a name that another has.
    pub(crate) fn introduce_namesake(&mut self, name: &'static str, of: &str) {
        let called = self.people[of].called;
        self.introduce(name, self.next_number(), called);
    }

    fn next_number(&self) -> u16 {
        u16::try_from(self.people.len() + 1).expect("few people")
    }

    fn introduce(&mut self, name: &'static str, number: u16, called: &'static str) {
        let [high, low] = self.next_number().to_be_bytes();
        let person = Person {
            number,
            called,
            address: ([10, 0, high + 1, low], 1232).into(),
            program: None,
            past: Vec::new(),
            marked: std::collections::BTreeSet::new(),
            seen: 0,
            machine: Machine::default(),
        };
        assert!(self.people.insert(name, person).is_none(), "{name} is known");
    }

    /// A client starts, on the database that it had.
    pub(crate) fn start(&mut self, name: &'static str) {
        self.know(name);
        let called = self.people[name].called.parse().expect("a name");
        self.run(name, Config::new(called, Self::registry_address()));
    }

    /// A client starts that has no registry, and talks to these.
    pub(crate) fn start_peer(&mut self, name: &'static str, listed: &[&'static str]) {
        self.know(name);
        listed.iter().for_each(|other| self.know(other));
        let listed = listed.iter().map(|other| self.address(other)).collect();
        let called = self.people[name].called.parse().expect("a name");
        self.run(name, Config::without_registry(called, listed));
    }

    fn know(&mut self, name: &'static str) {
        if !self.people.contains_key(name) {
            self.introduce(name, self.next_number(), name);
        }
    }

    fn run(&mut self, name: &'static str, mut config: Config) {
        let marked = self.marked(name);
        let (now, person) = self.person(name);
        let address = person.address;
        let [high, low] = person.number.to_be_bytes();
        let mut secret = [low; 32];
        secret[0] ^= high;
        // The registry's is one number throughout.
        secret[1] ^= low & 0xf0;
        let identity = Arc::new(Identity::from_seed(&secret, Role::Client));
        let (store, image) = ClientStore::open(&self.database(name)).expect("the client's database");
        config.time_to_live = self.time_to_live;
        let seed = self.seed();
        let role = Client::new(config, Arc::clone(&identity), image, now, seed);
        let endpoint = Endpoint::new(identity, Service::Peer, self.seed());
        let mut program = Actor::new(Node::new(endpoint, role), store, address, self.seeds);
        program.set_disk(self.disk);
        let sent = program.begin(now);
        let (_, person) = self.person(name);
        person.program = Some(program);
        person.marked = marked;
        person.seen = 0;
        self.fly(address, sent);
    }

    /// A client is killed.
    pub(crate) fn kill(&mut self, name: &str) {
        let (_, person) = self.person(name);
        if let Some(program) = person.program.take() {
            let marked = std::mem::take(&mut person.marked);
            let events = program.events.into_iter().take(person.seen);
            person.past.push(Run {
                marked,
                events: events.collect(),
            });
        }
    }

    /// A client is killed between a commit and its answer.
    pub(crate) fn kill_unheard(&mut self, name: &str) {
        if let Some(program) = &mut self.person(name).1.program {
            program.commit_unheard();
        }
        self.kill(name);
    }

    /// Everybody is killed, and the registry: so that their databases can be read.
    pub(crate) fn kill_all(&mut self) {
        let names: Vec<&str> = self.people.keys().copied().collect();
        names.iter().for_each(|name| self.kill(name));
        self.kill_registry();
    }

    /// A person types.
    pub(crate) fn command(&mut self, name: &str, command: Command) {
        let (now, person) = self.person(name);
        let address = person.address;
        let program = person.program.as_mut().expect("a running client");
        let sent = program.command(now, command);
        self.fly(address, sent);
        self.look(name);
    }

    /// A person sends.
    pub(crate) fn send(&mut self, from: &str, to: &str, text: &str) {
        self.command(
            from,
            Command::Send {
                to: to.parse().expect("a name"),
                text: text.into(),
            },
        );
    }

    /// A client starts, and has joined before anything else is done.
    pub(crate) fn join(&mut self, name: &'static str) {
        self.start(name);
        self.until("joined", Duration::from_secs(20), |world| {
            world.is_registered(name)
        });
    }
}
