//! Two endpoints and whatever happens to them: sessions wanted, used and closed, restarts, moves, and a network that
//! loses, repeats, reorders, changes, cuts and makes up datagrams (PROTOCOL §3, §4, §7).
//!
//! Each byte is a deed, those behind it say how. In the end everything heals, works, and falls silent.
//! Invariants: a message comes up once, as it was sent, in the session of the one who sent it; what was changed on
//! the way leads to nothing; nobody is sent more than three times what came in his name; timers get somewhere.

use std::time::Duration;

use udpchat::limits::MESSAGE_BYTES_MAX;
use udpchat::transport::{Connect, SendFault, SessionId, Sessions};
use udpchat::wire::frame::CloseCode;
use udpchat::wire::packet::{Packet, Service};

use super::input::Input;
use super::link::{Datagram, Link, ms};

/// Deeds of one input: what more would bring is time.
const DEEDS_MAX: usize = 300;
const CODES: [CloseCode; 3] = [CloseCode::Done, CloseCode::Violation, CloseCode::Superseded];
/// Initials in a flood: more than go without a cookie for a second.
const FLOOD: u16 = 220;

pub(crate) fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let registry = input.one_in(2);
    let mut link = Link::new(if registry {
        Service::Registry
    } else {
        Service::Peer
    });
    for _ in 0..DEEDS_MAX {
        if input.is_empty() {
            break;
        }
        deed(&mut link, &mut input);
    }
    heal(&mut link);
}

fn deed(link: &mut Link, input: &mut Input<'_>) {
    let host = input.below(2);
    match input.below(18) {
        0 => connect(link, input, host),
        1 | 2 => send(link, input, host),
        3 => {
            if let Some(session) = choose(link, input, host) {
                link.close(host, session, CODES[input.below(CODES.len())]);
            }
        }
        4..=6 => link.settle(ms(u64::from(input.byte()) * 4)),
        7 => _ = link.take_flying(input.byte().into()),
        8 => deliver(link, input, |_, _| {}),
        9 => {
            // Comes, and comes again another time.
            if let Some(datagram) = link.take_flying(input.byte().into()) {
                link.hand_in(&datagram);
                link.past.push(datagram);
            }
        }
        10 if !link.past.is_empty() => {
            let datagram = link.past[input.below(link.past.len())].clone();
            link.hand_in(&datagram);
        }
        11 => deliver_changed(link, input),
        12 => deliver(link, input, |datagram, input| {
            datagram.from = stranger(input.byte());
        }),
        13 => made_up(link, input),
        14 => {
            let time = u64::from(input.byte());
            link.settle_without_network(ms(time * time));
        }
        15 => link.listen(host, !link.hosts[host].listens),
        16 if input.one_in(4) => link.restart(host),
        17 if input.one_in(3) && !link.flooded => flood(link, input, host),
        17 => {
            let last = u8::try_from(host).unwrap();
            link.hosts[host].address = ([198, 51, 100, last], 1_000 + u16::from(input.byte())).into();
        }
        _ => {}
    }
}

/// Nobody's address: what is sent there is lost.
fn stranger(number: u8) -> std::net::SocketAddr {
    ([192, 0, 2, number], 666).into()
}

fn connect(link: &mut Link, input: &mut Input<'_>, host: usize) {
    let other = &link.hosts[1 - host];
    let (address, service, id) = (other.address, other.serves, other.identity.id());
    let expect = match input.below(4) {
        0 => None,
        1 => Some(link.hosts[host].identity.id()),
        _ => Some(id),
    };
    let connect = |attempt| Connect {
        attempt,
        address,
        service,
        expect,
        interval: ms(500),
        initials: 5,
    };
    link.connect(host, connect);
}

fn choose(link: &Link, input: &mut Input<'_>, host: usize) -> Option<SessionId> {
    let open = &link.hosts[host].open;
    let place = input.below(open.len());
    open.keys().nth(place).copied()
}

fn send(link: &mut Link, input: &mut Input<'_>, host: usize) {
    let Some(session) = choose(link, input, host) else {
        return;
    };
    let len = usize::from(input.u16()).min(MESSAGE_BYTES_MAX - 100);
    let room = link.hosts[host].endpoint.room(session);
    let taken = link.send(host, session, len);
    if len + 200 < room {
        assert_eq!(taken, Ok(()), "there was room for {len}: {room}");
    }
    // Whoever does not listen does not know of its end.
    assert!(taken != Err(SendFault::Gone) || !link.hosts[host].listens);
}

/// A datagram arrives that was changed by something that does not know the keys.
fn deliver(link: &mut Link, input: &mut Input<'_>, change: impl Fn(&mut Datagram, &mut Input<'_>)) {
    if let Some(mut datagram) = link.take_flying(input.byte().into()) {
        change(&mut datagram, input);
        link.hand_in(&datagram);
    }
}

/// Other bytes than were sent: of no effect, but that an answer may be asked for.
fn deliver_changed(link: &mut Link, input: &mut Input<'_>) {
    let Some(mut datagram) = link.take_flying(input.byte().into()) else {
        return;
    };
    let at = usize::from(input.u16()) % datagram.bytes.len();
    if input.one_in(2) {
        datagram.bytes[at] ^= input.byte().max(1);
    } else {
        datagram.bytes.truncate(at);
    }
    let came = link.hand_in(&datagram);
    assert_eq!(came, 0, "a changed datagram leads to nothing");
}

/// Bytes from nowhere, or behind a true header.
fn made_up(link: &mut Link, input: &mut Input<'_>) {
    let header = match link.past.last() {
        Some(datagram) if input.one_in(2) => datagram.bytes[..datagram.bytes.len().min(17)].to_vec(),
        _ => Vec::new(),
    };
    let len = usize::from(input.byte());
    let to = link.hosts[input.below(2)].address;
    let datagram = Datagram {
        from: stranger(input.byte()),
        to,
        bytes: [&header, input.take(len)].concat(),
    };
    let came = link.hand_in(&datagram);
    assert_eq!(came, 0, "nobody has said this");
}

/// Strangers begin more handshakes than are answered without a cookie. Once: it takes longer than all else together.
fn flood(link: &mut Link, input: &mut Input<'_>, host: usize) {
    let to = link.hosts[host].address;
    let salt = input.byte();
    link.flooded = true;
    for number in 0..FLOOD {
        let mut noise = [salt; 32];
        noise[..2].copy_from_slice(&number.to_be_bytes());
        let initial = Packet::Initial {
            source: number.into(),
            cookie: None,
            noise,
        };
        let bytes = initial.encode();
        let from = stranger(salt);
        assert_eq!(link.hand_in(&Datagram { from, to, bytes }), 0);
    }
}

/// Whatever was before: a new session works both ways, and then it becomes quiet.
fn heal(link: &mut Link) {
    for host in 0..2 {
        link.listen(host, true);
    }
    link.settle(Duration::from_secs(60));
    let (address, service) = (link.hosts[1].address, link.hosts[1].serves);
    let expect = Some(link.hosts[1].identity.id());
    let before = [0, 1].map(|host| link.hosts[host].latest);
    link.connect(0, |attempt| Connect {
        attempt,
        address,
        service,
        expect,
        interval: ms(500),
        initials: 5,
    });
    link.settle(Duration::from_secs(5));
    let received = link.received();
    for (host, before) in before.into_iter().enumerate() {
        let latest = link.hosts[host].latest;
        assert!(latest != before, "a new session comes up");
        assert_eq!(link.send(host, latest.unwrap(), 100), Ok(()));
    }
    link.settle(Duration::from_secs(10));
    assert_eq!(link.received(), received + 2, "it works both ways");
    link.settle(Duration::from_secs(400));
    let sent = link.sent;
    link.settle(Duration::from_secs(100));
    assert_eq!(link.sent, sent, "it becomes quiet");
    // A client keeps its session with the registry; peers let go of theirs.
    assert!(link.hosts.iter().all(|host| host.endpoint.sessions() <= 1));
}
