//! How sessions end: restarts, silence, idleness, a lost Close.

use std::time::Duration;

use udpchat::limits::{SESSION_IDLE, SESSION_SILENCE};
use udpchat::transport::{CloseCause, DropCause};
use udpchat::wire::frame::CloseCode;
use udpchat::wire::packet::RESET_BYTES;

use crate::net::{DELAY, Net, address, ms};

#[test]
fn a_restarted_side_says_so_and_a_new_session_works() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    net.restart(0);
    net.send(1, client, b"lost with the session");
    net.run(ms(1_000));
    assert_eq!(net.hosts[1].closed(), [(client, CloseCause::Reset)]);
    assert!(net.count("reset") >= 1);
    assert_eq!(net.last("reset").bytes.len(), RESET_BYTES);
    let (client, registry) = net.open(1, 0);
    net.send(1, client, b"again");
    net.run(ms(1_000));
    assert_eq!(net.hosts[0].messages(), [(registry, b"again".to_vec())]);
}

#[test]
fn a_client_that_was_restarted_is_back_at_once() {
    let mut net = Net::registry_and_client();
    let (_, old) = net.open(1, 0);
    net.restart(1);
    let (client, registry) = net.open(1, 0);
    assert_eq!(net.hosts[0].closed(), [(old, CloseCause::Replaced(registry))]);
    net.send(0, registry, b"welcome back");
    net.run(ms(1_000));
    assert_eq!(net.hosts[1].messages(), [(client, b"welcome back".to_vec())]);
}

#[test]
fn resets_are_limited_and_never_answered() {
    let mut net = Net::registry_and_client();
    let limit = u64::from(udpchat::limits::RESETS_PER_SECOND_MAX);
    for index in 0..3 * limit {
        let mut datagram = udpchat::wire::packet::data_header(index, 1).to_vec();
        datagram.extend([0; 16]);
        net.inject(0, address("192.0.2.66:666"), &datagram);
    }
    assert_eq!(net.hosts[0].endpoint.stats().resets_sent, limit);
    let reset = net.last("reset");
    let sent = net.sent.len();
    net.inject(0, address("192.0.2.66:666"), &reset.bytes);
    net.inject(1, address("192.0.2.66:666"), &reset.bytes);
    assert_eq!(net.sent.len(), sent);
    assert_eq!(net.hosts[1].endpoint.stats().dropped(DropCause::Unasked), 1);
}

#[test]
fn a_data_packet_too_short_to_be_one_gets_no_reset() {
    let mut net = Net::registry_and_client();
    let mut datagram = udpchat::wire::packet::data_header(7, 1).to_vec();
    datagram.extend([0; 15]);
    net.inject(0, address("192.0.2.66:666"), &datagram);
    assert_eq!(net.sent.len(), 0);
}

#[test]
fn a_lost_close_is_repeated_when_the_other_side_goes_on() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let mut lost = false;
    net.rule = Box::new(move |_| {
        if std::mem::replace(&mut lost, true) {
            vec![DELAY]
        } else {
            vec![]
        }
    });
    net.hosts[1].endpoint.close(net.now, client, CloseCode::Done);
    net.drain(1);
    net.run(ms(300));
    assert_eq!(net.hosts[0].closed(), []);
    net.send(0, registry, b"are you there?");
    net.run(ms(2_000));
    assert_eq!(
        net.hosts[0].closed(),
        [(registry, CloseCause::Remote(CloseCode::Done))]
    );
    assert_eq!(
        net.hosts[1].messages(),
        [],
        "nothing more comes from a closed session"
    );
}

#[test]
fn a_side_that_is_gone_is_noticed_when_something_is_asked() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    net.rule = Box::new(|_| vec![]);
    net.send(1, client, b"anybody?");
    net.run(SESSION_SILENCE * 2);
    assert_eq!(net.hosts[1].closed(), [(client, CloseCause::Silent)]);
    let sent = net.sent.len();
    net.run(Duration::from_secs(600));
    assert_eq!(net.sent.len(), sent, "and then it is quiet");
}

#[test]
fn a_finish_that_never_arrives_ends_in_silence() {
    let mut net = Net::registry_and_client();
    net.rule = Box::new(|datagram| {
        let passes = matches!(datagram.kind(), "initial" | "response");
        if passes { vec![DELAY] } else { vec![] }
    });
    net.connect(1, 0);
    net.run(SESSION_SILENCE * 3);
    assert_eq!(net.hosts[1].closed().len(), 1, "{:?}", net.events_of_all());
    assert_eq!(net.hosts[1].closed()[0].1, CloseCause::Silent);
    assert_eq!(net.hosts[0].opened(), []);
    assert_eq!(net.hosts[1].endpoint.sessions(), 0);
    assert!(net.count("finish") < 20, "with backoff: {}", net.count("finish"));
}

#[test]
fn peers_let_go_of_an_idle_session_but_registries_do_not() {
    let mut net = Net::two_peers();
    let (ours, theirs) = net.open(0, 1);
    net.run(SESSION_IDLE * 2);
    let causes = [net.hosts[0].closed(), net.hosts[1].closed()];
    let fine = |cause: CloseCause| matches!(cause, CloseCause::Idle | CloseCause::Remote(CloseCode::Done));
    assert_eq!((causes[0][0].0, causes[1][0].0), (ours, theirs));
    assert!(fine(causes[0][0].1) && fine(causes[1][0].1), "{causes:?}");

    let mut net = Net::registry_and_client();
    net.open(1, 0);
    net.run(SESSION_IDLE * 2);
    assert_eq!((net.hosts[0].closed(), net.hosts[1].closed()), (vec![], vec![]));
}

#[test]
fn a_session_with_nothing_to_say_is_quiet() {
    let mut net = Net::registry_and_client();
    net.open(1, 0);
    net.run(ms(2_000));
    let sent = net.sent.len();
    net.run(SESSION_IDLE / 2);
    assert_eq!(net.sent.len(), sent);
}

#[test]
fn last_words_leave_before_a_close_and_it_waits_for_no_window() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    let endpoint = &mut net.hosts[1].endpoint;
    for _ in 0..100 {
        endpoint.send(net.now, client, vec![7; 1_000]).unwrap();
    }
    endpoint.close(net.now, client, CloseCode::Done);
    net.drain(1);
    net.run(DELAY);
    let closed = net.hosts[0].closed();
    assert!(
        matches!(closed[..], [(_, CloseCause::Remote(CloseCode::Done))]),
        "{closed:?}"
    );
    let came = net.hosts[0].messages().len();
    assert!((8..20).contains(&came), "a first flight, not {came}");
}
