//! Faults of those who know each other by address: each is planted in what is committed or told of one, and found.

use std::net::SocketAddr;

use super::*;
use crate::client::interface::{Contact, ContactEvent};
use crate::client::storage::Met;
use crate::simulation::circle::Circle;
use crate::simulation::dice::Dice;

fn home(person: usize) -> SocketAddr {
    let port = 50 + u16::try_from(person).unwrap();
    ([10, 0, 0, 1], port).into()
}

fn contact(person: usize, called: usize) -> Contact {
    Contact {
        address: home(person),
        name: Some(name(called)),
    }
}

fn met(person: usize, called: usize, found: usize) -> Request {
    Request::Meet(Met {
        address: home(person),
        name: name(called),
        card: card(found),
    })
}

impl Play {
    /// c1 and c2 without a registry; c1 lists c2.
    fn alone(is_listed_back: bool) -> Self {
        let drawn = |seed| Circle::drawn(vec![home(0), home(1)], &mut Dice::new(seed, 10));
        let mut circles = (0..).map(drawn);
        let circle = circles.find(|circle| circle.lists(0, 1) && circle.lists(1, 0) == is_listed_back);
        let mut play = Self::new();
        play.ledger.circle = circle;
        play
    }

    fn is_told_of_people(&mut self, event: ContactEvent) {
        self.is_told(&Event::Contact(event));
    }
}

#[test]
fn nothing_gets_in_of_one_who_is_not_listed() {
    for (is_listed, found) in [(true, vec![]), (false, vec![Invariant::Authentic])] {
        let mut play = Play::alone(is_listed);
        play.arrives();
        assert_eq!(play.found(), found);
    }
}

#[test]
fn who_is_met_is_the_one_who_lives_there() {
    for (is_listed, request, is_so) in [
        (true, met(1, 1, 1), true),
        (true, met(1, 1, 0), false),
        (true, met(1, 0, 1), false),
        (true, met(0, 0, 0), false),
        (false, met(1, 1, 1), false),
    ] {
        let mut play = Play::alone(is_listed);
        play.client(&request, &Reply::Done);
        assert_eq!(play.found().is_empty(), is_so, "{request:?}");
    }
}

#[test]
fn nobody_is_told_that_he_has_met_somebody_before_that_is_committed() {
    let event = || ContactEvent::Met {
        who: contact(1, 1),
        id: card(1).id,
    };
    let mut play = Play::alone(true);
    play.client(&met(1, 1, 1), &Reply::Done);
    play.is_told_of_people(event());
    assert_eq!(play.found(), []);
    let mut play = Play::alone(true);
    play.is_told_of_people(event());
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn states_are_those_of_messages_to_whoever_lives_there() {
    let waiting = |to| ContactEvent::Waiting { to, listed: true };
    let mut play = Play::alone(true);
    play.is_told_of_people(waiting(contact(1, 1)));
    assert_eq!(play.found(), []);
    for (event, found) in [
        (waiting(contact(1, 0)), Invariant::OneState),
        (waiting(contact(0, 0)), Invariant::OneState),
        (
            ContactEvent::Received { to: contact(1, 1) },
            Invariant::CommittedFirst,
        ),
        (ContactEvent::Received { to: contact(1, 0) }, Invariant::Authentic),
    ] {
        let mut play = Play::alone(true);
        play.is_told_of_people(event);
        assert_eq!(play.found(), [found]);
    }
}

#[test]
fn nobody_is_turned_away_by_one_who_lists_him_or_has_long_known_him() {
    let turned_away = || ContactEvent::NotListed { by: contact(1, 1) };
    for (is_listed, found) in [(false, vec![]), (true, vec![Invariant::Authentic])] {
        let mut play = Play::alone(is_listed);
        play.is_told_of_people(turned_away());
        assert_eq!(play.found(), found);
    }
    // Called from elsewhere he is a stranger to whoever has not met him.
    for (has_met, found) in [(false, vec![]), (true, vec![Invariant::Authentic])] {
        let mut play = Play::alone(true);
        if has_met {
            play.later(1);
            let met = met(0, 0, 0);
            play.ledger.client_committed(play.now, 1, &met, &Reply::Done);
            play.later(300);
        }
        let circle = play.ledger.circle.as_mut().unwrap();
        circle.moves(0, ([10, 1, 0, 1], 1).into());
        play.is_told_of_people(turned_away());
        assert_eq!(play.found(), found);
    }
}

#[test]
fn another_is_found_only_where_he_has_been() {
    let changed = || ContactEvent::Changed {
        who: contact(1, 1),
        known: card(1).id,
        found: card(0).id,
    };
    for (was_there, found) in [(true, vec![]), (false, vec![Invariant::Authentic])] {
        let mut play = Play::alone(true);
        if was_there {
            play.ledger.circle.as_mut().unwrap().moves(0, home(1));
        }
        play.is_told_of_people(changed());
        assert_eq!(play.found(), found);
    }
}

#[test]
fn a_text_for_several_is_a_message_to_each() {
    let mut play = Play::alone(true);
    let all = (0, [1, 2].as_slice());
    let text = play.ledger.typed_to_all(play.now, all, 10, LIVES);
    let numbers = [1, 2].map(|to| play.ledger.number_to(to, &text));
    assert_eq!(numbers, [Some(1), Some(2)]);
    assert_eq!(play.ledger.unanswered[0].len(), 2);
    // The disk has not taken one of them; then it is not taken at all.
    play.ledger.not_accepted(play.now, 0, 2);
    assert_eq!(play.ledger.unanswered[0].len(), 1);
    play.ledger.typed_to_all(play.now, all, 10, LIVES);
    play.ledger.is_for_one(0, 6);
    play.ledger.not_accepted(play.now, 0, 6);
    assert_eq!(play.ledger.unanswered[0].len(), 1, "another one's is waited for");
    assert_eq!(play.found(), []);
}
