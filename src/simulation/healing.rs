//! Whether all comes to a good end: everything accepted must end inside the bound once all is well, and then it must be
//! quiet.
//!
//! Nobody helps programs along: what they can find again by themselves they have to.
//! Invariant: a healing ends, whatever it finds.

use std::time::Duration;

use super::disk::Mood;
use super::invariant::Invariant;
use super::life::Life;
use super::world::{PATIENCE, Site, WorldFault};
use crate::client::interface::Command;
use crate::limits;

/// Everything accepted has ended so long after all is well: requests are issued again within a minute, a registry
/// waits ten before it expires anything, and whoever is asleep wakes.
const HEALING: Duration = Duration::from_secs(20 * 60);
/// How often that is looked at.
const GLANCE: Duration = Duration::from_secs(1);
/// Sessions that nobody needs close, late copies arrive, whoever sleeps wakes, and who was lost is found again, before it
/// has to be quiet.
const CALM: Duration = Duration::from_secs(300);
/// Somebody has left, and everybody knows.
const GOODBYE: Duration = Duration::from_secs(10);
/// How long quiet is listened to.
const QUIET: Duration = Duration::from_secs(60);
/// Datagrams of each client in a quiet minute: three signs of life, their answers and what acknowledges them, and on a path
/// that was bad minutes ago a copy of each (PROTOCOL §7.6) and what acknowledges that.
const QUIET_DATAGRAMS: u64 = 24;
/// How often a program wakes in it, the registry's for each client: to send those and for what would come if they were
/// lost, and once to record how old its database is. Twice what the busiest was seen to do.
const QUIET_TURNS: u64 = 40;
/// How often it is looked whether a program holds anything, until it does not: at each moment it may be just busy with a
/// sign of life.
const GLANCES: usize = 10;

impl Life {
    /// All is well, everybody is there, and everything accepted comes to its end.
    pub(super) fn heal(&mut self) -> Result<(), WorldFault> {
        self.world.network.heal();
        self.world.network.weather = self.plan.weather.in_peace();
        self.world.set_disks(Mood::default());
        self.world.gather();
        self.world.end_rests(PATIENCE)?;
        let bound = HEALING + self.lives_to_wait_for();
        let begun = self.world.now.at;
        let end = begun + bound;
        while self.world.ledger.violations().is_empty() {
            self.call_back();
            self.world.pass(GLANCE)?;
            if self.all_has_ended() {
                self.healed.get_or_insert(self.world.now.at.since(begun));
                return Ok(());
            }
            if self.world.now.at > end {
                let mut left = self.world.left_over()?;
                left.extend(self.world.away().map(|name| format!("{name} is away")));
                let what = format!("after {} s: {}", bound.as_secs(), left.join("; "));
                self.world.ledger.violated(end, Invariant::ComesToAnEnd, what);
            }
        }
        Ok(())
    }

    /// All is well: each writes to the next and ends his input there. Nothing is left waiting then, if there is a registry.
    pub(super) fn part(&mut self) -> Result<(), WorldFault> {
        if self.plan.trouble.endings == 0 || !self.world.ledger.violations().is_empty() {
            return Ok(());
        }
        self.world.pass(CALM)?;
        // Without a registry what is written to one who has left by then waits for him.
        self.world.ledger.is_well = self.plan.registry;
        for number in 0..self.plan.clients {
            self.world.write(number, (number + 1) % self.plan.clients, 0);
            self.world.end_input(number);
        }
        self.heal()
    }

    /// Those come back who have left, or were shown the door, and whose programs are not told otherwise: once, and again
    /// where that was not accepted. Whoever has lost the registry finds it again by himself.
    fn call_back(&mut self) {
        for number in 0..self.plan.clients {
            if self.world.people.get(number).is_some_and(|person| person.away) {
                self.world.command(number, Command::Register);
            }
        }
    }

    /// Messages with a short life may have to be waited for: whoever judges it may have just begun.
    fn lives_to_wait_for(&self) -> Duration {
        if self.plan.trouble.lives < limits::TIME_TO_LIVE {
            self.plan.trouble.lives + limits::SWEEP_DELAY
        } else {
            Duration::ZERO
        }
    }

    fn all_has_ended(&self) -> bool {
        let ledger = &self.world.ledger;
        let settled = (0..self.plan.clients).all(|number| {
            let left = ledger.beyond_asking(number);
            self.world.is_there(number)
                && !self.world.is_ending(number)
                && self.world.unfinished(number) == Some(left)
        });
        settled
            && ledger.letters().iter().all(|letter| {
                let told = letter.stands.is_none() || letter.marked;
                let ended = letter.state.is_final() || ledger.is_beyond_asking(letter);
                !letter.is_accepted() || (ended && told)
            })
            && ledger.open_posts().next().is_none()
    }

    /// A quiet minute: nothing is sent but signs of life, and no program wakes but for them.
    fn listen(&mut self) -> Result<(), WorldFault> {
        let before = self.world.traffic().datagrams;
        self.world.turns.clear();
        self.world.pass(QUIET)?;
        let sent = self.world.traffic().datagrams - before;
        let people = u64::try_from(self.plan.clients).unwrap_or(u64::MAX);
        let mut found = Vec::new();
        if sent > QUIET_DATAGRAMS * people {
            found.push(format!("{sent} datagrams in a minute of rest"));
        }
        for (site, turns) in &self.world.turns {
            let others = if *site == Site::Registry { people } else { 1 };
            if *turns > QUIET_TURNS * others {
                found.push(format!(
                    "{} wakes {turns} times in a minute of rest",
                    self.world.name(*site)
                ));
            }
        }
        let at = self.world.now.at;
        for what in found {
            self.world.ledger.violated(at, Invariant::GoesQuiet, what);
        }
        Ok(())
    }

    /// Every program is seen to hold nothing of what it had taken.
    fn look_for_rest(&mut self) -> Result<(), WorldFault> {
        let mut busy: Vec<Site> = self.world.sites().collect();
        for _ in 0..GLANCES {
            busy.retain(|site| self.world.still_holds(*site).is_some());
            if busy.is_empty() {
                return Ok(());
            }
            self.world.pass(GLANCE)?;
        }
        let at = self.world.now.at;
        for site in busy {
            if let Some(what) = self.world.still_holds(site) {
                self.world.ledger.violated(at, Invariant::Bounded, what);
            }
        }
        Ok(())
    }

    /// Nothing is sent any more but signs of life, nothing is held, and nothing is left in a database. Then somebody leaves, and
    /// everybody's table says so.
    pub(super) fn calm(&mut self) -> Result<(), WorldFault> {
        if !self.world.ledger.violations().is_empty() {
            return Ok(());
        }
        self.world.pass(CALM)?;
        self.listen()?;
        self.look_for_rest()?;
        self.world.command(0, Command::Deregister);
        self.world.pass(GOODBYE)?;
        self.world.stop();
        let mut differ = self.world.tables_that_differ()?;
        differ.extend(self.world.rooms_known_otherwise()?);
        for what in differ {
            self.world
                .ledger
                .violated(self.world.now.at, Invariant::SameTable, what);
        }
        for what in self.world.ledger.wrong_about_rooms() {
            self.world
                .ledger
                .violated(self.world.now.at, Invariant::InOrOut, what);
        }
        self.world.compare_mailboxes();
        for what in self.world.ledger.untold() {
            self.world
                .ledger
                .violated(self.world.now.at, Invariant::ComesToAnEnd, what);
        }
        for what in self.world.left_over()? {
            self.world
                .ledger
                .violated(self.world.now.at, Invariant::ComesToAnEnd, what);
        }
        Ok(())
    }
}
