//! To whom lines go that are no command.
//!
//! A command sets the focus when it is typed, and another one ends it; so does what the registry says of the room, which
//! the printer hears: both ends of the console share it. Which lines are commands is `commands`' to say.
//! Invariant: what is told ends the focus and never sets another: a line goes where its prompt said, or nowhere.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::client::interface::{Command, Event, NotDone, RoomCommand, RoomEvent};
use crate::id::Name;

/// Somebody, or all who are in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Focus {
    /// Somebody.
    Person(Name),
    /// A room.
    Room(Name),
}

impl Focus {
    /// The room, if it is one.
    pub const fn room(&self) -> Option<&Name> {
        match self {
            Self::Person(_) => None,
            Self::Room(room) => Some(room),
        }
    }

    /// Says a text there.
    pub fn say(&self, text: String) -> Command {
        let text = text.into();
        match self.clone() {
            Self::Person(to) => Command::Send { to, text },
            Self::Room(room) => Command::Post { room, text },
        }
    }
}

/// As the prompt shows it: a person and a room may have the same name.
impl fmt::Display for Focus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(f, "{name}"),
            Self::Room(room) => write!(f, "#{room}"),
        }
    }
}

/// The focus from line to line.
#[derive(Debug, Default)]
pub(super) struct Attention {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    focus: Option<Focus>,
    /// What we asked for has come to something: the registry has let us into the room, or was silent. What is told before
    /// that is of an earlier stay.
    settled: bool,
}

impl Attention {
    /// The focus at the start.
    pub(super) fn on(focus: Option<Focus>) -> Self {
        let attention = Self::default();
        attention.turn(focus);
        attention
    }

    /// The focus now.
    pub(super) fn current(&self) -> Option<Focus> {
        self.lock().focus.clone()
    }

    /// Sets the focus, or ends it.
    pub(super) fn turn(&self, focus: Option<Focus>) {
        *self.lock() = State {
            focus,
            settled: false,
        };
    }

    /// A command was typed: to be called before anything can come of it. A room that is asked for has the focus at once.
    pub(super) fn typed(&self, command: &Command) {
        match command {
            Command::Room(RoomCommand::Create(room) | RoomCommand::Join(room)) => {
                self.turn(Some(Focus::Room(room.clone())));
            }
            Command::Room(RoomCommand::Leave(room)) if self.lock().is_on(room) => self.turn(None),
            _ => {}
        }
    }

    /// An event is about to be printed.
    pub(super) fn told(&self, event: &Event) {
        let Event::Room(event) = event else { return };
        let mut state = self.lock();
        match event {
            RoomEvent::Entered { room, .. } if state.is_on(&room.hall.name) => state.settled = true,
            RoomEvent::NotDone {
                command: RoomCommand::Create(room) | RoomCommand::Join(room),
                why,
            } if state.is_on(room) => {
                // Where the registry is silent it is not known whether we are in; it says so when it is back.
                if *why == NotDone::NoServer {
                    state.settled = true;
                } else {
                    *state = State::default();
                }
            }
            RoomEvent::News { room, out: true, .. } | RoomEvent::Outside { room }
                if state.is_on(room) && state.settled =>
            {
                *state = State::default();
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the focus is on this room.
    fn is_on(&self, room: &Name) -> bool {
        let focused = self.focus.as_ref().and_then(Focus::room);
        focused.is_some_and(|focused| focused.matches(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use crate::id::RoomId;
    use crate::wire::room::{Hall, Membership, News, PostNumber, RoomRefusal};

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn join(room: &str) -> RoomCommand {
        RoomCommand::Join(name(room))
    }

    fn asked(room: &str) -> Attention {
        let attention = Attention::default();
        attention.typed(&Command::Room(join(room)));
        attention
    }

    fn entered(room: &str) -> Event {
        Event::Room(RoomEvent::Entered {
            room: Membership {
                hall: Hall {
                    name: name(room),
                    id: RoomId([1; 16]),
                },
                owner: None,
                members: 1,
                head: PostNumber(0),
            },
            already: false,
        })
    }

    fn refused(room: &str, why: NotDone) -> Event {
        let command = join(room);
        Event::Room(RoomEvent::NotDone { command, why })
    }

    fn news(room: &str, out: bool) -> Event {
        Event::Room(RoomEvent::News {
            room: name(room),
            at: WallTime::default(),
            members: 1,
            news: News::Kicked { name: None },
            out,
        })
    }

    #[test]
    fn a_room_has_it_from_when_it_is_asked_for_until_it_is_left() {
        let attention = asked("den");
        assert_eq!(attention.current(), Some(Focus::Room(name("den"))));
        attention.typed(&Command::Room(RoomCommand::Leave(name("attic"))));
        assert!(attention.current().is_some(), "another room was left");
        attention.typed(&Command::Room(RoomCommand::Leave(name("DEN"))));
        assert_eq!(attention.current(), None);
    }

    #[test]
    fn it_ends_where_the_entry_is_refused_but_not_where_nobody_answers() {
        let attention = asked("den");
        attention.told(&refused("attic", NotDone::Offline));
        attention.told(&refused("den", NotDone::NoServer));
        assert!(attention.current().is_some());
        attention.told(&refused("den", NotDone::Refused(RoomRefusal::NoSuchRoom)));
        assert_eq!(attention.current(), None);
    }

    #[test]
    fn it_ends_where_we_are_put_out_or_the_room_ends() {
        let outside = Event::Room(RoomEvent::Outside { room: name("den") });
        for last in [news("den", true), outside] {
            let attention = asked("den");
            attention.told(&entered("den"));
            attention.told(&news("den", false));
            attention.told(&news("attic", true));
            assert!(attention.current().is_some(), "others were put out, or elsewhere");
            attention.told(&last);
            assert_eq!(attention.current(), None);
        }
    }

    #[test]
    fn it_ends_where_the_registry_was_silent_and_does_not_have_us_when_it_is_back() {
        let attention = asked("den");
        attention.told(&entered("den"));
        attention.typed(&Command::Room(join("den")));
        attention.told(&refused("den", NotDone::NoServer));
        assert!(attention.current().is_some());
        attention.told(&Event::Room(RoomEvent::Outside { room: name("den") }));
        assert_eq!(attention.current(), None);
    }

    #[test]
    fn what_is_told_of_an_earlier_stay_does_not_end_it() {
        let attention = asked("den");
        attention.told(&news("den", true));
        assert!(attention.current().is_some());
    }

    #[test]
    fn nothing_that_is_told_takes_it_from_somebody() {
        let attention = Attention::on(Some(Focus::Person(name("den"))));
        for event in [
            entered("den"),
            news("den", true),
            refused("den", NotDone::Offline),
        ] {
            attention.told(&event);
        }
        assert_eq!(attention.current(), Some(Focus::Person(name("den"))));
    }

    #[test]
    fn a_text_goes_to_whoever_has_it() {
        let (to, room) = (name("bob"), name("den"));
        let text = || " hi ".to_owned();
        assert_eq!(
            Focus::Person(to.clone()).say(text()),
            Command::Send {
                to,
                text: text().into()
            }
        );
        assert_eq!(
            Focus::Room(room.clone()).say(text()),
            Command::Post {
                room,
                text: text().into()
            }
        );
    }
}
