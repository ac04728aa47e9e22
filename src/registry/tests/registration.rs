//! Names, counters, take-over.

use super::presence::replaced;
use super::*;
use crate::wire::message::{Busy, BusyReason, RegistrationRefusal};

fn refused(reason: RegistrationRefusal) -> FromRegistry {
    FromRegistry::RegistrationRefused { reason }
}

#[test]
fn a_registration_is_answered_only_when_it_is_committed() {
    let mut world = World::new(Config::default());
    let ann = Person::new("Ann", 1);
    let session = world.open(1, &ann);
    world.held = true;
    world.say(session, &register(&ann, 1));
    world.say(session, &register(&ann, 1));
    assert_eq!(world.take(), [], "not committed, and a repetition waits with it");
    assert_eq!(world.asked.len(), 1);
    world.commit();
    let heard = world.heard(session);
    assert_eq!(heard[0], registered(&ann, 1, false));
    assert_eq!(
        heard.len(),
        3,
        "the directory and the end of the replay follow: {heard:?}"
    );
}

#[test]
fn a_name_whatever_its_case_stays_its_identitys_also_while_offline_and_after_a_restart() {
    let mut world = World::new(Config::default());
    let (ann, thief) = (Person::new("Ann", 1), Person::new("aNN", 2));
    let session = world.join(1, &ann, 1);
    world.close(session, CloseCause::Reset);
    for _ in 0..2 {
        let other = world.join(2, &thief, 1);
        assert_eq!(world.heard(other), [refused(RegistrationRefusal::NameTaken)]);
        world.restart();
    }
    let session = world.join(3, &ann, 2);
    assert_eq!(world.heard(session)[0], registered(&ann, 2, true));
}

#[test]
fn an_identity_has_one_name() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 1));
    world.join(1, &ann, 1);
    let session = world.join(2, &bea, 2);
    let other = RegistrationRefusal::OtherName {
        name: ann.name.clone(),
    };
    assert_eq!(world.heard(session), [refused(other)]);
}

#[test]
fn reserved_words_and_full_tables_are_refused() {
    let mut world = World::new(Config {
        names_max: 1,
        ..Config::default()
    });
    let session = world.join(1, &Person::new("Server", 1), 1);
    assert_eq!(world.heard(session), [refused(RegistrationRefusal::NameReserved)]);
    world.join(2, &Person::new("ann", 2), 1);
    let session = world.join(3, &Person::new("bea", 3), 1);
    assert_eq!(world.heard(session), [refused(RegistrationRefusal::Full)]);
}

#[test]
fn what_the_disk_did_not_take_is_none_of_a_networks_new_names() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.open(1, &ann);
    world.failing = true;
    for _ in 0..30 {
        world.say(session, &register(&ann, 1));
    }
    world.failing = false;
    world.take();
    world.say(session, &register(&ann, 1));
    assert_eq!(world.heard(session)[0], registered(&ann, 1, false));
}

#[test]
fn the_owner_takes_over_at_once_and_the_old_session_learns_why() {
    let mut world = World::new(Config::default());
    let mut ann = Person::new("ann", 1);
    let old = world.join(1, &ann, 1);
    ann.address = "198.51.100.7:9".parse().unwrap();
    world.take();
    let new = world.join(2, &ann, 2);
    let did = world.take();
    assert_eq!(did[0], Did::Close(old, CloseCode::Superseded));
    assert_eq!(did[1], Did::Say(new, registered(&ann, 2, true)));
    assert!(
        !did.iter().any(|did| matches!(did, Did::Say(to, _) if *to == old)),
        "nothing more to the old one"
    );
}

#[test]
fn a_lower_or_equal_counter_from_another_session_is_behind_also_after_a_restart() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let behind = refused(RegistrationRefusal::CounterBehind { seen: 7 });
    let first = world.join(1, &ann, 7);
    world.take();
    for counter in [6, 7] {
        let copy = world.join(2, &ann, counter);
        assert_eq!(world.heard(copy), std::slice::from_ref(&behind));
    }
    world.say(first, &ToRegistry::KeepAlive { counter: 7 });
    assert_eq!(
        world.heard(first),
        [FromRegistry::Alive { counter: 7 }],
        "the first is untouched"
    );
    world.restart();
    let copy = world.join(3, &ann, 7);
    assert_eq!(world.heard(copy), [behind]);
    let own = world.join(4, &ann, 8);
    assert_eq!(world.heard(own)[0], registered(&ann, 8, true));
}

#[test]
fn a_repetition_in_the_same_session_is_answered_alike_and_changes_nothing() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.join(1, &ann, 1);
    world.take();
    world.say(session, &register(&ann, 1));
    assert_eq!(world.take(), [Did::Say(session, registered(&ann, 1, false))]);
}

#[test]
fn a_failed_commit_is_busy_and_frees_the_name() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("ANN", 2));
    world.failing = true;
    let session = world.join(1, &ann, 1);
    let busy = FromRegistry::Busy(Busy {
        of: None,
        reason: BusyReason::Storage,
        retry_after_ms: 1_000,
    });
    assert_eq!(world.take(), [Did::Say(session, busy.clone())]);
    world.failing = false;
    let other = world.join(2, &bea, 1);
    assert_eq!(world.heard(other)[0], registered(&bea, 1, false));
    world.failing = true;
    world.say(other, &register(&bea, 2));
    assert_eq!(world.heard(other), [busy], "he is still there");
    world.failing = false;
    world.say(other, &register(&bea, 2));
    assert_eq!(
        world.heard(other)[0],
        registered(&bea, 2, true),
        "and the counter was not used up"
    );
}

#[test]
fn who_is_put_off_because_of_the_disk_may_stay_and_ask_again() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    world.failing = true;
    let session = world.join(1, &ann, 1);
    for _ in 0..4 {
        world.run(Duration::from_secs(50), &[session]);
        world.say(session, &register(&ann, 1));
    }
    world.run(Duration::from_secs(50), &[session]);
    world.failing = false;
    world.take();
    world.say(session, &register(&ann, 1));
    assert_eq!(world.heard(session)[0], registered(&ann, 1, false));
}

#[test]
fn a_name_whose_commit_is_under_way_is_nobodys_yet() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("Ann", 2));
    world.held = true;
    let first = world.join(1, &ann, 1);
    let second = world.join(2, &bea, 1);
    let wait = FromRegistry::Busy(Busy {
        of: None,
        reason: BusyReason::Overload,
        retry_after_ms: 1_000,
    });
    assert_eq!(world.take(), [Did::Say(second, wait)]);
    world.commit();
    assert_eq!(world.heard(first)[0], registered(&ann, 1, false));
    world.say(second, &register(&bea, 1));
    assert_eq!(world.heard(second), [refused(RegistrationRefusal::NameTaken)]);
}

#[test]
fn leaving_that_overtakes_its_registration_wins() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.open(1, &ann);
    world.held = true;
    world.say(session, &register(&ann, 1));
    world.say(session, &ToRegistry::Deregister { counter: 1 });
    assert_eq!(
        world.take(),
        [Did::Say(session, FromRegistry::Deregistered { counter: 1 })]
    );
    world.commit();
    world.held = false;
    assert_eq!(world.heard(session), [], "he left before he came");
    world.say(session, &register(&ann, 1));
    let behind = refused(RegistrationRefusal::CounterBehind { seen: 1 });
    assert_eq!(world.heard(session), [behind]);
    world.say(session, &register(&ann, 2));
    assert_eq!(world.heard(session)[0], registered(&ann, 2, true));
    world.say(session, &ToRegistry::Deregister { counter: 1 });
    world.say(session, &ToRegistry::KeepAlive { counter: 2 });
    assert_eq!(
        world.heard(session),
        [
            FromRegistry::Deregistered { counter: 1 },
            FromRegistry::Alive { counter: 2 }
        ],
        "an old leaving ends nothing"
    );
}

#[test]
fn a_session_that_died_before_its_commit_leaves_nobody_online() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let old = world.join(1, &ann, 1);
    world.held = true;
    let new = world.join(2, &ann, 2);
    world.close(new, CloseCause::Reset);
    world.take();
    world.held = false;
    world.commit();
    assert_eq!(world.take()[0], Did::Close(old, CloseCode::Superseded));
    assert!(world.registry.online.is_empty());
}

#[test]
fn a_released_name_gives_its_place_back() {
    let mut world = World::new(Config {
        names_max: 1,
        ..Config::default()
    });
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    world.join(1, &ann, 1);
    assert_eq!(world.store.release(&ann.name).unwrap(), Some(0));
    world.restart();
    let to_bea = world.join(2, &bea, 1);
    assert_eq!(world.heard(to_bea)[0], registered(&bea, 1, false));
    let carl = Person::new("carl", 3);
    let to_carl = world.join(3, &carl, 1);
    assert_eq!(world.heard(to_carl), [refused(RegistrationRefusal::Full)]);
}

/// What a session is told of others' coming and going in the next moment.
pub(super) fn presence_told(world: &mut World, session: SessionId) -> Vec<(Name, bool)> {
    world.run(Duration::from_secs(2), &[session]);
    pages(&world.heard(session))
        .into_iter()
        .flat_map(|page| page.changes.as_slice())
        .map(|change| match change {
            Change::Presence { name, presence } => (name.clone(), presence.online.is_some()),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn leaving_a_new_session_before_its_commit_is_told_to_the_others() {
    let (mut world, ann, _, new, to_bea) = replaced();
    world.held = true;
    world.say(new, &register(&ann, 2));
    world.say(new, &ToRegistry::Deregister { counter: 2 });
    world.held = false;
    world.commit();
    assert_eq!(world.registry.online.len(), 1);
    assert_eq!(presence_told(&mut world, to_bea), [(ann.name, false)]);
}

/// Ann, who is online, begins two registrations more; the disk takes the second, which is answered by the third, and
/// not the third.
fn overtaken_in_vain(world: &mut World, ann: &Person, to_ann: SessionId) {
    world.held = true;
    world.say(to_ann, &register(ann, 2));
    world.say(to_ann, &register(ann, 3));
    let later = world.asked.split_off(1);
    world.commit_asked();
    world.asked = later;
    world.failing = true;
    world.commit();
    (world.held, world.failing) = (false, false);
}

#[test]
fn a_registration_that_was_overtaken_by_one_that_fails_leaves_nobody_online_in_silence() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = (world.join(1, &ann, 1), world.join(2, &bea, 1));
    world.settle();
    overtaken_in_vain(&mut world, &ann, to_ann);
    assert_eq!(presence_told(&mut world, to_bea), [(ann.name.clone(), false)]);
    world.say(to_ann, &register(&ann, 2));
    assert_eq!(world.heard(to_ann)[0], registered(&ann, 2, true));
}

#[test]
fn a_session_whose_last_registration_failed_is_closed_after_a_lease() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let to_ann = world.join(1, &ann, 1);
    world.settle();
    overtaken_in_vain(&mut world, &ann, to_ann);
    world.take();
    let closed = Did::Close(to_ann, CloseCode::Done);
    world.run(Duration::from_millis(59_999), &[to_ann]);
    assert!(!world.take().contains(&closed));
    world.run(Duration::from_millis(1), &[to_ann]);
    assert!(world.take().contains(&closed));
}

#[test]
fn registrations_of_one_client_are_paced() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.open(1, &ann);
    for counter in 1..=21 {
        world.say(session, &register(&ann, counter));
    }
    assert_eq!(
        world.heard(session).last(),
        Some(&replayed(0)),
        "a new name is admission's, then twenty at once"
    );
    world.say(session, &register(&ann, 22));
    let busy = |retry_after_ms| {
        FromRegistry::Busy(Busy {
            of: None,
            reason: BusyReason::Rate,
            retry_after_ms,
        })
    };
    assert_eq!(world.heard(session), [busy(500)]);
    world.pass(Duration::from_millis(499));
    world.say(session, &register(&ann, 22));
    assert_eq!(world.heard(session), [busy(1)]);
    world.pass(Duration::from_millis(1));
    world.say(session, &register(&ann, 22));
    assert_eq!(world.heard(session)[0], registered(&ann, 22, true));
}

#[test]
fn what_needs_a_registration_says_so() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.open(1, &ann);
    for message in [
        ToRegistry::KeepAlive { counter: 0 },
        ToRegistry::Lookup {
            name: ann.name.clone(),
        },
        ToRegistry::Withdraw { slot: slot(0) },
        deposit(&ann.envelope(&ann, 0, "x")),
    ] {
        world.say(session, &message);
        assert_eq!(
            world.take(),
            [Did::Say(session, FromRegistry::NotRegistered)],
            "{message:?}"
        );
    }
}

#[test]
fn what_cannot_be_decoded_ends_the_session_and_nothing_else() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (first, second) = (world.join(1, &ann, 1), world.join(2, &bea, 1));
    world.take();
    world.say_bytes(first, vec![0xff; 40]);
    assert_eq!(world.take()[0], Did::Close(first, CloseCode::Violation));
    assert_eq!(world.registry.online.len(), 1);
    world.say_bytes(first, vec![0xff; 40]);
    assert_eq!(world.take(), [], "what comes after is nobody's");
    world.say(second, &ToRegistry::KeepAlive { counter: 1 });
    assert_eq!(world.heard(second), [FromRegistry::Alive { counter: 1 }]);
}
