//! Tests of `database.rs`: what a person is told when a database cannot be used, and what a batch leaves behind.

use std::collections::BTreeMap;
use std::fs;

use include_dir::include_dir;
use tempfile::TempDir;

use super::*;

static ONE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/store/testdata/one");
static TWO: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/store/testdata/two");
static BROKEN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/store/testdata/broken");

const fn schema(migrations: &'static Dir<'static>) -> Schema {
    Schema {
        application: 0x7564_6354,
        migrations,
        read_beside: false,
        check_bytes_max: 1024 * 1024,
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.sqlite");
    (folder, path)
}

fn insert(connection: &Connection, word: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO thing (word) VALUES (?1)")?
        .execute([word])?;
    Ok(connection.last_insert_rowid())
}

fn words(connection: &Connection) -> Vec<String> {
    connection
        .prepare("SELECT word FROM thing ORDER BY key")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn numbered<T>(requests: impl IntoIterator<Item = T>) -> Vec<(Ticket, T)> {
    (0..).map(Ticket).zip(requests).collect()
}

fn refused(path: &Path, schema: &Schema) -> OpenError {
    let error = open(path, schema).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("things.sqlite"), "names the file: {text}");
    error
}

#[test]
fn what_was_committed_is_there_when_opened_again_and_settings_hold() {
    let (_folder, path) = place();
    let mut connection = open(&path, &schema(&ONE)).unwrap();
    commit_batch(&mut connection, &numbered(["a", "b"]), |c, word| insert(c, word));
    let text = |name: &str| -> String {
        connection
            .pragma_query_value(None, name, |row| {
                row.get::<_, rusqlite::types::Value>(0).map(|v| format!("{v:?}"))
            })
            .unwrap()
    };
    assert_eq!(text("journal_mode"), "Text(\"wal\")");
    assert_eq!(text("synchronous"), "Integer(2)");
    assert_eq!(text("foreign_keys"), "Integer(1)");
    assert_eq!(text("trusted_schema"), "Integer(0)");
    drop(connection);
    assert_eq!(words(&open(&path, &schema(&ONE)).unwrap()), ["a", "b"]);
}

#[test]
fn a_second_owner_is_refused_at_once() {
    let (_folder, path) = place();
    let first = open(&path, &schema(&ONE)).unwrap();
    assert_eq!(
        refused(&path, &schema(&ONE)),
        OpenError::Locked { path: path.clone() }
    );
    drop(first);
    assert!(open(&path, &schema(&ONE)).is_ok(), "free again");
}

#[test]
fn an_upgrade_keeps_the_data() {
    let (_folder, path) = place();
    insert(&open(&path, &schema(&ONE)).unwrap(), "old").unwrap();
    let connection = open(&path, &schema(&TWO)).unwrap();
    connection.execute("UPDATE thing SET colour = 'red'", []).unwrap();
    assert_eq!(words(&connection), ["old"]);
}

#[test]
fn a_failed_upgrade_leaves_everything_as_it_was() {
    let (_folder, path) = place();
    insert(&open(&path, &schema(&ONE)).unwrap(), "old").unwrap();
    let error = refused(&path, &schema(&BROKEN));
    assert!(matches!(error, OpenError::Upgrade { .. }), "{error:?}");
    assert_eq!(words(&open(&path, &schema(&ONE)).unwrap()), ["old"]);
}

/// All that lies in a folder: names and bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect()
}

/// Copies what lies in a folder, as it lies there in the middle of somebody's work, to where `path` is.
fn take_over(folder: &Path, path: &Path) {
    for (left, bytes) in contents(folder) {
        fs::write(path.with_file_name(left.file_name().unwrap()), bytes).unwrap();
    }
}

/// Opening is refused, and leaves every byte of the folder as it was.
fn untouched(path: &Path, schema: &Schema) -> OpenError {
    let folder = path.parent().unwrap();
    let before = contents(folder);
    let error = refused(path, schema);
    assert!(contents(folder) == before, "the folder has changed: {error}");
    error
}

#[test]
fn a_database_of_a_newer_program_is_not_touched() {
    let (_folder, path) = place();
    drop(open(&path, &schema(&TWO)).unwrap());
    assert_eq!(
        untouched(&path, &schema(&ONE)),
        OpenError::Newer {
            path: path.clone(),
            found: 2,
            known: 1
        }
    );
    assert!(open(&path, &schema(&TWO)).is_ok());
}

#[test]
fn the_other_role_s_database_is_not_touched() {
    let (_folder, path) = place();
    drop(open(&path, &schema(&ONE)).unwrap());
    let other_role = Schema {
        application: 1,
        ..schema(&ONE)
    };
    assert!(matches!(untouched(&path, &other_role), OpenError::Foreign { .. }));
}

#[test]
fn something_else_s_database_is_not_touched() {
    for settings in ["", "PRAGMA application_id = 7", "PRAGMA journal_mode = WAL"] {
        let (_folder, path) = place();
        let stranger = Connection::open(&path).unwrap();
        stranger.execute_batch(settings).unwrap();
        stranger.execute_batch("CREATE TABLE song (title)").unwrap();
        drop(stranger);
        let error = untouched(&path, &schema(&ONE));
        assert!(matches!(error, OpenError::Foreign { .. }), "{settings}: {error}");
    }
}

#[test]
fn what_a_stranger_left_when_it_was_killed_is_not_touched() {
    for mode in ["WAL", "PERSIST"] {
        let (_folder, path) = place();
        let elsewhere = tempfile::tempdir().unwrap();
        let theirs = elsewhere.path().join("things.sqlite");
        let stranger = Connection::open(&theirs).unwrap();
        stranger
            .execute_batch(&format!(
                "PRAGMA journal_mode = {mode}; CREATE TABLE song (title); PRAGMA cache_size = 0;
                 BEGIN; INSERT INTO song WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)
                 SELECT hex(zeroblob(100)) FROM n;"
            ))
            .unwrap();
        take_over(elsewhere.path(), &path);
        assert!(
            contents(path.parent().unwrap()).len() > 1,
            "something is unfinished"
        );
        let error = untouched(&path, &schema(&ONE));
        assert!(matches!(error, OpenError::Foreign { .. }), "{mode}: {error}");
    }
}

#[test]
fn a_database_whose_owner_was_killed_is_still_his() {
    let (_folder, path) = place();
    let elsewhere = tempfile::tempdir().unwrap();
    let theirs = elsewhere.path().join("things.sqlite");
    let connection = open(&theirs, &schema(&ONE)).unwrap();
    insert(&connection, "letter").unwrap();
    take_over(elsewhere.path(), &path);
    assert_eq!(words(&open(&path, &schema(&ONE)).unwrap()), ["letter"]);
}

#[test]
fn who_was_killed_while_he_began_a_database_begins_again() {
    let (_folder, path) = place();
    let beginner = Connection::open(&path).unwrap();
    beginner
        .pragma_update(None, "application_id", schema(&ONE).application)
        .unwrap();
    drop(beginner);
    // The mark was written, and not yet committed: a journal says that the file was empty before
    // (sqlite.org/fileformat2.html#the_rollback_journal).
    let (magic, records, nonce) = (0xd9d5_05f9_20a1_63d7_u64, 0_u32, 7_u32);
    let (pages_before, sector, page) = (0_u32, 512_u32, 4096_u32);
    let mut journal = magic.to_be_bytes().to_vec();
    for number in [records, nonce, pages_before, sector, page] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    fs::write(path.with_file_name("things.sqlite-journal"), journal).unwrap();

    let connection = open(&path, &schema(&ONE)).unwrap();
    insert(&connection, "letter").unwrap();
    drop(connection);
    assert_eq!(words(&open(&path, &schema(&ONE)).unwrap()), ["letter"]);
}

#[test]
fn a_file_that_is_no_database_is_called_so_and_kept() {
    let (_folder, path) = place();
    fs::write(&path, "dear diary, ".repeat(1000)).unwrap();
    assert!(matches!(
        untouched(&path, &schema(&ONE)),
        OpenError::Corrupt { .. }
    ));
}

#[test]
fn a_damaged_database_is_found_at_the_start() {
    let (_folder, path) = place();
    let mut connection = open(&path, &schema(&ONE)).unwrap();
    let many = (0..2_000).map(|n| format!("a word that fills pages {n}"));
    commit_batch(&mut connection, &numbered(many), |c, word| insert(c, word));
    checkpoint(&connection).unwrap();
    drop(connection);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert!(matches!(
        untouched(&path, &schema(&ONE)),
        OpenError::Corrupt { .. }
    ));
}

#[test]
fn a_folder_that_is_not_there_cannot_be_written() {
    let (folder, _) = place();
    let path = folder.path().join("nowhere/things.sqlite");
    assert!(matches!(
        refused(&path, &schema(&ONE)),
        OpenError::Unwritable { .. }
    ));
}

#[test]
fn each_refusal_of_sqlite_gets_its_own_explanation() {
    use rusqlite::ffi::{
        Error, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_PERM, SQLITE_READONLY,
        SQLITE_READONLY_DBMOVED,
    };
    let path = Path::new("x");
    let explain = |code| OpenError::explain(path, &rusqlite::Error::SqliteFailure(Error::new(code), None));
    assert!(matches!(explain(SQLITE_READONLY), OpenError::ReadOnly { .. }));
    assert!(matches!(
        explain(SQLITE_READONLY_DBMOVED),
        OpenError::ReadOnly { .. }
    ));
    assert!(matches!(explain(SQLITE_PERM), OpenError::Unwritable { .. }));
    assert!(matches!(explain(SQLITE_FULL), OpenError::Full { .. }));
    assert!(matches!(explain(SQLITE_IOERR_WRITE), OpenError::Unwritten { .. }));
    assert!(matches!(explain(SQLITE_IOERR_FSYNC), OpenError::Failed { .. }));
}

#[test]
fn a_write_that_fails_may_want_room() {
    use rusqlite::ffi::{Error, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE};
    let told = |code| fault(&rusqlite::Error::SqliteFailure(Error::new(code), None));
    assert_eq!(told(SQLITE_FULL), StoreFault::Full);
    assert_eq!(told(SQLITE_IOERR_WRITE), StoreFault::Unwritten);
    assert!(told(SQLITE_IOERR_WRITE).to_string().contains("quota"));
    assert!(matches!(told(SQLITE_IOERR_FSYNC), StoreFault::Failed(_)));
}

#[test]
fn one_bad_request_leaves_the_others_standing() {
    let mut connection = open_in_memory(&schema(&ONE)).unwrap();
    let replies = commit_batch(&mut connection, &numbered(["a", "bad", "c"]), |c, word| {
        insert(c, word)?;
        if *word == "bad" {
            return c
                .execute("INSERT INTO nowhere VALUES (1)", [])
                .map(|_| unreachable!());
        }
        Ok(word.len())
    });
    let good: Vec<bool> = replies.iter().map(|(_, reply)| reply.is_ok()).collect();
    assert_eq!(good, [true, false, true]);
    let tickets: Vec<u64> = replies.iter().map(|(ticket, _)| ticket.0).collect();
    assert_eq!(tickets, [0, 1, 2], "answered in order");
    assert_eq!(words(&connection), ["a", "c"], "what it had done is undone");
}

#[test]
fn a_commit_that_fails_fails_all_and_leaves_nothing() {
    let mut connection = open_in_memory(&schema(&ONE)).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE child (key INTEGER PRIMARY KEY, \
             parent INTEGER REFERENCES thing DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
    let replies = commit_batch(&mut connection, &numbered([false, true]), |c, orphan| {
        insert(c, "x")?;
        if *orphan {
            c.execute("INSERT INTO child (parent) VALUES (999)", [])?;
        }
        Ok(())
    });
    assert!(
        replies
            .iter()
            .all(|(_, reply)| matches!(reply, Err(StoreFault::Failed(_))))
    );
    assert!(words(&connection).is_empty());
    let again = commit_batch(&mut connection, &numbered(["y"]), |c, word| insert(c, word));
    assert!(again[0].1.is_ok(), "the next batch is not affected");
}

#[test]
fn a_full_disk_is_told_and_what_was_committed_stays() {
    let (_folder, path) = place();
    let mut connection = open(&path, &schema(&ONE)).unwrap();
    let pages: i64 = connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    connection
        .pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(()))
        .unwrap();
    let word = "w".repeat(1_000);
    let mut kept = 0;
    let mut full = 0;
    for _ in 0..20 {
        for (_, reply) in commit_batch(&mut connection, &numbered([&word, &word]), |c, w| insert(c, w)) {
            match reply {
                Ok(_) => kept += 1,
                Err(fault) => {
                    assert_eq!(fault, StoreFault::Full);
                    full += 1;
                }
            }
        }
    }
    assert!(kept > 0 && full > 0);
    assert_eq!(words(&connection).len(), kept, "what was said is so");
    drop(connection);
    assert_eq!(words(&open(&path, &schema(&ONE)).unwrap()).len(), kept);
}

#[test]
fn numbers_above_the_signed_range_survive() {
    let connection = open_in_memory(&schema(&ONE)).unwrap();
    for number in [0, 1, u64::MAX, 1 << 63] {
        let back: Bits = connection
            .query_row("SELECT ?1", [Bits(number)], |row| row.get(0))
            .unwrap();
        assert_eq!(back, Bits(number));
    }
}

/// Not a test of time: prints what a batch costs here. `cargo test --release -- --ignored --nocapture inserts`.
#[test]
#[ignore = "prints a figure, asserts nothing about it: cargo test --release -- --ignored --nocapture inserts"]
#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn inserts_per_second() {
    let (_folder, path) = place();
    let mut connection = open(&path, &schema(&ONE)).unwrap();
    let start = std::time::Instant::now();
    let (batches, batch) = (2_000, 128);
    for _ in 0..batches {
        commit_batch(
            &mut connection,
            &numbered(vec!["some text of a usual length"; batch]),
            |c, word| insert(c, word),
        );
    }
    println!(
        "{:.0} inserts/s",
        f64::from(batches) * 128.0 / start.elapsed().as_secs_f64()
    );
}

#[test]
fn a_new_database_and_what_lies_beside_it_can_be_read_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let connection = open(&path, &schema(&ONE)).unwrap();
    insert(&connection, "letter").unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}
