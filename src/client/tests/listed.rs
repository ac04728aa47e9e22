//! Without a registry: who is listed, who is believed to be the one there, and who gets nothing.

use super::driver::{Driver, ms};
use super::meeting::{card, contact, event, waiting};
use super::people::{address, message_from, name, person};
use crate::client::Config;
use crate::client::interface::{Command, ContactEvent, Event, NotAccepted};
use crate::id::Name;
use crate::transport::{CloseCause, ConnectFault, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::ToPeer;

#[test]
fn who_is_not_listed_gets_nothing_and_leaves_nothing() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.calls("eve", 66);
    assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)]);
    assert_eq!(driver.said(session), [""; 0]);
    driver.introduces(session, "eve");
    driver.hear_from(session, &ToPeer::Deliver(message_from("eve", 1, 0, 0, "hi")));
    assert_eq!(driver.said(session), [""; 0]);
    assert_eq!(driver.events(), []);
    assert!(driver.asked.is_empty(), "the disk hears nothing of it");
    assert!(driver.pins().is_empty() && driver.inbox().is_empty());
}

#[test]
fn who_was_met_is_let_in_from_anywhere() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.close(session, CloseCause::Reset);
    driver.say("hi");
    let elsewhere = driver.calls("bob", 9_999);
    assert_eq!(driver.closes, []);
    assert_eq!(driver.said(elsewhere), ["I am alice", "hi"]);
}

#[test]
fn another_at_his_address_is_refused_until_the_user_decides() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.close(session, CloseCause::Reset);
    let stranger = driver.calls("eve", 50);
    assert_eq!(driver.closes, [(stranger, CloseCode::NotAdmitted)]);
    let changed = event(ContactEvent::Changed {
        who: contact(50, Some("bob")),
        known: person("bob").id(),
        found: person("eve").id(),
    });
    assert_eq!(driver.events(), [changed]);
    driver.say("hi");
    driver.pass(ms(6_000));
    assert_eq!(driver.connects[0].expect, Some(person("bob").id()));
    driver.call_fails(50, ConnectFault::OtherIdentity(card("eve")));
    assert_eq!(driver.events(), [waiting(50, Some("bob"))], "told once of each");

    let trust = |who: &str| Command::TrustAt {
        address: address(50),
        fingerprint: person(who).id().fingerprint(),
    };
    driver.command(trust("mallory"));
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::NothingToTrust)]);
    driver.clear();
    driver.command(trust("eve"));
    let who = contact(50, Some("bob"));
    assert_eq!(driver.events(), [event(ContactEvent::Trusted { who })]);
    assert_eq!(driver.connects[0].expect, Some(person("eve").id()));
    let session = driver.answers(50, "eve");
    driver.introduces(session, "robert");
    assert_eq!(driver.said(session)[..2], ["I am alice", "hi"]);
    driver.restart();
    driver.open_port();
    assert_eq!(
        driver.connects[0].expect,
        Some(person("eve").id()),
        "and it stays so"
    );
}

#[test]
fn two_are_not_called_alike() {
    for taken in ["bob", "Bob", "alice"] {
        let mut driver = Driver::alone(&[50, 51]);
        driver.with_bob();
        driver.say("hi");
        driver.clear();
        let session = driver.turns_up("eve", 51);
        driver.introduces(session, taken);
        assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)]);
        assert_eq!(driver.said(session), ["I am alice"]);
        let events = driver.events();
        assert!(
            events.contains(&event(ContactEvent::NameTaken {
                address: address(51),
                name: taken.parse::<Name>().unwrap(),
            })),
            "{events:?}"
        );
        assert_eq!(driver.pins().len(), 1);
        driver.hear_from(session, &ToPeer::Deliver(message_from("eve", 1, 0, 0, "hi")));
        assert!(driver.inbox().is_empty());
    }
}

#[test]
fn who_does_not_list_us_is_said_so_once_and_not_called_in_a_loop() {
    let mut driver = Driver::alone(&[50]);
    driver.say("hi");
    for round in 0..3 {
        let session = driver.answers(50, "bob");
        driver.clear();
        driver.close(session, CloseCause::Remote(CloseCode::NotAdmitted));
        assert!(driver.connects.is_empty(), "a pause comes first");
        let not_listed = event(ContactEvent::NotListed {
            by: contact(50, None),
        });
        let events = driver.events();
        assert_eq!(events.contains(&not_listed), round == 0, "{events:?}");
        assert_eq!(events.contains(&waiting(50, None)), round == 0, "{events:?}");
        driver.pass(ms(1_000 << round));
        assert_eq!(driver.connects.len(), 1);
    }
    assert_eq!(driver.states(), [0]);
    assert!(driver.pins().is_empty());
}

#[test]
fn what_is_for_one_who_is_no_longer_listed_waits_and_that_is_said() {
    let mut driver = Driver::alone(&[50]);
    driver.with_bob();
    driver.close(SessionId(driver.sessions), CloseCause::Reset);
    driver.say("hi");
    driver.config = Config::without_registry(name("alice"), vec![address(51)]);
    driver.restart();
    driver.open_port();
    let waits = event(ContactEvent::Waiting {
        to: contact(50, Some("bob")),
        listed: false,
    });
    assert!(driver.events().contains(&waits));
    assert!(driver.connects.is_empty());
    let session = driver.calls("bob", 50);
    assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)]);
}

#[test]
fn of_two_who_come_from_one_address_the_first_to_introduce_himself_is_met() {
    let mut driver = Driver::alone(&[50]);
    let (first, second) = (driver.calls("eve", 50), driver.calls("bob", 50));
    driver.introduces(second, "bob");
    driver.introduces(first, "eve");
    assert_eq!(driver.closes, [(first, CloseCode::NotAdmitted)]);
    driver.hear_from(first, &ToPeer::Deliver(message_from("eve", 1, 0, 0, "hi")));
    assert_eq!(driver.pins(), [("@10.0.0.1:50".to_owned(), "bob".to_owned())]);
    assert!(driver.inbox().is_empty());
}

#[test]
fn who_was_let_in_before_the_user_trusted_another_is_heard_no_more() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.calls("eve", 50);
    driver.command(Command::TrustAt {
        address: address(50),
        fingerprint: person("eve").id().fingerprint(),
    });
    driver.clear();
    driver.hear_from(
        session,
        &ToPeer::Deliver(message_from("bob", 1, 0, 0, "still me")),
    );
    assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)]);
    assert!(driver.inbox().is_empty());
    driver.say("hi");
    assert_eq!(driver.connects[0].expect, Some(person("eve").id()));
}

#[test]
fn a_new_name_is_taken_and_kept() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.close(session, CloseCause::Reset);
    let session = driver.calls("bob", 50);
    driver.introduces(session, "robert");
    let renamed = event(ContactEvent::Renamed {
        who: contact(50, Some("robert")),
        was: name("bob"),
    });
    assert_eq!(driver.events(), [renamed]);
    assert_eq!(driver.pins(), [("@10.0.0.1:50".to_owned(), "robert".to_owned())]);
    driver.restart();
    driver.open_port();
    let listening = event(ContactEvent::Listening {
        port: 40,
        contacts: vec![contact(50, Some("robert"))],
    });
    assert_eq!(driver.events(), [listening]);
}

#[test]
fn in_one_session_he_has_one_name() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.introduces(session, "robert");
    assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)]);
    assert_eq!(driver.events(), [], "nobody else is called so");
    assert_eq!(driver.pins(), [("@10.0.0.1:50".to_owned(), "bob".to_owned())]);
}

#[test]
fn nobody_goes_by_a_word_of_the_program() {
    for word in ["Server", "lobby", "192.0.2.7"] {
        let mut driver = Driver::alone(&[50]);
        let session = driver.calls("bob", 50);
        driver.introduces(session, word);
        assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)], "{word}");
        assert!(driver.pins().is_empty());
        let taken = event(ContactEvent::NameTaken {
            address: address(50),
            name: name(word),
        });
        assert_eq!(driver.events(), [taken]);
    }
}

#[test]
fn our_own_packets_that_come_back_end_nothing_that_is_for_another() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.close(session, CloseCause::Reset);
    driver.say("hi");
    driver.pass(ms(6_000));
    driver.call_fails(50, ConnectFault::OtherIdentity(card("alice")));
    assert_eq!(driver.states(), [0]);
    driver.pass(ms(60_000));
    let session = driver.answers(50, "bob");
    assert_eq!(driver.texts_delivered(session), ["hi"]);
}

#[test]
fn what_was_seen_before_the_user_decided_is_not_told_as_a_change() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.close(session, CloseCause::Reset);
    driver.calls("eve", 50);
    driver.say("hi");
    driver.pass(ms(6_000));
    driver.command(Command::TrustAt {
        address: address(50),
        fingerprint: person("eve").id().fingerprint(),
    });
    driver.events();
    driver.call_fails(50, ConnectFault::OtherIdentity(card("eve")));
    let changed = |event: &Event| matches!(event, Event::Contact(ContactEvent::Changed { .. }));
    assert!(!driver.events().iter().any(changed));
}
