//! The table that is printed: what was measured, its floor, their ratio, and the mark.
//!
//! Invariant: a mark is never rounded into reach: the verdict is taken from the figure as it was measured.

use std::time::Duration;

/// One row.
struct Row {
    what: String,
    measured: String,
    floor: String,
    ratio: String,
    mark: String,
    verdict: &'static str,
}

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

/// What is to be reached.
pub(crate) enum Mark {
    /// Nothing was agreed.
    None,
    /// The figure may be at most so many times its floor.
    Within(f64),
    /// At least so many a second.
    AtLeast(f64),
    /// At most so many bytes, or pieces.
    AtMost(f64),
}

impl Table {
    /// Adds a row and shows that something happens. `floor`: what the same costs at the least.
    pub(crate) fn add(&mut self, what: &str, measured: f64, unit: &str, floor: Option<f64>, mark: &Mark) {
        let ratio = floor.map(|floor| measured / floor);
        let (mark, reached) = match *mark {
            Mark::None => (String::new(), None),
            Mark::Within(times) => (format!("<= {times} x floor"), ratio.map(|ratio| ratio <= times)),
            Mark::AtLeast(least) => (format!(">= {}{unit}", number(least)), Some(measured >= least)),
            Mark::AtMost(most) => (format!("<= {}{unit}", number(most)), Some(measured <= most)),
        };
        let row = Row {
            what: what.into(),
            measured: number(measured) + unit,
            floor: floor.map(|floor| number(floor) + unit).unwrap_or_default(),
            ratio: ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            mark,
            verdict: match reached {
                None => "",
                Some(true) => "reached",
                Some(false) => "missed",
            },
        };
        println!("  {}: {}", row.what, row.measured);
        self.rows.push(row);
    }

    /// Adds a line below the table.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Prints everything, as a table that may go into a text as it is.
    pub(crate) fn print(&self, took: Duration) {
        let heads = ["what", "measured", "floor", "ratio", "mark", ""].map(String::from);
        let lines: Vec<[String; 6]> = std::iter::once(heads)
            .chain(self.rows.iter().map(|row| {
                [
                    row.what.clone(),
                    row.measured.clone(),
                    row.floor.clone(),
                    row.ratio.clone(),
                    row.mark.clone(),
                    row.verdict.into(),
                ]
            }))
            .collect();
        let mut widths = [0; 6];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        println!();
        for (at, line) in lines.iter().enumerate() {
            let cells: Vec<String> = line
                .iter()
                .zip(widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    1..=3 => format!("{cell:>width$}"),
                    _ => format!("{cell:<width$}"),
                })
                .collect();
            println!("| {} |", cells.join(" | "));
            if at == 0 {
                let rules: Vec<String> = widths
                    .iter()
                    .enumerate()
                    .map(|(column, width)| match column {
                        1..=3 => format!("{}:", "-".repeat(width + 1)),
                        _ => "-".repeat(width + 2),
                    })
                    .collect();
                println!("|{}|", rules.join("|"));
            }
        }
        println!();
        for note in &self.notes {
            println!("{note}");
        }
        println!("The whole run took {} s.", took.as_secs());
    }
}

/// A number as people read it: three digits that mean something, thousands apart.
fn number(value: f64) -> String {
    if value < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').into();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of the others lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into a short list"
)]
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().expect("something was measured")
}

/// So many in this time, by the second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
