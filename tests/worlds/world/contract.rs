//! What is promised of every message, checked against databases and screens once all programs have ended.
//!
//! Texts have to be unique for each sender, and to sort as they were written. Truth is read from the databases; a
//! screen may lag behind it, but never say what is not so.
//! Invariant: nothing here looks at which road a message took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use udpchat::client::interface::{Event, Incoming, Road};
use udpchat::clock::Instant;
use udpchat::limits::HOLD_BACK;

use super::World;

/// How the messages of one person to another have ended: texts, in the order written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) delivered: Vec<String>,
    pub(crate) refused: Vec<String>,
    pub(crate) expired: Vec<String>,
}

impl Ends {
    /// All was delivered.
    pub(crate) fn all_delivered(&self) -> bool {
        self.refused.is_empty() && self.expired.is_empty()
    }
}

impl World {
    /// How everything that `from` has accepted for `to` ended. Fails on what has not.
    pub(crate) fn ends(&self, from: &str, to: &str) -> Ends {
        let (called, address) = (self.people[to].called, self.people[to].address);
        let texts = |states: &str| {
            self.read(
                from,
                &format!(
                    "SELECT text FROM outbox WHERE folded IN ('{called}', '@{address}') AND state {states} ORDER BY message"
                ),
            )
        };
        let open = texts("< 2");
        assert!(open.is_empty(), "{from} to {to}: {open:?} have not ended");
        Ends {
            delivered: texts("= 2"),
            refused: texts("= 3"),
            expired: texts("= 4"),
        }
    }

    /// What is in the inbox of `to` from `from`, in the order written; each is there once.
    pub(crate) fn inbox(&self, to: &str, from: &str) -> Vec<String> {
        let called = self.people[from].called;
        let inbox = self.read(
            to,
            &format!("SELECT text FROM inbox WHERE name = '{called}' ORDER BY text"),
        );
        let once: BTreeSet<&String> = inbox.iter().collect();
        assert_eq!(
            once.len(),
            inbox.len(),
            "{from} to {to}: something is twice in {inbox:?}"
        );
        inbox
    }

    /// Everything from `from` to `to` has ended, and that is true: what is said to be delivered is in the inbox,
    /// once, and nothing else is; all of it was shown as promised.
    pub(crate) fn kept_its_promises(&self, from: &str, to: &str) -> Ends {
        let ends = self.ends(from, to);
        let inbox = self.inbox(to, from);
        assert_eq!(
            inbox, ends.delivered,
            "{from} to {to}: the inbox, and what is said to be in it"
        );
        self.shown_as_promised(from, to);
        ends
    }

    /// The same, between people who never crashed: they were told of each end, once.
    pub(crate) fn told_each_end(&self, from: &str, to: &str) -> Ends {
        let ends = self.kept_its_promises(from, to);
        let called = self.people[to].called;
        let told = |is_it: fn(&Event) -> Option<&udpchat::id::Name>| {
            let events = self.events(from);
            let of_him = |name: &&udpchat::id::Name| name.as_str() == called;
            events.iter().filter_map(is_it).filter(of_him).count()
        };
        let delivered = told(|event| match event {
            Event::Received { to } | Event::ReceivedLater { to, .. } => Some(to),
            _ => None,
        });
        let refused = told(|event| match event {
            Event::Refused { to, .. } => Some(to),
            _ => None,
        });
        let expired = told(|event| match event {
            Event::Expired { to, .. } => Some(to),
            _ => None,
        });
        assert_eq!(delivered, ends.delivered.len(), "{from} to {to}: deliveries told");
        // One that was refused or has expired may be delivered after all, and that is told too.
        assert!(
            refused >= ends.refused.len() && expired >= ends.expired.len(),
            "{from} to {to}: ends told"
        );
        assert!(refused + expired <= ends.refused.len() + ends.expired.len() + ends.delivered.len());
        ends
    }

    /// The sender has read how each of his messages ended, whichever run of his program had to say it.
    pub(crate) fn ends_were_told(&self, from: &str, to: &str) {
        let called = self.people[to].called;
        // Lines by the state and the message's time; those of receipts in time have none.
        let mut dated = BTreeMap::<(String, String), usize>::new();
        let mut in_time = 0;
        for event in self.events(from) {
            let (whom, state, sent_at) = match event {
                Event::Received { to } => {
                    in_time += usize::from(to.as_str() == called);
                    continue;
                }
                Event::ReceivedLater { to, sent_at } => (to, "2", sent_at),
                Event::Refused { to, sent_at, .. } => (to, "3", sent_at),
                Event::Expired { to, sent_at } => (to, "4", sent_at),
                _ => continue,
            };
            if whom.as_str() == called {
                let line = (state.to_owned(), sent_at.unix_ms().to_string());
                *dated.entry(line).or_default() += 1;
            }
        }
        let sql = "SELECT state || ' ' || sent_ms FROM outbox WHERE folded = '{called}' ORDER BY message";
        for row in self.read(from, &sql.replace("{called}", called)) {
            let (state, sent_ms) = row.split_once(' ').expect("two columns");
            match dated.get_mut(&(state.to_owned(), sent_ms.to_owned())) {
                Some(lines) if *lines > 0 => *lines -= 1,
                _ if state == "2" && in_time > 0 => in_time -= 1,
                _ => panic!("{from} to {to}: that one of {sent_ms} ended in state {state} was never told"),
            }
        }
    }

    /// All that is in the inbox was shown, in the order written. A crash has repeated only lines whose mark was not
    /// committed; only a message that came after its successor's hold was shown after it, and as late.
    pub(crate) fn shown_as_promised(&self, from: &str, to: &str) {
        let called = self.people[from].called;
        let mut lines = Vec::new();
        for run in self.runs_of(to) {
            let marked = run.marked.iter().filter(|(name, _)| name == called);
            let marked: BTreeSet<&str> = marked.map(|(_, text)| text.as_str()).collect();
            let shown = run.events.iter().filter_map(|(at, notice)| match &notice.event {
                Event::Incoming(message) if message.from.as_str() == called => Some((*at, message)),
                _ => None,
            });
            let shown: Vec<(Instant, &Incoming)> = shown.collect();
            check_run(&marked, &shown).unwrap_or_else(|fault| {
                panic!("{from} to {to}: {fault}; marked before: {marked:?}, shown: {shown:?}")
            });
            lines.extend(shown);
        }
        let seen: BTreeSet<&str> = lines.iter().map(|(_, message)| message.text.as_str()).collect();
        let inbox = self.inbox(to, from);
        assert!(
            seen.iter().copied().eq(inbox.iter().map(String::as_str)),
            "{from} to {to}: shown {seen:?}, in the inbox {inbox:?}"
        );
        let unmarked = "SELECT text FROM inbox WHERE shown = 0 ORDER BY arrival";
        assert_eq!(self.read(to, unmarked), [""; 0], "{to} has not seen");
        self.held_back(from, to, &lines);
    }

    /// What was shown before a predecessor had been held back for it, or is followed by one that had.
    fn held_back(&self, from: &str, to: &str, lines: &[(Instant, &Incoming)]) {
        if self.people[to].machine.wall_off_ms != 0 {
            return;
        }
        let sql = "SELECT text || '\t' || received_ms FROM inbox ORDER BY arrival";
        let received = self.read(to, sql);
        let received_ms = |text: &str| {
            let found = received.iter().filter_map(|row| row.split_once('\t'));
            let mut found = found.filter(|(other, _)| *other == text);
            found.next().and_then(|(_, ms)| ms.parse::<i64>().ok())
        };
        for (index, (_, late)) in lines.iter().enumerate() {
            let before = lines.get(..index).unwrap_or_default();
            let first_time = before.iter().all(|(_, line)| line.text != late.text);
            let overtaken_at = before.iter().find(|(_, line)| line.text > late.text);
            let (Some((overtaken_at, _)), true) = (overtaken_at, first_time) else {
                continue;
            };
            // Those that went together: the longest held took the others with it.
            let overtakers = before
                .iter()
                .filter(|(at, line)| at == overtaken_at && line.text > late.text);
            let since = overtakers.filter_map(|(_, line)| received_ms(&line.text)).min();
            let held_ms = Self::wall_at(*overtaken_at).unix_ms() - since.expect("it is in the inbox");
            assert!(
                Duration::from_millis(held_ms.unsigned_abs()) >= HOLD_BACK,
                "{from} to {to}: {} was overtaken by what was held back for {held_ms} ms",
                late.text
            );
        }
    }
}

/// The lines of one run, whose database had these marks when it began.
fn check_run(marked: &BTreeSet<&str>, shown: &[(Instant, &Incoming)]) -> Result<(), String> {
    let mut seen: BTreeSet<&str> = marked.clone();
    for (_, message) in shown {
        let text = message.text.as_str();
        let is_late = seen.last().is_some_and(|last| *last > text);
        if !seen.insert(text) {
            return Err(format!("{text} is shown again, and its mark was committed"));
        }
        if is_late != (message.road == Road::Late) {
            return Err(format!(
                "{text} is in its turn: {}, but shown as {:?}",
                !is_late, message.road
            ));
        }
    }
    Ok(())
}
