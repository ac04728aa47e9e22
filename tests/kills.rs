//! The delivery contract across `kill -9` of any of the three programs at any time, on a bad network.
//!
//! People send, leave, come back; their programs and the registry are killed at random moments and started
//! again on what was committed; disks fail or take seconds, datagrams are spoilt, paths work one way only, routers
//! give other addresses, messages are large, lifetimes short. Then all is well again. Truth is read from the databases: everything accepted is
//! delivered, once, and everything delivered was shown, in order.

#![expect(clippy::indexing_slicing, reason = "the tables are in this file")]
#![expect(clippy::print_stderr, reason = "a failure has to name its seed")]

mod world;

use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::client::interface::{Command, Event, Road};
use world::World;
use world::actor::Disk;
use world::network::Faults;

const NAMES: [&str; 3] = ["x", "y", "z"];
const ACTIONS: u32 = 80;
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// In which world they live.
#[derive(Clone, Copy)]
struct Profile {
    /// The first seed, and how many, by default.
    first: u64,
    seeds: u64,
    /// What the network does.
    faults: Faults,
    /// What the disks do.
    disk: Disk,
    /// Bytes of the largest text.
    largest: u32,
    /// Names that the registry pushes to everybody.
    push_max: usize,
    /// How long a message may take.
    time_to_live: Duration,
    /// Whether paths fail one way and addresses change.
    moves: bool,
}

impl Profile {
    const KILLS: Self = Self {
        first: 0,
        seeds: 4,
        faults: Faults::A_THIRD,
        disk: Disk {
            full_permille: 0,
            slow_permille: 0,
        },
        largest: 5,
        push_max: udpchat::limits::DIRECTORY_PUSH_MAX,
        time_to_live: udpchat::limits::TIME_TO_LIVE,
        moves: false,
    };
    const BAD_DISKS: Self = Self {
        // These found an outcome forgotten before its commit, and mail passed over during a slow read.
        first: 1_007,
        seeds: 2,
        disk: Disk {
            full_permille: 100,
            slow_permille: 100,
        },
        ..Self::KILLS
    };
    const LOOKUPS: Self = Self {
        seeds: 3,
        push_max: 1,
        moves: true,
        ..Self::KILLS
    };
    const LARGE: Self = Self {
        seeds: 1,
        largest: 64 * 1024,
        ..Self::KILLS
    };
    const MOVES: Self = Self {
        // The first found an endpoint that turned without end over an address it may send nothing to.
        first: 1_084,
        seeds: 3,
        faults: Faults {
            corrupt_permille: 100,
            ..Faults::A_THIRD
        },
        moves: true,
        ..Self::KILLS
    };
    const SHORT_LIVES: Self = Self {
        seeds: 2,
        time_to_live: Duration::from_secs(12 * 60),
        disk: Disk {
            full_permille: 20,
            slow_permille: 20,
        },
        ..Self::KILLS
    };

    fn expires(&self) -> bool {
        self.time_to_live < udpchat::limits::TIME_TO_LIVE
    }
}

struct Life {
    profile: Profile,
    moved: u8,
    world: World,
    rng: ChaCha12Rng,
    registry_up: bool,
    sent: u32,
}

impl Life {
    fn pick(&mut self, below: u32) -> u32 {
        self.rng.next_u32() % below
    }

    fn anybody(&mut self) -> &'static str {
        NAMES[self.pick(3) as usize]
    }

    fn act(&mut self) {
        let name = self.anybody();
        match self.pick(100) {
            0..55 => self.send(name),
            55..65 => self.restart(name),
            65..70 if self.registry_up => self.kill_registry(),
            65..78 if !self.registry_up => self.start_registry(),
            70..84 if self.profile.moves && self.pick(2) == 0 => self.disturb(name),
            70..84 if self.profile.expires() && self.pick(4) == 0 => {
                self.world.pass(Duration::from_secs(200));
            }
            70..78 => self.world.pass(Duration::from_millis(50)),
            78..84 if self.world.runs(name) => self.world.command(name, Command::Deregister),
            84..92 if self.world.runs(name) => self.world.command(name, Command::Register),
            _ => self.world.pass(Duration::from_secs(5)),
        }
        // Often not at all, so that kills fall between a request and its commit.
        let pause = [0, 0, 1, 2, 30, 400, 2_500][self.pick(7) as usize];
        self.world.pass(Duration::from_millis(pause));
    }

    fn send(&mut self, from: &'static str) {
        let to = self.anybody();
        if self.world.runs(from) && from != to {
            self.sent += 1;
            let mut text = format!("{:05}", self.sent);
            let length = self.pick(self.profile.largest.max(1)) as usize;
            if length > text.len() {
                text.push_str(&"x".repeat(length - text.len()));
            }
            self.world.send(from, to, &text);
        }
    }

    /// A path fails in one direction, or heals; or a router gives another address.
    fn disturb(&mut self, name: &'static str) {
        let other = self.anybody();
        let (here, there) = (self.world.address(name), self.world.address(other));
        match self.pick(6) {
            0 => self.world.network.cut_one_way(here, there),
            1 => self.world.network.cut_one_way(here, World::registry_address()),
            2 => self.world.network.cut_one_way(World::registry_address(), here),
            3 => self.world.network.heal_all(),
            _ => {
                self.moved = self.moved.wrapping_add(1);
                self.world.move_to(
                    name,
                    ([10, 1, here.ip().is_ipv4().into(), self.moved], 1232).into(),
                );
            }
        }
    }

    fn restart(&mut self, name: &'static str) {
        if self.pick(2) == 0 {
            self.world.kill(name);
        } else {
            self.world.kill_unheard(name);
        }
        self.world.pass(Duration::from_millis(3));
        self.world.start(name);
    }

    fn kill_registry(&mut self) {
        self.registry_up = false;
        if self.pick(2) == 0 {
            self.world.kill_registry();
        } else {
            self.world.kill_registry_unheard();
        }
    }

    fn start_registry(&mut self) {
        self.registry_up = true;
        self.world.start_registry();
    }

    /// All is well again, and everybody is there.
    fn heal(&mut self) {
        self.world.network.faults = Faults::NONE;
        self.world.network.heal_all();
        self.world.set_disks(Disk::default());
        if !self.registry_up {
            self.start_registry();
        }
        // Whoever was just giving up tries once more.
        for _ in 0..2 {
            for name in NAMES {
                if !self.world.runs(name) {
                    self.restart(name);
                }
            }
            self.world.pass(Duration::from_secs(20));
        }
        // Whoever is offline comes back; to everybody else this says nothing new.
        for name in NAMES {
            assert!(
                self.world.runs(name),
                "{name} could not join a healthy registry: {:?}",
                self.world.events(name)
            );
            self.world.command(name, Command::Register);
        }
    }
}

fn live(profile: Profile, seed: u64) {
    let mut world = World::new(seed, Faults::NONE);
    world.registry_config.push_max = profile.push_max;
    world.registry_config.push_resume = profile.push_max.min(udpchat::limits::DIRECTORY_PUSH_RESUME);
    world.time_to_live = profile.time_to_live;
    world.start_registry();
    for name in NAMES {
        world.start(name);
        world.until("joined", Duration::from_secs(10), |world| {
            world
                .events(name)
                .iter()
                .any(|event| matches!(event, Event::Registered { .. }))
        });
    }
    world.network.faults = profile.faults;
    world.set_disks(profile.disk);
    let rng = ChaCha12Rng::seed_from_u64(seed ^ 0xacce_55ed);
    let mut life = Life {
        profile,
        moved: 0,
        world,
        rng,
        registry_up: true,
        sent: 0,
    };
    for _ in 0..ACTIONS {
        life.act();
    }
    life.heal();
    life.world
        .until("everything accepted is at its end", PATIENCE, |world| {
            NAMES.iter().all(|name| world.unfinished(name) == 0)
        });
    life.world.pass(Duration::from_secs(70));
    let before = life.world.flown();
    life.world.pass(Duration::from_secs(60));
    let flown = life.world.flown() - before;
    assert!(flown < 200, "seed {seed}: {flown} datagrams in a minute of rest");
    check(&mut life.world, profile, seed);
}

fn check(world: &mut World, profile: Profile, seed: u64) {
    for name in NAMES {
        world.kill(name);
    }
    world.kill_registry();
    for to in NAMES {
        for from in NAMES {
            let accepted = world.read(
                from,
                &format!("SELECT text FROM outbox WHERE folded = '{to}' ORDER BY message"),
            );
            let delivered = world.read(
                from,
                &format!("SELECT text FROM outbox WHERE folded = '{to}' AND state = 2 ORDER BY message"),
            );
            if profile.expires() {
                check_ends(world, from, to, &delivered, seed);
                continue;
            }
            assert_eq!(
                accepted, delivered,
                "seed {seed}: {from} to {to}: all that was accepted is delivered"
            );
            let mut inbox = world.read(
                to,
                &format!("SELECT text FROM inbox WHERE name = '{from}' ORDER BY arrival"),
            );
            inbox.sort();
            assert_eq!(
                inbox, accepted,
                "seed {seed}: {from} to {to}: each is in the inbox, once"
            );
            shown_in_order(world, from, to, &accepted, seed);
        }
        let unshown = world.read(to, "SELECT text FROM inbox WHERE shown = 0 ORDER BY arrival");
        assert!(unshown.is_empty(), "seed {seed}: {to} has not seen {unshown:?}");
    }
    let left = world.read("registry", "SELECT CAST(count(*) AS TEXT) FROM mail");
    assert_eq!(
        left,
        ["0"],
        "seed {seed}: the registry keeps nothing that has ended"
    );
}

/// Everything has ended; what is said to be delivered is in the inbox, and nothing is there twice.
fn check_ends(world: &World, from: &str, to: &str, delivered: &[String], seed: u64) {
    let others = world.read(
        from,
        &format!("SELECT text FROM outbox WHERE folded = '{to}' AND state NOT IN (2, 4) ORDER BY message"),
    );
    assert!(
        others.is_empty(),
        "seed {seed}: {from} to {to}: {others:?} have not ended"
    );
    let inbox = world.read(
        to,
        &format!("SELECT text FROM inbox WHERE name = '{from}' ORDER BY text"),
    );
    for text in delivered {
        let copies = inbox.iter().filter(|other| *other == text).count();
        assert_eq!(copies, 1, "seed {seed}: {from} to {to}: {text}");
    }
    let untrue = inbox.iter().filter(|text| !delivered.contains(text));
    let untrue: Vec<_> = untrue.collect();
    if !untrue.is_empty() {
        eprintln!("seed {seed}: {from} to {to}: in the inbox and not known to be: {untrue:?}");
    }
}

/// Every message is shown, and none before an earlier one unless it says that it is late. A crash may have a line
/// shown again, never another order.
fn shown_in_order(world: &World, from: &str, to: &str, accepted: &[String], seed: u64) {
    let mut seen: Vec<String> = Vec::new();
    let lines: Vec<(String, Road)> = world
        .events(to)
        .into_iter()
        .filter_map(|event| match event {
            Event::Incoming(message) if message.from.as_str() == from => Some((message.text, message.road)),
            _ => None,
        })
        .collect();
    for (at, (text, road)) in lines.iter().enumerate() {
        if seen.contains(text) {
            continue;
        }
        // A crash may have cut off the marks of later lines: then they follow again.
        let again = |later: &String| lines[at..].iter().any(|(line, _)| line == later);
        let in_turn = seen.iter().all(|earlier| earlier < text || again(earlier));
        assert!(
            in_turn || *road == Road::Late,
            "seed {seed}: {from} to {to}: {text} after {seen:?}"
        );
        seen.push(text.clone());
    }
    seen.sort();
    assert_eq!(seen, accepted, "seed {seed}: {from} to {to}: each was shown");
}

fn live_all(profile: Profile) {
    let (first, count) = match std::env::var("SIM_SEEDS") {
        Ok(seeds) => (1_000, seeds.parse().unwrap_or(profile.seeds)),
        Err(_) => (profile.first, profile.seeds),
    };
    let first = std::env::var("SIM_FIRST").map_or(first, |seed| seed.parse().unwrap_or(first));
    for seed in first..first + count {
        eprintln!("seed {seed}");
        live(profile, seed);
    }
}

#[test]
fn what_was_accepted_arrives_once_and_in_order_whoever_is_killed() {
    live_all(Profile::KILLS);
}

#[test]
fn and_with_disks_that_fail_or_take_seconds() {
    live_all(Profile::BAD_DISKS);
}

#[test]
fn and_with_names_that_have_to_be_looked_up() {
    live_all(Profile::LOOKUPS);
}

#[test]
fn and_with_messages_up_to_the_largest() {
    live_all(Profile::LARGE);
}

#[test]
fn and_with_spoilt_datagrams_one_way_paths_and_new_addresses() {
    live_all(Profile::MOVES);
}

#[test]
fn and_with_short_lives_everything_has_an_end_that_is_so() {
    live_all(Profile::SHORT_LIVES);
}
