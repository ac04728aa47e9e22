//! Who may be here under which name (PROTOCOL §8.1): a registration from its request to its answer.
//!
//! Judges the name, commits what is new, closes the session that it supersedes. Being there afterwards is
//! `presence.rs`'s business; rates are `admission.rs`'s.
//! Invariant: nobody is told that he is registered before that is committed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::engine::{Context, StoreFault};
use crate::id::Name;
use crate::identity::Card;
use crate::registry::Registry;
use crate::registry::out::Pending;
use crate::registry::presence::Peer;
use crate::registry::storage::{MemberId, MemberRow, Request};
use crate::transport::SessionId;
use crate::wire::frame::CloseCode;
use crate::wire::message::{Busy, BusyReason, FromRegistry, Register, RegistrationRefusal, Version};

/// How soon to come again after something was not committed, or is being committed for somebody else.
pub(super) const STORAGE_RETRY_MS: u32 = 1_000;

/// A registration whose commit is under way.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) session: SessionId,
    pub(super) member: MemberId,
    pub(super) card: Card,
    pub(super) counter: u64,
    pub(super) private: Box<[SocketAddr]>,
    pub(super) directory: Option<Version>,
    /// Whether the name was his before.
    pub(super) returning: bool,
    /// Where he asked from, if the name is new: it counts there.
    pub(super) new_from: Option<IpAddr>,
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
        let from = self.sessions.get(&session).map(|found| found.address.ip());
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
            new_from: from.filter(|_| !member.committed),
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
            new_from,
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
            self.registration_failed(id, counter, new_from);
            if session_lives {
                self.visit_goes_on(cx, session);
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
        let ended = match self.sessions.get_mut(&session) {
            Some(found) => {
                found.peer = Peer::Member(id);
                found.ended >= counter
            }
            None => true,
        };
        let stays = !overtaken && !ended;
        // Whoever is online under an earlier registration is another run of the same client: its time is over.
        self.supersede(cx, id, session, stays);
        if stays {
            self.sit_down(cx, registration, is_new || new_card);
        } else if is_new || new_card {
            self.spread(cx, id, true);
        }
    }

    fn registration_failed(&mut self, id: MemberId, counter: u64, new_from: Option<IpAddr>) {
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
            if let Some(from) = new_from {
                self.admission.give_back(&self.config, from);
            }
        }
    }

    /// Ends a member's earlier stay, and its session if that is another than this one. `stays`: his next stay follows.
    fn supersede(&mut self, cx: &Context<'_>, id: MemberId, by: SessionId, stays: bool) {
        let Some(seat) = self.members.seat(id) else {
            return;
        };
        if let Some(old) = seat.session
            && old != by
        {
            self.sessions.remove(&old);
            self.out.close(old, CloseCode::Superseded);
        }
        if stays {
            // He is online without a break: nobody is told.
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
            new_from: None,
        };
        self.sit_down(cx, registration, false);
    }
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
