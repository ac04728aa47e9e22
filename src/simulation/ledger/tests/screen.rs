//! That lines are found guilty that stand in the wrong place, or say of whom and when they are what is not so.

use super::*;
use crate::client::interface::{Incoming, Road, Trust};

fn slot_of(number: usize) -> Slot {
    Slot {
        epoch: Epoch(5),
        sequence: Sequence(u64::try_from(number).unwrap()),
    }
}

/// c1 has written two messages to c2.
fn two() -> Play {
    let mut play = Play::new();
    writes(&mut play, 1);
    play
}

/// c1 writes his next message to c2.
fn writes(play: &mut Play, number: usize) {
    let key = Key(1 + u64::try_from(number).unwrap());
    play.accepts(key, slot_of(number));
}

impl Play {
    fn comes(&mut self, number: usize) {
        self.comes_as(number, name(0), 9);
    }

    fn comes_as(&mut self, number: usize, from: Name, sent_ms: i64) {
        let receive = Receive {
            id: MessageId {
                sender: card(0).id,
                slot: slot_of(number),
            },
            hash: HASH,
            floor: Sequence(0),
            from,
            pin: None,
            sent_at: WallTime::from_unix_ms(sent_ms),
            text: self.ledger.letters()[number].text.clone(),
            stored: false,
            room: None,
            address: None,
            at: WallTime::from_unix_ms(10),
        };
        let received = Received {
            outcome: client::Outcome::Fresh,
            at: receive.at,
            next: Sequence(1),
            shown: None,
            shown_before: false,
        };
        let (request, reply) = (Request::Receive(receive), Reply::Received(received));
        self.ledger.client_committed(self.now, 1, &request, &reply);
    }

    fn line(&self, number: usize, road: Road) -> Incoming {
        Incoming {
            id: MessageId {
                sender: card(0).id,
                slot: slot_of(number),
            },
            from: name(0),
            at: None,
            trust: Trust::default(),
            sent_at: WallTime::from_unix_ms(9),
            text: self.ledger.letters()[number].text.clone(),
            road,
        }
    }

    fn reads(&mut self, number: usize, road: Road) {
        let line = self.line(number, road);
        self.ledger.told(self.now, 1, &Event::Incoming(line));
    }
}

#[test]
fn lines_in_their_turn_are_accepted_and_so_is_one_that_comes_after_the_hold() {
    let mut play = two();
    play.comes(0);
    play.comes(1);
    play.reads(0, Road::Direct);
    play.reads(1, Road::Direct);
    assert_eq!(play.found(), []);

    let mut play = two();
    play.comes(1);
    play.later(2);
    play.reads(1, Road::Direct);
    play.comes(0);
    play.reads(0, Road::Late);
    assert_eq!(play.found(), []);
}

#[test]
fn what_was_overtaken_says_that_it_is_late() {
    let mut play = two();
    play.comes(1);
    play.later(2);
    play.reads(1, Road::Direct);
    play.comes(0);
    play.reads(0, Road::Direct);
    assert_eq!(play.found(), [Invariant::InOrder]);
}

#[test]
fn what_was_overtaken_before_the_hold_was_over_is_found_by_its_own_line() {
    let mut play = two();
    play.comes(1);
    play.later(1);
    play.reads(1, Road::Direct);
    play.comes(0);
    play.reads(0, Road::Late);
    assert_eq!(play.found(), [Invariant::InOrder]);
}

#[test]
fn what_was_held_longest_takes_others_with_it_even_if_a_crash_cut_off_its_mark() {
    for shown_again in [false, true] {
        let mut play = two();
        writes(&mut play, 2);
        play.comes(2);
        play.later(2);
        play.comes(1);
        play.reads(1, Road::Direct);
        play.reads(2, Road::Direct);
        let id = play.line(1, Road::Direct).id;
        play.ledger
            .marks(play.now, 1, &[client::Told::Incoming(id)], true);
        play.later(1);
        play.ledger.begins(play.now, 1);
        if shown_again {
            play.reads(2, Road::Direct);
            play.later(1);
        }
        play.comes(0);
        play.reads(0, Road::Late);
        assert_eq!(play.found(), []);
    }
}

#[test]
fn what_comes_in_its_turn_is_not_late() {
    let mut play = two();
    play.comes(0);
    play.reads(0, Road::Late);
    assert_eq!(play.found(), [Invariant::InOrder]);
}

#[test]
fn numbers_of_another_epoch_have_no_order_with_these_once_a_folder_was_restored() {
    let mut play = two();
    let copy = play.ledger.copy_of_folder(0);
    play.ledger.other_folder(play.now, 0, &copy);
    play.comes(1);
    play.reads(1, Road::Direct);
    play.comes(0);
    play.reads(0, Road::Late);
    assert_eq!(play.found(), [Invariant::InOrder], "of one epoch they have");
}

#[test]
fn what_comes_is_by_whom_and_of_when_it_says() {
    let wrong: [fn(&mut Play); 2] = [
        |play| play.comes_as(0, name(1), 9),
        |play| play.comes_as(0, name(0), 10),
    ];
    for comes in wrong {
        let mut play = two();
        comes(&mut play);
        assert_eq!(play.found(), [Invariant::Authentic]);
    }
}

#[test]
fn a_line_says_by_whom_of_when_and_by_which_road() {
    let wrong: [fn(&mut Incoming); 3] = [
        |line| line.from = name(1),
        |line| line.sent_at = WallTime::from_unix_ms(10),
        |line| line.road = Road::Stored,
    ];
    for change in wrong {
        let mut play = two();
        play.comes(0);
        let mut line = play.line(0, Road::Direct);
        change(&mut line);
        play.ledger.told(play.now, 1, &Event::Incoming(line));
        assert_eq!(play.found(), [Invariant::Authentic]);
    }
}
