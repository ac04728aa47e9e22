//! Rooms: who may do what, who is told, and what becomes of what is posted.

use super::house::{House, config, message, name, news, own, posted};
use super::*;
use crate::wire::message::DepositRefusal;
use crate::wire::room::*;

#[test]
fn a_room_is_made_entered_and_left_and_the_members_hear_of_it() {
    let mut house = House::new();
    let den = house.create(0);
    assert_eq!((den.owner, den.members), (Some(name("ann")), 1));
    let den = house.join(1);
    assert_eq!(den.members, 2);
    let joined = News::Joined { name: name("bea") };
    assert_eq!(house.heard(0), [news(&house, 2, joined)]);
    let room = house.hall().id;
    assert_eq!(
        house.ask(1, RoomDeed::Leave { room }),
        Ok(RoomDone::Gone { members: 1 })
    );
    let left = News::Left { name: name("bea") };
    assert_eq!(house.heard(0), [news(&house, 1, left)]);
    assert_eq!(
        house.ask(1, RoomDeed::Leave { room }),
        Ok(RoomDone::Gone { members: 0 }),
        "asked again, it is so already"
    );
}

#[test]
fn what_is_asked_again_is_answered_as_it_stands() {
    let mut house = House::new();
    house.create(0);
    house.entered(0, RoomDeed::Create { name: name("DEN") }, true);
    house.entered(0, RoomDeed::Join { name: name("den") }, true);
    let taken = house.ask(1, RoomDeed::Create { name: name("Den") });
    assert_eq!(taken, Err(RoomRefusal::NameTaken));
    let reserved = house.ask(1, RoomDeed::Create { name: name("lobby") });
    assert_eq!(reserved, Err(RoomRefusal::NameReserved));
    let missing = house.ask(1, RoomDeed::Join { name: name("attic") });
    assert_eq!(missing, Err(RoomRefusal::NoSuchRoom));
}

#[test]
fn a_post_is_committed_answered_sent_to_all_and_ends_when_all_have_it() {
    let mut house = House::full();
    let envelope = house.post(0, 7);
    assert_eq!(house.posts(1), [(1, 0, message(&envelope))]);
    assert_eq!(house.posts(2), [(1, 0, message(&envelope))]);
    assert_eq!(house.posts(0), [(1, 0, own(7))]);
    assert_eq!(house.heard(0), [deposited(7, &envelope)]);
    house.had(1, 1);
    house.had(0, 1);
    assert_eq!(house.heard(0), [], "cat has it not");
    house.had(2, 1);
    assert_eq!(house.heard(0), [posted(7, &envelope, 2, 2)]);
    house
        .world
        .say(house.session(0), &ToRegistry::OutcomeAck { slot: slot(7) });
    assert_eq!(house.world.registry.quotas_total(), 0);
    assert_eq!(house.world.store.image().unwrap().outcomes, []);
}

#[test]
fn nothing_is_said_before_it_is_committed() {
    let mut house = House::full();
    let envelope = house.written(0, 0);
    house.world.held = true;
    house.world.say(house.session(0), &deposit(&envelope));
    assert_eq!(house.world.take(), []);
    house.world.failing = true;
    house.world.commit();
    let heard = house.world.take();
    assert!(
        matches!(&heard[..], [Did::Say(_, FromRegistry::Busy(_))]),
        "{heard:?}"
    );
    assert_eq!(house.world.registry.quotas_total(), 0);
}

#[test]
fn all_members_get_all_posts_in_one_order_also_who_was_away() {
    let mut house = House::full();
    house.leaves_the_program(2);
    let mut said = Vec::new();
    for sequence in 0..3 {
        said.push(house.post(0, sequence));
        said.push(house.post(1, sequence));
    }
    house.world.take();
    house.comes_back(2, 2);
    let expected: Vec<_> = (1..)
        .zip(&said)
        .map(|(n, text)| (n, n - 1, message(text)))
        .collect();
    assert_eq!(house.posts(2), expected);
    let bea: Vec<u64> = (1..=6).collect();
    house.leaves_the_program(1);
    house.comes_back(1, 2);
    let got: Vec<u64> = house.posts(1).into_iter().map(|(number, _, _)| number).collect();
    assert_eq!(got, bea, "what was not said to be had comes again");
}

#[test]
fn a_cursor_outlives_stays_and_restarts() {
    let mut house = House::full();
    for sequence in 0..4 {
        house.post(0, sequence);
    }
    house.had(1, 3);
    house.leaves_the_program(1);
    house.comes_back(1, 2);
    assert_eq!(house.posts(1).len(), 1);
    house.world.restart();
    house.comes_back(1, 3);
    let last = house.posts(1);
    assert_eq!((last.len(), last[0].0, last[0].1), (1, 4, 3));
}

#[test]
fn who_is_no_member_posts_nothing_and_nobody_posts_for_another() {
    let mut house = House::new();
    house.create(0);
    let outside = house.post(1, 0);
    let refused = |reason| FromRegistry::DepositRefused {
        slot: slot(0),
        reason,
    };
    assert_eq!(house.heard(1), [refused(DepositRefusal::NotMember)]);
    house.join(1);
    house.world.take();
    let mut forged = outside;
    let last = forged.len() - 1;
    forged[last] ^= 1;
    house.world.say(house.session(1), &deposit(&forged));
    assert_eq!(house.heard(1), [refused(DepositRefusal::Malformed)]);
    let hers = house.written(0, 0);
    house.world.say(house.session(1), &deposit(&hers));
    assert_eq!(house.heard(1), [refused(DepositRefusal::NotYours)]);
}

#[test]
fn a_repeated_post_is_answered_from_what_became_of_the_first() {
    let mut house = House::full();
    let envelope = house.post(0, 0);
    house.world.take();
    house.post(0, 0);
    assert_eq!(house.posts(1), [], "not sent twice");
    assert_eq!(house.heard(0), [deposited(0, &envelope)]);
    for who in 0..3 {
        house.had(who, 1);
    }
    house.world.take();
    house.post(0, 0);
    assert_eq!(house.heard(0), [posted(0, &envelope, 2, 2)]);
}

#[test]
fn who_leaves_without_it_is_counted_as_one_who_has_it_not() {
    let mut house = House::full();
    let envelope = house.post(0, 0);
    house.had(0, 1);
    house.had(1, 1);
    house.world.take();
    let room = house.hall().id;
    house.ask(2, RoomDeed::Leave { room }).unwrap();
    let heard = house.heard(0);
    assert!(heard.contains(&posted(0, &envelope, 1, 2)), "{heard:?}");
}

#[test]
fn a_room_ends_with_its_owner_and_what_stood_there_too() {
    let mut house = House::full();
    let envelope = house.post(1, 0);
    house.had(0, 1);
    house.world.take();
    let room = house.hall().id;
    let ended = news(&house, 3, News::Ended);
    assert_eq!(
        house.ask(0, RoomDeed::Leave { room }),
        Ok(RoomDone::Gone { members: 3 })
    );
    assert_eq!(
        house.world.heard(house.session(1)),
        [ended, posted(0, &envelope, 1, 2)]
    );
    assert!(house.world.registry.rooms.by_name(&name("den")).is_none());
    let image = house.world.store.image().unwrap().rooms;
    assert_eq!(
        (image.rooms.len(), image.memberships.len(), image.posts.len()),
        (0, 0, 0)
    );
}

#[test]
fn the_owner_shows_the_door_to_one_or_to_all() {
    let mut house = House::full();
    let room = house.hall().id;
    let kick = |name: Option<Name>| RoomDeed::Kick { room, name };
    assert_eq!(house.ask(1, kick(None)), Err(RoomRefusal::NotOwner));
    assert_eq!(
        house.ask(0, kick(Some(name("dan")))),
        Err(RoomRefusal::NoSuchMember)
    );
    house.world.take();
    assert_eq!(
        house.ask(0, kick(Some(name("bea")))),
        Ok(RoomDone::Gone { members: 1 })
    );
    let told = News::Kicked {
        name: Some(name("bea")),
    };
    assert_eq!(house.heard(1), [news(&house, 2, told)], "she hears of it herself");
    house.join(1);
    house.world.take();
    assert_eq!(house.ask(0, kick(None)), Ok(RoomDone::Gone { members: 2 }));
    house.post(0, 0);
    assert_eq!(house.posts(1), []);
    assert_eq!(house.posts(0).len(), 1, "the room goes on");
}

#[test]
fn in_a_large_room_they_alone_hear_of_it_who_are_put_out() {
    let mut house = House::with(Config {
        announced_members_max: 1,
        ..config()
    });
    house.create(0);
    house.join(1);
    house.join(2);
    assert_eq!(house.heard(0), [], "nobody reads who comes");
    let room = house.hall().id;
    let name = Some(name("bea"));
    let kick = RoomDeed::Kick {
        room,
        name: name.clone(),
    };
    house.ask(0, kick).unwrap();
    assert_eq!(house.world.did.len(), 1, "{:?}", house.world.did);
    assert_eq!(house.heard(1), [news(&house, 2, News::Kicked { name })]);
    let ended = news(&house, 2, News::Ended);
    house.ask(0, RoomDeed::Leave { room }).unwrap();
    assert_eq!(house.heard(2), [ended]);
}

#[test]
fn who_is_put_out_hears_of_it_also_before_it_is_known_how_far_he_is() {
    let mut house = House::full();
    house.leaves_the_program(1);
    house.world.held = true;
    house.comes_back(1, 2);
    house.world.commit_asked();
    house.world.failing = true;
    house.world.commit();
    house.world.failing = false;
    house.world.held = false;
    house.world.take();
    let room = house.hall().id;
    house.ask(0, RoomDeed::Kick { room, name: None }).unwrap();
    let told = news(&house, 1, News::Kicked { name: None });
    assert_eq!(house.heard(1), [told]);
}

#[test]
fn who_is_being_put_out_posts_nothing_any_more() {
    let mut house = House::full();
    let room = house.hall().id;
    house.world.held = true;
    let kick = RoomRequest {
        number: 100,
        deed: RoomDeed::Kick {
            room,
            name: Some(name("bea")),
        },
    };
    house.world.say(house.session(0), &ToRegistry::Room(kick));
    house.post(1, 0);
    house.world.commit();
    let refused = FromRegistry::DepositRefused {
        slot: slot(0),
        reason: DepositRefusal::NotMember,
    };
    assert!(house.heard(1).contains(&refused));
    assert_eq!(house.posts(2), []);
    assert_eq!(house.world.registry.quotas_total(), 0);
}

#[test]
fn who_is_put_out_and_cannot_be_told_has_to_register_again() {
    for who_is_full in [1, 2] {
        let mut house = House::full();
        let session = house.session(who_is_full);
        house.world.set_room(session, 0);
        let room = house.hall().id;
        let deed = RoomDeed::Kick {
            room,
            name: Some(name("bea")),
        };
        assert_eq!(house.ask(0, deed), Ok(RoomDone::Gone { members: 1 }));
        let is_closed = house.world.take().contains(&Did::Close(session, CloseCode::Done));
        assert_eq!(is_closed, who_is_full == 1, "others miss an announcement");
    }
}

#[test]
fn who_comes_back_is_told_where_he_is() {
    let mut house = House::full();
    house.post(0, 0);
    house.leaves_the_program(1);
    house.comes_back(1, 2);
    let heard = house.heard(1);
    let listed = heard.iter().find_map(|message| match message {
        FromRegistry::Memberships(listed) => Some(listed.clone()),
        _ => None,
    });
    let listed = listed.unwrap();
    let rooms = listed.rooms.into_vec();
    assert_eq!((rooms.len(), rooms[0].head), (1, PostNumber(1)));
}

#[test]
fn what_is_not_answered_is_sent_again_and_an_old_answer_takes_nothing_back() {
    let mut house = House::full();
    let envelope = house.post(0, 0);
    house.had(0, 1);
    house.had(2, 1);
    house.world.take();
    let alive: Vec<SessionId> = (0..3).map(|who| house.session(who)).collect();
    house.world.run(Duration::from_secs(11), &alive);
    let again = house.posts(1);
    assert_eq!(again.last(), Some(&(1, 0, message(&envelope))));
    house.had(1, 1);
    house.had(1, 0);
    let (_, room) = house.world.registry.rooms.by_name(&name("den")).unwrap();
    assert_eq!(room.head, PostNumber(1));
    assert_eq!(house.world.store.image().unwrap().rooms.posts, []);
}

#[test]
fn nobody_has_what_was_not_sent_to_him() {
    let mut house = House::full();
    house.leaves_the_program(2);
    for sequence in 0..200 {
        house.post(0, sequence);
    }
    house.world.take();
    house.had(1, u64::MAX);
    let image = house.world.store.image().unwrap();
    assert_eq!(image.rooms.posts[0].usage.messages, 200, "cat has none of them");
}

#[test]
fn a_question_is_taken_up_again_where_its_answer_found_no_room() {
    let mut house = House::full();
    let session = house.session(0);
    house.world.set_room(session, 10);
    let request = |number| {
        let deed = RoomDeed::List { after: None };
        ToRegistry::Room(RoomRequest { number, deed })
    };
    house.world.say(session, &request(50));
    assert_eq!(house.heard(0), []);
    house.world.set_room(session, 10_000);
    house.world.say(session, &request(50));
    assert!(matches!(&house.heard(0)[..], [FromRegistry::RoomAnswer(answer)] if answer.number == 50));
    house.world.say(session, &request(50));
    assert_eq!(house.heard(0), [], "it was answered");
}

#[test]
fn of_one_member_one_deed_is_committed_at_a_time() {
    let mut house = House::full();
    let room = house.hall().id;
    let ask = |house: &mut House, number, deed| {
        let request = ToRegistry::Room(RoomRequest { number, deed });
        house.world.say(house.session(1), &request);
    };
    let make = || RoomDeed::Create { name: name("attic") };
    house.world.held = true;
    ask(&mut house, 50, RoomDeed::Leave { room });
    ask(&mut house, 51, make());
    house.world.held = false;
    house.world.commit();
    assert!(house.world.registry.rooms.by_name(&name("attic")).is_none());
    house.world.take();
    ask(&mut house, 51, make());
    assert!(matches!(&house.heard(1)[..], [FromRegistry::RoomAnswer(answer)] if answer.number == 51));
    let left = house.world.registry.rooms.by_name(&name("den")).unwrap();
    assert_eq!(left.1.count(), 2, "the first was done");
}

#[test]
fn lists_go_on_where_a_page_ended() {
    let mut house = House::with(Config {
        owner_rooms_max: 1_000,
        member_rooms_max: 1_000,
        ..config()
    });
    for number in 0..ROOM_PAGE_ITEMS_MAX + 2 {
        let name = name(&format!("room{number:04}"));
        house.ask(0, RoomDeed::Create { name }).unwrap();
    }
    let mut after = None;
    let mut all = Vec::new();
    loop {
        let Ok(RoomDone::Rooms { rooms, more }) = house.ask(1, RoomDeed::List { after }) else {
            panic!();
        };
        all.extend(rooms.into_vec());
        if !more {
            break;
        }
        after = all.last().map(|room| room.name.clone());
    }
    assert_eq!(all.len(), ROOM_PAGE_ITEMS_MAX + 2);
    assert!(all.is_sorted_by(|one, next| one.name < next.name));
    assert_eq!((all[0].members, all[0].online), (1, 1));
}

#[test]
fn limits_are_said() {
    let mut house = House::with(Config {
        owner_rooms_max: 1,
        room_members_max: 2,
        ..config()
    });
    house.create(0);
    let more = house.ask(0, RoomDeed::Create { name: name("attic") });
    assert_eq!(more, Err(RoomRefusal::TooManyRooms));
    house.join(1);
    let full = house.ask(2, RoomDeed::Join { name: name("den") });
    assert_eq!(full, Err(RoomRefusal::RoomFull));
}

#[test]
fn who_has_a_post_is_said_to_its_author() {
    let mut house = House::full();
    house.post(0, 0);
    house.had(1, 1);
    house.world.take();
    let readers = house.ask(0, RoomDeed::Readers { slot: slot(0) });
    let missing = Bounded::truncated(vec![name("cat")]);
    assert_eq!(
        readers,
        Ok(RoomDone::Readers {
            received: 1,
            of: 2,
            missing
        })
    );
    let others = house.ask(1, RoomDeed::Readers { slot: slot(0) });
    assert_eq!(others, Err(RoomRefusal::NoSuchPost));
}
