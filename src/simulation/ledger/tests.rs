//! That what is judged can be found guilty: each fault is planted in what a ledger is fed with. Those of a
//! registry are in `registry`; what is posted to rooms in `rooms`, who is in them in `doors`; what is said to be unfinished in
//! `standing`; folders that are older copies in `folders`; people who know each other by address in `contacts`; programs that end by
//! themselves in `leaving`.

use std::time::Duration;

use super::{Books, Folder, Ledger, Room, Trouble, Unheard};
use crate::client::interface::{Event, Incoming, Refusal, Road};
use crate::client::storage::{self as client, Accept, Finish, Key, Receive, Received, Reply, Request};
use crate::clock::{Age, Instant, WallTime};
use crate::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use crate::identity::Card;
use crate::registry::storage::{self, Kept, MemberId, MemberRow, NewMail, Row};
use crate::simulation::invariant::Invariant;
use crate::wire::envelope::{Receipt, Verdict};
use crate::wire::message::{DepositRefusal, End, Forward};

mod contacts;
mod doors;
mod folders;
mod full_rooms;
mod leaving;
mod registry;
mod rooms;
mod screen;
mod standing;

const STORE_ID: [u8; 16] = [7; 16];
const KEY: Key = Key(1);
const HASH: EnvelopeHash = EnvelopeHash([3; 16]);
const LIVES: Duration = Duration::from_secs(60);

fn name(person: usize) -> Name {
    ["c1", "c2"][person].parse().unwrap()
}

fn card(person: usize) -> Card {
    Card {
        id: IdentityId([u8::try_from(person).unwrap(); 32]),
        key: [0; 32],
        signature: [0; 64],
    }
}

const fn slot() -> Slot {
    Slot {
        epoch: Epoch(5),
        sequence: Sequence(0),
    }
}

/// c1 has written to c2; a second passes with each step.
struct Play {
    ledger: Ledger,
    now: Instant,
}

impl Play {
    fn new() -> Self {
        let people = [(card(0).id, name(0)), (card(1).id, name(1))];
        let room = Room { one: 1, all: 2 };
        let trouble = Trouble {
            room,
            ..Trouble::NONE
        };
        let mut play = Self {
            ledger: Ledger::new(&people, trouble, STORE_ID),
            now: Instant::from_micros(1_000_000),
        };
        for person in 0..2 {
            play.ledger.begins(play.now, person);
            play.joins(person);
        }
        play.client(&Request::StoreId(STORE_ID), &Reply::Done);
        play.accepts(KEY, slot());
        play
    }

    /// c1 writes his next message to c2.
    fn accepts(&mut self, key: Key, slot: Slot) {
        let accept = Accept {
            to: name(1).into(),
            text: self.ledger.typed(self.now, (0, 1), 10, LIVES),
            sent_at: WallTime::from_unix_ms(9),
            expires: Age::from_ms(0),
            pin: None,
            deposit: None,
            fresh: Epoch(5),
        };
        self.client(&Request::Accept(accept), &Reply::Accepted { key, slot });
    }

    fn later(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    fn client(&mut self, request: &Request, reply: &Reply) {
        self.later(1);
        self.ledger.client_committed(self.now, 0, request, reply);
    }

    fn registry(&mut self, request: &storage::Request, reply: &storage::Reply) {
        self.later(1);
        self.ledger.registry_committed(self.now, request, reply);
    }

    fn joins(&mut self, person: usize) {
        let member = MemberRow {
            id: MemberId(u32::try_from(person).unwrap()),
            name: name(person),
            card: card(person),
            counter: 1,
        };
        self.registry(&storage::Request::Register(member), &storage::Reply::Done);
    }

    fn given(&mut self) {
        let deposit = Request::Deposit {
            key: KEY,
            slot: slot(),
            recipient: Some(card(1)),
        };
        self.client(&deposit, &Reply::Done);
    }

    fn mail() -> NewMail {
        NewMail {
            row: Row(1),
            recipient: MemberId(1),
            sender: MemberId(0),
            slot: slot(),
            hash: HASH,
            expires: Age::from_ms(0),
            new_contact: false,
            forward: Forward {
                floor: Sequence(0),
                envelope: vec![0; 100],
            },
        }
    }

    fn deposited(&mut self) {
        let mail = Self::mail();
        let kept = storage::Reply::Deposit(Kept::Fresh(mail.forward.clone()));
        self.registry(&storage::Request::Deposit(Box::new(mail)), &kept);
    }

    fn stored(&mut self) {
        let stored = Request::Stored {
            key: KEY,
            slot: slot(),
            store_id: STORE_ID,
            at: WallTime::from_unix_ms(7),
        };
        self.client(&stored, &Reply::Done);
    }

    fn arrives(&mut self) {
        self.arrives_as(client::Outcome::Fresh);
    }

    fn arrives_as(&mut self, outcome: client::Outcome) {
        self.later(1);
        let receive = Receive {
            id: MessageId {
                sender: card(0).id,
                slot: slot(),
            },
            hash: HASH,
            floor: Sequence(0),
            from: name(0),
            pin: None,
            sent_at: WallTime::from_unix_ms(9),
            text: self.ledger.letters()[0].text.clone(),
            stored: false,
            room: None,
            address: None,
            at: WallTime::from_unix_ms(10),
        };
        let received = Received {
            outcome,
            at: receive.at,
            next: Sequence(1),
            shown: None,
            shown_before: false,
        };
        self.ledger.client_committed(
            self.now,
            1,
            &Request::Receive(receive),
            &Reply::Received(received),
        );
    }

    /// The registry finds that its lifetime is over.
    fn expires(&mut self) {
        let at = WallTime::from_unix_ms(100_000);
        let (now, keep_until) = (Age::from_ms(0), Age::from_ms(0));
        let expired = storage::Expired {
            recipient: MemberId(1),
            sender: MemberId(0),
            bytes: 100,
            notice: storage::Notice {
                row: Row(1),
                slot: slot(),
                hash: HASH,
                end: End::Expired { at },
            },
        };
        let reply = storage::Reply::Expired {
            rows: vec![expired],
            posts: Vec::new(),
            dropped: Vec::new(),
            next: None,
        };
        self.registry(&storage::Request::Expire { now, at, keep_until }, &reply);
    }

    /// The registry hears that its recipient has it, and makes this of it.
    fn answers(&mut self, ending: storage::Ending) {
        let receipt = Receipt {
            id: MessageId {
                sender: card(0).id,
                slot: slot(),
            },
            hash: HASH,
            verdict: Verdict::Received,
            at: WallTime::from_unix_ms(10),
            tag: [0; 16],
        };
        let answer = storage::Answer {
            row: Row(1),
            recipient: MemberId(1),
            sender: MemberId(0),
            slot: slot(),
            hash: HASH,
            end: End::Answered(receipt),
            keep_until: Age::from_ms(0),
        };
        let request = storage::Request::Answer(Box::new(answer));
        self.registry(&request, &storage::Reply::Ended(ending));
    }

    fn finishes(&mut self, end: Finish) {
        let finish = Request::Finish {
            key: KEY,
            end,
            sealed: None,
            at: WallTime::from_unix_ms(7),
        };
        self.client(&finish, &Reply::Done);
    }

    fn is_told(&mut self, event: &Event) {
        self.later(1);
        self.ledger.told(self.now, 0, event);
    }

    fn has_seen(&mut self, state: client::State) {
        self.later(1);
        let seen = [client::Told::Outgoing(KEY, state)];
        self.ledger.marks(self.now, 0, &seen, true);
    }

    fn found(&self) -> Vec<Invariant> {
        let violations = self.ledger.violations();
        violations.iter().map(|violation| violation.invariant).collect()
    }
}

fn received() -> Event {
    Event::Received { to: name(1) }
}

fn stored() -> Event {
    Event::Stored { to: name(1) }
}

fn expired() -> Event {
    Event::Expired {
        to: name(1),
        sent_at: WallTime::from_unix_ms(9),
    }
}

const DELIVERED: client::State = client::State::Ended(Finish::Delivered);

#[test]
fn what_is_told_in_its_time_is_accepted() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    play.is_told(&stored());
    play.stored();
    play.has_seen(client::State::Stored);
    play.arrives();
    play.is_told(&received());
    play.finishes(Finish::Delivered);
    play.has_seen(DELIVERED);
    assert_eq!(play.found(), []);
    assert_eq!(play.ledger.untold(), Vec::<String>::new());
}

#[test]
fn received_is_not_told_before_it_is_in_the_inbox() {
    let mut play = Play::new();
    play.is_told(&received());
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn received_is_not_told_twice_of_one_message() {
    let mut play = Play::new();
    play.arrives();
    play.is_told(&received());
    play.has_seen(DELIVERED);
    play.is_told(&received());
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn stored_is_not_told_before_the_registry_has_it() {
    let mut play = Play::new();
    play.given();
    play.is_told(&stored());
    play.deposited();
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
    // The mark says of which message it was told: it was not so then.
    play.has_seen(client::State::Stored);
    assert_eq!(play.found(), [Invariant::CommittedFirst; 2]);
}

#[test]
fn nothing_but_that_it_was_received_is_told_after_an_end() {
    let mut play = Play::new();
    play.later(100);
    play.finishes(Finish::Expired);
    play.is_told(&expired());
    play.has_seen(client::State::Ended(Finish::Expired));
    assert_eq!(play.found(), []);
    play.is_told(&stored());
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn a_mark_is_of_what_was_told() {
    let mut play = Play::new();
    play.given();
    play.deposited();
    play.is_told(&stored());
    play.has_seen(DELIVERED);
    assert_eq!(play.found(), [Invariant::OneState]);
}

#[test]
fn an_end_that_is_not_told_is_noticed() {
    let mut play = Play::new();
    play.arrives();
    play.finishes(Finish::Delivered);
    assert_eq!(play.found(), []);
    assert_eq!(play.ledger.untold().len(), 1);
}

#[test]
fn an_end_is_not_told_before_it_is_recorded() {
    let mut play = Play::new();
    play.is_told(&expired());
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}

#[test]
fn what_has_ended_long_ago_is_not_sent_in_a_later_run() {
    let mut play = Play::new();
    play.later(100);
    play.finishes(Finish::Expired);
    play.later(1_000);
    play.ledger.begins(play.now, 0);
    play.arrives();
    assert_eq!(play.found(), [Invariant::HonestEnd]);
}

#[test]
fn an_end_is_told_for_the_reason_for_which_it_came() {
    for (told, found) in [
        (Refusal::NoSuchName, Vec::new()),
        (Refusal::Skipped, vec![Invariant::CommittedFirst]),
    ] {
        let mut play = Play::new();
        // What it was refused for is judged elsewhere: its sender knew nobody of that name.
        play.ledger.books.joined.clear();
        play.finishes(Finish::Refused(Refusal::NoSuchName));
        play.is_told(&Event::Refused {
            to: name(1),
            sent_at: WallTime::from_unix_ms(9),
            reason: told,
        });
        assert_eq!(play.found(), found);
    }
}

#[test]
fn what_is_written_is_accepted_or_said_not_to_be() {
    let mut play = Play::new();
    play.ledger.typed(play.now, (0, 1), 10, LIVES);
    assert_eq!(play.ledger.unanswered[0].len(), 1);
    play.ledger.not_accepted(play.now, 0, 2);
    assert_eq!(play.ledger.unanswered[0].len(), 0);
    play.ledger.typed(play.now, (0, 1), 10, LIVES);
    let untold = play.ledger.untold();
    assert!(
        untold.iter().any(|what| what.starts_with("#2 was written")),
        "{untold:?}"
    );
}

#[test]
fn nobody_is_told_that_he_is_registered_before_that_is_committed() {
    let mut play = Play::new();
    play.is_told(&Event::Registered { returning: false });
    assert_eq!(play.found(), []);
    play.client(&Request::Counter(2), &Reply::Done);
    play.is_told(&Event::Registered { returning: true });
    assert_eq!(play.found(), [Invariant::CommittedFirst]);
}
