//! Tests of `socket.rs` over the loopback interface.

#![expect(
    clippy::disallowed_methods,
    reason = "plain sockets are what is at the other end"
)]

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;

const ANY: Place = Place {
    address: None,
    port: 0,
};

fn loopback(socket: &Socket) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::LOCALHOST.into(), socket.port())
}

fn await_datagram(socket: &Socket) {
    let mut descriptors = [PollFd::new(socket, PollFlags::IN)];
    let patience = Timespec {
        tv_sec: 5,
        tv_nsec: 0,
    };
    let ready = poll(&mut descriptors, Some(&patience)).unwrap();
    assert!(ready > 0, "no datagram comes");
}

fn receive(socket: &mut Socket, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut got = Vec::new();
    while got.len() < count {
        await_datagram(socket);
        socket.receive(|route, bytes| got.push((route.from, bytes.to_vec())));
    }
    got
}

fn datagram(to: SocketAddr, tag: u8, size: usize) -> Transmit {
    Transmit {
        to,
        from: None,
        bytes: vec![tag; size],
    }
}

#[test]
fn runs_of_every_shape_arrive_whole_in_order_and_from_an_ipv4_address() {
    let (mut a, mut b) = (Socket::bind(ANY).unwrap(), Socket::bind(ANY).unwrap());
    let to = loopback(&b);
    let sizes = [1200, 1200, 1200, 300, 300, 1, 1200, 7, 900, 900, 1000];
    for (tag, size) in (0..).zip(sizes) {
        a.queue(datagram(to, tag, size));
    }
    a.flush();
    assert!(!a.blocked());
    let got = receive(&mut b, sizes.len());
    for ((tag, size), (from, bytes)) in (0..).zip(sizes).zip(&got) {
        assert_eq!(*from, loopback(&a));
        assert_eq!(*bytes, vec![tag; size]);
    }
    assert_eq!((a.counters().sent, b.counters().received), (11, 11));
}

#[test]
fn a_long_run_is_split_where_one_call_ends() {
    let (mut a, mut b) = (Socket::bind(ANY).unwrap(), Socket::bind(ANY).unwrap());
    let to = loopback(&b);
    for tag in 0..200 {
        a.queue(datagram(to, tag, DATAGRAM_BYTES_MAX));
    }
    a.flush();
    let tags: Vec<u8> = receive(&mut b, 200).iter().map(|(_, bytes)| bytes[0]).collect();
    assert_eq!(tags, (0..200).collect::<Vec<u8>>());
}

#[test]
fn ipv6_works_beside_ipv4() {
    let (mut a, mut b) = (Socket::bind(ANY).unwrap(), Socket::bind(ANY).unwrap());
    if b.local.is_ipv4() {
        return; // a system without IPv6
    }
    a.queue(datagram((Ipv6Addr::LOCALHOST, b.port()).into(), 1, 10));
    a.flush();
    let from = receive(&mut b, 1)[0].0;
    assert_eq!(from, (Ipv6Addr::LOCALHOST, a.port()).into());
}

#[test]
fn a_datagram_leaves_from_the_address_that_is_asked_for_if_there_is_one() {
    let (mut a, mut b) = (Socket::bind(ANY).unwrap(), Socket::bind(ANY).unwrap());
    // All of 127.0.0.0/8 is this machine; the others are nobody's.
    for (from, seen) in [
        (None, "127.0.0.1"),
        (Some("127.0.0.2"), "127.0.0.2"),
        (Some("192.0.2.1"), "127.0.0.1"),
        (Some("2001:db8::1"), "127.0.0.1"),
    ] {
        let from: Option<IpAddr> = from.map(|ip| ip.parse().unwrap());
        for tag in 0..2 {
            let to = loopback(&b);
            a.queue(Transmit {
                from,
                ..datagram(to, tag, 10)
            });
        }
        a.flush();
        let seen = SocketAddr::new(seen.parse().unwrap(), a.port());
        for (tag, (from, bytes)) in (0..).zip(receive(&mut b, 2)) {
            assert_eq!((from, bytes), (seen, vec![tag; 10]));
        }
    }
    assert_eq!((a.counters().sent, a.counters().unsent), (8, 0));
}

#[test]
fn it_is_told_to_which_address_a_datagram_came() {
    let mut b = Socket::bind(ANY).unwrap();
    let to: SocketAddr = ([127, 0, 0, 2], b.port()).into();
    let plain = UdpSocket::bind("127.0.0.1:0").unwrap();
    plain.send_to(b"x", to).unwrap();
    await_datagram(&b);
    let mut local = None;
    b.receive(|route, _| local = route.local);
    assert_eq!(local, Some(to.ip()));
}

#[test]
fn what_cannot_be_sent_is_counted_and_hinders_nothing() {
    let (mut a, mut b) = (Socket::bind(ANY).unwrap(), Socket::bind(ANY).unwrap());
    let to = loopback(&b);
    a.queue(datagram(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0), 0, 10));
    a.queue(datagram(to, 1, 70_000));
    a.queue(datagram(to, 2, 10));
    a.flush();
    assert_eq!(receive(&mut b, 1)[0].1, vec![2; 10]);
    assert_eq!((a.counters().unsent, a.counters().sent), (2, 1));
}

#[test]
fn an_empty_datagram_is_handed_on_once_and_in_its_turn() {
    let mut b = Socket::bind(ANY).unwrap();
    let plain = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sent: [&[u8]; 4] = [b"", b"x", b"", b""];
    for bytes in sent {
        plain.send_to(bytes, loopback(&b)).unwrap();
    }
    let got: Vec<Vec<u8>> = receive(&mut b, sent.len())
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(got, sent);
    assert_eq!(b.counters().received, 4);
}

#[test]
fn a_taken_port_is_explained() {
    let a = Socket::bind(ANY).unwrap();
    let place = Place {
        address: None,
        port: a.port(),
    };
    let sentence = Socket::bind(place).unwrap_err();
    assert!(sentence.contains("in use by another program"), "{sentence}");
    drop(a);
    assert!(Socket::bind(place).is_ok(), "free again");
}

#[test]
fn a_port_taken_on_one_address_only_is_taken() {
    let plain = UdpSocket::bind("127.0.0.1:0").unwrap();
    let place = Place {
        address: None,
        port: plain.local_addr().unwrap().port(),
    };
    assert!(
        Socket::bind(place).is_err(),
        "half of the datagrams would be lost"
    );
}

#[test]
fn an_address_of_another_machine_is_explained() {
    let place = Place {
        address: Some("192.0.2.1".parse().unwrap()),
        port: 0,
    };
    let sentence = Socket::bind(place).unwrap_err();
    assert!(sentence.contains("not an address of this machine"), "{sentence}");
}

#[test]
fn the_way_to_the_registry_has_a_local_address() {
    let local = local_towards("127.0.0.1:9".parse().unwrap(), 1232);
    assert_eq!(local, Some("127.0.0.1:1232".parse().unwrap()));
}

#[test]
fn the_kernel_s_marks_survive_coalescing() {
    // The reason for the pinned version of quinn-udp: later ones lose the ECN of datagrams that GRO has joined.
    let (mut a, b) = (Socket::bind(ANY).unwrap(), Socket::bind(ANY).unwrap());
    let to = a.reachable(loopback(&b));
    let contents = vec![7; 3 * 1000];
    let transmit = quinn_udp::Transmit {
        destination: to,
        ecn: Some(quinn_udp::EcnCodepoint::Ect0),
        contents: &contents,
        segment_size: Some(1000),
        src_ip: None,
    };
    a.flush();
    if a.state.max_gso_segments() < 3 {
        return; // a system without GSO
    }
    a.state.try_send((&a.socket).into(), &transmit).unwrap();
    let mut descriptors = [PollFd::new(&b, PollFlags::IN)];
    poll(&mut descriptors, None).unwrap();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut metas = [RecvMeta::default()];
    b.state
        .recv(
            (&b.socket).into(),
            &mut [IoSliceMut::new(&mut buffer)],
            &mut metas,
        )
        .unwrap();
    assert_eq!(metas[0].ecn, Some(quinn_udp::EcnCodepoint::Ect0));
}
