//! Rooms as this client knows them: which it is in, and what it is told of them (PROTOCOL §9.8).
//!
//! What is posted is a message like any other and goes by `delivery`; what others post comes by `posts`; what is asked, and
//! answered, is in `questions`.
//! Invariant: what is known of being inside is what the registry has said last.

use std::collections::{BTreeMap, BTreeSet};

use super::Client;
use super::committed::After;
use super::questions::Questions;
use crate::client::interface::{Event, RoomEvent, Text};
use crate::client::storage::{KnownRoom, Request};
use crate::engine::Context;
use crate::id::{Name, RoomId};
use crate::limits::MEMBER_ROOMS_MAX;
use crate::reserved::LOBBY;
use crate::wire::room::{Membership, Memberships, News, PostNumber, RoomNews};

/// What is known of rooms.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Those that we are in, by folded name.
    inside: BTreeMap<String, KnownRoom>,
    /// What is asked about them.
    pub(super) questions: Questions,
    /// What was heard of in this registration: a list that was made before says nothing of it.
    heard: BTreeSet<RoomId>,
    /// What has put us out, or ended, though we were not known to be there: the answer that lets us in may be under way still. At
    /// most [`MEMBER_ROOMS_MAX`].
    out_early: BTreeSet<RoomId>,
    /// What was left in it: what is still under way from there is not wanted.
    left: BTreeSet<RoomId>,
    /// Whether that list is asked for, and has not come.
    asks: bool,
    /// How often what was heard was doubted in this registration. So the question is numbered: a list that answers an earlier one,
    /// or none, says nothing of what is doubted since.
    doubts: u64,
    /// Whether the list under that number has come. It was asked for again, perhaps, or told unasked: of two of one number nobody
    /// knows which was made first, and what has happened since either is told by itself.
    settled: bool,
    /// The last post of each room when we came.
    heads: BTreeMap<RoomId, PostNumber>,
    /// One to enter as soon as the registry has us for the first time.
    to_enter: Option<Name>,
    /// What was written for rooms that we are about to enter; it has its place in the outbox.
    early: Vec<(Name, Text)>,
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

    /// What those that we are in are called.
    pub(super) fn names(&self) -> Vec<Name> {
        self.inside.values().map(|room| room.hall.name.clone()).collect()
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
        let to_enter = self.to_enter.as_ref();
        self.questions.enters(name) || to_enter.is_some_and(|room| room.matches(name))
    }

    /// The room that is to be entered once the registry has us.
    pub(super) fn to_be_entered(&self) -> Option<Name> {
        self.to_enter.clone()
    }

    /// The number under which the registry is to be asked which rooms we are in, if it is.
    pub(super) fn asks_which(&self) -> Option<u64> {
        self.asks.then_some(self.doubts)
    }

    /// How long what waits for entry is.
    pub(super) fn early(&self) -> impl Iterator<Item = usize> + Clone {
        self.early.iter().map(|(_, text)| text.body.len())
    }

    /// Keeps what was written until the entry is answered.
    pub(super) fn keep_early(&mut self, room: Name, text: Text) {
        self.early.push((room, text));
    }

    /// What waits for entry to a room, which is answered.
    pub(super) fn take_early(&mut self, room: &Name) -> Vec<(Name, Text)> {
        let early = std::mem::take(&mut self.early).into_iter();
        let (theirs, others): (Vec<_>, Vec<_>) = early.partition(|(name, _)| name.matches(room));
        self.early = others;
        theirs
    }

    /// Whether we have left it in this registration.
    pub(super) fn has_left(&self, room: RoomId) -> bool {
        self.left.contains(&room)
    }
}

impl Client {
    /// We are about to register: what comes of rooms is of that registration, also what comes before the answer.
    pub(super) fn rooms_begin(&mut self) {
        self.rooms.heard.clear();
        self.rooms.left.clear();
        self.rooms.out_early.clear();
        self.rooms.doubts = 0;
        self.rooms.settled = false;
        self.posts.begin_anew();
        // Unasked a list comes only to those who are in a room.
        self.rooms.asks = !self.rooms.inside.is_empty();
    }

    /// The user has us registered: the room that is to be entered then is entered. Asked with the rest, by
    /// [`Self::ask_about_rooms`].
    pub(super) fn enter_chosen_room(&mut self) {
        self.rooms.to_enter = None;
        if let Some(room) = self.config.join.clone()
            && !self.rooms.is_entering(&room)
        {
            self.ask_to_enter(room);
        }
    }

    /// Whether we are inside is doubtful: what was heard may have come in another order than it was said. The registry is
    /// asked, and its list counts; if it is being asked already, once that is answered.
    pub(super) fn doubt_rooms(&mut self, cx: &Context<'_>) {
        self.rooms.heard.clear();
        self.rooms.doubts += 1;
        self.rooms.settled = false;
        if !std::mem::replace(&mut self.rooms.asks, true) {
            self.ask_about_rooms(cx);
        }
    }

    /// There is a room for everybody: of that whoever is not in it, and is not about to be, is told.
    pub(super) fn offer_lobby(&mut self) {
        if let Ok(room) = LOBBY.parse::<Name>()
            && self.rooms.named(&room).is_none()
            && !self.rooms.is_entering(&room)
        {
            self.out.event(Event::Room(RoomEvent::Offered { room }));
        }
    }

    /// The registry has let us in.
    pub(super) fn has_entered(&mut self, cx: &Context<'_>, room: &Membership) {
        self.rooms.heard.insert(room.hall.id);
        self.enter(vec![room.clone()]);
        if self.rooms.out_early.remove(&room.hall.id) {
            self.doubt_rooms(cx);
        }
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
    pub(super) fn leave_room(&mut self, name: &Name) {
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

    /// Asks the store again for what has failed. Of rooms what is so by now: that may have been recorded since.
    pub(super) fn retry_store(&mut self) {
        let mut names: BTreeMap<String, Name> = BTreeMap::new();
        self.out.forget_failed(|request| {
            let Request::Rooms { inside, outside } = request else {
                return false;
            };
            let rooms = inside.iter().map(|room| &room.hall.name).chain(outside);
            names.extend(rooms.map(|name| (name.folded(), name.clone())));
            true
        });
        let inside = names.values().filter_map(|name| self.rooms.named(name).cloned());
        let inside = inside.collect();
        let outside = names
            .into_values()
            .filter(|name| self.rooms.named(name).is_none());
        let outside = outside.collect();
        self.store_rooms(inside, outside);
        self.out.retry_failed();
    }

    /// The rooms that the registry has us in.
    pub(super) fn memberships(&mut self, cx: &Context<'_>, memberships: Memberships) {
        if memberships.number < self.rooms.doubts {
            self.ask_about_rooms(cx);
            return;
        }
        if std::mem::replace(&mut self.rooms.settled, true) {
            return;
        }
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
            let id = room.hall.id;
            self.out
                .event(Event::Room(RoomEvent::Entered { room, already: true }));
            // What has come of it before we heard that we are there.
            self.take_posts(cx, id);
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
        let me = &self.config.name;
        let owner = self.rooms.by_id(room).and_then(|room| room.owner.as_ref());
        let ours = owner.is_some_and(|owner| owner.matches(me));
        let out = match &news {
            News::Kicked { name: Some(who) } => who.matches(me),
            News::Kicked { name: None } => !ours,
            News::Ended => true,
            News::Joined { .. } | News::Left { .. } => false,
        };
        let Some(name) = self.rooms.name_of(room) else {
            if out && self.rooms.out_early.len() < MEMBER_ROOMS_MAX {
                self.rooms.out_early.insert(room);
            }
            return;
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
