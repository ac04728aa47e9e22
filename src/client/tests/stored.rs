//! The road through the registry: deposits, outcomes, withdrawals, refusals, lifetimes.

use super::driver::{Disk, Driver, ms};
use super::others::{REGISTRY, STORE_ID};
use super::people::{gone, id_of, name, offline, online, receipt, slot};
use crate::client::interface::{Command, Event, Refusal};
use crate::client::storage::Request;
use crate::clock::WallTime;
use crate::id::EnvelopeHash;
use crate::transport::CloseCause;
use crate::wire::envelope::Verdict;
use crate::wire::frame::CloseCode;
use crate::wire::message::{
    Busy, BusyReason, Change, DepositRefusal, End, FromRegistry, Outcome, RegistrationRefusal, ToPeer,
    ToRegistry,
};

fn later() -> Event {
    Event::ReceivedLater {
        to: name("bob"),
        sent_at: WallTime::from_unix_ms(1_000_000),
    }
}

/// A client that has deposited one message for bob, who is offline.
fn deposited() -> (Driver, crate::wire::message::Deposit) {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    (driver, deposit)
}

fn acknowledged(driver: &Driver) -> bool {
    driver
        .to_registry()
        .iter()
        .any(|message| matches!(message, ToRegistry::OutcomeAck { .. }))
}

#[test]
fn a_message_for_somebody_offline_is_deposited_at_once_and_its_end_is_told() {
    let (mut driver, deposit) = deposited();
    assert_eq!(driver.events(), [Event::Offline { to: name("bob") }]);
    assert_eq!(deposit.ttl_ms, 30 * 24 * 3_600_000);
    driver.answer_deposit(&deposit);
    assert_eq!(driver.events(), [Event::Stored { to: name("bob") }]);
    assert_eq!(driver.states(), [1]);
    driver.outcome("bob", &deposit, Verdict::Received);
    let expected = later();
    assert_eq!(driver.events(), [expected]);
    assert_eq!(driver.states(), [2]);
    assert!(acknowledged(&driver));
    assert_eq!(driver.client.unfinished(), 0);
}

#[test]
fn that_the_registry_may_have_it_is_committed_before_it_has() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "hi");
    driver.disk = Disk::Waits;
    driver.pass(ms(1_000));
    assert!(driver.deposits().is_empty());
    assert!(matches!(driver.piled[..], [(_, Request::Deposit { .. })]));
    driver.commit();
    assert_eq!(driver.deposits().len(), 1);
    assert!(driver.store.image().unwrap().registries[0].outbox[0].deposited);
}

#[test]
fn an_outcome_is_acknowledged_only_after_its_commit() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.disk = Disk::Waits;
    driver.outcome("bob", &deposit, Verdict::Received);
    assert!(!acknowledged(&driver));
    driver.commit();
    assert!(acknowledged(&driver));
}

#[test]
fn an_unknown_outcome_is_acknowledged_and_ignored() {
    let mut driver = Driver::registered(&[]);
    driver.hear(FromRegistry::Outcome(Outcome {
        slot: slot(1, 2),
        hash: EnvelopeHash([3; 16]),
        end: End::Expired {
            at: WallTime::from_unix_ms(0),
        },
    }));
    assert_eq!(driver.events(), []);
    assert!(acknowledged(&driver));
}

#[test]
fn an_unanswered_deposit_is_asked_again_on_its_own_timer_and_at_a_new_session() {
    let (mut driver, deposit) = deposited();
    for _ in 0..4 {
        driver.pass(ms(1_000));
        driver.sign_of_life(REGISTRY);
    }
    driver.pass(ms(999));
    assert_eq!(driver.deposits().len(), 1);
    driver.pass(ms(1));
    assert_eq!(driver.deposits().len(), 2);
    assert_eq!(driver.deposits()[1].forward, deposit.forward, "the same bytes");
    driver.clear();
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    assert!(driver.deposits().is_empty());
    driver.registry_registers();
    assert_eq!(driver.deposits()[0].forward, deposit.forward);
}

#[test]
fn a_deposit_that_nobody_acknowledges_for_five_attempts_waits() {
    let (mut driver, _) = deposited();
    driver.events();
    driver.pass(ms(2_499));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(
        driver.events(),
        [Event::ServerSilent, Event::Waiting { to: name("bob") }]
    );
    driver.clear();
    driver.pass(ms(5_000));
    driver.registry_opens();
    driver.registry_registers();
    assert_eq!(driver.events(), [Event::ServerBack]);
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    assert_eq!(driver.events(), [Event::Stored { to: name("bob") }]);
}

#[test]
fn signs_of_life_start_the_attempts_again_for_fifteen_seconds() {
    let (mut driver, _) = deposited();
    driver.events();
    for _ in 0..7 {
        driver.pass(ms(2_000));
        driver.sign_of_life(REGISTRY);
    }
    assert_eq!(driver.events(), []);
    driver.pass(ms(999));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
}

#[test]
fn a_direct_receipt_withdraws_the_copy_once_the_deposit_is_answered() {
    let (mut driver, session, deposit) = Driver::deposited_too();
    driver.answer_delivery("bob", session, &deposit.forward);
    let withdrawals = |driver: &Driver| {
        driver
            .to_registry()
            .into_iter()
            .filter(|message| matches!(message, ToRegistry::Withdraw { .. }))
            .count()
    };
    assert_eq!(withdrawals(&driver), 0);
    driver.answer_deposit(&deposit);
    assert_eq!(withdrawals(&driver), 1);
    driver.pass(ms(30));
    driver.sign_of_life(REGISTRY);
    driver.pass(ms(4_970));
    assert_eq!(withdrawals(&driver), 2, "asked again until it is answered");
    driver.hear(FromRegistry::Withdrawn {
        slot: id_of(&deposit.forward).slot,
    });
    driver.clear();
    driver.pass(ms(19_000));
    assert_eq!(withdrawals(&driver), 0);
    assert_eq!(driver.states(), [2], "stored never comes after delivered");
}

#[test]
fn a_refusal_for_good_is_told_after_its_commit_and_can_still_be_overtaken_by_a_receipt() {
    let (mut driver, session, deposit) = Driver::deposited_too();
    driver.events();
    driver.disk = Disk::Waits;
    let slot = id_of(&deposit.forward).slot;
    let reason = DepositRefusal::MailboxFull;
    driver.hear(FromRegistry::DepositRefused { slot, reason });
    assert_eq!(driver.events(), []);
    driver.commit();
    assert!(matches!(
        driver.events()[..],
        [Event::Refused {
            reason: Refusal::Registry(DepositRefusal::MailboxFull),
            ..
        }]
    ));
    assert_eq!(driver.states(), [3]);
    driver.answer_delivery("bob", session, &deposit.forward);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
    assert_eq!(driver.states(), [2]);
}

#[test]
fn a_refusal_that_comes_after_the_repetition_was_kept_is_past() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    assert!(matches!(driver.events()[..], [.., Event::Stored { .. }]));
    let slot = id_of(&deposit.forward).slot;
    let reason = DepositRefusal::MailboxFull;
    driver.hear(FromRegistry::DepositRefused { slot, reason });
    assert_eq!(driver.events(), []);
    assert_eq!(driver.states(), [1]);
}

#[test]
fn a_late_receipt_counts_after_a_restart_too() {
    let (mut driver, _, deposit) = Driver::deposited_too();
    let reason = DepositRefusal::MailboxFull;
    let slot = id_of(&deposit.forward).slot;
    driver.hear(FromRegistry::DepositRefused { slot, reason });
    driver.restart();
    driver.come_up();
    let session = driver.peer_opens("bob");
    driver.clear();
    driver.answer_delivery("bob", session, &deposit.forward);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
    assert_eq!(driver.states(), [2]);
}

#[test]
fn a_skipped_message_is_refused() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.events();
    driver.outcome("bob", &deposit, Verdict::Skipped);
    assert!(matches!(
        driver.events()[..],
        [Event::Refused {
            reason: Refusal::Skipped,
            ..
        }]
    ));
    assert!(acknowledged(&driver));
}

#[test]
fn an_answer_that_does_not_verify_ends_a_message_but_a_true_one_beats_it() {
    for verdict in [Verdict::Received, Verdict::Skipped, Verdict::Conflict] {
        let (mut driver, deposit) = deposited();
        driver.answer_deposit(&deposit);
        driver.clear();
        let mut forged = receipt("bob", &deposit.forward, verdict);
        forged.tag[3] ^= 1;
        driver.hear(FromRegistry::Outcome(Outcome {
            slot: forged.id.slot,
            hash: forged.hash,
            end: End::Answered(forged),
        }));
        assert!(matches!(
            driver.events()[..],
            [Event::Refused {
                reason: Refusal::Unproven,
                ..
            }]
        ));
        assert!(acknowledged(&driver), "it is not told for ever");
        driver.restart();
        driver.come_up();
        assert_eq!(driver.states(), [3]);
        let session = driver.peer_opens("bob");
        driver.clear();
        driver.answer_delivery("bob", session, &deposit.forward);
        assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
        assert_eq!(driver.states(), [2]);
    }
}

#[test]
fn a_busy_registry_changes_no_state_and_is_asked_when_it_says() {
    let (mut driver, deposit) = deposited();
    driver.send("bob", "second");
    driver.events();
    driver.hear(FromRegistry::Busy(Busy {
        of: Some(id_of(&deposit.forward).slot),
        reason: BusyReason::Rate,
        retry_after_ms: 700,
    }));
    driver.clear();
    driver.pass(ms(699));
    assert!(driver.deposits().is_empty());
    driver.pass(ms(1));
    assert_eq!(
        driver.deposits().len(),
        2,
        "in order, and what followed it again too"
    );
    assert_eq!(driver.deposits()[0].forward, deposit.forward);
    assert_eq!(driver.events(), []);
}

#[test]
fn a_registry_whose_disk_fails_leaves_a_message_waiting_and_that_is_told_once() {
    let (mut driver, deposit) = deposited();
    driver.events();
    let busy = FromRegistry::Busy(Busy {
        of: Some(id_of(&deposit.forward).slot),
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    });
    driver.hear(busy.clone());
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    driver.pass(ms(1_000));
    driver.hear(busy);
    assert_eq!(driver.events(), []);
    driver.pass(ms(1_000));
    driver.answer_deposit(&deposit);
    assert_eq!(driver.events(), [Event::Stored { to: name("bob") }]);
}

#[test]
fn what_the_registry_ends_is_told_and_acknowledged() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.events();
    let sealed = &deposit.forward.envelope;
    let end = |end| {
        FromRegistry::Outcome(Outcome {
            slot: id_of(&deposit.forward).slot,
            hash: EnvelopeHash::of(sealed),
            end,
        })
    };
    driver.hear(end(End::Expired {
        at: WallTime::from_unix_ms(0),
    }));
    assert!(matches!(driver.events()[..], [Event::Expired { .. }]));
    assert_eq!(driver.states(), [4]);
    assert!(acknowledged(&driver));
}

#[test]
fn a_lost_mailbox_makes_stored_messages_wait_and_go_again() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.pass(ms(6_000));
    driver.clear();
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    driver.disk = Disk::Waits;
    driver.registered_in([1; 16]);
    assert_eq!(driver.events(), []);
    driver.commit();
    assert_eq!(driver.events(), [Event::StoredAgain { messages: 1 }]);
    assert_eq!(driver.states(), [0]);
    assert_eq!(driver.deposits()[0].forward, deposit.forward);
    assert_ne!(STORE_ID, [1; 16]);
}

#[test]
fn that_a_message_was_kept_is_not_committed_after_it_waits_again() {
    let (mut driver, deposit) = deposited();
    driver.disk = Disk::Fails;
    driver.answer_deposit(&deposit);
    driver.pass(ms(6_000));
    driver.disk = Disk::Commits;
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    let reason = RegistrationRefusal::CounterBehind { seen: 9 };
    driver.hear(FromRegistry::RegistrationRefused { reason });
    driver.pass(ms(6_000));
    assert_eq!(driver.states(), [0]);
}

#[test]
fn what_another_copy_may_have_heard_the_end_of_waits_again() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.clear();
    driver.close(REGISTRY, CloseCause::Remote(CloseCode::Superseded));
    let events = driver.events();
    assert_eq!(
        events[..2],
        [Event::Superseded, Event::StoredAgain { messages: 1 }]
    );
    assert_eq!(driver.states(), [0]);
    driver.command(Command::Register);
    driver.come_up();
    assert_eq!(driver.deposits()[0].forward, deposit.forward);
}

#[test]
fn only_the_sender_judges_the_lifetime_of_what_was_never_deposited() {
    let mut config = Driver::config();
    config.time_to_live = ms(1_000_000);
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    driver.lose_registry();
    driver.send("bob", "hi");
    driver.pass(ms(999_999));
    assert_eq!(driver.states(), [0]);
    driver.events();
    driver.pass(ms(1));
    assert!(matches!(driver.events()[..], [Event::Expired { .. }]));
    assert_eq!(driver.states(), [4]);
}

#[test]
fn lifetimes_are_not_ended_within_ten_minutes_of_the_start() {
    let mut config = Driver::config();
    config.time_to_live = ms(1_000);
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    driver.lose_registry();
    driver.send("bob", "hi");
    driver.pass(ms(593_999));
    assert_eq!(driver.states(), [0]);
    driver.pass(ms(1));
    assert_eq!(driver.states(), [4]);
}

#[test]
fn what_was_deposited_is_judged_by_the_registry_alone() {
    let mut config = Driver::config();
    config.time_to_live = ms(1_000);
    let mut driver = Driver::registered_with(config, &[offline("bob")]);
    driver.send("bob", "hi");
    driver.pass(ms(2_500));
    driver.pass(ms(2_000_000));
    assert_eq!(driver.states(), [0]);
}

#[test]
fn an_expired_receipt_from_a_peer_is_worth_nothing_to_the_registry() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    driver.clear();
    let receipt = receipt("bob", &sent[0], Verdict::Received);
    driver.hear_from(session, &ToPeer::Receipt(receipt));
    assert_eq!(driver.events(), [], "told once");
    assert!(!acknowledged(&driver));
}

#[test]
fn without_anybody_a_message_waits_and_goes_when_the_recipient_comes() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.delta(
        2,
        Change::Presence {
            name: name("bob"),
            presence: gone(),
        },
    );
    driver.lose_registry();
    driver.clear();
    driver.send("bob", "hi");
    let connect = driver.connects[0];
    assert_eq!(
        connect.address,
        super::people::address(60),
        "tried where he was last"
    );
    driver.fail(connect.attempt, crate::transport::ConnectFault::Silent);
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    let session = driver.peer_opens("bob");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert!(matches!(driver.events()[..], [Event::ReceivedLater { .. }]));
}
