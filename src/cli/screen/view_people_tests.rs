//! Whose key it is, and who is not to disturb, on the full screen.

use super::*;
use crate::cli::screen::conversation::Saying;
use crate::cli::screen::trial::{AT, Trial, identity, name, three};
use crate::client::interface::{Command, Event, Incoming, Names, Road, Trust, Whose};
use crate::clock::WallTime;
use crate::id::{Epoch, MessageId, Sequence, Slot};

fn names(people: &[(&str, Trust)]) -> Event {
    let people = people.iter().map(|(who, trust)| (name(who), *trust));
    Event::Names(Names {
        people: people.collect(),
        rooms: Vec::new(),
    })
}

fn from_bob(trust: Trust) -> Event {
    Event::Incoming(Incoming {
        id: MessageId {
            sender: identity("bob"),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(1),
            },
        },
        from: name("bob"),
        at: None,
        trust,
        sent_at: WallTime::from_unix_ms(0),
        text: "hi".to_owned(),
        road: Road::Direct,
    })
}

/// The words of the notices that are shown.
fn notices(trial: &Trial) -> Vec<String> {
    let said = trial
        .model
        .shown()
        .lines
        .iter()
        .filter_map(|line| match &line.saying {
            Saying::Notice(lines, _) => Some(lines.clone()),
            Saying::Message(_) | Saying::Help => None,
        });
    said.flatten().collect()
}

#[test]
fn keys_are_marked_in_the_list_above_the_conversation_and_at_messages() {
    let mut trial = three();
    trial.told(names(&[("bob", Trust::Verified), ("eve", Trust::Changed)]));
    trial.told(from_bob(Trust::Changed));
    let drawn = trial.drawn(80, 24);
    assert!(drawn.contains("│ ● bob (verified)  online"), "{drawn}");
    assert!(drawn.contains("● bob (verified)  "), "{drawn}");
    assert!(drawn.contains("○ eve (changed)"), "{drawn}");
    assert!(drawn.contains("bob (changed): hi"), "{drawn}");
}

#[test]
fn whoever_is_new_is_introduced_before_his_first_message() {
    let mut trial = three();
    trial.told(Event::Registered { returning: true });
    trial.told(from_bob(Trust::New));
    let said = "[First met: bob. To compare keys by another way: /fingerprint bob]";
    assert!(
        notices(&trial).iter().any(|line| line == said),
        "{:?}",
        notices(&trial)
    );
}

#[test]
fn a_fingerprint_is_drawn_where_there_is_room_for_it() {
    let fingerprint = || Event::Fingerprint {
        whose: Whose::Person(name("bob")),
        id: Some(identity("bob")),
        trust: Trust::Known,
    };
    let blocks = |drawn: &str| drawn.lines().filter(|line| line.contains("██")).count();
    for (columns, rows, is_drawn) in [
        (80, 24, true),
        // As README.md says.
        (66, 22, true),
        (66, 21, false),
        (65, 22, false),
        (45, 22, true),
        (44, 22, false),
    ] {
        let mut trial = three();
        trial.drawn(columns, rows);
        trial.told(fingerprint());
        let drawn = trial.drawn(columns, rows);
        assert_eq!(blocks(&drawn) > 15, is_drawn, "{columns} {rows}\n{drawn}");
    }
}

#[test]
fn what_is_typed_with_a_slash_is_no_text_also_to_forget() {
    let mut trial = three();
    trial.wanted();
    trial.types("/forget bob");
    let bob = Partner::Person(name("bob"));
    assert_eq!(trial.wanted(), [Command::Forget(bob)]);
}

#[test]
fn who_is_not_to_be_disturbed_is_told_how_to_end_it() {
    let mut trial = three();
    trial.types("/dnd on");
    assert!(trial.model.settings.heard.quiet.is_on());
    let drawn = notices(&trial).join("\n");
    assert!(drawn.contains("until: /dnd off]"), "{drawn}");
    assert!(trial.drawn(40, 10).contains(" registered · dnd"));
    trial.types("/dnd off");
    assert!(!trial.model.settings.heard.quiet.is_on());
    assert!(!trial.drawn(40, 10).contains("· dnd"));
}

#[test]
fn halfwidth_katakana_are_drawn_whole() {
    let mut trial = three();
    let text = "ｶﾞｷﾞｸﾞ".repeat(20);
    trial.comes("bob", &text, AT + 90_000);
    let drawn: String = trial.drawn(40, 24).split_whitespace().collect();
    assert_eq!(drawn.matches("ｸﾞ").count(), 20, "{drawn}");
}
