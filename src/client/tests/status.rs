//! What is unfinished, and what it is said to wait for.

use super::driver::{Disk, Driver, ms};
use super::people::{id_of, name, offline, online, usurped};
use super::rooms::{hall, inside};
use crate::client::interface::{Command, Event, RoomCommand, RoomEvent, Standing};
use crate::client::storage::Reach;
use crate::client::to::To;
use crate::id::EnvelopeHash;
use crate::transport::{Attempt, ConnectFault};
use crate::wire::codec::Bounded;
use crate::wire::envelope::Envelope;
use crate::wire::message::{Busy, BusyReason, Deposit, DepositRefusal, End, FromRegistry, Outcome, ToPeer};
use crate::wire::room::{RoomDeed, RoomDone, RoomRefusal};

impl Driver {
    /// For whom each message is that is unfinished, and where it is.
    fn status(&mut self) -> Vec<(To, Standing)> {
        self.command(Command::Status);
        let events = self.events();
        let [Event::Status(status)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(status.earlier, 0);
        let messages = status.messages.iter();
        messages
            .map(|message| (message.to.clone(), message.standing))
            .collect()
    }

    /// Bob's den keeps a post of alice's, and she has asked for its status. The deposit.
    fn with_post() -> (Self, Deposit) {
        let mut driver = inside(0);
        driver.post("one");
        let deposit = driver.deposits().pop().unwrap();
        driver.answer_deposit(&deposit);
        driver.events();
        assert_eq!(driver.status(), [(To::Room(hall()), Standing::Stored)]);
        (driver, deposit)
    }

    /// The registry says that one of two has it, and bob not.
    fn answer_readers(&mut self) {
        self.answer_room(Ok(RoomDone::Readers {
            received: 1,
            of: 2,
            missing: Bounded::truncated(vec![name("bob")]),
        }));
    }

    fn standings(&mut self) -> Vec<Standing> {
        self.status().into_iter().map(|(_, standing)| standing).collect()
    }
}

#[test]
fn what_is_for_somebody_who_is_away_is_followed_to_the_registry() {
    let mut driver = Driver::registered(&[offline("bob")]);
    assert_eq!(driver.status(), []);
    driver.send("bob", "hi");
    let bob = To::Peer(name("bob"));
    driver.events();
    assert_eq!(driver.status(), [(bob.clone(), Standing::Depositing)]);
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    driver.events();
    assert_eq!(driver.status(), [(bob, Standing::Stored)]);
}

#[test]
fn what_waits_says_for_what() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "one");
    let deposit = driver.deposits().pop().unwrap();
    driver.put_off_deposit(&deposit, BusyReason::Storage, 60_000);
    driver.events();
    assert_eq!(driver.standings(), [Standing::RegistryDisk]);
    driver.command(Command::Deregister);
    driver.pass(ms(30_000));
    driver.send("bob", "two");
    driver.events();
    assert_eq!(driver.standings(), [Standing::Offline; 2]);
}

#[test]
fn what_nobody_can_be_reached_for_waits_for_that() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    driver.send("bob", "one");
    driver.send("bob", "two");
    driver.events();
    let waiting = driver.standings();
    assert_eq!(waiting, [Standing::Unreachable; 2]);
}

#[test]
fn what_is_for_a_name_that_another_has_waits_for_trust() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "one");
    driver.directory(&[usurped()]);
    driver.send("bob", "two");
    driver.events();
    assert_eq!(driver.standings().last(), Some(&Standing::Untrusted));
}

#[test]
fn what_was_sent_is_not_answered_and_what_follows_it_is_behind() {
    let mut config = Driver::config();
    config.limits.direct_messages = 1;
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    let session = driver.peer_opens("bob");
    for text in ["one", "two", "three"] {
        driver.send("bob", text);
    }
    assert_eq!(
        driver.standings(),
        [Standing::Sent, Standing::Due, Standing::Behind]
    );
    let one = driver.deliveries(session).pop().unwrap();
    driver.answer_delivery("bob", session, &one);
    driver.events();
    assert_eq!(driver.standings(), [Standing::Sent, Standing::Due]);
}

#[test]
fn what_waited_with_another_is_behind_that_as_soon_as_that_goes() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    driver.send("bob", "one");
    driver.send("bob", "two");
    driver.pass(ms(2_000));
    driver.registry_opens();
    driver.registry_registers();
    driver.events();
    assert_eq!(driver.standings(), [Standing::Due, Standing::Behind]);
}

#[test]
fn what_waited_is_behind_what_its_recipient_is_sent_now() {
    let mut config = Driver::config();
    config.limits.direct_messages = 1;
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    driver.lose_registry();
    for text in ["one", "two", "three"] {
        driver.send("bob", text);
    }
    let tries: Vec<Attempt> = driver.connects.iter().map(|connect| connect.attempt).collect();
    for attempt in tries {
        driver.fail(attempt, ConnectFault::Silent);
    }
    driver.events();
    assert_eq!(driver.standings(), [Standing::Unreachable; 3]);
    driver.peer_opens("bob");
    driver.events();
    assert_eq!(
        driver.standings(),
        [Standing::Sent, Standing::Due, Standing::Behind]
    );
}

#[test]
fn who_writes_too_fast_is_slowed_by_his_recipient_and_by_the_registry() {
    let mut driver = Driver::registered(&[online("bob"), offline("carol")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "one");
    let busy = ToPeer::Busy(Busy {
        of: id_of(&driver.deliveries(session)[0]),
        reason: BusyReason::Rate,
        retry_after_ms: 2_000,
    });
    driver.hear_from(session, &busy);
    driver.send("carol", "two");
    let deposit = driver.deposits().pop().unwrap();
    driver.put_off_deposit(&deposit, BusyReason::Rate, 10_000);
    driver.events();
    assert_eq!(driver.standings(), [Standing::Slowed; 2]);
    driver.pass_alive(2);
    driver.events();
    assert_eq!(driver.standings(), [Standing::Sent, Standing::Slowed]);
}

#[test]
fn what_the_registry_does_not_take_says_what_it_lacks() {
    let mut driver = Driver::registered(&[offline("bob"), offline("carol")]);
    driver.send("bob", "one");
    driver.send("carol", "two");
    let deposits = driver.deposits();
    driver.refuse_deposit(&deposits[0], DepositRefusal::NoSuchName);
    driver.put_off_deposit(&deposits[1], BusyReason::Overload, 10_000);
    driver.events();
    assert_eq!(driver.standings(), [Standing::NoSuchName, Standing::NoRoom]);
}

#[test]
fn what_has_ended_is_there_until_that_is_on_the_disk() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits().pop().unwrap();
    driver.disk = Disk::Waits;
    driver.refuse_deposit(&deposit, DepositRefusal::MailboxFull);
    driver.events.clear();
    assert_eq!(driver.standings(), [Standing::Ended]);
    driver.commit();
    driver.events();
    assert_eq!(driver.standings(), []);
}

#[test]
fn of_a_post_the_registry_is_asked_who_has_it() {
    let (mut driver, deposit) = Driver::with_post();
    let asked = driver.room_requests().pop().unwrap();
    let slot = Envelope::parse(&deposit.forward.envelope).unwrap().slot;
    assert_eq!(asked.deed, RoomDeed::Readers { slot });
    driver.answer_readers();
    let events = driver.room_events();
    let [
        RoomEvent::Readers {
            room, reach, missing, ..
        },
    ] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!(room, &name("den"));
    assert_eq!(*reach, Reach { received: 1, of: 2 });
    assert_eq!(missing, &[name("bob")]);
}

#[test]
fn who_has_a_post_that_has_just_ended_is_told_of_by_its_end_alone() {
    let (mut driver, _) = Driver::with_post();
    driver.answer_room(Err(RoomRefusal::NoSuchPost));
    assert_eq!(driver.events(), []);
    driver.command(Command::Room(RoomCommand::List));
    assert_eq!(
        driver.room_requests().pop().map(|request| request.deed),
        Some(RoomDeed::List { after: None })
    );
}

#[test]
fn an_answer_that_comes_after_the_end_of_a_post_is_not_told() {
    let (mut driver, deposit) = Driver::with_post();
    let envelope = Envelope::parse(&deposit.forward.envelope).unwrap();
    driver.hear(FromRegistry::Outcome(Outcome {
        slot: envelope.slot,
        hash: EnvelopeHash::of(&deposit.forward.envelope),
        end: End::Posted { received: 2, of: 2 },
    }));
    assert!(matches!(
        driver.room_events()[..],
        [RoomEvent::Reached { reach: None, .. }]
    ));
    driver.answer_readers();
    assert_eq!(driver.events(), []);
}

#[test]
fn what_is_not_accepted_yet_is_counted() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.post("soon");
    driver.command(Command::Status);
    let events = driver.events();
    assert!(
        matches!(&events[..], [Event::Status(status)] if status.early == 1 && status.messages.is_empty()),
        "{events:?}"
    );
}

#[test]
fn of_very_many_the_last_are_told() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    for number in 0..130 {
        driver.send("bob", &number.to_string());
    }
    driver.events();
    driver.command(Command::Status);
    let events = driver.events();
    assert!(
        matches!(&events[..], [Event::Status(status)] if (status.earlier, status.messages.len()) == (2, 128)),
        "{events:?}"
    );
}
