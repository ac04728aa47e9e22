//! Rooms, through pipes: people enter and leave, write to all, are away and come back; the registry is killed.

use crate::common::World;
use crate::common::classic::SAVED;
use crate::common::pipes::Program;

/// x's den, with x, y and z in it.
fn den(world: &World) -> [Program; 3] {
    let mut people = ["x", "y", "z"].map(|name| Program::client(world, name));
    let [x, y, z] = &mut people;
    x.type_line("roomcreate den");
    x.expect("[You have joined den of x. Member count=1]");
    y.type_line("roomjoin den");
    y.expect("[You have joined den of x. Member count=2]");
    announced(x, "y has joined. Member count=2");
    z.type_line("join_group DEN");
    z.expect("[You have joined den of x. Member count=3]");
    for who in [x, y] {
        announced(who, "z has joined. Member count=3");
    }
    people
}

/// The next thing that somebody hears of the den is this.
fn announced(who: &mut Program, what: &str) {
    let line = who.expect_start("den: Server: time=");
    assert!(line.ends_with(&format!(" {what}")), "{line}");
}

#[test]
fn what_is_posted_reaches_all_who_are_there_and_its_author_hears_of_it() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let [mut x, mut y, mut z] = den(&world);
    y.type_line("post den hello, all");
    y.expect(SAVED);
    for who in [&mut x, &mut z] {
        who.expect("den: y: hello, all");
    }
    y.expect_start("[Message of ");
    x.type_line("roomlist");
    x.expect("den  3/3 online, of x");
    x.type_line("members den");
    x.expect("[Members of den: 3]");
    z.type_line("roomleave den");
    z.expect("[You have left den.]");
    z.type_line("post den too late");
    z.expect("[Message not sent: you are not in den. To enter it: roomjoin den]");
    announced(&mut y, "z has left. Member count=2");
    x.type_line("kick den y");
    x.expect("[y is out of den.]");
    announced(&mut y, "y was shown the door. Member count=1");
}

#[test]
fn who_was_away_gets_all_with_its_time_in_the_same_order_also_after_a_crash_of_the_server() {
    let world = World::new();
    let registry = Program::registry(&world);
    let [mut x, mut y, mut z] = den(&world);
    z.type_line("quit");
    assert_eq!(z.end().0, 0);
    for (who, text) in [(&mut x, "one"), (&mut y, "two")] {
        who.type_line(&format!("post den {text}"));
        who.expect(SAVED);
    }
    registry.kill();
    let _registry = Program::registry(&world);
    x.type_line("post den three");
    x.expect(SAVED);
    let mut z = Program::returning_client(&world, "z");
    for (from, text) in [("x", "one"), ("y", "two"), ("x", "three")] {
        let line = z.expect_start(&format!("den: {from}: 2"));
        assert!(line.ends_with(&format!(" {text}")), "{line}");
    }
    let all = y.expect_start("[Message of ");
    assert!(all.ends_with(" received by everybody in den.]"), "{all}");
}

#[test]
fn a_script_makes_a_room_and_posts_at_once() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::start(&world, &world.chat("x"));
    x.feed(b"roomcreate den\npost den first\n");
    x.end_input();
    let (code, lines) = x.end();
    assert_eq!(code, 0, "{lines:?}");
    assert!(lines.contains(&SAVED.to_owned()), "{lines:?}");
}

#[test]
fn a_room_ends_with_its_owner_and_who_was_away_hears_of_it() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let [mut x, mut y, mut z] = den(&world);
    z.type_line("quit");
    assert_eq!(z.end().0, 0);
    x.type_line("roomleave den");
    x.expect("[You have left den.]");
    announced(&mut y, "the room has ended.");
    let mut z = Program::returning_client(&world, "z");
    z.expect("[You are in den no more: it has ended, or its owner has shown you the door.]");
    z.type_line("roomjoin den");
    z.expect("[den: nothing has changed, there is no such room. To see which there are: roomlist.]");
}
