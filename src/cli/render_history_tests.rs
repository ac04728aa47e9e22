//! The lines of the history, to the letter.

use time::{OffsetDateTime, UtcOffset};

use super::*;
use crate::client::interface::{Event, Partner, Place, Refusal, Trust};
use crate::client::storage::Reach;
use crate::id::{Epoch, IdentityId, MessageId, RoomId, Sequence, Slot};
use crate::wire::message::DepositRefusal;
use crate::wire::room::Hall;

/// 2026-01-02 03:04:05.678 UTC.
const AT: i64 = 1_767_323_045_678;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn bob() -> To {
    To::Peer(name("bob"))
}

fn den() -> To {
    To::Room(Hall {
        name: name("den"),
        id: RoomId([1; 16]),
    })
}

/// So many milliseconds after the beginning.
const fn at(ms: i64) -> WallTime {
    WallTime::from_unix_ms(AT + ms)
}

fn recorded(with: To, sent: i64, text: &str, way: Way) -> Recorded {
    Recorded {
        number: 3,
        id: MessageId {
            sender: IdentityId([0xab; 32]),
            slot: Slot {
                epoch: Epoch(0x12),
                sequence: Sequence(3),
            },
        },
        with,
        trust: Trust::default(),
        sent_at: at(sent),
        text: text.to_owned(),
        way,
    }
}

pub(in crate::cli) fn came(with: To, from: &str, sent: i64, received: i64, text: &str) -> Recorded {
    let way = Way::In {
        from: name(from),
        received_at: at(received),
        stored: false,
    };
    recorded(with, sent, text, way)
}

pub(in crate::cli) fn went(to: To, sent: i64, state: State, ended: Option<i64>) -> Recorded {
    let way = Way::Out {
        state,
        stored_at: None,
        ended_at: ended.map(at),
        sealed_for: None,
    };
    recorded(to, sent, "hello", way)
}

fn history(subject: Subject, messages: Vec<Recorded>, earlier: bool) -> History {
    History {
        subject,
        before: None,
        own: name("alice"),
        messages,
        earlier: earlier.then_some(Place::END),
    }
}

fn with_bob() -> Subject {
    Subject::With(Partner::Person(name("bob")))
}

/// One of each kind that there is, for whoever looks at them all.
pub(in crate::cli) fn of_every_kind() -> Vec<Recorded> {
    let address = To::At("192.0.2.7:4000".parse().unwrap());
    let reach = Reach { received: 3, of: 5 };
    let refused = Finish::Refused(Refusal::Registry(DepositRefusal::MailboxFull));
    vec![
        came(bob(), "bob", 0, 1_000, "hi"),
        came(den(), "eve", 0, 1_000, "hi"),
        came(address.clone(), "carl", 0, 1_000, "hi"),
        went(bob(), 0, State::Waiting, None),
        went(bob(), 0, State::Stored, None),
        went(address, 0, State::Ended(Finish::Delivered), Some(1_000)),
        went(den(), 0, State::Ended(Finish::Reached(reach)), Some(1_000)),
        went(bob(), 0, State::Ended(refused), Some(1_000)),
        went(bob(), 0, State::Ended(Finish::Expired), Some(DAY)),
    ]
}

/// The events, with their first lines.
pub(in crate::cli) fn faces() -> Vec<(Event, &'static str)> {
    let forgotten = |with, kept| {
        Event::Forgotten(Forgotten {
            with,
            removed: 7,
            kept,
        })
    };
    let address = Partner::At("192.0.2.7:4000".parse().unwrap());
    let words = Subject::Words("fox \u{1b}[2J".to_owned());
    vec![
        (
            Event::History(history(Subject::All, of_every_kind(), false)),
            "[Messages: 9]",
        ),
        (
            Event::History(history(with_bob(), vec![came(bob(), "bob", 0, 0, "hi")], true)),
            "[Messages with bob, the last 1 of them:]",
        ),
        (
            Event::History(history(
                Subject::With(Partner::Room(name("den"))),
                Vec::new(),
                false,
            )),
            "[No messages with #den are kept.]",
        ),
        (
            Event::History(history(words, Vec::new(), false)),
            "[No messages with 'fox \\u{1b}[2J' are kept.]",
        ),
        (
            forgotten(address, 0),
            "[Messages with 192.0.2.7:4000 that are forgotten: 7]",
        ),
        (
            forgotten(Partner::Person(name("bob")), 2),
            "[Messages with bob that are forgotten: 7]",
        ),
    ]
}

/// Two hours east.
fn east(_: OffsetDateTime) -> UtcOffset {
    UtcOffset::from_hms(2, 0, 0).unwrap()
}

fn lines(subject: Subject, messages: Vec<Recorded>) -> Vec<String> {
    list(&history(subject, messages, false), east)
}

#[test]
fn a_conversation_has_its_days_and_each_message_its_time_and_state() {
    let delivered = State::Ended(Finish::Delivered);
    let told = lines(
        with_bob(),
        vec![
            came(bob(), "Bob", 0, 2_000, "hi\n\u{1b}[2J (received)"),
            went(bob(), 3_000, delivered, Some(4_000)),
            went(bob(), 5_000, State::Stored, None),
            went(bob(), 6_000, delivered, Some(6_000 + 90 * MINUTE)),
            came(bob(), "bob", 7_000, 7_000 + 2 * MINUTE, "slow"),
            came(bob(), "bob", 8_000, DAY, "slower"),
            went(bob(), DAY + 1_000, delivered, Some(3 * DAY)),
        ],
    );
    assert_eq!(
        told,
        [
            "[Messages with bob: 7]",
            "--- 2026-01-02",
            "<3 05:04:05 Bob: hi\\n\\u{1b}[2J (received)",
            ">3 05:04:08 alice (received): hello",
            ">3 05:04:10 alice (at the server): hello",
            ">3 05:04:11 alice (received 06:34:11): hello",
            "<3 05:04:12 bob (arrived 05:06:12): slow",
            "--- 2026-01-03",
            "<3 2026-01-02 05:04:13 bob (arrived 05:04:05): slower",
            ">3 05:04:06 alice (received 2026-01-05 05:04:05): hello",
        ]
    );
}

#[test]
fn of_all_it_is_said_with_whom() {
    let told = lines(Subject::All, of_every_kind());
    assert_eq!(
        told[2..],
        [
            "<3 05:04:05 bob: hi",
            "<3 05:04:05 #den: eve: hi",
            "<3 05:04:05 carl: hi",
            ">3 05:04:05 alice to bob (waiting): hello",
            ">3 05:04:05 alice to bob (at the server): hello",
            ">3 05:04:05 alice to 192.0.2.7:4000 (received): hello",
            ">3 05:04:05 #den: alice (received by 3 of 5): hello",
            ">3 05:04:05 alice to bob (refused: the mailbox of bob is full. Send it again when bob is online): hello",
            ">3 05:04:05 alice to bob (expired 2026-01-03 05:04:05): hello",
        ]
    );
}

#[test]
fn numbers_stand_below_each_other() {
    let many = Recorded {
        number: 1_204,
        ..went(bob(), 0, State::Waiting, None)
    };
    let told = lines(with_bob(), vec![came(bob(), "bob", 0, 0, "hi"), many]);
    assert_eq!(
        told[2..],
        ["   <3 05:04:05 bob: hi", ">1204 05:04:05 alice (waiting): hello"]
    );
}

#[test]
fn what_is_kept_is_said() {
    let told = forgotten(&Forgotten {
        with: Partner::Person(name("bob")),
        removed: 7,
        kept: 2,
    });
    assert_eq!(
        told[1..],
        ["[Not forgotten, because they are under way or not shown yet: 2; forget again when they are not]"]
    );
}
