//! Random histories: three people, a database that fails now and then, restarts, lost answers. After each step the
//! books agree with each other and with the database; in the end everything deposited has come to an end.

use super::*;
use crate::registry::lane::{Lane, LaneKind};
use crate::wire::message::{Busy, BusyReason, End};

const PEOPLE: usize = 3;

struct Chaos {
    seed: u64,
    world: World,
    rng: ChaCha12Rng,
    people: Vec<Person>,
    sessions: Vec<Option<SessionId>>,
    counters: Vec<u64>,
    next_session: u64,
    /// Messages that were deposited: sender, recipient, number, bytes; and whether the sender knows their end.
    sent: BTreeMap<(usize, u64), (usize, Vec<u8>, bool)>,
    /// What was taken back, perhaps: the answer may be lost.
    withdrawn: BTreeSet<(usize, u64)>,
    /// Whether everything that is told is answered at once.
    healed: bool,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            world: World::new(Config {
                mailbox_messages_max: 8,
                sender_messages_max: 3,
                ..Config::default()
            }),
            rng: ChaCha12Rng::seed_from_u64(seed),
            people: (1..=3).map(|n| Person::new(&format!("p{n}"), n)).collect(),
            sessions: vec![None; PEOPLE],
            counters: vec![0; PEOPLE],
            next_session: 1,
            sent: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
            healed: false,
        }
    }

    fn below(&mut self, bound: u64) -> usize {
        usize::try_from(self.rng.next_u64() % bound).unwrap()
    }

    fn join(&mut self, who: usize) {
        self.counters[who] += 1;
        let old = self.sessions[who].take();
        let session = self.world.open(self.next_session, &self.people[who]);
        self.next_session += 1;
        self.sessions[who] = Some(session);
        if let Some(old) = old {
            match self.below(3) {
                0 => self.world.close(old, CloseCause::Replaced(session)),
                1 => self.world.close(old, CloseCause::Silent),
                _ => {}
            }
        }
        let message = register(&self.people[who], self.counters[who]);
        self.world.say(session, &message);
    }

    fn step(&mut self) {
        let who = self.below(3);
        match self.below(16) {
            0 => self.join(who),
            1 => {
                if let Some(session) = self.sessions[who].take() {
                    self.world.close(session, CloseCause::Reset);
                }
            }
            2..=6 => {
                let to = (who + 1 + self.below(2)) % PEOPLE;
                let n = self.below(6) as u64;
                self.deposit(who, to, n);
            }
            7 => {
                if let Some(session) = self.sessions[who] {
                    let n = self.below(6) as u64;
                    let message = ToRegistry::Withdraw { slot: slot(n) };
                    self.withdrawn.insert((who, n));
                    self.world.say(session, &message);
                }
            }
            8..=9 => {
                let seconds = self.below(20) as u64;
                let alive: Vec<_> = self.sessions.iter().flatten().copied().collect();
                self.world.run(Duration::from_secs(seconds), &alive);
            }
            10 => self.world.failing = !self.world.failing && self.below(2) == 0,
            11 => {
                self.world.held = self.below(2) == 0;
                if !self.world.held {
                    self.world.commit();
                }
            }
            12 if self.below(6) == 0 => {
                self.world.restart();
                self.sessions = vec![None; PEOPLE];
            }
            13 => {
                let room = [100, 2_000, 1 << 20][self.below(3)];
                if let Some(session) = self.sessions[who]
                    && self.world.sessions.0.contains_key(&session)
                {
                    self.world.set_room(session, room.max(1_500));
                }
            }
            _ => {}
        }
        self.read();
        self.check();
    }

    fn deposit(&mut self, from: usize, to: usize, n: u64) {
        let Some(session) = self.sessions[from] else {
            return;
        };
        let text = self.people[from].envelope(&self.people[to], n, "text");
        let ttl = [500, 30_000, 3_600_000][self.below(3)];
        self.world.say(session, &deposit_for(&text, ttl));
    }

    /// Everybody reads what he was told, and answers some of it.
    fn read(&mut self) {
        loop {
            let did = self.world.take();
            if did.is_empty() {
                return;
            }
            for did in did {
                match did {
                    Did::Say(session, message) => {
                        if let Some(who) = self.sessions.iter().position(|s| *s == Some(session)) {
                            self.hear(who, session, message);
                        }
                    }
                    Did::Close(session, code) => {
                        assert_ne!(code, CloseCode::Violation);
                        for own in &mut self.sessions {
                            own.take_if(|own| *own == session);
                        }
                    }
                    Did::Event(_) => {}
                }
            }
        }
    }

    fn hear(&mut self, who: usize, session: SessionId, message: FromRegistry) {
        let answers = self.healed || self.below(2) == 0;
        match message {
            FromRegistry::Forward { forward, .. } => {
                let envelope = Envelope::parse(&forward.envelope).unwrap();
                let Recipient::Peer(party) = &envelope.recipient else {
                    panic!("to a room");
                };
                assert_eq!(party.id, self.people[who].identity.id(), "for somebody else");
                let from = self
                    .people
                    .iter()
                    .position(|person| person.identity.id() == envelope.sender.id)
                    .unwrap();
                if answers {
                    let n = envelope.slot.sequence.0;
                    let receipt =
                        self.people[who].receipt(&self.people[from], n, &forward.envelope, Verdict::Received);
                    self.world.say(session, &ToRegistry::Receipt(receipt));
                } else {
                    let busy = Busy {
                        of: envelope.id(),
                        reason: [BusyReason::UnknownSender, BusyReason::Rate][self.below(2)],
                        retry_after_ms: [250, 60_000][self.below(2)],
                    };
                    self.world.say(session, &ToRegistry::Busy(busy));
                }
            }
            FromRegistry::Deposited { slot: of, hash } => {
                let n = of.sequence.0;
                for to in (0..PEOPLE).filter(|to| *to != who) {
                    let text = self.people[who].envelope(&self.people[to], n, "text");
                    if EnvelopeHash::of(&text) == hash {
                        self.sent.insert((who, n), (to, text, false));
                    }
                }
            }
            FromRegistry::Outcome(outcome) => {
                assert!(!matches!(outcome.end, End::Refused { .. }));
                if let Some(sent) = self.sent.get_mut(&(who, outcome.slot.sequence.0)) {
                    sent.2 = true;
                }
                if answers {
                    self.world
                        .say(session, &ToRegistry::OutcomeAck { slot: outcome.slot });
                }
            }
            FromRegistry::Directory(page) if answers && page.last => {
                self.world
                    .say(session, &ToRegistry::DirectoryAck { version: page.to });
            }
            FromRegistry::NotRegistered if self.healed => self.join(who),
            _ => {}
        }
    }

    /// The books agree.
    fn check(&mut self) {
        let registry = &mut self.world.registry;
        let online: Vec<_> = registry
            .members
            .from(MemberId(1))
            .filter(|(_, member)| member.seat.is_some())
            .map(|(id, _)| id)
            .collect();
        assert!(registry.online.iter().eq(&online));
        for id in online {
            let seat = registry.members.seat_mut(id).unwrap();
            let in_session = seat.session.is_some();
            for kind in [LaneKind::Mail, LaneKind::Notices] {
                let lane = seat.lane(kind);
                lane.check();
                if in_session && lane.is_stalled() {
                    let timer = registry.timers.is_set(Timer::Lane(id, kind));
                    assert!(
                        timer,
                        "{kind:?} of {id:?} has something to do and no reason to: {lane:?}"
                    );
                }
            }
        }
        if self.world.asked.is_empty() {
            let image = self.world.store.image().unwrap();
            assert_eq!(self.world.registry.quotas.usage(), image.usage);
            let outcomes: BTreeMap<_, _> = image.outcomes.into_iter().collect();
            assert_eq!(self.world.registry.quotas.outcomes, outcomes);
        }
    }

    /// Everything works from now on; everybody comes back and answers everything.
    fn heal(&mut self) {
        self.world.failing = false;
        self.world.held = false;
        self.world.commit();
        self.healed = true;
        for who in 0..PEOPLE {
            self.join(who);
        }
        for _ in 0..400 {
            let alive: Vec<_> = self.sessions.iter().flatten().copied().collect();
            for session in &alive {
                self.world.set_room(*session, 1 << 20);
            }
            self.world.run(Duration::from_secs(5), &alive);
            self.read();
            self.check();
        }
        let untold: Vec<_> = self
            .sent
            .iter()
            .filter(|(id, (_, _, ended))| !ended && !self.withdrawn.contains(id))
            .collect();
        assert_eq!(untold, [], "seed {}", self.seed);
        let image = self.world.store.image().unwrap();
        assert_eq!(image.usage, [], "something waits");
        assert_eq!(image.next_expiry, None, "an outcome is kept");
        let before = self.world.registry.out.asked_in_all();
        let alive: Vec<_> = self.sessions.iter().flatten().copied().collect();
        self.world.take();
        self.world.run(Duration::from_secs(600), &alive);
        assert_eq!(self.world.take(), [], "quiet");
        assert_eq!(
            self.world.registry.out.asked_in_all() - before,
            10,
            "but for the age"
        );
    }
}

impl Lane {
    /// Its counts are what they count.
    fn check(&self) {
        let flights = || self.flights.values();
        let inside = flights()
            .filter(|flight| !flight.aside)
            .map(|flight| flight.bytes);
        assert_eq!(self.bytes, inside.sum::<u64>());
        assert_eq!(self.aside, flights().filter(|flight| flight.aside).count());
        assert_eq!(self.again, flights().filter(|flight| flight.again).count());
        assert!(flights().all(|flight| !(flight.again && flight.ending)));
    }

    /// Whether only a timer can bring it on.
    fn is_stalled(&self) -> bool {
        let ending = self.flights.values().any(|flight| flight.ending);
        !self.reading && !ending && (self.more || !self.flights.is_empty())
    }
}

#[test]
fn the_books_agree_and_everything_comes_to_an_end() {
    for seed in 0..30 {
        let mut chaos = Chaos::new(seed);
        for who in 0..PEOPLE {
            chaos.join(who);
        }
        for _ in 0..250 {
            chaos.step();
        }
        chaos.heal();
    }
}
