//! What was typed at the prompt, kept from run to run in a file of the client's own folder.
//!
//! A line each, newlines and backslashes escaped; only its owner may read it. It is for the arrow keys and for the search,
//! and no more: where it cannot be read or written the lines are remembered until the program ends, and nothing is said.
//! Invariants: no file has more than twice [`LINES_MAX`] lines; a line that was kept is lost only to newer ones.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::store::identity_file;

/// Lines that are offered: as many as anybody goes back through.
pub(super) const LINES_MAX: usize = 500;

/// The longest line that is remembered. What is longer was pasted, and is not looked for by its words.
const LINE_BYTES_MAX: usize = 4_096;

/// The file's name, in the folder.
pub(super) const FILE: &str = "lines";

/// More than the file can have: each byte escaped, and as many lines as there may be.
const FILE_BYTES_MAX: u64 = 2 * LINES_MAX as u64 * (2 * LINE_BYTES_MAX as u64 + 1);

/// The file, and how many lines it has.
#[derive(Clone, Debug, Default)]
pub(super) struct LineHistory {
    path: Option<PathBuf>,
    lines: usize,
}

impl LineHistory {
    /// In this file; `None`: nothing is kept.
    pub(super) const fn new(path: Option<PathBuf>) -> Self {
        Self { path, lines: 0 }
    }

    /// Whether a line is one to be remembered.
    pub(super) const fn takes(line: &str) -> bool {
        line.len() <= LINE_BYTES_MAX
    }

    /// The last lines that were kept, oldest first.
    pub(super) fn load(&mut self) -> Vec<String> {
        let Some(path) = &self.path else { return Vec::new() };
        match read(path) {
            Ok((mut lines, whole)) => {
                // What a crash has cut off must not become one with the next line: the file is due to be written anew.
                self.lines = if whole { lines.len() } else { 2 * LINES_MAX };
                lines.split_off(lines.len().saturating_sub(LINES_MAX))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.give_up(&error);
                Vec::new()
            }
        }
    }

    /// Keeps a line.
    pub(super) fn append(&mut self, line: &str) {
        let Some(path) = &self.path else { return };
        let written = if self.lines < 2 * LINES_MAX {
            append(path, line)
        } else {
            shorten(path, line)
        };
        match written {
            Ok(()) if self.lines < 2 * LINES_MAX => self.lines += 1,
            Ok(()) => self.lines = LINES_MAX,
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        tracing::debug!(%error, "what is typed is remembered until the end of this run only");
        self.path = None;
    }
}

/// The lines of the file, and whether the last one is whole.
fn read(path: &Path) -> io::Result<(Vec<String>, bool)> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    // Whatever is no text has come from elsewhere, or was cut off by a crash.
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.is_empty() || text.ends_with('\n');
    Ok((text.lines().map(unescaped).collect(), whole))
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = private().append(true).open(path)?;
    file.write_all(format!("{}\n", escaped(line)).as_bytes())
}

/// Keeps the last lines and this one, in a new file that takes the old one's place whole.
fn shorten(path: &Path, line: &str) -> io::Result<()> {
    let (lines, _) = read(path)?;
    let kept = lines.iter().skip(lines.len().saturating_sub(LINES_MAX - 1));
    let all = kept.map(String::as_str).chain([line]);
    let text: String = all.map(|line| format!("{}\n", escaped(line))).collect();
    identity_file::replace(path, text.as_bytes())
}

/// Makes the file if it is not there, for this user only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

fn escaped(line: &str) -> String {
    line.replace('\\', r"\\")
        .replace('\n', r"\n")
        .replace('\r', r"\r")
}

fn unescaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (
            character,
            if character == '\\' {
                characters.next()
            } else {
                None
            },
        ) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('r')) => text.push('\r'),
            ('\\', Some(other)) => text.push(other),
            (other, _) => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self) -> PathBuf {
            self.0.path().join(FILE)
        }

        /// A run: what it finds, and what is typed in it.
        fn run<'a>(&self, typed: impl IntoIterator<Item = &'a str>) -> Vec<String> {
            let mut history = LineHistory::new(Some(self.file()));
            let found = history.load();
            typed.into_iter().for_each(|line| history.append(line));
            found
        }
    }

    #[test]
    fn what_was_typed_is_there_in_the_next_run() {
        let place = Place::new();
        let typed = ["send bob hi", "two\nlines \\n and a \\", "grüße \r"];
        assert_eq!(place.run(typed), [""; 0]);
        assert_eq!(place.run(["more"]), typed);
        assert_eq!(place.run([]), [&typed[..], &["more"]].concat());
        let mode = fs::metadata(place.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_last_lines_are_kept_and_the_file_has_its_bound() {
        let place = Place::new();
        let typed: Vec<String> = (0..2 * LINES_MAX + 10).map(|n| n.to_string()).collect();
        place.run(typed.iter().map(String::as_str));
        let found = place.run([]);
        assert_eq!(found, typed[typed.len() - LINES_MAX..]);
        assert_eq!(read(&place.file()).unwrap().0.len(), LINES_MAX + 9);
        let names = fs::read_dir(place.0.path()).unwrap();
        assert_eq!(names.count(), 1, "nothing else is left");
    }

    #[test]
    fn where_there_is_no_place_nothing_is_kept_and_nothing_fails() {
        let place = Place::new();
        let mut history = LineHistory::new(Some(place.file().join("no/folder")));
        assert_eq!(history.load(), [""; 0]);
        history.append("hi");
        history.append("hi again");
        assert!(history.path.is_none());
        let mut history = LineHistory::default();
        history.append("hi");
        assert_eq!(history.load(), [""; 0]);
    }

    #[test]
    fn a_file_that_somebody_has_spoilt_is_read_as_far_as_it_can_be() {
        let place = Place::new();
        fs::write(place.file(), b"one\n\xff\xfe\nthree\\").unwrap();
        let found = ["one", "\u{fffd}\u{fffd}", "three\\"];
        assert_eq!(place.run(["four"]), found);
        assert_eq!(place.run([]), [&found[..], &["four"]].concat());
    }

    #[test]
    fn a_long_line_is_not_remembered() {
        assert!(LineHistory::takes(&"x".repeat(LINE_BYTES_MAX)));
        assert!(!LineHistory::takes(&"x".repeat(LINE_BYTES_MAX + 1)));
    }
}
