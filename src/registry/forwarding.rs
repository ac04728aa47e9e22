//! Mail and outcomes on their way to those who are online (PROTOCOL §8.4).
//!
//! Reads pages from the database as windows and send buffers allow, sends their rows in order, and sends again what
//! is not answered. What a message means is `mailbox.rs`'s and `outcomes.rs`'s business.
//! Invariant: a lane with something left to do has a page under way, something on its way, a place in line, or a timer.

use crate::clock::Instant;
use crate::engine::{Context, StoreFault};
use crate::limits::{FORWARD_PAGE_BYTES, REQUEST_RETRY};
use crate::registry::Registry;
use crate::registry::lane::{Key, LaneKind, LaneOf, Turn};
use crate::registry::out::Pending;
use crate::registry::page_line::Place;
use crate::registry::storage::{Mail, MemberId, Notice, Reply, Request, Row};
use crate::registry::timers::Timer;
use crate::transport::{Backlog, SEND_OVERHEAD};
use crate::wire::message::{Forward, FromRegistry, Outcome};

/// What a forwarded message costs beside its envelope: its kind, place, floor and length.
const FORWARD_OVERHEAD: usize = 24 + SEND_OVERHEAD;
/// More than an encoded outcome has, and what that costs.
const OUTCOME_BYTES: usize = 256;
const OUTCOME_BYTES_MAX: usize = OUTCOME_BYTES + SEND_OVERHEAD;

/// A row as it is sent.
enum Item {
    Mail(Mail),
    Notice(Notice),
}

impl Item {
    const fn row(&self) -> Row {
        match self {
            Self::Mail(mail) => mail.row,
            Self::Notice(notice) => notice.row,
        }
    }

    /// Its name on the lane of `member`.
    const fn key(&self, member: MemberId) -> Key {
        match self {
            Self::Mail(mail) => (mail.sender, mail.slot),
            Self::Notice(notice) => (member, notice.slot),
        }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::Mail(mail) => mail.forward.envelope.len() + FORWARD_OVERHEAD,
            Self::Notice(_) => OUTCOME_BYTES_MAX,
        }
    }

    /// `place`: how many were sent on its lane before.
    fn into_message(self, place: u64) -> FromRegistry {
        match self {
            Self::Mail(mail) => FromRegistry::Forward {
                place,
                forward: mail.forward,
            },
            Self::Notice(notice) => FromRegistry::Outcome(Outcome {
                slot: notice.slot,
                hash: notice.hash,
                end: notice.end,
            }),
        }
    }
}

impl Registry {
    /// Reads on for a lane, if it is worth while and there is room.
    pub(super) fn pump(&mut self, cx: &Context<'_>, member: MemberId, kind: LaneKind) {
        let has_page_room = self.out.has_page_room();
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let (stay, Some(session)) = (seat.stay, seat.session) else {
            return;
        };
        let lane = seat.lane(kind);
        if !lane.wants_page() {
            return;
        }
        let needs = lane.needs().max(OUTCOME_BYTES_MAX);
        if self.out.room(cx, session) < needs {
            let later = lane.lacks_room(cx.now.at, needs);
            self.timers.set_earliest(Timer::Lane(member, kind), later);
            return;
        }
        if !has_page_room {
            self.page_line.join(Place::Lane(member, kind));
            return;
        }
        lane.begin_page();
        let after = lane.cursor();
        let request = match kind {
            LaneKind::Mail => Request::ReadMail {
                recipient: member,
                after,
            },
            LaneKind::Notices => Request::ReadNotices {
                sender: member,
                after,
            },
        };
        let bytes = match kind {
            LaneKind::Mail => self.quotas.waiting(member),
            LaneKind::Notices => self.quotas.outcomes_of(member) * OUTCOME_BYTES as u64,
        };
        self.out.read(
            request,
            Pending::Page(LaneOf { member, stay, kind }),
            bytes.min(FORWARD_PAGE_BYTES),
        );
    }

    /// The store has answered: there may be room for the pages of those in line.
    pub(super) fn serve_line(&mut self, cx: &Context<'_>) {
        while self.out.has_page_room()
            && let Some(place) = self.page_line.next()
        {
            match place {
                Place::Lane(member, kind) => self.pump(cx, member, kind),
                Place::Feed(member, room) => self.pump_feed(cx, member, room),
            }
        }
    }

    /// A page was read, or not.
    pub(super) fn page_done(&mut self, cx: &Context<'_>, of: LaneOf, reply: Result<Reply, StoreFault>) {
        let Some(lane) = self.members.lane_mut(of) else {
            return;
        };
        let LaneOf { member, kind, .. } = of;
        match reply {
            Ok(Reply::Mail { rows, more }) => {
                let items = rows.into_iter().map(Item::Mail);
                self.send_items(cx, member, kind, items, more);
            }
            Ok(Reply::Notices { rows, more }) => {
                let items = rows.into_iter().map(Item::Notice);
                self.send_items(cx, member, kind, items, more);
            }
            Ok(_) => tracing::error!("the store answered a page with something else"),
            Err(fault) => {
                tracing::debug!(?member, %fault, "page not read");
                lane.end_page(true);
                self.set_lane_timer(member, kind, Some(cx.now.at + REQUEST_RETRY));
            }
        }
    }

    /// Sends the rows of a page, as far as window and room go.
    fn send_items(
        &mut self,
        cx: &Context<'_>,
        member: MemberId,
        kind: LaneKind,
        items: impl Iterator<Item = Item>,
        mut more: bool,
    ) {
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let Some(session) = seat.session else {
            return;
        };
        let lane = seat.lane(kind);
        let (mut due, mut has_room): (Option<Instant>, bool) = (None, true);
        for item in items {
            let (key, row, bytes) = (item.key(member), item.row(), item.bytes());
            match lane.turn(&key) {
                Turn::Skip => {}
                Turn::Send if bytes <= self.out.room(cx, session) => {
                    let place = lane.sent();
                    due = earlier(due, lane.send(cx.now.at, key, row, bytes as u64));
                    self.out.send(session, &item.into_message(place));
                }
                Turn::Send => {
                    more = true;
                    has_room = false;
                    due = earlier(due, lane.lacks_room(cx.now.at, bytes));
                    break;
                }
                Turn::Full if lane.passes_over(&key, row) => {}
                Turn::Full => {
                    more = true;
                    break;
                }
            }
            lane.pass(row);
        }
        let replayed = kind == LaneKind::Mail && !more && !seat.replayed;
        if replayed && self.out.room(cx, session) < OUTCOME_BYTES_MAX {
            // There is no room left to say so: it is said with the next page, which will be empty.
            more = true;
            has_room = false;
            due = earlier(due, seat.lane(kind).lacks_room(cx.now.at, OUTCOME_BYTES_MAX));
        }
        let lane = seat.lane(kind);
        lane.end_page(more);
        let (goes_on, passed_over) = (!lane.is_drained(), lane.has_passed_over());
        if replayed && !more && !passed_over {
            let forwards = lane.sent();
            seat.replayed = true;
            self.out.send(session, &FromRegistry::Replayed { forwards });
        }
        self.set_lane_timer(member, kind, due);
        if goes_on && has_room {
            self.pump(cx, member, kind);
        }
    }

    /// A message has just been committed: it goes out at once if its recipient has all before it.
    pub(super) fn forward(&mut self, cx: &Context<'_>, recipient: MemberId, mail: Mail) {
        self.send_new(cx, recipient, LaneKind::Mail, Item::Mail(mail));
    }

    /// A message has just ended: its sender learns it at once, or in its turn.
    pub(super) fn notify(&mut self, cx: &Context<'_>, sender: MemberId, notice: Notice) {
        self.send_new(cx, sender, LaneKind::Notices, Item::Notice(notice));
    }

    fn send_new(&mut self, cx: &Context<'_>, member: MemberId, kind: LaneKind, item: Item) {
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let Some(session) = seat.session else {
            return;
        };
        let lane = seat.lane(kind);
        let (key, row, bytes) = (item.key(member), item.row(), item.bytes());
        let has_room = bytes <= self.out.room(cx, session);
        let place = lane.sent();
        if has_room && let Some(due) = lane.resend(cx.now.at, &key) {
            self.out.send(session, &item.into_message(place));
            self.timers.set_earliest(Timer::Lane(member, kind), due);
            return;
        }
        if lane.is_drained() && has_room && lane.turn(&key) == Turn::Send {
            let due = lane.send(cx.now.at, key, row, bytes as u64);
            lane.pass(row);
            self.out.send(session, &item.into_message(place));
            self.timers.set_earliest(Timer::Lane(member, kind), due);
            return;
        }
        match kind {
            // Rows of mail rise: this one is still before the cursor, or in the page that is being read.
            LaneKind::Mail => lane.expect_more(),
            LaneKind::Notices => lane.rewind(row),
        }
        self.pump(cx, member, kind);
    }

    /// Something of a lane may be due, or there may be room again.
    pub(super) fn lane_timeout(&mut self, cx: &Context<'_>, member: MemberId, kind: LaneKind) {
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let session = seat.session;
        let lane = seat.lane(kind);
        let backlog = session.map_or_else(Backlog::default, |session| cx.sessions.backlog(session));
        lane.mark_due(cx.now.at, backlog);
        let due = lane.next_due();
        self.set_lane_timer(member, kind, due);
        self.pump(cx, member, kind);
    }

    /// Something on a lane is over: there may be room for more.
    pub(super) fn flight_over(&mut self, cx: &Context<'_>, of: LaneOf, key: &Key) {
        if let Some(lane) = self.members.lane_mut(of) {
            lane.end(cx.now.at, key);
            if lane.is_empty() && lane.is_drained() {
                self.timers.clear(Timer::Lane(of.member, of.kind));
            }
            self.pump(cx, of.member, of.kind);
        }
    }

    /// The commit of an answer has failed: what was answered will be sent again.
    pub(super) fn flight_goes_on(&mut self, cx: &Context<'_>, of: LaneOf, key: &Key) {
        if let Some(lane) = self.members.lane_mut(of) {
            lane.unanswer(key);
            let due = lane.next_due().map(|due| due.max(cx.now.at));
            self.set_lane_timer(of.member, of.kind, due);
        }
    }

    fn set_lane_timer(&mut self, member: MemberId, kind: LaneKind, due: Option<Instant>) {
        if let Some(due) = due {
            self.timers.set_earliest(Timer::Lane(member, kind), due);
        }
    }
}

fn earlier(due: Option<Instant>, other: Instant) -> Option<Instant> {
    Some(due.map_or(other, |due| due.min(other)))
}

impl Mail {
    /// A message as it was deposited.
    pub(super) const fn new(row: Row, (sender, slot): Key, forward: Forward) -> Self {
        Self {
            row,
            sender,
            slot,
            forward,
        }
    }
}
