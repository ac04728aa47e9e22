//! The objects that `json` writes: their fields, in the order in which they are printed.
//!
//! Nothing here decides which is written; `docs/json.schema.json` says what each means. Invariant: as `json`'s.

use std::net::SocketAddr;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::cli::json_history::{About, Kept};
use crate::cli::json_net::Paths;
use crate::cli::json_parts::{Fingerprint, Listed, Member, Peer, Readers, Room, Unheard};
use crate::cli::json_trace::Way;
use crate::cli::json_words as words;
use crate::cli::marks;
use crate::client::interface::{
    Contact, ContactEvent, Event, Incoming, MessageStatus, Notice, Road, RoomEvent,
};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{MessageId, Name};

/// An object.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Object<'a> {
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
    Users {
        users: Vec<Listed<'a>>,
        all: bool,
        current: bool,
    },
    Status {
        messages: Vec<State<'a>>,
        earlier: usize,
        early: usize,
    },
    Trace(Box<Way<'a>>),
    Net(Paths<'a>),
    History {
        #[serde(flatten)]
        about: About<'a>,
        messages: Vec<Kept<'a>>,
        earlier: bool,
    },
    Forgotten {
        #[serde(flatten)]
        about: About<'a>,
        removed: u64,
        kept: u64,
    },
    Fingerprint(Fingerprint<'a>),
    Presence {
        user: &'a Name,
        online: bool,
    },
    PresenceTold {
        on: bool,
    },
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
    RoomOffered {
        room: &'a Name,
    },
    PostReaders(Readers<'a>),
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
        out: bool,
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
    Listening {
        port: u16,
        peers: Vec<Peer<'a>>,
    },
    PeerMet {
        #[serde(flatten)]
        peer: Peer<'a>,
        fingerprint: String,
    },
    PeerChanged {
        #[serde(flatten)]
        peer: Peer<'a>,
        known: String,
        found: String,
    },
    PeerNameTaken(Peer<'a>),
    PeerRenamed {
        #[serde(flatten)]
        peer: Peer<'a>,
        was: &'a Name,
    },
    PeerListsNot(Peer<'a>),
    PeerTrusted(Peer<'a>),
    Verified(Fingerprint<'a>),
    NotVerified {
        #[serde(flatten)]
        known: Fingerprint<'a>,
        reason: &'static str,
        found: String,
    },
    UserBlocked {
        user: &'a Name,
    },
    UserUnblocked {
        user: &'a Name,
    },
    Blocked {
        users: Vec<Unheard<'a>>,
    },
    Dnd {
        on: bool,
    },
    Help {
        text: String,
    },
    Error {
        reason: &'static str,
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        tag: Option<u64>,
    },
}

/// A message for us.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    /// Its number in what its author writes to us, or to the room: from 0, one after the other. It is the one that the
    /// message has in its id, so it is the same in every run; it begins at 0 again where the author's numbering does.
    seq: u64,
    user: &'a Name,
    message: &'a str,
    id: String,
    sent_at: String,
    road: &'static str,
    /// How well its writer's key is known, if that is worth a mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Name>,
    /// Whether it was posted before we were in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<bool>,
}

/// Where a message of ours is, or what has become of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct State<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What its writer called it, where it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
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

impl<'a> State<'a> {
    /// The state that is told; for those events only that tell one.
    pub(super) fn of(notice: &'a Notice) -> Self {
        let id = notice.about.first().map(MessageId::to_string);
        let state = Self {
            id,
            tag: notice.tag,
            ..Self::default()
        };
        match &notice.event {
            Event::Accepted { to } => state.of_message("accepted", to, None),
            Event::Renumbered { to, was } => Self {
                was: Some(was.to_string()),
                ..state.of_message("renumbered", to, None)
            },
            Event::NoAnswer { to } => state.of_letter("no-answer", to, None),
            Event::Offline { to } => state.of_letter("offline", to, None),
            Event::Waiting { to } => state.of_letter("waiting", to, None),
            Event::Stored { to } => state.of_letter("stored", to, None),
            Event::Received { to } => state.of_letter("delivered", to, None),
            Event::ReceivedLater { to, sent_at } => state.of_letter("delivered", to, Some(sent_at)),
            Event::Expired { to, sent_at } => state.of_letter("expired", to, Some(sent_at)),
            Event::Refused { to, sent_at, reason } => Self {
                reason: Some(words::refusal(reason)),
                ..state.of_letter("refused", to, Some(sent_at))
            },
            Event::Room(event) => state.of_post(event),
            Event::Contact(event) => state.of_contact(event),
            _ => state,
        }
    }

    /// Where a message is that is unfinished.
    pub(super) fn of_unfinished(message: &'a MessageStatus) -> Self {
        let state = Self {
            id: Some(message.id.to_string()),
            ..Self::default()
        };
        let standing = words::standing(message.standing);
        state.of_message(standing, &message.to, Some(&message.sent_at))
    }

    fn of_message(self, state: &'static str, to: &'a To, sent_at: Option<&WallTime>) -> Self {
        match to {
            To::Peer(name) => self.of_letter(state, name, sent_at),
            To::Room(hall) => self.posted(state, &hall.name, sent_at),
            To::At(address) => Self {
                state,
                address: Some(*address),
                sent_at: sent_at.copied().map(timestamp),
                ..self
            },
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

    fn at(self, state: &'static str, to: &'a Contact, sent_at: Option<&WallTime>) -> Self {
        Self {
            state,
            to: to.name.as_ref(),
            address: Some(to.address),
            sent_at: sent_at.copied().map(timestamp),
            ..self
        }
    }

    fn of_contact(self, event: &'a ContactEvent) -> Self {
        match event {
            ContactEvent::Waiting { to, .. } => self.at("waiting", to, None),
            ContactEvent::Received { to } => self.at("delivered", to, None),
            ContactEvent::ReceivedLater { to, sent_at } => self.at("delivered", to, Some(sent_at)),
            ContactEvent::Expired { to, sent_at } => self.at("expired", to, Some(sent_at)),
            ContactEvent::Refused { to, sent_at, reason } => Self {
                reason: Some(words::refusal(reason)),
                ..self.at("refused", to, Some(sent_at))
            },
            _ => self,
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
    pub(super) fn of(message: &'a Incoming) -> Self {
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
            key: marks::word(message.trust),
            room,
            before,
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
