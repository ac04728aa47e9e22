//! What stands in rooms' logs, as the registry's database has it: behind what, for whom, until when, and for what it gives way.
//!
//! Who is in which room is in `halls`; what members are told that they missed in `missed`; what authors commit and are told in
//! `posts`. Invariant: a post stands in a log until the registry has let go of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::halls::{Entry, Hall};
use super::{LIFETIME_SLACK, Ledger, Verdict, posts};
use crate::client::storage::Reach;
use crate::clock::{AgeClock, Instant};
use crate::id::{RoomId, Slot};
use crate::registry::rooms::storage::{NewPost, POSTS_ENDED_MAX, PostEnd, RoomKey};
use crate::registry::storage::{MemberId, Usage};
use crate::simulation::invariant::Invariant;
use crate::simulation::post::{Post, Standing};
use crate::wire::envelope::{Body, Envelope};
use crate::wire::message::End;
use crate::wire::room::PostNumber;

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
    /// All who are in a room have these, or never will.
    pub(super) fn posts_had(&mut self, at: Instant, posts: &[PostEnd]) -> Verdict {
        self.posts_end(at, posts, Why::Had)
    }

    /// The time of these is over.
    pub(super) fn posts_outlived(&mut self, at: Instant, posts: &[PostEnd]) -> Verdict {
        self.posts_end(at, posts, Why::Time)
    }

    /// A post is kept, and others give way to it.
    pub(super) fn post_kept(
        &mut self,
        at: Instant,
        new: &NewPost,
        number: PostNumber,
        gave_way: &[PostEnd],
    ) -> Verdict {
        let stands = self.stands(at, new, number);
        let why_not = self.why_not_those(new, number, gave_way);
        let ended = self.posts_end(at, gave_way, Why::Crowded);
        stands.and(ended)?;
        let Some(why_not) = why_not else {
            return Ok(());
        };
        self.posts.unless_lax(|| {
            (
                Invariant::HonestEnd,
                format!("{gave_way:?} make room for {:?}: {why_not}", new.slot),
            )
        })
    }

    /// A post is kept: its author is there, has recorded that it may be, and it stands behind all others.
    fn stands(&mut self, at: Instant, new: &NewPost, number: PostNumber) -> Verdict {
        let written = Envelope::parse(&new.forward.envelope).ok().map(|envelope| {
            let Body::Plain(text) = envelope.body;
            text
        });
        let author = self.books.members.get(&new.author).copied();
        let place = written.as_deref().and_then(posts::place_of);
        let post = place.and_then(|place| Some((place, self.posts.posts.get_mut(place)?)));
        let Some((place, post)) =
            post.filter(|(_, post)| Some(post.author) == author && written.as_ref() == Some(&post.text))
        else {
            let what = format!("{:?} posted {:?}, which he never wrote", new.author, new.slot);
            return Err((Invariant::Authentic, what));
        };
        if self.posts.is_lax {
            post.standing = None;
        }
        let hall = self.halls.of_key_mut(new.room);
        let Some(hall) = hall.filter(|hall| hall.visit(post.author).is_some()) else {
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
        let entry = Entry {
            post: place,
            bytes: new.forward.envelope.len() as u64,
            is_open: true,
            is_again: post.standing.is_some(),
        };
        hall.log.insert(number, entry);
        let due = hall.present().map(|visit| visit.person);
        post.standing = Some(Standing {
            room: hall.id,
            number,
            since: post.standing.as_ref().map_or(at, |standing| standing.since),
            is_again: entry.is_again,
            due: due.filter(|person| *person != post.author).collect(),
            lost: BTreeSet::new(),
            ended: None,
        });
        let text = post.text.clone();
        wrong.map_or(Ok(()), |(invariant, why)| {
            let what = format!("{text:.8} is kept at {number:?}, but {why}");
            self.posts.unless_lax(|| (invariant, what))
        })
    }

    /// Somebody has left: what he has not he never will.
    pub(super) fn loses(&mut self, room: RoomId, person: usize, had: PostNumber) {
        for post in &mut self.posts.posts {
            if let Some(standing) = post.standing.as_mut()
                && standing.room == room
                && standing.ended.is_none()
                && standing.number > had
                && standing.due.contains(&person)
            {
                standing.lost.insert(person);
            }
        }
    }

    /// A member has everything up to there: in his inbox, unless it has ended before; and that he was told.
    pub(super) fn advances(&mut self, room: RoomKey, member: MemberId, number: PostNumber) -> Verdict {
        let person = self.books.members.get(&member).copied();
        let Some((person, hall)) = person.zip(self.halls.of_key_mut(room)) else {
            return Ok(());
        };
        let (id, number) = (hall.id, number.min(hall.head));
        let Some(visit) = hall.visit_mut(person) else {
            return Ok(());
        };
        let before = visit.had;
        visit.had = number.max(before);
        let missing = |post: &&Post| {
            post.awaits(person)
                && post
                    .stands_in(id)
                    .is_some_and(|standing| standing.number > before && standing.number <= number)
        };
        if let Some(post) = self.posts.posts.iter().find(missing) {
            return self.posts.unless_lax(|| {
                (
                    Invariant::CommittedFirst,
                    format!("{person} is said to have {:.8}, and has not", post.text),
                )
            });
        }
        self.is_told_of_all(id, person, before)
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
            let hall = self.halls.halls.get_mut(&standing.room);
            if let Some(entry) = hall.and_then(|hall| hall.log.get_mut(&standing.number)) {
                entry.is_open = false;
            }
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
        let hall = self.halls.halls.get(&standing.room);
        let behind = |person: &&usize| {
            let visit = hall.and_then(|hall| hall.visit(**person));
            visit.is_some_and(|visit| visit.had < standing.number) && !standing.lost.contains(person)
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

    /// The registry drops the notice of a post's end: its author knows it.
    pub(super) fn post_forgotten(&self, sender: MemberId, slot: Slot) -> Verdict {
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
}

/// What gives way to what.
impl Ledger {
    /// What stands in a room, and what of it is this author's.
    fn open(&self, hall: &Hall, author: MemberId) -> (Usage, Usage) {
        let author = self.books.members.get(&author);
        let (mut all, mut his) = (Usage::default(), Usage::default());
        for entry in hall.log.values().filter(|entry| entry.is_open) {
            let post = Usage::one(entry.bytes);
            all = all.plus(post);
            if self.author_of(entry) == author {
                his = his.plus(post);
            }
        }
        (all, his)
    }

    fn author_of(&self, entry: &Entry) -> Option<&usize> {
        self.posts.posts.get(entry.post).map(|post| &post.author)
    }

    /// Why what gives way to a post that is kept here is not what has to: each is the oldest of its author's, as long as his part
    /// is full and he has one, or the oldest of all; and goes while there is too much. All goes that is too much, as far as so many
    /// may at once.
    fn why_not_those(&self, new: &NewPost, number: PostNumber, gave_way: &[PostEnd]) -> Option<&'static str> {
        let hall = self.halls.of_key(new.room)?;
        let quarters = self.halls.quarters;
        let author = self.books.members.get(&new.author);
        let is_full = |usage: Usage, posts, bytes| usage.messages > posts || usage.bytes > bytes;
        let is_part_full = |his: Usage| is_full(his, quarters.author_posts, quarters.author_bytes);
        let is_room_full = |all: Usage| is_full(all, quarters.posts, quarters.bytes);
        let (mut all, mut his) = self.open(hall, new.author);
        let has_too_many = is_part_full(his);
        let mut before: Vec<&Entry> = hall.log.range(..number).map(|(_, entry)| entry).collect();
        before.retain(|entry| entry.is_open);
        let is_his = |entry: &&&Entry| self.author_of(entry) == author;
        for post in gave_way {
            let pays = has_too_many && before.iter().any(|entry| is_his(&entry));
            let Some(due) = before.iter().position(|entry| !pays || is_his(&entry)) else {
                return Some("there is nothing before it");
            };
            let entry = before.remove(due);
            let slot = self.posts.posts.get(entry.post).and_then(|post| post.slot);
            if (slot, entry.bytes) != (Some(post.notice.slot), post.bytes) {
                return Some("another is due");
            }
            let is_due = is_room_full(all) || (pays && is_part_full(his));
            if !is_due {
                return Some("there is room");
            }
            let gone = Usage::one(entry.bytes);
            all = all.minus(gone);
            if is_his(&&entry) {
                his = his.minus(gone);
            }
        }
        let pays = has_too_many && before.iter().any(|entry| is_his(&entry));
        let is_more_due = (pays && is_part_full(his)) || (is_room_full(all) && !before.is_empty());
        match gave_way.len() {
            ..POSTS_ENDED_MAX if is_more_due => Some("more is due"),
            ..=POSTS_ENDED_MAX => None,
            _ => Some("those are too many at once"),
        }
    }
}
