//! That one whose folder is an older copy is judged by what it has, and by no less.

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
fn what_fell_out_of_an_inbox_may_come_once_more() {
    let mut play = Play::new();
    play.arrives();
    play.ledger.other_folder(play.now, 1, &Folder::default());
    play.arrives();
    assert_eq!(play.found(), []);
    play.arrives();
    assert_eq!(play.found(), [Invariant::OnceInInbox]);
}
