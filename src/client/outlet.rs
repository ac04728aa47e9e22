//! What the engine wants done, in order, and what it does once the store has answered.
//!
//! Counts what this turn has given to each session, because the endpoint learns of it only afterwards, keeps store
//! requests back while too many are under way, and remembers of each event what is to be marked once it was seen.
//! Decides nothing.
//! Invariants: at most `STORE_REQUESTS_MAX` requests are under way; every request is answered once and its
//! continuation taken once.

use std::collections::{BTreeMap, VecDeque};

use crate::client::interface::Notice;
use crate::client::storage::{Request, Told};
use crate::engine::{Action, Context, STORE_REQUESTS_MAX, Ticket};
use crate::transport::{SEND_OVERHEAD, SessionId};
use crate::wire::codec;

/// Requests under way above which nothing new is let in. The rest of the bound is for what is owed already.
const STORE_REQUESTS_READY: usize = STORE_REQUESTS_MAX / 4;

/// Requests that have failed and not succeeded since above which nothing new is begun: the rest of what may be under way
/// is for what has been begun before, so that commands are heard however long the disk is full.
const FAILED_MAX: usize = STORE_REQUESTS_READY / 4;

/// A request that failed and is to be asked again.
#[derive(Debug)]
struct Failed<A> {
    request: Request,
    after: A,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Pending<A> {
    /// What is done on the answer.
    pub(super) after: A,
    /// To be asked again if it fails.
    again: Option<Request>,
    /// It has failed before.
    failed: bool,
}

/// Actions out, continuations kept. `A` says what is done after a commit.
#[derive(Debug)]
pub(super) struct Outlet<A> {
    actions: VecDeque<Action<Request, Notice>>,
    tickets: u64,
    under_way: BTreeMap<Ticket, Pending<A>>,
    backlog: VecDeque<(Request, Pending<A>)>,
    failed: VecDeque<Failed<A>>,
    /// Of those under way and waiting: how many have failed before.
    repeated: usize,
    /// Somebody was told that nothing new is to be begun.
    clogged: bool,
    given: BTreeMap<SessionId, usize>,
    /// Events of this run so far.
    events: u64,
    /// So many of them were seen.
    events_seen: u64,
    /// Those of them that tell a message's state.
    states: u64,
    /// By the number of the event: what the user knows once he has seen it. As many as the driver lets events wait.
    unseen: VecDeque<(u64, Told)>,
}

impl<A> Outlet<A> {
    pub(super) const fn new() -> Self {
        Self {
            actions: VecDeque::new(),
            tickets: 0,
            under_way: BTreeMap::new(),
            backlog: VecDeque::new(),
            failed: VecDeque::new(),
            repeated: 0,
            clogged: false,
            given: BTreeMap::new(),
            events: 0,
            events_seen: 0,
            states: 0,
            unseen: VecDeque::new(),
        }
    }

    /// A new input: what the last one caused has been carried out.
    pub(super) fn turn(&mut self) {
        self.given.clear();
    }

    pub(super) fn poll(&mut self) -> Option<Action<Request, Notice>> {
        self.actions.pop_front()
    }

    pub(super) fn push(&mut self, action: Action<Request, Notice>) {
        self.actions.push_back(action);
    }

    pub(super) fn event(&mut self, notice: impl Into<Notice>) {
        let notice = notice.into();
        self.events += 1;
        self.states += u64::from(notice.event.is_state());
        self.push(Action::Event(notice));
    }

    /// How often the state of a message of ours was told so far.
    pub(super) const fn states(&self) -> u64 {
        self.states
    }

    /// Tells something that is to be marked once it was seen.
    pub(super) fn tell(&mut self, notice: impl Into<Notice>, lines: impl IntoIterator<Item = Told>) {
        self.event(notice);
        let number = self.events;
        self.unseen.extend(lines.into_iter().map(|line| (number, line)));
    }

    /// Takes what is to be marked now that so many events were seen.
    pub(super) fn take_seen(&mut self, events: u64) -> impl Iterator<Item = Told> {
        self.events_seen = self.events_seen.max(events);
        let seen = self.unseen.partition_point(|(number, _)| *number <= events);
        self.unseen.drain(..seen).map(|(_, line)| line)
    }

    /// How many events were seen, and whether there are others.
    pub(super) const fn events_seen(&self) -> (u64, bool) {
        (self.events_seen, self.events_seen < self.events)
    }

    /// How many lines were told that are to be marked, and are not known to be seen.
    pub(super) fn unseen(&self) -> usize {
        self.unseen.len()
    }

    /// How many requests are under way, or wait to be asked.
    pub(super) fn requests(&self) -> usize {
        self.under_way.len() + self.backlog.len() + self.failed.len()
    }

    /// Whether something new may come in.
    pub(super) fn ready(&self) -> bool {
        self.requests() < STORE_REQUESTS_READY
    }

    /// Whether so much has failed that nothing new is to be begun; until [`Self::takes_again`] says so.
    pub(super) fn is_clogged(&mut self) -> bool {
        let clogged = self.too_much_failed();
        self.clogged |= clogged;
        clogged
    }

    /// Whether something new may be begun that could not before. Says so once.
    pub(super) fn takes_again(&mut self) -> bool {
        !self.too_much_failed() && std::mem::take(&mut self.clogged)
    }

    fn too_much_failed(&self) -> bool {
        self.failed.len() + self.repeated >= FAILED_MAX
    }

    /// Whether nothing is under way at the store. What failed does not count: the disk will not take it now.
    pub(super) fn settled(&self) -> bool {
        self.under_way.is_empty() && self.backlog.is_empty()
    }

    /// Asks the store once.
    pub(super) fn store(&mut self, request: Request, after: A) {
        let pending = Pending {
            after,
            again: None,
            failed: false,
        };
        self.ask(request, pending);
    }

    /// Asks the store, and again after a failure, until it is done.
    pub(super) fn store_surely(&mut self, request: Request, after: A) {
        self.until_done(request, after, false);
    }

    fn until_done(&mut self, request: Request, after: A, failed: bool) {
        let again = Some(request.clone());
        self.repeated += usize::from(failed);
        let pending = Pending { after, again, failed };
        self.ask(request, pending);
    }

    /// Asks, and before that once more which registry all is about, and in which database it keeps what, if that has
    /// failed: what follows is taken for another's without it.
    fn ask(&mut self, request: Request, pending: Pending<A>) {
        let is_basis =
            |failed: &Failed<A>| matches!(failed.request, Request::UseRegistry { .. } | Request::StoreId(_));
        if self.failed.iter().any(is_basis) {
            let (bases, others) = std::mem::take(&mut self.failed).into_iter().partition(is_basis);
            self.failed = others;
            let bases: VecDeque<Failed<A>> = bases;
            for Failed { request, after } in bases {
                self.until_done(request, after, true);
            }
        }
        if self.under_way.len() >= STORE_REQUESTS_MAX {
            self.backlog.push_back((request, pending));
            return;
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.under_way.insert(ticket, pending);
        self.push(Action::Store { ticket, request });
    }

    /// Takes what is to be done on an answer; if it `failed` and is to be asked again, keeps it for
    /// [`Self::retry_failed`].
    pub(super) fn answered(&mut self, ticket: Ticket, failed: bool) -> Option<A> {
        let Pending {
            after,
            again,
            failed: before,
        } = self.under_way.remove(&ticket)?;
        self.repeated -= usize::from(before);
        if let Some((request, pending)) = self.backlog.pop_front() {
            self.ask(request, pending);
        }
        match again {
            Some(request) if failed => {
                self.failed.push_back(Failed { request, after });
                None
            }
            _ => Some(after),
        }
    }

    /// What has failed and is not so any more is not asked for again. For what nothing is to be done after.
    pub(super) fn forget_failed(&mut self, mut past: impl FnMut(&Request) -> bool) {
        self.failed.retain(|failed| !past(&failed.request));
    }

    /// Asks for what has failed again.
    pub(super) fn retry_failed(&mut self) {
        for Failed { request, after } in std::mem::take(&mut self.failed) {
            self.until_done(request, after, true);
        }
    }

    /// How many bytes a session still takes, with what this turn has given it counted.
    pub(super) fn room(&self, cx: &Context<'_>, session: SessionId) -> usize {
        let given = self.given.get(&session).copied().unwrap_or(0);
        cx.sessions.room(session).saturating_sub(given)
    }

    /// Sends a message if there is room for it.
    pub(super) fn send<M: serde::Serialize>(
        &mut self,
        cx: &Context<'_>,
        session: SessionId,
        message: &M,
    ) -> bool {
        let bytes = codec::encode(message);
        if self.room(cx, session) < bytes.len() {
            return false;
        }
        *self.given.entry(session).or_default() += bytes.len() + SEND_OVERHEAD;
        self.push(Action::Send { session, bytes });
        true
    }
}
