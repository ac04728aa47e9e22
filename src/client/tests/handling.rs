//! Messages that are handed to a program: receipted when they were handled, told again until they are.

use super::driver::{Disk, Driver, ms};
use super::others::REGISTRY;
use super::people::{id_of, message_from, online};
use crate::client::interface::{Command, Event};
use crate::client::storage::Request;
use crate::client::{Config, Receipts};
use crate::id::MessageId;
use crate::transport::{CloseCause, SessionId};
use crate::wire::envelope::{Receipt, Verdict};
use crate::wire::message::{BusyReason, Forward, ToPeer, ToRegistry};

/// A client that hands messages to a program.
pub(super) fn config() -> Config {
    Config {
        receipts: Receipts::Handled,
        ..Driver::config()
    }
}

/// The same, registered, with bob in session.
fn with_bob() -> (Driver, SessionId) {
    let mut driver = Driver::registered_with(config(), &[online("bob")]);
    let session = driver.peer_opens("bob");
    driver.clear();
    (driver, session)
}

impl Driver {
    pub(super) fn handled(&mut self, id: MessageId) {
        self.command(Command::Handled { id });
    }

    /// The texts that were told since they were last asked for; all that was told is seen.
    fn handed(&mut self) -> Vec<String> {
        self.read().into_iter().map(|(_, text)| text).collect()
    }

    fn receipts_to(&self, session: SessionId) -> Vec<Receipt> {
        let receipt = |message| match message {
            ToPeer::Receipt(receipt) => Some(receipt),
            _ => None,
        };
        self.to_peer(session).into_iter().filter_map(receipt).collect()
    }

    fn receipts_to_registry(&self) -> Vec<Receipt> {
        let receipt = |message| match message {
            ToRegistry::Receipt(receipt) => Some(receipt),
            _ => None,
        };
        self.to_registry().into_iter().filter_map(receipt).collect()
    }

    /// How often the registry and this peer were asked to come again.
    fn put_off(&self, session: SessionId) -> (usize, usize) {
        let registry = self.to_registry().into_iter();
        let peer = self.to_peer(session).into_iter();
        (
            registry
                .filter(|message| matches!(message, ToRegistry::Busy(_)))
                .count(),
            peer.filter(|message| matches!(message, ToPeer::Busy(_))).count(),
        )
    }

    fn forwards(&mut self, message: &Forward) {
        self.mail(message.clone());
    }
}

#[test]
fn a_message_is_receipted_when_that_it_was_handled_is_committed() {
    let (mut driver, session) = with_bob();
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    assert_eq!(driver.handed(), ["hi"]);
    assert_eq!(driver.inbox(), ["hi"], "committed all the same");
    driver.pass(ms(10_000));
    assert_eq!(driver.receipts_to(session), [], "seen is not handled");
    driver.disk = Disk::Waits;
    driver.handled(id_of(&message));
    assert_eq!(driver.receipts_to(session), []);
    driver.commit();
    let receipts = driver.receipts_to(session);
    assert_eq!(receipts.len(), 1);
    assert_eq!(
        (receipts[0].id, receipts[0].verdict),
        (id_of(&message), Verdict::Received)
    );
    driver.hear_from(session, &ToPeer::Deliver(message));
    assert_eq!(
        driver.receipts_to(session).len(),
        2,
        "and whenever it comes again"
    );
    assert_eq!(driver.handed(), [] as [&str; 0]);
}

#[test]
fn what_comes_again_meanwhile_is_put_off_and_all_who_wait_are_answered() {
    let (mut driver, session) = with_bob();
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.forwards(&message);
    assert_eq!(driver.put_off(session), (0, 0), "it may be done in a moment");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.forwards(&message);
    assert_eq!(driver.put_off(session), (1, 1));
    let aside = |message: &ToRegistry| matches!(message, ToRegistry::Busy(busy) if busy.reason == BusyReason::Unhandled);
    assert!(
        driver.to_registry().iter().any(aside),
        "others' mail need not wait for it"
    );
    assert_eq!(driver.handed(), ["hi"], "told once");
    driver.handled(id_of(&message));
    assert_eq!(driver.receipts_to(session).len(), 1);
    assert_eq!(driver.receipts_to_registry().len(), 1);
}

#[test]
fn what_was_not_handled_is_told_again_by_the_next_run_and_receipted_then() {
    let (mut driver, session) = with_bob();
    let [one, two] = ["one", "two"].map(|text| message_from("bob", 1, u64::from(text == "two"), 0, text));
    for message in [&one, &two] {
        driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    }
    driver.handed();
    driver.handled(id_of(&one));
    driver.restart_with(config());
    assert_eq!(driver.handed(), ["two"]);
    driver.come_up();
    driver.directory(&[online("bob")]);
    driver.clear();
    for message in [&one, &two] {
        driver.forwards(message);
    }
    let receipts = driver.receipts_to_registry();
    assert_eq!(
        receipts.iter().map(|receipt| receipt.id).collect::<Vec<_>>(),
        [id_of(&one)]
    );
    driver.handled(id_of(&two));
    assert_eq!(driver.receipts_to_registry().len(), 2);
    driver.restart_with(config());
    assert_eq!(driver.handed(), [] as [&str; 0]);
}

#[test]
fn messages_may_be_handled_in_any_order_and_a_disk_that_fails_tells_nobody() {
    let (mut driver, session) = with_bob();
    let [one, two] = ["one", "two"].map(|text| message_from("bob", 1, u64::from(text == "two"), 0, text));
    for message in [&one, &two] {
        driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    }
    driver.handled(id_of(&two));
    let said = driver.receipts_to(session);
    assert_eq!(
        said.iter().map(|receipt| receipt.id).collect::<Vec<_>>(),
        [id_of(&two)]
    );
    driver.disk = Disk::Fails;
    driver.handled(id_of(&one));
    assert_eq!(driver.receipts_to(session).len(), 1);
    driver.disk = Disk::Commits;
    driver.pass(ms(5_000));
    assert_eq!(driver.receipts_to(session).len(), 2);
}

#[test]
fn who_leaves_commits_what_was_handled_and_says_so_first() {
    let (mut driver, session) = with_bob();
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.disk = Disk::Waits;
    driver.handled(id_of(&message));
    driver.command(Command::Leave);
    let bye = |message: &ToRegistry| matches!(message, ToRegistry::Deregister { .. });
    assert!(!driver.to_registry().iter().any(bye), "the mark is waited for");
    driver.commit();
    assert_eq!(driver.receipts_to(session).len(), 1);
    assert!(driver.to_registry().iter().any(bye));
}

#[test]
fn what_was_handled_after_the_end_is_still_marked() {
    let (mut driver, session) = with_bob();
    let message = message_from("bob", 1, 0, 0, "hi");
    driver.hear_from(session, &ToPeer::Deliver(message.clone()));
    driver.handed();
    driver.command(Command::Leave);
    driver.close(REGISTRY, CloseCause::Silent);
    driver.pass(ms(5_000));
    assert!(matches!(driver.events().last(), Some(Event::Ended(_))));
    driver.clear();
    driver.handled(id_of(&message));
    assert!(matches!(driver.asked[..], [Request::Told(_)]));
    driver.restart_with(config());
    assert_eq!(driver.handed(), [] as [&str; 0]);
}

#[test]
fn who_reads_for_himself_goes_on_with_what_a_program_has_left() {
    let (mut driver, session) = with_bob();
    driver.hear_from(session, &ToPeer::Deliver(message_from("bob", 1, 0, 0, "hi")));
    driver.restart();
    assert_eq!(driver.handed(), ["hi"]);
}
