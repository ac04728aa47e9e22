//! Whom to believe: names, the identities behind them, and the look-ups that find out.
//!
//! A name is believed if a pin or the directory says whose it is; the pin wins. Otherwise the registry is asked.
//! Invariants: a name is pinned at its first use, committed before anything is sent to it; a pin changes only by
//! the user's word, for an identity that the registry has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::committed::After;
use super::directory::{Applied, Knowledge};
use super::{Client, Timer};
use crate::client::interface::{Event, NotAccepted, Refusal};
use crate::client::storage::{RegistryImage, Request};
use crate::clock::{Instant, Now};
use crate::engine::Context;
use crate::id::{IdentityId, Name};
use crate::identity::Card;
use crate::limits::{OUTBOX_MESSAGES_MAX, REQUEST_RETRY, REQUEST_RETRY_MAX};
use crate::wire::message::{Page, Record, ToRegistry};

/// Changes of the directory are told and stored at most this often.
const TABLE_INTERVAL: Duration = Duration::from_secs(1);

/// Names being looked up: as many as there may be conversations waiting.
const LOOKUPS_MAX: usize = OUTBOX_MESSAGES_MAX;

/// A look-up that is not answered.
#[derive(Debug)]
struct Asked {
    name: Name,
    since: Instant,
    /// How long until it is asked again, the next time.
    again: Duration,
}

/// Look-ups.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// By folded name.
    asked: BTreeMap<String, Asked>,
    /// What the registry has answered in this registration that nobody has it.
    unlisted: BTreeSet<String>,
}

impl Lookups {
    /// How many names are asked for.
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether nobody has the name, as far as this registration's answers go.
    pub(super) fn is_unlisted(&self, folded: &str) -> bool {
        self.unlisted.contains(folded)
    }

    /// Whether the registry is being asked for the name.
    pub(super) fn is_asked(&self, folded: &str) -> bool {
        self.asked.contains_key(folded)
    }

    /// Somebody has the name.
    fn list(&mut self, folded: &str) {
        self.unlisted.remove(folded);
    }

    /// Since when an answer is waited for, if the name is asked for now or was; `None` if too many are.
    pub(super) fn since(&self, folded: &str, now: Instant) -> Option<Instant> {
        match self.asked.get(folded) {
            Some(asked) => Some(asked.since),
            None => (self.asked.len() < LOOKUPS_MAX).then_some(now),
        }
    }

    /// Nobody has the name. What is forgotten is asked for again, no more.
    pub(super) fn unlist(&mut self, folded: String) {
        if self.unlisted.len() >= LOOKUPS_MAX {
            self.unlisted.clear();
        }
        self.unlisted.insert(folded);
    }
}

impl Client {
    /// Takes up what the database holds of the registry.
    pub(super) fn load(&mut self, now: Now, image: RegistryImage) {
        self.acquaintances = super::acquaintance::Acquaintances::load(&image);
        self.directory = super::directory::Directory::load(image.directory, image.pins, image.version);
        self.contacts.load(image.met);
        self.rooms.load(image.rooms);
        for ended in image.ended {
            self.outbox.remember_ended(ended);
        }
        for message in image.outbox {
            // Where there is a registry, whom an earlier run has written to is listed by that.
            if let (Some(address), Some(_)) = (message.to.address(), self.config.registry) {
                self.contacts.list(address);
            }
            self.resume(now, message);
        }
        self.tell_untold(image.untold);
        self.plan_sweep(now.at);
    }

    /// Asks the registry who has a name, unless it is being asked.
    pub(super) fn look_up(&mut self, cx: &Context<'_>, name: &Name) {
        let folded = name.folded();
        if self.lookups.asked.contains_key(&folded) || self.lookups.asked.len() >= LOOKUPS_MAX {
            return;
        }
        let asked = Asked {
            name: name.clone(),
            since: cx.now.at,
            again: REQUEST_RETRY,
        };
        self.lookups.asked.insert(folded.clone(), asked);
        let applied = self.directory.follow(folded.clone());
        self.applied(cx, applied);
        self.ask_lookup(cx, &folded);
    }

    fn ask_lookup(&mut self, cx: &Context<'_>, folded: &str) {
        let Some(asked) = self.lookups.asked.get_mut(folded) else {
            return;
        };
        let Some(session) = self.link.registered() else {
            return;
        };
        let (name, pause) = (asked.name.clone(), asked.again);
        asked.again = (pause * 2).min(REQUEST_RETRY_MAX);
        self.ask_loosely(cx, session, &ToRegistry::Lookup { name });
        self.timers
            .set(Timer::Lookup(folded.to_owned()), cx.now.at + pause);
    }

    /// Asks for the names that were to be asked for before the registry had us.
    pub(super) fn ask_lookups(&mut self, cx: &Context<'_>) {
        let folded: Vec<String> = self.lookups.asked.keys().cloned().collect();
        for folded in folded {
            if self.timers.at(&Timer::Lookup(folded.clone())).is_none() {
                self.ask_lookup(cx, &folded);
            }
        }
    }

    pub(super) fn lookup_due(&mut self, cx: &Context<'_>, folded: &str) {
        self.ask_lookup(cx, folded);
    }

    /// The registry is away: whoever still wants to know asks anew, and what nobody had may be somebody's by then.
    pub(super) fn lookups_lost(&mut self) {
        self.lookups.unlisted.clear();
        for folded in std::mem::take(&mut self.lookups.asked).into_keys() {
            self.timers.clear(&Timer::Lookup(folded));
        }
    }

    /// Whether it was still open. An answer to one that is not has been overtaken: by an update that tells of the
    /// name, and of what changes afterwards, or by another answer.
    fn lookup_over(&mut self, folded: &str) -> bool {
        self.timers.clear(&Timer::Lookup(folded.to_owned()));
        self.lookups.asked.remove(folded).is_some()
    }

    pub(super) fn name_found(&mut self, cx: &Context<'_>, record: Record) {
        let folded = record.name.folded();
        if !self.lookups.asked.contains_key(&folded) {
            // Overtaken; but the registry follows the name all the same.
            let applied = self.directory.follow(folded);
            self.applied(cx, applied);
            return;
        }
        let applied = self.directory.found(record, cx.now.at);
        if self.directory.told_of(&folded) {
            self.name_listed(&folded);
            self.lookup_over(&folded);
        }
        self.applied(cx, applied);
        self.judge_strangers(cx, &folded);
        self.pump(cx, &folded);
    }

    /// Somebody has the name: what was put off because nobody had it need not wait.
    pub(super) fn name_listed(&mut self, folded: &str) {
        self.lookups.list(folded);
        self.outbox.name_is_there(folded);
    }

    pub(super) fn name_not_found(&mut self, cx: &Context<'_>, name: &Name) {
        let folded = name.folded();
        self.directory.unfollow(&folded);
        if !self.lookup_over(&folded) {
            return;
        }
        self.lookups.unlist(folded.clone());
        let applied = self.directory.not_found(&folded);
        self.applied(cx, applied);
        self.judge_strangers(cx, &folded);
        if self.directory.knows(&folded) == Knowledge::Unknown {
            self.refuse_all(cx, &folded, Refusal::NoSuchName);
        } else {
            self.pump(cx, &folded);
        }
    }

    pub(super) fn directory_page(&mut self, cx: &Context<'_>, page: Page) {
        let applied = self.directory.page(page, cx.now.at);
        let version = applied.version;
        if applied.mismatch {
            tracing::debug!("directory update does not fit");
        }
        if version.is_some() || applied.mismatch {
            self.ack_owed = true;
            self.acknowledge_directory(cx);
        }
        let names: Vec<String> = applied.changed.iter().cloned().collect();
        self.applied(cx, applied);
        for folded in names {
            if self.directory.told_of(&folded) {
                self.name_listed(&folded);
            }
            self.lookup_over(&folded);
            self.judge_strangers(cx, &folded);
            self.pump(cx, &folded);
        }
    }

    /// Says how far the directory copy is, if that is owed; without room now, with the next keep-alive.
    pub(super) fn acknowledge_directory(&mut self, cx: &Context<'_>) {
        if let (true, Some(version), Some(session)) =
            (self.ack_owed, self.directory.version(), self.link.session())
        {
            self.ack_owed = !self.tell_registry(cx, session, &ToRegistry::DirectoryAck { version });
        }
    }

    /// Tells of contradictions and changes, and sees that they are stored.
    fn applied(&mut self, cx: &Context<'_>, applied: Applied) {
        let changed: BTreeSet<String> = applied.changed;
        for folded in &changed {
            self.tell_contested(folded);
        }
        if applied.version.is_none() && changed.is_empty() {
            return;
        }
        self.table_changed |= !changed.is_empty();
        let due = self.table_told.map_or(cx.now.at, |told| told + TABLE_INTERVAL);
        if due <= cx.now.at {
            self.tell_table(cx);
        } else {
            self.timers.set_by(Timer::Table, due);
        }
    }

    /// Tells that the directory changed, and stores it.
    pub(super) fn tell_table(&mut self, cx: &Context<'_>) {
        if std::mem::take(&mut self.table_changed) {
            self.table_told = Some(cx.now.at);
            // Whoever reads that the table is another can complete the names in it.
            self.tell_names();
            self.out.event(Event::TableUpdated);
            self.tell_presence();
        }
        if let Some(update) = self.directory.take_update() {
            self.out.store(Request::Directory(update), After::Directory);
        }
    }

    /// Says once in a run that a name seems to be somebody else's than it was, if it does.
    pub(super) fn tell_contested(&mut self, folded: &str) {
        let Knowledge::Contested { pinned, found } = self.directory.knows(folded) else {
            return;
        };
        if !self.directory.contest(folded, found) {
            return;
        }
        let known = pinned.id;
        if let Ok(name) = folded.parse::<Name>() {
            let name = self.directory.spelling(&name);
            self.out.event(Event::IdentityChanged { name, known, found });
        }
    }

    /// Pins a name at its first use; what is to be sent waits for the commit.
    pub(super) fn pin(&mut self, name: Name, card: Card) {
        let request = Request::Pin {
            name: name.clone(),
            card,
        };
        self.out.store_surely(request, After::Pinned { name, card });
    }

    pub(super) fn pinned(&mut self, cx: &Context<'_>, name: &Name, card: Card) {
        self.directory.pin(name, card);
        let folded = name.folded();
        if let Some(conversation) = self.outbox.conversation_mut(&folded) {
            conversation.pinning = false;
        }
        self.pump(cx, &folded);
    }

    /// The user takes the identity that the registry has shown for a name.
    pub(super) fn trust(&mut self, name: &Name, fingerprint: &str) {
        let folded = name.folded();
        let shown = self.directory.shown(&folded);
        let Some(card) = shown.filter(|card| is_fingerprint_of(card.id, fingerprint)) else {
            self.out.event(Event::NotAccepted(NotAccepted::NothingToTrust));
            return;
        };
        self.ask_trust(self.directory.spelling(name).into(), card);
    }
}

/// Whether somebody has written this identity's fingerprint, in whatever groups and case.
pub(super) fn is_fingerprint_of(id: IdentityId, text: &str) -> bool {
    digits(&id.fingerprint()) == digits(text)
}

/// A fingerprint however it was grouped and written.
fn digits(fingerprint: &str) -> String {
    fingerprint
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
