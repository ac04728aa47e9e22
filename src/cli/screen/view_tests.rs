//! The screen as it is drawn, to the letter.

use crate::cli::screen::trial::{AT, Trial, own_message, their_message, three};
use crate::client::interface::{Event, Refusal};
use crate::client::storage::{Finish, State};

#[test]
fn with_nobody_there() {
    let mut trial = Trial::new("alice");
    trial.told(Event::Registered { returning: false });
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │   udpchat
                       │
                       │
                       │
                       │
                       │
                       │
                       │
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
                       │ 03:04   Talk to somebody: /poke <name>, or Alt+Down for
                       │         those on the list. /help lists what else can be
                       │         typed, F1 says what the keys do.
                       │ 03:04   [Welcome, You are registered.]
     registered · F1: keys
    >
    ");
}

/// Bob has what alice writes.
fn answered() -> Trial {
    let mut trial = three();
    trial.types("hello bob, how are you?");
    trial.accepted(1);
    trial.received("bob", 1);
    trial
}

#[test]
fn three_conversations_two_of_them_unread() {
    let mut trial = answered();
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │ ● bob  online
                       │
      #den           2 │
      bob: I do        │
    ● bob              │
      alice: hello bob,│
    ○ eve            1 │
      are you there?   │
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
                       │
                       │ ── 2026-01-02 ─────────────────────────────────────────────
                       │ 03:04   bob: hi alice
                       │ 03:05 ✓ alice: hello bob, how are you?
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    >
    ");
    insta::assert_snapshot!(trial.drawn(40, 10), @r"
    ● bob  online             3 unread: Tab




    ── 2026-01-02 ──────────────────────────
    03:04   bob: hi alice
    03:05 ✓ alice: hello bob, how are you?
     registered · server 12 ms, loss 0.0 %
    >
    ");
}

#[test]
fn the_same_with_more_room() {
    let mut trial = answered();
    insta::assert_snapshot!(trial.drawn(120, 40), @r"
      udpchat                    │ ● bob  online
                                 │
      #den                     2 │
      bob: I do                  │
    ● bob                        │
      alice: hello bob, how are y│
    ○ eve                      1 │
      are you there?             │
    ● carol                      │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │
                                 │ ── 2026-01-02 ───────────────────────────────────────────────────────────────────────────
                                 │ 03:04   bob: hi alice
                                 │ 03:05 ✓ alice: hello bob, how are you?
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    >
    ");
}

#[test]
fn own_messages_in_each_state() {
    let mut trial = three();
    let refused = Finish::Refused(Refusal::NoSuchName);
    let states = [
        State::Waiting,
        State::Stored,
        State::Ended(Finish::Delivered),
        State::Ended(refused),
        State::Ended(Finish::Expired),
    ];
    let messages: Vec<_> = (1..)
        .zip(states)
        .map(|(n, state)| own_message(n, "one of mine", state))
        .collect();
    trial.history_again("bob", &messages);
    trial.types("not written down yet");
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │ ● bob  online
                       │
    ● bob              │
      alice: not writte│
      #den           2 │
      bob: I do        │
    ○ eve            1 │
      are you there?   │
    ● carol            │
                       │
                       │
                       │
                       │ ── 2026-01-02 ─────────────────────────────────────────────
                       │ 03:04   bob: hi alice
                       │ 03:05 … alice: one of mine
                       │ 03:05 ↑ alice: one of mine
                       │ 03:05 ✓ alice: one of mine
                       │ 03:05 ✗ alice: one of mine
                       │         refused: nobody has that name.
                       │ 03:05 † alice: one of mine
                       │         expired: it could not be delivered in time.
                       │ 03:05 · alice: not written down yet
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    >
    ");
}

#[test]
fn a_changed_key() {
    let mut trial = three();
    trial.types("are you still you?");
    trial.accepted(1);
    trial.identity_changed("bob");
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │ ● bob  online
                       │ 03:04   bob: hi alice
      #den           2 │ 03:05 … alice: are you still you?
      bob: I do        │ 03:05   [The identity of bob is not the one you know;
    ● bob              │         nothing is sent to bob.]
      alice: are you st│           known: 0101 0101 0101 0101 0101 0101 0101 0101
    ○ eve            1 │           0101 0101 0101 0101 0101 0101 0101 0101
      are you there?   │           found: 0202 0202 0202 0202 0202 0202 0202 0202
    ● carol            │           0202 0202 0202 0202 0202 0202 0202 0202
                       │           What may have happened: bob has begun anew,
                       │           without the old data folder; or somebody has
                       │           taken over the name or the address; or somebody
                       │           stands in between, who would read what you write
                       │           to bob.
                       │           What you have written to bob waits on your disk,
                       │           and so does what you write now, until its time is
                       │           over.
                       │           Ask bob by another way, on the telephone or in
                       │           person, which key is right: whoami says it there.
                       │           If bob confirms the one found by another way:
                       │           /trust bob 0202 0202 0202 0202 0202 0202 0202
                       │           0202 0202 0202 0202 0202 0202 0202 0202 0202
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    >
    ");
    insta::assert_snapshot!(trial.drawn(40, 10), @r"
    ● bob  online             3 unread: Tab
              key is right: whoami says it
              there.
              If bob confirms the one found
              by another way: /trust bob
              0202 0202 0202 0202 0202 0202
              0202 0202 0202 0202 0202 0202
              0202 0202 0202 0202
     registered · server 12 ms, loss 0.0 %
    >
    ");
}

#[test]
fn long_lines_of_wide_characters() {
    let mut trial = three();
    trial.comes(
        "bob",
        "你好世界，这是一条很长的消息，它比屏幕更宽，所以必须换行。",
        AT + 70_000,
    );
    trial.comes(
        "bob",
        "first line\n  second line\n\u{1b}[31mred?\u{202e}",
        AT + 71_000,
    );
    trial.types_without_enter("我也写一行很长很长的文字，比四十列的屏幕还要宽得多");
    insta::assert_snapshot!(trial.drawn(40, 10), @r#"
    ● bob  online             3 unread: Tab
    03:04   bob: hi alice
    03:05   bob: 你好世界，这是一条很长的消
            息，它比屏幕更宽，所以必须换行。
    03:05   bob: first line
              second line
            \u{1b}[31mred?\u{202e}
     registered · server 12 ms, loss 0.0 %
    > 我也写一行很长很长的文字，比四十列的屏
      幕还要宽得多
    "#);
    insta::assert_snapshot!(trial.drawn(80, 24), @r#"
      udpchat          │ ● bob  online
                       │
    ● bob              │
      first line       │
      #den           2 │
      bob: I do        │
    ○ eve            1 │
      are you there?   │
    ● carol            │
                       │
                       │
                       │
                       │
                       │
                       │
                       │ ── 2026-01-02 ─────────────────────────────────────────────
                       │ 03:04   bob: hi alice
                       │ 03:05   bob: 你好世界，这是一条很长的消息，它比屏幕更宽，所
                       │         以必须换行。
                       │ 03:05   bob: first line
                       │           second line
                       │         \u{1b}[31mred?\u{202e}
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    > 我也写一行很长很长的文字，比四十列的屏幕还要宽得多
    "#);
}

#[test]
fn what_was_searched_for() {
    let mut trial = three();
    trial.types("/search slides");
    trial.found(
        "slides",
        &[their_message("carol", 3, "who has the slides?", AT, AT)],
    );
    insta::assert_snapshot!(trial.drawn(80, 24), @r"
      udpchat          │   search: slides  Esc: back
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
                       │
                       │
                       │ ── 2026-01-02 ─────────────────────────────────────────────
                       │ 03:04   carol: who has the slides?
     registered · server 12 ms, loss 0.0 % · 3 unread · F1: keys
    >
    ");
    trial.found("nothing", &[]);
    insta::assert_snapshot!(trial.drawn(40, 10), @r"
      search: nothing  Esc: b 3 unread: Tab






    Nothing that is kept has these words.
     registered · server 12 ms, loss 0.0 %
    >
    ");
}

#[test]
fn scrolled_back_with_days_and_late_arrivals() {
    let mut trial = three();
    let day = 86_400_000;
    let earlier: Vec<_> = (0..6_u64)
        .map(|n| {
            let received = AT - day * (6 - i64::try_from(n).unwrap());
            their_message(
                "bob",
                10 + n,
                &format!("message {n}"),
                received - 600_000,
                received,
            )
        })
        .collect();
    trial.history_again("bob", &earlier);
    trial.draw(40, 10);
    trial.press_page_up();
    trial.comes("bob", "something new", AT + 80_000);
    insta::assert_snapshot!(trial.drawn(40, 10), @r"
    ● bob  online             4 unread: Tab
    02:54   bob: message 2
            sent 02:54:05, arrived 03:04:05
    ── 2025-12-30 ──────────────────────────
    02:54   bob: message 3
            sent 02:54:05, arrived 03:04:05
    ── 2025-12-31 ──────────────────────────
    02:54   bob: message 4
     registered · ↓ 1 new, Esc: latest
    >
    ");
    trial.press_page_up();
    trial.press_page_up();
    insta::assert_snapshot!(trial.drawn(40, 10), @r"
    ● bob  online             4 unread: Tab
    ── 2025-12-27 ──────────────────────────
    02:54   bob: message 0
            sent 02:54:05, arrived 03:04:05
    ── 2025-12-28 ──────────────────────────
    02:54   bob: message 1
            sent 02:54:05, arrived 03:04:05
    ── 2025-12-29 ──────────────────────────
     registered · ↓ 1 new, Esc: latest
    >
    ");
}
