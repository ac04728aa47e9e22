//! What the tables promise, asked through the requests alone.

use rusqlite::Connection;

use super::{ClientStore, SCHEMA};
use crate::client::interface::Refusal;
use crate::client::storage::{
    Accept, Finish, Key, Outcome, Receive, Received, Renumber, Reply, Request, State, Told,
};
use crate::clock::{Age, WallTime};
use crate::engine::{Store, Ticket};
use crate::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use crate::wire::codec;
use crate::wire::message::DepositRefusal;

fn store() -> ClientStore {
    let (mut store, _) = ClientStore::open_in_memory().unwrap();
    ask(
        &mut store,
        Request::UseRegistry {
            address: Some("10.0.0.1:1".parse().unwrap()),
            identity: IdentityId([1; 32]),
        },
    );
    store
}

fn ask(store: &mut ClientStore, request: Request) -> Reply {
    store.commit(vec![(Ticket(1), request)]).remove(0).1.unwrap()
}

fn bob() -> Name {
    "bob".parse().unwrap()
}

fn accept(store: &mut ClientStore, fresh: u64) -> (Key, Slot) {
    let reply = ask(
        store,
        Request::Accept(Accept {
            to: bob().into(),
            text: "hi".to_owned(),
            sent_at: WallTime::from_unix_ms(5),
            expires: Age::from_ms(100),
            pin: None,
            deposit: None,
            fresh: Epoch(fresh),
        }),
    );
    match reply {
        Reply::Accepted { key, slot } => (key, slot),
        other => panic!("{other:?}"),
    }
}

const fn slot(epoch: u64, sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(epoch),
        sequence: Sequence(sequence),
    }
}

/// What bob has written, differently each time.
fn written(epoch: u64, sequence: u64, hash: u8) -> Receive {
    Receive {
        id: MessageId {
            sender: IdentityId([2; 32]),
            slot: slot(epoch, sequence),
        },
        hash: EnvelopeHash([hash; 16]),
        floor: Sequence(0),
        from: bob(),
        pin: None,
        sent_at: WallTime::from_unix_ms(1),
        text: format!("{sequence} {hash}"),
        stored: false,
        room: None,
        address: None,
        at: WallTime::from_unix_ms(2),
    }
}

fn take_in(store: &mut ClientStore, receive: Receive) -> (Outcome, u64) {
    match ask(store, Request::Receive(receive)) {
        Reply::Received(received) => (received.outcome, received.next.0),
        other => panic!("{other:?}"),
    }
}

fn receive(store: &mut ClientStore, sequence: u64, floor: u64, hash: u8) -> (Outcome, u64) {
    let receive = Receive {
        floor: Sequence(floor),
        ..written(u64::MAX, sequence, hash)
    };
    take_in(store, receive)
}

#[test]
fn the_migrations_make_a_database() {
    let migrations = rusqlite_migration::Migrations::from_directory(SCHEMA.migrations).unwrap();
    migrations.validate().unwrap();
    let mut connection = Connection::open_in_memory().unwrap();
    migrations.to_latest(&mut connection).unwrap();
}

#[test]
fn a_conversation_is_numbered_without_gaps_in_the_epoch_that_began_it() {
    let mut store = store();
    assert_eq!(accept(&mut store, u64::MAX).1, slot(u64::MAX, 0));
    assert_eq!(accept(&mut store, 7).1, slot(u64::MAX, 1));
}

#[test]
fn new_numbers_are_given_in_order_and_only_to_what_is_unfinished() {
    let mut store = store();
    let keys: Vec<Key> = (0..4).map(|_| accept(&mut store, 1).0).collect();
    ask(
        &mut store,
        Request::Finish {
            key: keys[2],
            end: Finish::Delivered,
            sealed: None,
            at: WallTime::from_unix_ms(7),
        },
    );
    let renumber = |keys: &[Key], fresh| {
        Request::Renumber(Renumber {
            to: bob().into(),
            keys: keys.to_vec(),
            fresh: Epoch(fresh),
            trust: None,
        })
    };
    let reply = ask(&mut store, renumber(&keys[1..], 2));
    let expected = vec![(keys[1], slot(2, 0)), (keys[3], slot(2, 1))];
    assert_eq!(reply, Reply::Renumbered(expected));
    // One that is still in the old epoch follows in the new one.
    let reply = ask(&mut store, renumber(&keys[..1], 3));
    assert_eq!(reply, Reply::Renumbered(vec![(keys[0], slot(2, 2))]));
    assert_eq!(accept(&mut store, 4).1, slot(2, 3));
}

#[test]
fn delivered_stays_delivered() {
    let mut store = store();
    let (key, slot) = accept(&mut store, 1);
    let refused = Finish::Refused(Refusal::Skipped);
    for end in [refused, Finish::Delivered, Finish::Expired] {
        ask(
            &mut store,
            Request::Finish {
                key,
                end,
                sealed: None,
                at: WallTime::from_unix_ms(7),
            },
        );
    }
    let store_id = [1; 16];
    ask(&mut store, Request::StoreId(store_id));
    ask(
        &mut store,
        Request::Stored {
            key,
            slot,
            store_id,
            at: WallTime::from_unix_ms(6),
        },
    );
    let state: i64 = store
        .connection()
        .query_row("SELECT state FROM outbox", [], |row| row.get(0))
        .unwrap();
    assert_eq!(state, 2);
}

fn untold(store: &ClientStore) -> Vec<State> {
    let image = store.image().unwrap();
    let untold = image.registries[0].untold.iter();
    untold.map(|message| message.state).collect()
}

#[test]
fn a_state_is_untold_until_it_was_seen_as_it_is() {
    let mut store = store();
    let store_id = [1; 16];
    ask(&mut store, Request::StoreId(store_id));
    let (key, slot) = accept(&mut store, 1);
    let told = |store: &mut ClientStore, state| {
        ask(store, Request::Told(vec![Told::Outgoing(key, state)]));
        untold(store)
    };
    assert_eq!(
        untold(&store),
        [],
        "what is accepted was typed by whoever would be told"
    );
    ask(
        &mut store,
        Request::Stored {
            key,
            slot,
            store_id,
            at: WallTime::from_unix_ms(6),
        },
    );
    assert_eq!(untold(&store), [State::Stored]);
    let refused = State::Ended(Finish::Refused(Refusal::Registry(DepositRefusal::Released)));
    assert_eq!(told(&mut store, refused), [State::Stored], "it is not so");
    assert_eq!(told(&mut store, State::Stored), []);
    ask(&mut store, Request::StoreId([2; 16]));
    assert_eq!(untold(&store), [State::Waiting], "it was said to be stored");
    assert_eq!(told(&mut store, State::Waiting), []);
    for end in [
        Finish::Refused(Refusal::Registry(DepositRefusal::Released)),
        Finish::Expired,
        Finish::Delivered,
    ] {
        let sealed = None;
        ask(
            &mut store,
            Request::Finish {
                key,
                end,
                sealed,
                at: WallTime::from_unix_ms(7),
            },
        );
        assert_eq!(untold(&store), [State::Ended(end)]);
        assert_eq!(told(&mut store, State::Stored), [State::Ended(end)], "it is past");
        assert_eq!(told(&mut store, State::Ended(end)), []);
    }
}

#[test]
fn a_delivery_that_was_seen_before_it_was_committed_is_one() {
    let mut store = store();
    let store_id = [1; 16];
    ask(&mut store, Request::StoreId(store_id));
    let (key, slot) = accept(&mut store, 1);
    ask(
        &mut store,
        Request::Stored {
            key,
            slot,
            store_id,
            at: WallTime::from_unix_ms(6),
        },
    );
    // The commit of the end has failed, and is asked for again.
    let (end, sealed) = (Finish::Delivered, None);
    let seen = |state| Request::Told(vec![Told::Outgoing(key, state)]);
    ask(&mut store, seen(State::Ended(end)));
    let registry = &store.image().unwrap().registries[0];
    assert!(
        registry.untold.is_empty() && registry.outbox.is_empty(),
        "it has ended"
    );
    // And so has the mark of an earlier line.
    ask(&mut store, seen(State::Stored));
    ask(
        &mut store,
        Request::Finish {
            key,
            end,
            sealed,
            at: WallTime::from_unix_ms(7),
        },
    );
    assert_eq!(untold(&store), []);
}

#[test]
fn reasons_are_kept_as_they_always_were() {
    // Databases hold these bytes: they are never given another meaning.
    for (reason, bytes) in [
        (Refusal::NoSuchName, &[0][..]),
        (Refusal::Registry(DepositRefusal::NoSuchName), &[1, 0]),
        (Refusal::Registry(DepositRefusal::Released), &[1, 7]),
        (Refusal::Skipped, &[2]),
        (Refusal::Unproven, &[3]),
    ] {
        assert_eq!(codec::encode(&reason), bytes);
    }
}

#[test]
fn what_an_older_database_kept_is_not_stored_in_the_new_one() {
    let mut store = store();
    ask(&mut store, Request::StoreId([1; 16]));
    let (key, slot) = accept(&mut store, 1);
    ask(&mut store, Request::StoreId([2; 16]));
    let late = Request::Stored {
        key,
        slot,
        store_id: [1; 16],
        at: WallTime::from_unix_ms(6),
    };
    ask(&mut store, late);
    assert!(!store.image().unwrap().registries[0].outbox[0].stored);
}

#[test]
fn what_was_kept_under_an_older_number_is_not_stored() {
    let mut store = store();
    let store_id = [1; 16];
    ask(&mut store, Request::StoreId(store_id));
    let (key, slot) = accept(&mut store, 1);
    let anew = Renumber {
        to: bob().into(),
        keys: vec![key],
        fresh: Epoch(2),
        trust: None,
    };
    let Reply::Renumbered(slots) = ask(&mut store, Request::Renumber(anew)) else {
        panic!("not renumbered");
    };
    let stored = |store: &mut ClientStore, slot| {
        ask(
            store,
            Request::Stored {
                key,
                slot,
                store_id,
                at: WallTime::from_unix_ms(6),
            },
        );
        store.image().unwrap().registries[0].outbox[0].stored
    };
    assert!(!stored(&mut store, slot));
    assert!(stored(&mut store, slots[0].1));
}

#[test]
fn fresh_duplicate_conflict_and_skipped_are_told_apart_for_ever() {
    let mut store = store();
    assert_eq!(receive(&mut store, 0, 0, 1), (Outcome::Fresh, 1));
    assert_eq!(receive(&mut store, 2, 0, 1), (Outcome::Fresh, 1));
    assert_eq!(receive(&mut store, 0, 0, 1), (Outcome::Duplicate, 1));
    assert_eq!(receive(&mut store, 2, 0, 9), (Outcome::Conflict, 1));
    assert_eq!(receive(&mut store, 3, 2, 1), (Outcome::Fresh, 4));
    assert_eq!(receive(&mut store, 1, 0, 1), (Outcome::Skipped, 4));
    assert_eq!(receive(&mut store, 2, 2, 1), (Outcome::Duplicate, 4));
}

/// The same words under a number of another epoch.
fn again(epoch: u64, sequence: u64, hash: u8, first: &Receive) -> Receive {
    Receive {
        text: first.text.clone(),
        at: WallTime::from_unix_ms(99),
        ..written(epoch, sequence, hash)
    }
}

#[test]
fn what_its_sender_has_numbered_anew_is_known() {
    let mut store = store();
    let first = written(1, 5, 1);
    assert_eq!(take_in(&mut store, first.clone()), (Outcome::Fresh, 0));
    let reply = ask(&mut store, Request::Receive(again(2, 0, 2, &first)));
    let known = Received {
        outcome: Outcome::Duplicate,
        at: first.at,
        next: Sequence(1),
        shown: None,
        shown_before: false,
    };
    assert_eq!(reply, Reply::Received(known));
    // By its new number as well as by its old one, and by a third.
    for (copy, outcome, next) in [
        (again(2, 0, 2, &first), Outcome::Duplicate, 1),
        (again(2, 0, 3, &first), Outcome::Conflict, 1),
        (first.clone(), Outcome::Duplicate, 0),
        (again(3, 0, 4, &first), Outcome::Duplicate, 1),
    ] {
        assert_eq!(take_in(&mut store, copy), (outcome, next));
    }
    assert_eq!(store.image().unwrap().unshown.len(), 1, "one message");
    ask(&mut store, Request::Told(vec![Told::Incoming(first.id)]));
    for copy in [first.clone(), again(2, 0, 2, &first)] {
        let reply = ask(&mut store, Request::Receive(copy));
        assert!(
            matches!(reply, Reply::Received(received) if received.shown_before),
            "{reply:?}"
        );
    }
    // Also what was not to be waited for.
    take_in(
        &mut store,
        Receive {
            floor: Sequence(9),
            ..written(4, 9, 5)
        },
    );
    assert_eq!(take_in(&mut store, again(4, 3, 6, &first)).0, Outcome::Duplicate);
    assert_eq!(take_in(&mut store, written(4, 4, 6)).0, Outcome::Skipped);
}

#[test]
fn the_same_words_are_another_message_unless_they_may_be_that_one() {
    let mut store = store();
    let first = written(1, 0, 1);
    take_in(&mut store, first.clone());
    for other in [
        again(1, 1, 2, &first),
        Receive {
            sent_at: WallTime::from_unix_ms(3),
            ..again(2, 1, 3, &first)
        },
        Receive {
            text: first.text.to_uppercase() + "!",
            ..again(2, 2, 4, &first)
        },
    ] {
        assert_eq!(take_in(&mut store, other).0, Outcome::Fresh);
    }
    // Two messages are two, whatever they are called: each is known once in another epoch.
    let outcomes: Vec<Outcome> = (3..6)
        .map(|sequence| take_in(&mut store, again(2, sequence, 5, &first)).0)
        .collect();
    assert_eq!(outcomes, [Outcome::Duplicate, Outcome::Duplicate, Outcome::Fresh]);
    let from_another = Receive {
        id: MessageId {
            sender: IdentityId([3; 32]),
            ..first.id
        },
        ..first
    };
    assert_eq!(take_in(&mut store, from_another).0, Outcome::Fresh);
}

#[test]
fn the_highest_number_there_is_does_not_keep_the_store_busy_for_ever() {
    let mut store = store();
    assert_eq!(
        receive(&mut store, u64::MAX, u64::MAX, 1),
        (Outcome::Fresh, u64::MAX)
    );
    assert_eq!(
        receive(&mut store, u64::MAX, u64::MAX, 1),
        (Outcome::Duplicate, u64::MAX)
    );
}

#[test]
fn each_registry_has_an_outbox_and_pins_of_its_own() {
    let mut store = store();
    accept(&mut store, 1);
    ask(
        &mut store,
        Request::UseRegistry {
            address: Some("10.0.0.2:1".parse().unwrap()),
            identity: IdentityId([9; 32]),
        },
    );
    assert_eq!(accept(&mut store, 2).1, slot(2, 0));
    let image = store.image().unwrap();
    let unfinished: Vec<usize> = image
        .registries
        .iter()
        .map(|registry| registry.outbox.len())
        .collect();
    assert_eq!(unfinished, [1, 1]);
    assert_eq!(image.addresses.len(), 2);
}

#[test]
fn a_file_gives_back_what_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.db");
    let (mut store, image) = ClientStore::open(&path).unwrap();
    assert!(image.registries.is_empty() && image.life.is_none());
    ask(
        &mut store,
        Request::UseRegistry {
            address: Some("[::1]:1".parse().unwrap()),
            identity: IdentityId([1; 32]),
        },
    );
    ask(&mut store, Request::Counter(7));
    ask(&mut store, Request::Counter(3));
    let (age, wall) = (Age::from_ms(5), WallTime::from_unix_ms(-9));
    ask(&mut store, Request::Life { age, wall });
    receive(&mut store, 0, 0, 1);
    drop(store);
    let (_, image) = ClientStore::open(&path).unwrap();
    assert_eq!(image.life, Some((age, wall)));
    assert_eq!(image.registries[0].counter, 7, "a number never goes back");
    assert_eq!(image.unshown.len(), 1);
}
