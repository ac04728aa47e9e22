//! Faults of posts: each is planted in what is committed of a room, and found; a second room is not taken for the first. Faults of
//! who is in one are in `doors`.

use super::*;
use crate::client::interface::{RoomCommand, Trust};
use crate::id::RoomId;
use crate::identity::{Identity, Role};
use crate::registry::rooms::storage::{NewPost, PostEnd, RoomKey, RoomReply, RoomRequest, RoomRow, Who};
use crate::wire::envelope::{Body, Envelope, Party, Recipient};
use crate::wire::room::{Hall, PostNumber};

mod readers;

pub(super) const ROOM: RoomKey = RoomKey(1);

pub(super) fn hall(id: u8) -> Hall {
    Hall {
        name: "den".parse().unwrap(),
        id: RoomId([id; 16]),
    }
}

pub(super) fn post_slot(sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(6),
        sequence: Sequence(sequence),
    }
}

impl Play {
    /// c1 makes a room under that number, and c2 is in it, too.
    pub(super) fn makes_room(&mut self, id: u8) {
        self.makes_room_alone(id);
        self.asks(1, RoomCommand::Join(hall(id).name));
        self.enters(1);
    }

    pub(super) fn makes_room_alone(&mut self, id: u8) {
        self.asks(0, RoomCommand::Create(hall(id).name));
        let row = RoomRow {
            key: ROOM,
            id: hall(id).id,
            name: hall(id).name,
            owner: Some(MemberId(0)),
            head: PostNumber(0),
        };
        self.room(RoomRequest::MakeRoom(row), RoomReply::Made);
    }

    pub(super) fn enters(&mut self, member: u32) {
        let entered = RoomReply::Entered {
            cursor: PostNumber(0),
            head: PostNumber(0),
        };
        let (room, member) = (ROOM, MemberId(member));
        self.room(RoomRequest::Enter { room, member }, entered);
    }

    pub(super) fn asks(&mut self, person: usize, command: RoomCommand) {
        self.ledger.asks_of_rooms(self.now, person, command);
    }

    pub(super) fn ends_room(&mut self) {
        self.asks(0, RoomCommand::Leave(hall(1).name));
        let (room, keep_until) = (ROOM, Age::from_ms(0));
        self.room(RoomRequest::EndRoom { room, keep_until }, posts_ended());
    }

    pub(super) fn room(&mut self, request: RoomRequest, reply: RoomReply) {
        self.registry(&storage::Request::Room(request), &storage::Reply::Room(reply));
    }

    /// c1 posts something, and it is in his outbox.
    pub(super) fn posts(&mut self, id: u8, sequence: u64) -> String {
        let room = hall(id).name;
        let text = self.ledger.posted(self.now, 0, &room, (10, LIVES));
        let accept = Accept {
            to: crate::client::to::To::Room(hall(id)),
            text: text.clone(),
            sent_at: WallTime::from_unix_ms(9),
            expires: Age::from_ms(0),
            pin: None,
            deposit: None,
            fresh: Epoch(6),
        };
        let (key, slot) = (Key(10 + sequence), post_slot(sequence));
        self.client(&Request::Accept(accept), &Reply::Accepted { key, slot });
        let deposit = Request::Deposit {
            key,
            slot,
            recipient: None,
        };
        self.client(&deposit, &Reply::Done);
        text
    }

    /// The registry keeps it at this place.
    pub(super) fn keeps(&mut self, id: u8, sequence: u64, text: &str, number: u64) {
        let new = Self::new_post(id, sequence, text);
        self.keeps_new(new, number, Vec::new());
    }

    pub(super) fn keeps_new(&mut self, new: NewPost, number: u64, gave_way: Vec<PostEnd>) {
        let posted = RoomReply::Posted {
            kept: Kept::Fresh(new.forward.clone()),
            number: PostNumber(number),
            gave_way,
        };
        self.room(RoomRequest::Post(Box::new(new)), posted);
    }

    /// What c1 has posted.
    pub(super) fn new_post(id: u8, sequence: u64, text: &str) -> NewPost {
        let envelope = Envelope {
            sender: Party {
                name: name(0),
                id: card(0).id,
            },
            recipient: Recipient::Room(hall(id)),
            slot: post_slot(sequence),
            sent_at: WallTime::from_unix_ms(9),
            body: Body::Plain(text.to_owned()),
        };
        let forward = Forward {
            floor: Sequence(0),
            envelope: envelope.sign(&Identity::from_seed(&[1; 32], Role::Client)),
        };
        NewPost {
            row: Row(1),
            room: ROOM,
            author: MemberId(0),
            slot: post_slot(sequence),
            hash: HASH,
            expires: Age::from_ms(0),
            bounds: None,
            keep_until: Age::from_ms(0),
            forward,
        }
    }

    /// c2 has it in his inbox.
    pub(super) fn has_post(&mut self, id: u8, sequence: u64, text: &str) {
        self.takes_post(id, sequence, text, client::Outcome::Fresh);
    }

    /// That is what his inbox says of it.
    pub(super) fn takes_post(&mut self, id: u8, sequence: u64, text: &str, outcome: client::Outcome) {
        self.later(1);
        let receive = Receive {
            id: self.post_id(sequence),
            hash: HASH,
            floor: Sequence(0),
            from: name(0),
            pin: None,
            sent_at: WallTime::from_unix_ms(9),
            text: text.to_owned(),
            stored: false,
            room: Some(hall(id)),
            address: None,
            at: WallTime::from_unix_ms(10),
        };
        let received = Received {
            outcome,
            at: receive.at,
            next: Sequence(0),
            shown: None,
            shown_before: false,
        };
        let (request, reply) = (Request::Receive(receive), Reply::Received(received));
        self.ledger.client_committed(self.now, 1, &request, &reply);
    }

    /// And on his screen.
    fn shows_post(&mut self, sequence: u64, text: &str) {
        self.later(1);
        let shown = Incoming {
            id: self.post_id(sequence),
            from: name(0),
            at: None,
            trust: Trust::default(),
            sent_at: WallTime::from_unix_ms(9),
            text: text.to_owned(),
            road: Road::Room {
                name: hall(0).name,
                before: false,
            },
        };
        self.ledger.told(self.now, 1, &Event::Incoming(shown));
    }

    fn post_id(&self, sequence: u64) -> MessageId {
        MessageId {
            sender: card(0).id,
            slot: post_slot(sequence),
        }
    }

    /// The registry takes him to have everything up to there.
    pub(super) fn advances(&mut self, number: u64) {
        let advance = RoomRequest::Advance {
            room: ROOM,
            member: MemberId(1),
            number: PostNumber(number),
            keep_until: Age::from_ms(0),
        };
        self.room(advance, posts_ended());
    }
}

pub(super) const fn posts_ended() -> RoomReply {
    RoomReply::PostsEnded {
        posts: Vec::new(),
        more: false,
    }
}

#[test]
fn a_post_is_had_before_that_is_said() {
    let mut play = Play::new();
    play.makes_room(1);
    let text = play.posts(1, 0);
    play.keeps(1, 0, &text, 1);
    play.has_post(1, 0, &text);
    play.advances(1);
    assert_eq!(play.found(), []);
    let text = play.posts(1, 1);
    play.keeps(1, 1, &text, 2);
    play.advances(2);
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn posts_come_and_are_shown_in_the_order_of_their_room() {
    let mut play = Play::new();
    play.makes_room(1);
    let texts = [play.posts(1, 0), play.posts(1, 1)];
    play.keeps(1, 0, &texts[0], 1);
    play.keeps(1, 1, &texts[1], 2);
    play.has_post(1, 1, &texts[1]);
    assert_eq!(play.found(), [Invariant::InOrder]);
    play.has_post(1, 0, &texts[0]);
    play.shows_post(1, &texts[1]);
    play.shows_post(0, &texts[0]);
    assert_eq!(play.found(), [Invariant::InOrder; 2]);
}

#[test]
fn a_post_is_kept_behind_all_others() {
    let mut play = Play::new();
    play.makes_room(1);
    let text = play.posts(1, 0);
    play.keeps(1, 0, &text, 2);
    assert_eq!(play.found(), [Invariant::InOrder]);
}

#[test]
fn a_room_under_the_number_of_one_that_has_ended_is_another() {
    let mut play = Play::new();
    play.makes_room(1);
    let before: Vec<String> = (0..2).map(|sequence| play.posts(1, sequence)).collect();
    for (number, text) in (1..).zip(&before) {
        play.keeps(1, number - 1, text, number);
        play.has_post(1, number - 1, text);
        play.shows_post(number - 1, text);
    }
    play.ends_room();
    play.makes_room(2);
    let text = play.posts(2, 2);
    play.keeps(2, 2, &text, 1);
    play.has_post(2, 2, &text);
    play.shows_post(2, &text);
    assert_eq!(play.found(), []);
}

#[test]
fn a_text_that_was_not_accepted_is_known_by_its_tag_and_answered_once() {
    let mut play = Play::new();
    let post = play.ledger.posted(play.now, 0, &hall(1).name, (10, LIVES));
    let post = play.ledger.tagged(0, post).tag.unwrap();
    let letter = play.ledger.typed(play.now, (0, 1), 10, LIVES);
    let letter = play.ledger.tagged(0, letter).tag.unwrap();
    play.ledger.not_accepted(play.now, 0, letter);
    let untold = play.ledger.untold();
    assert!(
        untold.iter().any(|what| what.starts_with("%0 was written")),
        "{untold:?}"
    );
    play.ledger.not_accepted(play.now, 0, post);
    assert_eq!((play.ledger.unanswered[0].len(), play.found()), (0, vec![]));
    play.ledger.not_accepted(play.now, 0, post);
    assert_eq!(play.found(), [Invariant::OneState]);
}
