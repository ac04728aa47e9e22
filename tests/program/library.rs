//! The library's client, with the built registry: what a program sends and takes, and what is left for its next run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what fails here fails the test, loudly"
)]

use udpchat::chat::{Chat, Error, Event, NotDone, NotSent, Options, Sent, State, To};

use crate::common::pipes::Program;
use crate::common::{PATIENCE, World};

fn options(world: &World, name: &str) -> Options {
    Options::new(name, world.registry_address()).data_dir(world.folder().join("udpchat"))
}

fn connect(world: &World, name: &str) -> Chat {
    options(world, name).connect().unwrap()
}

/// The first event of which something can be made; those before it are passed over.
fn expect<T>(chat: &Chat, wanted: impl Fn(Event) -> Option<T>) -> T {
    let mut seen = Vec::new();
    loop {
        let event = chat.recv_timeout(PATIENCE).unwrap();
        let event = event.unwrap_or_else(|| panic!("nothing more after {seen:#?}"));
        seen.push(event.clone());
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

/// The text of the next message.
fn text(chat: &Chat) -> String {
    expect(chat, |event| match event {
        Event::Message(message) => Some(message.text),
        _ => None,
    })
}

/// Waits until one of our messages is in a state.
fn expect_sent(chat: &Chat, wanted: &State) -> Sent {
    expect(chat, |event| match event {
        Event::Sent(sent) if sent.state == *wanted => Some(sent),
        _ => None,
    })
}

#[test]
fn two_in_one_process_talk_and_signals_are_left_alone() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let (alice, bob) = (connect(&world, "alice"), connect(&world, "bob"));
    let id = alice.send("bob", "are you there?\n").unwrap();
    let question = expect(&bob, |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    assert_eq!(
        (question.from.as_str(), question.text.as_str()),
        ("alice", "are you there?\n")
    );
    assert_eq!((question.id, question.room), (id, None), "both call it the same");
    let sent = expect_sent(&alice, &State::Delivered);
    assert_eq!((sent.id, sent.to), (id, Some(To::Peer("bob".to_owned()))));
    bob.send("alice", "yes").unwrap();
    assert_eq!(text(&alice), "yes");

    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .unwrap();
    let interrupt = 1_u64 << (rustix::process::Signal::INT.as_raw() - 1);
    assert_eq!(u64::from_str_radix(caught.trim(), 16).unwrap() & interrupt, 0);
    assert_eq!((alice.close(), bob.close()), (Ok(()), Ok(())));
}

#[test]
fn who_is_away_gets_it_later_and_the_sender_hears_of_both_under_one_id() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let alice = connect(&world, "alice");
    // Dropping is closing, too.
    drop(connect(&world, "bob"));
    let id = alice.send("bob", "for later").unwrap();
    assert_eq!(expect_sent(&alice, &State::Stored).id, id);
    let bob = connect(&world, "bob");
    let returning = expect(&bob, |event| match event {
        Event::Registered { returning } => Some(returning),
        _ => None,
    });
    assert!(returning);
    assert_eq!(text(&bob), "for later");
    assert_eq!(expect_sent(&alice, &State::Delivered).id, id);
}

#[test]
fn rooms_are_made_entered_posted_to_and_left() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let (alice, bob) = (connect(&world, "alice"), connect(&world, "bob"));
    let not_done = |reason| {
        let room = "den".to_owned();
        Err(Error::Room { room, reason })
    };
    assert_eq!(bob.join("den"), not_done(NotDone::NoSuchRoom));
    assert_eq!(alice.create("den"), Ok(()));
    assert_eq!(bob.create("den"), not_done(NotDone::NameTaken));
    assert_eq!(bob.post("den", "x"), Err(Error::NotSent(NotSent::NotInside)));
    assert_eq!(bob.join("den"), Ok(()));
    let came = expect(&alice, |event| match event {
        Event::Joined { room, name, members } => Some((room, name, members)),
        _ => None,
    });
    assert_eq!(came, ("den".to_owned(), "bob".to_owned(), 2));

    let id = alice.post("den", "to all").unwrap();
    let posted = expect(&bob, |event| match event {
        Event::Message(message) => Some((message.id, message.room, message.text)),
        _ => None,
    });
    assert_eq!(posted, (id, Some("den".to_owned()), "to all".to_owned()));
    let sent = expect_sent(&alice, &State::Delivered);
    assert_eq!((sent.id, sent.to), (id, Some(To::Room("den".to_owned()))));

    assert_eq!(bob.leave("den"), Ok(()));
    assert_eq!(bob.leave("den"), not_done(NotDone::NotInside));
    let left = |event| matches!(event, Event::Left { name, members: 1, .. } if name == "bob").then_some(());
    expect(&alice, left);
    assert_eq!(alice.leave("den"), Ok(()));
}

#[test]
fn what_was_taken_is_not_handed_out_again_and_what_was_not_is() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let (alice, bob) = (connect(&world, "alice"), connect(&world, "bob"));
    for text in ["one", "two", "three"] {
        alice.send("bob", text).unwrap();
        expect_sent(&alice, &State::Delivered);
    }
    assert_eq!(text(&bob), "one");
    bob.close().unwrap();

    let bob = connect(&world, "bob");
    assert_eq!((text(&bob), text(&bob)), ("two".to_owned(), "three".to_owned()));
    alice.send("bob", "four").unwrap();
    assert_eq!(text(&bob), "four");
    bob.close().unwrap();

    let bob = connect(&world, "bob");
    alice.send("bob", "five").unwrap();
    assert_eq!(text(&bob), "five", "nothing else is left");
}

#[test]
fn without_its_registry_a_client_goes_on_and_what_waits_goes_when_it_is_back() {
    let world = World::new();
    let registry = Program::registry(&world);
    let bob = connect(&world, "bob");
    connect(&world, "alice").close().unwrap();
    registry.kill();

    let alice = connect(&world, "alice");
    expect(&alice, |event| (event == Event::Offline).then_some(()));
    let id = alice.send("stranger", "wait").unwrap();
    assert_eq!(expect_sent(&alice, &State::Waiting).id, id);
    let room = "den".to_owned();
    let reason = NotDone::NoRegistry;
    assert_eq!(alice.join("den"), Err(Error::Room { room, reason }));

    let _registry = Program::registry(&world);
    expect(&alice, |event| {
        matches!(event, Event::Registered { .. }).then_some(())
    });
    let refused = State::Refused(udpchat::chat::Refusal::NoSuchName);
    assert_eq!(expect_sent(&alice, &refused).id, id);
    assert_eq!((alice.close(), bob.close()), (Ok(()), Ok(())));
}

#[test]
fn a_name_and_a_folder_have_one_owner() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let alice = connect(&world, "alice");
    let second = options(&world, "alice").connect().unwrap_err();
    assert!(
        matches!(&second, Error::Failed(why) if why.contains("another udpchat is running")),
        "{second}"
    );
    let other = options(&world, "Alice").ephemeral().connect().unwrap_err();
    assert!(
        matches!(&other, Error::Refused(why) if why.contains("taken")),
        "{other}"
    );
    alice.close().unwrap();
    connect(&world, "alice").close().unwrap();
}

#[test]
fn one_that_finishes_stays_until_all_has_come_to_something() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let bob = connect(&world, "bob");
    let alice = connect(&world, "alice");
    let sent: Vec<_> = (0..20)
        .map(|number| alice.send("bob", &number.to_string()).unwrap())
        .collect();
    alice.finish().unwrap();
    let delivered = |event| match event {
        Event::Sent(sent) if sent.state == State::Delivered => Some(sent.id),
        _ => None,
    };
    let mut arrived: Vec<_> = alice.events().filter_map(delivered).collect();
    arrived.sort();
    let mut expected = sent;
    expected.sort();
    assert_eq!(arrived, expected);
    assert_eq!(alice.send("bob", "late"), Err(Error::Ended));
    assert_eq!(alice.finish(), Err(Error::Ended));
    assert_eq!(alice.close(), Ok(()));
    for number in 0..20 {
        assert_eq!(text(&bob), number.to_string());
    }
}

#[test]
fn many_threads_send_through_one_and_one_takes_it_all() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let (alice, bob) = (connect(&world, "alice"), connect(&world, "bob"));
    let each = 25;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let alice = &alice;
            scope.spawn(move || {
                for number in 0..each {
                    alice.send("bob", &format!("{thread} {number}")).unwrap();
                }
            });
        }
        let mut next = [0; 4];
        for _ in 0..4 * each {
            let text = text(&bob);
            let (thread, number) = text.split_once(' ').unwrap();
            let next = &mut next[thread.parse::<usize>().unwrap()];
            assert_eq!(number, next.to_string(), "in the order of its thread");
            *next += 1;
        }
    });
}
