//! A registry that says nothing, or not what it was asked: when it counts as silent, and how often it is tried again.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::name;
use crate::client::interface::{Command, Ending, Event};
use crate::engine::SocketReply;
use crate::transport::{CloseCause, ConnectFault};
use crate::wire::message::FromRegistry;

/// The program ends after so many milliseconds, and not before, because the registry is silent.
fn ends_after(driver: &mut Driver, patience: u64) {
    driver.pass(ms(patience - 1));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(
        driver.events(),
        [Event::ServerSilent, Event::Ended(Ending::ServerSilent)]
    );
}

#[test]
fn a_silent_registry_ends_the_first_start() {
    let mut driver = Driver::start();
    driver.open_port();
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    assert_eq!(
        driver.events(),
        [Event::ServerSilent, Event::Ended(Ending::ServerSilent)]
    );
}

#[test]
fn a_registry_that_does_not_answer_register_is_silent_after_five_attempts() {
    let mut driver = Driver::in_first_session();
    ends_after(&mut driver, 2_500);
}

#[test]
fn progress_starts_the_attempts_again_for_fifteen_seconds_at_most() {
    let mut driver = Driver::in_first_session();
    for _ in 0..7 {
        driver.pass(ms(2_000));
        driver.sign_of_life(REGISTRY);
    }
    ends_after(&mut driver, 1_000);
}

#[test]
fn a_registry_that_talks_of_other_things_and_never_registers_us_is_silent_after_fifteen_seconds() {
    let mut driver = Driver::in_first_session();
    for counter in 1..=14 {
        driver.pass(ms(1_000));
        driver.hear(FromRegistry::Alive { counter });
    }
    ends_after(&mut driver, 1_000);
}

#[test]
fn a_silent_registry_is_told_once_and_tried_again_ever_more_seldom() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(10_000));
    driver.clear();
    driver.close(REGISTRY, CloseCause::Silent);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let attempt = driver.registry_connect().attempt;
        driver.fail(attempt, ConnectFault::Silent);
        driver.connects.clear();
        let before = driver.now.at;
        while driver.connects.is_empty() {
            driver.pass(ms(50));
        }
        pauses.push(driver.now.at.since(before));
    }
    for (pause, most) in pauses.iter().zip([5_000, 10_000, 20_000, 20_000, 20_000, 20_000]) {
        assert!((ms(most * 3 / 4)..=ms(most)).contains(pause), "{pauses:?}");
    }
    assert!(
        pauses[2] != pauses[3] || pauses[3] != pauses[4],
        "all at the same pace"
    );
    assert_eq!(driver.events(), [Event::ServerSilent]);
    driver.registry_opens();
    driver.registry_registers();
    assert_eq!(driver.events(), [Event::ServerBack]);
}

#[test]
fn whoever_types_has_a_silent_registry_tried_at_once_and_not_more_than_once_a_second() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    driver.clear();
    driver.send("bob", "hi");
    driver.pass(ms(999));
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    assert!(driver.connects.is_empty(), "it was tried just now");
    driver.pass(ms(1));
    let attempt = driver.registry_connect().attempt;
    driver.send("bob", "again");
    assert_eq!(driver.connects.len(), 1, "it is being tried");
    driver.fail(attempt, ConnectFault::Silent);
    driver.pass(ms(1_001));
    driver.clear();
    driver.send("bob", "and again");
    driver.pass(ms(0));
    assert_eq!(driver.connects.len(), 1);
}

#[test]
fn an_unanswered_keep_alive_finds_the_registry_silent() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(22_500));
    assert_eq!(driver.events(), [Event::ServerSilent]);
    assert!(!driver.client.registered());
}

#[test]
fn asking_for_a_silent_registry_tries_it_at_once_and_tells_the_outcome() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(22_500));
    driver.clear();
    driver.command(Command::Register);
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    assert_eq!(driver.events(), [Event::ServerSilent]);
    driver.command(Command::Register);
    driver.registry_opens();
    driver.registry_registers();
    assert_eq!(driver.events(), [Event::Registered { returning: true }]);
}

#[test]
fn a_line_that_no_registry_will_be_there_for_is_not_accepted() {
    let mut driver = Driver::start();
    driver.send("bob", "early");
    driver.command(Command::Deregister);
    assert_eq!(not_accepted(&driver), 1, "as we go offline");
    driver.send("bob", "later");
    assert_eq!(not_accepted(&driver), 2);
    driver.command(Command::Register);
    driver.send("bob", "hi");
    assert_eq!(not_accepted(&driver), 2, "one is looked for");
    driver.open_port();
    driver.fail(driver.registry_connect().attempt, ConnectFault::Silent);
    assert_eq!(not_accepted(&driver), 3, "in vain");
    driver.send("bob", "hi");
    assert_eq!(not_accepted(&driver), 4);
    driver.command(Command::Deregister);
    driver.command(Command::Register);
    driver.send("bob", "hi");
    driver.socket(SocketReply::Failed("port 40 is taken".to_owned()));
    assert_eq!(not_accepted(&driver), 5, "without a port");
}

fn not_accepted(driver: &Driver) -> usize {
    let refused = |event: &&Event| matches!(event, Event::NotAccepted(_));
    driver.events.iter().filter(refused).count()
}
