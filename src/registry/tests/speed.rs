//! How fast engine and database are together, and how much an idle client costs. Not run by default: these measure.

use super::*;
use crate::id::RoomId;
use crate::limits;
use crate::wire::room::{RoomDeed, RoomRequest};

/// Deposits, forwards, receipts, outcomes, acknowledgements: `cargo test --release -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement, which asserts nothing about time: cargo test --release -- --ignored --nocapture speed"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn the_hot_path() {
    let mut world = World::new(Config::unlimited());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = (world.join(1, &ann, 1), world.join(2, &bea, 1));
    world.settle();
    let count = 50_000;
    let body = "x".repeat(100);
    let texts: Vec<_> = (0..count).map(|n| ann.envelope(&bea, n, &body)).collect();
    let deposits: Vec<_> = texts.iter().map(|text| codec::encode(&deposit(text))).collect();
    let receipts: Vec<_> = (0..)
        .zip(&texts)
        .map(|(n, text)| {
            codec::encode(&ToRegistry::Receipt(bea.receipt(
                &ann,
                n,
                text,
                Verdict::Received,
            )))
        })
        .collect();
    world.held = true;
    let [mut deposited, mut receipted, mut forgotten] = [Duration::ZERO; 3];
    for batch in 0..usize::try_from(count).unwrap() / 500 {
        let range = batch * 500..(batch + 1) * 500;
        let start = std::time::Instant::now();
        for bytes in &deposits[range.clone()] {
            world.say_bytes(to_ann, bytes.clone());
        }
        world.commit_asked();
        deposited += start.elapsed();
        let start = std::time::Instant::now();
        for bytes in &receipts[range.clone()] {
            world.say_bytes(to_bea, bytes.clone());
        }
        world.commit_asked();
        receipted += start.elapsed();
        let start = std::time::Instant::now();
        for n in range {
            let slot = slot(n as u64);
            world.say(to_ann, &ToRegistry::OutcomeAck { slot });
        }
        world.commit();
        forgotten += start.elapsed();
        let did = world.take();
        assert_eq!(did.len(), 1_500);
    }
    for (what, span) in [
        ("deposit and forward", deposited),
        ("receipt and outcome", receipted),
        ("acknowledgement", forgotten),
    ] {
        println!("{what}: {:.0}/s", count as f64 / span.as_secs_f64());
    }
}

/// Somebody who leaves a large room, all of whose members are online, and its end: `cargo test --release -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement, which asserts nothing about time: cargo test --release -- --ignored --nocapture speed"]
fn a_large_room_ends() {
    deed_in_large_room("one leaves", 2, |room| RoomDeed::Leave { room });
    deed_in_large_room("all are put out", 1, |room| RoomDeed::Kick { room, name: None });
    deed_in_large_room("the room ends", 1, |room| RoomDeed::Leave { room });
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn deed_in_large_room(what: &str, who: u64, deed: impl FnOnce(RoomId) -> RoomDeed) {
    let mut world = World::new(Config::unlimited());
    let name: Name = "den".parse().unwrap();
    for number in 1..=limits::ROOM_MEMBERS_MAX as u64 {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let person = Person {
            name: format!("p{number}").parse().unwrap(),
            identity: Identity::from_seed(&seed, KeyRole::Client),
            address: SocketAddr::from(([192, 0, 2, 1], 4000)),
        };
        let session = world.join(number, &person, 1);
        let name = name.clone();
        let deed = match number {
            1 => RoomDeed::Create { name },
            _ => RoomDeed::Join { name },
        };
        world.say(session, &ToRegistry::Room(RoomRequest { number: 1, deed }));
        world.take();
    }
    let (_, room) = world.registry.rooms.by_name(&name).unwrap();
    let deed = deed(room.id);
    world.held = true;
    world.say(SessionId(who), &ToRegistry::Room(RoomRequest { number: 2, deed }));
    let start = std::time::Instant::now();
    let replies = world.store.commit(std::mem::take(&mut world.asked));
    let stored = start.elapsed();
    let cx = Context {
        now: world.now,
        sessions: &world.sessions,
    };
    let start = std::time::Instant::now();
    for (ticket, reply) in replies {
        world.registry.handle_store_reply(&cx, ticket, reply);
    }
    println!("{what}: database {stored:?}, engine {:?}", start.elapsed());
}
