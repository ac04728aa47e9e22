//! A disk that takes nothing for a while: what is owed to it stays bounded, and commands are heard.

use super::driver::{Disk, Driver, ms};
use super::people::offline;
use crate::engine::Role;
use crate::limits::REQUEST_RETRY;

/// More than may be under way at the store.
const MANY: usize = 2_100;

#[test]
fn what_the_registry_may_have_is_marked_in_portions() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.lose_registry();
    for _ in 0..MANY {
        driver.send("bob", "hi");
    }
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.disk = Disk::Fails;
    driver.registry_registers();
    assert!(driver.client.ready(), "Ctrl+C is heard");
    driver.disk = Disk::Commits;
    driver.pass(REQUEST_RETRY);
    let mut answered = 0;
    while let Some(deposit) = driver.deposits().get(answered).cloned() {
        driver.answer_deposit(&deposit);
        answered += 1;
    }
    assert_eq!(answered, MANY);
    assert!(driver.states().iter().all(|state| *state == 1), "all are stored");
}

#[test]
fn nothing_new_is_begun_while_too_much_is_owed_to_the_disk() {
    let mut driver = Driver::registered(&[offline("bob")]);
    for _ in 0..MANY {
        driver.send("bob", "hi");
    }
    driver.disk = Disk::Fails;
    let mut answered = 0;
    for round in 0..3 {
        while let Some(deposit) = driver.deposits().get(answered).cloned() {
            driver.answer_deposit(&deposit);
            answered += 1;
        }
        assert!(driver.client.ready(), "after {answered} in round {round}");
        driver.pass_alive(6);
    }
    driver.disk = Disk::Commits;
    driver.pass_alive(6);
    while let Some(deposit) = driver.deposits().get(answered).cloned() {
        driver.answer_deposit(&deposit);
        answered += 1;
    }
    assert_eq!(answered, MANY);
    assert!(driver.states().iter().all(|state| *state == 1), "all are stored");
}
