//! A room that is entered without being asked for at the prompt, and being put out of one.

use super::driver::{Driver, ms};
use super::others::STORE_ID;
use super::people::name;
use super::rooms::hall;
use crate::client::Config;
use crate::client::interface::{Command, Ending, Event, NotAccepted, RoomEvent};
use crate::clock::WallTime;
use crate::transport::ConnectFault;
use crate::wire::message::FromRegistry;
use crate::wire::room::*;

/// A client that is to enter the den.
fn to_enter() -> Driver {
    Driver::start_with(Config {
        join: Some(name("den")),
        ..Driver::config()
    })
}

impl Driver {
    /// How often it has asked to enter the den.
    fn joins(&self) -> usize {
        let requests = self.room_requests().into_iter();
        requests
            .filter(|request| request.deed == RoomDeed::Join { name: name("den") })
            .count()
    }

    fn den_news(&mut self, news: News) -> Vec<RoomEvent> {
        self.hear(FromRegistry::RoomNews(RoomNews {
            room: hall().id,
            at: WallTime::from_unix_ms(7),
            members: 2,
            news,
        }));
        self.room_events()
    }
}

#[test]
fn it_is_asked_for_with_the_registration_and_what_was_written_before_goes_there() {
    let mut driver = to_enter();
    driver.post("before");
    assert_eq!(driver.events(), []);
    driver.come_up();
    assert_eq!(driver.joins(), 1);
    driver.post("meanwhile");
    assert_eq!(driver.deposits().len(), 0);
    driver.enters(0);
    assert!(matches!(
        driver.room_events()[..],
        [RoomEvent::Entered { .. }, ..]
    ));
    assert_eq!(driver.answer_deposits(0), 2);
}

#[test]
fn it_is_asked_for_again_by_whoever_registers_again_and_not_in_every_session() {
    let mut driver = to_enter();
    driver.come_up();
    driver.enters(0);
    driver.breaks();
    driver.registry_registers();
    assert_eq!(driver.joins(), 1);
    driver.command(Command::Deregister);
    let counter = driver.client.link.counter();
    driver.hear(FromRegistry::Deregistered { counter });
    driver.pass(ms(1_000));
    driver.command(Command::Register);
    driver.come_up();
    assert_eq!(driver.joins(), 2);
}

#[test]
fn a_room_that_is_not_there_is_said_so() {
    let mut driver = to_enter();
    driver.post("in vain");
    driver.come_up();
    driver.answer_room(Err(RoomRefusal::NoSuchRoom));
    let outside = Event::NotAccepted(NotAccepted::NotInside(name("DEN")));
    assert_eq!(driver.events().last(), Some(&outside));
    driver.post("in vain");
    assert_eq!(driver.events(), [outside]);
}

#[test]
fn where_no_registry_is_only_what_was_written_is_said_to_go_nowhere() {
    let mut driver = to_enter();
    driver.post("in vain");
    driver.open_port();
    let attempt = driver.registry_connect().attempt;
    driver.fail(attempt, ConnectFault::Silent);
    assert_eq!(
        driver.events(),
        [
            Event::ServerSilent,
            Event::NotAccepted(NotAccepted::NotInside(name("DEN"))),
            Event::Ended(Ending::ServerSilent)
        ]
    );
}

#[test]
fn what_happens_in_a_room_says_whether_we_are_out() {
    for (news, is_out) in [
        (News::Left { name: name("bob") }, false),
        (
            News::Kicked {
                name: Some(name("bob")),
            },
            false,
        ),
        (
            News::Kicked {
                name: Some(name("ALICE")),
            },
            true,
        ),
        (News::Kicked { name: None }, true),
        (News::Ended, true),
    ] {
        let mut driver = to_enter();
        driver.come_up();
        driver.enters(0);
        driver.clear();
        let told = driver.den_news(news);
        assert!(
            matches!(told[..], [RoomEvent::News { out, .. }] if out == is_out),
            "{told:?}"
        );
    }
}

#[test]
fn a_lobby_is_offered_to_whoever_is_not_in_it() {
    let offered = || vec![RoomEvent::Offered { room: name("lobby") }];
    let registered = |room: Option<&str>, lobby| {
        let mut driver = Driver::start_with(Config {
            join: room.map(name),
            ..Driver::config()
        });
        driver.open_port();
        driver.registry_opens();
        driver.registered_where(STORE_ID, lobby);
        driver
    };
    let mut driver = registered(None, true);
    assert_eq!(driver.room_events(), offered());
    driver.breaks();
    driver.registered_where(STORE_ID, true);
    assert_eq!(driver.room_events(), [], "once in a registration of his own");
    assert_eq!(registered(Some("den"), true).room_events(), offered());
    assert_eq!(registered(Some("lobby"), true).room_events(), []);
    assert_eq!(registered(None, false).room_events(), []);
}
