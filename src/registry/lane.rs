//! What is on its way to one client and not answered yet: messages, or outcomes.
//!
//! A lane goes through the rows of its client in order, a window at a time. What is not answered in time is read and
//! sent again: no body is kept in memory. What its client will not take for now, or never answers, is set aside: it has
//! no place in the window until it is sent again, so that it holds up nobody else's. Knows no session and no database.
//! Invariant: a row up to the cursor is on its way, answered, gone, or not before the first that found no room.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use crate::clock::Instant;
use crate::id::Slot;
use crate::limits::{
    ASIDE_RETRY_MAX, FORWARD_WINDOW_BYTES, FORWARD_WINDOW_MESSAGES, REQUEST_RETRY_MAX, ROOM_RETRY,
    ROOM_RETRY_MAX,
};
use crate::registry::awaited::Awaited;
use crate::registry::storage::{MemberId, Row};
use crate::transport::Backlog;

/// Which of a client's two lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LaneKind {
    /// Messages, answered by receipts.
    Mail,
    /// Outcomes, answered by acknowledgements.
    Notices,
}

/// One lane of one stay: what was asked for it does not concern the next stay's.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneOf {
    pub(super) member: MemberId,
    pub(super) stay: u64,
    pub(super) kind: LaneKind,
}

/// A message's name on a lane: its sender and its place among the sender's.
pub(super) type Key = (MemberId, Slot);

/// What has arrived so often and nothing was said of it is set aside: its client cannot take it, and does not say so.
const UNANSWERED_MAX: u32 = 3;

/// One message on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// Where it is kept.
    pub(super) row: Row,
    /// What it takes of the window.
    pub(super) bytes: u64,
    /// When it is to be sent again.
    awaited: Awaited,
    /// Whether it is to be sent again when the cursor comes by.
    pub(super) again: bool,
    /// Whether it was to be, and found no room.
    passed_over: bool,
    /// Whether it has no place in the window.
    pub(super) aside: bool,
    /// Whether its answer is being committed.
    pub(super) ending: bool,
    /// How often it was sent as it is now.
    sent: u32,
    /// How often of those since its client last said anything of it.
    unanswered: u32,
    /// How many answers still belong to what it was before.
    stale: u32,
}

impl Flight {
    /// Its client has it, and wants it again after a while.
    fn put_off(&mut self, now: Instant, wait: Duration, most: Duration) {
        (self.unanswered, self.passed_over) = (0, false);
        self.awaited.put_off(now, wait, most);
    }
}

/// What to do with a row that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send it.
    Send,
    /// It is on its way.
    Skip,
    /// Not before others are answered.
    Full,
}

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    /// The last row that was seen to.
    cursor: Row,
    /// Whether there may be rows after it.
    pub(super) more: bool,
    /// Whether a page is being read.
    pub(super) reading: bool,
    /// Where to go back to once it is: what it holds was decided before.
    rewound: Option<Row>,
    /// The first row that was passed over because the window was full.
    passed_over: Option<Row>,
    /// What is in the window.
    pub(super) bytes: u64,
    pub(super) flights: BTreeMap<Key, Flight>,
    pub(super) again: usize,
    pub(super) aside: usize,
    /// What the send buffer has to take before reading on is worth while: the row that it did not take.
    needs: usize,
    /// How soon it is looked at again when it does not.
    room_wait: Duration,
    /// How often something was sent.
    sent: u64,
    /// When something last ended, or something new was put on its way with nothing else in the window.
    moved_at: Instant,
}

impl Lane {
    /// A lane at its beginning.
    pub(super) const fn new() -> Self {
        Self {
            cursor: Row(0),
            more: true,
            reading: false,
            rewound: None,
            passed_over: None,
            bytes: 0,
            flights: BTreeMap::new(),
            again: 0,
            aside: 0,
            needs: 0,
            room_wait: ROOM_RETRY,
            sent: 0,
            moved_at: Instant::ZERO,
        }
    }

    /// Where to read on.
    pub(super) const fn cursor(&self) -> Row {
        self.cursor
    }

    /// How often something was sent.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether everything was seen to: what comes new may be sent at once.
    pub(super) const fn is_drained(&self) -> bool {
        !self.more && !self.reading && self.passed_over.is_none()
    }

    /// Whether a row found no room and is still to be come back to.
    pub(super) const fn has_passed_over(&self) -> bool {
        self.passed_over.is_some()
    }

    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether reading a page is worth while: half the window is free, or something is to be sent again.
    pub(super) fn wants_page(&self) -> bool {
        !self.is_drained() && !self.reading && (self.is_half_free() || self.more && self.again > 0)
    }

    fn is_half_free(&self) -> bool {
        self.in_window() <= FORWARD_WINDOW_MESSAGES / 2 && self.bytes <= FORWARD_WINDOW_BYTES / 2
    }

    fn in_window(&self) -> usize {
        self.flights.len() - self.aside
    }

    fn is_full(&self) -> bool {
        self.in_window() >= FORWARD_WINDOW_MESSAGES || self.bytes >= FORWARD_WINDOW_BYTES
    }

    /// What the send buffer has to take before reading on is worth while.
    pub(super) const fn needs(&self) -> usize {
        self.needs
    }

    /// The send buffer does not take so many bytes; returns when to look again. It may be full for long: that comes less
    /// and less often, and answers, which tell that it is emptied, have it looked at at once.
    pub(super) fn lacks_room(&mut self, now: Instant, bytes: usize) -> Instant {
        self.needs = bytes;
        let due = now + self.room_wait;
        self.room_wait = (self.room_wait * 2).min(ROOM_RETRY_MAX);
        due
    }

    /// A page is being read: from where something found no room, if there is some now.
    pub(super) fn begin_page(&mut self) {
        if self.is_half_free()
            && let Some(row) = self.passed_over.take()
        {
            for flight in self.flights.values_mut() {
                if std::mem::take(&mut flight.passed_over) {
                    flight.again = true;
                    self.again += 1;
                }
            }
            self.rewind(row);
        }
        self.reading = true;
        self.needs = 0;
    }

    /// A row finds no room. What is to be sent again may stand behind it: that goes on, and the row is come back to.
    /// False if nothing is.
    pub(super) fn passes_over(&mut self, key: &Key, row: Row) -> bool {
        self.missed_before(row);
        if self.again == 0 {
            return false;
        }
        if let Some(flight) = self.flights.get_mut(key)
            && std::mem::take(&mut flight.again)
        {
            flight.passed_over = true;
            self.again -= 1;
        }
        self.passed_over = Some(self.passed_over.map_or(row, |other| other.min(row)));
        true
    }

    /// The page was gone through as far as `cursor`; whether there may be more.
    pub(super) fn end_page(&mut self, more: bool) {
        if !more {
            self.missed_before(Row(u64::MAX));
        }
        self.reading = false;
        self.more = more;
        if let Some(row) = self.rewound.take() {
            self.rewind(row);
        }
    }

    /// The rows before this one were read: what was to be sent again and was not among them was withdrawn, or has
    /// expired.
    pub(super) fn missed_before(&mut self, row: Row) {
        if self.again == 0 || self.rewound.is_some() {
            return;
        }
        let missed = |(key, flight): (&Key, &Flight)| (flight.again && flight.row < row).then_some(*key);
        let missed: Vec<Key> = self.flights.iter().filter_map(missed).collect();
        for key in missed {
            self.forget(&key);
        }
    }

    /// A row is not on its way any more.
    fn forget(&mut self, key: &Key) -> bool {
        let Some(flight) = self.flights.remove(key) else {
            return false;
        };
        self.again -= usize::from(flight.again);
        if flight.aside {
            self.aside -= 1;
        } else {
            self.bytes -= flight.bytes;
        }
        true
    }

    /// There is something after the cursor.
    pub(super) const fn expect_more(&mut self) {
        self.more = true;
    }

    /// Something new stands at `row`, perhaps before the cursor.
    pub(super) fn rewind(&mut self, row: Row) {
        if self.reading {
            self.rewound = Some(self.rewound.map_or(row, |other| other.min(row)));
        }
        self.cursor = self.cursor.min(Row(row.0.saturating_sub(1)));
        self.more = true;
    }

    /// What to do with a row that was read, or is new.
    pub(super) fn turn(&self, key: &Key) -> Turn {
        match self.flights.get(key) {
            Some(flight) if !flight.again && !flight.passed_over => Turn::Skip,
            Some(flight) if !flight.aside => Turn::Send,
            _ if self.is_full() => Turn::Full,
            _ => Turn::Send,
        }
    }

    /// A row was seen to.
    pub(super) fn pass(&mut self, row: Row) {
        self.cursor = self.cursor.max(row);
    }

    /// How long nothing has ended of what is on its way or set aside.
    pub(super) fn still_for(&self, now: Instant) -> Duration {
        if self.is_empty() {
            Duration::ZERO
        } else {
            now.since(self.moved_at)
        }
    }

    /// A row is sent; returns when it is due again.
    pub(super) fn send(&mut self, now: Instant, key: Key, row: Row, bytes: u64) -> Instant {
        self.sent += 1;
        let is_first = self.in_window() == 0;
        let (aside, moved_at) = (&mut self.aside, &mut self.moved_at);
        let flight = match self.flights.entry(key) {
            Entry::Occupied(entry) => {
                let flight = entry.into_mut();
                flight.awaited.repeat(now);
                flight
            }
            Entry::Vacant(entry) => {
                if is_first {
                    *moved_at = now;
                }
                *aside += 1;
                entry.insert(Flight {
                    row,
                    bytes,
                    awaited: Awaited::new(now),
                    again: false,
                    passed_over: false,
                    aside: true,
                    ending: false,
                    sent: 0,
                    unanswered: 0,
                    stale: 0,
                })
            }
        };
        self.room_wait = ROOM_RETRY;
        if std::mem::take(&mut flight.again) {
            self.again -= 1;
        }
        flight.passed_over = false;
        if std::mem::take(&mut flight.aside) {
            self.aside -= 1;
            self.bytes += flight.bytes;
        }
        flight.sent = flight.sent.saturating_add(1);
        flight.unanswered = flight.unanswered.saturating_add(1);
        if flight.unanswered >= UNANSWERED_MAX {
            flight.awaited.look_early();
        }
        flight.awaited.due()
    }

    /// What is on its way is becoming something else: answers to what was told of it do not count, unless one is being
    /// committed already.
    pub(super) fn outdate(&mut self, key: &Key) {
        if let Some(flight) = self.flights.get_mut(key).filter(|flight| !flight.ending) {
            flight.stale = flight.stale.saturating_add(std::mem::take(&mut flight.sent));
        }
    }

    /// What is on its way has become something else, which is sent now: answers to the earlier tellings do not
    /// count for it. Returns when it is due again, or `None` if it was not on its way.
    pub(super) fn resend(&mut self, now: Instant, key: &Key) -> Option<Instant> {
        let flight = self.flights.get_mut(key)?;
        self.sent += 1;
        flight.stale = flight.stale.saturating_add(flight.sent);
        (flight.sent, flight.unanswered) = (1, 1);
        (flight.ending, flight.passed_over) = (false, false);
        flight.awaited = Awaited::new(now);
        if std::mem::take(&mut flight.again) {
            self.again -= 1;
        }
        Some(flight.awaited.due())
    }

    /// The answer to something on its way: from now on it is being committed. `None` if it is not known, is being
    /// committed already, or answers what was told before.
    pub(super) fn answer(&mut self, key: &Key) -> Option<&Flight> {
        let flight = self.flights.get_mut(key).filter(|flight| !flight.ending)?;
        if flight.stale > 0 {
            flight.stale -= 1;
            return None;
        }
        flight.ending = true;
        flight.unanswered = 0;
        flight.passed_over = false;
        flight.awaited.has_arrived();
        if std::mem::take(&mut flight.again) {
            self.again -= 1;
        }
        Some(flight)
    }

    /// The commit of an answer has failed: it will be asked for again.
    pub(super) fn unanswer(&mut self, key: &Key) {
        if let Some(flight) = self.flights.get_mut(key) {
            flight.ending = false;
        }
    }

    /// It is over.
    pub(super) fn end(&mut self, now: Instant, key: &Key) {
        if self.forget(key) {
            self.moved_at = now;
        }
    }

    /// The client cannot take it now; returns when it is due again.
    pub(super) fn put_off(&mut self, now: Instant, key: &Key, wait: Duration) -> Option<Instant> {
        let flight = self.flights.get_mut(key).filter(|flight| !flight.ending)?;
        flight.put_off(now, wait, REQUEST_RETRY_MAX);
        Some(flight.awaited.due())
    }

    /// The client cannot take it before it knows more of its sender, or its program has handled it; what comes of others is
    /// another matter. Returns when it is due again.
    pub(super) fn set_aside(&mut self, now: Instant, key: &Key, wait: Duration) -> Option<Instant> {
        let flight = self.flights.get_mut(key).filter(|flight| !flight.ending)?;
        flight.put_off(now, wait, ASIDE_RETRY_MAX);
        if !std::mem::replace(&mut flight.aside, true) {
            self.aside += 1;
            self.bytes -= flight.bytes;
        }
        Some(flight.awaited.due())
    }

    /// Marks what is due to be sent again, and goes back to it; sets aside what has had its chances. `backlog`: of the
    /// session that it was sent through.
    pub(super) fn mark_due(&mut self, now: Instant, backlog: Backlog) {
        let mut first: Option<Row> = None;
        for flight in self.flights.values_mut() {
            if !flight.ending && !flight.again && !flight.passed_over && flight.awaited.is_over(now, backlog)
            {
                if flight.unanswered >= UNANSWERED_MAX && !flight.aside {
                    flight.aside = true;
                    flight.awaited.linger();
                    self.aside += 1;
                    self.bytes -= flight.bytes;
                    continue;
                }
                flight.again = true;
                self.again += 1;
                first = Some(first.map_or(flight.row, |row| row.min(flight.row)));
            }
        }
        if let Some(row) = first {
            self.rewind(row);
        }
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.flights
            .values()
            .filter(|flight| !flight.ending && !flight.again && !flight.passed_over)
            .map(|flight| flight.awaited.due())
            .min()
    }
}
