//! The truth about every message, from what was committed where; and the contract, checked against it.
//!
//! Fed with each commit of each client's database, and each event that a user is told; what the registry commits is in
//! `mailboxes`. It knows nothing of engines or networks.
//! Invariant: it says what the databases say; at the end of a run that is compared (`world.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::invariant::{Invariant, Violation};
use super::letter::{Arrived, Letter, Mail, State};
use crate::client::interface::Event;
use crate::client::storage::{self as client, Finish, Key, Outcome, Received, Told};
use crate::clock::Instant;
use crate::id::{IdentityId, MessageId, Slot};
use crate::registry::storage::MemberId;

mod mailboxes;

/// A message, by the number that its text begins with.
pub(super) type Number = usize;

/// What must not be.
pub(super) type Verdict = Result<(), (Invariant, String)>;

/// Figures that are not about one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Messages that came again and were not shown again.
    pub(super) duplicates: u64,
    /// Messages whose id belonged to another.
    pub(super) conflicts: u64,
    /// Lines shown again, because their mark was lost.
    pub(super) repeated: u64,
}

/// The ledger.
pub(super) struct Ledger {
    pub(super) letters: Vec<Letter>,
    by_key: BTreeMap<(usize, Key), Number>,
    by_slot: BTreeMap<(usize, Slot), Number>,
    people: BTreeMap<IdentityId, usize>,
    members: BTreeMap<MemberId, usize>,
    /// The runs of each person's program.
    pub(super) runs: Vec<u32>,
    /// The registry's database, as each person knows it.
    store_ids: Vec<Option<[u8; 16]>>,
    /// Whether lifetimes can be judged by the true clock.
    clocks_true: bool,
    pub(super) counts: Counts,
    violations: Vec<Violation>,
}

/// Violations that are kept: the first is the one that matters.
const VIOLATIONS_MAX: usize = 16;

/// What a lifetime may end too early by: wall time between two runs counts, in whole milliseconds.
const LIFETIME_SLACK: Duration = Duration::from_secs(1);

impl Ledger {
    pub(super) fn new(people: &[IdentityId], clocks_true: bool) -> Self {
        Self {
            letters: Vec::new(),
            by_key: BTreeMap::new(),
            by_slot: BTreeMap::new(),
            people: people.iter().copied().zip(0..).collect(),
            members: BTreeMap::new(),
            runs: vec![0; people.len()],
            store_ids: vec![None; people.len()],
            clocks_true,
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

    /// Somebody's program starts.
    pub(super) fn begins(&mut self, person: usize) {
        if let Some(run) = self.runs.get_mut(person) {
            *run += 1;
        }
    }

    /// Somebody writes `length` bytes: the text, which nobody else ever writes.
    pub(super) fn typed(&mut self, from: usize, to: usize, length: usize, lives: Duration) -> String {
        let number = self.letters.len();
        let mut text = format!("#{number:06} ");
        let missing = length.saturating_sub(text.len());
        text.extend((0..missing).map(|place| char::from(b'a' + u8::try_from(place % 26).unwrap_or(0))));
        self.letters.push(Letter {
            from,
            to,
            text: text.clone(),
            accepted: None,
            slot: None,
            lives,
            state: State::Waiting,
            mail: Mail::Never,
            inbox: None,
            shown_in: None,
            marked: false,
            told_end: false,
        });
        text
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
                self.accepted(at, person, &accept.text, *key, *slot)
            }
            (client::Request::Stored { key, slot, store_id }, _) => {
                let here = self.store_ids.get(person) == Some(&Some(*store_id));
                match self.by_key_mut(person, *key) {
                    Some((_, letter)) if !here || letter.slot != Some(*slot) => Ok(()),
                    _ => self.now_is(person, *key, State::Stored),
                }
            }
            (client::Request::Finish { key, end, .. }, _) => self.finished(at, person, *key, *end),
            (client::Request::Renumber(_), client::Reply::Renumbered(slots)) => {
                slots
                    .iter()
                    .for_each(|(key, slot)| self.renumbered(person, *key, *slot));
                Ok(())
            }
            (client::Request::StoreId(store_id), _) => {
                self.another_database(person, *store_id);
                Ok(())
            }
            (client::Request::Receive(receive), client::Reply::Received(received)) => {
                self.received(at, person, receive, *received)
            }
            (client::Request::Told(lines), _) => {
                lines.iter().for_each(|line| self.seen(person, line));
                Ok(())
            }
            _ => Ok(()),
        };
        self.judge(at, verdict);
    }

    /// A user was told something.
    pub(super) fn told(&mut self, at: Instant, person: usize, event: &Event) {
        if let Event::Incoming(message) = event {
            let verdict = self.shown(person, message);
            self.judge(at, verdict);
        }
    }

    fn accepted(&mut self, at: Instant, person: usize, text: &str, key: Key, slot: Slot) -> Verdict {
        let Some(number) = number_of(text).filter(|&number| number < self.letters.len()) else {
            return Err((
                Invariant::Authentic,
                format!("{text:?} was accepted and never typed"),
            ));
        };
        self.by_key.insert((person, key), number);
        self.by_slot.insert((person, slot), number);
        let Some(letter) = self.letters.get_mut(number) else {
            return Ok(());
        };
        if letter.accepted.is_some() || letter.from != person {
            return Err((Invariant::OneState, format!("#{number} was accepted twice")));
        }
        letter.accepted = Some((at, key));
        letter.slot = Some(slot);
        Ok(())
    }

    /// A sender has recorded a state.
    fn now_is(&mut self, person: usize, key: Key, state: State) -> Verdict {
        let Some((number, letter)) = self.by_key_mut(person, key) else {
            return Err((
                Invariant::OneState,
                format!("{state:?} for {key:?}, which was not accepted"),
            ));
        };
        let (before, mail, inbox) = (letter.state, letter.mail, letter.inbox);
        match state {
            // What is not waiting any more stays as it is: the database knows better than the request.
            State::Stored if before != State::Waiting => return Ok(()),
            State::Stored if mail == Mail::Never => {
                return Err((
                    Invariant::CommittedFirst,
                    format!("#{number} is said to be stored and is not"),
                ));
            }
            State::Delivered if inbox.is_none() => {
                return Err((
                    Invariant::CommittedFirst,
                    format!("#{number} is said to be delivered and is not"),
                ));
            }
            _ if before == State::Delivered => return Ok(()),
            _ if !before.may_become(state) => {
                return Err((
                    Invariant::OneState,
                    format!("#{number} was {before:?} and is {state:?}"),
                ));
            }
            _ => {}
        }
        letter.state = state;
        Ok(())
    }

    fn finished(&mut self, at: Instant, person: usize, key: Key, end: Finish) -> Verdict {
        let state = match end {
            Finish::Delivered => State::Delivered,
            Finish::Refused(_) => State::Refused,
            Finish::Expired => State::Expired,
        };
        if state == State::Expired {
            let clocks_true = self.clocks_true;
            if let Some((number, letter)) = self.by_key_mut(person, key)
                && clocks_true
                && let Some((since, _)) = letter.accepted
                && at.since(since) + LIFETIME_SLACK < letter.lives
            {
                return Err((Invariant::HonestEnd, format!("#{number} expired before its time")));
            }
        }
        if state == State::Refused {
            let full = self.mailbox_is_filling(person, key);
            if let Some((number, _)) = self.by_key_mut(person, key)
                && !full
            {
                return Err((
                    Invariant::HonestEnd,
                    format!("#{number} was refused without a cause"),
                ));
            }
        }
        self.now_is(person, key, state)
    }

    /// Whether a mailbox may have been too full for this message: the only cause in a world where all names exist.
    fn mailbox_is_filling(&mut self, person: usize, key: Key) -> bool {
        let Some((_, letter)) = self.by_key_mut(person, key) else {
            return false;
        };
        let to = letter.to;
        let waiting = self
            .letters
            .iter()
            .filter(|letter| letter.to == to && letter.mail == Mail::Waiting);
        waiting.count() >= MAILBOX_FILLING
    }

    fn renumbered(&mut self, person: usize, key: Key, slot: Slot) {
        let Some((number, letter)) = self.by_key_mut(person, key) else {
            return;
        };
        letter.slot = Some(slot);
        letter.mail = Mail::Never;
        if !letter.state.is_final() {
            letter.state = State::Waiting;
        }
        self.by_slot.insert((person, slot), number);
    }

    /// The registry's database is another one, or there is another copy of the client's: what was kept waits again.
    fn another_database(&mut self, person: usize, store_id: [u8; 16]) {
        if let Some(known) = self.store_ids.get_mut(person) {
            *known = Some(store_id);
        }
        for letter in self.letters.iter_mut().filter(|letter| letter.from == person) {
            if letter.state == State::Stored {
                letter.state = State::Waiting;
            }
        }
    }

    /// A line that was seen is marked.
    fn seen(&mut self, person: usize, line: &Told) {
        match line {
            Told::Incoming(id) => {
                if let Some(letter) = self.find_mut(*id) {
                    letter.marked = true;
                }
            }
            Told::Outgoing(key, state) => {
                if let Some((_, letter)) = self.by_key_mut(person, *key) {
                    letter.told_end |= matches!(state, client::State::Ended(_));
                }
            }
        }
    }

    fn received(
        &mut self,
        at: Instant,
        person: usize,
        receive: &client::Receive,
        received: Received,
    ) -> Verdict {
        match received.outcome {
            Outcome::Duplicate => self.counts.duplicates += 1,
            Outcome::Conflict => self.counts.conflicts += 1,
            Outcome::Skipped => {}
            Outcome::Fresh => {
                let Some((number, letter)) = self
                    .find_mut(receive.id)
                    .map(|letter| (letter.text.clone(), letter))
                else {
                    return Err((
                        Invariant::Authentic,
                        format!(
                            "{:?} came from {} and was never written",
                            receive.text, receive.from
                        ),
                    ));
                };
                if letter.to != person || letter.text != receive.text {
                    return Err((
                        Invariant::Authentic,
                        format!("{number} came as {:?} to {person}", receive.text),
                    ));
                }
                if letter.inbox.is_some() {
                    return Err((Invariant::OnceInInbox, format!("{number} is in the inbox twice")));
                }
                letter.inbox = Some(Arrived {
                    at,
                    stored: receive.stored,
                });
            }
        }
        Ok(())
    }

    fn by_key_mut(&mut self, person: usize, key: Key) -> Option<(Number, &mut Letter)> {
        let number = *self.by_key.get(&(person, key))?;
        Some((number, self.letters.get_mut(number)?))
    }

    pub(super) fn find_mut(&mut self, id: MessageId) -> Option<&mut Letter> {
        let person = *self.people.get(&id.sender)?;
        self.letters.get_mut(*self.by_slot.get(&(person, id.slot))?)
    }
}

/// Messages in a mailbox from which on a refusal may be true: less than a sender's share, for what is under way.
const MAILBOX_FILLING: usize = 50;

/// `#000012 …` is message 12.
pub(super) fn number_of(text: &str) -> Option<Number> {
    text.strip_prefix('#')?.get(..6)?.parse().ok()
}
