//! What a client tells, as JSON Lines: an object a line, for programs. `docs/json.schema.json` describes all of them.
//!
//! Texts are kept as they were written: JSON escapes what would end a line, and a program is no terminal. Times are in UTC
//! with milliseconds (RFC 3339). The objects' fields are in `json_objects`, the words in them in `json_words`.
//! Invariants: every object has an `event`; names of fields and events stay what they are, there are only more of them.

use crate::cli::commands::{self, Parsed};
use crate::cli::json_net::Paths;
use crate::cli::json_objects::{Message, Object, State, timestamp};
use crate::cli::json_parts::{Fingerprint, Listed, Member, Peer, Readers, Room, Unheard};
use crate::cli::json_trace::Way;
use crate::cli::json_words as words;
use crate::cli::render;
use crate::cli::sanitise::escape_json;
use crate::client::interface::{
    ContactEvent, Event, NotAccepted, NotVerified, Notice, PeopleEvent, RoomEvent, Trust,
};
use crate::id::{IdentityId, MessageId, Name};

/// What is told, as a line; none for what only helps a person to type.
pub(super) fn notice(notice: &Notice) -> Option<String> {
    object(notice).map(|object| written(&object))
}

/// What is answered to what was no command for the client, as a line; none if there is nothing to say.
pub(super) fn answer(parsed: &Parsed) -> Option<String> {
    let object = match parsed {
        Parsed::Nothing | Parsed::Command(_) | Parsed::Focus(_) => return None,
        Parsed::Help(topic) => Object::Help {
            text: commands::help(*topic).join("\n"),
        },
        Parsed::Answer(lines) => Object::Help {
            text: lines.join("\n"),
        },
        Parsed::NotSelf(verb) => Object::Error {
            reason: "not-self",
            text: format!("You can only {verb} yourself."),
            tag: None,
        },
        Parsed::TooLarge(bytes) => not_accepted(&NotAccepted::TooLarge(*bytes), None),
        Parsed::Quiet(on) => Object::Dnd { on: *on },
        Parsed::FullScreen => Object::Error {
            reason: "wrong-input",
            text: render::NO_SCREEN.to_owned(),
            tag: None,
        },
        Parsed::Wrong(hint) => Object::Error {
            reason: "wrong-input",
            text: hint.clone(),
            tag: None,
        },
    };
    Some(written(&object))
}

#[expect(
    clippy::expect_used,
    reason = "names, numbers and texts: there is nothing in an object that JSON does not have"
)]
fn written(object: &Object<'_>) -> String {
    escape_json(serde_json::to_string(object).expect("an object"))
}

fn object(notice: &Notice) -> Option<Object<'_>> {
    Some(match &notice.event {
        Event::Names(_) => return None,
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
        Event::Users(users) => Object::Users {
            users: users.users.iter().map(Listed::of).collect(),
            all: users.all,
            current: users.current,
        },
        Event::Status(status) => Object::Status {
            messages: status.messages.iter().map(State::of_unfinished).collect(),
            earlier: status.earlier,
            early: status.early,
        },
        Event::Trace(trace) => Object::Trace(Box::new(Way::of(trace))),
        Event::Net(net) => Object::Net(Paths::of(net)),
        Event::History(history) => Object::of_history(history),
        Event::Forgotten(forgotten) => Object::of_forgotten(forgotten),
        Event::Fingerprint { whose, id, trust } => {
            Object::Fingerprint(Fingerprint::of(whose, id.as_ref(), *trust))
        }
        Event::Presence { name, online } => Object::Presence {
            user: name,
            online: *online,
        },
        Event::PresenceTold { on } => Object::PresenceTold { on: *on },
        Event::HaveMessages => Object::HaveMessages,
        Event::Incoming(message) => Object::Message(Message::of(message)),
        Event::StoredAgain { .. } => Object::StoredAgain {
            ids: notice.about.iter().map(MessageId::to_string).collect(),
        },
        Event::NotAccepted(reason) => not_accepted(reason, notice.tag),
        Event::IdentityChanged { name, known, found } => changed(name, known, found),
        Event::Room(event) => room(notice, event),
        Event::People(event) => people(event),
        Event::Contact(event) => contact(notice, event),
        Event::Trusted { name } => Object::Trusted { user: name },
        Event::Trouble(text) | Event::Unanswered { why: text, .. } => Object::Trouble { text },
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
        | Event::Expired { .. } => Object::State(State::of(notice)),
    })
}

fn changed<'a>(user: &'a Name, known: &IdentityId, found: &IdentityId) -> Object<'a> {
    Object::IdentityChanged {
        user,
        known: known.fingerprint(),
        found: found.fingerprint(),
    }
}

fn people(event: &PeopleEvent) -> Object<'_> {
    match event {
        PeopleEvent::Verified { whose, id } => {
            Object::Verified(Fingerprint::of(whose, Some(id), Trust::Verified))
        }
        PeopleEvent::NotVerified {
            whose,
            id,
            trust,
            why,
        } => {
            let (reason, found) = match why {
                NotVerified::Differs(given) => ("differs", given.clone()),
                NotVerified::Changed(found) => ("changed", found.fingerprint()),
                NotVerified::Listed => ("listed", id.fingerprint()),
            };
            Object::NotVerified {
                known: Fingerprint::of(whose, Some(id), *trust),
                reason,
                found,
            }
        }
        PeopleEvent::Blocked { name } => Object::UserBlocked { user: name },
        PeopleEvent::Unblocked { name } => Object::UserUnblocked { user: name },
        PeopleEvent::All(blocked) => Object::Blocked {
            users: blocked.iter().map(Unheard::of).collect(),
        },
    }
}

fn not_accepted(reason: &NotAccepted, tag: Option<u64>) -> Object<'static> {
    Object::Error {
        reason: words::not_accepted(reason),
        text: bare(render::not_accepted(reason)),
        tag,
    }
}

/// A sentence without the brackets that set it off on a screen.
fn bare(line: String) -> String {
    match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(bare) => bare.to_owned(),
        None => line,
    }
}

fn contact<'a>(notice: &'a Notice, event: &'a ContactEvent) -> Object<'a> {
    match event {
        ContactEvent::Listening { port, contacts } => Object::Listening {
            port: *port,
            peers: contacts.iter().map(Peer::of).collect(),
        },
        ContactEvent::Met { who, id } => Object::PeerMet {
            peer: Peer::of(who),
            fingerprint: id.fingerprint(),
        },
        ContactEvent::Changed { who, known, found } => Object::PeerChanged {
            peer: Peer::of(who),
            known: known.fingerprint(),
            found: found.fingerprint(),
        },
        ContactEvent::NameTaken { address, name } => Object::PeerNameTaken(Peer {
            user: Some(name),
            address: *address,
        }),
        ContactEvent::Renamed { who, was } => Object::PeerRenamed {
            peer: Peer::of(who),
            was,
        },
        ContactEvent::NotListed { by } => Object::PeerListsNot(Peer::of(by)),
        ContactEvent::Trusted { who } => Object::PeerTrusted(Peer::of(who)),
        ContactEvent::Received { .. }
        | ContactEvent::ReceivedLater { .. }
        | ContactEvent::Waiting { .. }
        | ContactEvent::Refused { .. }
        | ContactEvent::Expired { .. } => Object::State(State::of(notice)),
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
        RoomEvent::Offered { room } => Object::RoomOffered { room },
        RoomEvent::Readers {
            room,
            sent_at,
            reach,
            missing,
        } => Object::PostReaders(Readers::of(notice, (room, *sent_at), *reach, missing)),
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
            out,
        } => {
            let (news, user) = words::news(news);
            Object::RoomNews {
                room,
                news,
                user,
                at: timestamp(*at),
                members: *members,
                out: *out,
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
            tag: None,
        },
        RoomEvent::Posted { .. }
        | RoomEvent::Waiting { .. }
        | RoomEvent::Reached { .. }
        | RoomEvent::Refused { .. }
        | RoomEvent::Expired { .. } => Object::State(State::of(notice)),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
