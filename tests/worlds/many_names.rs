//! A client with more correspondents than it can follow, at a registry that pushes its directory to nobody.
//!
//! Both engines with real SQLite on virtual time. What is known of those who are no longer followed grows old: it
//! costs a detour, never a message. Invariant: one seed gives one history.

use std::time::Duration;

use crate::world::World;
use crate::world::network::Faults;
use udpchat::client::interface::Command;
use udpchat::limits::SUBSCRIPTIONS_MAX;
use udpchat::registry::Config;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn who_writes_to_more_people_than_he_can_follow_reaches_them_all() {
    let mut world = World::new(1, Faults::NONE);
    world.registry_config = Config {
        push_max: 1,
        push_resume: 1,
        ..Config::unlimited()
    };
    world.start_registry();
    world.join("x");
    let names: Vec<&'static str> = (0..SUBSCRIPTIONS_MAX + 14)
        .map(|number| &*format!("n{number:03}").leak())
        .collect();
    for name in &names {
        world.join(name);
    }
    for name in &names {
        world.send("x", name, "1 first");
    }
    world.until("all have it", 5 * MINUTE, |world| world.unfinished("x") == 0);
    // Those that are followed no longer leave, and come back; nobody tells x.
    for name in &names[..14] {
        world.command(name, Command::Deregister);
    }
    world.pass(MINUTE);
    for name in &names[..14] {
        world.send("x", name, "2 away");
    }
    world.pass(MINUTE);
    for name in &names[..14] {
        world.command(name, Command::Register);
    }
    world.until("they have that too", 5 * MINUTE, |world| {
        world.unfinished("x") == 0
    });
    // Until that is committed too.
    world.pass(Duration::from_secs(1));
    world.kill_all();
    for (index, name) in names.iter().enumerate() {
        let expected = if index < 14 { 2 } else { 1 };
        assert_eq!(world.told_each_end("x", name).delivered.len(), expected);
    }
}
