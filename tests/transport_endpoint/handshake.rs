//! Sessions come up: on a good network, with each datagram lost, doubled, crossing, or with the wrong person.

use std::time::Duration;

use udpchat::transport::{CloseCause, ConnectFault, SendFault, SessionEvent, Sessions};
use udpchat::wire::frame::CloseCode;
use udpchat::wire::packet::Service;

use crate::net::{DELAY, Net, ms};

#[test]
fn a_session_comes_up_and_carries_messages_both_ways() {
    let mut net = Net::registry_and_client();
    let (theirs, ours) = {
        let (client, registry) = net.open(1, 0);
        (registry, client)
    };
    assert_eq!(net.hosts[1].failed(), []);
    let SessionEvent::Opened {
        peer,
        service,
        address,
        attempt,
        ..
    } = net.hosts[0].events[0]
    else {
        panic!("the registry is told of the session first");
    };
    assert_eq!((peer.id, service), (net.hosts[1].id, Service::Registry));
    assert_eq!((address, attempt), (net.hosts[1].address, None));
    net.send(1, ours, b"from the client");
    net.send(0, theirs, b"from the registry");
    net.run(ms(1_000));
    assert_eq!(net.hosts[0].messages(), [(theirs, b"from the client".to_vec())]);
    assert_eq!(net.hosts[1].messages(), [(ours, b"from the registry".to_vec())]);
}

#[test]
fn a_message_sent_at_once_travels_in_the_finish() {
    let mut net = Net::registry_and_client();
    net.hosts[1].greeting = Some(b"hello".to_vec());
    net.connect(1, 0);
    net.run(DELAY * 3);
    assert_eq!(net.hosts[0].messages()[0].1, b"hello");
    let kinds: Vec<_> = net.sent.iter().map(|datagram| datagram.kind()).collect();
    assert_eq!(kinds[..3], ["initial", "response", "finish"]);
}

#[test]
fn large_messages_arrive_whole() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    let large: Vec<u8> = (0..65_000u32).map(|n| n.to_le_bytes()[0]).collect();
    net.send(1, client, &large);
    net.run_until("the message", |net| !net.hosts[0].messages().is_empty());
    assert_eq!(net.hosts[0].messages()[0].1, large);
}

#[test]
fn the_loss_of_any_one_of_the_first_datagrams_only_costs_time() {
    for lost in 0..8 {
        let mut net = Net::registry_and_client();
        let mut index = 0;
        net.rule = Box::new(move |_| {
            index += 1;
            if index == lost + 1 { vec![] } else { vec![DELAY] }
        });
        let (client, registry) = net.open(1, 0);
        net.send(1, client, b"to");
        net.send(0, registry, b"fro");
        net.run(ms(5_000));
        assert_eq!(
            net.hosts[0].messages(),
            [(registry, b"to".to_vec())],
            "{lost} lost"
        );
        assert_eq!(
            net.hosts[1].messages(),
            [(client, b"fro".to_vec())],
            "{lost} lost"
        );
        assert_eq!(net.hosts[0].opened().len() + net.hosts[1].opened().len(), 2);
    }
}

#[test]
fn a_doubled_and_late_network_opens_one_session() {
    let mut net = Net::registry_and_client();
    net.rule = Box::new(|_| vec![DELAY, DELAY * 3, Duration::from_secs(2)]);
    let (client, registry) = net.open(1, 0);
    net.send(1, client, b"once");
    net.run(ms(30_000));
    assert_eq!(net.hosts[0].messages(), [(registry, b"once".to_vec())]);
    assert_eq!(net.hosts[0].opened().len() + net.hosts[1].opened().len(), 2);
    assert_eq!(net.hosts[0].closed(), []);
    assert_eq!(net.hosts[1].closed(), []);
}

#[test]
fn a_repeated_initial_gets_the_same_response() {
    let mut net = Net::registry_and_client();
    net.lose("response");
    net.connect(1, 0);
    net.run(ms(2_100));
    let responses = net.sent_of("response");
    assert_eq!(responses.len(), 5);
    assert!(
        responses
            .iter()
            .all(|response| response.bytes == responses[0].bytes)
    );
    assert_eq!(net.hosts[0].endpoint.stats().handshakes_answered, 1);
}

#[test]
fn a_finish_is_repeated_as_it_is_until_something_comes_back() {
    let mut net = Net::registry_and_client();
    net.hosts[1].greeting = Some(b"once".to_vec());
    net.lose("finish");
    net.connect(1, 0);
    net.run(ms(2_000));
    assert_eq!(
        net.hosts[0].opened(),
        [],
        "data without a handshake opens nothing"
    );
    net.rule = Box::new(|_| vec![DELAY]);
    net.run(ms(5_000));
    let finishes = net.sent_of("finish");
    assert!((3..10).contains(&finishes.len()), "{} of them", finishes.len());
    assert!(finishes.iter().all(|finish| finish.bytes == finishes[0].bytes));
    assert_eq!(net.hosts[0].messages().len(), 1);
    assert_eq!(net.count("reset"), 0);
}

/// How soon one asks again to whom that round trip was told first: RFC 9002 §5.3 and §6.2.1, without the delay allowed.
fn asks_again_after(net: &Net, host: usize) -> Duration {
    let session = *net.hosts[host].opened().last().unwrap();
    net.hosts[host].endpoint.session_stats(session).unwrap().rtt * 3
}

#[test]
fn a_finish_that_was_lost_or_had_to_wait_says_nothing_of_the_round_trip() {
    for lost_for in [0, 1_500, 6_000] {
        let mut net = Net::registry_and_client();
        net.lose("finish");
        net.connect(1, 0);
        net.run(ms(lost_for));
        net.rule = Box::new(|_| vec![DELAY]);
        net.run_until("a session", |net| !net.hosts[0].opened().is_empty());
        let wait = asks_again_after(&net, 0);
        assert!(wait <= ms(1_000), "{wait:?} after {lost_for} ms");
    }
}

#[test]
fn a_response_that_lay_unread_says_nothing_of_the_round_trip() {
    let mut net = Net::registry_and_client();
    net.connect(1, 0);
    net.run_until("a response", |net| net.count("response") == 1);
    // It comes, and nobody looks for so long.
    net.now = net.now + ms(5_000);
    net.run_until("a session", |net| !net.hosts[1].opened().is_empty());
    let wait = asks_again_after(&net, 1);
    assert!(wait <= ms(1_000), "{wait:?}");
}

#[test]
fn a_finish_is_repeated_within_four_seconds_however_slow_the_path_is() {
    let mut net = Net::registry_and_client();
    net.rule = Box::new(|datagram| match datagram.kind() {
        "finish" => vec![],
        _ => vec![ms(900)],
    });
    net.connect_for(1, 0, Service::Registry, None);
    net.run(ms(16_000));
    let at: Vec<_> = net.sent_of("finish").iter().map(|finish| finish.at).collect();
    assert!(at.len() >= 3, "{at:?}");
    assert!(
        at.windows(2).all(|pair| pair[1].since(pair[0]) <= ms(4_000)),
        "{at:?}"
    );
}

#[test]
fn a_try_without_an_answer_fails_one_interval_after_its_last_initial() {
    let mut net = Net::registry_and_client();
    net.rule = Box::new(|_| vec![]);
    let attempt = net.connect(1, 0);
    net.run(ms(2_499));
    assert_eq!((net.count("initial"), net.hosts[1].failed()), (5, vec![]));
    net.run(ms(1));
    assert_eq!(net.hosts[1].failed(), [(attempt, ConnectFault::Silent)]);
    net.run(ms(60_000));
    assert_eq!(net.sent.len(), 5, "and then it is quiet");
    assert_eq!(net.hosts[1].endpoint.poll_timeout(), None);
}

#[test]
fn an_answer_in_anothers_name_does_not_keep_the_right_one_away() {
    let mut net = Net::registry_and_client();
    let attacker = net.add("203.0.113.3:3000", 3, Service::Registry);
    let (registry, client) = (net.hosts[0].address, net.hosts[1].address);
    let wanted = net.hosts[0].id;
    net.connect_for(1, 0, Service::Registry, Some(wanted));
    // He sees the Initial, and is faster than the road.
    let initial = net.last("initial");
    net.inject(attacker, client, &initial.bytes);
    let response = net.last("response");
    net.inject(1, registry, &response.bytes);
    net.run(ms(200));
    assert_eq!(net.hosts[1].failed(), []);
    assert_eq!(net.hosts[1].opened().len(), 1);
    assert_eq!(net.hosts[0].opened().len(), 1);
    assert_eq!(net.hosts[attacker].opened(), []);
}

#[test]
fn somebody_else_is_told_nothing_and_named() {
    let mut net = Net::registry_and_client();
    let stranger = net.add("203.0.113.3:3000", 3, Service::Registry);
    let wanted = net.hosts[stranger].id;
    let attempt = net.connect_for(1, 0, Service::Registry, Some(wanted));
    net.run(ms(5_000));
    let found = net.hosts[0].id;
    assert!(matches!(
        net.hosts[1].failed()[..],
        [(failed, ConnectFault::OtherIdentity(card))] if failed == attempt && card.id == found
    ));
    assert_eq!(net.count("finish") + net.count("data"), 0);
    assert_eq!(net.hosts[0].opened(), []);
}

#[test]
fn a_client_does_not_pass_for_a_registry() {
    let mut net = Net::two_peers();
    net.connect_for(0, 1, Service::Registry, None);
    net.run(ms(5_000));
    assert_eq!(net.hosts[0].opened().len() + net.hosts[1].opened().len(), 0);
    assert_eq!(net.hosts[0].failed()[0].1, ConnectFault::Silent);
}

#[test]
fn an_abandoned_try_is_silent() {
    let mut net = Net::registry_and_client();
    let attempt = net.connect(1, 0);
    net.hosts[1].endpoint.abandon(attempt);
    net.run(ms(30_000));
    assert_eq!(net.hosts[1].events, []);
    assert_eq!(net.hosts[0].events, []);
}

#[test]
fn a_close_is_told_and_what_was_taken_goes_first() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    net.hosts[1]
        .endpoint
        .send(net.now, client, b"goodbye".to_vec())
        .unwrap();
    net.hosts[1].endpoint.close(net.now, client, CloseCode::Done);
    net.drain(1);
    net.run(ms(10_000));
    let events = &net.hosts[0].events;
    assert_eq!(
        events[events.len() - 2..],
        [
            SessionEvent::Message {
                session: registry,
                bytes: b"goodbye".to_vec()
            },
            SessionEvent::Closed {
                session: registry,
                cause: CloseCause::Remote(CloseCode::Done)
            }
        ]
    );
    assert_eq!(net.hosts[1].closed(), [], "one's own close is not reported");
    let gone = net.hosts[1].endpoint.send(net.now, client, vec![1]);
    assert_eq!(gone, Err(SendFault::Gone));
    let sent = net.sent.len();
    net.run(ms(60_000));
    assert_eq!(net.sent.len(), sent, "and then it is quiet");
}
