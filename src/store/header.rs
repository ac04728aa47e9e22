//! Whose a database file is, as its first hundred bytes say: read before SQLite opens it.
//!
//! SQLite changes a file by opening it: it finishes what a killed owner has left beside it, and puts files of its own there.
//! Only what is ours is opened. Our mark stands in the file itself from the first commit on, so that whatever a crash left
//! beside it does not matter here (sqlite.org/fileformat2.html#the_database_header).
//! Invariant: nothing is written.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// How the header of every database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where `user_version` stands, big-endian.
const VERSION_AT: usize = 60;
/// Where `application_id` stands, big-endian.
const APPLICATION_AT: usize = 68;
const HEADER_BYTES: usize = 100;

/// What a database says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Whose it is; 0 if nobody has said.
    pub(super) application: i32,
    /// Its schema's version. A killed owner may have left a newer one beside the file.
    pub(super) version: u32,
}

/// Reads it; `None` if nothing is there yet, or no database.
///
/// # Errors
/// The file cannot be read. SQLite will say it better.
pub(super) fn read(path: &Path) -> io::Result<Option<Header>> {
    // A pipe would hold us up.
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    File::open(path)?
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Header> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
        return None;
    }
    let number = |at| bytes.get(at..)?.first_chunk().copied();
    Some(Header {
        application: i32::from_be_bytes(number(APPLICATION_AT)?),
        version: u32::from_be_bytes(number(VERSION_AT)?),
    })
}
