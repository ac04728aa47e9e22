//! What was said before: asked for, removed, and thinned with its age.

use std::time::Duration;

use super::driver::{Disk, Driver, ms};
use super::people::{address, message_from, name, online, person};
use crate::client::Config;
use crate::client::interface::{Command, Event, Forgotten, History, Partner, Subject, Way};
use crate::client::storage::{Finish, Request, State};
use crate::client::to::To;
use crate::engine::Role;
use crate::limits::HISTORY_QUESTIONS_MAX;
use crate::transport::{ConnectFault, SessionId};
use crate::wire::message::ToPeer;

fn bob() -> Partner {
    Partner::Person(name("bob"))
}

impl Driver {
    fn history(&mut self, subject: Subject) -> History {
        self.command(Command::History {
            subject,
            most: 10,
            before: None,
        });
        match self.events().as_slice() {
            [Event::History(history)] => history.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The texts of the history, each with where it stands.
    fn texts_with(&mut self, partner: Partner) -> Vec<String> {
        let history = self.history(Subject::With(partner));
        history.messages.into_iter().map(|message| message.text).collect()
    }

    fn forget(&mut self, with: &Partner) -> (u64, u64) {
        self.command(Command::Forget(with.clone()));
        match self.events().as_slice() {
            [
                Event::Forgotten(Forgotten {
                    with: said,
                    removed,
                    kept,
                }),
            ] if said == with => (*removed, *kept),
            other => panic!("{other:?}"),
        }
    }

    /// Alice and bob have each said something, which the other has, and she has seen.
    pub(super) fn talked() -> (Self, SessionId) {
        let mut driver = Self::registered(&[online("bob")]);
        let session = driver.peer_opens("bob");
        driver.hear_from(
            session,
            &ToPeer::Deliver(message_from("bob", 1, 0, 0, "from bob")),
        );
        driver.pass(ms(1));
        driver.send("bob", "from alice");
        let deliveries = driver.deliveries(session);
        driver.answer_delivery("bob", session, &deliveries[0]);
        driver.see();
        driver.events();
        (driver, session)
    }
}

#[test]
fn both_sides_of_a_conversation_are_told_with_times_and_states() {
    let (mut driver, _) = Driver::talked();
    let wall = driver.now.wall;
    let history = driver.history(Subject::With(bob()));
    assert_eq!((&history.own, history.earlier), (&name("alice"), None));
    let [came, went] = history.messages.as_slice() else {
        panic!("{history:?}");
    };
    assert_eq!(
        (came.text.as_str(), went.text.as_str()),
        ("from bob", "from alice")
    );
    assert!(matches!(&came.way, Way::In { from, .. } if *from == name("bob")));
    let delivered = Way::Out {
        state: State::Ended(Finish::Delivered),
        stored_at: None,
        ended_at: Some(wall),
        sealed_for: Some(person("bob").id()),
    };
    assert_eq!((&went.way, &went.with), (&delivered, &To::Peer(name("bob"))));
    let found = driver.history(Subject::Words("alice".to_owned()));
    assert_eq!(found.messages, std::slice::from_ref(went));
    assert_eq!(driver.texts_with(Partner::Person(name("eve"))), [""; 0]);
    assert_eq!(
        driver.texts_with(Partner::Room(name("bob"))),
        [""; 0],
        "that is no person"
    );
}

#[test]
fn what_is_forgotten_is_gone_and_not_shown_when_it_comes_again() {
    let (mut driver, session) = Driver::talked();
    driver.disk = Disk::Waits;
    driver.send("bob", "under way");
    driver.commit();
    assert_eq!(driver.forget(&bob()), (2, 1));
    assert_eq!(driver.texts_with(bob()), ["under way"]);
    driver.hear_from(
        session,
        &ToPeer::Deliver(message_from("bob", 1, 0, 0, "from bob")),
    );
    driver.mail(message_from("bob", 1, 0, 0, "from bob"));
    assert_eq!(driver.read(), []);
    driver.restart();
    assert_eq!(driver.read(), []);
}

#[test]
fn what_was_seen_a_moment_ago_is_forgotten_too() {
    let mut driver = Driver::registered(&[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    assert_eq!(driver.read().len(), 1);
    // Marks are gathered: this one is not written yet.
    driver.see();
    assert_eq!(driver.forget(&bob()), (1, 0));
}

#[test]
fn commands_wait_while_many_answers_do_and_a_disk_that_fails_is_told_of() {
    let (mut driver, _) = Driver::talked();
    driver.disk = Disk::Waits;
    for _ in 0..HISTORY_QUESTIONS_MAX {
        assert!(driver.client.takes_commands());
        let subject = Subject::All;
        driver.command(Command::History {
            subject,
            most: 10,
            before: None,
        });
    }
    assert!(!driver.client.takes_commands());
    driver.disk = Disk::Fails;
    driver.settle();
    let events = driver.events();
    assert_eq!(events.len(), HISTORY_QUESTIONS_MAX);
    assert!(
        events
            .iter()
            .all(|event| matches!(event, Event::Unanswered { .. })),
        "{events:?}"
    );
    assert!(driver.client.takes_commands());
    driver.command(Command::Forget(bob()));
    assert!(matches!(driver.events().last(), Some(Event::Unanswered { .. })));
    driver.commit();
    assert_eq!(driver.texts_with(bob()).len(), 2);
}

#[test]
fn at_an_address_he_is_one_person_by_his_name_and_wherever_he_was_met() {
    let mut driver = Driver::alone(&[50, 51]);
    let session = driver.with_bob();
    driver.say("to both");
    driver.pass(ms(1));
    driver.hear_from(
        session,
        &ToPeer::Deliver(message_from("bob", 1, 0, 0, "from bob")),
    );
    driver.see();
    driver.events();
    for partner in [bob(), Partner::At(address(50))] {
        assert_eq!(driver.texts_with(partner), ["to both", "from bob"]);
    }
    assert_eq!(
        driver.texts_with(Partner::At(address(51))),
        ["to both"],
        "nobody was met there"
    );
    let history = driver.history(Subject::With(bob()));
    assert!(
        history
            .messages
            .iter()
            .all(|message| message.with == To::At(address(50)))
    );
    assert_eq!(
        driver.forget(&bob()),
        (1, 1),
        "his has come, and ours waits for him"
    );
}

#[test]
fn a_room_has_a_history_of_its_own() {
    let mut driver = super::rooms::inside(0);
    driver.post("hello, all");
    driver.events();
    let den = || Partner::Room(super::rooms::hall().name);
    assert_eq!(driver.texts_with(den()), ["hello, all"]);
    let namesake = Partner::Person(super::rooms::hall().name);
    assert_eq!(driver.texts_with(namesake), [""; 0]);
    assert_eq!(driver.forget(&den()), (0, 1));
}

#[test]
fn what_is_too_old_is_removed_when_clocks_have_had_their_time() {
    let hour = Duration::from_secs(3_600);
    let config = Config {
        keep_history: Some(hour),
        ..Driver::config()
    };
    let mut driver = Driver::registered_with(config, &[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "old")));
    driver.see();
    driver.pass(ms(599_000));
    driver.set_wall(5);
    driver.pass(ms(2_000));
    driver.events();
    assert_eq!(driver.texts_with(bob()), ["old"], "a clock makes nothing older");
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 1, 0, "young")));
    driver.see();
    driver.pass(hour - ms(2_000));
    driver.events();
    assert_eq!(driver.texts_with(bob()).len(), 2, "looked for once an hour");
    driver.pass(ms(2_000));
    driver.events();
    assert_eq!(driver.texts_with(bob()), ["young"]);
    driver.restart_with(Driver::config());
    driver.set_wall(24 * 365);
    driver.pass(hour);
    assert!(
        !driver
            .asked
            .iter()
            .any(|asked| matches!(asked, Request::Remove(_))),
        "all is kept unless somebody says otherwise"
    );
}

#[test]
fn questions_wait_until_it_is_known_whose_messages_are_meant() {
    let mut driver = Driver::start();
    driver.open_port();
    driver.command(Command::History {
        subject: Subject::All,
        most: 10,
        before: None,
    });
    driver.command(Command::Forget(bob()));
    assert_eq!(driver.events(), []);
    driver.registry_opens();
    driver.registry_registers();
    let answers = driver.events().into_iter().filter_map(|event| match event {
        Event::History(_) => Some("history"),
        Event::Forgotten(_) => Some("forgotten"),
        _ => None,
    });
    assert_eq!(answers.collect::<Vec<_>>(), ["history", "forgotten"]);
}

#[test]
fn questions_are_refused_where_no_server_is_reached() {
    let mut driver = Driver::start();
    driver.open_port();
    driver.command(Command::Forget(bob()));
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    let events = driver.events();
    let [
        Event::ServerSilent,
        Event::Unanswered { why, .. },
        Event::Ended(_),
    ] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert!(why.starts_with("no server was reached yet"), "{why}");
}
