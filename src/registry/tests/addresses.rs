//! Whom the registry shows which addresses, and what it tells when somebody is seen elsewhere.

use super::directory::{crowded, names, small, told};
use super::*;

/// A client is seen elsewhere.
fn moves(world: &mut World, session: SessionId, address: SocketAddr) {
    world.drive(|registry, cx| {
        registry.handle_session(cx, SessionEvent::Moved { session, address });
    });
}

#[test]
fn private_addresses_are_for_those_behind_the_same_address() {
    let mut world = World::new(Config::default());
    let private: SocketAddr = "10.0.0.7:4000".parse().unwrap();
    let [mut ann, mut bea, carl] =
        [("ann", 1), ("bea", 2), ("carl", 3)].map(|(name, n)| Person::new(name, n));
    ann.address = "192.0.2.1:1000".parse().unwrap();
    bea.address = "192.0.2.1:2000".parse().unwrap();
    let (to_bea, to_carl) = (world.join(2, &bea, 1), world.join(3, &carl, 1));
    world.settle();
    let to_ann = world.open(1, &ann);
    world.say(to_ann, &register_with(&ann, 1, vec![private], None));
    let did = world.take();
    let seen = |session: SessionId| {
        did.iter()
            .find_map(|did| match did {
                Did::Say(to, FromRegistry::Directory(page)) if *to == session => {
                    match page.changes.as_slice() {
                        [Change::Record(record)] => record.presence.online.clone(),
                        other => panic!("{other:?}"),
                    }
                }
                _ => None,
            })
            .unwrap()
            .private
            .into_vec()
    };
    assert_eq!((seen(to_bea), seen(to_carl)), (vec![private], vec![]));
    for (session, expected) in [(to_bea, vec![private]), (to_carl, vec![])] {
        world.say(
            session,
            &ToRegistry::Lookup {
                name: ann.name.clone(),
            },
        );
        let heard = world.heard(session);
        let Some(FromRegistry::Found { record }) = heard.last() else {
            panic!("{heard:?}");
        };
        assert_eq!(
            record.presence.online.clone().unwrap().private.into_vec(),
            expected
        );
    }
}

/// Ann, and Bea with an address of her own network.
fn join_both(world: &mut World, ann: &Person, bea: &Person) -> (SessionId, SessionId) {
    let to_bea = world.open(2, bea);
    let private = vec!["10.0.0.7:1".parse().unwrap()];
    world.say(to_bea, &register_with(bea, 1, private, None));
    let to_ann = world.join(1, ann, 1);
    world.settle();
    (to_ann, to_bea)
}

#[test]
fn a_move_is_told_and_who_comes_behind_another_address_is_told_anew() {
    let mut world = World::new(Config::default());
    let (mut ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = join_both(&mut world, &ann, &bea);
    world.run(Duration::from_secs(2), &[to_ann, to_bea]);
    world.take();
    ann.address = SocketAddr::new(bea.address.ip(), 77);
    moves(&mut world, to_ann, ann.address);
    let did = world.take();
    let to = |session| {
        did.iter()
            .filter_map(move |did| match did {
                Did::Say(to, FromRegistry::Directory(page)) if *to == session => Some(page),
                _ => None,
            })
            .next_back()
            .unwrap()
    };
    assert_eq!(names(to(to_bea)), ["ann on"]);
    let anew = to(to_ann);
    assert_eq!(anew.from, None);
    let Change::Record(record) = &anew.changes.as_slice()[0] else {
        panic!("{anew:?}");
    };
    assert_eq!(
        record.presence.online.clone().unwrap().private.into_vec().len(),
        1
    );
}

#[test]
fn who_moves_is_told_anew_also_where_nobody_follows_him() {
    let mut world = crowded(3, small());
    let (ann, bea) = (Person::new("ann", 1), Person::new("bea", 2));
    let (to_ann, to_bea) = join_both(&mut world, &ann, &bea);
    let name = bea.name.clone();
    world.say(to_ann, &ToRegistry::Lookup { name });
    world.run(Duration::from_secs(2), &[to_ann, to_bea]);
    world.take();
    moves(&mut world, to_ann, SocketAddr::new(bea.address.ip(), 77));
    assert_eq!(told(&mut world, to_ann), [(false, vec!["bea whole".into()])]);
}
