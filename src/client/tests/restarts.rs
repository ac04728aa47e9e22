//! `kill -9` at every point: only what was committed is left, and that is enough.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, message_from, name, offline, online, person};
use crate::client::interface::{Command, Ending, Event, Road};
use crate::engine::SocketReply;
use crate::transport::{CloseCause, ConnectFault};
use crate::wire::envelope::Verdict;
use crate::wire::frame::CloseCode;
use crate::wire::message::{Busy, BusyReason, FromRegistry, Record, ToPeer, ToRegistry};

#[test]
fn a_message_that_was_only_accepted_goes_out_after_the_restart() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    driver.send("bob", "hi");
    driver.restart();
    driver.come_up();
    assert_eq!(driver.events(), [Event::Registered { returning: true }]);
    let session = driver.peer_answers("bob");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
}

#[test]
fn a_message_whose_commit_was_lost_was_never_accepted() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.disk = Disk::Waits;
    driver.send("bob", "hi");
    driver.restart();
    assert_eq!(driver.client.unfinished(), 0);
}

#[test]
fn a_message_whose_receipt_was_lost_goes_out_again_with_the_same_bytes() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let sent = driver.deliveries(session);
    driver.restart();
    driver.come_up();
    let session = driver.peer_answers("bob");
    assert_eq!(driver.deliveries(session), sent);
}

#[test]
fn a_delivery_whose_commit_was_lost_is_found_out_again() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let sent = driver.deliveries(session);
    driver.disk = Disk::Waits;
    driver.answer_delivery("bob", session, &sent[0]);
    driver.restart();
    assert_eq!(driver.states(), [0]);
    driver.come_up();
    let session = driver.peer_answers("bob");
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(driver.states(), [2]);
}

#[test]
fn a_deposit_that_was_not_answered_is_asked_again() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.pass(ms(1_000));
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.restart();
    driver.come_up();
    assert_eq!(driver.deposits()[0].forward, deposit.forward);
}

#[test]
fn a_stored_message_stays_stored_and_its_outcome_is_understood() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.restart();
    driver.come_up();
    assert!(driver.deposits().is_empty());
    driver.clear();
    driver.outcome("bob", &deposit, Verdict::Received);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
    assert!(matches!(
        driver.to_registry()[..],
        [ToRegistry::OutcomeAck { .. }]
    ));
    assert_eq!(driver.states(), [2]);
}

#[test]
fn an_outcome_whose_commit_was_lost_is_taken_when_it_is_told_again() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.disk = Disk::Waits;
    driver.outcome("bob", &deposit, Verdict::Received);
    driver.restart();
    driver.come_up();
    driver.outcome("bob", &deposit, Verdict::Received);
    assert_eq!(driver.states(), [2]);
}

#[test]
fn what_was_received_before_is_a_duplicate_after_the_restart() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.mail(message.clone());
    assert_eq!(driver.read().len(), 1);
    driver.pass(ms(100));
    driver.restart();
    driver.come_up();
    driver.clear();
    driver.mail(message);
    assert!(matches!(driver.to_registry()[..], [ToRegistry::Receipt(_)]));
    assert_eq!(driver.read(), []);
}

#[test]
fn a_line_whose_mark_was_lost_is_shown_again_and_only_that_one() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "a")));
    driver.read();
    driver.pass(ms(100));
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "b")));
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 2, 0, "c")));
    driver.restart();
    let direct = |text: &str| (Road::Direct, text.to_owned());
    assert_eq!(driver.read(), [direct("b"), direct("c")]);
    driver.pass(ms(100));
    driver.restart();
    assert_eq!(driver.read(), []);
}

#[test]
fn a_held_message_is_held_again_and_then_shown() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "b")));
    driver.restart();
    driver.come_up();
    driver.drained();
    assert_eq!(driver.read(), []);
    driver.mail(message_from("bob", 1, 0, 0, "a"));
    let texts: Vec<String> = driver.read().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["a", "b"]);
}

#[test]
fn what_comes_after_its_successor_was_shown_in_an_earlier_run_is_late() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "b")));
    driver.pass(ms(2_000));
    driver.read();
    driver.pass(ms(100));
    driver.restart();
    driver.come_up();
    driver.drained();
    driver.mail(message_from("bob", 1, 0, 0, "a"));
    assert_eq!(driver.read(), [(Road::Late, "a".to_owned())]);
}

/// A later run, whose registry is silent.
fn later_run_alone(people: &[Record]) -> Driver {
    let mut driver = Driver::registered(people);
    driver.pass(ms(1_000));
    driver.restart();
    driver.open_port();
    driver
}

fn registry_is_silent(driver: &mut Driver) {
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
}

#[test]
fn known_peers_are_reached_after_a_restart_without_the_registry() {
    let mut driver = later_run_alone(&[online("bob")]);
    registry_is_silent(&mut driver);
    assert_eq!(driver.events(), [Event::ServerSilent]);
    driver.clear();
    driver.send("bob", "hi");
    assert_eq!(driver.connects[0].address, super::people::address(60));
    let session = driver.peer_answers("bob");
    let sent = driver.deliveries(session);
    assert_eq!(id_of(&sent[0]).slot.sequence.0, 0);
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(driver.events(), [Event::Received { to: name("bob") }]);
}

#[test]
fn what_is_typed_while_a_known_registry_is_looked_for_is_said_to_wait_and_goes_when_it_is_found() {
    let mut driver = later_run_alone(&[offline("bob")]);
    driver.send("bob", "hi");
    assert_eq!(driver.events(), []);
    registry_is_silent(&mut driver);
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(driver.events(), [Event::ServerSilent, waiting]);
    driver.clear();
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.registry_registers();
    assert_eq!(driver.events()[0], Event::Registered { returning: true });
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn who_leaves_a_registry_that_was_silent_all_the_time_is_told_so() {
    let mut driver = later_run_alone(&[]);
    registry_is_silent(&mut driver);
    driver.clear();
    driver.command(Command::Leave);
    assert_eq!(
        driver.events(),
        [Event::Deregistered, Event::Ended(Ending::Unreached)]
    );
}

#[test]
fn who_has_gone_on_alone_is_ended_by_nobody() {
    let refusals: [fn(&mut Driver); 3] = [
        |driver| {
            let attempt = driver.registry_connect().attempt;
            driver.fail(attempt, ConnectFault::OtherIdentity(*person("eve").card()));
        },
        |driver| {
            driver.registry_opens();
            driver.close(REGISTRY, CloseCause::Remote(CloseCode::NotAdmitted));
        },
        |driver| {
            driver.command(Command::Deregister);
            driver.command(Command::Register);
            driver.socket(SocketReply::Failed("taken".to_owned()));
        },
    ];
    for refuse in refusals {
        let mut driver = later_run_alone(&[]);
        registry_is_silent(&mut driver);
        driver.clear();
        driver.pass(ms(5_000));
        refuse(&mut driver);
        let ended = |event: &Event| matches!(event, Event::Ended(_));
        let events = driver.events();
        assert!(!events.is_empty() && !events.iter().any(ended), "{events:?}");
    }
}

#[test]
fn a_registry_that_was_silent_and_cannot_write_is_told_and_was_there() {
    let mut driver = later_run_alone(&[]);
    registry_is_silent(&mut driver);
    driver.clear();
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.hear(FromRegistry::Busy(Busy {
        of: None,
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    }));
    assert!(matches!(driver.events()[..], [Event::Trouble(_)]));
    driver.command(Command::Leave);
    driver.hear(FromRegistry::Deregistered { counter: 3 });
    let events = driver.events();
    assert_eq!(events.last(), Some(&Event::Ended(Ending::Done)), "{events:?}");
}

#[test]
fn lifetimes_go_on_across_a_restart() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    driver.pass(ms(120_000));
    driver.restart();
    driver.come_up();
    let deposit = driver.deposits()[0].clone();
    let lived = 30 * 24 * 3_600_000 - deposit.ttl_ms;
    assert!((60_000..=121_000).contains(&lived), "{lived} ms");
}
