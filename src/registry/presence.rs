//! Who is there: sessions, registrations, leases (PROTOCOL §8.1, §8.2).
//!
//! A name is an identity's from its first registration on, which is committed before it is answered. Being there is
//! never written down: it begins with the answer and ends with the session, with "I leave", or with the lease.
//! Invariant: a member is online in at most one session, and that session is his identity's.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::clock::Instant;
use crate::engine::{Context, StoreFault};
use crate::id::Name;
use crate::identity::Card;
use crate::registry::Registry;
use crate::registry::lane::{Lane, LaneKind};
use crate::registry::members::Seat;
use crate::registry::out::Pending;
use crate::registry::storage::{MemberId, MemberRow, Request};
use crate::registry::telling::Told;
use crate::registry::timers::Timer;
use crate::transport::{CloseCause, SessionId};
use crate::wire::frame::CloseCode;
use crate::wire::message::{
    Busy, BusyReason, FromRegistry, Register, Registered, RegistrationRefusal, Version,
};

/// How soon to come again after something was not committed, or is being committed for somebody else.
pub(super) const STORAGE_RETRY_MS: u32 = 1_000;

/// A session, whether or not it is registered.
#[derive(Debug)]
pub(super) struct Session {
    /// Who is there.
    peer: Peer,
    /// Where.
    address: SocketAddr,
    /// The highest registration that was ended in it: messages of a session may overtake each other.
    ended: u64,
    /// The registration whose commit is under way.
    registering: Option<u64>,
}

/// Who is at the other end.
#[derive(Debug)]
enum Peer {
    /// Somebody who has not registered in this session.
    Visitor(Box<Card>),
    /// Somebody who has; he need not be online in it any more.
    Member(MemberId),
}

/// A registration whose commit is under way.
#[derive(Debug)]
pub(super) struct Registration {
    session: SessionId,
    member: MemberId,
    card: Card,
    counter: u64,
    private: Box<[SocketAddr]>,
    directory: Option<Version>,
    /// Whether the name was his before.
    returning: bool,
}

/// Why nobody is registered now.
#[derive(Debug)]
enum No {
    /// For good.
    Refused(RegistrationRefusal),
    /// For so long.
    Busy(BusyReason, Duration),
}

/// How long to wait while somebody else's registration of the name, or another of one's own, is being committed.
const UNDER_WAY: No = No::Busy(BusyReason::Overload, Duration::from_secs(1));

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
            self.timers
                .set(Timer::Visit(session), cx.now.at + self.config.lease);
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

    /// "I am here under this name."
    pub(super) fn register(&mut self, cx: &Context<'_>, session: SessionId, register: Register) {
        match self.judge_registration(cx, session, &register) {
            Ok(Some(member)) => self.begin_registration(session, member, register),
            Ok(None) => {}
            Err(no) => self.out.send(session, &no.into_answer()),
        }
    }

    /// Who registers, unless there is nothing to commit (`None`) or the answer is no.
    fn judge_registration(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        register: &Register,
    ) -> Result<Option<(MemberId, Card)>, No> {
        let Some(found) = self.sessions.get(&session) else {
            return Ok(None);
        };
        let card = match &found.peer {
            Peer::Visitor(card) => Some(**card),
            Peer::Member(member) => self.members.find(*member).map(|member| member.card),
        };
        let Some(card) = card else {
            return Ok(None);
        };
        if register.counter <= found.ended {
            return Err(No::Refused(RegistrationRefusal::CounterBehind {
                seen: found.ended,
            }));
        }
        let Some(id) = self.owner(&register.name, &card)? else {
            let address = found.address.ip();
            return self.judge_new_name(cx, card, register, address).map(Some);
        };
        let Some(member) = self.members.find_mut(id) else {
            return Ok(None);
        };
        if register.counter < member.asked {
            return Err(No::Refused(RegistrationRefusal::CounterBehind {
                seen: member.asked,
            }));
        }
        if register.counter == member.asked {
            if found.registering == Some(register.counter) {
                return Ok(None); // Its answer is on its way to the disk.
            }
            if member.counter != register.counter || member.counted_in != Some(session) {
                return Err(No::Refused(RegistrationRefusal::CounterBehind {
                    seen: member.asked,
                }));
            }
            self.register_again(cx, session, id, register);
            return Ok(None);
        }
        member
            .registrations
            .take(cx.now.at, &self.config.registrations)
            .map_err(|wait| No::Busy(BusyReason::Rate, wait))?;
        Ok(Some((id, card)))
    }

    /// Whose the name is, if anybody's; an answer if it is not this identity's.
    fn owner(&self, name: &Name, card: &Card) -> Result<Option<MemberId>, No> {
        let owner = self.members.by_name(name);
        let own = self.members.by_identity(&card.id);
        if own == owner {
            return Ok(owner);
        }
        if let Some(owner) = owner {
            let committed = self.members.find(owner).is_some_and(|member| member.committed);
            return Err(if committed {
                No::Refused(RegistrationRefusal::NameTaken)
            } else {
                UNDER_WAY
            });
        }
        match own.and_then(|own| self.members.find(own)) {
            Some(member) if member.committed => Err(No::Refused(RegistrationRefusal::OtherName {
                name: member.name.clone(),
            })),
            Some(_) => Err(UNDER_WAY),
            None => Ok(None),
        }
    }

    fn judge_new_name(
        &mut self,
        cx: &Context<'_>,
        card: Card,
        register: &Register,
        address: IpAddr,
    ) -> Result<(MemberId, Card), No> {
        self.admission
            .admit(
                cx.now.at,
                &self.config,
                self.members.len(),
                &register.name,
                address,
            )
            .map_err(No::Refused)?;
        let id = self
            .members
            .next_id()
            .ok_or(No::Refused(RegistrationRefusal::Full))?;
        let row = MemberRow {
            id,
            name: register.name.clone(),
            card,
            counter: register.counter,
        };
        self.members.insert(row, cx.now.wall, false);
        Ok((id, card))
    }

    fn begin_registration(&mut self, session: SessionId, (id, card): (MemberId, Card), register: Register) {
        let Some(member) = self.members.find_mut(id) else {
            return;
        };
        member.asked = register.counter;
        let row = MemberRow {
            id,
            name: member.name.clone(),
            card,
            counter: register.counter,
        };
        let registration = Registration {
            session,
            member: id,
            card,
            counter: register.counter,
            private: register.private.into_vec().into_boxed_slice(),
            directory: register.directory,
            returning: member.committed,
        };
        if let Some(found) = self.sessions.get_mut(&session) {
            found.registering = Some(register.counter);
        }
        self.out
            .store(Request::Register(row), Pending::Register(Box::new(registration)));
    }

    /// A registration is committed, or not.
    pub(super) fn registration_done(
        &mut self,
        cx: &Context<'_>,
        registration: Registration,
        fault: Option<&StoreFault>,
    ) {
        let Registration {
            session,
            member: id,
            counter,
            ..
        } = registration;
        let session_lives = match self.sessions.get_mut(&session) {
            Some(found) => {
                if found.registering == Some(counter) {
                    found.registering = None;
                }
                true
            }
            None => false,
        };
        if fault.is_some() {
            self.registration_failed(id, counter);
            if session_lives {
                let wait = Duration::from_millis(STORAGE_RETRY_MS.into());
                self.out
                    .send(session, &No::Busy(BusyReason::Storage, wait).into_answer());
            }
            return;
        }
        let Some(member) = self.members.find_mut(id) else {
            return;
        };
        let is_new = !member.committed;
        let new_card = member.card != registration.card;
        member.card = registration.card;
        member.counter = counter;
        member.counted_in = Some(session);
        let overtaken = member.asked != counter;
        self.members.commit(id);
        // Whoever is online under an earlier registration is another run of the same client: its time is over.
        self.supersede(cx, id, session);
        let ended = match self.sessions.get_mut(&session) {
            Some(found) => {
                found.peer = Peer::Member(id);
                found.ended >= counter
            }
            None => true,
        };
        if !overtaken && !ended {
            self.sit_down(cx, registration, is_new || new_card);
        } else if is_new || new_card {
            self.spread(cx, id, true);
        }
    }

    fn registration_failed(&mut self, id: MemberId, counter: u64) {
        let Some(member) = self.members.find_mut(id) else {
            return;
        };
        if member.asked != counter {
            return; // A later one is under way and decides.
        }
        if member.committed {
            member.asked = member.counter;
        } else {
            self.members.discard(id);
        }
    }

    /// Ends the stay of a member in any other session than this one.
    fn supersede(&mut self, cx: &Context<'_>, id: MemberId, by: SessionId) {
        let Some(seat) = self.members.seat(id) else {
            return;
        };
        if let Some(old) = seat.session
            && old != by
        {
            self.sessions.remove(&old);
            self.out.close(old, CloseCode::Superseded);
        }
        if self.sessions.contains_key(&by) {
            // He stays online without a break; his new seat follows.
            self.stand_up(id);
        } else {
            self.leave(cx, id);
        }
    }

    /// The same registration in the same session: answered alike, and online again if the lease had ended.
    fn register_again(&mut self, cx: &Context<'_>, session: SessionId, id: MemberId, register: &Register) {
        let returning = match self.members.seat(id) {
            Some(seat) if seat.session == Some(session) => {
                let (returning, observed) = (seat.returning, seat.observed);
                self.answer_registered(session, register.counter, returning, observed);
                return;
            }
            _ => true,
        };
        let Some(card) = self.members.find(id).map(|member| member.card) else {
            return;
        };
        let registration = Registration {
            session,
            member: id,
            card,
            counter: register.counter,
            private: register.private.as_slice().into(),
            directory: register.directory,
            returning,
        };
        self.sit_down(cx, registration, false);
    }

    /// A member is online from now on.
    fn sit_down(&mut self, cx: &Context<'_>, registration: Registration, record: bool) {
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
    }

    fn answer_registered(&mut self, session: SessionId, counter: u64, returning: bool, observed: SocketAddr) {
        let registered = Registered {
            counter,
            returning,
            store_id: self.store_id,
            observed,
            lease_ms: u32::try_from(self.config.lease.as_millis()).unwrap_or(u32::MAX),
            pushed: self.directory.pushing,
        };
        self.out.send(session, &FromRegistry::Registered(registered));
    }

    /// "I leave."
    pub(super) fn deregister(&mut self, cx: &Context<'_>, session: SessionId, counter: u64) {
        let Some(found) = self.sessions.get_mut(&session) else {
            return;
        };
        found.ended = found.ended.max(counter);
        if let Some(member) = self.online_in(session)
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
    fn stand_up(&mut self, id: MemberId) {
        let Some(seat) = self.members.find_mut(id).and_then(|member| member.seat.take()) else {
            return;
        };
        self.online.remove(&id);
        self.directory.retract(seat.observed, &seat.private);
        self.stop_telling(id, &seat);
        for timer in [
            Timer::Lease(id),
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

impl No {
    fn into_answer(self) -> FromRegistry {
        match self {
            Self::Refused(reason) => FromRegistry::RegistrationRefused { reason },
            Self::Busy(reason, wait) => FromRegistry::Busy(Busy {
                of: None,
                reason,
                retry_after_ms: milliseconds(wait),
            }),
        }
    }
}

/// A wait in whole milliseconds, never less than it is.
pub(super) fn milliseconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX)
}
