//! Limits of mailboxes: who may still deposit when.

use super::*;
use crate::wire::message::{Busy, BusyReason, DepositRefusal, End};

/// A registry where a mailbox holds 10 messages, and 4 from one sender; Zoe, offline, and others who write to her.
fn crowd(config: &Config) -> (World, Person, Vec<(Person, SessionId)>) {
    let mut world = World::new(Config {
        mailbox_messages_max: 10,
        sender_messages_max: 4,
        ..config.clone()
    });
    let zoe = Person::new("zoe", 100);
    let session = world.join(100, &zoe, 1);
    world.say(session, &ToRegistry::Deregister { counter: 1 });
    let people = (1..=4)
        .map(|n| {
            let person = Person::new(&format!("p{n}"), n);
            let session = world.join(n.into(), &person, 1);
            (person, session)
        })
        .collect();
    world.take();
    (world, zoe, people)
}

/// Deposits message `n`; whether it was kept or why not.
fn send(world: &mut World, from: &(Person, SessionId), to: &Person, n: u64) -> Result<(), DepositRefusal> {
    let text = from.0.envelope(to, n, "x");
    world.say(from.1, &deposit(&text));
    match world.heard_mail(from.1).as_slice() {
        [FromRegistry::Deposited { .. }] => Ok(()),
        [FromRegistry::DepositRefused { reason, .. }] => Err(*reason),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn one_sender_cannot_fill_a_mailbox_and_strangers_only_half_of_it() {
    let (mut world, zoe, people) = crowd(&Config::default());
    for n in 0..4 {
        assert_eq!(send(&mut world, &people[0], &zoe, n), Ok(()));
    }
    assert_eq!(
        send(&mut world, &people[0], &zoe, 4),
        Err(DepositRefusal::SenderFull)
    );
    assert_eq!(send(&mut world, &people[1], &zoe, 0), Ok(()));
    assert_eq!(
        send(&mut world, &people[1], &zoe, 1),
        Err(DepositRefusal::MailboxFull),
        "five of ten are strangers'"
    );
}

#[test]
fn those_written_to_have_the_other_half_also_after_a_restart() {
    let (mut world, zoe, mut people) = crowd(&Config::default());
    for (person, n) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)] {
        assert_eq!(send(&mut world, &people[person], &zoe, n), Ok(()));
    }
    assert_eq!(
        send(&mut world, &people[2], &zoe, 0),
        Err(DepositRefusal::MailboxFull)
    );
    // Zoe writes to the first and the third: what she has from the first no longer counts as strangers'.
    let session = world.join(101, &zoe, 2);
    world.take();
    let zoe_there = (zoe, session);
    for (n, person) in [(0, 0), (1, 2)] {
        assert_eq!(send(&mut world, &zoe_there, &people[person].0, n), Ok(()));
    }
    let (zoe, session) = zoe_there;
    world.close(session, CloseCause::Reset);
    world.restart();
    for (n, (person, session)) in (20..).zip(&mut people) {
        *session = world.join(n, person, 2);
    }
    world.take();
    for n in 0..4 {
        assert_eq!(send(&mut world, &people[2], &zoe, n), Ok(()));
    }
    assert_eq!(
        send(&mut world, &people[3], &zoe, 0),
        Ok(()),
        "a stranger, the third"
    );
    assert_eq!(
        send(&mut world, &people[0], &zoe, 7),
        Err(DepositRefusal::MailboxFull),
        "ten of ten"
    );
}

#[test]
fn bytes_count_and_the_whole_database_has_a_cap() {
    let (mut world, zoe, people) = crowd(&Config {
        sender_bytes_max: 1_000,
        ..Config::default()
    });
    let text = people[0].0.envelope(&zoe, 0, &"x".repeat(1_000));
    world.say(people[0].1, &deposit(&text));
    let refused = |reason| FromRegistry::DepositRefused {
        slot: slot(0),
        reason,
    };
    assert_eq!(
        world.heard_mail(people[0].1),
        [refused(DepositRefusal::SenderFull)]
    );
    let (mut world, zoe, people) = crowd(&Config {
        mail_messages_max: 1,
        ..Config::default()
    });
    assert_eq!(send(&mut world, &people[0], &zoe, 0), Ok(()));
    assert_eq!(
        send(&mut world, &people[1], &zoe, 0),
        Err(DepositRefusal::RegistryFull)
    );
}

#[test]
fn a_repeated_deposit_is_answered_though_there_is_no_room() {
    let (mut world, zoe, people) = crowd(&Config {
        mail_messages_max: 1,
        ..Config::default()
    });
    for _ in 0..2 {
        assert_eq!(send(&mut world, &people[0], &zoe, 0), Ok(()));
    }
    let other = people[0].0.envelope(&zoe, 0, "another text");
    world.say(people[0].1, &deposit(&other));
    assert_eq!(
        world.heard_mail(people[0].1),
        [FromRegistry::Conflict { slot: slot(0) }]
    );
}

#[test]
fn a_receipt_and_its_acknowledgement_make_room() {
    let (mut world, zoe, people) = crowd(&Config {
        mail_messages_max: 1,
        ..Config::default()
    });
    assert_eq!(send(&mut world, &people[0], &zoe, 0), Ok(()));
    let session = world.join(101, &zoe, 2);
    let text = people[0].0.envelope(&zoe, 0, "x");
    let receipt = zoe.receipt(&people[0].0, 0, &text, Verdict::Received);
    world.say(session, &ToRegistry::Receipt(receipt));
    world.take();
    assert_eq!(
        send(&mut world, &people[1], &zoe, 0),
        Err(DepositRefusal::RegistryFull),
        "its outcome is kept"
    );
    world.say(people[0].1, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(send(&mut world, &people[1], &zoe, 0), Ok(()));
}

/// Deposits message `n` for which there is no room now; how many milliseconds later there may be.
fn put_off(world: &mut World, from: &(Person, SessionId), to: &Person, n: u64) -> u32 {
    let text = from.0.envelope(to, n, "x");
    world.say(from.1, &deposit(&text));
    match world.heard_mail(from.1).as_slice() {
        [
            FromRegistry::Busy(Busy {
                of: Some(of),
                reason: BusyReason::Overload,
                retry_after_ms,
            }),
        ] if *of == slot(n) => *retry_after_ms,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_full_mailbox_whose_owner_is_there_asks_senders_to_come_again_and_refuses_when_he_has_gone() {
    let (mut world, zoe, people) = crowd(&Config::default());
    let session = world.join(101, &zoe, 2);
    world.settle();
    for n in 0..4 {
        assert_eq!(send(&mut world, &people[0], &zoe, n), Ok(()));
    }
    assert_eq!(
        put_off(&mut world, &people[0], &zoe, 4),
        200,
        "it may drain in a moment"
    );
    assert_eq!(send(&mut world, &people[1], &zoe, 0), Ok(()));
    assert_eq!(
        put_off(&mut world, &people[1], &zoe, 1),
        200,
        "five of ten are strangers'"
    );
    // Who answers nothing is waited for as long again as he has been silent.
    for (pass_ms, retry_after_ms) in [
        (199, 200),
        (2, 201),
        (59_798, 59_999),
        (1, 60_000),
        (9_000, 60_000),
    ] {
        world.pass(Duration::from_millis(pass_ms));
        world.hear(session);
        assert_eq!(put_off(&mut world, &people[0], &zoe, 4), retry_after_ms);
    }
    let text = people[0].0.envelope(&zoe, 0, "x");
    let receipt = zoe.receipt(&people[0].0, 0, &text, Verdict::Received);
    world.say(session, &ToRegistry::Receipt(receipt));
    world.take();
    assert_eq!(send(&mut world, &people[0], &zoe, 4), Ok(()));
    assert_eq!(put_off(&mut world, &people[0], &zoe, 5), 200, "he answers");
    world.close(session, CloseCause::Reset);
    assert_eq!(
        send(&mut world, &people[0], &zoe, 5),
        Err(DepositRefusal::SenderFull)
    );
    assert_eq!(
        send(&mut world, &people[1], &zoe, 1),
        Err(DepositRefusal::MailboxFull)
    );
}

#[test]
fn who_has_set_everything_aside_answers_nothing_either() {
    let (mut world, zoe, people) = crowd(&Config::default());
    let session = world.join(101, &zoe, 2);
    world.settle();
    for n in 0..4 {
        assert_eq!(send(&mut world, &people[0], &zoe, n), Ok(()));
        let busy = Busy {
            of: people[0].0.id(n),
            reason: BusyReason::UnknownSender,
            retry_after_ms: 60_000,
        };
        world.say(session, &ToRegistry::Busy(busy));
    }
    assert_eq!(put_off(&mut world, &people[0], &zoe, 4), 200);
    world.pass(Duration::from_secs(10));
    world.hear(session);
    assert_eq!(put_off(&mut world, &people[0], &zoe, 4), 10_000);
}

#[test]
fn one_old_message_that_is_set_aside_makes_nobody_wait_for_what_is_on_its_way() {
    let (mut world, zoe, people) = crowd(&Config::default());
    let session = world.join(101, &zoe, 2);
    world.settle();
    assert_eq!(send(&mut world, &people[1], &zoe, 0), Ok(()));
    let busy = Busy {
        of: people[1].0.id(0),
        reason: BusyReason::UnknownSender,
        retry_after_ms: 60_000,
    };
    world.say(session, &ToRegistry::Busy(busy));
    world.pass(Duration::from_secs(50));
    world.hear(session);
    for n in 0..4 {
        assert_eq!(send(&mut world, &people[0], &zoe, n), Ok(()));
    }
    assert_eq!(put_off(&mut world, &people[0], &zoe, 4), 200);
}

#[test]
fn what_finds_no_room_before_its_time_is_over_has_expired() {
    let (mut world, zoe, people) = crowd(&Config::default());
    let session = world.join(101, &zoe, 2);
    world.run(11 * Duration::from_secs(60), &[session, people[0].1]);
    for n in 0..4 {
        assert_eq!(send(&mut world, &people[0], &zoe, n), Ok(()));
    }
    let from = &people[0];
    let late = |n: u64| deposit_for(&from.0.envelope(&zoe, n, "x"), 0);
    world.say(from.1, &late(4));
    let heard = world.heard_mail(from.1);
    let [FromRegistry::Outcome(outcome)] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert!(matches!(outcome.end, End::Expired { .. }) && outcome.slot == slot(4));
    // What is kept ends as it ends, whatever its sender thinks of its time.
    world.say(from.1, &late(3));
    assert!(matches!(
        world.heard_mail(from.1)[..],
        [FromRegistry::Deposited { .. }]
    ));
}

#[test]
fn what_no_mailbox_could_hold_is_refused_though_its_owner_is_there() {
    let (mut world, zoe, people) = crowd(&Config {
        sender_bytes_max: 1_000,
        mailbox_bytes_max: 1_200,
        ..Config::default()
    });
    world.join(101, &zoe, 2);
    world.settle();
    for (bytes, reason) in [
        (1_000, DepositRefusal::SenderFull),
        (700, DepositRefusal::MailboxFull),
    ] {
        let text = people[0].0.envelope(&zoe, 0, &"x".repeat(bytes));
        world.say(people[0].1, &deposit(&text));
        let refused = FromRegistry::DepositRefused {
            slot: slot(0),
            reason,
        };
        assert_eq!(world.heard_mail(people[0].1), [refused]);
    }
}

/// Message `n` from the first of them is deposited and answered by Zoe.
fn deliver(world: &mut World, from: &(Person, SessionId), (zoe, session): (&Person, SessionId), n: u64) {
    assert_eq!(send(world, from, zoe, n), Ok(()));
    let text = from.0.envelope(zoe, n, "x");
    let receipt = zoe.receipt(&from.0, n, &text, Verdict::Received);
    world.say(session, &ToRegistry::Receipt(receipt));
    assert_eq!(world.heard_mail(from.1).len(), 1, "he is told");
}

#[test]
fn who_does_not_acknowledge_outcomes_deposits_no_more_until_he_does() {
    let (mut world, zoe, mut people) = crowd(&Config {
        outcomes_max: 2,
        ..Config::default()
    });
    let session = world.join(101, &zoe, 2);
    world.settle();
    let mut from = people.remove(0);
    for n in 0..2 {
        deliver(&mut world, &from, (&zoe, session), n);
    }
    assert_eq!(put_off(&mut world, &from, &zoe, 2), 200);
    world.pass(Duration::from_secs(3));
    assert_eq!(
        put_off(&mut world, &from, &zoe, 2),
        3_000,
        "as long as he has been silent"
    );
    assert_eq!(send(&mut world, &people[0], &zoe, 0), Ok(()), "others may");
    // What is known already is answered all the same.
    let text = from.0.envelope(&zoe, 1, "x");
    world.say(from.1, &deposit(&text));
    assert!(matches!(world.heard_mail(from.1)[..], [FromRegistry::Outcome(_)]));
    world.say(from.1, &ToRegistry::OutcomeAck { slot: slot(0) });
    deliver(&mut world, &from, (&zoe, session), 2);
    // It is counted anew after a restart; a withdrawn outcome counts no more.
    world.restart();
    let session = world.join(102, &zoe, 3);
    from.1 = world.join(103, &from.0, 2);
    world.take();
    assert_eq!(put_off(&mut world, &from, &zoe, 3), 200);
    world.say(from.1, &ToRegistry::Withdraw { slot: slot(1) });
    world.take();
    deliver(&mut world, &from, (&zoe, session), 3);
    assert_eq!(put_off(&mut world, &from, &zoe, 4), 200);
}

#[test]
fn look_ups_and_withdrawals_beyond_their_pace_are_not_answered() {
    let (mut world, zoe, people) = crowd(&Config {
        requests: crate::rate::Rate::new(2, Duration::from_secs(1), 3),
        ..Config::default()
    });
    let to = people[0].1;
    let look_up = ToRegistry::Lookup {
        name: zoe.name.clone(),
    };
    let withdraw = ToRegistry::Withdraw { slot: slot(7) };
    for message in [&look_up, &withdraw, &look_up] {
        world.say(to, message);
        assert_eq!(world.heard_mail(to).len(), 1);
    }
    world.held = true;
    for message in [&look_up, &withdraw] {
        world.say(to, message);
        assert!(world.asked.is_empty(), "no work for the database");
        assert_eq!(world.heard_mail(to), []);
    }
    world.held = false;
    world.pass(Duration::from_micros(499_999));
    world.say(to, &withdraw);
    assert_eq!(world.heard_mail(to), []);
    world.pass(Duration::from_micros(1));
    world.say(to, &withdraw);
    assert_eq!(world.heard_mail(to), [FromRegistry::Withdrawn { slot: slot(7) }]);
    world.say(people[1].1, &look_up);
    assert_eq!(
        world.heard_mail(people[1].1).len(),
        1,
        "each has a pace of his own"
    );
}
