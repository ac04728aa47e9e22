//! Who is told what of the directory, and when.

use super::*;
use crate::limits::DIRECTORY_FLIGHT_BYTES;
use crate::registry::directory::Place;
use crate::wire::message::Change;

pub(super) fn ack(page: &Page) -> ToRegistry {
    ToRegistry::DirectoryAck { version: page.to }
}

pub(super) fn names(page: &Page) -> Vec<String> {
    page.changes
        .as_slice()
        .iter()
        .map(|change| match change {
            Change::Record(record) => format!("{} whole", record.name),
            Change::Presence { name, presence } if presence.online.is_some() => format!("{name} on"),
            Change::Presence { name, .. } => format!("{name} off"),
            Change::Removed { name } => format!("{name} removed"),
        })
        .collect()
}

/// What a session was told of the directory since it was last asked.
pub(super) fn told(world: &mut World, session: SessionId) -> Vec<(bool, Vec<String>)> {
    let heard = world.heard(session);
    pages(&heard)
        .into_iter()
        .map(|page| (page.from.is_some(), names(page)))
        .collect()
}

pub(super) fn only_page(world: &mut World, session: SessionId) -> Page {
    let heard = world.heard(session);
    let [page] = pages(&heard)[..] else {
        panic!("not one page: {heard:?}");
    };
    page.clone()
}

#[test]
fn the_first_page_comes_at_once_and_then_what_changed_at_most_once_a_second() {
    let mut world = World::new(Config::default());
    let [ann, bea, carl] = [("ann", 1), ("bea", 2), ("carl", 3)].map(|(name, n)| Person::new(name, n));
    let to_ann = world.join(1, &ann, 1);
    let first = only_page(&mut world, to_ann);
    assert_eq!(
        (first.from, names(&first), first.index, first.last),
        (None, vec!["ann whole".into()], 0, true)
    );
    world.say(to_ann, &ack(&first));
    assert_eq!(told(&mut world, to_ann), [], "up to date");
    let to_bea = world.join(2, &bea, 1);
    world.join(3, &carl, 1);
    world.close(to_bea, CloseCause::Reset);
    assert_eq!(told(&mut world, to_ann), []);
    world.run(Duration::from_micros(999_999), &[to_ann]);
    assert_eq!(told(&mut world, to_ann), [], "a second is not over");
    world.run(Duration::from_micros(1), &[to_ann]);
    let second = only_page(&mut world, to_ann);
    assert_eq!(second.from, Some(first.to));
    assert_eq!(
        names(&second),
        ["bea whole", "carl whole"],
        "many changes, told once"
    );
    world.say(to_ann, &ack(&second));
    world.run(Duration::from_secs(10), &[to_ann, SessionId(3)]);
    world.take();
    world.join(4, &bea, 2);
    let third = only_page(&mut world, to_ann);
    assert_eq!(names(&third), ["bea on"], "after a quiet second, at once");
}

#[test]
fn a_page_is_encoded_once_for_all_who_are_told_the_same() {
    let mut world = World::new(Config::default());
    let home = SocketAddr::from(([10, 0, 0, 1], 7));
    let ann = Person::new("ann", 1);
    let to_ann = world.open(1, &ann);
    world.say(to_ann, &register_with(&ann, 1, vec![home], None));
    let to_bea = world.join(2, &Person::new("bea", 2), 1);
    let Registry {
        directory, members, ..
    } = &mut world.registry;
    let place = |directory: &Directory| Place {
        from: None,
        to: directory.counter(),
        next: MemberId(0),
        index: 0,
    };
    let [neighbour, stranger] = [ann.address.ip(), [198, 51, 100, 1].into()];
    let now = place(directory);
    let page = directory.page(members, now, stranger).bytes;
    let private = directory.page(members, now, neighbour).bytes;
    assert!(
        private.len() > page.len(),
        "who is seen where Ann is has a page of his own"
    );
    // Made anew of nobody, these would be empty.
    let nobody = Members::default();
    let elsewhere = [203, 0, 113, 9].into();
    for (reader, bytes) in [(stranger, &page), (elsewhere, &page), (neighbour, &private)] {
        assert_eq!(&directory.page(&nobody, now, reader).bytes, bytes);
    }
    world.close(to_bea, CloseCause::Reset);
    let Registry {
        directory, members, ..
    } = &mut world.registry;
    let page_of_now = directory.page(members, place(directory), stranger).bytes;
    assert_ne!(page_of_now, page, "a change makes it another page");
}

#[test]
fn a_change_of_presence_costs_one_small_datagram() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = (world.join(1, &ann, 1), world.join(2, &bea, 1));
    world.settle();
    world.run(Duration::from_secs(2), &[to_ann, to_bea]);
    world.close(to_bea, CloseCause::Reset);
    let page = only_page(&mut world, to_ann);
    assert_eq!(names(&page), ["bea off"]);
    assert!(codec::encode(&FromRegistry::Directory(page)).len() < 64);
}

#[test]
fn one_update_is_under_way_and_the_next_begins_at_what_was_acknowledged() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let to_ann = world.join(1, &ann, 1);
    let first = only_page(&mut world, to_ann);
    let to_bea = world.join(2, &bea, 1);
    world.run(Duration::from_micros(4_999_999), &[to_ann, to_bea]);
    assert_eq!(told(&mut world, to_ann), [], "the first is not acknowledged");
    world.run(Duration::from_micros(1), &[to_ann, to_bea]);
    let again = only_page(&mut world, to_ann);
    assert_eq!(
        (again.from, names(&again).len()),
        (None, 2),
        "begun again after 5 s"
    );
    world.say(to_ann, &ack(&first));
    world.run(Duration::from_micros(9_999_999), &[to_ann, to_bea]);
    assert_eq!(
        told(&mut world, to_ann),
        [],
        "an old acknowledgement is not this one's"
    );
    world.run(Duration::from_micros(1), &[to_ann, to_bea]);
    let third = only_page(&mut world, to_ann);
    world.say(to_ann, &ack(&third));
    world.run(Duration::from_secs(40), &[to_ann, to_bea]);
    assert_eq!(told(&mut world, to_ann), [], "acknowledged");
}

#[test]
fn an_acknowledgement_that_comes_after_the_update_was_begun_again_counts() {
    let mut world = World::new(Config::default());
    let to_ann = world.join(1, &Person::new("ann", 1), 1);
    let first = only_page(&mut world, to_ann);
    world.say(to_ann, &ack(&first));
    let to_bea = world.join(2, &Person::new("bea", 2), 1);
    world.run(Duration::from_secs(1), &[to_ann, to_bea]);
    let second = only_page(&mut world, to_ann);
    let to_carl = world.join(3, &Person::new("carl", 3), 1);
    world.run(Duration::from_secs(5), &[to_ann, to_bea, to_carl]);
    let third = only_page(&mut world, to_ann);
    assert_eq!(
        third.from, second.from,
        "begun again, for somebody who does not have the second"
    );
    world.say(to_ann, &ack(&second));
    world.run(Duration::from_secs(1), &[to_ann, to_bea, to_carl]);
    let fourth = only_page(&mut world, to_ann);
    assert_eq!(
        (fourth.from, names(&fourth)),
        (Some(second.to), vec!["carl whole".into()])
    );
}

#[test]
fn an_acknowledgement_of_another_run_or_of_the_future_is_ignored() {
    let mut world = World::new(Config::default());
    let to_ann = world.join(1, &Person::new("ann", 1), 1);
    let page = only_page(&mut world, to_ann);
    for version in [
        Version {
            run: page.to.run ^ 1,
            ..page.to
        },
        Version {
            counter: page.to.counter + 1,
            ..page.to
        },
    ] {
        world.say(to_ann, &ToRegistry::DirectoryAck { version });
    }
    world.run(Duration::from_secs(5), &[to_ann]);
    assert_eq!(told(&mut world, to_ann).len(), 1, "it is still not acknowledged");
}

#[test]
fn who_comes_back_with_a_version_of_this_run_is_told_what_changed_and_else_everything() {
    let mut world = World::new(Config::default());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    world.join(2, &bea, 1);
    let to_ann = world.join(1, &ann, 1);
    let page = only_page(&mut world, to_ann);
    world.close(to_ann, CloseCause::Reset);
    let again = world.open(3, &ann);
    world.say(again, &register_with(&ann, 2, vec![], Some(page.to)));
    assert_eq!(told(&mut world, again), [(true, vec!["ann on".into()])]);
    world.restart();
    let again = world.open(4, &ann);
    world.say(again, &register_with(&ann, 3, vec![], Some(page.to)));
    assert_eq!(
        told(&mut world, again),
        [(false, vec!["bea whole".into(), "ann whole".into()])]
    );
}

/// A registry with `count` names, nobody online.
pub(super) fn crowded(count: u32, config: Config) -> World {
    let mut world = World::new(config);
    let mut image = world.store.image().unwrap();
    for n in 1..=count {
        let seed = [n.to_le_bytes(); 8].concat().try_into().unwrap();
        let request = Request::Register(storage::MemberRow {
            id: MemberId(n),
            name: format!("crowd{n}").parse().unwrap(),
            card: *Identity::from_seed(&seed, KeyRole::Client).card(),
            counter: 1,
        });
        world.store.commit(vec![(Ticket(0), request)]);
    }
    image.members.clear();
    world.restart();
    world
}

#[test]
fn many_names_come_in_pages_as_room_allows() {
    let mut world = crowded(300, Config::default());
    let ann = Person::new("ann", 1);
    let session = world.open(1, &ann);
    world.set_room(session, 15_000);
    world.say(session, &register(&ann, 1));
    assert_eq!(told(&mut world, session), [], "a page of 128 has no room");
    world.set_room(session, 50_000);
    assert_eq!(world.next(), Duration::from_secs(1));
    let heard = world.heard(session);
    let sizes: Vec<_> = pages(&heard)
        .iter()
        .map(|page| (page.index, page.last, page.changes.as_slice().len()))
        .collect();
    assert_eq!(sizes, [(0, false, 128), (1, false, 128), (2, true, 45)]);
}

#[test]
fn a_newcomer_whose_buffer_is_short_is_told_all_the_same_and_nothing_twice() {
    let mut world = crowded(300, Config::default());
    let bea = Person::new("bea", 2);
    let to_bea = world.open(2, &bea);
    world.set_room(to_bea, 30_000);
    world.say(to_bea, &register(&bea, 1));
    world.slow_down(to_bea);
    let mut names = BTreeSet::new();
    for _ in 0..40 {
        world.arrive(to_bea, 1);
        world.run(Duration::from_secs(1), &[to_bea]);
        let heard = world.heard(to_bea);
        for (name, _) in table(&heard) {
            assert!(names.insert(name.clone()), "{name} twice");
        }
        if let Some(last) = pages(&heard).into_iter().find(|page| page.last) {
            world.say(to_bea, &ack(last));
        }
    }
    assert_eq!(names.len(), 301);
}

/// So many people, and more than a byte can number, are registered.
fn crowd_of(people: u32) -> World {
    let mut world = World::new(Config::unlimited());
    for n in 0..people {
        let seed = [n.to_le_bytes(); 8].concat().try_into().unwrap();
        let person = Person {
            name: format!("p{n}").parse().unwrap(),
            identity: Identity::from_seed(&seed, KeyRole::Client),
            address: SocketAddr::from(([192, 0, 2, 1], 5000)),
        };
        world.join(n.into(), &person, 1);
    }
    world
}

#[test]
fn a_thousand_are_told_in_bursts() {
    let mut world = crowd_of(600);
    let all: Vec<_> = (0..600).map(SessionId).collect();
    world.settle_in(Duration::from_millis(60));
    world.settle();
    world.run(Duration::from_secs(5), &all);
    world.settle();
    world.take();
    let told = |world: &mut World| {
        let did = world.take();
        did.iter().filter(|did| matches!(did, Did::Say(..))).count()
    };
    world.close(SessionId(0), CloseCause::Reset);
    assert_eq!(told(&mut world), 256);
    assert_eq!(world.next(), Duration::from_millis(2));
    assert_eq!(told(&mut world), 256);
    assert_eq!(world.next(), Duration::from_millis(2));
    assert_eq!(told(&mut world), 599 - 512);
}

#[test]
fn a_crowd_of_newcomers_is_told_no_faster_than_memory_allows() {
    let mut world = crowd_of(250);
    let pages = |world: &mut World| -> Vec<(SessionId, Page, usize)> {
        let did = world.take().into_iter();
        did.filter_map(|did| match did {
            Did::Say(session, FromRegistry::Directory(page)) => {
                let bytes = codec::encode(&FromRegistry::Directory(page.clone())).len();
                Some((session, page, bytes))
            }
            _ => None,
        })
        .collect()
    };
    let bytes = |pages: &[(SessionId, Page, usize)]| pages.iter().map(|(.., bytes)| bytes).sum::<usize>();
    let (least, page_max) = (DIRECTORY_FLIGHT_BYTES, 64 * 1024);
    let first = pages(&mut world);
    assert!(
        (least..least + page_max).contains(&bytes(&first)),
        "{}",
        bytes(&first)
    );
    world.next();
    assert_eq!(bytes(&pages(&mut world)), 0, "nobody has acknowledged");

    let done: Vec<_> = first.iter().filter(|(_, page, _)| page.last).collect();
    assert!(done.len() > 10, "one after the other, not all of them half");
    let freed: usize = done
        .iter()
        .map(|(session, page, _)| {
            world.say(*session, &ToRegistry::DirectoryAck { version: page.to });
            let his = first.iter().filter(|(other, ..)| other == session);
            his.map(|(.., bytes)| bytes).sum::<usize>()
        })
        .sum();
    let second = bytes(&pages(&mut world));
    assert!(
        second > 0 && second.abs_diff(freed) <= page_max,
        "{second} for {freed}"
    );

    // None of these is heard of; in two seconds they hold nobody up.
    let (mut third, began) = (0, world.now.at);
    while third == 0 && world.now.at.since(began) < Duration::from_secs(3) {
        world.next();
        third = bytes(&pages(&mut world));
    }
    assert!((least..least + page_max).contains(&third), "{third}");
}

/// Pushes to everybody up to three names, and again below two.
pub(super) fn small() -> Config {
    Config {
        push_max: 3,
        push_resume: 2,
        ..Config::default()
    }
}

#[test]
fn above_the_limit_a_client_hears_of_those_whom_he_looked_up() {
    let mut world = crowded(3, small());
    let [ann, bea, carl] = [("ann", 1), ("bea", 2), ("carl", 3)].map(|(name, n)| Person::new(name, n));
    let to_ann = world.join(1, &ann, 1);
    let heard = world.heard(to_ann);
    let page = pages(&heard)[0].clone();
    assert_eq!(
        (page.from, names(&page)),
        (None, vec![]),
        "his is the fourth name"
    );
    world.say(to_ann, &ack(&page));
    let (to_bea, to_carl) = (world.join(2, &bea, 1), world.join(3, &carl, 1));
    world.settle();
    world.run(Duration::from_secs(2), &[to_ann, to_bea, to_carl]);
    world.say(
        to_ann,
        &ToRegistry::Lookup {
            name: "BEA".parse().unwrap(),
        },
    );
    let heard = world.heard(to_ann);
    assert!(
        matches!(&heard[..], [FromRegistry::Found { record }] if record.name == bea.name && record.presence.online.is_some()),
        "{heard:?}"
    );
    world.close(to_carl, CloseCause::Reset);
    assert_eq!(told(&mut world, to_ann), [], "he did not ask for Carl");
    world.close(to_bea, CloseCause::Reset);
    assert_eq!(told(&mut world, to_ann), [(true, vec!["bea whole".into()])]);
    let name: Name = "nobody".parse().unwrap();
    world.say(to_ann, &ToRegistry::Lookup { name: name.clone() });
    assert_eq!(world.heard(to_ann), [FromRegistry::NotFound { name }]);
}

#[test]
fn when_the_limit_is_passed_everybody_begins_anew_with_what_he_follows() {
    let mut world = crowded(2, small());
    let to_ann = world.join(1, &Person::new("ann", 1), 1);
    let page = only_page(&mut world, to_ann);
    assert_eq!(names(&page).len(), 3);
    world.say(to_ann, &ack(&page));
    world.join(2, &Person::new("bea", 2), 1);
    assert_eq!(
        told(&mut world, to_ann),
        [(false, vec![])],
        "he is told that he is not told any more"
    );
}

#[test]
fn the_subscription_asked_for_longest_ago_makes_room() {
    let mut world = crowded(300, small());
    let to_ann = world.join(1, &Person::new("ann", 1), 1);
    world.settle();
    for n in 1..=257 {
        let name = format!("crowd{n}").parse().unwrap();
        world.say(to_ann, &ToRegistry::Lookup { name });
    }
    let ann = world.registry.online.first().copied().unwrap();
    let followed: Vec<_> = world
        .registry
        .members
        .seat(ann)
        .unwrap()
        .told
        .followed()
        .collect();
    assert_eq!(followed, (2..=257).map(MemberId).collect::<Vec<_>>());
    assert!(world.registry.directory.followers(MemberId(1)).is_empty());
    assert_eq!(world.registry.directory.followers(MemberId(257)), [ann]);
    world.close(to_ann, CloseCause::Reset);
    assert!(world.registry.directory.followers(MemberId(257)).is_empty());
}
