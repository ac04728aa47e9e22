//! Commands about rooms, as they are typed.
//!
//! Reads only; whether somebody is in a room is the engine's to know. Invariant: as `commands`'.

use std::str::FromStr;

use super::commands::{Parsed, split_word, usage, with_text};
use crate::client::interface::{Command, RoomCommand};
use crate::id::Name;

pub(super) fn read_post(rest: &str, _own: &Name) -> Parsed {
    let (word, text) = split_word(rest);
    if word.is_empty() || text.trim().is_empty() {
        return usage("post");
    }
    with_text(word, text, "post <room> <text>", |room, text| Command::Post {
        room,
        text,
    })
}

pub(super) fn read_list(rest: &str, _own: &Name) -> Parsed {
    if rest.trim().is_empty() {
        Parsed::Command(Command::Room(RoomCommand::List))
    } else {
        usage("roomlist")
    }
}

pub(super) fn read_create(rest: &str, _own: &Name) -> Parsed {
    with_room("roomcreate", rest, RoomCommand::Create)
}

pub(super) fn read_join(rest: &str, _own: &Name) -> Parsed {
    with_room("roomjoin", rest, RoomCommand::Join)
}

pub(super) fn read_leave(rest: &str, _own: &Name) -> Parsed {
    with_room("roomleave", rest, RoomCommand::Leave)
}

pub(super) fn read_members(rest: &str, _own: &Name) -> Parsed {
    with_room("members", rest, RoomCommand::Members)
}

pub(super) fn read_kick(rest: &str, _own: &Name) -> Parsed {
    let (room, rest) = split_word(rest);
    let (name, more) = split_word(rest);
    if room.is_empty() || !more.trim().is_empty() {
        return usage("kick");
    }
    let name = if name.is_empty() {
        Ok(None)
    } else {
        Name::from_str(name).map(Some)
    };
    match Name::from_str(room).and_then(|room| Ok((room, name?))) {
        Ok((room, name)) => Parsed::Command(Command::Room(RoomCommand::Kick { room, name })),
        Err(error) => Parsed::Wrong(format!("Usage: kick <room> [name]; {error}.")),
    }
}

/// A command with the name of a room, and nothing else.
fn with_room(command: &str, rest: &str, deed: impl FnOnce(Name) -> RoomCommand) -> Parsed {
    let (word, more) = split_word(rest);
    if word.is_empty() || !more.trim().is_empty() {
        return usage(command);
    }
    match Name::from_str(word) {
        Ok(room) => Parsed::Command(Command::Room(deed(room))),
        Err(error) => Parsed::Wrong(format!("Usage: {command} <room>; {error}.")),
    }
}
