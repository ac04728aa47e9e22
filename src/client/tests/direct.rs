//! The direct road: budgets, receipts, and what happens when there are none.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{gone, here, id_of, name, offline, online, receipt, text_of};
use crate::client::interface::{Command, Event, NotAccepted};
use crate::client::storage::Request;
use crate::limits::BODY_BYTES_MAX;
use crate::transport::{CloseCause, ConnectFault};
use crate::wire::envelope::Verdict;
use crate::wire::frame::CloseCode;
use crate::wire::message::{Busy, BusyReason, Change, ToPeer};

fn received() -> Event {
    Event::Received { to: name("bob") }
}

fn no_answer() -> Event {
    Event::NoAnswer { to: name("bob") }
}

/// A client with a session to bob, over which one message went and came back.
fn acquainted() -> (Driver, crate::transport::SessionId) {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "first");
    let session = driver.peer_answers("bob");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    driver.clear();
    (driver, session)
}

#[test]
fn nothing_is_transmitted_before_the_outbox_commit() {
    let (mut driver, session) = acquainted();
    driver.disk = Disk::Waits;
    driver.send("bob", "hi");
    assert!(driver.sent.is_empty());
    driver.commit();
    assert_eq!(driver.deliveries(session).len(), 1);
}

#[test]
fn the_first_message_opens_a_session_with_whom_the_directory_names() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "hi");
    let connect = driver.connects[0];
    assert_eq!(connect.expect, Some(super::people::person("bob").id()));
    assert_eq!(
        (connect.address, connect.initials, connect.interval),
        (super::people::address(60), 3, ms(1_000))
    );
    let session = driver.peer_answers("bob");
    let sent = driver.deliveries(session);
    assert_eq!(text_of(&sent[0]), "hi");
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(driver.events(), [received()]);
    assert_eq!(driver.states(), [2]);
    assert!(driver.deposits().is_empty());
}

#[test]
fn a_receipt_within_the_budget_is_in_time_and_one_after_it_is_later() {
    let (mut driver, session) = acquainted();
    driver.send("bob", "a");
    driver.pass(ms(499));
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(driver.events(), [received()]);

    driver.clear();
    driver.send("bob", "b");
    driver.pass(ms(500));
    assert_eq!(driver.events(), [no_answer()]);
    assert_eq!(driver.deposits().len(), 1);
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
    assert_eq!(driver.states(), [2, 2, 2]);
}

#[test]
fn the_budget_follows_a_slow_path() {
    let (mut driver, session) = acquainted();
    driver.paper.paths.get_mut(&session).unwrap().probe_timeout = ms(400);
    driver.send("bob", "a");
    driver.pass(ms(1_199));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [no_answer()]);
}

#[test]
fn the_budget_begins_when_the_session_is_up() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "a");
    driver.pass(ms(999));
    driver.peer_answers("bob");
    driver.pass(ms(499));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [no_answer()]);
}

#[test]
fn a_handshake_has_a_second_of_its_own() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "a");
    driver.pass(ms(999));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [no_answer()]);
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn after_a_vain_try_messages_go_to_the_registry_at_once() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "a");
    let attempt = driver.connects[0].attempt;
    driver.fail(attempt, ConnectFault::Silent);
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.outcome("bob", &deposit, Verdict::Received);
    driver.clear();
    driver.send("bob", "b");
    assert_eq!(driver.events(), [no_answer()]);
    assert_eq!(driver.connects.len(), 0, "not tried again so soon");
    driver.delta(
        2,
        Change::Presence {
            name: name("bob"),
            presence: gone(),
        },
    );
    driver.delta(
        3,
        Change::Presence {
            name: name("bob"),
            presence: here(),
        },
    );
    driver.pass(ms(6_000));
    driver.outcome("bob", &driver.deposits()[0].clone(), Verdict::Received);
    driver.send("bob", "c");
    assert_eq!(driver.connects.len(), 1, "tried again after the pause");
}

#[test]
fn a_forged_receipt_changes_nothing() {
    let (mut driver, session) = acquainted();
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    let mut forged = receipt("bob", &sent[0], Verdict::Received);
    forged.tag[0] ^= 1;
    driver.hear_from(session, &ToPeer::Receipt(forged));
    assert_eq!(driver.events(), []);
    let eve = driver.peer_opens("eve");
    driver.answer_delivery("bob", eve, &sent[0]);
    assert_eq!(driver.events(), [], "the right words from the wrong mouth");
    assert_eq!(driver.states(), [2, 0]);
}

#[test]
fn a_receipt_of_another_envelope_changes_nothing() {
    let (mut driver, session) = acquainted();
    driver.send("bob", "a");
    let sent = driver.deliveries(session);
    let right = receipt("bob", &sent[0], Verdict::Received);
    let key = super::people::person("bob")
        .pair_key(&super::people::person("alice").card().key)
        .unwrap();
    let other = crate::wire::envelope::Receipt::seal(
        (right.id, crate::id::EnvelopeHash([1; 16])),
        Verdict::Received,
        right.at,
        super::people::person("bob").id(),
        &key,
    );
    driver.hear_from(session, &ToPeer::Receipt(other));
    assert_eq!(driver.events(), []);
}

#[test]
fn a_session_that_breaks_hands_its_messages_to_the_next() {
    let (mut driver, session) = acquainted();
    driver.send("bob", "a");
    let before = driver.deliveries(session);
    driver.close(session, CloseCause::Reset);
    let session = driver.peer_answers("bob");
    assert_eq!(driver.deliveries(session), before, "the same bytes");
    driver.answer_delivery("bob", session, &before[0]);
    assert_eq!(driver.events(), [received()]);
}

#[test]
fn a_session_that_breaks_again_and_again_does_not_hold_a_message_up() {
    let (mut driver, mut session) = acquainted();
    driver.send("bob", "a");
    for _ in 0..2 {
        driver.close(session, CloseCause::Reset);
        session = driver.peer_answers("bob");
    }
    driver.close(session, CloseCause::Reset);
    assert_eq!(driver.events(), [no_answer()]);
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_peer_who_comes_to_us_is_written_to_in_his_session() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    assert_eq!(driver.deliveries(session).len(), 1);
    assert!(driver.connects.is_empty());
}

#[test]
fn a_closed_peer_who_is_offline_gets_mail_at_once() {
    let (mut driver, session) = acquainted();
    driver.close(session, CloseCause::Remote(CloseCode::Done));
    driver.delta(
        2,
        Change::Presence {
            name: name("bob"),
            presence: gone(),
        },
    );
    driver.clear();
    driver.send("bob", "a");
    assert_eq!(driver.events(), [Event::Offline { to: name("bob") }]);
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_silent_session_with_somebody_whom_the_registry_calls_offline_is_not_used() {
    let (mut driver, session) = acquainted();
    driver.pass(ms(10));
    driver.delta(
        2,
        Change::Presence {
            name: name("bob"),
            presence: gone(),
        },
    );
    driver.clear();
    driver.send("bob", "a");
    assert_eq!(driver.events(), [Event::Offline { to: name("bob") }]);
    let deposit = driver.deposits()[0].clone();
    driver.outcome("bob", &deposit, Verdict::Received);
    driver.pass(ms(10));
    driver.sign_of_life(session);
    driver.clear();
    driver.send("bob", "b");
    assert_eq!(
        driver.deliveries(session).len(),
        1,
        "heard since: he is there after all"
    );
}

#[test]
fn a_window_bounds_what_a_peer_owes() {
    let (mut driver, session) = acquainted();
    for n in 0..300 {
        driver.send("bob", &n.to_string());
    }
    let sent = driver.deliveries(session);
    assert_eq!(sent.len(), 256);
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(text_of(&driver.deliveries(session)[256]), "256");
}

#[test]
fn a_full_send_buffer_is_waited_for() {
    let (mut driver, session) = acquainted();
    driver.paper.room = Some(100);
    driver.send("bob", "a");
    driver.pass(ms(100));
    assert!(driver.sent.is_empty());
    driver.paper.room = None;
    driver.pass(ms(20));
    assert_eq!(driver.deliveries(session).len(), 1);
}

#[test]
fn a_receipt_that_was_not_listened_to_is_waited_for() {
    let (mut driver, session) = acquainted();
    driver.send("bob", "a");
    driver.paper.paths.get_mut(&session).unwrap().unheard = true;
    driver.pass_alive(8);
    assert_eq!((driver.events(), driver.deposits()), (vec![], vec![]));
    driver.paper.paths.get_mut(&session).unwrap().unheard = false;
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(driver.events(), [received()]);
}

#[test]
fn what_was_given_in_a_turn_counts_against_the_room() {
    let mut driver = Driver::registered(&[online("bob")]);
    for _ in 0..10 {
        driver.send("bob", &"x".repeat(1_000));
    }
    driver.sent.clear();
    driver.paper.room = Some(5_000);
    // One input, and all ten are ready to go.
    let session = driver.peer_answers("bob");
    let sent: usize = driver.sent.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(driver.deliveries(session).len(), 4);
    assert!(sent <= 5_000, "{sent}");
}

#[test]
fn a_busy_peer_changes_nothing_while_the_registry_is_there() {
    let (mut driver, session) = acquainted();
    driver.send("bob", "a");
    let id = id_of(&driver.deliveries(session)[0]);
    let busy = Busy {
        of: id,
        reason: BusyReason::Storage,
        retry_after_ms: 60_000,
    };
    driver.hear_from(session, &ToPeer::Busy(busy));
    assert_eq!(driver.events(), []);
    driver.pass(ms(500));
    assert_eq!(driver.events(), [no_answer()]);
}

#[test]
fn only_the_recipient_can_say_that_he_is_busy() {
    let mut driver = Driver::registered(&[online("bob"), online("carol")]);
    let (bob, carol) = (driver.peer_opens("bob"), driver.peer_opens("carol"));
    driver.lose_registry();
    driver.send("bob", "a");
    let busy = Busy {
        of: id_of(&driver.deliveries(bob)[0]),
        reason: BusyReason::Storage,
        retry_after_ms: 60_000,
    };
    driver.clear();
    driver.hear_from(carol, &ToPeer::Busy(busy));
    driver.pass(ms(20_000));
    assert!(!driver.deliveries(bob).is_empty(), "asked again in its time");
    driver.hear_from(bob, &ToPeer::Busy(busy));
    driver.clear();
    driver.pass(ms(59_000));
    assert!(driver.deliveries(bob).is_empty());
}

#[test]
fn too_large_too_many_and_to_oneself_are_not_accepted() {
    let mut config = Driver::config();
    config.limits.outbox_messages = 1;
    let mut driver = Driver::registered_with(config, &[offline("bob")]);
    driver.send("bob", &"x".repeat(BODY_BYTES_MAX + 1));
    driver.send("ALICE", "me");
    driver.send("bob", &"x".repeat(BODY_BYTES_MAX));
    driver.send("bob", "one more");
    let events = driver.events();
    assert_eq!(
        events[0],
        Event::NotAccepted(NotAccepted::TooLarge(BODY_BYTES_MAX + 1))
    );
    assert_eq!(events[1], Event::NotAccepted(NotAccepted::ToSelf));
    assert_eq!(events.last(), Some(&Event::NotAccepted(NotAccepted::OutboxFull)));
    assert_eq!(driver.states(), [0]);
}

#[test]
fn a_message_that_the_disk_does_not_take_is_not_accepted() {
    let (mut driver, _) = acquainted();
    driver.disk = Disk::Fails;
    driver.send("bob", "a");
    assert_eq!(
        driver.events(),
        [Event::NotAccepted(NotAccepted::Storage(
            "the disk is full".to_owned()
        ))]
    );
    assert!(driver.sent.is_empty());
    driver.disk = Disk::Commits;
    driver.send("bob", "b");
    assert_eq!(driver.states(), [2, 0], "the process lives on");
    assert_eq!(
        id_of(&driver.deliveries(crate::transport::SessionId(101))[0])
            .slot
            .sequence
            .0,
        1
    );
}

#[test]
fn a_name_is_pinned_at_its_first_use_before_anything_is_sent() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "a");
    assert!(driver.asked.iter().any(
        |request| matches!(request, Request::Accept(accept) if accept.pin == Some(*super::people::person("bob").card()))
    ));
    driver.command(Command::Deregister);
    assert_eq!(driver.store.image().unwrap().registries[0].pins.len(), 1);
}

#[test]
fn who_is_too_fast_for_his_peer_sends_again_directly_and_in_order() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    driver.send("bob", "b");
    let too_fast = |driver: &mut Driver, of| {
        let busy = Busy {
            of,
            reason: BusyReason::Rate,
            retry_after_ms: 250,
        };
        driver.hear_from(session, &ToPeer::Busy(busy));
    };
    let sent = driver.deliveries(session);
    for forward in &sent {
        too_fast(&mut driver, id_of(forward));
    }
    driver.clear();
    driver.pass(ms(249));
    assert!(driver.deliveries(session).is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.deliveries(session), sent);
    for forward in &sent {
        driver.answer_delivery("bob", session, forward);
    }
    let received = Event::Received { to: name("bob") };
    assert_eq!(driver.events(), [received.clone(), received]);
}

#[test]
fn a_peer_who_always_finds_us_too_fast_is_not_waited_for_without_end() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "a");
    let of = id_of(&driver.deliveries(session)[0]);
    for _ in 0..80 {
        let busy = Busy {
            of,
            reason: BusyReason::Rate,
            retry_after_ms: 250,
        };
        driver.hear_from(session, &ToPeer::Busy(busy));
        driver.pass(ms(250));
        driver.sign_of_life(REGISTRY);
    }
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_copy_that_the_registry_does_not_keep_is_not_to_be_withdrawn() {
    use crate::wire::message::{End, FromRegistry, Outcome};
    for answer in 0..3 {
        let (mut driver, session) = acquainted();
        driver.send("bob", "a");
        let sent = driver.deliveries(session);
        driver.pass(ms(500));
        assert_eq!(driver.deposits().len(), 1);
        driver.answer_delivery("bob", session, &sent[0]);
        assert_eq!(driver.client.withdrawals.copies.len(), 1);
        let slot = id_of(&sent[0]).slot;
        driver.hear(match answer {
            0 => FromRegistry::Conflict { slot },
            1 => FromRegistry::Busy(Busy {
                of: Some(slot),
                reason: BusyReason::Storage,
                retry_after_ms: 1_000,
            }),
            _ => FromRegistry::Outcome(Outcome {
                slot,
                hash: crate::id::EnvelopeHash::of(&sent[0].envelope),
                end: End::Expired {
                    at: crate::clock::WallTime::default(),
                },
            }),
        });
        assert!(driver.client.withdrawals.copies.is_empty(), "answer {answer}");
    }
}
