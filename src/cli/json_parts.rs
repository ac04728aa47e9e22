//! What `json_objects` are made of where they answer a question: rows of lists, peers, fingerprints, who has a post.
//!
//! Invariant: as `json`'s.

use std::net::SocketAddr;

use serde::Serialize;

use super::json_objects::timestamp;
use super::marks;
use crate::client::interface::{self, Blocked, Contact, Notice, Trust, User, Whose};
use crate::client::storage::Reach;
use crate::clock::WallTime;
use crate::id::{IdentityId, MessageId, Name};
use crate::wire::room::RoomListed;

/// Who has a post of ours.
#[derive(Debug, Serialize)]
pub(super) struct Readers<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    room: &'a Name,
    sent_at: String,
    received: u32,
    of: u32,
    /// Who has it not; of many, some.
    missing: &'a [Name],
}

/// A fingerprint.
#[derive(Debug, Serialize)]
pub(super) struct Fingerprint<'a> {
    own: bool,
    listed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
}

/// Whoever is at an address.
#[derive(Debug, Serialize)]
pub(super) struct Peer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a Name>,
    pub(super) address: SocketAddr,
}

/// A room in the list of them.
#[derive(Debug, Serialize)]
pub(super) struct Room<'a> {
    room: &'a Name,
    owner: Option<&'a Name>,
    members: u32,
    online: u32,
}

/// Somebody who is blocked.
#[derive(Debug, Serialize)]
pub(super) struct Unheard<'a> {
    user: &'a Name,
    fingerprint: String,
    since: String,
}

/// Somebody in the table of clients.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    user: &'a Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    online: bool,
    since: Option<String>,
    address: Option<SocketAddr>,
}

/// Somebody who is in a room.
#[derive(Debug, Serialize)]
pub(super) struct Member<'a> {
    user: &'a Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    online: bool,
}

impl<'a> Fingerprint<'a> {
    pub(super) fn of(whose: &'a Whose, id: Option<&IdentityId>, trust: Trust) -> Self {
        let (user, address) = match whose {
            Whose::Own => (None, None),
            Whose::Person(name) | Whose::Listed(name) => (Some(name), None),
            Whose::Contact(contact) => (contact.name.as_ref(), Some(contact.address)),
        };
        Self {
            own: *whose == Whose::Own,
            listed: matches!(whose, Whose::Listed(_)),
            user,
            address,
            fingerprint: id.map(IdentityId::fingerprint),
            key: id.and_then(|_| marks::word(trust)),
        }
    }
}

impl<'a> Readers<'a> {
    /// Of such an event.
    pub(super) fn of(
        notice: &Notice,
        (room, sent_at): (&'a Name, WallTime),
        reach: Reach,
        missing: &'a [Name],
    ) -> Self {
        Self {
            id: notice.about.first().map(MessageId::to_string),
            room,
            sent_at: timestamp(sent_at),
            received: reach.received,
            of: reach.of,
            missing,
        }
    }
}

impl<'a> Peer<'a> {
    pub(super) fn of(contact: &'a Contact) -> Self {
        Self {
            user: contact.name.as_ref(),
            address: contact.address,
        }
    }
}

impl<'a> Room<'a> {
    pub(super) fn of(room: &'a RoomListed) -> Self {
        Self {
            room: &room.name,
            owner: room.owner.as_ref(),
            members: room.members,
            online: room.online,
        }
    }
}

impl<'a> Listed<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            user: &user.name,
            key: marks::word(user.trust),
            online: user.online,
            since: user.since.map(timestamp),
            address: user.address,
        }
    }
}

impl<'a> Unheard<'a> {
    pub(super) fn of(blocked: &'a Blocked) -> Self {
        Self {
            user: &blocked.name,
            fingerprint: blocked.id.fingerprint(),
            since: timestamp(blocked.at),
        }
    }
}

impl<'a> Member<'a> {
    pub(super) fn of(member: &'a interface::Member) -> Self {
        Self {
            user: &member.name,
            key: marks::word(member.trust),
            online: member.online,
        }
    }
}
