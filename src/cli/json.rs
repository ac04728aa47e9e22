//! What a client tells, as JSON Lines: an object a line, for programs. `docs/json.schema.json` describes all of them.
//!
//! Texts are kept as they were written: JSON escapes what would end a line, and a program is no terminal. Times are in UTC
//! with milliseconds (RFC 3339). What an object says beyond that is in `json_words`.
//! Invariants: every object has an `event`; names of fields and events stay what they are, there are only more of them.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::cli::commands::{self, Parsed};
use crate::cli::json_words as words;
use crate::cli::render;
use crate::client::interface::{Event, Incoming, NotAccepted, Notice, Road, RoomEvent};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name};
use crate::wire::room::{MemberListed, RoomListed};

/// An object.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Object<'a> {
    Registered {
        returning: bool,
    },
    RegistrationRefused {
        user: &'a Name,
        reason: &'static str,
    },
    Deregistered,
    ServerSilent,
    ServerBack,
    Superseded,
    RegistryChanged {
        known: String,
        found: String,
    },
    TableUpdated,
    HaveMessages,
    Message(Message<'a>),
    State(State<'a>),
    StoredAgain {
        ids: Vec<String>,
    },
    IdentityChanged {
        user: &'a Name,
        known: String,
        found: String,
    },
    Trusted {
        user: &'a Name,
    },
    Trouble {
        text: &'a str,
    },
    Ended {
        ending: &'static str,
    },
    RoomEntered {
        room: &'a Name,
        owner: Option<&'a Name>,
        members: u32,
        already: bool,
    },
    RoomLeft {
        room: &'a Name,
    },
    RoomOutside {
        room: &'a Name,
    },
    RoomKicked {
        room: &'a Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a Name>,
        members: u32,
    },
    RoomNews {
        room: &'a Name,
        news: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a Name>,
        at: String,
        members: u32,
    },
    RoomMissed {
        room: &'a Name,
        messages: u64,
    },
    RoomImpostor {
        room: &'a Name,
        user: &'a Name,
    },
    Rooms {
        rooms: Vec<Room<'a>>,
    },
    Members {
        room: &'a Name,
        members: Vec<Member<'a>>,
    },
    Help {
        text: String,
    },
    Error {
        reason: &'static str,
        text: String,
    },
}

/// A message for us.
#[derive(Debug, Serialize)]
struct Message<'a> {
    /// Its number in what its author writes to us, or to the room: from 0, one after the other. It is the one that the message
    /// has in its id, so it is the same in every run; it begins at 0 again where the author's numbering does.
    seq: u64,
    user: &'a Name,
    message: &'a str,
    id: String,
    sent_at: String,
    road: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Name>,
    /// Whether it was posted before we were in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<bool>,
}

/// Where a message of ours is, or what has become of it.
#[derive(Debug, Default, Serialize)]
struct State<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What it was called before.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
    /// So many have it …
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u32>,
    /// … of so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u32>,
}

/// A room in the list of them.
#[derive(Debug, Serialize)]
struct Room<'a> {
    room: &'a Name,
    owner: Option<&'a Name>,
    members: u32,
    online: u32,
}

/// Somebody who is in a room.
#[derive(Debug, Serialize)]
struct Member<'a> {
    user: &'a Name,
    online: bool,
}

/// What is told, as a line.
pub(super) fn notice(notice: &Notice) -> String {
    written(&object(notice))
}

/// What is answered to what was no command for the client, as a line; none if there is nothing to say.
pub(super) fn answer(parsed: &Parsed) -> Option<String> {
    let object = match parsed {
        Parsed::Nothing | Parsed::Command(_) => return None,
        Parsed::Help(topic) => Object::Help {
            text: commands::help(*topic).join("\n"),
        },
        Parsed::NotSelf(verb) => Object::Error {
            reason: "not-self",
            text: format!("You can only {verb} yourself."),
        },
        Parsed::TooLarge(bytes) => not_accepted(&NotAccepted::TooLarge(*bytes)),
        Parsed::Wrong(hint) => Object::Error {
            reason: "wrong-input",
            text: hint.clone(),
        },
    };
    Some(written(&object))
}

#[expect(
    clippy::expect_used,
    reason = "names, numbers and texts: there is nothing in an object that JSON does not have"
)]
fn written(object: &Object<'_>) -> String {
    serde_json::to_string(object).expect("an object")
}

fn object(notice: &Notice) -> Object<'_> {
    match &notice.event {
        Event::Registered { returning } => Object::Registered {
            returning: *returning,
        },
        Event::RegistrationRefused { name, reason } => Object::RegistrationRefused {
            user: name,
            reason: words::registration(reason),
        },
        Event::Deregistered => Object::Deregistered,
        Event::ServerSilent => Object::ServerSilent,
        Event::ServerBack => Object::ServerBack,
        Event::Superseded => Object::Superseded,
        Event::RegistryChanged { known, found } => Object::RegistryChanged {
            known: known.fingerprint(),
            found: found.fingerprint(),
        },
        Event::TableUpdated => Object::TableUpdated,
        Event::HaveMessages => Object::HaveMessages,
        Event::Incoming(message) => Object::Message(Message::of(message)),
        Event::StoredAgain { .. } => Object::StoredAgain {
            ids: notice.about.iter().map(MessageId::to_string).collect(),
        },
        Event::NotAccepted(reason) => not_accepted(reason),
        Event::IdentityChanged { name, known, found } => changed(name, known, found),
        Event::Room(event) => room(notice, event),
        Event::Trusted { name } => Object::Trusted { user: name },
        Event::Trouble(text) => Object::Trouble { text },
        Event::Ended(ending) => Object::Ended {
            ending: words::ending(*ending),
        },
        Event::Accepted { .. }
        | Event::Renumbered { .. }
        | Event::Received { .. }
        | Event::NoAnswer { .. }
        | Event::Offline { .. }
        | Event::Stored { .. }
        | Event::ReceivedLater { .. }
        | Event::Waiting { .. }
        | Event::Refused { .. }
        | Event::Expired { .. } => Object::State(state(notice)),
    }
}

fn changed<'a>(user: &'a Name, known: &IdentityId, found: &IdentityId) -> Object<'a> {
    Object::IdentityChanged {
        user,
        known: known.fingerprint(),
        found: found.fingerprint(),
    }
}

fn not_accepted(reason: &NotAccepted) -> Object<'static> {
    Object::Error {
        reason: words::not_accepted(reason),
        text: bare(render::not_accepted(reason)),
    }
}

/// A sentence without the brackets that set it off on a screen.
fn bare(line: String) -> String {
    match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(bare) => bare.to_owned(),
        None => line,
    }
}

fn room<'a>(notice: &'a Notice, event: &'a RoomEvent) -> Object<'a> {
    match event {
        RoomEvent::Entered { room, already } => Object::RoomEntered {
            room: &room.hall.name,
            owner: room.owner.as_ref(),
            members: room.members,
            already: *already,
        },
        RoomEvent::Left { room } => Object::RoomLeft { room },
        RoomEvent::Outside { room } => Object::RoomOutside { room },
        RoomEvent::Kicked { room, name, members } => Object::RoomKicked {
            room,
            user: name.as_ref(),
            members: *members,
        },
        RoomEvent::News {
            room,
            at,
            members,
            news,
        } => {
            let (news, user) = words::news(news);
            Object::RoomNews {
                room,
                news,
                user,
                at: timestamp(*at),
                members: *members,
            }
        }
        RoomEvent::Missed { room, messages } => Object::RoomMissed {
            room,
            messages: *messages,
        },
        RoomEvent::Impostor { room, name } => Object::RoomImpostor { room, user: name },
        RoomEvent::Rooms(rooms) => Object::Rooms {
            rooms: rooms.iter().map(Room::of).collect(),
        },
        RoomEvent::Members { room, members } => Object::Members {
            room,
            members: members.iter().map(Member::of).collect(),
        },
        RoomEvent::NotDone { why, .. } => Object::Error {
            reason: words::not_done(why),
            text: render::event(&notice.event, render::local_offset)
                .into_iter()
                .map(bare)
                .collect(),
        },
        RoomEvent::Posted { .. }
        | RoomEvent::Waiting { .. }
        | RoomEvent::Reached { .. }
        | RoomEvent::Refused { .. }
        | RoomEvent::Expired { .. } => Object::State(state(notice)),
    }
}

/// The state that is told; for those events only that tell one.
fn state(notice: &Notice) -> State<'_> {
    let id = notice.about.first().map(MessageId::to_string);
    let state = State {
        id,
        ..State::default()
    };
    match &notice.event {
        Event::Accepted { to } => state.of_message("accepted", to),
        Event::Renumbered { to, was } => State {
            was: Some(was.to_string()),
            ..state.of_message("renumbered", to)
        },
        Event::NoAnswer { to } => state.of_letter("no-answer", to, None),
        Event::Offline { to } => state.of_letter("offline", to, None),
        Event::Waiting { to } => state.of_letter("waiting", to, None),
        Event::Stored { to } => state.of_letter("stored", to, None),
        Event::Received { to } => state.of_letter("delivered", to, None),
        Event::ReceivedLater { to, sent_at } => state.of_letter("delivered", to, Some(sent_at)),
        Event::Expired { to, sent_at } => state.of_letter("expired", to, Some(sent_at)),
        Event::Refused { to, sent_at, reason } => State {
            reason: Some(words::refusal(reason)),
            ..state.of_letter("refused", to, Some(sent_at))
        },
        Event::Room(event) => state.of_post(event),
        _ => state,
    }
}

impl<'a> State<'a> {
    fn of_message(self, state: &'static str, to: &'a To) -> Self {
        match to {
            To::Peer(name) => self.of_letter(state, name, None),
            To::Room(hall) => self.posted(state, &hall.name, None),
        }
    }

    fn of_letter(self, state: &'static str, to: &'a Name, sent_at: Option<&WallTime>) -> Self {
        Self {
            state,
            to: Some(to),
            sent_at: sent_at.copied().map(timestamp),
            ..self
        }
    }

    fn posted(self, state: &'static str, room: &'a Name, sent_at: Option<&WallTime>) -> Self {
        Self {
            state,
            room: Some(room),
            sent_at: sent_at.copied().map(timestamp),
            ..self
        }
    }

    fn of_post(self, event: &'a RoomEvent) -> Self {
        match event {
            RoomEvent::Posted { room } => self.posted("stored", room, None),
            RoomEvent::Waiting { room } => self.posted("waiting", room, None),
            RoomEvent::Expired { room, sent_at } => self.posted("expired", room, Some(sent_at)),
            RoomEvent::Refused {
                room,
                sent_at,
                reason,
            } => Self {
                reason: Some(words::refusal(reason)),
                ..self.posted("refused", room, Some(sent_at))
            },
            RoomEvent::Reached {
                room,
                sent_at,
                reach: None,
            } => self.posted("delivered", room, Some(sent_at)),
            RoomEvent::Reached {
                room,
                sent_at,
                reach: Some(reach),
            } => Self {
                received: Some(reach.received),
                of: Some(reach.of),
                ..self.posted("reached", room, Some(sent_at))
            },
            _ => self,
        }
    }
}

impl<'a> Message<'a> {
    fn of(message: &'a Incoming) -> Self {
        let (road, room, before) = match &message.road {
            Road::Direct => ("direct", None, None),
            Road::Stored => ("stored", None, None),
            Road::Late => ("late", None, None),
            Road::Room { name, before } => ("room", Some(name), Some(*before)),
        };
        Self {
            seq: message.id.slot.sequence.0,
            user: &message.from,
            message: &message.text,
            id: message.id.to_string(),
            sent_at: timestamp(message.sent_at),
            road,
            room,
            before,
        }
    }
}

impl<'a> Room<'a> {
    fn of(room: &'a RoomListed) -> Self {
        Self {
            room: &room.name,
            owner: room.owner.as_ref(),
            members: room.members,
            online: room.online,
        }
    }
}

impl<'a> Member<'a> {
    fn of(member: &'a MemberListed) -> Self {
        Self {
            user: &member.name,
            online: member.online,
        }
    }
}

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The years that RFC 3339 has, 0000 to 9999, in Unix milliseconds: a clock beyond is told as their end.
const YEARS_MS: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

/// A time in UTC, as RFC 3339 writes it.
pub(super) fn timestamp(at: WallTime) -> String {
    let ms = at.unix_ms().clamp(YEARS_MS.0, YEARS_MS.1);
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|at| at.format(TIMESTAMP).ok())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
