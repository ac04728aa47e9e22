//! Durable deposits a second, from one client and from eight, against bare SQLite with the same rows in the same
//! batches.
//!
//! A deposit counts when its `Deposited` has come back, which the registry sends after the commit. Each client has as
//! many under way as its send buffer takes. The recipients are offline.
//! Invariant: sealing the messages is not measured; encrypting and sending them is.

use std::time::Duration;

use udpchat::runtime::clock;
use udpchat::runtime::socket::Socket;
use udpchat::wire::message::FromRegistry;

use crate::floor::MailTable;
use crate::host::{Batches, Host};
use crate::load::{Fleet, LoadClient};
use crate::mail::{self, Mail};
use crate::table::{Mark, Table, median, per_second};
use crate::usage::Processor;
use crate::{Size, folder};

/// Senders are numbered from here …
const SENDERS: u32 = 0;
/// … and each one's recipient from here.
const RECIPIENTS: u32 = 100;
/// Deposits without an answer that a client may have: beyond it nothing is gained, and each costs memory.
const UNDER_WAY: usize = 2_048;
/// What a message takes of the send buffer beside its bytes, at most.
const OVERHEAD: usize = 128;

/// Measures both.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    for (clients, mark) in [(1, Mark::None), (8, Mark::AtLeast(100_000.0))] {
        let (measured, floor, note) = rounds(size, clients);
        table.add(
            &format!(
                "durable deposits, {clients} client{}",
                if clients == 1 { "" } else { "s" }
            ),
            median(&measured),
            "/s",
            Some(median(&floor)),
            &mark,
        );
        table.note(note);
    }
}

/// Deposits a second in each round, the same of bare SQLite, and what they took.
fn rounds(size: &Size, clients: u32) -> (Vec<f64>, Vec<f64>, String) {
    let (ours, theirs) = (folder(), folder());
    let host = Host::start(ours.path());
    let recipients = RECIPIENTS..RECIPIENTS + clients;
    enrol(&host, recipients.clone());
    let mut fleet = Fleet::<Socket>::new();
    fleet.register(SENDERS..SENDERS + clients, 1, host.address);
    let mut bare = MailTable::open(theirs.path());
    let (mut measured, mut floor) = (Vec::new(), Vec::new());
    let mut note = String::new();
    for round in 0..size.rounds {
        let each = size.deposits / usize::try_from(clients).expect("few");
        let letters: Vec<Vec<Mail>> = (0..clients)
            .map(|client| mail::write(SENDERS + client, RECIPIENTS + client, round as u64 + 1, each))
            .collect();
        host.batches.lock().expect("nobody panics with it").clear();
        let before = Processor::now();
        let took = deposit(&mut fleet, &letters);
        let batches = taken(&host.batches);
        let count = each * letters.len();
        note = format!(
            "Deposits of {clients}: {} a commit; each used {}.",
            count / batches.len().max(1),
            Processor::now().since(&before, count)
        );
        measured.push(per_second(count, took));
        floor.push(per_second(count, bare.insert(&letters, &batches)));
    }
    (measured, floor, note)
}

fn taken(batches: &Batches) -> Vec<usize> {
    std::mem::take(&mut *batches.lock().expect("nobody panics with it"))
}

/// Makes the names known, and leaves them offline.
pub(crate) fn enrol(host: &Host, numbers: std::ops::Range<u32>) {
    let mut fleet = Fleet::<Socket>::new();
    fleet.register(numbers, 1, host.address);
    leave(&mut fleet);
}

/// Everybody leaves, and is heard to.
pub(crate) fn leave(fleet: &mut Fleet<Socket>) {
    fleet.forget();
    for client in &mut fleet.clients {
        client.deregister();
        client.flush(clock::now().at);
    }
    let left = |client: &LoadClient<Socket>| {
        let mut heard = client.heard.iter();
        heard.any(|message| matches!(message, FromRegistry::Deregistered { .. }))
    };
    while !fleet.clients.iter().all(left) {
        fleet.turn();
    }
}

/// Deposits the letters, one list a client; how long until the last was answered.
pub(crate) fn deposit(fleet: &mut Fleet<Socket>, letters: &[Vec<Mail>]) -> Duration {
    fleet.forget();
    let mut done: Vec<(usize, usize)> = vec![(0, 0); letters.len()];
    // Copied beforehand: sending takes the bytes.
    let mut queues: Vec<_> = letters
        .iter()
        .map(|letters| {
            letters
                .iter()
                .map(|mail| mail.deposit.clone())
                .collect::<Vec<_>>()
                .into_iter()
        })
        .collect();
    let began = clock::now().at;
    loop {
        for ((client, queue), (said, answered)) in fleet.clients.iter_mut().zip(&mut queues).zip(&mut done) {
            for message in client.heard.drain(..) {
                match message {
                    FromRegistry::Deposited { .. } => *answered += 1,
                    FromRegistry::Directory(_) | FromRegistry::Replayed { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            let mut news = false;
            let mut room = client.room();
            while *said - *answered < UNDER_WAY
                && let Some(first) = queue.as_slice().first()
                && first.len() + OVERHEAD <= room
                && let Some(bytes) = queue.next()
            {
                room -= bytes.len() + OVERHEAD;
                client.say_bytes(bytes);
                *said += 1;
                news = true;
            }
            if news {
                client.flush(clock::now().at);
            }
        }
        let all: usize = done.iter().map(|(_, answered)| answered).sum();
        if all == letters.iter().map(Vec::len).sum::<usize>() {
            return clock::now().at.since(began);
        }
        fleet.turn();
    }
}
