//! Tests of the lines: exact for those that scripts and people rely on, complete for the others.

use std::collections::BTreeSet;

use self::kinds::{KINDS, kind};
use super::*;
use crate::client::interface::{Question, Trust, Whose};
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

fn parsed(line: &str) -> Parsed {
    let (own, focus) = (name("alice"), None);
    commands::parse(line, commands::Typist { own: &own, focus })
}

/// 2026-01-02 03:04:05.678 UTC.
const SENT_AT: WallTime = WallTime::from_unix_ms(1_767_323_045_678);

fn lines(event: &Event) -> Vec<String> {
    super::event(event, offset_at)
}

pub(in crate::cli) fn message(text: &str, road: Road) -> Event {
    Event::Incoming(Incoming {
        id: MessageId {
            sender: IdentityId([1; 32]),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(0),
            },
        },
        from: name("alice"),
        at: None,
        trust: Trust::default(),
        sent_at: SENT_AT,
        text: text.to_owned(),
        road,
    })
}

fn in_den(before: bool) -> Road {
    Road::Room {
        name: name("den"),
        before,
    }
}

/// Every event that has words, with its first line.
pub(in crate::cli) fn faces() -> Vec<(Event, &'static str)> {
    let mut faces = faces_of_registrations();
    faces.extend(faces_of_refusals());
    faces.extend(faces_of_messages());
    faces.extend(render_users::tests::faces());
    faces.extend(render_status::tests::faces());
    faces.extend(render_net::tests::faces());
    faces.extend(render_trace::tests::faces());
    faces.extend(render_history::tests::faces());
    faces.extend(render_people::tests::faces());
    let rooms = render_rooms::tests::faces().into_iter();
    faces.extend(rooms.map(|(event, line)| (Event::Room(event), line)));
    let contacts = render_contacts::tests::faces().into_iter();
    faces.extend(contacts.map(|(event, line)| (Event::Contact(event), line)));
    faces.extend([
        (Event::Registered { returning: false }, "[Welcome, You are registered.]"),
        (Event::Registered { returning: true }, "[Welcome back, You are registered.]"),
        (Event::Deregistered, "[You are Offline. Bye.]"),
        (Event::ServerSilent, "[Server not responding]"),
        (Event::ServerBack, "[The server is responding again.]"),
        (
            Event::Superseded,
            "[You have registered from elsewhere; this client is offline and what you send here waits. To come \
             back here: reg]",
        ),
        (
            Event::RegistryChanged {
                known: IdentityId([0xab; 32]),
                found: IdentityId([0xcd; 32]),
            },
            "[The server is not the one you know: its key has changed. Nothing was sent to it.]",
        ),
        (
            Event::Fingerprint {
                whose: Whose::Own,
                id: Some(IdentityId([0xab; 32])),
                trust: Trust::Known,
            },
            "[Fingerprint of yourself: abab abab abab abab abab abab abab abab abab abab abab abab abab abab abab abab]",
        ),
        (
            Event::Fingerprint {
                whose: Whose::Person(name("bob")),
                id: None,
                trust: Trust::New,
            },
            "[No identity of bob is known yet.]",
        ),
        (Event::TableUpdated, "[Client table updated.]"),
        (Event::HaveMessages, "[You have messages]"),
        (
            Event::IdentityChanged {
                name: name("bob"),
                known: IdentityId([0xab; 32]),
                found: IdentityId([0xcd; 32]),
            },
            "[The identity of bob is not the one you know; nothing is sent to bob.]",
        ),
        (
            Event::Trusted { name: name("bob") },
            "[The new identity of bob is trusted; what waits for bob is sent.]",
        ),
        (Event::Trouble("the disk is full".to_owned()), "[Trouble: the disk is full]"),
        (
            Event::Unanswered {
                question: Question::Trace,
                why: "no server".to_owned(),
            },
            "[Not answered: no server]",
        ),
        (Event::Ended(Ending::ServerSilent), "[Exiting]"),
    ]);
    faces
}

/// What becomes of messages, and messages.
fn faces_of_messages() -> Vec<(Event, &'static str)> {
    let (to, sent_at) = (|| name("bob"), SENT_AT);
    vec![
        (message("hi  there", Road::Direct), "alice: hi  there"),
        (message("hi", Road::Stored), "alice: 2026-01-02 05:04:05 hi"),
        (message("hi", Road::Late), "alice: 2026-01-02 05:04:05 hi"),
        (message("hi", in_den(false)), "den: alice: hi"),
        (message("hi", in_den(true)), "den: alice: 2026-01-02 05:04:05 hi"),
        (Event::Received { to: to() }, "[Message received by bob.]"),
        (
            Event::NoAnswer { to: to() },
            "[No ACK from bob, message sent to server.]",
        ),
        (
            Event::Offline { to: to() },
            "[bob is offline, message sent to server.]",
        ),
        (
            Event::Stored { to: to() },
            "[Messages received by the server and saved]",
        ),
        (
            Event::ReceivedLater { to: to(), sent_at },
            "[Message of 2026-01-02 05:04:05 received by bob.]",
        ),
        (
            Event::Waiting { to: to() },
            "[Message to bob is waiting; it will be sent when bob or the server can be reached.]",
        ),
        (
            Event::StoredAgain { messages: 2 },
            "[The server may not have them any more: it was restored, or there is another copy of you; 2 stored \
             messages wait and are to be sent again.]",
        ),
        (
            Event::Expired { to: to(), sent_at },
            "[Message of 2026-01-02 05:04:05 to bob has expired: it could not be delivered in time and is not \
             tried any more.]",
        ),
    ]
}

/// Registrations that are refused.
fn faces_of_registrations() -> Vec<(Event, &'static str)> {
    [
        (RegistrationRefusal::NameTaken, "[The nickname bob is taken.]"),
        (
            RegistrationRefusal::NameReserved,
            "[The nickname bob is reserved; choose another one.]",
        ),
        (
            RegistrationRefusal::CounterBehind { seen: 7 },
            "[Another copy of this identity has registered since; use one copy only. To register this one: reg]",
        ),
        (
            RegistrationRefusal::OtherName { name: name("rob") },
            "[This identity is registered as rob; an identity has one name.]",
        ),
        (
            RegistrationRefusal::OtherName {
                name: name("released.01"),
            },
            "[The server's operator has released this identity's name, and it cannot have another there. Start \
             under another name, or move this client's folder away: either makes a new identity.]",
        ),
        (
            RegistrationRefusal::Full,
            "[The server takes no more new names for now; try again in an hour, or ask its operator.]",
        ),
        (
            RegistrationRefusal::NotAdmitted,
            "[The server does not admit you; its operator decides who may register.]",
        ),
    ]
    .map(|(reason, line)| (Event::RegistrationRefused { name: name("bob"), reason }, line))
    .to_vec()
}

/// What is not done: a message, a command.
fn faces_of_refusals() -> Vec<(Event, &'static str)> {
    let messages = [
        (Refusal::NoSuchName, "[No such user: bob]"),
        (Refusal::Registry(DepositRefusal::NoSuchName), "[No such user: bob]"),
        (
            Refusal::Skipped,
            "[Message of 2026-01-02 05:04:05 to bob was refused: bob was told that it would not come. Send it \
             again.]",
        ),
    ]
    .map(|(reason, line)| {
        let (to, sent_at) = (name("bob"), SENT_AT);
        (Event::Refused { to, sent_at, reason }, line)
    });
    let commands = [
        (
            NotAccepted::TooLarge(65_537),
            "[Message not sent: it has 65537 bytes, and at most 65536 are allowed.]",
        ),
        (NotAccepted::ToSelf, "[Message not sent: it is to yourself.]"),
        (
            NotAccepted::NotInside(name("den")),
            "[Message not sent: you are not in den. To enter it: roomjoin den]",
        ),
        (
            NotAccepted::TooManyAddresses,
            "[Message not sent: you have written to 100 addresses in this run, and to more it takes another.]",
        ),
        (
            NotAccepted::Ambiguous {
                name: name("bob"),
                address: "192.0.2.7:4000".parse().unwrap(),
            },
            "[Message not sent: at 192.0.2.7:4000 is somebody who calls himself bob, and at the server that may be another. To \
             write to him: send 192.0.2.7:4000 <text>]",
        ),
        (
            NotAccepted::OutboxFull,
            "[Message not sent: too much waits already (at most 10000 messages, 64 MiB). Try again when some have \
             arrived.]",
        ),
        (
            NotAccepted::Storage("the disk is full".to_owned()),
            "[Message not sent: the disk is full. Send it again when that is mended.]",
        ),
        (NotAccepted::NoChange, "[Nothing to do: it is so already.]"),
        (
            NotAccepted::NothingToTrust,
            "[Nothing has changed: no identity with that fingerprint was seen under that name.]",
        ),
        (
            NotAccepted::BlockedFull,
            "[Not blocked: 1000 are, and more cannot be. To see them: blocked; to make room: unblock <name>]",
        ),
        (
            NotAccepted::Leaving,
            "[Not done: leaving is under way; try again when it is done.]",
        ),
    ]
    .map(|(reason, line)| (Event::NotAccepted(reason), line));
    messages.into_iter().chain(commands).collect()
}

#[path = "render_kinds_tests.rs"]
mod kinds;

#[test]
fn the_lines_that_are_the_programs_face() {
    for (event, line) in faces() {
        assert_eq!(lines(&event).first().map(String::as_str), Some(line));
    }
    for ending in [Ending::Done, Ending::Refused] {
        assert_eq!(lines(&Event::Ended(ending)), [""; 0]);
    }
    let kinds: BTreeSet<usize> = faces().iter().map(|(event, _)| kind(event)).collect();
    assert_eq!(kinds, (0..KINDS).collect());
}

/// Whether a line is one that the README writes so: `<name>`, `<time>` and `…` stand for what differs.
fn fits(pattern: &str, line: &str) -> bool {
    let hole = pattern.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let Some((hole, rest)) = hole.or_else(|| Some(("text", pattern.strip_prefix('…')?))) else {
        let (mut pattern, mut line) = (pattern.chars(), line.chars());
        return match (pattern.next(), line.next()) {
            (Some(wanted), Some(found)) => wanted == found && fits(pattern.as_str(), line.as_str()),
            (wanted, found) => wanted == found,
        };
    };
    let may_be = |text: &str| match hole {
        "name" | "sender" => text.parse::<Name>().is_ok(),
        "time" => ["2026-01-02 05:04:05", "05:04:05"]
            .iter()
            .any(|time| text.len() == time.len()),
        _ => !text.is_empty(),
    };
    let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.any(|end| {
        let (text, left) = line.split_at(end);
        may_be(text) && fits(rest, left)
    })
}

#[test]
fn the_readme_has_every_line_and_no_other() {
    let readme = include_str!("../../README.md");
    let table = readme.split_once("### What it says").unwrap().1;
    let patterns: Vec<&str> = table
        .split("\n### ")
        .next()
        .unwrap()
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split_once('`'))
        .flat_map(|(first, rest)| {
            let more = rest.split_once(" | ").map_or("", |(column, _)| column);
            std::iter::once(first).chain(more.split('`').skip(1).step_by(2))
        })
        .collect();
    let answers =
        ["dereg bob", "reg bob", "what?", "dnd on", "dnd off"].map(|typed| answer(&parsed(typed)).remove(0));
    let mut told: Vec<String> = faces().into_iter().map(|(_, line)| line.to_owned()).collect();
    told.extend(answers);
    let lacking: Vec<&String> = told
        .iter()
        .filter(|line| !patterns.iter().any(|pattern| fits(pattern, line)))
        .collect();
    assert_eq!(lacking, [""; 0], "not in README.md");
    let untold: Vec<&&str> = patterns
        .iter()
        .filter(|pattern| !told.iter().any(|line| fits(pattern, line)))
        .collect();
    assert_eq!(untold, [&""; 0], "nothing says so");
}

#[test]
fn a_message_is_marked_by_how_well_its_writers_key_is_known() {
    let shown = |road: Road, trust| match message("hi", road) {
        Event::Incoming(message) => lines(&Event::Incoming(Incoming { trust, ..message })).remove(0),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(Road::Direct, Trust::Verified), "alice (verified): hi");
    assert_eq!(
        shown(Road::Stored, Trust::Changed),
        "alice (changed): 2026-01-02 05:04:05 hi"
    );
    assert_eq!(shown(in_den(false), Trust::Verified), "den: alice (verified): hi");
    assert_eq!(
        shown(Road::Direct, Trust::New),
        "alice: hi",
        "that is said once, in a line of its own"
    );
}

#[test]
fn answers_to_what_was_no_command() {
    let read = |line: &str| answer(&parsed(line));
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
        parsed(typed),
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

/// Why a message may be refused, but that nobody has the name.
pub(in crate::cli) fn refusals() -> Vec<Refusal> {
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
    registry
        .into_iter()
        .chain([Refusal::Skipped, Refusal::Unproven])
        .collect()
}

#[test]
fn every_refusal_says_what_happened_to_which_message() {
    for reason in refusals() {
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
        events.extend([Road::Direct, Road::Stored, Road::Late, in_den(true)].map(|road| message(&text, road)));
        events.push(Event::Expired { to: name("bob"), sent_at: WallTime::from_unix_ms(at) });
        for event in &events {
            for line in lines(event) {
                prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
            }
        }
    }
}
