//! Two nodes on loops of their own talk over the loopback interface: real sockets, real time, encrypted sessions.
//!
//! One asks, the other echoes. Nothing is kept: the store answers nobody.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do; a loop has a thread, and its speed is measured"
)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use udpchat::clock::Instant;
use udpchat::engine::{Action, Context, Role, SocketReply, SocketRequest, Store, StoreFault, Ticket};
use udpchat::identity::{self, Identity};
use udpchat::node::Node;
use udpchat::runtime::driver::{Commands, Driver, Surroundings};
use udpchat::runtime::socket::Place;
use udpchat::runtime::wake::Waker;
use udpchat::store::worker::{Replies, Requests, Worker};
use udpchat::transport::{Attempt, Connect, Endpoint, SEND_OVERHEAD, SessionEvent, SessionId};
use udpchat::wire::packet::Service;

enum Ask {
    /// Send these to this address and await them all back.
    Talk(SocketAddr, Vec<Vec<u8>>),
    Stop,
}

#[derive(Debug, PartialEq)]
enum Tell {
    Bound(u16),
    Back(Vec<u8>),
    End,
}

/// Echoes what it has not asked for.
#[derive(Default)]
struct Talker {
    actions: VecDeque<Action<(), Tell>>,
    to_say: VecDeque<Vec<u8>>,
    begun: bool,
    asking: Option<SessionId>,
    /// With whom, asked or asking.
    session: Option<SessionId>,
    /// When to look whether there is room again.
    again_at: Option<Instant>,
}

/// What waits to be echoed: more is not taken.
const BACKLOG_MAX: usize = 100;

impl Talker {
    /// As much as there is room for.
    fn say(&mut self, cx: &Context<'_>) {
        let Some(session) = self.session else { return };
        let mut room = cx.sessions.room(session);
        while let Some(bytes) = self.to_say.pop_front_if(|bytes| bytes.len() <= room) {
            room = room.saturating_sub(bytes.len() + SEND_OVERHEAD);
            self.actions.push_back(Action::Send { session, bytes });
        }
        self.again_at = (!self.to_say.is_empty()).then(|| cx.now.at + Duration::from_millis(1));
    }
}

impl Role for Talker {
    type Command = Ask;
    type Event = Tell;
    type Request = ();
    type Reply = ();

    fn handle_session(&mut self, cx: &Context<'_>, event: SessionEvent) {
        match event {
            SessionEvent::Opened { session, attempt, .. } => {
                self.session = Some(session);
                self.asking = attempt.map(|_| session);
            }
            SessionEvent::Message { session, bytes } if self.asking == Some(session) => {
                self.actions.push_back(Action::Event(Tell::Back(bytes)));
            }
            SessionEvent::Message { bytes, .. } => self.to_say.push_back(bytes),
            SessionEvent::Closed { .. } | SessionEvent::Failed { .. } => self.session = None,
            SessionEvent::Moved { .. } => {}
        }
        self.say(cx);
    }

    fn handle_command(&mut self, _: &Context<'_>, command: Ask) {
        match command {
            Ask::Talk(address, messages) => {
                self.to_say = messages.into();
                self.actions.push_back(Action::Connect(Connect {
                    attempt: Attempt(1),
                    address,
                    service: Service::Peer,
                    expect: None,
                    interval: Duration::from_millis(500),
                    initials: 5,
                }));
            }
            Ask::Stop => self.actions.push_back(Action::Event(Tell::End)),
        }
    }

    fn handle_store_reply(&mut self, _: &Context<'_>, _: Ticket, _: Result<(), StoreFault>) {}

    fn handle_socket(&mut self, _: &Context<'_>, reply: SocketReply) {
        if let SocketReply::Opened { local: Some(local) } = reply {
            self.actions.push_back(Action::Event(Tell::Bound(local.port())));
        }
    }

    fn handle_timeout(&mut self, cx: &Context<'_>) {
        if self.again_at.is_some_and(|at| at <= cx.now.at) {
            self.say(cx);
        }
        if !self.begun {
            self.begun = true;
            self.actions.push_back(Action::Socket(SocketRequest::Open));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.begun {
            self.again_at
        } else {
            Some(Instant::ZERO)
        }
    }

    fn poll_action(&mut self) -> Option<Action<(), Tell>> {
        self.actions.pop_front()
    }

    fn ready(&self) -> bool {
        self.session.is_none() || self.asking.is_some() || self.to_say.len() < BACKLOG_MAX
    }
}

struct NoStore;

impl Store for NoStore {
    type Request = ();
    type Reply = ();

    fn commit(&mut self, requests: Requests<()>) -> Replies<()> {
        requests
            .into_iter()
            .map(|(ticket, ())| (ticket, Ok(())))
            .collect()
    }
}

struct Rig {
    port: u16,
    ask: Sender<Ask>,
    told: Receiver<Tell>,
    waker: Waker,
    thread: std::thread::JoinHandle<()>,
}

const PATIENCE: Duration = Duration::from_secs(20);

fn rig(number: u8, outlet_bound: usize) -> Rig {
    let (ask, typed) = bounded(10);
    let (outlet, told) = bounded(outlet_bound);
    let waker = Waker::new().unwrap();
    let ring = waker.clone();
    let identity = Arc::new(Identity::from_seed(&[number; 32], identity::Role::Client));
    let node = Node::new(
        Endpoint::new(identity, Service::Peer, [number; 32]),
        Talker::default(),
    );
    let surroundings = Surroundings {
        place: Place {
            address: None,
            port: 0,
        },
        needs_port: false,
        registry: Some("127.0.0.1:9".parse().unwrap()),
        store: Worker::start(NoStore, move || ring.wake()).unwrap(),
        commands: Commands {
            stop: bounded(0).1,
            answers: bounded(0).1,
            late: crossbeam_channel::never(),
            typed,
        },
        outlet: Some(outlet),
        waker: waker.clone(),
    };
    let thread = std::thread::spawn(move || {
        let driver = Driver::new(node, surroundings, |event| *event == Tell::End);
        driver.run().unwrap();
    });
    let Ok(Tell::Bound(port)) = told.recv_timeout(PATIENCE) else {
        unreachable!("a port is bound first");
    };
    Rig {
        port,
        ask,
        told,
        waker,
        thread,
    }
}

impl Rig {
    fn ask(&self, ask: Ask) {
        self.ask.send(ask).unwrap();
        self.waker.wake();
    }

    fn end(self) {
        self.ask(Ask::Stop);
        while self.told.recv_timeout(PATIENCE).unwrap() != Tell::End {}
        self.thread.join().unwrap();
    }
}

fn messages(count: usize, bytes: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| n.to_be_bytes().into_iter().cycle().take(bytes.max(8)).collect())
        .collect()
}

/// All of them come back, in whatever order.
fn talk(asker: &Rig, echo: &Rig, messages: &[Vec<u8>]) {
    let address = SocketAddr::from(([127, 0, 0, 1], echo.port));
    asker.ask(Ask::Talk(address, messages.to_vec()));
    let mut back: Vec<Vec<u8>> = Vec::new();
    while back.len() < messages.len() {
        let tell = asker.told.recv_timeout(PATIENCE);
        asker.waker.wake();
        let Ok(Tell::Back(bytes)) = tell else {
            unreachable!("{} of {} came back", back.len(), messages.len());
        };
        back.push(bytes);
    }
    back.sort();
    let mut sent = messages.to_vec();
    sent.sort();
    assert!(back == sent, "what came back is what was sent");
}

#[test]
fn small_and_large_messages_come_back_whole() {
    let (asker, echo) = (rig(1, 1_000), rig(2, 1_000));
    let mut all = messages(500, 100);
    all.extend(messages(20, 60_000));
    talk(&asker, &echo, &all);
    asker.end();
    echo.end();
}

#[test]
fn a_slow_listener_slows_the_sender_and_loses_nothing() {
    let (asker, echo) = (rig(3, 2), rig(4, 2));
    talk(&asker, &echo, &messages(300, 1_000));
    asker.end();
    echo.end();
}

/// Not a test of time: prints what the loop carries here.
/// `cargo test --release --test driver sessions -- --ignored --nocapture`.
#[test]
#[ignore = "prints a figure, asserts nothing about it: cargo test --release --test driver sessions -- --ignored --nocapture"]
fn echoes_per_second() {
    let (asker, echo) = (rig(5, 1_000), rig(6, 1_000));
    let all = messages(50_000, 100);
    let start = std::time::Instant::now();
    talk(&asker, &echo, &all);
    println!("{:.0} echoes/s", 50_000.0 / start.elapsed().as_secs_f64());
    asker.end();
    echo.end();
}
