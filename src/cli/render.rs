//! Events of the client as lines of text: what happened, what it means for a message, what can be done.
//!
//! Pure: the same event gives the same lines; the zone of the times is handed in. Lines in brackets are the
//! program's; `name: text` is somebody's message.
//! Invariant: a line holds no control character; whatever was written by others goes through `sanitise`.

use std::fmt::Display;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::cli::commands::{self, Parsed};
use crate::cli::sanitise::escape;
use crate::cli::{
    marks, quiet, render_contacts, render_history, render_net, render_people, render_rooms, render_status,
    render_trace, render_users,
};
use crate::client::interface::{Ending, Event, Incoming, NotAccepted, Refusal, Road};
use crate::clock::WallTime;
use crate::id::{IdentityId, Name};
use crate::limits;
use crate::reserved::is_released;
use crate::wire::message::{DepositRefusal, RegistrationRefusal};

/// The offset of local time at a moment.
pub type OffsetAt = fn(OffsetDateTime) -> UtcOffset;

/// The machine's own zone; UTC where it has none.
pub fn local_offset(at: OffsetDateTime) -> UtcOffset {
    UtcOffset::local_offset_at(at).unwrap_or(UtcOffset::UTC)
}

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// `YYYY-MM-DD HH:MM:SS` in local time. A time that no calendar has is shown as its milliseconds.
pub fn timestamp(at: WallTime, offset_at: OffsetAt) -> String {
    formatted(at, offset_at, TIMESTAMP)
}

const TIME_OF_DAY: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// `HH:MM:SS` in local time.
pub(super) fn time_of_day(at: WallTime, offset_at: OffsetAt) -> String {
    formatted(at, offset_at, TIME_OF_DAY)
}

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[hour]:[minute]:[second].[subsecond digits:3]");

/// `HH:MM:SS.mmm` in local time.
pub(super) fn moment_of_day(at: WallTime, offset_at: OffsetAt) -> String {
    formatted(at, offset_at, MOMENT)
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// `YYYY-MM-DD` in local time.
pub(super) fn day(at: WallTime, offset_at: OffsetAt) -> String {
    formatted(at, offset_at, DATE)
}

fn formatted(at: WallTime, offset_at: OffsetAt, format: &[BorrowedFormatItem<'_>]) -> String {
    let nanos = i128::from(at.unix_ms()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|utc| utc.checked_to_offset(offset_at(utc)))
        .and_then(|local| local.format(format).ok())
        .unwrap_or_else(|| format!("{} ms", at.unix_ms()))
}

/// The lines of an event; none for what needs no words.
pub fn event(event: &Event, offset_at: OffsetAt) -> Vec<String> {
    let time = |at: &WallTime| timestamp(*at, offset_at);
    let line = match event {
        Event::Registered { returning: false } => "[Welcome, You are registered.]".to_owned(),
        Event::Registered { returning: true } => "[Welcome back, You are registered.]".to_owned(),
        Event::RegistrationRefused { name, reason } => refused_registration(name, reason),
        Event::Deregistered => "[You are Offline. Bye.]".to_owned(),
        Event::ServerSilent => "[Server not responding]".to_owned(),
        Event::ServerBack => "[The server is responding again.]".to_owned(),
        Event::Superseded => {
            "[You have registered from elsewhere; this client is offline and what you send here \
                              waits. To come back here: reg]"
                .to_owned()
        }
        Event::RegistryChanged { known, found } => return changed_registry(known, found),
        Event::TableUpdated => "[Client table updated.]".to_owned(),
        Event::HaveMessages => "[You have messages]".to_owned(),
        Event::Incoming(message) => incoming(message, offset_at),
        Event::Received { to } => format!("[Message received by {to}.]"),
        Event::NoAnswer { to } => format!("[No ACK from {to}, message sent to server.]"),
        Event::Offline { to } => format!("[{to} is offline, message sent to server.]"),
        Event::Stored { .. } => "[Messages received by the server and saved]".to_owned(),
        Event::ReceivedLater { to, sent_at } => format!("[Message of {} received by {to}.]", time(sent_at)),
        Event::Waiting { to } => {
            format!("[Message to {to} is waiting; it will be sent when {to} or the server can be reached.]")
        }
        Event::StoredAgain { messages } => stored_again(*messages),
        Event::Refused { to, sent_at, reason } => refused(to, &time(sent_at), reason),
        Event::Expired { to, sent_at } => format!(
            "[Message of {} to {to} has expired: it could not be delivered in time and is not tried any more.]",
            time(sent_at)
        ),
        Event::NotAccepted(reason) => not_accepted(reason),
        Event::Users(users) => return render_users::list(users, offset_at),
        Event::History(history) => return render_history::list(history, offset_at),
        Event::Forgotten(forgotten) => return render_history::forgotten(forgotten),
        Event::Status(status) => return render_status::list(status, offset_at),
        Event::Trace(trace) => return render_trace::list(trace, offset_at),
        Event::Net(net) => return render_net::list(net),
        Event::Fingerprint { whose, id, trust } => {
            return render_people::fingerprint(whose, id.as_ref(), *trust);
        }
        Event::Presence { name, online } => render_users::presence(name, *online),
        Event::PresenceTold { on } => render_users::told(*on),
        Event::Room(event) => return render_rooms::lines(event, offset_at),
        Event::People(event) => return render_people::lines(event, offset_at),
        Event::Contact(event) => return render_contacts::lines(event, offset_at),
        Event::IdentityChanged { name, known, found } => {
            return render_people::changed_identity(name, known, found);
        }
        Event::Trusted { name } => {
            format!("[The new identity of {name} is trusted; what waits for {name} is sent.]")
        }
        Event::Trouble(sentence) => format!("[Trouble: {}]", escape(sentence)),
        Event::Unanswered { why, .. } => format!("[Not answered: {}]", escape(why)),
        Event::Names(_)
        | Event::Accepted { .. }
        | Event::Renumbered { .. }
        | Event::Ended(Ending::Done | Ending::Refused) => {
            return Vec::new();
        }
        Event::Ended(Ending::ServerSilent | Ending::Unreached | Ending::Port | Ending::Storage) => {
            "[Exiting]".to_owned()
        }
    };
    vec![line]
}

fn refused(to: &Name, sent_at: &str, reason: &Refusal) -> String {
    match reason {
        Refusal::NoSuchName | Refusal::Registry(DepositRefusal::NoSuchName) => {
            format!("[No such user: {to}]")
        }
        reason => format!(
            "[Message of {sent_at} to {to} was refused: {}]",
            refusal(reason, to)
        ),
    }
}

/// Why the screen is not filled.
pub(super) const NO_SCREEN: &str =
    "There is no screen to fill: that needs a terminal at both ends, and one that can be drawn on.";

/// The answer to a line that was no command for the client; none if there is nothing to say.
pub fn answer(parsed: &Parsed) -> Vec<String> {
    match parsed {
        Parsed::Nothing | Parsed::Command(_) | Parsed::Focus(_) => Vec::new(),
        Parsed::Help(topic) => commands::help(*topic),
        Parsed::Answer(lines) => lines.clone(),
        Parsed::NotSelf(verb) => vec![format!("[You can only {verb} yourself.]")],
        Parsed::TooLarge(bytes) => vec![not_accepted(&NotAccepted::TooLarge(*bytes))],
        Parsed::Quiet(on) => vec![quiet::answer(*on)],
        Parsed::FullScreen => vec![format!("[{NO_SCREEN}]")],
        Parsed::Wrong(hint) => vec!["[Wrong input]".to_owned(), escape(hint).into_owned()],
    }
}

fn incoming(message: &Incoming, offset_at: OffsetAt) -> String {
    let (from, text) = (marks::writer(message), escape(&message.text));
    match &message.road {
        Road::Direct => format!("{from}: {text}"),
        Road::Stored | Road::Late => format!("{from}: {} {text}", timestamp(message.sent_at, offset_at)),
        Road::Room { name, before: false } => format!("{name}: {from}: {text}"),
        Road::Room { name, before: true } => {
            format!("{name}: {from}: {} {text}", timestamp(message.sent_at, offset_at))
        }
    }
}

fn refused_registration(name: &Name, reason: &RegistrationRefusal) -> String {
    match reason {
        RegistrationRefusal::NameTaken => format!("[The nickname {name} is taken.]"),
        RegistrationRefusal::NameReserved => {
            format!("[The nickname {name} is reserved; choose another one.]")
        }
        RegistrationRefusal::CounterBehind { .. } => {
            "[Another copy of this identity has registered since; use one \
                                                      copy only. To register this one: reg]"
                .to_owned()
        }
        RegistrationRefusal::OtherName { name: other } if is_released(other) => {
            "[The server's operator has released this identity's name, and it cannot have another there. Start under \
             another name, or move this client's folder away: either makes a new identity.]"
                .to_owned()
        }
        RegistrationRefusal::OtherName { name: other } => {
            format!("[This identity is registered as {other}; an identity has one name.]")
        }
        RegistrationRefusal::Full => {
            "[The server takes no more new names for now; try again in an hour, or ask its operator.]"
                .to_owned()
        }
        RegistrationRefusal::NotAdmitted => {
            "[The server does not admit you; its operator decides who may register.]".to_owned()
        }
    }
}

pub(super) fn refusal(reason: &Refusal, to: &impl Display) -> String {
    let registry = match reason {
        Refusal::Registry(reason) => reason,
        Refusal::NoSuchName => &DepositRefusal::NoSuchName,
        Refusal::Oneself => return "that is yourself.".to_owned(),
        Refusal::Skipped => return format!("{to} was told that it would not come. Send it again."),
        Refusal::Unproven => {
            return format!(
                "the server has an answer from {to} that proves nothing. Ask {to} whether it came."
            );
        }
    };
    match registry {
        DepositRefusal::NoSuchName => "nobody has that name.".to_owned(),
        DepositRefusal::IdentityChanged => format!(
            "the name {to} belongs to another identity than the one it was written to: {to} has begun anew, or somebody has taken \
             the name over. Nobody was given it. Ask {to} by another way, then look: fingerprint {to}."
        ),
        DepositRefusal::MailboxFull => {
            format!("the mailbox of {to} is full. Send it again when {to} is online.")
        }
        DepositRefusal::SenderFull => {
            format!("too much from you waits for {to} already. Send it again when {to} has been online.")
        }
        DepositRefusal::RegistryFull => {
            "the server keeps no more messages for now. Send it again later.".to_owned()
        }
        DepositRefusal::NotYours => "the server says that it is not from you.".to_owned(),
        DepositRefusal::Malformed => "the server cannot read it.".to_owned(),
        DepositRefusal::Released => format!("the name {to} was given up."),
        DepositRefusal::NoSuchRoom => "there is no such room any more.".to_owned(),
        DepositRefusal::NotMember => format!("you are not in it. To enter it: roomjoin {to}."),
    }
}

pub(super) fn not_accepted(reason: &NotAccepted) -> String {
    match reason {
        NotAccepted::TooLarge(bytes) => format!(
            "[Message not sent: it has {bytes} bytes, and at most {} are allowed.]",
            limits::BODY_BYTES_MAX
        ),
        NotAccepted::ToSelf => "[Message not sent: it is to yourself.]".to_owned(),
        NotAccepted::NotInside(room) => {
            format!("[Message not sent: you are not in {room}. To enter it: roomjoin {room}]")
        }
        NotAccepted::TooManyAddresses => format!(
            "[Message not sent: you have written to {} addresses in this run, and to more it takes another.]",
            limits::LISTED_MAX
        ),
        NotAccepted::Ambiguous { name, address } => format!(
            "[Message not sent: at {address} is somebody who calls himself {name}, and at the server that may be another. To write \
             to him: send {address} <text>]"
        ),
        NotAccepted::OutboxFull => format!(
            "[Message not sent: too much waits already (at most {} messages, {} MiB). Try again when some have \
             arrived.]",
            limits::OUTBOX_MESSAGES_MAX,
            limits::OUTBOX_BYTES_MAX >> 20
        ),
        NotAccepted::Storage(sentence) => {
            format!(
                "[Message not sent: {}. Send it again when that is mended.]",
                escape(sentence)
            )
        }
        NotAccepted::NoChange => "[Nothing to do: it is so already.]".to_owned(),
        NotAccepted::NothingToTrust => {
            "[Nothing has changed: no identity with that fingerprint was seen under that name.]".to_owned()
        }
        NotAccepted::BlockedFull => format!(
            "[Not blocked: {} are, and more cannot be. To see them: blocked; to make room: unblock <name>]",
            limits::BLOCKED_MAX
        ),
        NotAccepted::Leaving => "[Not done: leaving is under way; try again when it is done.]".to_owned(),
    }
}

fn stored_again(messages: u64) -> String {
    let what = if messages == 1 {
        "1 stored message waits and is".to_owned()
    } else {
        format!("{messages} stored messages wait and are")
    };
    format!(
        "[The server may not have them any more: it was restored, or there is another copy of you; {what} to be sent again.]"
    )
}

fn changed_registry(known: &IdentityId, found: &IdentityId) -> Vec<String> {
    vec![
        "[The server is not the one you know: its key has changed. Nothing was sent to it.]".to_owned(),
        format!("  known: {}", known.fingerprint()),
        format!("  found: {}", found.fingerprint()),
        "  It may have been set up anew, or somebody poses as it. Ask its operator for the fingerprint.".to_owned(),
        "  If the new one is right: move the files database.sqlite* out of your folder (udpchat --help says where);"
            .to_owned(),
        "  they belong to the old server. You stay who you are: that is in the file identity.".to_owned(),
    ]
}

#[cfg(test)]
#[path = "render_tests.rs"]
pub(super) mod tests;
