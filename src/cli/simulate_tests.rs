//! What each option of `udpchat simulate` changes, and what is said of a broken promise.

use clap::Parser;

use super::*;
use crate::clock::Instant;
use crate::simulation::{Invariant, Violation};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    flags: SimulateFlags,
}

fn check(options: &str) -> Result<SimulateOptions, String> {
    let line = format!("simulate --profile wifi {options}");
    Line::try_parse_from(line.split_whitespace())
        .unwrap()
        .flags
        .check()
}

/// The plan of one run of `wifi` with these options, and as it would be without any.
fn plans(options: &str) -> [Plan; 2] {
    [check(options).unwrap().plan(7).unwrap(), Profile::Wifi.plan(7)]
}

#[test]
fn each_option_changes_what_it_names_and_nothing_else() {
    type Change = fn(&mut Plan);
    let changes: [(&str, Change); 19] = [
        ("--clients 5", |plan| plan.clients = 5),
        ("--minutes 11", |plan| plan.minutes = 11),
        ("--messages 12", |plan| plan.trouble.messages = 12),
        ("--posts 24", |plan| plan.trouble.posts = 24),
        ("--posts 24 --rooms 9", |plan| {
            plan.trouble.posts = 24;
            plan.trouble.rooms = 9;
            plan.trouble.quarters.asks = 9;
        }),
        ("--status 25", |plan| plan.trouble.questions = 25),
        ("--handled", |plan| plan.trouble.receipts = Receipts::Handled),
        ("--partition 13", |plan| plan.trouble.partitions = 13),
        ("--crash 14", |plan| plan.trouble.crashes = 14),
        ("--attack 15", |plan| plan.trouble.attacks = 15),
        ("--no-registry", |plan| plan.registry = false),
        ("--delay 16", |plan| {
            plan.weather.delay = Duration::from_millis(16)
        }),
        ("--jitter 17", |plan| {
            plan.weather.jitter = Duration::from_millis(17)
        }),
        ("--duplicate 18", |plan| {
            plan.weather.duplicate = Chance::percent(18)
        }),
        ("--reorder 19", |plan| plan.weather.reorder = Chance::percent(19)),
        ("--corrupt 20", |plan| plan.weather.corrupt = Chance::percent(20)),
        ("--rate 21k", |plan| plan.weather.rate = Some(21_000)),
        ("--rate 22M", |plan| plan.weather.rate = Some(22_000_000)),
        ("--loss 23", |plan| {
            plan.weather.loss = Chance::percent(23);
            plan.weather.bursts = None;
        }),
    ];
    for (options, change) in changes {
        let [plan, mut expected] = plans(options);
        assert_ne!(plan, expected, "{options} changes something");
        change(&mut expected);
        assert_eq!(plan, expected, "{options}");
    }
}

#[test]
fn rooms_are_there_where_something_is_posted() {
    let why = check("--rooms 9").unwrap_err();
    assert!(why.contains("--rooms needs --posts"), "{why}");
}

#[test]
fn a_line_on_which_no_program_could_begin_is_refused() {
    for options in ["--delay 1250", "--rate 4k", "--delay 700 --rate 10k"] {
        let why = check(options).unwrap_err();
        assert!(why.contains("within 2500 ms"), "{options}: {why}");
    }
    for options in ["--delay 1200", "--rate 8k", "--delay 600 --rate 10k"] {
        assert!(check(options).is_ok(), "{options}");
    }
}

#[test]
fn a_broken_promise_is_told_with_its_seed_and_what_came_before() {
    let mut report = Report::default();
    report.violations.push(Violation {
        invariant: Invariant::InOrder,
        at: Instant::ZERO,
        what: "this came first".to_owned(),
    });
    let end = End {
        seed: 42,
        report,
        lines: vec!["an event".to_owned()],
    };
    let told = "\nseed 42:\n  in-order at 0.000000: this came first\n";
    assert_eq!(end.words(true), told);
    let events = "its last events (all of them: --trace):\n  an event\n";
    assert_eq!(end.words(false), format!("{told}{events}"));
}
