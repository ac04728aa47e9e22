//! The run-loop contract: how an engine is driven, and what drives it.
//!
//! A [`Role`] (registry or client) decides; a [`Node`](crate::node::Node) joins it to its endpoint and is what
//! the runtime and the simulation drive. Neither does I/O or reads a clock. Whoever drives a node
//! 1. calls exactly one `handle_…` with the time,
//! 2. then drains `poll_output` to `None`, in order,
//! 3. then sleeps until the next input, but not past `poll_timeout`.
//!
//! Invariants: `poll_timeout` is pure: the same answer until the next call above. What is to be acknowledged
//! is acknowledged only after its store reply. Every ticket is answered exactly once, in the order asked.

use std::net::SocketAddr;

use crate::clock::{Instant, Now};
use crate::transport::{Attempt, Connect, SessionEvent, SessionId, Sessions, Transmit};
use crate::wire::frame::CloseCode;

/// A store request, as its asker calls it. Never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Store requests that an engine may have under way. It bounds the worker's queue, so that the queue cannot
/// overflow; twice what one commit takes, so that the worker never waits for the engine.
pub const STORE_REQUESTS_MAX: usize = 8_192;

/// Why a request was not committed. Nothing of it is on disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// No space left.
    #[error("the disk is full")]
    Full,
    /// It could not be written: a quota is used up, or the disk is broken, which SQLite does not tell apart.
    #[error("the disk takes nothing: it may be full, a quota used up, or the disk broken")]
    Unwritten,
    /// Anything else that the database said.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreFault {
    /// Whether room on the disk may be what it lacks.
    pub const fn wants_room(&self) -> bool {
        matches!(self, Self::Full | Self::Unwritten)
    }
}

/// What a role decides with, besides its own state.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What time it is.
    pub now: Now,
    /// The endpoint's view of the sessions.
    pub sessions: &'a dyn Sessions,
}

/// What a role wants done. `Rq` is its store's request, `Ev` its user's event.
#[derive(Clone, Debug)]
pub enum Action<Rq, Ev> {
    /// Open a session. Answered by `SessionEvent::Opened` or `Failed`.
    Connect(Connect),
    /// Give a try up. Not answered.
    Abandon(Attempt),
    /// Send a message. If there is no room it is dropped and logged: look at `Sessions::room` first.
    Send {
        /// Through which session.
        session: SessionId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Close a session. Not answered; nothing more comes from it.
    Close {
        /// Which.
        session: SessionId,
        /// What the other side is told.
        code: CloseCode,
    },
    /// Commit something, or read. Answered by `handle_store_reply`.
    Store {
        /// The asker's name for it.
        ticket: Ticket,
        /// What.
        request: Rq,
    },
    /// Tell the user.
    Event(Ev),
    /// Open or free the port. Opening is answered by `handle_socket`.
    Socket(SocketRequest),
}

/// What is wanted of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketRequest {
    /// Bind the port that the program was started with.
    Open,
    /// Free it, once what was transmitted before has left.
    Close,
}

/// What became of `SocketRequest::Open`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketReply {
    /// Bound.
    Opened {
        /// This machine's address on the way to the registry, with the port, if there is a way; what was bound if there is
        /// no registry.
        local: Option<SocketAddr>,
    },
    /// Not bound: a sentence for a person.
    Failed(String),
}

/// What an engine is: decisions on sessions, commands and store replies.
pub trait Role {
    /// What the user asks.
    type Command;
    /// What the user is told.
    type Event;
    /// What the store is asked.
    type Request;
    /// What the store answers.
    type Reply;

    /// Something happened to a session.
    fn handle_session(&mut self, cx: &Context<'_>, event: SessionEvent);
    /// The user asks for something.
    fn handle_command(&mut self, cx: &Context<'_>, command: Self::Command);
    /// The store has committed, or failed.
    fn handle_store_reply(
        &mut self,
        cx: &Context<'_>,
        ticket: Ticket,
        reply: Result<Self::Reply, StoreFault>,
    );
    /// The port was opened, or not.
    fn handle_socket(&mut self, cx: &Context<'_>, reply: SocketReply);
    /// The deadline has come. Early calls do nothing.
    fn handle_timeout(&mut self, cx: &Context<'_>);
    /// When to call `handle_timeout`.
    fn poll_timeout(&self) -> Option<Instant>;
    /// What to do next; to be drained after each call above.
    fn poll_action(&mut self) -> Option<Action<Self::Request, Self::Event>>;
    /// Whether messages, commands and answers to events may come. While false (too many store requests under way)
    /// sessions give no more credit and the others wait. Replies, timeouts, the other session events and the command
    /// that ends the role always come.
    fn ready(&self) -> bool;
    /// Whether commands may come that are not answers. A role may let them wait longer than messages, as long as what
    /// they wait for goes on by itself.
    fn takes_commands(&self) -> bool {
        self.ready()
    }
}

/// What a node wants of whoever drives it.
#[derive(Debug)]
pub enum Output<Rq, Ev> {
    /// Send a datagram. A failure is loss.
    Transmit(Transmit),
    /// As `Action::Store`.
    Store {
        /// To be given back with the reply.
        ticket: Ticket,
        /// What.
        request: Rq,
    },
    /// As `Action::Event`.
    Event(Ev),
    /// As `Action::Socket`.
    Socket(SocketRequest),
}

/// What the store of a role does: all requests in one transaction, one that fails undone alone.
pub trait Store {
    /// What is asked.
    type Request;
    /// What is answered.
    type Reply;

    /// Applies the requests in order and commits; replies in the same order, only after the commit. If the commit
    /// fails, every reply says so. A request that fails alone leaves the others standing.
    fn commit(
        &mut self,
        requests: Vec<(Ticket, Self::Request)>,
    ) -> Vec<(Ticket, Result<Self::Reply, StoreFault>)>;

    /// The bytes of messages that a request carries: a commit is bounded by them, too.
    fn weight(_request: &Self::Request) -> usize {
        0
    }

    /// Nothing has been asked for a while: the moment to put the house in order (a checkpoint).
    fn tidy(&mut self) {}
}
