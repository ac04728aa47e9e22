//! A screen under test: what is told and typed goes in, what is drawn and wanted comes out.
//!
//! Plays the client as far as a test says. Invariant: no control character is ever drawn.

use std::net::SocketAddr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use time::{OffsetDateTime, UtcOffset};

use super::conversation::Earlier;
use super::keys::Next;
use super::model::{Model, Settings};
use super::rows::width;
use super::view::{self, Parts};
use crate::cli::grammar::WITH_REGISTRY;
use crate::cli::heard::Heard;
use crate::cli::paint::{Colors, Paint};
use crate::client::interface::{
    Command, Event, History, Incoming, Net, Notice, Other, Partner, Place, Recorded, RegistryLink, Road,
    SessionReport, Subject, Trust, User, Users, Way,
};
use crate::client::storage::State;
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::{Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use crate::transport::SessionStats;

/// 2026-01-02 03:04:05 UTC.
pub(super) const AT: i64 = 1_767_323_045_000;

const OWN: IdentityId = IdentityId([9; 32]);

pub(super) fn at(ms: i64) -> WallTime {
    WallTime::from_unix_ms(ms)
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn person(text: &str) -> Partner {
    Partner::Person(name(text))
}

fn utc(_: OffsetDateTime) -> UtcOffset {
    UtcOffset::UTC
}

fn id(sender: IdentityId, number: u64) -> MessageId {
    MessageId {
        sender,
        slot: Slot {
            epoch: Epoch(1),
            sequence: Sequence(number),
        },
    }
}

/// Everybody has an identity of his own.
pub(super) fn identity(of: &str) -> IdentityId {
    let mut bytes = [1; 32];
    bytes
        .iter_mut()
        .zip(of.bytes())
        .for_each(|(byte, letter)| *byte = letter);
    IdentityId(bytes)
}

/// What somebody wrote, as it is kept.
pub(super) fn their_message(from: &str, number: u64, text: &str, sent: i64, received: i64) -> Recorded {
    Recorded {
        id: id(identity(from), number),
        with: To::Peer(name(from)),
        sent_at: at(sent),
        text: text.to_owned(),
        number,
        trust: Trust::Known,
        way: Way::In {
            from: name(from),
            received_at: at(received),
            stored: false,
        },
    }
}

/// What we wrote to bob, as it is kept.
pub(super) fn own_message(number: u64, text: &str, state: State) -> Recorded {
    Recorded {
        id: id(OWN, 100 + number),
        with: To::Peer(name("bob")),
        sent_at: at(AT + 63_000),
        text: text.to_owned(),
        number,
        trust: Trust::Known,
        way: Way::Out {
            state,
            stored_at: None,
            ended_at: None,
            sealed_for: None,
        },
    }
}

/// The screen, who types at it, and the client, played by the test.
pub(super) struct Trial {
    pub(super) model: Model,
    now: i64,
    told: u64,
}

impl Trial {
    /// Of somebody whose client has told nothing yet, but that there is no history.
    pub(super) fn new(own: &str) -> Self {
        let settings = Settings {
            own: name(own),
            grammar: &WITH_REGISTRY,
            heard: std::sync::Arc::new(Heard::default()),
            paint: Paint::new(Colors::Always, true, |_| None),
            offset_at: utc,
        };
        let mut trial = Self {
            model: Model::new(settings, at(AT)),
            now: AT,
            told: 0,
        };
        trial.answer_history(Subject::All, None, &[], None);
        trial.wanted();
        trial
    }

    pub(super) fn wanted(&mut self) -> Vec<Command> {
        self.model.take_wanted()
    }

    /// The client tells something.
    pub(super) fn told(&mut self, event: Event) {
        self.told_about(&[], None, event);
    }

    fn told_about(&mut self, about: &[MessageId], tag: Option<u64>, event: Event) {
        let notice = Notice {
            about: about.to_vec(),
            tag,
            event,
        };
        self.model.settings.heard.told(&notice.event);
        self.model.told(&notice, at(self.now));
    }

    pub(super) fn users(&mut self, users: &[(&str, bool)]) {
        let user = |(user, online): &(&str, bool)| User {
            name: name(user),
            trust: Trust::Known,
            online: *online,
            since: None,
            address: None,
        };
        self.told(Event::Users(Users {
            users: users.iter().map(user).collect(),
            all: true,
            current: true,
        }));
    }

    /// The path to the server has this round trip, and loses so many in a thousand.
    pub(super) fn net(&mut self, rtt_micros: u64, path_loss: u64) {
        let rtt = std::time::Duration::from_micros(rtt_micros);
        let session = SessionReport {
            with: Other::Registry,
            address: "192.0.2.1:5000".parse().unwrap(),
            age: rtt,
            heard: rtt,
            stats: SessionStats {
                rtt,
                path_loss,
                ..SessionStats::default()
            },
            rtt_recent: Vec::new(),
        };
        self.model.tick();
        self.told(Event::Net(Net {
            registry: Some(RegistryLink::Registered),
            sessions: vec![session],
            others: 0,
        }));
    }

    /// Somebody's message comes, at this time.
    pub(super) fn comes(&mut self, from: &str, text: &str, now: i64) {
        self.arrives(None, from, text, now, Road::Direct);
    }

    /// The same of one who is talked with by address.
    pub(super) fn comes_over(&mut self, address: SocketAddr, from: &str, text: &str, now: i64) {
        self.arrives(Some(address), from, text, now, Road::Direct);
    }

    pub(super) fn posts(&mut self, room: &str, from: &str, text: &str, now: i64) {
        let road = Road::Room {
            name: name(room),
            before: false,
        };
        self.arrives(None, from, text, now, road);
    }

    fn arrives(&mut self, address: Option<SocketAddr>, from: &str, text: &str, now: i64, road: Road) {
        self.now = now;
        self.told += 1;
        self.told(Event::Incoming(Incoming {
            id: id(identity(from), 1_000 + self.told),
            from: name(from),
            at: address,
            trust: Trust::Known,
            sent_at: at(now),
            text: text.to_owned(),
            road,
        }));
    }

    /// The text with this tag is in the outbox.
    pub(super) fn accepted(&mut self, tag: u64) {
        let to = To::Peer(name("bob"));
        self.told_about(&[id(OWN, tag)], Some(tag), Event::Accepted { to });
    }

    pub(super) fn received(&mut self, by: &str, tag: u64) {
        self.told_about(&[id(OWN, tag)], None, Event::Received { to: name(by) });
    }

    /// Something became of the text with this tag.
    pub(super) fn became(&mut self, tag: u64, event: Event) {
        self.told_about(&[id(OWN, tag)], None, event);
    }

    pub(super) fn not_accepted(&mut self, tag: u64, event: Event) {
        self.told_about(&[], Some(tag), event);
    }

    pub(super) fn renumbered(&mut self, tag: u64, now: u64) {
        let event = Event::Renumbered {
            to: To::Peer(name("bob")),
            was: id(OWN, tag),
        };
        self.told_about(&[id(OWN, now)], None, event);
    }

    pub(super) fn identity_changed(&mut self, of: &str) {
        self.told(Event::IdentityChanged {
            name: name(of),
            known: IdentityId([1; 32]),
            found: IdentityId([2; 32]),
        });
    }

    /// The page that was asked for.
    pub(super) fn history(&mut self, with: &str, messages: &[Recorded]) {
        self.answer_history(Subject::With(person(with)), None, messages, None);
    }

    /// What is held of the open conversation is not all that is kept.
    pub(super) fn read_again(&mut self) {
        self.model.open.earlier = Earlier::Unknown;
        self.model.look();
    }

    /// A page, asked for or not.
    pub(super) fn history_again(&mut self, with: &str, messages: &[Recorded]) {
        self.read_again();
        self.history(with, messages);
    }

    pub(super) fn found(&mut self, words: &str, messages: &[Recorded]) {
        self.answer_history(Subject::Words(words.to_owned()), None, messages, None);
    }

    pub(super) fn answer_history(
        &mut self,
        subject: Subject,
        before: Option<Place>,
        messages: &[Recorded],
        earlier: Option<Place>,
    ) {
        self.told(Event::History(History {
            subject,
            before,
            own: self.model.settings.own.clone(),
            messages: messages.to_vec(),
            earlier,
        }));
    }

    pub(super) fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Next {
        self.model.key(KeyEvent::new(code, modifiers), at(self.now))
    }

    pub(super) fn types_without_enter(&mut self, text: &str) {
        for character in text.chars() {
            self.press(KeyCode::Char(character), KeyModifiers::NONE);
        }
    }

    pub(super) fn types(&mut self, line: &str) -> Next {
        self.types_without_enter(line);
        self.press(KeyCode::Enter, KeyModifiers::NONE)
    }

    pub(super) fn pastes(&mut self, text: &str) {
        self.model.paste(text, at(self.now));
    }

    pub(super) fn press_page_up(&mut self) {
        self.press(KeyCode::PageUp, KeyModifiers::NONE);
    }

    pub(super) fn press_f1(&mut self) {
        self.press(KeyCode::F(1), KeyModifiers::NONE);
    }

    /// Draws it on a screen of this size, as the terminal's thread does.
    pub(super) fn draw(&mut self, columns: u16, rows: u16) -> Buffer {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        self.model.pane = Parts::of(&self.model, area).pane();
        let cursor = view::draw(&self.model, area, &mut buffer);
        assert!(cursor.x < columns && cursor.y < rows, "{cursor}");
        buffer
    }

    /// What one sees, line by line, without the spaces at their ends.
    pub(super) fn drawn(&mut self, columns: u16, rows: u16) -> String {
        let buffer = self.draw(columns, rows);
        let mut text = String::new();
        for y in 0..rows {
            let mut line = String::new();
            let mut x = 0;
            while x < columns {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                // What a wide character covers is no cell of its own.
                x += u16::try_from(width(symbol).max(1)).unwrap();
            }
            assert!(!line.chars().any(char::is_control), "{line:?}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Alice's screen, with bob's conversation open, and unread ones with eve and in a room.
pub(super) fn three() -> Trial {
    let mut trial = Trial::new("alice");
    trial.told(Event::Registered { returning: true });
    trial.users(&[("bob", true), ("eve", false), ("carol", true)]);
    trial.net(12_400, 0);
    trial.comes("bob", "hi alice", AT);
    trial.types("/poke bob");
    trial.history("bob", &[]);
    trial.comes("eve", "are you there?", AT + 60_000);
    trial.posts("den", "carol", "who has the slides?", AT + 61_000);
    trial.posts("den", "bob", "I do", AT + 62_000);
    trial
}
