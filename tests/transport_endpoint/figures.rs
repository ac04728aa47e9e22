//! What an endpoint tells of its sessions in figures, while they live and afterwards.

use udpchat::transport::Sessions;
use udpchat::wire::frame::CloseCode;

use crate::net::{Net, ms};

#[test]
fn a_session_tells_what_it_did_and_the_endpoint_remembers_when_it_ended() {
    let mut net = Net::registry_and_client();
    let (client, registry) = net.open(1, 0);
    let mut lost = 0;
    net.rule = Box::new(move |datagram| {
        let is_first = lost == 0 && datagram.kind() == "data";
        lost += u32::from(is_first);
        if is_first { vec![] } else { vec![crate::net::DELAY] }
    });
    net.send(1, client, b"lost once");
    net.run(ms(2_000));
    let ours = net.hosts[1].endpoint.session_stats(client).unwrap();
    let theirs = net.hosts[0].endpoint.session_stats(registry).unwrap();
    assert_eq!(
        ours.counts.retransmitted, 2,
        "a probe timeout sends two: {ours:?}"
    );
    assert_eq!(theirs.counts.retransmitted, 0, "{theirs:?}");
    assert!(ours.rtt >= ours.rtt_min && ours.rtt_min >= ms(40), "{ours:?}");
    assert!(ours.congestion_window > 0);
    assert_eq!(net.hosts[1].endpoint.counts(), ours.counts);

    let now = net.now;
    net.hosts[1].endpoint.close(now, client, CloseCode::Done);
    net.drain(1);
    net.run(ms(2_000));
    for (host, session, before) in [(1, client, ours), (0, registry, theirs)] {
        let endpoint = &net.hosts[host].endpoint;
        assert!(endpoint.session_stats(session).is_none());
        let after = endpoint.counts();
        assert_eq!(after.retransmitted, before.counts.retransmitted);
        assert!(after.packets_sent >= before.counts.packets_sent, "{after:?}");
        assert!(after.bytes_received >= before.counts.bytes_received, "{after:?}");
    }
}
