//! Many strangers at once: established sessions go on, tables keep their bounds, the honest get in.

use std::net::SocketAddr;

use udpchat::limits::{HANDSHAKES_BOUND, HANDSHAKES_PER_SECOND_MAX, INITIALS_PER_SECOND_MAX};
use udpchat::transport::DropCause;
use udpchat::wire::packet::{Packet, Service};

use crate::net::{DELAY, Net, ms};

/// An Initial that nobody stands behind. Its key is a fine point on the curve.
fn initial(n: u32, cookie: Option<[u8; 20]>) -> Vec<u8> {
    let mut noise = [9; 32];
    noise[..4].copy_from_slice(&n.to_be_bytes());
    noise[31] = 0;
    Packet::Initial {
        source: u64::from(n) + 1_000,
        cookie,
        noise,
    }
    .encode()
}

fn forged(n: u32) -> SocketAddr {
    let [_, a, b, c] = n.wrapping_mul(2_654_435_761).to_be_bytes();
    SocketAddr::from(([11, a, b, c], 4_000))
}

#[test]
fn a_flood_of_initials_leaves_sessions_working_and_lets_the_honest_in() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let honest = net.add("203.0.113.9:9000", 9, Service::Peer);
    net.connect(honest, 0);
    let mut told = 0;
    for n in 0..100_000 {
        net.inject(0, forged(n), &initial(n, None));
        net.sent
            .retain(|datagram| datagram.kind() != "response" || datagram.to.port() != 4_000);
        net.sent.truncate(1_000);
        if n % 100 == 0 {
            net.run(ms(1));
        }
        if n % 5_000 == 0 {
            net.send(1, client, b"in the middle of it");
            told += 1;
        }
    }
    net.run(ms(2_000));
    assert_eq!(net.hosts[0].messages().len(), told);
    assert_eq!(net.hosts[0].messages()[0].0, registry);
    assert_eq!(net.hosts[honest].opened().len(), 1, "a cookie lets him in");
    let stats = net.hosts[0].endpoint.stats();
    // A second and a bit of flood: what passes without a cookie is a burst and what grows meanwhile.
    assert!(stats.handshakes_answered < u64::from(INITIALS_PER_SECOND_MAX) * 3);
    assert!(stats.dropped(DropCause::CookieAsked) > 99_000);
    net.run(ms(30_000));
    assert_eq!(net.hosts[0].endpoint.handshakes(), 0, "all of it is forgotten");
}

#[test]
fn many_with_true_cookies_are_bounded_too() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    // 12,000 machines that can all receive, in 40 networks, over four seconds.
    let from = |n: u32| {
        let [_, _, _, last] = (n % 250).to_be_bytes();
        let [_, _, _, network] = (n % 40).to_be_bytes();
        SocketAddr::from(([12, 0, network, last], 4_000))
    };
    let mut answered = 0;
    for n in 0..12_000u32 {
        knock(&mut net, from(n), n);
        assert!(net.hosts[0].endpoint.handshakes() <= HANDSHAKES_BOUND);
        if n % 30 == 0 {
            net.run(ms(10));
        }
        net.sent.clear();
        answered = net.hosts[0].endpoint.stats().handshakes_answered;
    }
    assert!(answered > 5_000, "{answered}");
    assert!(answered <= u64::from(HANDSHAKES_PER_SECOND_MAX) * 5);
    net.send(1, client, b"and the others?");
    net.run(ms(200));
    assert_eq!(net.hosts[0].messages().len(), 1);
}

/// An Initial, and once more with the cookie that is asked for.
fn knock(net: &mut Net, from: SocketAddr, n: u32) {
    net.inject(0, from, &initial(n, None));
    let reply = net.sent.last().map(|datagram| datagram.bytes.clone());
    if let Ok(Packet::Retry { cookie, .. }) = Packet::parse(&reply.unwrap_or_default()) {
        net.inject(0, from, &initial(n, Some(cookie)));
    }
}

#[test]
fn one_machine_that_knocks_without_end_keeps_nobody_out() {
    let mut net = Net::registry_and_client();
    // It can receive, and so has its cookies. More than can be answered wait.
    let attacker = SocketAddr::from(([203, 0, 113, 9], 9_000));
    for n in 0..5_000 {
        knock(&mut net, attacker, n);
    }
    for last in 0..100u8 {
        let newcomer = SocketAddr::from(([12, 0, last, 1], 4_000));
        knock(&mut net, newcomer, 10_000 + u32::from(last));
    }
    net.run(ms(500));
    let answered = |host: u8| {
        let to = SocketAddr::from(([12, 0, host, 1], 4_000));
        net.sent.iter().any(|d| d.to == to && d.kind() == "response")
    };
    assert_eq!((0..100).filter(|host| answered(*host)).count(), 100);
}

#[test]
fn a_cookie_from_another_address_is_no_cookie() {
    let mut net = Net::registry_and_client();
    for n in 0..=INITIALS_PER_SECOND_MAX {
        net.inject(0, forged(n), &initial(n, None));
    }
    let n = INITIALS_PER_SECOND_MAX + 1;
    net.inject(0, forged(n), &initial(n, None));
    let Ok(Packet::Retry { cookie, .. }) = Packet::parse(&net.last("retry").bytes) else {
        panic!("a cookie is asked for");
    };
    let answered = net.hosts[0].endpoint.stats().handshakes_answered;
    net.inject(0, forged(n + 1), &initial(n, Some(cookie)));
    net.inject(0, forged(n), &initial(n + 1, Some(cookie)));
    assert_eq!(net.hosts[0].endpoint.stats().handshakes_answered, answered);
    net.inject(0, forged(n), &initial(n, Some(cookie)));
    assert_eq!(net.hosts[0].endpoint.stats().handshakes_answered, answered + 1);
}

#[test]
fn a_forged_retry_costs_an_initial_at_most_a_few_times() {
    let mut net = Net::registry_and_client();
    net.rule = Box::new(|_| vec![]);
    net.connect(1, 0);
    let Ok(Packet::Initial { source, .. }) = Packet::parse(&net.last("initial").bytes) else {
        panic!("an initial");
    };
    let registry = net.hosts[0].address;
    for n in 0..100 {
        let retry = Packet::Retry {
            receiver: source,
            cookie: [n; 20],
        };
        net.inject(1, registry, &retry.encode());
        net.inject(1, forged(1), &retry.encode());
    }
    assert!(net.count("initial") <= 4, "{}", net.count("initial"));
    net.rule = Box::new(|_| vec![DELAY]);
    net.run(ms(3_000));
    assert_eq!(net.hosts[1].opened().len(), 1);
}

#[test]
fn established_sessions_are_served_before_strangers() {
    let mut net = Net::registry_and_client();
    let (_, registry) = net.open(1, 0);
    let endpoint = &mut net.hosts[0].endpoint;
    endpoint.handle_datagram(net.now, forged(1), &initial(1, None));
    endpoint.send(net.now, registry, b"first".to_vec()).unwrap();
    let first = endpoint.poll_transmit(net.now).unwrap();
    assert_eq!(first.to, net.hosts[1].address);
    let second = net.hosts[0].endpoint.poll_transmit(net.now).unwrap();
    assert_eq!(second.to, forged(1));
}
