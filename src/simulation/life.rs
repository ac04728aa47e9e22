//! What people and misfortune do in a simulated world: trouble, as the plan has it.
//!
//! Whether all comes to a good end afterwards is `healing`'s to see.
//! Invariant: a run ends, whatever it finds.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::dice::{Chance, Dice};
use super::invariant::Invariant;
use super::machine::{Fuse, Load};
use super::plan::Plan;
use super::report::Report;
use super::trace::Trace;
use super::world::{Site, World, WorldFault};
use crate::client::interface::{Command, Subject};
use crate::clock::Instant;

/// What happens from time to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Write,
    Absence,
    Return(usize),
    EndInput,
    Crash,
    Copy,
    Disaster,
    CopyFolder,
    Relapse,
    Partition,
    /// A cut from here to there is over.
    Mend(SocketAddr, SocketAddr),
    Move,
    Jump,
    Nap,
    Attack,
    Post,
    Room,
    /// Something about rooms.
    Ask,
    Status,
    Forget,
}

/// Before the trouble begins: so long until everybody is registered, where the lines are slow at most [`FIRST_MAX`].
pub(super) const FIRST: Duration = Duration::from_secs(1);
const FIRST_MAX: Duration = Duration::from_secs(10);

/// A run from its first moment to its last.
pub(super) struct Life {
    pub(super) plan: Plan,
    pub(super) world: World,
    dice: Dice,
    /// For when, and for whom, nothing more is typed.
    ends: Dice,
    /// For all about rooms.
    pub(super) rooms: Dice,
    /// For when, and who, asks what is unfinished.
    questions: Dice,
    /// For when, and who, forgets what was said.
    forgets: Dice,
    /// How long it took from the end of the trouble until everything had ended.
    pub(super) healed: Option<Duration>,
    agenda: BTreeMap<(Instant, u64), Deed>,
    entries: u64,
    moved: u8,
}

impl Life {
    pub(super) fn new(plan: Plan, trace: Trace) -> Result<Self, WorldFault> {
        Ok(Self {
            world: World::new(plan, trace)?,
            dice: Dice::new(plan.seed, 6),
            ends: Dice::new(plan.seed, 7),
            rooms: Dice::new(plan.seed, 9),
            questions: Dice::new(plan.seed, 11),
            forgets: Dice::new(plan.seed, 13),
            healed: None,
            agenda: BTreeMap::new(),
            entries: 0,
            moved: 0,
            plan,
        })
    }

    /// Lives it, and says what it was like.
    pub(super) fn live(mut self) -> Report {
        let mut report = Report::new();
        // Whatever the world is like after a panic, only what was noted of it is read.
        let lived = catch_unwind(AssertUnwindSafe(|| self.phases()));
        let broken = match lived {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some((Invariant::ComesToAnEnd, fault.to_string())),
            Err(panic) => Some((Invariant::NoPanic, words_of(panic.as_ref()))),
        };
        // A program that spins is noted already.
        if let Some((invariant, what)) = broken
            && self.world.ledger.violations().is_empty()
        {
            let at = self.world.now.at;
            self.world.ledger.violated(at, invariant, what);
        }
        report.read(&self.world);
        report.healed = self.healed;
        report
    }

    fn phases(&mut self) -> Result<(), WorldFault> {
        for site in self.world.sites() {
            self.world.start(site)?;
        }
        let latest = self.world.now.at + FIRST_MAX;
        self.world.pass(FIRST)?;
        while self.world.away().next().is_some() && self.world.now.at < latest {
            self.world.pass(FIRST)?;
        }
        self.open_rooms()?;
        self.world.network.weather = self.plan.weather;
        self.world.set_disks(self.plan.trouble.disks);
        self.trouble()?;
        self.look_for_new_sessions();
        self.world.compare_mailboxes();
        self.heal()?;
        self.part()?;
        self.calm()
    }

    fn trouble(&mut self) -> Result<(), WorldFault> {
        let trouble = self.plan.trouble;
        for (deed, rate) in [
            (Deed::Write, self.plan.messages()),
            (Deed::Absence, trouble.absences),
            (Deed::EndInput, trouble.endings),
            (Deed::Crash, trouble.crashes),
            (Deed::Copy, trouble.disasters),
            (Deed::Disaster, trouble.disasters),
            (Deed::CopyFolder, trouble.relapses),
            (Deed::Relapse, trouble.relapses),
            (Deed::Partition, trouble.partitions),
            (Deed::Move, trouble.moves),
            (Deed::Jump, trouble.jumps),
            (Deed::Nap, trouble.naps),
            (Deed::Attack, trouble.attacks),
            (Deed::Post, self.plan.posts()),
            (Deed::Room, trouble.rooms),
            (Deed::Ask, self.plan.asks()),
            (Deed::Status, trouble.questions),
            (Deed::Forget, trouble.forgets),
        ] {
            self.next(deed, rate);
        }
        let end = self.world.now.at + Duration::from_secs(60 * u64::from(self.plan.minutes));
        while let Some(((at, _), deed)) = self.agenda.pop_first() {
            if at > end {
                break;
            }
            let wait = at.since(self.world.now.at);
            self.world.pass(wait)?;
            self.act(deed)?;
            if !self.world.ledger.violations().is_empty() {
                return Ok(());
            }
        }
        self.world.pass(end.since(self.world.now.at))
    }

    /// Where nothing but an attacker has been at work, each client has one session with each other and the registry, and none
    /// has ended that was not given up for another one. Two who begin at once may have made one more.
    fn look_for_new_sessions(&mut self) {
        let circle = self.world.ledger.circle.as_ref();
        // Who does not list others turns them away again and again.
        if !self.plan.is_only_attacked() || circle.is_some_and(|circle| !circle.was_whole()) {
            return;
        }
        let most = u64::try_from(2 * self.plan.clients).unwrap_or(u64::MAX);
        for site in self.world.sites() {
            let Load { opened, broken, .. } = self.world.load(site);
            if broken > 0 || opened > most {
                let name = self.world.name(site);
                let what = format!("{name} has opened {opened} sessions, and {broken} were ended for it");
                self.world
                    .ledger
                    .violated(self.world.now.at, Invariant::ForgedInVain, what);
            }
        }
    }

    /// Puts a deed on the agenda that happens `rate` times a minute on average.
    fn next(&mut self, deed: Deed, rate: u32) {
        if rate > 0 {
            let dice = match deed {
                Deed::EndInput => &mut self.ends,
                Deed::Post | Deed::Room | Deed::Ask => &mut self.rooms,
                Deed::Status => &mut self.questions,
                Deed::Forget => &mut self.forgets,
                _ => &mut self.dice,
            };
            let wait = dice.span(Duration::from_secs(120) / rate);
            self.at(wait, deed);
        }
    }

    fn at(&mut self, wait: Duration, deed: Deed) {
        self.entries += 1;
        self.agenda.insert((self.world.now.at + wait, self.entries), deed);
    }

    fn act(&mut self, deed: Deed) -> Result<(), WorldFault> {
        let trouble = self.plan.trouble;
        let rate = match deed {
            Deed::Write => {
                self.write();
                self.plan.messages()
            }
            Deed::Absence => {
                let person = self.somebody();
                if self.world.command(person, Command::Deregister) {
                    let wait = self.dice.span(trouble.away);
                    self.at(wait, Deed::Return(person));
                }
                trouble.absences
            }
            Deed::Return(person) => {
                self.world.command(person, Command::Register);
                0
            }
            Deed::EndInput => {
                let person = self.ends.index(self.plan.clients);
                self.world.end_input(person);
                trouble.endings
            }
            Deed::Crash => {
                self.crash();
                trouble.crashes
            }
            Deed::Copy | Deed::Disaster => {
                self.disaster(deed)?;
                trouble.disasters
            }
            Deed::CopyFolder | Deed::Relapse => {
                self.relapse(deed)?;
                trouble.relapses
            }
            Deed::Partition => {
                self.partition();
                trouble.partitions
            }
            Deed::Mend(here, there) => {
                self.world.network.mend_one_way(here, there);
                0
            }
            Deed::Move => {
                self.move_somebody();
                trouble.moves
            }
            Deed::Jump => {
                self.jump();
                trouble.jumps
            }
            Deed::Nap => {
                self.nap();
                trouble.naps
            }
            Deed::Attack => {
                self.world.attack();
                trouble.attacks
            }
            Deed::Post => self.post(),
            Deed::Room => self.room_deed(),
            Deed::Ask => self.room_question(),
            Deed::Status => self.ask_status(),
            Deed::Forget => self.forget(),
        };
        self.next(deed, rate);
        Ok(())
    }

    /// Somebody asks what of his is unfinished. How often, a minute.
    fn ask_status(&mut self) -> u32 {
        let person = self.questions.index(self.plan.clients);
        self.world.command(person, Command::Status);
        self.plan.trouble.questions
    }

    /// Somebody asks for what was said with another, and forgets it. How often, a minute.
    fn forget(&mut self) -> u32 {
        let [person, other] = [(); 2].map(|()| self.forgets.index(self.plan.clients));
        if let Some(partner) = self.world.partner(other) {
            let subject = Subject::With(partner.clone());
            let command = Command::History {
                subject,
                most: 20,
                before: None,
            };
            self.world.command(person, command);
            self.world.command(person, Command::Forget(partner));
        }
        self.plan.trouble.forgets
    }

    fn nap(&mut self) {
        let site = self.some_site();
        let longest = [2, 30, 300].get(self.dice.index(3)).copied().unwrap_or(2);
        let span = self.dice.span(Duration::from_secs(longest));
        self.world.sleep(site, span);
    }

    /// A wall clock is set: up to two days off, or right.
    fn jump(&mut self) {
        let site = self.some_site();
        let hours = i64::try_from(self.dice.below(96)).unwrap_or(0) - 48;
        let is_right = self.dice.chance(Chance::percent(30));
        let skew = if is_right { 0 } else { hours * 3_600_000 };
        self.world.set_clock(site, skew);
    }

    fn somebody(&mut self) -> usize {
        self.dice.index(self.plan.clients)
    }

    fn some_site(&mut self) -> Site {
        if !self.plan.registry {
            return Site::Person(self.somebody());
        }
        match self.dice.index(self.plan.clients + 1) {
            0 => Site::Registry,
            number => Site::Person(number - 1),
        }
    }

    /// A message, or a few at once; now and then a long one.
    fn write(&mut self) {
        let (from, to) = (self.somebody(), self.somebody());
        if from == to {
            return;
        }
        let count = if self.dice.chance(Chance::percent(10)) {
            2 + self.dice.below(8)
        } else {
            1
        };
        // Where there is a registry there is no such command.
        let is_for_all = !self.plan.registry && self.dice.chance(Chance::percent(25));
        let longest = self.plan.trouble.longest;
        for _ in 0..count {
            let length = if self.dice.chance(Chance::percent(10)) {
                self.dice.index(longest + 1)
            } else {
                self.dice.index(longest.min(100) + 1)
            };
            if is_for_all {
                self.world.say(from, length);
            } else {
                self.world.write(from, to, length);
            }
        }
    }

    fn crash(&mut self) {
        let site = self.some_site();
        match self.dice.below(3) {
            0 => self.world.kill(site),
            1 => {
                let left = u32::try_from(self.dice.below(30)).unwrap_or(0);
                self.world.light(site, Fuse::Outputs(left));
            }
            _ => {
                let heard = u32::try_from(self.dice.below(4)).unwrap_or(0);
                self.world.light(site, Fuse::Answers(heard));
            }
        }
    }

    /// The registry's database is copied, or lost.
    fn disaster(&mut self, deed: Deed) -> Result<(), WorldFault> {
        if deed == Deed::Copy {
            self.world.copy_registry();
            return Ok(());
        }
        let is_restored = self.dice.chance(Chance::percent(60));
        self.world.lose_registry(is_restored)
    }

    /// The same of somebody's folder.
    fn relapse(&mut self, deed: Deed) -> Result<(), WorldFault> {
        let person = self.somebody();
        if deed == Deed::CopyFolder {
            self.world.copy_folder(person);
            return Ok(());
        }
        let is_restored = self.dice.chance(Chance::percent(70));
        self.world.lose_folder(person, is_restored)
    }

    fn partition(&mut self) {
        let (one, other) = (self.some_site(), self.some_site());
        if one == other {
            return;
        }
        let (here, there) = (self.world.address(one), self.world.address(other));
        let both = self.dice.chance(Chance::percent(60));
        let wait = self.dice.span(Duration::from_secs(90));
        for (from, to) in [(here, there), (there, here)]
            .into_iter()
            .take(1 + usize::from(both))
        {
            self.world.network.cut_one_way(from, to);
            self.at(wait, Deed::Mend(from, to));
        }
    }

    fn move_somebody(&mut self) {
        let person = self.somebody();
        self.moved = self.moved.wrapping_add(1);
        let last = u8::try_from(person + 1).unwrap_or(u8::MAX);
        let elsewhere = ([10, 1, self.moved, last], 1232).into();
        let house = self.world.house(person, &mut self.dice);
        self.world.move_to(person, house.unwrap_or(elsewhere));
    }
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("a panic without words").to_owned()
}
