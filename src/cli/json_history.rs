//! Messages that are kept, as objects: in answers to `history` and `search`, and by itself in each line of an export.
//!
//! Invariant: as `json`'s.

use std::net::SocketAddr;

use serde::Serialize;

use super::json_objects::{Object, timestamp};
use super::json_words as words;
use super::marks;
use super::sanitise::escape_json;
use crate::client::interface::{Forgotten, History, Partner, Recorded, Subject, Way};
use crate::client::storage::{Finish, State};
use crate::client::to::To;
use crate::id::Name;

/// What an answer is about.
#[derive(Debug, Default, Serialize)]
pub(super) struct About<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<&'a str>,
}

/// A message that is kept.
#[derive(Debug, Default, Serialize)]
pub(super) struct Kept<'a> {
    user: Option<&'a Name>,
    own: bool,
    /// How well the key is known of its writer, or of whom it is for, if that is worth a mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    message: &'a str,
    id: String,
    sent_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// So many have it …
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u32>,
    /// … of so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u32>,
}

impl<'a> Object<'a> {
    pub(super) fn of_history(history: &'a History) -> Self {
        let messages = history.messages.iter();
        Self::History {
            about: About::of(&history.subject),
            messages: messages.map(|message| Kept::of(message, &history.own)).collect(),
            earlier: history.earlier.is_some(),
        }
    }

    pub(super) fn of_forgotten(forgotten: &'a Forgotten) -> Self {
        Self::Forgotten {
            about: About::partner(&forgotten.with),
            removed: forgotten.removed,
            kept: forgotten.kept,
        }
    }
}

impl<'a> About<'a> {
    fn of(subject: &'a Subject) -> Self {
        match subject {
            Subject::All => Self::default(),
            Subject::With(partner) => Self::partner(partner),
            Subject::Words(words) => Self {
                words: Some(words),
                ..Self::default()
            },
        }
    }

    fn partner(partner: &'a Partner) -> Self {
        let nobody = Self::default();
        match partner {
            Partner::Person(name) => Self {
                user: Some(name),
                ..nobody
            },
            Partner::Room(name) => Self {
                room: Some(name),
                ..nobody
            },
            Partner::At(address) => Self {
                address: Some(*address),
                ..nobody
            },
        }
    }
}

impl<'a> Kept<'a> {
    /// `own`: our own name.
    pub(super) fn of(message: &'a Recorded, own: &'a Name) -> Self {
        let is_own = matches!(message.way, Way::Out { .. });
        let kept = Self {
            own: is_own,
            key: marks::word(message.trust),
            message: &message.text,
            id: message.id.to_string(),
            sent_at: timestamp(message.sent_at),
            ..Self::default()
        };
        let kept = match &message.with {
            To::Peer(name) => Self {
                to: is_own.then_some(name),
                ..kept
            },
            To::Room(hall) => Self {
                room: Some(&hall.name),
                ..kept
            },
            To::At(address) => Self {
                address: Some(*address),
                ..kept
            },
        };
        match &message.way {
            Way::In {
                from, received_at, ..
            } => Self {
                user: Some(from),
                received_at: Some(timestamp(*received_at)),
                ..kept
            },
            Way::Out {
                state,
                stored_at,
                ended_at,
                ..
            } => Self {
                user: Some(own),
                stored_at: stored_at.map(timestamp),
                ended_at: ended_at.map(timestamp),
                ..kept.with_state(*state)
            },
        }
    }

    /// As a line of its own.
    #[expect(
        clippy::expect_used,
        reason = "names, numbers and texts: there is nothing in it that JSON does not have"
    )]
    pub(super) fn line(&self) -> String {
        let object = escape_json(serde_json::to_string(self).expect("an object"));
        object + "\n"
    }

    fn with_state(self, state: State) -> Self {
        let word = match state {
            State::Waiting => "waiting",
            State::Stored => "stored",
            State::Ended(Finish::Delivered) => "delivered",
            State::Ended(Finish::Reached(_)) => "reached",
            State::Ended(Finish::Refused(_)) => "refused",
            State::Ended(Finish::Expired) => "expired",
        };
        let kept = Self {
            state: Some(word),
            ..self
        };
        match state {
            State::Ended(Finish::Refused(reason)) => Self {
                reason: Some(words::refusal(&reason)),
                ..kept
            },
            State::Ended(Finish::Reached(reach)) => Self {
                received: Some(reach.received),
                of: Some(reach.of),
                ..kept
            },
            _ => kept,
        }
    }
}
