//! The built program on a disk that is full, or that can only be read: it says so, and loses nothing.
//!
//! Each test runs once more as a process of its own, whose disk is small (`tests/common/disk.rs`).
//! Invariant: nothing is mounted where anybody else can see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::World;
use crate::common::classic::{OFFLINE, SAVED, WELCOME};
use crate::common::disk::{Apart, Disk};
use crate::common::pipes::Program;

/// Bytes of the small disk: room for two databases and some letters.
const DISK_BYTES: u32 = 3 << 20;

const FULL: &str = "disk is full";

/// Plays `scene`, of the test of this name here, with a small disk, which nobody else can see.
fn with_disk(test: &str, scene: impl FnOnce(&Disk)) {
    Disk::with(&format!("full_disk::{test}"), DISK_BYTES, Apart::Mounts, scene);
}

fn mount(arguments: &[&str], paths: &[&Path]) {
    let done = Command::new("mount")
        .args(arguments)
        .args(paths)
        .status()
        .unwrap();
    assert!(done.success(), "mount {arguments:?} {paths:?}");
}

/// A client leaves, politely.
fn leave(client: Program) {
    client.interrupt();
    assert_eq!(client.end().0, 0);
}

/// Starts what cannot run here: its exit code and its words.
fn refused(world: &World, arguments: &[String]) -> (i32, String) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, lines, errors) = Program::run(world, &arguments);
    (code, [lines, errors].concat().join("\n"))
}

#[test]
fn a_registry_whose_disk_is_full_keeps_what_it_has_and_goes_on_when_there_is_room() {
    with_disk(
        "a_registry_whose_disk_is_full_keeps_what_it_has_and_goes_on_when_there_is_room",
        |disk| {
            let people = World::new();
            let small = World::within(&disk.path, people.port);
            let registry = Program::registry(&small);
            let mut x = Program::client(&people, "x");
            let mut y = Program::client(&people, "y");
            x.quiet();
            y.type_line("dereg");
            y.expect(OFFLINE);
            x.type_line("send y 1 before");
            x.expect(SAVED);

            disk.fill();
            let mut sent = 1;
            // There may be some room in the registry's own files.
            while registry.says_soon(FULL).is_none() {
                sent += 1;
                assert!(sent < 100, "the disk is never full");
                x.type_line(&format!("send y {sent} during {}", "x".repeat(30_000)));
            }
            let saved = x.talk().iter().filter(|line| *line == SAVED).count();
            assert!(saved < sent, "what is said to be saved is on the disk");
            x.expect("[Message to y is waiting; it will be sent when y or the server can be reached.]");
            registry.kill();

            // It starts on the full disk too, and still has what it had.
            let registry = Program::registry(&small);
            disk.make_room();
            y.type_line("reg");
            for number in 1..=sent {
                let line = y.expect_start("x: 20");
                assert!(line.contains(&format!(" {number} ")), "{number}: {line:.60}");
                x.expect_start("[Message of 20");
            }
            leave(x);
            leave(y);
            registry.interrupt();
            assert_eq!(registry.end().0, 0);
        },
    );
}

#[test]
fn who_comes_to_a_registry_whose_disk_is_full_is_told_and_registered_when_there_is_room() {
    with_disk(
        "who_comes_to_a_registry_whose_disk_is_full_is_told_and_registered_when_there_is_room",
        |disk| {
            let people = World::new();
            let small = World::within(&disk.path, people.port);
            let registry = Program::registry(&small);
            disk.fill();
            let mut x = Program::start(&people, &people.chat("x"));
            x.expect("[Trouble: the server cannot write to its disk; you will be registered when it can]");
            registry.expect_error(FULL);
            disk.make_room();
            x.expect(WELCOME);
            leave(x);
        },
    );
}

#[test]
fn a_pipe_to_a_registry_whose_disk_is_full_ends_with_the_message_waiting() {
    with_disk(
        "a_pipe_to_a_registry_whose_disk_is_full_ends_with_the_message_waiting",
        |disk| {
            let people = World::new();
            let small = World::within(&disk.path, people.port);
            let registry = Program::registry(&small);
            let mut y = Program::client(&people, "y");
            disk.fill();
            let mut x = Program::start(&people, &people.chat("x"));
            x.feed(b"send y hi\n");
            x.end_input();
            x.expect("[Trouble: the server cannot write to its disk; you will be registered when it can]");
            x.expect("[Message to y is waiting; it will be sent when y or the server can be reached.]");
            x.expect(OFFLINE);
            assert_eq!(x.end().0, 0);

            disk.make_room();
            let x = Program::client(&people, "x");
            assert!(y.expect_start("x: ").ends_with("hi"));
            leave(x);
            leave(y);
            registry.interrupt();
            assert_eq!(registry.end().0, 0);
        },
    );
}

#[test]
fn a_client_whose_disk_is_full_accepts_nothing_and_acknowledges_nothing_until_there_is_room() {
    with_disk(
        "a_client_whose_disk_is_full_accepts_nothing_and_acknowledges_nothing_until_there_is_room",
        |disk| {
            let people = World::new();
            let small = World::within(&disk.path, people.port);
            let _registry = Program::registry(&people);
            let mut x = Program::client(&small, "x");
            let mut y = Program::client(&people, "y");
            x.quiet();
            x.type_line("send y before");
            x.expect("[Message received by y.]");
            y.expect("x: before");

            disk.fill();
            let mut sent = 0;
            loop {
                sent += 1;
                assert!(sent < 100, "the disk is never full");
                x.type_line(&format!("send y {sent} {}", "x".repeat(30_000)));
                let line = x.expect_start("[Message ");
                if line.contains(FULL) {
                    assert!(line.starts_with("[Message not sent: "), "{line}");
                    break;
                }
                y.expect_start(&format!("x: {sent} "));
            }
            y.type_line(&format!("send x to the full one {}", "y".repeat(30_000)));
            y.expect("[No ACK from x, message sent to server.]");
            y.expect(SAVED);
            x.kill();

            let mut x = Program::start(&small, &small.chat("x"));
            assert!(x.expect_start("[Trouble: ").contains(FULL));
            disk.make_room();
            // It is registered before or after: what the store has tidied may be room enough for that.
            assert!(x.expect_start("y: 20").contains(" to the full one "));
            y.expect_start("[Message of 20");
            x.type_line("send y after");
            let line = y.expect_start("x: ");
            assert!(
                line.ends_with("after"),
                "nothing of what was not accepted: {line:.60}"
            );
            x.expect_start("[Message ");
            leave(x);
            leave(y);
        },
    );
}

#[test]
fn a_disk_that_is_full_at_the_first_start_is_told_and_harms_no_later_start() {
    with_disk(
        "a_disk_that_is_full_at_the_first_start_is_told_and_harms_no_later_start",
        |disk| {
            let people = World::new();
            let small = World::within(&disk.path, people.port);
            disk.fill();
            for arguments in [small.serve(), small.chat("x")] {
                let (code, words) = refused(&small, &arguments);
                assert_eq!(code, 5, "{words}");
                assert!(words.to_lowercase().contains("no space left"), "{words}");
            }
            disk.make_room();
            let _registry = Program::registry(&small);
            let mut x = Program::start(&small, &small.chat("x"));
            x.expect(WELCOME);
            leave(x);
        },
    );
}

#[test]
fn who_can_only_read_his_disk_or_database_is_told_and_nothing_is_touched() {
    with_disk(
        "who_can_only_read_his_disk_or_database_is_told_and_nothing_is_touched",
        |disk| {
            let people = World::new();
            let small = World::within(&disk.path, people.port);
            let registry = Program::registry(&small);
            leave(Program::client(&small, "x"));
            registry.interrupt();
            assert_eq!(registry.end().0, 0);
            let both = [
                (small.serve(), small.registry_folder()),
                (small.chat("x"), small.client_folder("x")),
            ];
            for (arguments, folder) in &both {
                let database = folder.join("database.sqlite");
                let before = fs::read(&database).unwrap();
                mount(&["--bind"], &[&database, &database]);
                mount(&["-o", "remount,bind,ro"], &[&database]);
                let (code, words) = refused(&small, arguments);
                assert_eq!(code, 5, "{words}");
                assert!(words.contains("is read-only. Its messages are safe"), "{words}");
                assert_eq!(fs::read(&database).unwrap(), before, "untouched");
            }
            mount(&["-o", "remount,bind,ro"], &[&disk.path]);
            for (arguments, folder) in &both {
                let (code, words) = refused(&small, arguments);
                assert_eq!(code, 5, "{words}");
                let told = format!("the folder {} cannot be used", folder.display());
                assert!(words.contains(&told) && words.contains("--data-dir"), "{words}");
            }
        },
    );
}
