//! What the registry wants done, in order, and which store requests it waits for.
//!
//! Invariant: replies are matched to requests in the order asked; there are never more under way than
//! `STORE_REQUESTS_MAX`, and what they carry and bring is bounded.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::{Action, Context, STORE_REQUESTS_MAX, Ticket};
use crate::id::{EnvelopeHash, Slot};
use crate::limits::STORE_BYTES_MAX;
use crate::registry::interface::Event;
use crate::registry::lane::{Key, LaneOf};
use crate::registry::quota::NoRoom;
use crate::registry::registering::Registration;
use crate::registry::rooms::storage::{RoomKey, Who};
use crate::registry::rooms::{Asker, FeedOf, PostUnderWay};
use crate::registry::storage::{MemberId, Request, Row};
use crate::transport::{SEND_OVERHEAD, SessionId};
use crate::wire::codec;
use crate::wire::frame::CloseCode;
use crate::wire::message::{DepositRefusal, FromRegistry, Outcome};

/// Store requests that one input may cause at most; kept free, so that an input is never cut short.
const REQUESTS_PER_INPUT: usize = 8;

/// What a store request was for.
#[derive(Debug)]
pub(super) enum Pending {
    /// A registration.
    Register(Box<Registration>),
    /// A deposit, with room reserved for it.
    Deposit(DepositUnderWay),
    /// A deposit that is not kept, unless it was made before.
    Known {
        /// The deposit.
        deposit: DepositId,
        /// Why it is not.
        not_kept: NotKept,
    },
    /// A page of a lane.
    Page(LaneOf),
    /// A recipient's answer.
    Answer {
        /// On which lane of his.
        lane: LaneOf,
        /// To what.
        key: Key,
        /// Its row.
        row: Row,
        /// What its sender is to learn.
        outcome: Outcome,
    },
    /// A sender's acknowledgement of an outcome.
    Forget {
        /// On which lane of his.
        lane: LaneOf,
        /// Of which.
        key: Key,
    },
    /// A withdrawal.
    Withdraw {
        /// Who asked.
        session: SessionId,
        /// Whose message.
        sender: MemberId,
        /// Which.
        slot: Slot,
    },
    /// A new room.
    RoomMade(Asker, RoomKey),
    LobbyMade(RoomKey),
    /// A new member of a room.
    RoomEntered(Asker, RoomKey),
    /// Those who leave a room.
    Departed(Asker, RoomKey, Who),
    /// The end of a room.
    RoomEnded(Asker, RoomKey),
    /// Who has a post.
    Readers(Asker),
    /// A post, with room made for it.
    Post(PostUnderWay),
    /// Which rooms a member is in.
    Cursors {
        /// Who.
        member: MemberId,
        /// In which stay of his.
        stay: u64,
    },
    /// A page of a feed.
    Posts(FeedOf),
    /// How far a member is.
    Advanced(FeedOf),
    /// What nobody waits for.
    Settled(RoomKey),
    /// A sweep.
    Expire,
    /// The age.
    SaveAge,
}

impl Pending {
    const fn is_page(&self) -> bool {
        matches!(self, Self::Page(_) | Self::Posts(_))
    }
}

/// Which deposit.
#[derive(Clone, Copy, Debug)]
pub(super) struct DepositId {
    /// Who is to be answered.
    pub(super) session: SessionId,
    /// Whose message.
    pub(super) sender: MemberId,
    /// Which.
    pub(super) slot: Slot,
    /// Of its envelope.
    pub(super) hash: EnvelopeHash,
}

/// A deposit whose commit is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct DepositUnderWay {
    /// Which.
    pub(super) id: DepositId,
    /// For whom.
    pub(super) recipient: MemberId,
    /// Its envelope bytes.
    pub(super) bytes: u64,
    /// The row that it gets.
    pub(super) row: Row,
    /// Whether it makes the recipient a contact of the sender.
    pub(super) new_contact: bool,
}

/// Why a deposit is not kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum NotKept {
    /// There is nobody whom it is for.
    Refused(DepositRefusal),
    /// There is no room.
    NoRoom {
        /// Where.
        why: NoRoom,
        /// For whom it is.
        recipient: MemberId,
        /// Whether its sender gives it any more time.
        time_left: bool,
    },
}

/// A store request under way.
#[derive(Debug)]
struct Asked {
    ticket: Ticket,
    pending: Pending,
    /// Bytes of messages in it.
    carries: usize,
    /// Bytes that its reply will bring, at most.
    awaits: u64,
}

/// Actions and requests under way.
#[derive(Debug, Default)]
pub(super) struct Out {
    actions: VecDeque<Action<Request, Event>>,
    pending: VecDeque<Asked>,
    pub(super) next: u64,
    /// Bytes of messages in these requests …
    carried: usize,
    /// … and, at most, in the pages that are being read.
    awaited: u64,
    /// How many pages those are.
    pages: usize,
    /// What each session was given in this turn, which its room does not tell of.
    given: BTreeMap<SessionId, usize>,
}

impl Out {
    /// How many requests are under way.
    pub(super) fn requests(&self) -> usize {
        self.pending.len()
    }

    /// Sends a message.
    pub(super) fn send(&mut self, session: SessionId, message: &FromRegistry) {
        self.send_bytes(session, codec::encode(message));
    }

    /// Sends a message that is encoded already.
    pub(super) fn send_bytes(&mut self, session: SessionId, bytes: Vec<u8>) {
        *self.given.entry(session).or_default() += bytes.len() + SEND_OVERHEAD;
        self.actions.push_back(Action::Send { session, bytes });
    }

    /// How many bytes a session still takes, with what this turn has given it counted.
    pub(super) fn room(&self, cx: &Context<'_>, session: SessionId) -> usize {
        let given = self.given.get(&session).copied().unwrap_or(0);
        cx.sessions.room(session).saturating_sub(given)
    }

    /// Closes a session.
    pub(super) fn close(&mut self, session: SessionId, code: CloseCode) {
        self.actions.push_back(Action::Close { session, code });
    }

    /// Tells the operator.
    pub(super) fn event(&mut self, event: Event) {
        self.actions.push_back(Action::Event(event));
    }

    /// Asks the store.
    pub(super) fn store(&mut self, request: Request, pending: Pending) {
        self.ask(request, pending, 0);
    }

    /// Asks the store for a page of so many bytes at most.
    pub(super) fn read(&mut self, request: Request, pending: Pending, bytes: u64) {
        self.pages += 1;
        self.ask(request, pending, bytes);
    }

    fn ask(&mut self, request: Request, pending: Pending, awaits: u64) {
        let ticket = Ticket(self.next);
        self.next += 1;
        let carries = request.weight();
        self.carried += carries;
        self.awaited += awaits;
        self.pending.push_back(Asked {
            ticket,
            pending,
            carries,
            awaits,
        });
        self.actions.push_back(Action::Store { ticket, request });
    }

    /// Whether a request may be made that no input asks for.
    pub(super) fn has_store_room(&self) -> bool {
        self.pending.len() < STORE_REQUESTS_MAX - REQUESTS_PER_INPUT && self.carried < STORE_BYTES_MAX
    }

    /// Whether one may be made that brings a page: pages leave room for what inputs ask.
    pub(super) fn has_page_room(&self) -> bool {
        self.has_store_room() && self.pages < STORE_REQUESTS_MAX / 2 && self.awaited < STORE_BYTES_MAX as u64
    }

    /// Whether nothing is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// What a reply is for.
    pub(super) fn answered(&mut self, ticket: Ticket) -> Option<Pending> {
        let asked = self.pending.front()?.ticket;
        if asked != ticket {
            tracing::error!(?asked, ?ticket, "the store answered out of order");
            return None;
        }
        let asked = self.pending.pop_front()?;
        self.carried -= asked.carries;
        self.awaited -= asked.awaits;
        self.pages -= usize::from(asked.pending.is_page());
        Some(asked.pending)
    }

    /// The next action; with `None` the turn is over.
    pub(super) fn poll(&mut self) -> Option<Action<Request, Event>> {
        let action = self.actions.pop_front();
        if action.is_none() {
            self.given.clear();
        }
        action
    }
}
