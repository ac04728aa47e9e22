//! From `send` to the receipt: two whole clients with databases and a registry, lone messages one after the other.
//!
//! Counts from the command to `Event::Received`. The floor is measured in turn with it: what the network and the
//! disk take for the same when nothing is between them.
//! Invariant: a message that did not go directly is no measurement.

use std::time::Duration;

use crate::floor::PingPong;
use crate::host::Host;
use crate::person::Person;
use crate::table::{Mark, Table, quantile};
use crate::usage::Processor;
use crate::{Size, folder};

/// Messages before those that count.
const FIRST: usize = 10;

/// Measures it.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    let [at_registry, at_alice, at_bob, bare] = std::array::from_fn(|_| folder());
    let host = Host::start(at_registry.path());
    let bob = Person::start("bob", at_bob.path(), host.address);
    let alice = Person::start("alice", at_alice.path(), host.address);
    let floor = PingPong::start(bare.path());
    let text = "x".repeat(crate::mail::TEXT_BYTES);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut before = Processor::now();
    for count in 0..FIRST + size.messages {
        if count == FIRST {
            ours.clear();
            theirs.clear();
            before = Processor::now();
        }
        ours.push(milliseconds(alice.send(bob.name(), &text)));
        theirs.push(milliseconds(floor.round()));
    }
    let note = Processor::now().since(&before, size.messages);
    for share in [0.5, 0.99] {
        table.add(
            &format!("send to receipt, p{}", share * 100.0),
            quantile(&ours, share),
            " ms",
            Some(quantile(&theirs, share)),
            &Mark::Within(3.0),
        );
    }
    table.note(format!("A message used {note}."));
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
