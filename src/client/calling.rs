//! Where a peer may be called, from what is said of him.
//!
//! Addresses only; who is called, and when, is `delivery`'s business.
//! Invariant: nothing is called that is not one machine, and nothing as somebody's own network that is not one.

use std::net::{IpAddr, SocketAddr};

use crate::wire::message::Addresses;

/// Addresses of a peer's own network that are tried. However many he announces, the observed one is tried with them.
const PRIVATE_TRIED_MAX: usize = 2;

/// Where to try somebody who is online, best first: his own network's addresses are told only to those who share it.
pub(super) fn places(online: &Addresses) -> Vec<SocketAddr> {
    let mut all = online.private.as_slice().to_vec();
    all.retain(|address| is_private(address.ip()) && is_somebodys(*address));
    all.truncate(PRIVATE_TRIED_MAX);
    all.push(online.observed);
    all
}

/// Whether one machine can be reached there: others tell us addresses, and we are not to be made to call a crowd.
pub fn is_somebodys(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// Whether an address is one of a network of its own (RFC 1918, RFC 3927, RFC 6598, RFC 4193, RFC 4291 §2.5.6) or of
/// this machine: who announces another as his own may mean somebody else's.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}
