//! Which session stays when two with the same identity meet: crossing tries, new ones, late copies.

use udpchat::transport::{CloseCause, SessionEvent};
use udpchat::wire::packet::Service;

use crate::net::{DELAY, Net, ms};

/// The sessions that are still open, as each of the first two hosts calls them.
fn open_sessions(net: &Net) -> [Vec<udpchat::transport::SessionId>; 2] {
    [0, 1].map(|host| {
        let host = &net.hosts[host];
        let mut open = host.opened();
        open.dedup();
        open.retain(|session| !host.closed().iter().any(|(closed, _)| closed == session));
        open
    })
}

/// Both can talk, through one session.
fn assert_joined(net: &mut Net, what: &str) {
    let [lower, higher] = open_sessions(net);
    assert_eq!(
        (lower.len(), higher.len()),
        (1, 1),
        "{what}: {:?}",
        net.events_of_all()
    );
    let before = [net.hosts[0].messages().len(), net.hosts[1].messages().len()];
    net.send(0, lower[0], b"down");
    net.send(1, higher[0], b"up");
    net.run(ms(10_000));
    assert_eq!(
        net.hosts[0].messages()[before[0]..],
        [(lower[0], b"up".to_vec())],
        "{what}"
    );
    assert_eq!(
        net.hosts[1].messages()[before[1]..],
        [(higher[0], b"down".to_vec())],
        "{what}"
    );
}

#[test]
fn of_two_crossing_tries_the_lower_identitys_stays_and_both_are_answered() {
    // How much later the higher identity begins, in steps of a quarter of the delay.
    for head_start in 0..12 {
        let mut net = Net::two_peers();
        let lower = net.connect(0, 1);
        net.run(DELAY / 4 * head_start);
        let higher = net.connect(1, 0);
        net.run(ms(10_000));
        for (host, attempt) in [(0, lower), (1, higher)] {
            let answered = net.hosts[host].events.iter().any(|event| {
                matches!(event, SessionEvent::Opened { attempt: Some(opened), .. } if *opened == attempt)
            });
            assert!(answered, "host {host}, {head_start}: {:?}", net.events_of_all());
        }
        let what = format!("{head_start} quarters later");
        if head_start < 4 {
            // The same session on both sides: the lower one's try is its own.
            let [first, _] = open_sessions(&net);
            let own = net.hosts[0].events.iter().any(|event| {
                matches!(event, SessionEvent::Opened { session, attempt: Some(_), .. } if *session == first[0])
            });
            assert!(own, "{what}");
        }
        assert_joined(&mut net, &what);
    }
}

#[test]
fn crossing_tries_meet_whatever_single_datagram_is_lost() {
    for lost in 0..14 {
        for first in [0, 1] {
            let mut net = Net::two_peers();
            let mut index = 0;
            net.rule = Box::new(move |_| {
                index += 1;
                if index == lost + 1 { vec![] } else { vec![DELAY] }
            });
            net.connect(first, 1 - first);
            net.connect(1 - first, first);
            net.run(ms(20_000));
            assert_joined(&mut net, &format!("datagram {lost} lost, {first} first"));
        }
    }
}

#[test]
fn crossing_tries_meet_on_a_network_that_delays_at_will() {
    for seed in 0..60u64 {
        let mut net = Net::two_peers();
        let mut state = seed;
        net.rule = Box::new(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match state >> 60 {
                0..=2 => vec![],
                3 => vec![ms(5), ms(400)],
                other => vec![ms(5 + 15 * other)],
            }
        });
        net.connect(0, 1);
        net.run(ms(seed % 7 * 10));
        net.connect(1, 0);
        net.run(ms(20_000));
        net.rule = Box::new(|_| vec![DELAY]);
        net.run(ms(5_000));
        // Late copies may have cost one side its session; a new try heals that.
        if open_sessions(&net).iter().any(|open| open.len() != 1) {
            net.connect(0, 1);
            net.run(ms(10_000));
        }
        assert_joined(&mut net, &format!("seed {seed}"));
    }
}

#[test]
fn a_new_session_takes_the_place_of_the_old_on_both_sides() {
    let mut net = Net::registry_and_client();
    let (old, old_there) = net.open(1, 0);
    let (new, new_there) = net.open(1, 0);
    assert_eq!(net.hosts[1].closed(), [(old, CloseCause::Replaced(new))]);
    assert_eq!(
        net.hosts[0].closed(),
        [(old_there, CloseCause::Replaced(new_there))]
    );
    let events = &net.hosts[0].events;
    let place = |wanted: &dyn Fn(&SessionEvent) -> bool| events.iter().position(wanted).unwrap();
    let opened =
        place(&|event| matches!(event, SessionEvent::Opened { session, .. } if *session == new_there));
    let closed = place(&|event| matches!(event, SessionEvent::Closed { .. }));
    assert!(opened < closed, "the new one is told first");
    assert_joined(&mut net, "after the exchange");
}

#[test]
fn an_initial_or_a_response_displaces_nothing() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    net.lose("finish");
    net.connect(1, 0);
    net.run(ms(5_000));
    assert_eq!((net.hosts[0].closed(), net.hosts[1].closed()), (vec![], vec![]));
    net.send(1, client, b"still here");
    net.send(0, registry, b"still there");
    net.run(ms(2_000));
    assert_eq!(net.hosts[0].messages().len() + net.hosts[1].messages().len(), 2);
}

#[test]
fn a_late_copy_of_a_whole_handshake_displaces_nothing() {
    let mut net = Net::registry_and_client();
    net.open(1, 0);
    let from = net.hosts[1].address;
    let old: Vec<_> = net
        .sent
        .iter()
        .filter(|datagram| datagram.from == from)
        .cloned()
        .collect();
    net.run(ms(40_000));
    let (client, registry) = net.open(1, 0);
    for datagram in old {
        net.inject(0, from, &datagram.bytes);
        net.run(ms(100));
    }
    assert_eq!(net.hosts[0].opened().len(), 2);
    assert_eq!(net.hosts[0].closed().len(), 1);
    net.send(1, client, b"still here");
    net.run(ms(1_000));
    assert_eq!(net.hosts[0].messages(), [(registry, b"still here".to_vec())]);
}

#[test]
fn a_superseded_machine_is_told_so() {
    let mut net = Net::registry_and_client();
    let (old, _) = net.open(1, 0);
    let copy = net.add("198.51.100.9:9", 2, Service::Peer);
    assert_eq!(net.hosts[1].id, net.hosts[copy].id);
    net.open(copy, 0);
    assert_eq!(
        net.hosts[1].closed(),
        [(
            old,
            CloseCause::Remote(udpchat::wire::frame::CloseCode::Superseded)
        )]
    );
}

#[test]
fn one_does_not_open_a_session_with_oneself() {
    let mut net = Net::two_peers();
    net.connect(0, 0);
    net.run(ms(5_000));
    assert_eq!(net.hosts[0].opened(), []);
    assert_eq!(net.hosts[0].failed().len(), 1);
    assert_eq!(net.hosts[0].endpoint.sessions(), 0);
}
