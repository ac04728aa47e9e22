//! What is posted on its way to the members who are online (PROTOCOL §8.5).
//!
//! A new post goes at once to those who have all before it; the others' pages are read when their windows have room. What
//! a member has is committed as his cursor, and ends what nobody waits for any more.
//! Invariant: a feed that is behind has something under way, a page being read, a place in line, or a timer.

use super::Feed;
use super::storage::{PostRow, RoomKey, RoomReply, RoomRequest};
use crate::clock::Instant;
use crate::engine::{Context, StoreFault};
use crate::limits::{FEED_BURST_BYTES, FORWARD_PAGE_BYTES, REQUEST_RETRY, ROOM_RETRY_MAX};
use crate::registry::Registry;
use crate::registry::out::Pending;
use crate::registry::page_line::Place;
use crate::registry::storage::{MemberId, Reply, Request};
use crate::registry::timers::Timer;
use crate::transport::{Backlog, SEND_OVERHEAD, SessionId};
use crate::wire::codec::Bounded;
use crate::wire::message::FromRegistry;
use crate::wire::room::{Membership, Memberships, Post, PostHad, PostItem, PostNumber};

/// What a post costs beside its envelope: room, numbers, floor and lengths.
const POST_OVERHEAD: usize = 64 + SEND_OVERHEAD;

/// No question has this number.
const UNASKED: u64 = 0;

/// A feed of one stay.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry) struct FeedOf {
    pub(in crate::registry) member: MemberId,
    pub(in crate::registry) stay: u64,
    pub(in crate::registry) room: RoomKey,
}

impl Registry {
    /// A member is online: he is told which rooms he is in, and how far he is there is read.
    pub(in crate::registry) fn enter_rooms(&mut self, cx: &Context<'_>, member: MemberId) {
        if self.rooms.rooms_of(member) > 0 {
            self.send_memberships(member, UNASKED);
            self.ask_cursors(cx, member);
        }
    }

    /// How far a member is in his rooms is read.
    pub(in crate::registry) fn ask_cursors(&mut self, cx: &Context<'_>, member: MemberId) {
        let Some(stay) = self.members.seat(member).map(|seat| seat.stay) else {
            return;
        };
        if !self.out.has_store_room() {
            self.timers
                .set(Timer::Cursors(member), cx.now.at + ROOM_RETRY_MAX);
            return;
        }
        let request = Request::Room(RoomRequest::Cursors { member });
        self.out.store(request, Pending::Cursors { member, stay });
    }

    /// Those are read, or not.
    pub(in crate::registry) fn cursors_done(
        &mut self,
        cx: &Context<'_>,
        (member, stay): (MemberId, u64),
        reply: Result<Reply, StoreFault>,
    ) {
        if self.members.seat(member).is_none_or(|seat| seat.stay != stay) {
            return;
        }
        let Ok(Reply::Room(RoomReply::Cursors(cursors))) = reply else {
            self.timers.set(Timer::Cursors(member), cx.now.at + REQUEST_RETRY);
            return;
        };
        for (room, had, head) in cursors {
            self.begin_feed(cx, member, room, Feed::new(had, head));
        }
    }

    /// Tells somebody which rooms he is in, as the answer to his question; more than these nobody may be in.
    pub(super) fn send_memberships(&mut self, member: MemberId, number: u64) {
        let Some(session) = self.members.seat(member).and_then(|seat| seat.session) else {
            return;
        };
        let rooms = self.rooms.of(member);
        let rooms: Vec<Membership> = rooms
            .into_iter()
            .filter_map(|room| self.membership(room))
            .collect();
        let memberships = Memberships {
            number,
            rooms: Bounded::truncated(rooms),
        };
        self.out.send(session, &FromRegistry::Memberships(memberships));
    }

    /// Somebody who is online is sent what is posted in a room from now on.
    pub(super) fn begin_feed(&mut self, cx: &Context<'_>, member: MemberId, room: RoomKey, feed: Feed) {
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        if seat.feeds.contains_key(&room) {
            return;
        }
        seat.feeds.insert(room, feed);
        if let Some(room) = self.rooms.get_mut(room) {
            room.online += 1;
        }
        self.pump_feed(cx, member, room);
    }

    /// And not any more.
    pub(in crate::registry) fn end_feed(&mut self, member: MemberId, room: RoomKey) {
        let had_one = self
            .members
            .seat_mut(member)
            .is_some_and(|seat| seat.feeds.remove(&room).is_some());
        if had_one {
            self.feed_over(member, room);
        }
    }

    /// A feed is no more; its seat may be gone.
    pub(in crate::registry) fn feed_over(&mut self, member: MemberId, room: RoomKey) {
        self.timers.clear(Timer::Feed(member, room));
        if let Some(room) = self.rooms.get_mut(room) {
            room.online -= 1;
        }
    }

    /// A post is committed: it goes to those who are there.
    pub(super) fn feed_all(&mut self, cx: &Context<'_>, room: RoomKey, post: &PostRow) {
        let Some(found) = self.rooms.get(room) else {
            return;
        };
        let members: Vec<MemberId> = found.members.iter().copied().collect();
        let bytes = post.forward.envelope.len() + POST_OVERHEAD;
        let at_once = (FEED_BURST_BYTES / bytes).max(1);
        for (place, member) in members.into_iter().enumerate() {
            self.feed_one(cx, member, room, (post, place < at_once));
        }
    }

    fn feed_one(
        &mut self,
        cx: &Context<'_>,
        member: MemberId,
        room: RoomKey,
        (post, at_once): (&PostRow, bool),
    ) {
        let Some((session, feed)) = self.feed_mut(member, room) else {
            return;
        };
        if at_once && feed.takes(post.number) && self.send_post(cx, (member, session), room, post) {
            return;
        }
        if let Some((_, feed)) = self.feed_mut(member, room) {
            feed.expect_more();
        }
        self.pump_feed(cx, member, room);
    }

    fn feed_mut(&mut self, member: MemberId, room: RoomKey) -> Option<(SessionId, &mut Feed)> {
        let seat = self.members.seat_mut(member)?;
        Some((seat.session?, seat.feeds.get_mut(&room)?))
    }

    /// Sends a post, if his session has room for it.
    fn send_post(
        &mut self,
        cx: &Context<'_>,
        (member, session): (MemberId, SessionId),
        room: RoomKey,
        post: &PostRow,
    ) -> bool {
        let item = if post.author == member {
            PostItem::Own { slot: post.slot }
        } else {
            PostItem::Message(post.forward.clone())
        };
        self.send_item(cx, (member, session), room, post.number, item)
    }

    fn send_item(
        &mut self,
        cx: &Context<'_>,
        (member, session): (MemberId, SessionId),
        room: RoomKey,
        number: PostNumber,
        item: PostItem,
    ) -> bool {
        let bytes = POST_OVERHEAD
            + match &item {
                PostItem::Message(forward) => forward.envelope.len(),
                PostItem::Own { .. } | PostItem::Gone => 0,
            };
        if self.out.room(cx, session) < bytes {
            return false;
        }
        let Some(id) = self.rooms.get(room).map(|room| room.id) else {
            return false;
        };
        let Some((_, feed)) = self.feed_mut(member, room) else {
            return false;
        };
        let (previous, first) = (feed.sent(), feed.is_first());
        let due = feed.send(cx.now.at, number, bytes as u64);
        self.timers.set_earliest(Timer::Feed(member, room), due);
        let post = Post {
            room: id,
            number,
            previous,
            first,
            item,
        };
        self.out.send(session, &FromRegistry::Post(post));
        true
    }

    /// Reads on for a feed, if it is worth while and there is room.
    pub(in crate::registry) fn pump_feed(&mut self, cx: &Context<'_>, member: MemberId, room: RoomKey) {
        let has_page_room = self.out.has_page_room();
        let Some((session, feed)) = self.feed_mut(member, room) else {
            return;
        };
        if !feed.wants_page() {
            return;
        }
        if self.out.room(cx, session) < POST_OVERHEAD {
            self.timers
                .set_earliest(Timer::Feed(member, room), cx.now.at + ROOM_RETRY_MAX);
            return;
        }
        if !has_page_room {
            self.page_line.join(Place::Feed(member, room));
            return;
        }
        let Some((_, feed)) = self.feed_mut(member, room) else {
            return;
        };
        feed.begin_page();
        let after = feed.sent();
        let Some(stay) = self.members.seat(member).map(|seat| seat.stay) else {
            return;
        };
        let of = FeedOf { member, stay, room };
        let request = Request::Room(RoomRequest::ReadPosts { room, after });
        self.out.read(request, Pending::Posts(of), FORWARD_PAGE_BYTES);
    }

    /// A page was read, or not.
    pub(in crate::registry) fn posts_done(
        &mut self,
        cx: &Context<'_>,
        of: FeedOf,
        reply: Result<Reply, StoreFault>,
    ) {
        let FeedOf { member, stay, room } = of;
        if self.members.seat(member).is_none_or(|seat| seat.stay != stay) {
            return;
        }
        let Some((session, feed)) = self.feed_mut(member, room) else {
            return;
        };
        let wanted = feed.page_is_here();
        match reply {
            Ok(Reply::Room(RoomReply::Posts { rows, more, head })) if wanted => {
                self.send_posts(cx, (member, session), room, (&rows, more, head));
            }
            Ok(_) => self.pump_feed(cx, member, room),
            Err(fault) => {
                tracing::debug!(?member, %fault, "posts not read");
                self.timers
                    .set_earliest(Timer::Feed(member, room), cx.now.at + REQUEST_RETRY);
            }
        }
    }

    /// Sends the posts of a page, as far as window and room go; behind the last of all, that those after it are gone.
    fn send_posts(
        &mut self,
        cx: &Context<'_>,
        to: (MemberId, SessionId),
        room: RoomKey,
        (rows, more, head): (&[PostRow], bool, PostNumber),
    ) {
        let (member, _) = to;
        let mut has_room = true;
        for post in rows {
            let Some((_, feed)) = self.feed_mut(member, room) else {
                return;
            };
            if feed.is_full() {
                feed.end_page(true);
                return;
            }
            if !self.send_post(cx, to, room, post) {
                has_room = false;
                break;
            }
        }
        let Some((_, feed)) = self.feed_mut(member, room) else {
            return;
        };
        let rest_is_gone = has_room && !more && feed.sent() < head;
        if rest_is_gone {
            has_room = self.send_item(cx, to, room, head, PostItem::Gone);
        }
        let Some((_, feed)) = self.feed_mut(member, room) else {
            return;
        };
        feed.end_page(more || !has_room);
        if has_room {
            self.pump_feed(cx, member, room);
        } else {
            self.timers
                .set_earliest(Timer::Feed(member, room), cx.now.at + ROOM_RETRY_MAX);
        }
    }

    /// "I have committed everything up to there."
    pub(in crate::registry) fn post_had(&mut self, cx: &Context<'_>, member: MemberId, had: PostHad) {
        let Some((room, _)) = self.rooms.by_id(had.room) else {
            return;
        };
        let Some((_, feed)) = self.feed_mut(member, room) else {
            return;
        };
        feed.has(cx.now.at, had.number);
        self.commit_cursor(cx.now.at, member, room);
        self.pump_feed(cx, member, room);
    }

    /// Commits how far a member is, unless that is under way.
    fn commit_cursor(&mut self, now: Instant, member: MemberId, room: RoomKey) {
        let keep_until = self.keep_until(now);
        let Some(stay) = self.members.seat(member).map(|seat| seat.stay) else {
            return;
        };
        let Some(number) = self
            .feed_mut(member, room)
            .and_then(|(_, feed)| feed.begin_commit())
        else {
            return;
        };
        let request = Request::Room(RoomRequest::Advance {
            room,
            member,
            number,
            keep_until,
        });
        let of = FeedOf { member, stay, room };
        self.expect_expiry(now, keep_until);
        self.out.store(request, Pending::Advanced(of));
    }

    /// It is committed, or not.
    pub(in crate::registry) fn advance_done(
        &mut self,
        cx: &Context<'_>,
        of: FeedOf,
        reply: Result<Reply, StoreFault>,
    ) {
        let FeedOf { member, stay, room } = of;
        let committed = reply.is_ok();
        let here = self.members.seat(member).is_some_and(|seat| seat.stay == stay);
        if here && let Some((_, feed)) = self.feed_mut(member, room) {
            feed.end_commit(committed);
            if committed {
                self.commit_cursor(cx.now.at, member, room);
            } else {
                self.timers
                    .set_earliest(Timer::Feed(member, room), cx.now.at + REQUEST_RETRY);
            }
        }
        self.posts_ended(cx, room, reply);
    }

    /// Something of a feed may be due, or there may be room again.
    pub(in crate::registry) fn feed_timeout(&mut self, cx: &Context<'_>, member: MemberId, room: RoomKey) {
        let Some((session, feed)) = self.feed_mut(member, room) else {
            return;
        };
        let backlog: Backlog = cx.sessions.backlog(session);
        feed.look(cx.now.at, backlog);
        if let Some(due) = feed.due() {
            self.timers.set_earliest(Timer::Feed(member, room), due);
        }
        self.commit_cursor(cx.now.at, member, room);
        self.pump_feed(cx, member, room);
    }
}
