//! A client of a registry that writes to an address: the same as without one, beside the registry.

use super::driver::{Driver, ms};
use super::meeting::{contact, event, met, received, waiting};
use super::people::{address, id_of, message_from, name, online, person, usurped};
use crate::client::interface::{Command, ContactEvent, Event, NotAccepted, Trust, Whose};
use crate::limits::LISTED_MAX;
use crate::transport::{CloseCause, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::{Busy, BusyReason, ToPeer};

impl Driver {
    fn send_at(&mut self, port: u16, text: &str) {
        self.command(Command::SendAt {
            address: address(port),
            text: text.into(),
        });
    }
}

#[test]
fn what_is_for_an_address_goes_there_and_never_to_the_registry() {
    let mut driver = Driver::registered(&[]);
    driver.send_at(50, "hi");
    assert_eq!(driver.connects[0].address, address(50));
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    driver.pass(ms(20_000));
    assert_eq!(driver.events(), [met(50, "bob"), waiting(50, Some("bob"))]);
    assert!(driver.deposits().is_empty());
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    driver.send_at(50, "again");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, sent.last().unwrap());
    let events = driver.events();
    assert!(matches!(
        events[0],
        Event::Contact(ContactEvent::ReceivedLater { .. })
    ));
    assert_eq!(events[1], received(50, "bob"));
}

/// Who has written to an address, where bob has answered.
fn writes_to_bob() -> (Driver, SessionId) {
    let mut driver = Driver::registered(&[]);
    driver.send_at(50, "hi");
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    (driver, session)
}

#[test]
fn who_does_not_find_out_who_we_are_is_said_not_to_let_us_in() {
    let (mut driver, session) = writes_to_bob();
    let of = id_of(&driver.deliveries(session)[0]);
    let not_listed = event(ContactEvent::NotListed {
        by: contact(50, Some("bob")),
    });
    let mut told = Vec::new();
    for _ in 0..5 {
        let busy = ToPeer::Busy(Busy {
            of,
            reason: BusyReason::UnknownSender,
            retry_after_ms: 5_000,
        });
        driver.hear_from(session, &busy);
        told.push(driver.events().contains(&not_listed));
        driver.pass(ms(5_000));
    }
    assert_eq!(
        told,
        [false, false, false, true, false],
        "it may be found out yet, and is said once"
    );
}

#[test]
fn who_was_met_so_is_heard_and_who_was_not_is_left_to_the_registry() {
    let (mut driver, session) = writes_to_bob();
    driver.close(session, CloseCause::Idle);
    let session = driver.calls("bob", 9_999);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hello")));
    assert_eq!(driver.inbox(), ["hello"]);

    let session = driver.calls("eve", 66);
    driver.introduces(session, "eve");
    driver.hear_from(session, &ToPeer::Deliver(message_from("eve", 1, 0, 0, "me too")));
    assert_eq!(
        driver.said(session),
        ["I am alice"],
        "and the registry is asked who eve is"
    );
    assert_eq!(driver.inbox(), ["hello"]);
}

#[test]
fn the_registry_knows_better_whose_a_name_is() {
    let mut driver = Driver::registered(&[usurped()]);
    driver.send_at(51, "hi");
    let session = driver.answers(51, "bob");
    driver.introduces(session, "bob");
    assert_eq!(driver.closes, [(session, CloseCode::NotAdmitted)]);
    let (address, name) = (address(51), name("bob"));
    let events = driver.events();
    assert!(
        events.contains(&event(ContactEvent::NameTaken { address, name })),
        "{events:?}"
    );

    let mut driver = Driver::registered(&[online("bob")]);
    driver.send_at(51, "hi");
    let session = driver.answers(51, "bob");
    driver.introduces(session, "bob");
    assert_eq!(driver.texts_delivered(session), ["hi"], "and here it is he");
}

#[test]
fn the_next_run_goes_on_with_what_waits() {
    let mut driver = Driver::registered(&[]);
    driver.send_at(50, "hi");
    driver.silent(50);
    assert_eq!(driver.events(), [waiting(50, None)]);
    driver.restart();
    driver.come_up();
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    assert_eq!(driver.texts_delivered(session), ["hi"]);
    assert_eq!(driver.contact_name(50), contact(50, Some("bob")).name);
}

impl Driver {
    fn contact_name(&self, port: u16) -> Option<crate::id::Name> {
        self.client.contacts.contact(address(port)).name
    }
}

#[test]
fn there_is_a_bound_to_the_addresses_of_a_run() {
    let mut driver = Driver::registered(&[]);
    for number in 0..=u16::try_from(LISTED_MAX).unwrap() {
        driver.send_at(100 + number, "hi");
    }
    assert_eq!(driver.states().len(), LISTED_MAX);
    assert_eq!(
        driver.events(),
        [Event::NotAccepted(NotAccepted::TooManyAddresses)]
    );
}

#[test]
fn a_name_that_two_may_be_meant_by_is_not_written_to() {
    let mut driver = Driver::registered(&[]);
    driver.send_at(51, "hi");
    let session = driver.answers(51, "eve");
    driver.introduces(session, "bob");
    driver.events();
    driver.send("Bob", "secret");
    let (name, address) = (name("Bob"), address(51));
    assert_eq!(
        driver.events(),
        [Event::NotAccepted(NotAccepted::Ambiguous { name, address })]
    );
    assert_eq!(driver.texts_delivered(session), ["hi"]);

    let mut driver = Driver::registered(&[online("bob")]);
    driver.send_at(51, "hi");
    let session = driver.answers(51, "bob");
    driver.introduces(session, "bob");
    driver.events();
    driver.send("bob", "and here it is he");
    assert!(
        !driver
            .events()
            .iter()
            .any(|event| matches!(event, Event::NotAccepted(_)))
    );
}

#[test]
fn a_fingerprint_says_whether_messages_are_sealed_for_it() {
    let mut driver = Driver::registered(&[online("bob")]);
    let ask = |driver: &mut Driver, of: Option<&str>| {
        driver.command(Command::Fingerprint { of: of.map(name) });
        driver.events()
    };
    let bob = |whose| Event::Fingerprint {
        whose,
        id: Some(person("bob").id()),
        trust: Trust::New,
    };
    assert_eq!(ask(&mut driver, Some("bob")), [bob(Whose::Listed(name("bob")))]);
    driver.send("bob", "hi");
    driver.events();
    assert_eq!(ask(&mut driver, Some("bob")), [bob(Whose::Person(name("bob")))]);
    driver.send_at(50, "hi");
    let session = driver.answers(50, "eve");
    driver.introduces(session, "eve");
    driver.events();
    let own = Event::Fingerprint {
        whose: Whose::Own,
        id: Some(person("alice").id()),
        trust: Trust::Known,
    };
    let eve = Event::Fingerprint {
        whose: Whose::Contact(contact(50, Some("eve"))),
        id: Some(person("eve").id()),
        trust: Trust::New,
    };
    assert_eq!(ask(&mut driver, None), [own, eve]);
}
