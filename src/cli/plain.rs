//! Lines from a pipe or a file, each within a bound, whatever is fed in.
//!
//! Knows nothing of commands. A line that is too long is read to its end and its length told, but only its
//! beginning is kept.
//! Invariant: no more bytes of a line are held than the bound that is given.

use std::io::{self, BufRead};

use crate::limits::BODY_BYTES_MAX;

/// The longest text, and room for the command before it.
pub(super) const LINE_BYTES_MAX: usize = BODY_BYTES_MAX + 1024;

/// The same in an object, each byte of the text written as six: `\u0007`.
pub(super) const OBJECT_BYTES_MAX: usize = 6 * BODY_BYTES_MAX + 1024;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Text(String),
    /// The beginning of a line that is too long, and how many more bytes it had.
    TooLong(String, usize),
    /// A line that is not UTF-8.
    NotText,
    /// There is no more.
    End,
    /// Ctrl+C was typed at the prompt.
    Interrupt,
}

/// Reads the next line; the last one may lack its newline, and any may have a carriage return before it.
pub(super) fn read_line(input: &mut impl BufRead, bytes_max: usize) -> io::Result<Line> {
    let mut kept = Vec::new();
    let mut dropped: usize = 0;
    let mut any = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            break;
        }
        any = true;
        let (piece, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (buffer.get(..end).unwrap_or_default(), true),
            None => (buffer, false),
        };
        let (now, later) = piece.split_at(piece.len().min(bytes_max - kept.len()));
        kept.extend_from_slice(now);
        dropped = dropped.saturating_add(later.len());
        let consumed = piece.len() + usize::from(ended);
        input.consume(consumed);
        if ended {
            break;
        }
    }
    Ok(if any { line(kept, dropped) } else { Line::End })
}

fn line(mut kept: Vec<u8>, dropped: usize) -> Line {
    if dropped > 0 {
        // The cut may have gone through a character.
        return Line::TooLong(String::from_utf8_lossy(&kept).into_owned(), dropped);
    }
    if kept.last() == Some(&b'\r') {
        kept.pop();
    }
    String::from_utf8(kept).map_or(Line::NotText, Line::Text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// All lines, read through a buffer so small that every line is read in pieces.
    fn read(bytes: &[u8]) -> Vec<Line> {
        let mut input = BufReader::with_capacity(7, bytes);
        let mut lines = Vec::new();
        loop {
            match read_line(&mut input, LINE_BYTES_MAX).unwrap() {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    fn text(line: &str) -> Line {
        Line::Text(line.to_owned())
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end() {
        assert_eq!(
            read(b"one\n\ntwo\r\nthree"),
            [text("one"), text(""), text("two"), text("three")]
        );
        assert_eq!(read("grüße, 你好\n".as_bytes()), [text("grüße, 你好")]);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn a_line_too_long_is_told_and_the_next_is_read() {
        let long = [vec![b'x'; LINE_BYTES_MAX + 5], b"\nnext\n".to_vec()].concat();
        assert_eq!(
            read(&long),
            [Line::TooLong("x".repeat(LINE_BYTES_MAX), 5), text("next")]
        );
        let just = [vec![b'x'; LINE_BYTES_MAX], b"\n".to_vec()].concat();
        assert_eq!(read(&just), [text(&"x".repeat(LINE_BYTES_MAX))]);
    }

    #[test]
    fn a_line_that_is_no_text_is_told_and_the_next_is_read() {
        assert_eq!(read(b"a\xff\nb\n"), [Line::NotText, text("b")]);
    }
}
