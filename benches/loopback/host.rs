//! A registry on the program's own loop, with its limits lifted (`Config::unlimited`): in a thread, or in a process
//! of its own.
//!
//! Notes how large each commit was, so that the floor can be measured with the same.
//! Invariant: between engine, store and socket there is nothing that the program does not have as well, but that note.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use udpchat::engine::{Store, StoreFault, Ticket};
use udpchat::identity::{Identity, Role};
use udpchat::node::Node;
use udpchat::registry::interface::{Command, Event};
use udpchat::registry::storage::{Reply, Request};
use udpchat::registry::{Config, Registry};
use udpchat::runtime::clock;
use udpchat::runtime::driver::{Commands, Driver, Surroundings};
use udpchat::runtime::socket::Place;
use udpchat::runtime::wake::Waker;
use udpchat::store::registry::RegistryStore;
use udpchat::store::worker::Worker;
use udpchat::transport::Endpoint;
use udpchat::wire::packet::Service;

/// The argument that makes this program a registry.
pub(crate) const CHILD: &str = "--registry";

/// How many deposits each commit had.
pub(crate) type Batches = Arc<Mutex<Vec<usize>>>;

/// The registry's store, and a note of its commits.
struct Noting {
    store: RegistryStore,
    batches: Batches,
}

impl Store for Noting {
    type Request = Request;
    type Reply = Reply;

    fn commit(&mut self, requests: Vec<(Ticket, Request)>) -> Vec<(Ticket, Result<Reply, StoreFault>)> {
        let deposits = requests
            .iter()
            .filter(|(_, request)| matches!(request, Request::Deposit(_)))
            .count();
        if deposits > 0 {
            self.batches.lock().expect("nobody panics with it").push(deposits);
        }
        self.store.commit(requests)
    }

    fn tidy(&mut self) {
        self.store.tidy();
    }
}

/// A running registry; stops when dropped.
pub(crate) struct Host {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// How many deposits each commit had so far.
    pub(crate) batches: Batches,
    stop: Sender<Command>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    _events: Receiver<Event>,
}

impl Host {
    /// Starts a registry on a database in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let address = free_address();
        let (store, image) = RegistryStore::open(&folder.join("registry.db"), [1; 16]).expect("a database");
        let batches = Batches::default();
        let store = Noting {
            store,
            batches: Arc::clone(&batches),
        };
        let identity = Arc::new(Identity::from_seed(&[8; 32], Role::Registry));
        let role = Registry::new(Config::unlimited(), image, clock::now(), [2; 32]);
        let node = Node::new(Endpoint::new(identity, Service::Registry, [3; 32]), role);
        let waker = Waker::new().expect("a wake-up descriptor");
        let bell = waker.clone();
        let worker = Worker::start(store, move || bell.wake()).expect("a store thread");
        let (stop, stops) = bounded(1);
        // A table a second at the most is told, and only of few clients: there is room for all of them.
        let (outlet, events) = bounded(1_024);
        let around = Surroundings {
            place: Place {
                address: Some(address.ip()),
                port: address.port(),
            },
            needs_port: true,
            registry: None,
            store: worker,
            commands: Commands {
                stop: stops,
                answers: bounded(0).1,
                late: crossbeam_channel::never(),
                typed: bounded(0).1,
            },
            outlet: Some(outlet),
            waker: waker.clone(),
        };
        let driver = Driver::new(node, around, |event| matches!(event, Event::Ended));
        let thread = thread::Builder::new()
            .name("registry".into())
            .spawn(move || driver.run().expect("the registry's loop"))
            .expect("a thread");
        Self {
            address,
            batches,
            stop,
            waker,
            thread: Some(thread),
            _events: events,
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.send(Command::Stop).expect("a registry that listens");
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a registry that ends");
        }
    }
}

/// An address with a port that nobody has.
pub(crate) fn free_address() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.local_addr().expect("it is bound")
}

/// Is a registry until standard input ends; says on standard output where.
pub(crate) fn serve(folder: &Path) {
    let host = Host::start(folder);
    println!("{}", host.address);
    std::io::stdout().flush().expect("somebody listens");
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).expect("an end");
}

/// A registry in a process of its own; stops when dropped.
pub(crate) struct OtherProcess {
    /// Where it is.
    pub(crate) address: SocketAddr,
    process: Child,
}

impl OtherProcess {
    /// Starts it on a database in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let program = std::env::current_exe().expect("this program has a file");
        let mut process = Process::new(program)
            .arg(CHILD)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is ours");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it says where it is");
        Self {
            address: line.trim().parse().expect("an address"),
            process,
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("a registry that ends");
    }
}
