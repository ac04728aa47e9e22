//! New numbers after a conflict: a database that was restored from a copy.

use super::driver::{Disk, Driver, ms};
use super::people::{id_of, name, offline, online, person, receipt, text_of, usurped};
use crate::client::interface::{Command, Event};
use crate::transport::SessionId;
use crate::wire::envelope::Verdict;
use crate::wire::message::{Change, Forward, FromRegistry, ToPeer};

fn in_session() -> (Driver, SessionId) {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.clear();
    (driver, session)
}

/// "a" and "b" are on their way to bob.
fn two_under_way() -> (Driver, SessionId, Vec<Forward>) {
    let (mut driver, session) = in_session();
    driver.send("bob", "a");
    driver.send("bob", "b");
    let sent = driver.deliveries(session);
    driver.clear();
    (driver, session, sent)
}

/// Bob says that he has another message under this one's number.
fn conflict(driver: &mut Driver, session: SessionId, forward: &Forward) {
    let conflict = receipt("bob", forward, Verdict::Conflict);
    driver.hear_from(session, &ToPeer::Receipt(conflict));
}

fn texts(driver: &Driver, session: SessionId) -> Vec<String> {
    driver.deliveries(session).iter().map(text_of).collect()
}

#[test]
fn what_conflicts_while_new_numbers_are_committed_waits_for_its_own() {
    let (mut driver, session, sent) = two_under_way();
    driver.disk = Disk::Waits;
    conflict(&mut driver, session, &sent[0]);
    driver.pass(ms(500));
    conflict(&mut driver, session, &sent[1]);
    driver.pass(ms(500));
    driver.commit();
    assert_eq!(texts(&driver, session), ["a", "b"], "each under one number");
    for forward in driver.deliveries(session) {
        driver.answer_delivery("bob", session, &forward);
    }
    assert_eq!(driver.states(), [2, 2]);
}

#[test]
fn new_numbers_that_a_full_disk_has_put_off_are_given_once() {
    let (mut driver, session, sent) = two_under_way();
    driver.disk = Disk::Fails;
    conflict(&mut driver, session, &sent[0]);
    driver.pass(ms(500));
    driver.disk = Disk::Commits;
    conflict(&mut driver, session, &sent[1]);
    driver.pass(ms(5_000));
    assert_eq!(texts(&driver, session), ["a", "b"]);
    for forward in driver.deliveries(session) {
        driver.answer_delivery("bob", session, &forward);
    }
    driver.pass(ms(5_000));
    assert_eq!(texts(&driver, session), ["a", "b"]);
    assert_eq!(driver.states(), [2, 2]);
}

#[test]
fn a_conflict_while_another_identity_is_taken_gives_no_second_number() {
    let (mut driver, session) = in_session();
    let eve = driver.peer_opens("eve");
    driver.send("bob", "a");
    driver.send("bob", "b");
    let sent = driver.deliveries(session);
    driver.delta(2, Change::Record(usurped()));
    driver.disk = Disk::Waits;
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    conflict(&mut driver, session, &sent[1]);
    driver.pass(ms(500));
    driver.commit();
    assert_eq!(texts(&driver, eve), ["a", "b"]);
}

#[test]
fn an_identity_taken_while_new_numbers_are_committed_waits_for_its_turn() {
    let (mut driver, session) = in_session();
    let eve = driver.peer_opens("eve");
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    driver.delta(2, Change::Record(usurped()));
    driver.clear();
    driver.disk = Disk::Waits;
    conflict(&mut driver, session, &sent[0]);
    let trust = Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    };
    driver.command(trust.clone());
    driver.commit();
    assert_eq!(driver.events(), [Event::Trusted { name: name("bob") }]);
    assert_eq!(texts(&driver, session), [""; 0]);
    assert_eq!(texts(&driver, eve), ["a"]);
    driver.answer_delivery("eve", eve, &driver.deliveries(eve)[0]);
    assert_eq!(driver.states(), [2]);
}

#[test]
fn what_conflicts_goes_out_again_under_a_new_epoch_in_order() {
    let (mut driver, session) = in_session();
    for text in ["a", "b", "c"] {
        driver.send("bob", text);
    }
    let sent = driver.deliveries(session);
    driver.clear();
    for forward in &sent {
        let conflict = receipt("bob", forward, Verdict::Conflict);
        driver.hear_from(session, &ToPeer::Receipt(conflict));
    }
    let again = driver.deliveries(session);
    let texts: Vec<String> = again.iter().map(text_of).collect();
    assert_eq!(texts, ["a", "b", "c"]);
    let epochs: Vec<_> = again.iter().map(|forward| id_of(forward).slot).collect();
    assert!(epochs.iter().all(|slot| slot.epoch == epochs[0].epoch));
    assert_ne!(epochs[0].epoch, id_of(&sent[0]).slot.epoch);
    assert_eq!(
        epochs.iter().map(|slot| slot.sequence.0).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    for forward in &again {
        driver.answer_delivery("bob", session, forward);
    }
    assert_eq!(driver.states(), [2, 2, 2]);
}

#[test]
fn what_may_have_arrived_under_its_number_keeps_it() {
    let (mut driver, session, sent) = two_under_way();
    let conflict = receipt("bob", &sent[0], Verdict::Conflict);
    driver.hear_from(session, &ToPeer::Receipt(conflict));
    driver.answer_delivery("bob", session, &sent[1]);
    let again = driver.deliveries(session);
    assert_eq!(
        again.iter().map(text_of).collect::<Vec<_>>(),
        ["a"],
        "b is there already"
    );
    driver.answer_delivery("bob", session, &again[0]);
    assert_eq!(driver.states(), [2, 2]);
}

#[test]
fn a_conflict_waits_for_what_is_under_way_no_longer_than_the_budget() {
    let (mut driver, session, sent) = two_under_way();
    driver.disk = Disk::Waits;
    let conflict = receipt("bob", &sent[0], Verdict::Conflict);
    driver.hear_from(session, &ToPeer::Receipt(conflict));
    driver.send("bob", "c");
    assert!(driver.deliveries(session).is_empty());
    driver.commit();
    driver.pass(ms(500));
    let again = driver.deliveries(session);
    assert_eq!(again.iter().map(text_of).collect::<Vec<_>>()[0], "a");
    assert!(again.iter().all(|forward| text_of(forward) != "b"));
}

#[test]
fn a_conflict_at_the_registry_is_one_too() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    let first = driver.deposits()[0].clone();
    let slot = id_of(&first.forward).slot;
    driver.clear();
    driver.hear(FromRegistry::Conflict { slot });
    let again = driver.deposits()[0].clone();
    assert_ne!(id_of(&again.forward).slot.epoch, slot.epoch);
    driver.answer_deposit(&again);
    driver.outcome("bob", &again, Verdict::Received);
    assert_eq!(driver.states(), [2]);
}

#[test]
fn a_stored_message_that_turns_out_to_conflict_goes_again() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    let first = driver.deposits()[0].clone();
    driver.answer_deposit(&first);
    driver.clear();
    driver.disk = Disk::Waits;
    driver.outcome("bob", &first, Verdict::Conflict);
    driver.pass(ms(500));
    assert!(
        driver.sent.is_empty(),
        "not acknowledged before the new number is committed"
    );
    driver.commit();
    assert!(
        driver
            .to_registry()
            .contains(&crate::wire::message::ToRegistry::OutcomeAck {
                slot: id_of(&first.forward).slot
            })
    );
    let again = driver.deposits()[0].clone();
    assert_ne!(id_of(&again.forward).slot.epoch, id_of(&first.forward).slot.epoch);
    driver.answer_deposit(&again);
    assert_eq!(driver.states(), [1]);
    assert!(
        !driver
            .events()
            .iter()
            .any(|event| matches!(event, Event::Refused { .. }))
    );
}

#[test]
fn what_ends_while_it_gets_a_new_number_does_not_go_out_again() {
    let mut config = Driver::config();
    config.time_to_live = ms(1_000);
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    driver.pass(crate::client::SWEEP_AFTER);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    driver.disk = Disk::Waits;
    let conflict = receipt("bob", &sent[0], Verdict::Conflict);
    driver.hear_from(session, &ToPeer::Receipt(conflict));
    driver.pass(ms(2_000));
    driver.clear();
    driver.commit();
    assert!(driver.deliveries(session).is_empty() && driver.deposits().is_empty());
    assert!(matches!(driver.events()[..], [Event::Expired { .. }]));
    assert_eq!(driver.states(), [4]);
}

#[test]
fn the_new_number_survives_a_restart() {
    let (mut driver, session) = in_session();
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    let conflict = receipt("bob", &sent[0], Verdict::Conflict);
    driver.hear_from(session, &ToPeer::Receipt(conflict));
    let again = driver.deliveries(session)[1].clone();
    driver.restart();
    driver.come_up();
    let session = driver.peer_opens("bob");
    assert_eq!(driver.deliveries(session), [again], "the same bytes");
}
