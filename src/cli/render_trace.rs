//! What has happened to a message, as lines: where it is, what it says, a line for each step, and what is not known.
//!
//! Pure. Invariants: as `render`'s; what a line says beside the message's text stands before it, where the text cannot forge it.

use std::time::Duration;

use super::render::{OffsetAt, day, moment_of_day, refusal, timestamp};
use super::render_history::{fate, received, written};
use super::render_net::span;
use super::render_status::{partner, place};
use super::sanitise::escape;
use crate::client::interface::{One, Record, Recorded, Refusal, Trace, Via, Way, What, Which};
use crate::client::storage::{Finish, Reach};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::wire::message::BusyReason;

/// So much of a text tells it from others.
const TEXT_CHARS: usize = 40;

/// Where it is, then all that is known of its way.
pub(super) fn list(trace: &Trace, offset_at: OffsetAt) -> Vec<String> {
    let Some(message) = &trace.message else {
        return vec![nothing(&trace.which)];
    };
    let nothing_noted = Record::default();
    let record = trace.record.as_ref().unwrap_or(&nothing_noted);
    let mut lines = vec![heading(message, trace, offset_at), text(message, offset_at)];
    let mut rows = kept(message, record, offset_at);
    let first = record.steps.first().map(|first| first.at);
    rows.extend(record.steps.iter().enumerate().map(|(index, step)| Row {
        at: step.wall,
        after: first.map(|first| step.at.since(first)).filter(|_| index > 0),
        words: words(step.what, message, offset_at),
    }));
    let omitted = (record.omitted > 0).then(|| {
        let place = rows.len() - record.steps.len() + Record::FIRST;
        (place, omission(record))
    });
    lines.extend(table(rows, omitted.as_ref(), message.sent_at, offset_at));
    lines.extend(unknown(message, trace.record.as_ref()));
    lines
}

fn nothing(which: &Which) -> String {
    match which {
        Which::Last(None) => "[You have written nothing that is kept.]".to_owned(),
        Which::Last(Some(partner)) => format!("[You have written nothing to {partner} that is kept.]"),
        Which::One(One::Written(number)) => format!("[No message {} is kept.]", written(*number)),
        Which::One(One::Received(number)) => format!("[No message {} is kept.]", received(*number)),
        Which::One(One::Called(id)) => format!("[No message {id} is kept.]"),
    }
}

fn heading(message: &Recorded, trace: &Trace, offset_at: OffsetAt) -> String {
    let with = partner(&message.with);
    match &message.way {
        Way::Out { .. } => {
            let number = written(message.number);
            let whereabouts = match trace.standing {
                Some(standing) => place(&message.with, standing),
                None => fate(message, offset_at),
            };
            format!("[Message {number} to {with}: {whereabouts}]")
        }
        Way::In {
            from,
            received_at,
            stored,
        } => {
            let number = received(message.number);
            let at = timestamp(*received_at, offset_at);
            let road = match &message.with {
                To::Room(_) => format!("posted in {with}"),
                _ if *stored => "by way of the server".to_owned(),
                _ => "directly".to_owned(),
            };
            format!("[Message {number} from {from}: here since {at}, {road}]")
        }
    }
}

/// When it was written, and its beginning.
fn text(message: &Recorded, offset_at: OffsetAt) -> String {
    let at = timestamp(message.sent_at, offset_at);
    let whose = match &message.way {
        Way::Out { .. } => String::new(),
        Way::In { from, .. } => format!(" by the clock of {from}"),
    };
    let text: String = message.text.chars().take(TEXT_CHARS).collect();
    let more = if text.len() < message.text.len() {
        "…"
    } else {
        ""
    };
    format!("  written {at}{whose}: {}{more}", escape(&text))
}

/// A line with a time.
struct Row {
    at: WallTime,
    /// How long after the first step.
    after: Option<Duration>,
    words: String,
}

/// What of its way the database knows, where this run has not noted it.
fn kept(message: &Recorded, record: &Record, offset_at: OffsetAt) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |at, words: String| {
        rows.push(Row {
            at,
            after: None,
            words,
        });
    };
    let notes_that_it_is_kept = record
        .steps
        .iter()
        .any(|step| matches!(step.what, What::Kept { .. }));
    match &message.way {
        _ if record.is_whole() => {}
        Way::Out {
            stored_at, ended_at, ..
        } => {
            if let Some(at) = stored_at.filter(|_| !notes_that_it_is_kept) {
                add(at, "the server keeps it".to_owned());
            }
            if let Some(at) = ended_at.filter(|_| record.steps.is_empty()) {
                add(at, fate(message, offset_at));
            }
        }
        Way::In { received_at, .. } => add(*received_at, "on your disk".to_owned()),
    }
    rows
}

/// The rows, with a line where another day begins than the one before, and one for what is left out.
fn table(
    rows: Vec<Row>,
    omitted: Option<&(usize, String)>,
    written: WallTime,
    offset_at: OffsetAt,
) -> Vec<String> {
    let spans: Vec<String> = rows
        .iter()
        .map(|row| {
            row.after
                .map_or_else(String::new, |after| format!("+{}", span(after)))
        })
        .collect();
    let width = spans.iter().map(|span| span.chars().count()).max().unwrap_or(0);
    let mut today = day(written, offset_at);
    let mut lines = Vec::new();
    for (index, (row, span)) in rows.into_iter().zip(spans).enumerate() {
        if let Some((_, line)) = omitted.filter(|(place, _)| *place == index) {
            lines.push(format!("  {line}"));
        }
        let date = day(row.at, offset_at);
        if date != today {
            lines.push(format!("--- {date}"));
            today = date;
        }
        let moment = moment_of_day(row.at, offset_at);
        lines.push(format!("  {moment}  {span:>width$}  {}", row.words));
    }
    lines
}

fn omission(record: &Record) -> String {
    let Record {
        omitted,
        sent,
        deposited,
        ..
    } = record;
    format!("… {omitted} more steps; in all {sent} attempts directly, {deposited} at the server")
}

/// What is said of a step.
fn words(what: What, message: &Recorded, offset_at: OffsetAt) -> String {
    let to = partner(&message.with);
    match what {
        What::Accepted | What::Committed => "on your disk".to_owned(),
        What::Resumed => "an earlier run had it on your disk; what that run did is not noted".to_owned(),
        What::Called => format!("{to} is called"),
        What::Unreached => format!("no session with {to} is to be had"),
        What::Away => format!("{to} is offline, as the server says"),
        What::Follows => "an earlier one is at the server: it follows".to_owned(),
        What::Sent { attempt, rtt } => format!("sent to {to}, attempt {attempt}{}", round_trip(rtt)),
        What::Unanswered { silent } => unanswered(&to, silent),
        What::SessionLost => format!("the session with {to} is over: it has arrived, or not"),
        What::Deposited { attempt, rtt } => {
            format!("given to the server, attempt {attempt}{}", round_trip(rtt))
        }
        What::Kept { within } => format!("the server keeps it{}", later(within)),
        What::Inquired => "the server is asked whether it has it still".to_owned(),
        What::Declined(reason) => {
            let why = refusal(&Refusal::Registry(reason), &to);
            format!("the server does not take it now: {}", why.trim_end_matches('.'))
        }
        What::PutOff { by, reason, pause } => {
            let who = match by {
                Via::Peer => to.as_str(),
                Via::Registry => "the server",
            };
            format!("{who} asks to come again in {}: {}", span(pause), busy(reason))
        }
        What::RegistryGone => "the server is gone, and has not answered".to_owned(),
        What::Waits => "waits: nobody can take it".to_owned(),
        What::Stranded => "the server may not have it any more: it is given to it again".to_owned(),
        What::Renumbered => "its number is another's there: it has a new one".to_owned(),
        What::Answered { via, at, within } => {
            let road = match via {
                Via::Peer => "directly",
                Via::Registry => "by the server",
            };
            let there = clock(at, message.sent_at, offset_at);
            format!("receipt {road}{} ({there} by the clock of {to})", later(within))
        }
        What::Ended(end) => ended(end, &to),
        What::Came { via } => match (via, &message.with) {
            (Via::Peer, _) => "it came directly".to_owned(),
            (Via::Registry, To::Room(_)) => format!("it came in its turn in {to}"),
            (Via::Registry, _) => "it came from the server".to_owned(),
        },
        What::NotCommitted => "your disk did not take it: it has to come again".to_owned(),
        What::Known => "it was here already, and is not shown again".to_owned(),
        What::Receipted { via } => match via {
            Via::Peer => "receipt sent directly".to_owned(),
            Via::Registry => "receipt sent to the server".to_owned(),
        },
        What::Shown => "shown".to_owned(),
    }
}

fn round_trip(rtt: Option<Duration>) -> String {
    rtt.map_or_else(String::new, |rtt| format!(" (round trip {})", span(rtt)))
}

fn later(within: Option<Duration>) -> String {
    within.map_or_else(String::new, |within| format!(", after {}", span(within)))
}

fn unanswered(to: &str, silent: Option<Duration>) -> String {
    match silent {
        Some(silent) => format!("no receipt in time; last heard of {to} {} before", span(silent)),
        None => "no receipt in time".to_owned(),
    }
}

fn ended(end: Finish, to: &str) -> String {
    match end {
        Finish::Delivered => format!("everybody in {to} has it"),
        Finish::Reached(Reach { received, of }) => {
            format!("{received} of {of} in {to} have it, and nobody else will")
        }
        Finish::Refused(reason) => format!("refused: {}", refusal(&reason, &to).trim_end_matches('.')),
        Finish::Expired => "expired: its time is over".to_owned(),
    }
}

const fn busy(reason: BusyReason) -> &'static str {
    match reason {
        BusyReason::Rate => "that was too much at once",
        BusyReason::Storage => "the disk there took nothing",
        BusyReason::Overload => "there is no room now",
        BusyReason::UnknownSender => "who you are cannot be told there now",
        BusyReason::Unhandled => "it is there, and not handled yet",
    }
}

/// A time of somebody else's clock, which may be on another day.
fn clock(at: WallTime, under: WallTime, offset_at: OffsetAt) -> String {
    if day(at, offset_at) == day(under, offset_at) {
        moment_of_day(at, offset_at)
    } else {
        timestamp(at, offset_at)
    }
}

/// What is not known, and who would know it.
fn unknown(message: &Recorded, record: Option<&Record>) -> Vec<String> {
    let mut lines = Vec::new();
    let was_kept = match &message.way {
        Way::Out { stored_at, .. } => stored_at.is_some(),
        Way::In { .. } => false,
    };
    if was_kept && matches!(message.with, To::Peer(_)) {
        lines.push("  Not known: when the server forwarded it, and how often.");
    }
    let is_whole = record.is_some_and(Record::is_whole);
    lines.extend(match (&message.way, record) {
        (Way::In { .. }, _) if is_whole => Some("  Not known: what was tried before it came."),
        (Way::In { .. }, _) => {
            Some("  Not noted: how it came. That was in an earlier run, or many have come since.")
        }
        (Way::Out { .. }, None) => {
            Some("  Not noted: how it went. That was in an earlier run, or many have ended since.")
        }
        (Way::Out { .. }, Some(_)) => None,
    });
    lines.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "render_trace_tests.rs"]
pub(in crate::cli) mod tests;
