//! Who is there: sessions, registrations, leases (PROTOCOL §8.1, §8.2).
//!
//! A name is an identity's from its first registration on, which is committed before it is answered. Being there is
//! never written down: it begins with the answer and ends with the session, with "I leave", or with the lease.
//! Invariant: a member is online in at most one session, and that session is his identity's.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::clock::Instant;
use crate::engine::Context;
use crate::identity::Card;
use crate::registry::Registry;
use crate::registry::lane::{Lane, LaneKind};
use crate::registry::members::Seat;
use crate::registry::registering::Registration;
use crate::registry::storage::MemberId;
use crate::registry::telling::Told;
use crate::registry::timers::Timer;
use crate::transport::{CloseCause, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::{FromRegistry, Registered};

/// A session, whether or not it is registered.
#[derive(Debug)]
pub(super) struct Session {
    /// Who is there.
    pub(super) peer: Peer,
    /// Where.
    pub(super) address: SocketAddr,
    /// The highest registration that was ended in it: messages of a session may overtake each other.
    pub(super) ended: u64,
    /// The registration whose commit is under way.
    pub(super) registering: Option<u64>,
}

/// Who is at the other end.
#[derive(Debug)]
pub(super) enum Peer {
    /// Somebody who has not registered in this session.
    Visitor(Box<Card>),
    /// Somebody who has; he need not be online in it any more.
    Member(MemberId),
}

impl Registry {
    /// A session is up.
    pub(super) fn opened(&mut self, cx: &Context<'_>, session: SessionId, card: Card, address: SocketAddr) {
        self.sessions.insert(
            session,
            Session {
                peer: Peer::Visitor(Box::new(card)),
                address,
                ended: 0,
                registering: None,
            },
        );
        self.begin_visit(cx, session, address.ip());
    }

    /// Nobody is online in a session: its place is for others if that lasts, or if there are many such.
    fn begin_visit(&mut self, cx: &Context<'_>, session: SessionId, from: IpAddr) {
        self.timers
            .set(Timer::Visit(session), cx.now.at + self.config.lease);
        if let Some(oldest) = self.visitors.come(session, from) {
            tracing::debug!(?oldest, "too many sessions in which nobody is online");
            self.drop_session(cx, oldest, CloseCode::Done);
        }
    }

    /// It is we who keep a visitor waiting: he may stay as long again.
    pub(super) fn visit_goes_on(&mut self, cx: &Context<'_>, session: SessionId) {
        if self.online_in(session).is_none() {
            self.timers
                .set(Timer::Visit(session), cx.now.at + self.config.lease);
        }
    }

    fn end_visit(&mut self, session: SessionId) {
        self.visitors.go(session);
        self.timers.clear(Timer::Visit(session));
    }

    /// Nobody has been online in a session for a lease. Whoever comes back to it opens another.
    pub(super) fn visit_timeout(&mut self, cx: &Context<'_>, session: SessionId) {
        if self
            .sessions
            .get(&session)
            .is_some_and(|found| found.registering.is_some())
        {
            self.visit_goes_on(cx, session);
        } else {
            self.drop_session(cx, session, CloseCode::Done);
        }
    }

    /// A session is gone.
    pub(super) fn closed(&mut self, cx: &Context<'_>, session: SessionId, cause: CloseCause) {
        let member = self.online_in(session);
        self.sessions.remove(&session);
        self.end_visit(session);
        let Some(member) = member else {
            return;
        };
        if let CloseCause::Replaced(_) = cause {
            // He is there, but where he can be told of anything is known when he registers again.
            if let Some(seat) = self.members.seat_mut(member) {
                seat.session = None;
            }
            self.timers
                .set(Timer::Lease(member), cx.now.at + self.config.lease);
        } else {
            self.leave(cx, member);
        }
    }

    /// A session's other end has answered from elsewhere.
    pub(super) fn moved(&mut self, cx: &Context<'_>, session: SessionId, address: SocketAddr) {
        let Some(found) = self.sessions.get_mut(&session) else {
            return;
        };
        found.address = address;
        let Some(member) = self.online_in(session) else {
            return;
        };
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let before = std::mem::replace(&mut seat.observed, address);
        self.directory.retract(before, &seat.private);
        self.directory.announce(address, &seat.private);
        let anew = before.ip() != address.ip()
            && (self.directory.has_private(before.ip()) || self.directory.has_private(address.ip()));
        if anew {
            self.tell_anew(member);
            self.consider_telling(cx.now.at, member);
        }
        self.spread(cx, member, false);
    }

    /// The member who is online in a session.
    pub(super) fn online_in(&self, session: SessionId) -> Option<MemberId> {
        let Peer::Member(member) = self.sessions.get(&session)?.peer else {
            return None;
        };
        (self.members.seat(member)?.session == Some(session)).then_some(member)
    }

    /// A member is online from now on.
    pub(super) fn sit_down(&mut self, cx: &Context<'_>, registration: Registration, record: bool) {
        let Registration {
            session,
            member: id,
            counter,
            private,
            directory,
            returning,
            ..
        } = registration;
        let Some(found) = self.sessions.get(&session) else {
            return;
        };
        let observed = found.address;
        self.end_visit(session);
        self.choose_mode();
        self.stays += 1;
        self.directory.announce(observed, &private);
        // What he has of names that he looked up is not what is followed in this stay.
        let known = directory
            .filter(|_| self.directory.pushing)
            .and_then(|version| self.directory.known(version));
        let seat = Seat {
            stay: self.stays,
            session: Some(session),
            counter,
            returning,
            observed,
            private,
            told: Told::new(known),
            mail: Lane::new(),
            notices: Lane::new(),
            replayed: false,
            question: 0,
            feeds: BTreeMap::new(),
        };
        if let Some(member) = self.members.find_mut(id) {
            member.since = cx.now.wall;
            member.seat = Some(Box::new(seat));
        }
        self.online.insert(id);
        self.timers
            .set(Timer::Lease(id), heard_at(cx, session) + self.config.lease);
        self.answer_registered(session, counter, returning, observed);
        self.spread(cx, id, record);
        self.consider_telling(cx.now.at, id);
        self.tell_queue(cx);
        self.pump(cx, id, LaneKind::Mail);
        self.pump(cx, id, LaneKind::Notices);
        self.enter_rooms(cx, id);
    }

    pub(super) fn answer_registered(
        &mut self,
        session: SessionId,
        counter: u64,
        returning: bool,
        observed: SocketAddr,
    ) {
        let registered = Registered {
            counter,
            returning,
            store_id: self.store_id,
            observed,
            lease_ms: u32::try_from(self.config.lease.as_millis()).unwrap_or(u32::MAX),
            lobby: self.has_lobby(),
        };
        self.out.send(session, &FromRegistry::Registered(registered));
    }

    /// "I leave." In whatever session of his he says so: the one that he is online in may be lost to him.
    pub(super) fn deregister(&mut self, cx: &Context<'_>, session: SessionId, counter: u64) {
        let Some(found) = self.sessions.get_mut(&session) else {
            return;
        };
        found.ended = found.ended.max(counter);
        let member = match &found.peer {
            Peer::Visitor(card) => self.members.by_identity(&card.id),
            Peer::Member(member) => Some(*member),
        };
        if let Some(member) = member
            && self
                .members
                .seat(member)
                .is_some_and(|seat| seat.counter <= counter)
        {
            self.leave(cx, member);
        }
        self.out.send(session, &FromRegistry::Deregistered { counter });
    }

    /// "I am still here."
    pub(super) fn keep_alive(&mut self, session: SessionId, counter: u64) {
        let here = self
            .online_in(session)
            .and_then(|member| self.members.seat(member))
            .is_some_and(|seat| seat.counter == counter);
        let registering = self
            .sessions
            .get(&session)
            .is_some_and(|found| found.registering.is_some());
        if here {
            self.out.send(session, &FromRegistry::Alive { counter });
        } else if !registering {
            self.out.send(session, &FromRegistry::NotRegistered);
        }
    }

    /// A lease may have ended: online is whoever was heard of less than a lease ago.
    pub(super) fn lease_timeout(&mut self, cx: &Context<'_>, member: MemberId) {
        let Some(seat) = self.members.seat(member) else {
            return;
        };
        let end = match seat.session {
            Some(session) => heard_at(cx, session) + self.config.lease,
            None => cx.now.at,
        };
        if end > cx.now.at {
            self.timers.set(Timer::Lease(member), end);
        } else {
            tracing::debug!(?member, "lease ended");
            self.leave(cx, member);
        }
    }

    /// A member is offline from now on.
    pub(super) fn leave(&mut self, cx: &Context<'_>, id: MemberId) {
        let session = self.members.seat(id).and_then(|seat| seat.session);
        self.stand_up(id);
        if let Some(session) = session
            && let Some(from) = self.sessions.get(&session).map(|found| found.address.ip())
        {
            self.begin_visit(cx, session, from);
        }
        if let Some(member) = self.members.find_mut(id) {
            member.since = cx.now.wall;
        }
        self.spread(cx, id, false);
    }

    /// Takes a member's seat away, and what hangs on it.
    pub(super) fn stand_up(&mut self, id: MemberId) {
        let Some(seat) = self.members.find_mut(id).and_then(|member| member.seat.take()) else {
            return;
        };
        self.online.remove(&id);
        self.directory.retract(seat.observed, &seat.private);
        self.stop_telling(id, &seat);
        for room in seat.feeds.into_keys() {
            self.feed_over(id, room);
        }
        for timer in [
            Timer::Lease(id),
            Timer::Cursors(id),
            Timer::Lane(id, LaneKind::Mail),
            Timer::Lane(id, LaneKind::Notices),
        ] {
            self.timers.clear(timer);
        }
    }
}

/// When a session was last heard of; long ago if it is gone.
fn heard_at(cx: &Context<'_>, session: SessionId) -> Instant {
    cx.sessions
        .path(session)
        .map_or(Instant::ZERO, |path| path.heard_at)
}
