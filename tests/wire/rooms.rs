//! What is said of rooms on the wire: samples for the golden files, and values at random (PROTOCOL §5.5).
//!
//! Invariant: as `samples`': an entry that exists is never changed.

use proptest::collection::vec;
use proptest::prelude::*;
use udpchat::clock::WallTime;
use udpchat::id::RoomId;
use udpchat::wire::codec::Bounded;
use udpchat::wire::envelope::{Body, Envelope, Recipient};
use udpchat::wire::message::{FromRegistry, ToRegistry};
use udpchat::wire::room::*;

use crate::samples::{self, Named, name};
use crate::strategies;

fn hall() -> Hall {
    Hall {
        name: name("den"),
        id: RoomId([0x44; 16]),
    }
}

/// What alice has posted to the den.
pub(crate) fn envelope() -> Envelope {
    Envelope {
        recipient: Recipient::Room(hall()),
        body: Body::Plain("hi, all".to_owned()),
        ..samples::envelope()
    }
}

pub(crate) fn deeds() -> Vec<(&'static str, RoomDeed)> {
    let room = hall().id;
    vec![
        ("room_create", RoomDeed::Create { name: name("den") }),
        ("room_join", RoomDeed::Join { name: name("den") }),
        ("room_leave", RoomDeed::Leave { room }),
        (
            "room_kick",
            RoomDeed::Kick {
                room,
                name: Some(name("bob")),
            },
        ),
        ("room_list", RoomDeed::List { after: None }),
        (
            "room_members",
            RoomDeed::Members {
                name: name("den"),
                after: Some(name("alice")),
            },
        ),
        ("room_mine", RoomDeed::Mine),
        (
            "room_readers",
            RoomDeed::Readers {
                slot: samples::slot(),
            },
        ),
    ]
}

pub(crate) fn to_registry() -> Named<ToRegistry> {
    let asked = |(entry, deed)| (entry, ToRegistry::Room(RoomRequest { number: 5, deed }));
    let had = PostHad {
        room: hall().id,
        number: PostNumber(300),
    };
    let mut all: Named<ToRegistry> = deeds().into_iter().map(asked).collect();
    all.push(("post_had", ToRegistry::PostHad(had)));
    all
}

fn membership() -> Membership {
    Membership {
        hall: hall(),
        owner: Some(name("alice")),
        members: 3,
        head: PostNumber(300),
    }
}

pub(crate) fn done() -> Vec<(&'static str, RoomDone)> {
    vec![
        (
            "room_entered",
            RoomDone::Entered {
                room: membership(),
                already: true,
            },
        ),
        ("room_gone", RoomDone::Gone { members: 2 }),
        (
            "rooms",
            RoomDone::Rooms {
                rooms: Bounded::truncated(vec![RoomListed {
                    name: name("den"),
                    owner: None,
                    members: 3,
                    online: 2,
                }]),
                more: true,
            },
        ),
        (
            "members",
            RoomDone::Members {
                members: Bounded::truncated(vec![MemberListed {
                    name: name("bob"),
                    online: false,
                }]),
                more: false,
            },
        ),
        (
            "readers",
            RoomDone::Readers {
                received: 1,
                of: 2,
                missing: Bounded::truncated(vec![name("bob")]),
            },
        ),
    ]
}

pub(crate) fn refusals() -> Vec<(&'static str, RoomRefusal)> {
    vec![
        ("room_refused_name_taken", RoomRefusal::NameTaken),
        ("room_refused_name_reserved", RoomRefusal::NameReserved),
        ("room_refused_no_such_room", RoomRefusal::NoSuchRoom),
        ("room_refused_not_member", RoomRefusal::NotMember),
        ("room_refused_not_owner", RoomRefusal::NotOwner),
        ("room_refused_no_such_member", RoomRefusal::NoSuchMember),
        ("room_refused_full", RoomRefusal::RoomFull),
        ("room_refused_too_many", RoomRefusal::TooManyRooms),
        ("room_refused_no_such_post", RoomRefusal::NoSuchPost),
        ("room_refused_storage", RoomRefusal::Storage),
    ]
}

pub(crate) fn items() -> Vec<(&'static str, PostItem)> {
    vec![
        ("post_message", PostItem::Message(samples::forward())),
        (
            "post_own",
            PostItem::Own {
                slot: samples::slot(),
            },
        ),
        ("post_gone", PostItem::Gone),
    ]
}

pub(crate) fn all_news() -> Vec<(&'static str, News)> {
    vec![
        ("room_news_joined", News::Joined { name: name("bob") }),
        ("room_news_left", News::Left { name: name("bob") }),
        ("room_news_kicked", News::Kicked { name: None }),
        ("room_news_ended", News::Ended),
    ]
}

pub(crate) fn from_registry() -> Named<FromRegistry> {
    let answer = |result| FromRegistry::RoomAnswer(RoomAnswer { number: 5, result });
    let post = |item| {
        FromRegistry::Post(Post {
            room: hall().id,
            number: PostNumber(300),
            previous: PostNumber(299),
            first: true,
            item,
        })
    };
    let news = |news| {
        FromRegistry::RoomNews(RoomNews {
            room: hall().id,
            at: WallTime::from_unix_ms(1_767_323_045_678),
            members: 3,
            news,
        })
    };
    let memberships = FromRegistry::Memberships(Memberships {
        number: 7,
        rooms: Bounded::truncated(vec![membership()]),
    });
    let mut all: Named<FromRegistry> = Vec::new();
    all.extend(done().into_iter().map(|(entry, done)| (entry, answer(Ok(done)))));
    all.extend(
        refusals()
            .into_iter()
            .map(|(entry, why)| (entry, answer(Err(why)))),
    );
    all.push(("memberships", memberships));
    all.extend(items().into_iter().map(|(entry, item)| (entry, post(item))));
    all.extend(all_news().into_iter().map(|(entry, what)| (entry, news(what))));
    all
}

/// Random values: the samples with other numbers, names and texts in them.
pub(crate) fn any_to_registry() -> BoxedStrategy<ToRegistry> {
    let deed = proptest::sample::select(deeds()).prop_map(|(_, deed)| deed);
    let asked =
        (any::<u64>(), deed).prop_map(|(number, deed)| ToRegistry::Room(RoomRequest { number, deed }));
    let had = (any::<[u8; 16]>(), any::<u64>()).prop_map(|(room, number)| {
        ToRegistry::PostHad(PostHad {
            room: RoomId(room),
            number: PostNumber(number),
        })
    });
    prop_oneof![asked, had].boxed()
}

pub(crate) fn any_from_registry() -> BoxedStrategy<FromRegistry> {
    let members = vec((strategies::name(), any::<bool>()), 0..10).prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, online)| MemberListed { name, online });
        FromRegistry::RoomAnswer(RoomAnswer {
            number: 1,
            result: Ok(RoomDone::Members {
                members: Bounded::truncated(members.collect()),
                more: true,
            }),
        })
    });
    let post = (
        any::<[u8; 16]>(),
        any::<u64>(),
        any::<u64>(),
        any::<bool>(),
        strategies::forward(),
    )
        .prop_map(|(room, number, previous, first, forward)| {
            FromRegistry::Post(Post {
                room: RoomId(room),
                number: PostNumber(number),
                previous: PostNumber(previous),
                first,
                item: PostItem::Message(forward),
            })
        });
    let sample = proptest::sample::select(from_registry()).prop_map(|(_, message)| message);
    prop_oneof![members, post, sample].boxed()
}

#[test]
fn what_is_posted_is_signed_by_its_author_and_by_nobody_else() {
    let envelope = envelope();
    let bytes = envelope.sign(&samples::alice());
    let parsed = Envelope::parse(&bytes).unwrap();
    assert_eq!(parsed, envelope);
    assert!(parsed.is_signed(&bytes));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let holds = Envelope::parse(&changed).is_ok_and(|parsed| parsed.is_signed(&changed));
        assert!(!holds, "byte {at}");
    }
    let by_another = envelope.sign(&samples::bob());
    assert!(!parsed.is_signed(&by_another));
    assert!(Envelope::parse(&bytes[..bytes.len() - 1]).is_err());
    assert!(Envelope::parse(&[&bytes[..], &[0]].concat()).is_err());
}
