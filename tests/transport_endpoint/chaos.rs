//! Anything in any order on a bad network: what is told stays true, nothing spins, and afterwards all is well.

use std::collections::BTreeSet;

use udpchat::transport::{SessionEvent, SessionId};
use udpchat::wire::frame::CloseCode;
use udpchat::wire::packet::Service;

use crate::net::{DELAY, Host, Net, address, ms};

/// A small generator: the low bits of what it yields are not looked at.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The events of a host make sense: opened before all else, closed at most once, nothing after.
fn assert_sense(host: &Host, what: &str) {
    let (mut opened, mut closed) = (BTreeSet::new(), BTreeSet::new());
    let mut answered = BTreeSet::new();
    for event in &host.events {
        match event {
            SessionEvent::Opened { session, attempt, .. } => {
                assert!(!closed.contains(session), "{what}: opened after its end");
                opened.insert(*session);
                if let Some(attempt) = attempt {
                    assert!(answered.insert(*attempt), "{what}: {attempt:?} answered twice");
                }
            }
            SessionEvent::Failed { attempt, .. } => {
                assert!(answered.insert(*attempt), "{what}: {attempt:?} answered twice");
            }
            SessionEvent::Message { session, .. } | SessionEvent::Moved { session, .. } => {
                assert!(
                    opened.contains(session) && !closed.contains(session),
                    "{what}: {event:?}"
                );
            }
            SessionEvent::Closed { session, .. } => {
                assert!(opened.contains(session), "{what}: {event:?}");
                assert!(closed.insert(*session), "{what}: closed twice");
            }
        }
    }
}

fn still_open(host: &Host) -> Vec<SessionId> {
    let mut open = host.opened();
    open.retain(|session| host.closed().iter().all(|(closed, _)| closed != session));
    open
}

/// Three hosts (a registry and two clients) for half a minute of random deeds.
fn run(seed: u64) -> Net {
    let mut net = Net::default();
    net.add("192.0.2.1:1000", 1, Service::Registry);
    net.add("198.51.100.2:2000", 2, Service::Peer);
    net.add("203.0.113.3:3000", 3, Service::Peer);
    let mut random = Random(seed);
    let mut fate = Random(seed ^ 0x5eed);
    let loss = random.below(5);
    net.rule = Box::new(move |datagram| {
        if fate.below(10) < loss {
            return vec![];
        }
        if fate.below(20) == 0 {
            let at = usize::try_from(fate.below(1_200)).unwrap() % datagram.bytes.len();
            datagram.bytes[at] ^= 1 << fate.below(8);
        }
        let copies = if fate.below(8) == 0 { 2 } else { 1 };
        (0..copies).map(|_| ms(1 + fate.below(200))).collect()
    });
    for step in 0..120 {
        let who = 1 + usize::try_from(random.below(2)).unwrap();
        let whom = usize::try_from(random.below(3)).unwrap();
        match random.below(12) {
            0..=3 if who != whom => _ = net.connect(who, whom),
            4..=7 => {
                for session in still_open(&net.hosts[whom]) {
                    let room = udpchat::transport::Sessions::room(&net.hosts[whom].endpoint, session);
                    let len = usize::try_from(random.below(5_000)).unwrap();
                    if room >= len {
                        net.send(whom, session, &vec![7; len]);
                    }
                }
            }
            8 => {
                if let Some(&session) = still_open(&net.hosts[whom]).last() {
                    let now = net.now;
                    net.hosts[whom].endpoint.close(now, session, CloseCode::Done);
                    // Not reported, so the test has to remember it itself.
                    net.hosts[whom].events.retain(|event| !concerns(event, session));
                    net.drain(whom);
                }
            }
            9 => {
                assert_sense(&net.hosts[whom], &format!("seed {seed}"));
                net.restart(whom);
            }
            10 => net.hosts[who].address = address(&format!("198.51.100.{who}:{}", 4_000 + step)),
            _ => {}
        }
        net.run(ms(random.below(500)));
    }
    net
}

fn concerns(event: &SessionEvent, wanted: SessionId) -> bool {
    match event {
        SessionEvent::Opened { session, .. }
        | SessionEvent::Message { session, .. }
        | SessionEvent::Moved { session, .. }
        | SessionEvent::Closed { session, .. } => *session == wanted,
        SessionEvent::Failed { .. } => false,
    }
}

#[test]
fn random_deeds_on_a_bad_network_make_sense_and_heal() {
    for seed in 0..60 {
        let mut net = run(seed);
        let what = format!("seed {seed}");
        for host in &net.hosts {
            assert_sense(host, &what);
        }
        net.rule = Box::new(|_| vec![DELAY]);
        net.run(ms(60_000));
        // Both clients reach the registry, and one the other, whatever was before.
        for (from, to) in [(1, 0), (2, 0), (1, 2)] {
            let (here, there) = net.open(from, to);
            let before = (net.hosts[from].messages().len(), net.hosts[to].messages().len());
            net.send(from, here, b"to");
            net.send(to, there, b"fro");
            net.run(ms(5_000));
            assert_eq!(
                net.hosts[from].messages()[before.0..],
                [(here, b"fro".to_vec())],
                "{what}"
            );
            assert_eq!(
                net.hosts[to].messages()[before.1..],
                [(there, b"to".to_vec())],
                "{what}"
            );
        }
        net.run(ms(400_000));
        let sent = net.sent.len();
        net.run(ms(100_000));
        assert_eq!(net.sent.len(), sent, "{what}: it never becomes quiet");
        // A session for each client with the registry; peers have let go of theirs.
        let sessions: Vec<usize> = net.hosts.iter().map(|host| host.endpoint.sessions()).collect();
        assert!(
            sessions[0] <= 2 && sessions[1] <= 1 && sessions[2] <= 1,
            "{what}: {sessions:?}"
        );
        for host in &net.hosts {
            assert_sense(host, &what);
        }
    }
}

#[test]
fn the_same_seeds_give_the_same_bytes() {
    let (first, second) = (run(4_711), run(4_711));
    assert!(first.sent.len() > 100);
    assert_eq!(first.sent, second.sent);
}
