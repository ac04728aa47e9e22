//! Rooms as this client knows them: which it is in, what it asks about them, and what it is told of them (PROTOCOL §9.8).
//!
//! What is posted is a message like any other and goes by `delivery`; what others post comes by `posts`. Here are the
//! questions: each is asked again until it is answered, in whatever session that is.
//! Invariants: what is known of being inside is what the registry has said last; a question has one answer, which is told
//! once; no more are open than `QUESTIONS_MAX`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::committed::After;
use super::posts::Posts;
use super::{Client, Timer};
use crate::client::interface::{Event, NotAccepted, NotDone, RoomCommand, RoomEvent};
use crate::client::storage::{KnownRoom, Request};
use crate::client::to::To;
use crate::clock::Now;
use crate::engine::Context;
use crate::id::{Name, RoomId};
use crate::limits::REQUEST_RETRY;
use crate::wire::message::ToRegistry;
use crate::wire::room::{
    MemberListed, Membership, Memberships, News, PostNumber, RoomAnswer, RoomDeed, RoomDone, RoomListed,
    RoomNews, RoomRequest,
};

/// Questions that are open at once: more than a person asks, and a script hears of it.
const QUESTIONS_MAX: usize = 64;
/// Rooms or members that one question gathers, over all its pages: as many members as a room may have.
const LISTED_MAX: usize = crate::limits::ROOM_MEMBERS_MAX;

/// A question that is not answered.
#[derive(Debug)]
struct Asked {
    command: RoomCommand,
    deed: RoomDeed,
    rooms: Vec<RoomListed>,
    members: Vec<MemberListed>,
}

impl Asked {
    const fn new(command: RoomCommand, deed: RoomDeed) -> Self {
        Self {
            command,
            deed,
            rooms: Vec::new(),
            members: Vec::new(),
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

/// What is known of rooms.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Those that we are in, by folded name.
    inside: BTreeMap<String, KnownRoom>,
    /// What is asked: the first of it under this number, the others after it.
    asked: VecDeque<Asked>,
    number: u64,
    /// What was heard of in this registration: a list that was made before says nothing of it.
    heard: BTreeSet<RoomId>,
    /// What was left in it: what is still under way from there is not wanted.
    left: BTreeSet<RoomId>,
    /// Whether that list is asked for, and has not come.
    asks: bool,
    /// The last post of each room when we came.
    heads: BTreeMap<RoomId, PostNumber>,
    /// One to enter as soon as the registry has us for the first time.
    to_enter: Option<Name>,
    /// What was written for rooms that we are about to enter; it has its place in the outbox.
    early: Vec<(Name, String)>,
}

impl Rooms {
    /// Nothing is known, and this one is to be entered.
    pub(super) fn to_enter(room: Option<Name>) -> Self {
        Self {
            to_enter: room,
            ..Self::default()
        }
    }

    /// What the database holds.
    pub(super) fn load(&mut self, rooms: Vec<KnownRoom>) {
        self.inside = rooms
            .into_iter()
            .map(|room| (room.hall.name.folded(), room))
            .collect();
    }

    /// A room that we are in, by its name.
    pub(super) fn named(&self, name: &Name) -> Option<&KnownRoom> {
        self.inside.get(&name.folded())
    }

    /// What a room that we are in is called.
    pub(super) fn name_of(&self, id: RoomId) -> Option<Name> {
        self.by_id(id).map(|room| room.hall.name.clone())
    }

    fn by_id(&self, id: RoomId) -> Option<&KnownRoom> {
        self.inside.values().find(|room| room.hall.id == id)
    }

    /// Whether a post stood there before we came.
    pub(super) fn was_there(&self, room: RoomId, number: PostNumber) -> bool {
        self.heads.get(&room).is_some_and(|head| number <= *head)
    }

    /// Whether we have asked to enter it, and are not answered, or are to ask.
    pub(super) fn is_entering(&self, name: &Name) -> bool {
        let asked = self.asked.iter().any(|asked| match &asked.command {
            RoomCommand::Create(room) | RoomCommand::Join(room) => room.matches(name),
            _ => false,
        });
        asked || self.to_enter.as_ref().is_some_and(|room| room.matches(name))
    }

    /// How long what waits for entry is.
    pub(super) fn early(&self) -> impl Iterator<Item = usize> + Clone {
        self.early.iter().map(|(_, text)| text.len())
    }

    /// Keeps what was written until the entry is answered.
    pub(super) fn keep_early(&mut self, room: Name, text: String) {
        self.early.push((room, text));
    }

    /// Whether we have left it in this registration.
    pub(super) fn has_left(&self, room: RoomId) -> bool {
        self.left.contains(&room)
    }

    /// How many questions are open.
    pub(super) fn questions(&self) -> usize {
        self.asked.len()
    }
}

impl Client {
    /// The user wants something of rooms.
    pub(super) fn room_command(&mut self, cx: &Context<'_>, command: RoomCommand) {
        match self.deed(&command) {
            Err(why) => self.not_done(command, why),
            Ok(_) if self.link.offline() || self.is_leaving() => self.not_done(command, NotDone::Offline),
            Ok(_) if self.rooms.asked.len() >= QUESTIONS_MAX => self.not_done(command, NotDone::TooMany),
            Ok(deed) => {
                self.rooms.asked.push_back(Asked::new(command, deed));
                if self.rooms.asked.len() == 1 {
                    self.ask_next(cx);
                }
                self.hurry(cx);
            }
        }
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
        let (theirs, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.rooms.early)
            .into_iter()
            .partition(|(name, _)| name.matches(room));
        self.rooms.early = others;
        for (name, text) in theirs {
            match (now, self.rooms.named(&name)) {
                (Some(now), Some(known)) => {
                    let to = To::Room(known.hall.clone());
                    self.accept(now, to, text);
                }
                _ => self.out.event(Event::NotAccepted(NotAccepted::NotInside(name))),
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

    /// Asks what is open, one after the other, if the registry has us; it is asked again in a while.
    pub(super) fn ask_about_rooms(&mut self, cx: &Context<'_>) {
        let Some(session) = self.link.registered() else {
            return;
        };
        if let Some(asked) = self.rooms.asked.front() {
            let request = RoomRequest {
                number: self.rooms.number,
                deed: asked.deed.clone(),
            };
            // Who asks too much is not answered, nor is a disk quick: that is no silence.
            self.ask_loosely(cx, session, &ToRegistry::Room(request));
            self.timers.set_by(Timer::Rooms, cx.now.at + REQUEST_RETRY);
        }
        if self.rooms.asks {
            let request = RoomRequest {
                number: 0,
                deed: RoomDeed::Mine,
            };
            self.ask_loosely(cx, session, &ToRegistry::Room(request));
            self.timers.set_by(Timer::Rooms, cx.now.at + REQUEST_RETRY);
        }
    }

    /// Goes on with the next question, which has a number of its own: an answer that comes twice is not its.
    fn ask_next(&mut self, cx: &Context<'_>) {
        self.rooms.number += 1;
        self.ask_about_rooms(cx);
    }

    /// We are about to register: what comes of rooms is of that registration, also what comes before the answer.
    pub(super) fn rooms_begin(&mut self) {
        self.rooms.heard.clear();
        self.rooms.left.clear();
        self.posts = Posts::default();
        // Unasked a list comes only to those who are in a room.
        self.rooms.asks = !self.rooms.inside.is_empty();
    }

    /// The user has us registered: the room that is to be entered then is entered. Asked with the rest, by
    /// [`Self::rooms_go_on`].
    pub(super) fn enter_chosen_room(&mut self) {
        self.rooms.to_enter = None;
        if let Some(room) = self.config.join.clone()
            && !self.rooms.is_entering(&room)
        {
            if self.rooms.asked.is_empty() {
                self.rooms.number += 1;
            }
            let deed = RoomDeed::Join { name: room.clone() };
            let asked = Asked::new(RoomCommand::Join(room), deed);
            self.rooms.asked.push_back(asked);
        }
    }

    /// The registry has us: what is open is asked again.
    pub(super) fn rooms_go_on(&mut self, cx: &Context<'_>) {
        self.ask_about_rooms(cx);
    }

    /// Whether we are inside is doubtful: what was heard may have come in another order than it was said. The registry is
    /// asked, and its list counts.
    pub(super) fn doubt_rooms(&mut self, cx: &Context<'_>) {
        self.rooms.heard.clear();
        if !std::mem::replace(&mut self.rooms.asks, true) {
            self.ask_about_rooms(cx);
        }
    }

    /// There is no registry and will not be soon: nobody answers.
    pub(super) fn give_up_questions(&mut self) {
        self.timers.clear(&Timer::Rooms);
        for asked in std::mem::take(&mut self.rooms.asked) {
            self.not_done(asked.command, NotDone::NoServer);
        }
        if let Some(room) = self.rooms.to_enter.clone() {
            self.post_early(&room, None);
        }
    }

    /// An answer about rooms.
    pub(super) fn room_answer(&mut self, cx: &Context<'_>, answer: RoomAnswer) {
        if answer.number != self.rooms.number {
            return;
        }
        let Some(mut asked) = self.rooms.asked.pop_front() else {
            return;
        };
        match answer.result {
            Err(refusal) => self.not_done(asked.command, NotDone::Refused(refusal)),
            Ok(done) if asked.goes_on(&done) => self.rooms.asked.push_front(asked),
            Ok(done) => self.room_done(cx.now, asked, done),
        }
        self.ask_next(cx);
    }

    /// A deed is done, or a list is whole.
    fn room_done(&mut self, now: Now, asked: Asked, done: RoomDone) {
        let event = match (asked.command, done) {
            (RoomCommand::Create(_) | RoomCommand::Join(_), RoomDone::Entered { room, already }) => {
                self.rooms.heard.insert(room.hall.id);
                self.enter(vec![room.clone()]);
                let name = room.hall.name.clone();
                self.out.event(Event::Room(RoomEvent::Entered { room, already }));
                self.post_early(&name, Some(now));
                return;
            }
            (RoomCommand::Leave(name), RoomDone::Gone { .. }) => {
                self.leave_room(&name);
                RoomEvent::Left { room: name }
            }
            (RoomCommand::Kick { room, name }, RoomDone::Gone { members }) => {
                RoomEvent::Kicked { room, name, members }
            }
            (RoomCommand::List, RoomDone::Rooms { .. }) => RoomEvent::Rooms(asked.rooms),
            (RoomCommand::Members(room), RoomDone::Members { .. }) => RoomEvent::Members {
                room,
                members: asked.members,
            },
            (command, done) => {
                tracing::debug!(?command, ?done, "answered with something else");
                return;
            }
        };
        self.out.event(Event::Room(event));
    }

    /// We are in these rooms.
    fn enter(&mut self, rooms: Vec<Membership>) {
        for room in &rooms {
            self.rooms.left.remove(&room.hall.id);
            self.rooms.heads.insert(room.hall.id, room.head);
        }
        let rooms = rooms.into_iter().map(|room| KnownRoom {
            hall: room.hall,
            owner: room.owner,
        });
        let mut inside = Vec::new();
        for room in rooms {
            let folded = room.hall.name.folded();
            if self.rooms.inside.get(&folded) != Some(&room) {
                self.rooms.inside.insert(folded, room.clone());
                inside.push(room);
            }
        }
        self.store_rooms(inside, Vec::new());
    }

    /// We are in this room no more.
    fn leave_room(&mut self, name: &Name) {
        if let Some(room) = self.rooms.inside.remove(&name.folded()) {
            self.rooms.heard.insert(room.hall.id);
            self.rooms.left.insert(room.hall.id);
            self.rooms.heads.remove(&room.hall.id);
            self.posts.forget(room.hall.id);
            self.store_rooms(Vec::new(), vec![room.hall.name]);
        }
    }

    fn store_rooms(&mut self, inside: Vec<KnownRoom>, outside: Vec<Name>) {
        if !inside.is_empty() || !outside.is_empty() {
            self.out
                .store_surely(Request::Rooms { inside, outside }, After::Nothing);
        }
    }

    /// The rooms that the registry has us in.
    pub(super) fn memberships(&mut self, memberships: Memberships) {
        self.rooms.asks = false;
        let mut listed = memberships.rooms.into_vec();
        listed.retain(|room| !self.rooms.heard.contains(&room.hall.id));
        let told: BTreeSet<RoomId> = listed.iter().map(|room| room.hall.id).collect();
        let known: BTreeSet<RoomId> = self.rooms.inside.values().map(|room| room.hall.id).collect();
        let gone: Vec<Name> = self
            .rooms
            .inside
            .values()
            .filter(|room| !told.contains(&room.hall.id) && !self.rooms.heard.contains(&room.hall.id))
            .map(|room| room.hall.name.clone())
            .collect();
        for room in gone {
            self.leave_room(&room);
            self.out.event(Event::Room(RoomEvent::Outside { room }));
        }
        self.enter(listed.clone());
        for room in listed.into_iter().filter(|room| !known.contains(&room.hall.id)) {
            self.out
                .event(Event::Room(RoomEvent::Entered { room, already: true }));
        }
    }

    /// What happens in a room.
    pub(super) fn room_news(&mut self, news: RoomNews) {
        let RoomNews {
            room,
            at,
            members,
            news,
        } = news;
        let Some(name) = self.rooms.name_of(room) else {
            return;
        };
        let me = &self.config.name;
        let owner = self.rooms.by_id(room).and_then(|room| room.owner.as_ref());
        let ours = owner.is_some_and(|owner| owner.matches(me));
        let out = match &news {
            News::Kicked { name: Some(who) } => who.matches(me),
            News::Kicked { name: None } => !ours,
            News::Ended => true,
            News::Joined { .. } | News::Left { .. } => false,
        };
        if out {
            self.leave_room(&name);
        }
        self.out.event(Event::Room(RoomEvent::News {
            room: name,
            at,
            members,
            news,
            out,
        }));
    }
}
