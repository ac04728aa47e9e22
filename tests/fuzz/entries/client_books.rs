//! What is known to be committed by a client, and what it may say and tell because of that.
//!
//! Invariants: only committed messages are transmitted, and to their recipient only; a receipt says what is committed;
//! a message is shown once in a run, as its writer's; nobody is said to have a message who has not said so himself.

use std::collections::{BTreeMap, BTreeSet};

use udpchat::client::Client;
use udpchat::client::interface::{Event, Incoming, Notice};
use udpchat::client::storage::{Key, Outcome, Reply, Request};
use udpchat::engine::{Action, SocketRequest};
use udpchat::id::{EnvelopeHash, MessageId, Slot};
use udpchat::transport::{Connect, SessionId};
use udpchat::wire::codec;
use udpchat::wire::envelope::{Envelope, Receipt, Recipient, Verdict};
use udpchat::wire::message::{Forward, ToPeer, ToRegistry};
use udpchat::wire::packet::Service;

use super::bench::{Judge, Session};
use super::client::says_received;
use super::people;

/// A message that was sent: to whom, what it is called, its hash.
pub(super) type Sent = (usize, MessageId, EnvelopeHash);

/// A message that came, its hash, and the verdict's number.
type Answered = (MessageId, [u8; 16], u8);

#[derive(Default)]
pub(super) struct Books {
    /// Our messages and their numbers now.
    slots: BTreeMap<Key, Slot>,
    finished: BTreeSet<Slot>,
    /// What was answered to those who wrote to us.
    verdicts: BTreeSet<Answered>,
    /// Lines of this run.
    shown: BTreeSet<MessageId>,
    /// Who has said, by folded name, that he has a message of ours.
    pub(super) received_by: BTreeSet<String>,
    /// Whether the registry has ever said that it keeps one.
    pub(super) deposited: bool,
    pub(super) deposits: Vec<Sent>,
    pub(super) delivered: Vec<Sent>,
    /// Of the last registration.
    pub(super) counter: u64,
    pub(super) connects: Vec<Connect>,
    pub(super) port_wanted: bool,
    /// Events of this run.
    pub(super) events: u64,
    pub(super) ended: bool,
}

impl Books {
    /// Another run begins.
    pub(super) fn restarts(&mut self) {
        self.shown.clear();
        self.connects.clear();
        self.deposits.clear();
        self.delivered.clear();
        self.port_wanted = false;
        self.events = 0;
        self.ended = false;
    }

    /// A message of ours on either road.
    fn sends(&self, forward: &Forward) -> Sent {
        let envelope = Envelope::parse(&forward.envelope).unwrap();
        assert_eq!(envelope.sender.id, people::card(0).id);
        let committed = self.slots.values().any(|slot| *slot == envelope.slot);
        assert!(committed, "sent before it is committed");
        let Recipient::Peer(party) = &envelope.recipient else {
            panic!("to a room");
        };
        let to = people::person(party.id).unwrap();
        assert!(Envelope::verify(&forward.envelope, people::key(0, to)));
        (to, envelope.id(), EnvelopeHash::of(&forward.envelope))
    }

    fn receipt(&self, receipt: &Receipt) {
        let verdict = (receipt.id, receipt.hash.0, receipt.verdict as u8);
        assert!(
            self.verdicts.contains(&verdict),
            "answered before it is committed"
        );
        let writer = people::person(receipt.id.sender).unwrap();
        assert!(receipt.verify(people::card(0).id, people::key(0, writer)));
    }

    fn incoming(&mut self, incoming: &Incoming) {
        assert!(self.shown.insert(incoming.id), "shown twice in a run");
        let committed = |known: &Answered| known.0 == incoming.id && known.2 == Verdict::Received as u8;
        assert!(
            self.verdicts.iter().any(committed),
            "shown before it is committed"
        );
        let writer = people::person(incoming.id.sender).unwrap();
        assert!(incoming.text.starts_with(&format!("{writer} wrote ")));
        assert!(
            incoming.from.matches(&people::name(writer)),
            "shown as somebody else's"
        );
    }
}

impl Judge<Client> for Books {
    fn said(&mut self, to: &Session, _session: SessionId, bytes: &[u8]) {
        match to.service {
            Service::Registry => match codec::decode(bytes).unwrap() {
                ToRegistry::Register(register) => self.counter = register.counter,
                ToRegistry::Deposit(deposit) => {
                    let sent = self.sends(&deposit.forward);
                    self.deposits.push(sent);
                }
                ToRegistry::Receipt(receipt) => self.receipt(&receipt),
                ToRegistry::OutcomeAck { slot } => {
                    let ours = self.slots.values().any(|known| *known == slot);
                    assert!(
                        !ours || self.finished.contains(&slot),
                        "forgotten before it is committed"
                    );
                }
                _ => {}
            },
            Service::Peer => match codec::decode(bytes).unwrap() {
                ToPeer::Deliver(forward) => {
                    let sent = self.sends(&forward);
                    assert_eq!(people::card(sent.0).id, to.peer.id, "handed to somebody else");
                    self.delivered.push(sent);
                }
                ToPeer::Receipt(receipt) => self.receipt(&receipt),
                ToPeer::Busy(_) | ToPeer::Introduce { .. } => {}
            },
        }
    }

    fn told(&mut self, Notice { event, .. }: Notice) {
        // Whoever drives a client does not listen any more.
        if self.ended {
            return;
        }
        self.events += 1;
        if let Some(to) = says_received(&event) {
            assert!(self.received_by.contains(&to.folded()), "{to} has not said so");
        }
        match event {
            Event::Incoming(incoming) => self.incoming(&incoming),
            Event::Stored { .. } => assert!(self.deposited, "the registry has not said so"),
            Event::Ended(_) => self.ended = true,
            _ => {}
        }
    }

    fn wanted(&mut self, action: Action<Request, Notice>) {
        match action {
            Action::Connect(connect) => self.connects.push(connect),
            Action::Abandon(attempt) => self.connects.retain(|connect| connect.attempt != attempt),
            Action::Socket(SocketRequest::Open) => self.port_wanted = true,
            _ => self.port_wanted = false,
        }
    }

    fn committed(&mut self, request: &Request, reply: &Reply) {
        match (request, reply) {
            (Request::Accept(_), Reply::Accepted { key, slot }) => {
                self.slots.insert(*key, *slot);
            }
            (Request::Renumber(_), Reply::Renumbered(slots)) => self.slots.extend(slots.iter().copied()),
            (Request::Finish { key, .. }, _) => {
                self.finished.extend(self.slots.get(key));
            }
            (Request::Receive(receive), Reply::Received(received)) => {
                let verdict = match received.outcome {
                    Outcome::Fresh | Outcome::Duplicate => Verdict::Received,
                    Outcome::Conflict => Verdict::Conflict,
                    Outcome::Skipped => Verdict::Skipped,
                };
                self.verdicts.insert((receive.id, receive.hash.0, verdict as u8));
            }
            _ => {}
        }
    }
}
