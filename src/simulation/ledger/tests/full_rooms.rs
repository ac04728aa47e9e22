//! Faults of what gives way in rooms that are full, and of what people are told that they missed: each is planted, and found.

use super::rooms::{ROOM, hall, post_slot};
use super::*;
use crate::client::interface::RoomEvent;
use crate::registry::rooms::storage::{POSTS_ENDED_MAX, PostEnd};
use crate::registry::storage::Notice;

fn missed(messages: u64) -> RoomEvent {
    RoomEvent::Missed {
        room: hall(1).name,
        messages,
    }
}

impl Play {
    /// c1 posts three texts to a room that holds two, and then holds one: the first two give way to the third.
    fn crowds_out_two(&mut self) -> String {
        let texts: Vec<String> = (0..3).map(|sequence| self.posts(1, sequence)).collect();
        self.ledger.halls.quarters.posts = 2;
        self.keeps(1, 0, &texts[0], 1);
        self.keeps(1, 1, &texts[1], 2);
        self.ledger.halls.quarters.posts = 1;
        self.keeps_for(1, 2, &texts[2], 3, &[0, 1]);
        assert_eq!(self.found(), []);
        texts[2].clone()
    }

    /// A text of c1's is kept, and these of his end for it.
    fn keeps_for(&mut self, id: u8, sequence: u64, text: &str, number: u64, gone: &[u64]) {
        let new = Self::new_post(id, sequence, text);
        let gone = gone.iter().map(|sequence| self.pushed_out(id, *sequence));
        let gone = gone.collect();
        self.keeps_new(new, number, gone);
    }

    /// A post of c1's has ended before anybody else had it.
    fn pushed_out(&self, id: u8, sequence: u64) -> PostEnd {
        let slot = post_slot(sequence);
        let posts = &self.ledger.posts.posts;
        let post = posts.iter().find(|post| post.slot == Some(slot)).unwrap();
        let new = Self::new_post(id, sequence, &post.text);
        PostEnd {
            room: ROOM,
            author: MemberId(0),
            bytes: new.forward.envelope.len() as u64,
            notice: Notice {
                row: Row(1),
                slot,
                hash: HASH,
                end: End::Posted { received: 0, of: 1 },
            },
        }
    }

    /// What is found when a second text is kept where there is one already, in a room with room for so many in all, and so
    /// many of one author's, and these of his end for it.
    fn second(room: u64, author: u64, gone: &[u64]) -> Vec<Invariant> {
        let mut play = Self::in_a_room();
        let texts = [play.posts(1, 0), play.posts(1, 1)];
        play.keeps(1, 0, &texts[0], 1);
        play.ledger.halls.quarters.posts = room;
        play.ledger.halls.quarters.author_posts = author;
        play.keeps_for(1, 1, &texts[1], 2, gone);
        play.found()
    }
}

#[test]
fn a_post_gives_way_only_where_there_is_no_room_and_the_oldest_first() {
    assert_eq!(Play::second(2, 2, &[]), []);
    assert_eq!(Play::second(1, 2, &[0]), []);
    assert_eq!(Play::second(2, 1, &[0]), []);
    assert_eq!(Play::second(2, 2, &[0]), [Invariant::HonestEnd], "there is room");
    for (room, author) in [(1, 2), (2, 1)] {
        let found = Play::second(room, author, &[]);
        assert_eq!(found, [Invariant::HonestEnd], "there is none");
    }
    let mut play = Play::in_a_room();
    play.crowds_out_two();
    play.ledger.halls.quarters.posts = 2;
    let texts = [play.posts(1, 3), play.posts(1, 4)];
    play.keeps(1, 3, &texts[0], 4);
    play.keeps_for(1, 4, &texts[1], 5, &[3]);
    assert_eq!(play.found(), [Invariant::HonestEnd], "the third is older");
}

#[test]
fn only_what_had_ended_and_came_again_may_be_passed_over_by_its_number() {
    let mut play = Play::in_a_room();
    let last = play.crowds_out_two();
    let text = play.posts(1, 3);
    play.keeps_for(1, 3, &text, 4, &[2]);
    play.takes_post(1, 3, &text, client::Outcome::Skipped);
    assert_eq!(play.found(), [Invariant::OneState]);
    play.has_post(1, 3, &text);
    // What was kept at the third place, and c2 has not, comes again.
    play.keeps_for(1, 2, &last, 5, &[3]);
    play.takes_post(1, 2, &last, client::Outcome::Skipped);
    assert_eq!(play.found().len(), 1);
    play.has_post(1, 2, &last);
    play.takes_post(1, 2, &last, client::Outcome::Skipped);
    assert_eq!(play.found(), [Invariant::OneState; 2], "he has it");
}

#[test]
fn only_so_many_give_way_at_once_and_never_the_new_one() {
    let most = POSTS_ENDED_MAX as u64;
    for (gone, found) in [(most, vec![]), (most + 1, vec![Invariant::HonestEnd])] {
        let mut play = Play::in_a_room();
        for sequence in 0..most + 2 {
            let text = play.posts(1, sequence);
            play.keeps(1, sequence, &text, sequence + 1);
        }
        play.ledger.halls.quarters.posts = 1;
        let text = play.posts(1, most + 2);
        let gone: Vec<u64> = (0..gone).collect();
        play.keeps_for(1, most + 2, &text, most + 3, &gone);
        assert_eq!(play.found(), found);
    }
    assert_eq!(Play::second(1, 2, &[0, 1]), [Invariant::HonestEnd]);
}

#[test]
fn how_much_has_ended_is_told_by_its_bytes() {
    let mut play = Play::in_a_room();
    let texts = [play.posts(1, 0), play.posts(1, 1)];
    play.keeps(1, 0, &texts[0], 1);
    play.ledger.halls.quarters.posts = 1;
    let mut gone = play.pushed_out(1, 0);
    gone.bytes += 1;
    play.keeps_new(Play::new_post(1, 1, &texts[1]), 2, vec![gone]);
    assert_eq!(play.found(), [Invariant::HonestEnd]);
}

#[test]
fn a_member_is_told_of_all_that_he_missed() {
    let mut play = Play::in_a_room();
    let text = play.crowds_out_two();
    play.tells(1, missed(2));
    play.has_post(1, 2, &text);
    play.advances(3);
    assert_eq!(play.found(), []);
    let mut play = Play::in_a_room();
    let text = play.crowds_out_two();
    play.tells(1, missed(1));
    play.has_post(1, 2, &text);
    play.advances(3);
    assert_eq!(play.found(), [Invariant::ShownOrMissed]);
}

#[test]
fn nobody_misses_what_he_has() {
    let mut play = Play::in_a_room();
    play.crowds_out_two();
    play.tells(1, missed(3));
    assert_eq!(play.found(), [Invariant::ShownOrMissed]);
    let mut play = Play::in_a_room();
    let text = play.posts(1, 0);
    play.keeps(1, 0, &text, 1);
    play.has_post(1, 0, &text);
    play.tells(1, missed(1));
    assert_eq!(play.found(), [Invariant::ShownOrMissed]);
}

#[test]
fn what_comes_again_and_goes_may_be_missed_by_whoever_has_it() {
    let mut play = Play::in_a_room();
    let texts: Vec<String> = (0..3).map(|sequence| play.posts(1, sequence)).collect();
    play.ledger.halls.quarters.posts = 1;
    play.keeps(1, 0, &texts[0], 1);
    play.has_post(1, 0, &texts[0]);
    play.keeps_for(1, 1, &texts[1], 2, &[0]);
    play.keeps_for(1, 0, &texts[0], 3, &[1]);
    play.keeps_for(1, 2, &texts[2], 4, &[0]);
    play.tells(1, missed(2));
    assert_eq!(play.found(), []);
    play.tells(1, missed(3));
    assert_eq!(play.found(), [Invariant::ShownOrMissed]);
}
