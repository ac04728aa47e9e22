//! What can be seen of the world: what people were told, what stands in databases, what was sent.
//!
//! Changes nothing. Databases are read while nobody has them open.
//! Invariant: what is kept of a run is what its person saw, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use udpchat::client::interface::{Event, Incoming, Notice};
use udpchat::clock::Instant;

use super::World;

/// One run of a program.
#[derive(Default)]
pub(crate) struct Run {
    /// What was marked as shown when it began: who wrote it, and the text.
    pub(crate) marked: BTreeSet<(String, String)>,
    /// What it told, and when.
    pub(crate) events: Vec<(Instant, Notice)>,
}

/// A datagram that was sent, arrived or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// The packet's.
    pub(crate) kind: &'static str,
    pub(crate) bytes: usize,
}

impl Sent {
    pub(super) fn new(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> Self {
        let kinds = ["Initial", "Retry", "Response", "Finish", "Data", "Reset"];
        let kind = bytes.first().map_or(0, |kind| usize::from(*kind));
        Self {
            from,
            to,
            kind: kinds[kind - 1],
            bytes: bytes.len(),
        }
    }
}

impl World {
    /// How many datagrams there have been: what must not grow for nothing.
    pub(crate) fn flown(&self) -> u64 {
        self.flown
    }

    /// From now on all that is sent is kept; returns what was kept so far.
    pub(crate) fn keep_sent(&mut self) -> Vec<Sent> {
        self.sent.replace(Vec::new()).unwrap_or_default()
    }

    /// All that a person was told, over all runs.
    pub(crate) fn events(&self, name: &str) -> Vec<Event> {
        let person = &self.people[name];
        let past = person.past.iter().flat_map(|run| &run.events);
        let present = person.program.iter().flat_map(|program| &program.events);
        past.chain(present)
            .map(|(_, notice)| notice.event.clone())
            .collect()
    }

    /// Whether he was told this, in this run.
    pub(crate) fn told(&self, name: &str, is_it: impl Fn(&Event) -> bool) -> bool {
        let program = self.people[name].program.as_ref();
        program.is_some_and(|program| program.events.iter().any(|(_, notice)| is_it(&notice.event)))
    }

    /// The runs of a program that is not running.
    pub(crate) fn runs_of(&self, name: &str) -> &[Run] {
        assert!(self.people[name].program.is_none(), "{name} still runs");
        &self.people[name].past
    }

    /// Whether his program runs: it was started, not killed, and has not ended.
    pub(crate) fn runs(&self, name: &str) -> bool {
        let person = self.people.get(name);
        person.is_some_and(|person| person.program.is_some())
            && !self.told(name, |event| matches!(event, Event::Ended(_)))
    }

    /// Whether the registry has him, as far as he knows.
    pub(crate) fn is_registered(&self, name: &str) -> bool {
        let program = self.people[name].program.as_ref();
        program.is_some_and(|program| program.node().role().registered())
    }

    /// Messages that his program has not brought to an end.
    pub(crate) fn unfinished(&self, name: &str) -> usize {
        let program = self.people[name].program.as_ref();
        program.map_or(0, |program| program.node().role().unfinished())
    }

    /// What stands in a database: a text each row.
    pub(crate) fn read(&self, name: &str, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.database(name)).expect("a database");
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    }

    /// What is marked as shown in somebody's database.
    pub(super) fn marked(&self, name: &str) -> BTreeSet<(String, String)> {
        if !self.database(name).exists() {
            return BTreeSet::new();
        }
        let sql = "SELECT name || ' ' || text FROM inbox WHERE shown = 1 ORDER BY arrival";
        self.read(name, sql)
            .iter()
            .filter_map(|row| row.split_once(' '))
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }

    /// The messages that were shown to a person, in order.
    pub(crate) fn lines(&self, name: &str) -> Vec<Incoming> {
        let incoming = |event| match event {
            Event::Incoming(message) => Some(message),
            _ => None,
        };
        self.events(name).into_iter().filter_map(incoming).collect()
    }

    /// The texts that were shown to a person, by sender, in order.
    pub(crate) fn shown(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let mut shown = BTreeMap::<String, Vec<String>>::new();
        for message in self.lines(name) {
            shown
                .entry(message.from.to_string())
                .or_default()
                .push(message.text);
        }
        shown
    }

    /// When everybody is due.
    pub(super) fn deadlines(&self) -> String {
        let people: Vec<_> = self
            .people
            .iter()
            .map(|(name, person)| (name, person.program.as_ref().map(|program| program.deadlines())))
            .collect();
        let registry = self.registry.as_ref().map(|program| program.deadlines());
        let flight = self.flights.first_key_value().map(|((at, _), _)| at);
        format!("{people:?}, registry {registry:?}, a datagram {flight:?}")
    }

    /// Everything that helps to understand a failure. Ends all programs.
    pub(super) fn last_words(&mut self) -> String {
        self.kill_all();
        let mail = "SELECT id || ' from ' || sender || ' to ' || recipient || ' ' || epoch || ' ' || sequence
                    || ' ended ' || (outcome IS NOT NULL) FROM mail ORDER BY id";
        let told = self.people.keys().filter(|name| self.database(name).exists());
        let told = told.map(|name| {
            let sql =
                "SELECT name || ' ' || substr(text, 1, 8) || ' state ' || state || ' deposited ' || deposited
                       || ' ' || epoch || ' ' || sequence FROM outbox WHERE state < 2 ORDER BY message";
            format!("{name}: left {:?}\n{:?}", self.read(name, sql), self.events(name))
        });
        let told: Vec<String> = told.collect();
        let mail = self
            .database("registry")
            .exists()
            .then(|| self.read("registry", mail));
        format!("mail: {mail:?}\n{}", told.join("\n"))
    }
}
