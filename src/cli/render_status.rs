//! What is unfinished, and what each message waits for, as lines.
//!
//! Pure. Invariant: as `render`'s; names, times and addresses hold nothing but what they are made of.

use super::render::{OffsetAt, timestamp};
use super::render_history::written;
use super::table::aligned;
use crate::client::interface::{MessageStatus, Standing, Status};
use crate::client::to::To;

/// How many there are, then a row for each.
pub(super) fn list(status: &Status, offset_at: OffsetAt) -> Vec<String> {
    let shown = status.messages.len();
    let mut lines = Vec::new();
    if shown > 0 {
        lines.push(match status.earlier {
            0 => format!("[Unfinished messages: {shown}]"),
            earlier => format!(
                "[Unfinished messages: {}, the last {shown} of them:]",
                earlier + shown
            ),
        });
        let rows = status.messages.iter().map(|message| row(message, offset_at));
        lines.extend(aligned(["number", "to", "written", "where it is"], rows));
    }
    if status.early > 0 {
        lines.push(format!(
            "[Not accepted yet: {}; until the disk or the server has answered, or a room is entered.]",
            status.early
        ));
    }
    if lines.is_empty() {
        lines.push("[No message is unfinished.]".to_owned());
    }
    lines
}

fn row(message: &MessageStatus, offset_at: OffsetAt) -> [String; 4] {
    [
        written(message.number),
        partner(&message.to),
        timestamp(message.sent_at, offset_at),
        place(&message.to, message.standing),
    ]
}

/// With whom one talks, as it is typed where persons and rooms can be meant.
pub(super) fn partner(to: &To) -> String {
    match to {
        To::Peer(name) => name.to_string(),
        To::Room(hall) => format!("#{}", hall.name),
        To::At(address) => address.to_string(),
    }
}

/// Where an unfinished message is.
pub(super) fn place(with: &To, standing: Standing) -> String {
    let is_post = matches!(with, To::Room(_));
    let to = partner(with);
    match standing {
        Standing::Due => "about to go".to_owned(),
        Standing::Behind => "behind those before it".to_owned(),
        Standing::Sent => format!("sent; {to} has not answered yet"),
        Standing::Depositing => "on its way to the server".to_owned(),
        Standing::Stored if is_post => "at the server, until all members have it".to_owned(),
        Standing::Stored => format!("at the server, until {to} comes"),
        Standing::Ended => "has ended; that is being written down".to_owned(),
        Standing::Offline => "waits for you to register again: reg".to_owned(),
        Standing::Unreachable if is_post => "waits for the server".to_owned(),
        Standing::Unreachable if matches!(with, To::At(_)) => format!("waits for {to}"),
        Standing::Unreachable => format!("waits for {to} or the server"),
        Standing::NoSuchName => format!("waits for somebody called {to}"),
        Standing::NoRoom => "waits for room at the server".to_owned(),
        Standing::Slowed => "goes in a moment: not too much at once".to_owned(),
        Standing::RegistryDisk => "waits for room on the server's disk".to_owned(),
        Standing::Untrusted if matches!(with, To::At(_)) => {
            "waits for you to trust whoever is there now".to_owned()
        }
        Standing::Untrusted => format!("waits for you to trust the new identity: trust {to} <fingerprint>"),
    }
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use time::UtcOffset;

    use super::*;
    use crate::client::interface::Event;
    use crate::clock::WallTime;
    use crate::id::{Epoch, IdentityId, MessageId, RoomId, Sequence, Slot};
    use crate::wire::room::Hall;

    fn message(to: To, standing: Standing) -> MessageStatus {
        MessageStatus {
            number: 12,
            id: MessageId {
                sender: IdentityId([1; 32]),
                slot: Slot {
                    epoch: Epoch(1),
                    sequence: Sequence(0),
                },
            },
            to,
            sent_at: WallTime::from_unix_ms(1_767_323_045_678),
            standing,
        }
    }

    /// The event, with its first line.
    pub(in crate::cli) fn faces() -> [(Event, &'static str); 3] {
        let bob = message(To::Peer("bob".parse().unwrap()), Standing::Stored);
        [
            (vec![bob], 0, "[Unfinished messages: 1]"),
            (Vec::new(), 0, "[No message is unfinished.]"),
            (
                Vec::new(),
                2,
                "[Not accepted yet: 2; until the disk or the server has answered, or a room is entered.]",
            ),
        ]
        .map(|(messages, early, line)| {
            let status = Status {
                messages,
                earlier: 0,
                early,
            };
            (Event::Status(status), line)
        })
    }

    fn lines(messages: Vec<MessageStatus>, earlier: usize) -> Vec<String> {
        let status = Status {
            messages,
            earlier,
            early: 0,
        };
        list(&status, |_| UtcOffset::UTC)
    }

    #[test]
    fn each_message_is_said_to_be_somewhere() {
        let bob = To::Peer("bob".parse().unwrap());
        let den = To::Room(Hall {
            name: "den".parse().unwrap(),
            id: RoomId([1; 16]),
        });
        let there = To::At("192.0.2.7:4000".parse().unwrap());
        let messages = vec![
            message(bob.clone(), Standing::Stored),
            message(den.clone(), Standing::Stored),
            message(den, Standing::Unreachable),
            message(there, Standing::Unreachable),
            message(bob.clone(), Standing::Untrusted),
        ];
        assert_eq!(
            lines(messages, 0),
            [
                "[Unfinished messages: 5]",
                "number  to              written              where it is",
                ">12     bob             2026-01-02 03:04:05  at the server, until bob comes",
                ">12     #den            2026-01-02 03:04:05  at the server, until all members have it",
                ">12     #den            2026-01-02 03:04:05  waits for the server",
                ">12     192.0.2.7:4000  2026-01-02 03:04:05  waits for 192.0.2.7:4000",
                ">12     bob             2026-01-02 03:04:05  waits for you to trust the new identity: trust bob <fingerprint>",
            ]
        );
        assert_eq!(lines(Vec::new(), 0), ["[No message is unfinished.]"]);
        let many = lines(vec![message(bob, Standing::Sent)], 7);
        assert_eq!(many[0], "[Unfinished messages: 8, the last 1 of them:]");
    }
}
