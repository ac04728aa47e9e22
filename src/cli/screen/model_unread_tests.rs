//! What is not in sight: it is counted until one looks, and nothing goes where it is not seen to go.

use crossterm::event::{KeyCode, KeyModifiers};

use super::tests::{marks, notices, texts, with_bob};
use super::*;
use crate::cli::render::tests::message;
use crate::cli::screen::conversation::Mark;
use crate::cli::screen::keys::{Next, as_typed_here, is_kept};
use crate::cli::screen::trial::{AT, Trial, name, own_message};
use crate::client::interface::{Contact, Event, Incoming, NotAccepted, Refusal, Road, Trust};
use crate::client::storage::State;

const NO: KeyModifiers = KeyModifiers::NONE;

#[test]
fn what_comes_behind_the_help_is_counted_until_one_looks() {
    let mut trial = with_bob();
    for look in [KeyCode::F(1), KeyCode::Esc, KeyCode::Tab, KeyCode::Enter] {
        trial.draw(80, 24);
        trial.press_f1();
        trial.comes("bob", "hi", AT);
        assert_eq!((trial.model.unread(), trial.model.open.unread), (1, 1));
        if look == KeyCode::Enter {
            trial.types("/poke bob");
        } else {
            trial.press(look, NO);
        }
        assert_eq!(
            (trial.model.unread(), trial.model.over.is_none()),
            (0, true),
            "{look:?}"
        );
    }
}

#[test]
fn the_next_unread_conversation_is_another_before_it_is_the_open_one() {
    let mut trial = with_bob();
    for n in 0..40 {
        trial.comes("bob", "hi", AT + n);
    }
    trial.comes("eve", "hi", AT);
    trial.draw(80, 24);
    trial.press_page_up();
    trial.comes("bob", "more", AT + 50);
    assert_eq!(trial.model.unread(), 2);
    trial.press(KeyCode::Tab, NO);
    assert_eq!(
        (trial.model.open.title.as_str(), trial.model.unread()),
        ("eve", 1)
    );
    trial.press(KeyCode::Tab, NO);
    assert_eq!(
        (trial.model.open.title.as_str(), trial.model.unread()),
        ("bob", 0)
    );
}

#[test]
fn trouble_is_said_where_one_looks_and_moves_nothing() {
    let mut trial = with_bob();
    for n in 0..40 {
        trial.comes("bob", "hi", AT + n);
    }
    trial.draw(80, 24);
    trial.press_page_up();
    let anchor = trial.model.open.anchor;
    assert!(anchor.is_some());
    trial.press_f1();
    trial.told(Event::Trouble("the disk is full".to_owned()));
    assert_eq!((trial.model.open.anchor, trial.model.open.unread), (anchor, 1));
    assert!(trial.model.over.is_some());
    trial.press_f1();
    assert!(trial.drawn(80, 24).contains("↓ 1 new, Esc: latest"));
    trial.press(KeyCode::Esc, NO);
    assert!(notices(&trial).contains("the disk is full"));
    assert_eq!(trial.model.unread(), 0);
}

#[test]
fn what_will_not_arrive_is_worth_a_look() {
    let mut trial = with_bob();
    trial.types("one");
    trial.types("two");
    trial.accepted(1);
    trial.types("/poke eve");
    trial.became(
        1,
        Event::Refused {
            to: name("bob"),
            sent_at: crate::cli::screen::trial::at(AT),
            reason: Refusal::NoSuchName,
        },
    );
    trial.not_accepted(2, Event::NotAccepted(NotAccepted::OutboxFull));
    assert_eq!(trial.model.unread(), 2);
    trial.press(KeyCode::Tab, NO);
    assert_eq!(
        (trial.model.open.title.as_str(), trial.model.unread()),
        ("bob", 0)
    );
    assert!(marks(&trial).iter().all(|(_, mark)| *mark == Some(Mark::Refused)));
}

#[test]
fn a_mark_changes_wherever_the_message_stands() {
    let mut trial = with_bob();
    trial.history_again("bob", &[own_message(1, "hello", State::Stored)]);
    trial.types("/search hello");
    trial.found("hello", &[own_message(1, "hello", State::Stored)]);
    trial.became(101, Event::Received { to: name("bob") });
    assert_eq!(marks(&trial)[0].1, Some(Mark::Delivered));
    trial.press(KeyCode::Esc, NO);
    assert_eq!(marks(&trial)[0].1, Some(Mark::Delivered));
}

#[test]
fn nothing_goes_where_it_is_not_seen_to_go() {
    let mut trial = with_bob();
    trial.press_f1();
    trial.types_without_enter("secret");
    assert!(trial.drawn(40, 10).contains("Enter: back to bob"));
    assert_eq!(trial.press(KeyCode::Enter, NO), Next::Key);
    assert_eq!((trial.wanted(), trial.model.input.text()), (Vec::new(), "secret"));
    assert!(trial.model.over.is_none());
    assert_eq!(trial.press(KeyCode::Enter, NO), Next::Typed);
    assert_eq!(texts(&trial), ["secret"]);
}

#[test]
fn what_is_not_sent_is_not_kept() {
    let mut trial = Trial::new("alice");
    assert_eq!(trial.types("to nobody"), Next::Key);
    assert_eq!(trial.model.input.text(), "to nobody");
}

#[test]
fn what_is_a_command_at_one_end_is_no_text_at_the_other() {
    for (typed, here) in [
        ("send bob secret", "/send bob secret"),
        ("@bob: secret", "/@bob: secret"),
        ("$userlist", "/$userlist"),
        ("/userlist", "/userlist"),
        ("hello", "hello"),
    ] {
        assert_eq!(as_typed_here(typed.to_owned()), here);
    }
    for (line, kept) in [
        ("/send bob hi", true),
        ("hello", true),
        ("send me a card", false),
        ("/etc is a folder", false),
        ("//etc is a folder", false),
        (" hello", false),
    ] {
        assert_eq!(is_kept(line), kept, "{line}");
    }
    let mut trial = with_bob();
    let past = vec![as_typed_here("send eve secret".to_owned())];
    trial.model.input.remember(past);
    trial.press(KeyCode::Up, NO);
    trial.press(KeyCode::Enter, NO);
    assert_eq!(trial.model.open.title, "eve", "it goes where it went");
}

#[test]
fn whoever_was_introduced_at_the_prompt_is_not_introduced_again() {
    let mut trial = with_bob();
    let Event::Incoming(one) = message("hi", Road::Direct) else {
        panic!("a message");
    };
    let first = Event::Incoming(Incoming {
        trust: Trust::New,
        ..one
    });
    let heard = std::sync::Arc::clone(&trial.model.settings.heard);
    assert_eq!(heard.introduction(&Event::Registered { returning: true }), None);
    assert!(heard.introduction(&first).is_some());
    trial.told(first);
    trial.press(KeyCode::Tab, NO);
    assert_eq!(texts(&trial), ["hi"]);
    assert!(!notices(&trial).contains("First met"));
}

/// Bob, by address.
fn contact() -> Contact {
    Contact {
        address: "192.0.2.7:4000".parse().unwrap(),
        name: Some(name("bob")),
    }
}

#[test]
fn whoever_is_written_to_by_address_answers_there() {
    let address = contact().address;
    let mut trial = Trial::new("alice");
    trial.comes_over(address, "bob", "hi", AT);
    trial.press(KeyCode::Tab, NO);
    assert_eq!(trial.model.open.with, Some(Partner::At(address)));
    trial.comes("bob", "by name", AT);
    trial.press(KeyCode::Tab, NO);
    assert_eq!(trial.model.open.with, Some(Partner::Person(name("bob"))));
}
