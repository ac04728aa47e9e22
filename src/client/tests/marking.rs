//! Messages of which it is being committed that the registry may have them: together, and overtaken by none.

use super::driver::{Disk, Driver, ms};
use super::full_registry::with_a_full_registry;
use super::others::REGISTRY;
use super::people::{offline, online};
use crate::client::storage::Request;
use crate::transport::CloseCause;

#[test]
fn of_all_that_follows_a_stored_message_it_is_committed_together() {
    let (mut driver, _, first) = Driver::deposited_too();
    driver.answer_deposit(&first);
    let texts: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    for text in &texts {
        driver.send("bob", text);
    }
    driver.clear();
    driver.disk = Disk::Waits;
    driver.pass(ms(600));
    let marks = |request: &&Request| matches!(request, Request::Deposit { .. });
    assert_eq!(driver.asked.iter().filter(marks).count(), 10);
    assert_eq!(driver.deposits(), [], "before it is committed");
    driver.commit();
    assert_eq!(driver.texts_deposited("bob"), texts);
}

#[test]
fn what_was_sent_directly_does_not_overtake_it_to_the_registry() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.peer_opens("bob");
    driver.send("bob", "first");
    driver.pass(ms(100));
    driver.send("bob", "second");
    driver.disk = Disk::Fails;
    driver.pass(ms(400));
    driver.disk = Disk::Commits;
    driver.pass(ms(4_900));
    assert_eq!(driver.deposits(), []);
    driver.pass(ms(100));
    assert_eq!(driver.texts_deposited("bob"), ["first", "second"]);
}

/// A client whose disk failed when it was to be committed that the registry may have the first message for bob, who is
/// away, and takes more now.
fn marking() -> Driver {
    let mut driver = with_a_full_registry(offline("bob"));
    driver.send("bob", "first");
    driver.disk = Disk::Fails;
    driver.pass(ms(1_000));
    driver
}

#[test]
fn what_has_no_other_road_does_not_overtake_it_to_the_registry() {
    let mut driver = marking();
    driver.disk = Disk::Commits;
    driver.send("bob", "second");
    driver.pass_alive(4);
    driver.pass(ms(999));
    assert_eq!(driver.texts_deposited("bob"), [] as [&str; 0]);
    driver.pass(ms(1));
    assert_eq!(driver.texts_deposited("bob"), ["first", "second"]);
}

#[test]
fn without_the_registry_nothing_overtakes_it_directly() {
    let mut driver = marking();
    driver.bob_comes();
    driver.close(REGISTRY, CloseCause::Reset);
    driver.disk = Disk::Commits;
    driver.send("bob", "second");
    let session = driver.peer_answers("bob");
    driver.pass(ms(4_500));
    assert_eq!(driver.deliveries(session), []);
    driver.pass(ms(500));
    assert_eq!(driver.texts_delivered(session), ["first", "second"]);
}
