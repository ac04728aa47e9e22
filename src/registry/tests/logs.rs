//! Rooms as logs: what gives way, what ends, and the room that the registry makes itself.

use super::house::{House, config, name, posted};
use super::*;
use crate::clock::Age;
use crate::registry::rooms::storage;
use crate::wire::room::*;

#[test]
fn a_log_that_is_full_lets_the_oldest_go_and_says_so_to_both_sides() {
    let mut house = House::with(Config {
        room_posts_max: 3,
        author_posts_max: 2,
        ..config()
    });
    house.create(0);
    house.join(1);
    house.join(2);
    house.leaves_the_program(2);
    let first = house.post(0, 0);
    house.post(0, 1);
    house.world.take();
    house.post(0, 2);
    let heard = house.heard(0);
    assert!(
        heard.contains(&posted(0, &first, 0, 2)),
        "his own oldest: {heard:?}"
    );
    house.post(1, 0);
    house.post(1, 1);
    house.world.take();
    house.comes_back(2, 2);
    let numbers: Vec<(u64, u64)> = house.posts(2).iter().map(|post| (post.0, post.1)).collect();
    assert_eq!(
        numbers,
        [(3, 0), (4, 3), (5, 4)],
        "two are missed before the third"
    );
}

#[test]
fn whoever_has_too_many_makes_room_for_the_room_as_well() {
    let mut house = House::full();
    let long = |house: &House| house.written_as(0, 2, "x".repeat(500));
    let room_bytes_max = long(&house).len() as u64;
    house = House::with(Config {
        author_posts_max: 2,
        room_bytes_max,
        ..config()
    });
    house.create(0);
    house.join(1);
    house.post(0, 0);
    house.post(0, 1);
    let long = long(&house);
    house.world.say(house.session(0), &deposit(&long));
    let usage = house.world.store.image().unwrap().rooms.posts[0].usage;
    assert_eq!((usage.messages, usage.bytes), (1, room_bytes_max));
}

#[test]
fn a_post_that_is_more_than_its_authors_part_is_no_way_around_the_rooms_bound() {
    let mut house = House::with(Config {
        author_bytes_max: 10,
        room_posts_max: 2,
        ..config()
    });
    house.create(0);
    house.join(1);
    house.join(2);
    for who in 0..3 {
        house.post(who, 0);
    }
    let posts = house.world.store.image().unwrap().rooms.posts;
    let messages: u64 = posts.iter().map(|posts| posts.usage.messages).sum();
    assert_eq!(messages, 2);
}

#[test]
fn each_post_of_many_at_once_has_one_give_way() {
    let mut house = House::with(Config {
        room_posts_max: 4,
        ..config()
    });
    house.create(0);
    house.join(1);
    house.join(2);
    house.leaves_the_program(2);
    for sequence in 0..4 {
        house.post(0, sequence);
    }
    house.world.held = true;
    for sequence in 4..7 {
        house.post(0, sequence);
    }
    house.world.commit();
    let image = house.world.store.image().unwrap();
    assert_eq!(image.rooms.posts[0].usage.messages, 4);
    assert_eq!(image.outcomes[0].1, 3);
    house.world.held = false;
    house.post(0, 7);
    assert_eq!(house.world.store.image().unwrap().outcomes[0].1, 4);
}

#[test]
fn what_ends_or_is_there_already_makes_nothing_else_give_way() {
    let mut house = House::with(Config {
        room_posts_max: 4,
        author_posts_max: 4,
        ..config()
    });
    house.create(0);
    house.join(1);
    for sequence in 0..4 {
        house.post(0, sequence);
    }
    house.world.held = true;
    // Three that were kept already, the end of the first, and one that is new: with it there are four.
    for sequence in 1..4 {
        house.post(0, sequence);
    }
    house.had(1, 1);
    house.had(0, 1);
    house.post(0, 4);
    house.world.commit();
    let image = house.world.store.image().unwrap();
    assert_eq!(image.rooms.posts[0].usage.messages, 4);
    assert_eq!(image.outcomes[0].1, 1, "the one that all have");
}

#[test]
fn what_nobody_waits_for_ends_also_if_the_program_dies_before_all_of_it_has() {
    let mut house = House::full();
    house.leaves_the_program(2);
    for sequence in 0..100 {
        house.post(0, sequence);
        house.had(1, sequence + 1);
    }
    house.had(0, 100);
    let kept = house.world.store.image().unwrap().rooms;
    let room = kept.rooms[0].key;
    let depart = Request::Room(storage::RoomRequest::Depart {
        room,
        who: storage::Who::One(kept.memberships.last().unwrap().1),
        keep_until: Age::from_ms(1 << 50),
    });
    house.world.store.commit(vec![(Ticket(0), depart)]);
    assert_eq!(house.world.store.image().unwrap().rooms.unsettled, [room]);
    house.world.restart();
    house.world.timeout();
    assert_eq!(house.world.store.image().unwrap().rooms.posts, []);
}

#[test]
fn a_room_that_ends_takes_with_it_all_that_stands_there_also_across_a_crash() {
    let mut house = House::full();
    house.leaves_the_program(2);
    let posts = 3 * storage::POSTS_ENDED_MAX as u64 - 1;
    let written: Vec<Vec<u8>> = (0..posts)
        .map(|sequence| {
            let envelope = house.post(0, sequence);
            house.had(1, sequence);
            envelope
        })
        .collect();
    house.world.take();
    let room = house.hall().id;
    house.world.held = true;
    let deed = RoomDeed::Leave { room };
    let leave = ToRegistry::Room(RoomRequest { number: 100, deed });
    house.world.say(house.session(0), &leave);
    house.world.commit_asked();
    let heard = house.heard(1);
    assert!(matches!(&heard[..], [FromRegistry::RoomNews(_)]), "{heard:?}");
    let kept = |house: &House| house.world.store.image().unwrap();
    let open = posts - storage::POSTS_ENDED_MAX as u64;
    assert_eq!(kept(&house).rooms.posts[0].usage.messages, open);
    house.world.restart();
    house.world.held = false;
    house.world.timeout();
    let image = kept(&house);
    assert_eq!((image.rooms.posts.len(), image.outcomes[0].1), (0, posts));
    house.comes_back(0, 2);
    let heard = house.heard(0);
    for (sequence, envelope) in (0..).zip(&written) {
        let of_bea = u32::from(sequence < posts - 1);
        assert!(
            heard.contains(&posted(sequence, envelope, of_bea, 2)),
            "{sequence}"
        );
    }
}

#[test]
fn a_lifetime_ends_and_who_was_away_has_missed_it() {
    let mut house = House::full();
    house.leaves_the_program(2);
    let envelope = house.post(0, 0);
    house.had(1, 1);
    house.had(0, 1);
    house.world.take();
    let alive: Vec<SessionId> = [0, 1].map(|who| house.session(who)).to_vec();
    house.world.run(Duration::from_secs(2 * 3_600), &alive);
    let heard = house.heard(0);
    assert!(heard.contains(&posted(0, &envelope, 1, 2)), "{heard:?}");
    house.comes_back(2, 2);
    assert_eq!(house.posts(2), [(1, 0, PostItem::Gone)]);
}

#[test]
fn a_lobby_is_made_once_and_is_nobodys() {
    let mut house = House::with(Config {
        lobby: true,
        ..config()
    });
    let lobby = || RoomDeed::Join { name: name("Lobby") };
    let entered = house.entered(1, lobby(), false);
    assert_eq!((entered.owner, entered.members), (None, 1));
    let out = RoomDeed::Kick {
        room: entered.hall.id,
        name: None,
    };
    assert_eq!(house.ask(1, out), Err(RoomRefusal::NotOwner));
    let gone = house.ask(
        1,
        RoomDeed::Leave {
            room: entered.hall.id,
        },
    );
    assert_eq!(gone, Ok(RoomDone::Gone { members: 1 }));
    house.world.restart();
    house.comes_back(2, 2);
    assert_eq!(house.entered(2, lobby(), false).hall, entered.hall);
}

#[test]
fn a_lobby_that_the_disk_did_not_take_is_made_later() {
    let mut house = House::with(Config {
        lobby: false,
        ..config()
    });
    house.world.registry.config.lobby = true;
    house.world.failing = true;
    house.world.registry.want_lobby(house.world.now.at);
    house.world.timeout();
    assert_eq!(
        house.ask(0, RoomDeed::Join { name: name("lobby") }),
        Err(RoomRefusal::NoSuchRoom)
    );
    assert!(
        !house.world.registry.has_lobby(),
        "it is not offered before it is there"
    );
    house.world.failing = false;
    house.world.pass(crate::limits::REQUEST_RETRY);
    house.world.timeout();
    assert!(house.world.registry.has_lobby());
    house.entered(0, RoomDeed::Join { name: name("lobby") }, false);
}
