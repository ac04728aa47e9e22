//! Many conversations at once: each has its turn, and those that wait cost nothing meanwhile.

use super::driver::Driver;
use super::people::{offline, text_of};
use crate::limits::OUTBOX_MESSAGES_MAX;
use crate::wire::codec;
use crate::wire::message::{FromRegistry, ToRegistry};

#[test]
fn conversations_that_wait_for_the_registry_go_on_in_turn() {
    let names: Vec<String> = (10..40).rev().map(|n| format!("n{n}")).collect();
    let people: Vec<_> = names.iter().map(|name| offline(name)).collect();
    let mut driver = Driver::registered(&people);
    for (n, name) in names.iter().enumerate() {
        driver.send(name, &format!("{n}"));
        driver.send(name, &format!("{n} again"));
    }
    let mut answered = 0;
    while let Some(deposit) = driver.deposits().get(answered).cloned() {
        driver.answer_deposit(&deposit);
        answered += 1;
    }
    let texts: Vec<String> = driver
        .deposits()
        .iter()
        .map(|deposit| text_of(&deposit.forward))
        .collect();
    // A window of eight conversations goes at once; of the others each in turn has one place, and waits for its next.
    let (at_once, in_turn) = texts.split_at(16);
    assert_eq!(at_once[15], "7 again");
    let expected: Vec<String> = (8..30)
        .map(|n| format!("{n}"))
        .chain((8..30).map(|n| format!("{n} again")))
        .collect();
    assert_eq!(in_turn, expected);
}

/// With all looked at for each answer this took minutes.
#[test]
fn as_many_conversations_as_there_may_be_messages_are_deposited() {
    let mut driver = Driver::registered(&[]);
    for n in 0..OUTBOX_MESSAGES_MAX {
        driver.send(&format!("n{n}"), "hi");
    }
    let (mut next, mut deposited) = (0, 0);
    while let Some((_, bytes)) = driver.sent.get(next) {
        match codec::decode(bytes).unwrap() {
            ToRegistry::Deposit(deposit) => {
                deposited += 1;
                driver.answer_deposit(&deposit);
            }
            ToRegistry::Lookup { name } => {
                let record = offline(name.as_str());
                driver.hear(FromRegistry::Found { record });
            }
            _ => {}
        }
        next += 1;
    }
    assert_eq!(deposited, OUTBOX_MESSAGES_MAX);
    assert!(driver.states().iter().all(|state| *state == 1), "all are stored");
}
