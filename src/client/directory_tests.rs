//! Tests of `directory.rs`: what a copy of the directory keeps.

use super::*;
use crate::clock::WallTime;
use crate::identity::Identity;
use crate::wire::codec::Bounded;

fn card() -> Card {
    *Identity::from_seed(&[1; 32], Role::Client).card()
}

/// The record of a name. One identity has them all, which only a registry would mind.
fn record(name: &str) -> Record {
    Record {
        name: name.parse().unwrap(),
        card: card(),
        presence: Presence {
            online: None,
            since: WallTime::default(),
        },
    }
}

#[test]
fn names_that_are_gone_make_room_for_those_that_are_new() {
    let mut directory = Directory::default();
    for number in 0..NAMES_KEPT_MAX {
        directory.found(record(&format!("a{number}")), Instant::ZERO);
    }
    let page = Page {
        from: None,
        to: Version { run: 1, counter: 1 },
        index: 0,
        last: true,
        changes: Bounded::truncated(vec![Change::Record(record("b0")), Change::Record(record("b1"))]),
    };
    let applied = directory.page(page, Instant::ZERO);
    assert_eq!(applied.changed.len(), NAMES_KEPT_MAX + 2);
    assert_eq!(directory.knows("b1"), Knowledge::Listed(card()));
    assert_eq!(directory.knows("a0"), Knowledge::Unknown);
}
