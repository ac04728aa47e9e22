//! Which colours lines have: what becomes of one's own messages, who writes, what went wrong.
//!
//! Decided once, at the start; the lines are made and escaped without colours (`render`), and painted last of all. Pure.
//! Invariants: without colours a line is what it was; with them, it is that again when the escape sequences are taken out.

use std::borrow::Cow;
use std::ffi::OsString;

use anstyle::{Ansi256Color, AnsiColor, Color, Style};

use crate::cli::commands::Parsed;
use crate::cli::marks;
use crate::client::interface::{ContactEvent, Event, Incoming, PeopleEvent, Road, RoomEvent, Trust};
use crate::id::Name;

/// When there are to be colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colors {
    /// On a terminal that has some, if its user has nothing against them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Paints lines, or leaves them as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paint {
    on: bool,
}

/// What is told but asks for nothing.
pub(super) const QUIET: Style = Style::new().dimmed();
/// A message of one's own is on its way.
pub(super) const WAITING: Style = AnsiColor::Yellow.on_default();
/// The server keeps it.
pub(super) const STORED: Style = AnsiColor::Cyan.on_default();
/// It has arrived.
pub(super) const RECEIVED: Style = AnsiColor::Green.on_default();
/// It will not arrive; or something else went wrong.
pub(super) const WRONG: Style = AnsiColor::Red.on_default();
/// Dark on light, in colours that no terminal gives another meaning.
pub(super) const PICTURE: Style = Style::new()
    .fg_color(Some(Color::Ansi256(Ansi256Color(231))))
    .bg_color(Some(Color::Ansi256(Ansi256Color(16))));
/// What to type, at the beginning of the line.
pub(super) const PROMPT: Style = Style::new().bold();

/// Those who write, in colours that can be read on black and on white; none of those that say that something is wrong.
const PEOPLE: [Style; 6] = [
    AnsiColor::Blue.on_default().bold(),
    AnsiColor::Magenta.on_default().bold(),
    AnsiColor::Green.on_default().bold(),
    AnsiColor::Yellow.on_default().bold(),
    AnsiColor::Cyan.on_default().bold(),
    Style::new().bold(),
];

impl Paint {
    /// As it is wanted, for standard output that is a terminal or not; `variable` asks for one of the environment.
    pub(super) fn new(wanted: Colors, terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let asked_not = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let has_none = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Self {
            on: match wanted {
                Colors::Always => true,
                Colors::Never => false,
                Colors::Auto => terminal && !asked_not && !has_none,
            },
        }
    }

    /// Whether there are colours.
    pub(super) const fn is_on(self) -> bool {
        self.on
    }

    /// The lines of an event.
    pub(super) fn event(self, event: &Event, lines: Vec<String>) -> Vec<String> {
        if !self.on {
            return lines;
        }
        let style = style(event);
        lines
            .into_iter()
            .map(|line| match event {
                Event::Incoming(message) => match &message.road {
                    Road::Room { name, .. } => posted(name, message, &line),
                    Road::Direct | Road::Stored | Road::Late => said(message, &line),
                },
                // Nothing in a row of these can hold a bracket but a mark.
                Event::Users(_) | Event::Room(RoomEvent::Members { .. }) => {
                    with_marks(program(style, line), "")
                }
                // Nobody's message: an announcement of the room's.
                Event::Room(RoomEvent::News { .. }) => dyed(style, &line),
                _ => program(style, line),
            })
            .collect()
    }

    /// The lines of an answer to what was typed.
    pub(super) fn answer(self, parsed: &Parsed, lines: Vec<String>) -> Vec<String> {
        let wrong = matches!(
            parsed,
            Parsed::Wrong(_) | Parsed::TooLarge(_) | Parsed::NotSelf(_)
        );
        if !self.on || !wrong {
            return lines;
        }
        lines.into_iter().map(|line| program(WRONG, line)).collect()
    }

    /// The prompt, perhaps with a mark in it.
    pub(super) fn prompt(self, prompt: &str) -> Cow<'_, str> {
        match self.dye(PROMPT, prompt) {
            Cow::Owned(dyed) => Cow::Owned(with_marks(dyed, &PROMPT.render().to_string())),
            plain => plain,
        }
    }

    /// A line of a picture: dark on light, whatever the terminal's own colours are.
    pub(super) fn picture(self, line: &str) -> Cow<'_, str> {
        self.dye(PICTURE, line)
    }

    /// What the program says beside what has happened.
    pub(super) fn aside(self, line: String) -> String {
        if self.on { program(QUIET, line) } else { line }
    }

    /// What is not typed, beside what is.
    pub(super) fn hint(self, hint: &str) -> Cow<'_, str> {
        self.dye(QUIET, hint)
    }

    fn dye(self, style: Style, text: &str) -> Cow<'_, str> {
        if self.on {
            Cow::Owned(dyed(style, text))
        } else {
            Cow::Borrowed(text)
        }
    }
}

fn dyed(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// What the program says stands in brackets; what belongs to it (tables, fingerprints, what to do) is left as it is.
fn program(style: Style, line: String) -> String {
    if line.starts_with('[') {
        dyed(style, &line)
    } else {
        line
    }
}

/// The colour of a mark.
const fn of_trust(trust: Trust) -> Style {
    match trust {
        Trust::Known => QUIET,
        Trust::New => WAITING,
        Trust::Changed => WRONG,
        Trust::Verified => RECEIVED,
    }
}

/// The marks in a text that is the program's own; `then`: the colour that goes on behind one.
fn with_marks(text: String, then: &str) -> String {
    let marks = [Trust::New, Trust::Changed, Trust::Verified].into_iter();
    marks.fold(text, |text, trust| match marks::word(trust) {
        Some(word) => {
            let mark = format!("({word})");
            text.replace(&mark, &(dyed(of_trust(trust), &mark) + then))
        }
        None => text,
    })
}

/// A line that begins with a name, and perhaps with a mark behind it.
fn said(message: &Incoming, line: &str) -> String {
    let name = &message.from;
    let Some(rest) = line.strip_prefix(name.as_str()) else {
        return line.to_owned();
    };
    let (mark, rest) = match rest.find(": ").and_then(|end| rest.split_at_checked(end)) {
        Some((mark, rest)) if !mark.is_empty() => (dyed(of_trust(message.trust), mark), rest),
        _ => (String::new(), rest),
    };
    dyed(of(name), name.as_str()) + &mark + rest
}

/// A line that begins with a room's name, and somebody's.
fn posted(room: &Name, message: &Incoming, line: &str) -> String {
    let room = format!("{room}: ");
    match line.strip_prefix(&room) {
        Some(rest) => dyed(QUIET, &room) + &said(message, rest),
        None => line.to_owned(),
    }
}

/// Whoever has the name has the same colour in every run, and on every machine.
pub(super) fn of(name: &Name) -> Style {
    // FNV-1a: what a hash of the standard library is may change.
    let hash = name
        .folded()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    // The lower bits are the less mixed.
    let index = usize::try_from(hash >> 32).unwrap_or_default() % PEOPLE.len();
    PEOPLE.get(index).copied().unwrap_or_default()
}

/// What an event is for a message of one's own, or for its reader.
pub(super) const fn style(event: &Event) -> Style {
    match event {
        Event::NoAnswer { .. }
        | Event::Offline { .. }
        | Event::Waiting { .. }
        | Event::StoredAgain { .. } => WAITING,
        Event::Stored { .. } => STORED,
        Event::Received { .. } | Event::ReceivedLater { .. } => RECEIVED,
        Event::RegistrationRefused { .. }
        | Event::ServerSilent
        | Event::Superseded
        | Event::RegistryChanged { .. }
        | Event::Refused { .. }
        | Event::Expired { .. }
        | Event::NotAccepted(_)
        | Event::IdentityChanged { .. }
        | Event::Trouble(_)
        | Event::Unanswered { .. } => WRONG,
        Event::Room(event) => style_in_rooms(event),
        Event::People(PeopleEvent::Verified { .. }) => RECEIVED,
        Event::People(PeopleEvent::NotVerified { .. }) => WRONG,
        Event::Contact(event) => style_of_contacts(event),
        _ => QUIET,
    }
}

const fn style_in_rooms(event: &RoomEvent) -> Style {
    match event {
        RoomEvent::Waiting { .. } => WAITING,
        RoomEvent::Posted { .. } => STORED,
        RoomEvent::Reached { .. } => RECEIVED,
        RoomEvent::Refused { .. }
        | RoomEvent::Expired { .. }
        | RoomEvent::NotDone { .. }
        | RoomEvent::Outside { .. }
        | RoomEvent::Missed { .. }
        | RoomEvent::Impostor { .. } => WRONG,
        _ => QUIET,
    }
}

const fn style_of_contacts(event: &ContactEvent) -> Style {
    match event {
        ContactEvent::Waiting { .. } => WAITING,
        ContactEvent::Received { .. } | ContactEvent::ReceivedLater { .. } => RECEIVED,
        ContactEvent::Refused { .. }
        | ContactEvent::Expired { .. }
        | ContactEvent::Changed { .. }
        | ContactEvent::NameTaken { .. }
        | ContactEvent::NotListed { .. } => WRONG,
        _ => QUIET,
    }
}

#[cfg(test)]
#[path = "paint_tests.rs"]
mod tests;
