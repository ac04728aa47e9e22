//! What the registry may leave unanswered: asked again, and nobody is called silent for it.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::{message_from, name};
use crate::client::interface::Event;
use crate::wire::message::ToRegistry;

/// So many of what was said to the registry.
fn said(driver: &Driver, is_it: impl Fn(&ToRegistry) -> bool) -> usize {
    driver
        .to_registry()
        .iter()
        .filter(|message| is_it(message))
        .count()
}

/// Time passes, and at its beginning what was sent arrives.
fn pass_heard(driver: &mut Driver, span: u64) {
    driver.pass(ms(30));
    driver.sign_of_life(REGISTRY);
    driver.pass(ms(span - 30));
}

#[test]
fn a_registry_that_answers_no_look_up_is_not_silent() {
    let mut driver = Driver::registered(&[]);
    driver.send("zed", "hi");
    for (span, asked) in [(5_000, 2), (9_900, 2), (100, 3)] {
        pass_heard(&mut driver, span);
        let lookups = said(&driver, |message| matches!(message, ToRegistry::Lookup { .. }));
        assert_eq!(lookups, asked);
    }
    assert_eq!((driver.events(), driver.closes.as_slice()), (vec![], &[][..]));
    assert_eq!(
        said(&driver, |message| matches!(message, ToRegistry::KeepAlive { .. })),
        0
    );
}

#[test]
fn a_registry_that_answers_no_withdrawal_is_not_silent() {
    let (mut driver, session, deposit) = Driver::deposited_too();
    driver.answer_delivery("bob", session, &deposit.forward);
    driver.answer_deposit(&deposit);
    driver.clear();
    pass_heard(&mut driver, 5_000);
    assert_eq!(
        said(&driver, |message| matches!(message, ToRegistry::Withdraw { .. })),
        1
    );
    pass_heard(&mut driver, 9_900);
    assert_eq!((driver.events(), driver.closes.as_slice()), (vec![], &[][..]));
}

#[test]
fn a_registry_that_does_not_even_hear_a_look_up_is_asked_whether_it_is_there() {
    let mut driver = Driver::registered(&[]);
    driver.send("zed", "hi");
    let alive = |driver: &Driver| said(driver, |message| matches!(message, ToRegistry::KeepAlive { .. }));
    driver.pass(ms(499));
    assert_eq!(alive(&driver), 0);
    driver.pass(ms(1));
    assert_eq!(alive(&driver), 1);
    driver.pass(ms(2_499));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    let waiting = Event::Waiting { to: name("zed") };
    assert_eq!(driver.events(), [Event::ServerSilent, waiting]);
}

#[test]
fn a_look_up_because_of_its_own_message_is_no_sign_that_it_hears() {
    let mut driver = Driver::registered(&[]);
    driver.mail(message_from("bob", 1, 0, 0, "hi"));
    let alive = |driver: &Driver| said(driver, |message| matches!(message, ToRegistry::KeepAlive { .. }));
    driver.pass(ms(499));
    assert_eq!(alive(&driver), 0);
    driver.pass(ms(1));
    assert_eq!(alive(&driver), 1);
}
