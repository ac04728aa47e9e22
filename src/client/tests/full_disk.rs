//! A disk that takes nothing for a while: what is owed to it stays bounded, and commands are heard.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{name, offline, online, receipt, text_of};
use crate::client::interface::{Command, Ending, Event, NotAccepted};
use crate::client::storage::Request;
use crate::engine::Role;
use crate::limits::REQUEST_RETRY;
use crate::transport::CloseCause;
use crate::wire::envelope::Verdict;
use crate::wire::message::{FromRegistry, ToPeer};

/// More than may be under way at the store.
const MANY: usize = 2_100;

/// The registry keeps all messages, so many of which it has said so before.
fn all_are_stored(driver: &mut Driver, answered: usize) {
    assert_eq!(driver.answer_deposits(answered), MANY);
    assert!(driver.states().iter().all(|state| *state == 1), "all are stored");
}

#[test]
fn what_the_registry_may_have_is_marked_in_portions() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.lose_registry();
    for _ in 0..MANY {
        driver.send("bob", "hi");
    }
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.disk = Disk::Fails;
    driver.registry_registers();
    assert!(driver.client.ready(), "Ctrl+C is heard");
    driver.disk = Disk::Commits;
    driver.pass(REQUEST_RETRY);
    all_are_stored(&mut driver, 0);
}

#[test]
fn what_the_registry_may_have_is_not_said_of_a_message_that_has_another_number_by_then() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    driver.disk = Disk::Fails;
    driver.pass(ms(500));
    driver.disk = Disk::Commits;
    driver.pass(REQUEST_RETRY.saturating_sub(ms(200)));
    let conflict = receipt("bob", &sent[0], Verdict::Conflict);
    driver.hear_from(session, &ToPeer::Receipt(conflict));
    assert_eq!(driver.deliveries(session).len(), 2, "under its new number");
    driver.pass(ms(300));
    let image = driver.store.image().unwrap();
    assert!(!image.registries[0].outbox[0].deposited);
    driver.pass(ms(200));
    assert_eq!(driver.deposits().len(), 1);
    let image = driver.store.image().unwrap();
    assert!(image.registries[0].outbox[0].deposited);
}

#[test]
fn what_was_delivered_has_its_place_until_that_is_committed() {
    let mut config = Driver::config();
    config.limits.outbox_messages = 1;
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    driver.disk = Disk::Fails;
    let received = receipt("bob", &sent[0], Verdict::Received);
    driver.hear_from(session, &ToPeer::Receipt(received));
    driver.disk = Disk::Commits;
    driver.clear();
    driver.send("bob", "b");
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::OutboxFull)]);
    driver.pass(REQUEST_RETRY);
    driver.send("bob", "c");
    assert_eq!(text_of(&driver.deliveries(session)[0]), "c");
}

#[test]
fn nothing_new_is_begun_while_too_much_is_owed_to_the_disk() {
    let mut driver = Driver::registered(&[offline("bob")]);
    for _ in 0..MANY {
        driver.send("bob", "hi");
    }
    driver.disk = Disk::Fails;
    let mut answered = 0;
    for round in 0..3 {
        answered = driver.answer_deposits(answered);
        assert!(driver.client.ready(), "after {answered} in round {round}");
        driver.pass_alive(6);
    }
    driver.disk = Disk::Commits;
    driver.pass_alive(6);
    all_are_stored(&mut driver, answered);
}

#[test]
fn that_a_new_database_keeps_a_message_is_committed_after_that_it_is_new() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.pass(ms(6_000));
    driver.send("bob", "hi");
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    driver.disk = Disk::Fails;
    driver.registered_in([1; 16]);
    driver.disk = Disk::Commits;
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    assert!(driver.events().contains(&Event::Stored { to: name("bob") }));
    driver.see();
    driver.pass_alive(6);
    assert_eq!(driver.states(), [1]);
    driver.restart();
    assert_eq!(driver.events(), [], "that was told");
}

#[test]
fn what_cannot_be_marked_is_said_to_wait_when_we_leave() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.peer_opens("bob");
    driver.send("bob", "hi");
    driver.disk = Disk::Fails;
    driver.pass(ms(500));
    driver.clear();
    driver.command(Command::Leave);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(
        driver.events(),
        [waiting, Event::Deregistered, Event::Ended(Ending::Done)]
    );
}

/// A client whose disk fails when bob, for whom there is a message, is to be pinned.
fn with_a_pin_that_fails() -> Driver {
    let mut driver = Driver::registered(&[]);
    driver.send("bob", "hi");
    driver.disk = Disk::Fails;
    driver.hear(FromRegistry::Found {
        record: online("bob"),
    });
    driver.clear();
    driver
}

#[test]
fn what_waits_for_a_pin_that_fails_is_said_to_wait_when_we_leave() {
    let mut driver = with_a_pin_that_fails();
    driver.command(Command::Leave);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    let waiting = Event::Waiting { to: name("bob") };
    assert!(driver.events().contains(&waiting));
}

#[test]
fn numbers_that_cannot_be_committed_do_not_pile_up() {
    let mut driver = Driver::registered(&[]);
    driver.disk = Disk::Fails;
    for _ in 0..50 {
        driver.close(REGISTRY, CloseCause::Reset);
        driver.pass(ms(25_000));
        driver.registry_opens();
    }
    driver.asked.clear();
    driver.pass(REQUEST_RETRY);
    let counters = driver
        .asked
        .iter()
        .filter(|request| matches!(request, Request::Counter(_)));
    assert_eq!(counters.count(), 1);
}

#[test]
fn what_follows_a_message_that_waits_for_our_disk_does_not_overtake_it() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.peer_opens("bob");
    driver.send("bob", "first");
    driver.disk = Disk::Fails;
    driver.pass(ms(500));
    driver.disk = Disk::Commits;
    driver.send("bob", "second");
    driver.pass(ms(2_000));
    driver.pass_alive(4);
    let deposited: Vec<String> = driver
        .deposits()
        .iter()
        .map(|deposit| text_of(&deposit.forward))
        .collect();
    assert_eq!(deposited, ["first", "second"]);
}

#[test]
fn what_waits_for_a_pin_that_fails_is_said_to_wait_when_the_registry_is_gone() {
    let mut driver = with_a_pin_that_fails();
    driver.lose_registry();
    driver.pass(ms(3_000));
    let waiting = Event::Waiting { to: name("bob") };
    assert!(driver.events().contains(&waiting));
}

#[test]
fn a_recipient_is_told_that_nothing_comes_below_only_when_that_is_committed() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    driver.disk = Disk::Fails;
    let received = receipt("bob", &sent[0], Verdict::Received);
    driver.hear_from(session, &ToPeer::Receipt(received));
    driver.disk = Disk::Commits;
    driver.send("bob", "b");
    driver.pass(REQUEST_RETRY);
    driver.send("bob", "c");
    let floors: Vec<u64> = driver
        .deliveries(session)
        .iter()
        .map(|forward| forward.floor.0)
        .collect();
    // If we die in between we send the first one again, and he may have lost his database.
    assert_eq!(floors[..2], [0, 0]);
    assert_eq!(floors.last(), Some(&1));
}
