//! Tests of the registry's database: repetition, conflict, order, bounds, savepoints, reopening.

use super::*;
use crate::id::{EnvelopeHash, Epoch, MessageId, Sequence, Slot};
use crate::identity::{Identity, Role};
use crate::limits::{FORWARD_PAGE_BYTES, FORWARD_PAGE_MESSAGES};
use crate::registry::storage::{Answer, Ending, Kept, NewMail, Withdrawn};
use crate::wire::envelope::{Receipt, Verdict};
use crate::wire::message::{DepositRefusal, End, Forward};

fn open() -> RegistryStore {
    RegistryStore::open_in_memory([1; 16]).unwrap().0
}

fn ask(store: &mut RegistryStore, request: Request) -> Reply {
    ask_all(store, vec![request]).remove(0).unwrap()
}

fn ask_all(store: &mut RegistryStore, requests: Vec<Request>) -> Vec<Result<Reply, StoreFault>> {
    let requests = (0..).map(Ticket).zip(requests).collect();
    store
        .commit(requests)
        .into_iter()
        .map(|(_, reply)| reply)
        .collect()
}

fn member(id: u32, name: &str, counter: u64) -> MemberRow {
    let seed = u8::try_from(id).unwrap();
    MemberRow {
        id: MemberId(id),
        name: name.parse().unwrap(),
        card: *Identity::from_seed(&[seed; 32], Role::Client).card(),
        counter,
    }
}

const fn slot(sequence: u64) -> Slot {
    Slot {
        epoch: Epoch(u64::MAX),
        sequence: Sequence(sequence),
    }
}

fn mail(row: u64, text: &[u8]) -> NewMail {
    NewMail {
        row: Row(row),
        recipient: MemberId(2),
        sender: MemberId(1),
        slot: slot(row),
        hash: EnvelopeHash::of(text),
        expires: Age::from_ms(1_000),
        new_contact: false,
        forward: Forward {
            floor: Sequence(u64::MAX - 3),
            envelope: text.to_vec(),
        },
    }
}

fn deposit(store: &mut RegistryStore, new: NewMail) -> Kept {
    match ask(store, Request::Deposit(Box::new(new))) {
        Reply::Deposit(kept) => kept,
        other => panic!("{other:?}"),
    }
}

fn answer(row: u64, text: &[u8], at: i64) -> Answer {
    let hash = EnvelopeHash::of(text);
    Answer {
        row: Row(row),
        recipient: MemberId(2),
        sender: MemberId(1),
        slot: slot(row),
        hash,
        end: End::Answered(Receipt {
            id: MessageId {
                sender: IdentityId([1; 32]),
                slot: slot(row),
            },
            hash,
            verdict: Verdict::Received,
            at: WallTime::from_unix_ms(at),
            tag: [0; 16],
        }),
        keep_until: Age::from_ms(50_000),
    }
}

fn ended(store: &mut RegistryStore, answer: Answer) -> Ending {
    match ask(store, Request::Answer(Box::new(answer))) {
        Reply::Ended(ending) => ending,
        other => panic!("{other:?}"),
    }
}

fn inbox(store: &mut RegistryStore, after: u64) -> (Vec<u64>, bool) {
    let request = Request::ReadMail {
        recipient: MemberId(2),
        after: Row(after),
    };
    match ask(store, request) {
        Reply::Mail { rows, more } => (rows.iter().map(|mail| mail.row.0).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_survive_reopening_with_counters_above_what_a_signed_number_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let (mut store, image) = RegistryStore::open(&path, [7; 16]).unwrap();
    assert_eq!((image.store_id, image.members.len()), ([7; 16], 0));
    for row in [
        member(1, "Ann", 3),
        member(2, "bea", 1),
        member(1, "Ann", u64::MAX),
    ] {
        ask(&mut store, Request::Register(row));
    }
    deposit(&mut store, mail(9, b"text"));
    ask(
        &mut store,
        Request::SaveAge {
            age: Age::from_ms(77),
            at: WallTime::from_unix_ms(-5),
        },
    );
    drop(store);
    let (_, image) = RegistryStore::open(&path, [8; 16]).unwrap();
    assert_eq!(image.store_id, [7; 16], "the first one stays");
    assert_eq!(image.members, [member(1, "Ann", u64::MAX), member(2, "bea", 1)]);
    assert_eq!(image.last_row, Row(9));
    assert_eq!(image.next_expiry, Some(Age::from_ms(1_000)));
    assert_eq!(
        (image.age, image.saved_at),
        (Age::from_ms(77), WallTime::from_unix_ms(-5))
    );
    let usage = Usage {
        messages: 1,
        bytes: 4,
    };
    assert_eq!(
        image.usage,
        [PairUsage {
            recipient: MemberId(2),
            sender: MemberId(1),
            usage
        }]
    );
}

#[test]
fn a_restored_database_gets_another_id_and_keeps_the_rest() {
    let mut store = open();
    ask(&mut store, Request::Register(member(1, "ann", 1)));
    let image = store.renew([9; 16]).unwrap();
    assert_eq!((image.store_id, image.members.len()), ([9; 16], 1));
}

#[test]
fn a_released_name_is_free_and_its_mail_is_refused() {
    let mut store = open();
    ask(&mut store, Request::Register(member(1, "ann", 1)));
    ask(&mut store, Request::Register(member(2, "Bob", 1)));
    deposit(&mut store, mail(1, b"text"));
    let name = |text: &str| text.parse::<Name>().unwrap();
    assert_eq!(store.release(&name("carol")).unwrap(), None);
    assert_eq!(store.release(&name("bob")).unwrap(), Some(1), "whatever the case");
    assert_eq!(store.release(&name("bob")).unwrap(), None, "once");

    let image = store.image().unwrap();
    assert!(image.usage.is_empty(), "nothing waits for him");
    assert_eq!(
        image.members[1].card,
        member(2, "bob", 1).card,
        "he is known by his key"
    );
    assert!(!image.members[1].name.matches(&name("bob")));
    let request = Request::ReadNotices {
        sender: MemberId(1),
        after: Row(0),
    };
    let Reply::Notices { rows, .. } = ask(&mut store, request) else {
        panic!("no notices");
    };
    let reason = DepositRefusal::Released;
    assert_eq!(rows[0].end, End::Refused { reason }, "its sender is told");
    ask(&mut store, Request::Register(member(3, "bob", 1)));
}

#[test]
fn a_deposit_is_fresh_once_then_waiting_and_another_content_conflicts() {
    let mut store = open();
    let Kept::Fresh(forward) = deposit(&mut store, mail(1, b"text")) else {
        panic!("not fresh");
    };
    assert_eq!(forward.envelope, b"text", "handed back");
    let again = |row: u64, text: &[u8]| NewMail {
        row: Row(row),
        ..mail(1, text)
    };
    assert!(matches!(deposit(&mut store, again(2, b"text")), Kept::Waiting));
    assert!(matches!(deposit(&mut store, again(3, b"other")), Kept::Conflict));
    let known = |hash: &[u8], n| Request::Known {
        sender: MemberId(1),
        slot: slot(n),
        hash: EnvelopeHash::of(hash),
    };
    for (request, expected) in [
        (known(b"text", 1), "Waiting"),
        (known(b"other", 1), "Conflict"),
        (known(b"text", 2), "Unknown"),
    ] {
        let reply = format!("{:?}", ask(&mut store, request));
        assert!(reply.contains(expected), "{reply}");
    }
    assert_eq!(inbox(&mut store, 0), (vec![1], false));
}

#[test]
fn a_mailbox_is_read_in_order_in_pages_bounded_by_number_and_bytes() {
    let mut store = open();
    let count = FORWARD_PAGE_MESSAGES as u64 + 5;
    for row in (1..=count).rev() {
        deposit(&mut store, mail(row, b"x"));
    }
    let (rows, more) = inbox(&mut store, 0);
    assert_eq!((rows, more), ((1..=count - 5).collect(), true));
    assert_eq!(
        inbox(&mut store, count - 5),
        ((count - 4..=count).collect(), false)
    );
    let large = vec![0; usize::try_from(FORWARD_PAGE_BYTES).unwrap() / 2];
    for row in 1_001..=1_003 {
        deposit(&mut store, mail(row, &large));
    }
    assert_eq!(inbox(&mut store, 1_000), (vec![1_001, 1_002], true));
    assert_eq!(inbox(&mut store, 1_002), (vec![1_003], false));
}

#[test]
fn an_answer_ends_a_message_once_and_frees_it_once() {
    let mut store = open();
    deposit(&mut store, mail(1, b"text"));
    let wrong = Answer {
        hash: EnvelopeHash::of(b"other"),
        ..answer(1, b"text", 5)
    };
    assert_eq!(ended(&mut store, wrong), Ending::Nothing);
    let stranger = Answer {
        recipient: MemberId(3),
        ..answer(1, b"text", 5)
    };
    assert_eq!(ended(&mut store, stranger), Ending::Nothing);
    assert_eq!(ended(&mut store, answer(1, b"text", 5)), Ending::Freed(4));
    assert_eq!(
        ended(&mut store, answer(1, b"text", 6)),
        Ending::Nothing,
        "the first stays"
    );
    let Kept::Ended { row, end } = deposit(&mut store, mail(1, b"text")) else {
        panic!("not ended");
    };
    assert_eq!((row, end), (Row(1), answer(1, b"text", 5).end));
    assert_eq!(inbox(&mut store, 0), (vec![], false));
    assert!(store.image().unwrap().usage.is_empty());
}

#[test]
fn an_outcome_can_be_forgotten_and_a_message_that_waits_cannot() {
    let mut store = open();
    deposit(&mut store, mail(1, b"text"));
    let forget = || Request::Forget {
        sender: MemberId(1),
        slot: slot(1),
    };
    ask(&mut store, forget());
    assert_eq!(inbox(&mut store, 0), (vec![1], false));
    ended(&mut store, answer(1, b"text", 5));
    assert_eq!(store.image().unwrap().outcomes, [(MemberId(1), 1)]);
    for was_there in [true, false] {
        assert!(matches!(ask(&mut store, forget()), Reply::Forgotten(found) if found == was_there));
        assert!(matches!(
            ask(
                &mut store,
                Request::Known {
                    sender: MemberId(1),
                    slot: slot(1),
                    hash: EnvelopeHash::of(b"text")
                }
            ),
            Reply::Deposit(Kept::Unknown)
        ));
    }
}

#[test]
fn a_withdrawal_says_what_it_freed_once() {
    let mut store = open();
    deposit(&mut store, mail(1, b"text"));
    let withdraw = |sender| Request::Withdraw {
        sender: MemberId(sender),
        slot: slot(1),
    };
    let withdrawn = |store: &mut RegistryStore, sender| match ask(store, withdraw(sender)) {
        Reply::Withdrawn(withdrawn) => withdrawn,
        other => panic!("{other:?}"),
    };
    let in_mailbox = Withdrawn::Message {
        recipient: MemberId(2),
        bytes: 4,
    };
    assert_eq!(withdrawn(&mut store, 3), Withdrawn::Nothing, "not his");
    assert_eq!(withdrawn(&mut store, 1), in_mailbox);
    assert_eq!(withdrawn(&mut store, 1), Withdrawn::Nothing);
    deposit(&mut store, mail(1, b"text"));
    ended(&mut store, answer(1, b"text", 5));
    assert_eq!(withdrawn(&mut store, 1), Withdrawn::Outcome);
}

#[test]
fn what_outlives_its_time_ends_in_order_and_the_next_is_named() {
    let mut store = open();
    for (row, expires) in [(1, 300), (2, 100), (3, 200)] {
        let new = NewMail {
            expires: Age::from_ms(expires),
            ..mail(row, b"text")
        };
        deposit(&mut store, new);
    }
    let mut expire = |now| {
        let request = Request::Expire {
            now: Age::from_ms(now),
            at: WallTime::from_unix_ms(9),
            keep_until: Age::from_ms(now + 1_000),
        };
        match ask(&mut store, request) {
            Reply::Expired {
                rows, dropped, next, ..
            } => (
                rows.iter().map(|row| row.notice.row.0).collect::<Vec<_>>(),
                dropped.len(),
                next.map(Age::as_ms),
            ),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(expire(99), (vec![], 0, Some(100)));
    assert_eq!(expire(200), (vec![2, 3], 0, Some(300)));
    assert_eq!(expire(300), (vec![1], 0, Some(1_200)), "then the outcomes");
    assert_eq!(expire(1_200), (vec![], 2, Some(1_300)), "which end in silence");
    assert_eq!(expire(1_300), (vec![], 1, None));
}

#[test]
fn a_request_that_fails_leaves_the_others_of_its_commit_standing() {
    let mut store = open();
    let thief = MemberRow {
        id: MemberId(2),
        ..member(3, "ANN", 1)
    };
    let replies = ask_all(
        &mut store,
        vec![
            Request::Register(member(1, "ann", 1)),
            Request::Register(thief),
            Request::Deposit(Box::new(mail(1, b"text"))),
        ],
    );
    assert!(replies[0].is_ok() && replies[1].is_err() && replies[2].is_ok());
    assert_eq!(store.image().unwrap().members, [member(1, "ann", 1)]);
    assert_eq!(inbox(&mut store, 0), (vec![1], false));
}

#[test]
fn a_contact_is_kept_with_the_message_that_made_it_and_once() {
    let mut store = open();
    for id in [1, 2] {
        ask(&mut store, Request::Register(member(id, &format!("m{id}"), 1)));
    }
    for row in [1, 2] {
        let new = NewMail {
            new_contact: true,
            ..mail(row, b"text")
        };
        deposit(&mut store, new);
    }
    assert_eq!(store.image().unwrap().contacts, [(MemberId(1), MemberId(2))]);
}

#[test]
fn an_outcome_that_cannot_be_read_fails_its_request_alone() {
    let mut store = open();
    deposit(&mut store, mail(1, b"text"));
    ended(&mut store, answer(1, b"text", 5));
    store
        .connection
        .execute("UPDATE mail SET outcome = x'ff'", [])
        .unwrap();
    let replies = ask_all(
        &mut store,
        vec![
            Request::ReadNotices {
                sender: MemberId(1),
                after: Row(0),
            },
            Request::Register(member(1, "ann", 1)),
        ],
    );
    assert!(replies[0].is_err() && replies[1].is_ok());
}

#[test]
fn a_database_with_numbers_that_no_registry_gives_is_damaged() {
    for damage in [
        "UPDATE member SET id = 4294967295",
        "UPDATE member SET id = 1000001",
        "UPDATE member SET id = 0",
        "UPDATE member SET id = -1",
        "UPDATE member SET name = 'no name'",
        "UPDATE mail SET sender = 4294967295",
        "UPDATE mail SET size = -1",
        "UPDATE mail SET id = 9223372036854775807",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.sqlite");
        let (mut store, _) = RegistryStore::open(&path, [7; 16]).unwrap();
        ask(&mut store, Request::Register(member(1, "ann", 1)));
        deposit(&mut store, mail(1, b"text"));
        store.connection.execute_batch(damage).unwrap();
        drop(store);
        match RegistryStore::open(&path, [8; 16]) {
            Err(error @ OpenError::Corrupt { .. }) => {
                assert!(error.to_string().contains("damaged or not a database"), "{error}");
            }
            Err(other) => panic!("{damage}: {other:?}"),
            Ok(_) => panic!("{damage}: taken"),
        }
    }
}
