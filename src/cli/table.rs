//! Tables as lines, lists in columns, and the registry's client table: name, address, port, status.
//!
//! Pure. Columns are as wide as their widest cell.
//! Invariant: a row is one line; names and addresses cannot hold anything but what they are made of.

use crate::registry::interface::Row;

/// The table with its heading; for no rows, a line that says so.
pub fn table(rows: &[Row]) -> Vec<String> {
    if rows.is_empty() {
        return vec!["[Client table is empty.]".to_owned()];
    }
    let mut lines = vec!["[Client table updated.]".to_owned()];
    lines.extend(aligned(
        ["name", "address", "port", "status"],
        rows.iter().map(cells),
    ));
    lines
}

/// Rows under their heading, aligned. Cells are ASCII.
pub(super) fn aligned<const N: usize>(
    heading: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Vec<String> {
    let cells: Vec<[String; N]> = std::iter::once(heading.map(str::to_owned)).chain(rows).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = cells.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let padded = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// Words in as many columns as a terminal of that width has room for, to be read downwards. They are ASCII.
pub(super) fn in_columns(words: &[&str], width: usize) -> Vec<String> {
    let widest = words.iter().map(|word| word.len()).max().unwrap_or(0) + 2;
    let columns = (width / widest).max(1);
    let rows = words.len().div_ceil(columns);
    let line = |row| {
        let padded = words
            .iter()
            .skip(row)
            .step_by(rows)
            .map(|word| format!("{word:<widest$}"));
        padded.collect::<String>().trim_end().to_owned()
    };
    (0..rows).map(line).collect()
}

fn cells(row: &Row) -> [String; 4] {
    let (address, port, status) = match row.address {
        Some(address) => (
            address.ip().to_canonical().to_string(),
            address.port().to_string(),
            "online",
        ),
        None => ("-".to_owned(), "-".to_owned(), "offline"),
    };
    [row.name.to_string(), address, port, status.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;

    #[test]
    fn lists_are_read_downwards_and_are_no_wider_than_the_terminal() {
        let words = ["a", "bbb", "cc", "d", "e"];
        assert_eq!(in_columns(&words, 80), ["a    bbb  cc   d    e"]);
        assert_eq!(in_columns(&words, 11), ["a    d", "bbb  e", "cc"]);
        assert_eq!(in_columns(&words, 3), words);
        assert_eq!(in_columns(&[], 80), [""; 0]);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |name: &str, address: Option<&str>| Row {
            name: name.parse().unwrap(),
            address: address.map(|text| text.parse().unwrap()),
            since: WallTime::default(),
        };
        let rows = [
            row("alice", Some("127.0.0.1:1232")),
            row("bob-the-second", None),
            row("c", Some("[::ffff:10.1.2.3]:9")),
            row("d", Some("[2001:db8::1]:65535")),
        ];
        assert_eq!(
            table(&rows),
            [
                "[Client table updated.]",
                "name            address      port   status",
                "alice           127.0.0.1    1232   online",
                "bob-the-second  -            -      offline",
                "c               10.1.2.3     9      online",
                "d               2001:db8::1  65535  online",
            ]
        );
        assert_eq!(table(&[]), ["[Client table is empty.]"]);
    }
}
