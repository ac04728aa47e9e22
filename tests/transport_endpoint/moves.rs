//! A side changes its address, or an attacker pretends so.

use udpchat::transport::{SessionEvent, Sessions};

use crate::net::{DELAY, Net, address, ms};

const ELSEWHERE: &str = "192.0.2.77:7777";

fn moves(net: &Net, host: usize) -> usize {
    let events = net.hosts[host].events.iter();
    events
        .filter(|event| matches!(event, SessionEvent::Moved { .. }))
        .count()
}

#[test]
fn a_client_that_moves_is_followed_after_a_challenge() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let old = net.hosts[1].address;
    net.hosts[1].address = address(ELSEWHERE);
    net.send(1, client, b"from elsewhere");
    net.run(DELAY + ms(1));
    let path = net.hosts[0].endpoint.path(registry).unwrap();
    assert_eq!(path.address, old, "not before it has answered");
    assert!(net.bytes_to(address(ELSEWHERE)) > 0, "it is asked");
    net.run(ms(500));
    let path = net.hosts[0].endpoint.path(registry).unwrap();
    assert_eq!(path.address, address(ELSEWHERE));
    assert_eq!(moves(&net, 0), 1);
    net.send(0, registry, b"to elsewhere");
    net.run(ms(1_000));
    assert_eq!(net.hosts[0].messages(), [(registry, b"from elsewhere".to_vec())]);
    assert_eq!(net.hosts[1].messages(), [(client, b"to elsewhere".to_vec())]);
    assert_eq!(net.hosts[0].closed(), []);
}

#[test]
fn a_client_behind_a_long_queue_is_followed_when_its_answer_comes() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    net.hosts[1].address = address(ELSEWHERE);
    // Longer than one candidate is asked; and the client has something to say all the time.
    net.rule = Box::new(|datagram| match datagram.to == address(ELSEWHERE) {
        true => vec![ms(5_000)],
        false => vec![DELAY],
    });
    for _ in 0..40 {
        net.send(1, client, b"still here");
        net.run(ms(250));
    }
    let path = net.hosts[0].endpoint.path(registry).unwrap();
    assert_eq!(path.address, address(ELSEWHERE));
    assert_eq!(moves(&net, 0), 1);
}

#[test]
fn a_session_moves_at_most_once_a_second() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    for step in 0..20 {
        net.hosts[1].address = address(&format!("192.0.2.77:{}", 1_000 + step));
        net.send(1, client, b"here");
        net.run(ms(100));
    }
    assert!(
        (1..=3).contains(&moves(&net, 0)),
        "{} moves in two seconds",
        moves(&net, 0)
    );
    net.run(ms(5_000));
    net.send(1, client, b"at rest");
    net.run(ms(5_000));
    assert_eq!(net.hosts[0].messages().len(), 21);
}

#[test]
fn a_copy_sent_on_from_elsewhere_does_not_move_a_session() {
    // The attacker sees the road, is faster than it, and carries answers on as well.
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let home = net.hosts[1].address;
    for round in 0..30 {
        net.send(1, client, b"hello");
        let copy = net.sent.iter().rev().find(|d| d.from == home).unwrap().clone();
        net.inject(0, address(ELSEWHERE), &copy.bytes);
        net.run(ms(40));
        assert_eq!(
            net.hosts[0].endpoint.path(registry).unwrap().address,
            home,
            "round {round}"
        );
        net.run(ms(160));
    }
    assert_eq!(moves(&net, 0), 0);
    let to_attacker = net.bytes_to(address(ELSEWHERE));
    assert!(to_attacker <= 3 * 30 * 60, "{to_attacker} bytes");
    assert_eq!(net.hosts[0].messages().len(), 30);
}

#[test]
fn an_old_packet_from_elsewhere_is_not_even_asked_about() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    let home = net.hosts[1].address;
    let mut held = None;
    for text in [b"one", b"two"] {
        net.hosts[1]
            .endpoint
            .send(net.now, client, text.to_vec())
            .unwrap();
        let transmit = net.hosts[1].endpoint.poll_transmit(net.now).unwrap();
        if held.is_none() {
            held = Some(transmit.bytes);
        } else {
            net.inject(0, home, &transmit.bytes);
        }
    }
    net.inject(0, address(ELSEWHERE), &held.unwrap());
    net.run(ms(3_000));
    assert_eq!(net.bytes_to(address(ELSEWHERE)), 0);
    assert_eq!(net.hosts[0].messages().len(), 2);
}

#[test]
fn a_challenge_without_an_answer_is_given_up() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let home = net.hosts[1].address;
    net.hosts[1]
        .endpoint
        .send(net.now, client, b"taken away".to_vec())
        .unwrap();
    let taken = net.hosts[1].endpoint.poll_transmit(net.now).unwrap();
    net.inject(0, address(ELSEWHERE), &taken.bytes);
    net.run(ms(20_000));
    let asked = net.sent.iter().filter(|d| d.to == address(ELSEWHERE)).count();
    assert!((1..=3).contains(&asked), "{asked} challenges");
    assert!(net.bytes_to(address(ELSEWHERE)) <= 3 * taken.bytes.len());
    assert_eq!(net.hosts[0].endpoint.path(registry).unwrap().address, home);
    assert_eq!(net.hosts[0].messages().len(), 1);
}

#[test]
fn a_machine_answers_from_the_address_that_was_asked() {
    let mut net = Net::registry_and_client();
    net.hosts[0].second = Some("192.0.2.99".parse().unwrap());
    let home = std::mem::replace(&mut net.hosts[0].address, address("192.0.2.99:1000"));
    net.connect(1, 0);
    // The system would send from the other one by itself.
    net.hosts[0].second = Some(net.hosts[0].address.ip());
    net.hosts[0].address = home;
    net.run(ms(1_000));
    let (client, registry) = (net.hosts[1].opened()[0], net.hosts[0].opened()[0]);
    net.send(0, registry, b"from there");
    net.run(ms(1_000));
    assert_eq!(net.hosts[1].messages(), [(client, b"from there".to_vec())]);
    assert_eq!(net.hosts[1].closed(), []);
    assert_eq!(moves(&net, 1), 0);
    // That address goes, and the other one is left.
    net.hosts[0].second = None;
    net.send(0, registry, b"from home");
    net.run(ms(5_000));
    assert_eq!(net.hosts[1].messages().len(), 2);
    assert_eq!(net.hosts[1].endpoint.path(client).unwrap().address, home);
}

#[test]
fn a_challenge_sent_on_in_anothers_name_is_not_answered_with_more_than_three_times_its_size() {
    let mut net = Net::registry_and_client();
    let (client, _) = net.open(1, 0);
    net.hosts[1].address = address(ELSEWHERE);
    net.send(1, client, b"from elsewhere");
    net.run(DELAY + ms(1));
    let to = address(ELSEWHERE);
    let challenge = net.sent.iter().rev().find(|d| d.to == to).unwrap().clone();
    // The attacker is faster than the road, and then cuts it.
    net.rule = Box::new(|_| Vec::new());
    let victim = address("203.0.113.66:666");
    net.inject(1, victim, &challenge.bytes);
    net.run(ms(20_000));
    let (sent, most) = (net.bytes_to(victim), 3 * challenge.bytes.len());
    assert!((1..=most).contains(&sent), "{sent} bytes, for {most} at most");
}

/// When host 0 took the new address for good: the challenge was sent, and answered.
fn moved_at(net: &mut Net) -> udpchat::clock::Instant {
    net.run_until("a move", |net| moves(net, 0) == 1);
    net.now
}

#[test]
fn what_went_the_old_way_is_sent_again_as_soon_as_the_new_one_is_known() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    net.hosts[1].address = address(ELSEWHERE);
    // It goes to where nobody is any more.
    net.send(0, registry, b"alone");
    net.send(1, client, b"from elsewhere");
    let moved = moved_at(&mut net);
    net.run_until("the message", |net| !net.hosts[1].messages().is_empty());
    assert_eq!(net.now.since(moved), DELAY);
}

#[test]
fn a_move_in_the_middle_of_a_transfer_does_not_stop_it() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let text = vec![7; 1_000];
    for _ in 0..900 {
        net.hosts[0]
            .endpoint
            .send(net.now, registry, text.clone())
            .unwrap();
    }
    net.drain(0);
    net.run(ms(150));
    net.hosts[1].address = address(ELSEWHERE);
    net.send(1, client, b"from elsewhere");
    let moved = moved_at(&mut net);
    net.run(ms(10));
    let to = address(ELSEWHERE);
    let first = net.sent.iter().filter(|d| d.to == to && d.bytes.len() > 1_000);
    assert!(first.count() >= 10, "a first flight, as on any new path");
    net.run_until("the rest", |net| net.hosts[1].messages().len() == 900);
    let took = net.now.since(moved);
    assert!(took < ms(500), "{took:?}");
    // What came late by the old way was not lost, and says nothing of the new one.
    assert_eq!(net.hosts[0].closed(), []);
}
