//! The room that is for everybody: whoever is not in it is offered it, once each time that he is told that he is registered.
//!
//! That nobody ends it, or is put out of it, is `doors`' to judge. Invariant: what is owed is owed by one turn of a program.

use super::{Ledger, Verdict};
use crate::clock::Instant;
use crate::id::Name;
use crate::reserved::LOBBY;

/// Whether somebody is to be told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Offer {
    /// No.
    #[default]
    None,
    /// He may be: it was made at about the same time, or he may be about to enter it.
    May,
    /// He has to be.
    Must,
}

fn lobby() -> Option<Name> {
    LOBBY.parse().ok()
}

impl Ledger {
    /// Somebody is told that he is registered. If his program enters a room then, it asks to.
    pub(super) fn is_welcome(&mut self, at: Instant, person: usize) {
        let Some(lobby) = lobby() else { return };
        if self.halls.quarters.joined_by(person).is_some() {
            self.enters_by_itself(at, person, lobby.clone());
        }
        let is_entering = self.is_entering(person, &lobby);
        let is_for_him = !self.is_told_inside(person, &lobby) && is_entering != Some(true);
        let registering = self.counted_at.get(person).copied().unwrap_or(at);
        let stands = self.halls.stands(registering);
        let is_there = |stand| self.halls.named(&lobby, stand).is_some();
        let offer = if is_for_him && is_entering.is_none() && is_there(*stands.start()) {
            Offer::Must
        } else if is_for_him && is_there(*stands.end()) {
            Offer::May
        } else {
            Offer::None
        };
        if let Some(his) = self.offers.get_mut(person) {
            *his = offer;
        }
    }

    /// Somebody is offered it.
    pub(super) fn is_offered(&mut self, person: usize) -> Verdict {
        let offer = self.offers.get_mut(person).map(std::mem::take);
        match offer {
            Some(Offer::May | Offer::Must) => Ok(()),
            Some(Offer::None) | None => {
                self.not_so(format!("{person} is offered the lobby, and has no use for that"))
            }
        }
    }

    /// A turn of somebody's program is over, and he has read what it has told.
    pub(super) fn has_read(&mut self, person: usize) -> Verdict {
        let offer = self.offers.get_mut(person).map(std::mem::take);
        match offer {
            Some(Offer::Must) => self.not_so(format!("{person} is registered, and not told of the lobby")),
            _ => Ok(()),
        }
    }
}
