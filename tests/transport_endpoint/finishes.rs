//! Finishes that somebody on the road forges: they keep the true one from nothing, and cost next to nothing.
//!
//! Who sees the road knows a handshake's indexes, and may copy what he sees: the sealed key of a Finish, too, which
//! opens, and makes the responder calculate.
//! Invariant: whatever comes before the true Finish, the session comes up with it.

use udpchat::transport::DropCause;
use udpchat::wire::packet::{FINISH_HEADER_BYTES, Packet, Service};

use crate::net::{DELAY, Datagram, Net, address, ms};

/// The sealed static key at the beginning of the third Noise message.
const SEALED_KEY_BYTES: usize = 32 + 16;

/// A client whose Finish is under way to the registry, and that Finish.
fn about_to_finish(net: &mut Net, client: usize) -> Datagram {
    net.connect(client, 0);
    let from = net.hosts[client].address;
    let finish = |net: &Net| {
        let of_it = |datagram: &&Datagram| datagram.from == from && datagram.kind() == "finish";
        net.sent.iter().find(of_it).cloned()
    };
    while finish(net).is_none() {
        net.run(DELAY);
    }
    finish(net).unwrap()
}

/// The `n`th of many forgeries of a Finish: of other bytes, cut, or with a bit changed where it is sealed.
fn forged(finish: &Datagram, n: usize) -> Vec<u8> {
    let mut bytes = finish.bytes.clone();
    let noise = FINISH_HEADER_BYTES;
    match n % 4 {
        0 => bytes[noise..].fill(n.to_le_bytes()[0]),
        1 => bytes.truncate(noise + n % (bytes.len() - noise)),
        2 => bytes[noise + n % SEALED_KEY_BYTES] ^= 1,
        _ => {
            let payload = noise + SEALED_KEY_BYTES;
            let at = payload + n % (bytes.len() - payload);
            bytes[at] ^= 1 << (n % 8);
        }
    }
    bytes
}

#[test]
fn forged_finishes_before_the_true_one_do_not_end_the_session() {
    for count in [1, 8, 100, 1_000] {
        let mut net = Net::registry_and_client();
        let finish = about_to_finish(&mut net, 1);
        for n in 0..count {
            net.inject(0, finish.from, &forged(&finish, n));
        }
        assert_eq!(net.hosts[0].opened(), [], "{count}");
        net.run(ms(5_000));
        assert_eq!(
            (net.hosts[0].opened().len(), net.hosts[1].opened().len()),
            (1, 1),
            "{count}"
        );
        assert_eq!(
            (net.hosts[0].closed(), net.hosts[1].closed()),
            (vec![], vec![]),
            "{count}"
        );
        assert_eq!((net.count("initial"), net.count("reset")), (1, 0), "{count}");
        let (client, registry) = (net.hosts[1].opened()[0], net.hosts[0].opened()[0]);
        net.send(1, client, b"to");
        net.send(0, registry, b"fro");
        net.run(ms(1_000));
        assert_eq!(net.hosts[0].messages(), [(registry, b"to".to_vec())], "{count}");
        assert_eq!(net.hosts[1].messages(), [(client, b"fro".to_vec())], "{count}");
    }
}

#[test]
fn forged_finishes_cost_one_key_agreement_in_a_handshake_however_many() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let others: Vec<usize> = (0..20u8)
        .map(|n| net.add(&format!("203.0.113.{n}:3000"), 10 + n, Service::Peer))
        .collect();
    for &other in &others {
        let finish = about_to_finish(&mut net, other);
        for n in 0..500 {
            net.inject(0, finish.from, &forged(&finish, n));
        }
    }
    net.send(1, client, b"in the middle of it");
    net.run(ms(5_000));
    let stats = net.hosts[0].endpoint.stats();
    assert!(stats.dropped(DropCause::Forged) > 9_000);
    assert_eq!(stats.handshakes_rebuilt, 20);
    assert_eq!(stats.handshakes_answered, 21);
    assert_eq!(net.hosts[0].opened().len(), 21);
    assert_eq!(
        net.hosts[0].messages(),
        [(registry, b"in the middle of it".to_vec())]
    );
}

#[test]
fn finishes_of_other_bytes_leave_the_handshake_as_it_was() {
    let mut net = Net::registry_and_client();
    let finish = about_to_finish(&mut net, 1);
    let Ok(Packet::Finish { receiver, .. }) = Packet::parse(&finish.bytes) else {
        panic!("a finish");
    };
    for len in 0..1_191 {
        let noise = vec![7; len];
        net.inject(
            0,
            finish.from,
            &Packet::Finish {
                receiver,
                noise: &noise,
            }
            .encode(),
        );
    }
    net.run(ms(5_000));
    assert_eq!(net.hosts[0].endpoint.stats().handshakes_rebuilt, 0);
    assert_eq!(net.hosts[0].opened().len(), 1);
}

#[test]
fn a_finish_is_answered_again_only_until_its_sender_knows_the_session() {
    let mut net = Net::registry_and_client();
    let finish = about_to_finish(&mut net, 1);
    // Nothing of the registry's arrives: the client repeats itself, and is answered.
    net.rule = Box::new(|datagram| {
        if datagram.kind() == "data" {
            vec![]
        } else {
            vec![DELAY]
        }
    });
    net.run(ms(2_000));
    let answers = net.count("data");
    assert!(
        answers >= net.count("finish") && net.count("finish") > 2,
        "{answers}"
    );
    net.rule = Box::new(|_| vec![DELAY]);
    net.run(ms(10_000));
    let sent = net.sent.len();
    for _ in 0..100 {
        net.inject(0, finish.from, &finish.bytes);
        net.inject(0, address("192.0.2.66:666"), &finish.bytes);
        net.run(ms(1_000));
    }
    assert_eq!(net.sent.len(), sent, "a copy causes nothing");
    assert_eq!(net.hosts[0].endpoint.stats().dropped(DropCause::Unasked), 200);
}

#[test]
fn a_finish_that_was_lost_and_comes_after_a_newer_session_ends_nothing() {
    let mut net = Net::registry_and_client();
    net.lose("finish");
    let lost = about_to_finish(&mut net, 1);
    // Its client has given it up since, and begun anew.
    net.restart(1);
    net.rule = Box::new(|_| vec![DELAY]);
    let (client, registry) = net.open(1, 0);
    net.inject(0, lost.from, &lost.bytes);
    net.run(ms(1_000));
    assert_eq!(net.hosts[0].opened(), [registry]);
    assert_eq!((net.hosts[0].closed(), net.hosts[1].closed()), (vec![], vec![]));
    net.send(1, client, b"still here");
    net.run(ms(1_000));
    assert_eq!(net.hosts[0].messages(), [(registry, b"still here".to_vec())]);
}
