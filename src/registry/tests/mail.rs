//! Deposits, forwards, receipts, outcomes, withdrawal.

use super::*;
use crate::wire::message::{Busy, BusyReason, DepositRefusal, End, Outcome};

/// Ann and Bea, registered.
pub(super) fn pair() -> (World, Person, Person, SessionId, SessionId) {
    pair_with(Config::default())
}

pub(super) fn pair_with(config: Config) -> (World, Person, Person, SessionId, SessionId) {
    let mut world = World::new(config);
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = (world.join(1, &ann, 1), world.join(2, &bea, 1));
    world.settle();
    (world, ann, bea, to_ann, to_bea)
}

fn refused(sequence: u64, reason: DepositRefusal) -> FromRegistry {
    FromRegistry::DepositRefused {
        slot: slot(sequence),
        reason,
    }
}

fn answered(sequence: u64, envelope: &[u8], receipt: Receipt) -> FromRegistry {
    FromRegistry::Outcome(Outcome {
        slot: slot(sequence),
        hash: EnvelopeHash::of(envelope),
        end: End::Answered(receipt),
    })
}

pub(super) fn passed_on(envelope: &[u8]) -> FromRegistry {
    FromRegistry::Forward {
        place: 0,
        forward: forward(envelope),
    }
}

#[test]
fn a_deposit_is_committed_answered_forwarded_receipted_told_and_forgotten() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "hi");
    world.held = true;
    world.say(to_ann, &deposit(&text));
    assert_eq!(world.take(), [], "nothing before the commit");
    world.commit();
    assert_eq!(
        world.take(),
        [
            Did::Say(to_ann, deposited(0, &text)),
            Did::Say(to_bea, passed_on(&text))
        ]
    );
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert_eq!(world.take(), [], "nothing before the commit");
    world.commit();
    assert_eq!(world.take(), [Did::Say(to_ann, answered(0, &text, receipt))]);
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    world.commit();
    world.held = false;
    assert_eq!(world.take(), []);
    // The slot is free again: nothing of it is left.
    world.say(to_ann, &deposit(&text));
    assert_eq!(world.heard(to_ann), [deposited(0, &text)]);
}

#[test]
fn a_repeated_deposit_is_answered_from_what_became_of_the_first() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let (text, other) = (ann.envelope(&bea, 0, "hi"), ann.envelope(&bea, 0, "ho"));
    world.say(to_ann, &deposit(&text));
    world.take();
    world.say(to_ann, &deposit(&text));
    assert_eq!(
        world.take(),
        [Did::Say(to_ann, deposited(0, &text))],
        "not forwarded twice"
    );
    world.say(to_ann, &deposit(&other));
    assert_eq!(
        world.take(),
        [Did::Say(to_ann, FromRegistry::Conflict { slot: slot(0) })]
    );
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    world.take();
    world.say(to_ann, &deposit(&text));
    assert_eq!(world.take(), [Did::Say(to_ann, answered(0, &text, receipt))]);
    assert_eq!(world.registry.quotas_total(), 0);
}

#[test]
fn how_a_message_ended_is_told_although_its_recipients_name_is_anothers_or_nobodys_by_now() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let texts = [ann.envelope(&bea, 0, "had"), ann.envelope(&bea, 1, "waits")];
    for text in &texts {
        world.say(to_ann, &deposit(text));
    }
    world.close(to_ann, CloseCause::Reset);
    let receipt = bea.receipt(&ann, 0, &texts[0], Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert_eq!(world.store.release(&bea.name).unwrap(), Some(1));
    world.restart();
    let ends = [
        answered(0, &texts[0], receipt),
        FromRegistry::Outcome(Outcome {
            slot: slot(1),
            hash: EnvelopeHash::of(&texts[1]),
            end: End::Refused {
                reason: DepositRefusal::Released,
            },
        }),
    ];
    let to_ann = world.join(3, &ann, 2);
    for (session, nobody) in [
        (4, DepositRefusal::NoSuchName),
        (5, DepositRefusal::IdentityChanged),
    ] {
        world.take();
        for (text, end) in texts.iter().zip(&ends) {
            world.say(to_ann, &deposit(text));
            let end = std::slice::from_ref(end);
            assert_eq!(world.heard_mail(to_ann), end, "rather than {nobody:?}");
        }
        world.say(to_ann, &deposit(&ann.envelope(&bea, 2, "new")));
        assert_eq!(world.heard_mail(to_ann), [refused(2, nobody)]);
        world.join(session, &Person::new("bea", 9), session);
    }
}

#[test]
fn a_failed_commit_is_busy_and_keeps_no_room() {
    let (mut world, ann, bea, to_ann, _) = pair();
    let text = ann.envelope(&bea, 0, "hi");
    world.failing = true;
    world.say(to_ann, &deposit(&text));
    let busy = FromRegistry::Busy(Busy {
        of: Some(slot(0)),
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    });
    assert_eq!(world.take(), [Did::Say(to_ann, busy)]);
    assert_eq!(world.registry.quotas_total(), 0);
}

#[test]
fn only_ones_own_messages_to_those_who_have_the_name_are_taken() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let (carl, other_bea) = (Person::new("carl", 3), Person::new("BEA", 4));
    for (session, envelope, reason) in [
        (to_bea, ann.envelope(&bea, 0, "x"), DepositRefusal::NotYours),
        (to_ann, ann.envelope(&carl, 0, "x"), DepositRefusal::NoSuchName),
        (
            to_ann,
            ann.envelope(&other_bea, 0, "x"),
            DepositRefusal::IdentityChanged,
        ),
        (
            to_ann,
            Person::new("other", 1).envelope(&bea, 0, "x"),
            DepositRefusal::NotYours,
        ),
        (
            to_ann,
            ann.envelope(&bea, 0, &"x".repeat(64 * 1024 + 1)),
            DepositRefusal::Malformed,
        ),
    ] {
        world.say(session, &deposit(&envelope));
        assert_eq!(world.take(), [Did::Say(session, refused(0, reason))]);
    }
    world.say(to_ann, &deposit(&[1, 2, 3]));
    assert_eq!(
        world.take()[0],
        Did::Close(to_ann, CloseCode::Violation),
        "without a number there is nothing to refuse"
    );
}

#[test]
fn deposits_are_paced_on_both_sides_of_the_deadline() {
    let (mut world, ann, bea, to_ann, _) = pair_with(Config {
        deposits: crate::rate::Rate::new(20, Duration::from_secs(1), 2),
        ..Config::default()
    });
    let text = |n| ann.envelope(&bea, n, "x");
    let busy = |n, retry_after_ms| {
        FromRegistry::Busy(Busy {
            of: Some(slot(n)),
            reason: BusyReason::Rate,
            retry_after_ms,
        })
    };
    for n in 0..2 {
        world.say(to_ann, &deposit(&text(n)));
        assert_eq!(world.heard(to_ann), [deposited(n, &text(n))]);
    }
    world.say(to_ann, &deposit(&text(2)));
    assert_eq!(world.heard(to_ann), [busy(2, 50)]);
    world.pass(Duration::from_micros(49_001));
    world.say(to_ann, &deposit(&text(2)));
    assert_eq!(world.heard(to_ann), [busy(2, 1)]);
    world.pass(Duration::from_micros(999));
    world.say(to_ann, &deposit(&text(2)));
    assert_eq!(world.heard(to_ann), [deposited(2, &text(2))]);
}

#[test]
fn mail_waits_for_the_recipient_and_comes_in_order_with_its_end_marked() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.close(to_bea, CloseCause::Remote(CloseCode::Done));
    let texts: Vec<_> = (0..3)
        .map(|n| ann.envelope(&bea, n, &format!("text {n}")))
        .collect();
    for text in &texts {
        world.say(to_ann, &deposit(text));
    }
    assert_eq!(world.heard_mail(to_ann).len(), 3);
    world.restart();
    let to_bea = world.join(3, &bea, 2);
    let expected: Vec<_> = std::iter::once(registered(&bea, 2, true))
        .chain(texts.iter().map(|text| passed_on(text)))
        .chain([replayed(3)])
        .collect();
    assert_eq!(world.heard_mail(to_bea), expected);
    // He answers all; she is away and learns it when she comes back, after a restart even.
    for (n, text) in (0..).zip(&texts) {
        let receipt = bea.receipt(&ann, n, text, Verdict::Received);
        world.say(to_bea, &ToRegistry::Receipt(receipt));
    }
    world.restart();
    let to_ann = world.join(4, &ann, 2);
    let heard = world.heard_mail(to_ann);
    let outcomes: Vec<_> = (0..)
        .zip(&texts)
        .map(|(n, text)| answered(n, text, bea.receipt(&ann, n, text, Verdict::Received)))
        .collect();
    assert_eq!(heard[0], registered(&ann, 2, true));
    assert_eq!(heard[1], replayed(0));
    assert_eq!(heard[2..], outcomes);
}

#[test]
fn every_verdict_reaches_the_sender_and_one_for_another_content_ends_nothing() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    for (n, verdict) in (0..).zip([Verdict::Received, Verdict::Skipped, Verdict::Conflict]) {
        let text = ann.envelope(&bea, n, "x");
        world.say(to_ann, &deposit(&text));
        let receipt = bea.receipt(&ann, n, &text, verdict);
        world.take();
        world.say(to_bea, &ToRegistry::Receipt(receipt));
        assert_eq!(world.take(), [Did::Say(to_ann, answered(n, &text, receipt))]);
    }
    let text = ann.envelope(&bea, 9, "x");
    world.say(to_ann, &deposit(&text));
    world.take();
    world.say(
        to_bea,
        &ToRegistry::Receipt(bea.receipt(&ann, 9, b"something else", Verdict::Received)),
    );
    assert_eq!(world.take(), []);
    world.say(to_ann, &deposit(&text));
    assert_eq!(
        world.take(),
        [Did::Say(to_ann, deposited(9, &text))],
        "it still waits"
    );
}

#[test]
fn a_receipt_from_anybody_else_or_for_nothing_is_ignored() {
    let (mut world, ann, bea, to_ann, _) = pair();
    let carl = Person::new("carl", 3);
    let to_carl = world.join(3, &carl, 1);
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit(&text));
    world.settle();
    for (session, receipt) in [
        (to_carl, carl.receipt(&ann, 0, &text, Verdict::Received)),
        (to_ann, bea.receipt(&ann, 0, &text, Verdict::Received)),
        (to_carl, carl.receipt(&bea, 7, b"nothing", Verdict::Received)),
    ] {
        world.held = true;
        world.say(session, &ToRegistry::Receipt(receipt));
        assert!(world.asked.is_empty(), "not even the database is asked");
    }
    assert_eq!(world.take(), []);
}

#[test]
fn a_forward_is_repeated_at_5_then_10_seconds_up_to_60_until_it_is_answered() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit(&text));
    world.take();
    let sent = world.now.at;
    for wait in [5, 10, 20, 40, 60, 60] {
        world.run(Duration::from_micros(wait * 1_000_000 - 1), &[to_ann, to_bea]);
        assert_eq!(world.take(), [], "not before {wait} s");
        world.run(Duration::from_micros(1), &[to_ann, to_bea]);
        assert_eq!(
            world.take(),
            [Did::Say(to_bea, passed_on(&text))],
            "after {wait} s"
        );
    }
    assert_eq!(world.now.at.since(sent), Duration::from_secs(195));
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    // So is the outcome.
    for wait in [0, 5, 10, 20] {
        world.run(Duration::from_secs(wait), &[to_ann, to_bea]);
        assert_eq!(
            world.take(),
            [Did::Say(to_ann, answered(0, &text, receipt))],
            "{wait}"
        );
    }
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    world.run(Duration::from_secs(200), &[to_ann, to_bea]);
    assert_eq!(world.take(), [], "quiet");
}

#[test]
fn the_next_deadline_is_the_repetition_and_then_none_of_mail() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    let before = world.registry.poll_timeout();
    world.say(to_ann, &deposit(&text));
    assert_eq!(world.registry.poll_timeout(), Some(world.in_(5_000)));
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert_eq!(
        world.registry.poll_timeout(),
        Some(world.in_(5_000)),
        "the outcome's"
    );
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(world.registry.poll_timeout(), before);
}

#[test]
fn a_recipient_who_is_busy_is_asked_again_when_he_says() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit(&text));
    world.take();
    world.say(
        to_bea,
        &ToRegistry::Busy(Busy {
            of: ann.id(0),
            reason: BusyReason::Storage,
            retry_after_ms: 700,
        }),
    );
    assert_eq!(world.registry.poll_timeout(), Some(world.in_(700)));
    world.run(Duration::from_millis(699), &[to_ann, to_bea]);
    assert_eq!(world.take(), []);
    world.run(Duration::from_millis(1), &[to_ann, to_bea]);
    assert_eq!(world.take(), [Did::Say(to_bea, passed_on(&text))]);
}

#[test]
fn a_new_session_is_forwarded_what_was_not_receipted() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit(&text));
    assert_eq!(world.heard(to_bea), [passed_on(&text)]);
    let again = world.join(3, &bea, 2);
    assert_eq!(
        world.heard_mail(again),
        [registered(&bea, 2, true), passed_on(&text), replayed(1)]
    );
}

#[test]
fn a_receipt_whose_commit_fails_is_asked_for_again() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit(&text));
    world.take();
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.failing = true;
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert_eq!(world.take(), []);
    world.failing = false;
    world.run(Duration::from_secs(5), &[to_ann, to_bea]);
    assert_eq!(world.take(), [Did::Say(to_bea, passed_on(&text))]);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert_eq!(world.take(), [Did::Say(to_ann, answered(0, &text, receipt))]);
}

#[test]
fn a_withdrawal_ends_the_forwarding_frees_the_room_and_may_be_repeated() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit(&text));
    world.take();
    let withdrawn = FromRegistry::Withdrawn { slot: slot(0) };
    world.say(to_bea, &ToRegistry::Withdraw { slot: slot(0) });
    assert_eq!(
        world.heard(to_bea),
        std::slice::from_ref(&withdrawn),
        "nothing of hers has that number"
    );
    assert_ne!(world.registry.quotas_total(), 0, "and nobody else's is touched");
    for _ in 0..2 {
        world.say(to_ann, &ToRegistry::Withdraw { slot: slot(0) });
        assert_eq!(world.take(), [Did::Say(to_ann, withdrawn.clone())]);
        assert_eq!(world.registry.quotas_total(), 0);
    }
    let late = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(late));
    world.run(Duration::from_secs(100), &[to_ann, to_bea]);
    assert_eq!(world.take(), []);
}

#[test]
fn a_large_mailbox_comes_in_windows_and_is_complete() {
    let (mut world, ann, bea, to_ann, to_bea) = pair_with(Config::unlimited());
    world.close(to_bea, CloseCause::Reset);
    let count = 1_500;
    let texts: Vec<_> = (0..count).map(|n| ann.envelope(&bea, n, "x")).collect();
    for text in &texts {
        world.say(to_ann, &deposit(text));
    }
    world.take();
    let to_bea = world.join(3, &bea, 2);
    let mut seen = Vec::new();
    let mut replayed = 0;
    let mut on_the_way = 0;
    loop {
        let heard = world.heard_mail(to_bea);
        for message in heard {
            match message {
                FromRegistry::Forward { forward, .. } => {
                    seen.push(forward.envelope);
                    on_the_way += 1;
                }
                FromRegistry::Replayed { forwards } => {
                    assert_eq!(forwards, 1_500);
                    replayed += 1;
                }
                _ => {}
            }
        }
        assert!(on_the_way <= 512, "{on_the_way} without an answer");
        let Some(text) = seen.get(seen.len() - on_the_way) else {
            break;
        };
        let n = (seen.len() - on_the_way) as u64;
        let receipt = bea.receipt(&ann, n, text, Verdict::Received);
        world.say(to_bea, &ToRegistry::Receipt(receipt));
        on_the_way -= 1;
    }
    assert!(seen == texts, "all, in order, each once");
    assert_eq!(replayed, 1);
    assert_eq!(world.registry.quotas_total(), 0);
}

#[test]
fn without_room_mail_waits_and_goes_on_when_there_is_some() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, &"x".repeat(10_000));
    world.set_room(to_bea, 5_000);
    world.say(to_ann, &deposit(&text));
    assert_eq!(world.heard(to_bea), []);
    assert_eq!(world.next(), Duration::from_millis(50));
    assert_eq!(world.heard(to_bea), []);
    world.set_room(to_bea, 50_000);
    assert_eq!(world.next(), Duration::from_millis(100));
    assert_eq!(world.heard(to_bea), [passed_on(&text)]);
}

#[test]
fn what_is_deposited_during_the_replay_comes_in_its_turn() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.close(to_bea, CloseCause::Reset);
    let texts: Vec<_> = (0..3).map(|n| ann.envelope(&bea, n, "x")).collect();
    world.say(to_ann, &deposit(&texts[0]));
    let to_bea = world.open(3, &bea);
    world.held = true;
    world.say(to_bea, &register(&bea, 2));
    world.say(to_ann, &deposit(&texts[1]));
    world.commit_asked(); // Registered; the page is asked for; text 1 is kept.
    world.say(to_ann, &deposit(&texts[2]));
    world.commit();
    let expected: Vec<_> = std::iter::once(registered(&bea, 2, true))
        .chain(texts.iter().map(|text| passed_on(text)))
        .collect();
    let mut heard = world.heard_mail(to_bea);
    let is_replayed = |message: &FromRegistry| matches!(message, FromRegistry::Replayed { .. });
    assert_eq!(heard.iter().filter(|message| is_replayed(message)).count(), 1);
    heard.retain(|message| !is_replayed(message));
    assert_eq!(heard, expected);
}
