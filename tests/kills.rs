//! The delivery contract across `kill -9` of any of the three programs at any time, on a bad network.
//!
//! People send, leave, come back; their programs and the registry are killed at random moments and started
//! again on what was committed. Then the network heals. Truth is read from the databases: everything accepted is
//! delivered, once, and everything delivered was shown, in order.

#![expect(clippy::indexing_slicing, reason = "the tables are in this file")]

mod world;

use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use udpchat::client::interface::{Command, Event, Road};
use world::World;
use world::network::Faults;

const NAMES: [&str; 3] = ["x", "y", "z"];
const SEEDS: u64 = 12;
const ACTIONS: u32 = 80;
const PATIENCE: Duration = Duration::from_secs(15 * 60);

struct Life {
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
            let text = format!("{:05}", self.sent);
            self.world.send(from, to, &text);
        }
    }

    fn restart(&mut self, name: &'static str) {
        self.world.kill(name);
        self.world.pass(Duration::from_millis(3));
        self.world.start(name);
    }

    fn kill_registry(&mut self) {
        self.registry_up = false;
        self.world.kill_registry();
    }

    fn start_registry(&mut self) {
        self.registry_up = true;
        self.world.start_registry();
    }

    /// All is well again, and everybody is there.
    fn heal(&mut self) {
        self.world.network.faults = Faults::NONE;
        if !self.registry_up {
            self.start_registry();
        }
        for name in NAMES {
            if !self.world.runs(name) {
                self.restart(name);
            }
        }
        // Whoever is offline comes back; to everybody else this says nothing new.
        self.world.pass(Duration::from_secs(20));
        for name in NAMES {
            assert!(self.world.runs(name), "{name} could not join a healthy registry");
            self.world.command(name, Command::Register);
        }
    }
}

fn live(seed: u64) {
    let mut world = World::new(seed, Faults::NONE);
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
    world.network.faults = Faults::A_THIRD;
    let rng = ChaCha12Rng::seed_from_u64(seed ^ 0xacce_55ed);
    let mut life = Life {
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
    check(&mut life.world, seed);
}

fn check(world: &mut World, seed: u64) {
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

/// Every message is shown, and none before an earlier one unless it says that it is late. A crash may have a line
/// shown again, never another order.
fn shown_in_order(world: &World, from: &str, to: &str, accepted: &[String], seed: u64) {
    let mut seen: Vec<String> = Vec::new();
    for event in world.events(to) {
        let Event::Incoming(message) = event else { continue };
        if message.from.as_str() != from || seen.contains(&message.text) {
            continue;
        }
        let in_turn = seen.iter().all(|earlier| *earlier < message.text);
        assert!(
            in_turn || message.road == Road::Late,
            "seed {seed}: {from} to {to}: {} after {seen:?}",
            message.text
        );
        seen.push(message.text);
    }
    seen.sort();
    assert_eq!(seen, accepted, "seed {seed}: {from} to {to}: each was shown");
}

#[test]
fn what_was_accepted_arrives_once_and_in_order_whoever_is_killed() {
    for seed in 0..SEEDS {
        live(seed);
    }
}
