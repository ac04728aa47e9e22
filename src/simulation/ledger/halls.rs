//! Rooms, as the registry's database has them: who is in which, what stands in their logs, and how far each member is.
//!
//! Judges what the registry commits about rooms; what clients commit and tell of posts is in `posts`. Where the registry's
//! database or somebody's folder may be lost, rooms are what is left of them, and nothing of this is judged.
//! Invariant: says what the registry's database says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{LIFETIME_SLACK, Ledger, Verdict, posts};
use crate::client::storage::Reach;
use crate::clock::{AgeClock, Instant};
use crate::id::{RoomId, Slot};
use crate::limits::{AUTHOR_BYTES_MAX, AUTHOR_POSTS_MAX};
use crate::registry::rooms::storage::{NewPost, PostEnd, RoomKey, RoomReply, RoomRequest, RoomsImage, Who};
use crate::registry::storage::{self as registry, Kept, MemberId};
use crate::simulation::invariant::Invariant;
use crate::simulation::post::{Post, Standing};
use crate::wire::envelope::{Body, Envelope};
use crate::wire::message::End;
use crate::wire::room::PostNumber;

/// A room.
#[derive(Clone, Debug)]
struct Hall {
    id: RoomId,
    head: PostNumber,
    /// Up to where each member has everything, as the registry knows.
    cursors: BTreeMap<usize, PostNumber>,
}

/// When somebody was in a room; `None`: he is still.
#[derive(Clone, Copy, Debug)]
struct Visit {
    person: usize,
    from: Instant,
    until: Option<Instant>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Halls {
    halls: BTreeMap<RoomKey, Hall>,
    /// Which room had a number last: the number of one of which nothing is left is given again.
    numbered: BTreeMap<RoomKey, RoomId>,
    visits: BTreeMap<RoomId, Vec<Visit>>,
}

impl Halls {
    fn enters(&mut self, at: Instant, room: RoomKey, person: usize) {
        let Some(hall) = self.halls.get_mut(&room) else {
            return;
        };
        if hall.cursors.contains_key(&person) {
            return;
        }
        hall.cursors.insert(person, hall.head);
        self.visits.entry(hall.id).or_default().push(Visit {
            person,
            from: at,
            until: None,
        });
    }

    /// They leave; who that is, and how far each was.
    fn leave(
        &mut self,
        at: Instant,
        room: RoomKey,
        stays: impl Fn(usize) -> bool,
    ) -> Vec<(usize, PostNumber)> {
        let Some(hall) = self.halls.get_mut(&room) else {
            return Vec::new();
        };
        let gone: Vec<(usize, PostNumber)> = hall
            .cursors
            .iter()
            .map(|(person, cursor)| (*person, *cursor))
            .filter(|(person, _)| !stays(*person))
            .collect();
        for (person, _) in &gone {
            hall.cursors.remove(person);
            let visits = self.visits.entry(hall.id).or_default().iter_mut();
            visits
                .filter(|visit| visit.person == *person)
                .for_each(|visit| visit.until = visit.until.or(Some(at)));
        }
        gone
    }

    /// Whether somebody was in a room all the time from then on.
    pub(super) fn was_inside(&self, room: RoomId, person: usize, from: Instant) -> bool {
        let visits = self.visits.get(&room).into_iter().flatten();
        let mut his = visits.filter(|visit| visit.person == person);
        his.any(|visit| visit.from <= from && visit.until.is_none())
    }
}

/// Why a post ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// All who are there have it.
    Had,
    /// Newer ones take its place.
    Crowded,
    /// Its lifetime is over.
    Time,
}

impl Ledger {
    /// The registry has committed something.
    pub(super) fn room_committed(
        &mut self,
        at: Instant,
        request: &registry::Request,
        reply: &registry::Reply,
    ) -> Verdict {
        match (request, reply) {
            (registry::Request::Room(request), registry::Reply::Room(reply)) => {
                self.deed_committed(at, request, reply)
            }
            (registry::Request::Expire { .. }, registry::Reply::Expired { posts, .. }) => {
                self.posts_end(at, posts, Why::Time)
            }
            (registry::Request::Forget { sender, slot }, registry::Reply::Forgotten(true)) => {
                self.post_forgotten(*sender, *slot)
            }
            _ => Ok(()),
        }
    }

    fn deed_committed(&mut self, at: Instant, request: &RoomRequest, reply: &RoomReply) -> Verdict {
        match (request, reply) {
            (RoomRequest::MakeRoom(row), _) => {
                let hall = Hall {
                    id: row.id,
                    head: row.head,
                    cursors: BTreeMap::new(),
                };
                self.halls.halls.insert(row.key, hall);
                self.halls.numbered.insert(row.key, row.id);
                if let Some(owner) = row.owner {
                    self.enters(at, row.key, owner);
                }
                Ok(())
            }
            (RoomRequest::Enter { room, member }, _) => {
                self.enters(at, *room, *member);
                Ok(())
            }
            (RoomRequest::Depart { room, who, .. }, RoomReply::PostsEnded { posts, .. }) => {
                let named = |member: MemberId| self.books.members.get(&member).copied();
                let (one, all_but) = match who {
                    Who::One(member) => (named(*member), None),
                    Who::AllBut(member) => (None, named(*member)),
                };
                let stays = move |person| all_but == Some(person) || one.is_some_and(|one| one != person);
                self.depart(at, *room, stays);
                self.posts_end(at, posts, Why::Had)
            }
            (RoomRequest::EndRoom { room, .. }, RoomReply::PostsEnded { posts, .. }) => {
                self.depart(at, *room, |_| false);
                self.halls.halls.remove(room);
                self.posts_end(at, posts, Why::Had)
            }
            (
                RoomRequest::Post(new),
                RoomReply::Posted {
                    kept: Kept::Fresh(_),
                    number,
                    gave_way,
                },
            ) => {
                self.stands(at, new, *number)?;
                self.posts_end(at, gave_way, Why::Crowded)
            }
            (
                RoomRequest::Advance {
                    room, member, number, ..
                },
                RoomReply::PostsEnded { posts, .. },
            ) => {
                self.advances(*room, *member, *number)?;
                self.posts_end(at, posts, Why::Had)
            }
            (RoomRequest::Settle { .. }, RoomReply::PostsEnded { posts, .. }) => {
                self.posts_end(at, posts, Why::Had)
            }
            _ => Ok(()),
        }
    }

    fn enters(&mut self, at: Instant, room: RoomKey, member: MemberId) {
        if let Some(&person) = self.books.members.get(&member) {
            self.halls.enters(at, room, person);
        }
    }

    /// Some leave: what they have not they never will.
    fn depart(&mut self, at: Instant, room: RoomKey, stays: impl Fn(usize) -> bool) {
        let id = self.halls.numbered.get(&room).copied();
        for (person, cursor) in self.halls.leave(at, room, stays) {
            for post in &mut self.posts.posts {
                if let Some(standing) = post.standing.as_mut()
                    && Some(standing.room) == id
                    && standing.ended.is_none()
                    && standing.number > cursor
                    && standing.due.contains(&person)
                {
                    standing.lost.insert(person);
                }
            }
        }
    }

    /// A post is kept: its author is there, has recorded that it may be, and it stands behind all others.
    fn stands(&mut self, at: Instant, new: &NewPost, number: PostNumber) -> Verdict {
        let written = Envelope::parse(&new.forward.envelope).ok().map(|envelope| {
            let Body::Plain(text) = envelope.body;
            text
        });
        let author = self.books.members.get(&new.author).copied();
        let place = written.as_deref().and_then(posts::place_of);
        let post = place.and_then(|place| self.posts.posts.get_mut(place));
        let Some(post) =
            post.filter(|post| Some(post.author) == author && written.as_ref() == Some(&post.text))
        else {
            let what = format!("{:?} posted {:?}, which he never wrote", new.author, new.slot);
            return Err((Invariant::Authentic, what));
        };
        if self.posts.is_lax {
            post.standing = None;
        }
        let hall = self.halls.halls.get_mut(&new.room);
        let Some(hall) = hall.filter(|hall| hall.cursors.contains_key(&post.author)) else {
            return self.posts.unless_lax(|| {
                (
                    Invariant::Authentic,
                    format!(
                        "{:.8} is kept, and its author is not in the room",
                        written.unwrap_or_default()
                    ),
                )
            });
        };
        let wrong = if !post.given {
            Some((
                Invariant::CommittedFirst,
                "its author has not recorded that it may be kept",
            ))
        } else if post
            .standing
            .as_ref()
            .is_some_and(|standing| standing.ended.is_none())
        {
            // Where it had ended a late copy of it may be kept again; nobody is shown that twice.
            Some((Invariant::OnceInInbox, "it stands in a log already"))
        } else if number != hall.head.next() {
            Some((Invariant::InOrder, "it does not stand behind the last one"))
        } else {
            None
        };
        hall.head = number;
        post.standing = Some(Standing {
            room: hall.id,
            number,
            since: post.standing.as_ref().map_or(at, |standing| standing.since),
            is_again: post.standing.is_some(),
            due: hall
                .cursors
                .keys()
                .copied()
                .filter(|person| *person != post.author)
                .collect(),
            lost: BTreeSet::new(),
            ended: None,
        });
        let text = post.text.clone();
        match wrong {
            Some((invariant, why)) => self
                .posts
                .unless_lax(|| (invariant, format!("{text:.8} is kept at {number:?}, but {why}"))),
            None => Ok(()),
        }
    }

    /// A member has everything up to there: in his inbox, unless it has ended before.
    fn advances(&mut self, room: RoomKey, member: MemberId, number: PostNumber) -> Verdict {
        let Some(&person) = self.books.members.get(&member) else {
            return Ok(());
        };
        let Some(hall) = self.halls.halls.get_mut(&room) else {
            return Ok(());
        };
        let (id, number) = (hall.id, number.min(hall.head));
        let Some(cursor) = hall.cursors.get_mut(&person) else {
            return Ok(());
        };
        let before = std::mem::replace(cursor, number.max(*cursor));
        let missing = |post: &&Post| {
            post.awaits(person)
                && post
                    .stands_in(id)
                    .is_some_and(|standing| standing.number > before && standing.number <= number)
        };
        match self.posts.posts.iter().find(missing) {
            Some(post) => self.posts.unless_lax(|| {
                (
                    Invariant::CommittedFirst,
                    format!("{person} is said to have {:.8}, and has not", post.text),
                )
            }),
            None => Ok(()),
        }
    }

    fn posts_end(&mut self, at: Instant, posts: &[PostEnd], why: Why) -> Verdict {
        posts.iter().try_for_each(|post| self.post_ends(at, post, why))
    }

    /// Nobody waits for a post any more: so many have it as the registry says, and it ends for its reason.
    fn post_ends(&mut self, at: Instant, end: &PostEnd, why: Why) -> Verdict {
        let author = self.books.members.get(&end.author).copied();
        let slot = end.notice.slot;
        let room = self.halls.numbered.get(&end.room).copied();
        let same = |post: &Post| {
            Some(post.author) == author
                && post.slot == Some(slot)
                && room.is_some_and(|room| post.stands_in(room).is_some())
        };
        let Some(place) = self.posts.posts.iter().position(same) else {
            return self.posts.unless_lax(|| {
                (
                    Invariant::KeptUntilKnown,
                    format!("{end:?} ends, which stands nowhere"),
                )
            });
        };
        let End::Posted { received, of } = end.notice.end else {
            return Err((
                Invariant::HonestEnd,
                format!("a post has ended as {:?}", end.notice.end),
            ));
        };
        let said = Reach { received, of };
        let why_not = self.why_not_ended(at, place, said, why);
        let Some(post) = self.posts.posts.get_mut(place) else {
            return Ok(());
        };
        if let Some(standing) = post.standing.as_mut() {
            standing.ended = Some(said);
        }
        let text = post.text.clone();
        match why_not {
            Some((invariant, why_not)) => self.posts.unless_lax(|| {
                (
                    invariant,
                    format!("{text:.8} ends ({why:?}) as {said:?}, but {why_not}"),
                )
            }),
            None => Ok(()),
        }
    }

    fn why_not_ended(&self, at: Instant, place: usize, said: Reach, why: Why) -> Option<(Invariant, String)> {
        let post = self.posts.posts.get(place)?;
        let standing = post.standing.as_ref()?;
        if standing.ended.is_some() {
            return Some((Invariant::OneState, "it had ended".into()));
        }
        let hall = self.halls.halls.values().find(|hall| hall.id == standing.room);
        let behind = |person: &&usize| {
            let cursor = hall.and_then(|hall| hall.cursors.get(person));
            cursor.is_some_and(|cursor| *cursor < standing.number) && !standing.lost.contains(person)
        };
        let missing: Vec<&usize> = standing.due.iter().filter(behind).collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let reach = Reach {
            received: count(standing.due.len() - standing.lost.len() - missing.len()),
            of: count(standing.due.len()),
        };
        if reach != said {
            return Some((Invariant::OneState, format!("it is {reach:?}")));
        }
        match why {
            Why::Had if !missing.is_empty() => {
                Some((Invariant::KeptUntilKnown, format!("{missing:?} wait for it")))
            }
            Why::Time if self.post_lives(at, post) => {
                Some((Invariant::HonestEnd, "its time is not over".into()))
            }
            Why::Crowded if !self.is_crowded(standing.room) => {
                Some((Invariant::HonestEnd, "there is room".into()))
            }
            Why::Had | Why::Time | Why::Crowded => None,
        }
    }

    /// Whether a post's lifetime is not over, as [`Self::lives`] of a message.
    pub(super) fn post_lives(&self, at: Instant, post: &Post) -> bool {
        let pauses = self.run_of(post.author) + self.registry_runs;
        let error = if self.clocks_true {
            Duration::ZERO
        } else {
            AgeClock::PAUSE_MAX * pauses
        };
        at.since(post.written) + LIFETIME_SLACK + error < post.lives
    }

    /// Whether as much stands in a room as one author may have there: less gives way to nothing.
    fn is_crowded(&self, room: RoomId) -> bool {
        let open = self.posts.posts.iter().filter(|post| {
            post.stands_in(room)
                .is_some_and(|standing| standing.ended.is_none())
        });
        let (posts, bytes) = open.fold((0, 0), |(posts, bytes), post| {
            (
                posts + 1,
                bytes + u64::try_from(post.text.len()).unwrap_or(u64::MAX),
            )
        });
        posts >= AUTHOR_POSTS_MAX || 2 * bytes >= AUTHOR_BYTES_MAX
    }

    /// The registry drops the notice of a post's end: its author knows it.
    fn post_forgotten(&self, sender: MemberId, slot: Slot) -> Verdict {
        let author = self.books.members.get(&sender).copied();
        let same = |post: &&Post| Some(post.author) == author && post.slot == Some(slot);
        let unknown = |post: &&Post| post.standing.is_some() && post.end.is_none();
        match self.posts.posts.iter().filter(same).find(unknown) {
            Some(post) => self.posts.unless_lax(|| {
                (
                    Invariant::KeptUntilKnown,
                    format!(
                        "the end of {:.8} is forgotten, and its author does not know it",
                        post.text
                    ),
                )
            }),
            None => Ok(()),
        }
    }

    /// What the registry's database has of rooms that is not so, or has not ended.
    pub(in crate::simulation) fn rooms_that_differ(&self, image: &RoomsImage) -> Vec<String> {
        let mut differ: Vec<String> = image
            .posts
            .iter()
            .map(|posts| format!("the registry keeps {} posts", posts.usage.messages))
            .collect();
        let person = |member: &MemberId| self.books.members.get(member).copied();
        let found: Vec<(RoomKey, Option<usize>)> = image
            .memberships
            .iter()
            .map(|(room, member)| (*room, person(member)))
            .collect();
        let known: Vec<(RoomKey, Option<usize>)> = self
            .halls
            .halls
            .iter()
            .flat_map(|(room, hall)| hall.cursors.keys().map(|person| (*room, Some(*person))))
            .collect();
        if !self.posts.is_lax && found.iter().collect::<BTreeSet<_>>() != known.iter().collect() {
            differ.push(format!(
                "the registry has {found:?} in rooms, and it is {known:?}"
            ));
        }
        differ
    }
}
