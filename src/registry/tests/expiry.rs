//! Lifetimes: when they end, what is told, and what a late receipt changes.

use super::*;
use crate::limits::{OUTCOME_LIFETIME, SWEEP_DELAY};
use crate::wire::message::{End, Outcome};

const MINUTE: Duration = Duration::from_secs(60);

/// Ann and Bea, registered, 11 minutes after the start.
fn pair() -> (World, Person, Person, SessionId, SessionId) {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = (world.join(1, &ann, 1), world.join(2, &bea, 1));
    world.settle();
    world.run(11 * MINUTE, &[to_ann, to_bea]);
    world.take();
    (world, ann, bea, to_ann, to_bea)
}

fn expired(world: &World, envelope: &[u8]) -> FromRegistry {
    FromRegistry::Outcome(Outcome {
        slot: slot(0),
        hash: EnvelopeHash::of(envelope),
        end: End::Expired { at: world.now.wall },
    })
}

fn rows(world: &mut World) -> usize {
    let mut rows = 0;
    for request in [
        Request::ReadMail {
            recipient: MemberId(2),
            after: Row(0),
        },
        Request::ReadNotices {
            sender: MemberId(1),
            after: Row(0),
        },
    ] {
        rows += match world.store.commit(vec![(Ticket(0), request)]).remove(0).1 {
            Ok(Reply::Mail { rows, .. }) => rows.len(),
            Ok(Reply::Notices { rows, .. }) => rows.len(),
            other => panic!("{other:?}"),
        };
    }
    rows
}

#[test]
fn a_message_expires_when_its_lifetime_ends_and_not_before() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.close(to_bea, CloseCause::Reset);
    world.run(MINUTE, &[to_ann]);
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit_for(&text, 2_500));
    world.take();
    world.run(Duration::from_micros(2_499_999), &[to_ann]);
    assert_eq!(world.heard_mail(to_ann), []);
    assert_eq!(
        world.registry.poll_timeout(),
        Some(world.now.at + Duration::from_micros(1))
    );
    world.run(Duration::from_micros(1), &[to_ann]);
    let outcome = expired(&world, &text);
    assert_eq!(world.heard_mail(to_ann), std::slice::from_ref(&outcome));
    assert_eq!(world.registry.quotas_total(), 0);
    let to_bea = world.join(3, &bea, 2);
    assert_eq!(
        world.heard_mail(to_bea),
        [registered(&bea, 2, true), replayed(0)],
        "it is no longer hers"
    );
    world.say(to_ann, &deposit_for(&text, 2_500));
    assert_eq!(
        world.heard_mail(to_ann),
        [outcome],
        "a repeated deposit learns it too"
    );
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(rows(&mut world), 0);
}

#[test]
fn nothing_expires_within_ten_minutes_of_a_start() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.close(to_bea, CloseCause::Reset);
    world.say(to_ann, &deposit_for(&text, 1_000));
    world.restart();
    let to_ann = world.join(3, &ann, 2);
    world.settle();
    world.run(
        SWEEP_DELAY - Duration::from_micros(1) - world.now.at.since(world.registry.started),
        &[to_ann],
    );
    assert_eq!(world.heard_mail(to_ann), []);
    world.run(Duration::from_micros(1), &[to_ann]);
    let outcome = expired(&world, &text);
    assert_eq!(world.heard_mail(to_ann), [outcome]);
}

#[test]
fn a_lifetime_goes_on_while_the_registry_is_down_but_a_day_at_most() {
    for (pause, left_ms) in [
        (0, 172_800_000),
        (3_600_000, 169_200_000),
        (800_000_000_000, 86_400_000),
    ] {
        let (mut world, ann, bea, to_ann, _) = pair();
        let text = ann.envelope(&bea, 0, "x");
        world.drive(|registry, cx| registry.handle_timeout(cx));
        world.say(to_ann, &deposit_for(&text, 172_800_000));
        world.drive(|registry, cx| registry.handle_command(cx, Command::Stop));
        let wall = world.now.wall.unix_ms() + pause;
        world.now = Now {
            at: Instant::from_micros(5),
            wall: WallTime::from_unix_ms(wall),
        };
        world.restart();
        let image = world.store.image().unwrap();
        let age = world.registry.age.age(world.now.at);
        assert_eq!(
            age.until(image.next_expiry.unwrap()),
            Duration::from_millis(left_ms),
            "{pause}"
        );
    }
}

#[test]
fn a_lifetime_longer_than_allowed_is_cut() {
    let (mut world, ann, bea, to_ann, _) = pair();
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 0, "x"), u64::MAX));
    let age = world.registry.age.age(world.now.at);
    let end = world.store.image().unwrap().next_expiry.unwrap();
    assert_eq!(age.until(end), crate::limits::TIME_TO_LIVE);
}

/// Ann was told that her message expired, and Bea has a receipt of it still to give; what that is to be told as.
fn expired_and_answered() -> (World, SessionId, SessionId, Receipt, FromRegistry) {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit_for(&text, 1_000));
    world.run(Duration::from_secs(1), &[to_ann, to_bea]);
    let outcome = expired(&world, &text);
    assert_eq!(world.heard_mail(to_ann).last(), Some(&outcome));
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    let answered = FromRegistry::Outcome(Outcome {
        slot: slot(0),
        hash: EnvelopeHash::of(&text),
        end: End::Answered(receipt),
    });
    (world, to_ann, to_bea, receipt, answered)
}

#[test]
fn a_late_receipt_takes_the_place_of_the_expiry_and_an_answer_to_the_old_outcome_does_not_end_it() {
    let (mut world, to_ann, to_bea, receipt, answered) = expired_and_answered();
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert_eq!(world.heard_mail(to_ann), std::slice::from_ref(&answered));
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(rows(&mut world), 1, "that was for the expiry");
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(rows(&mut world), 0);
}

#[test]
fn a_late_receipt_that_is_being_committed_is_not_forgotten_with_the_expiry() {
    let (mut world, to_ann, to_bea, receipt, answered) = expired_and_answered();
    world.held = true;
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    world.held = false;
    world.commit();
    assert_eq!(rows(&mut world), 1, "that was for the expiry");
    assert_eq!(world.heard_mail(to_ann), std::slice::from_ref(&answered));
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(rows(&mut world), 0);
}

#[test]
fn an_expiry_that_was_read_before_the_late_receipt_is_not_mistaken_for_it() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit_for(&text, 1_000));
    world.close(to_ann, CloseCause::Reset);
    world.run(Duration::from_secs(1), &[to_bea]);
    world.held = true;
    let to_ann = world.join(9, &ann, 2);
    world.commit_asked();
    world.say(
        to_bea,
        &ToRegistry::Receipt(bea.receipt(&ann, 0, &text, Verdict::Received)),
    );
    let answer = world.asked.pop().unwrap();
    assert!(matches!(answer.1, Request::Answer(_)));
    world.commit_asked();
    let told = expired(&world, &text);
    assert!(
        world.heard_mail(to_ann).contains(&told),
        "the page was read before"
    );
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    world.asked.insert(0, answer);
    world.held = false;
    world.commit();
    assert_eq!(rows(&mut world), 1, "that was for the expiry");
}

#[test]
fn a_late_receipt_for_what_its_sender_has_forgotten_is_told_all_the_same() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    let text = ann.envelope(&bea, 0, "x");
    world.say(to_ann, &deposit_for(&text, 1_000));
    world.run(Duration::from_secs(1), &[to_ann, to_bea]);
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(rows(&mut world), 0);
    world.take();
    let receipt = bea.receipt(&ann, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    assert!(
        matches!(world.heard_mail(to_ann)[..], [FromRegistry::Outcome(Outcome { end: End::Answered(told), .. })] if told == receipt)
    );
    assert_eq!(world.registry.quotas_total(), 0);
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    assert_eq!(rows(&mut world), 0);
}

#[test]
fn what_expired_is_not_forwarded_again() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 0, "x"), 1_000));
    world.run(Duration::from_secs(1), &[to_ann, to_bea]);
    world.take();
    world.run(2 * MINUTE, &[to_ann, to_bea]);
    assert_eq!(world.heard_mail(to_bea), []);
}

#[test]
fn an_outcome_nobody_asks_for_ends_after_sixty_days() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 0, "x"), 1_000));
    world.close(to_ann, CloseCause::Reset);
    world.close(to_bea, CloseCause::Reset);
    world.run(Duration::from_secs(1), &[]);
    assert_eq!(rows(&mut world), 1);
    world.run(OUTCOME_LIFETIME - Duration::from_micros(1), &[]);
    assert_eq!(rows(&mut world), 1);
    world.run(Duration::from_micros(1), &[]);
    assert_eq!(rows(&mut world), 0);
    assert!(world.registry.quotas.outcomes.is_empty());
}

#[test]
fn a_sweep_that_fails_is_made_again_a_minute_later() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.close(to_bea, CloseCause::Reset);
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 0, "x"), 1_000));
    world.take();
    world.failing = true;
    world.run(Duration::from_secs(1), &[to_ann]);
    world.failing = false;
    world.run(MINUTE - Duration::from_micros(1), &[to_ann]);
    assert_eq!(world.heard_mail(to_ann), []);
    world.run(Duration::from_micros(1), &[to_ann]);
    assert_eq!(world.heard_mail(to_ann).len(), 1);
}
