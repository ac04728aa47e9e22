//! Questions about rooms: taken up once each, judged by `deeds`, and answered (PROTOCOL §8.5).
//!
//! What a question is about is not known here. Invariants: a question that was taken up is answered, or taken up again; of no
//! member more than one is open: a deed in a large room is much to commit.

use super::deeds::Judged;
use crate::engine::Context;
use crate::registry::Registry;
use crate::registry::storage::MemberId;
use crate::transport::{SEND_OVERHEAD, SessionId};
use crate::wire::codec;
use crate::wire::message::FromRegistry;
use crate::wire::room::{RoomAnswer, RoomDeed, RoomDone, RoomRefusal, RoomRequest};

/// Who has asked something, and what the answer is to say.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry) struct Asker {
    session: SessionId,
    pub(super) member: MemberId,
    number: u64,
}

impl Registry {
    /// A question about rooms, or a deed.
    pub(in crate::registry) fn room_request(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        member: MemberId,
        request: RoomRequest,
    ) {
        let RoomRequest { number, deed } = request;
        if deed != RoomDeed::Mine && !self.takes_question(cx, member, number, deed.changes()) {
            return;
        }
        let asker = Asker {
            session,
            member,
            number,
        };
        let judged: Judged = match deed {
            RoomDeed::Create { name } => self.create_room(asker, name),
            RoomDeed::Join { name } => self.join_room(asker, &name),
            RoomDeed::Leave { room } => Ok(self.leave_room(cx, asker, room)),
            RoomDeed::Kick { room, name } => self.kick(cx, asker, room, name.as_ref()),
            RoomDeed::List { after } => Ok(Some(self.list_rooms(after.as_ref()))),
            RoomDeed::Members { name, after } => self.list_members(&name, after.as_ref()).map(Some),
            RoomDeed::Mine => {
                self.send_memberships(member, number);
                Ok(None)
            }
            RoomDeed::Readers { slot } => {
                self.ask_readers(asker, slot);
                Ok(None)
            }
        };
        match judged {
            Ok(None) => {}
            Ok(Some(done)) => self.answer_asker(cx, asker, Ok(done)),
            Err(refusal) => self.answer_asker(cx, asker, Err(refusal)),
        }
    }

    /// Whether a question is taken up: once, for a copy may come late and what it asks for not be wanted any more; after the one
    /// before is answered; and not too many that change something. What is not taken up is asked again.
    fn takes_question(&mut self, cx: &Context<'_>, member: MemberId, number: u64, changes: bool) -> bool {
        let Some(found) = self.members.find_mut(member) else {
            return false;
        };
        if found.asks {
            return false;
        }
        let Some(seat) = found.seat.as_deref_mut().filter(|seat| number > seat.question) else {
            return false;
        };
        if changes && found.deeds.take(cx.now.at, &self.config.deeds).is_err() {
            return false;
        }
        seat.question = number;
        found.asks = true;
        true
    }

    /// Says what has come of it. Where the session has no room for that, the question is taken up once more when it is asked
    /// again: what is so by then is said to be so.
    pub(super) fn answer_asker(
        &mut self,
        cx: &Context<'_>,
        asker: Asker,
        result: Result<RoomDone, RoomRefusal>,
    ) {
        let Asker {
            session,
            member,
            number,
        } = asker;
        if let Some(found) = self.members.find_mut(member) {
            found.asks = false;
        }
        if !self.sessions.contains_key(&session) {
            return;
        }
        let answer = codec::encode(&FromRegistry::RoomAnswer(RoomAnswer { number, result }));
        if self.out.room(cx, session) >= answer.len() + SEND_OVERHEAD {
            self.out.send_bytes(session, answer);
        } else if let Some(seat) = self.members.seat_mut(member)
            && seat.question == number
        {
            seat.question -= 1;
        }
    }
}
