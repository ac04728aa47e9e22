//! What is told about rooms, as lines.
//!
//! Announcements are spelled as people know them from chat servers: `Server: time=10.01 batman has joined. Member count=3`.
//! Invariant: text of others is escaped before it gets here; names need not be.

use super::marks::marked;
use super::render::{OffsetAt, refusal, time_of_day, timestamp};
use crate::client::interface::{Member, NotDone, RoomCommand, RoomEvent};
use crate::clock::WallTime;
use crate::id::Name;
use crate::wire::room::{Membership, News, RoomListed, RoomRefusal};

pub(super) fn lines(event: &RoomEvent, offset_at: OffsetAt) -> Vec<String> {
    let line = match event {
        RoomEvent::Rooms(rooms) => return list(rooms),
        RoomEvent::Members { room, members } => return members_of(room, members),
        RoomEvent::Offered { room } => {
            format!("[There is a room for everybody. To enter it: roomjoin {room}]")
        }
        RoomEvent::Readers { .. }
        | RoomEvent::Posted { .. }
        | RoomEvent::Waiting { .. }
        | RoomEvent::Reached { .. }
        | RoomEvent::Refused { .. }
        | RoomEvent::Expired { .. } => post(event, |at| timestamp(at, offset_at)),
        RoomEvent::News {
            room,
            at,
            members,
            news,
            out: _,
        } => news_of(room, &time_of_day(*at, offset_at), *members, news),
        RoomEvent::NotDone { command, why } => not_done(command, why),
        RoomEvent::Entered { room, already } => entered(room, *already),
        RoomEvent::Left { room } => format!("[You have left {room}.]"),
        RoomEvent::Kicked {
            room,
            name: Some(name),
            ..
        } => format!("[{name} is out of {room}.]"),
        RoomEvent::Kicked { room, members, .. } => {
            let are = plural(u64::from(*members), "member is", "members are");
            format!("[{members} {are} out of {room}.]")
        }
        RoomEvent::Outside { room } => {
            format!("[You are in {room} no more: it has ended, or its owner has shown you the door.]")
        }
        RoomEvent::Missed { room, messages } => {
            let what = plural(*messages, "message", "messages");
            format!("[{messages} {what} in {room} missed: gone before you came.]")
        }
        RoomEvent::Impostor { room, name } => format!(
            "[A message in {room} is not shown: it bears the name {name}, and is signed by another than the {name} you \
             know.]"
        ),
    };
    vec![line]
}

/// What becomes of a post of one's own.
fn post(event: &RoomEvent, time: impl Fn(WallTime) -> String) -> String {
    match event {
        RoomEvent::Waiting { room } => {
            format!("[Message to {room} is waiting; it will be sent when the server can be reached.]")
        }
        RoomEvent::Readers {
            room,
            sent_at,
            reach,
            missing,
        } => format!(
            "[Message of {} to {room}: {} of {} have it{}.]",
            time(*sent_at),
            reach.received,
            reach.of,
            not_yet(missing, reach.of.saturating_sub(reach.received))
        ),
        RoomEvent::Reached {
            room,
            sent_at,
            reach: None,
        } => format!("[Message of {} received by everybody in {room}.]", time(*sent_at)),
        RoomEvent::Reached {
            room,
            sent_at,
            reach: Some(reach),
        } => format!(
            "[Message of {} received by {} of {} in {room}; the others have left, or it was gone before they came.]",
            time(*sent_at),
            reach.received,
            reach.of
        ),
        RoomEvent::Refused {
            room,
            sent_at,
            reason,
        } => format!(
            "[Message of {} to {room} was refused: {}]",
            time(*sent_at),
            refusal(reason, room)
        ),
        RoomEvent::Expired { room, sent_at } => format!(
            "[Message of {} to {room} has expired: the server could not be reached in time. It is not tried any more.]",
            time(*sent_at)
        ),
        _ => "[Messages received by the server and saved]".to_owned(),
    }
}

/// Who has it not; and whether there are more than are named.
fn not_yet(missing: &[Name], all: u32) -> String {
    let names: Vec<&str> = missing.iter().map(Name::as_str).collect();
    let others = usize::try_from(all)
        .unwrap_or(usize::MAX)
        .saturating_sub(names.len());
    let names = names.join(", ");
    match (names.is_empty(), others) {
        (true, 0) => String::new(),
        (true, _) => "; the others have left".to_owned(),
        (false, 0) => format!("; not yet: {names}"),
        (false, _) => format!("; not yet: {names}, and others, or they have left"),
    }
}

const fn plural(number: u64, one: &'static str, more: &'static str) -> &'static str {
    if number == 1 { one } else { more }
}

fn entered(room: &Membership, already: bool) -> String {
    let Membership {
        hall,
        owner,
        members,
        head: _,
    } = room;
    let owner = owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(" of {owner}"));
    let were = if already { "are in" } else { "have joined" };
    format!("[You {were} {}{owner}. Member count={members}]", hall.name)
}

fn list(rooms: &[RoomListed]) -> Vec<String> {
    if rooms.is_empty() {
        return vec!["[There are no rooms.]".to_owned()];
    }
    let width = rooms
        .iter()
        .map(|room| room.name.as_str().len())
        .max()
        .unwrap_or(0);
    let line = |room: &RoomListed| {
        let owner = room.owner.as_ref().map_or("the server", Name::as_str);
        format!(
            "{:<width$}  {}/{} online, of {owner}",
            room.name.as_str(),
            room.online,
            room.members
        )
    };
    rooms.iter().map(line).collect()
}

fn members_of(room: &Name, members: &[Member]) -> Vec<String> {
    let heading = format!("[Members of {room}: {}]", members.len());
    let line = |member: &Member| {
        let status = if member.online { "online" } else { "offline" };
        format!("{:<32}  {status}", marked(&member.name, member.trust))
    };
    std::iter::once(heading).chain(members.iter().map(line)).collect()
}

fn news_of(room: &Name, time: &str, members: u32, news: &News) -> String {
    let what = match news {
        News::Joined { name } => format!("{name} has joined."),
        News::Left { name } => format!("{name} has left."),
        News::Kicked { name: Some(name) } => format!("{name} was shown the door."),
        News::Kicked { name: None } => "the owner has shown everybody the door.".to_owned(),
        News::Ended => return format!("{room}: Server: time={time} the room has ended."),
    };
    format!("{room}: Server: time={time} {what} Member count={members}")
}

fn not_done(command: &RoomCommand, why: &NotDone) -> String {
    let room = match command {
        RoomCommand::Create(room)
        | RoomCommand::Join(room)
        | RoomCommand::Leave(room)
        | RoomCommand::Members(room)
        | RoomCommand::Kick { room, .. } => room.as_str(),
        RoomCommand::List => "rooms",
    };
    let because = match why {
        NotDone::NotInside | NotDone::Refused(RoomRefusal::NotMember) => {
            "you are not in it. To enter it: roomjoin"
        }
        NotDone::Offline => "you are offline. To come back: reg",
        NotDone::NoServer => {
            return format!(
                "[{room}: the server does not answer, and whether it has done it is not known. Ask again when it does.]"
            );
        }
        NotDone::TooMany => "too many questions are open. Try again in a moment",
        NotDone::Refused(refusal) => refused(*refusal),
    };
    format!("[{room}: nothing has changed, {because}.]")
}

const fn refused(refusal: RoomRefusal) -> &'static str {
    match refusal {
        RoomRefusal::NameTaken => "there is a room of that name. To enter it: roomjoin",
        RoomRefusal::NameReserved => "no room may be called so; choose another name",
        RoomRefusal::NoSuchRoom => "there is no such room. To see which there are: roomlist",
        RoomRefusal::NotMember => "you are not in it",
        RoomRefusal::NotOwner => "it is not your room",
        RoomRefusal::NoSuchMember => "nobody of that name is in it",
        RoomRefusal::RoomFull => "it is full",
        RoomRefusal::TooManyRooms => "you have as many rooms as one may, or the server has",
        RoomRefusal::NoSuchPost => "nobody waits for that message",
        RoomRefusal::Storage => "the server cannot write to its disk. Try again later",
    }
}

#[cfg(test)]
#[path = "render_rooms_tests.rs"]
pub(super) mod tests;
