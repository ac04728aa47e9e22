//! Names that the directory does not tell of: asked for where they are needed.
//!
//! A registry with many names tells of none unasked. Whose a name is stands in the pin; where he is has to be asked.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::{address, claim, gone, name, offline, online};
use crate::limits::{DIRECT_BUDGET, DIRECT_HANDSHAKE_BUDGET, SUBSCRIPTIONS_MAX};
use crate::wire::envelope::Verdict;
use crate::wire::message::{Change, DepositRefusal, FromRegistry, Record, ToPeer, ToRegistry};

/// A client that has written to bob, started again where no directory is pushed.
fn started_again() -> Driver {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "a");
    let session = driver.peer_answers("bob");
    let delivery = driver.deliveries(session)[0].clone();
    driver.answer_delivery("bob", session, &delivery);
    // Twice: what is not told of is kept on disk as well.
    for _ in 0..2 {
        driver.restart();
        driver.come_up();
        driver.directory(&[]);
        driver.drained();
        driver.pass(ms(2_000));
    }
    driver.clear();
    driver
}

fn lookups(driver: &Driver) -> usize {
    let asked = driver.to_registry().into_iter();
    asked
        .filter(|message| matches!(message, ToRegistry::Lookup { .. }))
        .count()
}

/// So many others are asked for, and found.
fn follow_others(driver: &mut Driver, others: usize) {
    for n in 0..others {
        let other = format!("other{n}");
        driver.send(&other, "hi");
        driver.hear(FromRegistry::Found {
            record: offline(&other),
        });
    }
}

#[test]
fn a_pinned_name_is_looked_up_and_then_called_where_he_is() {
    let mut driver = started_again();
    driver.send("bob", "b");
    assert_eq!(driver.to_registry(), [ToRegistry::Lookup { name: name("bob") }]);
    assert!(driver.connects.is_empty());
    let mut record = online("bob");
    record.presence.online.as_mut().unwrap().observed = address(61);
    driver.hear(FromRegistry::Found { record });
    assert_eq!(driver.connects[0].address, address(61));
    // Who is asked for is followed: nothing more has to be asked.
    let session = driver.peer_answers("bob");
    assert_eq!(driver.deliveries(session).len(), 1);
    driver.delta(
        2,
        Change::Presence {
            name: name("bob"),
            presence: gone(),
        },
    );
    assert_eq!(lookups(&driver), 1);
}

#[test]
fn the_answer_is_waited_for_as_long_as_he_would_be() {
    let mut driver = started_again();
    driver.send("bob", "b");
    driver.pass(DIRECT_BUDGET.saturating_sub(ms(1)));
    assert!(driver.connects.is_empty() && driver.deposits().is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.connects.len(), 1, "he may be where he was");
    assert_eq!(driver.connects[0].address, address(60));
    driver.pass(DIRECT_HANDSHAKE_BUDGET);
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_message_that_has_waited_is_looked_up_too() {
    let mut driver = started_again();
    driver.lose_registry();
    driver.send("bob", "b");
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.registry_registers();
    driver.pass(DIRECT_BUDGET.saturating_sub(ms(1)));
    assert_eq!(lookups(&driver), 1);
    assert!(driver.deposits().is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.deposits().len(), 1, "he was called in vain before");
}

#[test]
fn a_slow_registry_is_given_time_to_answer() {
    let mut driver = started_again();
    driver.paper.paths.get_mut(&REGISTRY).unwrap().probe_timeout = ms(400);
    driver.send("bob", "b");
    driver.pass(ms(3 * 400 - 1));
    assert!(driver.connects.is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.connects.len(), 1);
}

#[test]
fn one_who_is_away_is_not_called() {
    let mut driver = started_again();
    driver.send("bob", "b");
    driver.hear(FromRegistry::Found {
        record: offline("bob"),
    });
    assert!(driver.connects.is_empty());
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_name_that_nobody_has_is_asked_for_once_in_a_registration() {
    let mut driver = started_again();
    for text in ["b", "c"] {
        driver.send("bob", text);
        driver.hear(FromRegistry::NotFound { name: name("bob") });
    }
    assert_eq!((lookups(&driver), driver.deposits().len()), (1, 2));
    for deposit in driver.deposits() {
        let slot = crate::wire::envelope::Envelope::parse(&deposit.forward.envelope)
            .unwrap()
            .slot;
        let reason = DepositRefusal::NoSuchName;
        driver.hear(FromRegistry::DepositRefused { slot, reason });
    }
    driver.pass(ms(30_000));
    assert_eq!(lookups(&driver), 1);
    driver.restart();
    driver.come_up();
    assert_eq!(lookups(&driver), 1, "he may be back");
}

#[test]
fn a_name_that_is_somebodys_again_is_asked_for_again() {
    // By a page, and by a message that the registry keeps for him.
    for paged in [true, false] {
        let mut driver = started_again();
        driver.send("bob", "b");
        driver.hear(FromRegistry::NotFound { name: name("bob") });
        if paged {
            driver.delta(2, Change::Record(offline("bob")));
        }
        let deposit = driver.deposits()[0].clone();
        driver.answer_deposit(&deposit);
        driver.outcome("bob", &deposit, Verdict::Received);
        if paged {
            driver.directory_of_run(6, &[]);
        }
        driver.send("bob", "c");
        assert_eq!(lookups(&driver), 2, "by a page: {paged}");
    }
}

#[test]
fn an_answer_that_a_change_has_overtaken_counts_as_one_that_is_followed() {
    let mut driver = started_again();
    driver.send("bob", "b");
    driver.delta(2, Change::Record(offline("bob")));
    driver.hear(FromRegistry::Found {
        record: online("bob"),
    });
    // The change was the newer one.
    assert!(driver.connects.is_empty());
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.outcome("bob", &deposit, Verdict::Received);
    follow_others(&mut driver, SUBSCRIPTIONS_MAX);
    let before = lookups(&driver);
    driver.send("bob", "c");
    assert_eq!(lookups(&driver), before + 1);
}

#[test]
fn whoever_claims_names_makes_nobody_forget_who_is_told_of_unasked() {
    let names: Vec<String> = (0..250).map(|n| format!("n{n}")).collect();
    let records: Vec<Record> = names.iter().map(|name| online(name)).collect();
    let mut driver = Driver::registered(&records[..60]);
    for (counter, record) in (2..).zip(&records[60..]) {
        driver.delta(counter, Change::Record(record.clone()));
    }
    let session = driver.peer_opens("eve");
    for (name, record) in names.iter().zip(&records) {
        driver.hear_from(session, &ToPeer::Deliver(claim("eve", name)));
        let record = record.clone();
        driver.hear(FromRegistry::Found { record });
    }
    let told_of = names.iter().filter(|name| driver.client.directory.told_of(name));
    assert_eq!(told_of.count(), 250);
}

#[test]
fn strangers_make_us_ask_for_few_names() {
    let mut driver = Driver::registered(&[]);
    let sessions = [driver.peer_opens("eve"), driver.peer_opens("mallory")];
    for n in 0..100 {
        let (who, session) = [("eve", sessions[0]), ("mallory", sessions[1])][n % 2];
        let claimed = claim(who, &format!("n{n}"));
        driver.hear_from(session, &ToPeer::Deliver(claimed));
    }
    assert_eq!(lookups(&driver), 16);
    driver.pass_alive(10);
    let before = lookups(&driver);
    driver.hear_from(sessions[0], &ToPeer::Deliver(claim("eve", "one")));
    driver.hear_from(sessions[0], &ToPeer::Deliver(claim("eve", "more")));
    assert_eq!(lookups(&driver), before + 1);
    // What the user asks for is not held up, nor what the registry forwards.
    driver.send("bob", "hi");
    driver.mail(claim("carol", "carol"));
    assert_eq!(lookups(&driver), before + 3);
}

#[test]
fn a_pinned_name_that_nobody_has_is_not_asked_for_again_because_others_claim_it() {
    let mut driver = started_again();
    let session = driver.peer_opens("eve");
    for _ in 0..3 {
        driver.hear_from(session, &ToPeer::Deliver(claim("eve", "bob")));
        driver.hear(FromRegistry::NotFound { name: name("bob") });
    }
    assert_eq!(lookups(&driver), 1);
}

#[test]
fn where_a_name_was_is_known_after_a_directory_that_does_not_tell_of_it() {
    let mut driver = started_again();
    driver.lose_registry();
    driver.clear();
    driver.send("bob", "b");
    assert_eq!(driver.connects[0].address, address(60));
}

#[test]
fn who_was_asked_for_before_too_many_others_is_asked_for_again() {
    // Answers come in any order: less than what the registry follows is counted on.
    let counted_on = SUBSCRIPTIONS_MAX * 3 / 4;
    for (others, asked) in [(counted_on - 1, 0), (counted_on, 1)] {
        let mut driver = started_again();
        driver.send("bob", "b");
        driver.hear(FromRegistry::Found {
            record: offline("bob"),
        });
        follow_others(&mut driver, others);
        let before = lookups(&driver);
        driver.send("bob", "c");
        assert_eq!(lookups(&driver), before + asked, "after {others} others");
    }
}
