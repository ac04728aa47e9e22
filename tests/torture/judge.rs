//! How each message ended: the senders' databases against the recipients' databases and everybody's screens, once all
//! programs have ended.
//!
//! Each text is a number that nobody else sent, and grows; in which order texts were shown is `screen.rs`.
//! Invariant: nothing here runs or changes anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};
use udpchat::client::interface::Refusal;
use udpchat::limits::{
    MAILBOX_BYTES_MAX, MAILBOX_MESSAGES_MAX, MAILBOX_SENDER_BYTES_MAX, MAILBOX_SENDER_MESSAGES_MAX,
};
use udpchat::wire::codec;
use udpchat::wire::message::DepositRefusal;

use crate::player::{Killed, Line};
use crate::screen;

/// Of a long list so many are told.
const TOLD_MAX: usize = 20;
/// Of a text so much is told: its number.
const NUMBER_BYTES: usize = 7;

/// What an envelope weighs beside its text, at most: names, card, signature.
const ENVELOPE_OVERHEAD_MAX: u64 = 1_024;

/// The verdict.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) accepted: usize,
    pub(crate) delivered: usize,
    pub(crate) refused: usize,
    pub(crate) repeated: usize,
    pub(crate) late: usize,
    pub(crate) faults: Vec<String>,
}

impl Verdict {
    /// A fault, if there are any such texts or times: how many, and some of them.
    pub(crate) fn none<T: Display>(&mut self, what: &str, found: impl IntoIterator<Item = T>) {
        let found: Vec<String> = found.into_iter().map(|item| item.to_string()).collect();
        if !found.is_empty() {
            let some = found.iter().take(TOLD_MAX);
            let some: Vec<String> = some.map(|item| format!("{item:.60}")).collect();
            let fault = format!("{} {what}: {}", found.len(), some.join(", "));
            self.faults.push(fault);
        }
    }

    /// What is in one set only.
    fn same(&mut self, what: &str, must: &BTreeSet<&str>, is: &BTreeSet<&str>) {
        self.none(
            &format!("missing {what}"),
            must.difference(is).map(|text| number(text)),
        );
        self.none(
            &format!("too much {what}"),
            is.difference(must).map(|text| number(text)),
        );
    }
}

/// The beginning of a text, by which it is told from others.
pub(crate) fn number(text: &str) -> &str {
    text.get(..NUMBER_BYTES).unwrap_or(text)
}

/// A message in its sender's database.
struct Sent {
    text: String,
    state: u8,
    told: u8,
    reason: Option<Vec<u8>>,
    /// When it was sent, as screens say it.
    time: String,
}

impl Sent {
    fn is_delivered(&self) -> bool {
        self.state == 2 && self.reason.is_none()
    }

    /// Refused because too much waits for someone who is away: the only cause in a world where all names exist and
    /// nobody skips. So much may wait only if so much was ever written: by this sender to him, and by all.
    fn is_refused_honestly(&self, by_one: Written, by_all: Written) -> bool {
        let reason = self.reason.as_deref().map(codec::decode::<Refusal>);
        let may_be_full = match reason {
            Some(Ok(Refusal::Registry(DepositRefusal::SenderFull))) => {
                by_one.exceeds(MAILBOX_SENDER_MESSAGES_MAX, MAILBOX_SENDER_BYTES_MAX)
            }
            // Half of it is for those to whom he has written.
            Some(Ok(Refusal::Registry(DepositRefusal::MailboxFull))) => {
                by_all.exceeds(MAILBOX_MESSAGES_MAX / 2, MAILBOX_BYTES_MAX / 2)
            }
            _ => false,
        };
        self.state == 3 && may_be_full
    }
}

/// What was ever written to somebody.
#[derive(Clone, Copy, Default)]
struct Written {
    messages: u64,
    /// Of envelopes, at most.
    bytes: u64,
}

impl Written {
    fn of(sent: &[Sent]) -> Self {
        let bytes = |sent: &Sent| u64::try_from(sent.text.len()).unwrap() + ENVELOPE_OVERHEAD_MAX;
        Self {
            messages: sent.len().try_into().unwrap(),
            bytes: sent.iter().map(bytes).sum(),
        }
    }

    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    const fn exceeds(self, messages: u64, bytes: u64) -> bool {
        self.messages > messages || self.bytes > bytes
    }
}

/// A message in its recipient's database.
struct Got {
    text: String,
    shown: bool,
    received_ms: u64,
}

/// Rows of a database; an error is for whoever looks at one that is being written.
pub(crate) fn rows<T>(
    folder: &Path,
    sql: &str,
    row: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let connection = Connection::open(folder.join("database.sqlite"))?;
    let mut query = connection.prepare(sql)?;
    query.query_map([], row)?.collect()
}

/// What a client has received and not marked as shown; nothing if its database was not made yet.
pub(crate) fn unmarked(folder: &Path) -> BTreeSet<String> {
    let texts = rows(folder, "SELECT text FROM inbox WHERE shown = 0", |row| row.get(0));
    texts.unwrap_or_default().into_iter().collect()
}

/// A client, and all that it left.
pub(crate) struct Person<'a> {
    pub(crate) name: &'a str,
    /// Its database's.
    pub(crate) folder: PathBuf,
    pub(crate) screen: Vec<Line>,
    /// What was typed, in which run; how many runs there were.
    pub(crate) typed: &'a [(usize, String)],
    pub(crate) runs: usize,
    pub(crate) killed: &'a [Killed],
}

/// Compares everything.
pub(crate) fn judge(people: &[Person<'_>], registry: &Path) -> Verdict {
    let mut verdict = Verdict::default();
    for reader in people {
        let senders = people.iter().filter(|sender| sender.name != reader.name);
        let pairs = senders.map(|sender| {
            let sent = sent(&sender.folder, reader.name);
            Pair::new(sender, reader, sent, got(&reader.folder, sender.name))
        });
        let pairs: Vec<_> = pairs.collect();
        let mut by_all = Written::default();
        pairs.iter().for_each(|pair| by_all.add(Written::of(&pair.sent)));
        pairs.iter().for_each(|pair| pair.judge(by_all, &mut verdict));
    }
    for sender in people {
        let accepted = rows(&sender.folder, "SELECT text FROM outbox", |row| row.get(0)).unwrap();
        screen::swallowed(&mut verdict, sender, &accepted.into_iter().collect());
    }
    let mail = rows(registry, "SELECT id FROM mail", |row| row.get::<_, i64>(0));
    verdict.none("ended, and the registry keeps them", mail.unwrap());
    verdict
}

fn sent(folder: &Path, to: &str) -> Vec<Sent> {
    let sql = "SELECT text, state, told, reason, strftime('%Y-%m-%d %H:%M:%S', sent_ms / 1000, 'unixepoch')
               FROM outbox WHERE folded = '{}' ORDER BY message";
    let read = |row: &Row<'_>| {
        Ok(Sent {
            text: row.get(0)?,
            state: row.get(1)?,
            told: row.get(2)?,
            reason: row.get(3)?,
            time: row.get(4)?,
        })
    };
    rows(folder, &sql.replace("{}", to), read).unwrap()
}

fn got(folder: &Path, from: &str) -> Vec<Got> {
    let sql = "SELECT text, shown, received_ms FROM inbox WHERE name = '{}'";
    let read = |row: &Row<'_>| {
        Ok(Got {
            text: row.get(0)?,
            shown: row.get(1)?,
            received_ms: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    };
    rows(folder, &sql.replace("{}", from), read).unwrap()
}

/// One direction between two people.
struct Pair<'a> {
    way: String,
    sender: &'a Person<'a>,
    reader: &'a Person<'a>,
    sent: Vec<Sent>,
    got: Vec<Got>,
}

impl<'a> Pair<'a> {
    fn new(sender: &'a Person<'a>, reader: &'a Person<'a>, sent: Vec<Sent>, got: Vec<Got>) -> Self {
        Self {
            way: format!("from {} to {}", sender.name, reader.name),
            sender,
            reader,
            sent,
            got,
        }
    }

    fn judge(&self, by_all: Written, verdict: &mut Verdict) {
        self.ends(by_all, verdict);
        self.told(verdict);
        self.shown(verdict);
    }

    /// Each message has one end, and what was delivered is what is in the inbox.
    fn ends(&self, by_all: Written, verdict: &mut Verdict) {
        let way = &self.way;
        let by_one = Written::of(&self.sent);
        let is_refused_honestly = |sent: &&Sent| sent.is_refused_honestly(by_one, by_all);
        verdict.accepted += self.sent.len();
        verdict.refused += self.sent.iter().filter(is_refused_honestly).count();
        let texts: BTreeSet<&str> = self.sent.iter().map(|sent| sent.text.as_str()).collect();
        let twice = self.sent.len() - texts.len();
        verdict.none(&format!("accepted twice {way}"), (0..twice).map(|_| "?"));
        let no_end = self
            .sent
            .iter()
            .filter(|sent| !sent.is_delivered() && !is_refused_honestly(sent));
        let no_end = no_end.map(|sent| {
            let reason = sent.reason.as_deref().unwrap_or_default();
            format!("{} in state {} {reason:x?}", number(&sent.text), sent.state)
        });
        verdict.none(&format!("without a good end {way}"), no_end);
        let untold = self.sent.iter().filter(|sent| sent.told != sent.state);
        let untold = untold.map(|sent| number(&sent.text));
        verdict.none(&format!("whose end is not marked as told {way}"), untold);

        let inbox: BTreeSet<&str> = self.got.iter().map(|got| got.text.as_str()).collect();
        let twice = self.got.len() - inbox.len();
        verdict.none(&format!("twice in the inbox {way}"), (0..twice).map(|_| "?"));
        verdict.delivered += inbox.len();
        verdict.same(&format!("in the inbox {way}"), &self.delivered(), &inbox);
        let hidden = self.got.iter().filter(|got| !got.shown);
        let hidden = hidden.map(|got| number(&got.text));
        verdict.none(&format!("not marked as shown {way}"), hidden);
    }

    fn delivered(&self) -> BTreeSet<&str> {
        let delivered = self.sent.iter().filter(|sent| sent.is_delivered());
        delivered.map(|sent| sent.text.as_str()).collect()
    }

    /// Every end was told on the sender's screen, and none that is not so.
    fn told(&self, verdict: &mut Verdict) {
        let (way, to, screen) = (&self.way, self.reader.name, &self.sender.screen);
        let times = |start: &str, end: &str| {
            let mut times = BTreeMap::<String, usize>::new();
            for line in screen {
                let line = line.text.strip_prefix("[Message of ");
                if let Some((time, rest)) = line.and_then(|line| line.split_at_checked(19))
                    && rest.starts_with(start)
                    && rest.ends_with(end)
                {
                    *times.entry(time.to_owned()).or_default() += 1;
                }
            }
            times
        };
        let refusals = times(&format!(" to {to} was refused: "), "]");
        let receipts = times(&format!(" received by {to}.]"), "");
        let mut due = BTreeMap::<&str, usize>::new();
        for sent in self.sent.iter().filter(|sent| sent.state == 3) {
            *due.entry(&sent.time).or_default() += 1;
        }
        let untold = due
            .iter()
            .filter(|(time, count)| refusals.get(**time) < Some(*count));
        verdict.none(
            &format!("times of refusals not told {way}"),
            untold.map(|(time, _)| time),
        );
        let vain = refusals.keys().filter(|time| !due.contains_key(time.as_str()));
        verdict.none(&format!("times of refusals told that are none {way}"), vain);
        let delivered = self.sent.iter().filter(|sent| sent.is_delivered());
        let delivered: BTreeSet<&str> = delivered.map(|sent| sent.time.as_str()).collect();
        let vain = receipts.keys().filter(|time| !delivered.contains(time.as_str()));
        verdict.none(&format!("times of receipts told that are none {way}"), vain);

        let direct = format!("[Message received by {to}.]");
        let direct = screen.iter().filter(|line| line.text == direct).count();
        let told = direct + receipts.values().sum::<usize>();
        let delivered = self.delivered().len();
        verdict.none(
            &format!("receipts not told {way}, of {delivered}"),
            (told..delivered).map(|_| "?"),
        );
    }

    /// What is in the inbox was shown, once and in order.
    fn shown(&self, verdict: &mut Verdict) {
        let prefix = format!("{}: ", self.sender.name);
        let screen = self.reader.screen.iter();
        let shown: Vec<Line> = screen.filter_map(|line| message(line, &prefix)).collect();
        let seen: BTreeSet<&str> = shown.iter().map(|line| line.text.as_str()).collect();
        let inbox: BTreeSet<&str> = self.got.iter().map(|got| got.text.as_str()).collect();
        verdict.same(&format!("on the screen {}", self.way), &inbox, &seen);
        screen::repeats(verdict, &self.way, self.reader.killed, &shown);
        let received = self.got.iter().map(|got| (got.text.as_str(), got.received_ms));
        screen::order(verdict, &self.way, &shown, &received.collect());
    }
}

/// A line that is somebody's message, with its text alone: stored ones have a time before it.
fn message(line: &Line, prefix: &str) -> Option<Line> {
    let text = line.text.strip_prefix(prefix)?.rsplit(' ').next()?.to_owned();
    Some(Line { text, ..*line })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
