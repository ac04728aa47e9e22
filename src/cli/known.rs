//! The names that can be completed: people and rooms that this client knows.
//!
//! Filled by what passes the printer, read by the prompt. The engine tells of all whom it knows, also of those who were never
//! heard of in this run; of rooms only those that we are in, and the others are learned where they are told of.
//! Invariant: no more is held than the engine has told of people, and [`ROOMS_MAX`] rooms.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::client::interface::{Event, Names, RoomEvent, Trust};
use crate::id::Name;

/// Rooms held. A registry has more only if somebody makes rooms to no purpose.
const ROOMS_MAX: usize = 1_000;

/// Names, by their folded form.
#[derive(Debug, Default)]
pub(super) struct Known {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    people: BTreeMap<String, (Name, Trust)>,
    rooms: BTreeMap<String, Name>,
}

impl Known {
    /// An event is printed.
    pub(super) fn told(&self, event: &Event) {
        match event {
            Event::Names(Names { people, rooms }) => {
                let mut state = self.lock();
                let by_name = |person: &(Name, Trust)| (person.0.folded(), person.clone());
                state.people = people.iter().map(by_name).collect();
                rooms.iter().for_each(|room| state.learn(room));
            }
            Event::Room(RoomEvent::Entered { room, .. }) => self.lock().learn(&room.hall.name),
            Event::Room(RoomEvent::Offered { room }) => self.lock().learn(room),
            Event::Room(RoomEvent::Rooms(rooms)) => {
                let mut state = self.lock();
                state.rooms.clear();
                rooms.iter().for_each(|room| state.learn(&room.name));
            }
            _ => {}
        }
    }

    /// People whose names begin so, in whatever case.
    pub(super) fn people(&self, beginning: &str) -> Vec<String> {
        beginning_with(&self.lock().people, beginning, |(name, _)| name)
    }

    /// Rooms whose names begin so, in whatever case.
    pub(super) fn rooms(&self, beginning: &str) -> Vec<String> {
        beginning_with(&self.lock().rooms, beginning, |name| name)
    }

    /// How well the key of somebody is known, if he is.
    pub(super) fn trust_of(&self, name: &Name) -> Option<Trust> {
        self.lock().people.get(&name.folded()).map(|(_, trust)| *trust)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn learn(&mut self, room: &Name) {
        if self.rooms.len() < ROOMS_MAX {
            self.rooms.insert(room.folded(), room.clone());
        }
    }
}

fn beginning_with<T>(names: &BTreeMap<String, T>, beginning: &str, name_of: fn(&T) -> &Name) -> Vec<String> {
    let folded = beginning.to_ascii_lowercase();
    names
        .range(folded.clone()..)
        .take_while(|(name, _)| name.starts_with(&folded))
        .map(|(_, known)| name_of(known).to_string())
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::wire::room::RoomListed;

    fn people(texts: &[&str]) -> Vec<(Name, Trust)> {
        let people = names(texts).into_iter();
        people.map(|name| (name, Trust::default())).collect()
    }

    fn names(texts: &[&str]) -> Vec<Name> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Who knows these people and these rooms.
    pub(in crate::cli) fn knowing(people: &[&str], rooms: &[&str]) -> Known {
        let known = Known::default();
        known.told(&Event::Names(Names {
            people: super::tests::people(people),
            rooms: names(rooms),
        }));
        known
    }

    fn listed(rooms: &[&str]) -> Event {
        let listed = |name| RoomListed {
            name,
            owner: None,
            members: 1,
            online: 1,
        };
        Event::Room(RoomEvent::Rooms(names(rooms).into_iter().map(listed).collect()))
    }

    #[test]
    fn names_are_found_by_their_beginning_in_whatever_case_and_as_they_are_spelled() {
        let known = knowing(&["alice", "Bob", "bobby", "carol"], &["den"]);
        assert_eq!(known.people("b"), ["Bob", "bobby"]);
        assert_eq!(known.people("BOBB"), ["bobby"]);
        assert_eq!(known.people(""), ["alice", "Bob", "bobby", "carol"]);
        assert_eq!(known.people("z"), [""; 0]);
        assert_eq!(known.rooms("D"), ["den"]);
    }

    #[test]
    fn people_who_are_gone_are_forgotten_and_rooms_are_learned() {
        let known = knowing(&["alice"], &["den"]);
        known.told(&Event::Names(Names {
            people: people(&["bob"]),
            rooms: Vec::new(),
        }));
        assert_eq!(known.people(""), ["bob"]);
        known.told(&Event::Room(RoomEvent::Offered {
            room: names(&["lobby"]).remove(0),
        }));
        assert_eq!(known.rooms(""), ["den", "lobby"]);
        known.told(&listed(&["attic", "cellar"]));
        assert_eq!(known.rooms(""), ["attic", "cellar"]);
    }

    #[test]
    fn rooms_have_their_bound() {
        let many: Vec<String> = (0..=ROOMS_MAX).map(|n| format!("room{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let known = Known::default();
        known.told(&listed(&many));
        assert_eq!(known.rooms("").len(), ROOMS_MAX);
    }
}
