//! What the screen makes of what it is told, and of what is typed: conversations, states, pages, bounds.

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::cli::screen::conversation::{HELD_MAX, Mark, PAGE};
use crate::cli::screen::keys::Next;
use crate::cli::screen::trial::{AT, Trial, name, their_message};
use crate::client::interface::{Event, NotAccepted, Recorded, RoomCommand, Trust};

const NO: KeyModifiers = KeyModifiers::NONE;

pub(super) fn bob() -> Partner {
    Partner::Person(name("bob"))
}

/// Alice's screen, with bob's conversation open and read.
pub(super) fn with_bob() -> Trial {
    let mut trial = Trial::new("alice");
    trial.types("/poke bob");
    trial.history("bob", &[]);
    trial.wanted();
    trial
}

pub(super) fn marks(trial: &Trial) -> Vec<(String, Option<Mark>)> {
    let messages = trial.model.shown().lines.iter().filter_map(Line::message);
    messages
        .map(|message| (message.text.clone(), message.mark))
        .collect()
}

pub(super) fn texts(trial: &Trial) -> Vec<String> {
    marks(trial).into_iter().map(|(text, _)| text).collect()
}

/// The words of the notices that are shown.
pub(super) fn notices(trial: &Trial) -> String {
    let said = trial.model.shown().lines.iter().map(|line| match &line.saying {
        Saying::Notice(lines, _) => lines.join("\n"),
        Saying::Message(_) | Saying::Help => String::new(),
    });
    said.collect::<Vec<_>>().join("\n")
}

pub(super) fn question(before: Option<Place>) -> Command {
    Command::History {
        subject: Subject::With(bob()),
        most: PAGE,
        before,
    }
}

pub(super) fn place(row: i64) -> Place {
    Place {
        inbox: (row, row),
        ..Place::END
    }
}

#[test]
fn at_the_start_it_is_asked_for_names_and_for_the_last_messages() {
    let settings = with_bob().model.settings;
    let mut model = Model::new(settings, WallTime::default());
    let wanted = model.take_wanted();
    assert!(matches!(
        wanted.as_slice(),
        [
            Command::Names,
            Command::History {
                subject: Subject::All,
                ..
            }
        ]
    ));
}

#[test]
fn a_line_goes_to_the_open_conversation_and_its_mark_follows_what_is_told() {
    let mut trial = with_bob();
    assert_eq!(trial.types("send eve hi"), Next::Typed);
    let wanted = trial.wanted();
    let [Command::Send { to, text }] = wanted.as_slice() else {
        panic!("{wanted:?}");
    };
    assert_eq!(
        (to, text.body.as_str(), text.tag),
        (&name("bob"), "send eve hi", Some(1))
    );
    let mark = |trial: &Trial| marks(trial)[0].1;
    assert_eq!(mark(&trial), Some(Mark::Writing));
    trial.accepted(1);
    assert_eq!(mark(&trial), Some(Mark::Waiting));
    trial.became(1, Event::Stored { to: name("bob") });
    assert_eq!(mark(&trial), Some(Mark::Stored));
    trial.renumbered(1, 7);
    trial.received("bob", 7);
    assert_eq!(mark(&trial), Some(Mark::Delivered));
    assert_eq!(notices(&trial).trim(), "", "the mark says it all");
}

#[test]
fn what_is_not_accepted_says_so_below_itself() {
    let mut trial = with_bob();
    trial.types("hi");
    trial.not_accepted(1, Event::NotAccepted(NotAccepted::OutboxFull));
    let line = trial.model.open.lines[0].message().unwrap();
    assert_eq!(line.mark, Some(Mark::Refused));
    assert!(line.note.as_ref().unwrap().contains("too much waits"));
}

#[test]
fn a_state_of_a_message_that_is_not_held_is_told_in_words() {
    let mut trial = with_bob();
    let event = Event::ReceivedLater {
        to: name("bob"),
        sent_at: WallTime::from_unix_ms(AT),
    };
    trial.became(1, event);
    assert!(notices(&trial).contains("received by bob"), "{}", notices(&trial));
}

#[test]
fn messages_out_of_sight_are_counted_until_one_looks() {
    let mut trial = with_bob();
    trial.comes("eve", "one", AT);
    trial.comes("eve", "two", AT);
    trial.comes("bob", "three", AT);
    assert_eq!(trial.model.unread(), 2);
    trial.press(KeyCode::Tab, NO);
    assert_eq!(
        (trial.model.open.title.as_str(), trial.model.unread()),
        ("eve", 0)
    );
    assert_eq!(texts(&trial), ["one", "two"]);
    // The whole of it is read from the database, and what came is there once.
    assert!(
        trial
            .wanted()
            .iter()
            .any(|command| matches!(command, Command::History { .. }))
    );
    let id = trial.model.open.lines[0].message().unwrap().id.unwrap();
    let kept = Recorded {
        id,
        ..their_message("eve", 1, "one", AT, AT)
    };
    trial.history("eve", &[their_message("eve", 0, "zero", AT - 1, AT - 1), kept]);
    assert_eq!(texts(&trial), ["zero", "one", "two"]);
}

#[test]
fn conversations_are_in_the_order_in_which_something_was_said_last() {
    let mut trial = with_bob();
    trial.users(&[("zed", true), ("Anna", true), ("gone", false), ("alice", true)]);
    trial.comes("eve", "hi", AT);
    trial.posts("den", "eve", "hi", AT + 1);
    let titles =
        |trial: &Trial| -> Vec<String> { trial.model.list().iter().map(|one| one.title.clone()).collect() };
    assert_eq!(titles(&trial), [CONSOLE, "#den", "eve", "Anna", "bob", "zed"]);
    for expected in ["zed", CONSOLE, "#den"] {
        trial.press(KeyCode::Down, KeyModifiers::ALT);
        assert_eq!(trial.model.open.title, expected);
    }
    trial.press(KeyCode::Char('p'), KeyModifiers::CONTROL);
    assert_eq!(trial.model.open.title, CONSOLE);
}

#[test]
fn one_goes_back_page_by_page_and_nothing_moves_while_messages_come() {
    let mut trial = with_bob();
    let page = |first: u64, count: u64| -> Vec<Recorded> {
        (first..first + count)
            .map(|n| {
                let at = AT + i64::try_from(n).unwrap();
                their_message("bob", n, &format!("number {n}"), at, at)
            })
            .collect()
    };
    trial.read_again();
    trial.answer_history(Subject::With(bob()), None, &page(100, 100), Some(place(100)));
    trial.wanted();
    trial.draw(80, 24);
    let in_sight = |trial: &Trial| -> String {
        let rows = trial.model.sight();
        rows.iter().flatten().map(|(text, _)| text.as_str()).collect()
    };
    trial.press_page_up();
    let before = in_sight(&trial);
    trial.comes("bob", "news", AT + 1_000);
    assert_eq!(in_sight(&trial), before);
    assert_eq!(trial.model.open.unread, 1);
    for _ in 0..10 {
        trial.press_page_up();
    }
    assert!(in_sight(&trial).contains("number 100:") || in_sight(&trial).contains("number 100"));
    assert_eq!(trial.wanted(), [question(Some(place(100)))], "asked once");
    let before = in_sight(&trial);
    trial.answer_history(Subject::With(bob()), Some(place(100)), &page(0, 100), None);
    assert!(
        before.ends_with(&in_sight(&trial)[in_sight(&trial).len() - 40..]),
        "nothing moves"
    );
    for _ in 0..20 {
        trial.press_page_up();
    }
    assert!(in_sight(&trial).contains("number 0"));
    assert_eq!(trial.wanted(), [], "there is no more");
    for _ in 0..30 {
        trial.press(KeyCode::PageDown, NO);
    }
    assert!(in_sight(&trial).ends_with("news"));
    assert_eq!((trial.model.open.anchor, trial.model.open.unread), (None, 0));
}

#[test]
fn what_is_held_has_its_bounds() {
    let mut trial = with_bob();
    for number in 0..=HELD_MAX {
        trial.comes("bob", "again", AT + i64::try_from(number).unwrap());
    }
    assert!(trial.model.open.lines.len() <= PAGE);
    assert_eq!(trial.wanted(), [question(None)], "to know where to go on");
    for number in 0..3 * PAGE {
        trial.comes("eve", "again", AT + i64::try_from(number).unwrap());
    }
    assert!(
        trial
            .model
            .others
            .iter()
            .all(|other| other.lines.len() <= 2 * PAGE)
    );
    for number in 0..2 * CONVERSATIONS_MAX {
        trial.comes(&format!("somebody{number}"), "hi", AT);
    }
    assert!(trial.model.others.len() <= CONVERSATIONS_MAX);
    assert_eq!(trial.model.console().title, CONSOLE);
}

#[test]
fn what_was_let_go_at_the_end_is_read_again_there() {
    let mut trial = with_bob();
    trial.comes("bob", "one", AT);
    trial.comes("bob", "two", AT);
    trial.draw(80, 4);
    trial.press(KeyCode::Up, KeyModifiers::SHIFT);
    assert!(trial.model.open.anchor.is_some());
    for number in 0..3 * HELD_MAX {
        trial.comes("bob", "more", AT + i64::try_from(number).unwrap());
    }
    assert!(trial.model.open.cut && trial.model.open.lines.len() <= 2 * HELD_MAX);
    trial.wanted();
    trial.press(KeyCode::Esc, NO);
    assert_eq!(trial.wanted(), [question(None)]);
}

#[test]
fn commands_begin_with_a_slash_and_are_answered_where_one_looks() {
    let mut trial = with_bob();
    trial.types("/userlist");
    assert_eq!(trial.wanted(), [Command::Users]);
    trial.users(&[("bob", true)]);
    assert!(notices(&trial).contains("bob"), "{}", notices(&trial));
    trial.types("/nonsense");
    assert!(notices(&trial).contains("no such command"));
    trial.types("//etc is a folder");
    assert_eq!(texts(&trial), ["/etc is a folder"]);
    trial.wanted();
    trial.types("/roomjoin den");
    assert_eq!(trial.model.open.title, "#den");
    let join = Command::Room(RoomCommand::Join(name("den")));
    assert!(trial.wanted().contains(&join));
    trial.types("/send bob hi");
    assert_eq!(trial.model.open.title, "bob", "a text is seen where it goes");
    assert_eq!(trial.types("/quit"), Next::Leave);
    assert_eq!(
        trial.press(KeyCode::Char('d'), KeyModifiers::CONTROL),
        Next::Leave
    );
}

#[test]
fn nothing_is_sent_to_the_program_and_what_was_typed_stays() {
    let mut trial = Trial::new("alice");
    trial.types("hello?");
    assert_eq!(trial.wanted(), []);
    assert_eq!(trial.model.input.text(), "hello?");
    assert!(notices(&trial).contains("no conversation is open"));
}

#[test]
fn a_paste_of_several_lines_is_typed_and_goes_as_one_message() {
    let mut trial = with_bob();
    trial.pastes("one\r\ntwo\rthree\n");
    assert_eq!(trial.wanted(), []);
    trial.press(KeyCode::Enter, NO);
    let wanted = trial.wanted();
    assert!(
        matches!(wanted.as_slice(), [Command::Send { text, .. }] if text.body == "one\ntwo\nthree"),
        "{wanted:?}"
    );
    trial.types_without_enter("one");
    trial.press(KeyCode::Enter, KeyModifiers::ALT);
    trial.types_without_enter("two");
    assert_eq!(trial.model.input.text(), "one\ntwo");
}

#[test]
fn tab_completes_commands_and_names() {
    let mut trial = with_bob();
    trial.told(Event::Names(crate::client::interface::Names {
        people: vec![(name("Carol"), Trust::Known)],
        rooms: vec![name("den")],
    }));
    for (typed, completed) in [
        ("/sen", "/send "),
        ("/poke ca", "/poke Carol"),
        ("text ca", "text ca"),
    ] {
        trial.types_without_enter(typed);
        trial.press(KeyCode::Tab, NO);
        assert_eq!(trial.model.input.text(), completed);
        trial.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    }
    trial.types_without_enter("/room");
    trial.press(KeyCode::Tab, NO);
    assert!(notices(&trial).contains("roomjoin"));
}

#[test]
fn a_changed_identity_is_told_in_its_conversation_and_counts_as_unread() {
    let mut trial = with_bob();
    trial.identity_changed("eve");
    assert_eq!(trial.model.unread(), 1);
    trial.press(KeyCode::Tab, NO);
    assert!(notices(&trial).contains("is not the one you know"));
}

#[test]
fn the_screens_own_questions_are_not_answered_on_it() {
    let mut trial = with_bob();
    trial.told(Event::TableUpdated);
    assert_eq!(trial.wanted(), [Command::Users]);
    trial.users(&[("bob", true)]);
    trial.net(1_000, 0);
    assert_eq!(notices(&trial).trim(), "");
    assert_eq!(trial.model.open.online, Some(true));
}

#[test]
fn what_is_said_at_the_end_is_why_it_came() {
    let mut trial = with_bob();
    for event in [
        Event::Trouble("the disk is full".to_owned()),
        Event::ServerSilent,
        Event::ServerBack,
        Event::Trouble("the disk is full".to_owned()),
    ] {
        trial.told(event);
    }
    assert_eq!(trial.model.last_words, ["[Trouble: the disk is full]"]);
    trial.told(Event::Deregistered);
    assert_eq!(trial.model.last_words, ["[You are Offline. Bye.]"]);
    for _ in 0..100 {
        trial.told(Event::Trouble("the disk is full".to_owned()));
    }
    assert!(trial.model.last_words.len() <= 20);
}

#[test]
fn what_lines_tell_to_type_is_typed_with_a_slash_here() {
    let mut trial = with_bob();
    trial.identity_changed("bob");
    assert!(notices(&trial).contains(": /trust bob "), "{}", notices(&trial));
}

#[test]
fn what_came_before_its_turn_stands_where_it_was_shown() {
    let mut trial = with_bob();
    trial.read_again();
    // In the order in which they came: the second was held back for the first, and not for the fourth.
    let came = [(2, 0), (1, 300), (3, 300), (5, 400), (4, 9_000)];
    let messages = came.map(|(n, ms)| their_message("bob", n, &format!("number {n}"), AT, AT + ms));
    trial.history("bob", &messages);
    let expected = [1, 2, 3, 5, 4].map(|n| format!("number {n}"));
    assert_eq!(texts(&trial), expected);
}
