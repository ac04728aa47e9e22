//! Tests of the colours: where there are any, and that they change nothing but the looks.

use super::*;
use crate::cli::render;
use crate::client::interface::{Incoming, Trust};
use crate::clock::WallTime;
use crate::id::{Epoch, IdentityId, MessageId, Sequence, Slot};
use time::UtcOffset;

const COLOURED: Paint = Paint { on: true };

/// A text without the sequences that colour it.
fn plain(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |whole, piece| whole + piece.split_once('m').unwrap().1)
}

fn lines(event: &Event) -> Vec<String> {
    render::event(event, |_| UtcOffset::UTC)
}

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

fn in_den() -> Road {
    Road::Room {
        name: "den".parse().unwrap(),
        before: false,
    }
}

#[test]
fn there_are_colours_where_there_can_be_and_nobody_minds() {
    let on = |wanted, terminal, variables: &[(&str, &str)]| {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Paint::new(wanted, terminal, variable).is_on()
    };
    let xterm = ("TERM", "xterm");
    assert!(on(Colors::Auto, true, &[xterm]));
    assert!(
        on(Colors::Auto, true, &[xterm, ("NO_COLOR", "")]),
        "an empty one is none"
    );
    assert!(!on(Colors::Auto, false, &[xterm]));
    assert!(!on(Colors::Auto, true, &[xterm, ("NO_COLOR", "1")]));
    assert!(!on(Colors::Auto, true, &[("TERM", "dumb")]));
    assert!(!on(Colors::Auto, true, &[]));
    assert!(on(Colors::Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")]));
    assert!(!on(Colors::Never, true, &[xterm]));
}

#[test]
fn without_colours_nothing_changes_and_with_them_only_the_looks() {
    let incoming = [Road::Direct, Road::Stored, Road::Late, in_den()].map(|road| message("hi [you]", road));
    let events = render::tests::faces().into_iter().map(|(event, _)| event);
    for event in events.chain(incoming) {
        let said = lines(&event);
        assert_eq!(Paint::default().event(&event, said.clone()), said);
        let painted = COLOURED.event(&event, said.clone());
        let bare: Vec<String> = painted.iter().map(|line| plain(line)).collect();
        assert_eq!(bare, said);
        for line in &painted {
            assert!(!line.contains('\x1b') || line.contains("\x1b[0m"), "{line:?}");
        }
    }
}

#[test]
fn what_has_become_of_a_message_has_its_colour() {
    let to: Name = "bob".parse().unwrap();
    let painted = |event: Event| COLOURED.event(&event, lines(&event)).remove(0);
    for (event, style) in [
        (Event::Waiting { to: to.clone() }, "\x1b[33m"),
        (Event::Stored { to: to.clone() }, "\x1b[36m"),
        (Event::Received { to }, "\x1b[32m"),
        (Event::ServerSilent, "\x1b[31m"),
        (Event::TableUpdated, "\x1b[2m"),
    ] {
        let line = painted(event);
        assert!(line.starts_with(style) && line.ends_with("\x1b[0m"), "{line:?}");
    }
}

#[test]
fn of_a_message_the_names_are_coloured_and_never_the_text() {
    let painted = |road, text| {
        let event = message(text, road);
        COLOURED.event(&event, lines(&event)).remove(0)
    };
    let bob = dyed(of(&"bob".parse().unwrap()), "bob");
    assert_eq!(painted(Road::Direct, "bob: hi"), format!("{bob}: bob: hi"));
    assert_eq!(
        painted(in_den(), "den: hi"),
        format!("\x1b[2mden: \x1b[0m{bob}: den: hi")
    );
    assert_eq!(of(&"Bob".parse().unwrap()), of(&"bob".parse().unwrap()));
}

#[test]
fn marks_are_coloured_where_they_are_the_programs_and_not_in_a_text() {
    let painted = |text, trust| {
        let event = match message(text, Road::Direct) {
            Event::Incoming(message) => Event::Incoming(Incoming { trust, ..message }),
            other => other,
        };
        COLOURED.event(&event, lines(&event)).remove(0)
    };
    let bob = dyed(of(&"bob".parse().unwrap()), "bob");
    let verified = "\x1b[32m (verified)\x1b[0m";
    assert_eq!(painted("hi", Trust::Verified), format!("{bob}{verified}: hi"));
    assert_eq!(
        painted("(verified): hi", Trust::Known),
        format!("{bob}: (verified): hi")
    );
    assert_eq!(
        painted("(verified): hi", Trust::Changed),
        format!("{bob}\x1b[31m (changed)\x1b[0m: (verified): hi")
    );
    assert_eq!(
        COLOURED.prompt("bob (new)>>> "),
        "\x1b[1mbob \x1b[33m(new)\x1b[0m\x1b[1m>>> \x1b[0m"
    );
}

#[test]
fn an_answer_to_what_makes_no_sense_says_so_in_its_colour() {
    let wrong = Parsed::Wrong("Usage: send <name> <text>".to_owned());
    assert_eq!(
        COLOURED.answer(&wrong, render::answer(&wrong)),
        ["\x1b[31m[Wrong input]\x1b[0m", "Usage: send <name> <text>"]
    );
    let help = render::answer(&Parsed::Help(None));
    assert_eq!(COLOURED.answer(&Parsed::Help(None), help.clone()), help);
    assert_eq!(COLOURED.hint(" <text>"), "\x1b[2m <text>\x1b[0m");
    assert_eq!(Paint::default().prompt(">>> "), ">>> ");
}
