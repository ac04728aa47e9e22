//! What is posted to rooms: from the deposit to its end (PROTOCOL §8.5).
//!
//! Says who may post, and how much; the database says whether a post is new, which number it gets, what gives way to it, and when
//! nobody waits for it any more. The author's signature is checked here as it is by every member.
//! Invariant: `Deposited` is said, and anybody sent a post, only when it is committed.

use super::storage::{LogBounds, NewPost, PostEnd, PostRow, RoomKey, RoomReply, RoomRequest};
use crate::engine::{Context, StoreFault};
use crate::limits::REQUEST_RETRY;
use crate::registry::Registry;
use crate::registry::out::{DepositId, NotKept, Pending};
use crate::registry::quota::NoRoom;
use crate::registry::storage::{Kept, MemberId, Reply, Request, Usage};
use crate::registry::timers::Timer;
use crate::wire::message::{Deposit, DepositRefusal};
use crate::wire::room::Hall;

/// A post whose commit is under way.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry) struct PostUnderWay {
    pub(in crate::registry) id: DepositId,
    room: RoomKey,
    bytes: u64,
}

impl Registry {
    /// "Keep this for all who are in the room." Its author is who says so, and his signature holds.
    pub(in crate::registry) fn post(
        &mut self,
        cx: &Context<'_>,
        id: DepositId,
        hall: &Hall,
        deposit: Deposit,
    ) {
        let room = match self.may_post(id.sender, hall) {
            Ok(room) => room,
            Err(reason) => {
                self.ask_whether_known(id, NotKept::Refused(reason));
                return;
            }
        };
        let Deposit { forward, ttl_ms } = deposit;
        let post = Usage::one(forward.envelope.len() as u64);
        if let Some(why) = self.no_row_for(id.sender, post.bytes) {
            let not_kept = NotKept::NoRoom {
                why,
                recipient: id.sender,
                time_left: ttl_ms > 0,
            };
            self.ask_whether_known(id, not_kept);
            return;
        }
        let bounds = self.bounds_for(room, id.sender, post);
        self.rooms.add_posts(room, id.sender, post);
        self.quotas.add_row(post.bytes);
        let keep_until = self.keep_until(cx.now.at);
        let new = NewPost {
            row: self.next_row(),
            room,
            author: id.sender,
            slot: id.slot,
            hash: id.hash,
            expires: self.expires(cx.now.at, ttl_ms),
            bounds,
            keep_until,
            forward,
        };
        self.expect_expiry(cx.now.at, new.expires.min(keep_until));
        let under_way = PostUnderWay {
            id,
            room,
            bytes: post.bytes,
        };
        let request = Request::Room(RoomRequest::Post(Box::new(new)));
        self.out.store(request, Pending::Post(under_way));
    }

    /// Why the database has no room for one message more of his. What stands in the room's way gives way to it.
    fn no_row_for(&self, author: MemberId, bytes: u64) -> Option<NoRoom> {
        if self.quotas.outcomes_of(author) >= self.config.outcomes_max {
            Some(NoRoom::Outcomes)
        } else if self.opens_too_much(author, bytes) {
            Some(NoRoom::Ever(DepositRefusal::SenderFull))
        } else if !self.quotas.admits_row(&self.config, bytes) {
            Some(NoRoom::Ever(DepositRefusal::RegistryFull))
        } else {
            None
        }
    }

    fn opens_too_much(&self, author: MemberId, bytes: u64) -> bool {
        let open = self.rooms.open_of(author).plus(Usage::one(bytes));
        open.exceeds(Usage {
            messages: self.config.open_posts_max,
            bytes: self.config.open_bytes_max,
        })
    }

    fn may_post(&self, author: MemberId, hall: &Hall) -> Result<RoomKey, DepositRefusal> {
        let (key, room) = self
            .rooms
            .by_id(hall.id)
            .filter(|(_, room)| room.committed && room.name.matches(&hall.name))
            .ok_or(DepositRefusal::NoSuchRoom)?;
        if room.members.contains(&author) {
            Ok(key)
        } else {
            Err(DepositRefusal::NotMember)
        }
    }

    /// What the room may hold, if that may be too little with this post. What is counted here may be there already, or be about
    /// to end: what has to give way the database knows.
    fn bounds_for(&self, room: RoomKey, author: MemberId, post: Usage) -> Option<LogBounds> {
        let config = &self.config;
        let bounds = LogBounds {
            room: Usage {
                messages: config.room_posts_max,
                bytes: config.room_bytes_max,
            },
            author: Usage {
                messages: config.author_posts_max,
                bytes: config.author_bytes_max,
            },
        };
        let (all, his) = self.rooms.usage(room, author);
        let is_too_much = all.plus(post).exceeds(bounds.room) || his.plus(post).exceeds(bounds.author);
        is_too_much.then_some(bounds)
    }

    /// A post is committed, or not.
    pub(in crate::registry) fn post_done(
        &mut self,
        cx: &Context<'_>,
        post: PostUnderWay,
        reply: Result<Reply, StoreFault>,
    ) {
        let PostUnderWay { id, room, bytes } = post;
        match reply {
            Ok(Reply::Room(RoomReply::Posted {
                kept: Kept::Fresh(forward),
                number,
                gave_way,
            })) => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.head = room.head.max(number);
                }
                self.answer_deposited(&id);
                let row = PostRow {
                    number,
                    author: id.sender,
                    slot: id.slot,
                    forward,
                };
                self.feed_all(cx, room, &row);
                self.end_posts(cx, gave_way);
            }
            Ok(Reply::Room(RoomReply::Posted {
                kept: Kept::Unknown, ..
            })) => {
                // He has left meanwhile, or was put out, or it has ended.
                self.forget_post(room, id.sender, bytes);
                let reply = Ok(Reply::Deposit(Kept::Unknown));
                let reason = match self.rooms.get(room) {
                    Some(_) => DepositRefusal::NotMember,
                    None => DepositRefusal::NoSuchRoom,
                };
                self.answer_known(cx, &id, Some(NotKept::Refused(reason)), reply);
            }
            reply => {
                self.forget_post(room, id.sender, bytes);
                let reply = reply.map(|reply| match reply {
                    Reply::Room(RoomReply::Posted { kept, .. }) => Reply::Deposit(kept),
                    other => other,
                });
                self.answer_known(cx, &id, None, reply);
            }
        }
    }

    fn forget_post(&mut self, room: RoomKey, author: MemberId, bytes: u64) {
        self.rooms.drop_posts(room, author, Usage::one(bytes));
        self.quotas.drop_row(bytes);
    }

    /// Posts have ended: their authors learn how.
    pub(in crate::registry) fn end_posts(&mut self, cx: &Context<'_>, posts: Vec<PostEnd>) {
        for post in posts {
            self.forget_post(post.room, post.author, post.bytes);
            self.quotas.add_outcome(post.author);
            self.notify(cx, post.author, post.notice);
        }
    }

    /// What everybody has, or never will, has ended; where there is more of that it ends next.
    pub(in crate::registry) fn posts_ended(
        &mut self,
        cx: &Context<'_>,
        room: RoomKey,
        reply: Result<Reply, StoreFault>,
    ) {
        match reply {
            Ok(Reply::Room(RoomReply::PostsEnded { posts, more })) => {
                self.end_posts(cx, posts);
                if more {
                    self.settle(cx, room);
                }
            }
            Ok(_) => tracing::error!("the store answered about a room with something else"),
            Err(fault) => {
                tracing::debug!(%fault, "posts not ended");
                self.timers.set(Timer::Settle(room), cx.now.at + REQUEST_RETRY);
            }
        }
    }

    /// Ends what nobody waits for.
    pub(in crate::registry) fn settle(&mut self, cx: &Context<'_>, room: RoomKey) {
        let keep_until = self.keep_until(cx.now.at);
        self.expect_expiry(cx.now.at, keep_until);
        let request = Request::Room(RoomRequest::Settle { room, keep_until });
        self.out.store(request, Pending::Settled(room));
    }
}
