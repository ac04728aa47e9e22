//! Messages for us: who is believed, what is committed, receipted, shown.

use std::time::Duration;

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, message_from, name, online, person};
use crate::client::interface::{Event, Road};
use crate::rate::Rate;
use crate::transport::{CloseCause, ConnectFault, SessionId};
use crate::wire::envelope::{Receipt, Verdict};
use crate::wire::message::{Busy, BusyReason, FromRegistry, ToPeer, ToRegistry};

fn receipts(driver: &Driver, session: SessionId) -> Vec<Receipt> {
    driver
        .to_peer(session)
        .into_iter()
        .filter_map(|message| match message {
            ToPeer::Receipt(receipt) => Some(receipt),
            _ => None,
        })
        .collect()
}

fn busy(driver: &Driver, session: SessionId) -> Vec<BusyReason> {
    driver
        .to_peer(session)
        .into_iter()
        .filter_map(|message| match message {
            ToPeer::Busy(busy) => Some(busy.reason),
            _ => None,
        })
        .collect()
}

fn with_bob() -> (Driver, SessionId) {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.clear();
    (driver, session)
}

#[test]
fn a_message_is_receipted_after_its_commit_and_shown() {
    let (mut driver, session) = with_bob();
    driver.disk = Disk::Waits;
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    assert!(driver.sent.is_empty() && driver.events.is_empty());
    driver.commit();
    let receipt = receipts(&driver, session)[0];
    let key = person("bob").pair_key(&person("alice").card().key).unwrap();
    assert!(receipt.verify(person("alice").id(), &key));
    assert_eq!(receipt.verdict, Verdict::Received);
    assert_eq!(driver.read(), [(Road::Direct, "hi".to_owned())]);
    assert_eq!(driver.inbox(), ["hi"]);
}

#[test]
fn a_duplicate_is_receipted_again_on_its_own_road_and_not_shown_again() {
    let (mut driver, session) = with_bob();
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.read();
    driver.clear();
    driver.mail(message);
    assert!(
        matches!(driver.to_registry()[..], [ToRegistry::Receipt(receipt)] if receipt.verdict == Verdict::Received)
    );
    assert_eq!(driver.read(), []);
    assert_eq!(driver.inbox(), ["hi"]);
}

#[test]
fn another_message_with_the_same_number_is_a_conflict() {
    let (mut driver, session) = with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "other")));
    assert_eq!(receipts(&driver, session)[1].verdict, Verdict::Conflict);
    assert_eq!(driver.inbox(), ["hi"]);
}

#[test]
fn what_is_missing_below_the_floor_is_skipped_for_good() {
    let (mut driver, session) = with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 2, 2, "third")));
    assert_eq!(
        driver.read(),
        [(Road::Direct, "third".to_owned())],
        "not waited for"
    );
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    assert_eq!(receipts(&driver, session)[1].verdict, Verdict::Skipped);
    assert_eq!(driver.inbox(), ["third"]);
    assert_eq!(driver.read(), []);
}

#[test]
fn a_floor_above_its_own_message_skips_nothing_that_is_there() {
    let (mut driver, session) = with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 99, "first")));
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    let shown: Vec<String> = driver.read().into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, ["first", "second"]);
}

#[test]
fn a_successor_is_held_back_for_two_seconds() {
    let (mut driver, session) = with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    assert_eq!(
        receipts(&driver, session).len(),
        1,
        "committed and receipted at once"
    );
    driver.pass(ms(1_999));
    assert_eq!(driver.read(), []);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "first")));
    let direct = |text: &str| (Road::Direct, text.to_owned());
    assert_eq!(driver.read(), [direct("first"), direct("second")]);

    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 3, 0, "fourth")));
    driver.pass(ms(2_000));
    assert_eq!(driver.read(), [direct("fourth")]);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 2, 0, "third")));
    assert_eq!(driver.read(), [(Road::Late, "third".to_owned())]);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 4, 0, "fifth")));
    assert_eq!(
        driver.read(),
        [direct("fifth")],
        "the late one is not waited for again"
    );
}

#[test]
fn the_hold_begins_when_the_mailbox_is_drained() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    driver.pass(ms(15_000));
    assert_eq!(driver.read(), []);
    driver.drained();
    driver.pass(ms(1_999));
    assert_eq!(driver.read(), []);
    driver.pass(ms(1));
    assert_eq!(driver.read().len(), 1);
}

#[test]
fn the_hold_begins_when_the_registry_is_away() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    driver.pass(ms(10_000));
    driver.close(REGISTRY, CloseCause::Silent);
    driver.pass(ms(1_000));
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    driver.pass(ms(1_999));
    assert_eq!(driver.read(), []);
    driver.pass(ms(1));
    assert_eq!(driver.read().len(), 1);
}

#[test]
fn the_hold_begins_when_the_registry_puts_us_off() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.pass(ms(10_000));
    driver.close(REGISTRY, CloseCause::Silent);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "second")));
    driver.registry_opens();
    driver.hear(FromRegistry::Busy(Busy {
        of: None,
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    }));
    driver.pass(ms(1_999));
    assert_eq!(driver.read(), []);
    driver.pass(ms(1));
    assert_eq!(driver.read().len(), 1);
}

#[test]
fn stored_mail_is_announced_once_for_a_batch() {
    let (mut driver, _) = with_bob();
    for (sequence, text) in [(0, "a"), (1, "b")] {
        driver.mail(message_from("bob", 1, sequence, 0, text));
    }
    let announced = |events: &[Event]| {
        events
            .iter()
            .filter(|event| **event == Event::HaveMessages)
            .count()
    };
    assert_eq!(driver.events[0], Event::HaveMessages);
    assert_eq!(announced(&driver.events), 1);
    assert_eq!(
        driver.read(),
        [(Road::Stored, "a".to_owned()), (Road::Stored, "b".to_owned())]
    );
    driver.pass(ms(10_000));
    driver.mail(message_from("bob", 1, 2, 0, "c"));
    assert_eq!(announced(&driver.events), 1, "a new batch");
}

#[test]
fn a_stranger_is_looked_up_and_then_believed() {
    let mut driver = Driver::registered(&[]);
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert_eq!(driver.to_registry(), [ToRegistry::Lookup { name: name("bob") }]);
    assert_eq!(driver.inbox(), [""; 0]);
    driver.hear(FromRegistry::Found {
        record: online("bob"),
    });
    assert_eq!(receipts(&driver, session).len(), 1);
    assert_eq!(driver.inbox(), ["hi"]);
    assert_eq!(driver.store.image().unwrap().registries[0].pins.len(), 1);
}

#[test]
fn a_stranger_whose_name_is_anothers_leaves_no_trace() {
    let mut driver = Driver::registered(&[]);
    let session = driver.peer_opens("eve");
    let mut forged = message_from("eve", 1, 0, 0, "hi");
    // Eve calls herself bob, under her own key.
    let envelope = crate::wire::envelope::Envelope::parse(&forged.envelope).unwrap();
    let envelope = crate::wire::envelope::Envelope {
        sender: crate::wire::envelope::Party {
            name: name("bob"),
            id: envelope.sender.id,
        },
        ..envelope
    };
    let key = person("eve").pair_key(&person("alice").card().key).unwrap();
    forged.envelope = envelope.seal(&key);
    driver.hear_from(session, &ToPeer::Deliver(forged.clone()));
    driver.hear(FromRegistry::Found {
        record: online("bob"),
    });
    driver.hear_from(session, &ToPeer::Deliver(forged));
    assert_eq!(receipts(&driver, session), []);
    assert_eq!(driver.inbox(), [""; 0]);
    assert!(driver.store.image().unwrap().registries[0].pins.is_empty());
}

#[test]
fn stored_mail_whose_sender_has_lost_his_name_is_put_off() {
    let not_found = FromRegistry::NotFound { name: name("bob") };
    let mut another = online("bob");
    another.card = *person("eve").card();
    for answer in [not_found, FromRegistry::Found { record: another }] {
        let mut driver = Driver::registered(&[]);
        let forward = message_from("bob", 1, 0, 0, "hi");
        driver.mail(forward.clone());
        driver.hear(answer);
        let put_off = ToRegistry::Busy(Busy {
            of: id_of(&forward),
            reason: BusyReason::UnknownSender,
            retry_after_ms: 60_000,
        });
        assert_eq!(driver.to_registry()[1..], [put_off]);
    }
}

#[test]
fn a_stranger_waits_while_the_registry_is_away() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(22_500));
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert_eq!(busy(&driver, session), [BusyReason::UnknownSender]);
    assert_eq!(driver.inbox(), [""; 0]);
}

#[test]
fn a_known_sender_is_believed_while_the_registry_is_away() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(22_500));
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert_eq!(receipts(&driver, session).len(), 1);
}

/// A message of bob's whose tag does not hold.
fn changed() -> crate::wire::message::Forward {
    let mut changed = message_from("bob", 1, 0, 0, "hi");
    let last = changed.envelope.len() - 1;
    changed.envelope[last] ^= 1;
    changed
}

#[test]
fn a_message_for_another_or_from_another_or_changed_is_not_taken() {
    let (mut driver, session) = with_bob();
    let eve = driver.peer_opens("eve");
    driver.hear_from(eve, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    driver.hear_from(session, &ToPeer::Deliver(changed()));
    driver.hear_from(
        session,
        &ToPeer::Deliver(crate::wire::message::Forward {
            floor: crate::id::Sequence(0),
            envelope: vec![1, 2, 3],
        }),
    );
    assert!(driver.sent.is_empty());
    assert_eq!(driver.inbox(), [""; 0]);
}

#[test]
fn the_registry_is_told_that_a_forged_message_is_not_taken() {
    let (mut driver, _) = with_bob();
    driver.mail(changed());
    let busy = ToRegistry::Busy(Busy {
        of: id_of(&changed()),
        reason: BusyReason::UnknownSender,
        retry_after_ms: 60_000,
    });
    assert_eq!(driver.to_registry(), [busy]);
    assert_eq!(driver.inbox(), [""; 0]);
}

#[test]
fn what_the_disk_does_not_take_is_busy() {
    let (mut driver, session) = with_bob();
    driver.disk = Disk::Fails;
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    assert_eq!(busy(&driver, session), [BusyReason::Storage]);
    assert_eq!(driver.events(), [Event::Trouble("the disk is full".to_owned())]);
    driver.disk = Disk::Commits;
    driver.hear_from(session, &ToPeer::Deliver(message));
    assert_eq!(receipts(&driver, session).len(), 1);
}

#[test]
fn receipts_wait_for_room() {
    let (mut driver, session) = with_bob();
    driver.paper.room = Some(0);
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert!(driver.sent.is_empty());
    driver.paper.room = None;
    driver.pass(ms(20));
    assert_eq!(receipts(&driver, session).len(), 1);
}

#[test]
fn an_old_epoch_does_not_hold_a_new_one_up() {
    let (mut driver, session) = with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 5, 0, "old")));
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 2, 0, 0, "new")));
    assert_eq!(driver.read(), [(Road::Direct, "new".to_owned())]);
}

#[test]
fn a_peer_may_send_so_much_at_once_and_so_fast_and_another_as_much() {
    let mut config = Driver::config();
    config.limits.inbound = Rate::new(10, Duration::from_secs(1), 4);
    let mut driver = Driver::registered_with(config, &[online("bob"), online("carol")]);
    let bob = driver.peer_opens("bob");
    let mut sequence = 0;
    let mut deliver = |driver: &mut Driver| {
        let message = message_from("bob", 1, sequence, 0, "hi");
        driver.hear_from(bob, &ToPeer::Deliver(message));
        sequence += 1;
        driver.inbox().len()
    };
    assert_eq!((0..4).map(|_| deliver(&mut driver)).last(), Some(4));
    assert_eq!(deliver(&mut driver), 4);
    assert_eq!(busy(&driver, bob), [BusyReason::Rate]);
    let carol = driver.peer_opens("carol");
    driver.hear_from(carol, &ToPeer::Deliver(message_from("carol", 2, 0, 0, "hi")));
    assert_eq!(driver.inbox().len(), 5);
    driver.pass(ms(99));
    assert_eq!(deliver(&mut driver), 5);
    driver.pass(ms(1));
    assert_eq!(deliver(&mut driver), 6);
    // In a new session it is the same peer.
    driver.close(bob, CloseCause::Silent);
    let again = driver.peer_opens("bob");
    driver.hear_from(again, &ToPeer::Deliver(message_from("bob", 1, 9, 0, "hi")));
    assert_eq!(driver.inbox().len(), 6);
    // The registry has limits of its own.
    driver.mail(message_from("bob", 1, 10, 0, "hi"));
    assert_eq!(driver.inbox().len(), 7);
}

#[test]
fn a_large_message_counts_for_more() {
    let mut config = Driver::config();
    config.limits.inbound = Rate::new(10, Duration::from_secs(1), 4);
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    let bob = driver.peer_opens("bob");
    let large = "x".repeat(64 * 1024);
    driver.hear_from(bob, &ToPeer::Deliver(message_from("bob", 1, 0, 0, &large)));
    driver.hear_from(bob, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "hi")));
    assert_eq!(driver.inbox().len(), 1);
    // 17 units, of which 4 were there; the next needs one.
    driver.pass(ms(1_399));
    driver.hear_from(bob, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "hi")));
    assert_eq!(driver.inbox().len(), 1);
    driver.pass(ms(1));
    driver.hear_from(bob, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "hi")));
    assert_eq!(driver.inbox().len(), 2);
}
