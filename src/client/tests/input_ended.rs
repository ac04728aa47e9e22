//! The end of the input: what is waited for, and for how long.

use super::driver::{Driver, ms};
use super::people::{message_from, name, offline, online};
use crate::client::interface::{Command, Ending, Event};
use crate::wire::message::{FromRegistry, ToRegistry};

fn leaves(driver: &Driver) -> bool {
    let bye = |message: &ToRegistry| matches!(message, ToRegistry::Deregister { .. });
    driver.to_registry().iter().any(bye)
}

#[test]
fn who_waits_for_nothing_leaves_at_once() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::LeaveSettled);
    assert!(leaves(&driver));
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
    driver.pass(ms(60_000));
    assert_eq!(driver.events(), [], "once");
}

#[test]
fn the_end_waits_until_each_message_has_a_state() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.send("bob", "b");
    driver.command(Command::LeaveSettled);
    let deposits = driver.deposits();
    driver.answer_deposit(&deposits[0]);
    assert!(!leaves(&driver));
    driver.answer_deposit(&deposits[1]);
    assert!(leaves(&driver));
}

#[test]
fn what_an_earlier_run_has_left_is_waited_for_as_well() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.lose_registry();
    driver.send("bob", "a");
    driver.restart();
    driver.come_up();
    driver.hear(FromRegistry::Replayed);
    driver.send("bob", "b");
    driver.command(Command::LeaveSettled);
    let deposits = driver.deposits();
    driver.answer_deposit(&deposits[0]);
    assert!(!leaves(&driver), "one state is not the other's");
    driver.answer_deposit(&deposits[1]);
    assert!(leaves(&driver));
}

#[test]
fn the_mail_that_was_kept_is_waited_for() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    driver.clear();
    driver.command(Command::LeaveSettled);
    for sequence in 0..3 {
        driver.pass_alive(14);
        assert!(!leaves(&driver), "it is coming");
        driver.hear(FromRegistry::Forward(message_from("bob", 1, sequence, 0, "hi")));
    }
    driver.hear(FromRegistry::Replayed);
    assert!(leaves(&driver));
}

#[test]
fn what_never_gets_a_state_does_not_keep_us() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.pass(ms(1_000));
    driver.command(Command::LeaveSettled);
    driver.pass_alive(14);
    driver.pass(ms(999));
    assert!(!leaves(&driver));
    driver.pass(ms(1));
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    let waiting = Event::Waiting { to: name("bob") };
    assert!(driver.events().contains(&waiting), "it is told");
}

#[test]
fn who_wanted_to_be_back_is_back_before_the_end() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Deregister);
    driver.command(Command::Register);
    driver.command(Command::LeaveSettled);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    driver.come_up();
    assert!(
        driver
            .events()
            .iter()
            .any(|event| matches!(event, Event::Registered { .. }))
    );
    driver.clear();
    driver.hear(FromRegistry::Replayed);
    assert!(leaves(&driver));
}
