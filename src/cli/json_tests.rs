//! Every object that there is, against the schema that describes them; and some of them to the letter.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::cli::json_history::Kept;
use crate::cli::{render, render_history};
use crate::client::interface::{Ending, Incoming, Refusal, Road, Whose};
use crate::client::storage::Reach;
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{Epoch, RoomId, Sequence, Slot};
use crate::wire::message::DepositRefusal;
use crate::wire::room::Hall;

#[path = "../../tests/common/schema.rs"]
#[allow(
    unreachable_pub,
    reason = "what reads the schema is shared with the tests of the built binary"
)]
mod schema;

/// 2026-01-02 03:04:05.678 UTC.
const AT: WallTime = WallTime::from_unix_ms(1_767_323_045_678);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn id(sequence: u64) -> MessageId {
    MessageId {
        sender: IdentityId([0xab; 32]),
        slot: Slot {
            epoch: Epoch(0x12),
            sequence: Sequence(sequence),
        },
    }
}

fn about(event: Event) -> Notice {
    Notice {
        about: vec![id(3)],
        tag: None,
        event,
    }
}

fn den() -> To {
    To::Room(Hall {
        name: name("den"),
        id: RoomId([1; 16]),
    })
}

/// All that can be told.
fn notices() -> Vec<Notice> {
    let with_words = render::tests::faces().into_iter().map(|(event, _)| about(event));
    let refusals = render::tests::refusals().into_iter().map(|reason| {
        about(Event::Refused {
            to: name("bob"),
            sent_at: AT,
            reason,
        })
    });
    let for_programs = [To::Peer(name("bob")), den()].into_iter().flat_map(|to| {
        [
            about(Event::Accepted { to: to.clone() }),
            about(Event::Renumbered { to, was: id(2) }),
        ]
    });
    let endings = [Ending::Done, Ending::Refused].map(|ending| about(Event::Ended(ending)));
    with_words
        .chain(refusals)
        .chain(for_programs)
        .chain(endings)
        .collect()
}

/// All that can be answered.
fn answers() -> Vec<Parsed> {
    vec![
        Parsed::Help(None),
        Parsed::NotSelf("deregister"),
        Parsed::Quiet(true),
        Parsed::FullScreen,
        Parsed::TooLarge(70_000),
        Parsed::Wrong("There is no such command.".to_owned()),
    ]
}

#[test]
fn every_object_is_as_the_schema_says_and_the_schema_has_no_other() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/json.schema.json")).unwrap();
    let (notices, answers) = (notices(), answers());
    let lines = notices.iter().filter_map(super::notice);
    let lines = lines.chain(answers.iter().filter_map(super::answer));
    let (mut events, mut states) = (BTreeSet::new(), BTreeSet::new());
    for line in lines {
        assert!(!line.contains('\n'), "{line:?}");
        let object: Value = serde_json::from_str(&line).unwrap();
        let event = object["event"].as_str().unwrap().to_owned();
        if let Some(fault) = schema::fault(&schema, &schema["$defs"][&event], &object) {
            panic!("{line}\n{fault}");
        }
        assert_eq!(schema::fault(&schema, &schema, &object), None);
        events.insert(event);
        states.extend(object["state"].as_str().map(str::to_owned));
    }
    let listed = schema["oneOf"].as_array().unwrap().iter();
    let listed = listed.map(|one| {
        one["$ref"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    });
    assert_eq!(events, listed.collect());
    let known = &schema["$defs"]["state"]["properties"]["state"]["enum"];
    let known = known.as_array().unwrap().iter();
    assert_eq!(
        states,
        known.map(|state| state.as_str().unwrap().to_owned()).collect()
    );
}

#[test]
fn every_message_that_is_kept_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/json.schema.json")).unwrap();
    for message in render_history::tests::of_every_kind() {
        let line = Kept::of(&message, &name("alice")).line();
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            schema::fault(&schema, &schema["$defs"]["kept"], &object),
            None,
            "{line}"
        );
    }
}

#[test]
fn a_reader_of_the_schema_takes_fields_that_come_later() {
    assert!(!include_str!("../../docs/json.schema.json").contains("additionalProperties"));
}

#[test]
fn the_schema_is_strict() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/json.schema.json")).unwrap();
    for wrong in [
        r#"{"event":"nonsense"}"#,
        r#"{"event":"registered"}"#,
        r#"{"event":"registered","returning":1}"#,
        r#"{"event":"deregistered","why":"so"}"#,
        r#"{"event":"room-left","room":""}"#,
        r#"{"event":"room-missed","room":"den","messages":-1}"#,
        r#"{"event":"ended","ending":"badly"}"#,
    ] {
        let object: Value = serde_json::from_str(wrong).unwrap();
        assert!(schema::fault(&schema, &schema, &object).is_some(), "{wrong}");
    }
}

fn incoming(message: &Incoming) -> String {
    super::notice(&Event::Incoming(message.clone()).into()).unwrap()
}

#[test]
fn a_wrong_fingerprint_leaves_a_key_as_well_known_as_it_was() {
    let event = PeopleEvent::NotVerified {
        whose: Whose::Person(name("alice")),
        id: IdentityId([0xab; 32]),
        trust: Trust::Verified,
        why: NotVerified::Differs(IdentityId([0xcd; 32]).fingerprint()),
    };
    let line = super::notice(&Event::People(event).into()).unwrap();
    assert!(
        line.contains(r#""key":"verified","reason":"differs","found":"cdcd "#),
        "{line}"
    );
}

#[test]
fn messages_to_the_letter() {
    let message = Incoming {
        id: id(7),
        from: name("alice"),
        at: None,
        trust: Trust::default(),
        sent_at: AT,
        text: "a\n\u{1b}[31m\"b\" grüße".to_owned(),
        road: Road::Direct,
    };
    let id = format!("{}-0000000000000012-7", "ab".repeat(32));
    assert_eq!(
        incoming(&message),
        format!(
            r#"{{"event":"message","seq":7,"user":"alice","message":"a\n\u001b[31m\"b\" grüße","id":"{id}","sent_at":"2026-01-02T03:04:05.678Z","road":"direct"}}"#
        )
    );
    let posted = Incoming {
        road: Road::Room {
            name: name("den"),
            before: true,
        },
        ..message
    };
    let verified = Incoming {
        at: None,
        trust: Trust::Verified,
        ..posted.clone()
    };
    assert!(incoming(&verified).contains(r#""road":"room","key":"verified","room":"den""#));
    let line = incoming(&posted);
    assert!(
        line.ends_with(r#""road":"room","room":"den","before":true}"#),
        "{line}"
    );
}

#[test]
fn states_to_the_letter() {
    let ours = format!(r#""id":"{}-0000000000000012-3""#, "ab".repeat(32));
    let said = |event| super::notice(&about(event)).unwrap();
    assert_eq!(
        said(Event::Received { to: name("bob") }),
        format!(r#"{{"event":"state","state":"delivered",{ours},"to":"bob"}}"#)
    );
    let refused = Event::Refused {
        to: name("bob"),
        sent_at: AT,
        reason: Refusal::Registry(DepositRefusal::MailboxFull),
    };
    assert_eq!(
        said(refused),
        format!(
            r#"{{"event":"state","state":"refused",{ours},"to":"bob","sent_at":"2026-01-02T03:04:05.678Z","reason":"mailbox-full"}}"#
        )
    );
    let reached = Event::Room(RoomEvent::Reached {
        room: name("den"),
        sent_at: AT,
        reach: Some(Reach { received: 3, of: 5 }),
    });
    assert_eq!(
        said(reached),
        format!(
            r#"{{"event":"state","state":"reached",{ours},"room":"den","sent_at":"2026-01-02T03:04:05.678Z","received":3,"of":5}}"#
        )
    );
    let again = Notice {
        about: vec![id(1), id(2)],
        tag: None,
        event: Event::StoredAgain { messages: 2 },
    };
    assert_eq!(
        super::notice(&again).unwrap(),
        format!(r#"{{"event":"stored-again","ids":["{}","{}"]}}"#, id(1), id(2))
    );
}

#[test]
fn any_clock_is_told() {
    let far = |ms| timestamp(WallTime::from_unix_ms(ms));
    assert_eq!(far(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(far(i64::MIN), "0000-01-01T00:00:00.000Z");
    assert_eq!(far(i64::MAX), "9999-12-31T23:59:59.999Z");
}
