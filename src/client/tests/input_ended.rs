//! The end of the input: what is waited for, and for how long.

use std::collections::BTreeSet;

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, message_from, name, offline, online};
use crate::client::interface::{Command, Ending, Event, Partner, PeopleCommand};
use crate::transport::CloseCause;
use crate::wire::message::{Change, Deposit, DepositRefusal, FromRegistry, Record, ToPeer, ToRegistry};

fn leaves(driver: &Driver) -> bool {
    let bye = |message: &ToRegistry| matches!(message, ToRegistry::Deregister { .. });
    driver.to_registry().iter().any(bye)
}

/// A client at the end of its input that has left, is to be back, and has something for bob then.
fn returning_with_a_message(bob: Record) -> Driver {
    let mut driver = Driver::registered(&[bob]);
    driver.command(Command::Deregister);
    driver.command(Command::Register);
    driver.send("bob", "a");
    driver.command(Command::LeaveSettled);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    driver
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
    driver.drained();
    driver.send("bob", "b");
    driver.command(Command::LeaveSettled);
    let deposits = driver.deposits();
    driver.answer_deposit(&deposits[0]);
    assert!(!leaves(&driver), "one state is not the other's");
    driver.answer_deposit(&deposits[1]);
    assert!(leaves(&driver));
}

/// Its input has ended, and its mailbox is not gone through yet.
fn leaving_with_mail() -> Driver {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    driver.clear();
    driver.command(Command::LeaveSettled);
    driver
}

#[test]
fn the_mail_that_was_kept_is_waited_for() {
    let mut driver = leaving_with_mail();
    for sequence in 0..3 {
        driver.pass_alive(14);
        assert!(!leaves(&driver), "it is coming");
        driver.mail(message_from("bob", 1, sequence, 0, "hi"));
    }
    driver.drained();
    assert!(leaves(&driver));
}

#[test]
fn mail_of_somebody_who_is_blocked_is_coming_as_well() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    let block = PeopleCommand::Block(Partner::Person(name("bob")));
    driver.command(Command::People(block));
    driver.clear();
    driver.command(Command::LeaveSettled);
    for sequence in 0..3 {
        driver.pass_alive(14);
        assert!(!leaves(&driver), "others' mail stands behind it");
        driver.mail(message_from("bob", 1, sequence, 0, "hi"));
    }
    driver.drained();
    assert!(leaves(&driver) && driver.read().is_empty());
}

#[test]
fn what_is_held_back_for_a_gap_is_shown_before_the_end() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[online("bob")]);
    driver.mail(message_from("bob", 1, 1, 0, "second"));
    driver.clear();
    driver.command(Command::LeaveSettled);
    driver.drained();
    driver.pass(ms(1_999));
    assert!(!leaves(&driver) && driver.read().is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.read().len(), 1);
    assert!(leaves(&driver));
}

#[test]
fn mail_of_somebody_who_is_looked_up_first_is_waited_for() {
    let mut driver = Driver::registered(&[]);
    driver.mail(message_from("bob", 1, 0, 0, "hi"));
    driver.command(Command::LeaveSettled);
    assert!(!leaves(&driver));
    driver.hear(FromRegistry::Found {
        record: online("bob"),
    });
    assert!(leaves(&driver));
}

#[test]
fn mail_that_has_overtaken_the_registration_is_waited_for() {
    let mut driver = Driver::in_first_session();
    driver.command(Command::LeaveSettled);
    driver.mail(message_from("bob", 1, 0, 0, "hi"));
    driver.registry_registers();
    driver.hear(FromRegistry::Replayed { forwards: 1 });
    assert!(!leaves(&driver), "whose it is is being asked");
    driver.hear(FromRegistry::Found {
        record: online("bob"),
    });
    assert_eq!(driver.read().len(), 1);
    assert!(leaves(&driver));
}

#[test]
fn what_others_do_does_not_keep_us() {
    let mut driver = Driver::start();
    driver.come_up();
    driver.directory(&[]);
    driver.command(Command::LeaveSettled);
    for counter in 2..17 {
        assert!(!leaves(&driver));
        driver.pass_alive(1);
        let who = if counter % 2 == 0 {
            online("bob")
        } else {
            offline("bob")
        };
        driver.delta(counter, Change::Record(who));
        driver.see();
    }
    assert!(leaves(&driver));
}

#[test]
fn what_was_told_to_wait_and_goes_after_all_is_waited_for() {
    let mut driver = returning_with_a_message(offline("bob"));
    driver.come_up();
    let deposit = driver.deposits().pop().unwrap();
    driver.clear();
    driver.drained();
    assert!(!leaves(&driver));
    driver.answer_deposit(&deposit);
    assert!(leaves(&driver));
}

#[test]
fn what_gets_another_number_is_waited_for() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.command(Command::LeaveSettled);
    let slot = id_of(&driver.deposits()[0].forward).slot;
    driver.disk = Disk::Waits;
    driver.hear(FromRegistry::Conflict { slot });
    driver.pass(ms(1_000));
    assert!(!leaves(&driver));
    driver.commit();
    assert!(!leaves(&driver));
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    assert!(leaves(&driver));
}

#[test]
fn what_never_gets_a_state_does_not_keep_us() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.see();
    driver.command(Command::LeaveSettled);
    driver.pass_alive(14);
    driver.pass(ms(999));
    assert!(!leaves(&driver));
    driver.pass(ms(1));
    assert!(leaves(&driver));
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
    driver.drained();
    assert!(leaves(&driver));
}

#[test]
fn a_reader_who_takes_nothing_for_long_gets_all_his_mail() {
    let mut driver = leaving_with_mail();
    driver.mail(message_from("bob", 1, 0, 0, "hi"));
    driver.pass_alive(60);
    assert!(!leaves(&driver), "he has not read that yet");
    driver.see();
    driver.pass_alive(14);
    driver.mail(message_from("bob", 1, 1, 0, "ho"));
    driver.see();
    driver.drained();
    assert!(leaves(&driver));
}

#[test]
fn what_was_told_to_wait_and_can_go_directly_is_waited_for() {
    let mut driver = returning_with_a_message(online("bob"));
    driver.clear();
    driver.come_up();
    driver.drained();
    assert!(!leaves(&driver), "his session is being opened");
    let session = driver.peer_answers("bob");
    assert!(!leaves(&driver), "his receipt is on its way");
    let sent = driver.deliveries(session)[0].clone();
    driver.answer_delivery("bob", session, &sent);
    assert!(leaves(&driver));
}

#[test]
fn what_was_told_to_wait_is_deposited_to_the_last_however_much_it_is() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.lose_registry();
    driver.pass(ms(5_000));
    for n in 0..100 {
        driver.send("bob", &n.to_string());
    }
    driver.registry_opens();
    driver.registry_registers();
    driver.drained();
    driver.directory_of_run(2, &[offline("bob")]);
    driver.command(Command::LeaveSettled);
    let mut answered = BTreeSet::new();
    while answered.len() < 100 {
        assert!(!leaves(&driver), "after {}", answered.len());
        driver.pass_alive(1);
        let slot = |deposit: &Deposit| id_of(&deposit.forward).slot;
        let mut deposits = driver.deposits().into_iter();
        let next = deposits.find(|deposit| answered.insert(slot(deposit))).unwrap();
        driver.answer_deposit(&next);
    }
    assert!(leaves(&driver));
}

#[test]
fn a_peer_who_leaves_gap_after_gap_does_not_keep_us() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    let gap = |driver: &mut Driver, second: u64| {
        let deliver = message_from("bob", 1, 2 * second + 1, 0, "hi");
        driver.hear_from(session, &ToPeer::Deliver(deliver));
    };
    gap(&mut driver, 0);
    driver.command(Command::LeaveSettled);
    for second in 1..=15 {
        assert!(!leaves(&driver), "something is held back");
        if second == 7 {
            driver.see();
        }
        driver.pass_alive(1);
        gap(&mut driver, second);
    }
    assert!(leaves(&driver));
}

#[test]
fn a_message_that_is_being_committed_is_shown_before_the_end() {
    let mut driver = leaving_with_mail();
    driver.disk = Disk::Waits;
    driver.mail(message_from("bob", 1, 1, 0, "second"));
    driver.drained();
    assert!(!leaves(&driver));
    driver.commit();
    driver.pass(ms(1_999));
    assert!(!leaves(&driver), "it is held back");
    driver.pass(ms(1));
    assert_eq!(driver.read().len(), 1);
    assert!(leaves(&driver));
}

#[test]
fn mail_that_was_lost_on_the_way_is_waited_for() {
    let mut driver = leaving_with_mail();
    driver.hear(FromRegistry::Replayed { forwards: 2 });
    driver.mail(message_from("bob", 1, 1, 0, "second"));
    driver.pass(ms(10_000));
    assert!(!leaves(&driver) && driver.read().is_empty(), "one is on its way");
    driver.mail(message_from("bob", 1, 0, 0, "first"));
    let texts: Vec<String> = driver.read().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["first", "second"]);
    assert!(leaves(&driver));
}

#[test]
fn mail_that_was_lost_on_the_way_is_waited_for_though_newer_comes() {
    let mut driver = leaving_with_mail();
    driver.hear(FromRegistry::Replayed { forwards: 2 });
    let forward = |place, sequence| FromRegistry::Forward {
        place,
        forward: message_from("bob", 1, sequence, 0, "hi"),
    };
    driver.hear(forward(0, 0));
    // Written while the other one was on its way.
    driver.hear(forward(2, 2));
    assert!(!leaves(&driver), "one is on its way");
    driver.hear(forward(1, 1));
    assert_eq!(driver.read().len(), 3);
    assert!(leaves(&driver));
}

#[test]
fn a_reader_who_has_not_read_any_line_yet_is_waited_for() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.command(Command::LeaveSettled);
    assert_eq!(driver.events(), [Event::Offline { to: name("bob") }]);
    driver.pass_alive(60);
    assert!(!leaves(&driver), "he stands in the way of the answer, too");
    driver.see();
    driver.pass_alive(30);
    assert!(leaves(&driver));
}

#[test]
fn what_is_put_off_for_long_and_said_to_wait_does_not_keep_us() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    let deposit = driver.deposits()[0].clone();
    driver.command(Command::LeaveSettled);
    assert!(!leaves(&driver));
    driver.refuse_deposit(&deposit, DepositRefusal::NoSuchName);
    assert!(leaves(&driver));
}

#[test]
fn what_follows_a_message_that_is_put_off_for_long_is_said_to_wait_and_does_not_keep_us() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    let deposit = driver.deposits()[0].clone();
    driver.refuse_deposit(&deposit, DepositRefusal::NoSuchName);
    driver.clear();
    driver.send("bob", "b");
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    driver.command(Command::LeaveSettled);
    assert!(leaves(&driver));
}

#[test]
fn who_has_just_begun_to_read_again_is_waited_for_once_more() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "a");
    driver.command(Command::LeaveSettled);
    driver.pass_alive(29);
    driver.see();
    driver.pass_alive(14);
    assert!(!leaves(&driver), "the answer may stand behind others");
    driver.pass_alive(1);
    assert!(leaves(&driver));
}

#[test]
fn a_start_that_is_tried_once_more_is_waited_for() {
    let mut driver = Driver::in_first_session();
    driver.command(Command::LeaveSettled);
    driver.close(REGISTRY, CloseCause::Reset);
    driver.pass(ms(500));
    driver.registry_opens();
    driver.registry_registers();
    assert!(!leaves(&driver));
    driver.drained();
    assert!(leaves(&driver));
}

/// A client that waits at the end of its input for a message of ours, and whose events nobody has read for an hour.
fn unread_for_an_hour() -> Driver {
    let mut driver = Driver::registered(&[]);
    driver.see();
    driver.delta(2, Change::Record(offline("bob")));
    driver.pass_alive(3_600);
    driver.send("bob", "a");
    driver.command(Command::LeaveSettled);
    driver
}

#[test]
fn who_begins_to_read_just_before_the_end_is_waited_for_as_long_again() {
    let mut driver = unread_for_an_hour();
    driver.pass_alive(14);
    driver.pass(ms(900));
    driver.see();
    driver.pass_alive(14);
    driver.pass(ms(999));
    assert!(!leaves(&driver), "the answer may stand behind others");
    driver.pass(ms(1));
    assert!(leaves(&driver));
}

#[test]
fn who_reads_a_line_now_and_then_is_waited_for_once() {
    let mut driver = unread_for_an_hour();
    driver.pass_alive(20);
    let before = driver.told - 1;
    let mut waited = 0;
    for line in 0..10 {
        driver.command(Command::Seen {
            events: before + line,
        });
        let who = if line % 2 == 0 {
            online("carl")
        } else {
            offline("carl")
        };
        driver.delta(3 + line, Change::Record(who));
        driver.pass_alive(30);
        waited += 30;
        if leaves(&driver) {
            break;
        }
    }
    assert_eq!(waited, 30, "he has begun to read, and stopped");
}

#[test]
fn who_begins_to_read_is_waited_for_each_time_that_something_has_moved() {
    let mut driver = unread_for_an_hour();
    driver.send("bob", "b");
    let deposits = driver.deposits();
    driver.pass_alive(20);
    driver.see();
    driver.answer_deposit(&deposits[0]);
    driver.pass_alive(20);
    driver.see();
    driver.pass_alive(14);
    driver.pass(ms(999));
    assert!(!leaves(&driver));
    driver.pass(ms(1));
    assert!(leaves(&driver));
}
