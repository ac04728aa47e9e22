//! What waits for the disk, and what is read from it, is bounded by its bytes.

use super::mail::pair_with;
use super::*;
use crate::engine::STORE_REQUESTS_MAX;
use crate::limits::{FORWARD_PAGE_BYTES, REQUEST_RETRY, STORE_BYTES_MAX};
use crate::registry::lane::{LaneKind, LaneOf};
use crate::registry::out::{Out, Pending};
use crate::registry::timers::Timer;

const BODY: usize = 60_000;

#[test]
fn large_deposits_wait_for_the_disk_in_their_sessions() {
    let (mut world, ann, bea, to_ann, _) = pair_with(Config::unlimited());
    world.held = true;
    let body = "x".repeat(BODY);
    let mut taken = 0;
    while world.registry.ready() {
        world.say(to_ann, &deposit(&ann.envelope(&bea, taken, &body)));
        taken += 1;
    }
    let bytes = usize::try_from(taken).unwrap() * BODY;
    assert!(
        bytes < STORE_BYTES_MAX + BODY && bytes > STORE_BYTES_MAX - 2 * BODY,
        "{bytes}"
    );
    world.commit();
    assert!(world.registry.ready());
}

#[test]
fn those_who_come_back_at_once_are_read_for_as_memory_allows() {
    let mut world = World::new(Config::unlimited());
    let ann = Person::new("ann", 1);
    let to_ann = world.join(1, &ann, 1);
    let others: Vec<Person> = (2..82).map(|n| Person::new(&format!("p{n}"), n)).collect();
    let body = "x".repeat(BODY);
    for (n, other) in (10..).zip(&others) {
        let session = world.join(n, other, 1);
        world.close(session, CloseCause::Reset);
        for sequence in n * 5..n * 5 + 5 {
            world.say(to_ann, &deposit(&ann.envelope(other, sequence, &body)));
            world.take();
        }
    }
    world.held = true;
    for (n, other) in (1_000..).zip(&others) {
        world.join(n, other, 2);
    }
    world.commit_asked();
    let reads = |world: &World| {
        let is_read = |(_, request): &&(Ticket, Request)| matches!(request, Request::ReadMail { .. });
        world.asked.iter().filter(is_read).count() as u64
    };
    assert_eq!(reads(&world) * FORWARD_PAGE_BYTES, STORE_BYTES_MAX as u64);
    assert!(world.registry.ready(), "deposits have room of their own");
    let looks = |world: &World| {
        let soon = world.now.at + REQUEST_RETRY - Duration::from_millis(1);
        let lanes = world.registry.timers.deadlines.iter();
        lanes
            .filter(|(timer, at)| matches!(timer, Timer::Lane(..)) && **at < soon)
            .count()
    };
    assert_eq!(looks(&world), 0, "who waits for memory does nothing meanwhile");
    world.held = false;
    world.commit();
    let forwards = world
        .take()
        .iter()
        .filter(|did| matches!(did, Did::Say(_, FromRegistry::Forward { .. })))
        .count();
    assert_eq!(forwards, 5 * others.len(), "everybody has all of his, at once");
}

#[test]
fn pages_of_those_who_have_no_mail_leave_room_for_what_is_said() {
    let mut out = Out::default();
    let mut pages = 0;
    while out.has_page_room() {
        let after = Row(0);
        let recipient = MemberId(1);
        let of = LaneOf {
            member: recipient,
            stay: 1,
            kind: LaneKind::Mail,
        };
        out.read(Request::ReadMail { recipient, after }, Pending::Page(of), 0);
        pages += 1;
    }
    assert_eq!(pages, STORE_REQUESTS_MAX / 2);
    assert!(out.has_store_room());
}
