//! Who there is, who comes and goes, and which names are known, as the registry tells it.
//!
//! All is read off the directory copy, and what those are called who were met at addresses; that this is told at most once a
//! second is `names`' rule.
//! Invariant: of a name that is told of twice the second differs from the first.

use std::collections::BTreeMap;

use super::Client;
use crate::client::interface::{Event, Names, NotAccepted, Trust, User, Users};
use crate::id::Name;
use crate::wire::message::Record;

/// Who was there when that was told last, by name; as many as the directory copy holds.
pub(super) type Seen = BTreeMap<Name, bool>;

impl Client {
    /// Says who there is.
    pub(super) fn list_users(&mut self) {
        let me = &self.config.name;
        let current = self.registered();
        let told = self.directory.told();
        let mut users: Vec<User> = told
            .map(|record| user(record, self.trust_of(&record.name)))
            .collect();
        let own = users.iter().position(|user| user.name.matches(me));
        match own.and_then(|at| users.get_mut(at)) {
            Some(own) if own.online == current => {}
            // What the registry has told of us is older than what we know.
            Some(own) => *own = ourselves(me, current),
            None => {
                users.push(ourselves(me, current));
                users.sort_by_cached_key(|user| user.name.folded());
            }
        }
        let all = self.directory.tells_of_all(me);
        self.out.event(Event::Users(Users { users, all, current }));
    }

    /// Who comes and goes is to be told from now on, or no longer.
    pub(super) fn want_presence(&mut self, on: bool) {
        if self.seen_there.is_some() == on {
            self.out.event(Event::NotAccepted(NotAccepted::NoChange));
            return;
        }
        self.seen_there = on.then(|| self.who_is_there());
        self.out.event(Event::PresenceTold { on });
    }

    /// Tells who has come and who has gone since that was told last, if it is wanted.
    pub(super) fn tell_presence(&mut self) {
        if self.seen_there.is_none() {
            return;
        }
        let now = self.who_is_there();
        let before = self.seen_there.replace(now.clone()).unwrap_or_default();
        for (name, online) in now {
            // Whoever is new and away has not gone anywhere.
            if before.get(&name).copied().unwrap_or(false) != online {
                self.out.event(Event::Presence { name, online });
            }
        }
    }

    /// The names that are known are to be told, now and from now on.
    pub(super) fn want_names(&mut self) {
        self.names_wanted = true;
        self.tell_names();
    }

    /// Tells the names that are known, if they are wanted.
    pub(super) fn tell_names(&mut self) {
        if !self.names_wanted {
            return;
        }
        let met = self.contacts.names();
        let met = met.map(|name| {
            let trust = self.trust_of_those_at(&self.contacts.met_as(name));
            (name.folded(), (name.clone(), trust))
        });
        let listed = self.directory.names().into_iter();
        let listed = listed.map(|name| (name.folded(), (name.clone(), self.trust_of(&name))));
        // Where both have one of a name, the registry's is meant by it.
        let mut people: BTreeMap<String, (Name, Trust)> = met.chain(listed).collect();
        people.remove(&self.config.name.folded());
        let names = Names {
            people: people.into_values().collect(),
            rooms: self.rooms.names(),
        };
        self.out.event(Event::Names(names));
    }

    fn who_is_there(&self) -> Seen {
        let others = self
            .directory
            .told()
            .filter(|record| !record.name.matches(&self.config.name));
        others
            .map(|record| (record.name.clone(), record.presence.online.is_some()))
            .collect()
    }
}

fn user(record: &Record, trust: Trust) -> User {
    let online = record.presence.online.as_ref();
    User {
        name: record.name.clone(),
        trust,
        online: online.is_some(),
        since: Some(record.presence.since),
        address: online.map(|online| online.observed),
    }
}

/// Ourselves, where the registry does not tell.
fn ourselves(me: &Name, online: bool) -> User {
    User {
        name: me.clone(),
        trust: Trust::Known,
        online,
        since: None,
        address: None,
    }
}
