//! A client, its registry, three peers of whom two use one name, and whatever they say and its user types, in any order,
//! on any disk (PROTOCOL §5 to §9).
//!
//! Each byte is a deed, those behind it say how; what comes out goes to `client_books`.
//! Invariants: those of the books; the outbox keeps its bound; a client starts on whatever it has left.

use std::sync::Arc;
use std::time::Duration;

use udpchat::client::interface::{Command, Event};
use udpchat::client::{Client, Config};
use udpchat::clock::WallTime;
use udpchat::engine::{Role, SocketReply};
use udpchat::id::{EnvelopeHash, Sequence};
use udpchat::identity::Identity;
use udpchat::store::client::ClientStore;
use udpchat::transport::{CloseCause, ConnectFault, SessionId};
use udpchat::wire::codec::{self, Bounded};
use udpchat::wire::envelope::Verdict;
use udpchat::wire::frame::CloseCode;
use udpchat::wire::message::{
    Busy, BusyReason, Change, DepositRefusal, End, Forward, FromRegistry, Outcome, Page, Registered,
    RegistrationRefusal, ToPeer, Version,
};
use udpchat::wire::packet::Service;

use super::bench::{Bench, Disk};
use super::client_books::Books;
use super::input::Input;
use super::people::{self, PEOPLE};

const DEEDS_MAX: usize = 300;
/// The outbox, so small that it is full at times.
const OUTBOX: usize = 8;
const CAUSES: [CloseCause; 5] = [
    CloseCause::Silent,
    CloseCause::Reset,
    CloseCause::Idle,
    CloseCause::Remote(CloseCode::Done),
    CloseCause::Remote(CloseCode::Superseded),
];

struct Scene {
    bench: Bench<Client, ClientStore, Books>,
    me: Arc<Identity>,
    runs: u8,
}

fn config() -> Config {
    let mut config = Config::new(people::name(0), ([10, 0, 0, 1], 1).into());
    config.time_to_live = Duration::from_secs(3_600);
    config.limits.outbox_messages = OUTBOX;
    config
}

pub(crate) fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let (store, image) = ClientStore::open_in_memory().unwrap();
    let now = Bench::<Client, ClientStore, Books>::beginning();
    let me = Arc::new(people::alice());
    let client = Client::new(config(), Arc::clone(&me), image, now, [1; 32]);
    let mut scene = Scene {
        bench: Bench::new(client, store, Books::default(), now),
        me,
        runs: 1,
    };
    for _ in 0..DEEDS_MAX {
        if input.is_empty() {
            break;
        }
        scene.deed(&mut input);
        assert!(scene.bench.role.unfinished() <= OUTBOX);
        if scene.bench.judge.ended {
            scene.restart(true);
        }
    }
    scene.restart(true);
}

impl Scene {
    fn deed(&mut self, input: &mut Input<'_>) {
        match input.below(18) {
            0 | 1 => self.begin(input),
            2 | 3 => self.types(input),
            4..=6 => self.registry_answers(input),
            7 => self.directory(input),
            8 | 9 => self.forward(input),
            10 => self.receipt(input),
            11 => {
                let len = input.byte().into();
                if let Some(session) = self.any_session(input) {
                    self.bench.hear(session, input.take(len).to_vec());
                }
            }
            12 => {
                if let Some(session) = self.any_session(input) {
                    self.bench.close(session, CAUSES[input.below(CAUSES.len())]);
                }
            }
            13 => self.bench.pass(Duration::from_millis(u64::from(input.u16()))),
            14 => self
                .bench
                .sleep(Duration::from_secs(u64::from(input.byte()) * 30)),
            15 => {
                let disk = [Disk::Commits, Disk::Waits, Disk::Fails][input.below(3)];
                self.bench.set_disk(disk);
            }
            16 => {
                let room = [0, 100, 2_000, 1 << 20][input.below(4)];
                if let Some(session) = self.any_session(input) {
                    self.bench.set_room(session, room);
                }
            }
            _ => match input.below(4) {
                0 => self.restart(input.one_in(2)),
                1 => self.bench.now.wall = WallTime::from_unix_ms(i64::from(input.u16()) << input.below(40)),
                _ => self.come_up(),
            },
        }
    }

    /// The port opens, a try has its answer, or somebody opens a session.
    fn begin(&mut self, input: &mut Input<'_>) {
        if self.bench.judge.port_wanted {
            self.bench.judge.port_wanted = false;
            let reply = match input.below(8) {
                0 => SocketReply::Failed("in use".to_owned()),
                _ => SocketReply::Opened {
                    local: Some(([10, 0, 0, 9], 9).into()),
                },
            };
            self.bench.input(|client, cx| client.handle_socket(cx, reply));
            return;
        }
        let place = input.below(self.bench.judge.connects.len() + 1);
        if place >= self.bench.judge.connects.len() {
            let peer = people::card(1 + input.below(PEOPLE - 1));
            self.bench
                .open(None, Service::Peer, peer, ([10, 0, 0, 2], 50).into());
            return;
        }
        let connect = self.bench.judge.connects.remove(place);
        let service = connect.service;
        let anybody = match service {
            Service::Registry => people::registry(),
            Service::Peer => people::card(1 + input.below(PEOPLE - 1)),
        };
        let peer = match connect.expect {
            Some(id) if id == people::registry().id => people::registry(),
            Some(id) => people::person(id).map_or(anybody, people::card),
            None => anybody,
        };
        let fault = [
            None,
            None,
            None,
            None,
            Some(ConnectFault::Silent),
            Some(ConnectFault::OtherIdentity(anybody)),
            Some(ConnectFault::Full),
        ][input.below(7)];
        match fault {
            None => {
                self.bench
                    .open(Some(connect.attempt), service, peer, connect.address);
            }
            Some(fault) => {
                let attempt = connect.attempt;
                let event = udpchat::transport::SessionEvent::Failed { attempt, fault };
                self.bench.input(|client, cx| client.handle_session(cx, event));
            }
        }
    }

    /// All that leads to a client that is registered and knows who is there: many deeds in one.
    fn come_up(&mut self) {
        let fresh = || Input::new(&[]);
        self.bench.set_disk(Disk::Commits);
        if self.bench.judge.port_wanted {
            self.begin(&mut Input::new(&[1]));
        }
        let mut connects = self.bench.judge.connects.iter();
        if connects
            .next()
            .is_some_and(|connect| connect.service == Service::Registry)
        {
            self.begin(&mut fresh());
        }
        self.registry_answers(&mut fresh());
        self.directory(&mut fresh());
        self.say(&FromRegistry::Replayed { forwards: 0 });
    }

    fn types(&mut self, input: &mut Input<'_>) {
        let name = people::name(input.below(PEOPLE));
        let command = match input.below(16) {
            0 => Command::Deregister,
            1 => Command::Register,
            2 if input.one_in(4) => match input.one_in(2) {
                true => Command::Leave,
                false => Command::LeaveSettled,
            },
            3 => Command::Trust {
                name,
                fingerprint: people::card(input.below(PEOPLE)).id.fingerprint(),
            },
            4..=6 => Command::Seen {
                events: self
                    .bench
                    .judge
                    .events
                    .saturating_sub(u64::from(input.byte() % 8)),
            },
            _ => Command::Send {
                to: name,
                text: format!("0 wrote {}", input.byte()).into(),
            },
        };
        if self.bench.role.takes_commands() {
            self.bench.input(|client, cx| client.handle_command(cx, command));
        }
    }

    fn session_of(&self, service: Service, peer: Option<usize>) -> Option<SessionId> {
        let fits = |session: &super::bench::Session| {
            session.service == service && peer.is_none_or(|peer| session.peer.id == people::card(peer).id)
        };
        let mut sessions = self.bench.sessions.iter().rev();
        sessions.find(|(_, session)| fits(session)).map(|(id, _)| *id)
    }

    fn any_session(&self, input: &mut Input<'_>) -> Option<SessionId> {
        let place = input.below(self.bench.sessions.len());
        self.bench.sessions.keys().nth(place).copied()
    }

    fn say(&mut self, message: &FromRegistry) {
        if let Some(session) = self.session_of(Service::Registry, None) {
            self.bench.hear(session, codec::encode(message));
        }
    }

    fn registry_answers(&mut self, input: &mut Input<'_>) {
        let books = &self.bench.judge;
        let deposit = books.deposits.iter().rev().nth(input.below(4)).copied();
        let (to, id, hash) = deposit.unwrap_or_else(|| {
            let slot = people::slot(0, 0);
            let sender = people::card(0).id;
            let id = udpchat::id::MessageId { sender, slot };
            (1, id, EnvelopeHash([0; 16]))
        });
        let slot = id.slot;
        let counter = books.counter.wrapping_sub(u64::from(input.byte() / 128));
        let busy = |of, input: &mut Input<'_>| Busy {
            of,
            reason: BusyReason::Rate,
            retry_after_ms: u32::from(input.u16()),
        };
        let message = match input.below(14) {
            0..=2 => FromRegistry::Registered(Registered {
                counter,
                returning: input.one_in(2),
                store_id: [input.byte() / 200; 16],
                observed: ([10, 0, 0, 9], 9).into(),
                lease_ms: 60_000,
                lobby: false,
            }),
            3 => FromRegistry::RegistrationRefused {
                reason: RegistrationRefusal::CounterBehind { seen: counter },
            },
            4 => FromRegistry::Alive { counter },
            5 => FromRegistry::NotRegistered,
            6 | 7 => {
                self.bench.judge.deposited = true;
                FromRegistry::Deposited { slot, hash }
            }
            8 => FromRegistry::DepositRefused {
                slot,
                reason: [DepositRefusal::NoSuchName, DepositRefusal::MailboxFull][input.below(2)],
            },
            9 => FromRegistry::Busy(busy(Some(slot).filter(|_| input.one_in(2)), input)),
            10 => FromRegistry::Withdrawn { slot },
            11 => self.outcome(input, to, (id, hash)),
            12 => FromRegistry::Replayed {
                forwards: input.below(4) as u64,
            },
            _ => match input.below(4) {
                0 => FromRegistry::Deregistered { counter },
                1 => FromRegistry::Conflict { slot },
                2 => FromRegistry::Found {
                    record: people::record(1 + input.below(PEOPLE - 1), input.one_in(2)),
                },
                _ => FromRegistry::NotFound {
                    name: people::name(input.below(PEOPLE)),
                },
            },
        };
        self.say(&message);
    }

    fn outcome(
        &mut self,
        input: &mut Input<'_>,
        to: usize,
        (id, hash): (udpchat::id::MessageId, EnvelopeHash),
    ) -> FromRegistry {
        let end = match input.below(4) {
            0 => End::Expired {
                at: WallTime::from_unix_ms(3),
            },
            1 => End::Refused {
                reason: DepositRefusal::Released,
            },
            _ => End::Answered(self.bench.judge.gives_receipt(input, to, (id, hash))),
        };
        FromRegistry::Outcome(Outcome {
            slot: id.slot,
            hash,
            end,
        })
    }

    fn directory(&mut self, input: &mut Input<'_>) {
        let mut changes = Vec::new();
        for person in 1..PEOPLE {
            // Two of them have one name: a page tells of one.
            match input.below(8) {
                0..=2 if person != 3 => changes.push(Change::Record(people::record(person, true))),
                3 if person != 3 => changes.push(Change::Record(people::record(person, false))),
                4 if person == 2 => changes.push(Change::Removed {
                    name: people::name(person),
                }),
                5 if person == 3 && changes.len() < 2 => {
                    changes = vec![Change::Record(people::record(person, true))];
                }
                _ => {}
            }
        }
        let run = 5;
        let counter = u64::from(input.byte() % 8);
        let page = Page {
            from: (!input.one_in(2)).then(|| Version {
                run,
                counter: counter.saturating_sub(1),
            }),
            to: Version { run, counter },
            index: u32::from(input.byte() / 192),
            last: input.byte() < 192,
            changes: Bounded::truncated(changes),
        };
        self.say(&FromRegistry::Directory(page));
    }

    /// Somebody's message, by either road.
    fn forward(&mut self, input: &mut Input<'_>) {
        let from = 1 + input.below(PEOPLE - 1);
        // Sometimes meant for somebody else.
        let to = if input.byte() > 240 { 2 } else { 0 };
        let number = input.byte();
        let slot = people::slot(number / 128, number % 8);
        let mut envelope = people::envelope(from, to, slot, number / 64);
        if input.byte() > 240 {
            let at = usize::from(input.byte()) % envelope.len();
            envelope[at] ^= 1;
        }
        let floor = Sequence((input.byte() % 4).into());
        let forward = Forward { floor, envelope };
        if input.one_in(2) {
            let place = u64::from(input.byte() % 4);
            self.say(&FromRegistry::Forward { place, forward });
        } else if let Some(session) = self.session_of(Service::Peer, Some(from)) {
            self.bench.hear(session, codec::encode(&ToPeer::Deliver(forward)));
        }
    }

    /// A peer answers what was delivered to him.
    fn receipt(&mut self, input: &mut Input<'_>) {
        let place = input.below(4);
        let delivered = self.bench.judge.delivered.iter().rev().nth(place).copied();
        let Some((to, id, hash)) = delivered else { return };
        let message = match input.byte() {
            249.. => ToPeer::Introduce {
                name: people::name(to),
            },
            225.. => ToPeer::Busy(Busy {
                of: id,
                reason: BusyReason::Storage,
                retry_after_ms: input.u16().into(),
            }),
            _ => ToPeer::Receipt(self.bench.judge.gives_receipt(input, to, (id, hash))),
        };
        let from = if input.byte() > 240 { None } else { Some(to) };
        if let Some(session) = self.session_of(Service::Peer, from) {
            self.bench.hear(session, codec::encode(&message));
        }
    }

    fn restart(&mut self, committed: bool) {
        self.bench.die(committed);
        self.runs = self.runs.wrapping_add(1);
        self.bench.judge.restarts();
        let image = self.bench.store.restart().unwrap();
        let (now, seed) = (self.bench.now, [self.runs; 32]);
        self.bench.role = Client::new(config(), Arc::clone(&self.me), image, now, seed);
        self.bench.pass(Duration::ZERO);
    }
}

impl Books {
    /// A true receipt, or one that somebody else has made.
    fn gives_receipt(
        &mut self,
        input: &mut Input<'_>,
        to: usize,
        about: (udpchat::id::MessageId, EnvelopeHash),
    ) -> udpchat::wire::envelope::Receipt {
        let verdict = [Verdict::Received, Verdict::Skipped, Verdict::Conflict][input.below(9) / 4];
        let from = if input.byte() > 240 { 2 } else { to };
        let receipt = people::receipt(from, 0, about, verdict);
        if from == to && verdict == Verdict::Received {
            self.received_by.insert(people::name(to).folded());
        }
        receipt
    }
}

/// Whether an event says that somebody has a message of ours.
pub(super) const fn says_received(event: &Event) -> Option<&udpchat::id::Name> {
    match event {
        Event::Received { to } | Event::ReceivedLater { to, .. } => Some(to),
        _ => None,
    }
}
