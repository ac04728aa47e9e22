//! Without a registry: who is called and when, and what becomes of what is said to him. Who is believed: `listed`.

use super::driver::{Disk, Driver, ms};
use super::people::{address, message_from, name, person, text_of};
use crate::client::Config;
use crate::client::interface::{Command, Contact, ContactEvent, Ending, Event, NotAccepted, Road};
use crate::engine::SocketRequest;
use crate::identity::Card;
use crate::transport::{ConnectFault, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::ToPeer;
use crate::wire::packet::Service;

pub(super) fn card(who: &str) -> Card {
    *person(who).card()
}

/// Bob lives at port 50, carol at 51.
pub(super) fn contact(port: u16, called: Option<&str>) -> Contact {
    Contact {
        address: address(port),
        name: called.map(name),
    }
}

pub(super) const fn event(event: ContactEvent) -> Event {
    Event::Contact(event)
}

pub(super) fn waiting(port: u16, called: Option<&str>) -> Event {
    event(ContactEvent::Waiting {
        to: contact(port, called),
        listed: true,
    })
}

pub(super) fn received(port: u16, called: &str) -> Event {
    let to = contact(port, Some(called));
    event(ContactEvent::Received { to })
}

pub(super) fn met(port: u16, called: &str) -> Event {
    event(ContactEvent::Met {
        who: contact(port, Some(called)),
        id: person(called).id(),
    })
}

impl Driver {
    /// Alice, with her port open, who lists these ports.
    pub(super) fn alone(ports: &[u16]) -> Self {
        let listed = ports.iter().copied().map(address).collect();
        let mut driver = Self::start_with(Config::without_registry(name("alice"), listed));
        driver.open_port();
        driver.clear();
        driver
    }

    pub(super) fn say(&mut self, text: &str) {
        let text = text.to_owned();
        self.command(Command::Say { text: text.into() });
    }

    /// Somebody answers alice's latest call of a port.
    pub(super) fn answers(&mut self, port: u16, who: &str) -> SessionId {
        let calls = self.connects.iter().rev();
        let call = *calls.clone().find(|call| call.address == address(port)).unwrap();
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.open(
            session,
            Some(call.attempt),
            Service::Peer,
            card(who),
            call.address,
        );
        session
    }

    /// Alice's latest call of a port is in vain.
    pub(super) fn silent(&mut self, port: u16) {
        self.call_fails(port, ConnectFault::Silent);
    }

    pub(super) fn call_fails(&mut self, port: u16, fault: ConnectFault) {
        let calls = self.connects.iter().rev();
        let call = *calls.clone().find(|call| call.address == address(port)).unwrap();
        self.fail(call.attempt, fault);
    }

    /// Somebody calls alice.
    pub(super) fn calls(&mut self, who: &str, port: u16) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.open(session, None, Service::Peer, card(who), address(port));
        session
    }

    pub(super) fn introduces(&mut self, session: SessionId, called: &str) {
        let name = name(called);
        self.hear_from(session, &ToPeer::Introduce { name });
    }

    /// A session in which bob was met.
    pub(super) fn with_bob(&mut self) -> SessionId {
        let session = self.calls("bob", 50);
        self.introduces(session, "bob");
        self.see();
        self.clear();
        session
    }

    /// Somebody answers alice's call of a port if there was one, or else calls her.
    pub(super) fn turns_up(&mut self, who: &str, port: u16) -> SessionId {
        if self.connects.iter().any(|call| call.address == address(port)) {
            self.answers(port, who)
        } else {
            self.calls(who, port)
        }
    }

    /// What was said in a session, in order: the name, or texts.
    pub(super) fn said(&self, session: SessionId) -> Vec<String> {
        let said = self.to_peer(session).into_iter().map(|message| match message {
            ToPeer::Introduce { name } => format!("I am {name}"),
            ToPeer::Deliver(forward) => text_of(&forward),
            ToPeer::Receipt(receipt) => format!("{:?}", receipt.verdict),
            ToPeer::Busy(busy) => format!("{:?}", busy.reason),
        });
        said.collect()
    }

    /// The names that are pinned, by conversation.
    pub(super) fn pins(&self) -> Vec<(String, String)> {
        let mut statement = self
            .store
            .connection()
            .prepare("SELECT folded, name FROM pin ORDER BY folded")
            .unwrap();
        let pins = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        pins.map(Result::unwrap).collect()
    }
}

#[test]
fn nobody_is_called_before_there_is_something_to_say() {
    let mut driver = Driver::start_with(Config::without_registry(name("alice"), vec![address(50)]));
    assert_eq!(driver.sockets, [SocketRequest::Open]);
    driver.open_port();
    assert_eq!(
        driver.events(),
        [event(ContactEvent::Listening {
            port: 40,
            contacts: vec![contact(50, None)],
        })]
    );
    driver.pass(ms(100_000));
    assert!(driver.connects.is_empty());
    driver.say("hi");
    let call = driver.connects[0];
    assert_eq!((call.address, call.expect), (address(50), None));
    assert_eq!((call.initials, call.interval), (3, ms(1_000)));
    // On a slow line the answer may take longer than that.
    driver.silent(50);
    driver.pass(ms(1_000));
    assert_eq!(driver.connects[1].interval, ms(2_000));
}

#[test]
fn the_first_message_waits_for_who_is_there_and_what_he_is_called() {
    let mut driver = Driver::alone(&[50]);
    driver.say("hi");
    let session = driver.answers(50, "bob");
    assert_eq!(driver.said(session), ["I am alice"]);
    driver.disk = Disk::Waits;
    driver.introduces(session, "bob");
    assert_eq!(
        driver.said(session),
        ["I am alice"],
        "not before it is committed who he is"
    );
    driver.commit();
    assert_eq!(driver.said(session), ["I am alice", "hi"]);
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(driver.events(), [met(50, "bob"), received(50, "bob")]);
    assert_eq!(driver.states(), [2]);
    assert_eq!(driver.pins(), [("@10.0.0.1:50".to_owned(), "bob".to_owned())]);
}

#[test]
fn a_line_is_a_message_to_each_with_a_state_of_its_own() {
    let mut driver = Driver::alone(&[50, 51]);
    driver.say("hi");
    assert_eq!(driver.connects.len(), 2);
    let session = driver.answers(51, "carol");
    driver.introduces(session, "carol");
    let sent = driver.deliveries(session);
    driver.answer_delivery("carol", session, &sent[0]);
    driver.silent(50);
    assert_eq!(
        driver.events(),
        [met(51, "carol"), received(51, "carol"), waiting(50, None)]
    );
    assert_eq!(driver.states(), [0, 2]);
}

#[test]
fn who_does_not_answer_is_called_again_until_he_does() {
    let mut driver = Driver::alone(&[50]);
    driver.say("hi");
    let mut pauses = Vec::new();
    for _ in 0..7 {
        driver.silent(50);
        let (before, calls) = (driver.now.at, driver.connects.len());
        while driver.connects.len() == calls {
            driver.pass(ms(500));
        }
        pauses.push(driver.now.at.since(before).as_millis());
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
    assert_eq!(driver.events(), [waiting(50, None)], "told once");
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert!(matches!(
        driver.events()[..],
        [
            Event::Contact(ContactEvent::Met { .. }),
            Event::Contact(ContactEvent::ReceivedLater { .. })
        ]
    ));
}

#[test]
fn whoever_types_has_him_called_soon() {
    let mut driver = Driver::alone(&[50]);
    driver.say("a");
    for pause in [1_000, 2_000, 4_000] {
        driver.silent(50);
        driver.pass(ms(pause));
    }
    driver.silent(50);
    driver.clear();
    driver.say("b");
    driver.pass(ms(999));
    assert!(driver.connects.is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.connects.len(), 1);
}

#[test]
fn what_waits_goes_when_he_calls() {
    let mut driver = Driver::alone(&[50]);
    driver.say("a");
    driver.say("b");
    driver.silent(50);
    driver.clear();
    let session = driver.calls("bob", 50);
    driver.introduces(session, "bob");
    assert_eq!(driver.said(session), ["I am alice", "a", "b"]);
}

#[test]
fn his_message_is_taken_even_if_it_overtakes_his_name() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.calls("bob", 50);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert_eq!(driver.said(session), ["I am alice", "Received"]);
    assert_eq!(driver.read(), [(Road::Direct, "hi".to_owned())]);
    driver.introduces(session, "bob");
    assert_eq!(driver.pins().len(), 1);
}

#[test]
fn who_never_says_what_he_is_called_is_waited_for_as_if_he_were_away() {
    let mut driver = Driver::alone(&[50]);
    driver.say("hi");
    let session = driver.answers(50, "bob");
    driver.pass(ms(999));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [waiting(50, None)]);
    driver.introduces(session, "bob");
    assert_eq!(driver.said(session), ["I am alice", "hi"]);
}

#[test]
fn one_peer_at_two_addresses_has_two_conversations() {
    let mut driver = Driver::alone(&[50, 51]);
    driver.say("hi");
    let session = driver.answers(50, "bob");
    let calls = driver.connects.clone();
    let again = calls.iter().find(|call| call.address == address(51)).unwrap();
    driver.open(
        session,
        Some(again.attempt),
        Service::Peer,
        card("bob"),
        address(50),
    );
    driver.introduces(session, "bob");
    assert_eq!(driver.said(session), ["I am alice", "hi", "hi"]);
    assert_eq!(driver.pins().len(), 2);
}

#[test]
fn one_s_own_address_is_left_out() {
    let mut driver = Driver::alone(&[40, 50]);
    driver.say("a");
    assert_eq!(driver.states(), [0]);
    assert!(driver.connects.iter().all(|call| call.address == address(50)));
    let mut driver = Driver::alone(&[40]);
    driver.say("a");
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::ToSelf)]);
}

#[test]
fn our_own_packets_that_are_sent_back_end_nothing() {
    let mut driver = Driver::alone(&[50]);
    driver.say("a");
    driver.call_fails(50, ConnectFault::OtherIdentity(card("alice")));
    let events = driver.events();
    assert!(
        matches!(&events[..], [Event::Trouble(sentence), waiting] if sentence.contains("comes back") && *waiting == self::waiting(50, None)),
        "{events:?}"
    );
    assert_eq!(driver.states(), [0]);
    driver.pass(ms(60_000));
    driver.clear();
    driver.say("b");
    let session = driver.turns_up("bob", 50);
    driver.introduces(session, "bob");
    assert_eq!(driver.said(session), ["I am alice", "a", "b"]);
}

#[test]
fn what_was_accepted_survives_and_is_tried_by_the_next_run() {
    let mut driver = Driver::alone(&[50, 51]);
    driver.say("hi");
    driver.silent(50);
    driver.see();
    driver.restart();
    assert!(driver.connects.is_empty(), "not before the port is open");
    driver.open_port();
    assert_eq!(driver.connects.len(), 2);
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    assert_eq!(driver.texts_delivered(session), ["hi"]);
}

#[test]
fn too_large_or_too_much_is_refused_for_all_at_once() {
    let mut driver = Driver::alone(&[50, 51]);
    driver.say(&"x".repeat(65_537));
    assert_eq!(
        driver.events(),
        [Event::NotAccepted(NotAccepted::TooLarge(65_537))]
    );
    let mut config = Config::without_registry(name("alice"), vec![address(50), address(51)]);
    config.limits.outbox_messages = 3;
    let mut driver = Driver::start_with(config);
    driver.open_port();
    driver.clear();
    driver.say("a");
    driver.say("b");
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::OutboxFull)]);
    assert_eq!(driver.states(), [0, 0]);
}

#[test]
fn a_lifetime_ends_here() {
    let mut config = Config::without_registry(name("alice"), vec![address(50)]);
    config.time_to_live = ms(20_000);
    let mut driver = Driver::start_with(config);
    driver.open_port();
    driver.say("hi");
    driver.silent(50);
    driver.clear();
    driver.pass(ms(600_000));
    assert!(matches!(
        driver.events()[..],
        [Event::Contact(ContactEvent::Expired { .. })]
    ));
    assert_eq!(driver.states(), [4]);
}

#[test]
fn the_end_of_the_input_waits_for_a_state_of_each_and_leaves() {
    let mut driver = Driver::alone(&[50, 51]);
    driver.say("hi");
    driver.command(Command::LeaveSettled);
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert!(!driver.events().contains(&Event::Ended(Ending::Done)));
    driver.silent(51);
    let events = driver.events();
    assert_eq!(events[0], waiting(51, None));
    assert_eq!(events.last(), Some(&Event::Ended(Ending::Done)));
    assert_eq!(driver.closes, [(session, CloseCode::Done)]);
}

#[test]
fn leaving_closes_all_and_calls_nobody() {
    let mut driver = Driver::alone(&[50, 51]);
    let session = driver.with_bob();
    driver.say("hi");
    driver.command(Command::Leave);
    assert_eq!(driver.closes, [(session, CloseCode::Done)]);
    assert_eq!(driver.abandoned.len(), 1, "carol's call");
    let events = driver.events();
    assert!(events.contains(&waiting(51, None)) && events.contains(&waiting(50, Some("bob"))));
    assert_eq!(events.last(), Some(&Event::Ended(Ending::Done)));
}

#[test]
fn what_an_earlier_run_held_back_is_shown_though_nothing_comes_before_it() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    assert_eq!(driver.read(), []);
    driver.see();
    driver.restart();
    driver.open_port();
    driver.pass(ms(1_999));
    assert_eq!(driver.read(), []);
    driver.pass(ms(1));
    assert_eq!(driver.read().len(), 1);
}
