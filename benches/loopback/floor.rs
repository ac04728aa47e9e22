//! The floors: what the same costs with nothing of the program between.
//!
//! Bare SQLite with the settings of the program's databases (WAL, `synchronous=FULL`, exclusive), and a bare
//! ping-pong over UDP between two threads.
//! Invariant: a floor writes the same rows, to the same disk, in as many commits as the program.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, params};
use udpchat::limits::FORWARD_PAGE_MESSAGES;
use udpchat::runtime::clock;
use udpchat::store::{database, registry};

use crate::mail::Mail;

/// The registry's database with nobody before it.
pub(crate) struct MailTable {
    connection: Connection,
    rows: i64,
    /// Counts epochs, so that no two rounds write the same.
    epoch: i64,
}

impl MailTable {
    /// An empty one, with all its indexes.
    pub(crate) fn open(folder: &Path) -> Self {
        Self {
            connection: database::open(&folder.join("registry.db"), &registry::SCHEMA).expect("a database"),
            rows: 0,
            epoch: 0,
        }
    }

    /// Inserts the letters in turn, one of each list, in commits of these sizes. How long that took.
    #[expect(clippy::cast_possible_wrap, reason = "by the bits, as the program stores it")]
    pub(crate) fn insert(&mut self, letters: &[Vec<Mail>], batches: &[usize]) -> Duration {
        let each = letters.iter().map(Vec::len).max().unwrap_or(0);
        let mut mail = (0..each).flat_map(|at| {
            (0_i64..)
                .zip(letters)
                .filter_map(move |(client, letters)| Some((client, letters.get(at)?)))
        });
        self.epoch += 1;
        let began = clock::now().at;
        for batch in batches {
            let transaction = self.connection.transaction().expect("a transaction");
            {
                let mut statement = transaction
                    .prepare_cached(
                        "INSERT INTO mail
                         (id, recipient, sender, epoch, sequence, hash, floor, envelope, size, expires_ms)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9)",
                    )
                    .expect("a statement");
                for (client, mail) in mail.by_ref().take(*batch) {
                    self.rows += 1;
                    let row = params![
                        self.rows,
                        client + 1_000,
                        client,
                        self.epoch,
                        mail.slot.sequence.0 as i64,
                        mail.hash.0,
                        mail.envelope,
                        mail.envelope.len() as i64,
                        2_592_000_000 + self.rows / 50,
                    ];
                    statement.execute(row).expect("a row");
                }
            }
            transaction.commit().expect("a commit");
        }
        clock::now().at.since(began)
    }
}

impl MailTable {
    /// Reads everything that waits in the last mailbox that was written to, a page at a time, and turns each row into
    /// an outcome, in one commit a page. How long that took.
    pub(crate) fn replay(&mut self, pages: usize) -> Duration {
        let began = clock::now().at;
        let mut after = 0_i64;
        for _ in 0..pages {
            let transaction = self.connection.transaction().expect("a transaction");
            {
                let mut read = transaction
                    .prepare_cached(
                        "SELECT id, envelope FROM mail WHERE recipient = 1000 AND id > ?1 AND outcome IS NULL
                         ORDER BY id LIMIT ?2",
                    )
                    .expect("a statement");
                let limit = i64::try_from(FORWARD_PAGE_MESSAGES).expect("small");
                let page: Vec<(i64, Vec<u8>)> = read
                    .query_map([after, limit], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
                    .expect("rows");
                let mut end = transaction
                    .prepare_cached(
                        "UPDATE mail SET envelope = NULL, outcome = ?1, expires_ms = ?2 WHERE id = ?3",
                    )
                    .expect("a statement");
                for (id, _) in page {
                    end.execute(params![[0_u8; 100], 5_184_000_000_i64 + id / 50, id])
                        .expect("a row");
                    after = id;
                }
            }
            transaction.commit().expect("a commit");
        }
        clock::now().at.since(began)
    }
}

/// A table of messages with nothing but messages.
struct Chest {
    connection: Connection,
}

impl Chest {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("a database");
        connection
            .execute_batch(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE message (id INTEGER PRIMARY KEY, envelope BLOB NOT NULL);",
            )
            .expect("a table");
        Self { connection }
    }

    fn keep(&self, envelope: &[u8]) {
        self.connection
            .prepare_cached("INSERT INTO message (envelope) VALUES (?1)")
            .and_then(|mut statement| statement.execute([envelope]))
            .expect("a row");
    }
}

/// Two threads: one commits and asks, the other commits and answers.
pub(crate) struct PingPong {
    outbox: Chest,
    socket: UdpSocket,
    other: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// A datagram with a message of 100 bytes, and one with its receipt, about as the program sends them (an estimate).
const PING_BYTES: usize = 330;
/// See [`PING_BYTES`].
const PONG_BYTES: usize = 170;

impl PingPong {
    /// Both, on databases in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let outbox = Chest::open(&folder.join("outbox.db"));
        let inbox = Chest::open(&folder.join("inbox.db"));
        let open = || -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_read_timeout(Some(Duration::from_secs(10)))?;
            Ok(socket)
        };
        let (socket, echo) = (open().expect("a port"), open().expect("a port"));
        let other = echo.local_addr().expect("it is bound");
        let thread = thread::Builder::new()
            .name("echo".into())
            .spawn(move || {
                let mut buffer = [0; 2048];
                loop {
                    let (len, from) = echo.recv_from(&mut buffer).expect("a question, or the end");
                    if len == 0 {
                        return;
                    }
                    inbox.keep(buffer.get(..len).unwrap_or_default());
                    echo.send_to(&[0; PONG_BYTES], from).expect("a way back");
                }
            })
            .expect("a thread");
        Self {
            outbox,
            socket,
            other,
            thread: Some(thread),
        }
    }

    /// One message there and its answer back, with the commit before each.
    pub(crate) fn round(&self) -> Duration {
        let began = clock::now().at;
        self.outbox.keep(&[1; PING_BYTES]);
        self.socket
            .send_to(&[1; PING_BYTES], self.other)
            .expect("a way there");
        self.socket.recv(&mut [0; 2048]).expect("an answer");
        clock::now().at.since(began)
    }
}

impl Drop for PingPong {
    fn drop(&mut self) {
        self.socket.send_to(&[], self.other).expect("a way there");
        if let Some(thread) = self.thread.take() {
            thread.join().expect("an end");
        }
    }
}
