//! Which road a message can take now.
//!
//! Straight to the recipient where that works; to the registry if he is away or does not answer in time; otherwise
//! it waits until either can be reached. While an earlier message of a conversation is with the registry, later
//! ones wait for its outcome up to the direct budget, then follow it, so that they do not overtake. A registry whose disk
//! takes nothing is no road: whoever can be reached is written to as if it were away, but what follows an unanswered
//! deposit waits for that answer, or for the pause to be over. `delivery` takes the road.
//! Invariants: what is looked at is not changed; nothing goes while of an earlier message it is not committed yet that the
//! registry may have it; where nothing is under way that would tell (a session that is opened, a commit, however long the
//! disk takes), there is a time at which to look again, or the message is said to wait.

use std::net::SocketAddr;

use super::Client;
use super::declined::Want;
use super::delivery::DIRECT_TRIES_MAX;
use super::directory::Knowledge;
use super::outbox::Outgoing;
use super::storage::Key;
use crate::clock::Instant;
use crate::engine::Context;
use crate::id::IdentityId;
use crate::identity::Card;
use crate::limits::{DIRECT_BUDGET, DIRECT_HANDSHAKE_BUDGET};
use crate::transport::SessionId;

/// What is to be done with a message now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Road {
    Direct(SessionId, Card),
    Deposit(Card, Why),
    /// To the registry, for all who are in a room.
    Post,
    Connect(Card),
    /// Whoever is at an address is to be called.
    Call(SocketAddr),
    Pin(Card),
    LookUp,
    /// Looked up, and gone on with then even without an answer.
    LookUpUntil(Instant),
    Until(Instant),
    /// Somebody has asked to come again then.
    PutOff(Instant),
    /// Something under way will tell.
    Later,
    Nowhere,
}

impl Road {
    /// Whether it is one that is known to lead to somebody.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(
            self,
            Self::Call(_) | Self::PutOff(_) | Self::Later | Self::Nowhere
        )
    }
}

/// Why a message does not go directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    NoAnswer,
    Offline,
    /// It is for a room.
    Room,
}

impl Client {
    /// What is to be done with the first that is queued in a conversation.
    pub(super) fn road(&self, cx: &Context<'_>, to: &str, key: Key, message: &Outgoing) -> Road {
        let road = self.road_alone(cx, to, key, message);
        // Being marked is no road yet: those are marked together, and go in order.
        let goes = match road {
            Road::Direct(..) => true,
            Road::Deposit(..) | Road::Post => message.deposited,
            _ => false,
        };
        match self.outbox.conversation(to) {
            Some(conversation) if goes && conversation.is_behind_mark(key) => Road::Later,
            // A room is in the order of arrival: one after the other.
            Some(conversation) if road == Road::Post && conversation.is_behind_deposit(key) => Road::Later,
            _ => road,
        }
    }

    /// What would be done with it if of none before it were to be committed first that the registry may have it. Our own
    /// disk may be slow, or fail.
    fn road_alone(&self, cx: &Context<'_>, to: &str, key: Key, message: &Outgoing) -> Road {
        if self.link.offline() || self.is_leaving() {
            return Road::Nowhere;
        }
        if message.to.room().is_some() {
            return self.road_to_room(cx.now.at, message);
        }
        if let Some(address) = message.to.address() {
            return self.road_to_address(cx.now.at, address, put_off(cx.now.at, message));
        }
        match self.directory.knows(to) {
            Knowledge::Pinned(card) => self.road_to(cx, to, card, key, message),
            Knowledge::Listed(card) => Road::Pin(card),
            Knowledge::Contested { .. } => match message.sealed_for() {
                Some(card) => self.road_of_sealed(cx, message, card),
                None if self.is_to_be_asked(to) => Road::LookUp,
                None => Road::Nowhere,
            },
            Knowledge::Unknown if self.link.registered().is_some() => Road::LookUp,
            Knowledge::Unknown => self.without_road(),
        }
    }

    /// Neither he nor the registry can be reached.
    const fn without_road(&self) -> Road {
        if self.link.trying() {
            Road::Later
        } else {
            Road::Nowhere
        }
    }

    /// There is but one.
    fn road_to_room(&self, now: Instant, message: &Outgoing) -> Road {
        if let Some(until) = put_off(now, message) {
            Road::PutOff(until)
        } else if self.link.registered().is_some() {
            Road::Post
        } else {
            self.without_road()
        }
    }

    /// The road of what the registry may have, sealed for one whose the name is no longer: there alone it ends.
    fn road_of_sealed(&self, cx: &Context<'_>, message: &Outgoing, recipient: Card) -> Road {
        if let Some(until) = put_off(cx.now.at, message) {
            Road::PutOff(until)
        } else if self.link.registered().is_some() {
            Road::Deposit(recipient, Why::NoAnswer)
        } else {
            self.without_road()
        }
    }

    /// The road to somebody who is known.
    fn road_to(&self, cx: &Context<'_>, to: &str, card: Card, key: Key, message: &Outgoing) -> Road {
        let now = cx.now.at;
        let registered = self.link.registered().is_some();
        if let Some(other) = message.sealed_for().filter(|other| other.id != card.id) {
            return self.road_of_sealed(cx, message, other);
        }
        if let Some(until) = put_off(now, message) {
            return match self.past_registry(cx, to, card.id, key, message) {
                Some(session) => Road::Direct(session, card),
                None => Road::PutOff(until),
            };
        }
        let keeps = self.keeper(now).is_some();
        let offline = self.directory.offline(to);
        let why = if offline { Why::Offline } else { Why::NoAnswer };
        let tried = message.to_registry || message.direct_tries >= DIRECT_TRIES_MAX;
        if keeps && tried {
            return Road::Deposit(card, Why::NoAnswer);
        }
        if let Some(until) = self.answer_until(cx, to)
            && now < until
            && self.usable_session(cx, to, card.id).is_none()
        {
            return Road::LookUpUntil(until);
        }
        let connecting = self.peers.get(card.id).and_then(|peer| peer.connecting.as_ref());
        let may_connect = (!offline || !registered)
            && self
                .peers
                .may_connect(card.id, &self.directory.addresses(to), now);
        let session = self.usable_session(cx, to, card.id).filter(|session| {
            // He may have left it behind: it is used only if he cannot be reached where he is said to be.
            !self.moved_away(cx, to, *session) || (connecting.is_none() && !may_connect)
        });
        if registered && let Some(until) = self.behind(to, key, message) {
            if session.is_none() && connecting.is_none() && !may_connect {
                return Road::Deposit(card, why);
            }
            if now < until {
                return Road::Until(until);
            }
            if let Some(until) = self.handed_back_until(now, to, key) {
                return Road::Until(until);
            }
            if keeps {
                return Road::Deposit(card, Why::NoAnswer);
            }
        }
        if let Some(session) = session {
            return Road::Direct(session, card);
        }
        if let Some(connecting) = connecting {
            let until = connecting.since + DIRECT_HANDSHAKE_BUDGET;
            return match registered {
                true if now < until => Road::Until(until),
                true => Road::Deposit(card, why),
                false => Road::Later,
            };
        }
        if may_connect {
            return Road::Connect(card);
        }
        if registered {
            Road::Deposit(card, why)
        } else {
            self.without_road()
        }
    }

    /// Whether the registry can say what it has not said yet: who has the name, and where he is.
    pub(super) fn is_to_be_asked(&self, to: &str) -> bool {
        self.link.registered().is_some() && !self.directory.told_of(to) && !self.lookups.is_unlisted(to)
    }

    /// Until when a message waits for what the registry says of his name; `None` if it is not asked.
    fn answer_until(&self, cx: &Context<'_>, to: &str) -> Option<Instant> {
        let registry = self.link.registered().filter(|_| self.is_to_be_asked(to))?;
        let since = self.lookups.since(to, cx.now.at)?;
        Some(since + Self::budget(cx, registry))
    }

    /// Until when a message waits for the outcome of an earlier one that the registry has; `None` if there is none.
    fn behind(&self, to: &str, key: Key, message: &Outgoing) -> Option<Instant> {
        let conversation = self.outbox.conversation(to)?;
        let behind = conversation.is_behind(key);
        behind.then(|| message.queued_at.max(conversation.parked_since) + DIRECT_BUDGET)
    }

    /// Until when a message waits whose time behind others is over, because the registry is about to hand one of those
    /// back; `None` if it is not.
    fn handed_back_until(&self, now: Instant, to: &str, key: Key) -> Option<Instant> {
        let until = self.deposit_pause.until(now)?;
        let conversation = self.outbox.conversation(to)?;
        conversation.is_behind_deposit(key).then_some(until)
    }

    /// The session in which a message goes that the registry has put off. It may have been tried there before: only if he
    /// was heard of since, and where it overtakes nothing. Whoever is too quick is so here, too.
    fn past_registry(
        &self,
        cx: &Context<'_>,
        to: &str,
        id: IdentityId,
        key: Key,
        message: &Outgoing,
    ) -> Option<SessionId> {
        let declined = message.declined(cx.now.at)?;
        let session = self.usable_session(cx, to, id)?;
        let heard = cx.sessions.path(session)?.heard_at;
        let goes = message.not_before <= cx.now.at
            && declined.want != Want::Pace
            && heard > declined.at
            && !self.moved_away(cx, to, session)
            && !self.outbox.conversation(to)?.is_behind(key);
        goes.then_some(session)
    }

    /// The session with a peer, unless the registry has said since it was last heard that he is offline.
    fn usable_session(&self, cx: &Context<'_>, to: &str, id: IdentityId) -> Option<SessionId> {
        let session = self.peers.get(id)?.session?;
        let heard = cx.sessions.path(session)?.heard_at;
        self.directory
            .offline_since(to)
            .is_none_or(|since| since <= heard)
            .then_some(session)
    }

    /// Whether the registry has said since the session was last heard that he is somewhere else.
    fn moved_away(&self, cx: &Context<'_>, to: &str, session: SessionId) -> bool {
        let heard = cx.sessions.path(session).map(|path| path.heard_at);
        self.directory.moved_at(to) > heard
    }

    /// Whether nothing of a conversation goes before a pin or new numbers are committed.
    pub(super) fn is_held_up(&self, to: &str) -> bool {
        let pinning = self
            .outbox
            .conversation(to)
            .is_some_and(|conversation| conversation.pinning);
        pinning || self.renewals.has(to)
    }
}

/// Until when somebody has asked not to be troubled with a message: its recipient, or else the registry, past which it may
/// go.
fn put_off(now: Instant, message: &Outgoing) -> Option<Instant> {
    let recipient = Some(message.not_before).filter(|until| *until > now);
    recipient.or_else(|| message.declined(now).map(|declined| declined.until))
}
