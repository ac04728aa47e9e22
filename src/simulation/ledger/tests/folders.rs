//! That one whose folder is an older copy is judged by what it has, and by no less.

use super::registry::{OTHER_ID, loses_all};
use super::*;

#[test]
fn what_a_folder_has_never_heard_of_is_not_asked_of_it() {
    let mut play = Play::new();
    play.ledger.other_folder(play.now, 0, &Folder::default());
    assert_eq!(play.ledger.untold(), Vec::<String>::new());
    assert!(!play.ledger.letters()[0].is_accepted());
    // It was under way already.
    play.arrives();
    assert_eq!(play.found(), []);
    play.is_told(&received());
    assert_eq!(
        play.found(),
        [Invariant::CommittedFirst],
        "of nothing that he knows"
    );
}

#[test]
fn what_was_told_since_the_copy_was_made_is_told_again() {
    let mut play = Play::new();
    let copy = play.ledger.copy_of_folder(0);
    play.arrives();
    for _ in 0..2 {
        play.is_told(&received());
        play.finishes(Finish::Delivered);
        play.has_seen(DELIVERED);
        assert_eq!(play.found(), []);
        play.ledger.other_folder(play.now, 0, &copy);
        play.ledger.begins(play.now, 0);
    }
    let copy = play.ledger.copy_of_folder(0);
    play.is_told(&received());
    play.finishes(Finish::Delivered);
    play.has_seen(DELIVERED);
    play.ledger.other_folder(play.now, 0, &copy);
    play.is_told(&expired());
    assert_eq!(play.found(), [Invariant::CommittedFirst], "that was never so");
}

#[test]
fn what_a_copy_takes_for_stored_may_be_told_until_it_hears_otherwise() {
    let mut play = Play::new();
    play.given();
    let unknown = play.ledger.copy_of_folder(0);
    play.deposited();
    play.stored();
    let copy = play.ledger.copy_of_folder(0);
    loses_all(&mut play);
    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    play.is_told(&Event::StoredAgain { messages: 1 });
    play.has_seen(client::State::Waiting);

    play.ledger.other_folder(play.now, 0, &copy);
    play.ledger.begins(play.now, 0);
    play.is_told(&stored());
    play.has_seen(client::State::Stored);
    assert_eq!(play.found(), [], "the copy knows that database only");
    play.client(&Request::StoreId(OTHER_ID), &Reply::Done);
    play.is_told(&Event::StoredAgain { messages: 1 });
    play.has_seen(client::State::Waiting);
    assert_eq!(play.found(), []);
    play.is_told(&stored());
    assert_eq!(play.found(), [Invariant::CommittedFirst], "it has heard");

    play.ledger.other_folder(play.now, 0, &unknown);
    play.ledger.begins(play.now, 0);
    play.is_told(&stored());
    assert_eq!(play.found(), [Invariant::CommittedFirst; 2], "it never knew");
}

#[test]
fn what_fell_out_of_an_inbox_may_come_once_more() {
    let mut play = Play::new();
    play.arrives();
    play.ledger.other_folder(play.now, 1, &Folder::default());
    play.arrives();
    assert_eq!(play.found(), []);
    play.arrives();
    assert_eq!(play.found(), [Invariant::OnceInInbox]);
}
