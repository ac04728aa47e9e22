//! Tests of what gives way in a full log: how much at once, how it is found, and what that costs. What is counted is held against a
//! plain count with the rest of what the database has of rooms (`registry_rooms`).

use super::*;
use crate::registry::rooms::storage::{RoomReply, RoomRequest};
use crate::registry::storage::{Reply, Request};
use crate::store::database;
use crate::store::registry::SCHEMA;
use crate::store::registry_rooms::apply;
use crate::store::registry_rooms::tests::{large, new_post};

#[test]
fn so_many_posts_give_way_to_one_and_the_rest_to_the_next() {
    let db = database::open_in_memory(&SCHEMA).unwrap();
    large(&db, 2, 100, "0");
    let one = Usage {
        messages: 1,
        bytes: u64::MAX,
    };
    let bounds = Some(LogBounds {
        room: one,
        author: one,
    });
    for (number, expected) in [(101, POSTS_ENDED_MAX), (102, 101 - POSTS_ENDED_MAX), (103, 1)] {
        let mut new = new_post(number, MemberId(1));
        new.bounds = bounds;
        let reply = apply(&db, &RoomRequest::Post(Box::new(new))).unwrap();
        let RoomReply::Posted { gave_way, .. } = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(gave_way.len(), expected);
    }
}

#[test]
fn what_gives_way_is_found_without_a_look_at_others() {
    let db = database::open_in_memory(&SCHEMA).unwrap();
    for (query, index) in [
        (OLDEST, "mail_posted (room=? AND number>? AND number<?)"),
        (
            OLDEST_OF_AUTHOR,
            "mail_authored (room=? AND sender=? AND number>? AND number<?)",
        ),
    ] {
        let plan = format!("EXPLAIN QUERY PLAN {query}");
        let values = rusqlite::params_from_iter(std::iter::repeat_n(1, query.matches('?').count()));
        let step: String = db.query_row(&plan, values, |row| row.get(3)).unwrap();
        assert!(step.ends_with(index), "{step}");
    }
}

/// What posts cost in a log that is full, beside one that is not: `cargo test --release -- --ignored --nocapture a_full_log`.
#[test]
#[ignore = "a measurement, which asserts nothing about time: cargo test --release -- --ignored --nocapture a_full_log"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_full_log_makes_room() {
    const POSTS: u64 = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let mut db = database::open(&folder.path().join("registry.sqlite"), &SCHEMA).unwrap();
    large(&db, 10, POSTS, "0");
    let mut number = POSTS;
    let full = Usage {
        messages: POSTS,
        bytes: u64::MAX,
    };
    let bounds = LogBounds {
        room: full,
        author: full,
    };
    for bounds in [None, Some(bounds)] {
        let mut spans: Vec<_> = (0..20)
            .map(|_| {
                let requests: Vec<_> = (0..200)
                    .map(|_| {
                        number += 1;
                        let mut new = new_post(number, MemberId(1));
                        new.forward.envelope.resize(6_000, 0);
                        new.bounds = bounds;
                        let request = Request::Room(RoomRequest::Post(Box::new(new)));
                        (crate::engine::Ticket(number), request)
                    })
                    .collect();
                let start = std::time::Instant::now();
                let replies = database::commit_batch(&mut db, &requests, |db, request| match request {
                    Request::Room(request) => apply(db, request).map(Reply::Room),
                    other => panic!("{other:?}"),
                });
                assert!(replies.iter().all(|(_, reply)| reply.is_ok()));
                start.elapsed()
            })
            .collect();
        spans.sort();
        println!(
            "200 posts, {bounds:?}: {:?} in the middle, at most {:?}",
            spans[10], spans[19]
        );
    }
}
