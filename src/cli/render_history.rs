//! Messages that are kept, as lines: a line where a day begins, then one for each message.
//!
//! In the order in which they came to be here, each with its number and the time at which it was written; and, where that is
//! noticeably another, when it arrived. Pure. Invariants: as `render`'s; what a line says beside the text stands before it, where the
//! text cannot forge it.

use std::time::Duration;

use super::marks::marked;
use super::render::{OffsetAt, day, refusal, time_of_day, timestamp};
use super::sanitise::escape;
use crate::client::interface::{Forgotten, History, Recorded, Subject, Trust, Way};
use crate::client::storage::{Finish, State};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::id::Name;

/// Two clocks may differ so much, or a message take so long, without its being worth a word.
const NOTICEABLE: Duration = Duration::from_secs(60);

/// What they are about, then they.
pub(super) fn list(history: &History, offset_at: OffsetAt) -> Vec<String> {
    let mut lines = vec![heading(history)];
    let numbers: Vec<String> = history.messages.iter().map(number).collect();
    let width = numbers.iter().map(String::len).max().unwrap_or(0);
    let mut today = None;
    for (message, number) in history.messages.iter().zip(numbers) {
        let date = day(message.at(), offset_at);
        if today.as_ref() != Some(&date) {
            lines.push(format!("--- {date}"));
            today = Some(date);
        }
        let line = line(message, history, offset_at);
        lines.push(format!("{number:>width$} {line}"));
    }
    lines
}

/// By what a message is asked for: what went and what came is counted each for itself.
fn number(message: &Recorded) -> String {
    match message.way {
        Way::Out { .. } => written(message.number),
        Way::In { .. } => received(message.number),
    }
}

/// The number of one that we wrote.
pub(super) fn written(number: u64) -> String {
    format!(">{number}")
}

/// The number of one that came.
pub(super) fn received(number: u64) -> String {
    format!("<{number}")
}

fn heading(history: &History) -> String {
    let whose = match &history.subject {
        Subject::All => String::new(),
        Subject::With(partner) => format!(" with {partner}"),
        Subject::Words(words) => format!(" with '{}'", escape(words)),
    };
    match (history.messages.len(), history.earlier.is_some()) {
        (0, _) => format!("[No messages{whose} are kept.]"),
        (shown, false) => format!("[Messages{whose}: {shown}]"),
        (shown, true) => format!("[Messages{whose}, the last {shown} of them:]"),
    }
}

fn line(message: &Recorded, history: &History, offset_at: OffsetAt) -> String {
    let is_known = matches!(history.subject, Subject::With(_));
    let head = head(message, &history.own, is_known, offset_at);
    format!("{head}: {}", escape(&message.text))
}

/// What is said of a message before its text; `is_known`: with whom it was exchanged.
pub(super) fn head(message: &Recorded, own: &Name, is_known: bool, offset_at: OffsetAt) -> String {
    let time = moment(message.sent_at, message.at(), offset_at);
    let who = who(message, message.trust, own, is_known);
    let more = match &message.way {
        Way::In { received_at, .. } if differs(message.sent_at, *received_at) => {
            format!(" (arrived {})", time_of_day(*received_at, offset_at))
        }
        Way::In { .. } => String::new(),
        Way::Out { .. } => format!(" ({})", fate(message, offset_at)),
    };
    format!("{time} {who}{more}")
}

/// The time of day, on the day that it is told under.
fn moment(at: WallTime, under: WallTime, offset_at: OffsetAt) -> String {
    if day(at, offset_at) == day(under, offset_at) {
        time_of_day(at, offset_at)
    } else {
        timestamp(at, offset_at)
    }
}

fn differs(one: WallTime, other: WallTime) -> bool {
    one.since(other).max(other.since(one)) > NOTICEABLE
}

/// Who wrote it; and to whom, or where, unless that is what the list is about.
pub(super) fn who(message: &Recorded, trust: Trust, own: &Name, is_known: bool) -> String {
    let (writer, is_ours) = match &message.way {
        Way::In { from, .. } => (marked(from, trust), false),
        Way::Out { .. } => (own.to_string(), true),
    };
    match &message.with {
        _ if is_known => writer,
        To::Room(hall) => format!("#{}: {writer}", hall.name),
        to if is_ours => format!("{writer} to {}", marked(to, trust)),
        _ => writer,
    }
}

/// Where a message of ours is.
pub(super) fn fate(message: &Recorded, offset_at: OffsetAt) -> String {
    let Way::Out { state, ended_at, .. } = &message.way else {
        return String::new();
    };
    let later = ended_at.filter(|ended| differs(message.sent_at, *ended));
    let when = later.map_or_else(String::new, |at| {
        format!(" {}", moment(at, message.at(), offset_at))
    });
    match state {
        State::Waiting => "waiting".to_owned(),
        State::Stored => "at the server".to_owned(),
        State::Ended(Finish::Delivered) => format!("received{when}"),
        State::Ended(Finish::Reached(reach)) => format!("received by {} of {}", reach.received, reach.of),
        State::Ended(Finish::Expired) => format!("expired{when}"),
        State::Ended(Finish::Refused(reason)) => {
            let why = refusal(reason, &message.with);
            format!("refused{when}: {}", why.trim_end_matches('.'))
        }
    }
}

/// That it is removed.
pub(super) fn forgotten(forgotten: &Forgotten) -> Vec<String> {
    let Forgotten { with, removed, kept } = forgotten;
    let mut lines = vec![format!("[Messages with {with} that are forgotten: {removed}]")];
    if *kept > 0 {
        lines.push(format!(
            "[Not forgotten, because they are under way or not shown yet: {kept}; forget again when they are not]"
        ));
    }
    lines
}

#[cfg(test)]
#[path = "render_history_tests.rs"]
pub(in crate::cli) mod tests;
