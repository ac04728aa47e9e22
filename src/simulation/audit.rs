//! What the databases say themselves, held against the ledger, and against each other once all is well.
//!
//! Invariant: asks, and changes nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::invariant::Invariant;
use super::ledger::KeptRow;
use super::world::{World, WorldFault, broken};
use crate::client::storage::KnownRoom;
use crate::id::Name;
use crate::registry::rooms::storage::RoomRow;
use crate::registry::storage::{Kept, MemberId, Reply};
use crate::wire::room::Hall;

impl World {
    /// What the ledger takes for kept, or for ended there, stands so in the registry's database.
    pub(super) fn compare_mailboxes(&mut self) {
        for row in self.ledger.rows() {
            self.compare_row(row);
        }
    }

    /// The same of one message.
    pub(super) fn compare_row(&mut self, row: KeptRow) {
        let KeptRow {
            number,
            question,
            waits,
        } = row;
        let found = match self.registry.disk.look(question) {
            Some(Reply::Deposit(kept)) => Some(kept),
            _ => None,
        };
        let as_known = match found {
            Some(Kept::Waiting) => waits,
            Some(Kept::Ended { .. }) => !waits,
            _ => false,
        };
        if !as_known {
            let known = if waits { "waits" } else { "has ended" };
            let what = format!("#{number} {known} at the registry, and its database says {found:?}");
            self.ledger.violated(self.now.at, Invariant::KeptUntilKnown, what);
        }
    }

    /// Whose copy of the table differs from what is so. Whoever has left need not know the rest; where names are looked up
    /// there is no copy, and without a registry no table.
    pub(super) fn tables_that_differ(&mut self) -> Result<Vec<String>, WorldFault> {
        let mut differ = Vec::new();
        if self.people.len() > self.plan.trouble.pushed || !self.plan.registry {
            return Ok(differ);
        }
        let truth: Vec<(Name, Option<SocketAddr>)> = self
            .people
            .iter()
            .map(|person| {
                (
                    person.name.clone(),
                    (!person.away).then_some(person.machine.address),
                )
            })
            .collect();
        for person in self.people.iter_mut().filter(|person| !person.away) {
            let image = person.machine.disk.restart().map_err(broken)?;
            let records = image.registries.iter().flat_map(|registry| &registry.directory);
            let known: BTreeMap<&str, Option<SocketAddr>> = records
                .map(|listed| {
                    let online = listed.record.presence.online.as_ref();
                    (listed.record.name.as_str(), online.map(|online| online.observed))
                })
                .collect();
            for (name, address) in truth.iter().filter(|(name, _)| *name != person.name) {
                let found = known.get(name.as_str());
                if found != Some(address) {
                    differ.push(format!(
                        "{} knows {name} at {found:?}, not at {address:?}",
                        person.name
                    ));
                }
            }
        }
        Ok(differ)
    }

    /// Who takes himself to be in other rooms than those that the registry has him in.
    pub(super) fn rooms_known_otherwise(&mut self) -> Result<Vec<String>, WorldFault> {
        let image = self.registry.disk.restart().map_err(broken)?;
        let name_of = |member: MemberId| {
            let row = image.members.iter().find(|row| row.id == member);
            row.map(|row| row.name.clone())
        };
        let mut differ = Vec::new();
        for person in &mut self.people {
            let own = image.members.iter().find(|row| row.name == person.name);
            let inside = |room: &&RoomRow| {
                own.is_some_and(|own| image.rooms.memberships.contains(&(room.key, own.id)))
            };
            let there: Vec<KnownRoom> = image
                .rooms
                .rooms
                .iter()
                .filter(inside)
                .map(|room| KnownRoom {
                    hall: Hall {
                        name: room.name.clone(),
                        id: room.id,
                    },
                    owner: room.owner.and_then(name_of),
                })
                .collect();
            let his = person.machine.disk.restart().map_err(broken)?;
            let known: Vec<&KnownRoom> = his
                .registries
                .iter()
                .flat_map(|registry| &registry.rooms)
                .collect();
            if known.len() != there.len() || !there.iter().all(|room| known.contains(&room)) {
                differ.push(format!(
                    "{} is in {there:?}, and takes himself in {known:?}",
                    person.name
                ));
            }
        }
        Ok(differ)
    }

    /// What the databases hold that the ledger does not know to have ended: nothing, after a healing.
    pub(super) fn left_over(&mut self) -> Result<Vec<String>, WorldFault> {
        let mut left = Vec::new();
        let image = self.registry.disk.restart().map_err(broken)?;
        for pair in image.usage {
            left.push(format!("the registry keeps {} messages", pair.usage.messages));
        }
        for (_, outcomes) in image.outcomes {
            left.push(format!("the registry keeps {outcomes} outcomes"));
        }
        left.extend(self.ledger.rooms_that_differ(&image.rooms));
        left.extend(self.ledger.open_posts());
        for (number, person) in self.people.iter_mut().enumerate() {
            let image = person.machine.disk.restart().map_err(broken)?;
            let name = &person.name;
            for registry in &image.registries {
                for message in &registry.outbox {
                    if self.ledger.is_text_beyond_asking(number, &message.text) {
                        continue;
                    }
                    left.push(format!("{name} has {:.7} unfinished", message.text));
                }
            }
            for message in image.registries.iter().flat_map(|registry| &registry.untold) {
                left.push(format!("{name} was not told of {:?}", message.state));
            }
            for message in image.unshown {
                left.push(format!("{name} has not seen {:.7}", message.text));
            }
        }
        Ok(left)
    }
}
