//! A role on its own: a registry or a client with a real store in memory, a clock, and sessions that are entries in a
//! table. What it does goes to a judge, at once.
//!
//! Keeps the contract of `udpchat::engine` as the runtime does.
//! Invariants: what is asked of the store is committed in order, and heard of after that; deadlines get somewhere;
//! one input leads to a bounded number of actions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use udpchat::clock::{Instant, Now, WallTime};
use udpchat::engine::{Action, Context, Role, STORE_REQUESTS_MAX, Store, StoreFault, Ticket};
use udpchat::identity::Card;
use udpchat::limits::MESSAGE_BYTES_MAX;
use udpchat::transport::{
    Attempt, Backlog, CloseCause, Path, SessionEvent, SessionId, SessionStats, Sessions,
};
use udpchat::wire::packet::Service;

/// Actions after one input: a window of the longest messages, and everybody told of it.
const ACTIONS_MAX: usize = 4_096;
/// Commits that follow from each other.
const COMMITS_MAX: usize = 1_024;
/// Calls at one instant until the next deadline is later.
const CALLS_MAX: usize = 64;
const ROOM: usize = 1 << 20;

/// What comes out of a role.
pub(crate) trait Judge<R: Role> {
    /// A message is said to somebody. Sessions with others than there are fail before.
    fn said(&mut self, to: &Session, session: SessionId, bytes: &[u8]);
    /// Somebody is told something.
    fn told(&mut self, event: R::Event);
    /// A session is wanted, or the port.
    fn wanted(&mut self, action: Action<R::Request, R::Event>);
    /// This was committed, and is heard of now.
    fn committed(&mut self, request: &R::Request, reply: &R::Reply);
}

/// A session, as whoever plays its other end knows it.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) service: Service,
    pub(crate) peer: Card,
    path: Path,
    room: usize,
}

/// What the disk does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Commits,
    /// Requests wait until it does something else.
    Waits,
    Fails,
}

pub(crate) type Table = BTreeMap<SessionId, Session>;

/// The table as a role sees it.
struct View<'a>(&'a Table);

impl Sessions for View<'_> {
    fn path(&self, session: SessionId) -> Option<Path> {
        self.0.get(&session).map(|session| session.path)
    }

    fn room(&self, session: SessionId) -> usize {
        self.0.get(&session).map_or(0, |session| session.room)
    }

    fn backlog(&self, _session: SessionId) -> Backlog {
        Backlog::default()
    }

    fn session_stats(&self, session: SessionId) -> Option<SessionStats> {
        self.0.contains_key(&session).then(SessionStats::default)
    }
}

pub(crate) struct Bench<R, S: Store, J> {
    pub(crate) role: R,
    pub(crate) store: S,
    pub(crate) judge: J,
    pub(crate) sessions: Table,
    pub(crate) now: Now,
    disk: Disk,
    asked: Vec<(Ticket, S::Request)>,
    opened: u64,
}

impl<R, S, J> Bench<R, S, J>
where
    R: Role<Request = S::Request, Reply = S::Reply>,
    S: Store,
    S::Request: Clone,
    J: Judge<R>,
{
    pub(crate) fn new(role: R, store: S, judge: J, now: Now) -> Self {
        let mut bench = Self {
            role,
            store,
            judge,
            sessions: Table::new(),
            now,
            disk: Disk::Commits,
            asked: Vec::new(),
            opened: 0,
        };
        bench.settle();
        bench
    }

    /// When everything begins.
    pub(crate) const fn beginning() -> Now {
        Now {
            at: Instant::from_micros(1_000_000_000),
            wall: WallTime::from_unix_ms(1_700_000_000_000),
        }
    }

    /// One input, and what it leads to.
    pub(crate) fn input(&mut self, input: impl FnOnce(&mut R, &Context<'_>)) {
        let context = Context {
            now: self.now,
            sessions: &View(&self.sessions),
        };
        input(&mut self.role, &context);
        self.settle();
    }

    /// A session comes up.
    pub(crate) fn open(
        &mut self,
        attempt: Option<Attempt>,
        service: Service,
        peer: Card,
        address: SocketAddr,
    ) -> SessionId {
        self.opened += 1;
        let session = SessionId(self.opened);
        let path = Path {
            address,
            heard_at: self.now.at,
            unheard: false,
            probe_timeout: Duration::from_millis(100),
        };
        let room = ROOM;
        let entry = Session {
            service,
            peer,
            path,
            room,
        };
        self.sessions.insert(session, entry);
        let event = SessionEvent::Opened {
            session,
            attempt,
            service,
            peer,
            address,
        };
        self.input(|role, cx| role.handle_session(cx, event));
        session
    }

    /// A message comes, unless nobody listens: then it is another time's.
    pub(crate) fn hear(&mut self, session: SessionId, bytes: Vec<u8>) {
        let Some(entry) = self.sessions.get_mut(&session).filter(|_| self.role.ready()) else {
            return;
        };
        if bytes.len() > MESSAGE_BYTES_MAX {
            return;
        }
        entry.path.heard_at = self.now.at;
        self.input(|role, cx| role.handle_session(cx, SessionEvent::Message { session, bytes }));
    }

    pub(crate) fn close(&mut self, session: SessionId, cause: CloseCause) {
        if self.sessions.remove(&session).is_some() {
            self.input(|role, cx| role.handle_session(cx, SessionEvent::Closed { session, cause }));
        }
    }

    pub(crate) fn moved(&mut self, session: SessionId, address: SocketAddr) {
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.path.address = address;
            self.input(|role, cx| role.handle_session(cx, SessionEvent::Moved { session, address }));
        }
    }

    pub(crate) fn set_room(&mut self, session: SessionId, room: usize) {
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.room = room;
        }
    }

    pub(crate) fn set_disk(&mut self, disk: Disk) {
        self.disk = disk;
        self.settle();
    }

    /// Time passes, and nothing is called.
    pub(crate) fn sleep(&mut self, span: Duration) {
        self.set_time(self.now.at + span);
        self.input(|role, cx| role.handle_timeout(cx));
    }

    /// Time passes, deadline by deadline; whoever is there is heard of.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now.at + span;
        let mut calls = 0;
        while let Some(due) = self.deadline().filter(|due| *due <= end) {
            calls = if due > self.now.at { 0 } else { calls + 1 };
            assert!(calls < CALLS_MAX, "time stands still");
            self.set_time(due.max(self.now.at));
            for session in self.sessions.values_mut() {
                session.path.heard_at = self.now.at;
            }
            self.input(|role, cx| role.handle_timeout(cx));
        }
        self.set_time(end);
    }

    fn deadline(&self) -> Option<Instant> {
        let deadline = self.role.poll_timeout();
        assert_eq!(deadline, self.role.poll_timeout(), "asking changes nothing");
        deadline
    }

    fn set_time(&mut self, at: Instant) {
        let passed = i64::try_from(at.since(self.now.at).as_millis()).unwrap();
        let wall = WallTime::from_unix_ms(self.now.wall.unix_ms().saturating_add(passed));
        self.now = Now { at, wall };
    }

    /// The program dies. What it has asked for is on the disk, or not; nobody hears of it.
    pub(crate) fn die(&mut self, committed: bool) {
        let asked = std::mem::take(&mut self.asked);
        if committed {
            let requests: Vec<_> = asked.iter().map(|(_, request)| request.clone()).collect();
            let replies = self.store.commit(asked);
            for (request, (_, reply)) in requests.iter().zip(replies) {
                self.judge.committed(request, &reply.unwrap());
            }
        }
        self.sessions.clear();
        self.disk = Disk::Commits;
    }

    /// Takes all actions, and commits what is asked for.
    pub(crate) fn settle(&mut self) {
        self.drain();
        for _ in 0..COMMITS_MAX {
            if self.disk == Disk::Waits || self.asked.is_empty() {
                return;
            }
            let asked = std::mem::take(&mut self.asked);
            let requests: Vec<_> = asked.iter().map(|(_, request)| request.clone()).collect();
            let replies: Vec<_> = if self.disk == Disk::Commits {
                self.store.commit(asked)
            } else {
                let failed = |(ticket, _)| (ticket, Err(StoreFault::Full));
                asked.into_iter().map(failed).collect()
            };
            for (request, (ticket, reply)) in requests.iter().zip(replies) {
                if self.disk == Disk::Commits {
                    self.judge.committed(request, reply.as_ref().unwrap());
                }
                let context = Context {
                    now: self.now,
                    sessions: &View(&self.sessions),
                };
                self.role.handle_store_reply(&context, ticket, reply);
                self.drain();
            }
        }
        panic!("the disk is asked again and again");
    }

    fn drain(&mut self) {
        for _ in 0..ACTIONS_MAX {
            let Some(action) = self.role.poll_action() else {
                return;
            };
            match action {
                Action::Send { session, bytes } => {
                    let entry = self.sessions.get(&session);
                    let entry = entry.unwrap_or_else(|| panic!("said into {session:?}, which is gone"));
                    assert!(bytes.len() <= MESSAGE_BYTES_MAX);
                    // Said without room it is lost, and that has to do no harm.
                    if bytes.len() <= entry.room {
                        self.judge.said(entry, session, &bytes);
                    }
                }
                Action::Close { session, .. } => _ = self.sessions.remove(&session),
                Action::Store { ticket, request } => {
                    assert!(self.asked.last().is_none_or(|(last, _)| *last < ticket));
                    self.asked.push((ticket, request));
                    assert!(self.asked.len() <= STORE_REQUESTS_MAX);
                }
                Action::Event(event) => self.judge.told(event),
                wanted @ (Action::Connect(_) | Action::Abandon(_) | Action::Socket(_)) => {
                    self.judge.wanted(wanted);
                }
            }
        }
        panic!("one input led to more than {ACTIONS_MAX} actions");
    }
}
