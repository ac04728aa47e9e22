//! `cargo bench --bench history`: what a long history costs a client, beside what an empty one does.
//!
//! Makes a database of 100,000 messages in a folder of its own, then measures starts, questions and searches on it and on an
//! empty one; of each the median of some rounds. `-- <messages>` makes another number. Invariant: what is measured is what a
//! client does, through the requests of its engine.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark talks to a person at a terminal, and one that cannot go on has nothing to save"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use udpchat::client::storage::{Accept, Finish, Key, Receive, Removal, Reply, Request, Scope, State, Told};
use udpchat::client::to::To;
use udpchat::clock::{Age, WallTime};
use udpchat::engine::{Store, Ticket};
use udpchat::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use udpchat::store::client::ClientStore;

/// Messages, half of them in each box.
const MESSAGES: u64 = 100_000;
/// Rounds of which the median counts.
const ROUNDS: usize = 11;
/// People with whom they were exchanged.
const PEOPLE: u64 = 50;
/// Requests in a commit.
const BATCH: usize = 4_000;
/// Words of which texts are made; each in every 20th.
const WORDS: [&str; 20] = [
    "the", "train", "is", "late", "again", "what", "about", "dinner", "tomorrow", "at", "eight", "bring",
    "your", "books", "and", "the", "blue", "umbrella", "please", "thanks",
];
/// One word of a single text, and which message has it.
const NEEDLE: (&str, u64) = ("needle", 7);

fn name(person: u64) -> Name {
    format!("person{person}").parse().expect("a name")
}

/// Ten words, which differ from one message to the next.
fn text(number: u64) -> String {
    if number == NEEDLE.1 {
        return NEEDLE.0.to_owned();
    }
    let word = |at: u64| {
        let mixed = (number * 7 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let word = usize::try_from(mixed).ok().map(|mixed| mixed % WORDS.len());
        word.and_then(|word| WORDS.get(word)).copied().unwrap_or_default()
    };
    let words: Vec<&str> = (0..10).map(word).collect();
    format!("{} {number}", words.join(" "))
}

fn commit(store: &mut ClientStore, requests: Vec<Request>) -> Vec<Reply> {
    let requests = requests.into_iter().map(|request| (Ticket(0), request)).collect();
    let replies = store.commit(requests).into_iter();
    replies.map(|(_, reply)| reply.expect("a commit")).collect()
}

fn received(number: u64) -> Receive {
    let person = number % PEOPLE;
    let at = WallTime::from_unix_ms(i64::try_from(number).unwrap_or(0));
    let mut identity = [0; 32];
    identity[0] = u8::try_from(person).unwrap_or(0);
    Receive {
        id: MessageId {
            sender: IdentityId(identity),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(number / PEOPLE),
            },
        },
        hash: EnvelopeHash([1; 16]),
        floor: Sequence(0),
        from: name(person),
        pin: None,
        sent_at: at,
        text: text(number),
        stored: false,
        room: None,
        address: None,
        at,
    }
}

fn accepted(number: u64) -> Accept {
    Accept {
        to: To::Peer(name(number % PEOPLE)),
        text: text(number),
        sent_at: WallTime::from_unix_ms(i64::try_from(number).unwrap_or(0)),
        expires: Age::from_ms(0),
        pin: None,
        deposit: None,
        fresh: Epoch(number),
    }
}

fn key_of(reply: &Reply) -> Key {
    match reply {
        Reply::Accepted { key, .. } => *key,
        other => panic!("{other:?}"),
    }
}

fn use_registry() -> Request {
    Request::UseRegistry {
        address: None,
        identity: IdentityId([9; 32]),
    }
}

/// Writes the history: what was received is shown, what was sent has arrived, and that was seen.
fn fill(store: &mut ClientStore, messages: u64) {
    commit(store, vec![use_registry()]);
    let numbers: Vec<u64> = (0..messages).collect();
    for numbers in numbers.chunks(BATCH) {
        let (even, odd): (Vec<u64>, Vec<u64>) = numbers.iter().partition(|number| *number % 2 == 0);
        let receives: Vec<Receive> = even.iter().map(|number| received(*number)).collect();
        let shown = receives
            .iter()
            .map(|receive| Told::Incoming(receive.id))
            .collect();
        commit(store, receives.into_iter().map(Request::Receive).collect());
        commit(store, vec![Request::Told(shown)]);
        let accepts = odd.iter().map(|number| Request::Accept(accepted(*number)));
        let replies = commit(store, accepts.collect());
        let keys: Vec<Key> = replies.iter().map(key_of).collect();
        let (end, sealed, at) = (Finish::Delivered, None, WallTime::default());
        let ends = keys.iter().map(|key| Request::Finish {
            key: *key,
            end,
            sealed,
            at,
        });
        commit(store, ends.collect());
        let seen = keys.iter().map(|key| Told::Outgoing(*key, State::Ended(end)));
        commit(store, vec![Request::Told(seen.collect())]);
    }
    store.tidy();
}

/// The median time of some rounds.
fn median(mut round: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    times.sort_unstable();
    times.get(ROUNDS / 2).copied().unwrap_or_default()
}

fn start(path: &Path) -> Duration {
    median(|| {
        let before = Instant::now();
        let opened = ClientStore::open(path).expect("a database");
        let time = before.elapsed();
        drop(opened);
        time
    })
}

/// `found`: how many there have to be; `None`: some, or none.
fn ask(path: &Path, scope: &Scope, found: Option<usize>) -> Duration {
    let (mut store, _) = ClientStore::open(path).expect("a database");
    commit(&mut store, vec![use_registry()]);
    median(|| {
        let request = Request::Recall {
            scope: scope.clone(),
            most: 20,
            before: None,
            own: IdentityId([0; 32]),
        };
        let before = Instant::now();
        let replies = commit(&mut store, vec![request]);
        let time = before.elapsed();
        match replies.as_slice() {
            [Reply::Recalled(page)] => {
                let messages = page.messages.len();
                assert_eq!(messages, found.unwrap_or(messages), "{scope:?}");
            }
            other => panic!("{other:?}"),
        }
        time
    })
}

/// Removes a piece of another conversation in each round.
fn forget(path: &Path, is_full: bool) -> Duration {
    let (mut store, _) = ClientStore::open(path).expect("a database");
    commit(&mut store, vec![use_registry()]);
    let mut people = (0..PEOPLE).map(name);
    median(|| {
        let keys = people.by_ref().take(1).map(|name| name.folded()).collect();
        let before = Instant::now();
        let replies = commit(&mut store, vec![Request::Remove(Removal::Conversations(keys))]);
        let time = before.elapsed();
        match replies.as_slice() {
            [Reply::Removed(removed)] => assert_eq!(removed.messages > 0, is_full),
            other => panic!("{other:?}"),
        }
        time
    })
}

fn main() {
    let mut wanted = std::env::args().filter_map(|argument| argument.parse().ok());
    let messages = wanted.next().unwrap_or(MESSAGES);
    let folder = tempfile::tempdir().expect("a folder");
    let [empty, full] = ["empty", "full"].map(|name| folder.path().join(name));
    for (path, messages) in [(&empty, 0), (&full, messages)] {
        let (mut store, _) = ClientStore::open(path).expect("a database");
        fill(&mut store, messages);
    }
    let bytes = std::fs::metadata(&full).map_or(0, |file| file.len());
    println!(
        "{messages} messages in {} MiB; medians of {ROUNDS} rounds",
        bytes >> 20
    );
    println!("{:<34} {:>10} {:>10} {:>8}", "", "empty", "full", "ratio");
    let row = |what: &str, empty: Duration, full: Duration| {
        let ratio = full.as_secs_f64() / empty.as_secs_f64().max(f64::MIN_POSITIVE);
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        println!("{what:<34} {:>10} {:>10} {ratio:>8.1}", ms(empty), ms(full));
    };
    row("start", start(&empty), start(&full));
    let words = |words: &str| Scope::Words(words.to_owned());
    let person = Scope::Conversations(vec![name(3).folded()]);
    for (what, scope, found) in [
        ("the last 20 of all", Scope::All, Some(20)),
        ("the last 20 with one of 50", person, Some(20)),
        ("search: a word of one message", words(NEEDLE.0), Some(1)),
        ("search: a word of many", words("umbrella"), Some(20)),
        ("search: three words", words("train dinner books"), None),
        ("search: the beginning of words", words("um*"), Some(20)),
        ("search: a letter that many have", words("b*"), Some(20)),
        ("search: a word of none", words("absent"), Some(0)),
    ] {
        row(what, ask(&empty, &scope, Some(0)), ask(&full, &scope, found));
    }
    row(
        "forget: one commit's worth",
        forget(&empty, false),
        forget(&full, true),
    );
}
