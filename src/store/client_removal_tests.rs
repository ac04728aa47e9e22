//! What is taken from the history: as much as was asked for, for good, and so that a message is known afterwards all the same.

use super::*;
use crate::client::storage::{Removal, Removed};
use crate::limits::HISTORY_REMOVED_AT_ONCE;

fn removes(store: &mut ClientStore, removal: Removal) -> Removed {
    match ask(store, Request::Remove(removal)) {
        Reply::Removed(removed) => removed,
        other => panic!("{other:?}"),
    }
}

fn forgets_bob(store: &mut ClientStore) -> (u64, bool, u64) {
    let removed = removes(store, Removal::Conversations(vec!["bob".to_owned()]));
    (removed.messages, removed.more, removed.left)
}

#[test]
fn what_is_forgotten_says_nothing_any_more_and_what_is_under_way_stays() {
    let mut store = store();
    let (key, _) = writes(&mut store, name("bob"), "secret over", 1);
    writes(&mut store, name("bob"), "secret under way", 2);
    let (other, _) = writes(&mut store, name("eve"), "secret for eve", 3);
    for key in [key, other] {
        ends(&mut store, key, Finish::Delivered, 4);
    }
    let shown = from_bob(1, 0, "secret shown", 5);
    comes(&mut store, shown.clone());
    is_shown(&mut store, shown.id);
    comes(&mut store, from_bob(1, 1, "secret unshown", 6));
    assert_eq!(forgets_bob(&mut store), (2, false, 2));
    let left = ["secret under way", "secret unshown"];
    assert_eq!(texts(&page(&mut store, with_bob(), 10).messages), left);
    assert_eq!(
        found(&mut store, "secret"),
        ["secret under way", "secret for eve", "secret unshown"]
    );
    assert_eq!(forgets_bob(&mut store), (0, false, 2), "once");
    assert_index_holds(store.connection());
    let tables = "SELECT count(*) FROM inbox WHERE text LIKE '%shown' ORDER BY 1";
    let texts: i64 = store
        .connection()
        .query_row(tables, [], |row| row.get(0))
        .unwrap();
    assert_eq!(texts, 1, "only the one that was not shown");
    // Both can be read by the next start.
    let image = store.image().unwrap();
    assert_eq!((image.unshown.len(), image.registries[0].outbox.len()), (1, 1));
}

#[test]
fn nothing_of_what_was_forgotten_is_left_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.db");
    let (mut store, _) = ClientStore::open(&path).unwrap();
    use_registry(&mut store, 1);
    for number in 0..20 {
        let (key, _) = writes(&mut store, name("bob"), &format!("marmalade {number}"), number);
        ends(&mut store, key, Finish::Delivered, number);
        let shown = from_bob(
            1,
            u64::try_from(number).unwrap(),
            &format!("gooseberry {number}"),
            number,
        );
        comes(&mut store, shown.clone());
        is_shown(&mut store, shown.id);
    }
    let is_there = |word: &str| {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).contains(word)
    };
    assert!(is_there("marmalade") && is_there("gooseberry"));
    assert_eq!(forgets_bob(&mut store), (40, false, 0));
    store.tidy();
    // Not in the texts, and not in the index of words, which shortens them.
    for part in ["marmal", "armalade", "gooseb", "ooseberry"] {
        assert!(!is_there(part), "{part}");
    }
}

#[test]
fn what_was_forgotten_is_known_when_it_comes_again() {
    let mut store = store();
    let first = from_bob(1, 0, "hi", 5);
    comes(&mut store, first.clone());
    is_shown(&mut store, first.id);
    assert_eq!(forgets_bob(&mut store), (1, false, 0));
    assert_eq!(comes(&mut store, first.clone()), Outcome::Duplicate);
    // Numbered anew, because its sender's database was an older copy: known by what it said, and when.
    let again = |sequence, text| Receive {
        sent_at: first.sent_at,
        ..from_bob(2, sequence, text, 9)
    };
    assert_eq!(comes(&mut store, again(0, "hi")), Outcome::Duplicate);
    assert_eq!(comes(&mut store, again(1, "other")), Outcome::Fresh);
    let conflict = Receive {
        hash: EnvelopeHash([7; 16]),
        ..first
    };
    assert_eq!(comes(&mut store, conflict), Outcome::Conflict);
}

#[test]
fn texts_are_removed_in_pieces_and_with_every_registry_where_they_are_old() {
    let mut store = store();
    let all = HISTORY_REMOVED_AT_ONCE + 2;
    for number in 0..all {
        let at = i64::try_from(number).unwrap();
        let (key, _) = writes(&mut store, name("bob"), "hi", at);
        ends(&mut store, key, Finish::Delivered, 0);
    }
    use_registry(&mut store, 2);
    let shown = from_bob(1, 0, "hi", 1);
    comes(&mut store, shown.clone());
    is_shown(&mut store, shown.id);
    let before = |at| Removal::Before(WallTime::from_unix_ms(at));
    let most = i64::try_from(all).unwrap();
    let removed = removes(&mut store, before(most - 1));
    assert_eq!(
        (removed.messages, removed.more),
        (HISTORY_REMOVED_AT_ONCE.try_into().unwrap(), true)
    );
    let removed = removes(&mut store, before(most - 1));
    assert_eq!(
        (removed.messages, removed.more),
        (2, false),
        "the last here, and the one there"
    );
    use_registry(&mut store, 1);
    assert_eq!(page(&mut store, Scope::All, 10).messages.len(), 1, "it is young");
    assert_index_holds(store.connection());
}
