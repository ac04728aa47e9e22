//! Marks beside names: how well the key behind one is known.
//!
//! Words, which tell it without colours, too; in brackets, which no name has. A message's line keeps the form that it always had as
//! long as nothing is known but that the key is new: that is said once, before the first such message, to a person at a prompt; and
//! not in a client's first run, in which everybody is new.
//! Pure. Invariant: what is marked as verified was said to be so by the engine.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::client::interface::{ContactEvent, Event, Incoming, Road, Trust};
use crate::id::IdentityId;

/// The word of a mark; none where there is nothing to say.
pub(super) const fn word(trust: Trust) -> Option<&'static str> {
    match trust {
        Trust::Known => None,
        Trust::New => Some("new"),
        Trust::Changed => Some("changed"),
        Trust::Verified => Some("verified"),
    }
}

/// A name with its mark.
pub(super) fn marked(name: &impl Display, trust: Trust) -> String {
    match word(trust) {
        Some(word) => format!("{name} ({word})"),
        None => name.to_string(),
    }
}

/// The name of whoever has written a message that is shown as it comes.
pub(super) fn writer(message: &Incoming) -> String {
    match message.trust {
        Trust::New => message.from.to_string(),
        trust => marked(&message.from, trust),
    }
}

/// People who are introduced in a run: more than anybody can look at. Others are met all the same.
const INTRODUCED_MAX: usize = 1_024;

/// Who was introduced.
#[derive(Debug, Default)]
pub(super) struct Introductions {
    /// Whether there was an earlier run, once that is known: the first registration tells it.
    is_back: Option<bool>,
    people: BTreeSet<IdentityId>,
}

impl Introductions {
    /// What is said before an event: who it is whose first message it is, if his key is new.
    pub(super) fn before(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Registered { returning } => {
                self.is_back.get_or_insert(*returning);
                None
            }
            // That says so itself.
            Event::Contact(ContactEvent::Met { id, .. }) => {
                self.is_news(*id);
                None
            }
            Event::Incoming(message)
                if self.is_back == Some(true) && is_new(message) && self.is_news(message.id.sender) =>
            {
                let from = &message.from;
                Some(format!(
                    "[First met: {from}. To compare keys by another way: fingerprint {from}]"
                ))
            }
            _ => None,
        }
    }

    fn is_news(&mut self, id: IdentityId) -> bool {
        self.people.len() < INTRODUCED_MAX && self.people.insert(id)
    }
}

/// In rooms most are strangers: lists mark them.
fn is_new(message: &Incoming) -> bool {
    message.trust == Trust::New && !matches!(message.road, Road::Room { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::tests::message;

    #[test]
    fn a_mark_is_a_word_that_is_no_part_of_a_name() {
        let shown =
            [Trust::Known, Trust::New, Trust::Changed, Trust::Verified].map(|trust| marked(&"bob", trust));
        assert_eq!(shown, ["bob", "bob (new)", "bob (changed)", "bob (verified)"]);
        assert!(
            shown
                .iter()
                .skip(1)
                .all(|text| text.parse::<crate::id::Name>().is_err())
        );
    }

    #[test]
    fn whoever_is_new_is_introduced_once() {
        let mut introductions = Introductions::default();
        let registered = |returning| Event::Registered { returning };
        let from = |road, trust| match message("hi", road) {
            Event::Incoming(message) => Event::Incoming(Incoming { trust, ..message }),
            other => other,
        };
        let den = || Road::Room {
            name: "den".parse().unwrap(),
            before: false,
        };
        assert_eq!(introductions.before(&registered(true)), None);
        assert_eq!(introductions.before(&from(Road::Direct, Trust::Known)), None);
        assert_eq!(introductions.before(&from(den(), Trust::New)), None);
        let said = "[First met: alice. To compare keys by another way: fingerprint alice]";
        assert_eq!(
            introductions.before(&from(Road::Stored, Trust::New)).as_deref(),
            Some(said)
        );
        assert_eq!(introductions.before(&from(Road::Direct, Trust::New)), None);

        let mut first_run = Introductions::default();
        for event in [
            registered(false),
            registered(true),
            from(Road::Direct, Trust::New),
        ] {
            assert_eq!(first_run.before(&event), None, "everybody is new");
        }
    }
}
