//! That a program is found guilty that leaves too early, in silence, too late, or says that it ends otherwise than it does.

use super::*;
use crate::client::interface::{Ending, Trust};
use crate::simulation::ledger::leaving::ENDS_WITHIN;

const AT_WORK: (bool, bool) = (false, true);
const LEAVING: (bool, bool) = (true, false);

impl Play {
    fn input_ends(&mut self) {
        self.later(1);
        self.ledger.turned(self.now, 0, AT_WORK);
        self.later(1);
        self.ledger.input_ends(self.now, 0, false);
    }

    fn leaves(&mut self) {
        self.later(1);
        self.ledger.turned(self.now, 0, LEAVING);
        self.later(1);
    }

    fn ends(&mut self, ending: Ending) {
        self.is_told(&Event::Ended(ending));
    }
}

fn waiting() -> Event {
    Event::Waiting { to: name(1) }
}

#[test]
fn who_leaves_once_his_message_is_stored_may() {
    let mut play = Play::new();
    play.given();
    play.input_ends();
    play.deposited();
    play.is_told(&stored());
    play.stored();
    play.leaves();
    play.ends(Ending::Done);
    assert_eq!(play.found(), []);
}

#[test]
fn nobody_leaves_in_silence() {
    let mut play = Play::new();
    play.input_ends();
    play.later(15);
    play.leaves();
    play.ends(Ending::Done);
    assert_eq!(play.found(), [Invariant::LeavesSettled]);
}

#[test]
fn who_had_patience_says_at_last_what_waits() {
    let mut play = Play::new();
    play.input_ends();
    play.later(15);
    play.leaves();
    play.is_told(&waiting());
    play.ends(Ending::Done);
    assert_eq!(play.found(), []);
}

#[test]
fn who_had_none_should_not_have_left() {
    let mut play = Play::new();
    play.input_ends();
    play.leaves();
    play.is_told(&waiting());
    assert_eq!(play.found(), [Invariant::LeavesSettled]);
}

#[test]
fn what_is_found_to_be_another_one_waits_again_though_all_was_settled() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    play.is_told(&stored());
    play.stored();
    play.input_ends();
    play.leaves();
    play.arrives_as(client::Outcome::Conflict);
    play.is_told(&waiting());
    assert_eq!(play.found(), []);
}

#[test]
fn whom_the_registry_never_had_leaves_for_that() {
    let mut play = Play::new();
    play.ledger.input_ends(play.now, 0, false);
    play.leaves();
    play.is_told(&waiting());
    assert_eq!(play.found(), []);
}

#[test]
fn patience_begins_anew_with_each_state() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    play.input_ends();
    play.later(13);
    play.is_told(&stored());
    play.ledger.turned(play.now, 0, AT_WORK);
    play.later(10);
    play.leaves();
    play.is_told(&waiting());
    assert_eq!(play.found(), [Invariant::LeavesSettled]);
}

#[test]
fn one_line_is_not_of_two_messages() {
    let mut play = Play::new();
    let key = Key(2);
    let slot = Slot {
        sequence: Sequence(1),
        ..slot()
    };
    play.accepts(key, slot);
    play.is_told(&waiting());
    play.input_ends();
    play.leaves();
    play.ends(Ending::Done);
    assert_eq!(play.found(), [Invariant::LeavesSettled]);
}

#[test]
fn mail_that_was_there_before_is_not_left_behind() {
    for left_behind in [false, true] {
        let mut play = Play::new();
        play.given();
        play.deposited();
        play.stored();
        // It is the recipient whose input ends.
        play.later(1);
        play.ledger.begins(play.now, 1);
        play.ledger.turned(play.now, 1, AT_WORK);
        play.ledger.input_ends(play.now, 1, false);
        if !left_behind {
            play.arrives();
            play.answers(storage::Ending::Freed(100));
            let message = Incoming {
                id: MessageId {
                    sender: card(0).id,
                    slot: slot(),
                },
                from: name(0),
                at: None,
                trust: Trust::default(),
                sent_at: WallTime::from_unix_ms(9),
                text: play.ledger.letters()[0].text.clone(),
                road: Road::Direct,
            };
            play.ledger.told(play.now, 1, &Event::Incoming(message));
        }
        play.later(1);
        play.ledger.turned(play.now, 1, LEAVING);
        play.later(1);
        play.ledger.told(play.now, 1, &Event::Ended(Ending::Done));
        let found: &[Invariant] = if left_behind {
            &[Invariant::LeavesSettled]
        } else {
            &[]
        };
        assert_eq!(play.found(), found);
    }
}

#[test]
fn whoever_was_registered_has_reached_the_registry() {
    for (ending, found) in [
        (Ending::Done, 0),
        (Ending::Unreached, 1),
        (Ending::ServerSilent, 1),
        (Ending::Storage, 1),
    ] {
        let mut play = Play::new();
        play.is_told(&waiting());
        play.input_ends();
        play.leaves();
        play.ends(ending);
        assert_eq!(play.found().len(), found, "{ending:?}");
    }
}

#[test]
fn where_all_is_well_nothing_waits() {
    let mut play = Play::new();
    play.is_told(&waiting());
    play.ledger.is_well = true;
    play.input_ends();
    play.leaves();
    play.ends(Ending::Done);
    assert_eq!(play.found(), [Invariant::LeavesSettled]);
}

#[test]
fn the_end_is_waited_for_while_something_moves() {
    let mut play = Play::new();
    assert_eq!(play.ledger.is_gone_by(0), None, "he types");
    play.input_ends();
    assert_eq!(play.ledger.is_gone_by(0), Some(play.now + ENDS_WITHIN));
    play.arrives();
    play.is_told(&received());
    assert_eq!(play.ledger.is_gone_by(0), Some(play.now + ENDS_WITHIN));
    play.ledger.stirs(0, play.now + ENDS_WITHIN);
    assert_eq!(play.ledger.is_gone_by(0), Some(play.now + ENDS_WITHIN * 2));
}
