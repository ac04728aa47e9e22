//! The object that `trace` is answered with: a message and its way. What each field means is in `docs/json.schema.json`.
//!
//! Invariant: as `json`'s.

use std::time::Duration;

use serde::Serialize;

use super::json_history::Kept;
use super::json_net::ms;
use super::json_objects::timestamp;
use super::json_words as words;
use crate::client::interface::{self as client, Record, Refusal, Trace, Via, What};
use crate::client::storage::{Finish, Reach};
use crate::client::to::To;

/// A message, where it is, and what was noted of its way.
#[derive(Debug, Serialize)]
pub(super) struct Way<'a> {
    message: Option<Kept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    road: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'static str>,
    whole: bool,
    steps: Vec<Step>,
    omitted: u64,
    sent: u32,
    deposited: u32,
}

/// A step. Spans are in milliseconds.
#[derive(Debug, Default, Serialize)]
struct Step {
    step: &'static str,
    at: String,
    after_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    road: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    /// So many have it …
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u32>,
    /// … of so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u32>,
}

impl<'a> Way<'a> {
    pub(super) fn of(trace: &'a Trace) -> Self {
        let message = trace.message.as_ref();
        let record = trace.record.as_ref();
        Self {
            message: message.map(|message| Kept::of(message, &trace.own)),
            road: message.and_then(|message| match (&message.way, &message.with) {
                (client::Way::Out { .. }, _) => None,
                (client::Way::In { .. }, To::Room(_)) => Some("room"),
                (client::Way::In { stored: true, .. }, _) => Some("server"),
                (client::Way::In { stored: false, .. }, _) => Some("direct"),
            }),
            standing: trace.standing.map(words::standing),
            whole: record.is_some_and(Record::is_whole),
            steps: record.map(Step::all).unwrap_or_default(),
            omitted: record.map_or(0, |record| record.omitted),
            sent: record.map_or(0, |record| record.sent),
            deposited: record.map_or(0, |record| record.deposited),
        }
    }
}

const fn road(via: Via) -> Option<&'static str> {
    Some(match via {
        Via::Peer => "direct",
        Via::Registry => "server",
    })
}

fn in_ms(span: Option<Duration>) -> Option<f64> {
    span.map(ms)
}

impl Step {
    fn all(record: &Record) -> Vec<Self> {
        let first = record.steps.first().map(|step| step.at);
        let steps = record.steps.iter().map(|step| Self {
            at: timestamp(step.wall),
            after_ms: ms(step.at.since(first.unwrap_or(step.at))),
            ..Self::of(step.what)
        });
        steps.collect()
    }

    fn of(what: What) -> Self {
        let step = Self {
            step: word(what),
            ..Self::default()
        };
        match what {
            What::Sent { attempt, rtt } => Self {
                road: road(Via::Peer),
                attempt: Some(attempt),
                rtt_ms: in_ms(rtt),
                ..step
            },
            What::Deposited { attempt, rtt } => Self {
                road: road(Via::Registry),
                attempt: Some(attempt),
                rtt_ms: in_ms(rtt),
                ..step
            },
            What::Unanswered { silent } => Self {
                silent_ms: in_ms(silent),
                ..step
            },
            What::Kept { within } => Self {
                within_ms: in_ms(within),
                ..step
            },
            What::Declined(reason) => Self {
                reason: Some(words::refusal(&Refusal::Registry(reason))),
                ..step
            },
            What::PutOff { by, reason, pause } => Self {
                road: road(by),
                reason: Some(words::busy(reason)),
                pause_ms: Some(ms(pause)),
                ..step
            },
            What::Answered { via, at, within } => Self {
                road: road(via),
                received_at: Some(timestamp(at)),
                within_ms: in_ms(within),
                ..step
            },
            What::Came { via } | What::Receipted { via } => Self {
                road: road(via),
                ..step
            },
            What::Ended(Finish::Refused(reason)) => Self {
                reason: Some(words::refusal(&reason)),
                ..step
            },
            What::Ended(Finish::Reached(Reach { received, of })) => Self {
                received: Some(received),
                of: Some(of),
                ..step
            },
            _ => step,
        }
    }
}

const fn word(what: What) -> &'static str {
    match what {
        What::Accepted => "accepted",
        What::Resumed => "resumed",
        What::Called => "called",
        What::Unreached => "unreached",
        What::Away => "away",
        What::Follows => "follows",
        What::Sent { .. } => "sent",
        What::Unanswered { .. } => "unanswered",
        What::SessionLost => "session-lost",
        What::Deposited { .. } => "deposited",
        What::Kept { .. } => "kept",
        What::Inquired => "inquired",
        What::Declined(_) => "declined",
        What::PutOff { .. } => "put-off",
        What::RegistryGone => "server-gone",
        What::Waits => "waits",
        What::Stranded => "stranded",
        What::Renumbered => "renumbered",
        What::Answered { .. } | What::Ended(Finish::Delivered) => "delivered",
        What::Ended(Finish::Reached(_)) => "reached",
        What::Ended(Finish::Refused(_)) => "refused",
        What::Ended(Finish::Expired) => "expired",
        What::Came { .. } => "came",
        What::NotCommitted => "not-committed",
        What::Committed => "committed",
        What::Known => "known",
        What::Receipted { .. } => "receipted",
        What::Shown => "shown",
    }
}
