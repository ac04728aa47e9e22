//! The end of what people type: their programs end by themselves, and are started again.
//!
//! Whether a program may end then, and how, is the ledger's business.
//! Invariant: once nothing more is typed nothing is, until the next run.

use std::time::Duration;

use super::dice::Chance;
use super::invariant::Invariant;
use super::world::{Chore, Site, World, WorldFault};
use crate::client::interface::Command;

impl World {
    /// Nothing more is typed at somebody's program. False if it does not listen now.
    pub(super) fn end_input(&mut self, number: usize) -> bool {
        let Some(person) = self.people.get(number) else {
            return false;
        };
        if person.typed_all || !person.machine.takes_commands(self.now.at) {
            return false;
        }
        let run = person.run;
        let leaving = person.machine.node().is_some_and(|node| node.role().is_leaving());
        self.note(Site::Person(number), || "types no more".into());
        self.ledger.input_ends(self.now.at, number, leaving);
        if let Some(person) = self.people.get_mut(number) {
            person.typed_all = true;
        }
        let taken = self.command(number, Command::LeaveSettled);
        self.look_again(number, run);
        taken
    }

    /// Whether somebody's program ends by itself, and has not yet.
    pub(super) fn is_ending(&self, number: usize) -> bool {
        let mut people = self.people.get(number).into_iter();
        people.any(|person| person.typed_all && person.machine.node().is_some())
    }

    /// Whether somebody's program ends in time is looked at when that is over, if it is the same.
    pub(super) fn look(&mut self, number: usize, run: u32) {
        let same = self.people.get(number).is_some_and(|person| person.run == run);
        if !same || !self.is_ending(number) {
            return;
        }
        if self.ledger.is_gone_by(number).is_some_and(|by| by <= self.now.at) {
            let what = format!("{} goes on, and nothing moves", self.name(Site::Person(number)));
            self.ledger.violated(self.now.at, Invariant::LeavesSettled, what);
        } else {
            self.look_again(number, run);
        }
    }

    fn look_again(&mut self, number: usize, run: u32) {
        if let Some(by) = self.ledger.is_gone_by(number) {
            self.plan(by, Chore::Look { person: number, run });
        }
    }

    /// Somebody whose program has ended for want of input stays away for a while. The next may be a script's.
    pub(super) fn rest(&mut self, number: usize) {
        let Some(person) = self.people.get_mut(number).filter(|person| person.typed_all) else {
            return;
        };
        person.has_script = self.rests.chance(self.scripts);
        let wait = self.rests.span(self.rest_at_most);
        self.plan(self.now.at + wait, Chore::Start(Site::Person(number)));
    }

    /// As `echo 'send bob hi' | udpchat`.
    pub(super) fn read_script(&mut self, number: usize) {
        let person = self.people.get_mut(number);
        if person.is_some_and(|person| std::mem::take(&mut person.has_script)) {
            let to = self.rests.index(self.people.len());
            if to != number {
                self.write(number, to, 0);
            }
            self.end_input(number);
        }
    }

    /// Whoever rests is back, and from now on nobody rests for longer than that, or runs a script.
    pub(super) fn end_rests(&mut self, longest: Duration) -> Result<(), WorldFault> {
        (self.rest_at_most, self.scripts) = (longest, Chance::NEVER);
        for number in 0..self.people.len() {
            let site = Site::Person(number);
            let Some(person) = self.people.get_mut(number) else {
                continue;
            };
            person.has_script = false;
            if person.typed_all && !self.runs(site) {
                self.forget(&Chore::Start(site));
                self.start(site)?;
            }
        }
        Ok(())
    }
}
