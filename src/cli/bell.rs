//! What rings the terminal's bell: messages, where their reader wants it.
//!
//! Pure. Invariant: it is never rung for what one has done oneself.

use crate::client::interface::{Event, Incoming, Road};
use crate::id::Name;

/// What makes a terminal ring.
pub(super) const RING: &str = "\x07";

/// For which messages it is rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bell {
    /// For none.
    #[default]
    Off,
    /// For those that are to oneself, and those in rooms that have one's name.
    Mention,
    /// For all.
    All,
}

/// The bell of somebody's terminal.
#[derive(Clone, Debug)]
pub(super) struct Ringer {
    /// For what it is rung.
    pub(super) bell: Bell,
    /// Whose it is.
    pub(super) own: Name,
}

impl Ringer {
    /// Whether he is to hear of it.
    pub(super) fn rings(&self, event: &Event) -> bool {
        match (self.bell, event) {
            (Bell::All, Event::Incoming(_)) => true,
            (Bell::Mention, Event::Incoming(message)) => is_for(message, &self.own),
            _ => false,
        }
    }
}

fn is_for(message: &Incoming, own: &Name) -> bool {
    !matches!(message.road, Road::Room { .. }) || mentions(&message.text, own)
}

/// Whether a text has the name as a word of its own, in whatever case.
fn mentions(text: &str, own: &Name) -> bool {
    let folded = own.folded();
    let joins = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    // A name may hold dots, and a sentence ends in one.
    let words = text.split(|character: char| !joins(character) && character != '.');
    let mut words = words.map(|word| word.trim_matches('.').to_lowercase());
    words.any(|word| word == folded.trim_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::interface::Trust;
    use crate::clock::WallTime;
    use crate::id::{Epoch, IdentityId, MessageId, Sequence, Slot};

    fn message(text: &str, road: Road) -> Event {
        Event::Incoming(Incoming {
            id: MessageId {
                sender: IdentityId([1; 32]),
                slot: Slot {
                    epoch: Epoch(1),
                    sequence: Sequence(0),
                },
            },
            from: "bob".parse().unwrap(),
            at: None,
            trust: Trust::default(),
            sent_at: WallTime::default(),
            text: text.to_owned(),
            road,
        })
    }

    fn post(text: &str) -> Event {
        let name = "den".parse().unwrap();
        message(text, Road::Room { name, before: false })
    }

    #[test]
    fn it_rings_for_what_is_wanted() {
        let own: Name = "alice".parse().unwrap();
        let rung = |event: &Event| {
            [Bell::Off, Bell::Mention, Bell::All].map(|bell| {
                Ringer {
                    bell,
                    own: own.clone(),
                }
                .rings(event)
            })
        };
        assert_eq!(rung(&message("hi", Road::Stored)), [false, true, true]);
        assert_eq!(rung(&post("hi")), [false, false, true]);
        assert_eq!(rung(&post("hi, Alice!")), [false, true, true]);
        assert_eq!(rung(&Event::HaveMessages), [false; 3]);
    }

    #[test]
    fn a_name_is_mentioned_as_a_word() {
        let mentioned = |text: &str, own: &str| mentions(text, &own.parse().unwrap());
        for text in [
            "alice",
            "@ALICE: see",
            "is it alice?",
            "ask alice.",
            "(alice)\nok",
            "grüße alice",
        ] {
            assert!(mentioned(text, "alice"), "{text}");
        }
        for text in ["", "malice", "alice2", "alice_b", "alice.b", "al ice"] {
            assert!(!mentioned(text, "alice"), "{text}");
        }
        assert!(mentioned("so says j.d.", "j.d"));
    }
}
