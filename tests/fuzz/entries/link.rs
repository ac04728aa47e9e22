//! Two endpoints, the datagrams between them, and a clock: what `endpoint` does its deeds to.
//!
//! Everything that an endpoint says is checked when it says it.
//! Invariant: nothing happens but what is asked for; a datagram arrives when it is handed in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::identity::{Identity, Role};
use udpchat::limits::{DATAGRAM_BYTES_MAX, HANDSHAKES_BOUND};
use udpchat::transport::{
    Attempt, Connect, Endpoint, SendFault, SessionEvent, SessionId, Sessions, Transmit,
};
use udpchat::wire::frame::CloseCode;
use udpchat::wire::packet::Service;

/// Datagrams under way; the oldest is lost.
const FLYING_MAX: usize = 1_024;
/// What one input may lead to: a session's send buffer and more.
const OUTPUTS_MAX: usize = 10_000;
/// Calls at one instant until the next deadline is later.
const CALLS_MAX: usize = 64;
/// How long a datagram takes.
const DELAY: Duration = ms(10);

/// The registry's, and two clients'.
static IDENTITIES: LazyLock<[Arc<Identity>; 3]> = LazyLock::new(|| {
    let identity = |seed, role| Arc::new(Identity::from_seed(&[seed; 32], role));
    [
        identity(1, Role::Client),
        identity(2, Role::Client),
        identity(3, Role::Registry),
    ]
});

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// A session as its owner sees it.
#[derive(Default)]
pub(crate) struct Open {
    /// Whose messages come in it: the other's run, and what he calls it.
    theirs: Option<(u8, SessionId)>,
    /// Their numbers.
    numbers: BTreeSet<usize>,
}

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Arc<Identity>,
    pub(crate) serves: Service,
    pub(crate) endpoint: Endpoint,
    /// Whether events are taken.
    pub(crate) listens: bool,
    pub(crate) open: BTreeMap<SessionId, Open>,
    /// The session that came up last.
    pub(crate) latest: Option<SessionId>,
    tries: BTreeSet<Attempt>,
    attempts: u64,
    run: u8,
    /// Bytes that came from, and were sent to, an address.
    traffic: BTreeMap<SocketAddr, (usize, usize)>,
}

/// A message that was sent.
struct Letter {
    from: usize,
    run: u8,
    session: SessionId,
    bytes: Vec<u8>,
}

pub(crate) struct Link {
    pub(crate) hosts: Vec<Host>,
    /// Datagrams that came before.
    pub(crate) past: Vec<Datagram>,
    /// How many datagrams were sent.
    pub(crate) sent: u64,
    pub(crate) flooded: bool,
    now: Instant,
    flying: VecDeque<Datagram>,
    letters: Vec<Letter>,
    /// Addresses that were somebody's.
    real: BTreeSet<SocketAddr>,
    received: usize,
}

impl Link {
    /// A client and somebody who serves this.
    pub(crate) fn new(serves: Service) -> Self {
        let other = match serves {
            Service::Registry => 2,
            Service::Peer => 1,
        };
        let host = |place: usize, serves, last| {
            let identity = Arc::clone(&IDENTITIES[place]);
            Host {
                address: ([203, 0, 113, last], 1_000).into(),
                endpoint: Endpoint::new(Arc::clone(&identity), serves, [last; 32]),
                identity,
                serves,
                listens: true,
                open: BTreeMap::new(),
                latest: None,
                tries: BTreeSet::new(),
                attempts: 0,
                run: 0,
                traffic: BTreeMap::new(),
            }
        };
        Self {
            hosts: vec![host(0, Service::Peer, 1), host(other, serves, 2)],
            past: Vec::new(),
            sent: 0,
            flooded: false,
            now: Instant::from_micros(1_000_000),
            flying: VecDeque::new(),
            letters: Vec::new(),
            real: BTreeSet::new(),
            received: 0,
        }
    }

    /// Messages that came.
    pub(crate) const fn received(&self) -> usize {
        self.received
    }

    pub(crate) fn connect(&mut self, host: usize, connect: impl Fn(Attempt) -> Connect) {
        let (now, this) = (self.now, &mut self.hosts[host]);
        this.attempts += 1;
        let attempt = Attempt(this.attempts);
        this.tries.insert(attempt);
        this.endpoint.connect(now, connect(attempt));
        self.drain(host);
    }

    /// Sends a message of about so many bytes.
    pub(crate) fn send(&mut self, host: usize, session: SessionId, len: usize) -> Result<(), SendFault> {
        let number = self.letters.len();
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.resize(bytes.len() + len, u8::try_from(number % 251).unwrap());
        let (now, this) = (self.now, &mut self.hosts[host]);
        this.endpoint.send(now, session, bytes.clone())?;
        self.letters.push(Letter {
            from: host,
            run: this.run,
            session,
            bytes,
        });
        self.drain(host);
        Ok(())
    }

    pub(crate) fn close(&mut self, host: usize, session: SessionId, code: CloseCode) {
        let (now, this) = (self.now, &mut self.hosts[host]);
        // Of one that has ended already, what was not listened to yet still comes.
        if this.endpoint.path(session).is_some() {
            this.open.remove(&session);
        }
        this.endpoint.close(now, session, code);
        self.drain(host);
    }

    pub(crate) fn listen(&mut self, host: usize, listens: bool) {
        self.hosts[host].listens = listens;
        self.drain(host);
    }

    /// The process dies; its identity is left.
    pub(crate) fn restart(&mut self, host: usize) {
        let this = &mut self.hosts[host];
        this.run = this.run.wrapping_add(1);
        let mut seed = [this.run; 32];
        seed[0] = u8::try_from(host).unwrap() + 100;
        this.endpoint = Endpoint::new(Arc::clone(&this.identity), this.serves, seed);
        this.open.clear();
        this.tries.clear();
        self.drain(host);
    }

    /// One of the datagrams under way; it arrives no more.
    pub(crate) fn take_flying(&mut self, place: usize) -> Option<Datagram> {
        self.flying.remove(place % self.flying.len().max(1))
    }

    /// A datagram arrives. How many events it led to.
    pub(crate) fn hand_in(&mut self, datagram: &Datagram) -> usize {
        let Some(host) = self.hosts.iter().position(|host| host.address == datagram.to) else {
            return 0;
        };
        let (now, this) = (self.now, &mut self.hosts[host]);
        let before = this.endpoint.stats().received;
        this.traffic.entry(datagram.from).or_default().0 += datagram.bytes.len();
        this.endpoint.handle_datagram(now, datagram.from, &datagram.bytes);
        assert_eq!(this.endpoint.stats().received, before + 1);
        self.drain(host)
    }

    /// Time passes, and everything arrives that is under way.
    pub(crate) fn settle(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            let flying = std::mem::take(&mut self.flying);
            let next = self.next_deadline().unwrap_or(end);
            let next = if flying.is_empty() { next } else { self.now + DELAY };
            self.pass(next.min(end));
            for datagram in flying {
                self.hand_in(&datagram);
            }
        }
    }

    /// Time passes, and nothing arrives.
    pub(crate) fn settle_without_network(&mut self, span: Duration) {
        self.pass(self.now + span);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadline = |host: &Host| {
            let deadline = host.endpoint.poll_timeout();
            assert_eq!(deadline, host.endpoint.poll_timeout(), "asking changes nothing");
            deadline
        };
        self.hosts.iter().filter_map(deadline).min()
    }

    fn pass(&mut self, until: Instant) {
        let mut calls = 0;
        while let Some(next) = self.next_deadline().filter(|next| *next <= until) {
            calls = if next > self.now { 0 } else { calls + 1 };
            assert!(calls < CALLS_MAX, "time stands still at {}", self.now);
            self.now = self.now.max(next);
            for host in 0..self.hosts.len() {
                self.hosts[host].endpoint.handle_timeout(self.now);
                self.drain(host);
            }
        }
        self.now = self.now.max(until);
    }

    /// Takes what a host has to say. How many events that were.
    fn drain(&mut self, host: usize) -> usize {
        let mut events = 0;
        for _ in 0..OUTPUTS_MAX {
            let (now, this) = (self.now, &mut self.hosts[host]);
            let event = if this.listens {
                this.endpoint.poll_event(now)
            } else {
                None
            };
            if let Some(event) = event {
                events += 1;
                self.event(host, event);
            } else if let Some(transmit) = this.endpoint.poll_transmit(now) {
                self.transmit(host, transmit);
            } else {
                assert!(this.endpoint.handshakes() <= HANDSHAKES_BOUND);
                return events;
            }
        }
        panic!("an endpoint that does not come to an end")
    }

    fn transmit(&mut self, host: usize, transmit: Transmit) {
        let Transmit { to, bytes, .. } = transmit;
        assert!(bytes.len() <= DATAGRAM_BYTES_MAX);
        self.sent += 1;
        self.real.extend(self.hosts.iter().map(|host| host.address));
        let this = &mut self.hosts[host];
        let (came, sent) = this.traffic.entry(to).or_default();
        *sent += bytes.len();
        assert!(
            self.real.contains(&to) || *sent <= 3 * *came,
            "{to} sent {came} bytes and was sent {sent}"
        );
        if self.flying.len() == FLYING_MAX {
            self.flying.pop_front();
        }
        self.flying.push_back(Datagram {
            from: this.address,
            to,
            bytes,
        });
    }

    fn event(&mut self, host: usize, event: SessionEvent) {
        let other = self.hosts[1 - host].identity.id();
        let this = &mut self.hosts[host];
        match event {
            SessionEvent::Opened {
                session,
                attempt,
                service,
                peer,
                ..
            } => {
                assert_eq!(peer.id, other, "only the other one has his key");
                assert!(attempt.is_none_or(|attempt| this.tries.remove(&attempt)));
                assert!(attempt.is_some() || service == this.serves);
                // Two tries may lead to one session, and each is told.
                assert!(attempt.is_some() || !this.open.contains_key(&session));
                this.open.entry(session).or_default();
                this.latest = Some(session);
            }
            SessionEvent::Failed { attempt, .. } => assert!(this.tries.remove(&attempt)),
            SessionEvent::Message { session, bytes } => self.message(host, session, &bytes),
            SessionEvent::Moved { session, .. } => assert!(this.open.contains_key(&session)),
            SessionEvent::Closed { session, .. } => assert!(this.open.remove(&session).is_some()),
        }
    }

    fn message(&mut self, host: usize, session: SessionId, bytes: &[u8]) {
        let number = usize::from_be_bytes(*bytes.first_chunk().unwrap());
        let letter = &self.letters[number];
        assert!(letter.bytes == bytes && letter.from != host, "as it was sent");
        let open = self.hosts[host].open.get_mut(&session).unwrap();
        let theirs = *open.theirs.get_or_insert((letter.run, letter.session));
        assert_eq!(theirs, (letter.run, letter.session), "one session has two ends");
        assert!(open.numbers.insert(number), "once");
        self.received += 1;
    }
}
