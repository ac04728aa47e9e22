//! Who there is, who comes and who goes, as far as the registry tells.

use super::driver::{Driver, ms};
use super::people::{address, gone, here, name, offline, online};
use crate::client::interface::{Command, Event, Names, NotAccepted, Trust, User, Users};
use crate::clock::WallTime;
use crate::wire::message::Change;

impl Driver {
    fn users(&mut self) -> Users {
        self.command(Command::Users);
        match self.events().pop() {
            Some(Event::Users(users)) => users,
            other => panic!("{other:?}"),
        }
    }

    /// Who is told to have come or gone in the next second.
    fn presences(&mut self) -> Vec<(String, bool)> {
        self.pass(ms(1_000));
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Presence { name, online } => Some((name.to_string(), online)),
                _ => None,
            })
            .collect()
    }
}

fn user(who: &str, online: bool) -> User {
    User {
        name: name(who),
        trust: if who == "alice" { Trust::Known } else { Trust::New },
        online,
        since: Some(WallTime::from_unix_ms(if online { 1 } else { 2 })),
        address: online.then(|| address(60)),
    }
}

fn comes(who: &str) -> Change {
    Change::Presence {
        name: name(who),
        presence: here(),
    }
}

fn goes(who: &str) -> Change {
    Change::Presence {
        name: name(who),
        presence: gone(),
    }
}

#[test]
fn the_list_has_all_whom_the_registry_tells_of_and_oneself() {
    let mut driver = Driver::registered(&[offline("carol"), online("bob"), online("alice")]);
    assert_eq!(
        driver.users(),
        Users {
            users: vec![user("alice", true), user("bob", true), user("carol", false)],
            all: true,
            current: true,
        }
    );
    driver.lose_registry();
    let users = driver.users();
    assert!(!users.current);
    assert_eq!(users.users[1..], [user("bob", true), user("carol", false)]);
    assert!(!users.users[0].online, "of ourselves we know better");
}

#[test]
fn where_the_registry_tells_only_of_those_asked_for_the_list_is_not_all() {
    let mut driver = Driver::registered(&[]);
    driver.send("aaron", "hi");
    driver.hear(crate::wire::message::FromRegistry::Found {
        record: online("aaron"),
    });
    let users = driver.users();
    assert!(!users.all);
    let names: Vec<&str> = users.users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["aaron", "alice"]);
    assert!(users.users[1].online);
}

#[test]
fn who_comes_and_goes_is_told_where_it_is_wanted() {
    let mut driver = Driver::registered(&[online("bob"), online("alice")]);
    driver.delta(2, goes("bob"));
    assert_eq!(driver.presences(), []);
    driver.command(Command::Presence { on: true });
    driver.command(Command::Presence { on: true });
    assert_eq!(
        driver.events(),
        [
            Event::PresenceTold { on: true },
            Event::NotAccepted(NotAccepted::NoChange)
        ]
    );
    driver.delta(3, comes("bob"));
    assert_eq!(driver.presences(), [("bob".to_owned(), true)]);
    driver.delta(4, Change::Record(online("dave")));
    assert_eq!(driver.presences(), [("dave".to_owned(), true)]);
    driver.delta(5, Change::Record(offline("erin")));
    driver.delta(6, goes("alice"));
    assert_eq!(
        driver.presences(),
        [],
        "of ourselves nothing, of the absent neither"
    );
    driver.delta(7, goes("dave"));
    assert_eq!(driver.presences(), [("dave".to_owned(), false)]);
    driver.command(Command::Presence { on: false });
    assert_eq!(driver.events(), [Event::PresenceTold { on: false }]);
    driver.delta(8, goes("bob"));
    assert_eq!(driver.presences(), []);
}

#[test]
fn names_are_told_where_they_are_wanted_and_when_there_are_others() {
    let known = |people: &[&str]| {
        Event::Names(Names {
            people: people.iter().map(|who| (name(who), Trust::New)).collect(),
            rooms: Vec::new(),
        })
    };
    let mut driver = Driver::registered(&[offline("Carol"), online("bob"), online("alice")]);
    driver.delta(2, goes("bob"));
    driver.pass(ms(1_000));
    assert_eq!(driver.events(), [Event::TableUpdated]);
    driver.command(Command::Names);
    assert_eq!(driver.events(), [known(&["bob", "Carol"])]);
    driver.delta(3, Change::Record(online("aaron")));
    driver.pass(ms(1_000));
    // First: whoever reads that the table is another can complete what is in it.
    assert_eq!(
        driver.events(),
        [known(&["aaron", "bob", "Carol"]), Event::TableUpdated]
    );
    driver.delta(4, Change::Removed { name: name("bob") });
    driver.pass(ms(1_000));
    assert_eq!(driver.events(), [known(&["aaron", "Carol"]), Event::TableUpdated]);
}

#[test]
fn of_one_who_comes_and_goes_in_a_moment_the_end_is_told() {
    let mut driver = Driver::registered(&[online("bob"), online("carol")]);
    driver.command(Command::Presence { on: true });
    driver.pass(ms(2_000));
    // The first is told at once, and the others a second later.
    driver.delta(2, goes("bob"));
    for counter in (3..20).step_by(2) {
        driver.delta(counter, comes("bob"));
        driver.delta(counter + 1, goes("bob"));
    }
    driver.delta(21, goes("carol"));
    assert_eq!(
        driver.presences(),
        [("bob".to_owned(), false), ("carol".to_owned(), false)]
    );
    assert_eq!(driver.presences(), []);
}
