//! What the registry has kept for longer than it remembers how messages ended: it is asked once more.

use std::collections::BTreeSet;

use super::driver::{Driver, ms};
use super::full_registry::not_kept;
use super::others::REGISTRY;
use super::people::{id_of, name, offline};
use crate::client::interface::{Event, Refusal};
use crate::id::Slot;
use crate::transport::CloseCause;
use crate::wire::envelope::Verdict;
use crate::wire::message::{Busy, BusyReason, Deposit, DepositRefusal, FromRegistry};

const DAY: u32 = 24 * 3_600;

/// A client that has so many messages in bob's mailbox, and is started again days later.
fn away_for(days: i64, messages: usize) -> (Driver, Vec<Deposit>) {
    let mut driver = Driver::registered(&[offline("bob")]);
    for n in 0..messages {
        driver.send("bob", "hi");
        let deposit = driver.deposits()[n].clone();
        driver.answer_deposit(&deposit);
    }
    let deposits = driver.deposits();
    driver.see();
    driver.pass(ms(1_000));
    driver.set_wall(days * 24);
    driver.restart();
    driver.come_up();
    driver.drained();
    driver.clear();
    (driver, deposits)
}

/// What was asked for since the last `clear`.
fn asked(driver: &Driver) -> Vec<Slot> {
    let deposits = driver.deposits();
    deposits
        .iter()
        .map(|deposit| id_of(&deposit.forward).slot)
        .collect()
}

/// The registry's session breaks, and another comes up.
fn come_back(driver: &mut Driver) {
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    driver.registry_registers();
    driver.clear();
}

#[test]
fn what_was_kept_when_its_sender_left_for_months_is_asked_for_and_its_end_told() {
    let (mut driver, sent) = away_for(61, 1);
    driver.pass(ms(4_999));
    assert_eq!(driver.deposits(), [], "how it ended may be told unasked");
    driver.pass(ms(1));
    assert_eq!(driver.deposits()[0].forward, sent[0].forward, "the same bytes");
    driver.answer_deposit(&sent[0]);
    assert_eq!(
        (driver.events(), driver.states()),
        (vec![], vec![1]),
        "nothing new"
    );
    driver.outcome("bob", &sent[0], Verdict::Received);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
    assert_eq!(driver.states(), [2]);
}

#[test]
fn what_was_kept_for_weeks_is_not_asked_for() {
    let (mut driver, _) = away_for(59, 1);
    driver.pass_alive(30);
    assert_eq!(driver.deposits(), []);
}

#[test]
fn what_has_outlived_its_time_here_is_asked_for_whatever_the_clock_on_the_wall_says() {
    let mut config = Driver::config();
    config.time_to_live = ms(60_000);
    let mut driver = Driver::registered_with(config, &[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.pass(ms(6_000));
    driver.clear();
    driver.pass_alive(60);
    come_back(&mut driver);
    driver.pass(ms(5_000));
    assert_eq!(driver.deposits().len(), 1);
    assert_eq!(
        driver.deposits()[0].ttl_ms,
        1,
        "it was kept, and has no time left"
    );
    driver.refuse_deposit(&deposit, DepositRefusal::RegistryFull);
    assert_eq!(
        (driver.events(), driver.states()),
        (vec![], vec![1]),
        "he may have it"
    );
    driver.pass_alive(DAY);
    driver.refuse_deposit(&deposit, DepositRefusal::NoSuchName);
    assert!(matches!(driver.events()[..], [Event::Expired { .. }]));
    assert_eq!(driver.states(), [4]);
}

#[test]
fn what_is_asked_for_is_not_refused_for_want_of_room_and_is_asked_for_again() {
    let (mut driver, sent) = away_for(61, 1);
    driver.pass(ms(5_000));
    for reason in [DepositRefusal::MailboxFull, DepositRefusal::NoSuchName] {
        assert_eq!(driver.deposits().len(), 1);
        driver.refuse_deposit(&sent[0], reason);
        assert_eq!((driver.events(), driver.states()), (vec![], vec![1]));
        driver.clear();
        driver.pass_alive(DAY - 2);
        assert_eq!(driver.deposits().len(), 0);
        driver.pass_alive(2);
    }
    assert_eq!(driver.deposits().len(), 1, "once a day");
    driver.hear(FromRegistry::Busy(Busy {
        of: Some(id_of(&sent[0].forward).slot),
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    }));
    assert_eq!((driver.events(), driver.states()), (vec![], vec![1]));
}

#[test]
fn what_is_asked_for_ends_when_the_name_is_anothers() {
    let (mut driver, sent) = away_for(61, 1);
    driver.refuse_deposit(&sent[0], DepositRefusal::IdentityChanged);
    assert_eq!(driver.states(), [1], "nothing was asked yet");
    driver.pass(ms(5_000));
    driver.refuse_deposit(&sent[0], DepositRefusal::IdentityChanged);
    let reason = Refusal::Registry(DepositRefusal::IdentityChanged);
    let [Event::Refused { to, reason: told, .. }] = &driver.events()[..] else {
        panic!("not refused");
    };
    assert_eq!((to, *told), (&name("bob"), reason));
    assert_eq!(driver.states(), [3]);
}

#[test]
fn questions_are_paced() {
    let (mut driver, sent) = away_for(61, 30);
    driver.pass(ms(5_000));
    assert_eq!(driver.deposits().len(), 1);
    driver.pass(ms(1_000));
    assert_eq!(driver.deposits().len(), 5, "four a second");
    driver.pass_alive(7);
    let all: BTreeSet<Slot> = sent.iter().map(|deposit| id_of(&deposit.forward).slot).collect();
    let asked = asked(&driver);
    assert_eq!((asked.len(), asked.into_iter().collect()), (30, all), "each once");
}

#[test]
fn short_sessions_ask_for_all_together_and_for_none_twice_a_day() {
    let (mut driver, _) = away_for(61, 30);
    let mut all = Vec::new();
    for _ in 0..8 {
        driver.pass(ms(6_000));
        all.extend(asked(&driver));
        driver.answer_deposits(0);
        come_back(&mut driver);
    }
    assert_eq!(all.len(), 30);
    assert_eq!(all.into_iter().collect::<BTreeSet<Slot>>().len(), 30);
    driver.pass_alive(DAY - 60);
    assert_eq!(asked(&driver).len(), 0);
    driver.pass_alive(3 * 60);
    assert_eq!(asked(&driver).len(), 30, "again after a day");
}

#[test]
fn a_registration_does_not_put_off_when_a_message_is_asked_for_again() {
    let (mut driver, sent) = away_for(61, 1);
    driver.pass(ms(5_000));
    driver.answer_deposit(&sent[0]);
    driver.pass_alive(23 * 3_600);
    come_back(&mut driver);
    driver.pass_alive(3_599);
    assert_eq!(driver.deposits(), []);
    driver.pass_alive(1);
    assert_eq!(driver.deposits().len(), 1, "a day after the last time");
}

#[test]
fn a_question_that_was_lost_is_asked_in_the_next_session_and_one_that_was_put_off_in_this() {
    let (mut driver, sent) = away_for(61, 1);
    driver.pass(ms(5_000));
    assert_eq!(asked(&driver).len(), 1);
    come_back(&mut driver);
    driver.pass(ms(5_000));
    assert_eq!(asked(&driver).len(), 1, "nobody has answered");
    driver.hear(not_kept(&sent[0]));
    driver.clear();
    driver.pass(ms(4_999));
    assert_eq!(driver.deposits(), [], "not at once");
    driver.pass(ms(1));
    assert_eq!(asked(&driver).len(), 1, "it was put off");
    driver.answer_deposit(&sent[0]);
    driver.clear();
    driver.pass_alive(DAY / 2);
    assert_eq!(driver.deposits(), [], "it is answered");
    come_back(&mut driver);
    driver.pass(ms(20_000));
    assert_eq!(driver.deposits(), [], "it is answered");
}

#[test]
fn nothing_is_asked_for_while_the_registrys_disk_is_full() {
    let (mut driver, _) = away_for(61, 30);
    driver.send("bob", "new");
    let deposit = driver.deposits()[0].clone();
    for pause in [1, 2] {
        driver.hear(not_kept(&deposit));
        driver.pass_alive(pause);
    }
    driver.hear(not_kept(&deposit));
    driver.clear();
    driver.pass_alive(3);
    assert_eq!(driver.deposits(), [], "for four seconds");
    driver.pass_alive(2);
    assert!(driver.deposits().len() > 4);
}

#[test]
fn that_the_registry_has_a_message_already_does_not_say_that_its_disk_takes_another() {
    let (mut driver, sent) = away_for(61, 1);
    driver.send("bob", "new");
    let deposit = driver.deposits()[0].clone();
    driver.hear(not_kept(&deposit));
    driver.pass_alive(1);
    driver.hear(not_kept(&deposit));
    driver.pass_alive(3);
    assert_eq!(asked(&driver).len(), 3, "twice more");
    driver.clear();
    driver.pass_alive(1);
    assert_eq!(asked(&driver), [id_of(&sent[0].forward).slot]);
    driver.hear(not_kept(&deposit));
    driver.clear();
    driver.answer_deposit(&sent[0]);
    driver.pass_alive(3);
    assert_eq!(driver.deposits(), [], "for four seconds");
    driver.pass_alive(1);
    assert_eq!(driver.deposits().len(), 1);
    driver.hear(not_kept(&deposit));
    driver.clear();
    driver.pass_alive(7);
    assert_eq!(driver.deposits(), [], "and then for eight");
    driver.pass_alive(1);
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn runs_that_end_soon_do_not_all_ask_for_the_same() {
    let (mut driver, _) = away_for(61, 30);
    let mut first = BTreeSet::new();
    for _ in 0..8 {
        driver.pass(ms(5_000));
        first.insert(asked(&driver)[0]);
        driver.restart();
        driver.come_up();
    }
    assert!(first.len() > 3, "{first:?}");
}
