//! Pages of the history: where they go, what is asked again, what is let go and how one comes back to the latest.

use crossterm::event::{KeyCode, KeyModifiers};

use super::tests::{bob, notices, place, question, texts, with_bob};
use super::*;
use crate::cli::screen::conversation::{HELD_MAX, PAGE};
use crate::cli::screen::trial::{AT, Trial, name, their_message};
use crate::client::interface::{Event, Forgotten, Question, Recorded};

const NO: KeyModifiers = KeyModifiers::NONE;

fn page_of(partner: &str, before: Option<Place>) -> Command {
    Command::History {
        subject: Subject::With(Partner::Person(name(partner))),
        most: PAGE,
        before,
    }
}

fn page(from: &str, count: u64) -> Vec<Recorded> {
    let at = |n: u64| AT + i64::try_from(n).unwrap();
    let one = |n| their_message(from, n, &format!("{from} {n}"), at(n), at(n));
    (0..count).map(one).collect()
}

fn unanswered(question: Question) -> Event {
    Event::Unanswered {
        question,
        why: "the disk is gone".to_owned(),
    }
}

fn of_eve() -> Question {
    Question::History(Subject::With(Partner::Person(name("eve"))), None)
}

/// Bob's conversation, scrolled back until the latest are not held.
fn cut() -> Trial {
    let mut trial = with_bob();
    trial.comes("bob", "one", AT);
    trial.comes("bob", "two", AT);
    trial.draw(80, 4);
    trial.press(KeyCode::Up, KeyModifiers::SHIFT);
    for number in 0..3 * HELD_MAX {
        trial.comes("bob", "more", AT + i64::try_from(number).unwrap());
    }
    trial.wanted();
    assert!(trial.model.open.cut);
    trial
}

#[test]
fn a_page_goes_where_it_was_asked_for_or_nowhere() {
    let mut trial = with_bob();
    trial.types("/poke eve");
    trial.types("/poke carol");
    assert_eq!(trial.wanted(), [page_of("eve", None), page_of("carol", None)]);
    trial.press_f1();
    trial.history("eve", &page("eve", 3));
    assert!(trial.model.over.is_some(), "nothing closes the help");
    assert_eq!((trial.model.open.lines.len(), notices(&trial).trim()), (0, ""));
    trial.history("carol", &page("carol", 2));
    trial.press_f1();
    assert_eq!(texts(&trial), ["carol 0", "carol 1"]);
    trial.types("/poke eve");
    assert_eq!(trial.wanted(), [page_of("eve", None)], "it was not taken in");
    trial.types("/poke carol");
    trial.types("/poke eve");
    assert_eq!(trial.wanted(), [], "once at a time");
    trial.history("eve", &page("eve", 3));
    assert_eq!(texts(&trial).len(), 3);
}

#[test]
fn whoever_hurries_through_all_conversations_asks_for_few_pages_and_has_the_last() {
    let mut trial = with_bob();
    let names: Vec<String> = (0..9).map(|n| format!("somebody{n}")).collect();
    for name in &names {
        trial.types(&format!("/poke {name}"));
    }
    assert_eq!(trial.wanted().len(), 4);
    trial.history("somebody0", &page("somebody0", 3));
    assert_eq!(trial.wanted(), [page_of("somebody8", None)]);
    trial.history("somebody8", &page("somebody8", 3));
    assert_eq!(texts(&trial).len(), 3);
}

#[test]
fn a_page_of_what_was_found_does_not_bring_it_back() {
    let mut trial = with_bob();
    trial.types("/search number");
    trial.wanted();
    let words = || Subject::Words("number".to_owned());
    trial.answer_history(words(), None, &page("eve", 100), Some(place(1)));
    trial.draw(80, 10);
    for _ in 0..30 {
        trial.press_page_up();
    }
    let wanted = trial.wanted();
    assert!(matches!(
        wanted.as_slice(),
        [Command::History { before: Some(_), .. }]
    ));
    trial.press(KeyCode::Esc, NO);
    trial.answer_history(words(), Some(place(1)), &page("eve", 100), None);
    assert!(trial.model.over.is_none());
}

#[test]
fn what_is_typed_is_answered_while_pages_are_read() {
    let mut trial = with_bob();
    trial.types("/history eve");
    trial.types("/poke eve");
    trial.history("eve", &page("eve", 1));
    assert!(notices(&trial).contains("eve 0"), "the first was typed");
    trial.history("eve", &page("eve", 2));
    assert_eq!(texts(&trial), ["eve 0", "eve 1"]);
}

#[test]
fn a_question_that_was_not_answered_can_be_asked_again() {
    let mut trial = with_bob();
    trial.types("/poke eve");
    trial.told(unanswered(of_eve()));
    trial.types("/poke bob");
    trial.wanted();
    trial.types("/poke eve");
    assert_eq!(trial.wanted(), [page_of("eve", None)]);
    // What was typed fails by itself.
    trial.types("/trace 1");
    trial.history("eve", &page("eve", 3));
    trial.told(unanswered(Question::Trace));
    trial.types("/history bob");
    trial.history("bob", &page("bob", 1));
    assert!(notices(&trial).contains("bob 0"), "{}", notices(&trial));
}

#[test]
fn with_whom_one_talks_is_asked_again_when_the_server_is_there() {
    let settings = with_bob().model.settings;
    let mut model = Model::new(settings, WallTime::default());
    model.take_wanted();
    for event in [
        unanswered(Question::History(Subject::All, None)),
        Event::Registered { returning: true },
    ] {
        model.told(&event.into(), WallTime::default());
    }
    let wanted = model.take_wanted();
    let is_seeds = |command: &Command| {
        matches!(
            command,
            Command::History {
                subject: Subject::All,
                ..
            }
        )
    };
    assert_eq!(wanted.iter().filter(|command| is_seeds(command)).count(), 1);
}

#[test]
fn what_was_read_before_it_was_removed_is_not_taken_in_after_that() {
    let mut trial = with_bob();
    trial.read_again();
    trial.told(Event::Forgotten(Forgotten {
        with: bob(),
        removed: 1,
        kept: 0,
    }));
    assert_eq!(trial.wanted(), [question(None), question(None)]);
    trial.history("bob", &page("bob", 1));
    assert_eq!(texts(&trial), [""; 0]);
    trial.history("bob", &[]);
    assert_eq!(texts(&trial), [""; 0]);
}

#[test]
fn an_answer_goes_back_to_the_latest_as_any_way_does() {
    let mut trial = cut();
    trial.types("/nonsense");
    assert_eq!(trial.wanted(), [question(None)]);
    assert!(notices(&trial).contains("no such command"));
    let latest = page("bob", 100);
    trial.answer_history(Subject::With(bob()), None, &latest, Some(place(1)));
    assert_eq!(texts(&trial).len(), 100);
    trial.comes("bob", "news", AT + 100_000);
    assert_eq!(texts(&trial).last().unwrap(), "news");
    assert_eq!((trial.model.open.unread, trial.model.open.cut), (0, false));
}

#[test]
fn what_the_program_says_while_the_latest_are_not_held_is_not_lost() {
    let mut trial = cut();
    let unread = trial.model.open.unread;
    trial.identity_changed("bob");
    trial.comes("bob", "news", AT + 100_000);
    assert_eq!(trial.model.open.unread, unread + 2);
    trial.press(KeyCode::Esc, NO);
    assert!(notices(&trial).contains("is not the one you know"));
    trial.answer_history(Subject::With(bob()), None, &page("bob", 100), Some(place(1)));
    assert!(notices(&trial).contains("is not the one you know"));
    assert_eq!(texts(&trial).len(), 100);
}

#[test]
fn one_does_not_come_over_a_gap_without_knowing() {
    let mut trial = cut();
    for _ in 0..2 * HELD_MAX {
        trial.press(KeyCode::PageDown, NO);
    }
    assert!(trial.model.open.anchor.is_some());
    assert_eq!(trial.wanted(), []);
    let drawn = trial.drawn(40, 10);
    assert!(drawn.contains("↓ then a gap, Esc: latest"), "{drawn}");
    trial.press(KeyCode::Up, KeyModifiers::SHIFT);
    assert!(!trial.drawn(40, 10).contains("gap"));
    trial.press(KeyCode::Esc, NO);
    assert_eq!(trial.wanted(), [question(None)]);
    assert_eq!((trial.model.open.anchor, trial.model.open.unread), (None, 0));
}

#[test]
fn what_is_let_go_while_one_pages_back_is_a_gap_as_well() {
    let mut trial = with_bob();
    trial.read_again();
    trial.draw(80, 40);
    let pages = i64::try_from(2 * HELD_MAX / PAGE).unwrap() + 3;
    let kept = |page: i64| -> Vec<Recorded> {
        let numbers = (page * 100)..(page + 1) * 100;
        let one = |n: i64| their_message("bob", n.unsigned_abs(), &format!("number {n}"), AT + n, AT + n);
        numbers.map(one).collect()
    };
    let mut before = None;
    for page in (0..pages).rev() {
        let earlier = place(page);
        trial.wanted();
        trial.answer_history(Subject::With(bob()), before, &kept(page), Some(earlier));
        before = Some(earlier);
        while trial.wanted().is_empty() {
            trial.press_page_up();
        }
    }
    let held = texts(&trial);
    assert_eq!((held.len(), held[0].as_str()), (2 * HELD_MAX, "number 0"));
    assert!(trial.model.open.cut);
    for _ in 0..HELD_MAX {
        trial.press(KeyCode::PageDown, NO);
    }
    assert!(trial.drawn(80, 40).contains("then a gap"));
    assert_eq!(texts(&trial).len(), 2 * HELD_MAX, "it goes no further by itself");
    trial.press(KeyCode::End, KeyModifiers::CONTROL);
    trial.answer_history(Subject::With(bob()), None, &kept(pages - 1), Some(place(1)));
    assert_eq!(texts(&trial).len(), PAGE);
    assert!(!trial.drawn(80, 40).contains("then a gap"));
}

#[test]
fn in_the_conversation_with_the_program_the_oldest_goes() {
    let mut trial = Trial::new("alice");
    for _ in 0..10 {
        trial.told(Event::Trouble("the disk is full".to_owned()));
    }
    trial.draw(80, 10);
    trial.press(KeyCode::Up, KeyModifiers::SHIFT);
    for _ in 0..3 * HELD_MAX {
        trial.told(Event::Trouble("the disk is full".to_owned()));
    }
    trial.told(Event::Trouble("the last".to_owned()));
    assert!(trial.model.open.lines.len() <= 2 * HELD_MAX && !trial.model.open.cut);
    assert!(notices(&trial).ends_with("[Trouble: the last]"));
}

#[test]
fn what_was_shown_stays_in_its_place_where_the_clock_was_set_back() {
    let mut trial = with_bob();
    trial.answer_history(Subject::With(bob()), None, &page("bob", 100), Some(place(1)));
    trial.read_again();
    trial.answer_history(Subject::With(bob()), None, &page("bob", 100), Some(place(1)));
    trial.comes("bob", "after all others", AT - 3_600_000);
    trial.read_again();
    trial.answer_history(Subject::With(bob()), None, &page("bob", 100), Some(place(1)));
    assert_eq!(texts(&trial).last().unwrap(), "after all others");
}

#[test]
fn what_came_while_it_was_not_open_stands_in_its_order_where_a_page_has_but_the_last_of_it() {
    let mut trial = with_bob();
    let at = |number: i64| AT + number * 10_000;
    for number in 0..150 {
        trial.comes("eve", &format!("eve {number}"), at(number));
    }
    trial.types("/poke eve");
    let last: Vec<Recorded> = trial
        .model
        .shown()
        .lines
        .iter()
        .filter_map(|line| Some((line.message()?, line.at)))
        .skip(50)
        .map(|(message, at)| Recorded {
            id: message.id.unwrap(),
            ..their_message("eve", 0, &message.text, at.unix_ms(), at.unix_ms())
        })
        .collect();
    assert_eq!(last.len(), 100);
    trial.answer_history(
        Subject::With(Partner::Person(name("eve"))),
        None,
        &last,
        Some(place(1)),
    );
    let expected: Vec<String> = (50..150).map(|number| format!("eve {number}")).collect();
    assert_eq!(texts(&trial), expected);
}

#[test]
fn what_is_held_of_all_has_its_bound_in_bytes() {
    let mut trial = with_bob();
    let long = "x".repeat(60_000);
    for number in 0..PAGE {
        trial.comes("eve", &long, AT + i64::try_from(number).unwrap());
    }
    let held: usize = trial.model.others.iter().map(bytes).sum();
    assert!(held <= 64 << 10, "{held}");
}

fn bytes(conversation: &Conversation) -> usize {
    let messages = conversation.lines.iter().filter_map(Line::message);
    messages.map(|message| message.text.len()).sum()
}
