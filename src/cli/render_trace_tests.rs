//! The lines of a message's way, to the letter.

use time::{OffsetDateTime, UtcOffset};

use super::*;
use crate::cli::render_history::tests::{came, went};
use crate::client::interface::{Event, Partner, Standing, Step};
use crate::client::storage::State;
use crate::clock::Instant;
use crate::wire::message::DepositRefusal;

/// 2026-01-02 03:04:05.678 UTC, when messages are written here.
const AT: i64 = 1_767_323_045_678;
const DAY: u64 = 24 * 60 * 60_000;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn bob() -> To {
    To::Peer("bob".parse().unwrap())
}

fn step(after: u64, what: What) -> Step {
    Step {
        at: Instant::from_micros(5_000_000 + after * 1_000),
        wall: WallTime::from_unix_ms(AT + i64::try_from(after).unwrap()),
        what,
    }
}

fn record(steps: &[(u64, What)]) -> Record {
    Record {
        steps: steps.iter().map(|(after, what)| step(*after, *what)).collect(),
        ..Record::default()
    }
}

fn of(message: Recorded, record: Option<Record>) -> Trace {
    let is_received = matches!(message.way, Way::In { .. });
    let has_ended = matches!(
        message.way,
        Way::Out {
            state: State::Ended(_),
            ..
        }
    );
    Trace {
        which: Which::Last(None),
        message: Some(message),
        own: "alice".parse().unwrap(),
        standing: (!is_received && !has_ended).then_some(Standing::Stored),
        record,
    }
}

fn nowhere(which: Which) -> Trace {
    Trace {
        which,
        message: None,
        own: "alice".parse().unwrap(),
        standing: None,
        record: None,
    }
}

/// By the long way: not answered, kept by the server, and received from there.
fn by_server() -> [(u64, What); 7] {
    let rtt = Some(ms(21));
    [
        (0, What::Accepted),
        (1, What::Called),
        (24, What::Sent { attempt: 1, rtt }),
        (
            524,
            What::Unanswered {
                silent: Some(ms(500)),
            },
        ),
        (525, What::Deposited { attempt: 1, rtt }),
        (540, What::Kept { within: Some(ms(15)) }),
        (
            60_000,
            What::Answered {
                via: Via::Registry,
                at: WallTime::from_unix_ms(AT + 59_000),
                within: None,
            },
        ),
    ]
}

/// All that can happen.
pub(in crate::cli) fn of_every_kind() -> Vec<What> {
    let (peer, registry) = (Via::Peer, Via::Registry);
    let refusal = DepositRefusal::NoSuchName;
    let mut all: Vec<What> = by_server().into_iter().map(|(_, what)| what).collect();
    let busy = [
        BusyReason::Rate,
        BusyReason::Storage,
        BusyReason::Overload,
        BusyReason::UnknownSender,
        BusyReason::Unhandled,
    ];
    all.extend(busy.map(|reason| What::PutOff {
        by: if reason == BusyReason::Rate {
            peer
        } else {
            registry
        },
        reason,
        pause: ms(5_000),
    }));
    let ends = [
        Finish::Delivered,
        Finish::Reached(Reach { received: 3, of: 5 }),
        Finish::Refused(Refusal::Registry(refusal)),
        Finish::Expired,
    ];
    all.extend(ends.map(What::Ended));
    all.extend([peer, registry].map(|via| What::Came { via }));
    all.extend([peer, registry].map(|via| What::Receipted { via }));
    all.extend([
        What::Resumed,
        What::Unreached,
        What::Away,
        What::Follows,
        What::Unanswered { silent: None },
        What::SessionLost,
        What::Kept { within: None },
        What::Inquired,
        What::Declined(refusal),
        What::RegistryGone,
        What::Waits,
        What::Stranded,
        What::Renumbered,
        What::NotCommitted,
        What::Committed,
        What::Known,
        What::Shown,
    ]);
    all
}

/// The events, with their first lines.
pub(in crate::cli) fn faces() -> Vec<(Event, &'static str)> {
    let ended = || went(bob(), 0, State::Ended(Finish::Delivered), Some(60_000));
    let every: Vec<(u64, What)> = (0..).zip(of_every_kind()).collect();
    let traces = [
        (of(ended(), Some(record(&every))), "[Message >3 to bob: received]"),
        (
            of(went(bob(), 0, State::Stored, None), None),
            "[Message >3 to bob: at the server, until bob comes]",
        ),
        (
            of(came(bob(), "bob", 0, 1_000, "hi"), None),
            "[Message <3 from bob: here since 2026-01-02 05:04:06, directly]",
        ),
        (
            nowhere(Which::Last(None)),
            "[You have written nothing that is kept.]",
        ),
        (
            nowhere(Which::Last(Some(Partner::Room("den".parse().unwrap())))),
            "[You have written nothing to #den that is kept.]",
        ),
        (nowhere(Which::One(One::Received(7))), "[No message <7 is kept.]"),
    ];
    let event = |(trace, line)| (Event::Trace(Box::new(trace)), line);
    traces.into_iter().map(event).collect()
}

/// Two hours east.
fn east(_: OffsetDateTime) -> UtcOffset {
    UtcOffset::from_hms(2, 0, 0).unwrap()
}

fn lines(message: Recorded, record: Option<Record>) -> Vec<String> {
    list(&of(message, record), east)
}

#[test]
fn a_way_by_the_server_is_told_step_by_step() {
    let way = Way::Out {
        state: State::Ended(Finish::Delivered),
        stored_at: Some(WallTime::from_unix_ms(AT + 540)),
        ended_at: Some(WallTime::from_unix_ms(AT + 60_000)),
        sealed_for: None,
    };
    let message = Recorded {
        number: 12,
        way,
        ..went(bob(), 0, State::Stored, None)
    };
    assert_eq!(
        lines(message, Some(record(&by_server()))),
        [
            "[Message >12 to bob: received]",
            "  written 2026-01-02 05:04:05: hello",
            "  05:04:05.678              on your disk",
            "  05:04:05.679     +1.0 ms  bob is called",
            "  05:04:05.702      +24 ms  sent to bob, attempt 1 (round trip 21 ms)",
            "  05:04:06.202     +524 ms  no receipt in time; last heard of bob 500 ms before",
            "  05:04:06.203     +525 ms  given to the server, attempt 1 (round trip 21 ms)",
            "  05:04:06.218     +540 ms  the server keeps it, after 15 ms",
            "  05:05:05.678  +1 min 0 s  receipt by the server (05:05:04.678 by the clock of bob)",
            "  Not known: when the server forwarded it, and how often.",
        ]
    );
}

#[test]
fn one_that_came_is_told_from_when_it_came() {
    let via = Via::Registry;
    let text = "first line\n\u{1b}[2J and much more than is told of it";
    let way = Way::In {
        from: "bob".parse().unwrap(),
        received_at: WallTime::from_unix_ms(AT),
        stored: true,
    };
    let message = Recorded {
        way,
        ..came(bob(), "bob", -90_000, 0, text)
    };
    let way = [
        (0, What::Came { via }),
        (2, What::Committed),
        (2, What::Receipted { via }),
        (3, What::Shown),
    ];
    assert_eq!(
        lines(message, Some(record(&way))),
        [
            "[Message <3 from bob: here since 2026-01-02 05:04:05, by way of the server]",
            "  written 2026-01-02 05:02:35 by the clock of bob: first line\\n\\u{1b}[2J and much more than is to…",
            "  05:04:05.678           it came from the server",
            "  05:04:05.680  +2.0 ms  on your disk",
            "  05:04:05.680  +2.0 ms  receipt sent to the server",
            "  05:04:05.681  +3.0 ms  shown",
            "  Not known: what was tried before it came.",
        ]
    );
}

#[test]
fn of_an_earlier_run_there_is_what_the_database_has() {
    let way = |state, ended: Option<i64>| Way::Out {
        state,
        stored_at: Some(WallTime::from_unix_ms(AT + 1_000)),
        ended_at: ended.map(|ended| WallTime::from_unix_ms(AT + ended)),
        sealed_for: None,
    };
    let message = |way| Recorded {
        way,
        ..went(bob(), 0, State::Stored, None)
    };
    let day = i64::try_from(DAY).unwrap();
    let over = way(State::Ended(Finish::Delivered), Some(day));
    assert_eq!(
        lines(message(over), None)[2..],
        [
            "  05:04:06.678    the server keeps it",
            "--- 2026-01-03",
            "  05:04:05.678    received 2026-01-03 05:04:05",
            "  Not known: when the server forwarded it, and how often.",
            "  Not noted: how it went. That was in an earlier run, or many have ended since.",
        ]
    );
    let resumed = record(&[(DAY, What::Resumed)]);
    assert_eq!(
        lines(message(way(State::Stored, None)), Some(resumed)),
        [
            "[Message >3 to bob: at the server, until bob comes]",
            "  written 2026-01-02 05:04:05: hello",
            "  05:04:06.678    the server keeps it",
            "--- 2026-01-03",
            "  05:04:05.678    an earlier run had it on your disk; what that run did is not noted",
            "  Not known: when the server forwarded it, and how often.",
        ]
    );
    assert_eq!(
        lines(came(bob(), "bob", 0, 1_000, "hi"), None)[2..],
        [
            "  05:04:06.678    on your disk",
            "  Not noted: how it came. That was in an earlier run, or many have come since.",
        ]
    );
}

#[test]
fn what_is_left_out_is_counted_where_it_was() {
    let rtt = None;
    let attempt = |attempt| What::Sent { attempt, rtt };
    let mut steps = vec![(0, What::Accepted)];
    steps.extend((1..).map(|n| (u64::from(n), attempt(n))).take(Record::FIRST - 1));
    steps.extend((101..).map(|n| (u64::from(n), attempt(n))).take(Record::LAST));
    let record = Record {
        omitted: 93,
        sent: 112,
        ..record(&steps)
    };
    let told = lines(went(bob(), 0, State::Waiting, None), Some(record));
    assert_eq!(
        told[2 + Record::FIRST],
        "  … 93 more steps; in all 112 attempts directly, 0 at the server"
    );
    assert!(told[1 + Record::FIRST].ends_with("sent to bob, attempt 7"));
    assert!(told[3 + Record::FIRST].ends_with("sent to bob, attempt 101"));
    assert_eq!(told.len(), 3 + Record::FIRST + Record::LAST);
}

#[test]
fn each_step_has_words_of_its_own() {
    let message = went(bob(), 0, State::Stored, None);
    let mut told: Vec<String> = of_every_kind()
        .into_iter()
        .filter(|what| *what != What::Committed)
        .map(|what| words(what, &message, east))
        .collect();
    let count = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!(
        told.len(),
        count,
        "what was committed has those of what was accepted"
    );
    let rate = What::PutOff {
        by: Via::Peer,
        reason: BusyReason::Rate,
        pause: ms(250),
    };
    assert_eq!(
        words(rate, &message, east),
        "bob asks to come again in 250 ms: that was too much at once"
    );
}
