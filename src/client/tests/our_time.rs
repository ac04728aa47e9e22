//! The time that we take ourselves, to listen and to commit: no silence of the registry's.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{name, offline};
use crate::client::interface::{Ending, Event};
use crate::transport::CloseCause;
use crate::wire::frame::CloseCode;
use crate::wire::message::{FromRegistry, RegistrationRefusal};

/// A client at its first start, whose port is open.
fn first_start() -> Driver {
    let mut driver = Driver::start();
    driver.open_port();
    driver
}

/// The registry ends the session in which nobody is online.
fn registry_ends(driver: &mut Driver) {
    driver.close(REGISTRY, CloseCause::Remote(CloseCode::Done));
}

/// The registry ends each session at once, for fifteen seconds; nothing is told before.
fn ends_each_session(driver: &mut Driver) {
    for _ in 0..30 {
        assert_eq!(driver.events(), []);
        driver.registry_opens();
        registry_ends(driver);
        driver.pass(ms(500));
    }
    driver.registry_opens();
    registry_ends(driver);
}

/// The registry answers, and nothing was told before.
fn is_registered(driver: &mut Driver) {
    driver.registry_registers();
    assert!(matches!(driver.events()[..], [Event::Registered { .. }]));
}

#[test]
fn an_answer_to_the_first_try_counts_however_late_we_come_to_hear_it() {
    let mut driver = first_start();
    driver.pass(ms(60_000));
    assert_eq!((driver.events(), driver.abandoned.len()), (vec![], 0));
    driver.registry_opens();
    is_registered(&mut driver);
}

#[test]
fn a_first_session_that_has_ended_before_we_hear_of_it_is_opened_again() {
    let mut driver = first_start();
    driver.pass(ms(120_000));
    driver.registry_opens();
    registry_ends(&mut driver);
    assert_eq!(driver.events(), []);
    driver.pass(ms(500));
    driver.registry_opens();
    is_registered(&mut driver);
}

#[test]
fn a_registry_that_ends_each_first_session_is_silent_after_fifteen_seconds() {
    let mut driver = first_start();
    ends_each_session(&mut driver);
    assert_eq!(
        driver.events(),
        [Event::ServerSilent, Event::Ended(Ending::ServerSilent)]
    );
}

#[test]
fn a_registry_is_not_silent_while_our_disk_is_slow_to_take_the_next_number() {
    let mut driver = Driver::in_first_session();
    driver.disk = Disk::Waits;
    let reason = RegistrationRefusal::CounterBehind { seen: 41 };
    driver.hear(FromRegistry::RegistrationRefused { reason });
    driver.pass(ms(50_000));
    assert_eq!((driver.events(), driver.closes.len()), (vec![], 0));
    driver.commit();
    assert_eq!(driver.last_register().counter, 42);
    is_registered(&mut driver);
}

#[test]
fn nor_when_it_ends_the_first_session_meanwhile() {
    let mut driver = first_start();
    driver.disk = Disk::Waits;
    driver.registry_opens();
    driver.pass(ms(60_000));
    registry_ends(&mut driver);
    assert_eq!(driver.events(), []);
    driver.pass(ms(500));
    driver.registry_opens();
    driver.commit();
    is_registered(&mut driver);
}

#[test]
fn nor_when_it_has_forgotten_us() {
    let mut driver = Driver::registered(&[]);
    driver.disk = Disk::Waits;
    driver.hear(FromRegistry::NotRegistered);
    driver.pass(ms(50_000));
    assert_eq!((driver.events(), driver.closes.len()), (vec![], 0));
    driver.commit();
    driver.registry_registers();
    assert!(driver.client.registered());
}

#[test]
fn a_session_of_whose_end_we_have_not_heard_yet_is_not_silent() {
    let mut driver = Driver::in_first_session();
    driver.paper.paths.remove(&REGISTRY);
    driver.pass(ms(20_000));
    assert_eq!(driver.events(), []);
    driver.close(REGISTRY, CloseCause::Remote(CloseCode::NotAdmitted));
    let refused = Event::RegistrationRefused {
        name: name("alice"),
        reason: RegistrationRefusal::NotAdmitted,
    };
    assert_eq!(driver.events(), [refused, Event::Ended(Ending::Refused)]);
}

#[test]
fn a_sleep_during_the_first_connection_leaves_the_round_where_it_is() {
    let mut driver = first_start();
    driver.sleep(ms(8 * 3_600_000));
    ends_each_session(&mut driver);
    let events = driver.events();
    assert_eq!(
        events.last(),
        Some(&Event::Ended(Ending::ServerSilent)),
        "{events:?}"
    );
}

#[test]
fn what_waits_for_a_registration_that_our_disk_holds_back_is_said_to_wait() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.disk = Disk::Fails;
    driver.hear(FromRegistry::NotRegistered);
    assert!(matches!(driver.events()[..], [Event::Trouble(_)]));
    driver.disk = Disk::Commits;
    driver.send("bob", "hi");
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    driver.pass(ms(5_000));
    driver.registry_registers();
    assert_eq!(driver.deposits().len(), 1);
}
