//! Who may have a new name: reserved words, the number of names, and how many come from one network.
//!
//! Names that are taken are the members' business. Invariant: no more than `NETWORKS_MAX` networks are counted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::clock::Instant;
use crate::id::Name;
use crate::limits::NETWORKS_MAX;
use crate::rate::Bucket;
use crate::registry::config::Config;
use crate::reserved;
use crate::subnet::Subnet;
use crate::wire::message::RegistrationRefusal;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Admission {
    networks: BTreeMap<Subnet, Bucket>,
}

impl Admission {
    /// Lets a new name in, or says why not.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        config: &Config,
        names: usize,
        name: &Name,
        from: IpAddr,
    ) -> Result<(), RegistrationRefusal> {
        if reserved::is_reserved(name) {
            return Err(RegistrationRefusal::NameReserved);
        }
        if names >= config.names_max {
            return Err(RegistrationRefusal::Full);
        }
        let network = Subnet::of(from);
        if self.networks.len() >= NETWORKS_MAX && !self.networks.contains_key(&network) {
            self.networks.retain(|_, bucket| !bucket.is_full(now));
            if self.networks.len() >= NETWORKS_MAX {
                return Err(RegistrationRefusal::Full);
            }
        }
        self.networks
            .entry(network)
            .or_default()
            .take(now, &config.new_names)
            .map_err(|_| RegistrationRefusal::Full)
    }

    /// A name that was let in was not committed: it does not count.
    pub(super) fn give_back(&mut self, config: &Config, from: IpAddr) {
        if let Some(bucket) = self.networks.get_mut(&Subnet::of(from)) {
            bucket.give_back(&config.new_names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_does_not_use_up_anothers_names() {
        let (mut admission, config) = (Admission::default(), Config::default());
        let mut admit = |at_s: u64, from: &str| {
            let name = "bob".parse().unwrap();
            let now = Instant::from_micros(at_s * 1_000_000);
            admission.admit(now, &config, 0, &name, from.parse().unwrap())
        };
        for host in 0..20 {
            assert_eq!(admit(0, &format!("192.0.2.{host}")), Ok(()));
        }
        assert_eq!(admit(179, "192.0.2.99"), Err(RegistrationRefusal::Full));
        assert_eq!(admit(179, "192.0.3.99"), Ok(()));
        assert_eq!(
            admit(180, "192.0.2.99"),
            Ok(()),
            "one more after a twentieth of an hour"
        );
    }
}
