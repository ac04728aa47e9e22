//! What clients do to rooms and ask about them (PROTOCOL §8.5): make, join, leave, kick; who is where, and who has what.
//!
//! Judges by the book, commits what changes, then answers and tells the members who are there. A deed that is done already
//! is answered as if it were done now, so that it can be asked again.
//! Invariant: nobody is told that something is so before it is committed.

use rand_core::Rng;

use super::Asker;
use super::Feed;
use super::storage::{Readers, RoomKey, RoomReply, RoomRequest as Ask, RoomRow, Who};
use crate::engine::{Context, StoreFault};
use crate::id::{Name, RoomId, Slot};
use crate::limits::{FEED_BURST_BYTES, ROOM_MEMBERS_MAX};
use crate::registry::Registry;
use crate::registry::out::Pending;
use crate::registry::storage::{MemberId, Reply, Request};
use crate::reserved::is_reserved;
use crate::transport::SEND_OVERHEAD;
use crate::wire::codec::{self, Bounded};
use crate::wire::frame::CloseCode;
use crate::wire::message::FromRegistry;
use crate::wire::room::{
    Hall, MemberListed, Membership, NEWS_BYTES_MAX, News, PostNumber, ROOM_PAGE_ITEMS_MAX, RoomDone,
    RoomListed, RoomNews, RoomRefusal,
};

// Everybody is told at once, in the largest room, too: that is less than one post may take.
const _: () = assert!(ROOM_MEMBERS_MAX * (NEWS_BYTES_MAX + SEND_OVERHEAD) <= FEED_BURST_BYTES);

/// How a deed is judged: what is the answer at once, or `None` if a commit decides.
pub(super) type Judged = Result<Option<RoomDone>, RoomRefusal>;

impl Registry {
    /// A room as its members know it.
    pub(super) fn membership(&self, room: RoomKey) -> Option<Membership> {
        let room = self.rooms.get(room)?;
        Some(Membership {
            hall: Hall {
                name: room.name.clone(),
                id: room.id,
            },
            owner: room.owner.and_then(|owner| self.name_of(owner)),
            members: room.count(),
            head: room.head,
        })
    }

    fn name_of(&self, member: MemberId) -> Option<Name> {
        self.members.find(member).map(|member| member.name.clone())
    }

    fn entered_answer(&self, room: RoomKey, already: bool) -> Result<RoomDone, RoomRefusal> {
        self.membership(room)
            .map(|room| RoomDone::Entered { room, already })
            .ok_or(RoomRefusal::NoSuchRoom)
    }

    pub(super) fn create_room(&mut self, asker: Asker, name: Name) -> Judged {
        if is_reserved(&name) {
            return Err(RoomRefusal::NameReserved);
        }
        if let Some((key, room)) = self.rooms.by_name(&name) {
            return match room.owner {
                Some(owner) if owner == asker.member && room.committed => {
                    self.entered_answer(key, true).map(Some)
                }
                _ => Err(RoomRefusal::NameTaken),
            };
        }
        let config = &self.config;
        if self.rooms.len() >= config.rooms_max
            || self.rooms.owned_by(asker.member) >= config.owner_rooms_max
            || !self.has_place_for(asker.member)
        {
            return Err(RoomRefusal::TooManyRooms);
        }
        let row = self
            .begin_room(name, Some(asker.member))
            .ok_or(RoomRefusal::TooManyRooms)?;
        let key = row.key;
        self.rooms.enters(key, asker.member);
        self.out
            .store(Request::Room(Ask::MakeRoom(row)), Pending::RoomMade(asker, key));
        Ok(None)
    }

    /// A room that is about to be made. `None`: there have been too many.
    pub(super) fn begin_room(&mut self, name: Name, owner: Option<MemberId>) -> Option<RoomRow> {
        let key = self.rooms.next_key()?;
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let row = RoomRow {
            key,
            id: RoomId(id),
            name,
            owner,
            head: PostNumber::default(),
        };
        self.rooms.insert(row.clone(), false);
        Some(row)
    }

    /// Whether somebody may be in one more room.
    fn has_place_for(&self, member: MemberId) -> bool {
        self.rooms.rooms_of(member) < self.config.member_rooms_max
            && self.rooms.memberships() < self.config.memberships_max
    }

    /// A room is made, or not.
    pub(in crate::registry) fn room_made(
        &mut self,
        cx: &Context<'_>,
        asker: Asker,
        room: RoomKey,
        reply: Result<Reply, StoreFault>,
    ) {
        if let Err(fault) = reply {
            tracing::debug!(%fault, "room not made");
            self.rooms.remove(room);
            self.answer_asker(cx, asker, Err(RoomRefusal::Storage));
            return;
        }
        if let Some(room) = self.rooms.get_mut(room) {
            room.committed = true;
        }
        self.rooms.entered(room, asker.member);
        let feed = Feed::new(PostNumber::default(), PostNumber::default());
        self.begin_feed(cx, asker.member, room, feed);
        let answer = self.entered_answer(room, false);
        self.answer_asker(cx, asker, answer);
    }

    pub(super) fn join_room(&mut self, asker: Asker, name: &Name) -> Judged {
        let (key, room) = self
            .rooms
            .by_name(name)
            .filter(|(_, room)| room.committed)
            .ok_or(RoomRefusal::NoSuchRoom)?;
        if room.members.contains(&asker.member) {
            return self.entered_answer(key, true).map(Some);
        }
        if room.places() >= self.config.room_members_max {
            return Err(RoomRefusal::RoomFull);
        }
        if !self.has_place_for(asker.member) {
            return Err(RoomRefusal::TooManyRooms);
        }
        self.rooms.enters(key, asker.member);
        let request = Request::Room(Ask::Enter {
            room: key,
            member: asker.member,
        });
        self.out.store(request, Pending::RoomEntered(asker, key));
        Ok(None)
    }

    /// Somebody is in a room, or not.
    pub(in crate::registry) fn room_entered(
        &mut self,
        cx: &Context<'_>,
        asker: Asker,
        room: RoomKey,
        reply: &Result<Reply, StoreFault>,
    ) {
        let Ok(Reply::Room(RoomReply::Entered { cursor, head })) = reply else {
            self.rooms.leaves(room, asker.member);
            self.answer_asker(cx, asker, Err(RoomRefusal::Storage));
            return;
        };
        if self.rooms.get(room).is_none() {
            // It has ended since he asked.
            self.answer_asker(cx, asker, Err(RoomRefusal::NoSuchRoom));
            return;
        }
        self.rooms.entered(room, asker.member);
        self.begin_feed(cx, asker.member, room, Feed::new(*cursor, *head));
        let answer = self.entered_answer(room, false);
        self.answer_asker(cx, asker, answer);
        if let Some(name) = self.name_of(asker.member) {
            let others = self.listeners(room).into_iter();
            let others = others.filter(|member| *member != asker.member);
            let others = others.collect();
            self.tell_members(cx, room, News::Joined { name }, (&[], others));
        }
    }

    /// Out of a room that one is in, or not any more. A room ends with its owner.
    pub(super) fn leave_room(&mut self, cx: &Context<'_>, asker: Asker, id: RoomId) -> Option<RoomDone> {
        let inside = |room: &super::Room| room.members.contains(&asker.member);
        let Some((key, room)) = self.rooms.by_id(id).filter(|(_, room)| inside(room)) else {
            return Some(RoomDone::Gone { members: 0 });
        };
        if room.owner == Some(asker.member) {
            self.ask_end(cx, asker, key);
        } else {
            self.ask_depart(cx, asker, key, Who::One(asker.member));
        }
        None
    }

    pub(super) fn kick(&mut self, cx: &Context<'_>, asker: Asker, id: RoomId, name: Option<&Name>) -> Judged {
        let (key, room) = self.rooms.by_id(id).ok_or(RoomRefusal::NoSuchRoom)?;
        if room.owner != Some(asker.member) {
            return Err(RoomRefusal::NotOwner);
        }
        let who = match name {
            None => Who::AllBut(asker.member),
            Some(name) => {
                let member = self.members.by_name(name);
                let member = member.filter(|who| *who != asker.member && room.members.contains(who));
                Who::One(member.ok_or(RoomRefusal::NoSuchMember)?)
            }
        };
        self.ask_depart(cx, asker, key, who);
        Ok(None)
    }

    fn ask_depart(&mut self, cx: &Context<'_>, asker: Asker, room: RoomKey, who: Who) {
        let keep_until = self.keep_until(cx.now.at);
        self.expect_expiry(cx.now.at, keep_until);
        let request = Request::Room(Ask::Depart {
            room,
            who,
            keep_until,
        });
        self.out.store(request, Pending::Departed(asker, room, who));
    }

    fn ask_end(&mut self, cx: &Context<'_>, asker: Asker, room: RoomKey) {
        let keep_until = self.keep_until(cx.now.at);
        self.expect_expiry(cx.now.at, keep_until);
        let request = Request::Room(Ask::EndRoom { room, keep_until });
        self.out.store(request, Pending::RoomEnded(asker, room));
    }

    /// Somebody has left a room, or was shown the door; or not.
    pub(in crate::registry) fn departed(
        &mut self,
        cx: &Context<'_>,
        asker: Asker,
        (room, who): (RoomKey, Who),
        reply: Result<Reply, StoreFault>,
    ) {
        if reply.is_err() {
            self.answer_asker(cx, asker, Err(RoomRefusal::Storage));
            return;
        }
        let gone = self.rooms.get(room).map_or_else(Vec::new, |room| room.those(who));
        for member in &gone {
            self.rooms.leaves(room, *member);
            self.end_feed(*member, room);
        }
        // Who leaves hears of it by his answer, who is put out with the others.
        let (news, out) = match who {
            Who::One(one) if one == asker.member => {
                (self.name_of(one).map(|name| News::Left { name }), &[][..])
            }
            Who::One(one) => {
                let name = self.name_of(one);
                (Some(News::Kicked { name }), &gone[..])
            }
            Who::AllBut(_) => (Some(News::Kicked { name: None }), &gone[..]),
        };
        if let Some(news) = news.filter(|_| !gone.is_empty()) {
            let others = self.listeners(room);
            self.tell_members(cx, room, news, (out, others));
        }
        let members = u32::try_from(gone.len()).unwrap_or(u32::MAX);
        self.answer_asker(cx, asker, Ok(RoomDone::Gone { members }));
        self.posts_ended(cx, room, reply);
    }

    /// A room has ended, or not.
    pub(in crate::registry) fn room_ended(
        &mut self,
        cx: &Context<'_>,
        asker: Asker,
        room: RoomKey,
        reply: Result<Reply, StoreFault>,
    ) {
        if reply.is_err() {
            self.answer_asker(cx, asker, Err(RoomRefusal::Storage));
            return;
        }
        let members: Vec<MemberId> = self
            .rooms
            .get(room)
            .into_iter()
            .flat_map(|room| room.members.iter().copied())
            .collect();
        let others = members.iter().copied().filter(|member| *member != asker.member);
        let others: Vec<MemberId> = others.collect();
        self.tell_members(cx, room, News::Ended, (&others, Vec::new()));
        for member in &members {
            self.end_feed(*member, room);
        }
        // What it still holds ends now, or with the next replies: that is taken from all mail.
        self.rooms.remove(room);
        let members = u32::try_from(members.len()).unwrap_or(u32::MAX);
        self.answer_asker(cx, asker, Ok(RoomDone::Gone { members }));
        self.posts_ended(cx, room, reply);
    }

    /// Who hears of what happens to others in a room: its members who are online; where there are many, nobody.
    fn listeners(&self, room: RoomKey) -> Vec<MemberId> {
        let is_told = |room: &&super::Room| room.members.len() <= self.config.announced_members_max;
        let members = self.rooms.get(room).filter(is_told).map(|room| &room.members);
        let is_fed = |member: &MemberId| {
            let seat = self.members.seat(*member);
            seat.is_some_and(|seat| seat.feeds.contains_key(&room))
        };
        members.into_iter().flatten().copied().filter(is_fed).collect()
    }

    /// Tells those of them who are online what has happened: those who are out by it, and others. It is said once; so whoever is
    /// out and cannot be told, because his session has no room, has to register again: then he is told where he is.
    fn tell_members(
        &mut self,
        cx: &Context<'_>,
        room: RoomKey,
        news: News,
        (out, others): (&[MemberId], Vec<MemberId>),
    ) {
        let Some(found) = self.rooms.get(room) else {
            return;
        };
        let news = codec::encode(&FromRegistry::RoomNews(RoomNews {
            room: found.id,
            at: cx.now.wall,
            members: found.count(),
            news,
        }));
        let out = out.iter().map(|member| (*member, true));
        for (member, is_out) in out.chain(others.into_iter().map(|member| (member, false))) {
            let Some(session) = self.members.seat(member).and_then(|seat| seat.session) else {
                continue;
            };
            if self.out.room(cx, session) >= news.len() + SEND_OVERHEAD {
                self.out.send_bytes(session, news.clone());
            } else if is_out {
                self.drop_session(cx, session, CloseCode::Done);
            }
        }
    }

    pub(super) fn list_rooms(&self, after: Option<&Name>) -> RoomDone {
        let listed = |room: &super::Room| RoomListed {
            name: room.name.clone(),
            owner: room.owner.and_then(|owner| self.name_of(owner)),
            members: room.count(),
            online: room.online,
        };
        let mut found = self
            .rooms
            .after(after)
            .map(|(_, room)| room)
            .filter(|room| room.committed);
        let rooms: Vec<RoomListed> = found.by_ref().take(ROOM_PAGE_ITEMS_MAX).map(listed).collect();
        RoomDone::Rooms {
            rooms: Bounded::truncated(rooms),
            more: found.next().is_some(),
        }
    }

    pub(super) fn list_members(&self, name: &Name, after: Option<&Name>) -> Result<RoomDone, RoomRefusal> {
        let (_, room) = self
            .rooms
            .by_name(name)
            .filter(|(_, room)| room.committed)
            .ok_or(RoomRefusal::NoSuchRoom)?;
        let from = match after {
            Some(last) => self.members.by_name(last).ok_or(RoomRefusal::NoSuchMember)?,
            None => MemberId(0),
        };
        let mut found = room
            .members
            .range(MemberId(from.0.saturating_add(1))..)
            .filter_map(|id| self.members.find(*id));
        let members: Vec<MemberListed> = found
            .by_ref()
            .take(ROOM_PAGE_ITEMS_MAX)
            .map(|member| MemberListed {
                name: member.name.clone(),
                online: member.seat.is_some(),
            })
            .collect();
        Ok(RoomDone::Members {
            members: Bounded::truncated(members),
            more: found.next().is_some(),
        })
    }

    pub(super) fn ask_readers(&mut self, asker: Asker, slot: Slot) {
        let request = Request::Room(Ask::Readers {
            author: asker.member,
            slot,
        });
        self.out.store(request, Pending::Readers(asker));
    }

    /// Who has a post.
    pub(in crate::registry) fn readers_known(
        &mut self,
        cx: &Context<'_>,
        asker: Asker,
        reply: Result<Reply, StoreFault>,
    ) {
        let answer = match reply {
            Ok(Reply::Room(RoomReply::Readers(Some(Readers {
                received,
                of,
                missing,
            })))) => Ok(RoomDone::Readers {
                received,
                of,
                missing: Bounded::truncated(
                    missing.into_iter().filter_map(|who| self.name_of(who)).collect(),
                ),
            }),
            Ok(Reply::Room(RoomReply::Readers(None))) => Err(RoomRefusal::NoSuchPost),
            _ => Err(RoomRefusal::Storage),
        };
        self.answer_asker(cx, asker, answer);
    }
}
