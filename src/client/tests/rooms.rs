//! Rooms: entering and leaving, what is posted there and what others post.

use super::driver::{Disk, Driver, ms};
use super::others::{REGISTRY, STORE_ID};
use super::people::{name, online, person};
use crate::client::Config;
use crate::client::interface::{Command, Event, NotAccepted, NotDone, Refusal, RoomCommand, RoomEvent};
use crate::client::storage::Reach;
use crate::clock::WallTime;
use crate::id::{EnvelopeHash, Epoch, RoomId, Sequence, Slot};
use crate::limits::REQUEST_RETRY;
use crate::transport::{CloseCause, ConnectFault};
use crate::wire::codec::Bounded;
use crate::wire::envelope::{Body, Envelope, Party, Recipient};
use crate::wire::message::{DepositRefusal, End, Forward, FromRegistry, Outcome, ToRegistry};
use crate::wire::room::*;

pub(super) fn hall() -> Hall {
    Hall {
        name: name("den"),
        id: RoomId([7; 16]),
    }
}

pub(super) fn membership(head: u64) -> Membership {
    Membership {
        hall: hall(),
        owner: Some(name("bob")),
        members: 3,
        head: PostNumber(head),
    }
}

/// A registered client that is in bob's den, where so much stood when it came.
pub(super) fn inside(head: u64) -> Driver {
    inside_with(Driver::config(), head)
}

pub(super) fn inside_with(config: Config, head: u64) -> Driver {
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.enters(head);
    driver.clear();
    driver
}

impl Driver {
    pub(super) fn room_requests(&self) -> Vec<RoomRequest> {
        self.to_registry()
            .into_iter()
            .filter_map(|message| match message {
                ToRegistry::Room(request) => Some(request),
                _ => None,
            })
            .collect()
    }

    pub(super) fn answer_room(&mut self, result: Result<RoomDone, RoomRefusal>) {
        let number = self.room_requests().last().unwrap().number;
        self.hear(FromRegistry::RoomAnswer(RoomAnswer { number, result }));
    }

    /// The registry's session breaks, and another one comes up.
    pub(super) fn breaks(&mut self) {
        self.pass(ms(6_000));
        self.close(REGISTRY, CloseCause::Silent);
        self.registry_opens();
    }

    pub(super) fn enters(&mut self, head: u64) {
        self.answer_room(Ok(RoomDone::Entered {
            room: membership(head),
            already: false,
        }));
    }

    pub(super) fn post(&mut self, text: &str) {
        self.command(Command::Post {
            room: name("DEN"),
            text: text.into(),
        });
    }

    /// What the client has said that it has, in order.
    pub(super) fn had(&self) -> Vec<u64> {
        self.to_registry()
            .into_iter()
            .filter_map(|message| match message {
                ToRegistry::PostHad(had) => Some(had.number.0),
                _ => None,
            })
            .collect()
    }

    pub(super) fn comes(&mut self, number: u64, previous: u64, first: bool, item: PostItem) {
        self.hear(FromRegistry::Post(Post {
            room: hall().id,
            number: PostNumber(number),
            previous: PostNumber(previous),
            first,
            item,
        }));
    }

    pub(super) fn posts_read(&mut self) -> Vec<String> {
        self.read().into_iter().map(|(_, text)| text).collect()
    }

    pub(super) fn room_events(&mut self) -> Vec<RoomEvent> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Room(event) => Some(event),
                _ => None,
            })
            .collect()
    }
}

/// What somebody has posted, as his number says.
pub(super) fn message_of(who: &str, sequence: u64) -> PostItem {
    says(who, sequence, &format!("{who} {sequence}"))
}

pub(super) fn says(who: &str, sequence: u64, text: &str) -> PostItem {
    let author = person(who);
    let envelope = Envelope {
        sender: Party {
            name: name(who),
            id: author.id(),
        },
        recipient: Recipient::Room(hall()),
        slot: Slot {
            epoch: Epoch(3),
            sequence: Sequence(sequence),
        },
        sent_at: WallTime::from_unix_ms(5),
        body: Body::Plain(text.to_owned()),
    };
    PostItem::Message(Forward {
        floor: Sequence(0),
        envelope: envelope.sign(&author),
    })
}

pub(super) fn message(sequence: u64) -> PostItem {
    message_of("bob", sequence)
}

#[test]
fn a_post_is_deposited_saved_and_ends_when_all_have_it() {
    let mut driver = inside(0);
    driver.post("hi, all");
    let deposit = driver.deposits().pop().unwrap();
    let envelope = Envelope::parse(&deposit.forward.envelope).unwrap();
    assert_eq!(envelope.recipient, Recipient::Room(hall()));
    assert!(envelope.is_signed(&deposit.forward.envelope));
    assert_eq!(envelope.sender.id, person("alice").id());
    driver.answer_deposit(&deposit);
    assert_eq!(driver.room_events(), [RoomEvent::Posted { room: name("den") }]);
    driver.clear();
    driver.hear(FromRegistry::Outcome(Outcome {
        slot: envelope.slot,
        hash: EnvelopeHash::of(&deposit.forward.envelope),
        end: End::Posted { received: 2, of: 2 },
    }));
    let all = RoomEvent::Reached {
        room: name("den"),
        sent_at: envelope.sent_at,
        reach: None,
    };
    assert_eq!(driver.room_events(), [all]);
    assert_eq!(driver.states(), [2]);
    let acknowledged = |message: &ToRegistry| matches!(message, ToRegistry::OutcomeAck { .. });
    assert!(driver.to_registry().iter().any(acknowledged));
}

#[test]
fn how_far_a_post_came_is_told_also_by_the_next_run() {
    let mut driver = inside(0);
    driver.post("hi, all");
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    driver.see();
    driver.pass(ms(200));
    driver.clear();
    let envelope = Envelope::parse(&deposit.forward.envelope).unwrap();
    driver.hear(FromRegistry::Outcome(Outcome {
        slot: envelope.slot,
        hash: EnvelopeHash::of(&deposit.forward.envelope),
        end: End::Posted { received: 3, of: 5 },
    }));
    let some = RoomEvent::Reached {
        room: name("den"),
        sent_at: envelope.sent_at,
        reach: Some(Reach { received: 3, of: 5 }),
    };
    assert_eq!(driver.room_events(), std::slice::from_ref(&some));
    driver.restart();
    assert_eq!(driver.room_events(), [some]);
}

#[test]
fn what_is_posted_offline_waits_and_is_the_same_afterwards() {
    let mut driver = inside(0);
    driver.lose_registry();
    driver.post("hi, all");
    assert_eq!(driver.deposits().len(), 0);
    driver.pass(ms(5_000));
    let waits = RoomEvent::Waiting { room: name("den") };
    assert_eq!(driver.room_events(), [waits]);
    driver.restart();
    driver.come_up();
    let deposits = driver.deposits();
    let envelope = Envelope::parse(&deposits[0].forward.envelope).unwrap();
    assert_eq!(envelope.recipient, Recipient::Room(hall()));
}

#[test]
fn a_refused_post_ends_with_the_reason() {
    let mut driver = inside(0);
    driver.post("hi, all");
    let deposit = driver.deposits().pop().unwrap();
    let envelope = Envelope::parse(&deposit.forward.envelope).unwrap();
    driver.hear(FromRegistry::DepositRefused {
        slot: envelope.slot,
        reason: DepositRefusal::NotMember,
    });
    let refused = RoomEvent::Refused {
        room: name("den"),
        sent_at: envelope.sent_at,
        reason: Refusal::Registry(DepositRefusal::NotMember),
    };
    assert_eq!(driver.room_events(), [refused]);
    assert_eq!(driver.states(), [3]);
}

#[test]
fn nobody_posts_where_he_is_not_but_what_is_written_while_entering_waits_for_that() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.post("too early");
    let outside = Event::NotAccepted(NotAccepted::NotInside(name("DEN")));
    assert_eq!(driver.events(), std::slice::from_ref(&outside));
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.post("in time");
    assert_eq!(driver.deposits().len(), 0);
    driver.enters(0);
    assert_eq!(driver.deposits().len(), 1);
    driver.events();
    let mut other = Driver::registered(&[online("bob")]);
    other.command(Command::Room(RoomCommand::Join(name("den"))));
    other.post("in vain");
    other.answer_room(Err(RoomRefusal::NoSuchRoom));
    assert_eq!(other.events().last(), Some(&outside));
}

#[test]
fn what_is_written_while_entering_is_said_not_to_be_accepted_where_the_program_ends_first() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.post("never");
    driver.command(Command::Leave);
    driver.pass(ms(20_000));
    let outside = Event::NotAccepted(NotAccepted::NotInside(name("DEN")));
    assert!(driver.events().contains(&outside));
}

#[test]
fn a_question_that_is_left_unanswered_is_no_silence() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Room(RoomCommand::List));
    driver.pass_alive(30);
    assert!(!driver.events().contains(&Event::ServerSilent));
    assert!(driver.client.registered());
}

#[test]
fn a_question_is_asked_again_until_it_is_answered() {
    let mut driver = Driver::registered(&[]);
    driver.command(Command::Room(RoomCommand::List));
    assert_eq!(driver.room_requests().len(), 1);
    driver.pass_alive(6);
    assert_eq!(driver.room_requests().len(), 2);
    driver.breaks();
    driver.registry_registers();
    assert_eq!(driver.room_requests().len(), 4, "and in the next session");
    driver.answer_room(Ok(RoomDone::Rooms {
        rooms: Bounded::truncated(Vec::new()),
        more: false,
    }));
    assert_eq!(driver.room_events(), [RoomEvent::Rooms(Vec::new())]);
}

#[test]
fn without_a_server_nothing_is_done_and_that_is_said() {
    let mut driver = Driver::registered(&[]);
    driver.lose_registry();
    let join = RoomCommand::Join(name("den"));
    driver.command(Command::Room(join.clone()));
    driver.pass(ms(2_000));
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    let why = NotDone::NoServer;
    assert!(
        driver
            .room_events()
            .contains(&RoomEvent::NotDone { command: join, why })
    );
}

#[test]
fn who_was_put_out_while_away_hears_of_it_when_he_is_back() {
    let mut driver = inside(0);
    driver.restart();
    driver.come_up();
    driver.clear();
    driver.events();
    let asked = driver.client.holding().rooms;
    assert_eq!(asked, 0, "the list is no question of the user's");
    driver.hear(list_of(&[], 0));
    assert_eq!(driver.room_events(), [RoomEvent::Outside { room: name("den") }]);
    driver.post("hi");
    assert_eq!(
        driver.events(),
        [Event::NotAccepted(NotAccepted::NotInside(name("DEN")))]
    );
}

/// The rooms that the registry has us in, as the answer to this question.
fn list_of(rooms: &[Membership], number: u64) -> FromRegistry {
    FromRegistry::Memberships(Memberships {
        number,
        rooms: Bounded::truncated(rooms.to_vec()),
    })
}

/// The owner puts out whom these tests are about.
fn puts_alice_out() -> FromRegistry {
    FromRegistry::RoomNews(RoomNews {
        room: hall().id,
        at: WallTime::from_unix_ms(5),
        members: 2,
        news: News::Kicked {
            name: Some(name("alice")),
        },
    })
}

#[test]
fn who_is_put_out_before_the_answer_that_lets_him_in_finds_out() {
    let mut driver = Driver::registered_with(Driver::config(), &[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.hear(puts_alice_out());
    driver.enters(0);
    driver.hear(list_of(&[], 1));
    let out = RoomEvent::Outside { room: name("den") };
    assert_eq!(driver.room_events().last(), Some(&out));
}

#[test]
fn where_we_are_is_recorded_as_it_is_when_the_disk_takes_it() {
    let mut driver = Driver::registered_with(Driver::config(), &[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    driver.disk = Disk::Fails;
    driver.enters(0);
    driver.disk = Disk::Commits;
    driver.hear(puts_alice_out());
    driver.pass(REQUEST_RETRY);
    driver.restart();
    driver.events();
    driver.post("hi");
    let events = driver.events();
    let is_outside = |event: &Event| matches!(event, Event::NotAccepted(NotAccepted::NotInside(_)));
    assert!(events.iter().any(is_outside), "{events:?}");
}

#[test]
fn another_database_of_the_registry_is_given_the_posts_again() {
    let mut driver = inside(0);
    driver.post("hi, all");
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    driver.breaks();
    let mut other = STORE_ID;
    other[0] ^= 1;
    driver.registered_in(other);
    let again = driver.deposits().pop().unwrap();
    assert_eq!(again.forward.envelope, deposit.forward.envelope);
}

#[test]
fn who_was_put_out_and_is_in_again_finds_out_whatever_comes_first() {
    let mut driver = inside(0);
    // Said before we entered again, and arrived after the answer to that.
    driver.hear(puts_alice_out());
    driver.clear();
    driver.comes(1, 0, true, message(0));
    assert_eq!(driver.room_requests().last().unwrap().deed, RoomDeed::Mine);
    assert_eq!(driver.posts_read(), [""; 0]);
    driver.hear(list_of(&[membership(0)], 1));
    driver.comes(1, 0, true, message(0));
    assert_eq!(driver.posts_read(), ["bob 0"]);
}

#[test]
fn a_list_that_was_asked_for_before_a_doubt_does_not_settle_it() {
    let mut driver = inside(0);
    driver.command(Command::Room(RoomCommand::Leave(name("den"))));
    driver.answer_room(Ok(RoomDone::Gone { members: 1 }));
    driver.room_events();
    driver.clear();
    // What is posted where we have left raises the doubt; the list from when we registered comes only now.
    driver.comes(1, 0, true, message(0));
    driver.hear(list_of(&[membership(0)], 0));
    assert_eq!(driver.room_events(), []);
    let asked = driver.room_requests().pop().unwrap();
    assert_eq!((asked.deed, asked.number), (RoomDeed::Mine, 1), "asked anew");
    // Another doubt before the answer.
    driver.comes(2, 1, false, message(1));
    driver.hear(list_of(&[membership(0)], 1));
    assert_eq!(driver.room_requests().pop().unwrap().number, 2);
    driver.hear(list_of(&[], 2));
    driver.clear();
    driver.pass(REQUEST_RETRY * 2);
    assert_eq!((driver.room_events(), driver.room_requests()), (vec![], vec![]));
}

#[test]
fn of_two_lists_of_one_number_the_later_to_come_says_nothing() {
    let mut driver = Driver::registered_with(Driver::config(), &[online("bob")]);
    driver.command(Command::Room(RoomCommand::Join(name("den"))));
    // It was made after the registry had let us in, and has overtaken the answer; the other one was made before.
    driver.hear(list_of(&[membership(0)], 0));
    assert_eq!(driver.room_events().len(), 1);
    driver.hear(list_of(&[], 0));
    assert_eq!(driver.room_events(), []);
    driver.post("hi");
    assert_eq!(driver.deposits().len(), 1);
}

#[test]
fn who_is_refused_where_he_has_just_entered_finds_out_that_he_is_out() {
    let mut driver = inside(0);
    driver.post("hi");
    let deposit = driver.deposits().pop().unwrap();
    let slot = Envelope::parse(&deposit.forward.envelope).unwrap().slot;
    driver.hear(FromRegistry::DepositRefused {
        slot,
        reason: DepositRefusal::NotMember,
    });
    driver.hear(list_of(&[], 1));
    let out = RoomEvent::Outside { room: name("den") };
    assert!(driver.room_events().contains(&out));
}
