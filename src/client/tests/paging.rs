//! Updates of the directory: pages, versions, how often they are told, and which addresses of them are used.

use super::driver::{Driver, ms};
use super::people::online;
use crate::client::interface::Event;
use crate::wire::codec::Bounded;
use crate::wire::message::{Addresses, Change, FromRegistry, Page, Presence, ToRegistry, Version};

#[test]
fn changes_of_the_directory_are_told_at_most_once_a_second() {
    let mut driver = Driver::registered(&[]);
    driver.pass(ms(1_000));
    driver.delta(2, Change::Record(online("bob")));
    driver.delta(3, Change::Record(online("carol")));
    driver.delta(4, Change::Record(online("dave")));
    assert_eq!(driver.events(), [Event::TableUpdated]);
    driver.pass(ms(999));
    assert_eq!(driver.events(), []);
    driver.pass(ms(1));
    assert_eq!(driver.events(), [Event::TableUpdated]);
    driver.pass(ms(5_000));
    assert_eq!(driver.events(), []);
    let image = driver.store.image().unwrap();
    assert_eq!(image.registries[0].directory.len(), 3);
    assert_eq!(image.registries[0].version.unwrap().counter, 4);
}

#[test]
fn a_delta_that_does_not_fit_is_answered_with_what_we_have() {
    let mut driver = Driver::registered(&[]);
    driver.delta(7, Change::Record(online("bob")));
    assert!(matches!(driver.to_registry()[..],
        [ToRegistry::DirectoryAck { version }] if version.counter == 1));
    driver.send("bob", "hi");
    assert!(driver.connects.is_empty(), "not used");
}

#[test]
fn pages_in_any_order_make_one_directory() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let page = |index, who: &str| {
        FromRegistry::Directory(Page {
            from: None,
            to: Version { run: 6, counter: 9 },
            index,
            last: index == 1,
            changes: Bounded::truncated(vec![Change::Record(online(who))]),
        })
    };
    driver.hear(page(1, "dave"));
    assert_eq!(driver.events(), []);
    driver.hear(page(0, "carol"));
    assert_eq!(driver.events(), [Event::TableUpdated]);
    let image = driver.store.image().unwrap();
    let names: Vec<&str> = image.registries[0]
        .directory
        .iter()
        .map(|listed| listed.record.name.as_str())
        .collect();
    assert_eq!(names, ["carol", "dave"], "bob is gone");
}

#[test]
fn pages_beyond_the_last_one_make_no_directory() {
    let mut driver = Driver::registered(&[online("bob")]);
    driver.pass(ms(1_000));
    let page = |index, last| {
        FromRegistry::Directory(Page {
            from: None,
            to: Version { run: 6, counter: 9 },
            index,
            last,
            changes: Bounded::truncated(vec![]),
        })
    };
    driver.clear();
    driver.hear(page(5, false));
    driver.hear(page(1, true));
    assert_eq!(driver.to_registry(), [], "page 0 has not come");
    assert_eq!(driver.events(), []);
}

#[test]
fn only_addresses_that_can_be_one_machines_are_called() {
    let private = [
        "192.168.1.5:60",
        "[fd00::1]:60",
        "198.51.100.7:60", // somebody else's, called private
    ];
    let crowd = [
        "192.168.1.5:60",
        "192.168.1.5:61",
        "192.168.1.5:62",
        "192.168.1.5:63",
    ];
    assert_eq!(
        called(&crowd, "10.0.0.1:60"),
        ["192.168.1.5:60", "192.168.1.5:61", "10.0.0.1:60"],
        "the observed one is not crowded out"
    );
    for (observed, expected) in [
        (
            "10.0.0.1:60",
            &["192.168.1.5:60", "[fd00::1]:60", "10.0.0.1:60"][..],
        ),
        ("10.0.0.1:0", &["192.168.1.5:60", "[fd00::1]:60"]),
        ("224.0.0.1:60", &["192.168.1.5:60", "[fd00::1]:60"]),
        ("255.255.255.255:60", &["192.168.1.5:60", "[fd00::1]:60"]),
        ("[ff02::1]:60", &["192.168.1.5:60", "[fd00::1]:60"]),
        ("0.0.0.0:60", &["192.168.1.5:60", "[fd00::1]:60"]),
    ] {
        assert_eq!(called(&private, observed), expected, "{observed}");
    }
}

/// The addresses at which Bob is called, if these are told.
fn called(private: &[&str], observed: &str) -> Vec<String> {
    let mut record = online("bob");
    record.presence = Presence {
        online: Some(Addresses {
            observed: observed.parse().unwrap(),
            private: Bounded::truncated(private.iter().map(|text| text.parse().unwrap()).collect()),
        }),
        ..record.presence
    };
    let mut driver = Driver::registered(&[record]);
    driver.send("bob", "hi");
    let connects = driver.connects.iter();
    connects.map(|connect| connect.address.to_string()).collect()
}
