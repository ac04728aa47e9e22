//! `dereg`, `reg`, Ctrl+C.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{message_from, name, offline, online};
use crate::client::interface::{Command, Ending, Event, NotAccepted};
use crate::engine::{Role, SocketRequest};
use crate::transport::CloseCause;
use crate::wire::frame::CloseCode;
use crate::wire::message::{Busy, BusyReason, FromRegistry, RegistrationRefusal, ToPeer, ToRegistry};

fn left(driver: &mut Driver) {
    driver.command(Command::Deregister);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    driver.clear();
}

#[test]
fn an_answer_that_is_never_listened_to_keeps_us_fifteen_seconds() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Leave);
    driver.paper.paths.get_mut(&REGISTRY).unwrap().unheard = true;
    driver.pass(ms(14_999));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

#[test]
fn a_registry_that_talks_of_other_things_keeps_us_fifteen_seconds() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Leave);
    for counter in 1..=7 {
        driver.pass(ms(2_000));
        driver.hear(FromRegistry::Alive { counter });
    }
    driver.pass(ms(999));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(
        driver.events(),
        [
            Event::ServerSilent,
            Event::Deregistered,
            Event::Ended(Ending::Done)
        ]
    );
}

#[test]
fn after_a_sleep_while_leaving_the_registry_has_its_time_again() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Leave);
    driver.pass(ms(100));
    driver.sleep(ms(3_600_000));
    driver.pass(ms(1_000));
    assert_eq!(driver.events(), [], "nobody had a chance to answer");
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

#[test]
fn a_registry_whose_answer_was_not_listened_to_is_not_silent() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Leave);
    driver.paper.paths.get_mut(&REGISTRY).unwrap().unheard = true;
    driver.pass(ms(8_000));
    assert_eq!(driver.events(), []);
    driver.paper.paths.get_mut(&REGISTRY).unwrap().unheard = false;
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

#[test]
fn leaving_tells_the_registry_closes_all_and_frees_the_port() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.command(Command::Deregister);
    assert_eq!(driver.to_registry(), [ToRegistry::Deregister { counter: 1 }]);
    assert_eq!(driver.events(), []);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events(), [Event::Deregistered]);
    assert_eq!(
        driver.closes,
        [(REGISTRY, CloseCode::Done), (session, CloseCode::Done)]
    );
    assert_eq!(driver.sockets, [SocketRequest::Close]);
    driver.clear();
    driver.pass(ms(600_000));
    assert!(driver.connects.is_empty() && driver.sent.is_empty());
}

#[test]
fn a_silent_registry_does_not_keep_us() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Deregister);
    driver.pass(ms(2_499));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [Event::ServerSilent, Event::Deregistered]);
    driver.pass(ms(600_000));
    assert!(driver.connects.is_empty());
}

#[test]
fn a_registry_that_will_not_have_us_does_not_keep_us() {
    for code in [CloseCode::NotAdmitted, CloseCode::Superseded] {
        let mut driver = Driver::registered(&[]);
        driver.command(Command::Leave);
        driver.close(REGISTRY, CloseCause::Remote(code));
        let events = driver.events();
        assert!(
            events.ends_with(&[Event::Deregistered, Event::Ended(Ending::Done)]),
            "{events:?}"
        );
        assert_eq!(driver.sockets, [SocketRequest::Close]);
    }
}

#[test]
fn a_session_lost_while_leaving_is_the_end_too() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(6_000));
    driver.command(Command::Deregister);
    driver.close(REGISTRY, CloseCause::Reset);
    assert_eq!(driver.events(), [Event::Deregistered]);
    driver.pass(ms(600_000));
    assert_eq!(driver.events(), []);
}

#[test]
fn commits_and_receipts_under_way_are_finished_first() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.disk = Disk::Waits;
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    driver.command(Command::Deregister);
    assert!(driver.to_registry().is_empty());
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "late")));
    assert!(matches!(&driver.to_peer(session)[..],
        [ToPeer::Busy(busy)] if busy.reason == BusyReason::Overload));
    driver.commit();
    assert!(matches!(driver.to_peer(session)[1], ToPeer::Receipt(_)));
    assert_eq!(driver.to_registry().len(), 1);
    assert_eq!(driver.inbox(), ["hi"]);
}

#[test]
fn a_slow_disk_is_waited_for_half_a_second() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.disk = Disk::Waits;
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    driver.command(Command::Deregister);
    driver.pass(ms(499));
    assert!(driver.to_registry().is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.to_registry(), [ToRegistry::Deregister { counter: 1 }]);
}

#[test]
fn what_is_written_while_offline_waits_and_goes_after_reg() {
    let mut driver = Driver::registered(&[offline("bob")]);
    left(&mut driver);
    driver.send("bob", "hi");
    assert_eq!(driver.events(), [Event::Waiting { to: name("bob") }]);
    driver.command(Command::Register);
    assert_eq!(driver.sockets, [SocketRequest::Open]);
    driver.come_up();
    assert_eq!(driver.last_register().counter, 2);
    assert_eq!(driver.events(), [Event::Registered { returning: true }]);
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn a_message_under_way_when_we_leave_waits() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let sent = driver.deliveries(session);
    left(&mut driver);
    assert_eq!(driver.client.unfinished(), 1);
    driver.command(Command::Register);
    driver.come_up();
    let session = driver.peer_opens("bob");
    assert_eq!(driver.deliveries(session), sent);
}

#[test]
fn who_wants_to_be_back_while_leaving_is_back_afterwards() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Deregister);
    driver.command(Command::Register);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events(), [Event::Deregistered]);
    assert_eq!(driver.sockets, [SocketRequest::Close, SocketRequest::Open]);
    driver.come_up();
    assert_eq!(driver.events(), [Event::Registered { returning: true }]);
}

#[test]
fn who_ends_while_leaving_does_not_come_back() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Deregister);
    driver.command(Command::Register);
    driver.command(Command::Leave);
    driver.command(Command::Register);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(
        driver.events(),
        [
            Event::NotAccepted(NotAccepted::Leaving),
            Event::Deregistered,
            Event::Ended(Ending::Done)
        ]
    );
}

#[test]
fn the_end_waits_for_a_commit_and_tells_what_became_of_it() {
    let mut driver = Driver::start();
    driver.open_port();
    driver.registry_opens();
    driver.disk = Disk::Waits;
    driver.send("bob", "hi");
    driver.close(REGISTRY, CloseCause::Remote(CloseCode::NotAdmitted));
    assert_eq!(driver.events().len(), 1, "the refusal, and not the end");
    driver.commit();
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(driver.events(), [waiting, Event::Ended(Ending::Refused)]);
}

#[test]
fn nothing_is_accepted_after_the_end() {
    let mut driver = Driver::registered(&[]);
    left(&mut driver);
    driver.command(Command::Leave);
    driver.clear();
    driver.send("bob", "hi");
    driver.command(Command::Leave);
    assert_eq!((driver.events(), driver.states()), (vec![], vec![]));
    assert!(!driver.client.takes_commands());
}

#[test]
fn leaving_twice_or_while_offline_changes_nothing() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Deregister);
    driver.command(Command::Deregister);
    let leaving = Event::NotAccepted(NotAccepted::Leaving);
    assert_eq!(driver.events(), [leaving]);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    driver.clear();
    driver.command(Command::Deregister);
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::NoChange)]);
}

#[test]
fn ctrl_c_leaves_and_ends() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Leave);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

#[test]
fn ctrl_c_while_offline_ends_at_once() {
    let mut driver = Driver::registered(&[]);
    left(&mut driver);
    driver.command(Command::Leave);
    assert_eq!(driver.events(), [Event::Ended(Ending::Done)]);
}

#[test]
fn ctrl_c_while_offline_waits_for_the_last_commit() {
    let mut driver = Driver::registered(&[offline("bob")]);
    left(&mut driver);
    driver.disk = Disk::Waits;
    driver.send("bob", "hi");
    driver.command(Command::Leave);
    driver.pass(ms(499));
    assert_eq!(driver.events(), []);
    driver.commit();
    assert_eq!(driver.events().last(), Some(&Event::Ended(Ending::Done)));
    assert_eq!(driver.states(), [0]);
}

#[test]
fn ctrl_c_during_the_first_attempts_ends() {
    let mut driver = Driver::start();
    driver.open_port();
    driver.command(Command::Leave);
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

/// A client that is known to the registry, and is started again.
fn coming_back() -> Driver {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits()[0].clone();
    driver.answer_deposit(&deposit);
    driver.see();
    driver.pass(ms(1_000));
    driver.restart();
    driver
}

#[test]
fn who_leaves_before_the_registry_has_him_tells_it_and_hears_nothing_else_any_more() {
    let mut driver = coming_back();
    driver.open_port();
    driver.registry_opens();
    assert_eq!(driver.last_register().counter, 2);
    driver.clear();
    driver.command(Command::Leave);
    assert_eq!(driver.to_registry(), [ToRegistry::Deregister { counter: 2 }]);
    let reason = RegistrationRefusal::CounterBehind { seen: 2 };
    driver.hear(FromRegistry::RegistrationRefused { reason });
    driver.hear(FromRegistry::Busy(Busy {
        of: None,
        reason: BusyReason::Storage,
        retry_after_ms: 100,
    }));
    driver.pass(ms(1_000));
    assert_eq!((driver.events(), driver.to_registry().len()), (vec![], 1));
    assert_eq!(driver.states(), [1], "it is another registration that is behind");
    driver.hear(FromRegistry::Deregistered { counter: 2 });
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

#[test]
fn who_leaves_before_his_number_is_committed_tells_the_registry_and_does_not_register() {
    let mut driver = coming_back();
    driver.disk = Disk::Waits;
    driver.open_port();
    driver.registry_opens();
    driver.command(Command::Deregister);
    driver.pass(ms(500));
    driver.commit();
    assert_eq!(driver.to_registry(), [ToRegistry::Deregister { counter: 2 }]);
    driver.hear(FromRegistry::Deregistered { counter: 2 });
    assert_eq!(driver.events(), [Event::Deregistered]);
}

#[test]
fn whom_the_registry_registers_as_he_leaves_is_not_welcomed() {
    let mut driver = coming_back();
    driver.open_port();
    driver.registry_opens();
    driver.command(Command::Leave);
    driver.registry_registers();
    assert_eq!(driver.events(), []);
    driver.hear(FromRegistry::Deregistered { counter: 2 });
    assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
}

#[test]
fn neither_a_silence_nor_an_end_of_the_session_keeps_him_who_leaves_so_early() {
    for silent in [true, false] {
        let mut driver = coming_back();
        driver.open_port();
        driver.registry_opens();
        driver.command(Command::Leave);
        if silent {
            driver.pass(ms(2_500));
            assert_eq!(driver.events().remove(0), Event::ServerSilent);
        } else {
            driver.close(REGISTRY, CloseCause::Reset);
            assert_eq!(driver.events(), [Event::Deregistered, Event::Ended(Ending::Done)]);
        }
        assert_eq!(driver.sockets.last(), Some(&SocketRequest::Close));
    }
}
