//! A running program: a node on its loop, and around it the store's thread, the printer's, and whoever types.
//!
//! What is typed and how events look is the caller's (`cli`, `chat`); what it means is the role's. Where they are
//! heeded, signals end the program as the role ends it, or at once (see [`super::signal`]).
//! Invariant: when `run` returns, all that was confirmed is on the disk and all that was to be said was said.

use std::io;
use std::net::SocketAddr;
use std::thread;

#[cfg(test)]
use crossbeam_channel::Receiver;
use crossbeam_channel::{Sender, bounded};

use super::driver::{Commands, Driver, Surroundings};
use super::outlet::{EVENTS_MAX, Knell, Outlet};
use super::signal;
use super::socket::Place;
use super::start::{Exit, Fault};
use super::wake::Waker;
use crate::engine::{Role, Store};
use crate::node::Node;
use crate::store::worker::Worker;

/// Commands that a pipe may be ahead of the engine. Few: what is not taken yet is in nobody's outbox.
const TYPED_MAX: usize = 64;

/// Where what is typed goes.
#[derive(Debug)]
pub struct Hatch<C> {
    typed: Sender<C>,
    late: Sender<C>,
    stopper: Stopper<C>,
}

impl<C> Hatch<C> {
    /// Hands a command to the engine, which takes it in its turn; `false` when the program is ending and no more is
    /// wanted. May wait.
    pub fn submit(&mut self, command: C) -> bool {
        let wanted = self.typed.send(command).is_ok();
        self.stopper.waker.wake();
        wanted
    }

    /// Hands over an answer to something that was told, which others may wait for: it is taken even while there is more to
    /// tell. `false` when it is not wanted any more. May wait.
    pub fn answer(&mut self, command: C) -> bool {
        let wanted = self.late.send(command).is_ok();
        self.stopper.waker.wake();
        wanted
    }

    /// Without an engine: what is submitted is not wanted, and each answer waits until it is taken.
    #[cfg(test)]
    pub fn unheard(stop: fn() -> C) -> io::Result<(Self, Receiver<C>)> {
        let (late, answers) = bounded(0);
        let stopper = Stopper {
            stop: bounded(1).0,
            command: stop,
            waker: Waker::new()?,
        };
        let typed = bounded(0).0;
        Ok((Self { typed, late, stopper }, answers))
    }

    /// Asks the engine to end, now: what was submitted before is taken first, as far as commands are taken at all.
    pub fn stop(&self) {
        self.stopper.stop();
    }
}

/// Reads what is typed and submits it, until the input ends. Has a thread of its own, which may be left behind.
pub type Typist<C> = Box<dyn FnOnce(Hatch<C>) + Send>;

/// Says events; gives the answers that the engine is owed for them. Failing means that nobody listens any more.
pub type Show<E, C> = Box<dyn FnMut(&[E]) -> io::Result<Vec<C>> + Send>;

/// What a program is made of.
pub struct Program<R: Role, S> {
    /// The engine.
    pub node: Node<R>,
    /// Its store.
    pub store: S,
    /// Where it binds.
    pub place: Place,
    /// Whether it binds at once and ends if that is not possible; otherwise the role says when.
    pub needs_port: bool,
    /// The registry, if it has one.
    pub registry: Option<SocketAddr>,
    /// Who types; a registry has nobody.
    pub typist: Option<Typist<R::Command>>,
    /// Who is told.
    pub show: Show<R::Event, R::Command>,
    /// Rung when it has its last to say, or fails: who shows events must not wait for anybody any more.
    pub knell: Option<Knell>,
    /// Whether Ctrl+C and its like end it: for what a process is there for, and once in a process.
    pub heeds_signals: bool,
    /// Whether it ends when nobody listens any more.
    pub ends_when_unheard: bool,
    /// The command that ends it.
    pub stop: fn() -> R::Command,
    /// Knows its last event.
    pub is_last: fn(&R::Event) -> bool,
}

impl<R, S> Program<R, S>
where
    R: Role + Send + 'static,
    R::Command: Send + 'static,
    R::Event: Send + 'static,
    R::Request: Send + 'static,
    R::Reply: Send + 'static,
    S: Store<Request = R::Request, Reply = R::Reply> + Send + 'static,
{
    /// Runs it to its end. The result is its last event, if it came to say one.
    pub fn run(self) -> Result<Option<R::Event>, Fault> {
        let waker = Waker::new()?;
        let store = Worker::start(self.store, {
            let waker = waker.clone();
            move || waker.wake()
        })?;
        // One place each: to stop twice is to stop once.
        let (stop, stops) = bounded(1);
        let (typed, to_take) = bounded(TYPED_MAX);
        let (late, late_answers) = bounded(TYPED_MAX);
        let (answers, to_answer) = bounded(EVENTS_MAX);
        let (events, to_say) = bounded(EVENTS_MAX);

        let stop = Stopper {
            stop,
            command: self.stop,
            waker: waker.clone(),
        };
        let (on_signal, unheard, ends) = (stop.clone(), stop.clone(), self.ends_when_unheard);
        if self.heeds_signals {
            signal::install(move || on_signal.stop()).map_err(|error| io::Error::other(error.to_string()))?;
        }
        let printer = Outlet {
            events: to_say,
            answers,
            waker: waker.clone(),
        };
        let printer = printer.start(self.show, move || {
            if ends {
                unheard.stop();
            }
        })?;
        if let Some(typist) = self.typist {
            let stopper = stop;
            let hatch = Hatch { typed, late, stopper };
            start_typist(typist, hatch)?;
        }
        let around = Surroundings {
            place: self.place,
            needs_port: self.needs_port,
            registry: self.registry,
            store,
            commands: Commands {
                stop: stops,
                answers: to_answer,
                late: late_answers,
                typed: to_take,
            },
            outlet: Some(events),
            waker,
        };
        let mut driver = Driver::new(self.node, around, self.is_last);
        if let Some(knell) = self.knell {
            driver = driver.ringing(knell);
        }
        // A thread of its own, so that a bug in an engine still lets the printer put the terminal in order.
        #[expect(clippy::disallowed_methods, reason = "the engine's thread")]
        let engine = thread::Builder::new()
            .name("engine".into())
            .spawn(move || driver.run())?
            .join();
        let last = printer.join();
        match engine {
            Ok(ended) => ended?,
            Err(_) => return Err(Fault::bug("the engine")),
        }
        last.map_err(|_| Fault::bug("the printer"))
    }
}

#[expect(clippy::disallowed_methods, reason = "the prompt's thread")]
fn start_typist<C: Send + 'static>(typist: Typist<C>, hatch: Hatch<C>) -> io::Result<()> {
    // Not joined: it may be waiting for a line that never comes.
    thread::Builder::new()
        .name("prompt".into())
        .spawn(move || typist(hatch))?;
    Ok(())
}

/// Asks the engine to end.
#[derive(Debug)]
struct Stopper<C> {
    stop: Sender<C>,
    command: fn() -> C,
    waker: Waker,
}

impl<C> Clone for Stopper<C> {
    fn clone(&self) -> Self {
        Self {
            stop: self.stop.clone(),
            command: self.command,
            waker: self.waker.clone(),
        }
    }
}

impl<C> Stopper<C> {
    fn stop(&self) {
        if self.stop.try_send((self.command)()).is_err() {
            tracing::debug!("it is ending already");
        }
        self.waker.wake();
    }
}

impl Fault {
    /// Part of the program has panicked; it has said so on standard error.
    pub(super) fn bug(part: &str) -> Self {
        Self {
            exit: Exit::Storage,
            sentence: format!(
                "{part} has failed: a bug, please report it. What was confirmed is on the disk; start again."
            ),
        }
    }
}
