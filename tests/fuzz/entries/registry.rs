//! A registry, four people of whom two want one name, and whatever they say, in any order, on any disk (PROTOCOL §5, §8).
//!
//! Each byte is a deed, those behind it say how. Its limits are small, so that they are reached.
//! Invariants: nothing is said to be kept, registered or ended that is not committed; mail is handed to its recipient
//! only, and his answer is his own; a mailbox keeps its bounds; a registry starts on whatever it has left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use udpchat::clock::WallTime;
use udpchat::engine::{Action, Role};
use udpchat::id::{EnvelopeHash, IdentityId, MessageId, Sequence, Slot};
use udpchat::registry::interface::{Command, Event};
use udpchat::registry::storage::{Ending, Kept, MemberId, Reply, Request};
use udpchat::registry::{Config, Registry};
use udpchat::store::registry::RegistryStore;
use udpchat::transport::{CloseCause, SessionId};
use udpchat::wire::codec::{self, Bounded};
use udpchat::wire::envelope::{Envelope, Recipient, Verdict};
use udpchat::wire::frame::CloseCode;
use udpchat::wire::message::{
    Busy, BusyReason, Change, Deposit, End, Forward, FromRegistry, Record, Register, ToRegistry, Version,
};
use udpchat::wire::packet::Service;

use super::bench::{Bench, Disk, Judge, Session};
use super::input::Input;
use super::people::{self, PEOPLE};

const DEEDS_MAX: usize = 300;
const MAILBOX: u64 = 8;
const SENDER: u64 = 3;
const CAUSES: [CloseCause; 4] = [
    CloseCause::Silent,
    CloseCause::Reset,
    CloseCause::Remote(CloseCode::Done),
    CloseCause::Violation,
];

fn config() -> Config {
    Config {
        names_max: 3,
        mailbox_messages_max: MAILBOX,
        sender_messages_max: SENDER,
        outcomes_max: 4,
        mail_messages_max: 12,
        push_max: 2,
        push_resume: 1,
        ..Config::default()
    }
}

/// What is known to be committed.
#[derive(Default)]
struct Books {
    members: BTreeMap<MemberId, IdentityId>,
    registered: BTreeSet<(IdentityId, u64)>,
    /// Messages that were ever kept.
    kept: BTreeSet<(IdentityId, Slot, [u8; 16])>,
    /// How messages have ended.
    ends: BTreeSet<(IdentityId, Slot, Vec<u8>)>,
    /// Whose time was over when they were deposited, and which were not there then.
    spent: BTreeSet<(IdentityId, Slot)>,
    unknown: BTreeSet<(IdentityId, Slot)>,
    /// Answers that were given, by whom.
    answers: BTreeSet<(IdentityId, Vec<u8>)>,
    /// The directory that was told last, to answer it.
    told: Option<Version>,
    /// What was forwarded last, for whom.
    forwarded: Vec<(SessionId, MessageId, EnvelopeHash)>,
    ended: bool,
}

impl Books {
    fn record(&self, record: &Record) {
        let known = self.registered.iter().any(|(id, _)| *id == record.card.id);
        assert!(known, "the directory tells of those who are registered");
    }
}

impl Judge<Registry> for Books {
    fn said(&mut self, to: &Session, session: SessionId, bytes: &[u8]) {
        assert!(!self.ended, "said after the end");
        let me = to.peer.id;
        match codec::decode(bytes).unwrap() {
            FromRegistry::Registered(registered) => {
                assert!(self.registered.contains(&(me, registered.counter)));
            }
            FromRegistry::Deposited { slot, hash } => {
                assert!(
                    self.kept.contains(&(me, slot, hash.0)),
                    "kept before it is committed"
                );
            }
            FromRegistry::Outcome(outcome) => {
                let end = codec::encode(&outcome.end);
                // What was not kept is ended where its sender gives it no more time.
                let spent = matches!(outcome.end, End::Expired { .. })
                    && self.spent.contains(&(me, outcome.slot))
                    && self.unknown.contains(&(me, outcome.slot));
                assert!(
                    spent || self.ends.contains(&(me, outcome.slot, end)),
                    "an end that is none"
                );
            }
            FromRegistry::Forward { forward, .. } => {
                let envelope = Envelope::parse(&forward.envelope).unwrap();
                let Recipient::Peer(party) = &envelope.recipient else {
                    panic!("to a room");
                };
                assert_eq!(party.id, me, "somebody else's mail");
                let hash = EnvelopeHash::of(&forward.envelope);
                let kept = (envelope.sender.id, envelope.slot, hash.0);
                assert!(self.kept.contains(&kept), "handed out before it is committed");
                self.forwarded.push((session, envelope.id(), hash));
            }
            FromRegistry::Found { record } => self.record(&record),
            FromRegistry::Directory(page) => {
                for change in page.changes.as_slice() {
                    if let Change::Record(record) = change {
                        self.record(record);
                    }
                }
                self.told = Some(page.to);
            }
            _ => {}
        }
    }

    fn told(&mut self, event: Event) {
        assert!(!self.ended, "told after the end");
        self.ended = event == Event::Ended;
    }

    fn wanted(&mut self, action: Action<Request, Event>) {
        panic!("a registry does not want {action:?}");
    }

    fn committed(&mut self, request: &Request, reply: &Reply) {
        match (request, reply) {
            (Request::Register(row), _) => {
                self.members.insert(row.id, row.card.id);
                self.registered.insert((row.card.id, row.counter));
            }
            (Request::Deposit(new), Reply::Deposit(Kept::Fresh(_))) => {
                let sender = self.members[&new.sender];
                self.kept.insert((sender, new.slot, new.hash.0));
            }
            (Request::Known { sender, slot, .. }, Reply::Deposit(Kept::Unknown)) => {
                self.unknown.insert((self.members[sender], *slot));
            }
            (Request::Answer(answer), Reply::Ended(ending)) => {
                if let End::Answered(receipt) = answer.end {
                    let said = (self.members[&answer.recipient], codec::encode(&receipt));
                    assert!(self.answers.contains(&said), "nobody has answered that");
                }
                if *ending != Ending::Nothing {
                    let end = codec::encode(&answer.end);
                    self.ends.insert((self.members[&answer.sender], answer.slot, end));
                }
            }
            (Request::Expire { .. }, Reply::Expired { rows, .. }) => {
                for row in rows {
                    let end = codec::encode(&row.notice.end);
                    self.ends
                        .insert((self.members[&row.sender], row.notice.slot, end));
                }
            }
            _ => {}
        }
    }
}

struct Scene {
    bench: Bench<Registry, RegistryStore, Books>,
    /// The session that each person had last.
    latest: [Option<SessionId>; PEOPLE],
    runs: u8,
}

pub(crate) fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let (store, image) = RegistryStore::open_in_memory([9; 16]).unwrap();
    let now = Bench::<Registry, RegistryStore, Books>::beginning();
    let registry = Registry::new(config(), image, now, [1; 32]);
    let mut scene = Scene {
        bench: Bench::new(registry, store, Books::default(), now),
        latest: [None; PEOPLE],
        runs: 1,
    };
    for _ in 0..DEEDS_MAX {
        if input.is_empty() {
            break;
        }
        scene.deed(&mut input);
        if scene.bench.judge.ended {
            scene.restart(true);
        }
    }
    scene.restart(true);
    scene.bounds();
}

fn address(input: &mut Input<'_>) -> SocketAddr {
    ([198, 51, 100, input.byte()], 1_000).into()
}

impl Scene {
    fn deed(&mut self, input: &mut Input<'_>) {
        let who = input.below(PEOPLE);
        match input.below(18) {
            0 => self.open(input, who),
            1 | 2 => self.register(input, who),
            3..=5 => self.deposit(input, who),
            6 | 7 => self.answer(input),
            8 => {
                let slot = people::slot(0, input.byte() % 8);
                let message = match input.below(2) {
                    0 => ToRegistry::Withdraw { slot },
                    _ => ToRegistry::OutcomeAck { slot },
                };
                self.say(who, &message);
            }
            9 => self.small_talk(input, who),
            10 => {
                let len = input.byte().into();
                if let Some(session) = self.latest[who] {
                    self.bench.hear(session, input.take(len).to_vec());
                }
            }
            11 => {
                if let Some(session) = self.latest[who] {
                    self.bench.close(session, CAUSES[input.below(CAUSES.len())]);
                }
            }
            12 => self.bench.pass(Duration::from_millis(u64::from(input.u16()) * 4)),
            13 => self.bench.sleep(Duration::from_secs(u64::from(input.u16()) * 60)),
            14 => {
                let disk = [Disk::Commits, Disk::Waits, Disk::Fails][input.below(3)];
                self.bench.set_disk(disk);
            }
            15 => {
                let room = [0, 100, 2_000, 1 << 20][input.below(4)];
                if let Some(session) = self.latest[who] {
                    self.bench.set_room(session, room);
                }
            }
            16 => match input.below(8) {
                0 | 1 => self.restart(input.one_in(2)),
                2 => self
                    .bench
                    .input(|registry, cx| registry.handle_command(cx, Command::Stop)),
                3 => self.bench.now.wall = WallTime::from_unix_ms(i64::from(input.u16()) << input.below(40)),
                _ => {}
            },
            _ => {
                if let Some(session) = self.latest[who] {
                    self.bench.moved(session, address(input));
                }
            }
        }
    }

    fn open(&mut self, input: &mut Input<'_>, who: usize) {
        let card = people::card(who);
        let at = address(input);
        self.latest[who] = Some(self.bench.open(None, Service::Registry, card, at));
    }

    fn say(&mut self, who: usize, message: &ToRegistry) {
        if let Some(session) = self.latest[who] {
            self.bench.hear(session, codec::encode(message));
        }
    }

    fn register(&mut self, input: &mut Input<'_>, who: usize) {
        if self.latest[who].is_none() {
            self.open(input, who);
        }
        let name = match input.below(8) {
            0 => people::name(input.below(PEOPLE)),
            1 => "quit".parse().unwrap(),
            _ => people::name(who),
        };
        let directory = self.bench.judge.told.filter(|_| input.one_in(2));
        let register = Register {
            name,
            counter: input.byte().into(),
            private: Bounded::truncated(vec![address(input)]),
            directory,
        };
        self.say(who, &ToRegistry::Register(register));
    }

    fn deposit(&mut self, input: &mut Input<'_>, who: usize) {
        let to = input.below(PEOPLE);
        let number = input.byte();
        // Another one's message, now and then.
        let from = if number >= 240 { to } else { who };
        let slot = people::slot(0, number % 8);
        let envelope = people::envelope(from, to, slot, number / 128);
        let ttl_ms = [0, 500, 30_000, 3_600_000, u64::MAX][input.below(5)];
        let floor = Sequence(number.into());
        if ttl_ms == 0 {
            let sender = people::card(from).id;
            self.bench.judge.spent.insert((sender, slot));
        }
        let forward = Forward { floor, envelope };
        self.say(who, &ToRegistry::Deposit(Deposit { forward, ttl_ms }));
    }

    /// Somebody answers what was forwarded, to him or not.
    fn answer(&mut self, input: &mut Input<'_>) {
        let all = self.bench.judge.forwarded.len();
        let Some((session, id, hash)) = self
            .bench
            .judge
            .forwarded
            .get((all - 1.min(all)).saturating_sub(input.below(8)))
            .copied()
        else {
            return;
        };
        let verdict = [Verdict::Received, Verdict::Skipped, Verdict::Conflict][input.below(3)];
        let session = match input.below(8) {
            0 => self.latest[input.below(PEOPLE)],
            _ => Some(session),
        };
        let Some((session, entry)) =
            session.and_then(|session| Some((session, self.bench.sessions.get(&session)?)))
        else {
            return;
        };
        let me = entry.peer.id;
        let from = people::person(me).unwrap();
        let to = people::person(id.sender).unwrap();
        let receipt = people::receipt(from, to, (id, hash), verdict);
        let message = if input.one_in(8) {
            ToRegistry::Busy(Busy {
                of: id,
                reason: BusyReason::Storage,
                retry_after_ms: input.u16().into(),
            })
        } else {
            ToRegistry::Receipt(receipt)
        };
        self.bench.judge.answers.insert((me, codec::encode(&receipt)));
        self.bench.hear(session, codec::encode(&message));
    }

    fn small_talk(&mut self, input: &mut Input<'_>, who: usize) {
        let message = match input.below(4) {
            0 => ToRegistry::KeepAlive {
                counter: input.byte().into(),
            },
            1 => ToRegistry::Deregister {
                counter: input.byte().into(),
            },
            2 => ToRegistry::Lookup {
                name: people::name(input.below(PEOPLE)),
            },
            _ => ToRegistry::DirectoryAck {
                version: self.bench.judge.told.unwrap_or(Version {
                    run: 0,
                    counter: input.byte().into(),
                }),
            },
        };
        self.say(who, &message);
    }

    fn restart(&mut self, committed: bool) {
        self.bench.die(committed);
        self.latest = [None; PEOPLE];
        self.runs = self.runs.wrapping_add(1);
        let image = self.bench.store.image().unwrap();
        self.bench.judge.ended = false;
        self.bench.judge.forwarded.clear();
        self.bench.role = Registry::new(config(), image, self.bench.now, [self.runs; 32]);
        self.bench.pass(Duration::ZERO);
    }

    /// What is in the database is within the limits.
    fn bounds(&self) {
        let image = self.bench.store.image().unwrap();
        let mut mailboxes = BTreeMap::<MemberId, u64>::new();
        for pair in &image.usage {
            assert!(pair.usage.messages <= SENDER, "{pair:?}");
            *mailboxes.entry(pair.recipient).or_default() += pair.usage.messages;
        }
        assert!(mailboxes.values().all(|messages| *messages <= MAILBOX));
        assert!(image.members.len() <= 3);
    }
}
