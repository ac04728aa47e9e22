//! What is different in a world without a registry: people know each other by their addresses.
//!
//! Who lists whom is the circle's business, whether what comes of it may be so the ledger's.
//! Invariant: where there is a registry, programs and people do here what they always did.

use std::net::SocketAddr;

use super::dice::Dice;
use super::world::{REGISTRY, Site, World};
use crate::client;
use crate::client::interface::{Command, Partner, Text};

impl World {
    /// What somebody's program is started with.
    pub(super) fn config(&self, number: usize) -> Option<client::Config> {
        let name = self.people.get(number)?.name.clone();
        let config = match &self.ledger.circle {
            Some(circle) => {
                let listed = circle.listed_by(number);
                let contacts = listed.filter_map(|other| circle.home(other)).collect();
                client::Config::without_registry(name, contacts)
            }
            None => client::Config {
                join: self.plan.trouble.quarters.joined_by(number),
                ..client::Config::new(name, REGISTRY.into())
            },
        };
        Some(client::Config {
            time_to_live: self.plan.trouble.lives,
            limits: self.plan.trouble.limits,
            receipts: self.plan.trouble.receipts,
            ..config
        })
    }

    /// Whether somebody writes to another at all: people write to those whom they list.
    pub(super) fn writes_to(&self, from: usize, to: usize) -> bool {
        let circle = self.ledger.circle.as_ref();
        circle.is_none_or(|circle| circle.lists(from, to))
    }

    /// A text for somebody, as it is typed.
    pub(super) fn addressed(&self, to: usize, text: Text) -> Option<Command> {
        match &self.ledger.circle {
            Some(circle) => circle.home(to).map(|address| Command::SendAt { address, text }),
            None => {
                let to = self.people.get(to)?.name.clone();
                Some(Command::Send { to, text })
            }
        }
    }

    /// Somebody, as whoever talks with him calls him.
    pub(super) fn partner(&self, person: usize) -> Option<Partner> {
        match &self.ledger.circle {
            Some(circle) => circle.home(person).map(Partner::At),
            None => Some(Partner::Person(self.people.get(person)?.name.clone())),
        }
    }

    /// Somebody writes to all whom he lists.
    pub(super) fn say(&mut self, from: usize, length: usize) {
        let circle = self.ledger.circle.as_ref().filter(|_| self.may_type(from));
        let (Some(circle), Some(person)) = (circle, self.people.get(from)) else {
            return;
        };
        // Where one's own program is, nobody else is told anything.
        let here = |other: &usize| circle.home(*other) == person.machine.local;
        let all: Vec<usize> = circle.listed_by(from).filter(|other| !here(other)).collect();
        if all.is_empty() {
            return;
        }
        let lives = self.plan.trouble.lives;
        let text = self.ledger.typed_to_all(self.now.at, (from, &all), length, lives);
        self.note(Site::Person(from), || format!("says {text:.7} to all"));
        let text = self.ledger.tagged(from, text);
        self.command(from, Command::Say { text });
    }

    /// A home that somebody moves to, if he does: his own, or that of one who is out and whom all have met who list him.
    /// Before that, or with a folder that has forgotten it, he would be met there as the one who lives there, and rightly so.
    pub(super) fn house(&self, person: usize, dice: &mut Dice) -> Option<SocketAddr> {
        let circle = self.ledger.circle.as_ref()?;
        let owner = match dice.below(4) {
            0 | 1 => return None,
            2 => person,
            _ => dice.index(self.people.len()),
        };
        let may_come = owner == person || (self.plan.trouble.relapses == 0 && self.ledger.is_known(owner));
        let home = circle.home(owner)?;
        (may_come && !self.addresses.contains_key(&home)).then_some(home)
    }

    /// Everybody is at home again, and lists everybody. For a longer list a program is started anew.
    pub(super) fn gather(&mut self) {
        let Some(circle) = &mut self.ledger.circle else {
            return;
        };
        let grown = circle.make_whole();
        let homes: Vec<_> = (0..self.people.len())
            .filter_map(|number| Some((number, circle.home(number)?)))
            .collect();
        for (number, home) in homes {
            if self.address(Site::Person(number)) != home {
                self.move_to(number, home);
            }
        }
        for number in grown {
            self.kill(Site::Person(number));
        }
    }
}
