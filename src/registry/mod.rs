//! The server engine: who is who, who is there, and the mail of those who are not.
//!
//! A [`Role`]: sessions and store replies come in, actions go out; no I/O, no clock. This file takes each input to
//! the part that decides about it; the parts are the files beside it, all of them `impl Registry`:
//! `presence` (registrations, leases), `telling` (who hears of the directory), `mailbox` (deposits), `forwarding`
//! (windows and repetition), `outcomes` (receipts, expiry), `rooms` (what many read). Their books: `members`, `directory`,
//! `lane`, `awaited`, `quota`, `admission`, `timers`, `out`.
//! Invariant: nothing is acknowledged before the store has committed it, and every table has a bound.

mod admission;
mod airborne;
mod awaited;
pub mod config;
mod directory;
mod forwarding;
mod holding;
pub mod interface;
mod lane;
mod mailbox;
mod members;
mod out;
mod outcomes;
mod page_line;
mod presence;
mod quota;
mod registering;
pub mod rooms;
pub mod storage;
mod telling;
mod timers;
mod visitors;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

pub use config::Config;
pub use holding::Holding;

use crate::clock::{AgeClock, Instant, Now};
use crate::engine::{Action, Context, Role, SocketReply, StoreFault, Ticket};
use crate::limits::{AGE_SAVE, DIRECTORY_INTERVAL, REQUEST_RETRY};
use crate::registry::admission::Admission;
use crate::registry::directory::Directory;
use crate::registry::interface::{Command, Event, Row as TableRow, TABLE_ROWS_MAX};
use crate::registry::lane::Key;
use crate::registry::members::Members;
use crate::registry::out::{Out, Pending};
use crate::registry::page_line::PageLine;
use crate::registry::presence::Session;
use crate::registry::quota::Quotas;
use crate::registry::rooms::Rooms;
use crate::registry::storage::{Image, MemberId, Reply, Request, Row};
use crate::registry::telling::Queue;
use crate::registry::timers::{Timer, Timers};
use crate::registry::visitors::Visitors;
use crate::transport::{SessionEvent, SessionId};
use crate::wire::codec;
use crate::wire::frame::CloseCode;
use crate::wire::message::{FromRegistry, ToRegistry};
use crate::wire::packet::Service;

/// Deadlines that one turn sees to: the rest waits for the next, so that datagrams are not kept waiting.
const TIMERS_PER_TURN: usize = 1_024;

/// The registry.
pub struct Registry {
    config: Config,
    store_id: [u8; 16],
    age: AgeClock,
    started: Instant,
    rng: ChaCha12Rng,
    sessions: BTreeMap<SessionId, Session>,
    visitors: Visitors,
    members: Members,
    /// Those with a seat.
    online: BTreeSet<MemberId>,
    /// Counts seats.
    stays: u64,
    directory: Directory,
    tellings: Queue,
    admission: Admission,
    quotas: Quotas,
    rooms: Rooms,
    last_row: Row,
    /// Messages whose answer is being committed; as many at most as the store has to answer.
    ending: BTreeSet<Key>,
    sweeping: bool,
    timers: Timers,
    out: Out,
    page_line: PageLine,
    /// When the operator may see the table again.
    table_not_before: Instant,
    operator: Operator,
    stopping: Stopping,
}

/// What the operator has seen of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// All of it.
    UpToDate,
    /// The last one is about to be shown.
    Reading,
    /// It has changed since.
    Behind,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    No,
    /// The store has not answered everything.
    Waiting,
    Ended,
}

impl Registry {
    /// A registry on what its database holds. `seed` is for all its random choices and must be fresh.
    pub fn new(config: Config, image: Image, now: Now, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let quotas = Quotas::new(&image);
        let pushing = image.members.len() <= config.push_max;
        let run = rng.next_u64();
        let unsettled = image.rooms.unsettled.clone();
        let mut registry = Self {
            config,
            store_id: image.store_id,
            age: AgeClock::resume(now, image.age, image.saved_at),
            started: now.at,
            rng,
            sessions: BTreeMap::new(),
            visitors: Visitors::default(),
            members: Members::default(),
            online: BTreeSet::new(),
            stays: 0,
            directory: Directory::new(run, pushing),
            tellings: Queue::default(),
            admission: Admission::default(),
            quotas,
            rooms: Rooms::new(image.rooms),
            last_row: image.last_row,
            ending: BTreeSet::new(),
            sweeping: false,
            timers: Timers::default(),
            out: Out::default(),
            page_line: PageLine::default(),
            table_not_before: now.at,
            operator: Operator::UpToDate,
            stopping: Stopping::No,
        };
        for member in image.members {
            registry.members.insert(member, now.wall, true);
        }
        if let Some(age) = image.next_expiry {
            registry.expect_expiry(now.at, age);
        }
        for room in unsettled {
            registry.timers.set(Timer::Settle(room), now.at);
        }
        registry.want_lobby(now.at);
        registry.timers.set(Timer::SaveAge, now.at + AGE_SAVE);
        registry
    }

    /// A message, from a session that is up.
    fn message(&mut self, cx: &Context<'_>, session: SessionId, bytes: &[u8]) {
        match codec::decode(bytes) {
            Ok(ToRegistry::Register(register)) => self.register(cx, session, register),
            Ok(ToRegistry::Deregister { counter }) => self.deregister(cx, session, counter),
            Ok(ToRegistry::KeepAlive { counter }) => self.keep_alive(session, counter),
            Ok(message) => match self.online_in(session) {
                Some(member) => self.member_message(cx, session, member, message),
                None => self.out.send(session, &FromRegistry::NotRegistered),
            },
            Err(error) => {
                tracing::debug!(?session, %error, "message not understood");
                self.drop_session(cx, session, CloseCode::Violation);
            }
        }
    }

    /// A message that only somebody registered may send.
    fn member_message(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        member: MemberId,
        message: ToRegistry,
    ) {
        let asks = matches!(
            message,
            ToRegistry::Lookup { .. } | ToRegistry::Withdraw { .. } | ToRegistry::Room(_)
        );
        if asks && !self.may_ask(cx.now.at, member) {
            tracing::debug!(?member, "asks too much");
            return;
        }
        match message {
            ToRegistry::Lookup { name } => self.lookup(session, member, name),
            ToRegistry::DirectoryAck { version } => self.directory_ack(cx, member, version),
            ToRegistry::Deposit(deposit) => self.deposit(cx, session, member, deposit),
            ToRegistry::Withdraw { slot } => self.withdraw(session, member, slot),
            ToRegistry::OutcomeAck { slot } => self.outcome_ack(member, slot),
            ToRegistry::Receipt(receipt) => self.receipt(cx, member, receipt),
            ToRegistry::Busy(busy) => self.put_off(cx, member, busy),
            ToRegistry::Room(request) => self.room_request(cx, session, member, request),
            ToRegistry::PostHad(had) => self.post_had(cx, member, had),
            // Taken before, for they need no registration.
            ToRegistry::Register(_) | ToRegistry::Deregister { .. } | ToRegistry::KeepAlive { .. } => {}
        }
    }

    /// Whether a member may make work without a message. If not he is not answered, and asks again in time.
    fn may_ask(&mut self, now: Instant, member: MemberId) -> bool {
        self.members
            .find_mut(member)
            .is_some_and(|member| member.requests.take(now, &self.config.requests).is_ok())
    }

    /// Closes a session from this side.
    fn drop_session(&mut self, cx: &Context<'_>, session: SessionId, code: CloseCode) {
        self.out.close(session, code);
        self.closed(cx, session, crate::transport::CloseCause::Remote(code));
    }

    /// A deadline has come.
    fn timer(&mut self, cx: &Context<'_>, timer: Timer) {
        match timer {
            Timer::Lease(member) => self.lease_timeout(cx, member),
            Timer::Visit(session) => self.visit_timeout(cx, session),
            Timer::Lane(member, kind) => self.lane_timeout(cx, member, kind),
            Timer::Cursors(member) => self.ask_cursors(cx, member),
            Timer::Feed(member, room) => self.feed_timeout(cx, member, room),
            Timer::Settle(room) => self.settle(cx, room),
            Timer::Lobby => self.make_lobby(),
            Timer::Tell(member) => self.tell_timeout(cx, member),
            Timer::Pace => self.tell_queue(cx),
            Timer::Expiry => self.sweep(cx),
            Timer::SaveAge => self.save_age(cx),
            Timer::Table => self.show_table(cx),
        }
    }

    /// What a reply was waited for.
    fn replied(&mut self, cx: &Context<'_>, pending: Pending, reply: Result<Reply, StoreFault>) {
        match pending {
            Pending::Register(registration) => {
                self.registration_done(cx, *registration, reply.err().as_ref());
            }
            Pending::Deposit(deposit) => self.deposit_done(cx, deposit, reply),
            Pending::Known { deposit, not_kept } => self.answer_known(cx, &deposit, Some(not_kept), reply),
            Pending::Page(lane) => self.page_done(cx, lane, reply),
            Pending::Answer {
                lane,
                key,
                row,
                outcome,
            } => self.answer_done(cx, (lane, key), (row, outcome), reply),
            Pending::Forget { lane, key } => self.forget_done(cx, lane, &key, reply),
            Pending::Withdraw {
                session,
                sender,
                slot,
            } => self.withdraw_done(cx, (session, sender, slot), reply),
            Pending::Expire => self.sweep_done(cx, reply),
            Pending::RoomMade(asker, room) => self.room_made(cx, asker, room, reply),
            Pending::LobbyMade(room) => self.lobby_made(cx, room, &reply),
            Pending::RoomEntered(asker, room) => self.room_entered(cx, asker, room, &reply),
            Pending::Departed(asker, room, who) => self.departed(cx, asker, (room, who), reply),
            Pending::RoomEnded(asker, room) => self.room_ended(cx, asker, room, reply),
            Pending::Readers(asker) => self.readers_known(cx, asker, reply),
            Pending::Post(post) => self.post_done(cx, post, reply),
            Pending::Cursors { member, stay } => self.cursors_done(cx, (member, stay), reply),
            Pending::Posts(feed) => self.posts_done(cx, feed, reply),
            Pending::Advanced(feed) => self.advance_done(cx, feed, reply),
            Pending::Settled(room) => self.posts_ended(cx, room, reply),
            Pending::SaveAge => {
                if let Err(fault) = reply {
                    tracing::warn!(%fault, "the database's age was not recorded");
                }
            }
        }
    }

    /// Records the database's age, now and from time to time.
    fn save_age(&mut self, cx: &Context<'_>) {
        if !self.out.has_store_room() {
            self.timers.set(Timer::SaveAge, cx.now.at + REQUEST_RETRY);
            return;
        }
        self.timers.set(Timer::SaveAge, cx.now.at + AGE_SAVE);
        self.store_age(cx);
    }

    fn store_age(&mut self, cx: &Context<'_>) {
        let request = Request::SaveAge {
            age: self.age.age(cx.now.at),
            at: cx.now.wall,
        };
        self.out.store(request, Pending::SaveAge);
    }

    /// Shows the operator the table, if it is small and he has not just seen it.
    fn show_table(&mut self, cx: &Context<'_>) {
        if self.members.committed() > TABLE_ROWS_MAX {
            return;
        }
        if self.operator != Operator::UpToDate {
            self.operator = Operator::Behind;
            return;
        }
        if cx.now.at < self.table_not_before {
            self.timers.set(Timer::Table, self.table_not_before);
            return;
        }
        self.timers.clear(Timer::Table);
        self.operator = Operator::Reading;
        self.table_not_before = cx.now.at + DIRECTORY_INTERVAL;
        let mut rows: Vec<TableRow> = self
            .members
            .from(MemberId(0))
            .map(|(_, member)| TableRow {
                name: member.name.clone(),
                address: member.seat.as_deref().map(|seat| seat.observed),
                since: member.since,
            })
            .collect();
        rows.sort_by_cached_key(|row| row.name.folded());
        self.out.event(Event::Table(rows));
    }

    /// The operator has seen the table. A terminal that was stopped holds back nothing but tables: only the newest is of
    /// interest.
    fn shown(&mut self, cx: &Context<'_>) {
        let before = std::mem::replace(&mut self.operator, Operator::UpToDate);
        if before == Operator::Behind {
            self.show_table(cx);
        }
    }

    /// Closes everything; the end comes when the store has answered.
    fn stop(&mut self, cx: &Context<'_>) {
        for session in std::mem::take(&mut self.sessions).into_keys() {
            self.out.close(session, CloseCode::Done);
        }
        self.stopping = Stopping::Waiting;
        self.store_age(cx);
    }
}

impl Role for Registry {
    type Command = Command;
    type Event = Event;
    type Request = Request;
    type Reply = Reply;

    fn handle_session(&mut self, cx: &Context<'_>, event: SessionEvent) {
        if self.stopping != Stopping::No {
            return;
        }
        match event {
            SessionEvent::Opened {
                session,
                service: Service::Registry,
                peer,
                address,
                ..
            } => self.opened(cx, session, peer, address),
            SessionEvent::Opened { session, .. } => self.out.close(session, CloseCode::Violation),
            SessionEvent::Message { session, bytes } => {
                if self.sessions.contains_key(&session) {
                    self.message(cx, session, &bytes);
                }
            }
            SessionEvent::Moved { session, address } => self.moved(cx, session, address),
            SessionEvent::Closed { session, cause } => self.closed(cx, session, cause),
            SessionEvent::Failed { attempt, .. } => {
                tracing::debug!(?attempt, "a try that the registry did not make has failed");
            }
        }
    }

    fn handle_command(&mut self, cx: &Context<'_>, command: Command) {
        match command {
            Command::Stop if self.stopping == Stopping::No => self.stop(cx),
            Command::Shown if self.stopping == Stopping::No => self.shown(cx),
            Command::Stop | Command::Shown => {}
        }
    }

    fn handle_store_reply(&mut self, cx: &Context<'_>, ticket: Ticket, reply: Result<Reply, StoreFault>) {
        let Some(pending) = self.out.answered(ticket) else {
            return;
        };
        if self.stopping == Stopping::No {
            self.replied(cx, pending, reply);
            self.serve_line(cx);
        } else if self.stopping == Stopping::Waiting && self.out.is_settled() {
            self.stopping = Stopping::Ended;
            self.out.event(Event::Ended);
        }
    }

    /// Without its port a registry is nothing: whoever drives it opens that before the first input, and ends otherwise.
    fn handle_socket(&mut self, _cx: &Context<'_>, reply: SocketReply) {
        tracing::error!(?reply, "a port that was not asked for");
    }

    fn handle_timeout(&mut self, cx: &Context<'_>) {
        if self.stopping != Stopping::No {
            return;
        }
        for _ in 0..TIMERS_PER_TURN {
            match self.timers.pop(cx.now.at) {
                Some(timer) => self.timer(cx, timer),
                None => break,
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.stopping == Stopping::No {
            self.timers.next()
        } else {
            None
        }
    }

    fn poll_action(&mut self) -> Option<Action<Request, Event>> {
        self.out.poll()
    }

    fn ready(&self) -> bool {
        self.out.has_store_room()
    }
}
