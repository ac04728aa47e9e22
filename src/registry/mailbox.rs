//! Deposits and withdrawals: what comes into the mailboxes (PROTOCOL §8.4).
//!
//! Says who may deposit what and reserves room for it; the database says whether it is new. `Deposited` is sent when
//! it is committed, and not before. The envelope's tag is for the two ends: it cannot be checked here.
//! Invariants: room is reserved exactly for what waits or is being committed; of what is known nothing is said but what
//! became of it.

use std::time::Duration;

use crate::clock::{Age, Instant};
use crate::engine::{Context, StoreFault};
use crate::id::{EnvelopeHash, Slot};
use crate::limits::{MAILBOX_RETRY, REQUEST_RETRY_MAX};
use crate::registry::Registry;
use crate::registry::lane::{LaneKind, LaneOf};
use crate::registry::out::{DepositId, DepositUnderWay, NotKept, Pending};
use crate::registry::quota::NoRoom;
use crate::registry::registering::{STORAGE_RETRY_MS, milliseconds};
use crate::registry::storage::{Kept, Mail, MemberId, NewMail, Notice, Reply, Request, Row, Withdrawn};
use crate::transport::SessionId;
use crate::wire::codec;
use crate::wire::envelope::{Envelope, Party, Recipient};
use crate::wire::frame::CloseCode;
use crate::wire::message::{Busy, BusyReason, Deposit, DepositRefusal, End, FromRegistry, Outcome};

impl Registry {
    /// "Keep this for its recipient."
    pub(super) fn deposit(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        sender: MemberId,
        deposit: Deposit,
    ) {
        let Ok(envelope) = Envelope::parse(&deposit.forward.envelope) else {
            self.refuse_malformed(cx, session, &deposit.forward.envelope);
            return;
        };
        if let Some(answer) = self.turn_away(cx, sender, &envelope) {
            self.out.send(session, &answer);
            return;
        }
        let id = DepositId {
            session,
            sender,
            slot: envelope.slot,
            hash: EnvelopeHash::of(&deposit.forward.envelope),
        };
        let recipient = match &envelope.recipient {
            Recipient::Peer(party) => self.recipient_of(party),
            Recipient::Room(_) if !envelope.is_signed(&deposit.forward.envelope) => {
                Err(DepositRefusal::Malformed)
            }
            Recipient::Room(hall) => {
                self.post(cx, id, hall, deposit);
                return;
            }
        };
        let Deposit { forward, ttl_ms } = deposit;
        let recipient = match recipient {
            Ok(recipient) => recipient,
            Err(reason) => {
                self.ask_whether_known(id, NotKept::Refused(reason));
                return;
            }
        };
        let bytes = forward.envelope.len() as u64;
        if let Err(why) = self.quotas.reserve(&self.config, recipient, sender, bytes) {
            let not_kept = NotKept::NoRoom {
                why,
                recipient,
                time_left: ttl_ms > 0,
            };
            self.ask_whether_known(id, not_kept);
            return;
        }
        let under_way = DepositUnderWay {
            id,
            recipient,
            bytes,
            row: self.next_row(),
            new_contact: self.quotas.is_new_contact(sender, recipient),
        };
        let new = NewMail {
            row: under_way.row,
            recipient,
            sender,
            slot: id.slot,
            hash: id.hash,
            expires: self.expires(cx.now.at, ttl_ms),
            new_contact: under_way.new_contact,
            forward,
        };
        self.expect_expiry(cx.now.at, new.expires);
        self.out
            .store(Request::Deposit(Box::new(new)), Pending::Deposit(under_way));
    }

    /// The answer to somebody who may not deposit this, or not now.
    fn turn_away(&mut self, cx: &Context<'_>, sender: MemberId, envelope: &Envelope) -> Option<FromRegistry> {
        let slot = envelope.slot;
        let owner = self
            .members
            .find_mut(sender)
            .filter(|owner| envelope.sender.id == owner.card.id && envelope.sender.name.matches(&owner.name));
        let Some(owner) = owner else {
            let reason = DepositRefusal::NotYours;
            return Some(FromRegistry::DepositRefused { slot, reason });
        };
        let wait = owner.deposits.take(cx.now.at, &self.config.deposits).err()?;
        Some(busy(slot, BusyReason::Rate, milliseconds(wait)))
    }

    /// When what has so long to live ends.
    pub(super) fn expires(&self, now: Instant, ttl_ms: u64) -> Age {
        let lifetime = Duration::from_millis(ttl_ms).min(self.config.time_to_live_max);
        self.age.age(now).after(lifetime)
    }

    /// For whom a deposit is, or why it is for nobody.
    fn recipient_of(&self, party: &Party) -> Result<MemberId, DepositRefusal> {
        let (recipient, member) = self
            .members
            .by_name(&party.name)
            .and_then(|id| Some((id, self.members.find(id)?)))
            .filter(|(_, member)| member.committed)
            .ok_or(DepositRefusal::NoSuchName)?;
        if member.card.id == party.id {
            Ok(recipient)
        } else {
            Err(DepositRefusal::IdentityChanged)
        }
    }

    /// An envelope that cannot be read: named if it can be, else its sender has broken the protocol.
    fn refuse_malformed(&mut self, cx: &Context<'_>, session: SessionId, envelope: &[u8]) {
        match codec::decode_prefix::<Envelope>(envelope) {
            Ok((envelope, _)) => self.out.send(
                session,
                &FromRegistry::DepositRefused {
                    slot: envelope.slot,
                    reason: DepositRefusal::Malformed,
                },
            ),
            Err(_) => self.drop_session(cx, session, CloseCode::Violation),
        }
    }

    /// It is not kept; but if it was deposited before, what became of it is the answer.
    pub(super) fn ask_whether_known(&mut self, deposit: DepositId, not_kept: NotKept) {
        let request = Request::Known {
            sender: deposit.sender,
            slot: deposit.slot,
            hash: deposit.hash,
        };
        self.out.store(request, Pending::Known { deposit, not_kept });
    }

    /// A deposit is committed, or not.
    pub(super) fn deposit_done(
        &mut self,
        cx: &Context<'_>,
        deposit: DepositUnderWay,
        reply: Result<Reply, StoreFault>,
    ) {
        let DepositUnderWay { id, recipient, .. } = deposit;
        match reply {
            Ok(Reply::Deposit(Kept::Fresh(forward))) => {
                if deposit.new_contact {
                    self.quotas.add_contact(id.sender, recipient);
                }
                self.answer_deposited(&id);
                let mail = Mail::new(deposit.row, (id.sender, id.slot), forward);
                self.forward(cx, recipient, mail);
            }
            reply => {
                self.quotas.release(recipient, id.sender, deposit.bytes);
                self.answer_known(cx, &id, None, reply);
            }
        }
    }

    /// What the database knows of a deposit that it has not kept now: because it was known, or for another reason.
    pub(super) fn answer_known(
        &mut self,
        cx: &Context<'_>,
        deposit: &DepositId,
        not_kept: Option<NotKept>,
        reply: Result<Reply, StoreFault>,
    ) {
        let slot = deposit.slot;
        match (reply, not_kept) {
            (Ok(Reply::Deposit(Kept::Waiting)), _) => self.answer_deposited(deposit),
            (Ok(Reply::Deposit(Kept::Ended { row, end })), _) => self.answer_ended(cx, deposit, row, end),
            (Ok(Reply::Deposit(Kept::Conflict)), _) => {
                self.answer(deposit, &FromRegistry::Conflict { slot });
            }
            (Ok(Reply::Deposit(Kept::Unknown)), Some(not_kept)) => {
                self.answer_not_kept(cx, deposit, not_kept);
            }
            (Ok(_), _) => tracing::error!("the store answered a deposit with something else"),
            (Err(fault), _) => {
                tracing::debug!(%fault, "deposit not committed");
                self.answer(deposit, &busy(slot, BusyReason::Storage, STORAGE_RETRY_MS));
            }
        }
    }

    fn answer_not_kept(&mut self, cx: &Context<'_>, deposit: &DepositId, not_kept: NotKept) {
        let slot = deposit.slot;
        let answer = match not_kept {
            NotKept::Refused(reason) => FromRegistry::DepositRefused { slot, reason },
            NotKept::NoRoom { time_left, .. } if !time_left && self.may_expire(cx.now.at) => {
                // Nobody else can end it: it is not here, and has no time to come again.
                FromRegistry::Outcome(Outcome {
                    slot,
                    hash: deposit.hash,
                    end: End::Expired { at: cx.now.wall },
                })
            }
            NotKept::NoRoom { why, recipient, .. } => self.no_room_for(cx, deposit, recipient, why),
        };
        self.answer(deposit, &answer);
    }

    /// There is no room for it: it may come again while somebody is there who can make some, and else it is refused.
    fn no_room_for(
        &self,
        cx: &Context<'_>,
        deposit: &DepositId,
        recipient: MemberId,
        why: NoRoom,
    ) -> FromRegistry {
        let slot = deposit.slot;
        let (lane, reason) = match why {
            NoRoom::Ever(reason) => (None, reason),
            NoRoom::Yet(reason) => (self.members.seat(recipient).map(|seat| &seat.mail), reason),
            // Its sender has just asked: if he has left since, nobody hears the answer.
            NoRoom::Outcomes => (
                self.members.seat(deposit.sender).map(|seat| &seat.notices),
                DepositRefusal::SenderFull,
            ),
        };
        match lane {
            Some(lane) => {
                // Whoever answers has room in a moment; whoever does not is given as long again.
                let wait = lane.still_for(cx.now.at).clamp(MAILBOX_RETRY, REQUEST_RETRY_MAX);
                busy(slot, BusyReason::Overload, milliseconds(wait))
            }
            None => FromRegistry::DepositRefused { slot, reason },
        }
    }

    /// The deposit ended before: its outcome is the answer, told until it is acknowledged.
    fn answer_ended(&mut self, cx: &Context<'_>, deposit: &DepositId, row: Row, end: End) {
        let notice = Notice {
            row,
            slot: deposit.slot,
            hash: deposit.hash,
            end,
        };
        let on_its_way = self
            .members
            .seat_mut(deposit.sender)
            .is_some_and(|seat| !seat.lane(LaneKind::Notices).is_drained());
        if on_its_way {
            // The outcomes are being gone through, and this one is among them; the answer need not wait.
            let outcome = Outcome {
                slot: notice.slot,
                hash: notice.hash,
                end: notice.end,
            };
            self.answer(deposit, &FromRegistry::Outcome(outcome));
        } else {
            self.notify(cx, deposit.sender, notice);
        }
    }

    pub(super) fn answer_deposited(&mut self, deposit: &DepositId) {
        let answer = FromRegistry::Deposited {
            slot: deposit.slot,
            hash: deposit.hash,
        };
        self.answer(deposit, &answer);
    }

    /// Answers the session that asked, if it is still there.
    fn answer(&mut self, deposit: &DepositId, answer: &FromRegistry) {
        if self.sessions.contains_key(&deposit.session) {
            self.out.send(deposit.session, answer);
        }
    }

    /// "He has it directly, drop your copy."
    pub(super) fn withdraw(&mut self, session: SessionId, sender: MemberId, slot: Slot) {
        self.out.store(
            Request::Withdraw { sender, slot },
            Pending::Withdraw {
                session,
                sender,
                slot,
            },
        );
    }

    /// A withdrawal is committed, or not. If not it is not answered, and will be asked again.
    pub(super) fn withdraw_done(
        &mut self,
        cx: &Context<'_>,
        (session, sender, slot): (SessionId, MemberId, Slot),
        reply: Result<Reply, StoreFault>,
    ) {
        match reply {
            Ok(Reply::Withdrawn(gone)) => {
                match gone {
                    Withdrawn::Message { recipient, bytes } => {
                        self.quotas.release(recipient, sender, bytes);
                        self.no_longer_forwarded(cx, recipient, (sender, slot));
                    }
                    Withdrawn::Outcome => self.quotas.drop_outcome(sender),
                    Withdrawn::Nothing => {}
                }
                if self.sessions.contains_key(&session) {
                    self.out.send(session, &FromRegistry::Withdrawn { slot });
                }
            }
            Ok(_) => tracing::error!("the store answered a withdrawal with something else"),
            Err(fault) => tracing::debug!(%fault, "withdrawal not committed"),
        }
    }

    fn no_longer_forwarded(&mut self, cx: &Context<'_>, recipient: MemberId, key: (MemberId, Slot)) {
        if let Some(stay) = self.members.seat(recipient).map(|seat| seat.stay) {
            let lane = LaneOf {
                member: recipient,
                stay,
                kind: LaneKind::Mail,
            };
            self.flight_over(cx, lane, &key);
        }
    }

    pub(super) fn next_row(&mut self) -> Row {
        self.last_row = Row(self.last_row.0.saturating_add(1));
        self.last_row
    }
}

const fn busy(slot: Slot, reason: BusyReason, retry_after_ms: u32) -> FromRegistry {
    FromRegistry::Busy(Busy {
        of: Some(slot),
        reason,
        retry_after_ms,
    })
}
