//! The session with the registry: start, attempts, loss, return.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{address, name, online, person, registry};
use crate::client::interface::{Command, Ending, Event, NotAccepted};
use crate::client::storage::Request;
use crate::engine::{SocketReply, SocketRequest};
use crate::limits::REQUEST_RETRY;
use crate::transport::{CloseCause, ConnectFault};
use crate::wire::frame::CloseCode;
use crate::wire::message::{FromRegistry, RegistrationRefusal, ToRegistry};

#[test]
fn a_first_start_opens_the_port_pins_the_registry_and_registers() {
    let mut driver = Driver::start();
    assert_eq!(driver.sockets, [SocketRequest::Open]);
    driver.open_port();
    let connect = driver.registry_connect();
    assert_eq!((connect.address, connect.expect), (address(1), None));
    assert_eq!((connect.interval, connect.initials), (ms(500), 5));
    driver.disk = Disk::Waits;
    driver.registry_opens();
    assert!(driver.sent.is_empty(), "pin and number are committed first");
    driver.commit();
    let register = driver.last_register();
    assert_eq!((register.name, register.counter), (name("alice"), 1));
    assert_eq!(register.private.as_slice(), [address(40)]);
    driver.registry_registers();
    assert_eq!(driver.events(), [Event::Registered { returning: false }]);
    let image = driver.store.image().unwrap();
    assert_eq!(image.addresses, [(address(1), registry().id())]);
    assert_eq!(image.registries[0].counter, 1);
}

#[test]
fn a_registration_that_finds_no_room_is_made_when_there_is_some() {
    let mut driver = Driver::start();
    driver.open_port();
    driver.paper.room = Some(0);
    driver.registry_opens();
    driver.paper.room = None;
    driver.pass(ms(499));
    assert_eq!(driver.to_registry(), []);
    driver.pass(ms(1));
    assert_eq!(driver.last_register().counter, 1);
}

#[test]
fn a_later_start_expects_the_registry_that_it_knows_and_counts_on() {
    let mut driver = Driver::registered(&[]);
    driver.restart();
    driver.open_port();
    assert_eq!(driver.registry_connect().expect, Some(registry().id()));
    driver.registry_opens();
    assert_eq!(driver.last_register().counter, 2);
    driver.registry_registers();
    assert_eq!(driver.events(), [Event::Registered { returning: true }]);
}

#[test]
fn a_taken_port_ends_the_first_start_and_is_trouble_later() {
    let mut driver = Driver::start();
    driver.socket(SocketReply::Failed("port 40 is taken".to_owned()));
    let trouble = Event::Trouble("port 40 is taken".to_owned());
    assert_eq!(driver.events(), [trouble.clone(), Event::Ended(Ending::Port)]);

    let mut driver = Driver::registered(&[]);
    driver.command(Command::Deregister);
    driver.hear(FromRegistry::Deregistered { counter: 1 });
    driver.command(Command::Register);
    driver.clear();
    driver.socket(SocketReply::Failed("port 40 is taken".to_owned()));
    assert_eq!(driver.events(), [trouble]);
    driver.command(Command::Register);
    assert_eq!(driver.sockets, [SocketRequest::Open], "and can be tried again");
}

#[test]
fn another_registry_key_is_refused() {
    let mut driver = Driver::registered(&[]);
    driver.restart();
    driver.open_port();
    let (attempt, mallory) = (driver.registry_connect().attempt, *person("mallory").card());
    driver.fail(attempt, ConnectFault::OtherIdentity(mallory));
    let (known, found) = (registry().id(), mallory.id);
    assert_eq!(
        driver.events(),
        [
            Event::RegistryChanged { known, found },
            Event::Ended(Ending::Refused)
        ]
    );

    let mut driver = Driver::registered(&[]);
    driver.pass(ms(6_000));
    driver.close(REGISTRY, CloseCause::Reset);
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::OtherIdentity(mallory));
    assert_eq!(driver.events(), [Event::RegistryChanged { known, found }]);
    // It may be somebody on the way: told once, and tried again.
    driver.clear();
    driver.pass(ms(5_000));
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::OtherIdentity(mallory));
    assert_eq!(driver.events(), []);
    driver.command(Command::Register);
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::OtherIdentity(mallory));
    assert_eq!(driver.events(), [Event::RegistryChanged { known, found }]);
    driver.pass(ms(20_000));
    driver.registry_opens();
    driver.registry_registers();
    assert_eq!(driver.events(), [Event::ServerBack]);
}

#[test]
fn a_taken_name_ends_the_first_start() {
    let mut driver = Driver::in_first_session();
    let reason = RegistrationRefusal::NameTaken;
    driver.hear(FromRegistry::RegistrationRefused {
        reason: reason.clone(),
    });
    let name = name("alice");
    assert_eq!(
        driver.events(),
        [
            Event::RegistrationRefused { name, reason },
            Event::Ended(Ending::Refused)
        ]
    );
}

#[test]
fn a_database_that_is_behind_catches_up_with_what_the_registry_has_seen() {
    let mut driver = Driver::in_first_session();
    driver.clear();
    driver.hear(FromRegistry::RegistrationRefused {
        reason: RegistrationRefusal::CounterBehind { seen: 41 },
    });
    assert_eq!(driver.last_register().counter, 42);
    assert_eq!(driver.store.image().unwrap().registries[0].counter, 42);
    driver.registry_registers();
    assert!(driver.client.registered());
}

#[test]
fn a_registry_that_has_always_seen_a_higher_number_is_asked_again_in_a_while() {
    let mut driver = Driver::in_first_session();
    for round in 0..3 {
        let counter = driver.last_register().counter;
        driver.clear();
        driver.hear(FromRegistry::RegistrationRefused {
            reason: RegistrationRefusal::CounterBehind { seen: counter },
        });
        if round > 0 {
            driver.pass(REQUEST_RETRY.saturating_sub(ms(1)));
            assert_eq!(driver.to_registry(), [], "round {round}");
            driver.pass(ms(1));
        }
        assert_eq!(driver.last_register().counter, counter + 1);
    }
    driver.registry_registers();
    assert!(driver.client.registered());
}

#[test]
fn a_registry_that_has_seen_the_highest_number_there_is_refuses_us_and_no_more() {
    let mut driver = Driver::in_first_session();
    driver.clear();
    let reason = RegistrationRefusal::CounterBehind { seen: u64::MAX };
    driver.hear(FromRegistry::RegistrationRefused {
        reason: reason.clone(),
    });
    assert_eq!(driver.to_registry(), []);
    let refused = Event::RegistrationRefused {
        name: name("alice"),
        reason,
    };
    assert_eq!(driver.events(), [refused, Event::Ended(Ending::Refused)]);
}

#[test]
fn a_lost_session_is_opened_again_without_a_word() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(10_000));
    driver.clear();
    driver.close(REGISTRY, CloseCause::Reset);
    driver.registry_opens();
    assert_eq!(driver.last_register().counter, 2);
    assert_eq!(driver.last_register().directory.unwrap().counter, 1);
    driver.registry_registers();
    assert_eq!(driver.events(), []);
    assert!(driver.client.registered());
}

#[test]
fn who_is_superseded_goes_offline_and_never_comes_back_by_himself() {
    let mut driver = Driver::registered(&[]);
    driver.close(REGISTRY, CloseCause::Remote(CloseCode::Superseded));
    assert_eq!(driver.events(), [Event::Superseded]);
    assert_eq!(driver.sockets, [SocketRequest::Close]);
    driver.pass(ms(600_000));
    assert!(driver.connects.is_empty());
    driver.command(Command::Register);
    assert_eq!(driver.sockets, [SocketRequest::Close, SocketRequest::Open]);
}

#[test]
fn a_quiet_client_says_that_it_is_there() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(19_999));
    assert!(driver.sent.is_empty());
    driver.pass(ms(1));
    assert_eq!(driver.to_registry(), [ToRegistry::KeepAlive { counter: 1 }]);
    driver.hear(FromRegistry::Alive { counter: 1 });
    driver.pass(ms(15_000));
    assert!(driver.client.registered(), "an answered keep-alive is no silence");
}

#[test]
fn a_registry_that_does_not_know_us_is_registered_with_again() {
    let mut driver = Driver::registered(&[]);
    driver.hear(FromRegistry::NotRegistered);
    assert_eq!(driver.last_register().counter, 2);
    driver.registry_registers();
    assert!(driver.client.registered());
    assert_eq!(driver.events(), []);
}

#[test]
fn registering_twice_changes_nothing() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Register);
    assert_eq!(driver.events(), [Event::NotAccepted(NotAccepted::NoChange)]);
}

#[test]
fn a_number_is_used_only_after_its_commit_even_if_the_disk_fails_first() {
    let mut driver = Driver::registered(&[]);
    driver.disk = Disk::Fails;
    driver.close(REGISTRY, CloseCause::Reset);
    driver.pass(ms(5_000));
    driver.registry_opens();
    assert!(driver.sent.is_empty());
    assert!(matches!(driver.events()[..], [Event::Trouble(_)]));
    driver.disk = Disk::Commits;
    driver.pass(ms(5_000));
    assert!(driver.asked.contains(&Request::Counter(2)));
    assert_eq!(driver.last_register().counter, 2);
}

#[test]
fn after_a_long_sleep_we_say_that_we_are_here_before_we_judge_anybody() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.peer_opens("bob");
    driver.send("bob", "hi");
    driver.clear();
    driver.sleep(ms(3_600_000));
    assert_eq!(driver.to_registry(), [ToRegistry::KeepAlive { counter: 1 }]);
    assert_eq!(driver.events(), [], "nobody had a chance to answer");
    driver.pass(ms(499));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [Event::NoAnswer { to: name("bob") }]);
}

#[test]
fn what_is_written_once_the_disk_has_room_again_is_accepted_at_once() {
    let mut driver = Driver::start();
    driver.open_port();
    driver.disk = Disk::Fails;
    driver.registry_opens();
    assert!(matches!(driver.events()[..], [Event::Trouble(_)]));
    driver.disk = Disk::Commits;
    driver.clear();
    driver.send("bob", "hi");
    let waiting = Event::Waiting { to: name("bob") };
    assert_eq!(driver.events(), [waiting], "nothing is refused");
    assert_eq!(driver.client.unfinished(), 1);
    assert_eq!(driver.store.image().unwrap().registries[0].outbox.len(), 1);
}

/// A client whose registry answers its first try so late, on a path with this probe timeout.
fn answered_after(late: u64, probe_timeout: u64) -> Driver {
    let mut driver = Driver::start();
    driver.open_port();
    driver.pass(ms(late));
    driver.registry_opens();
    driver.registry_registers();
    driver.directory(&[online("bob")]);
    driver.paper.paths.get_mut(&REGISTRY).unwrap().probe_timeout = ms(probe_timeout);
    driver.clear();
    driver
}

#[test]
fn a_registry_that_answers_slowly_is_waited_for_three_times_as_long_as_it_took() {
    for (late, probe_timeout, silent_after) in [
        (0, 500, 2_500),
        (800, 500, 2_500),
        (1_500, 500, 4_500),
        (2_500, 500, 7_500),
        (2_500, 100, 2_500),
    ] {
        let mut driver = answered_after(late, probe_timeout);
        driver.command(Command::Deregister);
        driver.pass(ms(silent_after - 1));
        assert_eq!(driver.events(), [], "{late} ms");
        driver.pass(ms(1));
        assert_eq!(
            driver.events(),
            [Event::ServerSilent, Event::Deregistered],
            "{late} ms"
        );
    }
}

#[test]
fn on_a_slow_line_peers_are_sent_an_initial_more_seldom() {
    for (late, probe_timeout, interval) in [(0, 500, 1_000), (1_500, 500, 3_000), (1_500, 50, 1_000)] {
        let mut driver = answered_after(late, probe_timeout);
        driver.send("bob", "hi");
        assert_eq!(driver.connects[0].interval, ms(interval), "{late} ms");
    }
}

#[test]
fn whoever_waits_for_a_try_that_is_made_in_the_background_has_one_of_his_own() {
    let typed: [fn(&mut Driver); 2] = [
        |driver| driver.send("bob", "hi"),
        |driver| driver.command(Command::Register),
    ];
    for command in typed {
        let mut driver = Driver::registered(&[]);
        driver.close(REGISTRY, CloseCause::Silent);
        for _ in 0..3 {
            driver.pass(ms(21_000));
            let attempt = driver.registry_connect().attempt;
            driver.fail(attempt, ConnectFault::Silent);
        }
        driver.connects.clear();
        driver.pass(ms(21_000));
        let slow = driver.registry_connect();
        assert_eq!(slow.interval, ms(2_000));
        driver.connects.clear();
        command(&mut driver);
        assert_eq!(driver.abandoned, [slow.attempt]);
        let own = driver.registry_connect();
        assert_eq!(own.interval, ms(500));
        driver.connects.clear();
        command(&mut driver);
        assert!(driver.connects.is_empty(), "that one goes on");
        driver.fail(own.attempt, ConnectFault::Silent);
        driver.pass(ms(21_000));
        assert_eq!(
            driver.registry_connect().interval,
            ms(2_000),
            "nobody waits any more"
        );
    }
}

#[test]
fn tries_in_vain_repeat_their_initials_ever_more_seldom_unless_somebody_waits() {
    let mut driver = Driver::registered(&[]);
    driver.close(REGISTRY, CloseCause::Silent);
    let mut intervals = Vec::new();
    for _ in 0..4 {
        driver.connects.clear();
        driver.pass(ms(21_000));
        let connect = driver.registry_connect();
        intervals.push(connect.interval);
        driver.fail(connect.attempt, ConnectFault::Silent);
    }
    assert_eq!(intervals, [ms(500), ms(1_000), ms(2_000), ms(2_000)]);
    driver.command(Command::Register);
    assert_eq!(driver.registry_connect().interval, ms(500));
}
