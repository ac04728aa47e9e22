//! The loop that drives a node: socket, store, commands and deadlines in, everything else out.
//!
//! One thread owns socket and engine and waits in one poll. The work of a turn is bounded, and every kind of
//! input has its share of it, so that a flood of datagrams starves neither the store's replies nor a deadline.
//! Decides nothing.
//! Invariants: after every input the node's outputs are drained (see `engine`). What a turn has asked of store and
//! socket leaves before the loop waits. While the outlet is full no message and no typed command is taken, so
//! that events cannot pile up: what would say more has to wait for what was said.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use rustix::event::{PollFd, PollFlags, poll};

use super::alarm::Alarm;
use super::clock;
use super::outlet::Knell;
use super::socket::{self, Place, Socket};
use super::wake::Waker;
use crate::clock::{Instant, Now};
use crate::engine::{Output, Role, SocketReply, SocketRequest};
use crate::node::Node;
use crate::store::worker::{Requests, Worker, WorkerGone};
use crate::transport::Transmit;

/// Commands of one turn: a person's, or a pipe's. Few, because one may be large.
const COMMANDS_PER_TURN: usize = 64;

/// The least wait after a turn in which nothing happened.
const IDLE_WAIT: Duration = Duration::from_millis(1);

/// Where commands come from. All bounded by whoever makes them.
pub struct Commands<C> {
    /// The end: a signal, Ctrl+C, an outlet that has failed. Taken whatever the role refuses and whatever waits: it
    /// comes only once.
    pub stop: Receiver<C>,
    /// Answers to events, which themselves cause none: taken while the outlet is full and while the role refuses
    /// commands, because the outlet may be waiting for them to be taken. They end when the outlet's reader has
    /// nothing more to answer.
    pub answers: Receiver<C>,
    /// Answers that whoever types gives later, as these are taken. Their end says nothing.
    pub late: Receiver<C>,
    /// What a person types.
    pub typed: Receiver<C>,
}

/// What the loop runs between.
pub struct Surroundings<R: Role> {
    /// Where to bind when the role asks for it.
    pub place: Place,
    /// Whether the port is bound from the start to the end, and its lack is the end: for a role that never asks.
    pub needs_port: bool,
    /// The registry, where there is one: whoever binds is told the local address towards it.
    pub registry: Option<SocketAddr>,
    /// The store's thread.
    pub store: Worker<R::Request, R::Reply>,
    /// What is asked of the role.
    pub commands: Commands<R::Command>,
    /// Who is told. Its bound is how far the printer may lag. Dropped after the last event.
    pub outlet: Option<Sender<R::Event>>,
    /// Rung by everybody who feeds the channels above, and by the outlet's reader when it has made room.
    pub waker: Waker,
}

/// Why the loop ended before the role did.
#[derive(Debug, thiserror::Error)]
pub enum DriverFault {
    /// The store's thread is gone.
    #[error(transparent)]
    Store(#[from] WorkerGone),
    /// The port cannot be had: a sentence for a person.
    #[error("{0}")]
    Port(String),
    /// The system does not let us wait.
    #[error("waiting for events failed: {0}")]
    Poll(#[from] rustix::io::Errno),
}

/// A node and its surroundings.
pub struct Driver<R: Role> {
    node: Node<R>,
    around: Surroundings<R>,
    socket: Option<Socket>,
    /// What this turn asks of the store, of the network and of the port.
    requests: Requests<R::Request>,
    outgoing: Vec<Transmit>,
    port_requests: Vec<SocketRequest>,
    /// Events that the outlet has no room for. Bounded by what is under way when it fills.
    unsaid: VecDeque<R::Event>,
    /// The event after which nothing comes.
    is_last: fn(&R::Event) -> bool,
    /// Rung when it comes, before anybody has taken it.
    knell: Option<Knell>,
    /// It was said, or nobody listens.
    ended: bool,
    /// Nobody can answer any more.
    answered: bool,
    /// Whether this turn did anything.
    busy: bool,
}

impl<R: Role> Driver<R> {
    /// Joins them. `is_last` knows the role's last event.
    pub const fn new(node: Node<R>, around: Surroundings<R>, is_last: fn(&R::Event) -> bool) -> Self {
        Self {
            node,
            around,
            socket: None,
            requests: Vec::new(),
            outgoing: Vec::new(),
            port_requests: Vec::new(),
            unsaid: VecDeque::new(),
            is_last,
            knell: None,
            ended: false,
            answered: false,
            busy: false,
        }
    }

    /// Has this rung when the role has its last to say, or fails: whoever listens has no more time.
    #[must_use]
    pub fn ringing(mut self, knell: Knell) -> Self {
        self.knell = Some(knell);
        self
    }

    /// Runs until the role has said its last and the answers to it are taken. All that the role asked of the store
    /// is committed when this returns.
    pub fn run(mut self) -> Result<(), DriverFault> {
        if self.around.needs_port
            && let SocketReply::Failed(sentence) = self.open()
        {
            return Err(DriverFault::Port(sentence));
        }
        let mut alarm = Alarm::new()?;
        // The first input: a role that wants to begin with something has its deadline at once.
        self.feed(Node::handle_timeout);
        self.serve_port();
        while !(self.ended && self.answered) {
            self.leave()?;
            self.wait(&mut alarm)?;
            self.turn()?;
        }
        self.take_last();
        self.leave()?;
        self.close();
        Ok(())
    }

    /// Late answers that came with the end, which nobody repeats: as many as their channel holds, or a turn takes.
    fn take_last(&mut self) {
        self.take_some(|driver| driver.around.commands.late.try_recv().ok());
    }

    /// One share of each kind of input.
    fn turn(&mut self) -> Result<(), DriverFault> {
        self.busy = false;
        self.around.waker.rest();
        if !self.unsaid.is_empty() {
            self.say();
            // With room again, the messages that were left lying are taken.
            self.drain(clock::now());
        }
        self.take_datagrams();
        self.take_replies()?;
        self.take_commands();
        self.take_timeout();
        self.serve_port();
        Ok(())
    }

    /// One input, and all that comes of it.
    fn feed(&mut self, input: impl FnOnce(&mut Node<R>, Now)) {
        let now = clock::now();
        input(&mut self.node, now);
        self.drain(now);
    }

    fn take_datagrams(&mut self) {
        let Some(mut socket) = self.socket.take() else {
            return;
        };
        socket.receive(|route, bytes| {
            self.busy = true;
            self.feed(|node, now| node.handle_datagram(now, route, bytes));
        });
        self.socket = Some(socket);
    }

    fn take_replies(&mut self) -> Result<(), DriverFault> {
        while let Some(batch) = self.around.store.replies()? {
            self.busy = true;
            for (ticket, reply) in batch {
                self.feed(|node, now| node.handle_store_reply(now, ticket, reply));
            }
        }
        Ok(())
    }

    fn take_commands(&mut self) {
        // Looked for before what was typed, and taken after it: what was typed before it comes first.
        let stop = self.around.commands.stop.try_recv();
        let answers = self.take_some(Self::next_answer);
        let typed = self.take_some(Self::next_typed);
        if let Ok(stop) = stop {
            self.command(stop);
        }
        if answers.max(typed) == COMMANDS_PER_TURN {
            // There may be more: look again without waiting.
            self.around.waker.wake();
        }
    }

    /// Takes a turn's share of commands; how many there were.
    fn take_some(&mut self, next: impl Fn(&mut Self) -> Option<R::Command>) -> usize {
        for taken in 0..COMMANDS_PER_TURN {
            let Some(command) = next(self) else {
                return taken;
            };
            self.command(command);
        }
        COMMANDS_PER_TURN
    }

    fn command(&mut self, command: R::Command) {
        self.busy = true;
        self.feed(|node, now| node.handle_command(now, command));
    }

    fn next_answer(&mut self) -> Option<R::Command> {
        if !self.node.ready() && !self.ended {
            return None;
        }
        if let Ok(late) = self.around.commands.late.try_recv() {
            return Some(late);
        }
        let answer = self.around.commands.answers.try_recv();
        self.answered |= matches!(answer, Err(TryRecvError::Disconnected));
        answer.ok()
    }

    fn next_typed(&mut self) -> Option<R::Command> {
        let may_come = self.unsaid.is_empty() && self.node.takes_commands();
        may_come.then(|| self.around.commands.typed.try_recv().ok())?
    }

    fn take_timeout(&mut self) {
        let now = clock::now();
        if self
            .node
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now.at)
        {
            self.feed(Node::handle_timeout);
        }
    }

    /// Takes the node's outputs to where they belong.
    fn drain(&mut self, now: Now) {
        loop {
            self.node.pause(!self.unsaid.is_empty());
            let Some(output) = self.node.poll_output(now) else {
                return;
            };
            self.busy = true;
            match output {
                Output::Transmit(transmit) => self.outgoing.push(transmit),
                Output::Store { ticket, request } => self.requests.push((ticket, request)),
                Output::Socket(request) => self.port_requests.push(request),
                Output::Event(event) => {
                    if (self.is_last)(&event) {
                        self.knell = None;
                    }
                    self.unsaid.push_back(event);
                    self.say();
                }
            }
        }
    }

    /// Tells the outlet what it has room for.
    fn say(&mut self) {
        while let Some(event) = self.unsaid.pop_front() {
            let last = (self.is_last)(&event);
            let told = match &self.around.outlet {
                Some(outlet) => outlet.try_send(event),
                // After the last event nothing is said.
                None => continue,
            };
            match told {
                Ok(()) => self.ended |= last,
                Err(TrySendError::Full(event)) => {
                    self.unsaid.push_front(event);
                    return;
                }
                // Nobody listens any more, so nobody will hear the last either.
                Err(TrySendError::Disconnected(_)) => self.ended = true,
            }
            if self.ended {
                self.around.outlet = None;
            }
        }
    }

    /// Opens and frees the port as asked.
    fn serve_port(&mut self) {
        while !self.port_requests.is_empty() {
            for request in std::mem::take(&mut self.port_requests) {
                match request {
                    SocketRequest::Open => {
                        let reply = self.open();
                        self.feed(|node, now| node.handle_socket(now, reply));
                    }
                    SocketRequest::Close => self.close(),
                }
            }
        }
    }

    fn open(&mut self) -> SocketReply {
        self.close();
        match Socket::bind(self.around.place) {
            Ok(socket) => {
                let (bound, port, registry) = (socket.local(), socket.port(), self.around.registry);
                self.socket = Some(socket);
                SocketReply::Opened {
                    local: match registry {
                        Some(registry) => socket::local_towards(registry, port),
                        None => Some(bound),
                    },
                }
            }
            Err(sentence) => SocketReply::Failed(sentence),
        }
    }

    /// Frees the port, once what was transmitted before has left.
    fn close(&mut self) {
        self.send();
        if let Some(socket) = self.socket.take() {
            let counters = socket.counters();
            tracing::info!(counters.received, counters.sent, counters.unsent, "socket closed");
        }
    }

    /// Sends away what the turn has gathered.
    fn leave(&mut self) -> Result<(), DriverFault> {
        self.send();
        Ok(self.around.store.ask(std::mem::take(&mut self.requests))?)
    }

    fn send(&mut self) {
        let Some(socket) = &mut self.socket else {
            // Nothing is bound: as lost as on a broken link.
            self.outgoing.clear();
            return;
        };
        for transmit in self.outgoing.drain(..) {
            socket.queue(transmit);
        }
        socket.flush();
    }

    /// Waits for a datagram, a wake or the deadline.
    fn wait(&self, alarm: &mut Alarm) -> Result<(), DriverFault> {
        alarm.set(self.node.poll_timeout().map(|deadline| self.ahead(deadline)))?;
        let mut descriptors = vec![
            PollFd::new(&self.around.waker, PollFlags::IN),
            PollFd::new(alarm, PollFlags::IN),
        ];
        if let Some(socket) = &self.socket {
            let writable = if socket.blocked() {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            descriptors.push(PollFd::new(socket, PollFlags::IN | writable));
        }
        match poll(&mut descriptors, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The deadline to wait for. One that stays in the past although handling it does nothing is an engine's bug; it
    /// must not take a whole processor.
    fn ahead(&self, deadline: Instant) -> Instant {
        if self.busy {
            return deadline;
        }
        let now = clock::now().at;
        if deadline <= now {
            now + IDLE_WAIT
        } else {
            deadline
        }
    }
}
