//! The loop over real sockets and threads, driving a role made for the purpose.
//!
//! The role keeps numbers: `Add` commits one and tells the sum, `Tick` comes from its timer. What the loop owes
//! every role is asserted here: order, back pressure, the port, the end.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "helpers of tests fail as tests do; a loop has a thread, and is seen from outside by the clock and by sockets"
)]

use std::collections::VecDeque;
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
use udpchat::transport::{Endpoint, SessionEvent};
use udpchat::wire::packet::Service;

#[derive(Debug, PartialEq)]
enum Ask {
    Add(u64),
    /// No commands any more; and no messages and answers either.
    Refuse {
        all: bool,
    },
    OpenPort,
    ClosePort,
    TickIn(Duration),
    Stop,
}

#[derive(Debug, PartialEq)]
enum Tell {
    Sum(u64),
    Port(bool, String),
    Tick,
    End,
}

/// How many requests the role has under way at most.
const UNDER_WAY_MAX: usize = 3;

#[derive(Default)]
struct Keeper {
    actions: VecDeque<Action<u64, Tell>>,
    under_way: usize,
    tickets: u64,
    tick_at: Option<Instant>,
    commands_refused: bool,
    all_refused: bool,
    ended: bool,
}

impl Role for Keeper {
    type Command = Ask;
    type Event = Tell;
    type Request = u64;
    type Reply = u64;

    fn handle_session(&mut self, _: &Context<'_>, _: SessionEvent) {}

    fn handle_command(&mut self, cx: &Context<'_>, command: Ask) {
        assert!(
            self.ready() || self.ended || command == Ask::Stop,
            "commands come only while the role is ready, or has ended"
        );
        self.actions.push_back(match command {
            Ask::Add(request) => {
                self.under_way += 1;
                self.tickets += 1;
                Action::Store {
                    ticket: Ticket(self.tickets),
                    request,
                }
            }
            Ask::OpenPort => Action::Socket(SocketRequest::Open),
            Ask::ClosePort => Action::Socket(SocketRequest::Close),
            Ask::Stop => {
                self.ended = true;
                Action::Event(Tell::End)
            }
            Ask::Refuse { all } => {
                (self.commands_refused, self.all_refused) = (true, all);
                Action::Event(Tell::Tick)
            }
            Ask::TickIn(span) => {
                self.tick_at = Some(cx.now.at + span);
                return;
            }
        });
    }

    fn handle_store_reply(&mut self, _: &Context<'_>, _: Ticket, reply: Result<u64, StoreFault>) {
        self.under_way -= 1;
        self.actions.push_back(Action::Event(Tell::Sum(reply.unwrap())));
    }

    fn handle_socket(&mut self, _: &Context<'_>, reply: SocketReply) {
        let (opened, text) = match reply {
            SocketReply::Opened { local } => (true, format!("{local:?}")),
            SocketReply::Failed(sentence) => (false, sentence),
        };
        self.actions.push_back(Action::Event(Tell::Port(opened, text)));
    }

    fn handle_timeout(&mut self, cx: &Context<'_>) {
        if self.tick_at.is_some_and(|at| at <= cx.now.at) {
            self.tick_at = None;
            self.actions.push_back(Action::Event(Tell::Tick));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.tick_at
    }

    fn poll_action(&mut self) -> Option<Action<u64, Tell>> {
        self.actions.pop_front()
    }

    fn ready(&self) -> bool {
        self.under_way < UNDER_WAY_MAX && !self.all_refused
    }

    fn takes_commands(&self) -> bool {
        self.ready() && !self.commands_refused
    }
}

/// Adds up; says at the end what it has.
struct Summer {
    sum: u64,
    done: Sender<u64>,
}

impl Store for Summer {
    type Request = u64;
    type Reply = u64;

    fn commit(&mut self, requests: Requests<u64>) -> Replies<u64> {
        let reply = |(ticket, number)| {
            self.sum += number;
            (ticket, Ok(self.sum))
        };
        requests.into_iter().map(reply).collect()
    }
}

impl Drop for Summer {
    fn drop(&mut self) {
        self.done.send(self.sum).unwrap();
    }
}

/// The running loop, from outside.
struct Rig {
    typed: Sender<Ask>,
    stop: Sender<Ask>,
    answers: Sender<Ask>,
    late: Sender<Ask>,
    told: Receiver<Tell>,
    kept: Receiver<u64>,
    waker: Waker,
    thread: std::thread::JoinHandle<()>,
}

const PATIENCE: Duration = Duration::from_secs(10);

fn rig(port: u16, outlet_bound: usize) -> Rig {
    let (typed, typed_end) = bounded(1_000);
    let (stop, stop_end) = bounded(1);
    let (answers, answers_end) = bounded(10);
    let (late, late_end) = bounded(10);
    let (outlet, told) = bounded(outlet_bound);
    let (done, kept) = bounded(1);
    let waker = Waker::new().unwrap();
    let store = Worker::start(Summer { sum: 0, done }, {
        let waker = waker.clone();
        move || waker.wake()
    })
    .unwrap();
    let identity = Arc::new(Identity::from_seed(&[1; 32], identity::Role::Client));
    let node = Node::new(Endpoint::new(identity, Service::Peer, [2; 32]), Keeper::default());
    let surroundings = Surroundings {
        place: Place { address: None, port },
        registry: Some("127.0.0.1:9".parse().unwrap()),
        store,
        commands: Commands {
            stop: stop_end,
            answers: answers_end,
            late: late_end,
            typed: typed_end,
        },
        needs_port: false,
        outlet: Some(outlet),
        waker: waker.clone(),
    };
    let thread = std::thread::spawn(move || {
        Driver::new(node, surroundings, |event| *event == Tell::End)
            .run()
            .unwrap();
    });
    Rig {
        typed,
        stop,
        answers,
        late,
        told,
        kept,
        waker,
        thread,
    }
}

impl Rig {
    fn ask(&self, ask: Ask) {
        self.typed.send(ask).unwrap();
        self.waker.wake();
    }

    fn hear(&self) -> Tell {
        let tell = self.told.recv_timeout(PATIENCE).expect("an event in time");
        self.waker.wake();
        tell
    }

    /// Stops the loop; gives back what the store has.
    fn end(self) -> u64 {
        self.stop.send(Ask::Stop).unwrap();
        self.waker.wake();
        while self.hear() != Tell::End {}
        self.ended()
    }

    /// The last event was heard. Gives back what the store has.
    fn ended(self) -> u64 {
        drop(self.answers);
        self.waker.wake();
        self.thread.join().unwrap();
        self.kept.recv_timeout(PATIENCE).unwrap()
    }
}

#[test]
fn commands_become_commits_and_answers_in_order_although_the_role_is_often_not_ready() {
    let rig = rig(0, 1_000);
    for number in 1..=200 {
        rig.ask(Ask::Add(number));
    }
    let mut sum = 0;
    for number in 1..=200 {
        sum += number;
        assert_eq!(rig.hear(), Tell::Sum(sum));
    }
    assert_eq!(rig.end(), sum);
}

#[test]
fn a_full_outlet_holds_typed_commands_back_but_not_the_end() {
    let rig = rig(0, 1);
    for number in 1..=100 {
        rig.ask(Ask::Add(number));
    }
    // Nobody listens: one event is in the outlet, what was under way may wait behind it, and no more is taken.
    let mut left = rig.typed.len();
    loop {
        std::thread::park_timeout(Duration::from_millis(50));
        if rig.typed.len() == left {
            break;
        }
        left = rig.typed.len();
    }
    assert!(
        left >= 100 - 1 - 2 * UNDER_WAY_MAX,
        "{left} of 100 are still to be taken"
    );
    let kept = rig.end();
    assert!(kept <= (1..=100).sum(), "{kept}");
}

#[test]
fn with_the_outlet_free_again_everything_goes_on() {
    let rig = rig(0, 1);
    for number in 1..=100 {
        rig.ask(Ask::Add(number));
    }
    let mut last = Tell::Tick;
    for _ in 0..100 {
        last = rig.hear();
    }
    assert_eq!(last, Tell::Sum((1..=100).sum()));
    rig.end();
}

#[test]
fn answers_come_while_no_command_is_taken() {
    let rig = rig(0, 10);
    rig.ask(Ask::Refuse { all: false });
    assert_eq!(rig.hear(), Tell::Tick);
    rig.ask(Ask::Add(1));
    rig.answers.send(Ask::Add(2)).unwrap();
    rig.waker.wake();
    assert_eq!(rig.hear(), Tell::Sum(2));
    rig.late.send(Ask::Add(3)).unwrap();
    rig.waker.wake();
    assert_eq!(rig.hear(), Tell::Sum(5), "also those that come late");
    assert_eq!(rig.end(), 5);
}

#[test]
fn late_answers_that_come_with_the_end_are_taken_although_nobody_listens() {
    let rig = rig(0, 10);
    drop(rig.answers);
    // With this the loop has heard that nobody answers any more.
    rig.typed.send(Ask::Add(1)).unwrap();
    rig.waker.wake();
    assert_eq!(rig.told.recv_timeout(PATIENCE).unwrap(), Tell::Sum(1));
    rig.typed.send(Ask::Refuse { all: true }).unwrap();
    rig.waker.wake();
    assert_eq!(rig.told.recv_timeout(PATIENCE).unwrap(), Tell::Tick);
    for number in [2, 3] {
        rig.late.send(Ask::Add(number)).unwrap();
    }
    rig.stop.send(Ask::Stop).unwrap();
    rig.waker.wake();
    rig.thread.join().unwrap();
    assert_eq!(rig.kept.recv_timeout(PATIENCE).unwrap(), 6);
}

#[test]
fn what_was_typed_before_the_end_is_taken_before_it() {
    let rig = rig(0, 10);
    // The loop is not told of them one by one.
    for number in [1, 2] {
        rig.typed.send(Ask::Add(number)).unwrap();
    }
    assert_eq!(rig.end(), 3);
}

#[test]
fn the_end_comes_whatever_is_refused() {
    let rig = rig(0, 10);
    rig.ask(Ask::Refuse { all: true });
    assert_eq!(rig.hear(), Tell::Tick);
    assert_eq!(rig.end(), 0);
}

#[test]
fn the_port_is_opened_and_freed_as_asked() {
    let rig = rig(0, 10);
    rig.ask(Ask::OpenPort);
    let Tell::Port(true, local) = rig.hear() else {
        panic!("not opened")
    };
    let local = local.strip_prefix("Some(127.0.0.1:").unwrap();
    let port: u16 = local.strip_suffix(')').unwrap().parse().unwrap();
    let bind = || std::net::UdpSocket::bind(("127.0.0.1", port));
    assert!(bind().is_err(), "the port is taken");
    rig.ask(Ask::ClosePort);
    rig.ask(Ask::Add(1));
    assert_eq!(rig.hear(), Tell::Sum(1), "commands go on without a port");
    assert!(bind().is_ok(), "the port is free");
    rig.end();
}

#[test]
fn a_taken_port_is_told_in_words_and_can_be_tried_again() {
    let other = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = rig(other.local_addr().unwrap().port(), 10);
    rig.ask(Ask::OpenPort);
    let Tell::Port(false, sentence) = rig.hear() else {
        panic!("opened although taken")
    };
    assert!(sentence.contains("in use"), "{sentence}");
    drop(other);
    rig.ask(Ask::OpenPort);
    assert!(matches!(rig.hear(), Tell::Port(true, _)));
    rig.end();
}

#[test]
fn a_deadline_is_kept() {
    let rig = rig(0, 10);
    let start = std::time::Instant::now();
    rig.ask(Ask::TickIn(Duration::from_millis(80)));
    assert_eq!(rig.hear(), Tell::Tick);
    assert!(
        start.elapsed() >= Duration::from_millis(79),
        "not before its time"
    );
    rig.end();
}

#[test]
fn what_was_asked_before_the_end_is_committed() {
    let rig = rig(0, 1_000);
    rig.ask(Ask::Add(5));
    rig.ask(Ask::Add(6));
    rig.ask(Ask::Stop);
    while rig.hear() != Tell::End {}
    assert_eq!(rig.ended(), 11);
}

#[test]
fn a_listener_that_goes_away_ends_the_loop() {
    let rig = rig(0, 1);
    drop((rig.told, rig.answers));
    rig.typed.send(Ask::Add(1)).unwrap();
    rig.waker.wake();
    rig.thread.join().unwrap();
}
