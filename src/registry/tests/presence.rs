//! Leases, closing, taking a session's place, stopping, the operator's table.

use super::mail::passed_on;
use super::registration::presence_told;
use super::*;
use crate::registry::interface::Row as TableLine;

#[test]
fn a_lease_ends_a_minute_after_the_last_packet_and_not_before() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.join(1, &ann, 1);
    world.settle();
    world.pass(Duration::from_secs(7));
    world.hear(session);
    let end = world.in_(60_000);
    world.run(Duration::from_micros(59_999_999), &[]);
    assert_eq!(world.registry.online.len(), 1);
    assert_eq!(world.registry.poll_timeout(), Some(end));
    world.run(Duration::from_micros(1), &[]);
    assert!(world.registry.online.is_empty());
    world.say(session, &ToRegistry::KeepAlive { counter: 1 });
    assert_eq!(world.heard(session), [FromRegistry::NotRegistered]);
    world.say(session, &register(&ann, 1));
    assert_eq!(
        world.heard(session)[0],
        registered(&ann, 1, true),
        "the same registration, in the same session, goes on"
    );
}

#[test]
fn a_keep_alive_of_another_registration_is_not_answered_as_if_it_were_this_one() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.join(1, &ann, 2);
    world.settle();
    for (counter, answer) in [
        (1, FromRegistry::NotRegistered),
        (3, FromRegistry::NotRegistered),
        (2, FromRegistry::Alive { counter: 2 }),
    ] {
        world.say(session, &ToRegistry::KeepAlive { counter });
        assert_eq!(world.heard(session), [answer]);
    }
    assert_eq!(world.registry.online.len(), 1, "and it changes nothing");
}

#[test]
fn every_end_of_a_session_but_one_makes_offline_at_once() {
    for (cause, online) in [
        (CloseCause::Remote(CloseCode::Done), 0),
        (CloseCause::Reset, 0),
        (CloseCause::Silent, 0),
        (CloseCause::Idle, 0),
        (CloseCause::Replaced(SessionId(2)), 1),
    ] {
        let mut world = World::new(Config::default());
        let session = world.join(1, &Person::new("ann", 1), 1);
        world.close(session, cause);
        assert_eq!(world.registry.online.len(), online, "{cause:?}");
    }
}

/// Ann and Bea are registered; another session has taken the place of Ann's, and she has not registered in it yet.
pub(super) fn replaced() -> (World, Person, Person, SessionId, SessionId) {
    let (mut world, ann, bea, old, to_bea) = super::mail::pair();
    let new = world.open(3, &ann);
    world.close(old, CloseCause::Replaced(new));
    (world, ann, bea, new, to_bea)
}

#[test]
fn who_was_replaced_stays_online_for_a_lease_and_hears_nothing_until_he_registers() {
    let (mut world, ann, bea, new, to_bea) = replaced();
    let text = bea.envelope(&ann, 0, "x");
    world.say(to_bea, &deposit(&text));
    assert_eq!(world.take(), [Did::Say(to_bea, deposited(0, &text))]);
    world.say(new, &register(&ann, 2));
    let heard = world.heard_mail(new);
    assert_eq!(heard, [registered(&ann, 2, true), passed_on(&text), replayed(1)]);
    let newer = world.open(4, &ann);
    world.close(new, CloseCause::Replaced(newer));
    world.run(Duration::from_micros(59_999_999), &[to_bea]);
    assert_eq!(world.registry.online.len(), 2);
    world.run(Duration::from_micros(1), &[to_bea]);
    assert_eq!(world.registry.online.len(), 1, "he never registered");
}

#[test]
fn who_leaves_in_a_session_in_which_he_is_not_registered_leaves_all_the_same() {
    let (mut world, ann, _, new, to_bea) = replaced();
    world.say(new, &ToRegistry::Deregister { counter: 0 });
    assert_eq!(world.heard(new), [FromRegistry::Deregistered { counter: 0 }]);
    assert_eq!(world.registry.online.len(), 2, "a lower number ends nothing");
    world.say(new, &ToRegistry::Deregister { counter: 2 });
    let answer = Did::Say(new, FromRegistry::Deregistered { counter: 2 });
    assert!(world.did.contains(&answer));
    assert_eq!(presence_told(&mut world, to_bea), [(ann.name.clone(), false)]);
    world.say(new, &register(&ann, 2));
    assert_eq!(world.registry.online.len(), 1, "what was overtaken is past");
    world.say(new, &register(&ann, 3));
    assert_eq!(world.registry.online.len(), 2);
}

#[test]
fn whoever_leaves_ends_no_stay_but_his_own() {
    let (mut world, ann, _, _, _) = replaced();
    let (eve, other_ann) = (Person::new("eve", 7), Person::new("ann", 8));
    for (session, person) in [(5, &eve), (6, &other_ann)] {
        let session = world.open(session, person);
        world.say(session, &ToRegistry::Deregister { counter: 9 });
        assert_eq!(world.heard(session), [FromRegistry::Deregistered { counter: 9 }]);
    }
    assert_eq!(world.registry.online.len(), 2, "{} is here", ann.name);
}

#[test]
fn nobody_is_online_after_a_restart() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    world.join(1, &ann, 1);
    world.restart();
    let session = world.join(2, &bea, 1);
    let heard = world.heard(session);
    let names = table(&heard);
    assert_eq!(names, [("ann".to_owned(), false), ("bea".to_owned(), true)]);
}

#[test]
fn stopping_closes_all_sessions_records_the_age_and_ends_when_it_is_committed() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (first, second) = (world.join(1, &ann, 1), world.open(2, &bea));
    world.settle();
    world.pass(Duration::from_secs(5));
    world.take();
    world.held = true;
    world.drive(|registry, cx| registry.handle_command(cx, Command::Stop));
    assert_eq!(
        world.take(),
        [
            Did::Close(first, CloseCode::Done),
            Did::Close(second, CloseCode::Done)
        ]
    );
    assert_eq!(world.registry.poll_timeout(), None);
    let age = world.registry.age.age(world.now.at);
    world.commit();
    assert_eq!(world.take(), [Did::Event(Event::Ended)]);
    let image = world.store.image().unwrap();
    assert_eq!((image.age, image.saved_at), (age, world.now.wall));
}

#[test]
fn the_age_is_recorded_every_minute() {
    let mut world = World::new(Config::default());
    world.held = true;
    assert_eq!(world.next(), Duration::from_secs(60));
    assert!(matches!(world.asked[..], [(_, Request::SaveAge { .. })]));
    assert_eq!(world.next(), Duration::from_secs(60));
}

#[test]
fn the_operator_sees_the_table_at_once_then_at_most_once_a_second_sorted() {
    let mut world = World::new(Config::default());
    let (zoe, ann) = (Person::new("zoe", 1), Person::new("Ann", 2));
    let line = |person: &Person, since| TableLine {
        name: person.name.clone(),
        address: Some(person.address),
        since,
    };
    let tables = |world: &mut World| {
        let mut did = world.take();
        did.retain(|did| matches!(did, Did::Event(_)));
        did
    };
    let begin = world.now.wall;
    world.join(1, &zoe, 1);
    let one = Did::Event(Event::Table(vec![line(&zoe, begin)]));
    assert_eq!(tables(&mut world), [one]);
    world.pass(Duration::from_micros(999_999));
    let later = world.now.wall;
    world.join(2, &ann, 1);
    assert_eq!(tables(&mut world), []);
    world.run(Duration::from_micros(1), &[]);
    let two = Did::Event(Event::Table(vec![line(&ann, later), line(&zoe, begin)]));
    assert_eq!(tables(&mut world), [two]);
}

#[test]
fn while_a_table_is_not_shown_there_is_no_other_and_then_the_newest() {
    let mut world = World::new(Config::default());
    world.operator_away = true;
    world.join(1, &Person::new("p1", 1), 1);
    for n in 2..=5 {
        world.pass(Duration::from_secs(2));
        world.join(n.into(), &Person::new(&format!("p{n}"), n), 1);
        world.run(Duration::from_secs(2), &[]);
    }
    let sizes = |world: &mut World| -> Vec<usize> {
        let tables = world.take().into_iter();
        tables
            .filter_map(|did| match did {
                Did::Event(Event::Table(rows)) => Some(rows.len()),
                _ => None,
            })
            .collect()
    };
    assert_eq!(sizes(&mut world), [1]);
    for expected in [vec![5], vec![]] {
        world.drive(|registry, cx| registry.handle_command(cx, Command::Shown));
        assert_eq!(sizes(&mut world), expected);
        world.pass(Duration::from_secs(2));
    }
}

#[test]
fn a_long_table_is_not_shown() {
    let mut world = World::new(Config::unlimited());
    for n in 1..=51 {
        world.take();
        world.pass(Duration::from_secs(2));
        world.join(n.into(), &Person::new(&format!("p{n}"), n), 1);
        let shown = world.take().iter().any(|did| matches!(did, Did::Event(_)));
        assert_eq!(shown, n <= 50);
    }
}

#[test]
fn a_session_for_another_service_is_closed() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    world.drive(|registry, cx| {
        registry.handle_session(
            cx,
            SessionEvent::Opened {
                session: SessionId(1),
                attempt: None,
                service: Service::Peer,
                peer: *ann.identity.card(),
                address: ann.address,
            },
        );
    });
    assert_eq!(world.take(), [Did::Close(SessionId(1), CloseCode::Violation)]);
}

#[test]
fn a_session_in_which_nobody_registers_is_closed_after_a_lease() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (visitor, member) = (world.open(1, &ann), world.join(2, &bea, 1));
    world.settle();
    world.run(Duration::from_secs(50), &[visitor, member]);
    world.take();
    world.run(Duration::from_secs(10), &[visitor, member]);
    assert!(world.take().contains(&Did::Close(visitor, CloseCode::Done)));
    assert!(!world.registry.sessions.contains_key(&visitor));
    assert_eq!(world.registry.online.len(), 1, "who is registered stays");
}

#[test]
fn a_session_whose_lease_has_ended_is_closed_after_another() {
    let mut world = World::new(Config::default());
    let ann = Person::new("ann", 1);
    let session = world.join(1, &ann, 1);
    world.settle();
    world.hear(session);
    world.run(Duration::from_secs(119), &[]);
    assert!(world.registry.sessions.contains_key(&session));
    world.run(Duration::from_secs(1), &[]);
    assert!(world.registry.sessions.is_empty());
    assert!(world.take().contains(&Did::Close(session, CloseCode::Done)));
}

#[test]
fn a_crowd_that_never_registers_leaves_room_for_those_who_do() {
    let mut world = World::new(Config::unlimited());
    let ann = Person::new("ann", 1);
    let member = world.join(0, &ann, 1);
    let crowd = Person::new("bea", 2);
    for session in 1..=30_000 {
        world.open(session, &crowd);
    }
    assert_eq!(
        world.registry.sessions.len(),
        1 + crate::limits::NETWORK_VISITORS_MAX
    );
    assert!(world.registry.sessions.contains_key(&member));
}
