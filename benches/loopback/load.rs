//! Clients without a database, for load: endpoints on sockets of their own, many of them on one thread.
//!
//! They speak the protocol as a client does, encrypted and authenticated, but commit nothing and decide little: what is
//! measured is the registry and the transport.
//! Invariant: a client answers everything that a real one would (directory pages, acknowledgements).

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use udpchat::clock::Instant;
use udpchat::id::Name;
use udpchat::identity::{Identity, Role};
use udpchat::runtime::clock;
use udpchat::runtime::socket::{Place, Socket};
use udpchat::transport::{Attempt, Connect, Endpoint, Route, SessionEvent, SessionId, Sessions, Transmit};
use udpchat::wire::codec::{self, Bounded};
use udpchat::wire::message::{FromRegistry, Register, ToRegistry};
use udpchat::wire::packet::Service;

/// Datagrams taken in one turn of a socket of the simple kind.
const BURST: usize = 64;
/// How often clients are asked whether something is due.
const TICK: Duration = Duration::from_millis(2);
/// Clients that register at the same time: the registry takes a bounded number of handshakes from one network.
const REGISTERING: usize = 64;

/// How a client's datagrams travel.
pub(crate) trait Line: AsFd {
    /// A free port on the loopback interface.
    fn open() -> Self;
    /// Hands over what has come, for one turn.
    fn receive(&mut self, take: &mut dyn FnMut(Route, &[u8]));
    /// Takes a datagram; it leaves with `flush` at the latest.
    fn queue(&mut self, transmit: Transmit);
    /// Sends what is left.
    fn flush(&mut self);
}

/// The program's own socket: batches both ways. Half a megabyte each.
impl Line for Socket {
    fn open() -> Self {
        Self::bind(Place {
            address: Some(Ipv4Addr::LOCALHOST.into()),
            port: 0,
        })
        .expect("a port")
    }

    fn receive(&mut self, take: &mut dyn FnMut(Route, &[u8])) {
        Self::receive(self, take);
    }

    fn queue(&mut self, transmit: Transmit) {
        Self::queue(self, transmit);
    }

    fn flush(&mut self) {
        Self::flush(self);
    }
}

/// A small socket, for clients by the thousand.
pub(crate) struct Plain(UdpSocket);

impl AsFd for Plain {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Line for Plain {
    fn open() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        socket
            .set_nonblocking(true)
            .expect("a socket that does not block");
        Self(socket)
    }

    fn receive(&mut self, take: &mut dyn FnMut(Route, &[u8])) {
        let mut buffer = [0; 2048];
        for _ in 0..BURST {
            let Ok((len, from)) = self.0.recv_from(&mut buffer) else {
                return;
            };
            take(from.into(), buffer.get(..len).unwrap_or_default());
        }
    }

    fn queue(&mut self, transmit: Transmit) {
        // A full buffer is loss, which the transport mends.
        match self.0.send_to(&transmit.bytes, transmit.to) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
        }
    }

    fn flush(&mut self) {}
}

/// What has passed on a client's line.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traffic {
    /// Datagrams that came …
    pub(crate) came: u64,
    /// … and their payload.
    pub(crate) came_bytes: u64,
    /// Datagrams that left …
    pub(crate) left: u64,
    /// … and their payload.
    pub(crate) left_bytes: u64,
}

/// One client.
pub(crate) struct LoadClient<L> {
    /// Its name.
    pub(crate) name: Name,
    /// What the registry has said and nobody has taken yet.
    pub(crate) heard: VecDeque<FromRegistry>,
    /// What has passed on its line.
    pub(crate) traffic: Traffic,
    /// The payload of the last datagram that came, and when it came.
    pub(crate) last: (usize, Instant),
    line: L,
    endpoint: Endpoint,
    session: Option<SessionId>,
    /// The registration.
    counter: u64,
    registered: bool,
}

impl<L: Line> LoadClient<L> {
    /// A client that is about to register for the `counter`th time. `number` makes its identity and its name.
    pub(crate) fn new(number: u32, counter: u64, registry: SocketAddr) -> Self {
        let mut seed = [5; 32];
        let (low, high) = seed.split_at_mut(8);
        low.copy_from_slice(&counter.to_le_bytes());
        high.fill(number.to_le_bytes().iter().fold(0, |sum, byte| sum ^ byte));
        let (numbers, _) = high.split_at_mut(4);
        numbers.copy_from_slice(&number.to_le_bytes());
        let mut endpoint = Endpoint::new(identity_of(number), Service::Peer, seed);
        endpoint.connect(
            clock::now().at,
            Connect {
                attempt: Attempt(0),
                address: registry,
                service: Service::Registry,
                expect: None,
                interval: Duration::from_millis(500),
                initials: 20,
            },
        );
        let mut client = Self {
            name: name_of(number),
            heard: VecDeque::new(),
            traffic: Traffic::default(),
            last: (0, Instant::ZERO),
            line: L::open(),
            endpoint,
            session: None,
            counter,
            registered: false,
        };
        client.flush(clock::now().at);
        client
    }

    /// How many bytes may still be queued.
    pub(crate) fn room(&self) -> usize {
        self.session.map_or(0, |session| self.endpoint.room(session))
    }

    /// Whether the registry has it.
    pub(crate) const fn is_registered(&self) -> bool {
        self.registered
    }

    /// Says something to the registry, which must be there. It leaves with the next turn.
    pub(crate) fn say(&mut self, message: &ToRegistry) {
        self.say_bytes(codec::encode(message));
    }

    /// The same with a message that is encoded already.
    pub(crate) fn say_bytes(&mut self, bytes: Vec<u8>) {
        let session = self.session.expect("a session");
        self.endpoint.send(clock::now().at, session, bytes).expect("room");
    }

    /// Registers, for the first time or again.
    pub(crate) fn register(&mut self) {
        self.say(&ToRegistry::Register(Register {
            name: self.name.clone(),
            counter: self.counter,
            private: Bounded::truncated(Vec::new()),
            directory: None,
        }));
    }

    /// Says that it leaves; the next `register` is another registration.
    pub(crate) fn deregister(&mut self) {
        self.say(&ToRegistry::Deregister {
            counter: self.counter,
        });
        self.counter += 1;
        self.registered = false;
    }

    /// Receives, does what is due, sends.
    pub(crate) fn turn(&mut self) {
        let Self {
            line,
            endpoint,
            traffic,
            last,
            ..
        } = self;
        line.receive(&mut |from, bytes| {
            let now = clock::now().at;
            traffic.came += 1;
            traffic.came_bytes += bytes.len() as u64;
            *last = (bytes.len(), now);
            endpoint.handle_datagram(now, from, bytes);
        });
        let now = clock::now().at;
        if self.is_due(now) {
            self.endpoint.handle_timeout(now);
        }
        while let Some(event) = self.endpoint.poll_event(now) {
            self.take(event);
        }
        self.flush(now);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.endpoint.poll_timeout().is_some_and(|due| due <= now)
    }

    fn take(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Opened { session, .. } => {
                self.session = Some(session);
                self.register();
            }
            SessionEvent::Message { bytes, .. } => {
                let message = codec::decode(&bytes).expect("the registry speaks the protocol");
                match &message {
                    FromRegistry::Registered(_) => self.registered = true,
                    FromRegistry::RegistrationRefused { reason } => panic!("{}: {reason:?}", self.name),
                    FromRegistry::Directory(page) if page.last => {
                        self.say(&ToRegistry::DirectoryAck { version: page.to });
                    }
                    _ => {}
                }
                self.heard.push_back(message);
            }
            SessionEvent::Moved { .. } => {}
            SessionEvent::Failed { fault, .. } => panic!("{}: {fault:?}", self.name),
            SessionEvent::Closed { cause, .. } => panic!("{}: {cause:?}", self.name),
        }
    }

    /// Sends what the endpoint has to send.
    pub(crate) fn flush(&mut self, now: Instant) {
        while let Some(transmit) = self.endpoint.poll_transmit(now) {
            self.traffic.left += 1;
            self.traffic.left_bytes += transmit.bytes.len() as u64;
            self.line.queue(transmit);
        }
        self.line.flush();
    }
}

/// The identity of a client.
pub(crate) fn identity_of(number: u32) -> Arc<Identity> {
    let mut seed = [9; 32];
    let (low, _) = seed.split_at_mut(4);
    low.copy_from_slice(&number.to_le_bytes());
    Arc::new(Identity::from_seed(&seed, Role::Client))
}

/// The name of a client.
pub(crate) fn name_of(number: u32) -> Name {
    format!("load{number}").parse().expect("a name")
}

/// Many clients on this thread.
pub(crate) struct Fleet<L> {
    /// They, by position.
    pub(crate) clients: Vec<LoadClient<L>>,
    epoll: OwnedFd,
    ready: Vec<epoll::Event>,
    looked_at: Instant,
}

impl<L: Line> Fleet<L> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            clients: Vec::new(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).expect("a descriptor"),
            ready: Vec::with_capacity(256),
            looked_at: Instant::ZERO,
        }
    }

    /// Registers clients with these numbers for the `counter`th time, and returns when all are there.
    pub(crate) fn register(&mut self, numbers: Range<u32>, counter: u64, registry: SocketAddr) {
        let first = self.clients.len();
        for number in numbers {
            let client = LoadClient::new(number, counter, registry);
            let at = epoll::EventData::new_u64(self.clients.len() as u64);
            epoll::add(&self.epoll, &client.line, at, epoll::EventFlags::IN).expect("a watched socket");
            self.clients.push(client);
            while self.missing(first) >= REGISTERING {
                self.turn();
            }
        }
        while self.missing(first) > 0 {
            self.turn();
        }
    }

    /// How many of the latest are not registered. They come in about the order in which they began.
    fn missing(&self, first: usize) -> usize {
        let latest = self.clients.get(first..).unwrap_or_default().iter().rev();
        latest
            .take(4 * REGISTERING)
            .filter(|client| !client.is_registered())
            .count()
    }

    /// One turn for those who have something to do; waits for a moment if nobody has.
    pub(crate) fn turn(&mut self) {
        self.ready.clear();
        let moment = Timespec {
            tv_sec: 0,
            tv_nsec: 1_000_000,
        };
        match epoll::wait(&self.epoll, spare_capacity(&mut self.ready), Some(&moment)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
        for event in &self.ready {
            let at = usize::try_from(event.data.u64()).expect("it was one");
            self.clients.get_mut(at).expect("it is one of them").turn();
        }
        let now = clock::now().at;
        if now.since(self.looked_at) >= TICK {
            self.looked_at = now;
            for client in &mut self.clients {
                if client.is_due(now) {
                    client.turn();
                }
            }
        }
    }

    /// Turns for so long.
    pub(crate) fn idle(&mut self, span: Duration) {
        let until = clock::now().at + span;
        while clock::now().at < until {
            self.turn();
        }
    }

    /// Drops what was heard.
    pub(crate) fn forget(&mut self) {
        for client in &mut self.clients {
            client.heard.clear();
        }
    }
}
