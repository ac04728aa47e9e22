//! A conversation as far as the screen holds it: its last lines, how far back they reach, and where one stands in them.
//!
//! All of it is in the database; what is held is bounded, and read again when it is wanted. Pure. Invariants: lines are in the order
//! in which they came to be here, a message once; a line keeps its number as long as it is held.

use crate::client::interface::{Partner, Place, Recorded, Way};
use crate::client::storage::{Finish, State};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{MessageId, Name};
use crate::limits::HOLD_BACK;

/// Messages that are read at once: more rows than a screen has.
pub(super) const PAGE: usize = 100;
/// Lines of the open conversation that are held at its end. Above this it is read anew.
pub(super) const HELD_MAX: usize = 2_000;
/// The same while one is scrolled back: a few minutes of turning pages. Above it, the latest are let go.
const SCROLLED_MAX: usize = 2 * HELD_MAX;
/// Their bytes; as much as some hundred of the longest messages.
const BYTES_MAX: usize = 8 << 20;
/// What is held of one that is not open: it shows at once when it is. Twice as much of each is held at most, so that hundreds of
/// them take a dozen MiB.
const RESTING_LINES: usize = PAGE;
const RESTING_BYTES: usize = 32 << 10;
/// What a line takes beside its text.
const LINE_BYTES: usize = 256;

/// Where a message of one's own is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// On its way to our own disk.
    Writing,
    Waiting,
    Stored,
    Delivered,
    Refused,
    Expired,
}

impl Mark {
    pub(super) const fn of(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Stored => Self::Stored,
            State::Ended(Finish::Delivered | Finish::Reached(_)) => Self::Delivered,
            State::Ended(Finish::Refused(_)) => Self::Refused,
            State::Ended(Finish::Expired) => Self::Expired,
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// What it is called, once it is accepted.
    pub(super) id: Option<MessageId>,
    /// What the screen calls it until then.
    pub(super) tag: Option<u64>,
    pub(super) sent_at: WallTime,
    pub(super) author: Name,
    /// What stands before it: its author; and where it was said, if that is not the conversation.
    pub(super) head: String,
    /// As it was written.
    pub(super) text: String,
    /// Of one's own.
    pub(super) mark: Option<Mark>,
    /// What else is to be known of it, below it.
    pub(super) note: Option<String>,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    Message(Message),
    /// What the program says: lines without control characters, and how they look.
    Notice(Vec<String>, anstyle::Style),
    /// What the keys do.
    Help,
}

/// A line, which may take several rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    /// When it came to be here, or had its turn after others of its sender.
    pub(super) at: WallTime,
    /// Its turn among those of that moment.
    pub(super) turn: u64,
    pub(super) saying: Saying,
}

impl Line {
    pub(super) const fn message(&self) -> Option<&Message> {
        match &self.saying {
            Saying::Message(message) => Some(message),
            Saying::Notice(..) | Saying::Help => None,
        }
    }

    fn id(&self) -> Option<MessageId> {
        self.message().and_then(|message| message.id)
    }

    fn bytes(&self) -> usize {
        let text = match &self.saying {
            Saying::Message(message) => message.text.len() + message.note.as_ref().map_or(0, String::len),
            Saying::Notice(lines, _) => lines.iter().map(String::len).sum(),
            Saying::Help => 0,
        };
        LINE_BYTES + text
    }
}

/// What is before the first line that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It has to be read from the end.
    Unknown,
    /// There is more, before this place.
    Before(Place),
    Nothing,
}

/// Where one stands who is scrolled back: so many rows below the last visible one are left of this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) line: u64,
    pub(super) below: usize,
}

/// Its last line, as the list of conversations shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) at: WallTime,
    pub(super) text: String,
}

#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// With whom; `None`: with the program, or none at all ([`Over`]).
    pub(super) with: Option<Partner>,
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    pub(super) earlier: Earlier,
    /// The last lines are not held; only while there is an anchor.
    pub(super) cut: bool,
    /// What the program has said among those; messages are in the database.
    said: Vec<Line>,
    pub(super) anchor: Option<Anchor>,
    /// Messages that came and were not in sight.
    pub(super) unread: usize,
    /// Whether he is there, as far as that is known.
    pub(super) online: Option<bool>,
    pub(super) last: Option<Last>,
}

/// What is shown over the open conversation.
#[derive(Clone, Debug)]
pub(super) struct Over {
    /// What was searched for; `None`: it is the help.
    pub(super) words: Option<String>,
    pub(super) found: Conversation,
}

/// Whether both are the same.
pub(super) fn same(one: &Partner, other: &Partner) -> bool {
    match (one, other) {
        (Partner::Person(one), Partner::Person(other)) | (Partner::Room(one), Partner::Room(other)) => {
            one.matches(other)
        }
        (Partner::At(one), Partner::At(other)) => one == other,
        _ => false,
    }
}

/// With whom a message was exchanged.
pub(super) fn partner(to: &To) -> Partner {
    match to {
        To::Peer(name) => Partner::Person(name.clone()),
        To::Room(hall) => Partner::Room(hall.name.clone()),
        To::At(address) => Partner::At(*address),
    }
}

impl Conversation {
    pub(super) fn new(with: Option<Partner>, title: String) -> Self {
        let earlier = if with.is_some() {
            Earlier::Unknown
        } else {
            Earlier::Nothing
        };
        Self {
            with,
            title,
            lines: Vec::new(),
            earlier,
            cut: false,
            said: Vec::new(),
            anchor: None,
            unread: 0,
            online: None,
            last: None,
        }
    }

    pub(super) fn is_with(&self, partner: &Partner) -> bool {
        self.with.as_ref().is_some_and(|with| same(with, partner))
    }

    /// Adds a line at the end, unless it is a message that is there.
    pub(super) fn push(&mut self, line: Line) {
        let known = line
            .id()
            .is_some_and(|id| self.lines.iter().any(|other| other.id() == Some(id)));
        if known {
            return;
        }
        let is_full = || self.lines.len() >= SCROLLED_MAX || self.bytes() + line.bytes() > BYTES_MAX;
        let has_room = !self.cut && (self.anchor.is_none() || !is_full());
        match self.with {
            Some(_) if !has_room => self.let_go(vec![line]),
            _ => {
                // What the program says of itself is nowhere else: the oldest of it goes.
                let oldest = usize::from(!has_room).min(self.lines.len());
                self.lines.drain(..oldest);
                self.lines.push(line);
                self.keep_anchor();
            }
        }
    }

    /// Does not hold these at its end; but what the program says, which is not in the database.
    fn let_go(&mut self, lines: Vec<Line>) {
        self.cut = true;
        self.said
            .extend(lines.into_iter().filter(|line| line.message().is_none()));
        let many = self.said.len().saturating_sub(PAGE);
        self.said.drain(..many);
    }

    /// The messages that are held.
    pub(super) fn messages(&mut self) -> impl Iterator<Item = &mut Message> {
        self.lines.iter_mut().filter_map(|line| match &mut line.saying {
            Saying::Message(message) => Some(message),
            Saying::Notice(..) | Saying::Help => None,
        })
    }

    /// Takes in the last page of all, in the place of what is held: what came since stays after it.
    pub(super) fn renew(&mut self, page: Vec<Line>, earlier: Option<Place>) {
        self.uncut();
        let first = page.first().map(|line| line.at.unix_ms());
        // What is older than the page comes back with the pages before it.
        self.lines.retain(|line| {
            let is_newer = first.is_none_or(|first| line.at.unix_ms() >= first);
            earlier.is_none() || is_newer
        });
        self.merge(page, earlier);
    }

    /// The time of what comes now: after all that is there, also where the clock was set back.
    pub(super) fn time_of(&self, now: WallTime) -> WallTime {
        let held = self.lines.last().map(|line| line.at);
        let last = self.last.as_ref().map(|last| last.at);
        let later = held.into_iter().chain(last).chain([now]);
        later.max_by_key(|at| at.unix_ms()).unwrap_or(now)
    }

    /// Of one of which the last lines are not held, none is; it has to be read.
    pub(super) fn uncut(&mut self) {
        if self.cut {
            self.lines = std::mem::take(&mut self.said);
            self.cut = false;
            self.earlier = Earlier::Unknown;
        }
    }

    /// Takes in a page: what it says of a message is what is so.
    pub(super) fn merge(&mut self, mut page: Vec<Line>, earlier: Option<Place>) {
        for line in &mut page {
            let held = self.lines.iter().position(|held| held.id() == line.id());
            if let Some(held) = held {
                let held = self.lines.remove(held);
                // It stands where it was seen.
                (line.number, line.at, line.turn) = (held.number, held.at, held.turn);
            }
        }
        page.append(&mut self.lines);
        in_turn(&mut page);
        page.sort_by_key(|line| (line.at.unix_ms(), line.turn));
        self.lines = page;
        self.earlier = earlier.map_or(Earlier::Nothing, Earlier::Before);
        let (mut bytes, mut kept) = (0, self.lines.len());
        if self.anchor.is_some() {
            let fits = |line: &&Line| {
                bytes += line.bytes();
                bytes <= BYTES_MAX
            };
            kept = self.lines.iter().take(SCROLLED_MAX).take_while(fits).count();
        }
        if kept < self.lines.len() {
            let lines = self.lines.split_off(kept);
            self.let_go(lines);
        }
        self.keep_anchor();
    }

    /// Whoever stood at a line that is not held any more stands at the last one before it that is.
    fn keep_anchor(&mut self) {
        let Some(anchor) = self.anchor else { return };
        if !self.lines.iter().any(|line| line.number == anchor.line) {
            let last = self.lines.last().filter(|_| self.cut);
            self.anchor = last.map(|last| Anchor {
                line: last.number,
                below: 0,
            });
        }
    }

    /// Lets go of all lines but the last; whether there were too many.
    pub(super) fn shorten(&mut self) -> bool {
        let is_full = self.lines.len() > HELD_MAX || self.bytes() > BYTES_MAX;
        let due = is_full && self.anchor.is_none();
        if due {
            self.keep_last(PAGE, BYTES_MAX / 2);
        }
        due
    }

    /// It is not open any more.
    pub(super) fn rest(&mut self) {
        self.anchor = None;
        self.uncut();
        self.keep_last(RESTING_LINES, RESTING_BYTES);
    }

    /// Rests again, if it has become too much for one that is not open.
    pub(super) fn rest_if_full(&mut self) {
        if self.lines.len() > 2 * RESTING_LINES || self.bytes() > 2 * RESTING_BYTES {
            self.rest();
        }
    }

    fn keep_last(&mut self, lines: usize, bytes: usize) {
        let mut sum = 0;
        let fits = |line: &&Line| {
            sum += line.bytes();
            sum <= bytes
        };
        let kept = self.lines.iter().rev().take(lines).take_while(fits).count();
        if kept < self.lines.len() {
            self.lines.drain(..self.lines.len() - kept);
            // What the program says is nowhere else.
            self.earlier = match self.with {
                Some(_) => Earlier::Unknown,
                None => Earlier::Nothing,
            };
        }
    }

    fn bytes(&self) -> usize {
        self.lines.iter().map(Line::bytes).sum()
    }
}

/// Messages of a sender stand in the order in which they were shown: one that came before its turn was held back until then, if that
/// was not too long.
fn in_turn(lines: &mut [Line]) {
    let came = |line: &&mut Line| line.message().is_some_and(|message| message.mark.is_none());
    let mut came: Vec<(MessageId, &mut Line)> = lines
        .iter_mut()
        .filter(came)
        .filter_map(|line| Some((line.id()?, line)))
        .collect();
    came.sort_by_key(|(id, _)| (id.sender, id.slot.epoch, id.slot.sequence));
    let mut before: Option<(MessageId, WallTime, u64)> = None;
    for (id, line) in came {
        if let Some((last, at, turn)) = before
            && (last.sender, last.slot.epoch) == (id.sender, id.slot.epoch)
            && (line.at.unix_ms(), line.turn) <= (at.unix_ms(), turn)
            && at.since(line.at) <= HOLD_BACK
        {
            (line.at, line.turn) = (at, turn + 1);
        }
        before = Some((id, line.at, line.turn));
    }
}

/// A message that is kept, as a line; `head`: what stands before it.
pub(super) fn recorded(
    recorded: &Recorded,
    own: &Name,
    head: String,
    note: Option<String>,
) -> (WallTime, Message) {
    let (author, mark) = match &recorded.way {
        Way::In { from, .. } => (from.clone(), None),
        Way::Out { state, .. } => (own.clone(), Some(Mark::of(*state))),
    };
    let message = Message {
        id: Some(recorded.id),
        tag: None,
        sent_at: recorded.sent_at,
        author,
        head,
        text: recorded.text.clone(),
        mark,
        note,
    };
    (recorded.at(), message)
}
