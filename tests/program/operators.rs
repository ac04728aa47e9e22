//! What an operator does: frees a name, so that what waits for it is refused and somebody else may have it; brings a
//! database back from a backup.
//!
//! With the built program and real sockets. Invariants held here: nobody but the operator takes a name away, and no
//! message is lost with what a backup does not have.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::classic::{OFFLINE, SAVED, WELCOME};
use crate::common::pipes::Program;
use crate::common::{PROGRAM, World, without_time};

/// A client leaves, politely.
fn leave(client: Program) {
    client.interrupt();
    assert_eq!(client.end().0, 0);
}

#[test]
fn a_name_is_released_also_where_that_cannot_be_written() {
    let world = World::new();
    let registry = Program::registry(&world);
    leave(Program::client(&world, "bob"));
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    let output = Command::new(PROGRAM)
        .args(["-s", &world.port.to_string(), "--release", "bob"])
        .env("XDG_DATA_HOME", world.folder())
        .env("XDG_CONFIG_HOME", world.settings())
        .stdout(fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let told =
        "The nickname bob is free; 0 waiting messages are refused. Only standard output cannot be written: ";
    assert!(errors.contains(told), "{errors}");
    let (code, _, _) = Program::run(&world, &["-s", &world.port.to_string(), "--release", "bob"]);
    assert_eq!(code, 3, "it was free already");
}

#[test]
fn where_no_registry_has_been_a_release_leaves_nothing() {
    let world = World::new();
    let (code, lines, errors) = Program::run(&world, &["-s", &world.port.to_string(), "--release", "nobody"]);
    assert_eq!((code, lines.len()), (3, 0), "{errors:?}");
    assert!(
        errors.last().unwrap().ends_with("nothing was changed"),
        "{errors:?}"
    );
    assert_eq!(fs::read_dir(world.folder()).unwrap().count(), 0);
}

#[test]
fn a_released_name_can_be_had_by_another_and_its_mail_is_refused() {
    let world = World::new();
    let registry = Program::registry(&world);
    leave(Program::client(&world, "bob"));
    let mut alice = Program::client(&world, "alice");
    alice.quiet();
    alice.type_line("send bob for the old one");
    alice.expect(SAVED);
    // Somebody else's bob: another identity.
    let (folder, aside) = (world.client_folder("bob"), world.client_folder("aside"));
    fs::rename(&folder, &aside).unwrap();
    let mut other = Program::start(&world, &world.chat("bob"));
    other.expect("[The nickname bob is taken.]");
    assert_eq!(other.end().0, 3);

    let port = world.port.to_string();
    let release = |name| Program::run(&world, &["-s", &port, "--release", name]);
    let (code, _, errors) = release("bob");
    assert_eq!(code, 5, "not while the registry runs: {errors:?}");
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    let (code, _, errors) = release("carol");
    assert_eq!(
        (
            code,
            errors.last().unwrap().contains("nobody has the name 'carol'")
        ),
        (3, true)
    );
    let (code, lines, _) = release("BOB");
    assert_eq!(
        (code, lines),
        (
            0,
            vec!["[The nickname BOB is free; 1 waiting messages are refused.]".to_owned()]
        )
    );

    let _registry = Program::registry(&world);
    let line = alice.expect_start("[Message of ");
    assert!(
        line.ends_with(" to bob was refused: the name bob was given up.]"),
        "{line}"
    );
    // Whoever had the name learns what happened, and what to do. A new identity may have it.
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    let mut old = Program::start(&world, &world.chat("bob"));
    old.expect(
        "[The server's operator has released this identity's name, and it cannot have another there. Start under \
         another name, or move this client's folder away: either makes a new identity.]",
    );
    assert_eq!(old.end().0, 3);
    fs::remove_dir_all(&folder).unwrap();
    let mut bob = Program::start(&world, &world.chat("bob"));
    bob.expect(WELCOME);
    leave(bob);
    alice.interrupt();
    alice.expect(OFFLINE);
}

/// The registry ends; its folder is as `from` has it.
fn restore(world: &World, registry: Program, from: &Path) {
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    fs::remove_dir_all(world.registry_folder()).unwrap();
    copy(from, &world.registry_folder());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn what_a_restored_database_does_not_have_is_deposited_again() {
    let world = World::new();
    let registry = Program::registry(&world);
    leave(Program::client(&world, "bob"));
    leave(Program::client(&world, "alice"));
    registry.interrupt();
    assert_eq!(registry.end().0, 0);
    let backup = tempfile::tempdir().unwrap();
    copy(&world.registry_folder(), backup.path());

    let registry = Program::registry(&world);
    let mut alice = Program::returning_client(&world, "alice");
    alice.quiet();
    alice.type_line("send bob after the backup");
    alice.expect(SAVED);
    leave(alice);
    restore(&world, registry, backup.path());

    let _registry = Program::start(&world, &[world.serve(), vec!["--restored".into()]].concat());
    let alice = Program::returning_client(&world, "alice");
    let mut bob = Program::returning_client(&world, "bob");
    let line = bob.expect_start("alice: ");
    assert_eq!(without_time(&line, "alice: "), "alice: <time> after the backup");
    leave(alice);
}
