//! The figures of simulated runs: a table for people, and one JSON object for programs.
//!
//! Pure. Invariant: both say the same.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use crate::simulation::{Profile, Report};

/// A table, a figure a line.
pub(super) fn table(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: String| text.push_str(&format!("{what:<34}{value:>14}\n"));
    line("messages accepted", grouped(report.accepted));
    line("  delivered directly", grouped(report.direct));
    line(
        "  delivered through the registry",
        grouped(report.through_registry),
    );
    line("  expired", grouped(report.expired));
    line("  refused", grouped(report.refused));
    line("posted to rooms", grouped(report.posted));
    line("  received by members", grouped(report.posts_received));
    line("duplicates suppressed", grouped(report.duplicates));
    line("lines shown again after a crash", grouped(report.repeated));
    line("datagrams", grouped(report.traffic.datagrams));
    line(
        "  for each delivered message",
        each(report.traffic.datagrams, report),
    );
    line("bytes", grouped(report.traffic.bytes));
    line("  for each delivered message", each(report.traffic.bytes, report));
    line(
        "datagrams lost on the way",
        grouped(report.traffic.lost + report.traffic.queue_full),
    );
    line("retransmissions", grouped(report.sessions.retransmitted));
    line(
        "packets wrongly taken for lost",
        grouped(report.sessions.spurious_losses),
    );
    line("copies sent in advance", grouped(report.sessions.copies));
    line("time to delivered, p50", span(report.delivery.quantile(50)));
    line("  p99", span(report.delivery.quantile(99)));
    line("  the longest", span(report.delivery.longest()));
    line("time to all ended, the longest", span(report.healed));
    line(
        "violations",
        grouped(report.violations.len().try_into().unwrap_or(u64::MAX)),
    );
    text
}

/// The same as a JSON object. Times are in milliseconds.
///
/// `found`: the seed that found something, and the last lines of its history.
pub(super) fn json(
    report: &Report,
    profile: Profile,
    seeds: &Range<u64>,
    found: Option<(u64, &[String])>,
) -> Value {
    let ms = |span: Option<Duration>| span.map(|span| span.as_secs_f64() * 1_000.0);
    let share = |total| {
        tenths(total, report)
            .and_then(|tenths| u32::try_from(tenths).ok())
            .map(|tenths| f64::from(tenths) / 10.0)
    };
    let violations: Vec<Value> = report
        .violations
        .iter()
        .map(|violation| {
            json!({
                "invariant": violation.invariant.name(),
                "at_ms": violation.at.as_micros() / 1_000,
                "what": violation.what,
            })
        })
        .collect();
    json!({
        "seed": seeds.start,
        "runs": report.runs,
        "profile": profile.name(),
        "accepted": report.accepted,
        "delivered_directly": report.direct,
        "delivered_through_registry": report.through_registry,
        "expired": report.expired,
        "refused": report.refused,
        "posted": report.posted,
        "posts_received": report.posts_received,
        "duplicates_suppressed": report.duplicates,
        "lines_shown_again": report.repeated,
        "datagrams": report.traffic.datagrams,
        "bytes": report.traffic.bytes,
        "datagrams_lost": report.traffic.lost + report.traffic.queue_full,
        "datagrams_per_message": share(report.traffic.datagrams),
        "bytes_per_message": share(report.traffic.bytes),
        "retransmissions": report.sessions.retransmitted,
        "spurious_losses": report.sessions.spurious_losses,
        "copies": report.sessions.copies,
        "delivered_ms": {
            "p50": ms(report.delivery.quantile(50)),
            "p99": ms(report.delivery.quantile(99)),
            "max": ms(report.delivery.longest()),
        },
        "healed_ms": ms(report.healed),
        "violations": violations,
        "violated_seed": found.map(|(seed, _)| seed),
        "last_events": found.map(|(_, lines)| lines),
    })
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share of each delivered message, to a tenth.
fn each(total: u64, report: &Report) -> String {
    match tenths(total, report) {
        None => "-".to_owned(),
        Some(tenths) => format!("{}.{}", grouped(tenths / 10), tenths % 10),
    }
}

/// Tenths of a share of each delivered message; `None` if there is none.
fn tenths(total: u64, report: &Report) -> Option<u64> {
    total.saturating_mul(10).checked_div(report.delivered())
}

fn span(span: Option<Duration>) -> String {
    match span {
        None => "-".to_owned(),
        Some(span) if span < Duration::from_secs(1) => format!("{:.1} ms", span.as_secs_f64() * 1_000.0),
        Some(span) => format!("{:.1} s", span.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn nothing_delivered_has_no_share() {
        let table = table(&Report::default());
        assert!(table.contains("-"), "{table}");
        let value = json(&Report::default(), Profile::Lan, &(3..4), None);
        assert_eq!(value["seed"], 3);
        assert!(value["delivered_ms"]["p50"].is_null() && value["bytes_per_message"].is_null());
    }

    #[test]
    fn what_was_sent_again_is_in_both() {
        let mut report = Report {
            direct: 4,
            healed: Some(Duration::from_secs(90)),
            ..Report::default()
        };
        report.traffic.datagrams = 10;
        report.sessions.retransmitted = 1_234;
        report.sessions.copies = 56;
        report.sessions.spurious_losses = 7;
        let table = table(&report);
        let shown = |what: &str| {
            let line = table.lines().find(|line| line.starts_with(what)).unwrap();
            line.split_whitespace().last().unwrap().to_owned()
        };
        assert_eq!(shown("retransmissions"), "1,234");
        assert_eq!(shown("copies"), "56");
        assert_eq!(shown("packets wrongly"), "7");
        let value = json(&report, Profile::Lan, &(3..4), None);
        assert_eq!(
            (&value["retransmissions"], &value["copies"]),
            (&json!(1_234), &json!(56))
        );
        assert_eq!(value["datagrams_per_message"], 2.5);
        assert_eq!(value["spurious_losses"], 7);
        assert_eq!(shown("time to all ended"), "s");
        assert_eq!(value["healed_ms"], 90_000.0);
        assert!(value["violated_seed"].is_null() && value["last_events"].is_null());
        let found = ["one".to_owned(), "two".to_owned()];
        let value = json(&report, Profile::Lan, &(3..4), Some((3, &found)));
        assert_eq!(
            (&value["violated_seed"], &value["last_events"]),
            (&json!(3), &json!(["one", "two"]))
        );
    }
}
