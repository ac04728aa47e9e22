//! The built program, real sockets, real files: `kill -9` of registry and clients at random, until all is healed and
//! what was accepted is compared with what was shown.
//!
//! `TORTURE_MESSAGES` and `TORTURE_KILLS` say how much, `TORTURE_SEED` which actions; `scripts/torture` runs more of
//! it. A seed repeats what is done, not what the machine makes of it: that is what simulations are for.
//! Invariant: every message counts that is in a sender's database, however its program ended.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this is test: what fails here fails loudly"
)]

#[path = "../common/mod.rs"]
mod common;
mod judge;
mod player;

use std::path::PathBuf;
use std::time::Duration;

use common::World;
use player::{Player, now, pass};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

const NAMES: [&str; 3] = ["x", "y", "z"];
/// Milliseconds between two actions, one drawn: together some ten messages a second for each, half of what a client
/// may deposit.
const PAUSES: [u64; 6] = [0, 0, 10, 20, 50, 100];
/// Milliseconds until what was killed runs again.
const DOWN_MAX: u64 = 1_500;
/// How long healing may take; and as much longer as a backlog takes that the registry lets in slowly.
const HEALING: Duration = Duration::from_secs(120);
const BACKLOG_PER_SECOND: u32 = 50;

struct Torture {
    world: World,
    rng: ChaCha12Rng,
    registry: Player,
    clients: Vec<Player>,
    sent: u32,
    kills: u32,
}

impl Torture {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        // Not one of those that others are given while the registry is down.
        let port = loop {
            let port = 20_000 + u16::try_from(rng.next_u32() % 10_000).unwrap();
            if std::net::UdpSocket::bind(("::", port)).is_ok() {
                break port;
            }
        };
        let world = World::within(&std::env::temp_dir(), port);
        let registry = Player::new(&world, "registry", world.serve(), world.registry_folder());
        let client = |name| Player::new(&world, name, world.chat(name), world.client_folder(name));
        Self {
            registry,
            clients: NAMES.into_iter().map(client).collect(),
            world,
            rng,
            sent: 0,
            kills: 0,
        }
    }

    fn pick(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.next_u32()).unwrap() % below
    }

    fn players(&mut self) -> impl Iterator<Item = &mut Player> {
        self.clients.iter_mut().chain([&mut self.registry])
    }

    /// Starts whoever is due.
    fn revive(&mut self) {
        let (now, _) = now();
        for player in self.players() {
            if !player.runs() && player.due.is_none_or(|due| due <= now) {
                player.start();
            }
        }
    }

    /// Starts everybody, and waits until all are registered for the first time.
    fn begin(&mut self) {
        self.revive();
        self.until("all are registered", common::PATIENCE, |torture| {
            torture.revive();
            torture.clients.iter().all(|client| {
                client
                    .lines()
                    .iter()
                    .any(|line| line.text.starts_with("[Welcome"))
            })
        });
    }

    fn send(&mut self) {
        let from = self.pick(NAMES.len());
        let to = (from + 1 + self.pick(NAMES.len() - 1)) % NAMES.len();
        if self.clients[from].runs() {
            let line = format!("send {} {:07}", NAMES[to], self.sent + 1);
            self.sent += u32::from(self.clients[from].types(&line));
        }
    }

    fn kill(&mut self) {
        let victim = self.pick(NAMES.len() + 1);
        let pause = self.pick(usize::try_from(DOWN_MAX).unwrap());
        let victim = self.players().nth(victim).unwrap();
        if victim.runs() {
            victim.kill(Duration::from_millis(u64::try_from(pause).unwrap()));
            self.kills += 1;
        }
    }

    /// Somebody leaves, or comes back.
    fn come_or_go(&mut self) {
        let who = self.pick(NAMES.len());
        let verb = ["dereg", "reg", "reg"][self.pick(3)];
        if self.clients[who].runs() {
            // One that has just ended is started again, and asked another time.
            self.clients[who].types(verb);
        }
    }

    /// Everything at random, until there were so many messages and kills.
    fn rage(&mut self, messages: u32, kills: u32) {
        while self.sent < messages || self.kills < kills {
            self.revive();
            let behind =
                u64::from(self.kills) * u64::from(messages) <= u64::from(self.sent) * u64::from(kills);
            match self.pick(100) {
                0..5 => self.come_or_go(),
                5..30 if self.kills < kills && behind => self.kill(),
                _ if self.sent < messages => self.send(),
                _ => {}
            }
            pass(Duration::from_millis(PAUSES[self.pick(PAUSES.len())]));
        }
    }

    /// Everybody is there, until everything has ended. How long that took.
    fn heal(&mut self) -> Duration {
        let (began, _) = now();
        for player in self.players() {
            player.due = None;
        }
        let mut asked = [0; NAMES.len()];
        let patience = HEALING + Duration::from_secs((self.sent / BACKLOG_PER_SECOND).into());
        self.until("everything accepted is at its end", patience, |torture| {
            torture.revive();
            // Whoever is away comes back, once for each run.
            for (client, asked) in torture.clients.iter_mut().zip(&mut asked) {
                if *asked < client.runs_so_far() && client.types("reg") {
                    *asked = client.runs_so_far();
                }
            }
            torture.unfinished().is_some_and(|left| left.is_empty())
        });
        now().0 - began
    }

    /// What is not at its end; nothing if the databases could not be read just now.
    fn unfinished(&mut self) -> Option<Vec<String>> {
        let mut left = Vec::new();
        let open = "SELECT text || ' to ' || name || ' in state ' || state FROM outbox WHERE state < 2 \
                    UNION ALL SELECT text || ' from ' || name || ' unshown' FROM inbox WHERE shown = 0";
        let mail = "SELECT 'mail ' || id || iif(outcome IS NULL, '', ' that has ended') FROM mail";
        let folder = self.world.folder().join("now");
        for player in self.players() {
            let copy = folder.join(player.name);
            player.copy(&copy);
            let sql = if player.name == "registry" { mail } else { open };
            let rows = judge::rows(&copy, sql).ok()?;
            left.extend(rows.into_iter().map(|row| format!("{}: {}", player.name, row[0])));
        }
        Some(left)
    }

    fn until(&mut self, what: &str, patience: Duration, mut is_it: impl FnMut(&mut Self) -> bool) {
        let (began, _) = now();
        while !is_it(self) {
            if now().0 > began + patience {
                let left = self.unfinished();
                let words: Vec<String> = self.players().map(|player| player.last_words()).collect();
                panic!(
                    "not within {patience:?}: {what}; left: {left:#?}\n{}",
                    words.join("\n--\n")
                );
            }
            pass(Duration::from_millis(200));
        }
    }

    /// Ends all programs; the databases that they leave: the clients', and the registry's.
    fn end(&mut self) -> (Vec<PathBuf>, PathBuf) {
        for player in self.players() {
            assert!(
                player.stop(),
                "{} ends well when asked to:\n{}",
                player.name,
                player.last_words()
            );
        }
        let clients = NAMES.map(|name| self.world.client_folder(name));
        (clients.to_vec(), self.world.registry_folder())
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value:?}"))
    })
}

#[test]
fn what_was_accepted_was_shown_whoever_is_killed() {
    let seed = setting("TORTURE_SEED", now().1);
    let messages = u32::try_from(setting("TORTURE_MESSAGES", 200)).unwrap();
    let kills = u32::try_from(setting("TORTURE_KILLS", 15)).unwrap();
    eprintln!("seed {seed}");
    let (began, _) = now();
    let mut torture = Torture::new(seed);
    torture.begin();
    torture.rage(messages, kills);
    let healed = torture.heal();
    let (clients, registry) = torture.end();
    let folders: Vec<_> = clients.iter().map(PathBuf::as_path).collect();
    let verdict = judge::judge(&torture.clients, &folders, &registry);
    let starts: usize = torture.players().map(|player| player.runs_so_far()).sum();
    eprintln!(
        "typed {}, accepted {}, kills {}, restarts {}, shown again after a kill {}, shown late {}, \
         healed in {:.1} s, {:.1} s in all, faults {}",
        torture.sent,
        verdict.accepted,
        torture.kills,
        starts - NAMES.len() - 1,
        verdict.repeated,
        verdict.late,
        healed.as_secs_f64(),
        (now().0 - began).as_secs_f64(),
        verdict.faults.len()
    );
    assert!(verdict.accepted > 0 || messages == 0, "nothing was accepted");
    let faults = verdict.faults.join("\n");
    assert!(faults.is_empty(), "seed {seed}:\n{faults}");
}
