//! What is posted to rooms: what clients commit and tell of it, held against what is so.
//!
//! Texts of posts begin with a `%` and a number. What the registry commits of rooms is in `doors` and `logs`, what is said of
//! messages to one person in `sending` and `telling`. Invariant: a post's end is the one that its author's database says.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Ledger, Verdict, Written};
use crate::client::Receipts;
use crate::client::interface::{Incoming, Refusal, Road, RoomEvent};
use crate::client::storage::{Accept, Finish, Key, Outcome, Receive, State};
use crate::clock::{Instant, WallTime};
use crate::id::{IdentityId, Name, Slot};
use crate::simulation::invariant::Invariant;
use crate::simulation::post::Post;
use crate::wire::message::DepositRefusal;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Posts {
    pub(super) posts: Vec<Post>,
    by_key: BTreeMap<(usize, Key), usize>,
    /// Whether databases are lost in this world: what rooms have of posts is then as it happens.
    pub(super) is_lax: bool,
}

impl Posts {
    pub(super) fn new(is_lax: bool) -> Self {
        Self {
            is_lax,
            ..Self::default()
        }
    }

    /// What is wrong, where it is judged.
    pub(super) fn unless_lax(&self, wrong: impl FnOnce() -> (Invariant, String)) -> Verdict {
        if self.is_lax { Ok(()) } else { Err(wrong()) }
    }

    fn of_key(&mut self, person: usize, key: Key) -> Option<&mut Post> {
        let place = *self.by_key.get(&(person, key))?;
        self.posts.get_mut(place)
    }

    /// What somebody's folder has of his own.
    pub(super) fn of_author(&self, person: usize) -> impl Iterator<Item = &Post> {
        let his = move |post: &&Post| post.author == person && post.accepted.is_some();
        self.posts.iter().filter(his)
    }

    /// Somebody's folder is what a copy has.
    pub(super) fn forget(&mut self, person: usize, copy: &[Post]) {
        self.by_key.retain(|(owner, _), _| *owner != person);
        for (place, post) in self.posts.iter_mut().enumerate() {
            post.lines.remove(&person);
            if post.author != person {
                continue;
            }
            post.forgets(copy.get(place));
            if let Some(key) = post.accepted {
                self.by_key.insert((person, key), place);
            }
        }
    }

    /// Whether that key is a post's.
    pub(super) fn has(&self, person: usize, key: Key) -> bool {
        self.by_key.contains_key(&(person, key))
    }
}

/// A state of a post that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SaidOfPost {
    state: State,
    at: Instant,
}

/// `%000012 …` is post 12.
pub(super) fn place_of(text: &str) -> Option<usize> {
    text.strip_prefix('%')?.split(' ').next()?.parse().ok()
}

impl Ledger {
    /// Somebody posts `length` bytes to a room: the text, which nobody else ever posts.
    pub(in crate::simulation) fn posted(
        &mut self,
        at: Instant,
        author: usize,
        room: &Name,
        (length, lives): (usize, Duration),
    ) -> String {
        let place = self.posts.posts.len();
        let text = super::padded(format!("%{place:06} "), length);
        let post = Post::new(author, room.clone(), text.clone(), at, lives);
        self.posts.posts.push(post);
        self.writes(author, Written::Post(place));
        text
    }

    pub(super) fn post_accepted(&mut self, person: usize, accept: &Accept, key: Key, slot: Slot) -> Verdict {
        let place = place_of(&accept.text);
        let post = place.and_then(|place| self.posts.posts.get_mut(place));
        let Some((place, post)) = place.zip(post).filter(|(_, post)| post.text == accept.text) else {
            let what = format!("{:?} was accepted and never typed", accept.text);
            return Err((Invariant::Authentic, what));
        };
        if post.accepted.is_some()
            || post.author != person
            || !accept.to.name().is_some_and(|name| post.room.matches(name))
        {
            return Err((
                Invariant::OneState,
                format!("{:.8} was accepted by {person} as {:?}", post.text, accept.to),
            ));
        }
        post.accepted = Some(key);
        post.hall = accept.to.room();
        post.sent_at = Some(accept.sent_at);
        post.slot = Some(slot);
        self.posts.by_key.insert((person, key), place);
        self.answers(person, Written::Post(place));
        Ok(())
    }

    /// The registry may have it from now on.
    pub(super) fn post_given(&mut self, person: usize, key: Key) {
        if let Some(post) = self.posts.of_key(person, key) {
            post.given = true;
        }
    }

    pub(super) fn post_renumbered(&mut self, person: usize, key: Key, slot: Slot) {
        if let Some(post) = self.posts.of_key(person, key) {
            post.slot = Some(slot);
            post.given = false;
        }
    }

    /// Its author has recorded that the registry keeps it.
    pub(super) fn post_stored(&mut self, person: usize, key: Key) -> Verdict {
        let Some(post) = self.posts.of_key(person, key) else {
            return Ok(());
        };
        post.stored = true;
        if post.standing.is_some() {
            return Ok(());
        }
        let what = format!("{:.8} is said to be posted and is not", post.text);
        self.posts.unless_lax(|| (Invariant::CommittedFirst, what))
    }

    /// The registry's database is another one: what was kept waits again.
    pub(super) fn posts_stranded(&mut self, person: usize) {
        let posts = self.posts.posts.iter_mut();
        for post in posts.filter(|post| post.author == person && post.end.is_none()) {
            post.stored = false;
        }
    }

    /// Its author has recorded how it has ended.
    pub(super) fn post_finished(&mut self, at: Instant, person: usize, key: Key, end: Finish) -> Verdict {
        let why_not = self
            .posts
            .by_key
            .get(&(person, key))
            .and_then(|place| self.why_post_not_so(at, self.posts.posts.get(*place)?, end));
        let Some(post) = self.posts.of_key(person, key) else {
            return Ok(());
        };
        if post.end.is_some() {
            return Ok(());
        }
        post.end = Some((end, at));
        let text = post.text.clone();
        match why_not {
            Some(why_not) => self.posts.unless_lax(|| {
                (
                    Invariant::HonestEnd,
                    format!("{text:.8} has ended as {end:?}, but {why_not}"),
                )
            }),
            None => Ok(()),
        }
    }

    fn why_post_not_so(&self, at: Instant, post: &Post, end: Finish) -> Option<String> {
        match end {
            Finish::Delivered | Finish::Reached(_) => {
                let reached = post.reached();
                (reached != Some(end)).then(|| format!("at the registry it is {reached:?}"))
            }
            Finish::Expired if self.post_lives(at, post) => Some("its time is not over".into()),
            Finish::Expired | Finish::Refused(_) if post.standing.is_some() => {
                Some("the registry keeps it".into())
            }
            Finish::Refused(Refusal::Registry(DepositRefusal::NoSuchRoom | DepositRefusal::NotMember)) => {
                let inside = post
                    .hall
                    .is_some_and(|room| self.halls.was_inside(room, post.author, post.written));
                inside.then(|| "its author has been in the room all the time".into())
            }
            Finish::Refused(_) => Some("there is no such cause".into()),
            Finish::Expired => None,
        }
    }

    /// A member's database has it, or has had it.
    pub(super) fn post_received(&mut self, person: usize, receive: &Receive, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Fresh => {}
            Outcome::Duplicate => {
                self.counts.duplicates += 1;
                return Ok(());
            }
            // The next posts of its author have said that it has ended; the member keeps it under another number.
            Outcome::Skipped if self.stands_again(person, receive) => return Ok(()),
            Outcome::Conflict | Outcome::Skipped => {
                return self.posts.unless_lax(|| {
                    (
                        Invariant::OneState,
                        format!("{:.8} is {outcome:?} to {person}", receive.text),
                    )
                });
            }
        }
        let place = self.post_written(receive.id.sender, &receive.from, receive.sent_at, &receive.text)?;
        let restored = self.was_restored(person);
        let overtaken = self.overtaken(place, person);
        let (is_lax, receipts) = (self.posts.is_lax, self.receipts);
        let Some(post) = self.posts.posts.get_mut(place) else {
            return Ok(());
        };
        let was_there = !post.inboxes.insert(person);
        if receipts == Receipts::Committed {
            post.had.insert(person);
        }
        let due = post
            .standing
            .as_ref()
            .map(|standing| standing.due.contains(&person));
        let text = &post.text;
        let wrong = match due {
            _ if was_there && !restored => (
                Invariant::OnceInInbox,
                format!("{text:.8} is in the inbox of {person} twice"),
            ),
            _ if is_lax => return Ok(()),
            None => (
                Invariant::CommittedFirst,
                format!("{text:.8} has come to {person}, and the registry does not have it"),
            ),
            Some(false) => (
                Invariant::Authentic,
                format!("{text:.8} has come to {person}, who was not there"),
            ),
            Some(true) => match overtaken {
                Some(first) => (
                    Invariant::InOrder,
                    format!("{text:.8} has come to {person} before {first:.8}"),
                ),
                None => return Ok(()),
            },
        };
        Err(wrong)
    }

    /// Whether it comes under its author's number to one who has it not, and had ended in its room before it came to stand where it
    /// does.
    fn stands_again(&self, person: usize, receive: &Receive) -> bool {
        let post = place_of(&receive.text).and_then(|place| self.posts.posts.get(place));
        post.is_some_and(|post| {
            let is_again = post.standing.as_ref().is_some_and(|standing| standing.is_again);
            is_again && post.slot == Some(receive.id.slot) && !post.inboxes.contains(&person)
        })
    }

    /// What stands before it in its room and has still to come to him.
    fn overtaken(&self, place: usize, person: usize) -> Option<String> {
        let standing = self.posts.posts.get(place)?.standing.as_ref()?;
        let before = |post: &&Post| {
            post.is_to_come(person)
                && post
                    .stands_in(standing.room)
                    .is_some_and(|other| other.number < standing.number)
        };
        let first = self.posts.posts.iter().find(before)?;
        Some(first.text.clone())
    }

    /// Which post it is that comes in these words: its author has written it so, and then.
    fn post_written(
        &self,
        sender: IdentityId,
        from: &Name,
        sent_at: WallTime,
        text: &str,
    ) -> Result<usize, (Invariant, String)> {
        let author = self.people.get(&sender).copied();
        let place = place_of(text);
        let post = place.and_then(|place| self.posts.posts.get(place));
        let his = |post: &&Post| {
            Some(post.author) == author
                && self.names.get(post.author) == Some(from)
                && post.text == text
                && post.sent_at == Some(sent_at)
        };
        match (place, post.filter(his)) {
            (Some(place), Some(_)) => Ok(place),
            _ => Err((
                Invariant::Authentic,
                format!("{text:?} came from {from} as of {sent_at:?}, and was never posted"),
            )),
        }
    }

    /// A post's line is written: once in a run, and after all that stands before it.
    pub(super) fn post_shown(&mut self, person: usize, message: &Incoming) -> Verdict {
        let run = self.run_of(person);
        let place = self.post_written(message.id.sender, &message.from, message.sent_at, &message.text)?;
        let Some(post) = self.posts.posts.get(place) else {
            return Ok(());
        };
        let text = post.text.clone();
        let wrong = if !post.inboxes.contains(&person) {
            Some((Invariant::CommittedFirst, "is not in the inbox".to_owned()))
        } else if !matches!(&message.road, Road::Room { name, .. } if name.matches(&post.room)) {
            Some((
                Invariant::Authentic,
                format!("is said to come as {:?}", message.road),
            ))
        } else if post.was_shown(person, run) {
            Some((Invariant::OnceOnScreen, "was shown before".to_owned()))
        } else {
            self.shown_before(post, person, run).map(|later| {
                (
                    Invariant::InOrder,
                    format!("stands before {later:.8}, shown already"),
                )
            })
        };
        if let Some((invariant, what)) = wrong {
            return Err((invariant, format!("{text:.8} is shown to {person} and {what}")));
        }
        if let Some(post) = self.posts.posts.get_mut(place) {
            self.counts.repeated += u64::from(post.show(person, run));
        }
        Ok(())
    }

    /// What stands behind it and was shown to him before.
    fn shown_before(&self, post: &Post, person: usize, run: u32) -> Option<String> {
        let standing = post.standing.as_ref().filter(|_| !self.posts.is_lax)?;
        let later = |other: &&Post| {
            other.was_shown(person, run)
                && other
                    .stands_in(standing.room)
                    .is_some_and(|behind| !behind.is_again && behind.number > standing.number)
        };
        let later = self.posts.posts.iter().find(later)?;
        Some(later.text.clone())
    }

    /// A post's line is marked as seen; where messages are handled, as handled.
    pub(super) fn post_line_seen(&mut self, person: usize, place: usize) {
        let Some(post) = self.posts.posts.get_mut(place) else {
            return;
        };
        if let Some(line) = post.lines.get_mut(&person) {
            line.marked = true;
            post.had.insert(person);
        }
    }

    /// Something is told of a post of one's own: there is one of which it may be true.
    pub(super) fn told_of_post(
        &self,
        at: Instant,
        person: usize,
        event: &RoomEvent,
    ) -> (Option<SaidOfPost>, Verdict) {
        let (room, sent_at, state) = match event {
            RoomEvent::Posted { room } => (room, None, State::Stored),
            RoomEvent::Reached { room, sent_at, reach } => {
                let end = reach.map_or(Finish::Delivered, Finish::Reached);
                (room, Some(*sent_at), State::Ended(end))
            }
            RoomEvent::Refused {
                room,
                sent_at,
                reason,
            } => (room, Some(*sent_at), State::Ended(Finish::Refused(*reason))),
            RoomEvent::Expired { room, sent_at } => (room, Some(*sent_at), State::Ended(Finish::Expired)),
            _ => return (None, Ok(())),
        };
        let said = SaidOfPost { state, at };
        let may_mean = |post: &Post| {
            post.author == person
                && post.room.matches(room)
                && sent_at.is_none_or(|_| post.sent_at == sent_at)
                && post.may_be_said(state, at)
        };
        let verdict = if self.posts.posts.iter().any(may_mean) {
            Ok(())
        } else {
            self.posts.unless_lax(|| {
                (
                    Invariant::CommittedFirst,
                    format!("{person} is told {event:?}, and that is so of no post"),
                )
            })
        };
        (Some(said), verdict)
    }

    /// Which post it was of which that was told: it was so then.
    pub(super) fn post_state_seen(
        &mut self,
        person: usize,
        key: Key,
        state: State,
        said: SaidOfPost,
    ) -> Verdict {
        let Some(post) = self.posts.of_key(person, key) else {
            return Ok(());
        };
        post.told = Some(state);
        let is_so = said.state == state && post.may_be_said(state, said.at);
        let text = post.text.clone();
        if is_so {
            return Ok(());
        }
        self.posts.unless_lax(|| {
            (
                Invariant::OneState,
                format!("{text:.8} was told as {said:?}, and is marked as {state:?}"),
            )
        })
    }

    /// Posts that have not come to their end, or whose lines are not seen: none, after a healing.
    pub(in crate::simulation) fn open_posts(&self) -> impl Iterator<Item = String> {
        let restored = |person: usize| self.was_restored(person);
        self.posts.posts.iter().filter_map(move |post| {
            if post.accepted.is_none() || restored(post.author) {
                return None;
            }
            if post.end.is_none() {
                return Some(format!("{:.8} has not ended", post.text));
            }
            let unseen = |person: &&usize| {
                !restored(**person) && post.lines.get(person).is_none_or(|line| !line.marked)
            };
            let person = post.inboxes.iter().find(unseen)?;
            Some(format!("{:.8} was not seen by {person}", post.text))
        })
    }

    /// Posts whose authors know otherwise than it is: none, after a healing.
    pub(super) fn untold_posts(&self) -> impl Iterator<Item = String> {
        let wrong = |post: &&Post| {
            let end = post.end.map(|(end, _)| State::Ended(end));
            post.accepted.is_some() && !self.was_restored(post.author) && post.told != end
        };
        self.posts.posts.iter().filter(wrong).map(|post| {
            format!(
                "{:.8} has ended as {:?}, and was told as {:?}",
                post.text, post.end, post.told
            )
        })
    }

    /// How many posts were accepted, and how many copies of them have arrived.
    pub(in crate::simulation) fn posts_and_copies(&self) -> (u64, u64) {
        let accepted = self.posts.posts.iter().filter(|post| post.accepted.is_some());
        accepted.fold((0, 0), |(posts, copies), post| {
            (
                posts + 1,
                copies + u64::try_from(post.inboxes.len()).unwrap_or(u64::MAX),
            )
        })
    }
}
