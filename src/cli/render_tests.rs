//! Tests of the lines: exact for those that scripts and people rely on, complete for the others.

use super::*;
use crate::id::{Epoch, MessageId, Sequence, Slot};
use proptest::prelude::*;

/// Two hours east in winter and three in summer, so that an offset of the wrong moment shows.
fn offset_at(at: OffsetDateTime) -> UtcOffset {
    let summer = (4..=9).contains(&u8::from(at.month()));
    UtcOffset::from_hms(if summer { 3 } else { 2 }, 0, 0).unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// 2026-01-02 03:04:05.678 UTC.
const SENT_AT: WallTime = WallTime::from_unix_ms(1_767_323_045_678);

fn lines(event: &Event) -> Vec<String> {
    super::event(event, offset_at)
}

fn message(text: &str, road: Road) -> Event {
    Event::Incoming(Incoming {
        id: MessageId {
            sender: IdentityId([1; 32]),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(0),
            },
        },
        from: name("alice"),
        sent_at: SENT_AT,
        text: text.to_owned(),
        road,
    })
}

#[test]
fn the_lines_that_are_the_programs_face() {
    let to = || name("bob");
    for (event, line) in [
        (
            Event::Registered { returning: false },
            "[Welcome, You are registered.]",
        ),
        (
            Event::Registered { returning: true },
            "[Welcome back, You are registered.]",
        ),
        (
            Event::NotAccepted(NotAccepted::Leaving),
            "[Not done: leaving is under way; try again when it is done.]",
        ),
        (Event::TableUpdated, "[Client table updated.]"),
        (message("hi  there", Road::Direct), "alice: hi  there"),
        (Event::Received { to: to() }, "[Message received by bob.]"),
        (
            Event::NoAnswer { to: to() },
            "[No ACK from bob, message sent to server.]",
        ),
        (
            Event::Stored { to: to() },
            "[Messages received by the server and saved]",
        ),
        (
            Event::ReceivedLater {
                to: to(),
                sent_at: SENT_AT,
            },
            "[Message of 2026-01-02 05:04:05 received by bob.]",
        ),
        (Event::HaveMessages, "[You have messages]"),
        (message("hi", Road::Stored), "alice: 2026-01-02 05:04:05 hi"),
        (message("hi", Road::Late), "alice: 2026-01-02 05:04:05 hi"),
        (
            Event::Offline { to: to() },
            "[bob is offline, message sent to server.]",
        ),
        (
            Event::Refused {
                to: to(),
                sent_at: SENT_AT,
                reason: Refusal::NoSuchName,
            },
            "[No such user: bob]",
        ),
        (Event::Deregistered, "[You are Offline. Bye.]"),
        (Event::ServerSilent, "[Server not responding]"),
        (Event::Ended(Ending::ServerSilent), "[Exiting]"),
        (
            Event::Waiting { to: to() },
            "[Message to bob is waiting; it will be sent when bob or the server can be reached.]",
        ),
        (
            Event::RegistrationRefused {
                name: to(),
                reason: RegistrationRefusal::NameTaken,
            },
            "[The nickname bob is taken.]",
        ),
    ] {
        assert_eq!(lines(&event), [line]);
    }
    assert_eq!(lines(&Event::Ended(Ending::Done)), [""; 0]);
}

#[test]
fn answers_to_what_was_no_command() {
    let read = |line: &str| answer(&commands::parse(line, &name("alice")));
    assert_eq!(read("dereg bob"), ["[You can only deregister yourself.]"]);
    assert_eq!(read("send bob"), ["[Wrong input]", "Usage: send <name> <text>"]);
    assert_eq!(read("what?").first().unwrap(), "[Wrong input]");
    assert_eq!(read("what?").len(), 2);
    let large = format!("send bob {}", "x".repeat(limits::BODY_BYTES_MAX + 1));
    assert_eq!(
        read(&large),
        ["[Message not sent: it has 65537 bytes, and at most 65536 are allowed.]"]
    );
    assert_eq!(read(""), [""; 0]);
}

#[test]
fn a_changed_identity_comes_with_the_command_that_accepts_it() {
    let found = IdentityId([0xcd; 32]);
    let shown = lines(&Event::IdentityChanged {
        name: name("bob"),
        known: IdentityId([0xab; 32]),
        found,
    });
    let typed = shown.last().unwrap().split_once("way: ").unwrap().1;
    assert_eq!(
        commands::parse(typed, &name("alice")),
        Parsed::Command(crate::client::interface::Command::Trust {
            name: name("bob"),
            fingerprint: found.fingerprint(),
        })
    );
    assert!(
        shown
            .iter()
            .any(|line| line.contains(&IdentityId([0xab; 32]).fingerprint()))
    );
}

#[test]
fn every_refusal_says_what_happened_to_which_message() {
    let registry = [
        DepositRefusal::IdentityChanged,
        DepositRefusal::MailboxFull,
        DepositRefusal::SenderFull,
        DepositRefusal::RegistryFull,
        DepositRefusal::NotYours,
        DepositRefusal::Malformed,
        DepositRefusal::Released,
    ]
    .map(Refusal::Registry);
    for reason in registry.into_iter().chain([Refusal::Skipped, Refusal::Unproven]) {
        let event = Event::Refused {
            to: name("bob"),
            sent_at: SENT_AT,
            reason,
        };
        let line = lines(&event).remove(0);
        assert!(
            line.starts_with("[Message of 2026-01-02 05:04:05 to bob was refused: "),
            "{line}"
        );
        assert!(line.ends_with(".]"), "{line}");
    }
}

#[test]
fn each_time_has_the_offset_of_its_own_moment() {
    let summer = WallTime::from_unix_ms(1_782_961_445_000);
    assert_eq!(timestamp(SENT_AT, offset_at), "2026-01-02 05:04:05");
    assert_eq!(timestamp(summer, offset_at), "2026-07-02 06:04:05");
    assert_eq!(
        timestamp(WallTime::from_unix_ms(-1), offset_at),
        "1970-01-01 01:59:59"
    );
    assert_eq!(
        timestamp(WallTime::from_unix_ms(i64::MAX), offset_at),
        format!("{} ms", i64::MAX)
    );
}

proptest! {
    #[test]
    fn no_control_character_of_others_reaches_a_line(text in any::<String>(), at in any::<i64>()) {
        let mut events = vec![Event::Trouble(text.clone()), Event::NotAccepted(NotAccepted::Storage(text.clone()))];
        events.extend([Road::Direct, Road::Stored, Road::Late].map(|road| message(&text, road)));
        events.push(Event::Expired { to: name("bob"), sent_at: WallTime::from_unix_ms(at) });
        for event in &events {
            for line in lines(event) {
                prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
            }
        }
    }
}
