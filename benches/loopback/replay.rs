//! Replay: everything that waits in a mailbox, to one client that returns and receipts each.
//!
//! Counts from the handshake to the last message. Its floor is bare SQLite reading the same rows, and turning each
//! into an outcome, in commits of the size of a page.
//! Invariant: every message is receipted, and the time does not end before the last has come.

use std::collections::HashMap;
use std::time::Duration;

use udpchat::clock::Instant;
use udpchat::limits::FORWARD_PAGE_MESSAGES;
use udpchat::runtime::clock;
use udpchat::runtime::socket::Socket;
use udpchat::wire::envelope::Envelope;
use udpchat::wire::message::FromRegistry;

use crate::deposits;
use crate::floor::MailTable;
use crate::host::Host;
use crate::load::Fleet;
use crate::mail::{self, Mail};
use crate::table::{Mark, Table, median, per_second};
use crate::usage::Processor;
use crate::{Size, folder};

/// Senders are numbered from 0, a new one for each round.
const RECIPIENT: u32 = 100;

/// Measures it.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    let (ours, theirs) = (folder(), folder());
    let host = Host::start(ours.path());
    deposits::enrol(&host, RECIPIENT..RECIPIENT + 1);
    let mut bare = MailTable::open(theirs.path());
    let (mut measured, mut floor) = (Vec::new(), Vec::new());
    let mut note = String::new();
    for (sender, counter) in (0..).zip(2..).take(size.rounds) {
        let letters = mail::write(sender, RECIPIENT, 1, size.replayed);
        let letters = store(&host, sender, letters);
        let before = Processor::now();
        let took = replay(&host, counter, &letters);
        note = format!(
            "Replay: each message used {}.",
            Processor::now().since(&before, letters.len())
        );
        measured.push(per_second(letters.len(), took));
        let pages = vec![FORWARD_PAGE_MESSAGES; letters.len().div_ceil(FORWARD_PAGE_MESSAGES)];
        let letters = [letters];
        bare.insert(&letters, &pages);
        floor.push(per_second(size.replayed, bare.replay(pages.len())));
    }
    table.add(
        &format!("replay of {} stored messages", size.replayed),
        median(&measured),
        "/s",
        Some(median(&floor)),
        &Mark::AtLeast(100_000.0),
    );
    table.note(note);
}

/// A sender comes, deposits everything, and leaves: nobody is told of outcomes while the replay is measured.
fn store(host: &Host, sender: u32, letters: Vec<Mail>) -> Vec<Mail> {
    let mut fleet = Fleet::<Socket>::new();
    fleet.register(sender..sender + 1, 1, host.address);
    let mut letters = [letters];
    deposits::deposit(&mut fleet, &letters);
    deposits::leave(&mut fleet);
    std::mem::take(letters.first_mut().expect("there is one"))
}

/// The recipient comes back, takes everything, and goes.
fn replay(host: &Host, counter: u64, letters: &[Mail]) -> Duration {
    let mut receipts: HashMap<_, _> = letters
        .iter()
        .map(|mail| (mail.slot, mail.receipt.clone()))
        .collect();
    let mut fleet = Fleet::<Socket>::new();
    let began = clock::now().at;
    fleet.register(RECIPIENT..RECIPIENT + 1, counter, host.address);
    let mut last = Instant::ZERO;
    while !receipts.is_empty() {
        for client in &mut fleet.clients {
            let mut news = false;
            while let Some(message) = client.heard.pop_front() {
                let FromRegistry::Forward { forward, .. } = message else {
                    continue;
                };
                let envelope = Envelope::parse(&forward.envelope).expect("an envelope");
                if let Some(receipt) = receipts.remove(&envelope.slot) {
                    last = clock::now().at;
                    client.say_bytes(receipt);
                    news = true;
                }
            }
            if news {
                client.flush(clock::now().at);
            }
        }
        if !receipts.is_empty() {
            fleet.turn();
        }
    }
    // The last receipts are committed too before the next round.
    fleet.idle(Duration::from_millis(200));
    deposits::leave(&mut fleet);
    last.since(began)
}
