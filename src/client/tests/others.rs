//! The other sides: a registry and peers that open sessions, speak, and answer what they were asked.
//!
//! Each says what the protocol has them say; when, the test decides.

use super::driver::{Driver, ms};
use super::people::{address, here, id_of, name, online, person, receipt, registry};
use crate::engine::SocketReply;
use crate::id::EnvelopeHash;
use crate::transport::{CloseCause, Connect, ConnectFault, SessionId};
use crate::wire::codec::{self, Bounded};
use crate::wire::envelope::{Envelope, Verdict};
use crate::wire::message::{
    Busy, BusyReason, Change, Deposit, DepositRefusal, End, Forward, FromRegistry, Outcome, Page, Record,
    Register, Registered, ToPeer, ToRegistry, Version,
};
use crate::wire::packet::Service;

pub(super) const REGISTRY: SessionId = SessionId(1);
pub(super) const STORE_ID: [u8; 16] = [9; 16];

impl Driver {
    /// Port, session, registration.
    pub(super) fn come_up(&mut self) {
        self.open_port();
        self.registry_opens();
        self.registry_registers();
    }

    /// A client at its first start, in session and not registered yet.
    pub(super) fn in_first_session() -> Self {
        let mut driver = Self::start();
        driver.open_port();
        driver.registry_opens();
        driver
    }

    /// A client that has sent bob a message in his session, and deposited it because he does not answer.
    pub(super) fn deposited_too() -> (Self, SessionId, Deposit) {
        let mut driver = Self::registered(&[online("bob")]);
        let session = driver.peer_opens("bob");
        driver.send("bob", "hi");
        driver.pass(ms(500));
        let deposit = driver.deposits()[0].clone();
        (driver, session, deposit)
    }

    pub(super) fn open_port(&mut self) {
        self.socket(SocketReply::Opened {
            local: Some(address(40)),
        });
    }

    /// The registry's session comes up for the client's latest try.
    pub(super) fn registry_opens(&mut self) {
        let attempt = self.registry_connect().attempt;
        self.open(
            REGISTRY,
            Some(attempt),
            Service::Registry,
            *registry().card(),
            address(1),
        );
    }

    pub(super) fn registry_connect(&self) -> Connect {
        *self
            .connects
            .iter()
            .rev()
            .find(|connect| connect.service == Service::Registry)
            .expect("a try to reach the registry")
    }

    pub(super) fn registry_registers(&mut self) {
        self.registered_in(STORE_ID);
    }

    /// The registry registers the client, and keeps its mail in this database.
    pub(super) fn registered_in(&mut self, store_id: [u8; 16]) {
        self.registered_where(store_id, false);
    }

    /// As that, where there is a lobby or none.
    pub(super) fn registered_where(&mut self, store_id: [u8; 16], lobby: bool) {
        let register = self.last_register();
        self.hear(FromRegistry::Registered(Registered {
            counter: register.counter,
            returning: register.counter > 1,
            store_id,
            observed: address(40),
            lease_ms: 60_000,
            lobby,
        }));
    }

    pub(super) fn last_register(&self) -> Register {
        self.to_registry()
            .into_iter()
            .rev()
            .find_map(|message| match message {
                ToRegistry::Register(register) => Some(register),
                _ => None,
            })
            .expect("a Register")
    }

    /// The whole directory.
    pub(super) fn directory(&mut self, people: &[Record]) {
        self.directory_of_run(5, people);
    }

    /// The whole directory, as the registry's so manieth run begins it.
    pub(super) fn directory_of_run(&mut self, run: u64, people: &[Record]) {
        let changes = people.iter().cloned().map(Change::Record).collect();
        self.hear(FromRegistry::Directory(Page {
            from: None,
            to: Version { run, counter: 1 },
            index: 0,
            last: true,
            changes: Bounded::truncated(changes),
        }));
    }

    /// One change of it.
    pub(super) fn delta(&mut self, counter: u64, change: Change) {
        self.hear(FromRegistry::Directory(Page {
            from: Some(Version {
                run: 5,
                counter: counter - 1,
            }),
            to: Version { run: 5, counter },
            index: 0,
            last: true,
            changes: Bounded::truncated(vec![change]),
        }));
    }

    /// Bob is online now.
    pub(super) fn bob_comes(&mut self) {
        let presence = here();
        let name = name("bob");
        self.delta(2, Change::Presence { name, presence });
    }

    /// A person opens a session with the client.
    pub(super) fn peer_opens(&mut self, who: &str) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.open(session, None, Service::Peer, *person(who).card(), address(50));
        session
    }

    /// The client's latest try to reach a peer succeeds.
    pub(super) fn peer_answers(&mut self, who: &str) -> SessionId {
        let connect = *self
            .connects
            .iter()
            .rev()
            .find(|connect| connect.expect == Some(person(who).id()))
            .expect("a try to reach him");
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let card = *person(who).card();
        self.open(
            session,
            Some(connect.attempt),
            Service::Peer,
            card,
            connect.address,
        );
        session
    }

    /// The registry's session breaks and its next attempts are in vain.
    pub(super) fn lose_registry(&mut self) {
        self.pass(ms(6_000));
        self.close(REGISTRY, CloseCause::Silent);
        let attempt = self.registry_connect().attempt;
        self.fail(attempt, ConnectFault::Silent);
    }

    /// The registry keeps all that it was asked to, but for the first so many. Returns how many those are now.
    pub(super) fn answer_deposits(&mut self, answered: usize) -> usize {
        let mut answered = answered;
        while let Some(deposit) = self.deposits().get(answered).cloned() {
            self.answer_deposit(&deposit);
            answered += 1;
        }
        answered
    }

    /// So many seconds pass in which the registry answers what keeps the session alive, and no more.
    pub(super) fn pass_alive(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.pass(ms(1_000));
            let counter = self.client.link.counter();
            self.hear(FromRegistry::Alive { counter });
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "made where it is said")]
    pub(super) fn hear(&mut self, message: FromRegistry) {
        self.message(REGISTRY, codec::encode(&message));
    }

    /// The registry has forwarded all that it had.
    pub(super) fn drained(&mut self) {
        self.hear(FromRegistry::Replayed { forwards: 0 });
    }

    /// The registry forwards a message.
    pub(super) fn mail(&mut self, forward: Forward) {
        let place = self.forwards;
        self.forwards += 1;
        self.hear(FromRegistry::Forward { place, forward });
    }

    pub(super) fn hear_from(&mut self, session: SessionId, message: &ToPeer) {
        self.message(session, codec::encode(message));
    }

    pub(super) fn answer_deposit(&mut self, deposit: &Deposit) {
        let envelope = &deposit.forward.envelope;
        let slot = Envelope::parse(envelope).unwrap().slot;
        let hash = EnvelopeHash::of(envelope);
        self.hear(FromRegistry::Deposited { slot, hash });
    }

    pub(super) fn refuse_deposit(&mut self, deposit: &Deposit, reason: DepositRefusal) {
        let slot = id_of(&deposit.forward).slot;
        self.hear(FromRegistry::DepositRefused { slot, reason });
    }

    /// The registry asks to come again with a deposit.
    pub(super) fn put_off_deposit(&mut self, deposit: &Deposit, reason: BusyReason, retry_after_ms: u32) {
        self.hear(FromRegistry::Busy(Busy {
            of: Some(id_of(&deposit.forward).slot),
            reason,
            retry_after_ms,
        }));
    }

    /// The registry tells that the recipient has answered.
    pub(super) fn outcome(&mut self, who: &str, deposit: &Deposit, verdict: Verdict) {
        let receipt = receipt(who, &deposit.forward, verdict);
        self.hear(FromRegistry::Outcome(Outcome {
            slot: receipt.id.slot,
            hash: receipt.hash,
            end: End::Answered(receipt),
        }));
    }

    pub(super) fn answer_delivery(&mut self, who: &str, session: SessionId, forward: &Forward) {
        let receipt = receipt(who, forward, Verdict::Received);
        self.hear_from(session, &ToPeer::Receipt(receipt));
    }
}
