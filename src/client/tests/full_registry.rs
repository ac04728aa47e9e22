//! A registry whose disk takes nothing: it is asked ever more seldom, and whoever can be reached without it is.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, name, offline, online, text_of};
use crate::client::interface::Event;
use crate::transport::{CloseCause, SessionId};
use crate::wire::message::{Busy, BusyReason, Deposit, FromRegistry, Record};

/// What a registry says of a deposit whose disk fails.
pub(super) fn not_kept(deposit: &Deposit) -> FromRegistry {
    FromRegistry::Busy(Busy {
        of: Some(id_of(&deposit.forward).slot),
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    })
}

/// A client whose registry has just said of a message for carl that its disk takes nothing, for a second.
pub(super) fn with_a_full_registry(bob: Record) -> Driver {
    let mut driver = Driver::registered(&[bob, offline("carl")]);
    driver.send("carl", "for carl");
    let deposit = driver.deposits()[0].clone();
    driver.hear(not_kept(&deposit));
    driver.clear();
    driver
}

/// What was sent to bob, who is away, has been put off so often that its next turn is 8 s away.
fn put_off_for_long(text: &str) -> Driver {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", text);
    let deposit = driver.deposits()[0].clone();
    for pause in [1, 2, 4] {
        driver.hear(not_kept(&deposit));
        driver.pass_alive(pause);
    }
    driver.hear(not_kept(&deposit));
    driver
}

#[test]
fn a_registry_whose_disk_fails_is_asked_ever_more_seldom() {
    let mut driver = Driver::registered(&[offline("bob"), offline("carl")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.hear(not_kept(&deposit));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        driver.clear();
        let mut seconds = 0;
        while driver.deposits().is_empty() {
            driver.pass_alive(1);
            seconds += 1;
        }
        pauses.push(seconds);
        driver.hear(not_kept(&deposit));
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    driver.clear();
    driver.send("carl", "ho");
    assert_eq!(driver.deposits(), [], "nor is it asked for others");
    assert_eq!(driver.events(), [Event::Waiting { to: name("carl") }]);
    driver.pass_alive(60);
    assert_eq!(driver.deposits().len(), 2);
}

#[test]
fn a_registry_that_has_kept_something_is_asked_as_soon_as_it_says_again() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    let deposit = driver.deposits()[0].clone();
    for pause in [1, 2, 4] {
        driver.hear(not_kept(&deposit));
        driver.pass_alive(pause);
    }
    driver.answer_deposit(&deposit);
    driver.clear();
    driver.send("bob", "second");
    driver.pass_alive(1);
    let deposit = driver.deposits()[0].clone();
    driver.clear();
    driver.hear(not_kept(&deposit));
    driver.pass(ms(999));
    assert_eq!(driver.deposits(), []);
    driver.pass(ms(1));
    assert_eq!(driver.deposits()[0].forward, deposit.forward);
}

#[test]
fn of_deposits_that_fail_together_the_registry_has_said_so_once() {
    let mut driver = Driver::registered(&[offline("bob"), offline("carl"), offline("dora")]);
    for to in ["bob", "carl", "dora"] {
        driver.send(to, "hi");
    }
    let deposits = driver.deposits();
    for deposit in &deposits {
        driver.hear(not_kept(deposit));
    }
    driver.clear();
    driver.pass(ms(999));
    assert_eq!(driver.deposits(), []);
    driver.pass(ms(1));
    assert_eq!(driver.deposits().len(), 3, "one second for all");
}

#[test]
fn what_the_registry_did_not_keep_goes_directly_as_soon_as_its_recipient_is_there() {
    let mut driver = put_off_for_long("first");
    driver.send("bob", "second");
    driver.clear();
    driver.bob_comes();
    let session = driver.peer_answers("bob");
    assert_eq!(driver.texts_delivered(session), ["first", "second"]);
    for sent in driver.deliveries(session) {
        driver.answer_delivery("bob", session, &sent);
    }
    assert_eq!(driver.states(), [2, 2]);
    assert_eq!(driver.deposits(), []);
}

#[test]
fn what_was_never_deposited_for_want_of_a_disk_goes_directly_as_soon_as_its_recipient_is_there() {
    let mut driver = with_a_full_registry(offline("bob"));
    driver.send("bob", "first");
    driver.send("bob", "second");
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(driver.events(), [waiting.clone(), waiting]);
    let image = driver.store.image().unwrap();
    assert!(
        !image.registries[0].outbox[1].deposited,
        "its lifetime is ours to judge"
    );
    driver.bob_comes();
    let session = driver.peer_answers("bob");
    assert_eq!(driver.texts_delivered(session), ["first", "second"]);
    assert_eq!(driver.deposits(), []);
}

#[test]
fn who_does_not_answer_while_the_registrys_disk_is_full_is_asked_again_ever_more_seldom() {
    let mut driver = with_a_full_registry(online("bob"));
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    assert_eq!(driver.events(), []);
    driver.pass(ms(500));
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    let mut asked = Vec::new();
    for second in 1..=200 {
        driver.clear();
        driver.pass_alive(1);
        if !driver.deliveries(session).is_empty() {
            asked.push(second);
        }
        for deposit in driver.deposits() {
            driver.hear(not_kept(&deposit));
        }
    }
    assert!((4..=8).contains(&asked.len()), "{asked:?}");
    driver.pass_alive(60);
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    driver.pass_alive(60);
    assert!(driver.states().contains(&1));
}

/// A client whose first message for bob, who does not answer in this session, is kept for him.
fn with_a_stored_message() -> (Driver, SessionId) {
    let mut driver = Driver::registered(&[online("bob"), offline("carl")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "first");
    driver.pass(ms(500));
    let first = driver.deposits()[0].clone();
    driver.answer_deposit(&first);
    (driver, session)
}

#[test]
fn what_follows_a_stored_message_goes_directly_after_the_budget_if_the_registrys_disk_is_full() {
    let (mut driver, session) = with_a_stored_message();
    driver.send("carl", "for carl");
    let deposit = driver.deposits()[1].clone();
    driver.hear(not_kept(&deposit));
    driver.clear();
    driver.send("bob", "second");
    driver.pass(ms(499));
    assert_eq!(driver.deliveries(session), []);
    driver.pass(ms(1));
    assert_eq!(driver.texts_delivered(session), ["second"]);
    assert_eq!(driver.deposits(), []);
}

#[test]
fn who_waits_for_room_at_a_registry_whose_disk_is_full_is_told_with_the_first() {
    let people: Vec<Record> = (0..100).map(|n| offline(&format!("p{n}"))).collect();
    let mut driver = Driver::registered(&people);
    for n in 0..100 {
        driver.send(&format!("p{n}"), "hi");
    }
    let deposits = driver.deposits();
    assert!(deposits.len() < 50, "most wait for their turn");
    for deposit in &deposits {
        driver.hear(not_kept(deposit));
    }
    let waiting = driver
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::Waiting { .. }));
    assert_eq!(waiting.count(), 100);
}

#[test]
fn what_was_put_off_goes_when_the_registry_has_kept_something() {
    let mut driver = Driver::registered(&[offline("bob"), offline("carl"), offline("dora")]);
    driver.send("bob", "hi");
    driver.send("carl", "ho");
    let deposits = driver.deposits();
    driver.hear(not_kept(&deposits[0]));
    driver.send("dora", "hu");
    driver.clear();
    driver.answer_deposit(&deposits[1]);
    let again: Vec<String> = driver
        .deposits()
        .iter()
        .map(|deposit| text_of(&deposit.forward))
        .collect();
    assert_eq!(again, ["hi", "hu"]);
}

#[test]
fn a_registry_that_keeps_what_it_was_sent_together_with_something_else_has_room_for_that_too() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    driver.send("bob", "second");
    let deposits = driver.deposits();
    driver.hear(not_kept(&deposits[0]));
    driver.clear();
    driver.answer_deposit(&deposits[1]);
    assert_eq!(driver.texts_deposited("bob"), ["first"]);
}

/// A client whose registry has said of a message for bob that its disk takes nothing, for a minute; one for carl and one for
/// dora are under way.
fn with_two_under_way() -> (Driver, Vec<Deposit>) {
    let people = ["bob", "carl", "dora"];
    let mut driver = Driver::registered(&people.map(offline));
    for to in people {
        driver.send(to, "hi");
    }
    let deposits = driver.deposits();
    driver.put_off_deposit(&deposits[0], BusyReason::Storage, 60_000);
    driver.clear();
    (driver, deposits)
}

#[test]
fn what_is_under_way_is_not_sent_again_while_the_registrys_disk_takes_nothing() {
    let (mut driver, _) = with_two_under_way();
    driver.pass_alive(59);
    assert_eq!(driver.deposits(), []);
    driver.pass_alive(1);
    assert_eq!(driver.deposits().len(), 3);
}

#[test]
fn what_is_under_way_is_sent_again_soon_after_the_registry_has_kept_something() {
    let (mut driver, deposits) = with_two_under_way();
    driver.pass_alive(6);
    driver.answer_deposit(&deposits[2]);
    assert_eq!(driver.texts_deposited("bob"), ["hi"]);
    assert_eq!(driver.texts_deposited("carl"), [] as [&str; 0]);
    driver.pass_alive(4);
    assert_eq!(driver.texts_deposited("carl"), ["hi"]);
}

#[test]
fn a_registry_that_registers_us_anew_is_not_taken_for_full() {
    let mut driver = put_off_for_long("hi");
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    let before = driver.deposits().len();
    driver.registry_registers();
    assert_eq!(driver.deposits().len(), before + 1);
}

#[test]
fn what_waits_for_its_turn_does_not_overtake_what_a_full_registry_hands_back() {
    let mut people: Vec<Record> = (0..100).map(|n| offline(&format!("p{n}"))).collect();
    people.push(online("bob"));
    for bob_is_answered_first in [true, false] {
        let mut driver = Driver::registered(&people);
        let session = driver.peer_opens("bob");
        driver.send("p0", "hi");
        let other = driver.deposits()[0].clone();
        driver.send("bob", "first");
        driver.pass(ms(500));
        let first = driver.deposits()[1].clone();
        for n in 1..100 {
            driver.send(&format!("p{n}"), "hi");
        }
        driver.send("bob", "second");
        driver.pass(ms(1_500));
        let is_second = |deposit: &Deposit| text_of(&deposit.forward) == "second";
        assert!(!driver.deposits().iter().any(is_second), "it waits for its turn");
        driver.clear();
        if !bob_is_answered_first {
            driver.hear(not_kept(&other));
        }
        driver.hear(not_kept(&first));
        assert_eq!(driver.texts_delivered(session), ["first", "second"]);
    }
}

#[test]
fn nor_does_it_where_something_before_that_is_stored() {
    let (mut driver, session) = with_a_stored_message();
    driver.send("bob", "second");
    driver.pass(ms(500));
    let second = driver.deposits()[1].clone();
    driver.send("carl", "for carl");
    let other = driver.deposits()[2].clone();
    driver.hear(not_kept(&other));
    driver.send("bob", "third");
    driver.clear();
    driver.pass(ms(900));
    assert_eq!(driver.texts_delivered(session), [] as [&str; 0]);
    driver.hear(not_kept(&second));
    driver.pass(ms(600));
    assert_eq!(driver.texts_deposited("bob"), ["second", "third"]);
}
