//! What the command line is completed from: the environment, and files that are read before anything is opened.
//!
//! Invariant: nothing is written, and what is read has a bound.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Where a call is made.
pub trait Surroundings {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// All of a small file.
    ///
    /// # Errors
    /// It cannot be read, is no text, or is not small.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// This machine, and the environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct Here;

/// Nothing around.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

/// Bytes of a file of settings: many times what all of them need, with comments.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Surroundings for Here {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        let bytes = File::open(path)?
            .take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)?;
        if u64::try_from(bytes).is_ok_and(|bytes| bytes <= FILE_BYTES_MAX) {
            Ok(text)
        } else {
            Err(io::ErrorKind::FileTooLarge.into())
        }
    }
}

impl Surroundings for Nowhere {
    fn variable(&self, _: &str) -> Option<OsString> {
        None
    }

    fn read(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "port = 1\n").unwrap();
        assert_eq!(Here.read(file.path()).unwrap(), "port = 1\n");
        let most = usize::try_from(FILE_BYTES_MAX).unwrap();
        std::fs::write(&file, "#".repeat(most)).unwrap();
        assert_eq!(Here.read(file.path()).unwrap().len(), most);
        std::fs::write(&file, "#".repeat(most + 1)).unwrap();
        let error = Here.read(file.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
