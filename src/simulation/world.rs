//! A world: machines, people, the network between them, and time that jumps to whatever is due next.
//!
//! Carries datagrams and calls whoever is due. What happens on a machine is `programs.rs`'s business, what people and
//! misfortune do `life.rs`'s.
//! Invariant: one plan gives one history, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::amplification::{Accounts, Origin};
use super::attacker::{Attacker, Forged};
use super::circle::Circle;
use super::dice::{Chance, Dice};
use super::disasters::Copy;
use super::disk::Disk;
use super::invariant::Invariant;
use super::ledger::Ledger;
use super::machine::Machine;
use super::network::{Network, Traffic};
use super::plan::Plan;
use super::programs::{Person, WRITING};
use super::trace::{Trace, describe};
use crate::clock::{Instant, Now, WallTime};
use crate::engine::{STORE_REQUESTS_MAX, Ticket};
use crate::identity::{Identity, Role};
use crate::limits;
use crate::registry::Registry;
use crate::store::registry::RegistryStore;
use crate::transport::Transmit;
use crate::wire::packet::Packet;

/// Whose turn it is: the registry, or somebody by his number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    Registry,
    Person(usize),
}

/// What a person or the world has to do at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// So many lines are written: say so.
    Mark { person: usize, run: u32, events: u64 },
    /// A program that has ended or died is started.
    Start(Site),
    /// Whether it has ended in time that nobody types at.
    Look { person: usize, run: u32 },
}

/// A datagram on its way.
struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    origin: Origin,
}

/// The world.
pub(super) struct World {
    pub(super) now: Now,
    pub(super) plan: Plan,
    pub(super) network: Network,
    flights: BTreeMap<(Instant, u64), Flight>,
    flown: u64,
    chores: BTreeMap<(Instant, u64), Chore>,
    planned: u64,
    pub(super) registry_identity: Arc<Identity>,
    pub(super) registry: Machine<Registry, RegistryStore>,
    /// What its operator has kept of its database.
    pub(super) copy: Option<Copy>,
    /// The last request of the registry that was judged.
    pub(super) asked: Ticket,
    pub(super) people: Vec<Person>,
    pub(super) addresses: BTreeMap<SocketAddr, usize>,
    /// Sites by when they are due.
    due: BTreeSet<(Instant, Site)>,
    due_of: BTreeMap<Site, Instant>,
    pub(super) accounts: Accounts,
    /// What was sealed with each key and number, by who sends, the session's index at the other end, and the number.
    sealed: BTreeMap<(Site, u64, u64), u64>,
    pub(super) attacker: Attacker,
    pub(super) ledger: Ledger,
    pub(super) seeds: Dice,
    /// How long whoever has typed all stays away, at most how long, and how often the next input is a script.
    pub(super) rests: Dice,
    pub(super) rest_at_most: Duration,
    pub(super) scripts: Chance,
    steps: u32,
    /// How often each program was woken by its timers in this second.
    wakes: BTreeMap<Site, u32>,
    /// And since somebody began to count: by its timers and its disk.
    pub(super) turns: BTreeMap<Site, u64>,
    pub(super) trace: Trace,
}

/// More cannot happen at one moment, unless something turns for nothing.
const STEPS_MAX: u32 = 20_000;
/// Nor is any timer set so often in a second, were it by a microsecond later each time.
const WAKES_MAX: u32 = 20_000;

/// Where the registry is.
pub(super) const REGISTRY: ([u8; 4], u16) = ([10, 0, 0, 1], 12345);

const START: Now = Now {
    at: Instant::from_micros(1_000_000),
    wall: WallTime::from_unix_ms(1_800_000_000_000),
};

/// How long until somebody starts a program again that has ended.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Why a world could not be made, or a program not started: the simulation's own fault, or the machine's.
#[derive(Debug, thiserror::Error)]
#[error("the simulated world cannot go on: {0}")]
pub struct WorldFault(pub(super) String);

pub(super) fn broken(error: impl std::fmt::Display) -> WorldFault {
    WorldFault(error.to_string())
}

impl World {
    /// A world in which nothing runs yet.
    pub(super) fn new(plan: Plan, trace: Trace) -> Result<Self, WorldFault> {
        let mut seeds = Dice::new(plan.seed, 2);
        let address = REGISTRY.into();
        let store_id = {
            let mut id = [0; 16];
            seeds.fill(&mut id);
            id
        };
        let (store, _) = RegistryStore::open_in_memory(store_id).map_err(broken)?;
        let mut people: Vec<Person> = (0..plan.clients)
            .map(|number| Person::new(number, plan.seed, &mut seeds))
            .collect::<Result<_, _>>()?;
        let mut disk = Disk::new(store, Dice::new(plan.seed, 4));
        if plan.trouble.disasters > 0 {
            disk.keep_log();
        }
        if plan.trouble.relapses > 0 {
            people
                .iter_mut()
                .for_each(|person| person.machine.disk.keep_log());
        }
        let identities: Vec<_> = people
            .iter()
            .map(|person| (person.identity.card().id, person.name.clone()))
            .collect();
        let mut ledger = Ledger::new(&identities, plan.trouble, store_id);
        if !plan.registry {
            let homes = people.iter().map(|person| person.machine.address).collect();
            ledger.circle = Some(Circle::drawn(homes, &mut Dice::new(plan.seed, 10)));
        }
        Ok(Self {
            now: START,
            network: Network::new(Dice::new(plan.seed, 3), plan.weather.in_peace(), address),
            flights: BTreeMap::new(),
            flown: 0,
            chores: BTreeMap::new(),
            planned: 0,
            registry_identity: Arc::new(Identity::from_seed(&seeds.seed(), Role::Registry)),
            registry: Machine::new(disk, address),
            copy: None,
            asked: Ticket(0),
            addresses: people
                .iter()
                .map(|person| person.machine.address)
                .zip(0..)
                .collect(),
            people,
            due: BTreeSet::new(),
            due_of: BTreeMap::new(),
            accounts: Accounts::default(),
            sealed: BTreeMap::new(),
            attacker: Attacker::new(Dice::new(plan.seed, 5)),
            ledger,
            seeds,
            rests: Dice::new(plan.seed, 8),
            rest_at_most: plan.trouble.away,
            scripts: Chance::percent(50),
            steps: 0,
            wakes: BTreeMap::new(),
            turns: BTreeMap::new(),
            trace,
            plan,
        })
    }

    /// What was carried so far.
    pub(super) const fn traffic(&self) -> Traffic {
        self.network.traffic
    }

    /// All sites.
    pub(super) fn sites(&self) -> impl Iterator<Item = Site> + use<> {
        let registry = self.plan.registry.then_some(Site::Registry);
        registry
            .into_iter()
            .chain((0..self.people.len()).map(Site::Person))
    }

    /// Something has to be done at a time.
    pub(super) fn plan(&mut self, at: Instant, chore: Chore) {
        self.planned += 1;
        self.chores.insert((at, self.planned), chore);
    }

    /// Something need not be done after all.
    pub(super) fn forget(&mut self, chore: &Chore) {
        self.chores.retain(|_, planned| planned != chore);
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, span: Duration) -> Result<(), WorldFault> {
        let end = self.now.at + span;
        while self.step(end)? {}
        self.set_time(end);
        Ok(())
    }

    /// The attacker sends something.
    pub(super) fn attack(&mut self) {
        let targets: Vec<SocketAddr> = self.sites().map(|site| self.address(site)).collect();
        for forged in self.attacker.act(&targets, !self.plan.registry) {
            let Forged {
                from,
                to,
                bytes,
                origin,
            } = forged;
            self.trace
                .note(self.now.at, "attacker", || describe(from, to, &bytes));
            self.carry(from, to, bytes, origin);
        }
    }

    /// The next thing that is due before `end`; false if there is none.
    fn step(&mut self, end: Instant) -> Result<bool, WorldFault> {
        let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
        let chore = self.chores.first_key_value().map(|((at, _), _)| *at);
        let turn = self.due.first().copied();
        let next = [flight, chore, turn.map(|(at, _)| at)]
            .into_iter()
            .flatten()
            .min();
        let Some(at) = next.filter(|at| *at <= end) else {
            return Ok(false);
        };
        self.steps = if at > self.now.at { 0 } else { self.steps + 1 };
        if self.steps == STEPS_MAX {
            let what = format!("{turn:?} turns without time passing");
            self.ledger.violated(at, Invariant::NoSpin, what);
            return Err(WorldFault("a program spins".into()));
        }
        let second = |at: Instant| at.as_micros() / 1_000_000;
        if second(at) > second(self.now.at) {
            self.wakes.clear();
        }
        self.set_time(at.max(self.now.at));
        if flight == Some(at) {
            self.land();
        } else if chore == Some(at) {
            self.do_chore()?;
        } else if let Some((_, site)) = turn {
            self.count_wake(site);
            self.turn(site);
        }
        Ok(true)
    }

    fn count_wake(&mut self, site: Site) {
        *self.turns.entry(site).or_default() += 1;
        let wakes = self.wakes.entry(site).or_default();
        *wakes += 1;
        if *wakes == WAKES_MAX {
            let what = format!("{} wakes {WAKES_MAX} times in a second", self.name(site));
            self.ledger.violated(self.now.at, Invariant::NoSpin, what);
        }
    }

    fn set_time(&mut self, at: Instant) {
        let passed = i64::try_from(at.since(START.at).as_millis()).unwrap_or(i64::MAX);
        self.now = Now {
            at,
            wall: WallTime::from_unix_ms(START.wall.unix_ms().saturating_add(passed)),
        };
    }

    fn turn(&mut self, site: Site) {
        match site {
            Site::Registry => {
                let came = self.registry.wake(self.now);
                self.took_registry(came);
            }
            Site::Person(number) => {
                if let Some(person) = self.people.get_mut(number) {
                    let came = person.machine.wake(self.now);
                    self.took_person(number, came);
                }
            }
        }
    }

    fn land(&mut self) {
        let Some((_, flight)) = self.flights.pop_first() else {
            return;
        };
        let Flight {
            from,
            to,
            bytes,
            origin,
        } = flight;
        if let Some(site) = self.site_at(to).filter(|site| self.hears(*site)) {
            self.accounts.comes(site, (from, to), &bytes, origin);
        }
        if to == self.registry.address {
            let came = self.registry.datagram(self.now, from, &bytes);
            self.took_registry(came);
        } else if let Some(&number) = self.addresses.get(&to)
            && let Some(person) = self.people.get_mut(number)
        {
            let came = person.machine.datagram(self.now, from, &bytes);
            self.took_person(number, came);
        }
    }

    /// Whose address that is.
    fn site_at(&self, address: SocketAddr) -> Option<Site> {
        if address == self.registry.address {
            return Some(Site::Registry);
        }
        self.addresses.get(&address).copied().map(Site::Person)
    }

    fn do_chore(&mut self) -> Result<(), WorldFault> {
        let Some((_, chore)) = self.chores.pop_first() else {
            return Ok(());
        };
        match chore {
            Chore::Start(site) => self.start(site)?,
            Chore::Look { person, run } => self.look(person, run),
            Chore::Mark { person, run, events } => {
                if self.people.get(person).is_some_and(|person| person.run == run)
                    && !self.mark(person, events)
                {
                    // Its printer waits, as it would.
                    let at = self.now.at + WRITING;
                    if self.runs(Site::Person(person)) {
                        self.plan(at, Chore::Mark { person, run, events });
                    }
                }
            }
        }
        Ok(())
    }

    /// After a turn: bounds are looked at, whoever has ended goes, and the next deadline is noted.
    pub(super) fn settle(&mut self, site: Site) {
        let load = self.load(site);
        let within = load.requests <= STORE_REQUESTS_MAX
            && load.sessions <= limits::SESSIONS_MAX
            && load.handshakes <= limits::HANDSHAKES_BOUND;
        if !within {
            let what = format!("{} holds {load:?}", self.name(site));
            self.ledger.violated(self.now.at, Invariant::Bounded, what);
        }
        let most = self.plan.trouble.limits.outbox_messages;
        if let Site::Person(number) = site
            && let Some(unfinished) = self.unfinished(number).filter(|there| *there > most)
        {
            let what = format!("{} has {unfinished} messages under way", self.name(site));
            self.ledger.violated(self.now.at, Invariant::Bounded, what);
        }
        if let Site::Person(number) = site
            && self.people.get(number).is_some_and(|person| person.ended)
            && load.requests == 0
            && self.runs(site)
        {
            self.rest(number);
            self.kill(site);
        }
        self.reschedule(site);
    }

    /// Notes when a site is due; whoever is not running is started again in a while.
    pub(super) fn reschedule(&mut self, site: Site) {
        if let Some(at) = self.due_of.remove(&site) {
            self.due.remove(&(at, site));
        }
        if let Some(at) = self.due_at(site) {
            self.due.insert((at, site));
            self.due_of.insert(site, at);
        }
        let start = Chore::Start(site);
        if !self.runs(site) && !self.chores.values().any(|chore| *chore == start) {
            let wait = self.seeds.span(PATIENCE);
            self.plan(self.now.at + wait, start);
        }
    }

    pub(super) fn transmit(&mut self, site: Site, sent: Vec<Transmit>) {
        let from = self.address(site);
        for Transmit { to, bytes, .. } in sent {
            if bytes.len() > limits::DATAGRAM_BYTES_MAX {
                let what = format!("a datagram of {} bytes", bytes.len());
                self.ledger.violated(self.now.at, Invariant::Bounded, what);
            }
            self.check_number(site, &bytes);
            let origin = self.accounts.origin(site, from, self.site_at(to), &bytes);
            let back = self.attacker.hear(from, to, &bytes, origin);
            if let Some(what) = self.accounts.goes(site, to, &bytes) {
                let what = format!("{} answers: {what}", self.name(site));
                self.ledger
                    .violated(self.now.at, Invariant::NoAmplification, what);
            }
            self.carry(from, to, bytes, origin);
            if let Some(back) = back {
                self.carry(back.from, back.to, back.bytes, back.origin);
            }
        }
    }

    /// A number that comes again with other bytes has sealed two packets alike. The same bytes may be sent again.
    fn check_number(&mut self, site: Site, bytes: &[u8]) {
        let Ok(Packet::Data { receiver, number, .. }) = Packet::parse(bytes) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        let before = self.sealed.insert((site, receiver, number), hash);
        if before.is_some_and(|before| before != hash) {
            let what = format!("{} has sealed two packets with number {number}", self.name(site));
            self.ledger.violated(self.now.at, Invariant::FreshNumbers, what);
        }
    }

    fn carry(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>, origin: Origin) {
        self.trace.note(self.now.at, "", || describe(from, to, &bytes));
        for arrival in self.network.carry(self.now.at, from, to, bytes) {
            self.flown += 1;
            let flight = Flight {
                from,
                to,
                bytes: arrival.bytes,
                origin: if arrival.whole { origin } else { Origin::default() },
            };
            self.flights.insert((arrival.at, self.flown), flight);
        }
    }

    pub(super) fn note(&mut self, site: Site, what: impl FnOnce() -> String) {
        if self.trace.is_on() {
            let name = self.name(site).to_owned();
            self.trace.note(self.now.at, &name, what);
        }
    }
}
