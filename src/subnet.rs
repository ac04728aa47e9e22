//! Networks as far as one owner goes: what one household or one rented machine may have of addresses.
//!
//! What is shared among strangers (handshakes, sessions, new names) is shared by these and not by addresses, of which
//! one owner has many. Invariant: an IPv4 address and the same one mapped into IPv6 are of one network.

use std::net::IpAddr;

/// An IPv4 /24 or an IPv6 /56 (RFC 6177: what a site is given).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet([u8; 8]);

impl Subnet {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self([4, a, b, c, 0, 0, 0, 0])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, ..] = address.octets();
                Self([6, a, b, c, d, e, f, g])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_24_or_a_56_and_a_mapped_address_is_version_4() {
        let of = |text: &str| Subnet::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.250"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.9"));
        assert_eq!(of("2001:db8:0:ff::1"), of("2001:db8:0:0::2"));
        assert_ne!(of("2001:db8:0:100::1"), of("2001:db8:0:0::2"));
        assert_ne!(of("192.0.2.1"), of("c000:200::1"));
    }
}
