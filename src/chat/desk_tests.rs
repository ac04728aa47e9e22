//! The desk with the engine's part and the program's played by threads of the test.

use std::sync::Arc;

use super::*;
use crate::chat::{NotSent, State as Stage};
use crate::client::interface::{Event as Said, Incoming, NotAccepted, Road, RoomCommand, RoomEvent, Trust};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{self, Epoch, IdentityId, Sequence, Slot};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

fn desk(events: usize) -> Arc<Desk> {
    let room = Room {
        events,
        bytes: 1_000,
        sending_bytes: 12 * EVENT_BYTES,
        patience: SHORT,
    };
    Arc::new(Desk::new(room))
}

/// The engine takes what is asked, and says this.
fn says(desk: &Desk, notices: &[Notice]) -> bool {
    desk.put(notices);
    true
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn id(number: u64) -> id::MessageId {
    let slot = Slot {
        epoch: Epoch(1),
        sequence: Sequence(number),
    };
    id::MessageId {
        sender: IdentityId([1; 32]),
        slot,
    }
}

fn message(text: &str) -> Notice {
    let incoming = Incoming {
        id: id(0),
        from: name("bob"),
        at: None,
        trust: Trust::default(),
        sent_at: WallTime::from_unix_ms(0),
        text: text.to_owned(),
        road: Road::Direct,
    };
    Said::Incoming(incoming).into()
}

fn accepted(number: u64) -> Notice {
    let event = Said::Accepted {
        to: To::Peer(name("bob")),
    };
    let about = vec![id(number)];
    Notice {
        about,
        tag: None,
        event,
    }
}

/// The text of the next event, and how many count as seen with it.
fn text(desk: &Desk) -> Option<(String, u64)> {
    let taken = desk.take(Some(Duration::ZERO)).unwrap();
    taken.map(|(event, seen)| match event {
        Event::Message(message) => (message.text, seen),
        other => (format!("{other:?}"), seen),
    })
}

#[test]
fn what_is_taken_is_seen_and_what_needs_no_taking_with_it() {
    let desk = desk(10);
    let said = [
        Said::TableUpdated.into(),
        message("a"),
        Said::HaveMessages.into(),
        message("b"),
    ];
    assert_eq!(desk.put(&said), 1, "nobody is to take the first");
    assert_eq!(text(&desk), Some(("a".to_owned(), 3)));
    assert_eq!(desk.put(&[Said::TableUpdated.into()]), 3);
    assert_eq!(text(&desk), Some(("b".to_owned(), 5)));
    assert_eq!(text(&desk), None);
}

#[test]
fn one_that_is_told_of_many_messages_is_seen_with_the_last_of_them() {
    let desk = desk(10);
    let notice = Notice {
        about: vec![id(1), id(2)],
        tag: None,
        event: Said::StoredAgain { messages: 2 },
    };
    desk.put(&[notice]);
    let seen: Vec<u64> = std::iter::from_fn(|| text(&desk)).map(|(_, seen)| seen).collect();
    assert_eq!(seen, [0, 1]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the engine's printer is another thread")]
fn a_slow_reader_holds_the_engine_up_and_loses_nothing() {
    let desk = desk(2);
    let printer = Arc::clone(&desk);
    let all: Vec<Notice> = (0..100).map(|number| message(&number.to_string())).collect();
    let thread = std::thread::spawn(move || all.chunks(7).map(|batch| printer.put(batch)).max());
    for number in 0..100 {
        let (event, _) = desk.take(Some(LONG)).unwrap().unwrap();
        assert!(desk.lock().events.len() <= 2);
        assert!(matches!(event, Event::Message(message) if message.text == number.to_string()));
    }
    assert!(thread.join().unwrap() <= Some(100));
    assert_eq!(desk.lock().seen(), 100);
}

#[test]
fn large_texts_fill_it_as_many_small_ones_do() {
    let desk = desk(100);
    let answer = desk.ask_text(|| says(&desk, &[message(&"x".repeat(2_000)), accepted(0)]));
    assert!(answer.is_ok());
    assert_eq!(desk.ask_text(|| unreachable!()), Err(Error::Unread));
    assert!(text(&desk).is_some());
    assert!(desk.ask_text(|| { says(&desk, &[accepted(1)]) }).is_ok());
}

#[test]
fn a_question_is_answered_among_events_that_nobody_takes() {
    let desk = desk(2);
    desk.put(&[message("a")]);
    let answer = desk.ask_text(|| says(&desk, &[message("b"), message("c"), message("d"), accepted(7)]));
    assert_eq!(answer, Ok(MessageId(id(7))));
    assert_eq!(
        desk.ask_text(|| unreachable!()),
        Err(Error::Unread),
        "too much waits"
    );
    assert_eq!(text(&desk).unwrap().0, "a");
    assert_eq!(text(&desk).unwrap().0, "b");
    let refused = desk.ask_text(|| says(&desk, &[Said::NotAccepted(NotAccepted::ToSelf).into()]));
    assert_eq!(refused, Err(Error::NotSent(NotSent::ToSelf)));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the engine's printer is another thread")]
fn whoever_takes_and_asks_in_turn_falls_behind_and_is_then_told_at_once() {
    let room = Room {
        events: 10,
        bytes: 1_000,
        sending_bytes: 30 * EVENT_BYTES,
        patience: LONG,
    };
    let desk = Arc::new(Desk::new(room));
    let (asked, questions) = crossbeam_channel::unbounded::<()>();
    let printer = Arc::clone(&desk);
    // For each that is taken and answered three come, one of them before the answer.
    let engine = std::thread::spawn(move || {
        printer.put(&[message("first")]);
        for () in questions {
            printer.put(&[message("x"), accepted(1), message("y"), message("z")]);
        }
    });
    let taken = (1..).find(|_| {
        let event = desk.take(Some(LONG)).unwrap();
        assert!(event.is_some());
        let answer = desk.ask_text(|| asked.send(()).is_ok());
        assert!(desk.lock().events.len() <= 30);
        assert!(
            matches!(answer, Ok(_) | Err(Error::Unread)),
            "it is known what was done: {answer:?}"
        );
        answer.is_err()
    });
    assert!(taken > Some(5), "it could fall behind before: {taken:?}");
    assert!(desk.lock().events.len() >= 20);
    while desk.lock().events.len() >= 20 {
        desk.take(Some(LONG)).unwrap();
    }
    let answer = desk.ask_text(|| asked.send(()).is_ok());
    assert!(answer.is_ok(), "some were set aside");
    drop(asked);
    desk.hurry();
    engine.join().unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the engine's printer is another thread")]
fn an_answer_that_cannot_come_is_given_up_and_told_when_it_does() {
    let desk = desk(2);
    let printer = Arc::clone(&desk);
    let engine = move || {
        let mut said: Vec<Notice> = (0..20).map(|_| message("x")).collect();
        said.push(Said::NotAccepted(NotAccepted::OutboxFull).into());
        printer.put(&said)
    };
    let mut thread = None;
    let answer = desk.ask_text(|| {
        thread = Some(std::thread::spawn(engine));
        true
    });
    assert_eq!(answer, Err(Error::Unanswered));
    assert_eq!(
        desk.ask_text(|| unreachable!()),
        Err(Error::Unread),
        "nothing is asked before that has come"
    );
    for _ in 0..20 {
        assert!(matches!(desk.take(Some(LONG)), Ok(Some((Event::Message(_), _)))));
    }
    let told = desk.take(Some(LONG)).unwrap().unwrap().0;
    assert!(matches!(told, Event::Trouble(sentence) if sentence.contains("too much waits")));
    thread.unwrap().join().unwrap();
    assert!(desk.ask_text(|| { says(&desk, &[accepted(1)]) }).is_ok());
}

#[test]
fn the_answer_to_another_deed_is_an_event() {
    let desk = desk(10);
    let refused = |command| {
        let why = crate::client::interface::NotDone::Offline;
        Said::Room(RoomEvent::NotDone { command, why }).into()
    };
    let answer = desk.ask_deed(Deed::Leave, &name("attic"), || {
        says(
            &desk,
            &[
                refused(RoomCommand::Join(name("attic"))),
                Said::Room(RoomEvent::Left { room: name("attic") }).into(),
            ],
        )
    });
    assert_eq!(answer, Ok(()));
    assert!(matches!(desk.take(None), Ok(Some((Event::Trouble(_), _)))));
}

#[test]
fn the_answer_about_another_room_is_an_event() {
    let desk = desk(10);
    let left = |room| Said::Room(RoomEvent::Left { room: name(room) }).into();
    let refused = Said::Room(RoomEvent::NotDone {
        command: RoomCommand::Leave(name("attic")),
        why: crate::client::interface::NotDone::NotInside,
    });
    let answer = desk.ask_deed(Deed::Leave, &name("attic"), || {
        says(&desk, &[left("cellar"), left("Attic")])
    });
    assert_eq!(answer, Ok(()));
    let room = "cellar".to_owned();
    assert_eq!(desk.take(None).unwrap().unwrap().0, Event::Outside { room });
    let answer = desk.ask_deed(Deed::Leave, &name("attic"), || says(&desk, &[refused.into()]));
    let (room, reason) = ("attic".to_owned(), NotDone::NotInside);
    assert_eq!(answer, Err(Error::Room { room, reason }));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever waits is another thread")]
fn whoever_waits_hears_of_the_end() {
    let desk = desk(10);
    desk.put(&[message("a")]);
    let waits = |work: fn(&Desk) -> Result<(), Error>| {
        let desk = Arc::clone(&desk);
        std::thread::spawn(move || work(&desk))
    };
    let asks = waits(|desk| desk.ask_text(|| true).map(drop));
    let joins = waits(|desk| desk.ask_deed(Deed::Leave, &"attic".parse().unwrap(), || true));
    let reads = waits(|desk| {
        loop {
            desk.take(None)?;
        }
    });
    let failed = Error::Failed("a bug".to_owned());
    let told = failed.clone();
    desk.end(move |_| Err(told));
    for thread in [asks, joins, reads] {
        assert_eq!(thread.join().unwrap(), Err(failed.clone()));
    }
    desk.end(|_| Ok(()));
    assert_eq!(desk.ended(), Some(Err(failed)), "the first end is the end");
}

#[test]
fn nobody_waits_at_the_end_and_what_is_left_can_be_taken() {
    let desk = desk(1);
    desk.hurry();
    desk.put(&[
        message("a"),
        message("b"),
        Said::Ended(crate::client::interface::Ending::Done).into(),
    ]);
    desk.end(|_| Ok(()));
    assert_eq!(text(&desk).unwrap().0, "a");
    assert_eq!(text(&desk).unwrap().0, "b");
    assert_eq!(desk.take(None), Err(Error::Ended));
}

#[test]
fn what_is_not_taken_before_closing_does_not_count_as_seen() {
    let desk = desk(2);
    desk.put(&[message("a"), message("b")]);
    assert_eq!(text(&desk), Some(("a".to_owned(), 1)));
    desk.close();
    assert_eq!(desk.put(&[message("c"), message("d"), message("e")]), 1);
}

#[test]
fn the_start_is_over_when_it_is_known_how_it_stands() {
    let registered = desk(10);
    registered.put(&[Said::Registered { returning: true }.into()]);
    assert_eq!(registered.wait_begun(LONG, LONG), Ok(()));

    let silent = desk(10);
    silent.put(&[Said::ServerSilent.into()]);
    assert_eq!(
        silent.wait_begun(LONG, SHORT),
        Ok(()),
        "it goes on without a registry"
    );

    let refused = desk(10);
    let reason = crate::wire::message::RegistrationRefusal::NameTaken;
    let name = name("alice");
    refused.put(&[Said::RegistrationRefused { name, reason }.into()]);
    refused.end(|reason| Err(Error::Refused(reason.unwrap())));
    let Err(Error::Refused(sentence)) = refused.wait_begun(LONG, LONG) else {
        panic!("it was refused")
    };
    assert!(sentence.contains("alice is taken"), "{sentence}");

    assert_eq!(
        desk(10).wait_begun(SHORT, SHORT),
        Ok(()),
        "whoever is put off for long goes on"
    );
}

#[test]
fn a_message_is_called_the_same_until_its_end() {
    let desk = desk(10);
    let about = |number, event| Notice {
        about: vec![id(number)],
        tag: None,
        event,
    };
    let to = To::Peer(name("bob"));
    let sent = desk.ask_text(|| says(&desk, &[accepted(1)]));
    let renumbered = |was| Said::Renumbered {
        to: to.clone(),
        was: id(was),
    };
    let bob = || name("bob");
    desk.put(&[
        about(2, renumbered(1)),
        about(2, Said::Waiting { to: bob() }),
        about(3, renumbered(2)),
        about(3, Said::Received { to: bob() }),
    ]);
    for state in [Stage::Waiting, Stage::Delivered] {
        let Some((Event::Sent(told), _)) = desk.take(Some(Duration::ZERO)).unwrap() else {
            panic!("a state of it")
        };
        assert_eq!((Ok(told.id), told.state), (sent.clone(), state));
    }
}
