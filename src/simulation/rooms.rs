//! What people do about rooms in a simulated world: they make, enter and leave them, put each other out, ask about them, and post.
//!
//! Whether what comes of it may be so is the ledger's business.
//! Invariant: where nothing is posted nothing here happens.

use super::dice::Chance;
use super::life::{FIRST, Life};
use super::world::{Site, World, WorldFault};
use crate::client::interface::{Command, RoomCommand};
use crate::id::Name;
use crate::reserved::LOBBY;

/// Rooms that there are at most: in few of them people meet.
const ROOMS: usize = 2;

impl World {
    /// Somebody posts to a room, whether he is there or not.
    fn post(&mut self, author: usize, room: Name, length: usize) {
        if !self.may_type(author) {
            return;
        }
        let text = self
            .ledger
            .posted(self.now.at, author, &room, (length, self.plan.trouble.lives));
        self.note(Site::Person(author), || format!("posts {text:.8} to {room}"));
        let text = self.ledger.tagged(author, text);
        self.command(author, Command::Post { room, text });
    }

    fn asks_of_rooms(&mut self, person: usize, command: RoomCommand) {
        if !self.may_type(person) {
            return;
        }
        self.note(Site::Person(person), || format!("wants {command:?}"));
        self.ledger.asks_of_rooms(self.now.at, person, command.clone());
        self.command(person, Command::Room(command));
    }
}

impl Life {
    /// The first one makes a room, and all others enter it.
    pub(super) fn open_rooms(&mut self) -> Result<(), WorldFault> {
        if self.plan.trouble.posts == 0 {
            return Ok(());
        }
        for person in 0..self.plan.clients {
            let Some(room) = room(0) else { continue };
            let command = match person {
                0 => RoomCommand::Create(room),
                _ => RoomCommand::Join(room),
            };
            self.world.asks_of_rooms(person, command);
            if person == 0 {
                self.world.pass(FIRST)?;
            }
        }
        self.world.pass(FIRST)
    }

    /// Somebody posts, or a few times at once; now and then something long. How often, a minute.
    pub(super) fn post(&mut self) -> u32 {
        let often = self.plan.posts();
        let author = self.rooms.index(self.plan.clients);
        // Most of it goes to the one in which all are at first.
        let Some(room) = room(self.rooms.index(ROOMS + 2) / (ROOMS + 1)) else {
            return often;
        };
        let room = self.or_lobby(room);
        let count = match self.rooms.chance(Chance::percent(10)) {
            true => 2 + self.rooms.below(8),
            false => 1,
        };
        let longest = self.plan.trouble.longest;
        for _ in 0..count {
            let most = match self.rooms.chance(Chance::percent(10)) {
                true => longest,
                false => longest.min(100),
            };
            let length = self.rooms.index(most + 1);
            self.world.post(author, room.clone(), length);
        }
        often
    }

    /// Somebody makes a room, or enters or leaves one, or puts others out of it. How often, a minute.
    pub(super) fn room_deed(&mut self) -> u32 {
        let often = self.plan.trouble.rooms;
        let person = self.rooms.index(self.plan.clients);
        let Some(room) = room(self.rooms.index(ROOMS)) else {
            return often;
        };
        let room = self.or_lobby(room);
        let other = self.rooms.index(self.plan.clients);
        let other = self.world.people.get(other).map(|person| person.name.clone());
        let command = match self.rooms.below(10) {
            0..=3 => RoomCommand::Join(room),
            4..=5 => RoomCommand::Create(room),
            6..=7 => RoomCommand::Leave(room),
            8 => RoomCommand::Kick { room, name: other },
            _ => RoomCommand::Kick { room, name: None },
        };
        self.world.asks_of_rooms(person, command);
        often
    }

    /// Somebody asks which rooms there are, or who is in one. How often, a minute.
    pub(super) fn room_question(&mut self) -> u32 {
        let often = self.plan.asks();
        let person = self.rooms.index(self.plan.clients);
        let Some(room) = room(self.rooms.index(ROOMS)) else {
            return often;
        };
        let room = self.or_lobby(room);
        let command = match self.rooms.chance(Chance::percent(50)) {
            true => RoomCommand::List,
            false => RoomCommand::Members(room),
        };
        self.world.asks_of_rooms(person, command);
        often
    }

    /// This room, or now and then the one for everybody, where there is one.
    fn or_lobby(&mut self, room: Name) -> Name {
        let lobby = self.plan.trouble.quarters.lobby && self.rooms.chance(Chance::percent(25));
        LOBBY.parse().ok().filter(|_| lobby).unwrap_or(room)
    }
}

fn room(number: usize) -> Option<Name> {
    format!("room{number}").parse().ok()
}
