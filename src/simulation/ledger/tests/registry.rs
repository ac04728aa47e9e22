//! Faults of a registry, and that one whose database was lost is judged by what it has then.

use super::*;
use crate::limits::TIME_TO_LIVE;

#[test]
fn what_the_registry_may_have_the_registry_ends() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    play.later(100);
    play.finishes(Finish::Expired);
    assert_eq!(play.found(), [Invariant::HonestEnd]);

    let mut play = Play::new();
    play.given();
    play.later(100);
    play.finishes(Finish::Expired);
    assert_eq!(play.found(), [], "it never got there");
    play.deposited();
    assert_eq!(play.found(), [Invariant::HonestEnd]);
}

#[test]
fn what_is_refused_for_want_of_room_found_none() {
    let full = DepositRefusal::SenderFull;
    let known = storage::Request::Known {
        sender: MemberId(0),
        slot: slot(),
        hash: HASH,
    };
    let refused = Finish::Refused(Refusal::Registry(full));
    let mut play = Play::new();
    play.finishes(refused);
    assert_eq!(
        play.found(),
        [Invariant::HonestEnd],
        "the registry was not even asked"
    );

    let mut play = Play::new();
    play.ledger
        .registry_asks(play.now, &known, [].iter(), Unheard::default());
    assert_eq!(play.found(), [Invariant::HonestEnd], "there is room");

    let mut play = Play::new();
    let other = storage::Request::Deposit(Box::new(Play::mail()));
    play.ledger
        .registry_asks(play.now, &known, [other].iter(), Unheard::default());
    play.finishes(refused);
    assert_eq!(play.found(), [], "the place is taken");

    let mut play = Play::new();
    play.given();
    play.deposited();
    let more = storage::Request::Deposit(Box::new(Play::mail()));
    play.ledger
        .registry_asks(play.now, &more, [].iter(), Unheard::default());
    assert_eq!(play.found(), [Invariant::Bounded], "nobody has two places here");
}

#[test]
fn strangers_have_half_of_a_mailbox() {
    let known = storage::Request::Known {
        sender: MemberId(0),
        slot: slot(),
        hash: HASH,
    };
    let from = |sender| {
        storage::Request::Deposit(Box::new(NewMail {
            sender: MemberId(sender),
            ..Play::mail()
        }))
    };
    let (one, other) = (from(0), from(2));
    let mut play = Play::new();
    play.ledger
        .registry_asks(play.now, &one, [other.clone()].iter(), Unheard::default());
    assert_eq!(play.found(), [Invariant::Bounded], "another stranger has it");

    let mut play = Play::new();
    play.ledger.books.contacts.insert((MemberId(1), MemberId(0)));
    play.ledger
        .registry_asks(play.now, &one, [other.clone()].iter(), Unheard::default());
    assert_eq!(
        play.found(),
        [],
        "the other half is kept for whom he has written to"
    );
    play.ledger
        .registry_asks(play.now, &known, [other.clone()].iter(), Unheard(1));
    assert_eq!(
        play.found(),
        [],
        "the registry need not have heard of it that he has"
    );
    play.ledger
        .registry_asks(play.now, &known, [other].iter(), Unheard::default());
    assert_eq!(play.found(), [Invariant::HonestEnd], "there is room for him");
}

#[test]
fn a_receipt_that_comes_after_the_end_of_a_lifetime_is_not_dropped() {
    for (answered, found) in [(None, vec![Invariant::KeptUntilKnown]), (Some(()), vec![])] {
        let mut play = Play::new();
        play.given();
        play.deposited();
        play.later(100);
        play.expires();
        play.arrives();
        if answered.is_some() {
            play.answers(storage::Ending::Replaced);
        }
        play.answers(storage::Ending::Nothing);
        assert_eq!(play.found(), found);
    }
}

#[test]
fn what_is_gone_is_not_recorded_as_stored() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    let (sender, slot) = (MemberId(0), slot());
    let gone = storage::Reply::Forgotten(true);
    play.registry(&storage::Request::Forget { sender, slot }, &gone);
    assert_eq!(
        play.found(),
        [Invariant::KeptUntilKnown],
        "its sender did not know"
    );
    play.stored();
    assert_eq!(play.found(), [Invariant::KeptUntilKnown; 2]);
}

/// The registry has lost all that it had.
pub(super) fn loses_all(play: &mut Play) {
    play.later(1);
    let books = Books::new(OTHER_ID);
    play.ledger.other_books(play.now, books, OTHER_ID);
}

#[test]
fn what_expired_where_nobody_had_the_name_may_be_kept_once_somebody_has_it() {
    let mut play = Play::new();
    play.given();
    play.later(100);
    loses_all(&mut play);
    play.joins(0);
    play.finishes(Finish::Expired);
    play.joins(1);
    // The same was asked before, and comes late.
    play.deposited();
    assert_eq!(play.found(), []);

    let mut play = Play::new();
    play.given();
    play.later(100);
    play.finishes(Finish::Expired);
    play.deposited();
    assert_eq!(
        play.found(),
        [Invariant::HonestEnd],
        "somebody had it all the time"
    );
}

fn stored_there(play: &mut Play, store_id: [u8; 16]) {
    let stored = Request::Stored {
        key: KEY,
        slot: slot(),
        store_id,
        at: WallTime::from_unix_ms(7),
    };
    play.client(&stored, &Reply::Done);
}

pub(super) const OTHER_ID: [u8; 16] = [8; 16];

#[test]
fn what_a_lost_database_had_may_be_told_until_that_is_known() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    loses_all(&mut play);
    play.is_told(&stored());
    stored_there(&mut play, STORE_ID);
    play.has_seen(client::State::Stored);
    assert_eq!(play.found(), [], "it was so, and he has not heard otherwise");

    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    play.is_told(&Event::StoredAgain { messages: 1 });
    play.has_seen(client::State::Waiting);
    assert_eq!(play.found(), []);
    play.is_told(&stored());
    assert_eq!(play.found(), [Invariant::CommittedFirst], "nobody has it now");
}

#[test]
fn what_another_database_has_not_is_not_recorded_as_stored_there() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    loses_all(&mut play);
    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    stored_there(&mut play, OTHER_ID);
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn what_a_copy_has_may_be_told_again() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    let copy = play.ledger.copy_of_books();
    play.later(1);
    play.ledger.other_books(play.now, copy, OTHER_ID);
    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    play.is_told(&Event::StoredAgain { messages: 1 });
    play.has_seen(client::State::Waiting);
    play.is_told(&stored());
    stored_there(&mut play, OTHER_ID);
    play.has_seen(client::State::Stored);
    assert_eq!(play.found(), []);
}

#[test]
fn what_is_kept_waits_again_only_where_there_is_another_database() {
    let mut play = Play::new();
    play.client(&Request::StoreId(STORE_ID), &Reply::Done);
    assert_eq!(play.found(), [Invariant::OneState], "he knew it");
    let mut play = Play::new();
    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    assert_eq!(play.found(), [Invariant::OneState], "there is none such");
    let mut play = Play::new();
    loses_all(&mut play);
    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    assert_eq!(play.found(), []);
}

#[test]
fn a_wrong_clock_ends_a_lifetime_by_no_more_than_a_day_for_each_start() {
    for (lives, found) in [(LIVES, vec![]), (TIME_TO_LIVE, vec![Invariant::HonestEnd])] {
        let mut play = Play::new();
        play.ledger.clocks_true = false;
        play.ledger.letters[0].lives = lives;
        play.finishes(Finish::Expired);
        assert_eq!(play.found(), found, "{lives:?}");
    }
}
