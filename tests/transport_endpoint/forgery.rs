//! What strangers send: forged, changed, replayed, cut. It changes counters and nothing else, and nobody is
//! sent more than three times what came in his name.

use std::net::SocketAddr;

use udpchat::transport::{DropCause, SessionEvent, SessionId};
use udpchat::wire::packet::{Packet, RESET_TOKEN_BYTES, data_header};

use crate::net::{DELAY, Datagram, Net, address, kind, ms};

const STRANGER: &str = "192.0.2.66:666";

/// A run with every kind of packet in it but Reset and Retry, and the session that came of it.
fn talk() -> (Net, SessionId, SessionId) {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    net.send(1, client, b"first");
    net.send(0, registry, b"second");
    net.run(ms(1_000));
    (net, client, registry)
}

/// The session goes on as if nothing had been.
fn assert_unharmed(net: &mut Net, client: SessionId, registry: SessionId) {
    let before = [0, 1].map(|host| net.hosts[host].messages().len());
    net.send(1, client, b"third");
    net.send(0, registry, b"fourth");
    net.run(ms(3_000));
    assert_eq!(
        net.hosts[0].messages()[before[0]..],
        [(registry, b"third".to_vec())]
    );
    assert_eq!(
        net.hosts[1].messages()[before[1]..],
        [(client, b"fourth".to_vec())]
    );
    let ends = net.hosts[0].closed().len() + net.hosts[1].closed().len();
    assert_eq!(ends, 0);
    let opened = net.hosts[0].opened().len() + net.hosts[1].opened().len();
    assert_eq!(opened, 2, "{:?}", net.events_of_all());
}

fn receiver(net: &Net, datagram: &Datagram) -> usize {
    net.hosts
        .iter()
        .position(|host| host.address == datagram.to)
        .unwrap()
}

#[test]
fn every_replayed_datagram_is_without_effect() {
    let (mut net, client, registry) = talk();
    for datagram in net.sent.clone() {
        let host = receiver(&net, &datagram);
        let events = net.hosts[host].events.len();
        for from in [datagram.from, address(STRANGER)] {
            net.inject(host, from, &datagram.bytes);
        }
        assert_eq!(net.hosts[host].events.len(), events, "{}", datagram.kind());
    }
    net.run(ms(1_000));
    assert!(net.hosts[0].endpoint.stats().dropped(DropCause::Replayed) > 0);
    assert!(net.hosts[0].endpoint.stats().dropped(DropCause::Unasked) > 0);
    assert_unharmed(&mut net, client, registry);
}

#[test]
fn every_flipped_bit_is_without_effect_on_a_session() {
    let (mut net, client, registry) = talk();
    let mut seen = Vec::new();
    for datagram in net.sent.clone() {
        let host = receiver(&net, &datagram);
        if seen.contains(&(host, datagram.kind())) {
            continue;
        }
        seen.push((host, datagram.kind()));
        for bit in 0..datagram.bytes.len().min(120) * 8 {
            let mut bytes = datagram.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let events = net.hosts[host].events.len();
            net.inject(host, datagram.from, &bytes);
            assert_eq!(
                net.hosts[host].events.len(),
                events,
                "{} bit {bit}",
                datagram.kind()
            );
        }
    }
    assert!(seen.len() >= 5, "{seen:?}");
    net.run(ms(1_000));
    assert_unharmed(&mut net, client, registry);
}

#[test]
fn a_flipped_bit_in_a_handshake_costs_time_only() {
    // One changed copy of each handshake packet arrives before the true one, byte by byte.
    for wanted in ["initial", "response", "finish"] {
        for byte in (0..230).step_by(3) {
            let mut net = Net::registry_and_client();
            net.rule = Box::new(|_| vec![DELAY]);
            net.connect(1, 0);
            while net.sent.iter().all(|datagram| datagram.kind() != wanted) {
                net.run(DELAY);
            }
            let datagram = net.last(wanted);
            let host = receiver(&net, &datagram);
            let mut bytes = datagram.bytes.clone();
            let byte = byte.min(bytes.len() - 1);
            bytes[byte] ^= 0x10;
            net.inject(host, datagram.from, &bytes);
            net.run(ms(4_000));
            let opened = (net.hosts[0].opened().len(), net.hosts[1].opened().len());
            assert_eq!(opened, (1, 1), "{wanted} byte {byte}");
        }
    }
}

#[test]
fn every_prefix_is_without_effect() {
    let (mut net, client, registry) = talk();
    for datagram in net.sent.clone() {
        let host = receiver(&net, &datagram);
        for len in 0..datagram.bytes.len().min(300) {
            net.inject(host, datagram.from, &datagram.bytes[..len]);
        }
    }
    assert_unharmed(&mut net, client, registry);
}

#[test]
fn data_sealed_by_another_session_is_without_effect() {
    let (mut net, client, registry) = talk();
    let other = net.add("203.0.113.3:3000", 3, udpchat::wire::packet::Service::Peer);
    let (stranger, _) = net.open(other, 0);
    net.send(other, stranger, b"mine");
    let true_one = net.last("data");
    net.run(ms(1_000));
    let victim = net
        .sent
        .iter()
        .rev()
        .find(|d| d.from == net.hosts[1].address && d.kind() == "data");
    let Ok(Packet::Data { receiver, .. }) = Packet::parse(&victim.unwrap().bytes) else {
        panic!("a data packet");
    };
    let mut forged = true_one.bytes.clone();
    forged[..17].copy_from_slice(&data_header(receiver, 99));
    let before = net.hosts[0].endpoint.stats().dropped(DropCause::Forged);
    let from = net.hosts[1].address;
    net.inject(0, from, &forged);
    assert_eq!(
        net.hosts[0].endpoint.stats().dropped(DropCause::Forged),
        before + 1
    );
    let other = net.hosts[other].id;
    net.hosts[0]
        .events
        .retain(|event| !matches!(event, SessionEvent::Opened { peer, .. } if peer.id == other));
    assert_unharmed(&mut net, client, registry);
}

#[test]
fn a_forged_reset_changes_nothing() {
    let (mut net, client, registry) = talk();
    let (_, remote) = wire_indexes(&net);
    for host in [0, 1] {
        for from in [net.hosts[1 - host].address, address(STRANGER)] {
            for token in [[0; RESET_TOKEN_BYTES], [255; RESET_TOKEN_BYTES]] {
                let source = if host == 0 { client.0 } else { remote };
                net.inject(host, from, &Packet::Reset { source, token }.encode());
            }
        }
    }
    assert_eq!(net.hosts[0].endpoint.stats().dropped(DropCause::Unasked), 4);
    assert_eq!(net.hosts[1].endpoint.stats().dropped(DropCause::Unasked), 4);
    assert_unharmed(&mut net, client, registry);
}

/// The indexes that the two sides send to: the client's and the registry's.
fn wire_indexes(net: &Net) -> (u64, u64) {
    let to = |host: usize| {
        let to = net.hosts[host].address;
        let datagram = net.sent.iter().rev().find(|d| d.to == to && d.kind() == "data");
        let Ok(Packet::Data { receiver, .. }) = Packet::parse(&datagram.unwrap().bytes) else {
            panic!("a data packet");
        };
        receiver
    };
    (to(1), to(0))
}

#[test]
fn a_forged_address_is_never_sent_more_than_three_times_what_it_sent() {
    let (mut net, ..) = talk();
    let victim: SocketAddr = address(STRANGER);
    let mut kinds = Vec::new();
    let mut came = 0;
    let mut initial = net
        .sent
        .iter()
        .find(|d| d.kind() == "initial")
        .unwrap()
        .bytes
        .clone();
    for round in 0..3_000u32 {
        let recorded = net.sent[round as usize % net.sent.len()].clone();
        // A fresh Initial now and then, and everything that was recorded, in the victim's name.
        initial[2..6].copy_from_slice(&round.to_be_bytes());
        for bytes in [&initial, &recorded.bytes] {
            for host in [0, 1] {
                let before = net.bytes_to(victim);
                came += bytes.len();
                net.inject(host, victim, bytes);
                let sent = net.bytes_to(victim) - before;
                assert!(sent <= 3 * bytes.len(), "{} caused {sent} bytes", kind(bytes));
                kinds.push(kind(bytes));
            }
        }
        if round % 50 == 0 {
            net.run(ms(10));
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() >= 4, "{kinds:?}");
    let quiet = net.bytes_to(victim);
    assert!(
        quiet <= 3 * came,
        "{quiet} bytes for {came}, what left later included"
    );
    net.run(ms(30_000));
    assert_eq!(net.bytes_to(victim), quiet, "nothing follows by itself");
}

#[test]
fn two_confused_ends_fall_silent() {
    let (mut net, ..) = talk();
    // Each gets the other's packets for sessions that neither knows, and every answer is carried on.
    let (a, b) = (net.hosts[0].address, net.hosts[1].address);
    for index in 0..20u64 {
        let mut datagram = data_header(index, 5).to_vec();
        datagram.extend([0; 40]);
        net.inject(0, b, &datagram);
        net.inject(1, a, &datagram);
    }
    net.run(ms(10_000));
    let resets = net.count("reset");
    assert_eq!(resets, 40);
    net.run(ms(60_000));
    assert_eq!(net.count("reset"), resets);
}

#[test]
fn noise_of_any_length_is_without_effect() {
    let (mut net, client, registry) = talk();
    let mut state = 7u64;
    for round in 0..5_000usize {
        let bytes: Vec<u8> = (0..round % 1_300)
            .map(|at| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if at == 0 {
                    (state >> 61) as u8
                } else {
                    (state >> 56) as u8
                }
            })
            .collect();
        net.inject(round % 2, address(STRANGER), &bytes);
    }
    let stats = net.hosts[0].endpoint.stats();
    assert!(stats.dropped(DropCause::Malformed) > 100 && stats.dropped(DropCause::UnknownSession) > 100);
    assert_unharmed(&mut net, client, registry);
}
