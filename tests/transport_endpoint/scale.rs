//! Many sessions on one endpoint: what an idle one costs, and that none is looked at without need.

use std::net::SocketAddr;

use udpchat::wire::packet::Service;

use crate::net::{Net, ms};

#[test]
fn a_thousand_sessions_come_up_and_each_gets_its_own_messages() {
    let mut net = Net::default();
    net.add("192.0.2.1:1000", 1, Service::Registry);
    let count = 250u8;
    for n in 0..count {
        let at = SocketAddr::from(([198, 51, 100, n], 2_000));
        net.add(&at.to_string(), n.wrapping_add(2), Service::Peer);
        net.connect(usize::from(n) + 1, 0);
    }
    net.run(ms(5_000));
    assert_eq!(net.hosts[0].endpoint.sessions(), usize::from(count));
    for session in net.hosts[0].opened() {
        net.send(0, session, &session.0.to_be_bytes());
    }
    net.run(ms(1_000));
    assert!(net.hosts[1..].iter().all(|host| host.messages().len() == 1));
}
