//! Endpoints on a virtual network and clock, for the tests beside it.
//!
//! A datagram takes a fixed time, unless the test's own rule delays, drops, doubles or changes it. All that was
//! sent is kept. Everything follows from the seeds: a run can be repeated to the byte.
//! Invariant: a run in which time stands still for too many steps fails: timers must not spin.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::id::IdentityId;
use udpchat::identity::{Identity, Role};
use udpchat::transport::{
    Attempt, CloseCause, Connect, ConnectFault, Endpoint, Route, SessionEvent, SessionId,
};
use udpchat::wire::packet::{Packet, Service};

/// Steps at one instant before a run counts as spinning.
const STEPS_MAX: u32 = 200_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) at: Instant,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Datagram {
    /// `initial`, `retry`, `response`, `finish`, `data` or `reset`.
    pub(crate) fn kind(&self) -> &'static str {
        kind(&self.bytes)
    }
}

pub(crate) fn kind(bytes: &[u8]) -> &'static str {
    match Packet::parse(bytes) {
        Ok(Packet::Initial { .. }) => "initial",
        Ok(Packet::Retry { .. }) => "retry",
        Ok(Packet::Response { .. }) => "response",
        Ok(Packet::Finish { .. }) => "finish",
        Ok(Packet::Data { .. }) => "data",
        Ok(Packet::Reset { .. }) => "reset",
        Err(_) => "junk",
    }
}

/// What the network does with a datagram: the delays after which copies arrive.
pub(crate) type Rule = Box<dyn FnMut(&mut Datagram) -> Vec<Duration>>;

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// Another address of the same machine.
    pub(crate) second: Option<IpAddr>,
    pub(crate) endpoint: Endpoint,
    pub(crate) id: IdentityId,
    pub(crate) events: Vec<SessionEvent>,
    /// Whether events are taken.
    pub(crate) listens: bool,
    /// What it says in each new session, at once.
    pub(crate) greeting: Option<Vec<u8>>,
    identity: Arc<Identity>,
    serves: Service,
    runs: u8,
    attempts: u64,
}

impl Host {
    fn is_at(&self, address: SocketAddr) -> bool {
        address.port() == self.address.port()
            && (address.ip() == self.address.ip() || Some(address.ip()) == self.second)
    }

    /// As a system does it: from where it is asked, if it is there, else from its first address.
    fn leaves_from(&self, asked: Option<IpAddr>) -> SocketAddr {
        let asked = asked.map(|ip| SocketAddr::new(ip, self.address.port()));
        asked.filter(|asked| self.is_at(*asked)).unwrap_or(self.address)
    }
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) hosts: Vec<Host>,
    pub(crate) sent: Vec<Datagram>,
    pub(crate) rule: Rule,
    flying: BTreeMap<(Instant, u64), Datagram>,
    serial: u64,
}

pub(crate) const DELAY: Duration = Duration::from_millis(20);

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Default for Net {
    fn default() -> Self {
        Self {
            now: Instant::from_micros(1_000_000),
            hosts: Vec::new(),
            sent: Vec::new(),
            rule: Box::new(|_| vec![DELAY]),
            flying: BTreeMap::new(),
            serial: 0,
        }
    }
}

impl Net {
    /// A registry (host 0) and a client (host 1).
    pub(crate) fn registry_and_client() -> Self {
        let mut net = Self::default();
        net.add("192.0.2.1:1000", 1, Service::Registry);
        net.add("198.51.100.2:2000", 2, Service::Peer);
        net
    }

    /// Two clients; host 0 has the lower identity.
    pub(crate) fn two_peers() -> Self {
        let mut net = Self::default();
        net.add("198.51.100.1:1000", 1, Service::Peer);
        net.add("203.0.113.2:2000", 2, Service::Peer);
        if net.hosts[0].id > net.hosts[1].id {
            net.hosts.swap(0, 1);
        }
        net
    }

    pub(crate) fn add(&mut self, at: &str, seed: u8, serves: Service) -> usize {
        let role = match serves {
            Service::Registry => Role::Registry,
            Service::Peer => Role::Client,
        };
        let identity = Arc::new(Identity::from_seed(&[seed; 32], role));
        self.hosts.push(Host {
            address: address(at),
            second: None,
            endpoint: Endpoint::new(identity.clone(), serves, [seed; 32]),
            id: identity.id(),
            events: Vec::new(),
            listens: true,
            greeting: None,
            identity,
            serves,
            runs: 0,
            attempts: 0,
        });
        self.hosts.len() - 1
    }

    /// The host's process dies and comes back with nothing but its identity.
    pub(crate) fn restart(&mut self, host: usize) {
        let host = &mut self.hosts[host];
        host.runs += 1;
        let seed = [100 + host.runs; 32];
        host.endpoint = Endpoint::new(host.identity.clone(), host.serves, seed);
        host.events.clear();
    }

    pub(crate) fn connect(&mut self, from: usize, to: usize) -> Attempt {
        let expect = Some(self.hosts[to].id);
        self.connect_for(from, to, self.hosts[to].serves, expect)
    }

    pub(crate) fn connect_for(
        &mut self,
        from: usize,
        to: usize,
        service: Service,
        expect: Option<IdentityId>,
    ) -> Attempt {
        let address = self.hosts[to].address;
        let host = &mut self.hosts[from];
        host.attempts += 1;
        let attempt = Attempt(host.attempts);
        let connect = Connect {
            attempt,
            address,
            service,
            expect,
            interval: ms(500),
            initials: 5,
        };
        host.endpoint.connect(self.now, connect);
        self.drain(from);
        attempt
    }

    pub(crate) fn send(&mut self, host: usize, session: SessionId, bytes: &[u8]) {
        let endpoint = &mut self.hosts[host].endpoint;
        endpoint.send(self.now, session, bytes.to_vec()).unwrap();
        self.drain(host);
    }

    /// Hands a datagram to a host now, as if it came from `from`.
    pub(crate) fn inject(&mut self, host: usize, from: SocketAddr, bytes: &[u8]) {
        let local = Some(self.hosts[host].address.ip());
        self.inject_on(host, Route { from, local }, bytes);
    }

    fn inject_on(&mut self, host: usize, route: Route, bytes: &[u8]) {
        self.hosts[host].endpoint.handle_datagram(self.now, route, bytes);
        self.drain(host);
    }

    /// Takes what a host has to say.
    pub(crate) fn drain(&mut self, host: usize) {
        loop {
            let this = &mut self.hosts[host];
            if this.listens {
                while let Some(event) = this.endpoint.poll_event(self.now) {
                    if let (SessionEvent::Opened { session, .. }, Some(greeting)) = (&event, &this.greeting) {
                        this.endpoint.send(self.now, *session, greeting.clone()).unwrap();
                    }
                    this.events.push(event);
                }
            }
            let Some(transmit) = this.endpoint.poll_transmit(self.now) else {
                return;
            };
            assert!(transmit.bytes.len() <= 1200);
            let mut datagram = Datagram {
                at: self.now,
                from: this.leaves_from(transmit.from),
                to: transmit.to,
                bytes: transmit.bytes,
            };
            self.sent.push(datagram.clone());
            for delay in (self.rule)(&mut datagram) {
                self.serial += 1;
                self.flying
                    .insert((self.now + delay, self.serial), datagram.clone());
            }
        }
    }

    /// Runs for so long.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_while(end, |_| true);
        self.now = end;
    }

    /// Runs until `done`, at most a minute. Panics if it never is.
    pub(crate) fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now + ms(60_000);
        self.run_while(end, |net| !done(net));
        assert!(
            done(self),
            "{what} did not come to pass: {:?}",
            self.events_of_all()
        );
    }

    fn run_while(&mut self, end: Instant, go_on: impl Fn(&Self) -> bool) {
        let mut steps = 0;
        while go_on(self) {
            let timers = self.hosts.iter().filter_map(|host| host.endpoint.poll_timeout());
            let flight = self.flying.keys().next().map(|key| key.0);
            let Some(next) = timers.chain(flight).min().filter(|&at| at <= end) else {
                return;
            };
            steps = if next > self.now { 0 } else { steps + 1 };
            assert!(steps < STEPS_MAX, "time stands still at {}", self.now);
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn step(&mut self) {
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let datagram = entry.remove();
            let receiver = self.hosts.iter().position(|host| host.is_at(datagram.to));
            if let Some(host) = receiver {
                let route = Route {
                    from: datagram.from,
                    local: Some(datagram.to.ip()),
                };
                self.inject_on(host, route, &datagram.bytes);
            }
        }
        for host in 0..self.hosts.len() {
            let endpoint = &mut self.hosts[host].endpoint;
            if endpoint.poll_timeout().is_some_and(|at| at <= self.now) {
                endpoint.handle_timeout(self.now);
                self.drain(host);
            }
        }
    }

    pub(crate) fn events_of_all(&self) -> Vec<&Vec<SessionEvent>> {
        self.hosts.iter().map(|host| &host.events).collect()
    }

    /// Opens a session between two hosts; returns what each calls it.
    pub(crate) fn open(&mut self, from: usize, to: usize) -> (SessionId, SessionId) {
        let before = (self.hosts[from].opened().len(), self.hosts[to].opened().len());
        self.connect(from, to);
        self.run_until("a session", |net| {
            net.hosts[from].opened().len() > before.0 && net.hosts[to].opened().len() > before.1
        });
        self.run(ms(500));
        let last = |host: &Host| *host.opened().last().unwrap();
        (last(&self.hosts[from]), last(&self.hosts[to]))
    }

    /// What was sent to an address, and what came from there, in bytes.
    pub(crate) fn bytes_to(&self, to: SocketAddr) -> usize {
        let to_it = self.sent.iter().filter(|datagram| datagram.to == to);
        to_it.map(|datagram| datagram.bytes.len()).sum()
    }

    /// From now on no datagram of a kind arrives, and all others do.
    pub(crate) fn lose(&mut self, kind: &'static str) {
        self.rule = Box::new(move |datagram| {
            if datagram.kind() == kind {
                vec![]
            } else {
                vec![DELAY]
            }
        });
    }

    /// All datagrams of a kind that were sent.
    pub(crate) fn sent_of(&self, kind: &str) -> Vec<&Datagram> {
        let of_kind = |datagram: &&Datagram| datagram.kind() == kind;
        self.sent.iter().filter(of_kind).collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.sent_of(kind).len()
    }

    pub(crate) fn last(&self, kind: &str) -> Datagram {
        let mut all = self.sent.iter().rev();
        all.find(|datagram| datagram.kind() == kind).unwrap().clone()
    }
}

impl Host {
    pub(crate) fn opened(&self) -> Vec<SessionId> {
        let opened = |event: &SessionEvent| match event {
            SessionEvent::Opened { session, .. } => Some(*session),
            _ => None,
        };
        self.events.iter().filter_map(opened).collect()
    }

    pub(crate) fn messages(&self) -> Vec<(SessionId, Vec<u8>)> {
        let message = |event: &SessionEvent| match event {
            SessionEvent::Message { session, bytes } => Some((*session, bytes.clone())),
            _ => None,
        };
        self.events.iter().filter_map(message).collect()
    }

    pub(crate) fn closed(&self) -> Vec<(SessionId, CloseCause)> {
        let closed = |event: &SessionEvent| match event {
            SessionEvent::Closed { session, cause } => Some((*session, *cause)),
            _ => None,
        };
        self.events.iter().filter_map(closed).collect()
    }

    pub(crate) fn failed(&self) -> Vec<(Attempt, ConnectFault)> {
        let failed = |event: &SessionEvent| match event {
            SessionEvent::Failed { attempt, fault } => Some((*attempt, *fault)),
            _ => None,
        };
        self.events.iter().filter_map(failed).collect()
    }
}
