//! What others post to rooms: taken up in order, committed, said to be had, shown.

use super::driver::{Disk, Driver, ms};
use super::handling;
use super::people::{name, online, person};
use super::rooms::{hall, inside, inside_with, message, says};
use crate::client::interface::{Command, Event, Road, RoomCommand, RoomEvent};
use crate::clock::WallTime;
use crate::id::{Epoch, MessageId, Sequence, Slot};
use crate::limits::FEED_WINDOW_POSTS;
use crate::wire::envelope::{Body, Envelope, Party, Recipient};
use crate::wire::message::Forward;
use crate::wire::room::*;

#[test]
fn posts_are_taken_in_the_rooms_order_committed_and_then_said_to_be_had() {
    let mut driver = inside(0);
    driver.comes(3, 2, false, message(2));
    driver.comes(2, 1, false, message(1));
    assert_eq!(driver.posts_read(), [""; 0]);
    driver.disk = Disk::Waits;
    driver.comes(1, 0, true, message(0));
    assert_eq!((driver.posts_read(), driver.had()), (vec![], vec![]));
    driver.disk = Disk::Commits;
    driver.pass(ms(1));
    assert_eq!(driver.posts_read(), ["bob 0", "bob 1", "bob 2"]);
    assert_eq!(driver.had().last(), Some(&3));
    driver.comes(2, 1, false, message(1));
    assert_eq!(driver.posts_read(), [""; 0], "it was shown");
    assert_eq!(driver.had().last(), Some(&3));
}

#[test]
fn what_comes_again_in_another_session_is_not_shown_again() {
    let mut driver = inside(0);
    driver.comes(1, 0, true, message(0));
    assert_eq!(driver.posts_read(), ["bob 0"]);
    driver.breaks();
    driver.registry_registers();
    driver.clear();
    driver.comes(1, 0, true, message(0));
    driver.comes(2, 1, false, message(1));
    assert_eq!(driver.posts_read(), ["bob 1"]);
    assert_eq!(driver.had(), [1, 2]);
}

#[test]
fn what_the_disk_does_not_take_comes_again_before_what_follows() {
    let mut driver = inside(0);
    driver.disk = Disk::Fails;
    driver.comes(1, 0, true, message(0));
    driver.comes(2, 1, false, message(1));
    assert_eq!(driver.had(), [0; 0]);
    driver.disk = Disk::Commits;
    driver.comes(2, 1, false, message(1));
    driver.comes(1, 0, true, message(0));
    assert_eq!(driver.posts_read(), ["bob 0", "bob 1"]);
    assert_eq!(driver.had(), [1, 2]);
}

#[test]
fn what_is_gone_when_it_should_come_again_keeps_nothing_from_coming() {
    let mut driver = inside(0);
    driver.comes(1, 0, true, message(0));
    driver.disk = Disk::Fails;
    driver.comes(2, 1, false, message(1));
    driver.disk = Disk::Commits;
    driver.comes(3, 2, false, message(2));
    assert_eq!(driver.posts_read(), ["bob 0"]);
    // Newer ones have pushed out the first four.
    driver.comes(5, 1, true, message(4));
    let told: Vec<String> = driver
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Incoming(message) => Some(message.text),
            Event::Room(RoomEvent::Missed { messages, .. }) => Some(format!("missed {messages}")),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["missed 1", "bob 2", "missed 1", "bob 4"]);
    assert_eq!(driver.had().last(), Some(&5));
}

#[test]
fn the_nearest_finds_a_place_where_the_furthest_have_come() {
    let mut driver = inside(0);
    let window = FEED_WINDOW_POSTS as u64;
    for number in 2..window + 2 {
        driver.comes(number, number - 1, false, message(number - 1));
    }
    driver.comes(1, 0, true, message(0));
    assert_eq!(
        driver.posts_read().len(),
        FEED_WINDOW_POSTS,
        "the furthest comes again"
    );
}

#[test]
fn of_two_copies_the_one_counts_that_follows_more() {
    let mut driver = inside(0);
    driver.disk = Disk::Waits;
    driver.comes(1, 0, true, message(0));
    // The second is gone since the third was sent first; that copy comes late.
    driver.comes(3, 1, false, message(2));
    driver.comes(3, 2, false, message(2));
    driver.disk = Disk::Commits;
    driver.pass(ms(1));
    assert_eq!(driver.posts_read(), ["bob 0", "bob 2"]);
}

#[test]
fn what_comes_before_we_hear_that_we_are_there_waits_for_that() {
    let mut driver = Driver::registered_with(Driver::config(), &[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.comes(3, 0, true, message(2));
    assert_eq!((driver.events(), driver.had()), (vec![], vec![]));
    driver.enters(0);
    let missed = RoomEvent::Missed {
        room: name("den"),
        messages: 2,
    };
    assert!(driver.events.contains(&Event::Room(missed)));
    assert_eq!(driver.posts_read(), ["bob 2"]);
    assert_eq!(driver.had().last(), Some(&3));
}

#[test]
fn what_is_missed_is_told_once_though_the_disk_does_not_take_what_follows() {
    let mut driver = inside(0);
    driver.comes(1, 0, true, message(0));
    driver.disk = Disk::Fails;
    for _ in 0..3 {
        driver.comes(4, 1, true, message(3));
    }
    driver.disk = Disk::Commits;
    driver.comes(4, 1, true, message(3));
    let missed = |event: &&RoomEvent| matches!(event, RoomEvent::Missed { .. });
    let events = driver.room_events();
    let told: Vec<&RoomEvent> = events.iter().filter(missed).collect();
    assert_eq!(
        told,
        [&RoomEvent::Missed {
            room: name("den"),
            messages: 2
        }]
    );
    assert_eq!(driver.had().last(), Some(&4));
}

#[test]
fn nobody_is_told_that_he_missed_what_he_has() {
    let mut driver = inside(0);
    driver.comes(1, 0, true, message(0));
    driver.comes(2, 1, false, message(1));
    driver.comes(4, 2, false, message(3));
    let missed = |messages| RoomEvent::Missed {
        room: name("den"),
        messages,
    };
    assert_eq!(driver.room_events(), [missed(1)]);
    // The registry has not heard that he has them, and newer ones have pushed them out.
    driver.breaks();
    driver.registry_registers();
    driver.comes(7, 0, true, message(6));
    assert_eq!(driver.room_events(), [missed(2)], "the fifth and the sixth");
    assert_eq!(driver.had().last(), Some(&7));
}

#[test]
fn posts_are_had_when_they_were_handled() {
    let mut driver = inside_with(handling::config(), 0);
    let id = |sequence| MessageId {
        sender: person("bob").id(),
        slot: Slot {
            epoch: Epoch(3),
            sequence: Sequence(sequence),
        },
    };
    for number in 1..=3 {
        driver.comes(number, number - 1, number == 1, message(number - 1));
    }
    driver.comes(5, 3, false, PostItem::Gone);
    assert_eq!(driver.posts_read(), ["bob 0", "bob 1", "bob 2"]);
    assert!(driver.had().iter().all(|had| *had == 0), "{:?}", driver.had());
    driver.clear();
    driver.handled(id(1));
    driver.handled(id(0));
    assert_eq!(driver.had(), [0, 2], "in order");
    driver.restart_with(handling::config());
    assert_eq!(driver.posts_read(), ["bob 2"]);
    driver.come_up();
    driver.clear();
    driver.comes(2, 1, true, message(1));
    driver.comes(3, 2, false, message(2));
    assert_eq!(driver.had(), [2, 2], "what was handled is had");
    driver.comes(5, 3, false, PostItem::Gone);
    driver.handled(id(2));
    assert_eq!(driver.had().last(), Some(&5), "and what stands behind it");
}

#[test]
fn ones_own_and_what_is_gone_are_passed_and_what_is_missed_is_told() {
    let mut driver = inside(0);
    let slot = Slot {
        epoch: Epoch(1),
        sequence: Sequence(0),
    };
    driver.comes(1, 0, true, PostItem::Own { slot });
    driver.comes(4, 1, false, message(0));
    driver.comes(9, 4, false, PostItem::Gone);
    let missed = |messages| RoomEvent::Missed {
        room: name("den"),
        messages,
    };
    assert_eq!(driver.room_events(), [missed(2), missed(5)]);
    assert_eq!(driver.had(), [1, 4, 9]);
}

#[test]
fn a_forged_post_is_not_shown_and_holds_up_nobody() {
    let mut driver = inside(0);
    let PostItem::Message(mut forged) = message(0) else {
        panic!();
    };
    let last = forged.envelope.len() - 1;
    forged.envelope[last] ^= 1;
    driver.comes(1, 0, true, PostItem::Message(forged));
    driver.comes(2, 1, false, message(1));
    assert_eq!(driver.posts_read(), ["bob 1"]);
    assert_eq!(driver.had(), [1, 2]);
}

#[test]
fn nobody_posts_under_a_name_that_is_known_to_be_anothers() {
    let mut driver = inside(0);
    driver.send("bob", "pinned");
    driver.clear();
    driver.events();
    let eve = person("eve");
    let envelope = Envelope {
        sender: Party {
            name: name("bob"),
            id: eve.id(),
        },
        recipient: Recipient::Room(hall()),
        slot: Slot {
            epoch: Epoch(3),
            sequence: Sequence(0),
        },
        sent_at: WallTime::from_unix_ms(5),
        body: Body::Plain("I am bob".to_owned()),
    };
    let forward = Forward {
        floor: Sequence(0),
        envelope: envelope.sign(&eve),
    };
    driver.comes(1, 0, true, PostItem::Message(forward));
    let impostor = RoomEvent::Impostor {
        room: name("den"),
        name: name("bob"),
    };
    assert_eq!(driver.room_events(), [impostor]);
}

#[test]
fn what_was_posted_before_one_came_has_its_time() {
    let mut driver = inside(1);
    driver.comes(1, 0, true, message(0));
    driver.comes(2, 1, false, message(1));
    let room = |before| Road::Room {
        name: name("den"),
        before,
    };
    let roads: Vec<Road> = driver.read().into_iter().map(|(road, _)| road).collect();
    assert_eq!(roads, [room(true), room(false)]);
}

#[test]
fn a_number_that_is_given_again_keeps_nothing_from_being_shown() {
    let mut driver = inside(0);
    driver.comes(1, 0, true, message(0));
    // Bob's folder is an older copy: he has forgotten that.
    driver.comes(2, 1, false, says("bob", 0, "another"));
    driver.comes(3, 2, false, says("bob", 0, "a third"));
    assert_eq!(driver.posts_read(), ["bob 0", "another", "a third"]);
    assert_eq!(driver.had(), [1, 2, 3]);
    driver.breaks();
    driver.registry_registers();
    driver.clear();
    driver.comes(1, 0, true, message(0));
    driver.comes(2, 1, false, says("bob", 0, "another"));
    driver.comes(3, 2, false, says("bob", 0, "a third"));
    assert!(driver.posts_read().is_empty());
    assert_eq!(driver.had(), [1, 2, 3]);
}
