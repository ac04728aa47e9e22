//! Each state of one's own messages is told, also when a crash comes between its commit and its line.

use std::time::Duration;

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, name, offline, online};
use crate::client::interface::{Command, Ending, Event, Notice, Refusal};
use crate::client::storage::{Request, Told};
use crate::clock::WallTime;
use crate::id::EnvelopeHash;
use crate::limits::{REQUEST_RETRY, TIME_TO_LIVE};
use crate::transport::CloseCause;
use crate::wire::envelope::{Envelope, Verdict};
use crate::wire::message::{Deposit, DepositRefusal, End, FromRegistry, Outcome, ToRegistry};

/// When it was written.
const SENT_AT: WallTime = WallTime::from_unix_ms(1_006_000);

fn stored() -> Event {
    Event::Stored { to: name("bob") }
}

fn received_later() -> Event {
    Event::ReceivedLater {
        to: name("bob"),
        sent_at: SENT_AT,
    }
}

fn refused() -> Event {
    Event::Refused {
        to: name("bob"),
        sent_at: SENT_AT,
        reason: Refusal::Registry(DepositRefusal::MailboxFull),
    }
}

/// A client that has deposited a message for bob, who is away, and has said so on the screen.
fn deposited() -> (Driver, Deposit) {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.pass(ms(6_000));
    driver.send("bob", "hi");
    driver.see();
    driver.events();
    let deposit = driver.deposits()[0].clone();
    (driver, deposit)
}

/// What is told first of all in the next run, and in the one after it, if its lines were seen.
fn told_by_the_next_runs(driver: &mut Driver) -> [Vec<Event>; 2] {
    driver.restart();
    let first = driver.events();
    driver.see();
    driver.pass(ms(100));
    driver.restart();
    [first, driver.events()]
}

fn refuse(driver: &mut Driver, deposit: &Deposit) {
    let slot = Envelope::parse(&deposit.forward.envelope).unwrap().slot;
    driver.hear(FromRegistry::DepositRefused {
        slot,
        reason: DepositRefusal::MailboxFull,
    });
}

#[test]
fn what_a_crash_kept_from_the_screen_is_told_by_the_next_run_and_once() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    assert_eq!(told_by_the_next_runs(&mut driver), [vec![stored()], vec![]]);

    let (mut driver, deposit) = deposited();
    refuse(&mut driver, &deposit);
    assert_eq!(told_by_the_next_runs(&mut driver), [vec![refused()], vec![]]);

    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.outcome("bob", &deposit, Verdict::Received);
    assert_eq!(
        told_by_the_next_runs(&mut driver),
        [vec![received_later()], vec![]],
        "where it is now, and not where it was"
    );
}

#[test]
fn an_end_of_which_nobody_heard_but_the_disk_is_told() {
    let (mut driver, deposit) = deposited();
    driver.disk = Disk::Waits;
    refuse(&mut driver, &deposit);
    assert_eq!(driver.events(), [], "told only when it is committed");
    driver.commit_unheard();
    assert_eq!(told_by_the_next_runs(&mut driver), [vec![refused()], vec![]]);
}

#[test]
fn a_line_that_was_seen_is_marked_a_moment_later_with_all_others() {
    let (mut driver, deposit) = deposited();
    driver.send("bob", "again");
    let other = driver.deposits()[1].clone();
    driver.answer_deposit(&deposit);
    driver.answer_deposit(&other);
    driver.see();
    driver.asked.clear();
    driver.pass(ms(99));
    assert_eq!(driver.asked, []);
    driver.pass(ms(1));
    assert!(matches!(&driver.asked[..], [Request::Told(lines)] if lines.len() == 2));
    driver.restart();
    assert_eq!(driver.events(), []);
}

#[test]
fn marks_that_failed_are_written_with_the_next_and_before_them() {
    let (mut driver, first) = deposited();
    driver.send("bob", "again");
    let other = driver.deposits()[1].clone();
    driver.answer_deposit(&first);
    driver.see();
    driver.disk = Disk::Waits;
    driver.pass(ms(100));
    let marked = |driver: &Driver| -> Vec<Vec<Told>> {
        let told = driver.asked.iter().filter_map(|request| match request {
            Request::Told(lines) => Some(lines.clone()),
            _ => None,
        });
        told.collect()
    };
    let before = marked(&driver);
    assert_eq!(before.len(), 1);
    driver.answer_deposit(&other);
    driver.see();
    driver.pass(ms(200));
    assert_eq!(marked(&driver), before, "one batch at a time");
    driver.disk = Disk::Fails;
    driver.settle();
    driver.disk = Disk::Commits;
    driver.asked.clear();
    driver.pass(REQUEST_RETRY.saturating_sub(ms(1)));
    assert_eq!(marked(&driver), Vec::<Vec<Told>>::new(), "the disk has its pause");
    driver.pass(ms(1));
    let again = marked(&driver);
    assert_eq!((again.len(), again[0].len(), again[0][0]), (1, 2, before[0][0]));
    driver.restart();
    assert_eq!(driver.events(), []);
}

#[test]
fn a_line_whose_mark_was_not_committed_is_told_again() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.see();
    driver.pass(ms(99));
    assert_eq!(told_by_the_next_runs(&mut driver), [vec![stored()], vec![]]);
}

#[test]
fn lines_seen_at_the_very_end_are_marked_too() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.command(Command::Leave);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events().last(), Some(&Event::Ended(Ending::Done)));
    driver.see();
    driver.restart();
    assert_eq!(driver.events(), []);
}

#[test]
fn a_delivery_whose_line_was_not_seen_is_told_by_the_next_run() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(6_000));
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let sent = driver.deliveries(session);
    driver.answer_delivery("bob", session, &sent[0]);
    assert_eq!(
        told_by_the_next_runs(&mut driver),
        [vec![received_later()], vec![]]
    );
}

/// The registry is there again, with another database.
fn registered_in_another_database(driver: &mut Driver) {
    driver.registry_opens();
    driver.registered_in([1; 16]);
}

#[test]
fn that_stored_messages_wait_again_is_told_by_the_next_run() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.see();
    driver.pass(ms(100));
    driver.close(REGISTRY, CloseCause::Reset);
    driver.disk = Disk::Waits;
    registered_in_another_database(&mut driver);
    driver.commit_unheard();
    let again = Event::StoredAgain { messages: 1 };
    assert_eq!(told_by_the_next_runs(&mut driver), [vec![again], vec![]]);
}

#[test]
fn a_stored_message_whose_commit_failed_waits_again_when_the_registry_lost_it() {
    let (mut driver, deposit) = deposited();
    driver.disk = Disk::Fails;
    driver.answer_deposit(&deposit);
    assert_eq!(driver.states(), [0], "what it is on disk");
    driver.events();
    driver.clear();
    driver.disk = Disk::Commits;
    driver.close(REGISTRY, CloseCause::Reset);
    registered_in_another_database(&mut driver);
    let again = Event::StoredAgain { messages: 1 };
    assert!(driver.events().contains(&again));
    driver.pass(Duration::from_secs(10));
    assert_eq!(driver.states(), [0], "a mark of the lost database counts no more");
    assert!(!driver.deposits().is_empty(), "it is deposited again");
}

#[test]
fn a_refusal_told_by_the_registry_is_acknowledged_only_after_its_commit() {
    let (mut driver, deposit) = deposited();
    driver.answer_deposit(&deposit);
    driver.disk = Disk::Waits;
    driver.hear(FromRegistry::Outcome(Outcome {
        slot: Envelope::parse(&deposit.forward.envelope).unwrap().slot,
        hash: EnvelopeHash::of(&deposit.forward.envelope),
        end: End::Refused {
            reason: DepositRefusal::Released,
        },
    }));
    let acknowledged = |driver: &Driver| {
        let mut said = driver.to_registry().into_iter();
        said.any(|message| matches!(message, ToRegistry::OutcomeAck { .. }))
    };
    assert!(!acknowledged(&driver));
    driver.commit();
    assert!(acknowledged(&driver));
}

#[test]
fn a_clock_that_is_set_back_or_ahead_neither_lengthens_nor_ends_a_life() {
    for hours in [-48, 48] {
        let mut driver = Driver::registered(&[]);
        driver.lose_registry();
        driver.send("bob", "hi");
        driver.set_wall(hours);
        driver.pass(TIME_TO_LIVE - ms(1_000));
        assert!(!driver.events().iter().any(is_end), "{hours}: not yet");
        driver.pass(ms(2_000));
        assert_eq!(
            driver.events().iter().filter(|event| is_end(event)).count(),
            1,
            "{hours}"
        );
    }
}

const fn is_end(event: &Event) -> bool {
    matches!(event, Event::Expired { .. })
}

#[test]
fn an_end_that_the_disk_has_not_taken_is_said_to_wait_before_the_program_ends() {
    for disk in [Disk::Fails, Disk::Waits] {
        let (mut driver, deposit) = deposited();
        driver.disk = disk;
        refuse(&mut driver, &deposit);
        driver.see();
        driver.command(Command::LeaveSettled);
        driver.pass_alive(60);
        let events = driver.events();
        let waiting = Event::Waiting { to: name("bob") };
        let said = events.iter().position(|event| *event == waiting);
        let ended = events
            .iter()
            .position(|event| *event == Event::Ended(Ending::Done));
        assert!(said.is_some() && said < ended, "{disk:?}: {events:?}");
        driver.disk = Disk::Commits;
        driver.restart();
        assert_eq!(driver.client.unfinished(), 1, "the next run sends it");
    }
}

/// What was told of the messages with these numbers, as far as `is_it` wants it.
fn about(driver: &Driver, is_it: impl Fn(&Event) -> bool) -> Vec<Vec<u64>> {
    let notices = driver.notices.iter().filter(|notice| is_it(&notice.event));
    let numbers = |notice: &Notice| notice.about.iter().map(|id| id.slot.sequence.0).collect();
    notices.map(numbers).collect()
}

#[test]
fn every_state_says_of_which_message_it_is_in_this_run_and_the_next() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "first");
    driver.send("bob", "second");
    assert_eq!(
        about(&driver, |event| matches!(event, Event::Accepted { .. })),
        [[0], [1]]
    );
    assert_eq!(
        about(&driver, |event| matches!(event, Event::Offline { .. })),
        [[0], [1]]
    );
    let deposits = driver.deposits();
    driver.answer_deposit(&deposits[1]);
    driver.answer_deposit(&deposits[0]);
    let stored = |event: &Event| matches!(event, Event::Stored { .. });
    assert_eq!(about(&driver, stored), [[1], [0]]);
    let named = |driver: &Driver| {
        driver
            .notices
            .iter()
            .filter(|it| stored(&it.event))
            .map(|it| it.about.clone())
            .collect::<Vec<_>>()
    };
    let mut before = named(&driver);
    before.reverse();
    driver.restart();
    assert_eq!(
        named(&driver),
        before,
        "in the order accepted, under the same names"
    );
    driver.come_up();
    driver.clear();
    driver.outcome("bob", &deposits[0], Verdict::Received);
    assert_eq!(
        about(&driver, |event| matches!(event, Event::ReceivedLater { .. })),
        [[0]]
    );
}

#[test]
fn what_waits_again_is_named_and_what_is_numbered_anew_says_what_it_was() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.see();
    driver.pass(ms(1_000));
    driver.outcome("bob", &deposit, Verdict::Conflict);
    driver.pass(ms(10_000));
    let renumbered = driver.notices.iter().find_map(|notice| match &notice.event {
        Event::Renumbered { was, .. } => Some((*was, notice.about.clone())),
        _ => None,
    });
    let (was, about) = renumbered.expect("another number");
    assert_eq!(was, id_of(&deposit.forward));
    assert_eq!(about.len(), 1);
    assert_ne!(about[0].slot.epoch, was.slot.epoch);
}
