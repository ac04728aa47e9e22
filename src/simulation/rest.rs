//! Whether programs in which all has ended have given back what they took.
//!
//! Programs say themselves what they hold; that they hold what they say shows in worlds where it is too little.
//! Invariant: asks, and changes nothing.

use super::world::{Site, World};
use crate::{client, registry, transport};

impl World {
    /// What a site's program holds though all has ended; `None` if nothing. Each client has a session with the registry
    /// still: whoever was there once more is not heard of any more.
    pub(super) fn still_holds(&self, site: Site) -> Option<String> {
        let load = self.load(site);
        let (most, (transport, role)) = match site {
            Site::Registry => (self.people.len(), self.registry_holds()?),
            Site::Person(number) => (1, self.person_holds(number)?),
        };
        let mut held: Vec<String> = role.into_iter().collect();
        if load.sessions > most {
            held.push(format!("{} sessions", load.sessions));
        }
        if transport != transport::Holding::default() {
            held.push(format!("{transport:?}"));
        }
        if load.requests > 0 {
            held.push(format!("{} requests at its disk", load.requests));
        }
        (!held.is_empty()).then(|| format!("{} holds {}", self.name(site), held.join(", ")))
    }

    fn registry_holds(&self) -> Option<(transport::Holding, Option<String>)> {
        let node = self.registry.node()?;
        let holding = node.role().holding();
        let held = holding != registry::Holding::default();
        Some((node.endpoint().holding(), held.then(|| format!("{holding:?}"))))
    }

    /// What a restored folder takes for kept it has to hold, each with its record.
    fn person_holds(&self, number: usize) -> Option<(transport::Holding, Option<String>)> {
        let node = self.people.get(number)?.machine.node()?;
        let holding = node.role().holding();
        let kept = self.ledger.beyond_asking(number);
        let rest = client::Holding {
            unfinished: kept,
            records: kept,
            ..client::Holding::default()
        };
        Some((
            node.endpoint().holding(),
            (holding != rest).then(|| format!("{holding:?}")),
        ))
    }
}
