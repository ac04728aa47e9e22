//! The screen while one types: the help, several lines, a command; and every size there is.

use ratatui_core::buffer::Cell;
use ratatui_core::style::{Color, Modifier};

use crate::cli::paint::Paint;
use crate::cli::screen::keys::HELP;
use crate::cli::screen::trial::{AT, three};

#[test]
fn the_keys_explained() {
    let mut trial = three();
    trial.draw(40, 10);
    trial.press_f1();
    insta::assert_snapshot!(trial.drawn(40, 10), @r"
      what keys do  Esc: back 3 unread: Tab
    Enter
      send the line; with a / before it, it
      is a command: /help lists them
    Alt+Enter
      begin another line of the same
      message; a paste of several lines is
      one message too
     registered · ↓ more · 3 unread
    >
    ");
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │   what keys do  Esc: back
                       │ Enter
      #den           2 │   send the line; with a / before it, it is a command: /help
      bob: I do        │   lists them
    ○ eve            1 │ Alt+Enter
      are you there?   │   begin another line of the same message; a paste of
    ● bob              │   several lines is one message too
      hi alice         │ Tab
    ● carol            │   complete the word of a command, a name or a room; on an
                       │   empty line: to the next unread conversation
                       │ Alt+Up, Alt+Down
                       │   to the conversation above or below; so do Ctrl+P and
                       │   Ctrl+N
                       │ PageUp, PageDown
                       │   back and forth in the conversation; Shift+Up and
                       │   Shift+Down by a row
                       │ Esc
                       │   back to the latest, out of what was found, out of this
                       │   help
                       │ Ctrl+F
                       │   search: type words, then Enter
                       │ Up, Down
     registered · ↓ more · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    >
    ");
}

#[test]
fn a_paste_of_several_lines() {
    let mut trial = three();
    trial.pastes("one\r\ntwo\rthree");
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │ ● bob  online
                       │
      #den           2 │
      bob: I do        │
    ○ eve            1 │
      are you there?   │
    ● bob              │
      hi alice         │
    ● carol            │
                       │
                       │
                       │
                       │
                       │
                       │
                       │
                       │
                       │
                       │ ── 2026-01-02 ─────────────────────────────────────────────
                       │ 03:04   bob: hi alice
     registered · Enter sends 3 lines as one · server 12 ms, loss 0.0 % · 3 unread
    > one
      two
      three
    ");
}

#[test]
fn a_command_with_its_hint_and_its_answer() {
    let mut trial = three();
    trial.types("/nonsense");
    trial.types_without_enter("/send ");
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │ ● bob  online
                       │
      #den           2 │
      bob: I do        │
    ○ eve            1 │
      are you there?   │
    ● bob              │
      hi alice         │
    ● carol            │
                       │
                       │
                       │
                       │
                       │
                       │
                       │
                       │
                       │ ── 2026-01-02 ─────────────────────────────────────────────
                       │ 03:04   bob: hi alice
                       │ 03:05   [Wrong input]
                       │         There is no such command; /help lists them. A text
                       │         that begins with a / is typed with two.
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    > /send <name> <text>
    ");
}

#[test]
fn without_colours_what_is_open_is_told_from_the_rest_all_the_same() {
    let mut trial = three();
    trial.model.settings.paint = Paint::default();
    trial.types_without_enter("/send ");
    let buffer = trial.draw(80, 24);
    let is_bar = |cell: &&Cell| cell.modifier == Modifier::REVERSED;
    let (bars, others): (Vec<&Cell>, Vec<&Cell>) = buffer.content().iter().partition(is_bar);
    // The entry of the open conversation, and the line that says how the connection is.
    assert_eq!(bars.len(), 19 + 80);
    assert!(others.iter().all(|cell| cell.modifier.is_empty()));
    let has_color = |cell: &Cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset);
    assert!(!buffer.content().iter().any(has_color));
    assert!(
        !trial.drawn(80, 24).contains("<name>"),
        "a hint would pass for typed"
    );
}

#[test]
fn the_readme_explains_the_same_keys() {
    let readme = include_str!("../../../README.md");
    for (keys, what) in HELP {
        let row = format!("| {keys} | {what} |");
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

proptest::proptest! {
    #[test]
    fn every_size_can_be_drawn(columns in 1_u16..130, rows in 1_u16..45, text in "(.|[ｶ\u{ff9e}\u{ff9f}]){0,80}") {
        let mut trial = three();
        trial.comes("bob", &text, AT + 90_000);
        trial.types_without_enter(&text);
        trial.drawn(columns, rows);
        trial.press_page_up();
        trial.drawn(columns, rows);
    }
}
