//! A registry, or a peer, that says "later": to a registration, to a message.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, name, offline, online};
use crate::client::interface::{Command, Ending, Event};
use crate::engine::Role;
use crate::transport::{CloseCause, SessionId};
use crate::wire::envelope::Verdict;
use crate::wire::message::{
    Busy, BusyReason, Deposit, DepositRefusal, FromRegistry, RegistrationRefusal, ToPeer, ToRegistry,
};

/// What the registry says to a registration.
const fn not_now(reason: BusyReason, retry_after_ms: u32) -> FromRegistry {
    FromRegistry::Busy(Busy {
        of: None,
        reason,
        retry_after_ms,
    })
}

fn taken() -> FromRegistry {
    FromRegistry::RegistrationRefused {
        reason: RegistrationRefusal::NameTaken,
    }
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
    driver.hear(not_now(BusyReason::Storage, 1_000));
    let waiting = Event::Waiting { to: name("bob") };
    driver.send("bob", "after");
    assert_eq!(driver.events()[1..], [waiting.clone(), waiting], "each");
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
fn who_is_refused_after_he_was_put_off_for_a_moment_does_not_go_on() {
    for reason in [BusyReason::Overload, BusyReason::Rate] {
        let mut driver = Driver::in_first_session();
        driver.hear(not_now(reason, 1_000));
        driver.pass(ms(1_000));
        driver.clear();
        driver.hear(taken());
        assert_eq!(driver.events()[1..], [Event::Ended(Ending::Refused)]);
    }
}

#[test]
fn who_has_waited_long_and_is_refused_goes_on_and_has_not_succeeded() {
    let mut driver = Driver::in_first_session();
    driver.send("bob", "hi");
    driver.hear(not_now(BusyReason::Storage, 1_000));
    driver.pass(ms(1_000));
    driver.clear();
    driver.hear(taken());
    assert!(matches!(driver.events()[..], [Event::RegistrationRefused { .. }]));
    driver.command(Command::Leave);
    assert_eq!(driver.events(), [Event::Ended(Ending::Refused)]);
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

/// A client whose registry has said of the first of two messages for bob, who is away, that nobody has the name.
fn first_for_nobody() -> (Driver, Deposit, Deposit) {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    driver.send("bob", "second");
    let deposits = driver.deposits();
    driver.refuse_deposit(&deposits[0], DepositRefusal::NoSuchName);
    driver.clear();
    (driver, deposits[0].clone(), deposits[1].clone())
}

#[test]
fn what_was_put_off_for_want_of_the_name_goes_when_something_is_kept_for_it() {
    let (mut driver, first, second) = first_for_nobody();
    driver.answer_deposit(&second);
    assert_eq!(driver.deposits()[0].forward, first.forward);
}

#[test]
fn what_was_put_off_for_want_of_the_name_does_not_wait_in_another_registration() {
    let (mut driver, first, _) = first_for_nobody();
    driver.close(REGISTRY, CloseCause::Reset);
    driver.pass(ms(6_000));
    driver.registry_opens();
    driver.registry_registers();
    assert_eq!(driver.deposits()[0].forward, first.forward);
}

#[test]
fn that_the_directory_tells_of_the_name_hastens_nothing_that_was_too_quick() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.put_off_deposit(&deposit, BusyReason::Rate, 10_000);
    driver.clear();
    driver.bob_comes();
    driver.pass(ms(9_999));
    assert_eq!((driver.deposits(), driver.connects.len()), (vec![], 0));
    driver.pass(ms(1));
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_late_refusal_says_nothing_of_what_goes_directly_by_now() {
    for reason in [DepositRefusal::NoSuchName, DepositRefusal::SenderFull] {
        let (mut driver, session, deposit) = Driver::deposited_too();
        driver.put_off_deposit(&deposit, BusyReason::Storage, 1_000);
        assert_eq!(driver.texts_delivered(session), ["hi", "hi"]);
        driver.clear();
        driver.refuse_deposit(&deposit, reason);
        assert_eq!(driver.events(), [], "{reason:?}");
    }
}

/// A client whose message for bob the registry has had no room for, for a minute, and that he was sent directly since.
fn put_off_and_gone_directly() -> (Driver, SessionId) {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.put_off_deposit(&deposit, BusyReason::Overload, 60_000);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    assert_eq!(driver.texts_delivered(session), ["hi"]);
    (driver, session)
}

#[test]
fn what_was_put_off_and_went_directly_does_not_wait_in_another_registration() {
    let (mut driver, session) = put_off_and_gone_directly();
    driver.clear();
    driver.close(REGISTRY, CloseCause::Reset);
    driver.close(session, CloseCause::Silent);
    driver.pass(ms(6_000));
    driver.registry_opens();
    driver.registry_registers();
    driver.pass(ms(1_000));
    assert_eq!(driver.texts_deposited("bob"), ["hi"]);
}

#[test]
fn what_a_peer_puts_off_for_a_moment_does_not_wait_for_a_full_mailbox() {
    let (mut driver, session) = put_off_and_gone_directly();
    let of = id_of(&driver.deliveries(session)[0]);
    let busy = Busy {
        of,
        reason: BusyReason::Rate,
        retry_after_ms: 250,
    };
    driver.hear_from(session, &ToPeer::Busy(busy));
    driver.clear();
    driver.pass(ms(250));
    assert_eq!(driver.texts_delivered(session), ["hi"]);
}

#[test]
fn what_a_mailbox_has_no_room_for_is_said_to_wait_once_that_lasts_and_stops_no_commands() {
    let mut config = Driver::config();
    config.limits.outbox_messages = 4;
    let mut driver = Driver::registered_with(config, &[offline("bob"), offline("carl")]);
    for text in ["first", "second", "third"] {
        driver.send("bob", text);
    }
    assert!(!driver.client.takes_commands());
    let first = driver.deposits()[0].clone();
    driver.clear();
    driver.put_off_deposit(&first, BusyReason::Overload, 14_999);
    assert_eq!(driver.events(), [], "there may be room in a moment");
    driver.pass_alive(15);
    driver.put_off_deposit(&first, BusyReason::Overload, 15_000);
    assert_eq!(driver.events(), vec![Event::Waiting { to: name("bob") }; 3]);
    assert!(driver.client.takes_commands());
}

#[test]
fn what_a_full_mailbox_has_no_room_for_goes_directly_when_its_owner_opens_a_session() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    driver.send("bob", "second");
    let deposits = driver.deposits();
    driver.put_off_deposit(&deposits[0], BusyReason::Overload, 60_000);
    driver.pass(ms(1_000));
    driver.clear();
    let session = driver.peer_opens("bob");
    assert_eq!(driver.texts_delivered(session), ["first", "second"]);
    for sent in driver.deliveries(session) {
        driver.answer_delivery("bob", session, &sent);
    }
    assert_eq!((driver.states(), driver.deposits()), (vec![2, 2], vec![]));
}

#[test]
fn nor_does_it_overtake_what_is_in_the_mailbox() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    driver.send("bob", "second");
    let deposits = driver.deposits();
    driver.answer_deposit(&deposits[0]);
    driver.put_off_deposit(&deposits[1], BusyReason::Overload, 60_000);
    driver.pass(ms(1_000));
    let session = driver.peer_opens("bob");
    driver.pass(ms(5_000));
    assert_eq!(driver.deliveries(session), []);
    driver.outcome("bob", &deposits[0], Verdict::Received);
    assert_eq!(driver.texts_delivered(session), ["second"]);
}

#[test]
fn who_does_not_answer_and_has_a_full_mailbox_is_asked_again_ever_more_seldom_until_there_may_be_room() {
    let (mut driver, session, deposit) = Driver::deposited_too();
    driver.put_off_deposit(&deposit, BusyReason::Overload, 60_000);
    driver.clear();
    driver.pass_alive(5);
    assert_eq!(driver.deliveries(session), [], "he has not been heard of since");
    driver.close(session, CloseCause::Silent);
    let session = driver.peer_opens("bob");
    driver.pass_alive(54);
    let asked = driver.deliveries(session).len();
    assert!((2..=5).contains(&asked), "{asked}");
    assert_eq!(driver.deposits(), []);
    driver.pass_alive(60);
    assert_eq!(driver.texts_deposited("bob")[0], "hi");
}
