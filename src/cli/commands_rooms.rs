//! Commands about rooms, as they are typed.
//!
//! Where a room may be left out it is the one that lines go to. Reads only; whether somebody is in a room is the engine's
//! to know. Invariant: as `commands`'.

use std::str::FromStr;

use super::commands::{Parsed, Typist, alone, split_word, usage, usage_since, with_text};
use super::grammar::ALL;
use crate::client::interface::{Command, RoomCommand};
use crate::id::Name;

pub(super) fn read_post(rest: &str, _typist: Typist<'_>) -> Parsed {
    let (word, text) = split_word(rest);
    if word.is_empty() || text.trim().is_empty() {
        return usage("post");
    }
    with_text("post", word, text, |room, text| Command::Post {
        room,
        text: text.into(),
    })
}

pub(super) fn read_list(rest: &str, _typist: Typist<'_>) -> Parsed {
    alone("roomlist", rest, Command::Room(RoomCommand::List))
}

pub(super) fn read_create(rest: &str, _typist: Typist<'_>) -> Parsed {
    with_room("roomcreate", rest, None, RoomCommand::Create)
}

pub(super) fn read_join(rest: &str, _typist: Typist<'_>) -> Parsed {
    with_room("roomjoin", rest, None, RoomCommand::Join)
}

pub(super) fn read_leave(rest: &str, typist: Typist<'_>) -> Parsed {
    with_room("roomleave", rest, typist.room(), RoomCommand::Leave)
}

pub(super) fn read_members(rest: &str, typist: Typist<'_>) -> Parsed {
    with_room("members", rest, typist.room(), RoomCommand::Members)
}

/// With one word or none it is about the room that lines go to.
pub(super) fn read_kick(rest: &str, typist: Typist<'_>) -> Parsed {
    let words: Vec<&str> = rest.split_whitespace().take(3).collect();
    let (room, who) = match (words.as_slice(), typist.room()) {
        ([], Some(room)) => (Ok(room.clone()), ALL),
        ([who], Some(room)) => (Ok(room.clone()), *who),
        ([room, who], _) => (Name::from_str(room), *who),
        _ => return usage("kick"),
    };
    let name = if who.eq_ignore_ascii_case(ALL) {
        Ok(None)
    } else {
        Name::from_str(who).map(Some)
    };
    match room.and_then(|room| Ok((room, name?))) {
        Ok((room, name)) => Parsed::Command(Command::Room(RoomCommand::Kick { room, name })),
        Err(error) => usage_since("kick", &error),
    }
}

/// A command with the name of a room, or without one if there is one to take, and nothing else.
fn with_room(
    command: &str,
    rest: &str,
    otherwise: Option<&Name>,
    deed: impl FnOnce(Name) -> RoomCommand,
) -> Parsed {
    let (word, more) = split_word(rest);
    if !more.trim().is_empty() {
        return usage(command);
    }
    let room = match otherwise {
        _ if !word.is_empty() => Name::from_str(word),
        Some(room) => Ok(room.clone()),
        None => return usage(command),
    };
    match room {
        Ok(room) => Parsed::Command(Command::Room(deed(room))),
        Err(error) => usage_since(command, &error),
    }
}
