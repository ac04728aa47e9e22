//! Whom the user does not want to hear: nothing of his is shown, what he is told is true, and it lasts.

use super::driver::{Driver, ms};
use super::others::REGISTRY;
use super::people::{claim, message_from, name, offline, online, person, usurped};
use super::rooms::{inside, inside_with, message, says};
use crate::client::interface::{Command, Event, NotAccepted, Partner, PeopleCommand, PeopleEvent, Subject};
use crate::client::{Config, Receipts};
use crate::limits::BLOCKED_MAX;
use crate::transport::SessionId;
use crate::wire::message::{BusyReason, Change, ToPeer, ToRegistry};

fn bob() -> Partner {
    Partner::Person(name("bob"))
}

fn from_bob(sequence: u64) -> crate::wire::message::Forward {
    message_from("bob", 1, sequence, 0, &format!("number {sequence}"))
}

const fn nothing_to_do() -> Event {
    Event::NotAccepted(NotAccepted::NoChange)
}

impl Driver {
    fn people(&mut self, command: PeopleCommand) -> Vec<Event> {
        self.clear();
        self.command(Command::People(command));
        self.events()
    }

    fn blocks_bob(&mut self) {
        let blocked = Event::People(PeopleEvent::Blocked { name: name("bob") });
        assert_eq!(self.people(PeopleCommand::Block(bob())), [blocked]);
    }

    fn who_is_blocked(&mut self) -> Vec<String> {
        match self.people(PeopleCommand::Blocked).as_slice() {
            [Event::People(PeopleEvent::All(all))] => all.iter().map(|one| one.name.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn kept_with(&mut self, subject: Subject) -> Vec<String> {
        self.clear();
        self.command(Command::History {
            subject,
            most: 10,
            before: None,
        });
        match self.events().pop() {
            Some(Event::History(history)) => {
                history.messages.into_iter().map(|message| message.text).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn hears_from_bob(&mut self, session: SessionId, sequence: u64) {
        self.hear_from(session, &ToPeer::Deliver(from_bob(sequence)));
    }
}

#[test]
fn what_is_sent_directly_is_neither_taken_nor_answered() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.hears_from_bob(session, 0);
    driver.blocks_bob();
    driver.clear();
    driver.hears_from_bob(session, 1);
    driver.hears_from_bob(session, 0);
    assert_eq!(driver.events(), []);
    assert_eq!(driver.to_peer(session), []);
    assert_eq!(driver.inbox(), ["number 0"], "the disk hears nothing of it");
}

#[test]
fn what_the_server_keeps_stays_there_and_comes_when_he_is_heard_again() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.blocks_bob();
    driver.clear();
    driver.mail(from_bob(0));
    let answers = driver.to_registry();
    let [ToRegistry::Busy(busy)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(busy.reason, BusyReason::UnknownSender);
    assert_eq!((driver.events(), driver.inbox()), (vec![], vec![]));
    let unblocked = Event::People(PeopleEvent::Unblocked { name: name("bob") });
    assert_eq!(driver.people(PeopleCommand::Unblock(bob())), [unblocked]);
    driver.mail(from_bob(0));
    assert_eq!(driver.inbox(), ["number 0"]);
    assert!(matches!(
        driver.to_registry().as_slice(),
        [ToRegistry::Receipt(_)]
    ));
}

#[test]
fn it_lasts_and_another_name_does_not_help_him() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    driver.blocks_bob();
    driver.pass(ms(1_000));
    driver.restart();
    driver.come_up();
    driver.drained();
    assert_eq!(driver.who_is_blocked(), ["bob"]);
    // The name is another's now, and he goes by rob.
    let mut record = online("bob");
    record.name = name("rob");
    driver.delta(2, Change::Record(record));
    let session = driver.peer_opens("bob");
    driver.clear();
    driver.hear_from(session, &ToPeer::Deliver(claim("bob", "rob")));
    assert_eq!((driver.events(), driver.inbox()), (vec![], vec![]));
    let unblocked = Event::People(PeopleEvent::Unblocked { name: name("bob") });
    let rob = PeopleCommand::Unblock(Partner::Person(name("rob")));
    assert_eq!(driver.people(rob), [unblocked], "by the name that he has");
    assert_eq!(driver.who_is_blocked(), [""; 0]);
}

#[test]
fn a_name_that_was_blocked_is_unblocked_though_it_is_anothers() {
    let mut driver = Driver::registered(&[offline("bob")]);
    driver.send("bob", "hi");
    driver.blocks_bob();
    driver.delta(2, Change::Record(usurped()));
    driver.command(Command::Trust {
        name: name("bob"),
        fingerprint: person("eve").id().fingerprint(),
    });
    driver.blocks_bob();
    assert_eq!(driver.who_is_blocked(), ["bob", "bob"]);
    assert_eq!(driver.people(PeopleCommand::Unblock(bob())).len(), 2);
    assert_eq!(driver.who_is_blocked(), [""; 0]);
    assert_eq!(driver.people(PeopleCommand::Unblock(bob())), [nothing_to_do()]);
}

#[test]
fn what_he_has_written_is_in_no_history_until_he_is_heard_again() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.hears_from_bob(session, 0);
    driver.send("bob", "number mine");
    driver.blocks_bob();
    for subject in [
        Subject::All,
        Subject::With(bob()),
        Subject::Words("number".to_owned()),
    ] {
        assert_eq!(driver.kept_with(subject), ["number mine"]);
    }
    driver.people(PeopleCommand::Unblock(bob()));
    assert_eq!(driver.kept_with(Subject::With(bob())).len(), 2);
}

#[test]
fn what_he_posts_is_kept_and_not_shown_and_holds_up_nobody() {
    let mut driver = inside(0);
    driver.blocks_bob();
    driver.clear();
    driver.comes(1, 0, true, message(0));
    driver.comes(2, 1, false, says("carol", 0, "carol 0"));
    assert_eq!(driver.posts_read(), ["carol 0"]);
    assert_eq!(driver.had(), [1, 2]);
    assert_eq!(driver.inbox(), ["bob 0", "carol 0"]);
    driver.pass(ms(1_000));
    driver.see();
    driver.restart();
    assert_eq!(driver.read(), [], "it counts as seen");
    driver.people(PeopleCommand::Unblock(bob()));
    assert_eq!(driver.kept_with(Subject::All), ["bob 0", "carol 0"]);
}

#[test]
fn whoever_is_known_by_what_he_has_posted_alone_can_be_blocked() {
    let mut driver = inside(0);
    let carol = || Partner::Person(name("carol"));
    let unknown = driver.people(PeopleCommand::Block(carol()));
    assert!(matches!(unknown[..], [Event::Fingerprint { id: None, .. }]));
    driver.comes(1, 0, true, says("carol", 0, "carol 0"));
    let blocked = Event::People(PeopleEvent::Blocked { name: name("carol") });
    assert_eq!(driver.people(PeopleCommand::Block(carol())), [blocked]);
    driver.comes(2, 1, false, says("carol", 1, "carol 1"));
    assert_eq!(driver.posts_read(), [""; 0]);
}

#[test]
fn what_he_posts_needs_no_handling() {
    let config = Config {
        receipts: Receipts::Handled,
        ..Driver::config()
    };
    let mut driver = inside_with(config, 0);
    driver.blocks_bob();
    driver.clear();
    driver.comes(1, 0, true, message(0));
    assert_eq!(driver.posts_read(), [""; 0]);
    assert_eq!(driver.had().last(), Some(&1));
}

#[test]
fn what_had_come_before_and_was_not_shown_is_not_shown() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    // Its predecessor is missing: it is held back.
    driver.hears_from_bob(session, 1);
    assert_eq!(driver.read(), []);
    driver.blocks_bob();
    driver.pass(ms(3_000));
    assert_eq!(driver.read(), []);
    driver.restart();
    driver.come_up();
    assert_eq!(driver.read(), []);
}

#[test]
fn only_so_many_can_be_blocked() {
    let mut driver = Driver::registered(&[online("bob")]);
    let insert = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT ?1)
        INSERT INTO blocked SELECT randomblob(32), 'x' || n, n FROM number";
    let most = i64::try_from(BLOCKED_MAX).unwrap();
    driver.store.connection().execute(insert, [most]).unwrap();
    driver.pass(ms(1_000));
    driver.restart();
    driver.come_up();
    driver.directory_of_run(6, &[online("bob")]);
    assert_eq!(
        driver.people(PeopleCommand::Block(bob())),
        [Event::NotAccepted(NotAccepted::BlockedFull)]
    );
    driver.people(PeopleCommand::Unblock(Partner::Person(name("x1"))));
    driver.blocks_bob();
    assert_eq!(driver.people(PeopleCommand::Block(bob())), [nothing_to_do()]);
    assert_eq!(driver.who_is_blocked().len(), BLOCKED_MAX);
}

#[test]
fn without_a_registry_he_hears_nothing_either() {
    let mut driver = Driver::alone(&[50]);
    let session = driver.with_bob();
    driver.blocks_bob();
    driver.clear();
    driver.hears_from_bob(session, 0);
    assert_eq!((driver.events(), driver.to_peer(session)), (vec![], vec![]));
    assert_eq!(driver.closes, []);
    assert_ne!(session, REGISTRY);
}
