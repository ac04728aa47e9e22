//! What has happened to each message in this run, step by step: for people who ask where one is.
//!
//! Written by those who decide, read by `trace`; decides nothing, and knows no clock. What a message says is not in it.
//! Invariants: there is a record of every unfinished message of ours, of the last [`ENDED_MAX`] that have ended and of the last
//! [`RECEIVED_MAX`] that came; each has [`Record::FIRST`] and [`Record::LAST`] steps at most, and counts the others.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Client;
use crate::client::interface::{Record, Step, Via, What};
use crate::client::storage::Key;
use crate::clock::{Now, WallTime};
use crate::engine::Context;
use crate::id::MessageId;
use crate::transport::SessionId;

/// Records of ours that are kept after their end: as many as anybody scrolls back to. About 1 KiB each at most, as those of
/// the unfinished, of which an outbox has its own bound.
const ENDED_MAX: usize = 256;
/// Records of messages that came: as many.
const RECEIVED_MAX: usize = 256;

impl Record {
    fn note(&mut self, now: Now, what: What) {
        if self.steps.len() == Self::FIRST + Self::LAST {
            self.steps.remove(Self::FIRST);
            self.omitted += 1;
        }
        // That something came is noted when it is known what has become of it.
        let place = self.steps.partition_point(|step| step.at <= now.at);
        let step = Step {
            at: now.at,
            wall: now.wall,
            what,
        };
        self.steps.insert(place, step);
    }

    /// How long ago the step was of which this is so, the last of those.
    fn since(&self, now: Now, is_it: impl Fn(&What) -> bool) -> Option<Duration> {
        let step = self.steps.iter().rev().find(|step| is_it(&step.what))?;
        Some(now.at.since(step.at))
    }
}

/// All records.
#[derive(Debug, Default)]
pub(super) struct Journal {
    open: BTreeMap<Key, Record>,
    /// In the order in which they have ended.
    ended: VecDeque<(Key, Record)>,
    received: BTreeMap<MessageId, Record>,
    /// In the order in which they came.
    order: VecDeque<MessageId>,
}

impl Journal {
    /// How many there are of messages that have not ended.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// A message of ours begins here.
    pub(super) fn begin(&mut self, key: Key, now: Now, what: What) {
        self.open.entry(key).or_default().note(now, what);
    }

    /// Something has happened to a message of ours.
    pub(super) fn note(&mut self, key: Key, now: Now, what: What) {
        if let Some(record) = self.record_mut(key) {
            record.note(now, what);
        }
    }

    /// It was given to a session with its recipient.
    fn sent(&mut self, key: Key, now: Now, rtt: Option<Duration>) {
        if let Some(record) = self.record_mut(key) {
            record.sent = record.sent.saturating_add(1);
            let attempt = record.sent;
            record.note(now, What::Sent { attempt, rtt });
        }
    }

    /// It was given to the registry.
    fn deposited(&mut self, key: Key, now: Now, rtt: Option<Duration>) {
        if let Some(record) = self.record_mut(key) {
            record.deposited = record.deposited.saturating_add(1);
            let attempt = record.deposited;
            record.note(now, What::Deposited { attempt, rtt });
        }
    }

    /// The registry keeps it.
    pub(super) fn kept(&mut self, key: Key, now: Now) {
        if let Some(record) = self.record_mut(key) {
            // Of several it is not known which was answered.
            let is_it = |what: &What| matches!(what, What::Deposited { attempt: 1, .. });
            let within = record.since(now, is_it).filter(|_| record.deposited == 1);
            record.note(now, What::Kept { within });
        }
    }

    /// Its recipient has it since `at`, by his clock.
    pub(super) fn answered(&mut self, key: Key, now: Now, via: Via, at: WallTime) {
        if let Some(record) = self.record_mut(key) {
            let is_it = |what: &What| matches!(what, What::Sent { attempt: 1, .. });
            let once = via == Via::Peer && record.sent == 1;
            let within = record.since(now, is_it).filter(|_| once);
            record.note(now, What::Answered { via, at, within });
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, key: Key) {
        if let Some(record) = self.open.remove(&key) {
            self.ended.push_back((key, record));
            if self.ended.len() > ENDED_MAX {
                self.ended.pop_front();
            }
        }
    }

    /// Something has happened to a message for us.
    pub(super) fn note_received(&mut self, id: MessageId, now: Now, what: What) {
        if !self.received.contains_key(&id) {
            self.order.push_back(id);
            if self.order.len() > RECEIVED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.received.remove(&oldest);
            }
        }
        self.received.entry(id).or_default().note(now, what);
    }

    /// What was noted of a message of ours.
    pub(super) fn of(&self, key: Key) -> Option<&Record> {
        let ended = || self.ended.iter().rev().find(|(ended, _)| *ended == key);
        self.open.get(&key).or_else(|| ended().map(|(_, record)| record))
    }

    /// What was noted of a message for us.
    pub(super) fn of_received(&self, id: MessageId) -> Option<&Record> {
        self.received.get(&id)
    }

    fn record_mut(&mut self, key: Key) -> Option<&mut Record> {
        if let Some(record) = self.open.get_mut(&key) {
            return Some(record);
        }
        let mut ended = self.ended.iter_mut().rev();
        ended.find(|(ended, _)| *ended == key).map(|(_, record)| record)
    }
}

impl Client {
    /// A message was given to a session with its recipient.
    pub(super) fn note_sent(&mut self, cx: &Context<'_>, key: Key, session: SessionId) {
        self.journal.sent(key, cx.now, round_trip(cx, session));
    }

    /// A message was given to the registry.
    pub(super) fn note_deposited(&mut self, cx: &Context<'_>, key: Key, session: SessionId) {
        self.journal.deposited(key, cx.now, round_trip(cx, session));
    }

    /// Its recipient has not answered in time.
    pub(super) fn note_unanswered(&mut self, cx: &Context<'_>, key: Key, session: SessionId) {
        let path = cx.sessions.path(session);
        let silent = path.map(|path| cx.now.at.since(path.heard_at));
        self.journal.note(key, cx.now, What::Unanswered { silent });
    }
}

fn round_trip(cx: &Context<'_>, session: SessionId) -> Option<Duration> {
    cx.sessions.session_stats(session).map(|stats| stats.rtt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::id::{Epoch, IdentityId, Sequence, Slot};

    const fn now(ms: u64) -> Now {
        Now {
            at: Instant::from_micros(ms * 1_000),
            wall: WallTime::from_unix_ms(0),
        }
    }

    fn id(number: u64) -> MessageId {
        MessageId {
            sender: IdentityId([7; 32]),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(number),
            },
        }
    }

    fn attempts(record: &Record) -> Vec<u32> {
        let attempt = |step: &Step| match step.what {
            What::Sent { attempt, .. } => Some(attempt),
            _ => None,
        };
        record.steps.iter().filter_map(attempt).collect()
    }

    #[test]
    fn of_many_steps_the_first_and_the_last_are_kept_and_the_others_counted() {
        let mut journal = Journal::default();
        let key = Key(1);
        journal.begin(key, now(0), What::Accepted);
        let most = Record::FIRST + Record::LAST;
        for attempt in 1..most as u64 {
            journal.sent(key, now(attempt), None);
        }
        let record = journal.of(key).unwrap();
        assert_eq!((record.steps.len(), record.omitted), (most, 0));
        for attempt in 0..1_000 {
            journal.sent(key, now(100 + attempt), None);
        }
        let record = journal.of(key).unwrap();
        assert_eq!((record.steps.len(), record.omitted), (most, 1_000));
        assert_eq!(record.sent as usize, most - 1 + 1_000, "those are counted, too");
        assert!(record.is_whole());
        let attempts = attempts(record);
        let (first, last) = attempts.split_at(Record::FIRST - 1);
        assert_eq!(first, [1, 2, 3, 4, 5, 6, 7]);
        let newest: Vec<u32> = (1..=record.sent).rev().take(Record::LAST).collect();
        assert!(last.iter().rev().eq(&newest), "{last:?}");
    }

    #[test]
    fn those_that_have_ended_go_in_the_order_of_their_ends() {
        let mut journal = Journal::default();
        let many = ENDED_MAX as u64 + 10;
        for number in 0..=many {
            journal.begin(Key(number), now(number), What::Accepted);
        }
        assert_eq!(journal.open() as u64, many + 1, "whatever is unfinished has one");
        // The first is the last to end.
        for number in (1..=many).chain([0]) {
            journal.end(Key(number));
        }
        assert_eq!((journal.open(), journal.ended.len()), (0, ENDED_MAX));
        assert!(journal.of(Key(0)).is_some() && journal.of(Key(many)).is_some());
        assert!(journal.of(Key(11)).is_none() && journal.of(Key(12)).is_some());
        journal.note(Key(0), now(9), What::Waits);
        assert_eq!(
            journal.of(Key(0)).unwrap().steps.len(),
            2,
            "a late receipt is noted there"
        );
        journal.note(Key(11), now(9), What::Waits);
        assert!(
            journal.of(Key(11)).is_none(),
            "what is forgotten does not come back"
        );
    }

    #[test]
    fn of_those_that_came_the_last_are_kept() {
        let mut journal = Journal::default();
        for number in 0..=RECEIVED_MAX as u64 {
            for _ in 0..2 {
                journal.note_received(id(number), now(number), What::Committed);
            }
        }
        assert_eq!(
            (journal.received.len(), journal.order.len()),
            (RECEIVED_MAX, RECEIVED_MAX)
        );
        assert!(journal.of_received(id(0)).is_none());
        assert_eq!(journal.of_received(id(1)).unwrap().steps.len(), 2);
    }

    #[test]
    fn steps_stand_in_the_order_of_their_times() {
        let mut journal = Journal::default();
        let via = Via::Registry;
        for (ms, what) in [
            (1, What::Committed),
            (5, What::Shown),
            (2, What::Came { via }),
            (5, What::Known),
        ] {
            journal.note_received(id(1), now(ms), what);
        }
        let steps = &journal.of_received(id(1)).unwrap().steps;
        let whats: Vec<What> = steps.iter().map(|step| step.what).collect();
        assert_eq!(
            whats,
            [What::Committed, What::Came { via }, What::Shown, What::Known]
        );
    }

    #[test]
    fn how_long_an_answer_took_is_known_where_it_was_asked_for_once() {
        let (key, wall) = (Key(1), WallTime::default());
        let answer = |tries: u64, via| {
            let mut journal = Journal::default();
            journal.begin(key, now(0), What::Accepted);
            for attempt in 1..=tries {
                journal.sent(key, now(attempt), None);
                journal.deposited(key, now(attempt), None);
            }
            journal.kept(key, now(10));
            journal.answered(key, now(20), via, wall);
            let [.., kept, answered] = journal.of(key).unwrap().steps.as_slice() else {
                panic!("nothing was noted");
            };
            match (kept.what, answered.what) {
                (What::Kept { within: kept }, What::Answered { within, .. }) => (kept, within),
                other => panic!("{other:?}"),
            }
        };
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(answer(1, Via::Peer), (ms(9), ms(19)));
        assert_eq!(answer(2, Via::Peer), (None, None));
        assert_eq!(
            answer(1, Via::Registry),
            (ms(9), None),
            "the way there is another"
        );
    }
}
