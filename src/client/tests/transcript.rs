//! What came out of a client: events, messages by whom they went to, what is in the database.
//!
//! Looks only; marking what was read as shown is the one thing it says, as a screen would.

use super::driver::Driver;
use super::others::REGISTRY;
use super::people::{name, recipient_of, text_of};
use crate::client::interface::{Command, Event, Incoming, Road};
use crate::transport::SessionId;
use crate::wire::codec;
use crate::wire::message::{Deposit, Forward, ToPeer, ToRegistry};

impl Driver {
    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// All that was told so far is on the screen.
    pub(super) fn see(&mut self) {
        self.command(Command::Seen { events: self.told });
    }

    /// The texts shown, in order; all that was told is seen now.
    pub(super) fn read(&mut self) -> Vec<(Road, String)> {
        let shown: Vec<Incoming> = self
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Incoming(incoming) => Some(incoming),
                _ => None,
            })
            .collect();
        self.see();
        shown
            .into_iter()
            .map(|incoming| (incoming.road, incoming.text))
            .collect()
    }

    pub(super) fn to_registry(&self) -> Vec<ToRegistry> {
        self.sent
            .iter()
            .filter(|(session, _)| *session == REGISTRY)
            .map(|(_, bytes)| codec::decode(bytes).unwrap())
            .collect()
    }

    pub(super) fn to_peer(&self, session: SessionId) -> Vec<ToPeer> {
        self.sent
            .iter()
            .filter(|(to, _)| *to == session)
            .map(|(_, bytes)| codec::decode(bytes).unwrap())
            .collect()
    }

    pub(super) fn deposits(&self) -> Vec<Deposit> {
        self.to_registry()
            .into_iter()
            .filter_map(|message| match message {
                ToRegistry::Deposit(deposit) => Some(deposit),
                _ => None,
            })
            .collect()
    }

    pub(super) fn deliveries(&self, session: SessionId) -> Vec<Forward> {
        self.to_peer(session)
            .into_iter()
            .filter_map(|message| match message {
                ToPeer::Deliver(forward) => Some(forward),
                _ => None,
            })
            .collect()
    }

    /// What the registry was asked to keep for somebody, in order.
    pub(super) fn texts_deposited(&self, to: &str) -> Vec<String> {
        let deposits = self.deposits().into_iter().map(|deposit| deposit.forward);
        let his = deposits.filter(|forward| recipient_of(forward) == name(to));
        his.map(|forward| text_of(&forward)).collect()
    }

    /// What a peer was sent, in order.
    pub(super) fn texts_delivered(&self, session: SessionId) -> Vec<String> {
        self.deliveries(session).iter().map(text_of).collect()
    }

    /// The states in the outbox, in the order accepted (0 waiting … 4 expired).
    pub(super) fn states(&self) -> Vec<i64> {
        let mut statement = self
            .store
            .connection()
            .prepare("SELECT state FROM outbox ORDER BY message")
            .unwrap();
        let states = statement.query_map([], |row| row.get(0)).unwrap();
        states.map(Result::unwrap).collect()
    }

    /// The texts in the inbox, in the order committed.
    pub(super) fn inbox(&self) -> Vec<String> {
        let mut statement = self
            .store
            .connection()
            .prepare("SELECT text FROM inbox ORDER BY arrival")
            .unwrap();
        let texts = statement.query_map([], |row| row.get(0)).unwrap();
        texts.map(Result::unwrap).collect()
    }
}
