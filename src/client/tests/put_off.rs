//! A registry, or a peer, that says "later": to a registration, to a message.

use super::driver::{Driver, ms};
use super::people::{id_of, name, offline, online};
use crate::client::interface::Event;
use crate::wire::message::{Busy, BusyReason, Deposit, FromRegistry, ToPeer, ToRegistry};

/// What the registry says to a registration.
const fn not_now(reason: BusyReason, retry_after_ms: u32) -> FromRegistry {
    FromRegistry::Busy(Busy {
        of: None,
        reason,
        retry_after_ms,
    })
}

/// What a registry says whose disk fails.
fn not_kept(deposit: &Deposit) -> FromRegistry {
    FromRegistry::Busy(Busy {
        of: Some(id_of(&deposit.forward).slot),
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    })
}

#[test]
fn a_busy_registry_is_asked_to_register_again_when_it_says() {
    let mut driver = Driver::in_first_session();
    driver.clear();
    driver.hear(not_now(BusyReason::Overload, 3_000));
    driver.pass(ms(2_999));
    assert!(driver.sent.is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.to_registry().len(), 1);
    assert_eq!(driver.events(), []);
}

#[test]
fn who_waits_to_be_registered_is_told_once_that_the_registrys_disk_fails() {
    let mut driver = Driver::in_first_session();
    let busy = not_now(BusyReason::Storage, 1_000);
    driver.hear(busy.clone());
    assert!(matches!(driver.events()[..], [Event::Trouble(_)]));
    driver.pass(ms(1_000));
    driver.hear(busy);
    assert_eq!(driver.events(), []);
}

#[test]
fn what_is_typed_while_the_registry_puts_us_off_is_said_to_wait_and_goes_when_it_has_us() {
    let mut driver = Driver::in_first_session();
    driver.send("bob", "before");
    assert_eq!(driver.events(), [], "the registry may answer in a moment");
    driver.hear(not_now(BusyReason::Overload, 1_000));
    let waiting = Event::Waiting { to: name("bob") };
    driver.send("bob", "after");
    assert_eq!(driver.events(), [waiting.clone(), waiting], "each");
    driver.pass(ms(1_000));
    driver.registry_registers();
    let asked = driver.to_registry();
    assert!(
        asked
            .iter()
            .any(|message| matches!(message, ToRegistry::Lookup { .. })),
        "{asked:?}"
    );
}

#[test]
fn who_registers_too_quickly_is_registered_in_a_moment_and_nothing_is_said_to_wait() {
    let mut driver = Driver::in_first_session();
    driver.send("bob", "hi");
    let busy = not_now(BusyReason::Rate, 500);
    for _ in 0..29 {
        driver.hear(busy.clone());
        driver.pass(ms(500));
        assert_eq!(driver.events(), []);
    }
    driver.pass(ms(500));
    driver.hear(busy);
    assert_eq!(
        driver.events(),
        [Event::Waiting { to: name("bob") }],
        "for fifteen seconds"
    );
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
fn without_a_registry_a_peer_whose_disk_fails_is_asked_ever_more_seldom() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.lose_registry();
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let busy = ToPeer::Busy(Busy {
        of: id_of(&driver.deliveries(session)[0]),
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    });
    let mut pauses = Vec::new();
    for _ in 0..8 {
        driver.hear_from(session, &busy);
        driver.clear();
        let mut seconds = 0;
        while driver.deliveries(session).is_empty() {
            driver.pass(ms(1_000));
            seconds += 1;
        }
        pauses.push(seconds);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
}
