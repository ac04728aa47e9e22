//! What was accepted, against what was shown: databases and screens, once all programs have ended.
//!
//! Truth is read from copies of the databases. Each text is a number that nobody else sent, and grows.
//! Invariant: nothing here runs or changes anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use udpchat::limits::HOLD_BACK;

use crate::player::{Line, Player};

/// How long a line that is on the screen may stay unmarked, on a busy machine.
const MARKING_MS: u64 = 5_000;
/// Lines read this close together were written together.
const TOGETHER_MS: u64 = 250;

/// The verdict.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) accepted: usize,
    pub(crate) repeated: usize,
    pub(crate) late: usize,
    pub(crate) faults: Vec<String>,
}

/// Rows of text columns; an error is for whoever looks at a database that is being written.
pub(crate) fn rows(folder: &Path, sql: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let connection = Connection::open(folder.join("database.sqlite"))?;
    let mut query = connection.prepare(sql)?;
    let columns = query.column_count();
    let rows = query.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    rows.collect()
}

/// Compares everything; `folders` are the clients' databases, in their order.
pub(crate) fn judge(clients: &[Player], folders: &[&Path], registry: &Path) -> Verdict {
    let mut verdict = Verdict::default();
    for (from, sent) in clients.iter().zip(folders) {
        for (to, received) in clients.iter().zip(folders) {
            if from.name != to.name {
                verdict.accepted += pair(&mut verdict, (from, sent), (to, received));
            }
        }
    }
    let mail = rows(registry, "SELECT CAST(id AS TEXT) FROM mail").unwrap();
    if !mail.is_empty() {
        let left = mail.len();
        verdict
            .faults
            .push(format!("the registry keeps {left} that have ended"));
    }
    verdict
}

/// One direction between two people; how many messages were accepted.
fn pair(verdict: &mut Verdict, (from, sent): (&Player, &Path), (to, received): (&Player, &Path)) -> usize {
    let way = format!("{} to {}", from.name, to.name);
    let sql = "SELECT text, CAST(state AS TEXT) FROM outbox WHERE folded = '{}' ORDER BY message";
    let outbox = rows(sent, &sql.replace("{}", to.name)).unwrap();
    let sql = "SELECT text, CAST(shown AS TEXT), CAST(received_ms AS TEXT) FROM inbox WHERE name = '{}' ORDER BY text";
    let inbox = rows(received, &sql.replace("{}", from.name)).unwrap();

    let accepted: Vec<&String> = outbox.iter().map(|row| &row[0]).collect();
    let arrived: Vec<&String> = inbox.iter().map(|row| &row[0]).collect();
    if accepted != arrived {
        let fault = format!("{way}: accepted {accepted:?}, in the inbox {arrived:?}");
        verdict.faults.push(fault);
    }
    for row in outbox.iter().filter(|row| row[1] != "2") {
        verdict
            .faults
            .push(format!("{way}: {} ended in state {}", row[0], row[1]));
    }
    for row in inbox.iter().filter(|row| row[1] != "1") {
        verdict
            .faults
            .push(format!("{way}: {} is not marked as shown", row[0]));
    }

    let told = from
        .lines()
        .into_iter()
        .filter(|line| tells_receipt(&line.text, to.name))
        .count();
    if told < accepted.len() {
        let all = accepted.len();
        verdict
            .faults
            .push(format!("{way}: {told} receipts told, of {all}"));
    }

    let prefix = format!("{}: ", from.name);
    let shown: Vec<Line> = to
        .lines()
        .into_iter()
        .filter_map(|line| message(&line, &prefix))
        .collect();
    let seen: BTreeSet<&String> = shown.iter().map(|line| &line.text).collect();
    if !seen.iter().copied().eq(arrived) {
        verdict
            .faults
            .push(format!("{way}: shown {seen:?}, accepted {accepted:?}"));
    }
    repeats(verdict, &way, from.name, to, &shown);
    let received = inbox
        .into_iter()
        .map(|row| (row[0].clone(), row[2].parse().unwrap()));
    order(verdict, &way, &shown, &received.collect());
    accepted.len()
}

/// Whether a line says that a message to this one was received.
fn tells_receipt(line: &str, to: &str) -> bool {
    line.starts_with("[Message ") && line.ends_with(&format!(" received by {to}.]"))
}

/// A line that is somebody's message, with its text alone: stored ones have a time before it.
fn message(line: &Line, prefix: &str) -> Option<Line> {
    let text = line.text.strip_prefix(prefix)?.rsplit(' ').next()?.to_owned();
    Some(Line { text, ..*line })
}

/// A line comes twice only where a kill was quicker than its mark.
fn repeats(verdict: &mut Verdict, way: &str, from: &str, to: &Player, shown: &[Line]) {
    let mut last = BTreeMap::<&str, &Line>::new();
    for line in shown {
        let Some(before) = last.insert(&line.text, line) else {
            continue;
        };
        verdict.repeated += 1;
        let text = &line.text;
        let end = to.killed.iter().find(|killed| killed.run == before.run);
        let Some(end) = end.filter(|_| before.run < line.run) else {
            verdict
                .faults
                .push(format!("{way}: {text} is shown again and no kill was between"));
            continue;
        };
        let sql = format!("SELECT text FROM inbox WHERE name = '{from}' AND text = '{text}' AND shown = 1");
        if !rows(&end.left, &sql).unwrap().is_empty() {
            verdict.faults.push(format!(
                "{way}: {text} is shown again though its mark was committed"
            ));
        }
        if end.at.saturating_sub(before.at) > MARKING_MS {
            let ms = end.at - before.at;
            verdict.faults.push(format!(
                "{way}: {text} was on the screen for {ms} ms without a mark"
            ));
        }
    }
}

/// A line comes after its successor only if that one was held back for it.
fn order(verdict: &mut Verdict, way: &str, shown: &[Line], received_ms: &BTreeMap<String, u64>) {
    let mut first = Vec::<&Line>::new();
    for line in shown {
        if first.iter().any(|before| before.text == line.text) {
            continue;
        }
        if let Some(overtaker) = first.iter().find(|before| before.text > line.text) {
            verdict.late += 1;
            let together = |other: &&&Line| other.text > line.text && other.at <= overtaker.at + TOGETHER_MS;
            let since = first
                .iter()
                .filter(together)
                .filter_map(|other| received_ms.get(&other.text));
            let held_ms = overtaker
                .at
                .saturating_sub(since.min().copied().unwrap_or(overtaker.at));
            if u128::from(held_ms) < HOLD_BACK.as_millis() {
                let fault = format!(
                    "{way}: {} was overtaken by {}, which was held back for {held_ms} ms only",
                    line.text, overtaker.text
                );
                verdict.faults.push(fault);
            }
        }
        first.push(line);
    }
}
