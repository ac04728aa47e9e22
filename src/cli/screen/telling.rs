//! What the client tells, taken into what the screen shows: messages, what becomes of one's own, who is there, and what is said
//! beside.
//!
//! The words are `render`'s. Pure. Invariants: every event is shown somewhere, but for the answers to the screen's own questions; the
//! mark of a message is what was told of it last.

use super::conversation::{Mark, Message};
use super::model::{CONVERSATIONS_MAX, Link, Model};
use crate::cli::marks::writer;
use crate::cli::{paint, qr, render};
use crate::client::interface::{
    Command, ContactEvent, Event, Incoming, Notice, Partner, RegistryLink, Road, RoomCommand, RoomEvent,
    Trust, Users,
};
use crate::clock::WallTime;
use crate::id::{MessageId, Name};

/// What became of a message of one's own, and of whose.
struct Fate {
    with: Option<Partner>,
    mark: Mark,
}

impl Model {
    /// Something was told, now.
    pub(super) fn told(&mut self, notice: &Notice, now: WallTime) {
        let event = &notice.event;
        self.follow_link(event);
        self.keep_last_words(event);
        match event {
            Event::Trace(_) => self.asked.traced(),
            Event::Unanswered { question, .. } => self.unanswered(question),
            _ => {}
        }
        let introduced = self.settings.heard.introduction(event);
        match event {
            Event::Incoming(message) => self.incoming(message, introduced, now),
            Event::Accepted { .. } => self.accepted(notice),
            Event::Renumbered { was, .. } => self.renumbered(*was, notice),
            Event::NotAccepted(_) if self.not_accepted(notice) => {}
            Event::History(history) => self.history(history, now),
            Event::Forgotten(forgotten) => self.forgotten(forgotten, event, now),
            Event::Users(users) => {
                self.mark_users(users);
                if self.quiet.users > 0 {
                    self.quiet.users -= 1;
                } else {
                    self.answered(event, now);
                }
            }
            Event::Net(net) => {
                self.net = Some(net.clone());
                if self.quiet.net > 0 {
                    self.quiet.net -= 1;
                } else {
                    self.answered(event, now);
                }
            }
            Event::TableUpdated => self.ask_users(),
            Event::Names(_) | Event::Ended(_) => {}
            _ => match fate(event) {
                Some(fate) => self.became(&fate, notice, now),
                None => self.said(event, now),
            },
        }
        if matches!(event, Event::Registered { .. } | Event::ServerBack) {
            self.ask_again();
        }
    }

    /// What is to be said, with what is to be typed as it is typed here.
    fn lines(&self, event: &Event) -> Vec<String> {
        let lines = render::event(event, self.settings.offset_at).into_iter();
        lines.map(typed_here).collect()
    }

    /// Who is there is asked for once at a time.
    fn ask_users(&mut self) {
        if self.quiet.users == 0 {
            self.quiet.users += 1;
            self.want(Command::Users);
        }
    }

    fn follow_link(&mut self, event: &Event) {
        let link = match event {
            Event::Registered { .. } | Event::ServerBack => Link::Registered,
            Event::ServerSilent => Link::Silent,
            Event::Deregistered | Event::Superseded | Event::RegistrationRefused { .. } => Link::Offline,
            Event::Net(net) => match net.registry {
                Some(RegistryLink::Registered) => Link::Registered,
                Some(RegistryLink::Connecting) => Link::Connecting,
                Some(RegistryLink::Silent) => Link::Silent,
                Some(RegistryLink::Offline) | None => Link::Offline,
            },
            _ => self.link,
        };
        let is_news = link == Link::Registered && self.link != link;
        if is_news || matches!(event, Event::Registered { .. } | Event::ServerBack) {
            self.ask_users();
        }
        if link != self.link && link == Link::Offline {
            self.offline();
        }
        self.link = link;
    }

    /// Keeps what says why the program ends, until it is known that it did not.
    fn keep_last_words(&mut self, event: &Event) {
        if matches!(
            event,
            Event::Registered { .. } | Event::ServerBack | Event::Deregistered
        ) {
            self.last_words.clear();
        }
        let says_why = matches!(
            event,
            Event::ServerSilent
                | Event::Deregistered
                | Event::RegistrationRefused { .. }
                | Event::RegistryChanged { .. }
                | Event::Trouble(_)
                | Event::Ended(_)
        );
        if says_why {
            let lines = self.lines(event);
            self.last_words.extend(lines);
            // Of a disk that fails again and again the last is enough.
            let many = self.last_words.len().saturating_sub(LAST_WORDS_MAX);
            self.last_words.drain(..many);
        }
    }

    /// Nobody tells who is there.
    fn offline(&mut self) {
        self.people.clear();
        for conversation in self.others.iter_mut().chain([&mut self.open]) {
            conversation.online = None;
        }
    }

    /// `introduced`: what is to be said before it of whoever wrote it.
    fn incoming(&mut self, incoming: &Incoming, introduced: Option<String>, now: WallTime) {
        let Incoming {
            id,
            from,
            at,
            sent_at,
            text,
            road,
            ..
        } = incoming;
        let with = match road {
            Road::Room { name, .. } => Partner::Room(name.clone()),
            Road::Direct | Road::Stored | Road::Late => match at {
                Some(address) => Partner::At(*address),
                None => Partner::Person(from.clone()),
            },
        };
        let introduced = introduced.map(typed_here).into_iter().collect();
        self.notice(Some(&with), introduced, paint::QUIET, now);
        let message = Message {
            id: Some(*id),
            tag: None,
            sent_at: *sent_at,
            author: from.clone(),
            head: head(incoming, &with),
            text: text.clone(),
            mark: None,
            note: matches!(road, Road::Late).then(|| {
                let time = render::timestamp(*sent_at, self.settings.offset_at);
                format!("of {time}: it came after later ones")
            }),
        };
        self.say(&with, message, now);
    }

    /// Changes the message of ours that is called so, wherever it is: it may be among what was found as well. Whether it is anywhere.
    fn change(&mut self, is_it: impl Fn(&Message) -> bool, change: impl Fn(&mut Message)) -> bool {
        let found = self.over.iter_mut().map(|over| &mut over.found);
        let all = [&mut self.open].into_iter().chain(&mut self.others).chain(found);
        let messages = all.flat_map(|conversation| conversation.messages());
        messages.filter(|message| is_it(message)).map(change).count() > 0
    }

    fn accepted(&mut self, notice: &Notice) {
        let (Some(tag), Some(id)) = (notice.tag, notice.about.first()) else {
            return;
        };
        self.change(
            |message| message.tag == Some(tag),
            |message| {
                (message.id, message.tag) = (Some(*id), None);
                message.mark = Some(Mark::Waiting);
            },
        );
    }

    fn renumbered(&mut self, was: MessageId, notice: &Notice) {
        let id = notice.about.first().copied();
        self.change(
            |message| message.id == Some(was),
            |message| message.id = id.or(message.id),
        );
    }

    /// A text of ours was not accepted: that stands below it. False if it was no text.
    fn not_accepted(&mut self, notice: &Notice) -> bool {
        let why = self.lines(&notice.event).join(" ");
        let tag = notice.tag;
        let is_it = |message: &Message| tag.is_some() && message.tag == tag;
        let mut others = self.others.iter_mut();
        let elsewhere = others.find_map(|other| {
            let is_there = other.messages().any(|message| is_it(message));
            other.with.clone().filter(|_| is_there)
        });
        if let Some(with) = elsewhere {
            self.worth_a_look(&with);
        }
        self.change(is_it, |message| {
            message.tag = None;
            message.mark = Some(Mark::Refused);
            message.note = Some(why.clone());
        })
    }

    /// Something became of messages of ours.
    fn became(&mut self, fate: &Fate, notice: &Notice, now: WallTime) {
        let lines = self.lines(&notice.event);
        let note = match (fate.mark, &notice.event) {
            (Mark::Refused | Mark::Expired, _)
            | (_, Event::Room(RoomEvent::Reached { reach: Some(_), .. })) => Some(lines.join(" ")),
            _ => None,
        };
        let mut unseen = notice.about.is_empty();
        for id in &notice.about {
            let is_held = self.change(
                |message| message.id == Some(*id),
                |message| {
                    message.mark = Some(fate.mark);
                    message.note.clone_from(&note);
                },
            );
            unseen |= !is_held;
        }
        // What will not arrive is worth a look, wherever one looks now.
        if let (Mark::Refused | Mark::Expired, Some(with)) = (fate.mark, &fate.with) {
            self.worth_a_look(with);
        }
        // It is of an earlier day, and not in sight: then it is told in words.
        if unseen || matches!(notice.event, Event::StoredAgain { .. }) {
            self.notice(fate.with.as_ref(), lines, paint::style(&notice.event), now);
        }
    }

    /// An answer to what was typed.
    pub(super) fn answered(&mut self, event: &Event, now: WallTime) {
        let lines = self.lines(event);
        self.answer(lines, paint::style(event), now);
    }

    /// What is neither a message nor about one.
    fn said(&mut self, event: &Event, now: WallTime) {
        if let Event::Presence { name, online } = event {
            self.people.insert(name.folded(), *online);
            if let Some(conversation) = self.known(&Partner::Person(name.clone())) {
                conversation.online = Some(*online);
            }
        }
        let lines = self.lines(event);
        let style = paint::style(event);
        match about(event) {
            About::Typist => {
                self.answer(lines, style, now);
                let room = (self.layout().text_columns(), self.pane.1);
                let with = self.open.with.clone();
                self.notice(with.as_ref(), qr::told(event, room), paint::PICTURE, now);
            }
            About::Partner(with) => {
                self.notice(Some(&with), lines, style, now);
                if matches!(event, Event::IdentityChanged { .. }) {
                    self.worth_a_look(&with);
                }
            }
            About::Program => {
                // What goes wrong is said wherever one looks.
                if matches!(
                    event,
                    Event::Trouble(_)
                        | Event::Unanswered { .. }
                        | Event::Superseded
                        | Event::RegistryChanged { .. }
                ) && self.open.with.is_some()
                {
                    self.aside(lines.clone(), style, now);
                }
                self.notice(None, lines, style, now);
            }
        }
    }

    /// Who is there, and who is not. Those who are there are on the list, as far as it has room.
    fn mark_users(&mut self, users: &Users) {
        let own = self.settings.own.clone();
        let others = users.users.iter().filter(|user| !user.name.matches(&own));
        let told = others
            .filter(|_| users.current)
            .map(|user| (user.name.folded(), user.online));
        self.people = told.collect();
        for user in users
            .users
            .iter()
            .filter(|user| user.online && !user.name.matches(&own))
        {
            if self.others.len() < CONVERSATIONS_MAX {
                self.with(&Partner::Person(user.name.clone()));
            }
        }
        let people = std::mem::take(&mut self.people);
        for conversation in self.others.iter_mut().chain([&mut self.open]) {
            if let Some(Partner::Person(name)) = &conversation.with {
                conversation.online = people.get(&name.folded()).copied();
            }
        }
        self.people = people;
    }
}

/// Who wrote it. How well his key is known stands over a conversation with him alone; that it is another is said at the message.
fn head(incoming: &Incoming, with: &Partner) -> String {
    match (with, incoming.trust) {
        (Partner::Room(_), _) | (_, Trust::Changed) => writer(incoming),
        _ => incoming.from.to_string(),
    }
}

/// A line with what it tells to type as it is typed here.
pub(super) fn typed_here(line: String) -> String {
    TO_TYPE.iter().fold(line, |line, word| {
        line.replace(&format!(": {word}"), &format!(": /{word}"))
    })
}

/// What lines tell to type after a colon, where it has a `/` before it here. No name has one in it.
const TO_TYPE: [&str; 8] = [
    "trust ",
    "roomjoin ",
    "send ",
    "reg]",
    "verify ",
    "fingerprint ",
    "unblock ",
    "dnd off",
];

/// Words that are kept for the end: a screen full is more than is read then.
const LAST_WORDS_MAX: usize = 20;

/// What an event says of messages of ours, if it does.
fn fate(event: &Event) -> Option<Fate> {
    let person = |name: &Name| Some(Partner::Person(name.clone()));
    let room = |name: &Name| Some(Partner::Room(name.clone()));
    let (with, mark) = match event {
        Event::Received { to } | Event::ReceivedLater { to, .. } => (person(to), Mark::Delivered),
        Event::NoAnswer { to } | Event::Offline { to } | Event::Waiting { to } => (person(to), Mark::Waiting),
        Event::Stored { to } => (person(to), Mark::Stored),
        Event::StoredAgain { .. } => (None, Mark::Waiting),
        Event::Refused { to, .. } => (person(to), Mark::Refused),
        Event::Expired { to, .. } => (person(to), Mark::Expired),
        Event::Room(event) => match event {
            RoomEvent::Posted { room: name } => (room(name), Mark::Stored),
            RoomEvent::Waiting { room: name } => (room(name), Mark::Waiting),
            RoomEvent::Reached { room: name, .. } => (room(name), Mark::Delivered),
            RoomEvent::Refused { room: name, .. } => (room(name), Mark::Refused),
            RoomEvent::Expired { room: name, .. } => (room(name), Mark::Expired),
            _ => return None,
        },
        Event::Contact(event) => {
            let (to, mark) = match event {
                ContactEvent::Received { to } | ContactEvent::ReceivedLater { to, .. } => {
                    (to, Mark::Delivered)
                }
                ContactEvent::Waiting { to, .. } => (to, Mark::Waiting),
                ContactEvent::Refused { to, .. } => (to, Mark::Refused),
                ContactEvent::Expired { to, .. } => (to, Mark::Expired),
                _ => return None,
            };
            (Some(Partner::At(to.address)), mark)
        }
        _ => return None,
    };
    Some(Fate { with, mark })
}

/// Whom something is about that is said beside.
enum About {
    /// Whoever types: it is an answer.
    Typist,
    Partner(Partner),
    /// The connection, the program.
    Program,
}

fn about(event: &Event) -> About {
    match event {
        Event::IdentityChanged { name, .. } | Event::Trusted { name } => {
            About::Partner(Partner::Person(name.clone()))
        }
        Event::Room(event) => match event {
            RoomEvent::Entered { room, .. } => About::Partner(Partner::Room(room.hall.name.clone())),
            RoomEvent::Left { room }
            | RoomEvent::Kicked { room, .. }
            | RoomEvent::News { room, .. }
            | RoomEvent::Outside { room }
            | RoomEvent::Missed { room, .. }
            | RoomEvent::Impostor { room, .. } => About::Partner(Partner::Room(room.clone())),
            RoomEvent::NotDone {
                command: RoomCommand::Join(room) | RoomCommand::Create(room),
                ..
            } => About::Partner(Partner::Room(room.clone())),
            RoomEvent::Offered { .. } => About::Program,
            _ => About::Typist,
        },
        Event::Contact(
            ContactEvent::Met { who, .. }
            | ContactEvent::Changed { who, .. }
            | ContactEvent::Renamed { who, .. }
            | ContactEvent::NotListed { by: who }
            | ContactEvent::Trusted { who },
        ) => About::Partner(Partner::At(who.address)),
        Event::Status(_)
        | Event::Trace(_)
        | Event::People(_)
        | Event::Fingerprint { .. }
        | Event::NotAccepted(_)
        | Event::PresenceTold { .. }
        | Event::Users(_)
        | Event::Net(_)
        | Event::History(_)
        | Event::Forgotten(_) => About::Typist,
        _ => About::Program,
    }
}
