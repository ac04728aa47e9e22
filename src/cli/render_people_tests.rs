//! What is said of keys and of those who are blocked.

use super::*;
use crate::client::interface::Event;
use crate::clock::WallTime;

const KNOWN: IdentityId = IdentityId([0xab; 32]);
const FOUND: IdentityId = IdentityId([0xcd; 32]);

fn bob() -> Name {
    "bob".parse().unwrap()
}

fn utc(_: time::OffsetDateTime) -> time::UtcOffset {
    time::UtcOffset::UTC
}

fn not_verified(why: NotVerified) -> PeopleEvent {
    PeopleEvent::NotVerified {
        whose: Whose::Person(bob()),
        id: KNOWN,
        trust: Trust::Known,
        why,
    }
}

fn one() -> Blocked {
    Blocked {
        id: KNOWN,
        name: bob(),
        at: WallTime::from_unix_ms(1_767_323_045_678),
    }
}

/// Each event, with its first line.
pub(in crate::cli) fn faces() -> Vec<(Event, &'static str)> {
    let verified = PeopleEvent::Verified {
        whose: Whose::Person(bob()),
        id: KNOWN,
    };
    let faces = [
        (verified, "[The key of bob is verified.]"),
        (
            not_verified(NotVerified::Differs(FOUND.fingerprint())),
            "[That is not the fingerprint of bob: nothing is verified.]",
        ),
        (
            not_verified(NotVerified::Changed(FOUND)),
            "[bob is not verified: another key has turned up, and you have not decided which to believe.]",
        ),
        (
            not_verified(NotVerified::Listed),
            "[bob is not verified: you have written nothing to bob yet, so it is not fixed which key is meant.]",
        ),
        (
            PeopleEvent::Blocked { name: bob() },
            "[bob is blocked: nothing of what bob writes is shown.]",
        ),
        (
            PeopleEvent::Unblocked { name: bob() },
            "[bob is not blocked any more.]",
        ),
        (PeopleEvent::All(Vec::new()), "[Nobody is blocked.]"),
        (PeopleEvent::All(vec![one()]), "[Blocked: 1]"),
    ];
    faces.map(|(event, line)| (Event::People(event), line)).to_vec()
}

#[test]
fn every_kind_has_a_face() {
    let kind = |event: &PeopleEvent| match event {
        PeopleEvent::Verified { .. } => 0,
        PeopleEvent::NotVerified {
            why: NotVerified::Differs(_),
            ..
        } => 1,
        PeopleEvent::NotVerified {
            why: NotVerified::Changed(_),
            ..
        } => 2,
        PeopleEvent::Blocked { .. } => 3,
        PeopleEvent::Unblocked { .. } => 4,
        PeopleEvent::All(_) => 5,
        PeopleEvent::NotVerified {
            why: NotVerified::Listed,
            ..
        } => 6,
    };
    let kinds = faces().into_iter().map(|(event, line)| match event {
        Event::People(event) => {
            assert_eq!(lines(&event, utc).first().map(String::as_str), Some(line));
            kind(&event)
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(kinds.collect::<std::collections::BTreeSet<_>>(), (0..7).collect());
}

#[test]
fn who_is_blocked_is_a_table() {
    assert_eq!(
        lines(&PeopleEvent::All(vec![one()]), utc)[1..],
        ["name  since", "bob   2026-01-02 03:04:05"]
    );
}

#[test]
fn a_fingerprint_comes_with_what_it_is_worth_and_what_to_do() {
    let second = |whose: Whose, trust| fingerprint(&whose, Some(&KNOWN), trust).get(1).cloned();
    let person = || Whose::Person(bob());
    let compare = "  not compared yet. When you have, by another way: verify bob";
    assert_eq!(second(Whose::Own, Trust::Known), None);
    assert_eq!(second(person(), Trust::New).as_deref(), Some(compare));
    let listed = format!("{compare} {}", KNOWN.fingerprint());
    assert_eq!(second(Whose::Listed(bob()), Trust::New), Some(listed));
    let verified = second(person(), Trust::Verified);
    assert_eq!(verified.as_deref(), Some("  verified: you have compared it"));
    let changed = second(Whose::Listed(bob()), Trust::Changed).unwrap();
    assert!(
        changed.ends_with(&format!("trust bob {}", KNOWN.fingerprint())),
        "{changed}"
    );
}

#[test]
fn a_wrong_fingerprint_is_shown_beside_the_right_one() {
    let said = lines(&not_verified(NotVerified::Differs(FOUND.fingerprint())), utc);
    assert_eq!(said[1], format!("  known: {}", KNOWN.fingerprint()));
    assert_eq!(said[2], format!("  given: {}", FOUND.fingerprint()));
}
