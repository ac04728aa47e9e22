//! What is found of the history, in what order, and by which index; what a page has is in `pages`, what is taken from it
//! in `removal`.

use std::net::SocketAddr;

use rusqlite::Connection;

use super::*;
use crate::client::storage::{Accept, Finish, Key, Met, Outcome, Receive, Reply, Request, State, Told};
use crate::clock::Age;
use crate::engine::{Store, Ticket};
use crate::id::{EnvelopeHash, Epoch, Name, Sequence, Slot};
use crate::identity::{Identity, Role};
use crate::limits::SEARCH_BYTES_MAX;
use crate::store::archive::Archive;
use crate::store::client::{ClientStore, SCHEMA};
use crate::store::database::OpenError;

#[path = "client_pages_tests.rs"]
mod pages;
#[path = "client_removal_tests.rs"]
mod removal;

const OWN: IdentityId = IdentityId([9; 32]);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn ask(store: &mut ClientStore, request: Request) -> Reply {
    store.commit(vec![(Ticket(1), request)]).remove(0).1.unwrap()
}

fn use_registry(store: &mut ClientStore, id: u8) {
    let request = Request::UseRegistry {
        address: Some(SocketAddr::from(([10, 0, 0, id], 1))),
        identity: IdentityId([id; 32]),
    };
    ask(store, request);
}

fn store() -> ClientStore {
    let (mut store, _) = ClientStore::open_in_memory().unwrap();
    use_registry(&mut store, 1);
    store
}

/// We write something, at this time.
fn writes(store: &mut ClientStore, to: impl Into<To>, text: &str, at: i64) -> (Key, Slot) {
    let accept = Accept {
        to: to.into(),
        text: text.to_owned(),
        sent_at: WallTime::from_unix_ms(at),
        expires: Age::from_ms(100),
        pin: None,
        deposit: None,
        fresh: Epoch(u64::try_from(at).unwrap()),
    };
    match ask(store, Request::Accept(accept)) {
        Reply::Accepted { key, slot } => (key, slot),
        other => panic!("{other:?}"),
    }
}

fn ends(store: &mut ClientStore, key: Key, end: Finish, at: i64) {
    let request = Request::Finish {
        key,
        end,
        sealed: None,
        at: WallTime::from_unix_ms(at),
    };
    ask(store, request);
}

/// What bob writes, as it comes at this time.
fn from_bob(epoch: u64, sequence: u64, text: &str, at: i64) -> Receive {
    Receive {
        id: MessageId {
            sender: IdentityId([2; 32]),
            slot: Slot {
                epoch: Epoch(epoch),
                sequence: Sequence(sequence),
            },
        },
        hash: EnvelopeHash([u8::try_from(epoch).unwrap(); 16]),
        floor: Sequence(0),
        from: name("Bob"),
        pin: None,
        sent_at: WallTime::from_unix_ms(at - 1),
        text: text.to_owned(),
        stored: false,
        room: None,
        address: None,
        at: WallTime::from_unix_ms(at),
    }
}

fn comes(store: &mut ClientStore, receive: Receive) -> Outcome {
    match ask(store, Request::Receive(receive)) {
        Reply::Received(received) => received.outcome,
        other => panic!("{other:?}"),
    }
}

fn is_shown(store: &mut ClientStore, id: MessageId) {
    ask(store, Request::Told(vec![Told::Incoming(id)]));
}

fn page(store: &mut ClientStore, scope: Scope, most: usize) -> Page {
    page_before(store, scope, most, None)
}

fn page_before(store: &mut ClientStore, scope: Scope, most: usize, before: Option<Place>) -> Page {
    let request = Request::Recall {
        scope,
        most,
        before,
        own: OWN,
    };
    match ask(store, request) {
        Reply::Recalled(page) => page,
        other => panic!("{other:?}"),
    }
}

fn texts(messages: &[Recorded]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

fn with_bob() -> Scope {
    Scope::Conversations(vec!["bob".to_owned()])
}

fn found(store: &mut ClientStore, words: &str) -> Vec<String> {
    let page = page(store, Scope::Words(words.to_owned()), 10);
    page.messages.into_iter().map(|message| message.text).collect()
}

/// The index of the words and the texts say the same.
fn assert_index_holds(connection: &Connection) {
    for table in ["inbox_words", "outbox_words"] {
        let check = format!("INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 0)");
        connection.execute_batch(&check).unwrap();
    }
}

#[test]
fn both_boxes_are_one_history_in_the_order_of_our_clock() {
    let mut store = store();
    let (key, slot) = writes(&mut store, name("bob"), "one", 10);
    comes(&mut store, from_bob(1, 0, "two", 20));
    writes(&mut store, name("eve"), "three", 30);
    comes(&mut store, from_bob(1, 1, "four", 40));
    let all = page(&mut store, Scope::All, 10);
    assert_eq!(texts(&all.messages), ["one", "two", "three", "four"]);
    assert_eq!(all.earlier, None);
    let bob = page(&mut store, with_bob(), 2);
    assert_eq!(texts(&bob.messages), ["two", "four"]);
    assert!(bob.earlier.is_some());
    let [one, two, ..] = all.messages.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(one.id, MessageId { sender: OWN, slot });
    assert_eq!(one.with, To::Peer(name("bob")));
    let way = Way::In {
        from: name("Bob"),
        received_at: WallTime::from_unix_ms(20),
        stored: false,
    };
    assert_eq!((&two.way, two.sent_at), (&way, WallTime::from_unix_ms(19)));
    // Another registry has a history of its own.
    use_registry(&mut store, 2);
    assert_eq!(page(&mut store, Scope::All, 10).messages, []);
    ends(&mut store, key, Finish::Delivered, 50);
    assert_eq!(page(&mut store, with_bob(), 10).messages, []);
    assert_eq!(found(&mut store, "two"), [""; 0]);
}

/// Back from the last to the first, a page at a time: the texts of each page.
fn pages(store: &mut ClientStore, scope: &Scope, most: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = page_before(store, scope.clone(), most, before);
        pages.push(texts(&page.messages).into_iter().map(str::to_owned).collect());
        before = page.earlier;
        if before.is_none() {
            return pages;
        }
    }
}

#[test]
fn one_message_is_found_by_its_number_or_its_id_with_its_own_registry() {
    let mut store = store();
    let (_, slot) = writes(&mut store, name("bob"), "one", 10);
    let out_of_mailbox = Receive {
        stored: true,
        ..from_bob(1, 0, "two", 20)
    };
    let id = out_of_mailbox.id;
    comes(&mut store, out_of_mailbox);
    writes(&mut store, name("eve"), "three", 30);
    let own = MessageId { sender: OWN, slot };
    let bob = || Some(vec!["bob".to_owned()]);
    let scopes = [
        (Scope::One(One::Written(1)), "one"),
        (Scope::One(One::Called(own)), "one"),
        (Scope::One(One::Received(1)), "two"),
        (Scope::One(One::Called(id)), "two"),
        (Scope::Written(None), "three"),
        (Scope::Written(bob()), "one"),
    ];
    for (scope, text) in &scopes {
        let found = page(&mut store, scope.clone(), 1).messages;
        assert_eq!(texts(&found), [*text], "{scope:?}");
        let stored = matches!(found[0].way, Way::In { stored: true, .. });
        assert_eq!(stored, *text == "two");
    }
    for number in [0, 3, u64::MAX] {
        for one in [One::Written(number), One::Received(number)] {
            assert_eq!(page(&mut store, Scope::One(one), 1).messages, [], "{one:?}");
        }
    }
    use_registry(&mut store, 2);
    for (scope, _) in scopes {
        assert_eq!(page(&mut store, scope, 1).messages, []);
    }
}

#[test]
fn the_times_of_states_are_those_of_their_commits() {
    let mut store = store();
    let store_id = [1; 16];
    ask(&mut store, Request::StoreId(store_id));
    let way = |store: &mut ClientStore| page(store, with_bob(), 1).messages.remove(0).way;
    let out = |state, stored_at: Option<i64>, ended_at: Option<i64>| Way::Out {
        state,
        stored_at: stored_at.map(WallTime::from_unix_ms),
        ended_at: ended_at.map(WallTime::from_unix_ms),
        sealed_for: None,
    };
    let (key, slot) = writes(&mut store, name("bob"), "hi", 10);
    assert_eq!(way(&mut store), out(State::Waiting, None, None));
    let at = WallTime::from_unix_ms(11);
    let stored = Request::Stored {
        key,
        slot,
        store_id,
        at,
    };
    ask(&mut store, stored.clone());
    assert_eq!(way(&mut store), out(State::Stored, Some(11), None));
    ask(&mut store, Request::StoreId([2; 16]));
    assert_eq!(
        way(&mut store),
        out(State::Waiting, None, None),
        "it was lost there"
    );
    ends(&mut store, key, Finish::Expired, 12);
    assert_eq!(
        way(&mut store),
        out(State::Ended(Finish::Expired), None, Some(12))
    );
    ends(&mut store, key, Finish::Delivered, 13);
    ends(&mut store, key, Finish::Delivered, 14);
    let delivered = State::Ended(Finish::Delivered);
    assert_eq!(way(&mut store), out(delivered, None, Some(13)), "late, and once");
    // Seen before it was committed.
    let (key, _) = writes(&mut store, name("bob"), "hi", 20);
    ask(&mut store, Request::Told(vec![Told::Outgoing(key, delivered)]));
    assert_eq!(way(&mut store), out(delivered, None, None));
    ends(&mut store, key, Finish::Delivered, 21);
    assert_eq!(way(&mut store), out(delivered, None, Some(21)));
}

#[test]
fn words_are_found_however_they_are_written_and_only_where_all_of_them_are() {
    let mut store = store();
    for (number, text) in [
        "Grüße an alle",
        "the quick brown fox",
        "fox \"and\" hound",
        "你好 世界",
    ]
    .iter()
    .enumerate()
    {
        comes(&mut store, from_bob(1, number.try_into().unwrap(), text, 10));
    }
    writes(&mut store, name("eve"), "a Fox, too", 20);
    for (words, texts) in [
        ("GRUSSE", vec![]),
        ("gruße", vec!["Grüße an alle"]),
        (
            "fox",
            vec!["the quick brown fox", "fox \"and\" hound", "a Fox, too"],
        ),
        ("fox  quick", vec!["the quick brown fox"]),
        ("fox quick hound", vec![]),
        ("qui", vec![]),
        ("qui*", vec!["the quick brown fox"]),
        ("\"and\"", vec!["fox \"and\" hound"]),
        ("fox AND hound OR", vec![]),
        ("fox - hound", vec!["fox \"and\" hound"]),
        ("你好", vec!["你好 世界"]),
        ("* !!", vec![]),
        ("text:fox", vec![]),
        ("NEAR(fox", vec![]),
    ] {
        assert_eq!(found(&mut store, words), texts, "{words}");
    }
    let most = "x ".repeat(SEARCH_BYTES_MAX / 2);
    assert_eq!(found(&mut store, &most), [""; 0]);
}

/// How SQLite goes about a query.
fn plan(store: &ClientStore, sql: &str) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let mut statement = store.connection().prepare(&explain).unwrap();
    let values: &[&dyn ToSql] = params![1, 0, 0, "x"];
    let values = values.get(..statement.parameter_count()).unwrap();
    let steps = statement
        .query_map(values, |row| row.get::<_, String>(3))
        .unwrap();
    steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_last_messages_are_found_without_the_others() {
    let store = store();
    for (queries, indexes) in [
        (of_all(), ["INDEX inbox_history", "INDEX outbox_history"]),
        (
            of_conversation(),
            ["INDEX inbox_conversation", "INDEX outbox_conversation"],
        ),
        (
            of_words(),
            [
                "SCAN inbox_words VIRTUAL TABLE",
                "SCAN outbox_words VIRTUAL TABLE",
            ],
        ),
    ] {
        for (sql, index) in queries.iter().zip(indexes) {
            let plan = plan(&store, sql);
            assert!(plan.contains(index) && !plan.contains("B-TREE"), "{sql}: {plan}");
        }
    }
}

#[test]
fn a_database_of_the_first_version_has_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.db");
    let old = Connection::open(&path).unwrap();
    old.pragma_update(None, "application_id", SCHEMA.application)
        .unwrap();
    old.execute_batch(include_str!("../../migrations/client/01-init/up.sql"))
        .unwrap();
    let key = |byte: &str| format!("x'{}'", byte.repeat(32));
    let (one, two, bob, carl) = (key("01"), key("02"), key("03"), key("04"));
    old.execute_batch(&format!(
        "INSERT INTO registry (identity, counter) VALUES ({one}, 0), ({two}, 0);
         INSERT INTO sender (identity) VALUES ({bob}), ({carl});
         INSERT INTO pin VALUES (2, 'bob', 'Bob', {bob}, {bob}, zeroblob(64));
         INSERT INTO pin VALUES (1, '@10.0.0.3:1', 'carl', {carl}, {carl}, zeroblob(64));
         INSERT INTO inbox VALUES
             (1, 1, 1, 0, zeroblob(16), 'Bob', 'by name', 1, 2, 0, NULL, NULL, 1),
             (2, 2, 1, 0, zeroblob(16), 'carl', 'by address', 3, 4, 0, NULL, NULL, 1),
             (3, 1, 2, 0, zeroblob(16), 'Bob', 'posted', 5, 6, 0, zeroblob(16), 'Den', 1);
         INSERT INTO outbox VALUES
             (1, 2, 'bob', 'bob', NULL, 1, 0, 'ours', 7, 0, 2, NULL, 2, 0, NULL, NULL, NULL, NULL);
         PRAGMA user_version = 1"
    ))
    .unwrap();
    drop(old);
    let older = Archive::open(&path, OWN).unwrap_err();
    assert_eq!(
        older,
        OpenError::Older { path: path.clone() },
        "nothing is changed by reading"
    );
    let (mut store, _) = ClientStore::open(&path).unwrap();
    let conversation = |store: &mut ClientStore, key: &str| {
        let page = page(store, Scope::Conversations(vec![key.to_owned()]), 10);
        page.messages
            .into_iter()
            .map(|message| message.text)
            .collect::<Vec<_>>()
    };
    use_registry(&mut store, 2);
    assert_eq!(conversation(&mut store, "bob"), ["by name", "ours"]);
    assert_eq!(conversation(&mut store, "#den"), ["posted"]);
    assert_eq!(found(&mut store, "name"), ["by name"]);
    use_registry(&mut store, 1);
    assert_eq!(conversation(&mut store, "@10.0.0.3:1"), ["by address"]);
    assert_index_holds(store.connection());
}

#[test]
fn whoever_was_met_at_an_address_has_his_conversation_there() {
    let mut store = store();
    let address: SocketAddr = "10.0.0.3:1".parse().unwrap();
    let card = *Identity::from_seed(&[3; 32], Role::Client).card();
    let met = Met {
        address,
        name: name("bob"),
        card,
    };
    ask(&mut store, Request::Meet(met));
    let receive = Receive {
        address: Some(address),
        ..from_bob(1, 0, "hi", 1)
    };
    comes(&mut store, receive);
    assert_eq!(page(&mut store, with_bob(), 10).messages, []);
    let there = page(&mut store, Scope::Conversations(vec![To::At(address).key()]), 10);
    assert_eq!(there.messages[0].with, To::At(address));
}

#[test]
fn the_whole_history_is_read_beside_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.db");
    let (mut store, _) = ClientStore::open(&path).unwrap();
    use_registry(&mut store, 1);
    for number in 0..100 {
        writes(&mut store, name("bob"), &format!("out {number}"), number);
        let sequence = u64::try_from(number).unwrap();
        comes(&mut store, from_bob(1, sequence, &format!("in {number}"), number));
    }
    use_registry(&mut store, 2);
    writes(&mut store, name("bob"), "elsewhere", 50);
    let mut archive = Archive::open(&path, OWN).unwrap();
    let first: Vec<String> = archive
        .by_ref()
        .take(3)
        .map(|message| message.unwrap().text)
        .collect();
    assert_eq!(first, ["in 0", "out 0", "in 1"]);
    // Its owner goes on meanwhile.
    writes(&mut store, name("bob"), "later", 1_000);
    store.tidy();
    let rest: Vec<Recorded> = archive.map(Result::unwrap).collect();
    assert_eq!(rest.len(), 199);
    assert!(rest.is_sorted_by_key(|message| message.at().unix_ms()));
    assert_eq!(rest.last().unwrap().text, "later");
}
