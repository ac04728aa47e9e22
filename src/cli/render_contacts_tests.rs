//! Every line about those who are named by address, as it is spelled.

use super::*;
use crate::cli::commands::Typist;
use crate::client::interface::Refusal;

const AT: WallTime = WallTime::from_unix_ms(1_767_323_045_678);

fn said(event: &ContactEvent) -> Vec<String> {
    lines(event, |_| time::UtcOffset::from_hms(2, 0, 0).unwrap())
}

fn contact(name: Option<&str>) -> Contact {
    Contact {
        address: "192.0.2.7:4000".parse().unwrap(),
        name: name.map(|name| name.parse().unwrap()),
    }
}

fn bob() -> Contact {
    contact(Some("bob"))
}

/// What becomes of messages.
fn faces_of_messages() -> Vec<(ContactEvent, &'static str)> {
    let refused = |reason| ContactEvent::Refused {
        to: contact(None),
        sent_at: AT,
        reason,
    };
    vec![
        (ContactEvent::Received { to: bob() }, "[Message received by bob.]"),
        (
            ContactEvent::ReceivedLater {
                to: bob(),
                sent_at: AT,
            },
            "[Message of 2026-01-02 05:04:05 received by bob.]",
        ),
        (
            ContactEvent::Waiting {
                to: contact(None),
                listed: true,
            },
            "[Message to 192.0.2.7:4000 is waiting; it will be sent when 192.0.2.7:4000 can be reached.]",
        ),
        (
            ContactEvent::Waiting {
                to: bob(),
                listed: true,
            },
            "[Message to bob is waiting; it will be sent when bob can be reached.]",
        ),
        (
            ContactEvent::Waiting {
                to: bob(),
                listed: false,
            },
            "[Message to bob is waiting; it will be sent when 192.0.2.7:4000 is listed again and can be reached.]",
        ),
        (
            refused(Refusal::Oneself),
            "[Message of 2026-01-02 05:04:05 to 192.0.2.7:4000 was refused: that is yourself.]",
        ),
        (
            ContactEvent::Expired {
                to: bob(),
                sent_at: AT,
            },
            "[Message of 2026-01-02 05:04:05 to bob has expired: it could not be delivered in time and is not tried any \
             more.]",
        ),
    ]
}

/// Every event about contacts, with its first line.
pub(in crate::cli) fn faces() -> Vec<(ContactEvent, &'static str)> {
    let mut faces = faces_of_messages();
    faces.extend([
        (
            ContactEvent::Listening {
                port: 4000,
                contacts: vec![bob(), contact(None)],
            },
            "[Listening on port 4000. What you type goes to bob at 192.0.2.7:4000, 192.0.2.7:4000.]",
        ),
        (
            ContactEvent::Met {
                who: bob(),
                id: IdentityId([0xab; 32]),
            },
            "[First met: bob at 192.0.2.7:4000.]",
        ),
        (
            ContactEvent::Changed {
                who: bob(),
                known: IdentityId([1; 32]),
                found: IdentityId([2; 32]),
            },
            "[The identity of bob at 192.0.2.7:4000 is not the one you know; nothing is sent there.]",
        ),
        (
            ContactEvent::NameTaken {
                address: contact(None).address,
                name: "carol".parse().unwrap(),
            },
            "[Whoever is at 192.0.2.7:4000 goes by the name carol, which is another's, your own or the program's; \
             what is for that address waits. One of the two has to start under another name.]",
        ),
        (
            ContactEvent::Renamed {
                who: bob(),
                was: "rob".parse().unwrap(),
            },
            "[rob at 192.0.2.7:4000 is called bob now.]",
        ),
        (
            ContactEvent::NotListed { by: contact(None) },
            "[192.0.2.7:4000 does not let you in: what is for 192.0.2.7:4000 waits. Ask 192.0.2.7:4000 to list your address \
             and port or to trust your new identity; or the server of 192.0.2.7:4000 is away, or another has your name there.]",
        ),
        (
            ContactEvent::Trusted { who: bob() },
            "[The new identity of bob is trusted; what waits for bob is sent.]",
        ),
    ]);
    faces
}

/// Fails to compile when an event is added: then it needs a line above.
const fn kind(event: &ContactEvent) -> usize {
    match event {
        ContactEvent::Listening { .. } => 0,
        ContactEvent::Met { .. } => 1,
        ContactEvent::Received { .. } => 2,
        ContactEvent::ReceivedLater { .. } => 3,
        ContactEvent::Waiting { listed: true, .. } => 4,
        ContactEvent::Waiting { listed: false, .. } => 5,
        ContactEvent::Refused { .. } => 6,
        ContactEvent::Expired { .. } => 7,
        ContactEvent::Changed { .. } => 8,
        ContactEvent::NameTaken { .. } => 9,
        ContactEvent::NotListed { .. } => 10,
        ContactEvent::Trusted { .. } => 11,
        ContactEvent::Renamed { .. } => 12,
    }
}

#[test]
fn the_lines_about_contacts() {
    for (event, line) in faces() {
        assert_eq!(said(&event).first().map(String::as_str), Some(line));
    }
    let kinds: std::collections::BTreeSet<usize> = faces().iter().map(|(event, _)| kind(event)).collect();
    assert_eq!(kinds, (0..13).collect());
}

#[test]
fn a_changed_identity_is_explained_with_what_to_type() {
    let lines = said(&ContactEvent::Changed {
        who: bob(),
        known: IdentityId([1; 32]),
        found: IdentityId([2; 32]),
    });
    let own: Name = "alice".parse().unwrap();
    let typed = lines.last().unwrap().split_once(": ").unwrap().1;
    assert_eq!(
        crate::cli::talk::parse(
            typed,
            Typist {
                own: &own,
                focus: None
            }
        ),
        crate::cli::commands::Parsed::Command(crate::client::interface::Command::TrustAt {
            address: bob().address,
            fingerprint: IdentityId([2; 32]).fingerprint(),
        })
    );
}

#[test]
fn who_is_met_is_named_with_his_fingerprint() {
    let id = IdentityId([0xab; 32]);
    let lines = said(&ContactEvent::Met { who: bob(), id });
    assert_eq!(lines[1], format!("  fingerprint: {}", id.fingerprint()));
}
