//! The lobby: a room that the registry makes for everybody, and that is nobody's (PROTOCOL §8.5).
//!
//! Made once, when the operator first wants it; from then on it is in the database as any room is.
//! Invariant: there is at most one, and it never ends.

use super::storage::{RoomKey, RoomRequest};
use crate::clock::Instant;
use crate::engine::{Context, StoreFault};
use crate::id::Name;
use crate::limits::REQUEST_RETRY;
use crate::registry::Registry;
use crate::registry::out::Pending;
use crate::registry::storage::{Reply, Request};
use crate::registry::timers::Timer;
use crate::reserved::LOBBY;

impl Registry {
    /// Sees that there is one, if one is wanted.
    pub(in crate::registry) fn want_lobby(&mut self, now: Instant) {
        if self.config.lobby {
            self.timers.set(Timer::Lobby, now);
        }
    }

    /// Whether there is one.
    pub(in crate::registry) fn has_lobby(&self) -> bool {
        let found = LOBBY.parse().ok().and_then(|name| self.rooms.by_name(&name));
        found.is_some_and(|(_, room)| room.committed)
    }

    /// Makes it, unless it is there.
    pub(in crate::registry) fn make_lobby(&mut self) {
        let Ok(name) = LOBBY.parse::<Name>() else {
            return;
        };
        if self.rooms.by_name(&name).is_some() {
            return;
        }
        if let Some(row) = self.begin_room(name, None) {
            let made = Pending::LobbyMade(row.key);
            self.out.store(Request::Room(RoomRequest::MakeRoom(row)), made);
        }
    }

    /// It is in the database, or not: then it is tried again.
    pub(in crate::registry) fn lobby_made(
        &mut self,
        cx: &Context<'_>,
        room: RoomKey,
        reply: &Result<Reply, StoreFault>,
    ) {
        if let Err(fault) = reply {
            tracing::debug!(%fault, "lobby not made");
            self.rooms.remove(room);
            self.timers.set(Timer::Lobby, cx.now.at + REQUEST_RETRY);
        } else if let Some(room) = self.rooms.get_mut(room) {
            room.committed = true;
        }
    }
}
