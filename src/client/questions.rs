//! What this client asks about rooms (PROTOCOL §9.8): one question after the other, each asked again until it is answered, in
//! whatever session that is.
//!
//! What an answer changes in what is known of rooms is `rooms`' business.
//! Invariants: a question has one answer, which is taken up once; no more are open than `QUESTIONS_MAX`, and the one that is asked
//! with the registration.

use std::collections::VecDeque;

use super::outbox::Stage;
use super::{Client, Timer};
use crate::client::interface::{Event, Member, NotAccepted, NotDone, RoomCommand, RoomEvent};
use crate::client::storage::Reach;
use crate::client::to::To;
use crate::clock::{Now, WallTime};
use crate::engine::Context;
use crate::id::{Name, Slot};
use crate::limits::REQUEST_RETRY;
use crate::wire::message::ToRegistry;
use crate::wire::room::{Hall, MemberListed, RoomAnswer, RoomDeed, RoomDone, RoomListed, RoomRequest};

/// Questions that are open at once: more than a person asks, and a script hears of it.
const QUESTIONS_MAX: usize = 64;
/// Rooms or members that one question gathers, over all its pages: as many members as a room may have.
const LISTED_MAX: usize = crate::limits::ROOM_MEMBERS_MAX;

/// For whom something is asked.
#[derive(Debug)]
enum Purpose {
    /// The user, who hears of it whatever the answer is.
    Command(RoomCommand),
    /// `status`: who has this post. One of which there is no more to say is told of otherwise.
    Readers {
        room: Name,
        slot: Slot,
        sent_at: WallTime,
    },
}

/// A question that is not answered.
#[derive(Debug)]
struct Asked {
    purpose: Purpose,
    deed: RoomDeed,
    rooms: Vec<RoomListed>,
    members: Vec<MemberListed>,
}

impl Asked {
    const fn new(purpose: Purpose, deed: RoomDeed) -> Self {
        Self {
            purpose,
            deed,
            rooms: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Whether it is asked to get into this room.
    fn enters(&self, name: &Name) -> bool {
        match &self.purpose {
            Purpose::Command(RoomCommand::Create(room) | RoomCommand::Join(room)) => room.matches(name),
            _ => false,
        }
    }

    /// Takes in a page; whether there is another one to ask for.
    fn goes_on(&mut self, done: &RoomDone) -> bool {
        match done {
            RoomDone::Rooms { rooms, more } => {
                self.rooms.extend_from_slice(rooms.as_slice());
                let after = self.rooms.last().map(|room| room.name.clone());
                self.deed = RoomDeed::List { after };
                *more && self.rooms.len() < LISTED_MAX
            }
            RoomDone::Members { members, more } => {
                self.members.extend_from_slice(members.as_slice());
                if let (RoomDeed::Members { after, .. }, Some(last)) = (&mut self.deed, self.members.last()) {
                    *after = Some(last.name.clone());
                }
                *more && self.members.len() < LISTED_MAX
            }
            RoomDone::Entered { .. } | RoomDone::Gone { .. } | RoomDone::Readers { .. } => false,
        }
    }
}

/// What is open.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// The first of it under this number, the others after it.
    asked: VecDeque<Asked>,
    number: u64,
}

impl Questions {
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    /// How many were asked so far: it only grows, also with each page that is answered.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether it is being asked who has a post.
    pub(super) fn asks_readers(&self) -> bool {
        let is_readers = |asked: &Asked| matches!(asked.purpose, Purpose::Readers { .. });
        self.asked.iter().any(is_readers)
    }

    /// Whether one is open that is to get us into this room.
    pub(super) fn enters(&self, name: &Name) -> bool {
        self.asked.iter().any(|asked| asked.enters(name))
    }

    /// Puts one at the end. The first has a number of its own: an answer that comes twice is not its.
    fn push(&mut self, asked: Asked) {
        if self.asked.is_empty() {
            self.number += 1;
        }
        self.asked.push_back(asked);
    }

    /// The one of which this is the answer.
    fn answered(&mut self, number: u64) -> Option<Asked> {
        let asked = (number == self.number).then(|| self.asked.pop_front())?;
        self.number += u64::from(asked.is_some());
        asked
    }

    fn first(&self) -> Option<RoomRequest> {
        let deed = self.asked.front()?.deed.clone();
        let number = self.number;
        Some(RoomRequest { number, deed })
    }
}

impl Client {
    /// The user wants something of rooms.
    pub(super) fn room_command(&mut self, cx: &Context<'_>, command: RoomCommand) {
        match self.deed(&command) {
            Err(why) => self.not_done(command, why),
            Ok(_) if self.link.offline() || self.is_leaving() => self.not_done(command, NotDone::Offline),
            Ok(_) if self.rooms.questions.len() >= QUESTIONS_MAX => self.not_done(command, NotDone::TooMany),
            Ok(deed) => {
                self.ask(cx, Purpose::Command(command), deed);
                self.hurry(cx);
            }
        }
    }

    /// Asks who has a post of ours, if there is room for a question and somebody to answer it.
    pub(super) fn ask_readers(&mut self, cx: &Context<'_>, room: Name, slot: Slot, sent_at: WallTime) {
        if self.link.registered().is_some() && self.rooms.questions.len() < QUESTIONS_MAX {
            let purpose = Purpose::Readers { room, slot, sent_at };
            self.ask(cx, purpose, RoomDeed::Readers { slot });
        }
    }

    /// Whether the registry keeps a message of ours: otherwise how it has ended is told already.
    fn is_kept(&self, slot: Slot) -> bool {
        let message = self.outbox.key_of(slot).and_then(|key| self.outbox.get(key));
        message.is_some_and(|message| message.stage == Stage::Stored)
    }

    fn ask(&mut self, cx: &Context<'_>, purpose: Purpose, deed: RoomDeed) {
        self.rooms.questions.push(Asked::new(purpose, deed));
        if self.rooms.questions.len() == 1 {
            self.ask_about_rooms(cx);
        }
    }

    /// A room is to be entered as soon as something is asked again.
    pub(super) fn ask_to_enter(&mut self, room: Name) {
        let deed = RoomDeed::Join { name: room.clone() };
        let purpose = Purpose::Command(RoomCommand::Join(room));
        self.rooms.questions.push(Asked::new(purpose, deed));
    }

    fn not_done(&mut self, command: RoomCommand, why: NotDone) {
        let room = match &command {
            RoomCommand::Create(room) | RoomCommand::Join(room) => Some(room.clone()),
            _ => None,
        };
        self.out.event(Event::Room(RoomEvent::NotDone { command, why }));
        if let Some(room) = room {
            self.post_early(&room, None);
        }
    }

    /// An entry is answered: what was written for the room meanwhile goes there, or is not accepted.
    fn post_early(&mut self, room: &Name, now: Option<Now>) {
        for (name, text) in self.rooms.take_early(room) {
            match (now, self.rooms.named(&name)) {
                (Some(now), Some(known)) => {
                    let to = To::Room(known.hall.clone());
                    self.accept(now, to, text);
                }
                _ => {
                    self.not_accepted(text.tag, NotAccepted::NotInside(name));
                }
            }
        }
    }

    /// What the registry is asked for this.
    fn deed(&self, command: &RoomCommand) -> Result<RoomDeed, NotDone> {
        let inside = |name: &Name| {
            let room = self.rooms.named(name).ok_or(NotDone::NotInside)?;
            Ok(room.hall.id)
        };
        Ok(match command {
            RoomCommand::Create(name) => RoomDeed::Create { name: name.clone() },
            RoomCommand::Join(name) => RoomDeed::Join { name: name.clone() },
            RoomCommand::Leave(name) => RoomDeed::Leave { room: inside(name)? },
            RoomCommand::Kick { room, name } => RoomDeed::Kick {
                room: inside(room)?,
                name: name.clone(),
            },
            RoomCommand::List => RoomDeed::List { after: None },
            RoomCommand::Members(name) => RoomDeed::Members {
                name: name.clone(),
                after: None,
            },
        })
    }

    /// Asks what is open, if the registry has us; it is asked again in a while.
    pub(super) fn ask_about_rooms(&mut self, cx: &Context<'_>) {
        let Some(session) = self.link.registered() else {
            return;
        };
        let mine = self.rooms.asks_which().map(|number| RoomRequest {
            number,
            deed: RoomDeed::Mine,
        });
        for request in self.rooms.questions.first().into_iter().chain(mine) {
            // Who asks too much is not answered, nor is a disk quick: that is no silence.
            self.ask_loosely(cx, session, &ToRegistry::Room(request));
            self.timers.set_by(Timer::Rooms, cx.now.at + REQUEST_RETRY);
        }
    }

    /// There is no registry and will not be soon: nobody answers.
    pub(super) fn give_up_questions(&mut self) {
        self.timers.clear(&Timer::Rooms);
        for asked in std::mem::take(&mut self.rooms.questions.asked) {
            if let Purpose::Command(command) = asked.purpose {
                self.not_done(command, NotDone::NoServer);
            }
        }
        if let Some(room) = self.rooms.to_be_entered() {
            self.post_early(&room, None);
        }
    }

    /// An answer about rooms.
    pub(super) fn room_answer(&mut self, cx: &Context<'_>, answer: RoomAnswer) {
        let Some(mut asked) = self.rooms.questions.answered(answer.number) else {
            return;
        };
        match (answer.result, asked.purpose) {
            (Ok(done), purpose) => {
                asked.purpose = purpose;
                if asked.goes_on(&done) {
                    self.rooms.questions.asked.push_front(asked);
                } else {
                    self.room_done(cx, asked, done);
                }
            }
            (Err(refusal), Purpose::Command(command)) => {
                self.not_done(command, NotDone::Refused(refusal));
            }
            (Err(refusal), Purpose::Readers { .. }) => tracing::debug!(?refusal, "who has a post"),
        }
        self.ask_about_rooms(cx);
    }

    /// A deed is done, or a list is whole.
    fn room_done(&mut self, cx: &Context<'_>, asked: Asked, done: RoomDone) {
        let event = match (asked.purpose, done) {
            (
                Purpose::Command(RoomCommand::Create(_) | RoomCommand::Join(_)),
                RoomDone::Entered { room, already },
            ) => {
                self.has_entered(cx, &room);
                let Hall { name, id } = room.hall.clone();
                self.out.event(Event::Room(RoomEvent::Entered { room, already }));
                // What has come of it before the answer.
                self.take_posts(cx, id);
                self.post_early(&name, Some(cx.now));
                return;
            }
            (Purpose::Readers { slot, .. }, _) if !self.is_kept(slot) => return,
            (
                Purpose::Readers { room, slot, sent_at },
                RoomDone::Readers {
                    received,
                    of,
                    missing,
                },
            ) => {
                let missing = missing.into_vec();
                let event = RoomEvent::Readers {
                    room,
                    sent_at,
                    reach: Reach { received, of },
                    missing,
                };
                self.tell_of(slot, Event::Room(event));
                return;
            }
            (Purpose::Command(RoomCommand::Leave(name)), RoomDone::Gone { .. }) => {
                self.leave_room(&name);
                RoomEvent::Left { room: name }
            }
            (Purpose::Command(RoomCommand::Kick { room, name }), RoomDone::Gone { members }) => {
                RoomEvent::Kicked { room, name, members }
            }
            (Purpose::Command(RoomCommand::List), RoomDone::Rooms { .. }) => RoomEvent::Rooms(asked.rooms),
            (Purpose::Command(RoomCommand::Members(room)), RoomDone::Members { .. }) => RoomEvent::Members {
                room,
                members: self.with_trust(asked.members),
            },
            (purpose, done) => {
                tracing::debug!(?purpose, ?done, "answered with something else");
                return;
            }
        };
        self.out.event(Event::Room(event));
    }

    /// Members as the registry lists them: it is the names that it knows.
    fn with_trust(&self, members: Vec<MemberListed>) -> Vec<Member> {
        let member = |MemberListed { name, online }| Member {
            trust: self.trust_of(&name),
            name,
            online,
        };
        members.into_iter().map(member).collect()
    }
}
