//! What the full screen shows: conversations, the open one, what is being typed, how the path is.
//!
//! Fed with keys (`keys`) and with what the client tells (`telling`); what it wants of the client it leaves to be taken. No I/O and
//! no clock: what is drawn of it is `view`'s. Invariants: one conversation is open; a text is seen where it goes; what is held is
//! bounded, and what is let go is in the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use anstyle::Style;

use super::asked::{Asked, Goal};
use super::conversation::{Conversation, Earlier, Last, Line, Message, Over, Saying, same};
use super::input::Input;
use super::rows::{Layout, cut};
use crate::cli::focus::Focus;
use crate::cli::grammar::Grammar;
use crate::cli::heard::Heard;
use crate::cli::marks::marked;
use crate::cli::paint::Paint;
use crate::cli::render::OffsetAt;
use crate::cli::sanitise::escape;
use crate::client::interface::{Command, Net, Partner, Place, Subject};
use crate::clock::WallTime;
use crate::id::Name;

/// Conversations in the list: more than anybody looks through. Those in which nothing was said for longest are not in it.
pub(super) const CONVERSATIONS_MAX: usize = 200;

/// Messages that are read at the start, to know with whom there are conversations.
const SEED: usize = 500;

/// Columns of a last line in the list: as many as the list may have.
const LAST_COLUMNS: usize = 32;

/// The conversation with the program itself. Whoever is called so has a mark before his name.
pub(super) const CONSOLE: &str = "udpchat";

/// How the connection to the registry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Registered,
    Silent,
    Offline,
}

/// Who uses the screen, and how.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) own: Name,
    pub(super) grammar: &'static Grammar,
    pub(super) heard: Arc<Heard>,
    pub(super) paint: Paint,
    pub(super) offset_at: OffsetAt,
}

pub(super) struct Model {
    pub(super) settings: Settings,
    pub(super) open: Conversation,
    pub(super) others: Vec<Conversation>,
    pub(super) over: Option<Over>,
    pub(super) input: Input,
    pub(super) link: Link,
    /// The paths, as they were told last.
    pub(super) net: Option<Net>,
    /// Columns and rows of the part that shows a conversation.
    pub(super) pane: (usize, usize),
    /// What is wanted of the client.
    wanted: Vec<Command>,
    /// What is asked of the history.
    pub(super) asked: Asked,
    /// It has to be asked again with whom there are conversations.
    pub(super) lacks_seeds: bool,
    /// Answers to questions of the screen's own that nobody wants to see.
    pub(super) quiet: Quiet,
    /// Who is there and who is not, by folded name, as the client told last.
    pub(super) people: BTreeMap<String, bool>,
    tags: u64,
    numbers: u64,
    /// What is said on the terminal when the screen is gone: why.
    pub(super) last_words: Vec<String>,
}

/// How many answers of a kind are for the screen itself. Who else asks meanwhile is told the same.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    pub(super) users: usize,
    pub(super) net: usize,
}

impl Model {
    pub(super) fn new(settings: Settings, now: WallTime) -> Self {
        let mut model = Self {
            settings,
            open: Conversation::new(None, CONSOLE.to_owned()),
            others: Vec::new(),
            over: None,
            input: Input::default(),
            link: Link::Connecting,
            net: None,
            pane: (80, 20),
            wanted: Vec::new(),
            asked: Asked::default(),
            lacks_seeds: false,
            quiet: Quiet::default(),
            people: BTreeMap::new(),
            tags: 0,
            numbers: 0,
            last_words: Vec::new(),
        };
        let lines = vec![
            "Talk to somebody: /poke <name>, or Alt+Down for those on the list. /help lists what else can be typed, F1 says what the \
             keys do."
                .to_owned(),
        ];
        model.notice(None, lines, Style::new(), now);
        model.want(Command::Names);
        model.ask(Goal::Seeds, Subject::All, SEED, None);
        model
    }

    pub(super) fn want(&mut self, command: Command) {
        self.asked.note(&command, Goal::Typist);
        self.wanted.push(command);
    }

    /// Asks for messages that are kept.
    pub(super) fn ask(&mut self, goal: Goal, subject: Subject, most: usize, before: Option<Place>) {
        let question = Command::History {
            subject,
            most,
            before,
        };
        self.asked.note(&question, goal);
        self.wanted.push(question);
    }

    /// Asks again for what could not be read when it was asked for.
    pub(super) fn ask_again(&mut self) {
        if std::mem::take(&mut self.lacks_seeds) {
            self.ask(Goal::Seeds, Subject::All, SEED, None);
        }
        self.look();
    }

    /// Takes what is wanted of the client.
    pub(super) fn take_wanted(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.wanted)
    }

    /// Some time has passed: how are the paths?
    pub(super) fn tick(&mut self) {
        if self.quiet.net == 0 {
            self.quiet.net += 1;
            self.want(Command::Net);
        }
    }

    /// All conversations in the order of the list: the program, then those in which something was said last, then by name.
    pub(super) fn list(&self) -> Vec<&Conversation> {
        let mut list: Vec<&Conversation> = self.others.iter().chain([&self.open]).collect();
        list.sort_by_key(|conversation| {
            let at = conversation.last.as_ref().map(|last| last.at.unix_ms());
            let rank = (conversation.with.is_some(), std::cmp::Reverse(at));
            (rank, conversation.title.to_lowercase())
        });
        list
    }

    /// Messages that came and were not in sight.
    pub(super) fn unread(&self) -> usize {
        let others: usize = self.others.iter().map(|other| other.unread).sum();
        others + self.open.unread
    }

    /// Whether one sees what is said last in the open conversation.
    pub(super) const fn is_at_latest(&self) -> bool {
        self.over.is_none() && self.open.anchor.is_none()
    }

    /// Somebody looks at what is shown: what is in sight is not unread, and what is not read yet is to be.
    pub(super) fn look(&mut self) {
        if self.is_at_latest() {
            self.open.unread = 0;
        }
        if self.shown().earlier == Earlier::Unknown {
            self.read(None);
        }
    }

    /// What is shown: what was found, or the open conversation.
    pub(super) fn shown(&self) -> &Conversation {
        self.over.as_ref().map_or(&self.open, |over| &over.found)
    }

    pub(super) fn shown_mut(&mut self) -> &mut Conversation {
        match &mut self.over {
            Some(over) => &mut over.found,
            None => &mut self.open,
        }
    }

    /// What stands over a conversation: with whom it is, and how well his key is known.
    pub(super) fn title(&self, conversation: &Conversation) -> String {
        let known = &self.settings.heard.known;
        match &conversation.with {
            Some(Partner::Person(name)) => marked(name, known.trust_of(name).unwrap_or_default()),
            _ => conversation.title.clone(),
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn tag(&mut self) -> u64 {
        self.tags += 1;
        self.tags
    }

    pub(super) const fn layout(&self) -> Layout {
        Layout {
            columns: self.pane.0,
            offset_at: self.settings.offset_at,
        }
    }
}

/// Conversations.
impl Model {
    /// The conversation with somebody, which is there from now on.
    pub(super) fn with(&mut self, partner: &Partner) -> &mut Conversation {
        if self.open.is_with(partner) {
            return &mut self.open;
        }
        let found = self.others.iter().position(|other| other.is_with(partner));
        let at = found.unwrap_or_else(|| {
            self.make_room();
            let mut new = Conversation::new(Some(partner.clone()), partner.to_string());
            new.online = self.is_online(partner);
            self.others.push(new);
            self.others.len() - 1
        });
        // It is there; otherwise what is said is at least not lost.
        self.others.get_mut(at).unwrap_or(&mut self.open)
    }

    /// Whether he is there; `None`: that is not known, or it is no person.
    pub(super) fn is_online(&self, partner: &Partner) -> Option<bool> {
        match partner {
            Partner::Person(name) => self.people.get(&name.folded()).copied(),
            Partner::Room(_) | Partner::At(_) => None,
        }
    }

    /// The conversation with somebody, if there is one.
    pub(super) fn known(&mut self, partner: &Partner) -> Option<&mut Conversation> {
        let mut all = self.others.iter_mut().chain([&mut self.open]);
        all.find(|conversation| conversation.is_with(partner))
    }

    pub(super) fn console(&mut self) -> &mut Conversation {
        let mut others = self.others.iter_mut();
        others
            .find(|other| other.with.is_none())
            .unwrap_or(&mut self.open)
    }

    fn make_room(&mut self) {
        while self.others.len() >= CONVERSATIONS_MAX {
            let age = |(_, other): &(usize, &Conversation)| {
                let at = other.last.as_ref().map(|last| last.at.unix_ms());
                (other.with.is_none(), other.unread > 0, at)
            };
            let Some((oldest, _)) = self.others.iter().enumerate().min_by_key(age) else {
                return;
            };
            self.others.swap_remove(oldest);
        }
    }

    /// Opens the conversation with somebody.
    pub(super) fn turn_to(&mut self, partner: &Partner) {
        self.with(partner);
        self.turn(|other| other.is_with(partner));
    }

    pub(super) fn turn_to_console(&mut self) {
        self.turn(|other| other.with.is_none());
    }

    fn turn(&mut self, is_it: impl Fn(&Conversation) -> bool) {
        self.over = None;
        if let Some(other) = self.others.iter_mut().find(|other| is_it(other)) {
            std::mem::swap(&mut self.open, other);
            other.rest();
        }
        self.look();
    }

    /// Opens the next conversation of the list, or the one before.
    pub(super) fn turn_by(&mut self, forward: bool) {
        let list = self.list();
        let at = list.iter().position(|other| same_as(other, &self.open));
        let count = list.len();
        let step = if forward { 1 } else { count.saturating_sub(1) };
        let next = at.and_then(|at| list.get((at + step) % count));
        self.turn_to_same(next.map(|next| next.with.clone()));
    }

    /// Opens the next conversation with something unread: the one where it was said last. The open one comes after all others.
    pub(super) fn turn_to_unread(&mut self) {
        let list = self.list();
        let mut unread = list.iter().filter(|other| other.unread > 0);
        let next = unread.find(|other| !same_as(other, &self.open));
        let next = next.map(|next| next.with.clone());
        if next.is_none() && self.open.unread > 0 {
            self.over = None;
            self.latest();
        }
        self.turn_to_same(next);
    }

    fn turn_to_same(&mut self, with: Option<Option<Partner>>) {
        match with {
            Some(Some(partner)) => self.turn_to(&partner),
            Some(None) => self.turn_to_console(),
            None => {}
        }
    }

    /// Adds a message to the conversation with somebody.
    pub(super) fn say(&mut self, partner: &Partner, message: Message, now: WallTime) {
        let line = Line {
            number: self.number(),
            at: self.with(partner).time_of(now),
            turn: 0,
            saying: Saying::Message(message),
        };
        let last = last_of(&line, partner, &self.settings.own);
        let is_own = line.message().is_some_and(|message| message.mark.is_some());
        let conversation = self.with(partner);
        conversation.last = last;
        conversation.push(line);
        if !is_own {
            self.worth_a_look(partner);
        }
        self.tidy(Some(partner));
    }

    /// Something was said there: it counts as unread, unless it is in sight.
    pub(super) fn worth_a_look(&mut self, partner: &Partner) {
        if !(self.open.is_with(partner) && self.is_at_latest()) {
            self.with(partner).unread += 1;
        }
    }

    /// Says something about somebody, or in general, without the name of whoever says it.
    pub(super) fn notice(&mut self, with: Option<&Partner>, lines: Vec<String>, style: Style, now: WallTime) {
        if lines.is_empty() {
            return;
        }
        let line = Line {
            number: self.number(),
            at: now,
            turn: 0,
            saying: Saying::Notice(lines, style),
        };
        match with {
            Some(partner) => self.with(partner).push(line),
            None => self.console().push(line),
        }
        self.tidy(with);
    }

    /// Says something beside what is shown, which stays where it is: what is not in sight counts as unread.
    pub(super) fn aside(&mut self, lines: Vec<String>, style: Style, now: WallTime) {
        if !lines.is_empty() && !self.is_at_latest() {
            self.open.unread += 1;
        }
        let with = self.open.with.clone();
        self.notice(with.as_ref(), lines, style, now);
    }

    /// Answers whoever types, where he looks.
    pub(super) fn answer(&mut self, lines: Vec<String>, style: Style, now: WallTime) {
        self.over = None;
        self.latest();
        let with = self.open.with.clone();
        self.notice(with.as_ref(), lines, style, now);
    }

    /// Keeps what is held within its bounds, where something was added.
    fn tidy(&mut self, with: Option<&Partner>) {
        if self.open.shorten() && self.over.is_none() {
            self.read(None);
        }
        let is_it = |other: &&mut Conversation| match with {
            Some(partner) => other.is_with(partner),
            None => other.with.is_none(),
        };
        if let Some(other) = self.others.iter_mut().find(is_it) {
            other.rest_if_full();
        }
    }
}

/// To whom lines go there.
pub(super) fn focus_of(partner: &Partner) -> Option<Focus> {
    match partner {
        Partner::Person(name) => Some(Focus::Person(name.clone())),
        Partner::Room(room) => Some(Focus::Room(room.clone())),
        Partner::At(_) => None,
    }
}

pub(super) fn partner_of(focus: &Focus) -> Partner {
    match focus {
        Focus::Person(name) => Partner::Person(name.clone()),
        Focus::Room(room) => Partner::Room(room.clone()),
    }
}

fn same_as(one: &Conversation, other: &Conversation) -> bool {
    match (&one.with, &other.with) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// A message as the list shows it.
pub(super) fn last_of(line: &Line, partner: &Partner, own: &Name) -> Option<Last> {
    let message = line.message()?;
    let first = message.text.lines().next().unwrap_or_default();
    let text = escape(first);
    let text = match (message.mark, partner) {
        (Some(_), _) => format!("{own}: {text}"),
        (None, Partner::Room(_)) => format!("{}: {text}", message.author),
        (None, _) => text.into_owned(),
    };
    Some(Last {
        at: line.at,
        text: cut(&text, LAST_COLUMNS),
    })
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model_reading_tests.rs"]
mod reading_tests;

#[cfg(test)]
#[path = "model_unread_tests.rs"]
mod unread_tests;
