//! In which order, and how often, messages came on a screen; and that what was typed there was not swallowed.
//!
//! Knows nothing of how messages ended. A crash may repeat what it kept from being marked; a message that is late may come
//! after its successors (docs/GUARANTEES.md). Invariant: nothing here runs or changes anything.

use std::collections::{BTreeMap, BTreeSet};

use udpchat::limits::HOLD_BACK;

use crate::judge::{Person, Verdict, number};
use crate::player::{Killed, Line};

/// How long a line that is on the screen may stay unmarked, on a busy machine.
const MARKING_MS: u64 = 5_000;
/// Lines read this close together were written together.
const TOGETHER_MS: u64 = 250;

/// A line comes twice only where a kill was quicker than its mark.
pub(crate) fn repeats(verdict: &mut Verdict, way: &str, kills: &[Killed], shown: &[Line]) {
    let mut last = BTreeMap::<&str, &Line>::new();
    let (mut unkilled, mut marked, mut slow) = (Vec::new(), Vec::new(), Vec::new());
    for line in shown {
        let Some(before) = last.insert(&line.text, line) else {
            continue;
        };
        verdict.repeated += 1;
        let text = number(&line.text);
        let end = kills.iter().find(|killed| killed.run == before.run);
        let Some(end) = end.filter(|_| before.run < line.run) else {
            unkilled.push(text);
            continue;
        };
        if !end.unmarked.contains(&line.text) {
            marked.push(text);
        }
        let ms = end.at.saturating_sub(before.at);
        if ms > MARKING_MS {
            slow.push(format!("{text} for {ms} ms"));
        }
    }
    verdict.none(&format!("shown again and no kill was between {way}"), unkilled);
    verdict.none(&format!("shown again though marked {way}"), marked);
    verdict.none(&format!("on the screen without a mark {way}"), slow);
}

/// A line comes after its successor only if that one was held back for it.
pub(crate) fn order(verdict: &mut Verdict, way: &str, shown: &[Line], received_ms: &BTreeMap<&str, u64>) {
    let (mut first, mut seen) = (Vec::<&Line>::new(), BTreeSet::new());
    let (mut early, mut highest) = (Vec::new(), "");
    for line in shown {
        if !seen.insert(&line.text) {
            continue;
        }
        if highest > line.text.as_str()
            && let Some(overtaker) = first.iter().find(|before| before.text > line.text)
        {
            verdict.late += 1;
            let together = |other: &&&Line| other.text > line.text && other.at <= overtaker.at + TOGETHER_MS;
            let since = first.iter().filter(together);
            let since = since
                .filter_map(|other| received_ms.get(other.text.as_str()))
                .min();
            let held_ms = overtaker
                .at
                .saturating_sub(since.copied().unwrap_or(overtaker.at));
            if u128::from(held_ms) < HOLD_BACK.as_millis() {
                let (line, overtaker) = (number(&line.text), number(&overtaker.text));
                early.push(format!(
                    "{line} by {overtaker}, which was held back for {held_ms} ms"
                ));
            }
        }
        highest = highest.max(&line.text);
        first.push(line);
    }
    verdict.none(&format!("overtaken too early {way}"), early);
}

/// What is typed is accepted or told not to be, line by line: only a run that ended before its time left lines unread,
/// and those are its last.
pub(crate) fn swallowed(verdict: &mut Verdict, person: &Person<'_>, accepted: &BTreeSet<String>) {
    for run in 1..=person.runs {
        let typed = person.typed.iter().filter(|(at, _)| *at == run);
        let typed = typed.filter_map(|(_, line)| line.strip_prefix("send ")?.split_once(' '));
        let typed: Vec<&str> = typed.map(|(_, text)| text).collect();
        let read = match typed.iter().rposition(|text| accepted.contains(*text)) {
            _ if run == person.runs => &typed[..],
            Some(last) => &typed[..last],
            None => &[],
        };
        let lost: Vec<&&str> = read.iter().filter(|text| !accepted.contains(**text)).collect();
        let told = |line: &&Line| line.run == run && line.text.starts_with("[Message not sent: ");
        if lost.len() > person.screen.iter().filter(told).count() {
            let lost = lost.into_iter().map(|text| number(text));
            verdict.none(
                &format!("typed by {} in run {run} and swallowed", person.name),
                lost,
            );
        }
    }
}
