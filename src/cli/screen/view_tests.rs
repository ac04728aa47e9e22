//! The screen as it is drawn, to the letter.

use crate::cli::screen::keys::HELP;
use crate::cli::screen::trial::{AT, Trial, own_message, their_message};
use crate::client::interface::{Event, Refusal};
use crate::client::storage::{Finish, State};

#[test]
fn with_nobody_there() {
    let mut trial = Trial::new("alice");
    trial.told(Event::Registered { returning: false });
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
}

/// Bob, eve and a room; bob's is open.
fn three() -> Trial {
    let mut trial = Trial::new("alice");
    trial.told(Event::Registered { returning: true });
    trial.users(&[("bob", true), ("eve", false), ("carol", true)]);
    trial.net(12_400, 0);
    trial.comes("bob", "hi alice", AT);
    trial.types("/poke bob");
    trial.history("bob", &[their_message("bob", 0, "hi alice", AT, AT)]);
    trial.comes("eve", "are you there?", AT + 60_000);
    trial.posts("den", "carol", "who has the slides?", AT + 61_000);
    trial.posts("den", "bob", "I do", AT + 62_000);
    trial
}

#[test]
fn three_conversations_two_of_them_unread() {
    let mut trial = three();
    trial.types("hello bob, how are you?");
    trial.accepted(1);
    trial.received("bob", 1);
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
    insta::assert_snapshot!(trial.drawn(120, 40), @"");
}

#[test]
fn own_messages_in_each_state() {
    let mut trial = three();
    let refused = Finish::Refused(Refusal::NoSuchName);
    let states = [
        State::Waiting,
        State::Stored,
        State::Ended(Finish::Delivered),
        State::Ended(refused),
        State::Ended(Finish::Expired),
    ];
    let messages: Vec<_> = (1..)
        .zip(states)
        .map(|(n, state)| own_message(n, "one of mine", state))
        .collect();
    trial.history_again("bob", &messages);
    trial.types("not written down yet");
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
}

#[test]
fn a_changed_key() {
    let mut trial = three();
    trial.types("are you still you?");
    trial.accepted(1);
    trial.identity_changed("bob");
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
}

#[test]
fn long_lines_of_wide_characters() {
    let mut trial = three();
    trial.comes(
        "bob",
        "你好世界，这是一条很长的消息，它比屏幕更宽，所以必须换行。",
        AT + 70_000,
    );
    trial.comes(
        "bob",
        "first line\n  second line\n\u{1b}[31mred?\u{202e}",
        AT + 71_000,
    );
    trial.types_without_enter("我也写一行很长很长的文字，比四十列的屏幕还要宽得多");
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
}

#[test]
fn what_was_searched_for() {
    let mut trial = three();
    trial.types("/search slides");
    trial.found(
        "slides",
        &[their_message("carol", 3, "who has the slides?", AT, AT)],
    );
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
    trial.found("nothing", &[]);
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
}

#[test]
fn scrolled_back_with_days_and_late_arrivals() {
    let mut trial = three();
    let day = 86_400_000;
    let earlier: Vec<_> = (0..6_u64)
        .map(|n| {
            let received = AT - day * (6 - i64::try_from(n).unwrap());
            their_message(
                "bob",
                10 + n,
                &format!("message {n}"),
                received - 600_000,
                received,
            )
        })
        .collect();
    trial.history_again("bob", &earlier);
    trial.draw(40, 10);
    trial.press_page_up();
    trial.comes("bob", "something new", AT + 80_000);
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
    trial.press_page_up();
    trial.press_page_up();
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
}

#[test]
fn the_keys_explained_and_a_paste_of_several_lines() {
    let mut trial = three();
    trial.press_f1();
    insta::assert_snapshot!(trial.drawn(40, 10), @"");
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
    trial.press_f1();
    trial.pastes("one\r\ntwo\rthree");
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
}

#[test]
fn a_command_with_its_hint_and_its_answer() {
    let mut trial = three();
    trial.types("/nonsense");
    trial.types_without_enter("/send ");
    insta::assert_snapshot!(trial.drawn(80, 24), @"");
}

#[test]
fn the_readme_explains_the_same_keys() {
    let readme = include_str!("../../../README.md");
    for (keys, what) in HELP {
        let row = format!("| {keys} | {what} |");
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

proptest::proptest! {
    #[test]
    fn every_size_can_be_drawn(columns in 1_u16..130, rows in 1_u16..45, text in ".{0,80}") {
        let mut trial = three();
        trial.comes("bob", &text, AT + 90_000);
        trial.types_without_enter(&text);
        trial.drawn(columns, rows);
        trial.press_page_up();
        trial.drawn(columns, rows);
    }
}
