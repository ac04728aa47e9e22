//! Rooms: how long a post takes to reach all members and how many datagrams, what it costs on the registry's disk while all are
//! away, and in its memory to have rooms and members.
//!
//! Members are load clients: each says that it has a post as soon as it has come. Invariant: time and datagrams are counted up to the
//! post itself, for each member; what follows is told apart.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use udpchat::clock::{Instant, WallTime};
use udpchat::id::{Epoch, Name, Sequence, Slot};
use udpchat::limits::TIME_TO_LIVE;
use udpchat::runtime::clock;
use udpchat::wire::envelope::{Body, Envelope, Party, Recipient};
use udpchat::wire::message::{Deposit, Forward, FromRegistry, ToRegistry};
use udpchat::wire::room::{Hall, PostHad, RoomAnswer, RoomDeed, RoomDone, RoomRequest};

use crate::host::{Host, OtherProcess};
use crate::load::{Fleet, LoadClient, Plain, Traffic, identity_of, name_of};
use crate::mail::TEXT_BYTES;
use crate::table::{Mark, Table, median};
use crate::usage::resident_bytes;
use crate::{Size, folder};

/// Until nothing follows any more.
const QUIET: Duration = Duration::from_millis(500);
/// Until sessions have given back what they do not need.
const SETTLE: Duration = Duration::from_secs(4);

/// Measures all of it.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    for members in size.members {
        reach(size, members, table);
    }
    storage(size, table);
    memory(size, table);
}

/// One post to so many, who are all there.
#[expect(clippy::cast_precision_loss, reason = "a few thousand datagrams")]
fn reach(size: &Size, members: u32, table: &mut Table) {
    let home = folder();
    let host = Host::start(home.path());
    let mut fleet = Fleet::<Plain>::new();
    fleet.register(0..members + 1, 1, host.address);
    let hall = fill(&mut fleet, &name_of(0));
    let mut rounds = Vec::new();
    for sequence in 0..size.rounds as u64 {
        fleet.idle(QUIET);
        fleet.forget();
        rounds.push(post_to_all(&mut fleet, &hall, sequence));
    }
    let middle = |figure: fn(&Reach) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
    let what = format!("a post to {members} members");
    let ms = middle(|reach| reach.took.as_secs_f64() * 1e3);
    table.add(&format!("{what}: time to the last"), ms, " ms", None, &Mark::None);
    let each = middle(|reach| reach.datagrams as f64) / f64::from(members);
    table.add(
        &format!("{what}: datagrams to each"),
        each,
        "",
        None,
        &Mark::AtMost(1.0),
    );
    let uploads = middle(|reach| reach.uploads as f64);
    table.add(
        &format!("{what}: datagrams from its author"),
        uploads,
        "",
        None,
        &Mark::None,
    );
}

struct Reach {
    took: Duration,
    /// To members, until each had it.
    datagrams: u64,
    /// From the author, until the last had it.
    uploads: u64,
}

/// The first client posts; all others have it at the end.
fn post_to_all(fleet: &mut Fleet<Plain>, hall: &Hall, sequence: u64) -> Reach {
    let before: Vec<Traffic> = fleet.clients.iter().map(|client| client.traffic).collect();
    let mut had: Vec<Option<(Instant, Traffic)>> = vec![None; fleet.clients.len() - 1];
    let began = clock::now().at;
    let author = fleet.clients.first_mut().expect("an author");
    author.say(&post(0, hall, sequence));
    author.flush(began);
    while had.iter().any(Option::is_none) {
        fleet.turn();
        for (client, had) in fleet.clients.iter_mut().skip(1).zip(&mut had) {
            if take_posts(client, hall) {
                *had = had.or(Some((client.last.1, client.traffic)));
            }
        }
    }
    let had: Vec<(Instant, Traffic)> = had.into_iter().flatten().collect();
    let last = had.iter().map(|(at, _)| *at).max().unwrap_or(began);
    let came = |((_, after), before): (&(Instant, Traffic), &Traffic)| after.came - before.came;
    let author = fleet.clients.first().expect("an author").traffic;
    let wrote = before.first().expect("an author").left;
    Reach {
        took: last.since(began),
        datagrams: had.iter().zip(before.iter().skip(1)).map(came).sum(),
        uploads: author.left - wrote,
    }
}

/// Says that it has what has come; whether something has.
fn take_posts(client: &mut LoadClient<Plain>, hall: &Hall) -> bool {
    let mut last = None;
    while let Some(message) = client.heard.pop_front() {
        if let FromRegistry::Post(post) = message {
            last = Some(post.number);
        }
    }
    if let Some(number) = last {
        let room = hall.id;
        client.say(&ToRegistry::PostHad(PostHad { room, number }));
        client.flush(clock::now().at);
    }
    last.is_some()
}

/// Posts while all members are away: by how much the database has grown when the registry has ended.
#[expect(clippy::cast_precision_loss, reason = "bytes of a file are far below 2^52")]
fn storage(size: &Size, table: &mut Table) {
    let home = folder();
    let [.., members] = size.members;
    let mut fleet = Fleet::<Plain>::new();
    let host = Host::start(home.path());
    fleet.register(0..members + 1, 1, host.address);
    let hall = fill(&mut fleet, &name_of(0));
    for client in &mut fleet.clients {
        client.deregister();
    }
    fleet.idle(QUIET);
    drop((fleet, host));
    let before = file_bytes(home.path());
    let host = Host::start(home.path());
    let mut fleet = Fleet::<Plain>::new();
    fleet.register(0..1, 2, host.address);
    for sequence in 0..size.posts as u64 {
        let author = fleet.clients.first_mut().expect("an author");
        author.say(&post(0, &hall, sequence));
        author.flush(clock::now().at);
        wait(&mut fleet, 0, |message| {
            matches!(message, FromRegistry::Deposited { .. }).then_some(())
        });
    }
    drop((fleet, host));
    let grown = file_bytes(home.path()).saturating_sub(before) as f64 / size.posts as f64;
    let what = format!(
        "registry disk, each of {} posts of {TEXT_BYTES} B with {members} members away",
        size.posts
    );
    table.add(&what, grown, " B", None, &Mark::None);
}

/// Rooms, then members in them, in a registry of its own process.
#[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
fn memory(size: &Size, table: &mut Table) {
    let home = folder();
    let registry = OtherProcess::start(home.path());
    let mut fleet = Fleet::<Plain>::new();
    let [.., clients] = size.members;
    fleet.register(0..clients, 1, registry.address);
    let rest = |fleet: &mut Fleet<Plain>| {
        fleet.idle(SETTLE);
        fleet.forget();
        resident_bytes(registry.id())
    };
    let before = rest(&mut fleet);
    let (owners, rooms) = (fleet.clients.len() / 2, size.rooms);
    for room in 0..rooms {
        let create = |owner| RoomDeed::Create {
            name: room_name(owner, room),
        };
        enter(&mut fleet, 0..owners, room, create);
    }
    let with_rooms = rest(&mut fleet);
    for room in 0..rooms {
        let join = |guest| RoomDeed::Join {
            name: room_name(guest - owners, room),
        };
        enter(&mut fleet, owners..2 * owners, room, join);
    }
    let with_guests = rest(&mut fleet);
    let number = owners * rooms;
    let each = |more: u64, less: u64| more.saturating_sub(less) as f64 / number as f64;
    let what = format!("registry memory, each of {number} rooms with its owner");
    table.add(&what, each(with_rooms, before), " B", None, &Mark::None);
    let what = format!("registry memory, each of {number} more members");
    table.add(&what, each(with_guests, with_rooms), " B", None, &Mark::None);
}

fn room_name(owner: usize, room: usize) -> Name {
    format!("room{owner}.{room}").parse().expect("a name")
}

/// The first client makes a room, and all others enter it.
fn fill(fleet: &mut Fleet<Plain>, name: &Name) -> Hall {
    let mut halls = enter(fleet, 0..1, 0, |_| RoomDeed::Create { name: name.clone() });
    let guests = 1..fleet.clients.len();
    enter(fleet, guests, 0, |_| RoomDeed::Join { name: name.clone() });
    halls.pop().expect("one room")
}

/// All of these enter a room each, at the same time, after so many that they have entered. Which.
fn enter(
    fleet: &mut Fleet<Plain>,
    who: Range<usize>,
    entered: usize,
    deed: impl Fn(usize) -> RoomDeed,
) -> Vec<Hall> {
    let question = entered as u64 + 1;
    for number in who.clone() {
        let client = fleet.clients.get_mut(number).expect("one of them");
        let deed = deed(number);
        client.say(&ToRegistry::Room(RoomRequest {
            number: question,
            deed,
        }));
        client.flush(clock::now().at);
    }
    let answer = |message| match message {
        FromRegistry::RoomAnswer(RoomAnswer {
            result: Ok(RoomDone::Entered { room, .. }),
            ..
        }) => Some(room.hall),
        FromRegistry::RoomAnswer(answer) => panic!("{answer:?}"),
        _ => None,
    };
    who.map(|number| wait(fleet, number, answer)).collect()
}

/// Turns until a client has heard what is looked for.
fn wait<T>(fleet: &mut Fleet<Plain>, who: usize, is_it: impl Fn(FromRegistry) -> Option<T>) -> T {
    loop {
        let client = fleet.clients.get_mut(who).expect("one of them");
        while let Some(message) = client.heard.pop_front() {
            if let Some(found) = is_it(message) {
                return found;
            }
        }
        fleet.turn();
    }
}

/// A post of this client's.
fn post(author: u32, hall: &Hall, sequence: u64) -> ToRegistry {
    let identity = identity_of(author);
    let envelope = Envelope {
        sender: Party {
            name: name_of(author),
            id: identity.id(),
        },
        recipient: Recipient::Room(hall.clone()),
        slot: Slot {
            epoch: Epoch(1),
            sequence: Sequence(sequence),
        },
        sent_at: WallTime::from_unix_ms(1_700_000_000_000),
        body: Body::Plain("x".repeat(TEXT_BYTES)),
    };
    ToRegistry::Deposit(Deposit {
        forward: Forward {
            floor: Sequence(0),
            envelope: envelope.sign(&identity),
        },
        ttl_ms: u64::try_from(TIME_TO_LIVE.as_millis()).expect("days"),
    })
}

/// What a registry that has ended has left in its folder.
fn file_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}
