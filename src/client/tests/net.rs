//! Which sessions are up, and what is told of them.

use super::driver::{Driver, ms};
use super::people::{address, name, online};
use crate::client::interface::{Command, Contact, Event, Net, Other, RegistryLink};
use crate::transport::{CloseCause, ConnectFault, SessionId, SessionStats};

impl Driver {
    fn net(&mut self) -> Net {
        self.events();
        self.command(Command::Net);
        match self.events().pop() {
            Some(Event::Net(net)) => net,
            other => panic!("{other:?}"),
        }
    }

    /// What the endpoint says of a session from now on: heard this long ago.
    fn goes(&mut self, session: SessionId, heard_ago: u64) {
        let stats = SessionStats {
            opened_at: self.now.at - ms(10_000),
            heard_at: self.now.at - ms(heard_ago),
            rtt: ms(40),
            ..SessionStats::default()
        };
        self.paper.stats.insert(session, stats);
    }
}

fn others(net: &Net) -> Vec<(Other, u128)> {
    let told = net.sessions.iter();
    told.map(|report| (report.with.clone(), report.heard.as_millis()))
        .collect()
}

#[test]
fn the_registrys_session_comes_first_and_then_who_was_heard_last() {
    let mut driver = Driver::registered(&[online("bob"), online("carol")]);
    let registry = driver.client.link.session().unwrap();
    let bob = driver.peer_opens("bob");
    let carol = driver.peer_opens("carol");
    driver.pass(ms(20_000));
    for (session, heard_ago) in [(registry, 9_000), (bob, 3_000), (carol, 1_000)] {
        driver.goes(session, heard_ago);
    }
    let net = driver.net();
    assert_eq!(net.registry, Some(RegistryLink::Registered));
    assert_eq!(
        others(&net),
        [
            (Other::Registry, 9_000),
            (Other::Person(name("carol")), 1_000),
            (Other::Person(name("bob")), 3_000),
        ]
    );
    assert_eq!(
        (net.sessions[0].age, net.sessions[0].stats.rtt),
        (ms(10_000), ms(40))
    );
    driver.close(carol, CloseCause::Idle);
    assert_eq!(others(&driver.net()).len(), 2, "what is over is not told of");
}

#[test]
fn round_trips_are_told_as_they_went_when_something_came() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    for _ in 0..3 {
        driver.goes(session, 0);
        driver.introduces(session, "bob");
        driver.pass(ms(1_000));
    }
    let told = |net: &Net| net.sessions.iter().map(|report| report.rtt_recent.len()).max();
    assert_eq!(told(&driver.net()), Some(3));
}

#[test]
fn where_we_stand_with_the_registry_is_said() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    assert_eq!(driver.net().registry, Some(RegistryLink::Silent));
    driver.command(Command::Deregister);
    assert_eq!(driver.net().registry, Some(RegistryLink::Offline));
}

#[test]
fn without_a_registry_they_are_named_by_their_addresses() {
    let mut driver = Driver::alone(&[50, 51]);
    driver.say("hi");
    let session = driver.answers(50, "bob");
    driver.introduces(session, "bob");
    driver.call_fails(51, ConnectFault::Silent);
    driver.goes(session, 0);
    let net = driver.net();
    let bob = Other::Contact(Contact {
        address: address(50),
        name: Some(name("bob")),
    });
    assert_eq!((net.registry, others(&net)), (None, vec![(bob, 0)]));
    assert_eq!(net.sessions[0].address, address(50));
}
