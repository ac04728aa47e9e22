//! The truth about every message, from what was committed where; and the contract, checked against it.
//!
//! Fed with each commit of each database, and each event that a user is told. Here is what all of it shares; what clients
//! commit of messages is in `sending`, whether they may end so in `ends`, what they tell in `telling`, how they leave in
//! `leaving`, what they hold in `outboxes`; what the registry commits in `mailboxes`, what that comes to in `books`, and whom
//! it may turn away in `room`. Of rooms: who is in which in `halls`, and whether he may be in `doors`; what stands in them in
//! `logs`, what of it is told as missed in `missed`; what authors commit and tell in `posts`; what people ask in `asking`, and are
//! told in `inside`, `turned_away` and `lobby`. What is said to be unfinished is in `standing`, who is met by address in `contacts`.
//! It knows nothing of engines or networks.
//! Invariant: it says what the databases say; at the end of a run that is compared (`world.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use self::asking::Questions;
pub(super) use self::books::{Books, KeptRow};
pub(super) use self::folders::Folder;
use self::halls::Halls;
use self::inside::Inside;
use self::leaving::Going;
use self::lobby::Offer;
use self::posts::Posts;
pub(super) use self::room::Unheard;
use self::telling::Unseen;
use super::circle::Circle;
use super::invariant::{Invariant, Violation};
use super::letter::Letter;
use super::plan::{Room, Trouble};
use crate::client::Receipts;
use crate::client::interface::Text;
use crate::client::storage::{self as client, Key};
use crate::clock::Instant;
use crate::id::{IdentityId, MessageId, Name, Slot};

mod asking;
mod books;
mod contacts;
mod doors;
mod ends;
mod folders;
mod halls;
mod inside;
mod leaving;
mod lobby;
mod logs;
mod mailboxes;
mod missed;
mod outboxes;
mod posts;
mod room;
mod sending;
mod standing;
mod telling;
#[cfg(test)]
mod tests;
mod turned_away;

/// A message, by the number that its text begins with.
pub(super) type Number = usize;

/// Something that was typed: a message to one person, or a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Letter(Number),
    Post(usize),
}

impl Written {
    /// What it is called, to know it by its answer.
    fn tag(self) -> u64 {
        let (number, kind) = match self {
            Self::Letter(number) => (number, 0),
            Self::Post(number) => (number, 1),
        };
        u64::try_from(number).map_or(u64::MAX, |number| 2 * number + kind)
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letter(number) => write!(f, "#{number}"),
            Self::Post(number) => write!(f, "%{number}"),
        }
    }
}

/// What must not be.
pub(super) type Verdict = Result<(), (Invariant, String)>;

/// Figures that are not about one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Messages that came again and were not shown again.
    pub(super) duplicates: u64,
    /// Lines shown again, because their mark was lost.
    pub(super) repeated: u64,
}

/// The ledger.
pub(super) struct Ledger {
    pub(super) letters: Vec<Letter>,
    by_key: BTreeMap<(usize, Key), Number>,
    by_slot: BTreeMap<(usize, Slot), Number>,
    people: BTreeMap<IdentityId, usize>,
    pub(super) names: Vec<Name>,
    /// Who lists whom, where there is no registry.
    pub(super) circle: Option<Circle>,
    /// Who has met whom by address, as their databases have it, and since when.
    met: BTreeMap<(usize, usize), Instant>,
    /// What the registry's database has.
    books: Books,
    /// The runs of each person's program, and when the last one began.
    runs: Vec<u32>,
    begun: Vec<Instant>,
    /// When the registry's program began.
    registry_begun: Instant,
    /// How often it has.
    registry_runs: u32,
    /// What each person's program has told in this run, as far as he is not known to have seen it.
    unseen: Vec<Unseen>,
    /// What is posted to rooms, and the rooms.
    posts: Posts,
    halls: Halls,
    /// What each person has asked about rooms, and where he takes himself to be.
    questions: Vec<Questions>,
    inside: Vec<Inside>,
    /// Whom the registry's own is to be offered in this turn.
    offers: Vec<Offer>,
    /// What each person has written in this run that was neither accepted yet nor refused, in that order.
    unanswered: Vec<Vec<Written>>,
    /// How each person's program comes to leave in this run.
    going: Vec<Going>,
    /// The number of each person's last registration, as his own database has it.
    counted: Vec<u64>,
    /// And when it was counted.
    counted_at: Vec<Instant>,
    /// And the highest that a database of the registry's has had; none of those it has never known.
    registered: BTreeMap<usize, u64>,
    /// Those whose folders were once older copies.
    restored: BTreeSet<usize>,
    /// The databases that the registry has had.
    databases: BTreeSet<[u8; 16]>,
    /// Which database the registry has, as each person knows it.
    store_ids: Vec<Option<[u8; 16]>>,
    /// What the mailboxes hold at most.
    room: Room,
    /// Whether lifetimes can be judged by the true clock.
    clocks_true: bool,
    /// Whether no disk is ever full.
    disks_take_all: bool,
    /// When senders may hear of what was received.
    receipts: Receipts,
    /// Whether all is well and everything that was written in trouble has ended.
    pub(super) is_well: bool,
    pub(super) counts: Counts,
    violations: Vec<Violation>,
}

/// Violations that are kept: the first is the one that matters.
const VIOLATIONS_MAX: usize = 16;

/// What a lifetime may end too early by: wall time between two runs counts, in whole milliseconds.
const LIFETIME_SLACK: Duration = Duration::from_secs(1);

impl Ledger {
    /// Nothing was written yet; the registry's database is that of `store_id`.
    pub(super) fn new(people: &[(IdentityId, Name)], trouble: Trouble, store_id: [u8; 16]) -> Self {
        Self {
            letters: Vec::new(),
            by_key: BTreeMap::new(),
            by_slot: BTreeMap::new(),
            people: people.iter().map(|(id, _)| *id).zip(0..).collect(),
            names: people.iter().map(|(_, name)| name.clone()).collect(),
            circle: None,
            met: BTreeMap::new(),
            books: Books::new(store_id),
            runs: vec![0; people.len()],
            registry_begun: Instant::ZERO,
            registry_runs: 0,
            begun: vec![Instant::ZERO; people.len()],
            unseen: vec![Unseen::default(); people.len()],
            posts: Posts::new(trouble.disasters + trouble.relapses > 0),
            halls: Halls::new(trouble.quarters),
            questions: vec![Questions::default(); people.len()],
            inside: vec![Inside::default(); people.len()],
            offers: vec![Offer::default(); people.len()],
            unanswered: vec![Vec::new(); people.len()],
            going: vec![Going::default(); people.len()],
            room: trouble.room,
            counted: vec![0; people.len()],
            counted_at: vec![Instant::ZERO; people.len()],
            registered: BTreeMap::new(),
            restored: BTreeSet::new(),
            databases: BTreeSet::from([store_id]),
            store_ids: vec![None; people.len()],
            clocks_true: trouble.jumps == 0,
            disks_take_all: trouble.disks.takes_all(),
            receipts: trouble.receipts,
            is_well: false,
            counts: Counts::default(),
            violations: Vec::new(),
        }
    }

    /// All messages that were typed.
    pub(super) fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// What was found.
    pub(super) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Notes that something is not as it must be.
    pub(super) fn violated(&mut self, at: Instant, invariant: Invariant, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation { invariant, at, what });
        }
    }

    fn judge(&mut self, at: Instant, verdict: Verdict) {
        if let Err((invariant, what)) = verdict {
            self.violated(at, invariant, what);
        }
    }

    /// The registry's program starts.
    pub(super) const fn registry_begins(&mut self, at: Instant) {
        self.registry_begun = at;
        self.registry_runs += 1;
    }

    /// Somebody's program starts. What the last one had said and not marked it may say again.
    pub(super) fn begins(&mut self, at: Instant, person: usize) {
        if let Some(run) = self.runs.get_mut(person) {
            *run += 1;
        }
        if let Some(begun) = self.begun.get_mut(person) {
            *begun = at;
        }
        if let Some(unseen) = self.unseen.get_mut(person) {
            *unseen = Unseen::default();
        }
        if let Some(unanswered) = self.unanswered.get_mut(person) {
            unanswered.clear();
        }
        if let Some(going) = self.going.get_mut(person) {
            *going = Going::default();
        }
        if let Some(questions) = self.questions.get_mut(person) {
            questions.end(at);
        }
        if let Some(inside) = self.inside.get_mut(person) {
            inside.begin();
        }
        if let Some(offer) = self.offers.get_mut(person) {
            *offer = Offer::default();
        }
        for post in &mut self.posts.posts {
            if post.inboxes.contains(&person) {
                post.had_before.insert(person);
            }
        }
    }

    fn begun_at(&self, person: usize) -> Instant {
        self.begun.get(person).copied().unwrap_or(Instant::ZERO)
    }

    pub(super) fn run_of(&self, person: usize) -> u32 {
        self.runs.get(person).copied().unwrap_or(0)
    }

    /// Somebody writes `length` bytes: the text, which nobody else ever writes.
    pub(super) fn typed(
        &mut self,
        at: Instant,
        (from, to): (usize, usize),
        length: usize,
        lives: Duration,
    ) -> String {
        self.typed_to_all(at, (from, &[to]), length, lives)
    }

    /// The same to each of these: one text, and a message to each, numbered from the text's number on.
    pub(super) fn typed_to_all(
        &mut self,
        at: Instant,
        (from, all): (usize, &[usize]),
        length: usize,
        lives: Duration,
    ) -> String {
        let number = self.letters.len();
        let text = padded(format!("#{number:06} "), length);
        for &to in all {
            self.writes(from, Written::Letter(number));
            self.letters
                .push(Letter::new((from, to), text.clone(), at, lives));
        }
        text
    }

    fn writes(&mut self, person: usize, what: Written) {
        if let Some(unanswered) = self.unanswered.get_mut(person) {
            unanswered.push(what);
        }
    }

    /// What somebody has written is accepted; of what is to several, one message.
    fn answers(&mut self, person: usize, what: Written) {
        let unanswered = self.unanswered.get_mut(person).into_iter();
        for unanswered in unanswered {
            if let Some(place) = unanswered.iter().position(|written| *written == what) {
                unanswered.remove(place);
            }
        }
    }

    /// What is told next of a text of somebody's is told of all messages that it was to be.
    pub(super) fn is_for_one(&mut self, person: usize, tag: u64) {
        if let Some(unanswered) = self.unanswered.get_mut(person) {
            let mut first = true;
            unanswered.retain(|written| written.tag() != tag || std::mem::take(&mut first));
        }
    }

    /// What somebody has written last, with a tag by which the answer is known.
    pub(super) fn tagged(&self, person: usize, body: String) -> Text {
        let last = self
            .unanswered
            .get(person)
            .and_then(|unanswered| unanswered.last());
        let tag = last.map(|written| written.tag());
        Text { body, tag }
    }

    fn text_of(&self, written: Written) -> Option<&str> {
        match written {
            Written::Letter(number) => self.letters.get(number).map(|letter| letter.text.as_str()),
            Written::Post(place) => self.posts.posts.get(place).map(|post| post.text.as_str()),
        }
    }

    /// A client has committed something.
    pub(super) fn client_committed(
        &mut self,
        at: Instant,
        person: usize,
        request: &client::Request,
        reply: &client::Reply,
    ) {
        let verdict = match (request, reply) {
            (client::Request::Accept(accept), client::Reply::Accepted { key, slot }) => {
                match accept.to.room() {
                    Some(_) => self.post_accepted(person, accept, *key, *slot),
                    None => self.accepted(at, person, accept, *key, *slot),
                }
            }
            (client::Request::Deposit { key, .. }, _) if self.posts.has(person, *key) => {
                self.post_given(person, *key);
                Ok(())
            }
            (client::Request::Stored { key, .. }, _) if self.posts.has(person, *key) => {
                self.post_stored(person, *key)
            }
            (client::Request::Finish { key, end, .. }, _) if self.posts.has(person, *key) => {
                self.post_finished(at, person, *key, *end)
            }
            (client::Request::Deposit { key, slot, .. }, _) => {
                if let Some((_, letter)) = self.by_key_mut(person, *key) {
                    letter.given |= letter.slot == Some(*slot);
                }
                Ok(())
            }
            (
                client::Request::Stored {
                    key, slot, store_id, ..
                },
                _,
            ) => self.said_to_be_stored(at, person, (*key, *slot), *store_id),
            (client::Request::Counter(counter), _) => {
                self.counts_registration(at, person, *counter);
                Ok(())
            }
            (client::Request::Rooms { inside, outside }, _) => {
                self.takes_himself_in(person, inside, outside);
                Ok(())
            }
            (client::Request::Finish { key, end, .. }, _) => self.finished(at, person, *key, *end),
            (client::Request::Renumber(_), client::Reply::Renumbered(slots)) => {
                for (key, slot) in slots {
                    self.renumbered(at, person, *key, *slot);
                    self.post_renumbered(person, *key, *slot);
                }
                Ok(())
            }
            (client::Request::StoreId(store_id), _) => {
                self.posts_stranded(person);
                self.another_database(at, person, *store_id)
            }
            (client::Request::Meet(met), _) => self.meets(at, person, met),
            (client::Request::Receive(receive), client::Reply::Received(received)) => {
                self.stirs(person, at);
                match receive.room {
                    Some(_) => self.post_received(person, receive, received.outcome),
                    None => self.received(at, person, receive, *received),
                }
            }
            _ => Ok(()),
        };
        self.judge(at, verdict);
    }

    fn counts_registration(&mut self, at: Instant, person: usize, counter: u64) {
        let counted = self.counted.get_mut(person).zip(self.counted_at.get_mut(person));
        if let Some((counted, counted_at)) = counted {
            (*counted, *counted_at) = (counter, at);
        }
    }

    fn by_key_mut(&mut self, person: usize, key: Key) -> Option<(Number, &mut Letter)> {
        let number = *self.by_key.get(&(person, key))?;
        Some((number, self.letters.get_mut(number)?))
    }

    /// Which message to somebody has this text.
    pub(super) fn number_to(&self, to: usize, text: &str) -> Option<Number> {
        let first = number_of(text)?;
        let mut alike = (first..)
            .zip(self.letters.get(first..)?)
            .take_while(|(_, letter)| number_of(&letter.text) == Some(first));
        alike
            .find(|(_, letter)| letter.to == to)
            .map_or(Some(first), |(number, _)| Some(number))
    }

    /// What its text says that it is to somebody, if that is by this sender, and has had this number as far as he remembers.
    pub(super) fn find_mut(&mut self, to: usize, id: MessageId, text: &str) -> Option<&mut Letter> {
        let person = *self.people.get(&id.sender)?;
        let number = self.number_to(to, text)?;
        let his = self.was_restored(person) || self.by_slot.get(&(person, id.slot)) == Some(&number);
        let letter = self.letters.get_mut(number)?;
        (his && letter.from == person && letter.accepted.is_some()).then_some(letter)
    }
}

/// A text of so many bytes that begins so.
fn padded(mut text: String, length: usize) -> String {
    let missing = length.saturating_sub(text.len());
    text.extend((0..missing).map(|place| char::from(b'a' + u8::try_from(place % 26).unwrap_or(0))));
    text
}

/// `#000012 …` is message 12.
pub(super) fn number_of(text: &str) -> Option<Number> {
    text.strip_prefix('#')?.split(' ').next()?.parse().ok()
}
