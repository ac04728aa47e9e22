//! A registry with guests, for the tests of rooms: what they ask, post and hear.
//!
//! Invariant: what is read of what was said is taken, and said no more.

use super::*;
use crate::wire::envelope::Body;
use crate::wire::message::{End, Outcome};
use crate::wire::room::*;

/// Somebody in a session.
pub(super) struct Guest {
    person: Person,
    session: SessionId,
    asked: u64,
}

/// A registry and its guests, by number: 1 is ann, 2 bea, 3 cat.
pub(super) struct House {
    pub(super) world: World,
    pub(super) guests: Vec<Guest>,
}

const NAMES: [&str; 3] = ["ann", "bea", "cat"];

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn config() -> Config {
    Config {
        requests: crate::rate::Rate::UNLIMITED,
        deeds: crate::rate::Rate::UNLIMITED,
        deposits: crate::rate::Rate::UNLIMITED,
        ..Config::default()
    }
}

impl House {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: Config) -> Self {
        let mut world = World::new(config);
        let guests = (1_u8..)
            .zip(NAMES)
            .map(|(seed, name)| {
                let person = Person::new(name, seed);
                let session = world.join(u64::from(seed), &person, 1);
                Guest {
                    person,
                    session,
                    asked: 0,
                }
            })
            .collect();
        world.settle();
        Self { world, guests }
    }

    /// ann's den, with everybody in it; nobody has said anything yet.
    pub(super) fn full() -> Self {
        let mut house = Self::new();
        house.create(0);
        house.join(1);
        house.join(2);
        house.world.take();
        house
    }

    pub(super) fn session(&self, who: usize) -> SessionId {
        self.guests[who].session
    }

    pub(super) fn ask(&mut self, who: usize, deed: RoomDeed) -> Result<RoomDone, RoomRefusal> {
        let guest = &mut self.guests[who];
        guest.asked += 1;
        let (session, number) = (guest.session, guest.asked);
        self.world
            .say(session, &ToRegistry::Room(RoomRequest { number, deed }));
        let answers: Vec<RoomAnswer> = self
            .world
            .did
            .iter()
            .filter_map(|did| match did {
                Did::Say(to, FromRegistry::RoomAnswer(answer)) if *to == session => Some(answer.clone()),
                _ => None,
            })
            .collect();
        self.world
            .did
            .retain(|did| !matches!(did, Did::Say(_, FromRegistry::RoomAnswer(_))));
        let [answer] = &answers[..] else {
            panic!("{answers:?}");
        };
        assert_eq!(answer.number, number);
        answer.result.clone()
    }

    pub(super) fn create(&mut self, who: usize) -> Membership {
        self.entered(who, RoomDeed::Create { name: name("den") }, false)
    }

    pub(super) fn join(&mut self, who: usize) -> Membership {
        self.entered(who, RoomDeed::Join { name: name("den") }, false)
    }

    pub(super) fn entered(&mut self, who: usize, deed: RoomDeed, before: bool) -> Membership {
        match self.ask(who, deed) {
            Ok(RoomDone::Entered { room, already }) => {
                assert_eq!(already, before);
                room
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn hall(&self) -> Hall {
        let (_, room) = self.world.registry.rooms.by_name(&name("den")).unwrap();
        Hall {
            name: room.name.clone(),
            id: room.id,
        }
    }

    /// What somebody posts under this number of his.
    pub(super) fn written(&self, who: usize, sequence: u64) -> Vec<u8> {
        self.written_as(who, sequence, format!("{who} {sequence}"))
    }

    /// And in these words.
    pub(super) fn written_as(&self, who: usize, sequence: u64, text: String) -> Vec<u8> {
        let author = &self.guests[who].person;
        let envelope = Envelope {
            sender: author.party(),
            recipient: Recipient::Room(self.hall()),
            slot: slot(sequence),
            sent_at: WallTime::from_unix_ms(5),
            body: Body::Plain(text),
        };
        envelope.sign(&author.identity)
    }

    pub(super) fn post(&mut self, who: usize, sequence: u64) -> Vec<u8> {
        let envelope = self.written(who, sequence);
        self.world.say(self.session(who), &deposit(&envelope));
        envelope
    }

    /// What somebody was sent of the room: numbers, what they follow, and what stands there.
    pub(super) fn posts(&mut self, who: usize) -> Vec<(u64, u64, PostItem)> {
        let session = self.session(who);
        let (theirs, others): (Vec<Did>, Vec<Did>) = self
            .world
            .take()
            .into_iter()
            .partition(|did| matches!(did, Did::Say(to, FromRegistry::Post(_)) if *to == session));
        self.world.did = others;
        theirs
            .into_iter()
            .map(|did| match did {
                Did::Say(_, FromRegistry::Post(post)) => (post.number.0, post.previous.0, post.item),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    pub(super) fn had(&mut self, who: usize, number: u64) {
        let had = PostHad {
            room: self.hall().id,
            number: PostNumber(number),
        };
        self.world.say(self.session(who), &ToRegistry::PostHad(had));
    }

    /// What somebody was told, but for posts and the directory.
    pub(super) fn heard(&mut self, who: usize) -> Vec<FromRegistry> {
        let mut heard = self.world.heard(self.session(who));
        heard.retain(|message| !matches!(message, FromRegistry::Directory(_) | FromRegistry::Post(_)));
        heard
    }

    pub(super) fn leaves_the_program(&mut self, who: usize) {
        let session = self.session(who);
        self.world.close(session, CloseCause::Remote(CloseCode::Done));
        self.world.settle();
    }

    pub(super) fn comes_back(&mut self, who: usize, counter: u64) {
        let session = 10 * counter + who as u64;
        self.guests[who].session = self.world.join(session, &self.guests[who].person, counter);
    }
}

pub(super) fn message(envelope: &[u8]) -> PostItem {
    PostItem::Message(forward(envelope))
}

pub(super) fn own(sequence: u64) -> PostItem {
    PostItem::Own { slot: slot(sequence) }
}

pub(super) fn posted(sequence: u64, envelope: &[u8], received: u32, of: u32) -> FromRegistry {
    FromRegistry::Outcome(Outcome {
        slot: slot(sequence),
        hash: EnvelopeHash::of(envelope),
        end: End::Posted { received, of },
    })
}

pub(super) fn news(house: &House, members: u32, news: News) -> FromRegistry {
    FromRegistry::RoomNews(RoomNews {
        room: house.hall().id,
        at: house.world.now.wall,
        members,
        news,
    })
}
