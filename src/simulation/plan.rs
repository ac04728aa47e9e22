//! What is to be simulated: how many people, for how long, on what network, with what trouble.
//!
//! Profiles are networks that people know, and one that nobody deserves.
//! Invariant: a plan and its seed are all that a run depends on.

use std::time::Duration;

use super::bursts::Bursts;
use super::dice::{Chance, Dice};
use super::disk::Mood;
use super::network::Weather;
use super::programs::WRITING;
use super::quarters::Quarters;
use crate::client::{Limits, Receipts};

/// People in a world, at most: the registry's table of them is printed whole, and a run stays quick.
pub const CLIENTS_MAX: usize = 50;

/// Minutes of trouble, at most: a day.
pub const MINUTES_MAX: u32 = 24 * 60;

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many clients, from 2 to [`CLIENTS_MAX`].
    pub clients: usize,
    /// How many minutes of virtual time, before all is well again.
    pub minutes: u32,
    /// What the network does meanwhile.
    pub weather: Weather,
    /// And everything else.
    pub trouble: Trouble,
    /// Whether there is a registry. Where there is none people list each other by address, and nothing is posted.
    pub registry: bool,
}

/// What happens in a minute, on average, and in which circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Messages of each client.
    pub messages: u32,
    /// Bytes of the longest text.
    pub longest: usize,
    /// Somebody deregisters, and comes back.
    pub absences: u32,
    /// Somebody's input ends, so that his program does by itself; it is started again.
    pub endings: u32,
    /// A program is killed, the registry's too, and started again.
    pub crashes: u32,
    /// The registry's database is lost, or an older copy takes its place; and as often such a copy is made.
    pub disasters: u32,
    /// The same of a client's folder.
    pub relapses: u32,
    /// A path is cut, one way or both, and healed.
    pub partitions: u32,
    /// A client gets another address.
    pub moves: u32,
    /// A wall clock is set, wrongly or right.
    pub jumps: u32,
    /// A machine goes to sleep, and wakes.
    pub naps: u32,
    /// Somebody on the path forges, replays, cuts short and floods.
    pub attacks: u32,
    /// Texts that each client posts to rooms.
    pub posts: u32,
    /// Somebody makes a room, enters or leaves one, or puts others out.
    pub rooms: u32,
    /// Somebody asks what of his is unfinished.
    pub questions: u32,
    /// Somebody asks for what was said with another, and forgets it.
    pub forgets: u32,
    /// What rooms hold.
    pub quarters: Quarters,
    /// What the disks do.
    pub disks: Mood,
    /// How long messages live.
    pub lives: Duration,
    /// What mailboxes hold.
    pub room: Room,
    /// What clients may have under way.
    pub limits: Limits,
    /// How long somebody stays away who deregisters, or whose input has ended, at most.
    pub away: Duration,
    /// Names that the registry pushes to everybody; beyond it they are looked up.
    pub pushed: usize,
    /// When senders hear of what was received.
    pub receipts: Receipts,
}

impl Plan {
    /// How long it takes at most until a line is marked: whoever handles messages takes his time.
    pub(super) const fn marked_within(&self) -> Duration {
        match self.trouble.receipts {
            Receipts::Committed => WRITING,
            Receipts::Handled => HANDLING,
        }
    }

    /// The same where nobody keeps a registry, with all trouble that there can be without one.
    #[must_use]
    pub const fn without_registry(mut self) -> Self {
        self.registry = false;
        self.trouble.disasters = 0;
        self.trouble.posts = 0;
        self.trouble.rooms = 0;
        self.trouble.quarters = Quarters::USUAL;
        self
    }

    /// What all together write in a minute, on average.
    pub(super) fn messages(&self) -> u32 {
        let people = u32::try_from(self.clients).unwrap_or(u32::MAX);
        self.trouble.messages.saturating_mul(people)
    }

    /// What all together post in a minute, on average.
    pub(super) fn posts(&self) -> u32 {
        let people = u32::try_from(self.clients).unwrap_or(u32::MAX);
        self.trouble.posts.saturating_mul(people)
    }

    /// How often people ask about rooms in a minute, on average.
    pub(super) const fn asks(&self) -> u32 {
        match self.trouble.posts {
            0 => 0,
            _ => self.trouble.quarters.asks,
        }
    }

    /// Whether an attacker is all that can go wrong, and sessions are too busy to end by themselves.
    pub(super) const fn is_only_attacked(&self) -> bool {
        let Trouble {
            messages,
            absences,
            endings,
            crashes,
            disasters,
            relapses,
            partitions,
            moves,
            jumps,
            naps,
            attacks,
            disks,
            ..
        } = self.trouble;
        let gone = absences + endings + crashes + disasters + relapses;
        let well = gone + partitions + moves + jumps + naps == 0;
        let clear = self.weather.is_clear();
        let disks_well = disks.takes_all() && disks.slow.is_never();
        attacks > 0 && well && clear && disks_well && messages >= 30 && self.clients <= 4
    }
}

impl Trouble {
    /// People who write, and nothing else.
    pub const NONE: Self = Self {
        messages: 10,
        longest: 100,
        absences: 0,
        endings: 0,
        crashes: 0,
        disasters: 0,
        relapses: 0,
        partitions: 0,
        moves: 0,
        jumps: 0,
        naps: 0,
        attacks: 0,
        posts: 0,
        rooms: 0,
        questions: 0,
        forgets: 0,
        quarters: Quarters::USUAL,
        disks: Mood {
            full: Chance::NEVER,
            slow: Chance::NEVER,
            stuck: None,
        },
        lives: crate::limits::TIME_TO_LIVE,
        room: Room::DEFAULT,
        limits: Limits::USUAL,
        away: A_MINUTE,
        pushed: crate::limits::DIRECTORY_PUSH_MAX,
        receipts: Receipts::Committed,
    };
}

/// How many messages wait for somebody, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// From one sender.
    pub one: u64,
    /// In all; half of it from those to whom he has not written.
    pub all: u64,
}

impl Room {
    /// What registries grant.
    pub const DEFAULT: Self = Self {
        one: crate::limits::MAILBOX_SENDER_MESSAGES_MAX,
        all: crate::limits::MAILBOX_MESSAGES_MAX,
    };
}

/// A network that has a name. With each, what it loses each way on average, in bursts and besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A cable: nothing.
    Lan,
    /// A flat with many neighbours: 1.8 %; every 10 s a tenth of a second of which most is lost.
    Wifi,
    /// A train: 6.9 %; every 15 s one of which most is lost.
    Mobile,
    /// 36,000 km up and down: 2.1 %; every 25 s half a second of which most is lost.
    Satellite,
    /// Radios that hand on what they hear: 26 %; every 5 s half a second of which most is lost.
    Mesh,
    /// Everything at once: 31 %; every 5 s one of which most is lost.
    Hell,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Lan,
        Self::Wifi,
        Self::Mobile,
        Self::Satellite,
        Self::Mesh,
        Self::Hell,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Wifi => "wifi",
            Self::Mobile => "mobile",
            Self::Satellite => "satellite",
            Self::Mesh => "mesh",
            Self::Hell => "hell",
        }
    }

    /// A run on it.
    pub fn plan(self, seed: u64) -> Plan {
        Plan {
            seed,
            clients: 3,
            minutes: 5,
            weather: self.weather(),
            trouble: match self {
                Self::Hell => hell(&mut Dice::new(seed, PURPOSE)),
                _ => self.trouble(),
            },
            registry: true,
        }
    }

    const fn weather(self) -> Weather {
        let millis = Duration::from_millis;
        match self {
            Self::Lan => Weather {
                delay: Duration::from_micros(300),
                jitter: Duration::from_micros(200),
                ..Weather::CLEAR
            },
            Self::Wifi => Weather {
                loss: Chance::percent(1),
                bursts: Some(bursts(millis(10_000), millis(100))),
                delay: millis(3),
                jitter: millis(10),
                ..Weather::CLEAR
            },
            Self::Mobile => Weather {
                loss: Chance::percent(2),
                bursts: Some(bursts(millis(15_000), millis(1_000))),
                delay: millis(40),
                jitter: millis(40),
                reorder: Chance::percent(1),
                duplicate: Chance::permille(1),
                rate: Some(2_000_000),
                ..Weather::CLEAR
            },
            Self::Satellite => Weather {
                loss: Chance::permille(5),
                bursts: Some(bursts(millis(25_000), millis(500))),
                delay: millis(300),
                jitter: millis(20),
                rate: Some(1_000_000),
                ..Weather::CLEAR
            },
            Self::Mesh => Weather {
                loss: Chance::percent(20),
                bursts: Some(bursts(millis(5_000), millis(500))),
                delay: millis(60),
                jitter: millis(200),
                reorder: Chance::percent(10),
                duplicate: Chance::percent(5),
                rate: Some(100_000),
                ..Weather::CLEAR
            },
            Self::Hell => Weather {
                loss: Chance::percent(20),
                bursts: Some(bursts(millis(5_000), millis(1_000))),
                delay: millis(30),
                jitter: millis(100),
                reorder: Chance::percent(15),
                duplicate: Chance::percent(10),
                corrupt: Chance::percent(5),
                rate: None,
            },
        }
    }

    const fn trouble(self) -> Trouble {
        match self {
            Self::Wifi => Trouble {
                naps: 1,
                absences: 1,
                endings: 1,
                ..Trouble::NONE
            },
            Self::Mobile => Trouble {
                moves: 2,
                partitions: 1,
                naps: 1,
                absences: 1,
                endings: 1,
                ..Trouble::NONE
            },
            Self::Mesh => Trouble {
                partitions: 2,
                absences: 1,
                ..Trouble::NONE
            },
            _ => Trouble::NONE,
        }
    }
}

/// The purpose of these dice.
const PURPOSE: u64 = 1;

/// Most of what is sent while a path is bad is lost.
const fn bursts(good: Duration, bad: Duration) -> Bursts {
    Bursts {
        good,
        bad,
        loss: Chance::percent(80),
    }
}

/// Each seed has its own: rare meetings of two troubles come up sooner where a third is away.
fn hell(dice: &mut Dice) -> Trouble {
    let mut some = |most: u64| -> u32 {
        if dice.chance(Chance::percent(40)) {
            0
        } else {
            u32::try_from(1 + dice.below(most)).unwrap_or(1)
        }
    };
    let (absences, crashes, partitions, moves) = (some(4), some(8), some(4), some(3));
    let (jumps, naps, attacks) = (some(2), some(2), some(6));
    let mood = Mood {
        full: Chance::permille(some(100)),
        slow: Chance::permille(some(100)),
        stuck: None,
    };
    let choices = [
        TEN_MINUTES,
        Duration::from_secs(60),
        crate::limits::TIME_TO_LIVE,
        crate::limits::TIME_TO_LIVE,
    ];
    let mut trouble = Trouble {
        messages: 1 + some(30),
        longest: [50, 100, 5_000, crate::limits::BODY_BYTES_MAX]
            .get(dice.index(4))
            .copied()
            .unwrap_or(50),
        absences,
        crashes,
        partitions,
        moves,
        jumps,
        naps,
        attacks,
        disks: mood,
        lives: choices.get(dice.index(4)).copied().unwrap_or(TEN_MINUTES),
        pushed: if dice.chance(Chance::percent(25)) {
            1
        } else {
            crate::limits::DIRECTORY_PUSH_MAX
        },
        ..Trouble::NONE
    };
    if dice.chance(Chance::percent(25)) {
        let one = 1 + dice.below(10);
        let all = 2 + dice.below(20);
        trouble.room = Room { one, all };
    }
    if dice.chance(Chance::percent(25)) {
        trouble.away = TEN_MINUTES * 2;
    }
    trouble.disasters = u32::from(dice.chance(Chance::percent(15)));
    trouble.relapses = u32::from(dice.chance(Chance::percent(15)));
    later_drawn(dice, &mut trouble);
    trouble
}

/// What hell has had since: drawn last, the newest at the end. Whoever draws none of it has the history that he had before
/// there was such a thing.
fn later_drawn(dice: &mut Dice, trouble: &mut Trouble) {
    if dice.chance(Chance::percent(50)) {
        trouble.endings = u32::try_from(1 + dice.below(3)).unwrap_or(1);
    }
    if dice.chance(Chance::percent(25)) {
        trouble.disks.stuck = Some(A_MINUTE + dice.span(TEN_MINUTES));
    }
    if dice.chance(Chance::percent(25)) {
        trouble.limits = Limits {
            outbox_messages: 1 + dice.index(20),
            outbox_bytes: crate::limits::BODY_BYTES_MAX + dice.index(crate::limits::BODY_BYTES_MAX),
            direct_messages: 1 + dice.index(8),
            deposits: 1 + dice.index(4),
            ..Limits::USUAL
        };
    }
    if dice.chance(Chance::percent(40)) {
        trouble.posts = u32::try_from(1 + dice.below(20)).unwrap_or(1);
        trouble.rooms = u32::try_from(dice.below(6)).unwrap_or(1);
    }
    if dice.chance(Chance::percent(40)) {
        trouble.questions = u32::try_from(1 + dice.below(30)).unwrap_or(1);
    }
    if dice.chance(Chance::percent(15)) {
        trouble.receipts = Receipts::Handled;
    }
    if dice.chance(Chance::percent(30)) {
        trouble.quarters = Quarters::small(dice);
    }
}

/// A program that handles messages may take longer than a direct receipt is waited for.
const HANDLING: Duration = Duration::from_secs(1);
const A_MINUTE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::super::network::Network;
    use super::*;
    use crate::clock::Instant;

    #[test]
    fn each_profile_loses_what_it_says() {
        // In parts of a thousand, as `Profile` and README have it.
        for (profile, share) in [
            (Profile::Lan, 0),
            (Profile::Wifi, 18),
            (Profile::Mobile, 69),
            (Profile::Satellite, 21),
            (Profile::Mesh, 258),
            (Profile::Hell, 307),
        ] {
            let weather = Weather {
                rate: None,
                ..profile.weather()
            };
            let (here, there) = (([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 1).into());
            let mut network = Network::new(Dice::new(1, 1), weather, here);
            let sent: u64 = 200_000;
            for number in 0..sent {
                let now = Instant::ZERO + Duration::from_millis(100) * u32::try_from(number).unwrap();
                network.carry(now, here, there, vec![0]);
            }
            let lost = network.traffic.lost * 1_000 / sent;
            let slack = share / 10 + 1;
            assert!(
                (share.max(slack) - slack..=share + slack).contains(&lost),
                "{}: {lost} of 1,000",
                profile.name()
            );
        }
    }
}
