//! A fingerprint as a QR code in half blocks: for whoever compares it with a telephone in his hand.
//!
//! It holds the digits as they are shown, in capitals, and nothing else: so it stays small, and what reads it need know nothing
//! of this program. Pure. Invariant: all lines of a picture have the same width, [`COLUMNS`].

use fast_qr::{ECL, QRBuilder};

use crate::client::interface::{Event, Trust, Whose};
use crate::id::IdentityId;

/// The light border, in modules: the standard wants 4, readers need 2, and with 2 it fits a screen of 24 lines.
const BORDER: usize = 2;
/// The modules of a side: version 4 of the standard, which has room for 90 such characters where 15 % of it can be repaired.
const SIDE: usize = 33;
/// How wide it is.
const COLUMNS: usize = SIDE + 2 * BORDER;
/// How many lines it has.
const LINES: usize = COLUMNS.div_ceil(2);

/// The picture of a fingerprint that is told: where there is room for it, so many columns and lines, and of one person's two keys
/// the one that is to be compared.
pub(super) fn told(event: &Event, (columns, lines_max): (usize, usize)) -> Vec<String> {
    let Event::Fingerprint {
        whose,
        id: Some(id),
        trust,
    } = event
    else {
        return Vec::new();
    };
    let is_asked = match whose {
        Whose::Own | Whose::Listed(_) => true,
        Whose::Person(_) => *trust != Trust::Changed,
        // All of them are told at once.
        Whose::Contact(_) => false,
    };
    if is_asked && columns >= COLUMNS && lines_max >= LINES {
        lines(*id)
    } else {
        Vec::new()
    }
}

/// What is light is drawn, for terminals are dark; none if it could not be made.
fn lines(id: IdentityId) -> Vec<String> {
    let digits = id.fingerprint().to_ascii_uppercase();
    let Ok(code) = QRBuilder::new(digits).ecl(ECL::M).build() else {
        return Vec::new();
    };
    let inside = |at: usize| at.checked_sub(BORDER).filter(|at| *at < code.size);
    let is_dark = |x: usize, y: usize| match (inside(x), inside(y)) {
        (Some(x), Some(y)) => code
            .data
            .get(y * code.size + x)
            .is_some_and(|module| module.value()),
        // Below the border the terminal goes on.
        _ => y >= COLUMNS,
    };
    let block = |x, y| match (is_dark(x, y), is_dark(x, y + 1)) {
        (false, false) => '█',
        (false, true) => '▀',
        (true, false) => '▄',
        (true, true) => ' ',
    };
    let line = |y| (0..COLUMNS).map(|x| block(x, y)).collect();
    (0..COLUMNS).step_by(2).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether what is at a place is dark, of the picture that is drawn.
    fn module(lines: &[String], x: usize, y: usize) -> bool {
        let block = lines[y / 2].chars().nth(x).unwrap();
        match y % 2 {
            0 => matches!(block, '▄' | ' '),
            _ => matches!(block, '▀' | ' '),
        }
    }

    #[test]
    fn it_fits_a_screen_and_has_the_marks_of_a_code_in_a_light_border() {
        let lines = lines(IdentityId([0xab; 32]));
        assert_eq!(lines.len(), LINES);
        assert!(lines.iter().all(|line| line.chars().count() == COLUMNS));
        let border = |at: usize| !(BORDER..COLUMNS - BORDER).contains(&at);
        let is_finder = |x: usize, y: usize| {
            // Rings around a middle, by the distance from it: dark, dark, light, dark, and light around.
            let distance = x.abs_diff(3).max(y.abs_diff(3));
            matches!(distance, 0 | 1 | 3)
        };
        for y in 0..COLUMNS {
            for x in 0..COLUMNS {
                if border(x) || border(y) {
                    assert!(!module(&lines, x, y), "the border at {x}, {y}");
                }
            }
        }
        for (left, top) in [(0, 0), (SIDE - 7, 0), (0, SIDE - 7)] {
            for (x, y) in (0..7).flat_map(|y| (0..7).map(move |x| (x, y))) {
                let drawn = module(&lines, BORDER + left + x, BORDER + top + y);
                assert_eq!(drawn, is_finder(x, y), "at {x}, {y} of {left}, {top}");
            }
        }
    }

    #[test]
    fn each_key_has_its_own() {
        assert_ne!(lines(IdentityId([1; 32])), lines(IdentityId([2; 32])));
    }
}
