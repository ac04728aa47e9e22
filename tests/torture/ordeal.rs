//! What is done to everybody, at random: messages, kills, bad roads, moves, a full disk; then healing, and the end.
//!
//! Draws from one seed, in one thread. What it meant is for `judge.rs` to say.
//! Invariant: healing ends when everything accepted has ended, or fails and says what has not.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::common::disk::Disk;
use crate::common::{PATIENCE, World};
use crate::judge;
use crate::player::{Player, now};
use crate::router::{Map, Router};

const NAMES: [&str; 3] = ["x", "y", "z"];
/// In a network of its own, nobody else has it.
const PORT: u16 = 4_000;
/// What a full disk may still have at most: a start, or some commits.
const SPARE_BYTES: usize = 128 << 10;
/// One message in so many is long: up to so many bytes.
const LONG_ONES: usize = 50;
const LONG_BYTES: usize = 16 << 10;
/// Milliseconds between two actions, one drawn: together some ten messages a second for each, half of what a client
/// may deposit.
const PAUSES: [u64; 6] = [0, 0, 10, 20, 50, 100];
/// Milliseconds until what was killed runs again.
const DOWN_MAX: u64 = 1_500;
/// How long healing may take; and as much longer as a backlog takes that the registry lets in slowly.
const HEALING: Duration = Duration::from_secs(120);
const BACKLOG_PER_SECOND: u32 = 50;
/// How long nothing is said before it is worth a look whether all is done; and how often one looks at least.
const SILENCE: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_secs(2);

pub(crate) struct Ordeal<'a> {
    world: World,
    disk: &'a Disk,
    is_full: bool,
    router: Router,
    rng: ChaCha12Rng,
    registry: Player,
    clients: Vec<Player>,
    heard: Receiver<()>,
    sent: u32,
    kills: u32,
    fills: u32,
    moves: u32,
}

impl<'a> Ordeal<'a> {
    pub(crate) fn new(seed: u64, disk: &'a Disk) -> Self {
        let world = World::within(&std::env::temp_dir(), PORT);
        let (router, hosts) = Router::start(seed);
        let mut hosts = hosts.into_iter();
        let (sender, heard) = channel();
        let log = |name| world.folder().join(format!("{name}.log"));
        let mut player = |name, arguments, data: PathBuf, folder| {
            let host = hosts.next().unwrap();
            Player::new((name, host), arguments, [data, folder, log(name)], sender.clone())
        };
        let folder = disk.path.join("udpchat/registries").join(PORT.to_string());
        let registry = player("registry", world.serve(), disk.path.clone(), folder);
        let server = registry.host.address();
        let clients = NAMES.map(|name| {
            let arguments = ["-c", name, &server, &PORT.to_string(), "0"].map(str::to_owned);
            let folder = world.client_folder(name);
            player(name, arguments.to_vec(), world.folder().to_owned(), folder)
        });
        Self {
            registry,
            clients: clients.into(),
            world,
            disk,
            is_full: false,
            router,
            rng: ChaCha12Rng::seed_from_u64(seed),
            heard,
            sent: 0,
            kills: 0,
            fills: 0,
            moves: 0,
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
    pub(crate) fn begin(&mut self) {
        self.revive();
        self.until("all are registered", PATIENCE, |ordeal| {
            ordeal.revive();
            ordeal.clients.iter().all(|client| {
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
            let long = self.pick(LONG_ONES) == 0;
            let long = if long { self.pick(LONG_BYTES) } else { 0 };
            let line = format!("send {} {:07}{}", NAMES[to], self.sent + 1, "-".repeat(long));
            self.sent += u32::from(self.clients[from].types(&line));
        }
    }

    fn kill(&mut self) {
        let victim = self.pick(NAMES.len() + 1);
        let pause = self.pick(usize::try_from(DOWN_MAX).unwrap());
        let victim = self.players().nth(victim).unwrap();
        if victim.runs() {
            let is_client = NAMES.contains(&victim.name);
            let pause = Duration::from_millis(u64::try_from(pause).unwrap());
            let unmarked = |folder: &_| {
                if is_client {
                    judge::unmarked(folder)
                } else {
                    BTreeSet::new()
                }
            };
            victim.kill(pause, unmarked);
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

    /// The registry's disk is full, or has room.
    fn fill_or_free(&mut self) {
        if self.pick(3) == 0 {
            let spare = self.pick(SPARE_BYTES);
            self.disk.fill_but(u64::try_from(spare).unwrap());
            self.is_full = true;
            self.fills += 1;
        } else {
            self.make_room();
        }
    }

    fn make_room(&mut self) {
        if std::mem::take(&mut self.is_full) {
            self.disk.make_room();
        }
    }

    /// Somebody has another address.
    fn move_house(&mut self) {
        let who = self.pick(NAMES.len());
        self.clients[who].host.moves();
        self.moves += 1;
    }

    /// Everything at random, until there were so many messages and kills.
    pub(crate) fn rage(&mut self, messages: u32, kills: u32) {
        let mut told = 0;
        while self.sent < messages || self.kills < kills {
            self.revive();
            if self.sent >= told {
                eprintln!(
                    "{} of {messages} messages, {} of {kills} kills",
                    self.sent, self.kills
                );
                told += messages.div_ceil(10).max(1);
            }
            let behind =
                u64::from(self.kills) * u64::from(messages) <= u64::from(self.sent) * u64::from(kills);
            match self.pick(100) {
                0..5 => self.come_or_go(),
                5..8 => self.router.map().change(&mut self.rng),
                8 => self.fill_or_free(),
                9 => self.move_house(),
                10..30 if self.kills < kills && behind => self.kill(),
                _ if self.sent < messages => self.send(),
                _ => {}
            }
            let pause = PAUSES[self.pick(PAUSES.len())];
            self.listen(Duration::from_millis(pause));
        }
    }

    /// Everybody is there, until everything has ended. How long that took.
    pub(crate) fn heal(&mut self) -> Duration {
        let (began, _) = now();
        *self.router.map() = Map::FAIR;
        self.make_room();
        for player in self.players() {
            player.due = None;
        }
        let mut ask = began;
        let patience = HEALING + Duration::from_secs((self.sent / BACKLOG_PER_SECOND).into());
        self.until("everything accepted is at its end", patience, |ordeal| {
            ordeal.revive();
            // Whoever is away comes back; one that is just leaving has to be asked again.
            if now().0 >= ask {
                ask = now().0 + LOOK;
                for client in ordeal.clients.iter_mut().filter_map(Player::running) {
                    client.types("reg");
                }
            }
            ordeal.unfinished().is_some_and(|left| left.is_empty())
        });
        now().0 - began
    }

    /// What is not at its end; nothing if the databases could not be read just now.
    fn unfinished(&mut self) -> Option<Vec<String>> {
        let mut left = Vec::new();
        let open = "SELECT text, ' to ' || name || ' in state ' || state FROM outbox WHERE state < 2 \
                    UNION ALL SELECT text, ' from ' || name || ' unshown' FROM inbox WHERE shown = 0";
        let mail = "SELECT 'mail ' || id, iif(outcome IS NULL, '', ' that has ended') FROM mail";
        let folder = self.world.folder().join("now");
        for player in self.players() {
            let copy = folder.join(player.name);
            player.copy(&copy);
            let sql = if player.name == "registry" { mail } else { open };
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
            for (text, what) in judge::rows(&copy, sql, read).ok()? {
                left.push(format!("{}: {}{what}", player.name, judge::number(&text)));
            }
        }
        Some(left)
    }

    /// Hears what is said for this long.
    fn listen(&self, time: Duration) {
        let end = now().0 + time;
        while self
            .heard
            .recv_timeout(end.saturating_duration_since(now().0))
            .is_ok()
        {}
    }

    /// Until nothing was said for a moment.
    fn listen_to_the_end(&self) {
        let end = now().0 + LOOK;
        while self.heard.recv_timeout(SILENCE).is_ok() && now().0 < end {}
    }

    fn until(&mut self, what: &str, patience: Duration, mut is_it: impl FnMut(&mut Self) -> bool) {
        let (began, _) = now();
        while !is_it(self) {
            if now().0 > began + patience {
                let left = self.unfinished().unwrap_or_default();
                let some = &left[..left.len().min(20)];
                let words: Vec<String> = self.players().map(|player| player.words("").0).collect();
                panic!(
                    "not within {patience:?}: {what}; left are {}: {some:#?}\n{}",
                    left.len(),
                    words.join("\n--\n")
                );
            }
            self.listen_to_the_end();
        }
    }

    /// Ends all programs, and judges what they leave.
    pub(crate) fn judge(&mut self) -> judge::Verdict {
        for player in self.players() {
            let ended = player.stop();
            assert!(
                ended,
                "{} ends well when asked to:\n{}",
                player.name,
                player.words("").0
            );
        }
        let people: Vec<_> = self.clients.iter().map(Player::left).collect();
        judge::judge(&people, &self.registry.folder)
    }

    pub(crate) fn summary(&mut self, verdict: &judge::Verdict) -> String {
        let starts: usize = self.players().map(|player| player.runs_so_far()).sum();
        let (_, full) = self.registry.words("full");
        format!(
            "typed {}, accepted {}, delivered {}, refused (mailbox full) {}\nkills {}, restarts {}, disk filled {} times \
             (told {full} times), addresses changed {}\n{}\nshown again after a kill {}, shown late {}, faults {}",
            self.sent,
            verdict.accepted,
            verdict.delivered,
            verdict.refused,
            self.kills,
            starts - NAMES.len() - 1,
            self.fills,
            self.moves,
            self.router.summary(),
            verdict.repeated,
            verdict.late,
            verdict.faults.len()
        )
    }
}

impl Drop for Ordeal<'_> {
    /// What there is to see when it fails is kept, that of the small disk too.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.world.keep();
            let folder = self.world.folder().to_owned();
            for player in self.players() {
                player.write_screen(&folder.join(player.name).with_extension("screen"));
            }
            let copied = self.registry.copy(&folder.join("registry"));
            eprintln!("kept: {} (registry copied: {copied})", folder.display());
        }
    }
}
