//! What one change of presence costs when everybody is told of everybody: time, datagrams and bytes.
//!
//! One client leaves, or comes back; the others hear of it. Counted are the datagrams that bring the news, and, apart
//! from them, all that follows in both directions (acknowledgements of the session and of the directory).
//! Invariant: the counts end only when the network is quiet.

use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::runtime::clock;
use udpchat::wire::message::FromRegistry;

use crate::Size;
use crate::load::{Fleet, LoadClient, Plain, Traffic};
use crate::table::{Mark, Table, median};

/// Until nothing follows any more; longer than the registry waits between two updates to one client.
const QUIET: Duration = Duration::from_millis(1_500);

/// One change.
struct Change {
    /// Until the last had heard.
    took: Duration,
    /// Datagrams to a client until he had heard.
    datagrams: f64,
    /// Their payload.
    bytes: f64,
    /// All datagrams of his afterwards, both ways.
    after: f64,
    /// Their payload.
    after_bytes: f64,
}

/// Measures it with the clients that are there.
pub(crate) fn measure(size: &Size, fleet: &mut Fleet<Plain>, table: &mut Table) {
    let mut changes = Vec::new();
    for round in 0..2 * size.rounds {
        changes.push(change(fleet, round % 2 == 0));
    }
    let told = fleet.clients.len() - 1;
    let middle = |figure: fn(&Change) -> f64| median(&changes.iter().map(figure).collect::<Vec<_>>());
    let what = format!("a change of presence, {told} clients told");
    table.add(
        &format!("{what}: time to the last"),
        middle(|change| change.took.as_secs_f64() * 1e3),
        " ms",
        None,
        &Mark::None,
    );
    table.add(
        &format!("{what}: datagrams to each"),
        middle(|change| change.datagrams),
        "",
        None,
        &Mark::AtMost(1.0),
    );
    table.add(
        &format!("{what}: payload of it"),
        middle(|change| change.bytes),
        " B",
        None,
        &Mark::None,
    );
    table.note(format!(
        "Presence: afterwards {:.1} more datagrams of {:.0} B in all for each client, both ways: his acknowledgement \
         of the directory, and the session's of that.",
        middle(|change| change.after),
        middle(|change| change.after_bytes),
    ));
}

/// The first client leaves or comes back; the others are told.
#[expect(clippy::cast_precision_loss, reason = "a few thousand datagrams")]
fn change(fleet: &mut Fleet<Plain>, leaves: bool) -> Change {
    fleet.idle(QUIET);
    fleet.forget();
    let Some((first, others)) = fleet.clients.split_first_mut() else {
        panic!("nobody is there");
    };
    let before: Vec<Traffic> = others.iter().map(|client| client.traffic).collect();
    let mut heard: Vec<Option<(Instant, Traffic)>> = vec![None; others.len()];
    let began = clock::now().at;
    if leaves {
        first.deregister();
    } else {
        first.register();
    }
    first.flush(began);
    while heard.iter().any(Option::is_none) {
        fleet.turn();
        let others = fleet.clients.iter().skip(1);
        for (client, heard) in others.zip(&mut heard).filter(|(_, heard)| heard.is_none()) {
            *heard = news(client);
        }
    }
    fleet.idle(QUIET);
    let told = heard.len() as f64;
    let (mut datagrams, mut bytes, mut all, mut all_bytes) = (0, 0, 0, 0);
    let mut last = began;
    for ((client, before), heard) in fleet.clients.iter().skip(1).zip(before).zip(heard) {
        let (at, then) = heard.expect("everybody has heard");
        last = last.max(at);
        datagrams += then.came - before.came;
        bytes += then.came_bytes - before.came_bytes;
        let now = client.traffic;
        all += now.came + now.left - before.came - before.left;
        all_bytes += now.came_bytes + now.left_bytes - before.came_bytes - before.left_bytes;
    }
    Change {
        took: last.since(began),
        datagrams: datagrams as f64 / told,
        bytes: bytes as f64 / told,
        after: (all - datagrams) as f64 / told,
        after_bytes: (all_bytes - bytes) as f64 / told,
    }
}

/// When a client heard, if he has, and what had passed then.
fn news(client: &LoadClient<Plain>) -> Option<(Instant, Traffic)> {
    let told = client
        .heard
        .iter()
        .any(|message| matches!(message, FromRegistry::Directory(page) if page.last));
    told.then_some((client.last.1, client.traffic))
}
