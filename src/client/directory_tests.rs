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

/// A whole directory in one page.
fn whole(counter: u64, names: &[&str]) -> Page {
    let records = names.iter().map(|name| Change::Record(record(name)));
    Page {
        from: None,
        to: Version { run: 1, counter },
        index: 0,
        last: true,
        changes: Bounded::truncated(records.collect()),
    }
}

#[test]
fn an_update_that_a_newer_one_has_overtaken_changes_nothing() {
    let mut directory = Directory::default();
    directory.page(whole(2, &["b0", "b1"]), Instant::ZERO);
    let late = directory.page(whole(1, &["b0"]), Instant::ZERO);
    assert!(late.mismatch, "what we have is said again");
    assert!(late.changed.is_empty());
    assert_eq!(directory.version(), Some(Version { run: 1, counter: 2 }));
    assert_eq!(directory.knows("b1"), Knowledge::Listed(card()));
    let other_run = Page {
        to: Version { run: 2, counter: 1 },
        ..whole(1, &["b0"])
    };
    directory.page(other_run, Instant::ZERO);
    assert_eq!(
        directory.knows("b1"),
        Knowledge::Unknown,
        "another run begins anew"
    );
}

#[test]
fn names_that_are_gone_make_room_for_those_that_are_new() {
    let listed = (0..NAMES_KEPT_MAX).map(|number| Listed {
        record: record(&format!("a{number}")),
        last_seen: None,
        stale: false,
    });
    let mut directory = Directory::load(listed.collect(), Vec::new(), None);
    let applied = directory.page(whole(1, &["b0", "b1"]), Instant::ZERO);
    assert_eq!(applied.changed.len(), NAMES_KEPT_MAX + 2);
    assert_eq!(directory.knows("b1"), Knowledge::Listed(card()));
    assert_eq!(directory.knows("a0"), Knowledge::Unknown);
}

#[test]
fn names_that_are_not_told_of_make_room_and_contested_ones_last() {
    let owner = *Identity::from_seed(&[2; 32], Role::Client).card();
    // The first two are contested: pinned as somebody else's.
    let names: Vec<String> = (0..NAMES_KEPT_MAX)
        .map(|number| format!("a{number:04}"))
        .collect();
    let listed = names.iter().map(|name| Listed {
        record: record(name),
        last_seen: Some("10.0.0.1:1".parse().unwrap()),
        stale: false,
    });
    let pins = names.iter().enumerate().map(|(number, name)| {
        let whose = if number < 2 { owner } else { card() };
        (name.parse().unwrap(), whose)
    });
    let mut directory = Directory::load(listed.collect(), pins.collect(), None);
    directory.page(whole(1, &[]), Instant::ZERO);
    let contested =
        |directory: &Directory, name| matches!(directory.knows(name), Knowledge::Contested { .. });
    let mut counter = 1;
    let mut tell = |directory: &mut Directory, name: &str| {
        let page = Page {
            from: directory.version(),
            ..whole(counter + 1, &[name])
        };
        directory.page(page, Instant::ZERO);
        counter += 1;
    };
    for number in 2..NAMES_KEPT_MAX {
        tell(&mut directory, &format!("b{number}"));
    }
    assert!(contested(&directory, "a0000") && contested(&directory, "a0001"));
    assert_eq!(directory.addresses("a0002"), []);
    tell(&mut directory, "c");
    assert!(directory.told_of("c"));
    assert_eq!(
        ["a0000", "a0001"].map(|name| contested(&directory, name)),
        [false, true],
        "one of them had to go"
    );
}
