//! What others post to rooms: committed one after the other, then answered and shown, in the room's order (PROTOCOL §9.8).
//!
//! Posts come in any order, but each says which stands before it for us. So they are taken up in that order, one at a time in
//! each room; what is before the one that we have last is answered again. Nothing is held back for long: what does not come
//! the registry sends again.
//! Invariants: what we say that we have is committed, and all before it, and handled where messages are (`handling`); a post is
//! shown after all before it that we shall ever have.

use std::collections::{BTreeMap, VecDeque};

use super::Client;
use super::committed::After;
use super::directory::Knowledge;
use crate::client::interface::{Event, Incoming, Road, RoomEvent, Trust, Via, What};
use crate::client::storage::{Outcome, Receive, Received, Request};
use crate::clock::{Now, WallTime};
use crate::engine::Context;
use crate::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, RoomId, Sequence};
use crate::limits::{FEED_WINDOW_POSTS, MEMBER_ROOMS_MAX};
use crate::wire::envelope::{Body, Envelope, Recipient};
use crate::wire::message::{Forward, ToRegistry};
use crate::wire::room::{Hall, Post, PostHad, PostItem, PostNumber};

/// Authors that are remembered by their names because nothing else knows them: some who talk at a time.
const AUTHORS_MAX: usize = 256;

/// What comes of one room in this registration.
#[derive(Debug, Default)]
struct Chain {
    /// The last that we have, or know to be gone; `None` before it is known which is the first to come.
    last: Option<PostNumber>,
    /// The one that is being committed.
    committing: Option<PostNumber>,
    /// What has come before its time: a window at most.
    early: BTreeMap<PostNumber, Post>,
    /// What is committed and not handled yet, in order: a window at most.
    unhandled: VecDeque<Unhandled>,
}

/// A post that is to be handled before we say that we have it.
#[derive(Debug)]
struct Unhandled {
    id: MessageId,
    /// The last that we had before it.
    before: PostNumber,
}

impl Chain {
    /// The last of which we say that we have it.
    fn had(&self) -> Option<PostNumber> {
        self.unhandled.front().map(|post| post.before).or(self.last)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Posts {
    chains: BTreeMap<RoomId, Chain>,
    /// Up to where we had everything in a registration before, in this run: of that the registry need not have heard, and what it
    /// has let go of since we have not missed.
    known: BTreeMap<RoomId, PostNumber>,
    /// Who has posted last under names that the registry tells nothing of, folded.
    authors: BTreeMap<String, IdentityId>,
}

impl Posts {
    /// Who has posted under this name, if nothing else knows it.
    pub(super) fn author(&self, name: &Name) -> Option<IdentityId> {
        self.authors.get(&name.folded()).copied()
    }

    fn note_author(&mut self, name: &Name, id: IdentityId) {
        if self.authors.len() >= AUTHORS_MAX {
            self.authors.clear();
        }
        self.authors.insert(name.folded(), id);
    }

    /// Nothing comes of this room any more.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.chains.remove(&room);
        self.known.remove(&room);
    }

    /// What comes from now on is of another registration.
    pub(super) fn begin_anew(&mut self) {
        for (room, chain) in std::mem::take(&mut self.chains) {
            if let Some(last) = chain.last {
                let known = self.known.entry(room).or_default();
                *known = (*known).max(last);
            }
        }
        while self.known.len() > MEMBER_ROOMS_MAX {
            self.known.pop_first();
        }
    }

    /// The registry's database is another one: its posts may have numbers again that we have had.
    pub(super) fn know_nothing(&mut self) {
        self.known.clear();
    }

    /// How many posts wait.
    pub(super) fn len(&self) -> usize {
        let waiting = |chain: &Chain| chain.early.len() + chain.unhandled.len();
        self.chains.values().map(waiting).sum()
    }
}

/// A post being committed.
#[derive(Debug)]
pub(super) struct Posted {
    hall: Hall,
    /// When it was taken up.
    came: Now,
    number: PostNumber,
    hash: EnvelopeHash,
    floor: Sequence,
    incoming: Incoming,
}

impl Posted {
    fn request(&self, at: WallTime) -> Request {
        let incoming = &self.incoming;
        Request::Receive(Receive {
            id: incoming.id,
            hash: self.hash,
            floor: self.floor,
            from: incoming.from.clone(),
            pin: None,
            sent_at: incoming.sent_at,
            text: incoming.text.clone(),
            stored: false,
            room: Some(self.hall.clone()),
            address: None,
            at,
        })
    }

    /// An epoch that is this post's alone.
    fn own_epoch(&self) -> Epoch {
        let half = self.hash.0.iter().take(size_of::<u64>());
        Epoch(half.fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }
}

impl Client {
    /// The registry has us: what came before its answer has not been said to be had.
    pub(super) fn posts_go_on(&mut self, cx: &Context<'_>) {
        let rooms: Vec<RoomId> = self.posts.chains.keys().copied().collect();
        for room in rooms {
            self.say_had(cx, room);
        }
    }

    /// Something stands in a room.
    pub(super) fn post_came(&mut self, cx: &Context<'_>, post: Post) {
        let (room, number) = (post.room, post.number);
        if self.rooms.has_left(room) {
            // It was under way; or the registry has us in it still, or again.
            self.doubt_rooms(cx);
            return;
        }
        if !self.posts.chains.contains_key(&room) && self.posts.chains.len() >= MEMBER_ROOMS_MAX {
            tracing::debug!("posts of more rooms than one can be in");
            return;
        }
        let chain = self.posts.chains.entry(room).or_default();
        if post.first {
            chain.last = chain.last.max(Some(post.previous));
        }
        match chain.last {
            Some(last) if number <= last => {
                self.say_had(cx, room);
            }
            _ => {
                // Of two copies that one which follows more: the other was sent before it, and has come late.
                let follows_more = |early: &Post| post.previous < early.previous;
                if chain.early.get(&number).is_none_or(follows_more) {
                    chain.early.insert(number, post);
                }
                if chain.early.len() > FEED_WINDOW_POSTS {
                    // The furthest comes again: the nearest may be what all the others wait for.
                    chain.early.pop_last();
                }
                self.take_posts(cx, room);
            }
        }
    }

    /// Takes up what is next, until that has to be committed.
    pub(super) fn take_posts(&mut self, cx: &Context<'_>, room: RoomId) {
        while let Some((last, post)) = self.next_post(room) {
            let number = post.number;
            let taken = match post.item {
                PostItem::Message(forward) => self.commit_post(cx, room, number, &forward),
                PostItem::Own { .. } => Taken::Had,
                PostItem::Gone => Taken::Gone,
            };
            let had = last.max(self.posts.known.get(&room).copied().unwrap_or_default());
            let is_here = u64::from(!matches!(taken, Taken::Gone));
            let gone = PostNumber(number.0.saturating_sub(is_here));
            if gone > had {
                self.tell_missed(room, gone.0 - had.0);
            }
            // Also where this one is not taken by the disk: that is told once.
            if let Some(chain) = self.posts.chains.get_mut(&room) {
                chain.last = chain.last.max(Some(gone));
            }
            if !matches!(taken, Taken::Committing) {
                self.has_post(cx, room, number);
            }
        }
    }

    /// The last that we have, and what follows it, unless something is being committed, or it is not known yet that we are there.
    /// What is sent again may follow what stood further ahead: what lay between is ours already, or gone. So is all that the
    /// registry has passed over between the last and any post behind it, whatever it had sent before.
    fn next_post(&mut self, room: RoomId) -> Option<(PostNumber, Post)> {
        self.rooms.name_of(room)?;
        let chain = self.posts.chains.get_mut(&room)?;
        let may_commit = chain.committing.is_none() && chain.unhandled.len() < FEED_WINDOW_POSTS;
        let last = chain.last.filter(|_| may_commit)?;
        chain.early = chain.early.split_off(&last.next());
        let follows = chain.early.values().any(|post| post.previous <= last);
        let first = chain.early.first_entry()?;
        follows.then(|| (last, first.remove()))
    }

    fn tell_missed(&mut self, room: RoomId, messages: u64) {
        if let Some(room) = self.rooms.name_of(room) {
            self.out.event(Event::Room(RoomEvent::Missed { room, messages }));
        }
    }

    fn commit_post(
        &mut self,
        cx: &Context<'_>,
        room: RoomId,
        number: PostNumber,
        forward: &Forward,
    ) -> Taken {
        let Ok(envelope) = Envelope::parse(&forward.envelope) else {
            tracing::debug!("post not understood");
            return Taken::Gone;
        };
        let hall = match &envelope.recipient {
            Recipient::Room(hall) if hall.id == room && envelope.is_signed(&forward.envelope) => hall.clone(),
            _ => {
                tracing::debug!(id = ?envelope.id(), "post is of another room, or not its author's");
                return Taken::Gone;
            }
        };
        let from = envelope.sender.name.clone();
        if !self.may_be_called(&from, &envelope) {
            self.out.event(Event::Room(RoomEvent::Impostor {
                room: hall.name,
                name: from,
            }));
            return Taken::Had;
        }
        if self.directory.knows(&from.folded()) == Knowledge::Unknown {
            self.posts.note_author(&from, envelope.sender.id);
        }
        let id = envelope.id();
        let Body::Plain(text) = envelope.body;
        let incoming = Incoming {
            id,
            from,
            at: None,
            trust: Trust::default(),
            sent_at: envelope.sent_at,
            text,
            road: Road::Room {
                name: hall.name.clone(),
                before: self.rooms.was_there(room, number),
            },
        };
        if let Some(chain) = self.posts.chains.get_mut(&room) {
            chain.committing = Some(number);
        }
        let posted = Posted {
            hall,
            came: cx.now,
            number,
            hash: EnvelopeHash::of(&forward.envelope),
            floor: forward.floor,
            incoming,
        };
        self.store_post(cx.now.wall, posted);
        Taken::Committing
    }

    fn store_post(&mut self, at: WallTime, posted: Posted) {
        let request = posted.request(at);
        self.out.store(request, After::Posted(Box::new(posted)));
    }

    /// Whether nothing that we know says that the name is another's.
    fn may_be_called(&self, name: &Name, envelope: &Envelope) -> bool {
        match self.directory.knows(&name.folded()) {
            Knowledge::Pinned(card) | Knowledge::Contested { pinned: card, .. } => {
                card.id == envelope.sender.id
            }
            Knowledge::Listed(_) | Knowledge::Unknown => true,
        }
    }

    /// A post is committed, or was before.
    pub(super) fn post_received(&mut self, cx: &Context<'_>, mut posted: Posted, received: Received) {
        let own = posted.own_epoch();
        let is_taken = matches!(received.outcome, Outcome::Conflict | Outcome::Skipped);
        if is_taken && posted.incoming.id.slot.epoch != own {
            // Its author's folder is an older copy, and gives numbers again; or it had ended in the room, and is there again.
            // Here is no road back to tell him so, and the log says that this is another post: it is kept under a number of its
            // own.
            posted.incoming.id.slot.epoch = own;
            self.store_post(cx.now.wall, posted);
            return;
        }
        let Posted {
            hall,
            came,
            number,
            incoming,
            ..
        } = posted;
        let id = incoming.id;
        let unhandled = self.is_unhandled(&received).then_some(id);
        let is_fresh = received.outcome == Outcome::Fresh;
        let what = if is_fresh { What::Committed } else { What::Known };
        let via = Via::Registry;
        self.journal.note_received(id, came, What::Came { via });
        self.journal.note_received(id, cx.now, what);
        if is_fresh {
            self.tell_incoming(cx, incoming);
        }
        if self.commit_over(hall.id, number) {
            if let Some(chain) = self.posts.chains.get_mut(&hall.id)
                && let Some((id, before)) = unhandled.zip(chain.last)
            {
                chain.unhandled.push_back(Unhandled { id, before });
            }
            if self.has_post(cx, hall.id, number) >= Some(number) {
                self.journal.note_received(id, cx.now, What::Receipted { via });
            }
            self.take_posts(cx, hall.id);
        } else if let Some(known) = self.posts.known.get_mut(&hall.id)
            && known.next() == number
        {
            // It was being committed when this registration began.
            *known = number;
        }
    }

    /// The disk did not take it: it comes again.
    pub(super) fn post_not_received(&mut self, cx: &Context<'_>, posted: &Posted) {
        self.journal
            .note_received(posted.incoming.id, cx.now, What::NotCommitted);
        if self.commit_over(posted.hall.id, posted.number)
            && let Some(chain) = self.posts.chains.get_mut(&posted.hall.id)
        {
            chain.early.clear();
        }
    }

    /// Whether this was being committed in this registration.
    fn commit_over(&mut self, room: RoomId, number: PostNumber) -> bool {
        let chain = self.posts.chains.get_mut(&room);
        chain.is_some_and(|chain| chain.committing.take_if(|it| *it == number).is_some())
    }

    /// We have everything up to there. The last of which that is said now.
    fn has_post(&mut self, cx: &Context<'_>, room: RoomId, number: PostNumber) -> Option<PostNumber> {
        if let Some(chain) = self.posts.chains.get_mut(&room) {
            chain.last = chain.last.max(Some(number));
        }
        self.say_had(cx, room)
    }

    /// A post may have been handled: it, and what was had behind it, is said to be had.
    pub(super) fn post_handled(&mut self, cx: &Context<'_>, id: MessageId) {
        let found = self.posts.chains.iter_mut().find_map(|(room, chain)| {
            let place = chain.unhandled.iter().position(|post| post.id == id)?;
            chain.unhandled.remove(place);
            Some((*room, place == 0))
        });
        if let Some((room, is_first)) = found {
            if self.say_had(cx, room).is_some() && is_first {
                let via = Via::Registry;
                self.journal.note_received(id, cx.now, What::Receipted { via });
            }
            self.take_posts(cx, room);
        }
    }

    /// Where there is no room to say so, it is said with the next, or when this one comes again. The last of which it is said.
    fn say_had(&mut self, cx: &Context<'_>, room: RoomId) -> Option<PostNumber> {
        let session = self.link.registered()?;
        let number = self.posts.chains.get(&room).and_then(Chain::had)?;
        self.tell_registry(cx, session, &ToRegistry::PostHad(PostHad { room, number }))
            .then_some(number)
    }
}

/// What became of a post that was taken up.
enum Taken {
    Committing,
    Had,
    Gone,
}
