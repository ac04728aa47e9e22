//! A whole client on the program's own loop, with a database: it sends when told, and answers what it is shown.
//!
//! Invariant: between the command and the event there is nothing but the program.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use udpchat::client::interface::{Command, Event, Notice};
use udpchat::client::{Client, Config};
use udpchat::id::Name;
use udpchat::identity::{Identity, Role};
use udpchat::node::Node;
use udpchat::runtime::clock;
use udpchat::runtime::driver::{Commands, Driver, Surroundings};
use udpchat::runtime::outlet::{EVENTS_MAX, Outlet};
use udpchat::runtime::socket::Place;
use udpchat::runtime::wake::Waker;
use udpchat::store::client::ClientStore;
use udpchat::store::worker::Worker;
use udpchat::transport::Endpoint;
use udpchat::wire::packet::Service;

/// How long anything may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running client; leaves when dropped.
pub(crate) struct Person {
    name: Name,
    typed: Sender<Command>,
    /// What the user would see, but for messages.
    told: Receiver<Event>,
    waker: Waker,
    threads: Vec<JoinHandle<()>>,
}

impl Person {
    /// Starts it with a database in `folder`, and returns when it is registered.
    pub(crate) fn start(name: &str, folder: &Path, registry: SocketAddr) -> Self {
        let name: Name = name.parse().expect("a name");
        let seed: [u8; 32] = std::array::from_fn(|at| name.as_str().as_bytes().get(at).copied().unwrap_or(7));
        let identity = Arc::new(Identity::from_seed(&seed, Role::Client));
        let (store, image) = ClientStore::open(&folder.join("client.db")).expect("a database");
        let config = Config::new(name.clone(), registry);
        let role = Client::new(config, Arc::clone(&identity), image, clock::now(), seed);
        let node = Node::new(Endpoint::new(identity, Service::Peer, seed), role);
        let waker = Waker::new().expect("a wake-up descriptor");
        let bell = waker.clone();
        let worker = Worker::start(store, move || bell.wake()).expect("a store thread");
        let (typed, to_take) = bounded(EVENTS_MAX);
        let (answers, to_answer) = bounded(EVENTS_MAX);
        let (events, to_say) = bounded(EVENTS_MAX);
        let (tell, told) = bounded(EVENTS_MAX);
        let outlet = Outlet {
            events: to_say,
            answers,
            waker: waker.clone(),
        };
        let mut seen = 0;
        let show = move |notices: &[Notice]| {
            seen += u64::try_from(notices.len()).expect("a length fits 64 bits");
            notices.iter().for_each(|notice| pass_on(&notice.event, &tell));
            Ok(vec![Command::Seen { events: seen }])
        };
        let printer = outlet.start(show, || ()).expect("a thread");
        let around = Surroundings {
            place: Place {
                address: None,
                port: 0,
            },
            needs_port: false,
            registry: Some(registry),
            store: worker,
            commands: Commands {
                stop: bounded(0).1,
                answers: to_answer,
                late: crossbeam_channel::never(),
                typed: to_take,
            },
            outlet: Some(events),
            waker: waker.clone(),
        };
        let driver = Driver::new(node, around, |notice| matches!(notice.event, Event::Ended(_)));
        let engine = thread::Builder::new()
            .name(format!("client {name}"))
            .spawn(move || driver.run().expect("the client's loop"))
            .expect("a thread");
        let printer = thread::spawn(move || {
            printer.join().expect("a printer that ends");
        });
        let person = Self {
            name,
            typed,
            told,
            waker,
            threads: vec![engine, printer],
        };
        person.wait(|event| matches!(event, Event::Registered { .. }));
        person
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    /// Sends a text, and waits for the receipt. How long that took.
    pub(crate) fn send(&self, to: &Name, text: &str) -> Duration {
        let command = Command::Send {
            to: to.clone(),
            text: text.into(),
        };
        let began = clock::now().at;
        self.order(command);
        self.wait(|event| match event {
            Event::Received { .. } => true,
            Event::TableUpdated => false,
            other => panic!("not sent directly: {other:?}"),
        });
        clock::now().at.since(began)
    }

    fn order(&self, command: Command) {
        self.typed.send(command).expect("a client that listens");
        self.waker.wake();
    }

    fn wait(&self, is_it: impl Fn(&Event) -> bool) {
        loop {
            let event = self
                .told
                .recv_timeout(PATIENCE)
                .expect("the client says something");
            if is_it(&event) {
                return;
            }
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.order(Command::Leave);
        for thread in self.threads.drain(..) {
            thread.join().expect("a client that ends");
        }
    }
}

/// All but messages is for whoever measures.
fn pass_on(event: &Event, tell: &Sender<Event>) {
    if !matches!(event, Event::Incoming(_)) {
        // Nobody listens once the measuring is over.
        tell.send(event.clone()).ok();
    }
}
