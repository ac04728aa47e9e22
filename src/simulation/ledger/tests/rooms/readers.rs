//! That nobody is said to have a post who has not, by his database; where messages are handled, who has not handled it.

use super::*;
use crate::client::Receipts;
use crate::client::interface::RoomEvent;
use crate::client::storage::Reach;

/// c1 has posted something that the registry keeps for c2.
fn posted() -> (Play, String) {
    let mut play = Play::new();
    play.makes_room(1);
    let text = play.posts(1, 0);
    play.keeps(1, 0, &text, 1);
    (play, text)
}

impl Play {
    /// c1 is told that so many have it, and who has not.
    fn readers(&mut self, received: u32, of: u32, missing: &[usize]) {
        self.is_told(&Event::Room(RoomEvent::Readers {
            room: hall(1).name,
            sent_at: WallTime::from_unix_ms(9),
            reach: Reach { received, of },
            missing: missing.iter().map(|person| name(*person)).collect(),
        }));
    }

    /// That c2 has seen it, or has handled it, is on his disk.
    fn marks_post(&mut self, sequence: u64) {
        self.later(1);
        let seen = [client::Told::Incoming(self.post_id(sequence))];
        self.ledger.marks(self.now, 1, &seen, true);
    }
}

#[test]
fn who_is_said_to_have_a_post_has_it() {
    let (mut play, text) = posted();
    play.readers(0, 1, &[1]);
    play.has_post(1, 0, &text);
    play.readers(1, 1, &[]);
    // The registry may have said so before.
    play.readers(0, 1, &[1]);
    assert_eq!(play.found(), []);
}

#[test]
fn what_is_not_so_is_found() {
    for (received, of, missing) in [
        (1, 1, &[][..]),
        (0, 2, &[1]),
        (1, 1, &[1]),
        (0, 1, &[0]),
        (0, 1, &[]),
    ] {
        let (mut play, _) = posted();
        play.readers(received, of, missing);
        assert_eq!(
            play.found(),
            [Invariant::CommittedFirst],
            "{received} of {of}, not {missing:?}"
        );
    }
}

#[test]
fn who_has_left_without_it_is_neither_said_to_have_it_nor_to_be_without() {
    let (mut play, _) = posted();
    let (room, who, keep_until) = (ROOM, Who::One(MemberId(1)), Age::from_ms(0));
    play.asks(1, RoomCommand::Leave(hall(1).name));
    play.room(
        RoomRequest::Depart {
            room,
            who,
            keep_until,
        },
        posts_ended(),
    );
    play.readers(0, 1, &[]);
    assert_eq!(play.found(), []);
    play.readers(1, 1, &[]);
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn nothing_is_said_of_a_post_whose_end_is_recorded() {
    let (mut play, text) = posted();
    play.has_post(1, 0, &text);
    let finish = Request::Finish {
        key: Key(10),
        end: Finish::Delivered,
        sealed: None,
        at: WallTime::from_unix_ms(7),
    };
    play.ledger.posts.posts[0].standing.as_mut().unwrap().ended = Some(Reach { received: 1, of: 1 });
    play.client(&finish, &Reply::Done);
    play.readers(1, 1, &[]);
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn where_messages_are_handled_a_post_is_had_once_it_was() {
    let had_when = |handled: bool, say: fn(&mut Play)| {
        let (mut play, text) = posted();
        play.ledger.receipts = Receipts::Handled;
        play.has_post(1, 0, &text);
        play.shows_post(0, &text);
        if handled {
            play.marks_post(0);
        }
        say(&mut play);
        play.found()
    };
    for say in [
        |play: &mut Play| play.advances(1),
        |play: &mut Play| {
            play.readers(1, 1, &[]);
        },
    ] {
        assert_eq!(had_when(true, say), []);
        assert_eq!(had_when(false, say), [Invariant::CommittedFirst]);
    }
}
