//! What has happened to a message: each step that there was, when, and none that there was not.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{address, id_of, message_from, name, offline, online};
use crate::client::interface::{
    Command, Event, One, Partner, Record, Refusal, Standing, Step, Trace, Via, Way, What, Which,
};
use crate::client::storage::{Finish, State};
use crate::clock::WallTime;
use crate::engine::Role;
use crate::limits::HISTORY_QUESTIONS_MAX;
use crate::transport::{CloseCause, ConnectFault, SessionId, SessionStats};
use crate::wire::envelope::Verdict;
use crate::wire::message::{Busy, BusyReason, DepositRefusal, ToPeer};

impl Driver {
    fn trace(&mut self, which: Which) -> Trace {
        self.events();
        self.command(Command::Trace(which));
        match self.events().as_slice() {
            [Event::Trace(trace)] => trace.as_ref().clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The last that we wrote.
    fn trace_last(&mut self) -> Trace {
        self.trace(Which::Last(None))
    }

    /// What has happened to it, and how many milliseconds after the first step.
    fn steps(&mut self) -> Vec<(u64, What)> {
        steps_of(&self.trace_last())
    }

    /// A round trip in this session takes so long.
    fn takes(&mut self, session: SessionId, rtt: u64) {
        let stats = SessionStats {
            rtt: ms(rtt),
            ..SessionStats::default()
        };
        self.paper.stats.insert(session, stats);
    }
}

fn steps_of(trace: &Trace) -> Vec<(u64, What)> {
    let Some(record) = &trace.record else {
        return Vec::new();
    };
    let first = record.steps[0].at;
    let after = |step: &Step| u64::try_from(step.at.since(first).as_millis()).unwrap();
    record.steps.iter().map(|step| (after(step), step.what)).collect()
}

const fn sent(attempt: u32, rtt: Option<u64>) -> What {
    let rtt = match rtt {
        Some(rtt) => Some(ms(rtt)),
        None => None,
    };
    What::Sent { attempt, rtt }
}

const fn deposited(attempt: u32) -> What {
    What::Deposited { attempt, rtt: None }
}

/// By the clock of whoever gives receipts here.
const THERE: WallTime = WallTime::from_unix_ms(5);

fn put_off(by: Via, reason: BusyReason, pause: u64) -> What {
    let pause = ms(pause);
    What::PutOff { by, reason, pause }
}

#[test]
fn a_message_that_goes_directly_is_followed_to_its_receipt() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.send("bob", "hi");
    driver.pass(ms(30));
    let called = [(0, What::Accepted), (0, What::Called)];
    assert_eq!(driver.steps(), called);
    driver.takes(SessionId(101), 40);
    let session = driver.peer_answers("bob");
    driver.pass(ms(45));
    assert_eq!(driver.trace_last().standing, Some(Standing::Sent));
    let forward = driver.deliveries(session).pop().unwrap();
    driver.answer_delivery("bob", session, &forward);
    let trace = driver.trace_last();
    let answered = What::Answered {
        via: Via::Peer,
        at: THERE,
        within: Some(ms(45)),
    };
    assert_eq!(
        steps_of(&trace),
        [called[0], called[1], (30, sent(1, Some(40))), (75, answered)]
    );
    let record = trace.record.unwrap();
    assert!(record.is_whole());
    assert_eq!((record.sent, record.deposited, record.omitted), (1, 0, 0));
    let message = trace.message.unwrap();
    assert_eq!((message.text.as_str(), trace.standing), ("hi", None));
    let delivered = |way: &Way| {
        matches!(
            way,
            Way::Out {
                state: State::Ended(Finish::Delivered),
                ..
            }
        )
    };
    assert!(delivered(&message.way));
}

#[test]
fn one_that_is_not_answered_in_time_is_followed_by_way_of_the_registry() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.peer_opens("bob");
    driver.send("bob", "hi");
    driver.pass(ms(500));
    let deposit = driver.deposits().pop().unwrap();
    driver.pass(ms(20));
    driver.answer_deposit(&deposit);
    let trace = driver.trace_last();
    assert_eq!(trace.standing, Some(Standing::Stored));
    let silent = Some(ms(500));
    let way = [
        (0, What::Accepted),
        (0, sent(1, None)),
        (500, What::Unanswered { silent }),
        (500, deposited(1)),
        (520, What::Kept { within: Some(ms(20)) }),
    ];
    assert_eq!(steps_of(&trace), way);
    driver.pass(ms(9_480));
    driver.outcome("bob", &deposit, Verdict::Received);
    let answered = What::Answered {
        via: Via::Registry,
        at: THERE,
        within: None,
    };
    assert_eq!(driver.steps()[way.len()..], [(10_000, answered)]);
}

#[test]
fn why_it_takes_the_other_road_is_said() {
    let mut driver = Driver::registered(&[offline("bob"), online("carol")]);
    driver.send("bob", "one");
    assert_eq!(
        driver.steps(),
        [(0, What::Accepted), (0, What::Away), (0, deposited(1))]
    );
    driver.send("carol", "one");
    let attempt = driver.connects[0].attempt;
    driver.pass(ms(100));
    driver.fail(attempt, ConnectFault::Silent);
    assert_eq!(
        driver.steps(),
        [
            (0, What::Accepted),
            (0, What::Called),
            (100, What::Unreached),
            (100, deposited(1)),
        ]
    );
    // The session is there again, but the first is with the registry.
    driver.peer_opens("carol");
    driver.send("carol", "two");
    driver.pass(ms(500));
    assert_eq!(
        driver.steps(),
        [(0, What::Accepted), (500, What::Follows), (500, deposited(1))]
    );
}

#[test]
fn without_an_answer_it_is_tried_again_and_the_tries_are_counted() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.lose_registry();
    driver.send("bob", "hi");
    driver.pass(ms(16_000));
    let silent = Some(ms(6_500));
    assert_eq!(
        driver.steps()[..5],
        [
            (0, What::Accepted),
            (0, sent(1, None)),
            (500, What::Unanswered { silent }),
            (500, What::Waits),
            (5_500, sent(2, None)),
        ]
    );
    driver.pass(ms(60 * 60 * 1_000));
    let record = driver.trace_last().record.unwrap();
    assert_eq!(record.steps.len(), Record::FIRST + Record::LAST);
    assert!(record.omitted > 0 && record.sent > 30, "{record:?}");
    assert!(record.is_whole());
    let forward = driver.deliveries(session).pop().unwrap();
    driver.answer_delivery("bob", session, &forward);
    let answered = What::Answered {
        via: Via::Peer,
        at: THERE,
        within: None,
    };
    let last = driver.steps().pop().unwrap();
    assert_eq!(last.1, answered, "to which of the tries is not known");
}

#[test]
fn sessions_that_break_and_those_who_put_off_are_told_of() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.send("bob", "hi");
    let busy = Busy {
        of: id_of(&driver.deliveries(session)[0]),
        reason: BusyReason::Rate,
        retry_after_ms: 250,
    };
    driver.hear_from(session, &ToPeer::Busy(busy));
    driver.pass(ms(250));
    driver.close(session, CloseCause::Reset);
    assert_eq!(
        driver.steps(),
        [
            (0, What::Accepted),
            (0, sent(1, None)),
            (0, put_off(Via::Peer, BusyReason::Rate, 250)),
            (250, sent(2, None)),
            (250, What::SessionLost),
            (250, What::Called),
        ]
    );
}

#[test]
fn what_the_registry_answers_is_told_of() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    let deposit = driver.deposits().pop().unwrap();
    driver.put_off_deposit(&deposit, BusyReason::Overload, 1_000);
    driver.pass(ms(1_000));
    driver.refuse_deposit(&deposit, DepositRefusal::NoSuchName);
    let before = [
        (0, What::Accepted),
        (0, What::Away),
        (0, deposited(1)),
        (0, put_off(Via::Registry, BusyReason::Overload, 1_000)),
        (1_000, deposited(2)),
        (1_000, What::Declined(DepositRefusal::NoSuchName)),
        (1_000, What::Waits),
    ];
    assert_eq!(driver.steps(), before);
    driver.directory_of_run(6, &[offline("bob")]);
    let deposit = driver.deposits().pop().unwrap();
    driver.refuse_deposit(&deposit, DepositRefusal::MailboxFull);
    let refused = Finish::Refused(Refusal::Registry(DepositRefusal::MailboxFull));
    assert_eq!(driver.steps().pop().unwrap().1, What::Ended(refused));
}

#[test]
fn a_registry_that_goes_without_an_answer_is_told_of() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.pass(ms(6_000));
    driver.send("bob", "hi");
    driver.close(REGISTRY, CloseCause::Reset);
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    let whats: Vec<What> = driver.steps().into_iter().map(|(_, what)| what).collect();
    assert!(whats.contains(&What::RegistryGone), "{whats:?}");
    assert_eq!(whats.last(), Some(&What::Waits));
}

#[test]
fn of_an_earlier_run_the_states_are_told_and_no_more() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    driver.answer_deposit(&driver.deposits()[0].clone());
    driver.restart();
    let trace = driver.trace_last();
    assert_eq!(steps_of(&trace), [(0, What::Resumed)]);
    assert!(!trace.record.unwrap().is_whole());
    let stored = |way: &Way| {
        matches!(
            way,
            Way::Out {
                state: State::Stored,
                stored_at: Some(_),
                ended_at: None,
                ..
            }
        )
    };
    assert!(stored(&trace.message.unwrap().way));
    assert_eq!(trace.standing, Some(Standing::Stored));
    let (mut driver, _) = Driver::talked();
    driver.restart();
    let trace = driver.trace_last();
    assert_eq!((trace.record, trace.standing), (None, None));
    assert!(trace.message.is_some());
}

#[test]
fn a_message_is_found_by_its_number_its_name_and_whom_it_is_for() {
    let (mut driver, _) = Driver::talked();
    driver.send("carol", "to another");
    let found = |driver: &mut Driver, which| driver.trace(which).message.map(|message| message.text);
    let text = |text: &str| Some(text.to_owned());
    let bob = Partner::Person(name("bob"));
    let last = Which::Last(Some(bob.clone()));
    assert_eq!(found(&mut driver, last), text("from alice"));
    assert_eq!(found(&mut driver, Which::Last(None)), text("to another"));
    let (first, came) = (One::Written(1), One::Received(1));
    assert_eq!(found(&mut driver, Which::One(first)), text("from alice"));
    let trace = driver.trace(Which::One(came));
    let message = trace.message.unwrap();
    assert_eq!((message.number, message.text.as_str()), (1, "from bob"));
    for which in [One::Called(message.id), came] {
        assert_eq!(found(&mut driver, Which::One(which)), text("from bob"));
    }
    let own = driver.trace(Which::One(first)).message.unwrap().id;
    assert_eq!(
        found(&mut driver, Which::One(One::Called(own))),
        text("from alice")
    );
    let nobody = Which::Last(Some(Partner::At(address(9))));
    for which in [nobody, Which::One(One::Written(7)), Which::One(One::Received(2))] {
        let trace = driver.trace(which);
        assert_eq!((trace.message, trace.record), (None, None));
    }
    driver.command(Command::Forget(bob));
    assert_eq!(
        found(&mut driver, Which::One(first)),
        None,
        "what is forgotten is so"
    );
    assert_eq!(found(&mut driver, Which::One(came)), None);
}

#[test]
fn a_message_that_came_is_followed_from_its_first_copy() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.disk = Disk::Waits;
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.pass(ms(40));
    driver.commit();
    driver.pass(ms(10));
    driver.mail(message);
    let trace = driver.trace(Which::One(One::Received(1)));
    let (peer, registry) = (Via::Peer, Via::Registry);
    assert_eq!(
        steps_of(&trace),
        [
            (0, What::Came { via: peer }),
            (40, What::Committed),
            (40, What::Receipted { via: peer }),
            (40, What::Shown),
            (50, What::Came { via: registry }),
            (50, What::Known),
            (50, What::Receipted { via: registry }),
        ]
    );
    let is_whole = trace.record.is_some_and(|record| record.is_whole());
    assert!(is_whole && trace.standing.is_none());
}

#[test]
fn what_the_disk_did_not_take_came_all_the_same() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.disk = Disk::Fails;
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.commit();
    driver.hear_from(session, &ToPeer::Deliver(message));
    let via = Via::Peer;
    let trace = driver.trace(Which::One(One::Received(1)));
    assert_eq!(
        steps_of(&trace),
        [
            What::Came { via },
            What::NotCommitted,
            What::Came { via },
            What::Committed,
            What::Receipted { via },
            What::Shown,
        ]
        .map(|what| (0, what))
    );
}

#[test]
fn a_post_is_followed_until_all_have_it() {
    let mut driver = super::rooms::inside(0);
    driver.post("hello, all");
    let deposit = driver.deposits().pop().unwrap();
    driver.answer_deposit(&deposit);
    assert_eq!(
        driver.steps(),
        [
            (0, What::Accepted),
            (0, deposited(1)),
            (0, What::Kept { within: Some(ms(0)) }),
        ]
    );
}

#[test]
fn a_post_that_came_is_followed_until_the_registry_hears_that_we_have_it() {
    let mut driver = super::rooms::inside(0);
    driver.comes(1, 0, true, super::rooms::message_of("bob", 0));
    let via = Via::Registry;
    let trace = driver.trace(Which::One(One::Received(1)));
    let way = [
        What::Came { via },
        What::Committed,
        What::Shown,
        What::Receipted { via },
    ];
    assert_eq!(steps_of(&trace), way.map(|what| (0, what)));
}

#[test]
fn the_record_is_given_back_with_the_message_and_questions_are_bounded() {
    let (mut driver, _) = Driver::talked();
    assert_eq!(driver.client.holding().records, 0);
    driver.send("carol", "waits");
    assert_eq!(driver.client.holding().records, 1);
    driver.disk = Disk::Waits;
    for _ in 0..HISTORY_QUESTIONS_MAX {
        assert!(driver.client.takes_commands());
        driver.command(Command::Trace(Which::Last(None)));
    }
    assert!(!driver.client.takes_commands());
    driver.disk = Disk::Fails;
    driver.settle();
    let events = driver.events();
    let failed = events
        .iter()
        .filter(|event| matches!(event, Event::Unanswered { .. }));
    assert!(failed.count() >= HISTORY_QUESTIONS_MAX, "{events:?}");
    assert!(driver.client.takes_commands());
}
