//! Pages of the history: how much is in one, and that those before it have the rest.
//!
//! What is found, and in what order, is in the module above.

use super::*;

#[test]
fn pages_have_each_message_once_also_where_the_clock_was_set_back() {
    let mut store = store();
    for (number, at) in [(0, 80), (1, 90), (2, 100), (3, 5), (4, 6)] {
        comes(&mut store, from_bob(1, number, &format!("word {number}"), at));
    }
    writes(&mut store, name("bob"), "word 5", 7);
    writes(&mut store, name("bob"), "word 6", 95);
    for scope in [Scope::Words("word".to_owned()), with_bob(), Scope::All] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = page_before(&mut store, scope.clone(), 2, before);
            assert_eq!(page.messages.len(), if page.earlier.is_some() { 2 } else { 1 });
            seen.extend(page.messages.into_iter().map(|message| message.text));
            before = page.earlier;
            if before.is_none() {
                break;
            }
        }
        seen.sort_unstable();
        let all: Vec<String> = (0..7).map(|number| format!("word {number}")).collect();
        assert_eq!(seen, all, "{scope:?}");
    }
}

#[test]
fn pages_go_back_to_the_first_message_and_have_each_once() {
    let mut store = store();
    writes(&mut store, name("bob"), "one day", 10);
    // In the same moment as the next: what came stands before what was written.
    comes(&mut store, from_bob(1, 0, "two days", 20));
    comes(&mut store, from_bob(1, 1, "three days", 20));
    writes(&mut store, name("bob"), "four days", 20);
    writes(&mut store, name("eve"), "elsewhere", 20);
    writes(&mut store, name("bob"), "five days", 20);
    comes(&mut store, from_bob(1, 2, "six days", 30));
    let words = Scope::Words("day*".to_owned());
    for scope in [with_bob(), words] {
        let expected = [
            "one day",
            "two days",
            "three days",
            "four days",
            "five days",
            "six days",
        ];
        for most in 1..=7 {
            let mut pages = pages(&mut store, &scope, most);
            assert!(
                pages.iter().all(|page| (1..=most).contains(&page.len())),
                "{pages:?}"
            );
            pages.reverse();
            assert_eq!(pages.concat(), expected, "{most} at once");
        }
    }
    assert_eq!(pages(&mut store, &Scope::All, 3).concat().len(), 7);
}

#[test]
fn a_page_has_its_bytes_and_one_message_in_any_case() {
    let mut store = store();
    let large = "x".repeat(HISTORY_BYTES_MAX / 4);
    for number in 0..6 {
        writes(&mut store, name("bob"), &large, number);
    }
    let bob = page(&mut store, with_bob(), 100);
    assert_eq!((bob.messages.len(), bob.earlier.is_some()), (4, true));
    let (_, slot) = writes(&mut store, name("bob"), &"y".repeat(HISTORY_BYTES_MAX + 1), 9);
    let bob = page(&mut store, with_bob(), 100);
    assert_eq!((bob.messages.len(), bob.earlier.is_some()), (1, true));
    assert_eq!(bob.messages[0].id.slot, slot);
}
