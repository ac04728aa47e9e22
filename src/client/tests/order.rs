//! That later messages do not overtake earlier ones, whatever road those take; and bounds on what is under way.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, message_from, name, offline, online, text_of};
use crate::client::interface::Event;
use crate::engine::Role;
use crate::transport::SessionId;
use crate::wire::envelope::Verdict;
use crate::wire::message::{Deposit, FromRegistry, ToPeer};

/// One message is in the mailbox of bob, who is in session but did not answer it.
fn parked() -> (Driver, SessionId, Deposit) {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "first");
    driver.pass(ms(500));
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.clear();
    (driver, session, deposit)
}

#[test]
fn a_later_message_waits_for_the_outcome_of_a_stored_one_and_goes_directly() {
    let (mut driver, session, first) = parked();
    driver.send("bob", "second");
    driver.pass(ms(499));
    assert!(driver.deliveries(session).is_empty() && driver.deposits().is_empty());
    driver.outcome("bob", &first, Verdict::Received);
    assert_eq!(text_of(&driver.deliveries(session)[0]), "second");
}

#[test]
fn a_later_message_follows_a_stored_one_after_the_budget() {
    let (mut driver, session, _) = parked();
    driver.send("bob", "second");
    driver.send("bob", "third");
    driver.pass(ms(500));
    let texts: Vec<String> = driver
        .deposits()
        .iter()
        .map(|deposit| text_of(&deposit.forward))
        .collect();
    assert_eq!(texts, ["second", "third"]);
    assert!(driver.deliveries(session).is_empty());
    let no_answer = Event::NoAnswer { to: name("bob") };
    assert_eq!(driver.events(), [no_answer.clone(), no_answer]);
}

#[test]
fn without_the_registry_a_later_message_does_not_wait_for_a_stored_one() {
    let (mut driver, session, _) = parked();
    driver.lose_registry();
    driver.clear();
    driver.sign_of_life(session);
    driver.send("bob", "second");
    assert_eq!(text_of(&driver.deliveries(session)[0]), "second");
}

#[test]
fn messages_carry_the_lowest_number_that_is_not_final() {
    let (mut driver, session, first) = parked();
    driver.send("bob", "second");
    driver.pass(ms(500));
    assert_eq!(driver.deposits()[0].forward.floor.0, 0);
    driver.outcome("bob", &first, Verdict::Received);
    let second = driver.deposits()[0].clone();
    driver.answer_deposit(&second);
    driver.outcome("bob", &second, Verdict::Received);
    driver.send("bob", "third");
    let third = &driver.deliveries(session)[0];
    assert_eq!((third.floor.0, id_of(third).slot.sequence.0), (2, 2));
}

#[test]
fn a_gap_is_held_for_two_seconds_in_whatever_order_the_registry_is_heard() {
    for replayed_first in [false, true] {
        let mut driver = Driver::start();
        driver.open_port();
        driver.registry_opens();
        if replayed_first {
            driver.drained();
        }
        driver.registry_registers();
        driver.directory(&[online("bob")]);
        if !replayed_first {
            driver.drained();
        }
        let session = driver.peer_opens("bob");
        let second = message_from("bob", 1, 1, 0, "second");
        driver.hear_from(session, &ToPeer::Deliver(second));
        driver.pass(ms(1_999));
        assert_eq!(driver.read(), [], "replayed first: {replayed_first}");
        driver.pass(ms(1));
        assert_eq!(driver.read().len(), 1, "replayed first: {replayed_first}");
    }
}

#[test]
fn one_conversation_does_not_hold_up_another() {
    let mut driver = Driver::registered(&[online("bob"), offline("carol")]);
    driver.send("bob", "a");
    driver.send("carol", "b");
    assert_eq!(driver.deposits().len(), 1, "while bob is being called");
}

#[test]
fn a_window_bounds_what_the_registry_owes() {
    let mut driver = Driver::registered(&[offline("bob")]);
    for n in 0..20 {
        driver.send("bob", &n.to_string());
    }
    let deposits = driver.deposits();
    assert_eq!(deposits.len(), 16);
    driver.answer_deposit(&deposits[0]);
    assert_eq!(driver.deposits().len(), 17);
}

#[test]
fn a_script_waits_while_most_of_the_outbox_is_on_its_way_but_not_for_the_absent() {
    let mut config = Driver::config();
    config.limits.outbox_messages = 40;
    let mut driver = Driver::registered_with(config, &[offline("bob")]);
    for _ in 0..29 {
        driver.send("bob", "hi");
    }
    assert!(driver.client.takes_commands());
    driver.send("bob", "hi");
    assert!(!driver.client.takes_commands() && driver.client.ready());
    let deposits = driver.deposits();
    driver.answer_deposit(&deposits[0]);
    assert!(driver.client.takes_commands());
    driver.send("bob", "hi");
    assert!(!driver.client.takes_commands());
    driver.pass(ms(2_500));
    assert!(
        driver.client.takes_commands(),
        "all that is left waits, and says so"
    );
}

#[test]
fn a_busy_registry_gets_fewer_deposits_at_once() {
    let mut driver = Driver::registered(&[offline("bob")]);
    for n in 0..16 {
        driver.send("bob", &n.to_string());
    }
    let first = driver.deposits()[0].clone();
    driver.clear();
    driver.hear(FromRegistry::Busy(crate::wire::message::Busy {
        of: Some(id_of(&first.forward).slot),
        reason: crate::wire::message::BusyReason::Rate,
        retry_after_ms: 1_000,
    }));
    driver.pass(ms(1_000));
    assert_eq!(driver.deposits().len(), 8);
    assert_eq!(text_of(&driver.deposits()[0].forward), "0", "in order");
    assert!(driver.paper.paths.contains_key(&REGISTRY));
}
