//! Many sessions on one endpoint: what an idle one costs, that none is looked at without need, and what those can hold
//! who never finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::identity::{Identity, Role};
use udpchat::limits::{BODY_BYTES_MAX, REASSEMBLY_BYTES_MAX};
use udpchat::transport::{Attempt, Connect, Endpoint, SessionEvent, SessionId, Transmit};
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
    fn call(&mut self, now: Instant, call: impl FnOnce(&mut Endpoint)) -> Vec<Transmit> {
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
            out.push(transmit);
        }
        out
    }
}

/// A client, about to open a session with a registry there.
fn client(now: Instant, n: u32) -> (Endpoint, SocketAddr, SocketAddr) {
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
    client.connect(now, connect);
    (client, from, to)
}

/// Opens a session from client `n`, by hand, and sends a message of 64 KiB. The client is gone when it has sent so many
/// bytes, or when the time is over.
fn upload(registry: &mut Registry, now: &mut Instant, n: u32, bytes_max: usize, span: Duration) {
    let (mut client, from, to) = client(*now, n);
    let (end, mut sent) = (*now + span, 0);
    while *now < end {
        while let Some(event) = client.poll_event(*now) {
            if let SessionEvent::Opened { session, .. } = event {
                client.send(*now, session, vec![1; BODY_BYTES_MAX]).unwrap();
            }
        }
        let mut answers = registry.call(*now, |endpoint| {
            if endpoint.poll_timeout().is_some_and(|at| at <= *now) {
                endpoint.handle_timeout(*now);
            }
        });
        while let Some(transmit) = client.poll_transmit(*now) {
            sent += transmit.bytes.len();
            answers.extend(registry.call(*now, |endpoint| {
                endpoint.handle_datagram(*now, from, &transmit.bytes)
            }));
            if sent >= bytes_max {
                return;
            }
        }
        for answer in answers.iter().filter(|answer| answer.to == from) {
            client.handle_datagram(*now, to, &answer.bytes);
        }
        *now = *now + Duration::from_millis(1);
        client.handle_timeout(*now);
    }
}

/// Opens a session from client `n`, by hand, and sends one message; the client is then forgotten.
fn join(registry: &mut Registry, now: &mut Instant, n: u32) {
    let (mut client, from, to) = client(*now, n);
    for _ in 0..6 {
        while let Some(event) = client.poll_event(*now) {
            if let SessionEvent::Opened { session, .. } = event {
                client.send(*now, session, vec![1; 100]).unwrap();
            }
        }
        while let Some(transmit) = client.poll_transmit(*now) {
            for answer in registry.call(*now, |endpoint| {
                endpoint.handle_datagram(*now, from, &transmit.bytes)
            }) {
                client.handle_datagram(*now, to, &answer.bytes);
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
    assert!(each <= IDLE_BYTES_MAX, "{each} bytes");
}

#[test]
fn those_who_never_finish_a_message_hold_no_more_than_the_pool_and_keep_nobody_out() {
    const STUCK: u32 = 1_500;
    let mut registry = Registry::new();
    let mut now = Instant::from_micros(1_000_000);
    let held = allocation_counter::measure(|| {
        for n in 0..STUCK {
            upload(&mut registry, &mut now, n, 60_000, Duration::from_secs(1));
        }
    });
    println!("{} MB at most", held.bytes_max / 1_000_000);
    // A buffer that grows by doubling may be a fifth larger than what is in it; the sessions themselves are 3 MB.
    let most = u64::try_from(REASSEMBLY_BYTES_MAX).unwrap() * 4 / 3;
    assert!(held.bytes_max < most, "{} bytes", held.bytes_max);
    assert_eq!(registry.messages, 0);
    upload(
        &mut registry,
        &mut now,
        STUCK,
        usize::MAX,
        Duration::from_secs(10),
    );
    assert_eq!(registry.messages, 1, "one who finishes gets through");
}
