//! The delivery contract across `kill -9` of any of the three programs at any time, on a bad network.
//!
//! People send, leave, come back; their programs and the registry are killed at random moments and started
//! again on what was committed; disks fail or take seconds, datagrams are spoilt, paths work one way only, routers
//! give other addresses, messages are large, lifetimes short. Then all is well again. Truth is read from the databases:
//! everything accepted is delivered, once, and everything delivered was shown, in order.

#![expect(clippy::indexing_slicing, reason = "the tables are in this file")]
#![expect(clippy::print_stderr, reason = "a failure has to name its seed")]

use std::time::Duration;

use crate::world::World;
use crate::world::actor::Disk;
use crate::world::network::Faults;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::client::interface::{Command, Event};

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
    /// How long a line takes to the screen.
    line_time: Duration,
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
        line_time: Duration::ZERO,
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
    const SLOW_SCREENS: Self = Self {
        seeds: 3,
        line_time: Duration::from_millis(1_500),
        ..Self::KILLS
    };
    const SHORT_LIVES_ON_SLOW_SCREENS: Self = Self {
        seeds: 2,
        line_time: Duration::from_millis(1_500),
        ..Self::SHORT_LIVES
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
    world.line_time = profile.line_time;
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
    check(&mut life.world, profile);
}

fn check(world: &mut World, profile: Profile) {
    world.kill_all();
    for to in NAMES {
        for from in NAMES.into_iter().filter(|from| *from != to) {
            world.ends_were_told(from, to);
            if profile.expires() {
                check_ends(world, from, to);
            } else {
                let ends = world.kept_its_promises(from, to);
                assert!(ends.all_delivered(), "{from} to {to}: {ends:?}");
            }
        }
    }
    let left = world.read("registry", "SELECT CAST(count(*) AS TEXT) FROM mail");
    assert_eq!(left, ["0"], "the registry keeps nothing that has ended");
}

/// Everything has ended; what is said to be delivered is in the inbox, and nothing is there twice.
fn check_ends(world: &World, from: &str, to: &str) {
    let delivered = world.ends(from, to).delivered;
    let inbox = world.inbox(to, from);
    for text in &delivered {
        assert!(
            inbox.contains(text),
            "{from} to {to}: {text} is said to be delivered"
        );
    }
    let untrue: Vec<_> = inbox.iter().filter(|text| !delivered.contains(text)).collect();
    if !untrue.is_empty() {
        eprintln!("{from} to {to}: in the inbox and not known to be: {untrue:?}");
    }
    world.shown_as_promised(from, to);
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

#[test]
fn and_with_screens_that_lag_so_that_a_crash_swallows_lines() {
    live_all(Profile::SLOW_SCREENS);
}

#[test]
fn and_with_short_lives_on_such_screens() {
    live_all(Profile::SHORT_LIVES_ON_SLOW_SCREENS);
}
