//! Who lists whom where there is no registry, and where they are at home.
//!
//! People are listed by their homes' addresses, wherever others see them later (PROTOCOL §9.9).
//! Invariant: of any two at least one lists the other, and nobody ever lists fewer than before.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::dice::{Chance, Dice};

/// Worlds in which not all list each other …
const LOPSIDED: Chance = Chance::percent(40);
/// … and of any two there how often only one does.
const ONE_SIDED: Chance = Chance::percent(40);

/// The people of a world without a registry.
#[derive(Clone, Debug)]
pub(super) struct Circle {
    homes: Vec<SocketAddr>,
    /// Whom each has listed at first.
    lists: Vec<BTreeSet<usize>>,
    /// Whether everybody has listed everybody since.
    is_whole: bool,
    /// Those who were ever seen elsewhere, and who at whose home.
    moved: BTreeSet<usize>,
    guests: BTreeSet<(usize, usize)>,
}

impl Circle {
    /// People with these homes.
    pub(super) fn drawn(homes: Vec<SocketAddr>, dice: &mut Dice) -> Self {
        let people = homes.len();
        let mut lists: Vec<BTreeSet<usize>> = (0..people)
            .map(|one| (0..people).filter(|other| *other != one).collect())
            .collect();
        let is_lopsided = dice.chance(LOPSIDED);
        for (one, list) in lists.iter_mut().enumerate() {
            // Whom he does not list lists him: whoever comes later is not asked.
            list.retain(|other| *other < one || !is_lopsided || !dice.chance(ONE_SIDED));
        }
        // And in half of them it is the other way round.
        if is_lopsided && dice.chance(Chance::percent(50)) {
            lists = (0..people)
                .map(|one| {
                    let lists = |other: &usize| lists.get(*other).is_some_and(|list| list.contains(&one));
                    (0..people).filter(lists).collect()
                })
                .collect();
        }
        Self {
            homes,
            lists,
            is_whole: false,
            moved: BTreeSet::new(),
            guests: BTreeSet::new(),
        }
    }

    /// Where somebody is at home.
    pub(super) fn home(&self, person: usize) -> Option<SocketAddr> {
        self.homes.get(person).copied()
    }

    /// Whose home that is.
    pub(super) fn who(&self, address: SocketAddr) -> Option<usize> {
        self.homes.iter().position(|home| *home == address)
    }

    /// Whether the one lists the other.
    pub(super) fn lists(&self, one: usize, other: usize) -> bool {
        one != other && (self.is_whole || self.listed_at_first(one, other))
    }

    fn listed_at_first(&self, one: usize, other: usize) -> bool {
        self.lists.get(one).is_some_and(|list| list.contains(&other))
    }

    /// Whom somebody lists.
    pub(super) fn listed_by(&self, one: usize) -> impl Iterator<Item = usize> {
        (0..self.homes.len()).filter(move |other| self.lists(one, *other))
    }

    /// Whether all list each other, and did so from the first.
    pub(super) fn was_whole(&self) -> bool {
        let people = self.homes.len();
        self.lists.iter().all(|list| list.len() + 1 == people)
    }

    /// Everybody lists everybody from now on. Whose list has grown.
    pub(super) fn make_whole(&mut self) -> Vec<usize> {
        let people = self.homes.len();
        let grown = (0..people).filter(|one| self.listed_by(*one).count() + 1 < people);
        let grown = grown.collect();
        self.is_whole = true;
        grown
    }

    /// Somebody is seen there from now on.
    pub(super) fn moves(&mut self, person: usize, address: SocketAddr) {
        self.moved.insert(person);
        if let Some(owner) = self.who(address).filter(|owner| *owner != person) {
            self.guests.insert((owner, person));
        }
    }

    /// Whether somebody was ever seen at the home of another.
    pub(super) fn was_at_home_of(&self, owner: usize, person: usize) -> bool {
        self.guests.contains(&(owner, person))
    }

    /// Whether anybody was.
    pub(super) fn had_guests(&self, owner: usize) -> bool {
        self.guests.iter().any(|(of, _)| *of == owner)
    }

    /// Whether somebody may have been turned away by another: that one has not listed him, or not where he called from.
    pub(super) fn may_turn_away(&self, one: usize, other: usize) -> bool {
        !self.listed_at_first(one, other) || self.moved.contains(&other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_any_two_one_lists_the_other_and_in_the_end_both_do() {
        let (mut whole, mut older, mut younger) = (0, 0, 0);
        for seed in 0..200 {
            let homes = (1..=4).map(|port| ([10, 0, 0, 1], port).into()).collect();
            let mut circle = Circle::drawn(homes, &mut Dice::new(seed, 10));
            whole += u32::from(circle.was_whole());
            let mut short = BTreeSet::new();
            for one in 0..4 {
                for other in 0..one {
                    let (there, back) = (circle.lists(one, other), circle.lists(other, one));
                    assert!(there || back, "seed {seed}: {one} and {other}");
                    older += u32::from(!there);
                    younger += u32::from(!back);
                    short.extend((!there).then_some(one));
                    short.extend((!back).then_some(other));
                }
            }
            assert!(circle.make_whole().into_iter().eq(short));
            assert!((0..4).all(|one| circle.listed_by(one).count() == 3));
        }
        assert!((100..150).contains(&whole), "{whole}");
        assert!(older > 50 && younger > 50, "{older}, {younger}");
    }
}
