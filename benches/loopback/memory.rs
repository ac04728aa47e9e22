//! What a registry that does nothing costs: memory for each client that is registered and idle.
//!
//! The registry is a process of its own, so that its memory can be told apart. The same process then tells 1,000
//! clients of a change of presence (`presence`), before it gets more than it tells everybody of.
//! Invariant: a few clients are there before the first figure is taken, so that what is needed once is not counted.

use std::time::Duration;

use crate::host::OtherProcess;
use crate::load::{Fleet, Plain};
use crate::table::{Mark, Table};
use crate::usage::resident_bytes;
use crate::{Size, folder, presence};

/// Clients that are there before anything is counted.
const FIRST: usize = 20;
/// Until everything is answered, and sessions have given back what they do not need.
const SETTLE: Duration = Duration::from_secs(4);

/// Measures it, and what a change of presence costs.
#[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
pub(crate) fn measure(size: &Size, table: &mut Table) {
    let home = folder();
    let registry = OtherProcess::start(home.path());
    let mut fleet = Fleet::<Plain>::new();
    let grow = |fleet: &mut Fleet<Plain>, clients: usize| {
        let number = |count: usize| u32::try_from(count).expect("some thousands");
        fleet.register(number(fleet.clients.len())..number(clients), 1, registry.address);
        fleet.idle(SETTLE);
        fleet.forget();
        resident_bytes(registry.id())
    };
    let before = grow(&mut fleet, FIRST);
    for clients in size.idle {
        let after = grow(&mut fleet, clients);
        let each = after.saturating_sub(before) as f64 / (clients - FIRST) as f64;
        table.add(
            &format!("registry memory, each of {clients} idle clients"),
            each,
            " B",
            None,
            &Mark::AtMost(4096.0),
        );
        if Some(&clients) == size.idle.first() {
            presence::measure(size, &mut fleet, table);
        }
    }
}
