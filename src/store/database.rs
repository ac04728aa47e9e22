//! Opening a SQLite database, bringing its schema up to date, and committing batches to it.
//!
//! What the tables mean is the roles' business. One process owns a database while it is open: the lock is taken at once and
//! kept (`locking_mode=EXCLUSIVE`), so that nobody else's transaction can fail ours; but for those that others may read
//! beside (`Schema::read_beside`), where readers keep nobody from writing. WAL with `synchronous=FULL`: a commit that has
//! returned survives power loss (sqlite.org/pragma.html#pragma_synchronous).
//! Invariant: a database that cannot be opened is left as it was found; an upgrade happens whole or not at all.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use include_dir::Dir;
use rusqlite::ToSql;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};
use rusqlite_migration::Migrations;

pub use super::bits::Bits;
use super::header;
use crate::engine::{StoreFault, Ticket};

/// How long opening waits for a lock: long enough for a backup tool's glance, short enough to be "at once".
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// WAL pages (of 4 KiB) after which a commit also checkpoints. The worker checkpoints when idle; this bounds the
/// WAL when it never is.
const WAL_PAGES_MAX: u32 = 4_000;

/// Pages kept in memory, in KiB: what a burst of some 50,000 messages touches. SQLite's own 2 MiB hold 4,000; beyond
/// that, each new message would read several pages again. Given back when the store is idle.
const CACHE_KIB_MAX: i64 = 32 * 1024;

/// Prepared statements kept: more than any role has.
const STATEMENTS_MAX: usize = 128;

/// What a database is for, and the SQL that makes its tables.
///
/// A role names its own: `Schema { application: i32::from_be_bytes(*b"udcR"), migrations: &include_dir!(…) }`.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Stands in the file's header, so that one role's database is not taken for another's, or for a stranger's
    /// (sqlite.org/pragma.html#pragma_application_id).
    pub application: i32,
    /// Folders `01-name/up.sql`, `02-name/up.sql`, …; applied in order, never changed once released.
    pub migrations: &'static Dir<'static>,
    /// Whether others may read it while it is open. Then something else keeps a second owner away: the folder's lock.
    pub read_beside: bool,
    /// Databases up to this size are checked whole when opened, which is to take some 100 ms at most. Larger ones are found
    /// out in use.
    pub check_bytes_max: i64,
}

impl Schema {
    /// The newest version that there is; an error if the one found is beyond it.
    fn knows(&self, path: &Path, found: u32) -> Result<u32, OpenError> {
        let known = u32::try_from(self.migrations.dirs().count()).unwrap_or(u32::MAX);
        if found > known {
            return Err(OpenError::Newer {
                path: path.into(),
                found,
                known,
            });
        }
        Ok(known)
    }
}

/// Why a database cannot be used. Each kind asks something else of a person; the text says what.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{} is in use by another process. Its messages are safe. End the other udpchat, or choose another \
         folder with --data-dir.", .path.display()
    )]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// It is damaged, or no database at all.
    #[error(
        "{} is damaged or not a database ({detail}). It was not touched; messages in it cannot be read. Restore \
         it from a backup, or move it away to start with an empty one.", .path.display()
    )]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// It belongs to another program, or to another role of this one.
    #[error(
        "{} is a database of something else. It was not touched. Choose another folder with --data-dir, or move \
         the file away.", .path.display()
    )]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// It can be read but not written.
    #[error(
        "{} is read-only. Its messages are safe, but nothing new could be kept. Make the file and its file \
         system writable for this user.", .path.display()
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// It cannot be opened or created where it is.
    #[error(
        "{} cannot be opened or created ({detail}). No message is lost. Make its folder writable for this user, \
         or choose another with --data-dir.", .path.display()
    )]
    Unwritable {
        /// The database.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A newer version of the program has been here.
    #[error(
        "{} was written by a newer udpchat (schema {found}, this one knows {known}). Its messages are safe and \
         were not touched. Use the newer program.", .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema's version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// An older version of the program was the last to be here.
    #[error(
        "{} was last used by an older udpchat. Its messages are safe. Start the client once with this one, which brings it up to \
         date, and try again.", .path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
    },
    /// No space.
    #[error(
        "there is no space left for {}. Its messages are safe, but nothing new could be kept. Free some space \
         and start again.", .path.display()
    )]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// It could not be written, for another reason than want of space as the system names it.
    #[error(
        "nothing could be written to {} ({detail}). Its messages are safe, but nothing new could be kept. The disk may \
         be full, a quota used up, or the disk broken: make room, or choose another folder with --data-dir.",
        .path.display()
    )]
    Unwritten {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// Its upgrade failed and was undone.
    #[error(
        "{} could not be upgraded ({detail}). Its messages are safe: everything is as it was before. Use the \
         previous udpchat, and report this.", .path.display()
    )]
    Upgrade {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// Anything else.
    #[error("{} failed ({detail}). Nothing in it was changed.", .path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
}

impl OpenError {
    /// What a person has to know of a failure of SQLite at the start.
    pub fn explain(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let detail = error.to_string();
        if is_unheard_of(error) {
            return Self::Corrupt { path, detail };
        }
        if is_refused_write(error) {
            return Self::Unwritten { path, detail };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, detail },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::Unwritable { path, detail },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ => Self::Failed { path, detail },
        }
    }
}

/// Whether a value was found that this program does not write.
const fn is_unheard_of(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
    )
}

/// Whether the system did not write what it was given. SQLite tells only a disk without space from the rest of that: not
/// a quota that is used up.
fn is_refused_write(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE].contains(&error.extended_code)
    })
}

/// Opens the database in a file, created if absent, its schema up to date, and locks it until dropped.
pub fn open(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    let explain = |error| OpenError::explain(path, &error);
    let ours = recognise(path, schema)?;
    keep_private(path);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    // SQLite falls back to reading without a word.
    if connection.is_readonly("main").map_err(explain)? {
        return Err(OpenError::ReadOnly { path: path.into() });
    }
    connection.busy_timeout(BUSY_WAIT).map_err(explain)?;
    if !ours {
        claim(&connection, path, schema)?;
    }
    configure(&connection, schema).map_err(explain)?;
    check(&connection, path, schema)?;
    upgrade(&mut connection, path, schema)?;
    Ok(connection)
}

/// Makes the file of a new database, for its owner only: letters are in it. The files that SQLite puts beside it take
/// its mode. What goes wrong here goes wrong in a moment again, and is explained then.
fn keep_private(path: &Path) {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    if let Err(error) = made
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        tracing::debug!(path = %path.display(), %error, "no new file for the database");
    }
}

/// Opens a database in memory: for clients that keep nothing, and for tests.
pub fn open_in_memory(schema: &Schema) -> Result<Connection, OpenError> {
    let path = Path::new("the database in memory");
    let explain = |error| OpenError::explain(path, &error);
    let mut connection = Connection::open_in_memory().map_err(explain)?;
    configure(&connection, schema).map_err(explain)?;
    upgrade(&mut connection, path, schema)?;
    Ok(connection)
}

/// Opens the database in a file to read it, beside whoever has it open. Nothing is made or brought up to date.
pub fn open_to_read(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    let explain = |error| OpenError::explain(path, &error);
    recognise(path, schema)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    connection.busy_timeout(BUSY_WAIT).map_err(explain)?;
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(explain)?;
    if found < schema.knows(path, found)? {
        return Err(OpenError::Older { path: path.into() });
    }
    Ok(connection)
}

/// Moves what the WAL holds into the database, as far as it goes, and gives memory back. For idle moments.
pub fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA shrink_memory")
}

/// Settings of the connection. The first that reads the file also takes the lock.
fn configure(connection: &Connection, schema: &Schema) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let set = |name: &str, value: &dyn ToSql| connection.pragma_update(None, name, value);
    if !schema.read_beside {
        set("locking_mode", &"EXCLUSIVE")?;
    }
    set("trusted_schema", &false)?;
    set("cell_size_check", &true)?;
    set("foreign_keys", &true)?;
    set("temp_store", &"MEMORY")?;
    // A negative size is one in KiB (sqlite.org/pragma.html#pragma_cache_size).
    set("cache_size", &-CACHE_KIB_MAX)?;
    set("journal_mode", &"WAL")?;
    set("synchronous", &"FULL")?;
    set("wal_autocheckpoint", &WAL_PAGES_MAX)?;
    // Taken now rather than with the first message: whoever comes second is told at his start.
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")
}

/// Refuses a database that is not ours, or too new for us, before anything of it is touched. False if there is none, or
/// only a beginning.
fn recognise(path: &Path, schema: &Schema) -> Result<bool, OpenError> {
    let header = match header::read(path) {
        Ok(Some(header)) => header,
        Ok(None) => return Ok(false),
        Err(error) => {
            // What goes wrong here goes wrong in a moment again, and is explained then.
            tracing::debug!(path = %path.display(), %error, "header not read");
            return Ok(false);
        }
    };
    if header.application != schema.application {
        return Err(OpenError::Foreign { path: path.into() });
    }
    schema.knows(path, header.version)?;
    // Whoever was killed while he began one has left what undoes it.
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    Ok(!Path::new(&journal).exists())
}

/// Marks a new database as ours. In the file itself, before there is a WAL: a later start looks nowhere else.
fn claim(connection: &Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    let explain = |error| OpenError::explain(path, &error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = number("application_id").map_err(explain)?;
    if found == i64::from(schema.application) {
        return Ok(());
    }
    if number("page_count").map_err(explain)? != 0 {
        return Err(OpenError::Foreign { path: path.into() });
    }
    connection
        .pragma_update(None, "application_id", schema.application)
        .map_err(explain)
}

/// Looks for damage, where that is quick.
fn check(connection: &Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    let explain = |error| OpenError::explain(path, &error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let bytes = number("page_count")
        .and_then(|pages| Ok(pages.saturating_mul(number("page_size")?)))
        .map_err(explain)?;
    if bytes > schema.check_bytes_max {
        tracing::debug!(bytes, "database not checked: too large to be quick");
        return Ok(());
    }
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(explain)?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(OpenError::Corrupt {
            path: path.into(),
            // The first line of two only names the database.
            detail: verdict.lines().last().unwrap_or_default().to_owned(),
        })
    }
}

/// Applies the migrations that are missing, in one transaction.
fn upgrade(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    let failed = |detail: String| OpenError::Upgrade {
        path: path.into(),
        detail,
    };
    let migrations =
        Migrations::from_directory(schema.migrations).map_err(|error| failed(error.to_string()))?;
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| OpenError::explain(path, &error))?;
    let known = schema.knows(path, found)?;
    if found < known {
        tracing::info!(path = %path.display(), found, known, "upgrading the database");
    }
    migrations.to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => match OpenError::explain(path, &err) {
            OpenError::Failed { detail, .. } => failed(detail),
            known => known,
        },
        other => failed(other.to_string()),
    })
}

/// Applies the requests in order in one transaction, and commits.
///
/// A request whose `apply` fails is undone alone. If the transaction cannot be begun or committed, or SQLite has
/// rolled it back on its own (it may when the disk is full), every reply is that fault. Replies are in the order
/// of the requests. `apply` may be called again with a request whose effects were undone.
pub fn commit_batch<Rq, Rp>(
    connection: &mut Connection,
    requests: &[(Ticket, Rq)],
    mut apply: impl FnMut(&Connection, &Rq) -> rusqlite::Result<Rp>,
) -> Vec<(Ticket, Result<Rp, StoreFault>)> {
    let replies = match commit_together(connection, requests, &mut apply) {
        Ok(Some(replies)) => Ok(replies.into_iter().map(Ok).collect()),
        Ok(None) => commit_singly(connection, requests, &mut apply),
        Err(error) => Err(error),
    };
    let replies = replies.unwrap_or_else(|error| {
        tracing::warn!(%error, requests = requests.len(), "commit failed");
        requests.iter().map(|_| Err(fault(&error))).collect()
    });
    requests.iter().map(|(ticket, _)| *ticket).zip(replies).collect()
}

/// Commits all, if none fails; else nothing is done, and `None` is returned.
///
/// For each page that changes, a savepoint keeps a copy of how it was: for small requests that is more work than the
/// requests are, and almost never needed.
fn commit_together<Rq, Rp>(
    connection: &mut Connection,
    requests: &[(Ticket, Rq)],
    apply: &mut impl FnMut(&Connection, &Rq) -> rusqlite::Result<Rp>,
) -> rusqlite::Result<Option<Vec<Rp>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut replies = Vec::with_capacity(requests.len());
    for (ticket, request) in requests {
        match apply(&transaction, request) {
            Ok(reply) => replies.push(reply),
            Err(error) => {
                tracing::debug!(?ticket, %error, "a request has failed; each gets a savepoint");
                return Ok(None);
            }
        }
    }
    transaction.commit()?;
    Ok(Some(replies))
}

/// Commits those that do not fail, each in a savepoint of its own.
fn commit_singly<Rq, Rp>(
    connection: &mut Connection,
    requests: &[(Ticket, Rq)],
    apply: &mut impl FnMut(&Connection, &Rq) -> rusqlite::Result<Rp>,
) -> rusqlite::Result<Vec<Result<Rp, StoreFault>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut replies = Vec::with_capacity(requests.len());
    {
        let mut begin = transaction.prepare_cached("SAVEPOINT request")?;
        let mut end = transaction.prepare_cached("RELEASE request")?;
        let mut undo = transaction.prepare_cached("ROLLBACK TO request")?;
        for (ticket, request) in requests {
            begin.execute([])?;
            let reply = apply(&transaction, request);
            if let Err(error) = &reply {
                if transaction.is_autocommit() {
                    // SQLite has given the whole transaction up: what succeeded before is gone too.
                    return reply.map(|_| Vec::new());
                }
                tracing::warn!(?ticket, %error, "store request failed");
                undo.execute([])?;
            }
            end.execute([])?;
            replies.push(reply.map_err(|error| fault(&error)));
        }
    }
    transaction.commit()?;
    Ok(replies)
}

/// What the asker is told of a failure.
pub fn fault(error: &rusqlite::Error) -> StoreFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreFault::Full,
        _ if is_refused_write(error) => StoreFault::Unwritten,
        _ => StoreFault::Failed(error.to_string()),
    }
}

#[cfg(test)]
#[path = "database_tests.rs"]
mod tests;
