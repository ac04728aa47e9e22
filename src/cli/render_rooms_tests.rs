//! Every line about rooms, as it is spelled.

use super::*;
use crate::client::interface::{Refusal, Trust};
use crate::client::storage::Reach;
use crate::id::RoomId;
use crate::wire::message::DepositRefusal;
use crate::wire::room::{Hall, PostNumber};

const AT: WallTime = WallTime::from_unix_ms(1_767_323_045_678);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn said(event: &RoomEvent) -> Vec<String> {
    lines(event, |_| time::UtcOffset::from_hms(2, 0, 0).unwrap())
}

fn membership(owner: Option<Name>) -> Membership {
    Membership {
        hall: Hall {
            name: name("den"),
            id: RoomId([1; 16]),
        },
        owner,
        members: 3,
        head: PostNumber(0),
    }
}

/// What becomes of posts.
fn faces_of_posts() -> Vec<(RoomEvent, &'static str)> {
    let room = || name("den");
    let reached = |reach| RoomEvent::Reached {
        room: room(),
        sent_at: AT,
        reach,
    };
    let refused = |reason| RoomEvent::Refused {
        room: room(),
        sent_at: AT,
        reason: Refusal::Registry(reason),
    };
    vec![
        (
            RoomEvent::Posted { room: room() },
            "[Messages received by the server and saved]",
        ),
        (
            RoomEvent::Waiting { room: room() },
            "[Message to den is waiting; it will be sent when the server can be reached.]",
        ),
        (
            reached(None),
            "[Message of 2026-01-02 05:04:05 received by everybody in den.]",
        ),
        (
            reached(Some(Reach { received: 3, of: 5 })),
            "[Message of 2026-01-02 05:04:05 received by 3 of 5 in den; the others have left, or it was gone before \
             they came.]",
        ),
        (
            refused(DepositRefusal::NotMember),
            "[Message of 2026-01-02 05:04:05 to den was refused: you are not in it. To enter it: roomjoin den.]",
        ),
        (
            refused(DepositRefusal::NoSuchRoom),
            "[Message of 2026-01-02 05:04:05 to den was refused: there is no such room any more.]",
        ),
        (
            RoomEvent::Expired {
                room: room(),
                sent_at: AT,
            },
            "[Message of 2026-01-02 05:04:05 to den has expired: the server could not be reached in time. It is not \
             tried any more.]",
        ),
    ]
}

/// Who comes and goes.
fn faces_of_people() -> Vec<(RoomEvent, &'static str)> {
    let news = |news| RoomEvent::News {
        room: name("den"),
        at: AT,
        members: 2,
        news,
        out: false,
    };
    let entered = |owner, already| RoomEvent::Entered {
        room: membership(owner),
        already,
    };
    vec![
        (
            entered(Some(name("ann")), false),
            "[You have joined den of ann. Member count=3]",
        ),
        (entered(None, true), "[You are in den. Member count=3]"),
        (RoomEvent::Left { room: name("den") }, "[You have left den.]"),
        (
            news(News::Joined { name: name("bea") }),
            "den: Server: time=05:04:05 bea has joined. Member count=2",
        ),
        (
            news(News::Left { name: name("bea") }),
            "den: Server: time=05:04:05 bea has left. Member count=2",
        ),
        (
            news(News::Kicked {
                name: Some(name("bea")),
            }),
            "den: Server: time=05:04:05 bea was shown the door. Member count=2",
        ),
        (
            news(News::Kicked { name: None }),
            "den: Server: time=05:04:05 the owner has shown everybody the door. Member count=2",
        ),
        (
            news(News::Ended),
            "den: Server: time=05:04:05 the room has ended.",
        ),
    ]
}

/// What of posts is said when it is asked for, and that there is a lobby.
fn faces_of_questions() -> Vec<(RoomEvent, &'static str)> {
    let readers = |received, missing: &[&str]| RoomEvent::Readers {
        room: name("den"),
        sent_at: AT,
        reach: Reach { received, of: 5 },
        missing: missing.iter().map(|who| name(who)).collect(),
    };
    vec![
        (
            RoomEvent::Offered { room: name("lobby") },
            "[There is a room for everybody. To enter it: roomjoin lobby]",
        ),
        (
            readers(3, &[]),
            "[Message of 2026-01-02 05:04:05 to den: 3 of 5 have it; the others have left.]",
        ),
        (
            readers(5, &[]),
            "[Message of 2026-01-02 05:04:05 to den: 5 of 5 have it.]",
        ),
        (
            readers(3, &["ann", "bob"]),
            "[Message of 2026-01-02 05:04:05 to den: 3 of 5 have it; not yet: ann, bob.]",
        ),
        (
            readers(3, &["ann"]),
            "[Message of 2026-01-02 05:04:05 to den: 3 of 5 have it; not yet: ann, and others, or they have left.]",
        ),
    ]
}

/// What is answered, and what else is said.
fn faces_of_answers() -> Vec<(RoomEvent, &'static str)> {
    vec![
        (
            RoomEvent::Missed {
                room: name("den"),
                messages: 1,
            },
            "[1 message in den missed: gone before you came.]",
        ),
        (
            RoomEvent::Missed {
                room: name("den"),
                messages: 3,
            },
            "[3 messages in den missed: gone before you came.]",
        ),
        (
            RoomEvent::Kicked {
                room: name("den"),
                name: None,
                members: 4,
            },
            "[4 members are out of den.]",
        ),
        (
            RoomEvent::Kicked {
                room: name("den"),
                name: Some(name("bea")),
                members: 1,
            },
            "[bea is out of den.]",
        ),
        (
            RoomEvent::Outside { room: name("den") },
            "[You are in den no more: it has ended, or its owner has shown you the door.]",
        ),
        (
            RoomEvent::Impostor {
                room: name("den"),
                name: name("bea"),
            },
            "[A message in den is not shown: it bears the name bea, and is signed by another than the bea you know.]",
        ),
        (RoomEvent::Rooms(Vec::new()), "[There are no rooms.]"),
        (
            RoomEvent::NotDone {
                command: RoomCommand::Join(name("den")),
                why: NotDone::NoServer,
            },
            "[den: the server does not answer, and whether it has done it is not known. Ask again when it does.]",
        ),
        (
            RoomEvent::Members {
                room: name("den"),
                members: Vec::new(),
            },
            "[Members of den: 0]",
        ),
        (
            RoomEvent::NotDone {
                command: RoomCommand::Join(name("den")),
                why: NotDone::Offline,
            },
            "[den: nothing has changed, you are offline. To come back: reg.]",
        ),
    ]
}

/// Every line.
pub(in crate::cli) fn faces() -> Vec<(RoomEvent, &'static str)> {
    [
        faces_of_posts(),
        faces_of_people(),
        faces_of_answers(),
        faces_of_questions(),
    ]
    .concat()
}

#[test]
fn each_is_spelled_so() {
    for (event, line) in faces() {
        assert_eq!(said(&event), [line]);
    }
}

#[test]
fn lists_are_tables() {
    let rooms = [("den", Some(name("ann")), 3, 1), ("lobby", None, 10, 0)];
    let rooms = rooms.map(|(room, owner, members, online)| RoomListed {
        name: name(room),
        owner,
        members,
        online,
    });
    assert_eq!(
        said(&RoomEvent::Rooms(rooms.to_vec())),
        ["den    1/3 online, of ann", "lobby  0/10 online, of the server"]
    );
    assert_eq!(said(&RoomEvent::Rooms(Vec::new())), ["[There are no rooms.]"]);
    let members = [("ann", true), ("bea", false)].map(|(who, online)| Member {
        name: name(who),
        trust: if online { Trust::Verified } else { Trust::New },
        online,
    });
    let told = said(&RoomEvent::Members {
        room: name("den"),
        members: members.to_vec(),
    });
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], "[Members of den: 2]");
    assert!(told[1].starts_with("ann (verified) ") && told[1].ends_with("  online"));
    assert!(told[2].starts_with("bea (new) ") && told[2].ends_with("  offline"));
}

#[test]
fn what_is_not_done_says_why_and_what_to_do() {
    let join = || RoomCommand::Join(name("den"));
    for (why, what) in [
        (NotDone::Offline, "To come back: reg"),
        (NotDone::NotInside, "To enter it: roomjoin"),
        (NotDone::TooMany, "Try again in a moment"),
        (
            NotDone::Refused(RoomRefusal::NoSuchRoom),
            "To see which there are: roomlist",
        ),
        (NotDone::Refused(RoomRefusal::Storage), "Try again later"),
    ] {
        let told = said(&RoomEvent::NotDone { command: join(), why });
        assert!(told[0].starts_with("[den: nothing has changed, "), "{told:?}");
        assert!(told[0].contains(what), "{told:?}");
    }
}
