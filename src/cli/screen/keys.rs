//! What keys do: they edit the line, send it, turn to another conversation, go back and forth.
//!
//! A line is for the open conversation; with a `/` before it, it is a command, read as at the prompt. Pure. Invariants: nothing
//! leaves the line but by Enter; a text that cannot be sent stays there, or says below itself why.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::conversation::{Conversation, Line, Mark, Message, Over, Saying};
use super::model::{Model, focus_of, partner_of};
use super::telling::typed_here;
use crate::cli::commands::{Parsed, Typist};
use crate::cli::format::Format;
use crate::cli::line_history::LineHistory;
use crate::cli::prompt::certain;
use crate::cli::table::in_columns;
use crate::cli::{paint, render, spellings};
use crate::client::interface::{Command, NotAccepted, Partner, RoomCommand, Text};
use crate::clock::WallTime;
use crate::limits::BODY_BYTES_MAX;

/// What the keys are for, each beside what it does. README.md has the same list; a test compares them.
pub(super) const HELP: &[(&str, &str)] = &[
    (
        "Enter",
        "send the line; with a / before it, it is a command: /help lists them",
    ),
    (
        "Alt+Enter",
        "begin another line of the same message; a paste of several lines is one message too",
    ),
    (
        "Tab",
        "complete the word of a command, a name or a room; on an empty line: to the next unread conversation",
    ),
    (
        "Alt+Up, Alt+Down",
        "to the conversation above or below; so do Ctrl+P and Ctrl+N",
    ),
    (
        "PageUp, PageDown",
        "back and forth in the conversation; Shift+Up and Shift+Down by a row",
    ),
    (
        "Esc",
        "back to the latest, out of what was found, out of this help",
    ),
    ("Ctrl+F", "search: type words, then Enter"),
    ("Up, Down", "what was typed before"),
    (
        "Ctrl+A, Ctrl+E",
        "to the beginning or the end of the line; so do Home and End",
    ),
    (
        "Ctrl+W, Ctrl+U, Ctrl+K",
        "delete the word before the cursor, all before it, all after it",
    ),
    ("F1, Ctrl+L", "this help; draw the screen anew"),
    ("Ctrl+C, Ctrl+D", "leave; Ctrl+D on an empty line"),
];

/// More rows than the help has.
const HELP_ROWS: usize = 1_000;

/// Whether more keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Key,
    /// Something else has written on the screen: draw all of it.
    Anew,
    /// This line was typed; it is to be kept.
    Typed,
    /// Leave.
    Leave,
}

/// Ctrl and a letter, or Alt and a key.
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

impl Model {
    /// A key was pressed, now.
    pub(super) fn key(&mut self, key: KeyEvent, now: WallTime) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::Key;
        }
        match (key.code, key.modifiers) {
            (KeyCode::Enter, ALT) => self.insert("\n", now),
            (KeyCode::Enter, _) => return self.enter(now),
            (KeyCode::Char('d'), CTRL) if self.input.text().is_empty() => return Next::Leave,
            (KeyCode::Tab, _) => self.tab(now),
            (KeyCode::Esc, _) => self.escape(),
            (KeyCode::F(1), _) => self.help(now),
            (KeyCode::Char('l'), CTRL) => return Next::Anew,
            (KeyCode::Char('f'), CTRL) => self.input.begin("/search "),
            (KeyCode::Up, ALT) | (KeyCode::Char('p'), CTRL) => self.turn_by(false),
            (KeyCode::Down, ALT) | (KeyCode::Char('n'), CTRL) => self.turn_by(true),
            (KeyCode::PageUp, _) => self.back(self.turned()),
            (KeyCode::PageDown, _) => self.on(self.turned()),
            (KeyCode::Up, SHIFT) => self.back(1),
            (KeyCode::Down, SHIFT) => self.on(1),
            (KeyCode::End, CTRL) => self.latest(),
            _ => self.edit(key, now),
        }
        Next::Key
    }

    /// Rows of which one page is turned: one stays in sight.
    fn turned(&self) -> usize {
        self.pane.1.saturating_sub(1).max(1)
    }

    fn edit(&mut self, key: KeyEvent, now: WallTime) {
        let input = &mut self.input;
        match (key.code, key.modifiers) {
            (KeyCode::Left, CTRL | ALT) | (KeyCode::Char('b'), ALT) => input.word_left(),
            (KeyCode::Right, CTRL | ALT) | (KeyCode::Char('f'), ALT) => input.word_right(),
            (KeyCode::Left, _) | (KeyCode::Char('b'), CTRL) => input.left(),
            (KeyCode::Right, _) => input.right(),
            (KeyCode::Home, _) | (KeyCode::Char('a'), CTRL) => input.home(),
            (KeyCode::End, _) | (KeyCode::Char('e'), CTRL) => input.end(),
            (KeyCode::Backspace, ALT | CTRL) | (KeyCode::Char('w'), CTRL) => input.delete_word(),
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), CTRL) => input.backspace(),
            (KeyCode::Delete, _) | (KeyCode::Char('d'), CTRL) => input.delete(),
            (KeyCode::Char('u'), CTRL) => input.delete_before(),
            (KeyCode::Char('k'), CTRL) => input.delete_after(),
            (KeyCode::Up, _) => input.earlier(),
            (KeyCode::Down, _) => input.later(),
            (KeyCode::Char(character), KeyModifiers::NONE | SHIFT) => {
                self.insert(character.encode_utf8(&mut [0; 4]), now);
            }
            _ => {}
        }
    }

    /// A text was pasted: it is typed, and not sent, however many lines it has.
    pub(super) fn paste(&mut self, text: &str, now: WallTime) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.insert(&text, now);
    }

    fn insert(&mut self, text: &str, now: WallTime) {
        if !self.input.insert(text) {
            let lines = vec![format!(
                "[Not typed: a message has at most {BODY_BYTES_MAX} bytes, and with these it would have more.]"
            )];
            self.answer(lines, paint::WRONG, now);
        }
    }

    fn escape(&mut self) {
        if self.input.resume() {
            return;
        }
        if self.over.is_some() {
            self.escape_over();
        } else {
            self.latest();
        }
    }

    /// Back to the open conversation.
    fn escape_over(&mut self) {
        self.over = None;
        self.look();
    }

    /// Whether a text is typed for a conversation that something is shown over.
    pub(super) fn hides_recipient(&self) -> bool {
        let typed = self.input.text();
        let is_text = !typed.trim().is_empty() && (!typed.starts_with('/') || typed.starts_with("//"));
        is_text && self.over.is_some()
    }

    /// Says what the keys do, from the first on; or no longer.
    fn help(&mut self, now: WallTime) {
        if self.over.as_ref().is_some_and(|over| over.words.is_none()) {
            self.escape_over();
            return;
        }
        let mut found = Conversation::new(None, "what keys do".to_owned());
        found.push(Line {
            number: self.number(),
            at: now,
            turn: 0,
            saying: Saying::Help,
        });
        self.over = Some(Over { words: None, found });
        self.back(HELP_ROWS);
    }

    fn tab(&mut self, now: WallTime) {
        if self.input.text().is_empty() {
            self.turn_to_unread();
            return;
        }
        let before = self.input.before().to_owned();
        let Some(line) = before.strip_prefix('/') else {
            return;
        };
        let known = &self.settings.heard.known;
        let own = self.settings.own.as_str();
        let (start, candidates) = self.settings.grammar.complete(line, own, known);
        let typed = line.get(start..).unwrap_or_default();
        let certain = certain(&candidates, typed).unwrap_or(typed);
        if certain != typed {
            // What is completed is ASCII, and so is its beginning; its letters may be of another case.
            let certain = certain.to_owned();
            for _ in 0..typed.len() {
                self.input.backspace();
            }
            self.insert(&certain, now);
        } else if candidates.len() > 1 {
            let words: Vec<&str> = candidates.iter().map(|word| word.trim_end()).collect();
            let columns = self.layout().text_columns();
            self.answer(in_columns(&words, columns), paint::QUIET, now);
        }
    }

    fn enter(&mut self, now: WallTime) -> Next {
        let line = self.input.text().to_owned();
        if line.trim().is_empty() {
            return Next::Key;
        }
        match line.strip_prefix('/') {
            Some(command) if !command.starts_with('/') => {
                self.input.take();
                return self.command(command, now);
            }
            // It is seen to whom it goes before it goes.
            _ if self.over.is_some() => self.escape_over(),
            // Two of them begin a text that begins with one.
            text => {
                if self.text(text.unwrap_or(&line), now) {
                    return Next::Typed;
                }
            }
        }
        Next::Key
    }

    /// A text for the open conversation; false if it is not sent, and stays where it is typed.
    fn text(&mut self, text: &str, now: WallTime) -> bool {
        let Some(with) = self.open.with.clone() else {
            let lines = vec![
                "[Nothing is sent from here: no conversation is open.]".to_owned(),
                "To open one: /poke <name>, /roomjoin <room>, or Alt+Down for those on the list. /help lists what can be typed."
                    .to_owned(),
            ];
            self.answer(lines, paint::WRONG, now);
            return false;
        };
        if text.len() > BODY_BYTES_MAX {
            let lines = vec![render::not_accepted(&NotAccepted::TooLarge(text.len()))];
            self.answer(lines, paint::WRONG, now);
            return false;
        }
        // Whole lines were pasted: the last of them has an end as well.
        let text = text.trim_end_matches('\n').to_owned();
        self.input.take();
        self.send(&with, text, now);
        true
    }

    /// Sends a text; it is seen where it goes.
    fn send(&mut self, with: &Partner, body: String, now: WallTime) {
        self.turn_to(with);
        self.latest();
        let tag = self.tag();
        let own = self.settings.own.clone();
        let message = Message {
            id: None,
            tag: Some(tag),
            sent_at: now,
            head: own.to_string(),
            author: own,
            text: body.clone(),
            mark: Some(Mark::Writing),
            note: None,
        };
        self.say(with, message, now);
        let text = Text { body, tag: Some(tag) };
        self.want(match with.clone() {
            Partner::Person(to) => Command::Send { to, text },
            Partner::Room(room) => Command::Post { room, text },
            Partner::At(address) => Command::SendAt { address, text },
        });
    }

    fn command(&mut self, line: &str, now: WallTime) -> Next {
        let focus = self.open.with.as_ref().and_then(focus_of);
        let typist = Typist {
            own: &self.settings.own,
            focus: focus.as_ref(),
        };
        let parsed = if spellings::read(line).is_some() {
            // No text is typed so: what removes something is meant.
            let line = spellings::marked(line);
            (self.settings.grammar.parse)(Format::Lines, &line, typist)
        } else {
            let hint =
                "There is no such command; /help lists them. A text that begins with a / is typed with two.";
            Parsed::Wrong(hint.to_owned())
        };
        match parsed {
            Parsed::Command(Command::Leave) => return Next::Leave,
            Parsed::Command(command) => self.commanded(command, now),
            Parsed::Focus(Some(focus)) => self.turn_to(&partner_of(&focus)),
            Parsed::Focus(None) => self.turn_to_console(),
            Parsed::FullScreen => {
                let lines = vec!["[The screen is full already. To leave it: Ctrl+D.]".to_owned()];
                self.answer(lines, paint::QUIET, now);
            }
            parsed => {
                let style = match parsed {
                    Parsed::Wrong(_) | Parsed::TooLarge(_) | Parsed::NotSelf(_) => paint::WRONG,
                    _ => anstyle::Style::new(),
                };
                let mut lines = render::answer(&parsed);
                if let Parsed::Quiet(on) = parsed {
                    self.settings.heard.quiet.set(on);
                    lines = lines.into_iter().map(typed_here).collect();
                }
                if parsed == Parsed::Help(None) {
                    lines.push("Each with a / before it. F1 says what the keys do.".to_owned());
                }
                self.answer(lines, style, now);
            }
        }
        Next::Typed
    }

    fn commanded(&mut self, command: Command, now: WallTime) {
        match command {
            Command::Send { to, text } => self.send(&Partner::Person(to), text.body, now),
            Command::Post { room, text } => self.send(&Partner::Room(room), text.body, now),
            Command::SendAt { address, text } => self.send(&Partner::At(address), text.body, now),
            command => {
                if let Command::Room(RoomCommand::Create(room) | RoomCommand::Join(room)) = &command {
                    self.turn_to(&Partner::Room(room.clone()));
                }
                self.latest();
                self.want(command);
            }
        }
    }
}

/// Whether a line that was typed here is kept for the next run: not what would be something else at the prompt, where commands need
/// no `/`.
pub(super) fn is_kept(line: &str) -> bool {
    let is_same = match line.strip_prefix('/') {
        Some(command) => spellings::read(command).is_some(),
        None => spellings::read(line).is_none(),
    };
    is_same && LineHistory::takes(line) && !line.starts_with(' ')
}

/// A line that was typed at the prompt, as it is typed here: a command has a `/` before it.
pub(super) fn as_typed_here(line: String) -> String {
    if line.starts_with('/') || spellings::read(&line).is_none() {
        line
    } else {
        format!("/{}", line.trim_start())
    }
}
