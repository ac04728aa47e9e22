//! Windows at their edges: full ones, full buffers, and rows that go while they are on their way.

use super::mail::{pair, pair_with, passed_on};
use super::*;
use crate::limits::FORWARD_WINDOW_MESSAGES;
use crate::wire::message::{Busy, BusyReason, End};

const MINUTE: Duration = Duration::from_secs(60);

/// The requests that wait, and those that come of their answers: how many commits that takes, at most `limit`.
fn commits(world: &mut World, limit: usize) -> usize {
    let mut commits = 0;
    while !world.asked.is_empty() && commits < limit {
        world.commit_asked();
        commits += 1;
    }
    commits
}

#[test]
fn a_message_that_expires_in_a_full_window_is_not_looked_for_without_end() {
    let (mut world, ann, bea, to_ann, to_bea) = pair_with(Config::unlimited());
    let alive = [to_ann, to_bea];
    world.run(11 * MINUTE, &alive);
    let window = FORWARD_WINDOW_MESSAGES as u64;
    let texts: Vec<_> = (0..=window).map(|n| ann.envelope(&bea, n, "x")).collect();
    for (n, text) in texts.iter().enumerate() {
        let ttl_ms = if n == 0 { 1_000 } else { 3_600_000 };
        world.say(to_ann, &deposit_for(text, ttl_ms));
    }
    assert_eq!(
        world.heard_mail(to_bea).len(),
        FORWARD_WINDOW_MESSAGES,
        "one has to wait"
    );
    world.run(Duration::from_secs(1), &alive);
    world.held = true;
    world.run(Duration::from_secs(4), &alive);
    let commits = commits(&mut world, 50);
    assert!(commits < 10, "{commits} commits to send again what is due");
    assert_eq!(
        world.heard_mail(to_bea).len(),
        FORWARD_WINDOW_MESSAGES - 1,
        "again, but for what has expired"
    );
}

#[test]
fn the_end_of_the_mailbox_is_told_when_there_is_room_to_tell_it() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.close(to_bea, CloseCause::Reset);
    let text = ann.envelope(&bea, 0, &"x".repeat(5_000));
    world.say(to_ann, &deposit(&text));
    let to_bea = world.open(3, &bea);
    world.held = true;
    world.say(to_bea, &register(&bea, 2));
    world.commit_asked(); // The page is asked for.
    world.pass(Duration::from_millis(1));
    assert_eq!(world.heard_mail(to_bea), [registered(&bea, 2, true)]);
    world.set_room(to_bea, text.len() + 16 + SEND_OVERHEAD + 10);
    world.held = false;
    world.commit();
    assert!(
        world.heard_mail(to_bea) == [passed_on(&text)],
        "the buffer is full"
    );
    world.run(Duration::from_millis(49), &[to_bea]);
    assert_eq!(world.heard_mail(to_bea), []);
    world.run(Duration::from_millis(1), &[to_bea]);
    assert_eq!(world.heard_mail(to_bea), [replayed(1)]);
}

/// So many messages of 60 KB for bea, who is on a slow path.
fn large_mail(messages: u64) -> (World, [SessionId; 2]) {
    let (mut world, ann, bea, to_ann, to_bea) = pair_with(Config::unlimited());
    world.settle();
    world.slow_down(to_bea);
    let body = "x".repeat(60_000);
    for n in 0..messages {
        world.say(to_ann, &deposit(&ann.envelope(&bea, n, &body)));
        world.pass(Duration::from_millis(1));
    }
    (world, [to_ann, to_bea])
}

/// The messages among what one hears: which.
fn forwarded(heard: &[FromRegistry]) -> Vec<u64> {
    heard
        .iter()
        .filter_map(|message| match message {
            FromRegistry::Forward { forward, .. } => {
                Some(Envelope::parse(&forward.envelope).unwrap().slot.sequence.0)
            }
            _ => None,
        })
        .collect()
}

#[test]
fn what_a_slow_session_still_holds_is_neither_sent_again_nor_read() {
    let (mut world, alive) = large_mail(18);
    let [_, to_bea] = alive;
    let first = forwarded(&world.heard(to_bea));
    assert_eq!(first, (0..17).collect::<Vec<_>>(), "the buffer holds no more");
    let asked = world.registry.out.asked_in_all();
    for _ in 0..6 {
        world.run(Duration::from_secs(10), &alive);
        assert!(forwarded(&world.heard(to_bea)).is_empty());
    }
    let asked = world.registry.out.asked_in_all() - asked;
    assert!(
        asked <= 1,
        "{asked} requests in a minute, one of them for the age"
    );
}

#[test]
fn what_has_arrived_and_is_not_answered_is_sent_again_though_the_session_is_never_empty() {
    let (mut world, alive) = large_mail(17);
    let [_, to_bea] = alive;
    world.take();
    world.run(Duration::from_secs(60), &alive);
    world.arrive(to_bea, 2);
    world.run(Duration::from_millis(4_999), &alive);
    assert!(forwarded(&world.heard(to_bea)).is_empty());
    world.run(Duration::from_secs(5), &alive);
    assert_eq!(
        forwarded(&world.heard(to_bea)),
        [0, 1],
        "its recipient has forgotten them"
    );
}

#[test]
fn a_full_send_buffer_is_read_for_when_it_takes_what_it_did_not() {
    let (mut world, alive) = large_mail(18);
    let [_, to_bea] = alive;
    world.take();
    world.arrive(to_bea, 2);
    world.set_room(to_bea, (1 << 20) - 65_000);
    let asked = world.registry.out.asked_in_all();
    world.run(Duration::from_secs(12), &alive);
    assert_eq!(forwarded(&world.heard(to_bea)), [0], "there is room for one");
    let read = world.registry.out.asked_in_all() - asked;
    assert!(read <= 2, "{read} pages");
    world.run(Duration::from_secs(20), &alive);
    assert!(forwarded(&world.heard(to_bea)).is_empty());
    let read = world.registry.out.asked_in_all() - asked;
    assert!(read <= 2, "{read} pages, and there was no room for any");
    world.arrive(to_bea, 1);
    world.run(Duration::from_secs(1), &alive);
    assert_eq!(forwarded(&world.heard(to_bea)), [1]);
}

/// The recipient cannot take these of a sender whom he does not know; how many they are.
fn set_aside(world: &mut World, ann: &Person, to_bea: SessionId, heard: Vec<FromRegistry>) -> usize {
    put_off_all(world, ann, to_bea, heard, BusyReason::UnknownSender)
}

/// The recipient puts all of these off; how many they are.
fn put_off_all(
    world: &mut World,
    ann: &Person,
    to_bea: SessionId,
    heard: Vec<FromRegistry>,
    reason: BusyReason,
) -> usize {
    let mut all = 0;
    for message in heard {
        if let FromRegistry::Forward { forward, .. } = message {
            let id = Envelope::parse(&forward.envelope).unwrap().id();
            assert_eq!(id.sender, ann.id(0).sender);
            let busy = Busy {
                of: id,
                reason,
                retry_after_ms: 60_000,
            };
            world.say(to_bea, &ToRegistry::Busy(busy));
            all += 1;
        }
    }
    all
}

/// Ann has written so many messages to Bea, who is there, and so is Carl; with the session of each.
fn crowded(messages: usize) -> (World, [Person; 3], [SessionId; 3]) {
    let (mut world, ann, bea, to_ann, to_bea) = pair_with(Config::unlimited());
    let carl = Person::new("carl", 3);
    let to_carl = world.join(3, &carl, 1);
    world.settle();
    for n in 0..messages as u64 {
        world.say(to_ann, &deposit(&ann.envelope(&bea, n, "x")));
    }
    (world, [ann, bea, carl], [to_ann, to_bea, to_carl])
}

#[test]
fn what_the_recipient_will_not_take_from_one_does_not_hold_up_others() {
    let more = FORWARD_WINDOW_MESSAGES + 50;
    let (mut world, [ann, bea, carl], alive) = crowded(more);
    let [_, to_bea, to_carl] = alive;
    let first = world.heard_mail(to_bea);
    assert_eq!(
        set_aside(&mut world, &ann, to_bea, first),
        FORWARD_WINDOW_MESSAGES
    );
    let rest = world.heard_mail(to_bea);
    assert_eq!(
        set_aside(&mut world, &ann, to_bea, rest),
        50,
        "there is room again"
    );
    let text = carl.envelope(&bea, 0, "hi");
    world.say(to_carl, &deposit(&text));
    assert_eq!(world.heard_mail(to_bea), [passed_on(&text)]);
    world.say(
        to_bea,
        &ToRegistry::Receipt(bea.receipt(&carl, 0, &text, Verdict::Received)),
    );
    // When it is due again it has its place in the window, no more.
    world.run(MINUTE, &alive);
    let again = world.heard_mail(to_bea);
    assert_eq!(
        set_aside(&mut world, &ann, to_bea, again),
        FORWARD_WINDOW_MESSAGES
    );
    let rest = world.heard_mail(to_bea);
    assert_eq!(set_aside(&mut world, &ann, to_bea, rest), 50);
    // He knows the sender now, and takes it all.
    world.run(2 * MINUTE, &alive);
    for _ in 0..3 {
        for message in world.heard_mail(to_bea) {
            if let FromRegistry::Forward { forward, .. } = message {
                let sequence = Envelope::parse(&forward.envelope).unwrap().slot.sequence.0;
                let receipt = bea.receipt(&ann, sequence, &forward.envelope, Verdict::Received);
                world.say(to_bea, &ToRegistry::Receipt(receipt));
            }
        }
    }
    world.run(10 * MINUTE, &alive);
    assert_eq!(world.heard_mail(to_bea), [], "nothing is left");
}

#[test]
fn what_is_kept_and_not_handled_yet_does_not_hold_up_others() {
    let (mut world, [ann, bea, carl], alive) = crowded(FORWARD_WINDOW_MESSAGES);
    let [_, to_bea, to_carl] = alive;
    // She is silent at first: her program may be done in a moment.
    world.heard_mail(to_bea);
    let text = carl.envelope(&bea, 0, "hi");
    world.say(to_carl, &deposit(&text));
    world.run(Duration::from_secs(6), &alive);
    let again = world.heard_mail(to_bea);
    assert!(!again.contains(&passed_on(&text)));
    let told = put_off_all(&mut world, &ann, to_bea, again, BusyReason::Unhandled);
    assert_eq!(told, FORWARD_WINDOW_MESSAGES);
    assert_eq!(world.heard_mail(to_bea), [passed_on(&text)]);
}

#[test]
fn what_is_never_answered_holds_up_others_for_three_tellings() {
    let (mut world, [_, bea, carl], alive) = crowded(FORWARD_WINDOW_MESSAGES);
    let [_, to_bea, to_carl] = alive;
    let text = carl.envelope(&bea, 0, "hi");
    world.say(to_carl, &deposit(&text));
    // At once, and 5 and 15 s later; after 5 s more they have had their chance.
    world.run(Duration::from_secs(19), &alive);
    let told = world.heard_mail(to_bea);
    assert_eq!(told.len(), 3 * FORWARD_WINDOW_MESSAGES);
    assert!(!told.contains(&passed_on(&text)));
    world.run(Duration::from_secs(2), &alive);
    assert!(world.heard_mail(to_bea).contains(&passed_on(&text)));
}

#[test]
fn what_is_never_answered_holds_up_others_not_much_longer_if_it_fills_two_windows() {
    let (mut world, [_, bea, carl], alive) = crowded(2 * FORWARD_WINDOW_MESSAGES);
    let [to_ann, to_bea, to_carl] = alive;
    let text = carl.envelope(&bea, 0, "hi");
    world.say(to_carl, &deposit(&text));
    world.run(MINUTE, &alive);
    assert!(world.heard_mail(to_bea).contains(&passed_on(&text)));
    // What had no room meanwhile and was withdrawn is not waited for.
    for n in 0..2 * FORWARD_WINDOW_MESSAGES as u64 {
        world.say(to_ann, &ToRegistry::Withdraw { slot: slot(n) });
    }
    let receipt = bea.receipt(&carl, 0, &text, Verdict::Received);
    world.say(to_bea, &ToRegistry::Receipt(receipt));
    world.run(10 * MINUTE, &alive);
    world.take();
    world.run(10 * MINUTE, &alive);
    assert_eq!(world.heard_mail(to_bea), []);
    let seat = world
        .registry
        .members
        .find(world.registry.members.by_name(&bea.name).unwrap());
    assert!(seat.unwrap().seat.as_ref().unwrap().mail.is_empty());
}

#[test]
fn what_is_put_off_again_and_again_is_told_less_and_less_often() {
    for (reason, asked_ms, most) in [
        (BusyReason::Storage, 1_000, MINUTE),
        (BusyReason::UnknownSender, 60_000, 5 * MINUTE),
    ] {
        let (mut world, ann, bea, to_ann, to_bea) = pair();
        let text = ann.envelope(&bea, 0, "x");
        world.say(to_ann, &deposit(&text));
        let (mut wait, mut told) = (Duration::from_millis(asked_ms), world.heard_mail(to_bea));
        for _ in 0..10 {
            assert_eq!(told, [passed_on(&text)], "{reason:?} {wait:?}");
            let busy = Busy {
                of: ann.id(0),
                reason,
                retry_after_ms: u32::try_from(asked_ms).unwrap(),
            };
            world.say(to_bea, &ToRegistry::Busy(busy));
            world.run(wait - Duration::from_millis(1), &[to_ann, to_bea]);
            assert_eq!(world.heard_mail(to_bea), [], "{reason:?} {wait:?}");
            world.run(Duration::from_millis(1), &[to_ann, to_bea]);
            told = world.heard_mail(to_bea);
            wait = (wait * 2).min(most);
        }
    }
}

/// The outcomes among messages: which have expired.
fn expired(heard: &[FromRegistry]) -> Vec<u64> {
    heard
        .iter()
        .filter_map(|message| match message {
            FromRegistry::Outcome(outcome) if matches!(outcome.end, End::Expired { .. }) => {
                Some(outcome.slot.sequence.0)
            }
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_deposited_during_a_sweep_expires_in_its_time() {
    let (mut world, ann, bea, to_ann, to_bea) = pair();
    world.run(11 * MINUTE, &[to_ann, to_bea]);
    world.close(to_bea, CloseCause::Reset);
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 0, "x"), 1_000));
    world.held = true;
    world.run(Duration::from_secs(1), &[to_ann]);
    // The sweep's answer will name the next end that it knows of, which is none of these.
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 1, "x"), 1));
    world.say(to_ann, &deposit_for(&ann.envelope(&bea, 2, "x"), 2_000));
    world.run(Duration::from_millis(1), &[to_ann]);
    let sweeps = |world: &World| {
        let sweep = |(_, request): &&(Ticket, Request)| matches!(request, Request::Expire { .. });
        world.asked.iter().filter(sweep).count()
    };
    assert_eq!(sweeps(&world), 1, "one at a time");
    world.held = false;
    world.commit();
    assert_eq!(expired(&world.heard_mail(to_ann)), [0]);
    world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(0) });
    world.run(Duration::from_secs(5), &[to_ann]);
    assert_eq!(expired(&world.heard_mail(to_ann)), [1, 2]);
}

#[test]
fn a_lower_row_behind_a_full_window_of_outcomes() {
    let (mut world, ann, bea, to_ann, to_bea) = pair_with(Config::unlimited());
    let alive = [to_ann, to_bea];
    let window = FORWARD_WINDOW_MESSAGES as u64;
    let texts: Vec<_> = (0..=window).map(|n| ann.envelope(&bea, n, "x")).collect();
    for text in &texts {
        world.say(to_ann, &deposit(text));
    }
    for n in (1..=window).chain([0]) {
        let text = &texts[usize::try_from(n).unwrap()];
        let receipt = bea.receipt(&ann, n, text, Verdict::Received);
        world.say(to_bea, &ToRegistry::Receipt(receipt));
    }
    let answered = |heard: Vec<FromRegistry>| -> BTreeSet<u64> {
        let outcomes = heard.iter().filter_map(|message| match message {
            FromRegistry::Outcome(outcome) => Some(outcome.slot.sequence.0),
            _ => None,
        });
        outcomes.collect()
    };
    let full: BTreeSet<u64> = (1..=window).collect();
    assert_eq!(
        answered(world.heard_mail(to_ann)),
        full,
        "no room for the last one"
    );
    world.held = true;
    world.run(Duration::from_secs(6), &alive);
    let taken = commits(&mut world, 5_000);
    assert!(taken < 10, "{taken} commits");
    assert_eq!(answered(world.heard_mail(to_ann)), full, "all of them again");
    for n in 1..=window {
        world.say(to_ann, &ToRegistry::OutcomeAck { slot: slot(n) });
    }
    commits(&mut world, 5_000);
    assert_eq!(answered(world.heard_mail(to_ann)), BTreeSet::from([0]));
}

#[test]
fn what_is_forwarded_twice_before_all_was_forwarded_once_counts_twice() {
    let (mut world, ann, bea, to_ann, to_bea) = pair_with(Config::unlimited());
    world.close(to_bea, CloseCause::Reset);
    let texts: Vec<_> = (0..600).map(|n| ann.envelope(&bea, n, "x")).collect();
    for text in &texts {
        world.say(to_ann, &deposit(text));
    }
    world.take();
    let to_bea = world.join(3, &bea, 2);
    let (mut forwards, mut all) = (0, None);
    let mut unanswered = (0..).zip(&texts);
    while all.is_none() {
        world.run(Duration::from_secs(6), &[to_bea]);
        for message in world.heard_mail(to_bea) {
            match message {
                FromRegistry::Forward { .. } if all.is_none() => forwards += 1,
                FromRegistry::Replayed { forwards } => all = Some(forwards),
                _ => {}
            }
        }
        for (n, text) in unanswered.by_ref().take(300) {
            let receipt = bea.receipt(&ann, n, text, Verdict::Received);
            world.say(to_bea, &ToRegistry::Receipt(receipt));
        }
    }
    assert!(forwards > 600, "some came twice");
    assert_eq!(all, Some(forwards));
    let places = world.places.iter().copied().take_while(|place| *place < forwards);
    assert!(places.eq(0..forwards), "each has its own place, repetitions too");
}
