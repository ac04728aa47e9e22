//! What one member who is online is sent of one room.
//!
//! Goes through the room's log in order, a window at a time, from what he has said that he has. Posts stay in the log until
//! he has them, so that none is kept here: what he does not answer for long is read and sent again, from there on. Knows no
//! session and no database.
//! Invariants: `had <= sent <= highest`; what is under way is what was sent and is not had; what is sent first, or first again,
//! says so and follows what he has.

use std::collections::VecDeque;

use crate::clock::Instant;
use crate::limits::{FEED_WINDOW_BYTES, FEED_WINDOW_POSTS};
use crate::registry::awaited::Awaited;
use crate::transport::Backlog;
use crate::wire::room::PostNumber;

/// One feed.
#[derive(Debug)]
pub(in crate::registry) struct Feed {
    /// Up to where he has everything, as he says.
    had: PostNumber,
    /// Up to where that is committed, or is being committed.
    asked: PostNumber,
    /// Whether it is being committed.
    committing: bool,
    /// The last that was sent, or passed because it is gone.
    sent: PostNumber,
    /// The highest that was ever sent, before what was sent again.
    highest: PostNumber,
    /// Whether anything was, since it began or began again.
    begun: bool,
    /// What was sent and he has not said that he has: numbers and bytes.
    flights: VecDeque<(PostNumber, u64)>,
    bytes: u64,
    /// When it is sent again.
    awaited: Option<Awaited>,
    /// Whether there may be something behind `sent`.
    more: bool,
    /// Whether a page is being read.
    reading: bool,
    /// Whether it changed what is to be read since.
    rewound: bool,
}

impl Feed {
    /// Of one who has everything up to `had`, of a room whose last post is `head`.
    pub(in crate::registry) fn new(had: PostNumber, head: PostNumber) -> Self {
        Self {
            had,
            asked: had,
            committing: false,
            sent: had,
            highest: had,
            begun: false,
            flights: VecDeque::new(),
            bytes: 0,
            awaited: None,
            more: head > had,
            reading: false,
            rewound: false,
        }
    }

    /// Whether the next one is the first of all.
    pub(in crate::registry) const fn is_first(&self) -> bool {
        !self.begun
    }

    /// The last that was sent, or passed.
    pub(in crate::registry) const fn sent(&self) -> PostNumber {
        self.sent
    }

    /// How many posts are under way.
    pub(in crate::registry) fn under_way(&self) -> usize {
        self.flights.len()
    }

    /// Whether the post of this number may go at once.
    pub(in crate::registry) fn takes(&self, number: PostNumber) -> bool {
        !self.more && !self.reading && number > self.sent && !self.is_full()
    }

    /// Whether another one has to wait until he has said that he has some.
    pub(in crate::registry) fn is_full(&self) -> bool {
        self.flights.len() >= FEED_WINDOW_POSTS || self.bytes >= FEED_WINDOW_BYTES
    }

    /// There is something behind what was sent.
    pub(in crate::registry) const fn expect_more(&mut self) {
        self.more = true;
    }

    /// Whether reading a page is worth while: half the window is free.
    pub(in crate::registry) fn wants_page(&self) -> bool {
        self.more
            && !self.reading
            && self.flights.len() <= FEED_WINDOW_POSTS / 2
            && self.bytes <= FEED_WINDOW_BYTES / 2
    }

    /// A page is being read.
    pub(in crate::registry) const fn begin_page(&mut self) {
        self.reading = true;
        self.rewound = false;
    }

    /// It is here; false if it is not the one that is wanted any more.
    pub(in crate::registry) const fn page_is_here(&mut self) -> bool {
        self.reading = false;
        !self.rewound
    }

    /// It was gone through; whether there may be more.
    pub(in crate::registry) const fn end_page(&mut self, more: bool) {
        self.more = more;
    }

    /// A post is sent, with `bytes` of it; returns when to look whether it is had.
    pub(in crate::registry) fn send(&mut self, now: Instant, number: PostNumber, bytes: u64) -> Instant {
        self.begun = true;
        self.sent = self.sent.max(number);
        self.highest = self.highest.max(number);
        self.flights.push_back((number, bytes));
        self.bytes += bytes;
        self.awaited.get_or_insert_with(|| Awaited::new(now)).due()
    }

    /// He has everything up to there. Of what was not sent to him in this stay he cannot know.
    pub(in crate::registry) fn has(&mut self, now: Instant, number: PostNumber) {
        let number = number.min(self.highest);
        if number <= self.had {
            return;
        }
        self.had = number;
        self.sent = self.sent.max(number);
        while let Some((first, bytes)) = self.flights.front().copied()
            && first <= number
        {
            self.flights.pop_front();
            self.bytes -= bytes;
        }
        self.awaited = (!self.flights.is_empty()).then(|| Awaited::new(now));
    }

    /// What is to be committed now of what he has.
    pub(in crate::registry) fn begin_commit(&mut self) -> Option<PostNumber> {
        if self.committing || self.asked >= self.had {
            return None;
        }
        self.committing = true;
        self.asked = self.had;
        Some(self.had)
    }

    /// It is committed, or not: then it is asked again with what he has next, or after a while.
    pub(in crate::registry) const fn end_commit(&mut self, committed: bool) {
        self.committing = false;
        if !committed {
            self.asked = PostNumber(0);
        }
    }

    /// When to look again; `None`: nothing is under way.
    pub(in crate::registry) fn due(&self) -> Option<Instant> {
        self.awaited.as_ref().map(Awaited::due)
    }

    /// What has arrived and is not said to be had is sent again, from the first. `backlog`: of his session.
    pub(in crate::registry) fn look(&mut self, now: Instant, backlog: Backlog) {
        if let Some(awaited) = &mut self.awaited
            && awaited.is_over(now, backlog)
        {
            awaited.repeat(now);
            self.sent = self.had;
            self.flights.clear();
            self.bytes = 0;
            self.begun = false;
            self.more = true;
            self.rewound = self.reading;
        }
    }
}
