//! Faults of who is in a room, and of what people are told of that: each is planted, and found.

use super::rooms::{ROOM, hall, posts_ended};
use super::*;
use crate::client::interface::{Member, NotDone, RoomCommand, RoomEvent, Trust};
use crate::registry::rooms::storage::{RoomKey, RoomReply, RoomRequest, RoomRow, Who};
use crate::reserved::LOBBY;
use crate::wire::room::{Membership, News, PostNumber, RoomListed, RoomRefusal};

fn kick(whom: usize) -> RoomCommand {
    RoomCommand::Kick {
        room: hall(1).name,
        name: Some(name(whom)),
    }
}

fn membership(members: u32) -> Membership {
    Membership {
        hall: hall(1),
        owner: Some(name(0)),
        members,
        head: PostNumber(0),
    }
}

fn news(news: News, members: u32, out: bool) -> RoomEvent {
    RoomEvent::News {
        room: hall(1).name,
        at: WallTime::from_unix_ms(9),
        members,
        news,
        out,
    }
}

fn refused(command: RoomCommand, refusal: RoomRefusal) -> RoomEvent {
    RoomEvent::NotDone {
        command,
        why: NotDone::Refused(refusal),
    }
}

impl Play {
    /// c1 has a room, and c2 is in it, as both were told.
    pub(super) fn in_a_room() -> Self {
        let mut play = Self::new();
        play.makes_room(1);
        for (person, members) in [(0, 1), (1, 2)] {
            let entered = RoomEvent::Entered {
                room: membership(members),
                already: false,
            };
            play.tells(person, entered);
        }
        assert_eq!(play.found(), []);
        play
    }

    pub(super) fn tells(&mut self, person: usize, event: RoomEvent) {
        self.later(1);
        self.ledger.told(self.now, person, &Event::Room(event));
    }

    fn departs(&mut self, who: Who) {
        let depart = RoomRequest::Depart {
            room: ROOM,
            who,
            keep_until: Age::from_ms(0),
        };
        self.room(depart, posts_ended());
    }
}

#[test]
fn nobody_is_put_out_but_by_the_owner() {
    let mut play = Play::in_a_room();
    play.asks(0, kick(1));
    play.departs(Who::One(MemberId(1)));
    assert_eq!(play.found(), []);
    play.asks(1, RoomCommand::Join(hall(1).name));
    play.enters(1);
    play.asks(1, kick(0));
    play.departs(Who::One(MemberId(0)));
    assert_eq!(play.found(), [Invariant::InOrOut]);
}

#[test]
fn nobody_enters_or_leaves_or_ends_a_room_unasked() {
    let mut play = Play::in_a_room();
    play.departs(Who::One(MemberId(1)));
    assert_eq!(play.found(), [Invariant::InOrOut]);
    play.tells(1, RoomEvent::Outside { room: hall(1).name });
    play.ledger.begins(play.now, 1);
    play.later(600);
    play.enters(1);
    assert_eq!(play.found(), [Invariant::InOrOut; 2]);
    let (room, keep_until) = (ROOM, Age::from_ms(0));
    play.room(RoomRequest::EndRoom { room, keep_until }, posts_ended());
    assert_eq!(play.found(), [Invariant::InOrOut; 3]);
}

#[test]
fn nobody_is_told_that_he_is_where_he_is_not() {
    let mut play = Play::new();
    play.makes_room(1);
    play.later(1);
    play.ledger.begins(play.now, 1);
    play.asks(0, kick(1));
    play.departs(Who::One(MemberId(1)));
    play.later(1);
    play.ledger.begins(play.now, 1);
    let entered = RoomEvent::Entered {
        room: membership(2),
        already: true,
    };
    play.tells(1, entered);
    assert_eq!(play.found(), [Invariant::InOrOut]);
}

#[test]
fn who_was_put_out_is_told_so_in_the_end() {
    let mut play = Play::in_a_room();
    assert_eq!(play.ledger.wrong_about_rooms(), [""; 0]);
    play.asks(0, kick(1));
    play.departs(Who::One(MemberId(1)));
    let wrong = play.ledger.wrong_about_rooms();
    assert!(
        wrong.iter().any(|what| what.contains("1 was told that he is in")),
        "{wrong:?}"
    );
    let kicked = RoomEvent::Kicked {
        room: hall(1).name,
        name: Some(name(1)),
        members: 1,
    };
    play.tells(0, kicked);
    let put_out = News::Kicked { name: Some(name(1)) };
    play.tells(1, news(put_out, 1, true));
    assert_eq!((play.ledger.wrong_about_rooms(), play.found()), (vec![], vec![]));
}

#[test]
fn news_are_of_what_has_happened_and_told_once() {
    let mut play = Play::in_a_room();
    let joined = |members| news(News::Joined { name: name(1) }, members, false);
    play.tells(0, joined(3));
    assert_eq!(play.found(), [Invariant::InOrOut]);
    play.tells(0, joined(2));
    assert_eq!(play.found().len(), 1);
    play.tells(0, joined(2));
    play.tells(0, news(News::Left { name: name(1) }, 1, false));
    assert_eq!(play.found(), [Invariant::InOrOut; 3]);
}

#[test]
fn lists_are_what_was_so_since_they_were_asked_for() {
    let mut play = Play::in_a_room();
    let rooms = |members| {
        RoomEvent::Rooms(vec![RoomListed {
            name: hall(1).name,
            owner: Some(name(0)),
            members,
            online: 1,
        }])
    };
    let members = |people: &[usize]| RoomEvent::Members {
        room: hall(1).name,
        members: people
            .iter()
            .map(|&person| Member {
                name: name(person),
                trust: Trust::default(),
                online: true,
            })
            .collect(),
    };
    play.asks(1, RoomCommand::List);
    play.tells(1, rooms(2));
    play.asks(1, RoomCommand::Members(hall(1).name));
    play.tells(1, members(&[0, 1]));
    assert_eq!(play.found(), []);
    play.tells(1, rooms(2));
    assert_eq!(play.found(), [Invariant::InOrOut], "it was not asked for again");
    play.asks(1, RoomCommand::List);
    play.tells(1, rooms(1));
    play.asks(1, RoomCommand::Members(hall(1).name));
    play.tells(1, members(&[0]));
    assert_eq!(play.found(), [Invariant::InOrOut; 3]);
}

#[test]
fn a_question_has_an_answer_in_the_end() {
    let mut play = Play::in_a_room();
    play.asks(1, RoomCommand::List);
    assert_eq!(play.ledger.wrong_about_rooms().len(), 1);
}

#[test]
fn who_knows_a_room_that_has_ended_is_told_that_there_is_none_though_another_has_its_name() {
    let mut play = Play::in_a_room();
    play.asks(1, kick(0));
    play.ends_room();
    play.makes_room_alone(2);
    play.tells(1, refused(kick(0), RoomRefusal::NoSuchRoom));
    assert_eq!(play.found(), []);
    // Of the one in which he is now he is not told so.
    play.asks(1, RoomCommand::Join(hall(2).name));
    play.enters(1);
    play.asks(1, kick(0));
    play.tells(1, refused(kick(0), RoomRefusal::NoSuchRoom));
    assert_eq!(play.found(), [Invariant::HonestEnd]);
}

#[test]
fn something_is_not_done_for_the_reason_that_is_told() {
    let mut play = Play::in_a_room();
    play.asks(1, kick(0));
    play.tells(1, refused(kick(0), RoomRefusal::NotOwner));
    play.asks(1, RoomCommand::Create(hall(1).name));
    play.tells(
        1,
        refused(RoomCommand::Create(hall(1).name), RoomRefusal::NameTaken),
    );
    assert_eq!(play.found(), []);
    for (person, command, refusal) in [
        (0, kick(1), RoomRefusal::NotOwner),
        (0, kick(1), RoomRefusal::NoSuchMember),
        (0, kick(1), RoomRefusal::NoSuchRoom),
        (1, RoomCommand::Join(hall(1).name), RoomRefusal::NoSuchRoom),
        (1, RoomCommand::Join(hall(1).name), RoomRefusal::RoomFull),
        (1, RoomCommand::Create(name(0)), RoomRefusal::TooManyRooms),
        (1, RoomCommand::Create(name(0)), RoomRefusal::NameTaken),
        (1, RoomCommand::Create(name(0)), RoomRefusal::NameReserved),
        (1, RoomCommand::Leave(hall(1).name), RoomRefusal::Storage),
    ] {
        let before = play.found().len();
        play.asks(person, command.clone());
        play.tells(person, refused(command.clone(), refusal));
        let found = play.found().split_off(before);
        assert_eq!(found, [Invariant::HonestEnd], "{command:?}, {refusal:?}");
    }
}

#[test]
fn nobody_has_asked_too_much_who_has_not() {
    let mut play = Play::new();
    let too_many = RoomEvent::NotDone {
        command: RoomCommand::List,
        why: NotDone::TooMany,
    };
    for _ in 0..65 {
        play.asks(1, RoomCommand::List);
    }
    play.tells(1, too_many.clone());
    assert_eq!(play.found(), []);
    play.tells(1, too_many);
    assert_eq!(play.found(), [Invariant::HonestEnd]);
}

#[test]
fn rooms_have_no_more_members_than_they_may() {
    let mut play = Play::new();
    play.ledger.halls.quarters.members = 1;
    play.makes_room(1);
    assert_eq!(play.found(), [Invariant::Bounded]);
    let mut play = Play::new();
    play.ledger.halls.quarters.owned = 0;
    play.makes_room(1);
    assert_eq!(play.found(), [Invariant::Bounded]);
}

impl Play {
    /// The registry has a room for everybody.
    fn with_lobby() -> Self {
        let mut play = Self::new();
        play.ledger.halls.quarters.lobby = true;
        let row = RoomRow {
            key: RoomKey(1),
            id: hall(1).id,
            name: LOBBY.parse().unwrap(),
            owner: None,
            head: PostNumber(0),
        };
        play.room(RoomRequest::MakeRoom(row), RoomReply::Made);
        for person in 0..2 {
            play.later(1);
            let counter = Request::Counter(1);
            play.ledger
                .client_committed(play.now, person, &counter, &Reply::Done);
        }
        play.later(1);
        play
    }

    fn is_registered(&mut self, person: usize) {
        let registered = Event::Registered { returning: true };
        self.ledger.told(self.now, person, &registered);
    }

    fn has_read_all(&mut self, person: usize) {
        self.ledger.turned(self.now, person, (false, true));
    }

    fn is_offered(&mut self, person: usize) {
        let room = LOBBY.parse().unwrap();
        self.tells(person, RoomEvent::Offered { room });
    }
}

#[test]
fn the_room_for_everybody_is_offered_once_to_whoever_is_not_in_it() {
    let mut play = Play::with_lobby();
    play.is_registered(1);
    play.is_offered(1);
    play.has_read_all(1);
    assert_eq!(play.found(), []);
    play.is_offered(1);
    assert_eq!(play.found(), [Invariant::InOrOut], "twice");
    play.is_registered(1);
    play.has_read_all(1);
    assert_eq!(play.found(), [Invariant::InOrOut; 2], "not at all");
    // c1 enters it whenever he registers.
    play.is_registered(0);
    play.is_offered(0);
    assert_eq!(play.found(), [Invariant::InOrOut; 3]);
}

#[test]
fn nobody_ends_the_room_for_everybody_or_is_put_out_of_it() {
    let mut play = Play::with_lobby();
    play.is_registered(0);
    play.enters(0);
    let lobby = || LOBBY.parse().unwrap();
    assert_eq!(play.found(), []);
    play.asks(0, RoomCommand::Leave(lobby()));
    let (room, keep_until) = (ROOM, Age::from_ms(0));
    play.room(RoomRequest::EndRoom { room, keep_until }, posts_ended());
    assert_eq!(play.found(), [Invariant::InOrOut]);
    let mut play = Play::with_lobby();
    play.is_registered(0);
    play.enters(0);
    let out = RoomCommand::Kick {
        room: lobby(),
        name: Some(name(0)),
    };
    play.asks(1, out);
    play.departs(Who::One(MemberId(0)));
    assert_eq!(play.found(), [Invariant::InOrOut]);
}
