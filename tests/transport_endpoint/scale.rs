//! Many sessions on one endpoint: what an idle one costs, and that none is looked at without need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::identity::{Identity, Role};
use udpchat::transport::{Attempt, Connect, Endpoint, SessionEvent, SessionId};
use udpchat::wire::packet::Service;

const SESSIONS: u32 = 1_000;
/// What an idle session may cost in all: the mark for a registry's client is 4 KiB.
const IDLE_BYTES_MAX: i64 = 2_048;

fn seed(n: u32) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&n.to_be_bytes());
    seed
}

/// A registry, and what it was told.
struct Registry {
    endpoint: Endpoint,
    sessions: Vec<SessionId>,
    messages: usize,
}

impl Registry {
    fn new() -> Self {
        let identity = Arc::new(Identity::from_seed(&[1; 32], Role::Registry));
        Self {
            endpoint: Endpoint::new(identity, Service::Registry, [1; 32]),
            sessions: Vec::new(),
            messages: 0,
        }
    }

    /// Calls into the endpoint, and takes what it has to say.
    fn call(&mut self, now: Instant, call: impl FnOnce(&mut Endpoint)) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        call(&mut self.endpoint);
        while let Some(event) = self.endpoint.poll_event(now) {
            match event {
                SessionEvent::Opened { session, .. } => self.sessions.push(session),
                SessionEvent::Message { .. } => self.messages += 1,
                _ => {}
            }
        }
        while let Some(transmit) = self.endpoint.poll_transmit(now) {
            out.push(transmit.bytes);
        }
        out
    }
}

/// Opens a session from client `n`, by hand, and sends one message; the client is then forgotten.
fn join(registry: &mut Registry, now: &mut Instant, n: u32) {
    let identity = Arc::new(Identity::from_seed(&seed(n), Role::Client));
    let mut client = Endpoint::new(identity, Service::Peer, seed(n));
    let [_, a, b, c] = n.to_be_bytes();
    let from = SocketAddr::from(([10, a, b, c], 2_000));
    let to = SocketAddr::from(([192, 0, 2, 1], 1_000));
    let connect = Connect {
        attempt: Attempt(1),
        address: to,
        service: Service::Registry,
        expect: None,
        interval: Duration::from_millis(500),
        initials: 5,
    };
    client.connect(*now, connect);
    for _ in 0..6 {
        while let Some(event) = client.poll_event(*now) {
            if let SessionEvent::Opened { session, .. } = event {
                client.send(*now, session, vec![1; 100]).unwrap();
            }
        }
        while let Some(transmit) = client.poll_transmit(*now) {
            for bytes in registry.call(*now, |endpoint| {
                endpoint.handle_datagram(*now, from, &transmit.bytes)
            }) {
                client.handle_datagram(*now, to, &bytes);
            }
        }
        *now = *now + Duration::from_millis(10);
        client.handle_timeout(*now);
    }
}

#[test]
fn an_idle_session_costs_little_and_none_is_looked_at_without_need() {
    let mut registry = Registry::new();
    let mut now = Instant::from_micros(1_000_000);
    for n in 0..SESSIONS {
        join(&mut registry, &mut now, n);
    }
    assert_eq!(registry.endpoint.sessions(), SESSIONS as usize);
    assert_eq!(registry.messages, SESSIONS as usize);
    // All quiet: whatever is still due comes to rest.
    let mut timeouts = 0;
    while let Some(at) = registry
        .endpoint
        .poll_timeout()
        .filter(|&at| at < now + Duration::from_secs(60))
    {
        now = at;
        registry.call(now, |endpoint| endpoint.handle_timeout(now));
        timeouts += 1;
    }
    // One session's timers do not wake the others: a message to one is a handful of calls.
    let session = registry.sessions[0];
    let sent = registry.call(now, |endpoint| endpoint.send(now, session, vec![2; 100]).unwrap());
    assert_eq!(sent.len(), 1);
    let lookups = allocation_counter::measure(|| {
        for _ in 0..100_000 {
            assert!(registry.endpoint.poll_timeout().is_some());
        }
    });
    assert_eq!(lookups.count_total, 0);
    // What it held on the heap is what comes back when it is dropped.
    let freed = allocation_counter::measure(|| drop(registry.endpoint));
    let each = -freed.bytes_current / i64::from(SESSIONS);
    println!("{each} bytes for an idle session, {timeouts} timeouts until all were at rest");
    assert!(each < IDLE_BYTES_MAX, "{each} bytes");
}
